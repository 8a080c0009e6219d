//! Recognize: a clean page becomes words with places and confidence, in one form for every engine.

use crate::capi::{self, Tesseract};
use crate::page::CleanPage;
use sohoa_record::{PageText, Rect, Sha256Hex};
use std::collections::BTreeMap;

/// An engine that reads pages.
///
/// Contract: the text is NFC, in reading order, its boxes lie on the upright page ([`CleanPage::upright`] pixels) and its
/// confidence is a whole percent; the same page gives the same text; a page without words is not an error.
pub trait OcrEngine {
    /// Reads one page.
    fn recognize(&mut self, page: &CleanPage) -> Result<PageText, EngineError>;

    /// What stands in the manifest about this engine.
    fn info(&self) -> EngineInfo;
}

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
        to_upright_scale(&mut text, page.upright);
        Ok(text)
    }

    fn info(&self) -> EngineInfo {
        self.info.clone()
    }
}

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

/// Replays stored text by page number: tests of everything after recognition run without an engine.
pub struct RecordedEngine {
    pages: BTreeMap<u32, PageText>,
}

impl RecordedEngine {
    /// An engine that knows these pages by their number.
    pub fn new(pages: BTreeMap<u32, PageText>) -> Self {
        Self { pages }
    }
}

impl OcrEngine for RecordedEngine {
    fn recognize(&mut self, page: &CleanPage) -> Result<PageText, EngineError> {
        self.pages.get(&page.number).cloned().ok_or(EngineError::NotRecorded(page.number))
    }

    fn info(&self) -> EngineInfo {
        EngineInfo { engine: "recorded".into(), model: "recorded".into(), model_sha256: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sohoa_record::{Line, Word};

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
