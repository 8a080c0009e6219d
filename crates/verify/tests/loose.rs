//! Loose files: a PDF with its receipt and its proof, in one folder under any names or named on the command line, get the verdict that the
//! whole export gets; and so does the copy of a bucket.
#![allow(clippy::unwrap_used)]

mod common;

use common::log::*;
use common::*;
use std::fs;
use std::path::{Path, PathBuf};

/// A folder for what somebody was handed, and what there is to hand out: an export of A with two revisions and its proofs.
struct Case {
    dir: tempfile::TempDir,
}

impl Case {
    fn new() -> Case {
        let dir = tempfile::tempdir().unwrap();
        export(&dir.path().join("export"), A, 2, &key());
        let first = manifest(A, None);
        let entries = entries(&[&first, &manifest(B, None), &manifest(A, Some(&first))]);
        for (revision, index) in [(1, 0), (2, 2)] {
            let name = format!("r{revision:04}");
            write(dir.path().join(format!("export/data/{A}/{name}/{name}.tlog-proof")), proof(&entries, index).to_string());
        }
        write_copy(&dir.path().join("log"), &entries);
        trust_with_log(dir.path());
        fs::create_dir(dir.path().join("hand")).unwrap();
        Case { dir }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Hands out a file of a revision under another name.
    fn hand(&self, revision: u32, file: &str, name: &str) {
        fs::copy(self.path(&format!("export/data/{A}/r{revision:04}/{file}")), self.path("hand").join(name)).unwrap();
    }

    /// PDF, receipt and proof of a revision.
    fn hand_three(&self, revision: u32) {
        let stem = format!("r{revision:04}");
        self.hand(revision, "searchable.pdf", &format!("QĐ 51 ({revision}).pdf"));
        self.hand(revision, &format!("{stem}.dsse.json"), &format!("{stem}.dsse.json"));
        self.hand(revision, &format!("{stem}.tlog-proof"), &format!("{stem}.tlog-proof"));
    }

    fn said(&self, paths: &[PathBuf], more: &[&str]) -> Said {
        let trust = self.path("trust.txt");
        let paths: Vec<&str> = paths.iter().map(|path| path.to_str().unwrap()).collect();
        run(&[paths.as_slice(), &["--trust", trust.to_str().unwrap(), "--json"], more].concat())
    }

    /// The same of the folder and of its files by name.
    fn both(&self, check: impl Fn(&Said)) {
        check(&self.said(&[self.path("hand")], &[]));
        check(&self.said(&files(&self.path("hand")), &[]));
    }
}

#[test]
fn a_pdf_with_its_receipt_and_proof_is_judged_like_the_export() {
    let case = Case::new();
    let whole = case.said(&[case.path("export")], &[]);
    whole.expect(0, A, "ok", "");
    case.hand_three(2);
    case.both(|said| {
        said.expect(0, A, "ok", "");
        assert_eq!(said.lines.len(), 1, "{}", said.text);
        for member in ["revision", "key", "key_name", "sealed_at", "state", "log_index"] {
            assert_eq!(said.lines[0][member], whole.lines[0][member], "{member}");
        }
        assert_eq!(said.lines[0]["absent"], serde_json::json!(["source.png", "text.json"]));
    });
    // the plain manifest, other objects, and receipt and proof under other names
    case.hand(2, "manifest.json", "ban-ke.json");
    case.hand(2, "source.png", "scan.png");
    fs::rename(case.path("hand/r0002.dsse.json"), case.path("hand/bien-nhan.json")).unwrap();
    fs::rename(case.path("hand/r0002.tlog-proof"), case.path("hand/bang-chung.tlog-proof")).unwrap();
    let said = case.said(&files(&case.path("hand")), &[]);
    said.expect(0, A, "ok", "");
    assert_eq!(said.lines[0]["absent"], serde_json::json!(["text.json"]));
}

#[test]
fn a_pdf_that_was_changed_or_is_another_is_altered() {
    let case = Case::new();
    case.hand_three(1);
    let pdf = case.path("hand/QĐ 51 (1).pdf");
    for change in ["append", "byte", "other"] {
        let good = fs::read(case.path(&format!("export/data/{A}/r0001/searchable.pdf"))).unwrap();
        let bytes = match change {
            // what an incremental update does to a PDF, signed or not
            "append" => [good, b"\n%%EOF appended".to_vec()].concat(),
            "byte" => [b"S".to_vec(), good[1..].to_vec()].concat(),
            _ => b"another paper".to_vec(),
        };
        fs::write(&pdf, bytes).unwrap();
        case.both(|said| {
            assert_eq!(said.code, 10, "{change}: {}", said.text);
            let line = said.lines.iter().find(|line| line["verdict"] == "altered").unwrap();
            assert!(line["path"].as_str().unwrap().ends_with("QĐ 51 (1).pdf"), "{}", said.text);
        });
    }
}

/// Threat: an old version is replayed.
#[test]
fn an_old_revision_beside_a_later_receipt_is_superseded() {
    let case = Case::new();
    case.hand_three(1);
    case.both(|said| said.expect(0, A, "ok", ""));
    case.hand(2, "r0002.dsse.json", "r0002.dsse.json");
    case.hand(2, "r0002.tlog-proof", "r0002.tlog-proof");
    case.both(|said| {
        let line = said.about(A);
        assert_eq!((said.code, &line["verdict"], &line["revision"]), (20, &"superseded".into(), &1.into()), "{}", said.text);
        assert!(line["reason"].as_str().unwrap().contains("revision 2 took its place"), "{}", said.text);
    });
    // as of the day of the first it was the latest
    let said = case.said(&[case.path("hand")], &["--at", "2026-11-22T10:00:00+07:00"]);
    said.expect(0, A, "ok", "");
    assert_eq!(said.about(A)["revision"], 1);
}

#[test]
fn as_of_a_time_a_later_receipt_beside_the_pdf_does_not_count() {
    let case = Case::new();
    case.hand_three(1);
    case.hand(2, "r0002.dsse.json", "r0002.dsse.json");
    let first = manifest(A, None);
    let entries = entries(&[&first, &manifest(B, None), &manifest(A, Some(&first))]);
    for (revision, index, size, times) in [
        (1, 0, 1, [(0, "2026-11-22T09:40:00+07:00"), (1, "2026-11-22T09:41:00+07:00")]),
        (2, 2, 3, [(0, "2026-11-22T10:40:00+07:00"), (1, "2026-11-22T10:41:00+07:00")]),
    ] {
        let mut proof = proof(&entries[..size], index);
        proof.checkpoint = cosigned(proof.checkpoint, &times);
        write(case.path(&format!("hand/r{revision:04}.tlog-proof")), proof.to_string());
    }
    trust_with_witnesses(case.dir.path(), "");
    let at = |time: &str| case.said(&[case.path("hand")], &["--at", time]);
    for (time, code, verdict) in [
        ("2026-11-22T09:00:00+07:00", 15, "not_yet"),
        ("2026-11-22T09:40:30+07:00", 18, "unlogged"),
        ("2026-11-22T10:00:00+07:00", 0, "ok"),
        ("2026-11-22T10:40:30+07:00", 20, "superseded"),
        ("2050-01-01", 20, "superseded"),
    ] {
        let said = at(time);
        assert_eq!((said.code, said.about(A)["verdict"].as_str()), (code, Some(verdict)), "{time}: {}", said.text);
    }
    assert_eq!(at("2026-11-22T10:00:00+07:00").about(A)["time"]["before"], "2026-11-22T09:41:00+07:00");
}

/// A proof may bring an older checkpoint that lacks the leaf: then both ends are told, and a false one is found.
#[test]
fn a_proof_that_brings_an_older_checkpoint_tells_both_ends() {
    let case = Case::new();
    case.hand_three(2);
    trust_with_witnesses(case.dir.path(), "time-tolerance 300");
    let first = manifest(A, None);
    let entries = entries(&[&first, &manifest(B, None), &manifest(A, Some(&first))]);
    let hashes: Vec<_> = entries.iter().map(|entry| sohoa_record::log::tree::leaf_hash(entry)).collect();
    let with = |old: &[Vec<u8>], consistency: Vec<sohoa_record::log::Hash>, claimed: [&str; 2]| {
        let checkpoint = cosigned(checkpoint(old), &[(0, claimed[0]), (1, claimed[1])]);
        let older = sohoa_record::log::OlderCheckpoint { hashes: consistency, checkpoint };
        let mut proof = proof(&entries, 2);
        proof.checkpoint = cosigned(proof.checkpoint, &[(0, "2026-11-22T10:40:00+07:00"), (1, "2026-11-22T10:41:00+07:00")]);
        proof.extra = Some(older.to_string().into_bytes());
        write(case.path("hand/r0002.tlog-proof"), proof.to_string());
        case.said(&[case.path("hand")], &[])
    };
    let nine = ["2026-11-22T09:40:00+07:00", "2026-11-22T09:41:00+07:00"];
    let said = with(&entries[..2], vec![hashes[2]], nine);
    said.expect(0, A, "ok", "");
    let time = &said.about(A)["time"];
    assert_eq!((&time["after"], &time["before"]), (&"2026-11-22T09:40:00+07:00".into(), &"2026-11-22T10:41:00+07:00".into()));
    // it says to be sealed at 10:30:05; a quorum saw the log without it at 10:36
    let said = with(&entries[..2], vec![hashes[2]], ["2026-11-22T10:36:00+07:00", "2026-11-22T10:37:00+07:00"]);
    said.expect(19, A, "bad_time", "r0002.dsse.json");
    // another history, one that has the leaf, a proof that is none
    for (old, consistency) in [
        (vec![entries[1].clone(), entries[0].clone()], vec![hashes[2]]),
        (entries.clone(), vec![]),
        (entries[..2].to_vec(), vec![]),
    ] {
        let said = with(&old, consistency, nine);
        assert_eq!((said.code, said.about(A)["verdict"].as_str()), (17, Some("bad_log")), "{}", said.text);
        assert!(said.text.contains("does not continue the older one"), "{}", said.text);
    }
}

/// Threat: a later amendment is withheld.
#[test]
fn a_later_revision_that_only_a_copy_of_the_log_knows_is_withheld() {
    let case = Case::new();
    case.hand_three(1);
    let log = case.path("log");
    let said = case.said(&[case.path("hand")], &["--log", log.to_str().unwrap()]);
    said.expect(16, A, "withheld", "");
    assert_eq!(said.about(A)["revision"], 2);
}

#[test]
fn what_lacks_is_told() {
    let case = Case::new();
    case.hand_three(1);
    fs::remove_file(case.path("hand/r0001.tlog-proof")).unwrap();
    case.both(|said| assert_eq!((said.code, said.about(A)["verdict"].as_str()), (18, Some("unlogged")), "{}", said.text));
    // the proof of another revision proves nothing of this one
    case.hand(2, "r0002.tlog-proof", "x.tlog-proof");
    case.both(|said| assert_eq!((said.code, said.about(A)["verdict"].as_str()), (17, Some("bad_log")), "{}", said.text));
    case.hand_three(1);
    case.both(|said| said.expect(0, A, "ok", ""));
    fs::remove_file(case.path("hand/QĐ 51 (1).pdf")).unwrap();
    case.both(|said| assert_eq!((said.code, said.about(A)["verdict"].as_str()), (11, Some("missing")), "{}", said.text));
    // without any receipt nothing can be said
    let said = case.said(&[case.path("hand/x.tlog-proof")], &[]);
    assert!(said.code == 1 && said.errors.contains("no receipt"), "{}", said.errors);
    // a receipt that is not believed
    write(
        case.path("trust.txt"),
        sohoa_record::trust::policy_line(&ed25519_dalek::SigningKey::from_bytes(&OTHER_KEY).verifying_key(), "x"),
    );
    case.hand_three(1);
    case.both(|said| assert_eq!((said.code, said.verdicts()), (13, vec!["unknown_key"]), "{}", said.text));
}

#[test]
fn a_link_is_not_read() {
    let case = Case::new();
    case.hand_three(1);
    fs::remove_file(case.path("hand/QĐ 51 (1).pdf")).unwrap();
    std::os::unix::fs::symlink(case.path(&format!("export/data/{A}/r0001/searchable.pdf")), case.path("hand/x.pdf")).unwrap();
    let said = case.said(&[case.path("hand")], &[]);
    assert_eq!((said.code, said.verdicts()), (11, vec!["unreferenced", "missing"]), "{}", said.text);
}

/// A bucket's copy as synchronizing tools make it: the same names, no empty folders, other times, perhaps below a prefix.
#[test]
fn a_copy_of_a_bucket_is_judged_like_the_archive() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("archive");
    let (a, b) = (store(&root, A, 2, &key()), store(&root, B, 1, &key()));
    write_log(&root.join("log"), &entries(&[&a[0], &b[0], &a[1]]), &[1, 2]);
    fs::create_dir_all(root.join("records/0193a5c2-7e1b-7c3d-9f00-00000000000c")).unwrap();
    let copy = dir.path().join("bucket/kho/2026");
    for file in files(&root) {
        write(copy.join(file.strip_prefix(&root).unwrap()), fs::read(&file).unwrap());
    }
    let trust = trust_with_log(dir.path());
    for (place, prefix) in [(copy.clone(), ""), (dir.path().join("bucket"), "kho/2026/")] {
        let said = verify(&place, &trust);
        said.expect(0, A, "ok", "");
        assert_eq!(said.verdict_at(&format!("{prefix}records/{B}")), Some("ok"), "{}", said.text);
    }
    fs::remove_dir_all(copy.join(arrivals(&a[0]))).unwrap();
    taken_away(&copy, &trust);
}

fn taken_away(copy: &Path, trust: &Path) {
    fs::remove_file(receipt_path(copy, A, 2)).unwrap();
    assert_eq!(verify(copy, trust).about(A)["more"][0]["verdict"], "withheld");
    // a record with two revisions: both are told
    fs::remove_dir_all(copy.join("records").join(A)).unwrap();
    let said = verify(copy, trust);
    let line = said.about(A);
    assert_eq!((&line["verdict"], &line["revision"], &line["more"][0]["revision"]), (&"withheld".into(), &1.into(), &2.into()));
}
