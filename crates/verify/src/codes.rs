//! The notes of result codes, `codes/ab/<SHA-256 of the code>.json`: by them a code is given once. They are not signed; what they
//! say must agree with the receipts that have the codes.

use crate::archive::{Seen, bytes_of, for_each_named};
use crate::cause::{Cause, Finding, clipped};
use crate::files::{self, Entry, Kind};
use crate::verdict::Line;
use serde::Deserialize;
use sohoa_record::Sha256Hex;
use sohoa_record::identifier::RecordId;
use std::collections::HashSet;
use std::io;
use std::path::Path;

/// The first member of a note that this version knows.
const FORMAT: &str = "sohoa-code/1";

/// Notes are a few hundred bytes.
const MAX_NOTE_BYTES: u64 = 1 << 20;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Note {
    format: String,
    code: String,
    record: RecordId,
}

/// Goes through the notes of the archive at `root` after all its records were checked.
pub fn sweep(
    root: &Path,
    place: &dyn Fn(&str) -> String,
    seen: &Seen,
    write: &mut dyn FnMut(Line) -> io::Result<()>,
) -> io::Result<()> {
    let mut noted = HashSet::new();
    for_each_named(root, &["codes"], place, write, &mut |entry, shown, _, write| {
        let about = |cause| Line::about_file(shown.into(), None, Finding::about(shown, None, cause));
        let digest = entry.name.strip_suffix(".json").and_then(|name| name.parse::<Sha256Hex>().ok());
        let home = entry.path.parent().and_then(Path::file_name).and_then(|name| name.to_str()).unwrap_or_default();
        let Some(digest) = digest.filter(|digest| digest.as_str()[..2] == *home) else {
            return write(about(Cause::Unreferenced));
        };
        let note = match read(entry) {
            Ok(note) if Sha256Hex::of(note.code.as_bytes()) == digest => note,
            Ok(_) => return write(about(Cause::Name)),
            Err(cause) => return write(about(cause)),
        };
        noted.insert(bytes_of(&digest));
        match seen.codes.get(&bytes_of(&digest)) {
            Some(record) if *record == note.record.as_str() => Ok(()),
            Some(_) => write(about(Cause::CodeDiffers)),
            // A run was stopped between the note and the receipt, or the receipt could not be opened.
            None if seen.unclear.contains(&note.record) || seen.destroyed.contains(&note.record) => Ok(()),
            None => write(about(Cause::Unreferenced)),
        }
    })?;
    let mut missing: Vec<&String> =
        seen.codes.iter().filter(|(code, _)| !noted.contains(*code)).map(|(_, record)| record).collect();
    missing.sort();
    for record in missing {
        let shown = place("codes");
        let finding = Finding::about(format!("{shown} (record {record})"), None, Cause::CodeMissing);
        write(Line::about_file(shown, Some(record.clone()), finding))?;
    }
    Ok(())
}

fn read(entry: &Entry) -> Result<Note, Cause> {
    if entry.kind != Kind::File {
        return Err(Cause::NotAFile);
    }
    if files::size(&entry.path)? > MAX_NOTE_BYTES {
        return Err(Cause::TooLarge { limit: MAX_NOTE_BYTES });
    }
    let note: Note =
        serde_json::from_slice(&files::small_file(&entry.path)?).map_err(|e| Cause::Malformed(clipped(&e.to_string())))?;
    if note.format == FORMAT { Ok(note) } else { Err(Cause::Malformed(clipped(&format!("'{}' is not {FORMAT}", note.format)))) }
}
