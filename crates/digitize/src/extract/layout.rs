//! A page as runs of words: pieces of lines that a reader sees as one cell. It is *not* layout analysis: the engine's lines
//! are taken as they are and only cut where a header's two columns were read as one line.

use super::PageView;
use regex::Regex;
use sohoa_record::text::{Rect, Word, fold};
use std::sync::LazyLock;

/// A cell's worth of words on one line, from left to right; never empty.
#[derive(Clone, Debug)]
pub(super) struct Run<'a> {
    pub words: Vec<&'a Word>,
    pub rect: Rect,
    /// Index of the engine's line that it is cut from.
    pub line: usize,
}

impl<'a> Run<'a> {
    pub fn new(words: Vec<&'a Word>, line: usize) -> Option<Self> {
        let rect = union(&words)?;
        Some(Run { words, rect, line })
    }

    /// The words with one space between them.
    pub fn text(&self) -> String {
        join(&self.words)
    }

    pub fn folded(&self) -> String {
        fold(&self.text())
    }

    pub fn centre_x(&self) -> f64 {
        centre_x(&self.rect)
    }

    pub fn centre_y(&self) -> f64 {
        centre_y(&self.rect)
    }

    /// Of its letters, are at least four in five capitals, and are there three letters at all?
    pub fn is_capitals(&self) -> bool {
        let text = self.text();
        let letters = text.chars().filter(|c| c.is_alphabetic()).count();
        let capitals = text.chars().filter(|c| c.is_uppercase()).count();
        letters >= 3 && capitals * 5 >= letters * 4
    }
}

/// One page, cut into runs.
pub(super) struct Sheet<'a> {
    pub view: &'a PageView<'a>,
    /// From top to bottom by their centres, then from left to right.
    pub runs: Vec<Run<'a>>,
    /// Median height of the page's words in pixels: the unit in which distances are judged. At least 1.
    pub em: f64,
    /// "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM" in the upper half, if it was read.
    pub national_name: Option<Rect>,
    /// "Độc lập - Tự do - Hạnh phúc" in the upper half, if it was read.
    pub motto: Option<Rect>,
}

const NATIONAL_NAME: [&str; 8] = ["cong", "hoa", "xa", "hoi", "chu", "nghia", "viet", "nam"];
const MOTTO: [&str; 6] = ["doc", "lap", "tu", "do", "hanh", "phuc"];

impl<'a> Sheet<'a> {
    pub fn new(view: &'a PageView<'a>) -> Self {
        let em = median_height(view);
        let half = f64::from(view.text.height) / 2.0;
        let (mut runs, mut national_name, mut motto) = (Vec::new(), None, None);
        for (number, line) in view.text.lines.iter().enumerate() {
            let mut words: Vec<&Word> = line.words.iter().filter(|w| !w.text.trim().is_empty()).collect();
            words.sort_by_key(|w| w.rect.x);
            let name_at = phrase_start(&words, &NATIONAL_NAME, 4);
            let motto_at = phrase_start(&words, &MOTTO, 4);
            let date_at = date_column_start(&words);
            for piece in pieces(&words, em, [name_at, motto_at, date_at]) {
                let Some(run) = Run::new(piece.to_vec(), number) else { continue };
                let upper = run.centre_y() < half;
                if upper && national_name.is_none() && phrase_start(piece, &NATIONAL_NAME, 4) == Some(0) {
                    national_name = Some(run.rect);
                } else if upper && motto.is_none() && phrase_start(piece, &MOTTO, 4) == Some(0) {
                    motto = Some(run.rect);
                }
                runs.push(run);
            }
        }
        runs.sort_by(|a, b| a.centre_y().total_cmp(&b.centre_y()).then(a.rect.x.cmp(&b.rect.x)));
        Sheet { view, runs, em, national_name, motto }
    }

    pub fn width(&self) -> f64 {
        f64::from(self.view.text.width)
    }

    pub fn height(&self) -> f64 {
        f64::from(self.view.text.height)
    }

    /// Where the header's right column begins, pixels: the left edge of the national name, or what the motto or the page's
    /// middle lets one expect of it.
    pub fn column_split(&self) -> f64 {
        match (self.national_name, self.motto) {
            (Some(name), _) => f64::from(name.x) - 0.1 * self.em,
            // the motto is centred under the name, which is some 1.6 times as wide
            (None, Some(motto)) => centre_x(&motto) - 0.8 * f64::from(motto.width),
            (None, None) => 0.45 * self.width(),
        }
    }

