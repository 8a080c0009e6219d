//! Pages one after the other, each trap by its name.

use super::super::sample::{Paper, SamplePage};
use super::*;

const DATE: &str = "Gò Mới, ngày 05 tháng 6 năm 2026";

/// What each page says, the first included.
fn told(pages: Vec<Paper>) -> Vec<Opening> {
    let templates = Templates::built_in();
    let pages: Vec<SamplePage> = pages.into_iter().map(Paper::page).collect();
    let mut openings = Openings::default();
    pages.iter().zip(1..).map(|(page, number)| openings.judge(&page.view_as(number), &templates)).collect()
}

fn decision(number: &str) -> Paper {
    Paper::new()
        .header(["ỦY BAN NHÂN DÂN", "XÃ GÒ MỚI"], number, DATE)
        .centred(520, "QUYẾT ĐỊNH")
        .centred(590, "Về việc công nhận thôn văn hóa năm 2025")
        .line(400, 860, "Căn cứ Luật Tổ chức chính quyền địa phương ngày 16 tháng 6 năm 2025;")
}

fn continuation() -> Paper {
    Paper::new()
        .centred(150, "2")
        .line(400, 260, "Điều 2. Chánh Văn phòng và các ông bà có tên chịu trách nhiệm thi hành./.")
        .line(1600, 500, "CHỦ TỊCH")
        .line(1560, 900, "Trần Văn Mẫu")
}

fn extract_of(number: &str, person: &str) -> Paper {
    Paper::new().header(["ỦY BAN NHÂN DÂN", "XÃ GÒ MỚI"], number, DATE).centred(520, "TRÍCH LỤC KHAI SINH").line(
        400,
        700,
        &format!("Họ, chữ đệm, tên: {person}"),
    )
}

use Opening::{Begins, GoesOn, Unsure};

#[test]
fn several_papers_in_one_file_begin_with_their_own_headers() {
    let pages = vec![
        decision("Số: 15/QĐ-UBND"),
        continuation(),
        decision("Số: 16/QĐ-UBND"),
        extract_of("Số: 386/TLKS-BS", "NGUYỄN THỊ MẪU"),
        extract_of("Số: 387/TLKS-BS", "TRẦN VĂN MẪU"),
    ];
    assert_eq!(told(pages), [GoesOn, GoesOn, Begins, Begins, Begins]);
}

#[test]
fn a_draft_with_a_notation_and_no_number_yet_is_another_paper() {
    let draft = Paper::new()
        .header(["HỘI ĐỒNG NHÂN DÂN", "XÃ GÒ MỚI"], "Số: /NQ-HĐND", "Gò Mới, ngày tháng 7 năm 2026")
        .centred(520, "NGHỊ QUYẾT");
    assert_eq!(told(vec![decision("Số: 15/QĐ-UBND"), draft]), [GoesOn, Begins]);
}

#[test]
fn a_header_without_number_or_known_title_is_for_a_person() {
    let form = Paper::new()
        .line(900, 200, "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM")
        .line(1020, 270, "Độc lập - Tự do - Hạnh phúc")
        .centred(450, "TỜ KHAI ĐĂNG KÝ KHAI SINH")
        .line(400, 600, "Kính gửi: Ủy ban nhân dân xã Gò Mới");
    assert_eq!(told(vec![decision("Số: 15/QĐ-UBND"), form.clone()]), [GoesOn, Unsure]);
    // the paper behind it is sure again
    assert_eq!(told(vec![form, decision("Số: 15/QĐ-UBND")]), [GoesOn, Begins]);
}

#[test]
fn an_annex_belongs_to_its_paper_even_with_a_header() {
    let annex = Paper::new()
        .centred(200, "PHỤ LỤC I")
        .centred(270, "DANH SÁCH THÔN VĂN HÓA")
        .centred(340, "(Kèm theo Quyết định số 15/QĐ-UBND ngày 05 tháng 6 năm 2026)");
    let with_header =
        Paper::new().centred(120, "Mẫu số 01").header(["TÊN CƠ QUAN", "TRÌNH"], "Số:", "ngày tháng năm").centred(520, "TỜ TRÌNH");
    let regulation = Paper::new().centred(200, "QUY CHẾ").centred(270, "(Ban hành kèm theo Quyết định số 15/QĐ-UBND)").line(
        400,
        400,
        "Điều 1.",
    );
    assert_eq!(told(vec![decision("Số: 15/QĐ-UBND"), annex, with_header, regulation]), [GoesOn; 4]);
}

