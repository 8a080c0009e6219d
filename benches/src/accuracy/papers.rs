//! The pages to read, with what stands on them: clean pages rendered from born-digital PDFs and made into scans of each class, and
//! the project's sample papers as they are.

use super::in_parallel;
use super::scans::{Class, DPI, scan};
use crate::measure::output;
use crate::pages::{self, Page, file_error, page_error};
use crate::{Asked, BenchError};
use image::{DynamicImage, GrayImage, RgbImage};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Folders of `fixtures/` whose files are no scans of their own.
const NOT_SCANS: [&str; 4] = ["generator", "receipts", "tampered", "duplicate"];

/// The sample paper that never was on paper; it is rendered like those of the corpus.
const BORN_DIGITAL: &str = "born-digital";

/// A page to read.
pub struct Sheet {
    /// What it looks like.
    pub class: Class,
    /// Which one it is.
    pub name: String,
    /// Its image.
    pub page: Page,
    /// What stands on it.
    pub truth: String,
}

/// All pages of the classes that were asked for, each made of so many clean ones.
pub fn sheets(asked: &Asked, classes: &[Class], pages_a_class: usize, work: &Path) -> Result<Vec<Sheet>, BenchError> {
    let mut sources = sample_sources(&asked.fixtures)?;
    match &asked.corpus {
        Some(corpus) => sources.splice(1..1, corpus_sources(corpus)?).for_each(drop),
        None => eprintln!("real papers are LEFT OUT: SOHOA_CORPUS names no corpus; one page a class says little"),
    }
    // The sample paper counts as one of them.
    sources.truncate(pages_a_class);
    let made: Vec<Class> = classes.iter().copied().filter(|class| *class != Class::SamplePapers).collect();
    if made.is_empty() {
        sources.clear();
    }
    let clean = in_parallel(&sources, |_, source| source.render(work))?;
    let scans = in_parallel(&sources, |nth, source| {
        let (page, behind) = (decoded(&clean[nth], source)?, decoded(&clean[(nth + 1) % clean.len()], source)?);
        let sheet = |&class: &Class| Sheet {
            class,
            name: source.name.clone(),
            page: scan(class, nth, &page, &behind),
            truth: source.truth.clone(),
        };
        Ok(made.iter().map(sheet).collect::<Vec<_>>())
    })?;
    let mut sheets: Vec<Sheet> = scans.into_iter().flatten().collect();
    sheets.extend(sample_papers(&asked.fixtures)?.into_iter().filter(|sheet| classes.contains(&sheet.class)));
    Ok(sheets)
}

/// A page of a born-digital PDF.
struct Source {
    name: String,
    pdf: PathBuf,
    number: usize,
    truth: String,
}

impl Source {
    /// The page as PNG; the file that poppler writes is gone at once.
    fn render(&self, work: &Path) -> Result<Vec<u8>, BenchError> {
        let (stem, number) = (work.join(&self.name), self.number.to_string());
        let mut command = Command::new("pdftoppm");
        command.args(["-q", "-png", "-singlefile", "-r", &DPI.to_string(), "-f", &number, "-l", &number]);
        output(command.arg(&self.pdf).arg(&stem), &[0])?;
        let mut png = stem.into_os_string();
        png.push(".png");
        let png = PathBuf::from(png);
        let bytes = std::fs::read(&png).map_err(file_error(&png))?;
        std::fs::remove_file(&png).map_err(file_error(&png))?;
        Ok(bytes)
    }
}

fn decoded(png: &[u8], source: &Source) -> Result<RgbImage, BenchError> {
    image::load_from_memory(png).map(DynamicImage::into_rgb8).map_err(|e| page_error(&source.pdf, e))
}

fn sample_sources(fixtures: &Path) -> Result<Vec<Source>, BenchError> {
    let mut sources = Vec::new();
    for scan in scans_with_truth(&fixtures.join(BORN_DIGITAL))? {
        let texts = texts(&scan)?;
        sources.extend(texts.into_iter().map(|(number, truth)| Source {
            name: format!("{BORN_DIGITAL}-p{number:02}"),
            pdf: scan.clone(),
            number,
            truth,
        }));
    }
    Ok(sources)
}

/// Pages of `vn/born-digital` whose text lies in `vn/gt`: one of each file in turn, those of a file spread over its length.
fn corpus_sources(corpus: &Path) -> Result<Vec<Source>, BenchError> {
    let (folder, truths) = (corpus.join("vn/born-digital"), corpus.join("vn/gt"));
    let mut files = Vec::new();
    for pdf in files_below(&folder)? {
        let stem = pdf.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let mut pages = Vec::new();
        for number in 1.. {
            let path = truths.join(format!("{stem}-p{number:02}.txt"));
            let Ok(truth) = std::fs::read_to_string(&path) else { break };
            pages.push(Source { name: format!("{stem}-p{number:02}"), pdf: pdf.clone(), number, truth });
        }
        let mut keyed: Vec<_> = pages.into_iter().enumerate().map(|(nth, page)| (spread(nth), page)).collect();
        keyed.sort_by(|a, b| a.0.total_cmp(&b.0));
        files.push(keyed.into_iter().map(|(_, page)| page).collect::<Vec<_>>().into_iter());
    }
    let mut sources = Vec::new();
    loop {
        let before = sources.len();
        sources.extend(files.iter_mut().filter_map(Iterator::next));
        if sources.len() == before {
            return Ok(sources);
        }
    }
}

/// The first pages of this order lie far apart: multiples of the golden ratio, without their whole part.
fn spread(nth: usize) -> f64 {
    (nth as f64 * 0.618_033_988_749_895).fract()
}

