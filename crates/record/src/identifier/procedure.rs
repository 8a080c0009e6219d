//! Codes of administrative procedures (mã TTHC), such as `1.001612`.

use super::agency::is_agency;
use super::doubt::{Doubt, Malformed, as_text, is_digits, unspaced};
use serde::{Deserialize, Serialize};
use std::fmt;

/// A procedure's code: a digit, a dot, six digits; then perhaps the agency whose catalogue has it (`1.001612.000.00.00.H48`) or
/// the ordinal of an online service (`1.000894.01`). Two codes are compared by their base part.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ProcedureCode(String);

/// Characters of the base part.
const BASE: usize = 8;

impl ProcedureCode {
    /// The code without spaces.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The part that the national catalogue gives: `1.001612`.
    pub fn base(&self) -> &str {
        &self.0[..BASE]
    }

    /// What follows it, without its dot.
    pub fn suffix(&self) -> Option<&str> {
        self.0.get(BASE + 1..)
    }

    /// What is odd about it.
    pub fn doubts(&self) -> Vec<Doubt> {
        let mut doubts = Vec::new();
        if !self.0.starts_with(['1', '2', '3']) {
            doubts.push(Doubt::UnusualGroup);
        }
        if self.suffix().is_some_and(|suffix| !is_agency(suffix) && !is_digits(suffix, 2)) {
            doubts.push(Doubt::UnknownSuffix);
        }
        doubts
    }
}

impl std::str::FromStr for ProcedureCode {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        let code = unspaced(text);
        let mut groups = code.split('.');
        let base = groups.next().is_some_and(|g| is_digits(g, 1)) && groups.next().is_some_and(|g| is_digits(g, 6));
        let suffix = groups.all(|g| !g.is_empty() && g.bytes().all(|b| b.is_ascii_digit() || b.is_ascii_uppercase()));
        match base && suffix {
            true => Ok(Self(code)),
            false => Err(Malformed("a procedure code, such as 1.001612 or 1.001612.000.00.00.H48,")),
        }
    }
}

impl fmt::Display for ProcedureCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

as_text!(ProcedureCode);

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn codes_are_compared_by_their_base() {
        for (text, suffix) in [
            ("1.001612", None),
            ("1.001612.000.00.00.H48", Some("000.00.00.H48")),
            ("1.000894.01", Some("01")),
            ("2. 000528", None),
        ] {
            let code: ProcedureCode = text.parse().unwrap();
            assert_eq!((code.suffix(), code.doubts()), (suffix, vec![]), "{text}");
        }
        assert_eq!("1.001612.000.00.00.H48".parse::<ProcedureCode>().unwrap().base(), "1.001612");
        assert_eq!("4.001612".parse::<ProcedureCode>().unwrap().doubts(), [Doubt::UnusualGroup]);
        assert_eq!("1.001612.X1".parse::<ProcedureCode>().unwrap().doubts(), [Doubt::UnknownSuffix]);
    }

    #[test]
    fn what_a_spreadsheet_made_of_it_is_refused() {
        for wrong in ["", "1.00161", "1001612", "161", "1,001612", "1.0E+06", "1.", "1.001612.", "1.001612.01x", "11.001612"] {
            assert!(wrong.parse::<ProcedureCode>().is_err(), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_safe_to_parse(text in "\\PC{0,40}") {
            let _ = text.parse::<ProcedureCode>();
        }

        #[test]
        fn what_is_shown_parses_to_the_same(text in "[0-9]\\.[0-9]{6}(\\.[0-9A-Z]{1,3}){0,4}") {
            let code = text.parse::<ProcedureCode>().unwrap();
            prop_assert_eq!(code.to_string().parse::<ProcedureCode>().unwrap(), code.clone());
            let base = code.base().parse::<ProcedureCode>().unwrap();
            prop_assert_eq!(base.suffix(), None);
        }
    }
}
