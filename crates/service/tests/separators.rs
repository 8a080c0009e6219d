//! Batch scans fall into documents where their codes say so: every barcode sample of paperless-ngx, divided as that program's own
//! tests say (`src/documents/tests/test_barcodes.py`), but that we keep the separator sheets.
#![allow(clippy::unwrap_used)]

mod common;

use common::{Home, corpus};
use serde_json::Value;
use std::collections::BTreeMap;

/// A document: its pages by their numbers in the source, a separator sheet in brackets, and the reasons of its pages.
type Documents = Vec<String>;

/// Takes in the samples and gives what became of each.
fn documents(config: &[(&str, &str)], samples: &[&str]) -> (Home, BTreeMap<String, Documents>, Vec<Value>) {
    let home = Home::new();
    for (from, to) in config {
        home.set(from, to);
    }
    let scans = tempfile::tempdir().unwrap();
    for sample in samples {
        let name = format!("barcodes__{sample}");
        std::fs::copy(corpus().join("nasty/paperless").join(&name), scans.path().join(sample)).unwrap();
    }
    let lines = home.lines(&[0, 1, 3], &["ingest", scans.path().to_str().unwrap(), "--json"]);
    let mut found: BTreeMap<String, Documents> = BTreeMap::new();
    for line in &lines {
        let name = line["source"].as_str().unwrap().rsplit('/').next().unwrap().to_owned();
        let pages = line["pages"].as_array().unwrap().iter().map(|page| {
            let reasons: Vec<&str> = page["reasons"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
            let unreadable = if reasons.contains(&"separator_unreadable") { "?" } else { "" };
            if page["state"] == "separator" { format!("[{}]", page["number"]) } else { format!("{}{unreadable}", page["number"]) }
        });
        found.entry(name).or_default().push(pages.collect::<Vec<_>>().join(" "));
    }
    (home, found, lines)
}

fn expect(found: &BTreeMap<String, Documents>, expected: &[(&str, &[&str])]) {
    for (name, documents) in expected {
        assert_eq!(found.get(*name).map(Vec::as_slice).unwrap_or_default(), *documents, "{name}");
    }
    assert_eq!(found.len(), expected.len());
}

#[test]
fn sheets_divide_a_batch_and_stay_with_what_they_open() {
    let expected: &[(&str, &[&str])] = &[
        ("barcode-39-custom.pdf", &["1"]),
        ("barcode-fax-image.pdf", &["1", "[2] 3"]),
        ("patch-code-t-double.pdf", &["1", "[2] [3] 4"]),
        ("patch-code-t-middle-alpha.tiff", &["1", "[2] 3"]),
        ("patch-code-t-middle-distorted.pdf", &["1", "[2] 3"]),
        // paperless' reader does not make it out either: to a person
        ("patch-code-t-middle-unreadable.pdf", &["1 2? 3"]),
        ("patch-code-t-middle-fuzzy.pdf", &["1", "[2] 3"]),
        ("patch-code-t-middle-reverse.pdf", &["1", "[2] 3"]),
        ("patch-code-t-middle.pdf", &["1", "[2] 3"]),
        ("patch-code-t-qr.pdf", &["[1]"]),
        ("patch-code-t.pdf", &["[1]"]),
        ("several-patcht-codes.pdf", &["1 2", "[3] 4 5", "[6] 7"]),
        ("split-by-asn-1.pdf", &["1 2 3 4 5 6 7 8 9 10"]),
        ("split-by-tag-basic.pdf", &["1 2 3 4 5 6"]),
    ];
    let samples: Vec<&str> = expected.iter().map(|(name, _)| *name).collect();
    let (home, found, lines) = documents(&[], &samples);
    expect(&found, expected);

    // each document is a record of its own, whole and provable
    let records: std::collections::BTreeSet<&str> = lines.iter().map(|line| line["record"].as_str().unwrap()).collect();
    assert_eq!(records.len(), lines.len());
    for line in &lines {
        let reasons = line["reasons"].to_string();
        let unreadable = line["pages"].to_string().contains("separator_unreadable");
        assert_eq!(reasons.contains("separator_unreadable"), unreadable);
        assert!(!unreadable || line["state"] == "review", "{line}");
    }
    let several: Vec<&Value> = lines.iter().filter(|line| line["source"].to_string().contains("several")).collect();
    for (line, number) in several.iter().zip(1..) {
        let shown: Value = serde_json::from_str(&home.expect(0, &["show", line["record"].as_str().unwrap(), "--json"])).unwrap();
        assert_eq!(shown["part"], serde_json::json!({ "number": number, "of": 3 }));
    }
    // a person who accepts the whole has seen that no two papers are in it
    let doubtful = lines.iter().find(|line| line["source"].to_string().contains("unreadable")).unwrap();
    let record = doubtful["record"].as_str().unwrap();
    home.expect(0, &["review", "accept", record, "--by", "lan"]);
    let shown: Value = serde_json::from_str(&home.expect(0, &["show", record, "--json"])).unwrap();
    assert!(!shown["reasons"].to_string().contains("separator_unreadable"), "{shown}");

    let report = home.lines(&[0], &["fsck", "--json"]);
    let last = report.last().unwrap();
    assert_eq!((&last["errors"], &last["records"]), (&0.into(), &(lines.len() as u64).into()), "{report:?}");
    assert_eq!(home.verify().iter().filter(|(verdict, _)| verdict == "ok").count(), lines.len(), "{:?}", home.verify());
}

#[test]
fn the_administrators_own_text_parts_a_batch() {
    let expected: &[(&str, &[&str])] = &[
        ("barcode-128-custom.pdf", &["[1]"]),
        ("barcode-39-custom.pdf", &["[1]"]),
        ("barcode-qr-custom.pdf", &["[1]"]),
        ("barcode-39-asn-123.pdf", &["1"]),
    ];
    let samples: Vec<&str> = expected.iter().map(|(name, _)| *name).collect();
    let (_, found, _) = documents(&[(r#"["PATCHT"]"#, r#"["CUSTOM BARCODE"]"#)], &samples);
    expect(&found, expected);
}

#[test]
fn a_prefix_makes_its_page_the_first_of_a_document() {
    let expected: &[(&str, &[&str])] = &[
        ("barcode-128-asn-too-large.pdf", &["1"]),
        ("barcode-39-asn-123.pdf", &["1"]),
        ("barcode-39-asn-custom-prefix.pdf", &["1"]),
        ("barcode-39-asn-invalid.pdf", &["1"]),
        ("barcode-qr-asn-000123-upscale-dpi.pdf", &["1"]),
        ("split-by-asn-1.pdf", &["1 2", "3", "4 5 6", "7 8", "9 10"]),
        ("split-by-asn-2.pdf", &["1 2", "[3] 4", "5", "6 7 8", "9 10", "11 12"]),
        ("split-by-tag-basic.pdf", &["1", "2 3", "4 5 6"]),
        ("split-by-tag-mixed-asn.pdf", &["1 2", "3 4", "5 6", "7 8"]),
        ("split-by-tag-multiple-per-page.pdf", &["1", "2 3", "4 5"]),
    ];
    let samples: Vec<&str> = expected.iter().map(|(name, _)| *name).collect();
    let prefixes = ("first_page_prefixes = []", r#"first_page_prefixes = ["ASN", "TAG:"]"#);
    let (_, found, lines) = documents(&[prefixes], &samples);
    expect(&found, expected);
    for (name, text) in [
        ("barcode-128-asn-too-large.pdf", "ASN4294967296"),
        ("barcode-39-asn-123.pdf", "ASN00123"),
        ("barcode-39-asn-custom-prefix.pdf", "CUSTOM-PREFIX-00123"),
        ("barcode-39-asn-invalid.pdf", "ASNXYZXYZ"),
        ("barcode-qr-asn-000123-upscale-dpi.pdf", "ASN 000123"),
    ] {
        let line = lines.iter().find(|line| line["source"].as_str().unwrap().ends_with(name)).unwrap();
        assert_eq!(line["pages"][0]["codes"][0]["text"], text, "{name}");
    }
}
