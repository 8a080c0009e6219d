//! *Tìm kiếm*.

use super::papers::{filter, own_unit, paper};
use super::seat::{Seat, Trouble};
use super::{Console, mask};
use crate::access_log::Act;
use crate::people::role::Right;
use crate::time;
use axum::extract::{Query, State};
use axum::response::{Html, IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sohoa_archive::{Cursor, Filter};
use sohoa_console::search::{Asked, Hit, SearchPage, link};
use sohoa_console::{Page, html};
use sohoa_record::identifier::RecordId;
use sohoa_record::manifest::State as Outcome;
use std::collections::HashMap;

const A_PAGE: u32 = 25;
const STATES: [Outcome; 4] = [Outcome::Sealed, Outcome::Review, Outcome::Skipped, Outcome::Failed];

/// The page.
pub async fn page(
    seat: Seat,
    State(console): State<Console>,
    Query(query): Query<HashMap<String, String>>,
) -> Result<Response, Trouble> {
    let session = seat.with(Right::SeePapers)?;
    let text = |name: &str| query.get(name).map(|value| value.trim().to_owned()).unwrap_or_default();
    let asked = Asked {
        text: text("q"),
        unit: text("unit"),
        state: text("state"),
        kind: text("kind"),
        from: text("from"),
        to: text("to"),
    };
    let asked = Asked { unit: own_unit(&seat).unwrap_or(asked.unit), ..asked };
    // Shown as if it were narrowed, a list would be wrong.
    if !asked.state.is_empty() && state(&asked).is_none() {
        return Err(seat.not_found());
    }
    let problem = [&asked.from, &asked.to].into_iter().find(|day| !day.is_empty() && midnight(day).is_none()).cloned();
    let wanted = narrowed(&seat, &asked);
    let after = text("after");
    let broken = |error: sohoa_archive::Error| seat.broken(&error);
    let index = &console.api.archive.index;
    let sees = seat.may(Right::SeePersonalNumbers);
    let question = mask::question(&asked.text, sees);
    let leaves_out = question != asked.text;
    let turn = console.searches.turn(&session.login).await.ok_or_else(|| seat.busy())?;
    let (found, next) = match asked.text.is_empty() {
        _ if problem.is_some() => (Vec::new(), None),
        true => {
            let before = Some(&after).filter(|after| !after.is_empty());
            let before = before.map(|after| after.parse::<RecordId>().map_err(|_| seat.not_found())).transpose()?;
            let mut entries = index.newest(&wanted, before.as_ref(), A_PAGE + 1).await.map_err(broken)?;
            let is_more = entries.len() as u32 > A_PAGE;
            entries.truncate(A_PAGE as usize);
            let next = entries.last().filter(|_| is_more).map(|entry| entry.record.to_string());
            (entries.into_iter().map(|entry| sohoa_archive::Hit { entry, exact: true, snippet: Vec::new() }).collect(), next)
        }
        false => {
            let cursor: Option<Cursor> =
                URL_SAFE_NO_PAD.decode(&after).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok());
            if cursor.is_none() && !after.is_empty() {
                return Err(seat.not_found());
            }
            let found = index.search(&question, &wanted, cursor.as_ref(), A_PAGE).await.map_err(broken)?;
            let next = found.next.and_then(|cursor| serde_json::to_vec(&cursor).ok());
            (found.hits, next.map(|cursor| URL_SAFE_NO_PAD.encode(cursor)))
        }
    };
    drop(turn);
    let mut hits = Vec::new();
    for hit in found {
        let snippet = mask::pieces(hit.snippet.iter().map(|piece| (piece.text.as_str(), piece.hit)), sees);
        hits.push(Hit { paper: paper(&console, &seat, &hit.entry).await, snippet, is_exact: hit.exact });
    }
    seat.note(Act::Search { results: hits.len() as u64 }).await?;
    let next = next.map(|next| {
        let parts = [
            ("q", asked.text.as_str()),
            ("unit", &asked.unit),
            ("state", &asked.state),
            ("kind", &asked.kind),
            ("from", &asked.from),
            ("to", &asked.to),
            ("after", &next),
        ];
        link("/search", parts.into_iter())
    });
    let frame = seat.frame(Some(Page::Search)).await;
    let states = STATES.map(|state| (state.as_str(), seat.language.state(state))).to_vec();
    Ok(Html(html(&SearchPage { frame, asked, problem, leaves_out, hits, next, is_later: !after.is_empty(), states }))
        .into_response())
}

/// When that day begins, milliseconds since 1970.
fn midnight(day: &str) -> Option<i64> {
    time::midnight(day.parse().ok()?)
}

/// What the form narrows to; a person of one unit sees that unit's only.
fn narrowed(seat: &Seat, asked: &Asked) -> Filter {
    let own = filter(seat);
    let given = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    const DAY_MS: i64 = 24 * 60 * 60 * 1000;
    Filter {
        unit: own.unit.or_else(|| given(&asked.unit)),
        state: state(asked),
        dossier_code: None,
        kind: given(&asked.kind),
        since: midnight(&asked.from),
        until: midnight(&asked.to).map(|last| last + DAY_MS),
    }
}

fn state(asked: &Asked) -> Option<Outcome> {
    STATES.into_iter().find(|state| state.as_str() == asked.state)
}
