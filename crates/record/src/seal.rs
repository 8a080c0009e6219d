//! The signed receipt of a manifest: a DSSE v1 envelope over the manifest's exact bytes, signed with Ed25519.
//!
//! What is signed is the pre-authentication encoding `DSSEv1 SP len(type) SP type SP len(payload) SP payload`, so the payload's
//! type is signed too and no other signature of ours can be mistaken for it. `docs/format.md` shows how to check one with
//! openssl alone.

use crate::digest::Sha256Hex;
use crate::envelope::Envelope;
use crate::manifest::Manifest;
use crate::trust::TrustPolicy;
use ed25519_dalek::SigningKey;
use serde::{Deserialize, Serialize};

pub use crate::envelope::pre_authentication_encoding;

/// The payload type of a sohoa manifest.
pub const PAYLOAD_TYPE: &str = "application/vnd.sohoa.manifest+json";

/// A DSSE envelope that was parsed but not yet believed: only [`Receipt::open`] gives out what is in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Receipt(Envelope);

/// A manifest whose receipt was verified, and by which key.
#[derive(Clone, Debug)]
pub struct Opened {
    /// What was signed.
    pub manifest: Manifest,
    /// SHA-256 of the signed bytes: what the next revision names as `previous`.
    pub digest: Sha256Hex,
    /// The signed bytes.
    pub bytes: Vec<u8>,
    /// Identifier of the believed key that signed.
    pub key_id: Sha256Hex,
    /// Whose key it is.
    pub key_name: String,
    /// Identifiers of all believed keys that signed; one in nearly every receipt.
    pub signers: Vec<Sha256Hex>,
    /// The envelope's first signature as it stands there, key identifier and base64: what the log's leaf names. It is the same
    /// whomever a policy believes.
    pub first_signature: (String, String),
}

impl Receipt {
    /// Signs `manifest` with `key`.
    pub fn seal(manifest: &Manifest, key: &SigningKey) -> Receipt {
        let payload = manifest.to_bytes();
        let mut envelope = Envelope::unsigned(PAYLOAD_TYPE, &payload);
        envelope.sign(&payload, key);
        Receipt(envelope)
    }

    /// The envelope's bytes, as stored.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.0.to_bytes()
    }

    /// Reads stored envelope bytes. What is inside stays closed until [`Receipt::open`].
    pub fn parse(bytes: &[u8]) -> Result<Receipt, OpenError> {
        Envelope::parse(bytes).map(Receipt)
    }

    /// Verifies the envelope under `policy` and only then reads the manifest in it.
    ///
    /// Bytes first, meaning after: the same bytes that were verified are parsed. One good signature by a believed key is
    /// needed; a signature that names a believed key and does not verify makes the whole receipt bad.
    pub fn open(&self, policy: &TrustPolicy) -> Result<Opened, OpenError> {
        let bytes = self.0.payload(PAYLOAD_TYPE)?;
        let first_signature = self.0.first_signature().ok_or_else(|| OpenError::Malformed("nobody signed it".into()))?;
        let signers = self.0.signers(&bytes, policy.keys())?;
        let Some(signer) = signers.last() else {
            let named: Vec<&str> = self.0.named_keys().collect();
            return Err(OpenError::UnknownKey(named.join(", ")));
        };
        let manifest = Manifest::from_bytes(&bytes).map_err(|e| OpenError::Malformed(e.to_string()))?;
        Ok(Opened {
            manifest,
            digest: Sha256Hex::of(&bytes),
            key_id: signer.id.clone(),
            key_name: signer.name.clone(),
            signers: signers.iter().map(|signer| signer.id.clone()).collect(),
            bytes,
            first_signature,
        })
    }
}

/// Why a receipt was not believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// The bytes are no receipt, or no manifest of a known format.
    #[error("{0}")]
    Malformed(String),
    /// A believed key is named and its signature does not fit.
    #[error("{0}")]
    BadSignature(String),
    /// Nobody who signed is believed. The text lists the key identifiers.
    #[error("signed by a key that the trust policy does not name: {0}; add its 'manifest-key' line if you believe it")]
    UnknownKey(String),
}
