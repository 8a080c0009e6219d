//! Recognize: a clean page becomes words with places and confidence, in one form for every engine.

pub mod again;
pub mod dotted_i;
pub(crate) mod dotted_y;
mod ink;
mod intruders;
pub mod name_end;
pub mod row_alone;
mod seal_rim;
mod specks;

use crate::capi::{self, Pix, Tesseract};
use crate::clean::READING_X_HEIGHT;
use crate::page::{CleanPage, Grey};
use sohoa_record::{Line, PageText, Rect, Sha256Hex, Word};
use std::collections::BTreeMap;

/// An engine that reads pages.
///
/// Contract: the text is NFC, in reading order, its boxes lie on the upright page ([`CleanPage::upright`] pixels) and its
/// confidence is a whole percent; the same page gives the same text; a page without words is not an error.
pub trait OcrEngine {
    /// Reads one page.
    fn recognize(&mut self, page: &CleanPage) -> Result<PageText, EngineError>;

    /// Reads a part of a page by itself, as what it is said to be: its lines, with boxes as those of [`OcrEngine::recognize`]. None when the
    /// engine cannot.
    fn recognize_part(&mut self, _page: &CleanPage, _place: Rect, _part: Part) -> Result<Vec<Line>, EngineError> {
        Ok(Vec::new())
    }

    /// What stands in the manifest about this engine.
    fn info(&self) -> EngineInfo;
}

/// What a part of a page is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// One line, without dust and smaller than the page was read.
    Line,
    /// The same by other pixels.
    LineOnceMore,
    /// One row, without dust and what runs into it from outside, smaller than the page was read.
    Row,
    /// The same by other pixels.
    RowOnceMore,
    /// One row without the rim of a seal that was stamped over it, by the pixels of one of [`RIMLESS_LOOKS`] looks; nothing where no seal is
    /// found.
    Rimless(usize),
    /// Lines of one column; what is no text among them is read as junk.
    Block,
}

/// In how many ways a row without a seal's rim is read.
pub const RIMLESS_LOOKS: usize = RIMLESS.len();

/// Name, version and model of an engine.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct EngineInfo {
    /// Such as `tesseract 5.3.0`.
    pub engine: String,
    /// Such as `vie`.
    pub model: String,
    /// SHA-256 of the model's file.
    pub model_sha256: Option<Sha256Hex>,
}

/// Why an engine could not be made or could not read a page.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The bytes are no model of the engine.
    #[error(
        "the OCR model '{0}' cannot be loaded; install the Debian package tesseract-ocr-{0} or name another file in [recognize] model"
    )]
    Model(String),
    /// The engine gave up on the page.
    #[error("the OCR engine gave up on the page")]
    Page,
    /// The recording has no text for the page.
    #[error("nothing is recorded for page {0}")]
    NotRecorded(u32),
}

/// Tesseract through leptess, one single-threaded engine. Set `OMP_THREAD_LIMIT=1` before the process starts, or OpenMP makes it
/// several times slower.
pub struct TesseractEngine {
    engine: Tesseract,
    info: EngineInfo,
}

impl TesseractEngine {
    /// An engine for `language` from the bytes of its `.traineddata` file.
    pub fn new(model: &[u8], language: &str) -> Result<Self, EngineError> {
        let engine = Tesseract::new(model, language).ok_or_else(|| EngineError::Model(language.to_owned()))?;
        let info =
            EngineInfo { engine: capi::engine_version(), model: language.to_owned(), model_sha256: Some(Sha256Hex::of(model)) };
        Ok(Self { engine, info })
    }
}

impl OcrEngine for TesseractEngine {
    fn recognize(&mut self, page: &CleanPage) -> Result<PageText, EngineError> {
        let mut text = self.engine.recognize(&page.grey, page.dpi).ok_or(EngineError::Page)?;
        ask_the_ink(&mut text, &page.grey);
        to_upright_scale(&mut text, page.upright);
        Ok(text)
    }

