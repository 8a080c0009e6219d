//! The work that is to be done: one job a record, leased with a deadline.
//!
//! Contract:
//! - A job is there from the arrival of its source until its receipt is in the index; both changes are one transaction each with
//!   what they go with, so no job is lost and none is done twice unknowingly.
//! - A lease belongs to one owner and one attempt. Who lets it run out loses it without being told; the commit's create-if-absent,
//!   not the lease, is what keeps a late worker from doing harm.
//! - Highest priority first, then oldest, unless the oldest is asked for. A job that waits to be retried holds up nobody.
//! - Every lease counts as an attempt. A job whose attempts are used up is a dead letter with its last error: shown, never dropped.
//! - Times are milliseconds since 1970 UTC, given by the caller.

use crate::database::Database;
use crate::error::{Error, Result};
use crate::index::{number, parse};
use serde::Serialize;
use sohoa_record::Sha256Hex;
use sohoa_record::identifier::RecordId;
use sqlx::sqlite::SqliteRow;
use sqlx::{Row as _, SqliteConnection};
use std::collections::BTreeMap;

/// The queue of an archive. Cheap to clone; all clones share its connections.
#[derive(Clone, Debug)]
pub struct Queue {
    pub(crate) database: Database,
}

/// A job that is leased to the caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    /// The record to make.
    pub record: RecordId,
    /// The bytes to make it from.
    pub source_sha256: Sha256Hex,
    /// Higher first.
    pub priority: i64,
    /// From 1.
    pub attempt: u32,
    /// Who holds the lease.
    pub owner: String,
    /// When the lease ends.
    pub lease_until: i64,
    /// Why the attempt before this one failed.
    pub last_error: Option<String>,
}

/// What becomes of a job that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// It may be tried again from this time on, if it has attempts left.
    RetryAt(i64),
    /// Trying again is no use.
    Dead,
}

/// How many jobs are in which state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct QueueCounts {
    /// Waiting, some of them for their time.
    pub queued: u64,
    /// Being done, or held by a worker that is gone until the lease ends.
    pub leased: u64,
    /// Given up.
    pub dead: u64,
    /// When the oldest job that is neither done nor dead was enqueued.
    pub oldest_enqueued_at: Option<i64>,
}

/// Which job is the next one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// The highest priority, of equal ones the oldest.
    ByPriority,
    /// The oldest: a lease now and then by age, and what is urgent all day starves nothing.
    ByAge,
}

/// What a job is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum JobState {
    /// It waits.
    Queued,
    /// It is being done, or held by a worker that is gone until the lease ends.
    Leased,
    /// It was given up.
    Dead,
}

/// A job as somebody sees it who waits for its record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Waiting {
    /// What it is doing.
    pub state: JobState,
    /// How often it was begun.
    pub attempts: u32,
    /// Milliseconds since 1970 UTC.
    pub enqueued_at: i64,
    /// Why the last attempt failed, if one did.
    pub last_error: String,
    /// Its source.
    pub source_sha256: Sha256Hex,
}

/// A job that was given up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DeadJob {
    /// The record that is not made.
    pub record: RecordId,
    /// Its source.
    pub source_sha256: Sha256Hex,
    /// How often it was tried.
    pub attempts: u32,
    /// Why the last attempt failed.
    pub last_error: String,
}

/// No retry is put off for longer, so a time beyond that was written before the clock was set back.
const LONGEST_WAIT_MS: i64 = 60 * 60 * 1000;
/// What is kept of a job whose last lease ran out.
pub const EXPIRED: &str = "the lease ran out: the worker stopped, was killed or took too long";

impl Queue {
    /// Adds a job. Nothing happens when it is there already, in whatever state, or when the record is in the index.
    pub async fn enqueue(&self, now: i64, record: &RecordId, source: &Sha256Hex, priority: i64) -> Result<bool> {
        let mut tx = self.database.write().await?;
        let added = enqueue(&mut tx, now, record, source, priority).await?;
        tx.commit().await?;
        Ok(added)
    }

