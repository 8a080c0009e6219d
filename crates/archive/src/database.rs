//! The SQLite file that index and queue share: how it is opened, and that one writer is enough.
//!
//! One connection writes, in short transactions, so writers of one process never wait in SQLite; several processes wait for each
//! other by `busy_timeout`. Readers have their own connections and, thanks to the write-ahead log, never wait.
//! `synchronous = FULL`: everything here can be rebuilt, but a job that was forgotten in a power cut would lie unnoticed until
//! somebody does so. The price is one sync a transaction, against seconds of recognition a document.

use crate::error::{self, Error, Result};
use crate::{index, words};
use ::log::LevelFilter;
use sqlx::error::DatabaseError;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, Sqlite, SqliteConnection, Transaction};
use std::path::Path;
use std::time::{Duration, Instant};

/// Raised with every change of `index.sql`.
const SCHEMA: i64 = 8;
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
    // The log's leaves were a table of who had a log open.
    (
        7,
        "CREATE TABLE IF NOT EXISTS log_leaves (idx INTEGER PRIMARY KEY, hash BLOB NOT NULL, record TEXT, revision INTEGER);
         CREATE INDEX IF NOT EXISTS log_leaves_hash ON log_leaves (hash);
         CREATE INDEX IF NOT EXISTS log_leaves_record ON log_leaves (record, revision) WHERE record IS NOT NULL;
         CREATE TABLE unlogged (record TEXT NOT NULL, revision INTEGER NOT NULL, PRIMARY KEY (record, revision)) STRICT, WITHOUT ROWID;
         WITH RECURSIVE revisions (record, revision, latest) AS (
           SELECT record, 1, revision FROM records UNION ALL SELECT record, revision + 1, latest FROM revisions WHERE revision < latest
         )
         INSERT INTO unlogged SELECT record, revision FROM revisions r
         WHERE NOT EXISTS (SELECT 1 FROM log_leaves l WHERE l.record = r.record AND l.revision = r.revision);",
    ),
];
/// Statements that take longer are told in the service's log. What goes over every record of a million takes some seconds, and is no fault.
const SLOW: Duration = Duration::from_secs(10);
/// How long a writer waits for the writer of another process.
const BUSY: Duration = Duration::from_secs(30);
/// When one that SQLite did not let wait tries again.
const AGAIN: Duration = Duration::from_millis(10);
const READERS: u32 = 4;

#[derive(Clone, Debug)]
pub(crate) struct Database {
    writer: SqlitePool,
    pub(crate) reader: SqlitePool,
}

/// The one connection that writes. Of several programs that open a new file at once only one sets its journal mode; SQLite tells the others
/// that it is locked without waiting for `busy_timeout`.
async fn connect(options: &SqliteConnectOptions) -> Result<SqlitePool> {
    let begun = Instant::now();
    loop {
        match SqlitePoolOptions::new().max_connections(1).connect_with(options.clone()).await {
            Err(sqlx::Error::Database(error)) if is_busy(&*error) && begun.elapsed() < BUSY => tokio::time::sleep(AGAIN).await,
            connected => return Ok(connected?),
        }
    }
}

/// `SQLITE_BUSY` and its extended codes, whose low byte it is (sqlite.org/rescode.html).
fn is_busy(error: &dyn DatabaseError) -> bool {
    error.code().and_then(|code| code.parse::<i32>().ok()).is_some_and(|code| code & 0xff == 5)
}

impl Database {
    /// Opens the file, or makes it.
    pub(crate) async fn open(file: &Path) -> Result<Self> {
        Self::open_with(file, free_bytes).await
    }

