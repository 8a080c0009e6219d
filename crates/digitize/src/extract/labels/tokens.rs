//! Words of a form cut into tokens at colons and dotted leaders, and gathered into the rows that a reader sees.

use crate::extract::layout::{self, Run, Sheet};
use sohoa_record::text::{Rect, Word, fold};

/// Words of less confidence are no words: dust, or what the engine took dots for.
pub(super) const NOISE: u8 = 50;

/// A word, or the part of one that a colon or leader parts off.
#[derive(Clone, Debug)]
pub(in crate::extract) struct Token<'a> {
    pub word: &'a Word,
    pub text: &'a str,
    /// Folded, without spaces; empty for a leader and for marks.
    pub folded: String,
    /// A colon follows it.
    pub colon: bool,
    /// The marks that were cut from its end.
    pub stop: &'a str,
}

/// One row of a form.
pub(super) struct Row<'a> {
    pub tokens: Vec<Token<'a>>,
    pub centre_y: f64,
}

impl Token<'_> {
    /// Dots that lead to a value.
    pub fn is_leader(&self) -> bool {
        self.text.is_empty() || self.text.chars().all(|c| matches!(c, '.' | '…' | '·' | '_' | '•'))
    }

    pub fn rect(&self) -> Rect {
        self.word.rect
    }
}

/// The rows of the runs that `wanted` lets in, from top to bottom.
pub(super) fn rows<'a>(sheet: &Sheet<'a>, wanted: impl Fn(&Run<'a>) -> bool) -> Vec<Row<'a>> {
    let mut rows: Vec<(f64, Vec<usize>, Vec<&'a Word>)> = Vec::new();
    for run in sheet.runs.iter().filter(|run| wanted(run)) {
        // runs come sorted by their centres
        let same = |(centre, lines, _): &&mut (f64, Vec<usize>, Vec<&Word>)| {
            lines.contains(&run.line) || (run.centre_y() - *centre).abs() < 0.5 * sheet.em
        };
        match rows.last_mut().filter(same) {
            Some((_, lines, words)) => {
                lines.push(run.line);
                words.extend(run.words.iter().copied());
            }
            None => rows.push((run.centre_y(), vec![run.line], run.words.clone())),
        }
    }
    rows.into_iter()
        .map(|(centre_y, _, mut words)| {
            words.retain(|word| !is_dust(word));
            words.sort_by_key(|word| word.rect.x);
            Row { tokens: tokens(&words), centre_y }
        })
        .collect()
}

/// A single mark that the engine does not believe in itself. As a dot it would end the value before it, as a colon make a label of it.
fn is_dust(word: &Word) -> bool {
    let mut letters = word.text.chars();
    word.confidence < NOISE && letters.next().is_some_and(|c| !c.is_alphanumeric() && c != '…') && letters.next().is_none()
}

fn tokens<'a>(words: &[&'a Word]) -> Vec<Token<'a>> {
    let mut tokens: Vec<Token<'a>> = Vec::new();
    for word in words {
        let mut rest = word.text.as_str();
        if let Some(ordinal) = ordinal(rest) {
            tokens.push(Token { word, text: ordinal, folded: fold(ordinal), colon: false, stop: "" });
            rest = &rest[ordinal.len()..];
        }
        while !rest.is_empty() {
            let (part, leader, next) = split(rest);
            if !part.is_empty() {
                let colon = part.ends_with([':', ';']);
                let text = part.trim_end_matches([':', ';']);
                match tokens.last_mut() {
                    // a colon that stands alone is that of the word before, unless it is dust far from it
                    Some(last) if text.is_empty() => {
                        if layout::gap(last.word, word) <= 2.0 * f64::from(last.word.rect.height) {
                            (last.colon, last.stop) = (true, part);
                        }
                    }
                    _ => {
                        let (folded, stop) = (fold(text).replace(' ', ""), &part[text.len()..]);
                        tokens.push(Token { word, text, folded, colon, stop });
                    }
                }
            }
            if !leader.is_empty() {
                tokens.push(Token { word, text: leader, folded: String::new(), colon: false, stop: "" });
            }
            rest = next;
        }
    }
    tokens
}

