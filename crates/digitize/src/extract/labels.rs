//! Labels and what follows them: rows of a form cut at the labels that its template knows, each with the section that it belongs to.
//!
//! A value ends at the next label, at a column's end or at a wide gap, and goes on in the next row only where its own row was full.

mod sections;
mod tokens;

pub(super) use sections::locate;
pub(super) use tokens::Token;

use super::edits;
use super::layout::Sheet;
use super::templates::{Label, Template};
use sohoa_record::text::Word;

/// A label with what follows it.
pub(super) struct Located<'a> {
    /// Index of the section in the template.
    pub section: usize,
    /// As the template writes it.
    pub label: &'a Label,
    pub label_words: Vec<&'a Word>,
    /// What follows, without dotted leaders.
    pub value: Vec<Token<'a>>,
    /// Index of the page among those searched.
    pub page: usize,
    /// Neither the label nor its section is a guess.
    pub sure: bool,
    /// Where the value ends is none either.
    pub ends_surely: bool,
}

/// Letters of the longest label are compared with no more words than this.
const MOST_WORDS: usize = 16;
/// White after which a row's words belong to something else, ems of the page.
const WIDE_GAP: f64 = 6.0;

/// A label found on a row: tokens `from..to`.
#[derive(Clone, Copy)]
struct Match<'a> {
    label: &'a Label,
    /// It is a heading, not a field's label.
    cue: bool,
    from: usize,
    to: usize,
    /// A colon or leader follows, or it is too long to be anything else.
    sure: bool,
}

/// Every label and heading of a template, each once.
struct Vocabulary<'a> {
    entries: Vec<(&'a Label, bool)>,
}

impl<'a> Vocabulary<'a> {
    fn of(template: &'a Template) -> Self {
        let labels = template.sections.iter().flat_map(|s| &s.fields).flat_map(|f| &f.labels).map(|label| (label, false));
        let cues = template.sections.iter().flat_map(|s| &s.cues).map(|cue| (cue, true));
        let mut entries: Vec<(&Label, bool)> = Vec::new();
        for (label, cue) in labels.chain(cues) {
            if !entries.iter().any(|(other, other_cue)| *other == label && *other_cue == cue) {
                entries.push((label, cue));
            }
        }
        Vocabulary { entries }
    }

    /// The labels of a cell, from left to right.
    fn matches(&self, sheet: &Sheet<'_>, cell: &[Token<'a>]) -> Vec<Match<'a>> {
        let (mut found, mut at) = (Vec::new(), 0);
        while at < cell.len() {
            let matched = self.match_at(sheet, cell, at);
            // a short word before a label may pass for letters of it: it is read from where it fits better
            let next = (at + 1 < cell.len()).then(|| self.match_at(sheet, cell, at + 1)).flatten();
            match (matched, next) {
                (Some((distance, matched)), Some((closer, better))) if matched.to == better.to && closer < distance => at += 1,
                (Some((_, matched)), _) => {
                    at = matched.to;
                    found.push(matched);
                }
                (None, _) => at += 1,
            }
        }
        found
    }

    /// Do the letters that follow a label make a longer one of it, as in `Họ, chữ đệm, tên người mẹ`?
    fn goes_on(&self, label: &Label, next: &str) -> bool {
        let longer =
            |(other, _): &(&Label, bool)| other.folded.strip_prefix(&label.folded).is_some_and(|rest| rest.starts_with(next));
        !next.is_empty() && self.entries.iter().any(longer)
    }

    /// The label that begins with a token, and by how many letters it was read otherwise.
    fn match_at(&self, sheet: &Sheet<'_>, cell: &[Token<'a>], from: usize) -> Option<(usize, Match<'a>)> {
        let first = &cell[from];
        if first.is_leader() {
            return None;
        }
        let begins_cell = tokens::begins_cell(cell, from, sheet.em);
        let capital = first.text.chars().next().is_some_and(|c| c.is_uppercase() || c.is_numeric());
        let mut read = String::new();
        let mut best: Option<(usize, Match<'a>)> = None;
        for (to, token) in cell.iter().enumerate().skip(from).take(MOST_WORDS) {
            if token.is_leader() || (to > from && tokens::gap(&cell[to - 1], token) > WIDE_GAP * sheet.em) {
                break;
            }
            read.push_str(&token.folded);
            let leader_follows = cell.get(to + 1).is_some_and(Token::is_leader);
            let ends_cell = to + 1 == cell.len() || tokens::gap(token, &cell[to + 1]) > 1.5 * sheet.em;
            for (label, cue) in &self.entries {
                let length = label.folded.len();
                // a short one that opens its row and has its colon may lack a letter
                let most = (length / 8).max(usize::from(begins_cell && token.colon && length > 5));
                if length.abs_diff(read.len()) > most || !begin_alike(&label.folded, &read) {
                    continue;
                }
                let distance = if label.folded == read { 0 } else { edits(&label.folded, &read) };
                if distance > most {
                    continue;
                }
                // the engine reads a colon as a dash
                let dashed = distance == 0 && begins_cell && token.text.ends_with(['-', '–']);
                let stops = token.colon || leader_follows || dashed;
                if !stops && cell.get(to + 1).is_some_and(|next| self.goes_on(label, &next.folded)) {
                    continue;
                }
                let words = label.printed.split(' ').count();
                let accepted = if *cue {
                    begins_cell && (token.colon || ends_cell)
                } else {
                    let in_place = begins_cell || !label.begins_cell || capital;
                    let unstopped = begins_cell && words >= 2 && (distance == 0 || words >= 4 && distance == 1);
                    (stops && in_place) || unstopped
                };
                let better = best
                    .as_ref()
                    .is_none_or(|(other, _)| distance < *other || (distance == *other && length > best_length(&best)));
                if accepted && better {
                    // an erased leader may have taken the colon along: its room is left
                    let sure = stops || *cue || words >= 3 || distance == 0 && ends_cell;
                    best = Some((distance, Match { label, cue: *cue, from, to: to + 1, sure }));
                }
            }
            if token.colon {
                break;
            }
        }
        best
    }
}

/// Is one of the first two letters in its place or its neighbour's? Spares nearly all of the counting of edits.
fn begin_alike(a: &str, b: &str) -> bool {
    let letter = |text: &str, at: usize| text.as_bytes().get(at).copied();
    [(0, 0), (1, 1), (0, 1), (1, 0)].iter().any(|(i, j)| letter(a, *i) == letter(b, *j))
}

fn best_length(best: &Option<(usize, Match<'_>)>) -> usize {
    best.as_ref().map_or(0, |(_, matched)| matched.label.folded.len())
}
