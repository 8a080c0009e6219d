//! The audit of a folder: finds every record in it, checks each, then looks for what no record accounts for.

use crate::archive::{self, Seen, bytes_of};
use crate::cause::{Cause, Finding};
use crate::files::{self, Entry, Kind};
use crate::key_events::{self, Keys};
use crate::log::{self, Excerpt, LogCopy, Reading};
use crate::loose::{self, Against};
use crate::moments::Fresh;
use crate::pdf_signatures::JudgePdf;
use crate::record::{self, Home, revision_number};
use crate::sample::{Sample, Sampled};
use crate::state::State;
use crate::verdict::{Line, MoreFinding, Verdict};
use sohoa_record::TrustPolicy;
use sohoa_record::identifier::RecordId;
use sohoa_record::log::policy::PolicyError;
use sohoa_record::log::{Checkpoint, LogPolicy, Note};
use sohoa_record::seal::Opened;
use std::collections::HashSet;
use std::io;
use std::path::{Path, PathBuf};

/// Findings beyond the first that a line tells.
const MAX_MORE: usize = 100;

/// Folders nested deeper than this are reported, not looked into.
const MAX_DEPTH: usize = 16;

/// Why an audit could not be carried out. What is wrong with a record is no error but a [`Line`].
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    /// The folder to audit is not there or is none.
    #[error("'{path}' is not a folder that can be read ({source}); give the archive, an export, or one record's folder")]
    Folder {
        /// As given.
        path: PathBuf,
        /// The operating system's words.
        source: io::Error,
    },
    /// Files were named, and no receipt is among them.
    #[error("no receipt (….dsse.json) is among the files that were named; a receipt says what was sealed")]
    NoReceipt,
    /// The report could not be written, or the state file not be read or written.
    #[error("the report or the state file could not be written: {0}")]
    Report(#[from] io::Error),
}

/// What an auditor may bring besides the folder and the policy.
#[derive(Clone, Copy, Default)]
pub struct Brought<'a> {
    /// A copy of the log, to hold an export or an archive against; an archive's own log when it is not given.
    pub log: Option<&'a Path>,
    /// Older checkpoints that were kept: the log must continue each.
    pub since: &'a [KeptCheckpoint],
    /// The time as of which is asked, in seconds since 1970 UTC: later revisions and cosignatures do not count. None: all that is here.
    pub at: Option<u64>,
    /// The newest moment at which witnesses saw the log, or the checkpoint of a proof, has to be so fresh.
    pub fresh: Option<Fresh>,
    /// Only a sample of the records is opened. Of the others it is seen that the receipts are there that the log names.
    pub sample: Option<&'a Sample>,
    /// Who wants to know something of each record's latest revision.
    pub observer: Option<Observer<'a>>,
    /// Judges the legal signatures of a PDF that is whole, byte for byte, where its manifest says that there are some. None: they are told as
    /// they were sealed.
    pub pdf: Option<&'a JudgePdf<'a>>,
}

/// When a checkpoint was there, as the time stamps over it say.
pub type JudgeStamps<'a> = dyn Fn(&str, &[Vec<u8>]) -> Result<Option<u64>, String> + 'a;

/// Somebody who makes something of what an audit reads, such as rates. What was read before a stop is handed on again.
#[derive(Clone, Copy)]
pub struct Observer<'a> {
    /// What to keep of a believed revision.
    pub note: &'a dyn Fn(&Opened) -> String,
    /// Gets each record's line and what was kept of its latest revision.
    pub noted: &'a dyn Fn(&Line, &str),
    /// Judges the time stamps (RFC 3161) over a checkpoint of the log, given its text and their tokens: the time by which it was there, in
    /// seconds since 1970 UTC; none when their service is not believed; or what is wrong with them.
    pub stamps: &'a JudgeStamps<'a>,
}

impl std::fmt::Debug for Observer<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Observer")
    }
}

/// What an audit looked at besides the records.
#[derive(Clone, Debug, Default)]
pub struct Audited {
    /// Every log that was read and holds.
    pub logs: Vec<SeenLog>,
    /// When a quorum of witnesses last saw each of them, and what exports bring of theirs, in seconds since 1970 UTC.
    pub newest: Vec<u64>,
    /// What the sample came to, when one was asked for.
    pub sampled: Option<Sampled>,
    /// Records that were judged by an earlier run with the same state file.
    pub taken_over: u64,
}

