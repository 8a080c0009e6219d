//! A fault at every single write, before it and after it: whoever runs again ends with every document exactly once.

#![allow(clippy::unwrap_used)]

mod common;

use common::faulty::{Faulty, When};
use common::*;
use sohoa_archive::{Archive, Commit, Order, Remedy, Result, SourceBytes, remove_index};
use sohoa_record::manifest::{Part, State};
use std::sync::Arc;

/// What happens between the failed run and the next one.
#[derive(Clone, Copy, Debug)]
enum Then {
    /// The same program goes on.
    GoesOn,
    /// It was stopped; a new one opens the archive.
    Restarts,
    /// The index was lost as well, and is rebuilt.
    LosesTheIndex,
}

async fn batch(archive: &Archive, salt: u8) -> Result<()> {
    let doc = document("a.png", &["Quyết định", "trang hai"]);
    ingest(archive, &doc, salt).await?;
    // the same bytes from elsewhere, then another document
    ingest(archive, &Document { folder: "again".into(), ..doc }, salt).await?;
    ingest(archive, &document("b.png", &["tờ khai"]), salt).await?;
    Ok(())
}

async fn expect_whole(place: &Place, archive: &Archive, case: &str) {
    let (report, findings) = fsck(archive).await;
    assert_eq!(findings, [], "{case}");
    assert_eq!((report.records, report.revisions, report.arrivals, report.links), (2, 2, 2, 1), "{case}");
    assert_eq!(place.receipts(), 2, "{case}");
    assert_eq!(archive.index.entries(&Default::default(), None, 9).await.unwrap().len(), 2, "{case}");
    let counts = archive.queue.counts().await.unwrap();
    assert_eq!((counts.queued, counts.leased, counts.dead), (0, 0, 0), "{case}");
    assert_eq!(archive.index.search("quyết định", &Default::default(), None, 9).await.unwrap().hits.len(), 1, "{case}");
}

#[tokio::test]
async fn every_write_may_fail() {
    let place = Place::new();
    let counting = Faulty::over(place.store(), None);
    batch(&place.open_over(Arc::new(counting.clone())).await, 0).await.unwrap();
    let writes = counting.writes();
    // source, first, searchable, text, receipt, twice; for the same bytes elsewhere source and first (in vain) and the link
    assert_eq!(writes, 13);

    for n in 0..writes {
        for when in [When::BeforeTheWrite, When::AfterTheWrite] {
            for then in [Then::GoesOn, Then::Restarts, Then::LosesTheIndex] {
                let case = format!("write {n}, {when:?}, then {then:?}");
                let place = Place::new();
                let mut archive = place.open_over(Arc::new(Faulty::over(place.store(), Some((n, when))))).await;
                match batch(&archive, 1).await {
                    // bytes that turn out to be there already are no error to anybody
                    Ok(()) => {}
                    Err(error) => assert_eq!(error.remedy(), Remedy::Retry, "{case}: {error}"),
                }
                match then {
                    Then::GoesOn => {}
                    Then::Restarts => archive = place.open().await,
                    Then::LosesTheIndex => {
                        archive.close().await;
                        remove_index(&place.database()).unwrap();
                        archive = place.open().await;
                        rebuild(&archive).await;
                        assert!(fsck(&archive).await.0.is_clean(), "{case}");
                    }
                }
                // another salt: what is made again is never byte for byte the same
                batch(&archive, 2).await.unwrap();
                expect_whole(&place, &archive, &case).await;
            }
        }
    }
}

/// A source of three documents, committed from the last to the first: the first has the record of the arrival.
async fn divided(archive: &Archive, salt: u8) -> Result<()> {
    let doc = document("lô.png", &["Quyết định"]);
    let arrived = arrive(archive, &doc).await?;
    if arrived.committed {
        return Ok(());
    }
    for (number, words) in [(3, "tờ khai"), (2, "giấy phép"), (1, "quyết định")] {
        let doc = Document { pages: vec![words], ..doc.clone() };
        archive.commit(&seal_part(archive, &doc, &arrived, salt, Some(Part { number, of: 3 })).await?).await?;
    }
    Ok(())
}

