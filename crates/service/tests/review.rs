//! Decisions of people, by the program and by the library that a console will call: what is signed, what is refused, and what the
//! second round finds. The documents are committed as captured, without an engine.
#![allow(clippy::unwrap_used)]

mod common;

use common::{Home, files_below};
use ed25519_dalek::SigningKey;
use serde_json::Value;
use sohoa_archive::{Archive, Arriving, SourceBytes, new_record_id};
use sohoa_record::identifier::{Doubt, RecordId};
use sohoa_record::manifest::{Change, Dossier, Event, FORMAT, Manifest, Object, Processing, Role, Source, State, action};
use sohoa_record::{Field, Reason, Receipt};
use sohoa_service::config::Config;
use sohoa_service::review::{self, Decision, Desk, ReviewError, Reviewer};
use sohoa_service::sign::Sealer;
use sohoa_service::{archive_home, keyring};

/// A data folder opened as the service does it.
struct Office {
    home: Home,
    archive: Archive,
    key: SigningKey,
    config: Config,
}

impl Office {
    async fn new() -> Office {
        let home = Home::new();
        let password = home.path("password");
        common::write_private(&password, &format!("{}\n", common::KEY_PASSWORD));
        let config = Config::load(&home.path("pipeline.toml")).unwrap();
        let key = keyring::sealing_key(&config, Some(&password)).unwrap();
        let archive = archive_home::open(&config).await.unwrap();
        Office { home, archive, key, config }
    }

    /// Commits a document as captured: a handwritten number, a day to compare, a notation that is sure, two pages.
    async fn capture(&self, number: u32) -> RecordId {
        self.capture_in(number, None).await
    }

    async fn capture_in(&self, number: u32, dossier: Option<&str>) -> RecordId {
        let code = dossier.map(|code| code.parse().unwrap());
        let dossier = Dossier { code, folder: "scans".into(), ordinal: None, unit: None };
        let arriving = Arriving {
            record: new_record_id(),
            name: format!("{number}.png"),
            path: format!("/scans/{number}.png"),
            media_type: Some("image/png".into()),
            arrived_at: "2026-11-22T08:00:00+07:00".into(),
            now: i64::from(number),
            dossier: dossier.clone(),
            priority: 0,
        };
        let bytes = format!("paper {number}").into_bytes();
        let arrived = self.archive.arrive(arriving, SourceBytes::Bytes(bytes.into())).await.unwrap();
        let field = |name: &str, value: Option<&str>, doubt: Option<Reason>| Field {
            name: name.into(),
            value: value.map(str::to_owned),
            printed: value.unwrap_or_default().into(),
            confidence: 80,
            page: 1,
            rect: None,
            doubt,
            rule: "nd30.header".into(),
            register: None,
        };
        let manifest = Manifest {
            format: FORMAT.into(),
            record: arrived.first.record.clone(),
            revision: 1,
            previous: None,
            salt: "5a".repeat(32),
            sealed_at: "2026-11-22T08:01:00+07:00".into(),
            dossier,
            source: Source {
                name: arrived.first.name.clone(),
                media_type: "image/png".into(),
                arrived_at: arrived.first.arrived_at.clone(),
                digests: arrived.first.digests.clone(),
            },
            part: None,
            state: State::Review,
            reasons: vec![Reason::NumberHandwritten, Reason::DateUnconfirmed, Reason::DossierUnknown],
            result_code: None,
            objects: vec![Object {
                role: Role::Source,
                name: "source.png".into(),
                media_type: "image/png".into(),
                digests: arrived.first.digests.clone(),
            }],
            pages: vec![],
            fields: vec![
                field("code_number", None, Some(Reason::NumberHandwritten)),
                field("code_notation", Some("QĐ-UBND"), None),
                field("issued_date", Some("2025-03-03"), Some(Reason::DateUnconfirmed)),
                field("page_amount", Some("2"), None),
                field("owner_id", None, None),
            ],
            incoming_signatures: vec![],
            signature_checks: vec![],
            pdf_signatures: vec![],
            processing: Processing { software: "test".into(), engine: String::new(), model: String::new(), model_sha256: None },
            history: vec![Event {
                at: "2026-11-22T08:01:00+07:00".into(),
                who: "tests".into(),
                action: action::CAPTURE.into(),
                note: String::new(),
                changes: vec![],
            }],
        };
        self.archive.commit(&Receipt::seal(&manifest, &self.key)).await.unwrap();
        manifest.record
    }

