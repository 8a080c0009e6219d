//! The transparency log as an auditor reads it from a folder: every entry hashed again up to the signed checkpoint, so that what is
//! believed of it is what the log has signed. Then it tells which receipts there must be.

mod excerpt;
mod kept;

use crate::audit::{KeptCheckpoint, Observer};
use crate::cause::{Cause, Finding, clipped};
use crate::cosigned::TimeBracket;
use crate::files::{self, Kind};
use crate::moments::{Moments, judge_as_of};
pub use excerpt::Excerpt;
use kept::Kept;
use sohoa_record::identifier::RecordId;
use sohoa_record::log::policy::{Cosigned, PolicyError};
use sohoa_record::log::tree::leaf_hash;
use sohoa_record::log::{self, Checkpoint, Edge, Hash, Leaf, LogPolicy, Note, OlderCheckpoint, Tile, TlogProof};
use sohoa_record::seal::Opened;
use std::collections::BTreeMap;
use std::path::Path;

/// Where a log is in an archive.
pub const FOLDER: &str = "log";

/// A log that was read to its end and hashes to a checkpoint that is believed. About 100 bytes a leaf.
pub struct LogCopy {
    /// Its checkpoint.
    pub tree: Checkpoint,
    /// By when a quorum of witnesses had seen this checkpoint, in seconds since 1970 UTC.
    pub seen: Option<u64>,
    /// When witnesses saw it: each believed checkpoint that it continues.
    pub moments: Moments,
    /// What is wrong with its other files, which do not change what is believed of it.
    pub others: Vec<Finding>,
    /// Revisions by record and number.
    revisions: BTreeMap<([u8; 16], u32), Revision>,
    /// Index and hash of each key event.
    key_events: Vec<(u64, Hash)>,
}

struct Revision {
    leaf: [u8; 32],
    index: u64,
}

/// How a log is to be read.
#[derive(Clone, Copy, Debug)]
pub struct Reading<'a> {
    /// Whose checkpoints are believed.
    pub policy: &'a LogPolicy,
    /// Older checkpoints that the auditor kept: the log must continue each.
    pub since: &'a [KeptCheckpoint],
    /// Only what witnesses said until then counts as a moment; seconds since 1970 UTC.
    pub at: Option<u64>,
    /// An archive's own log has every file that its writer ever wrote; of a copy checkpoint and entries are enough, and what else of a log
    /// is there must fit.
    pub whole: bool,
    /// Who judges time stamps over checkpoints; without one they say nothing.
    pub observer: Option<Observer<'a>>,
}

/// What the log says of a receipt.
pub enum Logged {
    /// It is this leaf.
    At(u64),
    /// The leaf of that revision names something else.
    Differs(u64),
    /// There is no leaf of that revision.
    Not,
}

