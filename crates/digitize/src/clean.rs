//! Clean: the engine's copy of a page is made upright, straight, grey and of a fitting resolution. The kept image is not
//! touched: heavy cleaning is for reading, never for keeping.

use crate::capi::Pix;
use crate::page::{CleanPage, Grey, Scan};
use sohoa_record::{Placement, Reason};

/// Skew below this is left alone: turning costs sharpness, and the engine copes.
const LEAST_SKEW_DEG: f32 = 0.25;
/// Skew above this is not believed: it is a drawing or a table, not a crooked page.
const MOST_SKEW_DEG: f32 = 7.0;
/// Leptonica's own advice for believing its skew.
const LEAST_SKEW_CONFIDENCE: f32 = 3.0;
/// Leptonica's `makeOrientDecision` defaults: what `pixOrientDetect` must say before a page is turned.
const LEAST_ORIENTATION_CONFIDENCE: f32 = 8.0;
const LEAST_ORIENTATION_RATIO: f32 = 2.5;
/// Below this a page is flagged (NĐ 30/2020/NĐ-CP Phụ lục I: at least 200 dpi).
pub const LEAST_DPI: u32 = 200;

/// Makes the engine's copy. Also says what a reader should know of the scan (under 200 dpi).
pub fn clean(scan: &Scan) -> (CleanPage, Vec<Reason>) {
    let dpi = plausible_dpi(scan.dpi, scan.grey.width, scan.grey.height);
    let flags = if dpi < LEAST_DPI { vec![Reason::LowDpi] } else { Vec::new() };
    let ink = ink(&scan.grey);
    let mut page = CleanPage {
        number: scan.number,
        upright: (scan.grey.width, scan.grey.height),
        grey: scan.grey.clone(),
        dpi,
        placement: Placement::default(),
        ink_ppm: ink,
    };
    if page.is_blank() {
        page.placement.rotated_deg = scan.rotate_deg;
        page.grey = quarter_turned(&page.grey, scan.rotate_deg);
        page.upright = (page.grey.width, page.grey.height);
        return (page, flags);
    }
    turn_upright(&mut page, scan.rotate_deg);
    straighten(&mut page);
    fit_resolution(&mut page);
    (page, flags)
}

/// The resolution to work with: the source's word when it makes a plausible sheet, else what makes the short side that of A4.
pub fn plausible_dpi(declared: u32, width: u32, height: u32) -> u32 {
    let short = width.min(height);
    let fits = |dpi: u32| {
        let short_mm = short * 254 / 10 / dpi.max(1);
        (40..=450).contains(&short_mm)
    };
    // Below 50 dpi nothing is legible; cameras write 72 or 96 by habit, which makes posters of ordinary sheets.
    if declared >= 50 && fits(declared) && !(matches!(declared, 72 | 96) && short * 254 / 10 / declared > 320) {
        return declared;
    }
    (short * 254 / 2100).clamp(50, 1200)
}

/// Finds the quarter turn from the letters' ascenders; the source's own rotation holds when they do not tell.
fn turn_upright(page: &mut CleanPage, source_rotation: u16) {
    let mut grey = quarter_turned(&page.grey, source_rotation);
    let mut turned = source_rotation;
    if let Some(more) = orientation(&grey, page.dpi).filter(|turn| *turn != 0) {
        grey = quarter_turned(&grey, more);
        turned = (turned + more) % 360;
    }
    page.upright = (grey.width, grey.height);
    page.grey = grey;
    page.placement.rotated_deg = turned;
}

/// Quarter turn clockwise in degrees that makes the page upright, when the evidence is clear.
fn orientation(grey: &Grey, dpi: u32) -> Option<u16> {
    let mut bilevel = Pix::from_grey(grey)?.to_bilevel(threshold(grey))?;
    if dpi >= 400 {
        bilevel = bilevel.halved_bilevel()?;
    }
    let (up, left) = bilevel.orientation()?;
    let clear =
        |this: f32, other: f32| this.abs() > LEAST_ORIENTATION_CONFIDENCE && this.abs() > LEAST_ORIENTATION_RATIO * other.abs();
    match (clear(up, left), clear(left, up)) {
        (true, _) => Some(if up > 0.0 { 0 } else { 180 }),
        (_, true) => Some(if left > 0.0 { 90 } else { 270 }),
        _ => None,
    }
}

/// Turns a crooked page straight and notes by how much.
fn straighten(page: &mut CleanPage) {
    let Some(pix) = Pix::from_grey(&page.grey) else { return };
    let Some((turn, confidence)) = pix.to_bilevel(threshold(&page.grey)).and_then(|bilevel| bilevel.find_skew()) else { return };
    if confidence < LEAST_SKEW_CONFIDENCE || !(LEAST_SKEW_DEG..=MOST_SKEW_DEG).contains(&turn.abs()) {
        return;
    }
    if let Some(straight) = pix.turned(turn) {
        page.grey = straight.to_grey();
        // Leptonica says how far to turn clockwise; the page itself was skewed the other way.
        page.placement.skew_mdeg = (-turn * 1000.0).round() as i32;
    }
}

