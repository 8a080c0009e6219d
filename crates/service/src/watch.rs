//! Folders into which scans fall. Each is looked at again and again, because shares tell nobody what changes in them; a file is taken once
//! it stands still, and moved away only when its document is committed. What was there before the start is found like everything else.
//!
//! Nothing is remembered on disk: a file that is met again after a restart is known by its bytes.

use crate::config::{self, After, Config};
use crate::walk::{Scan, Walk, walk_inbox};
use crate::{arrive, time};
use rustix::fs::{CWD, RenameFlags, renameat_with};
use sohoa_archive::{Archive, Error, Remedy};
use sohoa_record::Reason;
use sohoa_record::identifier::RecordId;
use sohoa_record::manifest::{Manifest, State};
use std::collections::HashMap;
use std::io::Write as _;
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
    #[error("[[watch]] folder {0} and the archive {1} lie one inside the other; move one of them")]
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
}

/// The folders of a configuration, each found fit to be watched.
pub fn open(config: &Config) -> Result<Vec<Watched>, WatchError> {
    let mut watched: Vec<Watched> = Vec::new();
    for watch in &config.watch {
        let one = Watched::open(config, watch)?;
        for own in [&config.archive.store, &config.archive.spool] {
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
    Ok(watched)
}

impl Watched {
    fn open(config: &Config, watch: &config::Watch) -> Result<Watched, WatchError> {
        let named = config.path(&watch.folder);
        let unfit = |why: String| WatchError::Folder(named.clone(), why);
        let folder = std::fs::canonicalize(&named).map_err(|e| unfit(e.to_string()))?;
        if watch.after == After::Done {
            // Found out now, not with the first scan that cannot be moved away.
            for own in [DONE, FAILED] {
                let own = folder.join(own);
                std::fs::create_dir_all(&own).map_err(|e| unfit(format!("{} cannot be made in it: {e}", own.display())))?;
                tempfile::NamedTempFile::new_in(&own).map_err(|e| unfit(format!("{} cannot be written: {e}", own.display())))?;
            }
        }
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

    /// Looks once: takes what stands still while `room` lasts, moves away what is committed. An error concerns the whole archive.
    pub async fn look(&mut self, archive: &Archive, mut room: u64) -> Result<Looked, Error> {
        let Some(found) = self.list().await else { return Ok(Looked::default()) };
        self.files.retain(|path, _| found.iter().any(|(scan, _)| scan.path == *path));
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

    /// The scans in the folder, outside of what we made there; none when the folder does not answer.
    async fn list(&mut self) -> Option<Vec<(Scan, Look)>> {
        let folder = self.folder.clone();
        let listing = tokio::task::spawn_blocking(move || {
            let Walk { scans, refused, .. } = walk_inbox(&folder, &[DONE, FAILED]);
            let found: Vec<(Scan, Look)> =
                scans.into_iter().filter_map(|scan| Some((look(&scan.path)?, scan))).map(|(look, scan)| (scan, look)).collect();
            (found, refused)
        });
        match tokio::time::timeout(LOOK_TIME, listing).await {
            Ok(Ok((found, refused))) => {
                self.told.retain(|path, _| {
                    *path == self.folder
                        || found.iter().any(|(scan, _)| scan.path == *path)
                        || refused.iter().any(|(other, _)| other == path)
                });
                refused.into_iter().for_each(|(path, why)| self.tell(&path, why.to_string()));
                Some(found)
            }
            Ok(Err(error)) => {
                self.tell(&self.folder.clone(), error.to_string());
                None
            }
            Err(_) => {
                self.tell(
                    &self.folder.clone(),
                    format!("it has not answered for {} s; is its share connected?", LOOK_TIME.as_secs()),
                );
                None
            }
        }
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
            let folder = self.folder.join(FAILED).join(record.as_str());
            move_away(&scan.path, &folder).and_then(|_| write_reason(&folder, scan, &opened.manifest))
        } else {
            move_away(&scan.path, &self.folder.join(DONE).join(within))
        };
        match moved {
            Ok(()) => {
                let ready = beside(&scan.path, READY);
                if ready.exists() {
                    let _ = move_away(&ready, &self.folder.join(DONE).join(within));
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

/// Moves a file into a folder of the same disk, under its name or, where that is taken, the name with a number. Nothing is written over.
fn move_away(file: &Path, folder: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(folder)?;
    let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let (stem, extension) = name.rsplit_once('.').map_or((name.as_str(), String::new()), |(stem, end)| (stem, format!(".{end}")));
    for number in 1..10_000 {
        let to = folder.join(if number == 1 { name.clone() } else { format!("{stem} ({number}){extension}") });
        match renameat_with(CWD, file, CWD, &to, RenameFlags::NOREPLACE) {
            Ok(()) => return Ok(()),
            Err(rustix::io::Errno::EXIST) => {}
            // Network shares know no such flag; we alone write in there.
            Err(rustix::io::Errno::INVAL | rustix::io::Errno::NOSYS) if !to.exists() => return std::fs::rename(file, &to),
            Err(rustix::io::Errno::INVAL | rustix::io::Errno::NOSYS) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(std::io::Error::other("there are 10,000 files of this name"))
}

/// Why a scan is in `failed/`, in the words of the people who look there.
fn write_reason(folder: &Path, scan: &Scan, manifest: &Manifest) -> std::io::Result<()> {
    let mut text = format!("Tệp: {}\nLúc: {}\nMã bản ghi: {}\n\n", scan.name, time::rfc3339(&time::now()), manifest.record);
    for reason in &manifest.reasons {
        text.push_str(&reason_lines(*reason));
    }
    let mut file = std::fs::OpenOptions::new().create(true).append(true).open(folder.join(REASON_FILE))?;
    file.write_all(text.as_bytes())
}

fn reason_lines(reason: Reason) -> String {
    format!("{}\n{}\n({reason})\n\n", reason.vi(), reason.en())
}