impl LogCopy {
    /// Reads the log in `folder` (an archive's `log`, or a copy of it); none when nothing is published there.
    pub fn read(folder: &Path, reading: Reading<'_>) -> Result<Option<LogCopy>, Finding> {
        let Reading { policy, since, at, .. } = reading;
        let about = |name: &str, cause| Finding::about(format!("{FOLDER}/{name}"), None, cause);
        let bytes = match files::kind_below(folder, &["checkpoint"]) {
            // Every head but the first has a checkpoint before it: then it was taken away.
            Ok(None) if matches!(files::kind_below(folder, &["heads", "00000000000000000002"]), Ok(Some(_))) => {
                return Err(about("checkpoint", Cause::LogFileMissing));
            }
            Ok(None) => return Ok(None),
            Ok(Some(Kind::File)) => files::small_file(&folder.join("checkpoint")),
            Ok(Some(_)) => Err(Cause::NotAFile),
            Err(cause) => Err(cause),
        };
        let note = bytes.and_then(|bytes| Note::parse(&bytes).map_err(|e| Cause::BadLog(clipped(&e.to_string()))));
        let note = note.map_err(|cause| about("checkpoint", cause))?;
        let bad = |e: PolicyError| about("checkpoint", Cause::BadLog(clipped(&e.to_string())));
        let judged = policy.check(&note).map_err(bad)?;
        let (tree, seen) = (judged.checkpoint, judged.seen.map(|seen| seen.first));
        let mut moments: Vec<Cosigned> = judge_as_of(&note, policy, at).into_iter().collect();
        let cannot_continue = |old: &&Checkpoint| old.size > tree.size || old.origin != tree.origin;
        if let Some(old) = since.iter().map(|kept| &kept.tree).find(cannot_continue) {
            return Err(about("checkpoint", Cause::LogTakenBack { kept: old.size, found: tree.size }));
        }
        let forks = |edge: &Edge| {
            since
                .iter()
                .map(|kept| &kept.tree)
                .any(|old| old.size == edge.size() && old.root != edge.root())
                .then_some(edge.size())
        };
        let mut edge = Edge::default();
        let mut kept = Kept::list(folder, reading, &tree);
        kept.at(&edge, &[]);
        let mut tail = Vec::new();
        let (mut revisions, mut key_events, mut renewals) = (BTreeMap::new(), Vec::new(), Vec::new());
        let mut forked = forks(&edge);
        for bundle in Tile::bundles(tree.size) {
            let (found, bytes) = read_bundle(folder, bundle).map_err(|cause| about(&bundle.path(), cause))?;
            let entries = bundle_entries(&bytes, bundle).ok_or_else(|| about(&bundle.path(), Cause::BadLog("cut off".into())))?;
            if found == bundle {
                kept.has_read(bundle);
            }
            let mut end = 0;
            for entry in entries {
                let (index, hash) = (edge.size(), leaf_hash(entry));
                let leaf = Leaf::from_bytes(entry).map_err(|e| about(&bundle.path(), Cause::BadLog(e.to_string())))?;
                if let (Some(record), Some(number)) = (&leaf.rec, leaf.ver)
                    && revisions.insert((bytes_of(record), number), Revision { leaf: hash, index }).is_some()
                {
                    return Err(about(
                        &bundle.path(),
                        Cause::BadLog(format!("two leaves name revision {number} of record {record}")),
                    ));
                }
                match leaf.kind {
                    log::Kind::KeyEvent => key_events.push((index, hash)),
                    log::Kind::Renewal => renewals.push((index, leaf)),
                    _ => {}
                }
                edge.push(hash, |tile, hashes| kept.full(tile, &hashes, index + 1));
                forked = forked.or_else(|| forks(&edge));
                end += 2 + entry.len();
                kept.at(&edge, &bytes[..end]);
            }
            tail = bytes;
            tail.truncate(end);
        }
        if edge.root() != tree.root {
            return Err(about("tile/entries", Cause::BadLog("its entries do not lead to the root of its checkpoint".into())));
        }
        if let Some(size) = forked {
            return Err(about("checkpoint", Cause::LogForked { kept: size }));
        }
        moments.extend(since.iter().filter_map(|kept| judge_as_of(&kept.note, policy, at).ok()));
        kept.check_renewals(&renewals);
        let told = kept.finish(edge, tail);
        moments.extend(told.cosigned);
        let moments = Moments::of(moments).with_stamps(told.stamps);
        Ok(Some(LogCopy { tree, seen, moments, others: told.findings, revisions, key_events }))
    }

    /// What the log says of an opened receipt.
    pub fn of_receipt(&self, opened: &Opened) -> Logged {
        self.of_leaf(&Leaf::of_revision(opened))
    }

    /// What the log says of the revision, or tombstone, with that leaf.
    pub fn of_leaf(&self, leaf: &Leaf) -> Logged {
        let (Some(record), Some(number)) = (&leaf.rec, leaf.ver) else { return Logged::Not };
        match self.revisions.get(&(bytes_of(record), number)) {
            None => Logged::Not,
            Some(revision) if revision.leaf == leaf_hash(&leaf.to_bytes()) => Logged::At(revision.index),
            Some(revision) => Logged::Differs(revision.index),
        }
    }

    /// Index and hash of each leaf that says something about keys, in order.
    pub fn key_events(&self) -> impl Iterator<Item = (u64, Hash)> {
        self.key_events.iter().copied()
    }

    /// The revisions of a record that the log knows, with their leaves.
    pub fn of_record(&self, record: &RecordId) -> impl Iterator<Item = (u32, u64)> {
        let record = bytes_of(record);
        self.revisions.range((record, 0)..=(record, u32::MAX)).map(|((_, number), revision)| (*number, revision.index))
    }

    /// Every record that the log knows.
    pub fn records(&self) -> impl Iterator<Item = RecordId> {
        let mut last = None;
        let first = self.revisions.keys().filter(move |(record, _)| last.replace(*record) != Some(*record));
        first.filter_map(|(record, _)| record_of(record))
    }
}

