//! Decode on files made here, where every pixel is known.

#![allow(clippy::disallowed_methods, clippy::disallowed_types, clippy::unwrap_used)] // tests read files and run programs

use image::codecs::jpeg::JpegEncoder;
use pdf_writer::{Chunk, Content, Filter, Finish, Name, Pdf, Rect, Ref};
use sohoa_digitize::decode::{self, DecodeError, Opened};
use sohoa_digitize::digitize;
use sohoa_digitize::page::{Encoding, KeptImage, Limits, ReadPage, Scan};
use sohoa_digitize::recognize::RecordedEngine;
use sohoa_digitize::render::{Meta, Profile, Writer};
use sohoa_record::manifest::{PageState, State};
use sohoa_record::{Placement, Reason, Sha256Hex};
use std::io::Cursor;
use std::sync::Arc;
use tiff::encoder::{Rational, TiffEncoder, colortype};
use tiff::tags::{ResolutionUnit, Tag};

const WIDTH: u32 = 200;
const HEIGHT: u32 = 280;

fn open(bytes: &[u8], name: &str) -> Result<Opened, DecodeError> {
    decode::open(Arc::new(bytes.to_vec()), name, &Limits::default())
}

fn first_page(bytes: &[u8], name: &str) -> Scan {
    open(bytes, name).unwrap().page(1).unwrap()
}

fn reason(bytes: &[u8], name: &str) -> Reason {
    match open(bytes, name) {
        Ok(_) => panic!("{name} was taken"),
        Err(error) => error.reason(),
    }
}

/// A picture that is different in every corner and has no symmetry.
fn shades() -> Vec<u8> {
    (0..HEIGHT).flat_map(|y| (0..WIDTH).map(move |x| (x + y / 3) as u8)).collect()
}

fn two_tone() -> Vec<u8> {
    let black = |x: u32, y: u32| (x / 9 + y / 5).is_multiple_of(3) || x > y;
    (0..HEIGHT).flat_map(|y| (0..WIDTH).map(move |x| if black(x, y) { 0 } else { 255 })).collect()
}

fn jpeg(pixels: &[u8]) -> Vec<u8> {
    let mut data = Vec::new();
    JpegEncoder::new_with_quality(&mut data, 90).encode(pixels, WIDTH, HEIGHT, image::ExtendedColorType::L8).unwrap();
    data
}

fn zlib(bytes: &[u8]) -> Vec<u8> {
    miniz_oxide::deflate::compress_to_vec_zlib(bytes, 6)
}

#[test]
fn a_scan_comes_back_from_a_pdf_with_its_own_bytes_resolution_and_turn() {
    let fax = first_page(&tiff_of(&[two_tone()], 1), "a.tif").kept;
    assert_eq!(fax.encoding, Encoding::Group4);
    let grey = KeptImage { width: WIDTH, height: HEIGHT, encoding: Encoding::Jpeg { components: 1 }, data: jpeg(&shades()) };
    let flate = KeptImage { width: WIDTH, height: HEIGHT, encoding: Encoding::Flate { components: 1 }, data: zlib(&shades()) };
    for kept in [fax, grey, flate] {
        for rotated_deg in [0, 90, 180, 270] {
            let mut page = ReadPage::failed(1, Reason::PageDamaged);
            (page.state, page.dpi, page.kept) = (PageState::Blank, 240, Some(kept.clone()));
            page.placement = Placement { rotated_deg, skew_mdeg: 0 };
            let mut writer = Writer::new(Vec::new(), Profile::PdfA2b).unwrap();
            writer.page(&page).unwrap();
            let meta = Meta { title: "t".into(), created: "2026-01-02T03:04:05+07:00[+07:00]".parse().unwrap(), id: [1; 16] };
            let pdf = writer.finish(&meta, &[]).unwrap();
            let scan = first_page(&pdf, "a.pdf");
            assert_eq!(scan.kept, kept, "turned {rotated_deg}");
            assert_eq!((scan.dpi, scan.rotate_deg), (240, rotated_deg));
            assert!(scan.text.is_none());
        }
    }
}

