//! A second reader of a born-digital page's text: pdf-extract, which shares no code with the first. Fonts and encodings of office
//! programs are where text layers go wrong; where two readers see different letters, the page is read from its pixels instead.
//!
//! It has no opinion on what it cannot read: it panics on files it does not understand, so every call is caught, and a file that
//! makes it use too much memory ends the page child like any other.

use sohoa_record::text::fold;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Larger files are not loaded a second time.
const MAX_BYTES: usize = 64 << 20;
/// Share of the first reader's letters that the second must see too. Where words begin, and in which order they come, they may
/// differ.
const LEAST_AGREEMENT: f64 = 0.9;

/// The second reader with its own copy of a file's structure, made when it is first asked.
#[derive(Default)]
pub(super) struct Witness {
    document: Option<Option<pdf_extract::Document>>,
}

impl Witness {
    /// False when it reads other letters on the page than `text` has; true when it agrees or has no opinion.
    pub(super) fn agrees(&mut self, data: &[u8], page: u32, text: &str) -> bool {
        let document = self.document.get_or_insert_with(|| load(data));
        let Some(second) = document.as_ref().and_then(|document| read(document, page)) else { return true };
        let (first, second) = (letters(text), letters(&second));
        let all: usize = first.values().sum();
        let common: usize = first.iter().map(|(letter, n)| (*n).min(second.get(letter).copied().unwrap_or(0))).sum();
        // An empty second reading is no reading: fonts it does not know give nothing at all.
        second.is_empty() || common as f64 >= LEAST_AGREEMENT * all as f64
    }
}

fn load(data: &[u8]) -> Option<pdf_extract::Document> {
    if data.len() > MAX_BYTES {
        return None;
    }
    let loaded = catch_unwind(|| pdf_extract::Document::load_mem(data)).ok()?;
    loaded.ok().filter(|document| !document.is_encrypted())
}

fn read(document: &pdf_extract::Document, page: u32) -> Option<String> {
    let reading = catch_unwind(AssertUnwindSafe(|| {
        let mut text = String::new();
        let mut output = pdf_extract::PlainTextOutput::new(&mut text);
        pdf_extract::output_doc_page(document, &mut output, page).map(|()| text)
    }));
    reading.ok()?.ok()
}

/// How often each letter and digit stands in the text, without its marks: the two may compose accents differently.
fn letters(text: &str) -> BTreeMap<char, usize> {
    let mut letters = BTreeMap::new();
    fold(text).chars().filter(|c| c.is_alphanumeric()).for_each(|c| *letters.entry(c).or_default() += 1);
    letters
}

#[cfg(test)]
mod tests {
    use super::*;

    const BORN_DIGITAL: &[u8] = include_bytes!("../../../../../fixtures/born-digital/H48.110-250929-0011.03.pdf");

    #[test]
    fn it_confirms_what_it_reads_too_and_contradicts_what_it_does_not() {
        let mut witness = Witness::default();
        assert!(witness.agrees(BORN_DIGITAL, 1, "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM"));
        // what a legacy font's text looks like when its bytes are taken for letters
        assert!(!witness.agrees(BORN_DIGITAL, 1, &"wzjfwzjf".repeat(400)));
    }

    #[test]
    fn it_has_no_opinion_on_what_it_cannot_read() {
        assert!(Witness::default().agrees(b"%PDF-1.7 nothing", 1, "abc"));
        assert!(Witness::default().agrees(BORN_DIGITAL, 99, "abc"));
    }
}
