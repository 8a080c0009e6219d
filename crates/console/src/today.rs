//! *Hôm nay*: what arrived at the stations today, what was found, what needs a person. Its lists come anew by themselves.

use crate::figures;
use crate::frame::{Frame, Page};
use crate::paper::Paper;
use askama::Template;

/// The page.
#[derive(Debug, Template)]
#[template(path = "today.html")]
pub struct TodayPage {
    /// What stands around it.
    pub frame: Frame,
    /// What changes while one looks.
    pub live: Live,
}

/// The part that is fetched anew whenever something arrived or was done.
#[derive(Debug, Template)]
#[template(path = "today_live.html")]
pub struct Live {
    /// What stands around it.
    pub frame: Frame,
    /// Documents that arrived today, in all and by outcome.
    pub arrived: u64,
    /// Sealed today.
    pub done: u64,
    /// Wait for a person, whenever they arrived.
    pub waiting: u64,
    /// Refused today.
    pub refused: u64,
    /// Queued and being done.
    pub in_work: u64,
    /// Given up, whenever they arrived: somebody must do something.
    pub given_up: u64,
    /// Those of them that are named.
    pub dead: Vec<GivenUp>,
    /// Each station or folder of today, the latest first.
    pub stations: Vec<Station>,
    /// The newest records, newest first.
    pub newest: Vec<Paper>,
    /// Who paused the work and since when, in words, if somebody did.
    pub paused: Option<String>,
    /// What lies in watched folders for long and is not taken.
    pub held: Vec<HeldFile>,
    /// So many more than are named.
    pub held_more: u64,
    /// Scans in watched folders that were in the archive already, today.
    pub twins: Vec<TwinFile>,
    /// Watched folders that cannot be looked at, each with why and what to do.
    pub folders: Vec<(String, String)>,
}

/// A file that is not taken.
#[derive(Clone, Debug)]
pub struct HeldFile {
    /// The watched folder.
    pub folder: String,
    /// Its place in it.
    pub name: String,
    /// Since when.
    pub since: String,
    /// How long that is.
    pub age: String,
    /// What is the matter and what to do.
    pub why: String,
}

/// A scan that was in the archive already.
#[derive(Clone, Debug)]
pub struct TwinFile {
    /// The watched folder.
    pub folder: String,
    /// Its place in it.
    pub name: String,
    /// When it was put away.
    pub at: String,
    /// The record that it equals.
    pub record: String,
    /// Where that is told in full; none when it is not for this person.
    pub href: Option<String>,
}

/// A document that was given up.
#[derive(Clone, Debug)]
pub struct GivenUp {
    /// The station or folder that it came from.
    pub place: String,
    /// The file.
    pub name: String,
    /// When it arrived: a time today, else a day.
    pub arrived: String,
    /// Why the last attempt failed, and what to do.
    pub why: String,
}

/// A place that scans come from, today.
#[derive(Clone, Debug)]
pub struct Station {
    /// Its name.
    pub name: String,
    /// Documents today.
    pub arrived: u64,
    /// Of them sealed.
    pub done: u64,
    /// Of them to be looked at.
    pub waiting: u64,
    /// Of them refused.
    pub refused: u64,
    /// Of them given up.
    pub given_up: u64,
    /// When the last one came.
    pub last: String,
}

impl Live {
    /// How many more were given up than are named, if any.
    fn more_given_up(&self) -> Option<String> {
        let more = self.given_up.saturating_sub(self.dead.len() as u64);
        (more > 0).then(|| self.n(&more))
    }

    fn n(&self, n: &u64) -> String {
        figures::grouped(self.frame.language, *n)
    }
}
