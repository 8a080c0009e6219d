//! The other way round: texts as codes, for our own separator sheets.

use rxing::oned::Code128Writer;
use rxing::qrcode::QRCodeWriter;
use rxing::{BarcodeFormat, EncodeHints, Writer};

/// Modules of a code, row by row, true is dark; without quiet zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Modules {
    /// Modules of a row.
    pub width: usize,
    /// One for bars, as many as `width` for QR.
    pub height: usize,
    /// `width` times `height`.
    pub dark: Vec<bool>,
}

/// A QR code with error correction level Q: a quarter of it may be lost. None when the text is too long for one.
pub fn qr(text: &str) -> Option<Modules> {
    let hints = EncodeHints { Margin: Some("0".into()), ErrorCorrection: Some("Q".into()), ..EncodeHints::default() };
    let matrix = QRCodeWriter.encode_with_hints(text, &BarcodeFormat::QR_CODE, 0, 0, &hints).ok()?;
    let (width, height) = (matrix.getWidth(), matrix.getHeight());
    let dark = (0..height).flat_map(|y| (0..width).map(move |x| (x, y))).map(|(x, y)| matrix.get(x, y)).collect();
    Some(Modules { width: width as usize, height: height as usize, dark })
}

/// The bars and gaps of Code 128. None when a letter is not ASCII or there are more than 80.
pub fn code128(text: &str) -> Option<Modules> {
    let hints = EncodeHints { Margin: Some("0".into()), ..EncodeHints::default() };
    let matrix = Code128Writer.encode_with_hints(text, &BarcodeFormat::CODE_128, 0, 1, &hints).ok()?;
    let dark: Vec<bool> = (0..matrix.getWidth()).map(|x| matrix.get(x, 0)).collect();
    Some(Modules { width: dark.len(), height: 1, dark })
}
