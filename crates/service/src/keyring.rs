//! The sealing key, the log's key and the trust policy as files: made by `sohoa init` and `sohoa keys`, read by everything that seals or opens.

use crate::config::Config;
use ed25519_dalek::SigningKey;
use sohoa_archive::Archive;
use sohoa_record::keyring::Standing;
use sohoa_record::log::{NoteSigner, VerifierKey};
use sohoa_record::{Sha256Hex, TrustPolicy, trust};
use sohoa_sign::keys;
use std::io::Write as _;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// The environment variable that may hold the key's password.
pub const PASSWORD_VARIABLE: &str = "SOHOA_KEY_PASSWORD";

/// Why a key or the trust policy cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyringError {
    /// Neither the environment nor a file gives the password.
    #[error("the key's password is not known; set {PASSWORD_VARIABLE} or give --password-file FILE")]
    NoPassword,
    /// The password file cannot be read or is empty.
    #[error("the password file {0}: {1}")]
    PasswordFile(PathBuf, String),
    /// The key file cannot be used.
    #[error("the key {0}: {1}")]
    Key(PathBuf, String),
    /// A file is there already.
    #[error("{0} exists already and is not written over; move it away first, or name another place")]
    Exists(PathBuf),
    /// A file cannot be written.
    #[error("{0} cannot be written: {1}")]
    Write(PathBuf, std::io::Error),
    /// The trust policy cannot be used.
    #[error("the trust policy {0}: {1}; `sohoa keys new` makes one")]
    Trust(PathBuf, String),
    /// Others than its owner can read or write a file of secrets.
    #[error("{0} may be read or written by others than its owner (mode {1:o}), who then know what is in it; `chmod 600 {0}`")]
    Open(PathBuf, u32),
    /// What the root says about the sealing key.
    #[error("the sealing key {0} seals nothing more: {1}")]
    Void(Sha256Hex, String),
    /// The system gives no random numbers.
    #[error("the system gives no random numbers: {0}")]
    Random(getrandom::Error),
}

/// The password, from the file or the environment; never from an argument, which every user of the machine can see.
pub fn password(file: Option<&Path>) -> Result<Zeroizing<String>, KeyringError> {
    let Some(file) = file else {
        return match std::env::var(PASSWORD_VARIABLE) {
            Ok(password) if !password.is_empty() => Ok(Zeroizing::new(password)),
            _ => Err(KeyringError::NoPassword),
        };
    };
    refuse_open(file)?;
    let text = std::fs::read_to_string(file).map_err(|e| KeyringError::PasswordFile(file.to_owned(), e.to_string()))?;
    let text = Zeroizing::new(text);
    match text.lines().next() {
        Some(line) if !line.is_empty() => Ok(Zeroizing::new(line.to_owned())),
        _ => Err(KeyringError::PasswordFile(file.to_owned(), "its first line is empty; write the password there".into())),
    }
}

/// Refuses a file of secrets that others than its owner may read or write. One that is not there is the reader's to tell.
pub fn refuse_open(file: &Path) -> Result<(), KeyringError> {
    match std::fs::metadata(file) {
        Ok(meta) if meta.is_file() && meta.permissions().mode() & 0o077 != 0 => {
            Err(KeyringError::Open(file.to_owned(), meta.permissions().mode() & 0o777))
        }
        _ => Ok(()),
    }
}

/// Refuses to seal with a key that the root has ended, or never named: nobody who believes the root would believe the seal.
pub async fn refuse_void(archive: &Archive, key: &SigningKey) -> Result<(), crate::logbook::LogbookError> {
    match ended(archive, key).await? {
        Some(why) => Err(KeyringError::Void(trust::key_id(&key.verifying_key()), why).into()),
        None => Ok(()),
    }
}

