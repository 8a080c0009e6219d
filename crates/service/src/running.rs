//! What the parts of a running service tell each other: what was done, what is wrong, who holds the work up. Nothing of it outlives the
//! process but that, which has its note ([`crate::held_up`]); whatever else must is in the archive.

use crate::anchoring::Lasting;
use crate::api::allowance::Allowances;
use crate::cause::Cause;
use crate::config::Config;
use crate::held_up::HeldUp;
use crate::stages::Stages;
use crate::time;
use crate::watch::held::HeldFiles;
use crate::watch::{Trouble, Twin};
use axum::http::StatusCode;
use sohoa_record::manifest::State;
use std::collections::{BTreeMap, HashSet, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, AtomicU64};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::Notify;

/// So many twins are remembered.
const MOST_TWINS: usize = 50;
/// A pace is over so many milliseconds: ten minutes.
const PACE_OF_MS: i64 = 10 * 60 * 1000;

/// What the parts of a running service tell each other.
#[derive(Debug, Default)]
pub struct Running {
    /// Something arrived or was done.
    pub changed: Arc<Notify>,
    /// Documents by outcome, since the start.
    pub documents: Mutex<BTreeMap<State, u64>>,
    /// What each stage takes.
    pub stages: Arc<Stages>,
    /// Pushes by the status of their answer, since the start.
    pub pushes: Mutex<BTreeMap<u16, u64>>,
    /// When a page or document was done last: milliseconds since 1970.
    pub progressed_at: AtomicI64,
    /// Who holds the work up, when somebody does: what is begun is finished.
    held_up: Mutex<Option<HeldUp>>,
    /// Whoever changes that and its note has this: both always say the same.
    holding: Mutex<()>,
    /// How much was done at which times, lately.
    counted: Mutex<VecDeque<Counted>>,
    /// Why nothing is done now, when something stops the work.
    pub paused: Mutex<Option<Paused>>,
    /// Watched folders that cannot be looked at, and why.
    pub folders: Mutex<BTreeMap<PathBuf, Trouble>>,
    /// What is not taken for long, by watched folder.
    pub held: Mutex<BTreeMap<PathBuf, HeldFiles>>,
    /// Scans in watched folders whose bytes were in the archive already, by folder; the last ones, newest first.
    pub twins: Mutex<VecDeque<(PathBuf, Twin)>>,
    /// Pushes whose bytes are coming, by station and priority.
    pub coming: Mutex<BTreeMap<(String, i64), u64>>,
    /// How many pushes each station may begin.
    pub allowances: Allowances,
    /// Uploads of which a piece is being sent.
    pub sending: Mutex<HashSet<String>>,
    /// Scans in watched folders that are not committed.
    pub in_folders: AtomicU64,
    /// Of them those that are not in the archive yet: the others wait in its queue.
    pub untaken: AtomicU64,
    /// How long the time stamps over the log's checkpoints count, as it was looked at last.
    pub stamps: Mutex<Option<Lasting>>,
}

/// What stops all work.
#[derive(Clone, Debug)]
pub struct Paused {
    /// For the people at the console.
    pub cause: Cause,
    /// The machine's words.
    pub detail: String,
}

/// How much was done at a time.
#[derive(Clone, Copy, Debug)]
struct Counted {
    at: i64,
    pages: u64,
    documents: u64,
}

/// How much was done in a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// Milliseconds, at least 1000.
    pub ms: u64,
    /// Pages read.
    pub pages: u64,
    /// Documents done.
    pub documents: u64,
}

impl Running {
    /// Nothing is done yet; what stages take is noted there. `held_up`: as an earlier run left it.
    pub fn noting(stages: Arc<Stages>, held_up: Option<HeldUp>) -> Running {
        Running { stages, held_up: Mutex::new(held_up), ..Running::default() }
    }

    /// Notes what is wrong with a watched folder, or that nothing is any more. True when that was otherwise before.
    pub fn note_folder(&self, folder: &Path, trouble: Option<Trouble>) -> bool {
        let Ok(mut folders) = self.folders.lock() else { return false };
        let before = match trouble.clone() {
            Some(why) => folders.insert(folder.to_owned(), why),
            None => folders.remove(folder),
        };
        before != trouble
    }

