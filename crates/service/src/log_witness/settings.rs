//! A witness's folder: `witness.toml`, its key, its memory. It has nothing of a data folder: whoever witnesses needs no archive.

use super::memory::{Memory, MemoryError};
use super::{LogWitness, WitnessError};
use crate::keyring::{self, KeyringError};
use serde::Deserialize;
use sohoa_record::log::note::{KeyType, NoteError};
use sohoa_record::log::{LogPolicy, VerifierKey};
use sohoa_sign::keys;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// The settings' file in a witness's folder.
pub const FILE: &str = "witness.toml";

/// `witness.toml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The name in the witness's key.
    pub name: String,
    /// Where it listens.
    pub listen: SocketAddr,
    /// The key's file.
    pub key: PathBuf,
    /// The memory's folder.
    pub memory: PathBuf,
    /// The logs it watches, each a vkey.
    #[serde(default)]
    pub logs: Vec<String>,
    /// A file in the form of C2SP tlog-policy, whose logs are watched too; empty: none.
    #[serde(default)]
    pub policy: PathBuf,
}

/// Why a witness cannot be made or opened.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// `witness.toml` or the policy.
    #[error("{0}: {1}")]
    File(PathBuf, String),
    /// The name.
    #[error("the witness's name '{0}' cannot be used: {1}")]
    Name(String, NoteError),
    /// The key's file.
    #[error(transparent)]
    Key(#[from] KeyringError),
    /// The memory.
    #[error(transparent)]
    Memory(#[from] MemoryError),
    /// The witness.
    #[error(transparent)]
    Witness(#[from] WitnessError),
}

impl Settings {
    /// Reads those of the witness in `dir`; paths in them start there.
    pub fn load(dir: &Path) -> Result<Settings, SettingsError> {
        let file = dir.join(FILE);
        let unusable = |why: String| SettingsError::File(file.clone(), why);
        let text = std::fs::read_to_string(&file)
            .map_err(|e| unusable(format!("{e}; name the witness's folder, which `sohoa witness new` makes")))?;
        let mut settings: Settings = toml::from_str(&text).map_err(|e| unusable(e.to_string()))?;
        for path in [&mut settings.key, &mut settings.memory, &mut settings.policy] {
            if !path.as_os_str().is_empty() {
                *path = dir.join(&path);
            }
        }
        Ok(settings)
    }

    /// The keys of the logs that are watched, which are at least one.
    fn logs(&self, dir: &Path) -> Result<Vec<VerifierKey>, SettingsError> {
        let unusable = |why: String| SettingsError::File(dir.join(FILE), why);
        let mut logs = Vec::new();
        for vkey in &self.logs {
            logs.push(VerifierKey::parse(vkey).map_err(|e| unusable(format!("logs: {e}")))?);
        }
        if !self.policy.as_os_str().is_empty() {
            let unusable = |why: String| SettingsError::File(self.policy.clone(), why);
            let text = std::fs::read_to_string(&self.policy).map_err(|e| unusable(e.to_string()))?;
            let policy = LogPolicy::parse(&text).map_err(|e| unusable(e.to_string()))?;
            logs.extend(policy.logs().iter().map(|log| log.key.clone()));
        }
        match logs.iter().find(|log| log.key_type() != KeyType::Note) {
            Some(log) => Err(unusable(format!("'{}' is the key of a witness; the key of a log was expected", log.name()))),
            None if logs.is_empty() => {
                Err(unusable("no log is watched; add the vkey of each log to `logs`, from its agency's own hands".into()))
            }
            None => Ok(logs),
        }
    }

    /// Opens the witness. One key serves one purpose: a log that is its own witness would witness nothing.
    pub fn open(&self, dir: &Path, password_file: Option<&Path>) -> Result<LogWitness, SettingsError> {
        let logs = self.logs(dir)?;
        let key = keyring::open_key(&self.key, password_file)?;
        let public = VerifierKey::new(&self.name, KeyType::Cosignature, key.verifying_key())
            .map_err(|e| SettingsError::Name(self.name.clone(), e))?;
        if let Some(log) = logs.iter().find(|log| log.key() == public.key()) {
            return Err(SettingsError::File(
                dir.join(FILE),
                format!("the key of the log '{}' is this witness's own", log.name()),
            ));
        }
        Ok(LogWitness::open(public, key, logs, &self.memory)?)
    }
}

/// Makes a witness: its key, an empty memory, and `witness.toml`. Gives its public key.
pub fn make(dir: &Path, name: &str, listen: SocketAddr, logs: &[String], password: &str) -> Result<VerifierKey, SettingsError> {
    let file = dir.join(FILE);
    if file.exists() {
        return Err(KeyringError::Exists(file).into());
    }
    for log in logs {
        VerifierKey::parse(log).map_err(|e| SettingsError::File(file.clone(), format!("logs: {e}")))?;
    }
    let key = keys::generate(*keyring::random::<32>()?);
    let public =
        VerifierKey::new(name, KeyType::Cosignature, key.verifying_key()).map_err(|e| SettingsError::Name(name.to_owned(), e))?;
    keyring::write_key(&dir.join("witness.pem"), &key, password)?;
    Memory::begin(&dir.join("memory"), &public)?;
    let logs: String = logs.iter().map(|log| format!("    {log:?},\n")).collect();
    let text = format!(
        "# A witness of other agencies' logs (docs/operating.md). Paths start at this file's folder.\n\
        name = {name:?}\n\
        listen = \"{listen}\"       # its address and port; put a web server before it that speaks TLS\n\
        key = \"witness.pem\"            # encrypted; the password comes from SOHOA_KEY_PASSWORD or --password-file\n\
        memory = \"memory\"              # what it must never forget: on a disk that survives, never restored from an older copy\n\
        policy = \"\"                    # a file with 'log' lines (C2SP tlog-policy), whose logs are watched too\n\
        logs = [                       # the logs it watches: the line of each log's .vkey file\n{logs}]\n"
    );
    keyring::write_new(&file, text.as_bytes(), 0o644)?;
    Ok(public)
}
