//! What a log sends to a witness, and what the witness says to it (C2SP tlog-witness, `add-checkpoint`): a checkpoint, and the proof that
//! it continues the one that the witness saw last. Where that is kept, and how requests travel, is the service's matter.

use super::checkpoint::Checkpoint;
use super::note::{KeyType, Note, NoteSignature, VerifierKey};
use super::proof::continues;
use super::tree::{Hash, empty_root};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use std::fmt;

/// A tree of less than 2^63 leaves needs no more.
const MOST_HASHES: usize = 63;

/// A request to cosign a checkpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddCheckpoint {
    /// The size that the witness saw last, as the sender knows it; 0 when it never saw this log.
    pub old: u64,
    /// The consistency proof from `old` to the checkpoint.
    pub proof: Vec<Hash>,
    /// The checkpoint, signed by its log.
    pub note: Note,
}

impl fmt::Display for AddCheckpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "old {}", self.old)?;
        self.proof.iter().try_for_each(|hash| writeln!(f, "{}", STANDARD.encode(hash)))?;
        write!(f, "\n{}", self.note)
    }
}

impl AddCheckpoint {
    /// Reads a request's body. What is accepted has just this one spelling: [`AddCheckpoint::to_string`] gives the same bytes.
    pub fn parse(body: &[u8]) -> Result<AddCheckpoint, Refusal> {
        let malformed = |why: &str| Refusal::Malformed(why.to_owned());
        let at = body.windows(2).position(|pair| pair == b"\n\n").ok_or_else(|| malformed("it has no empty line"))?;
        let head = std::str::from_utf8(&body[..at]).map_err(|_| malformed("it is not UTF-8"))?;
        let note = Note::parse(&body[at + 2..]).map_err(|e| Refusal::Malformed(e.to_string()))?;
        let mut lines = head.split('\n');
        let size = lines.next().and_then(|line| line.strip_prefix("old ")).unwrap_or_default();
        let old = size.parse().ok().filter(|old: &u64| old.to_string() == size);
        let old = old.ok_or_else(|| malformed("its first line is not 'old' and a size"))?;
        let proof: Vec<Hash> = lines
            .map(|line| STANDARD.decode(line).ok().and_then(|hash| hash.try_into().ok()))
            .collect::<Option<_>>()
            .ok_or_else(|| malformed("a line of its proof is not 32 bytes in base64"))?;
        if proof.len() > MOST_HASHES {
            return Err(malformed("its proof has more than 63 hashes"));
        }
        Ok(AddCheckpoint { old, proof, note })
    }

    /// The checkpoint, when one of `logs` has signed it; with the signatures of that log, which are all that a witness passes on.
    pub fn signed_by(&self, logs: &[VerifierKey]) -> Result<(Checkpoint, Vec<NoteSignature>), Refusal> {
        let checkpoint = Checkpoint::of_note(&self.note).map_err(|e| Refusal::Malformed(e.to_string()))?;
        let mut keys = logs.iter().filter(|key| key.key_type() == KeyType::Note && key.name() == checkpoint.origin).peekable();
        if keys.peek().is_none() {
            return Err(Refusal::UnknownLog(checkpoint.origin));
        }
        let mut signatures = Vec::new();
        for key in keys {
            self.note.signed_by(key).map_err(|e| Refusal::NotSigned(e.to_string()))?;
            signatures.extend(self.note.signatures.iter().filter(|signature| signature.names(key)).cloned());
        }
        if signatures.is_empty() {
            return Err(Refusal::NotSigned(format!("no believed key of '{}' has signed it", checkpoint.origin)));
        }
        if self.old > checkpoint.size {
            return Err(Refusal::Malformed("its old size is larger than the checkpoint's".into()));
        }
        Ok((checkpoint, signatures))
    }

    /// Whether a witness that saw `seen` last may cosign the checkpoint of this request.
    pub fn continues(&self, checkpoint: &Checkpoint, seen: Option<&Checkpoint>) -> Result<(), Refusal> {
        let (size, root) = seen.map_or((0, empty_root()), |seen| (seen.size, seen.root));
        if self.old != size {
            return Err(Refusal::Stale { seen: size });
        }
        if checkpoint.size == size && checkpoint.root != root {
            return Err(Refusal::Forks { size });
        }
        if continues(size, &root, checkpoint.size, &checkpoint.root, &self.proof) {
            Ok(())
        } else {
            Err(Refusal::NotProved { seen: size, size: checkpoint.size })
        }
    }
}

