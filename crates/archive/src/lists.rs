//! What screens ask again and again, in questions that stay quick with a million records: the newest, those of a day, how many wait.

use crate::entry::{Entry, parse_state};
use crate::error::Result;
use crate::index::{Filter, Index, parse};
use sohoa_record::identifier::RecordId;
use sohoa_record::manifest::State;
use sohoa_record::text::fold;
use sohoa_record::{DossierCode, Sha256Hex};
use sqlx::{AssertSqlSafe, Row as _};

/// A record at a glance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Glance {
    /// The record.
    pub record: RecordId,
    /// Its outcome.
    pub state: State,
    /// The bytes it was made from, by which its arrival is found.
    pub source: Sha256Hex,
    /// RFC 3339 at +07:00.
    pub arrived_at: String,
}

/// A record as reports count it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counted {
    /// The record.
    pub record: RecordId,
    /// The unit it belongs to.
    pub unit: Option<String>,
    /// Its dossier's code.
    pub dossier_code: Option<DossierCode>,
    /// Its outcome.
    pub state: State,
    /// Whether it has a legal signature.
    pub signed: bool,
    /// RFC 3339 at +07:00.
    pub arrived_at: String,
    /// Name and value of those fields that were asked for and are not in doubt.
    pub fields: Vec<(String, String)>,
}

impl Counted {
    /// What is counted of an entry.
    pub fn of(entry: &Entry) -> Counted {
        let vouched = entry.fields.iter().filter(|field| field.doubt.is_none());
        Counted {
            record: entry.record.clone(),
            unit: entry.unit.clone(),
            dossier_code: entry.dossier_code.clone(),
            state: entry.state,
            signed: entry.signed,
            arrived_at: entry.arrived_at.clone(),
            fields: vouched.filter_map(|field| Some((field.name.clone(), field.value.clone()?))).collect(),
        }
    }

    /// The value of the field of that name, when it was asked for and is not in doubt.
    pub fn vouched(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }
}

/// No record that arrived before that time (milliseconds since 1970 UTC) has an identifier after this text, and none that arrived then or
/// later one before it: identifiers are UUIDs of version 7 (RFC 9562, section 5.7), which begin with the time.
pub(crate) fn bound(ms: i64) -> String {
    let digits = format!("{:012x}", ms.clamp(0, (1 << 48) - 1));
    format!("{}-{}", &digits[..8], &digits[8..])
}

/// What a filter asks of a row of `records`, as parameters 2 to 7. What is not asked is left out, so that an index of what is can be used.
fn conditions(filter: &Filter) -> String {
    [
        (filter.unit.is_some(), " AND unit = ?2"),
        (filter.state.is_some(), " AND state = ?3"),
        (filter.dossier_code.is_some(), " AND instr(dossier_code, ?4) > 0"),
        (filter.kind.is_some(), " AND type_folded = ?5"),
        (filter.since.is_some(), " AND record >= ?6"),
        (filter.until.is_some(), " AND record < ?7"),
    ]
    .into_iter()
    .filter_map(|(is_asked, condition)| is_asked.then_some(condition))
    .collect()
}

impl Index {
    /// The newest entries first: at most `limit` before `before`. Go on with the last one's identifier until none comes.
    pub async fn newest(&self, filter: &Filter, before: Option<&RecordId>, limit: u32) -> Result<Vec<Entry>> {
        // Identifiers are hexadecimal: each comes before "g".
        self.listed("record < ?1", "record DESC", before.map_or("g", RecordId::as_str), filter, limit).await
    }

    /// A page of entries: those that a condition on parameter 1 and the filter leave, in that order.
    pub(crate) async fn listed(&self, from: &str, order: &str, key: &str, filter: &Filter, limit: u32) -> Result<Vec<Entry>> {
        let sql = format!("SELECT * FROM records WHERE {from}{} ORDER BY {order} LIMIT ?8", conditions(filter));
        let rows = sqlx::query(AssertSqlSafe(sql))
            .bind(key)
            .bind(&filter.unit)
            .bind(filter.state.map(State::as_str))
            .bind(&filter.dossier_code)
            .bind(filter.kind.as_deref().map(fold))
            .bind(filter.since.map(bound))
            .bind(filter.until.map(bound))
            .bind(limit)
            .fetch_all(&self.database.reader)
            .await?;
        self.with_fields(rows).await
    }

