//! *Hôm nay*: what arrived, what was found, what needs a person.

use super::papers::{clock, filter, paper};
use super::seat::{Seat, Trouble};
use super::{Console, day, mask};
use crate::access_log::Act;
use crate::people::role::Right;
use crate::time;
use crate::watch;
use axum::extract::State;
use axum::response::{Html, IntoResponse, Redirect, Response};
use sohoa_console::today::{HeldFile, Live, Station, TodayPage};
use sohoa_console::{Page, figures, html};
use sohoa_record::manifest::State as Outcome;
use std::path::PathBuf;

/// So many of the newest records are listed.
const NEWEST: u32 = 25;

/// The page. Who sees no papers begins at the first page that is theirs.
pub async fn page(seat: Seat, State(console): State<Console>) -> Result<Response, Trouble> {
    seat.session()?;
    if !seat.may(Right::SeePapers) {
        let first = seat.frame(None).await.pages.first().map_or("/account", |page| page.href());
        return Ok(Redirect::to(first).into_response());
    }
    let frame = seat.frame(Some(Page::Today)).await;
    let live = look(&console, &seat).await?;
    Ok(Html(html(&TodayPage { frame, live })).into_response())
}

/// The part that comes anew.
pub async fn live(seat: Seat, State(console): State<Console>) -> Result<Response, Trouble> {
    Ok(Html(html(&look(&console, &seat).await?)).into_response())
}

async fn look(console: &Console, seat: &Seat) -> Result<Live, Trouble> {
    let unit = seat.with(Right::SeePapers)?.unit.clone();
    let archive = &console.api.archive;
    let broken = |error: sohoa_archive::Error| seat.broken(&error);
    let (all, places) = console.day.today(console, unit.as_deref()).await.map_err(broken)?;
    let counts = archive.queue.counts().await.map_err(broken)?;
    let mut newest = Vec::new();
    for entry in archive.index.newest(&filter(seat), None, NEWEST).await.map_err(broken)? {
        newest.push(paper(console, seat, &entry).await);
    }
    let (held, held_more) = held(console, seat, unit.as_deref());
    seat.note(Act::List { results: (newest.len() + held.len()) as u64 }).await?;
    let sees = seat.may(Right::SeePersonalNumbers);
    let station = |(name, counts): (String, day::Counts)| Station {
        name: mask::text(&name, sees),
        arrived: counts.arrived,
        done: counts.of(Outcome::Sealed) + counts.of(Outcome::Skipped),
        waiting: counts.of(Outcome::Review),
        refused: counts.of(Outcome::Failed),
        last: clock(&counts.last),
    };
    Ok(Live {
        frame: seat.frame(Some(Page::Today)).await,
        arrived: all.arrived,
        done: all.of(Outcome::Sealed) + all.of(Outcome::Skipped),
        waiting: archive.index.count(Outcome::Review, unit.as_deref()).await.map_err(broken)?,
        refused: all.of(Outcome::Failed),
        in_work: counts.queued + counts.leased,
        stations: places.into_iter().map(station).collect(),
        newest,
        held,
        held_more,
        folders: folders(console, seat),
    })
}

/// Watched folders that cannot be looked at, and what to do.
fn folders(console: &Console, seat: &Seat) -> Vec<(String, String)> {
    let folders = console.api.running.folders.lock().map(|folders| folders.clone()).unwrap_or_default();
    let sees = seat.may(Right::SeePersonalNumbers);
    let told = |(folder, why): (PathBuf, watch::Trouble)| {
        (mask::text(&folder.display().to_string(), sees), seat.language.pick(&why.vi(), &why.en()).to_owned())
    };
    folders.into_iter().map(told).collect()
}

/// What lies in watched folders for long, as far as this person's unit goes, and how many more than are named.
fn held(console: &Console, seat: &Seat, unit: Option<&str>) -> (Vec<HeldFile>, u64) {
    let folders = console.api.running.held.lock().map(|held| held.clone()).unwrap_or_default();
    let (sees, now) = (seat.may(Right::SeePersonalNumbers), time::now_ms());
    let all: u64 = folders.values().map(|held| held.many).sum();
    let mut named = Vec::new();
    for (folder, held) in &folders {
        let own = held.oldest.iter().filter(|held| unit.is_none_or(|unit| held.unit.as_deref() == Some(unit)));
        named.extend(own.map(|held| HeldFile {
            folder: mask::text(&folder.display().to_string(), sees),
            name: mask::text(&held.place, sees),
            since: clock(&time::rfc3339(&time::of_seconds(u64::try_from(held.since / 1000).unwrap_or(0)))),
            age: figures::duration(seat.language, u64::try_from((now - held.since) / 1000).unwrap_or(0)),
            why: seat.language.pick(held.why.vi(), held.why.en()).to_owned(),
        }));
    }
    // How many other units have is not told.
    let more = if unit.is_none() { all - named.len() as u64 } else { 0 };
    (named, more)
}
