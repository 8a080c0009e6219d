//! The notation (ký hiệu) of a paper: its grammar, and the few repairs for which the paper itself is evidence.
//!
//! Number and notation are split at the first slash, so that the two with a slash between give back what is printed:
//! `45/2026/NĐ-CP` is number `45` and notation `2026/NĐ-CP`. NĐ 30/2020, Phụ lục VI gives them separate elements
//! (CodeNumber S11, CodeNotation S30) and Luật ban hành VBQPPL puts the year between the two without saying whose it is; with
//! the notation nothing is lost and an equal number of another year stays another paper.

use super::edits;
use super::layout::pattern;
use super::templates::{Family, Kind, Templates};
use regex::Regex;
use sohoa_record::text::{fold, nfc};
use std::sync::LazyLock;

// domain: abbreviations in capitals, some with small letters (TTr, QyĐ), digits (BCĐ138) and "&"; a year before them
static GRAMMAR: LazyLock<Regex> = LazyLock::new(|| {
    pattern(r"^(?:(?:19|20)\d{2}/)?[A-ZĐƯÔÂĂÊƠ][A-Za-zĐđƯ0-9&.]*(?:-[A-ZĐƯÔÂĂÊƠ0-9][A-Za-zĐđƯÔÂ0-9&.]*)*$|^(?:19|20)\d{2}$")
});
static JOINTS: LazyLock<Regex> = LazyLock::new(|| pattern(r"\s*([-/&])\s*"));

/// Parts that stand for agencies and their usual units; a closed list for repairs and for vouching.
const AGENCIES: &[&str] = &[
    "UBND", "HĐND", "CP", "TTg", "TTCP", "VPCP", "UBTVQH", "QH", "CTN", "TANDTC", "VKSTC", "VKSNDTC", "KTNN", "BTC", "BNV",
    "BTP", "BCA", "BQP", "BCT", "BXD", "BYT", "BGDĐT", "BKHCN", "BNNMT", "BNNPTNT", "BTNMT", "BVHTTDL", "BTTTT", "BGTVT",
    "BLĐTBXH", "BKHĐT", "BDTTG", "NHNN", "SNV", "STC", "STP", "SXD", "SYT", "SCT", "SGDĐT", "SKHCN", "SNNMT", "STNMT", "SKHĐT",
    "SVHTTDL", "SLĐTBXH", "STTTT", "SGTVT", "VP", "VPUBND", "TCT", "CT", "CCT", "BHXH", "CAT", "BCĐ", "HĐTĐ", "TTPVHCC", "BS",
    "TTHC", "NC", "KTTH", "KGVX", "KTN", "VX", "TH", "TTr", "XD", "ĐC", "CS",
];

/// A notation as it can be kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Notation {
    pub value: String,
    /// It follows the grammar.
    pub well_formed: bool,
    /// Every part is one that the paper or the closed lists confirm.
    pub confirmed: bool,
}

/// What the rest of the paper tells about its notation.
#[derive(Clone, Copy, Debug)]
pub(super) struct Evidence<'a> {
    pub templates: &'a Templates,
    pub kind: Option<&'a Kind>,
    /// The issuer's lines joined, as they will be kept.
    pub issuer: &'a str,
}

/// Spaces around joints go, dashes and look-alike Đ become one; what follows the first space is not the notation's.
pub(super) fn clean(text: &str) -> String {
    let text: String = nfc(text)
        .chars()
        .map(|c| match c {
            '–' | '—' | '‐' | '‑' | '−' => '-',
            // eth and African d, look-alikes of Đ in old data and OCR
            'Ð' | 'Ɖ' => 'Đ',
            // no letter of the language
            'Ñ' => 'N',
            c => c,
        })
        .collect();
    let joined = JOINTS.replace_all(text.trim(), "$1");
    let first = joined.split_whitespace().next().unwrap_or_default();
    first.trim_end_matches(|c: char| !c.is_alphanumeric()).trim_start_matches('/').to_owned()
}

/// Does a cleaned text follow the grammar?
pub(super) fn is_well_formed(text: &str) -> bool {
    text.chars().count() <= 30 && GRAMMAR.is_match(text)
}

