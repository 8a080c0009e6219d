//! Outside bytes in, page images out: each page's own scan at its own resolution, within limits.
//!
//! What a file is, is told by its content, not its name; a picture under another picture's name is simply taken. A page that
//! is only a scan keeps the very bytes of its image; any other page is drawn. It runs in the page child: whatever third-party
//! code does to it, a typed reason is better, so sizes are checked before anything is unpacked. It does *not* judge
//! signatures, turn pages or read words.

mod jpeg;
mod pdf;
mod pixels;
mod raster;
mod seal;
mod tiff_file;
mod vietnamese;

use crate::page::{Limits, Scan};
use sohoa_record::Reason;
use sohoa_record::manifest::IncomingSignature;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

/// Why a file, or one page of it, cannot be taken.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// No bytes.
    #[error("the file is empty: scan or send it again")]
    Empty,
    /// Not one of our formats, by content and by name.
    #[error("the file is neither PDF, TIFF, JPEG nor PNG: convert it to one of them")]
    UnknownFormat,
    /// Named as one of ours, but something else.
    #[error("the file's name says '.{extension}', its content is {content}: check and rename it")]
    NameMismatch {
        /// As in the name, lower case.
        extension: String,
        /// What it seems to be.
        content: &'static str,
    },
    /// Opens only with a password.
    #[error("the PDF needs a password to open: remove it and send the file again")]
    Encrypted,
    /// Cannot be opened.
    #[error("the file is damaged or cut short ({0}): scan or copy it again")]
    Damaged(String),
    /// Nothing in it.
    #[error("the file has no pages: scan it again")]
    NoPages,
    /// More than the limit.
    #[error("the file has more than {limit} pages: split it")]
    TooManyPages {
        /// [`Limits::max_pages`].
        limit: u32,
    },
    /// More than the limit.
    #[error("the file has {bytes} bytes, the limit is {limit}: split it or scan at a lower resolution")]
    TooLarge {
        /// Of the file.
        bytes: u64,
        /// [`Limits::max_source_bytes`].
        limit: u64,
    },
    /// One page's image, or what it unpacks to, is over a limit.
    #[error("page {page} is too large ({what}): scan it again at a lower resolution")]
    PageTooLarge {
        /// From 1.
        page: u32,
        /// What is over which limit.
        what: String,
    },
    /// One page cannot be read.
    #[error("page {page} is damaged ({cause}): scan it again")]
    PageDamaged {
        /// From 1.
        page: u32,
        /// What went wrong.
        cause: String,
    },
}

impl DecodeError {
    /// The reason code that goes on record.
    pub fn reason(&self) -> Reason {
        match self {
            DecodeError::Empty => Reason::Empty,
            DecodeError::UnknownFormat => Reason::UnknownFormat,
            DecodeError::NameMismatch { .. } => Reason::NameMismatch,
            DecodeError::Encrypted => Reason::Encrypted,
            DecodeError::Damaged(_) => Reason::Damaged,
            DecodeError::NoPages => Reason::NoPages,
            DecodeError::TooManyPages { .. } => Reason::TooManyPages,
            DecodeError::TooLarge { .. } => Reason::TooLarge,
            DecodeError::PageTooLarge { .. } => Reason::PageTooLarge,
            DecodeError::PageDamaged { .. } => Reason::PageDamaged,
        }
    }
}

/// The bytes of a file; a memory map serves as well as a vector.
pub type SourceBytes = Arc<dyn AsRef<[u8]> + Send + Sync>;

/// A file whose pages can be read.
pub struct Opened {
    source: Source,
    bytes: SourceBytes,
}

enum Source {
    Pdf(Box<pdf::PdfFile>),
    Tiff(tiff_file::TiffFile),
    Image(raster::ImageFile),
}

