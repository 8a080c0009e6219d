//! PAdES signatures of every level and key, judged by programs that are not ours: pyHanko, poppler, openssl, PDFBox, qpdf.
#![allow(clippy::unwrap_used, reason = "tests")]

mod common;
#[path = "common/seal.rs"]
mod seal;

use common::{Pki, TSA, World, is_pdf_a, now, pdf_a, pdfsig_says, pyhanko_says};
use sohoa_sign::appearance::{Appearance, SealImage};
use sohoa_sign::pades::{self, Level, Signed, Wanted};
use sohoa_sign::pdf;
use sohoa_sign::signer::Signer;
use std::path::PathBuf;
use std::process::Command;

fn made(source: &[u8], signer: &Signer, level: Level, certify: bool, look: Option<&Appearance<'_>>, world: &World<'_>) -> Signed {
    let at = now();
    let wanted = Wanted { field: "nd30-2020", at: &at, look, certify, level };
    let signed = pades::sign(source, signer, &wanted, &world.authority()).unwrap();
    let pdf = pades::finish(signed.pdf, level, &world.authority()).unwrap();
    Signed { pdf, ..signed }
}

/// Cuts the signature of a file out as its bytes tell: the CMS, and what it covers.
fn cut_out(pdf: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let text = String::from_utf8_lossy(pdf);
    let range = text.rfind("/SubFilter/ETSI.CAdES.detached").unwrap();
    let range = range + text[range..].find("/ByteRange[").unwrap() + "/ByteRange[".len();
    // Lossy text has other offsets than the bytes: the numbers are found again in these.
    let numbers: Vec<usize> =
        text[range..].split(']').next().unwrap().split_whitespace().map(|number| number.parse().unwrap()).collect();
    let [_, first, second, rest] = numbers[..] else { panic!("{numbers:?}") };
    let hex = std::str::from_utf8(&pdf[first + 1..second - 1]).unwrap();
    let bytes: Vec<u8> = (0..hex.len() / 2).map(|at| u8::from_str_radix(&hex[2 * at..2 * at + 2], 16).unwrap()).collect();
    let length = match bytes[1] {
        0x82 => 4 + usize::from(bytes[2]) * 256 + usize::from(bytes[3]),
        other => panic!("a CMS of length {other:#x}"),
    };
    (bytes[..length].to_vec(), [&pdf[..first], &pdf[second..second + rest]].concat())
}

#[test]
fn every_key_and_level_is_valid_for_others_and_the_file_stays_pdf_a() {
    let pki = Pki::new();
    let world = World::of(&pki);
    let font = common::font();
    let at = now();
    let look = Appearance::nd30_2020("SAO Y", "Ủy ban nhân dân xã Thử Nghiệm, huyện Không Còn Nữa", &at, &font).unwrap();
    let source = pdf_a(0);
    let mut files: Vec<(PathBuf, &str, Level)> = Vec::new();
    for (name, kind) in [("rsa", "rsa:3072"), ("pss", "rsa:2048"), ("p256", "P-256"), ("p384", "P-384"), ("ed25519", "ed25519")] {
        let mut signer = pki.signer(name, kind);
        if name == "pss" {
            signer.prefer_pss();
        }
        for level in Level::ALL {
            let file = pki.path(&format!("{name}-{}.pdf", level.as_str()));
            let signed = made(&source, &signer, level, false, Some(&look), &world);
            assert!(signed.pdf.starts_with(&source), "an incremental update leaves what was there");
            assert_eq!(signed.stamped_at.is_some(), level > Level::Basic);
            std::fs::write(&file, &signed.pdf).unwrap();
            files.push((file, name, level));
        }
    }
    let paths: Vec<PathBuf> = files.iter().map(|(path, ..)| path.clone()).collect();
    is_pdf_a(&paths, pki.folder());
    for ((path, name, level), told) in files.iter().zip(pyhanko_says(&pki, &paths)) {
        let signatures = told["signatures"].as_array().unwrap();
        assert_eq!(signatures.len(), if *level == Level::Archival { 2 } else { 1 }, "{told}");
        assert!(signatures.iter().all(|signature| signature["good"] == true), "{}: {told}", path.display());
        assert_eq!(signatures[0]["stamped"], *level > Level::Basic, "{told}");
        assert_eq!(
            signatures.last().unwrap()["coverage"],
            if *level == Level::LongTerm { "ENTIRE_REVISION" } else { "ENTIRE_FILE" }
        );
        if *level == Level::Archival {
            assert_eq!(told["archival"][0], "AdESPassed.OK", "{}: {told}", path.display());
        }
        // NSS knows neither Ed25519 nor, in poppler's hands, more than the digest of PSS.
        if !["ed25519"].contains(name) {
            let said = pdfsig_says(&pki, path);
            assert!(said.contains("Signature is Valid"), "{}: {said}", path.display());
        }
    }
}

