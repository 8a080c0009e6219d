//! Which keys may seal, as an offline root says: k of n people sign a **keyring**, the list of all sealing keys with what became of
//! each. Its digest is a `key-event` leaf of the log, so a key counts by *place in the log*: what was logged before a revocation
//! stays good, since witnesses saw its order, and nothing after it counts, whatever time it claims.
//!
//! Versions count from 1 without a gap; each names the one before it by digest, forgets no key of it, and never takes a
//! retirement or revocation back. A change of the root is signed by the old root and by the new one, as in TUF (The Update
//! Framework, section 5.3). [`History`] is what follows from the keyrings that a log names.

mod history;

pub use history::{Event, History, Refused, Standing};

use crate::Sha256Hex;
use crate::envelope::Envelope;
use crate::seal::OpenError;
use crate::text::nfc;
use crate::trust::{Root, TrustedKey, parse_public_key};
use serde::{Deserialize, Serialize};

/// The payload type of a keyring.
pub const PAYLOAD_TYPE: &str = "application/vnd.sohoa.keyring+json";

/// The member `format` of every keyring of this format. A released format is never changed, only followed by a new one.
pub const FORMAT: &str = "sohoa-keyring/1";

/// A unit has a few keys a year; so many sealing keys, and people of the root, are no honest file's.
const MOST_KEYS: usize = 1000;
const MOST_HOLDERS: usize = 32;

/// Letters of a name or reason.
const MOST_LETTERS: usize = 200;

/// One version of the list of sealing keys.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Keyring {
    /// [`FORMAT`].
    pub format: String,
    /// When it was drawn up, as its author says: RFC 3339 at +07:00.
    pub issued_at: String,
    /// Every sealing key there ever was.
    pub keys: Vec<SealingKey>,
    /// SHA-256 of the bytes of the version before; null for version 1.
    pub previous: Option<Sha256Hex>,
    /// Who may speak about keys from this version on.
    pub root: RootKeys,
    /// 32 random bytes in hexadecimal: the digest in the log gives nothing away about the names in here.
    pub salt: String,
    /// From 1.
    pub version: u32,
}

/// The root: so many of these keys must sign.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct RootKeys {
    pub keys: Vec<Holder>,
    pub threshold: u32,
}

/// One of the root's keys.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Holder {
    /// SubjectPublicKeyInfo in base64: the middle line of the PEM public key.
    pub key: String,
    /// Who holds it.
    pub name: String,
}

/// What is said of a sealing key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SealingKey {
    /// The first leaf that it may have sealed; null: that of the version which first names the key. Never changed.
    pub from: Option<u64>,
    /// SubjectPublicKeyInfo in base64.
    pub key: String,
    /// Whose key it is. Never changed.
    pub name: String,
    /// Why it was revoked; null of others.
    pub reason: Option<String>,
    /// What became of it.
    pub state: State,
    /// Of a revoked key the first leaf that is void, when that is before the version which first says so; else null.
    pub until: Option<u64>,
}

/// What became of a key; later ones are for good.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// It seals.
    Valid,
    /// It seals no more, from the version on which first says so; what it sealed stays good.
    Retired,
    /// Somebody else may have it.
    Revoked,
}

impl State {
    /// As it stands in a keyring.
    pub fn as_str(self) -> &'static str {
        match self {
            State::Valid => "valid",
            State::Retired => "retired",
            State::Revoked => "revoked",
        }
    }
}

impl Keyring {
    /// The bytes that are signed: canonical JSON (RFC 8785).
    pub fn to_bytes(&self) -> Vec<u8> {
        // Strings and whole numbers below 2^53 always have a canonical form.
        serde_json_canonicalizer::to_vec(self).unwrap_or_default()
    }

    /// Reads the keyring in an envelope without believing it; gives its bytes too.
    pub fn of(envelope: &Envelope) -> Result<(Keyring, Vec<u8>), OpenError> {
        let bytes = envelope.payload(PAYLOAD_TYPE)?;
        Keyring::from_bytes(&bytes).map(|keyring| (keyring, bytes)).map_err(|e| OpenError::Malformed(e.to_string()))
    }

    /// Reads the bytes of a keyring, in the one form that [`Keyring::to_bytes`] gives.
    pub fn from_bytes(bytes: &[u8]) -> Result<Keyring, KeyringFault> {
        let keyring: Keyring = serde_json::from_slice(bytes).map_err(|e| KeyringFault(format!("not a keyring: {e}")))?;
        if keyring.format != FORMAT {
            return Err(KeyringFault(format!("format '{}' is not {FORMAT}", keyring.format.escape_debug())));
        }
        if keyring.to_bytes() != bytes {
            return Err(KeyringFault("the keyring is not in canonical form (RFC 8785)".into()));
        }
        keyring.check()?;
        Ok(keyring)
    }

