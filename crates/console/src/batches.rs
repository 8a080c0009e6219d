//! *Lô quét*: what waits, how fast it goes, how long it takes, what was given up; to pause, to go on, to retry.

use crate::figures;
use crate::frame::Frame;
use askama::Template;

/// The page.
#[derive(Debug, Template)]
#[template(path = "batches.html")]
pub struct BatchesPage {
    /// What stands around it.
    pub frame: Frame,
    /// What changes while one looks.
    pub live: Live,
}

/// The part that is fetched anew.
#[derive(Debug, Template)]
#[template(path = "batches_live.html")]
pub struct Live {
    /// What stands around it.
    pub frame: Frame,
    /// Documents that wait.
    pub queued: u64,
    /// Documents in work.
    pub working: u64,
    /// Documents given up.
    pub given_up: u64,
    /// Scans in watched folders that were not taken yet.
    pub in_folders: u64,
    /// Documents that were done since the service began, in whatever way they came.
    pub done: u64,
    /// Pages a minute, over the last minutes.
    pub pages_a_minute: u64,
    /// Seconds until what waits is done; none when nobody can say.
    pub seconds_left: Option<u64>,
    /// Seconds that the oldest has waited.
    pub oldest_seconds: Option<u64>,
    /// Megabytes that are free.
    pub free_mb: Option<u64>,
    /// For so many more documents like those that are there.
    pub room_for: Option<u64>,
    /// Who paused the work and since when, in words, if somebody did.
    pub paused: Option<String>,
    /// True when this person may pause and retry.
    pub may_run: bool,
    /// What is being done, file by file.
    pub now: Vec<UnderWay>,
    /// Today by where it came from.
    pub batches: Vec<Batch>,
    /// Why papers wait: words and how many.
    pub reasons: Vec<(String, u64)>,
    /// Those given up: record, file, attempts, why.
    pub dead: Vec<Dead>,
}

/// Documents of one place.
#[derive(Clone, Debug)]
pub struct Batch {
    /// Where they came from.
    pub name: String,
    /// All of them.
    pub arrived: u64,
    /// Of them settled without a person.
    pub done: u64,
    /// Of them to be looked at.
    pub waiting: u64,
    /// Of them refused.
    pub refused: u64,
}

/// A document that is being done.
#[derive(Clone, Debug)]
pub struct UnderWay {
    /// The file.
    pub name: String,
    /// The stage that it is in.
    pub stage: String,
    /// For how long.
    pub time: String,
}

/// A document that was given up.
#[derive(Clone, Debug)]
pub struct Dead {
    /// The record that is not made.
    pub record: String,
    /// The file.
    pub name: String,
    /// How often it was tried.
    pub attempts: u32,
    /// Why the last attempt failed, and what to do.
    pub why: String,
    /// What the machine says of it.
    pub detail: String,
}

impl Live {
    fn n(&self, n: &u64) -> String {
        figures::grouped(self.frame.language, *n)
    }

    fn time(&self, seconds: &u64) -> String {
        figures::duration(self.frame.language, *seconds)
    }

    fn gigabytes(&self, mb: &u64) -> String {
        format!("{} GB", figures::grouped(self.frame.language, mb / 1000))
    }

    /// What was done since the start and what waits.
    fn of(&self) -> u64 {
        self.done + self.queued + self.working + self.in_folders
    }

    fn fraction(&self) -> String {
        format!("{} / {}", self.n(&self.done), self.n(&self.of()))
    }

    /// How much of that is done, whole percent.
    fn progress(&self) -> u64 {
        (self.done * 100).checked_div(self.of()).unwrap_or(100)
    }
}
