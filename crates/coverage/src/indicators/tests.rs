//! Figures computed by hand, and what must hold for any register and any index.

use super::*;
use crate::parse_register;
use jiff::civil::date;
use proptest::prelude::*;

const UNITS: &str = "
    [[unit]]
    code = 'H44.117'
    name = 'Phường Một'
    level = 'commune'
    [[unit]]
    code = 'H44.31'
    name = 'Huyện Hai'
    level = 'district'
";

fn units() -> Units {
    Units::default().overlay(Units::parse(UNITS).unwrap()).unwrap()
}

fn entry(record: u32, unit: &str, number: u32, issued: Date, state: State) -> Entry {
    Entry {
        record: format!("{record:04}"),
        unit: Some(unit.into()),
        procedure: None,
        dossier_code: None,
        code_number: Some(number.to_string()),
        code_notation: Some("QĐ-UBND".into()),
        issued_date: Some(issued),
        state,
        signed: false,
        archived: true,
        arrived: issued,
    }
}

fn register(rows: &[(&str, u32, &str, &str)]) -> Vec<RegisterRow> {
    let lines: String =
        rows.iter().map(|(unit, number, date, until)| format!("{unit},{number}/QĐ-UBND,{date},{until}\n")).collect();
    parse_register(format!("unit,number,date,valid_until\n{lines}").as_bytes()).rows
}

fn row(rows: &[ReportRow], group: Group, unit: Option<&str>, level: Option<Level>, indicator: Indicator) -> ReportRow {
    let found: Vec<_> = rows
        .iter()
        .filter(|r| r.group == group && r.unit.as_deref() == unit && r.level == level && r.indicator == indicator)
        .collect();
    assert_eq!(found.len(), 1, "{group:?} {unit:?} {level:?} {indicator}");
    found[0].clone()
}

/// Eight results of a commune in 2024. Three documents are sealed; one waits, one failed, one bears a number nobody knows.
fn eight() -> (Vec<RegisterRow>, Vec<Entry>) {
    let rows: Vec<_> = (1..=8).map(|n| ("H44.117", n, "2024-03-05", "")).collect();
    let day = date(2024, 3, 5);
    let entries = vec![
        entry(1, "H44.117", 1, day, State::Sealed),
        entry(2, "H44.117", 2, day, State::Sealed),
        entry(3, "H44.117", 3, day, State::Sealed),
        entry(4, "H44.117", 4, day, State::Review),
        entry(5, "H44.117", 5, day, State::Failed),
        entry(6, "H44.117", 99, day, State::Sealed),
    ];
    (register(&rows), entries)
}

#[test]
fn three_of_eight_is_37_5_percent() {
    let (register, entries) = eight();
    let rows = report(&entries, Some(&register), &units(), &Targets::default(), 2024, date(2024, 12, 31));
    let commune = row(&rows, Group::Unit, Some("H44.117"), Some(Level::Commune), Indicator::Digitized);
    assert_eq!((commune.numerator, commune.denominator), (3, Some(8)));
    assert_eq!(commune.rate.unwrap().to_string(), "37.50");
    // 75 % of 8 is 6, so 3 are missing
    assert_eq!((commune.target, commune.met, commune.gap), (Some(75), Some(false), Some(3)));
    assert_eq!((commune.in_review, commune.failed, commune.skipped, commune.unregistered), (1, 1, 0, Some(1)));
    assert_eq!(commune.unit_name.as_deref(), Some("Phường Một"));
    assert_eq!(commune.formula, "digitized.solved_in_year/1");

    let archived = row(&rows, Group::Unit, Some("H44.117"), Some(Level::Commune), Indicator::Archived);
    assert_eq!(
        (archived.numerator, archived.rate.unwrap().to_string()),
        (4, "50.00".into()),
        "a failed document is not archived"
    );
    let signed = row(&rows, Group::Unit, Some("H44.117"), Some(Level::Commune), Indicator::Signed);
    assert_eq!((signed.numerator, signed.rate.unwrap().to_string()), (0, "0.00".into()));

    let all = row(&rows, Group::All, None, None, Indicator::Digitized);
    assert_eq!((all.numerator, all.denominator, all.target), (3, Some(8), None));
}