/// A PDF of one page, 100 × 140 points, with these images (named Im0, Im1 …) and content.
fn pdf(images: &[(u32, u32, &[u8])], content: Content) -> Vec<u8> {
    let (catalog, pages, page, stream, font) = (Ref::new(1), Ref::new(2), Ref::new(3), Ref::new(4), Ref::new(5));
    let mut pdf = Pdf::new();
    pdf.catalog(catalog).pages(pages);
    pdf.pages(pages).kids([page]).count(1);
    let mut object = pdf.page(page);
    object.parent(pages).media_box(Rect::new(0.0, 0.0, 100.0, 140.0)).contents(stream);
    let mut resources = object.resources();
    let mut names = resources.x_objects();
    for i in 0..images.len() {
        names.pair(Name(format!("Im{i}").as_bytes()), Ref::new(10 + i as i32));
    }
    names.finish();
    resources.fonts().pair(Name(b"F"), font);
    resources.finish();
    object.finish();
    pdf.stream(stream, &content.finish());
    pdf.type1_font(font).base_font(Name(b"Helvetica"));
    for (i, (width, height, pixels)) in images.iter().enumerate() {
        let data = zlib(pixels);
        let mut chunk = Chunk::new();
        let mut image = chunk.image_xobject(Ref::new(10 + i as i32), &data);
        image.width(*width as i32).height(*height as i32).bits_per_component(8).color_space().device_gray();
        image.filter(Filter::FlateDecode);
        image.finish();
        pdf.extend(&chunk);
    }
    pdf.finish()
}

fn show(content: &mut Content, name: &str, [x, y, width, height]: [f32; 4]) {
    content.save_state();
    content.transform([width, 0.0, 0.0, height, x, y]);
    content.x_object(Name(name.as_bytes()));
    content.restore_state();
}

#[test]
fn strips_are_put_together_to_the_pixel() {
    let (pixels, cut) = (shades(), (WIDTH * 100) as usize);
    let mut content = Content::new();
    show(&mut content, "Im0", [0.0, 90.0, 100.0, 50.0]);
    show(&mut content, "Im1", [0.0, 0.0, 100.0, 90.0]);
    let scan = first_page(&pdf(&[(WIDTH, 100, &pixels[..cut]), (WIDTH, 180, &pixels[cut..])], content), "strips.pdf");
    assert_eq!((scan.grey.width, scan.grey.height, scan.dpi), (WIDTH, HEIGHT, 144));
    assert!(scan.grey.pixels == pixels);
}

#[test]
fn an_earlier_recognition_is_not_trusted_but_the_scan_is_kept() {
    let words = |content: &mut Content, mode| {
        content.begin_text();
        content.set_text_rendering_mode(mode);
        content.set_font(Name(b"F"), 10.0).next_line(10.0, 100.0).show(pdf_writer::Str(b"Hello there old words"));
        content.end_text();
    };
    let pixels = shades();
    let mut unseen = Content::new();
    show(&mut unseen, "Im0", [0.0, 0.0, 100.0, 140.0]);
    words(&mut unseen, pdf_writer::types::TextRenderingMode::Invisible);
    let mut hidden = Content::new();
    words(&mut hidden, pdf_writer::types::TextRenderingMode::Fill);
    show(&mut hidden, "Im0", [0.0, 0.0, 100.0, 140.0]);
    for content in [unseen, hidden] {
        let scan = first_page(&pdf(&[(WIDTH, HEIGHT, &pixels)], content), "ocr.pdf");
        assert!(scan.grey.pixels == pixels && scan.text.is_none());
    }

    // a stamp over the scan is part of the page: it is drawn, at the scan's resolution, and read from pixels
    let mut stamped = Content::new();
    show(&mut stamped, "Im0", [0.0, 0.0, 100.0, 140.0]);
    words(&mut stamped, pdf_writer::types::TextRenderingMode::Fill);
    let scan = first_page(&pdf(&[(WIDTH, HEIGHT, &pixels)], stamped), "stamp.pdf");
    assert!(scan.grey.pixels != pixels && scan.text.is_none());
    assert!((scan.dpi, scan.grey.width) == (150, 208), "{} {}", scan.dpi, scan.grey.width);

    // and text alone is the page's own
    let mut text = Content::new();
    words(&mut text, pdf_writer::types::TextRenderingMode::Fill);
    let scan = first_page(&pdf(&[], text), "text.pdf");
    let page = scan.text.unwrap();
    assert_eq!(page.text(), "Hello there old words\n");
    let hello = &page.lines[0].words[0].rect;
    assert!(hello.x.abs_diff(42) <= 4 && hello.bottom().abs_diff(167) <= 3, "{hello:?}");
}

