//! Time: between which two witnessed moments a record was logged, what a false claim of time comes to, and the verdict as of a day.
//! The threats are those of `docs/evidence.md`.
#![allow(clippy::unwrap_used)]

mod common;

use common::log::*;
use common::*;
use sohoa_record::{Manifest, Receipt};
use std::fs;
use std::path::PathBuf;

/// A's revision 1 is sealed at 09:30:05, B's at 09:30:05, A's revision 2 at 10:30:05 of 2026-11-22. Witnesses see the log of two leaves
/// around 09:40 and that of three around 10:40.
struct Case {
    dir: tempfile::TempDir,
    entries: Vec<Vec<u8>>,
}

const FIRST: [(usize, &str); 3] =
    [(0, "2026-11-22T09:40:00+07:00"), (1, "2026-11-22T09:41:00+07:00"), (2, "2026-11-22T09:42:00+07:00")];
const SECOND: [(usize, &str); 2] = [(0, "2026-11-22T10:40:00+07:00"), (2, "2026-11-22T10:42:00+07:00")];

impl Case {
    fn new() -> Case {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("archive");
        let (a, b) = (store(&root, A, 2, &key()), store(&root, B, 1, &key()));
        let entries = entries(&[&a[0], &b[0], &a[1]]);
        let case = Case { dir, entries };
        write_log(&root.join("log"), &case.entries, &[2, 1]);
        case.publish(&FIRST, &SECOND);
        trust_with_witnesses(case.dir.path(), "time-tolerance 300");
        case
    }

    fn root(&self) -> PathBuf {
        self.dir.path().join("archive")
    }

    /// The cosigned checkpoints of two and three leaves.
    fn publish(&self, first: &[(usize, &str)], second: &[(usize, &str)]) {
        let (two, three) = (cosigned(checkpoint(&self.entries[..2]), first), cosigned(checkpoint(&self.entries), second));
        write(self.root().join("log/cosigned/00000000000000000002"), two.to_string());
        write(self.root().join("log/cosigned/00000000000000000003"), three.to_string());
        write(self.root().join("log/checkpoint"), three.to_string());
    }

    fn said(&self, more: &[&str]) -> Said {
        let (root, trust) = (self.root(), self.dir.path().join("trust.txt"));
        run(&[&[root.to_str().unwrap(), "--trust", trust.to_str().unwrap()], more].concat())
    }

    fn json(&self, more: &[&str]) -> Said {
        self.said(&[more, &["--json"]].concat())
    }

    /// Replaces B's receipt by one that claims another time, in archive and log.
    fn claim(&mut self, sealed_at: &str) {
        let mut b: Manifest = manifest(B, None);
        b.sealed_at = sealed_at.into();
        write(receipt_path(&self.root(), B, 1), Receipt::seal(&b, &key()).to_bytes());
        self.entries[1] = entries(&[&b]).remove(0);
        write_log(&self.root().join("log"), &self.entries, &[2, 1]);
        self.publish(&FIRST, &SECOND);
    }
}

#[test]
fn a_record_is_told_with_the_two_moments_between_which_it_was_logged() {
    let case = Case::new();
    let said = case.json(&[]);
    said.expect(0, A, "ok", "");
    let time = &said.about(A)["time"];
    // of three times the quorum of two stands for the second
    assert_eq!(time["after"], "2026-11-22T09:41:00+07:00", "{}", said.text);
    assert_eq!((&time["before"], &time["witnesses"]), (&"2026-11-22T10:42:00+07:00".into(), &2.into()));
    let time = &said.about(B)["time"];
    assert_eq!((&time["after"], &time["before"]), (&serde_json::Value::Null, &"2026-11-22T09:41:00+07:00".into()));
    let (vi, en) = (case.said(&[]).text, case.said(&["--lang", "en"]).text);
    assert!(vi.contains("vào nhật ký giữa 2026-11-22 09:41:00 và 2026-11-22 10:42:00 (2 nhân chứng)"), "{vi}");
    assert!(en.contains("logged between 2026-11-22 09:41:00 and 2026-11-22 10:42:00 (2 witnesses)"), "{en}");
    assert!(en.contains("logged before 2026-11-22 09:41:00 (3 witnesses)"), "{en}");
}

