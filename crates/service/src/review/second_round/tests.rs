//! Cases, lots and rates, from histories that are made here.
#![allow(clippy::unwrap_used)]

use super::*;
use proptest::prelude::*;
use sohoa_record::manifest::{Change, Dossier, FORMAT, Manifest, Processing, Source};
use sohoa_record::{Digests, Receipt, TrustPolicy};

const NOBODY: Rules = Rules { first: 0, percent: 0 };

/// Revisions of a record: the capture, then (who, action, fields decided as `name` or `name=wrong`).
fn record(number: u32, salt: u8, decisions: &[(&str, &str, &[&str])]) -> Vec<Opened> {
    let key = ed25519_dalek::SigningKey::from_bytes(b"sohoa TEST-ONLY manifest key 01!");
    let mut policy = TrustPolicy::default();
    policy.add(key.verifying_key(), "test").unwrap();
    let digests = Digests::of(&number.to_be_bytes());
    let event = |at: usize, who: &str, action: &str, changes: Vec<Change>| {
        let at = format!("2026-11-{:02}T{:02}:00:00+07:00", 1 + number % 28, at);
        Event { at, who: who.into(), action: action.into(), note: String::new(), changes }
    };
    let mut manifest = Manifest {
        format: FORMAT.into(),
        record: format!("0193a5c2-7e1b-7c3d-9f00-{number:012x}").parse().unwrap(),
        revision: 1,
        previous: None,
        salt: hex::encode([salt; 32]),
        sealed_at: "2026-11-22T09:30:05+07:00".into(),
        dossier: Dossier { code: None, folder: String::new(), ordinal: None, unit: None },
        source: Source {
            name: "a.png".into(),
            media_type: "image/png".into(),
            arrived_at: "2026-11-22T09:29:58+07:00".into(),
            digests,
        },
        part: None,
        state: State::Review,
        reasons: vec![],
        result_code: None,
        objects: vec![],
        pages: vec![],
        fields: vec![],
        incoming_signatures: vec![],
        signature_checks: vec![],
        processing: Processing { software: String::new(), engine: String::new(), model: String::new(), model_sha256: None },
        history: vec![event(0, "sohoa", action::CAPTURE, vec![])],
    };
    let open = |manifest: &Manifest| Receipt::seal(manifest, &key).open(&policy).unwrap();
    let mut revisions = vec![open(&manifest)];
    for (i, (who, action, fields)) in decisions.iter().enumerate() {
        let change = |field: &&str| {
            let (name, after) = field.split_once('=').unwrap_or((field, "như cũ"));
            Change { field: name.into(), before: Some("như cũ".into()), after: Some(after.into()) }
        };
        manifest.revision += 1;
        manifest.salt = hex::encode([salt.wrapping_add(1 + i as u8); 32]);
        manifest.state = match *action {
            action::REJECT => State::Failed,
            action::SKIP => State::Skipped,
            action::SECOND_ROUND_ACCEPT => manifest.state,
            _ => State::Sealed,
        };
        manifest.history.push(event(i + 1, who, action, fields.iter().map(change).collect()));
        revisions.push(open(&manifest));
    }
    revisions
}

fn one(decisions: &[(&str, &str, &[&str])]) -> Case {
    cases(&record(1, 1, decisions)).pop().unwrap()
}

#[test]
fn a_captured_record_is_nobodys_case_and_a_rejected_one_waits_for_nobody() {
    assert_eq!(cases(&record(1, 1, &[])), []);
    assert_eq!(cases(&record(1, 1, &[("lan", "reject", &[])])), []);
    assert!(one(&[("lan", "correct", &["code_number"])]).waits());
    assert!(!one(&[("lan", "correct", &["code_number"]), ("minh", "reject", &[])]).waits());
}

#[test]
fn a_skipped_paper_is_looked_at_again_too() {
    let skipped = one(&[("lan", "skip", &[])]);
    assert!(skipped.waits() && skipped.fields().eq([SKIP]) && skipped.people().eq(["lan"]));
    assert!(one(&[("lan", "accept", &["subject"]), ("lan", "skip", &[])]).fields().eq([SKIP, "subject"]));
    // a later decision on fields takes the skip back
    assert!(one(&[("lan", "skip", &[]), ("lan", "correct", &["subject"])]).fields().eq(["subject"]));
    let told = |looks: &[(&str, &str, &[&str])]| {
        let skip = rates(&cases(&record(1, 1, looks))).into_iter().find(|rate| rate.name == "skip").unwrap();
        (skip.of, skip.looked_at, skip.corrected)
    };
    assert_eq!(told(&[("lan", "skip", &[]), ("minh", "second_round_accept", &[])]), ("step", 1, 0));
    assert_eq!(told(&[("lan", "skip", &[]), ("minh", "second_round_correct", &["subject=khác"])]), ("step", 1, 1));
}

#[test]
fn a_second_look_ends_the_case_and_a_later_decision_begins_another() {
    let looked: &[(&str, &str, &[&str])] = &[
        ("lan", "accept", &["code_number"]),
        ("minh", "second_round_accept", &["code_number"]),
        ("lan", "correct", &["subject"]),
    ];
    let cases = cases(&record(1, 1, looked));
    assert_eq!(cases.iter().map(Case::waits).collect::<Vec<_>>(), [false, true]);
    assert_eq!(cases[1].fields().collect::<Vec<_>>(), ["subject"]);
}

