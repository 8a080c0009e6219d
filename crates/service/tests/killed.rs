//! Power fails at any moment: after `kill -9` at fifty random moments of an ingest, one more run leaves every document exactly
//! once, nothing lost, and `fsck` clean.
#![allow(clippy::unwrap_used)]

mod common;

use common::{Home, Random, small_scan};
use std::collections::BTreeSet;
use std::process::Stdio;
use std::time::Duration;

#[test]
fn fifty_kills_lose_nothing_and_double_nothing() {
    let home = Home::new();
    let scans = tempfile::tempdir().unwrap();
    for number in 0..60 {
        let folder = scans.path().join(format!("H48.15-250117-{:04}", number / 4));
        std::fs::create_dir_all(&folder).unwrap();
        small_scan(&folder.join(format!("{number}.png")), number);
    }
    // the same bytes twice, in another dossier
    std::fs::create_dir_all(scans.path().join("khác")).unwrap();
    std::fs::copy(scans.path().join("H48.15-250117-0000/0.png"), scans.path().join("khác/bản sao.png")).unwrap();

    let mut random = Random(20_261_122);
    let mut unfinished = 0;
    for round in 0..50 {
        let mut child = home
            .command(&["ingest", scans.path().to_str().unwrap()])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        // from before the first scan is copied to past many commits
        std::thread::sleep(Duration::from_millis(random.below(900) + 20));
        child.kill().unwrap();
        unfinished += i32::from(!child.wait().unwrap().success());
        if round % 10 == 9 {
            // in between too: what is committed is whole at any time; its leaf may still be owed to the log
            for (verdict, line) in home.verify() {
                assert!(common::is_half_done(&verdict), "{line}");
            }
        }
    }
    assert!(unfinished > 25, "most runs must have been killed, only {unfinished} were");

    home.expect(0, &["ingest", scans.path().to_str().unwrap()]);
    let records = home.lines(&[0], &["search", "png", "--json", "--limit", "1000"]);
    let sources: Vec<String> = records.iter().map(|hit| hit["entry"]["source_sha256"].as_str().unwrap().to_owned()).collect();
    assert_eq!(sources.len(), 60, "every document is found");
    assert_eq!(sources.iter().collect::<BTreeSet<_>>().len(), 60, "and none of them twice");
    let status = &home.lines(&[0], &["status", "--json"])[0];
    assert_eq!(status["queue"]["queued"], 0);
    assert_eq!(status["queue"]["leased"], 0);
    assert_eq!(status["queue"]["dead"], 0);
    let report = home.lines(&[0], &["fsck", "--json"]);
    let last = report.last().unwrap();
    assert_eq!(
        (&last["errors"], &last["records"], &last["revisions"], &last["links"]),
        (&0.into(), &60.into(), &60.into(), &1.into())
    );
    let told = home.verify();
    assert_eq!(told.iter().filter(|(verdict, _)| verdict == "ok").count(), 60);
    assert!(!told.iter().any(|(verdict, _)| ["unlogged", "bad_log", "withheld"].contains(&verdict.as_str())), "{told:?}");
    assert_eq!(std::fs::read_dir(home.path("spool")).unwrap().count(), 0, "dead runs leave nothing in the spool");
}

#[test]
fn ctrl_c_stops_in_order_and_the_next_run_goes_on() {
    let home = Home::new();
    let scans = tempfile::tempdir().unwrap();
    (0..80).for_each(|number| small_scan(&scans.path().join(format!("{number}.png")), 1000 + number));
    let child =
        home.command(&["ingest", scans.path().to_str().unwrap()]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    std::thread::sleep(Duration::from_millis(1500));
    rustix::process::kill_process(rustix::process::Pid::from_child(&child), rustix::process::Signal::INT).unwrap();
    let stopped = child.wait_with_output().unwrap();
    assert_eq!(stopped.status.code(), Some(130), "{}", String::from_utf8_lossy(&stopped.stderr));
    assert!(String::from_utf8_lossy(&stopped.stderr).contains("run the same command again"));
    // nobody has to wait for leases to run out
    home.expect(0, &["ingest", scans.path().to_str().unwrap()]);
    let report = home.lines(&[0], &["fsck", "--json"]);
    assert_eq!((&report.last().unwrap()["records"], &report.last().unwrap()["errors"]), (&80.into(), &0.into()));
}

#[test]
fn two_runs_on_one_archive_share_the_work_and_both_end() {
    let home = Home::new();
    let scans = tempfile::tempdir().unwrap();
    (0..150).for_each(|number| small_scan(&scans.path().join(format!("{number}.png")), 5000 + number));
    let start = |_| {
        let mut command = home.command(&["ingest", scans.path().to_str().unwrap()]);
        command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
    };
    for run in [1, 2].map(start).map(|run| run.wait_with_output().unwrap()) {
        assert!(run.status.success(), "{:?} {}", run.status, String::from_utf8_lossy(&run.stderr));
    }
    let report = home.lines(&[0], &["fsck", "--json"]);
    assert_eq!((&report.last().unwrap()["records"], &report.last().unwrap()["errors"]), (&150.into(), &0.into()));
}
