//! The pages to measure with: JPEG pages as scanners make them, out of the sample papers and out of real scans, put into one PDF
//! and into single files, so that every program gets the very same images.

use crate::BenchError;
use fax::encoder::Encoder;
use fax::{Color, VecWriter};
use image::codecs::jpeg::{JpegEncoder, PixelDensity};
use image::{DynamicImage, ExtendedColorType, GrayImage, RgbImage};
use lopdf::{Dictionary, Document, ObjectId};
use pdf_writer::{Content, Filter, Name, Pdf, Rect, Ref};
use std::path::{Path, PathBuf};

/// Folders of `fixtures/` whose pages are taken: upright text pages of A4 at 200 and 300 dpi, colour and grey.
const FIXTURES: [&str; 5] = ["decision-handwritten", "marital-status", "report-urgent", "letter-skewed", "household-business"];

/// The page that long jobs are made of.
const LONG_JOB: &str = "marital-status";

/// Real scans with fewer pixels along their longer side are no A4 at 170 dpi.
const LEAST_LONG_SIDE: u32 = 2000;

/// How the image of a page is stored.
#[derive(Clone, Copy, PartialEq)]
pub enum Kind {
    /// JPEG, three colours or grey.
    Jpeg { grey: bool },
    /// CCITT group 4 (T.6), one bit a pixel.
    Fax,
}

/// One page: an image and nothing else.
#[derive(Clone)]
pub struct Page {
    /// The image as it is stored.
    pub bytes: Vec<u8>,
    /// How it is stored.
    pub kind: Kind,
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
    /// Dots an inch.
    pub dpi: u32,
    /// What stands on it, when it is known.
    pub text: Option<String>,
}

/// A set of pages with a name.
pub struct Input {
    /// Its name in tables.
    pub name: &'static str,
    /// Its pages.
    pub pages: Vec<Page>,
}

impl Input {
    /// Pages of the project's sample papers.
    pub fn fixtures(folder: &Path, pages: usize) -> Result<Input, BenchError> {
        let mut found = Vec::new();
        for name in FIXTURES {
            for file in scans_below(&folder.join(name))? {
                found.extend(read(&file)?);
            }
        }
        Ok(Input { name: "fixtures", pages: repeated(found, pages, folder)? })
    }

    /// Pages of the real scans in `vn/scan` of the corpus: the first page of each file, then the second of each, …
    pub fn corpus(corpus: &Path, pages: usize) -> Result<Input, BenchError> {
        let folder = corpus.join("vn/scan");
        let mut files = Vec::new();
        for file in scans_below(&folder)? {
            files
                .push(read(&file)?.into_iter().filter(|page| page.width.max(page.height) >= LEAST_LONG_SIDE).collect::<Vec<_>>());
        }
        let most = files.iter().map(Vec::len).max().unwrap_or(0);
        let found = (0..most).flat_map(|nth| files.iter().filter_map(move |file| file.get(nth).cloned())).collect();
        Ok(Input { name: "real scans", pages: repeated(found, pages, &folder)? })
    }

    /// Mean bytes of a page's image.
    pub fn bytes_a_page(&self) -> f64 {
        self.pages.iter().map(|page| page.bytes.len()).sum::<usize>() as f64 / self.pages.len() as f64
    }

    /// The words of all pages, when all are known.
    pub fn text(&self) -> Option<String> {
        self.pages.iter().map(|page| page.text.clone()).collect::<Option<Vec<_>>>().map(|pages| pages.join("\n"))
    }
}

/// As many as asked for. No two have the same bytes: an archive may know again what it has seen.
fn repeated(found: Vec<Page>, count: usize, folder: &Path) -> Result<Vec<Page>, BenchError> {
    if found.is_empty() {
        return Err(page_error(folder, "no JPEG page was found in it"));
    }
    let again = |nth: usize| {
        let mut page = found[nth % found.len()].clone();
        let turn = nth / found.len();
        if turn > 0 {
            // A comment segment (ITU-T T.81, B.2.4.5), after JFIF's own, which must be the first.
            let comment = format!("copy {turn:06}");
            let at = 4 + usize::from(u16::from_be_bytes([page.bytes[4], page.bytes[5]]));
            let mut segment = vec![0xff, 0xfe, 0, comment.len() as u8 + 2];
            segment.extend(comment.into_bytes());
            page.bytes.splice(at..at, segment);
        }
        page
    };
    Ok((0..count).map(again).collect())
}

