//! The words of a page, independent of the engine that read them, and the two forms in which text is compared: NFC for
//! identity, folded for search.

use serde::{Deserialize, Serialize};
use unicode_normalization::{UnicodeNormalization as _, char::is_combining_mark};

/// A rectangle in whole pixels: x to the right, y down, from the top left corner. In JSON `[x, y, width, height]`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "[u32; 4]", into = "[u32; 4]")]
#[allow(missing_docs)]
pub struct Rect {
    pub x: u32,
    pub y: u32,
    pub width: u32,
    pub height: u32,
}

impl Rect {
    /// First column to the right of the rectangle.
    pub fn right(&self) -> u32 {
        self.x + self.width
    }

    /// First row below the rectangle.
    pub fn bottom(&self) -> u32 {
        self.y + self.height
    }

    /// The smallest rectangle that holds both.
    pub fn union(&self, other: &Rect) -> Rect {
        let (x, y) = (self.x.min(other.x), self.y.min(other.y));
        Rect { x, y, width: self.right().max(other.right()) - x, height: self.bottom().max(other.bottom()) - y }
    }
}

impl From<[u32; 4]> for Rect {
    fn from([x, y, width, height]: [u32; 4]) -> Self {
        Rect { x, y, width, height }
    }
}

impl From<Rect> for [u32; 4] {
    fn from(r: Rect) -> Self {
        [r.x, r.y, r.width, r.height]
    }
}

/// One word: NFC text without white space, its place, and how sure the engine was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Word {
    /// NFC.
    pub text: String,
    /// Upright pixels (see [`PageText`]).
    pub rect: Rect,
    /// Whole percent; 100 for text that came with a born-digital file.
    pub confidence: u8,
}

/// A word that search reads otherwise than the engine did. The reading itself stays as it is in the [`PageText`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Correction {
    /// Which line of the page, from 0.
    pub line: u32,
    /// Which word of the line, from 0.
    pub word: u32,
    /// NFC; stands for the whole word, with the marks around it.
    pub text: String,
}

/// The words of one line, from left to right; never empty.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// From left to right.
    pub words: Vec<Word>,
    /// The whole line, upright pixels. Its bottom is the descender line.
    pub rect: Rect,
    /// Lines of one block (column, paragraph group) share a number; blocks are numbered in reading order.
    pub block: u32,
}

impl Line {
    /// The words with one space between them.
    pub fn text(&self) -> String {
        let words: Vec<&str> = self.words.iter().map(|w| w.text.as_str()).collect();
        words.join(" ")
    }
}

/// The text of one page in reading order.
///
/// All rectangles are in *upright* pixels: the kept image turned and deskewed as [`Placement`] says, at the kept image's
/// own scale. [`Placement::to_kept`] brings a rectangle back onto the kept image.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PageText {
    /// Width of the upright page in pixels.
    pub width: u32,
    /// Height of the upright page in pixels.
    pub height: u32,
    /// In reading order.
    pub lines: Vec<Line>,
}

impl PageText {
    /// All words in reading order.
    pub fn words(&self) -> impl Iterator<Item = &Word> {
        self.lines.iter().flat_map(|line| &line.words)
    }

    /// One line of text a line, blocks apart by an empty line.
    pub fn text(&self) -> String {
        let mut text = String::new();
        for (i, line) in self.lines.iter().enumerate() {
            if i > 0 && self.lines[i - 1].block != line.block {
                text.push('\n');
            }
            text.push_str(&line.text());
            text.push('\n');
        }
        text
    }

    /// The text as search reads it: with the corrected words in their places. A correction of a word that is not there counts
    /// for nothing.
    pub fn corrected(&self, corrections: &[Correction]) -> PageText {
        let mut text = self.clone();
        for correction in corrections {
            let line = text.lines.get_mut(correction.line as usize);
            if let Some(word) = line.and_then(|line| line.words.get_mut(correction.word as usize)) {
                word.text.clone_from(&correction.text);
            }
        }
        text
    }

    /// Mean confidence of the words weighted by their letters, whole percent; 0 for a page without words.
    pub fn confidence(&self) -> u8 {
        let (mut sum, mut letters) = (0u64, 0u64);
        for word in self.words() {
            let n = word.text.chars().count() as u64;
            sum += u64::from(word.confidence) * n;
            letters += n;
        }
        sum.checked_div(letters).unwrap_or(0) as u8
    }
}

