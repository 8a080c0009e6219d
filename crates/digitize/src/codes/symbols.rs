//! One part of a page through the decoder (rxing, a port of ZXing): cut out, turned upright, tried at few sizes.

use super::blocks::{Block, Shape};
use crate::page::Grey;
use rxing::common::{GlobalHistogramBinarizer, HybridBinarizer};
use rxing::oned::{Code39Reader, Code128Reader};
use rxing::qrcode::QRCodeReader;
use rxing::qrcode::cpp_port::QrReader;
use rxing::{BinaryBitmap, DecodeHints, Luma8LuminanceSource, Reader};
use sohoa_record::CodeKind;

/// Rows across bars that are tried.
const MOST_ROWS: usize = 60;
/// Of rows read by themselves one in so many must say what the code is.
const ALIKE: usize = 4;
/// Pixels of a QR code's part; a larger one is made smaller first.
const MOST_PIXELS: usize = 4 << 20;
/// Width of a module, tenths of a pixel, above which a QR code is made smaller, and below which larger.
const LARGE_MODULE: u32 = 120;
const SMALL_MODULE: u32 = 40;

/// The codes in a part of the page, as the decoder gives them.
pub(super) fn read(grey: &Grey, block: &Block) -> Vec<(CodeKind, String)> {
    match block.shape {
        Shape::Square(module) => qr(grey, block, module).map(|text| (CodeKind::Qr, text)).into_iter().collect(),
        Shape::Upright | Shape::Lying => bars(grey, block),
    }
}

// --- QR

fn qr(grey: &Grey, block: &Block, module: u32) -> Option<String> {
    let part = cut(grey, block)?;
    let shrink = (module / LARGE_MODULE).max(1) as usize;
    let part = if part.pixels.len() > MOST_PIXELS || shrink > 1 { shrunk(&part, shrink.max(2)) } else { part };
    // Three different readers of the same pixels, then pixels made from them: a small code scanned at a low resolution.
    let hints = DecodeHints { TryHarder: Some(true), ..Default::default() };
    let local = |part: &Grey| Some(BinaryBitmap::new(HybridBinarizer::new(source(part)?)));
    let whole = |part: &Grey| Some(BinaryBitmap::new(GlobalHistogramBinarizer::new(source(part)?)));
    let plain = |part: &Grey| {
        let found = QrReader.decode_with_hints(&mut local(part)?, &hints);
        let found =
            found.or_else(|error| whole(part).map_or(Err(error), |mut page| QrReader.decode_with_hints(&mut page, &hints)));
        let found = found
            .or_else(|error| local(part).map_or(Err(error), |mut page| QRCodeReader::new().decode_with_hints(&mut page, &hints)));
        found.ok().map(|found| found.getText().to_owned())
    };
    plain(&part)
        .or_else(|| (module < SMALL_MODULE && part.pixels.len() < MOST_PIXELS / 4).then(|| plain(&doubled(&part))).flatten())
}

// --- bars

fn bars(grey: &Grey, block: &Block) -> Vec<(CodeKind, String)> {
    let Some(part) = cut(grey, block) else { return Vec::new() };
    let rows = padded(&thinned(&part));
    let read = one(&rows).or_else(|| one(&stretched(&rows))).or_else(|| row_by_row(&stretched(&rows)));
    read.into_iter().collect()
}

/// Code 39 in bars that a feeder bent: they lean this way and that, so rows differ, and the decoder's sharpening takes from narrow bars what the
/// bend left of them. Each row is read by itself in plain black and white, cut half-way between paper and ink. Nothing else vouches for it,
/// so a good part of the rows must say the same, and none another.
fn row_by_row(rows: &Grey) -> Option<(CodeKind, String)> {
    let mut said: Option<(String, usize)> = None;
    for row in rows.pixels.chunks_exact(rows.width as usize) {
        let row = Grey { width: rows.width, height: 1, pixels: black_and_white(row) };
        let Some(text) = line(&row, &mut Code39Reader::default()) else { continue };
        match &mut said {
            None => said = Some((text, 1)),
            Some((first, times)) if *first == text => *times += 1,
            Some(_) => return None,
        }
    }
    said.filter(|(_, times)| *times * ALIKE >= rows.height as usize).map(|(text, _)| (CodeKind::Code39, text))
}

/// Code 128 has a check symbol. Code 39 has none, so two halves of the rows must say the same.
fn one(rows: &Grey) -> Option<(CodeKind, String)> {
    if let Some(text) = line(rows, &mut Code128Reader) {
        return Some((CodeKind::Code128, text));
    }
    let halves = [half(rows, 0), half(rows, 1)].map(|half| line(&half, &mut Code39Reader::default()));
    match halves {
        [Some(even), Some(odd)] if even == odd => Some((CodeKind::Code39, even)),
        _ => None,
    }
}

fn line<R: Reader>(rows: &Grey, reader: &mut R) -> Option<String> {
    let hints = DecodeHints { TryHarder: Some(true), ..Default::default() };
    let mut page = BinaryBitmap::new(GlobalHistogramBinarizer::new(source(rows)?));
    let found = reader.decode_with_hints(&mut page, &hints).ok()?;
    Some(found.getText().to_owned())
}

