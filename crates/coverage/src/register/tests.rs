//! Registers as offices send them.

use super::*;
use jiff::civil::date;
use proptest::prelude::*;

const PLAIN: &str = "unit,procedure,dossier_code,number,date,valid_until\n\
    H44.117,1.001612,H44.117-230401-0001,15/QĐ-UBND,2023-04-25,2026-04-25\n\
    H44.117,1.001612,H44.117-230401-0002,16/QĐ-UBND,2023-04-26,\n";

fn whys(import: &RegisterImport) -> Vec<(u64, &str, &str, Effect)> {
    import.problems.iter().map(|p| (p.line, p.column.as_str(), p.why.as_str(), p.effect)).collect()
}

#[test]
fn a_plain_register() {
    let import = parse_register(PLAIN.as_bytes());
    assert_eq!(import.problems, []);
    assert_eq!(
        import.rows[0],
        RegisterRow {
            unit: Some("H44.117".into()),
            procedure: Some("1.001612".into()),
            dossier_code: Some("H44.117-230401-0001".parse().unwrap()),
            number: Some("15/QĐ-UBND".into()),
            date: Some(date(2023, 4, 25)),
            year: Some(2023),
            valid_until: Some(date(2026, 4, 25)),
            subject: None,
            owner: None,
            organ: None,
            signer: None,
            line: 2,
            in_doubt: false,
        }
    );
    assert_eq!((import.rows[1].valid_until, import.rows[1].line, import.rows.len()), (None, 3, 2));
}

#[test]
fn every_dress_of_the_same_table_gives_the_same_rows() {
    let expected = parse_register(PLAIN.as_bytes()).rows;
    let semicolons = format!("\u{feff}{}", PLAIN.replace(',', ";").replace('\n', "\r\n"));
    let tabs = PLAIN.replace(',', "\t");
    let quoted = PLAIN.replace("15/QĐ-UBND", "\"15/QĐ-UBND\"");
    let vietnamese = PLAIN.replace(
        "unit,procedure,dossier_code,number,date,valid_until",
        "Đơn vị,THỦ TỤC,Mã hồ sơ,Số ký hiệu,Ngày,Còn hiệu lực đến",
    );
    let national = PLAIN.replace(
        "unit,procedure,dossier_code,number,date,valid_until",
        "DonViXuLy,MaTTHC,MaHoSo,KyHieuGiayTo,NgayCap,ThoiHanHieuLuc",
    );
    let dates = PLAIN.replace("2023-04-25", "25/04/2023").replace("2023-04-26", "20230426");
    for dress in [semicolons, tabs, quoted, vietnamese, national, dates] {
        let import = parse_register(dress.as_bytes());
        assert_eq!(import.rows, expected, "{dress}");
        assert_eq!(import.problems, [], "{dress}");
    }
}

#[test]
fn columns_come_in_any_order_among_others_below_titles() {
    let text = "SỔ THEO DÕI KẾT QUẢ\nSố: 12;Ngày: 1/1/2024\nSố:;Ngày:\n;;;\nSTT;Ngày cấp;Trích yếu;Số, ký hiệu;Đơn vị\n1;25/04/2023;Về việc; 15/QĐ-UBND ;H44.117\n;;;;\n";
    let import = parse_register(text.as_bytes());
    assert_eq!(import.problems, []);
    assert_eq!(import.rows.len(), 1);
    assert_eq!(import.rows[0].number.as_deref(), Some("15/QĐ-UBND"));
    assert_eq!((import.rows[0].date, import.rows[0].line), (Some(date(2023, 4, 25)), 6));
}

#[test]
fn lines_are_counted_as_an_editor_shows_them() {
    for end in ["\n", "\r\n", "\r"] {
        let text =
            format!("{end}unit,number,date{end}{end}A,\"1{end}\",2023-01-01{end}A,2/Q,2023-01-01{end}{end}A,3/Q,2023-01-01");
        let lines: Vec<u64> = parse_register(text.as_bytes()).rows.iter().map(|row| row.line).collect();
        assert_eq!(lines, [4, 6, 8], "{text:?}");
    }
}

