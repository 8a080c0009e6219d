//! The traps of forms, one test each, on invented papers.

mod days;

use crate::extract::sample::Paper;
use crate::extract::templates::Templates;
use crate::extract::{Extracted, PageView, extract};
use sohoa_record::Reason;
use sohoa_record::field::{find, value};

fn read_with(paper: Paper, templates: &Templates) -> Extracted {
    let page = paper.page();
    extract(&[page.view()], templates)
}

fn read(paper: Paper) -> Extracted {
    read_with(paper, &Templates::built_in())
}

fn header(title: &str) -> Paper {
    Paper::new()
        .header(["ỦY BAN NHÂN DÂN", "XÃ GÒ MỚI"], "Số: 63/2025/TLKS-BS", "Gò Mới, ngày 24 tháng 7 năm 2025")
        .centred(520, title)
}

fn signed(paper: Paper) -> Paper {
    paper.line(1600, 2500, "CHỦ TỊCH").line(1560, 2900, "Trần Văn Mẫu")
}

fn birth() -> Paper {
    let parent = |paper: Paper, y: u32, who: &str, name: &str, year: &str| {
        paper
            .line(250, y, &format!("Họ, chữ đệm, tên người {who}: {name}"))
            .line(250, y + 70, &format!("Năm sinh: {year}"))
            .line_at_row_of_last(900, "Dân tộc: Kinh")
            .line_at_row_of_last(1500, "Quốc tịch: Việt Nam")
            .line(250, y + 140, "Nơi cư trú: Thôn Phước Tân, xã Gò Mới, tỉnh Gò Xa")
    };
    let child = header("TRÍCH LỤC KHAI SINH")
        .line(250, 700, "Họ, chữ đệm, tên: NGUYỄN LÊ BẢO NGỌC")
        .line(250, 770, "Ngày, tháng, năm sinh: 08/7/2025")
        .line(250, 840, "Ghi bằng chữ: Ngày tám tháng bảy năm hai nghìn không trăm hai mươi lăm")
        .line(250, 910, "Giới tính: Nữ")
        .line_at_row_of_last(900, "Dân tộc: Kinh")
        .line_at_row_of_last(1500, "Quốc tịch: Việt Nam")
        .line(250, 980, "Nơi sinh: Bệnh viện Sản - Nhi tỉnh Gò Xa")
        .line(250, 1050, "Số định danh cá nhân: 051325001873");
    let mother = parent(child, 1120, "mẹ", "LÊ THỊ THU HÀ", "1996");
    signed(
        parent(mother, 1330, "cha", "NGUYỄN VĂN DŨNG", "1993")
            .line(250, 1540, "Đăng ký khai sinh tại: Ủy ban nhân dân xã Gò Mới, tỉnh Gò Xa")
            .line(250, 1610, "Số: 58/2025")
            .line_at_row_of_last(1100, "Ngày, tháng, năm đăng ký: 22/7/2025"),
    )
}

fn values<'r>(read: &'r Extracted, names: &[&str]) -> Vec<Option<&'r str>> {
    names
        .iter()
        .map(|name| find(&read.fields, name).filter(|field| field.doubt.is_none()).and_then(|field| field.value.as_deref()))
        .collect()
}

fn doubt(read: &Extracted, name: &str) -> Option<Reason> {
    find(&read.fields, name).unwrap().doubt
}

