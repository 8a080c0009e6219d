//! The tombstone of a record: what stays when a record is lawfully destroyed. It takes the name of the record's next revision, so there is
//! one history and nobody can decide on the record any more, and it is signed like a receipt, under a type of its own.
//!
//! It holds nothing of the paper. The manifests are named by digests that the log has anyway and that their destroyed salts keep from being
//! guessed; the objects by commitments under those same salts: whoever still has a copy of the receipts can show what was destroyed, and
//! nobody else can learn it. `docs/format.md` has the bytes.

use crate::digest::{Digests, Sha256Hex};
use crate::envelope::Envelope;
use crate::identifier::RecordId;
use crate::log::leaf::{FORMAT as LEAF_FORMAT, Kind, Leaf, StatementDigests};
use crate::manifest::{Manifest, Role};
use crate::seal::OpenError;
use crate::text::nfc;
use crate::trust::TrustPolicy;
use ed25519_dalek::SigningKey;
use serde::{Deserialize, Serialize};

/// The payload type of a tombstone.
pub const PAYLOAD_TYPE: &str = "application/vnd.sohoa.tombstone+json";

/// The member `format` of every tombstone of this format. A released format is never changed, only followed by a new one.
pub const FORMAT: &str = "sohoa-tombstone/1";

/// Letters of a basis or a name.
const MOST_LETTERS: usize = 500;

/// What is said of a destroyed record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tombstone {
    /// The decision and the law that it rests on, in words.
    pub basis: String,
    /// Who destroyed it, as the program was told.
    pub by: String,
    /// When, as its author says: RFC 3339 at +07:00.
    pub destroyed_at: String,
    /// [`FORMAT`].
    pub format: String,
    /// Every object that the record's revisions named, each once, in the order in which they were first named.
    pub objects: Vec<DestroyedObject>,
    /// SHA-256 of the manifests of all revisions, from 1: as the log names them.
    pub receipts: Vec<Sha256Hex>,
    /// The record.
    pub record: RecordId,
    /// The revision whose place it has: one more than there are receipts.
    pub revision: u32,
    /// 32 random bytes in hexadecimal: the digest in the log gives the basis and the name away to nobody.
    pub salt: String,
}

/// An object that was destroyed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DestroyedObject {
    /// [`commitment`] to it under the salt of the manifest that named it first.
    pub commitment: Sha256Hex,
    /// What it was to the record.
    pub role: Role,
}

/// SHA-256 over `sohoa-destroyed/1`, a manifest's salt and an object's two digests, with a space between them.
pub fn commitment(salt: &str, object: &Digests) -> Sha256Hex {
    Sha256Hex::of(format!("sohoa-destroyed/1 {salt} {} {}", object.sha256, object.sha512).as_bytes())
}

/// A tombstone that was verified, and by which key.
#[derive(Clone, Debug)]
pub struct OpenedTombstone {
    /// What was signed.
    pub tombstone: Tombstone,
    /// SHA-256 of the signed bytes.
    pub digest: Sha256Hex,
    /// Identifier of the believed key that signed.
    pub key_id: Sha256Hex,
    /// Whose key it is.
    pub key_name: String,
    /// Identifiers of all believed keys that signed.
    pub signers: Vec<Sha256Hex>,
    /// Its leaf, as it is or will be in the log.
    pub leaf: Leaf,
}

impl Tombstone {
    /// The tombstone of a record with these revisions, from 1. None when there are none.
    pub fn of(
        revisions: &[(&Manifest, &Sha256Hex)],
        basis: &str,
        by: &str,
        destroyed_at: String,
        salt: String,
    ) -> Option<Tombstone> {
        let (first, _) = revisions.first()?;
        let mut named: Vec<&Sha256Hex> = Vec::new();
        let mut objects = Vec::new();
        for (manifest, _) in revisions {
            for object in &manifest.objects {
                if !named.contains(&&object.digests.sha256) {
                    named.push(&object.digests.sha256);
                    let commitment = commitment(&manifest.salt, &object.digests);
                    objects.push(DestroyedObject { commitment, role: object.role });
                }
            }
        }
        Some(Tombstone {
            basis: nfc(basis.trim()),
            by: nfc(by.trim()),
            destroyed_at,
            format: FORMAT.to_owned(),
            objects,
            receipts: revisions.iter().map(|(_, digest)| (*digest).clone()).collect(),
            record: first.record.clone(),
            revision: revisions.len() as u32 + 1,
            salt,
        })
    }

