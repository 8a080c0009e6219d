//! Which leaves the log has: a table in the index, made from the log's entries and lost without loss. It is how nobody appends twice
//! what is there, and how a receipt without a leaf is found.

use super::read::{LogReader, bundle_of};
use crate::database::Database;
use crate::error::Result;
use bytes::Bytes;
use sohoa_record::identifier::RecordId;
use sohoa_record::log::tile::Contents;
use sohoa_record::log::tree::leaf_hash;
use sohoa_record::log::{Hash, Leaf, Tile};
use sqlx::{QueryBuilder, Row as _, Sqlite, SqliteConnection};
use std::collections::HashMap;

/// A leaf's hash is its key; `record` and `revision` are of leaves that are about one.
pub(crate) const TABLE: &str = "
    CREATE TABLE IF NOT EXISTS log_leaves (idx INTEGER PRIMARY KEY, hash BLOB NOT NULL, record TEXT, revision INTEGER);
    CREATE INDEX IF NOT EXISTS log_leaves_hash ON log_leaves (hash);
    CREATE INDEX IF NOT EXISTS log_leaves_record ON log_leaves (record, revision) WHERE record IS NOT NULL;";

/// Bundles that share one transaction.
const BATCH: usize = 64;
/// Rows of one statement.
const ROWS: usize = 256;

/// The table.
#[derive(Clone, Debug)]
pub(crate) struct Leaves {
    database: Database,
}

impl Leaves {
    /// Opens the table, or makes it.
    pub async fn open(database: &Database) -> Result<Self> {
        let exists: Option<i64> = sqlx::query_scalar("SELECT 1 FROM sqlite_schema WHERE name = 'log_leaves_record'")
            .fetch_optional(&database.reader)
            .await?;
        if exists.is_none() {
            let mut tx = database.write().await?;
            sqlx::raw_sql(TABLE).execute(&mut *tx).await?;
            tx.commit().await?;
        }
        Ok(Self { database: database.clone() })
    }

    /// The hashes of the leaves about one revision. Two receipts of one revision would be two; none where no log was ever opened.
    pub async fn of_revision(database: &Database, record: &RecordId, revision: u32) -> Result<Vec<Vec<u8>>> {
        let exists: Option<i64> = sqlx::query_scalar("SELECT 1 FROM sqlite_schema WHERE name = 'log_leaves_record'")
            .fetch_optional(&database.reader)
            .await?;
        if exists.is_none() {
            return Ok(Vec::new());
        }
        let hashes = sqlx::query_scalar("SELECT hash FROM log_leaves WHERE record = ? AND revision = ?");
        Ok(hashes.bind(record.as_str()).bind(revision).fetch_all(&database.reader).await?)
    }

    /// Revision and hash of the leaves about a record from that revision on.
    pub async fn revisions_since(&self, record: &RecordId, revision: u32) -> Result<Vec<(u32, Vec<u8>)>> {
        let rows = sqlx::query_as("SELECT revision, hash FROM log_leaves WHERE record = ? AND revision >= ? ORDER BY revision");
        Ok(rows.bind(record.as_str()).bind(revision).fetch_all(&self.database.reader).await?)
    }

    /// Where the last leaf about a record is; none when there is none.
    pub async fn last_of_record(&self, record: &RecordId) -> Result<Option<u64>> {
        let last: Option<i64> = sqlx::query_scalar("SELECT max(idx) FROM log_leaves WHERE record = ?")
            .bind(record.as_str())
            .fetch_one(&self.database.reader)
            .await?;
        Ok(last.map(|last| last as u64))
    }

    /// How many leaves it knows of: those from the first on, without a gap.
    pub async fn size(&self) -> Result<u64> {
        let last: Option<i64> = sqlx::query_scalar("SELECT max(idx) FROM log_leaves").fetch_one(&self.database.reader).await?;
        Ok(last.map_or(0, |last| last as u64 + 1))
    }

    /// Takes in what the log has beyond that, up to `size` leaves.
    pub async fn follow(&self, log: &LogReader, size: u64) -> Result<()> {
        let mut from = self.size().await?;
        while from < size {
            let mut tx = self.database.write().await?;
            for _ in 0..BATCH {
                let entries = log.entries(bundle_of(from, size)).await?;
                from = insert(&mut tx, from, &entries[(from % 256) as usize..]).await?;
                if from >= size {
                    break;
                }
            }
            tx.commit().await?;
        }
        Ok(())
    }