#[test]
fn a_blank_form_that_a_decree_prints_is_a_page_of_the_decree() {
    let form = Paper::new()
        .header(["CƠ QUAN TRÌNH", "-----"], "Số: .....", "…, ngày … tháng … năm …")
        .centred(520, "TỜ TRÌNH")
        .line(400, 700, "Kính gửi: …………");
    assert_eq!(told(vec![decision("Số: 15/QĐ-UBND"), form]), [GoesOn, GoesOn]);
}

#[test]
fn a_header_in_the_middle_of_a_page_opens_nothing() {
    let rows =
        (0..10).fold(Paper::new(), |paper, row| paper.line(400, 200 + 60 * row, "Kết luận về sự phù hợp của thiết kế cơ sở"));
    let page = rows.line(1100, 1500, "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM").centred(1650, "BÁO CÁO");
    assert_eq!(told(vec![decision("Số: 15/QĐ-UBND"), page]), [GoesOn, GoesOn]);
}

#[test]
fn a_page_that_mentions_a_certificate_does_not_begin_one() {
    let quoting = Paper::new().centred(200, "GIẤY CHỨNG NHẬN KẾT HÔN").line(400, 300, "là một trong các giấy tờ phải nộp.");
    let asking = Paper::new().centred(200, "ĐƠN ĐỀ NGHỊ CẤP").centred(270, "GIẤY PHÉP XÂY DỰNG").line(
        400,
        400,
        "Kính gửi: Ủy ban nhân dân xã Gò Mới",
    );
    assert_eq!(told(vec![decision("Số: 15/QĐ-UBND"), quoting, asking]), [GoesOn, GoesOn, GoesOn]);
}

#[test]
fn a_certificate_that_lost_its_national_header_is_for_a_person() {
    let page = Paper::new().centred(250, "GIẤY PHÉP XÂY DỰNG").centred(330, "Số: 45/GPXD").line(400, 500, "1. Cấp cho: Ông Mẫu");
    assert_eq!(told(vec![decision("Số: 15/QĐ-UBND"), page]), [GoesOn, Unsure]);
}

#[test]
fn a_page_captured_with_its_note_and_without_is_one_page() {
    assert_eq!(told(vec![decision("Số: 15/QĐ-UBND"), decision("Số: 15/QĐ-UBND"), continuation()]), [GoesOn; 3]);
    // the number is a hand's: nobody knows whether it is the same paper
    assert_eq!(told(vec![decision("Số: /QĐ-UBND"), decision("Số: /QĐ-UBND")]), [GoesOn, Unsure]);
    // the note lies on the header
    let covered = Paper::new().line(400, 860, "Căn cứ Luật Tổ chức chính quyền địa phương ngày 16 tháng 6 năm 2025;");
    assert_eq!(told(vec![covered, decision("Số: 15/QĐ-UBND")]), [GoesOn, Unsure]);
    // a second copy of the whole paper
    assert_eq!(told(vec![decision("Số: 15/QĐ-UBND"), continuation(), decision("Số: 15/QĐ-UBND")]), [GoesOn, GoesOn, Unsure]);
}

#[test]
fn number_and_date_on_the_last_page_begin_no_paper() {
    let first = Paper::new()
        .line(400, 200, "VĂN PHÒNG QUỐC HỘI")
        .line_at_row_of_last(1100, "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM")
        .line(1320, 270, "Độc lập - Tự do - Hạnh phúc")
        .centred(520, "NGHỊ ĐỊNH")
        .centred(590, "Về thủ tục hành chính");
    let last = Paper::new()
        .line(400, 200, "BỘ TƯ PHÁP")
        .line_at_row_of_last(1300, "XÁC THỰC VĂN BẢN HỢP NHẤT")
        .line(400, 300, "Số: 12/VBHN-BTP")
        .line_at_row_of_last(1250, DATE)
        .line(1600, 500, "BỘ TRƯỞNG");
    assert_eq!(told(vec![first, continuation(), last]), [GoesOn; 3]);
}

#[test]
fn what_lies_between_separator_sheets_is_one_document() {
    let templates = Templates::built_in();
    let (one, other) = (decision("Số: 15/QĐ-UBND").page(), decision("Số: 16/QĐ-UBND").page());
    let mut openings = Openings::default();
    openings.judge(&one.view_as(1), &templates);
    openings.told_by_codes();
    assert_eq!(openings.judge(&one.view_as(3), &templates), GoesOn);
    assert_eq!(openings.judge(&other.view_as(4), &templates), GoesOn);
}

#[test]
fn a_blank_page_in_front_is_no_paper() {
    assert_eq!(told(vec![Paper::new(), decision("Số: 15/QĐ-UBND"), Paper::new()]), [GoesOn; 3]);
}
