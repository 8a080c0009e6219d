//! The console as people meet it: a real browser (Chromium, driven by Playwright) from signing in to a proof that `sohoa-verify` accepts.
//! What each page looks like is kept below `target/tmp/console`.
#![allow(clippy::unwrap_used)]

mod common;

use common::serving::*;
use common::{Home, verify};
use std::path::{Path, PathBuf};
use std::process::Command;

const PASSWORD: &str = "một mật khẩu dài";

/// Adds a person who chose their password themselves.
fn person(home: &Home, login: &str, name: &str, role: &str) {
    let file = home.path("password");
    common::write_private(&file, PASSWORD);
    home.expect(0, &["user", "new", login, "--name", name, "--role", role, "--password-file", file.to_str().unwrap()]);
}

/// Adds a person with a password that they must change; gives it.
fn newcomer(home: &Home, login: &str, name: &str, role: &str) -> String {
    let told = home.expect(0, &["user", "new", login, "--name", name, "--role", role]);
    told.lines().find_map(|line| line.strip_prefix("password ")).unwrap().trim().to_owned()
}

fn fixture(inside: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures").join(inside);
    let mut files = common::files_below(&folder);
    files.retain(|file| file.extension().is_some_and(|kind| kind != "json"));
    files.remove(0)
}

/// Results on paper, none of them that of the scan: each year's figures have something below the line.
fn a_register_of_years(home: &Home) {
    std::fs::write(home.path("units.toml"), "[[unit]]\ncode = \"H48.15\"\nname = \"Xã Thử\"\nlevel = \"commune\"\n").unwrap();
    home.set("units = \"\"", "units = \"units.toml\"");
    let this_year = jiff::Zoned::now().year();
    let rows: String = (2022..=this_year).map(|year| format!("H48.15,{year}/GP-UBND,{year}-03-05\n")).collect();
    std::fs::write(home.path("register.csv"), format!("unit,number,date\n{rows}")).unwrap();
    home.expect(0, &["register", "import", home.path("register.csv").to_str().unwrap()]);
}

#[test]
fn a_scan_goes_from_a_station_to_a_proof_in_a_real_browser() {
    let home = home();
    let temporary = newcomer(&home, "mai", "Lê Thị Mai", "reviewer");
    person(&home, "thong-ke", "Người Thống Kê", "statistician");
    person(&home, "hai", "Người Soát Lại", "second_reviewer");
    person(&home, "tram", "Người Quét", "operator");
    person(&home, "quan-tri", "Người Quản Trị", "administrator");
    let token = token(&home, "tram-1");
    a_register_of_years(&home);
    home.expect(0, &["fsck"]);
    watch(&home, "unit = \"H48.15\"");
    home.set("waiting_minutes = 15", "waiting_minutes = 1");
    std::fs::write(home.path("in/Ghi chú của buổi quét hôm nay, có tên rất dài và không phải bản quét.docx"), "x").unwrap();
    let serving = serve(&home);
    let shots = Path::new(env!("CARGO_TARGET_TMPDIR")).join("console");
    let _ = std::fs::remove_dir_all(&shots);
    std::fs::create_dir_all(&shots).unwrap();
    let paper = std::fs::read_to_string(fixture("birth-certificate").with_extension("pdf.expected.json")).unwrap();
    let paper: serde_json::Value = serde_json::from_str(&paper).unwrap();
    let number = paper["fields"]["owner_id"].as_str().unwrap().to_owned();
    let people = serde_json::json!({
        "reviewer": ["mai", temporary, "Lê Thị Mai"],
        "statistician": ["thong-ke", PASSWORD],
        "second_reviewer": ["hai", PASSWORD],
        "operator": ["tram", PASSWORD],
        "administrator": ["quan-tri", PASSWORD],
    });
    let output = Command::new("node-judges")
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/judges/console.cjs"))
        .args([format!("http://{}", serving.address), token.clone()])
        .args([fixture("decision-handwritten"), shots.clone()])
        .arg(people.to_string())
        .args([fixture("birth-certificate").to_str().unwrap(), &number])
        .arg(home.path("in"))
        .output()
        .expect("node-judges cannot be started; `./bootstrap test` installs it");
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{told}\n{}", String::from_utf8_lossy(&output.stderr));
    println!("{told}");

    // What was taken away stands on its own: unpacked by somebody else's program, judged offline.
    let taken = tempfile::tempdir().unwrap();
    let unpacked = Command::new("python3").args(["-m", "zipfile", "-e"]).arg(shots.join("proof.zip")).arg(taken.path()).status();
    assert!(unpacked.expect("python3 unpacks").success());
    let folder = std::fs::read_dir(taken.path()).unwrap().next().unwrap().unwrap().path();
    let verdicts: Vec<String> = verify(&folder, &home.path("trust")).into_iter().map(|(verdict, _)| verdict).collect();
    assert_eq!(verdicts, ["ok"]);
    let pdf = std::fs::read(shots.join("searchable.pdf")).unwrap();
    assert!(pdf.starts_with(b"%PDF-"));

    // What was looked at is noted, and no name or number of anybody with it.
    let log: String =
        common::files_below(&home.path("access-log")).iter().map(|file| std::fs::read_to_string(file).unwrap()).collect();
    for what in ["sign_in", "sign_in_refused", "record", "page", "search", "decision", "proof", "pdf", "administer"] {
        assert!(log.contains(&format!("\"what\":\"{what}\"")), "{what} is not in the access log");
    }
    // Nor is anything of the paper, or any secret, in what the service itself logs, at its most talkative.
    let talk = std::fs::read_to_string(home.path("serve.log")).unwrap();
    assert!(talk.contains("done"), "it logs: {talk}");
    for secret in ["quyet dinh", "Trần Văn Thử", "Lê Quang Hiệp", "Phan Văn Thuận", &token, PASSWORD, "mật khẩu riêng"]
    {
        assert!(!log.contains(secret), "'{secret}' is in the access log");
        assert!(!talk.contains(secret), "'{secret}' is in the service's log");
    }
}
