//! The rules together, on whole invented papers.

use super::sample::{Paper, SamplePage};
use super::*;
use proptest::prelude::*;
use sohoa_record::field::name;
use sohoa_record::field::{find, value};
use sohoa_record::text::Line;
use sohoa_record::text::{Rect, Word, nfc};

fn decision(number: &str, date: &str) -> Paper {
    Paper::new()
        .header(["ỦY BAN NHÂN DÂN", "XÃ GÒ MỚI"], number, date)
        .centred(520, "QUYẾT ĐỊNH")
        .centred(590, "Về việc công nhận thôn văn hóa năm 2025")
        .centred(760, "CHỦ TỊCH ỦY BAN NHÂN DÂN XÃ GÒ MỚI")
        .line(400, 860, "Căn cứ Luật Tổ chức chính quyền địa phương ngày 16 tháng 6 năm 2025;")
        .line(400, 2000, "Nơi nhận:")
        .line_at_row_of_last(1600, "CHỦ TỊCH")
        .line(1560, 2400, "Trần Văn Mẫu")
}

fn read(pages: &[SamplePage]) -> Extracted {
    let views: Vec<PageView<'_>> = pages.iter().zip(1..).map(|(page, number)| page.view_as(number)).collect();
    extract(&views, &Templates::built_in())
}

fn doubt(read: &Extracted, name: &str) -> Option<Reason> {
    find(&read.fields, name).unwrap().doubt
}

#[test]
fn a_printed_paper_is_vouched_for_whole() {
    let read = read(&[decision("Số: 15/QĐ-UBND", "Gò Mới, ngày 05 tháng 6 năm 2026").page()]);
    let got: Vec<(&str, Option<&str>)> = read.fields.iter().map(|f| (f.name.as_str(), f.value.as_deref())).collect();
    assert_eq!(
        got,
        [
            ("type_name", Some("QUYẾT ĐỊNH")),
            ("code_number", Some("15")),
            ("code_notation", Some("QĐ-UBND")),
            ("issued_date", Some("2026-06-05")),
            ("organ_name", Some("ỦY BAN NHÂN DÂN XÃ GÒ MỚI")),
            ("subject", Some("Về việc công nhận thôn văn hóa năm 2025")),
            ("signer_name", Some("Trần Văn Mẫu")),
            ("signer_position", Some("CHỦ TỊCH")),
            ("page_amount", Some("1")),
            ("language", Some("Tiếng Việt")),
        ]
    );
    assert_eq!(read.reasons, []);
    assert!(read.fields.iter().all(|f| f.doubt.is_none()));
}

#[test]
fn dust_and_misread_numerals_in_a_subject_are_doubts() {
    let about = |subject: &str| {
        let paper = Paper::new()
            .header(["ỦY BAN NHÂN DÂN", "XÃ GÒ MỚI"], "Số: 15/QĐ-UBND", "Gò Mới, ngày 05 tháng 6 năm 2026")
            .centred(520, "QUYẾT ĐỊNH")
            .centred(590, subject)
            .line(400, 860, "Căn cứ Luật Tổ chức chính quyền địa phương ngày 16 tháng 6 năm 2025;");
        doubt(&read(&[paper.page()]), name::SUBJECT)
    };
    for plain in ["Kết quả công tác quý III năm 2025 của xã Gò Mới", "Về việc công nhận thôn văn hóa tại xã Trà Phước"]
    {
        assert_eq!(about(plain), None, "{plain}");
    }
    for odd in [
        "Kết quả công tác quý HII năm 2025 của xã Gò Mới",
        "Về việc.công nhận thôn văn hóa năm 2025",
        "Về việc công nhận thôn văn hóa tại xã 'Trà Phước",
        "Về việc công nhận thôn văn hóa tại xã Gò Mới, tình Gò Xa",
    ] {
        assert_eq!(about(odd), Some(Reason::LowConfidence), "{odd}");
    }
}

