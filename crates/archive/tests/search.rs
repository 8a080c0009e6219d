//! The index's contract: search as Vietnamese people type it, lists, filters, counts.

#![allow(clippy::unwrap_used)]

mod common;

use common::*;
use proptest::prelude::*;
use sohoa_archive::{Archive, Filter, Found};
use sohoa_record::manifest::State;
use std::sync::OnceLock;

fn papers() -> Vec<Document> {
    let fields = |number, kind| vec![("type_name", kind), ("code_number", number), ("code_notation", "QĐ-UBND")];
    vec![
        Document {
            dossier: Some("H48.15-250117-0042"),
            unit: Some("H48.15"),
            fields: fields("51", "QUYẾT ĐỊNH"),
            ..document(
                "one.pdf",
                &["Ủy ban nhân dân xã Hòa Bình\nQuyết định về việc cấp giấy phép", "Trang hai: người ký Nguyễn Văn Ân"],
            )
        },
        Document {
            dossier: Some("000.00.53.H48-220921-0099"),
            unit: Some("H48.16"),
            fields: fields("151", "Quyết định"),
            ..document("two.pdf", &["Tôi quyết đinh nghỉ học, quyet dinh roi", "Xã Hoà Bình, ông An"])
        },
        Document { unit: Some("H48.15"), ..document("three.pdf", &["Tờ khai đăng ký kết hôn: bà Hóa, ông Ẩn"]) },
    ]
}

async fn filled(place: &Place) -> Archive {
    let archive = place.open().await;
    for (i, paper) in papers().iter().enumerate() {
        ingest(&archive, paper, i as u8).await.unwrap();
    }
    archive
}

async fn find(archive: &Archive, text: &str) -> Found {
    archive.index.search(text, &Filter::default(), None, 10).await.unwrap()
}

async fn names(archive: &Archive, text: &str) -> Vec<String> {
    find(archive, text).await.hits.into_iter().map(|hit| hit.entry.source_name.replace(".pdf", "")).collect()
}

#[tokio::test]
async fn typed_without_marks_finds_every_spelling() {
    let place = Place::new();
    let archive = filled(&place).await;
    for (typed, expected) in [
        ("quyet dinh", vec!["one", "two"]),
        ("QUYET  DINH", vec!["one", "two"]),
        ("dinh quyet", vec!["one", "two"]),
        ("hoa", vec!["one", "three", "two"]),
        ("dang ky ket hon", vec!["three"]),
        ("uy ban", vec!["one"]),
        ("nguyen van an", vec!["one"]),
        ("quyet dinh ket hon", vec![]),
    ] {
        let mut found = names(&archive, typed).await;
        found.sort();
        assert_eq!(found, expected, "{typed}");
    }
}

#[tokio::test]
async fn typed_with_marks_that_spelling_comes_first_and_the_others_after() {
    let place = Place::new();
    let archive = filled(&place).await;
    let exact = |found: Found| {
        found.hits.into_iter().map(|hit| (hit.entry.source_name.replace(".pdf", ""), hit.exact)).collect::<Vec<_>>()
    };
    // in the text only
    assert_eq!(exact(find(&archive, "Ẩn").await)[0], ("three".into(), true));
    assert_eq!(exact(find(&archive, "Ân").await)[0], ("one".into(), true));
    assert_eq!(exact(find(&archive, "ân").await)[1..].iter().filter(|(_, exact)| *exact).count(), 0);
    assert_eq!(find(&archive, "ân").await.hits.len(), 3);
    // NFD as macOS types it, đ and d, upper case
    assert_eq!(exact(find(&archive, "a\u{302}n").await)[0], ("one".into(), true));
    assert_eq!(exact(find(&archive, "ĐĂNG KÝ").await), [("three".into(), true)]);
    assert_eq!(exact(find(&archive, "quyết đinh").await)[0], ("two".into(), true));
    // one word with marks, one without: only the first must be spelled so
    assert_eq!(exact(find(&archive, "hóa ong").await)[0], ("three".into(), true));
    // old and new places of the tone mark are one spelling
    for typed in ["hoà bình", "hòa bình", "\"Hoà Bình\""] {
        let mut found = exact(find(&archive, typed).await);
        found.sort();
        assert_eq!(found, [("one".into(), true), ("two".into(), true)], "{typed}");
    }
}

