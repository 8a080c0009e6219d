//! What is believed of a page child's answer, and what a frame may cost.

use super::*;
use sohoa_digitize::page::KeptImage;
use sohoa_record::signature::Verdict;
use sohoa_record::{CodeKind, Line, PageCode, PageLook, Placement, Word};

/// A page as an honest child gives it: turned, with one word.
fn honest() -> ReadPage {
    let rect = Rect { x: 10, y: 20, width: 30, height: 40 };
    let word = Word { text: "Quyết".into(), rect, confidence: 93 };
    ReadPage {
        number: 2,
        state: PageState::Text,
        reasons: vec![Reason::LowDpi],
        dpi: 150,
        placement: Placement { rotated_deg: 90, skew_mdeg: -850 },
        text: PageText { width: 200, height: 100, lines: vec![Line { words: vec![word], rect, block: 1 }] },
        corrections: Vec::new(),
        born_digital: false,
        codes: vec![PageCode { kind: CodeKind::Qr, text: "SOHOA:DOCUMENT".into(), rect }],
        look: Some(PageLook::new([7; 32])),
        kept: Some(KeptImage { width: 100, height: 200, encoding: Encoding::Flate { components: 1 }, data: vec![1, 2, 3] }),
    }
}

#[test]
fn an_honest_page_is_believed() {
    check_page(2, &honest(), &Limits::default()).unwrap();
    check_page(7, &ReadPage::failed(7, Reason::PageDamaged), &Limits::default()).unwrap();
}

#[test]
fn every_lie_about_a_page_is_found() {
    type Change = fn(&mut ReadPage);
    let lies: &[(&str, Change)] = &[
        ("page 3 for page 2", |page| page.number = 3),
        ("reasons", |page| page.reasons = vec![Reason::LowDpi; 1000]),
        ("lies as no page lies", |page| page.placement.rotated_deg = 45),
        ("lies as no page lies", |page| page.placement.skew_mdeg = i32::MIN),
        ("without its image", |page| page.kept = None),
        ("failed for no reason", |page| (page.state, page.reasons) = (PageState::RecognizeFailed, Vec::new())),
        ("0 × 200 pixels", |page| kept(page).width = 0),
        ("4294967295 × 4294967295 pixels", |page| (kept(page).width, kept(page).height) = (u32::MAX, u32::MAX)),
        ("image of 0 bytes", |page| kept(page).data.clear()),
        ("image of 2000000 bytes", |page| kept(page).data = vec![0; 2_000_000]),
        ("4 components", |page| kept(page).encoding = Encoding::Jpeg { components: 4 }),
        ("on a page of", |page| page.text.width = 201),
        ("on a page of", |page| page.placement.rotated_deg = 180),
        ("on a page of", |page| word(page).rect.x = u32::MAX),
        ("on a page of", |page| word(page).rect.width = u32::MAX),
        ("on a page of", |page| word(page).rect.height = 0),
        ("on a page of", |page| page.text.lines[0].rect.y = 61),
        ("codes, at most 32", |page| page.codes = vec![page.codes[0].clone(); 33]),
        ("on a page of", |page| page.codes[0].rect.y = 61),
        ("a code of 0 letters", |page| page.codes[0].text.clear()),
        ("a code of 4297 letters", |page| page.codes[0].text = "x".repeat(4_297)),
        ("a code of 2 letters", |page| page.codes[0].text = "a\u{1b}".into()),
        ("a code of 2 letters", |page| page.codes[0].text = "e\u{302}".into()),
        ("a separator sheet", |page| page.state = PageState::Separator),
        ("a line without words", |page| page.text.lines[0].words.clear()),
        ("101 % confidence", |page| word(page).confidence = 101),
        ("a word of 0 bytes", |page| word(page).text.clear()),
        ("not NFC", |page| word(page).text = "e\u{302}".into()),
        ("control", |page| word(page).text = "\u{1b}[2J".into()),
        ("too long", |page| word(page).text = "a".repeat(1001)),
        ("words, at most", |page| {
            let many = vec![word(page).clone(); MAX_WORDS + 1];
            page.text.lines[0].words = many;
        }),
        ("a correction", |page| page.corrections.push(Correction { line: 9, word: 0, text: "x".into() })),
        ("a correction", |page| page.corrections.push(Correction { line: 0, word: 0, text: "another word".into() })),
    ];
    let limits = Limits { max_page_pixels: 20_000, max_stream_bytes: 16, ..Limits::default() };
    for (cause, change) in lies {
        let mut page = honest();
        change(&mut page);
        let lie = check_page(2, &page, &limits).expect_err(cause);
        assert!(lie.to_string().contains(cause), "{cause}: {lie}");
    }
}

fn kept(page: &mut ReadPage) -> &mut KeptImage {
    page.kept.as_mut().unwrap()
}

fn word(page: &mut ReadPage) -> &mut Word {
    &mut page.text.lines[0].words[0]
}

#[test]
fn a_part_of_a_page_has_the_pixels_that_it_says() {
    let crop =
        |width, height, pixels: usize| check(&Answer::Crop(Crop { width, height, pixels: vec![9; pixels] }), &Limits::default());
    crop(3, 2, 6).unwrap();
    for (width, height, pixels) in [(3, 2, 5), (3, 2, 7), (0, 2, 0), (u32::MAX, u32::MAX, 1), (4096, 2049, 4096 * 2049)] {
        assert!(crop(width, height, pixels).is_err(), "{width} × {height}, {pixels}");
    }
}

