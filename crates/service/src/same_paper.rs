//! The alert that NĐ 30/2020/NĐ-CP Phụ lục VI asks for: another document has the same issuer, number, notation and day. The two are
//! shown beside each other and never merged: it may be a second scan, a copy, or a number that somebody misread.

use sohoa_archive::{Archive, Error};
use sohoa_record::field::{self, name};
use sohoa_record::identifier::RecordId;
use sohoa_record::text::fold;
use sohoa_record::{Field, Manifest};

/// The other records of what seems to be the same paper, oldest first. Only values that are vouched for are compared.
pub async fn others(archive: &Archive, manifest: &Manifest) -> Result<Vec<RecordId>, Error> {
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

fn value(field: &Field) -> Option<&str> {
    field.value.as_deref()
}