#[test]
fn three_persons_share_their_labels() {
    let read = read(birth());
    assert_eq!(read.reasons, [], "{:?}", read.notes);
    assert_eq!(
        values(&read, &["owner_name", "birth_date", "sex", "ethnicity", "nationality", "birth_place", "owner_id"]),
        [
            Some("NGUYỄN LÊ BẢO NGỌC"),
            Some("2025-07-08"),
            Some("Nữ"),
            Some("Kinh"),
            Some("Việt Nam"),
            Some("Bệnh viện Sản - Nhi tỉnh Gò Xa"),
            Some("051325001873")
        ]
    );
    assert_eq!(
        values(&read, &["mother_name", "mother_birth_year", "mother_residence", "father_name", "father_birth_year"]),
        [
            Some("LÊ THỊ THU HÀ"),
            Some("1996"),
            Some("Thôn Phước Tân, xã Gò Mới, tỉnh Gò Xa"),
            Some("NGUYỄN VĂN DŨNG"),
            Some("1993")
        ]
    );
    assert_eq!(value(&read.fields, "subject"), Some("Trích lục khai sinh của NGUYỄN LÊ BẢO NGỌC"));
    let field = find(&read.fields, "mother_birth_year").unwrap();
    assert_eq!(
        (field.rule.as_str(), field.printed.as_str(), field.page),
        ("template.trich-luc-khai-sinh.mother_birth_year", "1996", 1)
    );
    assert!(field.rect.is_some_and(|rect| rect.y == 1190 && rect.x > 250));
}

#[test]
fn the_headers_number_and_the_registers_are_two() {
    let read = read(birth());
    assert_eq!(
        values(&read, &["code_number", "code_notation", "registration_number", "registration_date"]),
        [Some("63"), Some("2025/TLKS-BS"), Some("58/2025"), Some("2025-07-22")]
    );
}

#[test]
fn a_mother_whose_label_was_not_read_gives_her_fields_to_nobody() {
    let page = birth().page();
    let mut text = page.view().text.clone();
    for line in &mut text.lines {
        if line.text().contains("người mẹ") {
            line.words.iter_mut().for_each(|word| word.text = "@#%".into());
        }
    }
    let read = extract(&[PageView { text: &text, ..page.view() }], &Templates::built_in());
    assert_eq!(values(&read, &["mother_name", "mother_birth_year", "mother_residence"]), [None, None, None]);
    assert_eq!(values(&read, &["ethnicity", "father_birth_year"]), [Some("Kinh"), Some("1993")]);
}

#[test]
fn a_day_that_its_words_contradict_is_in_conflict() {
    let page = birth().page();
    let mut text = page.view().text.clone();
    let day = text.lines.iter_mut().flat_map(|line| &mut line.words).find(|word| word.text == "08/7/2025").unwrap();
    day.text = "09/7/2025".into();
    let read = extract(&[PageView { text: &text, ..page.view() }], &Templates::built_in());
    assert_eq!(doubt(&read, "birth_date"), Some(Reason::Conflicting));
    assert!(read.reasons.contains(&Reason::Conflicting));
}

#[test]
fn a_personal_number_of_another_sex_or_year_is_in_conflict() {
    let with = |from: &str, to: &str| {
        let page = birth().page();
        let mut text = page.view().text.clone();
        for word in text.lines.iter_mut().flat_map(|line| &mut line.words).filter(|word| word.text == from) {
            word.text = to.into();
        }
        extract(&[PageView { text: &text, ..page.view() }], &Templates::built_in())
    };
    // 2 is a boy of this century, 85 another year
    let boy = with("051325001873", "051225001873");
    assert_eq!((doubt(&boy, "owner_id"), doubt(&boy, "birth_date")), (Some(Reason::Conflicting), None));
    let older = with("051325001873", "051385001873");
    // the words beside the day confirm it
    assert_eq!((doubt(&older, "owner_id"), doubt(&older, "birth_date")), (Some(Reason::Conflicting), None));
}

#[test]
fn a_day_read_unsurely_is_confirmed_by_its_words() {
    let page = birth().page();
    let mut text = page.view().text.clone();
    let day = text.lines.iter_mut().flat_map(|line| &mut line.words).find(|word| word.text == "08/7/2025").unwrap();
    day.confidence = 70;
    let read = extract(&[PageView { text: &text, ..page.view() }], &Templates::built_in());
    assert_eq!(values(&read, &["birth_date"]), [Some("2025-07-08")]);
}

fn marriage(rows: &[(&str, &str)]) -> Paper {
    let mut paper = header("GIẤY CHỨNG NHẬN KẾT HÔN");
    for (nth, (left, right)) in rows.iter().enumerate() {
        paper = paper.line(250, 700 + 70 * nth as u32, left).line_at_row_of_last(1450, right);
    }
    signed(paper.line(250, 1300, "Nơi đăng ký kết hôn: Ủy ban nhân dân xã Gò Mới"))
}