/// Judges a cleaned text and repairs what the evidence repairs.
pub(super) fn judge(text: &str, evidence: Evidence<'_>) -> Notation {
    let (year, rest) = match text.split_once('/') {
        Some((year, rest)) => (Some(year), rest),
        None => (None, text),
    };
    let initials = initials(evidence.issuer);
    let mut confirmed = true;
    let parts: Vec<String> = rest
        .split('-')
        .enumerate()
        .map(|(i, part)| {
            let expected = expected_parts(i, evidence.kind, &initials);
            match expected.iter().find(|e| e.as_str() == part).or_else(|| expected.iter().find(|e| looks_like(e, part))) {
                Some(meant) => meant.clone(),
                None => {
                    confirmed &= is_listed(part, i, evidence);
                    part.to_owned()
                }
            }
        })
        .collect();
    let rest = parts.join("-");
    let value = match year {
        Some(year) => format!("{year}/{rest}"),
        None => rest,
    };
    let well_formed = is_well_formed(&value);
    let year_only = value.len() == 4 && value.chars().all(|c| c.is_ascii_digit());
    Notation { confirmed: well_formed && (confirmed || year_only), well_formed, value }
}

/// The parts that the paper itself lets one expect at this place: the abbreviation of its kind first (a letter has none), then
/// its issuer's initials.
fn expected_parts(place: usize, kind: Option<&Kind>, initials: &[String]) -> Vec<String> {
    match kind {
        Some(kind) if place == 0 && kind.family == Family::Official && !kind.abbreviation.is_empty() => {
            vec![kind.abbreviation.clone()]
        }
        // the forms of certificates have it on either side: 45/GPXD, 72/UBND-XNTTHN
        Some(kind) if kind.family == Family::Certificate && !kind.abbreviation.is_empty() => {
            std::iter::once(kind.abbreviation.clone()).chain(initials.iter().cloned()).collect()
        }
        _ => initials.to_vec(),
    }
}

fn is_listed(part: &str, place: usize, evidence: Evidence<'_>) -> bool {
    let kind = evidence.kind;
    // the number of a steering committee or of an assembly's term is part of its abbreviation: BCĐ138, QH15
    let stem = part.trim_end_matches(|c: char| c.is_ascii_digit());
    let kind_says_otherwise = place == 0 && kind.is_some_and(|k| k.family == Family::Official && !k.abbreviation.is_empty());
    !kind_says_otherwise && AGENCIES.contains(&stem)
        || (place == 0 && kind.is_none() && evidence.templates.by_abbreviation(part).is_some())
}

/// Would an engine take `meant` for `read`? Letters that differ in marks only or are look-alikes count as equal.
fn looks_like(meant: &str, read: &str) -> bool {
    let shape = |text: &str| -> String {
        let mut letters: Vec<char> = fold(text)
            .chars()
            .map(|c| match c {
                'i' | 'l' | '1' | '|' | 't' => 'i',
                '0' | 'q' => 'o',
                '8' => 'b',
                '5' => 's',
                c => c,
            })
            .collect();
        // engines read one Đ twice: QĐĐ
        letters.dedup();
        letters.into_iter().collect()
    };
    // ƯBND, UBNĐ, TIr; one wrong letter only where three others stay
    let (a, b) = (shape(meant), shape(read));
    a == b || (a.chars().count() >= 4 && a.chars().count() == b.chars().count() && edits(&a, &b) == 1)
}

/// Abbreviations that the issuer's name gives: of all its words, of its first words, of its agency without the place.
fn initials(issuer: &str) -> Vec<String> {
    let folded = fold(issuer);
    let mut found = Vec::new();
    for (phrase, abbreviation) in [
        ("uy ban nhan dan", "UBND"),
        ("ubnd", "UBND"),
        ("hoi dong nhan dan", "HĐND"),
        ("chinh phu", "CP"),
        ("thu tuong", "TTg"),
        ("van phong", "VP"),
        ("vien kiem sat nhan dan toi cao", "VKSTC"),
        ("toa an nhan dan toi cao", "TANDTC"),
        ("cuc thue", "CT"),
        ("bao hiem xa hoi", "BHXH"),
    ] {
        if folded.contains(phrase) {
            found.push(abbreviation.to_owned());
        }
    }
    for (start, word) in folded.split(' ').enumerate().filter(|(_, w)| matches!(*w, "so" | "bo" | "ban" | "cuc" | "chi")) {
        // BAN CHỈ ĐẠO 138 → BCĐ138, SỞ NỘI VỤ → SNV; a number follows its abbreviation
        let tail: Vec<&str> = issuer.split_whitespace().skip(start).collect();
        let initial = |w: &&str| {
            w.chars()
                .next()
                .filter(|c| c.is_alphanumeric())
                .map(|c| if c.is_ascii_digit() { w.to_string() } else { base_letter(c) })
        };
        let all: String = tail.iter().filter(|w| fold(w) != "va").filter_map(initial).collect();
        if all.chars().count() >= 3 && !word.is_empty() {
            found.push(all);
        }
    }
    found
}

