//! Dotted leaders: rows of small dots on which a form's values stand. The engine takes them for letters, runs them into the words beside
//! them and is then unsure of both. They are taken out of the engine's copy; the kept image has them for ever.
//!
//! What is a leader: many dots of no more than a full stop's size, level, evenly apart and closer than letters stand. So diacritics, dots
//! of i, full stops and an ellipsis are none.

use crate::page::Grey;
use sohoa_record::Rect;

/// Fewer dots in a row may be an ellipsis, or four of its dots.
const LEAST_DOTS: usize = 6;
/// Fewer on a page are no form, but chance.
const LEAST_ON_PAGE: usize = 24;
/// More are no form either, but a raster or dirt.
const MOST_ON_PAGE: usize = 20_000;
/// The rest are in heights of the letter x, which is 0.45 em in a Times face. A full stop is 0.22 wide.
const LARGEST_DOT: f32 = 0.4;
/// Full stops are 0.56 apart from middle to middle, an i and the next 0.62, any other two letters with a dot 1.1.
const WIDEST_PITCH: f32 = 0.75;
/// The same in widths of a dot: fine dots are 2 to 4 apart, letters stand closer.
const NARROWEST_PITCH: f32 = 1.6;
/// A dot that the scan lost leaves a gap of two.
const MOST_LOST: f32 = 2.0;
/// How far a pitch may be from even, as a share of it.
const UNEVEN: f32 = 0.25;

/// The leaders among the components of a one-bit image, piece by piece from a dot to the next. `x_height` is that of the letter x, pixels.
pub(super) fn find(components: &[Rect], x_height: f32) -> Vec<Rect> {
    let largest = (LARGEST_DOT * x_height).max(2.0);
    let is_dot = |c: &Rect| c.width.max(c.height) as f32 <= largest;
    let (mut dots, letters): (Vec<Rect>, Vec<Rect>) = components.iter().copied().partition(is_dot);
    if dots.len() > MOST_ON_PAGE {
        return Vec::new();
    }
    dots.sort_by_key(|dot| (dot.x, dot.y));
    let mut used = vec![false; dots.len()];
    let mut pieces = Vec::new();
    for first in 0..dots.len() {
        if used[first] {
            continue;
        }
        let mut chain = vec![first];
        while let Some(next) = next_dot(&dots, &used, chain[chain.len() - 1], x_height) {
            chain.push(next);
        }
        if chain.len() < LEAST_DOTS {
            continue;
        }
        chain.iter().for_each(|dot| used[*dot] = true);
        let chain: Vec<Rect> = chain.into_iter().map(|dot| dots[dot]).collect();
        for pair in even(&chain, x_height).into_iter().flat_map(|run| run.windows(2)) {
            let piece = pair[0].union(&pair[1]);
            // a letter may stand where dots seem lost
            match letters.iter().any(|letter| meet(letter, &piece)) {
                true => pieces.extend(pair),
                false => pieces.push(piece),
            }
        }
    }
    if pieces.len() < LEAST_ON_PAGE { Vec::new() } else { pieces }
}

fn meet(a: &Rect, b: &Rect) -> bool {
    a.x < b.right() && b.x < a.right() && a.y < b.bottom() && b.y < a.bottom()
}

/// The nearest dot to the right on the same level.
fn next_dot(dots: &[Rect], used: &[bool], from: usize, x_height: f32) -> Option<usize> {
    let (x, y) = middle(&dots[from]);
    let level = (0.12 * x_height).max(1.5);
    let reach = WIDEST_PITCH * (MOST_LOST + 1.0) * x_height;
    let ahead = dots[from + 1..].iter().enumerate().map(|(at, dot)| (from + 1 + at, middle(dot)));
    let near = ahead.take_while(|(_, (next, _))| next - x <= reach + x_height);
    near.filter(|(at, (next, height))| !used[*at] && *next > x && next - x <= reach && (height - y).abs() <= level)
        .min_by(|(_, a), (_, b)| a.0.total_cmp(&b.0))
        .map(|(at, _)| at)
}

