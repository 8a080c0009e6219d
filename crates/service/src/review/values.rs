//! What a person may type into a field: people mistype too. A value is refused when it cannot be right, and kept with a warning
//! when it is only odd, since the person saw the paper and the rule did not.

use jiff::civil::Date;
use sohoa_record::DossierCode;
use sohoa_record::field::name as names;
use sohoa_record::identifier::{
    Doubt, HouseholdNumber, LandBookNumber, LandSerial, Notation, OwnerId, PaperCode, ProcedureCode, TaxCode,
};
use sohoa_record::text::nfc;

/// Letters of a value. The longest field of NĐ 30/2020/NĐ-CP Phụ lục VI has 500.
const MAX_LETTERS: usize = 1000;
/// Letters of a notation (CodeNotation S30).
const MAX_NOTATION: usize = 30;

/// A value as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checked {
    /// NFC, identifiers in their canonical form; none when the paper has no such value.
    pub value: Option<String>,
    /// What is odd about it.
    pub doubts: Vec<Doubt>,
}

/// Checks a value by its field. `today` is the last day on which a paper can have been issued.
pub fn check(name: &str, value: Option<&str>, today: Date) -> Result<Checked, String> {
    if name == names::PAGE_AMOUNT {
        return Err(
            "the number of pages is counted from the scan and nobody types it; scan the paper again if pages are missing".into(),
        );
    }
    let Some(value) = value.map(|value| nfc(value.trim())).filter(|value| !value.is_empty()) else {
        return Ok(Checked { value: None, doubts: Vec::new() });
    };
    if value.chars().any(char::is_control) {
        return Err("has control characters; type it in one line".into());
    }
    if value.chars().count() > MAX_LETTERS {
        return Err(format!("is longer than any field; {MAX_LETTERS} letters at most"));
    }
    let kept = |value: String, doubts| Ok(Checked { value: Some(value), doubts });
    match name {
        names::ISSUED_DATE | names::VALID_UNTIL => {
            let day = day(&value)?;
            if name == names::ISSUED_DATE && (day > today || day.year() < 1900) {
                return Err(format!("{value} lies in the future or before 1900"));
            }
            kept(value, Vec::new())
        }
        names::CODE_NUMBER => match number(&value) {
            Some((value, doubts)) => kept(value, doubts),
            None => {
                Err("is not a number; write its digits without 'Số:' and without the notation, or a certificate's own number \
                 such as 01A8000123"
                    .into())
            }
        },
        names::CODE_NOTATION => match value.parse::<Notation>() {
            Ok(notation) => kept(notation.to_string(), Vec::new()),
            // Papers of earlier decades: QĐ/UB.
            Err(_) if is_older_notation(&value) => kept(value, vec![Doubt::UnverifiedShape]),
            Err(error) => Err(error.to_string()),
        },
        names::DOSSIER_CODE => {
            let code: DossierCode =
                value.parse().map_err(|error: sohoa_record::dossier::MalformedDossierCode| error.to_string())?;
            kept(code.to_string(), Vec::new())
        }
        names::OWNER_ID => {
            let owner: OwnerId = value.parse().map_err(in_words)?;
            kept(owner.to_string(), owner.doubts())
        }
        names::PROCEDURE_CODE => {
            let code: ProcedureCode = value.parse().map_err(in_words)?;
            kept(code.to_string(), code.doubts())
        }
        names::PAPER_KIND_CODE => match value.parse::<PaperCode>() {
            Ok(code) => kept(code.to_string(), Vec::new()),
            Err(_) => kept(value, vec![Doubt::UnverifiedShape]),
        },
        _ => kept(value, Vec::new()),
    }
}

fn in_words(error: sohoa_record::identifier::Malformed) -> String {
    error.to_string()
}

fn day(value: &str) -> Result<Date, String> {
    let day: Option<Date> = value.parse().ok().filter(|_| value.len() == 10);
    day.ok_or_else(|| format!("'{}' is not a day; write YYYY-MM-DD", value.escape_debug().take(40).collect::<String>()))
}

/// The number of a document is digits, perhaps with one letter (`12E`, `07a`); some certificates have identifiers instead.
fn number(value: &str) -> Option<(String, Vec<Doubt>)> {
    let digits = value.strip_suffix(|c: char| c.is_ascii_alphabetic()).unwrap_or(value);
    let plain = (1..=12).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
    if plain {
        return digits.bytes().any(|b| b != b'0').then(|| (value.to_owned(), Vec::new()));
    }
    if let Ok(number) = value.parse::<HouseholdNumber>() {
        return Some((number.to_string(), number.doubts()));
    }
    if let Ok(code) = value.parse::<TaxCode>() {
        return Some((code.to_string(), code.doubts()));
    }
    // Which of a land certificate's two numbers it is does not matter here: it is kept as it was typed.
    let land =
        value.parse::<LandBookNumber>().map(|n| n.to_string()).or_else(|_| value.parse::<LandSerial>().map(|n| n.to_string()));
    land.ok().map(|number| (number, Vec::new()))
}

