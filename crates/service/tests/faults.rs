//! What goes wrong around a service that runs all day: power that fails, a store that goes away, a disk that is full, a database that somebody
//! holds, a clock that is set back. Nothing is lost, nothing is done twice, and whoever looks is told.
#![allow(clippy::unwrap_used)]

mod common;

use common::serving::*;
use common::{Home, Random, verify};
use rustix::process::Signal;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

/// Every document is one record, done, believed and in the log; nothing waits and nothing was given up.
fn all_is_well(home: &Home, documents: usize) {
    let status = &home.lines(&[0], &["status", "--json"])[0];
    for state in ["queued", "leased", "dead"] {
        assert_eq!(status["queue"][state], 0, "{status}");
    }
    let found = home.lines(&[0], &["search", "", "--json", "--limit", "1000"]);
    let sources: BTreeSet<&str> = found.iter().map(|entry| entry["source_sha256"].as_str().unwrap()).collect();
    assert_eq!((found.len(), sources.len()), (documents, documents));
    home.expect(0, &["fsck"]);
    let verdicts: Vec<String> =
        verify(&home.path("archive"), &home.path("trust")).into_iter().map(|(verdict, _)| verdict).collect();
    assert_eq!(verdicts, vec!["ok"; documents]);
}

/// Pushes so many scans, from that number on; their records.
fn push_all(home: &Home, serving: &Serving, token: &str, numbers: std::ops::Range<u64>) -> Vec<String> {
    let push = |number: u64| {
        let answer = serving.push(token, &format!("name={number}.png"), "", &scan(home, number));
        assert_eq!(answer.status, 202, "{}", answer.body);
        answer.json()["record"].as_str().unwrap().to_owned()
    };
    numbers.map(push).collect()
}

#[test]
fn a_hundred_kills_while_stations_push_lose_nothing_and_double_nothing() {
    let home = home();
    let token = token(&home, "tram-1");
    let mut random = Random(20_261_127);
    // A station repeats a push under its key until it is answered.
    let mut waits: Vec<u64> = Vec::new();
    let (mut next, mut broken) = (0, 0);
    for _ in 0..100 {
        let mut serving = serve(&home);
        waits.extend([next, next + 1]);
        next += 2;
        let scans: Vec<(u64, Vec<u8>)> = waits.iter().map(|&number| (number, scan(&home, number))).collect();
        let address = serving.address.clone();
        let token = token.clone();
        let station = std::thread::spawn(move || {
            let is_told = |number: u64, bytes: &[u8]| {
                let key = format!("Idempotency-Key: {number}\r\n");
                let answer = ask(&address, &a_push(&token, &format!("name={number}.png"), &key, bytes));
                let status = answer.map_or(0, |answer| answer.status);
                assert!([0, 200, 202].contains(&status), "{status}");
                status != 0
            };
            scans.into_iter().filter(|(number, bytes)| !is_told(*number, bytes)).map(|(number, _)| number).collect::<Vec<_>>()
        });
        std::thread::sleep(Duration::from_millis(random.below(120)));
        serving.signal(Signal::KILL);
        waits = station.join().unwrap();
        broken += waits.len();
    }
    assert!(broken > 20, "most kills must have met a push, only {broken} did");
    let mut serving = serve(&home);
    for number in waits {
        let key = format!("Idempotency-Key: {number}\r\n");
        let answer = serving.push(&token, &format!("name={number}.png"), &key, &scan(&home, number));
        assert!([200, 202].contains(&answer.status), "{}", answer.body);
    }
    wait_for("all is done", || home.lines(&[0], &["status", "--json"])[0]["queue"]["oldest_enqueued_at"].is_null());
    assert!(serving.signal(Signal::TERM).success());
    all_is_well(&home, 200);
}

