//! `sohoa audit` on a real archive: the verdicts of `sohoa-verify`, and rates that are made again without index or key.
#![allow(clippy::unwrap_used)]

mod common;

use common::{Home, small_scan};
use serde_json::Value;
use std::path::Path;
use std::process::{Command, Output};

const REGISTER: &str = "unit,procedure,dossier_code,number,date,valid_until\n\
    H48.15,1.001612,H48.15-250117-0042,51/QĐ-UBND,2025-01-17,\nH48.15,1.001612,H48.15-250117-0043,52/QĐ-UBND,2025-01-17,\n";

/// An archive of two records, one of them in the register.
fn home() -> Home {
    let home = Home::new();
    let scans = home.path("in");
    std::fs::create_dir_all(&scans).unwrap();
    small_scan(&scans.join("H48.15-250117-0042.01.png"), 9);
    small_scan(&scans.join("H48.15-250117-0099.01.png"), 10);
    home.expect(0, &["ingest", scans.to_str().unwrap()]);
    std::fs::write(home.path("so.csv"), REGISTER).unwrap();
    home.expect(0, &["register", "import", home.path("so.csv").to_str().unwrap()]);
    home
}

fn lines(output: &Output) -> Vec<Value> {
    String::from_utf8_lossy(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// As an auditor elsewhere: no data folder, a copy of the archive, the trust file, and what the office reported.
fn elsewhere(folder: &Path, more: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sohoa"));
    command.current_dir(folder).args(["audit", "copy", "--trust", "trust", "--json"]).args(more);
    command.env_remove("SOHOA_KEY_PASSWORD").env_remove("SOHOA_LOG").output().unwrap()
}

#[test]
fn the_archive_is_whole_and_its_rates_are_those_of_the_manifests() {
    let home = home();
    let lines = home.lines(&[0], &["audit", "--rates", "2025", "--json"]);
    let verdicts: Vec<_> = lines.iter().filter_map(|line| line["verdict"].as_str()).collect();
    assert_eq!(verdicts, ["ok", "ok"]);
    let archived = lines.iter().map(|line| &line["rate"]).find(|row| row["unit"] == "H48.15" && row["indicator"] == "archived");
    assert_eq!(archived.map(|row| (&row["numerator"], &row["denominator"])), Some((&1.into(), &2.into())));
    assert!(!lines.iter().any(|line| line["difference"].is_object()), "{lines:?}");
    let text = home.expect(0, &["audit", "--rates", "2025", "--lang", "en"]);
    assert!(text.contains("the reported rates are the same") && text.contains("1 of 2"), "{text}");

    let away = tempfile::tempdir().unwrap();
    assert!(Command::new("cp").arg("-a").arg(home.path("archive")).arg(away.path().join("copy")).status().unwrap().success());
    std::fs::copy(home.path("trust"), away.path().join("trust")).unwrap();
    let reported = home.expect(0, &["report", "--year", "2025", "--json"]);
    std::fs::write(away.path().join("reported.jsonl"), &reported).unwrap();
    let against = ["--rates", "2025", "--against", "reported.jsonl"];
    let same = elsewhere(away.path(), &against);
    assert_eq!(same.status.code(), Some(0), "{}", String::from_utf8_lossy(&same.stderr));

    // a report that claims more
    let claimed = reported.replacen("\"numerator\":1", "\"numerator\":2", 1);
    assert_ne!(claimed, reported);
    std::fs::write(away.path().join("reported.jsonl"), claimed).unwrap();
    let output = elsewhere(away.path(), &against);
    let differs: Vec<Value> = self::lines(&output).into_iter().filter(|line| line["difference"].is_object()).collect();
    assert_eq!((output.status.code(), differs.len()), (Some(21), 1), "{differs:?}");
    let difference = &differs[0]["difference"];
    assert_eq!(
        (&difference["member"], &difference["reported"], &difference["recomputed"]),
        (&"numerator".into(), &2.into(), &1.into())
    );

    // an audit that was stopped has the rates of what it judged before; the index is not there at all
    std::fs::write(away.path().join("reported.jsonl"), &reported).unwrap();
    let with_state = [&against[..], &["--state", "state"]].concat();
    assert_eq!(elsewhere(away.path(), &with_state).status.code(), Some(0));
    let again = elsewhere(away.path(), &with_state);
    assert!(String::from_utf8_lossy(&again.stderr).contains("2 records were judged by an earlier run"));
    assert_eq!(again.status.code(), Some(0), "{}", String::from_utf8_lossy(&again.stdout));

    // a record that is not whole counts for nothing, and its own verdict leads
    let record = self::lines(&same).into_iter().find(|line| line["record"].is_string()).unwrap()["record"].clone();
    let receipt = away.path().join(format!("copy/records/{}/r0001.dsse.json", record.as_str().unwrap()));
    std::fs::write(&receipt, "{}").unwrap();
    let output = elsewhere(away.path(), &against);
    assert_eq!(output.status.code(), Some(14));
    assert!(
        self::lines(&output).iter().any(|line| line["difference"].is_object()),
        "{}",
        String::from_utf8_lossy(&output.stdout)
    );
}

#[test]
fn what_an_auditor_elsewhere_must_name_is_said() {
    let away = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_sohoa"));
    let nothing = command.current_dir(away.path()).arg("audit").output().unwrap();
    assert_eq!(nothing.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&nothing.stderr).contains("--trust FILE"));
    assert_eq!(elsewhere(away.path(), &["--rates", "2025"]).status.code(), Some(2));
    std::fs::create_dir(away.path().join("no-roots")).unwrap();
    assert_eq!(elsewhere(away.path(), &["--roots", "no-roots"]).status.code(), Some(2), "nobody could be believed");
    assert_eq!(elsewhere(away.path(), &["--rates", "2025", "--sample", "5", "--seed", "x"]).status.code(), Some(2));
}

/// A log that was taken back, or written anew, does not continue the checkpoint that the auditor kept; without it nothing shows.
#[test]
fn a_kept_checkpoint_shows_a_log_that_was_taken_back() {
    let home = home();
    let (log, kept, early) = (home.path("archive/log"), home.path("kept"), home.path("early"));
    let copy = |from: &Path, to: &Path| assert!(Command::new("cp").arg("-a").arg(from).arg(to).status().unwrap().success());
    copy(&home.path("archive"), &early);
    let since = ["audit", "--since", kept.to_str().unwrap(), "--json"];
    std::fs::copy(log.join("checkpoint"), &kept).unwrap();
    let audited = |code: i32, more: &[&str]| home.lines(&[code], &[&since[..], more].concat());
    let verdicts =
        |lines: &[Value]| lines.iter().filter_map(|line| line["verdict"].as_str().map(str::to_owned)).collect::<Vec<_>>();
    assert_eq!(verdicts(&audited(0, &[])), ["ok", "ok"]);
    // The archive grows, and still continues what was kept; the newer checkpoint is kept from then on.
    small_scan(&home.path("in/H48.15-250117-0100.01.png"), 11);
    home.expect(0, &["ingest", home.path("in").to_str().unwrap()]);
    assert_eq!(verdicts(&audited(0, &[])), ["ok", "ok", "ok"]);
    let of_three = std::fs::read(log.join("checkpoint")).unwrap();
    assert_ne!(of_three, std::fs::read(&kept).unwrap());
    std::fs::write(&kept, &of_three).unwrap();
    // The archive of before is laid before the auditor: whole in itself, and taken back by one record.
    let (early, trust) = (early.to_str().unwrap(), home.path("trust"));
    let shown = ["audit", early, "--trust", trust.to_str().unwrap(), "--json"];
    assert_eq!(verdicts(&home.lines(&[0], &shown)), ["ok", "ok"]);
    let said = audited(17, &[early, "--trust", trust.to_str().unwrap()]);
    let bad = said.iter().find(|line| line["verdict"] == "bad_log").unwrap();
    assert!(bad["reason"].as_str().unwrap().contains("3") && bad["path"] == "log/checkpoint", "{bad}");
    // One that no log of the policy signed is no checkpoint to keep.
    std::fs::write(&kept, String::from_utf8(of_three).unwrap().replacen("\n3\n", "\n4\n", 1)).unwrap();
    assert_eq!(home.sohoa(&since).status.code(), Some(2));
}
