//! What a page shows, in the order it is painted, without painting it: images, ink, text seen and unseen. From this is told
//! whether a page is only a scan.

use super::guard;
use crate::decode::DecodeError;
use crate::page::Limits;
use hayro::hayro_interpret::font::{Glyph, GlyphRun};
use hayro::hayro_interpret::hayro_cmap::BfString;
use hayro::hayro_interpret::{
    BlendMode, ClipPath, Context, Device, DrawMode, DrawProps, Image, ImageDrawProps, InterpreterCache, InterpreterSettings,
    Paint, SoftMask, TransformExt, interpret_page,
};
use hayro::hayro_syntax::page::Page;
use hayro::kurbo::{Affine, BezPath, Rect, Shape};

/// What a page shows. Lengths are points on the page as a viewer shows it (turned by `/Rotate`, cropped), y down, before
/// `UserUnit`.
pub(super) struct Survey {
    /// The page.
    pub(super) page: Rect,
    /// Points in a unit of the page.
    pub(super) user_unit: f64,
    /// In the order of painting.
    pub(super) marks: Vec<Mark>,
    /// Every glyph that is seen.
    pub(super) glyphs: Vec<SeenGlyph>,
    /// How many glyphs are not: an earlier recognition's text, which is not trusted.
    pub(super) unseen_glyphs: usize,
}

/// Something painted.
pub(super) enum Mark {
    Image(PlacedImage),
    /// White areas: backgrounds, unless they lie on something.
    White,
    Ink(Rect),
}

/// An image on the page.
pub(super) struct PlacedImage {
    /// Image pixels, y down, to points.
    pub(super) transform: Affine,
    /// Pixels, as the image's dictionary says.
    pub(super) width: u32,
    /// Pixels, as the image's dictionary says.
    pub(super) height: u32,
    /// The part of it that shows.
    pub(super) visible: Rect,
    /// Painted as it is: opaque, not masked, not blended, not clipped by a shape. A stencil's colour is not looked at.
    pub(super) plain: bool,
    /// A one-bit stencil, which shows what is below it where it does not paint.
    pub(super) stencil: bool,
}

/// A glyph that is seen.
pub(super) struct SeenGlyph {
    /// Empty when the font does not tell.
    pub(super) text: String,
    /// Glyph space, thousandths of an em, y up, to points.
    pub(super) transform: Affine,
    /// Width in glyph space.
    pub(super) advance: f64,
    /// The ink in glyph space; none for a space.
    pub(super) ink: Option<Rect>,
}

impl PlacedImage {
    /// Where it would lie if nothing cut it.
    pub(super) fn bounds(&self) -> Rect {
        self.transform.transform_rect_bbox(Rect::new(0.0, 0.0, f64::from(self.width), f64::from(self.height)))
    }

    /// Placed width and height in points, along the image's own sides.
    pub(super) fn placed(&self) -> (f64, f64) {
        let [a, b, c, d, ..] = self.transform.as_coeffs();
        (a.hypot(b) * f64::from(self.width), c.hypot(d) * f64::from(self.height))
    }

    /// Pixels per inch across and down the image.
    pub(super) fn dpi(&self, user_unit: f64) -> (f64, f64) {
        let (width, height) = self.placed();
        (f64::from(self.width) * 72.0 / (width * user_unit), f64::from(self.height) * 72.0 / (height * user_unit))
    }

    /// Quarter turns clockwise, in degrees, by which the viewer sees the image turned; none when it is mirrored or lies at
    /// another angle.
    pub(super) fn quarter_turns(&self) -> Option<u16> {
        let [a, b, c, d, ..] = self.transform.as_coeffs();
        // a tenth of a degree is half a millimetre across A4
        let small = |x: f64, y: f64| x.abs() < 0.002 * y.abs();
        if small(b, a) && small(c, d) {
            return if a > 0.0 && d > 0.0 { Some(0) } else { (a < 0.0 && d < 0.0).then_some(180) };
        }
        if small(a, b) && small(d, c) {
            return if b > 0.0 && c < 0.0 { Some(90) } else { (b < 0.0 && c > 0.0).then_some(270) };
        }
        None
    }
}

/// Looks through a page. Fails when one of its images is over a limit.
pub(super) fn survey(page: &Page<'_>, number: u32, limits: &Limits) -> Result<Survey, DecodeError> {
    let (width, height) = page.render_dimensions();
    let bounds = Rect::new(0.0, 0.0, f64::from(width), f64::from(height));
    let size = || format!("{width} × {height} points");
    if !(width > 0.0 && height > 0.0) {
        return Err(DecodeError::PageDamaged { page: number, cause: size() });
    }
    if width.max(height) > 1e6 {
        return Err(DecodeError::PageTooLarge { page: number, what: size() });
    }
    let mut surveyor = Surveyor {
        survey: Survey { page: bounds, user_unit: user_unit(page), marks: Vec::new(), glyphs: Vec::new(), unseen_glyphs: 0 },
        clips: Vec::new(),
        groups: Vec::new(),
        number,
        limits,
        refused: None,
    };
    walk(page, &mut surveyor);
    match surveyor.refused {
        Some(error) => Err(error),
        None => Ok(surveyor.survey),
    }
}

/// Runs a page's instructions on a device, in points as a viewer shows the page.
pub(super) fn walk<'a>(page: &'a Page<'a>, device: &mut impl Device<'a>) {
    let (width, height) = page.render_dimensions();
    let bounds = Rect::new(0.0, 0.0, f64::from(width), f64::from(height));
    let transform = page.initial_transform(true).to_kurbo();
    let cache = InterpreterCache::new();
    let mut context = Context::new(transform, bounds, &cache, page.xref(), InterpreterSettings::default());
    interpret_page(page, &mut context, device);
}

