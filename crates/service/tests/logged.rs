//! The log as a user meets it: every receipt is in it, an export carries its proof, and what is taken away is missed.
#![allow(clippy::unwrap_used)]

mod common;

use common::{Home, small_scan, verify};
use serde_json::Value;

fn scans(home: &Home, numbers: std::ops::Range<u64>) -> String {
    let folder = home.path("in");
    std::fs::create_dir_all(&folder).unwrap();
    numbers.for_each(|n| small_scan(&folder.join(format!("{n}.png")), n));
    folder.to_str().unwrap().to_owned()
}

fn status(home: &Home) -> (u64, u64) {
    let line = home.lines(&[0], &["log", "status", "--json"]).remove(0);
    (line["leaves"].as_u64().unwrap(), line["lacking"].as_u64().unwrap())
}

fn records(home: &Home) -> Vec<String> {
    let lines = home.lines(&[0], &["search", "", "--json"]);
    lines.iter().map(|line| line["record"].as_str().unwrap().to_owned()).collect()
}

fn verdicts(lines: &[(String, Value)]) -> Vec<&str> {
    lines.iter().map(|(verdict, _)| verdict.as_str()).collect()
}

#[test]
fn every_receipt_is_in_the_log_and_its_export_proves_it() {
    let home = Home::new();
    assert_eq!(status(&home), (0, 0));
    let folder = scans(&home, 0..3);
    home.expect(0, &["ingest", &folder]);
    assert_eq!(status(&home), (3, 0));
    let record = records(&home).remove(0);
    home.expect(0, &["review", "reject", &record, "--note", "thử"]);
    assert_eq!(status(&home), (4, 0));
    assert!(home.expect(0, &["show", &record]).contains("leaf 3 of 4"), "show says where it is");
    let told = home.verify();
    assert_eq!(verdicts(&told), ["ok"; 3]);
    assert!(told.iter().all(|(_, line)| line["log_index"].is_u64()), "{told:?}");
    home.expect(0, &["fsck"]);

    let to = home.path("taken-away");
    home.expect(0, &["export", &record, "--to", to.to_str().unwrap()]);
    assert!(to.join(format!("data/{record}/r0002/r0002.tlog-proof")).exists());
    let told = verify(&to, &home.path("trust"));
    assert_eq!((verdicts(&told), &told[0].1["log_index"]), (vec!["ok"], &3.into()));

    // Somebody takes the rejection away, index and all.
    std::fs::remove_file(home.path(&format!("archive/records/{record}/r0002.dsse.json"))).unwrap();
    let told = home.verify();
    assert!(told.iter().any(|(verdict, line)| verdict == "withheld" && line["record"] == record.as_str()), "{told:?}");
    home.expect(3, &["fsck"]);
}

#[test]
fn an_archive_from_before_the_log_is_verified_as_ever_and_gets_one_by_init() {
    let home = Home::new();
    // as it was: no key of a log, no line about one
    for name in ["keys/log.pem", "keys/log.vkey", "keys/log.pub.pem"] {
        std::fs::remove_file(home.path(name)).unwrap();
    }
    let trust = std::fs::read_to_string(home.path("trust")).unwrap();
    assert!(trust.contains("\nlog sohoa-log/") && trust.contains("\nquorum none\n"), "{trust}");
    let old: String =
        trust.lines().filter(|line| !line.starts_with("log ") && !line.starts_with("quorum")).map(|l| format!("{l}\n")).collect();
    std::fs::write(home.path("trust"), &old).unwrap();
    let folder = scans(&home, 0..2);
    home.expect(0, &["ingest", &folder]);
    assert!(!home.path("archive/log").exists());
    assert_eq!(verdicts(&home.verify()), ["ok"; 2]);
    home.expect(0, &["fsck"]);

    home.expect(0, &["init", home.path("").to_str().unwrap()]);
    home.expect(0, &["log", "append"]);
    assert_eq!((status(&home), verdicts(&home.verify())), ((2, 0), vec!["ok"; 2]));
    // auditors who were given the policy of before are none the wiser
    std::fs::write(home.path("old"), &old).unwrap();
    assert_eq!(verdicts(&verify(&home.path("archive"), &home.path("old"))), ["ok"; 2]);
}

#[test]
fn a_log_that_cannot_be_continued_stops_before_anything_is_sealed() {
    let home = Home::new();
    let folder = scans(&home, 0..1);
    home.expect(0, &["ingest", &folder]);
    let backup = std::fs::read(home.path("archive/log/checkpoint")).unwrap();
    assert!(backup.starts_with(b"sohoa-log/"));
    // the key is gone, the policy names it: loud
    std::fs::rename(home.path("keys/log.pem"), home.path("keys/away.pem")).unwrap();
    let said = home.sohoa(&["ingest", &folder]);
    assert_eq!(said.status.code(), Some(4), "{said:?}");
    std::fs::rename(home.path("keys/away.pem"), home.path("keys/log.pem")).unwrap();
    // the store was taken back to before the log; the index too
    std::fs::remove_dir_all(home.path("archive/log")).unwrap();
    std::fs::remove_file(home.path("index.sqlite")).unwrap();
    home.expect(0, &["fsck", "--rebuild"]);
    assert!(home.expect(3, &["fsck"]).contains("lost or taken back"), "fsck sees it");
    assert_eq!(home.lines(&[3], &["log", "status", "--json"])[0]["kept"], 1);
    let said = home.sohoa(&["ingest", &folder]);
    let errors = String::from_utf8_lossy(&said.stderr);
    assert!(said.status.code() == Some(5) && errors.contains("kept beside the key has 1 leaves"), "{errors}");
}

#[test]
fn a_run_that_was_killed_leaves_its_leaves_to_the_next() {
    let home = Home::new();
    let folder = scans(&home, 0..6);
    let mut run = home.command(&["ingest", &folder]).spawn().unwrap();
    // as soon as a receipt is there: its leaf waits for more to come
    let records = home.path("archive/records");
    while run.try_wait().unwrap().is_none() && !std::fs::read_dir(&records).is_ok_and(|mut folders| folders.next().is_some()) {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    let _ = run.kill();
    run.wait().unwrap();
    home.expect(0, &["ingest", &folder]);
    assert_eq!((status(&home), verdicts(&home.verify())), ((6, 0), vec!["ok"; 6]));
    home.expect(0, &["fsck"]);
}

#[test]
fn a_revision_that_the_log_has_is_not_sealed_a_second_time() {
    let home = Home::new();
    let folder = scans(&home, 0..2);
    home.expect(0, &["ingest", &folder]);
    let record = records(&home).remove(0);
    let (there, away) = (home.path(&format!("archive/records/{record}")), home.path("away"));
    std::fs::rename(&there, &away).unwrap();
    home.sohoa(&["fsck", "--rebuild"]);
    // The scan is still in its folder and its record is not: sealing it anew would hide that a receipt was taken away.
    let said = home.sohoa(&["ingest", &folder]);
    let errors = String::from_utf8_lossy(&said.stderr);
    assert!(said.status.code() == Some(3) && errors.contains("restore records/"), "{:?} {errors}", said.status);
    assert!(verdicts(&home.verify()).contains(&"withheld"));
    std::fs::rename(&away, &there).unwrap();
    home.expect(0, &["fsck", "--rebuild"]);
    home.expect(0, &["ingest", &folder]);
    assert_eq!((status(&home), verdicts(&home.verify())), ((2, 0), vec!["ok"; 2]));
}