const COUPLE: [(&str, &str); 5] = [
    ("Họ, chữ đệm, tên vợ: LÊ THỊ THU HÀ", "Họ, chữ đệm, tên chồng: NGUYỄN VĂN DŨNG"),
    ("Ngày, tháng, năm sinh: 02/3/1996", "Ngày, tháng, năm sinh: 04/5/1993"),
    ("Dân tộc: Kinh Quốc tịch: Việt Nam", "Dân tộc: Hrê Quốc tịch: Việt Nam"),
    ("Nơi cư trú: Thôn Phước Tân, thuộc xã", "Nơi cư trú: Thôn Xuân Mỹ"),
    ("Gò Mới", ""),
];

#[test]
fn wife_and_husband_stand_side_by_side() {
    let read = read(marriage(&COUPLE));
    assert_eq!(
        values(&read, &["wife_name", "wife_birth_date", "wife_ethnicity", "wife_nationality", "wife_residence"]),
        // where the left column ends is not known, so whether the row below belongs to it is not either
        [Some("LÊ THỊ THU HÀ"), Some("1996-03-02"), Some("Kinh"), Some("Việt Nam"), None]
    );
    assert_eq!(
        values(&read, &["husband_name", "husband_birth_date", "husband_ethnicity", "husband_nationality", "husband_residence"]),
        [Some("NGUYỄN VĂN DŨNG"), Some("1993-05-04"), Some("Hrê"), Some("Việt Nam"), Some("Thôn Xuân Mỹ")]
    );
    assert_eq!(values(&read, &["registration_place"]), [Some("Ủy ban nhân dân xã Gò Mới")]);
    assert_eq!(values(&read, &["paper_kind_code"]), [Some("KQ.G15.000032")]);
    assert_eq!(value(&read.fields, "subject"), Some("Giấy chứng nhận kết hôn của NGUYỄN VĂN DŨNG và LÊ THỊ THU HÀ"));
}

#[test]
fn dust_does_not_cut_a_name_that_goes_on_in_its_column() {
    let vouched = |first: Option<&str>, second: Option<&str>, confidence: u8| {
        let mut paper = header("GIẤY CHỨNG NHẬN KẾT HÔN").line(250, 700, "Họ, chữ đệm, tên vợ: LÊ THỊ HOÀNG YẾN");
        if let Some(dust) = first {
            paper = paper.hand(1380, 20, 40, dust, confidence);
        }
        paper = paper.line_at_row_of_last(1450, "Họ, chữ đệm, tên chồng: NGUYỄN VĂN DŨNG").line(250, 770, "NHI");
        if let Some(dust) = second {
            paper = paper.hand(900, 6, 6, dust, confidence);
        }
        let paper = paper
            .line(250, 840, "Ngày, tháng, năm sinh: 02/3/1996")
            .line_at_row_of_last(1450, "Ngày, tháng, năm sinh: 04/5/1993");
        let read = read(signed(paper.line(250, 1300, "Nơi đăng ký kết hôn: Ủy ban nhân dân xã Gò Mới")));
        values(&read, &["wife_name"]).remove(0).map(str::to_owned)
    };
    for (first, second) in [(None, None), (Some("_"), None), (Some("."), None), (None, Some(":")), (Some("_"), Some(";"))] {
        for confidence in [32, 80] {
            let name = vouched(first, second, confidence);
            let whole = name.is_none() || name.as_deref() == Some("LÊ THỊ HOÀNG YẾN NHI");
            assert!(whole, "{first:?} {second:?} {confidence}: {name:?}");
        }
    }
    assert_eq!(vouched(None, None, 32).as_deref(), Some("LÊ THỊ HOÀNG YẾN NHI"), "a name in capitals goes on in capitals");
}

