//! The register as a second witness: which of its rows a paper is whose number or day a hand wrote.
//!
//! What was printed and read (notation, year and month, issuer, subject or owner) is compared with the rows; a row is the paper's
//! only when all that both know agrees, names and numbers mark by mark, common words but for misread letters, and when no other
//! comes near. The register may lack the paper and have its twin: a decision for another person of the village. So whatever
//! differs in a name is another paper, or a person's to decide.

use crate::RegisterRow;
use crate::number::NumberKey;
use jiff::civil::Date;
use sohoa_record::DossierCode;
use sohoa_record::text::{fold, nfc, spelling};

/// What was read from a paper. `number` and `date` only where they are vouched for: then they must agree.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reading {
    /// `code_notation`, such as `QĐ-UBND`.
    pub notation: Option<String>,
    /// `code_number`.
    pub number: Option<String>,
    /// `issued_date`.
    pub date: Option<Date>,
    /// The printed year.
    pub year: Option<i16>,
    /// The printed month.
    pub month: Option<i8>,
    /// `organ_name`.
    pub organ: Option<String>,
    /// Is the issuer vouched for? Then its marks count too.
    pub organ_is_sure: bool,
    /// `signer_name`, where it is vouched for.
    pub signer: Option<String>,
    /// `subject`.
    pub subject: Option<String>,
    /// `owner_name`.
    pub owner: Option<String>,
    /// The dossier that the scan belongs to.
    pub dossier_code: Option<DossierCode>,
    /// The unit that digitizes; compared where a row does not name its issuer.
    pub unit: Option<String>,
}

/// A row and how much of it agrees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Agreement {
    /// Position among the rows that were compared.
    pub row: usize,
    /// Letters of subject and owner that agree, whole percent; 100 where the dossier's code names the row.
    pub score: u8,
}

/// What the rows say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// One row is the paper, and the next best if there is any.
    Clear(Agreement, Option<Agreement>),
    /// Several could be it, or one that is not sure enough; the likeliest first, five at most.
    Tie(Vec<Agreement>),
    /// None is near.
    Unknown,
}

/// A shorter subject says too little to tell a paper by.
const FEWEST_LETTERS: usize = 12;
/// A row is the paper's when at most one letter in so many is read otherwise …
const SURE: usize = 10;
/// … and no two within so many letters: reading errors lie apart, another word is another paper's.
const APART: usize = 6;
/// … and it is worth showing to a person up to one in so many.
const NEAR: usize = 4;
/// Any other row must be farther by more than reading errors explain: twice the winner's distance and these letters …
const MARGIN: usize = 4;
/// … or these where they make another word of it; one letter less where the winner was read letter for letter.
const WORD_MARGIN: usize = 3;
/// Candidates that a person is shown.
const SHOWN: usize = 5;

/// Compares a reading with the rows of the registers. The order of the rows has no influence but on equals.
pub fn judge(reading: &Reading, rows: &[RegisterRow]) -> Verdict {
    let subject = reading.subject.as_deref().map(subject_letters).filter(|letters| letters.chars().count() >= FEWEST_LETTERS);
    let owner = reading.owner.as_deref().map(letters).filter(|letters| !letters.is_empty());
    let possible: Vec<usize> = (0..rows.len()).filter(|at| could_be(reading, &rows[*at])).collect();
    if let Some(verdict) = by_dossier(reading, subject.as_deref(), rows, &possible) {
        return verdict;
    }
    let mut compared: Vec<Compared> = possible
        .into_iter()
        .filter_map(|at| compare(subject.as_deref(), owner.as_deref(), &rows[at], at))
        .filter(|compared| compared.distance * NEAR <= compared.letters)
        .collect();
    compared.sort_by_key(|compared| (compared.distance, compared.row));
    let Some(best) = compared.first() else { return Verdict::Unknown };
    let rival_is_far = |rival: &Compared| {
        let margin = if best.distance == 0 { WORD_MARGIN - 1 } else { best.distance + WORD_MARGIN };
        let another_word = !rival.only_misread && rival.distance >= margin;
        another_word || rival.distance >= 2 * best.distance + MARGIN
    };
    let clear = best.distance * SURE <= best.letters
        && best.only_misread
        && nothing_contradicts(reading, &rows[best.row])
        && compared[1..].iter().all(rival_is_far);
    if clear {
        return Verdict::Clear(best.agreement(), compared.get(1).map(Compared::agreement));
    }
    Verdict::Tie(compared.iter().take(SHOWN).map(Compared::agreement).collect())
}

