//! What the transparency log reads of others: notes, checkpoints, proofs, policies, tiles, bundles and leaves. What is accepted has just
//! one spelling, and nothing that is made up is signed.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sohoa_record::log::{Checkpoint, Continued, Leaf, LogPolicy, Note, OlderCheckpoint, Tile, TlogProof, VerifierKey};

/// The key of the frozen checkpoints; nobody here can sign with it.
const VKEY: &str = include_str!("../../fixtures/log/v1/vkey");

fuzz_target!(|data: &[u8]| {
    let key = VerifierKey::parse(VKEY.trim_end()).expect("the frozen key");
    if let Ok(note) = Note::parse(data) {
        assert_eq!(note.to_string().as_bytes(), data);
        if let Ok(checkpoint) = Checkpoint::of_note(&note) {
            assert_eq!(checkpoint.text(), note.text);
            let policy = LogPolicy::parse(&format!("log {key}\nquorum none\n")).expect("a policy");
            if policy.check(&note).is_ok() {
                assert_eq!(checkpoint.origin, key.name());
            }
        }
    }
    if let Ok(proof) = TlogProof::parse(data) {
        assert_eq!(proof.to_string().as_bytes(), data);
        let policy = LogPolicy::parse(&format!("log {key}\nquorum none\n")).expect("a policy");
        assert!(proof.verify(b"an entry that is in no log", &policy).is_err());
    }
    if let Ok(older) = OlderCheckpoint::parse(data) {
        assert_eq!(older.to_string().as_bytes(), data);
        assert!(OlderCheckpoint::is_named(data));
    }
    if let Ok(continued) = Continued::parse(data) {
        assert_eq!(continued.to_string().as_bytes(), data);
    }
    if let Ok(leaf) = Leaf::from_bytes(data) {
        assert_eq!(leaf.to_bytes(), data);
    }
    if let Some((width, bytes)) = data.split_first() {
        let bundle = Tile { width: u16::from(*width).max(1), ..Tile::bundles(1).next().expect("a bundle") };
        if let Some(entries) = bundle.entries(bytes) {
            assert_eq!(entries.iter().map(|entry| entry.len() + 2).sum::<usize>(), bytes.len());
        }
    }
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Some(tile) = Tile::parse(text) {
        assert_eq!(tile.path(), text);
    }
    if let Ok(key) = VerifierKey::parse(text) {
        assert_eq!(key.to_string(), text);
        assert!(!key.key().is_weak());
    }
    if let Ok(policy) = LogPolicy::parse(text) {
        for log in policy.logs() {
            assert!(policy.witnesses().iter().all(|witness| witness.key.key() != log.key.key()));
        }
    }
});
