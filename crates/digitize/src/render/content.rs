//! The invisible words of a page: each on its ink, turned and slanted as the image is, with a real space between the words
//! of a line, so that searching and copying give what is read.

use super::font::{ADVANCE, ASCENT, CharacterSet, DESCENT, UNITS};
use crate::page::ReadPage;
use pdf_writer::types::TextRenderingMode;
use pdf_writer::{Content, Name, Str};
use sohoa_record::{Line, Placement};

/// The name of the font in a page's resources.
pub(super) const FONT: &[u8] = b"F";
/// A slanted word whose ends differ by less than this share of the line's height is laid straight.
const MAX_CLIMB: f64 = 0.5;

/// Writes every word of `page` as search reads it, one text object a line.
///
/// `kept` is the kept image's size in pixels, `scale` points per pixel. Word widths are met by horizontal scaling; their
/// height is the line's, so that a selected line is an even band.
pub(super) fn write_words(content: &mut Content, page: &ReadPage, kept: (u32, u32), scale: f64, characters: &mut CharacterSet) {
    let text = page.text.corrected(&page.corrections);
    for line in text.lines.iter().filter(|line| !line.words.is_empty()) {
        write_line(content, line, page.placement, kept, scale, characters);
    }
}

fn write_line(
    content: &mut Content,
    line: &Line,
    placement: Placement,
    kept: (u32, u32),
    scale: f64,
    characters: &mut CharacterSet,
) {
    let to_points = |x: f64, y: f64| {
        let (x, y) = placement.point_to_kept((x, y), kept);
        (x * scale, (f64::from(kept.1) - y) * scale)
    };
    let height = f64::from(line.rect.height.max(1));
    let baseline = f64::from(line.rect.bottom()) + height * f64::from(DESCENT) / f64::from(ASCENT - DESCENT);
    let size = height * scale * f64::from(UNITS) / f64::from(ASCENT - DESCENT);

    content.begin_text();
    content.set_text_rendering_mode(TextRenderingMode::Invisible);
    content.set_font(Name(FONT), size as f32);
    let last = line.words.len() - 1;
    for (i, word) in line.words.iter().enumerate() {
        let mut codes = characters.encode(&word.text);
        let natural = (codes.len() / 2) as f64 * f64::from(ADVANCE) / f64::from(UNITS) * size;
        if natural == 0.0 {
            continue;
        }
        let (left, width) = (f64::from(word.rect.x), f64::from(word.rect.width.max(1)));
        let (x, y) = to_points(left + width / 2.0, baseline);
        // readers break a word whose letters climb: as long as it stays on its ink, it lies straight
        let climb = width * f64::from(placement.skew_mdeg.unsigned_abs()).to_radians() / 1000.0;
        let straight = climb <= height * MAX_CLIMB;
        let (cos, sin) = direction(if straight { Placement { skew_mdeg: 0, ..placement } } else { placement }, kept);
        let width = width * scale;
        if i < last {
            codes.extend(characters.encode(" "));
        }
        content.set_horizontal_scaling((width / natural * 100.0) as f32);
        let (x, y) = (x - cos * width / 2.0, y - sin * width / 2.0);
        content.set_text_matrix([cos as f32, sin as f32, -sin as f32, cos as f32, x as f32, y as f32]);
        content.show(Str(&codes));
    }
    content.end_text();
}

/// Where a line of the upright page runs to on the PDF's page: cosine and sine, y up.
fn direction(placement: Placement, kept: (u32, u32)) -> (f64, f64) {
    let ((x0, y0), (x1, y1)) = (placement.point_to_kept((0.0, 0.0), kept), placement.point_to_kept((1.0, 0.0), kept));
    (x1 - x0, y0 - y1)
}
