//! `sohoa serve`: opens everything, listens, runs until it is told to stop.

use super::workshop::Workshop;
use super::{Failure, Outcome};
use crate::api::{Api, uploads};
use crate::config::Config;
use crate::console::Console;
use crate::door::Door;
use crate::held_up::HeldUp;
use crate::http::tls::Tls;
use crate::present::printable;
use crate::running::Running;
use crate::sandbox::Children;
use crate::serve::Service;
use crate::stages::Stages;
use crate::traces::Traces;
use crate::watch::Watched;
use crate::{stations, watch};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::fs::{File, TryLockError};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::sync::watch::Receiver;

/// Page children for eyes: one looks while another draws.
const VIEWERS: usize = 2;

/// Runs it.
pub async fn run(config: &Config, password_file: Option<&Path>) -> Outcome {
    // Before anything else: whoever ends it while it opens ends it in order too.
    let mut stop = super::stop_on_signals()?;
    let opened = tokio::select! {
        opened = open(config, password_file, stop.clone()) => opened?,
        // What it was doing then is as if it had been killed: the next start goes on.
        _ = stop.wait_for(|stop| *stop) => {
            println!("stopped before it began");
            return Ok(ExitCode::SUCCESS);
        }
    };
    let Opened { folders, workshop, listener, tls, api, console, _only } = opened;
    let service = Service { bench: workshop.bench(config, true), api, console, tls, stop };
    service.run(listener, folders).await;
    drop(service);
    // Whoever still waits for an answer holds on to it; the archive is closed all the same.
    match Arc::try_unwrap(workshop) {
        Ok(workshop) => workshop.close().await,
        Err(workshop) => workshop.archive.clone().close().await,
    }
    println!("stopped; what waits is done after the next start");
    Ok(ExitCode::SUCCESS)
}

/// What a service runs with, tried and found good.
struct Opened {
    folders: Vec<Watched>,
    workshop: Arc<Workshop>,
    listener: TcpListener,
    tls: Option<Arc<Tls>>,
    api: Api,
    console: Console,
    _only: File,
}

async fn open(config: &Config, password_file: Option<&Path>, stop: Receiver<bool>) -> Result<Opened, Failure> {
    let folders = watch::open(config).await.map_err(|e| Failure::Setup(e.to_string()))?;
    let stations = stations::load(&config.path(&config.serve.stations)).map_err(|e| Failure::Setup(e.to_string()))?;
    let _only = only_one(config)?;
    raise_open_files();
    let tls = tls(config)?;
    let door = Door::open(config).map_err(|e| Failure::Setup(e.to_string()))?;
    let mut workshop = Workshop::open(config, password_file).await?;
    if !config.serve.traces.is_empty() {
        let traces = Traces::to(&config.serve.traces).map_err(|e| Failure::Setup(format!("[serve] traces: {e}")))?;
        workshop.stages = Arc::new(Stages::traced(traces));
    }
    let workshop = Arc::new(workshop);
    let address = config.serve.listen;
    let listener = TcpListener::bind(address).await;
    let listener = listener.map_err(|e| Failure::Setup(format!("[serve] listen {address}: {e}; is another service there?")))?;
    let address = listener.local_addr().map_err(|e| Failure::Setup(e.to_string()))?;
    let (arriving, uploads) = (workshop.run.folder.join("arriving"), config.path(&config.archive.spool).join("uploads"));
    for folder in [&arriving, &uploads] {
        std::fs::create_dir_all(folder).map_err(|e| Failure::Archive(format!("{} cannot be made: {e}", folder.display())))?;
    }
    workshop.sign_what_waits(config).await?;
    println!("listens   {}://{address}", if tls.is_some() { "https" } else { "http" });
    match &tls {
        Some(tls) => println!("tls       until {}", tls.ends().to_zoned(crate::time::zone()).date()),
        None if !address.ip().is_loopback() => tracing::warn!(
            "[serve] listen {address} is reached from other machines without TLS: tokens and papers can be read on the way; name [serve] tls_certificate and tls_key, or listen on 127.0.0.1 behind a web server"
        ),
        None => {}
    }
    let valid = stations.iter().filter(|station| !station.revoked).count();
    println!("stations  {valid}{}", if valid == 0 { ": nobody may push; `sohoa station new NAME` makes one" } else { "" });
    folders.iter().for_each(|folder| println!("watches   {}", folder.folder().display()));
    let held_up = HeldUp::read(config);
    if let Some(HeldUp { by, since }) = &held_up {
        println!(
            "paused    by {} since {since}: nothing is begun until somebody lets it go on at the console (Lô quét)",
            printable(by)
        );
    }
    let running = Arc::new(Running::noting(Arc::clone(&workshop.stages), held_up));
    let api = Api { archive: workshop.archive.clone(), config: Arc::new(config.clone()), arriving, uploads, running };
    uploads::sweep(&api).await;
    let viewers = Children::new(super::child_spec(config)?, VIEWERS, &workshop.run.folder.join("viewers"));
    let console = Console::new(api.clone(), Arc::clone(&workshop), door, viewers, stop);
    Ok(Opened { folders, workshop, listener, tls, api, console, _only })
}

/// Two services on one data folder would move each other's scans away and take each other's uploads for dead. The lock ends with the process,
/// however that ends.
fn only_one(config: &Config) -> Result<File, Failure> {
    let spool = config.path(&config.archive.spool);
    let file = spool.join("serving");
    let unusable = |e: std::io::Error| Failure::Archive(format!("{} cannot be used: {e}", file.display()));
    std::fs::create_dir_all(&spool).map_err(unusable)?;
    let lock = File::options().create(true).append(true).open(&file).map_err(unusable)?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => Err(Failure::Setup(format!(
            "`sohoa serve` runs on this data folder already: it holds {}; stop it first, or give this one a data folder of its own",
            file.display()
        ))),
        Err(TryLockError::Error(error)) => Err(unusable(error)),
    }
}

/// TLS of its own, where the configuration names a certificate.
fn tls(config: &Config) -> Result<Option<Arc<Tls>>, Failure> {
    let Some((certificate, key)) = config.serve.tls() else { return Ok(None) };
    let tls = Tls::open(config.path(certificate), config.path(key)).map_err(|e| Failure::Setup(e.to_string()))?;
    Ok(Some(Arc::new(tls)))
}

/// A connection is up to three open files; the usual soft limit of 1024 is too low for many stations, and the hard limit is ours to use.
fn raise_open_files() {
    let limit = getrlimit(Resource::Nofile);
    if let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum }) {
        tracing::warn!("the limit of open files stays {:?}: {error}", limit.current);
    }
}
