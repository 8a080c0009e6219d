//! What a page's streams would unpack to, judged before they are unpacked: sizes from headers, and for Flate a count that
//! keeps nothing.

use crate::decode::DecodeError;
use crate::decode::jpeg::JpegHeader;
use crate::decode::raster::check_pixels;
use crate::page::Limits;
use hayro::hayro_syntax::Filter;
use hayro::hayro_syntax::object::{Array, Dict, Stream};
use hayro::hayro_syntax::page::Page;
use miniz_oxide::inflate::TINFLStatus;
use miniz_oxide::inflate::core::{DecompressorOxide, decompress, inflate_flags};

/// A page's drawing instructions are text; real ones stay far below.
const MAX_CONTENT: u64 = 64 << 20;
/// Deflate cannot grow by more (RFC 1951: 258 bytes from 2 bits).
const MAX_RATIO: u64 = 1_032;

/// Refuses a page whose content streams unpack to more than [`MAX_CONTENT`].
pub(super) fn content(page: &Page<'_>, number: u32, limits: &Limits) -> Result<(), DecodeError> {
    let limit = MAX_CONTENT.min(limits.max_stream_bytes);
    let contents = page.raw();
    let single = contents.get::<Stream<'_>>(b"Contents").into_iter();
    let many = contents.get::<Array<'_>>(b"Contents");
    let mut total = 0;
    for stream in single.chain(many.iter().flat_map(|array| array.iter::<Stream<'_>>())) {
        total += unpacked_size(&stream, limit);
        if total > limit {
            return Err(too_large(number, "drawing instructions of", limit));
        }
    }
    Ok(())
}

/// Refuses an image (or its mask) of more pixels or bytes than the limits.
pub(super) fn image(stream: &Stream<'_>, number: u32, limits: &Limits) -> Result<(), DecodeError> {
    let dict = stream.dict();
    let size = |long: &[u8], short: &[u8]| dict.get::<u32>(long).or_else(|| dict.get::<u32>(short)).unwrap_or(0);
    let (width, height) = (size(b"Width", b"W"), size(b"Height", b"H"));
    check_pixels(number, width, height, limits)?;
    let limit = limits.max_stream_bytes;
    if unpacked_size(stream, limit) > limit {
        return Err(too_large(number, "an image of", limit));
    }
    // codecs carry a size of their own, and that is what they unpack to
    let raw = stream.raw_data();
    let inner = match stream.filters().last() {
        Some(_) if stream.filters().len() > 1 => None,
        Some(Filter::DctDecode) => JpegHeader::read(&raw).map(|header| (header.width, header.height)),
        Some(Filter::JpxDecode) => jpx_size(&raw),
        Some(Filter::Jbig2Decode) => jbig2_size(&raw),
        _ => None,
    };
    if let Some((width, height)) = inner {
        check_pixels(number, width, height, limits)?;
    }
    for mask in [b"SMask".as_slice(), b"Mask"] {
        if let Some(mask) = dict.get::<Stream<'_>>(mask) {
            let size = |key: &[u8]| mask.dict().get::<u32>(key).unwrap_or(0);
            check_pixels(number, size(b"Width"), size(b"Height"), limits)?;
        }
    }
    Ok(())
}

fn too_large(page: u32, what: &str, limit: u64) -> DecodeError {
    DecodeError::PageTooLarge { page, what: format!("{what} more than {} MB", limit >> 20) }
}

/// Bytes a stream's Flate filters give, or just over `limit`; other filters are counted as they are.
fn unpacked_size(stream: &Stream<'_>, limit: u64) -> u64 {
    let raw = stream.raw_data();
    let mut size = raw.len() as u64;
    let flates = stream.filters().iter().take_while(|filter| **filter == Filter::FlateDecode).count();
    if flates == 0 || size.saturating_mul(MAX_RATIO.saturating_pow(flates as u32)) <= limit {
        return size;
    }
    let mut data = raw.into_owned();
    for level in 1..=flates {
        size = inflated_size(&data, limit);
        if size > limit || level == flates {
            break;
        }
        match miniz_oxide::inflate::decompress_to_vec_zlib_with_limit(&data, limit as usize) {
            Ok(inner) => data = inner,
            Err(_) => break,
        }
    }
    size
}

/// Counts what zlib data unpacks to, through one small window; stops just over `limit`.
fn inflated_size(data: &[u8], limit: u64) -> u64 {
    let mut state = DecompressorOxide::new();
    let mut window = vec![0u8; 32 << 10];
    let (mut from, mut at, mut total) = (0, 0, 0u64);
    let flags = inflate_flags::TINFL_FLAG_PARSE_ZLIB_HEADER;
    loop {
        let (status, read, written) = decompress(&mut state, &data[from..], &mut window, at, flags);
        from += read;
        at = (at + written) % window.len();
        total += written as u64;
        if status != TINFLStatus::HasMoreOutput || total > limit {
            return total;
        }
    }
}

/// Width and height in the SIZ segment (ISO/IEC 15444-1 A.5.1).
fn jpx_size(data: &[u8]) -> Option<(u32, u32)> {
    let siz = data.windows(4).position(|w| w == [0xff, 0x4f, 0xff, 0x51])?;
    let number = |at: usize| data.get(siz + at..siz + at + 4)?.try_into().ok().map(u32::from_be_bytes);
    Some((number(8)?.saturating_sub(number(16)?), number(12)?.saturating_sub(number(20)?)))
}

/// Width and height in the page information segment (ITU-T T.88 7.2, 7.4.8); a height of 2³² − 1 is not told beforehand.
fn jbig2_size(data: &[u8]) -> Option<(u32, u32)> {
    let mut at = 0;
    loop {
        let number = |at: usize| data.get(at..at + 4)?.try_into().ok().map(u32::from_be_bytes);
        let (segment, flags) = (number(at)?, *data.get(at + 4)?);
        let count = *data.get(at + 5)?;
        let (referred, count_bytes) = match count >> 5 {
            7 => {
                let many = (number(at + 5)? & 0x1fff_ffff) as usize;
                (many, 4 + many / 8 + 1)
            }
            few => (usize::from(few), 1),
        };
        let reference_bytes = if segment <= 256 {
            1
        } else if segment <= 65_536 {
            2
        } else {
            4
        };
        let page_bytes = if flags & 0x40 != 0 { 4 } else { 1 };
        let length_at = at + 5 + count_bytes + referred * reference_bytes + page_bytes;
        let length = number(length_at)?;
        if flags & 0x3f == 48 {
            let (width, height) = (number(length_at + 4)?, number(length_at + 8)?);
            return Some((width, if height == u32::MAX { 1 } else { height }));
        }
        at = length_at.checked_add(4)?.checked_add(length as usize)?;
    }
}

/// True when the dictionary has any of the keys.
pub(super) fn has_any(dict: &Dict<'_>, keys: &[&[u8]]) -> bool {
    keys.iter().any(|key| dict.contains_key(key))
}
