//! Folders into which scans fall. Each is looked at again and again, because shares tell nobody what changes in them ([`crate::noticed`] only
//! makes the next look come sooner); a file is taken once it stands still, and moved away only when its document is committed. What was there
//! before the start is found like everything else.
//!
//! Nothing is remembered on disk: a file that is met again after a restart is known by its bytes.

use crate::config::{self, After, Config};
use crate::walk::{Scan, Walk, walk_inbox};
use crate::{arrive, time};
use rustix::fs::{AtFlags, CWD, Mode, OFlags, RenameFlags, mkdirat, openat, renameat, renameat_with};
use rustix::io::Errno;
use sohoa_archive::{Archive, Error, Remedy};
use sohoa_record::Reason;
use sohoa_record::identifier::RecordId;
use sohoa_record::manifest::{Manifest, State};
use std::collections::{HashMap, HashSet};
use std::io::Write as _;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

/// Where committed scans go, in the folder itself, and where refused ones go.
const DONE: &str = "done";
const FAILED: &str = "failed";
/// What a refused scan's folder says, for the clerk who looks there.
const REASON_FILE: &str = "LY-DO.txt";
/// A scan with such a file beside it is complete, whatever its times say.
const READY: &str = "ready";
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
}

/// A folder that is watched.
pub struct Watched {
    folder: PathBuf,
    unit: Option<String>,
    priority: i64,
    after: After,
    quiet: Duration,
    files: HashMap<PathBuf, File>,
    /// What was told already of files that cannot be taken.
    told: HashMap<PathBuf, String>,
}

/// What a file looked like.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Look {
    size: u64,
    modified: Option<SystemTime>,
}

/// A file in the folder, as far as it got.
struct File {
    look: Look,
    step: Step,
}

enum Step {
    /// It looks so since then.
    Still(Instant),
    /// Its bytes are in the archive; its document is not committed yet.
    Taken(RecordId),
    /// It is committed and stays.
    Kept,
}

/// What one look came to.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Looked {
    /// Scans that arrived.
    pub taken: usize,
    /// Scans that stand there and are not committed.
    pub waiting: usize,
    /// Why the folder could not be looked at.
    pub trouble: Option<String>,
}

