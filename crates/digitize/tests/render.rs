//! The PDF/A as others see it: qpdf, poppler and PDFBox preflight are the judges.

#![allow(clippy::disallowed_methods, clippy::disallowed_types, clippy::unwrap_used)] // tests read files and run programs

use image::codecs::jpeg::JpegEncoder;
use sohoa_digitize::page::{Encoding, KeptImage, ReadPage};
use sohoa_digitize::render::{Meta, Profile, Writer};
use sohoa_record::manifest::PageState;
use sohoa_record::{Field, Line, PageText, Placement, Rect, Word};
use std::path::{Path, PathBuf};
use std::process::Command;

const WIDTH: u32 = 600;
const HEIGHT: u32 = 800;
const DPI: u32 = 100;

fn meta() -> Meta {
    let created = "2026-01-02T03:04:05+07:00[+07:00]".parse().unwrap();
    Meta { title: "Về việc phê duyệt".into(), created, id: *b"0123456789abcdef" }
}

fn field(name: &str, value: &str, doubt: bool) -> Field {
    Field {
        name: name.into(),
        value: Some(value.into()),
        printed: String::new(),
        confidence: 97,
        page: 1,
        rect: None,
        doubt: doubt.then_some(sohoa_record::Reason::LowConfidence),
        rule: "test".into(),
        register: None,
    }
}

/// Three lines of words; each word is where its ink will be.
fn text() -> PageText {
    let line = |y: u32, words: &[(&str, u32, u32)]| {
        let word = |(text, x, width): &(&str, u32, u32)| Word {
            text: (*text).into(),
            rect: Rect { x: *x, y, width: *width, height: 20 },
            confidence: 90,
        };
        let words: Vec<Word> = words.iter().map(word).collect();
        let rect = words.iter().map(|w| w.rect).reduce(|a, b| a.union(&b)).unwrap();
        Line { words, rect, block: y / 300 }
    };
    PageText {
        width: WIDTH,
        height: HEIGHT,
        lines: vec![
            line(100, &[("QUYẾT", 200, 90), ("ĐỊNH", 300, 70)]),
            line(200, &[("quyết", 60, 70), ("định", 140, 50), ("số", 210, 26), ("12/QĐ-UBND", 250, 160)]),
            line(600, &[("Nguyễn", 300, 80), ("Văn", 392, 44), ("Ưởng", 450, 60)]),
        ],
    }
}

/// White paper with a black box at each word's place.
fn ink(text: &PageText) -> Vec<u8> {
    let mut pixels = vec![255; (WIDTH * HEIGHT) as usize];
    for rect in text.words().map(|word| word.rect) {
        for y in rect.y..rect.bottom() {
            pixels[(y * WIDTH + rect.x) as usize..(y * WIDTH + rect.right()) as usize].fill(0);
        }
    }
    pixels
}

/// Turns an image a quarter counter-clockwise: what must be turned 90° clockwise to be upright.
fn turn_back((width, height, pixels): (u32, u32, Vec<u8>)) -> (u32, u32, Vec<u8>) {
    let at = |x: u32, y: u32| pixels[((x) * width + (width - 1 - y)) as usize];
    let turned = (0..width).flat_map(|y| (0..height).map(move |x| (x, y))).map(|(x, y)| at(x, y)).collect();
    (height, width, turned)
}

/// Turns the picture clockwise around its centre, nearest pixel.
fn skew(pixels: &[u8], degrees: f64) -> Vec<u8> {
    let (sin, cos) = degrees.to_radians().sin_cos();
    let (cx, cy) = (f64::from(WIDTH) / 2.0, f64::from(HEIGHT) / 2.0);
    let source = |x: u32, y: u32| {
        let (dx, dy) = (f64::from(x) + 0.5 - cx, f64::from(y) + 0.5 - cy);
        let (sx, sy) = ((cx + dx * cos + dy * sin).floor(), (cy - dx * sin + dy * cos).floor());
        let inside = sx >= 0.0 && sy >= 0.0 && sx < f64::from(WIDTH) && sy < f64::from(HEIGHT);
        if inside { pixels[sy as usize * WIDTH as usize + sx as usize] } else { 255 }
    };
    (0..HEIGHT).flat_map(|y| (0..WIDTH).map(move |x| (x, y))).map(|(x, y)| source(x, y)).collect()
}

