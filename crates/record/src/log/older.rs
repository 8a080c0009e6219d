//! What our `.tlog-proof` files add (`extra` of C2SP tlog-proof): an older checkpoint that lacks the leaf, as witnesses cosigned it, and the
//! proof that the newer one continues it. So one file tells both ends of the time in which a leaf came into the log.

use super::checkpoint::Checkpoint;
use super::note::{Note, NoteError};
use super::policy::{LogPolicy, PolicyError};
use super::proof;
use super::tree::Hash;
use base64::{Engine as _, engine::general_purpose::STANDARD};

const HEADER: &str = "sohoa-older-checkpoint/1\n";

/// A tree of 2^63 leaves has no longer proofs of consistency.
const MOST_HASHES: usize = 64;

/// An older checkpoint and its proof, parsed and not yet believed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OlderCheckpoint {
    /// The consistency proof (RFC 6962 §2.1.2) from it to the proof's own checkpoint.
    pub hashes: Vec<Hash>,
    /// The older checkpoint with its signatures.
    pub checkpoint: Note,
}

impl OlderCheckpoint {
    /// True of bytes that say to be one; another application's `extra` is none.
    pub fn is_named(extra: &[u8]) -> bool {
        extra.starts_with(HEADER.as_bytes())
    }

    /// Reads one. Whatever is accepted has just this one spelling.
    pub fn parse(extra: &[u8]) -> Result<OlderCheckpoint, NoteError> {
        let malformed = |why: &str| NoteError::Malformed(format!("not an older checkpoint: {why}"));
        let text = std::str::from_utf8(extra).map_err(|_| malformed("it is not UTF-8"))?;
        let rest = text.strip_prefix(HEADER).ok_or_else(|| malformed("its first line is another"))?;
        // No hashes are no lines; then the empty line comes at once.
        let end = if rest.starts_with('\n') { Some(0) } else { rest.find("\n\n").map(|at| at + 1) };
        let end = end.ok_or_else(|| malformed("it has no empty line before its checkpoint"))?;
        let (head, checkpoint) = (&rest[..end], &rest[end + 1..]);
        let hash = |line: &str| STANDARD.decode(line).ok().and_then(|hash| hash.try_into().ok());
        let hashes: Option<Vec<Hash>> = head.lines().take(MOST_HASHES + 1).map(hash).collect();
        let hashes = hashes
            .filter(|hashes| hashes.len() <= MOST_HASHES)
            .ok_or_else(|| malformed("its hashes are not at most 64 of 32 bytes"))?;
        let older = OlderCheckpoint { hashes, checkpoint: Note::parse(checkpoint.as_bytes())? };
        if older.to_string() != text {
            return Err(malformed("it is not in the one form"));
        }
        Ok(older)
    }

    /// The older tree, when a believed log has signed it, it lacks the leaf `index`, and `newer` continues it.
    pub fn verify(&self, index: u64, newer: &Checkpoint, policy: &LogPolicy) -> Result<Checkpoint, OlderError> {
        let older = policy.signed(&self.checkpoint)?;
        let lacks = older.origin == newer.origin && older.size <= index;
        if lacks && proof::continues(older.size, &older.root, newer.size, &newer.root, &self.hashes) {
            Ok(older)
        } else {
            Err(OlderError::NotContinued { size: older.size })
        }
    }
}

impl std::fmt::Display for OlderCheckpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(HEADER)?;
        self.hashes.iter().try_for_each(|hash| writeln!(f, "{}", STANDARD.encode(hash)))?;
        write!(f, "\n{}", self.checkpoint)
    }
}

/// Why an older checkpoint says nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OlderError {
    /// No log that is believed has signed it.
    #[error(transparent)]
    Checkpoint(#[from] PolicyError),
    /// It has the leaf, is of another log, or the newer one does not continue it.
    #[error("the proof's checkpoint does not continue the older one of {size} leaves that comes with it")]
    NotContinued {
        /// The older one's size.
        size: u64,
    },
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::NoteSigner;
    use crate::log::tree::{leaf_hash, node_hash};
    use ed25519_dalek::SigningKey;

    #[test]
    fn it_is_read_back_believed_and_refused_when_it_does_not_fit() {
        let signer = NoteSigner::new("log.example/a", SigningKey::from_bytes(&[2; 32])).unwrap();
        let policy = LogPolicy::parse(&format!("log {}\nquorum none\n", signer.public())).unwrap();
        let [a, b, c] = [b"a", b"b", b"c"].map(|entry| leaf_hash(entry));
        let tree = |size, root| Checkpoint { origin: "log.example/a".into(), size, root };
        let (two, three) = (tree(2, node_hash(&a, &b)), tree(3, node_hash(&node_hash(&a, &b), &c)));
        let older = OlderCheckpoint { hashes: vec![c], checkpoint: signer.sign(&two.text()) };
        let text = older.to_string();
        assert!(OlderCheckpoint::is_named(text.as_bytes()) && !OlderCheckpoint::is_named(b"other"));
        assert_eq!(OlderCheckpoint::parse(text.as_bytes()).as_ref(), Ok(&older));
        assert_eq!(older.verify(2, &three, &policy), Ok(two.clone()));
        // it has the leaf; another tree; no proof
        let refused = Err(OlderError::NotContinued { size: 2 });
        assert_eq!(older.verify(1, &three, &policy), refused);
        assert_eq!(older.verify(2, &tree(3, [7; 32]), &policy), refused);
        let bare = OlderCheckpoint { hashes: vec![], ..older.clone() };
        assert_eq!(OlderCheckpoint::parse(bare.to_string().as_bytes()).as_ref(), Ok(&bare));
        assert_eq!(bare.verify(2, &three, &policy), refused);
        for (from, to) in [("/1\n", "/2\n"), ("=\n\n", "=\n"), ("/1\n", "/1\nAAAA\n")] {
            let changed = text.replacen(from, to, 1);
            assert_ne!(changed, text);
            assert!(OlderCheckpoint::parse(changed.as_bytes()).is_err(), "{changed}");
        }
        // With one more line feed the note is another, which is no checkpoint and which nobody signed.
        let shifted = OlderCheckpoint::parse(text.replacen("\n\n", "\n\n\n", 1).as_bytes()).unwrap();
        assert!(matches!(shifted.verify(2, &three, &policy), Err(OlderError::Checkpoint(_))));
        let cut = text.rfind("log.example/a\n2").unwrap();
        assert!(OlderCheckpoint::parse(&text.as_bytes()[..cut]).is_err());
    }
}
