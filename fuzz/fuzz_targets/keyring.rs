//! Keyrings from outside: what is read has one form, and no bytes make a key count but those that the root signed.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sohoa_record::keyring::{Event, History, Keyring, Standing};
use sohoa_record::trust::key_id;
use sohoa_record::{Envelope, TrustPolicy};
use std::sync::LazyLock;

/// A root of the fuzz key, and a log that must be named beside it.
static POLICY: LazyLock<TrustPolicy> = LazyLock::new(|| {
    let root = sohoa_record::trust::root_line(&sohoa_fuzz::key().verifying_key(), "fuzz");
    let log = "log sohoa.example/test-log+be4a6dcd+AYExD9HTXZTxPx+/OLkxxEt8blysYUtiTvmIpR/65FAo";
    TrustPolicy::parse(&format!("{root}\nroot-threshold 1\n{log}\nquorum none\n")).expect("a good policy")
});

fuzz_target!(|data: &[u8]| {
    if let Ok(keyring) = Keyring::from_bytes(data) {
        assert_eq!(keyring.to_bytes(), data, "one keyring has one form");
        // Whoever is believed could sign it; nobody has.
        let mut signed = keyring.envelope();
        signed.sign(data, &sohoa_fuzz::key());
        for envelope in [keyring.envelope(), signed] {
            judge(Some(envelope), false);
        }
    }
    if let Ok(envelope) = Envelope::parse(data) {
        assert_eq!(envelope.to_bytes(), data, "one envelope has one form");
        judge(Some(envelope), true);
    }
});

fn judge(envelope: Option<Envelope>, from_outside: bool) {
    let root = POLICY.root().expect("a root");
    let history = History::read(root, vec![Event { index: 3, envelope }]);
    assert!(!from_outside || history.current().is_none(), "a root was forged");
    let stranger = key_id(&sohoa_fuzz::key().verifying_key());
    assert!(matches!(history.standing(&stranger, Some(9)), Standing::Unnamed), "a root's key seals nothing");
}
