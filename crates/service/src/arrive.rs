//! How a scan comes into the archive, whichever way it came to us: an identifier, a time, a place in the queue. Sources are read, never
//! written or moved.

use crate::time;
use crate::walk::Scan;
use sohoa_archive::store::Arrived;
use sohoa_archive::{Archive, Arriving, Error, SourceBytes, new_record_id};
use sohoa_record::manifest::Dossier;
use std::fs::File;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

/// Opens a scan that lies in a folder.
pub fn open(path: &Path) -> Result<File, Error> {
    // Neither a link nor a FIFO that took the file's place since the walk is opened.
    let flags = libc::O_NOFOLLOW | libc::O_NONBLOCK | libc::O_CLOEXEC;
    let unreadable = |source| Error::SourceUnreadable { place: path.display().to_string(), source };
    let file = std::fs::OpenOptions::new().read(true).custom_flags(flags).open(path).map_err(unreadable)?;
    if !file.metadata().map_err(unreadable)?.is_file() {
        return Err(unreadable(std::io::Error::other("it is no longer a file")));
    }
    Ok(file)
}

/// Takes in a scan that was opened. `unit` is the unit that digitizes; without one it is taken from the dossier's code.
pub async fn take(archive: &Archive, scan: &Scan, file: File, unit: Option<&str>, priority: i64) -> Result<Arrived, Error> {
    let place = scan.path.display().to_string();
    let arriving = arriving(scan.name.clone(), place, scan.dossier.clone(), unit, priority);
    archive.arrive(arriving, SourceBytes::File(&mut tokio::fs::File::from_std(file))).await
}

/// An error for the log, which others read than those who may see papers: without the place of a source, whose name may be a person's, and
/// without who decided on a destruction.
pub fn told(error: &Error) -> String {
    match error {
        Error::SourceUnreadable { source, .. } => format!("it cannot be read: {source}; check the disk and the permissions"),
        Error::SourceChanged { .. } => "it changed while it was read; it is read again once it is complete".into(),
        Error::Destroyed { record, .. } => format!("record {record} was destroyed by a lawful decision"),
        other => other.to_string(),
    }
}

/// What is noted of a document that arrives now.
pub fn arriving(name: String, path: String, dossier: Dossier, unit: Option<&str>, priority: i64) -> Arriving {
    let now = time::now();
    let unit = unit.map(str::to_owned).or_else(|| dossier.code.as_ref().map(|code| code.agency().to_owned()));
    Arriving {
        record: new_record_id(),
        name,
        path,
        media_type: None,
        arrived_at: time::rfc3339(&now),
        now: now.timestamp().as_millisecond(),
        dossier: Dossier { unit, ..dossier },
        priority,
    }
}
