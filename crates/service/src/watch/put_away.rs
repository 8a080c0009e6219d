//! Where a watched folder's scans go once their documents are committed: moves that write over nothing and follow no link, and the reason
//! beside a scan that was refused.

use crate::time;
use rustix::fs::{AtFlags, CWD, Mode, OFlags, RenameFlags, mkdirat, openat, renameat, renameat_with};
use rustix::io::Errno;
use sohoa_record::Reason;
use sohoa_record::manifest::Manifest;
use std::io::Write as _;
use std::os::fd::OwnedFd;
use std::path::Path;

/// What a refused scan's folder says, for the clerk who looks there.
const REASON_FILE: &str = "LY-DO.txt";

/// Moves a file of `root` into a folder below it, under its name or, where that is taken, the name with a number. Nothing is written over,
/// and no link is followed: who may write into the folder must not choose where we write. Gives the folder.
pub fn move_away(root: &Path, file: &Path, below: &Path) -> std::io::Result<OwnedFd> {
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
pub fn descend(root: &Path, below: &Path, make: bool) -> std::io::Result<OwnedFd> {
    let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let mut folder = openat(CWD, root, flags, Mode::empty())?;
    for name in below.components() {
        if make {
            match mkdirat(&folder, name.as_os_str(), Mode::from(0o775)) {
                Ok(()) | Err(Errno::EXIST) => {}
                Err(error) => return Err(error.into()),
            }
        }
        // Its name may be a person's, and this goes into the log.
        let is_link = |error| match error {
            Errno::LOOP | Errno::NOTDIR => std::io::Error::other("a folder on the way there is a link or a file; take it away"),
            error => error.into(),
        };
        folder = openat(&folder, name.as_os_str(), flags, Mode::empty()).map_err(is_link)?;
    }
    Ok(folder)
}

/// Why a scan is in `failed/`, in the words of the people who look there.
pub fn write_reason(folder: &OwnedFd, name: &str, manifest: &Manifest) -> std::io::Result<()> {
    let mut text = format!("Tệp: {}\nLúc: {}\nMã bản ghi: {}\n\n", name, time::rfc3339(&time::now()), manifest.record);
    // What stopped it first; that its dossier is not known stops nothing.
    let mut reasons = manifest.reasons.clone();
    reasons.sort_by_key(|reason| *reason == Reason::DossierUnknown);
    for reason in reasons {
        text.push_str(&format!("{}\n{}\n({reason})\n\n", reason.vi(), reason.en()));
    }
    append(folder, REASON_FILE, &text)
}

/// Adds to a text for clerks in that folder, through no link.
pub fn append(folder: &OwnedFd, name: &str, text: &str) -> std::io::Result<()> {
    let flags = OFlags::CREATE | OFlags::WRONLY | OFlags::APPEND | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let file = openat(folder, name, flags, Mode::from(0o664))?;
    std::fs::File::from(file).write_all(text.as_bytes())
}
