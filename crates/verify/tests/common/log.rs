//! A log of test receipts, written without the archive's writer.

use super::*;
use sohoa_record::log::cosignature::cosign;
use sohoa_record::log::note::KeyType;
use sohoa_record::log::proof::Plan;
use sohoa_record::log::tile::push_entry;
use sohoa_record::log::tree::{complete_root, leaf_hash};
use sohoa_record::log::{Checkpoint, Edge, Head, Leaf, Note, NoteSigner, Tile, TlogProof, VerifierKey};
use sohoa_record::seal::Opened;
use sohoa_record::{Sha256Hex, TrustPolicy};

pub const ORIGIN: &str = "sohoa.example/test-log";

pub fn signer() -> NoteSigner {
    NoteSigner::new(ORIGIN, SigningKey::from_bytes(b"sohoa TEST-ONLY checkpoint key 1")).unwrap()
}

/// A trust policy that names the log too.
pub fn trust_with_log(folder: &Path) -> PathBuf {
    let path = folder.join("trust.txt");
    let lines =
        [policy_line(&key().verifying_key(), "Khóa thử nghiệm"), format!("log {}", signer().public()), "quorum none".into()];
    write(&path, lines.join("\n") + "\n");
    path
}

/// Three witnesses of the tests.
pub const WITNESSES: [&str; 3] = ["w1.example", "w2.example", "w3.example"];

fn witness_key(n: usize) -> SigningKey {
    SigningKey::from_bytes(&[0x60 + n as u8; 32])
}

/// A trust policy that wants two of the three witnesses, and has more lines.
pub fn trust_with_witnesses(folder: &Path, more: &str) -> PathBuf {
    let path = folder.join("trust.txt");
    let mut text = format!("{}\nlog {}\n", policy_line(&key().verifying_key(), "Khóa thử nghiệm"), signer().public());
    for (n, name) in WITNESSES.iter().enumerate() {
        let key = VerifierKey::new(name, KeyType::Cosignature, witness_key(n).verifying_key()).unwrap();
        text += &format!("witness w{} {key}\n", n + 1);
    }
    write(&path, format!("{text}group q 2 w1 w2 w3\nquorum q\n{more}\n"));
    path
}

/// The note with cosignatures of witnesses (from 0) at those times: RFC 3339.
pub fn cosigned(mut note: Note, times: &[(usize, &str)]) -> Note {
    for (n, time) in times {
        let time = sohoa_verify::moments::parse(time).unwrap();
        note.signatures.push(cosign(&note.text, WITNESSES[*n], &witness_key(*n), time).unwrap());
    }
    note
}

/// A receipt of `manifest` as it is opened.
pub fn opened(manifest: &Manifest) -> Opened {
    let mut policy = TrustPolicy::default();
    policy.add(key().verifying_key(), "test").unwrap();
    Receipt::seal(manifest, &key()).open(&policy).unwrap()
}

/// Entries of the log with those manifests, in that order.
pub fn entries(manifests: &[&Manifest]) -> Vec<Vec<u8>> {
    manifests.iter().map(|manifest| Leaf::of_revision(&opened(manifest)).to_bytes()).collect()
}

pub fn checkpoint(entries: &[Vec<u8>]) -> Note {
    let mut edge = Edge::default();
    entries.iter().for_each(|entry| edge.push(leaf_hash(entry), |_, _| {}));
    signer().sign(&Checkpoint { origin: ORIGIN.into(), size: edge.size(), root: edge.root() }.text())
}

/// Writes checkpoint and bundles into `folder`: what a reader of the entries needs.
pub fn write_copy(folder: &Path, entries: &[Vec<u8>]) {
    for (tile, chunk) in Tile::bundles(entries.len() as u64).zip(entries.chunks(256)) {
        write(folder.join(tile.path()), bundle(chunk));
    }
    write(folder.join("checkpoint"), checkpoint(entries).to_string());
}

/// Writes a whole log into `folder`, and nothing else there: each head adds as many entries as `batches` says.
pub fn write_log(folder: &Path, entries: &[Vec<u8>], batches: &[usize]) {
    let _ = std::fs::remove_dir_all(folder);
    write_copy(folder, entries);
    write(folder.join("create-only"), sohoa_record::log::head::CREATE_ONLY);
    let (mut edge, mut parent) = (Edge::default(), None);
    for (number, batch) in (1..).zip(batches) {
        let from = edge.size() as usize;
        let mut files = Vec::new();
        for entry in &entries[from..from + batch] {
            edge.push(leaf_hash(entry), |tile, hashes| files.push((tile, hashes)));
        }
        files.extend(edge.tiles().map(|(tile, hashes)| (tile, hashes.to_vec())));
        files.iter().for_each(|(tile, hashes)| write(folder.join(tile.path()), hashes.concat()));
        Tile::bundles(edge.size()).for_each(|tile| {
            let from = tile.index as usize * 256;
            write(folder.join(tile.path()), bundle(&entries[from..from + usize::from(tile.width)]));
        });
        let tree = Checkpoint { origin: ORIGIN.into(), size: edge.size(), root: edge.root() };
        let head = Head { number, parent, tree };
        write(folder.join(head.staging()), bundle(&entries[from..from + batch]));
        let bytes = signer().sign(&head.text()).to_string();
        parent = Some(Sha256Hex::of(bytes.as_bytes()));
        write(folder.join(Head::path(number)), bytes);
    }
}

pub fn bundle(entries: &[Vec<u8>]) -> Vec<u8> {
    let mut bundle = Vec::new();
    entries.iter().for_each(|entry| push_entry(&mut bundle, entry).unwrap());
    bundle
}

/// The proof of one of the entries.
pub fn proof(entries: &[Vec<u8>], index: usize) -> TlogProof {
    let hashes: Vec<_> = entries.iter().map(|entry| leaf_hash(entry)).collect();
    let plan = Plan::inclusion(index as u64, hashes.len() as u64).unwrap();
    let hash = |node: sohoa_record::log::proof::Node| {
        let from = (node.index << node.height) as usize;
        Ok::<_, std::convert::Infallible>(complete_root(&hashes[from..from + (1 << node.height)]))
    };
    TlogProof { extra: None, index: index as u64, hashes: plan.fill(hash).unwrap(), checkpoint: checkpoint(entries) }
}