// --- pixels

fn source(part: &Grey) -> Option<Luma8LuminanceSource> {
    Luma8LuminanceSource::new(part.pixels.clone(), part.width, part.height).ok()
}

/// The part with a margin, its bars upright.
fn cut(grey: &Grey, block: &Block) -> Option<Grey> {
    let mut rect = block.rect;
    let margin = match block.shape {
        Shape::Square(_) => 0,
        _ => (rect.width.max(rect.height) / 12).max(8),
    };
    let (right, bottom) = (rect.right(), rect.bottom());
    if block.shape == Shape::Upright {
        rect.x = rect.x.saturating_sub(margin);
        rect.width = (right + margin).min(grey.width).checked_sub(rect.x)?;
    } else if block.shape == Shape::Lying {
        rect.y = rect.y.saturating_sub(margin);
        rect.height = (bottom + margin).min(grey.height).checked_sub(rect.y)?;
    }
    let row = |y: u32| grey.pixels.get((y as usize * grey.width as usize + rect.x as usize)..)?.get(..rect.width as usize);
    let rows: Option<Vec<&[u8]>> = (rect.y..rect.bottom()).map(row).collect();
    let rows = rows?;
    if rows.is_empty() || rect.width == 0 {
        return None;
    }
    let part = Grey { width: rect.width, height: rect.height, pixels: rows.concat() };
    Some(if block.shape == Shape::Lying { transposed(&part) } else { part })
}

fn transposed(part: &Grey) -> Grey {
    let width = part.width as usize;
    let pixels = (0..width).flat_map(|x| part.pixels.iter().skip(x).step_by(width).copied()).collect();
    Grey { width: part.height, height: part.width, pixels }
}

/// At most [`MOST_ROWS`] rows of those in the inner nine tenths.
fn thinned(part: &Grey) -> Grey {
    let (width, height) = (part.width as usize, part.height as usize);
    let edge = height / 20;
    let step = (height - 2 * edge).div_ceil(MOST_ROWS).max(1);
    let rows: Vec<&[u8]> = part.pixels.chunks_exact(width).take(height - edge).skip(edge).step_by(step).collect();
    Grey { width: part.width, height: rows.len() as u32, pixels: rows.concat() }
}

fn half(rows: &Grey, from: usize) -> Grey {
    let rows_of: Vec<&[u8]> = rows.pixels.chunks_exact(rows.width as usize).skip(from).step_by(2).collect();
    Grey { width: rows.width, height: rows_of.len() as u32, pixels: rows_of.concat() }
}

/// Paper on both sides, as bright as the row's brightest: a code at the edge of a sheet, or of an image, has no quiet zone.
fn padded(rows: &Grey) -> Grey {
    const PAD: usize = 40;
    let width = rows.width as usize + 2 * PAD;
    let mut pixels = Vec::with_capacity(width * rows.height as usize);
    for row in rows.pixels.chunks_exact(rows.width as usize) {
        let paper = row.iter().max().copied().unwrap_or(255);
        pixels.extend([paper; PAD]);
        pixels.extend_from_slice(row);
        pixels.extend([paper; PAD]);
    }
    Grey { width: width as u32, height: rows.height, pixels }
}

fn black_and_white(row: &[u8]) -> Vec<u8> {
    let (ink, paper) = row.iter().fold((u8::MAX, u8::MIN), |(ink, paper), pixel| (ink.min(*pixel), paper.max(*pixel)));
    let middle = ink + paper.saturating_sub(ink) / 2;
    row.iter().map(|pixel| if *pixel <= middle { 0 } else { u8::MAX }).collect()
}

/// Twice as wide, each new pixel between its neighbours: bars of one or two pixels.
fn stretched(rows: &Grey) -> Grey {
    let mut pixels = Vec::with_capacity(rows.pixels.len() * 2);
    for row in rows.pixels.chunks_exact(rows.width as usize) {
        for (x, pixel) in row.iter().enumerate() {
            let next = row.get(x + 1).unwrap_or(pixel);
            pixels.extend([*pixel, ((u16::from(*pixel) + u16::from(*next)) / 2) as u8]);
        }
    }
    Grey { width: rows.width * 2, height: rows.height, pixels }
}

fn doubled(part: &Grey) -> Grey {
    transposed(&stretched(&transposed(&stretched(part))))
}

/// Smaller by a whole factor, each pixel the mean of those it stands for.
fn shrunk(part: &Grey, by: usize) -> Grey {
    let (width, height) = (part.width as usize / by, part.height as usize / by);
    let mut pixels = Vec::with_capacity(width * height);
    for y in 0..height {
        for x in 0..width {
            let rows = (y * by..(y + 1) * by).map(|y| &part.pixels[y * part.width as usize + x * by..][..by]);
            let sum: usize = rows.flatten().map(|pixel| usize::from(*pixel)).sum();
            pixels.push((sum / (by * by)) as u8);
        }
    }
    Grey { width: width as u32, height: height as u32, pixels }
}
