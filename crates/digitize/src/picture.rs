//! A page as people look at it on a screen: in colour where it has colour, upright, and no larger than a screen shows.

use crate::page::{Encoding, KeptImage, Scan};
use image::ImageDecoder as _;
use image::codecs::jpeg::JpegDecoder;
use std::io::Cursor;

/// Eight-bit samples, row by row, no padding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
    /// 1 grey, 3 sRGB.
    pub components: u8,
    /// `width * height * components` samples.
    pub samples: Vec<u8>,
}

/// The whole page, turned clockwise by `rotated_deg` (0, 90, 180 or 270) and scaled down by the smallest whole factor that leaves at most
/// `most_pixels`.
pub fn picture(scan: &Scan, rotated_deg: u16, most_pixels: u64) -> Picture {
    let (width, height) = (scan.grey.width, scan.grey.height);
    // What cannot be unpacked in colour is shown as the engine sees it.
    let whole = match colours(&scan.kept).filter(|_| (scan.kept.width, scan.kept.height) == (width, height)) {
        Some(samples) => Picture { width, height, components: 3, samples },
        None => Picture { width, height, components: 1, samples: scan.grey.pixels.clone() },
    };
    let factor = (1..).find(|factor| u64::from(width / factor) * u64::from(height / factor) <= most_pixels).unwrap_or(1);
    whole.averaged(factor).turned(rotated_deg)
}

/// The samples of a kept image in colour.
fn colours(kept: &KeptImage) -> Option<Vec<u8>> {
    let size = kept.width as usize * kept.height as usize * 3;
    match kept.encoding {
        Encoding::Jpeg { components: 3 } => {
            let decoder = JpegDecoder::new(Cursor::new(&kept.data)).ok()?;
            let mut samples = vec![0; size];
            if decoder.total_bytes() != size as u64 {
                return None;
            }
            decoder.read_image(&mut samples).ok()?;
            Some(samples)
        }
        Encoding::Flate { components: 3 } => {
            miniz_oxide::inflate::decompress_to_vec_zlib_with_limit(&kept.data, size).ok().filter(|samples| samples.len() == size)
        }
        Encoding::Jpeg { .. } | Encoding::Flate { .. } | Encoding::Group4 => None,
    }
}

impl Picture {
    /// Each pixel is the mean of a square of `factor` × `factor`; what is left over at the right and bottom edge is dropped.
    fn averaged(self, factor: u32) -> Picture {
        if factor == 1 {
            return self;
        }
        let (n, components, row) =
            (factor as usize, usize::from(self.components), self.width as usize * usize::from(self.components));
        let (width, height) = ((self.width / factor).max(1), (self.height / factor).max(1));
        let mut samples = Vec::with_capacity(width as usize * height as usize * components);
        let mut sums = vec![0u32; width as usize * components];
        for band in self.samples.chunks(row * n).take(height as usize) {
            sums.fill(0);
            for line in band.chunks_exact(row) {
                for (sums, square) in sums.chunks_exact_mut(components).zip(line.chunks(components * n)) {
                    for pixel in square.chunks_exact(components) {
                        sums.iter_mut().zip(pixel).for_each(|(sum, sample)| *sum += u32::from(*sample));
                    }
                }
            }
            let area = (n * (band.len() / row)) as u32;
            samples.extend(sums.iter().map(|sum| (sum / area.max(1)).min(255) as u8));
        }
        Picture { width, height, components: self.components, samples }
    }

    /// Turned clockwise by 0, 90, 180 or 270 degrees.
    fn turned(self, degrees: u16) -> Picture {
        let (w, h, components) = (self.width as usize, self.height as usize, usize::from(self.components));
        let from = |x: usize, y: usize| match degrees {
            90 => (y, h - 1 - x),
            180 => (w - 1 - x, h - 1 - y),
            270 => (w - 1 - y, x),
            _ => (x, y),
        };
        let (width, height) = if matches!(degrees, 90 | 270) { (self.height, self.width) } else { (self.width, self.height) };
        if degrees == 0 {
            return self;
        }
        let mut samples = Vec::with_capacity(self.samples.len());
        for y in 0..height as usize {
            for x in 0..width as usize {
                let (x, y) = from(x, y);
                samples.extend_from_slice(&self.samples[(y * w + x) * components..][..components]);
            }
        }
        Picture { width, height, components: self.components, samples }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::page::Grey;

    fn scan(width: u32, height: u32, rgb: &[u8]) -> Scan {
        let grey = rgb.chunks_exact(3).map(|p| p[1]).collect();
        let data = miniz_oxide::deflate::compress_to_vec_zlib(rgb, 1);
        Scan {
            number: 1,
            kept: KeptImage { width, height, encoding: Encoding::Flate { components: 3 }, data },
            grey: Grey { width, height, pixels: grey },
            dpi: 300,
            rotate_deg: 0,
            text: None,
            flags: Vec::new(),
        }
    }

    #[test]
    fn colour_stays_and_turns_are_clockwise() {
        // red, green over blue, white
        let page = scan(2, 2, &[255, 0, 0, 0, 255, 0, 0, 0, 255, 255, 255, 255]);
        let turned = picture(&page, 90, 100);
        assert_eq!((turned.width, turned.height, turned.components), (2, 2, 3));
        assert_eq!(turned.samples, [0, 0, 255, 255, 0, 0, 255, 255, 255, 0, 255, 0]);
        let mean = picture(&page, 0, 1);
        assert_eq!((mean.width, mean.height, mean.samples), (1, 1, vec![127, 127, 127]));
    }

    #[test]
    fn an_oblong_page_keeps_its_shape_when_it_is_turned_and_scaled() {
        let page = scan(9, 4, &[7; 9 * 4 * 3]);
        for (degrees, size) in [(0, (4, 2)), (90, (2, 4)), (180, (4, 2)), (270, (2, 4))] {
            let small = picture(&page, degrees, 9);
            assert_eq!((small.width, small.height), size, "{degrees}");
            assert_eq!(small.samples, vec![7; 4 * 2 * 3]);
        }
    }

    #[test]
    fn damaged_colour_is_shown_in_grey() {
        let mut page = scan(2, 1, &[1, 2, 3, 4, 5, 6]);
        page.kept.data.truncate(3);
        assert_eq!(picture(&page, 180, 100), Picture { width: 2, height: 1, components: 1, samples: vec![5, 2] });
    }
}
