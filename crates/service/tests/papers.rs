//! The sample papers: each page's state, turn and text, and each field that is vouched for, against what was drawn.
#![allow(clippy::unwrap_used)]

mod common;

use common::{Home, common_words, files_below, words};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Words that must be found of those drawn, percent; papers with dots, guilloche, stamps or few pixels lose some.
const WORDS_FOUND: usize = 88;

#[test]
fn the_sample_papers_are_read_as_they_were_drawn() {
    let fixtures = std::fs::canonicalize(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures")).unwrap();
    let home = Home::new();
    let truths: Vec<PathBuf> =
        files_below(&fixtures).into_iter().filter(|file| file.to_string_lossy().ends_with(".expected.json")).collect();
    assert!(truths.len() >= 12);
    let folders: BTreeSet<PathBuf> =
        truths.iter().map(|truth| fixtures.join(truth.strip_prefix(&fixtures).unwrap().components().next().unwrap())).collect();
    let mut args = vec!["ingest", "--json"];
    args.extend(folders.iter().map(|folder| folder.to_str().unwrap()));
    let lines: BTreeMap<String, Value> =
        home.lines(&[0], &args).into_iter().map(|line| (line["source"].as_str().unwrap().to_owned(), line)).collect();
    assert_eq!(lines.len(), truths.len(), "each scan has its line");

    let (mut vouched, mut right, mut fields, mut notations_lost) = (0, 0, 0, 0);
    for truth_file in &truths {
        let source = truth_file.to_str().unwrap().trim_end_matches(".expected.json");
        let truth: Value = serde_json::from_slice(&std::fs::read(truth_file).unwrap()).unwrap();
        let line = &lines[source];
        let name = source.strip_prefix(fixtures.to_str().unwrap()).unwrap();
        if !line["duplicate_of"].is_null() {
            continue;
        }
        let (drawn, read) = (truth["pages"].as_array().unwrap(), line["pages"].as_array().unwrap());
        assert_eq!(drawn.len(), read.len(), "{name}: pages");
        for (page, (drawn, read)) in drawn.iter().zip(read).enumerate() {
            assert_eq!(drawn["state"], read["state"], "{name}, page {}", page + 1);
            assert_eq!(drawn["rotated_deg"], read["rotated_deg"], "{name}, page {}: turned", page + 1);
            let wanted = words(drawn["text"].as_str().unwrap());
            let found = words(line["text"][page].as_str().unwrap());
            let share = if wanted.is_empty() { 100 } else { common_words(&wanted, &found) * 100 / wanted.len() };
            println!("{name} page {}: {share} % of {} words", page + 1, wanted.len());
            assert!(share >= WORDS_FOUND, "{name}, page {}: {share} % of the words were found", page + 1);
        }
        for field in line["fields"].as_array().unwrap() {
            let drawn = &truth["fields"][field["name"].as_str().unwrap()];
            if drawn.is_null() {
                continue;
            }
            fields += 1;
            right += u32::from(field["value"] == *drawn);
            notations_lost += u32::from(field["name"] == "code_notation" && field["value"] != *drawn);
            if field["doubt"].is_null() {
                vouched += 1;
                assert!(field["value"] == *drawn, "{name}: {} is vouched for and wrong: {}", field["name"], field["value"]);
            }
            if field["value"] != *drawn {
                println!("{name}: {} {} instead of {drawn} ({})", field["name"], field["value"], field["doubt"]);
            }
        }
        for handwritten in truth["handwritten"].as_array().into_iter().flatten() {
            let field = line["fields"].as_array().unwrap().iter().find(|field| field["name"] == *handwritten);
            assert!(field.is_some_and(|field| !field["doubt"].is_null()), "{name}: handwritten {handwritten} must be in doubt");
        }
    }
    println!("{right} of {fields} fields as drawn; {vouched} vouched for");
    // Also those beside a handwritten number, whose line is in doubt anyway: nothing else would tell that they are read worse.
    assert!(notations_lost <= 1, "{notations_lost} notations are not as drawn");
    assert!(right * 100 >= fields * 80, "{right} of {fields} fields are as drawn");
}
