//! The notes of a source's arrivals: `arrivals/ab/<sha256>/first.json`, and one more file for each other place where the same
//! bytes were met.
//!
//! Notes are not signed. What they share with the signed manifest of revision 1 must agree with it; their `path`, `media_type`
//! and `dossier` are the operator's words and are not judged.

use crate::cause::{Cause, Finding, clipped};
use crate::destroyed;
use crate::files::{self, Entry, Kind};
use serde::Deserialize;
use sohoa_record::identifier::RecordId;
use sohoa_record::manifest::Dossier;
use sohoa_record::{Manifest, Sha256Hex};
use std::path::Path;

/// The first member of a note that this version knows.
const FORMAT: &str = "sohoa-arrival/1";

/// Notes are a few hundred bytes.
const MAX_NOTE_BYTES: u64 = 1 << 20;

/// A note, member by member: a changed name of a member is as wrong as a changed value.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Note {
    format: String,
    /// The record of the source.
    pub record: RecordId,
    name: String,
    #[serde(rename = "path")]
    _path: String,
    #[serde(rename = "media_type")]
    _media_type: Option<String>,
    arrived_at: String,
    #[serde(rename = "dossier")]
    _dossier: Dossier,
    size: u64,
    sha256: Sha256Hex,
    sha512: String,
}

/// Compares the notes of a source's arrivals with the manifest of revision 1.
pub fn check(store: &Path, manifest: &Manifest) -> Vec<Finding> {
    let hash = manifest.source.digests.sha256.as_str();
    let steps = ["arrivals", &hash[..2], hash];
    let shown = steps.join("/");
    let mut findings = Vec::new();
    let entries = match files::kind_below(store, &steps) {
        Ok(Some(Kind::Folder)) => files::entries(&store.join(&shown)).map_err(|e| files::unreadable(&e)),
        Ok(_) => Ok(Vec::new()),
        Err(cause) => Err(cause),
    };
    let entries = match entries {
        Ok(entries) => entries,
        Err(cause) => return vec![Finding::about(shown, Some(1), cause)],
    };
    if !entries.iter().any(|entry| entry.name == "first.json") {
        findings.push(Finding::about(format!("{shown}/first.json"), Some(1), Cause::ArrivalMissing));
    }
    for entry in entries {
        if entry.name == destroyed::NOTE {
            findings.push(Finding::about(format!("{shown}/{}", entry.name), Some(1), Cause::MarkedDestroyed));
            continue;
        }
        if let Err(cause) = read(&entry).and_then(|note| agrees(&note, manifest, entry.name == "first.json")) {
            findings.push(Finding::about(format!("{shown}/{}", entry.name), Some(1), cause));
        }
    }
    findings
}

/// The note of the first arrival in `folder`.
pub fn first(folder: &Path) -> Result<Note, Cause> {
    let entries = files::entries(folder).map_err(|e| files::unreadable(&e))?;
    read(entries.iter().find(|entry| entry.name == "first.json").ok_or(Cause::ArrivalMissing)?)
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

/// A later arrival of the same bytes has its own name and time.
fn agrees(note: &Note, manifest: &Manifest, first: bool) -> Result<(), Cause> {
    let (source, sealed) = (&manifest.source, &manifest.source.digests);
    let members = [
        // Of a source that was divided, the first part has the record of the arrival.
        ("record", note.record.part(manifest.part.map_or(1, |part| part.number)) == manifest.record),
        ("size", note.size == sealed.size),
        ("sha256", note.sha256 == sealed.sha256),
        ("sha512", note.sha512 == sealed.sha512),
        ("name", !first || note.name == source.name),
        ("arrived_at", !first || note.arrived_at == source.arrived_at),
    ];
    match members.into_iter().find(|(_, same)| !same) {
        Some((member, _)) => Err(Cause::ArrivalDiffers(member)),
        None => Ok(()),
    }
}