#[test]
fn spreadsheet_damage_is_flagged_and_the_row_still_counts() {
    let text = "unit;procedure;dossier_code;number;date;valid_until\n\
        H44.117;1.00161;H44.117-230401-0001;15/QĐ-UBND;2023-04-25;\n\
        H44.117;1.001612;2.3E+10;Mar-23;2023-04-25;soon\n\
        ;1.001612;H44.117-230401-0003;17/QĐ-UBND;31/02/2023;2022-01-01\n\
        H44.117;1.001612;H44.117-230401-0004;18/QĐ-UBND;45041;\n";
    let import = parse_register(text.as_bytes());
    assert_eq!(
        whys(&import),
        [
            (2, "procedure", "'1.00161': a procedure code has six digits behind the dot; zeros may be lost", Effect::Counted),
            (3, "", "neither a dossier code nor a number can be used", Effect::Counted),
            (3, "dossier_code", "'2.3E+10': a spreadsheet turned it into scientific notation", Effect::Counted),
            (3, "number", "'Mar-23': a spreadsheet turned it into a date", Effect::Counted),
            (3, "valid_until", "'soon': not a date", Effect::Counted),
            (4, "date", "'31/02/2023': no such day in the calendar", Effect::Counted),
            (4, "unit", "no unit", Effect::Counted),
            (5, "date", "'45041': a spreadsheet's serial number stands for the date", Effect::LeftOut),
        ]
    );
    assert_eq!(import.rows.iter().map(|row| row.year).collect::<Vec<_>>(), [Some(2023), Some(2023), Some(2023), None]);
    assert!(import.rows.iter().all(|row| row.in_doubt));
    assert!(import.is_usable());
}

#[test]
fn an_end_before_the_issue_is_no_end() {
    let import = parse_register(PLAIN.replace("2026-04-25", "2021-04-25").as_bytes());
    assert_eq!(import.rows[0].valid_until, None);
    assert_eq!(whys(&import), [(2, "valid_until", "'2021-04-25': it ends before it was issued", Effect::Counted)]);
}

#[test]
fn repeated_rows_count_once_and_are_listed() {
    let again = "h44.117,1.001612,H44.117-230401-0001, 015 / QĐ-UBND,25/04/2023,2027-01-01\n";
    let import = parse_register(format!("{PLAIN}{again}").as_bytes());
    assert_eq!((import.rows.len(), import.duplicates), (2, 1));
    assert_eq!(whys(&import), [(4, "", "the same unit, dossier code, number and date as line 2", Effect::Duplicate)]);
    assert_eq!(import.rows[0].valid_until, Some(date(2027, 1, 1)), "the later end wins");
}

#[test]
fn rows_that_nothing_identifies_are_not_taken_for_repetitions() {
    let text = "unit,number,date\nH44.117,,2023-04-25\nH44.117,,2023-04-25\n";
    let import = parse_register(text.as_bytes());
    assert_eq!((import.rows.len(), import.duplicates), (2, 0));
}

#[test]
fn one_turned_date_puts_its_whole_column_in_doubt() {
    let text = "unit,number,date\nA,1/QĐ,04/25/2023\nA,2/QĐ,03/04/2023\nA,3/QĐ,05/05/2023\nA,4/QĐ,2023-04-03\n";
    let import = parse_register(text.as_bytes());
    let days: Vec<_> = import.rows.iter().map(|row| (row.date, row.year)).collect();
    let year = Some(2023);
    assert_eq!(days, [(None, year), (None, year), (Some(date(2023, 5, 5)), year), (Some(date(2023, 4, 3)), year)]);
    assert_eq!(import.problems.iter().map(|p| p.line).collect::<Vec<_>>(), [2, 3]);
}

