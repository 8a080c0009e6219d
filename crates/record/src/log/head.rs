//! Heads: a chain of signed notes under create-only names, each naming the one before by its digest. By them writers agree on what
//! comes next; where and how they are written is the archive's matter.

use super::checkpoint::Checkpoint;
use super::note::{Note, NoteError};
use super::tree::Hash;
use crate::Sha256Hex;

/// The first line of a head's text; number and parent follow, then the lines of a checkpoint. A checkpoint has no such six lines.
const FORMAT: &str = "sohoa-log-head/1";

/// The bytes of the file `create-only`, by which a writer sees that the store refuses a second creation.
pub const CREATE_ONLY: &[u8] = b"This file was created if absent. Whoever could create it again could fork the log.\n";

/// One head of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// From 1.
    pub number: u64,
    /// SHA-256 of the bytes of the head before; none of the first.
    pub parent: Option<Sha256Hex>,
    /// Origin, size and root of the tree.
    pub tree: Checkpoint,
}

impl Head {
    /// The path of head `number` below the log's prefix.
    pub fn path(number: u64) -> String {
        format!("heads/{number:020}")
    }

    /// The path of the entries that lead from the head before to this tree.
    pub fn staging(&self) -> String {
        staging(self.number, &self.tree.root)
    }

    /// What is signed.
    pub fn text(&self) -> String {
        let parent = self.parent.as_ref().map_or("-", Sha256Hex::as_str);
        format!("{FORMAT}\n{}\n{parent}\n{}", self.number, self.tree.text())
    }

    /// Reads head `number`; its signature is the caller's to check.
    pub fn parse(number: u64, note: &Note) -> Result<Head, NoteError> {
        let malformed = || NoteError::Malformed("it is not the head of its number".into());
        let [_, _, parent, tree] = note.text.splitn(4, '\n').collect::<Vec<_>>()[..] else { return Err(malformed()) };
        let tree = Checkpoint::parse_text(tree).map_err(|_| malformed())?;
        let parent = (parent != "-").then(|| parent.parse::<Sha256Hex>().map_err(|_| malformed())).transpose()?;
        let head = Head { number, parent, tree };
        let first_has_none = head.parent.is_some() == (number > 1);
        if head.text() == note.text && first_has_none { Ok(head) } else { Err(malformed()) }
    }
}

/// The path of the checkpoint of that size as a quorum of witnesses cosigned it. Its times say later when the log was how large.
pub fn cosigned(size: u64) -> String {
    format!("cosigned/{size:020}")
}

/// The path of the entries that lead from head `number - 1` to the root that head `number` has, or would have had if it had come first.
/// The number tells apart writers that reach one root from different heads: their entries begin elsewhere.
pub fn staging(number: u64, root: &Hash) -> String {
    let root: String = root.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("staging/{number:020}-{root}")
}

/// The path of a time stamp (RFC 3161 token, DER) over the checkpoint of so many leaves, number from 1.
pub fn anchor(size: u64, number: u32) -> String {
    format!("anchors/{size:020}/{number:04}.tst")
}

/// Size and number of a path in just the form that [`anchor`] writes.
pub fn parse_anchor(path: &str) -> Option<(u64, u32)> {
    let (size, number) = path.strip_prefix("anchors/")?.strip_suffix(".tst")?.split_once('/')?;
    let (size, number) = (size.parse().ok()?, number.parse().ok()?);
    (number > 0 && anchor(size, number) == path).then_some((size, number))
}

/// What a time stamp of an anchor is over: the first over the checkpoint's three lines; each later one, which renews it, over those and
/// the token before it, as RFC 4998 (section 5.2) has it.
pub fn anchored(checkpoint: &str, before: Option<&[u8]>) -> Vec<u8> {
    [checkpoint.as_bytes(), before.unwrap_or_default()].concat()
}

/// Number and root of a path in just the form that [`staging`] writes.
pub fn parse_staging(path: &str) -> Option<(u64, Hash)> {
    let (number, digits) = path.strip_prefix("staging/")?.split_once('-')?;
    let number = number.parse().ok()?;
    let mut root: Hash = [0; 32];
    for (i, byte) in root.iter_mut().enumerate() {
        *byte = u8::from_str_radix(digits.get(2 * i..2 * i + 2)?, 16).ok()?;
    }
    (staging(number, &root) == path).then_some((number, root))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_read_back_and_is_no_checkpoint() {
        let tree = Checkpoint { origin: "log.example/a".into(), size: 7, root: [3; 32] };
        for (number, parent) in [(1, None), (5, Some(Sha256Hex::of(b"before")))] {
            let head = Head { number, parent, tree: tree.clone() };
            let note = Note { text: head.text(), signatures: vec![] };
            assert_eq!(Head::parse(number, &note).unwrap(), head);
            assert!(Head::parse(6, &note).is_err());
            assert!(Checkpoint::of_note(&note).is_err());
        }
        let orphan = Head { number: 5, parent: None, tree };
        assert!(Head::parse(5, &Note { text: orphan.text(), signatures: vec![] }).is_err(), "only the first has no parent");
        assert_eq!(Head::path(5), "heads/00000000000000000005");
    }

    #[test]
    fn an_anchors_path_is_read_back_in_one_form_only() {
        assert_eq!(anchor(70_000, 2), "anchors/00000000000000070000/0002.tst");
        assert_eq!(parse_anchor(&anchor(70_000, 2)), Some((70_000, 2)));
        for other in
            ["anchors/7/0001.tst", "anchors/00000000000000070000/0000.tst", "anchors/00000000000000070000/1.tst", "anchors/x"]
        {
            assert_eq!(parse_anchor(other), None, "{other}");
        }
        assert_eq!(anchored("a\n1\nb\n", Some(b"token")), b"a\n1\nb\ntoken");
    }

    #[test]
    fn a_staging_path_is_read_back_in_one_form_only() {
        let path = staging(70_000, &[0xab; 32]);
        assert_eq!(path, format!("staging/00000000000000070000-{}", "ab".repeat(32)));
        assert_eq!(parse_staging(&path), Some((70_000, [0xab; 32])));
        for other in
            [path.replace("ab", "AB"), path.replace("0007", "+007"), format!("{path}0"), path[..60].into(), "staging/é".into()]
        {
            assert_eq!(parse_staging(&other), None, "{other}");
        }
    }
}
