//! What a person is offered for a phrase that is in doubt: each word as its neighbours, or the page's other mentions of it, would rather have
//! it. The field stays in doubt, and what was read stays beside it as printed.

use super::layout::{Sheet, join};
use crate::correct;
use sohoa_record::Correction;
use sohoa_record::text::{Word, nfc};

/// From this confidence on a mention of an abbreviation counts …
const MENTION: u8 = 85;
/// … and so many are needed against one reading.
const MENTIONS: usize = 2;

/// The words joined, with what is proposed in the place of what was read.
pub(super) fn proposed(sheet: &Sheet<'_>, words: &[&Word]) -> String {
    let suspected = correct::suspect(sheet.view.text);
    let text_of = |at: usize| words.get(at).map(|word| word.text.as_str());
    let rather = |at: usize, word: &Word| {
        let is_it = |s: &&Correction| {
            let line = sheet.view.text.lines.get(s.line as usize);
            line.and_then(|line| line.words.get(s.word as usize)).is_some_and(|there| std::ptr::eq(there, word))
        };
        let before = at.checked_sub(1).and_then(text_of);
        let by_neighbours = suspected.iter().find(is_it).filter(|s| correct::is_seen_beside(before, &s.text, text_of(at + 1)));
        by_neighbours.map(|s| s.text.clone()).or_else(|| as_mentioned(sheet, word))
    };
    let owned = words.iter().enumerate().map(|(at, word)| match rather(at, word) {
        Some(text) => Word { text, ..(*word).clone() },
        None => (*word).clone(),
    });
    let owned: Vec<Word> = owned.collect();
    nfc(&join(&owned.iter().collect::<Vec<_>>()))
}

/// An abbreviation that was read once and unsurely, as the page writes it elsewhere, again and again, with one other letter: FNDN where the
/// paper is about TNDN.
fn as_mentioned(sheet: &Sheet<'_>, word: &Word) -> Option<String> {
    let own: Vec<char> = word.text.chars().collect();
    if own.len() < 3 || word.confidence >= MENTION || !is_abbreviation(&word.text) {
        return None;
    }
    let elsewhere =
        || sheet.view.text.words().filter(|other| !std::ptr::eq(*other, word)).map(|other| (bare(&other.text), other));
    if elsewhere().any(|(text, _)| text == word.text) {
        return None;
    }
    let one_letter_apart = |text: &str| {
        let mut differ = 0;
        let same_length = text.chars().count() == own.len();
        text.chars().zip(&own).for_each(|(a, b)| differ += usize::from(a != *b));
        same_length && differ == 1
    };
    let mut near =
        elsewhere().filter(|(text, other)| other.confidence >= MENTION && is_abbreviation(text) && one_letter_apart(text));
    let first = near.next()?.0;
    let rest: Vec<&str> = near.map(|(text, _)| text).collect();
    (rest.len() + 1 >= MENTIONS && rest.iter().all(|text| *text == first)).then(|| first.to_owned())
}

/// Without the marks around it.
fn bare(text: &str) -> &str {
    text.trim_matches(|c: char| !c.is_alphanumeric())
}

fn is_abbreviation(text: &str) -> bool {
    !text.is_empty() && text.chars().all(char::is_uppercase)
}

#[cfg(test)]
mod tests {
    use super::super::sample::Paper;
    use super::*;

    /// The words of the paper's first line, as they are proposed.
    fn first_line(paper: Paper) -> String {
        let page = paper.page();
        let view = page.view();
        let words: Vec<&Word> = view.text.lines[0].words.iter().collect();
        proposed(&Sheet::new(&view), &words)
    }

    #[test]
    fn a_word_is_as_its_neighbours_would_have_it() {
        let paper = Paper::new().line(400, 500, "V/v công bô Danh mục thủ tục hành chính");
        assert_eq!(first_line(paper), "V/v công bố Danh mục thủ tục hành chính");
        let paper = Paper::new().line(400, 500, "Kỳ thi tốt nghiệp trung học phố thông năm 2021");
        assert_eq!(first_line(paper), "Kỳ thi tốt nghiệp trung học phổ thông năm 2021");
        let paper = Paper::new().line(400, 500, "Kết luận về xóa nhà tạm, nhà dột nát");
        assert_eq!(first_line(paper), "Kết luận về xóa nhà tạm, nhà dột nát", "đột is frequent, and was never seen there");
        let paper = Paper::new().line(400, 500, "Về việc phê duyệt Kế hoạch năm 2021");
        assert_eq!(first_line(paper), "Về việc phê duyệt Kế hoạch năm 2021", "nothing is wrong with it");
    }

    #[test]
    fn an_abbreviation_is_as_the_page_writes_it_elsewhere() {
        let letter = |confidence: u8, body: &[&str]| {
            let mut paper = Paper::new().line(400, 500, "V/v chính sách thuế FNDN").read_at(confidence);
            for (row, line) in (0..).zip(body) {
                paper = paper.line(400, 700 + 60 * row, line);
            }
            first_line(paper)
        };
        let twice = ["miễn thuế TNDN cho doanh nghiệp", "số thuế TNDN phải nộp"];
        assert_eq!(letter(77, &twice), "V/v chính sách thuế TNDN");
        assert_eq!(letter(96, &twice), "V/v chính sách thuế FNDN", "the engine is sure");
        assert_eq!(letter(77, &twice[..1]), "V/v chính sách thuế FNDN", "one mention against another");
        assert_eq!(letter(77, &["thuế TNDN, thuế TNDN", "thuế FNDN"]), "V/v chính sách thuế FNDN", "the page has both");
        assert_eq!(letter(77, &["thuế TNDN, thuế TNDN", "thuế GNDN"]), "V/v chính sách thuế FNDN", "which one?");
    }
}
