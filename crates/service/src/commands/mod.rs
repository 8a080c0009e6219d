//! What each command does, one file a group; and how failures end the program.

mod audit;
pub mod crops;
mod destroy;
pub mod digitize;
mod doctor;
pub mod export;
mod fsck;
mod ingest;
mod keys;
mod log;
mod records;
pub mod report;
mod review;
mod separators;
mod serve;
mod setup;
mod sign;
mod signatures;
mod station;
mod template;
mod user;
mod witness;
pub mod workshop;

use crate::anchoring::AnchorError;
use crate::archive_home::{self, HomeError};
use crate::cli::{Cli, Command};
use crate::config::{Config, ConfigError};
use crate::keyring::KeyringError;
use crate::logbook::LogbookError;
use crate::page_protocol::ChildSpec;
use crate::review::ReviewError;
use crate::sandbox::{Children, SandboxError};
use crate::sign::SigningError;
use crate::time;
use crate::workbench::Halt;
use crate::worker::WorkError;
use futures::TryStreamExt as _;
use sohoa_archive::{Archive, Filter};
use sohoa_digitize::Reading;
use sohoa_digitize::render::Profile;
use sohoa_record::identifier::RecordId;
use sohoa_record::manifest::{Manifest, Role};
use sohoa_record::page_texts::{TextPage, read_pages};
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

/// How a command ends: an exit code that may tell of partial success, or a failure.
pub type Outcome = Result<ExitCode, Failure>;

/// How often an index is looked at again before it is called lost.
const REBUILD_LOOKS: u32 = 6;

/// Done, but some documents failed or some findings need a look.
pub const PARTIAL: u8 = 3;

/// Why a command could not be done. Each kind has its exit code.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// 2: wrong arguments.
    #[error("{0}")]
    Usage(String),
    /// 4: configuration, key or trust policy.
    #[error("{0}")]
    Setup(String),
    /// 5: archive, index or disk.
    #[error("{0}")]
    Archive(String),
    /// 6: the page reader.
    #[error("{0}")]
    Reader(String),
    /// 7: not there.
    #[error("{0}")]
    NotFound(String),
    /// 8: the file was refused.
    #[error("{0}")]
    Refused(String),
}

impl Failure {
    /// As `--help` lists them.
    pub fn exit_code(&self) -> ExitCode {
        ExitCode::from(match self {
            Failure::Usage(_) => 2,
            Failure::Setup(_) => 4,
            Failure::Archive(_) => 5,
            Failure::Reader(_) => 6,
            Failure::NotFound(_) => 7,
            Failure::Refused(_) => 8,
        })
    }

    /// An input that cannot be read.
    pub fn input(path: &Path, error: std::io::Error) -> Failure {
        match error.kind() {
            std::io::ErrorKind::NotFound => Failure::NotFound(format!("{} does not exist", path.display())),
            _ => Failure::Archive(format!("{} cannot be read: {error}", path.display())),
        }
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        match error {
            ConfigError::NoModel(_) => Failure::Reader(error.to_string()),
            _ => Failure::Setup(error.to_string()),
        }
    }
}

impl From<KeyringError> for Failure {
    fn from(error: KeyringError) -> Self {
        Failure::Setup(error.to_string())
    }
}

impl From<sohoa_archive::Error> for Failure {
    fn from(error: sohoa_archive::Error) -> Self {
        match error {
            sohoa_archive::Error::Destroyed { .. } => Failure::NotFound(error.to_string()),
            sohoa_archive::Error::Destruction(_) => Failure::Usage(error.to_string()),
            _ => Failure::Archive(error.to_string()),
        }
    }
}

impl From<HomeError> for Failure {
    fn from(error: HomeError) -> Self {
        match error {
            HomeError::Keyring(error) => error.into(),
            error => Failure::Archive(error.to_string()),
        }
    }
}

impl From<LogbookError> for Failure {
    fn from(error: LogbookError) -> Self {
        match error {
            LogbookError::Key(error) => error.into(),
            LogbookError::Archive(error) => error.into(),
            LogbookError::Anchor(AnchorError::Archive(error)) => error.into(),
            LogbookError::Published(_) | LogbookError::Kept(..) | LogbookError::Anchor(_) => Failure::Setup(error.to_string()),
            LogbookError::Alarm(_) => Failure::Archive(error.to_string()),
        }
    }
}

impl From<SandboxError> for Failure {
    fn from(error: SandboxError) -> Self {
        match error {
            SandboxError::Spool(..) => Failure::Archive(error.to_string()),
            SandboxError::Refused { .. } => Failure::Refused(error.to_string()),
            SandboxError::Start(_) | SandboxError::Walls(_) => Failure::Reader(error.to_string()),
        }
    }
}

impl From<ReviewError> for Failure {
    fn from(error: ReviewError) -> Self {
        match error {
            ReviewError::Archive(error) => error.into(),
            ReviewError::Random(error) => error.into(),
            ReviewError::NotThere(_) => Failure::NotFound(error.to_string()),
            _ => Failure::Usage(error.to_string()),
        }
    }
}