#[test]
fn shifted_cells_and_open_quotation_marks_are_flagged() {
    let shifted = parse_register(b"unit,number,date\nH44.117,1/Q,2023-04-25,more\n");
    assert!(shifted.problems[0].why.contains("4 cells where the header has 3"), "{shifted:?}");
    let open = parse_register("unit,number,date,subject\nA,1/Q,2023-04-25,\"x\nA,2/Q,2023-04-25,\n".as_bytes());
    assert_eq!((open.rows.len(), open.problems[0].effect), (1, Effect::LeftOut));
    assert!(open.problems[0].why.contains("quotation mark is not closed"), "{open:?}");
    let fine = parse_register("unit,number,date,subject\nA,1/Q,2023-04-25,\"two\nlines, both fine\"\n".as_bytes());
    assert_eq!(fine.problems, []);
}

#[test]
fn cells_that_are_not_utf_8_are_flagged_one_by_one() {
    let mut text = b"unit,number,date\nA,1/Q".to_vec();
    text.extend_from_slice(b"\xd0-U,2023-04-25\nA,2/Q,2023-04-25\n");
    let import = parse_register(&text);
    assert_eq!(import.rows.len(), 2);
    assert_eq!(import.rows[0].number, None);
    assert!(whys(&import).contains(&(2, "number", "the text is not UTF-8", Effect::Counted)));
}

#[test]
fn what_is_no_register_is_refused_with_a_remedy() {
    for bytes in [&b""[..], b"hello", b"\xff\xfeu\0n\0", b"PK\x03\x04...", b"unit,number\nA,1\n", b"unit,date\nA,2023-01-01\n"] {
        let import = parse_register(bytes);
        assert!(!import.is_usable() && import.rows.is_empty(), "{bytes:?}");
        assert!(!import.problems[0].remedy.is_empty());
    }
}

#[test]
fn a_file_without_units_is_taken_and_says_so() {
    let import = parse_register(b"number,date\n1/Q,2023-01-01\n");
    assert!(import.is_usable() && import.rows.len() == 1);
    assert!(import.problems[0].why.contains("no column names the unit"));
}

proptest! {
    #[test]
    fn any_bytes_can_be_read(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = parse_register(&bytes);
    }

    #[test]
    fn any_mess_of_separators_and_quotation_marks_can_be_read(mess in "[,;\t\"\r\n /a-c0-3E+-]{0,200}") {
        let import = parse_register(format!("unit,number,date\n{mess}").as_bytes());
        prop_assert!(import.is_usable());
        prop_assert!(import.problems.windows(2).all(|two| two[0].line <= two[1].line));
    }

    #[test]
    fn any_cells_below_a_header_can_be_read_and_no_row_is_lost(
        cells in prop::collection::vec(("[^\"\r\n,;\t]{0,20}", "[^\"\r\n,;\t]{0,20}", "[^\"\r\n,;\t]{0,20}"), 0..12),
    ) {
        let lines: String = cells.iter().map(|(unit, number, date)| format!("x{unit},{number},{date}\n")).collect();
        let import = parse_register(format!("unit,number,date\n{lines}").as_bytes());
        prop_assert_eq!(import.rows.len() + import.duplicates, cells.len());
        for row in import.rows.iter().filter(|row| row.date.is_none()) {
            prop_assert!(import.problems.iter().any(|p| p.line == row.line && p.column == "date"), "{:?}", row);
        }
    }
}

#[test]
fn a_cell_with_control_characters_is_refused_with_its_row_and_column() {
    let csv =
        "unit,number,date,subject\nH44.117,15\u{1b}[31m/QĐ-UBND,2023-04-25,Về\u{0} việc\nH44.117,16/QĐ-UBND,2023-04-26,tốt\n";
    let import = parse_register(csv.as_bytes());
    let control = |column, why| (2, column, why, Effect::Counted);
    let whys: Vec<_> = whys(&import).into_iter().filter(|(_, _, why, _)| why.contains("control")).collect();
    let expected = [
        control("number", "a control character (U+001B) in the text"),
        control("subject", "a control character (U+0000) in the text"),
    ];
    assert_eq!(whys, expected);
    assert_eq!((&import.rows[0].number, &import.rows[0].subject), (&None, &None));
    assert_eq!(import.rows[1].subject.as_deref(), Some("tốt"));
}
