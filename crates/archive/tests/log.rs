//! The log as it lies in the store: golden sizes, proofs from tiles, and Go's packages as judges of all of it.
#![allow(clippy::unwrap_used)]

mod common;

use common::log::*;
use common::*;
use sohoa_archive::Error;
use sohoa_record::log::proof::{continues, includes};
use sohoa_record::log::tree::{Edge, leaf_hash};
use sohoa_record::log::{Checkpoint, Note, TlogProof};

/// Sizes at which tiles fill, and small ones.
fn golden_sizes() -> impl Iterator<Item = u64> {
    (1..=20).chain(255..=257).chain(65_535..=65_537)
}

/// `SOHOA_FREEZE=1` writes the frozen checkpoints; they are never written again once released.
#[tokio::test]
async fn the_golden_log_has_its_frozen_checkpoints_and_go_believes_them() {
    let place = Place::new();
    let archive = place.open_logged().await;
    let log = open(&archive).await;
    let freeze = std::env::var_os("SOHOA_FREEZE").is_some();
    let mut older = Vec::new();
    let mut size = 0;
    for next in golden_sizes() {
        assert_eq!(log.append(&leaves(size..next)).await.unwrap(), (size..next).collect::<Vec<_>>());
        size = next;
        let (written, frozen) = (place.folder().join("log/checkpoint"), golden(&format!("checkpoint.{size}")));
        if freeze {
            std::fs::copy(&written, &frozen).unwrap();
        }
        assert_eq!(std::fs::read_to_string(&written).unwrap(), std::fs::read_to_string(&frozen).unwrap(), "size {size}");
        older.push(frozen.to_str().unwrap().to_owned());
        if matches!(size, 1 | 7 | 20 | 255 | 256 | 257 | 65_537) {
            let folder = place.folder().join("log");
            let arguments: Vec<&str> =
                ["log", folder.to_str().unwrap()].into_iter().chain(older.iter().map(String::as_str)).collect();
            let said = oracle(&arguments).unwrap();
            assert!(said.starts_with(&format!("ok {size} leaves")) && said.contains(&format!("{} older", older.len())), "{said}");
        }
    }
    assert_eq!(published(&archive).await.0.size, 65_537);
    // The empty log: its checkpoint is not published, and yet has one form.
    let empty = Checkpoint { origin: ORIGIN.into(), size: 0, root: Edge::default().root() };
    let note = signer().sign(&empty.text()).to_string();
    if freeze {
        std::fs::write(golden("checkpoint.0"), &note).unwrap();
        std::fs::write(golden("vkey"), format!("{}\n", signer().public())).unwrap();
    }
    assert_eq!(std::fs::read_to_string(golden("checkpoint.0")).unwrap(), note);
    assert_eq!(std::fs::read_to_string(golden("vkey")).unwrap(), format!("{}\n", signer().public()));
}

#[tokio::test]
async fn go_refuses_what_was_changed() {
    let place = Place::new();
    let log = open(&place.open_logged().await).await;
    log.append(&leaves(0..300)).await.unwrap();
    let folder = place.folder().join("log");
    let path = folder.to_str().unwrap();
    let older = golden("checkpoint.20");
    assert!(
        oracle(&["log", path, older.to_str().unwrap()])
            .unwrap()
            .starts_with("ok 300 leaves, 300 proved, consistent with 1 older")
    );
    for (name, at) in
        [("checkpoint", 30), ("tile/0/000", 40), ("tile/0/001.p/44", 1000), ("tile/1/000.p/1", 3), ("tile/entries/000", 77)]
    {
        let file = folder.join(name);
        let bytes = std::fs::read(&file).unwrap();
        let mut changed = bytes.clone();
        changed[at] ^= 1;
        std::fs::write(&file, &changed).unwrap();
        assert!(oracle(&["log", path]).is_err(), "{name}");
        std::fs::write(&file, bytes).unwrap();
    }
    // another history of the same length
    let other = Place::new();
    let log = open(&other.open_logged().await).await;
    log.append(&leaves(1..21)).await.unwrap();
    let forked = other.folder().join("log/checkpoint");
    assert!(oracle(&["log", path, forked.to_str().unwrap()]).is_err());
}

#[tokio::test]
async fn proofs_from_tiles_hold_at_every_size() {
    let place = Place::new();
    let archive = place.open_logged().await;
    let log = open(&archive).await;
    let mut trees: Vec<Checkpoint> = Vec::new();
    let mut size = 0;
    for step in [1, 1, 3, 250, 1, 1, 255, 256, 300, 7, 512, 1] {
        log.append(&leaves(size..size + step)).await.unwrap();
        size += step;
        let (tree, entries) = published(&archive).await;
        assert_eq!(tree.size, size);
        let reader = archive.log();
        for index in (0..size).step_by(37).chain([size - 1]) {
            let proof = reader.inclusion(index, size).await.unwrap();
            assert!(includes(&leaf_hash(&entries[index as usize]), index, size, &tree.root, &proof));
            assert!(!includes(&leaf_hash(b"another"), index, size, &tree.root, &proof));
        }
        for old in &trees {
            let proof = reader.consistency(old.size, size).await.unwrap();
            assert!(continues(old.size, &old.root, size, &tree.root, &proof), "{} to {size}", old.size);
        }
        assert!(reader.inclusion(size, size).await.is_err() && reader.consistency(size + 1, size).await.is_err());
        trees.push(tree);
    }
}

