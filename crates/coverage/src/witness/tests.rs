//! Which row a paper is, trap by trap.

use super::*;
use jiff::civil::date;
use proptest::prelude::*;

const NGHIA_HANH: &str = "Về việc phê duyệt Kế hoạch ứng phó sự cố tràn dầu huyện Nghĩa Hành";

fn row(number: &str, day: Date, subject: &str) -> RegisterRow {
    RegisterRow {
        unit: Some("H48".into()),
        procedure: None,
        dossier_code: None,
        number: Some(number.into()),
        date: Some(day),
        year: Some(day.year()),
        valid_until: None,
        subject: Some(subject.into()),
        owner: None,
        organ: Some("UBND tỉnh Gò Mới".into()),
        signer: None,
        line: 2,
        in_doubt: false,
    }
}

fn reading(subject: &str) -> Reading {
    Reading {
        notation: Some("QĐ-UBND".into()),
        year: Some(2025),
        month: Some(1),
        organ: Some("ỦY BAN NHÂN DÂN TỈNH GÒ MỚI".into()),
        organ_is_sure: true,
        subject: Some(subject.into()),
        ..Reading::default()
    }
}

fn winner(verdict: &Verdict) -> Option<usize> {
    match verdict {
        Verdict::Clear(best, _) => Some(best.row),
        _ => None,
    }
}

#[test]
fn lost_accents_and_a_wrong_letter_do_not_hide_the_row() {
    let rows = [
        row("84/QĐ-UBND", date(2025, 1, 20), "Về việc phê duyệt quy hoạch chi tiết khu dân cư Bàu Giang"),
        row("51/QĐ-UBND", date(2025, 1, 17), NGHIA_HANH),
    ];
    let read = reading("Về việc phê duyêt Kế hoạch ứng phó sự cố trân dâu huyện Nghĩa Hành");
    let Verdict::Clear(best, None) = judge(&read, &rows) else { panic!("{:?}", judge(&read, &rows)) };
    assert_eq!((best.row, best.score), (1, 100), "only accents differ");
    assert_eq!(winner(&judge(&reading("Về việc phê duyệt Kế hoạch úng phó sự cô tràn đâv huyện Nghĩa Hành"), &rows)), Some(1));
    // two letters of one word may be another word
    assert_eq!(winner(&judge(&reading("Về việc phê duyệt Kế hoạch ứng phó sự cố tràn dầu huyện Nghĩa Hưng"), &rows)), None);
}

#[test]
fn near_identical_decisions_stay_two() {
    let rows = [
        row("51/QĐ-UBND", date(2025, 1, 17), NGHIA_HANH),
        row("84/QĐ-UBND", date(2025, 1, 23), "Về việc phê duyệt Kế hoạch ứng phó sự cố tràn dầu của Cửa hàng xăng dầu Long Sơn"),
        row("85/QĐ-UBND", date(2025, 1, 24), "Về việc phê duyệt Kế hoạch ứng phó sự cố tràn dầu huyện Nghĩa Hạnh"),
    ];
    assert_eq!(winner(&judge(&reading(rows[1].subject.as_deref().unwrap()), &rows)), Some(1));
    // "Hành" and "Hạnh" differ in a mark, as readings do: what was read could be either
    let Verdict::Tie(candidates) = judge(&reading(NGHIA_HANH), &rows) else { panic!("a tie was expected") };
    assert_eq!(candidates.iter().map(|c| c.row).collect::<Vec<_>>(), [0, 2]);
}

#[test]
fn a_decision_for_another_person_of_the_village_is_another_decision() {
    let about = |who: &str| format!("Về việc cho phép chuyển mục đích sử dụng đất đối với hộ ông {who}");
    let read = reading(&about("Phan Văn Thuận, xã Tịnh Hậu"));
    assert_eq!(winner(&judge(&read, &[row("137/QĐ-UBND", date(2025, 1, 12), &about("Phan Văn Thuận, xã Tịnh Hậu"))])), Some(0));
    for other in [
        "Phan Văn Thuật, xã Tịnh Hậu",
        "Phan Văn Thuần, xã Tịnh Hậu",
        "Phan Văn Thuân, xã Tịnh Hậu",
        "Phạm Văn Thuận, xã Tịnh Hậu",
        "Phan Văn Thuận, xã Tịnh Hầu",
        "Phan Văn Tuấn, xã Tịnh Hậu",
        "phan văn thuận, xã tịnh hậu",
        "Phan Van Thuan, xa Tinh Hau",
    ] {
        let rows = [row("141/QĐ-UBND", date(2025, 1, 20), &about(other))];
        assert!(matches!(judge(&read, &rows), Verdict::Tie(_)), "{other}: shown to a person, not filled");
    }
}

