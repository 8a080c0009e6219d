//! TIFF files: every page reached at once by the place of its directory, unpacked by the `tiff` crate, repacked without loss.

use super::jpeg::orientation;
use super::pixels::{Pixels, cmyk_to_rgb, over_white};
use super::raster::check_pixels;
use super::{DecodeError, SourceBytes};
use crate::page::{Limits, Scan};
use std::collections::HashSet;
use std::io::{self, Read, Seek, SeekFrom};
use tiff::ColorType;
use tiff::decoder::{Decoder, DecodingResult};
use tiff::tags::Tag;

/// NewSubfileType bit: a smaller version of another page, not a page (TIFF 6.0 section 8).
const REDUCED: u64 = 1;

/// A TIFF file and the places of its pages' directories.
pub(super) struct TiffFile {
    bytes: SourceBytes,
    directories: Vec<u64>,
    limits: Limits,
}

impl TiffFile {
    pub(super) fn open(bytes: SourceBytes, limits: &Limits) -> Result<Self, DecodeError> {
        let directories = directories((*bytes).as_ref(), limits)?;
        if directories.is_empty() {
            return Err(DecodeError::NoPages);
        }
        Ok(TiffFile { bytes, directories, limits: *limits })
    }

    pub(super) fn page_count(&self) -> u32 {
        self.directories.len() as u32
    }

    pub(super) fn page(&self, number: u32) -> Result<Scan, DecodeError> {
        let damaged = |cause: tiff::TiffError| DecodeError::PageDamaged { page: number, cause: cause.to_string() };
        let reader = FromDirectory::new(self.bytes.clone(), self.directories[number as usize - 1]);
        let mut decoder = Decoder::new(reader).map_err(damaged)?;
        let (width, height) = decoder.dimensions().map_err(damaged)?;
        check_pixels(number, width, height, &self.limits)?;
        let mut limits = tiff::decoder::Limits::default();
        limits.decoding_buffer_size = self.limits.max_stream_bytes as usize;
        limits.intermediate_buffer_size = self.limits.max_stream_bytes as usize;
        limits.ifd_value_size = 64 << 20;
        let mut decoder = decoder.with_limits(limits);

        let mut pixels = unpack(&mut decoder)
            .map_err(damaged)?
            .ok_or_else(|| DecodeError::PageDamaged { page: number, cause: "its kind of samples is not one of scans".into() })?;
        let (mirrored, rotate_deg) = orientation(unsigned(&mut decoder, Tag::Orientation).unwrap_or(1) as u8);
        if mirrored {
            pixels.mirror();
        }
        let (x_dpi, y_dpi) = resolution(&mut decoder);
        let (pixels, dpi) = square(pixels, x_dpi, y_dpi, &self.limits);
        let (kept, grey) = pixels.keep();
        Ok(Scan { number, kept, grey, dpi, rotate_deg, text: None, flags: Vec::new() })
    }
}

/// A file read as if its first directory were another one, so that each page is reached without walking the chain.
struct FromDirectory {
    bytes: SourceBytes,
    header: Vec<u8>,
    at: u64,
}

impl FromDirectory {
    fn new(bytes: SourceBytes, directory: u64) -> Self {
        let data = (*bytes).as_ref();
        let mut header = data[..data.len().min(16)].to_vec();
        let (big_endian, big_tiff) = (header.first() == Some(&b'M'), is_big(&header));
        let (from, width) = if big_tiff { (8, 8) } else { (4, 4) };
        if header.len() >= from + width {
            let offset = if big_endian { directory.to_be_bytes()[8 - width..].to_vec() } else { directory.to_le_bytes()[..width].to_vec() };
            header[from..from + width].copy_from_slice(&offset);
        }
        header.truncate(from + width);
        FromDirectory { bytes, header, at: 0 }
    }
}

impl Read for FromDirectory {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let data = (*self.bytes).as_ref();
        let from = match self.header.get(self.at as usize..) {
            Some(header) if !header.is_empty() => header,
            _ => data.get(self.at as usize..).unwrap_or_default(),
        };
        let count = from.len().min(buffer.len());
        buffer[..count].copy_from_slice(&from[..count]);
        self.at += count as u64;
        Ok(count)
    }
}

