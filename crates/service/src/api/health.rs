//! How the service is: alive, ready for work, and in numbers (Prometheus text format 0.0.4). None of it names a document or a person.

use super::Api;
use super::problem::Problem;
use crate::cause::Cause;
use crate::present::counted;
use crate::running::Paused;
use crate::stages::Figures;
use crate::time;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use sohoa_archive::QueueCounts;
use std::collections::BTreeMap;
use std::fmt::{Display, Write as _};
use std::sync::atomic::Ordering;

/// The process answers.
pub async fn alive() -> &'static str {
    "ok\n"
}

/// Whether work gets done: 503 and why, when it does not. An open port alone says nothing.
pub async fn ready(State(api): State<Api>) -> Response {
    let why = api.troubles().await;
    if why.is_empty() {
        "ready\n".into_response()
    } else {
        let why: String = why.iter().map(|why| format!("{why}\n")).collect();
        (StatusCode::SERVICE_UNAVAILABLE, why).into_response()
    }
}

/// Something that is wrong, for the people at the console and for whoever watches the machine.
#[derive(Clone, Debug)]
pub struct Hindrance {
    /// What is the matter and what to do, in Vietnamese.
    pub vi: String,
    /// The same in English.
    pub en: String,
    /// The machine's own words, for whoever keeps it; empty when there are none.
    pub detail: String,
}

impl Display for Hindrance {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.en)?;
        if self.detail.is_empty() { Ok(()) } else { write!(f, " ({})", self.detail) }
    }
}

impl Hindrance {
    /// Both languages.
    pub fn new(vi: String, en: String) -> Hindrance {
        Hindrance { vi, en, detail: String::new() }
    }

    /// A cause with the machine's words.
    pub fn of(cause: Cause, detail: &dyn Display) -> Hindrance {
        Hindrance { vi: cause.vi().to_owned(), en: cause.en().to_owned(), detail: detail.to_string() }
    }

    /// That something stops all work; it is tried again by itself.
    pub fn paused(why: &Paused) -> Hindrance {
        let Hindrance { vi, en, detail } = Hindrance::of(why.cause, &why.detail);
        Hindrance {
            vi: format!("Việc xử lý đang dừng và tự thử lại, không mất gì: {vi}"),
            en: format!("nothing is done now: {en}"),
            detail,
        }
    }
}

/// What keeps work from being done.
pub fn hindrances(api: &Api, counts: &QueueCounts) -> Vec<Hindrance> {
    let (mut why, now) = (Vec::new(), time::now_ms());
    if let Some(paused) = api.running.paused.lock().ok().and_then(|paused| paused.clone()) {
        why.push(Hindrance::paused(&paused));
    }
    // By whom is told to those who sign in: anybody may ask this.
    if let Some(held_up) = api.running.held_up() {
        why.push(Hindrance::new(
            format!(
                "việc xử lý đang tạm dừng theo lệnh ở trang Lô quét từ {}: bấm Tiếp tục ở trang đó",
                time::moment(&held_up.since)
            ),
            format!("the work is held up at the console (Lô quét) since {}: press go on there", held_up.since),
        ));
    }
    let limit = i64::try_from(api.config.serve.stuck_minutes).unwrap_or(i64::MAX) * 60_000;
    let progressed = api.running.progressed_at.load(Ordering::Relaxed);
    if let Some(oldest) = counts.oldest_enqueued_at.filter(|oldest| is_stuck(now, *oldest, progressed, limit)) {
        let (waits, still) = ((now - oldest) / 60_000, (now - progressed) / 60_000);
        why.push(Hindrance::new(
            format!("bản quét cũ nhất đã chờ {waits} phút, và {still} phút qua không có gì được xử lý: báo quản trị viên xem nhật ký của dịch vụ"),
            format!("the oldest document has waited for {}, and nothing was done for {}: look into the service's log", counted(waits, "minute"), counted(still, "minute")),
        ));
    }
    let least = api.config.serve.min_free_mb;
    if let Some(free) = api.free_mb().filter(|free| *free < least) {
        why.push(Hindrance::new(
            format!("đĩa còn {free} MB, ít hơn mức [serve] min_free_mb = {least}: cần thêm chỗ trống"),
            format!("the disk has {free} MB left, less than [serve] min_free_mb = {least}"),
        ));
    }
    for (folder, trouble) in api.running.folders.lock().map(|folders| folders.clone()).unwrap_or_default() {
        let folder = folder.display();
        why.push(Hindrance {
            vi: format!("thư mục nhận bản quét {folder} {}", trouble.vi()),
            en: format!("the watched folder {folder}: {}", trouble.en()),
            detail: trouble.detail().to_owned(),
        });
    }
    why
}

/// True when the oldest document has waited longer than `limit`, and nothing was done for as long; all in milliseconds. One of them alone is a
/// day's work: a backlog waits for weeks while it is done, and at night nothing is done because nothing waits.
fn is_stuck(now: i64, oldest: i64, progressed: i64, limit: i64) -> bool {
    now - oldest > limit && now - progressed > limit
}

