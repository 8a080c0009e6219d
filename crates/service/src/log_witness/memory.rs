//! What a witness must never forget: of each log the newest checkpoint that it cosigned, and the evidence of what it refused.
//!
//! ```text
//! witness.vkey                                    whose memory it is; without it there is none, so an empty disk is no new beginning
//! lock                                            held by the one program that may write
//! <SHA-256 of the log's name>/checkpoint          the newest checkpoint, with the log's signatures and our cosignature
//! <SHA-256 of the log's name>/refused/fork-<…>    a request with another tree of a size that was cosigned before: the log's own proof against it
//! <SHA-256 of the log's name>/refused/unproved-<…>  a request whose proof did not fit: perhaps a fork, perhaps a mistake
//! ```

use sha2::{Digest as _, Sha256};
use sohoa_record::log::{Checkpoint, Note, VerifierKey};
use std::fs::{File, TryLockError};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

/// The file that names the witness.
const OWNER: &str = "witness.vkey";
/// Whoever replays old checkpoints with wrong proofs fills no disk; forks are counted apart, so nothing can crowd them out.
const MOST_EVIDENCE: usize = 100;

/// Why the memory cannot be used. Then nothing is signed.
#[derive(Debug, thiserror::Error)]
pub enum MemoryError {
    /// A folder that is no witness's memory.
    #[error(
        "{0} is not the memory of a witness ({OWNER} is not there): is its disk mounted? `sohoa witness new` makes a new witness"
    )]
    NotThere(PathBuf),
    /// Another witness's.
    #[error("{0} is the memory of the witness {1}; a witness with another key needs a folder of its own")]
    Another(PathBuf, String),
    /// Two programs.
    #[error("another program is serving from {0}; one is enough, and two could cosign two histories")]
    Busy(PathBuf),
    /// A file that is not what was written.
    #[error(
        "{0}: {1}; restore the newest copy and never an older one, or retire this witness and make another with `sohoa witness new`"
    )]
    Damaged(PathBuf, String),
    /// The disk.
    #[error("{0} cannot be used: {1}; check its disk and permissions")]
    Disk(PathBuf, io::Error),
}

/// After which write somebody is, while a checkpoint is remembered. Only the last one makes it safe to sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Checked; nothing is written.
    Checked,
    /// The new file has its bytes.
    Written,
    /// They are on the disk.
    Synced,
    /// The new file has taken the old one's name.
    Renamed,
    /// That is on the disk too.
    Durable,
}

/// The memory of one witness, locked for this program.
pub struct Memory {
    folder: PathBuf,
    _lock: File,
}

impl Memory {
    /// Begins the memory of a new witness.
    pub fn begin(folder: &Path, public: &VerifierKey) -> Result<(), MemoryError> {
        let disk = |e| MemoryError::Disk(folder.to_owned(), e);
        std::fs::create_dir_all(folder).map_err(disk)?;
        write_durably(folder, OWNER, format!("{public}\n").as_bytes(), &mut |_| Ok(())).map_err(disk)
    }

    /// Opens the memory of that witness.
    pub fn open(folder: &Path, public: &VerifierKey) -> Result<Memory, MemoryError> {
        let disk = |e| MemoryError::Disk(folder.to_owned(), e);
        match std::fs::read_to_string(folder.join(OWNER)) {
            Ok(owner) if owner.trim_end() == public.to_string() => {}
            Ok(owner) => return Err(MemoryError::Another(folder.to_owned(), owner.trim_end().to_owned())),
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Err(MemoryError::NotThere(folder.to_owned())),
            Err(e) => return Err(disk(e)),
        }
        let lock = File::create(folder.join("lock")).map_err(disk)?;
        match lock.try_lock() {
            Ok(()) => Ok(Memory { folder: folder.to_owned(), _lock: lock }),
            Err(TryLockError::WouldBlock) => Err(MemoryError::Busy(folder.to_owned())),
            Err(TryLockError::Error(e)) => Err(disk(e)),
        }
    }

