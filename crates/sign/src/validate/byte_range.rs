//! The bytes that a signature covers. The rules are strict, since a range that leaves out anything but the signature itself is how
//! wrapping attacks work: it starts at the file's first byte, has one hole, the hole is the value of /Contents in that very
//! dictionary and nothing else, and it ends where a revision of the file ends.

use super::document::{Signature, lead, resolve};
use lopdf::xref::XrefEntry;
use lopdf::{Document, Object};
use sohoa_record::signature::Finding;

/// A signature dictionary beside its hole is not longer.
const MAX_DICTIONARY: usize = 1 << 20;

/// A range that keeps to the rules.
#[derive(Debug)]
pub(super) struct Covered<'a> {
    /// Before and after the hole.
    pub parts: [&'a [u8]; 2],
    /// What the hole says: the signature's container, zeros behind it.
    pub contents: Vec<u8>,
    /// Where the covered revision ends in the file.
    pub end: usize,
    /// The file ends there, but for line ends.
    pub is_whole_file: bool,
}

/// The numbers of /ByteRange.
pub(super) fn numbers(document: &Document, signature: &Signature) -> Option<[usize; 4]> {
    let Object::Array(range) = resolve(document, signature.dictionary.get(b"ByteRange").ok()?).1 else { return None };
    let numbers: Option<Vec<usize>> =
        range.iter().take(5).map(|n| usize::try_from(resolve(document, n).1.as_i64().ok()?).ok()).collect();
    numbers?.try_into().ok()
}

/// What the signature covers, or the rule that its range breaks.
pub(super) fn covered<'a>(document: &Document, signature: &Signature, data: &'a [u8]) -> Result<Covered<'a>, Finding> {
    let [start, first, second, length] = numbers(document, signature).ok_or(Finding::RangeMalformed)?;
    if start != 0 || lead(data) != 0 {
        return Err(Finding::RangeStart);
    }
    let end = second.checked_add(length).filter(|end| *end <= data.len()).ok_or(Finding::RangeMalformed)?;
    let hole = data.get(first..second).ok_or(Finding::RangeMalformed)?;
    let digits = hole.strip_prefix(b"<").and_then(|hole| hole.strip_suffix(b">")).ok_or(Finding::RangeHole)?;
    let contents = unhex(digits).ok_or(Finding::RangeHole)?;
    if !is_value_of(document, signature, data, first, second) {
        return Err(Finding::RangeHole);
    }
    if !data[..end].trim_ascii_end().ends_with(b"%%EOF") {
        return Err(Finding::RangeEnd);
    }
    let is_whole_file = data[end..].iter().all(u8::is_ascii_whitespace);
    Ok(Covered { parts: [&data[..first], &data[second..end]], contents, end, is_whole_file })
}

/// True when the hole is the value of the only /Contents in the object of the signature.
fn is_value_of(document: &Document, signature: &Signature, data: &[u8], first: usize, second: usize) -> bool {
    let Some(XrefEntry::Normal { offset, .. }) = signature.id.and_then(|id| document.reference_table.get(id.0)) else {
        return false;
    };
    let Some(before) = data.get(*offset as usize..first) else { return false };
    let after = &data[second..data.len().min(second + MAX_DICTIONARY)];
    let Some(end) = after.windows(6).position(|window| window == b"endobj") else { return false };
    let count = |name: &[u8]| [before, &after[..end]].iter().map(|part| occurrences(part, name)).sum::<usize>();
    before.len() <= MAX_DICTIONARY
        && before.trim_ascii_end().ends_with(b"/Contents")
        && occurrences(before, b"endobj") == 0
        && count(b"/Contents") == 1
        && count(b"/ByteRange") == 1
}

/// How often the name stands there, whole.
pub(super) fn occurrences(data: &[u8], name: &[u8]) -> usize {
    let ends = |at: usize| data.get(at).is_none_or(|byte| !byte.is_ascii_alphanumeric());
    data.windows(name.len()).enumerate().filter(|(at, window)| *window == name && ends(at + name.len())).count()
}

fn unhex(digits: &[u8]) -> Option<Vec<u8>> {
    let values: Option<Vec<u8>> = digits.iter().map(|byte| char::from(*byte).to_digit(16).map(|digit| digit as u8)).collect();
    let values = values?;
    // ISO 32000-2 7.3.4.3: a missing last digit is zero
    Some(values.chunks(2).map(|pair| pair[0] << 4 | pair.get(1).copied().unwrap_or(0)).collect())
}
