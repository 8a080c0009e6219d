//! Signed notes (C2SP signed-note v1.0.0): a text, an empty line, and lines of signatures. A note's text means nothing before a
//! [`VerifierKey`] that is believed has signed it.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use sha2::{Digest as _, Sha256};
use std::fmt;

/// Notes larger than this are not read. Sixty-four post-quantum signatures fit.
const MOST_BYTES: usize = 1 << 18;
/// The specification wants at least 16 accepted.
const MOST_SIGNATURES: usize = 64;

/// What a key signs, by the specification's type byte. Other types are passed over like unknown keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KeyType {
    /// 0x01: Ed25519 over the note's text; a log's checkpoint.
    Note,
    /// 0x04: a witness's cosignature/v1 of a checkpoint, with its time (see [`super::cosignature`]).
    Cosignature,
}

impl KeyType {
    fn byte(self) -> u8 {
        match self {
            KeyType::Note => 0x01,
            KeyType::Cosignature => 0x04,
        }
    }
}

/// The public half of a key that signs notes, as a line of text: `name+id+key`, a *vkey*.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifierKey {
    name: String,
    key_type: KeyType,
    key: VerifyingKey,
}

impl VerifierKey {
    /// A key by that name: not empty, no white space, no `+`. Keys of small order are refused.
    pub fn new(name: &str, key_type: KeyType, key: VerifyingKey) -> Result<Self, NoteError> {
        if !is_name(name) {
            return Err(malformed("a key's name is empty, or has white space, a control character or '+'"));
        }
        if key.is_weak() {
            return Err(malformed("the key is weak (small order)"));
        }
        Ok(Self { name: name.to_owned(), key_type, key })
    }

    /// Reads a vkey.
    pub fn parse(vkey: &str) -> Result<Self, NoteError> {
        let mut parts = vkey.splitn(3, '+');
        let (Some(name), Some(id), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(malformed("a vkey has a name, an identifier and a key with '+' between them"));
        };
        let bytes = STANDARD.decode(key).map_err(|e| malformed(format!("the key of vkey '{name}' is not base64 ({e})")))?;
        let key_type = match bytes.first() {
            Some(0x01) => KeyType::Note,
            Some(0x04) => KeyType::Cosignature,
            Some(other) => return Err(malformed(format!("vkey '{name}' is of type 0x{other:02x}; 0x01 or 0x04 was expected"))),
            None => return Err(malformed(format!("vkey '{name}' has no key"))),
        };
        let key: [u8; 32] = bytes[1..].try_into().map_err(|_| malformed(format!("the key of vkey '{name}' has not 32 bytes")))?;
        let key = VerifyingKey::from_bytes(&key).map_err(|e| malformed(format!("vkey '{name}' is not an Ed25519 key ({e})")))?;
        let parsed = Self::new(name, key_type, key)?;
        if hex::encode(parsed.id()) != id {
            return Err(malformed(format!("vkey '{name}' has the identifier {id}, its key has {}", hex::encode(parsed.id()))));
        }
        Ok(parsed)
    }

    /// The key's name; of a log's key its origin.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it signs.
    pub fn key_type(&self) -> KeyType {
        self.key_type
    }

    /// The key itself.
    pub fn key(&self) -> &VerifyingKey {
        &self.key
    }

    /// The first four bytes of SHA-256(name ‖ 0x0A ‖ type ‖ key). It only helps to find the key.
    pub fn id(&self) -> [u8; 4] {
        let digest = Sha256::new()
            .chain_update(&self.name)
            .chain_update([b'\n', self.key_type.byte()])
            .chain_update(self.key.as_bytes())
            .finalize();
        [digest[0], digest[1], digest[2], digest[3]]
    }
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = [&[self.key_type.byte()], self.key.as_bytes().as_slice()].concat();
        write!(f, "{}+{}+{}", self.name, hex::encode(self.id()), STANDARD.encode(key))
    }
}

/// A signature line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoteSignature {
    /// The key's name.
    pub name: String,
    /// The key's identifier.
    pub key_id: [u8; 4],
    /// What the key made, by the rules of its type; never empty.
    pub bytes: Vec<u8>,
}

impl NoteSignature {
    /// Reads one line, with or without its line feed: `— name base64`.
    pub fn parse(line: &str) -> Result<Self, NoteError> {
        let line = line.strip_suffix('\n').unwrap_or(line);
        let (name, signature) = line
            .strip_prefix("— ")
            .and_then(|rest| rest.split_once(' '))
            .filter(|(name, _)| is_name(name))
            .ok_or_else(|| malformed("a signature line is not '— name signature'"))?;
        let bytes =
            STANDARD.decode(signature).map_err(|e| malformed(format!("the signature of '{name}' is not base64 ({e})")))?;
        match bytes.split_first_chunk::<4>() {
            Some((id, signature)) if !signature.is_empty() => {
                Ok(Self { name: name.to_owned(), key_id: *id, bytes: signature.to_vec() })
            }
            _ => Err(malformed(format!("the signature of '{name}' is too short"))),
        }
    }

