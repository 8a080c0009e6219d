//! Appending: the order of writes of [`super`], and what is done when somebody else was quicker or something failed half-way.

use super::leaves::Leaves;
use super::read::{LogReader, bundle_of, path_of, place};
use crate::error::{Error, Result};
use crate::fsck::Finding;
use crate::store::Archive;
use bytes::Bytes;
use object_store::path::Path;
use object_store::{ObjectStoreExt as _, PutMode, PutPayload};
use sohoa_record::Sha256Hex;
use sohoa_record::log::head::{CREATE_ONLY, Head, anchor, cosigned};
use sohoa_record::log::tile::{TILE_WIDTH, push_entry, split_entries};
use sohoa_record::log::tree::leaf_hash;
use sohoa_record::log::{Checkpoint, Edge, Hash, Leaf, LogPolicy, Note, NoteSigner, Tile};
use std::collections::HashSet;
use tokio::sync::Mutex;

/// Entries that one head adds at most; more are appended by several heads.
const MOST_ENTRIES: usize = 16_384;

/// Records whose missing leaves are appended together.
const CATCH_UP: u32 = 1000;

/// A log that can be appended to.
#[derive(Debug)]
pub struct Log {
    reader: LogReader,
    leaves: Leaves,
    signer: NoteSigner,
    policy: LogPolicy,
    /// The newest head as this writer knows it; none after a failure, when only the store can tell.
    state: Mutex<Option<State>>,
}

/// All that must be known to add the next head.
#[derive(Clone, Debug)]
struct State {
    /// None before the first head.
    head: Option<(Head, Sha256Hex)>,
    edge: Edge,
    /// The entries of the partial bundle.
    tail: Vec<Bytes>,
}

impl Log {
    /// Opens the archive's log to append to it as `signer`, whose key the policy must name; completes what an earlier writer left
    /// half done. `kept` is the newest checkpoint that the caller knows of by another way than the store.
    ///
    /// [`Error::Unconditional`] when the store does not keep two writers apart, [`Error::LogForks`] when the store's log is not the
    /// newest that is known.
    pub async fn open(archive: &Archive, signer: NoteSigner, kept: Option<&Checkpoint>) -> Result<Log> {
        let policy = archive.policy.log().filter(|policy| policy.logs().iter().any(|log| log.key == *signer.public()));
        let policy = policy.ok_or_else(|| Error::LogKey { vkey: signer.public().to_string() })?.clone();
        let log = Log {
            reader: LogReader::new(archive.store.clone()),
            leaves: Leaves::of(&archive.index.database),
            signer,
            policy,
            state: Mutex::new(None),
        };
        log.refuse_unconditional().await?;
        let mut state = log.load().await?;
        log.refuse_fork(&state, kept).await?;
        log.publish(&mut state).await?;
        // What others appended is known before anything is sealed, also to an index that was made anew.
        log.leaves.follow(&log.reader, state.edge.size()).await?;
        *log.state.lock().await = Some(state);
        Ok(log)
    }

    /// What reads this log.
    pub fn reader(&self) -> &LogReader {
        &self.reader
    }

    /// The newest tree that this writer knows of.
    pub async fn tree(&self) -> Option<Checkpoint> {
        self.state.lock().await.as_ref().map(|state| self.tree_of(state))
    }