#[test]
fn openssl_verifies_the_cms_and_the_time_stamp() {
    let pki = Pki::new();
    let world = World::of(&pki);
    for (name, kind) in [("rsa", "rsa:2048"), ("pss", "rsa:2048"), ("p256", "P-256"), ("p384", "P-384")] {
        let mut signer = pki.signer(name, kind);
        if name == "pss" {
            signer.prefer_pss();
        }
        let signed = made(&pdf_a(0), &signer, Level::Timestamped, false, None, &world);
        let (cms, covered) = cut_out(&signed.pdf);
        pki.write("cms.der", &cms);
        pki.write("covered", &covered);
        pki.openssl(&[
            "cms", "-verify", "-cades", "-binary", "-inform", "DER", "-in", "cms.der", "-content", "covered", "-CAfile",
            "root.pem", "-purpose", "any", "-out", "content",
        ]);
        assert_eq!(pki.read("content"), covered);
    }
    // the token, over the very request that went out
    pki.openssl(&["ts", "-verify", "-queryfile", "query.tsq", "-in", "reply.tsr", "-CAfile", "root.pem"]);
}

#[test]
fn a_certification_keeps_its_word_and_two_signatures_stand_side_by_side() {
    let pki = Pki::new();
    let world = World::of(&pki);
    let (person, organisation) = (pki.signer("nguoi", "P-256"), pki.signer("co-quan", "rsa:2048"));
    let certified = made(&pdf_a(0), &organisation, Level::Archival, true, None, &world).pdf;

    let at = now();
    let font = common::font();
    let left = Appearance::tt01_2023("Nguyễn Thị Ánh", &at, &font).unwrap();
    let wanted = Wanted { field: "tt01-2023", at: &at, look: Some(&left), certify: false, level: Level::Archival };
    let by_person = pades::sign(&pdf_a(0), &person, &wanted, &world.authority()).unwrap().pdf;
    let both = made(&by_person, &organisation, Level::Archival, false, None, &world).pdf;

    // What an attacker may append: another revision that shows another page.
    let mut forged = lopdf::IncrementalDocument::create_from(certified.clone(), lopdf::Document::load_mem(&certified).unwrap());
    let page = forged.get_prev_documents().page_iter().next().unwrap();
    forged.opt_clone_object_to_new_document(page).unwrap();
    let shown = forged.new_document.add_object(lopdf::Stream::new(lopdf::Dictionary::new(), b"0 0 100 100 re f".to_vec()));
    forged.new_document.get_object_mut(page).unwrap().as_dict_mut().unwrap().set("Contents", shown);
    let mut forged_bytes = Vec::new();
    forged.save_to(&mut forged_bytes).unwrap();
    // and a pixel of page 1 that is another
    let mut altered = certified.clone();
    altered[600] ^= 1;

    let files: Vec<PathBuf> =
        ["certified", "both", "forged", "altered"].iter().map(|name| pki.path(&format!("{name}.pdf"))).collect();
    for (file, bytes) in files.iter().zip([&certified, &both, &forged_bytes, &altered]) {
        std::fs::write(file, bytes).unwrap();
    }
    let told = pyhanko_says(&pki, &files);
    assert!(told[0]["signatures"].as_array().unwrap().iter().all(|signature| signature["good"] == true), "{}", told[0]);
    assert_eq!((&told[0]["signatures"][0]["docmdp"], &told[0]["signatures"][0]["changes"]), (&1.into(), &"LTA_UPDATES".into()));
    assert_eq!(told[0]["archival"][0], "AdESPassed.OK");
    let names: Vec<&str> = told[1]["signatures"].as_array().unwrap().iter().map(|s| s["field"].as_str().unwrap()).collect();
    assert_eq!(names, ["tt01-2023", "nd30-2020", "timestamp-1"]);
    assert!(told[1]["signatures"].as_array().unwrap().iter().all(|signature| signature["good"] == true), "{}", told[1]);
    assert_eq!(told[1]["archival"], serde_json::json!(["AdESPassed.OK", "AdESPassed.OK"]));
    // the judge can say no
    assert_eq!(told[2]["signatures"][0]["good"], false, "{}", told[2]);
    assert_eq!(told[3]["signatures"][0]["good"], false, "{}", told[3]);
    is_pdf_a(&files[..2], pki.folder());
    let text = common::pdftotext(&files[1]);
    assert!(text.contains("Người sao chụp: Nguyễn Thị Ánh"), "{text}");
}

