//! Unpacked pixels and what becomes of them: the smallest lossless stream for the PDF, and the grey copy for the engine.

use super::seal;
use crate::page::{Encoding, Grey, KeptImage};
use fax::{Color, VecWriter, encoder::Encoder};
use image::codecs::jpeg::JpegEncoder;

/// Eight-bit samples, row by row, no padding: grey (one component) or sRGB (three).
pub(super) struct Pixels {
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) components: u8,
    pub(super) samples: Vec<u8>,
}

impl Pixels {
    pub(super) fn grey(width: u32, height: u32, samples: Vec<u8>) -> Self {
        Pixels { width, height, components: 1, samples }
    }

    pub(super) fn rgb(width: u32, height: u32, samples: Vec<u8>) -> Self {
        Pixels { width, height, components: 3, samples }
    }

    /// Turns colour into grey when there is no colour in it.
    pub(super) fn reduce(self) -> Self {
        let without_colour = self.components == 3 && self.samples.chunks_exact(3).all(|p| p[0] == p[1] && p[1] == p[2]);
        if !without_colour {
            return self;
        }
        let samples = self.samples.chunks_exact(3).map(|p| p[0]).collect();
        Pixels { components: 1, samples, ..self }
    }

    /// Keeps every pixel: black and white as group 4, all else as Flate.
    pub(super) fn keep(self) -> (KeptImage, Grey) {
        let pixels = self.reduce();
        let (encoding, data) = match pixels.group4() {
            Some(data) => (Encoding::Group4, data),
            None => (Encoding::Flate { components: pixels.components }, pixels.flate()),
        };
        pixels.kept(encoding, data)
    }

    /// Keeps what was drawn or had to be converted, so is nobody's original: without loss where that is as small, else as JPEG of
    /// this quality (percent).
    pub(super) fn keep_drawn(self, quality: u8) -> (KeptImage, Grey) {
        let pixels = self.reduce();
        if let Some(data) = pixels.group4() {
            return pixels.kept(Encoding::Group4, data);
        }
        let components = pixels.components;
        match pixels.jpeg(quality) {
            Some(jpeg) if jpeg.len() < pixels.flate_estimate() => pixels.kept(Encoding::Jpeg { components }, jpeg),
            _ => {
                let data = pixels.flate();
                pixels.kept(Encoding::Flate { components }, data)
            }
        }
    }

    /// The same pixels in grey, without round red seals.
    pub(super) fn into_grey(self) -> Grey {
        if self.components == 1 {
            return Grey { width: self.width, height: self.height, pixels: self.samples };
        }
        let pixels = self.samples.chunks_exact(3).map(luma).collect();
        let mut grey = Grey { width: self.width, height: self.height, pixels };
        let reduced = seal::reduced(&self);
        seal::lift(&mut grey, &seal::find(reduced.each_ref()), |at| self.samples[at * 3]);
        grey
    }

    /// Mirrors left and right.
    pub(super) fn mirror(&mut self) {
        let components = usize::from(self.components);
        for row in self.samples.chunks_exact_mut(self.width as usize * components) {
            let half = self.width as usize / 2;
            let (left, right) = row.split_at_mut(row.len() - half * components);
            for (a, b) in left.chunks_exact_mut(components).zip(right.chunks_exact_mut(components).rev()) {
                a.swap_with_slice(b);
            }
        }
    }

    /// Repeats columns or rows (nearest neighbour) up to the given size: a fax has fewer rows than columns an inch.
    pub(super) fn stretch(self, width: u32, height: u32) -> Self {
        let components = usize::from(self.components);
        let row_bytes = self.width as usize * components;
        let mut samples = Vec::with_capacity(width as usize * height as usize * components);
        for y in 0..u64::from(height) {
            let row = &self.samples[(y * u64::from(self.height) / u64::from(height)) as usize * row_bytes..][..row_bytes];
            if width == self.width {
                samples.extend_from_slice(row);
            } else {
                for x in 0..u64::from(width) {
                    let at = (x * u64::from(self.width) / u64::from(width)) as usize * components;
                    samples.extend_from_slice(&row[at..at + components]);
                }
            }
        }
        Pixels { width, height, samples, components: self.components }
    }

    fn kept(self, encoding: Encoding, data: Vec<u8>) -> (KeptImage, Grey) {
        let kept = KeptImage { width: self.width, height: self.height, encoding, data };
        (kept, self.into_grey())
    }

