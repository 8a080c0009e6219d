//! The number (số) of a paper and the row on which it stands. A number is vouched for when it was printed and read surely;
//! it is never completed or guessed.

use super::layout::{Run, Sheet, is_one_number, join, pattern, union};
use super::notation;
use super::print::{Looks, Yardstick};
use regex::Regex;
use sohoa_record::text::{Rect, Word, fold};
use std::sync::LazyLock;

/// "Số: 12/QĐ-UBND" taken apart.
#[derive(Clone, Debug)]
pub(super) struct NumberRow<'a> {
    pub words: Vec<&'a Word>,
    pub rect: Rect,
    /// What was read between "Số:" and the first slash, without spaces.
    pub number: String,
    pub number_words: Vec<&'a Word>,
    /// After the first slash, cleaned; empty when there is none.
    pub notation: String,
    pub notation_printed: String,
    pub notation_words: Vec<&'a Word>,
    /// "Số" itself, when it was read as a word of its own.
    label: Option<&'a Word>,
    /// White between "Số:" and what follows the number, pixels.
    room: f64,
}

static LABEL: LazyLock<Regex> = LazyLock::new(|| pattern(r"^[^\p{L}\p{N}]*[Ss][ốóôòõọỗồổộơởờoỐÓÔÒỒỔO0]\s*[:;.,]?\s*"));
// alone it needs its colon or a digit: "Sở Nội vụ" begins alike
static LABELLED: LazyLock<Regex> = LazyLock::new(|| pattern(r"^[^\p{L}\p{N}]*[Ss][ốóôòõọỗồổộơởờoỐÓÔÒỒỔO0]\s*(?:[:;]|\d)"));
static SLASHED: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"/\s*(?:\d{4}\s*/\s*)?[A-ZĐÐƯÑ][A-Za-zĐÐđƯÑ0-9&.]+|/\s*[A-ZĐÐƯ]\s*-"));
static DIGITS: LazyLock<Regex> = LazyLock::new(|| pattern(r"^\d{1,6}$"));
// more than two letters together are a notation whose slash was not read
static CERTIFICATE_NUMBER: LazyLock<Regex> = LazyLock::new(|| pattern(r"^[0-9](?:[A-Z]{0,2}[0-9-])*[A-Z]{0,2}$"));

/// The number's row under the issuer, or none. Stamps of incoming mail have a "Số" too; they stand under "ĐẾN".
pub(super) fn find_in_header<'a>(sheet: &Sheet<'a>, split: f64, top: f64, bottom: f64) -> Option<NumberRow<'a>> {
    let in_column = |run: &&Run<'a>| run.centre_x() < split && run.centre_y() > top - sheet.em && run.centre_y() < bottom;
    let seeds: Vec<&Run<'a>> = sheet.runs.iter().filter(in_column).filter(|run| !is_incoming(sheet, run)).collect();
    let rows = |wanted: fn(&str) -> bool| {
        let seeds: Vec<&Run<'a>> = seeds.iter().copied().filter(|run| wanted(&run.text())).collect();
        seeds.into_iter().map(|run| sheet.row(run, 0.0, split)).find_map(|words| take_apart(&words))
    };
    rows(|text| SLASHED.is_match(text)).or_else(|| rows(|text| LABELLED.is_match(text)))
}

/// The number's row under the title, as on licences and extracts.
pub(super) fn find_under_title<'a>(sheet: &Sheet<'a>, title: &Rect) -> Option<NumberRow<'a>> {
    let top = f64::from(title.bottom());
    let below = |run: &&Run<'a>| run.centre_y() > top && run.centre_y() < top + 8.0 * sheet.em;
    let labelled = |run: &&Run<'a>| {
        let folded = run.folded();
        LABELLED.is_match(&run.text()) || folded.starts_with("ma so") && run.text().contains(':')
    };
    let seed = sheet.runs.iter().filter(below).find(labelled)?;
    take_apart(&sheet.row(seed, 0.0, sheet.width()))
}

fn is_incoming(sheet: &Sheet<'_>, run: &Run<'_>) -> bool {
    let above = |other: &&Run<'_>| {
        let rise = run.centre_y() - other.centre_y();
        (0.2 * sheet.em..4.5 * sheet.em).contains(&rise)
            && other.rect.x < run.rect.right() + (2.0 * sheet.em) as u32
            && run.rect.x < other.rect.right() + (2.0 * sheet.em) as u32
    };
    let folded = run.folded();
    let stamped =
        |text: &str| text == "den" || text.starts_with("den ") || text.contains("cong van den") || text.contains("cv den");
    stamped(&folded) || sheet.runs.iter().filter(above).any(|other| stamped(&other.folded()))
}