/// Words that poppler finds on page 1, each with left, top, right, bottom in points of the page as it is seen.
fn shown_words(file: &std::path::Path) -> (f64, Vec<(String, [f64; 4])>) {
    let html = common::run(Command::new("pdftotext").args(["-bbox", "-l", "1"]).arg(file).arg("-"), "poppler-utils");
    let html = String::from_utf8(html).unwrap();
    let number = |line: &str, name: &str| -> f64 {
        line.split(&format!("{name}=\"")).nth(1).unwrap().split('"').next().unwrap().parse().unwrap()
    };
    let width = number(html.lines().find(|line| line.contains("<page ")).unwrap(), "width");
    let words = html.lines().filter(|line| line.contains("<word ")).map(|line| {
        let text = line.split_once('>').unwrap().1.split_once("</word>").unwrap().0.to_owned();
        (text, ["xMin", "yMin", "xMax", "yMax"].map(|name| number(line, name)))
    });
    (width, words.collect())
}

#[test]
fn each_profile_stands_in_its_corner_of_a_page_however_it_is_turned() {
    let pki = Pki::new();
    let world = World::of(&pki);
    let signer = pki.signer("co-quan", "P-256");
    let (font, at) = (common::font(), now());
    let seal = SealImage::from_png(&seal::red_ring()).unwrap();
    let looks = [
        ("right", Appearance::nd30_2020("SAO Y", "UBND xã Thử Nghiệm", &at, &font).unwrap(), "SAO"),
        ("left", Appearance::tt01_2023("Nguyễn Thị Ánh", &at, &font).unwrap(), "Người"),
        ("right", Appearance::tt02_2019("UBND xã Thử Nghiệm", &at, &seal, &font).unwrap(), "UBND"),
    ];
    let mut files = Vec::new();
    for turned in [0, 90, 180, 270] {
        for (n, (side, look, word)) in looks.iter().enumerate() {
            let file = pki.path(&format!("turned-{turned}-{n}.pdf"));
            std::fs::write(&file, made(&pdf_a(turned), &signer, Level::Basic, true, Some(look), &world).pdf).unwrap();
            let (width, words) = shown_words(&file);
            let (_, [left, top, right, bottom]) =
                words.iter().find(|(text, _)| text == word).unwrap_or_else(|| panic!("{words:?}"));
            assert!(right > left && bottom - top < 16.0 && *top < if n == 2 { 130.0 } else { 40.0 }, "{turned} {n}: {words:?}");
            match *side {
                "left" => assert!(*left < 60.0, "{turned} {n}: {words:?}"),
                _ => assert!(
                    *left > width / 2.0 && words.iter().all(|(_, [_, _, right, _])| *right < width),
                    "{turned} {n}: {words:?}"
                ),
            }
            let zone = words.iter().any(|(text, _)| text == "+07:00");
            assert!(zone, "the time has its zone: {words:?}");
            if n == 2 {
                assert!(red_pixels(&file) > 500, "{turned}: the red seal is seen");
            }
            files.push(file);
        }
    }
    is_pdf_a(&files, pki.folder());
    assert!(Appearance::tt01_2023("名前", &at, &font).unwrap_err().to_string().contains("no letter"));
}

