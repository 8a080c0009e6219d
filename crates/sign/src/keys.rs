//! The manifest key: an Ed25519 key (RFC 8032) in an encrypted PKCS#8 file (RFC 5958, RFC 8410; PBES2 of RFC 8018 with scrypt
//! and AES-256-CBC) that `openssl pkey` opens too, and its public half as PEM.

use ed25519_dalek::pkcs8::{EncodePublicKey as _, KeypairBytes};
use ed25519_dalek::{SigningKey, VerifyingKey};
use pkcs8::der::pem::PemLabel as _;
use pkcs8::pkcs5::{pbes2, scrypt};
use pkcs8::{
    DecodePublicKey as _, EncodePrivateKey as _, EncryptedPrivateKeyInfoRef, LineEnding, ObjectIdentifier, PrivateKeyInfoRef,
    SecretDocument,
};
use zeroize::{Zeroize as _, Zeroizing};

/// scrypt N = 2^14, r = 8, p = 5: about 0.2 s on an old PC. OpenSSL refuses to open a file that needs more than 32 MiB
/// (`EVP_PBE_scrypt`), which N = 2^15 would, so the work factor grows by p instead (the same work as OWASP's first choice).
const SCRYPT: (u8, u32, u32) = (14, 8, 5);

/// A key file is some 400 bytes; what is much longer is none, and is not looked at.
const MAX_PEM_BYTES: usize = 16 * 1024;

/// scrypt's N·r·p of a file we agree to open, so that a doctored file cannot take all memory: 16 times our own.
const MAX_SCRYPT_WORK: u64 = 16 * (1 << 14) * 8 * 5;

const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");

/// Random bytes that make two files of one key and password differ. Draw new ones for every file that is written.
pub struct Salting {
    /// Salt of scrypt.
    pub salt: [u8; 16],
    /// Initialization vector of AES-256-CBC.
    pub iv: [u8; 16],
}

/// The signing key of 32 random bytes. The caller draws them from the operating system; this copy of them is wiped.
pub fn generate(mut seed: [u8; 32]) -> SigningKey {
    let key = SigningKey::from_bytes(&seed);
    seed.zeroize();
    key
}

/// The key file's text: `-----BEGIN ENCRYPTED PRIVATE KEY-----` and so on.
pub fn to_encrypted_pem(key: &SigningKey, password: &[u8], salting: &Salting) -> Result<Zeroizing<String>, KeyFileError> {
    if password.is_empty() {
        return Err(KeyFileError::EmptyPassword);
    }
    // PKCS#8 version 1, without the public key: OpenSSL 3.0 does not read version 2.
    let plain = KeypairBytes { secret_key: key.to_bytes(), public_key: None }.to_pkcs8_der()?;
    let (log_n, r, p) = SCRYPT;
    let work = scrypt::Params::new(log_n, r, p).map_err(|_| KeyFileError::Parameters)?;
    let parameters = pbes2::Parameters::generate_scrypt_aes256cbc(work, &salting.salt, salting.iv)?;
    let encrypted = PrivateKeyInfoRef::try_from(plain.as_bytes())?.encrypt_with_params(parameters, password)?;
    Ok(encrypted.to_pem(EncryptedPrivateKeyInfoRef::PEM_LABEL, LineEnding::LF).map_err(pkcs8::Error::from)?)
}