#[test]
fn a_checkpoint_that_the_auditor_kept_is_a_moment_too() {
    let case = Case::new();
    fs::remove_dir_all(case.root().join("log/cosigned")).unwrap();
    assert_eq!(case.json(&[]).about(A)["time"]["after"], serde_json::Value::Null);
    let kept = case.dir.path().join("kept");
    write(&kept, cosigned(checkpoint(&case.entries[..2]), &FIRST).to_string());
    let said = case.json(&["--since", kept.to_str().unwrap()]);
    assert_eq!((said.code, &said.about(A)["time"]["after"]), (0, &"2026-11-22T09:41:00+07:00".into()), "{}", said.text);
    // two of them, the older of one leaf
    let older = case.dir.path().join("older");
    write(&older, cosigned(checkpoint(&case.entries[..1]), &[(0, FIRST[0].1), (1, "2026-11-22T09:35:00+07:00")]).to_string());
    let said = case.json(&["--since", kept.to_str().unwrap(), "--since", older.to_str().unwrap()]);
    assert_eq!(said.about(B)["time"]["after"], "2026-11-22T09:35:00+07:00", "{}", said.text);
    let text = case.said(&["--since", kept.to_str().unwrap(), "--lang", "en"]).text;
    assert!(!text.contains("--since"), "a kept checkpoint that holds is no more among what cannot be shown: {text}");
}

/// Threat: the operator back-dates.
#[test]
fn a_record_that_was_dated_back_is_bad_time() {
    let mut case = Case::new();
    // B's leaf moves behind the first witnessed checkpoint: logged after 09:41, and it says to be sealed a year before
    let mut b = manifest(B, None);
    b.sealed_at = "2025-11-22T09:30:05+07:00".into();
    write(receipt_path(&case.root(), B, 1), Receipt::seal(&b, &key()).to_bytes());
    let a = manifest(A, None);
    case.entries = entries(&[&a, &manifest(A, Some(&a)), &b]);
    write_log(&case.root().join("log"), &case.entries, &[2, 1]);
    case.publish(&[(0, "2026-11-22T10:35:00+07:00"), (1, "2026-11-22T10:36:00+07:00")], &SECOND);
    let said = case.json(&[]);
    said.expect(19, B, "bad_time", "r0001.dsse.json");
    assert!(said.about(B)["reason"].as_str().unwrap().contains("it may be dated back"), "{}", said.text);
    assert_eq!(said.about(A)["verdict"], "ok");
    // a policy that tolerates a year does not tell
    trust_with_witnesses(case.dir.path(), "time-tolerance 40000000");
    assert_eq!(case.json(&[]).about(B)["verdict"], "ok");
}

/// Threat: the operator dates forward, or a stolen key seals with a later date under an old leaf.
#[test]
fn a_record_that_claims_a_time_after_its_leaf_was_seen_is_bad_time() {
    let mut case = Case::new();
    case.claim("2026-11-22T09:46:00+07:00");
    assert_eq!(case.json(&[]).about(B)["verdict"], "ok", "five minutes are tolerated");
    case.claim("2026-11-22T09:46:01+07:00");
    case.json(&[]).expect(19, B, "bad_time", "r0001.dsse.json");
    // by default a day is tolerated
    trust_with_witnesses(case.dir.path(), "");
    assert_eq!(case.json(&[]).about(B)["verdict"], "ok");
}

/// Threat: one lying witness. Its time moves no bound past those of the honest ones.
#[test]
fn one_witness_with_a_wrong_clock_moves_no_verdict() {
    let case = Case::new();
    case.publish(
        &[(0, "1999-01-01T00:00:00+07:00"), FIRST[1], FIRST[2]],
        &[SECOND[0], SECOND[1], (1, "2049-01-01T00:00:00+07:00")],
    );
    let said = case.json(&[]);
    said.expect(0, A, "ok", "");
    assert_eq!((&said.about(A)["time"]["after"], &said.about(A)["time"]["before"]), (&FIRST[1].1.into(), &SECOND[1].1.into()));
}

