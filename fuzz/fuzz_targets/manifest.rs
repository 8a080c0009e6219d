//! Manifest bytes under a good seal, as a newer or a lying program might make them: what opens is exactly what was signed, and
//! nothing in it leads out of a folder.
#![no_main]

use base64::{Engine as _, engine::general_purpose::STANDARD};
use ed25519_dalek::Signer as _;
use libfuzzer_sys::fuzz_target;
use sohoa_fuzz::{key, policy};
use sohoa_record::Receipt;
use sohoa_record::seal::{PAYLOAD_TYPE, pre_authentication_encoding};

fuzz_target!(|data: &[u8]| {
    let signature = key().sign(&pre_authentication_encoding(PAYLOAD_TYPE, data));
    let keyid = sohoa_record::trust::key_id(&key().verifying_key());
    let (payload, sig) = (STANDARD.encode(data), STANDARD.encode(signature.to_bytes()));
    let envelope = format!(
        "{{\"payloadType\":\"{PAYLOAD_TYPE}\",\"payload\":\"{payload}\",\"signatures\":[{{\"keyid\":\"{keyid}\",\"sig\":\"{sig}\"}}]}}\n"
    );
    let receipt = Receipt::parse(envelope.as_bytes()).expect("the envelope is in our form");
    let Ok(opened) = receipt.open(&policy()) else { return };
    assert_eq!(opened.bytes, data);
    assert_eq!(opened.manifest.to_bytes(), data, "one manifest has one form");
    for object in &opened.manifest.objects {
        assert!(!object.name.contains(['/', '\\', '\0']) && !object.name.starts_with('.') && !object.name.is_empty());
    }
    let sealed = Receipt::seal(&opened.manifest, &key());
    assert_eq!(sealed.open(&policy()).unwrap().manifest, opened.manifest);
});
