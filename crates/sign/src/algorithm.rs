//! Which digests and signatures are made and believed: RSA from 2048 bits (PKCS#1 v1.5, PSS), ECDSA on P-256 and P-384, Ed25519
//! (TT 15/2025/TT-BKHCN; RFC 4055, RFC 5758, RFC 8410, RFC 8419).

use crate::{SignError, asn1};
use der::asn1::ObjectIdentifier;
use der::{Decode as _, Encode as _};
use rsa::pkcs8::DecodePublicKey as _;
use rsa::signature::hazmat::PrehashVerifier as _;
use rsa::traits::PublicKeyParts as _;
use sha2::{Sha256, Sha384, Sha512};
use spki::{AlgorithmIdentifierOwned, SubjectPublicKeyInfoOwned};

/// Shorter RSA keys sign nothing here.
pub const LEAST_RSA_BITS: usize = 2048;

const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
const RSA_SHA256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.11");
const RSA_SHA384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.12");
const RSA_SHA512: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.13");
const RSA_PSS: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.10");
const MGF1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.8");
const EC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
const P256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
const P384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.34");
const ECDSA_SHA256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.2");
const ECDSA_SHA384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.3");
const ECDSA_SHA512: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.4");
const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");

/// A digest algorithm (FIPS 180-4). SHA-1 is not believed any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hash {
    /// SHA-256
    Sha256,
    /// SHA-384
    Sha384,
    /// SHA-512
    Sha512,
}

impl Hash {
    const ALL: [Hash; 3] = [Hash::Sha256, Hash::Sha384, Hash::Sha512];

    /// The digest of pieces in a row.
    pub fn digest(self, pieces: &[&[u8]]) -> Vec<u8> {
        fn of<D: sha2::Digest>(pieces: &[&[u8]]) -> Vec<u8> {
            let mut hasher = D::new();
            pieces.iter().for_each(|piece| hasher.update(piece));
            hasher.finalize().to_vec()
        }
        match self {
            Hash::Sha256 => of::<Sha256>(pieces),
            Hash::Sha384 => of::<Sha384>(pieces),
            Hash::Sha512 => of::<Sha512>(pieces),
        }
    }

    pub(crate) fn oid(self) -> ObjectIdentifier {
        match self {
            Hash::Sha256 => ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.1"),
            Hash::Sha384 => ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.2"),
            Hash::Sha512 => ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.3"),
        }
    }

    pub(crate) fn of_oid(oid: ObjectIdentifier) -> Result<Hash, SignError> {
        Hash::ALL.into_iter().find(|hash| hash.oid() == oid).ok_or_else(|| SignError::Algorithm(oid.to_string()))
    }

    /// The AlgorithmIdentifier, without parameters (RFC 5754 2).
    pub(crate) fn identifier(self) -> Vec<u8> {
        asn1::algorithm(self.oid(), false)
    }
}

/// How a key signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    RsaPkcs1,
    /// RSASSA-PSS with SHA-256, MGF1 and a salt of 32 bytes.
    RsaPss,
    /// ECDSA on P-256 with SHA-256.
    EcdsaP256,
    /// ECDSA on P-384 with SHA-384.
    EcdsaP384,
    /// Ed25519; its digests are SHA-512 (RFC 8419).
    Ed25519,
}

impl Algorithm {
    /// The usual algorithm of a certificate's key; [`Algorithm::RsaPss`] is chosen, never found.
    pub fn of_key(key: &SubjectPublicKeyInfoOwned) -> Result<Algorithm, SignError> {
        let unknown = |oid: ObjectIdentifier| SignError::Algorithm(oid.to_string());
        match key.algorithm.oid {
            RSA => match rsa_key(key)?.n().bit_width() as usize {
                bits if bits < LEAST_RSA_BITS => Err(SignError::WeakKey(bits)),
                _ => Ok(Algorithm::RsaPkcs1),
            },
            EC => match curve(key)? {
                P256 => Ok(Algorithm::EcdsaP256),
                P384 => Ok(Algorithm::EcdsaP384),
                other => Err(unknown(other)),
            },
            ED25519 => Ok(Algorithm::Ed25519),
            other => Err(unknown(other)),
        }
    }

    /// The digest that goes with it.
    pub fn hash(self) -> Hash {
        match self {
            Algorithm::RsaPkcs1 | Algorithm::RsaPss | Algorithm::EcdsaP256 => Hash::Sha256,
            Algorithm::EcdsaP384 => Hash::Sha384,
            Algorithm::Ed25519 => Hash::Sha512,
        }
    }

    /// The AlgorithmIdentifier of its signatures.
    pub(crate) fn identifier(self) -> Vec<u8> {
        match self {
            Algorithm::RsaPkcs1 => asn1::algorithm(RSA_SHA256, true),
            Algorithm::EcdsaP256 => asn1::algorithm(ECDSA_SHA256, false),
            Algorithm::EcdsaP384 => asn1::algorithm(ECDSA_SHA384, false),
            Algorithm::Ed25519 => asn1::algorithm(ED25519, false),
            Algorithm::RsaPss => {
                let hash = asn1::algorithm(Hash::Sha256.oid(), true);
                let mask = asn1::sequence(&[&asn1::oid(MGF1), &hash]);
                let parameters = asn1::sequence(&[
                    &asn1::element(0xa0, &hash),
                    &asn1::element(0xa1, &mask),
                    &asn1::element(0xa2, &asn1::integer(&[32])),
                ]);
                asn1::sequence(&[&asn1::oid(RSA_PSS), &parameters])
            }
        }
    }
}

