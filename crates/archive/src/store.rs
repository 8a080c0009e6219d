//! The order of writes, and the one point where a document comes to be.
//!
//! ```text
//! arrive:  source object → announced → first.json (decides the record) → job
//! commit:  all objects are there → r0001.dsse.json (THE COMMIT POINT) → index and job, one transaction
//! ```
//! Every write is create-if-absent, so each function may be called again after any failure, by the same program or another, and
//! does what is left to do; there is no other recovery. Two that race end with one record: the one who comes second is told
//! what the first one did.

use crate::database::{self, Database};
use crate::entry::Entry;
use crate::error::{Error, Result};
use crate::index::{self, Filter, Index};
use crate::log::Leaves;
use crate::objects::{Objects, folder_store};
use crate::pushes::Pushes;
use crate::queue::{self, Queue, QueueCounts};
use crate::{body, layout};
use bytes::Bytes;
use futures::TryStreamExt as _;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt as _, PutMode, PutPayload};
use serde::{Deserialize, Serialize};
use sohoa_record::identifier::RecordId;
use sohoa_record::log::Leaf;
use sohoa_record::log::tree::leaf_hash;
use sohoa_record::manifest::{Dossier, Role};
use sohoa_record::seal::Opened;
use sohoa_record::{Digests, Receipt, Sha256Hex, TrustPolicy};
use std::sync::Arc;
use tokio::fs::File;

/// The first member of every arrival note.
pub const ARRIVAL_FORMAT: &str = "sohoa-arrival/1";

/// An archive: the store, which is all that counts, and the index and queue made from it. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Archive {
    pub(crate) store: Arc<dyn ObjectStore>,
    pub(crate) policy: TrustPolicy,
    /// The immutable bytes.
    pub objects: Objects,
    /// Lists, counts, searches.
    pub index: Index,
    /// What is to be done.
    pub queue: Queue,
    /// What stations called their pushes.
    pub pushes: Pushes,
}

/// A document that arrives. Everything that is chosen or read from a clock is given by the caller.
#[derive(Clone, Debug)]
pub struct Arriving {
    /// The identifier of the record if these bytes turn out to be new.
    pub record: RecordId,
    /// The file's name without folders, NFC.
    pub name: String,
    /// Where it was found, as the operator knows it.
    pub path: String,
    /// Its media type, when it was looked at already.
    pub media_type: Option<String>,
    /// RFC 3339 at +07:00.
    pub arrived_at: String,
    /// The same moment in milliseconds since 1970 UTC: the job's place in the queue.
    pub now: i64,
    /// Where the document belongs.
    pub dossier: Dossier,
    /// Higher is done first.
    pub priority: i64,
}

/// The bytes of a document that arrives.
pub enum SourceBytes<'a> {
    /// An open file, read from its beginning in constant memory.
    File(&'a mut File),
    /// The same, of which the caller knows the digests because it has read it already. Nobody else writes it.
    Read(&'a mut File, Digests),
    /// Bytes at hand.
    Bytes(Bytes),
}

/// What is noted of an arrival: `first.json` and the links beside it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArrivalNote {
    /// [`ARRIVAL_FORMAT`].
    pub format: String,
    /// The record of these bytes.
    pub record: RecordId,
    /// The file's name without folders, NFC.
    pub name: String,
    /// Where it was found.
    pub path: String,
    /// Its media type, when it was known.
    pub media_type: Option<String>,
    /// RFC 3339 at +07:00.
    pub arrived_at: String,
    /// Where the document belongs.
    pub dossier: Dossier,
    /// Its bytes.
    #[serde(flatten)]
    pub digests: Digests,
}

/// Whether these bytes were met before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrival {
    /// Never.
    New,
    /// At this very place.
    Known,
    /// Elsewhere: linked to the first.
    Linked,
}

