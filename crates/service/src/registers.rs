//! Registers between those who understand them (`coverage`) and those who keep them (`archive`): rows for the index and back, and
//! which of the imported files count.

use futures::TryStreamExt as _;
use sohoa_archive::register::{RegisterNote, RegisterRow as IndexRow};
use sohoa_archive::{Archive, Error};
use sohoa_coverage::number::NumberKey;
use sohoa_coverage::{RegisterRow, parse_register};

/// The registers that count: of files with one name the last import. That is how a register is corrected.
pub async fn that_count(archive: &Archive) -> Result<Vec<RegisterNote>, Error> {
    Ok(last_of_each_name(archive.registers().try_collect().await?))
}

/// Of files with one name the last import.
pub fn last_of_each_name(mut notes: Vec<RegisterNote>) -> Vec<RegisterNote> {
    notes.sort_by(|a, b| (&a.name, &b.imported_at).cmp(&(&b.name, &a.imported_at)));
    notes.dedup_by(|later, kept| later.name == kept.name);
    notes
}

/// Rows of a stored register for the index, when it is rebuilt.
pub fn rows_for_index(_: &RegisterNote, bytes: &[u8]) -> Result<Vec<IndexRow>, String> {
    let register = parse_register(bytes);
    if register.is_usable() { Ok(index_rows(&register.rows)) } else { Err("it is not a register".into()) }
}

/// Rows as the index keeps them.
pub fn index_rows(rows: &[RegisterRow]) -> Vec<IndexRow> {
    rows.iter()
        .map(|row| IndexRow {
            line: row.line as u32,
            unit: row.unit.clone().unwrap_or_default(),
            procedure: row.procedure.clone(),
            dossier_code: row.dossier_code.as_ref().map(|code| code.to_string()),
            number: row.number.clone(),
            date: row.date.map(|date| date.to_string()),
            valid_until: row.valid_until.map(|date| date.to_string()),
            notation: row.number.as_deref().and_then(NumberKey::parse).map(|key| key.notation),
            year: row.year,
            month: row.date.map(|date| date.month()),
            subject: row.subject.clone(),
            owner: row.owner.clone(),
            organ: row.organ.clone(),
            signer: row.signer.clone(),
            in_doubt: row.in_doubt,
        })
        .collect()
}

/// A row of the index as it is compared; what cannot be read is missing.
pub fn row_of(row: &IndexRow) -> RegisterRow {
    RegisterRow {
        unit: Some(row.unit.clone()).filter(|unit| !unit.is_empty()),
        procedure: row.procedure.clone(),
        dossier_code: row.dossier_code.as_deref().and_then(|code| code.parse().ok()),
        number: row.number.clone(),
        date: row.date.as_deref().and_then(|date| date.parse().ok()),
        year: row.year,
        valid_until: row.valid_until.as_deref().and_then(|date| date.parse().ok()),
        subject: row.subject.clone(),
        owner: row.owner.clone(),
        organ: row.organ.clone(),
        signer: row.signer.clone(),
        line: u64::from(row.line),
        in_doubt: row.in_doubt,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_comes_back_from_the_index_as_it_went_in() {
        let csv = "unit,procedure,dossier_code,number,date,valid_until,subject,owner,organ,signer\n\
                   H48.15,1.012771,H48.15-250115-0008,29/QĐ-UBND,2025-02-04,2026-02-04,Về việc x,Lê An,UBND xã Gò Mới,Trần Bình\n\
                   H48.15,,,30/QĐ-UBND,2025,,,,,\n";
        let rows = parse_register(csv.as_bytes()).rows;
        assert_eq!(rows.len(), 2);
        let back: Vec<RegisterRow> = index_rows(&rows).iter().map(row_of).collect();
        assert_eq!(back, rows);
    }
}
