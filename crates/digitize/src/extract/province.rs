//! Names of provinces and cities directly under the government, today's 34 (NQ 202/2025/QH15) and the 63 before: each has one spelling, so one that
//! differs from it in its marks was misread ("tỉnh Đồng Thắp").

use sohoa_record::text::{fold, spelling};
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// As the papers write them; where two spellings are usual, both.
const NAMES: &str = "An Giang, Bà Rịa, Bạc Liêu, Bắc Giang, Bắc Kạn, Bắc Cạn, Bắc Ninh, Bến Tre, Bình Dương, Bình Định, Bình Phước, Bình Thuận, Cà Mau, Cao Bằng, Cần Thơ, \
    Đà Nẵng, Đắk Lắk, Đắc Lắc, Đăk Lăk, Đắk Nông, Đắc Nông, Đăk Nông, Điện Biên, Đồng Nai, Đồng Tháp, Gia Lai, Hà Giang, Hà Nam, Hà Nội, Hà Tĩnh, Hải Dương, \
    Hải Phòng, Hậu Giang, Hòa Bình, Hồ Chí Minh, Hưng Yên, Khánh Hòa, Kiên Giang, Kon Tum, Lai Châu, Lạng Sơn, Lào Cai, Lâm Đồng, Long An, Nam Định, Nghệ An, \
    Ninh Bình, Ninh Thuận, Phú Thọ, Phú Yên, Quảng Bình, Quảng Nam, Quảng Ngãi, Quảng Ninh, Quảng Trị, Sóc Trăng, Sơn La, Tây Ninh, Thái Bình, Thái Nguyên, \
    Thanh Hóa, Thừa Thiên Huế, Tiền Giang, Trà Vinh, Tuyên Quang, Vĩnh Long, Vĩnh Phúc, Yên Bái";

/// The spellings of each name by its letters.
static SPELLINGS: LazyLock<BTreeMap<String, Vec<String>>> = LazyLock::new(|| {
    let mut spellings: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for name in NAMES.split(',').map(str::trim) {
        spellings.entry(fold(name)).or_default().push(spelling(name));
    }
    spellings
});

/// Does the text name a province, behind "tỉnh" or "thành phố", with other marks than it has?
pub(super) fn is_misspelled_in(text: &str) -> bool {
    let words: Vec<&str> = text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    (1..words.len()).any(|at| {
        let level = matches!(fold(words[at - 1]).as_str(), "tinh" | "pho");
        level && (2..=3).filter_map(|count| words.get(at..at + count)).any(|name| is_misspelled(&name.join(" ")))
    })
}

fn is_misspelled(name: &str) -> bool {
    SPELLINGS.get(&fold(name)).is_some_and(|right| !right.contains(&spelling(name)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_province_has_one_spelling() {
        for wrong in ["phường Tịnh Hậu, tỉnh Đồng Thắp", "TỈNH QUÃNG NGÃI", "thành phố Hồ Chi Minh", "tình Phú Thợ"]
        {
            assert!(is_misspelled_in(wrong), "{wrong}");
        }
        for right in [
            "phường Tịnh Hậu, tỉnh Đồng Tháp",
            "TỈNH QUẢNG NGÃI",
            "tỉnh Khánh Hoà",
            "tỉnh Đăk Lăk",
            "thành phố Thủ Đức",
            "xã Hà Nham, tỉnh lộ",
            "tỉnh",
        ] {
            assert!(!is_misspelled_in(right), "{right}");
        }
    }
}