fn group4((width, height, pixels): (u32, u32, Vec<u8>)) -> KeptImage {
    let mut encoder = fax::encoder::Encoder::new(fax::VecWriter::new());
    for row in pixels.chunks(width as usize) {
        let colors = row.iter().map(|v| if *v == 0 { fax::Color::Black } else { fax::Color::White });
        encoder.encode_line(colors, width).unwrap();
    }
    KeptImage { width, height, encoding: Encoding::Group4, data: encoder.finish().unwrap().finish() }
}

fn jpeg(pixels: &[u8]) -> KeptImage {
    let mut data = Vec::new();
    JpegEncoder::new_with_quality(&mut data, 80).encode(pixels, WIDTH, HEIGHT, image::ExtendedColorType::L8).unwrap();
    KeptImage { width: WIDTH, height: HEIGHT, encoding: Encoding::Jpeg { components: 1 }, data }
}

fn flate(pixels: &[u8]) -> KeptImage {
    let rgb: Vec<u8> = pixels.iter().flat_map(|v| [*v, *v / 2, 128]).collect();
    let data = miniz_oxide::deflate::compress_to_vec_zlib(&rgb, 6);
    KeptImage { width: WIDTH, height: HEIGHT, encoding: Encoding::Flate { components: 3 }, data }
}

fn page(number: u32, kept: KeptImage, placement: Placement) -> ReadPage {
    let mut page = ReadPage::failed(number, sohoa_record::Reason::PageDamaged);
    page.reasons.clear();
    (page.state, page.dpi, page.placement, page.text, page.kept) = (PageState::Text, DPI, placement, text(), Some(kept));
    page
}

fn write(pages: &[ReadPage], profile: Profile, path: &Path) {
    let mut writer = Writer::new(Vec::new(), profile).unwrap();
    pages.iter().for_each(|page| writer.page(page).unwrap());
    let fields = [field("code_number", "12", false), field("subject", "trích yếu <&>", false), field("organ_name", "?", true)];
    std::fs::write(path, writer.finish(&meta(), &fields).unwrap()).unwrap();
}

/// Runs an outside program and gives its standard output; fails when it is missing or fails.
fn judge(program: &str, package: &str, arguments: &[&str]) -> Vec<u8> {
    let output = Command::new(program).args(arguments).output();
    let output = output.unwrap_or_else(|e| panic!("{program}: {e}: install the Debian package {package}"));
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} {arguments:?}: {errors}{}", String::from_utf8_lossy(&output.stdout));
    output.stdout
}

fn poppler(program: &str, arguments: &[&str]) -> Vec<u8> {
    judge(program, "poppler-utils", arguments)
}

fn is_well_formed(path: &str) {
    let report = String::from_utf8(judge("qpdf", "qpdf", &["--check", path])).unwrap();
    assert!(report.contains("No syntax or stream encoding errors found"), "{report}");
}

/// Word and box in points (left, top, right, bottom), as poppler reads them.
fn words(path: &str, page: usize) -> Vec<(String, [f64; 4])> {
    let page = page.to_string();
    let html = String::from_utf8(poppler("pdftotext", &["-bbox", "-f", &page, "-l", &page, path, "-"])).unwrap();
    let attribute = |line: &str, name: &str| {
        let from = line.find(&format!("{name}=\"")).unwrap() + name.len() + 2;
        line[from..].split('"').next().unwrap().parse::<f64>().unwrap()
    };
    let word = |line: &str| {
        let text = line.split_once('>')?.1.split_once("</word>")?.0.to_owned();
        Some((text, ["xMin", "yMin", "xMax", "yMax"].map(|name| attribute(line, name))))
    };
    html.lines().filter(|line| line.contains("<word ")).filter_map(word).collect()
}

