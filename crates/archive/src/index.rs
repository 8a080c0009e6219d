//! The index: one row a record's latest revision, its fields and its words. It answers lists, counts and searches; it proves
//! nothing, and whatever it says can be read again from the receipts.
//!
//! Contract: [`write`] is idempotent, and of two revisions the later one stays whichever comes last. Reads see whole revisions.
//! Lists go on from the last record seen (keyset pages), so they cost the same at the end as at the beginning.

use crate::database::Database;
use crate::entry::{Entry, IndexedField, PageCounts, parse_state};
use crate::error::{Error, Result};
use crate::log::leaves;
use crate::words;
use serde::Serialize;
use sohoa_record::identifier::RecordId;
use sohoa_record::manifest::State;
use sohoa_record::text::fold;
use sohoa_record::{DossierCode, PageLook, Reason, Sha256Hex};
use sqlx::sqlite::SqliteRow;
use sqlx::{AssertSqlSafe, Row as _, SqliteConnection, SqliteExecutor};
use std::collections::BTreeMap;

/// The index of an archive. Cheap to clone; all clones share its connections.
#[derive(Clone, Debug)]
pub struct Index {
    pub(crate) database: Database,
}

/// What a list or a search is narrowed to; what is not given does not narrow.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// The unit, whole.
    pub unit: Option<String>,
    /// The outcome.
    pub state: Option<State>,
    /// Any part of the dossier's code.
    pub dossier_code: Option<String>,
    /// The kind of paper (`type_name`), with or without marks.
    pub kind: Option<String>,
    /// Arrived at this time or later: milliseconds since 1970 UTC.
    pub since: Option<i64>,
    /// Arrived before this time: milliseconds since 1970 UTC.
    pub until: Option<i64>,
}

/// How much there is, and in which state.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Status {
    /// Records by outcome; outcomes that no record has are left out.
    pub records: BTreeMap<State, u64>,
    /// Pages by what became of them.
    pub pages: StatusPages,
    /// Bytes of all objects that latest revisions list; an object that two records share counts twice.
    pub stored_bytes: u64,
    /// Records by their first reason to be looked at.
    pub reasons: BTreeMap<Reason, u64>,
    /// Records that were lawfully destroyed; they are in none of the counts above.
    pub destroyed: u64,
}

/// [`PageCounts`] over all records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[allow(missing_docs)]
pub struct StatusPages {
    pub text: u64,
    pub blank: u64,
    pub separator: u64,
    pub recognize_failed: u64,
}

impl Index {
    /// The entry of a record.
    pub async fn entry(&self, record: &RecordId) -> Result<Option<Entry>> {
        let row = sqlx::query("SELECT * FROM records WHERE record = ?")
            .bind(record.as_str())
            .fetch_optional(&self.database.reader)
            .await?;
        match row {
            Some(row) => Ok(self.with_fields(vec![row]).await?.pop()),
            None => Ok(None),
        }
    }

    /// The records that were made from these bytes.
    pub async fn of_source(&self, source: &Sha256Hex) -> Result<Vec<RecordId>> {
        let rows: Vec<String> = sqlx::query_scalar("SELECT record FROM records WHERE source_sha256 = ? ORDER BY record")
            .bind(source.as_str())
            .fetch_all(&self.database.reader)
            .await?;
        rows.iter().map(|record| parse(record)).collect()
    }

    /// Entries in the order of their identifiers, which is the order of arrival: at most `limit` after `after`. Go on with the
    /// last one's identifier until none comes.
    pub async fn entries(&self, filter: &Filter, after: Option<&RecordId>, limit: u32) -> Result<Vec<Entry>> {
        self.listed("record > ?1", "record", after.map_or("", RecordId::as_str), filter, limit).await
    }

    /// Records that were decided on after their capture, in the order of their identifiers: at most `limit` after `after`.
    pub async fn revised(&self, after: Option<&RecordId>, limit: u32) -> Result<Vec<RecordId>> {
        let rows: Vec<String> =
            sqlx::query_scalar("SELECT record FROM records WHERE record > ?1 AND revision > 1 ORDER BY record LIMIT ?2")
                .bind(after.map_or("", RecordId::as_str))
                .bind(limit)
                .fetch_all(&self.database.reader)
                .await?;
        rows.iter().map(|record| parse(record)).collect()
    }

