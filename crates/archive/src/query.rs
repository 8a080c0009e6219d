//! Search as Vietnamese people type it. Typed without marks, a word matches all its spellings; typed with marks, records with
//! just that spelling come first and the others after them.
//!
//! | typed | meaning |
//! |---|---|
//! | `quyet dinh` | both words, anywhere, with any marks |
//! | `Quyết định` | the same, and where it stands so first |
//! | `"uỷ ban nhân dân"` | the words in this order |
//! | `51/QĐ-UBND` | what punctuation joins belongs together |
//! | `0117-0042` | a fragment of a code, if it has a digit and four letters or digits |
//! | `quy*` | words that begin so |
//!
//! No text is a mistake: what cannot be a word is left out.

use sohoa_record::text::fold;
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
    prefix: bool,
}

impl Query {
    /// Understands any text.
    pub fn parse(text: &str) -> Self {
        let text: String = text.chars().take(MAX_LETTERS).collect();
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
        let is_code = folded.bytes().any(|b| b.is_ascii_digit()) && folded.chars().filter(|c| c.is_alphanumeric()).count() >= 4;
        let prefix = !quoted && (is_code || text.ends_with('*'));
        let term = Term { folded, exact: exact(text), prefix };
        if !self.terms.contains(&term) {
            self.terms.push(term);
        }
    }

    /// True when nothing in the text can be searched for.
    pub fn is_empty(&self) -> bool {
        self.terms.is_empty()
    }

    /// The FTS5 expression that finds every spelling.
    pub(crate) fn any_spelling(&self) -> String {
        let phrases: Vec<String> = self.terms.iter().map(|term| phrase(&term.folded, term.prefix)).collect();
        format!("{{head body codes}} : ({})", phrases.join(" AND "))
    }

    /// The FTS5 expression that finds this spelling only; nothing when no word was typed with marks.
    pub(crate) fn this_spelling(&self) -> Option<String> {
        if self.terms.iter().all(|term| term.exact == term.folded) {
            return None;
        }
        let phrases: Vec<String> = self
            .terms
            .iter()
            .map(|term| match term.exact == term.folded {
                true => format!("({{head body codes}} : {})", phrase(&term.folded, term.prefix)),
                false => format!("({{head_exact body_exact}} : {})", phrase(&term.exact, term.prefix)),
            })
            .collect();
        Some(phrases.join(" AND "))
    }

    /// True when a word of a text, folded, is one that was searched for.
    pub(crate) fn matches(&self, folded: &str) -> bool {
        let mut tokens = folded.split(' ').filter(|token| !token.is_empty());
        tokens.any(|token| {
            self.terms.iter().any(|term| {
                let mut parts = term.folded.split(' ').rev();
                let last = parts.next().unwrap_or_default();
                (if term.prefix { token.starts_with(last) } else { token == last }) || parts.any(|part| part == token)
            })
        })
    }
}

/// An FTS5 string. Both forms hold letters, digits, marks and spaces only, so there is nothing to escape.
fn phrase(words: &str, prefix: bool) -> String {
    format!("\"{words}\"{}", if prefix { " *" } else { "" })
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

/// What makes any fragment of a code findable by its beginning: the code from each letter or digit on that does not begin a
/// group (those are found as they are).
pub(crate) fn code_tails(code: &str) -> String {
    let letters: Vec<char> = code.chars().collect();
    let inside = (1..letters.len()).filter(|&i| letters[i].is_alphanumeric() && letters[i - 1].is_alphanumeric());
    let tails: Vec<String> = inside.map(|i| fold(&letters[i..].iter().collect::<String>())).collect();
    tails.join(" ")
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

    #[test]
    fn words_typed_without_marks_ask_for_no_spelling() {
        assert_eq!(Query::parse("quyet dinh").this_spelling(), None);
        assert_eq!(Query::parse("quyet dinh").any_spelling(), "{head body codes} : (\"quyet\" AND \"dinh\")");
        let mixed = Query::parse("quyet định").this_spelling().unwrap();
        assert!(
            mixed.contains("{head body codes} : \"quyet\"") && mixed.contains("{head_exact body_exact} : \"đinh\u{323}\""),
            "{mixed}"
        );
    }

    #[test]
    fn punctuation_joins_and_quotation_marks_hold_together() {
        assert_eq!(Query::parse("51/QĐ-UBND").any_spelling(), "{head body codes} : (\"51 qd ubnd\" *)");
        assert_eq!(Query::parse("“uỷ ban” 51").any_spelling(), "{head body codes} : (\"uy ban\" AND \"51\")");
        assert_eq!(Query::parse("quy* \"mở").any_spelling(), "{head body codes} : (\"quy\" * AND \"mo\")");
        assert!(Query::parse(" \" -- * NEAR( ").any_spelling().contains("\"near\""));
        assert!(Query::parse(" \" ** () ").is_empty());
    }

    #[test]
    fn tails_make_every_fragment_a_beginning() {
        let code = "H48.15-250117-0042";
        let (whole, tails) = (fold(code), code_tails(code));
        let found = |fragment: &str| {
            format!(" {whole} ").contains(&format!(" {}", fold(fragment)))
                || format!(" {tails}").contains(&format!(" {}", fold(fragment)))
        };
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
