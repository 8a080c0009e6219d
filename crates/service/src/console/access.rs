//! *Nhật ký truy cập*: who looked at what, for those who may read it. Reading it is in it too.

use super::Console;
use super::papers::moment;
use super::seat::{Seat, Trouble};
use crate::access_log::{Act, Entry, Filter};
use crate::people::role::Right;
use axum::extract::{Query, State};
use axum::response::{Html, IntoResponse, Response};
use sohoa_console::access::{Access, AccessAsked, AccessPage};
use sohoa_console::{Language, Page, html};
use std::collections::HashMap;

/// So many lines are shown.
const MOST: usize = 200;

/// The page.
pub async fn page(
    seat: Seat,
    State(console): State<Console>,
    Query(query): Query<HashMap<String, String>>,
) -> Result<Response, Trouble> {
    seat.with(Right::SeeAccessLog)?;
    let text = |name: &str| query.get(name).map(|value| value.trim().to_owned()).unwrap_or_default();
    let asked =
        AccessAsked { login: text("login"), what: text("what"), record: text("record"), from: text("from"), to: text("to") };
    if !asked.what.is_empty() && !Act::NAMES.contains(&asked.what.as_str()) {
        return Err(seat.not_found());
    }
    let (mut lines, mut problem) = (Vec::new(), None);
    match filter(&asked) {
        Err(typed) => problem = Some(typed),
        Ok(filter) => {
            let log = console.clone();
            let found = tokio::task::spawn_blocking(move || log.door.access_log.newest(&filter, MOST));
            let found = found.await.map_err(|error| seat.broken(&error))?.map_err(|error| seat.broken(&error))?;
            seat.note(Act::AccessLog { results: found.entries.len() as u64 }).await?;
            lines.extend(found.entries.iter().map(|entry| line(entry, seat.language)));
        }
    }
    let acts = Act::NAMES.iter().map(|name| (*name, seat.language.act(name).to_owned())).collect();
    let is_cut = lines.len() == MOST;
    let frame = seat.frame(Some(Page::Access)).await;
    Ok(Html(html(&AccessPage { frame, asked, problem, acts, lines, is_cut })).into_response())
}

/// What is asked for, or what of it nobody understands.
fn filter(asked: &AccessAsked) -> Result<Filter, String> {
    let given = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    fn read<T: std::str::FromStr>(text: Option<String>) -> Result<Option<T>, String> {
        text.map(|text| text.parse().map_err(|_| text)).transpose()
    }
    Ok(Filter {
        login: given(&asked.login).map(|login| crate::people::typed(&login)),
        what: given(&asked.what),
        record: read(given(&asked.record))?,
        since: read(given(&asked.from))?,
        until: read(given(&asked.to))?,
    })
}

fn line(entry: &Entry, language: Language) -> Access {
    let act = |name: &str| language.act(name).to_owned();
    Access {
        at: moment(&entry.at),
        who: entry.login.clone(),
        what: match &entry.act {
            Act::Search { results } | Act::List { results } => format!("{} ({results})", act(entry.act.name())),
            Act::Administer { change, on } => {
                format!("{} {on}", act(serde_json::to_string(change).unwrap_or_default().trim_matches('"')))
            }
            other => act(other.name()),
        },
        record: entry.act.record().map(ToString::to_string).unwrap_or_default(),
        from: entry.from.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_act_has_words() {
        for name in Act::NAMES {
            for language in [Language::Vi, Language::En] {
                assert_ne!(language.act(name), name);
            }
        }
        assert!(Act::NAMES.contains(&Act::AccessLog { results: 0 }.name()) && Act::NAMES.contains(&Act::SignIn.name()));
    }

    #[test]
    fn what_nobody_understands_is_told() {
        let asked = |record: &str, from: &str| AccessAsked { record: record.into(), from: from.into(), ..AccessAsked::default() };
        assert_eq!(filter(&asked("", "31/02/2025")).unwrap_err(), "31/02/2025");
        assert_eq!(filter(&asked("51", "")).unwrap_err(), "51");
        assert!(filter(&asked("", "2025-02-03")).unwrap().since.is_some());
    }
}
