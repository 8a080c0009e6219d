//! Whether a text layer is Unicode Vietnamese at all. Before Unicode, Vietnamese was written in fonts that show Vietnamese
//! letters for Western codes (TCVN3, VNI, VISCII); their text layer reads `QuyÕt ®Þnh` or `Quyeát ñònh`.

use unicode_form::{base, has_tone};

/// Fonts of before Unicode, by how their names begin: `.VnTime`, `VNI-Times`, `VNtimes new roman`, `VnTime`.
pub(super) fn is_legacy_font(name: &str) -> bool {
    // a subset's tag: six capitals and a plus sign
    let name = name.split_once('+').map_or(name, |(_, name)| name).to_ascii_lowercase();
    [".vn", "vni", "vntime", "vnarial", "vncour", "vnaristote", "viscii", "abc-vn", "tcvn"]
        .iter()
        .any(|start| name.starts_with(start))
}

/// False when signs, control characters or private characters stand inside words, or when the words with marks are mostly no
/// Vietnamese syllables. A text of other languages in plain letters is readable.
pub(super) fn is_readable(text: &str) -> bool {
    let letters = text.chars().filter(|c| c.is_alphanumeric()).count();
    let broken = text.chars().filter(|c| is_broken(*c)).count();
    if letters == 0 || broken * 100 > letters {
        return false;
    }
    let (mut marked, mut plausible, mut signs) = (0, 0, 0);
    for word in text.split(|c: char| c.is_whitespace() || c.is_ascii_punctuation() || matches!(c, '–' | '“' | '”' | '…'))
    {
        let chars = word.chars();
        let letter_count = chars.clone().filter(|c| c.is_alphabetic()).count();
        // a sign between letters: '®' and 'µ' stand for đ and à in TCVN3
        signs += usize::from(
            letter_count > 0
                && chars.clone().any(|c| matches!(c, '\u{a1}'..='\u{bf}') && !matches!(c, 'ª' | 'º' | '²' | '³' | '°' | '·')),
        );
        if letter_count > 1 && chars.clone().any(|c| !c.is_ascii() && c.is_alphabetic()) {
            marked += 1;
            plausible += usize::from(is_syllable(word));
        }
    }
    let words = text.split_whitespace().count();
    signs * 20 <= words && (marked < 8 || plausible * 10 >= marked * 6)
}

fn is_broken(c: char) -> bool {
    (c.is_control() && !c.is_whitespace()) || matches!(c, '\u{e000}'..='\u{f8ff}' | '\u{fffd}' | '\u{80}'..='\u{9f}')
}

/// True for what can be a Vietnamese syllable: an initial, a vowel group with at most one tone, a final.
fn is_syllable(word: &str) -> bool {
    const INITIALS: [&str; 28] = [
        "ngh", "ng", "nh", "gh", "gi", "kh", "ch", "ph", "qu", "th", "tr", "b", "c", "d", "đ", "g", "h", "k", "l", "m", "n", "p",
        "r", "s", "t", "v", "x", "",
    ];
    const VOWELS: [&str; 60] = [
        "a", "ă", "â", "e", "ê", "i", "o", "ô", "ơ", "u", "ư", "y", "ai", "ao", "au", "ay", "âu", "ây", "eo", "êu", "ia", "iê",
        "iêu", "iu", "oa", "oă", "oai", "oao", "oay", "oe", "oeo", "oi", "oo", "ôi", "ơi", "ua", "uâ", "uây", "uê", "ui", "uô",
        "uôi", "uơ", "uy", "uya", "uyê", "uyu", "ưa", "ưi", "ươ", "ươi", "ươu", "ưu", "yê", "yêu", "uă", "ie", "uai", "uao",
        "uay",
    ];
    const FINALS: [&str; 9] = ["ch", "ng", "nh", "c", "m", "n", "p", "t", ""];
    let word = word.to_lowercase();
    if word.chars().filter(|c| has_tone(*c)).count() > 1 {
        return false;
    }
    let plain: String = word.chars().map(base).collect();
    INITIALS.iter().filter_map(|initial| plain.strip_prefix(initial)).any(|rest| {
        FINALS.iter().filter_map(|last| rest.strip_suffix(last)).any(|vowels| VOWELS.contains(&vowels))
            // gìn, gì: the i of the initial is the vowel
            || rest.is_empty() && plain == "gi"
    }) || plain.strip_prefix('g').is_some_and(|rest| FINALS.iter().any(|last| rest.strip_suffix(last) == Some("i")))
}

/// Letters without their tones; the marks that make other letters (ă â ê ô ơ ư đ) stay.
mod unicode_form {
    const TONES: [(char, &str); 12] = [
        ('a', "àáảãạ"),
        ('ă', "ằắẳẵặ"),
        ('â', "ầấẩẫậ"),
        ('e', "èéẻẽẹ"),
        ('ê', "ềếểễệ"),
        ('i', "ìíỉĩị"),
        ('o', "òóỏõọ"),
        ('ô', "ồốổỗộ"),
        ('ơ', "ờớởỡợ"),
        ('u', "ùúủũụ"),
        ('ư', "ừứửữự"),
        ('y', "ỳýỷỹỵ"),
    ];

    pub(super) fn base(c: char) -> char {
        TONES.iter().find(|(_, toned)| toned.contains(c)).map_or(c, |(plain, _)| *plain)
    }

    pub(super) fn has_tone(c: char) -> bool {
        base(c) != c
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vietnamese_and_plain_letters_are_readable() {
        let text = "QUYẾT ĐỊNH về việc phê duyệt quy hoạch sử dụng đất đến năm 2030 huyện Nghĩa Hành, tỉnh Quảng Ngãi; giữ gìn, quý, khuya";
        assert!(is_readable(text));
        assert!(is_readable("Hello world, page 1 of 3"));
        for word in
            ["quyết", "nghiêng", "giếng", "gì", "gìn", "khuỷu", "được", "ương", "yêu", "quốc", "hoà", "hòa", "thuế", "người"]
        {
            assert!(is_syllable(word), "{word}");
        }
    }

    #[test]
    fn text_of_fonts_before_unicode_is_not() {
        let tcvn3 = "QuyÕt ®Þnh vÒ viÖc phª duyÖt quy ho¹ch sö dông ®Êt ®Õn n¨m 2030 huyÖn NghÜa Hµnh, tØnh Qu¶ng Ng·i";
        let vni =
            "Quyeát ñònh veà vieäc pheâ duyeät quy hoaïch söû duïng ñaát ñeán naêm 2030 huyeän Nghóa Haønh, tænh Quaûng Ngaõi";
        assert!(!is_readable(tcvn3));
        assert!(!is_readable(vni));
        assert!(!is_readable("\u{e001}\u{e002}\u{e003} \u{e004}\u{e005}abc"));
    }

    #[test]
    fn font_names_of_before_unicode_are_known() {
        assert!(is_legacy_font("ABCDEF+.VnTime") && is_legacy_font("VNI-Times") && is_legacy_font(".VnArialH"));
        assert!(!is_legacy_font("ABCDEF+TimesNewRomanPSMT") && !is_legacy_font("Vinhan"));
    }
}
