//! The SQLite file that index and queue share: how it is opened, and that one writer is enough.
//!
//! One connection writes, in short transactions, so writers of one process never wait in SQLite; several processes wait for each
//! other by `busy_timeout`. Readers have their own connections and, thanks to the write-ahead log, never wait.
//! `synchronous = FULL`: everything here can be rebuilt, but a job that was forgotten in a power cut would lie unnoticed until
//! somebody does so. The price is one sync a transaction, against seconds of recognition a document.

use crate::error::{Error, Result};
use crate::log::leaves;
use crate::{index, words};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, Sqlite, SqliteConnection, Transaction};
use std::path::Path;
use std::time::Duration;

/// Raised with every change of `index.sql`.
const SCHEMA: i64 = 7;
const SCHEMA_SQL: &str = include_str!("index.sql");
/// What makes a file of version n one of version n + 1; its full text is written anew then, of what else it has. Older files are made anew:
/// the store has it all.
const STEPS: &[(i64, &str)] = &[
    (
        3,
        "CREATE INDEX jobs_age ON jobs (state, enqueued_at, record);
         CREATE TABLE pushes (
           station TEXT NOT NULL, key TEXT NOT NULL, sha256 TEXT NOT NULL, at INTEGER NOT NULL, PRIMARY KEY (station, key)
         ) STRICT, WITHOUT ROWID;
         CREATE TABLE arriving (source_sha256 TEXT PRIMARY KEY, priority INTEGER NOT NULL, at INTEGER NOT NULL) STRICT, WITHOUT ROWID;",
    ),
    (
        4,
        "CREATE TABLE destroyed (record TEXT PRIMARY KEY, revision INTEGER NOT NULL, at TEXT NOT NULL) STRICT, WITHOUT ROWID;",
    ),
    // The full text alone.
    (5, ""),
    (6, "ALTER TABLE records ADD COLUMN result_code TEXT;"),
];
/// How long a writer waits for the writer of another process.
const BUSY: Duration = Duration::from_secs(30);
const READERS: u32 = 4;

#[derive(Clone, Debug)]
pub(crate) struct Database {
    writer: SqlitePool,
    pub(crate) reader: SqlitePool,
}

impl Database {
    /// Opens the file, or makes it.
    pub(crate) async fn open(file: &Path) -> Result<Self> {
        let options = SqliteConnectOptions::new()
            .filename(file)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(BUSY);
        let writer = SqlitePoolOptions::new().max_connections(1).connect_with(options.clone()).await?;
        let database = Self {
            writer,
            reader: SqlitePoolOptions::new().max_connections(READERS).connect_lazy_with(options.pragma("query_only", "on")),
        };
        database.make_schema().await?;
        Ok(database)
    }

