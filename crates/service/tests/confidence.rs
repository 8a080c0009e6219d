//! Confidence means something: the more noise there is on a page, the less sure sohoa says it is. How sure and how right agree is
//! measured by `just accuracy`.
#![allow(clippy::unwrap_used)]

use image::codecs::jpeg::{JpegEncoder, PixelDensity};
use image::{ExtendedColorType, GrayImage};
use std::path::Path;
use std::process::Command;

/// The page with something between −`most` and `most` added to each pixel, from numbers that look like chance (a linear
/// congruential generator, Knuth's MMIX).
fn noisy(page: &GrayImage, most: i32) -> GrayImage {
    let (mut page, mut state) = (page.clone(), 7u64);
    for pixel in page.pixels_mut() {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let off = (state >> 33) as i32 % (2 * most + 1) - most;
        pixel.0[0] = (i32::from(pixel.0[0]) + off).clamp(0, 255) as u8;
    }
    page
}

/// What `sohoa digitize` says of the page: percent.
fn confidence(page: &GrayImage, at: &Path) -> u64 {
    let mut encoder = JpegEncoder::new_with_quality(std::fs::File::create(at).unwrap(), 90);
    encoder.set_pixel_density(PixelDensity::dpi(200));
    encoder.encode(page.as_raw(), page.width(), page.height(), ExtendedColorType::L8).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_sohoa"))
        .arg("digitize")
        .arg(at)
        .arg("--json")
        .current_dir(at.parent().unwrap())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let line: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    line["pages"][0]["confidence"].as_u64().unwrap()
}

#[test]
fn noise_lowers_the_confidence_of_a_page() {
    let place = tempfile::tempdir().unwrap();
    let page =
        image::open(concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/letter-skewed/scan0001.jpg")).unwrap().into_luma8();
    // What is weaker is read from a page without specks, and as surely as without noise.
    let steps = [0, 70, 90];
    let said = steps.map(|most| confidence(&noisy(&page, most), &place.path().join(format!("{most}.jpg"))));
    println!("noise {steps:?} gave {said:?}");
    assert!(said.is_sorted_by(|less_noise, more_noise| less_noise > more_noise), "noise {steps:?} gave {said:?}");
    assert!(said[0] >= 85 && said[2] + 5 <= said[0], "noise {steps:?} gave {said:?}");
}
