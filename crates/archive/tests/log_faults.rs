//! Every write of the log may fail, be stored and yet fail, or be the last one before a crash; eight writers may race; a store may be
//! old, or lie: there is one history, with every leaf once.
#![allow(clippy::unwrap_used)]

mod common;

use async_trait::async_trait;
use common::faulty::{Faulty, When};
use common::log::*;
use common::*;
use futures::stream::BoxStream;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore, PutMode, PutMultipartOptions,
    PutOptions, PutPayload, PutResult,
};
use sohoa_archive::{Archive, Error, Finding, Kind, Log, Remedy, Result, remove_index};
use sohoa_record::log::Checkpoint;
use sohoa_record::log::proof::continues;
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

/// What happens between the failed run and the next one.
#[derive(Clone, Copy, Debug)]
enum Then {
    /// The same writer goes on.
    GoesOn,
    /// It was stopped; a new one opens the log.
    Restarts,
    /// The index was lost as well.
    LosesTheIndex,
}

/// Appends that begin, continue, fill and pass a tile. `seen` gets every tree that was published on the way.
async fn batch(log: &Log, archive: &Archive, seen: &mut Vec<Checkpoint>) -> Result<()> {
    for range in [0..3, 3..255, 255..300, 300..301] {
        log.append(&leaves(range)).await?;
        seen.push(published(archive).await.0);
    }
    Ok(())
}

async fn expect_one_history(archive: &Archive, seen: &[Checkpoint], case: &str) {
    let (tree, entries) = published(archive).await;
    assert_eq!(entries, leaves(0..301), "{case}: every leaf once, in order");
    for old in seen {
        let proof = archive.log().consistency(old.size, tree.size).await.unwrap();
        assert!(continues(old.size, &old.root, tree.size, &tree.root, &proof), "{case}: {} leaves", old.size);
    }
}

#[tokio::test]
async fn every_write_may_fail() {
    let place = Place::new();
    let counting = Faulty::over(Arc::new(InMemory::new()), None);
    let archive = place.open_logged_over(Arc::new(counting.clone())).await;
    batch(&open(&archive).await, &archive, &mut Vec::new()).await.unwrap();
    let writes = counting.writes();
    // twice the self-test; then for each head: staging, head, partial tile and bundle, checkpoint; and what is filled, and a tile of level 1
    assert_eq!(writes, 2 + 4 * 5 + 2 + 1 + 1);

    for n in 0..writes {
        for when in [When::BeforeTheWrite, When::AfterTheWrite] {
            for then in [Then::GoesOn, Then::Restarts, Then::LosesTheIndex] {
                let case = format!("write {n}, {when:?}, then {then:?}");
                let place = Place::new();
                let store: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
                let mut archive = place.open_logged_over(Arc::new(Faulty::over(store.clone(), Some((n, when))))).await;
                let mut seen = Vec::new();
                let log = match Log::open(&archive, signer(), None).await {
                    Ok(log) => {
                        let error = batch(&log, &archive, &mut seen).await.unwrap_err();
                        assert_eq!(error.remedy(), Remedy::Retry, "{case}: {error}");
                        Some(log)
                    }
                    Err(error) => {
                        assert_eq!(error.remedy(), Remedy::Retry, "{case}: {error}");
                        None
                    }
                };
                let log = match (then, log) {
                    (Then::GoesOn, Some(log)) => log,
                    (Then::LosesTheIndex, _) => {
                        archive.close().await;
                        remove_index(&place.database()).unwrap();
                        archive = place.open_logged_over(store.clone()).await;
                        open(&archive).await
                    }
                    _ => {
                        archive = place.open_logged_over(store.clone()).await;
                        open(&archive).await
                    }
                };
                batch(&log, &archive, &mut seen).await.unwrap();
                expect_one_history(&archive, &seen, &case).await;
                expect_one_chain(&store, &archive).await;
            }
        }
    }
}

#[tokio::test]
async fn two_writers_may_reach_one_tree_from_different_heads() {
    let (here, there) = (Place::new(), Place::new());
    let store: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
    let (one, other) = (here.open_logged_over(store.clone()).await, there.open_logged_over(store.clone()).await);
    let (quick, slow) = (open(&one).await, open(&other).await);
    quick.append(&leaves(0..2)).await.unwrap();
    // The slow one stages all five on top of nothing, finds the first head taken, and stages the last three on top of that.
    let indices = slow.append(&leaves(0..5)).await.unwrap();
    assert_eq!(indices, [0, 1, 2, 3, 4]);
    assert_eq!(published(&one).await.1, leaves(0..5), "every leaf once, in order");
    quick.append(&leaves(5..6)).await.unwrap();
    assert_eq!(published(&other).await.1, leaves(0..6));
}

