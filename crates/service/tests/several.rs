//! Several papers in one file without a separator sheet between them, and one paper in two files: what is divided, what is a person's
//! to decide, and what is only shown.
#![allow(clippy::unwrap_used)]

mod common;

use common::Home;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::Command;

fn fixture(path: &str) -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures").join(path).to_str().unwrap().to_owned()
}

const NOTICE: &str = "notice-typed/H48.110-250909-0007.01.pdf";
const LETTER: &str = "born-digital/H48.110-250929-0011.03.pdf";
const DECISION: &str = "decision-handwritten/H48.15-250303-0042.02.pdf";

fn outside(program: &str, package: &str, arguments: &[&str]) {
    let output = Command::new(program).args(arguments).output();
    let output = output.unwrap_or_else(|e| panic!("{program}: {e}: install the Debian package {package}"));
    assert!(output.status.success(), "{program} {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// A file of these papers, all their pages, in a folder of its own.
fn bound(home: &Home, papers: &[&str]) -> PathBuf {
    let folder = home.path("scans");
    std::fs::create_dir_all(&folder).unwrap();
    let papers: Vec<String> = papers.iter().map(|paper| fixture(paper)).collect();
    let file = folder.join("scan.pdf");
    let mut arguments = vec!["--empty", "--deterministic-id", "--pages"];
    papers.iter().for_each(|paper| arguments.extend([paper.as_str(), "1-z"]));
    arguments.extend(["--", file.to_str().unwrap()]);
    outside("qpdf", "qpdf", &arguments);
    folder
}

fn ingested(home: &Home, folder: &Path) -> Vec<Value> {
    home.lines(&[0], &["ingest", folder.to_str().unwrap(), "--json"])
}

fn shown(home: &Home, line: &Value) -> Value {
    serde_json::from_str(&home.expect(0, &["show", line["record"].as_str().unwrap(), "--json"])).unwrap()
}

/// Pages, kind, and what is said of the division.
fn told(line: &Value) -> Value {
    let pages: Vec<&Value> = line["pages"].as_array().unwrap().iter().map(|page| &page["number"]).collect();
    let kind = line["fields"].as_array().unwrap().iter().find(|field| field["name"] == "type_name").map(|field| &field["value"]);
    let reasons = line["reasons"].as_array().unwrap().iter().filter(|reason| reason.as_str().unwrap().contains("divi"));
    json!([pages, kind, reasons.collect::<Vec<_>>()])
}

#[test]
fn several_papers_in_one_file_are_records_of_their_own() {
    let home = Home::new();
    let folder = bound(&home, &[NOTICE, LETTER, DECISION]);
    let lines = ingested(&home, &folder);
    let expected = json!([
        [[1], "THÔNG BÁO", []],
        [[2], "CÔNG VĂN", ["divided_by_content"]],
        [[3, 4], "QUYẾT ĐỊNH", ["divided_by_content"]],
    ]);
    assert_eq!(json!(lines.iter().map(told).collect::<Vec<_>>()), expected);
    // that it was divided is no reason to wait: what is sure is sealed
    assert_eq!(json!([lines[0]["state"], lines[1]["state"]]), json!(["sealed", "sealed"]));
    for (line, number) in lines.iter().zip(1..) {
        assert_eq!(shown(&home, line)["part"], json!({ "number": number, "of": 3 }));
    }
    let text = home.expect(0, &["show", lines[2]["record"].as_str().unwrap()]);
    assert!(text.contains("document     3 of 3 in the file") && text.contains("(divided_by_content)"), "{text}");
    assert!(home.verify().iter().all(|(verdict, _)| verdict == "ok"));
    home.expect(0, &["fsck", "--rebuild"]);
    home.expect(0, &["fsck"]);
}

#[test]
fn content_divides_nothing_where_it_was_switched_off() {
    let home = Home::new();
    home.set("by_content = true", "by_content = false");
    let folder = bound(&home, &[NOTICE, LETTER]);
    assert_eq!(json!(ingested(&home, &folder).iter().map(told).collect::<Vec<_>>()), json!([[[1, 2], "THÔNG BÁO", []]]));
}

#[test]
fn what_is_not_sure_stays_whole_and_waits_for_a_person() {
    let home = Home::new();
    // the same paper twice, with another between
    let folder = bound(&home, &[NOTICE, LETTER, NOTICE, LETTER, LETTER]);
    let lines = ingested(&home, &folder);
    assert_eq!(told(&lines[0]), json!([[1], "THÔNG BÁO", []]));
    assert_eq!(lines.len(), 4, "{:?}", lines.iter().map(told).collect::<Vec<_>>());
    // a page that was captured twice, one after the other, is one page of its paper
    assert_eq!(told(&lines[3]), json!([[4, 5], "CÔNG VĂN", ["divided_by_content"]]));

    let home = Home::new();
    let folder = bound(&home, &[DECISION, DECISION]);
    let lines = ingested(&home, &folder);
    assert_eq!(json!(lines.iter().map(told).collect::<Vec<_>>()), json!([[[1, 2, 3, 4], "QUYẾT ĐỊNH", ["division_unsure"]]]));
    assert_eq!(lines[0]["state"], "review");
    assert!(lines[0]["pages"][2]["reasons"].to_string().contains("division_unsure"), "the page is named: {}", lines[0]["pages"]);
    let record = lines[0]["record"].as_str().unwrap();
    assert!(home.expect(0, &["review", "show", record]).contains("page 3: division_unsure"));
    home.expect(0, &["review", "accept", record, "--by", "lan"]);
    let shown = shown(&home, &lines[0]);
    assert!(!shown["reasons"].to_string().contains("division_unsure"), "who accepts the whole has seen that it is one: {shown}");
}

#[test]
fn another_scan_of_a_paper_is_shown_beside_it_and_other_papers_are_not() {
    let home = Home::new();
    let folder = home.path("scans");
    std::fs::create_dir_all(&folder).unwrap();
    let stem = folder.join("again");
    let arguments = ["-r", "150", "-jpeg", "-singlefile", &fixture(NOTICE), stem.to_str().unwrap()];
    outside("pdftoppm", "poppler-utils", &arguments);
    let first =
        home.lines(&[0], &["ingest", &fixture(NOTICE), &fixture("report-urgent/scan0021.pdf"), &fixture(LETTER), "--json"]);
    assert!(first.iter().all(|line| line["same_pages"].is_null()), "{first:?}");
    let again = &ingested(&home, &folder)[0];
    let notice = first.iter().find(|line| line["source"].as_str().unwrap().ends_with(NOTICE)).unwrap();
    assert_eq!(again["same_pages"], json!([notice["record"]]), "{again}");
    assert_ne!(again["record"], notice["record"]);
    let told = home.expect(0, &["show", notice["record"].as_str().unwrap()]);
    assert!(told.contains(&format!("each page looks like that of record {}", again["record"].as_str().unwrap())), "{told}");
    // the index can be lost, and knows it again
    home.expect(0, &["fsck", "--rebuild"]);
    assert!(home.expect(0, &["show", again["record"].as_str().unwrap()]).contains("each page looks like"));
}
