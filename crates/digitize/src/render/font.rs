//! The font of the invisible words: a TrueType program with one empty glyph, so that no font's licence, size or missing
//! Vietnamese letter matters; the characters themselves are told by `ToUnicode`.

use super::deflate;
use pdf_writer::types::{CidFontType, FontFlags, SystemInfo, UnicodeCmap};
use pdf_writer::{Chunk, Filter, Finish, Name, Rect, Ref, Str};
use std::collections::HashMap;

/// Units per em of the font, and of the numbers below.
pub(super) const UNITS: i16 = 1000;
/// Every character's width.
pub(super) const ADVANCE: i16 = 500;
/// Top of a line above its baseline.
pub(super) const ASCENT: i16 = 800;
/// Bottom of a line, below its baseline.
pub(super) const DESCENT: i16 = -200;

/// No subset tag: the font is whole, so no CIDSet is asked for (ISO 19005-1 6.3.5).
const NAME: &[u8] = b"SohoaGlyphless";
const IDENTITY: SystemInfo<'_> = SystemInfo { registry: Str(b"Adobe"), ordering: Str(b"Identity"), supplement: 0 };

/// The characters used so far; a character's code (CID) is its place in the order of first use, from 1.
#[derive(Default)]
pub(super) struct CharacterSet {
    codes: HashMap<char, u16>,
    characters: Vec<char>,
}

impl CharacterSet {
    pub(super) fn is_empty(&self) -> bool {
        self.characters.is_empty()
    }

    /// Two bytes a character (Identity-H). Characters beyond the 65,534th become the replacement character.
    pub(super) fn encode(&mut self, text: &str) -> Vec<u8> {
        text.chars().flat_map(|c| self.code(c).to_be_bytes()).collect()
    }

    fn code(&mut self, c: char) -> u16 {
        // control characters have no place in a line, and U+0000, U+FEFF, U+FFFE may not stand in ToUnicode (ISO 19005-2 6.2.11.7.2)
        let c = if c.is_control() || matches!(c, '\u{feff}' | '\u{fffe}') { char::REPLACEMENT_CHARACTER } else { c };
        if let Some(code) = self.codes.get(&c) {
            return *code;
        }
        if self.characters.len() >= usize::from(u16::MAX) - 1 {
            return self.codes.get(&char::REPLACEMENT_CHARACTER).copied().unwrap_or(1);
        }
        self.characters.push(c);
        let code = self.characters.len() as u16;
        self.codes.insert(c, code);
        code
    }
}

/// The numbers of the font's objects.
pub(super) struct Ids {
    pub(super) font: Ref,
    pub(super) descendant: Ref,
    pub(super) descriptor: Ref,
    pub(super) program: Ref,
    pub(super) glyph_map: Ref,
    pub(super) to_unicode: Ref,
}

/// The font's objects, each in its own chunk.
pub(super) fn objects(characters: &CharacterSet, ids: &Ids) -> Vec<(Ref, Chunk)> {
    let object = |write: &dyn Fn(&mut Chunk)| {
        let mut chunk = Chunk::new();
        write(&mut chunk);
        chunk
    };
    vec![
        (
            ids.font,
            object(&|chunk| {
                chunk
                    .type0_font(ids.font)
                    .base_font(Name(NAME))
                    .encoding_predefined(Name(b"Identity-H"))
                    .descendant_font(ids.descendant)
                    .to_unicode(ids.to_unicode);
            }),
        ),
        (
            ids.descendant,
            object(&|chunk| {
                chunk
                    .cid_font(ids.descendant)
                    .subtype(CidFontType::Type2)
                    .base_font(Name(NAME))
                    .system_info(IDENTITY)
                    .font_descriptor(ids.descriptor)
                    .default_width(f32::from(ADVANCE))
                    .cid_to_gid_map_stream(ids.glyph_map);
            }),
        ),
        (
            ids.descriptor,
            object(&|chunk| {
                chunk
                    .font_descriptor(ids.descriptor)
                    .name(Name(NAME))
                    .flags(FontFlags::SYMBOLIC | FontFlags::FIXED_PITCH)
                    .bbox(Rect::new(0.0, f32::from(DESCENT), f32::from(ADVANCE), f32::from(ASCENT)))
                    .italic_angle(0.0)
                    .ascent(f32::from(ASCENT))
                    .descent(f32::from(DESCENT))
                    .cap_height(f32::from(ASCENT))
                    .stem_v(80.0)
                    .font_file2(ids.program);
            }),
        ),
        (
            ids.program,
            object(&|chunk| {
                let program = true_type();
                let bytes = deflate(&program);
                let mut stream = chunk.stream(ids.program, &bytes);
                stream.filter(Filter::FlateDecode).pair(Name(b"Length1"), program.len() as i32);
                stream.finish();
            }),
        ),
        (
            ids.glyph_map,
            object(&|chunk| {
                // code 0 is .notdef, every other the empty glyph
                let mut map = vec![0u8, 0];
                map.extend(characters.characters.iter().flat_map(|_| [0u8, 1]));
                chunk.stream(ids.glyph_map, &deflate(&map)).filter(Filter::FlateDecode);
            }),
        ),
        (
            ids.to_unicode,
            object(&|chunk| {
                let mut cmap = UnicodeCmap::<u16>::new(Name(b"Adobe-Identity-UCS"), IDENTITY);
                for (i, c) in characters.characters.iter().enumerate() {
                    cmap.pair(i as u16 + 1, *c);
                }
                chunk.stream(ids.to_unicode, &deflate(&cmap.finish())).filter(Filter::FlateDecode);
            }),
        ),
    ]
}

