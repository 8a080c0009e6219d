//! How a Vietnamese syllable is written: its base letters, where its tone mark stands, its capitals. No word is judged here.

use sohoa_record::text::fold;
use unicode_normalization::UnicodeNormalization as _;

/// Grave, acute, hook above, tilde, dot below.
const TONES: [char; 5] = ['\u{300}', '\u{301}', '\u{309}', '\u{303}', '\u{323}'];

/// A lower-case syllable in the one form in which syllables are compared: hoà is hòa, thuỷ is thủy, qúy is quý.
///
/// Both placements of the tone mark are right, so they are the same word here.
pub fn placed(syllable: &str) -> String {
    let mut letters: Vec<char> = syllable.chars().collect();
    let [.., first, second] = letters.as_mut_slice() else { return syllable.to_owned() };
    let ((plain_first, tone_first), (plain_second, tone_second)) = (untoned(*first), untoned(*second));
    let on_second = match (plain_first, plain_second) {
        ('u', 'y') => syllable.chars().rev().nth(2) == Some('q'),
        ('o', 'a' | 'e') => false,
        _ => return syllable.to_owned(),
    };
    // A mark on each of them, or on none, is nothing to move.
    let tone = match (tone_first, tone_second) {
        (Some(tone), None) | (None, Some(tone)) => tone,
        _ => return syllable.to_owned(),
    };
    (*first, *second) =
        if on_second { (plain_first, toned(plain_second, tone)) } else { (toned(plain_first, tone), plain_second) };
    letters.into_iter().collect()
}

/// The letter without its tone mark, and the mark.
fn untoned(letter: char) -> (char, Option<char>) {
    let parts: Vec<char> = std::iter::once(letter).nfd().collect();
    let tone = parts.iter().copied().find(|part| TONES.contains(part));
    let plain = parts.into_iter().filter(|part| !TONES.contains(part)).nfc().next();
    (plain.unwrap_or(letter), tone)
}

fn toned(plain: char, tone: char) -> char {
    [plain, tone].into_iter().nfc().next().unwrap_or(plain)
}

/// Two syllables of the same base letters differ in at most one letter's marks.
pub fn one_letter_apart(a: &str, b: &str) -> bool {
    a.chars().count() == b.chars().count() && a.chars().zip(b.chars()).filter(|(a, b)| a != b).count() <= 1
}

/// The letters of a Vietnamese syllable without marks: onset, one to three vowels, coda. What the counts hold besides, codes
/// and foreign words and misprints, is nobody's correction.
pub fn is_syllable(base: &str) -> bool {
    const ONSETS: [&str; 27] = [
        "ngh", "ng", "nh", "ph", "th", "tr", "ch", "gh", "gi", "kh", "qu", "b", "c", "d", "g", "h", "k", "l", "m", "n", "p", "r",
        "s", "t", "v", "x", "",
    ];
    const CODAS: [&str; 9] = ["ng", "nh", "ch", "c", "m", "n", "p", "t", ""];
    let vowels = |middle: &str| (1..=3).contains(&middle.len()) && middle.bytes().all(|b| b"aeiouy".contains(&b));
    let rest = |onset: &&str| base.strip_prefix(*onset);
    ONSETS.iter().filter_map(rest).any(|rest| CODAS.iter().any(|coda| rest.strip_suffix(coda).is_some_and(vowels)))
}

/// The letters of a syllable without marks, đ as d.
pub fn base(syllable: &str) -> String {
    fold(syllable)
}

/// How a word uses capitals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Capitals {
    /// `quyết`
    None,
    /// `Quyết`
    First,
    /// `QUYẾT`
    All,
}

impl Capitals {
    /// Of a word of letters; none for a mixture, which is no plain word.
    pub fn of(word: &str) -> Option<Self> {
        let mut letters = word.chars();
        let first = letters.next()?;
        let (mut upper, mut lower) = (0, 0);
        letters.for_each(|c| if c.is_uppercase() { upper += 1 } else { lower += 1 });
        match (first.is_uppercase(), upper, lower) {
            (false, 0, _) => Some(Capitals::None),
            (true, 0, _) => Some(Capitals::First),
            (true, _, 0) => Some(Capitals::All),
            _ => None,
        }
    }

    /// A lower-case word, written this way.
    pub fn write(self, lower: &str) -> String {
        let mut letters = lower.chars();
        match self {
            Capitals::None => lower.to_owned(),
            Capitals::All => lower.to_uppercase(),
            Capitals::First => letters.next().into_iter().flat_map(char::to_uppercase).chain(letters).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_placements_of_the_tone_are_one_form() {
        for (written, form) in [
            ("hoà", "hòa"),
            ("hòa", "hòa"),
            ("khoẻ", "khỏe"),
            ("thuỷ", "thủy"),
            ("uỷ", "ủy"),
            ("qúy", "quý"),
            ("quý", "quý"),
            ("hoàn", "hoàn"),
            ("hoa", "hoa"),
            ("ý", "ý"),
            ("quyền", "quyền"),
        ] {
            assert_eq!(placed(written), form);
        }
    }

    #[test]
    fn one_letter_apart_counts_letters_with_their_marks() {
        assert!(one_letter_apart("thâm", "thẩm") && one_letter_apart("dịnh", "định") && one_letter_apart("thẩm", "thẩm"));
        assert!(!one_letter_apart("duong", "đường") && !one_letter_apart("tham", "thạm\u{300}"));
    }

    #[test]
    fn codes_and_foreign_words_are_no_syllables() {
        for base in ["nghieng", "quoc", "gi", "uy", "khuyu", "y", "duong", "dich"] {
            assert!(is_syllable(base), "{base}");
        }
        for base in ["dl", "tcttt", "asean", "jica", "kyvu", "", "bs", "ubnd"] {
            assert!(!is_syllable(base), "{base}");
        }
    }

    #[test]
    fn capitals_are_written_as_they_were() {
        for word in ["quyết", "Quyết", "QUYẾT", "Đ"] {
            let capitals = Capitals::of(word).unwrap();
            assert_eq!(capitals.write(&word.to_lowercase()), word);
        }
        assert_eq!(Capitals::of("VIỆc"), None);
        assert_eq!(Capitals::of("sỐ"), None);
    }
}
