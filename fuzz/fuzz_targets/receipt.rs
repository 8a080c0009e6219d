//! Envelopes from outside: what parses has one form, and nothing opens but what the key really sealed.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sohoa_fuzz::{policy, receipts};
use sohoa_record::{Receipt, TrustPolicy};
use std::collections::BTreeSet;
use std::sync::LazyLock;

/// Whom to believe: the fuzz key, and those of the fixtures.
static POLICY: LazyLock<TrustPolicy> = LazyLock::new(|| {
    let mut believed = policy();
    for file in sohoa_fuzz::files_below(sohoa_fuzz::fixtures()) {
        let policy = std::fs::read_to_string(&file).ok().and_then(|text| TrustPolicy::parse(&text).ok());
        policy.iter().flat_map(TrustPolicy::keys).for_each(|key| drop(believed.add(key.key, &key.name)));
    }
    believed
});

/// Digests of all that was ever sealed under these keys.
static SEALED: LazyLock<BTreeSet<String>> = LazyLock::new(|| {
    let opened = receipts().into_iter().filter_map(|bytes| Receipt::parse(&bytes).ok()?.open(&POLICY).ok());
    opened.map(|opened| opened.digest.to_string()).collect()
});

fuzz_target!(|data: &[u8]| {
    let Ok(receipt) = Receipt::parse(data) else { return };
    assert_eq!(receipt.to_bytes(), data, "one receipt has one form");
    if let Ok(opened) = receipt.open(&POLICY) {
        assert!(SEALED.contains(opened.digest.as_str()), "a seal was forged: {}", opened.digest);
        assert!(POLICY.key(opened.key_id.as_str()).is_some());
    }
});
