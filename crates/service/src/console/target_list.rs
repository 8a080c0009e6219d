//! The results behind a figure of *Chỉ tiêu*: those that count, all, or those that are missing. Dossier codes and numbers, as who sees
//! reports may see them; papers for those who may see papers.

use super::kept::Kept;
use super::papers::day;
use super::seat::{Seat, Trouble};
use super::targets::{FIRST_YEAR, indicator, level};
use super::{Console, mask};
use crate::access_log::Act;
use crate::commands::{Failure, report};
use crate::people::role::Right;
use crate::time;
use axum::extract::{Query, State};
use axum::response::{Html, IntoResponse, Response};
use sohoa_console::search::link;
use sohoa_console::targets::{ListedResult, TargetListPage};
use sohoa_console::{Page, html};
use sohoa_coverage::{Entry, Indicator, Level, Listed, NO_UNIT, RegisterRow};
use sohoa_record::manifest::State as Outcome;
use std::collections::HashMap;
use std::sync::Arc;

/// Its address.
pub const PLACE: &str = "/targets/list";
/// Lines on a page.
const A_PAGE: usize = 50;
const PARTS: [&str; 3] = ["done", "all", "missing"];

/// The lines of each year that was asked for.
pub type Lines = Arc<Kept<i16, Arc<Vec<Line>>>>;

/// A line in what it is shown with.
pub struct Line {
    unit: String,
    level: Level,
    counts: [bool; 3],
    dossier: String,
    number: String,
    issued: String,
    /// Outcome and identifier of its document.
    document: Option<(Outcome, String)>,
}

/// Which lines were asked for.
struct Asked {
    year: i16,
    indicator: Indicator,
    unit: Option<String>,
    level: Option<Level>,
    part: &'static str,
    page: usize,
}

impl Asked {
    /// None when the address is none of ours.
    fn of(query: &HashMap<String, String>) -> Option<Asked> {
        let text = |name: &str| query.get(name).map_or("", String::as_str);
        let levels = [Level::Province, Level::District, Level::Commune, Level::Unknown];
        let page = match text("page") {
            "" => 1,
            page => page.parse().ok().filter(|page| *page >= 1)?,
        };
        Some(Asked {
            year: text("year").parse().ok().filter(|year| (FIRST_YEAR..=time::now().date().year()).contains(year))?,
            indicator: Indicator::ALL.into_iter().find(|indicator| indicator.as_str() == text("indicator"))?,
            unit: query.get("unit").filter(|unit| !unit.is_empty()).cloned(),
            level: match text("level") {
                "" => None,
                asked => Some(levels.into_iter().find(|level| level.as_str() == asked)?),
            },
            part: PARTS.into_iter().find(|part| *part == text("of"))?,
            page,
        })
    }

    fn has(&self, line: &Line) -> bool {
        self.unit.as_ref().is_none_or(|unit| *unit == line.unit)
            && self.level.is_none_or(|level| level == line.level)
            && match self.part {
                "done" => self.counts(line),
                "missing" => !self.counts(line),
                _ => true,
            }
    }

    fn counts(&self, line: &Line) -> bool {
        Indicator::ALL.iter().zip(line.counts).any(|(indicator, counts)| *indicator == self.indicator && counts)
    }

    fn page(&self, page: usize) -> String {
        let (year, page) = (self.year.to_string(), page.to_string());
        let parts = [
            ("year", &*year),
            ("indicator", self.indicator.as_str()),
            ("unit", self.unit.as_deref().unwrap_or_default()),
            ("level", self.level.map_or("", Level::as_str)),
            ("of", self.part),
            ("page", &*page),
        ];
        link(PLACE, parts.into_iter())
    }
}