#[tokio::test]
async fn a_personal_number_is_found_whole_however_it_is_written_and_not_by_its_groups() {
    let place = Place::new();
    let archive = place.open().await;
    ingest(&archive, &document("khai.pdf", &["Số định danh 001 086 012 345, CMND 012.345.678", "0 0 1 0 8 6 0 1 2 3 4 5 9"]), 0)
        .await
        .unwrap();
    for typed in ["001086012345", "001 086 012 345", "\"001.086.012.345\"", "012345678", "012 345 678", "0010860123459"] {
        assert_eq!(names(&archive, typed).await, ["khai"], "{typed}");
    }
    for typed in ["001", "086 012", "345", "012", "678", "\"012 345\"", "001086*", "0", "\"5 9\""] {
        assert_eq!(names(&archive, typed).await, [""; 0], "{typed}");
    }
}

#[tokio::test]
async fn a_day_is_found_however_it_is_written() {
    let place = Place::new();
    let archive = place.open().await;
    let issued = Document { fields: vec![("issued_date", "2025-08-09")], ..document("field.pdf", &["Quyết định"]) };
    let papers = [
        issued,
        document("page.pdf", &["Hà Nội, ngày 09 tháng 8 năm 2025"]),
        document("other.pdf", &["ngày 19 tháng 8 năm 2025"]),
    ];
    for (i, paper) in papers.iter().enumerate() {
        ingest(&archive, paper, i as u8).await.unwrap();
    }
    for typed in ["9/8/2025", "09/08/2025", "9-8-2025"] {
        assert_eq!(names(&archive, typed).await, ["field", "page"], "{typed}");
    }
    assert_eq!(names(&archive, "ngày 9/8/2025").await, ["page"]);
}

#[tokio::test]
async fn numbers_and_fragments_of_codes_are_found() {
    let place = Place::new();
    let archive = filled(&place).await;
    for (typed, expected) in [
        ("51/QĐ-UBND", vec!["one"]),
        ("51/qd-ubnd", vec!["one"]),
        ("151/QĐ-UBND", vec!["two"]),
        ("H48.15-250117-0042", vec!["one"]),
        ("H48.15-2501", vec!["one"]),
        ("250117", vec!["one"]),
        ("0117-004", vec!["one"]),
        ("8.15-25", vec!["one"]),
        ("0.53.H48-2209", vec!["two"]),
        ("0921-0099", vec!["two"]),
        ("\"kết hôn\"", vec!["three"]),
        ("\"hôn kết\"", vec![]),
        ("khai three.pdf", vec!["three"]),
        ("nghi*", vec!["two"]),
    ] {
        assert_eq!(names(&archive, typed).await, expected, "{typed}");
    }
    let record = find(&archive, "51/QĐ-UBND").await.hits[0].entry.record.clone();
    assert_eq!(names(&archive, record.as_str()).await, ["one"]);
}

#[tokio::test]
async fn fields_weigh_more_than_pages() {
    let place = Place::new();
    let archive = place.open().await;
    let body = document("body.pdf", &["giấy phép xây dựng nhà ở và nhiều lời khác nữa"]);
    let field = Document {
        fields: vec![("subject", "giấy phép xây dựng")],
        ..document("field.pdf", &["lời khác hẳn nhiều hơn nữa"])
    };
    for (i, paper) in [body, field].iter().enumerate() {
        ingest(&archive, paper, i as u8).await.unwrap();
    }
    assert_eq!(names(&archive, "giấy phép").await, ["field", "body"]);
}

#[tokio::test]
async fn the_newest_comes_first_whichever_was_done_first() {
    let place = Place::new();
    let archive = place.open().await;
    let papers =
        ["a.pdf", "b.pdf", "c.pdf"].map(|name| Document { bytes: name.as_bytes().to_vec(), ..document(name, &["giấy phép"]) });
    let mut arrived = Vec::new();
    for paper in &papers {
        arrived.push(arrive(&archive, paper).await.unwrap());
        // Identifiers have milliseconds.
        tokio::time::sleep(std::time::Duration::from_millis(3)).await;
    }
    for at in [1, 2, 0] {
        archive.commit(&seal(&archive, &papers[at], &arrived[at], at as u8).await.unwrap()).await.unwrap();
    }
    assert_eq!(names(&archive, "giay phep").await, ["c", "b", "a"]);
    rebuild(&archive).await;
    assert_eq!(names(&archive, "giay phep").await, ["c", "b", "a"], "and in an index that was made anew");
}

