//! ỉ and ị that are i. The engine takes the dot of a bold i for the hook of ỉ ("Đỉnh" for "Đinh", "chỉ phí" for "chi phí"), and a speck
//! below a syllable for the dot of ị, and is sure of both. Where a syllable has no other mark its ink can be asked: a dot is round and full,
//! a hook is neither, and the lower dot stands under the upper one. On real scans 32 of 245 hooks look like a dot, so ink alone
//! decides nothing: it is asked where the words around, or the list of family names, expect i.

use super::cut;
use super::ink::{Ink, is_tall};
use crate::page::{CleanPage, Grey};
use sohoa_record::{Rect, Word};
use unicode_normalization::UnicodeNormalization as _;

/// Of the height of the syllable's tallest letter: how large a mark above it is at most.
const MARK: f32 = 0.45;
/// Width of a dot in its heights.
const ROUND: std::ops::RangeInclusive<f32> = 0.75..=1.34;
/// Share of its box that a dot fills at least: with the shape, 410 of 446 dots pass, and 32 of 245 hooks.
const FULL: f32 = 0.68;
/// How far the lower dot stands from under the upper one at most, in heights of the tallest letter.
const UNDER: f32 = 0.2;

/// The word with i for its only mark; none when it has another one, or none.
pub fn with_i(text: &str) -> Option<String> {
    only_mark(text).map(|marked| text.replace(marked, "i"))
}

/// What the page's ink says of the word's ỉ or ị: true for an i, false for what was read; none when it cannot be told.
pub fn is_i(page: &CleanPage, word: &Word) -> Option<bool> {
    let (grey, _) = cut(page, word.rect)?;
    is_i_in(&grey, only_mark(&word.text)?)
}

/// Does the page's ink have the dot of the word's i, its only mark, and nothing under it?
pub fn has_dot(page: &CleanPage, word: &Word) -> bool {
    as_marked(&word.text).is_some_and(|text| is_i(page, &Word { text, ..word.clone() }) == Some(true))
}

/// The word with ị for its i, when it has one and no other mark.
fn as_marked(text: &str) -> Option<String> {
    let marked = text.replacen('i', "ị", 1);
    only_mark(&marked).map(|_| marked)
}

fn is_i_in(word: &Grey, marked: char) -> Option<bool> {
    let ink = Ink::of(word, &Rect { x: 0, y: 0, width: word.width, height: word.height })?;
    let mark = upper_mark(&ink)?;
    let is_dot = ROUND.contains(&(mark.width as f32 / mark.height as f32)) && ink.fill(&mark) >= FULL;
    match marked {
        'ỉ' => Some(is_dot),
        _ => is_dot.then(|| !has_dot_under(&ink.boxes, &mark)),
    }
}

/// The word's ỉ or ị, when nothing else in it stands above or below its letters.
fn only_mark(text: &str) -> Option<char> {
    let core = text.trim_end_matches([',', ';', '.', ':']);
    let mut marked = None;
    for c in core.chars() {
        let plain = std::iter::once(c).nfd().count() == 1 && c.is_alphabetic() && !matches!(c, 'i' | 'j');
        match c {
            'ỉ' | 'ị' if marked.is_none() => marked = Some(c),
            _ if plain => {}
            _ => return None,
        }
    }
    marked
}

/// The one mark above the letters.
fn upper_mark(ink: &Ink) -> Option<Rect> {
    let tallest = ink.tallest();
    let top = ink.boxes.iter().filter(|part| part.height == tallest).map(|part| part.y).min()?;
    let is_above = |part: &&Rect| {
        let middle = part.y as f32 + part.height as f32 / 2.0;
        part.width.max(part.height) as f32 <= MARK * tallest as f32 && middle < top as f32 + 0.35 * tallest as f32
    };
    let mut above = ink.boxes.iter().filter(is_above);
    let mark = *above.next()?;
    above.next().is_none().then_some(mark)
}

/// Does ink below the base line stand under the dot?
fn has_dot_under(parts: &[Rect], dot: &Rect) -> bool {
    let tallest = parts.iter().map(|part| part.height).max().unwrap_or(0);
    let Some(base) = parts.iter().filter(|part| is_tall(part, tallest)).map(Rect::bottom).min() else { return true };
    let middle = |part: &Rect| part.x as f32 + part.width as f32 / 2.0;
    let near = |part: &&Rect| (middle(part) - middle(dot)).abs() <= UNDER * tallest as f32;
    parts.iter().filter(|part| part.bottom() > base + tallest / 20 + 1).any(|part| near(&part))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Đ, ı, n, h as boxes of ink on a base line at 60, and what else is given: a box, and whether it is
    /// hollow. Empty when the ink does not tell.
    fn read(said: &str, marks: &[(Rect, bool)]) -> String {
        let (width, height) = (120usize, 76usize);
        let mut pixels = vec![240u8; width * height];
        let mut ink = |r: Rect, hollow: bool| {
            for (x, y) in (r.y..r.bottom()).flat_map(|y| (r.x..r.right()).map(move |x| (x, y))) {
                let edge = x == r.x || y == r.y || x + 1 == r.right();
                if !hollow || edge {
                    pixels[y as usize * width + x as usize] = 20;
                }
            }
        };
        let at = |x, y, width, height| Rect { x, y, width, height };
        for letter in [at(20, 20, 26, 40), at(52, 33, 7, 27), at(64, 33, 20, 27), at(90, 20, 20, 40)] {
            ink(letter, false);
        }
        marks.iter().for_each(|(mark, hollow)| ink(*mark, *hollow));
        let grey = Grey { width: width as u32, height: height as u32, pixels };
        let is_i = only_mark(said).and_then(|marked| is_i_in(&grey, marked));
        is_i.map(|is_i| with_i(said).filter(|_| is_i).unwrap_or_else(|| said.to_owned())).unwrap_or_default()
    }

    #[test]
    fn a_round_dot_is_no_hook() {
        let at = |x, y, width, height| Rect { x, y, width, height };
        let dot = (at(52, 20, 8, 8), false);
        assert_eq!(read("Đỉnh", &[dot]), "Đinh");
        assert_eq!(read("Đỉnh", &[(at(52, 18, 8, 10), true)]), "Đỉnh", "a hook");
        assert_eq!(read("Đỉnh", &[]), "", "nothing was seen");
        assert_eq!(read("Đỉnh", &[dot, (at(80, 15, 5, 5), false)]), "", "which of the two is its mark?");
        assert_eq!(read("Kiểm", &[dot]), "", "another letter");
    }

    #[test]
    fn of_a_plain_word_the_ink_is_asked_when_its_i_is_its_only_mark() {
        assert_eq!(as_marked("Đinh").as_deref(), Some("Định"));
        for other in ["Minhi", "Tiến", "Hằng", "Tịnhi", ""] {
            assert_eq!(as_marked(other), None, "{other}");
        }
    }

    #[test]
    fn a_speck_below_another_letter_is_not_its_dot() {
        let at = |x, y, width, height| Rect { x, y, width, height };
        let dot = (at(52, 20, 8, 8), false);
        assert_eq!(read("Định", &[dot, (at(52, 66, 7, 7), false)]), "Định");
        assert_eq!(read("Định", &[dot, (at(96, 66, 6, 6), false)]), "Đinh");
        assert_eq!(read("Định", &[(at(52, 66, 7, 7), false)]), "", "the upper dot was not seen");
    }
}
