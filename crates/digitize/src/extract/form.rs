//! From the labels of a form to its fields: which reading counts, what confirms or contradicts it, and what follows from it.
//!
//! A field that the template does not require is vouched for or left out; where it is required, a person looks at what is not sure.

#[cfg(test)]
mod tests;

use super::Note;
use super::alphabet::may_lack_a_letter;
use super::collect::{Collector, Reading, is_unusual};
use super::date::Dated;
use super::header::Title;
use super::labels::{self, Located};
use super::layout::{self, Sheet};
use super::mentions;
use super::print::{Looks, Yardstick, advance, ink_width};
use super::signer::Signer;
use super::templates::{FieldRule, Kind, Required, Section, Template, ValueType};
use super::values::{self, Value};
use jiff::ToSpan as _;
use jiff::civil::Date;
use sohoa_record::Reason;
use sohoa_record::field::{self, name};
use sohoa_record::identifier::{PersonalNumber, Sex};
use sohoa_record::text::Word;

/// From this confidence a word of a value is taken as read surely.
const SURE: u8 = 90;
/// The same for letters that are much alike.
const CERTAIN: u8 = 95;
/// The same for one of the few values that are to be expected: nothing else is misread as just this one. Dots that run into a word
/// cost it most of its confidence.
const EXPECTED: u8 = 25;
/// The same for a number that a second witness confirms.
const CONFIRMED: u8 = 60;

/// One field before it is judged.
struct Candidate<'t, 'a> {
    rule: &'t FieldRule,
    value: Option<Value<'a>>,
    label: String,
    page: usize,
    /// The label's place and the value's end are no guess.
    sure: bool,
    doubt: Option<Reason>,
    confirmed: bool,
    /// For `--explain`.
    why: &'static str,
}

/// Adds what stands on the form: the fields of its labels, and what the template derives from them.
pub(super) fn read<'a>(
    out: &mut Collector,
    sheets: &[Sheet<'a>],
    title: &Title<'a>,
    kind: &'a Kind,
    signer: Option<&Signer<'a>>,
) {
    let mut candidates = candidates(sheets, title, kind, signer);
    after_issue(out, &mut candidates);
    for candidate in candidates {
        put(out, sheets, &kind.template.id, candidate);
    }
}

/// The day of issue of a form whose header has none: the field that its template names, when nothing speaks against it.
pub(super) fn day_of_issue<'s, 'a>(
    sheets: &'s [Sheet<'a>],
    title: &Title<'a>,
    signer: Option<&Signer<'a>>,
) -> Option<Dated<'s, 'a>> {
    let template = &title.kind.template;
    let name = template.issued_by.as_ref()?;
    let candidates = candidates(sheets, title, title.kind, signer);
    let candidate = candidates.into_iter().find(|candidate| candidate.rule.name == *name && candidate.doubt.is_none())?;
    let value = candidate.value?;
    let yardstick = value.words.iter().find_map(|word| Yardstick::of_day(word).or_else(|| Yardstick::of_year(word)));
    Some(Dated {
        sheet: &sheets[candidate.page],
        date: value.text.parse().ok(),
        looks: Looks::Printed,
        yardstick,
        words: value.words,
        rule: format!("template.{}.{name}", template.id),
    })
}

/// Every field of the template with what was read of it, judged by itself and by its section.
fn candidates<'a>(
    sheets: &[Sheet<'a>],
    title: &Title<'a>,
    kind: &'a Kind,
    signer: Option<&Signer<'a>>,
) -> Vec<Candidate<'a, 'a>> {
    let template: &'a Template = &kind.template;
    if template.sections.iter().all(|section| section.fields.is_empty()) {
        return Vec::new();
    }
    let block =
        signer.map(|signer| (signer.page, signer.authority_words.iter().chain(&signer.name_words).map(|w| w.rect.y).min()));
    let located = labels::locate(sheets, template, |page, run| {
        let under_title = page > 0 || run.centre_y() > f64::from(title.rect.bottom());
        let signed = block.is_some_and(|(signed, top)| {
            page == signed
                && top.is_some_and(|top| run.centre_y() >= f64::from(top))
                && run.centre_x() > 0.5 * sheets[page].width()
        });
        under_title && !signed
    });
    let em = type_size(&located);
    let mut candidates = Vec::new();
    for (index, section) in template.sections.iter().enumerate() {
        let mut own: Vec<Candidate<'_, 'a>> =
            section.fields.iter().filter_map(|rule| candidate(rule, index, &located, sheets)).collect();
        own.iter_mut().for_each(|candidate| judge(candidate, sheets, em));
        in_words(section, &located, index, &mut own);
        personal_number(&mut own);
        candidates.append(&mut own);
    }
    candidates
}

