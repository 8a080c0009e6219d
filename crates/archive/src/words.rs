//! The full text of a record: what [`crate::search`] asks, written when its entry is.
//!
//! Two tables with the same columns, so that one question can be put to either: `heads` has what is known of a document beside its pages,
//! `words` that and the pages. A personal number is one word however it is written, so that it is found whole or not at all.

use crate::entry::Entry;
use crate::error::Result;
use crate::index::{Filter, fields_of, read};
use crate::query::{MARK, code_fragment, code_tails, exact};
use sohoa_record::DossierCode;
use sohoa_record::field::name::TYPE_NAME;
use sohoa_record::manifest::State;
use sohoa_record::personal::joined;
use sohoa_record::text::fold;
use sqlx::{AssertSqlSafe, Row as _, SqliteConnection};

/// The tables, in the order of asking.
pub(crate) const TABLES: [&str; 2] = ["heads", "words"];

/// Writes the words of a row. It has none yet.
pub(crate) async fn write(tx: &mut SqliteConnection, row: i64, entry: &Entry, body: &str) -> Result<()> {
    let (head, marks) = (head(entry), marks(entry));
    let whole = format!("{head}\n{body}");
    for (table, text) in TABLES.into_iter().zip([joined(&head), joined(&whole)]) {
        // A name of ours: nothing of it comes from outside.
        sqlx::query(AssertSqlSafe(format!("INSERT INTO {table} (rowid, folded, exact, marks) VALUES (?,?,?,?)")))
            .bind(row)
            .bind(fold(&text))
            .bind(exact(&text))
            .bind(&marks)
            .execute(&mut *tx)
            .await?;
    }
    Ok(())
}

/// Takes the words of a row away.
pub(crate) async fn remove(tx: &mut SqliteConnection, row: i64) -> Result<()> {
    for table in TABLES {
        sqlx::query(AssertSqlSafe(format!("DELETE FROM {table} WHERE rowid = ?"))).bind(row).execute(&mut *tx).await?;
    }
    Ok(())
}

/// Makes the tables, in place of whatever was there under their names.
pub(crate) async fn make_empty(tx: &mut SqliteConnection) -> Result<()> {
    for table in TABLES {
        let empty = format!(
            "DROP TABLE IF EXISTS {table};
             CREATE VIRTUAL TABLE {table} USING fts5 (
               folded, exact, marks, content = '', contentless_delete = 1, tokenize = 'unicode61 remove_diacritics 0'
             )"
        );
        sqlx::raw_sql(AssertSqlSafe(empty)).execute(&mut *tx).await?;
    }
    Ok(())
}

/// Writes the words of all rows anew, from what else the index has of them.
pub(crate) async fn write_anew(tx: &mut SqliteConnection) -> Result<()> {
    make_empty(tx).await?;
    let mut last = 0;
    while let Some(row) =
        sqlx::query("SELECT * FROM records WHERE row > ? ORDER BY row LIMIT 1").bind(last).fetch_optional(&mut *tx).await?
    {
        last = row.try_get("row")?;
        let entry = Entry { fields: fields_of(&mut *tx, last).await?, ..read(&row)? };
        let body: Option<String> =
            sqlx::query_scalar("SELECT body FROM texts WHERE row = ?").bind(last).fetch_optional(&mut *tx).await?;
        write(tx, last, &entry, &body.unwrap_or_default()).await?;
    }
    Ok(())
}

/// What is known of a document beside its pages, one thing a line.
fn head(entry: &Entry) -> String {
    let mut lines: Vec<&str> = entry.fields.iter().filter_map(|field| field.value.as_deref()).collect();
    let number = entry.number_and_notation().unwrap_or_default();
    lines.extend([number.as_str(), &entry.source_name, &entry.folder]);
    lines.extend(entry.dossier_code.as_ref().map(DossierCode::as_str));
    lines.extend(entry.unit.as_deref());
    lines.extend(entry.result_code.as_deref());
    lines.join("\n")
}

/// The fragments of the dossier's code, and what [`Filter`]s narrow to.
fn marks(entry: &Entry) -> String {
    let mut marks: Vec<String> = entry.dossier_code.iter().map(|code| code_tails(code.as_str())).collect();
    marks.extend(entry.unit.as_deref().map(|unit| mark('u', unit)));
    marks.extend(entry.value(TYPE_NAME).map(|kind| mark('k', kind)));
    marks.push(mark('s', entry.state.as_str()));
    marks.join(" ")
}

/// One word for a value of a filter. Values that differ in punctuation only have the same, so it narrows and does not decide.
fn mark(filter: char, value: &str) -> String {
    let letters: String = fold(value).chars().filter(|c| c.is_alphanumeric()).collect();
    format!("{MARK}{MARK}{filter}{letters}")
}

/// What of a filter the full text can narrow to, as an expression to be joined by AND; empty when it asks for nothing of the kind.
pub(crate) fn narrowing(filter: &Filter) -> String {
    let marks = [
        filter.unit.as_deref().map(|unit| mark('u', unit)),
        filter.kind.as_deref().map(|kind| mark('k', kind)),
        filter.state.map(State::as_str).map(|state| mark('s', state)),
    ];
    let mut narrowing: Vec<String> = marks.into_iter().flatten().map(|mark| format!("({{marks}} : \"{mark}\")")).collect();
    narrowing.extend(filter.dossier_code.as_deref().and_then(code_fragment));
    narrowing.into_iter().map(|one| one + " AND ").collect()
}
