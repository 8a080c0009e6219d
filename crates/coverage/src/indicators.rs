//! Rates against targets, by unit, by level and in all, and the exact rows and documents behind each of them.

use crate::matching::{Document, Matching, Paper, documents, matching, papers};
use crate::{Certainty, Level, Percent, RegisterRow, Targets, Units, plan};
use jiff::civil::Date;
use serde::Serialize;
use sohoa_record::manifest::State;
use std::collections::BTreeMap;

pub use crate::formula::{Formula, Indicator, Population, formula};
pub use crate::matching::{Entry, How};

/// Stands for the unit of rows and documents that name none.
pub const NO_UNIT: &str = "unknown";

/// Over what a row of the report sums.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Group {
    /// One unit.
    Unit,
    /// All units of one level.
    Level,
    /// Everything, units of unknown level included.
    All,
}

/// One figure: an indicator of a unit, a level or all, in a year.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ReportRow {
    /// Over what it sums.
    pub group: Group,
    /// The unit's code ([`NO_UNIT`] for what names none); null for a level or all.
    pub unit: Option<String>,
    /// The unit's name, if the table of units knows it.
    pub unit_name: Option<String>,
    /// Null for all.
    pub level: Option<Level>,
    /// Calendar year.
    pub year: i16,
    /// What is counted above the line.
    pub indicator: Indicator,
    /// What is counted below the line.
    pub population: Population,
    /// Results that have it. Without a register: documents of the year that have it.
    pub numerator: u64,
    /// Results there are; null when there is no register, 0 when the register has none for this unit and year.
    pub denominator: Option<u64>,
    /// Percent with two decimals; null when the denominator is unknown or 0.
    pub rate: Option<Percent>,
    /// Whole percent; null when none is set for this level, year and indicator.
    pub target: Option<u8>,
    /// Whether the exact share is at least the target; null when rate or target is.
    pub met: Option<bool>,
    /// Results missing to the target; null when rate or target is.
    pub gap: Option<u64>,
    /// The document that sets the target.
    pub basis: Option<String>,
    /// How sure the target is.
    pub certainty: Option<Certainty>,
    /// Identifier of the formula, see [`formula`].
    pub formula: &'static str,
    /// Of the denominator: results whose document was lawfully skipped; `digitized` counts them as done.
    pub skipped: u64,
    /// Of the denominator: results whose document waits for review.
    pub in_review: u64,
    /// Of the denominator: results whose document failed.
    pub failed: u64,
    /// Of the denominator: results whose row in the register is in doubt.
    pub in_doubt: u64,
    /// Results in no denominator, of any year, because their year cannot be read; while there are any the rate may be too high.
    pub undated: u64,
    /// Documents of the year that no row of the register knows; null when there is no register. They raise no rate.
    pub unregistered: Option<u64>,
    /// The day as of which it holds, `YYYY-MM-DD`.
    pub as_of: String,
}

/// One result of a denominator and what became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counted {
    /// Position in the register; the first of the rows that repeat each other.
    pub row: usize,
    /// The unit's canonical code.
    pub unit: Option<String>,
    /// The unit's level in that year.
    pub level: Level,
    /// Whether its row is in doubt.
    pub in_doubt: bool,
    /// Position among the entries of the document taken for it, and on what evidence.
    pub document: Option<(usize, How)>,
    /// In the numerator of `digitized`.
    pub digitized: bool,
    /// In the numerator of `signed`.
    pub signed: bool,
    /// In the numerator of `archived`.
    pub archived: bool,
    /// The document's outcome.
    pub state: Option<State>,
}

/// The exact lists behind the figures of a year; positions in the register and among the entries that were given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Evidence {
    /// The denominator, one element a result; the flags say which numerators it is in.
    pub counted: Vec<Counted>,
    /// Rows without a readable year: in no denominator.
    pub undated: Vec<usize>,
    /// Rows that repeat another row.
    pub repeated: Vec<usize>,
    /// Documents of the year that no row of the register knows.
    pub unregistered: Vec<usize>,
    /// Documents whose dossier or number the register knows, but which are not the one taken: other papers, further scans.
    pub companions: Vec<usize>,
}

/// The figures of a year as of a day: every unit that register or entries name, then every level, then all; three indicators each.
///
/// `register` is `None` when none was imported: then denominators and rates are unknown. The order of the input has no influence.
pub fn report(
    entries: &[Entry],
    register: Option<&[RegisterRow]>,
    units: &Units,
    targets: &Targets,
    year: i16,
    as_of: Date,
) -> Vec<ReportRow> {
    reports(entries, register, units, targets, [year], as_of).remove(&year).unwrap_or_default()
}

