//! The DSSE v1 envelope around whatever we sign: its one spelling, the bytes that a signature is over, and who signed.

use crate::digest::{Digests, Sha256Hex};
use crate::log::leaf::{FORMAT, Kind, Leaf, StatementDigests};
use crate::seal::OpenError;
use crate::trust::{TrustedKey, key_id};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use ed25519_dalek::{Signature, Signer as _, SigningKey};
use serde::{Deserialize, Serialize};

/// An envelope that was parsed but not yet believed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Envelope {
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

impl Envelope {
    /// An envelope that nobody has signed yet.
    pub fn unsigned(payload_type: &str, payload: &[u8]) -> Envelope {
        Envelope { payload_type: payload_type.to_owned(), payload: STANDARD.encode(payload), signatures: Vec::new() }
    }

    /// Adds the signature of `key`, whose earlier one goes.
    pub fn sign(&mut self, payload: &[u8], key: &SigningKey) {
        let keyid = key_id(&key.verifying_key()).to_string();
        let signature = key.sign(&pre_authentication_encoding(&self.payload_type, payload));
        self.signatures.retain(|other| other.keyid != keyid);
        self.signatures.push(EnvelopeSignature { keyid, sig: STANDARD.encode(signature.to_bytes()) });
    }

    /// The envelope's bytes, as stored.
    pub fn to_bytes(&self) -> Vec<u8> {
        // Strings and lists of strings always serialize.
        let mut bytes = serde_json::to_vec(self).unwrap_or_default();
        bytes.push(b'\n');
        bytes
    }

    /// Reads stored envelope bytes. Base64 that two decoders could read differently, or white space games, are not ours.
    pub fn parse(bytes: &[u8]) -> Result<Envelope, OpenError> {
        let envelope: Envelope =
            serde_json::from_slice(bytes).map_err(|e| OpenError::Malformed(format!("not a DSSE envelope: {e}")))?;
        if envelope.to_bytes() != bytes {
            return Err(OpenError::Malformed("the envelope's bytes are not in the form sohoa writes".into()));
        }
        Ok(envelope)
    }

    /// Whether it says to be of that type; what is in it is no more believed for that.
    pub fn is_of_type(&self, payload_type: &str) -> bool {
        self.payload_type == payload_type
    }

    /// The signed bytes of an envelope of that type. They are to be believed only after [`Envelope::signers`].
    pub fn payload(&self, payload_type: &str) -> Result<Vec<u8>, OpenError> {
        if self.payload_type != payload_type {
            return Err(OpenError::Malformed(format!("payload type '{}' is not {payload_type}", self.payload_type)));
        }
        STANDARD.decode(&self.payload).map_err(|e| OpenError::Malformed(format!("payload is not base64: {e}")))
    }

    /// Which of `keys` have signed `payload`, each once. A signature that names one of them and does not verify makes the whole
    /// envelope bad.
    pub fn signers<'k>(&self, payload: &[u8], keys: &'k [TrustedKey]) -> Result<Vec<&'k TrustedKey>, OpenError> {
        let signed = pre_authentication_encoding(&self.payload_type, payload);
        let mut signers: Vec<&TrustedKey> = Vec::new();
        for signature in &self.signatures {
            let Some(trusted) = keys.iter().find(|key| key.id.as_str() == signature.keyid) else { continue };
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
            if !signers.iter().any(|other| other.id == trusted.id) {
                signers.push(trusted);
            }
        }
        Ok(signers)
    }

    /// Identifiers of the keys that are said to have signed.
    pub fn named_keys(&self) -> impl Iterator<Item = &str> {
        self.signatures.iter().map(|signature| signature.keyid.as_str())
    }

    /// The first signature as it stands there, key identifier and base64: what a leaf names, whomever a policy believes.
    pub fn first_signature(&self) -> Option<(String, String)> {
        self.signatures.first().map(|first| (first.keyid.clone(), first.sig.clone()))
    }

    /// The leaf of a statement that concerns no record. None when nobody has signed it, or its key identifier is none.
    pub fn leaf(&self, kind: Kind, payload: &[u8]) -> Option<Leaf> {
        let (key, sig) = self.first_signature()?;
        let digests = Digests::of(payload);
        Some(Leaf {
            key: key.parse::<Sha256Hex>().ok()?,
            kind,
            man: StatementDigests { sha256: digests.sha256, sha512: digests.sha512 },
            prev: None,
            rec: None,
            sig,
            v: FORMAT.to_owned(),
            ver: None,
        })
    }
}

/// DSSE v1 pre-authentication encoding.
pub fn pre_authentication_encoding(payload_type: &str, payload: &[u8]) -> Vec<u8> {
    let mut encoded = format!("DSSEv1 {} {payload_type} {} ", payload_type.len(), payload.len()).into_bytes();
    encoded.extend_from_slice(payload);
    encoded
}
