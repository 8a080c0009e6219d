//! Codes on the corpus of real papers (`SOHOA_CORPUS`): there are none, so none may be found.

#![allow(clippy::disallowed_methods, clippy::disallowed_types, clippy::unwrap_used)] // tests read files

use sohoa_digitize::clean::plausible_dpi;
use sohoa_digitize::codes::{self, Found};
use sohoa_digitize::{Limits, decode};
use std::path::PathBuf;
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