impl Seek for FromDirectory {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let end = (*self.bytes).as_ref().len() as u64;
        let at = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::End(by) => end.checked_add_signed(by),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
        };
        self.at = at.ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?;
        Ok(self.at)
    }
}

fn is_big(header: &[u8]) -> bool {
    header.get(2..4).is_some_and(|magic| magic.contains(&43))
}

/// The places of all pages' directories, in order. A chain that comes back on itself is cut there if pages were found before,
/// as other readers do; smaller copies of a page are left out.
fn directories(data: &[u8], limits: &Limits) -> Result<Vec<u64>, DecodeError> {
    let big_endian = data.first() == Some(&b'M');
    let number = |at: u64, width: usize| -> Option<u64> {
        let bytes = data.get(usize::try_from(at).ok()?..)?.get(..width)?;
        let fold = |sum: u64, b: &u8| sum << 8 | u64::from(*b);
        Some(if big_endian { bytes.iter().fold(0, fold) } else { bytes.iter().rev().fold(0, fold) })
    };
    let big = is_big(data);
    let (count_width, entry_width, offset_width) = if big { (8, 20, 8) } else { (2, 12, 4) };
    let mut next = number(if big { 8 } else { 4 }, offset_width).unwrap_or(0);
    let (mut pages, mut seen) = (Vec::new(), HashSet::new());
    while next != 0 && seen.insert(next) {
        let Some(count) = number(next, count_width).filter(|count| *count <= 65_535) else { break };
        let entries = next + count_width as u64;
        let is_reduced = (0..count).map(|i| entries + i * entry_width).any(|entry| {
            number(entry, 2) == Some(254) && number(entry + entry_width - offset_width as u64, 4).is_some_and(|v| v & REDUCED != 0)
        });
        if count > 0 && !is_reduced {
            pages.push(next);
        }
        if pages.len() > limits.max_pages as usize || seen.len() > 2 * limits.max_pages as usize {
            return Err(DecodeError::TooManyPages { limit: limits.max_pages });
        }
        next = number(entries + count * entry_width, offset_width).unwrap_or(0);
    }
    Ok(pages)
}

/// Unpacks the page to eight-bit grey or RGB; none for samples that no scanner makes (floats, Lab, many bands).
fn unpack(decoder: &mut Decoder<FromDirectory>) -> Result<Option<Pixels>, tiff::TiffError> {
    let (width, height) = decoder.dimensions()?;
    let color = decoder.colortype()?;
    let mut result = DecodingResult::U8(Vec::new());
    let layout = decoder.read_image_to_buffer(&mut result)?;
    let samples_per_pixel = usize::from(color.num_samples());
    let planes = layout.planes.max(1);
    let row_samples = width as usize * if planes > 1 { 1 } else { samples_per_pixel };
    let count = row_samples * height as usize;
    let mut flat = Vec::with_capacity(count * planes);
    for plane in 0..planes {
        let stride = layout.plane_stride.map_or(0, |s| s.get());
        match &result {
            DecodingResult::U8(data) => {
                let bits = color.bit_depth();
                let plane = data.get(plane * stride..).unwrap_or_default();
                let row_bytes = (row_samples * usize::from(bits)).div_ceil(8);
                for row in plane.chunks_exact(row_bytes).take(height as usize) {
                    expand_bits(row, bits, row_samples, matches!(color, ColorType::Palette(_)), &mut flat);
                }
            }
            DecodingResult::U16(data) => {
                let shift = color.bit_depth().clamp(8, 16) - 8;
                let plane = data.get(plane * stride / 2..).unwrap_or_default();
                flat.extend(plane.iter().take(count).map(|v| (v >> shift).min(255) as u8));
            }
            _ => return Ok(None),
        }
    }
    if flat.len() < count * planes {
        return Ok(None);
    }
    if planes > 1 {
        flat = (0..count).flat_map(|i| (0..planes).map(move |plane| plane * count + i)).map(|at| flat[at]).collect();
    }
    let rgb = |samples: Vec<u8>| Some(Pixels::rgb(width, height, samples));
    Ok(match color {
        ColorType::Gray(_) => Some(Pixels::grey(width, height, flat)),
        ColorType::GrayA(_) => {
            Some(Pixels::grey(width, height, flat.chunks_exact(2).map(|p| over_white(p[0], p[1])).collect()))
        }
        ColorType::RGB(_) => rgb(flat),
        ColorType::RGBA(_) => rgb(flat.chunks_exact(4).flat_map(|p| [0, 1, 2].map(|i| over_white(p[i], p[3]))).collect()),
        ColorType::CMYK(_) => rgb(flat.chunks_exact(4).flat_map(cmyk_to_rgb).collect()),
        ColorType::CMYKA(_) => rgb(flat.chunks_exact(5).flat_map(cmyk_to_rgb).collect()),
        ColorType::YCbCr(_) => rgb(flat.chunks_exact(3).flat_map(ycbcr_to_rgb).collect()),
        ColorType::Palette(bits) => {
            let map: Vec<u16> = decoder.find_tag_unsigned_vec(Tag::ColorMap)?.unwrap_or_default();
            let size = 1usize << bits.min(8);
            (map.len() >= 3 * size).then(|| {
                // some writers fill the 16-bit map with 8-bit values
                let shift = if map.iter().all(|v| *v < 256) { 0 } else { 8 };
                let color = |i: u8| [0, 1, 2].map(|c| (map[c * size + usize::from(i) % size] >> shift) as u8);
                Pixels::rgb(width, height, flat.into_iter().flat_map(color).collect())
            })
        }
        _ => None,
    })
}

