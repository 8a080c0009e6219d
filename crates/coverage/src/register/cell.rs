//! What may stand in a cell of the register, and the damage that spreadsheets do to it: named, never repaired.

use crate::number::NumberKey;
use sohoa_record::DossierCode;
use sohoa_record::text::{fold, nfc};

/// A cell that was looked at.
pub(super) struct Checked<T> {
    /// What can be used; a doubtful procedure code keeps its text, since it is only shown.
    pub value: Option<T>,
    /// Why a person should look, and what to do.
    pub doubt: Option<(&'static str, &'static str)>,
}

impl<T> Checked<T> {
    fn good(value: T) -> Self {
        Self { value: Some(value), doubt: None }
    }

    fn refused(why: &'static str, remedy: &'static str) -> Self {
        Self { value: None, doubt: Some((why, remedy)) }
    }
}

const AS_TEXT: &str = "make the column's cells text in the spreadsheet, write the value again and export again";

/// The unit: any text, since units are looked up in a table; only a spreadsheet's damage is refused.
pub(super) fn unit(text: &str) -> Checked<String> {
    match damage(text) {
        Some(why) => Checked::refused(why, AS_TEXT),
        None => Checked::good(nfc(text)),
    }
}

/// A procedure code (mã TTHC): digit, dot, six digits, perhaps a suffix (`1.001612`, `1.001612.000.00.00.H48`, `1.000894.01`).
pub(super) fn procedure(text: &str) -> Checked<String> {
    let why = match text.split_once('.') {
        _ if damage(text).is_some() => "a spreadsheet turned the procedure code into a number",
        Some((group, rest)) if is_digits(group, 1) => {
            let base = rest.split('.').next().unwrap_or_default();
            match base.len() {
                6 if is_digits(base, 6) => return Checked::good(text.to_owned()),
                1..=5 if is_digits(base, base.len()) => "a procedure code has six digits behind the dot; zeros may be lost",
                _ => "not a procedure code",
            }
        }
        None if is_digits(text, 7) => "a procedure code has a dot behind its first digit; it may be lost",
        None if is_digits(text, text.len()) => "a procedure code has a dot and six digits; zeros may be lost",
        _ => "not a procedure code",
    };
    Checked { value: Some(nfc(text)), doubt: Some((why, "write it as 1.001612, in a cell that is text")) }
}

/// A dossier code, or the code of a result in it: `<dossier code>-KQ<n>` (NĐ 45/2020/NĐ-CP art. 14.3).
pub(super) fn dossier_code(text: &str) -> Checked<DossierCode> {
    if let Some(why) = damage(text) {
        return Checked::refused(why, AS_TEXT);
    }
    let upper = text.to_uppercase();
    let code = match upper.rsplit_once("-KQ") {
        Some((code, ordinal)) if is_digits(ordinal, ordinal.len()) => code,
        _ => &upper,
    };
    match code.parse::<DossierCode>() {
        Ok(code) => Checked::good(code),
        Err(_) => Checked::refused("not a dossier code", "write it as on the receipt, such as H48.15-250117-0042"),
    }
}

/// Number and notation: any text with something to compare in it.
pub(super) fn number(text: &str) -> Checked<String> {
    if let Some(why) = damage(text) {
        return Checked::refused(why, AS_TEXT);
    }
    match NumberKey::parse(text) {
        Some(_) => Checked::good(nfc(text)),
        None => Checked::refused("not a number", "write number and notation, such as 15/QĐ-UBND"),
    }
}

/// "Without end" in words.
pub(super) fn is_without_end(text: &str) -> bool {
    let folded = fold(text);
    ["vo thoi han", "khong thoi han", "khong xac dinh thoi han", "khong co thoi han", "lau dai"].contains(&folded.as_str())
}