    /// None when a pixel is neither black nor white, or the line is longer than the encoder can count.
    fn group4(&self) -> Option<Vec<u8>> {
        if self.components != 1 || self.width > i16::MAX as u32 || !self.samples.iter().all(|v| matches!(v, 0 | 255)) {
            return None;
        }
        let mut encoder = Encoder::new(VecWriter::new());
        for row in self.samples.chunks_exact(self.width as usize) {
            let colors = row.iter().map(|v| if *v == 0 { Color::Black } else { Color::White });
            encoder.encode_line(colors, self.width).ok()?;
        }
        Some(encoder.finish().ok()?.finish())
    }

    fn flate(&self) -> Vec<u8> {
        miniz_oxide::deflate::compress_to_vec_zlib(&self.samples, 6)
    }

    /// About what [`Pixels::flate`] would give: from bands of 16 rows, each 128 apart. Packing a scan whole takes longer than
    /// everything else here.
    fn flate_estimate(&self) -> usize {
        let row = self.width as usize * usize::from(self.components);
        let bands: Vec<u8> = self.samples.chunks(row * 128).flat_map(|rows| &rows[..rows.len().min(row * 16)]).copied().collect();
        let packed = miniz_oxide::deflate::compress_to_vec_zlib(&bands, 6).len();
        packed * (self.samples.len() / row) / (bands.len() / row).max(1)
    }

    fn jpeg(&self, quality: u8) -> Option<Vec<u8>> {
        let color = if self.components == 1 { image::ExtendedColorType::L8 } else { image::ExtendedColorType::Rgb8 };
        let mut data = Vec::new();
        JpegEncoder::new_with_quality(&mut data, quality).encode(&self.samples, self.width, self.height, color).ok()?;
        Some(data)
    }
}

/// ITU-R BT.601, as JPEG's own luminance.
fn luma(pixel: &[u8]) -> u8 {
    let (r, g, b) = (u32::from(pixel[0]), u32::from(pixel[1]), u32::from(pixel[2]));
    ((r * 19_595 + g * 38_470 + b * 7_471 + 32_768) >> 16) as u8
}

/// CMYK as printers mean it (0 is no ink) to sRGB, without a profile.
pub(super) fn cmyk_to_rgb(pixel: &[u8]) -> [u8; 3] {
    let white = 255 - u32::from(pixel[3]);
    [0, 1, 2].map(|i| ((255 - u32::from(pixel[i])) * white / 255) as u8)
}

/// `value` over white.
pub(super) fn over_white(value: u8, alpha: u8) -> u8 {
    let (value, alpha) = (u32::from(value), u32::from(alpha));
    ((value * alpha + 255 * (255 - alpha) + 127) / 255) as u8
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn black_and_white_comes_back_from_group4(width in 1u32..90, rows in proptest::collection::vec(any::<u128>(), 1..20)) {
            let samples: Vec<u8> =
                rows.iter().flat_map(|row| (0..width).map(move |x| if row >> x & 1 == 1 { 0 } else { 255 })).collect();
            let (kept, grey) = Pixels::grey(width, rows.len() as u32, samples.clone()).keep();
            prop_assert_eq!(kept.encoding, Encoding::Group4);
            prop_assert_eq!(grey.pixels, samples.clone());
            let mut decoded = Vec::new();
            fax::decoder::decode_g4(kept.data.iter().copied(), width, Some(rows.len() as u32), |line| {
                decoded.extend(fax::decoder::pels(line, width).map(|c| if c == Color::Black { 0u8 } else { 255 }));
            });
            prop_assert_eq!(decoded, samples);
        }
    }

    #[test]
    fn colour_without_colour_is_grey_and_shades_are_kept_without_loss() {
        let (kept, _) = Pixels::rgb(2, 1, vec![7, 7, 7, 9, 9, 9]).keep();
        assert_eq!(kept.encoding, Encoding::Flate { components: 1 });
        assert_eq!(miniz_oxide::inflate::decompress_to_vec_zlib(&kept.data).unwrap(), [7, 9]);
    }

    #[test]
    fn a_mirrored_row_is_reversed_by_pixels() {
        let mut pixels = Pixels::rgb(3, 1, vec![1, 2, 3, 4, 5, 6, 7, 8, 9]);
        pixels.mirror();
        assert_eq!(pixels.samples, [7, 8, 9, 4, 5, 6, 1, 2, 3]);
    }
}