#[test]
fn words_on_the_border_of_two_columns_are_nobodys() {
    let mut rows = COUPLE;
    rows[0].0 = "Họ, chữ đệm, tên vợ: LÊ THỊ THU HƯƠNG GIANG";
    let read = read(marriage(&rows[..3]));
    assert_eq!(values(&read, &["wife_name", "husband_name", "husband_birth_date"])[..2], [None, None]);
}

#[test]
fn the_husband_may_stand_on_the_left_as_on_old_forms() {
    let turned: Vec<(&str, &str)> = COUPLE[..3].iter().map(|(left, right)| (*right, *left)).collect();
    let read = read(marriage(&turned));
    assert_eq!(
        values(&read, &["wife_name", "wife_birth_date", "husband_name", "husband_birth_date", "husband_ethnicity"]),
        [Some("LÊ THỊ THU HÀ"), Some("1996-03-02"), Some("NGUYỄN VĂN DŨNG"), Some("1993-05-04"), Some("Hrê")]
    );
}

#[test]
fn a_row_with_a_label_twice_is_not_one_person() {
    // the husband's label was not read: nothing of either is vouched for
    let mut rows = COUPLE;
    rows[0].1 = "H@, chđ# %m, tên ch#@g: NGUYỄN VĂN DŨNG";
    let read = read(marriage(&rows[..3]));
    assert_eq!(values(&read, &["wife_name", "wife_birth_date", "husband_name", "husband_birth_date"]), [None, None, None, None]);
    assert_eq!(doubt(&read, "husband_name"), Some(Reason::FieldMissing));
}

#[test]
fn two_numbers_on_a_death_extract() {
    let paper = Paper::new()
        .header(["ỦY BAN NHÂN DÂN", "XÃ GÒ MỚI"], "Số: 3000/2026/TLKT-BS", "Gò Mới, ngày 08 tháng 01 năm 2026")
        .centred(520, "TRÍCH LỤC KHAI TỬ")
        .line(250, 700, "Họ, chữ đệm, tên: TRẦN THỊ MẪU")
        .line(250, 770, "Ngày, tháng, năm sinh: 1933")
        .line(250, 840, "Giới tính: Nữ")
        .line_at_row_of_last(900, "Dân tộc: Kinh")
        .line(250, 910, "Đã chết vào lúc 18 giờ 10 phút, ngày 05 tháng 01 năm 2026")
        .line(250, 980, "Ghi bằng chữ: Ngày năm tháng một năm hai nghìn không trăm hai mươi sáu")
        .line(250, 1050, "Nơi chết: Tại nhà riêng")
        .line(250, 1120, "Đã được đăng ký khai tử tại: Ủy ban nhân dân xã Gò Mới")
        .line(250, 1190, "Số: 386/2026 ngày 06 tháng 01 năm 2026");
    let read = read(signed(paper));
    assert_eq!(
        values(&read, &["code_number", "code_notation", "registration_number", "registration_date"]),
        [Some("3000"), Some("2026/TLKT-BS"), Some("386/2026"), Some("2026-01-06")]
    );
    // of the elderly only the year is known
    assert_eq!(
        values(&read, &["birth_date", "death_date", "death_place", "registration_place"]),
        [Some("1933"), Some("2026-01-05"), Some("Tại nhà riêng"), Some("Ủy ban nhân dân xã Gò Mới")]
    );
}

fn status(day: &str) -> Paper {
    signed(
        Paper::new()
            .header(["ỦY BAN NHÂN DÂN", "XÃ GÒ MỚI"], "Số: 72/UBND-XNTTHN", day)
            .centred(520, "GIẤY XÁC NHẬN TÌNH TRẠNG HÔN NHÂN")
            .line(250, 700, "Họ, chữ đệm, tên: ĐOÀN MINH NHẬT")
            .line(250, 770, "Ngày, tháng, năm sinh: 17/5/1998")
            .line(250, 840, "Giới tính: Nam")
            .line(250, 910, "Giấy tờ tùy thân: Thẻ căn cước số 051098005206, cấp ngày 11/02/2025")
            .line(250, 980, "Tình trạng hôn nhân: Chưa đăng ký kết hôn với ai"),
    )
}

