//! Accents on capitals. Engines lose them (`TINH QUANG NGAI`), and agencies and positions have only one spelling, so a closed
//! list and the paper's own place name give them back. Names of persons are never touched.

use sohoa_record::text::{Word, fold, nfc};
use unicode_normalization::UnicodeNormalization as _;

/// Words of agencies' names and of positions; longer phrases before their parts.
const PHRASES: &[&str] = &[
    "ỦY BAN NHÂN DÂN",
    "HỘI ĐỒNG NHÂN DÂN",
    "VIỆN KIỂM SÁT NHÂN DÂN",
    "TÒA ÁN NHÂN DÂN",
    "TỐI CAO",
    "VĂN PHÒNG",
    "BAN CHỈ ĐẠO",
    "BAN QUẢN LÝ",
    "BẢO HIỂM XÃ HỘI",
    "CHI CỤC THUẾ",
    "CỤC THUẾ",
    "THUẾ TỈNH",
    "CHI CỤC",
    "TRUNG TÂM PHỤC VỤ HÀNH CHÍNH CÔNG",
    "TRUNG TÂM",
    "CÔNG AN",
    "BỘ CHỈ HUY QUÂN SỰ",
    "THÀNH PHỐ",
    "THỊ XÃ",
    "THỊ TRẤN",
    "ĐẶC KHU",
    "HUYỆN",
    "PHƯỜNG",
    "TỈNH",
    "QUẬN",
    "PHÒNG ĐĂNG KÝ KINH DOANH",
    "PHÒNG TÀI CHÍNH - KẾ HOẠCH",
    "PHÒNG KINH TẾ",
    "CHÍNH PHỦ",
    "THỦ TƯỚNG CHÍNH PHỦ",
    "BỘ TÀI CHÍNH",
    "BỘ NỘI VỤ",
    "BỘ TƯ PHÁP",
    "BỘ CÔNG AN",
    "BỘ QUỐC PHÒNG",
    "BỘ CÔNG THƯƠNG",
    "BỘ XÂY DỰNG",
    "BỘ Y TẾ",
    "SỞ TÀI CHÍNH",
    "SỞ NỘI VỤ",
    "SỞ TƯ PHÁP",
    "SỞ XÂY DỰNG",
    "SỞ Y TẾ",
    "SỞ CÔNG THƯƠNG",
    "SỞ GIÁO DỤC VÀ ĐÀO TẠO",
    "SỞ KHOA HỌC VÀ CÔNG NGHỆ",
    "SỞ NÔNG NGHIỆP VÀ MÔI TRƯỜNG",
    "LAO ĐỘNG - THƯƠNG BINH VÀ XÃ HỘI",
    "VĂN HÓA - XÃ HỘI",
    "BÀ RỊA - VŨNG TÀU",
    "PHAN RANG - THÁP CHÀM",
    "UBND",
    "PHÓ CHỦ TỊCH",
    "CHỦ TỊCH",
    "PHÓ GIÁM ĐỐC",
    "GIÁM ĐỐC",
    "PHÓ CHÁNH VĂN PHÒNG",
    "CHÁNH VĂN PHÒNG",
    "PHÓ TRƯỞNG BAN",
    "TRƯỞNG BAN",
    "PHÓ TRƯỞNG PHÒNG",
    "TRƯỞNG PHÒNG",
    "VIỆN TRƯỞNG",
    "BỘ TRƯỞNG",
    "THỨ TRƯỞNG",
    "CỤC TRƯỞNG",
    "PHÓ CỤC TRƯỞNG",
    "THỦ TƯỚNG",
    "HIỆU TRƯỞNG",
    "NGƯỜI KÝ TRÍCH LỤC",
    "NGƯỜI KÝ GIẤY KHAI SINH",
    "NGƯỜI TIẾP NHẬN HỒ SƠ",
];

/// The words joined, with accents that the closed list or the paper's own place name give back; and for each word whether it
/// was confirmed so. A word that already has the right marks keeps its own spelling (ỦY and UỶ are both right). A place whose marks contradict
/// the reading is no witness, since either may be misread, unless it is `echoed`: spelled so in more places.
pub(super) fn respell(words: &[&Word], place: &str, echoed: bool) -> (String, Vec<bool>) {
    let folded: Vec<String> = words.iter().map(|w| fold(&w.text)).collect();
    let trimmed =
        |w: &Word| nfc(w.text.trim().trim_start_matches(['\'', '"', '`', '‘', '“']).trim_end_matches([':', ';', '\'', '"', '`']));
    let mut spelled: Vec<String> = words.iter().map(|w| trimmed(w)).collect();
    let mut confirmed = vec![false; words.len()];
    let place = nfc(&place.to_uppercase());
    let place = (place.chars().count() > 2).then_some(place.as_str());
    for phrase in place.into_iter().chain(PHRASES.iter().copied()) {
        let parts: Vec<&str> = phrase.split(' ').collect();
        // a long phrase is known by its letters; the paper's own place name, spelled so in several places, outweighs an unsure reading
        let overruled = if Some(phrase) == place {
            if echoed { 90 } else { 0 }
        } else if parts.len() > 2 {
            100
        } else {
            70
        };
        for at in 0..words.len().saturating_sub(parts.len() - 1) {
            let fits = parts.iter().enumerate().all(|(k, part)| {
                folded[at + k] == fold(part)
                    && !confirmed[at + k]
                    && (words[at + k].confidence < overruled || may_be(&spelled[at + k], part))
            });
            // XÃ TINH HÀ: after one level comes a name, not the next level
            let names_a_place = parts.len() == 1 && at > 0 && LEVELS.contains(&folded[at - 1].as_str());
            if !fits || names_a_place {
                continue;
            }
            for (k, part) in parts.iter().enumerate() {
                if !same_letters(&spelled[at + k], part) {
                    spelled[at + k] = (*part).to_owned();
                }
                confirmed[at + k] = true;
            }
        }
    }
    (spelled.join(" "), confirmed)
}