/// The folders of a configuration, each found fit to be watched.
pub fn open(config: &Config) -> Result<Vec<Watched>, WatchError> {
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
            quiet: Duration::from_secs(watch.quiet_seconds),
            files: HashMap::new(),
            told: HashMap::new(),
        })
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// What was made in it for what is done: nothing comes in there.
    pub fn own(&self) -> [PathBuf; 2] {
        [DONE, FAILED].map(|own| self.folder.join(own))
    }

    /// Looks once: takes what stands still while `room` lasts, moves away what is committed. An error concerns the whole archive.
    pub async fn look(&mut self, archive: &Archive, mut room: u64) -> Result<Looked, Error> {
        let found = match self.list().await {
            Ok(found) => found,
            Err(trouble) => return Ok(Looked { trouble: Some(trouble), ..Looked::default() }),
        };
        let there: HashSet<&PathBuf> = found.iter().map(|(scan, _)| &scan.path).collect();
        self.files.retain(|path, _| there.contains(path));
        let mut looked = Looked::default();
        for (scan, look) in found {
            let file = self.files.entry(scan.path.clone()).or_insert(File { look, step: Step::Still(Instant::now()) });
            if file.look != look {
                // It grows, or another file took its place.
                *file = File { look, step: Step::Still(Instant::now()) };
            }
            match &file.step {
                Step::Kept => continue,
                Step::Still(since) if since.elapsed() < self.quiet && !beside(&scan.path, READY).exists() => {}
                Step::Still(_) if room == 0 => {}
                Step::Still(_) => match arrive::take(archive, &scan, self.unit.as_deref(), self.priority).await {
                    Ok(arrived) => {
                        (room, looked.taken) = (room - 1, looked.taken + 1);
                        file.step = Step::Taken(arrived.first.record.clone());
                        if arrived.committed && self.settle(archive, &scan, &arrived.first.record).await? {
                            continue;
                        }
                    }
                    Err(error) if error.remedy() == Remedy::Halt => return Err(error),
                    Err(error) => {
                        file.step = Step::Still(Instant::now());
                        self.tell(&scan.path, error.to_string());
                    }
                },
                Step::Taken(record) => {
                    let record = record.clone();
                    if self.settle(archive, &scan, &record).await? {
                        continue;
                    }
                }
            }
            looked.waiting += 1;
        }
        Ok(looked)
    }

    /// The scans in the folder, outside of what we made there; an error when the folder itself cannot be looked at.
    async fn list(&mut self) -> Result<Vec<(Scan, Look)>, String> {
        let folder = self.folder.clone();
        let listing = tokio::task::spawn_blocking(move || {
            let Walk { scans, mut refused, others } = walk_inbox(&folder, &[DONE, FAILED]);
            let found: Vec<_> = scans.into_iter().filter_map(|scan| look(&scan.path).map(|look| (scan, look))).collect();
            let itself = refused.iter().position(|(path, _)| *path == folder).map(|at| refused.swap_remove(at).1.to_string());
            (found, refused, others, itself)
        });
        let listed = match tokio::time::timeout(LOOK_TIME, listing).await {
            Ok(Ok((found, refused, others, None))) => {
                let is_there = |path: &PathBuf| path.symlink_metadata().is_ok();
                self.told.retain(|path, _| is_there(path));
                refused.into_iter().for_each(|(path, why)| self.tell(&path, why.to_string()));
                for path in others.iter().filter(|path| path.extension().is_none_or(|end| end != READY)) {
                    self.tell(path, "by its name it is no PDF, TIFF, JPEG or PNG; it stays".into());
                }
                Ok(found)
            }
            Ok(Ok((.., Some(why)))) => Err(why),
            Ok(Err(error)) => Err(error.to_string()),
            Err(_) => Err(format!("it has not answered for {} s; is its share connected?", LOOK_TIME.as_secs())),
        };
        if let Err(why) = &listed {
            self.tell(&self.folder.clone(), why.clone());
        }
        listed
    }

    /// Says once why something is not taken.
    fn tell(&mut self, path: &Path, why: String) {
        if self.told.get(path) != Some(&why) {
            tracing::warn!("not taken  {}: {why}", path.display());
            self.told.insert(path.to_owned(), why);
        }
    }

    /// Moves a scan away whose document is committed. False while it is not.
    async fn settle(&mut self, archive: &Archive, scan: &Scan, record: &RecordId) -> Result<bool, Error> {
        if archive.index.entry(record).await?.is_none() {
            return Ok(false);
        }
        let Some(opened) = archive.revisions(record).await?.pop() else { return Ok(false) };
        let file = self.files.get(&scan.path).map(|file| file.look);
        // Another scan may have come under the name since this one was taken: that one is not done.
        if look(&scan.path) != file {
            return Ok(false);
        }
        if self.after == After::Keep {
            self.files
                .insert(scan.path.clone(), File { look: file.unwrap_or(Look { size: 0, modified: None }), step: Step::Kept });
            return Ok(true);
        }
        let within = scan.path.strip_prefix(&self.folder).unwrap_or(&scan.path).parent().unwrap_or(Path::new(""));
        let moved = if opened.manifest.state == State::Failed {
            let below = Path::new(FAILED).join(record.as_str());
            move_away(&self.folder, &scan.path, &below).and_then(|folder| write_reason(&folder, scan, &opened.manifest))
        } else {
            move_away(&self.folder, &scan.path, &Path::new(DONE).join(within)).map(drop)
        };
        match moved {
            Ok(()) => {
                let ready = beside(&scan.path, READY);
                if ready.exists() {
                    let _ = move_away(&self.folder, &ready, &Path::new(DONE).join(within));
                }
                self.files.remove(&scan.path);
                Ok(true)
            }
            Err(error) => {
                self.tell(&scan.path, format!("its document is committed, and it cannot be moved away: {error}"));
                Ok(false)
            }
        }
    }
}

