//! A file that is one picture: JPEG, kept as it came, or PNG, repacked without loss.

use super::jpeg::{JpegHeader, orientation};
use super::pixels::{Pixels, over_white};
use super::{DecodeError, SourceBytes, seal};
use crate::capi;
use crate::page::{Encoding, Grey, KeptImage, Limits, Scan};
use image::codecs::{jpeg::JpegDecoder, png::PngDecoder};
use image::{ColorType, ImageDecoder, ImageResult};
use sohoa_record::Reason;
use std::io::Cursor;

/// JPEG quality for what had to be converted, percent.
pub(super) const CONVERTED_QUALITY: u8 = 92;

/// A JPEG or PNG file.
pub(super) struct ImageFile {
    bytes: SourceBytes,
    is_png: bool,
    limits: Limits,
}

impl ImageFile {
    pub(super) fn open(bytes: SourceBytes, is_png: bool, limits: &Limits) -> Result<Self, DecodeError> {
        let file = ImageFile { bytes, is_png, limits: *limits };
        let has_header = if is_png { png_size(file.data()).is_some() } else { JpegHeader::read(file.data()).is_some() };
        if !has_header {
            return Err(DecodeError::Damaged("its header is broken".into()));
        }
        Ok(file)
    }

    pub(super) fn media_type(&self) -> &'static str {
        if self.is_png { "image/png" } else { "image/jpeg" }
    }

    pub(super) fn page(&self) -> Result<Scan, DecodeError> {
        if self.is_png { self.png() } else { self.jpeg() }
    }

    fn jpeg(&self) -> Result<Scan, DecodeError> {
        let header = JpegHeader::read(self.data()).ok_or_else(|| damaged("its header is broken"))?;
        check_pixels(1, header.width, header.height, &self.limits)?;
        let (mirrored, rotate_deg) = orientation(header.orientation);
        if !mirrored && let Some((kept, grey, flags)) = kept_jpeg(self.data(), &header, &self.limits) {
            return Ok(Scan { flags, ..scan(kept, grey, header.dpi, rotate_deg) });
        }
        let mut pixels = decode_jpeg(self.data(), &self.limits).map_err(damaged)?;
        if mirrored {
            pixels.mirror();
        }
        let (kept, grey) = pixels.keep_drawn(CONVERTED_QUALITY);
        Ok(scan(kept, grey, header.dpi, rotate_deg))
    }

    fn png(&self) -> Result<Scan, DecodeError> {
        let (width, height) = png_size(self.data()).ok_or_else(|| damaged("its header is broken"))?;
        check_pixels(1, width, height, &self.limits)?;
        let decoder = PngDecoder::with_limits(Cursor::new(self.data()), image_limits(&self.limits)).map_err(damaged)?;
        let (kept, grey) = read(decoder, &self.limits).map_err(damaged)?.keep();
        Ok(scan(kept, grey, png_dpi(self.data()).unwrap_or(0), 0))
    }

    fn data(&self) -> &[u8] {
        (*self.bytes).as_ref()
    }
}

/// The JPEG file itself when a PDF can hold it as it is: eight bits, grey or three colours.
fn keep_jpeg(data: &[u8], header: &JpegHeader) -> Option<KeptImage> {
    if header.precision != 8 || !matches!(header.components, 1 | 3) {
        return None;
    }
    let encoding = Encoding::Jpeg { components: header.components };
    Some(KeptImage { width: header.width, height: header.height, encoding, data: data.to_vec() })
}

/// A JPEG file that is kept as it came, with its grey copy and a flag when its data is not whole: what can be seen of it is read
/// and kept, but nobody may take it for the whole page. Its size must have been checked.
pub(super) fn kept_jpeg(data: &[u8], header: &JpegHeader, limits: &Limits) -> Option<(KeptImage, Grey, Vec<Reason>)> {
    let kept = keep_jpeg(data, header)?;
    let (grey, whole) = match capi::jpeg_luminance(data) {
        Some((grey, whole)) if header.components == 3 => (without_seals(grey, data), whole),
        Some(read) => read,
        None => (decode_jpeg(data, limits).ok()?.into_grey(), false),
    };
    let flags = if whole { Vec::new() } else { vec![Reason::PageDamaged] };
    ((grey.width, grey.height) == (header.width, header.height)).then_some((kept, grey, flags))
}