#[test]
fn a_row_that_contradicts_the_paper_or_leaves_something_open_is_only_shown() {
    let sure = Reading { signer: Some("Lê Quang Hiệp".into()), ..reading(NGHIA_HANH) };
    let own = RegisterRow { signer: Some("Lê Quang Hiệp".into()), ..row("51/QĐ-UBND", date(2025, 1, 17), NGHIA_HANH) };
    assert_eq!(winner(&judge(&sure, std::slice::from_ref(&own))), Some(0));
    for other in [
        RegisterRow { signer: Some("Nguyễn Văn Khác".into()), ..own.clone() },
        RegisterRow { organ: Some("UBND tỉnh Gò Mơi".into()), ..own.clone() },
        RegisterRow { number: Some("51".into()), ..own.clone() },
        RegisterRow { organ: None, unit: None, ..own.clone() },
    ] {
        assert!(matches!(judge(&sure, std::slice::from_ref(&other)), Verdict::Tie(_)), "{other:?}");
    }
    // an issuer that is in doubt may lack its marks
    let doubted = Reading { organ: Some("UY BAN NHAN DAN TINH GO MOI".into()), organ_is_sure: false, ..sure };
    assert_eq!(winner(&judge(&doubted, &[own])), Some(0));
}

#[test]
fn the_reports_of_two_months_are_told_apart_by_their_digits_or_not_at_all() {
    let report =
        |month: &str| format!("Tình hình, kết quả thực hiện công tác cải cách thủ tục hành chính tháng {month} của tỉnh");
    let february = [row("23/QĐ-UBND", date(2025, 1, 23), &report("02/2025"))];
    assert!(matches!(judge(&reading(&report("01/2025")), &february), Verdict::Tie(_)), "one digit is another report");
}

#[test]
fn the_same_subject_twice_is_a_tie_until_the_month_tells() {
    let rows = [row("51/QĐ-UBND", date(2025, 1, 17), NGHIA_HANH), row("151/QĐ-UBND", date(2025, 3, 3), NGHIA_HANH)];
    assert_eq!(winner(&judge(&reading(NGHIA_HANH), &rows)), Some(0));
    let no_month = Reading { month: None, ..reading(NGHIA_HANH) };
    assert!(matches!(judge(&no_month, &rows), Verdict::Tie(both) if both.len() == 2));
}

#[test]
fn another_issuer_notation_year_or_number_is_another_paper() {
    let rows = [row("51/QĐ-UBND", date(2025, 1, 17), NGHIA_HANH)];
    let sure = reading(NGHIA_HANH);
    assert_eq!(winner(&judge(&sure, &rows)), Some(0));
    for other in [
        Reading { organ: Some("ỦY BAN NHÂN DÂN TỈNH SÔNG ĐÀO".into()), ..sure.clone() },
        Reading { notation: Some("CT-UBND".into()), ..sure.clone() },
        Reading { year: Some(2024), ..sure.clone() },
        Reading { year: None, ..sure.clone() },
        Reading { number: Some("52".into()), ..sure.clone() },
        Reading { date: Some(date(2025, 1, 18)), ..sure.clone() },
    ] {
        assert_eq!(judge(&other, &rows), Verdict::Unknown, "{other:?}");
    }
    let same = Reading { number: Some("051".into()), date: Some(date(2025, 1, 17)), ..sure };
    assert_eq!(winner(&judge(&same, &rows)), Some(0));
}

#[test]
fn a_paper_that_the_register_does_not_have_is_no_other_paper() {
    let rows = [row("50/QĐ-UBND", date(2025, 1, 16), "Về việc phê duyệt Kế hoạch ứng phó sự cố tràn dầu huyện Tư Nghĩa")];
    assert_eq!(winner(&judge(&reading(NGHIA_HANH), &rows)), None);
    let long =
        "Kết luận của Chủ tịch UBND tỉnh tại buổi làm việc với Ban Chỉ đạo xoá nhà tạm, nhà dột nát huyện Bình Sơn năm nay";
    let near = [row("50/QĐ-UBND", date(2025, 1, 16), &long.replace("Bình Sơn", "Sơn Tịnh"))];
    assert_eq!(winner(&judge(&reading(long), &near)), None, "one place in a hundred letters is another paper");
    let quarter = |name: &str| format!("Báo cáo tình hình kinh tế xã hội quý {name} năm 2025 trên địa bàn tỉnh");
    assert_eq!(winner(&judge(&reading(&quarter("I")), &[row("9/QĐ-UBND", date(2025, 1, 16), &quarter("II"))])), None);
}

