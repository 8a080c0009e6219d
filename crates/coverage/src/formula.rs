//! The formulas behind every figure, each with an identifier that changes when its meaning does: official definitions have moved
//! before, and a rate is only comparable with rates of the same formula.

use serde::{Deserialize, Serialize};
use std::fmt;

/// What a document must be to count. The three are kept apart, since the targets' object changed in 2023.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Indicator {
    /// Số hóa.
    Digitized,
    /// Ký số.
    Signed,
    /// Lưu trữ điện tử.
    Archived,
}

impl Indicator {
    /// In the order of reports.
    pub const ALL: [Indicator; 3] = [Indicator::Digitized, Indicator::Signed, Indicator::Archived];

    /// As in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Indicator::Digitized => "digitized",
            Indicator::Signed => "signed",
            Indicator::Archived => "archived",
        }
    }
}

impl fmt::Display for Indicator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What is counted in a year.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Population {
    /// Results still valid at the end of the year (kết quả còn hiệu lực): until 2022.
    ResultsInForce,
    /// Results of the dossiers solved in the year: from 2023.
    SolvedInYear,
}

impl Population {
    /// The population of that year's targets (QĐ 468/QĐ-TTg).
    pub fn of_year(year: i16) -> Self {
        if year <= 2022 { Population::ResultsInForce } else { Population::SolvedInYear }
    }

    /// As in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Population::ResultsInForce => "results_in_force",
            Population::SolvedInYear => "solved_in_year",
        }
    }
}

impl fmt::Display for Population {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How a rate is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Formula {
    /// `<indicator>.<population>/<version>`; the version rises when the meaning changes.
    pub id: &'static str,
    /// What is counted above the line.
    pub numerator: &'static str,
    /// What is counted below the line; without a register it is unknown, and so is the rate.
    pub denominator: &'static str,
    /// The document that asks for it.
    pub basis: &'static str,
}

/// The formula of an indicator over a population, in its present version.
pub fn formula(indicator: Indicator, population: Population) -> &'static Formula {
    use {Indicator::*, Population::*};
    match (indicator, population) {
        (Digitized, ResultsInForce) => &DIGITIZED_IN_FORCE,
        (Signed, ResultsInForce) => &SIGNED_IN_FORCE,
        (Archived, ResultsInForce) => &ARCHIVED_IN_FORCE,
        (Digitized, SolvedInYear) => &DIGITIZED_SOLVED,
        (Signed, SolvedInYear) => &SIGNED_SOLVED,
        (Archived, SolvedInYear) => &ARCHIVED_SOLVED,
    }
}

const DIGITIZED: &str = "results of the denominator whose document is sealed, or lawfully skipped (TT 01/2023/TT-VPCP; counted apart too). \
    A document is found by number, notation, date and unit, or by dossier code; by the code alone a result counts only once no document \
    of the dossier that could be it waits for review";
const SIGNED: &str = "results of the denominator whose document is sealed or in review and bears a legal signature";
const ARCHIVED: &str = "results of the denominator whose document is sealed or in review and committed to the archive";

const IN_FORCE: &str = "results in the register issued up to the last day of the year (or the day of the report, if earlier) and still valid \
    on that day; each once, rows in doubt included, rows without a readable year left out and counted apart";
const SOLVED: &str = "results in the register issued in the year (up to the day of the report); each once, rows in doubt included, \
    rows without a readable year left out and counted apart";

const PLAN_2021: &str = "QĐ 468/QĐ-TTg (27/03/2021), 2021–2022: results still valid";
const PLAN_2023: &str = "QĐ 468/QĐ-TTg (27/03/2021), from 2023: dossiers solved in the year, digitized, signed and e-archived";

const DIGITIZED_IN_FORCE: Formula =
    Formula { id: "digitized.results_in_force/1", numerator: DIGITIZED, denominator: IN_FORCE, basis: PLAN_2021 };
const SIGNED_IN_FORCE: Formula =
    Formula { id: "signed.results_in_force/1", numerator: SIGNED, denominator: IN_FORCE, basis: PLAN_2021 };
const ARCHIVED_IN_FORCE: Formula =
    Formula { id: "archived.results_in_force/1", numerator: ARCHIVED, denominator: IN_FORCE, basis: PLAN_2021 };
const DIGITIZED_SOLVED: Formula =
    Formula { id: "digitized.solved_in_year/1", numerator: DIGITIZED, denominator: SOLVED, basis: PLAN_2023 };
const SIGNED_SOLVED: Formula =
    Formula { id: "signed.solved_in_year/1", numerator: SIGNED, denominator: SOLVED, basis: PLAN_2023 };
const ARCHIVED_SOLVED: Formula =
    Formula { id: "archived.solved_in_year/1", numerator: ARCHIVED, denominator: SOLVED, basis: PLAN_2023 };

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_say_what_they_are_and_are_unique() {
        let mut ids = std::collections::BTreeSet::new();
        for population in [Population::ResultsInForce, Population::SolvedInYear] {
            for indicator in Indicator::ALL {
                let formula = formula(indicator, population);
                assert!(formula.id.starts_with(&format!("{indicator}.{population}/")), "{}", formula.id);
                assert!(ids.insert(formula.id));
            }
        }
    }

    #[test]
    fn the_object_of_the_targets_changed_in_2023() {
        assert_eq!(Population::of_year(2021), Population::ResultsInForce);
        assert_eq!(Population::of_year(2022), Population::ResultsInForce);
        assert_eq!(Population::of_year(2023), Population::SolvedInYear);
    }
}
