//! The C border: the few calls of Leptonica and Tesseract that the stages need, each behind a safe function. All `unsafe` of
//! this crate is in this file and in the one below it.
//!
//! Tesseract's own safe wrappers cannot take the model as bytes nor walk the result, so the calls go through
//! `leptess::capi`. A failed assertion in the C++ library aborts the process; that is why the page child exists.
#![allow(unsafe_code)]

pub mod line_images;

use crate::page::Grey;
use crate::recognize::Part;
use leptess::capi;
use sohoa_record::text::nfc;
use sohoa_record::{Line, PageText, Rect, Word};
use std::ffi::{CStr, CString};
use std::ptr::{NonNull, null_mut};

/// A Leptonica image, freed when dropped.
pub struct Pix(NonNull<capi::Pix>);

impl Drop for Pix {
    fn drop(&mut self) {
        let mut raw = self.0.as_ptr();
        // SAFETY: `raw` came from a Leptonica constructor and nobody else holds it.
        unsafe { capi::pixDestroy(&mut raw) }
    }
}

impl Pix {
    /// An eight-bit image with the pixels of `grey`; none when Leptonica refuses the size.
    pub fn from_grey(grey: &Grey) -> Option<Pix> {
        let (width, height) = (i32::try_from(grey.width).ok()?, i32::try_from(grey.height).ok()?);
        let row_bytes = grey.width as usize;
        if grey.pixels.len() != row_bytes * grey.height as usize || row_bytes == 0 {
            return None;
        }
        // SAFETY: a null result is handled; the data block has `height` rows of `words_per_row` 32-bit words, and each row
        // of `grey` is at most that long. `pixEndianByteSwap` turns byte order into Leptonica's word order.
        unsafe {
            let pix = Pix(NonNull::new(capi::pixCreate(width, height, 8))?);
            let words_per_row = capi::pixGetWpl(pix.0.as_ptr()) as usize;
            let data = capi::pixGetData(pix.0.as_ptr()).cast::<u8>();
            for (y, row) in grey.pixels.chunks_exact(row_bytes).enumerate() {
                std::ptr::copy_nonoverlapping(row.as_ptr(), data.add(y * words_per_row * 4), row_bytes);
            }
            capi::pixEndianByteSwap(pix.0.as_ptr());
            Some(pix)
        }
    }

    /// The pixels of an eight-bit image.
    pub fn into_grey(self) -> Grey {
        let mut grey = Grey { width: 0, height: 0, pixels: Vec::new() };
        // SAFETY: reads `height` rows of `width` bytes, which an eight-bit image has, after its words were put in byte order.
        unsafe {
            let raw = self.0.as_ptr();
            debug_assert_eq!(capi::pixGetDepth(raw), 8);
            grey.width = capi::pixGetWidth(raw) as u32;
            grey.height = capi::pixGetHeight(raw) as u32;
            grey.pixels.reserve_exact(grey.width as usize * grey.height as usize);
            let words_per_row = capi::pixGetWpl(raw) as usize;
            capi::pixEndianByteSwap(raw);
            let data = capi::pixGetData(raw).cast::<u8>();
            for y in 0..grey.height as usize {
                let row = std::slice::from_raw_parts(data.add(y * words_per_row * 4), grey.width as usize);
                grey.pixels.extend_from_slice(row);
            }
        }
        grey
    }

    /// A one-bit copy: darker than `threshold` is ink.
    pub fn to_bilevel(&self, threshold: u8) -> Option<Pix> {
        // SAFETY: takes a valid image, a null result is handled.
        unsafe { Some(Pix(NonNull::new(capi::pixConvertTo1(self.0.as_ptr(), i32::from(threshold)))?)) }
    }

    /// A one-bit copy at half the size; a pixel is ink when two or more of its four were.
    pub fn halved_bilevel(&self) -> Option<Pix> {
        // SAFETY: takes a valid one-bit image, a null result is handled.
        unsafe { Some(Pix(NonNull::new(capi::pixReduceRankBinaryCascade(self.0.as_ptr(), 2, 0, 0, 0))?)) }
    }

    /// The angle in degrees by which the image must be turned clockwise to be straight, with Leptonica's confidence (above 3
    /// is good); none when there is too little on the page. For one-bit images.
    pub fn find_skew(&self) -> Option<(f32, f32)> {
        let (mut angle, mut confidence) = (0f32, 0f32);
        // SAFETY: takes a valid one-bit image and two places to write to.
        let failed = unsafe { capi::pixFindSkew(self.0.as_ptr(), &mut angle, &mut confidence) } != 0;
        (!failed).then_some((angle, confidence))
    }

