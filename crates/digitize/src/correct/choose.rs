//! Which words of a page may be corrected at all. Everything else stays as it was read: numbers, codes, names, quotations.

use super::spelling::{Capitals, placed};
use sohoa_record::{Line, PageText};

/// Divisions of laws that are numbered and written with a capital inside a sentence.
pub const DIVISIONS: [&str; 5] = ["chương", "khoản", "mục", "phần", "điều"];

/// A word of the page as the search for corrections sees it.
#[derive(Debug)]
pub struct Token<'p> {
    /// Which line, which word of it.
    pub at: (u32, u32),
    /// As it was read.
    pub text: &'p str,
    /// The letters without the marks around them, lower case, tone placed; none when it is not all letters.
    pub syllable: Option<String>,
    /// How it uses capitals, when it may be corrected; none when it must stay.
    pub may_change: Option<Capitals>,
    /// It stands where only a division of a law is surely no name: `khoản 1 Điều 5`. Then it may become one of [`DIVISIONS`] only.
    pub numbered: bool,
    /// Nothing before it says what it could be: a sentence, a list entry or a phrase begins here.
    pub begins_phrase: bool,
    /// Whole percent, as the engine said.
    pub confidence: u8,
    /// Place of the letters in `text`, bytes.
    core: (usize, usize),
}

impl Token<'_> {
    /// The whole word with `letters` in the place of its own.
    pub fn with(&self, letters: &str) -> String {
        let (from, to) = self.core;
        [&self.text[..from], letters, &self.text[to..]].concat()
    }
}

/// A word cut into the marks before, the core from its first letter or digit to its last, and the marks behind.
struct Cut<'p> {
    text: &'p str,
    before: &'p str,
    core: &'p str,
    behind: &'p str,
    block: u32,
    /// The whole line is in capitals, so that capitals say nothing about the word.
    line_in_capitals: bool,
}

/// Every word of the page, in order. What is quoted stays, where quotations are asked for.
pub fn tokens(page: &PageText, quotations: bool) -> Vec<Token<'_>> {
    let mut places = Vec::new();
    let mut cuts = Vec::new();
    for (l, line) in page.lines.iter().enumerate() {
        let line_in_capitals = in_capitals(line);
        for (w, word) in line.words.iter().enumerate() {
            places.push(((l as u32, w as u32), word.confidence));
            cuts.push(cut(&word.text, line.block, line_in_capitals));
        }
    }
    let mut quotation = Quotation::default();
    let mut tokens = Vec::with_capacity(cuts.len());
    for (i, (cut, (at, confidence))) in cuts.iter().zip(places).enumerate() {
        let (before, next) = (i.checked_sub(1).map(|i| &cuts[i]), cuts.get(i + 1));
        let begins_sentence = begins_sentence(before, cut);
        let quoted = quotation.takes(cut) && quotations;
        let capitals = Capitals::of(cut.core).filter(|_| {
            cut.core.chars().nth(1).is_some() // a letter alone is an item of a list, or a formula
                && cut.core.chars().all(char::is_alphabetic)
                && !quoted
                && !cut.is_notation()
        });
        let near = |cut: Option<&Cut<'_>>| cut.is_some_and(|cut| cut.is_capitalised() && !cut.is_number());
        let may_begin = begins_sentence && !next.is_some_and(|next| next.is_capitalised() && !next.line_in_capitals);
        let numbered = !may_begin && next.is_some_and(Cut::is_number) && !near(before);
        let may_change = capitals.filter(|capitals| match capitals {
            Capitals::None => true,
            // abbreviations stand in any line; in a line of capitals they are not told from words, but they are no syllables
            Capitals::All => cut.line_in_capitals,
            // a name, or what begins a run of them
            Capitals::First => may_begin || numbered,
        });
        let from = cut.before.len();
        tokens.push(Token {
            at,
            text: cut.text,
            syllable: cut
                .core
                .chars()
                .all(char::is_alphabetic)
                .then(|| placed(&cut.core.to_lowercase()))
                .filter(|s| !s.is_empty()),
            may_change,
            numbered: numbered && capitals == Some(Capitals::First),
            begins_phrase: begins_sentence || !cut.before.is_empty() || before.is_some_and(|before| !before.behind.is_empty()),
            confidence,
            core: (from, from + cut.core.len()),
        });
    }
    tokens
}

