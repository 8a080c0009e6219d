//! *Hôm nay*: what arrived, what was found, what needs a person.

use super::papers::{clock, filter, paper};
use super::seat::{Seat, Trouble};
use super::{Console, batches, day, mask};
use crate::access_log::Act;
use crate::cause::Cause;
use crate::people::role::Right;
use crate::time;
use crate::watch;
use axum::extract::State;
use axum::response::{Html, IntoResponse, Redirect, Response};
use sohoa_archive::{ArrivalNote, DeadJob};
use sohoa_console::today::{GivenUp, HeldFile, Live, Station, TodayPage, TwinFile};
use sohoa_console::{Page, figures, html};
use sohoa_record::manifest::State as Outcome;
use std::path::PathBuf;

/// So many of the newest records are listed.
const NEWEST: u32 = 25;
/// So many of those given up are listed …
const MOST_DEAD: usize = 50;
/// … and so many are counted.
const MOST_LOOKED_THROUGH: u32 = 1000;

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
    let (mut all, mut places) = console.day.today(console, unit.as_deref()).await.map_err(broken)?;
    let given_up = given_up(console, unit.as_deref()).await.map_err(broken)?;
    let today = time::now().date();
    for (_, note) in given_up.iter().filter(|(_, note)| time::parse(&note.arrived_at).is_some_and(|at| at.date() == today)) {
        let place = day::place(&note.path);
        all.add_given_up(&note.arrived_at);
        match places.iter_mut().find(|(known, _)| *known == place) {
            Some((_, counts)) => counts.add_given_up(&note.arrived_at),
            None => {
                let mut counts = day::Counts::default();
                counts.add_given_up(&note.arrived_at);
                places.push((place, counts));
            }
        }
    }
    let counts = archive.queue.counts().await.map_err(broken)?;
    let mut newest = Vec::new();
    for entry in archive.index.newest(&filter(seat), None, NEWEST).await.map_err(broken)? {
        newest.push(paper(console, seat, &entry).await);
    }
    let (held, held_more) = held(console, seat, unit.as_deref());
    let sees = seat.may(Right::SeePersonalNumbers);
    let twins = twins(console, seat, unit.as_deref()).await.map_err(broken)?;
    let dead: Vec<GivenUp> = given_up.iter().take(MOST_DEAD).map(|(job, note)| dead(seat, job, note)).collect();
    seat.note(Act::List { results: (newest.len() + held.len() + twins.len() + dead.len()) as u64 }).await?;
    let station = |(name, counts): (String, day::Counts)| Station {
        name: mask::text(&name, sees),
        arrived: counts.arrived,
        done: counts.of(Outcome::Sealed) + counts.of(Outcome::Skipped),
        waiting: counts.of(Outcome::Review),
        refused: counts.of(Outcome::Failed),
        given_up: counts.given_up,
        last: clock(&counts.last),
    };
    Ok(Live {
        frame: seat.frame(Some(Page::Today)).await,
        arrived: all.arrived,
        done: all.of(Outcome::Sealed) + all.of(Outcome::Skipped),
        waiting: archive.index.count(Outcome::Review, unit.as_deref()).await.map_err(broken)?,
        refused: all.of(Outcome::Failed),
        in_work: counts.queued + counts.leased,
        given_up: if unit.is_none() { counts.dead } else { given_up.len() as u64 },
        dead,
        stations: places.into_iter().map(station).collect(),
        newest,
        paused: console.api.running.held_up().map(|held_up| batches::paused(seat, &held_up)),
        held,
        held_more,
        twins,
        folders: folders(console, seat),
    })
}

/// What was given up of a unit or of all, with its arrival; the oldest first, as far as it is looked through.
async fn given_up(console: &Console, unit: Option<&str>) -> Result<Vec<(DeadJob, ArrivalNote)>, sohoa_archive::Error> {
    let archive = &console.api.archive;
    let mut own = Vec::new();
    for job in archive.queue.dead(None, MOST_LOOKED_THROUGH).await? {
        // An arrival that cannot be read is told on the page of batches.
        if let Ok(Some(note)) = archive.arrival(&job.source_sha256).await
            && unit.is_none_or(|unit| note.dossier.unit.as_deref() == Some(unit))
        {
            own.push((job, note));
        }
    }
    Ok(own)
}

/// Scans of watched folders that were in the archive already: today's, as far as this person's unit goes.
async fn twins(console: &Console, seat: &Seat, unit: Option<&str>) -> Result<Vec<TwinFile>, sohoa_archive::Error> {
    let twins = console.api.running.twins.lock().map(|twins| twins.clone()).unwrap_or_default();
    let (sees, today, mut own) = (seat.may(Right::SeePersonalNumbers), time::now().date(), Vec::new());
    let is_theirs = |of: Option<&str>| unit.is_none_or(|unit| of == Some(unit));
    for (folder, twin) in twins {
        if !is_theirs(twin.unit.as_deref()) || time::parse(&twin.at).is_none_or(|at| at.date() != today) {
            continue;
        }
        let entry = console.api.archive.index.entry(&twin.record).await?;
        let href = entry.filter(|entry| is_theirs(entry.unit.as_deref())).map(|entry| format!("/records/{}", entry.record));
        own.push(TwinFile {
            folder: mask::text(&folder.display().to_string(), sees),
            name: mask::text(&twin.place, sees),
            at: clock(&twin.at),
            record: twin.record.to_string(),
            href,
        });
    }
    Ok(own)
}

fn dead(seat: &Seat, job: &DeadJob, note: &ArrivalNote) -> GivenUp {
    let (sees, cause) = (seat.may(Right::SeePersonalNumbers), Cause::read(&job.last_error).0);
    GivenUp {
        place: mask::text(&day::place(&note.path), sees),
        name: mask::text(&note.name, sees),
        arrived: clock(&note.arrived_at),
        why: seat.language.pick(cause.vi(), cause.en()).to_owned(),
    }
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
