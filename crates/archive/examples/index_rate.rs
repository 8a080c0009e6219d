//! How quick the index answers what screens ask, among a million records that are in the log: `index_rate FOLDER [RECORDS]`.
//!
//! Rows are made by the database itself, with the kinds of words and fields that papers have: words that all have, that one in fifty
//! has, that one has. The log's key is 32 bytes of one; its public half is in FOLDER/log.vkey. Prints for each question the median and the 95th percentile over 40 times, and how long opening takes.
#![allow(clippy::unwrap_used, reason = "a program of measurements: a panic is its way to report")]

use ed25519_dalek::SigningKey;
use sohoa_archive::{Archive, Filter, Log};
use sohoa_record::log::leaf::{FORMAT, StatementDigests};
use sohoa_record::log::{Kind, Leaf, NoteSigner};
use sohoa_record::manifest::State;
use sohoa_record::trust::policy_line;
use sohoa_record::{Digests, Sha256Hex, TrustPolicy};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

const TIMES: usize = 40;

#[tokio::main]
async fn main() {
    let mut arguments = std::env::args().skip(1);
    let folder = PathBuf::from(arguments.next().expect("index_rate FOLDER [RECORDS]"));
    let records: u64 = arguments.next().map_or(1_000_000, |n| n.parse().unwrap());
    let store = folder.join("archive");
    std::fs::create_dir_all(&store).unwrap();
    let database = folder.join("index.sqlite");
    std::fs::write(folder.join("log.vkey"), format!("{}\n", signer().public())).unwrap();
    let archive = open(&store, &database).await;
    let begun = Instant::now();
    log(&archive, records).await;
    archive.close().await;
    println!("{records} leaves were logged in {:.0} s", begun.elapsed().as_secs_f64());
    let begun = Instant::now();
    fill(&database, records).await;
    println!(
        "{records} records were made in {:.0} s; {} MB",
        begun.elapsed().as_secs_f64(),
        std::fs::metadata(&database).unwrap().len() >> 20
    );

    let begun = Instant::now();
    let archive = open(&store, &database).await;
    println!("{:<44} {:>8.1} ms", "open", millis(begun.elapsed()));
    let index = &archive.index;
    let all = Filter::default();
    let of_unit = Filter { unit: Some("H48.7".into()), ..all.clone() };
    let waiting = Filter { state: Some(State::Review), ..of_unit.clone() };
    let since = i64::try_from(records / 2).unwrap() * SPACING_MS + FIRST_MS;
    let hour = Filter { since: Some(since), until: Some(since + 3_600_000), ..all.clone() };
    let half = Filter { since: Some(since), ..all.clone() };
    let one = format!("so {}", records / 2);
    let middle: sohoa_record::identifier::RecordId = id(records / 2).parse().unwrap();
    for (name, filter, before) in [
        ("newest 25", &all, None),
        ("newest 25 of a unit", &of_unit, None),
        ("25 of a unit that wait, from the middle", &waiting, Some(&middle)),
    ] {
        measure(name, async || assert_eq!(index.newest(filter, before, 25).await.unwrap().len(), 25)).await;
    }
    measure("how many wait", async || assert!(index.count(State::Review, None).await.unwrap() > 0)).await;
    let morning = i64::try_from(records - 2000).unwrap() * SPACING_MS + FIRST_MS;
    measure("those of today (2,000)", async || assert_eq!(index.arrived_since(morning, None).await.unwrap().len(), 2000)).await;
    for (name, typed, filter) in [
        ("search, a word that one record has", one.as_str(), &all),
        ("search, a word of one in fifty", "w17", &all),
        ("search, words of one in fifty, of a unit", "w7 giay phep", &of_unit),
        ("search, words that all have", "quyet dinh", &all),
        ("search, words that all have, with marks", "quyết định", &all),
        ("search, words that all have, that wait", "quyet dinh", &waiting),
        ("search, words that all pages have", "cong hoa xa hoi", &all),
        ("search, the number of one in 5,000", "17/QĐ-UBND", &all),
        ("search, a fragment of a code", "0421", &all),
        ("search, a word's beginning", "quy*", &all),
        ("search, words that all have, of one hour", "quyet dinh", &hour),
        ("search, words that all have, of half the time", "quyet dinh", &half),
    ] {
        measure(name, async || assert!(!index.search(typed, filter, None, 25).await.unwrap().hits.is_empty())).await;
    }
    let begun = Instant::now();
    assert_eq!(
        index.counted(&["code_number", "code_notation", "issued_date"], |counted| counted).await.unwrap().len() as u64,
        records
    );
    println!(
        "{:<44} {:>8.1} ms (behind the targets' page, at most once a minute)",
        "every record as reports count it",
        millis(begun.elapsed())
    );
    let begun = Instant::now();
    index.status().await.unwrap();
    println!("{:<44} {:>8.1} ms (asked for at most once a minute)", "the whole archive in figures", millis(begun.elapsed()));
}

async fn open(store: &Path, database: &Path) -> Archive {
    let sealing = SigningKey::from_bytes(&[2; 32]).verifying_key();
    let policy = format!("{}\nlog {}\nquorum none\n", policy_line(&sealing, "bench"), signer().public());
    Archive::open_folder(store, database, TrustPolicy::parse(&policy).unwrap()).await.unwrap()
}