    fn recognize_part(&mut self, page: &CleanPage, place: Rect, part: Part) -> Result<Vec<Line>, EngineError> {
        let Some((mut cut, at)) = cut(page, place) else { return Ok(Vec::new()) };
        let erased = matches!(part, Part::Row | Part::RowOnceMore).then(|| intruders::erase(&mut cut));
        let as_read = match part {
            Part::Line | Part::Row => otherwise(cut, SMALLER.0),
            Part::LineOnceMore | Part::RowOnceMore => otherwise(cut, SMALLER.1),
            Part::Rimless(look) => without_rim(page, place, cut, at).and_then(|mut cut| {
                let (smaller, is_cleared) = RIMLESS.get(look)?;
                if *is_cleared {
                    intruders::erase(&mut cut);
                }
                otherwise(cut, *smaller)
            }),
            Part::Block => Some(cut),
        };
        let Some(other) = as_read else { return Ok(Vec::new()) };
        let mut read = self.engine.recognize_part(&other, page.dpi, part).ok_or(EngineError::Page)?;
        ask_the_ink(&mut read, &other);
        to_upright_scale(&mut read, (at.width, at.height));
        let crossed = |word: &&mut Word| erased.as_ref().is_some_and(|erased| erased.touches(&word.rect));
        read.lines.iter_mut().flat_map(|line| &mut line.words).filter(crossed).for_each(|word| word.confidence = 0);
        let moved = |r: Rect| Rect { x: r.x + at.x, y: r.y + at.y, ..r };
        let mut text = PageText { width: page.grey.width, height: page.grey.height, lines: read.lines };
        for line in &mut text.lines {
            line.rect = moved(line.rect);
            line.words.iter_mut().for_each(|word| word.rect = moved(word.rect));
        }
        to_upright_scale(&mut text, page.upright);
        Ok(text.lines)
    }

    fn info(&self) -> EngineInfo {
        self.info.clone()
    }
}

/// What the engine cannot tell and pixels can.
fn ask_the_ink(text: &mut PageText, grey: &Grey) {
    dotted_y::restore(text, grey);
    ink::trim(text, grey);
}

/// The pixels of a place on the upright page, in the engine's copy, and where they lie in it.
fn cut(page: &CleanPage, place: Rect) -> Option<(Grey, Rect)> {
    let scale = |v: u32, to: u32, of: u32| (u64::from(v) * u64::from(to) / u64::from(of.max(1))) as u32;
    let (width, height) = (page.grey.width, page.grey.height);
    let (x, y) = (scale(place.x, width, page.upright.0), scale(place.y, height, page.upright.1));
    let right = scale(place.right(), width, page.upright.0).min(width);
    let bottom = scale(place.bottom(), height, page.upright.1).min(height);
    let at = Rect { x, y, width: right.checked_sub(x)?, height: bottom.checked_sub(y)? };
    (at.width >= LEAST_PART && at.height >= LEAST_PART).then_some(())?;
    let row = |y: u32| &page.grey.pixels[y as usize * width as usize + x as usize..][..at.width as usize];
    let pixels = (y..bottom).flat_map(row).copied().collect();
    Some((Grey { width: at.width, height: at.height, pixels }, at))
}

/// How much smaller a line is read the second and the third time. The engine is the same; other pixels make another reading of it.
const SMALLER: (f32, f32) = (0.69, 0.84);

/// The looks at a row without a seal's rim: how much smaller it is read, and whether what still runs into it goes too. Of what a rim crossed
/// a letter is left that is not quite itself, so that one look says little.
const RIMLESS: [(f32, bool); 5] = [(0.69, false), (0.69, true), (0.84, false), (0.84, true), (1.0, false)];

