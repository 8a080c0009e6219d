//! What stands behind a label, read as what its template says it is. A reading is taken whole or not at all: what does not fit its
//! type has no value.

use super::labels::Token;
use super::layout::pattern;
use super::templates::ValueType;
use super::{family, person, province, spoken_date};
use jiff::civil::Date;
use regex::Regex;
use sohoa_record::text::{Word, fold, nfc, spelling};
use std::sync::LazyLock;

/// A reading that fits its type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Value<'a> {
    /// Normalized.
    pub text: String,
    /// As it stands.
    pub printed: String,
    /// Those that the value was taken from.
    pub words: Vec<&'a Word>,
    /// Nothing in or around it speaks against it.
    pub fits: bool,
}

static DAY: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"(?:^|[^\d/.-])(\d{1,2})\s?[/.-]\s?(\d{1,2})\s?[/.-]\s?((?:19|20)\d{2})(?:$|[^\d/-])"));
static DAY_IN_FULL: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"(?i)ng[aà]y\s*(\d{1,2})\s*th[aáàảãạ]ng\s*(\d{1,2})\s*n[aăâ]m\s*((?:19|20)\d{2})(?:$|\D)"));
static MONTH: LazyLock<Regex> = LazyLock::new(|| pattern(r"^\D*(\d{1,2})\s?[/-]\s?((?:19|20)\d{2})\D*$"));
static YEAR: LazyLock<Regex> = LazyLock::new(|| pattern(r"^\D*((?:19|20)\d{2})\D*$"));
static MONEY: LazyLock<Regex> = LazyLock::new(|| pattern(r"^(\d{1,3}(?:[.,]\d{3})+|\d+)(?:\s*(?:đồng|đ|VNĐ|VND)\b.*)?$"));
static AREA: LazyLock<Regex> = LazyLock::new(|| pattern(r"^(\d{1,3}(?:\.\d{3})+|\d+)(?:,(\d+))?\s*m\s?[2²?z]?(?:\W.*)?$"));
static AREA_POINT: LazyLock<Regex> = LazyLock::new(|| pattern(r"^(\d+)\.(\d{1,2})\s*m\s?[2²?z]?(?:\W.*)?$"));
static CODE: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"^(?:[A-ZĐ]{1,4} )?[0-9A-ZĐ][0-9A-ZĐa-z]*(?:\s?[./-]\s?[0-9A-ZĐ][0-9A-ZĐa-z]*)*$"));
static JOINTS: LazyLock<Regex> = LazyLock::new(|| pattern(r" ?([./-]) ?"));
// a national number begins with 0 and has 10 digits, 11 before 2018
static PHONE: LazyLock<Regex> = LazyLock::new(|| pattern(r"^\(?0\d{1,3}\)?(?:[ .-]?\d)+$"));
static DIGITS: LazyLock<Regex> = LazyLock::new(|| pattern(r"^\d+$"));
static DIGIT_GROUPS: LazyLock<Regex> = LazyLock::new(|| pattern(r"\d+(?: \d+)*"));
static PASSPORT: LazyLock<Regex> = LazyLock::new(|| pattern(r"\b[A-Z]\d{7}\b"));
// dust between two words, or before a figure, read as a full stop
static RUN_ON: LazyLock<Regex> = LazyLock::new(|| pattern(r"\p{Ll}\.[\p{L}\d]"));
// a space that was lost behind a figure, but for units of measure; a mark at a word's beginning; sổ for số before a figure, and số after vào
static SPACE_LOST: LazyLock<Regex> = LazyLock::new(|| pattern(r"\d(\p{Ll}{2,})"));
const UNITS: [&str; 8] = ["km", "cm", "mm", "dm", "ha", "kg", "ml", "kw"];
static MARK_BEFORE: LazyLock<Regex> = LazyLock::new(|| pattern(r"\s[-–—.,:;'`‘’^~*_=+<>|\\]+[\p{L}\p{N}]"));
// a stop between two words of one phrase: "hằng tháng. đối với"
static STOP_WITHIN: LazyLock<Regex> = LazyLock::new(|| pattern(r"\p{Ll}{2}\.\s+\p{Ll}"));
static PERSON: LazyLock<Regex> = LazyLock::new(|| pattern(r"\b(?:ông|bà) ((?:\p{Lu}\p{Ll}+ ?){2,})"));
static UNIT_PARTED: LazyLock<Regex> = LazyLock::new(|| pattern(r"\p{L}[;:.] (?:tỉnh|xã|phường|huyện|quận) \p{Lu}"));
static SO_MISREAD: LazyLock<Regex> = LazyLock::new(|| pattern(r"(?i)\bsổ \d|\bvào số\b"));
static NAME: LazyLock<Regex> = LazyLock::new(|| pattern(r"^\p{L}[\p{L}\p{N} .,&()'’\-–/]*$"));

