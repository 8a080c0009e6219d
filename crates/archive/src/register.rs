//! Registers (sổ theo dõi): what exists on paper, the denominators of every rate. The imported file is an object, a note says
//! that it was imported, and its rows are indexed; what the columns mean is not known here.

use crate::error::{Error, Result};
use crate::index::{number, parse};
use crate::layout;
use crate::store::{Archive, json};
use bytes::Bytes;
use futures::{StreamExt as _, TryStreamExt as _, stream::BoxStream};
use object_store::path::Path;
use serde::{Deserialize, Serialize};
use sohoa_record::{Digests, Sha256Hex};
use sqlx::{Row as _, SqliteConnection};

/// The first member of every register note.
pub const REGISTER_FORMAT: &str = "sohoa-register/1";

/// What is noted of an imported register.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegisterNote {
    /// [`REGISTER_FORMAT`].
    pub format: String,
    /// The file's name without folders.
    pub name: String,
    /// RFC 3339 at +07:00.
    pub imported_at: String,
    /// Its bytes.
    #[serde(flatten)]
    pub digests: Digests,
}

/// One result in force, as a register lists it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegisterRow {
    /// The line of the file, from 1.
    pub line: u32,
    /// The unit's code.
    pub unit: String,
    /// The procedure's code (mã thủ tục).
    pub procedure: Option<String>,
    /// The dossier's code, verbatim.
    pub dossier_code: Option<String>,
    /// Number and notation of the result.
    pub number: Option<String>,
    /// Day of issue, `YYYY-MM-DD`.
    pub date: Option<String>,
    /// Last day in force, `YYYY-MM-DD`; null when it does not end.
    pub valid_until: Option<String>,
    /// The notation as it is compared; null when the row has no number.
    pub notation: Option<String>,
    /// Year of issue.
    pub year: Option<i16>,
    /// Month of issue.
    pub month: Option<i8>,
    /// What it is about.
    pub subject: Option<String>,
    /// Whose result it is.
    pub owner: Option<String>,
    /// Who issued it.
    pub organ: Option<String>,
    /// Who signed it.
    pub signer: Option<String>,
    /// True when the import had a problem with the row.
    pub in_doubt: bool,
}

/// Which rows could be a paper.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Candidates {
    /// The registers that count, by the digests of their files.
    pub registers: Vec<Sha256Hex>,
    /// Year of issue.
    pub year: i16,
    /// Month of issue; any when none is given.
    pub month: Option<i8>,
    /// The notation as it is compared; any when none is given. A row that has no notation could have any.
    pub notation: Option<String>,
}

/// A row with the register it came in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IndexedRow {
    /// The register's object.
    pub register: Sha256Hex,
    /// When it was imported: RFC 3339 at +07:00.
    pub imported_at: String,
    /// The row.
    pub row: RegisterRow,
}

impl Archive {
    /// Stores a register and indexes its rows. The same file again changes nothing and returns the first import's note.
    pub async fn import_register(
        &self,
        name: &str,
        bytes: impl Into<Bytes>,
        imported_at: &str,
        rows: &[RegisterRow],
    ) -> Result<RegisterNote> {
        let digests = self.objects.put(bytes).await?;
        let path = layout::register(&digests.sha256);
        let mut note = RegisterNote {
            format: REGISTER_FORMAT.to_owned(),
            name: name.to_owned(),
            imported_at: imported_at.to_owned(),
            digests,
        };
        if let Some(existing) = self.create(&path, json(&note)).await? {
            note = parse_note(&path, &existing)?;
        }
        let mut tx = self.index.database.write().await?;
        write(&mut tx, &note, rows).await?;
        tx.commit().await?;
        Ok(note)
    }

