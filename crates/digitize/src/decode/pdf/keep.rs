//! Pages that are only a scan: the image is kept, for JPEG and group 4 by the very bytes of its stream.

use super::survey::{Mark, PlacedImage, Survey, walk};
use super::whole;
use crate::decode::DecodeError;
use crate::decode::jpeg::JpegHeader;
use crate::decode::pixels::{Pixels, over_white};
use crate::decode::raster::{CONVERTED_QUALITY, decode_jpeg, kept_jpeg};
use crate::page::{Encoding, Grey, KeptImage, Limits, Scan};
use hayro::hayro_interpret::font::GlyphRun;
use hayro::hayro_interpret::{
    BlendMode, ClipPath, Device, DrawMode, DrawProps, Image, ImageData, ImageDrawProps, Paint, SoftMask,
};
use hayro::hayro_syntax::Filter;
use hayro::hayro_syntax::object::{Array, Dict, Name, Object, Stream};
use hayro::hayro_syntax::page::Page;
use hayro::kurbo::{BezPath, Rect};
use sohoa_record::Reason;

/// An image that shows on less than this share of the page is a picture on it, not its scan.
const MIN_COVER: f64 = 0.5;
/// More than this share of the image outside the page was cropped away on purpose.
const MAX_OVERHANG: f64 = 0.02;
/// Resolutions across and down, or of two strips, that differ by less are the same.
const SAME_DPI: f64 = 0.02;

/// The page's own scan, none when the page is more (or less) than one.
pub(super) fn scan(page: &Page<'_>, survey: &Survey, number: u32, limits: &Limits) -> Result<Option<Scan>, DecodeError> {
    let Some(images) = scan_images(survey) else { return Ok(None) };
    let (kept, grey, rotate_deg, flags) = match images.as_slice() {
        [(at, image)] => match read_image(page, *at, limits) {
            Some(Read::Kept(kept, grey, flags)) => (kept, grey, image.quarter_turns().unwrap_or(0), flags),
            Some(Read::Pixels { pixels, of_jpeg, is_cut }) => {
                let is_cut = is_cut || pixels.height < image.height;
                let pixels = fill_up(pixels, image.width, image.height);
                let Some(pixels) = pixels else { return Err(damaged(number)) };
                let (kept, grey) = if of_jpeg { pixels.keep_drawn(CONVERTED_QUALITY) } else { pixels.keep() };
                (kept, grey, image.quarter_turns().unwrap_or(0), flags(is_cut))
            }
            Some(Read::NotBlack) => return Ok(None),
            None => return Err(damaged(number)),
        },
        strips => match compose(page, strips, survey, limits) {
            Some(pixels) => {
                let (kept, grey) = pixels.keep();
                (kept, grey, 0, Vec::new())
            }
            None => return Ok(None),
        },
    };
    let (first, dpi) = (images[0].1, images[0].1.dpi(survey.user_unit).0);
    // the decoder's own width is what is kept; the dictionary's may differ
    let dpi = if images.len() == 1 { dpi * f64::from(kept.width) / f64::from(first.width) } else { dpi };
    Ok(Some(Scan { number, kept, grey, dpi: dpi.round().min(100_000.0) as u32, rotate_deg, text: None, flags }))
}

/// What can be seen of a page is read and kept, but nobody may take it for the whole page.
fn flags(is_cut: bool) -> Vec<Reason> {
    if is_cut { vec![Reason::PageDamaged] } else { Vec::new() }
}

fn damaged(page: u32) -> DecodeError {
    DecodeError::PageDamaged { page, cause: "its image cannot be unpacked".into() }
}

