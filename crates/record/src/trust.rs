//! The trust policy: which keys an auditor believes, as a small text file that people can read, compare and print.
//!
//! ```text
//! # whom we believe; one key a line
//! manifest-key MCowBQYDK2VwAyEA… Trung tâm PVHCC tỉnh Quảng Ngãi, 2026
//! root-key MCowBQYDK2VwAyEA… Nguyễn Văn An
//! root-key MCowBQYDK2VwAyEA… Trần Thị Bình
//! root-threshold 2
//! log sohoa.quangngai.gov.vn/kho+1f6e…+ATGV…
//! quorum none
//! time-tolerance 86400
//! timestamp-root MIIB… CA of the time-stamping service
//! ```
//! The base64 is the middle line of the PEM public key (`openssl pkey -pubin -in key.pub.pem`), so a line can be checked
//! against a printed key by eye. `log`, `witness`, `group` and `quorum` lines are those of C2SP tlog-policy ([`crate::log::policy`]):
//! without them no log is asked for. `root-key` lines name who may speak about sealing keys ([`crate::keyring`]). `time-tolerance` is how many
//! seconds a claimed time may lie outside the time bracket that witnesses stand for; a day when the line is left out. `timestamp-root` is a
//! root certificate (X.509, DER in base64) whose time stamps over checkpoints of the log are believed; nobody here reads what is in it.

use crate::Sha256Hex;
use crate::envelope::Envelope;
use crate::keyring::History;
use crate::log::LogPolicy;
use crate::log::policy::Builder;
use crate::seal::OpenError;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use ed25519_dalek::VerifyingKey;
use ed25519_dalek::pkcs8::{DecodePublicKey as _, EncodePublicKey as _};

/// Seconds of tolerance where the policy says none: scanners' clocks are wrong, and what an evening seals is logged by the morning.
const TIME_TOLERANCE: u64 = 86_400;

/// The keys that are believed.
#[derive(Clone, Debug, Default)]
pub struct TrustPolicy {
    keys: Vec<TrustedKey>,
    log: Option<LogPolicy>,
    root: Option<Root>,
    time_tolerance: Option<u64>,
    timestamp_roots: Vec<Vec<u8>>,
}

/// The root: so many of these keys must sign what is said about sealing keys.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Root {
    pub keys: Vec<TrustedKey>,
    pub threshold: u32,
}

impl Root {
    /// A root of different keys, of which at least one and at most all must sign.
    pub fn new(keys: Vec<TrustedKey>, threshold: u32) -> Result<Root, String> {
        let several = |key: &TrustedKey| keys.iter().filter(|other| other.id == key.id).count() > 1;
        if let Some(twice) = keys.iter().find(|key| several(key)) {
            return Err(format!("the root's key of '{}' stands there twice", twice.name));
        }
        if threshold == 0 || threshold as usize > keys.len() {
            return Err(format!("of a root of {} keys from 1 to {} must sign, not {threshold}", keys.len(), keys.len()));
        }
        Ok(Root { keys, threshold })
    }

    /// Checks that enough of its keys have signed `payload`.
    pub fn check(&self, envelope: &Envelope, payload: &[u8]) -> Result<(), OpenError> {
        let signers = envelope.signers(payload, &self.keys)?.len();
        if signers >= self.threshold as usize {
            return Ok(());
        }
        let (wanted, all) = (self.threshold, self.keys.len());
        Err(OpenError::BadSignature(format!("{signers} of the root's {all} keys have signed it, {wanted} must")))
    }
}

/// One believed key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrustedKey {
    /// SHA-256 of the key's SubjectPublicKeyInfo (RFC 5280 §4.1): `openssl pkey -pubin -in key.pub.pem -outform DER | sha256sum`.
    pub id: Sha256Hex,
    /// Whose key it is, in the policy's words.
    pub name: String,
    /// The key.
    pub key: VerifyingKey,
}

