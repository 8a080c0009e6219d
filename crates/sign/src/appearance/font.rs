//! The face of the visible signature: the letters that are shown are embedded (ISO 19005-1 6.3), the rest of the font is not.

use crate::SignError;
use lopdf::{Object, ObjectId, Stream, StringFormat, dictionary};
use skrifa::instance::{LocationRef, Size};
use skrifa::string::StringId;
use skrifa::{FontRef, GlyphId, MetadataProvider as _};
use std::collections::BTreeMap;
use std::fmt;
use subsetter::GlyphRemapper;

/// A TrueType font file that was read.
#[derive(Clone)]
pub struct Font {
    data: Vec<u8>,
    em: f32,
}

impl fmt::Debug for Font {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Font").field("bytes", &self.data.len()).finish()
    }
}

/// Letters of a font that are in the PDF.
pub(crate) struct Subset {
    pub(crate) font: ObjectId,
    codes: BTreeMap<char, u16>,
}

impl Subset {
    pub(crate) fn codes(&self, line: &str) -> Vec<u16> {
        line.chars().filter_map(|letter| self.codes.get(&letter).copied()).collect()
    }
}

impl Font {
    /// Takes a font file's bytes.
    pub fn new(data: Vec<u8>) -> Result<Self, SignError> {
        let font = FontRef::new(&data).map_err(|e| SignError::Appearance(format!("the font cannot be read: {e}")))?;
        let em = f32::from(font.metrics(Size::unscaled(), LocationRef::default()).units_per_em);
        if em < 16.0 || font.table_data(skrifa::Tag::new(b"glyf")).is_none() {
            return Err(SignError::Appearance("the font has no TrueType outlines; name another one in [sign] font".into()));
        }
        Ok(Self { data, em })
    }

    fn face(&self) -> Result<FontRef<'_>, SignError> {
        FontRef::new(&self.data).map_err(|e| SignError::Appearance(e.to_string()))
    }

    /// Fails when a letter is not in the font: a name is shown whole or not at all.
    pub(crate) fn check(&self, text: &str) -> Result<(), SignError> {
        let face = self.face()?;
        let map = face.charmap();
        match text.chars().find(|letter| map.map(*letter).is_none_or(|glyph| glyph == GlyphId::NOTDEF)) {
            None => Ok(()),
            Some(letter) => Err(SignError::Appearance(format!(
                "the font has no letter '{}'; name another one in [sign] font",
                letter.escape_debug()
            ))),
        }
    }

    /// Width of a line, in ems.
    pub(crate) fn width(&self, line: &str) -> f32 {
        let Ok(face) = self.face() else { return 0.0 };
        let (map, metrics) = (face.charmap(), face.glyph_metrics(Size::unscaled(), LocationRef::default()));
        line.chars().filter_map(|letter| metrics.advance_width(map.map(letter)?)).sum::<f32>() / self.em
    }

    /// A Type 0 font with two-byte codes of just these lines' letters (ISO 32000-1 9.7).
    pub(crate) fn embed(&self, lines: &[String], add: &mut dyn FnMut(Object) -> ObjectId) -> Result<Subset, SignError> {
        let face = self.face()?;
        let (map, metrics) = (face.charmap(), face.glyph_metrics(Size::unscaled(), LocationRef::default()));
        let whole = face.metrics(Size::unscaled(), LocationRef::default());
        let (mut remapper, mut codes, mut advances) = (GlyphRemapper::new(), BTreeMap::new(), BTreeMap::new());
        let thousandths = |units: f32| units * 1000.0 / self.em;
        for letter in lines.iter().flat_map(|line| line.chars()) {
            let Some(glyph) = map.map(letter) else { continue };
            let code = remapper.remap(glyph.to_u32() as u16);
            codes.insert(letter, code);
            advances.insert(code, thousandths(metrics.advance_width(glyph).unwrap_or(0.0)));
        }
        let program = subsetter::subset(&self.data, 0, &remapper)
            .map_err(|e| SignError::Appearance(format!("the font cannot be cut down: {e}")))?;
        let length = program.len() as i64;
        let program = add(compressed(dictionary! { "Length1" => length }, &program));
        // Which codes there are (ISO 19005-1 6.3.5): .notdef and every letter.
        let mut set = vec![0u8; usize::from(remapper.num_gids()).div_ceil(8)];
        for code in std::iter::once(0).chain(codes.values().copied()) {
            set[usize::from(code / 8)] |= 0x80 >> (code % 8);
        }
        let set = add(compressed(dictionary! {}, &set));
        let bounds = whole.bounds.unwrap_or_default();
        let name = name_of(&face);
        let edges = [bounds.x_min, bounds.y_min, bounds.x_max, bounds.y_max].map(|edge| Object::Real(thousandths(edge).round()));
        let descriptor = add(Object::Dictionary(dictionary! {
            "Type" => "FontDescriptor",
            "FontName" => name.as_str(),
            "Flags" => 4, // symbolic: its codes are its own
            "FontBBox" => edges.to_vec(),
            "ItalicAngle" => 0,
            "Ascent" => Object::Real(thousandths(whole.ascent).round()),
            "Descent" => Object::Real(thousandths(whole.descent).round()),
            "CapHeight" => Object::Real(thousandths(whole.cap_height.unwrap_or(whole.ascent)).round()),
            "StemV" => 80,
            "FontFile2" => program,
            "CIDSet" => set,
        }));
        let text = |value: &str| Object::String(value.as_bytes().to_vec(), StringFormat::Literal);
        let widths: Vec<Object> = advances
            .iter()
            .flat_map(|(code, advance)| [Object::Integer((*code).into()), Object::Array(vec![Object::Real(*advance)])])
            .collect();
        let descendant = add(Object::Dictionary(dictionary! {
            "Type" => "Font",
            "Subtype" => "CIDFontType2",
            "BaseFont" => name.as_str(),
            "CIDSystemInfo" => dictionary! { "Registry" => text("Adobe"), "Ordering" => text("Identity"), "Supplement" => 0 },
            "FontDescriptor" => descriptor,
            "DW" => 0,
            "W" => widths,
            "CIDToGIDMap" => "Identity",
        }));
        let unicode = add(compressed(dictionary! {}, to_unicode(&codes).as_bytes()));
        let font = add(Object::Dictionary(dictionary! {
            "Type" => "Font",
            "Subtype" => "Type0",
            "BaseFont" => name.as_str(),
            "Encoding" => "Identity-H",
            "DescendantFonts" => vec![descendant.into()],
            "ToUnicode" => unicode,
        }));
        Ok(Subset { font, codes })
    }
}

