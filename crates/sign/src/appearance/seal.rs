//! The picture of an organisation's red seal. PDF/A-1 knows no transparency, so where the picture is more see-through than not, a
//! mask leaves the paper as it is (ISO 32000-1 8.9.6.3).

use super::font::compressed;
use crate::SignError;
use lopdf::{Object, ObjectId, dictionary};
use std::fmt;

/// A seal of 10 cm at 600 dpi; larger pictures are none.
const MOST_PIXELS: u32 = 2400 * 2400;

/// A PNG that was read.
#[derive(Clone)]
pub struct SealImage {
    pub(super) width: u32,
    pub(super) height: u32,
    rgb: Vec<u8>,
    /// One bit a pixel, rows padded to bytes; 1 is left out.
    mask: Vec<u8>,
    pixels_per_metre: Option<u32>,
}

impl fmt::Debug for SealImage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SealImage({}×{})", self.width, self.height)
    }
}

impl SealImage {
    /// Reads a PNG; its resolution, where it has one, says how large the seal is.
    pub fn from_png(png: &[u8]) -> Result<Self, SignError> {
        let bad = |why: String| SignError::Appearance(format!("the seal's picture: {why}"));
        let mut decoder = png::Decoder::new(std::io::Cursor::new(png));
        decoder.set_transformations(png::Transformations::normalize_to_color8() | png::Transformations::ALPHA);
        let mut reader = decoder.read_info().map_err(|e| bad(format!("{e}; it must be a PNG")))?;
        let (width, height) = (reader.info().width, reader.info().height);
        if width == 0 || height == 0 || width.saturating_mul(height) > MOST_PIXELS {
            return Err(bad(format!("{width}×{height} pixels are too many; 600 dpi are plenty")));
        }
        let pixels_per_metre =
            reader.info().pixel_dims.filter(|dims| dims.unit == png::Unit::Meter && dims.xppu > 0).map(|dims| dims.xppu);
        let mut pixels = vec![0; reader.output_buffer_size().ok_or_else(|| bad("it is too large".into()))?];
        let frame = reader.next_frame(&mut pixels).map_err(|e| bad(e.to_string()))?;
        let channels = frame.color_type.samples();
        let mut rgb = Vec::with_capacity((width * height * 3) as usize);
        let mut mask = Vec::new();
        for row in pixels[..frame.buffer_size()].chunks(frame.line_size) {
            let mut bits = vec![0u8; width.div_ceil(8) as usize];
            for (x, pixel) in row.chunks(channels).enumerate() {
                let (color, alpha) = match pixel {
                    [gray, alpha] => ([*gray; 3], *alpha),
                    [red, green, blue, alpha] => ([*red, *green, *blue], *alpha),
                    _ => return Err(bad("its colours are of another kind".into())),
                };
                rgb.extend(color);
                bits[x / 8] |= u8::from(alpha < 128) << (7 - x % 8);
            }
            mask.extend(bits);
        }
        Ok(Self { width, height, rgb, mask, pixels_per_metre })
    }

    /// How wide it is in points, when the picture says so.
    pub(super) fn points_wide(&self) -> Option<f32> {
        self.pixels_per_metre.map(|per_metre| self.width as f32 / per_metre as f32 * 72.0 / 0.0254)
    }

    /// The image XObject.
    pub(super) fn embed(&self, add: &mut dyn FnMut(Object) -> ObjectId) -> ObjectId {
        let (width, height) = (i64::from(self.width), i64::from(self.height));
        let mask = add(compressed(
            dictionary! {
                "Type" => "XObject", "Subtype" => "Image", "Width" => width, "Height" => height,
                "ImageMask" => true, "BitsPerComponent" => 1,
            },
            &self.mask,
        ));
        add(compressed(
            dictionary! {
                "Type" => "XObject", "Subtype" => "Image", "Width" => width, "Height" => height,
                "ColorSpace" => "DeviceRGB", "BitsPerComponent" => 8, "Mask" => mask,
            },
            &self.rgb,
        ))
    }
}