    /// Other records whose number, notation and day are vouched for and the same, oldest first, each with its issuer if that is vouched
    /// for too.
    pub async fn same_number(
        &self,
        record: &RecordId,
        number: &str,
        notation: Option<&str>,
        date: &str,
    ) -> Result<Vec<(RecordId, Option<String>)>> {
        let rows: Vec<(String, Option<String>)> = sqlx::query_as(
            "SELECT r.record, o.value FROM fields n
             JOIN fields d ON d.row = n.row AND d.name = 'issued_date' AND d.value = ?2 AND d.doubt IS NULL
             JOIN records r ON r.row = n.row
             LEFT JOIN fields t ON t.row = n.row AND t.name = 'code_notation' AND t.doubt IS NULL
             LEFT JOIN fields o ON o.row = n.row AND o.name = 'organ_name' AND o.doubt IS NULL
             WHERE n.name = 'code_number' AND n.value = ?1 AND n.doubt IS NULL AND t.value IS ?3 AND r.record <> ?4
             ORDER BY r.record",
        )
        .bind(number)
        .bind(date)
        .bind(notation)
        .bind(record.as_str())
        .fetch_all(&self.database.reader)
        .await?;
        rows.into_iter().map(|(record, organ)| Ok((parse(&record)?, organ))).collect()
    }

    /// Records of other sources with as many pages with words, each within `distance` bits of this one's, oldest first. Those are looked
    /// at whose first look has most pieces in common with it, so of hundreds of look-alikes some may be left out.
    pub async fn look_alikes(&self, entry: &Entry, distance: u32) -> Result<Vec<Entry>> {
        let Some(first) = entry.looks.first() else { return Ok(Vec::new()) };
        let pieces = pieces(first).map(|piece| piece.to_string()).collect::<Vec<_>>().join(",");
        // Whole numbers of our own, joined: nothing of it comes from outside.
        let rows: Vec<(String, String)> = sqlx::query_as(AssertSqlSafe(format!(
            "SELECT r.record, r.looks FROM (
               SELECT row, count(*) AS alike FROM look_pieces WHERE piece IN ({pieces}) GROUP BY row ORDER BY alike DESC, row LIMIT 200
             ) JOIN records r USING (row) WHERE r.record <> ? AND r.source_sha256 <> ? ORDER BY r.record"
        )))
        .bind(entry.record.as_str())
        .bind(entry.source_sha256.as_str())
        .fetch_all(&self.database.reader)
        .await?;
        let mut found = Vec::new();
        for (record, others) in rows {
            let others = looks(&others)?;
            let near = others.iter().zip(&entry.looks).all(|(a, b)| a.distance(b) <= distance);
            if near && others.len() == entry.looks.len() {
                found.extend(self.entry(&parse(&record)?).await?);
            }
        }
        Ok(found)
    }

    /// How much there is, and in which state.
    pub async fn status(&self) -> Result<Status> {
        let mut status = Status::default();
        let rows = sqlx::query(
            "SELECT state, count(*), sum(pages_text), sum(pages_blank), sum(pages_separator), sum(pages_failed), sum(stored_bytes)
             FROM records GROUP BY state",
        )
        .fetch_all(&self.database.reader)
        .await?;
        for row in rows {
            status.records.insert(parse_state(row.try_get(0)?)?, number(&row, 1)?);
            status.pages.text += number::<u64>(&row, 2)?;
            status.pages.blank += number::<u64>(&row, 3)?;
            status.pages.separator += number::<u64>(&row, 4)?;
            status.pages.recognize_failed += number::<u64>(&row, 5)?;
            status.stored_bytes += number::<u64>(&row, 6)?;
        }
        status.destroyed =
            sqlx::query_scalar::<_, i64>("SELECT count(*) FROM destroyed").fetch_one(&self.database.reader).await? as u64;
        let rows = sqlx::query(
            "SELECT reasons, count(*) FROM records WHERE reasons != '' AND state IN ('review', 'failed') GROUP BY reasons",
        )
        .fetch_all(&self.database.reader)
        .await?;
        for row in rows {
            let reasons: Vec<Reason> = row.try_get::<&str, _>(0)?.split_whitespace().map(parse).collect::<Result<_>>()?;
            // That its dossier is not known stops nothing: whatever else is the matter comes before it.
            let first = reasons.iter().find(|reason| **reason != Reason::DossierUnknown).or(reasons.first());
            if let Some(first) = first {
                *status.reasons.entry(*first).or_default() += number::<u64>(&row, 1)?;
            }
        }
        Ok(status)
    }

    /// Records that were lawfully destroyed, in the order of their identifiers: at most `limit` after `after`.
    pub async fn destroyed(&self, after: Option<&RecordId>, limit: u32) -> Result<Vec<RecordId>> {
        let rows: Vec<String> = sqlx::query_scalar("SELECT record FROM destroyed WHERE record > ?1 ORDER BY record LIMIT ?2")
            .bind(after.map_or("", RecordId::as_str))
            .bind(limit)
            .fetch_all(&self.database.reader)
            .await?;
        rows.iter().map(|record| parse(record)).collect()
    }

    pub(crate) async fn is_destroyed(&self, record: &RecordId) -> Result<bool> {
        let found: Option<i64> = sqlx::query_scalar("SELECT 1 FROM destroyed WHERE record = ?")
            .bind(record.as_str())
            .fetch_optional(&self.database.reader)
            .await?;
        Ok(found.is_some())
    }

    /// Turns rows of `records` into entries and adds their fields, in few questions whatever their number.
    pub(crate) async fn with_fields(&self, rows: Vec<SqliteRow>) -> Result<Vec<Entry>> {
        let mut entries = Vec::with_capacity(rows.len());
        for row in &rows {
            let fields = fields_of(&self.database.reader, row.try_get("row")?).await?;
            entries.push(Entry { fields, ..read(row)? });
        }
        Ok(entries)
    }
}

