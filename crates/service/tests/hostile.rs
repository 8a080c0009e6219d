//! Hostile, odd and signed files: each one is handed to the program and has its outcome, which is the one of a list; no crash, no run
//! over its limits, no process left behind.
#![allow(clippy::unwrap_used)]

mod common;

use common::{Home, children_of, corpus, files_below, lives};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

/// Path, state, pages, pages that failed, reasons; one file a line. `SOHOA_REWRITE=1` writes it anew: read the difference as code.
const EXPECTED: &str = "tests/hostile.expected.tsv";
const HEADING: &str = "file\tstate\tpages\tfailed\treasons";

/// What the file is and what became of its pages. What the engine read on them, and so what is doubtful in it, is for other tests:
/// better reading shall not change this list.
const ABOUT_THE_FILE: &[&str] = &[
    "recognize_failed",
    "page_timeout",
    "page_crash",
    "page_memory",
    "page_damaged",
    "page_too_large",
    "low_dpi",
    "empty",
    "unknown_format",
    "name_mismatch",
    "encrypted",
    "damaged",
    "no_pages",
    "too_many_pages",
    "too_large",
    "open_timeout",
    "open_crash",
];

#[test]
fn every_hostile_file_has_the_outcome_of_the_list() {
    let home = Home::new();
    // Far from what any of them takes, so that a busy machine changes no outcome; a file that hangs would still be told.
    home.set("page_seconds = 120", "page_seconds = 240").set("open_seconds = 60", "open_seconds = 240");
    let files: Vec<_> = ["nasty", "signed"].iter().flat_map(|folder| files_below(&corpus().join(folder))).collect();
    assert!(files.len() >= 805, "{} files", files.len());

    let began = Instant::now();
    // Named one by one: what is named is taken, whatever its extension.
    let mut run = home
        .command(&["ingest", "--json"])
        .args(&files)
        .env("SOHOA_LOG", "error")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let pid = run.id();
    let errors = std::thread::spawn({
        let mut stderr = run.stderr.take().unwrap();
        move || std::io::read_to_string(&mut stderr).unwrap()
    });
    let output = std::thread::spawn({
        let mut stdout = run.stdout.take().unwrap();
        move || std::io::read_to_string(&mut stdout).unwrap()
    });
    let mut children = BTreeSet::new();
    let status = loop {
        children.extend(children_of(pid));
        match run.try_wait().unwrap() {
            Some(status) => break status,
            None => std::thread::sleep(Duration::from_millis(50)),
        }
    };
    let (output, errors) = (output.join().unwrap(), errors.join().unwrap());
    println!("{} files in {:?}, by {} children", files.len(), began.elapsed(), children.len());
    assert_eq!(status.code(), Some(3), "it survives them all, and says that some failed: {errors}");
    assert!(!children.is_empty() && children.iter().all(|pid| !lives(*pid)), "no child is left");

    let lines = whole(output.lines().map(|line| serde_json::from_str(line).unwrap()));
    assert_eq!(lines.len(), files.len(), "each file has its line");
    let mut found = BTreeMap::new();
    for line in &lines {
        let (file, outcome) = outcome(line);
        assert!(found.insert(file.clone(), outcome).is_none(), "{file} twice");
    }
    compare(&found);
    home.expect(0, &["fsck"]);
    assert!(home.verify().iter().all(|(verdict, _)| verdict == "ok"));
}

/// One line a file: the documents that separator sheets divided it into are put together again.
fn whole(lines: impl Iterator<Item = Value>) -> Vec<Value> {
    let mut files: Vec<Value> = Vec::new();
    for line in lines {
        match files.iter_mut().find(|file| file["source"] == line["source"]) {
            Some(file) => {
                assert_eq!(file["state"], line["state"], "{}", line["source"]);
                for list in ["pages", "reasons"] {
                    let more = line[list].as_array().unwrap().iter().cloned();
                    file[list].as_array_mut().unwrap().extend(more);
                }
            }
            None => files.push(line),
        }
    }
    files
}

/// File and the rest of its line in the list.
fn outcome(line: &Value) -> (String, String) {
    let source = Path::new(line["source"].as_str().unwrap());
    let file = source.strip_prefix(std::fs::canonicalize(corpus()).unwrap()).unwrap().to_str().unwrap().to_owned();
    let state = line["state"].as_str().unwrap();
    let told: Vec<&str> = line["reasons"].as_array().unwrap().iter().map(|reason| reason.as_str().unwrap()).collect();
    let mut reasons: Vec<&str> = told.iter().copied().filter(|reason| ABOUT_THE_FILE.contains(reason)).collect();
    reasons.sort_unstable();
    reasons.dedup();
    let pages = line["pages"].as_array().unwrap();
    let failed: Vec<&Value> = pages.iter().filter(|page| page["state"] == "recognize_failed").collect();
    // What the list cannot say by itself: nothing fails without saying why.
    assert!(state != "failed" || !reasons.is_empty(), "{file}: failed for no reason");
    assert!(failed.iter().all(|page| !page["reasons"].as_array().unwrap().is_empty()), "{file}: a page failed for no reason");
    assert!(state == "sealed" || !told.is_empty(), "{file}: {state} for no reason");
    (file, format!("{state}\t{}\t{}\t{}", pages.len(), failed.len(), reasons.join(" ")))
}

fn compare(found: &BTreeMap<String, String>) {
    let list = Path::new(env!("CARGO_MANIFEST_DIR")).join(EXPECTED);
    if std::env::var_os("SOHOA_REWRITE").is_some() {
        let lines: String = found.iter().map(|(file, outcome)| format!("{file}\t{outcome}\n")).collect();
        return std::fs::write(list, format!("{HEADING}\n{lines}")).unwrap();
    }
    let text = std::fs::read_to_string(list).unwrap();
    let expected: BTreeMap<&str, &str> = text.lines().skip(1).map(|line| line.split_once('\t').unwrap()).collect();
    let mut wrong = Vec::new();
    for (file, outcome) in found {
        let wanted = expected.get(file.as_str()).copied().unwrap_or("(not in the list)");
        if wanted != outcome {
            wrong.push(format!("{file}\n  expected {wanted}\n  found    {outcome}"));
        }
    }
    wrong.extend(
        expected
            .keys()
            .filter(|file| !found.contains_key(**file))
            .map(|file| format!("{file}: is in the list and not in the corpus")),
    );
    assert!(
        wrong.is_empty(),
        "{} of {} differ (SOHOA_REWRITE=1 writes the list anew):\n{}",
        wrong.len(),
        found.len(),
        wrong.join("\n")
    );
}
