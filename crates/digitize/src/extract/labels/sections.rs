//! Whose label is it? Mother and father, wife and husband share their labels: a section opens at its heading or at a label that no
//! other section has, and is never opened again.

use super::super::layout::{Run, Sheet};
use super::super::spoken_date;
use super::super::templates::{FieldRule, Label, Section, Template, ValueType};
use super::tokens::{self, Token};
use super::{Located, Match, Vocabulary, WIDE_GAP};
use std::collections::BTreeSet;

/// Letters of a label that may open a section: "Số" may not.
const OPENING_LETTERS: usize = 6;
/// Rows that one value may fill.
const MOST_ROWS: usize = 6;

/// Every label of the template on these pages, in reading order, with what follows it. `wanted` says which runs of a page belong
/// to the form.
pub(in crate::extract) fn locate<'a>(
    sheets: &[Sheet<'a>],
    template: &'a Template,
    wanted: impl Fn(usize, &Run<'a>) -> bool,
) -> Vec<Located<'a>> {
    let mut reader = Reader {
        template,
        vocabulary: Vocabulary::of(template),
        current: 0,
        lost: false,
        closed: vec![false; template.sections.len()],
        columns: None,
        one_column_seen: false,
        read: BTreeSet::new(),
        open: [None, None],
        found: Vec::new(),
    };
    for (page, sheet) in sheets.iter().enumerate() {
        let rows = tokens::rows(sheet, |run| wanted(page, run));
        let margin = right_margin(sheet, &rows);
        reader.open = [None, None];
        for row in &rows {
            reader.row(sheet, page, row, margin);
        }
    }
    reader.found
}

/// Where the form's rows end on the right, pixels, and whether that is known: the place that two rows reach.
fn right_margin(sheet: &Sheet<'_>, rows: &[tokens::Row<'_>]) -> (f64, bool) {
    let mut ends: Vec<u32> = rows.iter().filter_map(|row| row.tokens.last()).map(|token| token.rect().right()).collect();
    ends.sort_unstable_by(|a, b| b.cmp(a));
    let margin =
        ends.windows(2).find(|pair| f64::from(pair[0] - pair[1]) < 2.0 * sheet.em).map_or(0.0, |pair| f64::from(pair[0]));
    (margin, margin > 0.82 * sheet.width())
}

/// Two sections side by side.
#[derive(Clone, Copy)]
struct Columns {
    /// Where the right one begins, pixels.
    split: f64,
    sections: [usize; 2],
}

/// A value that may go on in the next row.
struct Open {
    /// Index among those found, and that of the first on its row.
    located: usize,
    first: usize,
    /// It surely ended; only those before it on its row may go on.
    ended: bool,
    centre_y: f64,
    right: f64,
    rows: usize,
}

struct Reader<'a> {
    template: &'a Template,
    vocabulary: Vocabulary<'a>,
    current: usize,
    /// A label came twice that others share: a section's opening was missed.
    lost: bool,
    closed: Vec<bool>,
    columns: Option<Columns>,
    /// Of two sections that stand side by side only one was found.
    one_column_seen: bool,
    /// Section and label.
    read: BTreeSet<(usize, &'a str)>,
    /// For each column the value that may go on.
    open: [Option<Open>; 2],
    found: Vec<Located<'a>>,
}

