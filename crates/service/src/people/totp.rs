//! One-time codes of an authenticator app (TOTP, RFC 6238): HMAC-SHA-1, six digits, steps of 30 seconds, which is what every app knows.
//! A code is taken one step early or late, and never twice.

use crate::keyring::{self, KeyringError};
use data_encoding::BASE32_NOPAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde::{Deserialize, Serialize};
use sha1::Sha1;
use subtle::{ConditionallySelectable as _, ConstantTimeEq as _};
use zeroize::Zeroizing;

/// Seconds of one step.
const STEP: u64 = 30;
/// Steps that a clock may be wrong, each way (RFC 6238, 5.2).
const DRIFT: u64 = 1;

/// What a person's app and we both know.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Secret(Zeroizing<Vec<u8>>);

impl Secret {
    /// Draws 160 bits, the length of the hash (RFC 4226, 4).
    pub fn generate() -> Result<Secret, KeyringError> {
        Ok(Secret(Zeroizing::new(keyring::random::<20>()?.to_vec())))
    }

    /// The secret as an app takes it by hand: base32.
    pub fn base32(&self) -> String {
        BASE32_NOPAD.encode(&self.0)
    }

    /// The secret as an app takes it from a QR code: a key URI.
    pub fn uri(&self, login: &str) -> String {
        // A login has letters, digits, '-', '_' and '.': nothing to escape.
        format!("otpauth://totp/sohoa:{login}?secret={}&issuer=sohoa&algorithm=SHA1&digits=6&period={STEP}", self.base32())
    }

    /// The step whose code that is, of those around `now` (seconds since 1970) that come after `last`. Digits may be grouped by spaces.
    ///
    /// A `last` that lies ahead of the clock was set by a clock that has been put back since: it no longer says what was used.
    pub fn step_of(&self, code: &str, now: u64, last: u64) -> Option<u64> {
        let code = Zeroizing::new(code.chars().filter(|c| !c.is_whitespace()).take(7).collect::<String>());
        let this = now / STEP;
        let last = if last > this + DRIFT { 0 } else { last };
        let mut found = 0;
        for step in this.saturating_sub(DRIFT)..=this + DRIFT {
            // All are looked at, so that the time does not tell which one it was.
            found.conditional_assign(&step, self.code(step).as_bytes().ct_eq(code.as_bytes()));
        }
        (found > last).then_some(found)
    }

    /// RFC 4226, 5.3, of a step.
    fn code(&self, step: u64) -> String {
        let mut mac = Hmac::<Sha1>::new_from_slice(&self.0).expect("HMAC takes keys of any length");
        mac.update(&step.to_be_bytes());
        let hash = mac.finalize().into_bytes();
        let at = usize::from(hash[19] & 0x0f);
        let number = u32::from_be_bytes([hash[at] & 0x7f, hash[at + 1], hash[at + 2], hash[at + 3]]);
        format!("{:06}", number % 1_000_000)
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl TryFrom<String> for Secret {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let bytes = BASE32_NOPAD.decode(text.as_bytes()).map_err(|_| "not base32")?;
        // RFC 4226, 4: at least 128 bits.
        if bytes.len() < 16 { Err("a secret has at least 16 bytes") } else { Ok(Secret(Zeroizing::new(bytes))) }
    }
}

impl From<Secret> for String {
    fn from(secret: Secret) -> String {
        secret.base32()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    fn of_rfc() -> Secret {
        Secret(Zeroizing::new(b"12345678901234567890".to_vec()))
    }

    /// RFC 6238, appendix B: its last six of eight digits, with SHA-1.
    const VECTORS: [(u64, &str); 6] = [
        (59, "287082"),
        (1_111_111_109, "081804"),
        (1_111_111_111, "050471"),
        (1_234_567_890, "005924"),
        (2_000_000_000, "279037"),
        (20_000_000_000, "353130"),
    ];

    #[test]
    fn codes_are_those_of_the_rfc() {
        for (now, code) in VECTORS {
            assert_eq!(of_rfc().code(now / STEP), code, "{now}");
            assert_eq!(of_rfc().step_of(code, now, 0), Some(now / STEP), "{now}");
        }
    }

    #[test]
    fn codes_are_those_of_oathtool() {
        for n in 0..20_u64 {
            let (secret, now) = (Secret::generate().unwrap(), 1_764_000_000 + n * 9_999_991);
            let told = Command::new("oathtool")
                .args(["--totp", "--base32", &secret.base32(), "--now", &format!("@{now}")])
                .output()
                .expect("oathtool is not installed; ./bootstrap test does it");
            assert_eq!(String::from_utf8(told.stdout).unwrap().trim(), secret.code(now / STEP), "{now}");
        }
    }

    #[test]
    fn a_code_is_taken_one_step_early_or_late_and_never_twice() {
        let (secret, now) = (of_rfc(), 1_764_000_000);
        let (this, code) = (now / STEP, of_rfc().code(now / STEP));
        for (at, taken) in [(now - 60, false), (now - 30, true), (now, true), (now + 30, true), (now + 60, false)] {
            assert_eq!(secret.step_of(&code, at, 0).is_some(), taken, "{at}");
        }
        assert_eq!(secret.step_of(&code, now, this), None, "used");
        assert_eq!(secret.step_of(&code, now + 30, this), None, "used, one step later");
        assert_eq!(secret.step_of(&code, now, this + 1), None, "older than one that was used");
        assert_eq!(secret.step_of(&secret.code(this + 1), now, this), Some(this + 1));
        // the clock was an hour ahead when the last code was used
        assert_eq!(secret.step_of(&code, now, this + 120), Some(this));
    }

    #[test]
    fn what_is_no_code_is_none() {
        let (secret, now) = (of_rfc(), 59);
        assert_eq!(secret.step_of("287 082", now, 0), Some(1));
        for bad in ["", "28708", "2870820", "287082 0", "28708२", "٢٨٧٠٨٢", "-87082", &"2".repeat(1_000_000)] {
            assert_eq!(secret.step_of(bad, now, 0), None, "{bad:.20}");
        }
        assert!(!format!("{secret:?}").contains("GEZD"), "secrets do not get into logs");
    }

    #[test]
    fn secrets_come_back_and_short_ones_are_refused() {
        let secret = Secret::generate().unwrap();
        assert_eq!(Secret::try_from(String::from(secret.clone())).unwrap(), secret);
        assert_eq!((secret.base32().len(), secret.uri("lan").matches(&secret.base32()).count()), (32, 1));
        for bad in ["", "GEZDGNBVGY3TQOJQ", "not base32 at all, not at all", "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJ1"] {
            assert!(Secret::try_from(bad.to_owned()).is_err(), "{bad}");
        }
    }
}
