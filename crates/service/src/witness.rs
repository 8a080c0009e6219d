//! The registers as a second witness of what was read: rows that could be the paper come from the index, `coverage` says which one
//! it is, and here its number and day become the fields' values, with the row and its score beside them. Nothing is filled
//! silently, and a value that the paper itself vouches for is never touched.

use crate::keyring::KeyringError;
use crate::registers::{row_of, that_count};
use crate::result_code::{self, Template};
use crate::sealing;
use ed25519_dalek::SigningKey;
use sohoa_archive::{Archive, Candidates, Commit, Error, IndexedRow};
use sohoa_coverage::number::NumberKey;
use sohoa_coverage::witness::{Agreement, Reading, Verdict, is_end_of_name, judge};
use sohoa_record::field::{self, REGISTER_RULE, RegisterCandidate, RegisterWitness, name};
use sohoa_record::identifier::RecordId;
use sohoa_record::manifest::{Dossier, Event, State, action};
use sohoa_record::seal::Opened;
use sohoa_record::text::fold;
use sohoa_record::{Field, Reason, Sha256Hex};

/// So many rows of one month and notation are compared; where there are more, none is: the winner could be among the rest.
const MOST_ROWS: u32 = 20_000;

/// The registers that are asked.
pub struct Registers(Vec<Sha256Hex>);

impl Registers {
    /// Those that count now.
    pub async fn that_count(archive: &Archive) -> Result<Self, Error> {
        Ok(Self(that_count(archive).await?.into_iter().map(|note| note.digests.sha256).collect()))
    }
}

/// Asks the registers about a paper and writes what they say into `fields`. Says whether anything changed.
pub async fn confirm(archive: &Archive, asked: &Registers, dossier: &Dossier, fields: &mut [Field]) -> Result<bool, Error> {
    let reading = reading_of(fields, dossier);
    let Some(year) = reading.year.filter(|_| !asked.0.is_empty() && fields.iter().any(|field| field.doubt.is_some())) else {
        return Ok(false);
    };
    let wanted = Candidates {
        registers: asked.0.clone(),
        year,
        month: reading.month,
        notation: reading.notation.as_deref().and_then(|read| NumberKey::join("1", Some(read))).map(|key| key.notation),
    };
    let rows = archive.register_candidates(&wanted, MOST_ROWS + 1).await?;
    if rows.len() as u32 > MOST_ROWS {
        tracing::warn!("more than {MOST_ROWS} rows of the registers are of {year}; they cannot be compared with a paper");
        return Ok(false);
    }
    let compared: Vec<_> = rows.iter().map(|row| row_of(&row.row)).collect();
    Ok(match judge(&reading, &compared) {
        // What was read of number and day, though nobody vouches for it, says otherwise: a person looks at both.
        Verdict::Clear(best, _) if disagrees(fields, &rows, best) => list(fields, &rows, &[best]),
        Verdict::Clear(best, runner_up) => fill(fields, &rows, best, runner_up),
        Verdict::Tie(candidates) => list(fields, &rows, &candidates),
        Verdict::Unknown => false,
    })
}

/// Asks the registers again about a record that waits for review. A new revision when they know more than before; none when they
/// do not, or when a person was quicker.
pub async fn confirm_again(
    archive: &Archive,
    asked: &Registers,
    record: &RecordId,
    who: &str,
    key: &SigningKey,
    codes: &Template,
) -> Result<Option<Opened>, AgainError> {
    let Some(latest) = archive.revisions(record).await?.pop().filter(|latest| latest.manifest.state == State::Review) else {
        return Ok(None);
    };
    let mut changed = latest.manifest.clone();
    if !confirm(archive, asked, &changed.dossier, &mut changed.fields).await? || changed.fields == latest.manifest.fields {
        return Ok(None);
    }
    changed.state = sealing::settle(&changed.fields, &mut changed.reasons);
    let told = changed.fields.iter().zip(&latest.manifest.fields).filter(|(now, before)| now != before);
    let names = told.map(|(now, _)| now.name.as_str()).collect::<Vec<_>>().join(", ");
    let event =
        Event { at: String::new(), who: who.to_owned(), action: action::REGISTER.into(), note: names, changes: Vec::new() };
    let next = sealing::next_revision(&latest, changed, event)?;
    let receipt = result_code::seal(archive, key, codes, next).await?;
    Ok(match archive.commit(&receipt).await? {
        Commit::Committed(opened) => Some(opened),
        Commit::AlreadyCommitted(_) => None,
    })
}

