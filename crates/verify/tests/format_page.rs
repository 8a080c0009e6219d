//! `docs/format.md` is true: its shell commands, run as they stand by a shell that has no program of ours, accept the frozen
//! receipt and refuse the tampered ones; its tables name every member of a manifest.
#![allow(clippy::unwrap_used)]

mod common;

use common::*;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn project() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// All `sh` blocks of the page, one after the other.
fn commands() -> String {
    let page = fs::read_to_string(project().join("docs/format.md")).unwrap();
    page.split("```sh\n").skip(1).map(|rest| rest.split("```").next().unwrap()).collect()
}

/// Runs the page's commands in a copy of one revision's folder of an export, with `trust.txt` beside the files.
fn by_hand(export: &Path, revision: u32) -> Output {
    let folder = tempfile::tempdir().unwrap();
    let from = export.join(format!("data/{A}/r{revision:04}"));
    for file in files(&from) {
        fs::copy(&file, folder.path().join(file.file_name().unwrap())).unwrap();
    }
    fs::copy(export.join("trust.txt"), folder.path().join("trust.txt")).unwrap();
    let receipt = format!("r{revision:04}.dsse.json");
    let script = commands().replace("receipt=r0001.dsse.json", &format!("receipt={receipt}"));
    assert!(script.contains(&format!("receipt={receipt}")), "the commands begin by naming the receipt");
    Command::new("sh").args(["-euc", &script]).current_dir(folder.path()).output().unwrap()
}

#[test]
fn the_commands_accept_the_frozen_receipts() {
    for revision in [1, 2] {
        let output = by_hand(&project().join("fixtures/receipts/v1/export"), revision);
        let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "revision {revision}: {text}");
        for good in ["Signature Verified Successfully", "source.png: OK", "searchable.pdf: OK", "text.json: OK"] {
            assert!(text.contains(good), "revision {revision}, {good}: {text}");
        }
        // both digests of three objects
        assert_eq!(text.matches(": OK").count(), 6, "{text}");
    }
}

#[test]
fn the_commands_refuse_what_was_tampered_with() {
    for (case, revision) in [
        ("altered_object", 1),
        ("altered_manifest_copy", 2),
        ("missing_object", 2),
        ("bad_signature", 2),
        ("unknown_key", 1),
        ("malformed_receipt", 1),
    ] {
        let output = by_hand(&project().join("fixtures/tampered").join(case), revision);
        assert!(!output.status.success(), "{case}: {}", String::from_utf8_lossy(&output.stdout));
    }
}

#[test]
fn the_tables_name_every_member() {
    let page = fs::read_to_string(project().join("docs/format.md")).unwrap();
    let mut members = BTreeSet::new();
    let mut full = manifest(A, None);
    full.incoming_signatures = vec![sohoa_record::manifest::IncomingSignature {
        kind: String::new(),
        signer: String::new(),
        claimed_time: String::new(),
        covers_whole_file: true,
    }];
    full.signature_checks =
        vec![sohoa_record::signature::SignatureCheck::only(sohoa_record::signature::Verdict::Valid, Vec::new())];
    full.result_code = Some(String::new());
    full.history[0].changes =
        vec![sohoa_record::manifest::Change { field: String::new(), before: None, after: Some(String::new()) }];
    collect(&serde_json::to_value(&full).unwrap(), &mut members);
    assert!(members.len() > 40, "{members:?}");
    let rows: Vec<&str> = page.lines().filter(|line| line.starts_with("| `")).collect();
    for member in members {
        assert!(rows.iter().any(|row| row.contains(&format!("`{member}`"))), "no row names `{member}`");
    }
}

fn collect(value: &serde_json::Value, members: &mut BTreeSet<String>) {
    match value {
        serde_json::Value::Object(object) => {
            for (name, value) in object {
                members.insert(name.clone());
                collect(value, members);
            }
        }
        serde_json::Value::Array(array) => array.iter().for_each(|value| collect(value, members)),
        _ => {}
    }
}

#[test]
fn the_page_names_every_verdict_and_code_of_the_program() {
    let page = fs::read_to_string(project().join("docs/format.md")).unwrap();
    for verdict in sohoa_verify::Verdict::ALL {
        let name = serde_json::to_value(verdict).unwrap();
        let row = format!("| `{}` | {} |", name.as_str().unwrap(), verdict.exit_code(false));
        assert!(page.contains(&row), "no row begins '{row}'");
    }
}
