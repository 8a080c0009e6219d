//! From readings to fields: what vouches for a value, and which doubt it gets when nothing does.

use super::alphabet::may_lack_a_letter;
use super::date::Dated;
use super::layout::Sheet;
use super::number::NumberRow;
use super::print::{self, Looks};
use super::templates::{Family, Kind};
use super::{Extracted, Head, Note, PageView, header, layout, mentions, notation, proposal, signer, subject, values};
use crate::correct;
use sohoa_record::field::{self, name};
use sohoa_record::text::{Word, fold, nfc};
use sohoa_record::{Correction, Field, Reason};

/// The fields as they come in, and the reasons that they bring.
#[derive(Default)]
pub(super) struct Collector {
    pub fields: Vec<Field>,
    pub reasons: Vec<Reason>,
    pub notes: Vec<Note>,
}

/// One reading, before it becomes a [`Field`].
pub(super) struct Reading<'w> {
    pub name: &'w str,
    pub value: Option<String>,
    pub printed: String,
    pub words: &'w [&'w Word],
    pub doubt: Option<Reason>,
    pub rule: &'w str,
}

impl Collector {
    pub fn add(&mut self, sheet: &Sheet<'_>, reading: Reading<'_>) {
        let view = sheet.view;
        self.reasons.extend(reading.doubt);
        self.fields.push(Field {
            name: reading.name.to_owned(),
            value: reading.value.map(|v| nfc(&v)).filter(|v| !v.is_empty()),
            printed: nfc(&reading.printed),
            confidence: layout::confidence(reading.words),
            page: view.number,
            rect: layout::union(reading.words).map(|r| view.placement.to_kept(r, view.kept_size)),
            doubt: reading.doubt,
            rule: reading.rule.to_owned(),
            register: None,
        });
    }

    /// The value of a field that nothing speaks against.
    pub fn vouched(&self, name: &str) -> Option<String> {
        field::find(&self.fields, name).filter(|field| field.doubt.is_none()).and_then(|field| field.value.clone())
    }

    /// A field that follows from another, which says how sure it is and on which page it stands.
    pub fn derived(&mut self, name: &str, value: Option<String>, from: &str, doubt: Option<Reason>, rule: &str) {
        let (confidence, page) = field::find(&self.fields, from).map_or((0, 1), |field| (field.confidence, field.page));
        self.reasons.extend(doubt);
        self.fields.push(Field { page, ..unplaced(name, value.map(|v| nfc(&v)), confidence, doubt, rule) });
    }

    /// A required field of which nothing was found.
    fn missing(&mut self, sheet: &Sheet<'_>, name: &'static str, doubt: Reason, rule: &'static str) {
        self.add(sheet, Reading { name, value: None, printed: String::new(), words: &[], doubt: Some(doubt), rule });
    }

    pub fn type_name(&mut self, sheet: &Sheet<'_>, head: &Head<'_>, kind: Option<&Kind>) {
        const RULE: &str = "nd30.header.type";
        if let Some(title) = &head.title {
            let sure = title.sure && layout::confidence(&title.words) >= 60;
            self.add(
                sheet,
                Reading {
                    name: name::TYPE_NAME,
                    value: Some(title.kind.title.clone()),
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
                    value: Some(kind.title.clone()),
                    printed: layout::join(cue),
                    words: cue,
                    doubt: None,
                    rule: "nd30.header.type.letter",
                },
            );
            return;
        }
        // the notation names the kind, but a title that nobody could read is a reason to look
        let part = head
            .number
            .as_ref()
            .and_then(|row| row.notation.rsplit('/').next().map(|n| n.split('-').next().unwrap_or("").to_owned()));
        let by_notation = part.and_then(|part| head.templates.by_abbreviation(&part));
        match (by_notation, &head.number) {
            (Some(kind), Some(row)) => self.add(
                sheet,
                Reading {
                    name: name::TYPE_NAME,
                    value: Some(kind.title.clone()),
                    printed: String::new(),
                    words: &row.notation_words,
                    doubt: Some(Reason::UnknownKind),
                    rule: "nd30.header.type.notation",
                },
            ),
            _ => self.missing(sheet, name::TYPE_NAME, Reason::UnknownKind, RULE),
        }
    }

