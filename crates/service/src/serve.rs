//! The service that runs all day: folders are watched, pushes are taken, workers do what is there, the log is kept up to date. All of it in
//! one process, until somebody stops it. Killed at any point, the next start goes on.

mod folders;

use crate::anchoring;
use crate::api::{self, Api, uploads};
use crate::cause::Cause;
use crate::console::{self, Console};
use crate::http::tls::Tls;
use crate::http::{self, Limits};
use crate::running::Paused;
use crate::time;
use crate::watch::Watched;
use crate::watch::held::Noted;
use crate::workbench::{Ended, FIRST_BACK_OFF, Halt, Workbench};
use sohoa_archive::Remedy;
use sohoa_archive::queue::Order;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::watch;

/// Who pushes a large batch over a slow line needs its time; silence is limited apart from that.
const LIMITS: Limits = Limits { connections: 512, connection_time: Duration::from_secs(3600) };
/// Of so many leases one goes to the oldest job, whatever is urgent: a backlog goes on all day.
const BY_AGE: u32 = 5;
/// What stops all work (a full disk, a key that is gone) is tried again after this long.
const PAUSE: Duration = Duration::from_secs(30);
/// Leaves are appended after this long …
const APPEND_EVERY: Duration = Duration::from_secs(5);
/// … and once in so many times the witnesses are asked.
const WITNESS: u32 = 12;
/// Uploads that nobody continues are cleared away, and time stamps looked at, once in so many times: an hour.
const SWEEP: u32 = 720;
/// The end waits so long for leaves of other runs; the next start appends the rest.
const LAST_CATCH_UP: Duration = Duration::from_secs(5);
/// What other runs left out of the log is looked for at the start, and this long after each time that it was appended: so long the receipts of
/// an ingest that was killed beside this service may lack their leaves.
const CATCH_UP_EVERY: Duration = Duration::from_secs(300);

/// All that runs.
pub struct Service<'a> {
    /// What documents are made with.
    pub bench: Workbench<'a>,
    /// What requests are answered from.
    pub api: Api,
    /// What pages are answered from.
    pub console: Console,
    /// How it is listened, if not plainly.
    pub tls: Option<Arc<Tls>>,
    /// Becomes true when it shall stop.
    pub stop: watch::Receiver<bool>,
}