/// JPEG and PDF files in the folder and the folders in it, in order.
fn scans_below(folder: &Path) -> Result<Vec<PathBuf>, BenchError> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(file_error(folder))? {
        let path = entry.map_err(file_error(folder))?.path();
        if path.is_dir() {
            files.extend(scans_below(&path)?);
        } else if path.extension().is_some_and(|ending| ending == "jpg" || ending == "pdf") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// The JPEG pages of a file, with what stands on them where a sample paper's `.expected.json` says it.
fn read(path: &Path) -> Result<Vec<Page>, BenchError> {
    let bytes = std::fs::read(path).map_err(file_error(path))?;
    let mut pages = match path.extension().is_some_and(|ending| ending == "pdf") {
        true => jpegs_of_pdf(path, &bytes)?,
        false => vec![(1, jpeg_page(path, bytes, None)?)],
    };
    let mut truth = path.as_os_str().to_owned();
    truth.push(".expected.json");
    if let Ok(truth) = std::fs::read(&truth) {
        let truth: serde_json::Value = serde_json::from_slice(&truth).map_err(|e| page_error(path, e))?;
        for (number, page) in &mut pages {
            page.text = truth["pages"][*number - 1]["text"].as_str().map(String::from);
        }
    }
    Ok(pages.into_iter().map(|(_, page)| page).collect())
}

/// The largest image of each page, where it is a JPEG and the page is not turned; with the number of its page.
/// What a portal laid over the scan (marks of signatures) is left out.
pub fn jpegs_of_pdf(path: &Path, bytes: &[u8]) -> Result<Vec<(usize, Page)>, BenchError> {
    let document = Document::load_mem(bytes).map_err(|e| page_error(path, e))?;
    let mut pages = Vec::new();
    for (number, id) in document.get_pages() {
        let images = document.get_page_images(id).map_err(|e| page_error(path, e))?;
        let Some(image) = images.into_iter().max_by_key(|image| image.width * image.height) else { continue };
        let is_jpeg = image.filters.as_deref().is_some_and(|filters| filters == ["DCTDecode"]);
        let turned = inherited(&document, id, b"Rotate").and_then(|turn| turn.as_i64().ok()).is_some_and(|turn| turn % 360 != 0);
        if !is_jpeg || turned {
            continue;
        }
        let points = inherited(&document, id, b"MediaBox").and_then(|media| {
            let corner = |nth: usize| media.as_array().ok()?.get(nth)?.as_float().ok();
            Some(corner(2)? - corner(0)?)
        });
        let points = points.ok_or_else(|| page_error(path, format!("page {number} has no size")))?;
        let dpi = (image.width as f32 * 72.0 / points).round() as u32;
        pages.push((number as usize, jpeg_page(path, image.content.to_vec(), Some(dpi))?));
    }
    Ok(pages)
}

/// A page's own entry, or that of the nearest node above it in the page tree (ISO 32000-1, 7.7.3.4).
fn inherited<'a>(document: &'a Document, page: ObjectId, key: &[u8]) -> Option<&'a lopdf::Object> {
    let parent = |node: &&'a Dictionary| document.get_dictionary(node.get(b"Parent").ok()?.as_reference().ok()?).ok();
    let mut nodes = std::iter::successors(document.get_dictionary(page).ok(), parent).take(32);
    let value = nodes.find_map(|node| node.get(key).ok())?;
    document.dereference(value).ok().map(|(_, value)| value)
}

/// A page of a JPEG file. Its JFIF header says the resolution, to which it is set when `dpi` is known from elsewhere.
pub fn jpeg_page(path: &Path, mut bytes: Vec<u8>, dpi: Option<u32>) -> Result<Page, BenchError> {
    if bytes.get(2..4) != Some(&[0xff, 0xe0]) || bytes.get(6..11) != Some(b"JFIF\0") || bytes.len() < 20 {
        return Err(page_error(path, "it is a JPEG without JFIF header, so programs would guess its resolution"));
    }
    if let Some(dpi) = dpi {
        let [high, low] = (dpi as u16).to_be_bytes();
        bytes[13..18].copy_from_slice(&[1, high, low, high, low]); // 1: dots an inch
    }
    let dpi = u32::from(u16::from_be_bytes([bytes[14], bytes[15]]));
    let decoder = image::codecs::jpeg::JpegDecoder::new(std::io::Cursor::new(&bytes)).map_err(|e| page_error(path, e))?;
    let grey = match image::ImageDecoder::color_type(&decoder) {
        image::ColorType::L8 => true,
        image::ColorType::Rgb8 => false,
        other => return Err(page_error(path, format!("its pixels are {other:?}"))),
    };
    let (width, height) = image::ImageDecoder::dimensions(&decoder);
    drop(decoder);
    Ok(Page { bytes, kind: Kind::Jpeg { grey }, width, height, dpi, text: None })
}