/// The engine reads best between 200 and 300 dpi: small print is doubled, poster scans are reduced. Boxes are brought back by
/// the recognize stage.
fn fit_resolution(page: &mut CleanPage) {
    let factor = match page.dpi {
        ..=110 => 2.5,
        111..=170 => 2.0,
        171..=400 => return,
        dpi => 300.0 / dpi as f32,
    };
    if let Some(scaled) = Pix::from_grey(&page.grey).and_then(|pix| pix.scaled(factor)) {
        page.grey = scaled.to_grey();
        page.dpi = (page.dpi as f32 * factor) as u32;
    }
}

/// Turns clockwise by 0, 90, 180 or 270 degrees.
fn quarter_turned(grey: &Grey, degrees: u16) -> Grey {
    let (w, h) = (grey.width as usize, grey.height as usize);
    let mut pixels = vec![0u8; grey.pixels.len()];
    match degrees {
        90 => {
            for (y, row) in grey.pixels.chunks_exact(w).enumerate() {
                row.iter().enumerate().for_each(|(x, p)| pixels[x * h + (h - 1 - y)] = *p);
            }
        }
        180 => {
            pixels.copy_from_slice(&grey.pixels);
            pixels.reverse();
        }
        270 => {
            for (y, row) in grey.pixels.chunks_exact(w).enumerate() {
                row.iter().enumerate().for_each(|(x, p)| pixels[(w - 1 - x) * h + y] = *p);
            }
        }
        _ => return grey.clone(),
    }
    let (width, height) = if degrees == 180 { (grey.width, grey.height) } else { (grey.height, grey.width) };
    Grey { width, height, pixels }
}

/// A level between ink and paper for the whole page (Otsu 1979).
fn threshold(grey: &Grey) -> u8 {
    let histogram = histogram(grey);
    let total: u64 = histogram.iter().sum();
    let sum: u64 = histogram.iter().enumerate().map(|(level, n)| level as u64 * n).sum();
    let (mut below, mut below_sum, mut best, mut best_level) = (0u64, 0u64, -1f64, 127u8);
    for (level, n) in histogram.iter().enumerate() {
        below += n;
        below_sum += level as u64 * n;
        let above = total - below;
        if below == 0 || above == 0 {
            continue;
        }
        let distance = below_sum as f64 / below as f64 - (sum - below_sum) as f64 / above as f64;
        let between = below as f64 * above as f64 * distance * distance;
        if between > best {
            (best, best_level) = (between, level as u8);
        }
    }
    // Leptonica counts as ink what is below the threshold
    best_level.saturating_add(1).clamp(60, 220)
}

fn histogram(grey: &Grey) -> [u64; 256] {
    let mut histogram = [0u64; 256];
    grey.pixels.iter().for_each(|p| histogram[usize::from(*p)] += 1);
    histogram
}

/// Ink on the page in parts per million of its pixels: what is much darker than the paper, away from the scanner's black
/// borders. Bleed-through from the other side is paler than that.
fn ink(grey: &Grey) -> u32 {
    let histogram = histogram(grey);
    let total: u64 = histogram.iter().sum();
    // the paper is the level that half of the page is at least as bright as
    let mut brighter = 0;
    let paper = (0..256).rev().find(|level| {
        brighter += histogram[*level];
        brighter * 2 >= total
    });
    let dark = (paper.unwrap_or(255) / 2) as u8;
    let (w, h) = (grey.width as usize, grey.height as usize);
    let (margin_x, margin_y) = (w / 25, h / 25);
    let mut inked = 0u64;
    let mut seen = 0u64;
    for row in grey.pixels.chunks_exact(w.max(1)).skip(margin_y).take(h.saturating_sub(2 * margin_y)) {
        let row = &row[margin_x..w - margin_x];
        seen += row.len() as u64;
        inked += row.iter().filter(|p| **p < dark).count() as u64;
    }
    (inked * 1_000_000).checked_div(seen).unwrap_or(0) as u32
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn page_of(width: u32, height: u32, paper: u8) -> Grey {
        Grey { width, height, pixels: vec![paper; (width * height) as usize] }
    }

    #[test]
    fn dpi_is_believed_only_when_it_makes_a_sheet() {
        assert_eq!(plausible_dpi(300, 2480, 3508), 300);
        assert_eq!(plausible_dpi(0, 2480, 3508), 299);
        assert_eq!(plausible_dpi(96, 2480, 3508), 299);
        assert_eq!(plausible_dpi(72, 595, 842), 72);
        assert_eq!(plausible_dpi(0, 750, 1069), 90);
    }

    #[test]
    fn empty_paper_has_no_ink_and_bleed_through_is_not_ink() {
        let mut page = page_of(400, 600, 240);
        assert_eq!(ink(&page), 0);
        page.pixels[100_000..104_000].fill(190);
        assert_eq!(ink(&page), 0);
        page.pixels[100_000..104_000].fill(20);
        assert!(ink(&page) > 10_000);
    }

    proptest! {
        #[test]
        fn four_quarter_turns_are_none(width in 1u32..20, height in 1u32..20, seed in any::<u8>()) {
            let pixels = (0..width * height).map(|i| (i as u8).wrapping_mul(31).wrapping_add(seed)).collect();
            let page = Grey { width, height, pixels };
            let once = quarter_turned(&page, 90);
            prop_assert_eq!(&quarter_turned(&quarter_turned(&once, 90), 180), &page);
            prop_assert_eq!(&quarter_turned(&once, 270), &page);
            // clockwise: the top left pixel comes to the top right
            prop_assert_eq!(once.pixels[once.width as usize - 1], page.pixels[0]);
        }
    }
}