/// How the upright page lies on the kept image.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Placement {
    /// Quarter turns clockwise that make the kept image upright: 0, 90, 180 or 270 degrees.
    pub rotated_deg: u16,
    /// Skew of the turned image in thousandths of a degree, positive when its lines fall to the right (clockwise); the
    /// upright page is the turned image turned back by this much around its centre.
    pub skew_mdeg: i32,
}

impl Placement {
    /// Brings a point of the upright page onto the kept image of `kept` (width, height) pixels.
    pub fn point_to_kept(&self, (x, y): (f64, f64), kept: (u32, u32)) -> (f64, f64) {
        let (kept_w, kept_h) = (f64::from(kept.0), f64::from(kept.1));
        let sideways = self.rotated_deg == 90 || self.rotated_deg == 270;
        let (w, h) = if sideways { (kept_h, kept_w) } else { (kept_w, kept_h) };
        let angle = f64::from(self.skew_mdeg).to_radians() / 1000.0;
        let (dx, dy) = (x - w / 2.0, y - h / 2.0);
        // y points down, so this turns clockwise for a positive angle
        let (tx, ty) = (w / 2.0 + dx * angle.cos() - dy * angle.sin(), h / 2.0 + dx * angle.sin() + dy * angle.cos());
        match self.rotated_deg {
            90 => (ty, kept_h - tx),
            180 => (kept_w - tx, kept_h - ty),
            270 => (kept_w - ty, tx),
            _ => (tx, ty),
        }
    }

    /// The smallest upright-sided rectangle on the kept image that holds `rect`, clipped to the image.
    pub fn to_kept(&self, rect: Rect, kept: (u32, u32)) -> Rect {
        if *self == Placement::default() {
            return rect;
        }
        let (l, t, r, b) = (f64::from(rect.x), f64::from(rect.y), f64::from(rect.right()), f64::from(rect.bottom()));
        let corners = [(l, t), (r, t), (r, b), (l, b)].map(|corner| self.point_to_kept(corner, kept));
        let clip = |v: f64, max: u32| v.clamp(0.0, f64::from(max)).round() as u32;
        let x0 = clip(corners.iter().map(|c| c.0).fold(f64::MAX, f64::min), kept.0);
        let x1 = clip(corners.iter().map(|c| c.0).fold(f64::MIN, f64::max), kept.0);
        let y0 = clip(corners.iter().map(|c| c.1).fold(f64::MAX, f64::min), kept.1);
        let y1 = clip(corners.iter().map(|c| c.1).fold(f64::MIN, f64::max), kept.1);
        Rect { x: x0, y: y0, width: x1 - x0, height: y1 - y0 }
    }
}

/// Unicode normalization form C, the only form in which text is kept.
pub fn nfc(text: &str) -> String {
    text.nfc().collect()
}

/// The form in which text is searched: no tone or vowel marks, đ as d, lower case, white space and punctuation as one space.
///
/// `Quyết định` → `quyet dinh`; `hoà` and `hòa` → `hoa`. For search only, never for identity: `Hoa`, `Hoà` and `Hóa` are three
/// different names.
pub fn fold(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    for c in text.nfd().filter(|c| !is_combining_mark(*c)).flat_map(char::to_lowercase) {
        match c {
            // đ does not decompose; eth and African d are look-alikes met in old data and OCR
            'đ' | 'ð' | 'ɖ' => folded.push('d'),
            c if c.is_alphanumeric() => folded.push(c),
            _ if folded.ends_with(' ') || folded.is_empty() => {}
            _ => folded.push(' '),
        }
    }
    folded.truncate(folded.trim_end().len());
    folded
}

