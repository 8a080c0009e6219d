//! Clean: the engine's copy of a page is made upright, straight, grey, of a fitting resolution and without dotted leaders. The kept image
//! is not touched: heavy cleaning is for reading, never for keeping.

mod leaders;

use crate::capi::Pix;
use crate::page::{CleanPage, Grey, Scan};
use sohoa_record::{Placement, Reason, Rect};

/// Skew below this is left alone: turning costs sharpness, and the engine follows its lines (benches/RESULTS.md).
const LEAST_SKEW_DEG: f32 = 0.5;
/// Skew above this is not believed: it is a drawing or a table, not a crooked page.
const MOST_SKEW_DEG: f32 = 7.0;
/// Leptonica's own advice for believing its skew.
const LEAST_SKEW_CONFIDENCE: f32 = 3.0;
/// Leptonica's `makeOrientDecision` defaults: what `pixOrientDetect` must say before a page is turned.
const LEAST_ORIENTATION_CONFIDENCE: f32 = 8.0;
const LEAST_ORIENTATION_RATIO: f32 = 2.5;
/// Height of the letter x, in pixels, that the engine's copy gets. 18 and 22 were compared over page classes, 20 and 24 on the
/// sample papers only; they differ by little (benches/RESULTS.md).
pub(crate) const READING_X_HEIGHT: f32 = 22.0;
/// The same as a resolution, for a page that does not tell its letters' height.
const READING_DPI: u16 = 250;
/// No copy has less than this.
const LEAST_READING_DPI: u16 = 190;
/// No copy is enlarged by more: letters of a few pixels do not gain detail.
const MOST_ENLARGED: f32 = 2.5;
/// Print has no lower letters: x is as high in 5 points. A full stop of 14 points is half as high.
const LEAST_LETTER_MM: f32 = 0.85;
/// Fewer letters of one height are not yet a text.
const LEAST_LETTERS: u32 = 60;
/// Below this a page is flagged (NĐ 30/2020/NĐ-CP Phụ lục I: at least 200 dpi).
pub const LEAST_DPI: u32 = 200;

/// Makes the engine's copy. Also says what a reader should know of the scan (under 200 dpi).
pub fn clean(scan: &Scan) -> (CleanPage, Vec<Reason>) {
    let dpi = plausible_dpi(scan.dpi, scan.grey.width, scan.grey.height);
    let flags = if dpi < LEAST_DPI { vec![Reason::LowDpi] } else { Vec::new() };
    let histogram = histogram(&scan.grey);
    let grey = quarter_turned(&scan.grey, scan.rotate_deg);
    let mut page = CleanPage {
        number: scan.number,
        upright: (grey.width, grey.height),
        grey,
        dpi,
        placement: Placement { rotated_deg: scan.rotate_deg, skew_mdeg: 0 },
        ink_ppm: ink(&scan.grey, &histogram),
    };
    if !page.is_blank() {
        make_readable(&mut page, threshold(&histogram));
    }
    (page, flags)
}

/// From this resolution on a page is measured at half its size.
const HALVED_FROM_DPI: u32 = 250;

/// Turns, scales and straightens. All measures are taken on one copy in black and white.
fn make_readable(page: &mut CleanPage, threshold: u8) {
    let halved = page.dpi >= HALVED_FROM_DPI;
    let measured = |grey: &Grey| measured(grey, threshold, halved);
    let Some((mut pix, mut bilevel, mut whitened)) = measured(&page.grey) else { return };
    // Half the size tells of most pages how they lie. Where it does not, small print needs all its pixels for it.
    let at_full_size = || orientation(&pix.to_bilevel(threshold)?);
    if let Some(turn) = orientation(&bilevel).or_else(|| if halved { at_full_size() } else { None }).filter(|turn| *turn != 0) {
        page.grey = quarter_turned(&page.grey, turn);
        page.upright = (page.grey.width, page.grey.height);
        page.placement.rotated_deg = (page.placement.rotated_deg + turn) % 360;
        let Some(again) = measured(&page.grey) else { return };
        (pix, bilevel, whitened) = again;
    }
    let components = bilevel.components();
    let letters = x_height(&components, if halved { page.dpi / 2 } else { page.dpi });
    let dots = letters.map_or(Vec::new(), |x_height| leaders::find(&components, x_height));
    let factor = reading_scale(letters.map(|height| if halved { 2.0 * height } else { height }), page.dpi);
    let turn = skew(&bilevel);
    if factor == 1.0 && turn.is_none() && !whitened && dots.is_empty() {
        return;
    }
    if !dots.is_empty() {
        let Some(without) = without_leaders(pix, &dots, halved) else { return };
        pix = without;
    }
    // Turning mixes neighbouring pixels; on the larger of the two copies that takes the least from a hook or a dot.
    pix = if factor < 1.0 {
        scaled(straightened(pix, turn, page), factor, page)
    } else {
        straightened(scaled(pix, factor, page), turn, page)
    };
    page.grey = pix.into_grey();
}

