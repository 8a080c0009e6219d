//! The frozen examples: `fixtures/receipts/v1` and `fixtures/log/v1` verify for ever, and each case of `fixtures/tampered` gets its one verdict.
//!
//! `SOHOA_WRITE_FIXTURES=1 cargo test -p sohoa-verify --test fixtures` writes what is not there yet. It never overwrites: a
//! released format is only followed by a new one, in a new folder.
#![allow(clippy::unwrap_used)]

mod common;
#[cfg(feature = "pdf-signatures")]
#[path = "../../sign/tests/common/papers.rs"]
mod papers;

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

/// A PDF with the signature of a certificate for which `roots.pem` vouches, and the same with a page that was exchanged afterwards and sealed as that.
#[cfg(feature = "pdf-signatures")]
#[test]
fn the_frozen_pdf_signatures_are_judged_alike_for_ever() {
    let folder = fixtures().join("receipts/signed/v1");
    let said = |case: &str, more: &[&str]| {
        let [root, trust] =
            [folder.join(case), folder.join(case).join("trust.txt")].map(|path| path.to_str().unwrap().to_owned());
        run(&[&[root.as_str(), "--trust", &trust, "--json"], more].concat())
    };
    let roots = folder.join("roots.pem");
    for more in [&[][..], &["--roots", roots.to_str().unwrap()]] {
        let (holds, altered) = (said("holds", more), said("altered", more));
        holds.expect(0, A, "ok", "");
        let verdict = if more.is_empty() { "issuer_not_trusted" } else { "valid" };
        assert_eq!(holds.about(A)["pdf_checks"][0]["verdict"], verdict, "{}", holds.text);
        altered.expect(12, A, "bad_signature", "searchable.pdf");
        assert_eq!(altered.about(A)["pdf_checks"][0]["verdict"], "altered_after_signing", "{}", altered.text);
    }
}

/// The certificates begin when they are made, and everything says to be of 2030.
#[cfg(feature = "pdf-signatures")]
fn write_signed(folder: &Path) {
    let ca = papers::Authority::new();
    ca.issue("office", "rsa:2048", "middle", "leaf");
    ca.openssl("x509 -in office.pem -outform DER -out office.der");
    let paper = ca.paper("office", "middle", "", papers::TIME);
    let altered = papers::with(&paper, &[(4, "<</Length 16>>stream\n0 0 m 7 7 l S   \nendstream")]);
    for (case, pdf) in [("holds", paper), ("altered", altered)] {
        let mut sealed = manifest(A, None);
        sealed.sealed_at = "2030-06-01T12:01:00+07:00".into();
        sealed.pdf_signatures = vec![sohoa_record::manifest::PdfSignature {
            profile: "nd30-2020".into(),
            signer: "office".into(),
            certificate_sha256: sohoa_record::Sha256Hex::of(&ca.read("office.der")),
            level: "b-b".into(),
            signed_at: "2030-06-01T12:00:00+07:00".into(),
            stamped_at: None,
        }];
        sealed.objects[1].digests = sohoa_record::Digests::of(&pdf);
        let home = folder.join(case).join(format!("data/{A}/r0001"));
        for (object, bytes) in objects(A, 1) {
            write(home.join(&object.name), if object.name == "searchable.pdf" { pdf.clone() } else { bytes });
        }
        write(home.join("manifest.json"), sealed.to_bytes());
        write(home.join("r0001.dsse.json"), Receipt::seal(&sealed, &key()).to_bytes());
        trust(&folder.join(case));
    }
    write(folder.join("roots.pem"), ca.read("root.pem"));
}

/// With its whole log, and as an export with the log's excerpt; `crates/archive/tests/frozen.rs` writes them. The witness saw the log of one leaf at
/// 08:11, of three at 09:11, of four at 10:11; the last leaf is of a time stamp that was renewed.
#[test]
fn the_frozen_archive_with_its_log_verifies_for_ever() {
    let folder = fixtures().join("log/v1");
    let at = |hour: u32| format!("2026-11-22T{hour:02}:11:00+07:00");
    let archive = check(&folder.join("archive"), 0);
    let told = |line: &serde_json::Value| {
        let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
        (
            text(&line["verdict"]),
            line["revision"].as_u64(),
            line["log_index"].as_u64(),
            text(&line["time"]["after"]),
            text(&line["time"]["before"]),
        )
    };
    let latest = ("ok".to_owned(), Some(2), Some(1), at(8), at(9));
    let other = ("ok".to_owned(), Some(1), Some(2), at(8), at(9));
    assert_eq!(archive.iter().map(told).collect::<Vec<_>>(), [latest.clone(), other]);
    let export = check(&folder.join("export"), 0);
    assert_eq!(export.iter().map(told).collect::<Vec<_>>(), [latest]);
    // As of half past eight only what the first checkpoint has was seen.
    let (root, trust) = (folder.join("archive"), folder.join("archive/trust.txt"));
    let then = run(&[root.to_str().unwrap(), "--trust", trust.to_str().unwrap(), "--json", "--at", "2026-11-22T08:30:00+07:00"]);
    assert_eq!((then.code, then.about(A)["verdict"].as_str()), (18, Some("unlogged")), "{}", then.text);
}

/// Whoever changes one of its files is told, whatever it is: but for a first time stamp, which `sohoa audit` judges.
#[test]
fn a_changed_file_of_the_frozen_log_is_seen() {
    let frozen = fixtures().join("log/v1/archive");
    let dir = tempfile::tempdir().unwrap();
    for file in files(&frozen) {
        write(dir.path().join(file.strip_prefix(&frozen).unwrap()), fs::read(&file).unwrap());
    }
    let mut changed = 0;
    for file in files(&dir.path().join("log")) {
        if file.ends_with("0001.tst") {
            continue;
        }
        let bytes = fs::read(&file).unwrap();
        let mut other = bytes.clone();
        let at = other.len() / 2;
        other[at] ^= 1;
        fs::write(&file, other).unwrap();
        let said = verify(dir.path(), &dir.path().join("trust.txt"));
        assert_eq!(said.code, 17, "{file:?}: {}", said.text);
        fs::write(&file, bytes).unwrap();
        changed += 1;
    }
    assert!(changed >= 10, "{changed} files");
    assert_eq!(verify(dir.path(), &dir.path().join("trust.txt")).code, 0);
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
    #[cfg(feature = "pdf-signatures")]
    if !fixtures.join("receipts/signed/v1").exists() {
        write_signed(&fixtures.join("receipts/signed/v1"));
    }
    for form in ["archive", "export"].map(|form| fixtures.join("log/v1").join(form)) {
        if !form.join("expected.jsonl").exists() {
            fs::write(form.join("expected.jsonl"), audited(&form).text).unwrap();
        }
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
