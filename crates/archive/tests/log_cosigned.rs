//! What is published beside leaves: cosigned checkpoints, time stamps, and the leaves of those that renew others. Each of their writes may
//! fail, be stored and yet fail, or be the last one before a crash; writers may race. No cosignature that was published is lost, no stamp is
//! replaced, no leaf is there twice, and an older checkpoint never stays over a newer one.
#![allow(clippy::unwrap_used)]

mod common;

use common::faulty::{Faulty, When};
use common::log::*;
use common::*;
use ed25519_dalek::SigningKey;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt as _};
use sohoa_archive::{Archive, Log, Remedy, Result, remove_index};
use sohoa_record::TrustPolicy;
use sohoa_record::log::cosignature::cosign;
use sohoa_record::log::head::cosigned;
use sohoa_record::log::note::KeyType;
use sohoa_record::log::proof::continues;
use sohoa_record::log::{Checkpoint, Leaf, Note, VerifierKey};
use std::sync::{Arc, Mutex};

const WITNESS: &str = "witness.example";

fn witness() -> SigningKey {
    SigningKey::from_bytes(b"sohoa TEST-ONLY witness's key  1")
}

fn witness_key() -> VerifierKey {
    VerifierKey::new(WITNESS, KeyType::Cosignature, witness().verifying_key()).unwrap()
}

/// The policy of the other tests with one witness, which must agree.
fn witnessed() -> TrustPolicy {
    let log = trust().log().unwrap().logs()[0].key.to_string();
    let sealing = sohoa_record::trust::policy_line(&key().verifying_key(), "tests");
    TrustPolicy::parse(&format!("{sealing}\nlog {log}\nwitness w {}\nquorum w\n", witness_key())).unwrap()
}

async fn open_witnessed(place: &Place, store: Arc<dyn ObjectStore>) -> Archive {
    Archive::open(store, Some(&place.folder()), &place.database(), witnessed()).await.unwrap()
}

fn is_cosigned(note: &Note) -> bool {
    note.signed_by(&witness_key()).is_ok_and(|times| !times.is_empty())
}

/// A witness as the protocol wants it: it never cosigns a smaller tree than it did.
#[derive(Default)]
struct Witness {
    newest: Mutex<u64>,
}

impl Witness {
    fn cosign(&self, note: &Note) -> Option<Note> {
        let size = Checkpoint::of_note(note).unwrap().size;
        let mut newest = self.newest.lock().unwrap();
        if size < *newest {
            return None;
        }
        *newest = size;
        let cosignature = cosign(&note.text, WITNESS, &witness(), 1_700_000_000 + size).unwrap();
        Some(Note { text: note.text.clone(), signatures: [note.signatures.clone(), vec![cosignature]].concat() })
    }
}

/// Has the published checkpoint cosigned, as a service does after each append.
async fn have_cosigned(log: &Log, witness: &Witness) -> Result<()> {
    let note = log.reader().checkpoint().await?.unwrap();
    if !is_cosigned(&note)
        && let Some(cosigned) = witness.cosign(&note)
    {
        log.publish_cosigned(&cosigned).await?;
    }
    Ok(())
}

const FIRST: &[u8] = b"a stamp over five leaves";
const RENEWED: &[u8] = b"a stamp over these and the stamp before";

/// A log that grows, is cosigned, stamped, renewed, and cosigned again. `witness` outlives the writers.
async fn day(log: &Log, witness: &Witness, store: &Arc<dyn ObjectStore>) -> Result<()> {
    log.append(&leaves(0..3)).await?;
    have_cosigned(log, witness).await?;
    log.append(&leaves(3..5)).await?;
    assert!(log.keep_anchor(5, 1, FIRST).await?);
    have_cosigned(log, witness).await?;
    assert!(log.keep_anchor(5, 2, RENEWED).await?);
    log.append_renewals().await?;
    have_cosigned(log, witness).await?;
    expect_kept(store).await;
    Ok(())
}

async fn file(store: &Arc<dyn ObjectStore>, name: &str) -> Option<Vec<u8>> {
    let got = store.get(&Path::from(format!("log/{name}"))).await.ok()?;
    Some(got.bytes().await.unwrap().to_vec())
}

/// A cosigned checkpoint that is published is also kept for good.
async fn expect_kept(store: &Arc<dyn ObjectStore>) {
    let Some(published) = file(store, "checkpoint").await else { return };
    let note = Note::parse(&published).unwrap();
    if is_cosigned(&note) {
        let kept = file(store, &cosigned(Checkpoint::of_note(&note).unwrap().size)).await.expect("kept before it is published");
        assert!(is_cosigned(&Note::parse(&kept).unwrap()));
    }
}

