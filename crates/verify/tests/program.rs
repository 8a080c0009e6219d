//! The program as its users meet it: arguments, exit codes, reports, and input that means harm.
#![allow(clippy::unwrap_used)]

mod common;

use common::*;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// An export of record A with one revision: its folder `r0001`, the whole, and the policy.
fn bag() -> (tempfile::TempDir, PathBuf, PathBuf, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("export");
    export(&root, A, 1, &key());
    let (home, trust) = (root.join(format!("data/{A}/r0001")), trust(folder.path()));
    (folder, root, home, trust)
}

const RECEIPT: &str = "r0001/r0001.dsse.json";

#[test]
fn nothing_to_verify_wrong_arguments_and_absent_folders_differ() {
    let folder = tempfile::tempdir().unwrap();
    let trust = trust(folder.path());
    let empty = folder.path().join("empty");
    fs::create_dir(&empty).unwrap();
    assert_eq!(verify(&empty, &trust).code, 15);
    assert_eq!(verify(&folder.path().join("absent"), &trust).code, 1);
    assert_eq!(verify(&trust, &trust).code, 1);
    assert_eq!(verify(&empty, &folder.path().join("absent.txt")).code, 1);
    fs::write(folder.path().join("bad.txt"), "hello\n").unwrap();
    assert_eq!(verify(&empty, &folder.path().join("bad.txt")).code, 2);
    assert_eq!(run(&["--json"]).code, 2);
    let help = run(&["--help"]).text;
    assert!((10..=15).all(|code| help.contains(&format!("\n  {code}  "))), "{help}");
}

#[test]
fn the_report_for_people_fits_a_terminal_and_names_what_is_wrong() {
    let folder = tempfile::tempdir().unwrap();
    let (root, trust) = (folder.path().join("archive"), trust(folder.path()));
    let a = store(&root, A, 2, &key());
    store(&root, B, 1, &key());
    fs::remove_file(object_path(&root, &a[1].objects[2].digests.sha256)).unwrap();
    let said = |lang: &str, more: &[&str]| {
        run(&[&[root.to_str().unwrap(), "--trust", trust.to_str().unwrap(), "--lang", lang], more].concat()).text
    };
    for (lang, bad, good, object) in
        [("vi", "THIẾU", "ĐÚNG", "text.json (phiên bản 2)"), ("en", "MISSING", "OK", "text.json (revision 2)")]
    {
        let text = said(lang, &[]);
        assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
        assert!([bad, good, object, A, B].iter().all(|word| text.contains(word)), "{text}");
        let quiet = said(lang, &["--quiet"]);
        assert!(quiet.contains(A) && !quiet.contains(B), "{quiet}");
    }
}

#[test]
fn of_several_folders_each_line_says_which_and_the_worst_counts() {
    let (_one, root, home, trust) = bag();
    let (_two, other, _, _) = bag();
    fs::remove_file(home.join("text.json")).unwrap();
    let said = run(&[root.to_str().unwrap(), other.to_str().unwrap(), "--trust", trust.to_str().unwrap(), "--json"]);
    assert_eq!((said.code, said.verdicts()), (11, vec!["missing", "ok"]));
    assert!(said.lines[1]["path"].as_str().unwrap().starts_with(other.to_str().unwrap()), "{}", said.text);
}

#[test]
fn links_and_fifos_are_not_opened() {
    let (folder, root, home, trust) = bag();
    let outside = folder.path().join("outside.json");
    fs::rename(home.join("text.json"), &outside).unwrap();
    symlink(&outside, home.join("text.json")).unwrap();
    verify(&root, &trust).expect(11, A, "missing", "text.json");

    fs::remove_file(home.join("text.json")).unwrap();
    assert!(std::process::Command::new("mkfifo").arg(home.join("text.json")).status().unwrap().success());
    verify(&root, &trust).expect(11, A, "missing", "text.json");
    fs::remove_file(home.join("text.json")).unwrap();
    fs::rename(&outside, home.join("text.json")).unwrap();
    assert_eq!(verify(&root, &trust).code, 0);

    // a receipt that is a link, and folders that lead in a circle
    fs::rename(home.join("r0001.dsse.json"), &outside).unwrap();
    symlink(&outside, home.join("r0001.dsse.json")).unwrap();
    verify(&root, &trust).expect(11, A, "missing", RECEIPT);
    fs::remove_file(home.join("r0001.dsse.json")).unwrap();
    fs::rename(&outside, home.join("r0001.dsse.json")).unwrap();
    symlink("..", root.join("data/circle")).unwrap();
    assert_eq!(verify(&root, &trust).verdicts(), ["ok", "unreferenced"]);
}

