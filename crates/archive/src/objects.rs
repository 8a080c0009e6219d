//! Immutable objects named by the SHA-256 of their bytes.
//!
//! Contract: a returned digest means the bytes are durable under that name. Equal bytes may be written again, by anyone, at any
//! time. Other bytes under a name are never taken for the object: reading re-hashes, and writing looks at what is there.
//! Memory does not grow with an object's size except in [`Objects::get`].

use crate::error::{Error, Result};
use crate::layout;
use bytes::Bytes;
use futures::stream::{self, BoxStream};
use futures::{StreamExt as _, TryStreamExt as _};
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{GetResult, GetResultPayload, ObjectStore, ObjectStoreExt as _, PutMode, PutPayload};
use sohoa_record::{Digests, Hasher, NameHasher, Sha256Hex};
use std::fs::FileType;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::fs::File;
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _};

/// Files above this size go up in parts of this size. S3 wants parts of at least 5 MiB.
const PART: usize = 8 << 20;
/// The same where the store is a folder: fifty scanners that push at once hold as many parts in memory.
const LOCAL_PART: usize = 1 << 20;
/// More is hashed on a thread of its own, so much at a time.
const CHUNK: usize = 256 << 10;

/// The objects of an archive.
#[derive(Clone, Debug)]
pub struct Objects {
    store: Arc<dyn ObjectStore>,
    folder: Option<PathBuf>,
}

impl Objects {
    /// Objects in any store. `folder` is given when the store is this local folder; it makes [`Objects::local_path`] possible.
    pub fn new(store: Arc<dyn ObjectStore>, folder: Option<PathBuf>) -> Self {
        Self { store, folder }
    }

    /// Stores bytes that are at hand.
    pub async fn put(&self, bytes: impl Into<Bytes>) -> Result<Digests> {
        let bytes: Bytes = bytes.into();
        let digests = digests_of(bytes.clone()).await;
        self.put_named(bytes, &digests.sha256).await?;
        Ok(digests)
    }

    /// Stores a file from its beginning, in constant memory. `place` names it in errors.
    ///
    /// A file that is still being written is [`Error::SourceChanged`], not an archived half: its length and time of change must
    /// be the same after reading as before, and its copy must have the name that the first reading gave. The digests are those of the
    /// bytes that were stored.
    pub async fn put_file(&self, file: &mut File, place: &str) -> Result<Digests> {
        let digests = self.digests_of_file(file, place).await?;
        self.put_read(file, place, digests).await
    }

    /// The same for a source: what was lawfully destroyed ([`crate::destroy`]) does not come back. Gives nothing then but its digest, and
    /// nothing was stored. `known` are the file's digests where the caller has read it already.
    pub(crate) async fn put_source(&self, file: &mut File, place: &str, known: Option<Digests>) -> Result<Digests> {
        let digests = match known {
            Some(digests) => digests,
            None => self.digests_of_file(file, place).await?,
        };
        if self.is_destroyed(&digests.sha256).await? {
            return Ok(digests);
        }
        self.put_read(file, place, digests).await
    }

    /// The digests of a file that stands still.
    async fn digests_of_file(&self, file: &mut File, place: &str) -> Result<Digests> {
        let unreadable = |source| Error::SourceUnreadable { place: place.to_owned(), source };
        let before = file.metadata().await.map_err(unreadable)?;
        file.rewind().await.map_err(unreadable)?;
        // No more than the length that was seen: else a file that grows as fast as it is read would never end.
        let mut left = before.len();
        let mut hasher = Hasher::new();
        let mut part = Vec::with_capacity(before.len().min(self.part()) as usize);
        while left > 0 {
            part.clear();
            (&mut *file).take(left.min(self.part())).read_to_end(&mut part).await.map_err(unreadable)?;
            if part.is_empty() {
                break;
            }
            left -= part.len() as u64;
            (hasher, part) = hashed(hasher, Hasher::update, part).await.map_err(unreadable)?;
        }
        let after = file.metadata().await.map_err(unreadable)?;
        if left > 0 || (before.len(), before.modified().ok()) != (after.len(), after.modified().ok()) {
            return Err(Error::SourceChanged { place: place.to_owned() });
        }
        Ok(hasher.finish())
    }

