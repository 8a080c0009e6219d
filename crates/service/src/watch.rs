//! Folders into which scans fall. Each is looked at again and again, because shares tell nobody what changes in them ([`crate::noticed`] only
//! makes the next look come sooner); a file is taken once it stands still, and moved away only when its document is committed. What was there
//! before the start is found like everything else.
//!
//! Nothing is remembered on disk: a file that is met again after a restart is known by its bytes.

mod complete;
pub mod held;
mod put_away;
mod share;
mod survey;
mod twins;

use crate::arrive::{self, told};
use crate::config::{self, After, Config, Subfolders};
use crate::time;
use crate::walk::{Scan, Walk, walk_inbox};
use complete::is_complete;
use held::{HeldFiles, Left, Since, Why};
use put_away::{descend, move_away, write_reason};
use share::Share;
pub use share::Trouble;
use sohoa_archive::store::Arrived;
use sohoa_archive::{Archive, Arrival, Error, JobState, Remedy};
use sohoa_record::Sha256Hex;
use sohoa_record::identifier::RecordId;
use sohoa_record::identifier::agency::is_agency;
use sohoa_record::manifest::{Manifest, State};
use std::collections::{HashMap, HashSet};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant, SystemTime};
pub use survey::{Surveyed, survey};
pub use twins::Twin;
use twins::write_twin;

/// Where committed scans go, in the folder itself, and where refused ones go.
const DONE: &str = "done";
const FAILED: &str = "failed";
/// A scan with such a file beside it is complete, whatever its times say.
const READY: &str = "ready";
/// A file without its end stands still for so many times as long before it is taken as it is.
const WITHOUT_END: u32 = 10;
/// A share that does not answer holds up its own folder, not the service.
const LOOK_TIME: Duration = Duration::from_secs(60);

/// Why a folder cannot be watched.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)]
pub enum WatchError {
    #[error("[[watch]] folder {0}: {1}; make it, or correct the configuration")]
    Folder(PathBuf, String),
    #[error("[[watch]] folders {0} and {1} lie one inside the other; every scan would be taken twice")]
    Overlap(PathBuf, PathBuf),
    #[error("[[watch]] folder {0} and {1}, which is the archive's own, lie one inside the other; move one of them")]
    Archive(PathBuf, PathBuf),
    #[error("a [[watch]] folder has not answered for {0} s; are their shares connected?")]
    Silent(u64),
}

/// A folder that is watched.
pub struct Watched {
    folder: PathBuf,
    unit: Option<String>,
    priority: i64,
    after: After,
    subfolders: Subfolders,
    quiet: Duration,
    /// What is not taken for so many milliseconds is named.
    patience: i64,
    since: Since,
    /// Through it goes every call into the folder.
    share: Share,
    files: HashMap<PathBuf, File>,
    /// What was told already of files that cannot be taken.
    told: HashMap<PathBuf, String>,
    in_queue: InQueue,
}

/// What had a job when the service began: place and bytes. Files that lie there were taken by an earlier run, and wait in the queue already.
pub type InQueue = Arc<OnceLock<HashMap<String, u64>>>;

/// What a file looked like.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Look {
    size: u64,
    modified: Option<SystemTime>,
}

/// A scan as a look found it.
struct Found {
    scan: Scan,
    look: Look,
    /// The file that says that it is complete lies beside it.
    is_ready: bool,
}

/// A file in the folder, as far as it got.
struct File {
    look: Look,
    step: Step,
    /// Why it is left while it stands still.
    why: Why,
    /// Its bytes came from elsewhere before.
    is_twin: bool,
}

impl File {
    /// One that is seen so for the first time.
    fn new(look: Look, why: Why) -> File {
        File { look, step: Step::Still(Instant::now()), why, is_twin: false }
    }
}

#[derive(Clone)]
enum Step {
    /// It looks so since then.
    Still(Instant),
    /// Its bytes are in the archive; its document is not committed yet.
    Taken(RecordId),
    /// It is committed and stays.
    Kept,
}

