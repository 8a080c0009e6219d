//! Does the archive still hold what it says? Every object is re-hashed, every receipt opened under the trust policy, every
//! revision followed to the one before; then index and queue are held against that.
//!
//! It reads and changes nothing, in constant memory: what it must remember lies in temporary tables on disk. It may run beside an
//! ingest; what the two could disagree on is looked at a second time before it is reported.

mod destroyed;
mod keys;
mod log;
mod not_files;

use crate::entry::Entry;
use crate::error::{Error, Result};
use crate::store::{Archive, parse_note};
use crate::{codes, layout, register};
use futures::TryStreamExt as _;
use object_store::path::Path;
use serde::Serialize;
use sohoa_record::identifier::RecordId;
use sohoa_record::log::Checkpoint;
use sohoa_record::{Digests, Manifest, Sha256Hex};
use sqlx::{Connection as _, Row as _, SqliteConnection};

/// What was looked at, and how much of it was found wanting.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Objects that were re-hashed.
    pub objects: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Records with at least one revision that is believed.
    pub records: u64,
    /// Revisions that are believed.
    pub revisions: u64,
    /// Records that were lawfully destroyed.
    pub destroyed: u64,
    /// Sources that arrived.
    pub arrivals: u64,
    /// Further places where their bytes were met.
    pub links: u64,
    /// Registers.
    pub registers: u64,
    /// Result codes.
    pub codes: u64,
    /// Leaves of the log.
    pub leaves: u64,
    /// Findings that mean loss, change or disagreement.
    pub errors: u64,
    /// Findings that are good to know.
    pub notes: u64,
}

impl Report {
    /// True when nothing is lost, changed or in disagreement.
    pub fn is_clean(&self) -> bool {
        self.errors == 0
    }
}

/// One thing that was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What it is.
    pub kind: Kind,
    /// The object, path or record.
    pub place: String,
    /// In words.
    pub why: String,
}

/// What a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A link, pipe, socket or device where files are kept: auditors do not follow it.
    NotAFile,
    /// An object's bytes are not those of its name.
    AlteredObject,
    /// A receipt, arrival or register lists an object that is not there.
    MissingObject,
    /// A receipt is malformed, badly signed or signed by nobody who is believed.
    BadReceipt,
    /// A revision does not continue the one before.
    BrokenChain,
    /// An arrival is malformed, missing, or says other things than its record.
    BadArrival,
    /// A register's note is malformed.
    BadRegister,
    /// A result code's note is malformed or missing, or of another record than the receipt that has the code.
    BadCode,
    /// The log is malformed, not signed by its key, does not hash to its checkpoint or heads, or lacks what it once had.
    BadLog,
    /// The log names a receipt or keyring that is not there: it was taken away.
    LeafWithoutReceipt,
    /// The log names another manifest than the receipt holds: one of the two was replaced.
    LeafDiffers,
    /// A record's latest revision was signed by a key that did not count where the log has it.
    VoidKey,
    /// A record has a tombstone, and not all that it says is gone.
    HalfDestroyed,
    /// A source that arrived has neither a record nor a job.
    Forgotten,
    /// The index lacks a record or has it otherwise.
    IndexDiffers,
    /// Index or queue have what the store does not.
    IndexForeign,
    /// SQLite finds the file damaged.
    DatabaseDamaged,
    /// Note: an older revision was signed by a key that did not count; a later one is good.
    VoidKeyBefore,
    /// Note: a receipt that is not in the log yet.
    Unlogged,
    /// Note: there is a log and the trust policy does not name it.
    LogUnchecked,
    /// Note: a source waits to be done.
    Pending,
    /// Note: an object that nothing refers to.
    Orphan,
    /// Note: what an upload left that was cut off.
    Unfinished,
    /// Note: a file that is not ours.
    ForeignFile,
}

impl Kind {
    /// False for what is only good to know.
    pub fn is_error(self) -> bool {
        !matches!(
            self,
            Kind::VoidKeyBefore
                | Kind::Unlogged
                | Kind::LogUnchecked
                | Kind::Pending
                | Kind::Orphan
                | Kind::Unfinished
                | Kind::ForeignFile
        )
    }

