//! Correct: gives words their lost accents back, for search. What the engine read is not touched, and no field that is vouched for is taken
//! from corrected words: a correction is a word beside the reading. A phrase in doubt is offered to a person with them.
//!
//! Three of four words that Tesseract reads wrong differ in accents only. So each word that may change at all ([`choose`]) is
//! weighed against the syllables of the same base letters that differ in one letter's marks, by how often they follow each
//! other in public papers ([`counts`]); the most probable sequence wins, and each change costs. Because the base letters stay,
//! a search without accents finds the same words before and after.

mod choose;
pub mod counts;
mod spelling;

use choose::{DIVISIONS, Token, tokens};
use counts::{Counts, Id};
use sohoa_record::{Correction, PageText};
use spelling::{Capitals, base, one_letter_apart};
use std::sync::LazyLock;

/// Made by `just counts`; its first lines say from what.
static COUNTS: &[u8] = include_bytes!("correct/counts.bin");

/// Costs are thousandths of −ln(probability): whole numbers, so that sums are the same on every machine.
type Cost = i64;

/// What a change must save.
#[derive(Clone, Copy)]
struct Price {
    change: Cost,
    /// More, when the engine was sure of what it read: there papers of everyday words lose more than they gain.
    sure: Cost,
    /// More, for a word in a line of capitals: it may be a person's or an organ's name, and these are not told apart there.
    capitals: Cost,
    /// What is quoted stays.
    quotations: bool,
}

/// How it was chosen, and what it gains and costs, stands in `docs/decisions.md`.
const CORRECTION: Price = Price { change: 4_000, sure: 2_750, capitals: 7_750, quotations: true };
/// For a question to a second witness, which a correction is not: quotations, too, may be asked about, and what a hand wrote is read as marks
/// that open one and never close it.
const SUSPICION: Price = Price { change: 1_500, sure: 0, capitals: 7_750, quotations: false };
/// The engine is sure from this confidence on, percent.
const SURE: u8 = 95;
/// The part of a word's probability that comes from the word before it; the rest is how frequent it is by itself.
const PAIR_SHARE: f64 = 0.8;

/// The words of an OCR page that search should read otherwise, in reading order.
///
/// Numbers, codes, names and what stands between quotation marks never change, nor does the number or order of words; a
/// corrected word has the base letters, capitals and surrounding marks of the word that was read.
pub fn correct(text: &PageText) -> Vec<Correction> {
    correct_by(table(), text, CORRECTION)
}

/// The words that their neighbours would rather have otherwise, however sure the engine was: a reason to look at the page's ink, and none to
/// change or to doubt them.
pub fn suspect(text: &PageText) -> Vec<Correction> {
    correct_by(table(), text, SUSPICION)
}

/// Is it a syllable that public papers have?
pub fn is_known(word: &str) -> bool {
    table().id(&spelling::placed(&word.to_lowercase())).is_some()
}

/// Would papers write a capital word within a phrase, alone among small ones, with other marks? "thành lập Tố công nghệ": such a word may be a
/// name, so it is never corrected; but neither neighbour was ever seen beside it, and both were beside Tổ.
pub fn is_lone_unusual(phrase: &str) -> bool {
    let table = table();
    let words: Vec<&str> = phrase.split_whitespace().collect();
    let is = |word: &str, capitals: Capitals| word.chars().all(char::is_alphabetic) && Capitals::of(word) == Some(capitals);
    let alone = |three: &&[&str]| {
        is(three[0], Capitals::None)
            && is(three[1], Capitals::First)
            && is(three[2], Capitals::None)
            && three[1].chars().count() > 1
    };
    words.windows(3).filter(alone).any(|three| {
        let [before, word, behind] = [three[0], three[1], three[2]].map(|word| spelling::placed(&word.to_lowercase()));
        let (Some(before), Some(behind)) = (table.id(&before), table.id(&behind)) else { return false };
        let seen = |first: Id, second: Id| table.share_after(Some(first), Some(second)).is_some_and(|share| share > 0.0);
        let own = table.id(&word);
        let never = own.is_none_or(|own| !seen(before, own) && !seen(own, behind));
        let rather = |id: Id| Some(id) != own && one_letter_apart(table.text(id), &word) && seen(before, id) && seen(id, behind);
        never && table.of_base(&base(&word)).any(rather)
    })
}