#[test]
fn six_months_count_from_a_sure_day_to_the_last_of_a_shorter_month() {
    let until = |day: &str| {
        let read = read(status(day));
        (value(&read.fields, "valid_until").map(str::to_owned), find(&read.fields, "valid_until").unwrap().doubt)
    };
    assert_eq!(until("Gò Mới, ngày 19 tháng 8 năm 2025"), (Some("2026-02-19".into()), None));
    assert_eq!(until("Gò Mới, ngày 31 tháng 8 năm 2025"), (Some("2026-02-28".into()), None));
    assert_eq!(until("Gò Mới, ngày tháng 8 năm 2025"), (None, Some(Reason::DateMissing)));
}

#[test]
fn the_number_of_the_identity_card_is_found_in_its_sentence() {
    let read = read(status("Gò Mới, ngày 19 tháng 8 năm 2025"));
    assert_eq!(values(&read, &["owner_id", "marital_status"]), [Some("051098005206"), Some("Chưa đăng ký kết hôn với ai")]);
}

#[test]
fn a_label_without_a_value_is_no_field_unless_it_is_required() {
    let paper = header("GIẤY CHỨNG NHẬN ĐĂNG KÝ HỘ KINH DOANH")
        .line(250, 700, "1. Tên hộ kinh doanh: TẠP HÓA MẪU")
        .line(250, 770, "Điện thoại: ............")
        .line_at_row_of_last(1300, "Email:")
        .line(250, 840, "4. Vốn kinh doanh: 150.000.000 đồng")
        .line(250, 910, "6. Thông tin về chủ hộ kinh doanh:")
        .line(250, 980, "Họ và tên:");
    let read = read(signed(paper));
    assert!(find(&read.fields, "phone").is_none() && find(&read.fields, "email").is_none());
    assert_eq!(doubt(&read, "owner_name"), Some(Reason::FieldMissing));
    assert_eq!(values(&read, &["business_name", "business_capital"]), [Some("TẠP HÓA MẪU"), Some("150000000")]);
}

#[test]
fn an_address_goes_on_where_its_row_was_full() {
    let (address, lines) = (
        "2. Địa chỉ trụ sở hộ kinh doanh: Thôn Trà Vân, xã Trà Lương, huyện Trà Phước, tỉnh Gò Xa",
        "3. Ngành, nghề kinh doanh: May trang phục (trừ trang phục từ da lông thú và các loại); bán lẻ hàng may mặc",
    );
    let paper = header("GIẤY CHỨNG NHẬN ĐĂNG KÝ HỘ KINH DOANH")
        .line(250, 700, "1. Tên hộ kinh doanh: TẠP HÓA MẪU")
        .paragraph((250, 2250), 770, address)
        .paragraph((250, 2250), 910, lines)
        .line(250, 1050, "6. Thông tin về chủ hộ kinh doanh:")
        .line(250, 1120, "Họ và tên: PHẠM THỊ THU LAN");
    let read = read(signed(paper));
    assert_eq!(
        values(&read, &["business_address", "business_lines"]),
        [
            Some("Thôn Trà Vân, xã Trà Lương, huyện Trà Phước, tỉnh Gò Xa"),
            Some("May trang phục (trừ trang phục từ da lông thú và các loại); bán lẻ hàng may mặc")
        ],
        "{:?}",
        read.notes
    );
    assert_eq!(values(&read, &["owner_name"]), [Some("PHẠM THỊ THU LAN")]);
}

#[test]
fn a_garbled_row_below_dots_belongs_to_nobody() {
    let paper = header("GIẤY CHỨNG NHẬN ĐĂNG KÝ HỘ KINH DOANH")
        .line(250, 700, "1. Tên hộ kinh doanh: TẠP HÓA MẪU.............................................................")
        .line(250, 770, "I\\JØaytthanc 1/79/1900 150500 sẽ cãẽaố ốc SÔ s ì I\\JØaytthanc 1/79/1900 150500 sẽ cãẽaố ốc");
    assert_eq!(values(&read(signed(paper)), &["business_name"]), [Some("TẠP HÓA MẪU")]);
}