impl From<SigningError> for Failure {
    fn from(error: SigningError) -> Self {
        match error {
            SigningError::Archive(error) => error.into(),
            SigningError::Random(error) => error.into(),
            SigningError::Record { .. } => Failure::Usage(error.to_string()),
            _ => Failure::Setup(error.to_string()),
        }
    }
}

impl From<WorkError> for Failure {
    fn from(error: WorkError) -> Self {
        match error {
            WorkError::Sandbox(error) => error.into(),
            WorkError::Spool(..) => Failure::Archive(error.to_string()),
        }
    }
}

impl From<Halt> for Failure {
    fn from(halt: Halt) -> Self {
        match halt {
            Halt::Archive(error) => error.into(),
            Halt::Work(error) => error.into(),
            Halt::Key(error) => error.into(),
            Halt::Home(error) => error.into(),
        }
    }
}

/// Runs a command.
pub async fn run(cli: Cli) -> Outcome {
    let password_file = cli.password_file.as_deref();
    let load = || Config::load(&cli.config);
    match cli.command {
        Command::Init { dir, name, log_name } => setup::init(&dir, &name, log_name.as_deref(), password_file),
        Command::Digitize { input, output, json, text, force, explain, template } => {
            // Trying a file needs no data folder; where there is one, its settings hold.
            let config = if cli.config.exists() { load()? } else { Config::defaults() };
            let (output, text, template) = (output.as_deref(), text.as_deref(), template.as_deref());
            let asked = digitize::Asked { input: &input, output, text, json: json.json, force, explain, template };
            digitize::run(&config, asked).await
        }
        Command::Ingest { paths, unit, dry_run, json } => {
            ingest::run(&load()?, ingest::Asked { paths: &paths, unit, dry_run, json: json.json }, password_file).await
        }
        Command::Serve => serve::run(&load()?, password_file).await,
        Command::Station(asked) => station::run(&load()?, asked),
        Command::User(asked) => user::run(&load()?, asked, password_file),
        Command::Signatures { input, json } => {
            let config = if cli.config.exists() { load()? } else { Config::defaults() };
            signatures::run(&config, &input, json.json).await
        }
        Command::Status { json } => records::status(&load()?, json.json).await,
        Command::Search { query, unit, state, dossier, kind, from, to, limit, json } => {
            let filter = Filter {
                unit,
                state: state.as_deref().map(records::state).transpose()?,
                dossier_code: dossier,
                kind,
                since: from.and_then(time::midnight),
                until: to.and_then(|last| time::midnight(last.tomorrow().ok()?)),
            };
            records::search(&load()?, &query, &filter, limit, json.json).await
        }
        Command::Show { record, text, raw, json } => {
            let wanted = match (raw, text) {
                (true, _) => Some(records::Reading::AsRead),
                (false, true) => Some(records::Reading::Corrected),
                (false, false) => None,
            };
            records::show(&load()?, &record, wanted, json.json).await
        }
        Command::Review(asked) => review::run(&load()?, asked, password_file).await,
        Command::Sign(asked) => sign::run(&load()?, asked, password_file).await,
        Command::Register(asked) => report::import(&load()?, asked).await,
        Command::Report { year, json } => report::report(&load()?, year, json.json).await,
        Command::Template(asked) => {
            let config = if cli.config.exists() { load()? } else { Config::defaults() };
            template::run(&config, asked)
        }
        Command::Separators(asked) => separators::run(asked),
        Command::Keys(asked) => keys::run(load, asked, password_file).await,
        Command::Log(asked) => log::run(&load()?, asked, password_file).await,
        Command::Renew { within_days } => log::renew(&load()?, within_days, password_file).await,
        Command::Witness(asked) => witness::run(asked, password_file).await,
        Command::Doctor { json } => doctor::run(&cli.config, json.json).await,
        Command::Fsck { rebuild, json } => fsck::run(&load()?, rebuild, json.json).await,
        Command::Audit { paths, trust, rates, against, options } => {
            // An auditor's copy needs no data folder; where there is one, its places and tables hold.
            let own = cli.config.exists();
            let config = if own { load()? } else { Config::defaults() };
            audit::run(&config, own, audit::Asked { paths, trust, rates, against, options }).await
        }
        Command::Export { records, to } => export::run(&load()?, &records, &to).await,
        Command::Destroy { records, basis, by, dry_run } => {
            destroy::run(&load()?, destroy::Asked { records, basis, by, dry_run }, password_file).await
        }
        Command::PageChild => Ok(ExitCode::SUCCESS),
    }
}

/// The readers that a configuration asks for.
pub fn children(config: &Config, spool: &Path) -> Result<Children, Failure> {
    Ok(Children::new(child_spec(config)?, config.workers(), spool))
}

