//! A log that the tests keep in memory: its checkpoints and consistency proofs, and a second history that begins alike.
#![allow(dead_code, clippy::unwrap_used)]

use ed25519_dalek::SigningKey;
use sohoa_record::log::note::NoteSigner;
use sohoa_record::log::proof::{Node, Plan};
use sohoa_record::log::tree::{complete_root, empty_root, leaf_hash};
use sohoa_record::log::{AddCheckpoint, Checkpoint, Hash, Note};
use std::convert::Infallible;

pub struct TestLog {
    pub signer: NoteSigner,
    leaves: Vec<Hash>,
}

impl TestLog {
    /// A log of that name; the leaves from `fork` on are those of another history.
    pub fn new(name: &str, fork: usize) -> TestLog {
        let leaf = |n: usize| leaf_hash(format!("leaf {n}{}", if n < fork { "" } else { " of another history" }).as_bytes());
        let signer = NoteSigner::new(name, SigningKey::from_bytes(b"sohoa TEST-ONLY checkpoint key 2")).unwrap();
        TestLog { signer, leaves: (0..2000).map(leaf).collect() }
    }

    pub fn honest(name: &str) -> TestLog {
        Self::new(name, usize::MAX)
    }

    pub fn vkey(&self) -> String {
        self.signer.public().to_string()
    }

    pub fn checkpoint(&self, size: u64) -> Checkpoint {
        let root = self.fill(&Plan::root(size)).pop().unwrap_or_else(empty_root);
        Checkpoint { origin: self.signer.public().name().to_owned(), size, root }
    }

    pub fn note(&self, size: u64) -> Note {
        self.signer.sign(&self.checkpoint(size).text())
    }

    pub fn proof(&self, old: u64, size: u64) -> Vec<Hash> {
        self.fill(&Plan::consistency(old, size).unwrap())
    }

    /// The body of a request.
    pub fn request(&self, old: u64, size: u64) -> String {
        AddCheckpoint { old, proof: self.proof(old, size), note: self.note(size) }.to_string()
    }

    fn fill(&self, plan: &Plan) -> Vec<Hash> {
        let hash = |node: Node| {
            let from = (node.index as usize) << node.height;
            Ok::<_, Infallible>(complete_root(&self.leaves[from..from + (1 << node.height)]))
        };
        plan.fill(hash).unwrap()
    }
}
