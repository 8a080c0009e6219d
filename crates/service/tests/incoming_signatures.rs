//! A signed PDF through the whole product: its signatures are judged behind the walls, the verdict stands in the sealed record and is
//! told in words, and what was altered waits for a person. The source stays as it came.
#![allow(clippy::unwrap_used)]

mod common;

use common::{Home, corpus};
use serde_json::Value;

fn record_of(line: &Value) -> String {
    line["record"].as_str().unwrap().to_owned()
}

#[test]
fn an_altered_paper_waits_with_its_reason_and_a_person_may_take_it_all_the_same() {
    let home = Home::new();
    let file = corpus().join("signed/dss/modified_after_signature.pdf");
    let file = file.to_str().unwrap();
    let told = home.expect(3, &["signatures", file]);
    assert!(told.contains("altered_after_signing: tài liệu đã bị thay đổi sau khi ký"), "{told}");

    let line = home.lines(&[0], &["ingest", "--json", file]).remove(0);
    assert_eq!(line["state"], "review");
    let reasons = |value: &Value| value["reasons"].as_array().unwrap().iter().any(|reason| reason == "signature_altered");
    assert!(reasons(&line), "{line}");
    let record = record_of(&line);
    for command in [vec!["show", &record], vec!["review", "show", &record]] {
        let shown = home.expect(0, &command);
        assert!(shown.contains("altered_after_signing") && shown.contains("changed:"), "{shown}");
    }
    let shown = home.lines(&[0], &["show", "--json", &record]).remove(0);
    assert_eq!(shown["incoming_signatures"].as_array().unwrap().len(), shown["signature_checks"].as_array().unwrap().len());
    assert_eq!(shown["signature_checks"][0]["verdict"], "altered_after_signing");
    let source = sohoa_record::Sha256Hex::of(&std::fs::read(file).unwrap());
    assert_eq!(shown["source"]["sha256"], source.as_str());
    assert!(home.verify().iter().all(|(verdict, _)| verdict == "ok"), "the auditors' program opens such a receipt");

    home.expect(0, &["review", "accept", &record]);
    let shown = home.lines(&[0], &["show", "--json", &record]).remove(0);
    assert!(!reasons(&shown) && shown["signature_checks"][0]["verdict"] == "altered_after_signing", "{shown}");
}

#[test]
fn a_good_signature_is_told_and_a_folder_of_roots_holds_nothing_else() {
    let home = Home::new();
    let file = corpus().join("signed/pyhanko/minimal-signed-twice-second-created.pdf");
    let file = file.to_str().unwrap();
    let verdicts = |lines: Vec<Value>| -> Vec<String> {
        lines.iter().map(|line| line["check"]["verdict"].as_str().unwrap().to_owned()).collect()
    };
    let unknown = verdicts(home.lines(&[0], &["signatures", "--json", file]));
    assert!(!unknown.is_empty() && unknown.iter().all(|verdict| verdict == "issuer_not_trusted"), "{unknown:?}");
    // a folder that holds anything but certificates is a mistake that is told, not passed over
    std::fs::create_dir(home.path("roots")).unwrap();
    std::fs::write(home.path("roots/note.txt"), "xin chào").unwrap();
    home.set("signature_roots = \"\"", "signature_roots = \"roots\"");
    let refused = home.sohoa(&["signatures", file]);
    assert!(!refused.status.success());
    assert!(String::from_utf8_lossy(&refused.stderr).contains("note.txt holds no certificate"), "{refused:?}");
}

#[test]
fn a_paper_without_signatures_has_none() {
    let home = Home::new();
    let file = corpus().join("signed/pyhanko/minimal.pdf");
    let told = home.expect(0, &["signatures", file.to_str().unwrap()]);
    assert_eq!(told, "không có chữ ký số / no signature\n");
}