    /// An envelope of it that nobody has signed yet.
    pub fn envelope(&self) -> Envelope {
        Envelope::unsigned(PAYLOAD_TYPE, &self.to_bytes())
    }

    /// What can be seen to be wrong with it alone.
    pub fn check(&self) -> Result<(), KeyringFault> {
        let fault = |why: &str| Err(KeyringFault(why.to_owned()));
        if self.version == 0 || self.previous.is_some() != (self.version > 1) {
            return fault("versions count from 1, and each but the first names the one before");
        }
        if self.salt.len() != 64 || !self.salt.bytes().all(|c| matches!(c, b'0'..=b'9' | b'a'..=b'f')) {
            return fault("its salt is not 64 hexadecimal digits");
        }
        if self.keys.is_empty() || self.keys.len() > MOST_KEYS || self.root.keys.len() > MOST_HOLDERS {
            return fault("it has no sealing key, or more keys than any honest one");
        }
        let root = self.trusted_root()?;
        let sealing = self.sealing_keys()?;
        let mut ids: Vec<&Sha256Hex> = root.keys.iter().chain(&sealing).map(|key| &key.id).collect();
        let all = ids.len();
        ids.sort();
        ids.dedup();
        if ids.len() != all {
            return fault("a key stands in it twice; make a key for each holder and each role");
        }
        for key in &self.keys {
            let fits = match key.state {
                State::Valid | State::Retired => key.until.is_none() && key.reason.is_none(),
                State::Revoked => key.reason.as_deref().is_some_and(is_plain),
            };
            if !fits {
                return Err(KeyringFault(format!(
                    "of the key of '{}' state, reason and end do not fit together: only a revoked key has them",
                    key.name
                )));
            }
        }
        Ok(())
    }

    /// Whether this may come after `before`, whose bytes are `bytes`.
    pub fn continues(&self, before: &Keyring, bytes: &[u8]) -> Result<(), KeyringFault> {
        if self.version != before.version.saturating_add(1) {
            return Err(KeyringFault(format!("version {} does not come after version {}", self.version, before.version)));
        }
        if self.previous != Some(Sha256Hex::of(bytes)) {
            return Err(KeyringFault(format!("it names another version {} than the log has", before.version)));
        }
        for old in &before.keys {
            let fault = |why: &str| KeyringFault(format!("of the key of '{}' {why}", old.name));
            let new = self.keys.iter().find(|new| new.key == old.key).ok_or_else(|| fault("nothing is said any more"))?;
            if (new.from, &new.name) != (old.from, &old.name) {
                return Err(fault("name or beginning were changed"));
            }
            let earlier = |old: Option<u64>, new: Option<u64>| match (old, new) {
                (Some(old), Some(new)) => new <= old,
                (old, _) => old.is_none(),
            };
            if new.state < old.state || (old.state == State::Revoked && !earlier(old.until, new.until)) {
                return Err(fault("the retirement or revocation was taken back"));
            }
        }
        Ok(())
    }

    /// Its root as keys.
    pub fn trusted_root(&self) -> Result<Root, KeyringFault> {
        let keys = self.root.keys.iter().map(|holder| trusted(&holder.key, &holder.name)).collect::<Result<Vec<_>, _>>()?;
        Root::new(keys, self.root.threshold).map_err(KeyringFault)
    }

    /// Its sealing keys as keys, in order.
    pub fn sealing_keys(&self) -> Result<Vec<TrustedKey>, KeyringFault> {
        self.keys.iter().map(|key| trusted(&key.key, &key.name)).collect()
    }
}

fn trusted(key: &str, name: &str) -> Result<TrustedKey, KeyringFault> {
    if !is_plain(name) {
        return Err(KeyringFault(
            "a name is empty, longer than 200 letters, not in Unicode NFC, or has control characters".into(),
        ));
    }
    parse_public_key(key, name).map_err(KeyringFault)
}

/// A name or reason that can be shown on a line.
fn is_plain(text: &str) -> bool {
    !text.trim().is_empty() && text.chars().count() <= MOST_LETTERS && !text.chars().any(char::is_control) && nfc(text) == text
}

/// What is wrong with a keyring.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct KeyringFault(pub(crate) String);
