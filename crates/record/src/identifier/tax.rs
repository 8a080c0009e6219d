//! Numbers of enterprises and households: mã số thuế, which is also mã số doanh nghiệp, and the older registration number of
//! household businesses.

use super::doubt::{Doubt, Malformed, Read, as_text, is_digits, unspaced};
use super::person::{HasDoubts, PersonalNumber, read_padded};
use serde::{Deserialize, Serialize};
use std::fmt;

/// A tax code (mã số thuế), which since 2010 is also the enterprise's code: 10 digits; a dependent unit has 3 more behind a
/// hyphen; persons and households have their personal number of 12 digits.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TaxCode(String);

/// Weights of the first nine digits.
const WEIGHTS: [u32; 9] = [31, 29, 23, 19, 17, 13, 7, 5, 3];

impl TaxCode {
    /// `0100233488`, `0100233488-001` or `001169020213`.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The 10 digits of the enterprise; nothing for a person's code.
    pub fn enterprise(&self) -> Option<&str> {
        (self.0.len() != 12).then(|| &self.0[..10])
    }

    /// The 3 digits of a dependent unit.
    pub fn dependent_unit(&self) -> Option<&str> {
        self.0.split_once('-').map(|(_, unit)| unit)
    }

    /// The personal number that persons and households have as tax code.
    pub fn person(&self) -> Option<PersonalNumber> {
        self.0.parse().ok()
    }

    /// What is odd about it. A check digit that does not fit is no proof of a mistake: the formula is known from use and not from
    /// a published rule, and a code that contradicts it was met.
    pub fn doubts(&self) -> Vec<Doubt> {
        let Some(enterprise) = self.enterprise() else { return self.person().map(|p| p.doubts()).unwrap_or_default() };
        let mut doubts = Vec::new();
        let digits = || enterprise.bytes().map(|digit| u32::from(digit - b'0'));
        let sum: u32 = digits().zip(WEIGHTS).map(|(digit, weight)| digit * weight).sum();
        // A remainder of 0 would want the digit 10: such codes are not given.
        if digits().nth(9) != Some(10 - sum % 11) {
            doubts.push(Doubt::CheckDigit);
        }
        if &enterprise[2..9] == "0000000" || self.dependent_unit() == Some("000") {
            doubts.push(Doubt::ZeroSequence);
        }
        doubts
    }

    /// Reads a code that a spreadsheet may have cut: 9 digits have lost the zero of 10, 11 that of 12.
    pub fn read(text: &str) -> Result<Read<Self>, Malformed> {
        match unspaced(text).len() {
            11 => read_padded(text, 11, 12),
            _ => read_padded(text, 9, 10),
        }
    }
}

impl HasDoubts for TaxCode {
    fn own_doubts(&self) -> Vec<Doubt> {
        self.doubts()
    }
}

impl std::str::FromStr for TaxCode {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        let code = unspaced(text);
        let dependent = code.split_once('-').is_some_and(|(head, unit)| is_digits(head, 10) && is_digits(unit, 3));
        match is_digits(&code, 10) || is_digits(&code, 12) || dependent {
            true => Ok(Self(code)),
            false => Err(Malformed("a tax code of 10 digits, such as 0100233488, of 10 and 3 (0100233488-001) or of 12")),
        }
    }
}

impl fmt::Display for TaxCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The registration number of a household business (hộ kinh doanh) as older certificates have it: the code of the district, two
/// digits and a letter, then digits: `32A8010625`. Newer ones have a [`TaxCode`].
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct HouseholdNumber(String);

impl HouseholdNumber {
    /// The number without spaces.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What is odd about it: those that were met have seven digits behind the letter.
    pub fn doubts(&self) -> Vec<Doubt> {
        if self.0.len() == 10 { Vec::new() } else { vec![Doubt::UnusualLength] }
    }
}

impl std::str::FromStr for HouseholdNumber {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        let number = unspaced(text);
        let well_formed = (8..=12).contains(&number.len())
            && number.bytes().enumerate().all(|(i, b)| if i == 2 { b.is_ascii_uppercase() } else { b.is_ascii_digit() });
        match well_formed {
            true => Ok(Self(number)),
            false => Err(Malformed("a household business's number, such as 32A8010625,")),
        }
    }
}