/// The dossier's code and the notation name the row, when there is only one such and its words do not speak against it.
fn by_dossier(reading: &Reading, subject: Option<&str>, rows: &[RegisterRow], possible: &[usize]) -> Option<Verdict> {
    let code = reading.dossier_code.as_ref()?;
    let mut same = possible.iter().copied().filter(|at| rows[*at].dossier_code.as_ref() == Some(code));
    let (only, None) = (same.next()?, same.next()) else { return None };
    let row = &rows[only];
    // a dossier holds other papers too: without a notation on both sides the code alone says nothing of which one this is
    let noted = reading.notation.is_some() && notation_of(row).is_some_and(|notation| !notation.is_empty());
    let contradicted = compare(subject, None, row, only).is_some_and(|c| c.distance * NEAR > c.letters);
    let agrees = compare(subject, None, row, only).is_none_or(|compared| compared.only_misread);
    (noted && !contradicted && agrees && nothing_contradicts(reading, row))
        .then_some(Verdict::Clear(Agreement { row: only, score: 100 }, None))
}

/// May the row be the paper: does nothing that both know disagree, and is its year the printed one?
fn could_be(reading: &Reading, row: &RegisterRow) -> bool {
    let Some(year) = reading.year.or(reading.date.map(|date| date.year())) else { return false };
    let same_time = match row.date {
        Some(date) => date.year() == year && reading.month.is_none_or(|month| month == date.month()),
        None => row.year == Some(year),
    };
    let same_notation = reading.notation.as_deref().is_none_or(|read| {
        let wanted = NumberKey::join("1", Some(read)).map(|key| key.notation);
        notation_of(row).is_none_or(|notation| notation.is_empty() || Some(notation) == wanted)
    });
    let same_number = match (&reading.number, row.number.as_deref().and_then(NumberKey::parse)) {
        (Some(read), Some(key)) => NumberKey::parse(read).is_none_or(|read| read.number == key.number),
        _ => true,
    };
    let same_date = reading.date.zip(row.date).is_none_or(|(read, registered)| read == registered);
    let same_dossier = reading.dossier_code.as_ref().zip(row.dossier_code.as_ref()).is_none_or(|(a, b)| a == b);
    same_time && same_notation && same_number && same_date && same_dossier && same_issuer(reading, row)
}

/// A row may be shown to a person though it leaves something open. To be believed, it must say nothing that the paper does not, and say
/// enough: notation and issuer.
fn nothing_contradicts(reading: &Reading, row: &RegisterRow) -> bool {
    let noted = reading.notation.is_none() || notation_of(row).is_some_and(|notation| !notation.is_empty());
    let organs = reading.organ.as_deref().zip(row.organ.as_deref());
    let issuer = match organs {
        Some((read, registered)) if reading.organ_is_sure => {
            same_tail(&organ_words(read, spelling), &organ_words(registered, spelling))
        }
        Some((read, registered)) => same_tail(&organ_words(read, fold), &organ_words(registered, fold)),
        None => reading.unit.is_some() && row.unit.is_some(),
    };
    let subjects = reading.subject.as_deref().zip(row.subject.as_deref());
    let named = subjects.is_none_or(|(read, registered)| names_of(read) == names_of(registered));
    let owners = reading.owner.as_deref().zip(row.owner.as_deref());
    let owned = owners.is_none_or(|(read, registered)| spelling(read) == spelling(registered));
    let signers = reading.signer.as_deref().zip(row.signer.as_deref());
    noted
        && issuer
        && named
        && owned
        && signers.is_none_or(|(read, registered)| spelling(read) == spelling(registered))
        && !row.in_doubt
}