/// NĐ 30/2020/NĐ-CP, Phụ lục I, phần II mục I: form of copy, organisation, time of signing with its zone; Times, upright, size 10, black; no
/// picture.
#[test]
fn the_visible_signature_has_the_lines_and_the_letters_that_the_decree_wants() {
    let pki = Pki::new();
    let world = World::of(&pki);
    let signer = pki.signer("co-quan", "P-256");
    let font = common::font();
    let at: jiff::Zoned = "2026-03-05T09:07:08+07:00[+07:00]".parse().unwrap();
    for form in ["SAO Y", "SAO LỤC", "TRÍCH SAO"] {
        let look = Appearance::nd30_2020(form, "ỦY BAN NHÂN DÂN XÃ THỬ NGHIỆM", &at, &font).unwrap();
        let file = pki.path("shown.pdf");
        std::fs::write(&file, made(&pdf_a(0), &signer, Level::Basic, true, Some(&look), &world).pdf).unwrap();
        let poppler = |program: &str, arguments: &[&str]| {
            let mut command = Command::new(program);
            let told =
                common::run(command.args(arguments).arg(&file).args((program != "pdffonts").then_some("-")), "poppler-utils");
            String::from_utf8(told).unwrap()
        };
        // Its lines, each a block's line of poppler, from above.
        let layout = poppler("pdftotext", &["-bbox-layout", "-l", "1"]);
        let mut lines: Vec<(f64, String)> = Vec::new();
        for line in layout.split("<line ").skip(1) {
            let top: f64 = line.split("yMin=\"").nth(1).unwrap().split('"').next().unwrap().parse().unwrap();
            let words = line.split("</line>").next().unwrap().split("<word ").skip(1);
            let words: Vec<&str> = words.map(|word| word.split_once('>').unwrap().1.split("</word>").next().unwrap()).collect();
            lines.push((top, words.join(" ")));
        }
        lines.sort_by(|one, other| one.0.total_cmp(&other.0));
        let texts: Vec<&str> = lines.iter().map(|(_, text)| text.as_str()).collect();
        assert_eq!(texts, [form, "ỦY BAN NHÂN DÂN XÃ THỬ NGHIỆM", "05/03/2026 09:07:08 +07:00"], "{layout}");
        // The one font of the page, all of it in the file.
        let fonts = poppler("pdffonts", &["-l", "1"]);
        let rows: Vec<Vec<&str>> = fonts.lines().skip(2).map(|row| row.split_whitespace().collect()).collect();
        let shown: Vec<_> = rows.iter().filter(|row| row[0].contains("LiberationSerif")).collect();
        // emb, sub, uni stand before the two numbers of the object
        assert!(shown.len() == 1 && shown[0].iter().rev().skip(2).take(3).all(|told| *told == "yes"), "{fonts}");
        assert!(!shown[0][0].contains("Italic") && !shown[0][0].contains("Bold"), "upright: {fonts}");
        // Size and colour as poppler draws them.
        let drawn = poppler("pdftohtml", &["-xml", "-zoom", "1", "-i", "-stdout", "-l", "1"]);
        let specification = drawn.lines().find(|line| line.contains("<fontspec")).unwrap();
        assert!(specification.contains("size=\"10\"") && specification.contains("LiberationSerif"), "{drawn}");
        assert!(specification.contains("color=\"#000000\""), "{drawn}");
        assert_eq!(drawn.matches("<fontspec").count(), 1, "{drawn}");
        assert_eq!(red_pixels(&file), 0, "no picture of a signature");
    }
}