/// A log's checkpoint, and by when a quorum of witnesses had seen it, in seconds since 1970 UTC.
#[derive(Clone, Debug)]
pub struct SeenLog {
    /// Size and root.
    pub tree: Checkpoint,
    /// None when no witness is asked for.
    pub seen: Option<u64>,
}

/// A checkpoint that the auditor kept. It is believed as the log's, whoever cosigned it then.
#[derive(Clone, Debug)]
pub struct KeptCheckpoint {
    /// Size and root.
    pub tree: Checkpoint,
    /// With its signatures.
    pub note: Note,
}

impl KeptCheckpoint {
    /// Reads a kept checkpoint; a log of the policy must have signed it.
    pub fn parse(bytes: &[u8], policy: &LogPolicy) -> Result<KeptCheckpoint, PolicyError> {
        let note = Note::parse(bytes)?;
        Ok(KeptCheckpoint { tree: policy.signed(&note)?, note })
    }
}

/// Audits `path` under `policy` and hands each line to `write` as soon as it is known: records in the order of their
/// folders' names, then what belongs to none. `prefix` goes before every shown path.
///
/// Memory does not grow with the size of files; with the number of records it grows by their identifiers and digests.
pub fn audit(
    path: &Path,
    prefix: &str,
    policy: &TrustPolicy,
    write: &mut dyn FnMut(Line) -> io::Result<()>,
) -> Result<(), AuditError> {
    audit_with(path, prefix, policy, Brought::default(), None, write).map(drop)
}

/// The same with what the auditor brings. A log is looked at when the policy names one. With a state file it goes on where an earlier run
/// with that file was stopped.
pub fn audit_with(
    path: &Path,
    prefix: &str,
    policy: &TrustPolicy,
    brought: Brought<'_>,
    state: Option<State>,
    write: &mut dyn FnMut(Line) -> io::Result<()>,
) -> Result<Audited, AuditError> {
    let folder = |source| AuditError::Folder { path: path.to_owned(), source };
    // What the auditor names may be a link; below it none is followed.
    let root = path.canonicalize().map_err(folder)?;
    if !root.is_dir() {
        return Err(folder(io::ErrorKind::NotADirectory.into()));
    }
    let store = root.ancestors().skip(1).take(3).find(|above| archive::is_archive(above) && below_records(&root, above));
    let mut walk = Walk::new(policy, brought, write);
    walk.state = state;
    if let Some(sample) = brought.sample {
        let mut population = Vec::new();
        population_of(&root, 0, store.is_some(), &mut population);
        let chosen = sample.draw(&population);
        let (population, drawn) = (population.len() as u64, chosen.len() as u64);
        walk.audited.sampled = Some(Sampled { population, drawn, bad: 0, seed: sample.seed.clone() });
        walk.chosen = Some(chosen);
    }
    match (brought.log, store) {
        (Some(copy), _) => walk.read_log(copy, "", false)?,
        (None, Some(store)) => walk.read_log(&store.join(log::FOLDER), "", true)?,
        (None, None) => {}
    }
    match store {
        Some(store) => walk.read_keys(&store.join(key_events::FOLDER), "", true)?,
        None if archive::is_archive(&root) || is_bag(&root) => {}
        None => {
            let payload = payload_with(&root);
            if !is_loose(&root, &files::entries(&root).unwrap_or_default()) {
                walk.read_keys(&payload.join(key_events::FOLDER), "", false)?;
            }
            walk.read_excerpt(&payload.join(log::FOLDER), "")?;
        }
    }
    walk.folder(&root, prefix, store, 0)?;
    if !brought.since.is_empty() && !walk.compared {
        walk.about(log::FOLDER, Cause::NothingToContinue)?;
    }
    walk.audited.taken_over = walk.state.as_ref().map_or(0, |state| state.taken_over);
    Ok(walk.audited)
}

/// The record that a folder is named for.
fn named_record(folder: &Path) -> Option<RecordId> {
    folder.file_name()?.to_str()?.parse().ok()
}