/// Counts and gauges.
pub async fn metrics(State(api): State<Api>) -> Result<Response, Problem> {
    let counts = api.archive.queue.counts().await.map_err(|e| Problem::broken(&e))?;
    let mut page = Page::default();
    page.head("sohoa_jobs", "gauge", "Documents that are not done, by what their job is doing");
    for (state, many) in [("queued", counts.queued), ("working", counts.leased), ("given_up", counts.dead)] {
        page.sample("sohoa_jobs", &[("state", state)], many);
    }
    let oldest = counts.oldest_enqueued_at.map_or(0, |oldest| (time::now_ms() - oldest).max(0) / 1000);
    page.head("sohoa_oldest_job_seconds", "gauge", "How long the oldest document has waited");
    page.sample("sohoa_oldest_job_seconds", &[], oldest);
    page.head("sohoa_folder_scans", "gauge", "Scans in watched folders that are not committed");
    page.sample("sohoa_folder_scans", &[], api.running.in_folders.load(Ordering::Relaxed));
    let held = api.running.held.lock().map(|held| held.clone()).unwrap_or_default();
    page.head(
        "sohoa_watch_waiting_files",
        "gauge",
        "Files in watched folders that are not taken for longer than [serve] waiting_minutes",
    );
    page.sample("sohoa_watch_waiting_files", &[], held.values().map(|held| held.many).sum::<u64>());
    let first = held.values().filter_map(|held| held.oldest.first()).map(|held| held.since).min();
    page.head("sohoa_watch_oldest_waiting_seconds", "gauge", "How long the oldest of them has waited");
    page.sample("sohoa_watch_oldest_waiting_seconds", &[], first.map_or(0, |since| (time::now_ms() - since).max(0) / 1000));
    page.head("sohoa_documents_total", "counter", "Documents done since the start, by outcome");
    for (state, many) in api.running.documents.lock().map(|done| done.clone()).unwrap_or_default() {
        page.sample("sohoa_documents_total", &[("state", state.as_str())], many);
    }
    page.head("sohoa_pages_total", "counter", "Pages read since the start, by what became of them");
    for (state, many) in api.running.stages.pages() {
        page.sample("sohoa_pages_total", &[("state", state.as_str())], many);
    }
    let (figures, under_way) = (api.running.stages.figures(), api.running.stages.under_way());
    page.head("sohoa_stage_runs_total", "counter", "How often a stage ended since the start: of pages, or of documents");
    figures.iter().for_each(|(stage, of)| page.sample("sohoa_stage_runs_total", &[("stage", stage.as_str())], of.runs));
    page.head("sohoa_stage_failures_total", "counter", "How often a stage ended badly since the start");
    figures.iter().for_each(|(stage, of)| page.sample("sohoa_stage_failures_total", &[("stage", stage.as_str())], of.failures));
    page.head("sohoa_stage_seconds_total", "counter", "Time in a stage since the start");
    let seconds = |of: &Figures| format!("{:.3}", of.took.as_secs_f64());
    figures.iter().for_each(|(stage, of)| page.sample("sohoa_stage_seconds_total", &[("stage", stage.as_str())], seconds(of)));
    page.head("sohoa_stage_longest_seconds", "gauge", "How long the document that is slowest in a stage now is there");
    let mut longest = BTreeMap::new();
    for at in under_way.values() {
        let seconds = longest.entry(at.stage).or_insert(0);
        *seconds = at.since.elapsed().as_secs().max(*seconds);
    }
    longest.iter().for_each(|(stage, seconds)| page.sample("sohoa_stage_longest_seconds", &[("stage", stage.as_str())], seconds));
    page.head("sohoa_pushes_total", "counter", "Pushes since the start, by the status of the answer");
    for (status, many) in api.running.pushes.lock().map(|pushes| pushes.clone()).unwrap_or_default() {
        page.sample("sohoa_pushes_total", &[("status", &status.to_string())], many);
    }
    page.head("sohoa_paused", "gauge", "1 while nothing is begun: something stops all work, or somebody holds it up");
    let is_stopped = api.running.paused.lock().is_ok_and(|paused| paused.is_some());
    page.sample("sohoa_paused", &[], u8::from(is_stopped || api.running.held_up().is_some()));
    if let Some(stamps) = api.running.stamps.lock().ok().and_then(|stamps| stamps.clone()).filter(|stamps| stamps.stamped > 0) {
        page.head(
            "sohoa_log_stamps_ending",
            "gauge",
            "Checkpoints of the log whose time stamps end within 12 months, or have ended",
        );
        page.sample("sohoa_log_stamps_ending", &[], stamps.ending);
        if let Some(first) = stamps.first {
            page.head(
                "sohoa_log_stamps_end_timestamp_seconds",
                "gauge",
                "When the first time stamp over the log ends if nobody renews it",
            );
            page.sample("sohoa_log_stamps_end_timestamp_seconds", &[], first.as_second());
        }
    }
    if let Some(free) = api.free_mb() {
        page.head("sohoa_disk_free_bytes", "gauge", "Free space where the archive lies");
        page.sample("sohoa_disk_free_bytes", &[], free << 20);
    }
    Ok(([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], page.0).into_response())
}

/// A page of samples. Names and labels are our own words, which need no escaping.
#[derive(Default)]
struct Page(String);

impl Page {
    fn head(&mut self, name: &str, kind: &str, help: &str) {
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    fn sample(&mut self, name: &str, labels: &[(&str, &str)], value: impl Display) {
        let labels: Vec<String> = labels.iter().map(|(name, value)| format!("{name}=\"{value}\"")).collect();
        let labels = if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
        let _ = writeln!(self.0, "{name}{labels} {value}");
    }
}

#[cfg(test)]
mod tests {
    use super::is_stuck;

    #[test]
    fn a_backlog_that_is_done_and_a_night_without_work_are_not_stuck() {
        const HOUR: i64 = 3_600_000;
        let now = 1000 * HOUR;
        assert!(is_stuck(now, now - 2 * HOUR, now - 2 * HOUR, HOUR));
        assert!(!is_stuck(now, now - 500 * HOUR, now - 1000, HOUR), "a backlog waits, and is done");
        assert!(!is_stuck(now, now - 1000, now - 12 * HOUR, HOUR), "the first scan of the morning");
        assert!(!is_stuck(now, now - HOUR, now - HOUR, HOUR), "the limit itself is allowed");
    }
}