/// Reads the tokens behind a label. None when nothing stands there or it is not of this type.
pub(super) fn read<'a>(value: ValueType, label: &str, tokens: &[Token<'a>]) -> Option<Value<'a>> {
    let (text, owners) = joined(tokens);
    let trimmed =
        text.trim_matches(|c: char| c.is_whitespace() || matches!(c, '.' | ',' | ':' | ';' | '_' | '|' | '…' | '-' | '–'));
    // a closing bracket without its opening one is a rest of the label
    let trimmed = if trimmed.contains('(') { trimmed } else { trimmed.trim_end_matches(')') };
    let start = text.find(trimmed)?;
    if trimmed.is_empty() {
        return None;
    }
    let of = |from: usize, to: usize| -> Vec<&'a Word> {
        let mut words: Vec<&Word> = owners.get(start + from..start + to).unwrap_or_default().to_vec();
        words.dedup_by(|a, b| std::ptr::eq(*a, *b));
        words
    };
    // a colon at its end is that of a label which the template does not know
    let ends = tokens.last().is_none_or(|token| !token.stop.contains(':'));
    let whole = |text: String, fits: bool| Some(Value { text, printed: nfc(trimmed), words: of(0, trimmed.len()), fits });
    let part = |text: String, (from, to): (usize, usize), fits: bool| {
        Some(Value { text, printed: nfc(&trimmed[from..to]), words: of(from, to), fits })
    };
    match value {
        ValueType::Text => {
            let foreign = fold(trimmed).chars().any(|c| c.is_alphabetic() && !c.is_ascii());
            let fits = ends && !trimmed.contains(':') && !foreign && !is_odd(trimmed) && trimmed.chars().count() <= 500;
            whole(spaced(trimmed), fits)
        }
        ValueType::Name => {
            let letters = trimmed.chars().filter(|c| c.is_alphabetic()).count();
            let foreign = fold(trimmed).chars().any(|c| c.is_alphabetic() && !c.is_ascii());
            let shaped = NAME.is_match(trimmed) && letters * 3 >= trimmed.chars().count() * 2;
            let fits = ends && shaped && !foreign && !person::may_be_misspelled(trimmed, &of(0, trimmed.len()));
            (letters >= 2).then(|| whole(spaced(trimmed), fits)).flatten()
        }
        ValueType::Sex => match fold(trimmed).as_str() {
            "nam" => whole("Nam".into(), true),
            "nu" => whole("Nữ".into(), true),
            _ => None,
        },
        ValueType::Date => {
            let (text, range, fits) = date(trimmed, label)?;
            part(text, range, fits)
        }
        ValueType::DateInWords => spoken_date::parse(trimmed).and_then(|day| whole(day.to_string(), true)),
        ValueType::Year => {
            let year = YEAR.captures(trimmed)?.get(1)?;
            part(year.as_str().to_owned(), (year.start(), year.end()), true)
        }
        ValueType::PersonalNumber => identity(trimmed, &[12]).and_then(|(text, range, fits)| part(text, range, fits)),
        ValueType::IdentityNumber => identity(trimmed, &[12, 9]).and_then(|(text, range, fits)| part(text, range, fits)),
        ValueType::Money => {
            let digits = MONEY.captures(trimmed)?.get(1)?;
            part(digits.as_str().replace(['.', ','], ""), (digits.start(), digits.end()), true)
        }
        ValueType::Area => {
            // the unit is known by its shape, whatever its raised figure was read as
            let figures = trimmed.find(|c: char| !(c.is_ascii_digit() || matches!(c, '.' | ','))).unwrap_or(trimmed.len());
            area(trimmed).and_then(|text| part(text, (0, figures), true))
        }
        ValueType::Phone => {
            let digits: String = trimmed.chars().filter(char::is_ascii_digit).collect();
            let local = digits.len() == 10 || digits.len() == 11;
            (PHONE.is_match(trimmed) && local).then(|| whole(digits, true)).flatten()
        }
        ValueType::Number => {
            let digits = trimmed.split_whitespace().next().filter(|first| DIGITS.is_match(first))?;
            part(digits.to_owned(), (0, digits.len()), true)
        }
        ValueType::Code => {
            // it ends where words begin
            let end = trimmed.find([',', ';', '(']).unwrap_or(trimmed.len());
            let end = trimmed[..end].to_lowercase().find(" ngày").filter(|at| trimmed.is_char_boundary(*at)).unwrap_or(end);
            let code = trimmed[..end].trim_end();
            let digits = code.chars().any(|c| c.is_ascii_digit());
            (digits && CODE.is_match(code))
                .then(|| part(JOINTS.replace_all(code, "$1").into_owned(), (0, code.len()), true))
                .flatten()
        }
        // has no label, see `serial`
        ValueType::LandSerial => None,
    }
}