    /// Evidence for which way text runs, from its ascenders and descenders: (up, left); positive `up` means upright, negative
    /// upside down, positive `left` means the top is at the left. For one-bit images of 150 to 300 dpi.
    pub fn orientation(&self) -> Option<(f32, f32)> {
        let (mut up, mut left) = (0f32, 0f32);
        // SAFETY: takes a valid one-bit image and two places to write to.
        let failed = unsafe { capi::pixOrientDetect(self.0.as_ptr(), &mut up, &mut left, 0, 0) } != 0;
        (!failed).then_some((up, left))
    }

    /// The boxes of the connected components, pixels; for one-bit images.
    pub fn components(&self) -> Vec<Rect> {
        const CONNECTED_BY_CORNERS_TOO: i32 = 8;
        let mut places = Vec::new();
        // SAFETY: takes a valid one-bit image; a null result is handled, and what is not null is freed.
        unsafe {
            let mut boxes = capi::pixConnCompBB(self.0.as_ptr(), CONNECTED_BY_CORNERS_TOO);
            if boxes.is_null() {
                return places;
            }
            for nth in 0..capi::boxaGetCount(boxes) {
                let (mut x, mut y, mut width, mut height) = (0, 0, 0, 0);
                if capi::boxaGetBoxGeometry(boxes, nth, &mut x, &mut y, &mut width, &mut height) == 0 {
                    let [x, y, width, height] = [x, y, width, height].map(|pixels| pixels.max(0) as u32);
                    places.push(Rect { x, y, width, height });
                }
            }
            capi::boxaDestroy(&mut boxes);
        }
        places
    }

    /// What of a one-bit image touches its edge and is as long as a quarter of it: where the glass was not covered. None when
    /// nothing does.
    pub fn edge_shadows(&self) -> Option<Pix> {
        const CONNECTED_BY_CORNERS_TOO: i32 = 8;
        // SAFETY: takes valid one-bit images and a place to write to; null results are handled.
        unsafe {
            let (width, height) = (capi::pixGetWidth(self.0.as_ptr()), capi::pixGetHeight(self.0.as_ptr()));
            let at_edge = Pix(NonNull::new(capi::pixExtractBorderConnComps(self.0.as_ptr(), CONNECTED_BY_CORNERS_TOO))?);
            let long = Pix(NonNull::new(capi::pixSelectBySize(
                at_edge.0.as_ptr(),
                width / 4,
                height / 4,
                CONNECTED_BY_CORNERS_TOO,
                capi::L_SELECT_IF_EITHER as i32,
                capi::L_SELECT_IF_GTE as i32,
                null_mut(),
            ))?);
            let mut empty = 1;
            let failed = capi::pixZero(long.0.as_ptr(), &mut empty) != 0;
            (!failed && empty == 0).then_some(long)
        }
    }

    /// A one-bit image without what is ink in `mask`, which has its size.
    pub fn without(&self, mask: &Pix) -> Option<Pix> {
        // SAFETY: takes valid one-bit images, a null result is handled.
        unsafe { Some(Pix(NonNull::new(capi::pixSubtract(null_mut(), self.0.as_ptr(), mask.0.as_ptr()))?)) }
    }

    /// A one-bit image with twice the width and height.
    pub fn doubled_bilevel(&self) -> Option<Pix> {
        // SAFETY: takes a valid one-bit image, a null result is handled.
        unsafe { Some(Pix(NonNull::new(capi::pixExpandReplicate(self.0.as_ptr(), 2))?)) }
    }

    /// Makes an eight-bit image white where `mask` is ink and three pixels around, which are half dark. What the mask has beyond
    /// the image is nothing.
    pub fn whiten(&mut self, mask: &Pix) -> Option<()> {
        const AROUND: i32 = 2 * 3 + 1;
        const WHITE: u32 = 255;
        // SAFETY: takes a valid one-bit image and a valid eight-bit one that is ours alone (`&mut self`); failure is told.
        unsafe {
            let wider = Pix(NonNull::new(capi::pixDilateBrick(null_mut(), mask.0.as_ptr(), AROUND, AROUND))?);
            (capi::pixSetMasked(self.0.as_ptr(), wider.0.as_ptr(), WHITE) == 0).then_some(())
        }
    }

    /// An eight-bit image turned clockwise around its centre, same size, corners filled with white.
    pub fn turned(&self, degrees_clockwise: f32) -> Option<Pix> {
        // SAFETY: takes a valid eight-bit image, a null result is handled.
        unsafe { Some(Pix(NonNull::new(capi::pixRotateAMGray(self.0.as_ptr(), degrees_clockwise.to_radians(), 255))?)) }
    }

    /// An eight-bit image scaled by `factor` in both directions: each pixel of a smaller one is the mean of those it covers.
    pub fn scaled(&self, factor: f32) -> Option<Pix> {
        // SAFETY: takes a valid eight-bit image, a null result is handled.
        let scaled = unsafe {
            match factor < 0.9 {
                true => capi::pixScaleAreaMap(self.0.as_ptr(), factor, factor),
                false => capi::pixScale(self.0.as_ptr(), factor, factor),
            }
        };
        Some(Pix(NonNull::new(scaled)?))
    }
}