/// True of an export: a BagIt bag. Its records are in `data`.
fn is_bag(folder: &Path) -> bool {
    let is = |name, kind| files::kind_below(folder, &[name]) == Ok(Some(kind));
    is("bagit.txt", Kind::File) && is("data", Kind::Folder)
}

/// The folder of keyrings and log that goes with a folder which is no archive and no bag: itself, its payload, or what holds it, when it
/// is one record's of an export.
fn payload_with(folder: &Path) -> PathBuf {
    let holders = [folder.to_owned(), folder.join("data")].into_iter().chain(folder.parent().map(Path::to_owned));
    let found =
        holders.into_iter().find(|holder| holder.join(key_events::FOLDER).is_dir() || Excerpt::is_in(&holder.join(log::FOLDER)));
    found.unwrap_or_else(|| folder.to_owned())
}

/// The folders that are named for records. One that cannot be read is told by the audit itself.
fn population_of(folder: &Path, depth: usize, within: bool, found: &mut Vec<RecordId>) {
    let root = archive::is_archive(folder);
    let whole = !within && (root || is_bag(folder));
    if let Some(record) = named_record(folder).filter(|_| !whole) {
        return found.push(record);
    }
    let entries = if depth > MAX_DEPTH { Vec::new() } else { files::entries(folder).unwrap_or_default() };
    for entry in entries.iter().filter(|entry| entry.kind == Kind::Folder && !(root && is_no_record(&entry.name))) {
        population_of(&entry.path, depth + 1, within || whole, found);
    }
}

/// Folders of an archive that hold no records.
fn is_no_record(name: &str) -> bool {
    matches!(name, "objects" | "arrivals" | "codes" | log::FOLDER | key_events::FOLDER)
}

/// Judges loose files (see [`loose`]), shown as they were named.
pub fn audit_loose(
    given: &[PathBuf],
    policy: &TrustPolicy,
    brought: Brought<'_>,
    write: &mut dyn FnMut(Line) -> io::Result<()>,
) -> Result<Audited, AuditError> {
    let mut entries = Vec::new();
    for path in given {
        // What the auditor names may be a link.
        let kind = if path.is_file() { Kind::File } else { Kind::Other };
        entries.push(Entry { name: path.to_string_lossy().into_owned(), path: path.clone(), kind });
    }
    if !entries.iter().any(|entry| entry.kind == Kind::File && loose::receipt(entry).is_some()) {
        return Err(AuditError::NoReceipt);
    }
    let mut walk = Walk::new(policy, brought, write);
    if let Some(copy) = brought.log.filter(|copy| Excerpt::is_in(copy)) {
        walk.read_excerpt(copy, "")?;
    } else if let Some(copy) = brought.log {
        walk.read_log(copy, "", false)?;
    } else if !brought.since.is_empty() {
        walk.about(log::FOLDER, Cause::NothingToContinue)?;
    }
    walk.loose(&entries)?;
    Ok(walk.audited)
}

/// True of a folder that holds a receipt among other files, and is neither a revision's nor a record's: somebody put it together.
fn is_loose(folder: &Path, entries: &[Entry]) -> bool {
    let name = folder.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let revision = |entry: &Entry| entry.kind == Kind::Folder && revision_number(&entry.name).is_some();
    revision_number(name).is_none()
        && name.parse::<RecordId>().is_err()
        && entries.iter().any(|entry| entry.kind == Kind::File && entry.name.ends_with(".dsse.json"))
        && !entries.iter().any(revision)
}

fn below_records(path: &Path, archive: &Path) -> bool {
    path.strip_prefix(archive).is_ok_and(|rest| rest.starts_with("records"))
}

struct Walk<'a> {
    policy: &'a TrustPolicy,
    write: &'a mut dyn FnMut(Line) -> io::Result<()>,
    brought: Brought<'a>,
    seen: Seen,
    /// The log that receipts are held against.
    log: Option<LogCopy>,
    /// What the export at hand brings of its log.
    excerpt: Option<Excerpt>,
    /// True below an export: a folder that is named for a record is a record's there.
    in_bag: bool,
    /// Which keys counted where in it.
    keys: Option<Keys>,
    /// True once a log was held against the kept checkpoint.
    compared: bool,
    /// True once the log that receipts would be held against was told to be bad.
    bad_log: bool,
    audited: Audited,
    state: Option<State>,
    /// The records that are opened, when only a sample is.
    chosen: Option<HashSet<RecordId>>,
}