/// Why a receipt that this key seals now would not be believed by those who believe the root. The keyrings are read anew each time: a key may be
/// revoked beside a service that runs.
pub async fn ended(archive: &Archive, key: &SigningKey) -> sohoa_archive::Result<Option<String>> {
    let Some(history) = archive.key_history().await? else { return Ok(None) };
    Ok(Some(match history.standing(&trust::key_id(&key.verifying_key()), None) {
        Standing::Valid => return Ok(None),
        Standing::Unnamed if history.current().is_none() => return Ok(None),
        Standing::Unnamed => "the root has never named it; make a key with `sohoa keys rotate`".into(),
        Standing::Revoked { by, .. } => {
            format!(
                "leaf {by} of the log revoked it; `sohoa keys publish` puts a new one in its place, after `sohoa keys rotate`"
            )
        }
        Standing::Retired(by) => format!("leaf {by} of the log retired it; `sohoa keys publish` puts the new one in its place"),
        Standing::NotYet(from) => format!("it counts only from leaf {from} of the log on"),
        Standing::Unclear(leaf) => format!("the keyring of leaf {leaf} of the log is not there; restore keyring/ from a copy"),
    }))
}

/// Opens the sealing key.
pub fn sealing_key(config: &Config, password_file: Option<&Path>) -> Result<SigningKey, KeyringError> {
    open_key(&config.path(&config.seal.key), password_file)
}

/// Opens the key in a file.
pub fn open_key(file: &Path, password_file: Option<&Path>) -> Result<SigningKey, KeyringError> {
    refuse_open(file)?;
    let pem = std::fs::read_to_string(file)
        .map(Zeroizing::new)
        .map_err(|e| KeyringError::Key(file.to_owned(), format!("{e}; make one with `sohoa keys new`")))?;
    keys::from_encrypted_pem(&pem, password(password_file)?.as_bytes())
        .map_err(|e| KeyringError::Key(file.to_owned(), e.to_string()))
}

/// Where a log's key has its public half: one line, a vkey of C2SP signed-note, whose name is the log's.
fn vkey_file(key: &Path) -> PathBuf {
    key.with_extension("vkey")
}

/// Opens the log's key. None when the configuration wants no log, or there is no such key and the trust policy names no log: a data
/// folder from before there were logs.
pub fn log_signer(config: &Config, password_file: Option<&Path>) -> Result<Option<NoteSigner>, KeyringError> {
    if config.log.key.as_os_str().is_empty() {
        return Ok(None);
    }
    let file = config.path(&config.log.key);
    if !file.exists() {
        return match trust_policy(config)?.log() {
            None => Ok(None),
            Some(_) => {
                let why = "it is not there, and the trust policy names a log; restore it, or say [log] key = \"\" where another machine keeps the log";
                Err(KeyringError::Key(file, why.into()))
            }
        };
    }
    let unusable = |e: String| KeyringError::Key(file.clone(), e);
    let key = open_key(&file, password_file)?;
    let public = vkey_file(&file);
    let vkey = std::fs::read_to_string(&public).map_err(|e| unusable(format!("its public half {}: {e}", public.display())))?;
    let vkey = VerifierKey::parse(vkey.trim_end()).map_err(|e| unusable(format!("its public half {}: {e}", public.display())))?;
    let signer = NoteSigner::new(vkey.name(), key).map_err(|e| unusable(e.to_string()))?;
    if *signer.public() != vkey {
        return Err(unusable(format!("{} is not its public half; restore both from a copy", public.display())));
    }
    Ok(Some(signer))
}