#[test]
fn a_store_that_is_a_link_is_not_followed() {
    let folder = tempfile::tempdir().unwrap();
    let (root, trust) = (folder.path().join("archive"), trust(folder.path()));
    store(&root, A, 1, &key());
    fs::rename(root.join("objects"), folder.path().join("elsewhere")).unwrap();
    symlink(folder.path().join("elsewhere"), root.join("objects")).unwrap();
    verify(&root, &trust).expect(11, A, "missing", "source.png");
}

#[test]
fn hostile_receipts_are_malformed_and_quickly_so() {
    let (_folder, root, home, trust) = bag();
    let deep = "[".repeat(1 << 20);
    let deep_object = "{\"payloadType\":".repeat(1 << 16);
    let many = format!(
        "{{\"payloadType\":\"x\",\"payload\":\"\",\"signatures\":[{}]}}",
        vec!["{\"keyid\":\"\",\"sig\":\"\"}"; 1 << 16].join(",")
    );
    let duplicate = fs::read_to_string(home.join("r0001.dsse.json")).unwrap().replacen('{', "{\"payload\":\"\",", 1);
    for text in ["", "{}", "null", "\u{feff}{}", "{\"payloadType\":1e999}", &deep, &deep_object, &many, &duplicate] {
        fs::write(home.join("r0001.dsse.json"), text).unwrap();
        let begin = Instant::now();
        verify(&root, &trust).expect(14, A, "malformed", RECEIPT);
        assert!(begin.elapsed() < Duration::from_secs(10));
    }
    fs::write(home.join("r0001.dsse.json"), [0xff; 100]).unwrap();
    verify(&root, &trust).expect(14, A, "malformed", RECEIPT);
    // a terabyte without a byte on the disk
    fs::File::create(home.join("r0001.dsse.json")).unwrap().set_len(1 << 40).unwrap();
    verify(&root, &trust).expect(14, A, "malformed", RECEIPT);
}

#[test]
fn an_object_of_another_size_is_not_read_to_its_end() {
    let (_folder, root, home, trust) = bag();
    fs::File::create(home.join("source.png")).unwrap().set_len(1 << 40).unwrap();
    let begin = Instant::now();
    verify(&root, &trust).expect(10, A, "altered", "source.png");
    assert!(begin.elapsed() < Duration::from_secs(10));
}

#[test]
fn a_believed_manifest_cannot_lead_out_of_its_folder() {
    let (_folder, root, home, trust) = bag();
    for name in ["../../escape", "/etc/hostname", ".hidden", "a/b", ""] {
        let mut hostile = manifest(A, None);
        hostile.objects[2].name = name.into();
        fs::write(home.join("r0001.dsse.json"), sohoa_record::Receipt::seal(&hostile, &key()).to_bytes()).unwrap();
        verify(&root, &trust).expect(14, A, "malformed", RECEIPT);
    }
}

#[test]
fn strange_revisions_of_a_believed_key_do_not_take_for_ever() {
    let (_folder, root, home, trust) = bag();
    for (revision, verdict) in [(0, "malformed"), (u32::MAX, "altered")] {
        let mut strange = manifest(A, None);
        strange.revision = revision;
        fs::write(home.join("manifest.json"), strange.to_bytes()).unwrap();
        fs::write(home.join("r0001.dsse.json"), sohoa_record::Receipt::seal(&strange, &key()).to_bytes()).unwrap();
        let begin = Instant::now();
        assert_eq!(verify(&root, &trust).lines[0]["verdict"], verdict);
        assert!(begin.elapsed() < Duration::from_secs(10));
    }
}

#[test]
fn folders_nested_without_end_are_reported() {
    let (_folder, root, _home, trust) = bag();
    let deep: PathBuf = std::iter::once(root.clone()).chain((0..40).map(|_| "x".into())).collect();
    fs::create_dir_all(deep).unwrap();
    assert_eq!((verify(&root, &trust).code, verify(&root, &trust).verdicts()), (14, vec!["ok", "malformed"]));
}

#[test]
fn names_in_a_folder_cannot_steer_the_terminal() {
    let (_folder, root, home, trust) = bag();
    fs::write(home.join("\u{1b}]0;all is well\u{7}.txt"), "").unwrap();
    for lang in ["vi", "en"] {
        let text = run(&[root.to_str().unwrap(), "--trust", trust.to_str().unwrap(), "--lang", lang]).text;
        assert!(text.contains("all is well") && !text.contains('\u{1b}') && !text.contains('\u{7}'), "{text:?}");
    }
}