    /// True when it says that it is by `key`.
    pub fn names(&self, key: &VerifierKey) -> bool {
        self.name == key.name && self.key_id == key.id()
    }
}

impl fmt::Display for NoteSignature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "— {} {}", self.name, STANDARD.encode([self.key_id.as_slice(), &self.bytes].concat()))
    }
}

/// A key that signs notes under its name: a log's own.
#[derive(Clone)]
pub struct NoteSigner {
    public: VerifierKey,
    key: SigningKey,
}

impl NoteSigner {
    /// `key` under that name.
    pub fn new(name: &str, key: SigningKey) -> Result<Self, NoteError> {
        Ok(Self { public: VerifierKey::new(name, KeyType::Note, key.verifying_key())?, key })
    }

    /// The public half.
    pub fn public(&self) -> &VerifierKey {
        &self.public
    }

    /// The signature over bytes that are no note, and cannot be taken for one.
    pub(crate) fn sign_bytes(&self, bytes: &[u8]) -> [u8; 64] {
        self.key.sign(bytes).to_bytes()
    }

    /// Signs `text`, which ends in a line feed.
    pub fn sign(&self, text: &str) -> Note {
        let bytes = self.key.sign(text.as_bytes()).to_bytes().to_vec();
        let signature = NoteSignature { name: self.public.name.clone(), key_id: self.public.id(), bytes };
        Note { text: text.to_owned(), signatures: vec![signature] }
    }
}

impl fmt::Debug for NoteSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "signer of {}", self.public)
    }
}

/// A note that was parsed and not yet believed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// What is signed; ends in a line feed.
    pub text: String,
    /// Who says to have signed it; at least one.
    pub signatures: Vec<NoteSignature>,
}

impl Note {
    /// Reads a note. Whatever is accepted has just this one spelling: [`Note::to_string`] gives the same bytes.
    pub fn parse(bytes: &[u8]) -> Result<Note, NoteError> {
        if bytes.len() > MOST_BYTES {
            return Err(malformed(format!("it is larger than {MOST_BYTES} bytes")));
        }
        let text = std::str::from_utf8(bytes).map_err(|_| malformed("it is not UTF-8"))?;
        if text.bytes().any(|b| b < 0x20 && b != b'\n') {
            return Err(malformed("it has a control character"));
        }
        let (text, lines) = match text.rfind("\n\n") {
            Some(at) => (&text[..at + 1], &text[at + 2..]),
            None => return Err(malformed("it has no empty line before its signatures")),
        };
        if !lines.ends_with('\n') {
            return Err(malformed("it has no signatures, or its last line does not end"));
        }
        if lines.matches('\n').count() > MOST_SIGNATURES {
            return Err(malformed(format!("it has more than {MOST_SIGNATURES} signatures")));
        }
        let signatures = lines.split_inclusive('\n').map(NoteSignature::parse).collect::<Result<_, _>>()?;
        Ok(Note { text: text.to_owned(), signatures })
    }

    /// The signatures that say to be by `key`, each verified; none when there are none. One that is false makes the whole note bad.
    /// A cosignature comes with its time in seconds since 1970 UTC.
    pub fn signed_by(&self, key: &VerifierKey) -> Result<Vec<Option<u64>>, NoteError> {
        let named = self.signatures.iter().filter(|signature| signature.names(key));
        named.map(|signature| verify(&self.text, key, &signature.bytes)).collect()
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.text)?;
        self.signatures.iter().try_for_each(|signature| signature.fmt(f))
    }
}

/// Verifies what a key made over a note's text; of a cosignature it gives the time.
fn verify(text: &str, key: &VerifierKey, bytes: &[u8]) -> Result<Option<u64>, NoteError> {
    let bad = || NoteError::BadSignature(key.name.clone());
    let (time, signature, message) = match key.key_type {
        KeyType::Note => (None, bytes, text.to_owned()),
        KeyType::Cosignature => {
            let (time, signature) = bytes.split_first_chunk::<8>().ok_or_else(bad)?;
            let time = u64::from_be_bytes(*time);
            (Some(time), signature, super::cosignature::message(text, time))
        }
    };
    let signature = Signature::from_slice(signature).map_err(|_| bad())?;
    // strict: refuses the malleable and small-order cases on which Ed25519 verifiers disagree
    key.key.verify_strict(message.as_bytes(), &signature).map_err(|_| bad())?;
    Ok(time)
}

/// Not empty, nothing that a reader could take for an end of the name.
fn is_name(name: &str) -> bool {
    !name.is_empty() && !name.contains(|c: char| c.is_whitespace() || c.is_control() || c == '+')
}

fn malformed(why: impl Into<String>) -> NoteError {
    NoteError::Malformed(why.into())
}

