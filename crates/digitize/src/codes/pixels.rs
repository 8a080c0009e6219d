//! What is dark on a page, told tile by tile, and sampled lines of it: all that the search for codes looks at.

use crate::page::Grey;

/// Fewer pixels hold no code, more are beyond what is meant to be looked through.
const LEAST_SIDE: u32 = 40;
/// Rows that are turned into columns at once.
const ROWS: usize = 16;
/// Difference of brightness within a tile that is print on paper.
const CONTRAST: u8 = 50;

/// A page with a threshold for each tile.
pub(super) struct View<'a> {
    pub(super) grey: &'a Grey,
    pub(super) dpi: usize,
    tile: usize,
    columns: usize,
    thresholds: Vec<u8>,
}

/// Lines of a page, a byte a pixel, 1 is dark. Rows go across, columns down.
pub(super) struct Lines {
    pub(super) rows: bool,
    /// Pixels from line to line.
    pub(super) spacing: usize,
    /// Pixels of a line.
    pub(super) length: usize,
    dark: Vec<u8>,
}

impl<'a> View<'a> {
    pub(super) fn new(grey: &'a Grey, dpi: u32) -> Option<Self> {
        let (width, height) = (grey.width as usize, grey.height as usize);
        if grey.width < LEAST_SIDE || grey.height < LEAST_SIDE || grey.pixels.len() != width * height {
            return None;
        }
        let dpi = (dpi as usize).clamp(50, 1200);
        let tile = (dpi / 3).max(32);
        let columns = width.div_ceil(tile);
        let mut thresholds = vec![0; columns * height.div_ceil(tile)];
        let mut extremes = vec![(u8::MAX, u8::MIN); thresholds.len()];
        for (y, row) in grey.pixels.chunks_exact(width).enumerate().step_by(3) {
            for (x, part) in row.chunks(tile).enumerate() {
                let (low, high) = &mut extremes[y / tile * columns + x];
                for pixel in part.iter().step_by(3) {
                    *low = (*low).min(*pixel);
                    *high = (*high).max(*pixel);
                }
            }
        }
        let whole = extremes.iter().fold((u8::MAX, u8::MIN), |all, one| (all.0.min(one.0), all.1.max(one.1)));
        let middle = |(low, high): (u8, u8)| (low + high.saturating_sub(low) / 2).saturating_add(1);
        for (threshold, tile) in thresholds.iter_mut().zip(extremes) {
            // A tile of nothing but paper, or of nothing but ink, does not tell which: the page does.
            *threshold = middle(if tile.1.saturating_sub(tile.0) >= CONTRAST { tile } else { whole });
        }
        Some(View { grey, dpi, tile, columns, thresholds })
    }

    pub(super) fn is_dark(&self, x: usize, y: usize) -> bool {
        self.grey.pixels[y * self.grey.width as usize + x] < self.thresholds[y / self.tile * self.columns + x / self.tile]
    }

    /// Rows that are `spacing` apart.
    pub(super) fn rows(&self, spacing: usize) -> Lines {
        let length = self.grey.width as usize;
        let mut dark = Vec::with_capacity(self.grey.pixels.len() / spacing + length);
        for (y, row) in self.grey.pixels.chunks_exact(length).enumerate().step_by(spacing) {
            for (part, threshold) in row.chunks(self.tile).zip(&self.thresholds[y / self.tile * self.columns..]) {
                dark.extend(part.iter().map(|pixel| u8::from(pixel < threshold)));
            }
        }
        Lines { rows: true, spacing, length, dark }
    }

    /// Columns that are `spacing` apart.
    pub(super) fn columns(&self, spacing: usize) -> Lines {
        let (width, length) = (self.grey.width as usize, self.grey.height as usize);
        let mut dark = vec![0; width.div_ceil(spacing) * length];
        // Few rows at a time stay in the processor's nearest memory while they are gone through column by column.
        for (block, rows) in self.grey.pixels.chunks(width * ROWS).enumerate() {
            for (at, x) in (0..width).step_by(spacing).enumerate() {
                let column = &mut dark[at * length + block * ROWS..];
                for (i, (row, dark)) in rows.chunks_exact(width).zip(column).enumerate() {
                    let y = block * ROWS + i;
                    *dark = u8::from(row[x] < self.thresholds[y / self.tile * self.columns + x / self.tile]);
                }
            }
        }
        Lines { rows: false, spacing, length, dark }
    }
}

impl Lines {
    pub(super) fn iter(&self) -> impl Iterator<Item = &[u8]> {
        self.dark.chunks_exact(self.length)
    }

    pub(super) fn line(&self, at: usize) -> Option<&[u8]> {
        self.dark.get(at.checked_mul(self.length)?..)?.get(..self.length)
    }
}

/// Where runs of one colour end, from the first, which is light and may be empty. The last end is the line's.
pub(super) fn run_ends(line: &[u8], ends: &mut Vec<usize>) {
    ends.clear();
    let mut colour = 0;
    for (x, dark) in line.iter().enumerate() {
        if *dark != colour {
            ends.push(x);
            colour = *dark;
        }
    }
    ends.push(line.len());
}