/// Makes a log's key under `name` (of its own digest when none is given), writes it encrypted beside its public half, and makes the trust
/// policy name the log. Gives the policy's line.
pub fn new_log_key(config: &Config, name: Option<&str>, password: &str) -> Result<String, KeyringError> {
    let out = config.path(&config.log.key);
    let unusable = |e: String| KeyringError::Key(out.clone(), e);
    let key = keys::generate(*random::<32>()?);
    let id = trust::key_id(&key.verifying_key());
    let name = name.map_or_else(|| format!("sohoa-log/{}", &id.as_str()[..16]), str::to_owned);
    let signer = NoteSigner::new(&name, key.clone()).map_err(|e| unusable(e.to_string()))?;
    write_key(&out, &key, password)?;
    write_new(&vkey_file(&out), format!("{}\n", signer.public()).as_bytes(), 0o644)?;
    let line = format!("log {}", signer.public());
    // A policy asks for a quorum once, however many logs it names.
    let first = trust_policy(config)?.log().is_none();
    append_to_policy(config, &if first { format!("{line}\nquorum none") } else { line.clone() })?;
    Ok(line)
}

/// Reads the trust policy.
pub fn trust_policy(config: &Config) -> Result<TrustPolicy, KeyringError> {
    let file = config.path(&config.seal.trust);
    let text = std::fs::read_to_string(&file).map_err(|e| KeyringError::Trust(file.clone(), e.to_string()))?;
    TrustPolicy::parse(&text).map_err(|e| KeyringError::Trust(file, e.to_string()))
}

/// Makes a sealing key, writes it encrypted beside its public half, and adds it to the trust policy. Gives the policy's line.
pub fn new_key(config: &Config, out: &Path, name: &str, password: &str) -> Result<String, KeyringError> {
    if out.exists() {
        return Err(KeyringError::Exists(out.to_owned()));
    }
    let key = keys::generate(*random::<32>()?);
    write_key(out, &key, password)?;
    let line = trust::policy_line(&key.verifying_key(), name);
    append_to_policy(config, &line)?;
    Ok(line)
}

/// Adds lines to the trust policy.
pub fn append_to_policy(config: &Config, lines: &str) -> Result<(), KeyringError> {
    let policy = config.path(&config.seal.trust);
    let write = |e| KeyringError::Write(policy.clone(), e);
    let fresh = !policy.exists();
    let mut file = std::fs::OpenOptions::new().create(true).append(true).open(&policy).map_err(write)?;
    if fresh {
        writeln!(file, "# Whom this archive believes; one key a line (docs/format.md). Auditors get a copy of this file by another way\n# than the archive itself: who can change both can change everything.").map_err(write)?;
    }
    writeln!(file, "{lines}").map_err(write)?;
    file.sync_all().map_err(write)
}

/// Writes a key encrypted, and its public half beside it.
pub fn write_key(out: &Path, key: &SigningKey, password: &str) -> Result<(), KeyringError> {
    let unusable = |e: keys::KeyFileError| KeyringError::Key(out.to_owned(), e.to_string());
    let salting = keys::Salting { salt: *random()?, iv: *random()? };
    let pem = keys::to_encrypted_pem(key, password.as_bytes(), &salting).map_err(unusable)?;
    let public = keys::to_public_pem(&key.verifying_key()).map_err(unusable)?;
    write_new(out, pem.as_bytes(), 0o600)?;
    write_new(&out.with_extension("pub.pem"), public.as_bytes(), 0o644)
}

/// Random bytes of the system.
pub fn random<const N: usize>() -> Result<Zeroizing<[u8; N]>, KeyringError> {
    let mut bytes = Zeroizing::new([0; N]);
    getrandom::fill(&mut *bytes).map_err(KeyringError::Random)?;
    Ok(bytes)
}

/// Writes a file that is not there yet.
pub fn write_new(file: &Path, bytes: &[u8], mode: u32) -> Result<(), KeyringError> {
    let write = |e| KeyringError::Write(file.to_owned(), e);
    if let Some(folder) = file.parent() {
        std::fs::create_dir_all(folder).map_err(write)?;
    }
    let mut opened = std::fs::OpenOptions::new().write(true).create_new(true).mode(mode).open(file).map_err(write)?;
    opened.write_all(bytes).map_err(write)?;
    opened.sync_all().map_err(write)
}
