//! Which document is which result of the register. Each result takes at most one document and each document is taken at most once,
//! so no rate can pass 100 %; the order of the input has no influence.
//!
//! Documents are taken in passes, from the surest evidence to the weakest ([`How`]). Where the paper itself is recognized, the best
//! of several scans is taken. Where only the dossier is, any of its documents could be the result, so one that still waits for
//! review is taken first: a sealed application form must not stand for an unread result.

use crate::number::NumberKey;
use crate::register::longest;
use crate::{RegisterRow, Units};
use jiff::civil::Date;
use serde::Serialize;
use sohoa_record::DossierCode;
use sohoa_record::manifest::State;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// What the index knows of a document. Values in doubt are left out by the caller (`None`): they must not find a result.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry {
    /// The record's identifier, or another name under which the caller shows the document.
    pub record: String,
    /// The unit the document belongs to.
    pub unit: Option<String>,
    /// The procedure's code. Not used for matching.
    pub procedure: Option<String>,
    /// The dossier's code.
    pub dossier_code: Option<DossierCode>,
    /// `code_number`, such as `15`.
    pub code_number: Option<String>,
    /// `code_notation`, such as `QĐ-UBND`.
    pub code_notation: Option<String>,
    /// `issued_date`.
    pub issued_date: Option<Date>,
    /// The outcome.
    pub state: State,
    /// Whether it bears a legal signature.
    pub signed: bool,
    /// Whether it is committed to the store.
    pub archived: bool,
    /// The day on which it came in, at +07:00.
    pub arrived: Date,
}

/// On what evidence a document was taken for a result, the surest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum How {
    /// Dossier code, number and date agree.
    CodeNumberDate,
    /// Unit, number with notation, and date agree.
    UnitNumberDate,
    /// Dossier code and number agree; the date does not or is not known.
    CodeNumber,
    /// The dossier code agrees, and nothing says that it is another paper of the dossier.
    Code,
    /// Number and date agree, unit or notation is missing on one side, and there is only one such pair.
    NumberDate,
}

/// One result: the rows of the register that say the same, taken together.
#[derive(Clone, Debug)]
pub(crate) struct Paper {
    /// Positions in the register, the first stands for all.
    pub rows: Vec<usize>,
    /// Canonical.
    pub unit: Option<String>,
    pub code: Option<DossierCode>,
    pub number: Option<NumberKey>,
    pub date: Option<Date>,
    pub year: Option<i16>,
    pub valid_until: Option<Date>,
    pub in_doubt: bool,
}

/// A document as it is compared.
#[derive(Clone, Debug)]
pub(crate) struct Document {
    /// Position among the entries.
    pub index: usize,
    /// Canonical.
    pub unit: Option<String>,
    code: Option<DossierCode>,
    number: Option<NumberKey>,
    date: Option<Date>,
}

/// Who was taken for whom; positions in the two lists that were compared.
pub(crate) struct Matching {
    pub document_of: Vec<Option<(usize, How)>>,
    pub paper_of: Vec<Option<usize>>,
    /// Documents that were not taken though the register knows their dossier or their number: other papers, further scans.
    pub companions: BTreeSet<usize>,
}

/// The results of a register, each once, in an order of their own.
pub(crate) fn papers(register: &[RegisterRow], units: &Units) -> Vec<Paper> {
    let canonical = |unit: &Option<String>| unit.as_ref().map(|unit| units.canonical(unit));
    let mut order: Vec<usize> = (0..register.len()).collect();
    order.sort_by(|a, b| register[*a].cmp(&register[*b]));
    let mut papers: Vec<Paper> = Vec::new();
    let mut seen = BTreeMap::new();
    for index in order {
        let row = &register[index];
        let unit = canonical(&row.unit);
        if let Some((_, code, number, date, year)) = row.identity() {
            let next = papers.len();
            let first = *seen.entry((unit.clone(), code, number, date, year)).or_insert(next);
            if first != next {
                let paper = &mut papers[first];
                paper.rows.push(index);
                paper.valid_until = longest(paper.valid_until, row.valid_until);
                paper.in_doubt |= row.in_doubt;
                continue;
            }
        }
        papers.push(Paper {
            rows: vec![index],
            unit,
            code: row.dossier_code.clone(),
            number: row.number.as_deref().and_then(NumberKey::parse),
            date: row.date,
            year: row.year,
            valid_until: row.valid_until,
            in_doubt: row.in_doubt,
        });
    }
    papers
}

