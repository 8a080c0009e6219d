//! The patch code T: four long bars along an edge of the sheet, narrow and wide by turns from the edge inwards, 0.08 and 0.20 inch,
//! with gaps of 0.08 inch between (Kodak A-61599, *Patch Code Information*). Counted from the other side the same bars are patch
//! code 3, so the edge that is nearer decides.

use super::pixels::{Lines, run_ends};
use sohoa_record::Rect;

/// The bars of T from the edge inwards.
const WIDE: [bool; 4] = [false, true, false, true];
/// The shortest bars that are believed, hundredths of an inch; the specification asks for 200, or 75 for some scanners.
const LEAST_LENGTH: usize = 150;

/// Every patch code T of a page, at most one along an edge.
pub(super) fn find(rows: &Lines, columns: &Lines, dpi: usize) -> Vec<Rect> {
    let mut found = across(columns, dpi);
    found.extend(across(rows, dpi));
    found
}

/// Bars that the lines cross.
fn across(lines: &Lines, dpi: usize) -> Vec<Rect> {
    let mut ends = Vec::new();
    // Bars are long: ten lines an inch cross them often enough.
    let every = (dpi / 10 / lines.spacing).max(1);
    // from the near edge, from the far edge: first and last line, from and to along them, lines in a row
    let mut rows: [Option<(usize, usize, usize, usize)>; 2] = [None, None];
    let mut best: [Option<(usize, usize, usize, usize)>; 2] = [None, None];
    for (at, line) in lines.iter().enumerate().step_by(every) {
        run_ends(line, &mut ends);
        for (edge, (row, best)) in rows.iter_mut().zip(&mut best).enumerate() {
            let Some((from, to)) = on(&ends, lines.length, dpi, edge == 1) else { continue };
            *row = match *row {
                // Crooked sheets move the bars from line to line; a line or two may be lost to dirt.
                Some((first, last, low, high)) if at - last <= 3 * every && from.abs_diff(low) < dpi / 4 => {
                    Some((first, at, low.min(from), high.max(to)))
                }
                _ => Some((at, at, from, to)),
            };
            let length = |bars: &(usize, usize, usize, usize)| bars.1 - bars.0;
            if row.as_ref().map(length) > best.as_ref().map(length) {
                *best = *row;
            }
        }
    }
    let long = |bars: &(usize, usize, usize, usize)| (bars.1 - bars.0) * lines.spacing * 100 >= LEAST_LENGTH * dpi;
    let rect = |(first, last, from, to): (usize, usize, usize, usize)| {
        let (along, wide) = ((first * lines.spacing) as u32, ((last - first) * lines.spacing) as u32);
        let (from, high) = (from as u32, (to - from) as u32);
        if lines.rows {
            Rect { x: from, y: along, width: high, height: wide }
        } else {
            Rect { x: along, y: from, width: wide, height: high }
        }
    };
    best.into_iter().flatten().filter(long).map(rect).collect()
}

/// From where to where the four bars stand in the half of a line that is nearer to that edge.
fn on(ends: &[usize], length: usize, dpi: usize, far: bool) -> Option<(usize, usize)> {
    // ends[i] is where run i ends; odd runs are dark
    (1..ends.len().saturating_sub(7)).step_by(2).find_map(|first| {
        let (from, to) = (ends[first - 1], ends[first + 6]);
        let in_half = if far { length - to < from } else { from < length - to };
        let fits = |i: usize| {
            let width = (ends[first + i] - ends[first + i - 1]) * 100;
            let bar = if far { 3 - i / 2 } else { i / 2 };
            let (least, most) = if i.is_multiple_of(2) && WIDE[bar] { (15, 25) } else { (5, 11) };
            (least * dpi..=most * dpi).contains(&width)
        };
        (in_half && (0..7).all(fits)).then_some((from, to))
    })
}
