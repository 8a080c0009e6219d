//! How near a text comes to the truth, whatever the order in which the parts of the page were read.

use std::collections::HashMap;
use unicode_normalization::UnicodeNormalization as _;

/// What was counted on one page, or on many.
#[derive(Clone, Copy, Default, Debug, PartialEq, Eq)]
pub struct Score {
    /// Words of the truth.
    pub words: usize,
    /// Words that were read.
    pub read: usize,
    /// Words that both have, each as often as both have it.
    pub found: usize,
    /// Characters of the truth's lines.
    pub characters: usize,
    /// Characters to change, add or take away so that every line of the truth stands in the text.
    pub wrong: usize,
}

impl Score {
    /// Of one page.
    pub fn of(truth: &str, text: &str) -> Score {
        let (expected, read) = (words(truth), words(text));
        let mut left = HashMap::<&str, usize>::new();
        read.iter().for_each(|word| *left.entry(word).or_default() += 1);
        let mut take = |word: &String| left.get_mut(word.as_str()).filter(|n| **n > 0).map(|n| *n -= 1).is_some();
        let found = expected.iter().filter(|word| take(word)).count();
        let lines = lines(truth, text);
        let characters = lines.iter().map(|line| line.text.chars().count()).sum();
        let wrong = lines.iter().map(|line| line.wrong).sum();
        Score { words: expected.len(), read: read.len(), found, characters, wrong }
    }

    /// Of both.
    pub fn plus(self, other: Score) -> Score {
        Score {
            words: self.words + other.words,
            read: self.read + other.read,
            found: self.found + other.found,
            characters: self.characters + other.characters,
            wrong: self.wrong + other.wrong,
        }
    }

    /// Percent of the truth's words that were read.
    pub fn recall(&self) -> f64 {
        percent(self.found, self.words)
    }

    /// Percent of the words that were read that are the truth's.
    pub fn precision(&self) -> f64 {
        percent(self.found, self.read)
    }

    /// Character error rate in percent.
    pub fn cer(&self) -> f64 {
        percent(self.wrong, self.characters)
    }
}

/// A line of the truth, and how much of it is wrong in a text.
pub struct Line {
    /// The line, as it is compared.
    pub text: String,
    /// Characters.
    pub wrong: usize,
}

/// The lines of the truth that have letters or digits.
pub fn lines(truth: &str, text: &str) -> Vec<Line> {
    let page: Vec<char> = folded(text).chars().collect();
    let lines = truth.lines().map(folded).filter(|line| line.chars().any(char::is_alphanumeric));
    lines.map(|text| Line { wrong: distance_to_best_place(&text.chars().collect::<Vec<_>>(), &page), text }).collect()
}

/// 0 of nothing.
fn percent(part: usize, whole: usize) -> f64 {
    if whole == 0 { 0.0 } else { 100.0 * part as f64 / whole as f64 }
}

/// The words of a text in NFC, without the punctuation around them; what has neither letter nor digit is no word.
pub fn words(text: &str) -> Vec<String> {
    text.split_whitespace().filter_map(word).collect()
}

/// One word in that form.
pub fn word(token: &str) -> Option<String> {
    let composed: String = token.nfc().collect();
    let bare = composed.trim_matches(|c: char| !c.is_alphanumeric());
    (!bare.is_empty()).then(|| bare.to_owned())
}

/// A text in NFC with single blanks. Leaders have no length that anybody reads, and dashes and quotation marks look alike: `…`
/// is a dot, a run of dots, dashes or underscores is one, and each kind has one form.
fn folded(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    for c in text.nfc() {
        let c = match c {
            '…' => '.',
            '–' | '—' | '−' => '-',
            '“' | '”' | '„' => '"',
            '‘' | '’' => '\'',
            c if c.is_whitespace() => ' ',
            c => c,
        };
        if !(folded.ends_with(c) && matches!(c, ' ' | '.' | '-' | '_')) {
            folded.push(c);
        }
    }
    folded.trim().to_owned()
}