/// A document that has arrived: its source is durable, and it is committed or there is a job for it.
#[derive(Clone, Debug)]
pub struct Arrived {
    /// Whether it was met before.
    pub arrival: Arrival,
    /// The first arrival of these bytes; its `record` is the record.
    pub first: ArrivalNote,
    /// True when the record is sealed and stored already: there is nothing to do.
    pub committed: bool,
}

/// How a commit ended. Either way the record is there, and nothing more is to be done.
#[derive(Clone, Debug)]
pub enum Commit {
    /// This receipt is the revision.
    Committed(Opened),
    /// Another receipt is: somebody was quicker, or an earlier try got further than it knew. What it says counts.
    AlreadyCommitted(Opened),
}

impl Commit {
    /// The revision that is in the archive.
    pub fn opened(&self) -> &Opened {
        match self {
            Commit::Committed(opened) | Commit::AlreadyCommitted(opened) => opened,
        }
    }
}

/// All that the store knows of a record.
#[derive(Clone, Debug)]
pub struct Shown {
    /// Every revision, verified, from 1; never empty.
    pub revisions: Vec<Opened>,
    /// Where its bytes were met: the first arrival, then the links.
    pub arrivals: Vec<ArrivalNote>,
}

impl Archive {
    /// Opens an archive in any object store. `folder` is given when the store is that local folder. `database` is the file of
    /// index and queue; it is made when it is not there, and then wants a rebuild if the store is not empty. Receipts are
    /// believed under `policy` and not otherwise.
    pub async fn open(
        store: Arc<dyn ObjectStore>,
        folder: Option<&std::path::Path>,
        database: &std::path::Path,
        policy: TrustPolicy,
    ) -> Result<Self> {
        let database = Database::open(database).await?;
        Ok(Self {
            objects: Objects::new(store.clone(), folder.map(Into::into)),
            store,
            policy,
            index: Index { database: database.clone() },
            pushes: Pushes { database: database.clone() },
            queue: Queue { database },
        })
    }

    /// Opens an archive in a local folder, which must exist.
    pub async fn open_folder(folder: &std::path::Path, database: &std::path::Path, policy: TrustPolicy) -> Result<Self> {
        Self::open(folder_store(folder)?, Some(folder), database, policy).await
    }

    /// Closes index and queue in good order. An archive that is just dropped, or killed, loses nothing either.
    pub async fn close(self) {
        self.index.database.close().await;
    }

    /// [`Error::Away`] when index or queue know papers and the store has none at all: another folder is mounted, or none. Whatever would be
    /// written then would lie in a wrong place.
    pub async fn check_is_there(&self) -> Result<()> {
        let first = self.store.list(Some(&Path::from(layout::ARRIVALS))).try_next().await;
        if first.map_err(Error::store(layout::ARRIVALS))?.is_some() {
            return Ok(());
        }
        let knows_none = self.index.entries(&Filter::default(), None, 1).await?.is_empty()
            && self.queue.counts().await? == QueueCounts::default();
        if knows_none { Ok(()) } else { Err(Error::Away) }
    }

    /// True when index and queue are empty and the store is not: somebody lost the database, and `sohoa fsck --rebuild` is due.
    /// An ingest of the same files would find its way without, but lists, searches and rates would be silently wrong.
    pub async fn wants_rebuild(&self) -> Result<bool> {
        if !self.index.entries(&Filter::default(), None, 1).await?.is_empty()
            || !self.index.destroyed(None, 1).await?.is_empty()
            || self.queue.counts().await? != QueueCounts::default()
        {
            return Ok(false);
        }
        let first = self.store.list(Some(&Path::from(layout::ARRIVALS))).try_next().await;
        Ok(first.map_err(Error::store(layout::ARRIVALS))?.is_some())
    }

