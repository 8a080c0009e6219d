//! Search: words to records, best first, each with the place in its text that answers.

use crate::entry::Entry;
use crate::error::Result;
use crate::index::{self, Filter, Index};
use crate::lists::bound;
use crate::query::{Expression, Query};
use crate::words::{self, TABLES};
use serde::{Deserialize, Serialize};
use sohoa_record::identifier::RecordId;
use sohoa_record::manifest::State;
use sohoa_record::text::fold;
use sqlx::sqlite::SqliteRow;
use sqlx::{AssertSqlSafe, Row as _};

/// Words of a text that are shown around a hit.
const SNIPPET_WORDS: usize = 24;

/// One page of what was found.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Found {
    /// Best first.
    pub hits: Vec<Hit>,
    /// Where the next page begins; nothing when this is the last.
    pub next: Option<Cursor>,
}

/// A record that was found.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Hit {
    /// The record.
    pub entry: Entry,
    /// True when it has the words with just the marks that were typed; always true when none were typed.
    pub exact: bool,
    /// The part of the pages' text that answers best, or its beginning when only the fields answer.
    pub snippet: Vec<Piece>,
}

/// A piece of a snippet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Piece {
    /// As it stands on the page, white space made one space.
    pub text: String,
    /// True for words that were searched for.
    pub hit: bool,
}

/// The place after a hit in the order of hits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor {
    step: usize,
    row: i64,
}

/// An expression put to a table. Steps are taken in order, until a page is full.
struct Step {
    table: &'static str,
    expression: Expression,
}

impl Index {
    /// Records that hold all words of `text` (see [`crate::query`]), narrowed by `filter`: at most `limit` after `after`. A text
    /// in which nothing can be searched for finds nothing. No text is an error. A record's identifier finds that record.
    ///
    /// Order: whole words before beginnings, this spelling before other spellings, in the fields before on the pages, then the newest.
    pub async fn search(&self, text: &str, filter: &Filter, after: Option<&Cursor>, limit: u32) -> Result<Found> {
        let query = Query::parse(text);
        if query.is_empty() || limit == 0 {
            return Ok(Found { hits: Vec::new(), next: None });
        }
        if let Ok(record) = text.trim().parse::<RecordId>() {
            let mut hits = Vec::new();
            for entry in self.listed("record = ?1", "record", record.as_str(), filter, 1).await? {
                let row = sqlx::query_scalar("SELECT row FROM records WHERE record = ?").bind(record.as_str());
                let snippet = self.snippet(row.fetch_one(&self.database.reader).await?, &query).await?;
                hits.push(Hit { entry, exact: true, snippet });
            }
            return Ok(Found { hits, next: None });
        }
        let wanted = limit as usize + 1;
        let (first, mut below) = after.map_or((0, i64::MAX), |cursor| (cursor.step, cursor.row));
        let steps = steps(&query, filter);
        let mut found = Vec::new();
        for number in first..steps.len() {
            for row in self.step(&steps, number, filter, below, wanted - found.len()).await? {
                found.push((number, row));
            }
            if found.len() == wanted {
                break;
            }
            below = i64::MAX;
        }

        let more = found.len() == wanted;
        let mut hits = Vec::new();
        let mut next = None;
        for (step, row) in found.into_iter().take(limit as usize) {
            let number: i64 = row.try_get("row")?;
            let snippet = self.snippet(number, &query).await?;
            let Some(entry) = self.with_fields(vec![row]).await?.pop() else { continue };
            next = Some(Cursor { step, row: number });
            hits.push(Hit { entry, exact: steps[step].expression.is_exact, snippet });
        }
        Ok(Found { hits, next: next.filter(|_| more) })
    }

