//! Pages in the codes of fax machines, groups 3 and 4 (TIFF 6.0 sections 10 and 11): black and white, strip by strip.

use super::directory::Directory;
use crate::decode::pixels::Pixels;
use hayro_ccitt::{DecodeSettings, Decoder, DecoderContext, EncodingMode};

const COMPRESSION: u16 = 259;
const PHOTOMETRIC: u16 = 262;
const FILL_ORDER: u16 = 266;
const STRIP_OFFSETS: u16 = 273;
const ROWS_PER_STRIP: u16 = 278;
const STRIP_BYTE_COUNTS: u16 = 279;
const T4_OPTIONS: u16 = 292;

/// A fax page's pixels, and the group 4 stream they are from when it is one as PDF has it.
pub(super) struct Fax<'a> {
    pub(super) pixels: Pixels,
    pub(super) group4: Option<&'a [u8]>,
    /// The data ends, or makes no sense any more, before the last row.
    pub(super) is_cut: bool,
}

/// None when the page is in no fax code (or is tiled, which no fax is). Rows that are missing at the end are white, and it is said that
/// some are; an error when more than half are.
pub(super) fn read<'a>(data: &'a [u8], directory: &Directory, width: u32, height: u32) -> Option<Result<Fax<'a>, &'static str>> {
    let compression = directory.value(data, COMPRESSION, 1);
    let offsets = directory.values(data, STRIP_OFFSETS);
    if !matches!(compression, 2..=4) || offsets.is_empty() {
        return None;
    }
    let counts = directory.values(data, STRIP_BYTE_COUNTS);
    let two_dimensional = directory.value(data, T4_OPTIONS, 0) & 1 != 0;
    let encoding = match compression {
        4 => EncodingMode::Group4,
        3 if two_dimensional => EncodingMode::Group3_2D,
        _ => EncodingMode::Group3_1D,
    };
    let rows_per_strip = directory.value(data, ROWS_PER_STRIP, u64::from(u32::MAX)).clamp(1, u64::from(height)) as u32;
    let reversed = directory.value(data, FILL_ORDER, 1) == 2;
    let mut rows = Rows { width: width as usize, samples: Vec::with_capacity(width as usize * height as usize), limit: 0 };
    let (mut decoded_rows, mut is_cut) = (0, false);
    for (i, offset) in offsets.iter().enumerate() {
        let first = i as u32 * rows_per_strip;
        if first >= height {
            break;
        }
        let from = usize::try_from(*offset).ok().and_then(|offset| data.get(offset..)).unwrap_or_default();
        let count = counts.get(i).map_or(from.len(), |count| (*count).min(from.len() as u64) as usize);
        let bytes = if reversed { from[..count].iter().map(|b| b.reverse_bits()).collect() } else { from[..count].to_vec() };
        let settings = DecodeSettings {
            columns: width,
            rows: rows_per_strip.min(height - first),
            end_of_block: compression != 2,
            end_of_line: false,
            // compression 2 starts each row on a byte
            rows_are_byte_aligned: compression == 2,
            encoding,
            strict: false,
        };
        rows.limit = rows.width * (first + settings.rows) as usize;
        let (wanted, told) = (settings.rows as usize, counts.get(i).copied().unwrap_or_default());
        let decoded = hayro_ccitt::decode(&bytes, &mut rows, &mut DecoderContext::new(settings));
        let read = rows.samples.len() / rows.width - first as usize;
        decoded_rows += read;
        is_cut |= told > from.len() as u64 || decoded.is_err() && read < wanted;
        rows.samples.resize(rows.limit, 255);
    }
    if decoded_rows * 2 < height as usize {
        return Some(Err("more than half of its rows cannot be read"));
    }
    rows.samples.resize(width as usize * height as usize, 255);
    let inverted = directory.value(data, PHOTOMETRIC, 0) == 1;
    if inverted {
        rows.samples.iter_mut().for_each(|v| *v = 255 - *v);
    }
    let whole = compression == 4 && !reversed && !inverted && offsets.len() == 1 && decoded_rows == height as usize;
    let group4 = whole.then(|| {
        let from = &data[offsets[0] as usize..];
        &from[..counts.first().map_or(from.len(), |count| (*count).min(from.len() as u64) as usize)]
    });
    Some(Ok(Fax { pixels: Pixels::grey(width, height, rows.samples), group4, is_cut }))
}

struct Rows {
    width: usize,
    samples: Vec<u8>,
    limit: usize,
}

impl Decoder for Rows {
    fn push_row(&mut self, changes: &[u32]) {
        if self.samples.len() >= self.limit {
            return;
        }
        let row = self.samples.len();
        self.samples.resize(row + self.width, 255);
        for black in changes.chunks(2) {
            let to = black.get(1).map_or(self.width, |to| *to as usize).min(self.width);
            let from = (black[0] as usize).min(to);
            self.samples[row + from..row + to].fill(0);
        }
    }
}
