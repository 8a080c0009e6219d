//! The extract stage: from the words of a document's pages to the fields of its general header (NĐ 30/2020/NĐ-CP, Phụ lục I
//! and VI), each with its place and, where nothing vouches for it, the reason why a person must look.
//!
//! Only the first paper of a file is described: a draft or an annex behind it does not overwrite its fields. Rules never
//! complete what was not read. A number or day that a hand wrote has no value at all, only what the engine took it for
//! (`printed`).

mod capitals;
mod date;
mod header;
mod kinds;
mod layout;
mod notation;
mod number;
mod print;
#[cfg(test)]
mod sample;
mod signer;
mod subject;
#[cfg(test)]
mod tests;

use date::DateRow;
use header::Title;
use kinds::{Family, Kind};
use layout::Sheet;
use number::NumberRow;
use print::Looks;
use sohoa_record::field::name;
use sohoa_record::text::{Rect, Word, fold, nfc};
use sohoa_record::{Field, PageText, Placement, Reason};

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
}

/// What was read from a document.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Extracted {
    /// In the order of the header; boxes are on the kept image.
    pub fields: Vec<Field>,
    /// Doubts of the document and of its required fields, sorted, each once. A doubt of `signer_position`, which is not
    /// required, stands on the field alone.
    pub reasons: Vec<Reason>,
}

/// Reads the general header from a document's pages, in page order. The same pages give the same fields.
pub fn extract(pages: &[PageView<'_>]) -> Extracted {
    let all: Vec<Sheet<'_>> = pages.iter().map(Sheet::new).collect();
    let sheets = first_document(&all);
    let mut out = Collector::default();
    if let Some(sheet) = sheets.first() {
        let head = Head::read(sheet);
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
        let dated = head.date.as_ref().map(|row| (sheet, row)).or(foot_date.as_ref().map(|(page, row)| (*page, row)));

        out.type_name(sheet, &head, kind);
        out.number(sheet, head.number.as_ref(), dated, kind);
        out.notation(sheet, head.number.as_ref(), notation::Evidence { kind, issuer: issuer_name }, kind);
        out.date(sheet, dated, head.number.as_ref());
        out.organ(sheet, issuer);
        out.subject(sheet, &head, kind);
        out.signer(sheets, signer);
        if all.iter().any(header::is_marked_secret) {
            out.reasons.push(Reason::Secret);
        }
    } else {
        out.nothing_read();
    }
    out.counts(pages);
    out.finish()
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
    fn read(sheet: &Sheet<'a>) -> Self {
        let split = sheet.column_split();
        let top = sheet.national_name.or(sheet.motto).map_or(0.0, |r| layout::centre_y(&r) - 1.2 * sheet.em);
        let title = header::title(sheet, top, 0.6 * sheet.height());
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
        Head { split, top, letter: letter_subject.is_some(), letter_subject, title, number, date }
    }

    fn kind(&self) -> Option<&'static Kind> {
        match &self.title {
            Some(title) => Some(title.kind),
            None if self.letter => Some(&kinds::OFFICIAL_LETTER),
            None => None,
        }
    }

    /// Lowest pixel of the header's cells.
    fn bottom(&self, sheet: &Sheet<'_>) -> f64 {
        let rects = [self.title.as_ref().map(|t| t.rect), self.number.as_ref().map(|n| n.rect), self.date.as_ref().map(|d| d.rect)];
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

/// The fields as they come in, and the reasons that they bring.
#[derive(Default)]
struct Collector {
    fields: Vec<Field>,
    reasons: Vec<Reason>,
}

/// One reading, before it becomes a [`Field`].
struct Reading<'w> {
    name: &'static str,
    value: Option<String>,
    printed: String,
    words: &'w [&'w Word],
    doubt: Option<Reason>,
    rule: &'static str,
}

impl Collector {
    fn add(&mut self, sheet: &Sheet<'_>, reading: Reading<'_>) {
        let rect = layout::union(reading.words);
        let confidence = layout::confidence(reading.words);
        self.add_at(sheet, reading.name, reading.value, &reading.printed, confidence, rect, reading.doubt, reading.rule);
    }

