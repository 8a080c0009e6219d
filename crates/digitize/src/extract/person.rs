//! Middle and given names (tên đệm, tên). The engine is often sure of a name with a wrong mark ("Thủ" for Thu), and no context tells; but
//! most people are called by a few hundred syllables. One that differs from a usual one in its marks only, or runs two of them together,
//! has to be read once more; one that is among them, mark by mark, was hardly misread alike three times. Any other name is taken as it is
//! written.

use super::family;
use sohoa_record::text::{Word, fold, spelling};
use std::collections::BTreeSet;
use std::sync::LazyLock;

/// The usual ones, beside the family names.
const USUAL: &str = "Ái Ẩn Ân An Anh Ánh Ảnh Ba Bá Bách Bạch Bảo Báu Bắc Băng Bằng Bân Bé Bền Bích Biên Biện Bình Bính Bốn Bông Bổng Bội Bửu Ca \
    Cảm Cam Cang Canh Cảnh Cao Cát Căn Cẩm Cẩn Cần Chánh Chăm Chắt Chấn Chân Chấp Châu Chi Chí Chiêm Chiến Chiêu Chiểu Chín Chinh Chính \
    Chỉnh Chuẩn Chung Chuyên Chuyền Chức Chương Chước Cơ Côi Công Cúc Cung Cư Cừ Cử Cự Cương Cường Cửu Danh Dạ Dân Dần Di Dĩ Diễm Diên Diễn \
    Diện Diệp Diệu Dinh Dịu Doan Doanh Du Dung Dũng Dụng Duy Duyên Duyệt Dư Dự Dực Dương Dưỡng Đa Đài Đại Đàm Đảm Đan Đang Đào Đạo Đạt Đăng \
    Đằng Đẳng Đắc Đắng Đẩu Đầy Đậu Đề Đễ Đệ Điềm Điểm Điền Điển Điện Điệp Điều Đinh Đình Đĩnh Đính Định Đoan Đoàn Đoạt Đô Độ Đôn Đông Đồng \
    Động Đới Đức Đương Đường Được Đượm Em Én Gái Gấm Giác Giám Giang Giao Giáo Giáp Gia Giới Hà Hạ Hai Hài Hải Ham Hàm Hán Hàn Hạnh Hanh \
    Hành Hảo Hào Hạo Hát Hằng Hân Hậu Hiên Hiến Hiền Hiển Hiện Hiếu Hiểu Hiệu Hiệp Hinh Hình Hoa Hoá Hoà Họa Hoạch Hoài Hoan Hoàn Hoán \
    Hoàng Hoành Hoạt Hòe Hồ Hồi Hội Hồng Hổ Hợi Hợp Hởi Huân Huấn Huê Huế Huệ Hùng Huy Huyên Huyền Huynh Huỳnh Hứa Hưng Hương Hường Hướng \
    Hưởng Hữu Hựu Hy Hỷ Ích Kế Kết Kha Khá Khả Khai Khải Khang Khánh Khanh Khắc Khâm Khiêm Khiết Khoa Khoan Khoát Khoái Khôi Khởi Khuê \
    Khuyên Khuyến Khương Kiểm Kiệm Kiên Kiến Kiện Kiếm Kiệt Kiều Kim Kính Kinh Kỳ Kỷ Kỹ Ký La Lạc Lài Lai Lam Lan Lành Lãm Lãnh Lăng Lâm \
    Lân Lập Lê Lễ Lệ Lịch Liêm Liên Liễn Liệt Liêu Liễu Liệu Linh Lĩnh Loan Loát Long Lộc Lợi Luân Luận Luật Lục Lụa Luyến Luyện Lư Lữ Lực \
    Lương Lượng Lựu Lưu Ly Lý Mai Mãn Mạnh Mão May Mạch Mạo Mẫn Mận Mậu Mây Mẽ Mến Mi Mĩ Miên Miền Minh Mô Mộc Mơ Mộng Mùa Mùi Mươi Mười Mỹ \
    Mỵ Na Nam Năm Năng Nên Nga Ngà Ngạn Ngân Ngát Nghi Nghị Nghĩa Nghiêm Nghiên Nghiệp Nghinh Ngoan Ngoạn Ngọ Ngọc Ngôn Ngợi Nguyên Nguyễn \
    Nguyện Nguyệt Ngữ Nhã Nham Nhan Nhàn Nhạn Nhâm Nhân Nhẫn Nhất Nhật Nhỉ Nhi Nhị Nhiên Nhiệm Nhiều Nho Nhỏ Nhơn Nhu Nhuần Nhuận Nhung Như \
    Nhữ Nhự Nhựt Nhường Nhượng Ninh Nở Nụ Nữ Nương Oai Oanh Ổn Pha Phán Phát Phi Phiên Phong Phòng Phổ Phú Phúc Phục Phùng Phụng Phước \
    Phương Phượng Quan Quán Quản Quang Quảng Quát Quân Quận Quế Quí Quý Quốc Quy Quyên Quyền Quyến Quyết Quỳ Quỳnh Quới Quyn Rạng Ry Sa San \
    Sang Sáng Sanh Sánh Sao Sáu Sâm Sen Sĩ Sỹ Siêng Sinh Soa Soan Soạn Sơn Song Sông Sơ Sung Sửu Sử Sự Sương Tá Tài Tải Tam Tám Tâm Tấm Tân \
    Tấn Tần Tạo Tăng Tặng Tập Tất Thạch Thái Tham Thám Thao Thảo Thanh Thành Thạnh Thăng Thắng Thắm Thâm Thân Thận Thập Thất Thế Thể Thêm \
    Thêu Thi Thị Thiêm Thiên Thiện Thiết Thiệp Thiều Thiệu Thìn Thịnh Thoa Thoại Thoan Thỏa Thọ Thông Thống Thơ Thơm Thời Thới Thu Thuân \
    Thuần Thuận Thuật Thuấn Thục Thuý Thuỳ Thuỷ Thụ Thụy Thuyên Thuyền Thuyết Thư Thứ Thự Thức Thực Thương Thường Thưởng Thượng Tích Tiên \
    Tiến Tiền Tiễn Tiển Tiệp Tiếp Tiết Tiêu Tiếu Tín Tình Tính Tịnh Tinh Tĩnh Toàn Toán Toại Toản Toan Tòng Tỏ Tố Tồn Tôn Tông Tới Trà Trác \
    Trạch Trai Trâm Trầm Trân Trấn Tranh Trang Tráng Trạng Tri Trí Trị Triêm Triết Triều Triệu Triển Trinh Trình Trọng Trúc Trung Truyền \
    Truyện Trực Trường Trưởng Trưng Tú Tuân Tuấn Tuất Tuệ Tùng Tuy Tuyên Tuyến Tuyền Tuyển Tuyết Tư Tứ Từ Tự Tường Tương Tưởng Tượng Tỵ Tý \
    Uy Uyên Uyển Út Ước Ứng Vàng Vạn Văn Vân Vận Vấn Vẹn Vệ Vi Vĩ Vị Viên Viễn Viện Viết Việt Vinh Vịnh Vĩnh Vọng Vỏ Vui Vũ Vượng Vững Vy Vỹ \
    Xá Xem Xin Xinh Xoa Xoan Xoàn Xuân Xuyên Xuyến Xứng Xương Ý Yêm Yên Yến Yết Yêu";

