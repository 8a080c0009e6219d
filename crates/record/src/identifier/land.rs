//! The two numbers of a land certificate (GCN quyền sử dụng đất), which look alike and are never exchanged: the serial of the
//! printed form (số phát hành), and its number in the office's book (số vào sổ).

use super::doubt::{Doubt, Malformed, as_text, unspaced};
use crate::text::nfc;
use serde::{Deserialize, Serialize};
use std::fmt;

/// The serial (số phát hành, số seri): two letters and six digits, or eight on the A4 form: `BN 531146`, `AA 09273289`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct LandSerial {
    letters: String,
    digits: String,
}

/// The number in the book of certificates (số vào sổ cấp GCN): letters and digits: `CH 00120`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct LandBookNumber {
    letters: String,
    digits: String,
}

/// Letters that book numbers were seen with; the list is not complete.
const BOOKS: [&str; 4] = ["CH", "CS", "BC", "VP"];

impl LandSerial {
    /// What is odd about it. The letters of books are letters of serials too, so only the place on the certificate tells.
    pub fn doubts(&self) -> Vec<Doubt> {
        let mut doubts = Vec::new();
        if BOOKS.contains(&self.letters.as_str()) {
            doubts.push(Doubt::SerialOrBookNumber);
        }
        if self.letters.contains('Đ') {
            doubts.push(Doubt::UnusualLetter);
        }
        doubts
    }
}

impl LandBookNumber {
    /// What is odd about it.
    pub fn doubts(&self) -> Vec<Doubt> {
        let mut doubts = Vec::new();
        if matches!(self.digits.len(), 6 | 8) {
            doubts.push(Doubt::SerialOrBookNumber);
        }
        if !BOOKS.contains(&self.letters.as_str()) {
            doubts.push(Doubt::UnknownPrefix);
        }
        doubts
    }
}

impl std::str::FromStr for LandSerial {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        match letters_and_digits(text) {
            Some((letters, digits)) if matches!(digits.len(), 6 | 8) => Ok(Self { letters, digits }),
            _ => Err(Malformed("a serial of two letters and 6 or 8 digits, such as BN 531146,")),
        }
    }
}

impl std::str::FromStr for LandBookNumber {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        match letters_and_digits(text) {
            Some((letters, digits)) if (1..=8).contains(&digits.len()) => Ok(Self { letters, digits }),
            _ => Err(Malformed("a number in the book of certificates, such as CH 00120,")),
        }
    }
}

impl fmt::Display for LandSerial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.letters, self.digits)
    }
}

impl fmt::Display for LandBookNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.letters, self.digits)
    }
}

as_text!(LandSerial, LandBookNumber);

/// Two capitals, then ASCII digits, however they are spaced.
fn letters_and_digits(text: &str) -> Option<(String, String)> {
    let text = unspaced(&nfc(text));
    let at = text.find(|c: char| c.is_ascii_digit())?;
    let (letters, digits) = text.split_at(at);
    let two = letters.chars().count() == 2 && letters.chars().all(|c| c.is_ascii_uppercase() || c == 'Đ');
    (two && digits.bytes().all(|b| b.is_ascii_digit())).then(|| (letters.to_owned(), digits.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn serials_of_both_forms_are_read() {
        for text in ["BN 531146", "AA 09273289", "BN531146"] {
            assert_eq!(text.parse::<LandSerial>().unwrap().doubts(), [], "{text}");
        }
        assert_eq!("BN531146".parse::<LandSerial>().unwrap().to_string(), "BN 531146");
        assert_eq!("ĐA 123456".parse::<LandSerial>().unwrap().doubts(), [Doubt::UnusualLetter]);
        for wrong in ["", "BN 53114", "B 531146", "BNN 531146", "531146", "bn 531146", "BN 531146a", "BN"] {
            assert!(wrong.parse::<LandSerial>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_book_number_is_never_taken_for_a_serial_in_silence() {
        assert_eq!("CH 00120".parse::<LandBookNumber>().unwrap().doubts(), []);
        assert!("CH 00120".parse::<LandSerial>().is_err(), "five digits are no serial");
        assert_eq!("CH 001201".parse::<LandSerial>().unwrap().doubts(), [Doubt::SerialOrBookNumber]);
        assert_eq!("CH 001201".parse::<LandBookNumber>().unwrap().doubts(), [Doubt::SerialOrBookNumber]);
        let swapped = "BN 531146".parse::<LandBookNumber>().unwrap();
        assert_eq!(swapped.doubts(), [Doubt::SerialOrBookNumber, Doubt::UnknownPrefix]);
    }

    proptest! {
        #[test]
        fn any_text_is_safe_to_parse(text in "\\PC{0,20}") {
            let _ = (text.parse::<LandSerial>(), text.parse::<LandBookNumber>());
        }

        #[test]
        fn what_is_shown_parses_to_the_same(text in "[A-ZĐ]{2} ?([0-9]{6}|[0-9]{8})") {
            let serial = text.parse::<LandSerial>().unwrap();
            prop_assert_eq!(serial.to_string().parse::<LandSerial>().unwrap(), serial);
            let book = text.parse::<LandBookNumber>().unwrap();
            prop_assert_eq!(book.to_string().parse::<LandBookNumber>().unwrap(), book);
        }
    }
}
