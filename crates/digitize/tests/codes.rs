//! Codes on the corpus: paperless-ngx's samples page by page, no code on papers that have none, and how long looking takes.

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
fn pages(file: &Path, most: u32) -> Vec<(Found, Duration)> {
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
            (codes::read(&scan.grey, dpi), began.elapsed())
        })
        .collect()
}

#[test]
#[ignore = "prints"]
fn show() {
    for file in files(&corpus("nasty/paperless")).iter().filter(|file| file.to_string_lossy().contains("barcodes__")) {
        println!("{}", file.file_name().unwrap().to_string_lossy());
        for (at, (found, time)) in pages(file, 100).into_iter().enumerate() {
            let codes: Vec<(CodeKind, String)> = found.codes.into_iter().map(|code| (code.kind, code.text)).collect();
            println!("  {} {codes:?} unread {:?} {time:?}", at + 1, found.unread);
        }
    }
}

#[test]
#[ignore = "prints"]
fn time() {
    for folder in ["vn/scan", "vn/born-digital", "vn/images"] {
        let mut times = Vec::new();
        for file in files(&corpus(folder)).iter().take(40) {
            for (found, time) in pages(file, 2) {
                times.push(time);
                if !found.codes.is_empty() || !found.unread.is_empty() {
                    println!("{} {found:?}", file.display());
                }
            }
        }
        let all: Duration = times.iter().sum();
        println!("{folder}: {} pages, mean {:?}, most {:?}", times.len(), all / times.len().max(1) as u32, times.iter().max());
    }
}