    /// The newest `limit` rows before row `below` that a step finds and none before it did. The full text is read from its end, and no further
    /// than needed: a word that all records have costs no more than one that few have.
    async fn step(&self, steps: &[Step], number: usize, filter: &Filter, below: i64, limit: usize) -> Result<Vec<SqliteRow>> {
        let Step { table, expression } = &steps[number];
        let found_before: String = (0..number)
            .map(|earlier| {
                let table = steps[earlier].table;
                format!(" AND NOT EXISTS (SELECT 1 FROM {table} WHERE {table} MATCH ?{} AND rowid = records.row)", earlier + 10)
            })
            .collect();
        // Rows begin with the time of arrival: the full text is read neither before a span nor after it.
        let since = filter.since.map(|ms| format!(" AND {table}.rowid >= {}", index::first_row(ms)));
        let until = filter.until.map(|ms| format!(" AND {table}.rowid < {}", index::first_row(ms) + index::ROWS_OF_A_MS));
        let span = [since, until].into_iter().flatten().collect::<String>();
        // Names of tables and numbers of parameters: nothing in it comes from outside. CROSS JOIN keeps SQLite to this order.
        let sql = format!(
            "SELECT records.* FROM {table} CROSS JOIN records ON records.row = {table}.rowid
             WHERE {table} MATCH ?1 AND {table}.rowid < ?2{span}
               AND (?3 IS NULL OR unit = ?3) AND (?4 IS NULL OR state = ?4)
               AND (?5 IS NULL OR instr(dossier_code, ?5) > 0) AND (?6 IS NULL OR type_folded = ?6)
               AND (?7 IS NULL OR record >= ?7) AND (?8 IS NULL OR record < ?8){found_before}
             ORDER BY {table}.rowid DESC LIMIT ?9"
        );
        let mut asked = sqlx::query(AssertSqlSafe(sql))
            .bind(&expression.text)
            .bind(below)
            .bind(&filter.unit)
            .bind(filter.state.map(State::as_str))
            .bind(&filter.dossier_code)
            .bind(filter.kind.as_deref().map(fold))
            .bind(filter.since.map(bound))
            .bind(filter.until.map(bound))
            .bind(limit as i64);
        for earlier in &steps[..number] {
            asked = asked.bind(&earlier.expression.text);
        }
        Ok(asked.fetch_all(&self.database.reader).await?)
    }

    async fn snippet(&self, row: i64, query: &Query) -> Result<Vec<Piece>> {
        let body: Option<String> =
            sqlx::query_scalar("SELECT body FROM texts WHERE row = ?").bind(row).fetch_optional(&self.database.reader).await?;
        Ok(snippet(&body.unwrap_or_default(), query))
    }
}

/// Every expression of a query, narrowed, put to the fields and then to all words.
fn steps(query: &Query, filter: &Filter) -> Vec<Step> {
    let narrowing = words::narrowing(filter);
    let narrowed = |asked: Expression| Expression { text: format!("{narrowing}{}", asked.text), ..asked };
    let expressions = query.expressions().into_iter().map(narrowed);
    expressions.flat_map(|expression| TABLES.map(|table| Step { table, expression: expression.clone() })).collect()
}

/// The stretch of words with the most hits, the first of equals, beginning a few words before its first hit.
fn snippet(body: &str, query: &Query) -> Vec<Piece> {
    let words: Vec<(&str, bool)> = body.split_whitespace().map(|word| (word, query.matches(&fold(word)))).collect();
    let count = |from: usize| words[from..words.len().min(from + SNIPPET_WORDS)].iter().filter(|(_, hit)| *hit).count();
    let (mut hits, mut best, mut from) = (count(0), count(0), 0);
    for start in 1..words.len().saturating_sub(SNIPPET_WORDS - 1) {
        hits = hits - usize::from(words[start - 1].1) + usize::from(words[start + SNIPPET_WORDS - 1].1);
        if hits > best {
            (best, from) = (hits, start);
        }
    }
    // The first stretch with that many hits ends on one; show it in the middle of its surroundings.
    let first = words[from..].iter().position(|(_, hit)| *hit).unwrap_or(0);
    let from = if best == 0 { 0 } else { (from + first).saturating_sub(SNIPPET_WORDS / 4) };
    let mut pieces: Vec<Piece> = Vec::new();
    for (word, hit) in words.into_iter().skip(from).take(SNIPPET_WORDS) {
        match pieces.last_mut() {
            Some(piece) if piece.hit == hit => {
                piece.text.push(' ');
                piece.text.push_str(word);
            }
            _ => pieces.push(Piece { text: word.to_owned(), hit }),
        }
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(body: &str, query: &str) -> String {
        let pieces = snippet(body, &Query::parse(query));
        pieces.iter().map(|p| if p.hit { format!("[{}]", p.text) } else { p.text.clone() }).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn the_words_are_shown_with_their_marks_where_they_stand() {
        assert_eq!(shown("Ủy ban nhân dân\nban hành Quyết định này", "quyet dinh"), "Ủy ban nhân dân ban hành [Quyết định] này");
        assert_eq!(shown("Số: 51/QĐ-UBND ngày", "51/qd-ubnd"), "Số: [51/QĐ-UBND] ngày");
        assert_eq!(shown("một hai ba", "bốn"), "một hai ba");
        assert_eq!(shown("", "bốn"), "");
    }

    #[test]
    fn a_hit_far_in_a_long_text_is_shown_with_words_before_it() {
        let mut words = vec!["xa"; 500];
        words[300] = "định";
        let shown = shown(&words.join(" "), "định");
        assert!(shown.starts_with("xa xa") && shown.contains("[định]"), "{shown}");
        assert_eq!(shown.split(' ').count(), SNIPPET_WORDS);
    }
}