/// What a look came to with one file.
enum End {
    /// It is done, and out of the way.
    Away,
    /// The same; its bytes were in the archive already.
    Twin(Twin),
    /// It is done later, by itself.
    Waits,
    /// It is not taken.
    Left(Why),
}

/// What one look came to.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Looked {
    /// Scans that arrived.
    pub taken: usize,
    /// Scans that stand there and are not committed.
    pub waiting: usize,
    /// Of them those that are not in the archive yet.
    pub untaken: usize,
    /// True when there was too little room, or nearly.
    pub wants_room: bool,
    /// What is not taken for long; none when the folder could not be looked at.
    pub held: Option<HeldFiles>,
    /// What was put away and was in the archive already.
    pub twins: Vec<Twin>,
    /// Why the folder could not be looked at.
    pub trouble: Option<Trouble>,
}

/// Why a look ended early.
enum Ended {
    /// It concerns the whole archive.
    Archive(Error),
    /// The folder cannot be looked at.
    Folder(Trouble),
}

impl From<Trouble> for Ended {
    fn from(why: Trouble) -> Ended {
        Ended::Folder(why)
    }
}

/// The folders of a configuration, each found fit to be watched.
pub async fn open(config: &Config) -> Result<Vec<Watched>, WatchError> {
    let config = config.clone();
    let opened = Share::new(LOOK_TIME).call(move || open_all(&config)).await;
    opened.unwrap_or(Err(WatchError::Silent(LOOK_TIME.as_secs())))
}

fn open_all(config: &Config) -> Result<Vec<Watched>, WatchError> {
    let mut watched: Vec<Watched> = Vec::new();
    for watch in &config.watch {
        let one = Watched::open(config, watch)?;
        let keys = [&config.seal.key, &config.log.key].map(|key| key.parent().unwrap_or(key).to_owned());
        for own in
            [&config.archive.store, &config.archive.spool].into_iter().chain(&keys).filter(|own| !own.as_os_str().is_empty())
        {
            let own = std::fs::canonicalize(config.path(own)).unwrap_or_else(|_| config.path(own));
            if one.folder.starts_with(&own) || own.starts_with(&one.folder) {
                return Err(WatchError::Archive(one.folder, own));
            }
        }
        let overlaps = |other: &&Watched| other.folder.starts_with(&one.folder) || one.folder.starts_with(&other.folder);
        if let Some(other) = watched.iter().find(overlaps) {
            return Err(WatchError::Overlap(other.folder.clone(), one.folder));
        }
        watched.push(one);
    }
    // Nothing is made before all of them are found fit.
    watched.iter().try_for_each(Watched::prepare)?;
    Ok(watched)
}

impl Watched {
    /// Makes what it will need. Found out now, not with the first scan that cannot be moved away.
    fn prepare(&self) -> Result<(), WatchError> {
        if self.after == After::Done {
            for own in [DONE, FAILED] {
                let unfit = |e: std::io::Error| WatchError::Folder(self.folder.join(own), e.to_string());
                descend(&self.folder, Path::new(own), true).map_err(unfit)?;
                tempfile::NamedTempFile::new_in(self.folder.join(own)).map_err(unfit)?;
            }
        }
        Ok(())
    }