impl<'a> Reader<'a> {
    fn row(&mut self, sheet: &Sheet<'a>, page: usize, row: &tokens::Row<'a>, margin: (f64, bool)) {
        if self.template.sections.iter().any(|section| section.column) {
            let matches = self.vocabulary.matches(sheet, &row.tokens);
            self.columns_open(sheet, &row.tokens, &matches);
        }
        match self.columns {
            Some(Columns { split, .. }) => {
                let right_of = |token: &&Token<'_>| f64::from(token.rect().x) + f64::from(token.rect().width) / 2.0 >= split;
                let mut right: Vec<Token<'a>> = row.tokens.iter().filter(right_of).cloned().collect();
                let mut left: Vec<Token<'a>> = row.tokens.iter().filter(|token| !right_of(token)).cloned().collect();
                // a long value runs over the border, up to the other column's label
                let label = self.vocabulary.matches(sheet, &right).first().map_or(0, |first| first.from);
                let near = |a: Option<&Token<'_>>, b: &Token<'_>| a.is_some_and(|a| tokens::gap(a, b) < sheet.em);
                let over =
                    (0..label).take_while(|at| near(if *at == 0 { left.last() } else { right.get(at - 1) }, &right[*at])).count();
                left.extend(right.drain(..over).collect::<Vec<_>>());
                let before = self.found.len();
                self.cell(sheet, page, (&left, 0), row.centre_y, (split - 1.5 * sheet.em, false));
                self.cell(sheet, page, (&right, 1), row.centre_y, margin);
                // words that lie on the border are nobody's
                let reach = |token: &Token<'_>| (f64::from(token.rect().x), f64::from(token.rect().right()));
                let border = split - 0.2 * sheet.em..split + 0.2 * sheet.em;
                if row.tokens.iter().map(reach).any(|(from, to)| from < border.start && to > border.end) {
                    self.found[before..].iter_mut().for_each(|located| located.sure = false);
                }
            }
            None => self.cell(sheet, page, (&row.tokens, 0), row.centre_y, margin),
        }
    }