#[test]
fn what_the_engine_took_dots_for_is_no_value_and_what_is_usual_needs_less_confidence() {
    let with = |ethnicity: &str| {
        let paper = header("GIẤY KHAI SINH")
            .line(250, 700, &format!("Dân tộc: {ethnicity}.............."))
            .read_at(60)
            .hand(1400, 60, 38, "TT", 12)
            .hand(1500, 60, 38, "=", 88);
        let read = read(signed(paper));
        value(&read.fields, "ethnicity").map(str::to_owned)
    };
    assert_eq!(with("Kinh"), Some("Kinh".into()));
    assert_eq!(with("Hrê"), None);
}

#[test]
fn dotted_leaders_are_no_part_of_a_value() {
    let paper = header("GIẤY KHAI SINH").line(250, 700, "Họ, chữ đệm, tên: ....NGUYỄN LÊ BẢO NGỌC.........").line(
        250,
        770,
        "Ngày, tháng, năm sinh:..08/7/2025.......",
    );
    let read = read(signed(paper));
    assert_eq!(values(&read, &["paper_kind_code"]), [Some("KQ.G15.000031")]);
    assert_eq!(value(&read.fields, "owner_name"), Some("NGUYỄN LÊ BẢO NGỌC"));
    assert_eq!(value(&read.fields, "birth_date"), Some("2025-07-08"));
}

#[test]
fn labels_that_lost_their_accents_or_a_letter_are_found() {
    let paper = header("GIẤY KHAI SINH")
        .line(250, 700, "Ho, chữ đem, tên: NGUYỄN LÊ BẢO NGỌC")
        .line(250, 770, "Ngay, thang, nàm sjnh: 08/7/2025")
        .line(250, 840, "Gidi tính: Nữ");
    assert_eq!(
        values(&read(signed(paper)), &["owner_name", "birth_date", "sex"]),
        [Some("NGUYỄN LÊ BẢO NGỌC"), Some("2025-07-08"), Some("Nữ")]
    );
}

#[test]
fn values_by_hand_are_not_believed() {
    let paper = header("GIẤY KHAI SINH")
        .line(250, 700, "Họ, chữ đệm, tên:")
        .hand(800, 900, 90, "NGUYỄN", 96)
        .line(250, 770, "Ngày, tháng, năm sinh:")
        .hand(900, 420, 60, "08/7/2025", 96);
    let read = read(signed(paper));
    assert_eq!(
        (doubt(&read, "owner_name"), doubt(&read, "birth_date")),
        (Some(Reason::LowConfidence), Some(Reason::LowConfidence))
    );
}

#[test]
fn a_paper_that_mentions_a_certificate_is_not_one() {
    let form = |first: &str, second: &str| {
        let paper = Paper::new()
            .centred(200, "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM")
            .centred(270, "Độc lập - Tự do - Hạnh phúc")
            .centred(520, first)
            .centred(590, second)
            .line(250, 800, "Địa chỉ: Thôn Phước Tân");
        read(paper)
    };
    assert_eq!(value(&form("ĐƠN ĐỀ NGHỊ CẤP", "GIẤY PHÉP XÂY DỰNG").fields, "type_name"), None);
    assert_eq!(value(&form("TỜ KHAI ĐĂNG KÝ", "GIẤY KHAI SINH").fields, "type_name"), None);
    let decision = Paper::new()
        .header(["ỦY BAN NHÂN DÂN", "XÃ GÒ MỚI"], "Số: 15/QĐ-UBND", "Gò Mới, ngày 05 tháng 6 năm 2026")
        .centred(520, "QUYẾT ĐỊNH")
        .centred(590, "Về việc thu hồi")
        .centred(660, "GIẤY PHÉP XÂY DỰNG")
        .line(250, 800, "Cấp cho: TRẦN VĂN MẪU");
    let read = read(decision);
    assert_eq!(value(&read.fields, "type_name"), Some("QUYẾT ĐỊNH"));
    assert!(find(&read.fields, "owner_name").is_none());
}

