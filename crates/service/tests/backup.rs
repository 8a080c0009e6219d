//! The backup of docs/operating.md, made while an ingest runs and restored to another folder: whole, and the work goes on from it.
#![allow(clippy::unwrap_used)]

mod common;

use common::{Home, is_half_done, small_scan, verify};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
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
    // 24: a file vanished while it was copied, such as one that was being written; what it became is copied or not needed.
    assert!(matches!(made.status.code(), Some(0 | 24)), "{}", String::from_utf8_lossy(&made.stderr));
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
        let folder: PathBuf = restored.path().join("kho");
        let cp = Command::new("cp").args(["-a"]).arg(copy.path()).arg(&folder).status().unwrap();
        assert!(cp.success());
        expect(&folder, &["fsck", "--rebuild"]);
        let report = expect(&folder, &["fsck", "--json"]);
        let last: serde_json::Value = serde_json::from_str(report.lines().last().unwrap()).unwrap();
        assert_eq!(last["errors"], 0, "round {round}: {report}");
        copied.push(last["records"].as_u64().unwrap());
        for (verdict, line) in verify(&folder.join("archive"), &folder.join("trust")) {
            assert!(is_half_done(&verdict), "round {round}: {line}");
        }
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
