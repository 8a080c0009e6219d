//! Keyrings and what follows from their order in the log: who may speak about keys, what a thief of each key can do, and which
//! receipts count.
#![allow(clippy::unwrap_used)]

use ed25519_dalek::SigningKey;
use sohoa_record::keyring::{Event, FORMAT, History, Holder, Keyring, RootKeys, SealingKey, Standing, State};
use sohoa_record::log::{Kind, Leaf};
use sohoa_record::seal::OpenError;
use sohoa_record::trust::{key_id, public_key_base64, root_line};
use sohoa_record::{Envelope, Sha256Hex, TrustPolicy};

fn key(seed: u8) -> SigningKey {
    SigningKey::from_bytes(&[seed; 32])
}

fn id(seed: u8) -> Sha256Hex {
    key_id(&key(seed).verifying_key())
}

fn sealing(seed: u8, from: Option<u64>) -> SealingKey {
    let key = public_key_base64(&key(seed).verifying_key());
    SealingKey { from, key, name: format!("khóa {seed}"), reason: None, state: State::Valid, until: None }
}

fn root_of(seeds: &[u8], threshold: u32) -> RootKeys {
    let holder = |seed: &u8| Holder { key: public_key_base64(&key(*seed).verifying_key()), name: format!("người {seed}") };
    RootKeys { keys: seeds.iter().map(holder).collect(), threshold }
}

/// Version 1: root 101, 102, 103 of which two sign; key 1 seals from the first leaf on.
fn first() -> Keyring {
    Keyring {
        format: FORMAT.into(),
        issued_at: "2026-11-27T09:00:00+07:00".into(),
        keys: vec![sealing(1, Some(0))],
        previous: None,
        root: root_of(&[101, 102, 103], 2),
        salt: "01".repeat(32),
        version: 1,
    }
}

fn next(before: &Keyring) -> Keyring {
    Keyring { previous: Some(Sha256Hex::of(&before.to_bytes())), version: before.version + 1, ..before.clone() }
}

/// The next version, in which key 1 is retired and key 2 takes its place.
fn rotated(before: &Keyring) -> Keyring {
    let mut next = next(before);
    next.keys[0].state = State::Retired;
    next.keys.push(sealing(2, None));
    next
}

fn revoked(before: &Keyring, at: usize, until: Option<u64>) -> Keyring {
    let mut next = next(before);
    let key = &mut next.keys[at];
    (key.state, key.reason, key.until) = (State::Revoked, Some("máy bị mất".into()), until);
    next
}

fn signed(keyring: &Keyring, by: &[u8]) -> Envelope {
    let mut envelope = keyring.envelope();
    by.iter().for_each(|seed| envelope.sign(&keyring.to_bytes(), &key(*seed)));
    Envelope::parse(&envelope.to_bytes()).unwrap()
}

fn policy(seeds: &[u8], threshold: u32) -> TrustPolicy {
    let log = sohoa_record::log::NoteSigner::new("log.example/a", key(200)).unwrap();
    let lines: String = seeds.iter().map(|seed| root_line(&key(*seed).verifying_key(), "người") + "\n").collect();
    TrustPolicy::parse(&format!("{lines}root-threshold {threshold}\nlog {}\nquorum none\n", log.public())).unwrap()
}

fn read(events: &[(u64, Option<Envelope>)]) -> History {
    let event = |(index, envelope): &(u64, Option<Envelope>)| Event { index: *index, envelope: envelope.clone() };
    History::read(policy(&[101, 102, 103], 2).root().unwrap(), events.iter().map(event).collect())
}

fn at(history: &History, seed: u8, index: u64) -> Standing {
    history.standing(&id(seed), Some(index))
}

#[test]
fn a_keyring_has_one_form_and_its_leaf_is_small() {
    let envelope = signed(&first(), &[101, 102]);
    let (keyring, bytes) = Keyring::of(&envelope).unwrap();
    assert_eq!((&keyring, &bytes), (&first(), &first().to_bytes()));
    let leaf = envelope.leaf(Kind::KeyEvent, &bytes).unwrap();
    assert!(leaf.to_bytes().len() < 700 && leaf.key == id(101));
    assert_eq!(Leaf::from_bytes(&leaf.to_bytes()), Ok(leaf));
    let text = String::from_utf8(bytes).unwrap();
    for (from, to) in [
        ("{\"format\"", "{ \"format\""),
        ("keyring/1", "keyring/2"),
        ("\"version\":1", "\"version\":1,\"x\":1"),
        ("\"version\":1", "\"version\":0"),
        ("\"threshold\":2", "\"threshold\":4"),
        ("\"threshold\":2", "\"threshold\":0"),
        ("\"until\":null", "\"until\":5"),
        ("\"state\":\"valid\"", "\"state\":\"revoked\""),
        ("khóa 1", "kho\u{301}a 1"),
        ("khóa 1", "kh\\u001bóa 1"),
        ("\"salt\":\"01", "\"salt\":\"0G"),
    ] {
        let changed = text.replacen(from, to, 1);
        assert!(changed != text && Keyring::from_bytes(changed.as_bytes()).is_err(), "{changed}");
    }
}

