//! The table of threats in `docs/evidence.md` is true: each test that it names exists, and each verdict is one that the program gives. Also
//! the two threats that no other test file has a place for.
#![allow(clippy::unwrap_used)]

mod common;

use common::*;
use sohoa_record::Receipt;
use std::fs;
use std::path::{Path, PathBuf};

fn project() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Threat, tests and verdict of each row.
fn rows() -> Vec<[String; 3]> {
    let page = fs::read_to_string(project().join("docs/evidence.md")).unwrap();
    let section = page.split("## Threats").nth(1).unwrap().split("\n## ").next().unwrap();
    let rows = section.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| threat"));
    rows.map(|row| {
        let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
        cells.try_into().map(|cells: [&str; 3]| cells.map(str::to_owned)).unwrap_or_else(|cells| panic!("{cells:?}"))
    })
    .collect()
}

#[test]
fn every_threat_names_tests_that_exist_and_verdicts_that_are_given() {
    let rows = rows();
    assert!(rows.len() >= 13, "{rows:?}");
    let verdicts: Vec<String> = sohoa_verify::Verdict::ALL
        .iter()
        .map(|verdict| serde_json::to_value(verdict).unwrap().as_str().unwrap().to_owned())
        .collect();
    for [threat, tests, verdict] in rows {
        let named: Vec<&str> = tests.split('`').skip(1).step_by(2).collect();
        assert!(!named.is_empty(), "no test for: {threat}");
        for test in named {
            let (file, name) = test.split_once("::").unwrap_or_else(|| panic!("'{test}' is not FILE::TEST"));
            let file = match file.split_once('/') {
                Some((own, file)) => project().join(format!("crates/{own}/{file}.rs")),
                None => project().join(format!("crates/verify/tests/{file}.rs")),
            };
            let source = fs::read_to_string(&file).unwrap_or_else(|e| panic!("{file:?}: {e}"));
            let is_test = |text: &str| {
                source.contains(&format!("\n{text}fn {name}()")) || source.contains(&format!("\n{text}async fn {name}()"))
            };
            assert!(is_test("") || is_test("    "), "{file:?} has no test '{name}'");
        }
        for word in verdict.split('`').skip(1).step_by(2) {
            assert!(verdicts.iter().any(|known| known == word), "'{word}' is no verdict: {threat}");
        }
    }
}

/// Threat: an algorithm ages. Two files of one SHA-256 are told apart by their SHA-512, which every manifest has: here the sealer named
/// another one, since nobody can make two such files yet.
#[test]
fn a_second_digest_tells_what_the_first_does_not() {
    let dir = tempfile::tempdir().unwrap();
    let (root, trust) = (dir.path().join("export"), trust(dir.path()));
    export(&root, A, 1, &key());
    let home = root.join(format!("data/{A}/r0001"));
    let mut other = manifest(A, None);
    other.objects[1].digests.sha512 = other.objects[2].digests.sha512.clone();
    fs::write(home.join("r0001.dsse.json"), Receipt::seal(&other, &key()).to_bytes()).unwrap();
    fs::write(home.join("manifest.json"), other.to_bytes()).unwrap();
    let said = verify(&root, &trust);
    said.expect(10, A, "altered", "searchable.pdf");
    assert!(said.about(A)["reason"].as_str().unwrap().contains("its SHA-512"), "{}", said.text);
}

/// Threat: a stolen sealing key seals anew what was sealed before. Manifest and objects are consistent, and the log has another leaf.
#[test]
fn what_a_thief_of_the_sealing_key_replaces_is_altered_and_what_is_added_is_unlogged() {
    use common::log::*;
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("archive");
    let (a, b) = (store(&root, A, 1, &key()), store(&root, B, 1, &key()));
    write_log(&root.join("log"), &entries(&[&a[0], &b[0]]), &[2]);
    let trust = trust_with_log(dir.path());
    let mut replaced = a[0].clone();
    replaced.fields[0].value = Some("52".into());
    fs::write(receipt_path(&root, A, 1), Receipt::seal(&replaced, &key()).to_bytes()).unwrap();
    verify(&root, &trust).expect(10, A, "altered", "r0001.dsse.json");
    let added = "0193a5c2-7e1b-7c3d-9f00-00000000000c";
    store(&root, added, 1, &key());
    assert_eq!(verify(&root, &trust).about(added)["verdict"], "unlogged");
}
