//! The letter that the engine's model does not have: of all Vietnamese letters its alphabet (the unicharset of Debian's vie.traineddata)
//! lacks ỵ and Ỵ. It reads kỵ, lỵ, mỵ, tỵ without their dot, and is sure of it. Where its dot was seen
//! the word has it (`recognize/dotted_y`); one that may have lost it is a reason to look.

use crate::recognize::dotted_y::DOTTED;
use sohoa_record::text::{Word, spelling};

/// May one of the words have lost the dot of its y? "Công ty" has none.
pub(super) fn may_lack_a_letter(words: &[&Word]) -> bool {
    let plain = |word: &Word| spelling(word.text.trim_matches(|c: char| !c.is_alphanumeric()));
    let mut before = String::new();
    words.iter().any(|word| {
        let word = plain(word);
        let may = DOTTED.contains(&word.as_str()) && !(word == "ty" && before == spelling("công"));
        before = word;
        may
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use sohoa_record::text::Rect;

    #[test]
    fn only_words_that_may_have_had_the_dot_are_noticed() {
        let lacks = |text: &str| {
            let words: Vec<Word> =
                text.split(' ').map(|text| Word { text: text.to_owned(), rect: Rect::default(), confidence: 96 }).collect();
            may_lack_a_letter(&words.iter().collect::<Vec<_>>())
        };
        assert!(lacks("XÃ NGHĨA KY") && lacks("xã Nghĩa Ky, tỉnh Phú Thọ") && lacks("Nguyễn Thị My"));
        assert!(!lacks("Công ty TNHH Mỹ Lý") && !lacks("xã Kỳ Thọ") && !lacks("Quy định"));
    }
}