    #[allow(clippy::too_many_arguments)]
    fn add_at(
        &mut self,
        sheet: &Sheet<'_>,
        name: &str,
        value: Option<String>,
        printed: &str,
        confidence: u8,
        rect: Option<Rect>,
        doubt: Option<Reason>,
        rule: &str,
    ) {
        let view = sheet.view;
        if name != name::SIGNER_POSITION {
            self.reasons.extend(doubt);
        }
        self.fields.push(Field {
            name: name.to_owned(),
            value: value.map(|v| nfc(&v)).filter(|v| !v.is_empty()),
            printed: nfc(printed),
            confidence: confidence.min(100),
            page: view.number,
            rect: rect.map(|r| view.placement.to_kept(r, view.kept_size)),
            doubt,
            rule: rule.to_owned(),
        });
    }

    /// A required field of which nothing was found.
    fn missing(&mut self, sheet: &Sheet<'_>, name: &'static str, doubt: Reason, rule: &'static str) {
        self.add(sheet, Reading { name, value: None, printed: String::new(), words: &[], doubt: Some(doubt), rule });
    }

    fn type_name(&mut self, sheet: &Sheet<'_>, head: &Head<'_>, kind: Option<&'static Kind>) {
        const RULE: &str = "nd30.header.type";
        if let Some(title) = &head.title {
            let sure = title.sure && layout::confidence(&title.words) >= 60;
            self.add(
                sheet,
                Reading {
                    name: name::TYPE_NAME,
                    value: Some(title.kind.title.to_owned()),
                    printed: layout::join(&title.words),
                    words: &title.words,
                    doubt: (!sure).then_some(Reason::LowConfidence),
                    rule: RULE,
                },
            );
            return;
        }
        if let (Some(kind), Some(subject)) = (kind, &head.letter_subject) {
            // the letter has no title: its "V/v" says what it is
            let cue = &subject.words[..1];
            self.add(
                sheet,
                Reading {
                    name: name::TYPE_NAME,
                    value: Some(kind.title.to_owned()),
                    printed: layout::join(cue),
                    words: cue,
                    doubt: None,
                    rule: "nd30.header.type.letter",
                },
            );
            return;
        }
        // the notation names the kind, but a title that nobody could read is a reason to look
        let part = head.number.as_ref().and_then(|row| row.notation.rsplit('/').next().map(|n| n.split('-').next().unwrap_or("").to_owned()));
        let by_notation = part.and_then(|part| kinds::by_abbreviation(&part));
        match (by_notation, &head.number) {
            (Some(kind), Some(row)) => self.add(
                sheet,
                Reading {
                    name: name::TYPE_NAME,
                    value: Some(kind.title.to_owned()),
                    printed: String::new(),
                    words: &row.notation_words,
                    doubt: Some(Reason::UnknownKind),
                    rule: "nd30.header.type.notation",
                },
            ),
            _ => self.missing(sheet, name::TYPE_NAME, Reason::UnknownKind, RULE),
        }
    }

    fn number(&mut self, sheet: &Sheet<'_>, row: Option<&NumberRow<'_>>, dated: Option<(&Sheet<'_>, &DateRow<'_>)>, kind: Option<&Kind>) {
        const RULE: &str = "nd30.header.number";
        let Some(row) = row else { return self.missing(sheet, name::CODE_NUMBER, Reason::NumberMissing, RULE) };
        let certificate = kind.is_some_and(|k| k.family == Family::Certificate);
        let read = if certificate { row.certificate_number().or(row.digits()) } else { row.digits() };
        let notation_stands = notation::is_well_formed(&row.notation) || (certificate && row.notation.is_empty());
        let (value, doubt) = if sheet.view.born_digital {
            match read {
                Some(number) if row.is_whole() && notation_stands => (Some(number), None),
                Some(number) => (Some(number), Some(Reason::NumberUnconfirmed)),
                None if row.number.is_empty() => (None, Some(Reason::NumberMissing)),
                None => (None, Some(Reason::NumberUnconfirmed)),
            }
        } else {
            let looks = row.looks(dated.and_then(|(_, date)| date.yardstick()), sheet.em);
            // clerks write number and day in one go: where one is by hand, the other is not believed
            let day_printed = dated.is_some_and(|(page, date)| page.view.born_digital || date.looks() == Looks::Printed);
            match (looks, read) {
                (Looks::Printed, Some(number)) if day_printed && notation_stands => (Some(number), None),
                (Looks::Printed | Looks::Unsure, Some(number)) => (Some(number), Some(Reason::NumberUnconfirmed)),
                (Looks::Absent, _) => (None, Some(Reason::NumberMissing)),
                _ => (None, Some(Reason::NumberHandwritten)),
            }
        };
        let words = if row.number_words.is_empty() { &row.words } else { &row.number_words };
        let (value, printed) = (value.map(str::to_owned), row.number_printed());
        self.add(sheet, Reading { name: name::CODE_NUMBER, value, printed, words, doubt, rule: RULE });
    }

