//! Round red seals over print. In the red channel red ink is as white as paper and black print as black as ever, so within a seal
//! the engine gets that channel instead of the luminance. Nowhere else: red titles and the stamps MẬT and HỎA TỐC are to be read.

use super::pixels::Pixels;
use crate::page::Grey;

/// An image is searched at an eighth of its size.
pub(super) const REDUCTION: u32 = 8;
/// Red is a pixel whose red is above its green and blue by this.
const LEAST_RED: u8 = 24;
/// Across, mm, on a page whose short side is that of A4. Seals are 36 mm; A5 and A3 are allowed for.
const ACROSS_MM: std::ops::RangeInclusive<f32> = 24.0..=56.0;
const A4_MM: f32 = 210.0;
/// Share of its rim on which there must be red: rubber leaves gaps, and signatures cross it.
const LEAST_RIM: f32 = 0.6;
const SECTORS: usize = 40;
/// Share of its ink that may lie beyond the rim: frames have corners there.
const MOST_BEYOND: f32 = 0.03;
/// Gaps in the ink that are bridged, pixels.
const BRIDGED: usize = 2;

/// A part of an image, pixels; the ends are not in it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Place {
    left: usize,
    top: usize,
    right: usize,
    bottom: usize,
}

/// Where seals lie, in pixels of an image that was reduced from the page's.
pub(super) fn find(reduced: [&Grey; 3]) -> Vec<Place> {
    let (width, height) = (reduced[0].width as usize, reduced[0].height as usize);
    let [red, green, blue] = reduced.map(|channel| &channel.pixels);
    let mut unseen: Vec<bool> =
        red.iter().zip(green.iter().zip(blue)).map(|(r, (g, b))| r.saturating_sub(*g.max(b)) >= LEAST_RED).collect();
    let mut found = Vec::new();
    for start in 0..unseen.len() {
        if unseen[start] {
            let ink = connected(start, &mut unseen, width, height);
            found.extend(round(&ink, width.min(height) as f32 / A4_MM));
        }
    }
    found
}

/// Takes the ink that hangs together with `start` out of `unseen`; its pixels as (x, y).
fn connected(start: usize, unseen: &mut [bool], width: usize, height: usize) -> Vec<(usize, usize)> {
    let mut ink = vec![(start % width, start / width)];
    unseen[start] = false;
    let mut next = 0;
    while let Some(&(x, y)) = ink.get(next) {
        next += 1;
        for y in y.saturating_sub(BRIDGED)..(y + BRIDGED + 1).min(height) {
            for x in x.saturating_sub(BRIDGED)..(x + BRIDGED + 1).min(width) {
                if std::mem::take(&mut unseen[y * width + x]) {
                    ink.push((x, y));
                }
            }
        }
    }
    ink
}

/// The place of the ink when it is a ring of a seal's size.
fn round(ink: &[(usize, usize)], pixels_a_mm: f32) -> Option<Place> {
    let (xs, ys) = (ink.iter().map(|(x, _)| *x), ink.iter().map(|(_, y)| *y));
    let place = Place { left: xs.clone().min()?, right: xs.max()? + 1, top: ys.clone().min()?, bottom: ys.max()? + 1 };
    let (across, down) = ((place.right - place.left) as f32, (place.bottom - place.top) as f32);
    let fits = ACROSS_MM.contains(&(across / pixels_a_mm)) && ACROSS_MM.contains(&(down / pixels_a_mm));
    if !fits || across.max(down) > 1.25 * across.min(down) {
        return None;
    }
    let (x0, y0) = (place.left as f32 + across / 2.0, place.top as f32 + down / 2.0);
    let (mut rim, mut beyond) = ([false; SECTORS], 0);
    for (x, y) in ink {
        let (x, y) = ((*x as f32 + 0.5 - x0) / (across / 2.0), (*y as f32 + 0.5 - y0) / (down / 2.0));
        beyond += usize::from(x.hypot(y) > 1.15);
        if (0.8..=1.05).contains(&x.hypot(y)) {
            let turn = (y.atan2(x) / std::f32::consts::TAU).rem_euclid(1.0);
            rim[(turn * SECTORS as f32) as usize % SECTORS] = true;
        }
    }
    let covered = rim.iter().filter(|covered| **covered).count() as f32 / SECTORS as f32;
    (covered >= LEAST_RIM && beyond as f32 <= MOST_BEYOND * ink.len() as f32).then_some(place)
}