/// The documents that had come in by `as_of`, in an order of their own: sealed before the others, signed before unsigned.
pub(crate) fn documents(entries: &[Entry], units: &Units, as_of: Date) -> Vec<Document> {
    let mut order: Vec<usize> = (0..entries.len()).filter(|index| entries[*index].arrived <= as_of).collect();
    let best_first = |entry: &Entry| (best(entry.state), !entry.signed, !entry.archived);
    order.sort_by(|a, b| {
        let (a, b) = (&entries[*a], &entries[*b]);
        best_first(a).cmp(&best_first(b)).then_with(|| a.cmp(b))
    });
    let document = |index: usize| {
        let entry = &entries[index];
        let number = entry.code_number.as_deref();
        Document {
            index,
            unit: entry.unit.as_ref().map(|unit| units.canonical(unit)),
            code: entry.dossier_code.clone(),
            number: number.and_then(|number| NumberKey::join(number, entry.code_notation.as_deref())),
            date: entry.issued_date,
        }
    };
    order.into_iter().map(document).collect()
}

/// Takes documents for results, pass by pass.
pub(crate) fn matching(papers: &[Paper], documents: &[Document], entries: &[Entry]) -> Matching {
    let mut taken = Taken { document_of: vec![None; papers.len()], paper_of: vec![None; documents.len()] };
    let best_first: Vec<usize> = (0..documents.len()).collect();
    let mut unfinished_first = best_first.clone();
    unfinished_first.sort_by_key(|at| {
        let entry = &entries[documents[*at].index];
        (unfinished(entry.state), entry.signed, entry.archived)
    });

    taken.pass(
        How::CodeNumberDate,
        papers,
        documents,
        &best_first,
        |d| d.code.clone(),
        |p| p.code.clone(),
        |d, p| numbers_agree(d, p) == Some(true) && d.date.is_some() && d.date == p.date,
    );
    taken.pass(How::UnitNumberDate, papers, documents, &best_first, full_key_of_document, full_key_of_paper, |_, _| true);
    taken.pass(
        How::CodeNumber,
        papers,
        documents,
        &best_first,
        |d| d.code.clone(),
        |p| p.code.clone(),
        |d, p| numbers_agree(d, p) == Some(true),
    );
    taken.pass(
        How::Code,
        papers,
        documents,
        &unfinished_first,
        |d| d.code.clone(),
        |p| p.code.clone(),
        |d, p| {
            // Another number is another paper of the dossier, unless at least the day is the same.
            numbers_agree(d, p) != Some(false) || (d.date.is_some() && d.date == p.date)
        },
    );
    taken.only_pairs(papers, documents);

    let companions = companions(&taken, papers, documents);
    Matching { document_of: taken.document_of, paper_of: taken.paper_of, companions }
}

type FullKey = (String, NumberKey, Date);

fn full_key_of_document(d: &Document) -> Option<FullKey> {
    full_key(&d.unit, &d.number, d.date)
}

fn full_key_of_paper(p: &Paper) -> Option<FullKey> {
    full_key(&p.unit, &p.number, p.date)
}

/// Unit, number with notation and date: every unit of a level uses the same notations, so all are needed.
fn full_key(unit: &Option<String>, number: &Option<NumberKey>, date: Option<Date>) -> Option<FullKey> {
    let number = number.clone().filter(|number| !number.notation.is_empty())?;
    Some((unit.clone()?, number, date?))
}

/// `None` when one of them has no number.
fn numbers_agree(d: &Document, p: &Paper) -> Option<bool> {
    Some(d.number.as_ref()?.agrees(p.number.as_ref()?))
}

fn best(state: State) -> u8 {
    match state {
        State::Sealed => 0,
        State::Skipped => 1,
        State::Review => 2,
        State::Failed => 3,
    }
}

/// A failed scan is never undone, so it must not stand before a good one for ever; a review ends.
fn unfinished(state: State) -> u8 {
    match state {
        State::Review => 0,
        State::Sealed => 1,
        State::Skipped => 2,
        State::Failed => 3,
    }
}

