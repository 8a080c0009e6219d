//! The attacks on PDF signatures that have names, each on a paper that openssl signed: annotations and signatures that cover what was certified
//! (EAA and SSA, S&P 2021), a signature that is none (USF) and signed bytes that were moved (SWA, CCS 2019). The shadow attacks (NDSS 2021)
//! are files of the corpus. pyHanko judges each file too: it calls none of them good either.
#![allow(clippy::unwrap_used)]

#[path = "common/papers.rs"]
mod papers;
#[path = "common/verdicts.rs"]
mod verdicts;

use papers::{Authority, Draft, NOW, TIME, page, signed_again, unsigned, with};
use sohoa_record::signature::{Finding, SignatureCheck, Verdict};
use sohoa_sign::validate::validate;
use std::path::PathBuf;
use verdicts::{is_good_for_pyhanko, verdicts_of};

const KIND: &str = "ETSI.CAdES.detached";
/// What an attacker shows over the page: another content, an annotation's look, a whole page of it.
const OVER_ALL: &str =
    "<</Type/XObject/Subtype/Form/BBox[0 0 595 842]/Length 28>>stream\n1 g 0 0 595 842 re f 0 g    \nendstream";
const OTHER_CONTENT: &str = "<</Length 16>>stream\n0 0 m 1 1 l S   \nendstream";

/// An office whose signer is believed, as is a second one: the attacker of papers that may be signed again.
struct Office {
    authority: Authority,
}

impl Office {
    fn new() -> Office {
        let authority = Authority::new();
        authority.issue("office", "rsa:2048", "middle", "leaf");
        authority.issue("other", "rsa:2048", "middle", "leaf");
        Office { authority }
    }

    fn sign(&self, signer: &'static str) -> impl Fn(&[u8]) -> Vec<u8> {
        move |bytes| self.authority.sign(signer, "middle", "-md sha256", bytes)
    }

    fn paper(&self) -> Vec<u8> {
        Draft::default().signed(self.sign("office"))
    }

    /// A certified paper (ISO 32000-2 12.8.2.2) that permits changes of that level, with these fields besides.
    fn certified(&self, level: u8, fields: &[&str]) -> Vec<u8> {
        let reference = format!(
            "/Reference[<</Type/SigRef/TransformMethod/DocMDP/TransformParams<</Type/TransformParams/P {level}/V/1.2>>>>]"
        );
        Draft { catalog: PERMS, signature: &reference, fields, ..Draft::default() }.signed(self.sign("office"))
    }

    fn checks(&self, pdf: &[u8]) -> Vec<SignatureCheck> {
        validate(pdf, &self.authority.trust(), NOW).unwrap().into_iter().map(|one| one.check).collect()
    }

    fn check(&self, pdf: &[u8]) -> SignatureCheck {
        self.checks(pdf).into_iter().find(|check| check.field == "S1").expect("the field S1 is told of")
    }

    /// No attack is good for pyHanko: what it says of `S1` in each.
    fn no_other_judge_is_fooled(&self, attacks: &[(String, Vec<u8>)]) {
        let files: Vec<PathBuf> = (0..attacks.len()).map(|n| self.authority.path(&format!("attack-{n}.pdf"))).collect();
        attacks.iter().zip(&files).for_each(|((_, pdf), file)| std::fs::write(file, pdf).unwrap());
        for (file, field, verdict) in verdicts_of(&files) {
            let (name, _) = &attacks[files.iter().position(|known| *known == file).unwrap()];
            assert!(field != "S1" || !is_good_for_pyhanko(&verdict), "{name}: pyHanko says {verdict}");
        }
    }
}

const PERMS: &str = "/Perms<</DocMDP 6 0 R>>";

fn catalog(fields: &str) -> String {
    format!("<</Type/Catalog/Pages 2 0 R/AcroForm<</Fields[5 0 R{fields}]/SigFlags 3>>{PERMS}>>")
}