/// Whether `signature` over `message` is by `key`. An algorithm that is not believed is an error; a signature that does not fit is not.
pub fn verify(
    key: &SubjectPublicKeyInfoOwned,
    algorithm: &AlgorithmIdentifierOwned,
    hash_of_signed: Option<Hash>,
    message: &[u8],
    signature: &[u8],
) -> Result<bool, SignError> {
    let oid = algorithm.oid;
    let fixed = |hash: Hash| hash.digest(&[message]);
    match oid {
        RSA_SHA256 => pkcs1::<Sha256>(key, &fixed(Hash::Sha256), signature),
        RSA_SHA384 => pkcs1::<Sha384>(key, &fixed(Hash::Sha384), signature),
        RSA_SHA512 => pkcs1::<Sha512>(key, &fixed(Hash::Sha512), signature),
        // A CMS may name the key's algorithm only; then its digest algorithm decides (RFC 5652 10.1.2).
        RSA => match hash_of_signed {
            Some(Hash::Sha256) => pkcs1::<Sha256>(key, &fixed(Hash::Sha256), signature),
            Some(Hash::Sha384) => pkcs1::<Sha384>(key, &fixed(Hash::Sha384), signature),
            Some(Hash::Sha512) => pkcs1::<Sha512>(key, &fixed(Hash::Sha512), signature),
            None => Err(SignError::Algorithm(oid.to_string())),
        },
        RSA_PSS => match pss_hash(algorithm)? {
            Hash::Sha256 => pss::<Sha256>(key, &fixed(Hash::Sha256), signature),
            Hash::Sha384 => pss::<Sha384>(key, &fixed(Hash::Sha384), signature),
            Hash::Sha512 => pss::<Sha512>(key, &fixed(Hash::Sha512), signature),
        },
        ECDSA_SHA256 => ecdsa(key, &fixed(Hash::Sha256), signature),
        ECDSA_SHA384 => ecdsa(key, &fixed(Hash::Sha384), signature),
        ECDSA_SHA512 => ecdsa(key, &fixed(Hash::Sha512), signature),
        ED25519 => {
            let point = key.subject_public_key.as_bytes().and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
            let key = point.and_then(|point| ed25519_dalek::VerifyingKey::from_bytes(&point).ok());
            let signature = ed25519_dalek::Signature::from_slice(signature).ok();
            Ok(key.zip(signature).is_some_and(|(key, signature)| key.verify_strict(message, &signature).is_ok()))
        }
        other => Err(SignError::Algorithm(other.to_string())),
    }
}

fn rsa_key(key: &SubjectPublicKeyInfoOwned) -> Result<rsa::PublicKey, SignError> {
    let der = key.to_der()?;
    rsa::PublicKey::from_public_key_der(&der).map_err(|e| SignError::Malformed(format!("the RSA key: {e}")))
}

fn pkcs1<D: sha2::Digest + rsa::pkcs8::AssociatedOid>(
    key: &SubjectPublicKeyInfoOwned,
    digest: &[u8],
    signature: &[u8],
) -> Result<bool, SignError> {
    let Ok(signature) = rsa::pkcs1v15::Signature::try_from(signature) else { return Ok(false) };
    Ok(rsa::pkcs1v15::VerifyingKey::<D>::new(rsa_key(key)?).verify_prehash(digest, &signature).is_ok())
}

fn pss<D: sha2::Digest + sha2::digest::FixedOutputReset>(
    key: &SubjectPublicKeyInfoOwned,
    digest: &[u8],
    signature: &[u8],
) -> Result<bool, SignError> {
    let Ok(signature) = rsa::pss::Signature::try_from(signature) else { return Ok(false) };
    Ok(rsa::pss::VerifyingKey::<D>::new(rsa_key(key)?).verify_prehash(digest, &signature).is_ok())
}

/// The digest that PSS parameters name (RFC 4055 3.1); SHA-1, their default, is not believed.
fn pss_hash(algorithm: &AlgorithmIdentifierOwned) -> Result<Hash, SignError> {
    let default = || SignError::Algorithm("RSASSA-PSS with SHA-1".into());
    let parameters = algorithm.parameters.as_ref().ok_or_else(default)?;
    let mut rest = parameters.value();
    let named = asn1::optional(&mut rest, 0xa0)?.ok_or_else(default)?;
    let hash = AlgorithmIdentifierOwned::from_der(named.value)?;
    Hash::of_oid(hash.oid)
}

fn curve(key: &SubjectPublicKeyInfoOwned) -> Result<ObjectIdentifier, SignError> {
    let parameters = key.algorithm.parameters.as_ref();
    let named = parameters.and_then(|any| any.decode_as::<ObjectIdentifier>().ok());
    named.ok_or_else(|| SignError::Algorithm("an elliptic curve without a name".into()))
}

fn ecdsa(key: &SubjectPublicKeyInfoOwned, digest: &[u8], signature: &[u8]) -> Result<bool, SignError> {
    let point = key.subject_public_key.as_bytes().unwrap_or_default();
    match curve(key)? {
        P256 => {
            let key = p256::ecdsa::VerifyingKey::from_sec1_bytes(point).ok();
            let signature = p256::ecdsa::Signature::from_der(signature).ok();
            Ok(key.zip(signature).is_some_and(|(key, signature)| key.verify_prehash(digest, &signature).is_ok()))
        }
        P384 => {
            let key = p384::ecdsa::VerifyingKey::from_sec1_bytes(point).ok();
            let signature = p384::ecdsa::Signature::from_der(signature).ok();
            Ok(key.zip(signature).is_some_and(|(key, signature)| key.verify_prehash(digest, &signature).is_ok()))
        }
        other => Err(SignError::Algorithm(other.to_string())),
    }
}