    /// Takes the next job in that order for `duration` milliseconds, if there is one. Leases that ran out are taken back first; a job that was
    /// leased `max_attempts` times becomes a dead letter instead.
    pub async fn lease(&self, now: i64, owner: &str, duration: i64, max_attempts: u32, order: Order) -> Result<Option<Job>> {
        let mut tx = self.database.write().await?;
        sqlx::query(
            "UPDATE jobs SET state = iif(attempt >= ?2, 'dead', 'queued'), owner = NULL, lease_until = NULL, last_error = ?3
             WHERE state = 'leased' AND lease_until <= ?1",
        )
        .bind(now)
        .bind(max_attempts)
        .bind(EXPIRED)
        .execute(&mut *tx)
        .await?;
        // Each order has its index.
        let row = sqlx::query(match order {
            Order::ByPriority => {
                "UPDATE jobs SET state = 'leased', attempt = attempt + 1, owner = ?2, lease_until = ?3
                 WHERE record = (SELECT record FROM jobs WHERE state = 'queued' AND (not_before <= ?1 OR not_before > ?4)
                                 ORDER BY priority DESC, enqueued_at, record LIMIT 1)
                 RETURNING record, source_sha256, priority, attempt, owner, lease_until, last_error"
            }
            Order::ByAge => {
                "UPDATE jobs SET state = 'leased', attempt = attempt + 1, owner = ?2, lease_until = ?3
                 WHERE record = (SELECT record FROM jobs WHERE state = 'queued' AND (not_before <= ?1 OR not_before > ?4)
                                 ORDER BY enqueued_at, record LIMIT 1)
                 RETURNING record, source_sha256, priority, attempt, owner, lease_until, last_error"
            }
        })
        .bind(now)
        .bind(owner)
        .bind(now.saturating_add(duration))
        .bind(now.saturating_add(LONGEST_WAIT_MS))
        .fetch_optional(&mut *tx)
        .await?;
        let job = row.as_ref().map(read_job).transpose()?;
        tx.commit().await?;
        Ok(job)
    }

    /// Keeps the lease for `duration` milliseconds from now (the worker's heartbeat).
    pub async fn extend(&self, now: i64, job: &Job, duration: i64) -> Result<()> {
        let mut tx = self.database.write().await?;
        let changed = sqlx::query(
            "UPDATE jobs SET lease_until = ?4 WHERE record = ?1 AND owner = ?2 AND attempt = ?3 AND state = 'leased'",
        )
        .bind(job.record.as_str())
        .bind(&job.owner)
        .bind(job.attempt)
        .bind(now.saturating_add(duration))
        .execute(&mut *tx)
        .await?;
        held(changed.rows_affected(), job)?;
        Ok(tx.commit().await?)
    }

    /// Ends the attempt without success. `error` is what an operator reads.
    pub async fn fail(&self, job: &Job, failure: Failure, max_attempts: u32, error: &str) -> Result<()> {
        let (dead, not_before) = match failure {
            Failure::RetryAt(at) => (job.attempt >= max_attempts, at),
            Failure::Dead => (true, 0),
        };
        let mut tx = self.database.write().await?;
        let changed = sqlx::query(
            "UPDATE jobs SET state = iif(?4, 'dead', 'queued'), not_before = ?5, last_error = ?6, owner = NULL, lease_until = NULL
             WHERE record = ?1 AND owner = ?2 AND attempt = ?3 AND state = 'leased'",
        )
        .bind(job.record.as_str())
        .bind(&job.owner)
        .bind(job.attempt)
        .bind(dead)
        .bind(not_before)
        .bind(error)
        .execute(&mut *tx)
        .await?;
        held(changed.rows_affected(), job)?;
        Ok(tx.commit().await?)
    }

    /// Gives a job back that was not begun or was stopped on purpose: the attempt does not count.
    pub async fn release(&self, job: &Job) -> Result<()> {
        let mut tx = self.database.write().await?;
        let changed = sqlx::query(
            "UPDATE jobs SET state = 'queued', attempt = attempt - 1, owner = NULL, lease_until = NULL
             WHERE record = ?1 AND owner = ?2 AND attempt = ?3 AND state = 'leased'",
        )
        .bind(job.record.as_str())
        .bind(&job.owner)
        .bind(job.attempt)
        .execute(&mut *tx)
        .await?;
        held(changed.rows_affected(), job)?;
        Ok(tx.commit().await?)
    }