/// Eight programs, each with an index of its own, or all with one.
async fn race(store: Arc<dyn ObjectStore>, one_index: bool) {
    const WRITERS: u64 = 8;
    const EACH: u64 = 12;
    let places: Vec<Place> = (0..WRITERS).map(|_| Place::new()).collect();
    let seen = Mutex::new(Vec::new());
    let writer = |n: u64| {
        let (store, place, seen) = (store.clone(), &places[if one_index { 0 } else { n as usize }], &seen);
        async move {
            let archive = place.open_logged_over(store).await;
            let log = open(&archive).await;
            for i in 0..EACH {
                // its own leaf, and one that all bring
                let index = log.append(&[leaf(n * 1000 + i), leaf(99_000 + i)]).await.unwrap();
                // Without compare-and-swap another writer's checkpoint may lie over ours for a moment, an older one; the heads are ours.
                let size = log.tree().await.unwrap().size;
                assert!(index.iter().all(|index| *index < size));
                let (tree, entries) = published(&archive).await;
                seen.lock().unwrap().push(tree.clone());
                if tree.size <= index[0] {
                    continue;
                }
                assert_eq!(entries[index[0] as usize], leaf(n * 1000 + i));
            }
        }
    };
    let tasks = futures::future::join_all((0..WRITERS).map(writer));
    tokio::time::timeout(std::time::Duration::from_secs(120), tasks).await.unwrap();
    let archive = places[0].open_logged_over(store.clone()).await;
    let (tree, entries) = published(&archive).await;
    let expected: BTreeSet<_> =
        (0..WRITERS).flat_map(|n| (0..EACH).map(move |i| leaf(n * 1000 + i))).chain(leaves(99_000..99_000 + EACH)).collect();
    assert_eq!(tree.size as usize, expected.len(), "no leaf lost, none twice");
    assert_eq!(entries.into_iter().collect::<BTreeSet<_>>(), expected);
    expect_one_chain(&store, &archive).await;
    // What anybody saw published on the way is continued by the end.
    for old in seen.into_inner().unwrap() {
        let proof = archive.log().consistency(old.size, tree.size).await.unwrap();
        assert!(continues(old.size, &old.root, tree.size, &tree.root, &proof), "{} leaves", old.size);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn eight_writers_in_memory_write_one_history() {
    race(Arc::new(InMemory::new()), false).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn eight_writers_in_one_folder_write_one_history_that_go_believes() {
    let shared = Place::new();
    race(shared.store(), true).await;
    let place = Place::new();
    race(place.store(), false).await;
    assert!(oracle(&["log", place.folder().join("log").to_str().unwrap()]).unwrap().starts_with("ok 108 leaves, 108 proved"));
}

/// A store that takes a condition and does not keep it.
#[derive(Debug)]
struct Careless(InMemory);

impl std::fmt::Display for Careless {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "careless {}", self.0)
    }
}

#[async_trait]
impl ObjectStore for Careless {
    async fn put_opts(&self, location: &Path, payload: PutPayload, mut opts: PutOptions) -> object_store::Result<PutResult> {
        opts.mode = PutMode::Overwrite;
        self.0.put_opts(location, payload, opts).await
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        opts: PutMultipartOptions,
    ) -> object_store::Result<Box<dyn MultipartUpload>> {
        self.0.put_multipart_opts(location, opts).await
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> object_store::Result<GetResult> {
        self.0.get_opts(location, options).await
    }

    fn delete_stream(
        &self,
        locations: BoxStream<'static, object_store::Result<Path>>,
    ) -> BoxStream<'static, object_store::Result<Path>> {
        self.0.delete_stream(locations)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, object_store::Result<ObjectMeta>> {
        self.0.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> object_store::Result<ListResult> {
        self.0.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> object_store::Result<()> {
        self.0.copy_opts(from, to, options).await
    }
}

#[tokio::test]
async fn a_store_that_ignores_conditions_is_refused_at_start() {
    let place = Place::new();
    let archive = place.open_logged_over(Arc::new(Careless(InMemory::new()))).await;
    for _ in 0..2 {
        let error = Log::open(&archive, signer(), None).await.unwrap_err();
        assert!(matches!(error, Error::Unconditional), "{error}");
        assert_eq!(error.remedy(), Remedy::Halt);
    }
}

fn copy_folder(from: &std::path::Path, to: &std::path::Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let (path, to) = (entry.as_ref().unwrap().path(), to.join(entry.unwrap().file_name()));
        if path.is_dir() { copy_folder(&path, &to) } else { assert!(std::fs::copy(&path, &to).is_ok()) }
    }
}

#[tokio::test]
async fn a_restored_backup_is_not_continued() {
    let place = Place::new();
    let (now, backup) = (place.folder().join("log"), place.file("backup"));
    let archive = place.open_logged().await;
    let log = open(&archive).await;
    log.append(&leaves(0..3)).await.unwrap();
    copy_folder(&now, &backup);
    log.append(&leaves(3..5)).await.unwrap();
    let newest = log.tree().await.unwrap();
    let newest_note = std::fs::read(now.join("checkpoint")).unwrap();
    let refused = async |archive: &Archive, kept: Option<&Checkpoint>, why: &str| {
        let error = Log::open(archive, signer(), kept).await.expect_err(why).to_string();
        assert!(error.contains(why), "{error}");
    };

    // The index saw five leaves.
    std::fs::remove_dir_all(&now).unwrap();
    copy_folder(&backup, &now);
    refused(&archive, None, "the index knows another log of 5 leaves").await;
    // The index is gone too: the checkpoint kept beside the key tells.
    archive.close().await;
    remove_index(&place.database()).unwrap();
    let archive = place.open_logged().await;
    refused(&archive, Some(&newest), "kept beside the key has 5 leaves, the store's log 3").await;
    // Nothing is kept, but the checkpoint itself was not taken back.
    std::fs::write(now.join("checkpoint"), &newest_note).unwrap();
    refused(&archive, None, "the published checkpoint has 5 leaves").await;
    assert!(!now.join("heads/00000000000000000003").exists(), "nothing was written");

    // Somebody continued the backup otherwise, as long as the first history: the kept checkpoint tells it apart.
    std::fs::remove_dir_all(&now).unwrap();
    copy_folder(&backup, &now);
    let log = open(&archive).await;
    log.append(&leaves(7..9)).await.unwrap();
    refused(&archive, Some(&newest), "does not continue the checkpoint kept beside the key of 5 leaves").await;
    // A log that never was: all of it taken away.
    std::fs::remove_dir_all(&now).unwrap();
    refused(&archive, None, "the index knows another log").await;
    // What was there all the time is continued.
    copy_folder(&backup, &now);
    archive.close().await;
    remove_index(&place.database()).unwrap();
    let archive = place.open_logged().await;
    let old = Checkpoint { size: 0, root: sohoa_record::log::tree::empty_root(), ..newest };
    assert_eq!(Log::open(&archive, signer(), Some(&old)).await.unwrap().append(&leaves(3..4)).await.unwrap(), [3]);
}

#[tokio::test]
async fn whatever_was_changed_in_the_log_stops_the_next_writer_or_is_found() {
    let place = Place::new();
    let archive = place.open_logged().await;
    open(&archive).await.append(&leaves(0..2)).await.unwrap();
    open(&archive).await.append(&leaves(2..300)).await.unwrap();
    for name in [
        "heads/00000000000000000002",
        "heads/00000000000000000001",
        "tile/0/001.p/44",
        "tile/1/000.p/1",
        "tile/entries/001.p/44",
        "checkpoint",
    ] {
        let file = place.folder().join("log").join(name);
        let bytes = std::fs::read(&file).unwrap();
        let mut changed = bytes.clone();
        changed[bytes.len() / 2] ^= 1;
        std::fs::write(&file, changed).unwrap();
        let error = Log::open(&archive, signer(), None).await.expect_err(name);
        assert_eq!(error.remedy(), Remedy::Halt, "{name}: {error}");
        std::fs::write(&file, bytes).unwrap();
    }
    open(&archive).await;
}

async fn findings(archive: &Archive) -> Vec<(Kind, String)> {
    fsck(archive).await.1.into_iter().map(|Finding { kind, place, .. }| (kind, place)).collect()
}

#[tokio::test]
async fn fsck_tells_receipt_and_leaf_apart() {
    let place = Place::new();
    let archive = place.open_logged().await;
    let log = open(&archive).await;
    let (arrived, _) = ingest(&archive, &document("a.png", &["một"]), 1).await.unwrap();
    let receipt = revise(&archive, &arrived.first.record, |_| {}).await;
    archive.commit(&receipt).await.unwrap();
    log.catch_up(&archive).await.unwrap();
    assert_eq!(findings(&archive).await, []);
    // A policy without a log says that there is one; nothing else.
    let unaware = place.open().await;
    assert_eq!(findings(&unaware).await, [(Kind::LogUnchecked, "log".into())]);

    // The amendment is taken away.
    let path = place.folder().join(format!("records/{}/r0002.dsse.json", arrived.first.record));
    let amendment = std::fs::read(&path).unwrap();
    std::fs::remove_file(&path).unwrap();
    let told = findings(&archive).await;
    assert!(told.contains(&(Kind::LeafWithoutReceipt, format!("records/{}/r0002.dsse.json", arrived.first.record))), "{told:?}");
    // Another one stands in its place.
    let other = {
        let archive = place.open().await;
        revise(&archive, &arrived.first.record, |manifest| manifest.salt = "ab".repeat(32)).await
    };
    std::fs::write(&path, other.to_bytes()).unwrap();
    let told = findings(&archive).await;
    assert!(told.iter().any(|(kind, _)| *kind == Kind::LeafDiffers), "{told:?}");
    std::fs::write(&path, amendment).unwrap();

    // An entry, a hash and the checkpoint are changed.
    for (name, at) in [("tile/entries/000.p/2", 100), ("checkpoint", 40)] {
        let file = place.folder().join("log").join(name);
        let bytes = std::fs::read(&file).unwrap();
        let mut changed = bytes.clone();
        changed[at] ^= 1;
        std::fs::write(&file, changed).unwrap();
        let told = findings(&archive).await;
        assert!(told.iter().any(|(kind, _)| *kind == Kind::BadLog), "{name}: {told:?}");
        std::fs::write(&file, bytes).unwrap();
    }
    assert_eq!(findings(&archive).await, []);
}

#[tokio::test]
async fn fsck_misses_and_mistrusts_each_file_of_the_log_that_is_needed() {
    let place = Place::new();
    let archive = place.open_logged().await;
    let log = open(&archive).await;
    for (n, name) in ["a.png", "b.png", "c.png"].iter().enumerate() {
        ingest(&archive, &document(name, &["một"]), n as u8).await.unwrap();
        log.catch_up(&archive).await.unwrap();
    }
    assert_eq!(findings(&archive).await, []);
    let folder = place.folder().join("log");
    let newest = std::fs::read_dir(folder.join("staging")).unwrap().map(|file| file.unwrap().file_name()).max().unwrap();
    let staging = format!("staging/{}", newest.to_str().unwrap());
    let head = |n: u64| format!("heads/{n:020}");
    for name in ["checkpoint", &head(1), &head(2), &head(3), &staging, "tile/0/000.p/3", "tile/entries/000.p/3"] {
        let file = folder.join(name);
        let bytes = std::fs::read(&file).unwrap();
        std::fs::remove_file(&file).unwrap();
        let told = findings(&archive).await;
        assert!(told.iter().any(|(kind, _)| *kind == Kind::BadLog), "{name} is gone: {told:?}");
        let mut changed = bytes.clone();
        changed[bytes.len() / 2] ^= 1;
        std::fs::write(&file, changed).unwrap();
        let told = findings(&archive).await;
        assert!(told.iter().any(|(kind, _)| *kind == Kind::BadLog), "{name} is changed: {told:?}");
        std::fs::write(&file, bytes).unwrap();
    }
    assert_eq!(findings(&archive).await, []);

    // All of it, and the index that knew it.
    let (_, tree) = archive.log_head().await.unwrap().unwrap();
    std::fs::remove_dir_all(&folder).unwrap();
    assert!(findings(&archive).await.contains(&(Kind::BadLog, "log/heads".into())), "the index knows better");
    archive.close().await;
    sohoa_archive::remove_index(&place.database()).unwrap();
    let archive = place.open_logged().await;
    rebuild(&archive).await;
    let mut told = Vec::new();
    archive.fsck(Some(&tree), &mut |finding| told.push(finding)).await.unwrap();
    assert!(told.iter().any(|finding| finding.kind == Kind::BadLog && finding.why.contains("taken back")), "{told:?}");
}

/// A share that went away and came back as it was yesterday, under a writer that goes on.
#[tokio::test]
async fn a_store_that_is_taken_back_under_a_running_writer_is_not_continued() {
    let place = Place::new();
    let archive = place.open_logged().await;
    let log = open(&archive).await;
    let aside = tempfile::tempdir().unwrap();
    let (store, yesterday, today) = (place.folder(), aside.path().join("yesterday"), aside.path().join("today"));
    let copy = |from: &std::path::Path, to: &std::path::Path| {
        assert!(std::process::Command::new("cp").arg("-a").args([from, to]).status().unwrap().success());
    };
    log.append(&leaves(0..2)).await.unwrap();
    copy(&store, &yesterday);
    log.append(&leaves(2..4)).await.unwrap();
    copy(&store, &today);

    let mounted = |what: Option<&std::path::Path>| {
        let _ = std::fs::remove_dir_all(&store);
        let _ = std::fs::remove_file(&store);
        match what {
            Some(copied) => copy(copied, &store),
            None => std::fs::write(&store, b"no folder").unwrap(),
        }
    };
    mounted(None);
    log.append(&leaves(4..5)).await.unwrap_err();
    mounted(Some(&yesterday));
    for again in [leaves(4..5), leaves(3..4)] {
        let error = log.append(&again).await.unwrap_err();
        assert!(matches!(error, Error::LogForks { .. }), "{error}");
    }
    assert_eq!(published(&archive).await.1, leaves(0..2), "nothing was added to it");
    mounted(Some(&today));
    log.append(&leaves(4..5)).await.unwrap();
    assert_eq!(published(&archive).await.1, leaves(0..5));
}
