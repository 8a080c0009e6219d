//! A key in a PKCS#12 file (RFC 7292), as a CA hands it out or `openssl pkcs12 -export` makes it. Its MAC is not looked at: what counts
//! is that the key is its certificate's, and that is checked. Everything that was secret is wiped.

use crate::SignError;
use crate::algorithm::Algorithm;
use crate::asn1;
use crate::certificate::Certificate;
use der::Decode as _;
use der::asn1::ObjectIdentifier;
use pkcs8::pkcs5::EncryptionScheme;
use pkcs8::{DecodePrivateKey as _, EncryptedPrivateKeyInfoRef};
use rsa::signature::{SignatureEncoding as _, Signer as _};
use sha2::Sha256;
use zeroize::Zeroizing;

/// A PKCS#12 file is some kilobytes; what is much longer is none.
const MOST_BYTES: usize = 1 << 20;

pub(super) enum SoftKey {
    Rsa(Box<rsa::PrivateKey>),
    P256(p256::ecdsa::SigningKey),
    P384(p384::ecdsa::SigningKey),
    Ed25519(Box<ed25519_dalek::SigningKey>),
}

const DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.1");
const ENCRYPTED_DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.6");
const KEY_BAG: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.12.10.1.1");
const SHROUDED_KEY_BAG: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.12.10.1.2");
const CERTIFICATE_BAG: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.12.10.1.3");

const NEWER: &str = "make it anew: openssl pkcs12 -legacy -in OLD -nodes -out plain.pem; openssl pkcs12 -export -in plain.pem -out NEW; then wipe plain.pem";

/// What bags there were.
#[derive(Default)]
struct Bags {
    /// PrivateKeyInfo each.
    keys: Vec<Zeroizing<Vec<u8>>>,
    certificates: Vec<Certificate>,
}

pub(super) fn open(file: &[u8], password: &str) -> Result<(SoftKey, Algorithm, Certificate, Vec<Certificate>), SignError> {
    let bad = |why: &str| SignError::Pkcs12(why.to_owned());
    if file.len() > MOST_BYTES {
        return Err(bad("it is longer than any such file"));
    }
    let bags = bags(file, password).map_err(|error| match error {
        SignError::Malformed(why) => SignError::Pkcs12(format!("{why}; is it a PKCS#12 file in DER? {NEWER}")),
        other => other,
    })?;
    let [key] = &bags.keys[..] else {
        return Err(SignError::Pkcs12(format!("it holds {} private keys; one was expected", bags.keys.len())));
    };
    let (der, mut certificates) = (&key[..], bags.certificates);
    for at in 0..certificates.len() {
        let Ok(algorithm) = certificates[at].algorithm() else { continue };
        let public = certificates[at].tbs().subject_public_key_info().subject_public_key.as_bytes().unwrap_or_default();
        let soft = match algorithm {
            Algorithm::RsaPkcs1 | Algorithm::RsaPss => rsa::PrivateKey::from_pkcs8_der(der).ok().and_then(|key| {
                let own = rsa::pkcs1::EncodeRsaPublicKey::to_pkcs1_der(&key.to_public_key()).ok()?;
                (own.as_bytes() == public).then(|| SoftKey::Rsa(Box::new(key)))
            }),
            Algorithm::EcdsaP256 => p256::ecdsa::SigningKey::from_pkcs8_der(der)
                .ok()
                .filter(|key| key.verifying_key().to_sec1_point(false).as_bytes() == public)
                .map(SoftKey::P256),
            Algorithm::EcdsaP384 => p384::ecdsa::SigningKey::from_pkcs8_der(der)
                .ok()
                .filter(|key| key.verifying_key().to_sec1_point(false).as_bytes() == public)
                .map(SoftKey::P384),
            Algorithm::Ed25519 => ed25519_dalek::SigningKey::from_pkcs8_der(der)
                .ok()
                .filter(|key| key.verifying_key().as_bytes() == public)
                .map(|key| SoftKey::Ed25519(Box::new(key))),
        };
        if let Some(soft) = soft {
            let certificate = certificates.swap_remove(at);
            return Ok((soft, algorithm, certificate, certificates));
        }
    }
    Err(bad("none of its certificates is its key's, or the key is of a kind or length that may not sign"))
}