#[test]
fn the_number_of_a_licence_stands_under_its_title() {
    let paper = Paper::new()
        .line(400, 200, "ỦY BAN NHÂN DÂN")
        .line_at_row_of_last(1100, "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM")
        .line(400, 270, "PHƯỜNG GÒ MỚI")
        .centred(520, "GIẤY PHÉP XÂY DỰNG")
        .centred(590, "Số: 45/GPXD")
        .centred(660, "(Sử dụng cho nhà ở riêng lẻ)")
        .line(250, 800, "1. Cấp cho: TRẦN VĂN MẪU")
        .line(250, 870, "Địa chỉ: 12 đường Gò Xa, phường Gò Mới")
        .line(250, 940, "2. Được phép xây dựng công trình: Nhà ở riêng lẻ")
        .line(250, 1010, "Diện tích xây dựng tầng 1: 85,5 m2")
        .line(250, 1080, "Số tầng: 3")
        .line(1400, 2430, "Gò Mới, ngày 05 tháng 6 năm 2026");
    let read = read(signed(paper));
    assert_eq!(
        values(&read, &["code_number", "code_notation", "owner_name", "owner_address", "building", "floor_area", "storeys"]),
        [
            Some("45"),
            Some("GPXD"),
            Some("TRẦN VĂN MẪU"),
            Some("12 đường Gò Xa, phường Gò Mới"),
            Some("Nhà ở riêng lẻ"),
            Some("85.5"),
            Some("3")
        ]
    );
    // how long a licence holds is not ours to say
    assert!(find(&read.fields, "valid_until").is_none());
}

#[test]
fn the_serial_and_the_number_in_the_book_are_never_swapped() {
    let paper = Paper::new()
        .centred(200, "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM")
        .centred(270, "Độc lập - Tự do - Hạnh phúc")
        .centred(520, "GIẤY CHỨNG NHẬN")
        .centred(590, "QUYỀN SỬ DỤNG ĐẤT")
        .line(250, 800, "Ông: TRẦN VĂN MẪU")
        .line(250, 870, "Năm sinh: 1960, CMND số: 212345678")
        .line(250, 940, "a) Thửa đất số: 123, tờ bản đồ số: 5")
        .line(250, 1010, "b) Địa chỉ: Thôn Phước Tân, xã Gò Mới")
        .line(250, 1080, "c) Diện tích: 120,5 m2 (bằng chữ: một trăm hai mươi phẩy năm mét vuông)")
        .line(250, 2600, "Số vào sổ cấp GCN: CH 00120")
        .line(1900, 3200, "BN 531146")
        .line(1400, 2430, "Gò Mới, ngày 05 tháng 6 năm 2016");
    let read = read(signed(paper));
    assert_eq!(
        values(
            &read,
            &["owner_name", "owner_birth_year", "owner_id", "parcel", "map_sheet", "land_area", "book_number", "serial"]
        ),
        [
            Some("TRẦN VĂN MẪU"),
            Some("1960"),
            Some("212345678"),
            Some("123"),
            Some("5"),
            Some("120.5"),
            Some("CH 00120"),
            Some("BN 531146")
        ],
        "{:?}",
        read.notes
    );
    assert!(find(&read.fields, "code_number").is_none(), "it has no number of its own");
}

#[test]
fn two_owners_are_not_one() {
    let paper = Paper::new()
        .centred(270, "Độc lập - Tự do - Hạnh phúc")
        .centred(520, "GIẤY CHỨNG NHẬN QUYỀN SỬ DỤNG ĐẤT")
        .line(250, 800, "Ông: TRẦN VĂN MẪU")
        .line(250, 870, "Bà: LÊ THỊ KHÁC");
    assert_eq!(doubt(&read(paper), "owner_name"), Some(Reason::Conflicting));
}