/// Threat: equivocation. A checkpoint of another history that witnesses cosigned lies beside the log, or was kept by the auditor.
#[test]
fn two_cosigned_histories_are_bad_log() {
    let case = Case::new();
    let other = [case.entries[1].clone(), case.entries[0].clone()];
    let fork = cosigned(checkpoint(&other), &FIRST).to_string();
    let file = case.root().join("log/cosigned/00000000000000000002");
    write(&file, &fork);
    let said = case.json(&[]);
    assert_eq!((said.code, said.verdict_at("log/cosigned/00000000000000000002")), (17, Some("bad_log")), "{}", said.text);
    assert!(said.text.contains("two histories were signed"), "{}", said.text);
    // a changed cosignature, another tree's name, a checkpoint beyond the log: taken back
    let good = cosigned(checkpoint(&case.entries[..2]), &FIRST).to_string();
    let at = good.find("w2.example").unwrap() + 60;
    let changed = format!("{}{}{}", &good[..at], if &good[at..=at] == "A" { "B" } else { "A" }, &good[at + 1..]);
    for (name, text) in [
        ("00000000000000000002", changed),
        ("00000000000000000001", good.clone()),
        ("00000000000000000004", cosigned(checkpoint(&[case.entries.clone(), other.to_vec()].concat()[..4]), &FIRST).to_string()),
    ] {
        fs::remove_dir_all(case.root().join("log/cosigned")).unwrap();
        write(case.root().join("log/cosigned").join(name), text);
        let said = case.json(&[]);
        assert_eq!((said.code, said.verdict_at(&format!("log/cosigned/{name}"))), (17, Some("bad_log")), "{name}: {}", said.text);
    }
    // one that this auditor's witnesses did not cosign says nothing
    fs::remove_dir_all(case.root().join("log/cosigned")).unwrap();
    write(case.root().join("log/cosigned/00000000000000000002"), checkpoint(&case.entries[..2]).to_string());
    let said = case.json(&[]);
    assert_eq!((said.code, &said.about(A)["time"]["after"]), (0, &serde_json::Value::Null), "{}", said.text);
}

#[test]
fn too_few_witnesses_are_bad_log() {
    let case = Case::new();
    case.publish(&FIRST, &SECOND[..1]);
    let said = case.json(&[]);
    assert_eq!((said.code, said.verdict_at("log/checkpoint")), (17, Some("bad_log")), "{}", said.text);
}

#[test]
fn a_verdict_as_of_a_day_knows_only_what_was_there_then() {
    let case = Case::new();
    let at = |time: &str| case.json(&["--at", time]);
    // before anything was sealed
    let said = at("2026-11-22T09:00:00+07:00");
    assert_eq!((said.code, said.verdicts()), (15, vec!["not_yet", "not_yet"]), "{}", said.text);
    // sealed, and no quorum of witnesses had seen it
    let said = at("2026-11-22T09:40:30+07:00");
    assert_eq!((said.code, said.verdicts()), (18, vec!["unlogged", "unlogged"]), "{}", said.text);
    assert!(said.text.contains("as of the time asked for, no quorum"), "{}", said.text);
    // witnessed; of A revision 1 was the latest
    let said = at("2026-11-22T09:41:00+07:00");
    assert_eq!((said.code, said.verdicts()), (0, vec!["ok", "ok"]), "{}", said.text);
    assert_eq!((&said.about(A)["revision"], &said.about(A)["time"]["before"]), (&1.into(), &FIRST[1].1.into()));
    // what happened to the later revision does not concern that day
    let path = receipt_path(&case.root(), A, 2);
    let bytes = fs::read(&path).unwrap();
    fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
    assert_eq!(case.json(&[]).about(A)["verdict"], "malformed");
    fs::remove_file(&path).unwrap();
    assert_eq!(case.json(&[]).about(A)["verdict"], "withheld");
    assert_eq!(at("2026-11-22T10:00:00+07:00").about(A)["verdict"], "ok");
    assert_eq!(at("2026-11-22").about(A)["verdict"], "withheld", "a day ends at midnight");
    assert_eq!(run(&["x", "--trust", "y", "--at", "soon"]).code, 2);
}

/// "Verify in 2050": the verdict is the same, since nothing asks the clock.
#[test]
fn a_verdict_in_2050_is_that_of_today() {
    let case = Case::new();
    let (now, then) = (case.json(&[]), case.json(&["--at", "2050-01-01"]));
    assert_eq!((now.code, &now.lines), (0, &then.lines), "{}", then.text);
    for file in files(&PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src")) {
        let source = fs::read_to_string(&file).unwrap();
        for clock in ["SystemTime", "Instant", "Timestamp::now", "Zoned::now"] {
            assert!(!source.contains(clock), "{file:?} reads the clock: {clock}");
        }
    }
}