#[test]
fn number_and_day_by_hand_have_no_value() {
    let paper = Paper::new()
        .line(400, 200, "ỦY BAN NHÂN DÂN")
        .line_at_row_of_last(1100, "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM")
        .line(400, 270, "XÃ GÒ MỚI")
        .line(450, 380, "Số:")
        .hand(540, 70, 54, "22", 96)
        .line_at_row_of_last(640, "/QĐ-UBND")
        .line_at_row_of_last(1250, "Gò Mới, ngày")
        .hand(1600, 62, 58, "15", 96)
        .line_at_row_of_last(1690, "tháng 6 năm 2026")
        .centred(520, "QUYẾT ĐỊNH")
        .centred(590, "Về việc công nhận thôn văn hóa");
    let read = read(&[paper.page()]);
    assert_eq!(value(&read.fields, name::CODE_NUMBER), None);
    assert_eq!(doubt(&read, name::CODE_NUMBER), Some(Reason::NumberHandwritten));
    assert_eq!(find(&read.fields, name::CODE_NUMBER).unwrap().printed, "22");
    assert_eq!(value(&read.fields, name::ISSUED_DATE), None);
    assert_eq!(doubt(&read, name::ISSUED_DATE), Some(Reason::DateHandwritten));
    assert_eq!(value(&read.fields, name::CODE_NOTATION), Some("QĐ-UBND"));
    assert!(read.reasons.contains(&Reason::NumberHandwritten) && read.reasons.contains(&Reason::DateHandwritten));
}

#[test]
fn a_printed_number_beside_a_day_by_hand_is_a_proposal_only() {
    let paper = Paper::new()
        .header(["ỦY BAN NHÂN DÂN", "XÃ GÒ MỚI"], "Số: 15/QĐ-UBND", "Gò Mới, ngày")
        .hand(1600, 62, 58, "15", 96)
        .line_at_row_of_last(1690, "tháng 6 năm 2026")
        .centred(520, "QUYẾT ĐỊNH");
    let read = read(&[paper.page()]);
    assert_eq!(
        (value(&read.fields, name::CODE_NUMBER), doubt(&read, name::CODE_NUMBER)),
        (Some("15"), Some(Reason::NumberUnconfirmed))
    );
}

#[test]
fn a_text_layer_without_its_overlaid_number_says_so() {
    let with = |number: &str, date: &str| read(&[decision(number, date).born_digital().page()]);
    let whole = with("Số: 15 /QĐ-UBND", "Gò Mới, ngày 05 tháng 6 năm 2026");
    assert_eq!((value(&whole.fields, name::CODE_NUMBER), doubt(&whole, name::CODE_NUMBER)), (Some("15"), None));
    // overlaid, digit by digit
    let piecewise = Paper::new()
        .born_digital()
        .header(["ỦY BAN NHÂN DÂN", "XÃ GÒ MỚI"], "Số:", "Gò Mới, ngày")
        .hand(540, 25, 38, "1", 100)
        .hand(570, 25, 38, "5", 100)
        .line_at_row_of_last(640, "/QĐ-UBND")
        .hand(1600, 32, 38, "0", 100)
        .hand(1629, 32, 38, "8", 100)
        .line_at_row_of_last(1690, "tháng 6 năm 2026")
        .centred(520, "QUYẾT ĐỊNH");
    let overlaid = read(&[piecewise.page()]);
    assert_eq!((value(&overlaid.fields, name::CODE_NUMBER), doubt(&overlaid, name::CODE_NUMBER)), (Some("15"), None));
    assert_eq!((value(&overlaid.fields, name::ISSUED_DATE), doubt(&overlaid, name::ISSUED_DATE)), (Some("2026-06-08"), None));
    let blank = with("Số: /QĐ-UBND", "Gò Mới, ngày tháng 6 năm 2026");
    assert_eq!((value(&blank.fields, name::CODE_NUMBER), doubt(&blank, name::CODE_NUMBER)), (None, Some(Reason::NumberMissing)));
    assert_eq!((value(&blank.fields, name::ISSUED_DATE), doubt(&blank, name::ISSUED_DATE)), (None, Some(Reason::DateMissing)));
}