    async fn decide(
        &self,
        record: &RecordId,
        who: &str,
        seen: Option<u32>,
        decision: Decision,
    ) -> Result<review::Decided, ReviewError> {
        let reviewer = Reviewer { record: record.clone(), who: who.into(), seen };
        let sealer = Sealer { key: &self.key, result_code: &self.config.seal.result_code, signing: None };
        let desk = Desk { archive: &self.archive, sealer, second_round: self.config.second_round() };
        review::decide(&desk, &reviewer, decision).await
    }

    async fn revisions(&self, record: &RecordId) -> Vec<Manifest> {
        self.archive.revisions(record).await.unwrap().into_iter().map(|opened| opened.manifest).collect()
    }

    /// Runs a command that must be refused with these words.
    fn refuses(&self, args: &[&str], words: &str) {
        let output = self.home.sohoa(args);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{args:?}: {errors}");
        assert!(errors.contains(words), "{args:?}: {errors}");
    }

    fn lines(&self, args: &[&str]) -> Vec<Value> {
        self.home.lines(&[0], args)
    }
}

fn values(values: &[(&str, &str)]) -> Decision {
    Decision::Correct(values.iter().map(|(name, value)| ((*name).to_owned(), Some((*value).to_owned()))).collect())
}

fn change(field: &str, before: Option<&str>, after: Option<&str>) -> Change {
    Change { field: field.into(), before: before.map(str::to_owned), after: after.map(str::to_owned) }
}

#[tokio::test]
async fn a_decision_whose_program_was_killed_is_known_at_the_next_look() {
    let desk = Office::new().await;
    let record = desk.capture(1).await;
    // It was killed between its commit and the index: ours has nothing of it.
    let mut config = Config::load(&desk.home.path("pipeline.toml")).unwrap();
    config.archive.index = "other.sqlite".into();
    let other = archive_home::open(&config).await.unwrap();
    let sealer = Sealer { key: &desk.key, result_code: &desk.config.seal.result_code, signing: None };
    let killed = Desk { archive: &other, sealer, second_round: desk.config.second_round() };
    let reviewer = Reviewer { record: record.clone(), who: "lan".into(), seen: Some(1) };
    review::decide(&killed, &reviewer, values(&[("code_number", "51")])).await.unwrap();
    let indexed = async || desk.archive.index.entry(&record).await.unwrap().unwrap().revision;
    assert_eq!(indexed().await, 1);

    let latest = review::latest(&desk.archive, &record).await.unwrap();
    assert_eq!((latest.manifest.revision, indexed().await), (2, 2));
}

#[tokio::test]
async fn of_two_reviewers_at_once_one_is_told_to_look_again() {
    let desk = Office::new().await;
    let record = desk.capture(1).await;
    let number = |number| values(&[("code_number", number)]);
    let (lan, minh) =
        tokio::join!(desk.decide(&record, "lan", Some(1), number("51")), desk.decide(&record, "minh", Some(1), number("57")));
    let (won, lost) = match (lan, minh) {
        (Ok(won), Err(lost)) | (Err(lost), Ok(won)) => (won, lost),
        (lan, minh) => panic!("exactly one decision stands: {lan:?}, {minh:?}"),
    };
    assert!(matches!(&lost, ReviewError::MovedOn { seen: 1, latest: 2, .. }), "{lost}");
    let winner = won.opened.manifest.history.last().unwrap().who.clone();
    assert!(lost.to_string().contains(&format!("by {winner}")), "{lost}");
    assert_eq!(desk.revisions(&record).await.len(), 2);

    // who looked before the other decided is refused, by the program too
    let late = desk.decide(&record, "hoa", Some(1), number("52")).await.unwrap_err();
    assert!(matches!(late, ReviewError::MovedOn { seen: 1, latest: 2, .. }));
    let id = record.as_str();
    desk.refuses(&["review", "correct", id, "code_number=52", "--revision", "1"], "you saw 1; look at it again");
    desk.refuses(&["review", "reject", id, "--note", "mờ", "--revision", "1"], "revision 2");
    desk.home.expect(0, &["review", "correct", id, "code_number=52", "--revision", "2"]);
}