/// Tells what a file is, looks through its structure, and refuses with a reason what cannot be taken. Nothing is unpacked
/// yet; `file_name` only serves to tell a wrong name from an unknown format.
pub fn open(bytes: SourceBytes, file_name: &str, limits: &Limits) -> Result<Opened, DecodeError> {
    let data = (*bytes).as_ref();
    if data.is_empty() {
        return Err(DecodeError::Empty);
    }
    if data.len() as u64 > limits.max_source_bytes {
        return Err(DecodeError::TooLarge { bytes: data.len() as u64, limit: limits.max_source_bytes });
    }
    let Some(format) = format_of(data) else { return Err(unknown(data, file_name)) };
    let opened = guarded(|| {
        let source = match format {
            Format::Pdf => Source::Pdf(Box::new(pdf::PdfFile::open(bytes.clone(), limits)?)),
            Format::Tiff => Source::Tiff(tiff_file::TiffFile::open(bytes.clone(), limits)?),
            Format::Jpeg | Format::Png => Source::Image(raster::ImageFile::open(bytes.clone(), format == Format::Png, limits)?),
        };
        Ok(Opened { source, bytes: bytes.clone() })
    });
    match opened.unwrap_or_else(|| Err(DecodeError::Damaged("its structure cannot be followed".into()))) {
        // What only speaks of PDF, and has no part of one, is no PDF that was cut short.
        Err(DecodeError::Damaged(_))
            if format == Format::Pdf
                && !data.starts_with(b"%PDF-")
                && foreign_content(data).is_some()
                && ![&b" obj"[..], b"xref", b"trailer"].into_iter().any(|part| has(data, part)) =>
        {
            Err(unknown(data, file_name))
        }
        opened => opened,
    }
}

impl Opened {
    /// `application/pdf`, `image/tiff`, `image/jpeg` or `image/png`.
    pub fn media_type(&self) -> &'static str {
        match &self.source {
            Source::Pdf(_) => "application/pdf",
            Source::Tiff(_) => "image/tiff",
            Source::Image(image) => image.media_type(),
        }
    }

    /// The bytes of the file.
    pub fn bytes(&self) -> &[u8] {
        (*self.bytes).as_ref()
    }

    /// At least 1.
    pub fn page_count(&self) -> u32 {
        match &self.source {
            Source::Pdf(pdf) => pdf.page_count(),
            Source::Tiff(tiff) => tiff.page_count(),
            Source::Image(_) => 1,
        }
    }

    /// The signatures a PDF carries, in the order of its form fields; listed and not judged.
    pub fn signatures(&self) -> &[IncomingSignature] {
        match &self.source {
            Source::Pdf(pdf) => pdf.signatures(),
            _ => &[],
        }
    }

    /// Decodes page `number`, from 1. An error is that page's alone: the others can still be read.
    pub fn page(&mut self, number: u32) -> Result<Scan, DecodeError> {
        let damaged = |cause: &str| DecodeError::PageDamaged { page: number, cause: cause.into() };
        if number == 0 || number > self.page_count() {
            return Err(damaged("there is no such page"));
        }
        let source = &mut self.source;
        guarded(|| match source {
            Source::Pdf(pdf) => pdf.page(number),
            Source::Tiff(tiff) => tiff.page(number),
            Source::Image(image) => image.page(),
        })
        .unwrap_or_else(|| Err(damaged("its data broke the decoder")))
    }
}

fn has(data: &[u8], words: &[u8]) -> bool {
    data.windows(words.len()).any(|window| window == words)
}

