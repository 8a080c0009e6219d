//! A large index stays quick. The limits are wide: they catch a list that reads the whole table or a lease that sorts it, not a
//! busy machine. `cargo test -p sohoa-archive --test scale -- --nocapture` prints the figures.

#![allow(clippy::unwrap_used)]

mod common;

use sohoa_archive::Order;

use common::Place;
use sohoa_archive::Filter;
use sohoa_record::manifest::State;
use std::time::{Duration, Instant};

const RECORDS: i64 = 100_000;

#[tokio::test]
async fn lists_leases_and_searches_are_quick_among_100_000_records() {
    let place = Place::new();
    let archive = place.open().await;
    let database = sqlx::SqlitePool::connect(&format!("sqlite://{}", place.database().display())).await.unwrap();
    let rows = format!("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {RECORDS})");
    let id = "printf('%08x-0000-7000-8000-000000000000', i)";
    let digest = "printf('%064x', i)";
    for sql in [
        format!(
            "{rows} INSERT INTO records SELECT i, {id}, 1, {digest}, iif(i % 7, 'sealed', 'review'), '', NULL, 'in', NULL, 'H48.' || (i % 50),
             'quyet dinh', i || '.pdf', {digest}, 1, 'image/png', NULL, 3, 2, 0, 0, 0, 0, 1, '', '', {digest}, '', NULL FROM n"
        ),
        format!("{rows} INSERT INTO texts SELECT i, 'Quyết định số ' || i || ' về việc cấp giấy phép' FROM n"),
        format!(
            "{rows} INSERT INTO words (rowid, folded, exact, marks) SELECT i, i || ' pdf quyet dinh so ' || i || ' ve viec cap giay phep w' || (i % 1000),
             i || ' pdf quyê' || char(769) || 't', '' FROM n"
        ),
        format!(
            "{rows} INSERT INTO jobs (record, source_sha256, priority, enqueued_at, state) SELECT {}, {digest}, i % 3, i, 'queued' FROM n",
            id.replace("-0000-7000", "-0001-7000")
        ),
    ] {
        sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(&database).await.unwrap();
    }
    let filter = Filter::default();
    let quick = |name: &str, since: Instant, limit: u64| {
        println!("{name}: {:?}", since.elapsed());
        assert!(since.elapsed() < Duration::from_millis(limit), "{name}: {:?}", since.elapsed());
    };
    let t = Instant::now();
    for _ in 0..20 {
        archive.queue.lease(1, "w", 1_000, 3, Order::ByPriority).await.unwrap().unwrap();
    }
    quick("20 leases", t, 1_000);
    let t = Instant::now();
    let middle = format!("{:08x}-0000-7000-8000-000000000000", RECORDS / 2).parse().unwrap();
    assert_eq!(archive.index.entries(&filter, Some(&middle), 50).await.unwrap().len(), 50);
    let review = Filter { state: Some(State::Review), unit: Some("H48.7".into()), ..filter.clone() };
    assert_eq!(archive.index.entries(&review, Some(&middle), 50).await.unwrap().len(), 50);
    quick("two pages of a list", t, 1_000);
    let t = Instant::now();
    archive.index.status().await.unwrap();
    archive.queue.counts().await.unwrap();
    quick("status", t, 2_000);
    for (typed, hits, limit) in
        [("50000.pdf", 1, 1_000), ("w77 giay phep", 10, 1_000), ("quyet dinh", 10, 5_000), ("quyết", 0, 5_000)]
    {
        let t = Instant::now();
        let found = archive.index.search(typed, &filter, None, 10).await.unwrap();
        assert!(found.hits.len() >= hits);
        quick(&format!("search '{typed}'"), t, limit);
    }
}
