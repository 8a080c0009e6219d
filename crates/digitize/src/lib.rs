//! The pipeline itself: a scan's bytes in; text, fields and a searchable PDF/A out.
//!
//! CPU only: it opens no file or socket, reads no clock and draws no random number. It does *not* store, sign or count.
//! Read this file first; each stage is the file named after it, and no stage calls another:
//! [`decode`] → [`clean`] → [`codes`] → [`recognize`] → [`correct`] → [`extract`] → [`render`].
//!
//! The order stands twice here, once for each side of the process border: [`read_page`] runs in the page child, which touches
//! outside bytes (what of a page is read again is `second_look`); [`Assembly`] runs in the service, which sees only pages that were read. [`digitize`] is both in one process.

mod capi;
pub mod clean;
pub mod codes;
pub mod correct;
pub mod decode;
pub mod extract;
mod look;
pub mod page;
mod papers;
pub mod picture;
pub mod recognize;
pub mod render;
mod second_look;

pub use page::{Limits, ReadPage};
pub use recognize::OcrEngine;

use codes::sheets::{Rules, Says};
use extract::PageView;
use extract::templates::Templates;
use serde::{Deserialize, Serialize};
use sohoa_record::manifest::{self, IncomingSignature, PageState, State};
use sohoa_record::page_texts::{TextPage, TextWriter};
use sohoa_record::{DossierCode, Field, PageText, Placement, Reason, Sha256Hex, Stage};
use std::collections::VecDeque;
use std::io::{self, Write};
use std::sync::Arc;

/// How pages are read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reading {
    /// Correct the words for search.
    pub correct: bool,
    /// Which codes part a batch.
    pub sheets: Rules,
}

impl Default for Reading {
    fn default() -> Self {
        Reading { correct: true, sheets: Rules::default() }
    }
}

/// Decode, clean, find codes, recognize and, if asked for, correct one page. A page that cannot be read is a result with its
/// reason, never an error. A separator sheet's words are nobody's: it is recognized only to make sure that it is one. `begins` is told of
/// each stage when it begins, again when it comes back to it; whoever has a clock knows by that how long each took.
pub fn read_page(
    source: &mut decode::Opened,
    number: u32,
    engine: &mut dyn OcrEngine,
    reading: &Reading,
    begins: &mut dyn FnMut(Stage),
) -> ReadPage {
    begins(Stage::Decode);
    let scan = match source.page(number) {
        Ok(scan) => scan,
        Err(error) => return ReadPage::failed(number, error.reason()),
    };
    let mut read = ReadPage {
        number,
        state: PageState::Text,
        reasons: scan.flags.clone(),
        dpi: scan.dpi,
        placement: Placement { rotated_deg: scan.rotate_deg, skew_mdeg: 0 },
        text: PageText { width: scan.grey.width, height: scan.grey.height, lines: Vec::new() },
        corrections: Vec::new(),
        born_digital: false,
        codes: Vec::new(),
        look: None,
        kept: None,
    };
    let dpi = clean::plausible_dpi(scan.dpi, scan.grey.width, scan.grey.height);
    if let Some(text) = &scan.text {
        (read.text.width, read.text.height) = (text.width, text.height);
        begins(Stage::Codes);
        let looks_unread = take_codes(&mut read, &scan, dpi);
        read.kept = Some(scan.kept);
        read.born_digital = true;
        if is_separator(&mut read, &reading.sheets) && !is_a_paper(&mut read, text, &reading.sheets) {
            return read;
        }
        read.look = look::look(&scan.grey).filter(|_| scan.rotate_deg == 0);
        read.text = text.clone();
        flag_unread(&mut read, looks_unread);
        return read;
    }
    begins(Stage::Clean);
    let (page, flags) = clean::clean(&scan);
    read.reasons.extend(flags);
    read.dpi = dpi;
    read.placement = page.placement;
    (read.text.width, read.text.height) = page.upright;
    begins(Stage::Codes);
    let looks_unread = take_codes(&mut read, &scan, dpi);
    read.kept = Some(scan.kept);
    if is_separator(&mut read, &reading.sheets) {
        begins(Stage::Recognize);
        match engine.recognize(&page) {
            Ok(text) if is_a_paper(&mut read, &text, &reading.sheets) => read.text = text,
            _ => return read,
        }
        read.look = look::look(&page.grey);
        if reading.correct {
            begins(Stage::Correct);
            read.corrections = correct::correct(&read.text);
        }
        return read;
    }
    if page.is_blank() {
        read.state = PageState::Blank;
        return read;
    }
    begins(Stage::Recognize);
    match engine.recognize(&page) {
        Ok(text) if page.is_faint() && !has_confident_words(&text) => read.state = PageState::Blank,
        Ok(text) => {
            read.look = look::look(&page.grey);
            read.text = text;
        }
        Err(_) => {
            read.state = PageState::RecognizeFailed;
            read.reasons.push(Reason::RecognizeFailed);
        }
    }
    if reading.correct {
        begins(Stage::Correct);
        read.corrections = correct::correct(&read.text);
    }
    if read.state == PageState::Text {
        begins(Stage::Recognize);
        if second_look::look_again(engine, &page, &mut read) && reading.correct {
            begins(Stage::Correct);
            read.corrections = correct::correct(&read.text);
        }
    }
    flag_unread(&mut read, looks_unread);
    read
}