/// A certification of level 3 permits annotations, and a reader that only asks the standard calls the paper valid. Here it is altered, whatever
/// was permitted: what is shown is not what was certified. The findings tell the permitted from the forbidden.
#[test]
fn evil_annotation_attack_on_a_certified_document_is_altered_whatever_the_certification_permits() {
    let office = Office::new();
    let mut attacks = Vec::new();
    for level in 1..=3 {
        let certified = office.certified(level, &[]);
        assert_eq!(office.check(&certified).verdict, Verdict::Valid);
        for (kind, note) in [
            ("free text", "<</Type/Annot/Subtype/FreeText/Rect[0 0 595 842]/Contents(x)/AP<</N 8 0 R>>/F 4>>"),
            ("stamp", "<</Type/Annot/Subtype/Stamp/Rect[0 0 595 842]/AP<</N 8 0 R>>/F 4>>"),
            ("redaction", "<</Type/Annot/Subtype/Redact/Rect[0 0 595 842]/AP<</N 8 0 R>>/F 4>>"),
        ] {
            let attacked = with(&certified, &[(3, &page(" 7 0 R")), (7, note), (8, OVER_ALL)]);
            let check = office.check(&attacked);
            assert_eq!(check.verdict, Verdict::AlteredAfterSigning, "P={level} {kind}: {check:?}");
            let has = |finding| check.findings.contains(&finding);
            assert!(has(Finding::LaterRevision) && has(Finding::AnnotationChanged), "P={level} {kind}: {check:?}");
            assert_eq!(has(Finding::NotPermitted), level < 3, "P={level} {kind}: {check:?}");
            assert_eq!(check.changes, ["page 1 /Annots"], "the place is told");
            attacks.push((format!("P={level} {kind}"), attacked));
        }
    }
    office.no_other_judge_is_fooled(&attacks);
}

/// A further signature may be added where a certification permits it; one that shows something may hide what was certified.
#[test]
fn sneaky_signature_attack_on_a_certified_document_is_altered_and_a_signature_that_shows_nothing_is_not() {
    let office = Office::new();
    let widget = |rect: &str, more: &str| format!("<</Type/Annot/Subtype/Widget/FT/Sig/T(S2)/Rect[{rect}]/P 3 0 R{more}>>");
    let (over_all, nothing) = ("0 0 595 842", "0 0 0 0");
    let mut attacks = Vec::new();
    for level in [2, 3] {
        let certified = office.certified(level, &[]);
        let (page, catalog) = (page(" 7 0 R"), catalog(" 7 0 R"));
        let appended = |field: &str, signature: &str| {
            with(&certified, &[(1, &catalog), (3, &page), (7, field), (8, OVER_ALL), (9, signature)])
        };
        let shown = widget(over_all, "/AP<</N 8 0 R>>/F 4/V 9 0 R");
        let sneaky = [
            ("an empty field", appended(&widget(over_all, "/AP<</N 8 0 R>>/F 4"), "null")),
            ("a signature that is none", appended(&shown, "<</Type/Sig/Filter/Adobe.PPKLite/SubFilter/adbe.pkcs7.detached>>")),
            ("the same signature once more", appended(&shown.replace("9 0 R", "6 0 R"), "null")),
            (
                "signed by another whom we believe",
                signed_again(
                    &certified,
                    &[(1, &catalog), (3, &page), (7, &shown), (8, OVER_ALL), (9, &unsigned(KIND, TIME, ""))],
                    office.sign("other"),
                ),
            ),
        ];
        for (what, attacked) in sneaky {
            let check = office.check(&attacked);
            assert_eq!(check.verdict, Verdict::AlteredAfterSigning, "P={level} {what}: {check:?}");
            assert!(check.findings.contains(&Finding::AnnotationChanged), "P={level} {what}: {check:?}");
            attacks.push((format!("P={level} {what}"), attacked));
        }

        // A field waited for its signature, somewhere at the page's edge: whoever signs there may not move it over the page.
        let waiting = office.certified(level, &[&widget("9 9 60 30", "")]);
        let signed_there = |rect: &str| {
            let field = widget(rect, "/AP<</N 8 0 R>>/F 4/V 9 0 R");
            signed_again(&waiting, &[(7, &field), (8, OVER_ALL), (9, &unsigned(KIND, TIME, ""))], office.sign("other"))
        };
        let moved = signed_there(over_all);
        assert_eq!(office.check(&moved).verdict, Verdict::AlteredAfterSigning, "P={level}: {:?}", office.check(&moved));
        attacks.push((format!("P={level} a field that was moved"), moved));
        assert_eq!(
            office.check(&signed_there("9 9 60 30")).verdict,
            Verdict::Valid,
            "P={level}: it was certified with its place"
        );

        let unseen = widget(nothing, "/V 9 0 R");
        let signature = unsigned(KIND, TIME, "");
        let objects = [(1, catalog.as_str()), (3, page.as_str()), (7, unseen.as_str()), (9, signature.as_str())];
        let check = office.check(&signed_again(&certified, &objects, office.sign("other")));
        assert_eq!(check.verdict, Verdict::Valid, "P={level}: {check:?}");
        assert!(check.findings.contains(&Finding::SignatureAdded));
        let check = office.check(&signed_again(&office.certified(1, &[]), &objects, office.sign("other")));
        assert_eq!(check.verdict, Verdict::AlteredAfterSigning, "P=1: {check:?}");
        assert!(check.findings.contains(&Finding::NotPermitted));
    }
    office.no_other_judge_is_fooled(&attacks);
}