#[tokio::test]
async fn nobody_vouches_for_an_altered_object_through_the_library_either() {
    let desk = Office::new().await;
    let record = desk.capture(1).await;
    let digest = desk.revisions(&record).await[0].source.digests.sha256.to_string();
    let object = files_below(&desk.home.path("archive/objects")).into_iter().find(|file| file.ends_with(&digest)).unwrap();
    let bytes = std::fs::read(&object).unwrap();
    std::fs::set_permissions(&object, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    std::fs::write(&object, b"paper X").unwrap();
    for decision in [Decision::Accept(vec![]), values(&[("code_number", "51")])] {
        let error = desk.decide(&record, "lan", None, decision).await.unwrap_err();
        assert!(matches!(error, ReviewError::Archive(sohoa_archive::Error::Altered { .. })), "{error}");
    }
    assert_eq!(desk.revisions(&record).await.len(), 1, "nothing was signed");
    std::fs::write(&object, bytes).unwrap();
    desk.decide(&record, "lan", None, values(&[("code_number", "51"), ("issued_date", "2025-03-03")])).await.unwrap();

    // nor at the second look; refusing it is what is left
    std::fs::write(&object, b"paper X").unwrap();
    desk.home.expect(5, &["review", "second-round", "accept", record.as_str(), "--by", "minh"]);
    desk.home.expect(0, &["review", "reject", record.as_str(), "--note", "hỏng"]);
}

#[tokio::test]
async fn a_correction_after_sealing_is_a_revision_with_the_value_before_and_after() {
    let desk = Office::new().await;
    let record = desk.capture(1).await;
    let id = record.as_str();
    desk.decide(&record, "lan", Some(1), values(&[("code_number", "51")])).await.unwrap();
    let sealed = desk.decide(&record, "lan", Some(2), Decision::Accept(vec![])).await.unwrap().opened.manifest;
    assert_eq!((sealed.state, sealed.revision), (State::Sealed, 3));
    assert_eq!(sealed.history[2].changes, [change("issued_date", Some("2025-03-03"), Some("2025-03-03"))]);

    desk.home.expect(0, &["review", "set", id, "code_number=57", "--by", "minh"]);
    let revisions = desk.revisions(&record).await;
    let event = revisions[3].history.last().unwrap();
    assert_eq!((event.who.as_str(), event.action.as_str(), event.note.as_str()), ("minh", "correct", "code_number"));
    assert_eq!(event.changes, [change("code_number", Some("51"), Some("57"))]);
    assert_eq!(revisions[2].fields[0].value.as_deref(), Some("51"), "the revision before is as it was");
    assert_eq!(revisions[3].state, State::Sealed);

    // the value before stands with the fields; the history names the field only
    let shown = desk.home.expect(0, &["show", id]);
    let with = |words: &str| shown.lines().filter(|line| line.contains(words)).map(str::to_owned).collect::<Vec<_>>();
    assert!(with("before: 51").iter().any(|line| line.contains("by minh")), "{shown}");
    assert!(with("history").iter().all(|line| !line.contains("57") && !line.contains(" 51")), "{shown}");
    for line in [desk.home.expect(0, &["review", "list"]), desk.home.expect(0, &["search", ""])] {
        assert!(!line.contains("before"), "{line}");
    }
    // and the auditor's program believes all of it
    assert!(desk.home.verify().iter().all(|(verdict, _)| verdict == "ok"));
}

#[tokio::test]
async fn a_decision_that_changes_nothing_is_not_signed() {
    let desk = Office::new().await;
    let record = desk.capture(1).await;
    let id = record.as_str();
    desk.home.expect(0, &["review", "accept", id]);
    desk.refuses(&["review", "accept", id], "field 'code_number' has no value to accept");
    desk.refuses(&["review", "accept", id, "code_number"], "has no value to accept");
    desk.refuses(&["review", "accept", id, "issued_date"], "nothing is in doubt");
    desk.home.expect(0, &["review", "correct", id, "code_number=51"]);
    desk.refuses(&["review", "accept", id], "nothing is in doubt");
    desk.refuses(&["review", "correct", id, "code_number=51"], "nothing is in doubt");
    assert_eq!(desk.revisions(&record).await.len(), 3);
}

#[tokio::test]
async fn a_paper_that_the_law_leaves_out_counts_with_its_reason_and_can_be_taken_back() {
    let desk = Office::new().await;
    let record = desk.capture(1).await;
    let id = record.as_str();
    for no_law in ["secret", "rejected", "no time", "low_dpi"] {
        desk.refuses(&["review", "skip", id, "--because", no_law], "photocopy or present_only");
    }
    let told = desk.home.expect(0, &["review", "skip", id, "--because", "photocopy", "--by", "lan"]);
    assert!(told.contains("skipped") && told.contains("TT 01/2023"), "{told}");
    let latest = desk.revisions(&record).await.pop().unwrap();
    assert_eq!((latest.state, latest.reasons.contains(&Reason::Photocopy)), (State::Skipped, true));
    assert_eq!(latest.history.last().map(|event| (event.action.as_str(), event.who.as_str())), Some((action::SKIP, "lan")));
    // it was the original after all
    desk.home.expect(0, &["review", "correct", id, "code_number=51", "issued_date=2025-01-17"]);
    let latest = desk.revisions(&record).await.pop().unwrap();
    assert_eq!((latest.state, latest.reasons.contains(&Reason::Photocopy)), (State::Sealed, false));
    assert!(desk.home.verify().iter().all(|(verdict, _)| verdict == "ok"));
}

#[tokio::test]
async fn values_are_checked_by_their_field() {
    let desk = Office::new().await;
    let record = desk.capture(1).await;
    let id = record.as_str();
    for (value, words) in [
        ("page_amount=3", "counted"),
        ("owner_id=00116902021", "12 digits"),
        ("code_number=51/QĐ-UBND", "without the notation"),
        ("code_notation=quyết định", "QĐ-UBND"),
        ("issued_date=03/03/2025", "YYYY-MM-DD"),
        ("no_such_field=1", "review show"),
        ("=1", "NAME=VALUE"),
    ] {
        desk.refuses(&["review", "correct", id, value], words);
    }
    desk.refuses(&["review", "correct", id, "code_number=51", "--by", "lan\nminh"], "no name of a person");
    assert_eq!(desk.revisions(&record).await.len(), 1);

    let decided = desk.decide(&record, "lan", None, values(&[("owner_id", "01001 07618")])).await.unwrap();
    assert_eq!(decided.warnings, [("owner_id".to_owned(), Doubt::CheckDigit)], "kept with a warning");
    assert_eq!(sohoa_record::field::value(&decided.opened.manifest.fields, "owner_id"), Some("0100107618"));
}

#[tokio::test]
async fn whoever_types_the_dossiers_code_says_where_the_document_belongs() {
    let desk = Office::new().await;
    let record = desk.capture(1).await;
    let id = record.as_str();
    assert!(desk.home.expect(0, &["search", "--dossier", "H48.15"]).is_empty());
    desk.refuses(&["review", "correct", id, "dossier_code=H48.15-251301-0001"], "day");
    desk.home.expect(0, &["review", "correct", id, "dossier_code=H48.15-250303-0042"]);
    let m = desk.revisions(&record).await.pop().unwrap();
    assert_eq!(m.dossier.code.map(|code| code.to_string()).as_deref(), Some("H48.15-250303-0042"));
    assert_eq!(m.dossier.unit.as_deref(), Some("H48.15"));
    assert!(!m.reasons.contains(&Reason::DossierUnknown) && m.reasons.contains(&Reason::NumberHandwritten));
    assert_eq!(m.history.last().unwrap().changes, [change("dossier_code", None, Some("H48.15-250303-0042"))]);
    assert!(desk.home.expect(0, &["search", "--dossier", "H48.15-250303-0042"]).contains(id));
}

#[tokio::test]
async fn a_document_is_given_its_code_when_it_is_first_sealed_and_keeps_it() {
    let desk = Office::new().await;
    let dossier = "H48.15-250303-0042";
    let done = || values(&[("code_number", "51"), ("issued_date", "2025-03-03")]);
    let (one, two, other) =
        (desk.capture_in(1, Some(dossier)).await, desk.capture_in(2, Some(dossier)).await, desk.capture(3).await);
    let half = desk.decide(&two, "lan", None, values(&[("code_number", "51")])).await.unwrap().opened.manifest;
    assert_eq!((half.state, half.result_code), (State::Review, None));
    let (a, b) = tokio::join!(desk.decide(&one, "lan", None, done()), desk.decide(&two, "minh", None, done()));
    let codes = [a, b].map(|decided| decided.unwrap().opened.manifest.result_code.unwrap());
    let mut sorted = codes.clone();
    sorted.sort();
    assert_eq!(sorted, [format!("{dossier}-KQ1"), format!("{dossier}-KQ2")], "the dossier's papers have different codes");

    desk.home.expect(0, &["review", "correct", one.as_str(), "code_number=57"]);
    desk.home.expect(0, &["review", "correct", one.as_str(), "dossier_code=H48.15-250303-0043"]);
    assert_eq!(desk.revisions(&one).await.pop().unwrap().result_code.as_ref(), Some(&codes[0]), "a code is given once");
    assert!(desk.home.expect(0, &["show", one.as_str()]).contains(&codes[0]));

    // without a dossier none; when that is known, the next that is free
    assert_eq!(desk.decide(&other, "lan", None, done()).await.unwrap().opened.manifest.result_code, None);
    desk.home.expect(0, &["review", "correct", other.as_str(), &format!("dossier_code={dossier}")]);
    assert_eq!(desk.revisions(&other).await.pop().unwrap().result_code.unwrap(), format!("{dossier}-KQ3"));
    desk.home.expect(0, &["fsck"]);
    assert!(desk.home.verify().iter().all(|(verdict, _)| verdict == "ok"));

    // whoever changes or takes away the note of a code is seen
    let notes = files_below(&desk.home.path("archive/codes"));
    assert_eq!(notes.len(), 3);
    for note in &notes {
        let original = std::fs::read(note).unwrap();
        for at in 0..original.len() {
            let mut changed = original.clone();
            changed[at] ^= 1;
            std::fs::write(note, &changed).unwrap();
            assert!(desk.home.verify().iter().any(|(verdict, _)| verdict != "ok"), "byte {at} was changed unseen");
        }
        std::fs::remove_file(note).unwrap();
        assert!(desk.home.verify().iter().any(|(verdict, _)| verdict == "missing"));
        assert!(desk.home.expect(3, &["fsck"]).contains("is missing"));
        std::fs::write(note, &original).unwrap();
    }
    desk.home.expect(0, &["fsck"]);
}

#[tokio::test]
async fn two_records_with_one_code_are_told_to_the_auditor() {
    let desk = Office::new().await;
    let dossier = Some("H48.15-250303-0042");
    let (one, two) = (desk.capture_in(1, dossier).await, desk.capture_in(2, dossier).await);
    let done = values(&[("code_number", "51"), ("issued_date", "2025-03-03")]);
    let code = desk.decide(&one, "lan", None, done).await.unwrap().opened.manifest.result_code;
    // somebody with the key seals what the program would not
    let before = review::latest(&desk.archive, &two).await.unwrap();
    let mut manifest = before.manifest.clone();
    (manifest.revision, manifest.previous, manifest.result_code) = (2, Some(before.digest), code);
    desk.archive.commit(&Receipt::seal(&manifest, &desk.key)).await.unwrap();
    let told: Vec<_> = desk.home.verify().into_iter().filter(|(verdict, _)| verdict == "altered").collect();
    assert!(told.iter().any(|(_, line)| line.to_string().contains(one.as_str())), "{told:?}");
    assert!(desk.home.expect(3, &["fsck"]).contains("has the code of record"));
}

#[tokio::test]
async fn no_code_is_given_where_the_configuration_says_so() {
    let desk = Office::new().await;
    desk.home.set("result_code = \"{dossier_code}-KQ{n}\"", "result_code = \"\"");
    let record = desk.capture_in(1, Some("H48.15-250303-0042")).await;
    desk.home.expect(0, &["review", "correct", record.as_str(), "code_number=51", "issued_date=2025-03-03"]);
    let m = desk.revisions(&record).await.pop().unwrap();
    assert_eq!((m.state, m.result_code), (State::Sealed, None));
    assert!(!desk.home.path("archive/codes").exists());
}

#[tokio::test]
async fn the_second_round_is_another_persons_and_tells_how_many_were_wrong() {
    let desk = Office::new().await;
    let mut records = Vec::new();
    for number in 0..3 {
        let record = desk.capture(number).await;
        desk.decide(&record, "lan", Some(1), values(&[("code_number", "51"), ("issued_date", "2025-03-03")])).await.unwrap();
        records.push(record);
    }
    let captured = desk.capture(9).await;
    let waiting = || desk.lines(&["review", "second-round", "list", "--json"]);
    assert_eq!(waiting().len(), 3);
    assert_eq!(waiting()[0]["by"], serde_json::json!(["lan"]));
    assert!(desk.home.expect(0, &["review", "second-round", "list"]).contains("decided by lan"));
    assert!(desk.home.expect(0, &["review", "rates"]).is_empty(), "no rate without a second look");

    let (right, wrong) = (records[0].as_str(), records[1].as_str());
    for who in ["lan", " Lan"] {
        desk.refuses(&["review", "second-round", "accept", right, "--by", who], "another person's");
        desk.refuses(&["review", "second-round", "correct", right, "code_number=57", "--by", who], "another person's");
    }
    desk.refuses(&["review", "second-round", "accept", captured.as_str(), "--by", "minh"], "waits for a second look");
    desk.refuses(&["review", "second-round", "accept", right, "--by", "minh", "--revision", "1"], "you saw 1");
    desk.refuses(&["review", "second-round", "correct", right, "code_number=51", "--by", "minh"], "accept instead");

    desk.home.expect(0, &["review", "second-round", "accept", right, "--by", "minh"]);
    desk.home.expect(0, &["review", "second-round", "correct", wrong, "code_number=57", "--by", "minh"]);
    desk.refuses(&["review", "second-round", "accept", right, "--by", "hoa"], "waits for a second look");
    assert_eq!(waiting().iter().map(|line| line["record"].as_str().unwrap()).collect::<Vec<_>>(), [records[2].as_str()]);
    let event = desk.revisions(&records[1]).await.pop().unwrap().history.pop().unwrap();
    assert_eq!((event.action.as_str(), event.note.as_str()), ("second_round_correct", "code_number"));
    assert_eq!(
        event.changes,
        [change("code_number", Some("51"), Some("57")), change("issued_date", Some("2025-03-03"), Some("2025-03-03"))]
    );

    let rates = desk.lines(&["review", "rates", "--json"]);
    let rate = |of: &str, name: &str| {
        let row = rates.iter().find(|row| row["of"] == of && row["name"] == name).unwrap();
        (row["who"].as_str().unwrap().to_owned(), row["corrected"].as_u64(), row["looked_at"].as_u64(), row["rate"].as_f64())
    };
    assert_eq!(rate("documents", ""), ("lan".into(), Some(1), Some(2), Some(50.0)));
    assert_eq!(rate("field", "code_number"), ("lan".into(), Some(1), Some(2), Some(50.0)));
    assert_eq!(rate("field", "issued_date"), ("lan".into(), Some(0), Some(2), Some(0.0)));
    assert_eq!(rate("step", "correct"), ("lan".into(), Some(1), Some(4), Some(25.0)));
    assert!(desk.home.expect(0, &["review", "rates"]).contains("1 of 2 documents corrected  50.00 %"));

    // the receipts alone give the same
    let before = waiting();
    desk.home.expect(0, &["fsck", "--rebuild"]);
    assert_eq!(desk.lines(&["review", "rates", "--json"]), rates);
    assert_eq!(waiting(), before);
}

#[tokio::test]
async fn after_a_persons_first_documents_the_lot_decides() {
    let desk = Office::new().await;
    desk.home
        .set("second_round_first = 100", "second_round_first = 1")
        .set("second_round_percent = 30", "second_round_percent = 0");
    let (first, second) = (desk.capture(1).await, desk.capture(2).await);
    for record in [&first, &second] {
        desk.decide(record, "lan", None, values(&[("code_number", "51"), ("issued_date", "2025-03-03")])).await.unwrap();
    }
    let waiting = || desk.lines(&["review", "second-round", "list", "--json"]).len();
    assert_eq!(waiting(), 1);
    desk.refuses(&["review", "second-round", "accept", second.as_str(), "--by", "minh"], "not drawn");
    desk.home.set("second_round_percent = 0", "second_round_percent = 100");
    assert_eq!(waiting(), 2);
    desk.home.expect(0, &["review", "second-round", "accept", second.as_str(), "--by", "minh"]);
}