/// Is what was read the end of the registered name, its beginning hidden by seal or pen ("m Trường Thọ" of "Phạm Trường Thọ")? At
/// least the last two words must be read, mark by mark, and what is left of a third be that word's end.
pub fn is_end_of_name(read: &str, registered: &str) -> bool {
    let (mut read, mut registered) = (read.split_whitespace().rev(), registered.split_whitespace().rev());
    let mut whole = 0;
    loop {
        match (read.next(), registered.next()) {
            (Some(word), Some(wanted)) if spelling(word) == spelling(wanted) => whole += 1,
            (Some(end), Some(wanted)) => {
                let is_end = nfc(&wanted.to_lowercase()).ends_with(&nfc(&end.to_lowercase()));
                return whole >= 2 && is_end && read.next().is_none();
            }
            (None, _) => return whole >= 2,
            (Some(_), None) => return false,
        }
    }
}

/// The words of a subject that begin with a capital, but for its first: persons, places, organs, abbreviations.
fn names_of(subject: &str) -> Vec<String> {
    let words = subject.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    words.skip(1).filter(|word| word.starts_with(char::is_uppercase)).map(spelling).collect()
}

/// Equal, or the longer ends with the shorter: a register may leave the parent agency out.
fn same_tail(a: &str, b: &str) -> bool {
    !a.is_empty() && !b.is_empty() && (a.ends_with(b) || b.ends_with(a))
}

fn notation_of(row: &RegisterRow) -> Option<String> {
    row.number.as_deref().and_then(NumberKey::parse).map(|key| key.notation)
}

/// The issuer's name, or where the row has none the unit's code. A register may leave the parent agency out.
fn same_issuer(reading: &Reading, row: &RegisterRow) -> bool {
    if let Some((read, registered)) = reading.organ.as_deref().zip(row.organ.as_deref()) {
        let (read, registered) = (organ_words(read, fold), organ_words(registered, fold));
        let letters = read.chars().count().max(registered.chars().count());
        return same_tail(&read, &registered) || distance(&read, &registered) * 8 <= letters;
    }
    let same = |(a, b): (&String, &String)| a.trim().eq_ignore_ascii_case(b.trim());
    reading.unit.as_ref().zip(row.unit.as_ref()).is_none_or(same)
}

/// A row beside the reading.
struct Compared {
    row: usize,
    /// Letters that were read otherwise.
    distance: usize,
    /// Of so many.
    letters: usize,
    /// What differs looks like misread letters, and the numbers are the same: January's report is not February's.
    only_misread: bool,
}

impl Compared {
    fn agreement(&self) -> Agreement {
        let wrong = (self.distance * 100).div_ceil(self.letters.max(1)).min(100);
        Agreement { row: self.row, score: 100 - wrong as u8 }
    }
}

/// By subject and by owner, where both sides have them; none where neither can be compared.
fn compare(subject: Option<&str>, owner: Option<&str>, row: &RegisterRow, at: usize) -> Option<Compared> {
    let registered_subject = row.subject.as_deref().map(subject_letters);
    let registered_owner = row.owner.as_deref().map(letters);
    let subjects = subject.zip(registered_subject.as_deref());
    let owners = owner.zip(registered_owner.as_deref());
    let mut compared = Compared { row: at, distance: 0, letters: 0, only_misread: true };
    for (read, registered) in subjects.into_iter().chain(owners) {
        compared.letters += read.chars().count().max(registered.chars().count());
        compared.distance += distance(read, registered);
        compared.only_misread &= numbers(read) == numbers(registered) && errors_lie_apart(read, registered);
    }
    // Every owner has several papers: a name alone tells only with a number, day or notation that was read.
    let enough = subjects.is_some() || owners.is_some() && !(row.subject.is_some() && subject.is_some());
    (enough && compared.letters > 0).then_some(compared)
}