/// The figures of several years, as [`report`] gives them for each, for little more than the price of one.
pub fn reports(
    entries: &[Entry],
    register: Option<&[RegisterRow]>,
    units: &Units,
    targets: &Targets,
    years: impl IntoIterator<Item = i16>,
    as_of: Date,
) -> BTreeMap<i16, Vec<ReportRow>> {
    let compared = Compared::new(entries, register, units, as_of);
    let rows = |year| Some((year, compared.rows(&YearSpan::new(year, as_of)?, targets, as_of)));
    years.into_iter().filter_map(rows).collect()
}

/// The exact lists behind the figures that [`report`] gives for the same arguments.
pub fn evidence(entries: &[Entry], register: &[RegisterRow], units: &Units, year: i16, as_of: Date) -> Evidence {
    let compared = Compared::new(entries, Some(register), units, as_of);
    YearSpan::new(year, as_of).and_then(|span| compared.evidence(&span)).unwrap_or_default()
}

/// One line of the list behind a year's figures: a result of the register, or without a register a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Position in the register; none without one.
    pub row: Option<usize>,
    /// Position among the entries of the document that was taken for it.
    pub document: Option<usize>,
    /// The unit's canonical code.
    pub unit: Option<String>,
    /// The unit's level in that year.
    pub level: Level,
    /// In the numerators of `digitized`, `signed` and `archived`.
    pub counts: [bool; 3],
}

/// What [`report`] counted for the same arguments, line by line: of a group those that [count](Listed::counts) are its numerator and all its
/// denominator, in the register's order. Without a register those that count are the numerator.
pub fn listed(entries: &[Entry], register: Option<&[RegisterRow]>, units: &Units, year: i16, as_of: Date) -> Vec<Listed> {
    let Some(span) = YearSpan::new(year, as_of) else { return Vec::new() };
    let compared = Compared::new(entries, register, units, as_of);
    if let Some(evidence) = compared.evidence(&span) {
        let of = |of: Counted| Listed {
            row: Some(of.row),
            document: of.document.map(|(index, _)| index),
            unit: of.unit,
            level: of.level,
            counts: [of.digitized, of.signed, of.archived],
        };
        return evidence.counted.into_iter().map(of).collect();
    }
    let documents = compared.documents.iter().filter(|document| span.has_document(document, entries));
    let of = |document: &Document| Listed {
        row: None,
        document: Some(document.index),
        unit: document.unit.clone(),
        level: span.level(&document.unit, units),
        counts: Indicator::ALL.map(|indicator| has(&entries[document.index], indicator)),
    };
    documents.map(of).collect()
}

/// Documents and the register, compared: what is the same for every year.
struct Compared<'a> {
    entries: &'a [Entry],
    units: &'a Units,
    documents: Vec<Document>,
    /// None without a register.
    papers: Option<(Vec<Paper>, Matching)>,
}

impl<'a> Compared<'a> {
    fn new(entries: &'a [Entry], register: Option<&[RegisterRow]>, units: &'a Units, as_of: Date) -> Self {
        let documents = documents(entries, units, as_of);
        // Documents are matched with the register of all years: a result of another year takes its own document away from this one.
        let matched = |register| {
            let papers = papers(register, units);
            let matching = matching(&papers, &documents, entries);
            (papers, matching)
        };
        let papers = register.map(matched);
        Self { entries, units, documents, papers }
    }

    fn rows(&self, span: &YearSpan, targets: &Targets, as_of: Date) -> Vec<ReportRow> {
        let (entries, units) = (self.entries, self.units);
        let mut by_unit: BTreeMap<(Level, Option<String>), Tally> = BTreeMap::new();
        let mut tally = |unit: &Option<String>, add: &dyn Fn(&mut Tally)| {
            add(by_unit.entry((span.level(unit, units), unit.clone())).or_default());
        };
        for document in &self.documents {
            tally(&document.unit, &|_| ());
        }
        for paper in self.papers.iter().flat_map(|(papers, _)| papers) {
            tally(&paper.unit, &|t| t.undated += u64::from(paper.year.is_none()));
        }
        if let Some(evidence) = self.evidence(span) {
            for counted in &evidence.counted {
                tally(&counted.unit, &|t| t.count(counted));
            }
            for index in evidence.unregistered {
                let unit = entries[index].unit.as_ref().map(|unit| units.canonical(unit));
                tally(&unit, &|t| t.unregistered += 1);
            }
        } else {
            for document in self.documents.iter().filter(|document| span.has_document(document, entries)) {
                tally(&document.unit, &|t| t.count_document(&entries[document.index]));
            }
        }
        Writer { units, targets, span, has_register: self.papers.is_some(), as_of }.rows(&by_unit)
    }

