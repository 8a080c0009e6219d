//! *Chỉ tiêu*: the figures of `sohoa report`, as a leader reads them. They go over every record, so they are kept for a
//! while ([`super::kept`]).

use super::Console;
use super::kept::Kept;
use super::seat::{Seat, Trouble};
use crate::commands::{Failure, report};
use crate::people::role::Right;
use crate::time;
use axum::extract::{Query, State};
use axum::response::{Html, IntoResponse, Response};
use sohoa_console::search::link;
use sohoa_console::targets::{Rate, TargetsPage, Unit};
use sohoa_console::words::Words;
use sohoa_console::{Language, Page, html};
use sohoa_coverage::indicators::NO_UNIT;
use sohoa_coverage::{Group, Indicator, Level, ReportRow};
use std::collections::HashMap;
use std::sync::Arc;

/// The targets begin with this year (QĐ 468/QĐ-TTg of 2021).
const FIRST_YEAR: i16 = 2021;

/// The figures of each year that was asked for.
pub type Figures = Arc<Kept<i16, Year>>;

/// The figures of a year.
#[derive(Clone)]
pub struct Year {
    rows: Arc<Vec<ReportRow>>,
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
    let asked = asked.get("year").and_then(|year| year.parse().ok()).filter(|year| (FIRST_YEAR..=this_year).contains(year));
    let year = asked.unwrap_or(this_year);
    let figures = console.figures.of(year, make(console.clone(), year)).await.map_err(|error| seat.broken(&error))?;
    let frame = seat.frame(Some(Page::Targets)).await;
    let w = frame.w();
    let rows = || figures.rows.iter();
    let all = rows().filter(|row| row.group == Group::All && own.is_none());
    let levels =
        rows().filter(|row| row.group == Group::Level && row.indicator == Indicator::Digitized && is_told(row) && own.is_none());
    let units = rows().filter(|row| row.group == Group::Unit && row.indicator == Indicator::Digitized && is_told(row));
    let mut units: Vec<Unit> = units.filter(|row| own.is_none() || row.unit == own).map(|row| unit(row, w)).collect();
    units.sort_by_key(|unit| (std::cmp::Reverse(unit.rate.gap.unwrap_or(0)), unit.name.clone(), unit.code.clone()));
    let page = TargetsPage {
        year,
        years: (FIRST_YEAR..=this_year).rev().collect(),
        as_of: figures.as_of.clone(),
        has_register: figures.has_register,
        all: all.map(|row| rate(row, indicator(row, w).to_owned())).collect(),
        levels: levels.map(|row| rate(row, level(row, seat.language))).collect(),
        units,
        frame,
    };
    Ok(Html(html(&page)).into_response())
}

/// A group that has neither results nor documents of the year says nothing.
fn is_told(row: &ReportRow) -> bool {
    row.denominator != Some(0) || row.numerator > 0
}

fn indicator(row: &ReportRow, w: &'static Words) -> &'static str {
    match row.indicator {
        Indicator::Digitized => w.digitized,
        Indicator::Signed => w.signed,
        Indicator::Archived => w.archived,
    }
}

fn level(row: &ReportRow, language: Language) -> String {
    let told = match row.level {
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
    Unit { name, rate: rate(row, String::new()), code, in_review: row.in_review, failed: row.failed }
}

fn rate(row: &ReportRow, name: String) -> Rate {
    let unit = row.unit.clone().unwrap_or_default();
    Rate {
        name,
        numerator: row.numerator,
        denominator: row.denominator,
        rate: row.rate.map(|rate| u32::from(rate.hundredths())),
        target: row.target,
        met: row.met,
        gap: row.gap,
        basis: row.basis.clone().unwrap_or_default(),
        href: link("/search", [("unit", unit.as_str()), ("state", "sealed")].into_iter()),
    }
}

async fn make(console: Console, year: i16) -> Result<Year, Failure> {
    let (archive, config) = (&console.api.archive, &console.api.config);
    let (entries, register) = (report::entries(archive).await?, report::rows(archive).await?);
    let (units, targets) = (report::units(config)?, report::targets(config)?);
    let now = time::now();
    let today = now.date();
    let has_register = register.is_some();
    let made = move || sohoa_coverage::report(&entries, register.as_deref(), &units, &targets, year, today);
    let rows = tokio::task::spawn_blocking(made).await.map_err(|e| Failure::Archive(e.to_string()))?;
    let as_of = now.strftime("%d/%m/%Y %H:%M").to_string();
    Ok(Year { rows: Arc::new(rows), has_register, as_of })
}
