//! Heads: a chain of signed notes under create-only names, each naming the one before by its digest.

use crate::error::{Error, Result};
use object_store::path::Path;
use sohoa_record::Sha256Hex;
use sohoa_record::log::{Checkpoint, Hash, Note};

/// The first line of a head's text; number and parent follow, then the lines of a checkpoint. A checkpoint has no such six lines.
const FORMAT: &str = "sohoa-log-head/1";

/// One head of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Head {
    /// From 1.
    pub number: u64,
    /// SHA-256 of the bytes of the head before; none of the first.
    pub parent: Option<Sha256Hex>,
    /// Origin, size and root of the tree.
    pub tree: Checkpoint,
}

impl Head {
    /// Where head `number` is.
    pub fn path(number: u64) -> Path {
        Path::from(format!("{}/heads/{number:020}", super::LOG))
    }

    /// Where the entries that lead to this tree are staged.
    pub fn staging(&self) -> Path {
        Path::from(format!("{}/staging/{:020}-{}", super::LOG, self.tree.size, hex(&self.tree.root)))
    }

    /// What is signed.
    pub fn text(&self) -> String {
        let parent = self.parent.as_ref().map_or("-", Sha256Hex::as_str);
        format!("{FORMAT}\n{}\n{parent}\n{}", self.number, self.tree.text())
    }

    /// Reads head `number`; its signature is the caller's to check.
    pub fn parse(number: u64, note: &Note) -> Result<Head> {
        let malformed = || Error::malformed(Self::path(number), "it is not the head of its number");
        let [_, _, parent, tree] = note.text.splitn(4, '\n').collect::<Vec<_>>()[..] else { return Err(malformed()) };
        let tree = Checkpoint::parse_text(tree).map_err(|_| malformed())?;
        let parent = (parent != "-").then(|| parent.parse::<Sha256Hex>().map_err(|_| malformed())).transpose()?;
        let head = Head { number, parent, tree };
        if head.text() == note.text { Ok(head) } else { Err(malformed()) }
    }
}

fn hex(hash: &Hash) -> String {
    hash.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_read_back_and_is_no_checkpoint() {
        let tree = Checkpoint { origin: "log.example/a".into(), size: 7, root: [3; 32] };
        for parent in [None, Some(Sha256Hex::of(b"before"))] {
            let head = Head { number: 5, parent, tree: tree.clone() };
            let note = Note { text: head.text(), signatures: vec![] };
            assert_eq!(Head::parse(5, &note).unwrap(), head);
            assert!(Head::parse(6, &note).is_err());
            assert!(Checkpoint::of_note(&note).is_err());
        }
        assert_eq!(Head::path(5).as_ref(), "log/heads/00000000000000000005");
    }
}