    /// Takes in a document: stores its bytes, decides its record, and sees to it that there is a job as long as it is not
    /// committed. `place` of errors is `arriving.path`.
    pub async fn arrive(&self, arriving: Arriving, source: SourceBytes<'_>) -> Result<Arrived> {
        let digests = match source {
            SourceBytes::File(file) => self.objects.put_source(file, &arriving.path, None).await?,
            SourceBytes::Read(file, digests) => self.objects.put_source(file, &arriving.path, Some(digests)).await?,
            SourceBytes::Bytes(bytes) => {
                let digests = Digests::of(&bytes);
                if self.objects.is_destroyed(&digests.sha256).await? { digests } else { self.objects.put(bytes).await? }
            }
        };
        self.refuse_destroyed(&digests.sha256).await?;
        let mut note = ArrivalNote {
            format: ARRIVAL_FORMAT.to_owned(),
            record: arriving.record,
            name: arriving.name,
            path: arriving.path,
            media_type: arriving.media_type,
            arrived_at: arriving.arrived_at,
            dossier: arriving.dossier,
            digests,
        };
        let source = note.digests.sha256.clone();
        self.queue.announce(arriving.now, &source, arriving.priority).await?;
        // Whoever creates this first decides the record of these bytes, for ever.
        let first_path = layout::first_arrival(&source);
        let (arrival, first) = match self.create(&first_path, json(&note)).await? {
            None => (Arrival::New, note),
            Some(bytes) => {
                let first = parse_note(&first_path, &bytes)?;
                if (&first.path, &first.dossier.folder) == (&note.path, &note.dossier.folder) {
                    (Arrival::Known, first)
                } else {
                    note.record = first.record.clone();
                    self.create(&layout::link(&source, &note.path, &note.dossier.folder), json(&note)).await?;
                    (Arrival::Linked, first)
                }
            }
        };
        let committed = self.exists(&layout::receipt(&first.record, 1)).await?;
        if !committed {
            self.queue.enqueue(arriving.now, &first.record, &source, arriving.priority).await?;
        } else {
            if self.index.entry(&first.record).await?.is_none() {
                // An earlier run was stopped just after the commit point.
                self.resume(&first.record).await?;
            }
            self.queue.arrived(&source).await?;
        }
        Ok(Arrived { arrival, first, committed })
    }

    /// Takes up arrivals that a program began and did not end, because it was killed between the note in the store and the job. Gives how
    /// many got their job now. `now` in milliseconds since 1970; what was announced and never noted is forgotten after a day.
    pub async fn resume_arrivals(&self, now: i64) -> Result<u64> {
        const DAY_MS: i64 = 24 * 60 * 60 * 1000;
        let mut resumed = 0;
        for (source, priority, at) in self.queue.announced().await? {
            match self.arrival(&source).await? {
                Some(first) if !self.exists(&layout::receipt(&first.record, 1)).await? => {
                    resumed += u64::from(self.queue.enqueue(at, &first.record, &source, priority).await?);
                }
                Some(_) => self.queue.arrived(&source).await?,
                None if now - at > DAY_MS => self.queue.arrived(&source).await?,
                None => {}
            }
        }
        Ok(resumed)
    }

    /// Commits a revision whose objects are stored. After an error it may be called again with the same receipt or with a new
    /// one for the same revision; whichever was created first is the revision.
    ///
    /// Revision 1 continues an arrival, revision n + 1 names the digest of revision n as `previous`; else [`Error::Chain`].
    pub async fn commit(&self, receipt: &Receipt) -> Result<Commit> {
        let opened = receipt.open(&self.policy).map_err(|source| Error::ForeignReceipt { source })?;
        let manifest = &opened.manifest;
        self.check_arrival(&opened).await?;
        self.check_chain(&opened).await?;
        self.check_log(&opened).await?;
        for object in &manifest.objects {
            let digest = &object.digests.sha256;
            let found = self.objects.size(digest).await?.ok_or_else(|| Error::Missing { digest: digest.clone() })?;
            if found != object.digests.size {
                return Err(Error::SizeDiffers { digest: digest.clone(), listed: object.digests.size, found });
            }
        }

        // Whatever completing needs is read before, so that nothing that is committed cannot be completed.
        let body = body::read(&self.objects, &opened).await?;

        // THE COMMIT POINT. Before this create-if-absent nothing of the revision is visible; after it a retry only completes.
        let bytes = receipt.to_bytes();
        let existing = self.create(&layout::receipt(&manifest.record, manifest.revision), bytes.clone()).await?;

        match existing {
            Some(other) if other != bytes => {
                let other = self.open_receipt(&manifest.record, manifest.revision, &other)?;
                self.complete(&other, &body::read(&self.objects, &other).await?).await?;
                Ok(Commit::AlreadyCommitted(other))
            }
            _ => {
                self.complete(&opened, &body).await?;
                Ok(Commit::Committed(opened))
            }
        }
    }

