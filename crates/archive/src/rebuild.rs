//! Index and queue from the object store alone, in constant memory.
//!
//! It goes over the store once: receipts become entries, arrivals without a receipt become jobs, registers become rows again.
//! Jobs keep their order by the time of arrival; their priority and the attempts that failed are not in the store and begin anew.

use crate::entry::Entry;
use crate::error::{Error, Result};
use crate::fsck::Finding;
use crate::register::{self, RegisterNote, RegisterRow};
use crate::store::{Archive, parse_note};
use crate::{body, index, layout, queue};
use futures::TryStreamExt as _;
use object_store::path::Path;
use serde::Serialize;
use sohoa_record::identifier::RecordId;
use sqlx::SqliteConnection;

/// Records that share one transaction: a sync each would take most of the time.
const BATCH: u64 = 200;

/// Makes rows of a register's bytes, or says why it cannot.
pub type ReadRegister<'a> = dyn Fn(&RegisterNote, &[u8]) -> Result<Vec<RegisterRow>, String> + Sync + 'a;

/// What was rebuilt.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Rebuilt {
    /// Receipts that were read and believed, of all revisions.
    pub revisions: u64,
    /// Records that were lawfully destroyed.
    pub destroyed: u64,
    /// Jobs for sources that have no receipt yet.
    pub jobs: u64,
    /// Registers.
    pub registers: u64,
    /// Findings: what could not be taken in.
    pub findings: u64,
}

impl Archive {
    /// Drops index and queue and makes them again. `read_register` makes rows of a register's bytes; what it says in error is a
    /// finding. An altered object or a receipt that is not believed is a finding too, handed to `found`, and does not stop it.
    pub async fn rebuild(&self, read_register: &ReadRegister<'_>, found: &mut (dyn FnMut(Finding) + Send)) -> Result<Rebuilt> {
        self.index.database.clear().await?;
        let mut rebuilt = Rebuilt::default();
        self.rebuild_index(&mut rebuilt, found).await?;
        self.rebuild_queue(&mut rebuilt, found).await?;
        let mut registers = self.registers();
        while let Some(note) = registers.try_next().await? {
            let digest = &note.digests.sha256;
            let rows = match self.objects.get(digest).await {
                Ok(bytes) => read_register(&note, &bytes).map_err(|why| Error::Register { digest: digest.clone(), why }),
                Err(error) => Err(error),
            };
            match rows {
                Ok(rows) => {
                    let mut tx = self.index.database.write().await?;
                    register::write(&mut tx, &note, &rows).await?;
                    tx.commit().await?;
                    rebuilt.registers += 1;
                }
                Err(error) => report(&mut rebuilt, found, error)?,
            }
        }
        Ok(rebuilt)
    }

    async fn rebuild_index(&self, rebuilt: &mut Rebuilt, found: &mut (dyn FnMut(Finding) + Send)) -> Result<()> {
        let mut receipts = self.sorted_receipts().await?;
        let mut tx = self.index.database.write().await?;
        let mut destroyed = Vec::new();
        while let Some((record, revision)) = receipts.next().await? {
            let opened = match self.revision(&record, revision).await {
                Ok(Some(opened)) => opened,
                Err(Error::Destroyed { record, revision, at, .. }) => {
                    rebuilt.destroyed += 1;
                    destroyed.push((record, revision, at));
                    continue;
                }
                Ok(None) => continue,
                Err(error) => {
                    report(rebuilt, found, error)?;
                    continue;
                }
            };
            let body = match body::read(&self.objects, &opened).await {
                Ok(body) => body,
                // A destruction that was stopped took its text already.
                Err(_) if self.destroyed(&record).await.is_ok_and(|destroyed| destroyed.is_some()) => continue,
                Err(error) => {
                    // The record is there and is counted; only its pages cannot be searched.
                    report(rebuilt, found, error)?;
                    String::new()
                }
            };
            index::write(&mut tx, &Entry::of(&opened), &body).await?;
            rebuilt.revisions += 1;
            if rebuilt.revisions.is_multiple_of(BATCH) {
                tx.commit().await?;
                tx = self.index.database.write().await?;
            }
        }
        // Last: receipts of a destruction that was stopped may have come after the tombstone.
        for (record, revision, at) in &destroyed {
            index::destroy(&mut tx, record, *revision, at).await?;
        }
        Ok(tx.commit().await?)
    }

