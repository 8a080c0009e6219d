//! Keyrings in the store: one of each version, logged after what their keys have sealed, and only when the root stands for them.
#![allow(clippy::unwrap_used)]

mod common;

use common::faulty::{Faulty, When};
use common::log::*;
use common::*;
use ed25519_dalek::SigningKey;
use object_store::ObjectStore;
use object_store::memory::InMemory;
use sohoa_archive::{Archive, Log, Result};
use sohoa_record::keyring::{FORMAT, Holder, Keyring, RootKeys, SealingKey, Standing, State};
use sohoa_record::log::{Kind, Leaf};
use sohoa_record::trust::{key_id, policy_line, public_key_base64, root_line};
use sohoa_record::{Envelope, Sha256Hex, TrustPolicy};
use std::sync::Arc;

fn holder() -> SigningKey {
    SigningKey::from_bytes(b"sohoa TEST-ONLY root key number1")
}

fn rooted() -> TrustPolicy {
    let (seals, root) = (policy_line(&key().verifying_key(), "tests"), root_line(&holder().verifying_key(), "An"));
    TrustPolicy::parse(&format!("{seals}\n{root}\nroot-threshold 1\nlog {}\nquorum none\n", signer().public())).unwrap()
}

fn keyring(before: Option<&Keyring>) -> Keyring {
    let spki = |key: SigningKey| public_key_base64(&key.verifying_key());
    let seals = SealingKey {
        from: Some(0),
        key: spki(key()),
        name: "tests".into(),
        reason: None,
        state: if before.is_some() { State::Retired } else { State::Valid },
        until: None,
    };
    Keyring {
        format: FORMAT.into(),
        issued_at: "2026-11-27T09:00:00+07:00".into(),
        keys: vec![seals],
        previous: before.map(|before| Sha256Hex::of(&before.to_bytes())),
        root: RootKeys { keys: vec![Holder { key: spki(holder()), name: "An".into() }], threshold: 1 },
        salt: "03".repeat(32),
        version: before.map_or(1, |before| before.version + 1),
    }
}

fn signed(keyring: &Keyring, by: &SigningKey) -> Envelope {
    let mut envelope = keyring.envelope();
    envelope.sign(&keyring.to_bytes(), by);
    envelope
}

async fn open_over(place: &Place, store: Arc<dyn ObjectStore>) -> Archive {
    Archive::open(store, Some(&place.folder()), &place.database(), rooted()).await.unwrap()
}

async fn kinds(archive: &Archive) -> Vec<Kind> {
    published(archive).await.1.iter().map(|entry| Leaf::from_bytes(entry).unwrap().kind).collect()
}

/// Publishes two versions as the program does it: what is sealed, the keyring, its leaf.
async fn publish(archive: &Archive) -> Result<()> {
    let first = keyring(None);
    for (document, next) in [("a", first.clone()), ("b", keyring(Some(&first)))] {
        let log = Log::open(archive, signer(), None).await?;
        ingest(archive, &document_of(document), next.version as u8).await?;
        log.catch_up(archive).await?;
        assert_eq!(archive.put_keyring(next.version, &signed(&next, &holder())).await?, None);
        log.catch_up(archive).await?;
    }
    Ok(())
}

fn document_of(name: &str) -> Document {
    document(&format!("{name}.pdf"), &["một trang"])
}

#[tokio::test]
async fn every_write_of_a_publication_may_fail() {
    let place = Place::new();
    let counting = Faulty::over(Arc::new(InMemory::new()), None);
    publish(&open_over(&place, Arc::new(counting.clone())).await).await.unwrap();
    for n in 0..counting.writes() {
        for when in [When::BeforeTheWrite, When::AfterTheWrite] {
            let (place, store): (_, Arc<dyn ObjectStore>) = (Place::new(), Arc::new(InMemory::new()));
            let archive = open_over(&place, Arc::new(Faulty::over(store.clone(), Some((n, when))))).await;
            publish(&archive).await.unwrap_err();
            archive.close().await;
            let archive = open_over(&place, store).await;
            publish(&archive).await.unwrap();
            let case = format!("write {n}, {when:?}");
            assert_eq!(kinds(&archive).await, [Kind::Record, Kind::KeyEvent, Kind::Record, Kind::KeyEvent], "{case}");
            let history = archive.key_history().await.unwrap().unwrap();
            let stands = |index| history.standing(&key_id(&key().verifying_key()), Some(index));
            assert_eq!((stands(0), stands(2), stands(3)), (Standing::Valid, Standing::Valid, Standing::Retired(3)), "{case}");
            assert!(fsck(&archive).await.0.is_clean(), "{case}");
        }
    }
}

#[tokio::test]
async fn what_a_retired_key_sealed_and_nobody_logged_comes_before_its_end() {
    let place = Place::new();
    let archive = open_over(&place, place.store()).await;
    let first = keyring(None);
    archive.put_keyring(1, &signed(&first, &holder())).await.unwrap();
    Log::open(&archive, signer(), None).await.unwrap().catch_up(&archive).await.unwrap();
    // an ingest was killed before its leaf, and the retirement is published before the next one
    ingest(&archive, &document_of("a"), 1).await.unwrap();
    archive.put_keyring(2, &signed(&keyring(Some(&first)), &holder())).await.unwrap();
    Log::open(&archive, signer(), None).await.unwrap().catch_up(&archive).await.unwrap();
    assert_eq!(kinds(&archive).await, [Kind::KeyEvent, Kind::Record, Kind::KeyEvent]);
}

#[tokio::test]
async fn a_keyring_that_somebody_puts_there_is_not_logged_and_another_one_of_a_version_is_told() {
    let place = Place::new();
    let archive = open_over(&place, place.store()).await;
    let first = keyring(None);
    archive.put_keyring(1, &signed(&first, &holder())).await.unwrap();
    let false_one = signed(&keyring(Some(&first)), &key());
    archive.put_keyring(2, &false_one).await.unwrap();
    Log::open(&archive, signer(), None).await.unwrap().catch_up(&archive).await.unwrap();
    assert_eq!(kinds(&archive).await, [Kind::KeyEvent]);
    let told = archive.put_keyring(2, &signed(&keyring(Some(&first)), &holder())).await.unwrap();
    assert_eq!(told.unwrap(), false_one.to_bytes());
    assert_eq!(archive.put_keyring(2, &false_one).await.unwrap(), None);
    // the leaf of a keyring that was taken away is told
    std::fs::remove_file(place.folder().join("keyring/v0001.json")).unwrap();
    let (report, findings) = fsck(&archive).await;
    assert!(!report.is_clean() && findings.iter().any(|f| f.kind == sohoa_archive::Kind::LeafWithoutReceipt), "{findings:?}");
}
