//! Number and notation of a document (số, ký hiệu: `15/QĐ-BNV`, `386/2026`) in the form in which two of them are compared.
//! It is for comparing only: what is kept and shown stays as it was written.

use sohoa_record::text::nfc;

/// Number and notation without the differences that carry no meaning: spaces, case, leading zeros, look-alikes of Đ.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NumberKey {
    /// What stands before the first `/`, such as `15`; never empty.
    pub number: String,
    /// What stands after it, such as `QĐ-BNV`; empty when only a number is known.
    pub notation: String,
}

impl NumberKey {
    /// Reads a number as a register has it: `Số: 01 / QĐ-UBND` → `1`, `QĐ-UBND`. `None` when there is nothing to compare.
    pub fn parse(written: &str) -> Option<Self> {
        let plain = plain(written);
        let plain = plain.strip_prefix("SỐ").unwrap_or(&plain).trim_start_matches([':', '.']);
        let (number, notation) = plain.split_once('/').unwrap_or((plain, ""));
        let number = number.trim_start_matches('0');
        (!number.is_empty()).then(|| Self { number: number.to_owned(), notation: notation.to_owned() })
    }

    /// Joins the two fields of a document; the notation may come with its leading `/`.
    pub fn join(code_number: &str, code_notation: Option<&str>) -> Option<Self> {
        let notation = code_notation.unwrap_or("").trim().trim_start_matches('/');
        Self::parse(&if notation.is_empty() { code_number.to_owned() } else { format!("{code_number}/{notation}") })
    }

    /// Equal, or equal in the number where one of them has no notation.
    pub fn agrees(&self, other: &Self) -> bool {
        let open = self.notation.is_empty() || other.notation.is_empty();
        self.number == other.number && (open || self.notation == other.notation)
    }
}

fn plain(written: &str) -> String {
    let unspaced = nfc(written).chars().filter(|c| !c.is_whitespace()).flat_map(char::to_uppercase).collect::<String>();
    // Eth and African D are met for Đ in old data and in OCR.
    unspaced.replace(['\u{d0}', '\u{189}'], "Đ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn key(number: &str, notation: &str) -> Option<NumberKey> {
        Some(NumberKey { number: number.into(), notation: notation.into() })
    }

    #[test]
    fn differences_without_meaning_are_gone() {
        assert_eq!(NumberKey::parse("686 /STTTT-CNTT&BCVT"), key("686", "STTTT-CNTT&BCVT"));
        assert_eq!(NumberKey::parse("Số: 01/QÐ-UBND"), key("1", "QĐ-UBND"));
        assert_eq!(NumberKey::parse("07/QyĐ-TU"), key("7", "QYĐ-TU"));
        assert_eq!(NumberKey::parse("386/2026"), key("386", "2026"));
    }

    #[test]
    fn the_two_fields_of_a_document_meet_the_one_cell_of_a_register() {
        assert_eq!(NumberKey::join("04", Some("/QĐ-BCĐ138")), NumberKey::parse("4/QĐ-BCĐ138"));
        assert_eq!(NumberKey::join("386/2026", None), NumberKey::parse("386/2026"));
        assert_eq!(NumberKey::join("386", Some("2026")), NumberKey::parse("386/2026"));
    }

    #[test]
    fn nothing_is_no_number() {
        for nothing in ["", "  ", "Số:", "000", "/QĐ-UBND"] {
            assert_eq!(NumberKey::parse(nothing), None, "{nothing:?}");
        }
    }

    #[test]
    fn a_bare_number_agrees_with_any_notation_but_two_notations_must_be_equal() {
        let of = |s| NumberKey::parse(s).unwrap();
        assert!(of("15").agrees(&of("015/QĐ-UBND")));
        assert!(!of("15/GPXD").agrees(&of("15/QĐ-UBND")));
        assert!(!of("15").agrees(&of("16")));
    }

    proptest! {
        #[test]
        fn any_text_can_be_read(text in "\\PC{0,40}") {
            let _ = NumberKey::parse(&text);
        }
    }
}
