//! The rim of a round seal that was stamped over a signer's name, on a scan without colour. Its rings are thin and their place is known to the
//! pixel once the seal is found, so their ink can be taken out of a row and the strokes of letters that cross them be left.
//!
//! The seal is found as its centre is: the one point to which the edges of its rings all point (a Hough transform by gradients). A page
//! that was copied or fed at an angle makes an ellipse of it, which is fitted to the outer edge by least squares.

use crate::page::Grey;
use sohoa_record::Rect;
use std::f32::consts::TAU;

/// Radius of a seal, inches: 27 to 44 mm across. Seals are 36 mm, as in [`crate::decode`]; some are smaller, and copies are not quite to scale.
const RADII: (f32, f32) = (0.53, 0.86);
/// Pixels per inch at which the centre is looked for.
const COARSE: u32 = 75;
/// Directions from the centre in which the outer edge is looked for.
const DIRECTIONS: u32 = 720;
/// Of these directions must show an edge on the ellipse: others are hidden by print and pen, or were not stamped.
const SEEN: f32 = 0.4;
/// So much of a ring is dark where it is a ring's, and at its soft edges.
const RING: f32 = 0.75;
const EDGE: f32 = 0.3;
/// Rings are looked for so far inwards, radii.
const DEEPEST: f32 = 0.45;

/// The rings of a seal, in pixels of the picture in which they were found.
pub(super) struct Rim {
    centre: (f32, f32),
    /// `a dx² + b dx dy + c dy²` is 1 on the outer edge.
    form: [f32; 3],
    radius: f32,
    /// How deep within the outer edge each ring begins and ends.
    rings: Vec<(f32, f32)>,
}

impl Rim {
    /// The rim of the most distinct seal of a picture, if there is one.
    pub fn find(grey: &Grey, dpi: u32) -> Option<Rim> {
        let level = level(grey)?;
        let (centre, radius) = centre(grey, dpi)?;
        let edge = outer_edge(grey, level, centre, radius);
        let (centre, form) = fit(&edge, centre, radius, dpi)?;
        let determinant = form[0] * form[2] - form[1] * form[1] / 4.0;
        let mut rim = Rim { centre, form, radius: determinant.powf(-0.25), rings: Vec::new() };
        rim.rings = rim.rings_of(grey, level);
        (!rim.rings.is_empty()).then_some(rim)
    }

    /// How deep a pixel lies within the outer edge, pixels.
    fn depth(&self, x: usize, y: usize) -> f32 {
        let (dx, dy) = (x as f32 - self.centre.0, y as f32 - self.centre.1);
        let [a, b, c] = self.form;
        (1.0 - (a * dx * dx + b * dx * dy + c * dy * dy).max(0.0).sqrt()) * self.radius
    }

    /// Depths at which most of the way around is dark.
    fn rings_of(&self, grey: &Grey, level: u8) -> Vec<(f32, f32)> {
        let (outside, deepest) = (3, (DEEPEST * self.radius) as usize);
        let mut dark = vec![(0u32, 0u32); outside + deepest];
        for (at, pixel) in grey.pixels.iter().enumerate() {
            let depth = self.depth(at % grey.width as usize, at / grey.width as usize) + outside as f32;
            if depth >= 0.0
                && let Some((inked, all)) = dark.get_mut(depth as usize)
            {
                *all += 1;
                *inked += u32::from(*pixel < level);
            }
        }
        let share: Vec<f32> = dark.iter().map(|(inked, all)| *inked as f32 / (*all).max(1) as f32).collect();
        let runs = share.chunk_by(|a, b| (*a >= EDGE) == (*b >= EDGE));
        let (mut at, mut rings) = (0, Vec::new());
        for run in runs {
            if run.iter().any(|share| *share >= RING) {
                let (from, to) = (at as f32 - outside as f32, (at + run.len()) as f32 - outside as f32);
                rings.push((from - 0.5, to + 0.5));
            }
            at += run.len();
        }
        rings
    }

