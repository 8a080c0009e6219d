//! What correct promises: which words it gives their accents back, and what it never does.

use super::*;
use crate::extract::{PageView, extract};
use crate::page::ReadPage;
use crate::{Assembly, render};
use proptest::prelude::*;
use sohoa_record::manifest::PageState;
use sohoa_record::text::fold;
use sohoa_record::{Field, Line, Placement, Rect, Word};

fn page(lines: &[&str], confidence: u8) -> PageText {
    let rect = |x: usize, y: usize| Rect { x: 200 + 90 * x as u32, y: 200 + 70 * y as u32, width: 80, height: 40 };
    let line = |(y, line): (usize, &&str)| {
        let word = |(x, text): (usize, &str)| Word { text: text.into(), rect: rect(x, y), confidence };
        Line { words: line.split_whitespace().enumerate().map(word).collect(), rect: rect(0, y), block: 1 }
    };
    PageText { width: 2480, height: 3508, lines: lines.iter().enumerate().map(line).collect() }
}

fn corrected(line: &str) -> String {
    let page = page(&[line], 80);
    page.corrected(&correct(&page)).text().trim_end().to_owned()
}

#[test]
fn the_shipped_counts_load_and_are_small() {
    let counts = Counts::decode(COUNTS).expect("counts.bin is sorted and whole; `just counts` makes it");
    assert!(counts.id("quyền").is_some() && counts.id("thẩm").is_some());
    assert!(COUNTS.len() <= 400_000, "{} bytes", COUNTS.len());
}

#[test]
fn what_is_suspected_is_not_corrected() {
    let sure = page(&["hỗ trợ chỉ phí mai táng", "chỉ đạo thực hiện tại tỉnh Quảng Ngãi"], 96);
    let suspected: Vec<(u32, u32, String)> = suspect(&sure).into_iter().map(|s| (s.line, s.word, s.text)).collect();
    assert!(suspected.contains(&(0, 2, "chi".into())), "{suspected:?}");
    assert!(!suspected.iter().any(|(line, ..)| *line == 1), "{suspected:?}");
}

#[test]
fn what_is_quoted_is_asked_about_and_never_corrected() {
    // a number by hand, read as a mark that opens a quotation and never closes it
    let sure = page(&["Số: “Š/qb-UBND", "hỗ trợ chỉ phí mai táng"], 96);
    assert!(suspect(&sure).iter().any(|s| (s.line, s.word, s.text.as_str()) == (1, 2, "chi")));
    let unsure = page(&["Số: “Š/qb-UBND", "hỗ trợ chỉ phí mai táng"], 60);
    assert!(correct(&unsure).is_empty(), "{:?}", correct(&unsure));
}

#[test]
fn lost_accents_come_back() {
    for (read, meant) in [
        ("cơ quan có thâm quyên", "cơ quan có thẩm quyền"),
        ("phát triên kinh tê - xã hội", "phát triển kinh tế - xã hội"),
        ("Nghị định nay quy dịnh (chi tiêt)", "Nghị định này quy định (chi tiết)"),
        ("Căn cứ quyết đinh của", "Căn cứ quyết định của"),
        ("CỘNG HÒA XÃ HỘI CHỦ NGHIA VIỆT NAM", "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM"),
        ("QUYẾT ĐINH", "QUYẾT ĐỊNH"),
        ("theo khoản 1 Điêu 5 của", "theo khoản 1 Điều 5 của"),
    ] {
        assert_eq!(corrected(read), meant);
    }
}

#[test]
fn what_must_stay_stays() {
    for text in [
        "có thẩm quyền phê duyệt",
        "theo UBND tinh và QĐ-UBND",
        "ông Nguyên Văn Thâm quyên góp",
        "gọi là “thâm quyên” và \"thâm quyên\"",
        "hoà giải và hòa giải; uỷ ban và ủy ban",
        "thâm4 thâm/quyên thâm-quyên thâm.quyên",
        "xyzzy qwerty",
        "tại Thạnh 2 và Quy 5",
    ] {
        let kept = |word: &str| text.split(' ').any(|own| own == word);
        let after = corrected(text);
        for word in after.split(' ') {
            assert!(kept(word) || ["tỉnh"].contains(&word), "'{text}' became '{after}'");
        }
    }
}

#[test]
fn an_absent_table_corrects_nothing() {
    assert_eq!(correct_by(&Counts::default(), &page(&["cơ quan có thâm quyên"], 80), CORRECTION), []);
    assert_eq!(correct(&PageText::default()), []);
}