    /// Every register that was imported, in no order.
    pub fn registers(&self) -> BoxStream<'_, Result<RegisterNote>> {
        let listed = self.store.list(Some(&Path::from(layout::REGISTERS))).map_err(Error::store(layout::REGISTERS));
        listed
            .try_filter_map(move |meta| async move {
                if layout::parse_register(&meta.location).is_none() {
                    return Ok(None);
                }
                let bytes = self.read(&meta.location).await?;
                bytes.map(|bytes| parse_note(&meta.location, &bytes)).transpose()
            })
            .boxed()
    }

    /// Rows of all registers: at most `limit` after the register and line of `after`. Empty when no register was imported, which
    /// means that what exists on paper is unknown, not that it is nothing.
    pub async fn register_rows(&self, after: Option<(&Sha256Hex, u32)>, limit: u32) -> Result<Vec<IndexedRow>> {
        let (register, line) = after.map_or(("", 0), |(register, line)| (register.as_str(), line));
        let rows = sqlx::query("SELECT * FROM register WHERE (register, line) > (?, ?) ORDER BY register, line LIMIT ?")
            .bind(register)
            .bind(line)
            .bind(limit)
            .fetch_all(&self.index.database.reader)
            .await?;
        rows.iter().map(read).collect()
    }

    /// The rows that could be a paper, at most `limit`, in the order of registers and lines.
    pub async fn register_candidates(&self, wanted: &Candidates, limit: u32) -> Result<Vec<IndexedRow>> {
        let registers = json_list(&wanted.registers);
        let rows = sqlx::query(
            "SELECT * FROM register
             WHERE year = ?1 AND (?2 IS NULL OR month IS NULL OR month = ?2)
               AND (?3 IS NULL OR notation IS NULL OR notation IN ('', ?3))
               AND register IN (SELECT value FROM json_each(?4))
             ORDER BY register, line LIMIT ?5",
        )
        .bind(wanted.year)
        .bind(wanted.month)
        .bind(&wanted.notation)
        .bind(registers)
        .bind(limit)
        .fetch_all(&self.index.database.reader)
        .await?;
        rows.iter().map(read).collect()
    }
}

fn json_list(registers: &[Sha256Hex]) -> String {
    serde_json::Value::from_iter(registers.iter().map(|register| register.as_str())).to_string()
}

fn read(row: &sqlx::sqlite::SqliteRow) -> Result<IndexedRow> {
    Ok(IndexedRow {
        register: parse(row.try_get("register")?)?,
        imported_at: row.try_get("imported_at")?,
        row: RegisterRow {
            line: number(row, "line")?,
            unit: row.try_get("unit")?,
            procedure: row.try_get("procedure")?,
            dossier_code: row.try_get("dossier_code")?,
            number: row.try_get("number")?,
            date: row.try_get("date")?,
            valid_until: row.try_get("valid_until")?,
            notation: row.try_get("notation")?,
            year: row.try_get("year")?,
            month: row.try_get("month")?,
            subject: row.try_get("subject")?,
            owner: row.try_get("owner")?,
            organ: row.try_get("organ")?,
            signer: row.try_get("signer")?,
            in_doubt: row.try_get("in_doubt")?,
        },
    })
}

pub(crate) async fn write(tx: &mut SqliteConnection, note: &RegisterNote, rows: &[RegisterRow]) -> Result<()> {
    sqlx::query("DELETE FROM register WHERE register = ?").bind(note.digests.sha256.as_str()).execute(&mut *tx).await?;
    for row in rows {
        sqlx::query(
            "INSERT INTO register (register, line, unit, procedure, dossier_code, number, date, valid_until, imported_at,
                                   notation, year, month, subject, owner, organ, signer, in_doubt)
             VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
        )
        .bind(note.digests.sha256.as_str())
        .bind(row.line)
        .bind(&row.unit)
        .bind(&row.procedure)
        .bind(&row.dossier_code)
        .bind(&row.number)
        .bind(&row.date)
        .bind(&row.valid_until)
        .bind(&note.imported_at)
        .bind(&row.notation)
        .bind(row.year)
        .bind(row.month)
        .bind(&row.subject)
        .bind(&row.owner)
        .bind(&row.organ)
        .bind(&row.signer)
        .bind(row.in_doubt)
        .execute(&mut *tx)
        .await?;
    }
    Ok(())
}

pub(crate) fn parse_note(path: &Path, bytes: &[u8]) -> Result<RegisterNote> {
    let note: RegisterNote = serde_json::from_slice(bytes).map_err(|e| Error::malformed(path, e))?;
    if note.format != REGISTER_FORMAT {
        return Err(Error::malformed(path, format_args!("format '{}' is not {REGISTER_FORMAT}", note.format)));
    }
    if layout::parse_register(path).as_ref() != Some(&note.digests.sha256) {
        return Err(Error::malformed(path, format_args!("it speaks of file {}", note.digests.sha256)));
    }
    Ok(note)
}
