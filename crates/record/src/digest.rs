//! Digests of stored bytes. Every object carries SHA-256 *and* SHA-512 (FIPS 180-4), so that an archive outlives the weaker
//! of the two without being read again.

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256, Sha512};
use std::fmt;

/// A SHA-256 digest as people compare it: 64 lower-case hexadecimal digits. It is the name of an object.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Sha256Hex(String);

impl Sha256Hex {
    /// The digest of `bytes`.
    pub fn of(bytes: &[u8]) -> Self {
        Self(hex::encode(Sha256::digest(bytes)))
    }

    /// The 64 digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Sha256Hex {
    type Error = MalformedDigest;

    fn try_from(text: String) -> Result<Self, MalformedDigest> {
        let well_formed = text.len() == 64 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        if well_formed { Ok(Self(text)) } else { Err(MalformedDigest(text)) }
    }
}

impl std::str::FromStr for Sha256Hex {
    type Err = MalformedDigest;

    fn from_str(text: &str) -> Result<Self, MalformedDigest> {
        Self::try_from(text.to_owned())
    }
}

impl From<Sha256Hex> for String {
    fn from(digest: Sha256Hex) -> String {
        digest.0
    }
}

impl fmt::Display for Sha256Hex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Sha256Hex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A text that should be a SHA-256 digest and is not.
#[derive(Debug, thiserror::Error)]
#[error("'{0}' is not a SHA-256 digest; 64 lower-case hexadecimal digits were expected")]
pub struct MalformedDigest(String);

/// Both digests and the size of one run of bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Digests {
    /// How many bytes there are.
    pub size: u64,
    /// SHA-256, and the object's name in the store.
    pub sha256: Sha256Hex,
    /// SHA-512 as 128 lower-case hexadecimal digits.
    pub sha512: String,
}

impl Digests {
    /// Size and digests of `bytes`.
    pub fn of(bytes: &[u8]) -> Self {
        let mut hasher = Hasher::new();
        hasher.update(bytes);
        hasher.finish()
    }
}

/// Size and digests of bytes that come in pieces.
#[derive(Default)]
pub struct Hasher {
    size: u64,
    sha256: Sha256,
    sha512: Sha512,
}

impl Hasher {
    /// A hasher that has seen nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next piece.
    pub fn update(&mut self, piece: &[u8]) {
        self.size += piece.len() as u64;
        self.sha256.update(piece);
        self.sha512.update(piece);
    }

    /// Size and digests of all pieces together.
    pub fn finish(self) -> Digests {
        Digests {
            size: self.size,
            sha256: Sha256Hex(hex::encode(self.sha256.finalize())),
            sha512: hex::encode(self.sha512.finalize()),
        }
    }
}

/// The name of bytes that come in pieces, where their SHA-512 is not asked for.
#[derive(Default)]
pub struct NameHasher(Sha256);

impl NameHasher {
    /// A hasher that has seen nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next piece.
    pub fn update(&mut self, piece: &[u8]) {
        self.0.update(piece);
    }

    /// The name of all pieces together.
    pub fn finish(self) -> Sha256Hex {
        Sha256Hex(hex::encode(self.0.finalize()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_agree_with_the_published_vectors_for_abc() {
        // FIPS 180-4 examples, "abc"
        let digests = Digests::of(b"abc");
        assert_eq!(digests.size, 3);
        assert_eq!(digests.sha256.as_str(), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert!(digests.sha512.starts_with("ddaf35a193617abacc417349ae204131"));
        let mut name = NameHasher::new();
        b"abc".chunks(2).for_each(|piece| name.update(piece));
        assert_eq!(name.finish(), digests.sha256);
    }

    #[test]
    fn upper_case_or_short_text_is_no_digest() {
        assert!("BA78".parse::<Sha256Hex>().is_err());
        assert!("A".repeat(64).parse::<Sha256Hex>().is_err());
        assert!("a".repeat(64).parse::<Sha256Hex>().is_ok());
    }
}
