//! The transparency log as an auditor reads it from a folder: every entry hashed again up to the signed checkpoint, so that what is
//! believed of it is what the log has signed. Then it tells which receipts there must be.

mod kept;

use crate::cause::{Cause, Finding, clipped};
use crate::files::{self, Kind};
use kept::Kept;
use sohoa_record::identifier::RecordId;
use sohoa_record::log::tree::leaf_hash;
use sohoa_record::log::{self, Checkpoint, Edge, Hash, Leaf, LogPolicy, Note, Tile, TlogProof};
use sohoa_record::seal::Opened;
use std::collections::BTreeMap;
use std::path::Path;

/// Where a log is in an archive.
pub const FOLDER: &str = "log";

/// A log that was read to its end and hashes to a checkpoint that is believed. About 100 bytes a leaf.
pub struct LogCopy {
    /// Its checkpoint.
    pub tree: Checkpoint,
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
    /// Reads the log in `folder` (an archive's `log`, or a copy of it); none when nothing is published there. `since` is an older
    /// checkpoint that the auditor kept: the log must continue it. A `whole` log has every file that its writer ever wrote; of a copy
    /// checkpoint and entries are enough, and what else of a log is there must fit.
    pub fn read(folder: &Path, policy: &LogPolicy, since: Option<&Checkpoint>, whole: bool) -> Result<Option<LogCopy>, Finding> {
        let about = |name: &str, cause| Finding::about(format!("{FOLDER}/{name}"), None, cause);
        let bytes = match files::kind_below(folder, &["checkpoint"]) {
            Ok(None) => return Ok(None),
            Ok(Some(Kind::File)) => files::small_file(&folder.join("checkpoint")),
            Ok(Some(_)) => Err(Cause::NotAFile),
            Err(cause) => Err(cause),
        };
        let note = bytes.and_then(|bytes| Note::parse(&bytes).map_err(|e| Cause::BadLog(clipped(&e.to_string()))));
        let checked = note.and_then(|note| policy.check(&note).map_err(|e| Cause::BadLog(clipped(&e.to_string()))));
        let tree = checked.map_err(|cause| about("checkpoint", cause))?.checkpoint;
        if let Some(old) = since.filter(|old| old.size > tree.size || old.origin != tree.origin) {
            return Err(about("checkpoint", Cause::LogTakenBack { kept: old.size, found: tree.size }));
        }
        let continues = |edge: &Edge| since.is_none_or(|old| old.size != edge.size() || old.root == edge.root());
        let mut edge = Edge::default();
        let mut kept = Kept::list(folder, policy, &tree, whole);
        kept.at(&edge, &[]);
        let mut tail = Vec::new();
        let (mut revisions, mut key_events) = (BTreeMap::new(), Vec::new());
        let mut forked = !continues(&edge);
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
                if leaf.kind == log::Kind::KeyEvent {
                    key_events.push((index, hash));
                }
                edge.push(hash, |tile, hashes| kept.full(tile, &hashes, index + 1));
                forked |= !continues(&edge);
                end += 2 + entry.len();
                kept.at(&edge, &bytes[..end]);
            }
            tail = bytes;
            tail.truncate(end);
        }
        if edge.root() != tree.root {
            return Err(about("tile/entries", Cause::BadLog("its entries do not lead to the root of its checkpoint".into())));
        }
        if forked {
            return Err(about("checkpoint", Cause::LogForked { kept: since.map_or(0, |old| old.size) }));
        }
        let others = kept.finish(edge, tail);
        Ok(Some(LogCopy { tree, others, revisions, key_events }))
    }

    /// What the log says of an opened receipt.
    pub fn of_receipt(&self, opened: &Opened) -> Logged {
        let revision = self.revisions.get(&(bytes_of(&opened.manifest.record), opened.manifest.revision));
        match revision {
            None => Logged::Not,
            Some(revision) if revision.leaf == leaf_hash(&Leaf::of_revision(opened).to_bytes()) => Logged::At(revision.index),
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

    /// Every record that the log knows, with its first revision there and that one's leaf.
    pub fn records(&self) -> impl Iterator<Item = (RecordId, u32, u64)> {
        let mut last = None;
        let first = self.revisions.iter().filter(move |((record, _), _)| last.replace(*record) != Some(*record));
        first.filter_map(|((record, number), revision)| Some((record_of(record)?, *number, revision.index)))
    }
}

/// Checks the proof that lies beside a receipt; gives the leaf's index.
pub fn check_proof(bytes: &[u8], opened: &Opened, policy: &LogPolicy) -> Result<u64, Cause> {
    let bad = |why: String| Cause::BadLog(clipped(&why));
    let proof = TlogProof::parse(bytes).map_err(|e| bad(e.to_string()))?;
    proof.verify(&Leaf::of_revision(opened).to_bytes(), policy).map_err(|e| bad(e.to_string()))?;
    Ok(proof.index)
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