/// What a configuration lets a page child spend.
pub fn child_spec(config: &Config) -> Result<ChildSpec, Failure> {
    Ok(ChildSpec {
        program: None,
        require_walls: config.decode.require_walls,
        model: config.model()?,
        recording: config.recording(),
        roots: config.signature_roots(),
        language: config.recognize.language.clone(),
        reading: Reading { correct: config.correct.enabled, sheets: config.sheets() },
        limits: config.limits(),
        memory_bytes: config.decode.child_memory_mb << 20,
        open_time: Duration::from_secs(config.decode.open_seconds),
        page_time: Duration::from_secs(config.decode.page_seconds),
    })
}

/// The PDF profile; its name was checked when the configuration was read.
pub fn profile(config: &Config) -> Profile {
    config.profile().unwrap_or(Profile::PdfA1b)
}

/// The record that a person means by an identifier or its beginning; it may be one that was destroyed.
pub async fn find_record(archive: &Archive, given: &str) -> Result<RecordId, Failure> {
    if let Ok(record) = given.parse::<RecordId>() {
        return match archive.index.entry(&record).await? {
            Some(_) => Ok(record),
            None if archive.destroyed(&record).await?.is_some() => Ok(record),
            None => Err(Failure::NotFound(format!("there is no record {record}; `sohoa search` finds records by their words"))),
        };
    }
    if given.len() < 4 || !given.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-') {
        return Err(Failure::Usage(format!(
            "'{given}' is not a record identifier or the beginning of one (4 or more characters)"
        )));
    }
    let given = given.to_lowercase();
    // identifiers made in the same minute begin alike, so the end of one may be given as well
    let fits = |r: &RecordId| r.as_str().starts_with(&given) || r.as_str().ends_with(&given);
    let mut found: Vec<RecordId> = Vec::new();
    let mut after = None;
    loop {
        let entries = archive.index.entries(&Filter::default(), after.as_ref(), 1000).await?;
        let Some(last) = entries.last().map(|entry| entry.record.clone()) else { break };
        found.extend(entries.into_iter().map(|entry| entry.record).filter(&fits));
        after = Some(last);
    }
    let mut after = None;
    loop {
        let page = archive.index.destroyed(after.as_ref(), 1000).await?;
        let Some(last) = page.last().cloned() else { break };
        found.extend(page.into_iter().filter(&fits));
        after = Some(last);
    }
    found.sort();
    found.dedup();
    match found.as_slice() {
        [one] => Ok(one.clone()),
        [] => Err(Failure::NotFound(format!(
            "no record begins or ends with '{given}'; `sohoa search` finds records by their words"
        ))),
        many => Err(Failure::Usage(format!("{} records begin or end with '{given}'; give more of it", many.len()))),
    }
}

/// The pages of a record, from its text object.
pub async fn text_pages(archive: &Archive, manifest: &Manifest) -> Result<Vec<TextPage>, sohoa_archive::Error> {
    let Some(object) = manifest.object(Role::Text) else { return Ok(Vec::new()) };
    let bytes: Vec<u8> = archive
        .objects
        .open(&object.digests.sha256)
        .await?
        .try_fold(Vec::new(), |mut all, piece| async move {
            all.extend_from_slice(&piece);
            Ok(all)
        })
        .await?;
    let mut pages = Vec::new();
    read_pages(bytes.as_slice(), |page| pages.push(page))
        .map_err(|e| sohoa_archive::Error::Malformed { place: object.digests.sha256.to_string(), why: e.to_string() })?;
    Ok(pages)
}

/// Opens the archive for a command that only looks or decides.
pub async fn open(config: &Config) -> Result<Archive, Failure> {
    let archive = archive_home::open(config).await?;
    match archive.check_is_there().await {
        Err(away @ sohoa_archive::Error::Away) => {
            let store = config.path(&config.archive.store);
            Err(Failure::Archive(format!("{}: {away}", store.display())))
        }
        checked => Ok(checked.map(|()| archive)?),
    }
}

/// Opens the archive for a command whose answer would be wrong while the index lacks what the store has.
pub async fn open_indexed(config: &Config) -> Result<Archive, Failure> {
    let archive = open(config).await?;
    for _ in 0..REBUILD_LOOKS {
        if !archive.wants_rebuild().await? {
            return Ok(archive);
        }
        // The very first run on an archive may stand between the arrival of its first scan and the job for it.
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    Err(Failure::Archive("the index is new and the store is not: run `sohoa fsck --rebuild` first".into()))
}

/// The first Ctrl-C or SIGTERM stops in order; the second one at once.
pub fn stop_on_signals() -> Result<watch::Receiver<bool>, Failure> {
    let (tell, stop) = watch::channel(false);
    let cannot = |e: std::io::Error| Failure::Archive(format!("signals cannot be received: {e}"));
    let mut interrupt = signal(SignalKind::interrupt()).map_err(cannot)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(cannot)?;
    tokio::spawn(async move {
        let mut again = false;
        loop {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
            if again {
                std::process::exit(130);
            }
            again = true;
            tracing::warn!("stopping; run the same command again to go on (Ctrl-C again: at once)");
            let _ = tell.send(true);
        }
    });
    Ok(stop)
}