/// The letter without its marks, Đ kept: abbreviations are written so.
fn base_letter(c: char) -> String {
    if matches!(c, 'Đ' | 'đ' | 'Ð') { "Đ".to_owned() } else { fold(&c.to_string()).to_uppercase() }
}

#[cfg(test)]
mod tests {
    use super::*;

    static TEMPLATES: LazyLock<std::sync::Arc<Templates>> = LazyLock::new(Templates::built_in);

    fn evidence(title: &str, issuer: &'static str) -> Evidence<'static> {
        Evidence { templates: &TEMPLATES, kind: TEMPLATES.by_title(title).map(|(kind, _)| kind), issuer }
    }

    #[test]
    fn the_notations_of_the_decree_and_of_the_field_are_well_formed() {
        for text in [
            "QĐ-UBND",
            "TTr-UBND",
            "CTr-UBND",
            "QyĐ-BCA",
            "QĐ-BCĐ138",
            "UBND-TTHC",
            "2026/NĐ-CP",
            "STTTT-CNTT&BCVT",
            "GPXD",
            "2026/TLKT-BS",
            "2026",
            "2025/QH15",
        ] {
            assert!(is_well_formed(text), "{text}");
        }
        for text in ["", "-UBND", "qđ-ubnd", "QĐ--UBND", "QĐ UBND", "9.", "138"] {
            assert!(!is_well_formed(text), "{text}");
        }
    }

    #[test]
    fn spaces_and_look_alikes_go() {
        assert_eq!(clean("/ QÐ – UBND ."), "QĐ-UBND");
        assert_eq!(clean("STTTT-CNTT & BCVT"), "STTTT-CNTT&BCVT");
        assert_eq!(clean("2026 / NĐ-CP Hà"), "2026/NĐ-CP");
    }

    #[test]
    fn repaired_only_towards_what_the_paper_confirms() {
        let people = evidence("QUYẾT ĐỊNH", "ỦY BAN NHÂN DÂN XÃ GÒ MỚI");
        assert_eq!(judge("QD-ƯBND", people), Notation { value: "QĐ-UBND".into(), well_formed: true, confirmed: true });
        assert_eq!(judge("QĐĐ-UBND", people).value, "QĐ-UBND");
        assert_eq!(judge("TIr-UBND", evidence("TỜ TRÌNH", "UBND XÃ GÒ MỚI")).value, "TTr-UBND");
        // nothing on the paper speaks for UBND here
        let school = evidence("QUYẾT ĐỊNH", "TRƯỜNG MẦM NON HOA MAI");
        assert_eq!(judge("QĐ-ƯBND", school), Notation { value: "QĐ-ƯBND".into(), well_formed: true, confirmed: false });
        // the notation contradicts the title: kept, not confirmed
        assert_eq!(judge("KH-UBND", people), Notation { value: "KH-UBND".into(), well_formed: true, confirmed: false });
    }

    #[test]
    fn issuers_initials_confirm_their_own_notation() {
        assert!(judge("QĐ-BCĐ138", evidence("QUYẾT ĐỊNH", "UBND TỈNH GÒ MỚI BAN CHỈ ĐẠO 138")).confirmed);
        assert!(judge("TB-SNV", evidence("THÔNG BÁO", "UBND TỈNH GÒ MỚI SỞ NỘI VỤ")).confirmed);
        assert!(!judge("TB-SNX", evidence("THÔNG BÁO", "UBND TỈNH GÒ MỚI SỞ NỘI VỤ")).confirmed);
    }
}