#[test]
fn a_store_that_goes_away_is_waited_for() {
    let home = home();
    home.set("workers = 0", "workers = 1");
    let token = token(&home, "tram-1");
    let mut serving = serve(&home);
    let records = push_all(&home, &serving, &token, 0..8);
    let (store, away) = (home.path("archive"), home.path("elsewhere"));
    std::fs::rename(&store, &away).unwrap();
    // An empty mount point is there all the same.
    std::fs::create_dir_all(&store).unwrap();
    wait_for("it tells that the store is away", || serving.not_ready().contains("is its disk mounted?"));
    let answer = serving.push(&token, "name=late.png", "", &scan(&home, 100));
    assert_eq!((answer.status, answer.code().as_str()), (503, "store_away"), "{}", answer.body);
    assert!(answer.header("retry-after").is_some());
    // Longer than any document's attempts last; set it to 300 to see the five minutes.
    let seconds = std::env::var("SOHOA_AWAY_SECONDS").ok().and_then(|seconds| seconds.parse().ok()).unwrap_or(40);
    std::thread::sleep(Duration::from_secs(seconds));
    assert_eq!(home.lines(&[5], &["status", "--json"]).len(), 0, "a command says so too");
    std::fs::remove_dir_all(&store).unwrap();
    std::fs::rename(&away, &store).unwrap();
    for record in &records {
        serving.outcome(&token, record);
    }
    assert_eq!(serving.not_ready(), "");
    push_all(&home, &serving, &token, 100..101).iter().for_each(|record| drop(serving.outcome(&token, record)));
    assert!(serving.signal(Signal::TERM).success());
    all_is_well(&home, 9);
}

#[test]
fn a_full_disk_stops_the_work_until_there_is_room() {
    let home = home();
    home.set("workers = 0", "workers = 1").set("min_free_mb = 2000", "min_free_mb = 1");
    let token = token(&home, "tram-1");
    // The store is on a disk that is small, and that only the service sees.
    let small = "cp -a archive before && mount -t tmpfs -o size=16m none archive && cp -a before/. archive";
    let mut serving = start(&home, with_mounts(&home, small));
    let records = push_all(&home, &serving, &token, 0..8);
    // The disk as the service sees it.
    let as_seen = PathBuf::from(format!("/proc/{}/root", serving.id()));
    let store = as_seen.join(home.path("archive").strip_prefix("/").unwrap());
    let filler = store.join("filler");
    fill(&filler);
    wait_for("it tells that the disk is full", || {
        let why = serving.not_ready();
        why.contains("nothing is done now") && why.contains("MB left")
    });
    let answer = serving.push(&token, "name=late.png", "", &scan(&home, 100));
    assert_eq!((answer.status, answer.code().as_str()), (429, "disk_low"), "{}", answer.body);
    std::fs::remove_file(&filler).unwrap();
    for record in &records {
        assert_ne!(serving.outcome(&token, record)["state"], "given_up");
    }
    push_all(&home, &serving, &token, 100..101).iter().for_each(|record| drop(serving.outcome(&token, record)));
    // What is on the small disk is gone with the service: it is looked at before, when the log has all.
    // The log comes after the outcomes, so its first checkpoint may not be there yet.
    let leaves = || std::fs::read_to_string(store.join("log/checkpoint")).unwrap_or_default().lines().nth(1).map(str::to_owned);
    wait_for("nine leaves are in the log", || leaves().as_deref() == Some("9"));
    let copied = Command::new("cp").arg("-a").arg(format!("{}/.", store.display())).arg(home.path("taken")).status().unwrap();
    assert!(copied.success());
    assert!(serving.signal(Signal::TERM).success());
    std::fs::remove_dir_all(home.path("archive")).unwrap();
    std::fs::rename(home.path("taken"), home.path("archive")).unwrap();
    all_is_well(&home, 9);
}

/// Writes until nothing fits any more.
fn fill(file: &Path) {
    let mut file = std::fs::File::create(file).unwrap();
    for size in [1 << 20, 1 << 12] {
        while std::io::Write::write_all(&mut file, &vec![7; size]).is_ok() {}
    }
}

#[test]
fn a_database_that_somebody_holds_is_waited_for() {
    let home = home();
    let token = token(&home, "tram-1");
    let mut serving = serve(&home);
    let first = push_all(&home, &serving, &token, 0..1);
    serving.outcome(&token, &first[0]);
    // Longer than a writer waits, which is half a minute.
    let hold = "import sqlite3, sys, time
held = sqlite3.connect(sys.argv[1], isolation_level=None)
held.execute('PRAGMA busy_timeout = 60000')
held.execute('BEGIN IMMEDIATE')
print('held', flush=True)
time.sleep(38)";
    let mut holder = Command::new("python3")
        .args(["-c", hold, home.path("index.sqlite").to_str().unwrap()])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut told = [0; 5];
    std::io::Read::read_exact(holder.stdout.as_mut().unwrap(), &mut told).unwrap();
    let answer = serving.push(&token, "name=held.png", "Idempotency-Key: a\r\n", &scan(&home, 1));
    assert_eq!(answer.status, 503, "{} {}", answer.head, answer.body);
    assert!(answer.header("retry-after").is_some(), "{}", answer.head);
    assert_eq!(serving.get(&token, &format!("/v1/documents/{}", first[0])).status, 200, "who only reads does not wait");
    assert!(holder.wait().unwrap().success());
    let answer = serving.push(&token, "name=held.png", "Idempotency-Key: a\r\n", &scan(&home, 1));
    assert!([200, 202].contains(&answer.status), "{}", answer.body);
    serving.outcome(&token, answer.json()["record"].as_str().unwrap());
    assert!(serving.signal(Signal::TERM).success());
    all_is_well(&home, 2);
}

