//! Codes drawn on pages, read back whichever way they lie; the patch code and its mirror images; hostile pixels.

use super::*;
use crate::codes::draw::{Modules, code128, qr};
use proptest::prelude::*;

const DPI: u32 = 300;

fn paper(width: u32, height: u32) -> Grey {
    Grey { width, height, pixels: vec![235; (width * height) as usize] }
}

/// Draws modules `module` pixels wide, bars `height` pixels high.
fn put(page: &mut Grey, modules: &Modules, x: u32, y: u32, module: u32, height: u32) {
    let high = if modules.height == 1 { height } else { module };
    for (i, _) in modules.dark.iter().enumerate().filter(|(_, dark)| **dark) {
        let (left, top) = (x + (i % modules.width) as u32 * module, y + (i / modules.width) as u32 * high);
        for row in top..top + high {
            page.pixels[(row * page.width + left) as usize..][..module as usize].fill(30);
        }
    }
}

fn fill(page: &mut Grey, rect: Rect) {
    (rect.y..rect.bottom()).for_each(|y| page.pixels[(y * page.width + rect.x) as usize..][..rect.width as usize].fill(20));
}

fn texts(page: &Grey, dpi: u32) -> Vec<(CodeKind, String)> {
    read(page, dpi).codes.into_iter().map(|code| (code.kind, code.text)).collect()
}

fn quarter(page: &Grey) -> Grey {
    let (w, h) = (page.width as usize, page.height as usize);
    let mut pixels = vec![0; w * h];
    (0..h).for_each(|y| (0..w).for_each(|x| pixels[x * h + h - 1 - y] = page.pixels[y * w + x]));
    Grey { width: page.height, height: page.width, pixels }
}

#[test]
fn codes_are_read_whichever_way_the_sheet_lies() {
    let mut page = paper(1600, 2200);
    put(&mut page, &qr("SOHOA:DOSSIER:H48.15-250117-0042").unwrap(), 400, 300, 9, 0);
    put(&mut page, &code128("SOHOA:DOSSIER:H48.15-250117-0042").unwrap(), 200, 1500, 3, 180);
    for turn in 0..4 {
        let mut found = texts(&page, DPI);
        found.sort();
        let text = "SOHOA:DOSSIER:H48.15-250117-0042".to_owned();
        assert_eq!(found, [(CodeKind::Qr, text.clone()), (CodeKind::Code128, text)], "turned {turn} times");
        page = quarter(&page);
    }
}

#[test]
fn vietnamese_and_several_codes_on_a_page() {
    let mut page = paper(2480, 3508);
    put(&mut page, &qr("H15.50.05.13-261008-0975|1.001612|Giấy tiếp nhận").unwrap(), 120, 120, 4, 0);
    put(&mut page, &qr("https://example.vn").unwrap(), 1800, 2800, 6, 0);
    let found = read(&page, DPI);
    let texts: Vec<&str> = found.codes.iter().map(|code| code.text.as_str()).collect();
    assert_eq!(texts, ["H15.50.05.13-261008-0975|1.001612|Giấy tiếp nhận", "https://example.vn"]);
    let first = found.codes[0].rect;
    assert!(first.x < 120 && first.right() > 120 + 37 * 4 && first.bottom() < 500, "{first:?}");
    assert!(found.unread.is_empty(), "{:?}", found.unread);
}

#[test]
fn the_patch_code_is_t_only_from_its_own_edge() {
    // narrow, wide, narrow, wide from the edge inwards, in hundredths of an inch at 200 dpi
    let patch = |inwards: [u32; 4], bottom: bool| {
        let mut page = paper(1654, 2339);
        let mut at = 120;
        for bar in inwards {
            let height = bar * 2;
            let y = if bottom { 2339 - at - height } else { at };
            fill(&mut page, Rect { x: 200, y, width: 1200, height });
            at += height + 16;
        }
        texts(&page, 200)
    };
    let t = vec![(CodeKind::PatchT, PATCH_T.to_owned())];
    assert_eq!(patch([8, 20, 8, 20], false), t);
    assert_eq!(patch([8, 20, 8, 20], true), t);
    for other in [[20, 8, 20, 8], [20, 8, 8, 20], [8, 20, 20, 8], [8, 8, 20, 20], [20, 20, 8, 8]] {
        assert_eq!(patch(other, false), [], "{other:?}");
        assert_eq!(patch(other, true), [], "{other:?}");
    }
}