/// A page as poppler shows it, upright, at our resolution: width, height, grey pixels.
fn shown(path: &str, page: usize, dir: &Path) -> (u32, u32, Vec<u8>) {
    let (root, page, dpi) = (dir.join("shown"), page.to_string(), DPI.to_string());
    poppler("pdftoppm", &["-gray", "-r", &dpi, "-f", &page, "-l", &page, "-singlefile", path, root.to_str().unwrap()]);
    let pgm = std::fs::read(root.with_extension("pgm")).unwrap();
    let mut header = pgm.splitn(4, |b| b.is_ascii_whitespace());
    assert_eq!(header.next().unwrap(), b"P5");
    let mut number = || std::str::from_utf8(header.next().unwrap()).unwrap().parse().unwrap();
    let (width, height): (u32, u32) = (number(), number());
    (width, height, pgm[pgm.len() - (width * height) as usize..].to_vec())
}

#[test]
fn readers_find_every_word_on_its_ink_on_straight_turned_and_skewed_pages() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("pages.pdf");
    let upright = (WIDTH, HEIGHT, ink(&text()));
    let quarter = turn_back(upright.clone());
    let half = turn_back(quarter.clone());
    let three = turn_back(half.clone());
    let turned = |rotated_deg| Placement { rotated_deg, skew_mdeg: 0 };
    let skewed = |skew_mdeg: i32| {
        let pixels = skew(&upright.2, f64::from(skew_mdeg) / 1000.0);
        page(5, group4((WIDTH, HEIGHT, pixels)), Placement { rotated_deg: 0, skew_mdeg })
    };
    let slanted = skew(&upright.2, 1.5);
    let slanted_and_turned = turn_back((WIDTH, HEIGHT, slanted));
    write(
        &[
            page(1, group4(upright.clone()), turned(0)),
            page(2, group4(quarter), turned(90)),
            page(3, group4(half), turned(180)),
            page(4, group4(three), turned(270)),
            skewed(2000),
            skewed(-3000),
            page(7, group4(slanted_and_turned), Placement { rotated_deg: 90, skew_mdeg: 1500 }),
        ],
        Profile::PdfA2b,
        &path,
    );
    let path = path.to_str().unwrap();
    is_well_formed(path);
    let expected = text();
    let names: Vec<&str> = expected.words().map(|word| word.text.as_str()).collect();
    for (number, slant) in [0.0, 0.0, 0.0, 0.0, 2.0, 3.0, 1.5f64].into_iter().enumerate() {
        let number = number + 1;
        let raw =
            String::from_utf8(poppler("pdftotext", &["-raw", "-f", &number.to_string(), "-l", &number.to_string(), path, "-"]));
        assert_eq!(raw.unwrap().split_whitespace().collect::<Vec<_>>(), names, "page {number}");
        // by layout, poppler takes a line that climbs by its height for several
        let mut found = words(path, number);
        if slant > 2.0 {
            found.sort_by_key(|word| names.iter().position(|name| *name == word.0));
        }
        assert_eq!(found.iter().map(|word| word.0.as_str()).collect::<Vec<_>>(), names, "page {number}");
        let (width, height, pixels) = shown(path, number, dir.path());
        assert_eq!((width, height), (WIDTH, HEIGHT), "page {number} is shown upright");
        for (word, (_, points)) in expected.words().zip(&found) {
            let [left, top, right, bottom] = points.map(|v| v * f64::from(DPI) / 72.0);
            // ink between the box's left and right, around the middle of its height
            let middle = ((top + bottom) / 2.0) as u32;
            let dark = |x: f64| pixels[(middle * width + x as u32) as usize] < 128;
            let across = |share: f64| left + share * (right - left);
            assert!([0.1, 0.5, 0.9].iter().all(|share| dark(across(*share))), "page {number}: {} is not on ink", word.text);
            if slant == 0.0 {
                let rect = [word.rect.x, word.rect.y, word.rect.right(), word.rect.bottom()].map(f64::from);
                let near = [left, top, right, bottom].iter().zip(rect).all(|(a, b)| (a - b).abs() <= 1.5);
                assert!(near, "page {number}: {} is at {points:?}, not {rect:?}", word.text);
            } else {
                // a slanted word's box may be wider and higher by what the slant adds
                let slack = slant.to_radians() * f64::from(word.rect.width + 20) + 2.0;
                assert!((right - left - f64::from(word.rect.width)).abs() <= slack, "page {number}: {} is too wide", word.text);
            }
        }
    }
    let root = dir.path().join("kept");
    poppler("pdfimages", &["-png", "-f", "1", "-l", "1", path, root.to_str().unwrap()]);
    let kept = image::open(dir.path().join("kept-000.png")).unwrap().into_luma8();
    assert!(kept.into_raw() == upright.2, "the image in the PDF is the kept image to the pixel");
    // poppler draws an image one pixel wider than the page, so a shown pixel may be its neighbour
    let shown = shown(path, 1, dir.path()).2;
    let near = |x: u32, y: u32| {
        (y.max(1) - 1..=(y + 1).min(HEIGHT - 1))
            .flat_map(move |ny| (x.max(1) - 1..=(x + 1).min(WIDTH - 1)).map(move |nx| (nx, ny)))
    };
    let is_shown = |x: u32, y: u32| {
        near(x, y).any(|(nx, ny)| (upright.2[(ny * WIDTH + nx) as usize] < 128) == (shown[(y * WIDTH + x) as usize] < 128))
    };
    assert!((0..HEIGHT).all(|y| (0..WIDTH).all(|x| is_shown(x, y))), "a shown G4 page is the kept image");
}