#[test]
fn a_draft_behind_the_paper_does_not_overwrite_it() {
    let draft = Paper::new()
        .header(["HỘI ĐỒNG NHÂN DÂN", "XÃ GÒ MỚI"], "Số: 99/NQ-HĐND", "Gò Mới, ngày 06 tháng 7 năm 2026")
        .centred(520, "NGHỊ QUYẾT")
        .centred(590, "Về việc phân bổ dự toán")
        .line(1560, 2000, "CHỦ TỊCH")
        .line(1560, 2400, "Lê Thị Khác");
    let read = read(&[decision("Số: 15/QĐ-UBND", "Gò Mới, ngày 05 tháng 6 năm 2026").page(), draft.page()]);
    assert_eq!(value(&read.fields, name::TYPE_NAME), Some("QUYẾT ĐỊNH"));
    assert_eq!(value(&read.fields, name::SIGNER_NAME), Some("Trần Văn Mẫu"));
    assert_eq!(value(&read.fields, name::PAGE_AMOUNT), Some("2"));
}

#[test]
fn a_consolidated_text_has_its_number_and_date_on_the_last_page() {
    let first = Paper::new()
        .line(400, 200, "CHÍNH PHỦ")
        .line_at_row_of_last(1100, "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM")
        .line(1320, 270, "Độc lập - Tự do - Hạnh phúc")
        .centred(520, "NGHỊ ĐỊNH")
        .centred(590, "Về thủ tục hành chính")
        .line(400, 800, "Nghị định số 61/2018/NĐ-CP ngày 23 tháng 4 năm 2018 được sửa đổi bởi:");
    let last = Paper::new()
        .line(400, 200, "BỘ TƯ PHÁP")
        .line_at_row_of_last(1300, "XÁC THỰC VĂN BẢN HỢP NHẤT")
        .line(450, 380, "Số: 12/VBHN-BTP")
        .line_at_row_of_last(1250, "Hà Nội, ngày 05 tháng 6 năm 2026")
        .line(1600, 500, "BỘ TRƯỞNG")
        .line(1560, 900, "Trần Văn Mẫu");
    let read = read(&[first.page(), last.page()]);
    let number = find(&read.fields, name::CODE_NUMBER).unwrap();
    assert_eq!((number.value.as_deref(), number.page), (Some("12"), 2));
    assert_eq!(value(&read.fields, name::CODE_NOTATION), Some("VBHN-BTP"));
    assert_eq!(value(&read.fields, name::ISSUED_DATE), Some("2026-06-05"));
}

#[test]
fn unseen_pages_between_leave_the_signer_in_doubt() {
    let signed =
        Paper::new().line(400, 2000, "Nơi nhận:").line_at_row_of_last(1600, "CHỦ TỊCH").line(1560, 2400, "Lê Thị Khác").page();
    let first = decision("Số: 15/QĐ-UBND", "Gò Mới, ngày 05 tháng 6 năm 2026").page();
    let with_last = |number| extract(&[first.view_as(1), signed.view_as(number)], &Templates::built_in());
    assert_eq!(doubt(&with_last(2), name::SIGNER_NAME), None);
    assert_eq!(doubt(&with_last(40), name::SIGNER_NAME), Some(Reason::LowConfidence));
    assert_eq!(value(&with_last(40).fields, name::PAGE_AMOUNT), Some("40"));
}

