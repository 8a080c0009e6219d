//! The trust policy: whoever is believed can be written down again, nobody weak is, and a root has its log.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sohoa_record::TrustPolicy;
use sohoa_record::trust::{policy_line, root_line};

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let Ok(policy) = TrustPolicy::parse(text) else { return };
    assert!(!policy.keys().is_empty() || policy.root().is_some());
    let mut lines: Vec<String> = policy.keys().iter().map(|key| policy_line(&key.key, &key.name)).collect();
    if let Some(root) = policy.root() {
        assert!((1..=root.keys.len()).contains(&(root.threshold as usize)));
        lines.extend(root.keys.iter().map(|key| root_line(&key.key, &key.name)));
        lines.push(format!("root-threshold {}", root.threshold));
        let log = policy.log().expect("keys count by a log's order");
        lines.extend(log.logs().iter().map(|log| format!("log {}", log.key)));
        lines.push("quorum none".into());
    }
    let again = TrustPolicy::parse(&lines.join("\n")).expect("what is believed can be written");
    let told = |policy: &TrustPolicy| policy.keys().iter().map(|key| (key.id.clone(), key.name.clone())).collect::<Vec<_>>();
    assert_eq!((told(&policy), policy.root()), (told(&again), again.root()));
    for key in policy.keys().iter().chain(policy.root().iter().flat_map(|root| &root.keys)) {
        assert!(!key.key.is_weak());
    }
    for key in policy.keys() {
        assert!(policy.key(key.id.as_str()).is_some_and(|found| found.key == key.key));
    }
});
