//! Arrival and commit: one record a source, one receipt a revision, whoever comes first.

#![allow(clippy::unwrap_used)]

mod common;

use common::*;
use sohoa_archive::{Arrival, Commit, Error, Remedy};
use sohoa_record::Receipt;
use sohoa_record::manifest::State;

#[tokio::test]
async fn a_document_arrives_is_committed_and_is_found() {
    let place = Place::new();
    let archive = place.open().await;
    let doc = document("a.png", &["Quyết định này"]);
    let arrived = arrive(&archive, &doc).await.unwrap();
    assert_eq!((arrived.arrival, arrived.committed), (Arrival::New, false));
    assert_eq!(archive.queue.counts().await.unwrap().queued, 1);
    let receipt = seal(&archive, &doc, &arrived, 1).await.unwrap();
    assert!(matches!(archive.commit(&receipt).await.unwrap(), Commit::Committed(_)));

    let counts = archive.queue.counts().await.unwrap();
    assert_eq!((counts.queued, counts.leased, counts.dead), (0, 0, 0));
    let record = &arrived.first.record;
    let entry = archive.index.entry(record).await.unwrap().unwrap();
    assert_eq!((entry.revision, entry.state, entry.pages.text, entry.archived), (1, State::Sealed, 1, true));
    let shown = archive.show(record).await.unwrap().unwrap();
    assert_eq!((shown.revisions.len(), shown.arrivals.as_slice()), (1, [arrived.first.clone()].as_slice()));
    let (report, findings) = fsck(&archive).await;
    assert_eq!((findings, report.objects, report.records), (vec![], 3, 1));
}

#[tokio::test]
async fn the_same_bytes_again_are_known_here_and_linked_from_elsewhere() {
    let place = Place::new();
    let archive = place.open().await;
    let doc = document("a.png", &["một"]);
    let (first, _) = ingest(&archive, &doc, 1).await.unwrap();
    let again = arrive(&archive, &doc).await.unwrap();
    assert_eq!((again.arrival, again.committed, &again.first), (Arrival::Known, true, &first.first));
    for _ in 0..2 {
        let elsewhere = Document { folder: "other".into(), name: "b.png".into(), ..doc.clone() };
        let linked = arrive(&archive, &elsewhere).await.unwrap();
        assert_eq!((linked.arrival, linked.committed, &linked.first), (Arrival::Linked, true, &first.first));
    }
    let shown = archive.show(&first.first.record).await.unwrap().unwrap();
    let names: Vec<&str> = shown.arrivals.iter().map(|note| note.name.as_str()).collect();
    assert_eq!(names, ["a.png", "b.png"]);
    assert_eq!(archive.queue.counts().await.unwrap().queued, 0);
    let (report, findings) = fsck(&archive).await;
    assert_eq!((findings, report.arrivals, report.links), (vec![], 1, 1));
}

#[tokio::test]
async fn who_commits_second_is_told_what_the_first_one_did() {
    let place = Place::new();
    let archive = place.open().await;
    let doc = document("a.png", &["một"]);
    let arrived = arrive(&archive, &doc).await.unwrap();
    let (one, two) = (seal(&archive, &doc, &arrived, 1).await.unwrap(), seal(&archive, &doc, &arrived, 2).await.unwrap());
    let first = archive.commit(&one).await.unwrap();
    let Commit::AlreadyCommitted(existing) = archive.commit(&two).await.unwrap() else { panic!("overwritten") };
    assert_eq!(existing.digest, first.opened().digest);
    // the same receipt again is a retry, not a rival
    assert!(matches!(archive.commit(&one).await.unwrap(), Commit::Committed(_)));
    assert_eq!(place.receipts(), 1);
}

#[tokio::test]
async fn later_revisions_follow_the_one_before_and_the_index_has_the_latest() {
    let place = Place::new();
    let archive = place.open().await;
    let doc = Document { fields: vec![("subject", "về việc cũ")], ..document("a.png", &["một"]) };
    let (arrived, _) = ingest(&archive, &doc, 1).await.unwrap();
    let record = &arrived.first.record;
    let second = revise(&archive, record, |m| m.fields[0].value = Some("về việc mới".into())).await;
    let rival = revise(&archive, record, |m| m.fields[0].value = Some("về việc khác".into())).await;
    archive.commit(&second).await.unwrap();
    assert!(matches!(archive.commit(&rival).await.unwrap(), Commit::AlreadyCommitted(_)));

    let entry = archive.index.entry(record).await.unwrap().unwrap();
    assert_eq!((entry.revision, entry.value("subject")), (2, Some("về việc mới")));
    assert_eq!(archive.index.search("viec moi", &Default::default(), None, 9).await.unwrap().hits.len(), 1);
    assert_eq!(archive.index.search("viec cu", &Default::default(), None, 9).await.unwrap().hits.len(), 0);
    assert_eq!(fsck(&archive).await.1, []);

    // a revision that names another one as its previous, or none, or skips one
    let stray = revise(&archive, record, |m| m.previous = Some(sohoa_record::Sha256Hex::of(b"other"))).await;
    let orphan = revise(&archive, record, |m| m.previous = None).await;
    let early = revise(&archive, record, |m| m.revision += 1).await;
    for receipt in [stray, orphan, early] {
        let error = archive.commit(&receipt).await.unwrap_err();
        assert!(matches!(error, Error::Chain { .. }), "{error}");
        assert_eq!(error.remedy(), Remedy::Document);
    }
    assert_eq!(place.receipts(), 2);
}

