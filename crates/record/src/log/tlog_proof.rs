//! Proofs of inclusion to hand out (C2SP tlog-proof v1, `.tlog-proof`): index, Merkle path and checkpoint in one text file. With a trust
//! policy it needs nothing else to be checked.

use super::note::{Note, NoteError};
use super::policy::{Cosigned, LogPolicy, PolicyError};
use super::proof;
use super::tree::{Hash, leaf_hash};
use base64::{Engine as _, engine::general_purpose::STANDARD};

const HEADER: &str = "c2sp.org/tlog-proof@v1\n";

/// A tree of 2^63 leaves has no longer paths.
const MOST_HASHES: usize = 63;

/// A proof that was parsed and not yet believed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlogProof {
    /// What the application adds, unauthenticated. Ours have an [`super::OlderCheckpoint`], or none.
    pub extra: Option<Vec<u8>>,
    /// The leaf's place in the log, from 0.
    pub index: u64,
    /// From the leaf's sibling to the root's child.
    pub hashes: Vec<Hash>,
    /// The checkpoint with its signatures.
    pub checkpoint: Note,
}

impl TlogProof {
    /// Reads a proof. Whatever is accepted has just this one spelling.
    pub fn parse(bytes: &[u8]) -> Result<TlogProof, NoteError> {
        let malformed = |why: &str| NoteError::Malformed(format!("not a tlog-proof: {why}"));
        let text = std::str::from_utf8(bytes).map_err(|_| malformed("it is not UTF-8"))?;
        let rest = text.strip_prefix(HEADER).ok_or_else(|| malformed("its first line is not c2sp.org/tlog-proof@v1"))?;
        let (head, checkpoint) =
            rest.split_once("\n\n").ok_or_else(|| malformed("it has no empty line before its checkpoint"))?;
        let mut lines = head.split('\n').peekable();
        let extra = lines.next_if(|line| line.starts_with("extra ")).map(|line| STANDARD.decode(&line["extra ".len()..]));
        let extra = extra.transpose().map_err(|_| malformed("its extra data is not base64"))?;
        let index = lines.next().and_then(|line| line.strip_prefix("index ")).ok_or_else(|| malformed("it has no index"))?;
        let index = index.parse().map_err(|_| malformed("its index is not a number"))?;
        let hash = |line: &str| STANDARD.decode(line).ok().and_then(|hash| hash.try_into().ok());
        let hashes: Option<Vec<Hash>> = lines.map(hash).take(MOST_HASHES + 1).collect();
        let hashes = hashes
            .filter(|hashes| hashes.len() <= MOST_HASHES)
            .ok_or_else(|| malformed("its hashes are not at most 63 of 32 bytes"))?;
        let proof = TlogProof { extra, index, hashes, checkpoint: Note::parse(checkpoint.as_bytes())? };
        if proof.to_string() != text {
            return Err(malformed("it is not in the one form"));
        }
        Ok(proof)
    }

    /// Whether `entry` is in the log: the checkpoint must satisfy `policy`, and the path must lead from the entry to its root.
    pub fn verify(&self, entry: &[u8], policy: &LogPolicy) -> Result<Cosigned, ProofError> {
        let cosigned = policy.check(&self.checkpoint)?;
        let head = &cosigned.checkpoint;
        if !proof::includes(&leaf_hash(entry), self.index, head.size, &head.root, &self.hashes) {
            return Err(ProofError::NotIncluded { index: self.index, size: head.size });
        }
        Ok(cosigned)
    }
}

impl std::fmt::Display for TlogProof {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(HEADER)?;
        if let Some(extra) = &self.extra {
            writeln!(f, "extra {}", STANDARD.encode(extra))?;
        }
        writeln!(f, "index {}", self.index)?;
        self.hashes.iter().try_for_each(|hash| writeln!(f, "{}", STANDARD.encode(hash)))?;
        write!(f, "\n{}", self.checkpoint)
    }
}

/// Why a proof does not convince.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    /// The checkpoint is not believed.
    #[error(transparent)]
    Checkpoint(#[from] PolicyError),
    /// The path does not lead from the entry to the checkpoint's root.
    #[error("the proof does not lead from this entry at index {index} to the root of the log of {size} leaves")]
    NotIncluded {
        /// The leaf's place as the proof says.
        index: u64,
        /// The size as the checkpoint says.
        size: u64,
    },
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::note::{KeyType, NoteSigner};
    use crate::log::tree::node_hash;
    use crate::log::{Checkpoint, VerifierKey};
    use ed25519_dalek::SigningKey;

    fn proof_and_policy() -> (TlogProof, LogPolicy) {
        let key = SigningKey::from_bytes(&[2; 32]);
        let root = node_hash(&leaf_hash(b"a"), &leaf_hash(b"b"));
        let signer = NoteSigner::new("log.example/a", key).unwrap();
        let checkpoint = signer.sign(&Checkpoint { origin: "log.example/a".into(), size: 2, root }.text());
        let vkey = signer.public();
        let policy = LogPolicy::parse(&format!("log {vkey}\nquorum none\n")).unwrap();
        (TlogProof { extra: None, index: 1, hashes: vec![leaf_hash(b"a")], checkpoint }, policy)
    }

    #[test]
    fn a_proof_convinces_of_its_entry_and_no_other() {
        let (proof, policy) = proof_and_policy();
        assert_eq!(proof.verify(b"b", &policy).unwrap().checkpoint.size, 2);
        assert_eq!(proof.verify(b"a", &policy), Err(ProofError::NotIncluded { index: 1, size: 2 }));
        let elsewhere = TlogProof { index: 0, ..proof.clone() };
        assert!(elsewhere.verify(b"b", &policy).is_err());
        let other = VerifierKey::new("log.example/a", KeyType::Note, SigningKey::from_bytes(&[3; 32]).verifying_key()).unwrap();
        let other = LogPolicy::parse(&format!("log {other}\nquorum none\n")).unwrap();
        assert!(matches!(proof.verify(b"b", &other), Err(ProofError::Checkpoint(PolicyError::UnknownLog(_)))));
    }

    #[test]
    fn it_is_read_back_and_other_spellings_are_refused() {
        let (proof, _) = proof_and_policy();
        let text = proof.to_string();
        assert_eq!(TlogProof::parse(text.as_bytes()).as_ref(), Ok(&proof));
        let with_extra = TlogProof { extra: Some(b"more".to_vec()), ..proof };
        assert_eq!(TlogProof::parse(with_extra.to_string().as_bytes()), Ok(with_extra));
        for (from, to) in [
            ("index 1", "index 01"),
            ("index 1", "index +1"),
            ("index 1", "index"),
            ("@v1", "@v2"),
            ("index 1\n", "index 1\nAAAA\n"),
            ("index 1\n", "extra AAAA\nextra AAAA\nindex 1\n"),
            ("=\n\n", "=\n"),
            ("@v1\n", "@v1\r\n"),
        ] {
            let changed = text.replacen(from, to, 1);
            assert_ne!(changed, text);
            assert!(TlogProof::parse(changed.as_bytes()).is_err(), "{changed}");
        }
        let long = text.replacen("index 1\n", &format!("index 1\n{}", format!("{}\n", STANDARD.encode([0; 32])).repeat(63)), 1);
        assert!(TlogProof::parse(long.as_bytes()).is_err());
    }
}