/// Why a note or its key is not accepted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoteError {
    /// Not in the form of the specification.
    #[error("not a signed note: {0}")]
    Malformed(String),
    /// A known key is named and its signature does not fit.
    #[error("the signature of '{0}' does not fit the text")]
    BadSignature(String),
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The example of the specification.
    const EXAMPLE: &str = "This is an example message.\n\n— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n";
    const EXAMPLE_KEY: &str = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";

    #[test]
    fn the_example_of_the_specification_verifies() {
        let key = VerifierKey::parse(EXAMPLE_KEY).unwrap();
        let note = Note::parse(EXAMPLE.as_bytes()).unwrap();
        assert_eq!(note.signed_by(&key), Ok(vec![None]));
        assert_eq!((note.to_string().as_str(), key.to_string().as_str()), (EXAMPLE, EXAMPLE_KEY));
    }

    #[test]
    fn a_changed_text_is_refused_and_an_unknown_key_is_passed_over() {
        let key = VerifierKey::parse(EXAMPLE_KEY).unwrap();
        let changed = Note::parse(EXAMPLE.replace("example m", "Example m").as_bytes()).unwrap();
        assert_eq!(changed.signed_by(&key), Err(NoteError::BadSignature("example.com/foo".into())));
        let other = VerifierKey::new("example.com/foo", KeyType::Note, SigningKey::from_bytes(&[9; 32]).verifying_key()).unwrap();
        assert_eq!(Note::parse(EXAMPLE.as_bytes()).unwrap().signed_by(&other), Ok(vec![]));
    }

    #[test]
    fn of_two_signatures_of_one_key_both_must_fit() {
        let key = SigningKey::from_bytes(&[1; 32]);
        let public = VerifierKey::new("a", KeyType::Note, key.verifying_key()).unwrap();
        let signer = NoteSigner::new("a", key).unwrap();
        let good = signer.sign("x\n").signatures.remove(0);
        let bad = signer.sign("y\n").signatures.remove(0);
        let note = |signatures: Vec<NoteSignature>| Note { text: "x\n".into(), signatures };
        assert_eq!(note(vec![good.clone(), good.clone()]).signed_by(&public), Ok(vec![None, None]));
        assert!(note(vec![good, bad]).signed_by(&public).is_err());
    }

    #[test]
    fn what_is_not_in_the_one_form_is_refused() {
        for (text, why) in [
            ("", "empty line"),
            ("a\n", "empty line"),
            ("a\n\n", "no signatures"),
            ("a\n\n— n AAAAAAA=", "does not end"),
            ("a\n\n- n AAAAAAA=\n", "not '— name"),
            ("a\n\n— n+m AAAAAAA=\n", "not '— name"),
            ("a\n\n—  AAAAAAA=\n", "not '— name"),
            ("a\n\n— n\u{a0}m AAAAAAA=\n", "not '— name"),
            ("a\n\n— n AAAAAAA\n", "base64"),
            ("a\n\n— n AAAAAAB=\n", "base64"),
            ("a\n\n— n AAAAAA==\n", "too short"),
            ("a\n\n— n AAAAAAA= \n", "base64"),
            ("a\r\n\n— n AAAAAAA=\n", "control"),
            ("a\n\n— n AAAAAAA=\nb\n", "not '— name"),
        ] {
            let error = Note::parse(text.as_bytes()).unwrap_err().to_string();
            assert!(error.contains(why), "{text:?}: {error}");
        }
        assert!(Note::parse(b"a\n\n\xe2\x80\x94 n\xff AAAAAAA=\n").is_err());
        let many = |n: usize| format!("a\n\n{}", "— n AAAAAAA=\n".repeat(n));
        assert!(Note::parse(many(16).as_bytes()).is_ok() && Note::parse(many(65).as_bytes()).is_err());
        for vkey in
            ["", "a", "a+530d903a", "example.com/foo+530d903b+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k", "a b+00000000+AQ=="]
        {
            assert!(VerifierKey::parse(vkey).is_err(), "{vkey}");
        }
        let weak = format!("a+00000000+{}", STANDARD.encode([[1u8; 1].as_slice(), &[1], &[0; 31]].concat()));
        assert!(VerifierKey::parse(&weak).unwrap_err().to_string().contains("weak"));
    }

    #[test]
    fn an_empty_line_may_stand_in_the_text() {
        let note = Note::parse("a\n\nb\n\n— n AAAAAAA=\n".as_bytes()).unwrap();
        assert_eq!(note.text, "a\n\nb\n");
    }

    proptest! {
        #[test]
        fn what_is_accepted_is_written_alike(text in "(?s)[ -~\n—]{0,80}") {
            if let Ok(note) = Note::parse(text.as_bytes()) {
                prop_assert_eq!(note.to_string(), text);
            }
        }

        #[test]
        fn no_changed_byte_of_a_signed_note_passes(at in any::<proptest::sample::Index>(), to in any::<u8>()) {
            let key = SigningKey::from_bytes(&[3; 32]);
            let public = VerifierKey::new("log.example/a", KeyType::Note, key.verifying_key()).unwrap();
            let text = "log.example/a\n5\nAAAA\n".to_owned();
            let bytes = NoteSigner::new("log.example/a", key).unwrap().sign(&text).to_string().into_bytes();
            let mut changed = bytes.clone();
            changed[at.index(bytes.len())] = to;
            if let Ok(note) = Note::parse(&changed)
                && changed != bytes
            {
                prop_assert!(!matches!(note.signed_by(&public), Ok(signed) if !signed.is_empty()));
            }
        }
    }
}