/// Is the word none of the list, but one of its words with another letter in one place? Accents do not count.
pub(super) fn is_misread(word: &str) -> bool {
    let read = fold(word);
    let differ = |known: &str| known.chars().zip(read.chars()).filter(|(a, b)| a != b).count();
    let known = || PHRASES.iter().flat_map(|phrase| phrase.split(' ')).map(fold).filter(|known| known.chars().count() > 2);
    known().all(|known| known != read)
        && known().any(|known| known.chars().count() == read.chars().count() && differ(&known) == 1)
}

/// Folded words after which a place's name follows.
const LEVELS: &[&str] = &["xa", "phuong", "tran", "huyen", "quan", "tinh", "pho", "khu"];

/// Can `read` be `meant` with accents lost? With other accents it is another word: TỊNH is not TỈNH.
fn may_be(read: &str, meant: &str) -> bool {
    let mut left: Vec<char> = meant.nfd().collect();
    read.nfd().all(|c| left.iter().position(|l| *l == c).map(|at| left.swap_remove(at)).is_some())
}

/// The same letters with the same marks, wherever the tone mark stands.
fn same_letters(a: &str, b: &str) -> bool {
    let sorted = |text: &str| {
        let mut all: Vec<char> = text.nfd().collect();
        all.sort_unstable();
        all
    };
    sorted(a) == sorted(b)
}

#[cfg(test)]
mod tests {
    use super::*;
    use sohoa_record::text::Rect;

    #[test]
    fn phrases_are_capitals_and_have_one_spelling() {
        for (i, phrase) in PHRASES.iter().enumerate() {
            assert_eq!(phrase.to_uppercase(), **phrase);
            assert!(PHRASES[..i].iter().all(|other| fold(other) != fold(phrase)), "{phrase}");
        }
    }

    #[test]
    fn another_letter_in_a_word_of_the_list_is_noticed() {
        assert!(is_misread("GHỦ") && is_misread("TRƯỜNC") && !is_misread("CHỦ") && !is_misread("CHU"));
        assert!(!is_misread("NHẬN") && !is_misread("HỒ") && !is_misread("TIẾP") && !is_misread("TM"));
        assert!("NGƯỜI KÝ GIẤY KHAI SINH".split(' ').all(|word| !is_misread(word)), "SINH is no TỈNH");
    }

    #[test]
    fn only_lost_accents_come_back() {
        let spelled = |text: &str, confidence: u8, place: &str| {
            let words: Vec<Word> =
                text.split(' ').map(|text| Word { text: text.to_owned(), rect: Rect::default(), confidence }).collect();
            respell(&words.iter().collect::<Vec<_>>(), place, false).0
        };
        assert_eq!(spelled("XÃ TỊNH HẬU", 94, ""), "XÃ TỊNH HẬU");
        assert_eq!(spelled("XÃ TINH HẬU", 94, ""), "XÃ TINH HẬU");
        assert_eq!(spelled("XÃ TINH HAU", 94, "Tịnh Hậu"), "XÃ TỊNH HẬU");
        assert_eq!(spelled("DÂN TINH GÒ", 94, ""), "DÂN TỈNH GÒ");
        assert_eq!(spelled("PHONG TÀI CHÍNH - KÊ HOACH:", 94, ""), "PHÒNG TÀI CHÍNH - KẾ HOẠCH");
    }

    #[test]
    fn a_place_with_other_marks_is_believed_only_when_it_is_echoed() {
        let words: Vec<Word> = ["XÃ", "HƯNG", "ĐỖ"]
            .iter()
            .map(|text| Word { text: (*text).to_owned(), rect: Rect::default(), confidence: 85 })
            .collect();
        let read = |place: &str, echoed: bool| respell(&words.iter().collect::<Vec<_>>(), place, echoed);
        assert_eq!(read("Hưng Đô", false), ("XÃ HƯNG ĐỖ".into(), vec![false; 3]));
        assert_eq!(read("Hưng Đô", true).0, "XÃ HƯNG ĐÔ");
        assert_eq!(read("Hưng Đỗ", false), ("XÃ HƯNG ĐỖ".into(), vec![false, true, true]));
    }

    #[test]
    fn words_outside_the_list_stay_as_read() {
        let words: Vec<Word> = ["CHU", "TICH", "UBND", "TINH", "HOA", "MAI"]
            .iter()
            .map(|text| Word { text: (*text).to_owned(), rect: Rect::default(), confidence: 50 })
            .collect();
        let (text, confirmed) = respell(&words.iter().collect::<Vec<_>>(), "", false);
        assert_eq!(text, "CHỦ TỊCH UBND TỈNH HOA MAI");
        assert_eq!(confirmed, [true, true, true, true, false, false]);
    }
}