    fn notation(&mut self, sheet: &Sheet<'_>, row: Option<&NumberRow<'_>>, evidence: notation::Evidence<'_>, kind: Option<&Kind>) {
        const RULE: &str = "nd30.header.notation";
        let certificate = kind.is_some_and(|k| k.family == Family::Certificate);
        match row.filter(|row| !row.notation.is_empty()) {
            Some(row) => {
                let judged = notation::judge(&row.notation, evidence);
                // parts that no list knows are believed when they were read surely
                let read_surely = judged.well_formed && print::read_surely(&row.notation_words, 85);
                let doubt = (!judged.confirmed && !read_surely).then_some(Reason::NotationUnconfirmed);
                let printed = row.notation_printed.clone();
                let words = &row.notation_words;
                self.add(sheet, Reading { name: name::CODE_NOTATION, value: Some(judged.value), printed, words, doubt, rule: RULE });
            }
            // a certificate's number may stand alone
            None if certificate => {}
            None => self.missing(sheet, name::CODE_NOTATION, Reason::NotationUnconfirmed, RULE),
        }
    }

    fn date(&mut self, sheet: &Sheet<'_>, dated: Option<(&Sheet<'_>, &DateRow<'_>)>, number: Option<&NumberRow<'_>>) {
        const RULE: &str = "nd30.header.date";
        let Some((page, row)) = dated else { return self.missing(sheet, name::ISSUED_DATE, Reason::DateMissing, RULE) };
        let date = row.date().map(|date| date.to_string());
        let (value, doubt) = if page.view.born_digital {
            match date {
                Some(date) => (Some(date), None),
                None if row.looks() == Looks::Absent => (None, Some(Reason::DateMissing)),
                None => (None, Some(Reason::DateUnconfirmed)),
            }
        } else {
            let number_by_hand = number.is_none_or(|n| n.looks(row.yardstick(), sheet.em) != Looks::Printed);
            match (row.looks(), date) {
                (Looks::Printed, Some(date)) if !number_by_hand => (Some(date), None),
                (Looks::Printed | Looks::Unsure, date) => (date, Some(Reason::DateUnconfirmed)),
                (Looks::Absent, _) => (None, Some(Reason::DateMissing)),
                (Looks::Handwritten, _) => (None, Some(Reason::DateHandwritten)),
            }
        };
        let rule = if std::ptr::eq(page, sheet) && row.rect.y < page.view.text.height / 2 { RULE } else { "nd30.foot.date" };
        self.add(page, Reading { name: name::ISSUED_DATE, value, printed: layout::join(&row.words), words: &row.words, doubt, rule });
    }

    fn organ(&mut self, sheet: &Sheet<'_>, issuer: Option<header::Issuer<'_>>) {
        const RULE: &str = "nd30.header.organ";
        match issuer {
            Some(issuer) => {
                let doubt = (!issuer.sure).then_some(Reason::LowConfidence);
                let (value, printed, words) = (Some(issuer.value), issuer.printed, issuer.words.as_slice());
                self.add(sheet, Reading { name: name::ORGAN_NAME, value, printed, words, doubt, rule: RULE });
            }
            None => self.missing(sheet, name::ORGAN_NAME, Reason::FieldMissing, RULE),
        }
    }