#[test]
fn a_lawfully_skipped_paper_counts_as_done_and_is_counted_apart() {
    let (register, mut entries) = eight();
    entries[3].state = State::Skipped;
    let rows = report(&entries, Some(&register), &units(), &Targets::default(), 2024, date(2024, 12, 31));
    let digitized = row(&rows, Group::Level, None, Some(Level::Commune), Indicator::Digitized);
    assert_eq!((digitized.numerator, digitized.skipped, digitized.rate.unwrap().to_string()), (4, 1, "50.00".into()));
    let archived = row(&rows, Group::Level, None, Some(Level::Commune), Indicator::Archived);
    assert_eq!(archived.numerator, 3);
}

#[test]
fn without_a_register_nothing_is_known_and_with_an_empty_one_nothing_is_there() {
    let (_, entries) = eight();
    let (units, targets) = (units(), Targets::default());
    let without = report(&entries, None, &units, &targets, 2024, date(2024, 12, 31));
    let unknown = row(&without, Group::Unit, Some("H44.117"), Some(Level::Commune), Indicator::Digitized);
    assert_eq!((unknown.numerator, unknown.denominator, unknown.rate, unknown.met, unknown.gap), (4, None, None, None, None));
    let empty = report(&entries, Some(&[]), &units, &targets, 2024, date(2024, 12, 31));
    let none = row(&empty, Group::Unit, Some("H44.117"), Some(Level::Commune), Indicator::Digitized);
    assert_eq!((none.numerator, none.denominator, none.rate, none.unregistered), (0, Some(0), None, Some(4 + 2)));
    assert_eq!(report(&[], None, &units, &targets, 2024, date(2024, 12, 31)).len(), 3, "never an empty report");
}

#[test]
fn until_2022_what_is_still_in_force_counts() {
    let rows = register(&[
        ("H44.31", 1, "2015-01-01", ""),           // no end
        ("H44.31", 2, "2020-01-01", "2021-12-31"), // the last day counts
        ("H44.31", 3, "2020-01-01", "2021-12-30"), // ended a day before
        ("H44.31", 4, "2022-01-01", ""),           // issued later
        ("H44.31", 5, "2021-06-30", "2030-01-01"),
    ]);
    let entries = [entry(1, "H44.31", 1, date(2015, 1, 1), State::Sealed)];
    let of = |year, as_of| {
        let rows = report(&entries, Some(&rows), &units(), &Targets::default(), year, as_of);
        row(&rows, Group::Unit, Some("H44.31"), Some(Level::District), Indicator::Digitized)
    };
    let in_2021 = of(2021, date(2026, 11, 1));
    assert_eq!((in_2021.numerator, in_2021.denominator), (1, Some(3)), "1, 2 and 5");
    assert_eq!(of(2021, date(2021, 3, 1)).denominator, Some(3), "1, 2 and 3; 5 is not there yet");
    assert_eq!(of(2022, date(2026, 11, 1)).denominator, Some(3), "1, 4 and 5");
    assert_eq!(in_2021.target, Some(20));
    assert_eq!(of(2022, date(2026, 11, 1)).target, Some(40));
}

#[test]
fn the_district_level_is_gone_in_2026_and_reported_apart() {
    let rows = register(&[("H44.31", 1, "2025-03-01", ""), ("H44.31", 2, "2026-03-01", ""), ("H44.7", 3, "2026-03-01", "")]);
    let of = |year| report(&[], Some(&rows), &units(), &Targets::default(), year, date(2026, 11, 1));
    let in_2025 = row(&of(2025), Group::Level, None, Some(Level::District), Indicator::Digitized);
    assert_eq!((in_2025.denominator, in_2025.target), (Some(1), Some(100)));
    let unknown = row(&of(2026), Group::Level, None, Some(Level::Unknown), Indicator::Digitized);
    assert_eq!((unknown.denominator, unknown.target), (Some(2), None));
    assert!(of(2026).iter().all(|row| row.level != Some(Level::District)));
}