/// Third-party decoders may panic on hostile bytes; nothing of theirs is used again afterwards but what is immutable.
fn guarded<T>(work: impl FnOnce() -> T) -> Option<T> {
    catch_unwind(AssertUnwindSafe(work)).ok()
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Format {
    Pdf,
    Tiff,
    Jpeg,
    Png,
}

/// A PDF's header may stand behind other bytes: the standard's old note says within the first 1,024, readers look further;
/// scanners and mail gateways put their own in front.
const PDF_HEADER_WITHIN: usize = 2048;

/// A PDF whose start was cut off or overwritten still ends like one; readers find their way from there.
const PDF_END_WITHIN: usize = 1024;

fn format_of(data: &[u8]) -> Option<Format> {
    let starts = |magic: &[u8]| data.starts_with(magic);
    if starts(b"\xff\xd8\xff") {
        Some(Format::Jpeg)
    } else if starts(b"\x89PNG\r\n\x1a\n") {
        Some(Format::Png)
    } else if starts(b"II*\0") || starts(b"MM\0*") || starts(b"II+\0") || starts(b"MM\0+") {
        Some(Format::Tiff)
    } else if data[..data.len().min(PDF_HEADER_WITHIN)].windows(5).any(|w| w == b"%PDF-")
        || data[data.len().saturating_sub(PDF_END_WITHIN)..].windows(9).any(|w| w == b"startxref")
    {
        Some(Format::Pdf)
    } else {
        None
    }
}

/// The reason for content that is not ours. Under one of our names it is something else that was misnamed, or, when nothing
/// is recognized in it, one of ours that is damaged at its start.
fn unknown(data: &[u8], file_name: &str) -> DecodeError {
    let extension = file_name.rsplit_once('.').map(|(_, extension)| extension.to_lowercase()).unwrap_or_default();
    if !["pdf", "tif", "tiff", "jpg", "jpeg", "jpe", "jfif", "png"].contains(&extension.as_str()) {
        return DecodeError::UnknownFormat;
    }
    match foreign_content(data) {
        Some(content) => DecodeError::NameMismatch { extension, content },
        None => DecodeError::Damaged(format!("it does not begin as a {extension} file does")),
    }
}

fn foreign_content(data: &[u8]) -> Option<&'static str> {
    const KNOWN: [(&[u8], &str); 16] = [
        (b"MZ", "a Windows program"),
        (b"\x7fELF", "a Linux program"),
        (b"#!", "a script"),
        (b"PK\x03\x04", "a ZIP archive or an office document"),
        (b"Rar!", "a RAR archive"),
        (b"7z\xbc\xaf", "a 7-Zip archive"),
        (b"\x1f\x8b", "a gzip archive"),
        (b"\xd0\xcf\x11\xe0", "an old office document"),
        (b"{\\rtf", "an RTF document"),
        (b"GIF8", "a GIF picture"),
        (b"BM", "a BMP picture"),
        (b"RIFF", "a WebP picture or a sound"),
        (b"\0\0\x01\0", "an icon"),
        (b"%!PS", "PostScript"),
        (b"\xff\xfe", "text in UTF-16"),
        (b"\xfe\xff", "text in UTF-16"),
    ];
    let start = data[..data.len().min(512)].trim_ascii_start();
    let start = start.strip_prefix(b"\xef\xbb\xbf").unwrap_or(start).to_ascii_lowercase();
    if start.starts_with(b"<!doctype html") || start.starts_with(b"<html") {
        return Some("a web page");
    }
    if start.starts_with(b"<?xml") || start.starts_with(b"<svg") {
        return Some("an XML document");
    }
    if let Some((_, name)) = KNOWN.iter().find(|(magic, _)| data.starts_with(magic)) {
        return Some(name);
    }
    if data.get(4..8) == Some(b"ftyp") {
        return Some("a HEIC picture or a film");
    }
    is_text(data).then_some("plain text")
}

/// True when the beginning has no control characters but those of text. In so many bytes no picture is without them; fewer must be UTF-8 too, where a
/// letter may be cut at their end. What is shorter than any magic, or the beginning of one, tells nothing.
fn is_text(data: &[u8]) -> bool {
    const CERTAIN: usize = 256;
    let head = &data[..data.len().min(512)];
    let plain = |b: &u8| matches!(b, b'\t' | b'\n' | b'\r' | 0x0c | 0x20..=0x7e | 0x80..);
    let is_utf8 = std::str::from_utf8(head).map_or_else(|error| head.len() < data.len() && error.error_len().is_none(), |_| true);
    head.len() > 4 && head.iter().all(plain) && (is_utf8 || head.len() >= CERTAIN)
}
