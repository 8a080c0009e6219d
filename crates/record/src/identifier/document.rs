//! Number and notation of a document (số, ký hiệu): `15/QĐ-BNV`, `118/2025/NĐ-CP`, and `386/2026` of the civil-status books.
//!
//! The two are split at the first slash (a year that stands between them goes with the notation), so that joining them gives
//! back what is printed.

use super::doubt::{Malformed, as_text, is_digits};
use crate::text::nfc;
use serde::{Deserialize, Serialize};
use std::fmt;

/// The notation (ký hiệu): abbreviations of kind, issuer and unit joined by hyphens, perhaps behind a year (`QĐ-BNV`,
/// `2025/NĐ-CP`, `STTTT-CNTT&BCVT`), or a year alone. At most 30 letters (NĐ 30/2020/NĐ-CP Phụ lục VI, CodeNotation S30).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Notation(String);

impl Notation {
    /// The notation without spaces and without a slash before it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The year in it.
    pub fn year(&self) -> Option<i16> {
        let first = self.0.split('/').next().unwrap_or_default();
        is_year(first).then(|| first.parse().ok()).flatten()
    }
}

impl std::str::FromStr for Notation {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        let plain = plain(text);
        let notation = plain.strip_prefix('/').unwrap_or(&plain);
        let abbreviations = match notation.split_once('/') {
            Some((year, rest)) if is_year(year) => rest,
            Some(_) => "",
            None if is_year(notation) => return Ok(Self(notation.to_owned())),
            None => notation,
        };
        let well_formed = notation.chars().count() <= 30
            && abbreviations.split('-').enumerate().all(|(place, part)| is_abbreviation(part, place));
        match well_formed {
            true => Ok(Self(notation.to_owned())),
            false => Err(Malformed("a notation such as QĐ-UBND, 2025/NĐ-CP or, of a civil-status book, 2026")),
        }
    }
}

impl fmt::Display for Notation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Number and notation together.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct DocumentNumber {
    number: String,
    notation: Notation,
}

impl DocumentNumber {
    /// 1 to 6 digits, with the zeros they are printed with.
    pub fn number(&self) -> &str {
        &self.number
    }

    /// What stands behind the first slash.
    pub fn notation(&self) -> &Notation {
        &self.notation
    }

    /// An entry of a civil-status book: a number and a year, nothing else.
    pub fn is_civil_status(&self) -> bool {
        is_year(&self.notation.0)
    }
}

impl std::str::FromStr for DocumentNumber {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        const EXPECTED: Malformed = Malformed("number and notation, such as 15/QĐ-BNV, 118/2025/NĐ-CP or 386/2026,");
        let plain = plain(text);
        let (number, notation) = plain.split_once('/').ok_or(EXPECTED)?;
        if !(1..=6).contains(&number.len()) || !is_digits(number, number.len()) || notation.starts_with('/') {
            return Err(EXPECTED);
        }
        Ok(Self { number: number.to_owned(), notation: notation.parse().map_err(|_| EXPECTED)? })
    }
}

impl fmt::Display for DocumentNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.number, self.notation)
    }
}

as_text!(Notation, DocumentNumber);

/// NFC, spaces around joints gone, one hyphen for all dashes, Đ for its look-alikes in old data and OCR (eth and African D).
fn plain(text: &str) -> String {
    const JOINTS: [char; 3] = ['/', '-', '&'];
    let alike = |c: char| match c {
        '–' | '—' | '‐' | '‑' | '−' => '-',
        'Ð' | 'Ɖ' => 'Đ',
        c => c,
    };
    let text: String = nfc(text.trim()).chars().map(alike).collect();
    let mut plain = String::with_capacity(text.len());
    let mut spaces = 0;
    for c in text.chars() {
        if c.is_whitespace() {
            spaces += 1;
            continue;
        }
        // a space that stands between two words is no mistake of the engine: it stays and is refused
        if spaces > 0 && !JOINTS.contains(&c) && !plain.ends_with(JOINTS) {
            plain.push(' ');
        }
        spaces = 0;
        plain.push(c);
    }
    plain
}

fn is_year(text: &str) -> bool {
    is_digits(text, 4) && (text.starts_with("19") || text.starts_with("20"))
}

