//! Where a paper begins, told from the words of pages alone: several papers are often scanned into one file without separator
//! sheets between them.
//!
//! A paper begins with a header of its own: national name and motto at the top of the page (NĐ 30/2020, Phụ lục I, cell 1), the
//! title of a known kind, and a number or notation that is not a blank. Anything less may be an annex, a form that a decree
//! prints or a page that was captured a second time with its note taken off, so a person decides.

use super::date::DateRow;
use super::layout::Sheet;
use super::print::Looks;
use super::templates::{Family, Templates};
use super::{Head, PageView, notation};
use sohoa_record::field::name;
use sohoa_record::text::fold;

/// What a page's words say about the paper before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opening {
    /// The page goes on with it.
    GoesOn,
    /// Another paper may begin here: a person must look.
    Unsure,
    /// Another paper begins here.
    Begins,
}

/// Follows the pages of a source, in order.
#[derive(Debug, Default)]
pub struct Openings {
    /// Codes said where documents begin: the operator divides, and content does not.
    told_by_codes: bool,
    /// The open paper has a page with words.
    begun: bool,
    /// The open paper's own header.
    header: Option<Header>,
    /// The page before was the one with that header.
    adjacent: bool,
}

/// What tells one paper's header from another's.
#[derive(Debug)]
struct Header {
    kind: String,
    /// Empty when it is not printed: what an engine takes a hand's digits for tells nothing apart.
    number: String,
    notation: String,
    /// Folded words of the page, sorted.
    words: Vec<String>,
    whole: bool,
}

/// The header stands in this part of the page …
const TOP: f64 = 0.25;
/// … and no more than so many words above it: the mark of a form, a page number, a stamp.
const MOST_WORDS_ABOVE: usize = 12;
/// Percent of the shorter page's words that two captures of one page share at least; other papers of one form may, too.
const ALIKE: usize = 70;

impl Openings {
    /// A separator sheet or the label of a first page was met. From here on content divides nothing: what lies between two sheets
    /// is what somebody put there.
    pub fn told_by_codes(&mut self) {
        *self = Openings { told_by_codes: true, ..Openings::default() };
    }

    /// Takes the next page.
    pub fn judge(&mut self, page: &PageView<'_>, templates: &Templates) -> Opening {
        if self.told_by_codes || page.text.lines.is_empty() {
            return Opening::GoesOn;
        }
        let sheet = Sheet::new(page);
        let header = Header::read(&sheet, templates);
        let opening = match &header {
            Some(header) if self.begun => self.compare(header),
            _ => Opening::GoesOn,
        };
        let first = !self.begun;
        self.begun = true;
        self.adjacent = header.is_some();
        if first || opening != Opening::GoesOn {
            self.header = header;
        }
        opening
    }

    fn compare(&self, new: &Header) -> Opening {
        // Pages without a header came first: the rest of a paper, or a page whose header a note hides.
        let Some(open) = &self.header else { return Opening::Unsure };
        let both = |a: &str, b: &str| !a.is_empty() && !b.is_empty();
        let same_kind = open.kind == new.kind && open.notation == new.notation;
        let same_number = both(&open.number, &new.number) && open.number == new.number;
        let other_number = both(&open.number, &new.number) && open.number != new.number;
        match (same_kind, self.adjacent) {
            // One page captured twice, with its note and without (TT 01/2023/TT-VPCP art. 8).
            (true, true) if same_number => Opening::GoesOn,
            // A second copy of the paper.
            (true, false) if same_number => Opening::Unsure,
            (true, _) if !other_number && alike(&open.words, &new.words) >= ALIKE => Opening::Unsure,
            _ if new.whole => Opening::Begins,
            _ => Opening::Unsure,
        }
    }
}

