//! Reading a log: what is published, its tiles and entries, and the proofs that follow from them. No key is needed.

use super::leaves::Leaves;
use crate::error::{Error, Result};
use crate::store::Archive;
use bytes::Bytes;
use futures::TryStreamExt as _;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt as _};
use sohoa_record::Sha256Hex;
use sohoa_record::identifier::RecordId;
use sohoa_record::log::head::{Head, anchor, cosigned, parse_anchor};
use sohoa_record::log::note::NoteError;
use sohoa_record::log::proof::{Node, Plan};
use sohoa_record::log::tile::Contents;
use sohoa_record::log::tree::leaf_hash;
use sohoa_record::log::{Checkpoint, Edge, Hash, Leaf, LogPolicy, Note, OlderCheckpoint, Tile, TlogProof};
use sohoa_record::seal::Opened;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

/// A log in a store. Cheap to clone.
#[derive(Clone, Debug)]
pub struct LogReader {
    pub(super) store: Arc<dyn ObjectStore>,
}

impl LogReader {
    /// The log of the archive in that store.
    pub fn new(store: Arc<dyn ObjectStore>) -> Self {
        Self { store }
    }

    /// Where the newest checkpoint is.
    pub(super) fn checkpoint_path() -> Path {
        place("checkpoint")
    }

    /// The newest published checkpoint, not yet believed; none when there is no log.
    pub async fn checkpoint(&self) -> Result<Option<Note>> {
        let path = Self::checkpoint_path();
        let bytes = self.read(&path).await?;
        bytes.map(|bytes| Note::parse(&bytes).map_err(|e| Error::malformed(&path, e))).transpose()
    }

    /// The root of the first `size` leaves.
    pub async fn root(&self, size: u64) -> Result<Hash> {
        let root = self.fill(&Plan::root(size), size).await?.pop();
        Ok(root.unwrap_or_else(sohoa_record::log::tree::empty_root))
    }

    /// The proof that leaf `index` is in the tree of the first `size` leaves, which are published; `index` is below `size`.
    pub async fn inclusion(&self, index: u64, size: u64) -> Result<Vec<Hash>> {
        let plan = Plan::inclusion(index, size).ok_or_else(|| beyond(index, size))?;
        self.fill(&plan, size).await
    }

    /// The proof that the tree of `size` leaves continues that of `old` leaves, which is not larger.
    pub async fn consistency(&self, old: u64, size: u64) -> Result<Vec<Hash>> {
        let plan = Plan::consistency(old, size).ok_or_else(|| beyond(old, size))?;
        self.fill(&plan, size).await
    }

    /// The proof to hand out: that leaf `index` is in the tree of that checkpoint, which has `size` leaves.
    pub async fn proof(&self, index: u64, size: u64, checkpoint: Note) -> Result<TlogProof> {
        Ok(TlogProof { extra: None, index, hashes: self.inclusion(index, size).await?, checkpoint })
    }

    /// The newest kept checkpoint that witnesses cosigned and that lacks leaf `index`, with the proof that the tree of `size` leaves continues
    /// it; none when there is none.
    async fn older(&self, index: u64, size: u64) -> Result<Option<OlderCheckpoint>> {
        let newest = self.cosigned_sizes().await?.into_iter().filter(|kept| *kept <= index).max();
        let Some(old) = newest else { return Ok(None) };
        let path = place(&cosigned(old));
        let Some(bytes) = self.read(&path).await? else { return Ok(None) };
        let checkpoint = Note::parse(&bytes).map_err(|e| Error::malformed(&path, e))?;
        Ok(Some(OlderCheckpoint { hashes: self.consistency(old, size).await?, checkpoint }))
    }

    /// The time stamps over the checkpoint of so many leaves, the first one first; empty when there is none.
    pub async fn anchors(&self, size: u64) -> Result<Vec<Bytes>> {
        let mut tokens = Vec::new();
        while let Some(token) = self.read(&place(&anchor(size, tokens.len() as u32 + 1))).await? {
            tokens.push(token);
        }
        Ok(tokens)
    }

    /// The sizes of the checkpoints that have a time stamp, the smallest first.
    pub async fn anchored_sizes(&self) -> Result<Vec<u64>> {
        let folder = place("anchors");
        let listed: Vec<Path> =
            self.store.list(Some(&folder)).map_ok(|meta| meta.location).try_collect().await.map_err(Error::store(&folder))?;
        let below = |path: &Path| parse_anchor(path.as_ref().strip_prefix(super::LOG)?.strip_prefix('/')?).map(|(size, _)| size);
        let mut sizes: Vec<u64> = listed.iter().filter_map(below).collect();
        sizes.sort_unstable();
        sizes.dedup();
        Ok(sizes)
    }

