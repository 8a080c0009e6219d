//! Digests and signature algorithms: which of them a signature names, and whether it holds.

use super::asn1::{Element, SEQUENCE, context};
use p256::ecdsa::signature::hazmat::PrehashVerifier as _;
use pkcs8::ObjectIdentifier;
use rsa::pkcs8::DecodePublicKey as _;
use rsa::traits::PublicKeyParts as _;
use sha1::Sha1;
use sha2::{Digest, Sha256, Sha384, Sha512};
use sohoa_record::signature::Finding;

const fn oid(text: &str) -> ObjectIdentifier {
    ObjectIdentifier::new_unwrap(text)
}

const EC_KEY: ObjectIdentifier = oid("1.2.840.10045.2.1");
const RSA_KEY: ObjectIdentifier = oid("1.2.840.113549.1.1.1");
const RSA_PSS: ObjectIdentifier = oid("1.2.840.113549.1.1.10");
const MGF1: ObjectIdentifier = oid("1.2.840.113549.1.1.8");
const ED25519: ObjectIdentifier = oid("1.3.101.112");
const P256: ObjectIdentifier = oid("1.2.840.10045.3.1.7");
const P384: ObjectIdentifier = oid("1.3.132.0.34");

/// A digest algorithm. MD5 is known by name only: nothing it could say would count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hash {
    Md5,
    Sha1,
    Sha256,
    Sha384,
    Sha512,
}

impl Hash {
    /// By its AlgorithmIdentifier (RFC 5754, RFC 8017).
    pub fn of(algorithm: &Element<'_>) -> Option<Hash> {
        let named = algorithm.children()?.first()?.oid()?;
        const KNOWN: [(ObjectIdentifier, Hash); 5] = [
            (oid("1.2.840.113549.2.5"), Hash::Md5),
            (oid("1.3.14.3.2.26"), Hash::Sha1),
            (oid("2.16.840.1.101.3.4.2.1"), Hash::Sha256),
            (oid("2.16.840.1.101.3.4.2.2"), Hash::Sha384),
            (oid("2.16.840.1.101.3.4.2.3"), Hash::Sha512),
        ];
        KNOWN.iter().find(|(known, _)| *known == named).map(|(_, hash)| *hash)
    }

    pub fn name(self) -> &'static str {
        match self {
            Hash::Md5 => "md5",
            Hash::Sha1 => "sha1",
            Hash::Sha256 => "sha256",
            Hash::Sha384 => "sha384",
            Hash::Sha512 => "sha512",
        }
    }

    pub fn is_weak(self) -> bool {
        matches!(self, Hash::Md5 | Hash::Sha1)
    }

    /// The digest of the parts as one; none for MD5.
    pub fn digest(self, parts: &[&[u8]]) -> Option<Vec<u8>> {
        fn of<D: Digest>(parts: &[&[u8]]) -> Option<Vec<u8>> {
            let mut digest = D::new();
            parts.iter().for_each(|part| digest.update(part));
            Some(digest.finalize().to_vec())
        }
        match self {
            Hash::Md5 => None,
            Hash::Sha1 => of::<Sha1>(parts),
            Hash::Sha256 => of::<Sha256>(parts),
            Hash::Sha384 => of::<Sha384>(parts),
            Hash::Sha512 => of::<Sha512>(parts),
        }
    }
}

/// How a signature is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scheme {
    Pkcs1(Hash),
    Pss(Hash, usize),
    Ecdsa(Hash),
    Ed25519,
}

impl Scheme {
    /// By its AlgorithmIdentifier; where that names a key only, the digest is the one that stands beside it.
    pub fn of(algorithm: &Element<'_>, beside: Option<Hash>) -> Option<Scheme> {
        let parts = algorithm.children()?;
        let named = parts.first()?.oid()?;
        const KNOWN: [(ObjectIdentifier, Scheme); 9] = [
            (oid("1.2.840.113549.1.1.4"), Scheme::Pkcs1(Hash::Md5)),
            (oid("1.2.840.113549.1.1.5"), Scheme::Pkcs1(Hash::Sha1)),
            (oid("1.2.840.113549.1.1.11"), Scheme::Pkcs1(Hash::Sha256)),
            (oid("1.2.840.113549.1.1.12"), Scheme::Pkcs1(Hash::Sha384)),
            (oid("1.2.840.113549.1.1.13"), Scheme::Pkcs1(Hash::Sha512)),
            (oid("1.2.840.10045.4.1"), Scheme::Ecdsa(Hash::Sha1)),
            (oid("1.2.840.10045.4.3.2"), Scheme::Ecdsa(Hash::Sha256)),
            (oid("1.2.840.10045.4.3.3"), Scheme::Ecdsa(Hash::Sha384)),
            (oid("1.2.840.10045.4.3.4"), Scheme::Ecdsa(Hash::Sha512)),
        ];
        match named {
            RSA_KEY => Some(Scheme::Pkcs1(beside?)),
            EC_KEY => Some(Scheme::Ecdsa(beside?)),
            RSA_PSS => pss(parts.get(1)),
            ED25519 => Some(Scheme::Ed25519),
            _ => KNOWN.iter().find(|(known, _)| *known == named).map(|(_, scheme)| *scheme),
        }
    }

    /// The digest that is signed; Ed25519 signs the message itself.
    pub fn hash(self) -> Option<Hash> {
        match self {
            Scheme::Pkcs1(hash) | Scheme::Pss(hash, _) | Scheme::Ecdsa(hash) => Some(hash),
            Scheme::Ed25519 => None,
        }
    }

    pub fn name(self) -> String {
        match self {
            Scheme::Pkcs1(hash) => format!("rsa-pkcs1 {}", hash.name()),
            Scheme::Pss(hash, _) => format!("rsa-pss {}", hash.name()),
            Scheme::Ecdsa(hash) => format!("ecdsa {}", hash.name()),
            Scheme::Ed25519 => "ed25519".into(),
        }
    }
}