    /// What to do about it.
    pub fn remedy(self) -> &'static str {
        match self {
            Kind::NotAFile => {
                "put the file itself in its place, from a copy of the archive, and ask who could write there; then run `sohoa fsck` again"
            }
            Kind::AlteredObject | Kind::MissingObject | Kind::BadArrival | Kind::BadRegister | Kind::BadCode => {
                "restore the file from a copy of the archive; check the disk"
            }
            Kind::BadReceipt => {
                "if the key is one you believe, add its line to the trust policy; else restore the file from a copy"
            }
            Kind::BadLog => {
                "restore the file, or the whole of log/, from the newest copy of the archive; an index that is rebuilt does not help"
            }
            Kind::LeafWithoutReceipt | Kind::LeafDiffers => {
                "restore the file from a copy of the archive; where none has it, somebody took it away: ask who could write there"
            }
            Kind::VoidKey => "compare the record with its paper, then seal it anew: `sohoa review accept RECORD`, or correct",
            Kind::VoidKeyBefore => "nothing: it stays told, so that nobody takes it for good",
            Kind::Unlogged => "run `sohoa log append`, or the next ingest does it",
            Kind::LogUnchecked => "add the log's line to the trust policy: `sohoa log status` prints it",
            Kind::HalfDestroyed => {
                "run `sohoa destroy` on the record again, with the other documents of its scan: it goes on where it was stopped"
            }
            Kind::BrokenChain => "restore the record's receipts from a copy of the archive",
            Kind::Forgotten | Kind::IndexDiffers | Kind::IndexForeign | Kind::DatabaseDamaged => "run `sohoa fsck --rebuild`",
            Kind::Pending => "run `sohoa ingest` again; `sohoa status` shows what is waiting or given up",
            Kind::Orphan => "nothing: an ingest that was interrupted left it, and it is used when the same bytes come again",
            Kind::Unfinished => "take it away while nothing is being ingested: a write that was cut off left it",
            Kind::ForeignFile => "nothing, or take it away: sohoa did not write it",
        }
    }
}

impl Finding {
    /// An error that is a finding about one thing; other errors (the store or database is away) stay errors.
    pub(crate) fn from_error(error: Error) -> Result<Finding> {
        let (kind, place) = match &error {
            Error::Altered { digest, .. } => (Kind::AlteredObject, digest.to_string()),
            Error::Missing { digest } => (Kind::MissingObject, digest.to_string()),
            Error::Receipt { record, revision, .. } => (Kind::BadReceipt, layout::receipt(record, *revision).to_string()),
            Error::Chain { record, revision, .. } => (Kind::BrokenChain, layout::receipt(record, *revision).to_string()),
            Error::Arrival { source_sha256, .. } => (Kind::BadArrival, layout::first_arrival(source_sha256).to_string()),
            Error::Register { digest, .. } => (Kind::BadRegister, layout::register(digest).to_string()),
            Error::Malformed { place, .. } => {
                let kind = match place.split('/').next() {
                    Some(layout::RECORDS) => Kind::BadReceipt,
                    Some(layout::ARRIVALS) => Kind::BadArrival,
                    Some(layout::REGISTERS) => Kind::BadRegister,
                    Some(layout::CODES) => Kind::BadCode,
                    Some(layout::KEYRINGS) => Kind::BadReceipt,
                    Some("objects") => Kind::AlteredObject,
                    Some(crate::log::LOG) => Kind::BadLog,
                    _ => Kind::IndexDiffers,
                };
                (kind, place.clone())
            }
            _ => return Err(error),
        };
        Ok(Finding { kind, place, why: error.to_string() })
    }
}

/// One run: what it counts, where it tells, what it remembers.
struct Run<'a> {
    archive: &'a Archive,
    report: Report,
    tell: &'a mut (dyn FnMut(Finding) + Send),
    memory: SqliteConnection,
}