/// The sample papers' own scans. Those whose lines do not run from left to right belong to the class of turned pages.
fn sample_papers(fixtures: &Path) -> Result<Vec<Sheet>, BenchError> {
    let mut sheets = Vec::new();
    for entry in folders(fixtures)? {
        let name = entry.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if NOT_SCANS.contains(&name.as_str()) || name == BORN_DIGITAL {
            continue;
        }
        for scan in scans_with_truth(&entry)? {
            let truth = expected(&scan)?;
            for (number, page) in images(&scan)? {
                let said = &truth["pages"][number - 1];
                let Some(text) = said["text"].as_str().filter(|text| !text.trim().is_empty()) else { continue };
                let class = if said["rotated_deg"] == 0 { Class::SamplePapers } else { Class::Turned };
                sheets.push(Sheet { class, name: format!("{name}-p{number}"), page, truth: text.to_owned() });
            }
        }
    }
    Ok(sheets)
}

/// The pages of a file, with their numbers.
fn images(path: &Path) -> Result<Vec<(usize, Page)>, BenchError> {
    let ending = path.extension().unwrap_or_default().to_string_lossy().into_owned();
    let bytes = std::fs::read(path).map_err(file_error(path))?;
    match ending.as_str() {
        "jpg" => Ok(vec![(1, pages::jpeg_page(path, bytes, None)?)]),
        "png" => {
            let dpi = dpi_of(path, 1)?;
            let pixels = image::load_from_memory(&bytes).map_err(|e| page_error(path, e))?;
            let page = match pixels.color().has_color() {
                true => pages::colour_jpeg(&pixels.into_rgb8(), dpi, 95),
                false => pages::grey_jpeg(&pixels.into_luma8(), dpi, 95),
            };
            Ok(vec![(1, page)])
        }
        "tif" => fax_pages(path, &bytes),
        _ => {
            let jpegs = pages::jpegs_of_pdf(path, &bytes)?;
            if !jpegs.is_empty() {
                return Ok(jpegs);
            }
            // A fax in a PDF: drawn at its own resolution it comes out as it is.
            let dpi = dpi_of(path, 1)?;
            let mut command = Command::new("pdftoppm");
            command.args(["-q", "-gray", "-png", "-singlefile", "-r", &dpi.to_string()]);
            let png = output(command.arg(path), &[0])?.stdout;
            let pixels = image::load_from_memory(&png).map_err(|e| page_error(path, e))?.into_luma8();
            Ok(vec![(1, pages::fax(&pixels, dpi))])
        }
    }
}

/// The pages of a fax TIFF.
fn fax_pages(path: &Path, bytes: &[u8]) -> Result<Vec<(usize, Page)>, BenchError> {
    let error = |e: tiff::TiffError| page_error(path, e);
    let mut decoder = tiff::decoder::Decoder::new(std::io::Cursor::new(bytes)).map_err(error)?;
    let mut found = Vec::new();
    for number in 1.. {
        let (width, height) = decoder.dimensions().map_err(error)?;
        let tiff::decoder::DecodingResult::U8(rows) = decoder.read_image().map_err(error)? else {
            return Err(page_error(path, "its pixels are not of one bit"));
        };
        let wide = (width as usize).div_ceil(8);
        let bit = |x: u32, y: u32| rows[y as usize * wide + x as usize / 8] >> (7 - x % 8) & 1;
        let pixels = GrayImage::from_fn(width, height, |x, y| image::Luma([255 * bit(x, y)]));
        found.push((number, pages::fax(&pixels, dpi_of(path, number)?)));
        if !decoder.more_images() {
            break;
        }
        decoder.next_image().map_err(error)?;
    }
    Ok(found)
}

/// What a sample paper's `.expected.json` says.
fn expected(scan: &Path) -> Result<serde_json::Value, BenchError> {
    let mut path = scan.as_os_str().to_owned();
    path.push(".expected.json");
    let path = PathBuf::from(path);
    let bytes = std::fs::read(&path).map_err(file_error(&path))?;
    serde_json::from_slice(&bytes).map_err(|e| page_error(&path, e))
}

fn dpi_of(scan: &Path, number: usize) -> Result<u32, BenchError> {
    let dpi = expected(scan)?["pages"][number - 1]["dpi"].as_u64();
    dpi.map(|dpi| dpi as u32).ok_or_else(|| page_error(scan, "its truth does not say the resolution"))
}

/// The text of each page that has any.
fn texts(scan: &Path) -> Result<Vec<(usize, String)>, BenchError> {
    let truth = expected(scan)?;
    let pages = truth["pages"].as_array().into_iter().flatten().enumerate();
    Ok(pages.filter_map(|(nth, page)| Some((nth + 1, page["text"].as_str()?.to_owned()))).collect())
}

/// The scans in a folder and below it that have an `.expected.json` beside them, in order.
fn scans_with_truth(folder: &Path) -> Result<Vec<PathBuf>, BenchError> {
    let scan = |path: PathBuf| path.to_str()?.strip_suffix(".expected.json").map(PathBuf::from);
    Ok(files_below(folder)?.into_iter().filter_map(scan).collect())
}

fn folders(folder: &Path) -> Result<Vec<PathBuf>, BenchError> {
    let entries = std::fs::read_dir(folder).map_err(file_error(folder))?;
    let mut paths: Vec<_> =
        entries.filter_map(|entry| entry.ok().map(|entry| entry.path())).filter(|path| path.is_dir()).collect();
    paths.sort();
    Ok(paths)
}

fn files_below(folder: &Path) -> Result<Vec<PathBuf>, BenchError> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(file_error(folder))? {
        let path = entry.map_err(file_error(folder))?.path();
        match path.is_dir() {
            true => files.extend(files_below(&path)?),
            false => files.push(path),
        }
    }
    files.sort();
    Ok(files)
}
