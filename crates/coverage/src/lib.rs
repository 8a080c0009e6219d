//! How far each unit is from its yearly target: the register says what exists on paper (the denominator), the index says what
//! was digitized, signed and archived (the numerators), dated tables say which level a unit is of and what it should reach.
//!
//! It is *not* a place for files, sockets, clocks or tables on a screen: bytes, dates and slices come in, values go out, and the
//! order of the input never changes a figure. A figure that cannot be known is `None`, never 0 and never 100.

pub mod date;
pub mod formula;
pub mod indicators;
pub mod matching;
pub mod number;
pub mod percent;
pub mod plan;
pub mod register;
pub mod targets;
pub mod units;
pub mod witness;

pub use indicators::{
    Counted, Entry, Evidence, Formula, Group, How, Indicator, Listed, NO_UNIT, Population, ReportRow, evidence, formula, listed,
    report, reports,
};
pub use percent::Percent;
pub use plan::{Pace, WorkCalendar, pace};
pub use register::{Effect, RegisterImport, RegisterRow, RowProblem, parse_register};
pub use targets::{Certainty, Target, Targets};
pub use units::{Level, Unit, Units};

/// A table of units or targets that cannot be used, and what to change in it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The text is no TOML of the expected shape.
    #[error("{table} table: {cause}; compare it with the table that sohoa carries")]
    Toml {
        /// `units` or `targets`.
        table: &'static str,
        /// The reader's own words, with line and column.
        cause: String,
    },
    /// One entry says something that cannot be.
    #[error("units table, unit '{code}': {cause}")]
    Unit {
        /// The unit's code as it stands in the table.
        code: String,
        /// Cause and remedy.
        cause: String,
    },
    /// One entry says something that cannot be.
    #[error("targets table, {level} {year}: {cause}")]
    Target {
        /// The level of the entry.
        level: Level,
        /// The year of the entry.
        year: i16,
        /// Cause and remedy.
        cause: String,
    },
}
