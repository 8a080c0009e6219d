//! The backup of docs/operating.md, made while an ingest or the service runs and restored to another folder: whole, and the work goes on from it.
#![allow(clippy::unwrap_used)]

#[path = "common/browser.rs"]
mod browser;
mod common;

use browser::Browser;
use common::{Home, files_below, is_half_done, serving, small_scan, verify};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// The commands of the page, as they stand there.
fn commands_of_the_page() -> String {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/operating.md");
    let text = std::fs::read_to_string(page).unwrap();
    let section = text.split("## Backup and restore").nth(1).expect("the page has the section");
    section.split("```sh\n").nth(1).unwrap().split("```").next().unwrap().to_owned()
}

fn back_up(home: &Home, to: &Path) {
    let made = Command::new("sh")
        .args(["-eu", "-c", &commands_of_the_page()])
        .env("to", format!("{}/", to.display()))
        .current_dir(home.path("."))
        .output()
        .unwrap();
    assert!(made.status.success(), "{:?}: {}", made.status, String::from_utf8_lossy(&made.stderr));
}

fn sohoa(folder: &Path, args: &[&str]) -> Output {
    let config = folder.join("pipeline.toml");
    Command::new(env!("CARGO_BIN_EXE_sohoa"))
        .arg("--config")
        .arg(config)
        .args(args)
        .env("SOHOA_KEY_PASSWORD", common::KEY_PASSWORD)
        .output()
        .unwrap()
}

fn expect(folder: &Path, args: &[&str]) -> String {
    let said = sohoa(folder, args);
    assert!(
        said.status.success(),
        "{args:?}: {} {}",
        String::from_utf8_lossy(&said.stdout),
        String::from_utf8_lossy(&said.stderr)
    );
    String::from_utf8(said.stdout).unwrap()
}

/// Restores the copy to a folder of its own, as the page says; gives that of all data and what `fsck` counted in it.
fn restore(copy: &Path, restored: &Path) -> (PathBuf, serde_json::Value) {
    let folder = restored.join("kho");
    assert!(Command::new("cp").arg("-a").args([copy, &folder]).status().unwrap().success());
    expect(&folder, &["fsck", "--rebuild"]);
    let report = expect(&folder, &["fsck", "--json"]);
    let last: serde_json::Value = serde_json::from_str(report.lines().last().unwrap()).unwrap();
    assert_eq!(last["errors"], 0, "{report}");
    for (verdict, line) in verify(&folder.join("archive"), &folder.join("trust")) {
        assert!(is_half_done(&verdict), "{line}");
    }
    (folder, last)
}

#[test]
fn a_backup_made_during_an_ingest_is_whole_and_goes_on() {
    const SCANS: u64 = 120;
    let home = Home::new();
    let scans = tempfile::tempdir().unwrap();
    (0..SCANS).for_each(|number| small_scan(&scans.path().join(format!("{number}.png")), 9000 + number));
    let ingest = ["ingest", scans.path().to_str().unwrap()];
    let mut running = home.command(&ingest).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let records = || std::fs::read_dir(home.path("archive/records")).map_or(0, Iterator::count);
    let until = Instant::now() + Duration::from_secs(120);
    while records() < 5 {
        assert!(Instant::now() < until, "the ingest begins");
        std::thread::sleep(Duration::from_millis(20));
    }
    let copy = tempfile::tempdir().unwrap();
    let mut copied = Vec::new();
    for round in 0..4 {
        back_up(&home, copy.path());
        // Each state of the copy is restored, that of the first copy and those that were brought up to date.
        let restored = tempfile::tempdir().unwrap();
        let (folder, counted) = restore(copy.path(), restored.path());
        copied.push(counted["records"].as_u64().unwrap());
        if round == 1 {
            // Work goes on from the copy, log and all, to the very end.
            expect(&folder, &ingest);
            let verdicts = verify(&folder.join("archive"), &folder.join("trust"));
            assert_eq!(verdicts.iter().filter(|(verdict, _)| verdict == "ok").count() as u64, SCANS);
        }
    }
    assert!(running.wait().unwrap().success());
    assert!(copied[0] > 0 && copied[0] < SCANS, "the first copy was made in the middle: {copied:?}");
    assert!(copied.is_sorted(), "{copied:?}");
}

const PASSWORD: &str = "một mật khẩu dài";

/// Records that stations were told of, and those whose reviewer was led on to the next.
#[derive(Clone, Default)]
struct Answered {
    pushed: Vec<String>,
    decided: Vec<String>,
}