/// The page.
pub async fn page(
    seat: Seat,
    State(console): State<Console>,
    Query(query): Query<HashMap<String, String>>,
) -> Result<Response, Trouble> {
    let own = seat.with(Right::SeeReports)?.unit.clone();
    let mut asked = Asked::of(&query).ok_or_else(|| seat.not_found())?;
    if own.is_some() {
        (asked.unit, asked.level) = (own, None);
    }
    let lines = console.lines.of(asked.year, make(console.clone(), asked.year)).await.map_err(|error| seat.broken(&error))?;
    let (sees, sees_papers) = (seat.may(Right::SeePersonalNumbers), seat.may(Right::SeePapers));
    let found: Vec<&Line> = lines.iter().filter(|line| asked.has(line)).collect();
    let first = (asked.page - 1).saturating_mul(A_PAGE);
    let shown = |line: &&Line| ListedResult {
        dossier: mask::text(&line.dossier, sees),
        number: mask::text(&line.number, sees),
        issued: day(&line.issued),
        unit: line.unit.clone(),
        counts: asked.counts(line),
        state: line.document.as_ref().map(|(state, _)| *state),
        href: line.document.as_ref().filter(|_| sees_papers).map(|(_, record)| format!("/records/{record}")),
    };
    let results: Vec<ListedResult> = found.iter().skip(first).take(A_PAGE).map(shown).collect();
    seat.note(Act::List { results: results.len() as u64 }).await?;
    let frame = seat.frame(Some(Page::Targets)).await;
    let w = frame.w();
    let of = match (&asked.unit, asked.level) {
        (Some(unit), _) if unit == NO_UNIT => w.unknown.to_owned(),
        (Some(unit), _) => unit.clone(),
        (None, Some(of)) => level(Some(of), seat.language),
        (None, None) => w.all_units.to_owned(),
    };
    let mut others = Vec::new();
    if asked.page > 1 {
        others.push((w.first_page.to_owned(), asked.page(1)));
    }
    if first.saturating_add(A_PAGE) < found.len() {
        others.push((w.more.to_owned(), asked.page(asked.page + 1)));
    }
    let page = TargetListPage {
        heading: format!("{} · {of} · {}", indicator(asked.indicator, w), asked.year),
        part: match asked.part {
            "done" => w.part_done,
            "missing" => w.part_missing,
            _ => w.part_all,
        }
        .to_owned(),
        total: found.len() as u64,
        first: first as u64 + 1,
        results,
        others,
        back: link("/targets", [("year", asked.year.to_string().as_str())].into_iter()),
        frame,
    };
    Ok(Html(html(&page)).into_response())
}

async fn make(console: Console, year: i16) -> Result<Arc<Vec<Line>>, Failure> {
    let (archive, config) = (&console.api.archive, &console.api.config);
    let (entries, register, units) = (report::entries(archive).await?, report::rows(archive).await?, report::units(config)?);
    let today = time::now().date();
    let made = move || {
        let listed = sohoa_coverage::listed(&entries, register.as_deref(), &units, year, today);
        listed.into_iter().map(|listed| line(listed, &entries, register.as_deref())).collect()
    };
    Ok(Arc::new(tokio::task::spawn_blocking(made).await.map_err(|e| Failure::Archive(e.to_string()))?))
}

/// What the register says of a result; without one what was read of a document.
fn line(listed: Listed, entries: &[Entry], register: Option<&[RegisterRow]>) -> Line {
    let entry = listed.document.map(|index| &entries[index]);
    let row = listed.row.zip(register).map(|(row, register)| &register[row]);
    let (dossier, number, issued) = match (row, entry) {
        (Some(row), _) => {
            let day = row.date.map(|date| date.to_string()).or_else(|| row.year.map(|year| year.to_string()));
            (row.dossier_code.clone(), row.number.clone(), day)
        }
        (None, Some(entry)) => {
            let number = entry.code_number.as_ref().zip(entry.code_notation.as_ref());
            let number = number.map(|(number, notation)| format!("{number}/{notation}"));
            (entry.dossier_code.clone(), number, entry.issued_date.map(|date| date.to_string()))
        }
        (None, None) => (None, None, None),
    };
    Line {
        unit: listed.unit.unwrap_or_else(|| NO_UNIT.to_owned()),
        level: listed.level,
        counts: listed.counts,
        dossier: dossier.map(|code| code.to_string()).unwrap_or_default(),
        number: number.unwrap_or_default(),
        issued: issued.unwrap_or_default(),
        document: entry.map(|entry| (entry.state, entry.record.clone())),
    }
}
