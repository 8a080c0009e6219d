//! What stations called their pushes: one name (the Idempotency-Key of the IETF draft of that title), one document.

use crate::database::Database;
use crate::error::Result;
use sohoa_record::Sha256Hex;

/// Names are remembered for so long: whoever repeats a push does so within days.
const KEPT_MS: i64 = 30 * 24 * 60 * 60 * 1000;

/// Which bytes have a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// Those that had it first.
    pub sha256: Sha256Hex,
    /// True when nobody had it before.
    pub is_new: bool,
}

/// The names.
#[derive(Clone, Debug)]
pub struct Pushes {
    pub(crate) database: Database,
}

impl Pushes {
    /// Notes that `station` calls these bytes `key`. Gives whose name it is: these bytes', or those that had it before.
    pub async fn name(&self, now: i64, station: &str, key: &str, sha256: &Sha256Hex) -> Result<Named> {
        let mut tx = self.database.write().await?;
        sqlx::query("DELETE FROM pushes WHERE station = ?1 AND key = ?2 AND at < ?3")
            .bind(station)
            .bind(key)
            .bind(now.saturating_sub(KEPT_MS))
            .execute(&mut *tx)
            .await?;
        let added = sqlx::query("INSERT INTO pushes VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING")
            .bind(station)
            .bind(key)
            .bind(sha256.as_str())
            .bind(now)
            .execute(&mut *tx)
            .await?;
        let first: String = sqlx::query_scalar("SELECT sha256 FROM pushes WHERE station = ?1 AND key = ?2")
            .bind(station)
            .bind(key)
            .fetch_one(&mut *tx)
            .await?;
        tx.commit().await?;
        Ok(Named { sha256: crate::index::parse(&first)?, is_new: added.rows_affected() > 0 })
    }
}
