//! Lawful destruction as an auditor sees it: who destroyed what on which basis; and whatever is gone without a tombstone that counts is
//! missed as ever.
#![allow(clippy::unwrap_used)]

mod common;

use common::log::*;
use common::*;
use sohoa_record::tombstone::{OpenedTombstone, Tombstone};
use sohoa_record::{Manifest, Sha256Hex, TrustPolicy};
use std::fs;
use std::path::{Path, PathBuf};

const BASIS: &str = "QĐ 12/QĐ-UBND, Luật Lưu trữ 33/2024/QH15";

struct Case {
    dir: tempfile::TempDir,
    a: Vec<Manifest>,
    b: Vec<Manifest>,
    tombstone: Tombstone,
}

impl Case {
    /// Two records; the first, of two revisions, has a tombstone and is still there.
    fn begun() -> Case {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("archive");
        let (a, b) = (store(&root, A, 2, &key()), store(&root, B, 1, &key()));
        let digests: Vec<Sha256Hex> = a.iter().map(|m| Sha256Hex::of(&m.to_bytes())).collect();
        let revisions: Vec<_> = a.iter().zip(&digests).collect();
        let at = "2046-01-15T08:00:00+07:00".to_owned();
        let tombstone = Tombstone::of(&revisions, BASIS, "Trần Thị Bình", at, "ab".repeat(32)).unwrap();
        let case = Case { dir, a, b, tombstone };
        write(receipt_path(&root, A, 3), case.tombstone.seal(&key()).to_bytes());
        case.log(true);
        case
    }

    /// The same, destroyed to the end.
    fn destroyed() -> Case {
        let case = Case::begun();
        case.note();
        for (revision, manifest) in (1..).zip(&case.a) {
            for object in &manifest.objects {
                let _ = fs::remove_file(object_path(&case.root(), &object.digests.sha256));
            }
            fs::remove_file(receipt_path(&case.root(), A, revision)).unwrap();
        }
        fs::remove_file(case.root().join(arrivals(&case.a[0])).join("first.json")).unwrap();
        case
    }

    fn note(&self) {
        let note = format!("{{\"format\":\"sohoa-destroyed/1\",\"record\":\"{A}\"}}\n");
        write(self.root().join(arrivals(&self.a[0])).join("destroyed.json"), note);
    }

    fn root(&self) -> PathBuf {
        self.dir.path().join("archive")
    }

    fn opened(&self) -> OpenedTombstone {
        let mut policy = TrustPolicy::default();
        policy.add(key().verifying_key(), "test").unwrap();
        Tombstone::open(&self.tombstone.seal(&key()), &policy).unwrap()
    }

    fn entries(&self, with_tombstone: bool) -> Vec<Vec<u8>> {
        let mut entries = entries(&[&self.a[0], &self.b[0], &self.a[1]]);
        entries.extend(with_tombstone.then(|| self.opened().leaf.to_bytes()));
        entries
    }

    fn log(&self, with_tombstone: bool) {
        let entries = self.entries(with_tombstone);
        write_log(&self.root().join("log"), &entries, &[1, entries.len() - 1]);
    }

    fn trust(&self) -> PathBuf {
        trust_with_log(self.dir.path())
    }

    fn verify(&self) -> Said {
        verify(&self.root(), &self.trust())
    }
}

/// `fixtures/tombstone/v1` verifies for ever, and is what today's code writes. `SOHOA_WRITE_FIXTURES=1` writes it where it is not there yet.
#[test]
fn the_frozen_tombstone_verifies_for_ever() {
    let case = Case::destroyed();
    let frozen = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/tombstone/v1");
    let files = [
        ("r0003.dsse.json", case.tombstone.seal(&key()).to_bytes()),
        ("r0003.tlog-proof", proof(&case.entries(true), 3).to_string().into_bytes()),
        ("trust.txt", fs::read(case.trust()).unwrap()),
    ];
    for (name, bytes) in files {
        let path = frozen.join(name);
        if std::env::var_os("SOHOA_WRITE_FIXTURES").is_some() && !path.exists() {
            write(&path, &bytes);
        }
        assert_eq!(fs::read(&path).unwrap(), bytes, "{name}");
    }
    let [receipt, proof, trust] = ["r0003.dsse.json", "r0003.tlog-proof", "trust.txt"].map(|name| frozen.join(name));
    let said = run_on(&receipt, &trust, &[proof.to_str().unwrap(), "--json"]);
    said.expect(0, A, "destroyed", "");
}

