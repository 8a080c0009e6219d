//! Pages in, one searchable PDF/A out, written as it goes: each object is serialised, its place noted and written, so a
//! document of a thousand pages never holds more than one image. The kept image goes in with its own bytes and codec; the
//! words lie over it invisibly, on their ink. It is *not* a general PDF writer and does not sign.

mod content;
mod font;
mod icc;
mod metadata;

use crate::page::{Encoding, KeptImage, ReadPage};
use font::CharacterSet;
use pdf_writer::types::OutputIntentSubtype;
use pdf_writer::{Chunk, Content, Filter, Finish, Name, Rect, Ref, Str, TextStr, writers};
use sohoa_record::Field;
use std::io::{self, Write};

pub use metadata::Meta;

/// Which part of ISO 19005 is claimed. Both have the same contents; they differ in the PDF version and the claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Profile {
    /// ISO 19005-1, level B: PDF 1.4.
    PdfA1b,
    /// ISO 19005-2, level B: PDF 1.7.
    PdfA2b,
}

/// Points of an A4 page, for a page whose image could not be decoded.
const A4: (f32, f32) = (595.276, 841.89);
/// Smallest and largest side of a page in points (ISO 32000-1 Annex C, ISO 19005-1 6.1.12).
const SIDE: (f64, f64) = (3.0, 14_400.0);
/// Pages under one node of the page tree; an array may hold 8,191 entries (ISO 19005-1 6.1.12).
const PAGES_PER_NODE: usize = 256;
/// The largest offset that fits the ten digits of a cross-reference entry (ISO 32000-1 7.5.4).
const MAX_OFFSET: u64 = 9_999_999_999;

/// Writes one document to `out`: [`Writer::new`], [`Writer::page`] for every page in order, [`Writer::finish`].
///
/// The same calls give the same bytes. An error leaves a torn file: throw it away.
pub struct Writer<W: Write> {
    out: W,
    written: u64,
    /// Offset of object n at index n − 1; 0 for one that is not written yet.
    offsets: Vec<u64>,
    profile: Profile,
    characters: CharacterSet,
    catalog: Ref,
    tree: Ref,
    font: Ref,
    node: Ref,
    node_pages: Vec<Ref>,
    nodes: Vec<(Ref, usize)>,
}

impl<W: Write> Writer<W> {
    /// Starts the document: writes the header.
    pub fn new(out: W, profile: Profile) -> io::Result<Self> {
        let reserved = Ref::new(1);
        let mut writer = Writer {
            out,
            written: 0,
            offsets: Vec::new(),
            profile,
            characters: CharacterSet::default(),
            catalog: reserved,
            tree: reserved,
            font: reserved,
            node: reserved,
            node_pages: Vec::new(),
            nodes: Vec::new(),
        };
        writer.catalog = writer.reserve();
        writer.tree = writer.reserve();
        writer.font = writer.reserve();
        writer.node = writer.reserve();
        // four bytes above 127 tell transfer programs that the file is binary (ISO 19005-1 6.1.2)
        let header: &[u8] = match profile {
            Profile::PdfA1b => b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n",
            Profile::PdfA2b => b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n",
        };
        writer.write(header)?;
        Ok(writer)
    }

    /// Adds the next page. A page without a kept image becomes an empty A4 page, so that page numbers stay equal to the
    /// source's.
    pub fn page(&mut self, page: &ReadPage) -> io::Result<()> {
        let id = self.reserve();
        match &page.kept {
            Some(kept) if kept.width > 0 && kept.height > 0 => self.scanned_page(id, page, kept)?,
            _ => self.empty_page(id)?,
        }
        self.node_pages.push(id);
        if self.node_pages.len() == PAGES_PER_NODE {
            self.close_node()?;
            self.node = self.reserve();
        }
        Ok(())
    }

