//! The directories (IFD) of a TIFF file, read just far enough to find its pages and to let the `tiff` crate start at any of
//! them (TIFF 6.0 section 2; BigTIFF).

use crate::decode::{DecodeError, SourceBytes};
use crate::page::Limits;
use std::collections::HashSet;
use std::io::{self, Read, Seek, SeekFrom};

/// NewSubfileType bit: a smaller version of another page, not a page (TIFF 6.0 section 8).
const REDUCED: u64 = 1;
const NEW_SUBFILE_TYPE: u16 = 254;
/// Values of one entry that are read at most.
const MAX_VALUES: u64 = 1 << 20;

/// How numbers lie in the file.
#[derive(Clone, Copy)]
pub(super) struct Layout {
    big_endian: bool,
    /// BigTIFF: 8-byte offsets.
    big: bool,
}

impl Layout {
    pub(super) fn of(data: &[u8]) -> Self {
        Layout { big_endian: data.first() == Some(&b'M'), big: data.get(2..4).is_some_and(|magic| magic.contains(&43)) }
    }

    fn number(&self, data: &[u8], at: u64, width: usize) -> Option<u64> {
        let bytes = data.get(usize::try_from(at).ok()?..)?.get(..width)?;
        let fold = |sum: u64, b: &u8| sum << 8 | u64::from(*b);
        Some(if self.big_endian { bytes.iter().fold(0, fold) } else { bytes.iter().rev().fold(0, fold) })
    }

    fn bytes(&self, number: u64, width: usize) -> Vec<u8> {
        if self.big_endian { number.to_be_bytes()[8 - width..].to_vec() } else { number.to_le_bytes()[..width].to_vec() }
    }

    fn offset_width(&self) -> usize {
        if self.big { 8 } else { 4 }
    }

    /// Where the first directory's offset stands.
    fn first_at(&self) -> u64 {
        if self.big { 8 } else { 4 }
    }
}

/// One directory: its entries, and where the next one's offset stands.
pub(super) struct Directory {
    at: u64,
    layout: Layout,
    entries: Vec<Entry>,
    next_at: u64,
}

struct Entry {
    tag: u16,
    kind: u16,
    count: u64,
    /// Where the entry's value or the value's offset stands.
    field_at: u64,
}

impl Directory {
    pub(super) fn read(data: &[u8], at: u64, layout: Layout) -> Option<Self> {
        let (count_width, entry_width) = if layout.big { (8, 20) } else { (2, 12) };
        let count = layout.number(data, at, count_width).filter(|count| *count <= 65_535)?;
        let first = at.checked_add(count_width as u64)?;
        let entry = |i: u64| {
            let at = first + i * entry_width;
            Some(Entry {
                tag: layout.number(data, at, 2)? as u16,
                kind: layout.number(data, at + 2, 2)? as u16,
                count: layout.number(data, at + 4, layout.offset_width())?,
                field_at: at + 4 + layout.offset_width() as u64,
            })
        };
        let entries = (0..count).map_while(entry).collect();
        Some(Directory { at, layout, entries, next_at: first + count * entry_width })
    }

    /// The values of an entry of whole numbers; empty when there is none.
    pub(super) fn values(&self, data: &[u8], tag: u16) -> Vec<u64> {
        let Some(entry) = self.entries.iter().find(|entry| entry.tag == tag) else { return Vec::new() };
        let width = match entry.kind {
            1 | 7 => 1,
            3 => 2,
            4 | 13 => 4,
            16 | 18 => 8,
            _ => return Vec::new(),
        };
        let count = entry.count.min(MAX_VALUES);
        let fits = count * width <= self.layout.offset_width() as u64;
        let from = if fits { Some(entry.field_at) } else { self.layout.number(data, entry.field_at, self.layout.offset_width()) };
        let Some(from) = from else { return Vec::new() };
        (0..count).map_while(|i| self.layout.number(data, from.checked_add(i * width)?, width as usize)).collect()
    }

    /// The first value of an entry, or what TIFF 6.0 says when it is absent.
    pub(super) fn value(&self, data: &[u8], tag: u16, default: u64) -> u64 {
        self.values(data, tag).first().copied().unwrap_or(default)
    }

    fn next(&self, data: &[u8]) -> u64 {
        self.layout.number(data, self.next_at, self.layout.offset_width()).unwrap_or(0)
    }
}

/// The places of all pages' directories, in order. A chain that comes back on itself is cut there, as other readers do;
/// smaller copies of a page are left out.
pub(super) fn pages(data: &[u8], limits: &Limits) -> Result<Vec<u64>, DecodeError> {
    let layout = Layout::of(data);
    let mut next = layout.number(data, layout.first_at(), layout.offset_width()).unwrap_or(0);
    let (mut pages, mut seen) = (Vec::new(), HashSet::new());
    while next != 0 && seen.insert(next) {
        let Some(directory) = Directory::read(data, next, layout) else {
            // A page was promised and its directory is cut off: it is fed all the same, and fails alone.
            if !pages.is_empty() {
                pages.push(next);
            }
            break;
        };
        if !directory.entries.is_empty() && directory.value(data, NEW_SUBFILE_TYPE, 0) & REDUCED == 0 {
            pages.push(next);
        }
        if pages.len() > limits.max_pages as usize || seen.len() > 2 * limits.max_pages as usize {
            return Err(DecodeError::TooManyPages { limit: limits.max_pages });
        }
        next = directory.next(data);
    }
    Ok(pages)
}

/// A file read as if one directory were its first and last, so that each page is reached without walking the chain.
pub(super) struct OnePage {
    bytes: SourceBytes,
    /// What is read in place of the file's own bytes: where, and what.
    patches: Vec<(u64, Vec<u8>)>,
    at: u64,
}

impl OnePage {
    pub(super) fn new(bytes: SourceBytes, directory: &Directory) -> Self {
        let (layout, width) = (directory.layout, directory.layout.offset_width());
        let patches = vec![(layout.first_at(), layout.bytes(directory.at, width)), (directory.next_at, layout.bytes(0, width))];
        OnePage { bytes, patches, at: 0 }
    }

    /// Reads an entry of one short number as if it had another value.
    pub(super) fn pretend(&mut self, directory: &Directory, tag: u16, value: u64) {
        if let Some(entry) = directory.entries.iter().find(|entry| entry.tag == tag) {
            let width = if entry.kind == 3 { 2 } else { 4 };
            self.patches.push((entry.field_at, directory.layout.bytes(value, width)));
        }
    }
}

impl Read for OnePage {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let data = (*self.bytes).as_ref();
        let from = usize::try_from(self.at).ok().and_then(|at| data.get(at..)).unwrap_or_default();
        let count = from.len().min(buffer.len());
        buffer[..count].copy_from_slice(&from[..count]);
        for (at, patch) in &self.patches {
            for (i, byte) in patch.iter().enumerate() {
                if let Some(target) = (at + i as u64).checked_sub(self.at).filter(|target| *target < count as u64) {
                    buffer[target as usize] = *byte;
                }
            }
        }
        self.at += count as u64;
        Ok(count)
    }
}

impl Seek for OnePage {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let end = (*self.bytes).as_ref().len() as u64;
        let at = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::End(by) => end.checked_add_signed(by),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
        };
        self.at = at.ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?;
        Ok(self.at)
    }
}
