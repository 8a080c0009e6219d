//! What a log witness reads of whoever asks it. What is accepted has just one spelling, and nothing that is made up is cosigned.
#![no_main]

use ed25519_dalek::SigningKey;
use libfuzzer_sys::fuzz_target;
use sohoa_record::log::{AddCheckpoint, NoteSigner};

fuzz_target!(|data: &[u8]| {
    // A log that signs nothing here: no input can be by it.
    let log = NoteSigner::new("log.example/a", SigningKey::from_bytes(&[7; 32])).expect("a log");
    let Ok(request) = AddCheckpoint::parse(data) else { return };
    assert_eq!(request.to_string().as_bytes(), data);
    assert!(request.proof.len() <= 63);
    assert!(request.signed_by(&[log.public().clone()]).is_err());
});
