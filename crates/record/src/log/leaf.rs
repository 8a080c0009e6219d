//! What one leaf of the log says: a small object of canonical JSON (RFC 8785) that names a signed statement by its digests. It holds no
//! personal data, since a log can never forget: the statement has 32 random bytes of salt, so its digest gives nothing away, and an
//! erasure destroys the statement, not the leaf.

use super::NoteSigner;
use crate::envelope::pre_authentication_encoding;
use crate::identifier::RecordId;
use crate::seal::Opened;
use crate::trust::key_id;
use crate::{Digests, Sha256Hex};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{Signature, VerifyingKey};
use serde::{Deserialize, Serialize};

/// The member `v` of every leaf of this format.
pub const FORMAT: &str = "sohoa-leaf/1";

/// What a log signs of a time stamp (DSSE, as of every statement): its token, as ETSI EN 319 422 names the type.
pub const TOKEN_TYPE: &str = "application/vnd.etsi.timestamp-token";

/// A leaf's bytes are no more than these.
pub const MOST_BYTES: usize = 1024;

/// One leaf.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Leaf {
    /// Identifier of the key that signed the statement ([`crate::trust::key_id`]).
    pub key: Sha256Hex,
    /// What the statement is.
    pub kind: Kind,
    /// The statement's bytes; of a revision its manifest's.
    pub man: StatementDigests,
    /// SHA-256 of the manifest of the revision before; null when there is none.
    pub prev: Option<Sha256Hex>,
    /// The record; null of what concerns none.
    pub rec: Option<RecordId>,
    /// The signature over the statement, base64.
    pub sig: String,
    /// [`FORMAT`].
    pub v: String,
    /// The record's revision, from 1; null of what concerns no record.
    pub ver: Option<u32>,
}

/// Both digests of a statement's bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StatementDigests {
    /// SHA-256.
    pub sha256: Sha256Hex,
    /// SHA-512 as 128 lower-case hexadecimal digits.
    pub sha512: String,
}

/// What a leaf's statement is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// The first revision of a record.
    Record,
    /// A later one: a correction or a review.
    Amend,
    /// The lawful destruction of a record, with its decision.
    Tombstone,
    /// A key begins or ends to count.
    KeyEvent,
    /// Time stamps of older checkpoints were renewed.
    Renewal,
    /// A record that another archive sealed was taken over.
    Import,
}

impl Leaf {
    /// The leaf of a sealed revision. Of several signatures the first is named.
    pub fn of_revision(opened: &Opened) -> Leaf {
        let (manifest, digests) = (&opened.manifest, Digests::of(&opened.bytes));
        let (key, sig) = &opened.first_signature;
        Leaf {
            key: key.parse().unwrap_or_else(|_| opened.key_id.clone()),
            kind: if manifest.revision == 1 { Kind::Record } else { Kind::Amend },
            man: StatementDigests { sha256: digests.sha256, sha512: digests.sha512 },
            prev: manifest.previous.clone(),
            rec: Some(manifest.record.clone()),
            sig: sig.clone(),
            v: FORMAT.to_owned(),
            ver: Some(manifest.revision),
        }
    }

    /// The leaf of a time stamp (an RFC 3161 token, DER) that renews those before it, as the log itself names it.
    pub fn of_renewal(token: &[u8], log: &NoteSigner) -> Leaf {
        let digests = Digests::of(token);
        Leaf {
            key: key_id(log.public().key()),
            kind: Kind::Renewal,
            man: StatementDigests { sha256: digests.sha256, sha512: digests.sha512 },
            prev: None,
            rec: None,
            sig: STANDARD.encode(log.sign_bytes(&pre_authentication_encoding(TOKEN_TYPE, token))),
            v: FORMAT.to_owned(),
            ver: None,
        }
    }

    /// True when this is the leaf of that token, signed by that key of the log.
    pub fn is_renewal(&self, token: &[u8], log: &VerifyingKey) -> bool {
        let signature = STANDARD.decode(&self.sig).ok().and_then(|bytes| Signature::from_slice(&bytes).ok());
        let digests = Digests::of(token);
        self.kind == Kind::Renewal
            && self.key == key_id(log)
            && (&self.man.sha256, &self.man.sha512) == (&digests.sha256, &digests.sha512)
            && signature.is_some_and(|s| log.verify_strict(&pre_authentication_encoding(TOKEN_TYPE, token), &s).is_ok())
    }

    /// The leaf's bytes, as logged.
    pub fn to_bytes(&self) -> Vec<u8> {
        // Strings and whole numbers below 2^53 always have a canonical form.
        serde_json_canonicalizer::to_vec(self).unwrap_or_default()
    }

