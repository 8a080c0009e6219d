//! Hostile and odd files: no crash, no hang over the limits, each with an outcome and, where it is not read, a reason.
#![allow(clippy::unwrap_used)]

mod common;

use common::{Home, corpus, files_below};
use serde_json::Value;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// What every one of the generated files must come to: (file, state, a reason that must be among its reasons).
const GENERATED: &[(&str, &str, &str)] = &[
    ("empty.pdf", "failed", "empty"),
    ("exe-named.pdf", "failed", "name_mismatch"),
    ("header-after-1500-bytes.pdf", "review", "no_text"),
    ("html-named.pdf", "failed", "name_mismatch"),
    ("jpeg-claims-65500x65500.jpg", "failed", "page_too_large"),
    ("one-byte.pdf", "failed", "damaged"),
    ("pdf-100000-pages-one-object.pdf", "failed", "too_many_pages"),
    ("pdf-deep-array-nesting.pdf", "failed", "damaged"),
    ("pdf-double-flate-1GiB-content.pdf", "failed", "page_too_large"),
    ("pdf-g4-image-65000x65000.pdf", "failed", "page_too_large"),
    ("pdf-huge-mediabox.pdf", "failed", "page_too_large"),
    ("pdf-negative-nan-mediabox.pdf", "failed", "damaged"),
    ("pdf-openaction-js-launch.pdf", "review", "no_text"),
    ("pdf-page-tree-loop.pdf", "failed", "no_pages"),
    ("pdf-zero-pages.pdf", "failed", "no_pages"),
    ("png-bomb-20000x20000-rgba.png", "failed", "page_too_large"),
    ("png-bomb-60000x60000-1bit.png", "failed", "page_too_large"),
    ("polyglot-pdf-zip.pdf", "review", "no_text"),
    ("tiff-20000-pages.tif", "failed", "too_many_pages"),
    ("tiff-claims-4gx4g.tif", "failed", "page_too_large"),
    ("tiff-g4-65000x65000.tif", "failed", "page_too_large"),
    ("tiff-ifd-self-loop.tif", "review", "no_text"),
];

#[test]
fn every_hostile_file_has_its_outcome_and_reason() {
    let home = Home::new();
    home.set("page_seconds = 120", "page_seconds = 20")
        .set("open_seconds = 60", "open_seconds = 20")
        .set("child_memory_mb = 2000", "child_memory_mb = 1200");
    let nasty = corpus().join("nasty");
    let scans = tempfile::tempdir().unwrap();
    for path in files_below(&nasty) {
        let inside = path.strip_prefix(&nasty).unwrap();
        let extension = path.extension().map(|e| e.to_string_lossy().to_lowercase()).unwrap_or_default();
        if !["pdf", "tif", "tiff", "jpg", "jpeg", "png"].contains(&extension.as_str()) {
            continue;
        }
        let to = scans.path().join(inside);
        std::fs::create_dir_all(to.parent().unwrap()).unwrap();
        std::fs::copy(&path, to).unwrap();
    }
    let files = files_below(scans.path());
    assert!(files.len() >= 122, "{} files", files.len());

    let began = Instant::now();
    let lines = home.lines(&[3], &["ingest", scans.path().to_str().unwrap(), "--json"]);
    // Every page is limited, so the whole is: this would be hours if one file could hang.
    assert!(began.elapsed() < Duration::from_secs(30 * 60));
    assert_eq!(lines.len(), files.len(), "each file has its line");

    let mut reasons: BTreeMap<String, u32> = BTreeMap::new();
    for line in &lines {
        let state = line["state"].as_str().unwrap();
        let told: Vec<&str> = line["reasons"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        assert!(["sealed", "review", "skipped", "failed"].contains(&state), "{line}");
        if state == "failed" {
            assert!(told.iter().any(|reason| *reason != "dossier_unknown"), "{}: a failure has its reason", line["source"]);
        }
        for page in line["pages"].as_array().into_iter().flatten() {
            assert!(
                page["state"] != "recognize_failed" || !page["reasons"].as_array().unwrap().is_empty(),
                "{}: page {page}",
                line["source"]
            );
        }
        told.iter().for_each(|reason| *reasons.entry((*reason).to_owned()).or_default() += 1);
    }
    println!("{} files: {reasons:?}", files.len());
    for (file, state, reason) in GENERATED {
        let line = lines.iter().find(|line| line["source"].as_str().unwrap().ends_with(&format!("generated/{file}"))).unwrap();
        assert_eq!(line["state"], *state, "{file}: {}", line["reasons"]);
        assert!(
            reason.is_empty() || line["reasons"].as_array().unwrap().iter().any(|r| r == reason),
            "{file}: {}",
            line["reasons"]
        );
    }
    home.expect(0, &["fsck"]);
    assert!(home.verify().iter().all(|(verdict, _)| verdict == "ok"));
}