/// The parts of a chain that are evenly spaced and long enough.
fn even(chain: &[Rect], x_height: f32) -> Vec<&[Rect]> {
    let gaps: Vec<f32> = chain.windows(2).map(|pair| middle(&pair[1]).0 - middle(&pair[0]).0).collect();
    let mut sorted = gaps.clone();
    sorted.sort_by(f32::total_cmp);
    // dots are lost, not added: the pitch is among the smaller half
    let closest = NARROWEST_PITCH * chain[0].width as f32;
    let Some(pitch) = sorted.get(sorted.len() / 3).copied().filter(|p| (closest..=WIDEST_PITCH * x_height).contains(p)) else {
        return Vec::new();
    };
    let pitches = |gap: f32| (gap / pitch).round();
    let fits = |gap: f32| (1.0..=MOST_LOST + 1.0).contains(&pitches(gap)) && (gap - pitches(gap) * pitch).abs() <= UNEVEN * pitch;
    let (mut runs, mut from) = (Vec::new(), 0);
    for at in 0..=gaps.len() {
        if at == gaps.len() || !fits(gaps[at]) {
            let run = &chain[from..=at];
            let single = gaps[from..at].iter().filter(|gap| pitches(**gap) == 1.0).count();
            if run.len() >= LEAST_DOTS && single * 3 >= (run.len() - 1) * 2 {
                runs.push(run);
            }
            from = at + 1;
        }
    }
    runs
}

fn middle(dot: &Rect) -> (f32, f32) {
    (dot.x as f32 + dot.width as f32 / 2.0, dot.y as f32 + dot.height as f32 / 2.0)
}

