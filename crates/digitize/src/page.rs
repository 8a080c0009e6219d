//! What passes between the stages, named for its state: [`Scan`] (decoded), [`CleanPage`] (ready to be read), [`ReadPage`]
//! (words found, kept image encoded).

use serde::{Deserialize, Serialize};
use sohoa_record::manifest::PageState;
use sohoa_record::{Correction, PageCode, PageLook, PageText, Placement, Reason};

/// Eight-bit grey pixels, row by row, no padding; 0 is black.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Grey {
    pub width: u32,
    pub height: u32,
    pub pixels: Vec<u8>,
}

/// The scan as it is kept and shown: for most scans the very bytes of the source.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptImage {
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
    /// How `data` is encoded.
    pub encoding: Encoding,
    /// The encoded image: the stream that goes into the PDF.
    pub data: Vec<u8>,
}

/// Encodings of a kept image. A plain scan keeps its own bytes or pixels; a page that had to be drawn or converted (vector pages,
/// CMYK) is lossless, or JPEG of high quality where that is smaller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Encoding {
    /// A baseline or progressive JPEG file exactly as it came: PDF `DCTDecode`.
    Jpeg {
        /// 1 grey, 3 colour.
        components: u8,
    },
    /// CCITT group 4, one bit a pixel, 0 bits white (PDF `CCITTFaxDecode`, K −1, BlackIs1 false), no end-of-block needed.
    Group4,
    /// Zlib stream of 8-bit samples, row by row: PDF `FlateDecode`.
    Flate {
        /// 1 grey, 3 sRGB.
        components: u8,
    },
}

/// One decoded page.
#[derive(Clone, Debug)]
pub struct Scan {
    /// From 1.
    pub number: u32,
    /// What is kept.
    pub kept: KeptImage,
    /// The same pixels in grey, same size, for the engine.
    pub grey: Grey,
    /// Pixels per inch; 0 when the source does not say and it cannot be told.
    pub dpi: u32,
    /// Quarter turns clockwise, in degrees, that the source itself asks for when it is shown (PDF `/Rotate`, EXIF, TIFF).
    pub rotate_deg: u16,
    /// The source's own text, when it has a trustworthy text layer (born-digital); upright pixels of the kept image.
    pub text: Option<PageText>,
    /// What a reader should know of the page.
    pub flags: Vec<Reason>,
}

/// A page ready to be read: upright, straight, grey.
#[derive(Clone, Debug)]
pub struct CleanPage {
    /// From 1.
    pub number: u32,
    /// Upright, deskewed, and scaled to what the engine reads best.
    pub grey: Grey,
    /// Pixels per inch of `grey`; never 0.
    pub dpi: u32,
    /// Width and height of the upright page at the kept image's scale: the frame of the words' boxes.
    pub upright: (u32, u32),
    /// How the upright page lies on the kept image.
    pub placement: Placement,
    /// Ink in parts per million of the page's pixels.
    pub ink_ppm: u32,
}

impl CleanPage {
    /// Nothing is on the page: less ink than a short word leaves on a sheet.
    pub fn is_blank(&self) -> bool {
        self.ink_ppm < 150
    }

    /// There is so little ink that only the engine can tell a short line from the other side showing through.
    pub fn is_faint(&self) -> bool {
        self.ink_ppm < 3_000
    }
}

/// One page after decode, clean, codes, recognize and correct: all that leaves the page child.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ReadPage {
    /// From 1.
    pub number: u32,
    /// What became of it.
    pub state: PageState,
    /// Why it failed, and flags.
    pub reasons: Vec<Reason>,
    /// Pixels per inch; 0 when unknown.
    pub dpi: u32,
    /// How the upright page lies on the kept image.
    pub placement: Placement,
    /// Its words, as they were read.
    pub text: PageText,
    /// The words that search reads otherwise; none where the words are the source's own.
    pub corrections: Vec<Correction>,
    /// True when the words are the source's own.
    pub born_digital: bool,
    /// QR codes and barcodes on it.
    pub codes: Vec<PageCode>,
    /// What it looks like; none when it has no words of its own.
    pub look: Option<PageLook>,
    /// What is kept; none when the page could not be decoded.
    pub kept: Option<KeptImage>,
}

impl ReadPage {
    /// A page that could not be read, with the reason.
    pub fn failed(number: u32, reason: Reason) -> Self {
        ReadPage {
            number,
            state: PageState::RecognizeFailed,
            reasons: vec![reason],
            dpi: 0,
            placement: Placement::default(),
            text: PageText::default(),
            corrections: Vec::new(),
            born_digital: false,
            codes: Vec::new(),
            look: None,
            kept: None,
        }
    }
}

/// What may be spent on outside bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Bytes of one source file.
    pub max_source_bytes: u64,
    /// Pages of one source file.
    pub max_pages: u32,
    /// Pixels of one page image.
    pub max_page_pixels: u64,
    /// Bytes any one compressed stream may grow to.
    pub max_stream_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            max_source_bytes: 2 << 30,
            max_pages: 5_000,
            // A3 at 600 dpi is 70 million pixels
            max_page_pixels: 120_000_000,
            max_stream_bytes: 512 << 20,
        }
    }
}
