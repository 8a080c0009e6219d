//! The log against the receipts: it is hashed again from its entries, every leaf must have its receipt, every receipt its leaf.

use super::{Kind, Run};
use crate::error::{Error, Result};
use crate::layout;
use crate::log::LOG;
use sohoa_record::log::tree::leaf_hash;
use sohoa_record::log::{Edge, Kind as LeafKind, Leaf, Tile};
use sohoa_record::seal::Opened;
use std::collections::HashSet;

impl Run<'_> {
    /// Remembers a receipt that was believed.
    pub(super) async fn sealed(&mut self, opened: &Opened) -> Result<()> {
        sqlx::query("INSERT OR IGNORE INTO temp.sealed VALUES (?, ?, ?)")
            .bind(opened.manifest.record.as_str())
            .bind(opened.manifest.revision)
            .bind(opened.digest.as_str())
            .execute(&mut self.memory)
            .await?;
        Ok(())
    }

    /// Looks at the log after all receipts were seen.
    pub(super) async fn log(&mut self) -> Result<()> {
        let (archive, log) = (self.archive, self.archive.log());
        if archive.policy.log().is_none() {
            if matches!(log.checkpoint().await, Ok(None)) {
                return Ok(());
            }
            self.found(Kind::LogUnchecked, LOG, "the trust policy names no log; add its 'log' and 'quorum' lines");
            return Ok(());
        }
        let keyrings = self.checked(archive.keyrings().await)?.unwrap_or_default();
        let keyrings: HashSet<Vec<u8>> = keyrings.iter().map(|keyring| keyring.leaf.to_bytes()).collect();
        let Some(head) = self.checked(archive.log_head().await)? else { return Ok(()) };
        if let Some((_, tree)) = head {
            let mut edge = Edge::default();
            for bundle in Tile::bundles(tree.size) {
                let Some(entries) = self.checked(log.entries(bundle).await)? else { return Ok(()) };
                let mut filled = Vec::new();
                for entry in &entries {
                    self.leaf(edge.size(), entry, &keyrings).await?;
                    edge.push(leaf_hash(entry), |tile, hashes| filled.push((tile, hashes)));
                }
                for (tile, hashes) in filled {
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
                self.found(
                    Kind::BadLog,
                    LOG,
                    format!("the entries do not lead to the root of the checkpoint of {} leaves", tree.size),
                );
            }
        }
        self.compare().await
    }

    async fn leaf(&mut self, index: u64, entry: &[u8], keyrings: &HashSet<Vec<u8>>) -> Result<()> {
        let leaf = match Leaf::from_bytes(entry) {
            Ok(leaf) => leaf,
            Err(error) => {
                self.found(Kind::BadLog, format!("leaf {index}"), error);
                return Ok(());
            }
        };
        if leaf.kind == LeafKind::KeyEvent && !keyrings.contains(entry) {
            self.found(
                Kind::LeafWithoutReceipt,
                layout::KEYRINGS,
                format!("leaf {index} of the log names a keyring, and it is not there"),
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
            WHERE NOT EXISTS (SELECT 1 FROM temp.sealed s WHERE s.record = l.record AND s.revision = l.revision)";
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

/// The path of `record/revision`, as the tables give it.
fn receipt(revision: &str) -> Result<object_store::path::Path> {
    let wrong = || Error::malformed(LOG, format_args!("'{revision}' is not a revision"));
    let (record, number) = revision.split_once('/').ok_or_else(wrong)?;
    Ok(layout::receipt(&crate::index::parse(record)?, number.parse().map_err(|_| wrong())?))
}