    fn subject(&mut self, sheet: &Sheet<'_>, head: &Head<'_>, kind: Option<&Kind>) {
        let (subject, rule) = match (&head.title, &head.letter_subject) {
            (Some(title), _) if title.kind.family == Family::Official => {
                (subject::under_title(sheet, &title.rect), "nd30.header.subject")
            }
            // the title of a certificate says it all
            (Some(_), _) => return,
            (None, _) if head.letter => {
                let top = head.number.as_ref().map_or(head.top, |n| f64::from(n.rect.y));
                (subject::of_letter(sheet, head.split, top), "nd30.header.subject.letter")
            }
            (None, _) => (None, "nd30.header.subject"),
        };
        match subject {
            Some(subject) => {
                let read = layout::confidence(&subject.words) >= 85 && subject.words.iter().all(|w| w.confidence >= 80);
                let fits = subject.value.chars().count() <= 500;
                // an ø or ñ is no letter of the language
                let read = read && !fold(&subject.value).chars().any(|c| c.is_alphabetic() && !c.is_ascii());
                let doubt = (!read || !subject.whole || !fits || kind.is_none()).then_some(Reason::LowConfidence);
                let (value, printed, words) = (Some(subject.value), subject.printed, subject.words.as_slice());
                self.add(sheet, Reading { name: name::SUBJECT, value, printed, words, doubt, rule });
            }
            None => self.missing(sheet, name::SUBJECT, Reason::FieldMissing, rule),
        }
    }

    fn signer(&mut self, sheets: &[Sheet<'_>], signer: Option<signer::Signer<'_>>) {
        const RULE: &str = "nd30.signer.name";
        let Some(signer) = signer else { return self.missing(&sheets[sheets.len() - 1], name::SIGNER_NAME, Reason::FieldMissing, RULE) };
        let sheet = &sheets[signer.page];
        let doubt = (!signer.sure).then_some(Reason::LowConfidence);
        let printed = layout::join(&signer.name_words);
        let words = signer.name_words.as_slice();
        self.add(sheet, Reading { name: name::SIGNER_NAME, value: Some(signer.name.clone()), printed, words, doubt, rule: RULE });
        let doubt = (!signer.position_sure).then_some(Reason::LowConfidence);
        let (rect, confidence) = (signer.authority_rect(), layout::confidence(&signer.authority_words));
        let printed = layout::join(&signer.authority_words);
        self.add_at(sheet, name::SIGNER_POSITION, signer.position, &printed, confidence, rect, doubt, "nd30.signer.position");
    }

    /// No page has a word.
    fn nothing_read(&mut self) {
        for (name, doubt) in [
            (name::TYPE_NAME, Reason::UnknownKind),
            (name::CODE_NUMBER, Reason::NumberMissing),
            (name::CODE_NOTATION, Reason::NotationUnconfirmed),
            (name::ISSUED_DATE, Reason::DateMissing),
            (name::ORGAN_NAME, Reason::FieldMissing),
            (name::SUBJECT, Reason::FieldMissing),
            (name::SIGNER_NAME, Reason::FieldMissing),
        ] {
            self.reasons.push(doubt);
            self.fields.push(unplaced(name, None, 0, Some(doubt), "nd30.header.none"));
        }
    }

    /// What is counted, not read.
    fn counts(&mut self, pages: &[PageView<'_>]) {
        self.fields.push(unplaced(name::PAGE_AMOUNT, Some(pages.len().to_string()), 100, None, "count.pages"));
        let words = || pages.iter().flat_map(|page| page.text.words());
        let total = words().filter(|w| w.text.chars().any(char::is_alphabetic)).count();
        // running Vietnamese has a mark in three words of four
        let marked = words().filter(|w| w.text.chars().any(|c| c.is_alphabetic() && !c.is_ascii())).count();
        if total >= 20 && marked * 2 > total {
            self.fields.push(unplaced(name::LANGUAGE, Some("Tiếng Việt".to_owned()), 100, None, "count.language"));
        }
    }

    fn finish(mut self) -> Extracted {
        self.reasons.sort_unstable();
        self.reasons.dedup();
        Extracted { fields: self.fields, reasons: self.reasons }
    }
}

fn unplaced(name: &str, value: Option<String>, confidence: u8, doubt: Option<Reason>, rule: &str) -> Field {
    Field { name: name.to_owned(), value, printed: String::new(), confidence, page: 1, rect: None, doubt, rule: rule.to_owned() }
}
