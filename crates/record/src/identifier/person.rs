//! Numbers of persons: số định danh cá nhân (the number of the CCCD) and the older số CMND.

use super::doubt::{Doubt, Malformed, Read, as_text, is_digits, unspaced};
use crate::text::fold;
use serde::{Deserialize, Serialize};
use std::fmt;

/// The personal number (số định danh cá nhân, số CCCD): 12 digits, `PPP G YY RRRRRR` (NĐ 137/2015/NĐ-CP art. 13). It has no
/// check digit; what it says of sex and birth can be compared with the paper.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PersonalNumber(String);

/// Where a birth was registered, as the first three digits say. The codes are historic: they keep the 63 provinces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Birthplace {
    /// A province, 1 to 96.
    Province(u16),
    /// Anything else, for which the circular has codes of countries.
    Elsewhere(u16),
}

/// Giới tính, as papers and personal numbers have it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sex {
    /// Nam.
    Male,
    /// Nữ.
    Female,
}

impl PersonalNumber {
    /// The 12 digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Where the birth was registered.
    pub fn birthplace(&self) -> Birthplace {
        match self.number(0, 3) {
            code @ 1..=96 => Birthplace::Province(code),
            code => Birthplace::Elsewhere(code),
        }
    }

    /// The sex: an even fourth digit is a man's.
    pub fn sex(&self) -> Sex {
        if self.number(3, 4).is_multiple_of(2) { Sex::Male } else { Sex::Female }
    }

    /// The year of birth; the fourth digit counts the centuries from 1900.
    pub fn birth_year(&self) -> i16 {
        (1900 + 100 * (self.number(3, 4) / 2) + self.number(4, 6)).cast_signed()
    }

    /// What is odd about the number alone.
    pub fn doubts(&self) -> Vec<Doubt> {
        let mut doubts = Vec::new();
        if matches!(self.birthplace(), Birthplace::Elsewhere(_)) {
            doubts.push(Doubt::NoProvince);
        }
        if self.birth_year() > 2099 {
            doubts.push(Doubt::CenturyToCome);
        }
        doubts
    }

    /// What is odd about the number beside what the paper says of its owner. Real exceptions exist.
    pub fn doubts_against(&self, sex: Option<Sex>, birth_year: Option<i16>) -> Vec<Doubt> {
        let mut doubts = self.doubts();
        if sex.is_some_and(|sex| sex != self.sex()) {
            doubts.push(Doubt::OtherSex);
        }
        if birth_year.is_some_and(|year| year != self.birth_year()) {
            doubts.push(Doubt::OtherBirthYear);
        }
        doubts
    }

    /// Reads a number that a spreadsheet may have cut: `35199000123` is `035199000123` with a doubt. Ten digits are taken too
    /// (provinces 001 to 009) and can be a tax code as well, so the caller must know that a person is meant.
    pub fn read(text: &str) -> Result<Read<Self>, Malformed> {
        read_padded(text, 10, 12)
    }

    fn number(&self, from: usize, to: usize) -> u16 {
        self.0[from..to].bytes().fold(0, |number, digit| 10 * number + u16::from(digit - b'0'))
    }
}

impl std::str::FromStr for PersonalNumber {
    type Err = Malformed;

    /// Twelve digits, however OCR spaced them: `0011 6902 0213`.
    fn from_str(text: &str) -> Result<Self, Malformed> {
        let digits = unspaced(text);
        match is_digits(&digits, 12) {
            true => Ok(Self(digits)),
            false => Err(Malformed("a personal number of 12 digits, such as 001169020213,")),
        }
    }
}

impl fmt::Display for PersonalNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::str::FromStr for Sex {
    type Err = Malformed;

    /// `Nam` or `Nữ`, with or without its marks.
    fn from_str(text: &str) -> Result<Self, Malformed> {
        match fold(text).as_str() {
            "nam" => Ok(Sex::Male),
            "nu" => Ok(Sex::Female),
            _ => Err(Malformed("'Nam' or 'Nữ'")),
        }
    }
}

/// The number of an identity card (CMND): 9 digits, or the 12 of its last form, which are a personal number.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct OldIdNumber(String);

impl OldIdNumber {
    /// The 9 or 12 digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The personal number that a card of 12 digits has; it is the key, and 9 digits are an alias.
    pub fn personal_number(&self) -> Option<PersonalNumber> {
        self.0.parse().ok()
    }

    /// What is odd about it.
    pub fn doubts(&self) -> Vec<Doubt> {
        self.personal_number().map(|number| number.doubts()).unwrap_or_default()
    }

    /// Reads a number that a spreadsheet may have cut: 8 digits have lost their zero.
    pub fn read(text: &str) -> Result<Read<Self>, Malformed> {
        match unspaced(text).len() {
            ..=9 => read_padded(text, 8, 9),
            _ => read_padded(text, 11, 12),
        }
    }
}

impl std::str::FromStr for OldIdNumber {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        let digits = unspaced(text);
        match is_digits(&digits, 9) || is_digits(&digits, 12) {
            true => Ok(Self(digits)),
            false => Err(Malformed("an identity card's number of 9 digits, such as 031234567, or of 12,")),
        }
    }
}

impl fmt::Display for OldIdNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

