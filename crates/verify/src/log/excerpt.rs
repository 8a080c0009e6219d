//! What an export brings of the log (its folder `log`): the checkpoint of its proofs, and cosigned and time-stamped checkpoints that this one
//! continues. So an export alone bounds time as the whole log does. What is taken away of it bounds nothing, and is no fault.

use super::{FOLDER, Reading};
use crate::cause::{Cause, Finding, clipped};
use crate::cosigned::TimeBracket;
use crate::files::{self, Kind};
use crate::moments::{Moments, judge_as_of};
use sohoa_record::log::head::{anchor, cosigned, parse_anchor};
use sohoa_record::log::policy::{Cosigned, PolicyError};
use sohoa_record::log::{Checkpoint, Continued, Note};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// An excerpt of a log whose checkpoint is believed.
pub struct Excerpt {
    pub(super) tree: Checkpoint,
    moments: Moments,
}

struct Read<'a> {
    folder: &'a Path,
    reading: Reading<'a>,
    findings: Vec<Finding>,
}

impl Excerpt {
    /// True of a folder that has an excerpt of a log.
    pub fn is_in(folder: &Path) -> bool {
        files::kind_below(folder, &["continued"]) == Ok(Some(Kind::Folder))
    }

    /// Reads the excerpt in `folder`; none when there is none. What is wrong with it is told and bounds nothing.
    pub fn read(folder: &Path, reading: Reading<'_>) -> (Option<Excerpt>, Vec<Finding>) {
        let mut read = Read { folder, reading, findings: Vec::new() };
        let excerpt = if Excerpt::is_in(folder) { read.all() } else { None };
        (excerpt, read.findings)
    }

    /// What it says of leaf `index` in the tree of a proof, and how many witnesses say until when; none of another tree than its own.
    pub fn bracket(&self, index: u64, tree: &Checkpoint) -> Option<(TimeBracket, usize)> {
        (*tree == self.tree).then(|| self.moments.bracket(index))
    }

    /// When witnesses last saw it, as far as it goes.
    pub fn newest(&self) -> Option<u64> {
        self.moments.newest()
    }
}