static SPELLED: LazyLock<BTreeSet<String>> = LazyLock::new(|| USUAL.split_whitespace().map(spelling).collect());
static FOLDED: LazyLock<BTreeSet<String>> = LazyLock::new(|| USUAL.split_whitespace().map(fold).collect());

/// From this confidence on a word with marks is what it was read as, usual or not: many a name is in no list. One without any has lost them where
/// its box was cut too low ("HAN" for HÂN), and then every reading says so.
const CERTAIN: u8 = 95;

/// May a mark of the name be misread? It begins with a usual family name but for its marks, or a later word of it is a usual name but for its
/// marks and was not read certainly, or two words run together.
pub(super) fn may_be_misspelled(name: &str, words: &[&Word]) -> bool {
    let letters = |word: &Word| word.text.trim_matches(|c: char| !c.is_alphanumeric()).to_owned();
    let doubtful = |word: &&&Word| {
        let text = letters(word);
        let certain = word.confidence >= CERTAIN && !text.is_ascii();
        !certain && !is_usual(&text) && FOLDED.contains(&fold(&text)) || runs_together(&text)
    };
    family::is_misspelled(name) || words.iter().skip(1).any(|word| doubtful(&word))
}

/// How many usual names have the letters of one that is, mark by mark, a family name where it is the name's first word, or else a usual syllable
/// of names; 0 when it is not. The marks of a name that is the only one of its letters are seldom misread into it.
pub(crate) fn spellings(word: &str, first: bool) -> usize {
    let usual = if first { family::is_usual(word) } else { is_usual(word) };
    let folded = fold(word);
    let others = || SPELLED.iter().filter(|_| !first).chain(family::spelled()).filter(|other| fold(other) == folded);
    if usual { others().collect::<BTreeSet<_>>().len() } else { 0 }
}

