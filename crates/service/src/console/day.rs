//! What arrived today, by where it came from. The index tells records apart by their time; where each came from stands in its arrival,
//! which never changes, so it is read once.

use super::kept::Kept;
use super::{Console, MANY};
use crate::time;
use sohoa_archive::{Glance, Index};
use sohoa_record::manifest::State;
use sohoa_record::{Reason, Sha256Hex};
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};

/// Places that are remembered; more than a station brings in months.
const MOST: usize = 100_000;

/// Where sources came from, as far as it was asked.
#[derive(Default)]
pub struct Day {
    places: Mutex<HashMap<Sha256Hex, String>>,
    summary: Arc<Kept<(), Summary>>,
}

/// What goes over every record, and is kept for a while.
#[derive(Clone, Debug, Default)]
pub struct Summary {
    /// Records by their first reason to be looked at.
    pub reasons: BTreeMap<Reason, u64>,
    documents: u64,
    bytes: u64,
}

impl Summary {
    async fn make(index: Index) -> Result<Summary, sohoa_archive::Error> {
        let status = index.status().await?;
        Ok(Summary { reasons: status.reasons, documents: status.records.values().sum(), bytes: status.stored_bytes })
    }

    /// Bytes that a document takes, on average; none when there is none.
    pub fn bytes_a_document(&self) -> Option<u64> {
        self.bytes.checked_div(self.documents).filter(|bytes| *bytes > 0)
    }
}

/// Documents of one place.
#[derive(Clone, Debug, Default)]
pub struct Counts {
    /// All of them.
    pub arrived: u64,
    /// By outcome.
    pub by_state: BTreeMap<State, u64>,
    /// Those that were given up; they are no records.
    pub given_up: u64,
    /// When the last one came: RFC 3339.
    pub last: String,
}

impl Counts {
    /// Those of an outcome.
    pub fn of(&self, state: State) -> u64 {
        self.by_state.get(&state).copied().unwrap_or_default()
    }

    /// Counts one that was given up.
    pub fn add_given_up(&mut self, arrived_at: &str) {
        self.arrived += 1;
        self.given_up += 1;
        if self.last.as_str() < arrived_at {
            arrived_at.clone_into(&mut self.last);
        }
    }

    fn add(&mut self, glance: &Glance) {
        self.arrived += 1;
        *self.by_state.entry(glance.state).or_default() += 1;
        self.last.clone_from(&glance.arrived_at);
    }
}

impl Day {
    /// Where a source came from: a station, or the folder it lay in.
    pub async fn place_of(&self, console: &Console, source: &Sha256Hex) -> String {
        if let Some(known) = self.places.lock().ok().and_then(|places| places.get(source).cloned()) {
            return known;
        }
        let Ok(Some(note)) = console.api.archive.arrival(source).await else { return String::new() };
        let place = place(&note.path);
        if let Ok(mut places) = self.places.lock() {
            if places.len() >= MOST {
                places.clear();
            }
            places.insert(source.clone(), place.clone());
        }
        place
    }

    /// The whole archive in figures.
    pub async fn summary(&self, console: &Console) -> Result<Summary, sohoa_archive::Error> {
        let index = console.api.archive.index.clone();
        let kept = self.summary.of((), Summary::make(index.clone())).await?;
        // Those of a small archive are made while the page is drawn: it shows what was done a moment ago.
        if kept.documents < MANY { Summary::make(index).await } else { Ok(kept) }
    }

    /// All that arrived today, of a unit or of all, and each place with what came from there, the latest first.
    pub async fn today(
        &self,
        console: &Console,
        unit: Option<&str>,
    ) -> Result<(Counts, Vec<(String, Counts)>), sohoa_archive::Error> {
        let morning = time::now().start_of_day().map_or(0, |morning| morning.timestamp().as_millisecond());
        let mut all = Counts::default();
        let mut places: BTreeMap<String, Counts> = BTreeMap::new();
        for glance in console.api.archive.index.arrived_since(morning, unit).await? {
            all.add(&glance);
            places.entry(self.place_of(console, &glance.source).await).or_default().add(&glance);
        }
        let mut places: Vec<_> = places.into_iter().collect();
        places.sort_by(|(_, a), (_, b)| b.last.cmp(&a.last));
        Ok((all, places))
    }
}

/// `station:tram-1/a.pdf` is of the station `tram-1`; of a path the folder counts.
pub fn place(path: &str) -> String {
    match path.strip_prefix("station:") {
        Some(rest) => rest.split('/').next().unwrap_or_default().to_owned(),
        None => path.rsplit_once('/').map_or("", |(folder, _)| folder).to_owned(),
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_place_is_a_station_or_a_folder() {
        assert_eq!(super::place("station:tram-1/H48/a.pdf"), "tram-1");
        assert_eq!(super::place("/quét/xã Tân Đông/a.pdf"), "/quét/xã Tân Đông");
        assert_eq!(super::place("a.pdf"), "");
    }
}