fn in_capitals(line: &Line) -> bool {
    let letters = || line.words.iter().flat_map(|word| word.text.chars()).filter(|c| c.is_alphabetic());
    let (all, capitals) = (letters().count(), letters().filter(|c| c.is_uppercase()).count());
    all >= 2 && capitals * 5 >= all * 4
}

fn cut(text: &str, block: u32, line_in_capitals: bool) -> Cut<'_> {
    let core_begins = text.find(char::is_alphanumeric).unwrap_or(text.len());
    let core_ends =
        text.rfind(char::is_alphanumeric).map_or(text.len(), |last| last + text[last..].chars().next().map_or(0, char::len_utf8));
    let (before, core, behind) = (&text[..core_begins], &text[core_begins..core_ends], &text[core_ends..]);
    Cut { text, before, core, behind, block, line_in_capitals }
}

impl Cut<'_> {
    fn is_capitalised(&self) -> bool {
        self.core.chars().next().is_some_and(char::is_uppercase)
    }

    /// `5`, `12a`, `IV`.
    fn is_number(&self) -> bool {
        let roman = !self.core.is_empty() && self.core.chars().all(|c| "IVX".contains(c));
        roman || self.core.starts_with(|c: char| c.is_ascii_digit())
    }

    /// A piece of a notation, file name or address that a space or line end cut off: `QĐ-`, `/TB`.
    fn is_notation(&self) -> bool {
        [self.before, self.behind].iter().any(|marks| marks.contains(['/', '-', '_', '@', '\\']))
    }

    /// `a)`, `5.`, `IV.`, `-`: a mark of a list, not a word of the sentence behind it. A capital and a dot may be an abbreviation
    /// before a name, `TP. Vinh`, `A. Hoà`; only a roman number surely is none.
    fn is_item(&self) -> bool {
        let short = self.core.chars().nth(2).is_none() || !self.core.contains(char::is_alphabetic);
        match self.behind.chars().next_back() {
            _ if self.core.is_empty() => true,
            Some(')') => short,
            Some('.') => short && !self.is_capitalised() || self.is_number(),
            _ => false,
        }
    }
}

/// Only what surely begins a sentence counts: after it, a capital says nothing.
fn begins_sentence(before: Option<&Cut<'_>>, word: &Cut<'_>) -> bool {
    let Some(before) = before else { return true };
    let ended = match before.behind.chars().next_back() {
        Some(':' | ';' | '!' | '?') => true,
        // a dot after a capital may be an abbreviation before a name: `TP. Vinh`
        Some('.') => !before.is_capitalised(),
        _ => false,
    };
    before.block != word.block || ended || before.is_item()
}

/// Whether the reader stands between quotation marks. One that is never closed lasts to the end of the page.
#[derive(Default)]
struct Quotation {
    open: bool,
}

