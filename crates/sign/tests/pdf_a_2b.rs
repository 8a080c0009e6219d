//! A PDF/A-2b stays one whatever is signed and however it looks. No validator of PDF/A-2 can be installed here, so two judges share it: one asks what
//! of ISO 19005-2 a signature could break, and is itself held against files whose verdicts are known; PDFBox preflight asks all of PDF/A-1b,
//! and may find no more than the unsigned file's own part number.
#![allow(clippy::unwrap_used, reason = "tests")]

mod common;
#[path = "common/seal.rs"]
mod seal;

use common::{Pki, World, now, pdf_a_2b_says, pdf_a_of, preflight, run};
use sohoa_digitize::render::Profile;
use sohoa_sign::appearance::{Appearance, SealImage};
use sohoa_sign::pades::{self, Level, Wanted};
use std::path::PathBuf;
use std::process::Command;

#[test]
fn whatever_is_signed_and_however_it_looks_the_file_stays_pdf_a_2b() {
    let pki = Pki::new();
    let world = World::of(&pki);
    let (font, at) = (common::font(), now());
    let picture = SealImage::from_png(&seal::red_ring()).unwrap();
    let looks: [(&str, Option<Appearance<'_>>); 4] = [
        ("sao-y", Some(Appearance::nd30_2020("SAO Y", "Ủy ban nhân dân xã Thử Nghiệm", &at, &font).unwrap())),
        ("sao-chup", Some(Appearance::tt01_2023("Nguyễn Thị Ánh", &at, &font).unwrap())),
        ("con-dau", Some(Appearance::tt02_2019("UBND xã Thử Nghiệm", &at, &picture, &font).unwrap())),
        ("none", None),
    ];
    let source = pdf_a_of(Profile::PdfA2b, 90);
    let sign = |pdf: &[u8], name: &str, signer: &_, look: Option<&Appearance<'_>>, certify: bool, level: Level| {
        let wanted = Wanted { field: name, at: &at, look, certify, level };
        let signed = pades::sign(pdf, signer, &wanted, &world.authority()).unwrap();
        pades::finish(signed.pdf, level, &world.authority()).unwrap()
    };
    let mut files = vec![pki.path("unsigned.pdf")];
    std::fs::write(&files[0], &source).unwrap();
    let mut write = |name: String, pdf: Vec<u8>| {
        assert!(pdf.starts_with(&source));
        files.push(pki.path(&name));
        std::fs::write(files.last().unwrap(), pdf).unwrap();
    };
    let seal = pki.signer("co-quan", "P-256");
    for level in Level::ALL {
        for (name, look) in &looks {
            write(format!("{name}-{}.pdf", level.as_str()), sign(&source, "seal", &seal, look.as_ref(), true, level));
        }
        let person = sign(
            &source,
            "person",
            &pki.signer(&format!("nguoi-{}", level.as_str()), "rsa:2048"),
            looks[1].1.as_ref(),
            false,
            level,
        );
        write(format!("both-{}.pdf", level.as_str()), sign(&person, "seal", &seal, looks[0].1.as_ref(), false, level));
    }
    let ed25519 = pki.signer("ed", "ed25519");
    write("ed25519.pdf".into(), sign(&source, "seal", &ed25519, looks[0].1.as_ref(), true, Level::Archival));

    let told = pdf_a_2b_says(&files);
    let [first, rest @ ..] = &told[..] else { panic!() };
    for (file, told) in files.iter().zip(&told) {
        assert_eq!(told["broken"], serde_json::json!([]), "{}: {told}", file.display());
        run(Command::new("qpdf").arg("--check").arg(file), "qpdf");
    }
    for told in rest {
        assert_eq!((&told["metadata"], &told["profiles"]), (&first["metadata"], &first["profiles"]), "kept as they were");
        assert_eq!(told["ids"][0], first["ids"][0], "the document's identifier stays");
        assert_ne!(told["ids"][1], first["ids"][1], "the revision's is another (ISO 32000-1 14.4)");
    }
    // All that PDF/A-1b has against them is that they say to be PDF/A-2b.
    let expected: String =
        files.iter().map(|file| format!("invalid {}\n  7.11.2 Error on MetaData, part must be 1\n", file.display())).collect();
    assert_eq!(preflight(&files, pki.folder()), expected);
}

/// Clauses of ISO 19005-2 whose files of the veraPDF suite the judge must find broken; it asks nothing of the others.
const CLAUSES: [&str; 20] = [
    "6-1-2-t01",
    "6-1-2-t02",
    "6-1-3-t01",
    "6-1-3-t02",
    "6-1-7-1-t04",
    "6-1-12-t01",
    "6-1-12-t02",
    "6-1-13-t01",
    "6-1-13-t04",
    "6-2-3-t02",
    "6-2-3-t03",
    "6-3-1-t01",
    "6-3-2-t01",
    "6-3-3-t01",
    "6-3-3-t02",
    "6-4-1-t01",
    "6-4-1-t02",
    "6-5-1-t01",
    "6-6-2-1-t01",
    "6-6-4-t01",
];

#[test]
fn the_judge_calls_no_good_file_broken_and_finds_what_it_asks_for() {
    let corpus = std::env::var_os("SOHOA_CORPUS").expect("SOHOA_CORPUS is not set; set it to the corpus folder");
    let folder = PathBuf::from(corpus).join("nasty/verapdf/PDF_A-2b");
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let (mut good, mut found) = (0, 0);
    for (file, told) in files.iter().zip(pdf_a_2b_says(&files)) {
        let name = file.file_stem().unwrap().to_str().unwrap().trim_start_matches("veraPDF_test_suite_");
        let broken = told["broken"].as_array().unwrap();
        if name.contains("-pass-") {
            assert!(broken.is_empty(), "{name}: {told}");
            good += 1;
        } else if CLAUSES.iter().any(|test| name.starts_with(&format!("{test}-fail"))) {
            let clause = name.split("-t").next().unwrap().replace('-', ".");
            assert!(broken.iter().any(|one| *one == clause.as_str()), "{name}: {told}");
            found += 1;
        }
    }
    assert_eq!((good, found), (52, CLAUSES.len()));
}
