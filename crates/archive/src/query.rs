//! Search as Vietnamese people type it. Typed without marks, a word matches all its spellings; typed with marks, records with
//! just that spelling come first and the others after them.
//!
//! | typed | meaning |
//! |---|---|
//! | `quyet dinh` | both words, anywhere, with any marks |
//! | `Quyết định` | the same, and where it stands so first |
//! | `"uỷ ban nhân dân"` | the words in this order |
//! | `51/QĐ-UBND` | what punctuation joins belongs together |
//! | `0117-0042` | also a fragment of a dossier's code, if it has a digit and four letters or digits |
//! | `19/8/2025` | that day, however it is written |
//! | `quy*` | also words that begin so; not numbers |
//!
//! No text is a mistake: what cannot be a word is left out.

use sohoa_record::personal::joined;
use sohoa_record::text::fold;
use std::collections::BTreeSet;
use std::ops::RangeInclusive;
use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;

/// More words than this are left out. SQLite's expressions have a limit, and no person types so many.
const MAX_TERMS: usize = 24;
/// More letters than this are left out.
const MAX_LETTERS: usize = 512;

/// A search text that was understood.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query {
    terms: Vec<Term>,
}

/// Words that must stand next to each other.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Term {
    folded: String,
    exact: String,
    /// Other ways to write the same day.
    also: Vec<String>,
    /// True when it may be a fragment of a code.
    is_code: bool,
    /// True when it was said that the word goes on.
    is_beginning: bool,
}

/// A question to the full text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Expression {
    pub(crate) text: String,
    /// True when what it finds has the marks that were typed.
    pub(crate) is_exact: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Spelling {
    This,
    Any,
}

impl Term {
    /// The whole words; with `beginnings` what begins so, where that was asked for.
    fn expression(&self, spelling: Spelling, beginnings: bool) -> String {
        match (beginnings && self.is_code, spelling) {
            (true, _) => format!("({{marks}} : \"{}\" *)", code_marks(&self.folded)),
            (false, Spelling::This) if self.exact != self.folded => self.words("exact", &self.exact, beginnings),
            _ => self.words("folded", &self.folded, beginnings),
        }
    }

    /// An FTS5 string. Both forms hold letters, digits, marks and spaces only, so there is nothing to escape.
    fn words(&self, column: &str, words: &str, beginnings: bool) -> String {
        let also: String = self.also.iter().map(|also| format!(" OR {{{column}}} : \"{also}\"")).collect();
        format!("({{{column}}} : \"{words}\"{}{also})", if beginnings && self.is_beginning { " *" } else { "" })
    }
}

impl Query {
    /// Understands any text.
    pub fn parse(text: &str) -> Self {
        let text = joined(&text.chars().take(MAX_LETTERS).collect::<String>());
        let mut query = Self::default();
        for (i, part) in text.split(['"', '“', '”', '„']).enumerate() {
            // odd parts stand between quotation marks; a mark that is never closed quotes the rest
            if i % 2 == 1 {
                query.add(part, true);
            } else {
                part.split_whitespace().for_each(|word| query.add(word, false));
            }
        }
        query.terms.truncate(MAX_TERMS);
        query
    }

    fn add(&mut self, text: &str, quoted: bool) {
        let folded = fold(text);
        if folded.is_empty() {
            return;
        }
        let has_digit = folded.bytes().any(|b| b.is_ascii_digit());
        let is_code = !quoted && has_digit && folded.chars().filter(|c| c.is_alphanumeric()).count() >= 4;
        // A number's beginning would tell, digit by digit, a personal number to somebody who may see its end only.
        let is_beginning = !quoted && text.ends_with('*') && !folded.ends_with(|c: char| c.is_ascii_digit());
        let term = Term { also: of_day(&folded), folded, exact: exact(text), is_code, is_beginning };
        if !self.terms.contains(&term) {
            self.terms.push(term);
        }
    }

    /// True when nothing in the text can be searched for.
    pub fn is_empty(&self) -> bool {
        self.terms.is_empty()
    }

    /// The FTS5 expressions to ask one after another: the best answers first.
    pub(crate) fn expressions(&self) -> Vec<Expression> {
        let is_marked = self.terms.iter().any(|term| term.exact != term.folded);
        let has_beginnings = self.terms.iter().any(|term| term.is_code || term.is_beginning);
        let mut expressions = Vec::new();
        for beginnings in [false, true].into_iter().take(1 + usize::from(has_beginnings)) {
            if is_marked {
                expressions.push(Expression { text: self.expression(Spelling::This, beginnings), is_exact: true });
            }
            expressions.push(Expression { text: self.expression(Spelling::Any, beginnings), is_exact: !is_marked });
        }
        // Fragments of codes have one spelling.
        expressions.dedup_by(|later, earlier| later.text == earlier.text);
        expressions
    }