impl TrustPolicy {
    /// Reads a policy file.
    pub fn parse(text: &str) -> Result<Self, MalformedPolicy> {
        let mut policy = Self::default();
        let mut log = Builder::default();
        let (mut root, mut threshold) = (Vec::new(), None);
        for (i, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let malformed = |why: String| MalformedPolicy { line: i + 1, why };
            let mut words = line.splitn(3, char::is_whitespace);
            let (kind, word) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
            let named = || parse_public_key(word, words.clone().next().unwrap_or("").trim()).map_err(malformed);
            match kind {
                "manifest-key" => policy.keys.push(named()?),
                "root-key" => root.push(named()?),
                "root-threshold" if threshold.is_none() => {
                    threshold = Some(word.parse().map_err(|_| malformed(format!("'{word}' is not a number of keys")))?);
                }
                "root-threshold" => return Err(malformed("there is a second root-threshold line".into())),
                "timestamp-root" => {
                    // SEQUENCE: what else it is, is asked by whoever judges time stamps
                    let der = STANDARD.decode(word).ok().filter(|der| der.first() == Some(&0x30));
                    let wrong =
                        || malformed("the certificate is not DER in base64; join the lines between the two of a PEM file".into());
                    policy.timestamp_roots.push(der.ok_or_else(wrong)?);
                }
                "time-tolerance" => {
                    let seconds = word.parse().ok().filter(|_| words.next().is_none());
                    if policy.time_tolerance.is_some() || seconds.is_none() {
                        return Err(malformed("'time-tolerance' is one line with one whole number of seconds".into()));
                    }
                    policy.time_tolerance = seconds;
                }
                _ if log.line(line).map_err(malformed)? => {}
                other => {
                    return Err(malformed(format!(
                        "'{other}' is not a kind of line this version knows; 'manifest-key', 'root-key', 'root-threshold', 'log', 'witness', 'group', 'quorum', 'time-tolerance' or 'timestamp-root' was expected"
                    )));
                }
            }
        }
        policy.log = log.finish().map_err(|why| MalformedPolicy { line: 0, why })?;
        let whole = |why: String| MalformedPolicy { line: 0, why };
        policy.root = match (root.is_empty(), threshold) {
            (true, None) => None,
            (false, Some(threshold)) => Some(Root::new(root, threshold).map_err(whole)?),
            _ => return Err(whole("'root-key' lines need one 'root-threshold' line, and that needs them".into())),
        };
        if policy.root.is_some() && policy.log.is_none() {
            return Err(whole("there is a root and no log, by whose order keys count; add the 'log' and 'quorum' lines".into()));
        }
        let roots = policy.root.iter().flat_map(|root| &root.keys);
        if let Some(twice) = roots.clone().find(|root| policy.key(root.id.as_str()).is_some()) {
            return Err(whole(format!(
                "the root's key of '{}' also stands in a 'manifest-key' line; make a key for each",
                twice.name
            )));
        }
        if let Some(log) = &policy.log {
            let mut others = log.logs().iter().map(|log| &log.key).chain(log.witnesses().iter().map(|witness| &witness.key));
            // One key has one role: whoever steals a log's key must not seal with it.
            let own = policy.keys.iter().chain(roots);
            if let Some(key) = others.find(|other| own.clone().any(|own| own.key == *other.key())) {
                let why = format!(
                    "the key of '{}' also stands in a 'manifest-key' or 'root-key' line; make a key for each",
                    key.name()
                );
                return Err(MalformedPolicy { line: 0, why });
            }
        }
        if policy.keys.is_empty() && policy.root.is_none() {
            return Err(MalformedPolicy {
                line: 0,
                why: "no 'manifest-key' or 'root-key' line; nobody would be believed".into(),
            });
        }
        Ok(policy)
    }

    /// Adds a key. Small-order keys are refused, since any signature may pass under them.
    pub fn add(&mut self, key: VerifyingKey, name: &str) -> Result<(), WeakKey> {
        if key.is_weak() {
            return Err(WeakKey);
        }
        self.keys.push(TrustedKey { id: key_id(&key), name: name.to_owned(), key });
        Ok(())
    }

    /// All believed keys.
    pub fn keys(&self) -> &[TrustedKey] {
        &self.keys
    }

    /// Which logs and witnesses are believed; none when the policy asks for no log.
    pub fn log(&self) -> Option<&LogPolicy> {
        self.log.as_ref()
    }

    /// Who may speak about sealing keys; none when they count by this policy's lines alone.
    pub fn root(&self) -> Option<&Root> {
        self.root.as_ref()
    }

    /// The same policy, believing in the keys too that the root has named. From where to where each counts is the history's matter.
    pub fn with_keys_of(&self, history: &History) -> TrustPolicy {
        let mut policy = self.clone();
        policy.keys.extend(history.keys().filter(|key| self.key(key.id.as_str()).is_none()).cloned());
        policy
    }

    /// By how many seconds a claimed time may lie outside what witnesses stand for.
    pub fn time_tolerance(&self) -> u64 {
        self.time_tolerance.unwrap_or(TIME_TOLERANCE)
    }

    /// Root certificates (DER) whose time stamps over checkpoints are believed.
    pub fn timestamp_roots(&self) -> &[Vec<u8>] {
        &self.timestamp_roots
    }

    /// The believed key with that identifier.
    pub fn key(&self, id: &str) -> Option<&TrustedKey> {
        self.keys.iter().find(|key| key.id.as_str() == id)
    }
}

/// The identifier of a key: SHA-256 of its SubjectPublicKeyInfo.
pub fn key_id(key: &VerifyingKey) -> Sha256Hex {
    Sha256Hex::of(&public_key_der(key))
}