/// The luminance of a JPEG file (grey or three colours, eight bits), which is what it holds: nothing is converted. With it, false
/// when libjpeg found the data cut short or corrupt, which decoders that show what they can of it do not say. None when it cannot
/// be unpacked at all. Its size must have been checked.
pub fn jpeg_luminance(data: &[u8]) -> Option<(Grey, bool)> {
    const FULL_SIZE: i32 = 1;
    let mut warnings = 0;
    let hint = (capi::L_JPEG_READ_LUMINANCE | capi::L_JPEG_CONTINUE_WITH_BAD_DATA) as i32;
    // SAFETY: reads `data` within its length and writes one number; a null result is handled.
    let pix = unsafe { capi::pixReadMemJpeg(data.as_ptr(), data.len(), 0, FULL_SIZE, &mut warnings, hint) };
    let pix = Pix(NonNull::new(pix)?);
    // SAFETY: a valid image.
    let (depth, mapped) = unsafe { (capi::pixGetDepth(pix.0.as_ptr()), !capi::pixGetColormap(pix.0.as_ptr()).is_null()) };
    (depth == 8 && !mapped).then(|| (pix.into_grey(), warnings == 0))
}

/// Red, green and blue of a JPEG file of three colours, each at the size divided by `reduction` (1, 2, 4 or 8), rounded up. Its size must
/// have been checked.
pub fn jpeg_channels(data: &[u8], reduction: u32) -> Option<[Grey; 3]> {
    let hint = capi::L_JPEG_CONTINUE_WITH_BAD_DATA as i32;
    // SAFETY: reads `data` within its length; null results are handled.
    let channels = unsafe {
        let pix = capi::pixReadMemJpeg(data.as_ptr(), data.len(), 0, i32::try_from(reduction).ok()?, null_mut(), hint);
        let pix = Pix(NonNull::new(pix)?);
        if capi::pixGetDepth(pix.0.as_ptr()) != 32 {
            return None;
        }
        [capi::COLOR_RED, capi::COLOR_GREEN, capi::COLOR_BLUE]
            .map(|channel| NonNull::new(capi::pixGetRGBComponent(pix.0.as_ptr(), channel as i32)).map(Pix))
    };
    let [red, green, blue] = channels;
    Some([red?.into_grey(), green?.into_grey(), blue?.into_grey()])
}

/// Name and version of the engine as linked, such as `tesseract 5.3.0`.
pub fn engine_version() -> String {
    // SAFETY: a static NUL-terminated string.
    let version = unsafe { CStr::from_ptr(capi::TessVersion()) };
    format!("tesseract {}", version.to_string_lossy())
}

/// A Tesseract engine with its model loaded.
pub struct Tesseract(NonNull<capi::TessBaseAPI>);

impl Drop for Tesseract {
    fn drop(&mut self) {
        // SAFETY: the handle came from TessBaseAPICreate and nobody else holds it.
        unsafe {
            capi::TessBaseAPIEnd(self.0.as_ptr());
            capi::TessBaseAPIDelete(self.0.as_ptr());
        }
    }
}

/// What differs from Tesseract's defaults.
const SETTINGS: [(&CStr, &CStr); 1] = [
    // The layout does not try on each line whether all its letters are of one width: the network finds the words by itself.
    // (3 % of a page's time; benches/RESULTS.md)
    (c"textord_all_prop", c"1"),
];

impl Tesseract {
    /// An engine that reads `language` with the bytes of its `.traineddata` file; none when they are no model.
    pub fn new(model: &[u8], language: &str) -> Option<Tesseract> {
        line_images::keep_linked();
        let language = CString::new(language).ok()?;
        let size = i32::try_from(model.len()).ok()?;
        // SAFETY: the model's bytes are copied by Tesseract during the call; all list arguments are empty.
        unsafe {
            let engine = Tesseract(NonNull::new(capi::TessBaseAPICreate())?);
            let failed = capi::TessBaseAPIInit5(
                engine.0.as_ptr(),
                model.as_ptr().cast(),
                size,
                language.as_ptr(),
                capi::TessOcrEngineMode_OEM_LSTM_ONLY,
                null_mut(),
                0,
                null_mut(),
                null_mut(),
                0,
                0,
            );
            if failed != 0 {
                return None;
            }
            capi::TessBaseAPISetPageSegMode(engine.0.as_ptr(), capi::TessPageSegMode_PSM_AUTO);
            // An old build may not know a setting; it reads all the same.
            for (name, value) in SETTINGS {
                capi::TessBaseAPISetVariable(engine.0.as_ptr(), name.as_ptr(), value.as_ptr());
            }
            Some(engine)
        }
    }