/// The number of a row that ran into its label, as in `1.Cấp cho`.
fn ordinal(text: &str) -> Option<&str> {
    let (number, label) = text.split_once('.')?;
    let counts = (1..=2).contains(&number.len()) && number.chars().all(|c| c.is_ascii_digit());
    (counts && label.chars().next().is_some_and(char::is_uppercase)).then(|| &text[..=number.len()])
}

/// What stands before the first colon after a letter or the first leader, the leader, and the rest.
fn split(text: &str) -> (&str, &str, &str) {
    let is_dot = |c: char| matches!(c, '.' | '·' | '_');
    let mut before: Option<char> = None;
    for (at, c) in text.char_indices() {
        let after = at + c.len_utf8();
        if matches!(c, ':' | ';') && before.is_some_and(char::is_alphabetic) {
            return (&text[..after], "", &text[after..]);
        }
        let dots = c == '…' || (is_dot(c) && text[after..].starts_with(|d: char| is_dot(d) || d == '…'));
        if dots {
            let end = text[at..].find(|d: char| !is_dot(d) && d != '…').map_or(text.len(), |length| at + length);
            return (&text[..at], &text[at..end], &text[end..]);
        }
        before = Some(c);
    }
    (text, "", "")
}

/// White between two tokens, pixels; none within a word.
pub(super) fn gap(left: &Token<'_>, right: &Token<'_>) -> f64 {
    if std::ptr::eq(left.word, right.word) { 0.0 } else { layout::gap(left.word, right.word) }
}

/// Does a cell of the form begin with this token: first of its row, or behind a gap, with or without its numbering?
pub(super) fn begins_cell(cell: &[Token<'_>], at: usize, em: f64) -> bool {
    match at {
        0 => true,
        at if gap(&cell[at - 1], &cell[at]) > 1.5 * em || cell[at - 1].is_leader() => true,
        at => is_numbering(&cell[at - 1]) && begins_cell(cell, at - 1, em),
    }
}

/// `1.`, `a)`, `-`: what stands before a label.
pub(super) fn is_numbering(token: &Token<'_>) -> bool {
    let text = token.text;
    matches!(text, "-" | "–" | "—" | "•" | "*" | "+")
        || (text.chars().count() <= 3
            && text.ends_with(['.', ')', '/'])
            && text.chars().rev().skip(1).all(|c| c.is_ascii_digit() || c.is_lowercase()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(text: &str) -> Vec<(String, bool)> {
        let words: Vec<Word> =
            text.split(' ').map(|text| Word { text: text.to_owned(), rect: Rect::default(), confidence: 90 }).collect();
        tokens(&words.iter().collect::<Vec<_>>()).into_iter().map(|token| (token.text.to_owned(), token.colon)).collect()
    }

    #[test]
    fn a_colon_far_from_its_word_is_dust() {
        let word = |text: &str, x| Word { text: text.into(), rect: Rect { x, y: 544, width: 147, height: 41 }, confidence: 91 };
        let has_colon = |x| {
            let (name, mark) = (word("PHƯỢNG", 237), word(":", x));
            tokens(&[&name, &mark]).iter().map(|token| token.colon).collect::<Vec<_>>()
        };
        assert_eq!((has_colon(394), has_colon(850)), (vec![true], vec![false]));
    }

    #[test]
    fn colons_and_leaders_part_words_and_clock_times_stay_whole() {
        let plain = |text: &str| (text.to_owned(), false);
        let colon = |text: &str| (text.to_owned(), true);
        assert_eq!(cut("tính:Nam....Dân tộc :"), [colon("tính"), plain("Nam"), plain("...."), plain("Dân"), colon("tộc")]);
        assert_eq!(cut("1.Cấp cho:"), [plain("1."), plain("Cấp"), colon("cho")]);
        assert_eq!(cut("lúc 18:30 TP. …Hà"), [plain("lúc"), plain("18:30"), plain("TP."), plain("…"), plain("Hà")]);
    }
}