    /// Reads a leaf's bytes, in the one form that [`Leaf::to_bytes`] gives.
    pub fn from_bytes(bytes: &[u8]) -> Result<Leaf, MalformedLeaf> {
        let malformed = |why: String| MalformedLeaf(why);
        if bytes.len() > MOST_BYTES {
            return Err(malformed(format!("it is larger than {MOST_BYTES} bytes")));
        }
        let leaf: Leaf = serde_json::from_slice(bytes).map_err(|e| malformed(e.to_string()))?;
        if leaf.v != FORMAT {
            return Err(malformed(format!("'{}' is not {FORMAT}", leaf.v.escape_debug())));
        }
        if leaf.to_bytes() != bytes {
            return Err(malformed("it is not canonical JSON".into()));
        }
        let hex = |c: u8| matches!(c, b'0'..=b'9' | b'a'..=b'f');
        if leaf.man.sha512.len() != 128 || !leaf.man.sha512.bytes().all(hex) {
            return Err(malformed("its SHA-512 is not 128 hexadecimal digits".into()));
        }
        let fits = match (leaf.kind, &leaf.rec, leaf.ver, &leaf.prev) {
            (Kind::Record, Some(_), Some(1), None) => true,
            (Kind::Amend | Kind::Tombstone, Some(_), Some(ver), Some(_)) => ver > 1,
            (Kind::Import, Some(_), Some(ver), prev) => ver > 0 && prev.is_some() == (ver > 1),
            (Kind::KeyEvent | Kind::Renewal, None, None, None) => true,
            _ => false,
        };
        if fits { Ok(leaf) } else { Err(malformed("record, revision and previous revision do not fit its kind".into())) }
    }
}

/// Bytes that are no leaf.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a leaf: {0}")]
pub struct MalformedLeaf(String);

#[cfg(test)]
mod tests {
    use super::*;

    fn leaf() -> Leaf {
        let digests = Digests::of(b"{}");
        Leaf {
            key: Sha256Hex::of(b"key"),
            kind: Kind::Record,
            man: StatementDigests { sha256: digests.sha256, sha512: digests.sha512 },
            prev: None,
            rec: Some("0193a5c2-7e1b-7c3d-9f00-00000000000a".parse().unwrap()),
            sig: "A".repeat(86) + "==",
            v: FORMAT.into(),
            ver: Some(1),
        }
    }

    #[test]
    fn a_leaf_is_small_canonical_and_read_back() {
        let mut leaf = leaf();
        leaf.kind = Kind::Amend;
        leaf.ver = Some(u32::MAX);
        leaf.prev = Some(Sha256Hex::of(b"before"));
        let bytes = leaf.to_bytes();
        assert!(bytes.len() < 700, "{}", bytes.len());
        assert_eq!(Leaf::from_bytes(&bytes), Ok(leaf));
        assert!(bytes.starts_with(b"{\"key\":\"2c70"));
    }

    #[test]
    fn each_kind_wants_its_own_members() {
        let made = |kind, rec: bool, ver, prev: bool| {
            let mut leaf = leaf();
            (leaf.kind, leaf.ver) = (kind, ver);
            leaf.rec = leaf.rec.filter(|_| rec);
            leaf.prev = prev.then(|| Sha256Hex::of(b"before"));
            Leaf::from_bytes(&leaf.to_bytes()).is_ok()
        };
        assert!(made(Kind::Record, true, Some(1), false));
        assert!(!made(Kind::Record, true, Some(1), true) && !made(Kind::Record, true, Some(2), false));
        assert!(made(Kind::Amend, true, Some(2), true) && !made(Kind::Amend, true, Some(1), true));
        assert!(made(Kind::Tombstone, true, Some(3), true) && !made(Kind::Tombstone, false, None, false));
        assert!(made(Kind::Import, true, Some(1), false) && made(Kind::Import, true, Some(2), true));
        assert!(made(Kind::KeyEvent, false, None, false) && !made(Kind::KeyEvent, true, Some(1), false));
        assert!(made(Kind::Renewal, false, None, false));
    }

    #[test]
    fn a_renewal_is_of_one_token_and_signed_by_its_log() {
        let signer = |seed| NoteSigner::new("log.example/sohoa", ed25519_dalek::SigningKey::from_bytes(&[seed; 32])).unwrap();
        let (log, other) = (signer(1), signer(2));
        let leaf = Leaf::of_renewal(b"token", &log);
        assert_eq!(Leaf::from_bytes(&leaf.to_bytes()), Ok(leaf.clone()));
        assert_eq!(Leaf::of_renewal(b"token", &log), leaf, "made again it is the same leaf");
        let key = log.public().key();
        assert!(leaf.is_renewal(b"token", key));
        assert!(!leaf.is_renewal(b"another", key) && !leaf.is_renewal(b"token", other.public().key()));
        let forged = Leaf { sig: Leaf::of_renewal(b"token", &other).sig, ..leaf.clone() };
        assert!(!forged.is_renewal(b"token", key));
        assert!(!Leaf { kind: Kind::KeyEvent, ..leaf }.is_renewal(b"token", key));
    }

    #[test]
    fn other_spellings_are_refused() {
        let bytes = String::from_utf8(leaf().to_bytes()).unwrap();
        for (from, to) in [
            ("{\"key\"", "{ \"key\""),
            ("sohoa-leaf/1", "sohoa-leaf/2"),
            ("\"v\":", "\"v\":\"sohoa-leaf/1\",\"v\":"),
            ("\"ver\":1", "\"ver\":1.0"),
            ("\"ver\":1", "\"ver\":1,\"x\":1"),
            ("\"prev\":null,", ""),
            ("\"kind\":\"record\"", "\"kind\":\"Record\""),
        ] {
            let changed = bytes.replacen(from, to, 1);
            assert_ne!(changed, bytes);
            assert!(Leaf::from_bytes(changed.as_bytes()).is_err(), "{changed}");
        }
        assert!(Leaf::from_bytes(&[b' '; 1025]).unwrap_err().to_string().contains("larger"));
    }
}