    /// Reads a page; none when recognition failed. Boxes are pixels of `grey`.
    pub fn recognize(&mut self, grey: &Grey, dpi: u32) -> Option<PageText> {
        let (width, height) = (i32::try_from(grey.width).ok()?, i32::try_from(grey.height).ok()?);
        if grey.pixels.len() != grey.width as usize * grey.height as usize || grey.pixels.is_empty() {
            return None;
        }
        // SAFETY: the pixels outlive recognition and have exactly the announced size; the handle is ours alone (`&mut self`).
        unsafe {
            let api = self.0.as_ptr();
            capi::TessBaseAPISetImage(api, grey.pixels.as_ptr(), width, height, 1, width);
            capi::TessBaseAPISetSourceResolution(api, dpi as i32);
            let failed = capi::TessBaseAPIRecognize(api, null_mut()) != 0;
            let text = if failed { None } else { Some(self.walk(grey.width, grey.height)) };
            capi::TessBaseAPIClear(api);
            text
        }
    }

    /// Reads a part of a page by itself; boxes are pixels of `grey`.
    pub fn recognize_part(&mut self, grey: &Grey, dpi: u32, part: Part) -> Option<PageText> {
        let mode = match part {
            Part::Line | Part::LineOnceMore | Part::Row | Part::RowOnceMore | Part::Rimless(_) => {
                capi::TessPageSegMode_PSM_SINGLE_LINE
            }
            Part::Block => capi::TessPageSegMode_PSM_SINGLE_BLOCK,
        };
        // SAFETY: sets one number of a handle that is ours alone (`&mut self`).
        unsafe { capi::TessBaseAPISetPageSegMode(self.0.as_ptr(), mode) };
        let text = self.recognize(grey, dpi);
        // SAFETY: as above.
        unsafe { capi::TessBaseAPISetPageSegMode(self.0.as_ptr(), capi::TessPageSegMode_PSM_AUTO) };
        text
    }

    /// Collects the words of the last recognition.
    fn walk(&self, width: u32, height: u32) -> PageText {
        let mut page = PageText { width, height, lines: Vec::new() };
        // SAFETY: the iterator is checked for null and freed at the end; the page iterator is a view of it, not a second
        // object; strings are copied before they are freed.
        unsafe {
            let words = capi::TessBaseAPIGetIterator(self.0.as_ptr());
            if words.is_null() {
                return page;
            }
            let place = capi::TessResultIteratorGetPageIterator(words);
            let (word, line, block) = (
                capi::TessPageIteratorLevel_RIL_WORD,
                capi::TessPageIteratorLevel_RIL_TEXTLINE,
                capi::TessPageIteratorLevel_RIL_BLOCK,
            );
            let mut block_number = 0;
            let mut new_line = true;
            loop {
                if capi::TessPageIteratorIsAtBeginningOf(place, block) != 0 {
                    block_number += 1;
                }
                new_line |= capi::TessPageIteratorIsAtBeginningOf(place, line) != 0;
                let raw = capi::TessResultIteratorGetUTF8Text(words, word);
                if !raw.is_null() {
                    let text = nfc(CStr::from_ptr(raw).to_string_lossy().trim());
                    capi::TessDeleteText(raw);
                    let confidence = capi::TessResultIteratorConfidence(words, word).clamp(0.0, 100.0) as u8;
                    if let (Some(rect), false) = (self.rect(place, word), text.is_empty()) {
                        let found = Word { text, rect, confidence };
                        match page.lines.last_mut() {
                            Some(last) if !new_line => last.words.push(found),
                            _ => {
                                let rect = self.rect(place, line).unwrap_or(rect);
                                page.lines.push(Line { words: vec![found], rect, block: block_number });
                                new_line = false;
                            }
                        }
                    }
                }
                if capi::TessResultIteratorNext(words, word) == 0 {
                    break;
                }
            }
            capi::TessResultIteratorDelete(words);
        }
        page
    }

    /// The box of what the iterator stands on.
    ///
    /// # Safety
    /// `place` must be a live page iterator of this engine.
    unsafe fn rect(&self, place: *const capi::TessPageIterator, level: capi::TessPageIteratorLevel) -> Option<Rect> {
        let (mut left, mut top, mut right, mut bottom) = (0, 0, 0, 0);
        // SAFETY: four places to write to; the caller vouches for `place`.
        let found = unsafe { capi::TessPageIteratorBoundingBox(place, level, &mut left, &mut top, &mut right, &mut bottom) };
        if found == 0 || right <= left || bottom <= top || left < 0 || top < 0 {
            return None;
        }
        Some(Rect { x: left as u32, y: top as u32, width: (right - left) as u32, height: (bottom - top) as u32 })
    }
}