/// Why the registers cannot be asked again.
#[derive(Debug, thiserror::Error)]
pub enum AgainError {
    /// The archive is not usable.
    #[error(transparent)]
    Archive(#[from] Error),
    /// The system gives no random numbers.
    #[error(transparent)]
    Random(#[from] KeyringError),
}

/// What the fields say of the paper.
fn reading_of(fields: &[Field], dossier: &Dossier) -> Reading {
    let read = |name| field::value(fields, name).map(str::to_owned);
    let vouched = |name| {
        let field = field::find(fields, name).filter(|field| field.doubt.is_none());
        field.and_then(|field| field.value.clone())
    };
    let date: Option<jiff::civil::Date> = vouched(name::ISSUED_DATE).and_then(|date| date.parse().ok());
    let (year, month) = match date {
        Some(date) => (Some(date.year()), Some(date.month())),
        None => field::find(fields, name::ISSUED_DATE).map_or((None, None), |field| printed_month(&field.printed)),
    };
    Reading {
        notation: read(name::CODE_NOTATION),
        number: vouched(name::CODE_NUMBER),
        date,
        year,
        month,
        organ: read(name::ORGAN_NAME),
        organ_is_sure: vouched(name::ORGAN_NAME).is_some(),
        signer: vouched(name::SIGNER_NAME),
        subject: read(name::SUBJECT),
        owner: read(name::OWNER_NAME),
        dossier_code: dossier.code.clone(),
        unit: dossier.unit.clone(),
    }
}

/// Year and month of "Quảng Ngãi, ngày … tháng 01 năm 2025", whatever stands for the day.
fn printed_month(printed: &str) -> (Option<i16>, Option<i8>) {
    let folded = fold(printed);
    let words: Vec<&str> = folded.split(' ').collect();
    let after = |label: &str| words.iter().rposition(|word| word.ends_with(label)).and_then(|at| words.get(at + 1));
    let year = after("nam").filter(|year| year.len() == 4).and_then(|year| year.parse().ok());
    let month = after("thang").and_then(|month| month.parse().ok()).filter(|month| (1..=12).contains(month));
    (year.filter(|year| (1900..=2200).contains(year)), month)
}

fn disagrees(fields: &[Field], rows: &[IndexedRow], best: Agreement) -> bool {
    let Some(row) = rows.get(best.row) else { return true };
    let says = |name| field::value(fields, name).zip(registered(&row.row, name));
    let number = says(name::CODE_NUMBER).is_some_and(|(read, told)| NumberKey::parse(read) != NumberKey::parse(&told));
    number || says(name::ISSUED_DATE).is_some_and(|(read, told)| read != told)
}

/// One row is the paper: its number and day where the reading has none, and its spelling where only accents are in doubt.
fn fill(fields: &mut [Field], rows: &[IndexedRow], best: Agreement, runner_up: Option<Agreement>) -> bool {
    let told = |agreement: Agreement, name: &str| {
        let IndexedRow { register, row, .. } = rows.get(agreement.row)?;
        let value = registered(row, name)?;
        Some(RegisterCandidate { register: register.clone(), line: row.line, value, score: agreement.score })
    };
    let mut changed = false;
    for field in fields.iter_mut().filter(|field| field.doubt.is_some()) {
        let Some(winner) = told(best, &field.name) else { continue };
        let value = winner.value.clone();
        let confirmed = match field.value.as_deref() {
            None => matches!(field.name.as_str(), name::CODE_NUMBER | name::ISSUED_DATE),
            Some(_) if matches!(field.name.as_str(), name::CODE_NUMBER | name::ISSUED_DATE) => true,
            Some(read) if field.name == name::SIGNER_NAME && is_end_of_name(read, &value) => true,
            Some(read) => fold(read) == fold(&value),
        };
        let rows = std::iter::once(winner).chain(runner_up.and_then(|second| told(second, &field.name))).collect();
        field.register = Some(RegisterWitness { rows });
        changed = true;
        if confirmed {
            // A register that was typed without accents confirms the reading and spells nothing.
            let spelled = !value.is_ascii() || matches!(field.name.as_str(), name::CODE_NUMBER | name::ISSUED_DATE);
            if spelled || field.value.is_none() {
                field.value = Some(value);
            }
            field.doubt = None;
            field.confidence = best.score;
            field.rule = REGISTER_RULE.into();
        }
    }
    changed
}

/// Rows that could be the paper, for a person to choose from.
fn list(fields: &mut [Field], rows: &[IndexedRow], candidates: &[Agreement]) -> bool {
    let mut changed = false;
    let wanted = |field: &&mut Field| matches!(field.name.as_str(), name::CODE_NUMBER | name::ISSUED_DATE);
    for field in fields.iter_mut().filter(wanted).filter(|field| field.doubt.is_some()) {
        let told = candidates.iter().filter_map(|candidate| {
            let IndexedRow { register, row, .. } = rows.get(candidate.row)?;
            let value = registered(row, &field.name)?;
            Some(RegisterCandidate { register: register.clone(), line: row.line, value, score: candidate.score })
        });
        let rows: Vec<RegisterCandidate> = told.collect();
        if !rows.is_empty() {
            field.register = Some(RegisterWitness { rows });
            field.doubt = Some(Reason::RegisterTie);
            changed = true;
        }
    }
    changed
}

/// What a row says of a field, in the field's own form.
fn registered(row: &sohoa_archive::RegisterRow, name: &str) -> Option<String> {
    let (number, notation) = row.number.as_deref().map_or(("", ""), |number| number.split_once('/').unwrap_or((number, "")));
    let told = match name {
        name::CODE_NUMBER => number.trim_start_matches(|c: char| !c.is_ascii_digit()),
        name::CODE_NOTATION => notation,
        name::ISSUED_DATE => row.date.as_deref()?,
        name::ORGAN_NAME => row.organ.as_deref()?,
        name::SUBJECT => row.subject.as_deref()?,
        name::OWNER_NAME => row.owner.as_deref()?,
        name::SIGNER_NAME => row.signer.as_deref()?,
        _ => return None,
    };
    let told = told.trim();
    (!told.is_empty()).then(|| told.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_month_is_read_whatever_a_hand_wrote_for_the_day() {
        assert_eq!(printed_month("Quảng Ngãi, ngày4†tháng 01 năm 2025"), (Some(2025), Some(1)));
        assert_eq!(printed_month("Gò Mới, ngàyÂtháng 12 năm 2024"), (Some(2024), Some(12)));
        assert_eq!(printed_month("Hà Nội, ngày (Ö tháng 'Ÿ năm 2019"), (Some(2019), None));
        assert_eq!(printed_month("Hà Nội, ngày 5 tháng 13 năm 2019"), (Some(2019), None));
        assert_eq!(printed_month("Hà Nội, ngày 5 tháng 3 năm 20#9"), (None, Some(3)));
        assert_eq!(printed_month(""), (None, None));
    }
}