/// Looks for codes on the page's own pixels. True when something looks like one that could not be read.
fn take_codes(read: &mut ReadPage, scan: &page::Scan, dpi: u32) -> bool {
    let found = codes::read(&scan.grey, dpi);
    let kept = (scan.grey.width, scan.grey.height);
    read.codes = found.codes;
    read.codes.iter_mut().for_each(|code| code.rect = codes::turned(code.rect, kept, read.placement.rotated_deg));
    !found.unread.is_empty()
}

fn is_separator(read: &mut ReadPage, sheets: &Rules) -> bool {
    match sheets.judge(&read.codes) {
        Says::Separator { .. } => read.state = PageState::Separator,
        Says::Unclear => read.reasons.push(Reason::SeparatorUnreadable),
        Says::FirstPage | Says::Nothing => {}
    }
    read.state == PageState::Separator
}

/// More words are a paper with a code on it, not a sheet that parts papers.
const MOST_SHEET_WORDS: usize = 60;

/// A sheet's code on a page of words (a sheet shone through, or lay on the glass with the paper; a table whose rules look like a patch
/// code): its words must not be lost, and a person says what it is. Sheets that are sold with patch codes are full of instructions,
/// which name the patch code, or say it in a barcode too.
fn is_a_paper(read: &mut ReadPage, text: &PageText, sheets: &Rules) -> bool {
    let ours = read.codes.iter().any(|code| code.text.starts_with(codes::sheets::OURS));
    let barcode =
        |code: &sohoa_record::PageCode| code.kind != sohoa_record::CodeKind::PatchT && sheets.separators.contains(&code.text);
    if !ours && read.codes.iter().any(barcode) {
        return false;
    }
    let sure = || text.words().filter(|word| word.confidence >= 50);
    let names_itself = !ours && sure().any(|word| sohoa_record::text::fold(&word.text).starts_with("patch"));
    let is_paper = sure().count() > MOST_SHEET_WORDS && !names_itself;
    if is_paper {
        read.state = PageState::Text;
        read.reasons.push(Reason::SeparatorUnreadable);
    }
    is_paper
}

/// A page of a code that says nothing and few words may be a separator sheet: two documents may be one record then.
fn flag_unread(read: &mut ReadPage, looks_unread: bool) {
    if looks_unread && read.codes.is_empty() && read.text.words().count() <= MOST_SHEET_WORDS {
        read.reasons.push(Reason::SeparatorUnreadable);
    }
}

/// Bleed-through from the other side makes "words" of low confidence; a real line makes at least a few sure letters.
fn has_confident_words(text: &PageText) -> bool {
    text.words()
        .filter(|word| word.confidence >= 70)
        .map(|word| word.text.chars().filter(|c| c.is_alphanumeric()).count())
        .sum::<usize>()
        >= 6
}