#[test]
fn a_clock_that_is_set_back_an_hour_holds_up_nothing() {
    let library = ["x86_64", "aarch64"].map(|machine| format!("/usr/lib/{machine}-linux-gnu/faketime/libfaketime.so.1"));
    let library = library.iter().find(|file| Path::new(file).exists()).expect("the Debian package faketime");
    let home = home();
    watch(&home, "unit = \"H48.15\"");
    let clock = home.path("clock");
    let serve = || {
        let mut command = home.command(&["serve"]);
        command.env("LD_PRELOAD", library).env("FAKETIME_TIMESTAMP_FILE", &clock);
        command.env("FAKETIME_NO_CACHE", "1").env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
        start(&home, command)
    };
    std::fs::write(&clock, "+0\n").unwrap();
    let token = token(&home, "tram-1");
    let mut serving = serve();
    let before = push_all(&home, &serving, &token, 0..3);
    std::fs::write(&clock, "-1h\n").unwrap();
    let after = push_all(&home, &serving, &token, 3..6);
    // Its time is an hour ahead of the clock.
    common::small_scan(&home.path("in/late.png"), 50);
    before.iter().chain(&after).for_each(|record| drop(serving.outcome(&token, record)));
    let arrived_at =
        |record: &str| home.lines(&[0], &["search", record, "--json"])[0]["entry"]["arrived_at"].as_str().unwrap().to_owned();
    assert!(arrived_at(&after[0]) < arrived_at(&before[0]), "the clock was set back");
    wait_for("the folder is emptied", || !home.path("in/late.png").exists());
    // Killed with work under way, and begun again an hour before.
    push_all(&home, &serving, &token, 6..12);
    serving.signal(Signal::KILL);
    std::fs::write(&clock, "-2h\n").unwrap();
    let mut serving = serve();
    wait_for("all is done", || home.lines(&[0], &["status", "--json"])[0]["queue"]["oldest_enqueued_at"].is_null());
    assert_eq!(serving.not_ready(), "");
    assert!(serving.signal(Signal::TERM).success());
    all_is_well(&home, 13);
}

#[test]
fn a_store_that_is_away_is_told_although_nothing_waits() {
    let home = home();
    let token = token(&home, "tram-1");
    let mut serving = serve(&home);
    push_all(&home, &serving, &token, 0..1).iter().for_each(|record| drop(serving.outcome(&token, record)));
    assert_eq!(serving.not_ready(), "");
    let (store, away) = (home.path("archive"), home.path("elsewhere"));
    std::fs::rename(&store, &away).unwrap();
    std::fs::create_dir_all(&store).unwrap();
    assert!(serving.not_ready().contains("is its disk mounted?"), "whoever pushes now is refused");
    std::fs::remove_dir_all(&store).unwrap();
    std::fs::rename(&away, &store).unwrap();
    assert_eq!(serving.not_ready(), "");
    assert!(serving.signal(Signal::TERM).success());
    all_is_well(&home, 1);
}

/// Ends the file system that a shell began, however the test ends.
struct Mounted(PathBuf);

impl Drop for Mounted {
    fn drop(&mut self) {
        let pid = std::fs::read_to_string(&self.0)
            .ok()
            .and_then(|pid| pid.trim().parse().ok())
            .and_then(rustix::process::Pid::from_raw);
        if let Some(pid) = pid {
            let _ = rustix::process::kill_process(pid, Signal::KILL);
        }
    }
}