/// Capitals, some with small letters in them (TTr, QyĐ, CTr, TrS, TTg), digits (BCĐ138, QH15) and `&`.
fn is_abbreviation(part: &str, place: usize) -> bool {
    let capital = |c: char| c.is_ascii_uppercase() || matches!(c, 'Đ' | 'Ư' | 'Ô' | 'Â' | 'Ă' | 'Ê' | 'Ơ');
    let inside = |c: char| c.is_ascii_alphanumeric() || matches!(c, 'Đ' | 'đ' | 'Ư' | 'Ô' | 'Â' | '&' | '.');
    let mut letters = part.chars();
    letters.next().is_some_and(|c| capital(c) || (place > 0 && c.is_ascii_digit())) && letters.all(inside)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn split(text: &str) -> (String, String) {
        let number: DocumentNumber = text.parse().unwrap();
        (number.number().to_owned(), number.notation().to_string())
    }

    #[test]
    fn numbers_of_the_field_are_read() {
        for (text, number, notation) in [
            ("15/QĐ-BNV", "15", "QĐ-BNV"),
            ("12/UBND-VX", "12", "UBND-VX"),
            ("118/2025/NĐ-CP", "118", "2025/NĐ-CP"),
            ("128/2025/QĐ-UBND", "128", "2025/QĐ-UBND"),
            ("386/2026", "386", "2026"),
            ("3000/2026/TLKT-BS", "3000", "2026/TLKT-BS"),
            ("45/GPXD", "45", "GPXD"),
            ("686 /STTT-CNTT&BCVT", "686", "STTT-CNTT&BCVT"),
            ("07/QyĐ-TU", "07", "QyĐ-TU"),
            ("01 / QÐ – UBND", "01", "QĐ-UBND"),
        ] {
            assert_eq!(split(text), (number.to_owned(), notation.to_owned()), "{text}");
        }
        assert!("386/2026".parse::<DocumentNumber>().unwrap().is_civil_status());
        assert!(!"118/2025/NĐ-CP".parse::<DocumentNumber>().unwrap().is_civil_status());
    }

    #[test]
    fn notations_may_have_small_letters_digits_and_ampersands() {
        for text in
            ["QyĐ-BCA", "CTr-UBND", "TTr-UBND", "TrS-VP", "QĐ-TTg", "QĐ-BCĐ138", "2025/QH15", "STTTT-CNTT & BCVT", "/QĐ-UBND"]
        {
            assert!(text.parse::<Notation>().is_ok(), "{text}");
        }
        for text in ["", "/", "-UBND", "qđ-ubnd", "QĐ--UBND", "QĐ UBND", "9.", "138", "1825", "2025/", "QĐ/UBND", "QĐ-UBND-"]
        {
            assert!(text.parse::<Notation>().is_err(), "{text}");
        }
        assert!(format!("QĐ-{}", "A".repeat(28)).parse::<Notation>().is_err());
        assert_eq!("2025/NĐ-CP".parse::<Notation>().unwrap().year(), Some(2025));
    }

    #[test]
    fn what_is_no_number_is_told_what_one_looks_like() {
        for text in ["", "15", "/QĐ-BNV", "15//QĐ-BNV", "1234567/QĐ-BNV", "Số 15/QĐ-BNV", "15/qđ", "Mar-26"] {
            let error = text.parse::<DocumentNumber>().unwrap_err().to_string();
            assert!(error.contains("15/QĐ-BNV"), "{text}: {error}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_safe_to_parse(text in "\\PC{0,40}") {
            if let Ok(number) = text.parse::<DocumentNumber>() {
                prop_assert_eq!(number.to_string().parse::<DocumentNumber>().unwrap(), number);
            }
            let _ = text.parse::<Notation>();
        }

        #[test]
        fn what_is_shown_parses_to_the_same(
            text in "[0-9]{1,6} ?/ ?((19|20)[0-9]{2}|((19|20)[0-9]{2}/)?[A-ZĐ][A-Za-zĐ0-9&.]{0,7}( ?[-–] ?[A-ZĐ0-9][A-Za-zĐ0-9&.]{0,7})?)",
        ) {
            let number = text.parse::<DocumentNumber>().unwrap();
            prop_assert_eq!(number.to_string().parse::<DocumentNumber>().unwrap(), number.clone());
            prop_assert!(!number.to_string().contains(' '));
            let json = serde_json::to_string(&number).unwrap();
            prop_assert_eq!(serde_json::from_str::<DocumentNumber>(&json).unwrap(), number);
        }
    }
}