    /// What the register says of a year; none without one.
    fn evidence(&self, span: &YearSpan) -> Option<Evidence> {
        let (papers, matching) = self.papers.as_ref()?;
        let (documents, entries) = (&self.documents, self.entries);
        let mut evidence = Evidence::default();
        for (paper, taken) in papers.iter().zip(&matching.document_of) {
            evidence.repeated.extend(&paper.rows[1..]);
            if paper.year.is_none() {
                evidence.undated.push(paper.rows[0]);
            }
            if span.has_paper(paper) {
                let document = taken.map(|(at, how)| (documents[at].index, how));
                evidence.counted.push(counted(paper, document, entries, span.level(&paper.unit, self.units)));
            }
        }
        for (at, document) in documents.iter().enumerate().filter(|(at, _)| matching.paper_of[*at].is_none()) {
            if matching.companions.contains(&at) {
                evidence.companions.push(document.index);
            } else if span.has_document(document, entries) {
                evidence.unregistered.push(document.index);
            }
        }
        for list in [&mut evidence.undated, &mut evidence.repeated, &mut evidence.unregistered, &mut evidence.companions] {
            list.sort_unstable();
        }
        evidence.counted.sort_by_key(|counted| counted.row);
        Some(evidence)
    }
}

fn counted(paper: &Paper, document: Option<(usize, How)>, entries: &[Entry], level: Level) -> Counted {
    let entry = document.map(|(index, _)| &entries[index]);
    Counted {
        row: paper.rows[0],
        unit: paper.unit.clone(),
        level,
        in_doubt: paper.in_doubt,
        document,
        digitized: entry.is_some_and(|entry| has(entry, Indicator::Digitized)),
        signed: entry.is_some_and(|entry| has(entry, Indicator::Signed)),
        archived: entry.is_some_and(|entry| has(entry, Indicator::Archived)),
        state: entry.map(|entry| entry.state),
    }
}

/// Whether a document counts for an indicator; the words for it are in [`Formula::numerator`].
fn has(entry: &Entry, indicator: Indicator) -> bool {
    let is_read = matches!(entry.state, State::Sealed | State::Review);
    match indicator {
        Indicator::Digitized => matches!(entry.state, State::Sealed | State::Skipped),
        Indicator::Signed => is_read && entry.signed,
        Indicator::Archived => is_read && entry.archived,
    }
}

/// A year up to the day of the report.
struct YearSpan {
    year: i16,
    population: Population,
    first: Date,
    last: Date,
    /// The last day of the year, or the day of the report if that is earlier.
    cut: Date,
}

impl YearSpan {
    /// `None` for a year that the calendar does not have.
    fn new(year: i16, as_of: Date) -> Option<Self> {
        let (first, last) = (Date::new(year, 1, 1).ok()?, Date::new(year, 12, 31).ok()?);
        Some(Self { year, population: Population::of_year(year), first, last, cut: last.min(as_of) })
    }

    fn level(&self, unit: &Option<String>, units: &Units) -> Level {
        unit.as_ref().map_or(Level::Unknown, |unit| units.level(unit, self.first, self.last))
    }

    /// Whether a result is in this year's denominator. Where only its year is certain, that decides.
    fn has_paper(&self, paper: &Paper) -> bool {
        let Some(year) = paper.year else { return false };
        let was_issued = paper.date.map_or(year <= self.cut.year(), |date| date <= self.cut);
        was_issued
            && match self.population {
                Population::SolvedInYear => year == self.year,
                Population::ResultsInForce => paper.valid_until.is_none_or(|last| last >= self.cut),
            }
    }

    /// Whether a document that the register does not know is of this year; by the day it came in when its date is not known.
    fn has_document(&self, document: &Document, entries: &[Entry]) -> bool {
        let entry = &entries[document.index];
        let date = entry.issued_date.unwrap_or(entry.arrived);
        match self.population {
            Population::SolvedInYear => date.year() == self.year && date <= self.cut,
            Population::ResultsInForce => date <= self.cut,
        }
    }
}