/// Splits a row at its label and at its first slash that a notation follows.
fn take_apart<'a>(words: &[&'a Word]) -> Option<NumberRow<'a>> {
    let words: Vec<&Word> = words.to_vec();
    let rect = union(&words)?;
    let mut text = String::new();
    let mut owner = Vec::new();
    for (i, word) in words.iter().enumerate() {
        if i > 0 {
            text.push(' ');
            owner.push(i - 1);
        }
        text.push_str(&word.text);
        owner.extend(std::iter::repeat_n(i, word.text.len()));
    }
    let after_ma = if fold(&text).starts_with("ma so") { text.char_indices().nth(3).map_or(0, |(at, _)| at) } else { 0 };
    let label_end = LABEL.find(&text[after_ma..]).map_or(after_ma, |m| after_ma + m.end());
    let rest = &text[label_end..];
    let slashes: Vec<usize> = rest.match_indices('/').map(|(at, _)| at).collect();
    let well_formed = slashes.iter().copied().find(|at| notation::is_well_formed(&notation::clean(&rest[at + 1..])));
    let slash = well_formed.or_else(|| slashes.iter().copied().rfind(|at| SLASHED.is_match(&rest[*at..])));
    let (number, notation_printed) = match slash {
        Some(at) => (&rest[..at], &rest[at + 1..]),
        // no notation: the number ends at the first space after it
        None => (rest.split_whitespace().next().unwrap_or_default(), ""),
    };
    if label_end == 0 && slash.is_none() {
        return None;
    }
    let owned = |from: usize, to: usize| -> Vec<&Word> {
        let mut indices: Vec<usize> = owner.get(from..to).unwrap_or_default().to_vec();
        indices.dedup();
        indices.into_iter().map(|i| words[i]).filter(|w| !w.text.trim().is_empty()).collect()
    };
    let number_start = label_end + (rest.len() - rest.trim_start().len());
    let number_end = label_end + slash.unwrap_or(number.len());
    let cleaned = notation::clean(notation_printed);
    let notation_start = number_end.min(owner.len());
    // the notation ends with the words that its cleaned text needed
    let notation_end = notation_reach(&text, notation_start, &cleaned);
    let label_at = text[..label_end].trim_end().len().checked_sub(1);
    let label = label_at.map(|at| words[owner[at]]).filter(|w| is_label(&w.text));
    let notation_words = if slash.is_some() { owned(notation_start, notation_end) } else { Vec::new() };
    let room = match (label, notation_words.first()) {
        (Some(label), Some(next)) => f64::from(next.rect.x) - f64::from(label.rect.right()),
        _ => 0.0,
    };
    Some(NumberRow {
        rect,
        number: number.split_whitespace().collect(),
        number_words: owned(number_start.min(number_end), number_end),
        notation: cleaned,
        notation_printed: text.get(number_end + 1..notation_end).unwrap_or_default().trim().to_owned(),
        notation_words,
        label,
        room,
        words,
    })
}

fn is_label(word: &str) -> bool {
    LABEL.find(word).is_some_and(|m| m.end() == word.len()) || fold(word) == "so"
}

/// Byte at which the words end that hold the cleaned notation, counted by its letters and digits.
fn notation_reach(text: &str, start: usize, cleaned: &str) -> usize {
    let mut left = cleaned.chars().filter(|c| c.is_alphanumeric()).count();
    for (at, c) in text[start..].char_indices() {
        if left == 0 {
            return start + at;
        }
        left -= usize::from(c.is_alphanumeric());
    }
    text.len()
}

impl<'a> NumberRow<'a> {
    /// The number as digits, when nothing else was read.
    pub fn digits(&self) -> Option<&str> {
        DIGITS.is_match(&self.number).then_some(self.number.as_str())
    }

    /// The number of a certificate: digits and capitals, such as 01A8000123 of a household business.
    pub fn certificate_number(&self) -> Option<&str> {
        (self.number.len() <= 15 && CERTIFICATE_NUMBER.is_match(&self.number)).then_some(self.number.as_str())
    }

    /// What was read for number, as it stands.
    pub fn number_printed(&self) -> String {
        if self.notation_words.is_empty() { join(&self.number_words) } else { self.number.clone() }
    }

    /// Printed or by hand, on a scan.
    pub fn looks(&self, yardstick: Option<Yardstick>, em: f64) -> Looks {
        if self.number.is_empty() {
            return if self.room > 0.9 * em { Looks::Handwritten } else { Looks::Absent };
        }
        if self.digits().or(self.certificate_number()).is_none() {
            return Looks::Handwritten;
        }
        let ([word], Some(label), Some(yardstick)) = (self.number_words.as_slice(), self.label, yardstick) else {
            // nothing to measure by
            let readable = self.number_words.iter().all(|w| w.confidence >= 80);
            return if readable { Looks::Unsure } else { Looks::Handwritten };
        };
        match self.notation_words.first() {
            // "12/QĐ-UBND" was read as one word
            Some(first) if std::ptr::eq(*first, *word) => yardstick.judge(word, Some(label), None, label),
            Some(first) => yardstick.judge(word, Some(label), Some((first, 0.3)), label),
            None => yardstick.judge(word, Some(label), None, label),
        }
    }