#[test]
fn a_page_for_a_screen_has_the_samples_that_it_says() {
    let picture = |width, height, components, samples: usize| {
        check(&Answer::Picture(Picture { width, height, components, samples: vec![9; samples] }), &Limits::default())
    };
    picture(3, 2, 1, 6).unwrap();
    picture(3, 2, 3, 18).unwrap();
    for (width, height, components, samples) in
        [(3, 2, 1, 5), (3, 2, 3, 6), (3, 2, 2, 12), (0, 2, 1, 0), (u32::MAX, u32::MAX, 3, 1), (2000, 1300, 1, 2_600_000)]
    {
        assert!(picture(width, height, components, samples).is_err(), "{width} × {height}, {components}, {samples}");
    }
}

#[test]
fn lies_about_a_source_or_a_child_are_found() {
    let limits = Limits { max_pages: 10, ..Limits::default() };
    let source =
        |media_type: &str, pages| Answer::Opened(SourceInfo { media_type: media_type.into(), pages, signatures: Vec::new() });
    check(&source("image/tiff", 10), &limits).unwrap();
    for lie in [source("image/tiff", 0), source("image/tiff", 11), source("text/html\n", 1)] {
        assert!(check(&lie, &limits).is_err(), "{lie:?}");
    }
    let signature = |signer: &str| IncomingSignature {
        kind: String::new(),
        signer: signer.into(),
        claimed_time: String::new(),
        covers_whole_file: false,
    };
    let signed = |signatures| Answer::Opened(SourceInfo { media_type: "application/pdf".into(), pages: 1, signatures });
    check(&signed(vec![signature("Nguyễn Văn A"); MAX_SIGNATURES]), &limits).unwrap();
    assert!(check(&signed(vec![signature("A"); MAX_SIGNATURES + 1]), &limits).is_err());
    assert!(check(&signed(vec![signature("\u{7}")]), &limits).is_err());
    let judged = |change: fn(&mut SignatureCheck)| {
        let mut judgement = SignatureCheck::only(Verdict::Weak, vec![Finding::WeakDigest, Finding::WeakKey]);
        change(&mut judgement);
        let alone = check(&Answer::NoSignatures(judgement.clone()), &limits);
        let listed = check(&Answer::Signatures(vec![Checked { signature: signature("A"), check: judgement }]), &limits);
        assert_eq!(alone, listed);
        alone
    };
    judged(|_| {}).unwrap();
    assert!(judged(|check| check.findings.reverse()).is_err());
    assert!(judged(|check| check.findings.push(Finding::WeakKey)).is_err());
    assert!(judged(|check| check.path = vec!["Root".into(); 33]).is_err());
    assert!(judged(|check| check.changes = vec!["page 2\u{1b}[2J".into()]).is_err());
    assert!(judged(|check| check.field = "x".repeat(1001)).is_err());
    let long = presentable_check(SignatureCheck {
        changes: vec!["\u{7}".repeat(2000); 99],
        ..SignatureCheck::only(Verdict::Weak, vec![])
    });
    check(&Answer::NoSignatures(long), &limits).unwrap();
    let refused = |detail: String| Answer::Refused { reason: Reason::Damaged, detail };
    assert!(check(&refused("x".repeat(1001)), &limits).is_err());
    check(&refused(presentable(&format!("\u{1b}e\u{302}\u{958}{}", "x".repeat(5000)))), &limits).unwrap();
}

#[test]
fn frames_come_back_and_a_length_alone_costs_nothing() {
    let mut pipe = Vec::new();
    write_frame(&mut pipe, b"one").unwrap();
    write_frame(&mut pipe, b"").unwrap();
    let mut input = pipe.as_slice();
    assert_eq!(read_frame(&mut input, 3).unwrap().as_deref(), Some(b"one".as_slice()));
    assert_eq!(read_frame(&mut input, 3).unwrap().as_deref(), Some(b"".as_slice()));
    assert_eq!(read_frame(&mut input, 3).unwrap(), None);
    assert!(read_frame(&mut pipe.as_slice(), 2).unwrap_err().to_string().contains("3 bytes, at most 2"));

    // An announcement of 4 GB that is within the limit, and ten bytes: memory for ten bytes, and an end that came too soon.
    let mut liar = u32::MAX.to_le_bytes().to_vec();
    liar.extend_from_slice(&[0; 10]);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let before = address_space_kb();
    let error = runtime.block_on(receive_frame(&mut liar.as_slice(), u64::MAX)).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
    assert_eq!(read_frame(&mut liar.as_slice(), u64::MAX).unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
    assert!(address_space_kb() < before + 100_000);
    assert!(runtime.block_on(receive_frame(&mut liar.as_slice(), MAX_MESSAGE)).is_err());
}

/// Address space: what was asked for counts, used or not.
fn address_space_kb() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmPeak")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[test]
fn bytes_after_a_message_are_a_lie() {
    let mut bytes = encode(&Request::Page { number: 3 }).unwrap();
    assert_eq!(decode::<Request>(&bytes).unwrap(), Request::Page { number: 3 });
    bytes.push(0);
    assert!(decode::<Request>(&bytes).is_err());
    assert!(decode::<Answer>(&[9, 9, 9]).is_err());
}