/// The luminance of a colour JPEG without round red seals. Its colours are unpacked small, and whole only where there is a seal.
fn without_seals(mut grey: Grey, data: &[u8]) -> Grey {
    let Some(small) = capi::jpeg_channels(data, seal::REDUCTION) else { return grey };
    let seals = seal::find(small.each_ref());
    if seals.is_empty() {
        return grey;
    }
    if let Some([red, ..]) = capi::jpeg_channels(data, 1).filter(|[red, ..]| red.pixels.len() == grey.pixels.len()) {
        seal::lift(&mut grey, &seals, |at| red.pixels[at]);
    }
    grey
}

/// Unpacks a JPEG file; CMYK is converted. Its size must have been checked.
pub(super) fn decode_jpeg(data: &[u8], limits: &Limits) -> ImageResult<Pixels> {
    let mut decoder = JpegDecoder::new(Cursor::new(data))?;
    decoder.set_limits(image_limits(limits))?;
    read(decoder, limits)
}

/// Refuses a page of more pixels than the limit, or of none.
pub(super) fn check_pixels(page: u32, width: u32, height: u32, limits: &Limits) -> Result<(), DecodeError> {
    let pixels = u64::from(width) * u64::from(height);
    if pixels == 0 {
        return Err(DecodeError::PageDamaged { page, cause: format!("{width} × {height} pixels") });
    }
    if pixels > limits.max_page_pixels {
        let what = format!("{width} × {height} pixels, the limit is {} million", limits.max_page_pixels / 1_000_000);
        return Err(DecodeError::PageTooLarge { page, what });
    }
    Ok(())
}

fn image_limits(limits: &Limits) -> image::Limits {
    let mut image = image::Limits::default();
    image.max_alloc = Some(limits.max_stream_bytes);
    image
}

fn read(decoder: impl ImageDecoder, limits: &Limits) -> ImageResult<Pixels> {
    let ((width, height), color, bytes) = (decoder.dimensions(), decoder.color_type(), decoder.total_bytes());
    if bytes > limits.max_stream_bytes {
        return Err(image::ImageError::Limits(image::error::LimitError::from_kind(
            image::error::LimitErrorKind::InsufficientMemory,
        )));
    }
    let mut data = vec![0; bytes as usize];
    decoder.read_image(&mut data)?;
    let data = if color.bytes_per_pixel() > color.channel_count() { high_bytes(&data) } else { data };
    Ok(match color {
        ColorType::L8 | ColorType::L16 => Pixels::grey(width, height, data),
        ColorType::La8 | ColorType::La16 => {
            Pixels::grey(width, height, data.chunks_exact(2).map(|p| over_white(p[0], p[1])).collect())
        }
        ColorType::Rgba8 | ColorType::Rgba16 => {
            let rgb = data.chunks_exact(4).flat_map(|p| [0, 1, 2].map(|i| over_white(p[i], p[3]))).collect();
            Pixels::rgb(width, height, rgb)
        }
        _ => Pixels::rgb(width, height, data),
    })
}

/// 16-bit samples, in this machine's byte order, to 8 bits.
fn high_bytes(data: &[u8]) -> Vec<u8> {
    data.chunks_exact(2).map(|b| (u16::from_ne_bytes([b[0], b[1]]) >> 8) as u8).collect()
}

fn png_size(data: &[u8]) -> Option<(u32, u32)> {
    let header = data.get(12..24).filter(|header| header.starts_with(b"IHDR"))?;
    Some((u32_at(header, 4)?, u32_at(header, 8)?))
}

/// The pHYs chunk (PNG 11.3.5.3), pixels per metre.
fn png_dpi(data: &[u8]) -> Option<u32> {
    let mut at = 8usize;
    loop {
        let length = u32_at(data, at)? as usize;
        match data.get(at + 4..at + 8)? {
            b"pHYs" => {
                let chunk = data.get(at + 8..at + 17)?;
                let per_metre = f64::from(u32_at(chunk, 0)?);
                return (chunk[8] == 1).then(|| (per_metre * 0.0254).round() as u32);
            }
            b"IDAT" | b"IEND" => return None,
            _ => at = at.checked_add(length)?.checked_add(12)?,
        }
    }
}

fn u32_at(data: &[u8], at: usize) -> Option<u32> {
    data.get(at..at.checked_add(4)?)?.try_into().ok().map(u32::from_be_bytes)
}

fn scan(kept: KeptImage, grey: Grey, dpi: u32, rotate_deg: u16) -> Scan {
    Scan { number: 1, kept, grey, dpi, rotate_deg, text: None, flags: Vec::new() }
}

fn damaged(cause: impl ToString) -> DecodeError {
    DecodeError::PageDamaged { page: 1, cause: cause.to_string() }
}