#[derive(Clone, Copy, Default)]
struct Tally {
    denominator: u64,
    digitized: u64,
    signed: u64,
    archived: u64,
    skipped: u64,
    in_review: u64,
    failed: u64,
    in_doubt: u64,
    undated: u64,
    unregistered: u64,
}

impl Tally {
    fn count(&mut self, counted: &Counted) {
        self.denominator += 1;
        self.digitized += u64::from(counted.digitized);
        self.signed += u64::from(counted.signed);
        self.archived += u64::from(counted.archived);
        self.in_doubt += u64::from(counted.in_doubt);
        self.count_state(counted.state);
    }

    fn count_document(&mut self, entry: &Entry) {
        self.digitized += u64::from(has(entry, Indicator::Digitized));
        self.signed += u64::from(has(entry, Indicator::Signed));
        self.archived += u64::from(has(entry, Indicator::Archived));
        self.count_state(Some(entry.state));
    }

    fn count_state(&mut self, state: Option<State>) {
        self.skipped += u64::from(state == Some(State::Skipped));
        self.in_review += u64::from(state == Some(State::Review));
        self.failed += u64::from(state == Some(State::Failed));
    }

    fn add(&mut self, other: &Tally) {
        self.denominator += other.denominator;
        self.digitized += other.digitized;
        self.signed += other.signed;
        self.archived += other.archived;
        self.skipped += other.skipped;
        self.in_review += other.in_review;
        self.failed += other.failed;
        self.in_doubt += other.in_doubt;
        self.undated += other.undated;
        self.unregistered += other.unregistered;
    }

    fn numerator(&self, indicator: Indicator) -> u64 {
        match indicator {
            Indicator::Digitized => self.digitized,
            Indicator::Signed => self.signed,
            Indicator::Archived => self.archived,
        }
    }
}

struct Writer<'a> {
    units: &'a Units,
    targets: &'a Targets,
    span: &'a YearSpan,
    has_register: bool,
    as_of: Date,
}

impl Writer<'_> {
    fn rows(&self, by_unit: &BTreeMap<(Level, Option<String>), Tally>) -> Vec<ReportRow> {
        let mut rows = Vec::new();
        let mut by_level: BTreeMap<Level, Tally> = BTreeMap::new();
        let mut all = Tally::default();
        for ((level, unit), tally) in by_unit {
            let unit = unit.as_deref().unwrap_or(NO_UNIT);
            rows.extend(self.three(Group::Unit, Some(unit), Some(*level), tally));
            by_level.entry(*level).or_default().add(tally);
            all.add(tally);
        }
        for (level, tally) in &by_level {
            rows.extend(self.three(Group::Level, None, Some(*level), tally));
        }
        rows.extend(self.three(Group::All, None, None, &all));
        rows
    }

    fn three(&self, group: Group, unit: Option<&str>, level: Option<Level>, tally: &Tally) -> [ReportRow; 3] {
        Indicator::ALL.map(|indicator| self.row(group, unit, level, tally, indicator))
    }

    fn row(&self, group: Group, unit: Option<&str>, level: Option<Level>, tally: &Tally, indicator: Indicator) -> ReportRow {
        let numerator = tally.numerator(indicator);
        let denominator = self.has_register.then_some(tally.denominator);
        let target = level.and_then(|level| self.targets.of(indicator, level, self.span.year));
        // A share exists only of something: neither of an unknown denominator nor of 0.
        let missing = denominator.filter(|denominator| *denominator > 0).zip(target);
        let missing = missing.map(|(denominator, target)| plan::needed(denominator, target.percent).saturating_sub(numerator));
        ReportRow {
            group,
            unit: unit.map(str::to_owned),
            unit_name: unit.and_then(|unit| self.units.unit(unit, self.span.first, self.span.last)).map(|unit| unit.name.clone()),
            level,
            year: self.span.year,
            indicator,
            population: self.span.population,
            numerator,
            denominator,
            rate: denominator.and_then(|denominator| Percent::of(numerator, denominator)),
            target: target.map(|target| target.percent),
            met: missing.map(|missing| missing == 0),
            gap: missing,
            basis: target.map(|target| target.basis.clone()),
            certainty: target.map(|target| target.certainty),
            formula: formula(indicator, self.span.population).id,
            skipped: tally.skipped,
            in_review: tally.in_review,
            failed: tally.failed,
            in_doubt: tally.in_doubt,
            undated: tally.undated,
            unregistered: self.has_register.then_some(tally.unregistered),
            as_of: self.as_of.to_string(),
        }
    }
}

#[cfg(test)]
mod tests;