    /// The same with how much is free in a folder, in bytes; none where the system does not tell.
    async fn open_with(file: &Path, free: fn(&Path) -> Option<u64>) -> Result<Self> {
        let options = SqliteConnectOptions::new()
            .filename(file)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(BUSY)
            .log_slow_statements(LevelFilter::Warn, SLOW);
        let writer = connect(&options).await?;
        let database = Self {
            writer,
            reader: SqlitePoolOptions::new().max_connections(READERS).connect_lazy_with(options.pragma("query_only", "on")),
        };
        let made = database.make_schema(file, free).await;
        if made.is_err() {
            // Who is told may take the file away.
            database.close().await;
        }
        made.map(|()| database)
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

    async fn make_schema(&self, file: &Path, free: fn(&Path) -> Option<u64>) -> Result<()> {
        // Looked at without the write lock first: opening an archive to search in it waits for nobody.
        match version(&mut *self.writer.acquire().await?).await? {
            SCHEMA => return Ok(()),
            found if found > SCHEMA => return Err(Error::NewerSchema { found, expected: SCHEMA }),
            _ => {}
        }
        let mut tx = self.write().await?;
        match version(&mut tx).await? {
            // Somebody else made it meanwhile.
            SCHEMA => return Ok(()),
            0 => _ = sqlx::raw_sql(SCHEMA_SQL).execute(&mut *tx).await?,
            found if STEPS.iter().all(|(from, _)| *from != found) => return Err(Error::Schema { found, expected: SCHEMA }),
            found => {
                check_before(&mut tx, file, free).await?;
                for (_, step) in STEPS.iter().filter(|(from, _)| *from >= found) {
                    sqlx::raw_sql(*step).execute(&mut *tx).await?;
                }
                index::number_anew(&mut tx).await?;
                words::write_anew(&mut tx).await?;
            }
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
             DROP TABLE log_leaves; DROP TABLE unlogged;",
        )
        .execute(&mut *tx)
        .await?;
        sqlx::raw_sql(SCHEMA_SQL).execute(&mut *tx).await?;
        Ok(tx.commit().await?)
    }

    /// What SQLite finds wrong with the file; nothing when it is sound.
    pub(crate) async fn check(&self) -> Result<Vec<String>> {
        // On a connection that knows nothing yet: FTS5 looks for the segments that it remembers, and another connection may have merged them.
        let mut fresh = self.scratch().await?;
        let found = faults(&mut fresh).await?;
        fresh.close().await?;
        Ok(found)
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

/// What SQLite finds wrong with the file; nothing when it is sound.
async fn faults(connection: &mut SqliteConnection) -> Result<Vec<String>> {
    let found: Vec<String> = sqlx::query_scalar("PRAGMA quick_check").fetch_all(connection).await?;
    Ok(found.into_iter().filter(|line| line != "ok").collect())
}

/// Refuses to bring a file to this version's form that is damaged, which would be carried over or found half-way, or on a disk that would run
/// full: all that is written anew stands in the write-ahead log before the file gets it.
async fn check_before(tx: &mut SqliteConnection, file: &Path, free: fn(&Path) -> Option<u64>) -> Result<()> {
    let why = match faults(tx).await {
        Ok(faults) => faults.into_iter().next(),
        Err(Error::Database(error)) if error::is_corrupt(&error) => Some(error.to_string()),
        Err(error) => return Err(error),
    };
    if let Some(why) = why {
        return Err(Error::DamagedIndex { why });
    }
    let pages: i64 = sqlx::query_scalar("PRAGMA page_count").fetch_one(&mut *tx).await?;
    let page: i64 = sqlx::query_scalar("PRAGMA page_size").fetch_one(&mut *tx).await?;
    let needed = pages.saturating_mul(page) as u64;
    match free(file) {
        Some(free) if free < needed => Err(Error::NoRoom { needed_mb: needed.div_ceil(1 << 20), free_mb: free >> 20 }),
        _ => Ok(()),
    }
}

/// What is free for us on the disk of that file, in bytes.
fn free_bytes(file: &Path) -> Option<u64> {
    let disk = rustix::fs::statvfs(file).ok()?;
    Some(disk.f_bavail.saturating_mul(disk.f_frsize))
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

    #[tokio::test(flavor = "multi_thread", worker_threads = 8)]
    async fn a_new_file_may_be_opened_by_many_at_once() {
        for _ in 0..20 {
            let dir = tempfile::tempdir().unwrap();
            let file = dir.path().join("index.sqlite");
            let opening: Vec<_> =
                (0..8).map(|_| file.clone()).map(|file| tokio::spawn(async move { Database::open(&file).await })).collect();
            for opened in futures::future::join_all(opening).await {
                opened.unwrap().unwrap();
            }
        }
    }

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

    /// A file as that version left it, with one record that has no fields and no leaf. Made of the oldest form that is kept, by the steps themselves.
    async fn of_version(from: i64, file: &Path) {
        let database = Database::open(file).await.unwrap();
        let mut tx = database.write().await.unwrap();
        sqlx::raw_sql(
            "ALTER TABLE records DROP COLUMN result_code; DROP TABLE pushes; DROP TABLE arriving; DROP INDEX jobs_age; DROP TABLE destroyed;
             DROP TABLE unlogged; DROP TABLE heads; DROP TABLE words;
             CREATE VIRTUAL TABLE words USING fts5 (head, head_exact, body, body_exact, codes, content = '', contentless_delete = 1);",
        )
        .execute(&mut *tx)
        .await
        .unwrap();
        let digest = "a".repeat(64);
        sqlx::raw_sql(AssertSqlSafe(format!(
            "INSERT INTO records VALUES (7, '{RECORD}', 2, '{digest}', 'sealed', '', NULL, 'in', NULL, 'H48.15', NULL,
               'one.pdf', '{digest}', 1, 'image/png', NULL, 3, 1, 0, 0, 0, 0, 1, '', '', '{digest}', '');
             INSERT INTO texts VALUES (7, 'Giấy phép'); INSERT INTO look_pieces VALUES (5, 7);
             INSERT INTO log_leaves VALUES (0, x'00', '{RECORD}', 1);"
        )))
        .execute(&mut *tx)
        .await
        .unwrap();
        for (_, step) in STEPS.iter().filter(|(step, _)| *step < from) {
            sqlx::raw_sql(*step).execute(&mut *tx).await.unwrap();
        }
        if from > 5 {
            words::make_empty(&mut tx).await.unwrap();
        }
        sqlx::raw_sql(AssertSqlSafe(format!("PRAGMA user_version = {from}"))).execute(&mut *tx).await.unwrap();
        tx.commit().await.unwrap();
        database.close().await;
    }

    const RECORD: &str = "0192f0c1-0000-7000-8000-000000000000";

    #[tokio::test]
    async fn an_index_of_each_version_before_is_brought_up_to_date() {
        assert_eq!(STEPS.iter().map(|(from, _)| *from).collect::<Vec<_>>(), (3..SCHEMA).collect::<Vec<_>>());
        let dir = tempfile::tempdir().unwrap();
        let fresh = Database::open(&dir.path().join("fresh.sqlite")).await.unwrap();
        for from in 3..SCHEMA {
            let file = dir.path().join(format!("{from}.sqlite"));
            of_version(from, &file).await;
            let database = Database::open(&file).await.unwrap();
            let schema = "SELECT group_concat(sql, ';') FROM (SELECT sql FROM sqlite_schema WHERE name IN ('pushes', 'arriving', 'jobs_age', 'destroyed', 'heads', 'words',
              'log_leaves', 'log_leaves_hash', 'log_leaves_record', 'unlogged') ORDER BY name)";
            let of_old: String = sqlx::query_scalar(schema).fetch_one(&database.reader).await.unwrap();
            let of_new: String = sqlx::query_scalar(schema).fetch_one(&fresh.reader).await.unwrap();
            let plain = |sql: &str| -> String {
                let lines = sql.lines().map(|line| line.split("--").next().unwrap_or_default());
                lines.flat_map(str::split_whitespace).collect::<Vec<_>>().join("")
            };
            assert_eq!(plain(&of_old), plain(&of_new), "{from}");
            assert_eq!(version(&mut database.writer.acquire().await.unwrap()).await.unwrap(), SCHEMA);
            let unlogged: Vec<(String, u32)> =
                sqlx::query_as("SELECT record, revision FROM unlogged").fetch_all(&database.reader).await.unwrap();
            assert_eq!(unlogged, [(RECORD.to_owned(), 2)]);
            let index = crate::Index { database };
            // Its row has its time now: a span of days finds it.
            let (since, until) = (Some(0x0192_f0c1_0000), Some(0x0192_f0c1_0001));
            let of_unit = crate::Filter { unit: Some("H48.15".into()), since, until, ..Default::default() };
            for typed in ["giay phep", "one.pdf"] {
                assert_eq!(index.search(typed, &of_unit, None, 9).await.unwrap().hits.len(), 1, "{from}: {typed}");
            }
            let pieces: i64 =
                sqlx::query_scalar("SELECT count(*) FROM look_pieces JOIN records USING (row) JOIN texts USING (row)")
                    .fetch_one(&index.database.reader)
                    .await
                    .unwrap();
            assert_eq!(pieces, 1, "what refers to a row went with it");
        }
    }