impl Service<'_> {
    /// Runs until it is stopped; documents that are under way are given back then.
    pub async fn run(&self, listener: TcpListener, folders: Vec<Watched>) {
        let running = &self.api.running;
        running.progressed_at.store(time::now_ms(), Ordering::Relaxed);
        // From here on it is counted how fast the work goes.
        running.count();
        let workers = (0..self.bench.children.count()).map(|_| self.work());
        let watchers = self.watch_folders(folders);
        let mut stop = self.stop.clone();
        let stopped = async move {
            let _ = stop.wait_for(|stop| *stop).await;
        };
        tokio::spawn(self.console.clone().warm_up());
        let routes = api::routes(self.api.clone()).merge(console::routes(self.console.clone()));
        let listening = http::serve(routes, listener, self.tls.clone(), LIMITS, stopped);
        tokio::join!(listening, futures::future::join_all(workers), watchers, self.keep_house(), self.catch_up());
        Noted::remove(&self.api.config);
        // What a run that was killed had sealed, and this one met only since it looked last.
        let late = self.bench.logbook.catch_up(self.bench.archive);
        if let Ok(Err(error)) = tokio::time::timeout(LAST_CATCH_UP, late).await {
            tracing::error!("the log: {error}");
        }
        if let Err(error) = self.bench.logbook.witness().await {
            tracing::error!("the log: {error}");
        }
    }

    fn stopping(&self) -> bool {
        *self.stop.borrow()
    }

    /// Waits, but not after everything stops.
    async fn wait(&self, time: Duration) {
        let mut stop = self.stop.clone();
        let _ = tokio::time::timeout(time, stop.wait_for(|stop| *stop)).await;
    }

    /// One worker.
    async fn work(&self) {
        let (running, mut stop) = (Arc::clone(&self.api.running), self.stop.clone());
        let on_page = || running.progressed_at.store(time::now_ms(), Ordering::Relaxed);
        let mut leases = 0u32;
        while !self.stopping() {
            if running.held_up().is_some() {
                let _ = tokio::time::timeout(Duration::from_secs(1), running.changed.notified()).await;
                continue;
            }
            let order = if leases % BY_AGE == BY_AGE - 1 { Order::ByAge } else { Order::ByPriority };
            let job = match self.bench.lease(order).await {
                Ok(Some(job)) => job,
                Ok(None) => {
                    self.go_on();
                    let _ = tokio::time::timeout(Duration::from_millis(500), running.changed.notified()).await;
                    continue;
                }
                Err(error) if error.remedy() == Remedy::Retry => {
                    tracing::warn!("{error}");
                    self.wait(FIRST_BACK_OFF).await;
                    continue;
                }
                Err(error) => {
                    self.pause(&error.into()).await;
                    continue;
                }
            };
            leases = leases.wrapping_add(1);
            match self.bench.finish(&job, &on_page, &mut stop).await {
                Ok(Ended::Done(manifests)) => {
                    running.progressed_at.store(time::now_ms(), Ordering::Relaxed);
                    for manifest in &manifests {
                        tracing::info!(record = %manifest.record, state = manifest.state.as_str(), pages = manifest.pages.len(), "done");
                        if let Ok(mut documents) = running.documents.lock() {
                            *documents.entry(manifest.state).or_default() += 1;
                        }
                    }
                    self.go_on();
                }
                Ok(Ended::GivenUp(error)) => tracing::error!(record = %job.record, "given up: {error}"),
                Ok(Ended::Later(error)) => tracing::warn!(record = %job.record, "tried again later: {error}"),
                Ok(Ended::Stopped) => {}
                Err(halt) => self.pause(&halt).await,
            }
            running.changed.notify_waiters();
        }
    }

    /// Something stops all work: it is said where it is seen, and tried again after a while.
    async fn pause(&self, why: &Halt) {
        tracing::error!("nothing can be done now: {why}; tried again in {} s", PAUSE.as_secs());
        if let Ok(mut paused) = self.api.running.paused.lock() {
            *paused = Some(Paused { cause: Cause::of(why), detail: why.to_string() });
        }
        self.wait(PAUSE).await;
    }

    fn go_on(&self) {
        if let Ok(mut paused) = self.api.running.paused.lock() {
            *paused = None;
        }
    }

    /// What is to be done now and then: leaves are appended while receipts come, dead uploads cleared away, a renewed certificate taken up.
    async fn keep_house(&self) {
        // After the start, which does not wait for it: as many records may wait for a person as an office has.
        match self.bench.archive.resume_decisions().await {
            Ok(0) => {}
            Ok(decided) => tracing::info!(decided, "decisions that were sealed when an earlier run was killed are shown as made"),
            Err(error) => tracing::warn!("decisions of an earlier run: {error}"),
        }
        let (mut rounds, mut noted) = (0u32, None);
        while !self.stopping() {
            self.wait(APPEND_EVERY).await;
            rounds = rounds.wrapping_add(1);
            self.api.running.count();
            let held = self.api.running.held.lock().map(|held| held.clone()).ok();
            if held != noted || rounds.is_multiple_of(WITNESS) {
                Noted::write(&self.api.config, held.clone().unwrap_or_default());
                noted = held;
            }
            if let Some(tls) = &self.tls {
                tls.look();
            }
            if self.bench.archive.check_is_there().await.is_err() {
                // Told by the workers and at each push; nothing is to be written then.
                continue;
            }
            if rounds.is_multiple_of(SWEEP) {
                uploads::sweep(&self.api).await;
            }
            if rounds % SWEEP == 1 {
                self.look_at_stamps().await;
            }
            let kept = if rounds.is_multiple_of(WITNESS) {
                self.bench.logbook.witness().await
            } else {
                self.bench.logbook.append().await
            };
            if let Err(error) = kept {
                tracing::error!("the log: {error}");
            }
        }
    }

    /// Time stamps that end are told of long before, since a new certificate of their service takes an office months.
    async fn look_at_stamps(&self) {
        let lasting = match anchoring::lasting(self.bench.config, &self.bench.archive.log()).await {
            Ok(lasting) => lasting,
            Err(error) => return tracing::error!("the log's time stamps: {error}"),
        };
        if lasting.ending > 0 {
            let why = lasting.ended.clone().unwrap_or_else(|| format!("the first ends on {}", lasting.first.unwrap_or_default()));
            tracing::warn!(checkpoints = lasting.ending, "time stamps over the log end within a year: {why}; run `sohoa renew`");
        }
        if let Ok(mut stamps) = self.api.running.stamps.lock() {
            *stamps = Some(lasting);
        }
    }

    /// Leaves that other runs did not append. Nothing waits for it, neither the start nor, for longer than [`LAST_CATCH_UP`], the end: an archive that
    /// is given a log late has a leaf for each of its receipts to come.
    async fn catch_up(&self) {
        let mut stop = self.stop.clone();
        while !self.stopping() {
            if self.bench.archive.check_is_there().await.is_ok() {
                let caught_up = tokio::select! {
                    caught_up = self.bench.logbook.catch_up(self.bench.archive) => caught_up,
                    _ = stop.wait_for(|stop| *stop) => return,
                };
                if let Err(error) = caught_up {
                    tracing::error!("the log: {error}");
                }
            }
            self.wait(CATCH_UP_EVERY).await;
        }
    }
}
