//! The ink of one word: boxes of what hangs together, and what of it is dust beside the letters.

use crate::capi::Pix;
use crate::page::Grey;
use sohoa_record::{PageText, Rect, Word};
use unicode_normalization::UnicodeNormalization as _;

/// The dark pixels of a place; all boxes are relative to it.
pub(super) struct Ink {
    /// What hangs together.
    pub boxes: Vec<Rect>,
    place: Grey,
    level: u8,
}

impl Ink {
    /// Of a place on a page, darker than midway between its darkest and palest pixel.
    pub fn of(grey: &Grey, place: &Rect) -> Option<Ink> {
        let right = place.right().min(grey.width);
        let row = |y: u32| {
            grey.pixels
                .get(y as usize * grey.width as usize + place.x as usize..y as usize * grey.width as usize + right as usize)
        };
        let pixels: Vec<u8> = (place.y..place.bottom()).filter_map(row).flatten().copied().collect();
        let (darkest, palest) = (*pixels.iter().min()?, *pixels.iter().max()?);
        let level = ((u16::from(darkest) + u16::from(palest)) / 2) as u8;
        let width = right.checked_sub(place.x).filter(|width| *width > 0)?;
        let place = Grey { width, height: pixels.len() as u32 / width, pixels };
        let boxes = Pix::from_grey(&place)?.to_bilevel(level)?.components();
        Some(Ink { boxes, place, level })
    }

    /// Share of a box that is dark: a round dot fills three quarters of its own.
    pub fn fill(&self, part: &Rect) -> f32 {
        let row = |y: u32| &self.place.pixels[(y * self.place.width + part.x) as usize..][..part.width as usize];
        let dark = (part.y..part.bottom()).flat_map(row).filter(|pixel| **pixel < self.level).count();
        dark as f32 / (part.width * part.height).max(1) as f32
    }

    /// Height of its tallest part, pixels.
    pub fn tallest(&self) -> u32 {
        self.boxes.iter().map(|part| part.height).max().unwrap_or(0)
    }
}

/// Is a part as tall as a letter, of the word's `tallest`?
pub(super) fn is_tall(part: &Rect, tallest: u32) -> bool {
    part.height * 10 >= tallest * 6
}

/// Of the tallest part: nothing larger is taken for dust.
const LARGEST_DUST: f32 = 0.35;

/// Makes the boxes of numbers, and of the words before them, those of their letters: dust above or below makes them higher than print, and
/// then nothing tells them from a hand's. The boxes of `text` are pixels of `grey`.
pub(super) fn trim(text: &mut PageText, grey: &Grey) {
    for line in &mut text.lines {
        let has_digit = |word: &Word| word.text.contains(|c: char| c.is_ascii_digit());
        for at in 0..line.words.len() {
            if has_digit(&line.words[at]) || line.words.get(at + 1).is_some_and(has_digit) {
                trim_word(&mut line.words[at], grey);
            }
        }
    }
}

fn trim_word(word: &mut Word, grey: &Grey) {
    let Some(letters) = Ink::of(grey, &word.rect).and_then(|ink| without_dust(&ink.boxes, &word.text)) else { return };
    // where a rule or seal runs through the word, nothing tells its letters
    if letters.width * 10 >= word.rect.width * 7 {
        word.rect = Rect { x: word.rect.x + letters.x, y: word.rect.y + letters.y, ..letters };
    }
}

/// The box of the parts that can be letters or marks of `text`.
fn without_dust(parts: &[Rect], text: &str) -> Option<Rect> {
    let tallest = parts.iter().map(|part| part.height).max()?;
    let tall = || parts.iter().filter(|part| is_tall(part, tallest));
    let (top, base) = (tall().map(|part| part.y).min()?, tall().map(Rect::bottom).max()?);
    let digits = text.chars().all(|c| c.is_ascii_digit());
    let below = text.nfd().any(|c| matches!(c, '\u{323}' | ',' | ';' | '(' | ')'));
    let above = text.nfd().any(|c| matches!(c, '\u{300}'..='\u{31b}' | 'i' | 'j' | '\'' | '"' | '“' | '”'));
    let is_dust = |part: &Rect| {
        let small = part.width.max(part.height) as f32 <= LARGEST_DUST * tallest as f32;
        small && (digits || part.y >= base && !below || part.bottom() <= top && !above)
    };
    parts.iter().filter(|part| !is_dust(part)).copied().reduce(|a, b| a.union(&b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dust_above_or_below_a_number_is_not_its_own() {
        let at = |x, y, width, height| Rect { x, y, width, height };
        let (zero, one) = (at(0, 10, 18, 26), at(22, 10, 10, 26));
        let dust = at(8, 2, 5, 5);
        assert_eq!(without_dust(&[zero, one, dust], "01"), Some(at(0, 10, 32, 26)));
        // Số: its marks are above, what is below is dust
        let (s, o, hat, below) = (at(0, 10, 14, 26), at(18, 18, 14, 18), at(20, 8, 9, 6), at(6, 42, 5, 5));
        assert_eq!(without_dust(&[s, o, hat, below], "Số:"), Some(at(0, 8, 32, 28)));
        // a comma reaches below the base line
        let comma = at(36, 36, 4, 8);
        assert_eq!(without_dust(&[s, o, comma], "số,"), Some(at(0, 10, 40, 34)));
        // a hyphen stands between letters
        assert_eq!(without_dust(&[zero, at(20, 22, 8, 3), one], "0-1"), Some(at(0, 10, 32, 26)));
        // a stroke of a hand is no dust
        assert_eq!(without_dust(&[zero, at(22, 0, 6, 14)], "01"), Some(at(0, 0, 28, 36)));
        assert_eq!(without_dust(&[], "01"), None);
    }

    #[test]
    fn a_dot_fills_its_box() {
        let dark = |x: u32, y: u32| (4..9).contains(&x) && (3..8).contains(&y) || x == 15 && y < 10;
        let pixels = (0..12).flat_map(|y| (0..20).map(move |x| if dark(x, y) { 20 } else { 240 })).collect();
        let ink = Ink::of(&Grey { width: 20, height: 12, pixels }, &Rect { x: 0, y: 0, width: 20, height: 12 }).unwrap();
        assert_eq!((ink.boxes.len(), ink.tallest()), (2, 10));
        let dot = ink.boxes.iter().find(|part| part.height == 5).unwrap();
        assert!(ink.fill(dot) > 0.99 && ink.fill(&Rect { x: 0, y: 0, width: 20, height: 12 }) < 0.3);
    }
}
