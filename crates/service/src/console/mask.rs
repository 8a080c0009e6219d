//! Personal numbers in what can be listed, searched or copied: all but the last three digits are hidden from whoever need not see them.

use sohoa_record::field::name::OWNER_ID;
use sohoa_record::personal;
use sohoa_record::text::fold;

/// The value of a field as this person may see it.
pub fn field(name: &str, value: &str, sees_numbers: bool) -> String {
    if sees_numbers || !is_personal_field(name) { text(value, sees_numbers) } else { hidden(value) }
}

/// Running text as this person may see it. Letter for letter as long as before.
pub fn text(text: &str, sees_numbers: bool) -> String {
    if sees_numbers {
        return text.to_owned();
    }
    let mut letters: Vec<char> = text.chars().collect();
    personal::numbers(&letters).into_iter().for_each(|number| hide(&mut letters[number]));
    letters.into_iter().collect()
}

/// What this person searches for, without what would be hidden in an answer: who may see the end of a number only must not find out the rest
/// by trying.
pub fn question(text: &str, sees_numbers: bool) -> String {
    let mut letters: Vec<char> = text.chars().collect();
    if !sees_numbers {
        personal::numbers(&letters).into_iter().for_each(|number| letters[number].fill(' '));
    }
    let question: String = letters.into_iter().collect();
    // What is compared is folded: whatever becomes a number by that is one.
    let compared: Vec<char> = fold(&question).chars().collect();
    if sees_numbers || personal::numbers(&compared).is_empty() { question } else { String::new() }
}

/// Pieces of one text, with what is told of each: a number may lie across several.
pub fn pieces<'a>(pieces: impl Iterator<Item = (&'a str, bool)>, sees_numbers: bool) -> Vec<(String, bool)> {
    let pieces: Vec<(&str, bool)> = pieces.collect();
    let whole: String = pieces.iter().map(|(piece, _)| *piece).collect::<Vec<_>>().join(" ");
    let mut masked = text(&whole, sees_numbers).chars().collect::<Vec<_>>().into_iter();
    let mut next = |piece: &str| {
        let own: String = masked.by_ref().take(piece.chars().count()).collect();
        // The space between.
        masked.next();
        own
    };
    pieces.iter().map(|(piece, told)| (next(piece), *told)).collect()
}

/// Fields whose value is such a number, in whatever section of a form.
fn is_personal_field(name: &str) -> bool {
    [OWNER_ID, "personal_number", "identity_paper"].iter().any(|field| name.ends_with(field))
}

fn hidden(value: &str) -> String {
    let mut letters: Vec<char> = value.chars().collect();
    hide(&mut letters);
    letters.into_iter().collect()
}

/// All but the last three.
fn hide(letters: &mut [char]) {
    let many = letters.iter().filter(|c| c.is_alphanumeric()).count();
    letters.iter_mut().filter(|c| c.is_alphanumeric()).take(many.saturating_sub(3)).for_each(|c| *c = '•');
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
    fn numbers_are_found_however_they_are_written_and_whatever_follows() {
        for (seen, shown) in [
            ("CMND 012345678, số 012.345.678", "CMND ••••••678, số •••.•••.678"),
            ("CCCD 001086012345 12/03/1990", "CCCD •••••••••345 12/03/1990"),
            ("0340 8900 1234 06/07/2001", "•••• •••• •234 06/07/2001"),
            ("001-086-012-345", "•••-•••-•••-345"),
            // A scanner's time stamp: nobody can tell that it is no number with figures beside it (docs/decisions.md).
            ("20261128093000.pdf", "•••••••••••000.pdf"),
            ("0 0 1 0 8 6 0 1 2 3 4 5", "• • • • • • • • • 3 4 5"),
            ("số 001 086 012 345 cấp", "số ••• ••• ••• 345 cấp"),
        ] {
            assert_eq!(text(seen, false), shown);
            assert_eq!(text(seen, true), seen);
        }
        let cut = [("Số", false), ("001 086", true), ("012 345", false)];
        let shown: Vec<String> = pieces(cut.into_iter(), false).into_iter().map(|(piece, _)| piece).collect();
        assert_eq!(shown, ["Số", "••• •••", "••• 345"]);
    }

    #[test]
    fn nobody_asks_for_a_number_that_would_be_hidden() {
        for (typed, asked) in [
            ("001086012345", ""),
            ("0\u{301}01086012\u{200b}345", ""),
            ("001:086:012:345 Lan", ""),
            ("Lan 001 086 012 345 hộ", "Lan hộ"),
            ("\"0340 8900 1234\" 51/QĐ-UBND", "\" \" 51/QĐ-UBND"),
            ("H48.15-250117-0042", "H48.15-250117-0042"),
        ] {
            assert_eq!(question(typed, false).split_whitespace().collect::<Vec<_>>().join(" "), asked);
            assert_eq!(question(typed, true), typed);
        }
    }

    #[test]
    fn other_figures_stay() {
        for same in [
            "Số 51/QĐ-UBND ngày 17/01/2025",
            "H48.15-250117-0042",
            "2.000.000.000 đồng",
            "12 34",
            "năm 2025",
            "0913 123",
            "1234567890",
            "scan_20261128_093000.pdf",
            "20261128-093000-01.pdf",
        ] {
            assert_eq!(text(same, false), same);
        }
    }
}
