//! The kinds of paper that are known by their titles. It is a table, not code: a template per kind will say more of each.

use sohoa_record::text::fold;

/// What a title tells about the fields that follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Family {
    /// Văn bản hành chính, quy phạm pháp luật: has a notation and, under its title, a subject (NĐ 30/2020, Phụ lục I).
    Official,
    /// Hộ tịch papers, licences and certificates: the title says what they are about; the number may have no notation.
    Certificate,
}

/// One kind of paper.
#[derive(Debug)]
pub(super) struct Kind {
    /// As the law writes it, in capitals.
    pub title: &'static str,
    /// Abbreviation in the notation (NĐ 30/2020, Phụ lục III; Luật ban hành VBQPPL); empty when it has none.
    pub abbreviation: &'static str,
    pub family: Family,
}

/// The letter has no title; it is known by its "V/v".
pub(super) const OFFICIAL_LETTER: Kind = official("CÔNG VĂN", "");

const fn official(title: &'static str, abbreviation: &'static str) -> Kind {
    Kind { title, abbreviation, family: Family::Official }
}

const fn certificate(title: &'static str, abbreviation: &'static str) -> Kind {
    Kind { title, abbreviation, family: Family::Certificate }
}

pub(super) const KINDS: &[Kind] = &[
    // NĐ 30/2020 art. 7 and Phụ lục III
    official("NGHỊ QUYẾT", "NQ"),
    official("QUYẾT ĐỊNH", "QĐ"),
    official("CHỈ THỊ", "CT"),
    official("QUY CHẾ", "QC"),
    official("QUY ĐỊNH", "QyĐ"),
    official("THÔNG CÁO", "TC"),
    official("THÔNG BÁO", "TB"),
    official("HƯỚNG DẪN", "HD"),
    official("CHƯƠNG TRÌNH", "CTr"),
    official("KẾ HOẠCH", "KH"),
    official("PHƯƠNG ÁN", "PA"),
    official("ĐỀ ÁN", "ĐA"),
    official("DỰ ÁN", "DA"),
    official("BÁO CÁO", "BC"),
    official("BIÊN BẢN", "BB"),
    official("TỜ TRÌNH", "TTr"),
    official("HỢP ĐỒNG", "HĐ"),
    official("CÔNG ĐIỆN", "CĐ"),
    official("BẢN GHI NHỚ", "BGN"),
    official("BẢN THỎA THUẬN", "BTT"),
    official("GIẤY ỦY QUYỀN", "GUQ"),
    official("GIẤY MỜI", "GM"),
    official("GIẤY GIỚI THIỆU", "GGT"),
    official("GIẤY NGHỈ PHÉP", "GNP"),
    official("PHIẾU GỬI", "PG"),
    official("PHIẾU CHUYỂN", "PC"),
    official("PHIẾU BÁO", "PB"),
    official("THƯ CÔNG", ""),
    // Luật ban hành văn bản quy phạm pháp luật
    official("LUẬT", ""),
    official("PHÁP LỆNH", ""),
    official("LỆNH", "L"),
    official("NGHỊ ĐỊNH", "NĐ"),
    official("THÔNG TƯ", "TT"),
    official("THÔNG TƯ LIÊN TỊCH", "TTLT"),
    official("NGHỊ QUYẾT LIÊN TỊCH", "NQLT"),
    // hộ tịch
    certificate("GIẤY KHAI SINH", ""),
    certificate("TRÍCH LỤC KHAI SINH", "TLKS"),
    certificate("GIẤY CHỨNG NHẬN KẾT HÔN", ""),
    certificate("TRÍCH LỤC KẾT HÔN", "TLKH"),
    certificate("TRÍCH LỤC GHI CHÚ KẾT HÔN", ""),
    certificate("TRÍCH LỤC GHI CHÚ LY HÔN", ""),
    certificate("GIẤY CHỨNG TỬ", ""),
    certificate("TRÍCH LỤC KHAI TỬ", "TLKT"),
    certificate("GIẤY XÁC NHẬN TÌNH TRẠNG HÔN NHÂN", "XNTTHN"),
    certificate("TRÍCH LỤC ĐĂNG KÝ NHẬN CHA, MẸ, CON", ""),
    certificate("TRÍCH LỤC ĐĂNG KÝ GIÁM HỘ", ""),
    certificate("TRÍCH LỤC THAY ĐỔI, CẢI CHÍNH, BỔ SUNG HỘ TỊCH, XÁC ĐỊNH LẠI DÂN TỘC", ""),
    // business, building, land
    certificate("GIẤY CHỨNG NHẬN ĐĂNG KÝ HỘ KINH DOANH", ""),
    certificate("GIẤY CHỨNG NHẬN ĐĂNG KÝ DOANH NGHIỆP", ""),
    certificate("GIẤY CHỨNG NHẬN ĐĂNG KÝ KINH DOANH", ""),
    certificate("GIẤY CHỨNG NHẬN ĐĂNG KÝ ĐỊA ĐIỂM KINH DOANH", ""),
    certificate("GIẤY CHỨNG NHẬN CƠ SỞ ĐỦ ĐIỀU KIỆN AN TOÀN THỰC PHẨM", ""),
    certificate("GIẤY PHÉP XÂY DỰNG", "GPXD"),
    certificate("GIẤY PHÉP KINH DOANH", "GPKD"),
    certificate("GIẤY CHỨNG NHẬN QUYỀN SỬ DỤNG ĐẤT", ""),
    certificate("GIẤY CHỨNG NHẬN QUYỀN SỬ DỤNG ĐẤT, QUYỀN SỞ HỮU TÀI SẢN GẮN LIỀN VỚI ĐẤT", ""),
    certificate("GIẤY CHỨNG NHẬN QUYỀN SỬ DỤNG ĐẤT, QUYỀN SỞ HỮU NHÀ Ở VÀ TÀI SẢN KHÁC GẮN LIỀN VỚI ĐẤT", ""),
    // one-stop service (NĐ 118/2025)
    certificate("GIẤY TIẾP NHẬN HỒ SƠ VÀ HẸN TRẢ KẾT QUẢ", ""),
];