    /// What `of` makes of every record, with those of its fields, in no order. Two walks over the tables, a page at a time: a million take
    /// seconds, where asking for each one's entry takes most of a minute.
    pub async fn counted<T>(&self, names: &[&str], of: impl Fn(Counted) -> T) -> Result<Vec<T>> {
        const PAGE: i64 = 20_000;
        let marks = vec!["?"; names.len()].join(",");
        let mut all = Vec::new();
        let mut after = 0i64;
        loop {
            let rows = sqlx::query(
                "SELECT row, record, unit, dossier_code, state, signed, arrived_at FROM records WHERE row > ? ORDER BY row LIMIT ?",
            )
            .bind(after)
            .bind(PAGE)
            .fetch_all(&self.database.reader)
            .await?;
            let Some(last) = rows.last() else { return Ok(all) };
            let last: i64 = last.try_get(0)?;
            let sql = format!(
                "SELECT row, name, value FROM fields
                 WHERE row > ? AND row <= ? AND doubt IS NULL AND value IS NOT NULL AND +name IN ({marks}) ORDER BY row, place"
            );
            // Question marks alone were added to it. The plus sign keeps SQLite from the index of names, which would walk all rows for each page.
            let mut asked = sqlx::query_as(AssertSqlSafe(sql)).bind(after).bind(last);
            for name in names {
                asked = asked.bind(*name);
            }
            let fields: Vec<(i64, String, String)> = asked.fetch_all(&self.database.reader).await?;
            let mut fields = fields.into_iter().peekable();
            for row in &rows {
                let number: i64 = row.try_get(0)?;
                let mut own = Vec::new();
                while let Some((_, name, value)) = fields.next_if(|(row, ..)| *row == number) {
                    own.push((name, value));
                }
                all.push(of(Counted {
                    record: parse(row.try_get(1)?)?,
                    unit: row.try_get(2)?,
                    dossier_code: row.try_get::<Option<&str>, _>(3)?.map(parse).transpose()?,
                    state: parse_state(row.try_get(4)?)?,
                    signed: row.try_get(5)?,
                    arrived_at: row.try_get(6)?,
                    fields: own,
                }));
            }
            after = last;
        }
    }

    /// All records that arrived at that time (milliseconds since 1970 UTC) or later, of a unit or of all, oldest first.
    pub async fn arrived_since(&self, ms: i64, unit: Option<&str>) -> Result<Vec<Glance>> {
        let rows = sqlx::query(
            "SELECT record, state, source_sha256, arrived_at FROM records
             WHERE record >= ?1 AND (?2 IS NULL OR unit = ?2) ORDER BY record",
        )
        .bind(bound(ms))
        .bind(unit)
        .fetch_all(&self.database.reader)
        .await?;
        let glance = |row: &sqlx::sqlite::SqliteRow| {
            Ok(Glance {
                record: parse(row.try_get(0)?)?,
                state: parse_state(row.try_get(1)?)?,
                source: parse(row.try_get(2)?)?,
                arrived_at: row.try_get(3)?,
            })
        };
        rows.iter().map(glance).collect()
    }

    /// Records that wait for a person, with their latest revision, in the order of their identifiers: at most `limit` after `after`.
    pub async fn waiting(&self, after: Option<&RecordId>, limit: u32) -> Result<Vec<(RecordId, u32)>> {
        let rows: Vec<(String, u32)> =
            sqlx::query_as("SELECT record, revision FROM records WHERE state = ? AND record > ? ORDER BY record LIMIT ?")
                .bind(State::Review.as_str())
                .bind(after.map_or("", RecordId::as_str))
                .bind(limit)
                .fetch_all(&self.database.reader)
                .await?;
        rows.into_iter().map(|(record, revision)| Ok((parse(&record)?, revision))).collect()
    }

    /// How many records have that outcome, of a unit or of all.
    pub async fn count(&self, state: State, unit: Option<&str>) -> Result<u64> {
        let many: i64 = sqlx::query_scalar("SELECT count(*) FROM records WHERE state = ?1 AND (?2 IS NULL OR unit = ?2)")
            .bind(state.as_str())
            .bind(unit)
            .fetch_one(&self.database.reader)
            .await?;
        Ok(many.unsigned_abs())
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_time_bounds_the_identifiers_of_its_records() {
        let ms = 1_764_268_800_123;
        let id = |ms: i64, rest: [u8; 10]| uuid::Builder::from_unix_timestamp_millis(ms as u64, &rest).into_uuid().to_string();
        for rest in [[0; 10], [0xff; 10]] {
            assert!(id(ms, rest) > super::bound(ms));
            assert!(id(ms - 1, rest) < super::bound(ms));
            assert!(id(ms + 1, rest) > super::bound(ms));
        }
        assert_eq!(super::bound(-5), "00000000-0000");
    }
}