    #[tokio::test]
    async fn what_is_damaged_newer_older_or_has_no_room_is_refused_and_left_as_it_is() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("index.sqlite");
        of_version(SCHEMA - 1, &file).await;
        let good = std::fs::read(&file).unwrap();
        let refused = async |free: fn(&Path) -> Option<u64>, told: &str| {
            let before = std::fs::read(&file).unwrap();
            let error = Database::open_with(&file, free).await.unwrap_err();
            assert!(error.to_string().contains(told) && error.remedy() == crate::Remedy::Halt, "{error}");
            assert!(std::fs::read(&file).unwrap() == before, "{error}: it was written to");
            error
        };
        let plenty: fn(&Path) -> Option<u64> = |_| Some(u64::MAX);
        let error = refused(|_| Some(1000), "free space, then start again").await;
        assert!(matches!(error, Error::NoRoom { needed_mb: 1, free_mb: 0 }));

        // The root of a table, which quick_check walks from.
        let connection = sqlx::SqlitePool::connect(&format!("sqlite://{}", file.display())).await.unwrap();
        let roots: Vec<i64> =
            sqlx::query_scalar("SELECT rootpage FROM sqlite_schema WHERE name IN ('records', 'texts', 'words_data')")
                .fetch_all(&connection)
                .await
                .unwrap();
        let size: i64 = sqlx::query_scalar("PRAGMA page_size").fetch_one(&connection).await.unwrap();
        connection.close().await;
        assert_eq!(roots.len(), 3);
        for root in roots {
            let mut bad = good.clone();
            bad[((root - 1) * size) as usize..][..size as usize].fill(0xa5);
            std::fs::write(&file, bad).unwrap();
            let error = refused(plenty, "run `sohoa fsck --rebuild`").await;
            assert!(matches!(error, Error::DamagedIndex { .. }), "{error}");
        }
        // SQLite's header has the version at byte 60 (sqlite.org/fileformat2.html, section 1.3).
        for (version, told) in [(SCHEMA + 1, "a newer sohoa"), (99, "a newer sohoa"), (2, "run `sohoa fsck --rebuild`")] {
            let mut other = good.clone();
            other[60..64].copy_from_slice(&(version as u32).to_be_bytes());
            std::fs::write(&file, other).unwrap();
            let error = refused(plenty, told).await;
            assert_eq!(matches!(error, Error::NewerSchema { .. }), version > SCHEMA, "{error}");
        }
        std::fs::write(&file, &good).unwrap();
        Database::open_with(&file, plenty).await.unwrap();
    }
}
