//! NIST's Public Key Interoperability Test Suite (PKITS): each case has certificates and revocation lists, and NIST says whether the path is valid.
//! `./bootstrap test` installs the files within another program's source; here is none of them.
#![allow(dead_code)]

use serde_json::Value;
use std::path::PathBuf;

/// 2022-05-01: all that NIST means to be valid is.
pub const AT: i64 = 1_651_363_200;

/// One case, asked without demands about policies.
pub struct Case {
    /// Such as `4.6`.
    pub section: String,
    /// NIST's name of the case.
    pub name: String,
    /// Whether NIST says that the path is valid.
    pub valid: bool,
    /// The certificate at its end, those between, and the trust anchor: DER.
    pub leaf: Vec<u8>,
    pub pool: Vec<Vec<u8>>,
    pub root: Vec<u8>,
    pub lists: Vec<Vec<u8>>,
}

pub fn cases() -> Vec<Case> {
    let path = std::env::var_os("PATH").unwrap();
    let inside = "pyhanko-certvalidator/tests/fixtures/nist_pkits";
    let mut places = std::env::split_paths(&path).filter_map(|folder| Some(folder.parent()?.join(inside)));
    let suite: PathBuf = places
        .find(|folder| folder.is_dir())
        .expect("PKITS is missing: run ./bootstrap test, and put ~/.cache/sohoa/tools/bin on the PATH");
    let read = |folder: &str, name: &str| std::fs::read(suite.join(folder).join(name)).unwrap();
    let all: Vec<Value> = serde_json::from_slice(&std::fs::read(suite.join("pkits.json")).unwrap()).unwrap();
    let named = |case: &Value, key: &str, folder: &str| -> Vec<Vec<u8>> {
        case[key].as_array().into_iter().flatten().map(|name| read(folder, name.as_str().unwrap())).collect()
    };
    let asked = all.iter().filter(|case| case["params"].is_null());
    let cases = asked.map(|case| {
        let (id, file) = (case["id"].as_str().unwrap(), case["cert"].as_str().unwrap());
        // What NIST says stands in the certificate's name; of some about policies only in the list.
        let valid = match (file.starts_with("Valid"), file.starts_with("Invalid")) {
            (false, false) => case["error"].is_null(),
            (valid, _) => valid,
        };
        let mut lists = named(case, "crls", "crls");
        lists.push(read("crls", "TrustAnchorRootCRL.crl"));
        Case {
            section: format!("4.{}", id[1..3].trim_start_matches('0')),
            name: file.trim_end_matches("EE.crt").to_owned(),
            valid,
            leaf: read("certs", file),
            pool: named(case, "other_certs", "certs"),
            root: read("certs", "TrustAnchorRootCertificate.crt"),
            lists,
        }
    });
    let cases: Vec<Case> = cases.collect();
    assert!(cases.len() > 150, "the suite is not whole");
    cases
}