    /// Takes back at once what an owner held who is known to be gone, such as this program before it was killed. The attempts
    /// count: the job may be what killed it. Returns how many jobs there were.
    pub async fn take_back(&self, owner: &str, max_attempts: u32) -> Result<u64> {
        let mut tx = self.database.write().await?;
        let changed = sqlx::query(
            "UPDATE jobs SET state = iif(attempt >= ?2, 'dead', 'queued'), owner = NULL, lease_until = NULL, last_error = ?3
             WHERE state = 'leased' AND owner = ?1",
        )
        .bind(owner)
        .bind(max_attempts)
        .bind(EXPIRED)
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(changed.rows_affected())
    }

    /// How many jobs are in which state.
    pub async fn counts(&self) -> Result<QueueCounts> {
        let rows = sqlx::query("SELECT state, count(*), min(enqueued_at) FROM jobs GROUP BY state")
            .fetch_all(&self.database.reader)
            .await?;
        let mut counts = QueueCounts::default();
        for row in rows {
            let (state, many): (&str, u64) = (row.try_get(0)?, number(&row, 1)?);
            match state {
                "queued" => counts.queued = many,
                "leased" => counts.leased = many,
                _ => counts.dead = many,
            }
            if state != "dead" {
                let oldest: i64 = row.try_get(2)?;
                counts.oldest_enqueued_at = Some(counts.oldest_enqueued_at.map_or(oldest, |known| known.min(oldest)));
            }
        }
        Ok(counts)
    }

    /// How many jobs wait, of each priority that has one.
    pub async fn queued_by_priority(&self) -> Result<BTreeMap<i64, u64>> {
        let rows = sqlx::query("SELECT priority, count(*) FROM jobs WHERE state = 'queued' GROUP BY priority")
            .fetch_all(&self.database.reader)
            .await?;
        rows.iter().map(|row| Ok((row.try_get(0)?, number(row, 1)?))).collect()
    }

    /// When the next waiting job may be taken or the next lease ends; nothing when there is neither.
    pub async fn next_at(&self) -> Result<Option<i64>> {
        let next = sqlx::query_scalar(
            "SELECT min(at) FROM (SELECT min(not_before) AS at FROM jobs WHERE state = 'queued'
                                  UNION ALL SELECT min(lease_until) FROM jobs WHERE state = 'leased')",
        );
        Ok(next.fetch_one(&self.database.reader).await?)
    }

    /// Jobs that were given up: at most `limit` after the record `after`.
    pub async fn dead(&self, after: Option<&RecordId>, limit: u32) -> Result<Vec<DeadJob>> {
        let rows = sqlx::query(
            "SELECT record, source_sha256, attempt, coalesce(last_error, '') FROM jobs
             WHERE state = 'dead' AND record > ? ORDER BY record LIMIT ?",
        )
        .bind(after.map_or("", RecordId::as_str))
        .bind(limit)
        .fetch_all(&self.database.reader)
        .await?;
        let read = |row: &SqliteRow| {
            Ok(DeadJob {
                record: parse(row.try_get(0)?)?,
                source_sha256: parse(row.try_get(1)?)?,
                attempts: number(row, 2)?,
                last_error: row.try_get(3)?,
            })
        };
        rows.iter().map(read).collect()
    }

    /// The sources of all jobs, in whatever state; several jobs may have one.
    pub async fn sources(&self) -> Result<Vec<Sha256Hex>> {
        let sources: Vec<String> = sqlx::query_scalar("SELECT source_sha256 FROM jobs").fetch_all(&self.database.reader).await?;
        sources.iter().map(|source| parse(source)).collect()
    }

    /// Gives a dead letter all its attempts again, or every one when none is named. Returns how many there were.
    pub async fn retry_dead(&self, record: Option<&RecordId>) -> Result<u64> {
        let mut tx = self.database.write().await?;
        let changed = sqlx::query(
            "UPDATE jobs SET state = 'queued', attempt = 0, not_before = 0 WHERE state = 'dead' AND (?1 IS NULL OR record = ?1)",
        )
        .bind(record.map(RecordId::as_str))
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(changed.rows_affected())
    }

    /// The job for that record as it stands, if there is one.
    pub async fn find(&self, record: &RecordId) -> Result<Option<Waiting>> {
        let row =
            sqlx::query("SELECT state, attempt, enqueued_at, coalesce(last_error, ''), source_sha256 FROM jobs WHERE record = ?")
                .bind(record.as_str())
                .fetch_optional(&self.database.reader)
                .await?;
        let read = |row: SqliteRow| {
            let state = match row.try_get(0)? {
                "queued" => JobState::Queued,
                "leased" => JobState::Leased,
                _ => JobState::Dead,
            };
            Ok(Waiting {
                state,
                attempts: number(&row, 1)?,
                enqueued_at: row.try_get(2)?,
                last_error: row.try_get(3)?,
                source_sha256: parse(row.try_get(4)?)?,
            })
        };
        row.map(read).transpose()
    }

    /// True when there is a job for that record, in whatever state.
    pub async fn has(&self, record: &RecordId) -> Result<bool> {
        let found: Option<i64> = sqlx::query_scalar("SELECT 1 FROM jobs WHERE record = ?")
            .bind(record.as_str())
            .fetch_optional(&self.database.reader)
            .await?;
        Ok(found.is_some())
    }
}

