//! A lawful destruction: nothing goes before its tombstone is in the log, all of it goes then, whatever write or delete fails on the way,
//! and nothing that somebody else needs.
#![allow(clippy::unwrap_used)]

mod common;

use common::faulty::{Faulty, When};
use common::log::{open, published, signer};
use common::*;
use futures::TryStreamExt as _;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt as _};
use sohoa_archive::{Archive, Error, Kind, Log, Remedy, Result, layout, remove_index};
use sohoa_record::identifier::RecordId;
use sohoa_record::log::Leaf;
use sohoa_record::manifest::Part;
use std::slice::from_ref as one;
use std::sync::Arc;

const NAME: &str = "Nguyễn Thị Hạnh Dungxyzzy";

/// A record of two revisions that has the name in every place that may have one.
fn doomed() -> Document {
    Document {
        folder: NAME.into(),
        fields: vec![("subject", NAME)],
        ..document("giấy khai sinh Nguyễn Thị Hạnh Dungxyzzy.png", &["Họ tên Nguyễn Thị Hạnh Dungxyzzy"])
    }
}

/// Another record; its blank page reads like the blank page of the next.
fn blank(name: &str) -> Document {
    document(name, &[""])
}

async fn filled(store: Arc<dyn ObjectStore>, place: &Place) -> (Archive, RecordId) {
    let archive = place.open_logged_over(store).await;
    let (arrived, _) = ingest(&archive, &doomed(), 1).await.unwrap();
    // the same bytes met elsewhere: a link has the name too
    ingest(&archive, &Document { folder: format!("bản hai {NAME}"), ..doomed() }, 1).await.unwrap();
    // what the index had of revision 1 is deleted here, long before anything is destroyed
    let receipt = revise(&archive, &arrived.first.record, |m| m.fields[0].value = Some(format!("khai sinh {NAME}"))).await;
    archive.commit(&receipt).await.unwrap();
    ingest(&archive, &blank("b.png"), 2).await.unwrap();
    (archive, arrived.first.record)
}

/// What `sohoa destroy` does.
async fn destroy(archive: &Archive, records: &[RecordId], salt: &str) -> Result<()> {
    let log = Log::open(archive, signer(), None).await?;
    log.catch_up(archive).await?;
    let plan = archive.plan_destruction(records).await?;
    let mut leaves = Vec::new();
    for doomed in &plan.records {
        let at = "2046-11-22T08:00:00+07:00".to_owned();
        let destroyed = match doomed.to_bury("QĐ 12/QĐ-UBND ngày 15/01/2046", "Trần Thị Bình", at, salt.repeat(32)) {
            Some(tombstone) => archive.bury(&tombstone.seal(&key())).await?,
            None => doomed.tombstone.clone().unwrap(),
        };
        leaves.push(destroyed.opened.leaf);
    }
    log.append_leaves(&leaves).await?;
    archive.erase(&plan).await
}

async fn paths(store: &Arc<dyn ObjectStore>) -> Vec<String> {
    let mut paths: Vec<String> = store.list(None).map_ok(|meta| meta.location.to_string()).try_collect().await.unwrap();
    paths.sort();
    paths
}

/// No file of the store has a word of the name, as it is or in base64.
async fn nobody_is_named(store: &Arc<dyn ObjectStore>) -> bool {
    use std::process::{Command, Stdio};
    let mut all = Vec::new();
    for path in paths(store).await {
        let bytes = store.get(&Path::from(path.clone())).await.unwrap().bytes().await.unwrap();
        all.extend_from_slice(&bytes);
        // receipts hold their manifest in base64: an outside tool opens it
        if path.ends_with(".dsse.json") {
            let value: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
            let mut child = Command::new("base64").arg("-d").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
            std::io::Write::write_all(&mut child.stdin.take().unwrap(), value["payload"].as_str().unwrap().as_bytes()).unwrap();
            all.extend(child.wait_with_output().unwrap().stdout);
        }
    }
    !String::from_utf8_lossy(&all).contains("Dungxyzzy")
}

