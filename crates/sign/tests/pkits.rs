//! NIST's PKITS, held against the search for a path that is made before signing and over time stamps. It asks nobody about revocation: that is
//! another step.
#![allow(clippy::unwrap_used)]

#[path = "common/pkits.rs"]
mod suite;

use jiff::Timestamp;
use sohoa_sign::SignError;
use sohoa_sign::certificate::{Certificate, Purpose};
use suite::{AT, Case, cases};

fn accepted(case: &Case) -> Result<(), SignError> {
    let at = Timestamp::from_second(AT).unwrap();
    let leaf = Certificate::from_der(&case.leaf)?;
    let pool = case.pool.iter().map(|der| Certificate::from_der(der)).collect::<Result<Vec<_>, _>>()?;
    leaf.check(Purpose::Document, at)?;
    leaf.path(&pool, &[Certificate::from_der(&case.root)?], at).map(drop)
}

/// What NIST calls valid and is refused: DSA is not supported, a certificate from before 1970 is not read, names are compared byte by byte here.
const REFUSED: [&str; 8] = [
    "Validpre2000UTCnotBeforeDateTest3",
    "ValidDSASignaturesTest4",
    "ValidDSAParameterInheritanceTest5",
    "ValidNameChainingWhitespaceTest3",
    "ValidNameChainingWhitespaceTest4",
    "ValidNameChainingCapitalizationTest5",
    "ValidRolloverfromPrintableStringtoUTF8StringTest10",
    "ValidUTF8StringCaseInsensitiveMatchTest11",
];

#[test]
fn nothing_that_nist_calls_invalid_is_accepted_but_what_only_lists_tell() {
    let mut wrong = Vec::new();
    let mut asked = 0;
    for case in cases() {
        let only_lists = ["4.4", "4.5", "4.14", "4.15"].contains(&case.section.as_str()) || case.name.contains("cRLSignFalse");
        let claimed = ["4.1", "4.2", "4.3", "4.6", "4.7", "4.16"].contains(&case.section.as_str());
        let said = accepted(&case);
        asked += usize::from(claimed);
        let is_wrong = match (case.valid, &said) {
            (false, Ok(())) => !only_lists,
            (true, Err(_)) => claimed && !REFUSED.contains(&case.name.as_str()),
            _ => false,
        };
        if is_wrong {
            wrong.push(format!("{} {}: NIST says valid={}, we {said:?}", case.section, case.name, case.valid));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert_eq!(asked, 49);
}