/// Did public papers have the word beside one of these neighbours? Without one it may still be likelier than what was read, by being frequent
/// and nothing else: `đột` for the `dột` of leaky houses.
pub fn is_seen_beside(before: Option<&str>, word: &str, behind: Option<&str>) -> bool {
    let table = table();
    let id = |word: &str| table.id(&spelling::placed(&word.trim_matches(|c: char| !c.is_alphanumeric()).to_lowercase()));
    let Some(own) = id(word) else { return false };
    let seen = |first: Option<Id>, second: Option<Id>| {
        first
            .zip(second)
            .is_some_and(|(first, second)| table.share_after(Some(first), Some(second)).is_some_and(|share| share > 0.0))
    };
    seen(before.and_then(id), Some(own)) || seen(Some(own), behind.and_then(id))
}

fn table() -> &'static Counts {
    static TABLE: LazyLock<Counts> = LazyLock::new(|| Counts::decode(COUNTS).unwrap_or_default());
    &TABLE
}

/// One way to read a token, and the cheapest way to get there.
struct Reading {
    id: Option<Id>,
    cost: Cost,
    from: usize,
    changed: bool,
}

fn correct_by(counts: &Counts, text: &PageText, price: Price) -> Vec<Correction> {
    let tokens = tokens(text, price.quotations);
    // Viterbi: for each reading of each word the cheapest path from the page's first word.
    let mut columns: Vec<Vec<Reading>> = Vec::with_capacity(tokens.len());
    for token in &tokens {
        let before = columns.last().map_or(&[][..], Vec::as_slice);
        let mut readings = readings(counts, token, price);
        for reading in &mut readings {
            let come = |from: &Reading| from.cost + follow(counts, token, from.id, reading.id);
            let cheapest = before.iter().map(come).enumerate().min_by_key(|(_, cost)| *cost);
            let (from, cost) = cheapest.unwrap_or_else(|| (0, follow(counts, token, None, reading.id)));
            (reading.from, reading.cost) = (from, reading.cost + cost);
        }
        columns.push(readings);
    }
    let mut corrections = Vec::new();
    let mut at = columns.last().and_then(|last| (0..last.len()).min_by_key(|&i| last[i].cost)).unwrap_or(0);
    for (token, readings) in tokens.iter().zip(&columns).rev() {
        let reading = &readings[at];
        if let (true, Some(id), Some(capitals)) = (reading.changed, reading.id, token.may_change) {
            let text = token.with(&capitals.write(counts.text(id)));
            corrections.push(Correction { line: token.at.0, word: token.at.1, text });
        }
        at = reading.from;
    }
    corrections.reverse();
    corrections
}

/// The word as it was read comes first, so that it wins where costs are equal.
fn readings(counts: &Counts, token: &Token<'_>, price: Price) -> Vec<Reading> {
    let syllable = token.syllable.as_deref();
    let own = syllable.and_then(|syllable| counts.id(syllable));
    let mut readings = vec![Reading { id: own, cost: 0, from: 0, changed: false }];
    let (Some(syllable), Some(capitals)) = (syllable, token.may_change) else { return readings };
    let mut cost = price.change;
    cost += if token.confidence >= SURE { price.sure } else { 0 };
    cost += if capitals == Capitals::All { price.capitals } else { 0 };
    let others = counts.of_base(&base(syllable)).filter(|&id| {
        let text = counts.text(id);
        Some(id) != own && one_letter_apart(text, syllable) && (!token.numbered || DIVISIONS.contains(&text))
    });
    readings.extend(others.map(|id| Reading { id: Some(id), cost, from: 0, changed: true }));
    readings
}

/// What it costs that the token, read as `id`, follows `before`.
fn follow(counts: &Counts, token: &Token<'_>, before: Option<Id>, id: Option<Id>) -> Cost {
    if token.syllable.is_none() {
        return 0; // a number or code says nothing about its neighbours
    }
    let alone = counts.share(id);
    let pair = match (token.begins_phrase, before) {
        (true, _) => counts.share_after(None, id),
        (false, Some(before)) => counts.share_after(Some(before), id),
        (false, None) => None,
    };
    let probability = pair.map_or(alone, |pair| PAIR_SHARE * pair + (1.0 - PAIR_SHARE) * alone);
    (probability.ln() * -1000.0).round() as Cost
}

#[cfg(test)]
mod tests;