/// The images that make up the page, with their place among all its images, when there is nothing else to see: one, or strips
/// side by side.
fn scan_images(survey: &Survey) -> Option<Vec<(usize, &PlacedImage)>> {
    let mut images: Vec<(usize, &PlacedImage)> = Vec::new();
    let mut below: Vec<Rect> = Vec::new();
    let mut count = 0;
    for mark in &survey.marks {
        match mark {
            Mark::Image(image) => {
                count += 1;
                if !image.visible.is_zero_area() {
                    images.push((count - 1, image));
                }
            }
            Mark::White if images.is_empty() => {}
            Mark::Ink(rect) if images.is_empty() => below.push(*rect),
            Mark::White | Mark::Ink(_) => return None,
        }
    }
    let (first, rest) = images.split_first()?;
    let (x_dpi, y_dpi) = first.1.dpi(survey.user_unit);
    let same = |a: f64, b: f64| (a / b - 1.0).abs() <= SAME_DPI;
    let fits = |image: &PlacedImage| {
        let bounds = image.bounds();
        let (x, y) = image.dpi(survey.user_unit);
        let overhang = 1.0 - image.visible.area() / bounds.area();
        image.plain
            && image.quarter_turns().is_some()
            && overhang <= MAX_OVERHANG
            && same(x, y)
            && same(x, x_dpi)
            && x.is_finite()
    };
    let area: f64 = images.iter().map(|(_, image)| image.visible.area()).sum();
    if !fits(first.1) || !same(x_dpi, y_dpi) || area < MIN_COVER * survey.page.area() {
        return None;
    }
    // what was painted before is hidden by an opaque image, unless it sticks out
    if !below.is_empty() && (first.1.stencil || below.iter().any(|rect| !contains(first.1.visible, *rect))) {
        return None;
    }
    if !rest.is_empty() {
        let upright = images.iter().all(|(_, image)| fits(image) && image.quarter_turns() == Some(0) && !image.stencil);
        let union = images.iter().fold(first.1.bounds(), |union, (_, image)| union.union(image.bounds()));
        // strips may meet, not overlap: layers of one picture (MRC) lie on each other
        if !upright || area > union.area() * 1.02 || area < union.area() * 0.98 {
            return None;
        }
    }
    Some(images)
}

fn contains(outer: Rect, inner: Rect) -> bool {
    outer.inflate(0.5, 0.5).union(inner) == outer.inflate(0.5, 0.5)
}

enum Read {
    /// The stream as it is.
    /// With what a reader should know of it.
    Kept(KeptImage, Grey, Vec<Reason>),
    Pixels {
        pixels: Pixels,
        /// From a JPEG that cannot be kept (CMYK, odd colour spaces): without loss it would be many times the source's size.
        of_jpeg: bool,
        /// The image's data ends before the image does.
        is_cut: bool,
    },
    /// A stencil in a colour or a pattern.
    NotBlack,
}

/// Reads the `nth` image that the page paints.
fn read_image(page: &Page<'_>, nth: usize, limits: &Limits) -> Option<Read> {
    let mut reader = Reader { nth, seen: 0, limits, read: None };
    walk(page, &mut reader);
    reader.read
}

/// Puts strips together, each at its place in whole pixels.
fn compose(page: &Page<'_>, strips: &[(usize, &PlacedImage)], survey: &Survey, limits: &Limits) -> Option<Pixels> {
    let union = strips.iter().fold(strips[0].1.bounds(), |union, (_, image)| union.union(image.bounds()));
    let scale = f64::from(strips[0].1.width) / strips[0].1.bounds().width();
    let (width, height) = ((union.width() * scale).round() as u32, (union.height() * scale).round() as u32);
    if u64::from(width) * u64::from(height) > limits.max_page_pixels || strips.len() > 1_000 || survey.page.area() == 0.0 {
        return None;
    }
    let mut canvas = vec![255u8; width as usize * height as usize * 3];
    for (nth, image) in strips {
        let pixels = match read_image(page, *nth, limits)? {
            Read::Pixels { pixels, .. } => pixels,
            Read::Kept(kept, grey, _) => match kept.encoding {
                Encoding::Jpeg { components: 3 } => decode_jpeg(&kept.data, limits).ok()?,
                _ => Pixels::grey(grey.width, grey.height, grey.pixels),
            },
            Read::NotBlack => return None,
        };
        let pixels = fill_up(pixels, image.width, image.height)?;
        let bounds = image.bounds();
        let left = ((bounds.x0 - union.x0) * scale).round() as usize;
        let top = ((bounds.y0 - union.y0) * scale).round() as usize;
        let components = usize::from(pixels.components);
        for (y, row) in pixels.samples.chunks_exact(pixels.width as usize * components).enumerate() {
            let y = top + y;
            if y >= height as usize || left >= width as usize {
                break;
            }
            let target = &mut canvas[(y * width as usize + left) * 3..(y + 1) * width as usize * 3];
            for (to, from) in target.chunks_exact_mut(3).zip(row.chunks_exact(components)) {
                to.copy_from_slice(&[from[0], from[components / 2], from[components - 1]]);
            }
        }
    }
    Some(Pixels::rgb(width, height, canvas))
}

