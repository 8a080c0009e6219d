//! Personal numbers in running text: what is hidden from whoever need not see them is found here, in one place.

use std::ops::Range;
use unicode_normalization::char::is_combining_mark;

/// Where personal numbers stand in a text, as ranges of its letters. Taken for one is what has twelve digits (số định danh cá nhân) or more, since
/// a figure that stands beside a number may be read as one with it, or nine as the old identity cards had, in one piece or in groups of one (the boxes
/// of a form), three, four or six; of a word of that length up to two may be read as letters that look like digits. What nobody sees between two digits
/// parts nothing. Ten and eleven digits are telephones and tax codes.
pub fn numbers(letters: &[char]) -> Vec<Range<usize>> {
    let seen: Vec<usize> = (0..letters.len()).filter(|at| !is_unseen(letters[*at])).collect();
    let plain: Vec<char> = seen.iter().map(|at| letters[*at]).collect();
    let (mut found, mut at) = (Vec::new(), 0);
    while at < plain.len() {
        match number_at(&plain, at).or_else(|| misread_at(&plain, at)) {
            Some(end) => {
                found.push(seen[at]..seen[end - 1] + 1);
                at = end;
            }
            None => at = end_of_digits(&plain, at).max(at + 1),
        }
    }
    found
}

/// Marks over the letter before, and what takes no room.
fn is_unseen(c: char) -> bool {
    is_combining_mark(c) || matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}'..='\u{2064}' | '\u{feff}')
}

/// The text with each personal number in one piece, so that nobody finds one group after the other.
pub fn joined(text: &str) -> String {
    let letters: Vec<char> = text.chars().collect();
    let (mut joined, mut at) = (String::with_capacity(text.len()), 0);
    for number in numbers(&letters) {
        joined.extend(&letters[at..number.start]);
        joined.extend(letters[number.clone()].iter().filter(|c| c.is_alphanumeric()));
        at = number.end;
    }
    joined.extend(&letters[at..]);
    joined
}

/// Where a personal number ends that begins here; none when none does.
fn number_at(letters: &[char], at: usize) -> Option<usize> {
    let end = end_of_digits(letters, at);
    let size = end - at;
    if has_size(size) {
        return Some(end);
    }
    let separator = separator(*letters.get(end)?)?;
    if !matches!(size, 1 | 3 | 4 | 6) {
        return None;
    }
    let parts = |at: usize| letters.get(at).is_some_and(|c| self::separator(*c) == Some(separator));
    let goes_on = |end: usize| parts(end) && end_of_digits(letters, end + 1) == end + 1 + size;
    let (mut end, mut digits) = (end, size);
    while goes_on(end) {
        (end, digits) = (end + 1 + size, digits + size);
    }
    // Thousands are written with dots too: 2.000.000.000 is money.
    let is_tail = at > 1 && parts(at - 1) && letters[at - 2].is_numeric();
    let is_number = match (size, digits) {
        (1 | 6, 12..) => true,
        (3 | 4, 9) => matches!(separator, ' ' | '.' | '-') && !(is_tail && separator == '.'),
        (3 | 4, 12..) => !(is_tail && matches!(separator, '.' | ',')),
        _ => false,
    };
    is_number.then_some(end)
}

/// Digits of a personal number in one piece.
fn has_size(digits: usize) -> bool {
    digits == 9 || digits >= 12
}

/// What may part the groups of a number; all kinds of white space are one, and all dashes are.
fn separator(c: char) -> Option<char> {
    match c {
        c if c.is_whitespace() => Some(' '),
        '-' | '\u{2010}'..='\u{2015}' => Some('-'),
        '.' | ',' | '/' | '_' | '·' => Some(c),
        _ => None,
    }
}

/// Digits of a number that an engine may take for letters.
const MOST_MISREAD: usize = 2;

/// The same of a word in which some digits were taken for letters.
fn misread_at(letters: &[char], at: usize) -> Option<usize> {
    let is_inside = |at: usize| letters.get(at).is_some_and(|c| c.is_alphanumeric());
    let like_digits =
        letters[at..].iter().take_while(|c| c.is_ascii_digit() || matches!(c, 'O' | 'o' | 'Q' | 'D' | 'l' | 'I')).count();
    let digits = letters[at..at + like_digits].iter().filter(|c| c.is_ascii_digit()).count();
    let goes_on = is_inside(at + like_digits) || (at > 0 && is_inside(at - 1));
    (!goes_on && has_size(like_digits) && digits + MOST_MISREAD >= like_digits).then_some(at + like_digits)
}

/// The end of the digits that begin here.
fn end_of_digits(letters: &[char], at: usize) -> usize {
    at + letters[at.min(letters.len())..].iter().take_while(|c| c.is_numeric()).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_found_where_an_engine_took_a_digit_for_a_letter() {
        let found = |text: &str| numbers(&text.chars().collect::<Vec<_>>());
        for (text, range) in [
            ("O51086012345", 0..12),
            ("số 05l086O12345.", 3..15),
            ("No051086012345", 2..14),
            ("CMND O12345678", 5..14),
            ("٠٥١٠٩٨٠٠٥٣١٨", 0..12),
            ("CCCD 0510860123451", 5..18),
            ("1O51086012345", 0..13),
            ("00108601234512031990", 0..20),
        ] {
            assert_eq!(found(text), [range], "{text}");
        }
        for text in ["OlOlOl012345", "O51086012345x", "DOOlO2345", "0912345678", "01234567890"] {
            assert!(found(text).is_empty(), "{text}");
        }
    }

    #[test]
    fn a_number_in_groups_becomes_one_word_and_all_else_stays() {
        for (written, one) in [
            ("số 001 086 012 345 cấp", "số 001086012345 cấp"),
            ("0340 8900 1234, 012.345.678", "034089001234, 012345678"),
            ("Số: 0 0 1 0 8 6 0 1 2 3 4 5", "Số: 001086012345"),
            ("001086 012345 0\u{301}01\u{200b}086012345", "001086012345 001086012345"),
            ("001\u{a0}086 012\n345, 001_086_012_345 001\u{2011}086–012-345", "001086012345, 001086012345 001086012345"),
            ("1 2 3 4 5 6 7 8 9; 2,000,000,000 and 345,678,901", "1 2 3 4 5 6 7 8 9; 2,000,000,000 and 345,678,901"),
            ("1 2 3 4 5 6 7 8 9 0 1", "1 2 3 4 5 6 7 8 9 0 1"),
            ("Số: 0 0 1 0 8 6 0 1 2 3 4 5 6", "Số: 0010860123456"),
            ("001 086 012 345 678, 0340 8900 1234 5678", "001086012345678, 0340890012345678"),
            ("001086 012345 120390", "001086012345120390"),
            ("2024 0 0 1 0 8 6 0 1 2 3 4 5", "2024 001086012345"),
            ("001086012345 O51086O12345", "001086012345 O51086O12345"),
            ("Số 51/QĐ-UBND ngày 17 01 2025, 2.000.000.000 đồng", "Số 51/QĐ-UBND ngày 17 01 2025, 2.000.000.000 đồng"),
            ("", ""),
        ] {
            assert_eq!(joined(written), one);
        }
    }
}
