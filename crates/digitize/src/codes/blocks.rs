//! Parts of a page that may be a code: blocks of parallel bars, and three QR finder patterns in a right angle.

use super::pixels::{Lines, View, run_ends};
use sohoa_record::Rect;

/// A part of the page that may be a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Block {
    pub(super) rect: Rect,
    pub(super) shape: Shape,
}

/// What the part looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// Bars that stand upright on the image.
    Upright,
    /// Bars that lie.
    Lying,
    /// A QR code; the width of its modules in tenths of a pixel.
    Square(u32),
}

/// Blocks of a page that are given to the decoder.
const MOST_BLOCKS: usize = 24;

/// What makes a block of bars. Widths and heights are hundredths of an inch.
struct Form {
    /// Fewer are none.
    bars: usize,
    /// A wider bar or gap ends the block.
    widest: usize,
    /// A lower block is a line of print.
    height: usize,
    /// Percent of a line that must be as on the lines beside it: bars may lean.
    alike: usize,
    /// Percent of a line that must be dark: the rules of a table are thin.
    dark: usize,
}

/// A code as it is printed: Code 128 with two letters has 16 bars.
const FINE: Form = Form { bars: 15, widest: 13, height: 10, alike: 80, dark: 0 };
/// One that fills the sheet, or one of which only some bars are left.
const COARSE: Form = Form { bars: 9, widest: 120, height: 40, alike: 95, dark: 15 };
/// Finder patterns of a page.
const MOST_FINDERS: usize = 48;

/// At most [`MOST_BLOCKS`], QR codes first.
pub(super) fn find(view: &View<'_>, rows: &Lines, columns: &Lines) -> Vec<Block> {
    let mut blocks = squares(view, &finders(view, rows));
    for (lines, form) in [(rows, &FINE), (columns, &FINE), (rows, &COARSE), (columns, &COARSE)] {
        let found = bars(lines, view.dpi, form);
        blocks.extend(
            found
                .into_iter()
                .filter(|block| form.dark == 0 || !blocks.iter().any(|b| super::touch(&b.rect, &block.rect)))
                .collect::<Vec<_>>(),
        );
    }
    blocks.truncate(MOST_BLOCKS);
    blocks
}

// --- bars

/// A stretch of a line with many narrow runs that the lines beside it have too.
#[derive(Clone, Copy)]
struct Stretch {
    first_line: usize,
    last_line: usize,
    from: usize,
    to: usize,
    lines: usize,
}

/// Bars are where many narrow runs follow each other and look the same a few millimetres further on. Print does not.
fn bars(lines: &Lines, dpi: usize, form: &Form) -> Vec<Block> {
    let widest = dpi * form.widest / 100;
    let near = (dpi / 20 / lines.spacing).max(1);
    let mut ends = Vec::new();
    let mut stretches: Vec<Stretch> = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        run_ends(line, &mut ends);
        let mut first = 1;
        while first + 2 * form.bars - 1 < ends.len() {
            // odd runs are dark; a stretch ends with a run too wide for a bar or a gap
            let wide = (first..ends.len() - 1).find(|i| ends[*i] - ends[*i - 1] > widest).unwrap_or(ends.len() - 1);
            let bars = (wide - first).div_ceil(2);
            let last = if wide % 2 == 0 { wide - 1 } else { wide.saturating_sub(2).max(first) };
            if bars >= form.bars {
                let (from, to) = (ends[first - 1], ends[last]);
                let dark: usize = (first..=last).step_by(2).map(|i| ends[i] - ends[i - 1]).sum();
                if dark * 100 >= (to - from) * form.dark
                    && [near, 2 * near].into_iter().any(|by| alike(lines, at, by, from, to, form))
                {
                    join(&mut stretches, at, from, to, near);
                }
            }
            first = if wide % 2 == 0 { wide + 1 } else { wide + 2 };
        }
    }
    let high = |s: &&Stretch| (s.last_line - s.first_line) * lines.spacing * 100 >= dpi * form.height && s.lines >= 3;
    let block = |s: &Stretch| {
        let (along, across) = ((s.first_line * lines.spacing) as u32, ((s.last_line - s.first_line) * lines.spacing) as u32);
        let (from, long) = (s.from as u32, (s.to - s.from) as u32);
        match lines.rows {
            true => Block { rect: Rect { x: from, y: along, width: long, height: across }, shape: Shape::Upright },
            false => Block { rect: Rect { x: along, y: from, width: across, height: long }, shape: Shape::Lying },
        }
    };
    stretches.iter().filter(high).map(block).collect()
}

/// Does a line look like the one `by` lines after it and the one twice as far?
fn alike(lines: &Lines, at: usize, by: usize, from: usize, to: usize, form: &Form) -> bool {
    let here = lines.line(at);
    [by, 2 * by].into_iter().all(|by| {
        let (Some(here), Some(there)) = (here, lines.line(at + by)) else { return false };
        let same = here[from..to].iter().zip(&there[from..to]).filter(|(a, b)| a == b).count();
        same * 100 >= (to - from) * form.alike
    })
}

/// Puts a stretch to those just above it that it overlaps by half.
fn join(stretches: &mut Vec<Stretch>, at: usize, from: usize, to: usize, near: usize) {
    let overlaps = |s: &&mut Stretch| {
        let both = to.min(s.to).saturating_sub(from.max(s.from));
        at - s.last_line <= near + 2 && both * 2 >= (to - from).min(s.to - s.from)
    };
    match stretches.iter_mut().rev().take(16).find(overlaps) {
        Some(s) => {
            s.last_line = at;
            s.lines += 1;
            (s.from, s.to) = (s.from.min(from), s.to.max(to));
        }
        None => stretches.push(Stretch { first_line: at, last_line: at, from, to, lines: 1 }),
    }
}