    /// A transaction that holds the write lock from its start, so it cannot fail half-way because somebody else wrote.
    pub(crate) async fn write(&self) -> Result<Transaction<'static, Sqlite>> {
        match self.writer.begin_with("BEGIN IMMEDIATE").await {
            // A commit that failed, on a full disk for one, leaves the connection in a transaction for ever: another one is opened.
            Err(sqlx::Error::InvalidSavePointStatement) => {
                self.writer.acquire().await?.close().await?;
                Ok(self.writer.begin_with("BEGIN IMMEDIATE").await?)
            }
            begun => Ok(begun?),
        }
    }

    async fn make_schema(&self) -> Result<()> {
        // Looked at without the write lock first: opening an archive to search in it waits for nobody.
        if version(&mut *self.writer.acquire().await?).await? == SCHEMA {
            return Ok(());
        }
        let mut tx = self.write().await?;
        let mut found = version(&mut tx).await?;
        if found == 0 {
            sqlx::raw_sql(SCHEMA_SQL).execute(&mut *tx).await?;
            found = SCHEMA;
        }
        let is_old = found < SCHEMA;
        while let Some((_, step)) = STEPS.iter().find(|(from, _)| *from == found) {
            sqlx::raw_sql(*step).execute(&mut *tx).await?;
            found += 1;
        }
        if found != SCHEMA {
            return Err(Error::Schema { found, expected: SCHEMA });
        }
        if is_old {
            index::number_anew(&mut tx).await?;
            words::write_anew(&mut tx).await?;
        }
        sqlx::raw_sql(AssertSqlSafe(format!("PRAGMA user_version = {SCHEMA}"))).execute(&mut *tx).await?;
        Ok(tx.commit().await?)
    }

    /// A connection of its own, for temporary tables beside the index: they lie on disk and are gone with it.
    pub(crate) async fn scratch(&self) -> Result<SqliteConnection> {
        Ok(self.writer.connect_options().as_ref().clone().connect().await?)
    }

    /// Takes away all that the store can give back, in one transaction: a reader sees the old index or the empty one. Tables are
    /// dropped, not emptied, since what is wrong with them may be why.
    pub(crate) async fn clear(&self) -> Result<()> {
        let mut tx = self.write().await?;
        sqlx::raw_sql(
            "DROP TABLE fields; DROP TABLE texts; DROP TABLE IF EXISTS heads; DROP TABLE words; DROP TABLE look_pieces; DROP TABLE records; DROP TABLE jobs;
             DROP TABLE register;
             DROP TABLE pushes; DROP TABLE arriving; DROP TABLE IF EXISTS destroyed;
             DROP TABLE IF EXISTS log_leaves;",
        )
        .execute(&mut *tx)
        .await?;
        sqlx::raw_sql(SCHEMA_SQL).execute(&mut *tx).await?;
        // A service that runs beside a rebuild has its log open.
        sqlx::raw_sql(leaves::TABLE).execute(&mut *tx).await?;
        tx.commit().await?;
        Ok(())
    }

    /// What SQLite finds wrong with the file; nothing when it is sound.
    pub(crate) async fn check(&self) -> Result<Vec<String>> {
        // On a connection that knows nothing yet: FTS5 looks for the segments that it remembers, and another connection may have merged them.
        let mut fresh = self.scratch().await?;
        let found: Vec<String> = sqlx::query_scalar("PRAGMA quick_check").fetch_all(&mut fresh).await?;
        fresh.close().await?;
        Ok(found.into_iter().filter(|line| line != "ok").collect())
    }

    /// Does `erase` in one transaction and leaves no byte of what it deletes in the file, nor of what was deleted before: the full text's segments
    /// are written anew without it, then the whole file is, and the write-ahead log is emptied.
    pub(crate) async fn erase(&self, erase: impl AsyncFnOnce(&mut SqliteConnection) -> Result<()>) -> Result<()> {
        let mut tx = self.write().await?;
        erase(&mut tx).await?;
        sqlx::raw_sql("INSERT INTO heads (heads) VALUES ('optimize'); INSERT INTO words (words) VALUES ('optimize')")
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        sqlx::raw_sql("VACUUM").execute(&self.writer).await?;
        sqlx::raw_sql("PRAGMA wal_checkpoint(TRUNCATE)").execute(&self.writer).await?;
        Ok(())
    }

    /// Folds the write-ahead log into the file and closes it.
    pub(crate) async fn close(&self) {
        self.reader.close().await;
        self.writer.close().await;
    }
}

/// The version of a file's schema, 0 for a new file.
async fn version(connection: &mut SqliteConnection) -> Result<i64> {
    Ok(sqlx::query_scalar("PRAGMA user_version").fetch_one(connection).await?)
}