/// Opens a key file's text.
pub fn from_encrypted_pem(pem: &str, password: &[u8]) -> Result<SigningKey, KeyFileError> {
    if pem.len() > MAX_PEM_BYTES {
        return Err(KeyFileError::NotAKeyFile("it is longer than any key file".into()));
    }
    let (label, document) = SecretDocument::from_pem(pem).map_err(|e| KeyFileError::NotAKeyFile(e.to_string()))?;
    match label {
        EncryptedPrivateKeyInfoRef::PEM_LABEL => {}
        "PRIVATE KEY" | "OPENSSH PRIVATE KEY" => return Err(KeyFileError::NotEncrypted),
        other => return Err(KeyFileError::NotAKeyFile(format!("it holds a '{other}'"))),
    }
    let encrypted = EncryptedPrivateKeyInfoRef::try_from(document.as_bytes())?;
    if let Some(scrypt) = encrypted.encryption_algorithm.pbes2().and_then(|p| p.kdf.scrypt()) {
        let work = scrypt.cost_parameter.saturating_mul(u64::from(scrypt.block_size) * u64::from(scrypt.parallelization));
        if work > MAX_SCRYPT_WORK {
            return Err(KeyFileError::Parameters);
        }
    }
    // A wrong key of AES-CBC shows as wrong padding, or once in 256 times as bytes that are no private key.
    let plain = match encrypted.decrypt(password) {
        Ok(plain) => plain,
        Err(pkcs8::Error::EncryptedPrivateKey(pkcs8::pkcs5::Error::DecryptFailed) | pkcs8::Error::Asn1(_)) => {
            return Err(KeyFileError::WrongPassword);
        }
        Err(other) => return Err(other.into()),
    };
    let info = PrivateKeyInfoRef::try_from(plain.as_bytes()).map_err(|_| KeyFileError::WrongPassword)?;
    if info.algorithm.oid != ED25519 {
        return Err(KeyFileError::NotEd25519(info.algorithm.oid.to_string()));
    }
    let pair = KeypairBytes::try_from(info)?;
    let key = SigningKey::from_bytes(&pair.secret_key);
    // A file may also carry the public key (version 2); a wrong one would make openssl and us use different keys.
    match &pair.public_key {
        Some(public) if public.to_bytes() != key.verifying_key().to_bytes() => Err(KeyFileError::Mismatch),
        _ => Ok(key),
    }
}

/// The public half as `openssl pkey -pubout` writes it. Its middle line is what a trust policy names.
pub fn to_public_pem(key: &VerifyingKey) -> Result<String, KeyFileError> {
    Ok(key.to_public_key_pem(LineEnding::LF).map_err(pkcs8::Error::from)?)
}

/// Reads a public key's PEM text.
pub fn from_public_pem(pem: &str) -> Result<VerifyingKey, KeyFileError> {
    if pem.len() > MAX_PEM_BYTES {
        return Err(KeyFileError::NotAKeyFile("it is longer than any key file".into()));
    }
    VerifyingKey::from_public_key_pem(pem).map_err(|e| KeyFileError::NotAKeyFile(e.to_string()))
}

/// Why a key file could not be read or written. The service adds the file's name.
#[derive(Debug, thiserror::Error)]
pub enum KeyFileError {
    /// Nothing would protect the key.
    #[error("the password is empty; set SOHOA_KEY_PASSWORD or give --password-file")]
    EmptyPassword,
    /// The password does not open the file, or the file was damaged.
    #[error("wrong password, or the key file is damaged; check SOHOA_KEY_PASSWORD or --password-file")]
    WrongPassword,
    /// Anyone could read the key.
    #[error(
        "the private key is not encrypted; encrypt it with `openssl pkcs8 -topk8 -scrypt -in KEY -out NEW`, or make one with `sohoa keys new`"
    )]
    NotEncrypted,
    /// A key of another kind. The text is its algorithm's object identifier.
    #[error("the key is not an Ed25519 key (its algorithm is {0}); make one with `sohoa keys new`")]
    NotEd25519(String),
    /// The file's public key is not the private key's.
    #[error("the public key in the file does not belong to its private key; restore the key file from a copy")]
    Mismatch,
    /// The file asks for more memory or time than any honest one.
    #[error("the key file's scrypt parameters are out of range; encrypt it again with `openssl pkcs8 -topk8 -scrypt`")]
    Parameters,
    /// No key at all.
    #[error("not a key file in PEM form: {0}; `sohoa keys new` makes one")]
    NotAKeyFile(String),
    /// The file's structure is not PKCS#8, or an algorithm in it is not supported.
    #[error("the key file cannot be used: {0}; `openssl pkey -in KEY -text -noout` shows what it holds")]
    Pkcs8(#[from] pkcs8::Error),
}

impl From<pkcs8::pkcs5::Error> for KeyFileError {
    fn from(error: pkcs8::pkcs5::Error) -> Self {
        Self::Pkcs8(error.into())
    }
}