/// The digits of a text, in order.
fn numbers(letters: &str) -> String {
    letters.chars().filter(char::is_ascii_digit).collect()
}

/// Are no two letters within [`APART`] read otherwise? Walks the shortest way from one text to the other.
fn errors_lie_apart(read: &str, registered: &str) -> bool {
    let (a, b): (Vec<char>, Vec<char>) = (read.chars().collect(), registered.chars().collect());
    if a.len().abs_diff(b.len()) * SURE > a.len().max(b.len()) {
        return false;
    }
    let width = b.len() + 1;
    let mut steps = vec![0usize; (a.len() + 1) * width];
    for (at, steps) in steps.iter_mut().enumerate().take(width) {
        *steps = at;
    }
    for i in 1..=a.len() {
        steps[i * width] = i;
        for j in 1..=b.len() {
            let substituted = steps[(i - 1) * width + j - 1] + usize::from(a[i - 1] != b[j - 1]);
            steps[i * width + j] = substituted.min(steps[(i - 1) * width + j] + 1).min(steps[i * width + j - 1] + 1);
        }
    }
    let (mut i, mut j, mut last) = (a.len(), b.len(), None);
    while i > 0 || j > 0 {
        let here = steps[i * width + j];
        let back = |i: usize, j: usize| steps[i * width + j];
        if i > 0 && j > 0 && a[i - 1] == b[j - 1] && back(i - 1, j - 1) == here {
            (i, j) = (i - 1, j - 1);
            continue;
        }
        if last.is_some_and(|last: usize| last - i < APART) {
            return false;
        }
        last = Some(i);
        (i, j) = match () {
            () if i > 0 && j > 0 && back(i - 1, j - 1) + 1 == here => (i - 1, j - 1),
            () if i > 0 && back(i - 1, j) + 1 == here => (i - 1, j),
            () => (i, j - 1),
        };
    }
    true
}

/// Levenshtein distance in letters. Where the letters' numbers alone show that the texts are far apart, that lower bound stands
/// for it: most rows of a register are, and are not worth the walk.
fn distance(a: &str, b: &str) -> usize {
    let mut surplus = [0i32; 64];
    let slot = |c: char| (c as usize) % 64;
    a.chars().for_each(|c| surplus[slot(c)] += 1);
    b.chars().for_each(|c| surplus[slot(c)] -= 1);
    let more: i32 = surplus.iter().filter(|n| **n > 0).sum();
    let fewer: i32 = -surplus.iter().filter(|n| **n < 0).sum::<i32>();
    let at_least = more.max(fewer) as usize;
    if at_least * NEAR > a.chars().count().max(b.chars().count()) { at_least } else { strsim::levenshtein(a, b) }
}

/// Folded and without spaces, so that a word cut in two by a stain is the same word.
fn letters(text: &str) -> String {
    fold(text).replace(' ', "")
}

/// Without the words that open every subject, and with Roman numbers as digits: "quý II" is not "quý I" misread.
fn subject_letters(text: &str) -> String {
    let folded = fold(text);
    let opened = ["ve viec ", "v v ", "ve "].iter().find_map(|opening| folded.strip_prefix(opening));
    let words = opened.unwrap_or(&folded).split(' ').map(|word| match word {
        "i" => "1",
        "ii" => "2",
        "iii" => "3",
        "iv" => "4",
        "v" => "5",
        word => word,
    });
    words.collect()
}

/// In one form, with the abbreviations of the most usual organs written out.
fn organ_words(text: &str, form: fn(&str) -> String) -> String {
    let words: Vec<String> = form(text).split(' ').map(str::to_owned).collect();
    let written_out = |word: &String| match fold(word).as_str() {
        "ubnd" => form("ủy ban nhân dân"),
        "hdnd" => form("hội đồng nhân dân"),
        _ => word.clone(),
    };
    words.iter().map(written_out).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests;