    /// The newest checkpoint that was remembered of a log; none when none ever was.
    pub(super) fn newest(&self, origin: &str) -> Result<Option<Note>, MemoryError> {
        let file = self.folder_of(origin).join("checkpoint");
        match std::fs::read(&file) {
            Ok(bytes) => Note::parse(&bytes).map(Some).map_err(|e| MemoryError::Damaged(file, e.to_string())),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(MemoryError::Disk(file, e)),
        }
    }

    /// Remembers a checkpoint, durably when this returns. After an error the one before or this one is remembered, and nothing else.
    pub(super) fn remember(
        &self,
        origin: &str,
        note: &Note,
        step: &mut dyn FnMut(Step) -> io::Result<()>,
    ) -> Result<(), MemoryError> {
        let folder = self.folder_of(origin);
        let disk = |e| MemoryError::Disk(folder.clone(), e);
        step(Step::Checked).map_err(disk)?;
        make_folder(&folder).map_err(disk)?;
        write_durably(&folder, "checkpoint", note.to_string().as_bytes(), step).map_err(disk)
    }

    /// Keeps what a log signed and this witness refused, each tree once, beside what it had cosigned; `fork` when that is proof.
    pub(super) fn keep_evidence(
        &self,
        checkpoint: &Checkpoint,
        fork: bool,
        body: &[u8],
        seen: Option<&Note>,
    ) -> Result<(), MemoryError> {
        let folder = self.folder_of(&checkpoint.origin).join("refused");
        let disk = |e| MemoryError::Disk(folder.clone(), e);
        make_folder(&folder).map_err(disk)?;
        let kind = if fork { "fork" } else { "unproved" };
        let name = format!("{kind}-{}", hex::encode(Sha256::digest(checkpoint.text())));
        let kept = std::fs::read_dir(&folder).map_err(disk)?.collect::<io::Result<Vec<_>>>().map_err(disk)?;
        let mut kept = kept.iter().map(|entry| entry.file_name());
        let full = kept.clone().filter(|name| name.to_string_lossy().starts_with(kind)).count() >= 2 * MOST_EVIDENCE;
        if full || kept.any(|kept| kept == name.as_str()) {
            return Ok(());
        }
        let seen = seen.map(Note::to_string).unwrap_or_default();
        write_durably(&folder, &format!("{name}.cosigned"), seen.as_bytes(), &mut |_| Ok(())).map_err(disk)?;
        write_durably(&folder, &name, body, &mut |_| Ok(())).map_err(disk)
    }

    pub(super) fn damaged(&self, origin: &str, why: &str) -> MemoryError {
        MemoryError::Damaged(self.folder_of(origin).join("checkpoint"), why.to_owned())
    }

    fn folder_of(&self, origin: &str) -> PathBuf {
        self.folder.join(origin_hash(origin))
    }
}

/// How a log is called in paths and addresses: the SHA-256 of its name, in hexadecimal.
pub fn origin_hash(origin: &str) -> String {
    hex::encode(Sha256::digest(origin))
}

/// Writes a file so that after a crash the old or the new bytes are there, and the new ones once this returned. One writer at a time.
fn write_durably(folder: &Path, name: &str, bytes: &[u8], step: &mut dyn FnMut(Step) -> io::Result<()>) -> io::Result<()> {
    let fresh = folder.join(format!("{name}.new"));
    let mut file = File::create(&fresh)?;
    file.write_all(bytes)?;
    step(Step::Written)?;
    file.sync_all()?;
    step(Step::Synced)?;
    std::fs::rename(&fresh, folder.join(name))?;
    step(Step::Renamed)?;
    File::open(folder)?.sync_all()?;
    step(Step::Durable)
}

/// Makes a folder, durably.
fn make_folder(folder: &Path) -> io::Result<()> {
    if !folder.is_dir() {
        std::fs::create_dir_all(folder)?;
        if let Some(above) = folder.parent() {
            File::open(above)?.sync_all()?;
        }
    }
    Ok(())
}