/// `count` samples of `bits` each, scaled to eight bits unless they are indices.
fn expand_bits(row: &[u8], bits: u8, count: usize, indices: bool, into: &mut Vec<u8>) {
    if bits >= 8 {
        into.extend_from_slice(&row[..count.min(row.len())]);
        return;
    }
    let max = (1u16 << bits) - 1;
    let (mut buffer, mut held, mut bytes) = (0u16, 0u8, row.iter());
    for _ in 0..count {
        if held < bits {
            buffer = buffer << 8 | u16::from(bytes.next().copied().unwrap_or(0));
            held += 8;
        }
        held -= bits;
        let value = buffer >> held & max;
        into.push(if indices { value as u8 } else { (value * 255 / max) as u8 });
    }
}

/// ITU-R BT.601 full range, as in JPEG.
fn ycbcr_to_rgb(pixel: &[u8]) -> [u8; 3] {
    let (y, cb, cr) = (f32::from(pixel[0]), f32::from(pixel[1]) - 128.0, f32::from(pixel[2]) - 128.0);
    [y + 1.402 * cr, y - 0.344_14 * cb - 0.714_14 * cr, y + 1.772 * cb].map(|v| v.round().clamp(0.0, 255.0) as u8)
}

fn unsigned(decoder: &mut Decoder<FromDirectory>, tag: Tag) -> Option<u32> {
    decoder.find_tag_unsigned(tag).ok().flatten()
}

/// Pixels per inch across and down; 0 when not told.
fn resolution(decoder: &mut Decoder<FromDirectory>) -> (u32, u32) {
    let per_inch = match unsigned(decoder, Tag::ResolutionUnit).unwrap_or(2) {
        2 => 1.0,
        3 => 2.54,
        _ => return (0, 0),
    };
    [Tag::XResolution, Tag::YResolution]
        .map(|tag| decoder.get_tag_f64(tag).unwrap_or(0.0) * per_inch)
        .map(|dpi| if (1.0..100_000.0).contains(&dpi) { dpi.round() as u32 } else { 0 })
        .into()
}

/// Faxes have 204 columns but 98 or 196 rows an inch: rows are repeated, so that letters have their shape.
fn square(pixels: Pixels, x_dpi: u32, y_dpi: u32, limits: &Limits) -> (Pixels, u32) {
    let (low, high) = (x_dpi.min(y_dpi), x_dpi.max(y_dpi));
    if low == 0 || high * 100 <= low * 102 || high > low * 4 {
        return (pixels, high);
    }
    let scale = |size: u32, dpi: u32| (u64::from(size) * u64::from(high) / u64::from(dpi)).max(1);
    let (width, height) = (scale(pixels.width, x_dpi), scale(pixels.height, y_dpi));
    if width * height > limits.max_page_pixels {
        return (pixels, high);
    }
    (pixels.stretch(width as u32, height as u32), high)
}