#[tokio::test]
async fn every_write_of_a_source_with_several_documents_may_fail() {
    let place = Place::new();
    let counting = Faulty::over(place.store(), None);
    divided(&place.open_over(Arc::new(counting.clone())).await, 0).await.unwrap();
    let writes = counting.writes();
    // source, first, then searchable, text and receipt of each document
    assert_eq!(writes, 11);
    for n in 0..writes {
        for when in [When::BeforeTheWrite, When::AfterTheWrite] {
            for rebuilt in [false, true] {
                let case = format!("write {n}, {when:?}, rebuilt: {rebuilt}");
                let place = Place::new();
                let archive = place.open_over(Arc::new(Faulty::over(place.store(), Some((n, when))))).await;
                if let Err(error) = divided(&archive, 1).await {
                    assert_eq!(error.remedy(), Remedy::Retry, "{case}: {error}");
                }
                archive.close().await;
                if rebuilt {
                    remove_index(&place.database()).unwrap();
                }
                let archive = place.open().await;
                if rebuilt {
                    rebuild(&archive).await;
                }
                let done = archive.arrival(&sohoa_record::Sha256Hex::of(&document("lô.png", &[]).bytes)).await.unwrap();
                if let Some(first) = done {
                    let committed = archive.revision(&first.record, 1).await.unwrap().is_some();
                    let others = archive.revision(&first.record.part(2), 1).await.unwrap().is_some();
                    assert!(others || !committed, "{case}: the first is the last");
                }
                divided(&archive, 2).await.unwrap();
                let (report, findings) = fsck(&archive).await;
                assert_eq!(findings, [], "{case}");
                assert_eq!((report.records, report.revisions, report.arrivals), (3, 3, 1), "{case}");
                assert_eq!((place.receipts(), archive.queue.counts().await.unwrap().queued), (3, 0), "{case}");
            }
        }
    }
}

#[tokio::test]
async fn a_source_is_not_divided_in_two_ways() {
    let place = Place::new();
    let archive = place.open().await;
    let doc = document("lô.png", &["một"]);
    let arrived = arrive(&archive, &doc).await.unwrap();
    let source = &arrived.first.digests.sha256;
    archive.check_division(&arrived.first.record, source, 1).await.unwrap();
    let part = Part { number: 3, of: 3 };
    archive.commit(&seal_part(&archive, &doc, &arrived, 1, Some(part)).await.unwrap()).await.unwrap();
    archive.check_division(&arrived.first.record, source, 3).await.unwrap();
    for now in [1, 2, 4] {
        let error = archive.check_division(&arrived.first.record, source, now).await.unwrap_err();
        assert_eq!(error.remedy(), Remedy::Document, "{error}");
        assert!(error.to_string().contains("3 documents"), "{error}");
    }
}

#[tokio::test]
async fn a_part_that_is_none_is_refused() {
    let place = Place::new();
    let archive = place.open().await;
    let doc = document("lô.png", &["một"]);
    let arrived = arrive(&archive, &doc).await.unwrap();
    for part in [Part { number: 0, of: 2 }, Part { number: 3, of: 2 }] {
        let receipt = seal_part(&archive, &doc, &arrived, 1, Some(part)).await.unwrap();
        assert!(matches!(archive.commit(&receipt).await, Err(sohoa_archive::Error::Arrival { .. })), "{part:?}");
    }
    assert_eq!(place.receipts(), 0);
}

