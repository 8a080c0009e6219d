//! Codes on the corpus (`SOHOA_CORPUS`): real papers have none, so none may be found; samples of separator sheets say what they are.

#![allow(clippy::disallowed_methods, clippy::disallowed_types, clippy::unwrap_used)] // tests read files

use sohoa_digitize::clean::plausible_dpi;
use sohoa_digitize::codes::{self, Found, PATCH_T};
use sohoa_digitize::{Limits, decode};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

fn files(folder: &str) -> Vec<PathBuf> {
    let root = std::env::var("SOHOA_CORPUS").expect("SOHOA_CORPUS names the folder of the corpus");
    let entries = std::fs::read_dir(PathBuf::from(root).join(folder)).unwrap();
    entries.map(|entry| entry.unwrap().path()).collect()
}

#[test]
fn real_papers_have_no_code_and_nothing_like_one() {
    let mut looked = 0;
    for file in files("vn/scan").iter().chain(&files("vn/born-digital")) {
        let name = file.file_name().unwrap().to_string_lossy().into_owned();
        let mut source = decode::open(Arc::new(std::fs::read(file).unwrap()), &name, &Limits::default()).unwrap();
        for number in 1..=source.page_count().min(2) {
            let scan = source.page(number).unwrap();
            let dpi = plausible_dpi(scan.dpi, scan.grey.width, scan.grey.height);
            assert_eq!(codes::read(&scan.grey, dpi), Found::default(), "{name} page {number}");
            looked += 1;
        }
    }
    assert!(looked >= 30, "{looked} pages");
}

/// What a page's codes say, each once.
fn texts(file: &Path) -> BTreeSet<String> {
    let name = file.file_name().unwrap().to_string_lossy().into_owned();
    let mut texts = BTreeSet::new();
    let Ok(mut source) = decode::open(Arc::new(std::fs::read(file).unwrap()), &name, &Limits::default()) else { return texts };
    for number in 1..=source.page_count() {
        let Ok(scan) = source.page(number) else { continue };
        let dpi = plausible_dpi(scan.dpi, scan.grey.width, scan.grey.height);
        texts.extend(codes::read(&scan.grey, dpi).codes.into_iter().map(|code| code.text));
    }
    texts
}

#[test]
fn bars_are_read_on_sheets_that_have_them_and_nowhere_else() {
    let (mut coded, mut plain) = (0, 0);
    for file in ["paperless", "ocrmypdf", "tiff"].iter().flat_map(|folder| files(&format!("nasty/{folder}"))) {
        let name = file.file_name().unwrap().to_string_lossy().into_owned();
        let found = texts(&file);
        if !name.starts_with("barcodes__") {
            assert_eq!(found, BTreeSet::new(), "{name}");
            plain += 1;
        } else if name.contains("patch-code-t-middle") || name.contains("several-patcht") {
            let expected = if name.contains("unreadable") { vec![] } else { vec![PATCH_T.to_owned()] };
            assert_eq!(found, BTreeSet::from_iter(expected), "{name}");
            coded += 1;
        }
    }
    assert!(coded >= 7 && plain >= 100, "{coded} with codes, {plain} without");
}
