//! The second half of ingest: scans arrive, workers lease them, read, seal and commit them, until nothing is left or somebody
//! stops it. Killed at any point, the next run finds what arrived and finishes it.

use crate::config::Priority;
use crate::logbook::LogbookError;
use crate::present::{DocumentLine, document_line, json_line, printable};
use crate::progress::Progress;
use crate::same_paper::Others;
use crate::walk::Scan;
use crate::workbench::{Ended, FIRST_BACK_OFF, Halt, Workbench};
use crate::{arrive, commands, same_paper};
use sohoa_archive::queue::Order;
use sohoa_archive::{Arrival, ArrivalNote, Job, Remedy};
use sohoa_record::identifier::RecordId;
use sohoa_record::manifest::{Manifest, PageState, State};
use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::{Notify, watch};

/// Arrivals run ahead of the workers by this many documents, no more: a backlog is not copied twice over before it is read.
const AHEAD: u64 = 64;
const ARRIVE_ATTEMPTS: u32 = 3;

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
    /// Why the log was not brought up to date, or what a witness has against it.
    pub log_error: Option<LogbookError>,
}

/// Everything a batch works with.
pub struct Batch<'a> {
    /// What documents are made with.
    pub bench: Workbench<'a>,
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
        let workers = (0..self.bench.children.count()).map(|_| self.work(&shared));
        tokio::join!(self.arrivals(scans, &shared), futures::future::join_all(workers));
        for (shown, record) in shared.linked_early.lock().map(|mut early| std::mem::take(&mut *early)).unwrap_or_default() {
            if let Some(opened) = self.bench.archive.resume(&record).await? {
                self.progress.print(&self.json_of(&shown, &opened.manifest, Some(record.as_str()), &Others::default(), &[]));
            }
        }
        self.progress.finish();
        let logged = self.bench.logbook.finish(self.bench.archive).await;
        if let Some(halt) = shared.halt.into_inner().unwrap_or_default() {
            return Err(halt);
        }
        let mut summary = shared.summary.into_inner().unwrap_or_default();
        summary.stopped = *self.stop.borrow();
        summary.log_error = logged.err();
        Ok(summary)
    }

    fn stopping(&self, shared: &Shared) -> bool {
        *self.stop.borrow() || shared.halt.lock().is_ok_and(|halt| halt.is_some())
    }

    async fn arrivals(&self, scans: &[Scan], shared: &Shared) {
        for scan in scans {
            // The queue itself is asked: another run on the same archive may be doing our documents, and we theirs.
            while !self.stopping(shared) && self.bench.archive.queue.counts().await.is_ok_and(|counts| counts.queued >= AHEAD) {
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
            let arrived = match arrive::open(&scan.path) {
                Ok(file) => arrive::take(self.bench.archive, scan, file, self.unit.as_deref(), Priority::Backlog.rank()).await,
                Err(error) => Err(error),
            };
            let error = match arrived {
                Ok(arrived) => {
                    let record = arrived.first.record.clone();
                    if arrived.committed {
                        self.tell_known(scan, &arrived.first, arrived.arrival, shared).await?;
                    } else {
                        // Somebody named the file again: what was given up gets another chance.
                        self.bench.archive.queue.retry_dead(Some(&record)).await?;
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
                    tracing::warn!("a scan is not taken yet: {}; trying again in {back_off:?}", arrive::told(&error));
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

    /// A scan that needs no work: it was done in an earlier run, or its bytes are another scan's.
    async fn tell_known(&self, scan: &Scan, first: &ArrivalNote, arrival: Arrival, shared: &Shared) -> Result<(), Halt> {
        let linked = arrival == Arrival::Linked;
        with(shared, |summary| *(if linked { &mut summary.linked } else { &mut summary.known }) += 1);
        let shown = scan.path.display().to_string();
        if linked && !self.json {
            let line = format!("linked  {shown}  same bytes as {} (record {})", first.path, first.record);
            self.progress.print(&printable(&line));
        } else if self.json {
            let opened = self.bench.archive.resume(&first.record).await?;
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
            let leased = self.bench.lease(Order::ByPriority).await;
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
            let on_page = || self.progress.page();
            let ended = match self.bench.finish(&job, &on_page, &mut stop).await {
                Ok(ended) => self.tell(&job, ended, shared).await,
                Err(halt) => Err(halt),
            };
            if let Err(halt) = ended {
                set_halt(shared, halt);
            }
            shared.changed.notify_waiters();
        }
        shared.changed.notify_waiters();
    }

    /// No job is waiting for its time. What other workers hold is theirs to finish.
    async fn nothing_waits(&self) -> bool {
        self.bench.archive.queue.counts().await.is_ok_and(|counts| counts.queued == 0)
    }

    /// Says how a job ended.
    async fn tell(&self, job: &Job, ended: Ended, shared: &Shared) -> Result<(), Halt> {
        match ended {
            Ended::Done(manifests) => {
                for manifest in &manifests {
                    self.tell_done(job, manifest, shared).await?;
                }
                self.progress.document(manifests.iter().any(|manifest| manifest.state == State::Failed));
            }
            Ended::GivenUp(error) => {
                self.progress.print_error(&format!("not done  record {}: {error}", job.record));
                with(shared, |summary| summary.not_done += 1);
                self.progress.document(true);
            }
            Ended::Later(_) | Ended::Stopped => {}
        }
        Ok(())
    }

    async fn tell_done(&self, job: &Job, manifest: &Manifest, shared: &Shared) -> Result<(), Halt> {
        with(shared, |summary| {
            *summary.documents.entry(manifest.state).or_default() += 1;
            manifest.pages.iter().for_each(|page| *summary.pages.entry(page.state).or_default() += 1);
        });
        let shown =
            self.bench.archive.arrival(&job.source_sha256).await?.map_or_else(|| manifest.source.name.clone(), |note| note.path);
        let same = same_paper::others(self.bench.archive, manifest).await?;
        let line = if self.json {
            let pages = commands::text_pages(self.bench.archive, manifest).await?;
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