/// A page's pixels with black edges made white; the same in black and white, half the size where asked for; and whether there were
/// such edges. Where the glass was not covered nothing is to be read.
fn measured(grey: &Grey, threshold: u8, halved: bool) -> Option<(Pix, Pix, bool)> {
    let mut pix = Pix::from_grey(grey)?;
    let bilevel = pix.to_bilevel(threshold)?;
    let bilevel = if halved { bilevel.halved_bilevel()? } else { bilevel };
    let Some(shadows) = bilevel.edge_shadows() else { return Some((pix, bilevel, false)) };
    let bilevel = bilevel.without(&shadows)?;
    pix.whiten(&if halved { shadows.doubled_bilevel()? } else { shadows })?;
    Some((pix, bilevel, true))
}

/// The pixels without the leaders, which were found at the measured size.
fn without_leaders(pix: Pix, pieces: &[Rect], halved: bool) -> Option<Pix> {
    let times = if halved { 2 } else { 1 };
    let full = |r: &Rect| Rect { x: r.x * times, y: r.y * times, width: r.width * times, height: r.height * times };
    let mut grey = pix.into_grey();
    leaders::erase(&mut grey, &pieces.iter().map(full).collect::<Vec<_>>(), 1 + times);
    Pix::from_grey(&grey)
}

fn straightened(pix: Pix, turn: Option<f32>, page: &mut CleanPage) -> Pix {
    let Some((turn, straight)) = turn.and_then(|turn| Some((turn, pix.turned(turn)?))) else { return pix };
    // Leptonica says how far to turn clockwise; the page itself was skewed the other way.
    page.placement.skew_mdeg = (-turn * 1000.0).round() as i32;
    straight
}