/// Reads a public key as policies and keyrings name it. The error says what is wrong.
pub(crate) fn parse_public_key(base64: &str, name: &str) -> Result<TrustedKey, String> {
    let der = STANDARD
        .decode(base64)
        .map_err(|e| format!("the key is not base64 ({e}); copy the middle line of the PEM public key"))?;
    let key = VerifyingKey::from_public_key_der(&der).map_err(|e| format!("the key is not an Ed25519 public key ({e})"))?;
    if key.is_weak() {
        return Err("the key is weak (small order)".into());
    }
    // One key has one spelling, so that whoever compares text compares keys.
    if public_key_der(&key) != der {
        return Err("the key is not in the DER form of RFC 8410".into());
    }
    Ok(TrustedKey { id: key_id(&key), name: name.to_owned(), key })
}

/// A key as policies and keyrings name it: its SubjectPublicKeyInfo in base64.
pub fn public_key_base64(key: &VerifyingKey) -> String {
    STANDARD.encode(public_key_der(key))
}

/// The policy line that makes an auditor believe `key`.
pub fn policy_line(key: &VerifyingKey, name: &str) -> String {
    format!("manifest-key {} {name}", public_key_base64(key))
}

/// The policy line that names `key` as one of the root's.
pub fn root_line(key: &VerifyingKey, name: &str) -> String {
    format!("root-key {} {name}", public_key_base64(key))
}

fn public_key_der(key: &VerifyingKey) -> Vec<u8> {
    // An Ed25519 key always has a SubjectPublicKeyInfo: twelve fixed bytes and the key (RFC 8410 §4).
    key.to_public_key_der().map(|der| der.as_bytes().to_vec()).unwrap_or_default()
}

/// A key of small order, under which signatures prove nothing.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("the key is weak (small order); make a new one with `sohoa keys new`")]
pub struct WeakKey;

/// A trust policy that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("trust policy, line {line}: {why}")]
pub struct MalformedPolicy {
    line: usize,
    why: String,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::VerifierKey;
    use crate::log::note::KeyType;
    use ed25519_dalek::SigningKey;

    #[test]
    fn a_written_line_is_read_back() {
        let key = SigningKey::from_bytes(&[7; 32]).verifying_key();
        let policy = TrustPolicy::parse(&format!("# ours\n\n{}\n", policy_line(&key, "Sở Tư pháp"))).unwrap();
        assert_eq!(policy.key(key_id(&key).as_str()).unwrap().name, "Sở Tư pháp");
    }

    #[test]
    fn lines_about_logs_stand_beside_those_about_keys() {
        let key = |seed| SigningKey::from_bytes(&[seed; 32]).verifying_key();
        let ours = policy_line(&key(7), "Sở Tư pháp");
        let log = |seed| VerifierKey::new("log.example/a", KeyType::Note, key(seed)).unwrap();
        let policy = TrustPolicy::parse(&format!("{ours}\r\n# a log\r\nlog {}\r\nquorum none\r\n", log(8))).unwrap();
        assert_eq!((policy.keys().len(), policy.log().unwrap().logs().len()), (1, 1));
        assert!(TrustPolicy::parse(&ours).unwrap().log().is_none());
        assert_eq!(TrustPolicy::parse(&ours).unwrap().time_tolerance(), 86_400);
        assert_eq!(TrustPolicy::parse(&format!("{ours}\ntime-tolerance 300\n")).unwrap().time_tolerance(), 300);
        let twice = TrustPolicy::parse(&format!("{ours}\nlog {}\nquorum none\n", log(7))).unwrap_err().to_string();
        assert!(twice.contains("a key for each"), "{twice}");
    }

    #[test]
    fn mistakes_are_named_with_their_line() {
        let log = VerifierKey::new("a", KeyType::Note, SigningKey::from_bytes(&[8; 32]).verifying_key()).unwrap();
        for (text, cause) in [
            (format!("log {log}\n").as_str(), "no quorum line"),
            ("log x y z\n", "line 1: a 'log' line"),
            ("", "nobody"),
            ("# only talk\n", "nobody"),
            ("\nkey abc x", "line 2: 'key'"),
            ("manifest-key ??? x", "base64"),
            ("manifest-key AAAA x", "Ed25519"),
            ("timestamp-root ??? x\n", "line 1: the certificate"),
            ("timestamp-root AAAA x\n", "line 1: the certificate"),
            ("time-tolerance soon\n", "line 1: 'time-tolerance'"),
            ("time-tolerance 1 2\n", "line 1: 'time-tolerance'"),
            ("time-tolerance 1\ntime-tolerance 1\n", "line 2: 'time-tolerance'"),
        ] {
            let error = TrustPolicy::parse(text).unwrap_err().to_string();
            assert!(error.contains(cause), "{error}");
        }
    }

    #[test]
    fn a_small_order_key_is_refused() {
        let identity = VerifyingKey::from_bytes(&{
            let mut bytes = [0; 32];
            bytes[0] = 1;
            bytes
        })
        .unwrap();
        assert_eq!(TrustPolicy::default().add(identity, "nobody"), Err(WeakKey));
    }
}