/// Makes paper of the leaders and of `around` pixels above and below, where dots fade out; each column gets the lighter of what stands
/// over and under it.
pub(super) fn erase(grey: &mut Grey, pieces: &[Rect], around: u32) {
    let width = grey.width as usize;
    for piece in pieces {
        let (top, bottom) = (piece.y.saturating_sub(around), (piece.bottom() + around).min(grey.height));
        let (left, right) = (piece.x.saturating_sub(1), (piece.right() + 1).min(grey.width));
        for x in left..right {
            let at = |y: u32| y as usize * width + x as usize;
            let over = top.checked_sub(1).map_or(0, |y| grey.pixels[at(y)]);
            let under = if bottom < grey.height { grey.pixels[at(bottom)] } else { 0 };
            (top..bottom).for_each(|y| grey.pixels[at(y)] = over.max(under));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Height of x, pixels; its em is 49.
    const X: f32 = 22.0;

    fn dot(x: u32, y: u32) -> Rect {
        Rect { x, y, width: 5, height: 5 }
    }

    fn row(count: u32, pitch: u32, y: u32) -> Vec<Rect> {
        (0..count).map(|nth| dot(100 + nth * pitch, y)).collect()
    }

    #[test]
    fn rows_of_dots_are_leaders_also_crooked_ones_with_lost_dots() {
        let found = |dots: &[Rect]| find(dots, X).into_iter().reduce(|a, b| a.union(&b));
        let whole = Rect { x: 100, y: 400, width: 29 * 12 + 5, height: 5 };
        assert_eq!(found(&row(30, 12, 400)), Some(whole));
        let crooked: Vec<Rect> = row(60, 12, 400).into_iter().map(|dot| Rect { y: dot.y + dot.x * 35 / 1000, ..dot }).collect();
        assert_eq!(find(&crooked, X).len(), 59);
        let lossy: Vec<Rect> =
            row(40, 12, 400).into_iter().enumerate().filter(|(nth, _)| nth % 5 != 3).map(|(_, dot)| dot).collect();
        assert_eq!(found(&lossy), Some(Rect { width: 39 * 12 + 5, ..whole }));
        // a word between two of them
        let mut parted = row(20, 12, 400);
        parted.extend(row(20, 12, 400).into_iter().map(|dot| Rect { x: dot.x + 300, ..dot }));
        assert_eq!(find(&parted, X).len(), 38);
    }

    #[test]
    fn a_narrow_letter_between_the_dots_is_left() {
        let mut dots = row(40, 12, 400);
        dots.drain(9..11);
        let digit = Rect { x: 208, y: 375, width: 18, height: 30 };
        dots.push(digit);
        let pieces = find(&dots, X);
        assert!(pieces.len() > 36 && pieces.iter().all(|piece| !meet(piece, &digit)), "{pieces:?}");
    }

    #[test]
    fn ellipses_full_stops_dots_of_letters_and_letters_are_none() {
        assert_eq!(find(&row(20, 12, 400), X), [], "one on a page");
        let ellipses: Vec<Rect> =
            (0..20).flat_map(|nth| row(5, 12, 400).into_iter().map(move |dot| Rect { x: dot.x + nth * 150, ..dot })).collect();
        assert_eq!(find(&ellipses, X), []);
        assert_eq!(find(&row(40, 24, 400), X), [], "ạ ạ ạ ạ, as near as letters stand");
        let letters: Vec<Rect> = row(30, 12, 400).into_iter().map(|dot| Rect { width: 10, height: 10, ..dot }).collect();
        assert_eq!(find(&letters, X), []);
        let steps: Vec<Rect> =
            row(30, 12, 400).into_iter().enumerate().map(|(nth, dot)| Rect { y: 400 + nth as u32 * 6, ..dot }).collect();
        assert_eq!(find(&steps, X), [], "not level");
    }

    #[test]
    fn erased_dots_are_paper_and_what_stands_beside_them_stays() {
        let mut grey = Grey { width: 400, height: 60, pixels: vec![230; 400 * 60] };
        let leaders = [Rect { x: 100, y: 30, width: 100, height: 5 }];
        (100..200).step_by(12).for_each(|x| (30..35).for_each(|y| grey.pixels[y * 400 + x..][..5].fill(20)));
        (20..35).for_each(|y| grey.pixels[y * 400 + 203..][..6].fill(10)); // a stem three pixels behind
        erase(&mut grey, &leaders, 2);
        assert!((25..40).all(|y| grey.pixels[y * 400 + 90..][..112].iter().all(|pixel| *pixel == 230)));
        assert!((20..35).all(|y| grey.pixels[y * 400 + 203..][..6].iter().all(|pixel| *pixel == 10)));
    }

    proptest! {
        /// Dots of letters are at least a narrow letter apart, and seldom evenly.
        #[test]
        fn dots_of_running_text_are_kept(advances in proptest::collection::vec(17u32..60, 1..60), low in any::<u64>()) {
            let mut x = 100;
            let dots: Vec<Rect> = advances.iter().enumerate().map(|(nth, advance)| {
                x += advance;
                dot(x, if low >> (nth % 64) & 1 == 1 { 427 } else { 400 })
            }).collect();
            prop_assert_eq!(find(&dots, X), []);
        }

        #[test]
        fn any_boxes_and_sizes_give_no_panic(
            boxes in proptest::collection::vec((0u32..500, 0u32..80, 1u32..12, 1u32..12), 0..80),
            x_height in 0f32..60.0,
            around in 0u32..9,
        ) {
            let boxes: Vec<Rect> = boxes.into_iter().map(|(x, y, width, height)| Rect { x, y, width, height }).collect();
            let mut grey = Grey { width: 300, height: 40, pixels: vec![9; 12_000] };
            let inside: Vec<Rect> = find(&boxes, x_height).into_iter().filter(|r| r.right() <= 300 && r.bottom() <= 40).collect();
            erase(&mut grey, &inside, around);
        }
    }
}