    /// Signs it.
    pub fn seal(&self, key: &SigningKey) -> Envelope {
        let payload = self.to_bytes();
        let mut envelope = Envelope::unsigned(PAYLOAD_TYPE, &payload);
        envelope.sign(&payload, key);
        envelope
    }

    /// The bytes that are signed: canonical JSON (RFC 8785).
    pub fn to_bytes(&self) -> Vec<u8> {
        // Strings and whole numbers below 2^53 always have a canonical form.
        serde_json_canonicalizer::to_vec(self).unwrap_or_default()
    }

    /// Verifies an envelope under `policy` and only then reads the tombstone in it; one good signature by a believed key is needed.
    pub fn open(envelope: &Envelope, policy: &TrustPolicy) -> Result<OpenedTombstone, OpenError> {
        let bytes = envelope.payload(PAYLOAD_TYPE)?;
        let signers = envelope.signers(&bytes, policy.keys())?;
        let Some(signer) = signers.last() else {
            return Err(OpenError::UnknownKey(envelope.named_keys().collect::<Vec<_>>().join(", ")));
        };
        let tombstone = Tombstone::from_bytes(&bytes).map_err(OpenError::Malformed)?;
        let (key, sig) = envelope.first_signature().ok_or_else(|| OpenError::Malformed("nobody signed it".into()))?;
        let digests = Digests::of(&bytes);
        let leaf = Leaf {
            key: key.parse().map_err(|_| OpenError::Malformed(format!("'{key}' is not the identifier of a key")))?,
            kind: Kind::Tombstone,
            man: StatementDigests { sha256: digests.sha256.clone(), sha512: digests.sha512 },
            prev: tombstone.receipts.last().cloned(),
            rec: Some(tombstone.record.clone()),
            sig,
            v: LEAF_FORMAT.to_owned(),
            ver: Some(tombstone.revision),
        };
        Ok(OpenedTombstone {
            digest: digests.sha256,
            key_id: signer.id.clone(),
            key_name: signer.name.clone(),
            signers: signers.iter().map(|signer| signer.id.clone()).collect(),
            leaf,
            tombstone,
        })
    }

    /// Why it may not be sealed as it is; none when it may.
    pub fn fault(&self) -> Option<String> {
        let word = |what: &str, text: &str| {
            if text.trim().is_empty() {
                return Some(format!("the {what} is missing"));
            }
            let wrong = nfc(text) != text || text.trim() != text || text.chars().any(char::is_control);
            let wrong = wrong || text.chars().count() > MOST_LETTERS;
            wrong.then(|| format!("the {what} is not one line of NFC text of at most {MOST_LETTERS} letters"))
        };
        let hex = |c: u8| matches!(c, b'0'..=b'9' | b'a'..=b'f');
        word("basis", &self.basis).or_else(|| word("name", &self.by)).or_else(|| {
            if self.receipts.is_empty() || usize::try_from(self.revision).ok() != Some(self.receipts.len() + 1) {
                return Some("it does not name every revision before it".into());
            }
            (self.salt.len() != 64 || !self.salt.bytes().all(hex)).then(|| "its salt is not 64 hexadecimal digits".into())
        })
    }

    fn from_bytes(bytes: &[u8]) -> Result<Tombstone, String> {
        let tombstone: Tombstone = serde_json::from_slice(bytes).map_err(|e| format!("not a tombstone: {e}"))?;
        if tombstone.format != FORMAT {
            return Err(format!("'{}' is not {FORMAT}", tombstone.format.escape_debug()));
        }
        if tombstone.to_bytes() != bytes {
            return Err("the tombstone is not canonical JSON".into());
        }
        match tombstone.fault() {
            Some(why) => Err(why),
            None => Ok(tombstone),
        }
    }
}
