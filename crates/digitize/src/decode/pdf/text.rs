//! The text a born-digital page carries itself: the glyphs that are seen, put together to words and lines. Taken only when it
//! can be trusted; else the page is read from its pixels like any other.

use super::draw::image_share;
use super::survey::{SeenGlyph, Survey};
use crate::decode::vietnamese::{is_legacy_font, is_readable};
use hayro::hayro_syntax::object::{Dict, Name};
use hayro::hayro_syntax::page::Page;
use hayro::kurbo::{Point, Rect};
use sohoa_record::text::nfc;
use sohoa_record::{Line, PageText, Word};

/// Images on more of the page than this may carry writing that no text layer tells of.
const MAX_IMAGE_SHARE: f64 = 0.3;
/// Share of glyphs without a character from which a text is not trusted.
const MAX_UNKNOWN: f64 = 0.01;
/// Share of glyphs that do not run from left to right from which the page is taken to lie on its side.
const MAX_TURNED: f64 = 0.1;
/// In em: a gap within a word stays below …
const WORD_GAP: f64 = 0.22;
/// … where a space stands, a gap between words is above this; a number stamped over a row of spaces stays whole …
const SPACE_GAP: f64 = 0.08;
/// … and a gap within a line below; wider ones part columns.
const LINE_GAP: f64 = 2.0;
/// In em: letters whose baselines differ by less stand on one line.
const BASELINE: f64 = 0.3;

/// The page's own text in pixels of an image of `size` that shows the whole page, none when it is not to be trusted: no text,
/// an invisible layer (an earlier recognition), mostly images, fonts of before Unicode, letters that make no words, or a page
/// that lies on its side.
pub(super) fn born_digital(page: &Page<'_>, survey: &Survey, size: (u32, u32)) -> Option<PageText> {
    if survey.glyphs.is_empty() || survey.unseen_glyphs > 0 || image_share(survey) > MAX_IMAGE_SHARE || has_legacy_font(page) {
        return None;
    }
    let scale = (f64::from(size.0) / survey.page.width(), f64::from(size.1) / survey.page.height());
    let drawn = survey.glyphs.iter().filter(|glyph| glyph.ink.is_some());
    let count = drawn.clone().count() as f64;
    let unknown = drawn.clone().filter(|glyph| glyph.text.trim().is_empty()).count() as f64;
    let letters: Vec<Letter> = survey.glyphs.iter().filter_map(|glyph| Letter::new(glyph, scale)).collect();
    let upright = letters.iter().filter(|letter| letter.ink.is_some()).count() as f64;
    let turned = count - unknown - upright;
    if count == 0.0 || unknown > MAX_UNKNOWN * count || turned > MAX_TURNED * count {
        return None;
    }
    let lines = blocks(lines(letters, size));
    let text = PageText { width: size.0, height: size.1, lines };
    is_readable(&text.text()).then_some(text)
}

fn has_legacy_font(page: &Page<'_>) -> bool {
    let fonts = &page.resources().fonts;
    fonts.keys().any(|key| {
        let name = fonts.get::<Dict<'_>>(&*key).and_then(|font| font.get::<Name<'_>>(b"BaseFont"));
        name.is_some_and(|name| is_legacy_font(name.as_str()))
    })
}

/// A character on the page, in pixels.
struct Letter {
    text: String,
    left: f64,
    right: f64,
    baseline: f64,
    em: f64,
    /// None for a space.
    ink: Option<Rect>,
}

impl Letter {
    /// None for what has no character or does not run from left to right.
    fn new(glyph: &SeenGlyph, (x_scale, y_scale): (f64, f64)) -> Option<Self> {
        let to_pixels = |x: f64, y: f64| {
            let point = glyph.transform * Point::new(x, y);
            Point::new(point.x * x_scale, point.y * y_scale)
        };
        let (origin, end, top) = (to_pixels(0.0, 0.0), to_pixels(glyph.advance.max(1.0), 0.0), to_pixels(0.0, 1000.0));
        let (along, em) = (end - origin, origin.y - top.y);
        if glyph.text.is_empty() || along.x <= 0.0 || along.y.abs() > 0.05 * along.x || em <= 0.5 {
            return None;
        }
        let ink = glyph
            .ink
            .filter(|_| !glyph.text.trim().is_empty())
            .map(|ink| Rect::from_points(to_pixels(ink.x0, ink.y0), to_pixels(ink.x1, ink.y1)));
        let right = ink.map_or(end.x, |ink| ink.x1.max(end.x));
        Some(Letter { text: glyph.text.clone(), left: origin.x, right, baseline: origin.y, em, ink })
    }
}