#[test]
fn a_key_counts_from_leaf_to_leaf() {
    let (one, two) = (first(), rotated(&first()));
    let history = read(&[(3, Some(signed(&one, &[101, 103]))), (10, Some(signed(&two, &[102, 103])))]);
    assert!(history.refused().is_empty());
    assert_eq!(
        (at(&history, 1, 0), at(&history, 1, 9), at(&history, 1, 10)),
        (Standing::Valid, Standing::Valid, Standing::Retired(10))
    );
    // signed by a key that the log has not introduced yet
    assert_eq!((at(&history, 2, 9), at(&history, 2, 10)), (Standing::NotYet(10), Standing::Valid));
    assert_eq!((at(&history, 3, 10), history.since(&id(2))), (Standing::Unnamed, Some(10)));
    let names: Vec<_> = policy(&[101, 102, 103], 2).with_keys_of(&history).keys().iter().map(|key| key.name.clone()).collect();
    assert_eq!(names.len(), 2);
}

#[test]
fn attack_stolen_sealing_key_what_was_logged_before_the_revocation_stays_good() {
    let two = revoked(&first(), 0, None);
    let history = read(&[(0, Some(signed(&first(), &[101, 102]))), (7, Some(signed(&two, &[101, 102])))]);
    let revoked_at = |from, by| Standing::Revoked { from, by, reason: "máy bị mất".into() };
    assert_eq!(
        (at(&history, 1, 6), at(&history, 1, 7), at(&history, 1, 99)),
        (Standing::Valid, revoked_at(7, 7), revoked_at(7, 7))
    );
    // what is in no log has no place before it
    assert_eq!(history.standing(&id(1), None), revoked_at(7, 7));
    // the theft was found out to be older, and older still; a later day is no way back
    let three = revoked(&two, 0, Some(5));
    let four = revoked(&three, 0, Some(6));
    let events = [(0, first()), (7, two), (9, three), (11, four)].map(|(at, k)| (at, Some(signed(&k, &[101, 102]))));
    let history = read(&events);
    assert_eq!((at(&history, 1, 4), at(&history, 1, 5)), (Standing::Valid, revoked_at(5, 7)));
    assert!(history.refused()[0].why.to_string().contains("taken back"), "{:?}", history.refused());
}

#[test]
fn attack_revocation_taken_back() {
    let gone = revoked(&first(), 0, None);
    let mut back = next(&gone);
    back.keys = first().keys;
    let mut forgotten = next(&gone);
    forgotten.keys = vec![sealing(9, None)];
    let mut earlier = next(&gone);
    earlier.keys[0].from = Some(5);
    for bad in [back, forgotten, earlier] {
        let events = [(0, first()), (1, gone.clone()), (2, bad)].map(|(at, k)| (at, Some(signed(&k, &[101, 102]))));
        let history = read(&events);
        assert_eq!((history.refused()[0].index, history.current().unwrap().version), (2, 2));
        assert!(matches!(at(&history, 1, 5), Standing::Revoked { .. }));
    }
}

#[test]
fn attack_too_few_of_the_root_sign() {
    let two = rotated(&first());
    for by in [&[][..], &[102], &[102, 102], &[102, 1], &[102, 99]] {
        let mut envelope = signed(&two, by);
        if by.is_empty() {
            envelope.sign(&two.to_bytes(), &key(2)); // the new key speaks for itself
        }
        let history = read(&[(0, Some(signed(&first(), &[101, 102]))), (4, Some(envelope))]);
        assert!(matches!(history.refused()[0].why, OpenError::BadSignature(_)), "{by:?}: {:?}", history.refused());
        assert_eq!((at(&history, 1, 9), at(&history, 2, 9)), (Standing::Valid, Standing::Unnamed));
    }
    // one signature that names the root and does not fit spoils it, however many others do
    let text = String::from_utf8(signed(&two, &[101, 102, 103]).to_bytes()).unwrap();
    let other = String::from_utf8(signed(&first(), &[103]).to_bytes()).unwrap();
    let sig = |text: &str| text.rsplit("\"sig\":\"").next().unwrap()[..86].to_owned();
    let spoilt = Envelope::parse(text.replace(&sig(&text), &sig(&other)).as_bytes()).unwrap();
    assert!(matches!(read(&[(0, Some(signed(&first(), &[101, 102])))]).check_next(&spoilt), Err(OpenError::BadSignature(_))));
}

