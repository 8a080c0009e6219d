//! Freeze: an archive or a log is shown as it was long ago, and what came later is withheld with it. Nothing in it is wrong; only the time at
//! which witnesses last saw it tells.
#![allow(clippy::unwrap_used)]

mod common;

use common::log::*;
use common::*;
use std::fs;
use std::path::PathBuf;

/// What an auditor is shown: the archive of A and B as of 22 November, though A got a second revision on the 23rd. Nothing of that is here.
struct Frozen {
    dir: tempfile::TempDir,
    entries: Vec<Vec<u8>>,
}

const SEEN: [(usize, &str); 3] =
    [(0, "2026-11-22T09:40:00+07:00"), (1, "2026-11-22T09:41:00+07:00"), (2, "2026-11-22T09:42:00+07:00")];
/// A quorum is two of the three, so the second of them is a time for which a quorum stands.
const NEWEST: &str = "2026-11-22 09:41:00";

impl Frozen {
    fn new() -> Frozen {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("archive");
        let (a, b) = (store(&root, A, 1, &key()), store(&root, B, 1, &key()));
        let frozen = Frozen { dir, entries: entries(&[&a[0], &b[0]]) };
        write_log(&root.join("log"), &frozen.entries, &[2]);
        frozen.publish(&SEEN);
        trust_with_witnesses(frozen.dir.path(), "time-tolerance 300");
        frozen
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn publish(&self, seen: &[(usize, &str)]) {
        write(self.path("archive/log/checkpoint"), cosigned(checkpoint(&self.entries), seen).to_string());
    }

    fn said(&self, path: &str, more: &[&str]) -> Said {
        let (path, trust) = (self.path(path), self.path("trust.txt"));
        run(&[&[path.to_str().unwrap(), "--trust", trust.to_str().unwrap()], more].concat())
    }
}

/// Threat: freeze.
#[test]
fn a_log_that_is_shown_as_it_was_long_ago_is_stale() {
    let frozen = Frozen::new();
    // Whoever does not ask for its age is shown nothing wrong, and is told how old it is all the same.
    for (language, words) in [("en", "Witnesses saw this log last at"), ("vi", "Nhân chứng thấy nhật ký này lần cuối lúc")]
    {
        let said = frozen.said("archive", &["--lang", language]);
        assert_eq!(said.code, 0, "{}", said.text);
        let told: String = said.text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(told.contains(&format!("{words} {NEWEST}.")), "{told}");
    }
    let as_of = |day: &str, days: &str| frozen.said("archive", &["--at", day, "--fresh", days, "--json"]);
    let said = as_of("2026-12-22", "7");
    assert_eq!((said.code, said.verdict_at("log/checkpoint")), (23, Some("stale")), "{}", said.text);
    assert_eq!([A, B].map(|record| said.about(record)["verdict"].as_str().unwrap().to_owned()), ["ok", "ok"]);
    let reason = |language: &str| {
        let line = said.lines.iter().find(|line| line["verdict"] == "stale").unwrap();
        line[language].as_str().unwrap().to_owned()
    };
    assert!(reason("reason").contains("2026-11-22T09:41:00+07:00, more than 7 days"), "{}", said.text);
    assert!(reason("reason_vi").contains("2026-11-22T09:41:00+07:00, quá 7 ngày"), "{}", said.text);
    // the border, to the second
    assert_eq!(as_of("2026-11-29T09:41:00+07:00", "7").code, 0);
    assert_eq!(as_of("2026-11-29T09:41:01+07:00", "7").code, 23);
    assert_eq!(as_of("2026-12-22", "31").code, 0);
    let said = frozen.said("archive", &["--at", "2026-12-22", "--lang", "en"]);
    let told: String = said.text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(told.contains(&format!("{NEWEST}, 30 days before the time asked for")), "{told}");
    let report = frozen.path("report.html");
    frozen.said("archive", &["--at", "2026-12-22", "--report", report.to_str().unwrap()]);
    assert!(fs::read_to_string(report).unwrap().contains(&format!("{NEWEST}, 30 days before")));
}

#[test]
fn a_copy_of_the_log_and_a_proof_are_as_old_as_witnesses_say() {
    let frozen = Frozen::new();
    export(&frozen.path("export"), A, 1, &key());
    let file = frozen.path(&format!("export/data/{A}/r0001/r0001.tlog-proof"));
    let prove = |seen: &[(usize, &str)]| {
        let mut proof = proof(&frozen.entries, 0);
        proof.checkpoint = cosigned(proof.checkpoint, seen);
        write(&file, proof.to_string());
    };
    prove(&SEEN);
    let fresh = ["--at", "2026-12-22", "--fresh", "7", "--json"];
    let said = frozen.said("export", &fresh);
    said.expect(23, A, "stale", "r0001/r0001.tlog-proof");
    // the same file by file
    let given: Vec<PathBuf> = files(file.parent().unwrap());
    let trust = frozen.path("trust.txt");
    let mut arguments: Vec<&str> = given.iter().map(|path| path.to_str().unwrap()).collect();
    arguments.extend(["--trust", trust.to_str().unwrap()]);
    arguments.extend(fresh);
    let loose = run(&arguments);
    assert_eq!((loose.code, loose.about(A)["verdict"].as_str()), (23, Some("stale")), "{}", loose.text);
    // A proof that was made today of the same old leaf is fresh.
    prove(&[(0, "2026-12-20T09:40:00+07:00"), (1, "2026-12-20T09:41:00+07:00")]);
    assert_eq!(frozen.said("export", &fresh).code, 0);
    assert_eq!(run(&arguments).code, 0);
    // Beside a copy of the log it is the copy that has an age.
    let log = frozen.path("archive/log");
    let said = frozen.said("export", &[&fresh[..], &["--log", log.to_str().unwrap()]].concat());
    assert_eq!((said.code, said.verdict_at("log/checkpoint")), (23, Some("stale")), "{}", said.text);
}

/// A single witness whose clock is wrong, or who lies for the log, makes nothing fresh; nor does a time stamp, which anybody gets for old bytes.
#[test]
fn one_witness_makes_no_old_log_fresh() {
    let frozen = Frozen::new();
    let fresh = ["--at", "2026-12-22", "--fresh", "7", "--json"];
    frozen.publish(&[SEEN[0], SEEN[1], (2, "2026-12-21T09:42:00+07:00")]);
    assert_eq!(frozen.said("archive", &fresh).code, 23);
    frozen.publish(&[SEEN[0], (1, "2026-12-21T09:41:00+07:00"), (2, "2026-12-21T09:42:00+07:00")]);
    assert_eq!(frozen.said("archive", &fresh).code, 0, "a quorum saw that nothing came since");
}

#[test]
fn an_age_is_asked_as_of_a_time_and_of_witnesses() {
    let frozen = Frozen::new();
    for none in ["0", "-1", "soon"] {
        let said = frozen.said("archive", &["--at", "2026-12-22", &format!("--fresh={none}")]);
        assert!(said.code == 2 && said.errors.contains("a whole number of days, at least 1"), "{none}: {}", said.errors);
    }
    let said = frozen.said("archive", &["--at", "2026-11-24", "--fresh", "1", "--lang", "en"]);
    let told: String = said.text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(said.code == 23 && told.contains("more than 1 day ago"), "{told}");
    let said = frozen.said("archive", &["--fresh", "7"]);
    assert!(said.code == 2 && said.errors.contains("--at"), "{}", said.errors);
    trust_with_log(frozen.dir.path());
    let said = frozen.said("archive", &["--fresh", "7", "--at", "2026-12-22"]);
    assert!(said.code == 2 && said.errors.contains("only witnesses say"), "{}", said.errors);
}
