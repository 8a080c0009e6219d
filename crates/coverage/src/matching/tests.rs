//! Which document is taken for which result, case by case.

use super::*;
use jiff::civil::date;

const CODE: &str = "H44.117-230401-0001";

fn row(code: Option<&str>, number: Option<&str>) -> RegisterRow {
    RegisterRow {
        unit: Some("H44.117".into()),
        procedure: None,
        dossier_code: code.map(|code| code.parse().unwrap()),
        number: number.map(str::to_owned),
        date: Some(date(2023, 4, 25)),
        year: Some(2023),
        valid_until: None,
        subject: None,
        owner: None,
        organ: None,
        signer: None,
        line: 2,
        in_doubt: false,
    }
}

fn entry(record: &str, code: Option<&str>, number: Option<&str>, state: State) -> Entry {
    let (number, notation) = number.map_or((None, None), |number| {
        let (number, notation) = number.split_once('/').unwrap_or((number, ""));
        (Some(number.to_owned()), Some(notation.to_owned()))
    });
    Entry {
        record: record.into(),
        unit: Some("H44.117".into()),
        procedure: None,
        dossier_code: code.map(|code| code.parse().unwrap()),
        issued_date: number.as_ref().map(|_| date(2023, 4, 25)),
        code_number: number,
        code_notation: notation,
        state,
        signed: false,
        archived: true,
        arrived: date(2023, 5, 1),
    }
}

/// For each row the record that was taken, and how.
fn taken(rows: &[RegisterRow], entries: &[Entry]) -> Vec<Option<(String, How)>> {
    let units = Units::default();
    let (papers, documents) = (papers(rows, &units), documents(entries, &units, date(2026, 1, 1)));
    let matching = matching(&papers, &documents, entries);
    let mut by_row = vec![None; rows.len()];
    for (paper, document) in papers.iter().zip(&matching.document_of) {
        by_row[paper.rows[0]] = document.map(|(at, how)| (entries[documents[at].index].record.clone(), how));
    }
    by_row
}

fn one(rows: RegisterRow, entries: &[Entry]) -> Option<(String, How)> {
    taken(&[rows], entries).remove(0)
}

#[test]
fn the_surest_evidence_wins() {
    let entries = [
        entry("by-code", Some(CODE), None, State::Sealed),
        entry("by-number", None, Some("15/QĐ-UBND"), State::Sealed),
        entry("by-both", Some(CODE), Some("15/QĐ-UBND"), State::Review),
    ];
    let wanted = row(Some(CODE), Some("15/QĐ-UBND"));
    assert_eq!(one(wanted.clone(), &entries), Some(("by-both".into(), How::CodeNumberDate)));
    assert_eq!(one(wanted.clone(), &entries[..2]), Some(("by-number".into(), How::UnitNumberDate)));
    assert_eq!(one(wanted, &entries[..1]), Some(("by-code".into(), How::Code)));
}

#[test]
fn of_several_scans_of_the_paper_the_best_is_taken_but_of_a_dossier_the_unread_one() {
    let scans = [entry("a", None, Some("15/QĐ"), State::Review), entry("b", None, Some("15/QĐ"), State::Sealed)];
    assert_eq!(one(row(None, Some("15/QĐ")), &scans), Some(("b".into(), How::UnitNumberDate)));
    let dossier = [entry("form", Some(CODE), None, State::Sealed), entry("result", Some(CODE), None, State::Review)];
    assert_eq!(one(row(Some(CODE), Some("15/QĐ")), &dossier), Some(("result".into(), How::Code)));
    let rescanned = [entry("bad", Some(CODE), None, State::Failed), entry("good", Some(CODE), None, State::Sealed)];
    assert_eq!(one(row(Some(CODE), None), &rescanned), Some(("good".into(), How::Code)));
}

#[test]
fn another_number_in_the_dossier_is_another_paper() {
    let mut other = entry("other", Some(CODE), Some("99/BC-UBND"), State::Sealed);
    other.issued_date = Some(date(2023, 3, 1));
    assert_eq!(one(row(Some(CODE), Some("15/QĐ-UBND")), &[other]), None);
}

#[test]
fn the_same_number_of_another_unit_is_another_paper() {
    let mut other = entry("other", None, Some("15/QĐ-UBND"), State::Sealed);
    other.unit = Some("H44.118".into());
    assert_eq!(one(row(None, Some("15/QĐ-UBND")), &[other.clone()]), None);
    other.unit = None;
    assert_eq!(one(row(None, Some("15/QĐ-UBND")), &[other]), Some(("other".into(), How::NumberDate)));
}

#[test]
fn weak_evidence_is_taken_only_when_there_is_one_pair() {
    let bare = row(None, Some("15"));
    let (decision, permit) = (entry("a", None, Some("15/QĐ"), State::Sealed), entry("b", None, Some("15/GPXD"), State::Sealed));
    assert_eq!(one(bare.clone(), std::slice::from_ref(&decision)), Some(("a".into(), How::NumberDate)));
    assert_eq!(one(bare.clone(), &[decision.clone(), permit]), None);
    let mut elsewhere = bare.clone();
    elsewhere.unit = None;
    assert_eq!(taken(&[bare, elsewhere], &[decision]), [None, None]);
}

#[test]
fn a_document_is_taken_once() {
    let rows = [row(Some(CODE), Some("15/QĐ")), row(Some(CODE), Some("16/QĐ"))];
    let form = [entry("form", Some(CODE), None, State::Sealed)];
    assert_eq!(taken(&rows, &form).iter().flatten().count(), 1);
}

#[test]
fn a_former_code_is_the_same_unit() {
    let own = "[[unit]]\ncode='H44.117'\nname='x'\nlevel='commune'\nformerly=['000.00.17.H44']\n";
    let units = Units::parse(own).unwrap();
    let mut document = entry("old", None, Some("15/QĐ"), State::Sealed);
    document.unit = Some("000.00.17.H44".into());
    let entries = [document];
    let (papers, documents) = (papers(&[row(None, Some("15/QĐ"))], &units), documents(&entries, &units, Date::MAX));
    assert_eq!(matching(&papers, &documents, &entries).document_of, [Some((0, How::UnitNumberDate))]);
}