#[test]
fn a_certificate_tells_its_subject_by_its_form_and_has_its_number_under_the_title() {
    let paper = Paper::new()
        .line(400, 200, "ỦY BAN NHÂN DÂN")
        .line_at_row_of_last(1100, "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM")
        .line(400, 270, "PHƯỜNG GÒ MỚI")
        .centred(520, "GIẤY CHỨNG NHẬN")
        .centred(590, "ĐĂNG KÝ HỘ KINH DOANH")
        .centred(660, "Số: 32A8010625")
        .line(400, 800, "Tên hộ kinh doanh: TẠP HÓA MẪU")
        .line(1400, 2000, "Gò Mới, ngày 05 tháng 6 năm 2026")
        .line(1600, 2070, "CHỦ TỊCH")
        .line(1560, 2400, "Trần Văn Mẫu");
    let read = read(&[paper.page()]);
    assert_eq!(value(&read.fields, name::TYPE_NAME), Some("GIẤY CHỨNG NHẬN ĐĂNG KÝ HỘ KINH DOANH"));
    assert_eq!(value(&read.fields, name::CODE_NUMBER), Some("32A8010625"));
    assert_eq!(value(&read.fields, name::ISSUED_DATE), Some("2026-06-05"));
    assert_eq!(find(&read.fields, name::ISSUED_DATE).unwrap().rule, "nd30.foot.date");
    assert_eq!(value(&read.fields, name::SUBJECT), Some("Giấy chứng nhận đăng ký hộ kinh doanh TẠP HÓA MẪU"));
    assert!(find(&read.fields, name::CODE_NOTATION).is_none());
    assert_eq!(value(&read.fields, name::SIGNER_NAME), Some("Trần Văn Mẫu"));
}

#[test]
fn a_letter_is_known_by_its_subject() {
    let paper = Paper::new()
        .header(["ỦY BAN NHÂN DÂN", "XÃ GÒ MỚI"], "Số: 12/UBND-VX", "Gò Mới, ngày 05 tháng 6 năm 2026")
        .line(400, 450, "V/v rà soát hộ nghèo")
        .line(900, 700, "Kính gửi: Các thôn trong xã");
    let read = read(&[paper.page()]);
    assert_eq!(value(&read.fields, name::TYPE_NAME), Some("CÔNG VĂN"));
    assert_eq!(value(&read.fields, name::CODE_NOTATION), Some("UBND-VX"));
    assert_eq!(value(&read.fields, name::SUBJECT), Some("V/v rà soát hộ nghèo"));
}

#[test]
fn a_secret_mark_is_a_reason() {
    let paper = decision("Số: 15/QĐ-UBND", "Gò Mới, ngày 05 tháng 6 năm 2026").line(450, 450, "TỐI MẬT");
    assert_eq!(read(&[paper.page()]).reasons, [Reason::Secret]);
}

#[test]
fn nothing_read_is_every_required_field_missing() {
    for read in [read(&[]), read(&[Paper::new().page()])] {
        assert_eq!(read.fields.iter().filter(|f| f.value.is_none() && f.doubt.is_some()).count(), 7);
        assert!(read.reasons.contains(&Reason::NumberMissing) && read.reasons.contains(&Reason::DateMissing));
    }
}

#[test]
fn boxes_are_on_the_kept_image() {
    let page = decision("Số: 15/QĐ-UBND", "Gò Mới, ngày 05 tháng 6 năm 2026").page();
    let turned = PageView { placement: Placement { rotated_deg: 180, skew_mdeg: 0 }, ..page.view() };
    let (plain, turned) = (extract(&[page.view()], &Templates::built_in()), extract(&[turned], &Templates::built_in()));
    let (a, b) =
        (find(&plain.fields, name::SUBJECT).unwrap().rect.unwrap(), find(&turned.fields, name::SUBJECT).unwrap().rect.unwrap());
    assert_eq!((b.x, b.y), (2480 - a.right(), 3508 - a.bottom()));
}