fn user_unit(page: &Page<'_>) -> f64 {
    let unit = f64::from(page.raw().get::<f32>(b"UserUnit").unwrap_or(1.0));
    if (0.001..=75_000.0).contains(&unit) { unit } else { 1.0 }
}

struct Surveyor<'l> {
    survey: Survey,
    /// Bounds of each clip in force, and whether it is a plain rectangle.
    clips: Vec<(Rect, bool)>,
    /// For each group in force, whether it changes nothing.
    groups: Vec<bool>,
    number: u32,
    limits: &'l Limits,
    refused: Option<DecodeError>,
}

impl Surveyor<'_> {
    fn visible(&self, bounds: Rect) -> Rect {
        let bounds = self.clips.iter().fold(bounds, |bounds, clip| bounds.intersect(clip.0));
        bounds.intersect(self.survey.page)
    }

    fn paint(&mut self, bounds: Rect, paint: &Paint<'_>) {
        let visible = self.visible(bounds);
        if visible.is_zero_area() {
            return;
        }
        let rgba = match paint {
            Paint::Color(color) => color.to_rgba().to_rgba8(),
            Paint::Pattern(_) => [0, 0, 0, 255],
        };
        match rgba {
            [_, _, _, 0] => {}
            [255, 255, 255, _] => self.survey.marks.push(Mark::White),
            _ => self.survey.marks.push(Mark::Ink(visible)),
        }
    }
}

impl<'a> Device<'a> for Surveyor<'_> {
    fn draw_path(&mut self, path: &BezPath, props: DrawProps<'a>, mode: &DrawMode) {
        let mut bounds = props.transform.transform_rect_bbox(path.bounding_box());
        if let DrawMode::Stroke(stroke) | DrawMode::FillAndStroke(_, stroke) = mode {
            bounds = bounds.inflate(f64::from(stroke.line_width) / 2.0 + 0.1, f64::from(stroke.line_width) / 2.0 + 0.1);
        }
        self.paint(bounds, &props.paint);
    }

    fn draw_image(&mut self, image: Image<'a, '_>, props: ImageDrawProps<'a>) {
        let (stream, stencil) = match &image {
            Image::Raster(raster) => (raster.stream().clone(), false),
            Image::Stencil(stencil) => (stencil.stream().clone(), true),
        };
        if self.refused.is_none()
            && let Err(error) = guard::image(&stream, self.number, self.limits)
        {
            self.refused = Some(error);
        }
        let masked = guard::has_any(stream.dict(), &[b"SMask", b"Mask", b"SMaskInData"]);
        let mut placed = PlacedImage {
            transform: props.transform,
            width: image.width(),
            height: image.height(),
            visible: Rect::ZERO,
            plain: false,
            stencil,
        };
        placed.visible = self.visible(placed.bounds());
        placed.plain = !masked
            && props.soft_mask.is_none()
            && props.blend_mode == BlendMode::Normal
            && self.clips.iter().all(|clip| clip.1)
            && self.groups.iter().all(|plain| *plain);
        self.survey.marks.push(Mark::Image(placed));
    }

    fn draw_glyph_run(&mut self, run: &GlyphRun<'_, 'a>, props: DrawProps<'a>, mode: &DrawMode) {
        if matches!(mode, DrawMode::Invisible) {
            self.survey.unseen_glyphs += run.glyphs().len();
            return;
        }
        for glyph in run.glyphs() {
            let text = match glyph.as_unicode() {
                Some(BfString::Char(c)) => c.to_string(),
                Some(BfString::String(text)) => text,
                None => String::new(),
            };
            let transform = props.transform * glyph.transform();
            let (advance, ink) = match &**glyph {
                Glyph::Outline(outline) => {
                    let bounds = outline.outline().bounding_box();
                    let ink = (!bounds.is_zero_area()).then_some(bounds);
                    // a substitute font does not tell its widths: the same room on both sides of the ink is near enough
                    let guess = ink.map_or(250.0, |ink| ink.x0.max(0.0) + ink.x1);
                    (outline.advance_width().map_or(guess, f64::from), ink)
                }
                Glyph::Type3(_) => (500.0, Some(Rect::new(0.0, 0.0, 500.0, 700.0))),
            };
            if let Some(ink) = ink {
                self.paint(transform.transform_rect_bbox(ink), &props.paint);
            }
            if !self.visible(transform.transform_rect_bbox(ink.unwrap_or(Rect::new(0.0, 0.0, 1.0, 1.0)))).is_zero_area() {
                self.survey.glyphs.push(SeenGlyph { text, transform, advance, ink });
            }
        }
    }

    fn push_clip_path(&mut self, clip: &ClipPath) {
        self.clips.push((clip.path.bounding_box(), false));
    }

    fn push_clip_rect(&mut self, rect: &Rect) {
        self.clips.push((*rect, true));
    }

    fn pop_clip(&mut self) {
        self.clips.pop();
    }

    fn push_transparency_group(&mut self, opacity: f32, mask: Option<SoftMask<'a>>, blend_mode: BlendMode) {
        // multiplied onto white paper is the image itself; on anything else the page is no plain scan for other reasons
        let plain = opacity >= 0.999 && mask.is_none() && matches!(blend_mode, BlendMode::Normal | BlendMode::Multiply);
        self.groups.push(plain);
    }

    fn pop_transparency_group(&mut self) {
        self.groups.pop();
    }
}