async fn expect_destroyed(archive: &Archive, store: &Arc<dyn ObjectStore>, record: &RecordId, case: &str) {
    let (report, findings) = fsck(archive).await;
    assert_eq!(findings, [], "{case}");
    assert_eq!((report.records, report.destroyed, report.arrivals, report.links), (1, 1, 1, 0), "{case}");
    // three objects of the other record, and one head's worth of nothing else
    assert_eq!(report.objects, 3, "{case}");
    let own: Vec<String> = paths(store).await.into_iter().filter(|path| path.contains(record.as_str())).collect();
    assert_eq!(own, [layout::receipt(record, 3).to_string()], "{case}");
    assert!(nobody_is_named(store).await, "{case}");
    assert!(matches!(archive.revisions(record).await, Err(Error::Destroyed { revision: 3, .. })), "{case}");
    assert_eq!(archive.index.destroyed(None, 9).await.unwrap(), one(record), "{case}");
    assert_eq!(archive.index.search("Dungxyzzy", &Default::default(), None, 9).await.unwrap().hits.len(), 0, "{case}");
    let (_, entries) = published(archive).await;
    let kinds: Vec<_> =
        entries.iter().map(|entry| Leaf::from_bytes(entry).unwrap()).filter(|leaf| leaf.rec.as_ref() == Some(record)).collect();
    assert_eq!(kinds.iter().map(|leaf| leaf.ver.unwrap()).collect::<Vec<_>>(), [1, 2, 3], "{case}: every leaf once");
}

#[tokio::test]
async fn all_that_names_somebody_is_gone_and_the_index_has_no_byte_of_it() {
    let place = Place::new();
    let store = place.store();
    let (archive, record) = filled(store.clone(), &place).await;
    assert!(!nobody_is_named(&store).await, "the test can fail");
    let index_has = |word: &str| {
        let files = ["index.sqlite", "index.sqlite-wal"].map(|name| std::fs::read(place.file(name)).unwrap_or_default());
        files.concat().windows(word.len()).any(|bytes| bytes == word.as_bytes())
    };
    // In the full text a term may lack the beginning that it shares with the one before it.
    assert!(index_has("Dungxyzzy") && index_has("ngxyzzy"), "the test can fail");
    destroy(&archive, one(&record), "ab").await.unwrap();
    expect_destroyed(&archive, &store, &record, "").await;
    assert!(!index_has("ngxyzzy"));
    // whoever asks again changes nothing
    let before = paths(&store).await;
    destroy(&archive, one(&record), "cd").await.unwrap();
    assert_eq!(paths(&store).await, before);
    // and an index made from the store alone knows the same
    archive.close().await;
    remove_index(&place.database()).unwrap();
    let archive = place.open_logged_over(store.clone()).await;
    assert_eq!(rebuild(&archive).await.destroyed, 1);
    expect_destroyed(&archive, &store, &record, "rebuilt").await;
}

/// What happens between the failed run and the next one.
#[derive(Clone, Copy, Debug)]
enum Then {
    /// The same program goes on.
    GoesOn,
    /// The index was lost as well, and is rebuilt.
    LosesTheIndex,
}

#[tokio::test]
async fn every_write_and_every_delete_may_fail() {
    let (place, memory) = (Place::new(), Arc::new(InMemory::new()));
    let (archive, record) = filled(memory.clone(), &place).await;
    archive.close().await;
    let counting = Faulty::over(memory, None);
    destroy(&place.open_logged_over(Arc::new(counting.clone())).await, &[record], "ab").await.unwrap();
    let writes = counting.writes();
    // the log: twice its self-test, then staging, head, tile, bundle and checkpoint of the receipts; the tombstone; five of its leaf; the
    // note; three objects, three of arrival (first, link) and receipts: nothing is removed before the eighteenth
    assert_eq!(writes, 2 + 5 + 1 + 5 + 1 + 3 + 2 + 2);

    for n in 0..writes {
        for when in [When::BeforeTheWrite, When::AfterTheWrite] {
            for then in [Then::GoesOn, Then::LosesTheIndex] {
                let case = format!("write {n}, {when:?}, then {then:?}");
                let (place, store): (_, Arc<dyn ObjectStore>) = (Place::new(), Arc::new(InMemory::new()));
                let (archive, record) = filled(store.clone(), &place).await;
                archive.close().await;
                let before = paths(&store).await;
                let archive = place.open_logged_over(Arc::new(Faulty::over(store.clone(), Some((n, when))))).await;
                let error = destroy(&archive, one(&record), "ab").await.unwrap_err();
                assert_eq!(error.remedy(), Remedy::Retry, "{case}: {error}");
                let after = paths(&store).await;
                if !before.iter().all(|path| after.contains(path)) {
                    let opened = archive.destroyed(&record).await.unwrap().expect("a tombstone comes before any removal").opened;
                    let (_, entries) = published(&archive).await;
                    assert!(entries.iter().any(|entry| *entry == opened.leaf.to_bytes()), "{case}: its leaf too");
                    assert!(
                        archive.objects.size(&doomed_source()).await.unwrap().is_none()
                            || after.iter().any(|path| path.ends_with("destroyed.json"))
                    );
                }
                archive.close().await;
                if matches!(then, Then::LosesTheIndex) {
                    remove_index(&place.database()).unwrap();
                }
                let archive = place.open_logged_over(store.clone()).await;
                if matches!(then, Then::LosesTheIndex) {
                    rebuild(&archive).await;
                }
                // what is half done is told as just that
                let (_, findings) = fsck(&archive).await;
                let told = |kind| {
                    matches!(kind, Kind::HalfDestroyed | Kind::Unlogged | Kind::IndexDiffers | Kind::IndexForeign | Kind::Orphan)
                };
                assert!(findings.iter().all(|finding| told(finding.kind)), "{case}: {findings:?}");
                destroy(&archive, one(&record), "cd").await.unwrap();
                expect_destroyed(&archive, &store, &record, &case).await;
            }
        }
    }
}