/// The page that long jobs are made of, as bilevel fax, as grey JPEG and as colour JPEG of 300 dpi; only the first `percent` of its
/// height is filled.
pub fn for_long_jobs(fixtures: &Path, percent: u32) -> Result<[Page; 3], BenchError> {
    let folder = fixtures.join(LONG_JOB);
    let files = scans_below(&folder)?;
    let page = files.first().map(|file| read(file)).transpose()?.and_then(|pages| pages.into_iter().next());
    let page = page.ok_or_else(|| page_error(&folder, "no JPEG page was found in it"))?;
    let mut pixels = image::load_from_memory(&page.bytes).map_err(|e| page_error(&folder, e))?.into_luma8();
    let (width, height) = pixels.dimensions();
    let filled = height * percent.min(100) / 100;
    pixels.iter_mut().skip((width * filled) as usize).for_each(|pixel| *pixel = 255);
    let (wide, high) = (width * 300 / page.dpi, height * 300 / page.dpi);
    let large = image::imageops::resize(&pixels, wide, high, image::imageops::FilterType::Triangle);
    let colour = DynamicImage::ImageLuma8(large).into_rgb8();
    Ok([fax(&pixels, page.dpi), grey_jpeg(&pixels, page.dpi, 75), colour_jpeg(&colour, 300, 75)])
}

/// Pixels as a grey JPEG page.
pub fn grey_jpeg(pixels: &GrayImage, dpi: u32, quality: u8) -> Page {
    jpeg(pixels.as_raw(), pixels.dimensions(), ExtendedColorType::L8, dpi, quality)
}

/// Pixels as a JPEG page in colour.
pub fn colour_jpeg(pixels: &RgbImage, dpi: u32, quality: u8) -> Page {
    jpeg(pixels.as_raw(), pixels.dimensions(), ExtendedColorType::Rgb8, dpi, quality)
}

fn jpeg(pixels: &[u8], (width, height): (u32, u32), colours: ExtendedColorType, dpi: u32, quality: u8) -> Page {
    let mut bytes = Vec::new();
    let mut encoder = JpegEncoder::new_with_quality(&mut bytes, quality);
    encoder.set_pixel_density(PixelDensity::dpi(dpi as u16));
    // Writing to memory does not fail, and no page is wider than the 65,535 pixels of a JPEG.
    let written = encoder.encode(pixels, width, height, colours);
    debug_assert!(written.is_ok());
    Page { bytes, kind: Kind::Jpeg { grey: colours == ExtendedColorType::L8 }, width, height, dpi, text: None }
}

/// Pixels as a fax page.
pub fn fax(pixels: &GrayImage, dpi: u32) -> Page {
    let (width, height) = pixels.dimensions();
    Page { bytes: group4(pixels), kind: Kind::Fax, width, height, dpi, text: None }
}

/// The pixels of a fax page.
pub fn from_fax(page: &Page) -> GrayImage {
    let mut pixels = Vec::with_capacity((page.width * page.height) as usize);
    let line = |changes: &[u32]| {
        pixels.extend(fax::decoder::pels(changes, page.width).map(|colour| if colour == Color::Black { 0 } else { 255 }));
    };
    // It is our own work that is decoded, so all lines are there.
    let whole = fax::decoder::decode_g4(page.bytes.iter().copied(), page.width, Some(page.height), line);
    debug_assert!(whole.is_some());
    pixels.resize((page.width * page.height) as usize, 255);
    GrayImage::from_raw(page.width, page.height, pixels).unwrap_or_default()
}

/// CCITT group 4; pixels darker than the middle are black.
fn group4(pixels: &GrayImage) -> Vec<u8> {
    let mut encoder = Encoder::new(VecWriter::new());
    for row in pixels.rows() {
        let colours = row.map(|pixel| if pixel.0[0] < 128 { Color::Black } else { Color::White });
        let Ok(()) = encoder.encode_line(colours, pixels.width());
    }
    let Ok(writer) = encoder.finish();
    writer.finish()
}

