//! The register as a second witness, end to end: a paper whose number and day were written by hand.
#![allow(clippy::unwrap_used)]

mod common;

use common::Home;
use serde_json::Value;
use std::path::{Path, PathBuf};

const SUBJECT: &str = "Về việc cho phép chuyển mục đích sử dụng đất đối với hộ ông Phan Văn Thuận, xã Tịnh Hậu";
const ORGAN: &str = "UBND huyện Sơn Lĩnh";

fn paper() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/decision-handwritten/H48.15-250303-0042.02.pdf")
}

/// Writes a register of these rows (number, day, subject, issuer) and imports it.
fn import(home: &Home, rows: &[[&str; 4]]) {
    let rows = rows.iter().map(|[number, day, subject, organ]| format!("H48.15,{number},{day},\"{subject}\",{organ}\n"));
    let file = home.path("so.csv");
    std::fs::write(&file, format!("unit,number,date,subject,organ\n{}", rows.collect::<String>())).unwrap();
    home.expect(0, &["register", "import", file.to_str().unwrap()]);
}

fn shown(home: &Home) -> Value {
    let record = home.lines(&[0], &["search", "--json"])[0]["record"].as_str().unwrap().to_owned();
    serde_json::from_str(&home.expect(0, &["show", &record, "--json"])).unwrap()
}

fn field<'a>(manifest: &'a Value, name: &str) -> &'a Value {
    manifest["fields"].as_array().unwrap().iter().find(|field| field["name"] == name).unwrap()
}

#[test]
fn a_register_that_comes_later_fills_what_a_hand_wrote_and_never_silently() {
    let home = Home::new();
    home.expect(0, &["ingest", paper().to_str().unwrap()]);
    let captured = shown(&home);
    assert_eq!((&field(&captured, "code_number")["value"], &captured["revision"]), (&Value::Null, &1.into()));

    // another issuer, another month, another paper: nothing is said and nothing is signed
    import(
        &home,
        &[
            ["137/QĐ-UBND", "2025-03-12", SUBJECT, "UBND huyện Sông Đào"],
            ["138/QĐ-UBND", "2025-04-12", SUBJECT, ORGAN],
            ["139/QĐ-UBND", "2025-03-13", "Về việc thu hồi đất của hộ ông Phan Văn Thuận, xã Tịnh Hậu", ORGAN],
        ],
    );
    home.expect(0, &["review", "match"]);
    assert_eq!(shown(&home)["revision"], 1);

    // the same subject twice in a month: a person chooses
    import(&home, &[["137/QĐ-UBND", "2025-03-12", SUBJECT, ORGAN], ["139/QĐ-UBND", "2025-03-19", SUBJECT, ORGAN]]);
    home.expect(0, &["review", "match"]);
    let tied = shown(&home);
    let number = field(&tied, "code_number");
    assert_eq!(
        (number["doubt"].as_str(), &number["value"], &tied["state"]),
        (Some("register_tie"), &Value::Null, &"review".into())
    );
    let rows = number["register"]["rows"].as_array().unwrap();
    assert_eq!(rows.iter().map(|row| row["value"].as_str().unwrap()).collect::<Vec<_>>(), ["137", "139"]);
    let told = home.expect(0, &["review", "show", tied["record"].as_str().unwrap()]);
    assert!(told.contains("register line 2: 137") && told.contains("register line 3: 139"), "{told}");
    home.expect(0, &["review", "match"]);
    assert_eq!(shown(&home)["revision"], tied["revision"], "the same answer is not signed again");

    // for another person, or without accents, in which names cannot be told apart: still a person's to decide
    for other in [SUBJECT.replace("Thuận", "Thuật"), sohoa_record::text::fold(SUBJECT)] {
        import(&home, &[["141/QĐ-UBND", "2025-03-20", &other, ORGAN]]);
        home.expect(0, &["review", "match"]);
        assert_eq!(field(&shown(&home), "code_number")["value"], Value::Null, "{other}");
    }

    // the register is corrected under its name: one row is left
    import(&home, &[["137/QĐ-UBND", "2025-03-12", SUBJECT, ORGAN]]);
    home.expect(0, &["review", "match"]);
    let filled = shown(&home);
    for (name, value) in [("code_number", "137"), ("issued_date", "2025-03-12")] {
        let field = field(&filled, name);
        assert_eq!((&field["value"], &field["doubt"], &field["rule"]), (&value.into(), &Value::Null, &"register.match".into()));
        let row = &field["register"]["rows"][0];
        assert_eq!((&row["line"], row["score"].as_u64().unwrap() >= 90), (&2.into(), true), "{row}");
    }
    let event = filled["history"].as_array().unwrap().last().unwrap();
    assert_eq!(event["action"], "register");
    assert!(home.verify().iter().all(|(verdict, _)| verdict == "ok"));
    home.expect(0, &["fsck"]);
}

#[test]
fn a_register_that_is_there_is_asked_at_once() {
    let home = Home::new();
    import(&home, &[["137/QĐ-UBND", "2025-03-12", SUBJECT, ORGAN], ["140/QĐ-UBND", "2025-03-20", "Về việc khen thưởng", ORGAN]]);
    home.expect(0, &["ingest", paper().to_str().unwrap()]);
    let captured = shown(&home);
    assert_eq!(captured["revision"], 1);
    assert_eq!(field(&captured, "code_number")["value"], "137");
    assert_eq!(field(&captured, "issued_date")["value"], "2025-03-12");
    // what the engine took the hand for stays beside it
    assert_ne!(field(&captured, "code_number")["printed"], "137");
}