fn look(path: &Path) -> Option<Look> {
    let metadata = std::fs::symlink_metadata(path).ok()?;
    Some(Look { size: metadata.len(), modified: metadata.modified().ok() })
}

/// `scan.pdf` → `scan.pdf.ready`
fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(suffix);
    name.into()
}

/// Moves a file of `root` into a folder below it, under its name or, where that is taken, the name with a number. Nothing is written over,
/// and no link is followed: who may write into the folder must not choose where we write. Gives the folder.
fn move_away(root: &Path, file: &Path, below: &Path) -> std::io::Result<OwnedFd> {
    let within = file.strip_prefix(root).map_err(std::io::Error::other)?;
    let from = descend(root, within.parent().unwrap_or(Path::new("")), false)?;
    let folder = descend(root, below, true)?;
    let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let (stem, extension) = name.rsplit_once('.').map_or((name.as_str(), String::new()), |(stem, end)| (stem, format!(".{end}")));
    for number in 1..10_000 {
        let to = if number == 1 { name.clone() } else { format!("{stem} ({number}){extension}") };
        match renameat_with(&from, name.as_str(), &folder, to.as_str(), RenameFlags::NOREPLACE) {
            Ok(()) => return Ok(folder),
            Err(Errno::EXIST) => {}
            // Network shares know no such flag; we alone write in there.
            Err(Errno::INVAL | Errno::NOSYS) if rustix::fs::statat(&folder, to.as_str(), AtFlags::SYMLINK_NOFOLLOW).is_ok() => {}
            Err(Errno::INVAL | Errno::NOSYS) => {
                renameat(&from, name.as_str(), &folder, to.as_str())?;
                return Ok(folder);
            }
            Err(error) => return Err(error.into()),
        }
    }
    Err(std::io::Error::other("there are 10,000 files of this name"))
}

/// Opens a folder below `root`, step by step and through no link; makes what is missing when `make` is set.
fn descend(root: &Path, below: &Path, make: bool) -> std::io::Result<OwnedFd> {
    let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let mut folder = openat(CWD, root, flags, Mode::empty())?;
    for name in below.components() {
        if make {
            match mkdirat(&folder, name.as_os_str(), Mode::from(0o775)) {
                Ok(()) | Err(Errno::EXIST) => {}
                Err(error) => return Err(error.into()),
            }
        }
        let is_link = |error| match error {
            Errno::LOOP | Errno::NOTDIR => std::io::Error::other(format!(
                "'{}' in it is a link or a file, not a folder; take it away",
                name.as_os_str().display()
            )),
            error => error.into(),
        };
        folder = openat(&folder, name.as_os_str(), flags, Mode::empty()).map_err(is_link)?;
    }
    Ok(folder)
}

/// Why a scan is in `failed/`, in the words of the people who look there.
fn write_reason(folder: &OwnedFd, scan: &Scan, manifest: &Manifest) -> std::io::Result<()> {
    let mut text = format!("Tệp: {}\nLúc: {}\nMã bản ghi: {}\n\n", scan.name, time::rfc3339(&time::now()), manifest.record);
    // What stopped it first; that its dossier is not known stops nothing.
    let mut reasons = manifest.reasons.clone();
    reasons.sort_by_key(|reason| *reason == Reason::DossierUnknown);
    for reason in reasons {
        text.push_str(&format!("{}\n{}\n({reason})\n\n", reason.vi(), reason.en()));
    }
    let flags = OFlags::CREATE | OFlags::WRONLY | OFlags::APPEND | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let file = openat(folder, REASON_FILE, flags, Mode::from(0o664))?;
    std::fs::File::from(file).write_all(text.as_bytes())
}
