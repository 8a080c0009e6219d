//! The frozen examples: `fixtures/receipts/v1` verifies for ever, and each case of `fixtures/tampered` gets its one verdict.
//!
//! `SOHOA_WRITE_FIXTURES=1 cargo test -p sohoa-verify --test fixtures` writes what is not there yet. It never overwrites: a
//! released format is only followed by a new one, in a new folder.
#![allow(clippy::unwrap_used)]

mod common;

use common::*;
use ed25519_dalek::SigningKey;
use sohoa_record::{Manifest, Receipt};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Once;

fn fixtures() -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures");
    static WRITTEN: Once = Once::new();
    if std::env::var_os("SOHOA_WRITE_FIXTURES").is_some() {
        WRITTEN.call_once(|| write_what_is_not_there(&folder));
    }
    folder
}

/// What the program says about `folder`, which holds its own policy.
fn audited(folder: &Path) -> Said {
    let said = verify(folder, &folder.join("trust.txt"));
    assert_eq!(said.errors, "", "{folder:?}");
    said
}

/// Exit code and lines as expected; the sentences may be worded better one day.
fn check(folder: &Path, code: i32) -> Vec<serde_json::Value> {
    let without_words = |mut line: serde_json::Value| {
        for words in ["reason", "reason_vi"] {
            assert!(line[words].take().as_str().is_some_and(|sentence| sentence.len() > 20));
        }
        line
    };
    let expected = fs::read_to_string(folder.join("expected.jsonl")).unwrap();
    let expected: Vec<_> = expected.lines().map(|line| without_words(serde_json::from_str(line).unwrap())).collect();
    let said = audited(folder);
    let found: Vec<_> = said.lines.into_iter().map(without_words).collect();
    assert_eq!((said.code, &found), (code, &expected), "{folder:?}");
    found
}

#[test]
fn the_frozen_receipts_verify_for_ever() {
    for form in ["archive", "export"] {
        let lines = check(&fixtures().join("receipts/v1").join(form), 0);
        assert_eq!((lines.len(), &lines[0]["verdict"]), (1, &"ok".into()), "{form}");
    }
}

/// The archive that is frozen is the archive that today's code writes: the format did not move under the fixtures.
#[test]
fn todays_code_writes_the_frozen_bytes() {
    let folder = tempfile::tempdir().unwrap();
    store(folder.path(), A, 2, &key());
    let frozen = fixtures().join("receipts/v1/archive");
    let written = files(folder.path());
    assert_eq!(written.len(), 2 + 5 + 1);
    for path in written {
        let name = path.strip_prefix(folder.path()).unwrap();
        assert_eq!(fs::read(&path).unwrap(), fs::read(frozen.join(name)).unwrap(), "{name:?}");
    }
}

#[test]
fn each_tampered_case_gets_its_one_verdict() {
    let mut verdicts = Vec::new();
    for (name, code, _) in CASES {
        let lines = check(&fixtures().join("tampered").join(name), *code);
        assert_eq!(lines.len(), 1, "{name}");
        verdicts.push(lines[0]["verdict"].as_str().unwrap().to_owned());
    }
    let folders = fs::read_dir(fixtures().join("tampered")).unwrap().filter(|entry| entry.as_ref().unwrap().path().is_dir());
    assert_eq!(folders.count(), CASES.len(), "a folder without a case, or a case without a folder");
    for verdict in ["altered", "missing", "bad_signature", "unknown_key", "malformed"] {
        assert!(verdicts.iter().any(|v| v == verdict), "no case for {verdict}");
    }
}

/// What a tamperer does to an export of record A with two revisions, in `home`; the exit code that follows.
type Tamper = fn(home: &Path);

const CASES: &[(&str, i32, Tamper)] = &[
    ("altered_object", 10, |home| {
        let path = home.join("r0001/searchable.pdf");
        let text = fs::read_to_string(&path).unwrap();
        fs::write(path, text.replace("stands", "stood!")).unwrap();
    }),
    ("altered_manifest_copy", 10, |home| {
        let path = home.join("r0002/manifest.json");
        let text = fs::read_to_string(&path).unwrap();
        fs::write(path, text.replace("\"value\":\"51\"", "\"value\":\"57\"")).unwrap();
    }),
    ("replaced_history", 10, |home| {
        let mut other = manifest(A, None);
        other.salt = "ab".repeat(32);
        seal(home, &other, &key());
    }),
    ("missing_object", 11, |home| fs::remove_file(home.join("r0002/text.json")).unwrap()),
    ("missing_revision", 11, |home| fs::remove_dir_all(home.join("r0001")).unwrap()),
    ("bad_signature", 12, |home| {
        let path = home.join("r0002/r0002.dsse.json");
        let (own, other) = (fs::read_to_string(&path).unwrap(), fs::read_to_string(home.join("r0001/r0001.dsse.json")).unwrap());
        let signature = |text: &str| text.split("\"sig\":\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
        fs::write(path, own.replace(&signature(&own), &signature(&other))).unwrap();
    }),
    ("unknown_key", 13, |home| seal(home, &manifest(A, None), &SigningKey::from_bytes(&OTHER_KEY))),
    ("malformed_receipt", 14, |home| {
        let path = home.join("r0001/r0001.dsse.json");
        let bytes = fs::read(&path).unwrap();
        fs::write(path, &bytes[..bytes.len() / 2]).unwrap();
    }),
];

fn seal(home: &Path, manifest: &Manifest, key: &SigningKey) {
    fs::write(home.join("r0001/r0001.dsse.json"), Receipt::seal(manifest, key).to_bytes()).unwrap();
    fs::write(home.join("r0001/manifest.json"), manifest.to_bytes()).unwrap();
}

fn write_what_is_not_there(fixtures: &Path) {
    let finish = |folder: &Path| {
        trust(folder);
        fs::write(folder.join("expected.jsonl"), audited(folder).text).unwrap();
    };
    let archive = fixtures.join("receipts/v1/archive");
    if !archive.exists() {
        store(&archive, A, 2, &key());
        finish(&archive);
    }
    let frozen = fixtures.join("receipts/v1/export");
    if !frozen.exists() {
        export(&frozen, A, 2, &key());
        finish(&frozen);
    }
    for (name, _, tamper) in CASES {
        let folder = fixtures.join("tampered").join(name);
        if !folder.exists() {
            export(&folder, A, 2, &key());
            tamper(&folder.join(format!("data/{A}")));
            finish(&folder);
        }
    }
}