    /// Stores a file that was read before and had `digests`.
    async fn put_read(&self, file: &mut File, place: &str, digests: Digests) -> Result<Digests> {
        if digests.size > self.part() {
            match self.size(&digests.sha256).await? {
                Some(_) => self.verify(&digests.sha256).await?,
                None => self.copy_in_parts(file, place, &digests).await?,
            }
            return Ok(digests);
        }
        let unreadable = |source| Error::SourceUnreadable { place: place.to_owned(), source };
        let mut bytes = Vec::with_capacity(digests.size as usize);
        file.rewind().await.map_err(unreadable)?;
        (&mut *file).take(digests.size).read_to_end(&mut bytes).await.map_err(unreadable)?;
        if Sha256Hex::of(&bytes) != digests.sha256 {
            return Err(Error::SourceChanged { place: place.to_owned() });
        }
        self.put_named(bytes.into(), &digests.sha256).await?;
        Ok(digests)
    }

    /// Stores bytes under their name.
    async fn put_named(&self, bytes: Bytes, name: &Sha256Hex) -> Result<()> {
        let path = layout::object(name);
        match self.store.put_opts(&path, PutPayload::from(bytes), PutMode::Create.into()).await {
            Ok(_) => Ok(()),
            Err(object_store::Error::AlreadyExists { .. } | object_store::Error::Precondition { .. }) => self.verify(name).await,
            Err(source) => Err(Error::Store { place: path.to_string(), source }),
        }
    }

    /// How long the parts of a large file are.
    fn part(&self) -> u64 {
        if self.folder.is_some() { LOCAL_PART as u64 } else { PART as u64 }
    }

    /// Copies a file that is known to have `digests` into its object, and gives up if it turns out to have others. The name tells: other
    /// bytes with this SHA-256 are not to be had.
    async fn copy_in_parts(&self, file: &mut File, place: &str, digests: &Digests) -> Result<()> {
        let unreadable = |source| Error::SourceUnreadable { place: place.to_owned(), source };
        let path = layout::object(&digests.sha256);
        file.rewind().await.map_err(unreadable)?;
        // Multipart uploads know no create-if-absent. None is needed: whoever else writes this name writes these bytes.
        let mut upload = self.store.put_multipart(&path).await.map_err(Error::store(&path))?;
        let mut hasher = NameHasher::new();
        let copied = async {
            let mut left = digests.size;
            while left > 0 {
                let mut part = Vec::with_capacity(left.min(self.part()) as usize);
                (&mut *file).take(left.min(self.part())).read_to_end(&mut part).await.map_err(unreadable)?;
                if part.is_empty() {
                    break;
                }
                left -= part.len() as u64;
                (hasher, part) = hashed(hasher, NameHasher::update, part).await.map_err(unreadable)?;
                upload.put_part(part.into()).await.map_err(Error::store(&path))?;
            }
            if hasher.finish() != digests.sha256 {
                return Err(Error::SourceChanged { place: place.to_owned() });
            }
            upload.complete().await.map_err(Error::store(&path))
        };
        if let Err(error) = copied.await {
            // What is left of an upload is invisible; taking it away is a courtesy that may fail.
            let _ = upload.abort().await;
            return Err(error);
        }
        Ok(())
    }

    /// The whole object, re-hashed. Meant for small objects; see [`Objects::open`].
    pub async fn get(&self, digest: &Sha256Hex) -> Result<Bytes> {
        let path = layout::object(digest);
        let bytes = self.fetch(digest).await?.bytes().await.map_err(Error::store(&path))?;
        let found = name_of(bytes.clone()).await;
        if found == *digest { Ok(bytes) } else { Err(Error::Altered { digest: digest.clone(), found }) }
    }