/// A PDF as a scanner makes it: each page is one image of its own, and nothing else.
pub fn pdf<'a>(pages: impl ExactSizeIterator<Item = &'a Page>) -> Vec<u8> {
    let mut pdf = Pdf::new();
    let (catalog, tree, count) = (Ref::new(1), Ref::new(2), pages.len() as i32);
    pdf.catalog(catalog).pages(tree);
    pdf.pages(tree).kids((0..count).map(|nth| Ref::new(3 + 3 * nth))).count(count);
    for (nth, page) in pages.enumerate() {
        let [page_id, image_id, content_id] = [3, 4, 5].map(|first| Ref::new(first + 3 * nth as i32));
        let points = |pixels: u32| pixels as f32 * 72.0 / page.dpi as f32;
        let (width, height) = (points(page.width), points(page.height));
        let mut object = pdf.page(page_id);
        object.parent(tree).media_box(Rect::new(0.0, 0.0, width, height)).contents(content_id);
        object.resources().x_objects().pair(Name(b"Im0"), image_id);
        drop(object);
        let mut image = pdf.image_xobject(image_id, &page.bytes);
        image.width(page.width as i32).height(page.height as i32);
        match page.kind {
            Kind::Jpeg { grey: false } => image.color_space().device_rgb(),
            _ => image.color_space().device_gray(),
        };
        if page.kind == Kind::Fax {
            image.bits_per_component(1).filter(Filter::CcittFaxDecode);
            image.decode_parms().k(-1).columns(page.width as i32).rows(page.height as i32);
        } else {
            image.bits_per_component(8).filter(Filter::DctDecode);
        }
        drop(image);
        let mut content = Content::new();
        content.transform([width, 0.0, 0.0, height, 0.0, 0.0]).x_object(Name(b"Im0"));
        pdf.stream(content_id, &content.finish());
    }
    pdf.finish()
}

/// Writes a file of the work folder.
pub fn write(path: &Path, bytes: &[u8]) -> Result<(), BenchError> {
    std::fs::write(path, bytes).map_err(file_error(path))
}

/// For `map_err`: an error of this file or folder.
pub fn file_error(path: &Path) -> impl FnOnce(std::io::Error) -> BenchError {
    let path = path.to_owned();
    move |source| BenchError::File { path, source }
}

/// A file that gives no page to measure with, and why.
pub fn page_error(path: &Path, what: impl ToString) -> BenchError {
    BenchError::Page { path: path.to_owned(), what: what.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fixtures() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures")
    }

    #[test]
    fn pages_come_back_out_of_the_pdf_they_are_put_in() {
        let input = Input::fixtures(&fixtures(), 8).unwrap();
        assert!(input.text().is_some_and(|text| text.contains("CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM")));
        let back = jpegs_of_pdf(Path::new("own.pdf"), &pdf(input.pages.iter())).unwrap();
        assert_eq!(back.len(), 8);
        for (page, (_, back)) in input.pages.iter().zip(&back) {
            assert!(page.bytes == back.bytes && page.dpi == back.dpi && page.kind == back.kind, "another page came back");
            assert!(page.width.max(page.height) * 100 / page.dpi > 1150, "A4 is 11.69 inches high");
        }
        let mut images: Vec<_> = input.pages.iter().map(|page| &page.bytes).collect();
        images.sort();
        images.dedup();
        assert_eq!(images.len(), 8, "no two pages have the same bytes");
        let copied = image::load_from_memory(&input.pages[7].bytes).unwrap();
        assert_eq!(copied, image::load_from_memory(&input.pages[1].bytes).unwrap());
    }

    #[test]
    fn pages_of_long_jobs_are_filled_as_far_as_asked() {
        let [fax, jpeg, colour] = for_long_jobs(&fixtures(), 40).unwrap();
        let [whole, _, _] = for_long_jobs(&fixtures(), 100).unwrap();
        assert!(fax.kind == Kind::Fax && jpeg.kind == Kind::Jpeg { grey: true } && colour.kind == Kind::Jpeg { grey: false });
        assert!(colour.width.abs_diff(2480) < 3, "A4 at 300 dpi: {} pixels wide", colour.width);
        assert!(fax.bytes.len() < whole.bytes.len(), "{} of {} bytes", fax.bytes.len(), whole.bytes.len());
        let pixels = image::load_from_memory(&jpeg.bytes).unwrap().into_luma8();
        assert!(pixels.rows().nth((jpeg.height * 9 / 10) as usize).unwrap().all(|pixel| pixel.0[0] > 250));
        assert!(pixels.rows().take((jpeg.height / 4) as usize).flatten().any(|pixel| pixel.0[0] < 100));
    }
}
