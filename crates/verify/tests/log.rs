//! What the log betrays that receipts alone do not: whatever was taken away, replaced, or sealed beside it.
#![allow(clippy::unwrap_used)]

mod common;

use common::log::*;
use common::*;
use std::fs;

struct Case {
    dir: tempfile::TempDir,
    a: Vec<Manifest>,
    b: Vec<Manifest>,
}

use sohoa_record::Manifest;

impl Case {
    /// Two records, three receipts, all logged.
    fn new() -> Case {
        let dir = tempfile::tempdir().unwrap();
        let (a, b) = (store(dir.path(), A, 2, &key()), store(dir.path(), B, 1, &key()));
        let case = Case { dir, a, b };
        write_log(&case.root().join("log"), &case.entries(), &[1, 2]);
        case
    }

    fn root(&self) -> &std::path::Path {
        self.dir.path()
    }

    fn entries(&self) -> Vec<Vec<u8>> {
        entries(&[&self.a[0], &self.b[0], &self.a[1]])
    }

    fn verify(&self) -> Said {
        let trust = tempfile::tempdir().unwrap();
        verify(self.root(), &trust_with_log(trust.path()))
    }
}

#[test]
fn a_whole_archive_is_in_its_log() {
    let case = Case::new();
    let said = case.verify();
    said.expect(0, A, "ok", "");
    assert_eq!((&said.about(A)["log_index"], &said.about(B)["log_index"]), (&2.into(), &1.into()));
    let trust = tempfile::tempdir().unwrap();
    let arguments = [case.root().to_str().unwrap(), "--trust", trust_with_log(trust.path()).to_str().unwrap()].map(str::to_owned);
    let text = run(&arguments.iter().map(String::as_str).collect::<Vec<_>>()).text;
    assert!(!text.contains("lấy đi trọn") && text.contains("--since"), "{text}");
}

#[test]
fn a_policy_without_a_log_asks_for_none() {
    let case = Case::new();
    let trust = tempfile::tempdir().unwrap();
    fs::remove_dir_all(case.root().join("log")).unwrap();
    verify(case.root(), &common::trust(trust.path())).expect(0, A, "ok", "");
}

#[test]
fn a_later_revision_that_was_taken_away_is_withheld() {
    let case = Case::new();
    fs::remove_file(receipt_path(case.root(), A, 2)).unwrap();
    let said = case.verify();
    said.expect(16, A, "withheld", "");
    let line = said.about(A);
    assert!(line["reason"].as_str().unwrap().contains("leaf 2 of the log"), "{line}");
    assert!(line["reason_vi"].as_str().unwrap().contains("bị giấu"), "{line}");
    assert_eq!(line["revision"], 2);
    // without the log nobody can tell
    let trust = tempfile::tempdir().unwrap();
    verify(case.root(), &common::trust(trust.path())).expect(0, A, "ok", "");
}

#[test]
fn a_record_that_was_taken_away_with_everything_is_withheld() {
    let case = Case::new();
    fs::remove_dir_all(case.root().join("records").join(B)).unwrap();
    fs::remove_dir_all(case.root().join(arrivals(&case.b[0]))).unwrap();
    let said = case.verify();
    said.expect(16, B, "withheld", &format!("records/{B}"));
    // its empty folder is no excuse
    fs::create_dir(case.root().join("records").join(B)).unwrap();
    case.verify().expect(16, B, "withheld", "");
}

#[test]
fn a_receipt_beside_the_log_is_unlogged() {
    let case = Case::new();
    write_log(&case.root().join("log"), &entries(&[&case.a[0], &case.a[1]]), &[2]);
    case.verify().expect(18, B, "unlogged", "r0001.dsse.json");
}

#[test]
fn a_receipt_that_was_replaced_is_altered() {
    let case = Case::new();
    let mut other = case.b[0].clone();
    other.salt = "ff".repeat(32);
    write(receipt_path(case.root(), B, 1), Receipt::seal(&other, &key()).to_bytes());
    case.verify().expect(10, B, "altered", "r0001.dsse.json");
}

use sohoa_record::Receipt;

#[test]
fn a_log_that_does_not_hold_is_told_once() {
    for (name, change) in [
        ("log/checkpoint", "signature"),
        ("log/tile/entries/000.p/3", "leaf"),
        ("log/tile/entries/000.p/3", "cut"),
        ("log/tile/entries/000.p/3", "gone"),
        ("log/checkpoint", "gone"),
    ] {
        let case = Case::new();
        let path = case.root().join(name);
        let mut bytes = fs::read(&path).unwrap();
        match change {
            "signature" => bytes = String::from_utf8(bytes).unwrap().replacen("\n3\n", "\n2\n", 1).into_bytes(),
            "leaf" => {
                let at = bytes.windows(5).position(|w| w == b"\"sig\"").unwrap() + 10;
                bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
            }
            "cut" => bytes.truncate(bytes.len() - 1),
            _ => {}
        }
        if change == "gone" {
            fs::remove_file(&path).unwrap()
        } else {
            write(&path, bytes)
        }
        let said = case.verify();
        assert_eq!(said.code, 17, "{name} {change}: {}", said.text);
        assert_eq!(said.verdicts().iter().filter(|v| **v == "bad_log").count(), 1, "{name} {change}: {}", said.text);
        assert_eq!(said.about(A)["verdict"], "ok", "what is sealed is still whole");
    }
}