    /// Writes what the document says of itself, with the fields read from it, what all pages share, and the cross-reference
    /// table; gives the output back, flushed.
    pub fn finish(mut self, meta: &Meta, fields: &[Field]) -> io::Result<W> {
        if !self.node_pages.is_empty() || self.nodes.is_empty() {
            self.close_node()?;
        }
        let mut tree = Chunk::new();
        tree.pages(self.tree)
            .kids(self.nodes.iter().map(|node| node.0))
            .count(self.nodes.iter().map(|node| node.1).sum::<usize>() as i32);
        self.put(self.tree, tree)?;
        self.write_font()?;
        let info = self.reserve();
        self.put(info, meta.info(info))?;
        self.write_catalog(&meta.xmp(fields, self.profile))?;
        self.write_cross_reference(info, &meta.id)?;
        self.out.flush()?;
        Ok(self.out)
    }

    fn scanned_page(&mut self, id: Ref, page: &ReadPage, kept: &KeptImage) -> io::Result<()> {
        let image = self.reserve();
        let stream = self.reserve();
        self.put(image, image_object(image, kept))?;

        let scale = points_per_pixel(kept, page.dpi);
        let (width, height) = ((f64::from(kept.width) * scale) as f32, (f64::from(kept.height) * scale) as f32);
        let mut content = Content::new();
        content.save_state();
        content.transform([width, 0.0, 0.0, height, 0.0, 0.0]);
        content.x_object(Name(b"Im"));
        content.restore_state();
        content::write_words(&mut content, page, (kept.width, kept.height), scale, &mut self.characters);
        let bytes = deflate(&content.finish());
        let mut chunk = Chunk::new();
        chunk.stream(stream, &bytes).filter(Filter::FlateDecode);
        self.put(stream, chunk)?;

        let has_words = page.text.words().next().is_some();
        let mut chunk = Chunk::new();
        let mut object = chunk.page(id);
        object.parent(self.node).media_box(Rect::new(0.0, 0.0, width, height)).contents(stream);
        if !page.placement.rotated_deg.is_multiple_of(360) {
            object.rotate(i32::from(page.placement.rotated_deg));
        }
        let mut resources = object.resources();
        resources.x_objects().pair(Name(b"Im"), image);
        if has_words {
            resources.fonts().pair(Name(content::FONT), self.font);
        }
        resources.finish();
        object.finish();
        self.put(id, chunk)
    }

    fn empty_page(&mut self, id: Ref) -> io::Result<()> {
        let mut chunk = Chunk::new();
        let mut object = chunk.page(id);
        object.parent(self.node).media_box(Rect::new(0.0, 0.0, A4.0, A4.1));
        object.resources();
        object.finish();
        self.put(id, chunk)
    }

    fn close_node(&mut self) -> io::Result<()> {
        let mut chunk = Chunk::new();
        chunk.pages(self.node).parent(self.tree).kids(self.node_pages.iter().copied()).count(self.node_pages.len() as i32);
        self.nodes.push((self.node, self.node_pages.len()));
        self.node_pages.clear();
        self.put(self.node, chunk)
    }

    fn write_font(&mut self) -> io::Result<()> {
        if self.characters.is_empty() {
            // no page has words, so none names the font; the number is still in the table and must exist
            let mut chunk = Chunk::new();
            chunk.indirect(self.font).dict();
            return self.put(self.font, chunk);
        }
        let ids = font::Ids {
            font: self.font,
            descendant: self.reserve(),
            descriptor: self.reserve(),
            program: self.reserve(),
            glyph_map: self.reserve(),
            to_unicode: self.reserve(),
        };
        for (id, chunk) in font::objects(&self.characters, &ids) {
            self.put(id, chunk)?;
        }
        Ok(())
    }

    fn write_catalog(&mut self, xmp: &str) -> io::Result<()> {
        let (profile, metadata) = (self.reserve(), self.reserve());
        let icc = deflate(&icc::srgb());
        let mut chunk = Chunk::new();
        chunk.icc_profile(profile, &icc).n(3).filter(Filter::FlateDecode);
        self.put(profile, chunk)?;

        let mut chunk = Chunk::new();
        // never compressed: found by programs that do not read PDF (ISO 19005-1 6.7.2)
        chunk.metadata(metadata, xmp.as_bytes());
        self.put(metadata, chunk)?;

        let mut chunk = Chunk::new();
        let mut catalog = chunk.indirect(self.catalog).start::<writers::Catalog<'_>>();
        catalog.pages(self.tree).metadata(metadata).lang(TextStr("vi"));
        catalog
            .insert(Name(b"OutputIntents"))
            .array()
            .push()
            .start::<writers::OutputIntent<'_>>()
            .subtype(OutputIntentSubtype::PDFA)
            .output_condition_identifier(TextStr("sRGB"))
            .info(TextStr("sRGB IEC 61966-2-1"))
            .dest_output_profile(profile);
        catalog.finish();
        self.put(self.catalog, chunk)
    }