impl Archive {
    /// Looks at everything and hands each finding to `found`. An error means that it could not look.
    ///
    /// `kept` is the newest checkpoint of the log that the caller knows of by another way than the store: without one, a log that was taken
    /// back together with the index is found by nobody here.
    pub async fn fsck(&self, kept: Option<&Checkpoint>, found: &mut (dyn FnMut(Finding) + Send)) -> Result<Report> {
        let mut memory = self.index.database.scratch().await?;
        sqlx::raw_sql(
            "CREATE TEMP TABLE referred (digest TEXT PRIMARY KEY, place TEXT NOT NULL) WITHOUT ROWID;
             CREATE TEMP TABLE present (digest TEXT PRIMARY KEY) WITHOUT ROWID;
             CREATE TEMP TABLE receipted (record TEXT PRIMARY KEY) WITHOUT ROWID;
             CREATE TEMP TABLE arrived (record TEXT PRIMARY KEY) WITHOUT ROWID;
             CREATE TEMP TABLE destroyed (record TEXT PRIMARY KEY, revision INTEGER, digest TEXT) WITHOUT ROWID;
             CREATE TEMP TABLE sealed (record TEXT, revision INTEGER, digest TEXT, key TEXT, PRIMARY KEY (record, revision)) WITHOUT ROWID;
             CREATE TEMP TABLE leaves (record TEXT, revision INTEGER, digest TEXT, idx INTEGER, PRIMARY KEY (record, revision, idx))
             WITHOUT ROWID;",
        )
        .execute(&mut memory)
        .await?;
        let mut run = Run { archive: self, report: Report::default(), tell: found, memory };
        if !run.not_files().await? {
            return Ok(run.report);
        }
        run.receipts().await?;
        run.arrivals().await?;
        run.registers().await?;
        run.codes().await?;
        run.log(kept).await?;
        run.void_keys().await?;
        run.objects().await?;
        run.index_and_queue().await?;
        run.memory.close().await?;
        Ok(run.report)
    }
}