    /// The time stamps that renew others, in no order.
    pub async fn renewals(&self) -> Result<Vec<Bytes>> {
        let folder = place("anchors");
        let listed: Vec<Path> =
            self.store.list(Some(&folder)).map_ok(|meta| meta.location).try_collect().await.map_err(Error::store(&folder))?;
        let mut tokens = Vec::new();
        for path in listed {
            let below = path.as_ref().strip_prefix(super::LOG).and_then(|path| path.strip_prefix('/'));
            if below.and_then(parse_anchor).is_some_and(|(_, number)| number > 1) {
                tokens.extend(self.read(&path).await?);
            }
        }
        Ok(tokens)
    }

    /// The right edge of the tree of the first `size` leaves.
    pub async fn edge(&self, size: u64) -> Result<Edge> {
        let mut hashes = HashMap::new();
        for level in 0..8 {
            let tile = Tile::right_edge(level, size);
            if tile.width > 0 {
                hashes.insert(tile, self.hashes(tile).await?);
            }
        }
        Edge::load(size, |tile| hashes.remove(&tile)).ok_or_else(|| beyond(size, size))
    }

    /// The entries of a bundle, in order.
    pub async fn entries(&self, bundle: Tile) -> Result<Vec<Bytes>> {
        let (tile, bytes) = self.tile(bundle).await?;
        let entries = tile.entries(&bytes).ok_or_else(|| cut(&tile))?;
        Ok(entries.into_iter().take(usize::from(bundle.width)).map(|entry| bytes.slice_ref(entry)).collect())
    }

    /// The hashes of a tile.
    pub async fn hashes(&self, asked: Tile) -> Result<Vec<Hash>> {
        let (tile, bytes) = self.tile(asked).await?;
        let mut hashes = tile.hashes(&bytes).ok_or_else(|| cut(&tile))?;
        hashes.truncate(usize::from(asked.width));
        Ok(hashes)
    }

    /// The hashes of a proof: the tiles that are needed are read once each.
    async fn fill(&self, plan: &Plan, size: u64) -> Result<Vec<Hash>> {
        let mut tiles: HashMap<Tile, Vec<Hash>> = HashMap::new();
        for node in plan.nodes() {
            let tile = node.tile(size);
            if let Entry::Vacant(place) = tiles.entry(tile) {
                place.insert(self.hashes(tile).await?);
            }
        }
        plan.fill(|node: Node| {
            let tile = node.tile(size);
            tiles.get(&tile).and_then(|hashes| node.in_tile(hashes)).ok_or_else(|| cut(&tile))
        })
    }

    /// A tile's bytes. A partial one may have been removed once the full one was there (C2SP tlog-tiles), so that is read instead.
    async fn tile(&self, tile: Tile) -> Result<(Tile, Bytes)> {
        if let Some(bytes) = self.read(&path_of(&tile)).await? {
            return Ok((tile, bytes));
        }
        let full = self.read(&path_of(&tile.full())).await?;
        let missing = || Error::malformed(path_of(&tile), "it is missing");
        Ok((tile.full(), full.ok_or_else(missing)?))
    }

    /// The number of the newest head, 0 when there is none: numbers have no gap, so doubling and halving finds it.
    pub(crate) async fn last_head(&self) -> Result<u64> {
        let (mut below, mut above) = (0, 1);
        while self.exists(&place(&Head::path(above))).await? {
            (below, above) = (above, above * 2);
        }
        while above - below > 1 {
            let middle = below + (above - below) / 2;
            if self.exists(&place(&Head::path(middle))).await? { below = middle } else { above = middle }
        }
        Ok(below)
    }

    /// A head that a log of the policy has signed, with the digest of its bytes; none when it is not there.
    pub(crate) async fn head(&self, number: u64, policy: &LogPolicy) -> Result<Option<(Head, Sha256Hex)>> {
        let path = place(&Head::path(number));
        let Some(bytes) = self.read(&path).await? else { return Ok(None) };
        let malformed = |e: NoteError| Error::malformed(&path, e);
        let note = Note::parse(&bytes).map_err(malformed)?;
        let head = Head::parse(number, &note).map_err(malformed)?;
        let mut signed = false;
        for log in policy.logs().iter().filter(|log| log.key.name() == head.tree.origin) {
            signed |= !note.signed_by(&log.key).map_err(malformed)?.is_empty();
        }
        if !signed {
            return Err(Error::malformed(&path, "no key of this log that the trust policy names has signed it"));
        }
        Ok(Some((head, Sha256Hex::of(&bytes))))
    }

