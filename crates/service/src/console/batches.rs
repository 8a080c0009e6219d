//! *Lô quét*: how the work goes on, and who may hold it up.

use super::papers::{moment, own_unit};
use super::seat::{Form, Seat, Trouble};
use super::{Console, day, go, mask, system};
use crate::access_log::{Act, BatchChange};
use crate::cause::Cause;
use crate::held_up::HeldUp;
use crate::people::role::Right;
use crate::time;
use axum::Form as Sent;
use axum::extract::State;
use axum::response::{Html, IntoResponse, Response};
use sohoa_console::batches::{Batch, BatchesPage, Dead, Live, UnderWay};
use sohoa_console::{Page, figures, html};
use sohoa_record::identifier::RecordId;
use sohoa_record::manifest::State as Outcome;
use std::collections::HashMap;
use std::sync::atomic::Ordering;

/// So many of those given up are listed.
const MOST_DEAD: u32 = 50;

/// The page.
pub async fn page(seat: Seat, State(console): State<Console>) -> Result<Response, Trouble> {
    let live = look(&console, &seat).await?;
    let frame = seat.frame(Some(Page::Batches)).await;
    Ok(Html(html(&BatchesPage { frame, live })).into_response())
}

/// The part that comes anew.
pub async fn live(seat: Seat, State(console): State<Console>) -> Result<Response, Trouble> {
    Ok(Html(html(&look(&console, &seat).await?)).into_response())
}

async fn look(console: &Console, seat: &Seat) -> Result<Live, Trouble> {
    seat.with(Right::RunBatches)?;
    let (archive, running) = (&console.api.archive, &console.api.running);
    let broken = |error: sohoa_archive::Error| seat.broken(&error);
    let counts = archive.queue.counts().await.map_err(broken)?;
    let (_, places) = console.day.today(console, own_unit(seat).as_deref()).await.map_err(broken)?;
    let summary = console.day.summary(console).await.map_err(broken)?;
    let sees = seat.may(Right::SeePersonalNumbers);
    let mut dead = Vec::new();
    for job in archive.queue.dead(None, MOST_DEAD).await.map_err(broken)? {
        let note = archive.arrival(&job.source_sha256).await.ok().flatten();
        let name = note.map_or_else(|| job.record.to_string(), |note| note.name);
        let (cause, words) = Cause::read(&job.last_error);
        dead.push(Dead {
            record: job.record.to_string(),
            name: mask::text(&name, sees),
            attempts: job.attempts,
            why: seat.language.pick(cause.vi(), cause.en()).to_owned(),
            detail: mask::text(words, sees),
        });
    }
    let done: u64 = running.documents.lock().map(|done| done.values().sum()).unwrap_or_default();
    let pace = running.pace();
    let in_folders = running.untaken.load(Ordering::Relaxed);
    let waits = counts.queued + counts.leased + in_folders;
    // While nothing is done nobody can say when it is done.
    let held_up = running.held_up();
    let goes_on = held_up.is_none() && running.paused.lock().is_ok_and(|paused| paused.is_none());
    let free_mb = console.api.free_mb();
    let usable = free_mb.map(|free| free.saturating_sub(console.api.config.serve.min_free_mb) << 20);
    let batch = |(name, counts): (String, day::Counts)| Batch {
        name: mask::text(&name, sees),
        arrived: counts.arrived,
        done: counts.of(Outcome::Sealed) + counts.of(Outcome::Skipped),
        waiting: counts.of(Outcome::Review),
        refused: counts.of(Outcome::Failed),
    };
    // These go over all units: whoever sees one unit is not told.
    let sees_all = own_unit(seat).is_none();
    let now = if sees_all { under_way(console, seat).await } else { Vec::new() };
    if sees_all && dead.len() + now.len() > 0 {
        seat.note(Act::List { results: (dead.len() + now.len()) as u64 }).await?;
    }
    let mut reasons: Vec<_> =
        summary.reasons.iter().map(|(reason, many)| (seat.language.reason(*reason).to_owned(), *many)).collect();
    reasons.sort_by_key(|(_, many)| std::cmp::Reverse(*many));
    Ok(Live {
        frame: seat.frame(Some(Page::Batches)).await,
        queued: counts.queued,
        working: counts.leased,
        given_up: counts.dead,
        in_folders,
        done,
        pages_a_minute: pace.map_or(0, |pace| pace.pages * 60_000 / pace.ms),
        seconds_left: match pace {
            _ if waits == 0 || !goes_on => None,
            Some(pace) => (waits * pace.ms / 1000).checked_div(pace.documents),
            None => None,
        },
        oldest_seconds: counts.oldest_enqueued_at.map(|oldest| (time::now_ms() - oldest).max(0) as u64 / 1000),
        free_mb,
        room_for: usable.zip(summary.bytes_a_document()).map(|(free, each)| free / each),
        paused: held_up.map(|held_up| paused(seat, &held_up)),
        may_run: true,
        now,
        batches: places.into_iter().map(batch).collect(),
        reasons: if sees_all { reasons } else { Vec::new() },
        dead: if sees_all { dead } else { Vec::new() },
    })
}