/// A TIFF of grey pages, 300 dpi, with an orientation.
fn tiff_of(pages: &[Vec<u8>], orientation: u16) -> Vec<u8> {
    let mut file = Cursor::new(Vec::new());
    let mut encoder = TiffEncoder::new(&mut file).unwrap();
    for page in pages {
        let mut image = encoder.new_image::<colortype::Gray8>(WIDTH, HEIGHT).unwrap();
        image.encoder().write_tag(Tag::Orientation, orientation).unwrap();
        image.resolution(ResolutionUnit::Inch, Rational { n: 300, d: 1 });
        image.write_data(page).unwrap();
    }
    file.into_inner()
}

#[test]
fn tiff_pages_are_reached_in_any_order_and_mirrored_ones_are_righted() {
    let bytes = tiff_of(&[two_tone(), shades(), two_tone()], 8);
    let mut file = open(&bytes, "three.TIFF").unwrap();
    assert_eq!((file.page_count(), file.media_type()), (3, "image/tiff"));
    for (number, pixels) in [(3, two_tone()), (2, shades()), (1, two_tone())] {
        let scan = file.page(number).unwrap();
        assert!(scan.grey.pixels == pixels);
        assert_eq!((scan.number, scan.dpi, scan.rotate_deg), (number, 300, 270));
    }
    let mirrored = first_page(&tiff_of(&[shades()], 2), "m.tif");
    assert!(mirrored.grey.pixels[..WIDTH as usize].iter().rev().eq(&shades()[..WIDTH as usize]));
    let few = Limits { max_pages: 2, ..Limits::default() };
    assert_eq!(decode::open(Arc::new(bytes), "three.tif", &few).err().unwrap().reason(), Reason::TooManyPages);
}

#[test]
fn a_name_tells_why_what_is_not_ours_was_refused() {
    let jpeg = jpeg(&shades());
    assert_eq!(first_page(&jpeg, "photo.png").kept.data, jpeg, "a picture under another picture's name is taken");
    assert_eq!(reason(b"", "a.pdf"), Reason::Empty);
    assert_eq!(reason(b"MZ\x90\0\x03", "a.pdf"), Reason::NameMismatch);
    assert_eq!(reason(b"  <!DOCTYPE html><html>", "a.pdf"), Reason::NameMismatch);
    assert_eq!(reason(b"\0\0\0\0", "a.tif"), Reason::Damaged);
    // Text under a scan's name, however short, in whatever alphabet, cut anywhere, and when it speaks of PDF.
    let letter = "Đề nghị gửi lại bản quét. ".repeat(40);
    for text in ["xin chào", &letter, &format!("a{letter}"), &format!("ab{letter}"), &format!("{letter}\n%PDF-1.7 hỏng")] {
        assert_eq!(reason(text.as_bytes(), "a.pdf"), Reason::NameMismatch, "{text}");
    }
    assert_eq!(reason(&[b'T', 0xd2, b' '].repeat(100), "a.pdf"), Reason::NameMismatch, "TCVN3");
    assert_eq!(reason(b"\xff\xfeH\0i\0", "a.pdf"), Reason::NameMismatch, "UTF-16");
    assert_eq!(reason(b"%PDF-1.7\nbroken", "a.pdf"), Reason::Damaged);
    assert_eq!(reason(b"/Length 20 >> endobj\nstartxref\n9\n%%EOF", "a.pdf"), Reason::Damaged, "a PDF without its beginning");
    assert_eq!(reason(b"MZ\x90\0\x03", "a.exe"), Reason::UnknownFormat);
    assert_eq!(reason(&jpeg[..10], "a.jpg"), Reason::Damaged);
    let small = Limits { max_source_bytes: 100, ..Limits::default() };
    assert_eq!(decode::open(Arc::new(jpeg.clone()), "a.jpg", &small).err().unwrap().reason(), Reason::TooLarge);
    let few = Limits { max_page_pixels: 1_000, ..Limits::default() };
    let mut big = decode::open(Arc::new(jpeg), "a.jpg", &few).unwrap();
    assert_eq!(big.page(1).unwrap_err().reason(), Reason::PageTooLarge);
    assert_eq!(big.page(2).unwrap_err().reason(), Reason::PageDamaged);
}