/// The reading of a field: the first of its labels behind which something of its type stands.
fn candidate<'t, 'a>(
    rule: &'t FieldRule,
    section: usize,
    located: &[Located<'a>],
    sheets: &[Sheet<'a>],
) -> Option<Candidate<'t, 'a>> {
    if rule.confirms.is_some() {
        return None;
    }
    if rule.value == ValueType::LandSerial {
        return Some(land_serial(rule, sheets));
    }
    let own = |l: &&Located<'a>| l.section == section && rule.labels.iter().any(|label| label.folded == l.label.folded);
    let readings: Vec<(&Located<'a>, Option<Value<'a>>)> =
        located.iter().filter(own).map(|l| (l, values::read(rule.value, &l.label.printed, &l.value))).collect();
    let blank = |l: &Located<'a>| !l.value.iter().any(|token| token.text.chars().any(char::is_alphanumeric));
    // a personal number outweighs the CMND beside it
    let longest = |value: &Value<'_>| if rule.value == ValueType::IdentityNumber { value.text.len() } else { 0 };
    let best = readings.iter().filter_map(|(_, value)| value.as_ref()).map(longest).max().unwrap_or(0);
    let mut read = readings.iter().filter_map(|(l, value)| value.as_ref().filter(|v| longest(v) == best).map(|v| (*l, v)));
    let mut made = Candidate {
        rule,
        value: None,
        label: String::new(),
        page: 0,
        sure: false,
        doubt: None,
        confirmed: false,
        why: "no label found",
    };
    let chosen = read.next();
    if let Some((l, value)) = chosen {
        made.value = Some(value.clone());
        // what is whole by its shape ends where it is whole
        let open_ended = matches!(rule.value, ValueType::Text | ValueType::Name);
        made.sure = l.sure && value.fits && (l.ends_surely || !open_ended);
        made.why = if made.sure { "" } else { "the label's or the value's end is not sure" };
        if read.any(|(_, other)| other.text != value.text) {
            (made.doubt, made.why) = (Some(Reason::Conflicting), "two places on the paper disagree");
        }
    }
    if let Some(l) = chosen.map(|(l, _)| l).or(readings.iter().map(|(l, _)| *l).find(|l| !blank(l))) {
        (made.label, made.page) = (layout::join(&l.label_words), l.page);
        if chosen.is_none() {
            (made.doubt, made.why) = (Some(Reason::LowConfidence), "what follows the label is not of its type");
            let words: Vec<&Word> = l.value.iter().map(|token| token.word).collect();
            made.value = Some(Value { text: String::new(), printed: layout::join(&words), words, fits: false });
        }
    } else if !readings.is_empty() {
        made.why = "nothing follows the label";
    }
    Some(made)
}

/// A serial is known by its shape, in a cell of its own; two different ones are none.
fn land_serial<'t, 'a>(rule: &'t FieldRule, sheets: &[Sheet<'a>]) -> Candidate<'t, 'a> {
    let mut found: Vec<(usize, Value<'a>)> = Vec::new();
    for (page, sheet) in sheets.iter().enumerate() {
        for run in &sheet.runs {
            if let Some(text) = values::serial(&run.text()) {
                found.push((page, Value { text, printed: run.text(), words: run.words.clone(), fits: true }));
            }
        }
    }
    let alone = found.windows(2).all(|pair| pair[0].1.text == pair[1].1.text);
    let (page, value) = found.into_iter().next().map_or((0, None), |(page, value)| (page, Some(value)));
    let doubt = (!alone).then_some(Reason::Conflicting);
    let why = if value.is_none() {
        "no serial found"
    } else if alone {
        ""
    } else {
        "two places on the paper disagree"
    };
    Candidate { rule, value, label: "(by its shape)".into(), page, sure: true, doubt, confirmed: false, why }
}

/// Width of the em of the form's type, pixels: the middle one of its labels'.
fn type_size(located: &[Located<'_>]) -> Option<f64> {
    let mut sizes: Vec<f64> = located.iter().flat_map(|l| &l.label_words).filter_map(|word| word_em(word)).collect();
    sizes.sort_by(f64::total_cmp);
    sizes.get(sizes.len() / 2).copied()
}

/// I and L of a serial are told apart by a foot, and rules run along it; nothing else says which it is.
fn may_be_another_serial(value_type: ValueType, value: &Value<'_>) -> bool {
    value_type == ValueType::LandSerial
        && value.text.contains(['I', 'L'])
        && value.words.iter().any(|word| word.confidence < CERTAIN)
}

fn word_em(word: &Word) -> Option<f64> {
    let wide = advance(&word.text) - 0.06;
    (wide > 0.8).then(|| f64::from(word.rect.width) / wide)
}

/// Is the value set in the form's type? Handwriting is of another width and height.
fn is_printed(words: &[&Word], em: Option<f64>) -> bool {
    let Some(em) = em else { return false };
    let wide: f64 = words.iter().map(|word| set_width(&word.text)).sum();
    let width: f64 = words.iter().map(|word| f64::from(word.rect.width)).sum();
    let high = words.iter().all(|word| f64::from(word.rect.height) < 1.35 * em);
    let digits = words.iter().filter(|word| word.text.chars().all(|c| c.is_ascii_digit() || matches!(c, '/' | '-' | '.' | ',')));
    let shaped = digits.into_iter().all(|word| {
        let ratio = f64::from(word.rect.width) / (em * set_width(&word.text));
        (0.76..1.3).contains(&ratio) && f64::from(word.rect.height) > 0.5 * em
    });
    high && shaped && (0.72..1.4).contains(&(width / (em * wide).max(1.0)))
}

/// How wide a word is set, em; leaders have their points a quarter apart.
fn set_width(text: &str) -> f64 {
    let points = text.chars().filter(|c| *c == '.').count();
    let rest: String = text.chars().filter(|c| *c != '.').collect();
    ink_width(&rest) + 0.25 * points as f64
}

/// What the reading itself says.
fn judge(candidate: &mut Candidate<'_, '_>, sheets: &[Sheet<'_>], em: Option<f64>) {
    let Some(value) = &candidate.value else { return };
    if candidate.doubt.is_some() {
        return;
    }
    let born_digital = sheets[candidate.page].view.born_digital;
    let usual = candidate.rule.usual.contains(&value.text);
    let least = if usual || candidate.rule.value == ValueType::Sex { EXPECTED } else { SURE };
    // the engine is often sure of a word whose neighbours expect other accents
    let view = sheets[candidate.page].view;
    let odd = candidate.rule.value == ValueType::Text && !usual && value.words.iter().any(|word| is_unusual(view, word));
    let odd = odd || candidate.rule.value == ValueType::Text && mentions::is_disputed(&sheets[candidate.page], &value.text);
    let spelled = matches!(candidate.rule.value, ValueType::Text | ValueType::Name);
    let odd = odd || spelled && may_lack_a_letter(&value.words);
    let read =
        !odd && value.words.iter().all(|word| word.confidence >= least) && !may_be_another_serial(candidate.rule.value, value);
    // the form's own print, in a type of its own
    let preprinted = candidate.rule.value == ValueType::LandSerial;
    let printed = born_digital || preprinted || is_printed(&value.words, em);
    candidate.doubt = (!(candidate.sure && read && printed)).then_some(Reason::LowConfidence);
    candidate.why = match (candidate.sure, printed, read) {
        (false, ..) => candidate.why,
        (_, false, _) => "it does not look printed",
        (_, _, false) if odd => "other accents are expected by a word's neighbours, or stand elsewhere",
        (_, _, false) => "the engine was not sure of its letters",
        _ => "",
    };
}

/// The day in words beside the digits: it confirms them or contradicts them.
fn in_words(section: &Section, located: &[Located<'_>], index: usize, own: &mut [Candidate<'_, '_>]) {
    for rule in &section.fields {
        let Some(confirmed) = &rule.confirms else { continue };
        let says = located
            .iter()
            .filter(|l| l.section == index && rule.labels.iter().any(|label| label.folded == l.label.folded))
            .find_map(|l| values::read(rule.value, &l.label.printed, &l.value));
        let Some(witness) = says else { continue };
        let Some(candidate) = own.iter_mut().find(|candidate| candidate.rule.name == *confirmed) else { continue };
        let Some(value) = candidate.value.as_ref().filter(|value| !value.text.is_empty()) else { continue };
        if value.text != witness.text {
            (candidate.doubt, candidate.why) = (Some(Reason::Conflicting), "the words beside it say another day");
        } else if candidate.sure && value.words.iter().all(|word| word.confidence >= CONFIRMED) {
            (candidate.doubt, candidate.confirmed, candidate.why) = (None, true, "");
        }
    }
}

/// A personal number says its bearer's sex, century and year of birth (NĐ 137/2015 art. 13: `PPP G YY RRRRRR`).
fn personal_number(own: &mut [Candidate<'_, '_>]) {
    let value = |candidate: &Candidate<'_, '_>| candidate.value.as_ref().map(|v| v.text.clone()).filter(|text| !text.is_empty());
    let sex = own.iter().find(|c| c.rule.value == ValueType::Sex).and_then(value).and_then(|sex| sex.parse::<Sex>().ok());
    let birth_at = own.iter().position(|c| {
        c.rule.name.ends_with("birth_date") && c.value.as_ref().is_some_and(|v| !v.text.is_empty())
            || c.rule.name.ends_with("birth_year") && value(c).is_some()
    });
    let birth = birth_at.and_then(|at| value(&own[at])).and_then(|date| date.get(..4)?.parse::<i16>().ok());
    let is_number = |c: &Candidate<'_, '_>| matches!(c.rule.value, ValueType::PersonalNumber | ValueType::IdentityNumber);
    let Some(at) = own.iter().position(is_number) else { return };
    let Some(number) = value(&own[at]).and_then(|number| number.parse::<PersonalNumber>().ok()) else { return };
    let sex_differs = sex.is_some_and(|sex| sex != number.sex());
    let year_differs = birth.is_some_and(|birth| birth != number.birth_year());
    if !sex_differs && !year_differs {
        return;
    }
    own[at].doubt = Some(Reason::Conflicting);
    own[at].why = "its digits say another sex or year of birth";
    // one of the two is wrong, and nothing tells which
    if let Some(birth) = birth_at.map(|at| &mut own[at]).filter(|birth| year_differs && !birth.confirmed) {
        (birth.doubt, birth.why) = (Some(Reason::Conflicting), "the personal number says another year");
    }
}

/// Nobody is born or dies after the paper that says so was issued.
fn after_issue(out: &Collector, candidates: &mut [Candidate<'_, '_>]) {
    let Some(issued) = out.vouched(name::ISSUED_DATE) else { return };
    for candidate in candidates {
        let told = ["birth_date", "birth_year", "death_date"].iter().any(|name| candidate.rule.name.ends_with(name));
        // a shorter date compares by what it says
        let later =
            candidate.value.as_ref().is_some_and(|value| value.text.as_str() > issued.get(..value.text.len()).unwrap_or(&issued));
        if told && later {
            (candidate.doubt, candidate.why) = (Some(Reason::Conflicting), "it lies after the day of issue");
        }
    }
}

/// Keeps the field, leaves it out, or asks a person.
fn put(out: &mut Collector, sheets: &[Sheet<'_>], id: &str, candidate: Candidate<'_, '_>) {
    let Candidate { rule, value, label, page, doubt, why, .. } = candidate;
    let rule_name = format!("template.{id}.{}", rule.name);
    let (text, printed, words) = value.map_or_else(Default::default, |value| (value.text, value.printed, value.words));
    let asked = match (words.is_empty(), doubt) {
        (false, None) => true,
        (false, Some(_)) => rule.required != Required::Never,
        (true, _) => rule.required == Required::Always,
    };
    let doubt = if words.is_empty() { Some(Reason::FieldMissing) } else { doubt };
    out.notes.push(Note {
        field: rule.name.clone(),
        cue: label,
        printed: printed.clone(),
        page: sheets[page].view.number,
        left_out: !asked,
        why: why.to_owned(),
    });
    if asked {
        let value = Some(text).filter(|text| !text.is_empty());
        out.add(&sheets[page], Reading { name: &rule.name, value, printed, words: &words, doubt, rule: &rule_name });
    }
}

/// What follows from the title and the fields: the kind's code, the summary, the end of validity. Only from what is vouched for.
pub(super) fn derive(out: &mut Collector, template: &Template) {
    let rule = |name: &str| format!("template.{}.{name}", template.id);
    if let (Some(code), Some(_)) = (&template.paper_kind_code, out.vouched(name::TYPE_NAME)) {
        out.derived(name::PAPER_KIND_CODE, Some(code.clone()), name::TYPE_NAME, None, &rule(name::PAPER_KIND_CODE));
    }
    if let Some(subject) = template.subject.as_ref().and_then(|pattern| filled(out, pattern)) {
        out.derived(name::SUBJECT, Some(subject), name::TYPE_NAME, None, &rule(name::SUBJECT));
    }
    if let Some(months) = template.valid_months {
        // BLDS 2015 art. 148: a time of months ends on the same day of its last month, or on that month's last
        let issued = field::find(&out.fields, name::ISSUED_DATE);
        let ends =
            issued.and_then(|field| field.value.as_ref()?.parse::<Date>().ok()?.checked_add(i32::from(months).months()).ok());
        let doubt = issued.map_or(Some(Reason::DateMissing), |field| field.doubt);
        out.derived(name::VALID_UNTIL, ends.map(|day| day.to_string()), name::ISSUED_DATE, doubt, &rule(name::VALID_UNTIL));
    }
}

/// The pattern with its fields in their places; none when one of them is not vouched for.
fn filled(out: &Collector, pattern: &str) -> Option<String> {
    let mut text = String::new();
    let mut rest = pattern;
    while let Some((before, after)) = rest.split_once('{') {
        let (name, after) = after.split_once('}')?;
        text.push_str(before);
        text.push_str(&out.vouched(name)?);
        rest = after;
    }
    text.push_str(rest);
    Some(text)
}
