//! Codes: QR (ISO/IEC 18004, TCVN 7322), Code 128 (ISO/IEC 15417), Code 39 (ISO/IEC 16388) and the patch code T on a page's
//! own pixels.
//!
//! A page of print has none, so the page is first looked through for what may be one ([`blocks`]: cheap), and only those parts
//! are given to the decoder. Work is bounded by the number of parts, their pixels and the tries on each; the decoder is third-party
//! code on outside pixels, so a panic of it costs that part alone. What codes mean for a batch is told in [`sheets`], what a QR
//! on a paper says in [`payload`].

mod blocks;
pub mod draw;
mod lettering;
mod patch;
pub mod payload;
mod pixels;
pub mod print;
pub mod sheets;
mod symbols;

use crate::page::Grey;
use sohoa_record::page_code::{MOST_CODES, MOST_LETTERS, is_plain};
use sohoa_record::{CodeKind, PageCode, Rect};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// What was found on a page, in pixels of the image that was looked through.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// At most [`MOST_CODES`], from the top.
    pub codes: Vec<PageCode>,
    /// What looks like a code and was not read.
    pub unread: Vec<Rect>,
}

/// What a patch code T says, and what a barcode says that stands for one.
pub const PATCH_T: &str = "PATCHT";

/// Looks for codes. `dpi` is the image's resolution, pixels an inch.
pub fn read(grey: &Grey, dpi: u32) -> Found {
    // Third-party code saw outside pixels: whatever it did, it is dropped with its results.
    catch_unwind(AssertUnwindSafe(|| look(grey, dpi))).unwrap_or_default()
}

fn look(grey: &Grey, dpi: u32) -> Found {
    let mut found = Found::default();
    let Some(view) = pixels::View::new(grey, dpi) else { return found };
    // A QR code's finder pattern is crossed by a row every sixtieth of an inch; bars are longer.
    let (rows, columns) = (view.rows((view.dpi / 60).max(2)), view.columns((view.dpi / 30).max(2)));
    for rect in patch::find(&rows, &columns, view.dpi) {
        found.codes.push(PageCode { kind: CodeKind::PatchT, text: PATCH_T.into(), rect });
    }
    for block in blocks::find(&view, &rows, &columns) {
        let symbols = catch_unwind(AssertUnwindSafe(|| symbols::read(grey, &block))).unwrap_or_default();
        if symbols.is_empty() {
            found.unread.push(block.rect);
        }
        found.codes.extend(symbols.into_iter().filter_map(|(kind, text)| code(kind, &text, block.rect)));
    }
    // One code may be cut into two blocks, or lie in a larger one.
    found.codes.sort_by(|a, b| (a.rect.y, a.rect.x, a.kind, &a.text).cmp(&(b.rect.y, b.rect.x, b.kind, &b.text)));
    let mut codes: Vec<PageCode> = Vec::new();
    for code in found.codes {
        match codes.iter_mut().find(|seen| (seen.kind, &seen.text) == (code.kind, &code.text) && touch(&seen.rect, &code.rect)) {
            Some(seen) => seen.rect = seen.rect.union(&code.rect),
            None => codes.push(code),
        }
    }
    codes.truncate(MOST_CODES);
    found.unread.retain(|rect| !codes.iter().any(|code| touch(&code.rect, rect)));
    found.codes = codes;
    found
}

/// What is decoded becomes text: a code that is not text, or endless, is none of ours.
fn code(kind: CodeKind, text: &str, rect: Rect) -> Option<PageCode> {
    let text = sohoa_record::text::nfc(text);
    let text = text.trim_matches(['\u{0}', ' ', '\r', '\n']).to_owned();
    let plain = text.chars().all(is_plain);
    (plain && !text.is_empty() && text.chars().count() <= MOST_LETTERS).then_some(PageCode { kind, text, rect })
}

fn touch(a: &Rect, b: &Rect) -> bool {
    a.x < b.right() && b.x < a.right() && a.y < b.bottom() && b.y < a.bottom()
}

/// A rectangle of the kept image on the page turned clockwise by quarter turns.
pub fn turned(rect: Rect, kept: (u32, u32), rotated_deg: u16) -> Rect {
    let Rect { x, y, width, height } = rect;
    match rotated_deg {
        90 => Rect { x: kept.1.saturating_sub(y + height), y: x, width: height, height: width },
        180 => Rect { x: kept.0.saturating_sub(x + width), y: kept.1.saturating_sub(y + height), width, height },
        270 => Rect { x: y, y: kept.0.saturating_sub(x + width), width: height, height: width },
        _ => rect,
    }
}

#[cfg(test)]
mod tests;