impl Header {
    /// The header at the top of a page, if it may be a paper's own.
    fn read(sheet: &Sheet<'_>, templates: &Templates) -> Option<Header> {
        let head = Head::read(sheet, templates);
        let certificate = head.title.as_ref().filter(|title| title.kind.family == Family::Certificate && title.sure);
        let national = sheet.national_name.or(sheet.motto);
        // A certificate may have lost its national header to a stamp; its title and number are still there.
        let anchor = national.or(certificate.filter(|_| head.number.is_some()).map(|title| title.rect))?;
        let top = super::layout::centre_y(&anchor);
        let above = sheet.runs.iter().filter(|run| run.centre_y() < top - sheet.em).map(|run| run.words.len()).sum::<usize>();
        let at_top = top < TOP * sheet.height() && above <= MOST_WORDS_ABOVE;
        if !at_top || head.is_blank_form(sheet) {
            return None;
        }
        let bottom = head.title.as_ref().map_or(top + 8.0 * sheet.em, |title| f64::from(title.rect.bottom()) + 4.0 * sheet.em);
        let annexed = sheet.runs.iter().filter(|run| run.centre_y() < bottom).any(|run| is_annex_mark(&run.folded()));
        let row = head.number.as_ref();
        let number: String = row.map_or("", |row| row.number.as_str()).chars().filter(char::is_ascii_alphanumeric).collect();
        let has_digit = number.bytes().any(|b| b.is_ascii_digit());
        let notation = row.map(|row| row.notation.clone()).filter(|text| notation::is_well_formed(text)).unwrap_or_default();
        let kind = head.kind();
        let unnumbered = kind.is_some_and(|kind| kind.template.lacks.iter().any(|lacking| lacking == name::CODE_NUMBER));
        let known = head.title.as_ref().map_or(head.letter, |title| title.sure);
        let whole = national.is_some() && known && (has_digit || !notation.is_empty() || unnumbered);
        if annexed && !(whole && has_digit) {
            return None;
        }
        let mut words: Vec<String> = sheet.view.text.words().map(|word| fold(&word.text)).filter(|w| w.len() > 1).collect();
        words.sort_unstable();
        let kind = kind.map(|kind| kind.title.clone()).unwrap_or_default();
        let yardstick = head.date.as_ref().and_then(DateRow::yardstick);
        let printed = sheet.view.born_digital || row.is_some_and(|row| row.looks(yardstick, sheet.em) == Looks::Printed);
        let number = if has_digit && printed { number } else { String::new() };
        Some(Header { kind, number, notation, words, whole: whole && !annexed })
    }
}

impl Head<'_> {
    /// Dots where number and day would stand: a form that a decree prints. Whatever was filled in leaves a digit or a letter.
    fn is_blank_form(&self, sheet: &Sheet<'_>) -> bool {
        let blank = |text: &str| text.contains(['.', '…']) && !text.chars().any(|c| c.is_ascii_digit());
        let bottom = self.bottom(sheet) + 2.0 * sheet.em;
        let day = sheet.runs.iter().filter(|run| run.centre_y() < bottom).find(|run| run.folded().contains("ngay"));
        let number =
            self.number.as_ref().is_none_or(|row| !row.number.chars().any(char::is_alphanumeric) && row.notation.is_empty());
        number && day.is_some_and(|run| blank(&run.text()))
    }
}

/// PHỤ LỤC, Mẫu số …, (Ban hành kèm theo …): the page belongs to the paper that it is annexed to.
fn is_annex_mark(folded: &str) -> bool {
    ["phu luc", "mau so", "bieu mau", "bieu so", "kem theo", "ban hanh kem theo"].iter().any(|mark| folded.starts_with(mark))
}

/// Percent of the shorter list's words that the other has, too; both sorted.
fn alike(a: &[String], b: &[String]) -> usize {
    let (mut i, mut j, mut both) = (0, 0, 0);
    while i < a.len() && j < b.len() {
        match a[i].cmp(&b[j]) {
            std::cmp::Ordering::Less => i += 1,
            std::cmp::Ordering::Greater => j += 1,
            std::cmp::Ordering::Equal => (both, i, j) = (both + 1, i + 1, j + 1),
        }
    }
    both * 100 / a.len().min(b.len()).max(1)
}

#[cfg(test)]
mod tests;