/// RSASSA-PSS-params (RFC 4055 3.1): defaults are SHA-1 and 20 bytes of salt; the mask's digest has to be the same.
fn pss(parameters: Option<&Element<'_>>) -> Option<Scheme> {
    let parameters = parameters?.children()?;
    let part = |number: u8| parameters.iter().find(|part| part.tag == context(number)).and_then(|part| part.only());
    let hash = part(0).map_or(Some(Hash::Sha1), |algorithm| Hash::of(&algorithm))?;
    let mask = match part(1) {
        None => Hash::Sha1,
        Some(mask) => {
            let mask = mask.children()?;
            if mask.first()?.oid()? != MGF1 {
                return None;
            }
            Hash::of(mask.get(1)?)?
        }
    };
    let salt = part(2).map_or(Some(20), |salt| salt.number())?;
    (mask == hash && salt <= 512).then_some(Scheme::Pss(hash, salt as usize))
}

/// Bits of an RSA key; none for any other.
pub(super) fn rsa_bits(key: &[u8]) -> Option<usize> {
    Some(rsa::PublicKey::from_public_key_der(key).ok()?.n().bit_width() as usize)
}

/// Whether the signature over the message (its parts as one) was made with the key, a SubjectPublicKeyInfo.
pub(super) fn verify(key: &[u8], scheme: Scheme, message: &[&[u8]], signature: &[u8]) -> Result<(), Finding> {
    let digest = || match scheme.hash() {
        Some(Hash::Md5) => Err(Finding::WeakDigest),
        Some(hash) => hash.digest(message).ok_or(Finding::WeakDigest),
        None => Ok(message.concat()),
    };
    let held = match scheme {
        Scheme::Pkcs1(hash) => {
            let key = rsa::PublicKey::from_public_key_der(key).map_err(|_| Finding::AlgorithmUnsupported)?;
            let padding = match hash {
                Hash::Md5 => return Err(Finding::WeakDigest),
                Hash::Sha1 => rsa::Pkcs1v15Sign::new::<Sha1>(),
                Hash::Sha256 => rsa::Pkcs1v15Sign::new::<Sha256>(),
                Hash::Sha384 => rsa::Pkcs1v15Sign::new::<Sha384>(),
                Hash::Sha512 => rsa::Pkcs1v15Sign::new::<Sha512>(),
            };
            key.verify(padding, &digest()?, signature).is_ok()
        }
        Scheme::Pss(hash, salt) => {
            let key = rsa_key(key).ok_or(Finding::AlgorithmUnsupported)?;
            let digest = digest()?;
            match hash {
                Hash::Md5 => return Err(Finding::WeakDigest),
                Hash::Sha1 => key.verify(rsa::Pss::<Sha1>::new_with_salt(salt), &digest, signature).is_ok(),
                Hash::Sha256 => key.verify(rsa::Pss::<Sha256>::new_with_salt(salt), &digest, signature).is_ok(),
                Hash::Sha384 => key.verify(rsa::Pss::<Sha384>::new_with_salt(salt), &digest, signature).is_ok(),
                Hash::Sha512 => key.verify(rsa::Pss::<Sha512>::new_with_salt(salt), &digest, signature).is_ok(),
            }
        }
        Scheme::Ecdsa(_) => {
            let (curve, point) = ec_key(key).ok_or(Finding::AlgorithmUnsupported)?;
            let digest = digest()?;
            match curve {
                P256 => {
                    let key = p256::ecdsa::VerifyingKey::from_sec1_bytes(point).map_err(|_| Finding::SignatureMismatch)?;
                    p256::ecdsa::Signature::from_der(signature).is_ok_and(|s| key.verify_prehash(&digest, &s).is_ok())
                }
                P384 => {
                    let key = p384::ecdsa::VerifyingKey::from_sec1_bytes(point).map_err(|_| Finding::SignatureMismatch)?;
                    p384::ecdsa::Signature::from_der(signature).is_ok_and(|s| key.verify_prehash(&digest, &s).is_ok())
                }
                _ => return Err(Finding::AlgorithmUnsupported),
            }
        }
        Scheme::Ed25519 => {
            let key = ed25519_dalek::VerifyingKey::from_public_key_der(key).map_err(|_| Finding::AlgorithmUnsupported)?;
            let signature = ed25519_dalek::Signature::from_slice(signature).map_err(|_| Finding::SignatureMismatch)?;
            key.verify_strict(&message.concat(), &signature).is_ok()
        }
    };
    if held { Ok(()) } else { Err(Finding::SignatureMismatch) }
}

/// The key of PSS may be marked as for PSS only (RFC 4055 1.2), which changes nothing in its numbers.
fn rsa_key(key: &[u8]) -> Option<rsa::PublicKey> {
    use rsa::pkcs1::DecodeRsaPublicKey as _;
    let parts = Element::of(SEQUENCE, key)?.children()?;
    let named = parts.first()?.children()?.first()?.oid()?;
    if named != RSA_KEY && named != RSA_PSS {
        return None;
    }
    rsa::PublicKey::from_pkcs1_der(parts.get(1)?.bits()?).ok()
}

/// Curve and point of an elliptic key (RFC 5480 2.1).
fn ec_key(key: &[u8]) -> Option<(ObjectIdentifier, &[u8])> {
    let parts = Element::of(SEQUENCE, key)?.children()?;
    let algorithm = parts.first()?.children()?;
    if algorithm.first()?.oid()? != EC_KEY {
        return None;
    }
    Some((algorithm.get(1)?.oid()?, parts.get(1)?.bits()?))
}