    /// A revision that the log has and the store has not was lost or taken away. Were another sealed in its place, the log would have two
    /// for ever, and nobody could tell any more that one was taken.
    async fn check_log(&self, opened: &Opened) -> Result<()> {
        let (record, revision) = (&opened.manifest.record, opened.manifest.revision);
        let logged = Leaves::of(&self.index.database).of_revision(record, revision).await?;
        let own = leaf_hash(&Leaf::of_revision(opened).to_bytes());
        if logged.iter().any(|hash| hash.as_slice() != own.as_slice()) && !self.exists(&layout::receipt(record, revision)).await?
        {
            return Err(Error::Withheld { record: record.clone(), revision });
        }
        Ok(())
    }

    /// Asked before the documents of a source are committed: an earlier try that was stopped half way must have divided it alike, or
    /// some pages would be in two records. `of` is how many documents there are, `record` the arrival's.
    pub async fn check_division(&self, record: &RecordId, source: &Sha256Hex, of: u32) -> Result<()> {
        for made in self.index.of_source(source).await? {
            let begun = self.revision(&made, 1).await?.and_then(|opened| opened.manifest.part).map_or(1, |part| part.of);
            if begun != of {
                return Err(Error::Divided { record: record.clone(), begun, now: of });
            }
        }
        Ok(())
    }

    /// Completes a record that is committed already: what a worker asks before it begins. Nothing when it is not committed.
    pub async fn resume(&self, record: &RecordId) -> Result<Option<Opened>> {
        let latest = self.revisions(record).await?.pop();
        if let Some(opened) = &latest {
            self.complete(opened, &body::read(&self.objects, opened).await?).await?;
        }
        Ok(latest)
    }

    /// Takes up decisions that were committed and whose program was killed before the index knew: of every record that still waits for a
    /// person it is asked whether there is a later revision. Gives how many there were.
    pub async fn resume_decisions(&self) -> Result<u64> {
        let (mut resumed, mut after) = (0, None);
        loop {
            let page = self.index.waiting(after.as_ref(), 1000).await?;
            let Some((last, _)) = page.last() else { return Ok(resumed) };
            after = Some(last.clone());
            for (record, revision) in page {
                if self.exists(&layout::receipt(&record, revision + 1)).await? {
                    self.resume(&record).await?;
                    resumed += 1;
                }
            }
        }
    }

    /// Index and queue after the commit point: one transaction.
    async fn complete(&self, opened: &Opened, body: &str) -> Result<()> {
        let mut tx = self.index.database.write().await?;
        index::write(&mut tx, &Entry::of(opened), body).await?;
        queue::complete(&mut tx, &opened.manifest.record).await?;
        Ok(tx.commit().await?)
    }

    /// Every revision of a record, verified, from 1; empty when it is not committed, [`Error::Destroyed`] when it is no more.
    pub async fn revisions(&self, record: &RecordId) -> Result<Vec<Opened>> {
        let mut revisions = Vec::new();
        while let Some(opened) = self.revision(record, revisions.len() as u32 + 1).await? {
            revisions.push(opened);
        }
        if revisions.is_empty()
            && let Some(destroyed) = self.destroyed(record).await?
        {
            return Err(destroyed.error());
        }
        Ok(revisions)
    }

    /// One revision of a record, verified. [`Error::Destroyed`] when the record's tombstone has its place.
    pub async fn revision(&self, record: &RecordId, revision: u32) -> Result<Option<Opened>> {
        let bytes = self.read(&layout::receipt(record, revision)).await?;
        bytes.map(|bytes| self.open_receipt(record, revision, &bytes)).transpose()
    }