#[test]
fn decisions_of_older_receipts_have_their_fields_in_the_note() {
    let mut revisions = record(1, 1, &[("lan", "set", &[])]);
    let event = revisions[1].manifest.history.last_mut().unwrap();
    event.note = "code_number, issued_date".into();
    let case = cases(&revisions).pop().unwrap();
    assert_eq!(case.fields().collect::<Vec<_>>(), ["code_number", "issued_date"]);
    assert!(case.waits());
}

#[test]
fn all_of_the_first_documents_of_each_person_are_drawn() {
    let mut all = Vec::new();
    for number in 0..6 {
        let who = if number % 2 == 0 { "lan" } else { "Minh" };
        all.extend(cases(&record(number, number as u8, &[(who, "correct", &["code_number"])])));
    }
    let drawn = |rules| waiting(&all, rules).map(|case| case.record.to_string()).collect::<Vec<_>>();
    assert_eq!(drawn(NOBODY), [""; 0]);
    assert_eq!(drawn(Rules { first: 2, percent: 0 }).len(), 4);
    assert_eq!(drawn(Rules { first: 0, percent: 100 }).len(), 6);
    assert_eq!(drawn(Rules { first: 1, percent: 0 }), [0, 1].map(|n| format!("0193a5c2-7e1b-7c3d-9f00-{n:012x}")));
}

#[test]
fn the_lot_falls_on_about_its_share_and_deciding_again_takes_nothing_back() {
    let mut drawn = 0;
    for number in 0..1000u32 {
        let id: RecordId = format!("0193a5c2-7e1b-7c3d-9f00-{number:012x}").parse().unwrap();
        drawn += u32::from(lot(&id, &"00".repeat(32)) < 30);
    }
    // 300 are expected, with a deviation of 14.5
    assert!((230..370).contains(&drawn), "{drawn}");
    let once = one(&[("lan", "correct", &["code_number"])]);
    let again = one(&[("lan", "correct", &["code_number"]), ("lan", "correct", &["code_number"])]);
    assert!(again.lot <= once.lot);
}

#[test]
fn one_corrected_of_two_looked_at_is_half_and_each_field_and_step_is_told() {
    let right: &[(&str, &str, &[&str])] =
        &[("Lan", "accept", &["issued_date"]), ("minh", "second_round_accept", &["issued_date"])];
    let wrong: &[(&str, &str, &[&str])] = &[
        ("lan", "correct", &["code_number", "issued_date"]),
        ("minh", "second_round_correct", &["code_number=52", "issued_date"]),
    ];
    let all: Vec<Case> = [cases(&record(1, 1, right)), cases(&record(2, 2, wrong))].concat();
    let told: Vec<(&str, String, u64, u64)> =
        rates_of(&all).iter().map(|rate| (rate.of, rate.name.clone(), rate.looked_at, rate.corrected)).collect();
    assert_eq!(
        told,
        [
            ("documents", String::new(), 2, 1),
            ("step", "accept".into(), 1, 0),
            ("step", "correct".into(), 2, 1),
            ("field", "code_number".into(), 1, 1),
            ("field", "issued_date".into(), 2, 0),
        ]
    );
    assert_eq!(rates_of(&all)[0].rate.unwrap().to_string(), "50.00");
}

/// The rates, all of one person however the name is typed.
fn rates_of(cases: &[Case]) -> Vec<Rate> {
    let rates = rates(cases);
    assert!(rates.iter().all(|rate| is_same_person(&rate.who, "LAN")), "{rates:?}");
    rates
}

#[test]
fn what_the_machine_vouched_for_is_not_the_persons_mistake() {
    let case = one(&[("lan", "correct", &["code_number"]), ("minh", "second_round_correct", &["subject=khác", "code_number"])]);
    let rates = rates(&[case]);
    assert_eq!((rates[0].of, rates[0].looked_at, rates[0].corrected), ("documents", 1, 0));
}

#[test]
fn accents_make_another_person_and_case_does_not() {
    assert!(is_same_person(" Lan", "lan") && is_same_person("Hoa\u{300}", "hoà"));
    assert!(!is_same_person("hoa", "hoà"));
}

proptest! {
    #[test]
    fn a_stricter_rule_draws_at_least_as_many(salts: [u8; 8], first in 0u32..9, percent in 0u8..=100) {
        let mut all = Vec::new();
        for (number, salt) in salts.into_iter().enumerate() {
            all.extend(cases(&record(number as u32, salt, &[("lan", "accept", &["subject"])])));
        }
        let drawn = |first, percent| waiting(&all, Rules { first, percent }).count();
        prop_assert!(drawn(first, percent) >= drawn(first, 0).max(drawn(0, percent)));
        prop_assert_eq!(drawn(first, 0), all.len().min(first as usize));
        prop_assert!(drawn(first + 1, percent) >= drawn(first, percent));
    }
}