/// The Levenshtein distance between the line and that part of the page which is nearest to it (fitting alignment, Sellers 1980).
fn distance_to_best_place(line: &[char], page: &[char]) -> usize {
    // Costs of ending at each place of the page; to begin anywhere is free.
    let mut costs = vec![0u16; page.len() + 1];
    for (above, expected) in line.iter().enumerate() {
        let mut diagonal = costs[0];
        costs[0] = above as u16 + 1;
        for (place, there) in page.iter().enumerate() {
            let changed = diagonal + u16::from(there != expected);
            diagonal = costs[place + 1];
            costs[place + 1] = changed.min(diagonal + 1).min(costs[place] + 1);
        }
    }
    usize::from(costs.into_iter().min().unwrap_or(0))
}

/// Which of the words that were read are right. The longest common sequence with the truth decides, and once more that of what is
/// then left on both sides: a column that was read in another order is not wrong for that.
pub fn right(truth: &[String], read: &[String]) -> Vec<bool> {
    let mut right = vec![false; read.len()];
    let mut missing = vec![true; truth.len()];
    for _ in 0..2 {
        let expected: Vec<usize> = (0..truth.len()).filter(|&nth| missing[nth]).collect();
        let open: Vec<usize> = (0..read.len()).filter(|&nth| !right[nth]).collect();
        let same = |a: usize, b: usize| truth[expected[a]] == read[open[b]];
        for (a, b) in common_sequence(expected.len(), open.len(), same) {
            missing[expected[a]] = false;
            right[open[b]] = true;
        }
    }
    right
}

/// Pairs of the longest common subsequence of two sequences of these lengths.
fn common_sequence(a: usize, b: usize, same: impl Fn(usize, usize) -> bool) -> Vec<(usize, usize)> {
    let wide = b + 1;
    let mut longest = vec![0u16; (a + 1) * wide];
    for i in (0..a).rev() {
        for j in (0..b).rev() {
            longest[i * wide + j] = match same(i, j) {
                true => longest[(i + 1) * wide + j + 1] + 1,
                false => longest[(i + 1) * wide + j].max(longest[i * wide + j + 1]),
            };
        }
    }
    let (mut i, mut j, mut pairs) = (0, 0, Vec::new());
    while i < a && j < b {
        if same(i, j) {
            pairs.push((i, j));
            (i, j) = (i + 1, j + 1);
        } else if longest[(i + 1) * wide + j] >= longest[i * wide + j + 1] {
            i += 1;
        } else {
            j += 1;
        }
    }
    pairs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_lose_only_what_is_around_them() {
        assert_eq!(words(" (Tên  dự-án); ......... “51/QĐ-UBND”. —"), ["Tên", "dự-án", "51/QĐ-UBND"]);
        assert_eq!(words("ti\u{309}nh"), ["tỉnh"]);
    }

    #[test]
    fn a_page_read_in_another_order_is_not_wrong() {
        let truth = "ỦY BAN NHÂN DÂN\nXÃ PHƯỚC LĨNH\n\nCỘNG HÒA XÃ HỘI\nĐộc lập - Tự do";
        let read = "ỦY BAN NHÂN DÂN CỘNG HÒA XÃ HỘI\nXÃ PHƯỚC LĨNH Độc lập – Tự do";
        let score = Score::of(truth, read);
        assert_eq!((score.wrong, score.found, score.words, score.read), (0, 15, 15, 15));
    }

    #[test]
    fn each_wrong_character_counts_once() {
        let score = Score::of("Căn cứ Luật\nsố 45", "Căn cử Luật số 4 5 thêm");
        assert_eq!((score.wrong, score.characters), (2, 16));
        assert_eq!((score.words, score.found, score.read), (5, 3, 7));
        assert_eq!(Score::of("một\nhai", "").wrong, 6, "all of it, when nothing was read");
        assert_eq!(Score::of("", "rác").cer(), 0.0);
    }

    #[test]
    fn leaders_have_no_length() {
        assert_eq!(Score::of("Tên: ………… ngày", "Tên: ..... ngày").wrong, 0);
        assert_eq!(Score::of("----------", "x").characters, 0);
    }

    #[test]
    fn a_word_is_right_where_it_stands() {
        let of = |text: &str| words(text);
        assert_eq!(right(&of("a b c d"), &of("a x c d")), [true, false, true, true]);
        assert_eq!(right(&of("a b c d e"), &of("d e a b c")), [true; 5], "a block that moved");
        assert_eq!(right(&of("a b"), &of("a a b")), [true, false, true], "read twice is right once");
    }
}