    /// The stored bytes of a receipt, for an export.
    pub async fn receipt_bytes(&self, record: &RecordId, revision: u32) -> Result<Option<Bytes>> {
        self.read(&layout::receipt(record, revision)).await
    }

    /// The first arrival of a source.
    pub async fn arrival(&self, source: &Sha256Hex) -> Result<Option<ArrivalNote>> {
        let path = layout::first_arrival(source);
        let bytes = self.read(&path).await?;
        bytes.map(|bytes| parse_note(&path, &bytes)).transpose()
    }

    /// All that the store knows of a record; nothing when it is not committed.
    pub async fn show(&self, record: &RecordId) -> Result<Option<Shown>> {
        let revisions = self.revisions(record).await?;
        let Some(source) = revisions.first().map(|opened| opened.manifest.source.digests.sha256.clone()) else { return Ok(None) };
        let arrivals = self.arrivals(&source).await?;
        Ok(Some(Shown { revisions, arrivals }))
    }

    /// Where the bytes of a source were met: the first arrival, then the links.
    pub async fn arrivals(&self, source: &Sha256Hex) -> Result<Vec<ArrivalNote>> {
        let folder = layout::arrivals(source);
        let mut arrivals = Vec::new();
        let mut listed = self.store.list(Some(&folder));
        while let Some(meta) = listed.try_next().await.map_err(Error::store(&folder))? {
            if layout::parse_destroyed_source(&meta.location).is_none()
                && let Some(bytes) = self.read(&meta.location).await?
            {
                arrivals.push((layout::parse_link(&meta.location).is_some(), parse_note(&meta.location, &bytes)?));
            }
        }
        arrivals.sort_by(|(a_is_link, a), (b_is_link, b)| {
            (a_is_link, &a.arrived_at, &a.path).cmp(&(b_is_link, &b.arrived_at, &b.path))
        });
        Ok(arrivals.into_iter().map(|(_, note)| note).collect())
    }

    /// A receipt must be of the record that the source's arrival decided, and say what the arrival says.
    pub(crate) async fn check_arrival(&self, opened: &Opened) -> Result<()> {
        let m = &opened.manifest;
        let source_sha256 = m.source.digests.sha256.clone();
        let misfit =
            |why: &str| Error::Arrival { record: m.record.clone(), source_sha256: source_sha256.clone(), why: why.to_owned() };
        let first = self.arrival(&m.source.digests.sha256).await?.ok_or_else(|| misfit("it never arrived"))?;
        let number = m.part.map_or(1, |part| part.number);
        if m.part.is_some_and(|part| part.number == 0 || part.number > part.of) || first.record.part(number) != m.record {
            return Err(misfit(&format!("the arrival belongs to record {}", first.record)));
        }
        if first.digests != m.source.digests || m.object(Role::Source).map(|o| &o.digests) != Some(&first.digests) {
            return Err(misfit("size or digests are not those of the bytes that arrived"));
        }
        if (&first.arrived_at, &first.name) != (&m.source.arrived_at, &m.source.name) {
            return Err(misfit("name or time are not those of the arrival"));
        }
        Ok(())
    }

    pub(crate) async fn check_chain(&self, opened: &Opened) -> Result<()> {
        let m = &opened.manifest;
        let broken = |why: String| Error::Chain { record: m.record.clone(), revision: m.revision, why };
        match (m.revision, &m.previous) {
            (0, _) => Err(broken("revisions count from 1".into())),
            (1, None) => Ok(()),
            (1, Some(_)) => Err(broken("revision 1 has no previous revision".into())),
            (n, None) => Err(broken(format!("it does not name revision {}", n - 1))),
            (n, Some(named)) => match self.revision(&m.record, n - 1).await? {
                None => Err(broken(format!("revision {} is not in the archive", n - 1))),
                Some(previous) if previous.digest != *named => {
                    Err(broken(format!("it names {named} as revision {}, which is {}", n - 1, previous.digest)))
                }
                Some(_) => Ok(()),
            },
        }
    }