/// Does something in the text look like dust, a lost space, or the engine's confusion of sổ and số?
fn is_odd(text: &str) -> bool {
    let space_lost = SPACE_LOST.captures_iter(text).any(|found| !UNITS.contains(&&found[1]));
    space_lost || has_dust(text) || SO_MISREAD.is_match(text) || has_misspelled_unit(text) || has_misspelled_person(text)
}

/// Is there a mark within or before a word that nobody prints there?
pub(super) fn has_dust(text: &str) -> bool {
    RUN_ON.is_match(text) || MARK_BEFORE.is_match(text) || STOP_WITHIN.is_match(text)
}

/// Is somebody called "ông" or "bà" by a family name whose marks are wrong: "ông Đỉnh Văn Thuận"?
pub(super) fn has_misspelled_person(text: &str) -> bool {
    PERSON.captures_iter(text).any(|found| found.get(1).is_some_and(|name| family::is_misspelled(name.as_str())))
}

/// A unit of administration before its name whose marks are wrong: "tình Đồng Tháp". The engine is sure of it, and each has one spelling; a comma
/// parts it from the one before.
pub(super) fn has_misspelled_unit(text: &str) -> bool {
    const UNITS: [&str; 6] = ["tỉnh", "xã", "phường", "huyện", "thôn", "quận"];
    let words: Vec<&str> = text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    let is = |word: &str, right: &str| fold(word) == fold(right) && spelling(word) != spelling(right);
    let named = |word: &&str| word.chars().next().is_some_and(|c| c.is_uppercase() || c.is_ascii_digit());
    let before_name = |pair: &[&str]| {
        let small = pair[0].chars().all(char::is_lowercase) && pair[1].chars().nth(1).is_some_and(char::is_lowercase);
        small && named(&pair[1]) && UNITS.iter().any(|unit| is(pair[0], unit))
    };
    let of_dwellers =
        |three: &[&str]| fold(&three.join(" ")) == "to dan pho" && spelling(&three.join(" ")) != spelling("tổ dân phố");
    let unit = words.windows(2).any(before_name) || words.windows(3).any(of_dwellers) || UNIT_PARTED.is_match(text);
    unit || province::is_misspelled_in(text)
}

/// A figure I that was read into a letter: "HII" or "IH" for III. In capitals no other word has two of them together, or these two letters alone.
pub(super) fn has_misread_numeral(text: &str) -> bool {
    let of_i_and_h = |word: &str| word.contains('I') && word.contains('H') && word.chars().all(|c| matches!(c, 'I' | 'H'));
    let numeral = |word: &str| word.chars().all(|c| matches!(c, 'I' | 'V' | 'X' | 'L' | 'C' | 'D' | 'M'));
    text.split(|c: char| !c.is_alphanumeric())
        .any(|word| of_i_and_h(word) || (word.contains("II") && !numeral(word) && word.chars().all(char::is_uppercase)))
}

