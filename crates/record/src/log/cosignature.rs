//! Cosignatures of checkpoints by witnesses (C2SP tlog-cosignature v1, Ed25519, type 0x04). One says: at that time this was the largest
//! tree of that log that the witness had seen, and it continues all that the witness had seen before.

use super::note::{KeyType, NoteError, NoteSignature, VerifierKey};
use ed25519_dalek::{Signer as _, SigningKey};

/// What is signed: a header, the time in seconds since 1970 UTC, and the checkpoint's text. The witness's name is not in it, so a
/// witness's key serves no other.
pub fn message(checkpoint_text: &str, time: u64) -> String {
    format!("cosignature/v1\ntime {time}\n{checkpoint_text}")
}

/// The cosignature of a checkpoint's text by the witness of that name.
pub fn cosign(checkpoint_text: &str, name: &str, key: &SigningKey, time: u64) -> Result<NoteSignature, NoteError> {
    let public = VerifierKey::new(name, KeyType::Cosignature, key.verifying_key())?;
    let signature = key.sign(message(checkpoint_text, time).as_bytes());
    let bytes = [time.to_be_bytes().as_slice(), &signature.to_bytes()].concat();
    Ok(NoteSignature { name: name.to_owned(), key_id: public.id(), bytes })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::Note;

    #[test]
    fn a_cosignature_has_its_time_and_no_other() {
        let key = SigningKey::from_bytes(&[5; 32]);
        let public = VerifierKey::new("witness.example", KeyType::Cosignature, key.verifying_key()).unwrap();
        let text = "log.example/a\n1\nAAAA\n";
        let mut signature = cosign(text, "witness.example", &key, 1_700_000_000).unwrap();
        let note = |signature: &NoteSignature| Note { text: text.into(), signatures: vec![signature.clone()] };
        assert_eq!(note(&signature).signed_by(&public), Ok(vec![Some(1_700_000_000)]));
        assert_eq!(signature.bytes.len(), 72);
        signature.bytes[7] ^= 1;
        assert!(note(&signature).signed_by(&public).is_err());
    }

    #[test]
    fn one_key_has_another_identifier_for_each_of_its_types() {
        let key = SigningKey::from_bytes(&[5; 32]).verifying_key();
        let as_log = VerifierKey::new("a", KeyType::Note, key).unwrap();
        let as_witness = VerifierKey::new("a", KeyType::Cosignature, key).unwrap();
        assert_ne!(as_log.id(), as_witness.id());
        assert_eq!(VerifierKey::parse(&as_witness.to_string()), Ok(as_witness));
    }
}