    fn open(config: &Config, watch: &config::Watch) -> Result<Watched, WatchError> {
        let named = config.path(&watch.folder);
        let unfit = |why: String| WatchError::Folder(named.clone(), why);
        let folder = std::fs::canonicalize(&named).map_err(|e| unfit(e.to_string()))?;
        std::fs::read_dir(&folder).map_err(|e| unfit(e.to_string()))?;
        let unit = [&watch.unit, &config.archive.unit].into_iter().find(|unit| !unit.is_empty()).cloned();
        Ok(Watched {
            folder,
            unit,
            priority: watch.priority.rank(),
            after: watch.after,
            subfolders: watch.subfolders,
            share: Share::new(LOOK_TIME),
            quiet: Duration::from_secs(watch.quiet_seconds),
            patience: i64::try_from(config.serve.waiting_minutes).unwrap_or(i64::MAX).saturating_mul(60_000),
            since: Since::default(),
            files: HashMap::new(),
            told: HashMap::new(),
            in_queue: InQueue::default(),
        })
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Who waits for what comes there: the rank in the queue.
    pub fn priority(&self) -> i64 {
        self.priority
    }

    /// What was made in it for what is done: nothing comes in there.
    pub fn own(&self) -> [PathBuf; 2] {
        [DONE, FAILED].map(|own| self.folder.join(own))
    }

    /// Tells what of it may have been taken by an earlier run; until that is known, nothing that lies there counts as not taken.
    pub fn knowing(self, in_queue: InQueue) -> Watched {
        Watched { in_queue, ..self }
    }

    /// Looks once: takes what stands still while `room` lasts, moves away what is committed. An error concerns the whole archive.
    pub async fn look(&mut self, archive: &Archive, room: u64) -> Result<Looked, Error> {
        match self.go_through(archive, room).await {
            Ok(looked) => Ok(looked),
            Err(Ended::Archive(error)) => Err(error),
            Err(Ended::Folder(why)) => {
                self.tell(&self.folder.clone(), why.to_string());
                let waiting = self.files.values().filter(|file| !matches!(file.step, Step::Kept)).count();
                Ok(Looked { waiting, untaken: self.untaken(), trouble: Some(why), ..Looked::default() })
            }
        }
    }

    fn untaken(&self) -> usize {
        let Some(in_queue) = self.in_queue.get() else { return 0 };
        let is_new = |(path, file): &(&PathBuf, &File)| {
            matches!(file.step, Step::Still(_)) && in_queue.get(&path.display().to_string()) != Some(&file.look.size)
        };
        self.files.iter().filter(is_new).count()
    }

    async fn go_through(&mut self, archive: &Archive, mut room: u64) -> Result<Looked, Ended> {
        let (found, mut left) = self.list().await?;
        let there: HashSet<&PathBuf> = found.iter().map(|found| &found.scan.path).collect();
        self.files.retain(|path, _| there.contains(path));
        let mut looked = Looked::default();
        for Found { scan, look, is_ready } in found {
            let file = self.files.entry(scan.path.clone()).or_insert(File::new(look, Why::Quiet));
            if file.look != look {
                // It grows, or another file took its place.
                *file = File::new(look, Why::Grows);
            }
            let end = match file.step.clone() {
                Step::Kept => End::Away,
                Step::Still(since) if since.elapsed() < self.quiet && !is_ready => End::Left(file.why),
                Step::Still(_) if room == 0 => {
                    looked.wants_room = true;
                    End::Waits
                }
                Step::Still(since) => {
                    let needs_end = !is_ready && since.elapsed() < self.quiet * WITHOUT_END;
                    match self.take(archive, &scan, needs_end).await? {
                        Ok(arrived) => {
                            (room, looked.taken, looked.wants_room) = (room - 1, looked.taken + 1, true);
                            match arrived.committed {
                                true => self.settle(archive, &scan, &arrived.first.record).await?,
                                false => End::Waits,
                            }
                        }
                        Err(why) => {
                            // It is tried again, and until then it is this that stands in the way.
                            if let Some(file) = self.files.get_mut(&scan.path) {
                                file.why = why;
                            }
                            End::Left(why)
                        }
                    }
                }
                Step::Taken(record) => self.settle(archive, &scan, &record).await?,
            };
            looked.waiting += usize::from(!matches!(end, End::Away | End::Twin(_)));
            match end {
                End::Left(why) => {
                    let unit = self.unit_of(&scan).ok().flatten();
                    left.push(Left { path: scan.path, why, unit, changed: None });
                }
                End::Twin(twin) => looked.twins.push(twin),
                End::Away | End::Waits => {}
            }
        }
        looked.untaken = self.untaken();
        looked.held = Some(self.since.held(&self.folder, left, self.patience, time::now_ms()));
        Ok(looked)
    }

    /// The scans in the folder, outside of what we made there, and what is none; an error when the folder itself cannot be looked at.
    async fn list(&mut self) -> Result<(Vec<Found>, Vec<Left>), Ended> {
        let (folder, unit) = (self.folder.clone(), self.unit.clone());
        let listing = move || {
            let Walk { scans, refused, others, partial, hidden: _ } = walk_inbox(&folder, &[DONE, FAILED]);
            let looks: Vec<_> = scans.into_iter().filter_map(|scan| look(&scan.path).map(|look| (scan, look))).collect();
            let (ready, others): (HashSet<PathBuf>, HashSet<PathBuf>) =
                others.into_iter().partition(|path| path.extension().is_some_and(|end| end == READY));
            let mut alone = ready.clone();
            for (scan, _) in &looks {
                alone.remove(&beside(&scan.path, READY));
            }
            let refusals = refused.iter().filter_map(|(path, refused)| Some((path, Why::of(refused)?)));
            let each = |paths, why| std::iter::repeat(why).zip(paths).map(|(why, path)| (path, why));
            let left = refusals.chain(each(&others, Why::OtherKind));
            let left = left.chain(partial.iter().map(|path| (path, Why::Partial))).chain(each(&alone, Why::ReadyAlone));
            let left = left.map(|(path, why)| Left { changed: changed(path), path: path.clone(), why, unit: unit.clone() });
            let left: Vec<Left> = left.collect();
            (looks, refused, others, ready, left)
        };
        let (looks, refused, others, ready, left) = self.share.call(listing).await?;
        if let Some((_, why)) = refused.iter().find(|(path, _)| *path == self.folder) {
            return Err(Trouble::Unreadable(why.to_string()).into());
        }
        let there = looks.iter().map(|(scan, _)| &scan.path).chain(refused.iter().map(|(path, _)| path)).chain(&others);
        let there: HashSet<PathBuf> = there.cloned().collect();
        self.told.retain(|path, _| there.contains(path));
        refused.into_iter().for_each(|(path, why)| self.tell(&path, why.to_string()));
        for path in others {
            self.tell(&path, "by its name it is no PDF, TIFF, JPEG or PNG; it stays".into());
        }
        let found = |(scan, look): (Scan, Look)| Found { is_ready: ready.contains(&beside(&scan.path, READY)), scan, look };
        Ok((looks.into_iter().map(found).collect(), left))
    }

    /// Takes a scan in, or says why that has to wait: for its end, where it `needs_end`, or for a person.
    async fn take(&mut self, archive: &Archive, scan: &Scan, needs_end: bool) -> Result<Result<Arrived, Why>, Ended> {
        let unit = match self.unit_of(scan) {
            Ok(unit) => unit,
            Err(why) => {
                self.tell(&scan.path, why);
                return Ok(Err(Why::NoUnit));
            }
        };
        let path = scan.path.clone();
        let open = move || {
            let mut file = arrive::open(&path)?;
            // What cannot be read is told when it is taken.
            Ok((!needs_end || is_complete(&mut file).unwrap_or(true)).then(|| (file, changed(&path))))
        };
        let mut came = None;
        let arrived = match self.share.call(open).await? {
            Ok(Some((file, changed))) => {
                came = changed;
                arrive::take(archive, scan, file, unit.as_deref(), self.priority).await
            }
            Ok(None) => return Ok(Err(Why::NoEnd)),
            Err(error) => Err(error),
        };
        match arrived {
            Ok(arrived) => {
                if let Some(file) = self.files.get_mut(&scan.path) {
                    file.step = Step::Taken(arrived.first.record.clone());
                    file.is_twin = arrived.arrival == Arrival::Linked || self.after == After::Done && is_again(&arrived, came);
                }
                Ok(Ok(arrived))
            }
            Err(error) if concerns_all(&error) => Err(Ended::Archive(error)),
            Err(error) => {
                if let Some(file) = self.files.get_mut(&scan.path) {
                    file.step = Step::Still(Instant::now());
                }
                self.tell(&scan.path, told(&error));
                Ok(Err(match error {
                    Error::SourceUnreadable { .. } => Why::Unreadable,
                    Error::SourceChanged { .. } => Why::Grows,
                    Error::Destroyed { .. } => Why::Destroyed,
                    _ => Why::Failed,
                }))
            }
        }
    }

    /// The unit that a scan is of, or why it cannot be told.
    fn unit_of(&self, scan: &Scan) -> Result<Option<String>, String> {
        let within = scan.path.strip_prefix(&self.folder).unwrap_or(&scan.path);
        let mut names = within.iter();
        match (self.subfolders, names.next(), names.next()) {
            (Subfolders::Unit, Some(first), Some(_)) => match first.to_str().filter(|name| is_agency(name)) {
                Some(unit) => Ok(Some(unit.to_owned())),
                None => Err(
                    "the subfolder's name is no agency code such as H48.15, as [[watch]] subfolders = \"unit\" wants; rename it"
                        .into(),
                ),
            },
            _ => Ok(self.unit.clone()),
        }
    }

    /// Says once why something is not taken. A name may be a person's, and the log is read by others: it says which folder, and the first
    /// eight digits of the SHA-256 of the path in it.
    fn tell(&mut self, path: &Path, why: String) {
        if self.told.get(path) == Some(&why) {
            return;
        }
        match path.strip_prefix(&self.folder).ok().filter(|within| !within.as_os_str().is_empty()) {
            Some(within) => {
                let digest = Sha256Hex::of(within.as_os_str().as_encoded_bytes());
                let file = &digest.as_str()[..8];
                tracing::warn!(folder = %self.folder.display(), file, "not taken: {why}");
            }
            None => tracing::warn!(folder = %self.folder.display(), "not looked at: {why}"),
        }
        self.told.insert(path.to_owned(), why);
    }

    /// Moves a scan away whose document is committed.
    async fn settle(&mut self, archive: &Archive, scan: &Scan, record: &RecordId) -> Result<End, Ended> {
        let manifest = match committed(archive, record).await {
            Ok(Ok(manifest)) => manifest,
            Ok(Err(JobState::Dead)) => return Ok(End::Left(Why::GivenUp)),
            Ok(Err(_)) => return Ok(End::Waits),
            Err(error) if concerns_all(&error) => return Err(Ended::Archive(error)),
            Err(error) => {
                self.tell(&scan.path, format!("it came before, and stays: {}", told(&error)));
                return Ok(End::Left(Why::Stays));
            }
        };
        let (root, after, seen) = (self.folder.clone(), self.after, self.files.get(&scan.path).map(|file| file.look));
        let is_twin = self.files.get(&scan.path).is_some_and(|file| file.is_twin);
        let moving = scan.clone();
        let moved = self.share.call(move || {
            // Another scan may have come under the name since this one was taken: that one is not done.
            if look(&moving.path) != seen {
                return Ok(false);
            }
            if after == After::Done { put_away(&root, &moving, &manifest, is_twin).map(|()| true) } else { Ok(true) }
        });
        match moved.await? {
            Ok(false) => Ok(End::Waits),
            Ok(true) => {
                match self.files.get_mut(&scan.path) {
                    Some(file) if self.after == After::Keep => file.step = Step::Kept,
                    _ => drop(self.files.remove(&scan.path)),
                }
                let place = scan.path.strip_prefix(&self.folder).unwrap_or(&scan.path).to_string_lossy().into_owned();
                let (unit, at) = (self.unit_of(scan).ok().flatten(), time::rfc3339(&time::now()));
                Ok(if is_twin { End::Twin(Twin { place, unit, record: record.clone(), at }) } else { End::Away })
            }
            Err(error) => {
                self.tell(&scan.path, format!("its document is committed, and it cannot be moved away: {error}"));
                Ok(End::Left(Why::NotMoved))
            }
        }
    }
}

/// True when a committed scan has come once more under its own name. One that an earlier run could not move away any more came before it
/// arrived.
fn is_again(arrived: &Arrived, came: Option<i64>) -> bool {
    // The arrival's time has no parts of a second.
    let before = time::parse(&arrived.first.arrived_at).map(|at| at.timestamp().as_millisecond() + 1000);
    arrived.committed && arrived.arrival == Arrival::Known && came.zip(before).is_some_and(|(came, before)| came > before)
}

/// Finds out what has a job now.
pub async fn find_in_queue(archive: &Archive) -> Result<HashMap<String, u64>, Error> {
    let mut places = HashMap::new();
    for source in archive.queue.sources().await? {
        places.extend(archive.arrivals(&source).await?.into_iter().map(|note| (note.path, note.digests.size)));
    }
    Ok(places)
}

/// What a record is, once it is committed, or how its job stands; an error too when it is no more.
async fn committed(archive: &Archive, record: &RecordId) -> Result<Result<Manifest, JobState>, Error> {
    if archive.index.entry(record).await?.is_none()
        && let Some(job) = archive.queue.find(record).await?
    {
        return Ok(Err(job.state));
    }
    let latest = archive.revisions(record).await?.pop();
    Ok(latest.map(|opened| opened.manifest).ok_or(JobState::Queued))
}

/// True when nothing can be done for any document; else it is this one's trouble, and the others go on.
fn concerns_all(error: &Error) -> bool {
    use Error::{Altered, Arrival, ForeignReceipt, Malformed, Missing, Receipt, SizeDiffers};
    let is_of_one = matches!(
        error,
        Altered { .. }
            | Missing { .. }
            | SizeDiffers { .. }
            | Receipt { .. }
            | ForeignReceipt { .. }
            | Arrival { .. }
            | Malformed { .. }
    );
    error.remedy() == Remedy::Halt && !is_of_one
}

/// Moves a committed scan, and the file that said that it was complete.
fn put_away(root: &Path, scan: &Scan, manifest: &Manifest, is_twin: bool) -> std::io::Result<()> {
    let within = scan.path.strip_prefix(root).unwrap_or(&scan.path).parent().unwrap_or(Path::new(""));
    let done = Path::new(DONE).join(within);
    if manifest.state == State::Failed {
        let folder = move_away(root, &scan.path, &Path::new(FAILED).join(manifest.record.as_str()))?;
        write_reason(&folder, &scan.name, manifest)?;
    } else {
        let folder = move_away(root, &scan.path, &done)?;
        if is_twin {
            write_twin(&folder, &scan.name, manifest)?;
        }
    }
    let ready = beside(&scan.path, READY);
    if ready.exists() {
        let _ = move_away(root, &ready, &done);
    }
    Ok(())
}

fn look(path: &Path) -> Option<Look> {
    let metadata = std::fs::symlink_metadata(path).ok()?;
    Some(Look { size: metadata.len(), modified: metadata.modified().ok() })
}

/// When a file came there or was changed last: milliseconds since 1970. Whoever copies it may set any other of its times.
fn changed(path: &Path) -> Option<i64> {
    let metadata = std::fs::symlink_metadata(path).ok()?;
    Some(metadata.ctime().saturating_mul(1000).saturating_add(metadata.ctime_nsec() / 1_000_000))
}

/// `scan.pdf` → `scan.pdf.ready`
fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(suffix);
    name.into()
}