/// The tokens with one space between words, and for each byte the word it is from.
fn joined<'a>(tokens: &[Token<'a>]) -> (String, Vec<&'a Word>) {
    let (mut text, mut owners): (String, Vec<&Word>) = (String::new(), Vec::new());
    let mut last: Option<&Token<'a>> = None;
    for token in tokens {
        if let Some(last) = last {
            text.push_str(last.stop);
            text.push_str(if std::ptr::eq(last.word, token.word) { "" } else { " " });
            owners.resize(text.len(), last.word);
        }
        text.push_str(token.text);
        owners.resize(text.len(), token.word);
        last = Some(token);
    }
    (text, owners)
}

fn spaced(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A day, else a month or year where the label speaks of time; a second day beside it is a doubt.
fn date(text: &str, label: &str) -> Option<(String, (usize, usize), bool)> {
    let day = |captures: &regex::Captures<'_>| {
        let number = |i: usize| captures.get(i)?.as_str().parse::<i16>().ok();
        let day = Date::new(number(3)?, i8::try_from(number(2)?).ok()?, i8::try_from(number(1)?).ok()?).ok()?;
        Some((day.to_string(), (captures.get(1)?.start(), captures.get(3)?.end())))
    };
    let mut days = DAY.captures_iter(text).chain(DAY_IN_FULL.captures_iter(text)).filter_map(|captures| day(&captures));
    if let Some((first, range)) = days.next() {
        let alone = days.all(|(other, _)| other == first);
        return Some((first, range, alone));
    }
    // a number 8/2025 is no month
    let label = fold(label);
    if !["ngay", "thang", "nam", "sinh", "luc"].iter().any(|word| label.split(' ').any(|w| w == *word)) {
        return None;
    }
    if let Some(captures) = MONTH.captures(text) {
        let (month, year) = (captures.get(1)?, captures.get(2)?);
        let number: u8 = month.as_str().parse().ok().filter(|month| (1..=12).contains(month))?;
        return Some((format!("{}-{number:02}", year.as_str()), (month.start(), year.end()), true));
    }
    let year = YEAR.captures(text)?.get(1)?;
    Some((year.as_str().to_owned(), (year.start(), year.end()), true))
}

/// The number of an identity paper: digits in groups are one number; the longest of the lengths wins.
fn identity(text: &str, lengths: &[usize]) -> Option<(String, (usize, usize), bool)> {
    let groups: Vec<(String, (usize, usize))> =
        DIGIT_GROUPS.find_iter(text).map(|m| (m.as_str().replace(' ', ""), (m.start(), m.end()))).collect();
    for length in lengths {
        let mut fitting = groups.iter().filter(|(digits, _)| digits.len() == *length);
        if let Some((digits, range)) = fitting.next() {
            let fits = fitting.all(|(other, _)| other == digits);
            return Some((digits.clone(), *range, fits));
        }
    }
    let passport = PASSPORT.find(text).filter(|_| lengths.len() > 1)?;
    Some((passport.as_str().to_owned(), (passport.start(), passport.end()), true))
}

/// Square metres: the comma is the decimal sign, the point parts thousands; one or two digits behind a point are decimals too.
fn area(text: &str) -> Option<String> {
    if let Some(captures) = AREA_POINT.captures(text) {
        return Some(format!("{}.{}", captures.get(1)?.as_str(), captures.get(2)?.as_str()));
    }
    let captures = AREA.captures(text)?;
    let whole = captures.get(1)?.as_str().replace('.', "");
    Some(captures.get(2).map_or(whole.clone(), |decimals| format!("{whole}.{}", decimals.as_str())))
}

static SERIAL: LazyLock<Regex> = LazyLock::new(|| pattern(r"^[A-ZĐ]{2} ?(?:\d{6}|\d{8})$"));