/// Takes away a database file with its companions, whatever is in them.
pub(crate) fn remove(file: &Path) -> std::io::Result<()> {
    for suffix in ["", "-wal", "-shm"] {
        let mut name = file.as_os_str().to_owned();
        name.push(suffix);
        match std::fs::remove_file(&name) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => return Err(e),
            _ => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn after_a_full_disk_there_is_a_writer_again() {
        let dir = tempfile::tempdir().unwrap();
        let database = Database::open(&dir.path().join("index.sqlite")).await.unwrap();
        for in_commit in [false, true] {
            let mut tx = database.write().await.unwrap();
            // No page more than there are: what SQLite says of it is what it says of a full disk.
            let pages: i64 = sqlx::query_scalar("PRAGMA page_count").fetch_one(&mut *tx).await.unwrap();
            sqlx::raw_sql(AssertSqlSafe(format!("PRAGMA max_page_count = {pages}"))).execute(&mut *tx).await.unwrap();
            let fill = "INSERT INTO pushes SELECT 'a', hex(randomblob(400)), hex(randomblob(400)), 1 FROM records_filler";
            let filler = "CREATE TEMP TABLE IF NOT EXISTS records_filler AS WITH RECURSIVE n(x) AS (VALUES(1) UNION ALL SELECT x + 1 FROM n WHERE x < 5000) SELECT x FROM n";
            sqlx::raw_sql(filler).execute(&mut *tx).await.unwrap();
            let filled = sqlx::raw_sql(fill).execute(&mut *tx).await;
            assert!(filled.unwrap_err().to_string().contains("full"));
            if in_commit {
                let _ = tx.commit().await;
            } else {
                drop(tx);
            }
            let mut tx = database.write().await.unwrap();
            sqlx::raw_sql("INSERT INTO pushes VALUES ('b', hex(randomblob(8)), 'c', 1)").execute(&mut *tx).await.unwrap();
            tx.commit().await.unwrap();
        }
    }

    #[tokio::test]
    async fn an_index_of_the_version_before_is_brought_up_to_date() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("index.sqlite");
        let database = Database::open(&file).await.unwrap();
        let mut tx = database.write().await.unwrap();
        sqlx::raw_sql(
            "ALTER TABLE records DROP COLUMN result_code; DROP TABLE pushes; DROP TABLE arriving; DROP INDEX jobs_age; DROP TABLE destroyed; DROP TABLE heads; DROP TABLE words;
             CREATE VIRTUAL TABLE words USING fts5 (head, head_exact, body, body_exact, codes, content = '', contentless_delete = 1);
             PRAGMA user_version = 3",
        )
        .execute(&mut *tx)
        .await
        .unwrap();
        // A record without fields, as version 3 had it: its words are made from what the tables have.
        let digest = "a".repeat(64);
        sqlx::raw_sql(AssertSqlSafe(format!(
            "INSERT INTO records VALUES (7, '0192f0c1-0000-7000-8000-000000000000', 1, '{digest}', 'sealed', '', NULL, 'in', NULL, 'H48.15', NULL,
               'one.pdf', '{digest}', 1, 'image/png', NULL, 3, 1, 0, 0, 0, 0, 1, '', '', '{digest}', '');
             INSERT INTO texts VALUES (7, 'Giấy phép'); INSERT INTO look_pieces VALUES (5, 7)"
        )))
        .execute(&mut *tx)
        .await
        .unwrap();
        tx.commit().await.unwrap();
        database.close().await;
        let database = Database::open(&file).await.unwrap();
        let schema = "SELECT group_concat(sql, ';') FROM (SELECT sql FROM sqlite_schema WHERE name IN ('pushes', 'arriving', 'jobs_age', 'destroyed', 'heads', 'words') ORDER BY name)";
        let of_old: String = sqlx::query_scalar(schema).fetch_one(&database.reader).await.unwrap();
        let fresh = Database::open(&dir.path().join("fresh.sqlite")).await.unwrap();
        let of_new: String = sqlx::query_scalar(schema).fetch_one(&fresh.reader).await.unwrap();
        let plain = |sql: &str| -> String {
            let lines = sql.lines().map(|line| line.split("--").next().unwrap_or_default());
            lines.flat_map(str::split_whitespace).collect::<Vec<_>>().join("")
        };
        assert_eq!(plain(&of_old), plain(&of_new));
        assert_eq!(version(&mut database.writer.acquire().await.unwrap()).await.unwrap(), SCHEMA);
        let index = crate::Index { database };
        // Its row has its time now: a span of days finds it.
        let (since, until) = (Some(0x0192_f0c1_0000), Some(0x0192_f0c1_0001));
        let of_unit = crate::Filter { unit: Some("H48.15".into()), since, until, ..Default::default() };
        for typed in ["giay phep", "one.pdf"] {
            assert_eq!(index.search(typed, &of_unit, None, 9).await.unwrap().hits.len(), 1, "{typed}");
        }
        let pieces: i64 = sqlx::query_scalar("SELECT count(*) FROM look_pieces JOIN records USING (row) JOIN texts USING (row)")
            .fetch_one(&index.database.reader)
            .await
            .unwrap();
        assert_eq!(pieces, 1, "what refers to a row went with it");
    }
}