#[tokio::test]
async fn what_does_not_fit_the_archive_is_not_committed() {
    let place = Place::new();
    let archive = place.open().await;
    let doc = document("a.png", &["một"]);
    let arrived = arrive(&archive, &doc).await.unwrap();
    let receipt = seal(&archive, &doc, &arrived, 1).await.unwrap();
    let manifest = receipt.open(&policy()).unwrap().manifest;
    let refused = |change: &dyn Fn(&mut sohoa_record::Manifest)| {
        let mut changed = manifest.clone();
        change(&mut changed);
        let (archive, receipt) = (archive.clone(), Receipt::seal(&changed, &key()));
        async move { archive.commit(&receipt).await.unwrap_err() }
    };
    let absent = sohoa_record::Digests::of(b"never stored");
    assert!(matches!(refused(&|m| m.objects[1].digests = absent.clone()).await, Error::Missing { .. }));
    assert!(matches!(refused(&|m| m.objects[1].digests.size += 1).await, Error::SizeDiffers { .. }));
    assert!(matches!(refused(&|m| m.source.digests = absent.clone()).await, Error::Arrival { .. }));
    assert!(matches!(refused(&|m| m.record = sohoa_archive::new_record_id()).await, Error::Arrival { .. }));
    assert!(matches!(refused(&|m| m.source.name = "x".into()).await, Error::Arrival { .. }));
    let not_text = archive.objects.put(&b"not a text object"[..]).await.unwrap();
    assert!(matches!(refused(&|m| m.objects[2].digests = not_text.clone()).await, Error::Malformed { .. }));
    let stranger = Receipt::seal(&manifest, &ed25519_dalek::SigningKey::from_bytes(&[8; 32]));
    assert!(matches!(archive.commit(&stranger).await.unwrap_err(), Error::ForeignReceipt { .. }));
    assert_eq!(place.receipts(), 0);
    archive.commit(&receipt).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn racing_writers_make_exactly_one_record() {
    let place = Place::new();
    let doc = document("a.png", &["một"]);
    // two programs: their own connections to the same store and database
    let archives = [place.open().await, place.open().await];
    let tasks = (0..12u8).map(|i| {
        let (archive, doc) = (archives[usize::from(i) % 2].clone(), doc.clone());
        tokio::spawn(async move { ingest(&archive, &doc, i).await.unwrap() })
    });
    let ends: Vec<_> = futures::future::join_all(tasks).await.into_iter().map(Result::unwrap).collect();
    let record = &ends[0].0.first.record;
    assert!(ends.iter().all(|(arrived, _)| arrived.first.record == *record));
    assert_eq!(ends.iter().filter(|(arrived, _)| arrived.arrival == Arrival::New).count(), 1);
    assert_eq!(ends.iter().filter(|(_, commit)| matches!(commit, Some(Commit::Committed(_)))).count(), 1);
    assert_eq!(place.receipts(), 1);
    assert_eq!(archives[0].index.entries(&Default::default(), None, 9).await.unwrap().len(), 1);
    assert_eq!(archives[1].queue.counts().await.unwrap().queued, 0);
    assert_eq!(fsck(&archives[0]).await.1, []);
}

#[tokio::test]
async fn a_text_that_was_altered_is_called_altered_and_not_malformed() {
    let place = Place::new();
    let archive = place.open().await;
    // longer than what waits between the store and the parser, and broken at its beginning
    let pages = vec!["những lời rất dài của một trang giấy rất dài "; 40].join("\n").leak();
    let doc = document("a.png", &vec![&*pages; 60]);
    let arrived = arrive(&archive, &doc).await.unwrap();
    let receipt = seal(&archive, &doc, &arrived, 1).await.unwrap();
    let text = receipt.open(&policy()).unwrap().manifest.objects[2].digests.clone();
    let path = archive.objects.local_path(&text.sha256).unwrap();
    let good = std::fs::read(&path).unwrap();
    assert!(good.len() > 1_000_000);
    std::fs::write(&path, [b"?", &good[1..]].concat()).unwrap();
    assert!(matches!(archive.commit(&receipt).await.unwrap_err(), Error::Altered { .. }));
    std::fs::write(&path, good).unwrap();
    archive.commit(&receipt).await.unwrap();
    assert_eq!(archive.index.search("trang giấy", &Default::default(), None, 9).await.unwrap().hits.len(), 1);
}