    /// Does a new paper begin on this page?
    pub fn opens_a_document(&self) -> bool {
        self.national_name.is_some() || self.motto.is_some()
    }

    /// All words on the row of `seed` whose centres lie between `from` and `to` (pixels), from left to right. The engine may
    /// have read one visual row as several lines.
    pub fn row(&self, seed: &Run<'a>, from: f64, to: f64) -> Vec<&'a Word> {
        let same_row = |run: &&Run<'a>| {
            (run.line == seed.line || (run.centre_y() - seed.centre_y()).abs() < 0.5 * self.em)
                && (from..to).contains(&run.centre_x())
        };
        let mut words: Vec<&Word> = self.runs.iter().filter(same_row).flat_map(|run| run.words.iter().copied()).collect();
        words.sort_by_key(|w| w.rect.x);
        words
    }
}

/// Where a line must be cut: at gaps wider than any word space, and where a known right-column phrase begins.
fn pieces<'w, 'a>(words: &'w [&'a Word], em: f64, starts: [Option<usize>; 3]) -> Vec<&'w [&'a Word]> {
    let mut cuts = Vec::new();
    for i in 1..words.len() {
        let gap = f64::from(words[i].rect.x) - f64::from(words[i - 1].rect.right());
        if gap > 1.5 * em || starts.contains(&Some(i)) {
            cuts.push(i);
        }
    }
    let (mut pieces, mut from) = (Vec::new(), 0);
    for cut in cuts.into_iter().chain([words.len()]) {
        if cut > from {
            pieces.push(&words[from..cut]);
        }
        from = cut;
    }
    pieces
}

/// Index of the word with which `phrase` (folded words) begins, when at least `enough` of its words stand in their places,
/// give or take one. The first words may themselves be misread: places are counted, not the first hit.
fn phrase_start(words: &[&Word], phrase: &[&str], enough: usize) -> Option<usize> {
    let folded: Vec<(usize, String)> = words.iter().enumerate().map(|(i, w)| (i, fold(&w.text))).collect();
    let pieces: Vec<(usize, &str)> =
        folded.iter().flat_map(|(i, text)| text.split(' ').filter(|p| !p.is_empty()).map(move |p| (*i, p))).collect();
    let near = |at: usize| pieces.iter().enumerate().skip(at.saturating_sub(1)).take(if at == 0 { 2 } else { 3 });
    let score = |from: usize| {
        let exact = phrase.iter().enumerate().filter(|(k, p)| pieces.get(from + k).is_some_and(|piece| piece.1 == **p)).count();
        let loose = phrase.iter().enumerate().filter(|(k, p)| near(from + k).any(|(_, piece)| piece.1 == **p)).count();
        (loose, exact)
    };
    let best = (0..pieces.len()).max_by_key(|&from| (score(from), std::cmp::Reverse(from)))?;
    (score(best).0 >= enough).then(|| pieces[best].0)
}

static SLASHED_CODE: LazyLock<Regex> = LazyLock::new(|| pattern(r"/\s*(?:\d{4}/)?[A-ZĐÐƯ]{1,}"));

/// A number and a place-and-date read as one line: the index of the word with which the date's column begins.
fn date_column_start(words: &[&Word]) -> Option<usize> {
    let day = words.iter().position(|w| fold(&w.text).starts_with("ngay"))?;
    let code = words[..day].iter().rposition(|w| SLASHED_CODE.is_match(&w.text))?;
    (code + 1..=day).max_by_key(|&i| words[i].rect.x.saturating_sub(words[i - 1].rect.right()))
}

fn median_height(view: &PageView<'_>) -> f64 {
    let readable = |w: &&Word| w.text.chars().filter(|c| c.is_alphanumeric()).count() >= 2;
    let mut heights: Vec<u32> = view.text.words().filter(readable).map(|w| w.rect.height).collect();
    heights.sort_unstable();
    heights.get(heights.len() / 2).map_or(1.0, |h| f64::from(*h).max(1.0))
}

/// A regular expression that is part of the program.
pub(super) fn pattern(text: &str) -> Regex {
    #[allow(clippy::expect_used)]
    Regex::new(text).expect("the program's own patterns are valid; every one is used in a test")
}

pub(super) fn join(words: &[&Word]) -> String {
    words.iter().map(|w| w.text.trim()).collect::<Vec<_>>().join(" ")
}