/// The fields of a row, in the manifest's order.
pub(crate) async fn fields_of(database: impl SqliteExecutor<'_>, row: i64) -> Result<Vec<IndexedField>> {
    let fields = sqlx::query("SELECT name, value, page, confidence, doubt FROM fields WHERE row = ? ORDER BY place")
        .bind(row)
        .fetch_all(database)
        .await?;
    let field = |field: &SqliteRow| {
        Ok(IndexedField {
            name: field.try_get(0)?,
            value: field.try_get(1)?,
            page: number(field, 2)?,
            confidence: number(field, 3)?,
            doubt: field.try_get::<Option<&str>, _>(4)?.map(parse).transpose()?,
        })
    };
    fields.iter().map(field).collect()
}

/// Writes a revision with the text of its pages. Nothing happens when the index has this revision or a later one, unless that
/// one's manifest is another: then the index is wrong and is set right.
pub(crate) async fn write(tx: &mut SqliteConnection, entry: &Entry, body: &str) -> Result<()> {
    let known = sqlx::query("SELECT row, revision, manifest_sha256, looks FROM records WHERE record = ?")
        .bind(entry.record.as_str())
        .fetch_optional(&mut *tx)
        .await?;
    let mut kept = None;
    if let Some(known) = known {
        let row: i64 = known.try_get(0)?;
        kept = Some(row);
        let (revision, manifest): (i64, &str) = (known.try_get(1)?, known.try_get(2)?);
        let same = revision == i64::from(entry.revision) && manifest == entry.manifest_sha256.as_str();
        if same || revision > i64::from(entry.revision) {
            return Ok(());
        }
        remove_row(tx, row, known.try_get(3)?).await?;
    }
    let row = match kept {
        Some(row) => row,
        None => free_row(tx, &entry.record).await?,
    };
    let reasons: Vec<&str> = entry.reasons.iter().map(|reason| reason.code()).collect();
    let kind = entry.value(sohoa_record::field::name::TYPE_NAME).map(fold);
    sqlx::query(
        "INSERT INTO records (row, record, revision, manifest_sha256, state, reasons, dossier_code, folder, ordinal, unit, type_folded,
           source_name, source_sha256, source_size, media_type, text_sha256, stored_bytes, pages_text, pages_blank, pages_separator,
           pages_failed, signed, archived, arrived_at, sealed_at, key_id, looks, result_code)
         VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
    )
    .bind(row)
    .bind(entry.record.as_str())
    .bind(entry.revision)
    .bind(entry.manifest_sha256.as_str())
    .bind(entry.state.as_str())
    .bind(reasons.join(" "))
    .bind(entry.dossier_code.as_ref().map(DossierCode::as_str))
    .bind(&entry.folder)
    .bind(entry.ordinal)
    .bind(&entry.unit)
    .bind(kind)
    .bind(&entry.source_name)
    .bind(entry.source_sha256.as_str())
    .bind(entry.source_size as i64)
    .bind(&entry.media_type)
    .bind(entry.text_sha256.as_ref().map(Sha256Hex::as_str))
    .bind(entry.stored_bytes as i64)
    .bind(entry.pages.text)
    .bind(entry.pages.blank)
    .bind(entry.pages.separator)
    .bind(entry.pages.recognize_failed)
    .bind(entry.signed)
    .bind(entry.archived)
    .bind(&entry.arrived_at)
    .bind(&entry.sealed_at)
    .bind(entry.key_id.as_str())
    .bind(entry.looks.iter().map(PageLook::to_string).collect::<Vec<_>>().join(" "))
    .bind(&entry.result_code)
    .execute(&mut *tx)
    .await?;
    for piece in entry.looks.first().into_iter().flat_map(pieces) {
        sqlx::query("INSERT INTO look_pieces (piece, row) VALUES (?,?)").bind(piece).bind(row).execute(&mut *tx).await?;
    }
    for (place, field) in entry.fields.iter().enumerate() {
        sqlx::query("INSERT INTO fields (row, place, name, value, page, confidence, doubt) VALUES (?,?,?,?,?,?,?)")
            .bind(row)
            .bind(place as i64)
            .bind(&field.name)
            .bind(&field.value)
            .bind(field.page)
            .bind(field.confidence)
            .bind(field.doubt.map(Reason::code))
            .execute(&mut *tx)
            .await?;
    }
    sqlx::query("INSERT INTO texts (row, body) VALUES (?,?)").bind(row).bind(body).execute(&mut *tx).await?;
    words::write(tx, row, entry, body).await?;
    leaves::note_lacking(tx, &entry.record, entry.revision).await
}

