//! Dossier codes (mã số hồ sơ TTHC): what groups documents into dossiers.
//!
//! Shapes seen in the field (TT 01/2018/TT-VPCP art. 19 and later practice): an agency code, a date of six or eight digits,
//! an ordinal of four to seven digits, parts joined by `-`: `000.00.53.H48-220921-0099`, `H15.50.05.13-261008-0975`,
//! `G09.20-20260609-0092637`.

use crate::identifier::agency::is_agency;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use std::fmt;

/// A dossier code kept verbatim; the date in it is a real calendar day.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct DossierCode(String);

impl DossierCode {
    /// The code as it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The agency that received the dossier, such as `H15.50.05.13`.
    pub fn agency(&self) -> &str {
        self.0.split('-').next().unwrap_or_default()
    }

    /// Looks for a code at the start of a file or folder name: `<code>`, `<code>.<ordinal>` (TT 02/2019/TT-BNV: the dossier's
    /// code and the document's ordinal in it, parts separated by dots), or the code followed by anything that is not part of it.
    pub fn find_in(name: &str) -> Option<(DossierCode, Option<u32>)> {
        // The agency part and the two numbers are ASCII, so a name with other letters can only follow the code.
        let agency_end = name.find('-')?;
        let date_end = agency_end + 1 + name[agency_end + 1..].find('-')?;
        let ordinal_digits = name[date_end + 1..].bytes().take_while(u8::is_ascii_digit).count();
        let code_end = date_end + 1 + ordinal_digits;
        let code = name[..code_end].parse().ok()?;
        let rest = &name[code_end..];
        let document = rest.strip_prefix('.').and_then(|r| {
            let digits = r.bytes().take_while(u8::is_ascii_digit).count();
            r[..digits].parse().ok().filter(|_| digits <= 4)
        });
        let ends = !rest.starts_with(|c: char| c.is_ascii_alphanumeric());
        ends.then_some((code, document))
    }
}

impl std::str::FromStr for DossierCode {
    type Err = MalformedDossierCode;

    fn from_str(text: &str) -> Result<Self, MalformedDossierCode> {
        let malformed = |why| MalformedDossierCode { code: text.to_owned(), why };
        let mut parts = text.split('-');
        let (Some(agency), Some(date), Some(ordinal), None) = (parts.next(), parts.next(), parts.next(), parts.next()) else {
            return Err(malformed("three parts joined by '-' were expected"));
        };
        if !is_agency(agency) {
            return Err(malformed("the first part is not an agency code such as H48.15 or 000.00.53.H48"));
        }
        if !is_day(date) {
            return Err(malformed("the second part is not a day as YYMMDD or YYYYMMDD"));
        }
        if !(4..=7).contains(&ordinal.len()) || !ordinal.bytes().all(|b| b.is_ascii_digit()) {
            return Err(malformed("the last part is not an ordinal of 4 to 7 digits"));
        }
        Ok(Self(text.to_owned()))
    }
}

fn is_day(text: &str) -> bool {
    if !text.bytes().all(|b| b.is_ascii_digit()) {
        return false;
    }
    let (year, rest) = match text.len() {
        6 => (format!("20{}", &text[..2]), &text[2..]),
        8 => (text[..4].to_owned(), &text[4..]),
        _ => return false,
    };
    let number = |s: &str| s.parse::<i8>().unwrap_or(0);
    let year = year.parse::<i16>().unwrap_or(0);
    year >= 1990 && Date::new(year, number(&rest[..2]), number(&rest[2..])).is_ok()
}

impl TryFrom<String> for DossierCode {
    type Error = MalformedDossierCode;

    fn try_from(text: String) -> Result<Self, MalformedDossierCode> {
        text.parse()
    }
}

impl From<DossierCode> for String {
    fn from(code: DossierCode) -> String {
        code.0
    }
}

impl fmt::Display for DossierCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A text that is no dossier code, and why.
#[derive(Debug, thiserror::Error)]
#[error("'{code}' is not a dossier code: {why}")]
pub struct MalformedDossierCode {
    code: String,
    why: &'static str,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn all_four_shapes_seen_in_the_field_are_codes() {
        for code in ["000.00.53.H48-220921-0099", "H15.50.05.13-261008-0975", "G09.20-20260609-0092637", "H44.100-260101-0001"] {
            assert_eq!(code.parse::<DossierCode>().unwrap().as_str(), code);
        }
    }

    #[test]
    fn wrong_days_and_shapes_are_refused_with_the_cause() {
        for (code, cause) in [
            ("H48.15-251301-0001", "day"),
            ("H48.15-250230-0001", "day"),
            ("X48.15-250117-0001", "agency"),
            ("H48.15-250117-001", "ordinal"),
            ("H48.15-250117", "three parts"),
        ] {
            let error = code.parse::<DossierCode>().unwrap_err().to_string();
            assert!(error.contains(cause), "{error}");
        }
    }

    #[test]
    fn file_names_carry_the_code_and_the_ordinal() {
        let found = |name| DossierCode::find_in(name).map(|(code, n)| (code.to_string(), n));
        assert_eq!(found("H48.15-250117-0042.03.pdf"), Some(("H48.15-250117-0042".into(), Some(3))));
        assert_eq!(found("000.00.53.H48-220921-0099"), Some(("000.00.53.H48-220921-0099".into(), None)));
        assert_eq!(found("H48.15-250117-0042 - đơn.pdf"), Some(("H48.15-250117-0042".into(), None)));
        assert_eq!(found("scan0001.pdf"), None);
        assert_eq!(found("H48.15-250117-0042x.pdf"), None);
    }

    proptest! {
        #[test]
        fn any_name_is_safe_to_look_at(name in "\\PC{0,40}") {
            let _ = DossierCode::find_in(&name);
        }

        #[test]
        fn a_code_is_found_in_its_own_file_name(unit in 10u8..99, day in 1u8..28, ordinal in 0u32..9999, nth in 1u32..99) {
            let code = format!("H48.{unit}-2501{day:02}-{ordinal:04}");
            let (found, document) = DossierCode::find_in(&format!("{code}.{nth:02}.pdf")).unwrap();
            prop_assert_eq!(found.as_str(), code);
            prop_assert_eq!(document, Some(nth));
        }
    }
}