/// The rows of a code as a feeder that shakes the sheet bends them: each point moves along its row by its place on the page.
fn bent(flat: &Grey, by: f64) -> Grey {
    let mut page = paper(flat.width, flat.height);
    for y in 0..flat.height {
        for x in 0..flat.width {
            let lean = by * (f64::from(y) / 150.0).sin() * (f64::from(x) / 95.0).sin();
            let from = (f64::from(x) + lean).round().clamp(0.0, f64::from(flat.width - 1)) as u32;
            page.pixels[(y * flat.width + x) as usize] = flat.pixels[(y * flat.width + from) as usize];
        }
    }
    page
}

/// `*PATCHT*` in Code 39 (ISO/IEC 16388 table 1): of nine bars and gaps three are wide, here two and a half modules.
fn code39() -> Grey {
    let letters = ["010010100", "001010010", "100001001", "000010110", "101001000", "100001100", "000010110", "010010100"];
    let mut page = paper(1654, 1200);
    let mut x = 180;
    for letter in letters {
        for (i, wide) in letter.bytes().enumerate() {
            let width = if wide == b'1' { 20 } else { 8 };
            if i % 2 == 0 {
                fill(&mut page, Rect { x, y: 300, width, height: 500 });
            }
            x += width;
        }
        x += 8;
    }
    page
}

#[test]
fn bent_bars_are_read_row_by_row() {
    let flat = code39();
    for by in [0.0, 8.0, 14.0] {
        assert_eq!(texts(&bent(&flat, by), 200), [(CodeKind::Code39, PATCH_T.to_owned())], "{by}");
    }
    let torn = read(&bent(&flat, 45.0), 200);
    assert!(torn.codes.is_empty(), "too far: {torn:?}");
}

#[test]
fn bars_that_say_nothing_are_told() {
    let mut page = paper(1654, 2339);
    let mut x = 200;
    for i in 0..60u32 {
        let width = 3 + (i * 7 + i * i) % 5;
        fill(&mut page, Rect { x, y: 400, width, height: 300 });
        x += width + 4 + (i * 5) % 7;
    }
    let found = read(&page, 200);
    assert_eq!((found.codes.len(), found.unread.len()), (0, 1), "{found:?}");
}

#[test]
fn text_that_is_none_is_refused() {
    let rect = Rect { x: 0, y: 0, width: 1, height: 1 };
    assert_eq!(code(CodeKind::Qr, "a\u{7}b", rect), None);
    assert_eq!(code(CodeKind::Qr, "  ", rect), None);
    assert_eq!(code(CodeKind::Qr, &"x".repeat(4_297), rect), None);
    assert_eq!(code(CodeKind::Qr, "a\u{302}\tb", rect).unwrap().text, "â\tb");
}

#[test]
fn places_turn_with_the_page() {
    let rect = Rect { x: 10, y: 20, width: 30, height: 40 };
    let kept = (100, 200);
    assert_eq!(turned(rect, kept, 0), rect);
    assert_eq!(turned(rect, kept, 90), Rect { x: 140, y: 10, width: 40, height: 30 });
    assert_eq!(turned(rect, kept, 180), Rect { x: 60, y: 140, width: 30, height: 40 });
    assert_eq!(turned(turned(rect, kept, 90), (200, 100), 270), rect);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn any_pixels_are_safe_to_look_at(width in 1u32..200, height in 1u32..200, dpi in 0u32..2000, seed in any::<u64>(), cell in 1u32..9) {
        let noise = |x: u32, y: u32| (seed ^ u64::from(x / cell * 7919 + y / cell * 104_729)).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 56;
        let pixels = (0..width * height).map(|i| noise(i % width, i / width) as u8).collect();
        let page = Grey { width, height, pixels };
        let found = look(&page, dpi); // `read` would hide a panic
        let inside = |rect: &Rect| rect.right() <= width && rect.bottom() <= height;
        prop_assert!(found.codes.len() <= MOST_CODES && found.codes.iter().all(|code| inside(&code.rect)), "{:?}", found);
    }
}
