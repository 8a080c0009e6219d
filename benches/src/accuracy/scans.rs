//! How a clean page becomes a scan of each class: by arithmetic alone, the same for every run and every program.

use crate::pages::{self, Page};
use image::imageops::{self, FilterType};
use image::{GrayImage, Luma, Rgb, RgbImage};

/// Dots an inch at which clean pages are rendered.
pub const DPI: u32 = 300;

/// What a page looks like; the order is that of the tables.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Class {
    /// Colour, 300 dpi: yellowish paper, noise, JPEG.
    Colour300,
    /// Grey, 300 dpi.
    Grey300,
    /// Grey, 200 dpi: the least that NĐ 30/2020 allows.
    Grey200,
    /// Grey, 150 dpi.
    Grey150,
    /// Grey, 100 dpi.
    Grey100,
    /// One bit a pixel, 300 dpi, fax compression.
    Bilevel300,
    /// Grey, 300 dpi, turned by 1.7° or −2.4°.
    Skewed,
    /// Grey, 300 dpi, turned by 0.4° or −0.65°: how most sheets lie on the glass.
    Askew,
    /// Colour, 300 dpi, a red seal of 36 mm over the text.
    Seal,
    /// Grey, 300 dpi, pale ink on dark paper.
    LowContrast,
    /// Grey, 300 dpi, the back of the sheet shines through.
    BleedThrough,
    /// Grey, 300 dpi, black where the glass was not covered.
    Borders,
    /// Grey, 300 dpi, sideways or upside down.
    Turned,
    /// The project's sample papers as they are: each has several faults.
    SamplePapers,
}

impl Class {
    /// All of them.
    pub const ALL: [Class; 14] = [
        Class::Colour300,
        Class::Grey300,
        Class::Grey200,
        Class::Grey150,
        Class::Grey100,
        Class::Bilevel300,
        Class::Skewed,
        Class::Askew,
        Class::Seal,
        Class::LowContrast,
        Class::BleedThrough,
        Class::Borders,
        Class::Turned,
        Class::SamplePapers,
    ];

    /// Its name on the command line and in tables.
    pub fn name(self) -> &'static str {
        match self {
            Class::Colour300 => "colour-300",
            Class::Grey300 => "grey-300",
            Class::Grey200 => "grey-200",
            Class::Grey150 => "grey-150",
            Class::Grey100 => "grey-100",
            Class::Bilevel300 => "bilevel-300",
            Class::Skewed => "skewed",
            Class::Askew => "askew",
            Class::Seal => "seal",
            Class::LowContrast => "low-contrast",
            Class::BleedThrough => "bleed-through",
            Class::Borders => "borders",
            Class::Turned => "turned",
            Class::SamplePapers => "sample-papers",
        }
    }
}

/// The scan of a clean page. `nth` chooses among the angles of a class and seeds the noise; `behind` is what stands on the back.
pub fn scan(class: Class, nth: usize, clean: &RgbImage, behind: &RgbImage) -> Page {
    let mut noise = Noise::new(nth as u64 * 64 + class as u64);
    let grey = || imageops::grayscale(clean);
    let plain = |page: &GrayImage, noise: &mut Noise| scanned(&blurred(page), 35, 245, 4.0, noise);
    match class {
        Class::Colour300 => pages::colour_jpeg(&coloured(clean, &mut noise), DPI, QUALITY),
        Class::Grey300 | Class::SamplePapers => pages::grey_jpeg(&plain(&grey(), &mut noise), DPI, QUALITY),
        Class::Grey200 => smaller(&grey(), 200, &mut noise),
        Class::Grey150 => smaller(&grey(), 150, &mut noise),
        Class::Grey100 => smaller(&grey(), 100, &mut noise),
        Class::Bilevel300 => pages::fax(&scanned(&blurred(&grey()), 35, 245, 12.0, &mut noise), DPI),
        Class::Skewed | Class::Askew => {
            let degrees = if class == Class::Skewed { [1.7, -2.4] } else { [0.4, -0.65] };
            let page = turned_by(degrees[nth % 2], &grey());
            pages::grey_jpeg(&plain(&page, &mut noise), DPI, QUALITY)
        }
        Class::Seal => {
            let mut page = clean.clone();
            stamp(&mut page);
            pages::colour_jpeg(&coloured(&page, &mut noise), DPI, QUALITY)
        }
        Class::LowContrast => pages::grey_jpeg(&scanned(&blurred(&grey()), 110, 200, 6.0, &mut noise), DPI, QUALITY),
        Class::BleedThrough => {
            let mut page = grey();
            shine_through(&mut page, &imageops::grayscale(behind));
            pages::grey_jpeg(&plain(&page, &mut noise), DPI, QUALITY)
        }
        Class::Borders => {
            let mut page = grey();
            uncover(&mut page, &mut noise);
            pages::grey_jpeg(&plain(&page, &mut noise), DPI, QUALITY)
        }
        Class::Turned => {
            let page = plain(&grey(), &mut noise);
            let turned = match nth % 3 {
                0 => imageops::rotate90(&page),
                1 => imageops::rotate180(&page),
                _ => imageops::rotate270(&page),
            };
            pages::grey_jpeg(&turned, DPI, QUALITY)
        }
    }
}

