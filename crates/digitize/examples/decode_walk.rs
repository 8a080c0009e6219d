//! Shows what decode makes of a file: one line for the file, one for each page. With `--pdf OUT` it also renders the pages,
//! their own text or none, and with `--grey DIR` it writes each page's grey pixels as PGM. Meant to be run with `timeout` and
//! `ulimit -v` over folders of hostile files.

#![allow(clippy::disallowed_methods, clippy::disallowed_types)] // a developer's program: it reads files and the clock

use sohoa_digitize::page::{Limits, ReadPage};
use sohoa_digitize::{decode, render};
use sohoa_record::manifest::PageState;
use sohoa_record::{PageText, Placement};
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

fn main() {
    let mut arguments = std::env::args().skip(1);
    let path = arguments.next().expect("usage: decode_walk FILE [--pdf OUT] [--grey DIR] [--max-pages N]");
    let (mut pdf_path, mut grey_dir, mut max_pages) = (None, None, u32::MAX);
    while let Some(option) = arguments.next() {
        let value = arguments.next().expect("an option has a value");
        match option.as_str() {
            "--pdf" => pdf_path = Some(value),
            "--grey" => grey_dir = Some(value),
            _ => max_pages = value.parse().expect("a number"),
        }
    }
    let name = Path::new(&path).file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let bytes = std::fs::read(&path).expect("the file can be read");
    let start = Instant::now();
    let mut source = match decode::open(Arc::new(bytes), &name, &Limits::default()) {
        Ok(source) => source,
        Err(error) => return println!("{name}\t{}\t{error}\t{:?}", error.reason(), start.elapsed()),
    };
    println!("{name}\t{}\t{} pages\t{:?}", source.media_type(), source.page_count(), start.elapsed());
    for signature in source.signatures() {
        println!("  signature {signature:?}");
    }
    let mut writer = pdf_path.as_ref().map(|path| {
        let file = std::fs::File::create(path).expect("the PDF can be created");
        render::Writer::new(std::io::BufWriter::new(file), render::Profile::PdfA1b).expect("it can be written")
    });
    for number in 1..=source.page_count().min(max_pages) {
        let start = Instant::now();
        match source.page(number) {
            Ok(scan) => {
                let words = scan.text.as_ref().map(|text| text.words().count());
                let kept = &scan.kept;
                println!(
                    "  {number}: {}×{} {:?} {} bytes, {} dpi, turned {}, words {words:?}, {:?}",
                    kept.width,
                    kept.height,
                    kept.encoding,
                    kept.data.len(),
                    scan.dpi,
                    scan.rotate_deg,
                    start.elapsed()
                );
                assert_eq!((kept.width, kept.height), (scan.grey.width, scan.grey.height));
                assert_eq!(scan.grey.pixels.len(), kept.width as usize * kept.height as usize);
                if let Some(dir) = &grey_dir {
                    let pgm =
                        [format!("P5 {} {} 255\n", scan.grey.width, scan.grey.height).as_bytes(), &scan.grey.pixels].concat();
                    std::fs::write(format!("{dir}/{name}-{number}.pgm"), pgm).expect("the PGM can be written");
                }
                if let Some(writer) = &mut writer {
                    let mut page = ReadPage::failed(number, sohoa_record::Reason::PageDamaged);
                    page.state = PageState::Text;
                    page.dpi = scan.dpi;
                    page.placement = Placement { rotated_deg: scan.rotate_deg, skew_mdeg: 0 };
                    page.text = scan.text.unwrap_or_else(PageText::default);
                    page.kept = Some(scan.kept);
                    writer.page(&page).expect("the page can be written");
                }
            }
            Err(error) => println!("  {number}: {}: {error}, {:?}", error.reason(), start.elapsed()),
        }
    }
    if let Some(writer) = writer {
        let created = "2026-01-02T03:04:05+07:00[+07:00]".parse().expect("a time");
        writer.finish(&render::Meta { title: name, created, id: [7; 16] }, &[]).expect("the PDF can be finished");
    }
}