fn scaled(pix: Pix, factor: f32, page: &mut CleanPage) -> Pix {
    let Some(scaled) = Some(factor).filter(|factor| *factor != 1.0).and_then(|factor| pix.scaled(factor)) else { return pix };
    page.dpi = (page.dpi as f32 * factor).round() as u32;
    scaled
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

/// Quarter turn clockwise in degrees that makes the page upright, from the letters' ascenders; none when they do not tell, and
/// then the source's own rotation holds.
fn orientation(bilevel: &Pix) -> Option<u16> {
    let (up, left) = bilevel.orientation()?;
    let clear =
        |this: f32, other: f32| this.abs() > LEAST_ORIENTATION_CONFIDENCE && this.abs() > LEAST_ORIENTATION_RATIO * other.abs();
    match (clear(up, left), clear(left, up)) {
        (true, _) => Some(if up > 0.0 { 0 } else { 180 }),
        (_, true) => Some(if left > 0.0 { 90 } else { 270 }),
        _ => None,
    }
}

/// Degrees clockwise that make a crooked page straight.
fn skew(bilevel: &Pix) -> Option<f32> {
    let (turn, confidence) = bilevel.find_skew()?;
    (confidence >= LEAST_SKEW_CONFIDENCE && (LEAST_SKEW_DEG..=MOST_SKEW_DEG).contains(&turn.abs())).then_some(turn)
}

/// The commonest height of letters, pixels: that of x where most letters have neither ascender nor mark that touches them. None
/// when there are too few to tell. `dpi` is that of the components.
fn x_height(components: &[Rect], dpi: u32) -> Option<f32> {
    const MOST: usize = 60;
    // marks, dust and the dots of a form are lower; there may be more of these than letters
    let least = ((LEAST_LETTER_MM * dpi as f32 / 25.4) as usize).clamp(5, MOST / 2);
    let mut heights = [0u32; MOST];
    for Rect { width, height, .. } in components.iter().copied() {
        // letters that touch are taken for one, rules and frames are not
        if (least..MOST).contains(&(height as usize)) && width * 4 > height && width < height * 6 {
            heights[height as usize] += 1;
        }
    }
    let around = |height: usize| heights[height - 1] + heights[height] + *heights.get(height + 1).unwrap_or(&0);
    let most = (least..MOST).max_by_key(|height| (around(*height), MOST - height))?;
    let count = around(most);
    let sum = (most - 1..=(most + 1).min(MOST - 1)).map(|height| height as u32 * heights[height]).sum::<u32>();
    (count >= LEAST_LETTERS).then(|| sum as f32 / count as f32)
}

/// By how much the engine's copy is scaled, so that its letters get [`READING_X_HEIGHT`]. Boxes are brought back by the recognize
/// stage.
fn reading_scale(x_height: Option<f32>, dpi: u32) -> f32 {
    let by_letters = x_height.map_or(f32::from(READING_DPI) / dpi as f32, |height| READING_X_HEIGHT / height);
    // a page of capitals or of few words does not tell its small print
    let least = f32::from(LEAST_READING_DPI) / dpi as f32;
    let factor = by_letters.max(least).min(MOST_ENLARGED);
    if (0.85..1.2).contains(&factor) { 1.0 } else { factor }
}

/// The part of the kept image that `place` covers, upright; what lies beyond the image is left out. None when nothing is left.
pub fn cut_out(kept: &Grey, place: Rect, rotated_deg: u16) -> Option<Grey> {
    let end = |from: u32, size: u32, whole: u32| from.saturating_add(size).min(whole);
    let (right, bottom) = (end(place.x, place.width, kept.width), end(place.y, place.height, kept.height));
    let (width, height) = (right.checked_sub(place.x)?, bottom.checked_sub(place.y)?);
    if width == 0 || height == 0 {
        return None;
    }
    let row = |y: u32| &kept.pixels[y as usize * kept.width as usize + place.x as usize..][..width as usize];
    let part = Grey { width, height, pixels: (place.y..bottom).flat_map(row).copied().collect() };
    Some(quarter_turned(&part, rotated_deg))
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
fn threshold(histogram: &[u64; 256]) -> u8 {
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

/// Ink on the page in parts per million of its pixels: what has at most three fifths of the paper's brightness, away from the
/// scanner's black borders. Bleed-through is paler; pale print (110 on 200) is not: with a half it made a page of words blank.
fn ink(grey: &Grey, histogram: &[u64; 256]) -> u32 {
    let total: u64 = histogram.iter().sum();
    // the paper is the level that half of the page is at least as bright as
    let mut brighter = 0;
    let paper = (0..256).rev().find(|level| {
        brighter += histogram[*level];
        brighter * 2 >= total
    });
    let dark = (paper.unwrap_or(255) * 3 / 5) as u8;
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
        assert_eq!(ink(&page, &histogram(&page)), 0);
        page.pixels[100_000..104_000].fill(190);
        assert_eq!(ink(&page, &histogram(&page)), 0);
        page.pixels[100_000..104_000].fill(20);
        assert!(ink(&page, &histogram(&page)) > 10_000);
    }

    #[test]
    fn black_edges_become_white_and_what_stands_within_stays() {
        for halved in [false, true] {
            let mut page = page_of(901, 601, 230); // odd: half of it knows nothing of the last row and column
            page.pixels.chunks_mut(901).for_each(|row| row[870..].fill(10)); // the lid stood open along the right
            page.pixels[300 * 901..][..60].fill(10); // a rule that runs off the paper
            (200..240).for_each(|y| page.pixels[y * 901 + 400..][..40].fill(10));
            let (pix, bilevel, whitened) = measured(&page, 128, halved).unwrap();
            let cleaned = pix.into_grey();
            assert!(whitened && bilevel.edge_shadows().is_none());
            assert!(
                cleaned.pixels.chunks(901).take(600).all(|row| row[860..900].iter().all(|pixel| *pixel >= 230)),
                "halved: {halved}"
            );
            assert!(cleaned.pixels[300 * 901..][..60].iter().all(|pixel| *pixel == 10), "it is short");
            assert!((200..240).all(|y| cleaned.pixels[y * 901 + 400..][..40].iter().all(|pixel| *pixel == 10)));
        }
        let plain = page_of(900, 600, 230);
        assert!(!measured(&plain, 128, true).unwrap().2);
    }

    #[test]
    fn pale_print_is_ink() {
        let mut page = page_of(400, 600, 200);
        page.pixels[100_000..104_000].fill(110);
        assert!(ink(&page, &histogram(&page)) > 10_000);
    }

    #[test]
    fn letters_are_measured_and_get_their_height() {
        let mut page = page_of(900, 600, 255);
        // 100 letters 11 high, marks 3 high over each, a rule across the page
        for (column, row) in (0..20).flat_map(|column| (0..5).map(move |row| (column, row))) {
            let (x, y) = (40 + column * 40, 60 + row * 90);
            let mut fill = |from: usize, height: usize| {
                (from..from + height).for_each(|y| page.pixels[y * 900 + x..][..9].fill(0));
            };
            fill(y, 11);
            fill(y - 8, 3);
        }
        page.pixels[580 * 900..584 * 900].fill(0);
        let bilevel = Pix::from_grey(&page).unwrap().to_bilevel(128).unwrap();
        assert_eq!(x_height(&bilevel.components(), 150), Some(11.0));
        let few = Pix::from_grey(&page_of(900, 600, 255)).unwrap().to_bilevel(128).unwrap();
        assert_eq!(x_height(&few.components(), 150), None);
    }

    #[test]
    fn dots_of_a_form_are_not_measured_as_letters_and_are_taken_out() {
        let mut page = page_of(1654, 2339, 245); // A4 at 200 dpi
        let mut fill = |x: usize, y: usize, width: usize, height: usize| {
            (y..y + height).for_each(|y| page.pixels[y * 1654 + x..][..width].fill(20));
        };
        for row in 0..20 {
            // a word of eight letters and a line of dots behind it
            (0..8).for_each(|letter| fill(200 + letter * 18, 200 + row * 60, 14, 16));
            (0..100).for_each(|dot| fill(360 + dot * 9, 211 + row * 60, 5, 5));
        }
        let (_, bilevel, _) = measured(&page, 128, false).unwrap();
        let height = x_height(&bilevel.components(), 200);
        assert_eq!(height, Some(16.0), "two thousand dots and 160 letters");
        let mut copy = CleanPage {
            number: 1,
            upright: (page.width, page.height),
            grey: page,
            dpi: 200,
            placement: Placement { rotated_deg: 0, skew_mdeg: 0 },
            ink_ppm: 10_000,
        };
        make_readable(&mut copy, 128);
        let scale = copy.grey.width as f32 / 1654.0;
        assert!((1.3..1.45).contains(&scale), "{scale}");
        let at = |x: f32, y: f32| copy.grey.pixels[(y * scale) as usize * copy.grey.width as usize + (x * scale) as usize];
        assert!(at(206.0, 208.0) < 60 && at(406.0, 214.0) > 200, "{} {}", at(206.0, 208.0), at(406.0, 214.0));
    }

    /// A page of small print, upside down, that half the pixels do not tell (they say −1.8 for *up*, all of them −24).
    #[test]
    fn small_print_tells_at_full_size_how_it_lies() {
        let file: &[u8] = include_bytes!("../../../fixtures/turned-pages/scan0007.pdf");
        let mut pages = crate::decode::open(std::sync::Arc::new(file), "scan0007.pdf", &Default::default()).unwrap();
        let mut scan = pages.page(1).unwrap();
        assert_eq!(scan.dpi, 200);
        scan.dpi = HALVED_FROM_DPI;
        assert_eq!(clean(&scan).0.placement.rotated_deg, 180);
    }

    #[test]
    fn copies_shrink_and_grow_within_bounds() {
        assert_eq!(reading_scale(Some(44.0), 600), 0.5);
        assert_eq!(reading_scale(Some(22.0), 300), 1.0, "as it should be");
        assert_eq!(reading_scale(Some(11.0), 150), 2.0);
        assert_eq!(reading_scale(Some(59.0), 300), 190.0 / 300.0, "large letters do not tell the small print");
        assert_eq!(reading_scale(Some(5.0), 72), MOST_ENLARGED);
        assert_eq!(reading_scale(None, 500), 0.5);
    }

    #[test]
    fn a_part_is_cut_out_upright_and_ends_with_the_image() {
        let page = Grey { width: 4, height: 2, pixels: vec![1, 2, 3, 4, 5, 6, 7, 8] };
        let part = |x, y, width, height, turn| cut_out(&page, Rect { x, y, width, height }, turn).map(|grey| grey.pixels);
        assert_eq!(part(1, 0, 2, 2, 0), Some(vec![2, 3, 6, 7]));
        assert_eq!(part(1, 0, 2, 2, 90), Some(vec![6, 2, 7, 3]));
        assert_eq!(part(3, 1, 9, 9, 0), Some(vec![8]));
        assert_eq!(part(4, 0, 1, 1, 0), None);
        assert_eq!(part(u32::MAX, 0, 1, 1, 0), None);
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
