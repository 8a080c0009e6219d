//! What pages look like, on real papers (`SOHOA_CORPUS`): another scan of a page stays near, the other of two decisions that differ in few
//! words (qn-16 and qn-20) stays far. Prints the figures. Few pages: a page costs the whole of `clean`.

#![allow(clippy::disallowed_methods, clippy::disallowed_types, clippy::unwrap_used)] // tests read files

use image::{DynamicImage, GrayImage, Luma};
use sohoa_digitize::page::CleanPage;
use sohoa_digitize::recognize::{EngineError, EngineInfo, OcrEngine};
use sohoa_digitize::{Limits, Reading, decode, read_page};
use sohoa_record::{Line, PageLook, PageText, Rect, Word};
use std::path::PathBuf;
use std::sync::Arc;

/// As in `service/same_paper`: pages no farther apart are linked.
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

/// The look of a file's first page, and its pixels.
fn first_page(bytes: Vec<u8>, name: &str) -> (PageLook, GrayImage) {
    let mut source = decode::open(Arc::new(bytes), name, &Limits::default()).unwrap();
    let grey = source.page(1).unwrap().grey;
    let look = read_page(&mut source, 1, &mut OneWord, &Reading::default(), &mut |_| {}).look.unwrap();
    (look, GrayImage::from_raw(grey.width, grey.height, grey.pixels).unwrap())
}

/// The page as another scanner makes it: turned by some tenths of a degree, moved by a millimetre or two, smaller, with noise of some
/// grey levels, JPEG.
fn scanned_again(page: &GrayImage, degrees: f32, moved: f32, size: f32) -> Vec<u8> {
    let (sin, cos) = degrees.to_radians().sin_cos();
    let (width, height) = ((page.width() as f32 * size) as u32, (page.height() as f32 * size) as u32);
    let whole = image::imageops::resize(page, width, height, image::imageops::FilterType::Triangle);
    let mut noise = 1u32;
    let again = GrayImage::from_fn(width, height, |x, y| {
        let (dx, dy) = (x as f32 - width as f32 / 2.0, y as f32 - height as f32 / 2.0);
        let moved = moved * width as f32;
        let (from_x, from_y) =
            (dx * cos - dy * sin + width as f32 / 2.0 + moved, dx * sin + dy * cos + height as f32 / 2.0 - moved);
        let inside = from_x >= 0.0 && from_y >= 0.0 && from_x < width as f32 && from_y < height as f32;
        let level = if inside { whole.get_pixel(from_x as u32, from_y as u32).0[0] } else { 244 };
        noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        Luma([(i32::from(level) + (noise >> 24) as i32 % 25 - 12).clamp(0, 255) as u8])
    });
    let mut bytes = Vec::new();
    let encoder = image::codecs::jpeg::JpegEncoder::new_with_quality(&mut bytes, 50);
    DynamicImage::ImageLuma8(again).write_with_encoder(encoder).unwrap();
    bytes
}

#[test]
fn another_scan_of_a_page_is_linked_and_near_twins_stay_two() {
    let root = PathBuf::from(std::env::var("SOHOA_CORPUS").expect("SOHOA_CORPUS names the folder of the corpus"));
    let file = |name: &str| std::fs::read(root.join("vn/scan").join(name)).unwrap();
    let names = ["qn-16-qd-51.pdf", "qn-20-qd-84.pdf", "qn-01-qd-04.pdf", "qn-19-tb-660-skew.pdf"];
    let pages = names.map(|name| first_page(file(name), name));
    let ways = [(0.0, 0.0, 0.6), (0.35, 0.004, 0.8), (-0.4, -0.006, 0.7)];
    for (way, (degrees, moved, size)) in ways.into_iter().enumerate() {
        // each of the twins under each way, the others under one
        for at in [0, 1].into_iter().chain(pages.get(way + 1).map(|_| way + 1).filter(|at| *at > 1)) {
            let again = first_page(scanned_again(&pages[at].1, degrees, moved, size), "again.jpg").0;
            println!("{} turned by {degrees}, at {size}: {} bits", names[at], pages[at].0.distance(&again));
            assert!(pages[at].0.distance(&again) <= SAME, "{} turned by {degrees} is the same page", names[at]);
            let other = 1 - at.min(1);
            assert!(pages[other].0.distance(&again) > SAME, "{} is not {}", names[other], names[at]);
        }
    }
    for (i, (look, _)) in pages.iter().enumerate() {
        for (j, (other, _)) in pages[..i].iter().enumerate() {
            println!("{} / {}: {} bits", names[i], names[j], look.distance(other));
            assert!(look.distance(other) > SAME, "{} and {} are two", names[i], names[j]);
        }
    }
}
