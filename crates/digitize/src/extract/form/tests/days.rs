//! Days of civil status papers: in words over two rows, with an hour left blank.

use super::{doubt, header, read, signed, values};
use sohoa_record::Reason;

/// Nothing but these rows says how much room a row has.
#[test]
fn a_day_in_words_goes_on_in_the_next_row() {
    let paper = |row: &str, rest: &str| {
        header("TRÍCH LỤC KHAI TỬ")
            .line(250, 700, "Họ, chữ đệm, tên: TRẦN THỊ MẪU")
            .line(250, 770, "Đã chết vào lúc 10 giờ 10 phút, ngày 28 tháng 10 năm 2024")
            .line(250, 840, &format!("Ghi bằng chữ: Ngày hai mươi tám tháng mười năm {row}"))
            .line(250, 910, rest)
            .line(250, 980, "Nơi chết: Tại nhà riêng")
    };
    let read_day = |row: &str, rest: &str| doubt(&read(signed(paper(row, rest))), "death_date");
    assert_eq!(read_day("hai nghìn không trăm hai mươi", "bốn"), None);
    assert_eq!(read_day("hai nghìn không trăm hai mươi..", "bốn"), None, "dust at the row's end");
    assert_eq!(read_day("hai nghìn không trăm hai mươi", "ba"), Some(Reason::Conflicting), "the words say another year");
}

#[test]
fn an_hour_left_blank_does_not_hide_the_day_of_death() {
    let paper = header("TRÍCH LỤC KHAI TỬ").line(250, 700, "Họ, chữ đệm, tên: TRẦN THỊ MẪU").line(
        250,
        770,
        "Đã chết vào lúc ...... giờ ...... phút, ngày 05 tháng 01 năm 2025",
    );
    assert_eq!(values(&read(signed(paper)), &["death_date"]), [Some("2025-01-05")]);
}