/// JPEG quality of scans.
const QUALITY: u8 = 75;

/// Numbers that look like chance and are the same in every run (splitmix64).
struct Noise(u64);

impl Noise {
    fn new(seed: u64) -> Noise {
        Noise(seed ^ 0x5de7_0a55_ac1f_e2b3)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// About normal, mean 0: the sum of four even numbers of 16 bits.
    fn around_zero(&mut self, sigma: f32) -> f32 {
        let bits = self.next();
        let sum: u32 = (0..4).map(|nth| (bits >> (16 * nth)) as u32 & 0xffff).sum();
        (sum as f32 / 65535.0 - 2.0) * 3f32.sqrt() * sigma
    }
}

/// What the optics of a scanner do: (1 2 1)/4 along both sides.
fn blurred(page: &GrayImage) -> GrayImage {
    let (width, height) = page.dimensions();
    let once = |from: &GrayImage, step: (u32, u32)| {
        GrayImage::from_fn(width, height, |x, y| {
            let before = from.get_pixel(x.saturating_sub(step.0), y.saturating_sub(step.1)).0[0];
            let after = from.get_pixel((x + step.0).min(width - 1), (y + step.1).min(height - 1)).0[0];
            Luma([((u16::from(before) + 2 * u16::from(from.get_pixel(x, y).0[0]) + u16::from(after)) / 4) as u8])
        })
    };
    once(&once(page, (1, 0)), (0, 1))
}

/// Black becomes `ink`, white becomes `paper`, and every pixel is a little off.
fn scanned(page: &GrayImage, ink: u8, paper: u8, sigma: f32, noise: &mut Noise) -> GrayImage {
    let span = f32::from(paper) - f32::from(ink);
    let mut page = page.clone();
    for pixel in page.pixels_mut() {
        let value = f32::from(ink) + span * f32::from(pixel.0[0]) / 255.0 + noise.around_zero(sigma);
        pixel.0[0] = value.round().clamp(0.0, 255.0) as u8;
    }
    page
}

/// The same in colour, on yellowish paper.
fn coloured(page: &RgbImage, noise: &mut Noise) -> RgbImage {
    const INK: [f32; 3] = [38.0, 36.0, 40.0];
    const PAPER: [f32; 3] = [248.0, 243.0, 229.0];
    let mut page = page.clone();
    for pixel in page.pixels_mut() {
        // Most of a sensor's noise is common to the three colours.
        let common = noise.around_zero(4.0);
        for (channel, value) in pixel.0.iter_mut().enumerate() {
            let clean = INK[channel] + (PAPER[channel] - INK[channel]) * f32::from(*value) / 255.0;
            *value = (clean + common + noise.around_zero(2.0)).round().clamp(0.0, 255.0) as u8;
        }
    }
    page
}

fn smaller(page: &GrayImage, dpi: u32, noise: &mut Noise) -> Page {
    let (width, height) = (page.width() * dpi / DPI, page.height() * dpi / DPI);
    let page = imageops::resize(page, width, height, FilterType::Triangle);
    pages::grey_jpeg(&scanned(&page, 35, 245, 4.0, noise), dpi, QUALITY)
}

/// Turned around its middle; lines fall to the right where `degrees` is positive. White comes in at the corners.
fn turned_by(degrees: f32, page: &GrayImage) -> GrayImage {
    let (width, height) = page.dimensions();
    let (sin, cos) = degrees.to_radians().sin_cos();
    let (cx, cy) = (width as f32 / 2.0, height as f32 / 2.0);
    let at = |x: i64, y: i64| {
        let inside = x >= 0 && y >= 0 && x < i64::from(width) && y < i64::from(height);
        if inside { f32::from(page.get_pixel(x as u32, y as u32).0[0]) } else { 255.0 }
    };
    GrayImage::from_fn(width, height, |x, y| {
        let (dx, dy) = (x as f32 - cx, y as f32 - cy);
        let (fx, fy) = (cx + dx * cos + dy * sin, cy - dx * sin + dy * cos);
        let (x, y, right, down) = (fx.floor() as i64, fy.floor() as i64, fx - fx.floor(), fy - fy.floor());
        let upper = at(x, y) * (1.0 - right) + at(x + 1, y) * right;
        let lower = at(x, y + 1) * (1.0 - right) + at(x + 1, y + 1) * right;
        Luma([(upper * (1.0 - down) + lower * down).round() as u8])
    })
}

/// The back of the sheet, mirrored and soft, takes up to a fifth of the light.
fn shine_through(page: &mut GrayImage, behind: &GrayImage) {
    let behind = blurred(&blurred(&blurred(&imageops::flip_horizontal(behind))));
    for (x, y, pixel) in page.enumerate_pixels_mut() {
        let dark = behind.get_pixel_checked(x, y).map_or(0.0, |behind| 255.0 - f32::from(behind.0[0]));
        pixel.0[0] = (f32::from(pixel.0[0]) - dark * 0.2).max(0.0) as u8;
    }
}

/// The lid was open and the sheet lay a little aslant: black, ragged, along three sides, never as far as the print.
fn uncover(page: &mut GrayImage, noise: &mut Noise) {
    let (width, height) = page.dimensions();
    let mut ragged = |length: u32| -> Vec<u32> { (0..length).map(|_| noise.around_zero(1.5).abs() as u32).collect() };
    let (columns, rows) = (ragged(width), ragged(height));
    for (x, y, pixel) in page.enumerate_pixels_mut() {
        let left = 70 + rows[y as usize];
        let right = width - 30 - rows[y as usize];
        let top = 15 + 50 * x / width + columns[x as usize];
        if x < left || x >= right || y < top {
            pixel.0[0] = 0;
        }
    }
}

/// A round red seal as on every Vietnamese paper, over the print at two thirds of the width: two rings, a star, and letters
/// around. The letters are the page's own heading, bent, so that no font is needed.
fn stamp(page: &mut RgbImage) {
    let (width, height) = page.dimensions();
    let grey = imageops::grayscale(page);
    let (cx, cy) = ((width * 2 / 3) as f32, row_with_print(&grey, height * 2 / 5) as f32);
    let radius = 18.0 / 25.4 * DPI as f32;
    let (x0, x1, y0, y1) = heading(&grey);
    let letters = |angle: f32, depth: f32| {
        // From lower left over the top to lower right.
        let along = (angle + 1.25 * std::f32::consts::FRAC_PI_2) / (2.5 * std::f32::consts::FRAC_PI_2);
        if !(0.0..1.0).contains(&along) || !(0.0..1.0).contains(&depth) {
            return false;
        }
        let x = x0 + (along * (x1 - x0) as f32) as u32;
        let y = y0 + (depth * (y1 - y0) as f32) as u32;
        grey.get_pixel_checked(x, y).is_some_and(|pixel| pixel.0[0] < 140)
    };
    let reach = radius as i64 + 2;
    for dy in -reach..=reach {
        for dx in -reach..=reach {
            let (x, y) = (cx as i64 + dx, cy as i64 + dy);
            if x < 0 || y < 0 || x >= i64::from(width) || y >= i64::from(height) {
                continue;
            }
            let (dx, dy) = (dx as f32, dy as f32);
            let from = dx.hypot(dy) / radius;
            let angle = dx.atan2(-dy); // 0 is up, positive to the right
            let inked = (0.96..1.0).contains(&from)
                || (0.68..0.70).contains(&from)
                || letters(angle, (0.92 - from) / 0.18)
                || from < star(angle) * 0.34;
            if inked {
                let pixel = page.get_pixel_mut(x as u32, y as u32);
                *pixel = Rgb(std::array::from_fn(|channel| {
                    let seal = [1.0, 0.28, 0.32][channel];
                    (f32::from(pixel.0[channel]) * (seal * 0.85 + 0.15)) as u8
                }));
            }
        }
    }
}

/// The edge of a five-pointed star of radius 1 in this direction.
fn star(angle: f32) -> f32 {
    let fifth = std::f32::consts::TAU / 5.0;
    let off = (angle.rem_euclid(fifth) - fifth / 2.0).abs() / (fifth / 2.0); // 1 at a point, 0 between two
    0.38 + 0.62 * off * off
}

/// Dark pixels of a row between the margins.
fn print_in(grey: &GrayImage, y: u32) -> usize {
    let margin = grey.width() / 8;
    (margin..grey.width() - margin).filter(|&x| grey.get_pixel(x, y).0[0] < 140).count()
}

/// The row nearest below `from` in which print stands.
fn row_with_print(grey: &GrayImage, from: u32) -> u32 {
    (from..grey.height()).find(|&y| print_in(grey, y) > grey.width() as usize / 20).unwrap_or(from)
}

/// The box of the heading, which is the line with most ink in the upper quarter: left, right, top, bottom.
fn heading(grey: &GrayImage) -> (u32, u32, u32, u32) {
    let (width, height) = grey.dimensions();
    let ink: Vec<usize> = (0..height / 4).map(|y| print_in(grey, y)).collect();
    let (mut lines, mut began) = (Vec::new(), None);
    for (y, ink) in (0..).zip(&ink) {
        match (began, *ink > 4) {
            (None, true) => began = Some(y),
            (Some(top), false) => {
                lines.push((top, y));
                began = None;
            }
            _ => {}
        }
    }
    let ink_of = |&(top, bottom): &(u32, u32)| ink[top as usize..bottom as usize].iter().sum::<usize>();
    let (top, bottom) = lines.into_iter().filter(|(top, bottom)| bottom - top < 100).max_by_key(ink_of).unwrap_or((0, 40));
    let column = |x: &u32| (top..bottom).any(|y| grey.get_pixel(*x, y).0[0] < 140);
    let left = (width / 8..width).find(column).unwrap_or(0);
    let right = (left..width).rev().find(column).unwrap_or(width - 1);
    // As much of it as bends around a seal with letters that are not squeezed.
    (left.max(right.saturating_sub(1100)), right, top.saturating_sub(2), bottom + 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A page with bars for lines.
    fn clean() -> RgbImage {
        RgbImage::from_fn(620, 877, |x, y| {
            let print = (90..530).contains(&x) && (80..800).contains(&y) && y % 24 < 10 && x % 9 < 5;
            Rgb([if print { 0 } else { 255 }; 3])
        })
    }

    #[test]
    fn every_class_is_the_same_in_every_run_and_like_no_other() {
        let (clean, behind) = (clean(), RgbImage::from_pixel(620, 877, Rgb([255; 3])));
        let scans: Vec<_> = Class::ALL.iter().map(|&class| scan(class, 1, &clean, &behind)).collect();
        for (class, page) in Class::ALL.iter().zip(&scans) {
            assert_eq!(page.bytes, scan(*class, 1, &clean, &behind).bytes, "{class:?}");
            let inches = |pixels: u32| (pixels * 100 / page.dpi) as i64;
            let (short, long) = (page.width.min(page.height), page.width.max(page.height));
            assert!((inches(short) - 206).abs() <= 1 && (inches(long) - 292).abs() <= 1, "{class:?}");
        }
        for (nth, page) in scans.iter().enumerate() {
            assert!(scans[..nth].iter().all(|other| other.bytes != page.bytes), "{:?}", Class::ALL[nth]);
        }
    }

    #[test]
    fn a_seal_is_red_and_lies_over_print() {
        let mut page = clean();
        stamp(&mut page);
        let reddened = page.pixels().filter(|pixel| pixel.0[0] > 200 && pixel.0[1] < 120).count();
        assert!(reddened > 5000, "{reddened} pixels are red");
        let black = |page: &RgbImage| page.pixels().filter(|pixel| pixel.0 == [0; 3]).count();
        assert_eq!(black(&page), black(&clean()), "print shows through the ink");
    }

    #[test]
    fn noise_has_the_width_that_is_asked_for() {
        let mut noise = Noise::new(7);
        let values: Vec<f32> = (0..20_000).map(|_| noise.around_zero(6.0)).collect();
        let mean = values.iter().sum::<f32>() / values.len() as f32;
        let sigma = (values.iter().map(|value| (value - mean).powi(2)).sum::<f32>() / values.len() as f32).sqrt();
        assert!(mean.abs() < 0.2 && (sigma - 6.0).abs() < 0.2, "mean {mean}, sigma {sigma}");
    }
}
