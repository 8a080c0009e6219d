//! Real published papers: every page of every file is accounted for, the fields are as good as promised, and no wrong number or
//! date is vouched for. Prints the figures.
#![allow(clippy::unwrap_used)]

mod common;

use common::{Home, common_words, corpus, files_below, words};
use serde_json::Value;
use std::collections::BTreeMap;

#[test]
fn real_papers_are_accounted_for_and_nothing_wrong_is_vouched_for() {
    let home = Home::new();
    let folder = corpus().join("vn");
    let lines = home.lines(&[0], &["ingest", folder.to_str().unwrap(), "--json"]);
    let truth: Vec<Value> = std::fs::read_to_string(folder.join("fields.jsonl"))
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let by_file: BTreeMap<String, &Value> =
        lines.iter().map(|line| (line["source"].as_str().unwrap().rsplit("/vn/").next().unwrap().to_owned(), line)).collect();
    assert_eq!(by_file.len(), truth.len(), "every file has its line");
    assert_eq!(files_below(&folder).iter().filter(|f| is_scan(f)).count(), truth.len());

    let (mut notations, mut subject_words, mut found_words) = (0, 0, 0);
    let mut vouched = 0;
    for paper in &truth {
        let file = paper["file"].as_str().unwrap();
        let line = by_file[file];
        let pages = line["pages"].as_array().unwrap();
        assert_eq!(pages.len() as u64, paper["pages"].as_u64().unwrap_or(1), "{file}: pages");
        let blank: Vec<u64> = numbers(pages.iter().filter(|page| page["state"] == "blank").map(|page| &page["number"]));
        let truly_blank: Vec<u64> = numbers(paper["blank_pages"].as_array().into_iter().flatten());
        for page in &truly_blank {
            assert!(blank.contains(page), "{file}: page {page} is blank");
        }
        assert!(pages.iter().all(|page| page["state"] != "recognize_failed"), "{file}: all pages can be read");

        let (number, notation) = paper["number"].as_str().unwrap().split_once('/').unwrap();
        let field = |name: &str| {
            line["fields"].as_array().unwrap().iter().find(|field| field["name"] == name).cloned().unwrap_or_default()
        };
        let right = field("code_notation")["value"] == notation;
        notations += u32::from(right);
        let wanted = words(paper["subject"].as_str().unwrap());
        let read = field("subject")["value"].as_str().map(words).unwrap_or_default();
        let here = common_words(&wanted, &read);
        subject_words += wanted.len();
        found_words += here;
        println!(
            "{file:<44} notation {} subject {here}/{}  number {}  date {}",
            if right { "right" } else { "WRONG" },
            wanted.len(),
            told(&field("code_number")),
            told(&field("issued_date"))
        );

        // The promise: what is not in doubt is right.
        for (name, truth) in [("code_number", number), ("issued_date", paper["date"].as_str().unwrap())] {
            let field = field(name);
            if field["doubt"].is_null() && !field["value"].is_null() {
                vouched += 1;
                assert_eq!(field["value"], truth, "{file}: a wrong {name} is vouched for");
            }
        }
    }
    let papers = truth.len() as u32;
    println!(
        "code_notation right on {notations} of {papers}; subject words {found_words} of {subject_words}; {vouched} numbers and dates vouched for, none wrong"
    );
    assert!(notations * 100 >= papers * 90, "code_notation is right on {notations} of {papers}");
    assert!(found_words * 100 >= subject_words * 97, "subject words: {found_words} of {subject_words}");

    // What was ingested is provable, and the index can be lost.
    assert!(home.verify().iter().all(|(verdict, _)| verdict == "ok"));
    let ask = |query: &str| home.expect(0, &["search", query, "--json", "--limit", "100"]);
    let queries = ["quyet dinh", "Quyết định", "hoà", "hòa", "Quảng Ngãi", "51/QĐ-UBND", "UBND", "thu tuc hanh chinh"];
    let before: Vec<String> = queries.iter().map(|query| ask(query)).collect();
    assert!(before[0].lines().count() >= before[1].lines().count() && before[1].lines().count() >= 5);
    for file in ["index.sqlite", "index.sqlite-wal", "index.sqlite-shm"] {
        let _ = std::fs::remove_file(home.path(file));
    }
    home.expect(0, &["fsck", "--rebuild"]);
    let after: Vec<String> = queries.iter().map(|query| ask(query)).collect();
    assert_eq!(before, after, "the rebuilt index gives the same answers");
    home.expect(0, &["fsck"]);
}

fn is_scan(path: &std::path::Path) -> bool {
    path.extension().is_some_and(|e| ["pdf", "jpg", "tif", "png"].iter().any(|scan| e == *scan))
}

fn numbers<'a>(values: impl Iterator<Item = &'a Value>) -> Vec<u64> {
    values.filter_map(Value::as_u64).collect()
}

fn told(field: &Value) -> String {
    let value = field["value"].as_str().unwrap_or("—");
    field["doubt"].as_str().map_or_else(|| format!("{value} (vouched for)"), |doubt| format!("{value} ({doubt})"))
}