/// PFX: a ContentInfo with a sequence of ContentInfos, plain or encrypted, of bags (RFC 7292 4).
fn bags(file: &[u8], password: &str) -> Result<Bags, SignError> {
    let mut pfx = asn1::expect(&mut { file }, asn1::SEQUENCE)?.value;
    asn1::expect(&mut pfx, 0x02)?; // version
    let (kind, content) = content_info(asn1::expect(&mut pfx, asn1::SEQUENCE)?)?;
    if kind != DATA {
        return Err(SignError::Pkcs12(format!("it is protected by a public key and not by a password; {NEWER}")));
    }
    let safe = asn1::expect(&mut { content }, 0x04)?;
    let mut bags = Bags::default();
    for part in asn1::all(asn1::expect(&mut { safe.value }, asn1::SEQUENCE)?.value)? {
        let (kind, content) = content_info(part)?;
        if kind == DATA {
            bags.add(asn1::expect(&mut { content }, 0x04)?.value, password)?;
        } else if kind == ENCRYPTED_DATA {
            let mut data = asn1::expect(&mut { content }, asn1::SEQUENCE)?.value;
            asn1::expect(&mut data, 0x02)?; // version
            let mut encrypted = asn1::expect(&mut data, asn1::SEQUENCE)?.value;
            asn1::expect(&mut encrypted, 0x06)?; // content type
            let scheme = asn1::expect(&mut encrypted, asn1::SEQUENCE)?.whole;
            let bytes = asn1::expect(&mut encrypted, 0x80)?.value;
            let scheme = EncryptionScheme::from_der(scheme).map_err(|_| old())?;
            let plain = Zeroizing::new(scheme.decrypt(password.as_bytes(), bytes).map_err(|_| wrong_password())?);
            bags.add(&plain, password)?;
        }
    }
    Ok(bags)
}

fn old() -> SignError {
    SignError::Pkcs12(format!("it is encrypted in an old way; {NEWER}"))
}

fn wrong_password() -> SignError {
    SignError::Pkcs12("wrong password, or the file is damaged".into())
}

fn content_info(info: asn1::Element<'_>) -> Result<(ObjectIdentifier, &[u8]), SignError> {
    let mut members = info.value;
    let kind = ObjectIdentifier::from_der(asn1::expect(&mut members, 0x06)?.whole)?;
    Ok((kind, asn1::expect(&mut members, 0xa0)?.value))
}

impl Bags {
    /// SafeContents.
    fn add(&mut self, contents: &[u8], password: &str) -> Result<(), SignError> {
        for bag in asn1::all(asn1::expect(&mut { contents }, asn1::SEQUENCE).map_err(|_| wrong_password())?.value)? {
            let (kind, value) = content_info(bag)?;
            match kind {
                KEY_BAG => self.keys.push(Zeroizing::new(value.to_vec())),
                SHROUDED_KEY_BAG => {
                    let encrypted = EncryptedPrivateKeyInfoRef::try_from(value).map_err(|_| old())?;
                    let plain = encrypted.decrypt(password).map_err(|_| wrong_password())?;
                    self.keys.push(Zeroizing::new(plain.as_bytes().to_vec()));
                }
                CERTIFICATE_BAG => {
                    let mut bag = asn1::expect(&mut { value }, asn1::SEQUENCE)?.value;
                    asn1::expect(&mut bag, 0x06)?; // x509Certificate
                    let octets = asn1::expect(&mut { asn1::expect(&mut bag, 0xa0)?.value }, 0x04)?;
                    self.certificates.push(Certificate::from_der(octets.value)?);
                }
                _ => {}
            }
        }
        Ok(())
    }
}

impl SoftKey {
    pub(super) fn sign(&self, algorithm: Algorithm, message: &[u8]) -> Result<Vec<u8>, SignError> {
        let failed = |e: rsa::signature::Error| SignError::Pkcs12(format!("its key does not sign: {e}"));
        Ok(match self {
            // Both blind with random numbers of the system: time tells nothing of the key.
            SoftKey::Rsa(key) if algorithm == Algorithm::RsaPss => {
                rsa::pss::SigningKey::<Sha256>::new((**key).clone()).try_sign(message).map_err(failed)?.to_vec()
            }
            SoftKey::Rsa(key) => {
                rsa::pkcs1v15::SigningKey::<Sha256>::new((**key).clone()).try_sign(message).map_err(failed)?.to_vec()
            }
            SoftKey::P256(key) => {
                let signature: p256::ecdsa::Signature = key.try_sign(message).map_err(failed)?;
                signature.to_der().as_bytes().to_vec()
            }
            SoftKey::P384(key) => {
                let signature: p384::ecdsa::Signature = key.try_sign(message).map_err(failed)?;
                signature.to_der().as_bytes().to_vec()
            }
            SoftKey::Ed25519(key) => key.try_sign(message).map_err(failed)?.to_vec(),
        })
    }
}