fn run_on(path: &Path, trust: &Path, more: &[&str]) -> Said {
    run(&[&[path.to_str().unwrap(), "--trust", trust.to_str().unwrap()], more].concat())
}

#[test]
fn who_destroyed_a_record_and_on_which_basis_is_told_and_is_no_fault() {
    let case = Case::destroyed();
    let said = case.verify();
    said.expect(0, A, "destroyed", "");
    let line = said.about(A);
    let reason = line["reason"].as_str().unwrap();
    assert!(reason.contains(BASIS) && reason.contains("Trần Thị Bình") && reason.contains("2046-01-15"), "{reason}");
    assert_eq!((&line["revision"], &line["log_index"]), (&3.into(), &3.into()));
    assert_eq!(line["key_name"], "Khóa thử nghiệm");
    assert_eq!(said.verdicts(), ["destroyed", "ok"], "{}", said.text);
    // the counts, the report, and a strict audit say it too
    let (root, trust) = (case.root(), case.trust());
    for language in ["vi", "en"] {
        let said = run_on(&root, &trust, &["--lang", language, "--strict"]);
        assert_eq!(said.code, 0, "{}", said.text);
        assert!(said.text.contains(BASIS) && said.text.contains(if language == "vi" { "ĐÃ TIÊU HỦY" } else { "DESTROYED" }));
    }
    let report = case.dir.path().join("report.html");
    run_on(&root, &trust, &["--report", report.to_str().unwrap()]);
    assert!(fs::read_to_string(report).unwrap().contains(BASIS));
    // without a log in the policy the signature is all there is
    verify(&root, &common::trust(case.dir.path())).expect(0, A, "destroyed", "");
}

#[test]
fn what_is_gone_without_a_tombstone_is_missing_or_withheld_as_before() {
    let case = Case::destroyed();
    fs::remove_file(receipt_path(&case.root(), A, 3)).unwrap();
    let said = case.verify();
    assert_eq!((said.code, said.about(A)["verdict"].as_str()), (16, Some("withheld")), "{}", said.text);
    let case = Case::begun();
    fs::remove_file(object_path(&case.root(), &case.b[0].objects[0].digests.sha256)).unwrap();
    assert_eq!(case.verify().about(B)["verdict"], "missing", "a tombstone answers for its own record only");
}

#[test]
fn a_forged_tombstone_and_one_that_is_not_logged_count_for_nothing() {
    // by a key that nobody believes
    let case = Case::destroyed();
    let stranger = ed25519_dalek::SigningKey::from_bytes(&[9; 32]);
    write(receipt_path(&case.root(), A, 3), case.tombstone.seal(&stranger).to_bytes());
    let said = case.verify();
    assert_eq!((said.code, &said.about(A)["verdict"]), (11, &"missing".into()), "{}", said.text);
    assert!(said.text.contains("unknown_key"), "{}", said.text);
    // of another record
    let case = Case::destroyed();
    let of_b = Tombstone { record: B.parse().unwrap(), ..case.tombstone.clone() };
    write(receipt_path(&case.root(), A, 3), of_b.seal(&key()).to_bytes());
    assert_eq!(case.verify().about(A)["verdict"], "altered");
    // by a stolen key, in no log
    let case = Case::destroyed();
    case.log(false);
    let said = case.verify();
    assert_eq!(said.about(A)["verdict"], "missing", "{}", said.text);
    assert!(said.text.contains("unlogged"), "{}", said.text);
    // other words than those that were logged
    let case = Case::destroyed();
    let other = Tombstone { basis: "QĐ khác".into(), ..case.tombstone.clone() };
    write(receipt_path(&case.root(), A, 3), other.seal(&key()).to_bytes());
    assert_eq!(case.verify().about(A)["verdict"], "altered");
    // one byte changed, anywhere in it
    let case = Case::destroyed();
    let path = receipt_path(&case.root(), A, 3);
    let bytes = fs::read(&path).unwrap();
    for at in (0..bytes.len()).step_by(bytes.len() / 24) {
        let mut changed = bytes.clone();
        changed[at] ^= 1;
        fs::write(&path, &changed).unwrap();
        let said = case.verify();
        assert!(said.code != 0 && said.about(A)["verdict"] != "destroyed", "byte {at}: {}", said.text);
    }
}