    /// Two sections that open on one row stand side by side.
    fn columns_open(&mut self, sheet: &Sheet<'a>, row: &[Token<'a>], matches: &[Match<'a>]) {
        let mut openers: Vec<(usize, &Match<'a>)> = Vec::new();
        for matched in matches {
            let Some(section) = self.opened_by(matched).filter(|section| self.template.sections[*section].column) else {
                continue;
            };
            if openers.iter().all(|(other, _)| *other != section) {
                openers.push((section, matched));
            }
        }
        let next = matches.first().and_then(|first| self.opened_by(first)).filter(|section| !self.closed[*section]);
        if let (Some(columns), Some(next)) = (self.columns, next.filter(|next| !self.template.sections[*next].column)) {
            columns.sections.iter().for_each(|column| self.closed[*column] = true);
            (self.columns, self.current, self.lost) = (None, next, false);
        }
        let start = |matched: &Match<'_>| f64::from(row[matched.from].rect().x);
        match openers.as_slice() {
            [(left, a), (right, b)] if self.columns.is_none() && !self.closed[*left] && !self.closed[*right] => {
                let split = if a.cue && b.cue {
                    // headings stand in the middle of their columns
                    let end = |matched: &Match<'_>| f64::from(row[matched.to - 1].rect().right());
                    (start(a) + end(a) + start(b) + end(b)) / 4.0
                } else {
                    start(b) - 0.5 * sheet.em
                };
                self.closed[self.current] = true;
                self.lost = false;
                self.columns = Some(Columns { split, sections: [*left, *right] });
            }
            [(_, _)] if self.columns.is_none() => self.one_column_seen = true,
            _ => {}
        }
    }

    fn cell(&mut self, sheet: &Sheet<'a>, page: usize, (cell, side): (&[Token<'a>], usize), centre_y: f64, margin: (f64, bool)) {
        let matches = self.vocabulary.matches(sheet, cell);
        let before = matches.first().map_or(cell.len(), |first| first.from);
        self.go_on(sheet, (&cell[..before], side), centre_y, margin);
        let first = self.found.len();
        for (nth, matched) in matches.iter().enumerate() {
            let end = matches.get(nth + 1).map_or(cell.len(), |next| next.from);
            self.open[side] = None;
            let Some(section) = self.section_of(matched, side) else { continue };
            if matched.cue {
                continue;
            }
            let (value, ended) = value_of(&cell[matched.to..end], nth + 1 < matches.len(), sheet.em);
            let right = value.last().or(cell.get(matched.to - 1)).map_or(0.0, |token| f64::from(token.rect().right()));
            self.found.push(Located {
                section,
                label: matched.label,
                label_words: words(&cell[matched.from..matched.to]),
                sure: matched.sure && !(self.one_column_seen && self.template.sections[section].column),
                value,
                page,
                ends_surely: true,
            });
            let last = nth + 1 == matches.len();
            if last && (!ended || self.found.len() > first + 1 || self.is_spoken(self.found.len() - 1)) {
                self.open[side] = Some(Open { located: self.found.len() - 1, first, ended, centre_y, right, rows: 1 });
            }
        }
    }

    /// Words without a label at the beginning of a row: the rest of the value above, when that row was full.
    fn go_on(&mut self, sheet: &Sheet<'a>, (tokens, side): (&[Token<'a>], usize), centre_y: f64, (margin, known): (f64, bool)) {
        let Some(open) = self.open[side].take() else { return };
        let (tokens, led) = value_of(tokens, false, sheet.em);
        let Some(first) = tokens.first() else { return };
        let far = centre_y - open.centre_y > 2.6 * sheet.em;
        let unknown_label = tokens.iter().any(|token| token.colon) && first.text.starts_with(char::is_uppercase);
        if far || tokens::is_numbering(first) {
            return;
        }
        let full = open.right + 0.5 * sheet.em + f64::from(first.rect().width) > margin;
        if unknown_label {
            // or a colon of dust, and the rest of what filled the row above
            self.found[open.located].ends_surely &= !full;
            return;
        }
        // of several cells on a row nobody knows whose words go on in the next
        self.found[open.first..open.located].iter_mut().for_each(|before| before.ends_surely = false);
        let right = tokens.last().map_or(0.0, |token| f64::from(token.rect().right()));
        if self.is_spoken(open.located) && tokens.iter().all(|token| spoken_date::is_rest(token.text)) {
            // the end of a number, however much room the row above had left, and whatever dust ended it
            self.found[open.located].value.extend(tokens);
            self.open[side] = Some(Open { centre_y, right, rows: open.rows + 1, ..open });
            return;
        }
        if open.ended {
            return;
        }
        let capitals = tokens.iter().all(|token| !token.text.chars().any(char::is_lowercase))
            && tokens.iter().any(|token| token.text.chars().any(char::is_alphabetic));
        let heading = capitals && tokens.last().is_some_and(|token| token.colon);
        let small = first.text.chars().next().is_some_and(|c| !c.is_uppercase());
        let located = &mut self.found[open.located];
        let label = located.label;
        let expected = |value| fields_of(&self.template.sections[located.section], label).any(|field| field.value == value);
        if !full || heading {
            // a sentence that goes on where the row had room left; or nobody knows how much room there was
            located.ends_surely &= heading || (known && !small);
            return;
        }
        let itself_full = right > margin - 4.0 * sheet.em;
        let surely = known && expected(ValueType::Text) && (small || !itself_full) && open.rows < MOST_ROWS;
        // a name in capitals that goes on in capitals where its own column begins
        let begins = located.label_words.first().map_or(0.0, |word| f64::from(word.rect.x));
        let begins_alike = (f64::from(first.rect().x) - begins).abs() < sheet.em;
        let in_capitals = capitals && located.value.iter().all(|token| !token.text.chars().any(char::is_lowercase));
        let name = self.columns.is_some() && expected(ValueType::Name) && begins_alike && in_capitals && open.rows == 1;
        located.ends_surely &= surely || name && !itself_full;
        located.value.extend(tokens);
        if !led {
            self.open[side] = Some(Open { centre_y, right, rows: open.rows + 1, ..open });
        }
    }

    /// Is it a day in words?
    fn is_spoken(&self, located: usize) -> bool {
        let located = &self.found[located];
        fields_of(&self.template.sections[located.section], located.label).any(|field| field.value == ValueType::DateInWords)
    }

    /// The section to which a label or heading belongs where it stands; opens it if need be.
    fn section_of(&mut self, matched: &Match<'a>, side: usize) -> Option<usize> {
        let opened = self.opened_by(matched);
        if let Some(columns) = self.columns {
            let own = columns.sections[side];
            let first = has(&self.template.sections[own], matched) && self.read_once(own, matched);
            return first.then_some(own);
        }
        match opened.filter(|section| !self.closed[*section]) {
            Some(section) if section != self.current => {
                self.closed[self.current] = true;
                (self.current, self.lost) = (section, false);
            }
            // a label that only this section has cannot be another's
            Some(_) => return Some(self.current),
            None if self.lost || !has(&self.template.sections[self.current], matched) => return None,
            None => {}
        }
        let first = self.read_once(self.current, matched);
        self.lost |= !first && self.is_shared(matched.label);
        first.then_some(self.current)
    }

    fn read_once(&mut self, section: usize, matched: &Match<'a>) -> bool {
        matched.cue || self.read.insert((section, matched.label.folded.as_str()))
    }

    /// The one section that this label or heading belongs to, if it may open a section at all.
    fn opened_by(&self, matched: &Match<'a>) -> Option<usize> {
        let mut having =
            self.template.sections.iter().enumerate().filter(|(_, section)| has(section, matched)).map(|(index, _)| index);
        let section = having.next()?;
        let may_open = matched.cue || matched.label.folded.len() >= OPENING_LETTERS || section == self.current;
        (having.next().is_none() && may_open).then_some(section)
    }

    fn is_shared(&self, label: &Label) -> bool {
        self.template.sections.iter().filter(|section| fields_of(section, label).next().is_some()).count() > 1
    }
}