    fn write_cross_reference(&mut self, info: Ref, id: &[u8]) -> io::Result<()> {
        let start = self.written;
        let mut table = format!("xref\n0 {}\n0000000000 65535 f\r\n", self.offsets.len() + 1);
        for offset in &self.offsets {
            table.push_str(&format!("{offset:010} 00000 n\r\n"));
        }
        self.write(table.as_bytes())?;
        let mut trailer = Chunk::new();
        // the dictionary is serialised as an object's value and cut out of it: pdf-writer has no bare trailer
        let mut dict = trailer.indirect(Ref::new(1)).dict();
        dict.pair(Name(b"Size"), self.offsets.len() as i32 + 1);
        dict.pair(Name(b"Root"), self.catalog);
        dict.pair(Name(b"Info"), info);
        dict.insert(Name(b"ID")).array().items([Str(id), Str(id)]);
        dict.finish();
        let bytes = trailer.as_bytes();
        let from = bytes.windows(2).position(|w| w == b"<<").unwrap_or(0);
        let to = bytes.windows(2).rposition(|w| w == b">>").map_or(bytes.len(), |at| at + 2);
        self.write(b"trailer\n")?;
        self.write(&bytes[from..to])?;
        self.write(format!("\nstartxref\n{start}\n%%EOF\n").as_bytes())
    }

    /// The number of an object that is written later.
    fn reserve(&mut self) -> Ref {
        self.offsets.push(0);
        Ref::new(self.offsets.len() as i32)
    }

    /// Writes the one object that `chunk` holds.
    fn put(&mut self, id: Ref, chunk: Chunk) -> io::Result<()> {
        if self.written > MAX_OFFSET {
            return Err(io::Error::other(
                "the PDF grew over 10 GB, which its cross-reference table cannot hold: split the document",
            ));
        }
        self.offsets[id.get() as usize - 1] = self.written;
        self.write(chunk.as_bytes())
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.out.write_all(bytes)?;
        self.written += bytes.len() as u64;
        Ok(())
    }
}

/// The kept image as an image XObject: its bytes are passed through.
fn image_object(id: Ref, kept: &KeptImage) -> Chunk {
    let mut chunk = Chunk::with_capacity(kept.data.len() + 512);
    let mut image = chunk.image_xobject(id, &kept.data);
    image.width(kept.width as i32).height(kept.height as i32);
    let components = match kept.encoding {
        Encoding::Jpeg { components } => {
            image.filter(Filter::DctDecode).pair(Name(b"BitsPerComponent"), 8);
            components
        }
        Encoding::Flate { components } => {
            image.filter(Filter::FlateDecode).pair(Name(b"BitsPerComponent"), 8);
            components
        }
        Encoding::Group4 => {
            image.filter(Filter::CcittFaxDecode).pair(Name(b"BitsPerComponent"), 1);
            let mut parms = image.decode_parms();
            parms.k(-1).columns(kept.width as i32).rows(kept.height as i32).end_of_block(false);
            1
        }
    };
    if components == 3 {
        image.color_space().device_rgb();
    } else {
        image.color_space().device_gray();
    }
    image.finish();
    chunk
}

/// Points per pixel of a page. An unknown resolution is taken to be what makes the short side that of A4, 210 mm; one that
/// would give an impossible page is corrected.
fn points_per_pixel(kept: &KeptImage, dpi: u32) -> f64 {
    let (short, long) = (f64::from(kept.width.min(kept.height)), f64::from(kept.width.max(kept.height)));
    let scale = if dpi == 0 { f64::from(A4.0) / short } else { 72.0 / f64::from(dpi) };
    scale.max(SIDE.0 / short).min(SIDE.1 / long)
}

/// Zlib at the level where more effort no longer pays on text.
fn deflate(bytes: &[u8]) -> Vec<u8> {
    miniz_oxide::deflate::compress_to_vec_zlib(bytes, 6)
}