#[tokio::test]
async fn every_part_of_a_large_file_may_fail() {
    let bytes: Vec<u8> = (0..2_500_000u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let doc = Document { bytes: bytes.clone(), ..document("large.png", &["một"]) };
    let scans = tempfile::TempDir::new().unwrap();
    let path = scans.path().join("large.png");
    std::fs::write(&path, &bytes).unwrap();
    let run = |archive: Archive, salt| {
        let (doc, path) = (doc.clone(), path.clone());
        async move {
            let mut file = tokio::fs::File::open(path).await.unwrap();
            let arrived = archive.arrive(doc.arriving(), SourceBytes::File(&mut file)).await?;
            let receipt = seal(&archive, &doc, &arrived, salt).await?;
            archive.commit(&receipt).await
        }
    };
    let place = Place::new();
    let counting = Faulty::over(place.store(), None);
    run(place.open_over(Arc::new(counting.clone())).await, 0).await.unwrap();
    // three parts of at most 1 MiB and their completion, then first, searchable, text, receipt
    assert_eq!(counting.writes(), 8);
    for n in 0..4 {
        for when in [When::BeforeTheWrite, When::AfterTheWrite] {
            let case = format!("write {n}, {when:?}");
            let place = Place::new();
            let error = run(place.open_over(Arc::new(Faulty::over(place.store(), Some((n, when))))).await, 1).await.unwrap_err();
            assert_eq!(error.remedy(), Remedy::Retry, "{case}");
            let archive = place.open().await;
            run(archive.clone(), 2).await.unwrap();
            let (report, findings) = fsck(&archive).await;
            assert_eq!((findings, report.records, report.objects), (vec![], 1, 3), "{case}");
            assert!(
                !place.stored().iter().any(|path| path.to_string_lossy().contains('#')),
                "{case}: an unfinished upload stays"
            );
        }
    }
}

#[tokio::test]
async fn an_index_that_fails_after_the_commit_point_is_completed_by_the_next_run() {
    let place = Place::new();
    let archive = place.open().await;
    let database = sqlx::SqlitePool::connect(&format!("sqlite://{}", place.database().display())).await.unwrap();
    let doc = document("a.png", &["Quyết định"]);
    for (table, event) in [("records", "INSERT"), ("fields", "INSERT"), ("jobs", "DELETE"), ("texts", "INSERT")] {
        let doc =
            Document { fields: vec![("subject", "việc")], bytes: table.into(), name: format!("{table}.png"), ..doc.clone() };
        let trigger =
            format!("CREATE TRIGGER broken BEFORE {event} ON {table} BEGIN SELECT RAISE(ABORT, 'broken on purpose'); END");
        sqlx::raw_sql(sqlx::AssertSqlSafe(trigger)).execute(&database).await.unwrap();
        let error = ingest(&archive, &doc, 1).await.unwrap_err();
        assert!(error.to_string().contains("broken on purpose"), "{error}");
        let (report, findings) = fsck(&archive).await;
        assert!(findings.iter().any(|f| f.kind == sohoa_archive::Kind::IndexDiffers), "{table}: {report:?}");
        // nothing of a half-written revision is seen
        let record = archive.arrival(&sohoa_record::Sha256Hex::of(table.as_bytes())).await.unwrap().unwrap().record;
        assert!(archive.index.entry(&record).await.unwrap().is_none() && archive.queue.has(&record).await.unwrap());
        sqlx::raw_sql("DROP TRIGGER broken").execute(&database).await.unwrap();

        // the worker that takes the job asks first, and so does an ingest of the same file
        if table == "jobs" {
            assert!(archive.resume(&record).await.unwrap().is_some());
        } else {
            let (arrived, commit) = ingest(&archive, &doc, 2).await.unwrap();
            assert!(arrived.committed && commit.is_none());
        }
        assert!(archive.index.entry(&record).await.unwrap().is_some() && !archive.queue.has(&record).await.unwrap());
        assert_eq!(fsck(&archive).await.1, []);
    }
    assert_eq!(place.receipts(), 4);
}

#[tokio::test]
async fn a_decision_whose_program_was_killed_after_its_commit_point_is_taken_up() {
    let place = Place::new();
    let archive = place.open().await;
    let (arrived, _) = ingest(&archive, &document("a.png", &["một"]), 1).await.unwrap();
    let (other, _) = ingest(&archive, &Document { bytes: vec![9], ..document("b.png", &["hai"]) }, 2).await.unwrap();
    for record in [&arrived.first.record, &other.first.record] {
        archive.commit(&revise(&archive, record, |m| m.state = State::Review).await).await.unwrap();
    }
    let record = &arrived.first.record;
    let decided = revise(&archive, record, |m| m.state = State::Sealed).await;
    std::fs::write(place.folder().join(format!("records/{record}/r0003.dsse.json")), decided.to_bytes()).unwrap();
    let waits = async || archive.index.count(State::Review, None).await.unwrap();
    assert_eq!(waits().await, 2);
    assert_eq!(archive.resume_decisions().await.unwrap(), 1);
    assert_eq!((waits().await, archive.index.entry(record).await.unwrap().unwrap().revision), (1, 3));
    assert_eq!(archive.resume_decisions().await.unwrap(), 0);
}

#[tokio::test]
async fn a_worker_that_comes_late_completes_what_the_first_one_committed() {
    let place = Place::new();
    let archive = place.open().await;
    let doc = document("a.png", &["một"]);
    let arrived = arrive(&archive, &doc).await.unwrap();
    let slow = archive.queue.lease(0, "slow", 10, 9, Order::ByPriority).await.unwrap().unwrap();
    let quick = archive.queue.lease(11, "quick", 10, 9, Order::ByPriority).await.unwrap().unwrap();
    assert_eq!((&slow.record, quick.attempt), (&quick.record, 2));
    archive.commit(&seal(&archive, &doc, &arrived, 2).await.unwrap()).await.unwrap();
    let late = archive.commit(&seal(&archive, &doc, &arrived, 1).await.unwrap()).await.unwrap();
    assert!(matches!(late, Commit::AlreadyCommitted(_)));
    assert_eq!(fsck(&archive).await.1, []);
}

#[tokio::test]
async fn an_arrival_whose_program_was_killed_before_its_job_is_taken_up() {
    // From 0: the source's bytes, then the note of its arrival.
    for when in [When::BeforeTheWrite, When::AfterTheWrite] {
        for write in 0..3 {
            let place = Place::new();
            let doc = document("a.png", &["một"]);
            let faulty = Faulty::over(place.store(), Some((write, when)));
            let archive = place.open_over(Arc::new(faulty)).await;
            let arrived = arrive(&archive, &doc).await;
            let archive = place.open().await;
            let noted = archive.arrival(&sohoa_record::Sha256Hex::of(&doc.bytes)).await.unwrap().is_some();
            if arrived.is_ok() {
                continue;
            }
            assert_eq!(archive.resume_arrivals(1).await.unwrap(), u64::from(noted), "write {write} {when:?}");
            assert_eq!(archive.queue.counts().await.unwrap().queued, u64::from(noted));
            assert_eq!(archive.resume_arrivals(2).await.unwrap(), 0, "once is enough");
            if !noted {
                // What was only announced is forgotten after a day; the same file may come again at any time.
                assert_eq!(archive.resume_arrivals(1 << 40).await.unwrap(), 0);
            }
            ingest(&archive, &doc, 1).await.unwrap();
            assert_eq!(fsck(&archive).await.1, []);
        }
    }
}