/// The font's own PostScript name behind the tag of a subset (ISO 32000-1 9.9.2): a reader can tell which face it is.
fn name_of(face: &FontRef<'_>) -> String {
    let own = face.localized_strings(StringId::POSTSCRIPT_NAME).english_or_first();
    let own: String = own.iter().flat_map(|name| name.chars()).filter(|c| c.is_ascii_alphanumeric() || *c == '-').collect();
    format!("SOHOAS+{}", if own.is_empty() { "Signature" } else { &own })
}

/// What is shown can be copied and searched (ISO 32000-1 9.10.3).
fn to_unicode(codes: &BTreeMap<char, u16>) -> String {
    let mut map = String::from(
        "/CIDInit /ProcSet findresource begin\n12 dict begin\nbegincmap\n\
         /CIDSystemInfo << /Registry (Adobe) /Ordering (UCS) /Supplement 0 >> def\n/CMapName /Adobe-Identity-UCS def\n\
         /CMapType 2 def\n1 begincodespacerange\n<0000> <FFFF>\nendcodespacerange\n",
    );
    let entries: Vec<_> = codes.iter().collect();
    for block in entries.chunks(100) {
        map.push_str(&format!("{} beginbfchar\n", block.len()));
        for (letter, code) in block {
            let utf16: String = letter.encode_utf16(&mut [0; 2]).iter().map(|unit| format!("{unit:04X}")).collect();
            map.push_str(&format!("<{code:04X}> <{utf16}>\n"));
        }
        map.push_str("endbfchar\n");
    }
    map.push_str("endcmap\nCMapName currentdict /CMap defineresource pop\nend\nend\n");
    map
}

/// A stream with Flate.
pub(super) fn compressed(mut dictionary: lopdf::Dictionary, bytes: &[u8]) -> Object {
    dictionary.set("Filter", "FlateDecode");
    Object::Stream(Stream::new(dictionary, miniz_oxide::deflate::compress_to_vec_zlib(bytes, 6)))
}
