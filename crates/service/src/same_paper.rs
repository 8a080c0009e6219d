//! What seems to be one paper in two records: the alert that NĐ 30/2020/NĐ-CP Phụ lục VI asks for (the same issuer, number,
//! notation and day), and pages that look the same. Both are shown and never merged: it may be a second scan, a copy, or another
//! paper of the same form.

use sohoa_archive::{Archive, Entry, Error};
use sohoa_record::field::{self, name};
use sohoa_record::identifier::RecordId;
use sohoa_record::text::fold;
use sohoa_record::{Field, Manifest};

/// The other records of what seems to be the same paper, oldest first.
#[derive(Default)]
pub struct Others {
    /// They vouch for the same issuer, number, notation and day.
    pub same_number: Vec<RecordId>,
    /// Each of their pages looks as this record's does, and nothing that both vouch for tells them apart.
    pub same_pages: Vec<RecordId>,
}

impl Others {
    /// Each in words.
    pub fn told(&self) -> impl Iterator<Item = String> + '_ {
        let number = self.same_number.iter().map(|other| format!("the same issuer, number and day as record {other}"));
        number.chain(self.same_pages.iter().map(|other| format!("each page looks like that of record {other}")))
    }
}

/// Bits of 256 in which two scans of one page may differ. Measured on real papers: scans of one page made in other ways differ in at
/// most 50, 40 in what a second scan does to a page; other pages in 64 and more (docs/decisions.md).
const SAME_LOOK: u32 = 44;

/// Looks for other records of the same paper.
pub async fn others(archive: &Archive, manifest: &Manifest) -> Result<Others, Error> {
    let same_number = same_number(archive, manifest).await?;
    let Some(entry) = archive.index.entry(&manifest.record).await? else {
        return Ok(Others { same_number, same_pages: Vec::new() });
    };
    let alike = archive.index.look_alikes(&entry, SAME_LOOK).await?;
    let same_pages = alike.into_iter().filter(|other| !told_apart(&entry, other)).map(|other| other.record).collect();
    Ok(Others { same_number, same_pages })
}

/// Only values that are vouched for are compared.
async fn same_number(archive: &Archive, manifest: &Manifest) -> Result<Vec<RecordId>, Error> {
    let vouched = |name| field::find(&manifest.fields, name).filter(|field| field.doubt.is_none()).and_then(value);
    let (Some(number), Some(date)) = (vouched(name::CODE_NUMBER), vouched(name::ISSUED_DATE)) else { return Ok(Vec::new()) };
    let (notation, organ) = (vouched(name::CODE_NOTATION), vouched(name::ORGAN_NAME));
    let same_issuer = |other: &Option<String>| match (organ, other) {
        (Some(organ), Some(other)) => fold(organ) == fold(other),
        // a number and day without an issuer are met in every commune
        _ => false,
    };
    let found = archive.index.same_number(&manifest.record, number, notation, date).await?;
    Ok(found.into_iter().filter(|(_, other)| same_issuer(other)).map(|(record, _)| record).collect())
}

/// Papers of one form look alike; a number, day or code that both vouch for and that differs makes them two.
fn told_apart(one: &Entry, other: &Entry) -> bool {
    let with_digit = |value: &&str| value.chars().any(|c| c.is_ascii_digit());
    one.fields.iter().any(|field| {
        let (Some(a), Some(b)) = (one.vouched(&field.name).filter(with_digit), other.vouched(&field.name)) else { return false };
        a != b
    })
}

fn value(field: &Field) -> Option<&str> {
    field.value.as_deref()
}