/// Why a checkpoint is not cosigned.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Not in the form of the specification.
    #[error("not an add-checkpoint request: {0}")]
    Malformed(String),
    /// A log that the witness does not watch. The text is its origin.
    #[error("the log '{0}' is not watched here")]
    UnknownLog(String),
    /// The log has not signed it.
    #[error("the checkpoint is not signed: {0}")]
    NotSigned(String),
    /// The sender thinks of another checkpoint than the last one. Nothing is wrong yet.
    #[error("the last checkpoint that was cosigned has {seen} leaves")]
    Stale {
        /// The size seen last.
        seen: u64,
    },
    /// Two trees of one size: the log has signed two histories.
    #[error("another tree of {size} leaves of this log was cosigned before: the log has two histories")]
    Forks {
        /// The size of both.
        size: u64,
    },
    /// The proof does not show that the checkpoint continues what was seen.
    #[error("the proof does not show that the tree of {size} leaves continues the one of {seen} leaves that was cosigned before")]
    NotProved {
        /// The size seen last.
        seen: u64,
        /// The size that was sent.
        size: u64,
    },
}

impl Refusal {
    /// The HTTP status that the specification gives it.
    pub fn status(&self) -> u16 {
        match self {
            Refusal::Malformed(_) => 400,
            Refusal::NotSigned(_) => 403,
            Refusal::UnknownLog(_) => 404,
            Refusal::Stale { .. } => 409,
            Refusal::Forks { .. } | Refusal::NotProved { .. } => 422,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::note::NoteSigner;
    use super::super::proof::{Node, Plan};
    use super::super::tree::tests::{leaves, naive_root};
    use super::*;
    use ed25519_dalek::SigningKey;
    use proptest::prelude::*;
    use std::convert::Infallible;

    /// The request of the specification's example.
    const EXAMPLE: &str = "old 20852014\nPlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=\njrJZDmY8Y7SyJE0MWLpLozkIVMSMZcD5kvuKxPC3swk=\n5+pKlUdi2LeF/BcMHBn+Ku6yhPGNCswZZD1X/6QgPd8=\n/6WVhPs2CwSsb5rYBH5cjHV/wSmA79abXAwhXw3Kj/0=\n\nexample.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n— example.com/behind-the-sofa opLqBQsREYCgu6xQkYQwJr9fo45a62DN9EdmHXnZdXNqlcVGlCum2Wks+49/V6267UEjw6QUXTS5Rovnzv++qbSzm9Q=\n";

    fn signer(seed: u8) -> NoteSigner {
        NoteSigner::new("log.example/a", SigningKey::from_bytes(&[seed; 32])).unwrap()
    }

    fn tree(size: u64) -> Checkpoint {
        Checkpoint { origin: "log.example/a".into(), size, root: naive_root(&leaves(size)) }
    }

    fn proof(old: u64, size: u64) -> Vec<Hash> {
        let leaves = leaves(size);
        let hash = |node: Node| {
            let span = 1usize << node.height;
            Ok::<_, Infallible>(naive_root(&leaves[node.index as usize * span..(node.index as usize + 1) * span]))
        };
        Plan::consistency(old, size).unwrap().fill(hash).unwrap()
    }

    fn request(old: u64, size: u64) -> AddCheckpoint {
        AddCheckpoint { old, proof: proof(old, size), note: signer(1).sign(&tree(size).text()) }
    }

    #[test]
    fn the_example_of_the_specification_is_read_and_written_alike() {
        let request = AddCheckpoint::parse(EXAMPLE.as_bytes()).unwrap();
        assert_eq!((request.old, request.proof.len(), request.note.signatures.len()), (20_852_014, 4, 2));
        assert_eq!(request.to_string(), EXAMPLE);
    }

    #[test]
    fn what_is_not_in_the_one_form_is_refused() {
        let good = request(3, 7).to_string();
        assert!(AddCheckpoint::parse(good.as_bytes()).is_ok());
        for (from, to) in [
            ("old 3", "old 03"),
            ("old 3", "old +3"),
            ("old 3", "old -3"),
            ("old 3", "old 18446744073709551616"),
            ("old 3\n", "old 3\r\n"),
            ("old 3\n", "old 3\n\n"),
            ("old 3\n", "old 3\nAAAA\n"),
            ("old 3\n", ""),
            ("old ", "Old "),
            ("\n\n— ", "\n— "),
        ] {
            let bad = good.replacen(from, to, 1);
            // A second empty line makes a note of it whose text is no checkpoint.
            let read = AddCheckpoint::parse(bad.as_bytes()).and_then(|read| read.signed_by(&[signer(1).public().clone()]));
            assert!(matches!(read, Err(Refusal::Malformed(_))), "{bad}");
        }
        let hash = format!("{}\n", STANDARD.encode([7; 32]));
        let many = |n: usize| good.replacen("old 3\n", &format!("old 3\n{}", hash.repeat(n)), 1);
        let own = request(3, 7).proof.len();
        assert!(
            AddCheckpoint::parse(many(63 - own).as_bytes()).is_ok() && AddCheckpoint::parse(many(64 - own).as_bytes()).is_err()
        );
    }

    #[test]
    fn only_a_watched_log_that_signed_is_heard() {
        let status =
            |request: &AddCheckpoint, keys: &[VerifierKey]| request.signed_by(keys).map_err(|e| e.status()).map(|(c, _)| c.size);
        let (ours, other) = (signer(1).public().clone(), signer(2).public().clone());
        let elsewhere = NoteSigner::new("log.example/b", SigningKey::from_bytes(&[1; 32])).unwrap().public().clone();
        let good = request(3, 7);
        assert_eq!(status(&good, &[elsewhere.clone(), ours.clone()]), Ok(7));
        assert_eq!(status(&good, &[]), Err(404));
        assert_eq!(status(&good, &[elsewhere]), Err(404));
        assert_eq!(status(&good, std::slice::from_ref(&other)), Err(403));
        // One of two keys is enough; one of them that signed wrongly is too much.
        assert_eq!(status(&good, &[ours.clone(), other.clone()]), Ok(7));
        let mut bad = good.clone();
        let mut line = signer(2).sign(&tree(8).text()).signatures.remove(0);
        bad.note.signatures.push(line.clone());
        assert_eq!(status(&bad, &[ours.clone(), other]), Err(403));
        // A stranger's line is passed over and not passed on.
        line.name = "stranger".into();
        bad.note.signatures[1] = line;
        assert_eq!(bad.signed_by(std::slice::from_ref(&ours)).unwrap().1, good.note.signatures);
        assert_eq!(status(&AddCheckpoint { old: 8, ..good }, &[ours]), Err(400));
    }

    #[test]
    fn only_what_continues_the_last_tree_is_cosigned() {
        let status = |request: &AddCheckpoint, seen: Option<u64>| {
            let checkpoint = Checkpoint::of_note(&request.note).unwrap();
            request.continues(&checkpoint, seen.map(tree).as_ref()).map_err(|e| e.status())
        };
        for size in 0..20 {
            for old in 0..=size {
                assert_eq!(status(&request(old, size), Some(old)), Ok(()), "{old} to {size}");
                assert_eq!(status(&request(old, size), Some(old + 1)), Err(409));
            }
            assert_eq!(status(&request(0, size), None), Ok(()));
        }
        // A proof from nothing is empty.
        assert_eq!(status(&AddCheckpoint { proof: vec![[1; 32]], ..request(0, 5) }, None), Err(422));
        assert_eq!(status(&AddCheckpoint { proof: Vec::new(), ..request(3, 5) }, Some(3)), Err(422));
        assert_eq!(status(&AddCheckpoint { proof: vec![[1; 32]], ..request(5, 5) }, Some(5)), Err(422));
        // Another root of one size, the empty tree among them.
        for size in [0, 5] {
            let other = Checkpoint { root: [9; 32], ..tree(size) };
            let forked = AddCheckpoint { note: signer(1).sign(&other.text()), ..request(size, size) };
            assert_eq!(forked.continues(&other, Some(&tree(size))), Err(Refusal::Forks { size }));
        }
        let other = Checkpoint { root: [9; 32], ..tree(0) };
        assert_eq!(request(0, 0).continues(&other, None).map_err(|e| e.status()), Err(422));
        // A larger tree that has another beginning.
        assert_eq!(
            request(3, 5).continues(&Checkpoint { root: [9; 32], ..tree(5) }, Some(&tree(3))).map_err(|e| e.status()),
            Err(422)
        );
    }

    proptest! {
        #[test]
        fn what_is_accepted_is_written_alike(at in any::<proptest::sample::Index>(), to in any::<u8>(), drop in any::<bool>()) {
            let mut bytes = request(3, 7).to_string().into_bytes();
            let at = at.index(bytes.len());
            if drop { bytes.remove(at); } else { bytes[at] = to; }
            if let Ok(read) = AddCheckpoint::parse(&bytes) {
                prop_assert_eq!(read.to_string().into_bytes(), bytes);
            }
        }
    }
}