#[test]
fn an_unsure_value_is_asked_for_only_where_it_is_required() {
    let paper = header("GIẤY KHAI SINH")
        .line(250, 700, "Họ, chữ đệm, tên: NGUYỄN LÊ BẢO NGỌC")
        .read_at(80)
        .line(250, 770, "Ngày, tháng, năm sinh: 08/7/2025")
        .line(250, 840, "Dân tộc: Hrê")
        .read_at(80);
    let read = read(signed(paper));
    assert_eq!(doubt(&read, "owner_name"), Some(Reason::LowConfidence));
    assert!(find(&read.fields, "ethnicity").is_none());
    assert!(read.notes.iter().any(|note| note.field == "ethnicity" && note.left_out && note.printed == "Hrê"));
    // and no summary from a name in doubt
    assert!(find(&read.fields, "subject").is_none());
}

#[test]
fn an_administrators_form_is_read_as_it_says() {
    let text = r#"
titles = ["GIẤY CHỨNG NHẬN THỬ"]
family = "certificate"
paper_kind_code = "KQ.G17.000001"
valid_months = 12
lacks = ["organ_name"]
subject = "{house} theo số {code_number}"
[[field]]
name = "house"
labels = ["Ngôi nhà"]
type = "text"
required = "always"
"#;
    let templates = Templates::with(&[("thu.toml".into(), text.into())]).unwrap();
    let paper = header("GIẤY CHỨNG NHẬN THỬ").line(250, 700, "Ngôi nhà: Nhà rông");
    let read = read_with(signed(paper), &templates);
    assert_eq!(
        values(&read, &["house", "paper_kind_code", "valid_until", "subject"]),
        [Some("Nhà rông"), Some("KQ.G17.000001"), Some("2026-07-24"), Some("Nhà rông theo số 63")]
    );
    assert!(find(&read.fields, "organ_name").is_none());
}

#[test]
fn a_form_without_a_day_in_its_header_was_issued_on_the_day_that_its_template_names() {
    let certificate = |confidence: u8| {
        Paper::new()
            .header(["ỦY BAN NHÂN DÂN", "XÃ GÒ MỚI"], "Số: 58/2025", "")
            .centred(520, "GIẤY KHAI SINH")
            .line(250, 700, "Họ, chữ đệm, tên: NGUYỄN LÊ BẢO NGỌC")
            .line(250, 770, "Ngày, tháng, năm sinh: 08/7/2025")
            .line(250, 1540, "Nơi đăng ký khai sinh: Ủy ban nhân dân xã Gò Mới")
            .line(250, 1610, "Ngày, tháng, năm đăng ký: 22/7/2025")
            .read_at(confidence)
    };
    let sure = read(signed(certificate(96)));
    assert_eq!(values(&sure, &["issued_date", "code_number"]), [Some("2025-07-22"), Some("58")]);
    assert_eq!(find(&sure.fields, "issued_date").unwrap().rule, "template.giay-khai-sinh.registration_date");
    let unsure = read(signed(certificate(80)));
    assert_eq!(doubt(&unsure, "issued_date"), Some(Reason::DateMissing));
    assert_eq!(doubt(&unsure, "code_number"), Some(Reason::NumberUnconfirmed), "nothing tells that it was printed");
}

#[test]
fn a_label_whose_colon_went_with_its_leader_stands_before_its_room() {
    let owner = |paper: Paper| doubt(&read(signed(paper)), "owner_name");
    let licence = || header("GIẤY PHÉP XÂY DỰNG");
    let parted = licence().line(250, 800, "1. Cấp cho").line_at_row_of_last(640, "TRẦN VĂN MẪU");
    assert_eq!(owner(parted), None);
    let going_on = licence().line(250, 800, "1. Cấp cho TRẦN VĂN MẪU");
    assert_eq!(owner(going_on), Some(Reason::LowConfidence), "words that go on");
}

#[test]
fn a_serial_of_letters_that_are_much_alike_has_to_be_read_certainly() {
    let serial = |said: &str, confidence: u8| {
        let paper = header("GIẤY CHỨNG NHẬN").centred(590, "QUYỀN SỬ DỤNG ĐẤT").line(1900, 3200, said).read_at(confidence);
        value(&read(paper).fields, "serial").is_some()
    };
    assert!(!serial("BL 219144", 92) && !serial("BI 219144", 92) && serial("BN 531146", 92) && serial("BL 219144", 95));
}
