//! Codes that stand on a page: QR codes, barcodes and patch codes, as they were read from its pixels.

use crate::Rect;
use serde::{Deserialize, Serialize};

/// The symbologies that are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CodeKind {
    /// QR code (ISO/IEC 18004, TCVN 7322).
    Qr,
    /// Code 128 (ISO/IEC 15417), its check symbol verified.
    Code128,
    /// Code 39 (ISO/IEC 16388), read alike on two halves of its height: it has no check symbol of its own.
    Code39,
    /// The four bars of patch code T (Kodak A-61599): a separator by itself, without text.
    PatchT,
}

/// A code on a page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PageCode {
    /// Its symbology.
    pub kind: CodeKind,
    /// NFC, of [plain](is_plain) characters, 1 to [`MOST_LETTERS`]; `PATCHT` for a patch code.
    pub text: String,
    /// Where it is: pixels of the upright page.
    #[serde(rename = "box")]
    pub rect: Rect,
}

/// Codes of one page.
pub const MOST_CODES: usize = 32;
/// Letters of one code: a QR code of version 40-L has room for so many (ISO/IEC 18004, table 7).
pub const MOST_LETTERS: usize = 4_296;

/// What may stand in a code's text. Tab and line ends part the members of some payloads.
pub fn is_plain(c: char) -> bool {
    !c.is_control() || matches!(c, '\t' | '\n' | '\r')
}