#[test]
fn attack_thief_of_the_log_key_speaks_about_keys() {
    // A root of the thief's own, logged first: nobody's policy names it, and the true one is not kept out by it.
    let mut false_root = first();
    (false_root.root, false_root.keys) = (root_of(&[66], 1), vec![sealing(67, Some(0))]);
    let history = read(&[(0, Some(signed(&false_root, &[66]))), (5, Some(signed(&first(), &[101, 102])))]);
    assert!(matches!(history.refused(), [refused] if refused.index == 0 && matches!(refused.why, OpenError::UnknownKey(_))));
    assert_eq!((at(&history, 1, 9), at(&history, 67, 9)), (Standing::Valid, Standing::Unnamed));
    // An old version again: rollback.
    let gone = revoked(&first(), 0, None);
    let (one, two) = (signed(&first(), &[101, 102]), signed(&gone, &[101, 102]));
    let history = read(&[(0, Some(one.clone())), (3, Some(two)), (8, Some(one))]);
    assert!(history.refused()[0].why.to_string().contains("version 1 does not come after version 2"));
    assert!(matches!(at(&history, 1, 9), Standing::Revoked { from: 3, .. }));
}

#[test]
fn attack_freeze_a_keyring_that_the_log_names_is_kept_back() {
    let history = read(&[(0, Some(signed(&first(), &[101, 102]))), (6, None)]);
    assert_eq!(
        (at(&history, 1, 5), at(&history, 1, 6), at(&history, 9, 6)),
        (Standing::Valid, Standing::Unclear(6), Standing::Unclear(6))
    );
    assert_eq!(history.unclear(), Some(6));
    // A gap in the versions says the same of what comes after it.
    let two = rotated(&first());
    let three = revoked(&two, 0, None);
    let history = read(&[(0, Some(signed(&first(), &[101, 102]))), (6, None), (8, Some(signed(&three, &[101, 102])))]);
    assert!(history.refused()[0].why.to_string().contains("version 3 does not come after version 1"));
}

#[test]
fn a_new_root_is_signed_by_the_old_and_by_itself_and_either_may_be_believed() {
    let mut two = next(&first());
    two.root = root_of(&[111, 112], 2);
    let three = rotated(&two);
    for (by, enough) in
        [(&[101, 102, 111, 112][..], true), (&[101, 102, 111], false), (&[101, 111, 112], false), (&[111, 112], false)]
    {
        let history = read(&[(0, Some(signed(&first(), &[101, 102]))), (1, Some(signed(&two, by)))]);
        assert_eq!(history.refused().is_empty(), enough, "{by:?}: {:?}", history.refused());
    }
    let events = || {
        [(0, first(), vec![101, 102]), (4, two.clone(), vec![101, 103, 111, 112]), (7, three.clone(), vec![111, 112])]
            .map(|(index, k, by)| Event { index, envelope: Some(signed(&k, &by)) })
            .into()
    };
    for believed in [policy(&[101, 102, 103], 2), policy(&[111, 112], 2)] {
        let history = History::read(believed.root().unwrap(), events());
        assert!(history.refused().is_empty(), "{:?}", history.refused());
        assert_eq!(
            (at(&history, 1, 6), at(&history, 1, 7), at(&history, 2, 7)),
            (Standing::Valid, Standing::Retired(7), Standing::Valid)
        );
    }
    // The old root's thieves go on without the new one: whoever names the new one is not led away, in either order.
    let false_two = rotated(&first());
    let thieves = Event { index: 2, envelope: Some(signed(&false_two, &[101, 102])) };
    let mut all: Vec<Event> = events();
    all.insert(1, thieves);
    let history = History::read(policy(&[111, 112], 2).root().unwrap(), all);
    assert_eq!((history.refused()[0].index, history.current().unwrap().version), (2, 3));
    assert_eq!(at(&history, 2, 6), Standing::NotYet(7));
}

#[test]
fn a_policy_with_a_root_is_checked() {
    let log = sohoa_record::log::NoteSigner::new("log.example/a", key(200)).unwrap();
    let (a, log) = (root_line(&key(101).verifying_key(), "An"), format!("log {}\nquorum none\n", log.public()));
    let seal = sohoa_record::trust::policy_line(&key(101).verifying_key(), "An");
    let log_as_root = root_line(&key(200).verifying_key(), "An");
    assert!(TrustPolicy::parse(&format!("{a}\nroot-threshold 1\n{log}")).unwrap().keys().is_empty());
    for (text, cause) in [
        (format!("{a}\n{log}"), "root-threshold"),
        (format!("root-threshold 1\n{log}"), "root-threshold"),
        (format!("{a}\nroot-threshold 1\nroot-threshold 1\n{log}"), "line 3: there is a second"),
        (format!("{a}\nroot-threshold 2\n{log}"), "from 1 to 1"),
        (format!("{a}\n{a}\nroot-threshold 1\n{log}"), "twice"),
        (format!("{a}\nroot-threshold x\n{log}"), "line 2: 'x'"),
        (format!("{a}\nroot-threshold 1\n"), "no log"),
        (format!("{a}\n{seal}\nroot-threshold 1\n{log}"), "a key for each"),
        (format!("{log_as_root}\nroot-threshold 1\n{log}"), "a key for each"),
    ] {
        let error = TrustPolicy::parse(&text).unwrap_err().to_string();
        assert!(error.contains(cause), "{error}");
    }
}