/// Extract looks at this many pages from the start …
const FIRST_PAGES: usize = 12;
/// … and from the end of a document; the text of pages between is written out and not held, so that a document of a thousand
/// pages needs no more memory than one of twenty.
const LAST_PAGES: usize = 4;

/// Puts the pages of one document together, in order: the searchable PDF/A goes to `P`, the words of every page (JSON,
/// `sohoa-text/2`) to `T`, both streamed.
pub struct Assembly<P: Write, T: Write> {
    pdf: render::Writer<P>,
    text: TextWriter<T>,
    pages: Vec<manifest::Page>,
    first: Vec<ReadPage>,
    last: VecDeque<ReadPage>,
    plain_text: Vec<String>,
    papers: papers::Papers,
    templates: Arc<Templates>,
}

/// A document that went through all stages.
#[derive(Clone, Debug)]
pub struct Digitized {
    /// Every page that was fed.
    pub pages: Vec<manifest::Page>,
    /// What was read from them.
    pub fields: Vec<Field>,
    /// The outcome.
    pub state: State,
    /// Why, sorted, each once.
    pub reasons: Vec<Reason>,
    /// The dossier that QR codes on its papers name; none when there are none, or they name several.
    pub dossier: Option<DossierCode>,
    /// The text of each page in reading order, for search: corrected words in their places.
    pub plain_text: Vec<String>,
    /// For who asks why: what the labels of a form gave.
    pub notes: Vec<extract::Note>,
}

impl<P: Write, T: Write> Assembly<P, T> {
    /// Starts a document.
    pub fn new(pdf: P, text: T, profile: render::Profile) -> io::Result<Self> {
        let (pdf, text) = (render::Writer::new(pdf, profile)?, TextWriter::new(text)?);
        let (pages, first, last, plain_text) = (Vec::new(), Vec::new(), VecDeque::new(), Vec::new());
        let (papers, templates) = (papers::Papers::default(), Templates::built_in());
        Ok(Self { pdf, text, pages, first, last, plain_text, papers, templates })
    }

    /// Knows other kinds of paper than the built-in ones.
    pub fn knowing(mut self, templates: Arc<Templates>) -> Self {
        self.templates = templates;
        self
    }

    /// What may stand between the parts of a QR code's payload, instead of [`codes::payload::SEPARATORS`].
    pub fn payload_separators(mut self, separators: &str) -> Self {
        self.papers.separators = separators.to_owned();
        self
    }

    /// Adds the next page.
    pub fn add(&mut self, mut page: ReadPage) -> io::Result<()> {
        self.pdf.page(&page)?;
        self.papers.add(&page);
        let text_page =
            TextPage { number: page.number, placement: page.placement, text: page.text, corrections: page.corrections };
        self.text.push(&text_page)?;
        self.plain_text.push(text_page.search_text());
        (page.text, page.corrections) = (text_page.text, text_page.corrections);
        self.pages.push(page_entry(&page));
        if let Some(kept) = &mut page.kept {
            kept.data = Vec::new();
        }
        if self.first.len() < FIRST_PAGES {
            self.first.push(page);
        } else {
            self.last.push_back(page);
            if self.last.len() > LAST_PAGES {
                self.last.pop_front();
            }
        }
        Ok(())
    }

    /// Extracts the fields, closes both outputs, and says how it came out.
    pub fn finish(self, meta: &render::Meta) -> io::Result<(Digitized, P, T)> {
        // A separator sheet is no page of the paper.
        let papers = self.first.iter().chain(&self.last).filter(|page| page.state != PageState::Separator);
        let views: Vec<PageView<'_>> = papers.map(view).collect();
        let mut extracted = extract::extract(&views, &self.templates);
        self.papers.confirm(&mut extracted.fields);
        let (state, reasons) = outcome(&self.pages, &extracted.fields, &extracted.reasons);
        let fields = if state == State::Failed { Vec::new() } else { extracted.fields };
        let pdf = self.pdf.finish(meta, &fields)?;
        let text = self.text.finish()?;
        let (dossier, notes) = (self.papers.dossier(), extracted.notes);
        let digitized = Digitized { pages: self.pages, fields, state, reasons, dossier, plain_text: self.plain_text, notes };
        Ok((digitized, pdf, text))
    }
}

