//! The trust policy: whoever is believed can be written down again, and nobody weak is.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sohoa_record::TrustPolicy;
use sohoa_record::trust::policy_line;

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let Ok(policy) = TrustPolicy::parse(text) else { return };
    assert!(!policy.keys().is_empty());
    let lines: Vec<String> = policy.keys().iter().map(|key| policy_line(&key.key, &key.name)).collect();
    let again = TrustPolicy::parse(&lines.join("\n")).expect("what is believed can be written");
    let told = |policy: &TrustPolicy| policy.keys().iter().map(|key| (key.id.clone(), key.name.clone())).collect::<Vec<_>>();
    assert_eq!(told(&policy), told(&again));
    for key in policy.keys() {
        assert!(!key.key.is_weak());
        assert!(policy.key(key.id.as_str()).is_some_and(|found| found.key == key.key));
    }
});