    /// Makes paper of the rings in a part of the picture, and leaves the strokes that go on above or below a ring.
    pub fn erase(&self, part: &mut Grey, at: &Rect) {
        let (Some(level), Some(palest)) = (level(part), part.pixels.iter().max().copied()) else { return };
        let (width, height) = (part.width as usize, part.height as usize);
        let depths: Vec<f32> =
            (0..width * height).map(|i| self.depth(i % width + at.x as usize, i / width + at.y as usize)).collect();
        let before = part.pixels.clone();
        let dark = |x: usize, y: usize| before[y * width + x] < level;
        for (from, to) in &self.rings {
            let in_ring = |x: usize, y: usize| (*from..*to).contains(&depths[y * width + x]);
            for x in 0..width {
                let mut y = 0;
                while y < height {
                    let top = y;
                    while y < height && in_ring(x, y) {
                        y += 1;
                    }
                    let goes_on = top >= STROKE && (1..=STROKE).all(|k| dark(x, top - k))
                        || y + STROKE <= height && (0..STROKE).all(|k| dark(x, y + k));
                    if y > top && !goes_on {
                        (top..y).for_each(|y| part.pixels[y * width + x] = palest);
                    }
                    y = y.max(top + 1);
                }
            }
        }
        let in_rings = |at: usize| self.rings.iter().any(|(from, to)| (from - 0.5..to + 0.5).contains(&depths[at]));
        erase_within(part, level, palest, in_rings);
    }
}

/// Dark pixels above or below a ring that make a stroke.
const STROKE: usize = 2;

/// Makes paper of what hangs together and lies within the rings: what the erasing left over.
fn erase_within(part: &mut Grey, level: u8, palest: u8, in_rings: impl Fn(usize) -> bool) {
    let (width, height) = (part.width as usize, part.height as usize);
    let mut seen: Vec<bool> = part.pixels.iter().map(|pixel| *pixel >= level).collect();
    for start in 0..seen.len() {
        if seen[start] {
            continue;
        }
        let mut piece = vec![start];
        seen[start] = true;
        let mut next = 0;
        while let Some(at) = piece.get(next).copied() {
            next += 1;
            for beside in super::intruders::around(at, 1, width, height) {
                if !std::mem::replace(&mut seen[beside], true) {
                    piece.push(beside);
                }
            }
        }
        let within = piece.iter().filter(|at| in_rings(**at)).count();
        if within * 10 >= piece.len() * 9 {
            piece.iter().for_each(|at| part.pixels[*at] = palest);
        }
    }
}

/// Darker is ink.
fn level(grey: &Grey) -> Option<u8> {
    let (darkest, palest) = (*grey.pixels.iter().min()?, *grey.pixels.iter().max()?);
    (palest - darkest > 60).then(|| ((u16::from(darkest) + u16::from(palest)) / 2) as u8)
}

/// The centre to which most edges point within a seal's radius, and how far most of them are from it.
fn centre(grey: &Grey, dpi: u32) -> Option<((f32, f32), f32)> {
    let by = (dpi / COARSE).max(1);
    let coarse = smaller(grey, by);
    let (width, height) = (coarse.width as usize, coarse.height as usize);
    let (nearest, farthest) = ((RADII.0 * dpi as f32 / by as f32) as i32, (RADII.1 * dpi as f32 / by as f32) as i32);
    let edges = edges(&coarse);
    let mut votes = vec![0u32; width * height];
    for edge in &edges {
        for radius in (nearest..=farthest).flat_map(|radius| [radius, -radius]) {
            let (x, y) = (edge.x + edge.along.0 * radius as f32, edge.y + edge.along.1 * radius as f32);
            if x >= 0.0 && y >= 0.0 && (x as usize) < width && (y as usize) < height {
                votes[y as usize * width + x as usize] += 1;
            }
        }
    }
    // edges are some pixels off, an ellipse's more
    let around = |at: usize| super::intruders::around(at, 2, width, height).map(|beside| votes[beside]).sum::<u32>();
    let (_, best) = (0..votes.len()).filter(|at| votes[*at] > 0).map(|at| (around(at), at)).max()?;
    let (x, y) = ((best % width) as f32 + 0.5, (best / width) as f32 + 0.5);
    let mut at_radius = vec![0u32; farthest as usize + 2];
    for edge in &edges {
        let (dx, dy) = (edge.x - x, edge.y - y);
        let radius = dx.hypot(dy);
        let points_there = ((dx * edge.along.0 + dy * edge.along.1) / radius.max(1.0)).abs() > 0.95;
        if points_there && let Some(many) = at_radius.get_mut(radius.round() as usize) {
            *many += 1;
        }
    }
    let around = |radius: i32| at_radius[radius as usize - 1..=radius as usize + 1].iter().sum::<u32>() as f32 / radius as f32;
    let radius = (nearest.max(1)..=farthest).max_by(|a, b| around(*a).total_cmp(&around(*b)))?;
    Some(((x * by as f32, y * by as f32), (radius * by as i32) as f32))
}