as_text!(PersonalNumber, OldIdNumber);

/// Parses, and where a spreadsheet left `least` digits or more of `whole`, puts the zeros back and says so.
pub(super) fn read_padded<T>(text: &str, least: usize, whole: usize) -> Result<Read<T>, Malformed>
where
    T: std::str::FromStr<Err = Malformed> + HasDoubts,
{
    let digits = unspaced(text);
    let lost = (least..whole).contains(&digits.len()) && is_digits(&digits, digits.len());
    let value: T = if lost { format!("{digits:0>whole$}").parse()? } else { text.parse()? };
    let mut doubts = value.own_doubts();
    if lost {
        doubts.insert(0, Doubt::LostZero);
    }
    Ok(Read { value, doubts })
}

/// What [`read_padded`] needs of a type.
pub(super) trait HasDoubts {
    fn own_doubts(&self) -> Vec<Doubt>;
}

impl HasDoubts for PersonalNumber {
    fn own_doubts(&self) -> Vec<Doubt> {
        self.doubts()
    }
}

impl HasDoubts for OldIdNumber {
    fn own_doubts(&self) -> Vec<Doubt> {
        self.doubts()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn number(text: &str) -> PersonalNumber {
        text.parse().unwrap()
    }

    #[test]
    fn digits_that_ocr_spaced_are_joined() {
        assert_eq!(number("0011 6902 0213").as_str(), "001169020213");
        assert_eq!(number("040190008784").doubts(), []);
        for wrong in ["", "00116902021", "0011690202134", "00116902O213", "001169-020213", "3.5199E+10"] {
            let error = wrong.parse::<PersonalNumber>().unwrap_err().to_string();
            assert!(error.contains("12 digits"), "{wrong}: {error}");
        }
    }

    #[test]
    fn the_number_tells_province_sex_and_year() {
        let woman = number("001169020213");
        assert_eq!((woman.birthplace(), woman.sex(), woman.birth_year()), (Birthplace::Province(1), Sex::Female, 1969));
        let man = number("079203000001");
        assert_eq!((man.birthplace(), man.sex(), man.birth_year()), (Birthplace::Province(79), Sex::Male, 2003));
        assert_eq!(number("048305123456").sex(), Sex::Female);
    }

    #[test]
    fn what_differs_from_the_paper_is_a_doubt_and_no_refusal() {
        let number = number("001169020213");
        let (sex, male) = ("Nữ".parse().ok(), "NAM".parse().ok());
        assert_eq!(number.doubts_against(sex, Some(1969)), []);
        assert_eq!(number.doubts_against(None, None), []);
        assert_eq!(number.doubts_against(male, Some(1996)), [Doubt::OtherSex, Doubt::OtherBirthYear]);
        assert_eq!("979499000001".parse::<PersonalNumber>().unwrap().doubts(), [Doubt::NoProvince, Doubt::CenturyToCome]);
        assert_eq!("000199000001".parse::<PersonalNumber>().unwrap().doubts(), [Doubt::NoProvince]);
    }

    #[test]
    fn zeros_that_a_spreadsheet_lost_are_told() {
        let read = PersonalNumber::read("35199000123").unwrap();
        assert_eq!((read.value.as_str(), read.doubts.as_slice()), ("035199000123", &[Doubt::LostZero][..]));
        assert_eq!(PersonalNumber::read("1169020213").unwrap().value.as_str(), "001169020213");
        assert_eq!(PersonalNumber::read("001169020213").unwrap().doubts, []);
        assert!(PersonalNumber::read("169020213").is_err());
        assert_eq!(OldIdNumber::read("31234567").unwrap().value.as_str(), "031234567");
        assert!(OldIdNumber::read("1234567").is_err() && OldIdNumber::read("1234567890").is_err());
    }

    #[test]
    fn identity_cards_have_nine_digits_or_a_personal_number() {
        let card: OldIdNumber = "310 123 456".parse().unwrap();
        assert_eq!((card.as_str(), card.personal_number()), ("310123456", None));
        assert_eq!("001169020213".parse::<OldIdNumber>().unwrap().personal_number(), Some(number("001169020213")));
        assert!("31012345".parse::<OldIdNumber>().is_err());
    }

    proptest! {
        #[test]
        fn any_text_is_safe_to_parse(text in "\\PC{0,20}") {
            let _ = (text.parse::<PersonalNumber>(), PersonalNumber::read(&text), text.parse::<OldIdNumber>(), text.parse::<Sex>());
            let _ = OldIdNumber::read(&text);
        }

        #[test]
        fn what_is_shown_parses_to_the_same(text in "[0-9]{12}", spaced in any::<bool>()) {
            let written = if spaced { format!("{} {}\u{a0}{}", &text[..4], &text[4..8], &text[8..]) } else { text.clone() };
            let number = written.parse::<PersonalNumber>().unwrap();
            prop_assert_eq!(number.to_string(), text.clone());
            prop_assert_eq!(number.to_string().parse::<PersonalNumber>().unwrap(), number.clone());
            prop_assert!((1900..=2399).contains(&number.birth_year()));
            let json = serde_json::to_string(&number).unwrap();
            prop_assert_eq!(serde_json::from_str::<PersonalNumber>(&json).unwrap(), number);
        }
    }
}