/// The font program (ISO/IEC 14496-22, the tables ISO 32000-1 9.9 asks for and those that readers expect): two glyphs,
/// `.notdef` and one empty, both as wide as [`ADVANCE`].
fn true_type() -> Vec<u8> {
    let glyf = table(&[&[0, 0, 0, 0, ADVANCE, 0]]); // no contours, box 0 0 500 0, no instructions; padded
    let loca = table(&[&[0, 0, glyf.len() as i16 / 2]]); // short offsets, halved: .notdef has no data, glyph 1 has all
    let hmtx = table(&[&[ADVANCE, 0, ADVANCE, 0]]);
    let hhea = table(&[&[1, 0, ASCENT, DESCENT, 0, ADVANCE, 0, 0, ADVANCE, 1, 0, 0, 0, 0, 0, 0, 0, 2]]);
    let maxp = table(&[&[1, 0, 2, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0]]);
    let head = head();
    // format 4, segments U+0020 → glyph 1 and the closing U+FFFF; the PDF goes by CIDToGIDMap, other readers by this
    let cmap = table(&[&[0, 1, 3, 1, 0, 12], &[4, 32, 0, 4, 4, 1, 0, 0x20, -1, 0, 0x20, -1, 1 - 0x20, 1, 0, 0]]);
    let post = table(&[&[3, 0, 0, 0, -100, 50, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0]]);
    let tables: [(&[u8; 4], Vec<u8>); 10] = [
        (b"OS/2", os2()),
        (b"cmap", cmap),
        (b"glyf", glyf),
        (b"head", head),
        (b"hhea", hhea),
        (b"hmtx", hmtx),
        (b"loca", loca),
        (b"maxp", maxp),
        (b"name", name()),
        (b"post", post),
    ];
    let mut font = assemble(&tables);
    // checkSumAdjustment: the whole file sums to this constant
    let adjustment = 0xB1B0_AFBAu32.wrapping_sub(checksum(&font));
    let directory_end = 12 + 16 * tables.len();
    let head_at =
        directory_end + tables.iter().take_while(|t| t.0 != b"head").map(|t| t.1.len().next_multiple_of(4)).sum::<usize>();
    font[head_at + 8..head_at + 12].copy_from_slice(&adjustment.to_be_bytes());
    font
}

fn head() -> Vec<u8> {
    let mut head = table(&[&[1, 0, 1, 0, 0, 0, 0x5F0F, 0x3CF5, 0, UNITS]]);
    head.extend([0; 16]); // created and modified: no clock here
    head.extend(table(&[&[0, DESCENT, ADVANCE, ASCENT, 0, 8, 2, 0, 0]]));
    head
}

/// OS/2 version 3; embedding without restriction (fsType 0).
fn os2() -> Vec<u8> {
    let mut os2 = table(&[&[3, ADVANCE, 400, 5, 0, 650, 700, 0, 140, 650, 700, 0, 480, 50, 250, 0]]);
    os2.extend([0; 10]); // panose: any
    os2.extend([0; 16]); // unicode ranges: none claimed
    os2.extend(b"SOHO");
    os2.extend(table(&[&[0x40, 0x20, 0x20, ASCENT, DESCENT, 0, ASCENT, -DESCENT, 0, 1, 0, 0, 500, ASCENT, 0, 0x20, 1]]));
    os2
}

/// The name table: family, style, full and PostScript name, for platform 3 (Windows, UTF-16).
fn name() -> Vec<u8> {
    let full = "SohoaGlyphless";
    let names = [(1, full), (2, "Regular"), (3, full), (4, full), (5, "Version 1.0"), (6, full)];
    let mut records = table(&[&[0, names.len() as i16, 6 + 12 * names.len() as i16]]);
    let mut strings = Vec::new();
    for (id, text) in names {
        let utf16: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
        records.extend(table(&[&[3, 1, 0x409, id, utf16.len() as i16, strings.len() as i16]]));
        strings.extend(utf16);
    }
    records.extend(strings);
    records
}

/// Big-endian 16-bit values, one after the other.
fn table(parts: &[&[i16]]) -> Vec<u8> {
    parts.iter().flat_map(|part| part.iter()).flat_map(|v| v.to_be_bytes()).collect()
}

fn assemble(tables: &[(&[u8; 4], Vec<u8>)]) -> Vec<u8> {
    let count = tables.len() as i16;
    let power = (tables.len()).ilog2() as i16;
    let search_range = 16 << power;
    let mut font = table(&[&[1, 0, count, search_range, power, count * 16 - search_range]]);
    let mut offset = 12 + 16 * tables.len();
    for (tag, data) in tables {
        font.extend(*tag);
        font.extend(checksum(data).to_be_bytes());
        font.extend((offset as u32).to_be_bytes());
        font.extend((data.len() as u32).to_be_bytes());
        offset += data.len().next_multiple_of(4);
    }
    for (_, data) in tables {
        font.extend(data);
        font.resize(font.len().next_multiple_of(4), 0);
    }
    font
}

fn checksum(bytes: &[u8]) -> u32 {
    bytes.chunks(4).fold(0u32, |sum, word| {
        let mut padded = [0; 4];
        padded[..word.len()].copy_from_slice(word);
        sum.wrapping_add(u32::from_be_bytes(padded))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_font_program_sums_to_the_constant_of_the_standard() {
        assert_eq!(checksum(&true_type()), 0xB1B0_AFBA);
    }

    #[test]
    fn a_character_keeps_its_code_and_codes_start_at_one() {
        let mut set = CharacterSet::default();
        assert_eq!(set.encode("ệaệ"), [0, 1, 0, 2, 0, 1]);
        assert_eq!(set.encode("\u{0}"), set.encode("\u{fffd}"));
    }
}
