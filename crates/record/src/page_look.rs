//! What a page looks like, in 256 bits: scans of one sheet differ in few of them, whatever their resolution, encoding or skew.

use serde::{Deserialize, Serialize};
use std::fmt;

/// A perceptual hash of a page: in JSON 64 lower-case hexadecimal digits. It tells that two pages may be one sheet, never that
/// they are: forms that were filled in differently look nearly alike.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PageLook([u8; 32]);

impl PageLook {
    /// From its bits, the coarsest features of the page first.
    pub fn new(bits: [u8; 32]) -> Self {
        Self(bits)
    }

    /// In how many bits of the 256 two pages differ; unlike pages differ in about half of them.
    pub fn distance(&self, other: &Self) -> u32 {
        self.0.iter().zip(other.0).map(|(a, b)| (a ^ b).count_ones()).sum()
    }

    /// The sixteen pieces by which an index finds look-alikes: two pages of a small distance have at least one in common.
    pub fn pieces(&self) -> impl Iterator<Item = u16> + '_ {
        self.0.chunks_exact(2).map(|two| u16::from_be_bytes([two[0], two[1]]))
    }
}

impl TryFrom<String> for PageLook {
    type Error = MalformedLook;

    fn try_from(text: String) -> Result<Self, MalformedLook> {
        let mut bits = [0; 32];
        let lower = text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        match hex::decode_to_slice(&text, &mut bits) {
            Ok(()) if lower => Ok(Self(bits)),
            _ => Err(MalformedLook(text)),
        }
    }
}

impl std::str::FromStr for PageLook {
    type Err = MalformedLook;

    fn from_str(text: &str) -> Result<Self, MalformedLook> {
        Self::try_from(text.to_owned())
    }
}

impl From<PageLook> for String {
    fn from(look: PageLook) -> String {
        hex::encode(look.0)
    }
}

impl fmt::Display for PageLook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for PageLook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A text that is no page look.
#[derive(Debug, thiserror::Error)]
#[error("'{0}' is no page look; 64 lower-case hexadecimal digits were expected")]
pub struct MalformedLook(String);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_come_back_and_others_are_refused() {
        let text = "0123456789abcdef".repeat(4);
        let look: PageLook = text.parse().unwrap();
        assert_eq!((look.to_string(), serde_json::to_string(&look).unwrap()), (text.clone(), format!("\"{text}\"")));
        assert_eq!(look.pieces().take(2).collect::<Vec<_>>(), [0x0123, 0x4567]);
        for bad in [text.to_uppercase(), text[1..].to_owned(), String::new(), "x".repeat(64)] {
            assert!(bad.parse::<PageLook>().is_err(), "{bad}");
        }
    }

    #[test]
    fn the_distance_counts_bits() {
        let (none, mut bits) = (PageLook::new([0; 32]), [0; 32]);
        (bits[0], bits[31]) = (0b101, 1);
        assert_eq!((none.distance(&none), none.distance(&PageLook::new(bits))), (0, 3));
    }
}
