//! Reading files that nobody vouches for: no links are followed below the audited folder, no FIFO or device is opened, no read
//! goes on for longer than the receipt allows, and bytes pass through a buffer of constant size.

use crate::cause::Cause;
use sohoa_record::{Digests, Hasher};
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

/// The largest receipt or note that is read: a document of some 50,000 pages.
pub const MAX_RECEIPT_BYTES: u64 = 64 << 20;

/// What stands at a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A regular file.
    File,
    /// A folder.
    Folder,
    /// A link, FIFO, socket or device.
    Other,
}

/// One entry of a folder.
pub struct Entry {
    /// Its name; a name that is not Unicode is shown with replacement characters and can match nothing of ours.
    pub name: String,
    /// Where it is.
    pub path: PathBuf,
    /// What it is.
    pub kind: Kind,
}

/// The entries of `folder`, sorted by name, so that two audits of the same bytes read the same.
pub fn entries(folder: &Path) -> io::Result<Vec<Entry>> {
    let mut entries = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let file_type = entry.file_type()?;
        let kind = if file_type.is_file() {
            Kind::File
        } else if file_type.is_dir() {
            Kind::Folder
        } else {
            Kind::Other
        };
        let name = entry.file_name().to_string_lossy().into_owned();
        if !(kind == Kind::File && is_staged(&name)) {
            entries.push(Entry { name, path: entry.path(), kind });
        }
    }
    entries.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(entries)
}

/// `r0001.dsse.json#1`: the archive's folder store writes a file under such a name and links it to its own when it is whole. A power
/// cut leaves some behind; they are nobody's statement. Only names that the archive writes count: any other is a foreign file.
fn is_staged(name: &str) -> bool {
    let Some((own, number)) = name.rsplit_once('#') else { return false };
    let is_object = own.len() == 64 && own.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    (is_object || own.ends_with(".json")) && !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit())
}

/// What stands at `folder`/`steps`, looking at each step without following links; `None` when nothing does.
pub fn kind_below(folder: &Path, steps: &[&str]) -> Result<Option<Kind>, Cause> {
    let mut path = folder.to_owned();
    for (i, step) in steps.iter().enumerate() {
        path.push(step);
        let file_type = match fs::symlink_metadata(&path) {
            Ok(metadata) => metadata.file_type(),
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(unreadable(&e)),
        };
        let last = i + 1 == steps.len();
        match (file_type.is_dir(), file_type.is_file()) {
            (true, _) if last => return Ok(Some(Kind::Folder)),
            (true, _) => {}
            (_, true) if last => return Ok(Some(Kind::File)),
            (_, true) => return Ok(None),
            _ => return Ok(Some(Kind::Other)),
        }
    }
    Ok(Some(Kind::Folder))
}

/// Size and digests of a regular file; reading stops one byte after `at_most`.
pub fn digests(path: &Path, at_most: u64) -> Result<Digests, Cause> {
    let mut file = File::open(path).map_err(|e| unreadable(&e))?.take(at_most.saturating_add(1));
    let mut hasher = Hasher::new();
    let mut buffer = vec![0; 1 << 16];
    loop {
        match file.read(&mut buffer) {
            Ok(0) => return Ok(hasher.finish()),
            Ok(n) => hasher.update(&buffer[..n]),
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(unreadable(&e)),
        }
    }
}

/// Size in bytes of a regular file.
pub fn size(path: &Path) -> Result<u64, Cause> {
    fs::symlink_metadata(path).map(|m| m.len()).map_err(|e| unreadable(&e))
}

/// The bytes of a small regular file.
pub fn small_file(path: &Path) -> Result<Vec<u8>, Cause> {
    let file = File::open(path).map_err(|e| unreadable(&e))?;
    let mut bytes = Vec::new();
    file.take(MAX_RECEIPT_BYTES + 1).read_to_end(&mut bytes).map_err(|e| unreadable(&e))?;
    if bytes.len() as u64 > MAX_RECEIPT_BYTES { Err(Cause::TooLarge { limit: MAX_RECEIPT_BYTES }) } else { Ok(bytes) }
}

/// The operating system's refusal as a cause.
pub fn unreadable(error: &io::Error) -> Cause {
    Cause::Unreadable(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_power_cut_leaves_half_written_is_not_an_entry() {
        assert!(is_staged("first.json#1") && is_staged("r0001.dsse.json#12"));
        assert!(is_staged(&format!("{}#3", "a1".repeat(32))));
        assert!(!is_staged("first.json") && !is_staged("first.json#") && !is_staged("a#b.json") && !is_staged("x.pdf#1"));
    }
}