#[test]
fn nothing_goes_on_behind_a_tombstone() {
    let case = Case::destroyed();
    let mut later = case.a[1].clone();
    (later.revision, later.previous) = (4, Some(Sha256Hex::of(&case.tombstone.to_bytes())));
    write(receipt_path(&case.root(), A, 4), sohoa_record::Receipt::seal(&later, &key()).to_bytes());
    assert_eq!((case.verify().code, case.verify().about(A)["verdict"].as_str()), (10, Some("altered")));
}

#[test]
fn a_note_of_destruction_without_a_tombstone_is_told() {
    let case = Case::begun();
    let note = format!("{{\"format\":\"sohoa-destroyed/1\",\"record\":\"{B}\"}}\n");
    write(case.root().join(arrivals(&case.b[0])).join("destroyed.json"), note);
    assert_eq!(case.verify().about(B)["verdict"], "altered");
}

#[test]
fn a_destruction_that_was_stopped_is_told_as_that() {
    // nothing is removed yet; then all but the last receipt
    let case = Case::begun();
    let unfinished = |said: Said, left: &str| {
        let line = said.about(A);
        assert_eq!((said.code, line["verdict"].as_str().unwrap()), (0, "destroyed"), "{}", said.text);
        assert!(line["more"].to_string().contains(&format!("not finished: {left} of its receipts")), "{line}");
    };
    unfinished(case.verify(), "2");
    let case = Case::destroyed();
    write(receipt_path(&case.root(), A, 2), sohoa_record::Receipt::seal(&case.a[1], &key()).to_bytes());
    unfinished(case.verify(), "1");
    // a receipt that the tombstone does not name is no rest of it
    let other = Manifest { salt: "cc".repeat(32), ..case.a[1].clone() };
    write(receipt_path(&case.root(), A, 2), sohoa_record::Receipt::seal(&other, &key()).to_bytes());
    assert_eq!(case.verify().about(A)["verdict"], "altered");
}

#[test]
fn an_export_and_loose_files_of_a_destroyed_record_are_judged_by_the_proof() {
    let case = Case::destroyed();
    let trust = case.trust();
    let entries = case.entries(true);
    let (receipt, proof) = (case.tombstone.seal(&key()).to_bytes(), proof(&entries, 3).to_string());
    let bag = case.dir.path().join("bag");
    write(bag.join(format!("data/{A}/r0003/r0003.dsse.json")), &receipt);
    write(bag.join(format!("data/{A}/r0003/r0003.tlog-proof")), &proof);
    verify(&bag, &trust).expect(0, A, "destroyed", "");
    let loose = case.dir.path().join("loose");
    write(loose.join("r0003.dsse.json"), &receipt);
    write(loose.join("r0003.tlog-proof"), &proof);
    verify(&loose, &trust).expect(0, A, "destroyed", "");
    // without its proof it shows nothing
    for folder in [&loose, &bag.join(format!("data/{A}/r0003"))] {
        fs::remove_file(folder.join("r0003.tlog-proof")).unwrap();
    }
    assert_eq!(verify(&loose, &trust).about(A)["verdict"], "unlogged");
    assert_ne!(verify(&bag, &trust).code, 0);
}

#[test]
fn asked_as_of_an_earlier_day_it_is_destroyed_all_the_same() {
    let case = Case::destroyed();
    let said = run_on(&case.root(), &case.trust(), &["--at", "2030-01-01T00:00:00+07:00", "--json"]);
    assert_eq!(said.about(A)["verdict"], "destroyed", "{}", said.text);
}