pub(super) fn union(words: &[&Word]) -> Option<Rect> {
    words.iter().map(|w| w.rect).reduce(|a, b| a.union(&b))
}

pub(super) fn centre_x(rect: &Rect) -> f64 {
    f64::from(rect.x) + f64::from(rect.width) / 2.0
}

pub(super) fn centre_y(rect: &Rect) -> f64 {
    f64::from(rect.y) + f64::from(rect.height) / 2.0
}

/// Are these words the digits of one number? Overlaid digits are set one by one and come as words of their own; the middles
/// of neighbours are then half an em for each digit apart, and a word space would make it more.
pub(super) fn is_one_number(words: &[&Word]) -> bool {
    let digits = |w: &Word| w.text.chars().count() as f64;
    let touch = |pair: &[&Word]| {
        let em = f64::from(pair[0].rect.height.max(pair[1].rect.height)) / 0.66;
        let pitch = (digits(pair[0]) + digits(pair[1])) / 2.0 * 0.5 * em;
        let apart = centre_x(&pair[1].rect) - centre_x(&pair[0].rect);
        let level = (centre_y(&pair[1].rect) - centre_y(&pair[0].rect)).abs() < 0.1 * em;
        level && (0.8 * pitch..pitch + 0.12 * em).contains(&apart)
    };
    !words.is_empty() && words.iter().all(|w| w.text.chars().all(|c| c.is_ascii_digit())) && words.windows(2).all(touch)
}

/// White pixels between two words; negative when they overlap.
pub(super) fn gap(left: &Word, right: &Word) -> f64 {
    f64::from(right.rect.x) - f64::from(left.rect.right())
}

/// Mean confidence weighted by characters, whole percent; 0 for no words.
pub(super) fn confidence(words: &[&Word]) -> u8 {
    let (mut sum, mut letters) = (0u64, 0u64);
    for word in words {
        let n = word.text.chars().count() as u64;
        sum += u64::from(word.confidence.min(100)) * n;
        letters += n;
    }
    sum.checked_div(letters).unwrap_or(0) as u8
}

#[cfg(test)]
mod tests {
    use super::super::sample::Paper;
    use super::*;

    #[test]
    fn the_national_name_cuts_a_line_that_the_engine_read_across_both_columns() {
        // one engine line, the gap between the columns no wider than a letter
        let page = Paper::new().line(100, 100, "ỦY BAN NHÂN DÂN CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM").page();
        let view = page.view();
        let sheet = Sheet::new(&view);
        assert_eq!(
            sheet.runs.iter().map(Run::text).collect::<Vec<_>>(),
            ["ỦY BAN NHÂN DÂN", "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM"]
        );
        assert_eq!(sheet.column_split().round() as u32, sheet.runs[1].rect.x - 4);
    }

    #[test]
    fn a_misread_first_word_still_belongs_to_the_national_name() {
        let page = Paper::new().line(100, 100, "UBND XÃ GÒ MỚI CQNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM").page();
        let view = page.view();
        assert_eq!(Sheet::new(&view).runs[0].text(), "UBND XÃ GÒ MỚI");
    }

    #[test]
    fn digits_set_one_by_one_are_one_number_and_spaced_ones_are_not() {
        let word = |text: &str, x: u32, width: u32| Word {
            text: text.into(),
            rect: Rect { x, y: 490, width, height: 38 },
            confidence: 100,
        };
        let (five, four, two) = (word("5", 549, 22), word("4", 574, 26), word("2", 602, 25));
        assert!(is_one_number(&[&five, &four, &two]));
        assert!(is_one_number(&[&word("1", 626, 15), &word("1", 653, 15)]));
        // a word space between, twice the same digit in one place, no digit
        assert!(!is_one_number(&[&five, &word("4", 592, 26)]));
        assert!(!is_one_number(&[&five, &word("5", 551, 22)]));
        assert!(!is_one_number(&[&word("x", 549, 22)]));
    }

    #[test]
    fn number_and_date_on_one_line_are_two_runs() {
        let page =
            Paper::new().line(100, 100, "Số: 12/QĐ-UBND").line_at_row_of_last(700, "Gò Mới, ngày 05 tháng 6 năm 2026").page();
        let view = page.view();
        assert_eq!(Sheet::new(&view).runs[1].text(), "Gò Mới, ngày 05 tháng 6 năm 2026");
    }
}