#[tokio::test]
async fn an_entry_is_appended_once_however_often_it_comes() {
    let place = Place::new();
    let archive = place.open_logged().await;
    let log = open(&archive).await;
    assert_eq!(log.append(&[leaf(5), leaf(6), leaf(5)]).await.unwrap(), [0, 1, 0]);
    assert_eq!(log.append(&[leaf(6), leaf(7)]).await.unwrap(), [1, 2]);
    drop(log);
    assert_eq!(open(&archive).await.append(&[leaf(5)]).await.unwrap(), [0]);
    assert_eq!(published(&archive).await.0.size, 3);
    assert!(open(&archive).await.append(&[vec![0; 65_536].into()]).await.is_err());
    assert_eq!(open(&archive).await.append(&[leaf(8)]).await.unwrap(), [3]);
}

#[tokio::test]
async fn a_receipt_gets_its_leaf_and_its_proof() {
    let place = Place::new();
    let archive = place.open_logged().await;
    let log = open(&archive).await;
    assert_eq!(log.catch_up(&archive).await.unwrap(), 0);
    let (arrived, commit) = ingest(&archive, &document("a.png", &["Quyết định"]), 1).await.unwrap();
    ingest(&archive, &document("b.png", &["tờ khai"]), 1).await.unwrap();
    let opened = commit.unwrap().opened().clone();
    assert_eq!(archive.log_proof(&opened).await.unwrap(), None);
    let (report, findings) = fsck(&archive).await;
    assert!(report.is_clean() && report.notes == 2, "{findings:?}");
    assert_eq!(log.catch_up(&archive).await.unwrap(), 2);

    let receipt = revise(&archive, &arrived.first.record, |_| {}).await;
    let revised = archive.commit(&receipt).await.unwrap().opened().clone();
    assert_eq!((log.catch_up(&archive).await.unwrap(), log.catch_up(&archive).await.unwrap()), (1, 0));
    let (report, findings) = fsck(&archive).await;
    assert_eq!((report.leaves, findings), (3, vec![]));
    let trust = trust();
    for opened in [&opened, &revised] {
        let proof = archive.log_proof(opened).await.unwrap().unwrap();
        let entry = sohoa_record::log::Leaf::of_revision(opened).to_bytes();
        assert_eq!(proof.verify(&entry, trust.log().unwrap()).unwrap().checkpoint.size, 3);
        assert_eq!(TlogProof::parse(proof.to_string().as_bytes()).as_ref(), Ok(&proof));
        let (file, leaf) = (place.file("a.tlog-proof"), place.file("a.leaf"));
        std::fs::write(&file, proof.to_string()).unwrap();
        std::fs::write(&leaf, &entry).unwrap();
        let arguments = ["proof", file.to_str().unwrap(), leaf.to_str().unwrap()];
        assert!(oracle(&arguments).unwrap().starts_with(&format!("ok leaf {} of 3", proof.index)));
        std::fs::write(&leaf, b"{}").unwrap();
        assert!(oracle(&arguments).is_err());
    }
}

#[tokio::test]
async fn a_key_that_the_policy_does_not_name_appends_nothing() {
    let place = Place::new();
    let archive = place.open().await;
    let error = sohoa_archive::Log::open(&archive, signer(), None).await.unwrap_err();
    assert!(matches!(&error, Error::LogKey { vkey } if *vkey == signer().public().to_string()), "{error}");
    assert_eq!(place.stored(), Vec::<std::path::PathBuf>::new());
}

#[tokio::test]
async fn a_checkpoint_that_was_cosigned_stays_until_the_tree_grows() {
    let place = Place::new();
    let archive = place.open_logged().await;
    let log = open(&archive).await;
    log.append(&leaves(0..2)).await.unwrap();
    let path = place.folder().join("log/checkpoint");
    let mut note = Note::parse(&std::fs::read(&path).unwrap()).unwrap();
    let witness = ed25519_dalek::SigningKey::from_bytes(&[9; 32]);
    note.signatures.push(sohoa_record::log::cosignature::cosign(&note.text, "witness.example", &witness, 1).unwrap());
    std::fs::write(&path, note.to_string()).unwrap();
    log.append(&leaves(0..2)).await.unwrap();
    open(&archive).await;
    assert_eq!(std::fs::read_to_string(&path).unwrap(), note.to_string());
    log.append(&leaves(2..3)).await.unwrap();
    assert_eq!(archive.log_head().await.unwrap().unwrap().0.signatures.len(), 1);
}
