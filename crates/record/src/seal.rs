//! The signed receipt of a manifest: a DSSE v1 envelope over the manifest's exact bytes, signed with Ed25519.
//!
//! What is signed is the pre-authentication encoding `DSSEv1 SP len(type) SP type SP len(payload) SP payload`, so the payload's
//! type is signed too and no other signature of ours can be mistaken for it. `docs/format.md` shows how to check one with
//! openssl alone.

use crate::digest::Sha256Hex;
use crate::manifest::Manifest;
use crate::trust::{TrustPolicy, TrustedKey, key_id};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use ed25519_dalek::{Signature, Signer as _, SigningKey};
use serde::{Deserialize, Serialize};

/// The payload type of a sohoa manifest.
pub const PAYLOAD_TYPE: &str = "application/vnd.sohoa.manifest+json";

/// A DSSE envelope that was parsed but not yet believed: only [`Receipt::open`] gives out what is in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Receipt {
    #[serde(rename = "payloadType")]
    payload_type: String,
    payload: String,
    signatures: Vec<EnvelopeSignature>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct EnvelopeSignature {
    keyid: String,
    sig: String,
}

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
    /// The envelope's first signature as it stands there, key identifier and base64: what the log's leaf names. It is the same
    /// whomever a policy believes.
    pub first_signature: (String, String),
}

impl Receipt {
    /// Signs `manifest` with `key`.
    pub fn seal(manifest: &Manifest, key: &SigningKey) -> Receipt {
        let payload = manifest.to_bytes();
        let signature = key.sign(&pre_authentication_encoding(PAYLOAD_TYPE, &payload));
        Receipt {
            payload_type: PAYLOAD_TYPE.to_owned(),
            payload: STANDARD.encode(&payload),
            signatures: vec![EnvelopeSignature {
                keyid: key_id(&key.verifying_key()).to_string(),
                sig: STANDARD.encode(signature.to_bytes()),
            }],
        }
    }

    /// The envelope's bytes, as stored.
    pub fn to_bytes(&self) -> Vec<u8> {
        // Strings and lists of strings always serialize.
        let mut bytes = serde_json::to_vec(self).unwrap_or_default();
        bytes.push(b'\n');
        bytes
    }

    /// Reads stored envelope bytes. What is inside stays closed until [`Receipt::open`].
    pub fn parse(bytes: &[u8]) -> Result<Receipt, OpenError> {
        let receipt: Receipt =
            serde_json::from_slice(bytes).map_err(|e| OpenError::Malformed(format!("not a DSSE envelope: {e}")))?;
        // Base64 that two decoders could read differently, or white space games, are not ours.
        if receipt.to_bytes() != bytes {
            return Err(OpenError::Malformed("the envelope's bytes are not in the form sohoa writes".into()));
        }
        Ok(receipt)
    }

    /// Verifies the envelope under `policy` and only then reads the manifest in it.
    ///
    /// Bytes first, meaning after: the same bytes that were verified are parsed. One good signature by a believed key is
    /// needed; a signature that names a believed key and does not verify makes the whole receipt bad.
    pub fn open(&self, policy: &TrustPolicy) -> Result<Opened, OpenError> {
        if self.payload_type != PAYLOAD_TYPE {
            return Err(OpenError::Malformed(format!("payload type '{}' is not {PAYLOAD_TYPE}", self.payload_type)));
        }
        if self.signatures.is_empty() {
            return Err(OpenError::Malformed("nobody signed it".into()));
        }
        let bytes = STANDARD.decode(&self.payload).map_err(|e| OpenError::Malformed(format!("payload is not base64: {e}")))?;
        let signed = pre_authentication_encoding(&self.payload_type, &bytes);
        let mut signer: Option<&TrustedKey> = None;
        for signature in &self.signatures {
            let Some(trusted) = policy.key(&signature.keyid) else { continue };
            let raw =
                STANDARD.decode(&signature.sig).map_err(|e| OpenError::BadSignature(format!("signature is not base64: {e}")))?;
            let raw = Signature::from_slice(&raw).map_err(|e| OpenError::BadSignature(e.to_string()))?;
            // strict: refuses the malleable and small-order cases on which Ed25519 verifiers disagree
            trusted.key.verify_strict(&signed, &raw).map_err(|_| {
                OpenError::BadSignature(format!(
                    "the signature of key {} ({}) does not fit the manifest",
                    trusted.id, trusted.name
                ))
            })?;
            signer = Some(trusted);
        }
        let Some(signer) = signer else {
            let named: Vec<&str> = self.signatures.iter().map(|s| s.keyid.as_str()).collect();
            return Err(OpenError::UnknownKey(named.join(", ")));
        };
        let manifest = Manifest::from_bytes(&bytes).map_err(|e| OpenError::Malformed(e.to_string()))?;
        let first = &self.signatures[0];
        Ok(Opened {
            manifest,
            digest: Sha256Hex::of(&bytes),
            bytes,
            key_id: signer.id.clone(),
            key_name: signer.name.clone(),
            first_signature: (first.keyid.clone(), first.sig.clone()),
        })
    }
}

/// DSSE v1 pre-authentication encoding.
pub fn pre_authentication_encoding(payload_type: &str, payload: &[u8]) -> Vec<u8> {
    let mut encoded = format!("DSSEv1 {} {payload_type} {} ", payload_type.len(), payload.len()).into_bytes();
    encoded.extend_from_slice(payload);
    encoded
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