#[test]
fn a_document_is_pdf_a_and_holds_each_image_with_its_own_bytes() {
    let dir = tempfile::tempdir().unwrap();
    let pixels = ink(&text());
    let mut without_words = page(4, jpeg(&pixels), Placement::default());
    without_words.text.lines.clear();
    without_words.dpi = 0;
    let pages = [
        page(1, group4((WIDTH, HEIGHT, pixels.clone())), Placement::default()),
        page(2, jpeg(&pixels), Placement { rotated_deg: 180, skew_mdeg: 700 }),
        page(3, flate(&pixels), Placement::default()),
        without_words,
        ReadPage::failed(5, sohoa_record::Reason::PageDamaged),
    ];
    let (first, second, empty) = (dir.path().join("a1.pdf"), dir.path().join("a2.pdf"), dir.path().join("empty.pdf"));
    write(&pages, Profile::PdfA1b, &first);
    write(&pages, Profile::PdfA2b, &second);
    write(&pages[3..], Profile::PdfA1b, &empty);
    let path = first.to_str().unwrap();
    for path in [&first, &second, &empty] {
        is_well_formed(path.to_str().unwrap());
    }

    let text = String::from_utf8(poppler("pdftotext", &["-f", "1", "-l", "1", path, "-"])).unwrap();
    assert!(text.contains("quyết định số 12/QĐ-UBND"), "{text}");
    let info = String::from_utf8(poppler("pdfinfo", &[path])).unwrap();
    assert!(info.contains("Pages:           5") && info.contains("Về việc phê duyệt"), "{info}");

    let list = String::from_utf8(poppler("pdfimages", &["-list", path])).unwrap();
    let images: Vec<Vec<&str>> = list.lines().skip(2).map(|line| line.split_whitespace().collect()).collect();
    let seen: Vec<[&str; 5]> = images.iter().map(|row| [row[0], row[3], row[4], row[8], row[12]]).collect();
    let (w, h) = (WIDTH.to_string(), HEIGHT.to_string());
    let at_dpi = |page, codec, dpi| [page, w.as_str(), h.as_str(), codec, dpi];
    // the page of unknown resolution is A4's 210 mm wide: 600 pixels are 73 an inch
    assert_eq!(
        seen,
        [at_dpi("1", "ccitt", "100"), at_dpi("2", "jpeg", "100"), at_dpi("3", "image", "100"), at_dpi("4", "jpeg", "73")]
    );
    let root = dir.path().join("image");
    poppler("pdfimages", &["-all", "-f", "2", "-l", "2", path, root.to_str().unwrap()]);
    assert_eq!(std::fs::read(dir.path().join("image-000.jpg")).unwrap(), pages[1].kept.as_ref().unwrap().data);

    let xmp = String::from_utf8(poppler("pdfinfo", &["-meta", path])).unwrap();
    assert!(xmp.contains("<sohoa:code_number>12</sohoa:code_number>") && xmp.contains("trích yếu &lt;&amp;&gt;"), "{xmp}");
    assert!(!xmp.contains("organ_name"), "a field in doubt is not told");

    let report = preflight(&[first.clone(), empty.clone()], dir.path());
    let verdicts: Vec<&str> = report.lines().filter(|line| !line.starts_with(' ')).collect();
    assert_eq!(verdicts, [format!("valid {}", first.display()), format!("valid {}", empty.display())], "{report}");
}

