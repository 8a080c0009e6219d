//! The tombstone: what it says, what it does not give away, and that no other form of it opens.
#![allow(clippy::unwrap_used)]

use ed25519_dalek::SigningKey;
use sohoa_record::log::{Kind, Leaf};
use sohoa_record::manifest::{Dossier, FORMAT, Manifest, Object, Processing, Role, Source, State};
use sohoa_record::seal::OpenError;
use sohoa_record::tombstone::{PAYLOAD_TYPE, Tombstone, commitment};
use sohoa_record::{Digests, Envelope, Receipt, Sha256Hex, TrustPolicy};

fn key() -> SigningKey {
    SigningKey::from_bytes(b"sohoa TEST-ONLY manifest key 01!")
}

fn policy() -> TrustPolicy {
    let mut policy = TrustPolicy::default();
    policy.add(key().verifying_key(), "test").unwrap();
    policy
}

fn revision(number: u32, previous: Option<&Manifest>, text: &str) -> Manifest {
    let digests = Digests::of(b"the scan");
    let object = |role, name: &str, digests| Object { role, name: name.into(), media_type: "x/y".into(), digests };
    Manifest {
        format: FORMAT.into(),
        record: "0193a5c2-7e1b-7c3d-9f00-1a2b3c4d5e6f".parse().unwrap(),
        revision: number,
        previous: previous.map(|m| Sha256Hex::of(&m.to_bytes())),
        salt: format!("{number:02x}").repeat(32),
        sealed_at: "2026-11-22T09:30:05+07:00".into(),
        dossier: Dossier { code: None, folder: "Nguyễn Văn An".into(), ordinal: None, unit: None },
        part: None,
        source: Source {
            name: "Nguyễn Văn An.png".into(),
            media_type: "image/png".into(),
            arrived_at: "2026-11-22T09:29:58+07:00".into(),
            digests: digests.clone(),
        },
        state: State::Sealed,
        reasons: vec![],
        result_code: None,
        objects: vec![object(Role::Source, "source.png", digests), object(Role::Text, "text.json", Digests::of(text.as_bytes()))],
        pages: vec![],
        fields: vec![],
        incoming_signatures: vec![],
        signature_checks: vec![],
        pdf_signatures: vec![],
        processing: Processing { software: "test".into(), engine: String::new(), model: String::new(), model_sha256: None },
        history: vec![],
    }
}

fn tombstone() -> (Tombstone, Vec<Manifest>) {
    let first = revision(1, None, "như máy đọc");
    let second = revision(2, Some(&first), "như người sửa");
    let digests = [Sha256Hex::of(&first.to_bytes()), Sha256Hex::of(&second.to_bytes())];
    let revisions = [(&first, &digests[0]), (&second, &digests[1])];
    let at = "2036-01-15T08:00:00+07:00".to_owned();
    let made =
        Tombstone::of(&revisions, " QĐ 12/QĐ-UBND, Luật Lưu trữ 33/2024/QH15 ", "Trần Thị Bình", at, "ab".repeat(32)).unwrap();
    (made, vec![first, second])
}

#[test]
fn it_names_every_revision_and_object_and_gives_no_word_and_no_digest_of_the_paper_away() {
    let (made, manifests) = tombstone();
    assert_eq!((made.revision, made.receipts.len()), (3, 2));
    assert_eq!(made.basis, "QĐ 12/QĐ-UBND, Luật Lưu trữ 33/2024/QH15");
    // the source is named by both revisions and counted once
    let roles: Vec<Role> = made.objects.iter().map(|object| object.role).collect();
    assert_eq!(roles, [Role::Source, Role::Text, Role::Text]);
    let text = String::from_utf8(made.to_bytes()).unwrap();
    for manifest in &manifests {
        assert!(!text.contains(&manifest.salt) && !text.contains("Nguyễn"));
        for object in &manifest.objects {
            assert!(!text.contains(object.digests.sha256.as_str()) && !text.contains(&object.digests.sha512));
        }
    }
    // who has a copy of the receipts can show what it was
    let last = &manifests[1];
    assert_eq!(made.objects[2].commitment, commitment(&last.salt, &last.objects[1].digests));
}

#[test]
fn its_leaf_continues_the_record_and_is_one_that_the_log_takes() {
    let (made, manifests) = tombstone();
    let opened = Tombstone::open(&made.seal(&key()), &policy()).unwrap();
    assert_eq!(opened.tombstone, made);
    let leaf = &opened.leaf;
    assert_eq!((leaf.kind, leaf.ver), (Kind::Tombstone, Some(3)));
    assert_eq!(leaf.prev, Some(Sha256Hex::of(&manifests[1].to_bytes())));
    assert_eq!(leaf.man.sha256, Sha256Hex::of(&made.to_bytes()));
    assert_eq!(Leaf::from_bytes(&leaf.to_bytes()).as_ref(), Ok(leaf));
}

#[test]
fn a_tombstone_is_no_receipt_and_a_receipt_no_tombstone() {
    let (made, manifests) = tombstone();
    let bytes = made.seal(&key()).to_bytes();
    assert!(matches!(Receipt::parse(&bytes).unwrap().open(&policy()), Err(OpenError::Malformed(_))));
    let receipt = Receipt::seal(&manifests[0], &key()).to_bytes();
    assert!(matches!(Tombstone::open(&Envelope::parse(&receipt).unwrap(), &policy()), Err(OpenError::Malformed(_))));
}

#[test]
fn a_forged_an_unknown_and_a_misshapen_one_do_not_open() {
    let (made, _) = tombstone();
    let stranger = SigningKey::from_bytes(&[9; 32]);
    assert!(matches!(Tombstone::open(&made.seal(&stranger), &policy()), Err(OpenError::UnknownKey(_))));
    // the signature of one, the words of another
    let other = Tombstone { basis: "không có căn cứ".into(), ..made.clone() };
    let signature = |envelope: &Envelope| envelope.first_signature().unwrap().1;
    let forged = String::from_utf8(other.seal(&key()).to_bytes()).unwrap();
    let forged = forged.replace(&signature(&other.seal(&key())), &signature(&made.seal(&key())));
    let opened = Tombstone::open(&Envelope::parse(forged.as_bytes()).unwrap(), &policy());
    assert!(matches!(opened, Err(OpenError::BadSignature(_))));

    let sealed = |change: &dyn Fn(&mut Tombstone)| {
        let mut changed = made.clone();
        change(&mut changed);
        Tombstone::open(&changed.seal(&key()), &policy()).map(drop)
    };
    assert_eq!(sealed(&|_| {}), Ok(()));
    let wrong: [&dyn Fn(&mut Tombstone); 7] = [
        &|t| t.basis.clear(),
        &|t| t.by = " ".into(),
        &|t| t.by = "hai\ndòng".into(),
        &|t| t.revision = 4,
        &|t| t.receipts.clear(),
        &|t| t.salt.truncate(62),
        &|t| t.format = "sohoa-tombstone/2".into(),
    ];
    for (n, change) in wrong.into_iter().enumerate() {
        assert!(matches!(sealed(change), Err(OpenError::Malformed(_))), "{n}");
    }
    // another spelling of the same statement, well signed
    let spelled = [b" ".as_slice(), &made.to_bytes()].concat();
    let mut envelope = Envelope::unsigned(PAYLOAD_TYPE, &spelled);
    envelope.sign(&spelled, &key());
    assert!(matches!(Tombstone::open(&envelope, &policy()), Err(OpenError::Malformed(_))));
}
