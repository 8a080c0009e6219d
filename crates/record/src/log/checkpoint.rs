//! Checkpoints (C2SP tlog-checkpoint): the head of a log, as a note that the log signs.

use super::note::{Note, NoteError};
use super::tree::Hash;
use base64::{Engine as _, engine::general_purpose::STANDARD};

/// Size and root of a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// Which log it is: the name of its key.
    pub origin: String,
    /// How many leaves it has; less than 2^63.
    pub size: u64,
    /// Their Merkle tree's root.
    pub root: Hash,
}

impl Checkpoint {
    /// The text that is signed: origin, size, root in base64, each a line.
    pub fn text(&self) -> String {
        format!("{}\n{}\n{}\n", self.origin, self.size, STANDARD.encode(self.root))
    }

    /// Reads the text of a note. Extension lines are refused: nobody can audit them, and not every cosignature covers them.
    pub fn parse_text(text: &str) -> Result<Checkpoint, NoteError> {
        let malformed = |why: &str| NoteError::Malformed(format!("not a checkpoint: {why}"));
        let lines: Vec<&str> = text.split('\n').collect();
        let [origin, size, root, ""] = lines.as_slice() else {
            return Err(malformed("an origin, a size and a root were expected, each a line, and no other line"));
        };
        let root = STANDARD.decode(root).ok().and_then(|root| root.try_into().ok());
        let checkpoint = Checkpoint {
            origin: (*origin).to_owned(),
            size: size.parse().map_err(|_| malformed("its size is not a number"))?,
            root: root.ok_or_else(|| malformed("its root is not 32 bytes in base64"))?,
        };
        if origin.is_empty() || checkpoint.size >> 63 != 0 || checkpoint.text() != text {
            return Err(malformed("its origin is empty, or its size is not in the one form"));
        }
        Ok(checkpoint)
    }

    /// Reads the checkpoint of a note without believing it.
    pub fn of_note(note: &Note) -> Result<Checkpoint, NoteError> {
        Self::parse_text(&note.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::VerifierKey;
    use crate::log::note::{KeyType, NoteSigner};
    use ed25519_dalek::SigningKey;

    #[test]
    fn the_example_of_the_specification_is_read_and_written_alike() {
        let text = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n";
        let checkpoint = Checkpoint::parse_text(text).unwrap();
        assert_eq!((checkpoint.size, checkpoint.text().as_str()), (20_852_163, text));
    }

    #[test]
    fn a_signed_checkpoint_verifies_under_its_origin_only() {
        let key = SigningKey::from_bytes(&[2; 32]);
        let checkpoint = Checkpoint { origin: "log.example/a".into(), size: 0, root: [0; 32] };
        let note = NoteSigner::new("log.example/a", key.clone()).unwrap().sign(&checkpoint.text());
        let note = Note::parse(note.to_string().as_bytes()).unwrap();
        let signed = |name: &str| note.signed_by(&VerifierKey::new(name, KeyType::Note, key.verifying_key()).unwrap());
        assert_eq!((signed("log.example/a"), signed("log.example/b")), (Ok(vec![None]), Ok(vec![])));
    }

    #[test]
    fn other_spellings_are_refused() {
        let root = "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=";
        for text in [
            format!("o\n05\n{root}\n"),
            format!("o\n+5\n{root}\n"),
            format!("o\n-5\n{root}\n"),
            format!("o\n9223372036854775808\n{root}\n"),
            format!("\n5\n{root}\n"),
            format!("o\n5\n{root}"),
            format!("o\n5\n{root}\nextension\n"),
            format!("o\n5\n{root}\n\n"),
            format!("o\n5\n{}\n", root.replace("q2I=", "q2J=")),
            "o\n5\nAAAA\n".into(),
            "o\n5\n".into(),
            String::new(),
        ] {
            assert!(Checkpoint::parse_text(&text).is_err(), "{text:?}");
        }
    }
}
