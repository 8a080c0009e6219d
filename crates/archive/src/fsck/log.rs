//! The log against its own files, against what else is known of it, and against the receipts: it is hashed again from its entries; every
//! leaf must have its receipt, every receipt its leaf.

use super::{Kind, Run};
use crate::error::{Error, Result};
use crate::layout;
use crate::log::{LOG, Leaves, place};
use sohoa_record::Sha256Hex;
use sohoa_record::identifier::RecordId;
use sohoa_record::log::head::{CREATE_ONLY, Head};
use sohoa_record::log::tile::split_entries;
use sohoa_record::log::tree::leaf_hash;
use sohoa_record::log::{Checkpoint, Edge, Hash, Kind as LeafKind, Leaf, Tile};
use std::collections::HashSet;

/// What leaves name besides receipts, as far as it is there.
struct Beside {
    /// The leaves of keyrings.
    keyrings: HashSet<Vec<u8>>,
    /// Time stamps that renew others.
    renewals: HashSet<Sha256Hex>,
}

impl Run<'_> {
    /// Remembers a receipt, or tombstone, that was believed.
    pub(super) async fn sealed(&mut self, record: &RecordId, revision: u32, digest: &Sha256Hex, key: &Sha256Hex) -> Result<()> {
        sqlx::query("INSERT OR IGNORE INTO temp.sealed VALUES (?, ?, ?, ?)")
            .bind(record.as_str())
            .bind(revision)
            .bind(digest.as_str())
            .bind(key.as_str())
            .execute(&mut self.memory)
            .await?;
        Ok(())
    }

    /// Looks at the log after all receipts were seen.
    pub(super) async fn log(&mut self, kept: Option<&Checkpoint>) -> Result<()> {
        let (archive, log) = (self.archive, self.archive.log());
        if archive.policy.log().is_none() {
            if matches!(log.checkpoint().await, Ok(None)) {
                return Ok(());
            }
            self.found(Kind::LogUnchecked, LOG, "the trust policy names no log; add its 'log' and 'quorum' lines");
            return Ok(());
        }
        let keyrings = self.checked(archive.keyrings().await)?.unwrap_or_default();
        let renewals = self.checked(log.renewals().await)?.unwrap_or_default();
        let beside = Beside {
            keyrings: keyrings.iter().map(|keyring| keyring.leaf.to_bytes()).collect(),
            renewals: renewals.iter().map(|token| Sha256Hex::of(token)).collect(),
        };
        // A run beside this one adds a head, then tells the index, then publishes: what was told first is asked first.
        let indexed = Leaves::of(&archive.index.database).size().await?;
        let Some(head) = self.checked(archive.log_head().await)? else { return Ok(()) };
        let size = head.as_ref().map_or(0, |(_, tree)| tree.size);
        if let Some(kept) = kept.filter(|kept| kept.size > size) {
            let gone =
                format!("it has {size} leaves, and the checkpoint kept beside its key {}: it was lost or taken back", kept.size);
            self.found(Kind::BadLog, LOG, gone);
        }
        if size > 0 && log.read(&place("create-only")).await?.is_none_or(|bytes| bytes != CREATE_ONLY) {
            self.found(Kind::BadLog, place("create-only"), "it is missing, or has other bytes than are written there");
        }
        let mut next = 1;
        if let Some((_, tree)) = head {
            let Some(reached) = self.entries(&tree, kept, &beside).await? else { return Ok(()) };
            next = reached;
        }
        self.last_head(next, size, indexed).await?;
        self.compare().await
    }

    /// Hashes the log of a checkpoint again from its entries and holds tiles, heads and `kept` against it. Gives the number of
    /// the first head that was not looked at; none when the log cannot be read.
    async fn entries(&mut self, tree: &Checkpoint, kept: Option<&Checkpoint>, beside: &Beside) -> Result<Option<u64>> {
        let log = self.archive.log();
        let (mut edge, mut number) = (Edge::default(), 1);
        let mut head = self.head(number, None).await?;
        for bundle in Tile::bundles(tree.size) {
            let Some(entries) = self.checked(log.entries(bundle).await)? else { return Ok(None) };
            let mut filled = Vec::new();
            for entry in &entries {
                self.leaf(edge.size(), entry, beside).await?;
                edge.push(leaf_hash(entry), |tile, hashes| filled.push((tile, hashes)));
                if kept.is_some_and(|kept| kept.size == edge.size() && kept.root != edge.root()) {
                    let other = format!("its first {} leaves are not those of the checkpoint kept beside its key", edge.size());
                    self.found(Kind::BadLog, LOG, other);
                }
                if let Some((found, digest)) = head.as_ref().filter(|(head, _)| head.tree.size <= edge.size()) {
                    let digest = digest.clone();
                    if found.tree.root != edge.root() {
                        self.found(Kind::BadLog, place(&Head::path(number)), "its root is not that of the entries");
                    }
                    number += 1;
                    head = self.head(number, Some(&digest)).await?;
                }
            }
            for (tile, hashes) in filled.into_iter().chain(partial(&edge, tree.size)) {
                match self.checked(log.hashes(tile).await)? {
                    Some(found) if found != hashes => {
                        self.found(Kind::BadLog, tile.path(), "its hashes are not those of the entries")
                    }
                    _ => {}
                }
            }
        }
        self.report.leaves = edge.size();
        if edge.root() != tree.root {
            let other = format!("the entries do not lead to the root of the checkpoint of {} leaves", tree.size);
            self.found(Kind::BadLog, LOG, other);
        }
        Ok(Some(number))
    }

    /// A head with its digest, when it is there and what it should be. `before` is the digest of the one before, where that was read.
    async fn head(&mut self, number: u64, before: Option<&Sha256Hex>) -> Result<Option<(Head, Sha256Hex)>> {
        let Some(policy) = self.archive.policy.log() else { return Ok(None) };
        let head = self.archive.log().head(number, policy).await;
        let found = self.checked(head)?.flatten();
        if let (Some((head, _)), Some(before)) = (&found, before)
            && head.parent.as_ref() != Some(before)
        {
            self.found(Kind::BadLog, place(&Head::path(number)), "it does not continue the head before it");
        }
        Ok(found)
    }

    /// The newest head is what the next writer goes on from: it must reach what is published and what the index has seen, and its staged
    /// entries must be there.
    async fn last_head(&mut self, next: u64, published: u64, indexed: u64) -> Result<()> {
        let log = self.archive.log();
        let mut size = 0;
        let number = log.last_head().await?;
        if published == 0 && number > 1 {
            self.found(Kind::BadLog, place("checkpoint"), "it is missing, and several heads are there");
        }
        if next < number && log.read(&place(&Head::path(next))).await?.is_none() {
            self.found(Kind::BadLog, place(&Head::path(next)), "it is missing, and later heads are there");
        }
        if number > 0 {
            let before = if number > 1 { self.head(number - 1, None).await? } else { None };
            let Some((head, _)) = self.head(number, before.as_ref().map(|(_, digest)| digest)).await? else { return Ok(()) };
            let before = before.map_or(0, |(head, _)| head.tree.size);
            size = head.tree.size;
            let staging = place(&head.staging());
            let staged = log.read(&staging).await?;
            let entries = staged.as_deref().and_then(split_entries);
            match (entries, self.checked(log.edge(before).await)?) {
                (None, _) => self.found(Kind::BadLog, staging, "it is missing or cut off: the newest head needs it"),
                (Some(entries), Some(mut edge)) => {
                    entries.iter().for_each(|entry| edge.push(leaf_hash(entry), |_, _| {}));
                    if (edge.size(), edge.root()) != (head.tree.size, head.tree.root) {
                        self.found(Kind::BadLog, staging, "its entries do not lead to the head that names it");
                    }
                }
                _ => {}
            }
        }
        for (known, whose) in [(published, "the checkpoint"), (indexed, "the index")] {
            if known > size {
                let lost = format!(
                    "{whose} knows {known} leaves, the newest head (number {number}) has {size}: heads were lost or taken back"
                );
                self.found(Kind::BadLog, place("heads"), lost);
                break;
            }
        }
        Ok(())
    }

    async fn leaf(&mut self, index: u64, entry: &[u8], beside: &Beside) -> Result<()> {
        let leaf = match Leaf::from_bytes(entry) {
            Ok(leaf) => leaf,
            Err(error) => {
                self.found(Kind::BadLog, format!("leaf {index}"), error);
                return Ok(());
            }
        };
        if leaf.kind == LeafKind::KeyEvent && !beside.keyrings.contains(entry) {
            self.found(
                Kind::LeafWithoutReceipt,
                layout::KEYRINGS,
                format!("leaf {index} of the log names a keyring, and it is not there"),
            );
        }
        if leaf.kind == LeafKind::Renewal && !beside.renewals.contains(&leaf.man.sha256) {
            self.found(
                Kind::LeafWithoutReceipt,
                place("anchors"),
                format!("leaf {index} of the log names a renewed time stamp, and it is not there"),
            );
        }
        let (Some(record), Some(revision)) = (leaf.rec, leaf.ver) else { return Ok(()) };
        sqlx::query("INSERT INTO temp.leaves VALUES (?, ?, ?, ?)")
            .bind(record.as_str())
            .bind(revision)
            .bind(leaf.man.sha256.as_str())
            .bind(i64::try_from(index).map_err(|e| Error::malformed(LOG, e))?)
            .execute(&mut self.memory)
            .await?;
        Ok(())
    }

    async fn compare(&mut self) -> Result<()> {
        let archive = self.archive;
        let without_receipt = "SELECT record || '/' || revision, idx FROM temp.leaves l
            WHERE NOT EXISTS (SELECT 1 FROM temp.sealed s WHERE s.record = l.record AND s.revision = l.revision)
            AND NOT EXISTS (SELECT 1 FROM temp.destroyed d JOIN temp.leaves t USING (record, revision, digest)
              WHERE d.record = l.record AND d.revision > l.revision)";
        for (revision, index) in self.pairs(without_receipt).await? {
            if !archive.exists(&receipt(&revision)?).await? {
                self.found(
                    Kind::LeafWithoutReceipt,
                    receipt(&revision)?,
                    format!("leaf {index} of the log names it, and it is not there"),
                );
            }
        }
        let other = "SELECT l.record || '/' || l.revision, l.idx FROM temp.leaves l
            JOIN temp.sealed s ON s.record = l.record AND s.revision = l.revision WHERE s.digest <> l.digest";
        for (revision, index) in self.pairs(other).await? {
            self.found(Kind::LeafDiffers, receipt(&revision)?, format!("leaf {index} of the log names another manifest"));
        }
        let without_leaf = "SELECT record || '/' || revision, '' FROM temp.sealed s
            WHERE NOT EXISTS (SELECT 1 FROM temp.leaves l WHERE s.record = l.record AND s.revision = l.revision)";
        for (revision, _) in self.pairs(without_leaf).await? {
            self.found(Kind::Unlogged, receipt(&revision)?, "it has no leaf in the log yet");
        }
        Ok(())
    }
}

/// The tiles that are not full, once the last entry is in.
fn partial(edge: &Edge, size: u64) -> Vec<(Tile, Vec<Hash>)> {
    if edge.size() == size { edge.tiles().map(|(tile, hashes)| (tile, hashes.to_vec())).collect() } else { Vec::new() }
}

/// The path of `record/revision`, as the tables give it.
pub(super) fn receipt(revision: &str) -> Result<object_store::path::Path> {
    let wrong = || Error::malformed(LOG, format_args!("'{revision}' is not a revision"));
    let (record, number) = revision.split_once('/').ok_or_else(wrong)?;
    Ok(layout::receipt(&crate::index::parse(record)?, number.parse().map_err(|_| wrong())?))
}
