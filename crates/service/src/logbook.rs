//! Every receipt becomes a leaf of the transparency log: after its commit, several together. What a run that was stopped did not append
//! is appended by the next one, so a receipt is never held up by the log.

use crate::anchoring::{AnchorError, Anchored, Anchoring};
use crate::config::Config;
use crate::cosigning::{Gathered, gather, is_due};
use crate::keyring::{self, KeyringError};
use crate::whole;
use ed25519_dalek::SigningKey;
use jiff::{SignedDuration, Timestamp};
use sohoa_archive::{Archive, Log};
use sohoa_record::log::{Checkpoint, Leaf, LogPolicy, Note};
use sohoa_record::seal::Opened;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// So many leaves are appended together …
const TOGETHER: usize = 64;
/// … or those of so long. An append is some eight writes, a document seconds of recognition.
const WITHIN: Duration = Duration::from_secs(5);
/// A start waits so long for the witnesses.
const START_TIME: Duration = Duration::from_secs(1);

/// Why the log cannot be used. Receipts are safe; their leaves follow when it can.
#[derive(Debug, thiserror::Error)]
pub enum LogbookError {
    /// Its key.
    #[error(transparent)]
    Key(#[from] KeyringError),
    /// The store, or a log that must not be continued.
    #[error(transparent)]
    Archive(#[from] sohoa_archive::Error),
    /// The published checkpoint.
    #[error("log/checkpoint: {0}; `sohoa fsck` and a copy of the log say what happened")]
    Published(String),
    /// The checkpoint beside the key.
    #[error("{0}, the log's newest checkpoint as this machine knows it: {1}; restore it from a copy of the key's folder")]
    Kept(PathBuf, String),
    /// A time stamp.
    #[error(transparent)]
    Anchor(#[from] AnchorError),
    /// A witness saw another history of the log.
    #[error("the log is in question: {0}; what was sealed is safe; `sohoa log append` asks again")]
    Alarm(String),
}

/// The log of an archive, when it has one.
pub struct Logbook {
    log: Option<Log>,
    policy: Option<LogPolicy>,
    anchoring: Option<Anchoring>,
    kept: PathBuf,
    pending: Mutex<Pending>,
}

struct Pending {
    leaves: Vec<Leaf>,
    since: Instant,
}

impl Logbook {
    /// Opens the log that the configuration names. What earlier runs left out of it is appended by [`Logbook::catch_up`]; here only where
    /// a keyring has no leaf yet, for what its keys sealed must come before it.
    pub async fn open(config: &Config, archive: &Archive, password_file: Option<&Path>) -> Result<Logbook, LogbookError> {
        let kept = kept_file(config);
        let pending = Mutex::new(Pending { leaves: Vec::new(), since: Instant::now() });
        let Some(signer) = keyring::log_signer(config, password_file)? else {
            return Ok(Logbook { log: None, policy: None, anchoring: None, kept, pending });
        };
        let policy = keyring::trust_policy(config)?.log().cloned();
        let log = Log::open(archive, signer, read_kept(&kept)?.as_ref()).await?;
        let awaits = log.keyring_awaits(archive).await?;
        let logbook = Logbook { log: Some(log), policy, anchoring: Anchoring::open(config)?, kept, pending };
        if awaits {
            logbook.catch_up(archive).await?;
        }
        logbook.keep().await?;
        Ok(logbook)
    }

    /// The same, and what earlier runs left out is in it.
    pub async fn caught_up(config: &Config, archive: &Archive, password_file: Option<&Path>) -> Result<Logbook, LogbookError> {
        let logbook = Logbook::open(config, archive, password_file).await?;
        logbook.catch_up(archive).await?;
        Ok(logbook)
    }

    /// The same for a command that seals with `key`: refused when the log says that the key has ended.
    pub async fn for_sealing(
        config: &Config,
        archive: &Archive,
        key: &SigningKey,
        password_file: Option<&Path>,
    ) -> Result<Logbook, LogbookError> {
        let logbook = Logbook::open(config, archive, password_file).await?;
        keyring::refuse_void(archive, key).await?;
        logbook.refuse_taken_back().await?;
        Ok(logbook)
    }

    /// Refuses to go on from a log of which a witness knows more: this machine with its key's folder may have been restored from a backup, and only
    /// witnesses remember. One that does not answer soon is asked again when there is something to cosign.
    async fn refuse_taken_back(&self) -> Result<(), LogbookError> {
        let (Some(log), Some(policy)) = (&self.log, &self.policy) else { return Ok(()) };
        if policy.witnesses().is_empty() {
            return Ok(());
        }
        let Some(note) = log.reader().checkpoint().await? else { return Ok(()) };
        match tokio::time::timeout(START_TIME, self.ask(policy, log, &note)).await {
            Ok(gathered) => gathered?.map_or(Ok(()), refuse_alarm),
            Err(_) => Ok(()),
        }
    }

    /// False when receipts are not logged here.
    pub fn is_kept(&self) -> bool {
        self.log.is_some()
    }

    /// Notes a receipt that is committed, and appends when enough have come together.
    pub async fn note(&self, opened: &Opened) -> Result<(), LogbookError> {
        if self.log.is_none() {
            return Ok(());
        }
        let due = {
            let mut pending = self.pending.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
            if pending.leaves.is_empty() {
                pending.since = Instant::now();
            }
            pending.leaves.push(Leaf::of_revision(opened));
            pending.leaves.len() >= TOGETHER || pending.since.elapsed() >= WITHIN
        };
        if due { self.append().await } else { Ok(()) }
    }

    /// Notes a receipt where its work must go on: it is committed whatever becomes of its leaf, which a later run appends.
    pub async fn note_or_warn(&self, opened: &Opened) {
        if let Err(error) = self.note(opened).await {
            tracing::warn!("the log: {error}");
        }
    }

    /// Appends what is noted. After an error it is still noted, and in the archive anyway.
    pub async fn append(&self) -> Result<(), LogbookError> {
        let Some(log) = &self.log else { return Ok(()) };
        let leaves = std::mem::take(&mut self.pending.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).leaves);
        if leaves.is_empty() {
            return Ok(());
        }
        if let Err(error) = log.append_leaves(&leaves).await {
            self.pending.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).leaves.extend(leaves);
            return Err(error.into());
        }
        self.keep().await
    }

    /// Appends leaves that must be published before the caller goes on, such as those of tombstones.
    pub async fn publish(&self, leaves: &[Leaf]) -> Result<(), LogbookError> {
        let Some(log) = &self.log else { return Ok(()) };
        log.append_leaves(leaves).await?;
        self.keep().await
    }

    /// Appends what other runs left out: those killed between receipt and leaf, and those of the time before there was a log, which may be a
    /// million. Stopped anywhere, it goes on from there the next time.
    pub async fn catch_up(&self, archive: &Archive) -> Result<(), LogbookError> {
        let Some(log) = &self.log else { return Ok(()) };
        let late = log.catch_up(archive).await?;
        if late > 0 {
            tracing::info!(late, "receipts of earlier runs were appended to the log");
        }
        self.keep().await
    }

    /// The end of a command: everything is appended, also what this run completed for one that was killed, and [witnessed](Logbook::witness).
    pub async fn finish(&self, archive: &Archive) -> Result<(), LogbookError> {
        self.append().await?;
        self.catch_up(archive).await?;
        self.witness().await
    }

    /// Appends what is noted; then the witnesses are asked, and the services for time stamps.
    pub async fn witness(&self) -> Result<(), LogbookError> {
        self.append().await?;
        let gathered = self.cosign().await?;
        // A service that is away holds nobody up: the next run asks again.
        if let Err(error) = self.anchor(false).await {
            tracing::warn!("the log: {error}");
        }
        gathered.map_or(Ok(()), refuse_alarm)
    }

    /// Has the newest checkpoint cosigned by the witnesses of the trust policy and publishes it with what they gave. None when there is no
    /// witness to ask, or all have cosigned it within a day. A witness that is away costs seconds and is asked again the next time.
    pub async fn cosign(&self) -> Result<Option<Gathered>, LogbookError> {
        let (Some(log), Some(policy)) = (&self.log, &self.policy) else { return Ok(None) };
        let Some(note) = log.reader().checkpoint().await? else { return Ok(None) };
        if !is_due(policy, &note, u64::try_from(Timestamp::now().as_second()).unwrap_or(0)) {
            return Ok(None);
        }
        let Some(gathered) = self.ask(policy, log, &note).await? else { return Ok(None) };
        if gathered.note != note {
            log.publish_cosigned(&gathered.note).await?;
        }
        Ok(Some(gathered))
    }

    /// Asks every witness to cosign that checkpoint of this log. None when another writer published a newer one meanwhile, and may have had it
    /// cosigned: they are asked for that the next time.
    async fn ask(&self, policy: &LogPolicy, log: &Log, note: &Note) -> Result<Option<Gathered>, LogbookError> {
        let size = Checkpoint::of_note(note).map_err(|e| LogbookError::Published(e.to_string()))?.size;
        // A witness that never saw the log begins with a tree of no leaves, from which there is nothing to prove.
        let prove = async |old: u64| match old {
            0 => Ok(Vec::new()),
            old => log.reader().consistency(old, size).await.map_err(|e| e.to_string()),
        };
        let gathered = gather(policy, note, None, prove).await.map_err(|e| LogbookError::Published(e.to_string()))?;
        let published = log.reader().checkpoint().await?;
        Ok(published.is_some_and(|published| published.text == note.text).then_some(gathered))
    }

    /// Has the newest checkpoint stamped (RFC 3161) by a configured service: always, or when it is time again. None when nothing was stamped.
    pub async fn anchor(&self, always: bool) -> Result<Option<Anchored>, LogbookError> {
        match (&self.log, &self.anchoring) {
            (Some(log), Some(anchoring)) => Ok(anchoring.anchor(log, always).await?),
            _ if always => Err(AnchorError::NoService.into()),
            _ => Ok(None),
        }
    }

    /// Renews the time stamps that end within so long.
    pub async fn renew(&self, within: SignedDuration, done: &mut dyn FnMut(Anchored)) -> Result<(), LogbookError> {
        let (Some(log), Some(anchoring)) = (&self.log, &self.anchoring) else { return Err(AnchorError::NoService.into()) };
        let renewed = anchoring.renew(log, within, done).await;
        // Also those of a run that was stopped in between, or that failed with the next one.
        log.append_renewals().await?;
        self.keep().await?;
        Ok(renewed?)
    }

    /// Keeps the newest checkpoint beside the key, away from the store: whoever takes the store back to an older state is found out.
    async fn keep(&self) -> Result<(), LogbookError> {
        let Some(tree) = (match &self.log {
            Some(log) => log.tree().await.filter(|tree| tree.size > 0),
            None => None,
        }) else {
            return Ok(());
        };
        // Another run may have kept a newer one.
        if read_kept(&self.kept)?.is_some_and(|kept| kept.size >= tree.size) {
            return Ok(());
        }
        let kept = whole::write(&self.kept, tree.text().as_bytes());
        kept.map_err(|e| LogbookError::Kept(self.kept.clone(), e.to_string()))
    }
}

/// An answer that puts the log's history in question.
fn refuse_alarm(gathered: Gathered) -> Result<(), LogbookError> {
    match gathered.answers.iter().find(|(_, answer)| answer.is_alarm()) {
        Some((name, answer)) => Err(LogbookError::Alarm(format!("witness {name} {answer}"))),
        None => Ok(()),
    }
}

/// The newest checkpoint as this machine knows it, which lies beside the log's key and not in the store.
pub fn kept_checkpoint(config: &Config) -> Result<Option<Checkpoint>, LogbookError> {
    read_kept(&kept_file(config))
}

fn kept_file(config: &Config) -> PathBuf {
    config.path(&config.log.key).with_extension("checkpoint")
}

fn read_kept(file: &Path) -> Result<Option<Checkpoint>, LogbookError> {
    let failed = |e: String| LogbookError::Kept(file.to_owned(), e);
    match std::fs::read_to_string(file) {
        Ok(text) => Checkpoint::parse_text(&text).map(Some).map_err(|e| failed(e.to_string())),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(failed(e.to_string())),
    }
}