/// The form in which names are compared: lower case, white space and punctuation as one space, and a word's marks behind its letters,
/// so that `hoà` and `hòa` are one spelling and `Thuận`, `Thuần` and `Thuân` are three.
pub fn spelling(text: &str) -> String {
    let mut words = Vec::new();
    for word in nfc(text).to_lowercase().split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()) {
        let (mut letters, mut marks): (String, Vec<char>) = (String::new(), Vec::new());
        for c in word.nfd() {
            if is_combining_mark(c) { marks.push(c) } else { letters.push(c) }
        }
        marks.sort_unstable();
        letters.extend(marks);
        words.push(letters);
    }
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn fold_meets_both_tone_placements_and_d_with_stroke() {
        assert_eq!(fold("Quyết  định"), "quyet dinh");
        assert_eq!(fold("hoà"), fold("hòa"));
        assert_eq!(fold("ĐỎ Ðỏ"), "do do");
        assert_eq!(fold("  04/QĐ-BCĐ138. "), "04 qd bcd138");
    }

    #[test]
    fn a_spelling_forgives_the_place_of_a_tone_and_nothing_else() {
        assert_eq!(spelling("UỶ BAN"), spelling("Ủy ban,"));
        assert_eq!(spelling("Hoà"), spelling("hòa"));
        let names = ["Thuận", "Thuần", "Thuấn", "Thuân", "Thuan", "Thuật", "Đuận"].map(spelling);
        assert_eq!(names.iter().collect::<std::collections::BTreeSet<_>>().len(), 7, "{names:?}");
    }

    #[test]
    fn corrections_stand_in_their_places_and_nowhere_else() {
        let rect = Rect { x: 0, y: 0, width: 9, height: 9 };
        let word = |text: &str| Word { text: text.into(), rect, confidence: 90 };
        let line = |words: &[&str]| Line { words: words.iter().map(|text| word(text)).collect(), rect, block: 1 };
        let page = PageText { width: 9, height: 9, lines: vec![line(&["Hô", "sơ"]), line(&["thâm", "định,"])] };
        let correction = |line, word, text: &str| Correction { line, word, text: text.into() };
        let corrected =
            page.corrected(&[correction(0, 0, "Hồ"), correction(1, 0, "thẩm"), correction(1, 2, "x"), correction(7, 0, "x")]);
        assert_eq!(corrected.text(), "Hồ sơ\nthẩm định,\n");
        assert_eq!(page.text(), "Hô sơ\nthâm định,\n");
        assert_eq!(page.corrected(&[]), page);
    }

    #[test]
    fn every_order_of_marks_has_one_nfc_form() {
        for spelled in ["ê\u{323}", "ẹ\u{302}", "e\u{323}\u{302}", "e\u{302}\u{323}"] {
            assert_eq!(nfc(spelled), "ệ");
        }
    }

    #[test]
    fn a_quarter_turn_lands_where_the_hand_computed_corner_is() {
        // kept 100 × 200 turned 90° clockwise is 200 × 100 upright; upright's top left is kept's bottom left
        let placement = Placement { rotated_deg: 90, skew_mdeg: 0 };
        assert_eq!(
            placement.to_kept(Rect { x: 0, y: 0, width: 10, height: 4 }, (100, 200)),
            Rect { x: 0, y: 190, width: 4, height: 10 }
        );
        let half = Placement { rotated_deg: 180, skew_mdeg: 0 };
        assert_eq!(
            half.to_kept(Rect { x: 0, y: 0, width: 10, height: 4 }, (100, 200)),
            Rect { x: 90, y: 196, width: 10, height: 4 }
        );
        let back = Placement { rotated_deg: 270, skew_mdeg: 0 };
        assert_eq!(
            back.to_kept(Rect { x: 0, y: 0, width: 10, height: 4 }, (100, 200)),
            Rect { x: 96, y: 0, width: 4, height: 10 }
        );
    }

    #[test]
    fn clockwise_skew_puts_the_right_end_of_a_line_lower() {
        let placement = Placement { rotated_deg: 0, skew_mdeg: 2000 };
        let (_, left) = placement.point_to_kept((0.0, 50.0), (100, 100));
        let (_, right) = placement.point_to_kept((100.0, 50.0), (100, 100));
        assert!(right > left);
    }

    proptest! {
        #[test]
        fn folding_twice_is_folding_once(text in "\\PC{0,40}") {
            prop_assert_eq!(fold(&fold(&text)), fold(&text));
        }

        #[test]
        fn folding_ignores_the_normal_form(text in "\\PC{0,40}") {
            let nfd: String = unicode_normalization::UnicodeNormalization::nfd(text.as_str()).collect();
            prop_assert_eq!(fold(&nfd), fold(&nfc(&text)));
        }

        #[test]
        fn a_placed_rectangle_stays_on_the_image(
            x in 0u32..900, y in 0u32..1300, width in 1u32..100, height in 1u32..100,
            quarter in 0u16..4, skew_mdeg in -15_000i32..15_000,
        ) {
            let placement = Placement { rotated_deg: quarter * 90, skew_mdeg };
            let kept = if quarter % 2 == 0 { (1000, 1400) } else { (1400, 1000) };
            let placed = placement.to_kept(Rect { x, y, width, height }, kept);
            prop_assert!(placed.right() <= kept.0 && placed.bottom() <= kept.1);
        }
    }
}