/// What PDFBox preflight says of each file.
fn preflight(files: &[PathBuf], dir: &Path) -> String {
    const JARS: [(&str, &str); 9] = [
        ("pdfbox2", "libpdfbox2-java"),
        ("preflight", "libpdfbox2-java"),
        ("xmpbox", "libpdfbox2-java"),
        ("fontbox2", "libfontbox2-java"),
        ("commons-logging", "libcommons-logging-java"),
        ("javax.activation", "libactivation-java"),
        ("jaxb-api", "libjaxb-api-java"),
        ("jaxb-runtime", "libjaxb-java"),
        ("jaxb-core", "libjaxb-java"),
    ];
    let path = |(jar, package): &(&str, &str)| {
        let path = format!("/usr/share/java/{jar}.jar");
        assert!(Path::new(&path).exists(), "{path} is missing: install the Debian package {package}");
        path
    };
    let jars = JARS.iter().map(path).collect::<Vec<_>>().join(":");
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/preflight/Preflight.java");
    judge("javac", "default-jdk-headless", &["-cp", &jars, "-d", dir.to_str().unwrap(), source]);
    let class_path = format!("{jars}:{}", dir.display());
    let mut arguments = vec!["-cp", &class_path, "Preflight"];
    arguments.extend(files.iter().map(|file| file.to_str().unwrap()));
    String::from_utf8(judge("java", "default-jdk-headless", &arguments)).unwrap()
}

#[test]
fn a_thousand_pages_have_a_tree_in_order_and_the_same_bytes_each_time() {
    let dir = tempfile::tempdir().unwrap();
    let small = |number: u32| {
        let mut page = page(number, group4((8, number % 50 + 8, vec![0; 8 * (number as usize % 50 + 8)])), Placement::default());
        page.text.lines.truncate(usize::from(number.is_multiple_of(100)));
        page.dpi = 72;
        page
    };
    let pages: Vec<ReadPage> = (1..=1000).map(small).collect();
    let (one, two) = (dir.path().join("one.pdf"), dir.path().join("two.pdf"));
    write(&pages, Profile::PdfA2b, &one);
    write(&pages, Profile::PdfA2b, &two);
    assert!(std::fs::read(&one).unwrap() == std::fs::read(&two).unwrap());
    let path = one.to_str().unwrap();
    is_well_formed(path);
    let info = String::from_utf8(poppler("pdfinfo", &["-f", "1", "-l", "1000", path])).unwrap();
    let heights: Vec<u32> = info
        .lines()
        .filter(|line| line.starts_with("Page ") && line.contains(" size:"))
        .map(|line| line.split(" x ").nth(1).unwrap().split_whitespace().next().unwrap().parse().unwrap())
        .collect();
    assert_eq!(heights, (1..=1000).map(|number| number % 50 + 8).collect::<Vec<u32>>());
}