/// What a spreadsheet leaves of a text that it took for a number, a date or a formula.
fn damage(text: &str) -> Option<&'static str> {
    if text.contains(['\n', '\r']) {
        return Some("a line break inside the cell; a quotation mark may not be closed");
    }
    if text.starts_with("##") {
        return Some("the column was too narrow and the spreadsheet exported '#' signs");
    }
    if ["#N/A", "#REF!", "#VALUE!", "#NAME?", "#DIV/0!", "#NULL!", "#NUM!"].contains(&text) {
        return Some("a formula failed in the spreadsheet");
    }
    if is_scientific(text) {
        return Some("a spreadsheet turned it into scientific notation");
    }
    if is_turned_into_a_date(text) {
        return Some("a spreadsheet turned it into a date");
    }
    None
}

/// `3.5199E+10`, `3,5E+10`: spreadsheets always write the sign.
fn is_scientific(text: &str) -> bool {
    let Some((mantissa, exponent)) = text.split_once("E+").or_else(|| text.split_once("e+")) else { return false };
    let is_mantissa = mantissa.bytes().all(|b| b.is_ascii_digit() || b == b'.' || b == b',');
    is_mantissa && !mantissa.is_empty() && is_digits(exponent, exponent.len())
}

/// `3/2026` becomes `Mar-26` and `12/5` becomes `12-May` or `12/05/2023`.
fn is_turned_into_a_date(text: &str) -> bool {
    const MONTHS: [&str; 12] = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
    let is_month = |part: &str| MONTHS.contains(&part.to_lowercase().as_str());
    let is_short_number = |part: &str| is_digits(part, 1) || is_digits(part, 2);
    if let Some((left, right)) = text.split_once('-') {
        return (is_month(left) && is_digits(right, 2)) || (is_short_number(left) && is_month(right));
    }
    let parts: Vec<&str> = text.split('/').collect();
    matches!(parts[..], [day, month, year] if is_short_number(day) && is_short_number(month) && is_digits(year, 4))
}

fn is_digits(text: &str, count: usize) -> bool {
    !text.is_empty() && text.len() == count && text.bytes().all(|b| b.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn procedure_codes_are_kept_and_their_damage_is_named() {
        for good in ["1.001612", "2.000528", "1.001612.000.00.00.H48", "1.000894.01"] {
            assert!(procedure(good).doubt.is_none(), "{good}");
        }
        for (bad, why) in [
            ("1.00161", "zeros"),
            ("1001612", "dot"),
            ("161", "zeros"),
            ("1,001612", "not a"),
            ("1.0E+06", "into a number"),
            ("x", "not a"),
            ("1.", "not a"),
            ("1.00161x", "not a"),
            ("1.1612.01", "zeros"),
        ] {
            let checked = procedure(bad);
            assert!(checked.doubt.unwrap().0.contains(why), "{bad} {:?}", checked.doubt);
            assert_eq!(checked.value.unwrap(), bad, "shown as it was written");
        }
    }

    #[test]
    fn numbers_that_a_spreadsheet_ate_are_refused() {
        for eaten in ["Mar-26", "12-May", "12/05/2023", "3.5199E+10", "3,5E+10", "####", "#REF!", "15\n16", "Số:"] {
            assert!(number(eaten).value.is_none(), "{eaten}");
        }
        for fine in ["15/QĐ-UBND", "386/2026", "3000/2026/TLKT-BS", "12E/2023", "07/QyĐ-TU", "15", "CH 00120", "05/12"] {
            assert_eq!(number(fine).value.as_deref(), Some(fine));
        }
    }

    #[test]
    fn a_result_code_stands_for_its_dossier() {
        assert_eq!(dossier_code("H48.15-250117-0042-KQ1").value.unwrap().as_str(), "H48.15-250117-0042");
        assert_eq!(dossier_code("h48.15-250117-0042").value.unwrap().as_str(), "H48.15-250117-0042");
        for bad in ["H48.15-251317-0042", "H48.15", "1.2E+10", "H48.15-250117-0042-KQx"] {
            assert!(dossier_code(bad).value.is_none(), "{bad}");
        }
    }

    #[test]
    fn no_end_can_be_said_in_words() {
        assert!(is_without_end("Vô thời hạn") && is_without_end("không thời hạn ") && !is_without_end("6 tháng"));
    }
}