fn is_older_notation(value: &str) -> bool {
    value.chars().count() <= MAX_NOTATION
        && value.starts_with(|c: char| c.is_uppercase())
        && value.chars().all(|c| c.is_alphanumeric() || matches!(c, '/' | '-' | '.' | '&'))
        && value.ends_with(|c: char| c.is_alphanumeric())
        && value.chars().filter(|c| c.is_uppercase()).count() >= 2
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;
    use proptest::prelude::*;

    fn kept(name: &str, value: &str) -> Result<Option<String>, String> {
        check(name, Some(value), date(2026, 11, 25)).map(|checked| checked.value)
    }

    #[test]
    fn identifiers_are_kept_in_their_canonical_form() {
        for (name, typed, value) in [
            (names::OWNER_ID, "0011 6902 0213", "001169020213"),
            (names::CODE_NUMBER, " 51 ", "51"),
            (names::CODE_NUMBER, "01A8000123", "01A8000123"),
            (names::CODE_NUMBER, "040190008784", "040190008784"),
            (names::CODE_NUMBER, "CH00120", "CH 00120"),
            (names::CODE_NUMBER, "12E", "12E"),
            (names::CODE_NOTATION, "/QÐ - UBND", "QĐ-UBND"),
            (names::CODE_NOTATION, "QĐ/UB", "QĐ/UB"),
            (names::DOSSIER_CODE, "000.00.53.H48-220921-0099", "000.00.53.H48-220921-0099"),
            (names::PROCEDURE_CODE, "1.001612", "1.001612"),
            (names::PAPER_KIND_CODE, "KQ.G15.000031", "KQ.G15.000031"),
            (names::ISSUED_DATE, "2025-03-03", "2025-03-03"),
            ("owner_name", "Nguye\u{302}\u{303}n Văn An", "Nguyễn Văn An"),
        ] {
            assert_eq!(kept(name, typed), Ok(Some(value.to_owned())), "{name}={typed}");
        }
    }

    #[test]
    fn what_cannot_be_right_is_refused_with_words() {
        for (name, typed, why) in [
            (names::ISSUED_DATE, "3/3/2025", "YYYY-MM-DD"),
            (names::ISSUED_DATE, "2026-11-26", "future"),
            (names::ISSUED_DATE, "2025-02-30", "YYYY-MM-DD"),
            (names::VALID_UNTIL, "2030", "YYYY-MM-DD"),
            (names::CODE_NUMBER, "Số: 51", "'Số:'"),
            (names::CODE_NUMBER, "51/QĐ-UBND", "notation"),
            (names::CODE_NUMBER, "000", "digits"),
            (names::CODE_NUMBER, "QĐ", "digits"),
            (names::CODE_NOTATION, "do người kiểm tra nhập", "QĐ-UBND"),
            (names::CODE_NOTATION, "qđ-ubnd", "QĐ-UBND"),
            (names::OWNER_ID, "00116902021", "12 digits"),
            (names::DOSSIER_CODE, "H48.15-251301-0001", "day"),
            (names::PROCEDURE_CODE, "1.00161", "1.001612"),
            (names::PAGE_AMOUNT, "3", "counted"),
            ("subject", "hai\ndòng", "one line"),
        ] {
            let error = kept(name, typed).unwrap_err();
            assert!(error.contains(why), "{name}={typed}: {error}");
        }
        assert!(check(names::PAGE_AMOUNT, None, date(2026, 11, 25)).is_err());
    }

    #[test]
    fn what_is_only_odd_is_kept_with_a_warning() {
        let doubts = |name, value| check(name, Some(value), date(2026, 11, 25)).unwrap().doubts;
        assert_eq!(doubts(names::OWNER_ID, "0100107618"), [Doubt::CheckDigit]);
        assert_eq!(doubts(names::OWNER_ID, "0100233488"), []);
        assert_eq!(doubts(names::CODE_NOTATION, "QĐ/UB"), [Doubt::UnverifiedShape]);
        assert_eq!(doubts(names::PAPER_KIND_CODE, "GKS"), [Doubt::UnverifiedShape]);
        assert_eq!(kept("subject", " "), Ok(None), "an empty value says that the paper has none");
    }

    proptest! {
        #[test]
        fn what_is_kept_is_kept_again(field in 0usize..8, text in "(\\PC{0,24}|[0-9A-ZĐ/. -]{0,14})") {
            let fields = [
                names::CODE_NUMBER, names::CODE_NOTATION, names::OWNER_ID, names::DOSSIER_CODE, names::PROCEDURE_CODE,
                names::PAPER_KIND_CODE, names::ISSUED_DATE, names::SUBJECT,
            ];
            if let Ok(Some(value)) = kept(fields[field], &text) {
                prop_assert_eq!(kept(fields[field], &value), Ok(Some(value.clone())));
            }
        }
    }
}
