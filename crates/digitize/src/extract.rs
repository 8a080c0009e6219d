//! The extract stage: from the words of a document's pages to the fields of its general header (NĐ 30/2020/NĐ-CP, Phụ lục I
//! and VI), each with its place and, where nothing vouches for it, the reason why a person must look.
//!
//! Only the first paper of a file is described: a draft or an annex behind it does not overwrite its fields. Rules never
//! complete what was not read. A number or day that a hand wrote has no value at all, only what the engine took it for
//! (`printed`).

mod alphabet;
mod capitals;
mod collect;
mod date;
mod edits;
mod family;
mod form;
mod header;
mod in_doubt;
mod labels;
mod layout;
mod mentions;
mod notation;
mod number;
pub mod opening;
mod person;
mod print;
mod proposal;
mod province;
#[cfg(test)]
mod sample;
mod signer;
mod spoken_date;
mod subject;
pub mod templates;
#[cfg(test)]
mod tests;
mod values;

pub(crate) use family::is_misspelled as is_misspelled_family;
pub use in_doubt::{InDoubt, in_doubt};
pub(crate) use person::spellings as spellings_of_name;

use collect::Collector;
use date::{DateRow, Dated};
use edits::edits;
use header::Title;
use layout::Sheet;
use number::NumberRow;
use sohoa_record::field::name;
use sohoa_record::{Correction, Field, PageText, Placement, Reason};
use templates::{Family, Kind, Templates};

/// What extract sees of one page.
#[derive(Clone, Copy, Debug)]
pub struct PageView<'a> {
    /// From 1.
    pub number: u32,
    /// Upright pixels.
    pub text: &'a PageText,
    /// Pixels per inch; 0 when unknown.
    pub dpi: u32,
    /// How the upright page lies on the kept image.
    pub placement: Placement,
    /// Width and height of the kept image, pixels.
    pub kept_size: (u32, u32),
    /// True when the words are the source's own text layer.
    pub born_digital: bool,
    /// Words that [`crate::correct`] reads otherwise: never a value, but a reason to doubt one.
    pub corrections: &'a [Correction],
}

/// What was read from a document.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Extracted {
    /// In the order of the header, then of the template; boxes are on the kept image.
    pub fields: Vec<Field>,
    /// The fields' doubts and [`Reason::Secret`], sorted, each once.
    pub reasons: Vec<Reason>,
    /// For who asks why: what the labels of a form gave.
    pub notes: Vec<Note>,
}

/// What became of one field of a template.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Note {
    /// Its name.
    pub field: String,
    /// The label as it was read; empty when none was.
    pub cue: String,
    /// What was read behind it.
    pub printed: String,
    /// From 1.
    pub page: u32,
    /// It is not among the fields.
    pub left_out: bool,
    /// What speaks against the reading; empty when nothing does.
    pub why: String,
}

/// Reads the general header from a document's pages, in page order. The same pages give the same fields.
pub fn extract(pages: &[PageView<'_>], templates: &Templates) -> Extracted {
    let all: Vec<Sheet<'_>> = pages.iter().map(Sheet::new).collect();
    let sheets = first_document(&all);
    let mut out = Collector::default();
    if let Some(sheet) = sheets.first() {
        let head = Head::read(sheet, templates);
        let issuer = head.issuer(sheet);
        let issuer_name = issuer.as_ref().map_or("", |issuer| issuer.value.as_str());
        let kind = head.kind();
        let signer = signer::find(sheets, head.bottom(sheet));
        let foot_date = match (&head.date, &signer) {
            (None, Some(signer)) => {
                let page = &sheets[signer.page];
                date::find_last(page, 0.35 * page.width(), 0.2 * page.height(), page.height()).map(|row| (page, row))
            }
            _ => None,
        };
        let attested = sheets.iter().rev().find_map(Attestation::find);
        let (number_sheet, number) = match &attested {
            Some(attested) => (attested.sheet, Some(&attested.number)),
            None => (sheet, head.number.as_ref()),
        };
        let header_date = head.date.as_ref().filter(|_| attested.is_none());
        let dated = match (&attested, header_date, &foot_date, &head.title) {
            (Some(Attestation { sheet, date: Some(row), .. }), ..) => Some(Dated::of_row(sheet, row, "nd30.foot.date")),
            (_, Some(row), ..) => Some(Dated::of_row(sheet, row, "nd30.header.date")),
            (_, None, Some((page, row)), _) => {
                let upper = std::ptr::eq(*page, sheet) && row.rect.y < page.view.text.height / 2;
                Some(Dated::of_row(page, row, if upper { "nd30.header.date" } else { "nd30.foot.date" }))
            }
            (None, None, None, Some(title)) => form::day_of_issue(sheets, title, signer.as_ref()),
            _ => None,
        };

        out.type_name(sheet, &head, kind);
        let lacks = |name: &str| kind.is_some_and(|kind| kind.template.lacks.iter().any(|lacking| lacking == name));
        let numbered = !lacks(name::CODE_NUMBER);
        if numbered {
            out.number(number_sheet, number, dated.as_ref(), kind);
        }
        out.notation(number_sheet, number, notation::Evidence { templates, kind, issuer: issuer_name }, kind);
        if !lacks(name::ISSUED_DATE) {
            out.date(sheet, dated.as_ref(), number, numbered);
        }
        if !lacks(name::ORGAN_NAME) {
            out.organ(sheet, issuer);
        }
        out.subject(sheet, &head, kind);
        if !lacks(name::SIGNER_NAME) {
            out.signer(sheets, signer.as_ref());
        }
        if let Some(title) = &head.title {
            let issued = out.vouched(name::ISSUED_DATE).and_then(|day| day.parse().ok());
            let kind = templates.edition(title.kind, issued);
            form::read(&mut out, sheets, title, kind, signer.as_ref());
            form::derive(&mut out, &kind.template);
        }
        if all.iter().any(header::is_marked_secret) {
            out.reasons.push(Reason::Secret);
        }
    } else {
        out.nothing_read();
    }
    out.counts(pages);
    out.finish()
}

/// Number and day of a consolidated text: they stand on its last page beside XÁC THỰC VĂN BẢN HỢP NHẤT (Pháp lệnh
/// 01/2012/UBTVQH13); what its first page prints is the number of the text that was consolidated.
struct Attestation<'s, 'a> {
    sheet: &'s Sheet<'a>,
    number: NumberRow<'a>,
    date: Option<DateRow<'a>>,
}

impl<'s, 'a> Attestation<'s, 'a> {
    fn find(sheet: &'s Sheet<'a>) -> Option<Self> {
        let mark = sheet.runs.iter().find(|run| run.folded().contains("xac thuc van ban hop nhat"))?;
        let (split, top) = (f64::from(mark.rect.x) - sheet.em, mark.centre_y());
        let (above, below) = (top - 4.0 * sheet.em, top + 8.0 * sheet.em);
        let number = number::find_in_header(sheet, split, above, below)?;
        Some(Attestation { sheet, number, date: date::find(sheet, split, above, below) })
    }
}

/// The pages from the first header to the last before the next. A file whose first pages carry no header begins there all
/// the same when no page has one.
fn first_document<'s, 'a>(sheets: &'s [Sheet<'a>]) -> &'s [Sheet<'a>] {
    let has_words = |sheet: &Sheet<'_>| !sheet.runs.is_empty();
    let opening = sheets.iter().position(Sheet::opens_a_document).or_else(|| sheets.iter().position(has_words));
    let Some(start) = opening else { return &[] };
    let end = sheets[start + 1..].iter().position(Sheet::opens_a_document).map_or(sheets.len(), |next| start + 1 + next);
    &sheets[start..end]
}