impl Queue {
    /// Notes that a source is about to arrive: between its note in the store and its job somebody may be killed.
    pub(crate) async fn announce(&self, now: i64, source: &Sha256Hex, priority: i64) -> Result<()> {
        let mut tx = self.database.write().await?;
        sqlx::query("INSERT INTO arriving VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING")
            .bind(source.as_str())
            .bind(priority)
            .bind(now)
            .execute(&mut *tx)
            .await?;
        Ok(tx.commit().await?)
    }

    /// The sources that were announced and have no job, with their priority, and when they were announced.
    pub(crate) async fn announced(&self) -> Result<Vec<(Sha256Hex, i64, i64)>> {
        let rows = sqlx::query("SELECT source_sha256, priority, at FROM arriving").fetch_all(&self.database.reader).await?;
        rows.iter().map(|row| Ok((parse(row.try_get(0)?)?, row.try_get(1)?, row.try_get(2)?))).collect()
    }

    /// Forgets an announcement.
    pub(crate) async fn arrived(&self, source: &Sha256Hex) -> Result<()> {
        let mut tx = self.database.write().await?;
        sqlx::query("DELETE FROM arriving WHERE source_sha256 = ?").bind(source.as_str()).execute(&mut *tx).await?;
        Ok(tx.commit().await?)
    }
}

/// See [`Queue::enqueue`].
pub(crate) async fn enqueue(
    tx: &mut SqliteConnection,
    now: i64,
    record: &RecordId,
    source: &Sha256Hex,
    priority: i64,
) -> Result<bool> {
    // From here on the job stands for the source.
    sqlx::query("DELETE FROM arriving WHERE source_sha256 = ?").bind(source.as_str()).execute(&mut *tx).await?;
    // Index and completion are one transaction, so a record is always in `jobs` or in `records`, never in neither.
    let added = sqlx::query(
        "INSERT INTO jobs (record, source_sha256, priority, enqueued_at, state)
         SELECT ?1, ?2, ?3, ?4, 'queued' WHERE NOT EXISTS (SELECT 1 FROM records WHERE record = ?1)
         ON CONFLICT (record) DO NOTHING",
    )
    .bind(record.as_str())
    .bind(source.as_str())
    .bind(priority)
    .bind(now)
    .execute(tx)
    .await?;
    Ok(added.rows_affected() > 0)
}

/// The record is made: its job is done, whoever holds it.
pub(crate) async fn complete(tx: &mut SqliteConnection, record: &RecordId) -> Result<()> {
    sqlx::query("DELETE FROM jobs WHERE record = ?").bind(record.as_str()).execute(tx).await?;
    Ok(())
}

fn held(changed: u64, job: &Job) -> Result<()> {
    if changed == 1 { Ok(()) } else { Err(Error::LeaseLost { record: job.record.clone(), attempt: job.attempt }) }
}

fn read_job(row: &SqliteRow) -> Result<Job> {
    Ok(Job {
        record: parse(row.try_get("record")?)?,
        source_sha256: parse(row.try_get("source_sha256")?)?,
        priority: row.try_get("priority")?,
        attempt: number(row, "attempt")?,
        owner: row.try_get("owner")?,
        lease_until: row.try_get("lease_until")?,
        last_error: row.try_get("last_error")?,
    })
}