/// Watches a folder on the share of [`a_share`].
fn watch_share(home: &Home) {
    std::fs::create_dir_all(home.path("share")).unwrap();
    let mut file = std::fs::OpenOptions::new().append(true).open(home.path("pipeline.toml")).unwrap();
    std::io::Write::write_all(&mut file, b"\n[[watch]]\nfolder = \"share\"\nquiet_seconds = 1\nafter = \"keep\"\n").unwrap();
}

/// Mounts a share that goes away when there is a file `gone`.
fn a_share() -> String {
    let judge = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/judges/hangs.py");
    format!(
        "(python3 {} share gone > hangs.log 2>&1 & echo $! > hangs.pid) && \
         for n in $(seq 100); do grep -q mounted hangs.log && break; sleep 0.1; done && grep mounted hangs.log >&2",
        judge.display()
    )
}

#[test]
fn a_start_that_waits_for_a_share_ends_when_it_is_told_to() {
    let home = home();
    watch_share(&home);
    // The first who looks at it afterwards is the last who has an answer.
    let gone = format!("{} && touch gone && (timeout -s KILL 1 ls -l share share/a >&2; true)", a_share());
    let mut serving = with_mounts(&home, &gone).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let _mounted = Mounted(home.path("hangs.pid"));
    std::thread::sleep(Duration::from_secs(6));
    assert!(serving.try_wait().unwrap().is_none(), "it waits");
    let (pid, began) = (rustix::process::Pid::from_child(&serving), std::time::Instant::now());
    rustix::process::kill_process(pid, Signal::TERM).unwrap();
    let told = serving.wait_with_output().unwrap();
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    assert_eq!((told.status.code(), String::from_utf8_lossy(&told.stdout).trim()), (Some(0), "stopped before it began"));
}

#[test]
fn a_share_that_hangs_holds_up_neither_another_folder_nor_the_end() {
    let home = home();
    watch(&home, "");
    watch_share(&home);
    let mut serving = start(&home, with_mounts(&home, &a_share()));
    let _mounted = Mounted(home.path("hangs.pid"));
    std::thread::sleep(Duration::from_secs(3));
    assert_eq!(serving.not_ready(), "", "it answers");
    std::fs::write(home.path("gone"), "").unwrap();
    std::thread::sleep(Duration::from_secs(5));
    common::small_scan(&home.path("in/a.png"), 1);
    let began = std::time::Instant::now();
    wait_for("the other folder is emptied", || home.path("in/done/a.png").exists());
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
    wait_for("it is told", || serving.not_ready().contains("share: it has not answered for 60 s"));
    assert!(began.elapsed() < Duration::from_secs(75), "{:?}", began.elapsed());
    common::small_scan(&home.path("in/b.png"), 2);
    wait_for("the other folder goes on", || home.path("in/done/b.png").exists());
    let began = std::time::Instant::now();
    assert!(serving.signal(Signal::TERM).success());
    assert!(began.elapsed() < Duration::from_secs(15), "{:?}", began.elapsed());
    all_is_well(&home, 2);
}

#[test]
fn a_document_under_way_is_given_back_when_the_service_stops() {
    let home = home();
    home.set("workers = 0", "workers = 1");
    let token = token(&home, "tram-1");
    // Three pages.
    let scan = std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/turned-pages/scan0007.pdf")).unwrap();
    let mut serving = serve(&home);
    let pushed = serving.push(&token, "name=a.pdf", "", &scan);
    let record = pushed.json()["record"].as_str().unwrap().to_owned();
    let told = |serving: &Serving| serving.get(&token, &format!("/v1/documents/{record}")).json();
    wait_for("it is being read", || told(&serving)["state"] == "working");
    let began = std::time::Instant::now();
    assert!(serving.signal(Signal::TERM).success());
    // As long as a unit of systemd is given is 90 s.
    assert!(began.elapsed() < Duration::from_secs(15), "{:?}", began.elapsed());
    let queue = home.lines(&[0], &["status", "--json"])[0]["queue"].clone();
    assert_eq!((queue["queued"].as_u64(), queue["leased"].as_u64()), (Some(1), Some(0)), "{queue}");
    let mut serving = serve(&home);
    wait_for("it is taken up again", || told(&serving)["state"] == "working");
    assert_eq!(told(&serving)["attempts"], 1, "the one that was given back does not count");
    serving.outcome(&token, &record);
    assert!(serving.signal(Signal::TERM).success());
    home.expect(0, &["fsck"]);
}
