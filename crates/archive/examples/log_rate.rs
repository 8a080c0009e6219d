//! How fast the log takes leaves, and how long and large its proofs are: `just bench-log`. Writes into the folder that is named.
#![allow(clippy::unwrap_used)]

use bytes::Bytes;
use ed25519_dalek::SigningKey;
use sohoa_archive::{Archive, Log};
use sohoa_record::log::leaf::{FORMAT, StatementDigests};
use sohoa_record::log::proof::{continues, includes};
use sohoa_record::log::tree::leaf_hash;
use sohoa_record::log::{Kind, Leaf, NoteSigner};
use sohoa_record::trust::policy_line;
use sohoa_record::{Digests, Sha256Hex, TrustPolicy};
use std::path::PathBuf;
use std::time::Instant;

fn leaf(n: u64) -> Bytes {
    let digests = Digests::of(&n.to_be_bytes());
    let leaf = Leaf {
        key: Sha256Hex::of(b"key"),
        kind: Kind::Record,
        man: StatementDigests { sha256: digests.sha256, sha512: digests.sha512 },
        prev: None,
        rec: Some(format!("0193a5c2-7e1b-7c3d-9f00-{n:012x}").parse().unwrap()),
        sig: format!("{}==", "A".repeat(86)),
        v: FORMAT.into(),
        ver: Some(1),
    };
    leaf.to_bytes().into()
}

#[tokio::main]
async fn main() {
    let mut arguments = std::env::args().skip(1);
    let (folder, leaves, batch) = match (arguments.next(), arguments.next(), arguments.next()) {
        (Some(folder), leaves, batch) => {
            let number = |text: Option<String>, default: u64| text.map_or(default, |text| text.parse().unwrap());
            (PathBuf::from(folder), number(leaves, 1_000_000), number(batch, 1_000))
        }
        _ => panic!("usage: log_rate FOLDER [LEAVES] [BATCH]; the folder must be empty or absent"),
    };
    let store = folder.join("store");
    assert!(!store.exists(), "{} exists already", store.display());
    std::fs::create_dir_all(&store).unwrap();
    let signer = NoteSigner::new("sohoa.example/bench", SigningKey::from_bytes(&[1; 32])).unwrap();
    let sealing = SigningKey::from_bytes(&[2; 32]).verifying_key();
    let policy = format!("{}\nlog {}\nquorum none\n", policy_line(&sealing, "bench"), signer.public());
    let policy = TrustPolicy::parse(&policy).unwrap();
    let archive = Archive::open_folder(&store, &folder.join("index.sqlite"), policy).await.unwrap();
    let log = Log::open(&archive, signer.clone(), None).await.unwrap();

    let began = Instant::now();
    let mut slowest = 0.0f64;
    for from in (0..leaves).step_by(batch as usize) {
        let entries: Vec<Bytes> = (from..(from + batch).min(leaves)).map(leaf).collect();
        let one = Instant::now();
        log.append(&entries).await.unwrap();
        slowest = slowest.max(one.elapsed().as_secs_f64());
    }
    let seconds = began.elapsed().as_secs_f64();
    println!(
        "append    {leaves} leaves in batches of {batch}: {seconds:.1} s, {:.0} a second, slowest batch {:.0} ms",
        leaves as f64 / seconds,
        slowest * 1e3
    );

    let one = Instant::now();
    for n in 0..100 {
        log.append(&[leaf(leaves + n)]).await.unwrap();
    }
    println!("append    one at a time: {:.1} ms each", one.elapsed().as_secs_f64() * 1e3 / 100.0);

    let (note, tree) = archive.log_head().await.unwrap().unwrap();
    let reader = archive.log();
    let (mut took, mut bytes) = (Vec::new(), 0);
    for i in 0..1_000 {
        let index = i * 7_919 % tree.size;
        let one = Instant::now();
        let proof = reader.proof(index, tree.size, note.clone()).await.unwrap();
        took.push(one.elapsed());
        bytes = bytes.max(proof.to_string().len());
        assert!(includes(&leaf_hash(&leaf(index)), index, tree.size, &tree.root, &proof.hashes));
    }
    took.sort();
    println!("inclusion {:.2} ms median, {:.2} ms at 99 %, proof at most {bytes} bytes", ms(took[500]), ms(took[990]));
    took.clear();
    for i in 1..=200 {
        // A tree that was published: of others the partial tiles were never written.
        let old = (leaves * i / 201 / batch * batch).max(batch);
        let old_root = reader.root(old).await.unwrap();
        let one = Instant::now();
        let proof = reader.consistency(old, tree.size).await.unwrap();
        took.push(one.elapsed());
        bytes = bytes.max(proof.len() * 32);
        assert!(continues(old, &old_root, tree.size, &tree.root, &proof));
    }
    took.sort();
    println!("continues {:.2} ms median", ms(took[100]));
    let one = Instant::now();
    drop(log);
    Log::open(&archive, signer, Some(&tree)).await.unwrap();
    println!("open      {:.0} ms", one.elapsed().as_secs_f64() * 1e3);
    let (mut files, mut stored) = (0, 0);
    let mut folders = vec![store.join("log")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let entry = entry.unwrap();
            if entry.path().is_dir() {
                folders.push(entry.path());
            } else {
                (files, stored) = (files + 1, stored + entry.metadata().unwrap().len());
            }
        }
    }
    println!("stored    {files} files, {:.0} bytes a leaf", stored as f64 / tree.size as f64);
}

fn ms(time: std::time::Duration) -> f64 {
    time.as_secs_f64() * 1e3
}