#[test]
fn results_after_the_day_of_the_report_are_not_counted_yet() {
    let rows = register(&[("H44.117", 1, "2026-03-01", ""), ("H44.117", 2, "2026-10-01", "")]);
    let late = entry(1, "H44.117", 1, date(2026, 3, 1), State::Sealed);
    let entries = [Entry { arrived: date(2026, 9, 1), ..late }];
    let of = |as_of| {
        let rows = report(&entries, Some(&rows), &units(), &Targets::default(), 2026, as_of);
        let row = row(&rows, Group::All, None, None, Indicator::Digitized);
        (row.numerator, row.denominator)
    };
    assert_eq!(of(date(2026, 8, 31)), (0, Some(1)), "the document had not come in");
    assert_eq!(of(date(2026, 9, 1)), (1, Some(1)));
    assert_eq!(of(date(2026, 12, 31)), (1, Some(2)));
    assert_eq!(of(date(2025, 12, 31)), (0, Some(0)));
}

#[test]
fn rows_in_doubt_count_and_rows_without_a_year_are_shown_apart() {
    let rows = register(&[("H44.117", 1, "31/02/2024", ""), ("H44.117", 2, "45041", ""), ("", 3, "2024-03-01", "")]);
    let rows = report(&[], Some(&rows), &units(), &Targets::default(), 2024, date(2024, 12, 31));
    let commune = row(&rows, Group::Unit, Some("H44.117"), Some(Level::Commune), Indicator::Digitized);
    assert_eq!((commune.denominator, commune.in_doubt, commune.undated), (Some(1), 1, 1));
    let nobody = row(&rows, Group::Unit, Some(NO_UNIT), Some(Level::Unknown), Indicator::Digitized);
    assert_eq!((nobody.denominator, nobody.in_doubt), (Some(1), 1));
}

#[test]
fn the_lists_behind_the_figures_are_exact() {
    let (mut register, mut entries) = eight();
    register.push(register[0].clone());
    entries.push(entry(7, "H44.117", 1, date(2024, 3, 5), State::Review));
    let evidence = evidence(&entries, &register, &units(), 2024, date(2024, 12, 31));
    let rows: Vec<usize> = evidence.counted.iter().map(|counted| counted.row).collect();
    assert_eq!(rows, [0, 1, 2, 3, 4, 5, 6, 7]);
    let digitized: Vec<_> = evidence.counted.iter().filter(|c| c.digitized).map(|c| (c.row, c.document)).collect();
    let by_number = |document| Some((document, How::UnitNumberDate));
    assert_eq!(digitized, [(0, by_number(0)), (1, by_number(1)), (2, by_number(2))]);
    assert_eq!((evidence.repeated, evidence.unregistered, evidence.companions), (vec![8], vec![5], vec![6]));
}