/// Red pixels of page 1 at 72 dpi, as poppler shows it.
fn red_pixels(file: &std::path::Path) -> usize {
    let ppm = common::run(Command::new("pdftoppm").args(["-r", "72", "-l", "1", "-singlefile"]).arg(file), "poppler-utils");
    let pixels = &ppm[ppm.len() - ppm.len() / 3 * 3..];
    pixels.chunks(3).filter(|rgb| rgb[0] > 150 && rgb[1] < 80 && rgb[2] < 80).count()
}

#[test]
fn a_key_on_another_computer_signs_what_was_prepared_and_nothing_else() {
    let pki = Pki::new();
    let world = World::of(&pki);
    pki.certificate("xa", "rsa:2048", "document", "/CN=Văn thư xã", &[]);
    let (source, at) = (pdf_a(0), now());
    let wanted = Wanted { field: "nd30-2020", at: &at, look: None, certify: true, level: Level::Archival };
    let prepared = pades::prepare(&source, &wanted).unwrap();
    let digest: String = prepared.digest(sohoa_sign::algorithm::Hash::Sha256).iter().map(|b| format!("{b:02x}")).collect();
    let cms = common::sign_elsewhere(&pki, "xa", &digest);

    let again = pades::prepare(&source, &wanted).unwrap();
    assert_eq!(again.covered(), prepared.covered(), "nothing has to be kept in between");
    let signed = pades::complete(again, &cms, &wanted, &world.authority()).unwrap();
    assert_eq!(signed.signer.name(), "Văn thư xã");
    let file = pki.path("elsewhere.pdf");
    std::fs::write(&file, pades::finish(signed.pdf, Level::Archival, &world.authority()).unwrap()).unwrap();
    let told = pyhanko_says(&pki, std::slice::from_ref(&file)).remove(0);
    assert!(told["signatures"].as_array().unwrap().iter().all(|signature| signature["good"] == true), "{told}");
    assert_eq!(told["archival"][0], "AdESPassed.OK", "{told}");
    is_pdf_a(&[file], pki.folder());

    let other = pades::prepare(&pdf_a(90), &wanted).unwrap();
    let refused = pades::complete(other, &cms, &wanted, &world.authority()).unwrap_err();
    assert!(refused.to_string().contains("something else"), "{refused}");
    let mut broken = cms.clone();
    let last = broken.len() - 1;
    broken[last] ^= 1;
    assert!(pades::complete(pades::prepare(&source, &wanted).unwrap(), &broken, &wanted, &world.authority()).is_err());
}

#[test]
fn a_file_that_was_repaired_or_is_no_pdf_is_refused() {
    let (source, at) = (pdf_a(0), now());
    let wanted = Wanted { field: "nd30-2020", at: &at, look: None, certify: true, level: Level::Basic };
    for bytes in [&b"%PDF-1.4 no more"[..], &source[..source.len() - 40], &source[..source.len() / 2], b""] {
        assert!(pades::prepare(bytes, &wanted).is_err());
    }
    let once = pades::prepare(&source, &wanted).unwrap().covered().concat();
    assert!(once.len() > source.len());
    let pki = Pki::new();
    let world = World::of(&pki);
    let signed = made(&source, &pki.signer("xa", "P-256"), Level::Basic, true, None, &world).pdf;
    let twice = pdf::prepare(&signed, &pdf::Field { name: "nd30-2020".into(), kind: pdf::Kind::Timestamp, room: 100 });
    assert!(twice.unwrap_err().to_string().contains("already"), "a name stands once");
    assert_eq!(TSA, world.services[0]);
}