#[test]
fn the_dossiers_code_and_the_notation_name_the_row() {
    let code: DossierCode = "H48.15-250110-0007".parse().unwrap();
    let mut rows = [row("51/QĐ-UBND", date(2025, 1, 17), NGHIA_HANH), row("9/TTr-UBND", date(2025, 1, 17), NGHIA_HANH)];
    rows.iter_mut().for_each(|row| row.dossier_code = Some(code.clone()));
    rows[0].subject = None;
    let read = Reading { dossier_code: Some(code), ..reading("nhòe") };
    assert_eq!(winner(&judge(&read, &rows)), Some(0));
    // the code alone says nothing of which of its papers this is
    assert_eq!(winner(&judge(&Reading { notation: None, ..read.clone() }, &rows)), None);
    rows[0].subject = Some("Về việc thu hồi đất để xây dựng trường trung học".into());
    assert_eq!(winner(&judge(&Reading { subject: Some(NGHIA_HANH.into()), ..read }, &rows)), None, "its words speak against it");
}

#[test]
fn a_row_in_doubt_is_shown_and_not_believed() {
    let mut rows = [row("51/QĐ-UBND", date(2025, 1, 17), NGHIA_HANH)];
    rows[0].in_doubt = true;
    assert!(matches!(judge(&reading(NGHIA_HANH), &rows), Verdict::Tie(shown) if shown[0].row == 0));
}

#[test]
fn owners_tell_certificates_apart() {
    let mut rows = [row("386/2025", date(2025, 1, 17), ""), row("387/2025", date(2025, 1, 17), "")];
    rows.iter_mut().for_each(|row| row.subject = None);
    rows[0].owner = Some("Nguyễn Thị Thanh Hoa".into());
    rows[1].owner = Some("Trần Văn Bình".into());
    let read = |owner: &str| Reading { notation: Some("2025".into()), owner: Some(owner.into()), subject: None, ..reading("") };
    assert_eq!(winner(&judge(&read("NGUYỄN THỊ THANH HOA"), &rows)), Some(0));
    rows[1].owner = Some("Nguyễn Thị Thanh Hoà".into());
    assert_eq!(winner(&judge(&read("NGUYỄN THỊ THANH HOA"), &rows)), None, "two names that differ in a mark");
}

proptest! {
    #[test]
    fn a_subject_is_never_given_to_a_row_that_is_as_near_as_another(
        words in "xin( [a-zđêôư]{4,8}){4,8}", letter in 0usize..20, with in "[a-z]", read_at in 0usize..2,
    ) {
        // "Về việc" is no part of what is compared, and Roman numbers are numbers: neither is a letter misread
        let subject = words.clone();
        let mut twin: Vec<char> = words.chars().collect();
        twin[letter] = with.chars().next().unwrap();
        let twin: String = twin.into_iter().collect();
        let rows = [row("1/QĐ-UBND", date(2025, 1, 2), &subject), row("2/QĐ-UBND", date(2025, 1, 3), &twin)];
        let verdict = judge(&reading(rows[read_at].subject.as_deref().unwrap()), &rows);
        prop_assert!(winner(&verdict).is_none(), "{:?}", verdict);
    }

    #[test]
    fn the_quick_distance_never_exceeds_the_true_one(a in "[a-zđ0-9]{0,30}", b in "[a-zđ0-9]{0,30}") {
        prop_assert!(distance(&a, &b) <= strsim::levenshtein(&a, &b));
    }

    #[test]
    fn any_texts_can_be_compared(a in "\\PC{0,60}", b in "\\PC{0,60}") {
        let _ = judge(&reading(&a), &[row("1/QĐ-UBND", date(2025, 1, 2), &b)]);
    }
}

#[test]
fn a_name_is_told_by_its_end_when_the_seal_hides_its_beginning() {
    for read in ["Trần Văn Mẫu", "ần Văn Mẫu", "n Văn Mẫu", "Văn Mẫu", "văn mẫu"] {
        assert!(is_end_of_name(read, "Trần Văn Mẫu"), "{read}");
    }
    for read in ["Mẫu", "n Mẫu", "Trần Văn", "Trần Vân Mẫu", "ẩn Văn Mẫu", "x Văn Mẫu", "Lê Trần Văn Mẫu", "a n Văn Mẫu", ""]
    {
        assert!(!is_end_of_name(read, "Trần Văn Mẫu"), "{read}");
    }
}
