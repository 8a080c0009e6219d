//! Records as lists show them.

use super::Console;
use super::mask;
use super::seat::{Seat, Trouble};
use crate::people::role::Right;
use crate::time;
pub use crate::time::moment;
use sohoa_archive::{Entry, Filter};
use sohoa_console::paper::Paper;
use sohoa_record::Reason;
use sohoa_record::field::{self, name};
use sohoa_record::identifier::RecordId;
use sohoa_record::manifest::Manifest;
use sohoa_record::seal::Opened;

/// An entry as a line of a list.
pub async fn paper(console: &Console, seat: &Seat, entry: &Entry) -> Paper {
    let sees = seat.may(Right::SeePersonalNumbers);
    let about = [name::SUBJECT, name::OWNER_NAME].into_iter().find_map(|name| entry.value(name)).unwrap_or_default();
    let reasons = in_order(&entry.reasons).into_iter().take(2).map(|reason| seat.language.reason(reason).to_owned());
    Paper {
        href: format!("/records/{}", entry.record),
        title: mask::text(&title(|name| entry.value(name), &entry.source_name), sees),
        about: mask::text(about, sees),
        place: mask::text(&console.day.place_of(console, &entry.source_sha256).await, sees),
        dossier: entry.dossier_code.as_ref().map(ToString::to_string).unwrap_or_default(),
        arrived: clock(&entry.arrived_at),
        state: entry.state,
        reasons: reasons.collect(),
    }
}

/// Reasons as people want them: that the dossier is not known stops nothing, and comes last.
pub fn in_order(reasons: &[Reason]) -> Vec<Reason> {
    let mut reasons = reasons.to_vec();
    reasons.sort_by_key(|reason| *reason == Reason::DossierUnknown);
    reasons
}

/// Kind, number and day; the file's name when nothing of it was read.
fn title<'a>(value: impl Fn(&str) -> Option<&'a str>, file: &str) -> String {
    let number = match (value(name::CODE_NUMBER), value(name::CODE_NOTATION)) {
        (Some(number), Some(notation)) => format!("{number}/{notation}"),
        (number, notation) => number.or(notation).unwrap_or_default().to_owned(),
    };
    let parts =
        [value(name::TYPE_NAME).unwrap_or_default().to_owned(), number, day(value(name::ISSUED_DATE).unwrap_or_default())];
    let told: Vec<&str> = parts.iter().map(String::as_str).filter(|part| !part.is_empty()).collect();
    if told.is_empty() { file.to_owned() } else { told.join(" · ") }
}

/// What a record is called.
pub fn title_of(manifest: &Manifest) -> String {
    title(|name| field::value(&manifest.fields, name), &manifest.source.name)
}

/// `2025-01-17` as it is written in Vietnam; other text stays.
pub fn day(iso: &str) -> String {
    match iso.split('-').collect::<Vec<_>>()[..] {
        [year, month, day] if year.len() == 4 => format!("{day}/{month}/{year}"),
        _ => iso.to_owned(),
    }
}

/// When something happened: its time if that was today, else its day.
pub fn clock(rfc3339: &str) -> String {
    match time::parse(rfc3339) {
        Some(then) if then.date() == time::now().date() => then.strftime("%H:%M:%S").to_string(),
        Some(then) => then.strftime("%d/%m/%Y").to_string(),
        None => rfc3339.to_owned(),
    }
}

/// The unit that a person's lists are narrowed to.
pub fn own_unit(seat: &Seat) -> Option<String> {
    seat.any_session().and_then(|session| session.unit.clone())
}

/// A filter for this person's lists.
pub fn filter(seat: &Seat) -> Filter {
    Filter { unit: own_unit(seat), ..Filter::default() }
}

/// All revisions of a record that this person may see, the latest last.
pub async fn revisions(console: &Console, seat: &Seat, record: &str) -> Result<Vec<Opened>, Trouble> {
    let session = seat.with(Right::SeePapers)?;
    let record: RecordId = record.parse().map_err(|_| seat.not_found())?;
    let revisions = console.api.archive.revisions(&record).await.map_err(|error| match session.unit {
        // Whose record it was nobody can say any more: it is told only to those who see all.
        Some(_) => seat.not_found(),
        None => seat.of_record(&error),
    })?;
    let latest = revisions.last().ok_or_else(|| seat.not_found())?;
    let entry = console.api.archive.index.entry(&record).await.map_err(|error| seat.broken(&error))?;
    if entry.is_some_and(|entry| entry.revision < latest.manifest.revision) {
        // Somebody was killed just after a decision: what the store has is told to the lists.
        console.api.archive.resume(&record).await.map_err(|error| seat.broken(&error))?;
    }
    // That another unit has such a record is nobody's business.
    if !session.sees_unit(latest.manifest.dossier.unit.as_deref()) {
        return Err(seat.not_found());
    }
    Ok(revisions)
}

/// The latest revision of a record that this person may see.
pub async fn latest(console: &Console, seat: &Seat, record: &str) -> Result<Opened, Trouble> {
    revisions(console, seat, record).await?.pop().ok_or_else(|| seat.not_found())
}