#[tokio::test]
async fn hits_show_the_words_where_they_stand() {
    let place = Place::new();
    let archive = filled(&place).await;
    let found = find(&archive, "nguyen van an").await;
    let hit: Vec<&str> = found.hits[0].snippet.iter().filter(|piece| piece.hit).map(|piece| piece.text.as_str()).collect();
    assert_eq!(hit, ["Nguyễn Văn Ân"]);
}

#[tokio::test]
async fn filters_narrow_searches_and_lists_alike() {
    let place = Place::new();
    let archive = filled(&place).await;
    let record = find(&archive, "tờ khai").await.hits[0].entry.record.clone();
    let review = revise(&archive, &record, |m| {
        m.state = State::Review;
        m.reasons = vec![sohoa_record::Reason::NumberMissing];
    })
    .await;
    archive.commit(&review).await.unwrap();
    for (filter, expected) in [
        (Filter { unit: Some("H48.15".into()), ..Filter::default() }, vec!["one", "three"]),
        (Filter { state: Some(State::Review), ..Filter::default() }, vec!["three"]),
        (Filter { state: Some(State::Failed), ..Filter::default() }, vec![]),
        (Filter { dossier_code: Some("220921".into()), ..Filter::default() }, vec!["two"]),
        (Filter { kind: Some("quyet dinh".into()), ..Filter::default() }, vec!["one", "two"]),
        (Filter { kind: Some("Quyết định".into()), unit: Some("H48.15".into()), ..Filter::default() }, vec!["one"]),
    ] {
        let found = archive.index.search("hoa", &filter, None, 9).await.unwrap().hits.into_iter().map(|hit| hit.entry);
        let listed = archive.index.entries(&filter, None, 9).await.unwrap();
        let newest = archive.index.newest(&filter, None, 9).await.unwrap();
        assert!(listed.iter().rev().eq(&newest), "{filter:?}");
        for entries in [found.collect(), listed] {
            let mut names: Vec<String> = entries.iter().map(|e| e.source_name.replace(".pdf", "")).collect();
            names.sort();
            assert_eq!(names, expected, "{filter:?}");
        }
    }
    assert_eq!(archive.index.count(State::Review, None).await.unwrap(), 1);
    assert_eq!(archive.index.count(State::Review, Some("H48.99")).await.unwrap(), 0);
    let status = archive.index.status().await.unwrap();
    assert_eq!(status.records.into_iter().collect::<Vec<_>>(), [(State::Sealed, 2), (State::Review, 1)]);
    assert_eq!(status.reasons.into_iter().collect::<Vec<_>>(), [(sohoa_record::Reason::NumberMissing, 1)]);
    assert_eq!(status.pages.text, 5);
    let failed = revise(&archive, &record, |m| {
        m.state = State::Failed;
        m.reasons = vec![sohoa_record::Reason::DossierUnknown, sohoa_record::Reason::Damaged];
    });
    archive.commit(&failed.await).await.unwrap();
    let reasons = archive.index.status().await.unwrap().reasons;
    assert_eq!(reasons.into_iter().collect::<Vec<_>>(), [(sohoa_record::Reason::Damaged, 1)], "not that its dossier is unknown");
}

#[tokio::test]
async fn what_reports_count_is_what_the_entries_say() {
    let place = Place::new();
    let archive = filled(&place).await;
    let names = ["code_number", "code_notation"];
    let counted = archive.index.counted(&names, |counted| counted).await.unwrap();
    let entries = archive.index.entries(&Filter::default(), None, 9).await.unwrap();
    assert_eq!((counted.len(), entries.len()), (3, 3));
    for entry in &entries {
        let mut expected = sohoa_archive::Counted::of(entry);
        expected.fields.retain(|(name, _)| names.contains(&name.as_str()));
        assert!(counted.contains(&expected), "{expected:?}");
    }
    assert!(counted.iter().any(|one| one.vouched("code_number") == Some("151")));
}

#[tokio::test]
async fn a_span_of_time_narrows_by_arrival() {
    let place = Place::new();
    let archive = filled(&place).await;
    let all = archive.index.newest(&Filter::default(), None, 9).await.unwrap();
    let ms =
        |record: &sohoa_record::identifier::RecordId| i64::from_str_radix(&record.as_str().replace('-', "")[..12], 16).unwrap();
    let (first, last) = (ms(&all.last().unwrap().record), ms(&all[0].record));
    let span = |since, until| Filter { since, until, ..Filter::default() };
    for (filter, many) in
        [(span(Some(first), Some(last + 1)), all.len()), (span(Some(last + 1), None), 0), (span(None, Some(first)), 0)]
    {
        assert_eq!(archive.index.newest(&filter, None, 9).await.unwrap().len(), many, "{filter:?}");
        assert_eq!(archive.index.entries(&filter, None, 9).await.unwrap().len(), many, "{filter:?}");
        assert_eq!(archive.index.search("hoa", &filter, None, 9).await.unwrap().hits.len(), many, "{filter:?}");
    }
    assert_eq!(archive.index.arrived_since(first, None).await.unwrap().len(), all.len());
    let older = archive.index.newest(&Filter::default(), Some(&all[0].record), 9).await.unwrap();
    assert_eq!(older, all[1..]);
}

