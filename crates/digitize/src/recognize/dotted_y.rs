//! The letter that the engine's model does not have: of all Vietnamese letters its alphabet (the unicharset of Debian's vie.traineddata) lacks
//! ỵ and Ỵ, and it is sure of the y that it reads instead. Where a syllable may be one of the four that have it, its dot is looked for.

use super::ink::{Ink, is_tall};
use crate::page::Grey;
use sohoa_record::text::spelling;
use sohoa_record::{PageText, Rect, Word};

/// Syllables that are words with the dot.
pub(crate) const DOTTED: [&str; 4] = ["ky", "ly", "my", "ty"];

/// Of the height of the syllable's first letter: how large the dot is across, and how far below the base line it begins.
const DOT: std::ops::RangeInclusive<f32> = 0.09..=0.3;
const BELOW: std::ops::RangeInclusive<f32> = 0.03..=0.4;
/// Room that is searched below a word, in its heights.
const ROOM: f32 = 0.5;

/// Puts the dot where there is one. The boxes of `text` are pixels of `grey`.
pub(super) fn restore(text: &mut PageText, grey: &Grey) {
    for line in &mut text.lines {
        let mut before = String::new();
        for word in &mut line.words {
            let trimmed = word.text.trim_matches(|c: char| !c.is_alphanumeric());
            let said = spelling(trimmed);
            let may = DOTTED.contains(&said.as_str()) && !(said == "ty" && before == spelling("công"));
            if may && has_dot(word, grey) {
                word.text = word.text.replace('y', "ỵ").replace('Y', "Ỵ");
            }
            before = said;
        }
    }
}

/// Is there a dot below the last letter?
fn has_dot(word: &Word, grey: &Grey) -> bool {
    let bottom = (word.rect.bottom() + (ROOM * word.rect.height as f32) as u32).min(grey.height);
    let place = Rect { height: bottom.saturating_sub(word.rect.y), ..word.rect };
    Ink::of(grey, &place).is_some_and(|ink| below_last(&ink.boxes, &word.text))
}

/// The same from the boxes of a syllable's letters; the first stands on the base line.
fn below_last(components: &[Rect], text: &str) -> bool {
    let tallest = components.iter().map(|c| c.height).max().unwrap_or(0);
    let tall = |c: &&Rect| is_tall(c, tallest);
    let Some(first) = components.iter().filter(tall).min_by_key(|c| c.x) else { return false };
    // marks behind the syllable are small
    let Some(last) = components.iter().filter(tall).max_by_key(|c| c.x) else { return false };
    if last.x == first.x || !text.chars().any(|c| matches!(c, 'y' | 'Y')) {
        return false;
    }
    let (base, height) = (first.bottom() as f32, first.height as f32);
    components.iter().any(|c| {
        let (across, down) = (c.width as f32, c.height as f32);
        let middle = c.x + c.width / 2;
        let round = across <= 1.7 * down && down <= 1.7 * across;
        let fits = DOT.contains(&(across / height)) && DOT.contains(&(down / height));
        round && fits && BELOW.contains(&((c.y as f32 - base) / height)) && (last.x..last.right()).contains(&middle)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// K and y as boxes of ink 40 high on a base line at 60, and a dot.
    fn page(dot: Option<(u32, u32, u32)>) -> (PageText, Grey) {
        let (width, height) = (200usize, 120usize);
        let mut pixels = vec![240u8; width * height];
        let mut ink = |x: usize, y: usize, w: usize, h: usize| (y..y + h).for_each(|y| pixels[y * width + x..][..w].fill(20));
        ink(20, 20, 30, 40);
        ink(60, 32, 26, 40);
        if let Some((x, y, size)) = dot {
            ink(x as usize, y as usize, size as usize, size as usize);
        }
        let word = Word { text: "Ky,".into(), rect: Rect { x: 20, y: 20, width: 70, height: 52 }, confidence: 96 };
        let line = sohoa_record::Line { rect: word.rect, words: vec![word], block: 1 };
        (PageText { width: 200, height: 120, lines: vec![line] }, Grey { width: 200, height: 120, pixels })
    }

    #[test]
    fn the_dot_below_the_last_letter_is_read_and_no_other() {
        let read = |dot| {
            let (mut text, grey) = page(dot);
            restore(&mut text, &grey);
            text.lines[0].words[0].text.clone()
        };
        assert_eq!(read(None), "Ky,");
        assert_eq!(read(Some((75, 74, 6))), "Kỵ,");
        assert_eq!(read(Some((30, 66, 6))), "Ky,", "below the K");
        assert_eq!(read(Some((75, 74, 2))), "Ky,", "noise");
        assert_eq!(read(Some((70, 74, 16))), "Ky,", "a blot");
    }
}
