//! Where a name ends. The engine sometimes ends a line within a word ("Võ Diệ" of Võ Diệu Duyên) and is sure of all that it read; the ink goes
//! on right beside it, nearer than a word space.

use super::cut;
use super::ink::{Ink, is_tall};
use crate::page::{CleanPage, Grey};
use sohoa_record::Rect;

/// Nearer than this a letter is one of the same word, heights of the name: a space of Times is a quarter of the font's size, a third of it.
const NEAR: f32 = 0.28;
/// Room beside and above a name in which ink is looked for, heights of the name.
const ROOM: f32 = 0.7;
/// Half of the height of a small letter, heights of the tallest: less is dust.
const LEAST: f32 = 0.3;

/// Do letters stand right before or behind the name at that place of the upright page? The strokes of a seal or pen go on above or below the row,
/// and are none.
pub fn goes_on(page: &CleanPage, name: Rect) -> bool {
    let room = (ROOM * name.height as f32) as u32;
    let above = room / 3;
    let (x, y) = (name.x.saturating_sub(room), name.y.saturating_sub(above));
    let place = Rect { x, y, width: name.right() + room - x, height: name.bottom() + above - y };
    let Some((grey, at)) = cut(page, place) else { return false };
    // the name within what was cut, in its pixels
    let scale = at.width as f32 / place.width.max(1) as f32;
    let (from, to) = ((name.x - x) as f32 * scale, (name.right() - x) as f32 * scale);
    letters_beside(&grey, from as u32, to.ceil() as u32, (name.height as f32 * scale) as u32)
}

/// Do letters begin or end within [`NEAR`] outside of the columns `from` to `to`?
fn letters_beside(grey: &Grey, from: u32, to: u32, height: u32) -> bool {
    let Some(ink) = Ink::of(grey, &Rect { x: 0, y: 0, width: grey.width, height: grey.height }) else { return false };
    let inside = |part: &&Rect| part.x >= from && part.right() <= to && part.y > 0 && part.bottom() < grey.height;
    let Some(tallest) = ink.boxes.iter().filter(inside).map(|part| part.height).max() else { return false };
    let near = (NEAR * height as f32) as u32;
    ink.boxes.iter().any(|part| {
        let whole = part.y > 0 && part.bottom() < grey.height;
        let letter = whole && (part.height as f32) >= LEAST * tallest as f32 && part.height <= tallest + tallest / 4;
        let on_the_line = is_tall(part, tallest) || part.bottom() * 2 > grey.height;
        let behind = part.x + 1 >= to && part.x <= to + near;
        let before = part.right() <= from + 1 && part.right() + near >= from;
        letter && on_the_line && (behind || before)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A row of letters, 30 high and 14 wide, at these columns; `marks` are other boxes of ink.
    fn row(letters: &[u32], marks: &[Rect]) -> Grey {
        let (width, height) = (300, 50);
        let boxes: Vec<Rect> =
            letters.iter().map(|x| Rect { x: *x, y: 10, width: 14, height: 30 }).chain(marks.iter().copied()).collect();
        let dark = |x: u32, y: u32| boxes.iter().any(|b| (b.x..b.right()).contains(&x) && (b.y..b.bottom()).contains(&y));
        let pixels = (0..height).flat_map(|y| (0..width).map(move |x| (x, y))).map(|(x, y)| if dark(x, y) { 20 } else { 240 });
        Grey { width, height, pixels: pixels.collect() }
    }

    #[test]
    fn a_letter_right_beside_a_name_is_its_own() {
        let name = [100, 118, 136];
        let beside = |letters: &[u32], marks: &[Rect]| letters_beside(&row(&[&name[..], letters].concat(), marks), 100, 150, 30);
        assert!(!beside(&[], &[]));
        assert!(beside(&[154], &[]) && beside(&[82], &[]), "in a letter's distance, behind and before");
        assert!(
            !beside(&[164], &[]) && !beside(&[72], &[]),
            "behind a word space another word begins, which has a box of its own"
        );
        assert!(!beside(&[], &[Rect { x: 153, y: 0, width: 4, height: 50 }]), "a stroke of the seal");
        assert!(!beside(&[], &[Rect { x: 153, y: 30, width: 5, height: 5 }]), "dust");
        // what is read is read again: u behind Diệ is half as high
        assert!(beside(&[], &[Rect { x: 153, y: 20, width: 14, height: 20 }]));
    }
}