struct Taken {
    document_of: Vec<Option<(usize, How)>>,
    paper_of: Vec<Option<usize>>,
}

impl Taken {
    /// Gives each free document, in `order`, the first free paper that has its key and is `fit`.
    #[allow(clippy::too_many_arguments)]
    fn pass<K: Ord>(
        &mut self,
        how: How,
        papers: &[Paper],
        documents: &[Document],
        order: &[usize],
        document_key: impl Fn(&Document) -> Option<K>,
        paper_key: impl Fn(&Paper) -> Option<K>,
        fit: impl Fn(&Document, &Paper) -> bool,
    ) {
        let mut free: BTreeMap<K, VecDeque<usize>> = BTreeMap::new();
        for (at, paper) in papers.iter().enumerate().filter(|(at, _)| self.document_of[*at].is_none()) {
            if let Some(key) = paper_key(paper) {
                free.entry(key).or_default().push_back(at);
            }
        }
        for &document in order.iter().filter(|at| self.paper_of[**at].is_none()).collect::<Vec<_>>() {
            let Some(candidates) = document_key(&documents[document]).and_then(|key| free.get_mut(&key)) else { continue };
            let Some(first) = candidates.iter().position(|paper| fit(&documents[document], &papers[*paper])) else { continue };
            if let Some(paper) = candidates.remove(first) {
                self.take(document, paper, how);
            }
        }
    }

    /// The last pass: number and date agree, what else is known does not disagree, and neither side has a second candidate.
    fn only_pairs(&mut self, papers: &[Paper], documents: &[Document]) {
        let mut free: BTreeMap<(&str, Date), Vec<usize>> = BTreeMap::new();
        for (at, paper) in papers.iter().enumerate().filter(|(at, _)| self.document_of[*at].is_none()) {
            if let Some((number, date)) = paper.number.as_ref().zip(paper.date) {
                free.entry((&number.number, date)).or_default().push(at);
            }
        }
        let mut wanted_by: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for (at, document) in documents.iter().enumerate().filter(|(at, _)| self.paper_of[*at].is_none()) {
            let Some((number, date)) = document.number.as_ref().zip(document.date) else { continue };
            let Some(candidates) = free.get(&(number.number.as_str(), date)) else { continue };
            let mut fitting = candidates.iter().filter(|paper| nothing_disagrees(document, &papers[**paper]));
            if let (Some(only), None) = (fitting.next(), fitting.next()) {
                wanted_by.entry(*only).or_default().push(at);
            }
        }
        for (paper, by) in wanted_by {
            if let [only] = by[..] {
                self.take(only, paper, How::NumberDate);
            }
        }
    }

    fn take(&mut self, document: usize, paper: usize, how: How) {
        self.document_of[paper] = Some((document, how));
        self.paper_of[document] = Some(paper);
    }
}

fn nothing_disagrees(d: &Document, p: &Paper) -> bool {
    let same_or_unknown_unit = d.unit.as_ref().zip(p.unit.as_ref()).is_none_or(|(a, b)| a == b);
    let same_or_unknown_code = d.code.as_ref().zip(p.code.as_ref()).is_none_or(|(a, b)| a == b);
    numbers_agree(d, p) == Some(true) && same_or_unknown_unit && same_or_unknown_code
}

fn companions(taken: &Taken, papers: &[Paper], documents: &[Document]) -> BTreeSet<usize> {
    let codes: BTreeSet<&DossierCode> = papers.iter().filter_map(|paper| paper.code.as_ref()).collect();
    let numbers: BTreeSet<FullKey> = papers.iter().filter_map(full_key_of_paper).collect();
    let is_known = |document: &Document| {
        let by_number = full_key_of_document(document).is_some_and(|key| numbers.contains(&key));
        by_number || document.code.as_ref().is_some_and(|code| codes.contains(code))
    };
    let free = documents.iter().enumerate().filter(|(at, _)| taken.paper_of[*at].is_none());
    free.filter(|(_, document)| is_known(document)).map(|(at, _)| at).collect()
}

#[cfg(test)]
mod tests;
