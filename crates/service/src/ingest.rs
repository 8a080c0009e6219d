//! The second half of ingest: scans arrive, workers lease them, read, seal and commit them, until nothing is left or somebody
//! stops it. Killed at any point, the next run finds what arrived and finishes it.

use crate::archive_home::{HomeError, Run};
use crate::config::Config;
use crate::logbook::{Logbook, LogbookError};
use crate::present::{DocumentLine, document_line, json_line, printable};
use crate::progress::Progress;
use crate::same_paper::Others;
use crate::sandbox::{Children, SourceFile};
use crate::sealing::{Captured, Made};
use crate::sign::Sealer;
use crate::walk::Scan;
use crate::witness::{self, Registers};
use crate::worker::{self, Document, How, WorkError, read_document};
use crate::{commands, keyring, same_paper, sealing, time};
use sohoa_archive::queue::Failure;
use sohoa_archive::{Archive, Arrival, ArrivalNote, Arriving, Job, Remedy, SourceBytes};
use sohoa_digitize::extract::templates::Templates;
use sohoa_digitize::recognize::EngineInfo;
use sohoa_digitize::render::Meta;
use sohoa_record::Sha256Hex;
use sohoa_record::identifier::RecordId;
use sohoa_record::manifest::{Dossier, Manifest, PageState, Part, State};
use std::collections::BTreeMap;
use std::io::Read as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::{Notify, watch};

/// Arrivals run ahead of the workers by this many documents, no more: a backlog is not copied twice over before it is read.
const AHEAD: u64 = 64;
/// A lease, and how often it is renewed while a document is worked on.
const LEASE_MS: i64 = 5 * 60 * 1000;
const HEARTBEAT: Duration = Duration::from_secs(60);
/// A store that is away is asked again after this long, doubled each time.
const FIRST_BACK_OFF: Duration = Duration::from_secs(2);
const ARRIVE_ATTEMPTS: u32 = 3;