    /// Bytes of a receipt to a verified revision of that record.
    pub(crate) fn open_receipt(&self, record: &RecordId, revision: u32, bytes: &[u8]) -> Result<Opened> {
        let bad = |source| Error::Receipt { record: record.clone(), revision, source };
        if let Some(destroyed) = self.tombstone(record, revision, bytes)? {
            return Err(destroyed.error());
        }
        let opened = Receipt::parse(bytes).and_then(|receipt| receipt.open(&self.policy)).map_err(bad)?;
        if (&opened.manifest.record, opened.manifest.revision) != (record, revision) {
            let (other, n) = (&opened.manifest.record, opened.manifest.revision);
            return Err(Error::malformed(layout::receipt(record, revision), format_args!("it is record {other}, revision {n}")));
        }
        Ok(opened)
    }

    /// Create-if-absent. Gives the bytes that were there already, if any were.
    pub(crate) async fn create(&self, path: &Path, bytes: Vec<u8>) -> Result<Option<Bytes>> {
        match self.store.put_opts(path, PutPayload::from(bytes), PutMode::Create.into()).await {
            Ok(_) => Ok(None),
            Err(object_store::Error::AlreadyExists { .. } | object_store::Error::Precondition { .. }) => {
                let existing = self.store.get(path).await.map_err(Error::store(path))?;
                Ok(Some(existing.bytes().await.map_err(Error::store(path))?))
            }
            Err(source) => Err(Error::Store { place: path.to_string(), source }),
        }
    }

    pub(crate) async fn exists(&self, path: &Path) -> Result<bool> {
        match self.store.head(path).await {
            Ok(_) => Ok(true),
            Err(object_store::Error::NotFound { .. }) => Ok(false),
            Err(source) => Err(Error::Store { place: path.to_string(), source }),
        }
    }

    pub(crate) async fn read(&self, path: &Path) -> Result<Option<Bytes>> {
        match self.store.get(path).await {
            Ok(found) => Ok(Some(found.bytes().await.map_err(Error::store(path))?)),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(source) => Err(Error::Store { place: path.to_string(), source }),
        }
    }
}

/// Takes away the file of index and queue: before a rebuild when the file cannot even be opened. Nobody may have it open.
pub fn remove_index(database: &std::path::Path) -> Result<()> {
    database::remove(database).map_err(|e| Error::Folder { folder: database.display().to_string(), why: e.to_string() })
}

/// A new record's identifier: a UUID v7 (RFC 9562 §5.7), whose order is the order of making. The one place of this crate that
/// reads a clock and draws a random number; tests give their own.
pub fn new_record_id() -> RecordId {
    // A UUID's hyphenated form is what a record identifier is.
    RecordId::try_from(uuid::Uuid::now_v7().hyphenated().to_string()).unwrap_or_else(|_| unreachable!())
}

/// The bytes of a note: JSON and a line end.
pub(crate) fn json(note: &impl Serialize) -> Vec<u8> {
    // Notes are structs of strings and whole numbers; they always serialize.
    let mut bytes = serde_json::to_vec(note).unwrap_or_default();
    bytes.push(b'\n');
    bytes
}

pub(crate) fn parse_note(path: &Path, bytes: &[u8]) -> Result<ArrivalNote> {
    let note: ArrivalNote = serde_json::from_slice(bytes).map_err(|e| Error::malformed(path, e))?;
    let source = layout::parse_first_arrival(path).or_else(|| layout::parse_link(path));
    if note.format != ARRIVAL_FORMAT {
        return Err(Error::malformed(path, format_args!("format '{}' is not {ARRIVAL_FORMAT}", note.format)));
    }
    if source.as_ref() != Some(&note.digests.sha256) {
        return Err(Error::malformed(path, format_args!("it speaks of source {}", note.digests.sha256)));
    }
    Ok(note)
}