/// Rows for the records of one millisecond.
pub(crate) const ROWS_OF_A_MS: i64 = 1 << 12;

/// The first row that a record which arrived at that time (milliseconds since 1970 UTC) may have.
pub(crate) fn first_row(ms: i64) -> i64 {
    // Times that no identifier has stand for its ends.
    ms.clamp(0, (1 << 48) - 1) * ROWS_OF_A_MS
}

/// The row of a record that has none yet: its time in milliseconds, then twelve bits of its identifier's own, so that rows sort by arrival and
/// an index that was made anew answers in the same order. The few that meet take the next free one.
async fn free_row(tx: &mut SqliteConnection, record: &RecordId) -> Result<i64> {
    let digits: String = record.as_str().chars().filter(|c| *c != '-').take(12).collect();
    let ms = i64::from_str_radix(&digits, 16).map_err(|e| Error::malformed("index", e))?;
    // FNV-1a: parts of one source differ in a few bits only.
    let mixed = record.as_str().bytes().fold(0x811c_9dc5u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    let mut row = first_row(ms) + i64::from(mixed >> 20);
    while sqlx::query("SELECT 1 FROM records WHERE row = ?").bind(row).fetch_optional(&mut *tx).await?.is_some() {
        row += 1;
    }
    Ok(row)
}

/// Rows that were once counted from 1: no index has as many records, and no time of today is as small.
const COUNTED: i64 = 1 << 32;

/// Gives every record whose row was counted the one that a rebuilt index would give it. The full text is not moved: write it after this.
pub(crate) async fn number_anew(tx: &mut SqliteConnection) -> Result<()> {
    // What refers to a row follows it a statement later.
    sqlx::raw_sql("PRAGMA defer_foreign_keys = ON").execute(&mut *tx).await?;
    let mut last = String::new();
    let next = "SELECT row, record FROM records WHERE record > ?1 AND row < ?2 ORDER BY record LIMIT 1";
    while let Some(found) = sqlx::query(next).bind(&last).bind(COUNTED).fetch_optional(&mut *tx).await? {
        let row: i64 = found.try_get(0)?;
        last = found.try_get(1)?;
        let to = free_row(tx, &last.parse().map_err(|e| Error::malformed("index", e))?).await?;
        for table in ["records", "fields", "texts", "look_pieces"] {
            let moved = AssertSqlSafe(format!("UPDATE {table} SET row = ? WHERE row = ?"));
            sqlx::query(moved).bind(to).bind(row).execute(&mut *tx).await?;
        }
    }
    Ok(())
}

/// Takes a record out and notes that it was destroyed.
pub(crate) async fn destroy(tx: &mut SqliteConnection, record: &RecordId, revision: u32, at: &str) -> Result<()> {
    let known =
        sqlx::query("SELECT row, looks FROM records WHERE record = ?").bind(record.as_str()).fetch_optional(&mut *tx).await?;
    if let Some(known) = known {
        remove_row(tx, known.try_get(0)?, known.try_get(1)?).await?;
    }
    leaves::forget_lacking(tx, record).await?;
    sqlx::query("INSERT OR REPLACE INTO destroyed (record, revision, at) VALUES (?,?,?)")
        .bind(record.as_str())
        .bind(revision)
        .bind(at)
        .execute(&mut *tx)
        .await?;
    Ok(())
}

async fn remove_row(tx: &mut SqliteConnection, row: i64, known_looks: &str) -> Result<()> {
    words::remove(tx, row).await?;
    for piece in looks(known_looks)?.first().into_iter().flat_map(pieces) {
        sqlx::query("DELETE FROM look_pieces WHERE piece = ? AND row = ?").bind(piece).bind(row).execute(&mut *tx).await?;
    }
    // fields and texts go with it
    sqlx::query("DELETE FROM records WHERE row = ?").bind(row).execute(&mut *tx).await?;
    Ok(())
}

/// An entry without its fields.
pub(crate) fn read(row: &SqliteRow) -> Result<Entry> {
    let reasons: &str = row.try_get("reasons")?;
    Ok(Entry {
        record: parse(row.try_get("record")?)?,
        revision: number(row, "revision")?,
        manifest_sha256: parse(row.try_get("manifest_sha256")?)?,
        state: parse_state(row.try_get("state")?)?,
        reasons: reasons.split_whitespace().map(parse).collect::<Result<_>>()?,
        dossier_code: row.try_get::<Option<&str>, _>("dossier_code")?.map(parse).transpose()?,
        result_code: row.try_get("result_code")?,
        folder: row.try_get("folder")?,
        ordinal: row.try_get("ordinal")?,
        unit: row.try_get("unit")?,
        source_name: row.try_get("source_name")?,
        source_sha256: parse(row.try_get("source_sha256")?)?,
        source_size: number(row, "source_size")?,
        media_type: row.try_get("media_type")?,
        text_sha256: row.try_get::<Option<&str>, _>("text_sha256")?.map(parse).transpose()?,
        stored_bytes: number(row, "stored_bytes")?,
        pages: PageCounts {
            text: number(row, "pages_text")?,
            blank: number(row, "pages_blank")?,
            separator: number(row, "pages_separator")?,
            recognize_failed: number(row, "pages_failed")?,
        },
        signed: row.try_get("signed")?,
        archived: row.try_get("archived")?,
        arrived_at: row.try_get("arrived_at")?,
        sealed_at: row.try_get("sealed_at")?,
        key_id: parse(row.try_get("key_id")?)?,
        looks: looks(row.try_get("looks")?)?,
        fields: Vec::new(),
    })
}

/// The pieces of a look as they are indexed: the place of each in it, and its bits.
fn pieces(look: &PageLook) -> impl Iterator<Item = i64> + '_ {
    (0i64..).zip(look.pieces()).map(|(place, bits)| place << 16 | i64::from(bits))
}

fn looks(text: &str) -> Result<Vec<PageLook>> {
    text.split_whitespace().map(parse).collect()
}

/// A typed value from its text. The database is no proof, so what it says is checked like anybody's words.
pub(crate) fn parse<T: std::str::FromStr<Err: std::fmt::Display>>(text: &str) -> Result<T> {
    text.parse().map_err(|e| Error::malformed("index", e))
}

/// A whole number of the wanted size. SQLite has only one size.
pub(crate) fn number<T: TryFrom<i64>>(row: &SqliteRow, column: impl sqlx::ColumnIndex<SqliteRow>) -> Result<T> {
    let value: i64 = row.try_get(column)?;
    T::try_from(value).map_err(|_| Error::malformed("index", format_args!("{value} is out of range")))
}
