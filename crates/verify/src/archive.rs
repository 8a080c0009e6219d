//! What only a whole archive can show: every arrival has its record, and every object is named by a receipt. What is not so
//! proves nothing by itself, since work may wait or may have been interrupted, and is reported as a note.

use crate::arrival;
use crate::cause::{Cause, Finding};
use crate::codes;
use crate::destroyed;
use crate::files::{self, Entry, Kind};
use crate::verdict::Line;
use sohoa_record::Sha256Hex;
use sohoa_record::identifier::RecordId;
use std::collections::{HashMap, HashSet};
use std::io;
use std::path::Path;

/// What the receipts of an archive told, in a few bytes each: digests and identifiers only.
#[derive(Default)]
pub struct Seen {
    /// Objects that opened receipts name.
    pub objects: HashSet<[u8; 32]>,
    /// Sources of opened first revisions.
    pub sources: HashSet<[u8; 32]>,
    /// Records whose source is known, since the receipt of their first revision could be opened.
    pub records: HashSet<RecordId>,
    /// Result codes, by their SHA-256, with their record.
    pub codes: HashMap<[u8; 32], String>,
    /// Records with a tombstone that counts.
    pub destroyed: HashSet<RecordId>,
    /// Records with a receipt that could not be opened or is not there: who knows which source and objects it named.
    pub unclear: HashSet<RecordId>,
}

/// Is this folder the root of an archive?
pub fn is_archive(folder: &Path) -> bool {
    let has = |steps: &[&str]| matches!(files::kind_below(folder, steps), Ok(Some(Kind::Folder)));
    has(&["objects", "sha256"]) || (has(&["records"]) && has(&["arrivals"]))
}

/// The 32 bytes of a digest, which take a quarter of its text's memory.
pub fn bytes_of(digest: &Sha256Hex) -> [u8; 32] {
    let nibble = |c: u8| if c.is_ascii_digit() { c - b'0' } else { c - b'a' + 10 };
    let text = digest.as_str().as_bytes();
    std::array::from_fn(|i| nibble(text[2 * i]) << 4 | nibble(text[2 * i + 1]))
}

/// Goes through the arrivals and objects of the archive at `root` after all its records were checked.
pub fn sweep(root: &Path, shown: &str, seen: &Seen, write: &mut dyn FnMut(Line) -> io::Result<()>) -> io::Result<()> {
    let place = |rest: &str| if shown.is_empty() { rest.to_owned() } else { format!("{shown}/{rest}") };
    codes::sweep(root, &place, seen, write)?;
    let mut accounted = sweep_arrivals(root, &place, seen, write)?;
    // `register/<digest>.json` notes a register that was imported; its bytes are an object of no record.
    if let Ok(Some(Kind::Folder)) = files::kind_below(root, &["register"]) {
        let notes = files::entries(&root.join("register")).unwrap_or_default();
        accounted.extend(notes.iter().filter_map(|n| Some(bytes_of(&n.name.strip_suffix(".json")?.parse().ok()?))));
    }
    sweep_objects(root, &place, seen, &accounted, write)
}

/// Reports arrivals whose source no opened receipt names, and returns the sources that wait.
fn sweep_arrivals(
    root: &Path,
    place: &dyn Fn(&str) -> String,
    seen: &Seen,
    write: &mut dyn FnMut(Line) -> io::Result<()>,
) -> io::Result<HashSet<[u8; 32]>> {
    let mut waiting = HashSet::new();
    for_each_named(root, &["arrivals"], place, write, &mut |entry, shown, digest, write| {
        let Some(digest) = digest.filter(|_| entry.kind == Kind::Folder) else {
            return write(Line::about_file(shown.into(), None, Finding::about(shown, None, Cause::Unreferenced)));
        };
        if seen.sources.contains(&bytes_of(&digest)) {
            return Ok(());
        }
        if let Some(noted) = destroyed::noted(&entry.path) {
            let note = format!("{shown}/{}", destroyed::NOTE);
            let cause = match noted {
                Ok(record) if seen.destroyed.contains(&record) => return Ok(()),
                // the record's own line says why its tombstone was not believed
                Ok(record) if seen.unclear.contains(&record) => return Ok(()),
                Ok(_) => Cause::MarkedDestroyed,
                Err(cause) => cause,
            };
            return write(Line::about_file(note.clone(), None, Finding::about(note, None, cause)));
        }
        waiting.insert(bytes_of(&digest));
        let first = format!("{shown}/first.json");
        // Nothing was sealed and no note has its name yet: a power cut between making the folder and finishing the note leaves
        // this, and the next run takes the source in again. Told as a note; with any other note in it, the first is missing.
        if files::entries(&entry.path).is_ok_and(|entries| entries.is_empty()) {
            return write(Line::about_file(shown.into(), None, Finding::about(shown, None, Cause::Unreferenced)));
        }
        match arrival::first(&entry.path).map(|note| note.record) {
            Ok(record) if seen.records.contains(&record) => {
                write(Line::about_file(first.clone(), None, Finding::about(first, None, Cause::ArrivalDiffers("record"))))
            }
            // the record's own line says why its receipt was not believed
            Ok(record) if seen.unclear.contains(&record) => Ok(()),
            Ok(record) => {
                let finding = Finding::about(first.clone(), None, Cause::Unsealed);
                write(Line::about_file(first, Some(record.to_string()), finding))
            }
            Err(cause) => write(Line::about_file(first.clone(), None, Finding::about(first, None, cause))),
        }
    })?;
    Ok(waiting)
}

