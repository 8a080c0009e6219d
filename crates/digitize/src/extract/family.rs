//! Family names (họ). The engine is often sure of a name with a wrong mark ("Nguyên", "Trân"), and no context tells; but nearly all
//! people share a few dozen family names. One that differs from a usual one in its marks only is a reason to look.

use sohoa_record::text::{fold, spelling};
use std::collections::BTreeSet;
use std::sync::LazyLock;

/// The usual ones; any other name is taken as it is written.
const USUAL: &str = "An Âu Bạch Bành Biện Bùi Cao Cấn Châu Chu Chử Cù Diệp Doãn Dương Đàm Đan Đặng Đào Đậu Điền Đinh Đỗ Đoàn Đồng \
    Giang Giáp Hà Hàn Hồ Hoàng Hứa Huỳnh Khổng Khuất Kiều Kim La Lã Lại Lâm Lê Liêu Lò Lỗ Lục Lương Lưu Lý Ma Mã Mạc Mạch Mai Mạnh \
    Ngân Nghiêm Ngô Ngọ Ngụy Nguyễn Nhâm Ninh Nông Ông Phạm Phan Phí Phó Phùng Phương Quách Quan Quản Sử Tạ Tân Tăng Thạch Thái Thẩm \
    Thân Thi Thiều Tiêu Tô Tòng Tôn Tống Trà Trần Trang Triệu Trịnh Trương Từ Tưởng Ung Văn Vi Viên Võ Vũ Vương Xa";

static SPELLED: LazyLock<BTreeSet<String>> = LazyLock::new(|| USUAL.split_whitespace().map(spelling).collect());

/// Does the name begin with a usual family name but for its marks?
pub(crate) fn is_misspelled(name: &str) -> bool {
    static FOLDED: LazyLock<BTreeSet<String>> = LazyLock::new(|| USUAL.split_whitespace().map(fold).collect());
    let Some(first) = name.split_whitespace().next() else { return false };
    FOLDED.contains(&fold(first)) && !SPELLED.contains(&spelling(first))
}

/// The usual ones, as [`spelling`] writes them.
pub(super) fn spelled() -> impl Iterator<Item = &'static String> {
    SPELLED.iter()
}

/// Does the name begin with a usual family name, mark by mark?
pub(super) fn is_usual(name: &str) -> bool {
    name.split_whitespace().next().is_some_and(|first| SPELLED.contains(&spelling(first)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_mark_on_a_usual_family_name_is_noticed() {
        for wrong in ["Nguyên Lê Bảo Ngọc", "NGUYÊN VĂN A", "Trân Phước Hiền", "Ngõ Thanh Sơn", "Lé Quang Hiệp", "Dỗ Văn B"]
        {
            assert!(is_misspelled(wrong), "{wrong}");
        }
        for right in
            ["Nguyễn Thị Hoa", "TRẦN VĂN B", "Ngô Thanh Sơn", "Đỗ Minh", "Ksor H'Bia", "Châu A Páo", "Mạnh Thị Tuyết Mai", ""]
        {
            assert!(!is_misspelled(right), "{right}");
        }
        assert!(
            is_usual("Nguyễn Thị Hoa")
                && is_usual("ĐỖ MINH")
                && !is_usual("Nguyên Thị Hoa")
                && !is_usual("Minh Cường")
                && !is_usual("")
        );
    }
}
