//! Passwords of people: what may be one, and its Argon2id hash. Length is the only rule (NIST SP 800-63B, 5.1.1): composition rules make
//! passwords that people write down. They are compared in NFC, so that it does not matter how a keyboard composes "ế".

use crate::keyring::{self, KeyringError};
use argon2::{Algorithm, Argon2, Params, PasswordHasher as _, PasswordVerifier as _, Version};
use data_encoding::BASE32_NOPAD;
use serde::{Deserialize, Serialize};
use sohoa_record::text::nfc;
use zeroize::Zeroizing;

/// A password has at least so many characters (code points in NFC).
pub const LEAST_CHARACTERS: usize = 12;
/// And at most so many bytes: more is no password, and hashing it would be work for nothing.
pub const MOST_BYTES: usize = 1024;

/// RFC 9106, 4, the second recommended option: Argon2id with t = 3 passes, p = 4 lanes, m = 64 MiB.
const MEMORY_KIB: u32 = 64 * 1024;
const PASSES: u32 = 3;
const LANES: u32 = 4;

/// What a hash in the file may ask of this machine: a mistyped number must not take its memory.
const MOST_MEMORY_KIB: u32 = 256 * 1024;
const MOST_PASSES: u32 = 16;

/// Why a text cannot be a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PasswordError {
    /// Too short.
    #[error("a password has at least {LEAST_CHARACTERS} characters; a sentence is easy to remember")]
    Short,
    /// Too long.
    #[error("a password has at most {MOST_BYTES} bytes; write a shorter one")]
    Long,
}

/// A text that may become a password: long enough, in NFC.
pub struct NewPassword(Zeroizing<String>);

impl NewPassword {
    /// Takes what a person chose. Spaces count, also those at the ends.
    pub fn parse(text: &str) -> Result<NewPassword, PasswordError> {
        let text = normal(text);
        match (text.chars().count(), text.len()) {
            (_, bytes) if bytes > MOST_BYTES => Err(PasswordError::Long),
            (characters, _) if characters < LEAST_CHARACTERS => Err(PasswordError::Short),
            _ => Ok(NewPassword(text)),
        }
    }

    /// Draws one of 80 random bits, as `k7wm-3fpx-6rtd-hq2n`: neither 0 nor 1 is in it, which are taken for letters.
    pub fn generate() -> Result<NewPassword, KeyringError> {
        let letters = Zeroizing::new(BASE32_NOPAD.encode(&*keyring::random::<10>()?).to_lowercase());
        let groups: Vec<&str> = (0..4).map(|n| &letters[4 * n..4 * n + 4]).collect();
        Ok(NewPassword(Zeroizing::new(groups.join("-"))))
    }

    /// The password, to be shown once.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

/// An Argon2id hash in PHC form: `$argon2id$v=19$m=65536,t=3,p=4$<salt>$<hash>`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PasswordHash(String);

impl PasswordHash {
    /// Hashes a password with a salt of 128 random bits. Takes 64 MiB and about a tenth of a second.
    pub fn of(password: &NewPassword) -> Result<PasswordHash, KeyringError> {
        let salt = keyring::random::<16>()?;
        let params = Params::new(MEMORY_KIB, PASSES, LANES, None).expect("the numbers of RFC 9106 are in bounds");
        let hasher = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let hash = hasher.hash_password_with_salt(password.0.as_bytes(), &*salt);
        Ok(PasswordHash(hash.expect("password and salt have lengths that Argon2 takes").to_string()))
    }

    /// The hash of a password that nobody has: who asks for an unknown login waits as long as who types a wrong password.
    pub fn of_nobody() -> Result<PasswordHash, KeyringError> {
        PasswordHash::of(&NewPassword::generate()?)
    }

    /// True when that is the password. The comparison takes the same time whatever differs.
    pub fn verify(&self, password: &str) -> bool {
        let Ok(hash) = argon2::PasswordHash::new(&self.0) else { return false };
        // The hash names its own numbers; those of the hasher are not used.
        Argon2::default().verify_password(normal(password).as_bytes(), &hash).is_ok()
    }
}

impl std::fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PasswordHash(…)")
    }
}

