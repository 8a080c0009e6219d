//! PDF files. A page that is only a scan keeps its image's own bytes (`keep`); any other page is drawn (`draw`), and its text
//! is taken along when it is the page's own and can be trusted (`text`). `survey` tells which is which.

mod draw;
mod guard;
mod keep;
mod pages;
mod signatures;
mod survey;
mod text;
mod whole;
mod witness;

use super::{DecodeError, SourceBytes};
use crate::page::{Limits, Scan};
use hayro::hayro_syntax::{DecryptionError, LoadPdfError, Pdf};
use sohoa_record::Reason;
use sohoa_record::manifest::IncomingSignature;
use std::sync::Arc;

/// A PDF file that opens without a password.
pub(super) struct PdfFile {
    pdf: Pdf,
    bytes: SourceBytes,
    witness: witness::Witness,
    /// For each page its place among those that could be read.
    pages: Vec<Option<usize>>,
    signatures: Vec<IncomingSignature>,
    limits: Limits,
}

/// Bytes behind a sized type, as hayro asks.
struct Bytes(SourceBytes);

impl AsRef<[u8]> for Bytes {
    fn as_ref(&self) -> &[u8] {
        (*self.0).as_ref()
    }
}

impl PdfFile {
    pub(super) fn open(bytes: SourceBytes, limits: &Limits) -> Result<Self, DecodeError> {
        let pdf = match Pdf::new(Arc::new(Bytes(bytes.clone()))) {
            Ok(pdf) => pdf,
            Err(LoadPdfError::Decryption(DecryptionError::PasswordProtected)) => return Err(DecodeError::Encrypted),
            Err(LoadPdfError::Decryption(error)) => return Err(DecodeError::Damaged(format!("its encryption: {error:?}"))),
            Err(LoadPdfError::Invalid) => repaired((*bytes).as_ref(), limits)?,
        };
        let pages = pages::list(&pdf, limits)?;
        let signatures = signatures::list(&pdf, (*bytes).as_ref());
        Ok(PdfFile { pdf, bytes, witness: witness::Witness::default(), pages, signatures, limits: *limits })
    }

    pub(super) fn page_count(&self) -> u32 {
        self.pages.len() as u32
    }

    pub(super) fn signatures(&self) -> &[IncomingSignature] {
        &self.signatures
    }

    pub(super) fn page(&mut self, number: u32) -> Result<Scan, DecodeError> {
        let damaged = |cause: &str| DecodeError::PageDamaged { page: number, cause: cause.into() };
        let at = self.pages.get(number as usize - 1).copied().flatten();
        let page = at.and_then(|at| self.pdf.pages().get(at)).ok_or_else(|| damaged("its dictionary cannot be read"))?;
        guard::content(page, number, &self.limits)?;
        let lost = whole::check(page, number)?;
        let survey = survey::survey(page, number, &self.limits)?;
        if let Some(mut scan) = keep::scan(page, &survey, number, &self.limits)? {
            if lost.is_some() {
                scan.flags = vec![Reason::PageDamaged];
            }
            return Ok(scan);
        }
        let mut scan = draw::page(page, &survey, number, lost, &self.limits)?;
        let text = text::born_digital(page, &survey, (scan.grey.width, scan.grey.height));
        scan.text = text.filter(|text| self.witness.agrees((*self.bytes).as_ref(), number, &text.text()));
        Ok(scan)
    }
}

/// A second look at a file whose cross-reference hayro cannot find or rebuild: lopdf's, which looks for objects everywhere.
fn repaired(data: &[u8], limits: &Limits) -> Result<Pdf, DecodeError> {
    let damaged = |cause: String| DecodeError::Damaged(cause);
    let options = lopdf::LoadOptions {
        max_decompressed_size: Some(limits.max_stream_bytes as usize),
        force_reconstruct: true,
        ..Default::default()
    };
    let mut document = lopdf::Document::load_mem_with_options(data, options).map_err(|e| damaged(e.to_string()))?;
    if document.is_encrypted() {
        return Err(DecodeError::Encrypted);
    }
    let mut rewritten = Vec::new();
    document.save_to(&mut rewritten).map_err(|e| damaged(e.to_string()))?;
    Pdf::new(rewritten).map_err(|_| damaged("no page can be found in it".into()))
}