    /// The object in pieces, re-hashed on the way: an altered object ends in [`Error::Altered`] instead of a last piece, so
    /// nothing that was read may be used before the stream has ended.
    pub async fn open(&self, digest: &Sha256Hex) -> Result<BoxStream<'static, Result<Bytes>>> {
        struct Reading {
            pieces: BoxStream<'static, object_store::Result<Bytes>>,
            hasher: Option<NameHasher>,
            digest: Sha256Hex,
        }
        let pieces = self.fetch(digest).await?.into_stream();
        let reading = Reading { pieces, hasher: Some(NameHasher::new()), digest: digest.clone() };
        let checked = stream::try_unfold(reading, |mut reading| async move {
            let place = || layout::object(&reading.digest);
            if let Some(piece) = reading.pieces.try_next().await.map_err(|e| Error::store(place())(e))? {
                if let Some(hasher) = &mut reading.hasher {
                    hasher.update(&piece);
                }
                return Ok(Some((piece, reading)));
            }
            match reading.hasher.take().map(|hasher| hasher.finish()) {
                Some(found) if found != reading.digest => Err(Error::Altered { digest: reading.digest, found }),
                _ => Ok(None),
            }
        });
        Ok(checked.boxed())
    }

    /// Re-hashes the object where it lies.
    pub async fn verify(&self, digest: &Sha256Hex) -> Result<()> {
        let path = layout::object(digest);
        let found = match self.fetch(digest).await?.payload {
            // A file is read in large pieces on one thread; the store's own stream would take 8 KiB at a time.
            GetResultPayload::File(file, _) => {
                let hashed = tokio::task::spawn_blocking(move || name_of_file(file)).await;
                hashed.map_err(|e| Error::store(&path)(e.into()))?.map_err(|e| Error::store(&path)(generic(e)))?
            }
            GetResultPayload::Stream(mut pieces) => {
                let mut hasher = NameHasher::new();
                while let Some(piece) = pieces.try_next().await.map_err(Error::store(&path))? {
                    hasher.update(&piece);
                }
                hasher.finish()
            }
        };
        if found == *digest { Ok(()) } else { Err(Error::Altered { digest: digest.clone(), found }) }
    }

    /// True when these bytes were a source whose documents were lawfully destroyed.
    pub(crate) async fn is_destroyed(&self, source: &Sha256Hex) -> Result<bool> {
        let path = layout::destroyed_source(source);
        match self.store.head(&path).await {
            Ok(_) => Ok(true),
            Err(object_store::Error::NotFound { .. }) => Ok(false),
            Err(source) => Err(Error::Store { place: path.to_string(), source }),
        }
    }

    /// The object's size in bytes, or nothing when it is not in the store. Says nothing about its bytes.
    pub async fn size(&self, digest: &Sha256Hex) -> Result<Option<u64>> {
        let path = layout::object(digest);
        match self.store.head(&path).await {
            Ok(meta) => Ok(Some(meta.size)),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(source) => Err(Error::Store { place: path.to_string(), source }),
        }
    }

    /// Every object and its size, in no order. A file that is not an object is given by its path instead.
    pub fn list(&self) -> BoxStream<'_, Result<(Result<Sha256Hex, Path>, u64)>> {
        let listed = self.store.list(Some(&Path::from(layout::OBJECTS)));
        listed
            .map_ok(|meta| (layout::parse_object(&meta.location).ok_or(meta.location), meta.size))
            .map_err(Error::store(layout::OBJECTS))
            .boxed()
    }

    /// Where the object lies on this machine's disk, when the store is a local folder: to hand an open file to a child without
    /// loading it. Opening it this way does not re-hash it.
    pub fn local_path(&self, digest: &Sha256Hex) -> Option<PathBuf> {
        Some(self.folder.as_ref()?.join(layout::object(digest).as_ref()))
    }

    /// The local folder that the store is, if it is one.
    pub(crate) fn folder(&self) -> Option<&std::path::Path> {
        self.folder.as_deref()
    }

    /// Files that an upload left that was cut off (by a power cut, a kill), when the store is a local folder. They are invisible to
    /// the store and harm nobody, but take room; those of an upload that is going on right now look the same.
    pub async fn unfinished(&self) -> Vec<PathBuf> {
        let is_number = |n: &str| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit());
        let is_staged = move |name: &str| name.rsplit_once('#').is_some_and(|(_, n)| is_number(n));
        self.entries(move |kind, name| kind.is_file() && is_staged(name)).await
    }

    /// Links, pipes, sockets and devices anywhere in the store, when it is a local folder. It holds files and folders only; reading through the
    /// store follows links without a word.
    pub async fn not_files(&self) -> Vec<PathBuf> {
        self.entries(|kind, _| !kind.is_file() && !kind.is_dir()).await
    }

    /// The paths below the local folder that `wanted` takes by their kind, no link followed, and name.
    async fn entries(&self, wanted: impl Fn(FileType, &str) -> bool + Send + 'static) -> Vec<PathBuf> {
        let Some(folder) = self.folder.clone() else { return Vec::new() };
        let walk = move || {
            let (mut folders, mut found) = (vec![folder], Vec::new());
            while let Some(folder) = folders.pop() {
                for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
                    let Ok(kind) = entry.file_type() else { continue };
                    if wanted(kind, &entry.file_name().to_string_lossy()) {
                        found.push(entry.path());
                    } else if kind.is_dir() {
                        folders.push(entry.path());
                    }
                }
            }
            found
        };
        tokio::task::spawn_blocking(walk).await.unwrap_or_default()
    }

    async fn fetch(&self, digest: &Sha256Hex) -> Result<GetResult> {
        let path = layout::object(digest);
        self.store.get(&path).await.map_err(|source| match source {
            object_store::Error::NotFound { .. } => Error::Missing { digest: digest.clone() },
            source => Error::Store { place: path.to_string(), source },
        })
    }
}

