//! Whose a paper is: the identifier of its owner (TT 01/2023/TT-VPCP art. 9), whichever kind it is.

use super::doubt::{Doubt, Malformed, as_text, unspaced};
use super::{AgencyCode, HouseholdNumber, OldIdNumber, PersonalNumber, TaxCode};
use serde::{Deserialize, Serialize};
use std::fmt;

/// The owner's identifier. The kinds are told apart by their shape: 12 digits are a personal number (also where they serve as a
/// tax code), 9 an identity card's, 10 or 10-3 a tax code.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum OwnerId {
    /// A person.
    Person(PersonalNumber),
    /// A person, by an identity card.
    OldId(OldIdNumber),
    /// An enterprise or another tax payer.
    Tax(TaxCode),
    /// A household business, by an older certificate.
    Household(HouseholdNumber),
    /// An agency.
    Agency(AgencyCode),
    /// A passport: letters and digits, 6 to 12; each country has its own shape.
    Passport(String),
}

impl OwnerId {
    /// What is odd about it.
    pub fn doubts(&self) -> Vec<Doubt> {
        match self {
            OwnerId::Person(number) => number.doubts(),
            OwnerId::OldId(number) => number.doubts(),
            OwnerId::Tax(code) => code.doubts(),
            OwnerId::Household(number) => number.doubts(),
            OwnerId::Agency(code) => code.doubts(),
            OwnerId::Passport(_) => vec![Doubt::UnverifiedShape],
        }
    }
}

impl std::str::FromStr for OwnerId {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        text.parse()
            .map(OwnerId::Person)
            .or_else(|_| text.parse().map(OwnerId::OldId))
            .or_else(|_| text.parse().map(OwnerId::Tax))
            .or_else(|_| text.parse().map(OwnerId::Household))
            .or_else(|_| text.parse().map(OwnerId::Agency))
            .or_else(|_: Malformed| {
                passport(text).ok_or(Malformed(
                    "a personal number (12 digits), identity card (9), tax code (10 or 10-3), passport, household or agency code",
                ))
            })
    }
}

fn passport(text: &str) -> Option<OwnerId> {
    let number = unspaced(text);
    let letters = number.bytes().filter(u8::is_ascii_uppercase).count();
    let digits = number.bytes().filter(u8::is_ascii_digit).count();
    let well_formed = (6..=12).contains(&number.len()) && letters + digits == number.len() && letters > 0 && digits > 0;
    well_formed.then_some(OwnerId::Passport(number))
}

impl fmt::Display for OwnerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            OwnerId::Person(number) => number.fmt(f),
            OwnerId::OldId(number) => number.fmt(f),
            OwnerId::Tax(code) => code.fmt(f),
            OwnerId::Household(number) => number.fmt(f),
            OwnerId::Agency(code) => code.fmt(f),
            OwnerId::Passport(number) => f.write_str(number),
        }
    }
}

as_text!(OwnerId);

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn each_kind_is_told_by_its_shape() {
        let kind = |text: &str| text.parse::<OwnerId>().unwrap();
        assert!(matches!(kind("0011 6902 0213"), OwnerId::Person(_)));
        assert!(matches!(kind("310123456"), OwnerId::OldId(_)));
        assert!(matches!(kind("0100233488-001"), OwnerId::Tax(_)));
        assert!(matches!(kind("32A8010625"), OwnerId::Household(_)));
        assert!(matches!(kind("H48.15"), OwnerId::Agency(_)));
        assert!(matches!(kind("C1234567"), OwnerId::Passport(_)));
        for wrong in ["", "12345", "12345678901", "Nguyễn Văn An", "ABCDEF", "C12"] {
            assert!(wrong.parse::<OwnerId>().is_err(), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_safe_to_parse_and_what_is_shown_parses_to_the_same(text in "(\\PC{0,20}|[0-9A-Z. -]{6,14})") {
            if let Ok(owner) = text.parse::<OwnerId>() {
                let _ = owner.doubts();
                prop_assert_eq!(owner.to_string().parse::<OwnerId>().unwrap(), owner);
            }
        }
    }
}