// --- QR

/// A finder pattern (ISO/IEC 18004 §5.3.2): its centre and the width of a module, in tenths of a pixel.
#[derive(Clone, Copy, Debug)]
struct Finder {
    x: usize,
    y: usize,
    module: usize,
}

fn finders(view: &View<'_>, rows: &Lines) -> Vec<Finder> {
    let mut found: Vec<Finder> = Vec::new();
    let mut ends = Vec::new();
    for (at, line) in rows.iter().enumerate() {
        run_ends(line, &mut ends);
        for first in (1..ends.len().saturating_sub(5)).step_by(2) {
            let runs: [usize; 5] = std::array::from_fn(|i| ends[first + i] - ends[first + i - 1]);
            let Some(module) = finder_module(&runs) else { continue };
            let (x, y) = ((ends[first + 1] + ends[first + 2]) / 2, at * rows.spacing);
            let known = |f: &Finder| f.x.abs_diff(x) * 10 < 3 * f.module && f.y.abs_diff(y) * 10 < 3 * f.module;
            if found.iter().any(known) {
                continue;
            }
            if let Some((middle, down)) = down(view, x, y, module)
                && down * 3 > module * 2
                && down * 2 < module * 3
            {
                found.push(Finder { x, y: middle, module: (module + down) / 2 });
            }
        }
        if found.len() >= MOST_FINDERS {
            break;
        }
    }
    found
}

/// The module, tenths of a pixel, when the five runs are as 1 : 1 : 3 : 1 : 1.
fn finder_module(runs: &[usize; 5]) -> Option<usize> {
    let module = runs.iter().sum::<usize>() * 10 / 7;
    let fits = |i: usize| {
        let meant = if i == 2 { 3 * module } else { module };
        let slack = if i == 2 { module * 3 / 2 } else { module * 7 / 10 };
        (runs[i] * 10).abs_diff(meant) <= slack.max(8)
    };
    (module >= 10 && (0..5).all(fits)).then_some(module)
}

/// The same pattern downwards through a point: its middle and module.
fn down(view: &View<'_>, x: usize, y: usize, module: usize) -> Option<(usize, usize)> {
    let height = view.grey.height as usize;
    let most = module; // ten modules of a run are none of a finder's
    let run = |from: usize, dark: bool, up: bool| {
        let mut length = 0;
        loop {
            let at = if up { from.checked_sub(length)? } else { from + length };
            if at >= height || length > most {
                return None;
            }
            if view.is_dark(x, at) != dark {
                return Some(length);
            }
            length += 1;
        }
    };
    let up = run(y, true, true)?;
    let low = run(y, true, false)?;
    let (top, bottom) = (y.checked_sub(up)?, y + low);
    let light = [run(top, false, true)?, run(bottom, false, false)?];
    let dark = |from: Option<usize>, up: bool| from.and_then(|from| run(from, true, up)).unwrap_or(module / 10);
    let outer = [dark(top.checked_sub(light[0]), true), dark(Some(bottom + light[1]), false)];
    let runs = [outer[0], light[0], up + low - 1, light[1], outer[1]];
    Some(((top + bottom) / 2, finder_module(&runs)?))
}

/// Every three finders that are the corners of a QR code.
fn squares(view: &View<'_>, finders: &[Finder]) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    for corner in finders {
        for (i, one) in finders.iter().enumerate() {
            for other in &finders[i + 1..] {
                if let Some(block) = square(view, corner, one, other)
                    && !blocks.iter().any(|known| known.rect == block.rect)
                    && blocks.len() < MOST_BLOCKS / 2
                {
                    blocks.push(block);
                }
            }
        }
    }
    blocks
}

/// The square with that corner: legs of one length at a right angle, 14 to 170 modules long (versions 1 to 40).
fn square(view: &View<'_>, corner: &Finder, one: &Finder, other: &Finder) -> Option<Block> {
    let modules = [corner.module, one.module, other.module];
    let (least, most) = (*modules.iter().min()?, *modules.iter().max()?);
    if most * 2 > least * 3 {
        return None;
    }
    let leg = |to: &Finder| (to.x as i64 - corner.x as i64, to.y as i64 - corner.y as i64);
    let (a, b) = (leg(one), leg(other));
    let length = |leg: (i64, i64)| ((leg.0 * leg.0 + leg.1 * leg.1) as f64).sqrt();
    let (first, second) = (length(a), length(b));
    let module = modules.iter().sum::<usize>() as f64 / 30.0;
    let upright = (a.0 * b.0 + a.1 * b.1).abs() as f64;
    if first.min(second) < 12.0 * module
        || first.max(second) > 185.0 * module
        || first.max(second) > 1.25 * first.min(second)
        || upright > 0.25 * first * second
    {
        return None;
    }
    let fourth = (corner.x as i64 + a.0 + b.0, corner.y as i64 + a.1 + b.1);
    let (x, y) =
        ([corner.x as i64, one.x as i64, other.x as i64, fourth.0], [corner.y as i64, one.y as i64, other.y as i64, fourth.1]);
    let margin = (9.0 * module) as i64;
    let limit = |value: i64, most: u32| value.clamp(0, i64::from(most)) as u32;
    let (width, height) = (view.grey.width, view.grey.height);
    let (left, top) = (limit(x.iter().min()? - margin, width), limit(y.iter().min()? - margin, height));
    let (right, bottom) = (limit(x.iter().max()? + margin, width), limit(y.iter().max()? + margin, height));
    let rect = Rect { x: left, y: top, width: right.checked_sub(left)?, height: bottom.checked_sub(top)? };
    Some(Block { rect, shape: Shape::Square((module * 10.0) as u32) })
}