/// A part of a page, which lies at `at` in the engine's copy, without the rim of a seal that lies over it.
fn without_rim(page: &CleanPage, place: Rect, mut part: Grey, at: Rect) -> Option<Grey> {
    let beside = page.dpi * page.upright.0 / page.grey.width.max(1) * SEAL_TENTHS / 10;
    let (x, y) = (place.x.saturating_sub(beside), place.y.saturating_sub(beside));
    let around = Rect { x, y, width: place.right() + beside - x, height: place.bottom() + beside - y };
    let (picture, corner) = cut(page, around)?;
    let rim = seal_rim::Rim::find(&picture, page.dpi)?;
    rim.erase(&mut part, &Rect { x: at.x - corner.x, y: at.y - corner.y, ..at });
    Some(part)
}

/// A seal that touches a row lies within so many tenths of an inch of it.
const SEAL_TENTHS: u32 = 17;

/// The line as other pixels: without dust, smaller, each pixel the mean of those it covers.
fn otherwise(mut line: Grey, smaller: f32) -> Option<Grey> {
    specks::erase(&mut line, READING_X_HEIGHT);
    Some(Pix::from_grey(&line)?.scaled(smaller)?.into_grey())
}

/// Fewer pixels are no part of a page.
const LEAST_PART: u32 = 8;

/// The engine may have read a scaled copy; boxes go back to the scale of the upright page.
fn to_upright_scale(text: &mut PageText, (width, height): (u32, u32)) {
    if (text.width, text.height) == (width, height) {
        return;
    }
    let x_of = |x: u32| ((u64::from(x) * u64::from(width) + u64::from(text.width) / 2) / u64::from(text.width.max(1))) as u32;
    let y_of = |y: u32| ((u64::from(y) * u64::from(height) + u64::from(text.height) / 2) / u64::from(text.height.max(1))) as u32;
    let scale = |r: &mut Rect| {
        let (x, y) = (x_of(r.x).min(width.saturating_sub(1)), y_of(r.y).min(height.saturating_sub(1)));
        *r = Rect {
            x,
            y,
            width: x_of(r.right()).min(width).saturating_sub(x).max(1),
            height: y_of(r.bottom()).min(height).saturating_sub(y).max(1),
        };
    };
    for line in &mut text.lines {
        scale(&mut line.rect);
        line.words.iter_mut().for_each(|word| scale(&mut word.rect));
    }
    (text.width, text.height) = (width, height);
}

/// Replays stored text by page number: what happens before and after recognition can be tried and measured without an engine.
pub struct RecordedEngine {
    pages: BTreeMap<u32, PageText>,
    recording: Sha256Hex,
}

impl RecordedEngine {
    /// An engine that knows these pages by their number, from a recording with that digest.
    pub fn new(pages: BTreeMap<u32, PageText>, recording: Sha256Hex) -> Self {
        Self { pages, recording }
    }
}

impl OcrEngine for RecordedEngine {
    fn recognize(&mut self, page: &CleanPage) -> Result<PageText, EngineError> {
        self.pages.get(&page.number).cloned().ok_or(EngineError::NotRecorded(page.number))
    }

    fn info(&self) -> EngineInfo {
        EngineInfo { engine: "recorded".into(), model: "recorded".into(), model_sha256: Some(self.recording.clone()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sohoa_record::Line;

    #[test]
    fn boxes_of_a_doubled_copy_come_back_to_the_upright_page() {
        let rect = Rect { x: 100, y: 200, width: 50, height: 20 };
        let word = Word { text: "số".into(), rect, confidence: 90 };
        let mut text = PageText { width: 2000, height: 3000, lines: vec![Line { words: vec![word], rect, block: 1 }] };
        to_upright_scale(&mut text, (1000, 1500));
        assert_eq!(text.lines[0].words[0].rect, Rect { x: 50, y: 100, width: 25, height: 10 });
        assert_eq!((text.width, text.height), (1000, 1500));
    }

    #[test]
    fn bytes_that_are_no_model_are_refused_with_the_remedy() {
        let error = TesseractEngine::new(b"no model", "vie").err().unwrap().to_string();
        assert!(error.contains("tesseract-ocr-vie"), "{error}");
    }
}