/// A local folder as an object store whose writes are durable when they return.
pub fn folder_store(folder: &std::path::Path) -> Result<Arc<dyn ObjectStore>> {
    let store = LocalFileSystem::new_with_prefix(folder)
        .map_err(|e| Error::Folder { folder: folder.display().to_string(), why: e.to_string() })?;
    Ok(Arc::new(store.with_fsync(true)))
}

/// The hasher with the bytes of a part in it, and the part again. Hashing has a thread of its own, so that no other task waits for it; only a
/// runtime that is shutting down refuses one.
async fn hashed<H: Send + 'static>(mut hasher: H, update: fn(&mut H, &[u8]), part: Vec<u8>) -> std::io::Result<(H, Vec<u8>)> {
    let hashing = tokio::task::spawn_blocking(move || {
        update(&mut hasher, &part);
        (hasher, part)
    });
    Ok(hashing.await?)
}

async fn digests_of(bytes: Bytes) -> Digests {
    apart(bytes, Digests::of).await
}

async fn name_of(bytes: Bytes) -> Sha256Hex {
    apart(bytes, Sha256Hex::of).await
}

/// Large bytes are hashed on a thread of their own, so that no other task waits for them.
async fn apart<D: Send + 'static>(bytes: Bytes, hash: fn(&[u8]) -> D) -> D {
    if bytes.len() <= CHUNK {
        return hash(&bytes);
    }
    let copy = bytes.clone();
    // Only a runtime that is shutting down refuses a thread.
    tokio::task::spawn_blocking(move || hash(&copy)).await.unwrap_or_else(|_| hash(&bytes))
}

fn name_of_file(mut file: std::fs::File) -> std::io::Result<Sha256Hex> {
    use std::io::Read as _;
    let mut hasher = NameHasher::new();
    let mut piece = vec![0; CHUNK];
    loop {
        match file.read(&mut piece) {
            Ok(0) => return Ok(hasher.finish()),
            Ok(n) => hasher.update(&piece[..n]),
            Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
}

fn generic(source: std::io::Error) -> object_store::Error {
    object_store::Error::Generic { store: "folder", source: source.into() }
}
