//! What the access log keeps, what it finds again, and what happens to it when a line is torn.

use super::*;
use std::os::unix::fs::PermissionsExt as _;

const RECORD: &str = "0193a1b2-0000-7000-8000-000000000001";

fn record() -> RecordId {
    RECORD.parse().unwrap()
}

fn every_act() -> Vec<Act> {
    let revision = 2;
    vec![
        Act::SignIn,
        Act::SignInRefused,
        Act::SignOut,
        Act::PasswordChanged,
        Act::Record { record: record(), revision },
        Act::Page { record: record(), revision, page: 3 },
        Act::Pdf { record: record(), revision },
        Act::Proof { record: record(), revision },
        Act::Export { record: record(), revision },
        Act::List { results: 50 },
        Act::Search { results: 0 },
        Act::Decision { record: record(), revision, decision: Decision::SecondCorrect },
        Act::Batch { change: BatchChange::Pause },
        Act::Administer { change: Change::NewPerson, on: "minh".into() },
        Act::AccessLog { results: 7 },
    ]
}

fn log() -> (tempfile::TempDir, AccessLog) {
    let dir = tempfile::tempdir().unwrap();
    let log = AccessLog::at(dir.path().join("access-log"), 0);
    (dir, log)
}

fn note(log: &AccessLog, login: &str, act: Act) {
    log.note(login, Some(Role::Reviewer), Some([10, 0, 0, 7].into()), act).unwrap();
}

#[test]
fn every_act_is_written_as_it_is_named_and_read_again() {
    let (dir, log) = log();
    assert_eq!(log.newest(&Filter::default(), 10).unwrap(), Found::default());
    every_act().into_iter().for_each(|act| note(&log, "lan", act));
    let found = log.newest(&Filter::default(), 100).unwrap();
    let acts: Vec<Act> = found.entries.iter().rev().map(|entry| entry.act.clone()).collect();
    assert_eq!((acts, found.unreadable), (every_act(), 0));

    let file = log.file(time::now().date());
    let text = std::fs::read_to_string(&file).unwrap();
    for (line, act) in text.lines().zip(every_act()) {
        let value: serde_json::Value = serde_json::from_str(line).unwrap();
        assert_eq!((value["what"].as_str(), value["role"].as_str()), (Some(act.name()), Some("reviewer")));
        assert_eq!(value["record"].as_str(), act.record().map(RecordId::as_str));
        assert!(value["at"].as_str().unwrap().ends_with("+07:00") && value["from"] == "10.0.0.7" && value["login"] == "lan");
    }
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&file), mode(&dir.path().join("access-log"))), (0o600, 0o700));
}

#[test]
fn lines_are_found_by_who_what_and_which_record() {
    let (_dir, log) = log();
    for n in 0..10 {
        note(&log, "lan", Act::Search { results: n });
        note(&log, "minh", Act::Record { record: record(), revision: 1 });
    }
    let count = |filter: Filter| log.newest(&filter, 100).unwrap().entries.len();
    assert_eq!(count(Filter { login: Some("lan".into()), ..Filter::default() }), 10);
    assert_eq!(count(Filter { what: Some("record".into()), ..Filter::default() }), 10);
    assert_eq!(count(Filter { record: Some(record()), ..Filter::default() }), 10);
    assert_eq!(count(Filter { record: Some(record()), login: Some("lan".into()), ..Filter::default() }), 0);
    let newest = log.newest(&Filter { what: Some("search".into()), ..Filter::default() }, 3).unwrap().entries;
    let results: Vec<_> = newest.into_iter().map(|entry| entry.act).collect();
    assert_eq!(results, [9, 8, 7].map(|results| Act::Search { results }));
}

#[test]
fn days_are_files_and_are_read_from_the_newest_back() {
    let (_dir, log) = log();
    note(&log, "lan", Act::SignIn);
    let today = time::now().date();
    let line = std::fs::read_to_string(log.file(today)).unwrap();
    let day = |back: i64| today.saturating_sub(jiff::Span::new().days(back));
    for back in 1..=3 {
        std::fs::write(log.file(day(back)), line.replace("lan", &format!("p{back}"))).unwrap();
    }
    for other in ["notes.txt", "2026-11-27.jsonl.gz", "20261127.jsonl", "x.jsonl"] {
        std::fs::write(log.folder.join(other), "not ours").unwrap();
    }
    let logins = |filter: Filter, most| {
        let entries = log.newest(&filter, most).unwrap().entries;
        entries.into_iter().map(|entry| entry.login).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(logins(Filter::default(), 9), "lan p1 p2 p3");
    assert_eq!(logins(Filter::default(), 2), "lan p1");
    assert_eq!(logins(Filter { since: Some(day(2)), until: Some(day(1)), ..Filter::default() }, 9), "p1 p2");

    // nothing is taken away by default; where days are kept by number, only files of days are
    let short = AccessLog::at(log.folder.clone(), 2);
    note(&short, "lan", Act::SignOut);
    assert_eq!(logins(Filter::default(), 9), "lan lan p1");
    assert_eq!(std::fs::read_dir(&log.folder).unwrap().count(), 2 + 4);
}

#[test]
fn a_torn_line_costs_itself_alone() {
    let (_dir, log) = log();
    note(&log, "lan", Act::SignIn);
    let file = log.file(time::now().date());
    let mut text = std::fs::read(&file).unwrap();
    text.extend_from_slice(b"{\"at\":\"2026-11-27T08:00:00.000+07:00\",\"login\":\"mi\xff");
    std::fs::write(&file, text).unwrap();
    // the next start
    let log = AccessLog::at(log.folder.clone(), 0);
    note(&log, "minh", Act::SignOut);
    let found = log.newest(&Filter::default(), 10).unwrap();
    assert_eq!((found.entries.len(), found.unreadable, found.entries[0].login.as_str()), (2, 1, "minh"));
}

#[test]
fn a_file_that_is_moved_away_is_not_written_to_any_more() {
    let (_dir, log) = log();
    note(&log, "lan", Act::SignIn);
    std::fs::remove_file(log.file(time::now().date())).unwrap();
    note(&log, "lan", Act::SignOut);
    assert_eq!(log.newest(&Filter::default(), 10).unwrap().entries.len(), 1);
}

#[test]
fn two_processes_write_whole_lines() {
    let (_dir, log) = log();
    std::thread::scope(|scope| {
        for n in 0..4 {
            let folder = log.folder.clone();
            scope.spawn(move || {
                let log = AccessLog::at(folder, 0);
                (0..100).for_each(|page| note(&log, &format!("p{n}"), Act::Page { record: record(), revision: 1, page }));
            });
        }
    });
    let found = log.newest(&Filter::default(), 1000).unwrap();
    assert_eq!((found.entries.len(), found.unreadable), (400, 0));
}

#[test]
fn what_cannot_be_noted_is_an_error() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("access-log"), "a file where the folder should be").unwrap();
    let log = AccessLog::at(dir.path().join("access-log"), 0);
    let error = log.note("lan", None, None, Act::SignIn).unwrap_err();
    assert!(error.to_string().contains("access-log"), "{error}");
}
