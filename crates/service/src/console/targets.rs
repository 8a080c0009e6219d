//! *Chỉ tiêu*: the figures of `sohoa report`, as a leader reads them. They go over every record, so they are kept for a
//! while ([`super::kept`]).

use super::kept::Kept;
use super::seat::{Seat, Trouble};
use super::{Console, target_list};
use crate::commands::{Failure, report};
use crate::people::role::Right;
use crate::time;
use axum::extract::{Query, State};
use axum::response::{Html, IntoResponse, Response};
use sohoa_console::road::{OfYear, Road};
use sohoa_console::search::link;
use sohoa_console::targets::{Lists, Rate, TargetsPage, Unit};
use sohoa_console::words::Words;
use sohoa_console::{Language, Page, html};
use sohoa_coverage::indicators::NO_UNIT;
use sohoa_coverage::{Group, Indicator, Level, ReportRow};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// The targets begin with this year (QĐ 468/QĐ-TTg of 2021).
pub const FIRST_YEAR: i16 = 2021;

/// The figures of all years: they are made together.
pub type Figures = Arc<Kept<(), Years>>;

/// The figures of all years, those to come left out.
#[derive(Clone)]
pub struct Years {
    rows: Arc<BTreeMap<i16, Vec<ReportRow>>>,
    has_register: bool,
    as_of: String,
}

/// The page.
pub async fn page(
    seat: Seat,
    State(console): State<Console>,
    Query(asked): Query<HashMap<String, String>>,
) -> Result<Response, Trouble> {
    let own = seat.with(Right::SeeReports)?.unit.clone();
    let this_year = time::now().date().year();
    let year = match asked.get("year") {
        None => this_year,
        Some(asked) => {
            let year = asked.parse().ok().filter(|year| (FIRST_YEAR..=this_year).contains(year));
            year.ok_or_else(|| seat.not_found())?
        }
    };
    let figures = figures(&console).await.map_err(|error| seat.broken(&error))?;
    let frame = seat.frame(Some(Page::Targets)).await;
    let w = frame.w();
    let rows = || figures.rows.get(&year).into_iter().flatten();
    let all = rows().filter(|row| row.group == Group::All && own.is_none());
    let levels =
        rows().filter(|row| row.group == Group::Level && row.indicator == Indicator::Digitized && is_told(row) && own.is_none());
    // Levels come and go: a road is of any year.
    let of_years =
        figures.rows.values().flatten().filter(|row| row.group == Group::Level && row.indicator == Indicator::Digitized);
    let of_levels: BTreeMap<Option<Level>, &ReportRow> = of_years.map(|row| (row.level, row)).collect();
    let of_levels = of_levels.into_values().filter(|_| own.is_none());
    let units = rows().filter(|row| row.group == Group::Unit && row.indicator == Indicator::Digitized && is_told(row));
    let road =
        |of: &ReportRow, name| Road { name, years: figures.rows.iter().map(|(year, rows)| of_year(*year, rows, of)).collect() };
    let units = units.filter(|row| own.is_none() || row.unit == own);
    let mut units: Vec<Unit> = units.map(|row| Unit { road: road(row, String::new()), ..unit(row, w) }).collect();
    units.sort_by_key(|unit| (std::cmp::Reverse(unit.rate.gap.unwrap_or(0)), unit.name.clone(), unit.code.clone()));
    let page = TargetsPage {
        year,
        years: (FIRST_YEAR..=this_year).rev().collect(),
        as_of: figures.as_of.clone(),
        has_register: figures.has_register,
        all: all.map(|row| rate(row, indicator(row.indicator, w).to_owned())).collect(),
        levels: levels.map(|row| rate(row, level(row.level, seat.language))).collect(),
        roads: of_levels.map(|row| road(row, level(row.level, seat.language))).filter(Road::is_known).collect(),
        units,
        frame,
    };
    Ok(Html(html(&page)).into_response())
}

