//! NIST's PKITS, held against the search for a path on which verdicts about signatures of others rest.

#[path = "../../tests/common/pkits.rs"]
mod suite;

use super::certificate::Certificate;
use super::path::{self, Moment, Purpose};
use super::revocation::Evidence;
use sohoa_record::signature::Finding;
use std::collections::BTreeMap;
use suite::{AT, Case, cases};

fn findings(case: &Case) -> Vec<Finding> {
    let evidence = Evidence { lists: case.lists.iter().map(Vec::as_slice).collect(), answers: Vec::new() };
    let pool: Vec<Certificate<'_>> = case.pool.iter().filter_map(|bytes| Certificate::read(bytes)).collect();
    let roots: Vec<Certificate<'_>> = Certificate::read(&case.root).into_iter().collect();
    let moment = Moment { at: AT, claimed_on: Some(AT) };
    match Certificate::read(&case.leaf) {
        Some(leaf) => path::find(&leaf, &pool, &roots, &evidence, moment, Purpose::Signing).findings,
        None => vec![Finding::CmsMalformed],
    }
}

/// What NIST calls invalid and we accept, with the reason.
const ACCEPTED: [&str; 1] = [
    // Delta lists are not read (RFC 5280 5.2.4 leaves it open); the whole list, which has not run out, does not name the certificate.
    "InvaliddeltaCRLTest4",
];

/// What NIST calls valid and we do not vouch for, in the sections that are claimed.
const REFUSED: [&str; 9] = [
    // DSA is read nowhere
    "ValidDSASignaturesTest4",
    "ValidDSAParameterInheritanceTest5",
    // A list that another key of the authority signed is not believed, so revocation is not known: told, and no path is refused for it.
    "ValidSeparateCertificateandCRLKeysTest19",
    "ValidBasicSelfIssuedOldWithNewTest1",
    "ValidBasicSelfIssuedNewWithOldTest3",
    "ValidBasicSelfIssuedNewWithOldTest4",
    "ValidBasicSelfIssuedCRLSigningKeyTest6",
    // the same, on the way to a self-issued certificate
    "ValidSelfIssuedpathLenConstraintTest15",
    "ValidSelfIssuedpathLenConstraintTest17",
];

/// The sections that the search for a path claims: signatures, validity, names, basic revocation, self-issued certificates, basic constraints,
/// key usage, unknown extensions. Of the others (policies, name constraints, distribution points, delta lists) it refuses what it does not
/// understand.
const CLAIMED: [&str; 8] = ["4.1", "4.2", "4.3", "4.4", "4.5", "4.6", "4.7", "4.16"];

/// Of each section, on how many cases we say what NIST says.
const SAME: [&str; 16] = [
    "4.1 4/6",
    "4.10 5/9",
    "4.11 8/11",
    "4.12 6/10",
    "4.13 22/38",
    "4.14 21/35",
    "4.15 8/10",
    "4.16 2/2",
    "4.2 8/8",
    "4.3 11/11",
    "4.4 20/21",
    "4.5 4/8",
    "4.6 15/17",
    "4.7 5/5",
    "4.8 9/14",
    "4.9 4/8",
];

#[test]
fn nothing_that_nist_calls_invalid_is_accepted_and_what_it_calls_valid_is_in_the_sections_that_are_claimed() {
    let mut told: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    let mut wrong = Vec::new();
    for case in cases() {
        let findings = findings(&case);
        // RFC 5280 6.1 asks for the revocation status of each certificate.
        let accepted = findings == [Finding::RevocationGood];
        let count = told.entry(case.section.clone()).or_default();
        *count = (count.0 + usize::from(case.valid == accepted), count.1 + 1);
        let explained = if accepted { ACCEPTED.contains(&case.name.as_str()) } else { REFUSED.contains(&case.name.as_str()) };
        let asked = accepted || CLAIMED.contains(&case.section.as_str());
        if case.valid != accepted && asked && !explained {
            wrong.push(format!("{} {}: NIST says valid={}, we {findings:?}", case.section, case.name, case.valid));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    let told: Vec<String> = told.iter().map(|(section, (same, all))| format!("{section} {same}/{all}")).collect();
    assert_eq!(told, SAME, "docs/evidence.md has the same numbers");
}
