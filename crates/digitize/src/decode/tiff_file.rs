//! TIFF files: every page reached at once by the place of its directory, unpacked by the `tiff` crate, repacked without loss.

mod directory;
mod fax;

use super::jpeg::{JpegHeader, orientation};
use super::pixels::{Pixels, cmyk_to_rgb, over_white};
use super::raster::{CONVERTED_QUALITY, check_pixels, kept_jpeg};
use super::{DecodeError, SourceBytes};
use crate::page::{Encoding, Grey, KeptImage, Limits, Scan};
use directory::{Directory, Layout, OnePage};
use sohoa_record::Reason;
use tiff::ColorType;
use tiff::decoder::ifd::Value;
use tiff::decoder::{Decoder, DecodingResult};
use tiff::tags::Tag;

const COMPRESSION: u16 = 259;
const PHOTOMETRIC: u16 = 262;
const BLACK_IS_ZERO: u64 = 1;
const PALETTE: u64 = 3;
const YCBCR: u64 = 6;
const ORIENTATION: u16 = 274;
const STRIP_OFFSETS: u16 = 273;
const STRIP_BYTE_COUNTS: u16 = 279;
const JPEG_TABLES: u16 = 347;
/// Compression: JPEG as it is meant since 1995.
const JPEG: u64 = 7;

/// A TIFF file and the places of its pages' directories.
pub(super) struct TiffFile {
    bytes: SourceBytes,
    directories: Vec<u64>,
    limits: Limits,
}

impl TiffFile {
    pub(super) fn open(bytes: SourceBytes, limits: &Limits) -> Result<Self, DecodeError> {
        let directories = directory::pages((*bytes).as_ref(), limits)?;
        if directories.is_empty() {
            return Err(DecodeError::NoPages);
        }
        Ok(TiffFile { bytes, directories, limits: *limits })
    }

    pub(super) fn page_count(&self) -> u32 {
        self.directories.len() as u32
    }

    pub(super) fn page(&self, number: u32) -> Result<Scan, DecodeError> {
        let damaged = |cause: &dyn ToString| DecodeError::PageDamaged { page: number, cause: cause.to_string() };
        let data = (*self.bytes).as_ref();
        let directory = Directory::read(data, self.directories[number as usize - 1], Layout::of(data));
        let directory = directory.ok_or_else(|| damaged(&"its directory cannot be read"))?;
        let mut reader = OnePage::new(self.bytes.clone(), &directory);
        // the crate gives palette indices only when told that they are grey
        let is_palette = directory.value(data, PHOTOMETRIC, 0) == PALETTE;
        if is_palette {
            reader.pretend(&directory, PHOTOMETRIC, BLACK_IS_ZERO);
        }
        let is_fax = matches!(directory.value(data, COMPRESSION, 1), 2..=4);
        if is_fax {
            // unpacked here; the crate is asked for the rest, and refuses some of these codes
            reader.pretend(&directory, COMPRESSION, 1);
        }
        let mut decoder = Decoder::new(reader).map_err(|e| damaged(&e))?;
        let (width, height) = decoder.dimensions().map_err(|e| damaged(&e))?;
        check_pixels(number, width, height, &self.limits)?;
        let mut limits = tiff::decoder::Limits::default();
        limits.decoding_buffer_size = self.limits.max_stream_bytes as usize;
        limits.intermediate_buffer_size = self.limits.max_stream_bytes as usize;
        limits.ifd_value_size = 64 << 20;
        let mut decoder = decoder.with_limits(limits);

        let (mirrored, rotate_deg) = orientation(directory.value(data, ORIENTATION, 1) as u8);
        let (x_dpi, y_dpi) = resolution(&mut decoder);
        if let Some((kept, grey, flags)) = jpeg(data, &directory, (width, height), &self.limits).filter(|_| !mirrored) {
            return Ok(Scan { number, kept, grey, dpi: x_dpi, rotate_deg, text: None, flags });
        }
        let (mut pixels, mut stream, mut flags) = (None, None, Vec::new());
        if let Some(fax) = is_fax.then(|| fax::read(data, &directory, width, height)).flatten() {
            let fax = fax.map_err(|cause| damaged(&cause))?;
            flags.extend(fax.is_cut.then_some(Reason::PageDamaged));
            (pixels, stream) = (Some(fax.pixels), fax.group4.filter(|_| !mirrored));
        } else if !is_fax {
            pixels = unpack(&mut decoder, is_palette).map_err(|e| damaged(&e))?;
        }
        let mut pixels = pixels.ok_or_else(|| damaged(&"its kind of samples is not one of scans"))?;
        if mirrored {
            pixels.mirror();
        }
        let (pixels, dpi) = square(pixels, x_dpi, y_dpi, &self.limits);
        let (kept, grey) = match stream {
            Some(stream) if (pixels.width, pixels.height) == (width, height) => {
                (KeptImage { width, height, encoding: Encoding::Group4, data: stream.to_vec() }, pixels.into_grey())
            }
            _ if directory.value(data, COMPRESSION, 1) == JPEG => pixels.keep_drawn(CONVERTED_QUALITY),
            _ => pixels.keep(),
        };
        Ok(Scan { number, kept, grey, dpi, rotate_deg, text: None, flags })
    }
}