#[test]
fn what_a_page_shows_and_the_file_has_not_is_no_white_paper() {
    let told = |bytes: &[u8]| match open(bytes, "a.pdf").unwrap().page(1) {
        Ok(scan) => scan.flags,
        Err(error) => vec![error.reason()],
    };
    let mut content = Content::new();
    show(&mut content, "Im0", [0.0, 0.0, 100.0, 140.0]);
    assert_eq!(told(&pdf(&[], content)), [Reason::PageDamaged], "its image is missing");
    let whole = {
        let mut content = Content::new();
        show(&mut content, "Im0", [0.0, 0.0, 100.0, 140.0]);
        pdf(&[(WIDTH, HEIGHT, &shades())], content)
    };
    assert!(first_page(&whole, "a.pdf").flags.is_empty());
    let image = whole.windows(6).position(|window| window == b"10 0 o").unwrap();
    for end in [image, image + (whole.len() - image) / 2] {
        assert_eq!(told(&whole[..end]), [Reason::PageDamaged], "cut after {end} of {} bytes", whole.len());
    }
    // Something else in the place of a second page.
    let kids = whole.windows(7).position(|window| window == b"[3 0 R]").unwrap();
    let other = [&whole[..kids], b"[3 0 R 4 0 R]", &whole[kids + 7..]].concat();
    let mut file = open(&other, "a.pdf").unwrap();
    assert!(file.page(1).unwrap().flags.is_empty());
    assert_eq!(file.page(2).unwrap_err().reason(), Reason::PageDamaged, "instructions are no page");
}

#[test]
fn a_page_whose_logo_is_lost_is_read_and_goes_to_a_person() {
    let with = |logo: &str, is_sound: bool| {
        let mut content = Content::new();
        show(&mut content, "Im0", [0.0, 70.0, 20.0, 20.0]);
        show(&mut content, logo, [60.0, 20.0, 40.0, 20.0]);
        content.begin_text();
        content.set_font(Name(b"F"), 10.0).next_line(10.0, 120.0).show(pdf_writer::Str(b"Hello there old words"));
        content.end_text();
        let data = pdf(&[(WIDTH, HEIGHT, &shades()), (40, 20, &[0; 800])], content);
        if is_sound { data } else { with_another_filter(data, 1) }
    };
    let mut engine = RecordedEngine::new(Default::default(), Sha256Hex::of(b""));
    let meta = Meta { title: "t".into(), created: "2026-01-02T03:04:05+07:00[+07:00]".parse().unwrap(), id: [1; 16] };
    for (data, is_whole) in [(with("Im1", true), true), (with("Im9", true), false), (with("Im1", false), false)] {
        let scan = first_page(&data, "a.pdf");
        assert_eq!(scan.text.as_ref().map(|text| text.text()).as_deref(), Some("Hello there old words\n"));
        assert!(scan.grey.pixels.iter().filter(|p| (1..255).contains(*p)).count() > 1_000, "the other image is drawn");
        assert_eq!(scan.flags.is_empty(), is_whole);
        let read = digitize(data, "a.pdf", &Limits::default(), &mut engine, Profile::PdfA2b, &meta).unwrap().0;
        assert_eq!(read.plain_text[0].trim(), "Hello there old words");
        assert_eq!(read.reasons.contains(&Reason::PageDamaged), !is_whole);
        assert!(is_whole || read.state == State::Review, "{read:?}");
    }
    // A scan that is there beside one that is not; and images none of which can be unpacked.
    let mut content = Content::new();
    show(&mut content, "Im0", [0.0, 0.0, 100.0, 140.0]);
    show(&mut content, "Im9", [60.0, 20.0, 40.0, 20.0]);
    let scan = first_page(&pdf(&[(WIDTH, HEIGHT, &shades())], content), "a.pdf");
    assert_eq!((scan.flags, scan.grey.pixels), (vec![Reason::PageDamaged], shades()));
    let mut content = Content::new();
    show(&mut content, "Im0", [0.0, 70.0, 100.0, 70.0]);
    show(&mut content, "Im1", [0.0, 0.0, 100.0, 60.0]);
    let both = with_another_filter(pdf(&[(WIDTH, 100, &shades()[..20_000]), (WIDTH, 100, &shades()[..20_000])], content), 2);
    assert_eq!(open(&both, "a.pdf").unwrap().page(1).unwrap_err().reason(), Reason::PageDamaged, "white paper");
}