fn any_word() -> impl Strategy<Value = Word> {
    let cues = prop::sample::select(vec![
        "Số:",
        "/QĐ-UBND",
        "15",
        "ngày",
        "tháng",
        "năm",
        "2026",
        "CỘNG",
        "HÒA",
        "XÃ",
        "HỘI",
        "CHỦ",
        "NGHĨA",
        "VIỆT",
        "NAM",
        "QUYẾT",
        "ĐỊNH",
        "V/v",
        "về",
        "Nơi",
        "nhận:",
        "TM.",
        "TỊCH",
        "Trần",
        "Mẫu",
        "MẬT",
        "-",
        "/",
        "ĐẾN",
        "Mã",
        "số:",
        "GIẤY",
        "KHAI",
        "SINH",
        "Họ,",
        "chữ",
        "đệm,",
        "tên:",
        "người",
        "mẹ:",
        "vợ:",
        "chồng:",
        "Giới",
        "tính:",
        "Nữ",
        "HÔN",
        "KẾT",
        "CHỨNG",
        "NHẬN",
        "......",
        "051325001873",
    ])
    .prop_map(str::to_owned);
    let text = prop_oneof![3 => cues, 1 => "\\PC{0,8}"];
    (text, 0u32..2600, 0u32..3600, 0u32..400, 0u32..90, 0u8..=100).prop_map(|(text, x, y, width, height, confidence)| Word {
        text: nfc(&text),
        rect: Rect { x, y, width, height },
        confidence,
    })
}

fn any_page() -> impl Strategy<Value = PageText> {
    let line = (prop::collection::vec(any_word(), 1..9), any::<bool>(), 0u32..3500).prop_map(|(mut words, level, y)| {
        if level {
            words.iter_mut().for_each(|w| w.rect.y = y);
        }
        let rect = words.iter().map(|w| w.rect).reduce(|a, b| a.union(&b)).unwrap();
        Line { words, rect, block: 0 }
    });
    (prop::collection::vec(line, 0..25), 0u32..2500, 0u32..3600).prop_map(|(lines, width, height)| PageText {
        width,
        height,
        lines,
    })
}

proptest! {
    #[test]
    fn whatever_the_pages_say_no_panic_and_only_nfc(pages in prop::collection::vec(any_page(), 0..4), born_digital: bool, quarter in 0u16..4) {
        let views: Vec<PageView<'_>> = pages.iter().zip(1..).map(|(text, number)| PageView {
            number, text, dpi: 300, born_digital, kept_size: (text.width, text.height),
            corrections: &[],
            placement: Placement { rotated_deg: quarter * 90, skew_mdeg: 700 },
        }).collect();
        let read = extract(&views, &Templates::built_in());
        for field in &read.fields {
            let value = field.value.as_deref().unwrap_or("");
            prop_assert_eq!(nfc(value), value);
            prop_assert!(field.confidence <= 100);
            // a value without a doubt was read somewhere, counted, or named by the paper
            prop_assert!(field.doubt.is_some() || field.value.is_some());
        }
        prop_assert!(read.reasons.windows(2).all(|w| w[0] < w[1]));
        prop_assert_eq!(extract(&views, &Templates::built_in()), read);
    }
}

#[test]
fn a_subject_in_which_other_accents_are_expected_is_in_doubt() {
    let page = decision("Số: 15/QĐ-UBND", "Gò Mới, ngày 05 tháng 6 năm 2026").page();
    let subject = page.view().text.lines.iter().position(|line| line.text().starts_with("Về việc")).unwrap() as u32;
    let told = |line: u32| {
        let corrections = [Correction { line, word: 3, text: "nhân".into() }];
        extract(&[PageView { corrections: &corrections, ..page.view() }], &Templates::built_in())
    };
    let doubted = told(subject);
    assert_eq!(doubt(&doubted, name::SUBJECT), Some(Reason::LowConfidence));
    assert_eq!(value(&doubted.fields, name::SUBJECT), Some("Về việc công nhận thôn văn hóa năm 2025"), "the reading stays");
    assert_eq!(doubt(&told(subject + 2), name::SUBJECT), None, "a correction elsewhere is none of its business");
}