    /// Notes what a watched folder has that is not taken for long. True when that was otherwise before.
    pub fn note_held(&self, folder: &Path, held: HeldFiles) -> bool {
        let Ok(mut folders) = self.held.lock() else { return false };
        let before = folders.get(folder);
        let is_news = before.map_or(held.many > 0, |before| *before != held);
        folders.insert(folder.to_owned(), held);
        is_news
    }

    /// Notes scans of a watched folder that were in the archive already.
    pub fn note_twins(&self, folder: &Path, found: Vec<Twin>) {
        if let Ok(mut twins) = self.twins.lock() {
            found.into_iter().for_each(|twin| twins.push_front((folder.to_owned(), twin)));
            twins.truncate(MOST_TWINS);
        }
    }

    /// Counts an answer to a push.
    pub fn count_push(&self, status: StatusCode) {
        if let Ok(mut pushes) = self.pushes.lock() {
            *pushes.entry(status.as_u16()).or_default() += 1;
        }
    }

    /// Who holds the work up, when somebody does.
    pub fn held_up(&self) -> Option<HeldUp> {
        self.held_up.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Holds the work up, or lets it go on, also after a restart; an error is about that alone. May wait for the disk.
    pub fn hold_up(&self, config: &Config, held_up: Option<HeldUp>) -> std::io::Result<()> {
        let _turn = self.holding.lock().unwrap_or_else(PoisonError::into_inner);
        self.held_up.lock().unwrap_or_else(PoisonError::into_inner).clone_from(&held_up);
        self.changed.notify_waiters();
        HeldUp::note(config, held_up.as_ref())
    }

    /// Counts what was done until now. Called every few seconds, whether somebody looks or not.
    pub fn count(&self) {
        let now = self.now();
        if let Ok(mut counted) = self.counted.lock() {
            counted.push_back(now);
            while counted.front().is_some_and(|first| now.at - first.at > PACE_OF_MS) {
                counted.pop_front();
            }
        }
    }

    /// Begins to count anew: while the work was held up nothing was done, which says nothing of how fast it goes.
    pub fn count_anew(&self) {
        if let Ok(mut counted) = self.counted.lock() {
            counted.clear();
        }
        self.count();
    }

    /// How fast the work went over the last ten minutes, or since the start; none in the first second.
    pub fn pace(&self) -> Option<Pace> {
        let first = self.counted.lock().ok()?.front().copied()?;
        first.pace(self.now())
    }

    fn now(&self) -> Counted {
        let documents = self.documents.lock().map(|done| done.values().sum()).unwrap_or_default();
        Counted { at: time::now_ms(), pages: self.stages.pages().values().sum(), documents }
    }
}

impl Counted {
    fn pace(self, now: Counted) -> Option<Pace> {
        let ms = u64::try_from(now.at - self.at).ok().filter(|ms| *ms >= 1000)?;
        Some(Pace { ms, pages: now.pages - self.pages, documents: now.documents - self.documents })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pace_is_of_the_last_ten_minutes_whether_anybody_looked_or_not() {
        let running = Running::default();
        assert_eq!(running.pace(), None);
        let long_ago = Counted { at: time::now_ms() - 3 * PACE_OF_MS, pages: 0, documents: 0 };
        let lately = Counted { at: time::now_ms() - PACE_OF_MS / 2, pages: 0, documents: 0 };
        running.counted.lock().unwrap().extend([long_ago, lately]);
        running.documents.lock().unwrap().insert(State::Sealed, 60);
        running.count();
        let (first, second) = (running.pace().unwrap(), running.pace().unwrap());
        assert_eq!((first.documents, second.documents), (60, 60), "looking changes nothing");
        assert!((PACE_OF_MS as u64 / 2..PACE_OF_MS as u64).contains(&second.ms), "{second:?}");
        running.count_anew();
        assert_eq!(running.pace(), None, "an hour's pause is none of it");
    }

    #[test]
    fn a_pace_is_what_was_done_since() {
        let at = |at, pages, documents| Counted { at, pages, documents };
        assert_eq!(at(0, 10, 1).pace(at(60_000, 70, 3)), Some(Pace { ms: 60_000, pages: 60, documents: 2 }));
        assert_eq!(at(0, 0, 0).pace(at(10, 5, 5)), None, "too short to say");
        assert_eq!(at(5000, 0, 0).pace(at(0, 5, 5)), None, "the clock was set back");
    }
}
