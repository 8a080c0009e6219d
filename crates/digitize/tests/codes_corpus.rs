//! Codes on the corpus (`SOHOA_CORPUS`): none on papers that have none; and, printed, what is on paperless-ngx's samples and how long
//! looking takes.

#![allow(clippy::disallowed_methods, clippy::disallowed_types, clippy::unwrap_used)] // tests read files

use sohoa_digitize::codes::{self, Found};
use sohoa_digitize::{Limits, clean::plausible_dpi, decode};
use sohoa_record::CodeKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

fn corpus(path: &str) -> PathBuf {
    let root = std::env::var("SOHOA_CORPUS").expect("SOHOA_CORPUS names the folder of the corpus");
    PathBuf::from(root).join(path)
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

/// What is found on each page, with the time it took.
fn pages(file: &Path, most: u32) -> Vec<(Found, u64, Duration)> {
    let name = file.file_name().unwrap().to_string_lossy().into_owned();
    let Ok(mut source) = decode::open(Arc::new(std::fs::read(file).unwrap()), &name, &Limits::default()) else {
        return Vec::new();
    };
    let numbers = 1..=source.page_count().min(most);
    let scans = numbers.filter_map(|number| source.page(number).ok());
    scans
        .map(|scan| {
            let dpi = plausible_dpi(scan.dpi, scan.grey.width, scan.grey.height);
            let began = Instant::now();
            let found = codes::read(&scan.grey, dpi);
            (found, scan.grey.pixels.len() as u64, began.elapsed())
        })
        .collect()
}

#[test]
#[ignore = "prints"]
fn show() {
    for file in files(&corpus("nasty/paperless")).iter().filter(|file| file.to_string_lossy().contains("barcodes__")) {
        println!("{}", file.file_name().unwrap().to_string_lossy());
        for (at, (found, _, time)) in pages(file, 100).into_iter().enumerate() {
            let codes: Vec<(CodeKind, String)> = found.codes.into_iter().map(|code| (code.kind, code.text)).collect();
            println!("  {} {codes:?} unread {:?} {time:?}", at + 1, found.unread);
        }
    }
}

/// Compile with `CARGO_PROFILE_DEV_OPT_LEVEL=3`: what counts is what a release takes.
#[test]
#[ignore = "prints"]
fn time() {
    for folder in ["vn/scan", "vn/born-digital", "vn/images"] {
        let mut times = Vec::new();
        for file in files(&corpus(folder)).iter().take(40) {
            for (found, pixels, time) in pages(file, 2) {
                times.push((time, pixels));
                if !found.codes.is_empty() || !found.unread.is_empty() {
                    println!("{} {found:?}", file.display());
                }
            }
        }
        let all: Duration = times.iter().map(|(time, _)| time).sum();
        let pixels: u64 = times.iter().map(|(_, pixels)| pixels).sum();
        let (count, most) = (times.len().max(1) as u32, times.iter().map(|(time, _)| time).max());
        let a4 = all.as_secs_f64() * 1e3 / pixels as f64 * 2480.0 * 3508.0;
        println!("{folder}: {count} pages, mean {:?}, most {most:?}; {a4:.1} ms for A4 at 300 dpi", all / count);
    }
}

/// Papers have no codes but those that were printed on them: none may be found in print, tables and seals.
#[test]
fn real_papers_have_no_code_and_nothing_like_one() {
    let mut looked = 0;
    for file in files(&corpus("vn/scan")).iter().chain(&files(&corpus("vn/born-digital"))) {
        for (found, ..) in pages(file, 2) {
            looked += 1;
            assert_eq!(found, Found::default(), "{}", file.display());
        }
    }
    assert!(looked >= 30, "{looked} pages");
}