/// A copy of the paper in which what stands between two places is something else, filled up with blanks: no offset moves.
fn in_place(paper: &[u8], from: usize, until: usize, new: &str) -> Vec<u8> {
    assert!(new.len() <= until - from);
    let mut changed = paper.to_vec();
    changed[from..until].fill(b' ');
    changed[from..from + new.len()].copy_from_slice(new.as_bytes());
    changed
}

fn place(paper: &[u8], what: &str) -> usize {
    paper.windows(what.len()).position(|window| window == what.as_bytes()).unwrap()
}

/// The signature lacks what it would be checked by. Programs that skip the check then call it valid; here it is told, and never holds.
#[test]
fn universal_signature_forgery_is_told_and_holds_nowhere() {
    let office = Office::new();
    let paper = office.paper();
    assert_eq!(office.check(&paper).verdict, Verdict::Valid);
    let range = place(&paper, "/ByteRange[") + "/ByteRange".len();
    let hole = place(&paper, "/Contents<") + "/Contents".len();
    let end = hole + paper[hole..].iter().position(|byte| *byte == b'>').unwrap() + 1;
    let (first, length) = (hole, paper.len() - end);
    let mut forged: Vec<(String, Vec<u8>)> = Vec::new();
    for (what, new) in [("null", " null"), ("empty", "<>"), ("zero", "<00>"), ("a name", "/None"), ("a list", "[<00>]")] {
        forged.push((format!("/Contents is {what}"), in_place(&paper, hole, end, new)));
        // and the range is as wide as what is left of it: the digest would still be asked for
        let fitting = in_place(&paper, hole, end, new);
        let behind = first + new.len();
        let numbers = format!("[0 {first} {behind} {}]", paper.len() - behind);
        forged.push((format!("/Contents is {what}, and the range fits"), in_place(&fitting, range, range + 30, &numbers)));
    }
    forged.push(("/Contents is missing".into(), in_place(&paper, hole - 9, hole, "/Xontents")));
    for (what, new) in [
        ("null", " null".to_owned()),
        ("empty", "[]".to_owned()),
        ("no list", " 0".to_owned()),
        ("too short", format!("[0 {first}]")),
        ("three numbers", format!("[0 {first} {end}]")),
        ("too long", format!("[0 {first} {end} {length} 0 0]")),
        ("negative", format!("[0 {first} {end} -9]")),
        ("negative at the start", format!("[-9 {first} {end} {length}]")),
        ("huge", format!("[0 {first} {end} 9999999999]")),
        ("beyond all numbers", "[0 1 2 99999999999999999999]".to_owned()),
        ("of nothing", "[0 0 0 0]".to_owned()),
        ("overlapping", format!("[0 {end} {first} {length}]")),
        ("twice the whole file", format!("[0 {0} 0 {0}]", paper.len())),
        ("words", "[/a /b /c /d]".to_owned()),
    ] {
        forged.push((format!("/ByteRange is {what}"), in_place(&paper, range, range + 30, &new)));
    }
    forged.push(("/ByteRange is missing".into(), in_place(&paper, range - 10, range, "/XyteRange")));
    forged.push(("both are missing".into(), {
        let without = in_place(&paper, range - 10, range, "/XyteRange");
        in_place(&without, hole - 9, hole, "/Xontents")
    }));
    // The same by a later revision, which shows another content too.
    for (what, signature) in [
        ("without both", "<</Type/Sig/Filter/Adobe.PPKLite/SubFilter/ETSI.CAdES.detached>>".to_owned()),
        ("without a range", "<</Type/Sig/Filter/Adobe.PPKLite/SubFilter/ETSI.CAdES.detached/Contents<00>>>".to_owned()),
        ("of nulls", "<</Type/Sig/Filter/Adobe.PPKLite/SubFilter/ETSI.CAdES.detached/Contents null/ByteRange null>>".to_owned()),
        (
            "with the old container",
            format!(
                "<</Type/Sig/Filter/Adobe.PPKLite/SubFilter/{KIND}/ByteRange[0 {first} {end} {length}]/Contents{}>>",
                String::from_utf8_lossy(&paper[hole..end])
            ),
        ),
    ] {
        forged.push((format!("a later revision {what}"), with(&paper, &[(4, OTHER_CONTENT), (6, &signature)])));
    }
    for (what, pdf) in &forged {
        let checks = office.checks(pdf);
        let refused = checks.iter().all(|check| matches!(check.verdict, Verdict::NotCovering | Verdict::Broken));
        assert!(refused && !checks.is_empty(), "{what}: {checks:?}");
        // What is no object at all is told as data that no field leads to.
        assert!(checks[0].field == "S1" || checks[0].findings == [Finding::Orphan], "{what}: {checks:?}");
    }
    office.no_other_judge_is_fooled(&forged);
}

