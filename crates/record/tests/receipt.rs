//! The seal under attack: a receipt comes back as it was made, and no change of its bytes opens as something else.
#![allow(clippy::unwrap_used)]

use base64::{Engine as _, engine::general_purpose::STANDARD};
use ed25519_dalek::{Signer as _, SigningKey};
use proptest::prelude::*;
use sohoa_record::manifest::{Change, Dossier, Event, FORMAT, Object, Page, PageState, Processing, Role, Source, State};
use sohoa_record::seal::{OpenError, PAYLOAD_TYPE, pre_authentication_encoding};
use sohoa_record::trust::key_id;
use sohoa_record::{Digests, Field, Manifest, Placement, Reason, Receipt, Rect, Sha256Hex, TrustPolicy};

fn key() -> SigningKey {
    SigningKey::from_bytes(b"sohoa TEST-ONLY manifest key 01!")
}

fn policy() -> TrustPolicy {
    let mut policy = TrustPolicy::default();
    policy.add(key().verifying_key(), "test").unwrap();
    policy
}

fn manifest(words: &[String], numbers: [u32; 4]) -> Manifest {
    let word = |i: usize| words.get(i).cloned().unwrap_or_default();
    let digests = Digests { size: u64::from(numbers[0]) << 20, ..Digests::of(word(0).as_bytes()) };
    Manifest {
        format: FORMAT.into(),
        record: "0193a5c2-7e1b-7c3d-9f00-1a2b3c4d5e6f".parse().unwrap(),
        revision: 1 + numbers[1] % 9,
        previous: (!numbers[1].is_multiple_of(9)).then(|| Sha256Hex::of(b"before")),
        salt: "5a".repeat(32),
        sealed_at: "2026-11-22T09:30:05+07:00".into(),
        dossier: Dossier { code: None, folder: word(1), ordinal: Some(numbers[2]), unit: None },
        part: None,
        source: Source {
            name: word(2),
            media_type: "image/png".into(),
            arrived_at: "2026-11-22T09:29:58+07:00".into(),
            digests: digests.clone(),
        },
        state: State::Review,
        reasons: vec![Reason::NumberHandwritten],
        result_code: words.get(6).cloned(),
        objects: vec![Object { role: Role::Source, name: "source.png".into(), media_type: "image/png".into(), digests }],
        pages: vec![Page {
            number: 1,
            state: PageState::Text,
            reasons: vec![],
            dpi: 300,
            width_px: numbers[3],
            height_px: 3508,
            placement: Placement { rotated_deg: 90, skew_mdeg: -(numbers[3] as i32 & 0xfff) },
            confidence: 94,
            born_digital: false,
            image_sha256: None,
            codes: Vec::new(),
            look: None,
        }],
        fields: vec![Field {
            name: "subject".into(),
            value: Some(word(3)),
            printed: word(4),
            confidence: 97,
            page: 1,
            rect: Some(Rect { x: 1, y: 2, width: 3, height: numbers[3] }),
            doubt: None,
            rule: "nd30.header.subject".into(),
            register: None,
        }],
        incoming_signatures: vec![],
        signature_checks: vec![],
        processing: Processing { software: "sohoa".into(), engine: "recorded".into(), model: String::new(), model_sha256: None },
        history: vec![Event {
            at: "2026-11-22T09:30:00+07:00".into(),
            who: word(5),
            action: "capture".into(),
            note: word(6),
            changes: words
                .get(7)
                .map(|after| Change { field: word(3), before: None, after: Some(after.clone()) })
                .into_iter()
                .collect(),
        }],
    }
}

fn sample() -> Manifest {
    let words = ["x", "hồ sơ 01", "quyết định.png", "Về việc \"công nhận\"", "V/v …", "sohoa", "\u{7}\\/\n"];
    manifest(&words.map(String::from), [7, 0, 1, 2480])
}

/// An envelope over any bytes, signed by the believed key.
fn signed(payload_type: &str, payload: &[u8]) -> Vec<u8> {
    let signature = key().sign(&pre_authentication_encoding(payload_type, payload));
    envelope(payload_type, payload, &[(key_id(&key().verifying_key()).as_str(), &signature.to_bytes())])
}

