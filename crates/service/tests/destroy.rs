//! A lawful destruction as a clerk and an auditor meet it.
#![allow(clippy::unwrap_used)]

mod common;

use common::{Home, small_scan, verify};
use serde_json::Value;

const BASIS: &str = "QĐ 12/QĐ-UBND ngày 15/01/2046";

fn scans(home: &Home, names: &[&str]) -> String {
    let folder = home.path("in");
    std::fs::create_dir_all(&folder).unwrap();
    (0..).zip(names).for_each(|(n, name)| small_scan(&folder.join(format!("{name}.png")), n));
    folder.to_str().unwrap().to_owned()
}

fn record_of(home: &Home, name: &str) -> String {
    let lines = home.lines(&[0], &["search", "", "--json"]);
    let line = lines.iter().find(|line| line["source_name"] == format!("{name}.png")).unwrap();
    line["record"].as_str().unwrap().to_owned()
}

fn verdicts(lines: &[(String, Value)]) -> Vec<&str> {
    lines.iter().map(|(verdict, _)| verdict.as_str()).collect()
}

#[test]
fn a_record_is_destroyed_and_everybody_can_see_by_whom_and_why() {
    let home = Home::new();
    let folder = scans(&home, &["khaisinhxyzzy", "quyetdinh"]);
    home.expect(0, &["ingest", &folder]);
    let record = record_of(&home, "khaisinhxyzzy");
    home.expect(0, &["review", "reject", &record, "--note", "thử"]);
    let export = home.path("before");
    home.expect(0, &["export", &record, "--to", export.to_str().unwrap()]);
    let asked = ["destroy", &record, "--basis", BASIS, "--by", "Trần Thị Bình"];

    // who forgets the basis, or only looks, touches nothing
    home.expect(2, &["destroy", &record, "--basis", " ", "--by", "Bình"]);
    let told = home.expect(0, &[&asked[..], &["--dry-run"]].concat());
    assert!(told.contains("would destroy") && told.contains("khaisinhxyzzy.png") && told.contains("2 revisions"), "{told}");
    assert_eq!(verdicts(&home.verify()), ["ok", "ok"]);

    let told = home.expect(0, &asked);
    assert!(told.contains("tombstone") && told.contains("leaf 3 of the log") && !told.contains("khaisinhxyzzy"), "{told}");
    let told = home.verify();
    assert_eq!(verdicts(&told), ["destroyed", "ok"], "{told:?}");
    let reason = told[0].1["reason"].as_str().unwrap();
    assert!(reason.contains(BASIS) && reason.contains("Trần Thị Bình"), "{reason}");
    let shown = home.expect(0, &["show", &record[record.len() - 12..]]);
    assert!(shown.contains("destroyed") && shown.contains(BASIS) && shown.contains("leaf 3"), "{shown}");
    assert!(home.expect(0, &["status"]).contains("destroyed 1"));
    assert!(home.expect(0, &["report"]).contains("lawfully destroyed"));
    assert!(home.expect(0, &["audit"]).contains(BASIS));
    assert!(!home.expect(0, &["search", "khaisinhxyzzy", "--json"]).contains(&record));
    home.expect(0, &["fsck"]);
    // nobody decides on it any more; run again it changes nothing
    home.expect(7, &["review", "accept", &record]);
    home.expect(0, &asked);
    assert_eq!(home.lines(&[0], &["log", "status", "--json"])[0]["leaves"], 4);
    // its name is nowhere in the data folder but in what the test exported
    let named = common::files_below(&home.path("archive")).into_iter().chain([home.path("index.sqlite")]);
    for file in named {
        let bytes = std::fs::read(&file).unwrap();
        assert!(!bytes.windows(11).any(|window| window == b"aisinhxyzzy"), "{}", file.display());
    }

    // an index made anew knows it; what is exported now is the tombstone with its proof
    std::fs::remove_file(home.path("index.sqlite")).unwrap();
    home.expect(0, &["fsck", "--rebuild"]);
    home.expect(0, &["fsck"]);
    let to = home.path("after");
    home.expect(0, &["export", &record, "--to", to.to_str().unwrap()]);
    assert_eq!(verdicts(&verify(&to, &home.path("trust"))), ["destroyed"]);

    // the scan is still in its folder: it does not come in again, and the reason is told
    let said = home.sohoa(&["ingest", &folder]);
    let errors = String::from_utf8_lossy(&said.stderr);
    assert!(said.status.code() == Some(3) && errors.contains(BASIS) && errors.contains(&record), "{errors}");
    assert_eq!(verdicts(&home.verify()), ["destroyed", "ok"]);
}

#[test]
fn without_a_log_nothing_is_destroyed() {
    let home = Home::new();
    for name in ["keys/log.pem", "keys/log.vkey", "keys/log.pub.pem"] {
        std::fs::remove_file(home.path(name)).unwrap();
    }
    let trust = std::fs::read_to_string(home.path("trust")).unwrap();
    let lines = trust.lines().filter(|line| !line.starts_with("log ") && !line.starts_with("quorum"));
    std::fs::write(home.path("trust"), lines.map(|line| format!("{line}\n")).collect::<String>()).unwrap();
    let folder = scans(&home, &["a"]);
    home.expect(0, &["ingest", &folder]);
    let record = record_of(&home, "a");
    let said = home.sohoa(&["destroy", &record, "--basis", BASIS, "--by", "Bình"]);
    let errors = String::from_utf8_lossy(&said.stderr);
    assert!(said.status.code() == Some(2) && errors.contains("no log is kept"), "{:?} {errors}", said.status);
    assert_eq!(verdicts(&home.verify()), ["ok"]);
}