fn doomed_source() -> sohoa_record::Sha256Hex {
    sohoa_record::Sha256Hex::of(&doomed().bytes)
}

#[tokio::test]
async fn nothing_is_removed_while_the_log_lacks_a_leaf() {
    let place = Place::new();
    let (archive, record) = filled(place.store(), &place).await;
    let refused = |error: Error, why: &str| assert!(matches!(&error, Error::Destruction(said) if said.contains(why)), "{error}");
    // no log was ever written
    refused(archive.plan_destruction(one(&record)).await.unwrap_err(), "no log is kept");
    let log = open(&archive).await;
    log.catch_up(&archive).await.unwrap();
    let plan = archive.plan_destruction(one(&record)).await.unwrap();
    refused(archive.erase(&plan).await.unwrap_err(), "no tombstone");
    let tombstone = plan.records[0].to_bury("QĐ 12", "Bình", "2046-11-22T08:00:00+07:00".into(), "ab".repeat(32)).unwrap();
    let stranger = ed25519_dalek::SigningKey::from_bytes(&[9; 32]);
    assert!(matches!(archive.bury(&tombstone.seal(&stranger)).await, Err(Error::ForeignReceipt { .. })));
    archive.bury(&tombstone.seal(&key())).await.unwrap();
    let before = place.stored();
    refused(archive.erase(&plan).await.unwrap_err(), "not in the published log");
    assert_eq!(place.stored(), before);
    // nor may anybody decide on it any more
    let mut manifest = plan.records[0].revisions[1].manifest.clone();
    (manifest.revision, manifest.previous) = (3, Some(plan.records[0].revisions[1].digest.clone()));
    let late = sohoa_record::Receipt::seal(&manifest, &key());
    assert!(matches!(archive.commit(&late).await, Err(Error::Destroyed { revision: 3, .. })));
    (manifest.revision, manifest.previous) = (4, Some(tombstone_digest(&archive, &record).await));
    let later = sohoa_record::Receipt::seal(&manifest, &key());
    assert!(matches!(archive.commit(&later).await, Err(Error::Destroyed { .. })));
}

async fn tombstone_digest(archive: &Archive, record: &RecordId) -> sohoa_record::Sha256Hex {
    archive.destroyed(record).await.unwrap().unwrap().opened.digest
}

#[tokio::test]
async fn a_review_that_comes_first_is_destroyed_too() {
    let place = Place::new();
    let (archive, record) = filled(place.store(), &place).await;
    open(&archive).await.catch_up(&archive).await.unwrap();
    let plan = archive.plan_destruction(one(&record)).await.unwrap();
    archive.commit(&revise(&archive, &record, |_| {}).await).await.unwrap();
    let tombstone = plan.records[0].to_bury("QĐ 12", "Bình", "2046-11-22T08:00:00+07:00".into(), "ab".repeat(32)).unwrap();
    assert!(matches!(archive.bury(&tombstone.seal(&key())).await, Err(Error::Chain { revision: 3, .. })));
    destroy(&archive, one(&record), "ab").await.unwrap();
    assert!(matches!(archive.revisions(&record).await, Err(Error::Destroyed { revision: 4, .. })));
    assert_eq!(fsck(&archive).await.1, []);
}