/// The section's fields under this label.
pub(in crate::extract) fn fields_of<'t>(section: &'t Section, label: &Label) -> impl Iterator<Item = &'t FieldRule> {
    section.fields.iter().filter(move |field| field.labels.iter().any(|own| own.folded == label.folded))
}

fn has(section: &Section, matched: &Match<'_>) -> bool {
    match matched.cue {
        true => section.cues.contains(matched.label),
        false => fields_of(section, matched.label).next().is_some(),
    }
}

/// What stands between a label and the next, without leaders, the noise behind them and the next one's numbering; and whether it
/// surely ends here: at a wide gap or at dots.
fn value_of<'a>(tokens: &[Token<'a>], label_follows: bool, em: f64) -> (Vec<Token<'a>>, bool) {
    let noise = |token: &Token<'_>| token.folded.is_empty() || token.word.confidence < tokens::NOISE;
    // one dot is dust, or the end of a sentence
    let leads = |token: &Token<'_>| token.is_leader() && (token.text.chars().nth(1).is_some() || token.text == "…");
    let last_leader = tokens.iter().rposition(leads);
    let behind = last_leader.filter(|at| tokens[at + 1..].iter().all(noise));
    let (tokens, mut ended) = (&tokens[..behind.unwrap_or(tokens.len())], behind.is_some());
    let mut value: Vec<Token<'a>> = Vec::new();
    for token in tokens.iter().filter(|token| !token.is_leader()) {
        if value.last().is_some_and(|last| tokens::gap(last, token) > WIDE_GAP * em) {
            ended = true;
            break;
        }
        value.push(token.clone());
    }
    if label_follows && value.len() > 1 && value.last().is_some_and(tokens::is_numbering) {
        value.pop();
    }
    (value, ended)
}

fn words<'a>(tokens: &[Token<'a>]) -> Vec<&'a sohoa_record::text::Word> {
    let mut words: Vec<&sohoa_record::text::Word> = tokens.iter().map(|token| token.word).collect();
    words.dedup_by(|a, b| std::ptr::eq(*a, *b));
    words
}
