//! Changes of keys, from the draft of a keyring to its publication. A draft lies beside the sealing key until enough of the root have
//! signed it; then its leaf is what counts, and the new sealing key takes the old one's place.
//!
//! Publishing goes: trust policy → receipts of before into the log → keyring (create-only) → its leaf → key files. Each step may be done
//! again, so a publication that was stopped is finished by calling it again; until then nothing is sealed with a key that has ended.

use crate::config::Config;
use crate::keyring::{self, KeyringError, random};
use crate::logbook::{Logbook, LogbookError};
use crate::{archive_home, time, whole};
use sohoa_archive::Archive;
use sohoa_record::keyring::{FORMAT, History, Holder, Keyring, KeyringFault, RootKeys, SealingKey, State};
use sohoa_record::seal::OpenError;
use sohoa_record::{Envelope, Sha256Hex, TrustPolicy, trust};
use sohoa_sign::keys;
use std::path::{Path, PathBuf};

/// A keyring has some hundred bytes a key.
const MOST_BYTES: u64 = 1 << 20;

/// Why keys were not changed.
#[derive(Debug, thiserror::Error)]
pub enum KeyChangeError {
    /// A key file, the trust policy, or random numbers.
    #[error(transparent)]
    Keyring(#[from] KeyringError),
    /// The store or the log.
    #[error(transparent)]
    Log(#[from] LogbookError),
    /// The data folder.
    #[error(transparent)]
    Home(#[from] archive_home::HomeError),
    /// A keyring cannot be read or is not to be believed.
    #[error("the keyring {0}: {1}")]
    Refused(PathBuf, String),
    /// What was asked for makes no sense.
    #[error("{0}")]
    Asked(String),
}

impl From<sohoa_archive::Error> for KeyChangeError {
    fn from(error: sohoa_archive::Error) -> Self {
        KeyChangeError::Log(error.into())
    }
}

impl From<KeyringFault> for KeyChangeError {
    fn from(fault: KeyringFault) -> Self {
        KeyChangeError::Asked(fault.to_string())
    }
}

/// Where the draft is.
pub fn draft_file(config: &Config) -> PathBuf {
    config.path(&config.seal.key).with_file_name("keyring-next.json")
}

/// Where the next sealing key waits.
pub fn next_key_file(config: &Config) -> PathBuf {
    let key = config.path(&config.seal.key);
    key.with_file_name(format!("{}-next.pem", key.file_stem().unwrap_or_default().to_string_lossy()))
}

/// The identifier of the sealing key here, by its public half.
pub fn sealing_id(config: &Config) -> Option<Sha256Hex> {
    id_in(&config.path(&config.seal.key).with_extension("pub.pem"))
}

fn id_in(public: &Path) -> Option<Sha256Hex> {
    let pem = std::fs::read_to_string(public).ok()?;
    keys::from_public_pem(&pem).ok().map(|key| trust::key_id(&key))
}

/// Reads a keyring's file without believing it.
pub fn read(file: &Path) -> Result<(Envelope, Keyring, Vec<u8>), KeyChangeError> {
    let refused = |why: String| KeyChangeError::Refused(file.to_owned(), why);
    if std::fs::metadata(file).map_err(|e| refused(e.to_string()))?.len() > MOST_BYTES {
        return Err(refused("it is longer than any keyring".into()));
    }
    let bytes = std::fs::read(file).map_err(|e| refused(e.to_string()))?;
    let envelope = Envelope::parse(&bytes).map_err(|e| refused(e.to_string()))?;
    let (keyring, payload) = Keyring::of(&envelope).map_err(|e| refused(e.to_string()))?;
    Ok((envelope, keyring, payload))
}

/// Writes a keyring's file whole or not at all.
pub fn write(file: &Path, envelope: &Envelope) -> Result<(), KeyChangeError> {
    whole::write(file, &envelope.to_bytes()).map_err(|e| KeyringError::Write(file.to_owned(), e).into())
}

/// What the next keyring will say; a draft that nobody has signed yet is continued, so that one ceremony does for several changes.
pub struct Draft<'a> {
    config: &'a Config,
    /// As it stands; the caller changes it.
    pub keyring: Keyring,
}

impl<'a> Draft<'a> {
    /// The draft of a change; `founding` names the first root.
    pub async fn open(config: &'a Config, archive: &Archive, founding: Option<&RootKeys>) -> Result<Draft<'a>, KeyChangeError> {
        let history = archive.key_history().await?;
        let current = history.as_ref().and_then(|history| Some((history.current()?.clone(), history.digest()?)));
        let version = current.as_ref().map_or(1, |(keyring, _)| keyring.version + 1);
        let file = draft_file(config);
        if file.exists() {
            let (envelope, keyring, _) = read(&file)?;
            let stale = keyring.version != version || keyring.previous != current.map(|(_, digest)| digest);
            if stale || envelope.named_keys().next().is_some() {
                let why = if stale { "does not come next" } else { "is being signed" };
                let file = file.display();
                return Err(KeyChangeError::Asked(format!(
                    "{file} {why}: publish it (`sohoa keys publish`), or take it away to begin a new one"
                )));
            }
            return Ok(Draft { config, keyring });
        }
        let (keys, root, previous) = match (current, founding) {
            (Some((keyring, digest)), _) => (keyring.keys, keyring.root, Some(digest)),
            (None, Some(root)) => (all_from_the_first_leaf(archive.policy()), root.clone(), None),
            (None, None) => {
                let why = "no root speaks about keys yet, so nobody would believe it; `sohoa keys root new` makes its keys, `sohoa keys root set` names them";
                return Err(KeyChangeError::Asked(why.into()));
            }
        };
        let keyring = Keyring {
            format: FORMAT.into(),
            issued_at: String::new(),
            keys,
            previous,
            root,
            salt: hex::encode(*random::<32>()?),
            version,
        };
        Ok(Draft { config, keyring })
    }

    /// Makes a new sealing key that comes in with this keyring, and retires the present one.
    pub fn rotate(&mut self, name: Option<&str>, password: &str) -> Result<Sha256Hex, KeyChangeError> {
        let next = next_key_file(self.config);
        if next.exists() {
            return Err(KeyringError::Exists(next).into());
        }
        let present = sealing_id(self.config);
        let mut called = name.map(str::to_owned);
        for (key, said) in self.keyring.sealing_keys()?.iter().zip(&mut self.keyring.keys) {
            if Some(&key.id) == present.as_ref() {
                called.get_or_insert_with(|| said.name.clone());
                said.state = said.state.max(State::Retired);
            }
        }
        let key = keys::generate(*random::<32>()?);
        let public = key.verifying_key();
        self.keyring.keys.push(SealingKey {
            from: None,
            key: trust::public_key_base64(&public),
            name: called.unwrap_or_else(|| "sohoa".into()),
            reason: None,
            state: State::Valid,
            until: None,
        });
        self.keyring.check()?;
        keyring::write_key(&next, &key, password)?;
        Ok(trust::key_id(&public))
    }

    /// Revokes the sealing key that `asked` begins; `from` is the first leaf that is void, when that is earlier than the keyring's own.
    pub fn revoke(&mut self, asked: &str, reason: &str, from: Option<u64>) -> Result<Sha256Hex, KeyChangeError> {
        let ids: Vec<Sha256Hex> = self.keyring.sealing_keys()?.into_iter().map(|key| key.id).collect();
        let asked = asked.to_lowercase();
        let fits: Vec<usize> = (0..ids.len()).filter(|n| asked.len() >= 4 && ids[*n].as_str().starts_with(&asked)).collect();
        let [at] = fits[..] else {
            let why = format!(
                "'{asked}' is the beginning (4 characters or more) of {} sealing keys in the keyring; `sohoa keys list` names them. A key for PDFs is revoked by its CA",
                fits.len()
            );
            return Err(KeyChangeError::Asked(why));
        };
        let key = &mut self.keyring.keys[at];
        // Told once, a revocation only reaches further back.
        let until = match (key.state, key.until, from) {
            (State::Revoked, Some(old), Some(new)) => Some(old.min(new)),
            (State::Revoked, Some(old), None) => Some(old),
            (_, _, new) => new,
        };
        (key.state, key.reason, key.until) = (State::Revoked, Some(sohoa_record::text::nfc(reason)), until);
        Ok(ids[at].clone())
    }

    /// Writes the draft, to be signed.
    pub fn save(mut self) -> Result<PathBuf, KeyChangeError> {
        self.keyring.issued_at = time::rfc3339(&time::now());
        self.keyring.check()?;
        let file = draft_file(self.config);
        write(&file, &self.keyring.envelope())?;
        Ok(file)
    }
}

/// What was believed before there was a root is believed from the first leaf on.
fn all_from_the_first_leaf(policy: &TrustPolicy) -> Vec<SealingKey> {
    let sealing = |key: &trust::TrustedKey| SealingKey {
        from: Some(0),
        key: trust::public_key_base64(&key.key),
        name: key.name.clone(),
        reason: None,
        state: State::Valid,
        until: None,
    };
    policy.keys().iter().map(sealing).collect()
}

/// The root that these `.root` files name: `root-key` lines as in a trust policy.
pub fn root_of(files: &[PathBuf], threshold: u32) -> Result<RootKeys, KeyChangeError> {
    let mut holders = Vec::new();
    for file in files {
        let refused = |why: String| KeyChangeError::Asked(format!("{}: {why}", file.display()));
        let text = std::fs::read_to_string(file).map_err(|e| refused(e.to_string()))?;
        for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
            let words: Vec<&str> = line.splitn(3, ' ').collect();
            let ["root-key", key, name] = words[..] else {
                return Err(refused("a line 'root-key KEY NAME' was expected, as `sohoa keys root new` writes it".into()));
            };
            holders.push(Holder { key: key.to_owned(), name: sohoa_record::text::nfc(name) });
        }
    }
    Ok(RootKeys { keys: holders, threshold })
}

/// What a publication did.
pub struct Published {
    /// The keyring that counts now.
    pub keyring: Keyring,
    /// Its leaf.
    pub leaf: u64,
    /// A new sealing key is in use.
    pub new_key: Option<Sha256Hex>,
}

/// Publishes a keyring; see the order above.
pub async fn publish(config: &Config, file: &Path, password_file: Option<&Path>) -> Result<Published, KeyChangeError> {
    let (envelope, keyring, payload) = read(file)?;
    let refused = |e: OpenError| {
        let remedy = if matches!(e, OpenError::BadSignature(_)) { "; more of them sign with `sohoa keys root sign`" } else { "" };
        KeyChangeError::Refused(file.to_owned(), format!("{e}{remedy}"))
    };
    let archive = archive_home::open(config).await?;
    // Before anything is written: is it signed, and does it come next?
    let told: History = archive.key_history().await?.unwrap_or_default();
    let digest = Sha256Hex::of(&payload);
    // Then another try, or another machine, logged it, and only this machine's own files are left to do.
    let is_logged = told.digest().as_ref() == Some(&digest);
    if !is_logged {
        told.check_next(&envelope).map_err(refused)?;
    }
    if archive_home::is_at_work(config) {
        let why = "papers are being taken in right now, and would be sealed by a key that ends; wait for that run, or stop it";
        return Err(KeyChangeError::Asked(why.into()));
    }
    let policy = keyring::trust_policy(config)?;
    let mut lines = Vec::new();
    if policy.root().is_none() {
        lines.extend(keyring.trusted_root()?.keys.iter().map(|key| trust::root_line(&key.key, &key.name)));
        lines.push(format!("root-threshold {}", keyring.root.threshold));
    }
    let sealing = keyring.sealing_keys()?;
    let unnamed = sealing.iter().filter(|key| policy.key(key.id.as_str()).is_none());
    lines.extend(unnamed.map(|key| trust::policy_line(&key.key, &key.name)));
    if !is_logged && config.log.key.as_os_str().is_empty() {
        let why = "another machine keeps the log ([log] key): publish it there first, then here for this machine's key";
        return Err(KeyChangeError::Asked(why.into()));
    }
    if policy.log().is_none() {
        return Err(KeyChangeError::Asked(
            "keys count by the order of the log, and there is none; `sohoa init` makes one".into(),
        ));
    }
    if !lines.is_empty() {
        keyring::append_to_policy(config, &lines.join("\n"))?;
    }
    // Opened anew, under the policy that names the root; what was sealed until now is logged before the keyring.
    let archive = archive_home::open(config).await?;
    if !is_logged {
        let logbook = Logbook::caught_up(config, &archive, password_file).await?;
        if archive.put_keyring(keyring.version, &envelope).await?.is_some() {
            let why = format!("another keyring of version {} was published; draw yours up anew", keyring.version);
            return Err(KeyChangeError::Refused(file.to_owned(), why));
        }
        logbook.finish(&archive).await?;
    }
    let history = archive.key_history().await?.unwrap_or_default();
    let leaf = archive.keyring_index(keyring.version).await?.filter(|_| history.digest().as_ref() == Some(&digest));
    let leaf = leaf.ok_or_else(|| {
        KeyChangeError::Refused(file.to_owned(), "its leaf is not in the published log; `sohoa fsck` says why".into())
    })?;
    let new_key = put_to_use(config, &sealing, &keyring)?;
    if file == draft_file(config) {
        std::fs::remove_file(file).map_err(|e| KeyringError::Write(file.to_owned(), e))?;
    }
    Ok(Published { keyring, leaf, new_key })
}

/// The key that waits takes the sealing key's place; the old one stays beside it under its identifier.
fn put_to_use(config: &Config, sealing: &[trust::TrustedKey], keyring: &Keyring) -> Result<Option<Sha256Hex>, KeyChangeError> {
    let (next, key) = (next_key_file(config), config.path(&config.seal.key));
    let next_public = next.with_extension("pub.pem");
    let Some(id) = id_in(&next_public) else { return Ok(None) };
    let counts = |(key, said): (&trust::TrustedKey, &SealingKey)| key.id == id && said.state == State::Valid;
    if !sealing.iter().zip(&keyring.keys).any(counts) {
        return Ok(None);
    }
    let failed = |file: &Path| {
        let file = file.to_owned();
        move |e: std::io::Error| KeyChangeError::Keyring(KeyringError::Write(file, e))
    };
    let public = key.with_extension("pub.pem");
    let old = id_in(&public).map_or_else(|| "old".to_owned(), |old| old.as_str()[..16].to_owned());
    let kept = key.with_file_name(format!("{}-{old}.pem", key.file_stem().unwrap_or_default().to_string_lossy()));
    // Links first: at no moment is there no sealing key. A second try finds what the first one did.
    for (from, to) in [(&key, &kept), (&public, &kept.with_extension("pub.pem"))] {
        if from.exists() && !to.exists() {
            std::fs::hard_link(from, to).map_err(failed(to))?;
        }
    }
    if next.exists() {
        std::fs::rename(&next, &key).map_err(failed(&key))?;
    }
    std::fs::rename(&next_public, &public).map_err(failed(&public))?;
    Ok(Some(id))
}