#[tokio::test]
async fn documents_of_one_scan_go_together() {
    let place = Place::new();
    let archive = place.open_logged().await;
    let doc = doomed();
    let arrived = arrive(&archive, &doc).await.unwrap();
    for number in [3, 2, 1] {
        let receipt = seal_part(&archive, &doc, &arrived, 1, Some(Part { number, of: 3 })).await.unwrap();
        archive.commit(&receipt).await.unwrap();
    }
    open(&archive).await.catch_up(&archive).await.unwrap();
    let parts: Vec<RecordId> = (1..=3).map(|number| arrived.first.record.part(number)).collect();
    for some in [&parts[..1], &parts[1..2], &parts[..2]] {
        let error = archive.plan_destruction(some).await.unwrap_err().to_string();
        assert!(error.contains(&format!("sohoa destroy {} {} {}", parts[0], parts[1], parts[2])), "{error}");
    }
    destroy(&archive, &parts, "ab").await.unwrap();
    assert_eq!((fsck(&archive).await.1, place.receipts()), (vec![], 3));
    assert!(!archive.wants_rebuild().await.unwrap(), "an archive of which all was destroyed is no lost index");
    assert!(nobody_is_named(&place.store()).await);
}

#[tokio::test]
async fn what_another_record_needs_stays() {
    let place = Place::new();
    let (archive, _) = filled(place.store(), &place).await;
    let (arrived, _) = ingest(&archive, &blank("c.png"), 3).await.unwrap();
    let record = arrived.first.record;
    open(&archive).await.catch_up(&archive).await.unwrap();
    let plan = archive.plan_destruction(one(&record)).await.unwrap();
    assert_eq!((plan.objects.len(), plan.kept.len()), (2, 1), "the text of a blank page is that of the other one");
    destroy(&archive, &[record], "ab").await.unwrap();
    assert_eq!(fsck(&archive).await.1, []);

    // A searchable copy that somebody took in again as a scan is one object of two records.
    let copy = archive.index.entries(&Default::default(), None, 9).await.unwrap().pop().unwrap();
    let opened = archive.revisions(&copy.record).await.unwrap().pop().unwrap();
    let searchable = opened.manifest.object(sohoa_record::manifest::Role::Searchable).unwrap().digests.sha256.clone();
    let again = Document { bytes: archive.objects.get(&searchable).await.unwrap().to_vec(), ..document("copy.pdf", &["x"]) };
    let (arrived, _) = ingest(&archive, &again, 4).await.unwrap();
    open(&archive).await.catch_up(&archive).await.unwrap();
    for record in [&arrived.first.record, &copy.record] {
        let error = archive.plan_destruction(one(record)).await.unwrap_err().to_string();
        assert!(error.contains("has the same bytes"), "{error}");
    }
    destroy(&archive, &[arrived.first.record, copy.record], "cd").await.unwrap();
    assert_eq!(fsck(&archive).await.1, []);
}

#[tokio::test]
async fn bytes_that_were_destroyed_do_not_come_in_again() {
    let place = Place::new();
    let (archive, record) = filled(place.store(), &place).await;
    destroy(&archive, one(&record), "ab").await.unwrap();
    let before = place.stored();
    let error = arrive(&archive, &doomed()).await.unwrap_err();
    assert!(matches!(&error, Error::Destroyed { record: of, .. } if *of == record), "{error}");
    assert!(error.to_string().contains("QĐ 12/QĐ-UBND") && error.remedy() == Remedy::Document, "{error}");
    // also from a file, small or in parts: nothing is stored on the way
    let file = place.file("scan.png");
    std::fs::write(&file, doomed().bytes).unwrap();
    let mut file = tokio::fs::File::open(&file).await.unwrap();
    let source = sohoa_archive::SourceBytes::File(&mut file);
    assert!(matches!(archive.arrive(doomed().arriving(), source).await, Err(Error::Destroyed { .. })));
    assert_eq!(place.stored(), before);
    assert_eq!(archive.queue.counts().await.unwrap().queued, 0);
}

#[tokio::test]
async fn what_is_gone_without_a_tombstone_is_missed_as_before() {
    let place = Place::new();
    let (archive, record) = filled(place.store(), &place).await;
    open(&archive).await.catch_up(&archive).await.unwrap();
    let source = archive.objects.local_path(&doomed_source()).unwrap();
    std::fs::remove_file(source).unwrap();
    std::fs::remove_file(place.folder().join(layout::receipt(&record, 2).as_ref())).unwrap();
    let kinds: Vec<Kind> = fsck(&archive).await.1.into_iter().map(|finding| finding.kind).collect();
    assert!(kinds.contains(&Kind::MissingObject) && kinds.contains(&Kind::LeafWithoutReceipt), "{kinds:?}");
    // Nor can a destruction be laid over it: the log has another revision 2.
    assert!(matches!(archive.plan_destruction(&[record]).await, Err(Error::Withheld { revision: 2, .. })));
}