    /// Appends the entries that are not in the log yet, in their order, and gives for each where it is now. When it returns they are
    /// durable and a checkpoint over them was published. After an error it may be called again, by anyone, with the same entries.
    pub async fn append(&self, entries: &[Bytes]) -> Result<Vec<u64>> {
        let mut slot = self.state.lock().await;
        // Taken out: after a failure nobody knows which writes were stored, and the next call looks.
        let mut state = match slot.take() {
            Some(state) => state,
            None => self.load_known().await?,
        };
        let hashes: Vec<Hash> = entries.iter().map(|entry| leaf_hash(entry)).collect();
        let indices = loop {
            self.leaves.follow(&self.reader, state.edge.size()).await?;
            let known = self.leaves.indices_of(&hashes).await?;
            let indices: Vec<u64> = hashes.iter().map_while(|hash| known.get(hash).copied()).collect();
            if indices.iter().any(|index| *index >= state.edge.size()) {
                // Another writer that shares the index got further than we know.
                state = self.load_known().await?;
                continue;
            }
            if indices.len() == entries.len() {
                break indices;
            }
            let mut met = HashSet::new();
            let fresh = entries.iter().zip(&hashes).filter(|(_, hash)| !known.contains_key(*hash) && met.insert(**hash));
            let fresh: Vec<Bytes> = fresh.map(|(entry, _)| entry.clone()).take(MOST_ENTRIES).collect();
            state = match self.add_head(&state, &fresh).await? {
                Some(added) => added,
                // Somebody else's head is the next one; ours goes on top of it.
                None => self.load().await?,
            };
        };
        self.publish(&mut state).await?;
        *slot = Some(state);
        Ok(indices)
    }

    /// Publishes the newest checkpoint anew with the cosignatures of `note`, which is a note of the same text. False when the log went on
    /// since: then the newer checkpoint stays, and its cosignatures are asked for next. Cosigned by the policy's quorum it is kept for good: from
    /// its times follows when what comes later was not yet in the log.
    pub async fn publish_cosigned(&self, note: &Note) -> Result<bool> {
        // No append of this writer comes in between.
        let mut slot = self.state.lock().await;
        let path = LogReader::checkpoint_path();
        self.believe(&path, note)?;
        if self.reader.checkpoint().await?.is_none_or(|published| published.text != note.text) {
            return Ok(false);
        }
        // Kept first: once it is published nobody asks the witnesses for it again.
        if let Some(seen) = self.policy.check(note).ok().filter(|judged| judged.seen.is_some()) {
            self.create(&place(&cosigned(seen.checkpoint.size)), note.to_string().into_bytes()).await?;
        }
        self.reader.store.put(&path, PutPayload::from(note.to_string())).await.map_err(Error::store(&path))?;
        // Another writer's newer one may have been published in between, and is then published again.
        let mut state = self.load_known().await?;
        self.publish(&mut state).await?;
        *slot = Some(state);
        Ok(true)
    }

    /// Keeps a time stamp of the checkpoint of so many leaves under its number, from 1. False when somebody else's came first.
    pub async fn keep_anchor(&self, size: u64, number: u32, token: &[u8]) -> Result<bool> {
        Ok(self.create(&place(&anchor(size, number)), token.to_vec()).await?.is_none_or(|other| other == token))
    }

    /// Appends the leaf of every time stamp that renews another and has none yet.
    pub async fn append_renewals(&self) -> Result<()> {
        let tokens = self.reader.renewals().await?;
        let leaves: Vec<Leaf> = tokens.iter().map(|token| Leaf::of_renewal(token, &self.signer)).collect();
        self.append_leaves(&leaves).await.map(drop)
    }

    /// Appends leaves, like [`Log::append`].
    pub async fn append_leaves(&self, leaves: &[Leaf]) -> Result<Vec<u64>> {
        let entries: Vec<Bytes> = leaves.iter().map(|leaf| leaf.to_bytes().into()).collect();
        self.append(&entries).await
    }