    pub fn number(&mut self, sheet: &Sheet<'_>, row: Option<&NumberRow<'_>>, dated: Option<&Dated<'_, '_>>, kind: Option<&Kind>) {
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
            let looks = row.looks(dated.and_then(|day| day.yardstick), sheet.em);
            // clerks write number and day in one go: where one is by hand, the other is not believed
            let day_printed = dated.is_some_and(|day| day.sheet.view.born_digital || day.looks == Looks::Printed);
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

    pub fn notation(
        &mut self,
        sheet: &Sheet<'_>,
        row: Option<&NumberRow<'_>>,
        evidence: notation::Evidence<'_>,
        kind: Option<&Kind>,
    ) {
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
                self.add(
                    sheet,
                    Reading { name: name::CODE_NOTATION, value: Some(judged.value), printed, words, doubt, rule: RULE },
                );
            }
            // a certificate's number may stand alone
            None if certificate => {}
            None => self.missing(sheet, name::CODE_NOTATION, Reason::NotationUnconfirmed, RULE),
        }
    }

    /// `numbered`: the paper has a number beside its day, or should have.
    pub fn date(&mut self, sheet: &Sheet<'_>, dated: Option<&Dated<'_, '_>>, number: Option<&NumberRow<'_>>, numbered: bool) {
        const RULE: &str = "nd30.header.date";
        let Some(day) = dated else { return self.missing(sheet, name::ISSUED_DATE, Reason::DateMissing, RULE) };
        let date = day.date.map(|date| date.to_string());
        let (value, doubt) = if day.sheet.view.born_digital {
            match date {
                Some(date) => (Some(date), None),
                None if day.looks == Looks::Absent => (None, Some(Reason::DateMissing)),
                None => (None, Some(Reason::DateUnconfirmed)),
            }
        } else {
            // beside a number by hand a day is not believed, however printed it looks
            let number_looks = number.map(|n| n.looks(day.yardstick, sheet.em));
            let number_by_hand = numbered && !matches!(number_looks, Some(Looks::Printed | Looks::Unsure));
            match (day.looks, date) {
                (Looks::Printed, Some(date)) if !number_by_hand => (Some(date), None),
                (Looks::Printed | Looks::Unsure, date) => (date, Some(Reason::DateUnconfirmed)),
                (Looks::Absent, _) => (None, Some(Reason::DateMissing)),
                (Looks::Handwritten, _) => (None, Some(Reason::DateHandwritten)),
            }
        };
        let (printed, words) = (layout::join(&day.words), day.words.as_slice());
        self.add(day.sheet, Reading { name: name::ISSUED_DATE, value, printed, words, doubt, rule: &day.rule });
    }

    pub fn organ(&mut self, sheet: &Sheet<'_>, issuer: Option<header::Issuer<'_>>) {
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

    pub fn subject(&mut self, sheet: &Sheet<'_>, head: &Head<'_>, kind: Option<&Kind>) {
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
            (None, _) if head.number.is_some() => {
                (subject::under_unread_title(sheet, head.bottom(sheet)), "nd30.header.subject.untitled")
            }
            (None, _) => (None, "nd30.header.subject"),
        };
        match subject {
            Some(subject) => {
                let read = layout::confidence(&subject.words) >= 85 && subject.words.iter().all(|w| w.confidence >= 80);
                let fits = subject.value.chars().count() <= 500;
                // an ø or ñ is no letter of the language
                let read = read && !fold(&subject.value).chars().any(|c| c.is_alphabetic() && !c.is_ascii());
                let usual = !subject.words.iter().any(|word| is_unusual(sheet.view, word));
                let usual = usual && !has_stray_mark(&subject.words, sheet.em) && !may_lack_a_letter(&subject.words);
                let said = [&subject.printed, &subject.value];
                let usual = usual && !said.iter().any(|said| values::has_dust(said));
                let usual = usual && !values::has_misspelled_unit(&subject.value) && !values::has_misread_numeral(&subject.value);
                let usual = usual && !values::has_misspelled_person(&subject.value);
                let usual = usual && !mentions::is_disputed(sheet, &subject.value) && !correct::is_lone_unusual(&subject.value);
                let sure = read && usual && subject.whole && fits && kind.is_some();
                let doubt = (!sure).then_some(Reason::LowConfidence);
                let value = if sure { subject.value } else { subject::normalized(&proposal::proposed(sheet, &subject.words)) };
                let (value, printed, words) = (Some(value), subject.printed, subject.words.as_slice());
                self.add(sheet, Reading { name: name::SUBJECT, value, printed, words, doubt, rule });
            }
            None => self.missing(sheet, name::SUBJECT, Reason::FieldMissing, rule),
        }
    }

    pub fn signer(&mut self, sheets: &[Sheet<'_>], signer: Option<&signer::Signer<'_>>) {
        const RULE: &str = "nd30.signer.name";
        let Some(signer) = signer else {
            return self.missing(&sheets[sheets.len() - 1], name::SIGNER_NAME, Reason::FieldMissing, RULE);
        };
        let sheet = &sheets[signer.page];
        let doubt = (!(signer.sure && unbroken(&sheets[..=signer.page]))).then_some(Reason::LowConfidence);
        let printed = layout::join(&signer.name_words);
        let words = signer.name_words.as_slice();
        self.add(sheet, Reading { name: name::SIGNER_NAME, value: Some(signer.name.clone()), printed, words, doubt, rule: RULE });
        // not required: where it was not read there is no field
        if let Some(position) = signer.position.clone() {
            let doubt = (!signer.position_sure).then_some(Reason::LowConfidence);
            let (printed, words) = (layout::join(&signer.authority_words), signer.authority_words.as_slice());
            let name = name::SIGNER_POSITION;
            self.add(sheet, Reading { name, value: Some(position), printed, words, doubt, rule: "nd30.signer.position" });
        }
    }

    /// No page has a word.
    pub fn nothing_read(&mut self) {
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
    pub fn counts(&mut self, pages: &[PageView<'_>]) {
        // of a long document only the first and last pages are seen; their numbers count all
        let amount = pages.iter().map(|page| page.number).max().unwrap_or(0);
        self.fields.push(unplaced(name::PAGE_AMOUNT, Some(amount.to_string()), 100, None, "count.pages"));
        let words = || pages.iter().flat_map(|page| page.text.words());
        let total = words().filter(|w| w.text.chars().any(char::is_alphabetic)).count();
        // running Vietnamese has a mark in three words of four
        let marked = words().filter(|w| w.text.chars().any(|c| c.is_alphabetic() && !c.is_ascii())).count();
        if total >= 20 && marked * 2 > total {
            self.fields.push(unplaced(name::LANGUAGE, Some("Tiếng Việt".to_owned()), 100, None, "count.language"));
        }
    }

    pub fn finish(mut self) -> Extracted {
        self.reasons.sort_unstable();
        self.reasons.dedup();
        Extracted { fields: self.fields, reasons: self.reasons, notes: self.notes }
    }
}

/// Would the word's neighbours expect other accents? The engine is often sure of a word that is none.
pub(super) fn is_unusual(view: &PageView<'_>, word: &Word) -> bool {
    let corrected = |c: &Correction| view.text.lines.get(c.line as usize).and_then(|line| line.words.get(c.word as usize));
    view.corrections.iter().filter_map(corrected).any(|corrected| std::ptr::eq(corrected, word))
}

/// Does a row end or begin with a mark that is no word? Dust and the ends of rules are read so.
fn has_stray_mark(words: &[&Word], em: f64) -> bool {
    let new_row = |a: &Word, b: &Word| layout::centre_y(&b.rect) - layout::centre_y(&a.rect) > 0.6 * em;
    let is_mark = |word: &Word| !word.text.chars().any(char::is_alphanumeric);
    words.windows(2).any(|pair| new_row(pair[0], pair[1]) && (is_mark(pair[0]) || is_mark(pair[1])))
}

/// No page between these is unseen: one might open another paper, whose signer this then is.
fn unbroken(sheets: &[Sheet<'_>]) -> bool {
    sheets.windows(2).all(|pair| pair[0].view.number + 1 == pair[1].view.number)
}

fn unplaced(name: &str, value: Option<String>, confidence: u8, doubt: Option<Reason>, rule: &str) -> Field {
    Field {
        name: name.to_owned(),
        value,
        printed: String::new(),
        confidence,
        page: 1,
        rect: None,
        doubt,
        rule: rule.to_owned(),
        register: None,
    }
}