impl<'a> Walk<'a> {
    fn new(policy: &'a TrustPolicy, brought: Brought<'a>, write: &'a mut dyn FnMut(Line) -> io::Result<()>) -> Self {
        let (seen, audited) = (Seen::default(), Audited::default());
        Walk {
            policy,
            write,
            brought,
            seen,
            log: None,
            excerpt: None,
            in_bag: false,
            keys: None,
            compared: false,
            bad_log: false,
            audited,
            state: None,
            chosen: None,
        }
    }
}

impl<'a> Walk<'a> {
    /// Reads the log in `folder`, when the policy names one. What is wrong with it has lines of its own.
    fn read_log(&mut self, folder: &Path, prefix: &str, whole: bool) -> io::Result<()> {
        let Some(policy) = self.policy.log() else { return Ok(()) };
        let findings = match LogCopy::read(folder, self.reading(policy, whole)) {
            Ok(mut log) => {
                self.compared |= log.is_some();
                let mut findings = log.as_mut().map(|log| std::mem::take(&mut log.others)).unwrap_or_default();
                if let Some(log) = &log {
                    self.audited.logs.push(SeenLog { tree: log.tree.clone(), seen: log.seen });
                    self.audited.newest.extend(log.moments.newest());
                    let stale = self.brought.fresh.and_then(|fresh| fresh.misses(log.moments.newest()));
                    let place = format!("{}/checkpoint", log::FOLDER);
                    findings.extend(stale.map(|cause| Finding::about(place, None, cause)));
                }
                self.log = log;
                findings
            }
            Err(finding) => {
                (self.compared, self.bad_log) = (true, true);
                vec![finding]
            }
        };
        self.tell(findings, prefix)
    }

