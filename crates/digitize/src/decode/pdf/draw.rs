//! Pages that are more than a scan: drawn whole, with their annotations (stamps, signatures' appearances), at the resolution
//! of their finest large image.
//!
//! What is kept of a drawn page: black and white as group 4, and so print that is grey only where letters' edges were smoothed;
//! shades or colours without loss where that is the smaller stream,
//! else as JPEG, of quality 90 for grey and 85 for colour. Nothing of it is anybody's original: that is the source file.

use super::survey::{Mark, Survey};
use crate::decode::DecodeError;
use crate::decode::pixels::Pixels;
use crate::page::{Limits, Scan};
use hayro::hayro_interpret::{InterpreterSettings, InterpreterWarning};
use hayro::hayro_syntax::page::Page;
use hayro::vello_cpu::color::palette::css::WHITE;
use hayro::{PixmapSettings, RenderCache, RenderSettings, render};
use sohoa_record::Reason;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Resolutions that are tried, finest first, for a page without images; the first that keeps to the limits is taken.
const RESOLUTIONS: [u32; 5] = [300, 200, 150, 100, 72];
/// Images finer than this are drawn at this.
const MAX_DPI: f64 = 600.0;
/// An image on less of the page than this does not set its resolution.
const MIN_SHARE: f64 = 0.02;
/// An image on more of the page than this is its scan, under stamps or with them.
const SCAN_SHARE: f64 = 0.5;
/// Stamps over a coarser scan are drawn at this.
const MIN_SCAN_DPI: f64 = 150.0;
/// Pixels that are drawn at most: the drawing needs several times their memory.
const MAX_DRAWN: u64 = 50_000_000;

/// Draws the page. `lost` says which of its images is not in the file: like one that cannot be unpacked it leaves a gap, which is told with the
/// scan, since the rest can be read. Only where nothing else is drawn there is no page.
pub(super) fn page(
    page: &Page<'_>,
    survey: &Survey,
    number: u32,
    lost: Option<String>,
    limits: &Limits,
) -> Result<Scan, DecodeError> {
    let (width, height) = page.render_dimensions();
    let inches = (f64::from(width) * survey.user_unit / 72.0, f64::from(height) * survey.user_unit / 72.0);
    let size = |dpi: u32| ((inches.0 * f64::from(dpi)).round().max(1.0), (inches.1 * f64::from(dpi)).round().max(1.0));
    let limit = limits.max_page_pixels.min(MAX_DRAWN) as f64;
    let fits = |dpi: &u32| {
        let (w, h) = size(*dpi);
        w * h <= limit && w < 65_000.0 && h < 65_000.0
    };
    let wanted = finest(survey);
    let dpi =
        wanted.into_iter().chain(RESOLUTIONS.into_iter().filter(|dpi| wanted.is_none_or(|wanted| *dpi < wanted))).find(fits);
    let Some(dpi) = dpi else {
        let what = format!("{:.0} × {:.0} inches", inches.0, inches.1);
        return Err(DecodeError::PageTooLarge { page: number, what });
    };
    let (w, h) = size(dpi);
    // hayro cuts fractions of a pixel off: half a pixel more gives the rounded size
    let settings = PixmapSettings {
        x_scale: ((w + 0.01) / f64::from(width)) as f32,
        y_scale: ((h + 0.01) / f64::from(height)) as f32,
        bg_color: WHITE,
    };
    let failed = Arc::new(AtomicBool::new(false));
    let sink = failed.clone();
    let interpreter = InterpreterSettings {
        warning_sink: Arc::new(move |warning| {
            if matches!(warning, InterpreterWarning::ImageDecodeFailure) {
                sink.store(true, Ordering::Relaxed);
            }
        }),
        ..Default::default()
    };
    let pixmap = render(page, &RenderCache::new(), &interpreter, &RenderSettings::default(), &settings);
    let undrawn = || failed.load(Ordering::Relaxed).then(|| "an image on it cannot be unpacked".to_owned());
    let gap = lost.or_else(undrawn);
    let (width, height) = (u32::from(pixmap.width()), u32::from(pixmap.height()));
    let rgb: Vec<u8> = pixmap.data_as_u8_slice().chunks_exact(4).flat_map(|p| [p[0], p[1], p[2]]).collect();
    drop(pixmap);
    let flags = match gap {
        Some(cause) if rgb.iter().all(|value| *value == 255) => {
            return Err(DecodeError::PageDamaged { page: number, cause });
        }
        Some(_) => vec![Reason::PageDamaged],
        None => Vec::new(),
    };
    let mut pixels = Pixels::rgb(width, height, rgb).reduce();
    if pixels.components == 1 && image_share(survey) == 0.0 && is_line_art(&pixels.samples, width as usize) {
        // a tenth of the bytes, and at 300 dpi the edge of a letter is finer than any printer's
        pixels.samples.iter_mut().for_each(|p| *p = if *p < 128 { 0 } else { 255 });
    }
    let quality = if pixels.components == 1 { 90 } else { 85 };
    let (kept, grey) = pixels.keep_drawn(quality);
    Ok(Scan { number, kept, grey, dpi, rotate_deg: 0, text: None, flags })
}

/// True when all that is neither black nor white is the smoothed edge of something: no stretch of it is wider than an edge.
fn is_line_art(grey: &[u8], width: usize) -> bool {
    let is_shade = |p: u8| (24..=231).contains(&p);
    let mut flat = 0usize;
    for row in grey.chunks_exact(width.max(1)) {
        flat += row.windows(4).filter(|w| is_shade(w[0]) && w.iter().all(|p| p.abs_diff(w[0]) <= 2)).count();
    }
    // the flat side of a rule that lies between two rows of pixels makes a few
    flat * 2_000 <= grey.len()
}

/// The resolution of the page's scan, if an image lies on most of it; else of its finest large image, but not below what
/// drawn text needs.
fn finest(survey: &Survey) -> Option<u32> {
    let finest = |min_share: f64| {
        let dpi = survey.marks.iter().filter_map(|mark| match mark {
            Mark::Image(image) if image.visible.area() >= min_share * survey.page.area() => {
                let (x, y) = image.dpi(survey.user_unit);
                Some(x.max(y)).filter(|dpi| dpi.is_finite())
            }
            _ => None,
        });
        dpi.reduce(f64::max)
    };
    // a coarse scan under a stamp stays coarse: drawn finer it would only look good
    let scan = finest(SCAN_SHARE).map(|dpi| dpi.clamp(MIN_SCAN_DPI, MAX_DPI));
    let dpi = scan.or_else(|| finest(MIN_SHARE).map(|dpi| dpi.clamp(f64::from(RESOLUTIONS[0]), MAX_DPI)));
    dpi.map(|dpi| dpi.round() as u32)
}

/// The share of the page on which images show, at most 1 for each.
pub(super) fn image_share(survey: &Survey) -> f64 {
    let area: f64 = survey.marks.iter().map(|mark| if let Mark::Image(image) = mark { image.visible.area() } else { 0.0 }).sum();
    area / survey.page.area()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn smoothed_edges_are_line_art_and_shaded_areas_are_not() {
        let mut page = vec![255u8; 200 * 200];
        for row in page.chunks_exact_mut(200).skip(20).take(100) {
            row[50..56].copy_from_slice(&[220, 120, 0, 0, 130, 240]);
        }
        assert!(is_line_art(&page, 200));
        for row in page.chunks_exact_mut(200).skip(150).take(20) {
            row[40..90].fill(200);
        }
        assert!(!is_line_art(&page, 200), "a grey box is not an edge");
    }
}