    /// Appends the leaf of every keyring that the root stands for, and of every revision that has none: those of a run that was stopped
    /// between receipt and leaf, or of the time before there was a log. Gives how many revisions there were. A receipt that is not
    /// believed is left out; `sohoa fsck` names it.
    pub async fn catch_up(&self, archive: &Archive) -> Result<u64> {
        let (mut appended, mut after) = (0, None);
        // What other writers appended is told apart before a receipt is read.
        self.append(&[]).await?;
        loop {
            let lacking = self.leaves.lacking(after.as_ref(), CATCH_UP).await?;
            let Some(last) = lacking.last() else { break };
            after = Some(last.clone());
            let mut leaves = Vec::new();
            for (record, revision) in lacking {
                match archive.revision(&record, revision).await {
                    Ok(opened) => leaves.extend(opened.as_ref().map(Leaf::of_revision)),
                    // Whoever destroys a record logs its tombstone.
                    Err(Error::Destroyed { .. }) => {}
                    // A receipt that is not believed is not ours to log.
                    Err(error) => drop(Finding::from_error(error)?),
                }
            }
            appended += leaves.len() as u64;
            self.append_leaves(&leaves).await?;
        }
        // Last: what a key has sealed until it is retired is in the log before its end.
        self.append_leaves(&archive.believed_keyrings().await?).await?;
        Ok(appended)
    }

    /// True when a keyring that the root stands for has no leaf yet: [`Log::catch_up`] appends it, after what its keys sealed.
    pub async fn keyring_awaits(&self, archive: &Archive) -> Result<bool> {
        let keyrings = archive.believed_keyrings().await?;
        let hashes: Vec<Hash> = keyrings.iter().map(|leaf| leaf_hash(&leaf.to_bytes())).collect();
        Ok(self.leaves.indices_of(&hashes).await?.len() < hashes.len())
    }

    /// Stages the entries, creates the next head, writes what follows from it. `None` when another head is the next.
    async fn add_head(&self, state: &State, entries: &[Bytes]) -> Result<Option<State>> {
        let (mut next, files) = grown(state, entries)?;
        let head = Head {
            number: state.head.as_ref().map_or(1, |(head, _)| head.number + 1),
            parent: state.head.as_ref().map(|(_, digest)| digest.clone()),
            tree: Checkpoint { origin: self.signer.public().name().to_owned(), size: next.edge.size(), root: next.edge.root() },
        };
        let mut staged = Vec::new();
        for entry in entries {
            push_entry(&mut staged, entry).ok_or_else(|| Error::malformed(super::LOG, "an entry is longer than 65,535 bytes"))?;
        }
        self.put_same(&place(&head.staging()), staged).await?;

        // THE COMMIT POINT. One head has this number; before it nothing of it is visible, after it a retry only completes.
        let bytes = self.signer.sign(&head.text()).to_string().into_bytes();
        if let Some(other) = self.create(&place(&Head::path(head.number)), bytes.clone()).await?
            && other != bytes
        {
            return Ok(None);
        }
        for (tile, bytes) in files {
            self.put_same(&path_of(&tile), bytes).await?;
        }
        next.head = Some((head, Sha256Hex::of(&bytes)));
        self.leaves.extend(state.edge.size(), entries).await?;
        Ok(Some(next))
    }

    /// The newest head of a log that is known: while we looked away, the store may have been taken back to an older state.
    async fn load_known(&self) -> Result<State> {
        let state = self.load().await?;
        self.refuse_fork(&state, None).await?;
        Ok(state)
    }

    /// The newest head, with all that follows from it written: whoever made it may have been stopped just after the commit point.
    async fn load(&self) -> Result<State> {
        let number = self.reader.last_head().await?;
        if number == 0 {
            return Ok(State { head: None, edge: Edge::default(), tail: Vec::new() });
        }
        let (head, digest) = self.head(number).await?;
        let before = match &head.parent {
            None => State { head: None, edge: Edge::default(), tail: Vec::new() },
            Some(named) => {
                let (parent, digest) = self.head(number - 1).await?;
                let (size, edge) = (parent.tree.size, self.reader.edge(parent.tree.size).await?);
                if digest != *named || edge.root() != parent.tree.root {
                    return Err(forks(format!("head {number} does not continue the head and tiles before it")));
                }
                let tail = if size % 256 == 0 { Vec::new() } else { self.reader.entries(bundle_of(size - 1, size)).await? };
                State { head: None, edge, tail }
            }
        };
        let staging = place(&head.staging());
        let staged = self.reader.read(&staging).await?.ok_or_else(|| Error::malformed(&staging, "it is missing"))?;
        let (mut state, files) = grown(&before, &split(&staged).ok_or_else(|| Error::malformed(&staging, "it was cut off"))?)?;
        if (state.edge.size(), state.edge.root()) != (head.tree.size, head.tree.root) {
            return Err(Error::malformed(&staging, "its entries do not lead to the head that names it"));
        }
        for (tile, bytes) in files {
            self.put_same(&path_of(&tile), bytes).await?;
        }
        state.head = Some((head, digest));
        Ok(state)
    }