    fn reading<'b>(&self, policy: &'b LogPolicy, whole: bool) -> Reading<'b>
    where
        'a: 'b,
    {
        Reading { policy, since: self.brought.since, at: self.brought.at, whole, observer: self.brought.observer }
    }

    /// Reads what an export brings of its log. Beside a copy of the log it says nothing more.
    fn read_excerpt(&mut self, folder: &Path, prefix: &str) -> io::Result<()> {
        let Some(policy) = self.policy.log().filter(|_| self.log.is_none()) else { return Ok(()) };
        let (excerpt, findings) = Excerpt::read(folder, self.reading(policy, false));
        self.audited.newest.extend(excerpt.as_ref().and_then(Excerpt::newest));
        self.excerpt = excerpt;
        self.tell(findings, prefix)
    }

    fn loose(&mut self, given: &[Entry]) -> io::Result<()> {
        let against = Against {
            policy: self.policy,
            log: self.log.as_ref(),
            excerpt: self.excerpt.as_ref(),
            keys: None,
            at: self.brought.at,
            fresh: self.brought.fresh,
            pdf: self.brought.pdf,
        };
        loose::check(given, &against, self.write)
    }

    /// Reads the keyrings in `folder`, when the policy names a root. An archive's have no place without a log that holds, which was told.
    fn read_keys(&mut self, folder: &Path, prefix: &str, archive: bool) -> io::Result<()> {
        self.keys = None;
        if archive && self.log.is_none() {
            return Ok(());
        }
        let (keys, findings) = Keys::read(folder, self.policy, self.log.as_ref());
        self.keys = keys;
        self.tell(findings, prefix)
    }

    fn tell(&mut self, findings: Vec<Finding>, prefix: &str) -> io::Result<()> {
        findings.into_iter().try_for_each(|finding| {
            let place = finding.object.clone().unwrap_or_default();
            let shown = if prefix.is_empty() { place } else { format!("{prefix}/{place}") };
            (self.write)(Line::about_file(shown, None, finding))
        })
    }

    fn folder(&mut self, path: &Path, shown: &str, store: Option<&Path>, depth: usize) -> io::Result<()> {
        if depth > MAX_DEPTH {
            return self.about(shown, Cause::TooDeep);
        }
        let (root, bag) = (store.is_none() && archive::is_archive(path), store.is_none() && is_bag(path));
        // Somebody may name an archive or an export for the record in it. Within one a folder of that name is the record's, whatever it holds.
        if let Some(record) = named_record(path).filter(|_| store.is_some() || self.in_bag || !(root || bag)) {
            return self.record(path, shown, Some(record), store);
        }
        let entries = match files::entries(path) {
            Ok(entries) => entries,
            Err(error) => return self.about(shown, files::unreadable(&error)),
        };
        if depth == 0 && store.is_none() && !root && !bag && is_loose(path, &entries) {
            let (folders, mut given): (Vec<_>, Vec<_>) = entries.into_iter().partition(|entry| entry.kind == Kind::Folder);
            let keyrings = files::entries(&path.join(key_events::FOLDER)).unwrap_or_default().into_iter();
            given.extend(keyrings.map(|entry| Entry { name: format!("{}/{}", key_events::FOLDER, entry.name), ..entry }));
            self.loose(&given)?;
            let place = |name: &str| if shown.is_empty() { name.to_owned() } else { format!("{shown}/{name}") };
            return folders.iter().try_for_each(|entry| self.folder(&entry.path, &place(&entry.name), None, depth + 1));
        }
        let is_revision = |entry: &Entry| entry.kind == Kind::Folder && revision_number(&entry.name).is_some();
        if entries.iter().any(|entry| entry.name.ends_with(".dsse.json") || is_revision(entry)) {
            self.record(path, shown, None, store)?;
        }
        let outer = if root { std::mem::take(&mut self.seen) } else { Seen::default() };
        if root && self.brought.log.is_none() {
            (self.log, self.bad_log) = (None, false);
            self.read_log(&path.join(log::FOLDER), shown, true)?;
        }
        if root {
            self.read_keys(&path.join(key_events::FOLDER), shown, true)?;
        }
        let outside = bag.then(|| (self.keys.take(), self.excerpt.take(), std::mem::replace(&mut self.in_bag, true)));
        if bag {
            self.read_keys(&path.join("data").join(key_events::FOLDER), shown, false)?;
            self.read_excerpt(&path.join("data").join(log::FOLDER), shown)?;
        }
        for entry in entries.iter().filter(|entry| !is_revision(entry)) {
            if root && is_no_record(&entry.name) {
                continue;
            }
            let shown = if shown.is_empty() { entry.name.clone() } else { format!("{shown}/{}", entry.name) };
            match entry.kind {
                Kind::Folder => self.folder(&entry.path, &shown, if root { Some(path) } else { store }, depth + 1)?,
                Kind::Other => self.about(&shown, Cause::NotFollowed)?,
                Kind::File => {}
            }
        }
        if let Some(outside) = outside {
            (self.keys, self.excerpt, self.in_bag) = outside;
        }
        if root {
            // Of a sample nobody can say which objects belong to no record.
            if self.chosen.is_none() {
                archive::sweep(path, shown, &self.seen, self.write)?;
            }
            self.sweep_log(shown)?;
            self.seen = outer;
            if self.brought.log.is_none() {
                self.log = None;
            }
            self.keys = None;
        }
        Ok(())
    }

    /// Records that the log knows and the archive does not have.
    fn sweep_log(&mut self, shown: &str) -> io::Result<()> {
        let place = |rest: &str| if shown.is_empty() { rest.to_owned() } else { format!("{shown}/{rest}") };
        if self.policy.log().is_none() {
            return Ok(());
        }
        let Some(log) = &self.log else {
            // A log that is there and does not hold was told of already.
            return if !self.bad_log && self.brought.log.is_none() && !self.seen.records.is_empty() {
                self.about(&place(log::FOLDER), Cause::NoLog)
            } else {
                Ok(())
            };
        };
        let at = self.brought.at;
        for record in log.records().filter(|id| !self.seen.records.contains(id) && !self.seen.unclear.contains(id)) {
            let path = place(&format!("records/{record}"));
            let known = |leaf: &u64| at.is_none() || log.moments.bracket(*leaf).0.by.is_some();
            let mut gone = log.of_record(&record).filter(|(_, leaf)| known(leaf));
            let finding = |(revision, leaf)| Finding::about(path.clone(), Some(revision), Cause::Withheld(leaf));
            if let Some(first) = gone.next() {
                let mut line = Line::about_file(path.clone(), Some(record.to_string()), finding(first));
                line.more = gone.take(MAX_MORE).map(|next| MoreFinding::from(&finding(next))).collect();
                (self.write)(line)?;
            }
        }
        Ok(())
    }

    fn record(&mut self, path: &Path, shown: &str, record: Option<RecordId>, store: Option<&Path>) -> io::Result<()> {
        let own_name = record.is_some();
        if let (Some(chosen), Some(id)) = (&self.chosen, &record)
            && !chosen.contains(id)
            && self.has_receipts(path, id)
        {
            self.seen.unclear.insert(id.clone());
            return Ok(());
        }
        let drawn = record.as_ref().zip(self.chosen.as_ref()).is_some_and(|(id, chosen)| chosen.contains(id));
        let known = self.state.as_mut().map(|state| state.take(shown)).transpose()?.flatten();
        let checked = match known {
            Some(checked) => checked,
            None => {
                let home = Home {
                    path,
                    shown,
                    record,
                    store,
                    log: self.log.as_ref(),
                    excerpt: self.excerpt.as_ref(),
                    keys: self.keys.as_ref(),
                    at: self.brought.at,
                    fresh: self.brought.fresh,
                    observer: self.brought.observer,
                    pdf: self.brought.pdf,
                };
                let checked = record::check(&home, self.keys.as_ref().map_or(self.policy, |keys| &keys.policy));
                if let Some(state) = &mut self.state {
                    state.note(shown, &checked)?;
                }
                checked
            }
        };
        if let Some(sampled) = self.audited.sampled.as_mut().filter(|_| drawn) {
            sampled.bad += u64::from(!checked.line.verdict.is_good() && !checked.line.verdict.is_note());
        }
        if let (Some(observer), Some(note)) = (self.brought.observer, &checked.note) {
            (observer.noted)(&checked.line, note);
        }
        let (mut stray, mut twice) = (None, None);
        if store.is_some() {
            self.seen.objects.extend(checked.objects.iter().map(bytes_of));
            self.seen.sources.extend(checked.source.iter().filter(|_| !checked.later_part).map(bytes_of));
            for code in &checked.codes {
                let record = checked.line.record.clone().unwrap_or_default();
                let first = self.seen.codes.entry(bytes_of(code)).or_insert_with(|| record.clone());
                if *first != record {
                    twice = Some(first.clone());
                }
            }
            let id = checked.line.record.as_ref().and_then(|id| id.parse::<RecordId>().ok());
            if let Some(id) = id.filter(|_| checked.line.verdict != Verdict::Unsealed) {
                if checked.destroyed {
                    self.seen.destroyed.insert(id.clone());
                } else if !checked.complete || checked.source.is_none() {
                    self.seen.unclear.insert(id.clone());
                }
                if checked.source.is_some() || checked.destroyed {
                    let signed = id.to_string();
                    // In an archive a record has one folder, named for it. A second or renamed one is whole, and yet not ours.
                    if !self.seen.records.insert(id) || !own_name {
                        stray = Some(signed);
                    }
                }
            }
        }
        (self.write)(checked.line)?;
        checked.strays.into_iter().try_for_each(&mut *self.write)?;
        if let Some(other) = twice {
            self.about(shown, Cause::CodeTwice { other })?;
        }
        match stray {
            Some(signed) => self.about(shown, Cause::OtherRecord { signed }),
            None => Ok(()),
        }
    }

    /// True when the receipts are there that the log names, by their file names.
    fn has_receipts(&self, path: &Path, record: &RecordId) -> bool {
        let Some(log) = &self.log else { return true };
        log.of_record(record).all(|(number, _)| {
            let (stem, name) = (format!("r{number:04}"), format!("r{number:04}.dsse.json"));
            let is_file = |steps: &[&str]| matches!(files::kind_below(path, steps), Ok(Some(Kind::File)));
            is_file(&[&name]) || is_file(&[&stem, &name])
        })
    }

    fn about(&mut self, shown: &str, cause: Cause) -> io::Result<()> {
        let shown = if shown.is_empty() { "." } else { shown };
        (self.write)(Line::about_file(shown.to_owned(), None, Finding::about(shown, None, cause)))
    }
}