/// What extract sees of a page that was read.
pub fn view(page: &ReadPage) -> PageView<'_> {
    PageView {
        number: page.number,
        text: &page.text,
        dpi: page.dpi,
        placement: page.placement,
        kept_size: page.kept.as_ref().map_or((page.text.width, page.text.height), |kept| (kept.width, kept.height)),
        born_digital: page.born_digital,
        corrections: &page.corrections,
    }
}

fn page_entry(page: &ReadPage) -> manifest::Page {
    let mut reasons = page.reasons.clone();
    reasons.sort();
    reasons.dedup();
    manifest::Page {
        number: page.number,
        state: page.state,
        reasons,
        dpi: page.dpi,
        width_px: page.kept.as_ref().map_or(0, |kept| kept.width),
        height_px: page.kept.as_ref().map_or(0, |kept| kept.height),
        placement: page.placement,
        confidence: page.text.confidence(),
        born_digital: page.born_digital,
        image_sha256: page.kept.as_ref().map(|kept| Sha256Hex::of(&kept.data)),
        codes: page.codes.clone(),
        look: page.look,
    }
}

/// The one outcome of a document, from what became of its pages and fields.
fn outcome(pages: &[manifest::Page], fields: &[Field], extracted: &[Reason]) -> (State, Vec<Reason>) {
    let mut reasons: Vec<Reason> = pages.iter().flat_map(|page| page.reasons.iter().copied()).collect();
    let failed = pages.iter().filter(|page| page.state == PageState::RecognizeFailed).count();
    let with_text = pages.iter().any(|page| page.state == PageState::Text && page.confidence > 0);
    let mut state = State::Sealed;
    if failed > 0 {
        reasons.push(Reason::RecognizeFailed);
        state = State::Review;
    } else if !with_text {
        reasons.push(Reason::NoText);
        state = State::Review;
    }
    if failed == pages.len() {
        state = State::Failed;
    } else {
        // Doubts about fields mean something only where something was read.
        reasons.extend(extracted);
        reasons.extend(fields.iter().filter_map(|field| field.doubt));
        if fields.iter().any(|field| field.doubt.is_some())
            || [Reason::PageDamaged, Reason::SeparatorUnreadable, Reason::DivisionUnsure].iter().any(|r| reasons.contains(r))
        {
            state = State::Review;
        }
        if reasons.contains(&Reason::Secret) {
            state = State::Skipped;
        }
    }
    reasons.sort();
    reasons.dedup();
    (state, reasons)
}

/// The whole pipeline in one process, for trusted input and tests: nothing protects the caller from hostile bytes here; the
/// service runs [`read_page`] in its page child instead.
pub fn digitize(
    bytes: Vec<u8>,
    file_name: &str,
    limits: &Limits,
    engine: &mut dyn OcrEngine,
    profile: render::Profile,
    meta: &render::Meta,
) -> Result<(Digitized, Vec<IncomingSignature>, Vec<u8>), decode::DecodeError> {
    let mut source = decode::open(Arc::new(bytes), file_name, limits)?;
    let in_memory = |_: io::Error| decode::DecodeError::Damaged("the output could not be written".into());
    let mut assembly = Assembly::new(Vec::new(), io::sink(), profile).map_err(in_memory)?;
    for number in 1..=source.page_count() {
        assembly.add(read_page(&mut source, number, engine, &Reading::default(), &mut |_| {})).map_err(in_memory)?;
    }
    let (digitized, pdf, _) = assembly.finish(meta).map_err(in_memory)?;
    Ok((digitized, source.signatures().to_vec(), pdf))
}