/// What is vouched for was read, however the search text reads; a phrase in doubt is offered as its neighbours would have it.
#[test]
fn no_value_that_is_vouched_for_comes_from_a_correction() {
    let lines = [
        "ỦY BAN NHÂN DÂN CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM",
        "TỈNH QUẢNG NGÃI Độc lập - Tự do - Hạnh phúc",
        "Số: 12/QĐ-UBND Quảng Ngãi, ngày 08 tháng 01 năm 2025",
        "QUYẾT ĐINH",
        "Về việc phê duyệt dự án phát triên kinh tê",
        "CHỦ TỊCH ỦY BAN NHÂN DÂN TỈNH",
        "Căn cứ Luật Tổ chức chính quyền địa phương;",
    ];
    let fields = |corrections: Vec<Correction>| {
        let mut read = ReadPage::failed(1, sohoa_record::Reason::RecognizeFailed);
        (read.state, read.reasons) = (PageState::Text, Vec::new());
        (read.dpi, read.text, read.corrections) = (300, page(&lines, 90), corrections);
        let mut assembly = Assembly::new(Vec::new(), Vec::new(), render::Profile::PdfA1b).unwrap();
        assembly.add(read).unwrap();
        let created = "2025-01-08T09:00:00+07:00[+07:00]".parse().unwrap();
        let meta = render::Meta { title: "x".into(), created, id: [0; 16] };
        let (digitized, _, text) = assembly.finish(&meta).unwrap();
        (digitized.fields, digitized.plain_text, String::from_utf8(text).unwrap())
    };
    let text = page(&lines, 90);
    let every_word = text.lines.iter().enumerate().flat_map(|(line, words)| {
        let another = move |word| Correction { line: line as u32, word: word as u32, text: "khác".into() };
        (0..words.words.len()).map(another)
    });
    let (raw, raw_plain, _) = fields(Vec::new());
    let (other, other_plain, stored) = fields(every_word.collect());
    let view = PageView {
        number: 1,
        text: &text,
        dpi: 300,
        placement: Placement::default(),
        kept_size: (2480, 3508),
        born_digital: false,
        corrections: &[],
    };
    assert!(!raw.is_empty());
    let printed = |fields: &[Field]| fields.iter().map(|f| (f.name.clone(), f.printed.clone())).collect::<Vec<_>>();
    assert_eq!(raw, extract(&[view], &crate::extract::templates::Templates::built_in()).fields);
    assert_eq!(printed(&other), printed(&raw), "what was read stays");
    let subject = |fields: &[Field]| fields.iter().find(|f| f.name == "subject").and_then(|f| Some((f.value.clone()?, f.doubt)));
    let as_read = "Về việc phê duyệt dự án phát triên kinh tê".to_owned();
    let offered = "Về việc phê duyệt dự án phát triển kinh tế".to_owned();
    assert_eq!(subject(&raw), Some((as_read, None)), "the engine was sure, and nobody objects");
    assert_eq!(subject(&other), Some((offered, Some(sohoa_record::Reason::LowConfidence))));
    let rest = |fields: &[Field]| fields.iter().filter(|f| f.name != "subject").map(|f| f.value.clone()).collect::<Vec<_>>();
    assert_eq!(rest(&other), rest(&raw), "a corrected word can only make a field doubtful");
    assert!(raw_plain[0].contains("QUYẾT ĐINH") && !other_plain[0].contains("QUYẾT"));
    assert!(stored.contains("triên") && stored.contains("khác"), "the reading and the corrections are both kept");
}

/// Words as an engine may give them: syllables of the table with and without lost accents, numbers, codes, marks.
fn any_word() -> impl Strategy<Value = String> {
    let words = [
        "thâm",
        "quyên",
        "Thẩm",
        "QUYẾT",
        "đinh",
        "ĐỊNH",
        "phát",
        "triên",
        "hoà",
        "Hòa",
        "uỷ",
        "“thâm",
        "quyên”",
        "\"",
        "12/2026",
        "QĐ-UBND",
        "UBND",
        "(tiêt),",
        "a)",
        "-",
        "Võ",
        "Phiên",
        "tê",
        "đ",
        "3.000đ",
        "khoẻ.",
        "quy",
        "dinh;",
        "VIỆc",
    ];
    prop_oneof![4 => prop::sample::select(words.to_vec()).prop_map(str::to_owned), 1 => "\\PC{1,6}".prop_map(|s| sohoa_record::text::nfc(&s))]
}

proptest! {
    #[test]
    fn only_marks_of_plain_words_change(
        lines in prop::collection::vec(prop::collection::vec((any_word(), 0u8..=100), 1..8), 0..6),
    ) {
        let line = |words: &Vec<(String, u8)>| Line {
            words: words.iter().map(|(text, confidence)| Word { text: text.clone(), rect: Rect::default(), confidence: *confidence }).collect(),
            rect: Rect::default(),
            block: 0,
        };
        let page = PageText { width: 9, height: 9, lines: lines.iter().map(line).collect() };
        let corrections = correct(&page);
        prop_assert!(corrections.is_sorted_by_key(|c| (c.line, c.word)));
        for correction in &corrections {
            let read = &page.lines[correction.line as usize].words[correction.word as usize].text;
            prop_assert_eq!(fold(read), fold(&correction.text));
            prop_assert_ne!(read, &correction.text);
            prop_assert!(!read.contains(|c: char| c.is_numeric() || "\"“”«»/".contains(c)));
            prop_assert_eq!(read.chars().count(), correction.text.chars().count());
            let capitals = |text: &str| text.chars().map(char::is_uppercase).collect::<Vec<_>>();
            prop_assert_eq!(capitals(read), capitals(&correction.text));
            prop_assert_eq!(sohoa_record::text::nfc(&correction.text), correction.text.clone());
        }
        let after = page.corrected(&corrections);
        prop_assert_eq!(after.words().count(), page.words().count());
        prop_assert_eq!(fold(&after.text()), fold(&page.text()));
        prop_assert_eq!(correct(&page), corrections, "the same page, the same corrections");
    }
}

#[test]
fn a_lone_capital_with_a_neighbour_of_another_is_noticed() {
    assert!(is_lone_unusual("Về việc thành lập Tố công nghệ số cộng đồng"));
    for usual in [
        "Về việc thành lập Tổ công nghệ số cộng đồng",
        "Lịch tiếp công dân của Chủ tịch Ủy ban nhân dân trong quý IV",
        "tại xã Mỹ Diên giai đoạn",
        "kiện toàn Ban chỉ đạo và Hội đồng thi đua",
        "",
    ] {
        assert!(!is_lone_unusual(usual), "{usual}");
    }
}
