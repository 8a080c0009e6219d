//! *Chỉ tiêu*: how far each unit is from its yearly target. "Not known" is a word, never a zero.

use crate::figures;
use crate::frame::Frame;
use crate::road::{LARGE, Road, SMALL};
use askama::Template;
use sohoa_record::manifest::State;

/// The page.
#[derive(Debug, Template)]
#[template(path = "targets.html")]
pub struct TargetsPage {
    /// What stands around it.
    pub frame: Frame,
    /// The year.
    pub year: i16,
    /// Years to go to.
    pub years: Vec<i16>,
    /// The day the figures hold for.
    pub as_of: String,
    /// False while no register says what exists on paper.
    pub has_register: bool,
    /// All units together: digitized, signed, archived.
    pub all: Vec<Rate>,
    /// Each level with a target.
    pub levels: Vec<Rate>,
    /// The way of each level to 100 %.
    pub roads: Vec<Road>,
    /// Units, those that miss most first.
    pub units: Vec<Unit>,
}

/// A rate beside its target.
#[derive(Clone, Debug, Default)]
pub struct Rate {
    /// What is counted.
    pub name: String,
    /// Counted above the line.
    pub numerator: u64,
    /// Below it; none when it is not known.
    pub denominator: Option<u64>,
    /// Hundredths of a percent; none when it is not known.
    pub rate: Option<u32>,
    /// Whole percent.
    pub target: Option<u8>,
    /// Whether it is reached.
    pub met: Option<bool>,
    /// Results that are missing to it.
    pub gap: Option<u64>,
    /// The document that sets it.
    pub basis: String,
    /// The lists behind it.
    pub lists: Lists,
}

/// Where the lists behind a rate are.
#[derive(Clone, Debug, Default)]
pub struct Lists {
    /// Those that are counted above the line.
    pub done: String,
    /// All.
    pub all: String,
    /// Those that are not counted.
    pub missing: String,
}

/// A list behind a figure.
#[derive(Debug, Template)]
#[template(path = "target_list.html")]
pub struct TargetListPage {
    /// What stands around it.
    pub frame: Frame,
    /// The figure: what is counted, of whom, in which year.
    pub heading: String,
    /// Whether what is listed is counted, or missing, or both.
    pub part: String,
    /// How many lines there are on all pages.
    pub total: u64,
    /// The number of the first line on this page, from 1.
    pub first: u64,
    /// This page's lines.
    pub results: Vec<ListedResult>,
    /// Other pages: words and where they are.
    pub others: Vec<(String, String)>,
    /// The figures.
    pub back: String,
}

/// A result, or without a register a document.
#[derive(Clone, Debug)]
pub struct ListedResult {
    /// The dossier's code.
    pub dossier: String,
    /// Number and notation.
    pub number: String,
    /// The day it was issued.
    pub issued: String,
    /// The unit's code.
    pub unit: String,
    /// Whether it counts.
    pub counts: bool,
    /// The outcome of its document; none when there is none.
    pub state: Option<State>,
    /// Where its document is told in full; none when there is none, or it is not for this person.
    pub href: Option<String>,
}

impl ListedResult {
    fn style(&self) -> &'static str {
        self.state.map_or("bad", crate::paper::style)
    }

    fn word(&self, frame: &Frame) -> &'static str {
        self.state.map_or(frame.w().no_document, |state| frame.language.state(state))
    }
}

impl TargetListPage {
    fn n(&self, n: &u64) -> String {
        figures::grouped(self.frame.language, *n)
    }

    fn last(&self) -> String {
        self.n(&(self.first + self.results.len() as u64 - 1))
    }
}

/// A unit.
#[derive(Clone, Debug, Default)]
pub struct Unit {
    /// Its code.
    pub code: String,
    /// Its name.
    pub name: String,
    /// Its rate of digitized results.
    pub rate: Rate,
    /// Its way over the years.
    pub road: Road,
    /// Results that wait for a person.
    pub in_review: u64,
    /// Results whose paper was refused.
    pub failed: u64,
}

impl TargetsPage {
    /// The years of the roads, which are the same for all, and where they stand.
    fn road_years(&self) -> Vec<(u32, i16)> {
        let years = self.roads.first().map_or(&[][..], |road| &road.years);
        years.iter().enumerate().map(|(at, of)| (LARGE.x(at, years.len()), of.year)).collect()
    }
}

/// Pixels of a whole bar.
const BAR: u32 = 240;

impl Rate {
    /// How long its bar is, of [`BAR`].
    fn bar(&self) -> u32 {
        self.rate.unwrap_or(0).min(10_000) * BAR / 10_000
    }

    /// Where the target's mark stands.
    fn mark(&self) -> Option<u32> {
        self.target.map(|target| u32::from(target.min(100)) * BAR / 100)
    }

    fn told(&self, frame: &Frame) -> String {
        self.rate.map_or_else(|| frame.w().unknown.to_owned(), |rate| figures::percent(frame.language, rate))
    }

    fn above(&self, frame: &Frame) -> String {
        figures::grouped(frame.language, self.numerator)
    }

    fn below(&self, frame: &Frame) -> Option<String> {
        self.denominator.map(|n| figures::grouped(frame.language, n))
    }

    fn missing(&self, frame: &Frame) -> Option<String> {
        self.gap.map(|gap| figures::grouped(frame.language, gap))
    }
}
