//! What a page looks like: 256 bits in which scans of one sheet nearly agree.
//!
//! The page is averaged into 64 × 64 cells and transformed (DCT-II); each of the 256 coarsest frequencies but the rows and columns
//! of mean brightness is above or below their median. Whole numbers throughout: the same pixels give the same bits everywhere.

use crate::page::Grey;
use sohoa_record::page_look::PageLook;

/// Cells along each side.
const CELLS: usize = 64;
/// Frequencies along each side, from 1.
const WAVES: usize = 16;
/// Cosines are kept in so many parts of one.
const UNIT: f64 = 4096.0;

/// The look of an upright page; none of one that is smaller than the cells.
pub fn look(page: &Grey) -> Option<PageLook> {
    let cells = cells(page)?;
    let wave = |k: usize| {
        (0..CELLS).map(move |i| {
            let angle = std::f64::consts::PI * ((2 * i + 1) * k) as f64 / (2 * CELLS) as f64;
            (UNIT * angle.cos()).round() as i64
        })
    };
    let waves: Vec<Vec<i64>> = (1..=WAVES).map(|k| wave(k).collect()).collect();
    let rows: Vec<Vec<i64>> = cells.chunks_exact(CELLS).map(|row| waves.iter().map(|wave| dot(wave, row)).collect()).collect();
    let column = |x: usize| rows.iter().map(|row| row[x]).collect::<Vec<i64>>();
    let columns: Vec<Vec<i64>> = (0..WAVES).map(column).collect();
    // The coarsest first, so that an index finds most look-alikes by the first pieces.
    let mut places: Vec<(usize, usize)> = (0..WAVES * WAVES).map(|at| (at / WAVES, at % WAVES)).collect();
    places.sort_by_key(|(y, x)| (x + y, *y));
    let strengths: Vec<i64> = places.iter().map(|(y, x)| dot(&waves[*y], &columns[*x])).collect();
    let mut sorted = strengths.clone();
    sorted.sort_unstable();
    let median = sorted[sorted.len() / 2];
    let mut bits = [0u8; WAVES * WAVES / 8];
    for (at, strength) in strengths.iter().enumerate() {
        bits[at / 8] |= u8::from(*strength > median) << (7 - at % 8);
    }
    Some(PageLook::new(bits))
}

fn dot(a: &[i64], b: &[i64]) -> i64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// Mean brightness of each cell, in sixteenths of a level, row by row.
fn cells(page: &Grey) -> Option<Vec<i64>> {
    let (width, height) = (page.width as usize, page.height as usize);
    if width < CELLS || height < CELLS || page.pixels.len() != width * height {
        return None;
    }
    let edge = |side: usize, i: usize| i * side / CELLS;
    let mut cells = Vec::with_capacity(CELLS * CELLS);
    for y in 0..CELLS {
        let mut sums = [0i64; CELLS];
        let (top, bottom) = (edge(height, y), edge(height, y + 1));
        for row in page.pixels[top * width..bottom * width].chunks_exact(width) {
            for (x, sum) in sums.iter_mut().enumerate() {
                *sum += row[edge(width, x)..edge(width, x + 1)].iter().map(|pixel| i64::from(*pixel)).sum::<i64>();
            }
        }
        let area = |x: usize| ((bottom - top) * (edge(width, x + 1) - edge(width, x))) as i64;
        cells.extend(sums.iter().enumerate().map(|(x, sum)| sum * 16 / area(x)));
    }
    Some(cells)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Rows of words: blocks of ink whose lengths follow from `seed`.
    fn page(seed: u64, width: u32, height: u32) -> Grey {
        let ink = |x: u32, y: u32| {
            let (row, word) = (u64::from(y * 40 / height), u64::from(x * 60 / width));
            let mixed = (seed + 1).wrapping_mul(row * 1_000_003 + word * 7919 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
            row % 2 == 0 && mixed >> 62 != 0
        };
        let pixels = (0..width * height).map(|i| if ink(i % width, i / width) { 40 } else { 240 }).collect();
        Grey { width, height, pixels }
    }

    #[test]
    fn size_and_brightness_do_not_matter_and_other_pages_are_far() {
        let one = look(&page(1, 1654, 2339)).unwrap();
        let small = look(&page(1, 827, 1170)).unwrap();
        let mut dark = page(1, 1240, 1754);
        dark.pixels.iter_mut().for_each(|pixel| *pixel = *pixel / 2 + 10);
        assert!(one.distance(&small) < 20 && one.distance(&look(&dark).unwrap()) < 20);
        assert!((2..6).all(|seed| one.distance(&look(&page(seed, 1654, 2339)).unwrap()) > 60));
        assert_eq!(look(&page(1, 63, 900)), None);
    }

    proptest! {
        #[test]
        fn any_pixels_have_a_look(width in 64u32..200, height in 64u32..200, seed in any::<u64>()) {
            let pixels = (0..width * height).map(|i| (seed.rotate_left(i % 64) >> 56) as u8).collect();
            let page = Grey { width, height, pixels };
            prop_assert!(look(&page).is_some());
        }
    }
}