/// Sends back paper after paper until it is over.
fn review(address: &str, is_over: &AtomicBool, answered: &Mutex<Answered>) {
    let mut mai = Browser::default();
    assert_eq!(mai.post(address, "/sign-in", &[("login", "mai"), ("password", PASSWORD)]).status, 303);
    let value =
        |page: &str, name: &str| Some(page.split_once(&format!("name=\"{name}\" value=\""))?.1.split_once('"')?.0.to_owned());
    while !is_over.load(Ordering::Relaxed) {
        let next = mai.get(address, "/review");
        let Some(record) = next.header("location").and_then(|path| path.strip_prefix("/review/")) else {
            std::thread::sleep(Duration::from_millis(50));
            continue;
        };
        let path = format!("/review/{record}");
        let page = mai.get(address, &path).body;
        let (Some(csrf), Some(seen)) = (value(&page, "csrf"), value(&page, "seen")) else { panic!("{page}") };
        let said = mai.post(address, &path, &[("csrf", &csrf), ("seen", &seen), ("do", "reject"), ("note", "mờ")]);
        let led_on = said.header("location").is_some_and(|to| to.starts_with("/review?after="));
        assert!(led_on, "{} {}", said.status, said.body);
        answered.lock().unwrap().decided.push(record.to_owned());
    }
}

/// Says that it is over, however it ends.
struct Over<'a>(&'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
fn a_backup_made_while_stations_push_and_people_decide_has_all_that_was_answered() {
    let home = serving::home();
    let token = serving::token(&home, "tram-1");
    let file = home.path("password");
    common::write_private(&file, PASSWORD);
    home.expect(
        0,
        &["user", "new", "mai", "--name", "Lê Thị Mai", "--role", "reviewer", "--password-file", file.to_str().unwrap()],
    );
    let mut serving = serving::serve(&home);
    let (answered, is_over) = (Mutex::new(Answered::default()), AtomicBool::new(false));
    std::thread::scope(|scope| {
        let _over = Over(&is_over);
        scope.spawn(|| review(&serving.address, &is_over, &answered));
        scope.spawn(|| {
            for number in (20_000..).take_while(|_| !is_over.load(Ordering::Relaxed)) {
                let pushed = serving.push(&token, &format!("name={number}.png"), "", &serving::scan(&home, number));
                assert_eq!(pushed.status, 202, "{}", pushed.body);
                answered.lock().unwrap().pushed.push(pushed.json()["record"].as_str().unwrap().to_owned());
                std::thread::sleep(Duration::from_millis(60));
            }
        });
        let until = Instant::now() + Duration::from_secs(120);
        while answered.lock().unwrap().decided.len() < 3 {
            assert!(Instant::now() < until, "papers are decided on");
            std::thread::sleep(Duration::from_millis(20));
        }
        let copy = tempfile::tempdir().unwrap();
        for round in 0..3 {
            let before = answered.lock().unwrap().clone();
            back_up(&home, copy.path());
            let restored = tempfile::tempdir().unwrap();
            let (folder, _) = restore(copy.path(), restored.path());
            let arrivals = files_below(&folder.join("archive/arrivals"));
            let arrived: BTreeSet<String> = arrivals
                .iter()
                .map(|note| serde_json::from_slice::<serde_json::Value>(&std::fs::read(note).unwrap()).unwrap())
                .map(|note| note["record"].as_str().unwrap().to_owned())
                .collect();
            let lost: Vec<_> = before.pushed.iter().filter(|record| !arrived.contains(*record)).collect();
            assert!(lost.is_empty(), "round {round}: {lost:?}");
            let log: String =
                files_below(&folder.join("access-log")).iter().map(|file| std::fs::read_to_string(file).unwrap()).collect();
            for record in &before.decided {
                let receipt = folder.join(format!("archive/records/{record}/r0002.dsse.json"));
                assert!(receipt.is_file(), "round {round}: the decision on {record} is lost");
                let noted = log.lines().any(|line| line.contains("\"what\":\"decision\"") && line.contains(record.as_str()));
                assert!(noted, "round {round}: who decided on {record} is not in the access log");
            }
            if round == 1 {
                // What had arrived and was not done is done from the copy.
                let more = tempfile::tempdir().unwrap();
                small_scan(&more.path().join("more.png"), 1);
                expect(&folder, &["ingest", more.path().to_str().unwrap()]);
                let verdicts = verify(&folder.join("archive"), &folder.join("trust"));
                assert!(verdicts.iter().all(|(verdict, _)| verdict == "ok"), "{verdicts:?}");
                assert!(verdicts.len() > before.pushed.len());
            }
        }
    });
    let answered = answered.into_inner().unwrap();
    assert!(answered.pushed.len() > answered.decided.len(), "stations pushed all the while");
    assert!(serving.signal(rustix::process::Signal::TERM).success());
}

#[test]
fn the_unit_of_the_system_is_one_that_systemd_takes() {
    let unit = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/deploy/sohoa.service");
    // The program is not installed where the unit has it: that alone may be complained of.
    let text = std::fs::read_to_string(unit).unwrap().replace("/usr/local/bin/sohoa", env!("CARGO_BIN_EXE_sohoa"));
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("sohoa.service");
    std::fs::write(&file, text).unwrap();
    let said = Command::new("systemd-analyze").args(["verify", "--recursive-errors=no"]).arg(&file).output();
    let said = said.expect("systemd-analyze cannot be started; `./bootstrap test` installs it");
    let errors = String::from_utf8_lossy(&said.stderr);
    assert!(said.status.success() && !errors.contains("sohoa.service:"), "{errors}");
}