/// The page's one JPEG strip as a file, with the tables that TIFF keeps apart put back (TIFF Technical Note 2). None when it
/// is in several pieces, which no PDF can hold as one image, or is not what a viewer of the bare file would show.
fn jpeg(data: &[u8], directory: &Directory, size: (u32, u32), limits: &Limits) -> Option<(KeptImage, Grey, Vec<Reason>)> {
    let offsets = directory.values(data, STRIP_OFFSETS);
    let [offset] = offsets[..] else { return None };
    if directory.value(data, COMPRESSION, 1) != JPEG {
        return None;
    }
    let count = directory.value(data, STRIP_BYTE_COUNTS, 0) as usize;
    let strip = data.get(usize::try_from(offset).ok()?..)?.get(..count)?;
    let tables: Vec<u8> = directory.values(data, JPEG_TABLES).iter().map(|b| *b as u8).collect();
    let file = match tables.strip_suffix(b"\xff\xd9") {
        Some(tables) => [tables, strip.strip_prefix(b"\xff\xd8")?].concat(),
        None => strip.to_vec(),
    };
    let header = JpegHeader::read(&file)?;
    let coded_as_rgb = header.components == 3 && directory.value(data, PHOTOMETRIC, 0) != YCBCR;
    if (header.width, header.height) != size || (coded_as_rgb && header.adobe_transform != Some(0)) {
        return None;
    }
    kept_jpeg(&file, &header, limits)
}

/// Unpacks the page to eight-bit grey or RGB; none for samples that no scanner makes (floats, Lab, many bands).
fn unpack(decoder: &mut Decoder<OnePage>, is_palette: bool) -> Result<Option<Pixels>, tiff::TiffError> {
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
                    expand_bits(row, bits, row_samples, is_palette, &mut flat);
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
        ColorType::Gray(bits) if is_palette => palette(decoder, bits, flat, rgb)?,
        ColorType::Gray(_) => Some(Pixels::grey(width, height, flat)),
        ColorType::GrayA(_) => Some(Pixels::grey(width, height, flat.chunks_exact(2).map(|p| over_white(p[0], p[1])).collect())),
        ColorType::RGB(_) => rgb(flat),
        ColorType::RGBA(_) => rgb(flat.chunks_exact(4).flat_map(|p| [0, 1, 2].map(|i| over_white(p[i], p[3]))).collect()),
        ColorType::CMYK(_) => rgb(flat.chunks_exact(4).flat_map(cmyk_to_rgb).collect()),
        ColorType::CMYKA(_) => rgb(flat.chunks_exact(5).flat_map(cmyk_to_rgb).collect()),
        ColorType::YCbCr(_) => rgb(flat.chunks_exact(3).flat_map(ycbcr_to_rgb).collect()),
        // grey with alpha, or with a channel of no known meaning
        ColorType::Multiband { num_samples: 2, .. } => {
            let has_alpha = matches!(unsigned(decoder, Tag::ExtraSamples), Some(1 | 2));
            let value = |p: &[u8]| if has_alpha { over_white(p[0], p[1]) } else { p[0] };
            Some(Pixels::grey(width, height, flat.chunks_exact(2).map(value).collect()))
        }
        _ => None,
    })
}

/// Indices to colours; none when the map is too short.
fn palette(
    decoder: &mut Decoder<OnePage>,
    bits: u8,
    indices: Vec<u8>,
    rgb: impl Fn(Vec<u8>) -> Option<Pixels>,
) -> Result<Option<Pixels>, tiff::TiffError> {
    let map: Vec<u16> = decoder.find_tag_unsigned_vec(Tag::ColorMap)?.unwrap_or_default();
    let size = 1usize << bits.min(8);
    if map.len() < 3 * size {
        return Ok(None);
    }
    // some writers fill the 16-bit map with 8-bit values
    let shift = if map.iter().all(|v| *v < 256) { 0 } else { 8 };
    let color = |i: u8| [0, 1, 2].map(|c| (map[c * size + usize::from(i) % size] >> shift) as u8);
    Ok(rgb(indices.into_iter().flat_map(color).collect()))
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

fn unsigned(decoder: &mut Decoder<OnePage>, tag: Tag) -> Option<u32> {
    decoder.find_tag_unsigned(tag).ok().flatten()
}

/// Pixels per inch across and down; 0 when not told.
fn resolution(decoder: &mut Decoder<OnePage>) -> (u32, u32) {
    let per_inch = match unsigned(decoder, Tag::ResolutionUnit).unwrap_or(2) {
        2 => 1.0,
        3 => 2.54,
        _ => return (0, 0),
    };
    [Tag::XResolution, Tag::YResolution]
        .map(|tag| match decoder.find_tag(tag) {
            Ok(Some(Value::Rational(over, under))) if under > 0 => f64::from(over) / f64::from(under) * per_inch,
            // not as the standard has it, but met
            Ok(Some(value)) => value.into_u32().map_or(0.0, f64::from) * per_inch,
            _ => 0.0,
        })
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