impl Quotation {
    /// Takes the next word in; true when it is inside or carries a mark itself.
    fn takes(&mut self, word: &Cut<'_>) -> bool {
        let was_open = self.open;
        let mut marks = false;
        for (at, mark) in word.text.char_indices().filter(|(_, c)| "\"“”„«»‘’".contains(*c)) {
            marks = true;
            self.open = match mark {
                '“' | '„' | '«' | '‘' => true,
                '”' | '»' | '’' => false,
                _ if word.core.is_empty() => !self.open,
                // straight marks: before the word opens, behind it closes
                _ => at < word.before.len(),
            };
        }
        was_open || marks
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sohoa_record::{Rect, Word};

    /// The words that may change; a line a line, `|` begins a new block.
    fn may_change(lines: &[&str]) -> Vec<String> {
        let rect = Rect { x: 0, y: 0, width: 9, height: 9 };
        let mut block = 0;
        let mut page = PageText::default();
        for line in lines {
            block += u32::from(line.starts_with('|'));
            let words = line.trim_start_matches('|').split(' ');
            let words = words.map(|text| Word { text: text.into(), rect, confidence: 90 }).collect();
            page.lines.push(Line { words, rect, block });
        }
        tokens(&page, true).iter().filter(|token| token.may_change.is_some()).map(|token| token.text.to_owned()).collect()
    }

    #[test]
    fn plain_words_may_change_and_so_may_what_begins_a_sentence() {
        assert_eq!(may_change(&["Căn cứ quy định, tại khoản (nêu trên)."]).len(), 8);
        assert_eq!(may_change(&["xong. Nay công bố: Điều sau; Khoản này"]).len(), 8);
        assert_eq!(may_change(&["1. Phạm vi", "a) Đối tượng", "- Thời gian"]).len(), 6);
        assert_eq!(may_change(&["của Bộ", "|Căn cứ"]), ["của", "Căn", "cứ"]);
    }

    #[test]
    fn numbers_codes_and_notations_stay() {
        for text in ["số", "ngày"] {
            let line = format!("{text} 12/2026 04/QĐ-UBND 5a h2o http://a.vn x_y QĐ- /tb a@b 3.000đ -");
            assert_eq!(may_change(&[&line]), [text]);
        }
        assert_eq!(may_change(&["theo UBND và BCĐ của"]), ["theo", "và", "của"]);
        assert_eq!(may_change(&["điểm đ khoản e"]), ["điểm", "khoản"]);
        assert_eq!(may_change(&["VIỆc sỐ"]), [""; 0]);
    }

    #[test]
    fn names_stay() {
        assert_eq!(may_change(&["ông Võ Phiên chủ trì", "tại Quảng", "Ngãi và Thuý"]), ["ông", "chủ", "trì", "tại", "và"]);
        assert_eq!(may_change(&["Võ Phiên chủ trì. Hồ Quý"]), ["chủ", "trì."]);
    }

    #[test]
    fn lines_in_capitals_are_ordinary_words() {
        assert_eq!(may_change(&["QUYẾT ĐỊNH"]), ["QUYẾT", "ĐỊNH"]);
        assert_eq!(may_change(&["theo QUYẾT ĐỊNH này"]), ["theo", "này"]);
    }

    #[test]
    fn a_name_behind_an_abbreviation_stays() {
        assert_eq!(may_change(&["tại TP. Vinh và", "bà Ng. Thuý đã", "do UBND. Vinh có"]), ["tại", "và", "bà", "đã", "do", "có"]);
        assert_eq!(
            may_change(&["II. Phạm vi", "IV) Thời gian", "A. Mục tiêu", "b. Nội dung"]),
            ["Phạm", "vi", "Thời", "gian", "tiêu", "Nội", "dung"]
        );
    }

    #[test]
    fn a_capital_before_a_number_may_be_a_division() {
        assert_eq!(may_change(&["tại Điêu 5 và Chương II, ở Phan"]), ["tại", "Điêu", "và", "Chương"]);
        assert_eq!(may_change(&["xã Tân Hoà 2"]), ["xã"]);
    }

    #[test]
    fn quotations_stay_across_lines_too() {
        assert_eq!(may_change(&["gọi là “thẩm quyền", "của tỉnh” thì"]), ["gọi", "là", "thì"]);
        assert_eq!(may_change(&["gọi \"một\" là «hai ba» và \"bốn", "năm\" thì"]), ["gọi", "là", "và", "thì"]);
        assert_eq!(may_change(&["là \" một hai \" ba"]), ["là", "ba"]);
        assert_eq!(may_change(&["mở “ra rồi", "không đóng"]), ["mở"]);
    }

    #[test]
    fn the_marks_around_a_word_are_kept() {
        let rect = Rect::default();
        let words = vec![Word { text: "(thâm),".into(), rect, confidence: 90 }];
        let page = PageText { width: 9, height: 9, lines: vec![Line { words, rect, block: 0 }] };
        assert_eq!(tokens(&page, true)[0].with("thẩm"), "(thẩm),");
    }
}