    /// Publishes the checkpoint of the newest head. A cosigned one of the same tree stays; one of a newer tree is another writer's.
    async fn publish(&self, state: &mut State) -> Result<()> {
        while let Some((head, _)) = &state.head {
            if let Some(published) = self.published().await? {
                if published.size > head.tree.size {
                    return Ok(());
                }
                if published.size == head.tree.size {
                    return if published == head.tree { Ok(()) } else { Err(forks("two trees of one size".into())) };
                }
            }
            let path = LogReader::checkpoint_path();
            let note = self.signer.sign(&head.tree.text()).to_string();
            self.reader.store.put(&path, PutPayload::from(note)).await.map_err(Error::store(&path))?;
            // Between a newer head and its checkpoint ours may have gone over the newer one: then that is published again.
            if !self.reader.exists(&place(&Head::path(head.number + 1))).await? {
                return Ok(());
            }
            *state = self.load().await?;
        }
        Ok(())
    }

    /// The published tree, believed.
    async fn published(&self) -> Result<Option<Checkpoint>> {
        let Some(note) = self.reader.checkpoint().await? else { return Ok(None) };
        let path = LogReader::checkpoint_path();
        self.believe(&path, &note)?;
        Ok(Some(Checkpoint::of_note(&note).map_err(|e| Error::malformed(path, e))?))
    }

    /// Refuses to go on from a log that is not the newest known: its next checkpoint would tell another history.
    async fn refuse_fork(&self, state: &State, kept: Option<&Checkpoint>) -> Result<()> {
        let mut size = state.edge.size();
        let published = self.published().await?;
        for (known, whose) in [(published.as_ref(), "published checkpoint"), (kept, "checkpoint kept beside the key")] {
            let Some(known) = known else { continue };
            if known.size > size {
                // Another writer may be adding right now.
                size = self.load().await?.edge.size();
            }
            if known.origin != self.signer.public().name() {
                return Err(forks(format!("the {whose} is of the log '{}'", known.origin)));
            }
            if known.size > size {
                return Err(forks(format!("the {whose} has {} leaves, the store's log {size}", known.size)));
            }
            if self.reader.root(known.size).await? != known.root {
                return Err(forks(format!("the store's log does not continue the {whose} of {} leaves", known.size)));
            }
        }
        // So may one that shares the index. What an index knows was in the store before, so it is asked first.
        let last = self.leaves.last().await?;
        let seen = last.as_ref().map_or(0, |(index, _)| index + 1);
        if seen > size {
            size = self.load().await?.edge.size();
        }
        if !Leaves::agrees(&self.reader, size, last).await? {
            return Err(forks(format!("the index knows another log of {seen} leaves, the store's has {size}")));
        }
        Ok(())
    }

    /// Some stores accept a conditional put and ignore the condition; on them two writers would overwrite each other's heads.
    async fn refuse_unconditional(&self) -> Result<()> {
        let path = place("create-only");
        self.create(&path, CREATE_ONLY.to_vec()).await?;
        self.create(&path, b"This store ignores create-if-absent.\n".to_vec()).await?;
        if self.reader.read(&path).await?.is_some_and(|found| found == CREATE_ONLY) { Ok(()) } else { Err(Error::Unconditional) }
    }

