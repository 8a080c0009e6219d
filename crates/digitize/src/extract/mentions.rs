//! The name of a unit stands on a paper several times: in the header, beside the day, in subject and addresses. Where it is spelled with other
//! marks elsewhere, one of the two was misread, however sure the engine is of both.

use super::layout::Sheet;
use sohoa_record::text::{Word, fold, spelling};
use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;

/// From this confidence a mention is a witness.
const WITNESS: u8 = 80;
/// Folded words after which a unit's name follows.
const LEVELS: [&str; 10] = ["xa", "phuong", "tran", "huyen", "quan", "tinh", "pho", "khu", "thon", "ap"];

/// Is a unit's name among these words spelled otherwise at least as often on the page? Names of one word say nothing.
pub(super) fn is_disputed(sheet: &Sheet<'_>, text: &str) -> bool {
    names(text).any(|pair| {
        let (alike, otherwise) = count(sheet, pair);
        otherwise > 0 && otherwise >= alike
    })
}

/// Does the page spell the name so in two places or more, and seldom otherwise?
pub(super) fn is_echoed(sheet: &Sheet<'_>, name: &str) -> bool {
    let words: Vec<&str> = name.split_whitespace().collect();
    let echoed = |pair: &[&str]| {
        let (alike, otherwise) = count(sheet, [pair[0], pair[1]]);
        alike >= 2 && alike > otherwise
    };
    words.len() > 1 && words.windows(2).all(echoed)
}

/// Every two neighbours of the names in a text: "xã Nậm Hu Lĩnh" has two.
fn names(text: &str) -> impl Iterator<Item = [&str; 2]> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let mut pairs = Vec::new();
    let mut inside = false;
    for pair in words.windows(2) {
        let level = LEVELS.contains(&fold(pair[0]).as_str());
        let named = pair.iter().all(|word| is_named(word)) && !LEVELS.contains(&fold(pair[1]).as_str());
        inside = level && is_named(pair[1]) || inside && named && !ends(pair[0]);
        if inside && !level {
            pairs.push([pair[0], pair[1]]);
        }
    }
    pairs.into_iter()
}

/// How often the page has these two words with the same marks, and how often with others. Capitals that lost all marks say nothing.
fn count(sheet: &Sheet<'_>, name: [&str; 2]) -> (usize, usize) {
    let own = name.map(spelling);
    let name = name.map(plain);
    let (folded, letters) = (name.map(fold), name.map(|word| word.chars().count()));
    let (mut alike, mut otherwise) = (0, 0);
    for pair in sheet.runs.iter().flat_map(|run| run.words.windows(2)) {
        let same = |at: usize| {
            let word = plain(&pair[at].text);
            // counting letters is cheap, and few words of a page have as many
            word.chars().count() == letters[at] && pair[at].confidence >= WITNESS && is_named(word) && fold(word) == folded[at]
        };
        if !same(0) || !same(1) || ends(&pair[0].text) {
            continue;
        }
        let read = [0, 1].map(|at: usize| spelling(&pair[at].text));
        if read == own {
            alike += 1;
        } else if !lost_marks(&[pair[0], pair[1]], &own) {
            otherwise += 1;
        }
    }
    (alike, otherwise)
}

/// Does a word have no mark at all that has some in `meant`?
fn lost_marks(read: &[&Word; 2], meant: &[String; 2]) -> bool {
    let marked = |text: &str| text.nfd().any(is_combining_mark);
    read.iter().zip(meant).all(|(word, meant)| spelling(&word.text) == *meant || !marked(&word.text) && marked(meant))
}

fn is_named(word: &str) -> bool {
    word.chars().find(|c| c.is_alphanumeric()).is_some_and(char::is_uppercase)
}

/// Does a mark behind the word end the name?
fn ends(word: &str) -> bool {
    word.ends_with([',', ';', '.', ':', ')'])
}

fn plain(word: &str) -> &str {
    word.trim_matches(|c: char| !c.is_alphanumeric())
}

#[cfg(test)]
mod tests {
    use super::super::sample::Paper;
    use super::*;

    fn page(header: &str, day: &str, subject: &str) -> super::super::sample::SamplePage {
        Paper::new().line(400, 200, "ỦY BAN NHÂN DÂN").line(400, 270, header).line(1250, 380, day).centred(565, subject).page()
    }

    #[test]
    fn a_name_that_stands_otherwise_elsewhere_is_disputed() {
        let disputed = |page: &super::super::sample::SamplePage, text: &str| is_disputed(&Sheet::new(&page.view()), text);
        let one = page("XÃ MỸ DIÊN", "Mỹ Diên, ngày 07 tháng 9 năm 2022", "với cách mạng tại xã Mỹ Diện");
        assert!(disputed(&one, "với cách mạng tại xã Mỹ Diện"));
        assert!(!disputed(&one, "ỦY BAN NHÂN DÂN XÃ MỸ DIÊN"), "two against one");
        let tie = page("XÃ MỸ DIÊN", "ngày 07 tháng 9 năm 2022", "với cách mạng tại xã Mỹ Diện");
        assert!(disputed(&tie, "ỦY BAN NHÂN DÂN XÃ MỸ DIÊN") && disputed(&tie, "tại xã Mỹ Diện,"));
        let lost = page("XÃ MY DIEN", "Mỹ Diện, ngày 07 tháng 9 năm 2022", "về việc khác");
        assert!(!disputed(&lost, "ỦY BAN NHÂN DÂN XÃ MỸ DIỆN"), "capitals that lost their marks");
        assert!(!disputed(&one, "thửa đất của ông Mỹ Diện"), "no unit's name");
        assert!(!disputed(&one, "xã Long Hạc, tỉnh Lâm Đồng") && !disputed(&one, ""));
    }

    #[test]
    fn a_name_is_echoed_when_two_places_spell_it_so() {
        let echoed = |subject: &str, name: &str| {
            is_echoed(&Sheet::new(&page("XÃ HƯNG ĐÔ", "Hưng Đỗ, ngày 07 tháng 9 năm 2022", subject).view()), name)
        };
        assert!(echoed("tại xã Hưng Đỗ", "Hưng Đỗ") && !echoed("tại xã khác", "Hưng Đỗ") && !echoed("tại xã Hưng Đô", "Hưng Đỗ"));
        assert!(!echoed("tại xã Hưng Đỗ", "Đỗ") && !echoed("tại xã Hưng Đỗ", ""));
    }
}
