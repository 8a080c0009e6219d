//! The register as offices export it: rows and problems add up, and rows that are not in doubt come back from a clean file.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sohoa_coverage::{RegisterRow, parse_register};
use std::collections::HashSet;

fuzz_target!(|data: &[u8]| {
    let import = parse_register(data);
    assert!(import.is_usable() || import.rows.is_empty(), "a refused file has no rows");
    assert!(import.problems.is_sorted());
    assert!(import.problems.iter().all(|problem| !problem.remedy.is_empty() && !problem.why.is_empty()));
    let lines = data.iter().filter(|byte| matches!(byte, b'\n' | b'\r')).count() as u64 + 1;
    assert!(import.rows.iter().all(|row| (1..=lines).contains(&row.line)));
    assert!(import.rows.is_sorted_by_key(|row| row.line));
    let mut seen = HashSet::new();
    for identity in import.rows.iter().filter_map(RegisterRow::identity) {
        assert!(seen.insert(identity), "every result once");
    }
    for row in &import.rows {
        assert!(row.date.is_none_or(|date| row.year == Some(date.year())));
        assert!(row.date.is_none() || row.valid_until.is_none() || row.valid_until >= row.date);
    }
    let sure: Vec<&RegisterRow> = import.rows.iter().filter(|row| !row.in_doubt && row.date.is_some()).collect();
    let again = parse_register(written(&sure).as_bytes());
    let told = |row: &RegisterRow| (row.unit.clone(), row.dossier_code.clone(), row.number.clone(), row.date, row.valid_until);
    assert_eq!(sure.iter().map(|row| told(row)).collect::<Vec<_>>(), again.rows.iter().map(told).collect::<Vec<_>>());
});

/// A clean file with these rows.
fn written(rows: &[&RegisterRow]) -> String {
    let mut csv = String::from("unit,procedure,dossier_code,number,date,valid_until\n");
    for row in rows {
        let cells = [
            row.unit.clone(),
            None,
            row.dossier_code.as_ref().map(|code| code.to_string()),
            row.number.clone(),
            row.date.map(|date| date.to_string()),
            row.valid_until.map(|date| date.to_string()),
        ];
        let quoted = cells.map(|cell| format!("\"{}\"", cell.unwrap_or_default().replace('"', "\"\"")));
        csv.push_str(&quoted.join(","));
        csv.push('\n');
    }
    csv
}
