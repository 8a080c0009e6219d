//! Ink that runs into a row from outside: the rim of a seal above a signer's name, the feet of letters of the row before. What hangs together
//! with the edge of the row's pixels is no word of it; a letter that the rim crosses goes with it, so what is read there is not believed.

use crate::page::Grey;
use sohoa_record::Rect;

/// Pixels around erased ink that are half dark.
const AROUND: usize = 2;

/// What was erased, by the row's pixels.
pub(super) struct Erased {
    width: usize,
    pixels: Vec<bool>,
}

impl Erased {
    /// Was there ink within a box that is no longer there?
    pub fn touches(&self, place: &Rect) -> bool {
        let columns = place.x as usize..(place.right() as usize).min(self.width);
        let rows = self.pixels.chunks_exact(self.width.max(1)).take(place.bottom() as usize).skip(place.y as usize);
        rows.into_iter().any(|row| row.get(columns.clone()).is_some_and(|part| part.contains(&true)))
    }
}

/// Makes paper of all ink that hangs together with the edge.
pub(super) fn erase(row: &mut Grey) -> Erased {
    let (width, height) = (row.width as usize, row.height as usize);
    let mut erased = Erased { width, pixels: vec![false; row.pixels.len()] };
    let (Some(darkest), Some(palest)) = (row.pixels.iter().min().copied(), row.pixels.iter().max().copied()) else {
        return erased;
    };
    // worn ink is paler, and goes with what is dark of it
    let contrast = palest - darkest;
    let (dark, pale) = (darkest + contrast / 2, palest - contrast / 4);
    let at_edge = |at: &usize| {
        let (x, y) = (at % width, at / width);
        [0, width - 1].contains(&x) || [0, height - 1].contains(&y)
    };
    let mut found: Vec<usize> = (0..row.pixels.len()).filter(at_edge).filter(|at| row.pixels[*at] < dark).collect();
    found.iter().for_each(|at| erased.pixels[*at] = true);
    let mut next = 0;
    while let Some(at) = found.get(next).copied() {
        next += 1;
        for beside in around(at, 1, width, height) {
            if row.pixels[beside] < pale && !std::mem::replace(&mut erased.pixels[beside], true) {
                found.push(beside);
            }
        }
    }
    for at in found {
        for beside in around(at, AROUND, width, height) {
            if erased.pixels[beside] || row.pixels[beside] >= dark {
                row.pixels[beside] = palest;
            }
        }
    }
    erased
}

/// The pixels at most so far from one, itself among them.
pub(super) fn around(at: usize, far: usize, width: usize, height: usize) -> impl Iterator<Item = usize> {
    let (x, y) = (at % width, at / width);
    let columns = x.saturating_sub(far)..(x + far + 1).min(width);
    (y.saturating_sub(far)..(y + far + 1).min(height)).flat_map(move |y| columns.clone().map(move |x| y * width + x))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A row of 60 by 30 with ink where it says so.
    fn row(ink: impl Fn(u32, u32) -> Option<u8>) -> Grey {
        let pixels = (0..30).flat_map(|y| (0..60).map(move |x| (x, y))).map(|(x, y)| ink(x, y).unwrap_or(240)).collect();
        Grey { width: 60, height: 30, pixels }
    }

    #[test]
    fn a_rim_that_runs_in_goes_and_letters_within_stay() {
        let rim = |x: u32, y: u32| x + 2 * y < 24 && x + 2 * y > 16;
        let letter = |x: u32, y: u32| (30..36).contains(&x) && (8..22).contains(&y);
        let mut seen = row(|x, y| if letter(x, y) { Some(20) } else { rim(x, y).then_some(if y > 5 { 150 } else { 95 }) });
        let erased = erase(&mut seen);
        assert_eq!(seen, row(|x, y| letter(x, y).then_some(20)), "worn parts of the rim too");
        assert!(erased.touches(&Rect { x: 10, y: 2, width: 20, height: 20 }));
        assert!(!erased.touches(&Rect { x: 29, y: 7, width: 9, height: 16 }));
    }

    #[test]
    fn a_letter_that_the_rim_crosses_is_told() {
        let mut seen = row(|x, y| ((30..36).contains(&x) && (8..22).contains(&y) || x.abs_diff(y + 18) < 3).then_some(30));
        let erased = erase(&mut seen);
        assert!(seen.pixels.iter().all(|pixel| *pixel == 240));
        assert!(erased.touches(&Rect { x: 30, y: 8, width: 6, height: 14 }));
    }
}