impl Read<'_> {
    fn all(&mut self) -> Option<Excerpt> {
        let note = self.note("checkpoint")?;
        let tree = match self.reading.policy.signed(&note) {
            Ok(tree) => tree,
            Err(error) => return self.bad("checkpoint", &error.to_string()),
        };
        let (mut continued, mut seen, mut stamped) = (BTreeMap::new(), Vec::new(), BTreeMap::<u64, BTreeSet<u32>>::new());
        for path in self.paths() {
            if let Some(size) = size_in(&path, "continued/") {
                continued.extend(self.continued(size, &tree).map(|then| (size, then)));
            } else if let Some(size) = size_in(&path, "cosigned/") {
                seen.push(size);
            } else if let Some((size, number)) = parse_anchor(&path) {
                stamped.entry(size).or_default().insert(number);
            }
        }
        let mut moments: Vec<Cosigned> = judge_as_of(&note, self.reading.policy, self.reading.at).into_iter().collect();
        for size in seen {
            moments.extend(self.cosigned(size, continued.get(&size)));
        }
        let mut stamps = Vec::new();
        for (size, numbers) in stamped {
            stamps.extend(self.stamped(size, &numbers, continued.get(&size)).map(|time| (size, time)));
        }
        Some(Excerpt { tree, moments: Moments::of(moments).with_stamps(stamps) })
    }

    /// The tree of that size, when the checkpoint continues it.
    fn continued(&mut self, size: u64, later: &Checkpoint) -> Option<Checkpoint> {
        let path = Continued::path(size);
        let bytes = self.file(&path)?;
        match Continued::parse(&bytes) {
            Ok(then) if then.tree.size == size && then.leads_to(later) => Some(then.tree),
            Ok(_) => self.bad(&path, "the checkpoint of this export does not continue it"),
            Err(error) => self.bad(&path, &error.to_string()),
        }
    }

    fn cosigned(&mut self, size: u64, then: Option<&Checkpoint>) -> Option<Cosigned> {
        let path = cosigned(size);
        let note = self.note(&path)?;
        let Some(then) = then else { return self.bad(&path, "nothing shows that the checkpoint of this export continues it") };
        match self.reading.policy.signed(&note) {
            Ok(tree) if tree == *then => match judge_as_of(&note, self.reading.policy, self.reading.at) {
                Ok(cosigned) => Some(cosigned),
                Err(PolicyError::NoQuorum { .. }) => None,
                Err(error) => self.bad(&path, &error.to_string()),
            },
            Ok(_) => self.bad(&path, "it is a checkpoint of another tree than its name says"),
            Err(error) => self.bad(&path, &error.to_string()),
        }
    }

    /// By when the time stamps over that tree say that it was there.
    fn stamped(&mut self, size: u64, numbers: &BTreeSet<u32>, then: Option<&Checkpoint>) -> Option<u64> {
        let first = anchor(size, 1);
        let Some(then) = then else {
            return self.bad(&first, "nothing shows that the checkpoint of this export continues what it is over");
        };
        let mut tokens = Vec::new();
        for (expected, number) in (1..).zip(numbers) {
            if *number != expected {
                self.tell(&anchor(size, expected), Cause::LogFileMissing);
                return None;
            }
            tokens.push(self.file(&anchor(size, *number))?);
        }
        match (self.reading.observer?.stamps)(&then.text(), &tokens) {
            Ok(time) => time.filter(|time| self.reading.at.is_none_or(|at| *time <= at)),
            Err(why) => self.bad(&first, &why),
        }
    }

    /// All files, two folders deep.
    fn paths(&mut self) -> Vec<String> {
        let mut paths = Vec::new();
        let mut folders = vec!["continued".to_owned(), "cosigned".to_owned(), "anchors".to_owned()];
        while let Some(below) = folders.pop() {
            let steps: Vec<&str> = below.split('/').collect();
            if files::kind_below(self.folder, &steps) != Ok(Some(Kind::Folder)) {
                continue;
            }
            match files::entries(&self.folder.join(&below)) {
                Ok(entries) => {
                    for entry in entries {
                        let path = format!("{below}/{}", entry.name);
                        if entry.kind != Kind::Folder {
                            paths.push(path);
                        } else if steps.len() == 1 {
                            folders.push(path);
                        }
                    }
                }
                Err(error) => self.tell(&below, files::unreadable(&error)),
            }
        }
        paths
    }

    fn note(&mut self, path: &str) -> Option<Note> {
        let bytes = self.file(path)?;
        match Note::parse(&bytes) {
            Ok(note) => Some(note),
            Err(error) => self.bad(path, &error.to_string()),
        }
    }

    fn file(&mut self, path: &str) -> Option<Vec<u8>> {
        let read = match files::kind_below(self.folder, &path.split('/').collect::<Vec<_>>()) {
            Ok(None) => Err(Cause::LogFileMissing),
            Ok(Some(Kind::File)) => files::small_file(&self.folder.join(path)),
            Ok(Some(_)) => Err(Cause::NotAFile),
            Err(cause) => Err(cause),
        };
        read.map_err(|cause| self.tell(path, cause)).ok()
    }

    fn bad<T>(&mut self, path: &str, why: &str) -> Option<T> {
        self.tell(path, Cause::BadLog(clipped(why)));
        None
    }

    fn tell(&mut self, path: &str, cause: Cause) {
        self.findings.push(Finding::about(format!("{FOLDER}/{path}"), None, cause));
    }
}

/// The size in a path that ends in twenty digits.
fn size_in(path: &str, folder: &str) -> Option<u64> {
    let digits = path.strip_prefix(folder)?;
    let size = digits.parse().ok()?;
    (format!("{size:020}") == digits).then_some(size)
}
