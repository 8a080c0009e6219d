//! The log against the receipts: it is hashed again from its entries, every leaf must have its receipt, every receipt its leaf, and
//! its key must have counted there.

use super::{Kind, Run};
use crate::error::{Error, Result};
use crate::layout;
use crate::log::LOG;
use sohoa_record::Sha256Hex;
use sohoa_record::keyring::{History, Standing};
use sohoa_record::log::tree::leaf_hash;
use sohoa_record::log::{Edge, Kind as LeafKind, Leaf, Tile};
use sohoa_record::seal::Opened;
use sqlx::Row as _;
use std::collections::HashSet;

impl Run<'_> {
    /// Remembers a receipt that was believed.
    pub(super) async fn sealed(&mut self, opened: &Opened) -> Result<()> {
        sqlx::query("INSERT OR IGNORE INTO temp.sealed VALUES (?, ?, ?, ?)")
            .bind(opened.manifest.record.as_str())
            .bind(opened.manifest.revision)
            .bind(opened.digest.as_str())
            .bind(opened.key_id.as_str())
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

    /// Revisions whose key had ended, or did not count yet, where the log has them: a person must look at each and seal it anew.
    pub(super) async fn void_keys(&mut self) -> Result<()> {
        let Some(Some(history)) = self.checked(self.archive.key_history().await)? else { return Ok(()) };
        // Read per key that does not count everywhere, and of these there are few.
        let partly: Vec<_> = history
            .keys()
            .filter(|key| history.standing(&key.id, None) != Standing::Valid || history.since(&key.id) != Some(0))
            .collect();
        for key in partly {
            let rows = sqlx::query(
                "SELECT s.record, s.revision, min(l.idx) FROM temp.sealed s
                 JOIN temp.leaves l ON l.record = s.record AND l.revision = s.revision WHERE s.key = ? GROUP BY 1, 2",
            )
            .bind(key.id.as_str())
            .fetch_all(&mut self.memory)
            .await?;
            for row in rows {
                let (record, revision, index): (String, u32, i64) = (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
                let why = match history.standing(&key.id, Some(index as u64)) {
                    Standing::Valid | Standing::Unnamed => continue,
                    Standing::Retired(by) => format!("leaf {by} of the log retired its key before"),
                    Standing::Revoked { by, reason, .. } => format!("leaf {by} of the log revoked its key: {reason}"),
                    Standing::NotYet(from) => format!("its key counts from leaf {from} of the log on"),
                    Standing::Unclear(leaf) => format!("the keyring of leaf {leaf} of the log is not there"),
                };
                let kind = match self.is_resealed(&record, revision, &history).await? {
                    true => Kind::VoidKeyBefore,
                    false => Kind::VoidKey,
                };
                self.found(kind, receipt(&format!("{record}/{revision}"))?, why);
            }
        }
        Ok(())
    }

    /// True when the record's latest revision is a later one under a key that counts.
    async fn is_resealed(&mut self, record: &str, revision: u32, history: &History) -> Result<bool> {
        let latest = sqlx::query(
            "SELECT s.revision, s.key, min(l.idx) FROM temp.sealed s
             JOIN temp.leaves l ON l.record = s.record AND l.revision = s.revision WHERE s.record = ? GROUP BY 1, 2 ORDER BY 1 DESC LIMIT 1",
        )
        .bind(record)
        .fetch_one(&mut self.memory)
        .await?;
        let (latest, key, index): (u32, String, i64) = (latest.try_get(0)?, latest.try_get(1)?, latest.try_get(2)?);
        let key: Sha256Hex = crate::index::parse(&key)?;
        Ok(latest > revision && matches!(history.standing(&key, Some(index as u64)), Standing::Valid | Standing::Unnamed))
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
