//! Search: words to records, best first, each with the place in its text that answers.

use crate::entry::Entry;
use crate::error::Result;
use crate::index::{Filter, Index};
use crate::lists::bound;
use crate::query::Query;
use serde::{Deserialize, Serialize};
use sohoa_record::identifier::RecordId;
use sohoa_record::manifest::State;
use sohoa_record::text::fold;
use sqlx::Row as _;

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
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cursor {
    inexact: bool,
    rank: f64,
    record: RecordId,
}

impl Index {
    /// Records that hold all words of `text` (see [`crate::query`]), narrowed by `filter`: at most `limit` after `after`. A text
    /// in which nothing can be searched for finds nothing. No text is an error.
    ///
    /// Order: this spelling before other spellings, then BM25 with fields four times as heavy as pages, then arrival.
    pub async fn search(&self, text: &str, filter: &Filter, after: Option<&Cursor>, limit: u32) -> Result<Found> {
        let query = Query::parse(text);
        if query.is_empty() || limit == 0 {
            return Ok(Found { hits: Vec::new(), next: None });
        }
        let rows = sqlx::query(
            "WITH found AS MATERIALIZED (
               SELECT rowid AS row, bm25(words, 4.0, 4.0, 1.0, 1.0, 1.0) AS rank,
                 ?2 IS NOT NULL AND rowid NOT IN (SELECT rowid FROM words WHERE words MATCH coalesce(?2, '\"\"')) AS inexact
               FROM words WHERE words MATCH ?1)
             SELECT records.*, found.rank AS rank, found.inexact AS inexact
             FROM found JOIN records ON records.row = found.row
             WHERE (?3 IS NULL OR unit = ?3) AND (?4 IS NULL OR state = ?4)
               AND (?5 IS NULL OR instr(dossier_code, ?5) > 0) AND (?6 IS NULL OR type_folded = ?6)
               AND (?7 IS NULL OR (inexact, rank, record) > (?7, ?8, ?9))
               AND (?10 IS NULL OR record >= ?10) AND (?11 IS NULL OR record < ?11)
             ORDER BY inexact, rank, record LIMIT ?12",
        )
        .bind(query.any_spelling())
        .bind(query.this_spelling())
        .bind(&filter.unit)
        .bind(filter.state.map(State::as_str))
        .bind(&filter.dossier_code)
        .bind(filter.kind.as_deref().map(fold))
        .bind(after.map(|cursor| cursor.inexact))
        .bind(after.map(|cursor| cursor.rank))
        .bind(after.map(|cursor| cursor.record.as_str()))
        .bind(filter.since.map(bound))
        .bind(filter.until.map(bound))
        .bind(i64::from(limit) + 1)
        .fetch_all(&self.database.reader)
        .await?;

        let more = rows.len() > limit as usize;
        let mut hits = Vec::new();
        let mut next = None;
        for row in rows.into_iter().take(limit as usize) {
            let (rank, inexact): (f64, bool) = (row.try_get("rank")?, row.try_get("inexact")?);
            let number: i64 = row.try_get("row")?;
            let body: Option<String> = sqlx::query_scalar("SELECT body FROM texts WHERE row = ?")
                .bind(number)
                .fetch_optional(&self.database.reader)
                .await?;
            let snippet = snippet(&body.unwrap_or_default(), &query);
            let Some(entry) = self.with_fields(vec![row]).await?.pop() else { continue };
            next = Some(Cursor { inexact, rank, record: entry.record.clone() });
            hits.push(Hit { entry, exact: !inexact, snippet });
        }
        Ok(Found { hits, next: next.filter(|_| more) })
    }
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