#[test]
fn a_log_of_another_key_is_not_believed() {
    let case = Case::new();
    let trust = tempfile::tempdir().unwrap();
    let other = sohoa_record::log::NoteSigner::new(ORIGIN, ed25519_dalek::SigningKey::from_bytes(&OTHER_KEY)).unwrap();
    let policy = sohoa_record::trust::policy_line(&key().verifying_key(), "test");
    write(trust.path().join("trust.txt"), format!("{policy}\nlog {}\nquorum none\n", other.public()));
    let said = verify(case.root(), &trust.path().join("trust.txt"));
    assert_eq!((said.code, said.verdict_at("log/checkpoint")), (17, Some("bad_log")), "{}", said.text);
}

/// The program with --since and more.
fn since(case: &Case, kept: &[Vec<u8>]) -> Said {
    let own = tempfile::tempdir().unwrap();
    let (trust, kept_file) = (trust_with_log(own.path()), own.path().join("kept"));
    write(&kept_file, checkpoint(kept).to_string());
    run(&[case.root().to_str().unwrap(), "--trust", trust.to_str().unwrap(), "--since", kept_file.to_str().unwrap(), "--json"])
}

#[test]
fn the_log_must_continue_what_the_auditor_kept() {
    let case = Case::new();
    let all = case.entries();
    for n in 0..=3 {
        since(&case, &all[..n]).expect(0, A, "ok", "");
    }
    // rewritten: as long, or longer
    let rewritten = since(&case, &[all[1].clone(), all[0].clone()]);
    assert_eq!((rewritten.code, rewritten.verdict_at("log/checkpoint")), (17, Some("bad_log")), "{}", rewritten.text);
    // taken back
    let longer = [all.clone(), entries(&[&manifest(B, Some(&case.b[0]))])].concat();
    let back = since(&case, &longer);
    assert_eq!(back.code, 17);
    assert!(back.text.contains("the kept checkpoint has 4 leaves, this one 3"), "{}", back.text);
    // nothing to compare with
    fs::remove_dir_all(case.root().join("log")).unwrap();
    assert!(since(&case, &all).text.contains("no log here to hold the kept checkpoint against"));
}

/// An export of record A with its proofs, and the log's entries.
fn exported() -> (tempfile::TempDir, Vec<Vec<u8>>) {
    let dir = tempfile::tempdir().unwrap();
    export(dir.path(), A, 2, &key());
    let first = manifest(A, None);
    let entries = entries(&[&first, &manifest(B, None), &manifest(A, Some(&first))]);
    for (revision, index) in [(1, 0), (2, 2)] {
        let path = dir.path().join(format!("data/{A}/r{revision:04}/r{revision:04}.tlog-proof"));
        write(path, proof(&entries, index).to_string());
    }
    (dir, entries)
}

#[test]
fn an_export_is_believed_by_its_proofs() {
    let (dir, entries) = exported();
    let trust = tempfile::tempdir().unwrap();
    let policy = trust_with_log(trust.path());
    let said = verify(dir.path(), &policy);
    said.expect(0, A, "ok", "");
    assert_eq!((said.verdicts().len(), &said.about(A)["log_index"]), (1, &2.into()));
    // an auditor who asks for no log is not told of stray files
    assert_eq!(verify(dir.path(), &common::trust(trust.path())).verdicts(), ["ok"]);
    trust_with_log(trust.path());

    let second = dir.path().join(format!("data/{A}/r0002/r0002.tlog-proof"));
    for (changed, code, verdict) in [
        (Some(proof(&entries, 0).to_string()), 17, "bad_log"),
        (Some(proof(&entries, 2).to_string().replacen("index 2", "index 1", 1)), 17, "bad_log"),
        (Some("c2sp.org/tlog-proof@v1\n".into()), 17, "bad_log"),
        (None, 18, "unlogged"),
    ] {
        match changed {
            Some(text) => write(&second, text),
            None => fs::remove_file(&second).unwrap(),
        }
        let said = verify(dir.path(), &policy);
        assert_eq!(
            (said.code, said.about(A)["verdict"].as_str().unwrap(), &said.about(A)["revision"]),
            (code, verdict, &2.into()),
            "{}",
            said.text
        );
    }
}

#[test]
fn a_copy_of_the_log_betrays_what_an_export_leaves_out() {
    let (dir, entries) = exported();
    let own = tempfile::tempdir().unwrap();
    let trust = trust_with_log(own.path());
    write_copy(&own.path().join("log"), &entries);
    fs::remove_dir_all(dir.path().join(format!("data/{A}/r0002"))).unwrap();
    verify(dir.path(), &trust).expect(0, A, "ok", "");
    let with_log = |log: &str| {
        let log = own.path().join(log);
        run(&[dir.path().to_str().unwrap(), "--trust", trust.to_str().unwrap(), "--log", log.to_str().unwrap(), "--json"])
    };
    with_log("log").expect(16, A, "withheld", "");
    assert_eq!(with_log("elsewhere").code, 2);
}
