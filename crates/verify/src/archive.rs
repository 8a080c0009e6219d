//! What only a whole archive can show: the note of each arrival agrees with the signed manifest, every arrival has its record,
//! and every object is named by a receipt.
//!
//! Arrival notes are not signed. They are compared with what is signed as far as it goes; a note without a receipt proves
//! nothing, and is reported as a note.

use crate::cause::{Cause, Finding, clipped};
use crate::files::{self, Entry, Kind};
use crate::verdict::Line;
use serde_json::{Map, Value};
use sohoa_record::identifier::RecordId;
use sohoa_record::{Manifest, Sha256Hex};
use std::collections::HashSet;
use std::io;
use std::path::Path;

/// Arrival notes are a few hundred bytes.
const MAX_NOTE_BYTES: u64 = 1 << 20;

/// What the receipts of an archive told, in a few bytes each: digests and identifiers only.
#[derive(Default)]
pub struct Seen {
    /// Objects that opened receipts name.
    pub objects: HashSet<[u8; 32]>,
    /// Sources of opened first revisions.
    pub sources: HashSet<[u8; 32]>,
    /// Records whose source is known, since the receipt of their first revision could be opened.
    pub records: HashSet<RecordId>,
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

/// Compares the notes of a source's arrivals with the manifest of revision 1.
pub fn check_arrival(store: &Path, manifest: &Manifest) -> Vec<Finding> {
    let hash = manifest.source.digests.sha256.as_str();
    let steps = ["arrivals", &hash[..2], hash];
    let shown = steps.join("/");
    let mut findings = Vec::new();
    let entries = match files::kind_below(store, &steps) {
        Ok(Some(Kind::Folder)) => files::entries(&store.join(&shown)).unwrap_or_default(),
        Ok(_) => Vec::new(),
        Err(cause) => return vec![Finding::about(shown, Some(1), cause)],
    };
    if !entries.iter().any(|entry| entry.name == "first.json") {
        findings.push(Finding::about(format!("{shown}/first.json"), Some(1), Cause::ArrivalMissing));
    }
    for entry in entries {
        let compared = note(&entry).and_then(|note| agrees(&note, manifest, entry.name == "first.json"));
        if let Err(cause) = compared {
            findings.push(Finding::about(format!("{shown}/{}", entry.name), Some(1), cause));
        }
    }
    findings
}

fn note(entry: &Entry) -> Result<Map<String, Value>, Cause> {
    if entry.kind != Kind::File {
        return Err(Cause::NotAFile);
    }
    if files::size(&entry.path)? > MAX_NOTE_BYTES {
        return Err(Cause::TooLarge { limit: MAX_NOTE_BYTES });
    }
    serde_json::from_slice(&files::small_file(&entry.path)?).map_err(|e| Cause::Malformed(clipped(&e.to_string())))
}

/// A note must not contradict what is signed. A later arrival of the same bytes has its own name and time.
fn agrees(note: &Map<String, Value>, manifest: &Manifest, first: bool) -> Result<(), Cause> {
    if first && note_record(note).is_none() {
        return Err(Cause::Malformed("it names no record".into()));
    }
    let source = serde_json::to_value(&manifest.source).unwrap_or_default();
    let nested = note.get("source").and_then(Value::as_object);
    let differs = |member: &str, signed: &Value| {
        let said = note.get(member).into_iter().chain(nested.and_then(|nested| nested.get(member)));
        said.into_iter().any(|said| said != signed)
    };
    let own: &[&str] = if first { &["sha256", "sha512", "size", "arrived_at"] } else { &["sha256", "sha512", "size"] };
    if differs("record", &Value::from(manifest.record.as_str())) {
        return Err(Cause::ArrivalDiffers("record".into()));
    }
    if let Some(member) = own.iter().find(|member| differs(member, &source[**member])) {
        return Err(Cause::ArrivalDiffers((*member).into()));
    }
    let repeated =
        nested.filter(|_| first).and_then(|nested| nested.iter().find(|(k, v)| source.get(k.as_str()).is_some_and(|s| s != *v)));
    match repeated {
        Some((member, _)) => Err(Cause::ArrivalDiffers(clipped(member))),
        None => Ok(()),
    }
}

fn note_record(note: &Map<String, Value>) -> Option<RecordId> {
    note.get("record")?.as_str()?.parse().ok()
}

/// Goes through the arrivals and objects of the archive at `root` after all its records were checked.
pub fn sweep(root: &Path, shown: &str, seen: &Seen, write: &mut dyn FnMut(Line) -> io::Result<()>) -> io::Result<()> {
    let place = |rest: &str| if shown.is_empty() { rest.to_owned() } else { format!("{shown}/{rest}") };
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
        waiting.insert(bytes_of(&digest));
        let first = format!("{shown}/first.json");
        let found = files::entries(&entry.path).map_err(|e| files::unreadable(&e)).and_then(|entries| {
            let entry = entries.into_iter().find(|entry| entry.name == "first.json").ok_or(Cause::ArrivalMissing)?;
            let note = note(&entry)?;
            note_record(&note).ok_or_else(|| Cause::Malformed("it names no record".into()))
        });
        match found {
            Ok(record) if seen.records.contains(&record) => {
                write(Line::about_file(first.clone(), None, Finding::about(first, None, Cause::ArrivalDiffers("record".into()))))
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
type Visit<'a> = dyn FnMut(&Entry, &str, Option<Sha256Hex>, &mut dyn FnMut(Line) -> io::Result<()>) -> io::Result<()> + 'a;

/// Visits every `<top>/ab/abcd…`, and whatever else lies there.
fn for_each_named(
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