/// Leaves once and in order, stamps as they were given, every kept checkpoint continued by the newest, which is cosigned.
async fn expect_whole(archive: &Archive, store: &Arc<dyn ObjectStore>, case: &str) {
    let (tree, entries) = published(archive).await;
    let renewal = Leaf::of_renewal(RENEWED, &signer()).to_bytes();
    assert_eq!(entries, [leaves(0..5), vec![renewal.into()]].concat(), "{case}");
    assert_eq!(archive.log().anchors(5).await.unwrap(), [FIRST, RENEWED], "{case}");
    expect_one_chain(store, archive).await;
    expect_kept(store).await;
    let newest = archive.log().checkpoint().await.unwrap().unwrap();
    assert!(is_cosigned(&newest) && Checkpoint::of_note(&newest).unwrap() == tree, "{case}");
    for size in 1..=tree.size {
        let Some(kept) = file(store, &cosigned(size)).await else { continue };
        let old = Checkpoint::of_note(&Note::parse(&kept).unwrap()).unwrap();
        let proof = archive.log().consistency(old.size, tree.size).await.unwrap();
        assert!(continues(old.size, &old.root, tree.size, &tree.root, &proof), "{case}: {size} leaves");
    }
}

#[tokio::test]
async fn every_write_of_cosignatures_and_stamps_may_fail() {
    let place = Place::new();
    let counting = Faulty::over(Arc::new(InMemory::new()), None);
    let store: Arc<dyn ObjectStore> = Arc::new(counting.clone());
    let archive = open_witnessed(&place, store.clone()).await;
    day(&open(&archive).await, &Witness::default(), &store).await.unwrap();
    expect_whole(&archive, &store, "nothing failed").await;
    // the self-test; three heads of five writes each; three cosigned checkpoints: kept, published, and the newest head looked at again,
    // with its tile and bundle; two stamps
    assert_eq!(counting.writes(), 2 + 3 * 5 + 3 * (2 + 2) + 2);

    for n in 0..counting.writes() {
        for when in [When::BeforeTheWrite, When::AfterTheWrite] {
            for (then, restarts, loses_the_index) in
                [("goes on", false, false), ("restarts", true, false), ("loses the index", true, true)]
            {
                let case = format!("write {n}, {when:?}, then {then}");
                let place = Place::new();
                let store: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
                let mut archive = open_witnessed(&place, Arc::new(Faulty::over(store.clone(), Some((n, when))))).await;
                let witness = Witness::default();
                let mut log = match Log::open(&archive, signer(), None).await {
                    Ok(log) => {
                        let error = day(&log, &witness, &store).await.unwrap_err();
                        assert_eq!(error.remedy(), Remedy::Retry, "{case}: {error}");
                        Some(log)
                    }
                    Err(error) => {
                        assert_eq!(error.remedy(), Remedy::Retry, "{case}: {error}");
                        None
                    }
                };
                expect_kept(&store).await;
                if restarts || log.is_none() {
                    archive.close().await;
                    if loses_the_index {
                        remove_index(&place.database()).unwrap();
                    }
                    archive = open_witnessed(&place, store.clone()).await;
                    log = Some(open(&archive).await);
                }
                day(&log.unwrap(), &witness, &store).await.unwrap();
                expect_whole(&archive, &store, &case).await;
            }
        }
    }
}

/// A stamp of the same number, by another writer or by a run whose answer was lost, stays.
#[tokio::test]
async fn the_first_stamp_of_its_number_stays() {
    let place = Place::new();
    let archive = place.open_logged().await;
    let log = open(&archive).await;
    log.append(&leaves(0..5)).await.unwrap();
    assert!(log.keep_anchor(5, 1, FIRST).await.unwrap());
    assert!(!log.keep_anchor(5, 1, RENEWED).await.unwrap(), "told that it was not kept");
    assert_eq!(archive.log().anchors(5).await.unwrap(), [FIRST]);
}

/// Some append, some have what is published cosigned and put it back, each with an index of its own.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn those_who_cosign_and_those_who_append_do_not_undo_each_other() {
    const APPEND: u64 = 4;
    const EACH: u64 = 16;
    for round in 0..4 {
        let store: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
        let places: Vec<Place> = (0..2 * APPEND).map(|_| Place::new()).collect();
        let first = open_witnessed(&places[0], store.clone()).await;
        open(&first).await.append(&leaves(90_000..90_001)).await.unwrap();
        let witness = Witness::default();
        let writer = |n: u64| {
            let (store, place, witness) = (store.clone(), &places[n as usize], &witness);
            async move {
                let archive = open_witnessed(place, store.clone()).await;
                let log = open(&archive).await;
                for i in 0..EACH {
                    if n < APPEND {
                        log.append(&[leaf(n * 1000 + i)]).await.unwrap();
                    } else {
                        have_cosigned(&log, witness).await.unwrap();
                    }
                    expect_kept(&store).await;
                }
            }
        };
        let all = futures::future::join_all((0..2 * APPEND).map(writer));
        tokio::time::timeout(std::time::Duration::from_secs(120), all).await.unwrap();
        let (tree, entries) = published(&first).await;
        assert_eq!(entries.len() as u64, 1 + APPEND * EACH, "round {round}: the newest checkpoint is the one of the newest head");
        expect_one_chain(&store, &first).await;
        // Whoever comes next has it cosigned.
        have_cosigned(&open(&first).await, &witness).await.unwrap();
        assert!(is_cosigned(&first.log().checkpoint().await.unwrap().unwrap()), "round {round}: {} leaves", tree.size);
        expect_kept(&store).await;
    }
}