fn is_usual(word: &str) -> bool {
    SPELLED.contains(&spelling(word)) || family::is_usual(word)
}

/// "KIMNHUNG": no syllable of the list, but two of them.
fn runs_together(word: &str) -> bool {
    let parts = word.char_indices().skip(2).map(|(at, _)| word.split_at(at));
    let known = |part: &str| part.chars().nth(1).is_some() && is_usual(part);
    !is_usual(word) && parts.into_iter().any(|(a, b)| known(a) && known(b))
}

#[cfg(test)]
mod tests {
    use super::*;
    use sohoa_record::text::Rect;

    fn doubted(name: &str, confidence: u8) -> bool {
        let word = |text: &str| Word { text: text.to_owned(), rect: Rect::default(), confidence };
        let words: Vec<Word> = name.split_whitespace().map(word).collect();
        may_be_misspelled(name, &words.iter().collect::<Vec<_>>())
    }

    #[test]
    fn a_wrong_mark_in_a_persons_name_is_noticed_unless_it_was_read_certainly() {
        for wrong in ["ĐINH THỊ THỦ MỸ LINH", "Trần Vãn Hùng"] {
            assert!(doubted(wrong, 94) && !doubted(wrong, 95), "{wrong}");
        }
        assert!(doubted("Nguyên Thị Hoa", 96), "a family name");
        assert!(doubted("PHAN THỊ KIỀU HAN", 96) && !doubted("Trần Ngọc Căng", 96), "lost marks; a name of no list");
        for right in
            ["Nguyễn Thị Hoa", "TRẦN VĂN HÙNG", "Bùi Quốc Cường", "Ksor H'Bia", "Châu A Páo", "Lê Hoà", "Võ Thị Ngọc Hân", ""]
        {
            assert!(!doubted(right, 90), "{right}");
        }
    }

    #[test]
    fn two_names_without_their_space_are_noticed() {
        assert!(doubted("PHAN KIMNHUNG", 96) && doubted("Lê NgọcBình", 90));
        assert!(!doubted("PHAN KIM NHUNG", 90) && !doubted("Hoàng Thiên Hương", 90));
        let odd: Vec<&str> = USUAL.split_whitespace().filter(|word| runs_together(word)).collect();
        assert_eq!(odd, [""; 0]);
    }

    #[test]
    fn a_family_name_is_known_in_its_place_only() {
        assert_eq!([spellings("Đinh", true), spellings("QUỐC", false), spellings("Hằng", false)], [1; 3]);
        assert_eq!([spellings("Đỉnh", true), spellings("Thủ", false), spellings("Hằng", true)], [0; 3]);
        assert!(spellings("Hòa", false) > 1 && spellings("Đinh", false) > 1, "Hoa, Hóa; Đình, Định");
    }
}