/// Why a batch cannot go on. What arrived is safe; the next run takes it up.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)]
pub enum Halt {
    #[error(transparent)]
    Archive(#[from] sohoa_archive::Error),
    #[error(transparent)]
    Work(#[from] WorkError),
    #[error(transparent)]
    Key(#[from] keyring::KeyringError),
    #[error(transparent)]
    Home(#[from] HomeError),
    #[error(transparent)]
    Log(#[from] LogbookError),
}

/// How a batch ended.
#[derive(Debug, Default)]
pub struct Summary {
    /// Documents of this run by outcome.
    pub documents: BTreeMap<State, u64>,
    /// Their pages by what became of them.
    pub pages: BTreeMap<PageState, u64>,
    /// Scans that were in the archive already.
    pub known: u64,
    /// Scans whose bytes were met at another place: linked, not done again.
    pub linked: u64,
    /// Scans that could not be copied, and documents that could not be worked on.
    pub not_done: u64,
    /// True when it was stopped before the end.
    pub stopped: bool,
}

/// Everything a batch works with.
pub struct Batch<'a> {
    /// The configuration.
    pub config: &'a Config,
    /// The archive.
    pub archive: &'a Archive,
    /// This run's place.
    pub run: &'a Run,
    /// The readers.
    pub children: &'a Children,
    /// What they read with.
    pub engine: EngineInfo,
    /// The kinds of paper that are known.
    pub templates: Arc<Templates>,
    /// What seals, and signs what is sealed at once.
    pub sealer: Sealer<'a>,
    /// Where receipts are noted.
    pub logbook: &'a Logbook,
    /// What may know a number that a hand wrote.
    pub registers: Registers,
    /// The unit that digitizes, when it was named.
    pub unit: Option<String>,
    /// For the person who waits.
    pub progress: &'a Progress,
    /// JSON lines instead of lines for people.
    pub json: bool,
    /// Becomes true when it shall stop.
    pub stop: watch::Receiver<bool>,
}

/// What arrivals and workers share.
#[derive(Default)]
struct Shared {
    summary: Mutex<Summary>,
    arrivals_done: AtomicBool,
    /// Links to records that were not done yet when their turn came: told at the end.
    linked_early: Mutex<Vec<(String, RecordId)>>,
    changed: Notify,
    halt: Mutex<Option<Halt>>,
}

impl Batch<'_> {
    /// Takes in `scans` and works until every job is done.
    pub async fn run(&self, scans: &[Scan]) -> Result<Summary, Halt> {
        let shared = Shared::default();
        let workers = (0..self.children.count()).map(|_| self.work(&shared));
        tokio::join!(self.arrivals(scans, &shared), futures::future::join_all(workers));
        for (shown, record) in shared.linked_early.lock().map(|mut early| std::mem::take(&mut *early)).unwrap_or_default() {
            if let Some(opened) = self.archive.resume(&record).await? {
                self.progress.print(&self.json_of(&shown, &opened.manifest, Some(record.as_str()), &Others::default(), &[]));
            }
        }
        self.progress.finish();
        let logged = self.logbook.finish(self.archive).await;
        if let Some(halt) = shared.halt.into_inner().unwrap_or_default() {
            return Err(halt);
        }
        logged?;
        let mut summary = shared.summary.into_inner().unwrap_or_default();
        summary.stopped = *self.stop.borrow();
        Ok(summary)
    }

    fn stopping(&self, shared: &Shared) -> bool {
        *self.stop.borrow() || shared.halt.lock().is_ok_and(|halt| halt.is_some())
    }

    async fn arrivals(&self, scans: &[Scan], shared: &Shared) {
        for scan in scans {
            // The queue itself is asked: another run on the same archive may be doing our documents, and we theirs.
            while !self.stopping(shared) && self.archive.queue.counts().await.is_ok_and(|counts| counts.queued >= AHEAD) {
                let _ = tokio::time::timeout(Duration::from_millis(500), shared.changed.notified()).await;
            }
            if self.stopping(shared) {
                break;
            }
            if let Err(halt) = self.arrive(scan, shared).await {
                set_halt(shared, halt);
            }
        }
        shared.arrivals_done.store(true, Ordering::SeqCst);
        shared.changed.notify_waiters();
    }

    /// Copies one scan into the archive and sees to it that it is done, or says that it was.
    async fn arrive(&self, scan: &Scan, shared: &Shared) -> Result<(), Halt> {
        let mut back_off = FIRST_BACK_OFF;
        for attempt in 1.. {
            let error = match self.try_arrive(scan).await {
                Ok(arrived) => {
                    let record = arrived.first.record.clone();
                    if arrived.committed {
                        self.tell_known(scan, &arrived.first, arrived.arrival, shared).await?;
                    } else {
                        // Somebody named the file again: what was given up gets another chance.
                        self.archive.queue.retry_dead(Some(&record)).await?;
                        if arrived.arrival == Arrival::Linked {
                            self.tell_known(scan, &arrived.first, arrived.arrival, shared).await?;
                        }
                        shared.changed.notify_waiters();
                    }
                    return Ok(());
                }
                Err(error) => error,
            };
            match error.remedy() {
                Remedy::Retry if attempt < ARRIVE_ATTEMPTS => {
                    tracing::warn!("{error}; trying again in {back_off:?}");
                    tokio::time::sleep(back_off).await;
                    back_off *= 2;
                }
                Remedy::Halt => return Err(error.into()),
                Remedy::Retry | Remedy::Document => {
                    // This one file; the batch goes on and the exit code says so.
                    self.progress.print_error(&printable(&format!("not taken  {}: {error}", scan.path.display())));
                    with(shared, |summary| summary.not_done += 1);
                    self.progress.document(true);
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    async fn try_arrive(&self, scan: &Scan) -> Result<sohoa_archive::store::Arrived, sohoa_archive::Error> {
        // Neither a link nor a FIFO that took the file's place since the walk is opened.
        let flags = libc::O_NOFOLLOW | libc::O_NONBLOCK | libc::O_CLOEXEC;
        let place = scan.path.display().to_string();
        let unreadable = |source| sohoa_archive::Error::SourceUnreadable { place: place.clone(), source };
        let file = std::fs::OpenOptions::new().read(true).custom_flags(flags).open(&scan.path).map_err(unreadable)?;
        if !file.metadata().map_err(unreadable)?.is_file() {
            return Err(unreadable(std::io::Error::other("it is no longer a file")));
        }
        let now = time::now();
        let unit = self.unit.clone().or_else(|| scan.dossier.code.as_ref().map(|code| code.agency().to_owned()));
        let arriving = Arriving {
            record: new_record_id(),
            name: scan.name.clone(),
            path: place,
            media_type: None,
            arrived_at: time::rfc3339(&now),
            now: now.timestamp().as_millisecond(),
            dossier: Dossier { unit, ..scan.dossier.clone() },
            priority: 0,
        };
        self.archive.arrive(arriving, SourceBytes::File(&mut tokio::fs::File::from_std(file))).await
    }

    /// A scan that needs no work: it was done in an earlier run, or its bytes are another scan's.
    async fn tell_known(&self, scan: &Scan, first: &ArrivalNote, arrival: Arrival, shared: &Shared) -> Result<(), Halt> {
        let linked = arrival == Arrival::Linked;
        with(shared, |summary| *(if linked { &mut summary.linked } else { &mut summary.known }) += 1);
        let shown = scan.path.display().to_string();
        if linked && !self.json {
            let line = format!("linked  {shown}  same bytes as {} (record {})", first.path, first.record);
            self.progress.print(&printable(&line));
        } else if self.json {
            let opened = self.archive.resume(&first.record).await?;
            let duplicate_of = linked.then_some(first.record.as_str());
            match opened {
                Some(opened) => {
                    self.progress.print(&self.json_of(&shown, &opened.manifest, duplicate_of, &Others::default(), &[]))
                }
                // Its first copy waits in this very batch and gets its own line.
                None => {
                    if let Ok(mut early) = shared.linked_early.lock() {
                        early.push((shown, first.record.clone()));
                    }
                }
            }
        }
        self.progress.document(false);
        Ok(())
    }

    /// One worker: leases and finishes documents until there are none.
    async fn work(&self, shared: &Shared) {
        let mut stop = self.stop.clone();
        while !self.stopping(shared) {
            // Asked before the lease: a document that arrives in between is leased, one that arrives later is waited for.
            let all_arrived = shared.arrivals_done.load(Ordering::SeqCst);
            let leased =
                self.archive.queue.lease(time::now_ms(), &self.run.owner, LEASE_MS, self.config.ingest.max_attempts).await;
            let job = match leased {
                Ok(Some(job)) => job,
                Ok(None) if all_arrived && self.nothing_waits().await => break,
                Ok(None) => {
                    let _ = tokio::time::timeout(Duration::from_millis(200), shared.changed.notified()).await;
                    continue;
                }
                Err(error) if error.remedy() == Remedy::Retry => {
                    tracing::warn!("{error}");
                    tokio::time::sleep(FIRST_BACK_OFF).await;
                    continue;
                }
                Err(error) => return set_halt(shared, error.into()),
            };
            let finished = tokio::select! {
                finished = self.with_heartbeat(&job) => Some(finished),
                _ = stop.wait_for(|stop| *stop) => None,
            };
            let outcome = match finished {
                Some(result) => self.settle(&job, result, shared).await,
                // Ctrl-C: the work is dropped, and the attempt does not count.
                None => self.archive.queue.release(&job).await.map_err(Halt::from),
            };
            if let Err(halt) = outcome {
                set_halt(shared, halt);
            }
            shared.changed.notify_waiters();
        }
        shared.changed.notify_waiters();
    }

    /// No job is waiting for its time. What other workers hold is theirs to finish.
    async fn nothing_waits(&self) -> bool {
        self.archive.queue.counts().await.is_ok_and(|counts| counts.queued == 0)
    }

    async fn with_heartbeat(&self, job: &Job) -> Result<Vec<Manifest>, Halt> {
        let document = self.document(job);
        tokio::pin!(document);
        let mut beat = tokio::time::interval(HEARTBEAT);
        beat.tick().await;
        loop {
            tokio::select! {
                done = &mut document => return done,
                _ = beat.tick() => self.archive.queue.extend(time::now_ms(), job, LEASE_MS).await?,
            }
        }
    }

    /// One source from lease to commit; the documents in it, in order.
    async fn document(&self, job: &Job) -> Result<Vec<Manifest>, Halt> {
        if let Some(opened) = self.archive.resume(&job.record).await? {
            // An earlier try got past the commit point, which is that of the first document: the others were there before.
            let mut manifests = vec![opened.manifest];
            for number in 2..=manifests[0].part.map_or(1, |part| part.of) {
                manifests.extend(self.archive.resume(&job.record.part(number)).await?.map(|opened| opened.manifest));
            }
            return Ok(manifests);
        }
        let missing = || sohoa_archive::Error::Missing { digest: job.source_sha256.clone() };
        let note = self.archive.arrival(&job.source_sha256).await?.ok_or_else(missing)?;
        let path = self.archive.objects.local_path(&job.source_sha256).ok_or_else(missing)?;
        let source = SourceFile { path, name: note.name.clone(), key: job.source_sha256.to_string() };
        let folder = self.run.folder.join(job.record.as_str());
        std::fs::create_dir_all(&folder).map_err(|e| WorkError::Spool(folder.clone(), e))?;
        // Times in the PDF are those of arrival: a document that is done again gives the same bytes.
        let created = time::parse(&note.arrived_at).unwrap_or_else(time::now);
        let meta = |number: u32| meta(&note.name, created.clone(), &job.source_sha256, number);
        let on_page = |_, _| self.progress.page();
        let sheets = self.config.sheets();
        let how = How {
            profile: commands::profile(self.config),
            templates: &self.templates,
            sheets: Some(&sheets),
            by_content: self.config.divide.by_content,
            payload_separators: &self.config.codes.payload_separators,
            meta: &meta,
        };
        let outcome = read_document(self.children, &source, &folder, &how, on_page).await;
        let sealed = match outcome {
            Ok(outcome) => self.seal(job, &note, outcome).await,
            Err(error) => Err(error.into()),
        };
        let _ = std::fs::remove_dir_all(&folder);
        sealed
    }

    /// Commits the documents of a source from the last to the first. The first has the record of the arrival, by which the next run
    /// knows that the source is done; whatever stops us before leaves a job, and doing that again comes to the same records.
    async fn seal(&self, job: &Job, note: &ArrivalNote, mut outcome: worker::Outcome) -> Result<Vec<Manifest>, Halt> {
        let captured = |number: u32| Captured {
            record: job.record.part(number),
            source: note.digests.clone(),
            name: note.name.clone(),
            arrived_at: note.arrived_at.clone(),
            dossier: note.dossier.clone(),
            operator: self.config.operator(),
        };
        let mut manifests = Vec::new();
        match &mut outcome {
            worker::Outcome::Refused { reason, detail } => {
                tracing::info!(record = %job.record, "refused: {reason}: {detail}");
                manifests.push(self.commit(sealing::capture(captured(1), Made::Refused(*reason), &self.engine)?, None).await?);
            }
            worker::Outcome::Done(done) => {
                let of = done.documents.len() as u32;
                self.archive.check_division(&job.record, &job.source_sha256, of).await?;
                for (document, number) in done.documents.iter_mut().rev().zip((1..=of).rev()) {
                    self.ask_registers(&note.dossier, document).await?;
                    // What may be signed is stored when it is known what becomes of it.
                    let may_be_signed = self.sealer.signing.is_some() && document.digitized.state == State::Sealed;
                    let pdf = if may_be_signed { digests(&document.pdf).await? } else { self.put(&document.pdf).await? };
                    let text = self.put(&document.text).await?;
                    let part = (of > 1).then_some(Part { number, of });
                    let made = Made::Read { info: &done.source, signatures: &done.signatures, document, part, pdf, text };
                    let manifest = sealing::capture(captured(number), made, &self.engine)?;
                    manifests.push(self.commit(manifest, may_be_signed.then_some(&document.pdf)).await?);
                }
            }
        }
        manifests.reverse();
        Ok(manifests)
    }

    async fn commit(&self, manifest: Manifest, spooled: Option<&PathBuf>) -> Result<Manifest, Halt> {
        let receipt = self.sealer.seal(self.archive, manifest, spooled.map(PathBuf::as_path)).await?;
        let commit = self.archive.commit(&receipt).await?;
        self.logbook.note_or_warn(commit.opened()).await;
        Ok(commit.opened().manifest.clone())
    }

    /// What a hand wrote may stand in a register.
    async fn ask_registers(&self, dossier: &Dossier, document: &mut Document) -> Result<(), Halt> {
        let digitized = &mut document.digitized;
        if digitized.state != State::Review {
            return Ok(());
        }
        let mut dossier = dossier.clone();
        dossier.code = dossier.code.or(document.dossier.clone()).or(digitized.dossier.clone());
        if witness::confirm(self.archive, &self.registers, &dossier, &mut digitized.fields).await? {
            digitized.state = sealing::settle(&digitized.fields, &mut digitized.reasons);
        }
        Ok(())
    }

    async fn put(&self, path: &PathBuf) -> Result<sohoa_record::Digests, Halt> {
        let mut file = tokio::fs::File::open(path).await.map_err(|e| WorkError::Spool(path.clone(), e))?;
        Ok(self.archive.objects.put_file(&mut file, &path.display().to_string()).await?)
    }

    /// Says how a document ended, or decides what becomes of its job.
    async fn settle(&self, job: &Job, result: Result<Vec<Manifest>, Halt>, shared: &Shared) -> Result<(), Halt> {
        let error = match result {
            Ok(manifests) => {
                for manifest in &manifests {
                    self.tell_done(job, manifest, shared).await?;
                }
                self.progress.document(manifests.iter().any(|manifest| manifest.state == State::Failed));
                return Ok(());
            }
            Err(error) => error,
        };
        let remedy = match &error {
            Halt::Archive(error) => error.remedy(),
            _ => Remedy::Halt,
        };
        let (failure, given_up) = match remedy {
            Remedy::Halt => {
                self.archive.queue.release(job).await?;
                return Err(error);
            }
            Remedy::Retry => {
                let wait = FIRST_BACK_OFF.as_millis() as i64 * (1 << job.attempt.min(6));
                (Failure::RetryAt(time::now_ms() + wait), job.attempt >= self.config.ingest.max_attempts)
            }
            Remedy::Document => (Failure::Dead, true),
        };
        tracing::warn!(record = %job.record, attempt = job.attempt, "{error}");
        self.archive.queue.fail(job, failure, self.config.ingest.max_attempts, &error.to_string()).await?;
        if given_up {
            self.progress.print_error(&format!("not done  record {}: {error}", job.record));
            with(shared, |summary| summary.not_done += 1);
            self.progress.document(true);
        }
        Ok(())
    }

    async fn tell_done(&self, job: &Job, manifest: &Manifest, shared: &Shared) -> Result<(), Halt> {
        with(shared, |summary| {
            *summary.documents.entry(manifest.state).or_default() += 1;
            manifest.pages.iter().for_each(|page| *summary.pages.entry(page.state).or_default() += 1);
        });
        let shown =
            self.archive.arrival(&job.source_sha256).await?.map_or_else(|| manifest.source.name.clone(), |note| note.path);
        let same = same_paper::others(self.archive, manifest).await?;
        let line = if self.json {
            let pages = commands::text_pages(self.archive, manifest).await?;
            let text: Vec<String> = pages.iter().map(|page| page.search_text()).collect();
            self.json_of(&shown, manifest, None, &same, &text)
        } else {
            document_line(&shown, manifest.state, &manifest.reasons, &manifest.pages, &manifest.fields)
        };
        self.progress.print(&line);
        for told in same.told().filter(|_| !self.json) {
            self.progress.print(&format!("        {told}: look whether it is one paper"));
        }
        Ok(())
    }

    fn json_of(&self, source: &str, m: &Manifest, duplicate_of: Option<&str>, same: &Others, text: &[String]) -> String {
        json_line(&DocumentLine {
            source,
            document: Some(m.source.digests.sha256.as_str()),
            record: Some(m.record.as_str()),
            state: m.state,
            reasons: &m.reasons,
            duplicate_of,
            same_paper: &same.same_number,
            same_pages: &same.same_pages,
            pages: &m.pages,
            fields: &m.fields,
            text,
        })
    }
}

/// Size and digests of a file in the spool.
async fn digests(path: &Path) -> Result<sohoa_record::Digests, WorkError> {
    let spool = |e| WorkError::Spool(path.to_owned(), e);
    let mut file = std::fs::File::open(path).map_err(spool)?;
    let hashed = tokio::task::spawn_blocking(move || {
        let (mut hasher, mut piece) = (sohoa_record::Hasher::new(), vec![0; 1 << 18]);
        loop {
            match file.read(&mut piece)? {
                0 => return Ok(hasher.finish()),
                n => hasher.update(&piece[..n]),
            }
        }
    });
    hashed.await.unwrap_or_else(|e| Err(std::io::Error::other(e))).map_err(spool)
}

/// What a document's PDF says of itself. The first document of a source is told apart from the others by nothing: most are the only.
fn meta(name: &str, created: jiff::Zoned, source: &Sha256Hex, number: u32) -> Meta {
    if number == 1 {
        return Meta { title: name.to_owned(), created, id: commands::digitize::document_id(source) };
    }
    let id = commands::digitize::document_id(&Sha256Hex::of(format!("{source}\0{number}").as_bytes()));
    Meta { title: format!("{name} ({number})"), created, id }
}

/// The first cause to stop counts.
fn set_halt(shared: &Shared, halt: Halt) {
    if let Ok(mut first) = shared.halt.lock() {
        first.get_or_insert(halt);
    }
    shared.changed.notify_waiters();
}

fn with(shared: &Shared, change: impl FnOnce(&mut Summary)) {
    if let Ok(mut summary) = shared.summary.lock() {
        change(&mut summary);
    }
}

/// A new record's identifier: UUID version 7 (RFC 9562), so that records sort by arrival.
fn new_record_id() -> RecordId {
    let id = uuid::Uuid::now_v7().to_string();
    // UUIDs print in just the form that record identifiers have.
    id.parse().unwrap_or_else(|_| unreachable!("{id} is a UUID"))
}
