//! Which leaves the log has: a table in the index, made from the log's entries and lost without loss. It is how nobody appends twice
//! what is there, and how a receipt without a leaf is found: those are a table of their own, written in the transactions that write the
//! records and the leaves.

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
    /// The table in that index.
    pub fn of(database: &Database) -> Self {
        Self { database: database.clone() }
    }

    /// The hashes of the leaves about one revision. Two receipts of one revision would be two; none where no log was ever opened.
    pub async fn of_revision(&self, record: &RecordId, revision: u32) -> Result<Vec<Vec<u8>>> {
        let hashes = sqlx::query_scalar("SELECT hash FROM log_leaves WHERE record = ? AND revision = ?");
        Ok(hashes.bind(record.as_str()).bind(revision).fetch_all(&self.database.reader).await?)
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

    /// Revisions that are in the index and have no leaf, in the order of their records: at most `limit` after `after`.
    pub async fn lacking(&self, after: Option<&(RecordId, u32)>, limit: u32) -> Result<Vec<(RecordId, u32)>> {
        let next = "SELECT record, revision FROM unlogged WHERE (record, revision) > (?, ?) ORDER BY record, revision LIMIT ?";
        let rows: Vec<(String, u32)> = sqlx::query_as(next)
            .bind(after.map_or("", |(record, _)| record.as_str()))
            .bind(after.map_or(0, |(_, revision)| *revision))
            .bind(limit)
            .fetch_all(&self.database.reader)
            .await?;
        rows.into_iter().map(|(record, revision)| Ok((crate::index::parse(&record)?, revision))).collect()
    }

    /// How many records have a revision without a leaf.
    pub async fn count_lacking(&self) -> Result<u64> {
        let count: i64 =
            sqlx::query_scalar("SELECT count(DISTINCT record) FROM unlogged").fetch_one(&self.database.reader).await?;
        Ok(count as u64)
    }
}

/// Notes the revisions of a record up to its latest that have no leaf yet, when the index gets it: looking for them among a million records
/// later would take seconds.
pub(crate) async fn note_lacking(tx: &mut SqliteConnection, record: &RecordId, latest: u32) -> Result<()> {
    for revision in 1..=latest {
        sqlx::query(
            "INSERT OR IGNORE INTO unlogged SELECT ?1, ?2
             WHERE NOT EXISTS (SELECT 1 FROM log_leaves WHERE record = ?1 AND revision = ?2)",
        )
        .bind(record.as_str())
        .bind(revision)
        .execute(&mut *tx)
        .await?;
    }
    Ok(())
}

/// Forgets a record that is no more: whoever destroys it logs its tombstone.
pub(crate) async fn forget_lacking(tx: &mut SqliteConnection, record: &RecordId) -> Result<()> {
    sqlx::query("DELETE FROM unlogged WHERE record = ?").bind(record.as_str()).execute(tx).await?;
    Ok(())
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
    let logged = "DELETE FROM unlogged WHERE (record, revision) IN (
        SELECT record, revision FROM log_leaves WHERE idx >= ? AND idx < ? AND record IS NOT NULL)";
    sqlx::query(logged).bind(from as i64).bind(index as i64).execute(connection).await?;
    Ok(index)
}
