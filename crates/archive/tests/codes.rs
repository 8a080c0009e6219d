//! Result codes: no two records have one, whoever asks at the same moment, and what disagrees is found.
#![allow(clippy::unwrap_used)]

mod common;

use common::*;
use sohoa_archive::{Kind, new_record_id};
use std::collections::BTreeSet;

#[tokio::test]
async fn records_that_ask_at_once_are_given_different_codes_and_keep_them() {
    let place = Place::new();
    let archive = place.open().await;
    let records: Vec<_> = (0..12).map(|_| new_record_id()).collect();
    let nth = |n: u32| format!("H48.15-250303-0042-KQ{n}");
    let asked = records.iter().map(|record| archive.issue_code(record, nth));
    let codes: Vec<String> = futures::future::try_join_all(asked).await.unwrap();
    let expected: BTreeSet<String> = (1..=12).map(nth).collect();
    assert_eq!(codes.iter().cloned().collect::<BTreeSet<_>>(), expected);
    for (record, code) in records.iter().zip(&codes) {
        assert_eq!(archive.issue_code(record, nth).await.unwrap(), *code, "asked again after being stopped");
        assert_eq!(archive.code(code).await.unwrap().unwrap().record, *record);
    }
    assert_eq!(archive.issue_code(&records[0], |n| format!("H48.15-250303-0043-KQ{n}")).await.unwrap(), "H48.15-250303-0043-KQ1");
}

#[tokio::test]
async fn a_code_without_its_note_or_of_another_record_is_found() {
    let place = Place::new();
    let archive = place.open().await;
    let (arrived, _) = ingest(&archive, &document("a.png", &["Quyết định này"]), 1).await.unwrap();
    let record = arrived.first.record;
    archive.issue_code(&record, |_| "A-KQ1".into()).await.unwrap();
    archive.issue_code(&new_record_id(), |_| "B-KQ1".into()).await.unwrap();
    for (code, found) in [("A-KQ1", None), ("B-KQ1", Some("has the code of record")), ("C-KQ1", Some("is missing"))] {
        let receipt = revise(&archive, &record, |manifest| manifest.result_code = Some(code.to_owned())).await;
        archive.commit(&receipt).await.unwrap();
        let (_, findings) = fsck(&archive).await;
        let codes: Vec<_> = findings.iter().filter(|finding| finding.kind == Kind::BadCode).collect();
        match found {
            None => assert!(codes.is_empty(), "{codes:?}"),
            Some(words) => assert!(codes.iter().any(|finding| finding.why.contains(words)), "{codes:?}"),
        }
    }
}