    fn expression(&self, spelling: Spelling, beginnings: bool) -> String {
        let terms: Vec<String> = self.terms.iter().map(|term| term.expression(spelling, beginnings)).collect();
        terms.join(" AND ")
    }

    /// True when a word of a text, folded, is one that was searched for.
    pub(crate) fn matches(&self, folded: &str) -> bool {
        let mut tokens = folded.split(' ').filter(|token| !token.is_empty());
        tokens.any(|token| {
            self.terms.iter().any(|term| {
                let mut parts = term.folded.split(' ').rev();
                let last = parts.next().unwrap_or_default();
                let goes_on = term.is_code || term.is_beginning;
                (if goes_on { token.starts_with(last) } else { token == last }) || parts.any(|part| part == token)
            })
        })
    }
}

/// The ways in which papers and fields write a day that was typed as `19/8/2025`; none when it is no day.
fn of_day(folded: &str) -> Vec<String> {
    let parts: Vec<&str> = folded.split(' ').collect();
    let [day, month, year] = parts[..] else { return Vec::new() };
    let number = |text: &str, size: usize, of: RangeInclusive<u16>| {
        text.parse::<u16>().ok().filter(|number| text.len() <= size && of.contains(number))
    };
    let (Some(day), Some(month), Some(year)) = (number(day, 2, 1..=31), number(month, 2, 1..=12), number(year, 4, 1000..=9999))
    else {
        return Vec::new();
    };
    // NĐ 30/2020 has a zero before days under 10 and months under 3; people have it as they like.
    let both = |n: u16| [n.to_string(), format!("{n:02}")];
    let pairs = both(day).into_iter().flat_map(|day| both(month).map(|month| (day.clone(), month)));
    let printed = pairs.flat_map(|(d, m)| [format!("{d} {m} {year}"), format!("ngay {d} thang {m} nam {year}")]);
    let ways: BTreeSet<String> = printed.chain([format!("{year} {month:02} {day:02}")]).collect();
    ways.into_iter().filter(|way| way != folded).collect()
}

/// The form in which a spelling is compared: lower case, every mark kept, white space and punctuation as one space, and the
/// tone mark at the end of its word, so that `hoà` and `hòa`, `thuỷ` and `thủy` are one spelling.
pub fn exact(text: &str) -> String {
    fn end_word(word: &mut String, tone: &mut Option<char>, out: &mut String) {
        if !word.is_empty() {
            if !out.is_empty() {
                out.push(' ');
            }
            out.extend(word.nfc());
            out.extend(tone.take());
        }
        word.clear();
        *tone = None;
    }
    let (mut out, mut word, mut tone) = (String::with_capacity(text.len()), String::new(), None);
    for c in text.nfd().flat_map(char::to_lowercase) {
        match c {
            // grave, acute, tilde, hook above, dot below: the five written tones
            '\u{300}' | '\u{301}' | '\u{303}' | '\u{309}' | '\u{323}' if !word.is_empty() => tone = Some(c),
            'đ' | 'ð' | 'ɖ' => word.push('đ'),
            c if c.is_alphanumeric() => word.push(c),
            // circumflex, breve, horn, and whatever other scripts use
            c if is_combining_mark(c) && !word.is_empty() => word.push(c),
            _ => end_word(&mut word, &mut tone, &mut out),
        }
    }
    end_word(&mut word, &mut tone, &mut out);
    out
}

/// What words of `marks` begin with, and no word that people write does: lists of marks hold nothing else.
pub(crate) const MARK: char = 'ƶ';

/// What makes any fragment of a code findable by its beginning: the code from each letter or digit on.
pub(crate) fn code_tails(code: &str) -> String {
    let letters: Vec<char> = code.chars().collect();
    let starts = (0..letters.len()).filter(|&i| letters[i].is_alphanumeric());
    let tails: Vec<String> = starts.map(|i| code_marks(&fold(&letters[i..].iter().collect::<String>()))).collect();
    tails.join(" ")
}

/// The groups of a folded code, each as a mark.
fn code_marks(folded: &str) -> String {
    folded.split(' ').filter(|group| !group.is_empty()).map(|group| format!("{MARK}{group}")).collect::<Vec<_>>().join(" ")
}