/// Lines from top to bottom, the parts of a row from left to right; words from left to right.
fn lines(mut letters: Vec<Letter>, size: (u32, u32)) -> Vec<Line> {
    letters.sort_by(|a, b| a.baseline.total_cmp(&b.baseline));
    let mut rows: Vec<Vec<Letter>> = Vec::new();
    for letter in letters {
        match rows.last_mut() {
            Some(row) if letter.baseline - row[row.len() - 1].baseline <= BASELINE * letter.em.min(row[row.len() - 1].em) => {
                row.push(letter);
            }
            _ => rows.push(vec![letter]),
        }
    }
    rows.into_iter().flat_map(|row| split_row(row, size)).collect()
}

fn split_row(mut row: Vec<Letter>, size: (u32, u32)) -> Vec<Line> {
    row.sort_by(|a, b| a.left.total_cmp(&b.left));
    let mut lines = Vec::new();
    let mut words: Vec<Vec<Letter>> = Vec::new();
    let mut word: Vec<Letter> = Vec::new();
    let mut space = false;
    for letter in row {
        if letter.ink.is_none() {
            space = true;
            continue;
        }
        let previous = word.last().or_else(|| words.last().and_then(|word| word.last()));
        let gap = previous.map_or(0.0, |previous| (letter.left - previous.right) / previous.em.max(letter.em));
        let is_double = word.last().is_some_and(|p| p.text == letter.text && (letter.left - p.left).abs() < 0.1 * p.em);
        if is_double {
            continue; // bold made by painting twice
        }
        if (space && gap > SPACE_GAP || gap > WORD_GAP) && !word.is_empty() {
            words.push(std::mem::take(&mut word));
        }
        if gap > LINE_GAP && !words.is_empty() {
            lines.extend(line(std::mem::take(&mut words), size));
        }
        space = false;
        word.push(letter);
    }
    if !word.is_empty() {
        words.push(word);
    }
    lines.extend(line(words, size));
    lines
}

fn line(words: Vec<Vec<Letter>>, size: (u32, u32)) -> Option<Line> {
    let em = words.iter().flatten().map(|letter| letter.em).fold(0.0, f64::max);
    let baseline = words.iter().flatten().map(|letter| letter.baseline).fold(0.0, f64::max);
    let words: Vec<Word> = words.iter().filter_map(|letters| word(letters, size)).collect();
    let rect = words.iter().map(|word| word.rect).reduce(|a, b| a.union(&b))?;
    // the line reaches down to the descenders, also when no letter has one
    let bottom = ((baseline + 0.21 * em).round().max(0.0) as u32).clamp(rect.bottom(), size.1);
    Some(Line { rect: sohoa_record::Rect { height: bottom - rect.y, ..rect }, words, block: 0 })
}

fn word(letters: &[Letter], size: (u32, u32)) -> Option<Word> {
    let ink = letters.iter().filter_map(|letter| letter.ink).reduce(|a, b| a.union(b))?;
    let text: String = letters.iter().map(|letter| letter.text.trim()).collect();
    let text: String = nfc(&text).chars().filter(|c| !c.is_whitespace() && !c.is_control()).collect();
    let clip = |v: f64, max: u32| v.clamp(0.0, f64::from(max)) as u32;
    let (x, y) = (clip(ink.x0.floor(), size.0 - 1), clip(ink.y0.floor(), size.1 - 1));
    let (right, bottom) = (clip(ink.x1.ceil(), size.0).max(x + 1), clip(ink.y1.ceil(), size.1).max(y + 1));
    let rect = sohoa_record::Rect { x, y, width: right - x, height: bottom - y };
    (!text.is_empty()).then_some(Word { text, rect, confidence: 100 })
}

/// Puts lines that stand close below each other, and over each other by at least a third, into one block; blocks in the order
/// of their tops.
fn blocks(lines: Vec<Line>) -> Vec<Line> {
    let mut blocks: Vec<Vec<Line>> = Vec::new();
    for line in lines {
        let near = blocks.iter_mut().rev().find(|block| {
            let last = &block[block.len() - 1].rect;
            let overlap = last.right().min(line.rect.right()).saturating_sub(last.x.max(line.rect.x));
            let height = last.height.max(line.rect.height);
            overlap * 3 >= last.width.min(line.rect.width)
                && line.rect.y < last.bottom() + height * 3 / 4
                && line.rect.bottom() > last.bottom()
                && last.height.min(line.rect.height) * 2 > height
        });
        match near {
            Some(block) => block.push(line),
            None => blocks.push(vec![line]),
        }
    }
    blocks.sort_by_key(|block| (block[0].rect.y, block[0].rect.x));
    let numbered = blocks.into_iter().enumerate();
    numbered.flat_map(|(i, block)| block.into_iter().map(move |line| Line { block: i as u32, ..line })).collect()
}