fn signer() -> NoteSigner {
    NoteSigner::new("sohoa.example/bench", SigningKey::from_bytes(&[1; 32])).unwrap()
}

/// A leaf for each record, of a receipt that was never sealed: the log does not look into it.
async fn log(archive: &Archive, records: u64) {
    let log = Log::open(archive, signer(), None).await.unwrap();
    for from in (0..records).step_by(10_000) {
        let leaves: Vec<Leaf> = (from..records.min(from + 10_000)).map(leaf).collect();
        log.append_leaves(&leaves).await.unwrap();
    }
}

fn leaf(i: u64) -> Leaf {
    let digests = Digests::of(&i.to_be_bytes());
    Leaf {
        key: Sha256Hex::of(b"key"),
        kind: Kind::Record,
        man: StatementDigests { sha256: digests.sha256, sha512: digests.sha512 },
        prev: None,
        rec: Some(id(i).parse().unwrap()),
        sig: format!("{}==", "A".repeat(86)),
        v: FORMAT.into(),
        ver: Some(1),
    }
}

async fn measure(name: &str, asked: impl AsyncFn()) {
    asked().await;
    let mut took = Vec::with_capacity(TIMES);
    for _ in 0..TIMES {
        let begun = Instant::now();
        asked().await;
        took.push(begun.elapsed());
    }
    took.sort();
    println!("{name:<44} {:>8.1} ms   p95 {:>8.1} ms", millis(took[TIMES / 2]), millis(took[TIMES * 95 / 100]));
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

/// A record each ten seconds, since 2020-09-13.
const FIRST_MS: i64 = 1_600_000_000_000;
const SPACING_MS: i64 = 10_000;

fn id(i: u64) -> String {
    let ms = format!("{:012x}", FIRST_MS as u64 + i * SPACING_MS as u64);
    format!("{}-{}-7000-8000-000000000000", &ms[..8], &ms[8..])
}

async fn fill(database: &Path, records: u64) {
    let pool = sqlx::SqlitePool::connect(&format!("sqlite://{}", database.display())).await.unwrap();
    let rows = format!("WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < {})", records - 1);
    let id = format!(
        "substr(printf('%012x', {FIRST_MS} + i * {SPACING_MS}), 1, 8) || '-' || substr(printf('%012x', {FIRST_MS} + i * {SPACING_MS}), 9) || '-7000-8000-000000000000'"
    );
    let digest = "printf('%064x', i)";
    // As index.rs numbers them: the time, and twelve bits.
    let row = format!("({FIRST_MS} + i * {SPACING_MS} << 12 | i * 977 % 4096)");
    // As words.rs writes them: a code's group from each digit on, unit, state.
    let marks = "printf('ƶ%04d ƶ%03d ƶƶuh48%d ƶƶs%s', i % 10000, i % 1000, i % 50, iif(i % 7, 'sealed', 'review'))";
    for sql in [
        format!(
            "{rows} INSERT INTO records SELECT {row}, {id}, 1, {digest}, iif(i % 7, 'sealed', 'review'), iif(i % 7, '', 'number_handwritten'),
             NULL, 'in', NULL, 'H48.' || (i % 50), 'quyet dinh', i || '.pdf', {digest}, 1, 'image/png', NULL, 3, 2, 0, 0, 0, 0, 1,
             '2026-11-27T08:00:00+07:00', '2026-11-27T08:00:00+07:00', {digest}, '', NULL FROM n"
        ),
        format!(
            "{rows} INSERT INTO fields SELECT {row}, place, name, CASE name WHEN 'code_number' THEN i % 5000 ELSE value END, 1, 95, NULL FROM n,
             (SELECT 0 AS place, 'type_name' AS name, 'QUYẾT ĐỊNH' AS value UNION ALL SELECT 1, 'code_number', '' UNION ALL
              SELECT 2, 'code_notation', 'QĐ-UBND' UNION ALL SELECT 3, 'issued_date', '2025-01-17')"
        ),
        format!("{rows} INSERT INTO texts SELECT {row}, 'Quyết định số ' || i || ' về việc cấp giấy phép xây dựng w' || (i % 50) FROM n"),
        format!(
            "{rows} INSERT INTO heads (rowid, folded, exact, marks) SELECT {row}, i || ' pdf quyet dinh ' || (i % 5000) || ' qd ubnd 2025 01 17',
             i || ' pdf quyê' || char(769) || 't đi' || char(803) || 'nh', {marks} FROM n"
        ),
        format!(
            "{rows} INSERT INTO words (rowid, folded, exact, marks) SELECT {row}, i || ' pdf quyet dinh ' || (i % 5000) || ' qd ubnd 2025 01 17
             cong hoa xa hoi quyet dinh so ' || i || ' ve viec cap giay phep xay dung w' || (i % 50),
             i || ' pdf quyê' || char(769) || 't đi' || char(803) || 'nh so ' || i, {marks} FROM n"
        ),
    ] {
        sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(&pool).await.unwrap();
    }
    pool.close().await;
}