/// Decoders stop where a stream is cut short: the rest of the page is white. None when more than half is missing.
fn fill_up(mut pixels: Pixels, width: u32, height: u32) -> Option<Pixels> {
    if pixels.width == width && pixels.height < height {
        if pixels.height < height / 2 {
            return None;
        }
        pixels.samples.resize(width as usize * height as usize * usize::from(pixels.components), 255);
        pixels.height = height;
    }
    let whole = pixels.width as usize * pixels.height as usize * usize::from(pixels.components);
    (pixels.samples.len() == whole && whole > 0).then_some(pixels)
}

struct Reader<'l> {
    nth: usize,
    seen: usize,
    limits: &'l Limits,
    read: Option<Read>,
}

impl<'a> Device<'a> for Reader<'_> {
    fn draw_image(&mut self, image: Image<'a, '_>, _: ImageDrawProps<'a>) {
        self.seen += 1;
        if self.seen - 1 != self.nth {
            return;
        }
        self.read = match &image {
            Image::Raster(raster) => jpeg(raster.stream(), self.limits).or_else(|| {
                let mut pixels = None;
                raster.with_rgba(|data, alpha| pixels = opaque(data, alpha.map(|alpha| alpha.data)), None);
                pixels.map(|pixels| group4(raster.stream(), pixels))
            }),
            Image::Stencil(stencil) => {
                let mut read = None;
                stencil.with_stencil(
                    |mask, paint| {
                        read = Some(match paint {
                            Paint::Color(color) if color.to_rgba().to_rgba8() == [0, 0, 0, 255] => {
                                let samples = mask.data.iter().map(|alpha| 255 - alpha).collect();
                                Read::Pixels {
                                    pixels: Pixels::grey(mask.width, mask.height, samples),
                                    of_jpeg: false,
                                    is_cut: false,
                                }
                            }
                            _ => Read::NotBlack,
                        });
                    },
                    None,
                );
                match read {
                    Some(Read::Pixels { pixels, .. }) => Some(group4(stencil.stream(), pixels)),
                    other => other,
                }
            }
        };
    }

    fn draw_path(&mut self, _: &BezPath, _: DrawProps<'a>, _: &DrawMode) {}
    fn push_clip_path(&mut self, _: &ClipPath) {}
    fn push_transparency_group(&mut self, _: f32, _: Option<SoftMask<'a>>, _: BlendMode) {}
    fn draw_glyph_run(&mut self, _: &GlyphRun<'_, 'a>, _: DrawProps<'a>, _: &DrawMode) {}
    fn pop_clip(&mut self) {}
    fn pop_transparency_group(&mut self) {}
}

fn opaque(data: ImageData, alpha: Option<Vec<u8>>) -> Option<Pixels> {
    let (width, height) = (data.width(), data.height());
    let mut pixels = match data {
        ImageData::Luma(luma) => Pixels::grey(width, height, luma.data),
        ImageData::Rgb(rgb) => Pixels::rgb(width, height, rgb.data),
    };
    if let Some(alpha) = alpha {
        let components = usize::from(pixels.components);
        if alpha.len() * components != pixels.samples.len() {
            return None;
        }
        for (pixel, alpha) in pixels.samples.chunks_exact_mut(components).zip(alpha) {
            pixel.iter_mut().for_each(|value| *value = over_white(*value, alpha));
        }
    }
    Some(pixels)
}

/// The JPEG file in a stream, when the PDF shows it as any viewer of the file would.
fn jpeg(stream: &Stream<'_>, limits: &Limits) -> Option<Read> {
    let filters = stream.filters();
    if filters.last() != Some(&Filter::DctDecode) {
        return None;
    }
    let raw = stream.raw_data();
    let data = match filters.as_slice() {
        [_] => raw.into_owned(),
        [Filter::FlateDecode, _] => {
            miniz_oxide::inflate::decompress_to_vec_zlib_with_limit(&raw, limits.max_stream_bytes as usize).ok()?
        }
        _ => return None,
    };
    let header = JpegHeader::read(&data)?;
    let dict = stream.dict();
    let told = |key: &[u8]| dict.get::<u32>(key).unwrap_or(0);
    if (header.width, header.height) != (told(b"Width"), told(b"Height"))
        || !has_default_decode(dict, header.components)
        || components_of(dict) != Some(header.components)
        || u64::from(header.width) * u64::from(header.height) > limits.max_page_pixels
    {
        return None;
    }
    // without the Adobe marker, the stream's own parameter says whether the three components are YCbCr
    let parms = dict.get::<Dict<'_>>(b"DecodeParms").and_then(|parms| parms.get::<u32>(b"ColorTransform"));
    if header.adobe_transform.is_none() && parms == Some(0) && header.components == 3 {
        return None;
    }
    let (kept, grey, flags) = kept_jpeg(&data, &header, limits)?;
    Some(Read::Kept(kept, grey, flags))
}

/// The stream itself when it is group 4 as we write it; `pixels` is what it unpacks to.
fn group4(stream: &Stream<'_>, pixels: Pixels) -> Read {
    let dict = stream.dict();
    let told = |key: &[u8]| dict.get::<u32>(key).unwrap_or(0);
    let parms = dict.get::<Dict<'_>>(b"DecodeParms").or_else(|| dict.get::<Array<'_>>(b"DecodeParms")?.iter::<Dict<'_>>().next());
    let of_jpeg = stream.filters().last() == Some(&Filter::DctDecode);
    let is_cut = whole::is_cut_fax(stream, told(b"Height"));
    let Some(parms) = parms else { return Read::Pixels { pixels, of_jpeg, is_cut } };
    let flag = |key: &[u8]| parms.get::<bool>(key).unwrap_or(false);
    let plain = stream.filters().as_slice() == [Filter::CcittFaxDecode]
        && parms.get::<i32>(b"K").unwrap_or(0) < 0
        && !flag(b"BlackIs1")
        && !flag(b"EncodedByteAlign")
        && parms.get::<u32>(b"Columns").unwrap_or(1728) == told(b"Width")
        && (pixels.width, pixels.height) == (told(b"Width"), told(b"Height"))
        && has_default_decode(dict, 1)
        && (dict.get::<bool>(b"ImageMask").unwrap_or(false) || components_of(dict) == Some(1))
        && pixels.components == 1
        && pixels.samples.iter().all(|v| matches!(v, 0 | 255));
    if !plain {
        return Read::Pixels { pixels, of_jpeg, is_cut };
    }
    let kept = KeptImage {
        width: pixels.width,
        height: pixels.height,
        encoding: Encoding::Group4,
        data: stream.raw_data().into_owned(),
    };
    Read::Kept(kept, pixels.into_grey(), flags(is_cut))
}

/// True when `/Decode` is absent or changes nothing.
fn has_default_decode(dict: &Dict<'_>, components: u8) -> bool {
    let Some(decode) = dict.get::<Array<'_>>(b"Decode") else { return true };
    let values: Vec<f32> = decode.iter::<f32>().collect();
    values.len() == 2 * usize::from(components) && values.chunks_exact(2).all(|pair| pair == [0.0, 1.0])
}

/// Components of a grey or RGB colour space; its exact profile is given up, as other archives' tools do.
fn components_of(dict: &Dict<'_>) -> Option<u8> {
    match dict.get::<Object<'_>>(b"ColorSpace")? {
        Object::Name(name) => named(&name),
        Object::Array(array) => {
            let mut parts = array.flex_iter();
            let family = parts.next::<Name<'_>>()?;
            match family.as_ref() {
                b"ICCBased" => parts.next::<Stream<'_>>()?.dict().get::<u8>(b"N").filter(|n| matches!(n, 1 | 3)),
                b"CalGray" => Some(1),
                b"CalRGB" => Some(3),
                _ => named(&family),
            }
        }
        _ => None,
    }
}

fn named(name: &Name<'_>) -> Option<u8> {
    match name.as_ref() {
        b"DeviceGray" | b"G" => Some(1),
        b"DeviceRGB" | b"RGB" => Some(3),
        _ => None,
    }
}