/// The picture with squares of so many pixels made one.
fn smaller(grey: &Grey, by: u32) -> Grey {
    let (width, height) = (grey.width / by, grey.height / by);
    let mean = |x: u32, y: u32| {
        let row = |y: u32| &grey.pixels[(y * grey.width + x * by) as usize..][..by as usize];
        let sum: u32 = (y * by..(y + 1) * by).flat_map(row).map(|pixel| u32::from(*pixel)).sum();
        (sum / (by * by)) as u8
    };
    let pixels = (0..height).flat_map(|y| (0..width).map(move |x| (x, y))).map(|(x, y)| mean(x, y)).collect();
    Grey { width, height, pixels }
}

/// A pixel at which ink begins or ends.
struct Edge {
    x: f32,
    y: f32,
    /// From dark to pale, length 1.
    along: (f32, f32),
}

/// By Sobel's operator.
fn edges(grey: &Grey) -> Vec<Edge> {
    let (width, height) = (grey.width as usize, grey.height as usize);
    let at = |x: usize, y: usize| f32::from(grey.pixels[y * width + x]);
    let mut edges = Vec::new();
    for y in 1..height.saturating_sub(1) {
        for x in 1..width.saturating_sub(1) {
            let dx = at(x + 1, y - 1) + 2.0 * at(x + 1, y) + at(x + 1, y + 1)
                - at(x - 1, y - 1)
                - 2.0 * at(x - 1, y)
                - at(x - 1, y + 1);
            let dy = at(x - 1, y + 1) + 2.0 * at(x, y + 1) + at(x + 1, y + 1)
                - at(x - 1, y - 1)
                - 2.0 * at(x, y - 1)
                - at(x + 1, y - 1);
            let steep = dx.hypot(dy);
            if steep > 160.0 {
                edges.push(Edge { x: x as f32 + 0.5, y: y as f32 + 0.5, along: (dx / steep, dy / steep) });
            }
        }
    }
    edges
}

/// The first ink from outside in each direction.
fn outer_edge(grey: &Grey, level: u8, centre: (f32, f32), radius: f32) -> Vec<(f32, f32)> {
    let first = |direction: u32| {
        let (sin, cos) = (TAU * direction as f32 / DIRECTIONS as f32).sin_cos();
        let places = (0..).map(|step| 1.1 * radius - 0.5 * step as f32).take_while(|far| *far > 0.9 * radius);
        places.map(|far| (centre.0 + far * cos, centre.1 + far * sin)).find(|(x, y)| {
            let inside = *x >= 0.0 && *y >= 0.0 && *x < grey.width as f32 && *y < grey.height as f32;
            inside && grey.pixels[*y as usize * grey.width as usize + *x as usize] < level
        })
    };
    (0..DIRECTIONS).filter_map(first).collect()
}

/// The ellipse through most of an edge's points: its centre and its form about it.
fn fit(points: &[(f32, f32)], about: (f32, f32), radius: f32, dpi: u32) -> Option<((f32, f32), [f32; 3])> {
    // in radii from where it was looked for, so that the sums below are of like size
    let points: Vec<[f64; 2]> =
        points.iter().map(|(x, y)| [f64::from((x - about.0) / radius), f64::from((y - about.1) / radius)]).collect();
    let value = |conic: &[f64; 5], [x, y]: [f64; 2]| {
        conic[0] * x * x + conic[1] * x * y + conic[2] * y * y + conic[3] * x + conic[4] * y - 1.0
    };
    let mut conic = [1.0, 0.0, 1.0, 0.0, 0.0];
    let finest = f64::from(dpi as f32 / 130.0 / radius);
    let mut off = 0.08;
    loop {
        // half of the value is how far a point is off, in radii
        let near = |point: &&[f64; 2]| value(&conic, **point).abs() < 2.0 * off;
        let near: Vec<[f64; 2]> = points.iter().filter(near).copied().collect();
        if (near.len() as f32) < SEEN * DIRECTIONS as f32 {
            return None;
        }
        conic = least_squares(&near)?;
        if off <= finest {
            break;
        }
        off = (off * 0.7).max(finest);
    }
    let [a, b, c, d, e] = conic;
    let determinant = 4.0 * a * c - b * b;
    if determinant <= 0.0 || a <= 0.0 {
        return None;
    }
    let (x, y) = ((b * e - 2.0 * c * d) / determinant, (b * d - 2.0 * a * e) / determinant);
    let at_centre = 1.0 + a * x * x + b * x * y + c * y * y;
    let unit = at_centre * f64::from(radius) * f64::from(radius);
    let form = [a, b, c].map(|part| (part / unit) as f32);
    Some(((about.0 + x as f32 * radius, about.1 + y as f32 * radius), form))
}