/// The rows of the header page that the rules start from.
struct Head<'a> {
    templates: &'a Templates,
    split: f64,
    /// Centre of the header's first row, pixels.
    top: f64,
    title: Option<Title<'a>>,
    number: Option<NumberRow<'a>>,
    date: Option<DateRow<'a>>,
    letter: bool,
    letter_subject: Option<subject::Subject<'a>>,
}

impl<'a> Head<'a> {
    fn read(sheet: &Sheet<'a>, templates: &'a Templates) -> Self {
        let split = sheet.column_split();
        let top = sheet.national_name.or(sheet.motto).map_or(0.0, |r| layout::centre_y(&r) - 1.2 * sheet.em);
        let title = header::title(sheet, templates, top, 0.6 * sheet.height());
        let title_top = title.as_ref().map_or(0.5 * sheet.height(), |t| f64::from(t.rect.y));
        let mut number = number::find_in_header(sheet, split, top, title_top + 0.3 * sheet.em);
        let certificate = title.as_ref().is_some_and(|t| t.kind.family == Family::Certificate);
        if let (None, true, Some(title)) = (&number, certificate, &title) {
            number = number::find_under_title(sheet, &title.rect);
        }
        let date = date::find(sheet, split, top, title_top + 0.3 * sheet.em);
        let number_bottom = number.as_ref().map_or(top, |n| f64::from(n.rect.y));
        let letter_subject = match title {
            None => subject::of_letter(sheet, split, number_bottom),
            Some(_) => None,
        };
        Head { templates, split, top, letter: letter_subject.is_some(), letter_subject, title, number, date }
    }

    fn kind(&self) -> Option<&'a Kind> {
        match &self.title {
            Some(title) => Some(title.kind),
            None if self.letter => Some(self.templates.letter()),
            None => None,
        }
    }

    /// Lowest pixel of the header's cells.
    fn bottom(&self, sheet: &Sheet<'_>) -> f64 {
        let rects =
            [self.title.as_ref().map(|t| t.rect), self.number.as_ref().map(|n| n.rect), self.date.as_ref().map(|d| d.rect)];
        rects.into_iter().flatten().map(|r| f64::from(r.bottom())).fold(self.top + sheet.em, f64::max)
    }

    fn issuer(&self, sheet: &Sheet<'a>) -> Option<header::Issuer<'a>> {
        let title_top = self.title.as_ref().map(|t| f64::from(t.rect.y));
        let in_header = |y: f64| title_top.is_none_or(|title| y < title);
        let bottom = match (&self.number, &self.date) {
            (Some(row), _) if in_header(f64::from(row.rect.y)) => layout::centre_y(&row.rect) - 0.4 * sheet.em,
            (_, Some(row)) => layout::centre_y(&row.rect) - 0.4 * sheet.em,
            _ => title_top.unwrap_or(self.top + 6.0 * sheet.em),
        };
        let top = if self.top > 0.0 { self.top } else { bottom - 6.0 * sheet.em };
        header::issuer(sheet, self.split, top, bottom, self.date.as_ref().map_or("", |d| d.place.as_str()))
    }
}