/// Puts the red channel in where the seals lie.
pub(super) fn lift(grey: &mut Grey, seals: &[Place], red: impl Fn(usize) -> u8) {
    let (width, height, scale) = (grey.width as usize, grey.height as usize, REDUCTION as usize);
    for seal in seals {
        for y in (seal.top.saturating_sub(1) * scale)..((seal.bottom + 1) * scale).min(height) {
            for x in (seal.left.saturating_sub(1) * scale)..((seal.right + 1) * scale).min(width) {
                let at = y * width + x;
                grey.pixels[at] = grey.pixels[at].max(red(at));
            }
        }
    }
}

/// The three channels of colour pixels, each pixel the mean of those it stands for.
pub(super) fn reduced(pixels: &Pixels) -> [Grey; 3] {
    let (width, height, step) = (pixels.width as usize, pixels.height as usize, REDUCTION as usize);
    let (across, down) = (width / step, height / step);
    [0, 1, 2].map(|channel| {
        let mean = |at: usize| {
            let (x0, y0) = (at % across * step, at / across * step);
            let sum: u32 = (0..step * step)
                .map(|nth| u32::from(pixels.samples[((y0 + nth / step) * width + x0 + nth % step) * 3 + channel]))
                .sum();
            (sum / (REDUCTION * REDUCTION)) as u8
        };
        Grey { width: across as u32, height: down as u32, pixels: (0..across * down).map(mean).collect() }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAPER: [u8; 3] = [250, 246, 230];
    const RED: [u8; 3] = [215, 40, 45];
    /// A4 at 100 dpi.
    const WIDTH: usize = 827;
    const HEIGHT: usize = 1169;

    /// Paper with ink where `ink` says so; inks multiply, as real ones do.
    fn page(ink: impl Fn(usize, usize) -> Option<[u8; 3]>, print: impl Fn(usize, usize) -> bool) -> Pixels {
        let pixel = |at: usize| {
            let (x, y) = (at % WIDTH, at / WIDTH);
            let lit = ink(x, y).map_or(PAPER, |ink| [0, 1, 2].map(|i| (u32::from(PAPER[i]) * u32::from(ink[i]) / 255) as u8));
            if print(x, y) { lit.map(|channel| channel / 10) } else { lit }
        };
        Pixels::rgb(WIDTH as u32, HEIGHT as u32, (0..WIDTH * HEIGHT).flat_map(pixel).collect())
    }

    /// A ring 36 mm across and 3 mm thick.
    fn ring(x: usize, y: usize) -> bool {
        (59.0..=71.0).contains(&(x as f32 - 500.0).hypot(y as f32 - 900.0))
    }

    #[test]
    fn print_under_a_seal_stays_and_the_seal_goes() {
        let line = |x: usize, y: usize| (400..600).contains(&x) && (898..903).contains(&y);
        let grey = page(|x, y| ring(x, y).then_some(RED), line).into_grey();
        let at = |x: usize, y: usize| grey.pixels[y * WIDTH + x];
        assert!(at(500, 835) > 200, "of the ring {} is left", at(500, 835));
        assert!(at(500, 900) < 40 && at(435, 900) < 40, "print within and under the ring: {} {}", at(500, 900), at(435, 900));
    }

    #[test]
    fn what_is_red_and_no_seal_is_left_to_be_read() {
        let frame = |x: usize, y: usize, (wide, high): (usize, usize)| {
            let (x, y) = (x.wrapping_sub(100), y.wrapping_sub(100));
            x < wide && y < high && !((5..wide - 5).contains(&x) && (5..high - 5).contains(&y))
        };
        for size in [(160, 60), (140, 140), (500, 30)] {
            let grey = page(|x, y| frame(x, y, size).then_some(RED), |_, _| false).into_grey();
            assert!(grey.pixels[102 * WIDTH + 110] < 150, "{size:?}");
        }
        let blue = page(|x, y| ring(x, y).then_some([40, 60, 200]), |_, _| false).into_grey();
        assert!(blue.pixels[835 * WIDTH + 500] < 150, "a blue seal: its red channel is darker still");
    }
}