/// What a proof that holds says of its leaf.
pub struct Proved {
    /// The leaf's place in the log.
    pub index: u64,
    /// The tree under which the proof is.
    tree: Checkpoint,
    /// The tree's checkpoint and the older one that the proof may bring, as far as witnesses cosigned them.
    cosigned: Vec<Cosigned>,
}

impl Proved {
    /// Between which moments the leaf came into the log, by the proof and by the excerpt of the log that may come with it, and how many witnesses
    /// say until when.
    pub fn bracket(&self, excerpt: Option<&Excerpt>) -> (TimeBracket, usize) {
        let own = Moments::of(self.cosigned.iter().cloned()).bracket(self.index);
        let Some(more) = excerpt.and_then(|excerpt| excerpt.bracket(self.index, &self.tree)) else { return own };
        let witnesses = if more.0.by.is_some_and(|by| own.0.by.is_none_or(|own| by <= own)) { more.1 } else { own.1 };
        (own.0.and(&more.0), witnesses)
    }

    /// When witnesses last saw the log under whose checkpoint the proof is, by the proof and by the excerpt of the log that may come with it.
    pub fn newest(&self, excerpt: Option<&Excerpt>) -> Option<u64> {
        let own = Moments::of(self.cosigned.iter().cloned()).newest();
        own.max(excerpt.filter(|excerpt| excerpt.tree == self.tree).and_then(Excerpt::newest))
    }
}

/// Checks the proof that lies beside a receipt with that leaf, as of a time.
pub fn check_proof(bytes: &[u8], leaf: &Leaf, policy: &LogPolicy, at: Option<u64>) -> Result<Proved, Cause> {
    let bad = |why: String| Cause::BadLog(clipped(&why));
    let proof = TlogProof::parse(bytes).map_err(|e| bad(e.to_string()))?;
    let tree = proof.verify(&leaf.to_bytes(), policy).map_err(|e| bad(e.to_string()))?.checkpoint;
    let mut cosigned: Vec<Cosigned> = judge_as_of(&proof.checkpoint, policy, at).into_iter().collect();
    if let Some(extra) = proof.extra.as_ref().filter(|extra| OlderCheckpoint::is_named(extra)) {
        let older = OlderCheckpoint::parse(extra).map_err(|e| bad(e.to_string()))?;
        older.verify(proof.index, &tree, policy).map_err(|e| bad(e.to_string()))?;
        cosigned.extend(judge_as_of(&older.checkpoint, policy, at));
    }
    Ok(Proved { index: proof.index, tree, cosigned })
}

/// A bundle's bytes. The partial one may be gone once the full one is there (C2SP tlog-tiles).
fn read_bundle(folder: &Path, bundle: Tile) -> Result<(Tile, Vec<u8>), Cause> {
    for tile in [bundle, bundle.full()] {
        let path = tile.path();
        let steps: Vec<&str> = path.split('/').collect();
        match files::kind_below(folder, &steps)? {
            None => {}
            Some(Kind::File) => return Ok((tile, files::small_file(&folder.join(&path))?)),
            Some(_) => return Err(Cause::NotAFile),
        }
    }
    Err(Cause::LogFileMissing)
}

/// The entries of the bundle that was asked for, from its own file or that of the full one.
fn bundle_entries(bytes: &[u8], bundle: Tile) -> Option<Vec<&[u8]>> {
    let mut entries = bundle.entries(bytes).or_else(|| bundle.full().entries(bytes))?;
    entries.truncate(usize::from(bundle.width));
    Some(entries)
}

/// A record's identifier is a UUID: its 16 bytes.
fn bytes_of(record: &RecordId) -> [u8; 16] {
    let mut bytes = [0; 16];
    let mut digits = record.as_str().bytes().filter(|b| *b != b'-').map(|b| (b as char).to_digit(16).unwrap_or(0) as u8);
    for byte in &mut bytes {
        *byte = digits.next().unwrap_or(0) << 4 | digits.next().unwrap_or(0);
    }
    bytes
}

fn record_of(bytes: &[u8; 16]) -> Option<RecordId> {
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]).parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_its_sixteen_bytes() {
        let record: RecordId = "0193a5c2-7e1b-7c3d-9f00-00000000000a".parse().unwrap();
        assert_eq!(bytes_of(&record)[..4], [0x01, 0x93, 0xa5, 0xc2]);
        assert_eq!(record_of(&bytes_of(&record)), Some(record));
    }
}
