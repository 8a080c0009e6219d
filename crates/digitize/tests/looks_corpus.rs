//! What pages look like, on the corpus of real papers (`SOHOA_CORPUS`): another scan of a page stays near, other pages stay far, the
//! two near-identical decisions qn-16 and qn-20 among them. Prints the figures.

#![allow(clippy::disallowed_methods, clippy::disallowed_types, clippy::unwrap_used)] // tests read files

use image::{DynamicImage, GrayImage, Luma};
use sohoa_digitize::page::CleanPage;
use sohoa_digitize::recognize::{EngineError, EngineInfo, OcrEngine};
use sohoa_digitize::{Limits, Reading, decode, read_page};
use sohoa_record::{Line, PageLook, PageText, Rect, Word};
use std::path::PathBuf;
use std::sync::Arc;

/// Twice the bits that a second scan of a real page was seen to differ in would already be another page.
const SAME: u32 = 44;

/// One sure word on every page: only its look is wanted.
struct OneWord;

impl OcrEngine for OneWord {
    fn recognize(&mut self, page: &CleanPage) -> Result<PageText, EngineError> {
        let rect = Rect { x: 0, y: 0, width: 10, height: 10 };
        let word = Word { text: "chữnghĩa".into(), rect, confidence: 99 };
        let lines = vec![Line { words: vec![word], rect, block: 1 }];
        Ok(PageText { width: page.upright.0, height: page.upright.1, lines })
    }

    fn info(&self) -> EngineInfo {
        EngineInfo { engine: "test".into(), model: "none".into(), model_sha256: None }
    }
}

fn files(folder: &str) -> Vec<PathBuf> {
    let root = std::env::var("SOHOA_CORPUS").expect("SOHOA_CORPUS names the folder of the corpus");
    let entries = std::fs::read_dir(PathBuf::from(root).join(folder)).unwrap();
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

fn look(bytes: Vec<u8>, name: &str, number: u32) -> Option<PageLook> {
    let mut source = decode::open(Arc::new(bytes), name, &Limits::default()).unwrap();
    read_page(&mut source, number, &mut OneWord, &Reading::default()).look
}

/// The page as another scanner makes it: turned by some tenths of a degree and moved by a millimetre or two, smaller, JPEG.
fn scanned_again(page: &GrayImage, degrees: f32, moved: f32, size: f32) -> Vec<u8> {
    let (sin, cos) = degrees.to_radians().sin_cos();
    let (width, height) = ((page.width() as f32 * size) as u32, (page.height() as f32 * size) as u32);
    let whole = image::imageops::resize(page, width, height, image::imageops::FilterType::Triangle);
    let again = GrayImage::from_fn(width, height, |x, y| {
        let (dx, dy) = (x as f32 - width as f32 / 2.0, y as f32 - height as f32 / 2.0);
        let moved = moved * width as f32;
        let (from_x, from_y) =
            (dx * cos - dy * sin + width as f32 / 2.0 + moved, dx * sin + dy * cos + height as f32 / 2.0 - moved);
        let inside = from_x >= 0.0 && from_y >= 0.0 && from_x < width as f32 && from_y < height as f32;
        if inside { *whole.get_pixel(from_x as u32, from_y as u32) } else { Luma([244]) }
    });
    let mut bytes = Vec::new();
    let encoder = image::codecs::jpeg::JpegEncoder::new_with_quality(&mut bytes, 50);
    DynamicImage::ImageLuma8(again).write_with_encoder(encoder).unwrap();
    bytes
}

#[test]
fn another_scan_of_a_page_is_near_and_other_pages_are_far() {
    let (mut pages, mut nearest_again) = (Vec::new(), Vec::new());
    for file in files("vn/scan").iter().chain(&files("vn/born-digital")) {
        let name = file.file_name().unwrap().to_string_lossy().into_owned();
        let bytes = std::fs::read(file).unwrap();
        let mut source = decode::open(Arc::new(bytes.clone()), &name, &Limits::default()).unwrap();
        for number in 1..=source.page_count().min(5) {
            let Some(first) = look(bytes.clone(), &name, number) else { continue };
            let scan = source.page(number).unwrap();
            let page = GrayImage::from_raw(scan.grey.width, scan.grey.height, scan.grey.pixels).unwrap();
            if number <= 2 {
                for (degrees, moved, size) in [(0.0, 0.0, 0.6), (0.35, 0.004, 0.8), (-0.4, -0.006, 0.7)] {
                    let again = look(scanned_again(&page, degrees, moved, size), "again.jpg", 1);
                    let distance = again.map_or(256, |again| first.distance(&again));
                    nearest_again.push((distance, format!("{name} {number} turned {degrees}")));
                }
            }
            pages.push((format!("{name} {number}"), first));
        }
    }
    let mut others = Vec::new();
    for (i, (name, look)) in pages.iter().enumerate() {
        others.extend(pages[..i].iter().map(|(other, far)| (look.distance(far), format!("{name} / {other}"))));
    }
    others.sort();
    nearest_again.sort();
    let twins: Vec<_> = others.iter().filter(|(_, pair)| pair.contains("qn-16") && pair.contains("qn-20")).take(3).collect();
    println!(
        "{} pages; other scans: {:?} … {:?}",
        pages.len(),
        &nearest_again[nearest_again.len() / 2],
        &nearest_again[nearest_again.len() - 4..]
    );
    println!("other pages: {:?}; qn-16 / qn-20: {twins:?}", &others[..6]);
    assert!(pages.len() > 35 && nearest_again.len() > 60);
    assert!(nearest_again.iter().all(|(distance, _)| *distance <= SAME), "{:?}", nearest_again.last());
    assert!(others.iter().all(|(distance, _)| *distance > SAME), "{:?}", others.first());
}