    /// A head, believed, with the digest of its bytes.
    async fn head(&self, number: u64) -> Result<(Head, Sha256Hex)> {
        let path = place(&Head::path(number));
        let bytes = self.reader.read(&path).await?.ok_or_else(|| Error::malformed(&path, "it is missing"))?;
        let note = Note::parse(&bytes).map_err(|e| Error::malformed(&path, e))?;
        self.believe(&path, &note)?;
        let head = Head::parse(number, &note).map_err(|e| Error::malformed(&path, e))?;
        if head.tree.origin != self.signer.public().name() {
            return Err(Error::malformed(&path, "it is of another log"));
        }
        Ok((head, Sha256Hex::of(&bytes)))
    }

    /// A note must be signed by a key of this log's name that the policy believes; it may be an older one than ours.
    fn believe(&self, path: &Path, note: &Note) -> Result<()> {
        let mut signed = false;
        for log in self.policy.logs().iter().filter(|log| log.key.name() == self.signer.public().name()) {
            signed |= !note.signed_by(&log.key).map_err(|e| Error::malformed(path, e))?.is_empty();
        }
        if signed { Ok(()) } else { Err(Error::malformed(path, "no key of this log that the trust policy names has signed it")) }
    }

    fn tree_of(&self, state: &State) -> Checkpoint {
        let origin = self.signer.public().name().to_owned();
        Checkpoint { origin, size: state.edge.size(), root: state.edge.root() }
    }

    /// Writes a file whose bytes follow from what is committed: equal bytes may be there already, other bytes stop everything.
    async fn put_same(&self, path: &Path, bytes: Vec<u8>) -> Result<()> {
        match self.create(path, bytes.clone()).await? {
            Some(other) if other != bytes => Err(forks(format!("'{path}' is there with other bytes"))),
            _ => Ok(()),
        }
    }

    /// Create-if-absent. Gives the bytes that were there already, if any were.
    async fn create(&self, path: &Path, bytes: Vec<u8>) -> Result<Option<Bytes>> {
        match self.reader.store.put_opts(path, PutPayload::from(bytes), PutMode::Create.into()).await {
            Ok(_) => Ok(None),
            Err(object_store::Error::AlreadyExists { .. } | object_store::Error::Precondition { .. }) => {
                let existing = self.reader.read(path).await?;
                Ok(Some(existing.ok_or_else(|| Error::malformed(path, "it is there and cannot be read"))?))
            }
            Err(source) => Err(Error::Store { place: path.to_string(), source }),
        }
    }
}

/// Tiles and bundles with their bytes, in the order in which they are written.
type Files = Vec<(Tile, Vec<u8>)>;

/// The tree with more entries (its head is the caller's to name), and the files that make it readable: full tiles and bundles first.
fn grown(state: &State, entries: &[Bytes]) -> Result<(State, Files)> {
    let mut files: Files = Vec::new();
    let mut next = state.clone();
    for entry in entries {
        next.tail.push(entry.clone());
        next.edge.push(leaf_hash(entry), |tile, hashes| files.push((tile, hashes.concat())));
        if next.tail.len() == usize::from(TILE_WIDTH) {
            files.push((bundle_of(next.edge.size() - 1, next.edge.size()), bundle(&next.tail)?));
            next.tail.clear();
        }
    }
    files.extend(next.edge.tiles().map(|(tile, hashes)| (tile, hashes.concat())));
    if !next.tail.is_empty() {
        files.push((bundle_of(next.edge.size() - 1, next.edge.size()), bundle(&next.tail)?));
    }
    Ok((next, files))
}

fn bundle(entries: &[Bytes]) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    for entry in entries {
        push_entry(&mut bytes, entry).ok_or_else(|| Error::malformed(super::LOG, "an entry is longer than 65,535 bytes"))?;
    }
    Ok(bytes)
}

/// The entries of a staged file: a bundle of any number.
fn split(staged: &Bytes) -> Option<Vec<Bytes>> {
    Some(split_entries(staged)?.into_iter().map(|entry| staged.slice_ref(entry)).collect())
}

fn forks(why: String) -> Error {
    Error::LogForks { why }
}