    pub(super) async fn exists(&self, path: &Path) -> Result<bool> {
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

impl Archive {
    /// The log in this archive's store.
    pub fn log(&self) -> LogReader {
        LogReader::new(self.store.clone())
    }

    /// The newest published checkpoint of a log that the trust policy names, as signed and as read; none when the policy names no log or
    /// nothing is published yet.
    pub async fn log_head(&self) -> Result<Option<(Note, Checkpoint)>> {
        let Some(policy) = self.policy.log() else { return Ok(None) };
        let Some(note) = self.log().checkpoint().await? else { return Ok(None) };
        let tree = policy.signed(&note).map_err(|e| Error::malformed(LogReader::checkpoint_path(), e))?;
        Ok(Some((note, tree)))
    }

    /// The checkpoint under which proofs are given away: the published one, or while its witnesses are still to be asked the newest one that
    /// satisfied the trust policy and has every leaf of those records and of the keyrings. Without such a one it is the published one.
    pub async fn head_for(&self, records: &[RecordId]) -> Result<Option<(Note, Checkpoint)>> {
        let Some((note, tree)) = self.log_head().await? else { return Ok(None) };
        let satisfies = |note: &Note| self.policy.log().and_then(|policy| policy.check(note).ok());
        if satisfies(&note).is_some() {
            return Ok(Some((note, tree)));
        }
        let (log, leaves) = (self.log(), Leaves::of(&self.index.database));
        leaves.follow(&log, tree.size).await?;
        let mut last = self.last_keyring_index().await?;
        for record in records {
            last = last.max(leaves.last_of_record(record).await?);
        }
        let mut sizes = log.cosigned_sizes().await?;
        sizes.retain(|size| *size <= tree.size && last.is_none_or(|last| last < *size));
        sizes.sort_unstable();
        for size in sizes.into_iter().rev() {
            let path = place(&cosigned(size));
            let Some(bytes) = log.read(&path).await? else { continue };
            let kept = Note::parse(&bytes).map_err(|e| Error::malformed(&path, e))?;
            if let Some(judged) = satisfies(&kept).filter(|judged| judged.checkpoint.size == size) {
                return Ok(Some((kept, judged.checkpoint)));
            }
        }
        Ok(Some((note, tree)))
    }

    /// How many records have a revision that is not under the newest published checkpoint.
    pub async fn records_not_logged(&self) -> Result<u64> {
        let leaves = Leaves::of(&self.index.database);
        if let Some((_, tree)) = self.log_head().await? {
            leaves.follow(&self.log(), tree.size).await?;
        }
        leaves.count_lacking().await
    }

    /// How many leaves the index has seen, whatever the store has now.
    pub async fn leaves_seen(&self) -> Result<u64> {
        Leaves::of(&self.index.database).size().await
    }

    /// The proof that a revision is in the log, under the newest published checkpoint; none when it is not in there (yet).
    pub async fn log_proof(&self, opened: &Opened) -> Result<Option<TlogProof>> {
        self.leaf_proof(&Leaf::of_revision(opened)).await
    }

    /// The same for any leaf, such as a tombstone's.
    pub async fn leaf_proof(&self, leaf: &Leaf) -> Result<Option<TlogProof>> {
        match self.log_head().await? {
            Some(head) => self.leaf_proof_under(&head, leaf).await,
            None => Ok(None),
        }
    }

    /// The same under a checkpoint that [`Self::log_head`] gave, so that several proofs are under one.
    pub async fn leaf_proof_under(&self, (note, tree): &(Note, Checkpoint), leaf: &Leaf) -> Result<Option<TlogProof>> {
        let (log, leaves) = (self.log(), Leaves::of(&self.index.database));
        leaves.follow(&log, tree.size).await?;
        let hash = leaf_hash(&leaf.to_bytes());
        match leaves.indices_of(&[hash]).await?.get(&hash) {
            Some(index) if *index < tree.size => {
                let mut proof = log.proof(*index, tree.size, note.clone()).await?;
                proof.extra = log.older(*index, tree.size).await?.map(|older| older.to_string().into_bytes());
                Ok(Some(proof))
            }
            _ => Ok(None),
        }
    }
}

/// Where a tile is in the store.
pub(super) fn path_of(tile: &Tile) -> Path {
    place(&tile.path())
}

/// Where a file of the log is in the store, by its path below the log's prefix.
pub(crate) fn place(path: &str) -> Path {
    Path::from(format!("{}/{path}", super::LOG))
}

/// The bundle that holds entry `index` of a log of `size` entries.
pub(super) fn bundle_of(index: u64, size: u64) -> Tile {
    Tile::holding(Contents::Entries, index, size)
}

fn cut(tile: &Tile) -> Error {
    Error::malformed(path_of(tile), "it has not the length that its name says")
}

fn beyond(index: u64, size: u64) -> Error {
    Error::malformed(super::LOG, format_args!("leaf {index} was asked for and the log has {size}"))
}