/// `a x² + b x y + c y² + d x + e y = 1` over points, by the normal equations.
fn least_squares(points: &[[f64; 2]]) -> Option<[f64; 5]> {
    let mut rows = [[0.0; 6]; 5];
    for [x, y] in points {
        let terms = [x * x, x * y, y * y, *x, *y, 1.0];
        for (row, left) in rows.iter_mut().zip(terms) {
            row.iter_mut().zip(terms).for_each(|(sum, right)| *sum += left * right);
        }
    }
    // Gauss, with the largest pivot
    for at in 0..5 {
        let pivot = (at..5).max_by(|a, b| rows[*a][at].abs().total_cmp(&rows[*b][at].abs()))?;
        rows.swap(at, pivot);
        if rows[at][at].abs() < 1e-9 {
            return None;
        }
        let own = rows[at];
        for (other, row) in rows.iter_mut().enumerate() {
            let times = row[at] / own[at];
            if other != at {
                row.iter_mut().zip(own).for_each(|(value, own)| *value -= times * own);
            }
        }
    }
    Some(std::array::from_fn(|at| rows[at][5] / rows[at][at]))
}

#[cfg(test)]
mod tests {
    use super::*;

    const DPI: u32 = 200;

    /// A seal of two rings, 38 mm across and a little flat, about (300, 260), with bars like letters across its foot and print around.
    fn page(has_seal: bool) -> Grey {
        let (width, height) = (700, 520);
        let rho = |x: u32, y: u32| ((x as f32 - 300.0).powi(2) + ((y as f32 - 260.0) * 1.03).powi(2)).sqrt();
        let ring = |x: u32, y: u32| {
            let rho = rho(x, y);
            (143.0..150.0).contains(&rho) || (136.0..139.0).contains(&rho)
        };
        let print = |x: u32, y: u32| {
            let name = (385..415).contains(&y) && (200..600).contains(&x) && x % 25 < 6;
            let line = (20..50).contains(&y) && (60..650).contains(&x) && x % 19 < 5;
            name || line
        };
        let dark = |x: u32, y: u32| print(x, y) || has_seal && ring(x, y);
        let pixels = (0..height).flat_map(|y| (0..width).map(move |x| (x, y))).map(|(x, y)| if dark(x, y) { 0 } else { 255 });
        Grey { width, height, pixels: pixels.collect() }
    }

    fn part(page: &Grey, at: &Rect) -> Grey {
        let row = |y: u32| &page.pixels[(y * page.width + at.x) as usize..][..at.width as usize];
        Grey { width: at.width, height: at.height, pixels: (at.y..at.bottom()).flat_map(row).copied().collect() }
    }

    #[test]
    fn a_flat_seal_is_found_to_the_pixel() {
        let rim = Rim::find(&page(true), DPI).unwrap();
        assert!((rim.centre.0 - 300.0).abs() < 1.0 && (rim.centre.1 - 260.0).abs() < 1.0, "{:?}", rim.centre);
        assert!((rim.radius - 147.8).abs() < 1.5, "{}", rim.radius);
        assert_eq!(rim.rings.len(), 2, "{:?}", rim.rings);
    }

    #[test]
    fn the_rings_go_and_the_letters_that_they_cross_stay() {
        let at = Rect { x: 180, y: 375, width: 440, height: 50 };
        let (crossed, bare) = (page(true), part(&page(false), &at));
        let mut row = part(&crossed, &at);
        Rim::find(&crossed, DPI).unwrap().erase(&mut row, &at);
        let count = |other: &dyn Fn(u8, u8) -> bool| row.pixels.iter().zip(&bare.pixels).filter(|(a, b)| other(**a, **b)).count();
        let letters = bare.pixels.iter().filter(|pixel| **pixel == 0).count();
        let (lost, left) = (count(&|now, bare| now > bare), count(&|now, bare| now < bare));
        assert!(lost * 100 < letters * 3, "{lost} of {letters} pixels of letters are gone");
        assert!(left * 100 < letters * 8, "{left} pixels of the rings are left, beside {letters}");
    }

    #[test]
    fn print_alone_has_no_rim() {
        assert!(Rim::find(&page(false), DPI).is_none());
        assert!(Rim::find(&Grey { width: 0, height: 0, pixels: Vec::new() }, DPI).is_none());
    }
}