/// The last images of a PDF say that their data is JPEG, which it is not.
fn with_another_filter(pdf: Vec<u8>, images: usize) -> Vec<u8> {
    let (from, to) = (&b"/Filter /FlateDecode"[..], &b"/Filter /DCTDecode  "[..]);
    let places: Vec<usize> = (0..pdf.len()).filter(|at| pdf[*at..].starts_with(from)).collect();
    let mut damaged = pdf;
    for at in &places[places.len() - images..] {
        damaged[*at..at + to.len()].copy_from_slice(to);
    }
    damaged
}

/// A TIFF with one strip of group 4 data, of which it says that there are so many bytes.
fn fax_tiff(data: &[u8], told: usize) -> Vec<u8> {
    let entries: [(u16, u32); 8] =
        [(256, WIDTH), (257, HEIGHT), (258, 1), (259, 4), (262, 0), (273, 8 + 2 + 8 * 12 + 4), (278, HEIGHT), (279, told as u32)];
    let mut file = b"II*\0\x08\0\0\0\x08\0".to_vec();
    for (tag, value) in entries {
        file.extend(tag.to_le_bytes());
        file.extend(4u16.to_le_bytes());
        file.extend(1u32.to_le_bytes());
        file.extend(value.to_le_bytes());
    }
    file.extend([0; 4]);
    file.extend(data);
    file
}

#[test]
fn a_fax_that_ends_before_its_last_row_is_told() {
    let kept = first_page(&tiff_of(&[two_tone()], 1), "a.tif").kept;
    let data = kept.data.clone();
    let in_pdf = |data: Vec<u8>| {
        let mut page = ReadPage::failed(1, Reason::PageDamaged);
        (page.state, page.dpi, page.kept) = (PageState::Blank, 240, Some(KeptImage { data, ..kept.clone() }));
        let mut writer = Writer::new(Vec::new(), Profile::PdfA2b).unwrap();
        writer.page(&page).unwrap();
        let meta = Meta { title: "t".into(), created: "2026-01-02T03:04:05+07:00[+07:00]".parse().unwrap(), id: [1; 16] };
        first_page(&writer.finish(&meta, &[]).unwrap(), "a.pdf").flags
    };
    assert!(first_page(&fax_tiff(&data, data.len()), "a.tif").flags.is_empty());
    assert!(in_pdf(data.clone()).is_empty());
    for percent in [60, 75, 90, 97] {
        let cut = &data[..data.len() * percent / 100];
        assert_eq!(first_page(&fax_tiff(cut, cut.len()), "a.tif").flags, [Reason::PageDamaged], "{percent} %");
        assert_eq!(first_page(&fax_tiff(cut, data.len()), "a.tif").flags, [Reason::PageDamaged], "{percent} %, and it says more");
        assert_eq!(in_pdf(cut.to_vec()), [Reason::PageDamaged], "{percent} %, in a PDF");
    }
}
