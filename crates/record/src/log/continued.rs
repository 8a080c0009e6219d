//! How a later tree continues an earlier one, as a file of an export (`log/continued/<size>`): the earlier checkpoint's three lines, and the
//! consistency proof to the checkpoint beside it. By it time stamps and cosignatures over the earlier tree bound leaves of the later one.

use super::checkpoint::Checkpoint;
use super::note::NoteError;
use super::proof;
use super::tree::Hash;
use base64::{Engine as _, engine::general_purpose::STANDARD};

/// A tree of 2^63 leaves has no longer proofs of consistency.
const MOST_HASHES: usize = 64;

/// An earlier tree and its proof, parsed and not yet believed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Continued {
    /// The earlier tree.
    pub tree: Checkpoint,
    /// The consistency proof (RFC 6962 §2.1.2) from it to the later one.
    pub hashes: Vec<Hash>,
}

impl Continued {
    /// The path of the file about the tree of so many leaves, below the log's prefix.
    pub fn path(size: u64) -> String {
        format!("continued/{size:020}")
    }

    /// Reads one. Whatever is accepted has just this one spelling.
    pub fn parse(bytes: &[u8]) -> Result<Continued, NoteError> {
        let malformed = |why: &str| NoteError::Malformed(format!("not a continued checkpoint: {why}"));
        let text = std::str::from_utf8(bytes).map_err(|_| malformed("it is not UTF-8"))?;
        let end = text.find("\n\n").ok_or_else(|| malformed("it has no empty line behind the checkpoint"))?;
        let (tree, hashes) = (Checkpoint::parse_text(&text[..end + 1])?, &text[end + 2..]);
        let hash = |line: &str| STANDARD.decode(line).ok().and_then(|hash| hash.try_into().ok());
        let hashes: Option<Vec<Hash>> = hashes.lines().take(MOST_HASHES + 1).map(hash).collect();
        let hashes = hashes.filter(|hashes| hashes.len() <= MOST_HASHES);
        let continued = Continued { tree, hashes: hashes.ok_or_else(|| malformed("its hashes are not at most 64 of 32 bytes"))? };
        if continued.to_string() != text {
            return Err(malformed("it is not in the one form"));
        }
        Ok(continued)
    }

    /// True when `later` is of the same log and continues the tree.
    pub fn leads_to(&self, later: &Checkpoint) -> bool {
        self.tree.origin == later.origin
            && proof::continues(self.tree.size, &self.tree.root, later.size, &later.root, &self.hashes)
    }
}

impl std::fmt::Display for Continued {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "{}", self.tree.text())?;
        self.hashes.iter().try_for_each(|hash| writeln!(f, "{}", STANDARD.encode(hash)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::tree::{leaf_hash, node_hash};

    #[test]
    fn it_is_read_back_in_one_form_and_leads_to_what_continues_it_only() {
        let [a, b, c] = [b"a", b"b", b"c"].map(|entry| leaf_hash(entry));
        let tree = |size, root| Checkpoint { origin: "log.example/a".into(), size, root };
        let (two, three) = (tree(2, node_hash(&a, &b)), tree(3, node_hash(&node_hash(&a, &b), &c)));
        let continued = Continued { tree: two.clone(), hashes: vec![c] };
        let text = continued.to_string();
        assert_eq!(Continued::parse(text.as_bytes()).as_ref(), Ok(&continued));
        assert!(text.starts_with(&format!("{}\n", two.text())), "what a time stamp is over stands before the empty line");
        let itself = Continued { tree: three.clone(), hashes: vec![] };
        assert_eq!(Continued::parse(itself.to_string().as_bytes()).as_ref(), Ok(&itself));
        assert!(continued.leads_to(&three) && itself.leads_to(&three));
        let refused = [
            Continued { hashes: vec![b], ..continued.clone() },
            Continued { hashes: vec![], ..continued.clone() },
            Continued { tree: tree(2, node_hash(&b, &a)), ..continued.clone() },
            Continued { tree: Checkpoint { origin: "log.example/b".into(), ..two }, ..continued },
        ];
        assert!(refused.iter().all(|other| !other.leads_to(&three)));
        let changed = [
            text.replace("\n\n", "\n"),
            text.clone() + "\n",
            text.clone() + "AAAA\n",
            text.trim_end().into(),
            text.replace("\n2\n", "\n02\n"),
        ];
        for other in changed {
            assert!(Continued::parse(other.as_bytes()).is_err(), "{other:?}");
        }
        assert_eq!(Continued::path(70_000), "continued/00000000000000070000");
    }
}