/// A group that has neither results nor documents of the year says nothing.
fn is_told(row: &ReportRow) -> bool {
    row.denominator != Some(0) || row.numerator > 0
}

/// What an indicator counts, in words.
pub fn indicator(indicator: Indicator, w: &'static Words) -> &'static str {
    match indicator {
        Indicator::Digitized => w.digitized,
        Indicator::Signed => w.signed,
        Indicator::Archived => w.archived,
    }
}

/// A level in words.
pub fn level(level: Option<Level>, language: Language) -> String {
    let told = match level {
        Some(Level::Province) => ("cấp tỉnh", "province"),
        Some(Level::District) => ("cấp huyện", "district"),
        Some(Level::Commune) => ("cấp xã", "commune"),
        _ => ("chưa rõ cấp", "level not known"),
    };
    language.pick(told.0, told.1).to_owned()
}

fn unit(row: &ReportRow, w: &Words) -> Unit {
    let code = row.unit.clone().unwrap_or_default();
    let name = match &row.unit_name {
        Some(name) => name.clone(),
        None if code.is_empty() || code == NO_UNIT => w.unknown.to_owned(),
        None => String::new(),
    };
    Unit { name, rate: rate(row, String::new()), code, road: Road::default(), in_review: row.in_review, failed: row.failed }
}

/// What the figure `of` is in another year. A unit that changed its level in between is looked for under its code.
fn of_year(year: i16, rows: &[ReportRow], of: &ReportRow) -> OfYear {
    let is_same = |row: &&ReportRow| {
        row.group == of.group
            && row.indicator == of.indicator
            && row.unit == of.unit
            && (row.unit.is_some() || row.level == of.level)
    };
    let row = rows.iter().find(is_same);
    OfYear {
        year,
        rate: row.and_then(|row| row.rate).map(|rate| u32::from(rate.hundredths())),
        target: row.and_then(|row| row.target),
    }
}

fn rate(row: &ReportRow, name: String) -> Rate {
    Rate {
        name,
        numerator: row.numerator,
        denominator: row.denominator,
        rate: row.rate.map(|rate| u32::from(rate.hundredths())),
        target: row.target,
        met: row.met,
        gap: row.gap,
        basis: row.basis.clone().unwrap_or_default(),
        lists: lists(row),
    }
}

/// Where [`super::target_list`] shows what a figure counts.
fn lists(row: &ReportRow) -> Lists {
    let year = row.year.to_string();
    let group = match row.group {
        Group::All => ("unit", ""),
        Group::Level => ("level", row.level.unwrap_or(Level::Unknown).as_str()),
        Group::Unit => ("unit", row.unit.as_deref().unwrap_or(NO_UNIT)),
    };
    let list =
        |of| link(target_list::PLACE, [("year", &*year), ("indicator", row.indicator.as_str()), group, ("of", of)].into_iter());
    Lists { done: list("done"), all: list("all"), missing: list("missing") }
}

/// The figures as they are known.
pub async fn figures(console: &Console) -> Result<Years, Failure> {
    console.figures.of((), make(console.clone())).await
}

async fn make(console: Console) -> Result<Years, Failure> {
    let (archive, config) = (&console.api.archive, &console.api.config);
    let (entries, register) = (report::entries(archive).await?, report::rows(archive).await?);
    let (units, targets) = (report::units(config)?, report::targets(config)?);
    let now = time::now();
    let today = now.date();
    let has_register = register.is_some();
    let years = FIRST_YEAR..=today.year();
    let made = move || sohoa_coverage::reports(&entries, register.as_deref(), &units, &targets, years, today);
    let rows = tokio::task::spawn_blocking(made).await.map_err(|e| Failure::Archive(e.to_string()))?;
    let as_of = now.strftime("%d/%m/%Y %H:%M").to_string();
    Ok(Years { rows: Arc::new(rows), has_register, as_of })
}