#[test]
fn the_json_of_a_figure() {
    let (register, entries) = eight();
    let rows = report(&entries, Some(&register), &units(), &Targets::default(), 2024, date(2024, 12, 31));
    let commune = row(&rows, Group::Unit, Some("H44.117"), Some(Level::Commune), Indicator::Digitized);
    let json = serde_json::to_string(&commune).unwrap();
    assert!(
        json.starts_with(
            r#"{"group":"unit","unit":"H44.117","unit_name":"Phường Một","level":"commune","year":2024,"indicator":"digitized","population":"solved_in_year","numerator":3,"denominator":8,"rate":37.5,"target":75,"met":false,"gap":3,"basis":""#
        ),
        "{json}"
    );
    let without = report(&entries, None, &units(), &Targets::default(), 2024, date(2024, 12, 31));
    assert!(serde_json::to_string(&without[0]).unwrap().contains(r#""denominator":null,"rate":null"#));
}

/// Few values each, so that they meet often.
fn any_row() -> impl Strategy<Value = RegisterRow> {
    let date = prop::option::of((2021i16..2026, 1i8..3, 1i8..3).prop_map(|(y, m, d)| date(y, m, d)));
    (0u8..4, prop::option::of(0u8..4), prop::option::of(0u8..4), date, prop::option::of(2020i16..2027), any::<bool>(), 2u64..9)
        .prop_map(|(unit, code, number, date, year, in_doubt, line)| RegisterRow {
            unit: ["H44.117", "H44.31", "H44.7"].get(usize::from(unit)).map(|unit| (*unit).into()),
            procedure: None,
            dossier_code: code.map(|code| format!("H44.117-230401-000{code}").parse().unwrap()),
            number: number.map(|number| ["1/QĐ", "2/QĐ", "1", "1/GP"][usize::from(number)].into()),
            date,
            year: date.map(|date| date.year()).or(year),
            valid_until: year.map(|year| jiff::civil::date(year, 6, 1)),
            subject: None,
            owner: None,
            organ: None,
            signer: None,
            line,
            in_doubt,
        })
}

fn any_entry() -> impl Strategy<Value = Entry> {
    let states = prop::sample::select(vec![State::Sealed, State::Review, State::Skipped, State::Failed]);
    (any_row(), 0u8..9, states, any::<bool>(), any::<bool>(), 2021i16..2027).prop_map(
        |(row, record, state, signed, archived, arrived)| {
            let (number, notation) = row.number.as_deref().map_or(("", ""), |n| n.split_once('/').unwrap_or((n, "")));
            Entry {
                record: record.to_string(),
                unit: row.unit,
                procedure: None,
                dossier_code: row.dossier_code,
                code_number: Some(number.to_owned()),
                code_notation: Some(notation.to_owned()),
                issued_date: row.date,
                state,
                signed,
                archived,
                arrived: date(arrived, 1, 1),
            }
        },
    )
}

proptest! {
    #[test]
    fn no_rate_passes_100_and_levels_and_all_are_the_sums_of_their_units(
        rows in prop::collection::vec(any_row(), 0..14),
        entries in prop::collection::vec(any_entry(), 0..14),
        year in 2020i16..2028,
        months in 1i8..=12,
    ) {
        let as_of = date(2026, months, 5);
        let report = report(&entries, Some(&rows), &units(), &Targets::default(), year, as_of);
        for figure in &report {
            let denominator = figure.denominator.unwrap();
            prop_assert!(figure.numerator <= denominator);
            prop_assert_eq!(figure.rate.is_some(), denominator > 0);
            prop_assert!(figure.skipped + figure.in_review + figure.failed <= denominator);
            prop_assert_eq!(figure.met, figure.gap.map(|gap| gap == 0));
        }
        let sum = |group, indicator| {
            let of = report.iter().filter(|r| r.group == group && r.indicator == indicator);
            of.fold((0, 0, 0, 0), |s, r| {
                (s.0 + r.numerator, s.1 + r.denominator.unwrap(), s.2 + r.undated, s.3 + r.unregistered.unwrap())
            })
        };
        for indicator in Indicator::ALL {
            prop_assert_eq!(sum(Group::Unit, indicator), sum(Group::All, indicator));
            prop_assert_eq!(sum(Group::Level, indicator), sum(Group::All, indicator));
        }
    }

    #[test]
    fn each_row_and_each_document_is_used_at_most_once_and_none_is_forgotten(
        rows in prop::collection::vec(any_row(), 0..14),
        entries in prop::collection::vec(any_entry(), 0..14),
        year in 2020i16..2028,
    ) {
        let evidence = evidence(&entries, &rows, &units(), year, date(2026, 11, 1));
        let mut seen_rows = std::collections::BTreeSet::new();
        let mut seen_documents = std::collections::BTreeSet::new();
        for counted in &evidence.counted {
            prop_assert!(seen_rows.insert(counted.row));
            prop_assert!(counted.document.is_none_or(|(document, _)| seen_documents.insert(document)));
        }
        for row in evidence.undated.iter().chain(&evidence.repeated) {
            prop_assert!(seen_rows.insert(*row), "row {} is listed twice", row);
        }
        for document in evidence.unregistered.iter().chain(&evidence.companions) {
            prop_assert!(seen_documents.insert(*document), "document {} is listed twice", document);
        }
        let report = report(&entries, Some(&rows), &units(), &Targets::default(), year, date(2026, 11, 1));
        let all = row(&report, Group::All, None, None, Indicator::Digitized);
        prop_assert_eq!(all.denominator, Some(evidence.counted.len() as u64));
        prop_assert_eq!(all.numerator, evidence.counted.iter().filter(|c| c.digitized).count() as u64);
        prop_assert_eq!(all.undated, evidence.undated.len() as u64);
        prop_assert_eq!(all.unregistered, Some(evidence.unregistered.len() as u64));
    }

    #[test]
    fn the_list_of_every_figure_is_as_long_as_the_figure(
        rows in prop::option::of(prop::collection::vec(any_row(), 0..14)),
        entries in prop::collection::vec(any_entry(), 0..14),
        year in 2020i16..2028,
    ) {
        let as_of = date(2026, 11, 1);
        let list = listed(&entries, rows.as_deref(), &units(), year, as_of);
        for figure in report(&entries, rows.as_deref(), &units(), &Targets::default(), year, as_of) {
            let of_unit = |line: &&Listed| line.unit.as_deref().unwrap_or(NO_UNIT) == figure.unit.as_deref().unwrap_or_default();
            let of_group: Vec<&Listed> = match figure.group {
                Group::All => list.iter().collect(),
                Group::Level => list.iter().filter(|line| Some(line.level) == figure.level).collect(),
                Group::Unit => list.iter().filter(of_unit).collect(),
            };
            let at = Indicator::ALL.iter().position(|indicator| *indicator == figure.indicator).unwrap();
            prop_assert_eq!(of_group.iter().filter(|line| line.counts[at]).count() as u64, figure.numerator);
            prop_assert!(figure.denominator.is_none_or(|denominator| denominator == of_group.len() as u64));
        }
    }

    #[test]
    fn the_order_of_the_input_does_not_matter(
        (rows, shuffled_rows) in prop::collection::vec(any_row(), 0..14).prop_flat_map(|v| (Just(v.clone()), Just(v).prop_shuffle())),
        (entries, shuffled_entries) in
            prop::collection::vec(any_entry(), 0..14).prop_flat_map(|v| (Just(v.clone()), Just(v).prop_shuffle())),
        year in 2020i16..2028,
        with_register in any::<bool>(),
    ) {
        let of = |rows: &[RegisterRow], entries: &[Entry]| {
            report(entries, with_register.then_some(rows), &units(), &Targets::default(), year, date(2026, 11, 1))
        };
        prop_assert_eq!(of(&rows, &entries), of(&shuffled_rows, &shuffled_entries));
    }

    #[test]
    fn importing_a_register_twice_changes_nothing(rows in prop::collection::vec(any_row(), 0..14), year in 2020i16..2028) {
        let of = |rows: &[RegisterRow]| report(&[], Some(rows), &units(), &Targets::default(), year, date(2026, 11, 1));
        let identified: Vec<_> = rows.into_iter().filter(|row| row.identity().is_some()).collect();
        prop_assert_eq!(of(&identified), of(&[identified.clone(), identified.clone()].concat()));
    }

    #[test]
    fn without_a_register_no_rate_is_known(entries in prop::collection::vec(any_entry(), 0..14), year in 2020i16..2028) {
        let report = report(&entries, None, &units(), &Targets::default(), year, date(2026, 11, 1));
        prop_assert!(report.len() >= 3);
        for figure in &report {
            prop_assert!(figure.denominator.is_none() && figure.rate.is_none() && figure.met.is_none() && figure.gap.is_none());
            prop_assert!(figure.unregistered.is_none());
        }
    }
}