/// Reports objects that no opened receipt names. Their bytes must at least be what their name says.
fn sweep_objects(
    root: &Path,
    place: &dyn Fn(&str) -> String,
    seen: &Seen,
    accounted: &HashSet<[u8; 32]>,
    write: &mut dyn FnMut(Line) -> io::Result<()>,
) -> io::Result<()> {
    let mut not_compared = 0u64;
    for_each_named(root, &["objects", "sha256"], place, write, &mut |entry, shown, digest, write| {
        let cause = match digest {
            Some(digest) if entry.kind == Kind::File => {
                if seen.objects.contains(&bytes_of(&digest)) {
                    return Ok(());
                }
                match files::digests(&entry.path, u64::MAX) {
                    Ok(found) if found.sha256 != digest => Cause::Name,
                    Ok(_) if accounted.contains(&bytes_of(&digest)) => return Ok(()),
                    Ok(_) if !seen.unclear.is_empty() => {
                        not_compared += 1;
                        return Ok(());
                    }
                    Ok(_) => Cause::Unreferenced,
                    Err(cause) => cause,
                }
            }
            _ => Cause::Unreferenced,
        };
        write(Line::about_file(shown.into(), None, Finding::about(shown, None, cause)))
    })?;
    if not_compared > 0 {
        let shown = place("objects/sha256");
        write(Line::about_file(shown.clone(), None, Finding::about(shown, None, Cause::NotCompared(not_compared))))?;
    }
    Ok(())
}

/// Called with an entry, its shown path, the digest it is named for when it lies in the right folder, and where lines go.
pub type Visit<'a> = dyn FnMut(&Entry, &str, Option<Sha256Hex>, &mut dyn FnMut(Line) -> io::Result<()>) -> io::Result<()> + 'a;

/// Visits every `<top>/ab/abcd…`, and whatever else lies there.
pub fn for_each_named(
    root: &Path,
    top: &[&str],
    place: &dyn Fn(&str) -> String,
    write: &mut dyn FnMut(Line) -> io::Result<()>,
    visit: &mut Visit<'_>,
) -> io::Result<()> {
    if !matches!(files::kind_below(root, top), Ok(Some(Kind::Folder))) {
        return Ok(());
    }
    let top = top.join("/");
    let unreadable =
        |shown: String, e: io::Error| Line::about_file(shown.clone(), None, Finding::about(shown, None, files::unreadable(&e)));
    let folders = match files::entries(&root.join(&top)) {
        Ok(folders) => folders,
        Err(e) => return write(unreadable(place(&top), e)),
    };
    for folder in folders {
        let shown = place(&format!("{top}/{}", folder.name));
        if folder.kind != Kind::Folder {
            visit(&folder, &shown, None, write)?;
            continue;
        }
        match files::entries(&folder.path) {
            Err(e) => write(unreadable(shown, e))?,
            Ok(entries) => {
                for entry in entries {
                    let digest = entry.name.parse::<Sha256Hex>().ok().filter(|d| d.as_str()[..2] == folder.name);
                    visit(&entry, &format!("{shown}/{}", entry.name), digest, write)?;
                }
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_becomes_its_bytes() {
        let digest: Sha256Hex = format!("00ff{}9a", "10".repeat(29)).parse().unwrap();
        let bytes = bytes_of(&digest);
        assert_eq!((bytes[0], bytes[1], bytes[2], bytes[31]), (0x00, 0xff, 0x10, 0x9a));
    }
}
