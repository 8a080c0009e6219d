//! Invented papers for the tests: words laid out as a printer of Times at 14 points and 300 dpi would.

use super::PageView;
use super::print::advance;
use sohoa_record::text::{Line, PageText, Placement, Rect, Word};

/// Height of every printed word, pixels.
pub const HEIGHT: u32 = 40;
const EM: f64 = 59.0;

/// A page under construction, 2480 × 3508 pixels.
#[derive(Clone, Default)]
pub struct Paper {
    lines: Vec<Line>,
    born_digital: bool,
}

/// A finished page.
pub struct SamplePage {
    text: PageText,
    born_digital: bool,
}

impl Paper {
    pub fn new() -> Self {
        Self::default()
    }

    pub fn born_digital(mut self) -> Self {
        self.born_digital = true;
        self
    }

    /// A printed line that begins at `x`, its top at `y`; words read with 96 %.
    pub fn line(mut self, x: u32, y: u32, text: &str) -> Self {
        let words = words(x, y, text);
        self.push(words);
        self
    }

    /// A printed line around the middle of the page.
    pub fn centred(self, y: u32, text: &str) -> Self {
        let width = words(0, y, text).last().map_or(0, |w| w.rect.right());
        self.line(1240 - width / 2, y, text)
    }

    /// Printed rows from `x` to `right` at most, 70 pixels apart, broken as a typesetter breaks them.
    pub fn paragraph(self, (x, right): (u32, u32), y: u32, text: &str) -> Self {
        let (mut paper, mut row, mut top) = (self, String::new(), y);
        for word in text.split(' ') {
            let longer = if row.is_empty() { word.to_owned() } else { format!("{row} {word}") };
            if words(x, top, &longer).last().is_some_and(|last| last.rect.right() > right) {
                (paper, top) = (paper.line(x, top, &row), top + 70);
                row = word.to_owned();
            } else {
                row = longer;
            }
        }
        paper.line(x, top, &row)
    }

    /// More words on the last line, from `x` on.
    pub fn line_at_row_of_last(mut self, x: u32, text: &str) -> Self {
        let last = self.lines.pop().unwrap();
        let mut all = last.words;
        all.extend(words(x, last.rect.y, text));
        self.push(all);
        self
    }

    /// One word by hand on the last line.
    pub fn hand(mut self, x: u32, width: u32, height: u32, text: &str, confidence: u8) -> Self {
        let last = self.lines.pop().unwrap();
        let y = last.rect.bottom() - height;
        let mut all = last.words;
        all.push(Word { text: text.into(), rect: Rect { x, y, width, height }, confidence });
        all.sort_by_key(|w| w.rect.x);
        self.push(all);
        self
    }

    /// The last line's words were read with `confidence` only.
    pub fn read_at(mut self, confidence: u8) -> Self {
        for word in &mut self.lines.last_mut().unwrap().words {
            word.confidence = confidence;
        }
        self
    }

    /// A header: issuer, number row and date row as given, the national name and the motto.
    pub fn header(self, issuer: [&str; 2], number: &str, date: &str) -> Self {
        self.line(400, 200, issuer[0])
            .line_at_row_of_last(1100, "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM")
            .line(400, 270, issuer[1])
            .line_at_row_of_last(1320, "Độc lập - Tự do - Hạnh phúc")
            .line(450, 380, number)
            .line_at_row_of_last(1250, date)
    }

    fn push(&mut self, words: Vec<Word>) {
        let rect = words.iter().map(|w| w.rect).reduce(|a, b| a.union(&b)).unwrap();
        self.lines.push(Line { words, rect, block: self.lines.len() as u32 });
    }

    pub fn page(self) -> SamplePage {
        SamplePage { text: PageText { width: 2480, height: 3508, lines: self.lines }, born_digital: self.born_digital }
    }
}

impl SamplePage {
    pub fn view(&self) -> PageView<'_> {
        self.view_as(1)
    }

    pub fn view_as(&self, number: u32) -> PageView<'_> {
        PageView {
            number,
            text: &self.text,
            dpi: 300,
            placement: Placement::default(),
            kept_size: (2480, 3508),
            born_digital: self.born_digital,
            corrections: &[],
        }
    }
}

fn words(x: u32, y: u32, text: &str) -> Vec<Word> {
    let mut at = f64::from(x);
    let mut words = Vec::new();
    for token in text.split(' ') {
        let width = (advance(token) - 0.06) * EM;
        let rect = Rect { x: at.round() as u32, y, width: width.round() as u32, height: HEIGHT };
        words.push(Word { text: token.into(), rect, confidence: 96 });
        at += width + 0.31 * EM;
    }
    words
}
