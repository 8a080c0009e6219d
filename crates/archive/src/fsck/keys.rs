//! The keys of receipts against the keyrings of the log: where the log has a receipt, its key must have counted.

use super::log::receipt;
use super::{Kind, Run};
use crate::error::Result;
use sohoa_record::Sha256Hex;
use sohoa_record::keyring::{History, Standing};
use sqlx::Row as _;

impl Run<'_> {
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
}