/// The serial of a land certificate, when it is a cell of its own: `BN 531146`.
pub(super) fn serial(cell: &str) -> Option<String> {
    let cell = cell.trim();
    let plain = cell.chars().map(|c| if matches!(c, 'Ð' | 'Ɖ') { 'Đ' } else { c }).collect::<String>();
    SERIAL.is_match(&plain).then(|| {
        let letters: String = plain.chars().take(2).collect();
        let digits: String = plain.chars().filter(char::is_ascii_digit).collect();
        format!("{letters} {digits}")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use sohoa_record::text::Rect;

    fn read_as(value: ValueType, label: &str, text: &str) -> Option<(String, bool)> {
        let words: Vec<Word> =
            text.split(' ').map(|text| Word { text: text.into(), rect: Rect::default(), confidence: 95 }).collect();
        let token = |word| Token { word, text: word.text.as_str(), folded: String::new(), colon: false, stop: "" };
        let tokens: Vec<Token<'_>> = words.iter().map(token).collect();
        read(value, label, &tokens).map(|value| (value.text, value.fits))
    }

    #[test]
    fn days_months_and_years_keep_their_precision() {
        let date = |text: &str| read_as(ValueType::Date, "Ngày, tháng, năm sinh", text);
        let sure = |text: &str| Some((text.to_owned(), true));
        assert_eq!(date("08/7/2025"), sure("2025-07-08"));
        assert_eq!(date("8-12-1960."), sure("1960-12-08"));
        assert_eq!(date("18 giờ 10 phút, ngày 05 tháng 01 năm 2026"), sure("2026-01-05"));
        assert_eq!(date("1933"), sure("1933"));
        assert_eq!(date("07/1933"), sure("1933-07"));
        assert_eq!(date("31/6/2025"), None);
        assert_eq!(date("08/7/2025 hoặc 09/7/2025"), Some(("2025-07-08".into(), false)));
        // a number is no month
        assert_eq!(read_as(ValueType::Date, "Số", "8/2025"), None);
        assert_eq!(read_as(ValueType::Date, "Số", "386/2026 ngày 06/01/2026"), sure("2026-01-06"));
    }

    #[test]
    fn a_stop_within_a_word_is_not_believed() {
        assert_eq!(read_as(ValueType::Text, "Nơi cư trú:", "phường.Long Hạc"), Some(("phường.Long Hạc".into(), false)));
        assert_eq!(read_as(ValueType::Text, "Nơi cư trú:", "TP. Quảng Ngãi"), Some(("TP. Quảng Ngãi".into(), true)));
    }

    #[test]
    fn dust_lost_spaces_and_so_for_so_are_not_believed() {
        let fits = |text: &str| read_as(ValueType::Text, "", text).is_some_and(|(_, fits)| fits);
        for odd in
            ["01bộ", "thiết bị lắp đặt -4", "sơn, .kính", "Giấy chứng nhận số vào số CH 09090", "Hồ sơ thiết kế sổ 12-2024"]
        {
            assert!(!fits(odd), "{odd}");
        }
        for plain in [
            "01 bộ",
            "cách đường 12km",
            "Bệnh viện Sản - Nhi",
            "Giấy chứng nhận số vào sổ CH 09090",
            "Sổ hộ khẩu số 123",
            "Tổ 3 (cũ)",
        ] {
            assert!(fits(plain), "{plain}");
        }
    }

    #[test]
    fn units_of_administration_have_one_spelling() {
        for wrong in [
            "Tố dân phố 12, phường Bình Khuê",
            "xã Sơn Lĩnh, tình Đồng Tháp",
            "xã Nghĩa Kỵ; tỉnh Lâm Đồng",
            "thón Văn Bân",
            "phướng Long Hạc",
        ] {
            assert!(has_misspelled_unit(wrong), "{wrong}");
        }
        for right in ["Tổ dân phố 12, phường Bình Khuê, tỉnh Đồng Tháp", "xã Xa Dung", "tình hình kinh tế", "XÃ LONG HẠC"]
        {
            assert!(!has_misspelled_unit(right), "{right}");
        }
        assert!(has_misread_numeral("quý HII năm 2025") && has_misread_numeral("quý IH năm 2025"));
        assert!(!has_misread_numeral("quý III, kỳ VIII, ASCII1 Wii, HIỆP"));
        assert!(has_dust("trợ cấp hằng tháng. đối với ông Lê Bá Dũng") && !has_dust("TP. Quảng Ngãi, ĐT. của xã"));
        assert!(has_misspelled_person("đối với ông Đỉnh Văn Thuận, xã An Trầm"));
        assert!(!has_misspelled_person("đối với ông Đinh Văn Thuận; ông Y Vinh Tơr; núi Bà Đen; bà con"));
        assert!(has_dust("Tổ dân phố.1, phường Bình Khuê") && !has_dust("Tổ dân phố 1, phường Bình Khuê. Số 5"));
    }

    #[test]
    fn identity_numbers_are_found_among_words_and_joined() {
        let number = |value, text: &str| read_as(value, "Giấy tờ tùy thân", text).map(|(text, _)| text);
        let long = "Thẻ căn cước số 051098005206, Bộ Công an cấp ngày 11/02/2025";
        assert_eq!(number(ValueType::IdentityNumber, long).as_deref(), Some("051098005206"));
        assert_eq!(number(ValueType::PersonalNumber, "0510 9800 5206").as_deref(), Some("051098005206"));
        assert_eq!(number(ValueType::PersonalNumber, "05109800520"), None);
        assert_eq!(number(ValueType::IdentityNumber, "CMND số 212345678").as_deref(), Some("212345678"));
        assert_eq!(number(ValueType::PersonalNumber, "CMND số 212345678"), None);
        assert_eq!(number(ValueType::IdentityNumber, "Hộ chiếu C1234567").as_deref(), Some("C1234567"));
    }

    #[test]
    fn amounts_areas_and_codes_lose_their_dress() {
        let text = |value, text: &str| read_as(value, "", text).map(|(text, _)| text);
        assert_eq!(text(ValueType::Money, "150.000.000 đồng (Một trăm năm mươi triệu đồng)").as_deref(), Some("150000000"));
        assert_eq!(text(ValueType::Area, "1.250,5 m2").as_deref(), Some("1250.5"));
        assert_eq!(text(ValueType::Area, "120.5 m² (Bằng chữ: một trăm)").as_deref(), Some("120.5"));
        assert_eq!(text(ValueType::Area, "1.250 m2").as_deref(), Some("1250"));
        assert_eq!(text(ValueType::Area, "rộng 12 m2"), None);
        assert_eq!(text(ValueType::Code, "58 / 2025").as_deref(), Some("58/2025"));
        assert_eq!(text(ValueType::Code, "386/2026 ngày 06/01/2026").as_deref(), Some("386/2026"));
        assert_eq!(text(ValueType::Code, "không"), None);
        for phone in ["0255 555 0173", "02555550173", "(0255) 555.0173", "0255-555-0173."] {
            assert_eq!(text(ValueType::Phone, phone).as_deref(), Some("02555550173"), "{phone}");
        }
        for none in ["255 555 0173", "0255 555", "0255 555 0173 / 0912 345 678", "0255 555 O173", "không"] {
            assert_eq!(text(ValueType::Phone, none), None, "{none}");
        }
        assert_eq!(text(ValueType::Sex, "Nữ.").as_deref(), Some("Nữ"));
        assert_eq!(text(ValueType::Sex, "Nam giới tính"), None);
    }

    #[test]
    fn names_stay_as_printed_and_figures_in_them_are_a_doubt() {
        let name = |text: &str| read_as(ValueType::Name, "", text);
        assert_eq!(name("H' HEN NIÊ"), Some(("H' HEN NIÊ".into(), true)));
        assert_eq!(name("CHÂU A PÁO"), Some(("CHÂU A PÁO".into(), true)));
        assert_eq!(name("NGUYỄN V@N"), Some(("NGUYỄN V@N".into(), false)));
        assert_eq!(name("…"), None);
    }

    #[test]
    fn the_serial_is_two_letters_and_six_or_eight_digits() {
        assert_eq!(serial("BN 531146").as_deref(), Some("BN 531146"));
        assert_eq!(serial("AA09273289").as_deref(), Some("AA 09273289"));
        assert_eq!(serial("CH 00120"), None);
    }
}