/// What is being done, file by file.
async fn under_way(console: &Console, seat: &Seat) -> Vec<UnderWay> {
    let (archive, sees) = (&console.api.archive, seat.may(Right::SeePersonalNumbers));
    let mut files = Vec::new();
    for (record, at) in console.api.running.stages.under_way() {
        let job = match record.parse::<RecordId>() {
            Ok(record) => archive.queue.find(&record).await.ok().flatten(),
            Err(_) => None,
        };
        let note = match &job {
            Some(job) => archive.arrival(&job.source_sha256).await.ok().flatten(),
            None => None,
        };
        files.push(UnderWay {
            name: mask::text(&note.map_or(record, |note| note.name), sees),
            stage: system::stage_name(at.stage, seat.language).to_owned(),
            time: figures::duration(seat.language, at.since.elapsed().as_secs()),
        });
    }
    files
}

/// Holds the work up: what is being done is finished, nothing new is begun.
pub async fn pause(
    seat: Seat,
    State(console): State<Console>,
    Sent(form): Sent<HashMap<String, String>>,
) -> Result<Response, Trouble> {
    let who = seat.sending(Right::RunBatches, &form.into())?.name.clone();
    // Whoever presses it a second time on an old page has paused nothing.
    if console.api.running.held_up().is_none() {
        seat.note(Act::Batch { change: BatchChange::Pause }).await?;
        hold_up(&console, Some(HeldUp::now(&who))).await;
    }
    Ok(go("/batches"))
}

/// Lets it go on.
pub async fn go_on(
    seat: Seat,
    State(console): State<Console>,
    Sent(form): Sent<HashMap<String, String>>,
) -> Result<Response, Trouble> {
    seat.sending(Right::RunBatches, &form.into())?;
    seat.note(Act::Batch { change: BatchChange::Resume }).await?;
    console.api.running.count_anew();
    hold_up(&console, None).await;
    Ok(go("/batches"))
}

/// What cannot be noted holds all the same, until this run ends: with a full disk somebody may want just that.
async fn hold_up(console: &Console, held_up: Option<HeldUp>) {
    let api = console.api.clone();
    let noted = tokio::task::spawn_blocking(move || api.running.hold_up(&api.config, held_up)).await;
    if let Err(error) = noted.map_err(std::io::Error::other).flatten() {
        tracing::error!("that the work is held up or goes on could not be noted, and a restart does not know of it: {error}");
    }
}

/// Who paused the work, and since when.
pub fn paused(seat: &Seat, held_up: &HeldUp) -> String {
    let (w, since) = (seat.language.words(), moment(&held_up.since));
    format!("{} {} · {} {since}", w.paused_by, held_up.by, w.since)
}

/// Takes up again what was given up: one record, or all.
pub async fn retry(
    seat: Seat,
    State(console): State<Console>,
    Sent(form): Sent<HashMap<String, String>>,
) -> Result<Response, Trouble> {
    let form = Form::from(form);
    if seat.sending(Right::RunBatches, &form)?.unit.is_some() {
        return Err(seat.not_found());
    }
    let record = match form.get("record") {
        "" => None,
        record => Some(record.parse::<RecordId>().map_err(|_| seat.not_found())?),
    };
    console.api.archive.queue.retry_dead(record.as_ref()).await.map_err(|error| seat.broken(&error))?;
    seat.note(Act::Batch { change: BatchChange::Retry }).await?;
    console.api.running.changed.notify_waiters();
    Ok(go("/batches"))
}
