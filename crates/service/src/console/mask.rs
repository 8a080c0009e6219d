//! Personal numbers in what can be listed, searched or copied: all but the last three digits are hidden from whoever need not see them.

use sohoa_record::field::name::OWNER_ID;

/// The value of a field as this person may see it.
pub fn field(name: &str, value: &str, sees_numbers: bool) -> String {
    if sees_numbers || !is_personal_field(name) { text(value, sees_numbers) } else { hidden(value) }
}

/// Running text as this person may see it: what has as many digits as a personal number (12), or as the old identity cards had (9), is
/// taken for one.
pub fn text(text: &str, sees_numbers: bool) -> String {
    if sees_numbers {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(|c: char| c.is_ascii_digit()) {
        let (before, from) = rest.split_at(at);
        out.push_str(before);
        let end = end_of_number(from);
        let (number, after) = from.split_at(end);
        let digits = number.bytes().filter(u8::is_ascii_digit).count();
        out.push_str(&if matches!(digits, 9 | 12) { hidden(number) } else { number.to_owned() });
        rest = after;
    }
    out.push_str(rest);
    out
}

/// Where digits end that at most one space or dot at a time parts.
fn end_of_number(from: &str) -> usize {
    let bytes = from.as_bytes();
    let mut end = 0;
    while end < bytes.len() {
        match bytes[end] {
            b'0'..=b'9' => end += 1,
            b' ' | b'.' if bytes.get(end + 1).is_some_and(u8::is_ascii_digit) => end += 1,
            _ => break,
        }
    }
    end
}

/// Fields whose value is such a number, in whatever section of a form.
fn is_personal_field(name: &str) -> bool {
    [OWNER_ID, "personal_number", "identity_paper"].iter().any(|field| name.ends_with(field))
}

fn hidden(value: &str) -> String {
    let letters = value.chars().filter(|c| c.is_alphanumeric()).count();
    let mut left = letters.saturating_sub(3);
    let hide = |c: char| match c.is_alphanumeric() && left > 0 {
        true => {
            left -= 1;
            '•'
        }
        false => c,
    };
    value.chars().map(hide).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_hidden_but_for_their_end() {
        assert_eq!(field("owner_id", "001086012345", false), "•••••••••345");
        assert_eq!(field("mother_personal_number", "001 086 012 345", false), "••• ••• ••• 345");
        assert_eq!(field("owner_id", "001086012345", true), "001086012345");
        assert_eq!(field("subject", "Giấy của 001086012345", false), "Giấy của •••••••••345");
    }

    #[test]
    fn other_figures_stay() {
        for same in ["Số 51/QĐ-UBND ngày 17/01/2025", "H48.15-250117-0042", "2.000.000.000 đồng", "12 34", "năm 2025"] {
            assert_eq!(text(same, false), same);
        }
        assert_eq!(text("CMND 012345678, số 012.345.678", false), "CMND ••••••678, số •••.•••.678");
    }
}