#[tokio::test]
async fn pages_of_hits_and_lists_miss_nothing_and_repeat_nothing() {
    let place = Place::new();
    let archive = place.open().await;
    for i in 0..23u8 {
        // equal ranks, and both spellings
        let text = if i % 3 == 0 { "tờ khai" } else { "to khai" };
        let paper = Document { bytes: vec![i], name: format!("{i}.pdf"), ..document("", &[text]) };
        ingest(&archive, &paper, i).await.unwrap();
    }
    let whole = archive.index.search("tờ khai", &Filter::default(), None, 100).await.unwrap();
    assert_eq!((whole.hits.len(), whole.next), (23, None));
    assert!(whole.hits[..8].iter().all(|hit| hit.exact) && whole.hits[8..].iter().all(|hit| !hit.exact));
    let (mut paged, mut after) = (Vec::new(), None);
    loop {
        let page = archive.index.search("tờ khai", &Filter::default(), after.as_ref(), 5).await.unwrap();
        paged.extend(page.hits);
        match page.next {
            Some(next) => after = Some(next),
            None => break,
        }
    }
    assert_eq!(paged, whole.hits);
    let (mut listed, mut last) = (Vec::new(), None);
    loop {
        let page = archive.index.entries(&Filter::default(), last.as_ref(), 7).await.unwrap();
        let Some(entry) = page.last() else { break };
        last = Some(entry.record.clone());
        listed.extend(page);
    }
    assert_eq!(listed.len(), 23);
    assert!(listed.is_sorted_by_key(|entry| entry.record.clone()));
}

#[tokio::test]
async fn the_operators_of_the_search_engine_are_words_like_others() {
    let place = Place::new();
    let archive = filled(&place).await;
    for typed in [
        "",
        "\"",
        "\"\"",
        "AND",
        "a AND",
        "NOT",
        "OR OR",
        "NEAR(",
        "NEAR(a b, 2)",
        "head:x",
        "{head} : x",
        "^a",
        "a*b*",
        "(",
        "-",
        "'",
        "';--",
        "\0",
        "…",
        "٣",
        "𝔘",
    ] {
        find(&archive, typed).await;
    }
    assert!(find(&archive, &"từ ".repeat(10_000)).await.hits.is_empty());
    assert!(find(&archive, &"-1".repeat(10_000)).await.hits.is_empty());
}

fn shared() -> &'static (tokio::runtime::Runtime, Place, Archive) {
    static SHARED: OnceLock<(tokio::runtime::Runtime, Place, Archive)> = OnceLock::new();
    SHARED.get_or_init(|| {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let place = Place::new();
        let archive = runtime.block_on(filled(&place));
        (runtime, place, archive)
    })
}

proptest! {
    #[test]
    fn no_text_is_an_error(typed in "\\PC{0,60}") {
        let (runtime, _, archive) = shared();
        runtime.block_on(find(archive, &typed));
    }

    #[test]
    fn no_text_of_the_engines_own_signs_is_an_error(typed in "[\"*^(){}:+\\-, aANDORTEđẻ0-9\\u{0}-\\u{20}\\u{300}-\\u{323}]{0,40}") {
        let (runtime, _, archive) = shared();
        runtime.block_on(find(archive, &typed));
    }

    #[test]
    fn any_line_of_a_page_finds_its_page(start in 0usize..10, len in 1usize..6) {
        let (runtime, _, archive) = shared();
        let words: Vec<&str> = papers()[0].pages[0].split_whitespace().collect();
        let start = start.min(words.len() - 1);
        let typed = words[start..(start + len).min(words.len())].join(" ");
        let found = runtime.block_on(find(archive, &typed));
let hit = found.hits.iter().find(|hit| hit.entry.source_name == "one.pdf");
        prop_assert!(hit.is_some_and(|hit| hit.exact), "{}", typed);
    }
}