fn envelope(payload_type: &str, payload: &[u8], signatures: &[(&str, &[u8])]) -> Vec<u8> {
    let signatures: Vec<String> =
        signatures.iter().map(|(id, sig)| format!(r#"{{"keyid":"{id}","sig":"{}"}}"#, STANDARD.encode(sig))).collect();
    let (payload, signatures) = (STANDARD.encode(payload), signatures.join(","));
    format!("{{\"payloadType\":\"{payload_type}\",\"payload\":\"{payload}\",\"signatures\":[{signatures}]}}\n").into_bytes()
}

fn open(bytes: &[u8]) -> Result<Manifest, OpenError> {
    Ok(Receipt::parse(bytes)?.open(&policy())?.manifest)
}

proptest! {
    #[test]
    fn a_receipt_opens_as_what_was_sealed(words in prop::collection::vec("\\PC{0,20}|[\\x00-\\x1f\"\\\\\u{20ac}\u{1f600}\u{fb33}]{0,8}", 0..8), numbers: [u32; 4]) {
        let manifest = manifest(&words, numbers);
        let bytes = Receipt::seal(&manifest, &key()).to_bytes();
        let opened = Receipt::parse(&bytes).unwrap().open(&policy()).unwrap();
        prop_assert_eq!(&opened.bytes, &manifest.to_bytes());
        prop_assert_eq!(&opened.digest, &Sha256Hex::of(&opened.bytes));
        prop_assert_eq!(&opened.manifest, &manifest);
        prop_assert_eq!(opened.key_name, "test");
        // the same inputs give the same bytes
        prop_assert_eq!(Receipt::seal(&manifest, &key()).to_bytes(), bytes);
    }

    #[test]
    fn no_changed_byte_opens(at: prop::sample::Index, flip in 1u8..) {
        let mut bytes = Receipt::seal(&sample(), &key()).to_bytes();
        let at = at.index(bytes.len());
        bytes[at] ^= flip;
        prop_assert!(open(&bytes).is_err(), "byte {} ^ {:#x}", at, flip);
    }

    #[test]
    fn any_bytes_are_safe_to_parse(bytes in prop::collection::vec(any::<u8>(), 0..200), text in "[\\[\\]{}\":,a-z0-9=]{0,200}") {
        prop_assert!(Receipt::parse(&bytes).is_err());
        prop_assert!(Receipt::parse(text.as_bytes()).is_err());
    }
}

#[test]
fn no_byte_of_a_receipt_can_be_cut_or_doubled() {
    let bytes = Receipt::seal(&sample(), &key()).to_bytes();
    for at in 0..bytes.len() {
        let cut = [&bytes[..at], &bytes[at + 1..]].concat();
        let doubled = [&bytes[..=at], &bytes[at..]].concat();
        assert!(open(&bytes[..at]).is_err() && open(&cut).is_err() && open(&doubled).is_err(), "byte {at}");
    }
}

#[test]
fn the_envelope_is_made_of_the_bytes_that_the_format_shows() {
    let payload = sample().to_bytes();
    assert_eq!(Receipt::seal(&sample(), &key()).to_bytes(), signed(PAYLOAD_TYPE, &payload));
    // protocol.md of DSSE v1: its own example of the encoding
    let encoded = pre_authentication_encoding("http://example.com/HelloWorld", b"hello world");
    assert_eq!(encoded, b"DSSEv1 29 http://example.com/HelloWorld 11 hello world");
}

#[test]
fn a_good_signature_over_another_form_of_the_manifest_is_malformed() {
    let text = String::from_utf8(sample().to_bytes()).unwrap();
    let changed = |from: &str, to: &str| {
        assert!(text.contains(from), "{from}");
        text.replacen(from, to, 1)
    };
    for (what, payload) in [
        ("white space", text.clone() + "\n"),
        ("another order", changed(r#"{"dossier""#, r#"{"salt":"00","dossier""#)),
        ("an unknown member", changed(r#"{"dossier""#, r#"{"aaa":1,"dossier""#)),
        ("an unknown member of an object", changed(r#","role":"source""#, r#","other":1,"role":"source""#)),
        ("an unknown member of a page", changed(r#"{"born_digital""#, r#"{"age":1,"born_digital""#)),
        ("a member twice", changed(r#""revision":1"#, r#""revision":1,"revision":1"#)),
        ("a float", changed(r#""dpi":300"#, r#""dpi":300.0"#)),
        ("an exponent", changed(r#""dpi":300"#, r#""dpi":3e2"#)),
        ("a sign", changed(r#""dpi":300"#, r#""dpi":-300"#)),
        ("a needless escape", changed("hồ sơ", "h\\u1ed3 sơ")),
        ("a missing member", changed(r#""incoming_signatures":[],"#, "")),
        ("another format", changed(FORMAT, "sohoa-manifest/2")),
        (
            "an upper-case digest",
            changed(sample().source.digests.sha256.as_str(), &sample().source.digests.sha256.as_str().to_uppercase()),
        ),
        ("nothing", String::new()),
        ("a number beyond all", changed(r#""dpi":300"#, r#""dpi":1e999"#)),
    ] {
        let refused = open(&signed(PAYLOAD_TYPE, payload.as_bytes()));
        assert!(matches!(refused, Err(OpenError::Malformed(_))), "{what}: {refused:?}");
    }
}

#[test]
fn a_signature_for_another_type_or_without_one_is_not_ours() {
    let payload = sample().to_bytes();
    let (id, raw) = (key_id(&key().verifying_key()), key().sign(&payload).to_bytes());
    let plain = envelope(PAYLOAD_TYPE, &payload, &[(id.as_str(), &raw)]);
    assert!(matches!(open(&plain), Err(OpenError::BadSignature(_))), "a signature of the bare manifest");
    assert!(matches!(open(&signed("application/vnd.in-toto+json", &payload)), Err(OpenError::Malformed(_))));
}

#[test]
fn of_several_signatures_one_believed_must_fit_and_none_may_be_false() {
    let payload = sample().to_bytes();
    let encoded = pre_authentication_encoding(PAYLOAD_TYPE, &payload);
    let (id, good) = (key_id(&key().verifying_key()), key().sign(&encoded).to_bytes());
    let ours = (id.as_str(), &good[..]);
    let stranger = (&*"ab".repeat(32), &[0u8; 64][..]);
    let false_one = (id.as_str(), &[0u8; 64][..]);
    assert!(open(&envelope(PAYLOAD_TYPE, &payload, &[stranger, ours])).is_ok());
    assert!(matches!(open(&envelope(PAYLOAD_TYPE, &payload, &[ours, false_one])), Err(OpenError::BadSignature(_))));
    assert!(matches!(open(&envelope(PAYLOAD_TYPE, &payload, &[stranger])), Err(OpenError::UnknownKey(ids)) if ids == stranger.0));
    assert!(matches!(open(&envelope(PAYLOAD_TYPE, &payload, &[])), Err(OpenError::Malformed(_))));
    assert!(matches!(open(&envelope(PAYLOAD_TYPE, &payload, &[(id.as_str(), &good[..63])])), Err(OpenError::BadSignature(_))));
}

#[test]
fn a_second_form_of_a_good_signature_is_refused() {
    // RFC 8032 §5.1.7: S must be below the group order L; S + L would satisfy the equation too.
    const L: [u8; 32] = [
        0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 0, 0, 0, 0, 0, 0, 0, 0,
        0, 0, 0, 0, 0, 0, 0, 0x10,
    ];
    let payload = sample().to_bytes();
    let mut signature = key().sign(&pre_authentication_encoding(PAYLOAD_TYPE, &payload)).to_bytes();
    let mut carry = 0u16;
    for (byte, l) in signature[32..].iter_mut().zip(L) {
        carry += u16::from(*byte) + u16::from(l);
        *byte = carry as u8;
        carry >>= 8;
    }
    let id = key_id(&key().verifying_key());
    let refused = open(&envelope(PAYLOAD_TYPE, &payload, &[(id.as_str(), &signature)]));
    assert!(matches!(refused, Err(OpenError::BadSignature(_))), "{refused:?}");
}

#[test]
fn object_names_that_lead_elsewhere_are_malformed() {
    for name in ["../x", "a/b", "/etc/passwd", ".x", "", "a\\b", "con:", "tên.pdf", &"x".repeat(65)] {
        let mut manifest = sample();
        manifest.objects[0].name = name.into();
        let refused = open(&Receipt::seal(&manifest, &key()).to_bytes());
        assert!(matches!(refused, Err(OpenError::Malformed(_))), "{name:?}: {refused:?}");
    }
}