    /// All receipts, oldest record first: rows keep the order of arrival, by which the newest are found first. A folder lists in no order.
    async fn sorted_receipts(&self) -> Result<Receipts> {
        let mut scratch = self.index.database.scratch().await?;
        sqlx::raw_sql(
            "CREATE TEMP TABLE receipts (record TEXT, revision INTEGER, PRIMARY KEY (record, revision)) WITHOUT ROWID; BEGIN",
        )
        .execute(&mut scratch)
        .await?;
        let mut listed = self.store.list(Some(&Path::from(layout::RECORDS)));
        while let Some(meta) = listed.try_next().await.map_err(Error::store(layout::RECORDS))? {
            let Some((record, revision)) = layout::parse_receipt(&meta.location) else { continue };
            sqlx::query("INSERT INTO receipts VALUES (?,?)").bind(record.as_str()).bind(revision).execute(&mut scratch).await?;
        }
        sqlx::raw_sql("COMMIT").execute(&mut scratch).await?;
        Ok(Receipts { scratch, last: (String::new(), 0) })
    }

    async fn rebuild_queue(&self, rebuilt: &mut Rebuilt, found: &mut (dyn FnMut(Finding) + Send)) -> Result<()> {
        let mut listed = self.store.list(Some(&Path::from(layout::ARRIVALS)));
        let mut tx = self.index.database.write().await?;
        while let Some(meta) = listed.try_next().await.map_err(Error::store(layout::ARRIVALS))? {
            let Some(source) = layout::parse_first_arrival(&meta.location) else { continue };
            let Some(bytes) = self.read(&meta.location).await? else { continue };
            let note = match parse_note(&meta.location, &bytes) {
                Ok(note) => note,
                Err(error) => {
                    report(rebuilt, found, error)?;
                    continue;
                }
            };
            // A receipt that is not believed is there all the same: making the record again could not be committed.
            if self.exists(&layout::receipt(&note.record, 1)).await? {
                continue;
            }
            let arrived = note.arrived_at.parse::<jiff::Timestamp>().map_or(0, |time| time.as_millisecond());
            if queue::enqueue(&mut tx, arrived, &note.record, &source, 0).await? {
                rebuilt.jobs += 1;
            }
        }
        Ok(tx.commit().await?)
    }
}

/// Receipts in the order of their records and revisions, in constant memory.
struct Receipts {
    scratch: SqliteConnection,
    last: (String, u32),
}

impl Receipts {
    async fn next(&mut self) -> Result<Option<(RecordId, u32)>> {
        let next = "SELECT record, revision FROM receipts WHERE (record, revision) > (?, ?) ORDER BY record, revision LIMIT 1";
        let next: Option<(String, u32)> =
            sqlx::query_as(next).bind(&self.last.0).bind(self.last.1).fetch_optional(&mut self.scratch).await?;
        let Some((record, revision)) = next else { return Ok(None) };
        let parsed = index::parse(&record)?;
        self.last = (record, revision);
        Ok(Some((parsed, revision)))
    }
}

/// A finding goes to the caller; the store or the database being away stops the rebuild, which is then simply begun again.
fn report(rebuilt: &mut Rebuilt, found: &mut (dyn FnMut(Finding) + Send), error: Error) -> Result<()> {
    let finding = Finding::from_error(error)?;
    rebuilt.findings += 1;
    found(finding);
    Ok(())
}