/// The second signed part is moved to the end of the file and the range led there, so the digest fits; in the gap stands another content, with a
/// cross-reference table at the very place where the moved part looks for it.
#[test]
fn signature_wrapping_with_a_moved_second_range_is_not_covering() {
    let office = Office::new();
    let paper = office.paper();
    let hole = place(&paper, "/Contents<") + "/Contents".len();
    let end = hole + paper[hole..].iter().position(|byte| *byte == b'>').unwrap() + 1;
    let (signed_first, container, moved) = (&paper[..hole], &paper[hole..end], &paper[end..]);
    let table = place(&paper, "xref\n0 1\n");
    let at = |number: usize| place(&paper, &format!("{number} 0 obj\n"));

    let mut wrapped = [signed_first, container, b">>\nendobj\n"].concat();
    assert!(wrapped.len() <= table, "the attacker has room for the end of the signature");
    wrapped.resize(table, b' ');
    // The signature as it now reads, whose range is written when it is known.
    let numbers = " ".repeat(30);
    let signature = [
        format!("6 0 obj\n<</Type/Sig/Filter/Adobe.PPKLite/SubFilter/{KIND}/M(D:{TIME})/ByteRange{numbers}/Contents").as_bytes(),
        container,
        b">>\nendobj\n",
    ]
    .concat();
    let content = format!("4 0 obj\n{OTHER_CONTENT}\nendobj\n").into_bytes();
    let entry = |offset: usize| format!("{offset:010} 00000 n \n");
    let head = |content_at: usize| {
        let entries: String =
            [at(1), at(2), at(3), content_at, at(5), content_at + content.len()].into_iter().map(entry).collect();
        format!("xref\n0 7\n0000000000 65535 f \n{entries}trailer\n<</Size 20/Root 1 0 R>>\nstartxref\n{table}\n%%EOF\n")
    };
    let head = head(table + head(0).len());
    wrapped.extend_from_slice(head.as_bytes());
    wrapped.extend_from_slice(&content);
    wrapped.extend_from_slice(&signature);
    let second = wrapped.len();
    wrapped.extend_from_slice(moved);
    let range = second - signature.len() + place(&signature, &numbers);
    let wrapped = in_place(&wrapped, range, range + 30, &format!("[0 {hole} {second} {}]", moved.len()));

    // The attack is one: the bytes that are said to be covered are those that were signed, and the content is another.
    assert_eq!([&wrapped[..hole], &wrapped[second..]].concat(), [signed_first, moved].concat());
    let read = lopdf::Document::load_mem(&wrapped).unwrap();
    let shown = read.get_object((4, 0)).unwrap().as_stream().unwrap();
    assert!(shown.content.starts_with(b"0 0 m 1 1 l"), "the attacker's content is what is read");
    let check = office.check(&wrapped);
    assert_eq!(check.verdict, Verdict::NotCovering, "{check:?}");
    assert!(check.findings.contains(&Finding::RangeHole), "{check:?}");
    assert!(!check.findings.contains(&Finding::DigestMismatch), "it is the hole that betrays it: {check:?}");
    office.no_other_judge_is_fooled(&[("wrapped".into(), wrapped)]);
}