/// An FTS5 expression for any fragment of a code; nothing when it has neither letter nor digit.
pub(crate) fn code_fragment(fragment: &str) -> Option<String> {
    let marks = code_marks(&fold(fragment));
    (!marks.is_empty()).then(|| format!("({{marks}} : \"{marks}\" *)"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn both_tone_placements_are_one_spelling_and_tones_still_differ() {
        assert_eq!(exact("Hoà"), exact("HÒA"));
        assert_eq!(exact("thuỷ"), exact("thủy"));
        assert_ne!(exact("hoá"), exact("hoà"));
        assert_ne!(exact("dinh"), exact("đinh"));
        assert_ne!(exact("quyêt"), exact("quyết"));
        assert_eq!(exact("Quyết  ĐỊNH, số 5"), exact("quyết định số 5"));
        assert_eq!(exact("so 5/qd"), "so 5 qd");
    }

    fn asked(typed: &str) -> Vec<(String, bool)> {
        Query::parse(typed).expressions().into_iter().map(|asked| (asked.text.replace(['(', ')'], ""), asked.is_exact)).collect()
    }

    #[test]
    fn this_spelling_is_asked_for_before_others_when_there_is_one() {
        assert_eq!(asked("quyet dinh"), [("{folded} : \"quyet\" AND {folded} : \"dinh\"".into(), true)]);
        assert_eq!(
            asked("quyet định"),
            [
                ("{folded} : \"quyet\" AND {exact} : \"đinh\u{323}\"".into(), true),
                ("{folded} : \"quyet\" AND {folded} : \"dinh\"".into(), false),
            ]
        );
    }

    #[test]
    fn punctuation_joins_and_quotation_marks_hold_together() {
        let last = |typed: &str| asked(typed).pop().unwrap().0;
        assert_eq!(asked("51/qd-ubnd")[0].0, "{folded} : \"51 qd ubnd\"");
        assert_eq!(last("51/QĐ-UBND"), "{marks} : \"ƶ51 ƶqd ƶubnd\" *");
        assert_eq!(last("“uỷ ban” 51"), "{folded} : \"uy ban\" AND {folded} : \"51\"");
        assert_eq!(last("quy* \"mở"), "{folded} : \"quy\" * AND {folded} : \"mo\"");
        assert!(last(" \" -- * NEAR( ").contains("\"near\""));
        assert!(Query::parse(" \" ** () ").is_empty());
    }

    #[test]
    fn a_day_is_asked_for_in_every_way_it_is_written() {
        let text = asked("9/8/2025")[0].0.clone();
        for way in ["9 8 2025", "09 08 2025", "ngay 9 thang 8 nam 2025", "ngay 09 thang 8 nam 2025", "2025 08 09"] {
            assert_eq!(text.matches(&format!("{{folded}} : \"{way}\"")).count(), 1, "{way}: {text}");
        }
        for typed in ["32/8/2025", "9/13/2025", "9/8/25", "9/8", "51/QĐ-UBND"] {
            assert!(!asked(typed)[0].0.contains(" OR "), "{typed}");
        }
    }

    #[test]
    fn of_a_number_no_beginning_is_asked_for_but_in_codes() {
        for typed in ["00108", "00108*", "0010860*"] {
            for (text, _) in asked(typed) {
                assert!(!text.ends_with('*') || text.starts_with("{marks}"), "{text}");
            }
        }
    }

    #[test]
    fn tails_make_every_fragment_a_beginning() {
        let code = "H48.15-250117-0042";
        let tails = code_tails(code);
        let found = |fragment: &str| format!(" {tails}").contains(&format!(" {}", code_marks(&fold(fragment))));
        for from in 0..code.len() - 4 {
            for to in from + 4..=code.len() {
                assert!(found(&code[from..to]), "{}", &code[from..to]);
            }
        }
    }

    proptest! {
        #[test]
        fn any_text_is_understood(text in "\\PC{0,80}") {
            let query = Query::parse(&text);
            prop_assert!(query.terms.len() <= MAX_TERMS);
            prop_assert!(query.terms.iter().all(|term| !term.folded.contains('"') && !term.exact.contains('"')));
        }

        #[test]
        fn a_spelling_is_one_whatever_the_normal_form(text in "[a-zà-ỹđ ]{0,30}") {
            let nfd: String = text.nfd().collect();
            prop_assert_eq!(exact(&nfd), exact(&text));
            prop_assert_eq!(fold(&exact(&text)), fold(&text));
        }
    }
}