impl fmt::Display for HouseholdNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

as_text!(TaxCode, HouseholdNumber);

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn doubts(code: &str) -> Vec<Doubt> {
        code.parse::<TaxCode>().unwrap().doubts()
    }

    #[test]
    fn real_codes_have_a_fitting_check_digit() {
        for code in ["0100233488", "0108718004", "0100233488-001", "01 0023 3488"] {
            assert_eq!(doubts(code), [], "{code}");
        }
    }

    #[test]
    fn a_check_digit_that_does_not_fit_warns_and_never_refuses() {
        assert_eq!(doubts("0100107618"), [Doubt::CheckDigit], "printed so for a company that exists");
        assert_eq!(doubts("0100233489"), [Doubt::CheckDigit]);
        assert!(doubts("0100000000").contains(&Doubt::ZeroSequence));
        assert_eq!(doubts("0100233488-000"), [Doubt::ZeroSequence]);
    }

    #[test]
    fn twelve_digits_are_a_persons() {
        let code: TaxCode = "040190008784".parse().unwrap();
        assert_eq!((code.enterprise(), code.person().map(|p| p.birth_year())), (None, Some(1990)));
        assert_eq!("0100233488-001".parse::<TaxCode>().unwrap().dependent_unit(), Some("001"));
    }

    #[test]
    fn lost_zeros_are_told_and_other_lengths_refused() {
        let read = TaxCode::read("108718004").unwrap();
        assert_eq!((read.value.as_str(), read.doubts), ("0108718004", vec![Doubt::LostZero]));
        for (cut, whole) in [("40190008784", "040190008784"), ("70856705312", "070856705312")] {
            let read = TaxCode::read(cut).unwrap();
            assert_eq!((read.value.as_str(), read.doubts.first()), (whole, Some(&Doubt::LostZero)));
        }
        for wrong in ["", "12345678", "0100233488001", "0100233488-01", "-001", "01002334A8", "1.0E+09"] {
            assert!(TaxCode::read(wrong).is_err() && wrong.parse::<TaxCode>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_households_number_has_a_letter() {
        assert_eq!("32A8010625".parse::<HouseholdNumber>().unwrap().doubts(), []);
        assert_eq!("01A 8000123".parse::<HouseholdNumber>().unwrap().as_str(), "01A8000123");
        assert_eq!("32A801062".parse::<HouseholdNumber>().unwrap().doubts(), [Doubt::UnusualLength]);
        for wrong in ["3208010625", "A28010625", "32a8010625", "32A", "32AA010625"] {
            assert!(wrong.parse::<HouseholdNumber>().is_err(), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_safe_to_parse(text in "\\PC{0,20}") {
            let _ = (text.parse::<TaxCode>(), TaxCode::read(&text), text.parse::<HouseholdNumber>());
        }

        #[test]
        fn what_is_shown_parses_to_the_same(text in "[0-9]{10}(-[0-9]{3}|[0-9]{2})?", household in "[0-9]{2}[A-Z][0-9]{5,9}") {
            let code = text.parse::<TaxCode>().unwrap();
            prop_assert_eq!(code.to_string().parse::<TaxCode>().unwrap(), code.clone());
            let _ = code.doubts();
            let number = household.parse::<HouseholdNumber>().unwrap();
            prop_assert_eq!(number.to_string().parse::<HouseholdNumber>().unwrap(), number);
        }

        #[test]
        fn one_wrong_digit_is_always_noticed(at in 0usize..9, by in 1u8..10) {
            // every weight is prime to 11, so no single change keeps the sum
            let mut digits = *b"0100233488";
            digits[at] = b'0' + (digits[at] - b'0' + by) % 10;
            let code = String::from_utf8(digits.to_vec()).unwrap();
            prop_assert!(doubts(&code).contains(&Doubt::CheckDigit));
        }
    }
}