/// The kind with this title, and whether every letter agreed but for accents. A title that is one letter in eight off is
/// still known when no other kind is as near.
pub(super) fn by_title(title: &str) -> Option<(&'static Kind, bool)> {
    let title = fold(title);
    let title = title.strip_suffix(" ban sao").unwrap_or(&title);
    if let Some(kind) = KINDS.iter().find(|kind| fold(kind.title) == title) {
        return Some((kind, true));
    }
    let title = title.replace(' ', "");
    let mut near: Vec<(usize, &Kind)> = KINDS
        .iter()
        .filter_map(|kind| {
            let wanted = fold(kind.title).replace(' ', "");
            let distance = edits(&wanted, &title);
            (distance <= wanted.len() / 8).then_some((distance, kind))
        })
        .collect();
    near.sort_by_key(|(distance, _)| *distance);
    match near.as_slice() {
        [(distance, kind), rest @ ..] if rest.first().is_none_or(|(other, _)| other > distance) => Some((kind, *distance == 0)),
        _ => None,
    }
}

/// The kind that a notation such as `QĐ-UBND` names first.
pub(super) fn by_abbreviation(abbreviation: &str) -> Option<&'static Kind> {
    KINDS.iter().find(|kind| !kind.abbreviation.is_empty() && kind.abbreviation == abbreviation)
}

/// Levenshtein distance in characters.
pub(super) fn edits(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, y) in b.iter().enumerate() {
            let substituted = diagonal + usize::from(x != *y);
            diagonal = row[j + 1];
            row[j + 1] = substituted.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lost_accents_and_one_wrong_letter_do_not_hide_a_title() {
        assert_eq!(by_title("QUYÉT ĐỊNH").map(|(k, sure)| (k.title, sure)), Some(("QUYẾT ĐỊNH", true)));
        assert_eq!(by_title("QUYFT ĐỊNH").map(|(k, sure)| (k.title, sure)), Some(("QUYẾT ĐỊNH", false)));
        assert_eq!(by_title("TRÍCH LỤC KHAI SINH (BẢN SAO)").map(|(k, _)| k.title), Some("TRÍCH LỤC KHAI SINH"));
        assert_eq!(by_title("CỘNG HÒA XÃ HỘI").map(|(k, _)| k.title), None);
    }

    #[test]
    fn a_title_between_two_kinds_is_none_of_them() {
        // one letter from THÔNG BÁO and from THÔNG CÁO
        assert_eq!(by_title("THÔNG DÁO").map(|(k, _)| k.title), None);
    }

    #[test]
    fn titles_and_abbreviations_are_unique() {
        for (i, kind) in KINDS.iter().enumerate() {
            for other in &KINDS[..i] {
                assert_ne!(fold(kind.title), fold(other.title));
                assert!(kind.abbreviation.is_empty() || kind.abbreviation != other.abbreviation, "{}", kind.title);
            }
        }
    }

    #[test]
    fn edits_counts_insertions_deletions_and_substitutions() {
        assert_eq!((edits("kitten", "sitting"), edits("", "ab"), edits("ab", "ab")), (3, 2, 0));
    }
}