impl Run<'_> {
    fn found(&mut self, kind: Kind, place: impl ToString, why: impl ToString) {
        self.tell(Finding { kind, place: place.to_string(), why: why.to_string() });
    }

    fn tell(&mut self, finding: Finding) {
        *(if finding.kind.is_error() { &mut self.report.errors } else { &mut self.report.notes }) += 1;
        (self.tell)(finding);
    }

    /// Reports an error that is about one thing and gives the value otherwise.
    fn checked<T>(&mut self, result: Result<T>) -> Result<Option<T>> {
        match result {
            Ok(value) => Ok(Some(value)),
            Err(error) => {
                self.tell(Finding::from_error(error)?);
                Ok(None)
            }
        }
    }

    async fn refers(&mut self, digests: &Digests, place: &Path) -> Result<()> {
        sqlx::query("INSERT OR IGNORE INTO temp.referred VALUES (?, ?)")
            .bind(digests.sha256.as_str())
            .bind(place.as_ref())
            .execute(&mut self.memory)
            .await?;
        Ok(())
    }

    async fn receipts(&mut self) -> Result<()> {
        let archive = self.archive;
        let mut listed = archive.store.list(Some(&Path::from(layout::RECORDS)));
        while let Some(meta) = listed.try_next().await.map_err(Error::store(layout::RECORDS))? {
            let path = meta.location;
            let Some((record, revision)) = layout::parse_receipt(&path) else {
                self.found(Kind::ForeignFile, &path, "not the name of a receipt");
                continue;
            };
            let revised = archive.revision(&record, revision).await;
            if matches!(revised, Err(Error::Destroyed { .. })) {
                self.buried(&record).await?;
                continue;
            }
            let Some(Some(opened)) = self.checked(revised)? else { continue };
            self.report.revisions += 1;
            self.report.records += u64::from(revision == 1);
            sqlx::query("INSERT OR IGNORE INTO temp.receipted VALUES (?)")
                .bind(record.as_str())
                .execute(&mut self.memory)
                .await?;
            for object in &opened.manifest.objects {
                self.refers(&object.digests, &path).await?;
            }
            let fits = match archive.check_chain(&opened).await {
                Ok(()) => archive.check_arrival(&opened).await,
                broken => broken,
            };
            self.code_of(&opened.manifest).await?;
            self.sealed(&opened.manifest.record, revision, &opened.digest, &opened.key_id).await?;
            if fits.is_err() && self.is_doomed(&record).await? {
                continue;
            }
            self.checked(fits)?;
            let indexed = archive.index.entry(&record).await;
            let wrong = match self.checked(indexed)? {
                Some(None) if self.is_doomed(&record).await? => continue,
                Some(None) => "the index lacks this record".to_owned(),
                Some(Some(entry)) if entry.revision < revision => {
                    format!("the index has revision {}, the store {revision}", entry.revision)
                }
                // A commit that goes on meanwhile has its receipt; one that was taken away has not.
                Some(Some(entry))
                    if entry.revision > revision && !archive.exists(&layout::receipt(&entry.record, entry.revision)).await? =>
                {
                    let gone =
                        format!("the index has revision {}, the store only {revision}: a receipt was taken away", entry.revision);
                    self.found(Kind::BrokenChain, &record, gone);
                    continue;
                }
                Some(Some(entry)) if entry.revision == revision && entry != Entry::of(&opened) => {
                    "the index says other things than the receipt".to_owned()
                }
                _ => continue,
            };
            self.found(Kind::IndexDiffers, &record, wrong);
        }
        Ok(())
    }

    async fn arrivals(&mut self) -> Result<()> {
        let archive = self.archive;
        let mut listed = archive.store.list(Some(&Path::from(layout::ARRIVALS)));
        while let Some(meta) = listed.try_next().await.map_err(Error::store(layout::ARRIVALS))? {
            let path = meta.location;
            if let Some(source) = layout::parse_destroyed_source(&path) {
                self.destroyed_source(&source, &path).await?;
                continue;
            }
            let (first, link) = (layout::parse_first_arrival(&path), layout::parse_link(&path));
            let Some(source) = first.clone().or(link) else {
                self.found(Kind::ForeignFile, &path, "not the name of an arrival");
                continue;
            };
            let Some(bytes) = archive.read(&path).await? else { continue };
            let Some(note) = self.checked(parse_note(&path, &bytes))? else { continue };
            self.refers(&note.digests, &path).await?;
            if first.is_none() {
                self.report.links += 1;
                match self.checked(archive.arrival(&source).await)? {
                    Some(None) => self.found(Kind::BadArrival, &path, "the first arrival of these bytes is missing"),
                    Some(Some(first)) if first.digests != note.digests => {
                        self.found(Kind::BadArrival, &path, "size or digests are not those of the first arrival");
                    }
                    Some(Some(first)) if first.record != note.record => {
                        self.found(Kind::BadArrival, &path, format!("the first arrival is of record {}", first.record));
                    }
                    _ => {}
                }
                continue;
            }
            self.report.arrivals += 1;
            sqlx::query("INSERT OR IGNORE INTO temp.arrived VALUES (?)")
                .bind(note.record.as_str())
                .execute(&mut self.memory)
                .await?;
            if archive.exists(&layout::receipt(&note.record, 1)).await? {
                continue;
            }
            if archive.queue.has(&note.record).await? {
                self.found(Kind::Pending, &note.record, format!("'{}' waits to be done", note.path));
            } else if !archive.exists(&layout::receipt(&note.record, 1)).await? {
                self.found(Kind::Forgotten, &note.record, format!("'{}' has neither a record nor a job", note.path));
            }
        }
        Ok(())
    }

    async fn registers(&mut self) -> Result<()> {
        let archive = self.archive;
        let mut listed = archive.store.list(Some(&Path::from(layout::REGISTERS)));
        while let Some(meta) = listed.try_next().await.map_err(Error::store(layout::REGISTERS))? {
            let path = meta.location;
            if layout::parse_register(&path).is_none() {
                self.found(Kind::ForeignFile, &path, "not the name of a register");
                continue;
            }
            let Some(bytes) = archive.read(&path).await? else { continue };
            let Some(note) = self.checked(register::parse_note(&path, &bytes))? else { continue };
            self.report.registers += 1;
            self.refers(&note.digests, &path).await?;
        }
        Ok(())
    }

    /// The code that a receipt has must be noted as its record's.
    async fn code_of(&mut self, manifest: &Manifest) -> Result<()> {
        let Some(code) = &manifest.result_code else { return Ok(()) };
        let noted = self.archive.code(code).await;
        match self.checked(noted)? {
            Some(None) => {
                self.found(Kind::BadCode, layout::code(code), format!("the note of record {}'s code is missing", manifest.record))
            }
            Some(Some(note)) if note.record != manifest.record => {
                let why = format!("record {} has the code of record {}", manifest.record, note.record);
                self.found(Kind::BadCode, layout::code(code), why);
            }
            _ => {}
        }
        Ok(())
    }

    async fn codes(&mut self) -> Result<()> {
        let archive = self.archive;
        let mut listed = archive.store.list(Some(&Path::from(layout::CODES)));
        while let Some(meta) = listed.try_next().await.map_err(Error::store(layout::CODES))? {
            let path = meta.location;
            let Some(bytes) = archive.read(&path).await? else { continue };
            if self.checked(codes::parse_note(&path, &bytes))?.is_some() {
                self.report.codes += 1;
            }
        }
        Ok(())
    }

    async fn objects(&mut self) -> Result<()> {
        let archive = self.archive;
        let mut listed = archive.objects.list();
        while let Some((name, size)) = listed.try_next().await? {
            let digest = match name {
                Ok(digest) => digest,
                Err(path) => {
                    self.found(Kind::ForeignFile, path, "not the name of an object");
                    continue;
                }
            };
            self.report.objects += 1;
            self.report.bytes += size;
            self.checked(archive.objects.verify(&digest).await)?;
            sqlx::query("INSERT OR IGNORE INTO temp.present VALUES (?)").bind(digest.as_str()).execute(&mut self.memory).await?;
        }
        for path in archive.objects.unfinished().await {
            self.found(Kind::Unfinished, path.display(), "an upload that was cut off, or is going on");
        }
        for (digest, place) in self.pairs("SELECT digest, place FROM temp.referred WHERE digest NOT IN temp.present").await? {
            let object: Sha256Hex = crate::index::parse(&digest)?;
            let doomed = match layout::parse_receipt(&Path::from(place.as_str())) {
                Some((record, _)) => self.is_doomed(&record).await?,
                None => false,
            };
            // It may have been stored after the list went by.
            if !doomed && archive.objects.size(&object).await?.is_none() {
                self.found(Kind::MissingObject, digest, format!("{place} refers to it"));
            }
        }
        for (digest, _) in
            self.pairs("SELECT digest, '' FROM temp.present WHERE digest NOT IN (SELECT digest FROM temp.referred)").await?
        {
            self.found(Kind::Orphan, digest, "no receipt, arrival or register refers to it");
        }
        Ok(())
    }

    async fn index_and_queue(&mut self) -> Result<()> {
        let archive = self.archive;
        for (record, revision) in self.pairs("SELECT record, revision FROM records WHERE record NOT IN temp.receipted").await? {
            let id: RecordId = crate::index::parse(&record)?;
            if !archive.exists(&layout::receipt(&id, 1)).await? {
                self.found(Kind::IndexForeign, record, format!("the index has revision {revision}, the store has no receipt"));
            }
        }
        for (record, _) in self.pairs("SELECT record, '' FROM records WHERE row NOT IN (SELECT row FROM texts)").await? {
            self.found(Kind::IndexDiffers, record, "the text of its pages is not in the index");
        }
        let unnoticed = "SELECT record, '' FROM records r
            WHERE revision > (SELECT count(DISTINCT l.revision) FROM log_leaves l WHERE l.record = r.record)
            AND NOT EXISTS (SELECT 1 FROM unlogged u WHERE u.record = r.record)";
        for (record, _) in self.pairs(unnoticed).await? {
            self.found(Kind::IndexDiffers, record, "the index has forgotten that a revision has no leaf in the log");
        }
        for (record, source) in self.pairs("SELECT record, source_sha256 FROM jobs WHERE record NOT IN temp.arrived").await? {
            let source: Sha256Hex = crate::index::parse(&source)?;
            if !archive.exists(&layout::first_arrival(&source)).await? {
                self.found(Kind::IndexForeign, record, format!("there is a job, but source {source} never arrived"));
            }
        }
        for line in archive.index.database.check().await? {
            self.found(Kind::DatabaseDamaged, "index", line);
        }
        Ok(())
    }

    /// What two tables disagree on. There is as much of it as there are findings.
    async fn pairs(&mut self, sql: &'static str) -> Result<Vec<(String, String)>> {
        let rows = sqlx::query(sql).fetch_all(&mut self.memory).await?;
        rows.iter().map(|row| Ok((row.try_get_unchecked(0)?, row.try_get_unchecked(1)?))).collect()
    }
}