    /// Takes in entries that were just appended, the first at `from`, unless somebody else did or some before are not known yet.
    pub async fn extend(&self, from: u64, entries: &[Bytes]) -> Result<()> {
        let mut tx = self.database.write().await?;
        let last: Option<i64> = sqlx::query_scalar("SELECT max(idx) FROM log_leaves").fetch_one(&mut *tx).await?;
        if last.map_or(0, |last| last as u64 + 1) == from {
            insert(&mut tx, from, entries).await?;
            tx.commit().await?;
        }
        Ok(())
    }

    /// Where the leaves with these hashes are, of those that the log has.
    pub async fn indices_of(&self, hashes: &[Hash]) -> Result<HashMap<Hash, u64>> {
        let mut found = HashMap::new();
        for hashes in hashes.chunks(ROWS) {
            let mut query = QueryBuilder::<Sqlite>::new("SELECT hash, min(idx) FROM log_leaves WHERE hash IN (");
            let mut list = query.separated(", ");
            for hash in hashes {
                list.push_bind(hash.as_slice());
            }
            query.push(") GROUP BY hash");
            for row in query.build().fetch_all(&self.database.reader).await? {
                let (hash, index): (Vec<u8>, i64) = (row.try_get(0)?, row.try_get(1)?);
                found.extend(hash.try_into().ok().map(|hash| (hash, index as u64)));
            }
        }
        Ok(found)
    }

    /// The last leaf that it knows: index and hash.
    pub async fn last(&self) -> Result<Option<(u64, Vec<u8>)>> {
        let row = sqlx::query("SELECT idx, hash FROM log_leaves ORDER BY idx DESC LIMIT 1")
            .fetch_optional(&self.database.reader)
            .await?;
        row.map(|row| Ok((row.try_get::<i64, _>(0)? as u64, row.try_get(1)?))).transpose()
    }

    /// False when that leaf is another one in the log of `size` leaves, or not in it: the log was replaced or taken back.
    pub async fn agrees(log: &LogReader, size: u64, last: Option<(u64, Vec<u8>)>) -> Result<bool> {
        let Some((index, hash)) = last else { return Ok(true) };
        if index >= size {
            return Ok(false);
        }
        let tile = log.hashes(Tile::holding(Contents::Hashes(0), index, size)).await?;
        Ok(tile.get((index % 256) as usize).is_some_and(|found| found.as_slice() == hash))
    }

    /// Revisions that are in the index and have no leaf, in the order of their records: at most `limit` records after `after`, each
    /// with its latest revision and which of its revisions have one.
    pub async fn lacking(&self, after: Option<&RecordId>, limit: u32) -> Result<Vec<(RecordId, Vec<u32>)>> {
        let rows = sqlx::query(
            "SELECT record, revision FROM records r
             WHERE record > ?1 AND revision > (SELECT count(DISTINCT l.revision) FROM log_leaves l WHERE l.record = r.record)
             ORDER BY record LIMIT ?2",
        )
        .bind(after.map_or("", RecordId::as_str))
        .bind(limit)
        .fetch_all(&self.database.reader)
        .await?;
        let mut lacking = Vec::with_capacity(rows.len());
        for row in rows {
            let (record, latest): (String, u32) = (row.try_get(0)?, row.try_get(1)?);
            let logged: Vec<u32> = sqlx::query_scalar("SELECT revision FROM log_leaves WHERE record = ?")
                .bind(&record)
                .fetch_all(&self.database.reader)
                .await?;
            lacking.push((crate::index::parse(&record)?, (1..=latest).filter(|n| !logged.contains(n)).collect()));
        }
        Ok(lacking)
    }

    /// How many records have a revision without a leaf.
    pub async fn count_lacking(&self) -> Result<u64> {
        let count: i64 = sqlx::query_scalar(
            "SELECT count(*) FROM records r
             WHERE revision > (SELECT count(DISTINCT l.revision) FROM log_leaves l WHERE l.record = r.record)",
        )
        .fetch_one(&self.database.reader)
        .await?;
        Ok(count as u64)
    }
}

/// Inserts entries from `from` on; gives the index after the last. An entry that is no leaf of ours is known by its hash alone.
async fn insert(connection: &mut SqliteConnection, from: u64, entries: &[Bytes]) -> Result<u64> {
    let mut index = from;
    for entries in entries.chunks(ROWS) {
        let mut query = QueryBuilder::<Sqlite>::new("INSERT OR IGNORE INTO log_leaves ");
        query.push_values(entries, |mut row, entry| {
            let leaf = Leaf::from_bytes(entry).ok();
            let (record, revision) = leaf.map_or((None, None), |leaf| (leaf.rec.map(String::from), leaf.ver));
            row.push_bind(index as i64).push_bind(leaf_hash(entry).to_vec()).push_bind(record).push_bind(revision);
            index += 1;
        });
        query.build().execute(&mut *connection).await?;
    }
    Ok(index)
}