impl TryFrom<String> for PasswordHash {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let hash = argon2::PasswordHash::new(&text).map_err(|_| "not a hash in PHC form")?;
        let params = Params::try_from(&hash).map_err(|_| "numbers that Argon2 does not take")?;
        let is_argon2id = hash.algorithm.as_str() == "argon2id" && hash.version == Some(19);
        match is_argon2id && hash.salt.is_some() && hash.hash.is_some() {
            false => Err("not a whole Argon2id hash"),
            true if params.m_cost() > MOST_MEMORY_KIB || params.t_cost() > MOST_PASSES => Err("a hash that takes too much"),
            true => Ok(PasswordHash(text)),
        }
    }
}

impl From<PasswordHash> for String {
    fn from(hash: PasswordHash) -> String {
        hash.0
    }
}

fn normal(text: &str) -> Zeroizing<String> {
    Zeroizing::new(nfc(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_known_again_however_the_keyboard_composes_it() {
        let composed = "mật khẩu của Lan";
        let decomposed = "mật khẩu của Lan";
        assert_ne!(composed, decomposed);
        let hash = PasswordHash::of(&NewPassword::parse(decomposed).unwrap()).unwrap();
        assert!(hash.verify(composed) && hash.verify(decomposed));
        assert!(!hash.verify("mat khau cua Lan") && !hash.verify(&format!("{composed} ")) && !hash.verify(""));
        let text = String::from(hash.clone());
        assert!(text.starts_with("$argon2id$v=19$m=65536,t=3,p=4$"), "{text}");
        assert!(!format!("{hash:?}").contains("argon2id"), "hashes do not get into logs");
    }

    #[test]
    fn length_is_the_only_rule() {
        for good in ["aaaaaaaaaaaa", "            ", "một hai ba b", "日本語日本語日本語日本語"] {
            assert!(NewPassword::parse(good).is_ok(), "{good}");
        }
        assert_eq!(NewPassword::parse("aaaaaaaaaaa").err(), Some(PasswordError::Short));
        // eleven letters, of which one is typed as two code points
        assert_eq!(NewPassword::parse("e\u{302}\u{301}123456789a").err(), Some(PasswordError::Short));
        assert_eq!(NewPassword::parse(&"a".repeat(1025)).err(), Some(PasswordError::Long));
        assert!(NewPassword::parse(&"a".repeat(1024)).is_ok());
    }

    #[test]
    fn generated_passwords_are_long_and_differ() {
        let (one, two) = (NewPassword::generate().unwrap(), NewPassword::generate().unwrap());
        assert_ne!(one.reveal(), two.reveal());
        assert_eq!(one.reveal().len(), 19);
        assert!(one.reveal().bytes().all(|b| matches!(b, b'a'..=b'z' | b'2'..=b'7' | b'-')));
        assert!(NewPassword::parse(one.reveal()).is_ok());
    }

    /// `printf 'mật khẩu của Lan' | argon2 muoi-cua-lan-16 -id -v 13 -m 16 -t 3 -p 4 -l 32 -e`: Debian's reference implementation.
    #[test]
    fn a_hash_of_the_reference_implementation_is_known() {
        let reference = "$argon2id$v=19$m=65536,t=3,p=4$bXVvaS1jdWEtbGFuLTE2$5NgmRYGnVskthipuGAVNrAe3xNAragFxmyXCHZRNzqY";
        let hash = PasswordHash::try_from(reference.to_owned()).unwrap();
        assert!(hash.verify("mật khẩu của Lan") && !hash.verify("mật khẩu của lan"));
    }

    #[test]
    fn hashes_that_are_none_or_take_the_machine_are_refused() {
        let good = String::from(PasswordHash::of(&NewPassword::parse("aaaaaaaaaaaa").unwrap()).unwrap());
        for bad in [
            "",
            "aaaaaaaaaaaa",
            &good.replace("argon2id", "argon2i"),
            &good.replace("v=19", "v=16"),
            &good.replace("m=65536", "m=4294967295"),
            &good.replace("m=65536", "m=262145"),
            &good.replace("t=3", "t=4000000000"),
            good.rsplit_once('$').unwrap().0,
        ] {
            assert!(PasswordHash::try_from(bad.to_owned()).is_err(), "{bad}");
        }
    }
}
