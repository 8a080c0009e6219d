//! Decode on the corpus of real and hostile files (`SOHOA_CORPUS`).

#![allow(clippy::disallowed_methods, clippy::disallowed_types, clippy::unwrap_used)] // tests read files

use sohoa_digitize::decode::{self, DecodeError, Opened};
use sohoa_digitize::page::{Encoding, Limits};
use sohoa_record::Reason;
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

fn open(bytes: &[u8], name: &str) -> Result<Opened, DecodeError> {
    decode::open(Arc::new(bytes.to_vec()), name, &Limits::default())
}

fn corpus(path: &str) -> Vec<u8> {
    let root = std::env::var("SOHOA_CORPUS").expect("SOHOA_CORPUS names the folder of the corpus");
    let path = PathBuf::from(root).join(path);
    std::fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

fn corpus_file(path: &str) -> Result<Opened, DecodeError> {
    open(&corpus(path), path.rsplit('/').next().unwrap())
}

#[test]
fn hostile_files_get_their_reason() {
    for (path, expected) in [
        ("generated/empty.pdf", Reason::Empty),
        ("generated/exe-named.pdf", Reason::NameMismatch),
        ("generated/html-named.pdf", Reason::NameMismatch),
        ("generated/one-byte.pdf", Reason::Damaged),
        ("generated/pdf-100000-pages-one-object.pdf", Reason::TooManyPages),
        ("generated/pdf-page-tree-loop.pdf", Reason::NoPages),
        ("generated/pdf-zero-pages.pdf", Reason::NoPages),
        ("generated/tiff-20000-pages.tif", Reason::TooManyPages),
        ("paperless/password-is-test.pdf", Reason::Encrypted),
        ("qpdf-qtest/enc-XI-R6,V5,U=view,O=master.pdf", Reason::Encrypted),
    ] {
        let refused = corpus_file(&format!("nasty/{path}")).err().unwrap_or_else(|| panic!("{path} was taken"));
        assert_eq!(refused.reason(), expected, "{path}: {refused}");
    }
    for (path, expected) in [
        ("generated/jpeg-claims-65500x65500.jpg", Reason::PageTooLarge),
        ("generated/png-bomb-20000x20000-rgba.png", Reason::PageTooLarge),
        ("generated/png-bomb-60000x60000-1bit.png", Reason::PageTooLarge),
        ("generated/tiff-claims-4gx4g.tif", Reason::PageTooLarge),
        ("generated/tiff-g4-65000x65000.tif", Reason::PageTooLarge),
        ("generated/pdf-g4-image-65000x65000.pdf", Reason::PageTooLarge),
        ("generated/pdf-huge-mediabox.pdf", Reason::PageTooLarge),
        ("generated/pdf-double-flate-1GiB-content.pdf", Reason::PageTooLarge),
    ] {
        let refused = corpus_file(&format!("nasty/{path}")).unwrap().page(1).unwrap_err();
        assert_eq!(refused.reason(), expected, "{path}: {refused}");
    }
}

#[test]
fn odd_files_that_others_read_are_read() {
    for (path, pages) in [
        ("generated/header-after-1500-bytes.pdf", 1),
        ("generated/polyglot-pdf-zip.pdf", 1),
        ("generated/tiff-ifd-self-loop.tif", 1),
        ("qpdf-qtest/deep-duplicate-pages.pdf", 2),
        ("qpdf-qtest/V4-aes.pdf", 30),
        ("qpdf-qtest/enc-XI-R6,V5,O=master.pdf", 30),
        ("tiff/images__seq__seq-1c-1b-fax3-lsb-71f6a21a.tiff", 1),
        ("tiff/libtiffpic__fax2d.tif", 1),
        ("tiff/libtiffpic__g3test.tif", 1),
        ("tiff/libtiffpic__quad-jpeg.tif", 1),
        ("tiff/images__palette-1c-4b.tiff", 1),
    ] {
        let mut file = corpus_file(&format!("nasty/{path}")).unwrap_or_else(|e| panic!("{path}: {e}"));
        assert_eq!(file.page_count(), pages, "{path}");
        file.page(1).unwrap_or_else(|e| panic!("{path}: {e}"));
    }
    // the same 16 × 16 pixels in four codings
    let page =
        |name: &str| corpus_file(&format!("nasty/tiff/images__seq__seq-1c-1b-{name}-71f6a21a.tiff")).unwrap().page(1).unwrap();
    let plain = page("miniswhite").grey;
    for coding in ["fax3", "fax3-fillbits", "fax3-lsb"] {
        assert_eq!(page(coding).grey, plain, "{coding}");
    }
}

#[test]
fn real_papers_keep_their_scans_and_name_their_signers() {
    // pages, then resolution and coding of the second page, which is a bare scan; page 1 carries seals and is drawn
    for (name, pages, dpi, coding) in [
        ("qn-01-qd-04", 2, 300, Encoding::Jpeg { components: 3 }),
        ("qn-03-ct-05", 2, 100, Encoding::Jpeg { components: 3 }),
        ("qn-09-ct-07-2018-ccitt", 4, 300, Encoding::Group4),
        ("tw-01-cv-2191-jbig2", 4, 200, Encoding::Group4),
    ] {
        let mut file = corpus_file(&format!("vn/scan/{name}.pdf")).unwrap();
        assert_eq!(file.page_count(), pages, "{name}");
        let scan = file.page(2).unwrap();
        assert_eq!((scan.dpi, scan.kept.encoding), (dpi, coding), "{name}");
    }
    let file = corpus_file("vn/scan/qn-01-qd-04.pdf").unwrap();
    let signers: Vec<_> = file.signatures().iter().map(|s| (s.kind.as_str(), s.signer.as_str(), s.covers_whole_file)).collect();
    let expected = [
        ("ETSI.CAdES.detached", "Ủy ban nhân dân tỉnh Quảng Ngãi", false),
        ("adbe.pkcs7.detached", "TRUNG TÂM CÔNG BÁO VÀ TIN HỌC", true),
    ];
    assert_eq!(signers, expected);
    assert_eq!(file.signatures()[0].claimed_time, "D:20250207075624+07'00'");
}

#[test]
fn born_digital_papers_give_their_own_words() {
    for (name, pages) in [("qn-24-tb-11", 2), ("qn-26-tb-542", 2), ("tw-04-nd-45-2026-55p", 3)] {
        let mut file = corpus_file(&format!("vn/born-digital/{name}.pdf")).unwrap();
        for number in 1..=pages {
            let text = file.page(number).unwrap().text.unwrap_or_else(|| panic!("{name} page {number} has no text"));
            let truth = String::from_utf8(corpus(&format!("vn/gt/{name}-p{number:02}.txt"))).unwrap();
            let mut left: HashMap<&str, i32> = HashMap::new();
            text.words().for_each(|word| *left.entry(word.text.as_str()).or_default() += 1);
            let truth: Vec<&str> = truth.split_whitespace().collect();
            let mut found = 0;
            for word in &truth {
                let count = left.entry(word).or_default();
                *count -= 1;
                found += usize::from(*count >= 0);
            }
            assert!(found * 100 >= truth.len() * 99, "{name} page {number}: {found} of {} words", truth.len());
        }
    }
}
