//! Is all of a page there? A file that was cut short, or whose objects were lost, can be read up to there: what a page names and the file
//! does not have is no white paper.

use crate::decode::DecodeError;
use hayro::hayro_syntax::Filter;
use hayro::hayro_syntax::content::ops::TypedInstruction;
use hayro::hayro_syntax::object::{Array, Dict, MaybeRef, Name, Object, Stream};
use hayro::hayro_syntax::page::Page;
use hayro_ccitt::{DecodeSettings, Decoder, DecoderContext, EncodingMode};

/// Refuses a page that is none, or whose instructions are not in the file. Gives what of its images and forms is not, in words: what is left of
/// the page can be read. Forms are not looked into.
pub(super) fn check(page: &Page<'_>, number: u32) -> Result<Option<String>, DecodeError> {
    let damaged = |cause: String| DecodeError::PageDamaged { page: number, cause };
    let raw = page.raw();
    if !raw.contains_key(b"Contents") {
        // A page without instructions is white paper; something else in the place of a page is not.
        let is_page = raw.get::<Name<'_>>(b"Type").is_some_and(|kind| kind.as_ref() == b"Page");
        return if is_page { Ok(None) } else { Err(damaged("what the page tree names is no page".into())) };
    }
    if raw.get::<Stream<'_>>(b"Contents").is_none() {
        let missing = || damaged("its drawing instructions are missing or cut off".into());
        let parts = raw.get::<Array<'_>>(b"Contents").ok_or_else(missing)?;
        let is_there = |part: MaybeRef<Object<'_>>| match part {
            MaybeRef::Ref(reference) => page.xref().get::<Stream<'_>>(reference.into()).is_some(),
            MaybeRef::NotRef(_) => true,
        };
        if !parts.raw_iter().all(is_there) {
            return Err(missing());
        }
    }
    let mut operations = page.typed_operations();
    while let Some(operation) = operations.next() {
        if let TypedInstruction::XObject(shown) = operation
            && page.resources().get_x_object(shown.0).is_none()
        {
            let name = String::from_utf8_lossy(shown.0.as_ref()).escape_debug().to_string();
            return Ok(Some(format!("its image '{name}' is missing or cut off")));
        }
    }
    Ok(None)
}

/// True when a fax's data ends, or makes no sense any more, before its last row.
pub(super) fn is_cut_fax(stream: &Stream<'_>, height: u32) -> bool {
    if stream.filters().as_slice() != [Filter::CcittFaxDecode] {
        return false;
    }
    let dict = stream.dict();
    let parms = dict.get::<Dict<'_>>(b"DecodeParms").or_else(|| dict.get::<Array<'_>>(b"DecodeParms")?.iter::<Dict<'_>>().next());
    let number = |key: &[u8], otherwise: i32| parms.as_ref().and_then(|parms| parms.get::<i32>(key)).unwrap_or(otherwise);
    let flag = |key: &[u8], otherwise: bool| parms.as_ref().and_then(|parms| parms.get::<bool>(key)).unwrap_or(otherwise);
    let settings = DecodeSettings {
        columns: u32::try_from(number(b"Columns", 1728)).unwrap_or(0),
        rows: height,
        end_of_block: flag(b"EndOfBlock", true),
        end_of_line: flag(b"EndOfLine", false),
        rows_are_byte_aligned: flag(b"EncodedByteAlign", false),
        encoding: match number(b"K", 0) {
            ..0 => EncodingMode::Group4,
            0 => EncodingMode::Group3_1D,
            1.. => EncodingMode::Group3_2D,
        },
        strict: false,
    };
    let mut rows = Rows(0);
    hayro_ccitt::decode(&stream.raw_data(), &mut rows, &mut DecoderContext::new(settings)).is_err() && rows.0 < height
}

/// Counts rows.
struct Rows(u32);

impl Decoder for Rows {
    fn push_row(&mut self, _: &[u32]) {
        self.0 += 1;
    }
}