    /// In a text layer: the digits stand in one piece right after the label.
    pub fn is_whole(&self) -> bool {
        let read = self.digits().or(self.certificate_number()).is_some();
        self.label.is_some() && read && (self.number_words.len() == 1 || is_one_number(&self.number_words))
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample::Paper;
    use super::*;

    fn row(text: &str) -> Option<(String, String)> {
        let page = Paper::new().line(100, 100, text).page();
        let view = page.view();
        let sheet = Sheet::new(&view);
        find_in_header(&sheet, 2480.0, 0.0, 1000.0).map(|row| (row.number, row.notation))
    }

    fn split(number: &str, notation: &str) -> Option<(String, String)> {
        Some((number.to_owned(), notation.to_owned()))
    }

    #[test]
    fn split_at_the_first_slash_that_a_notation_follows() {
        assert_eq!(row("Số: 15/QĐ-UBND"), split("15", "QĐ-UBND"));
        assert_eq!(row("Số: 45/2026/NĐ-CP"), split("45", "2026/NĐ-CP"));
        assert_eq!(row("Số: 2/9. /CT-CS"), split("2/9.", "CT-CS"));
        assert_eq!(row("só£86/QĐ-VKSTC"), split("£86", "QĐ-VKSTC"));
        assert_eq!(row("Số: /TTr - UBND"), split("", "TTr-UBND"));
        assert_eq!(row("Số: 386/2026"), split("386", "2026"));
        assert_eq!(row("Số: 686 /STTTT-CNTT&BCVT xx"), split("686", "STTTT-CNTT&BCVT"));
        assert_eq!(row("Sở Nội vụ"), None);
    }

    #[test]
    fn the_stamp_of_incoming_mail_is_not_the_papers_number() {
        let page = Paper::new().line(100, 100, "CÔNG VĂN ĐẾN").line(100, 150, "Số: 2352").line(100, 400, "Số: 07/CT-UBND").page();
        let view = page.view();
        let row = find_in_header(&Sheet::new(&view), 2480.0, 0.0, 1000.0).unwrap();
        assert_eq!((row.number.as_str(), row.notation.as_str()), ("07", "CT-UBND"));
        let only_stamp = Paper::new().line(100, 100, "CV ĐẾN").line(100, 150, "Số: 2352").page();
        let view = only_stamp.view();
        assert!(find_in_header(&Sheet::new(&view), 2480.0, 0.0, 1000.0).is_none());
    }

    #[test]
    fn only_the_notations_own_words_are_printed_with_it() {
        let page = Paper::new().line(100, 100, "Số: 15 /QÐ- UBND ~ i").page();
        let view = page.view();
        let row = find_in_header(&Sheet::new(&view), 2480.0, 0.0, 1000.0).unwrap();
        assert_eq!(row.notation, "QĐ-UBND");
        assert_eq!(row.notation_printed, "QÐ- UBND");
        assert_eq!(row.notation_words.len(), 2);
    }

    #[test]
    fn a_notation_that_lost_its_slash_is_no_number() {
        let number = |text: &str| {
            let page = Paper::new().line(100, 100, text).page();
            let view = page.view();
            let row = find_in_header(&Sheet::new(&view), 2480.0, 0.0, 1000.0).unwrap();
            row.certificate_number().map(str::to_owned)
        };
        assert_eq!(number("Số: 34K8001207").as_deref(), Some("34K8001207"));
        assert_eq!(number("Số: 176UBND-XNTTHN"), None);
    }

    #[test]
    fn a_blank_for_the_hand_is_not_nothing() {
        let page = Paper::new().line(100, 100, "Số:").line_at_row_of_last(280, "/QĐ-UBND").page();
        let view = page.view();
        let sheet = Sheet::new(&view);
        let row = find_in_header(&sheet, 2480.0, 0.0, 1000.0).unwrap();
        assert_eq!(row.looks(None, sheet.em), Looks::Handwritten);
        let close = Paper::new().line(100, 100, "Số: /QĐ-UBND").page();
        let view = close.view();
        assert_eq!(find_in_header(&Sheet::new(&view), 2480.0, 0.0, 1000.0).unwrap().looks(None, 40.0), Looks::Absent);
    }
}
