//! Signatures in a PDF (ISO 32000-1 12.8, EN 319 142-1): each is an incremental update, so the bytes before it stay as they are. Made for
//! the PDF/A that we wrote ourselves; a file that had to be repaired to be read is refused.

use crate::SignError;
use crate::algorithm::Hash;
use crate::appearance::Appearance;
use crate::revocation::Evidence;
use jiff::Zoned;
use lopdf::{Dictionary, Document, IncrementalDocument, LoadOptions, Object, ObjectId, Stream, StringFormat, dictionary};
use std::ops::Range;

/// lopdf writes offsets of 32 bits.
const MOST_BYTES: usize = u32::MAX as usize / 2;
/// A number as wide as any offset: it is written over when the offsets are known.
const PLACEHOLDER: i64 = 9_999_999_999;
/// Streams that are longer are not read: what they show is none of a signature's business.
const LONG_STREAM: usize = 64 << 10;
/// Where the look of a signature keeps the empty one of later time stamps.
pub(crate) const KEPT_EMPTY: &str = "Empty";
/// Print, locked (ISO 32000-1 12.5.3): PDF/A wants what is shown printed.
const FLAGS: i64 = 4 | 128;

/// What is put into the file.
#[derive(Clone, Debug)]
pub struct Field<'a> {
    /// Its name; no other field of the file has it.
    pub name: String,
    /// What it is.
    pub kind: Kind<'a>,
    /// Bytes kept free for the CMS.
    pub room: usize,
}

/// What a field holds.
#[derive(Clone, Debug)]
pub enum Kind<'a> {
    /// A signature.
    Signature {
        /// When the signer says it was made: `/M`.
        at: &'a Zoned,
        /// How it looks on page 1; none leaves it invisible.
        look: Option<&'a Appearance<'a>>,
        /// A certification signature (DocMDP P=1): nothing may change afterwards but what keeps it provable.
        certify: bool,
        /// Its algorithm is Ed25519 (ISO/TS 32002).
        ed25519: bool,
    },
    /// A time stamp over the whole file.
    Timestamp,
}

/// A file with a hole for a CMS.
#[derive(Clone, Debug)]
pub struct Prepared {
    bytes: Vec<u8>,
    /// `<`, digits, `>`.
    hole: Range<usize>,
}

impl Prepared {
    /// All that the signature covers: before and behind the hole.
    pub fn covered(&self) -> [&[u8]; 2] {
        [&self.bytes[..self.hole.start], &self.bytes[self.hole.end..]]
    }

    /// The digest of that.
    pub fn digest(&self, hash: Hash) -> Vec<u8> {
        hash.digest(&self.covered())
    }

    /// Fills the hole.
    pub fn fill(mut self, cms: &[u8]) -> Result<Vec<u8>, SignError> {
        let digits: String = cms.iter().map(|byte| format!("{byte:02x}")).collect();
        let room = self.hole.len() - 2;
        if digits.len() > room {
            return Err(SignError::Pdf(format!("the signature has {} bytes, and {} were kept free", cms.len(), room / 2)));
        }
        let from = self.hole.start + 1;
        self.bytes[from..from + digits.len()].copy_from_slice(digits.as_bytes());
        Ok(self.bytes)
    }
}

/// Adds a revision with an empty signature. The same arguments give the same bytes.
pub fn prepare(pdf: &[u8], field: &Field<'_>) -> Result<Prepared, SignError> {
    let mut update = Update::of(pdf)?;
    let page = update.first_page()?;
    let mut signature = match &field.kind {
        Kind::Signature { at, .. } => dictionary! {
            "Type" => "Sig",
            "Filter" => "Adobe.PPKLite",
            "SubFilter" => "ETSI.CAdES.detached",
            "M" => Object::string_literal(pdf_date(at)),
        },
        Kind::Timestamp => dictionary! {
            "Type" => "DocTimeStamp",
            "Filter" => "Adobe.PPKLite",
            "SubFilter" => "ETSI.RFC3161",
        },
    };
    let certify = matches!(field.kind, Kind::Signature { certify: true, .. });
    if certify {
        let parameters = dictionary! { "Type" => "TransformParams", "P" => 1, "V" => "1.2" };
        let reference = dictionary! { "Type" => "SigRef", "TransformMethod" => "DocMDP", "TransformParams" => parameters };
        signature.set("Reference", vec![Object::Dictionary(reference)]);
    }
    // The byte range stands before the hole, so that both are found in order.
    signature.set("ByteRange", vec![0.into(), PLACEHOLDER.into(), PLACEHOLDER.into(), PLACEHOLDER.into()]);
    signature.set("Contents", Object::String(vec![0; field.room], StringFormat::Hexadecimal));
    let signature = update.add(signature);

    let mut widget = dictionary! {
        "Type" => "Annot",
        "Subtype" => "Widget",
        "FT" => "Sig",
        "T" => Object::string_literal(field.name.as_str()),
        "V" => signature,
        "P" => page.id,
        "F" => FLAGS,
        "Rect" => vec![0.into(), 0.into(), 0.into(), 0.into()],
    };
    let form = match &field.kind {
        Kind::Signature { look: Some(look), .. } => {
            let place = look.place(page.shown_size())?;
            widget.set("Rect", page.on_paper(place).map(Object::Real).to_vec());
            look.draw(&mut |object| update.add(object), page.turned)?
        }
        // PDF/A wants an appearance of what cannot be seen, too (ISO 19005-1 6.5.3). It must have been there before: what a time stamp
        // adds after a certification is weighed object by object.
        _ => match update.empty_form() {
            Some(known) => known,
            None => update.add(empty_form()),
        },
    };
    widget.set("AP", dictionary! { "N" => form });
    let widget = update.add(widget);
    update.entry(page.id, b"Annots", Object::Array(Vec::new()))?.as_array_mut().map_err(pdf_error)?.push(widget.into());
    update.register(widget, &field.name)?;
    update.extensions(matches!(field.kind, Kind::Signature { ed25519: true, .. }))?;
    if certify {
        let catalog = update.catalog;
        let permissions = update.entry(catalog, b"Perms", Object::Dictionary(Dictionary::new()))?;
        permissions.as_dict_mut().map_err(pdf_error)?.set("DocMDP", signature);
    }
    with_range(update.save()?, pdf.len())
}

/// The look of what is not seen.
pub(crate) fn empty_form() -> Stream {
    let bounds: Vec<Object> = vec![0.into(), 0.into(), 0.into(), 0.into()];
    Stream::new(dictionary! { "Type" => "XObject", "Subtype" => "Form", "BBox" => bounds }, Vec::new())
}

/// Adds a revision with the proofs that certificates were good: the document security store.
pub fn add_evidence(pdf: &[u8], evidence: &Evidence) -> Result<Vec<u8>, SignError> {
    let mut update = Update::of(pdf)?;
    let mut streams = |all: &[Vec<u8>]| -> Object {
        let stream = |bytes: &Vec<u8>| Object::Reference(update.add(Stream::new(Dictionary::new(), bytes.clone())));
        Object::Array(all.iter().map(stream).collect())
    };
    let mut store = dictionary! { "Type" => "DSS", "Certs" => streams(&evidence.certificates) };
    for (key, kept) in [("CRLs", &evidence.crls), ("OCSPs", &evidence.responses)] {
        if !kept.is_empty() {
            store.set(key, streams(kept));
        }
    }
    let store = update.add(store);
    let catalog = update.catalog;
    update.editable(catalog)?.as_dict_mut().map_err(pdf_error)?.set("DSS", store);
    update.extensions(false)?;
    update.save()
}

/// Each signature field of a file: its name, and the CMS in it with the zeros that fill its hole.
pub fn signatures(pdf: &[u8]) -> Result<Vec<(String, Vec<u8>)>, SignError> {
    let document = load(pdf)?;
    let mut found = Vec::new();
    for field in fields_of(&document) {
        let value = field.get(b"V").and_then(|value| document.dereference(value)).map(|(_, value)| value);
        let Ok(contents) = value.and_then(Object::as_dict).and_then(|value| value.get(b"Contents")).and_then(Object::as_str)
        else {
            continue;
        };
        let name = field.get(b"T").and_then(Object::as_str).unwrap_or_default();
        found.push((String::from_utf8_lossy(name).into_owned(), contents.to_vec()));
    }
    Ok(found)
}

/// Page 1 as far as a signature goes.
struct Page {
    id: ObjectId,
    /// Left, bottom, right, top in points.
    paper: [f32; 4],
    /// Degrees clockwise: 0, 90, 180, 270.
    turned: i64,
}

impl Page {
    /// Width and height as people see it.
    fn shown_size(&self) -> (f32, f32) {
        let [left, bottom, right, top] = self.paper;
        if self.turned % 180 == 0 { (right - left, top - bottom) } else { (top - bottom, right - left) }
    }

    /// A rectangle of the page as it is seen, on the paper as it lies in the file.
    fn on_paper(&self, [u0, v0, u1, v1]: [f32; 4]) -> [f32; 4] {
        let [left, bottom, right, top] = self.paper;
        match self.turned {
            90 => [right - v1, bottom + u0, right - v0, bottom + u1],
            180 => [right - u1, top - v1, right - u0, top - v0],
            270 => [left + v0, top - u1, left + v1, top - u0],
            _ => [left + u0, bottom + v0, left + u1, bottom + v1],
        }
    }
}

/// A revision that is being made.
struct Update {
    document: IncrementalDocument,
    catalog: ObjectId,
}

impl Update {
    fn of(pdf: &[u8]) -> Result<Update, SignError> {
        if pdf.len() > MOST_BYTES {
            return Err(SignError::Pdf("it has more than 2 GB: split the document".into()));
        }
        let before = load(pdf)?;
        let catalog = before.trailer.get(b"Root").and_then(Object::as_reference).map_err(pdf_error)?;
        let mut document = IncrementalDocument::create_from(pdf.to_vec(), before);
        // The second identifier names this revision (ISO 32000-1 14.4).
        if let Ok(Object::Array(ids)) = document.new_document.trailer.get_mut(b"ID")
            && ids.len() == 2
        {
            let digest = Hash::Sha256.digest(&[b"sohoa revision", pdf]);
            ids[1] = Object::String(digest[..16].to_vec(), StringFormat::Hexadecimal);
        }
        let mut update = Update { document, catalog };
        update.editable(catalog)?;
        Ok(update)
    }

    /// Puts a new object into the revision.
    fn add(&mut self, object: impl Into<Object>) -> ObjectId {
        self.document.new_document.add_object(object)
    }

    /// An object of the file, copied into the revision to be changed.
    fn editable(&mut self, id: ObjectId) -> Result<&mut Object, SignError> {
        self.document.opt_clone_object_to_new_document(id).map_err(pdf_error)?;
        self.document.new_document.get_object_mut(id).map_err(pdf_error)
    }

    /// An entry of a dictionary to be changed, wherever it lies; made when it is not there.
    fn entry(&mut self, owner: ObjectId, key: &[u8], default: Object) -> Result<&mut Object, SignError> {
        let owner_dictionary = self.editable(owner)?.as_dict_mut().map_err(pdf_error)?;
        if !owner_dictionary.has(key) {
            owner_dictionary.set(key, default);
        }
        match owner_dictionary.get(key).and_then(Object::as_reference) {
            Ok(elsewhere) => self.editable(elsewhere),
            Err(_) => {
                let owner = self.document.new_document.get_object_mut(owner).and_then(Object::as_dict_mut).map_err(pdf_error)?;
                owner.get_mut(key).map_err(pdf_error)
            }
        }
    }

    fn first_page(&self) -> Result<Page, SignError> {
        let before = self.document.get_prev_documents();
        let id = before.page_iter().next().ok_or_else(|| SignError::Pdf("it has no page".into()))?;
        let inherited = |key: &[u8]| -> Option<Object> {
            let mut node = before.get_dictionary(id).ok()?;
            for _ in 0..32 {
                if let Ok(value) = node.get(key) {
                    return before.dereference(value).ok().map(|(_, value)| value.clone());
                }
                let parent = node.get(b"Parent").and_then(Object::as_reference).ok()?;
                node = before.get_dictionary(parent).ok()?;
            }
            None
        };
        let paper = inherited(b"MediaBox").and_then(|value| {
            let numbers = value.as_array().ok()?.iter().map(|edge| edge.as_float().ok()).collect::<Option<Vec<f32>>>()?;
            <[f32; 4]>::try_from(numbers).ok()
        });
        let paper = paper.ok_or_else(|| SignError::Pdf("its first page has no size".into()))?;
        let turned = inherited(b"Rotate").and_then(|value| value.as_i64().ok()).unwrap_or(0).rem_euclid(360);
        Ok(Page { id, paper, turned })
    }

    /// The empty form of an earlier signature: its own look, or what its look keeps for later.
    fn empty_form(&self) -> Option<ObjectId> {
        let before = self.document.get_prev_documents();
        let look = fields_of(before).first()?.get(b"AP").and_then(Object::as_dict).ok()?.get(b"N").ok()?.as_reference().ok()?;
        let form = &before.get_object(look).ok()?.as_stream().ok()?.dict;
        let kept = form.get(b"Resources").and_then(Object::as_dict).and_then(|resources| resources.get(b"XObject"));
        match kept.and_then(Object::as_dict).and_then(|kept| kept.get(KEPT_EMPTY.as_bytes())) {
            Ok(kept) => kept.as_reference().ok(),
            Err(_) => (!form.has(b"Resources")).then_some(look),
        }
    }

    /// Makes the widget a field of the form.
    fn register(&mut self, widget: ObjectId, name: &str) -> Result<(), SignError> {
        let catalog = self.catalog;
        let empty = Object::Dictionary(dictionary! { "Fields" => Object::Array(Vec::new()) });
        let form = self.entry(catalog, b"AcroForm", empty)?.as_dict_mut().map_err(pdf_error)?;
        // signatures exist, append only (ISO 32000-1 12.7.2)
        form.set("SigFlags", 3);
        if !form.has(b"Fields") {
            form.set("Fields", Object::Array(Vec::new()));
        }
        let mut fields = form.get_mut(b"Fields").map_err(pdf_error)?;
        if let Ok(elsewhere) = fields.as_reference() {
            fields = self.editable(elsewhere)?;
        }
        let fields = fields.as_array_mut().map_err(pdf_error)?;
        fields.push(widget.into());
        let before = self.document.get_prev_documents();
        let taken = fields_of(before).iter().any(|field| field.get(b"T").and_then(Object::as_str).ok() == Some(name.as_bytes()));
        if taken { Err(SignError::Pdf(format!("it has a field '{name}' already"))) } else { Ok(()) }
    }

    /// Which extensions of PDF the revision uses.
    fn extensions(&mut self, ed25519: bool) -> Result<(), SignError> {
        let catalog = self.catalog;
        let extensions = self.entry(catalog, b"Extensions", Object::Dictionary(Dictionary::new()))?;
        let extensions = extensions.as_dict_mut().map_err(pdf_error)?;
        extensions.set("ESIC", dictionary! { "BaseVersion" => "1.7", "ExtensionLevel" => 1 });
        if ed25519 {
            let iso = dictionary! {
                "Type" => "DeveloperExtensions",
                "BaseVersion" => "2.0",
                "ExtensionLevel" => 32002,
                "ExtensionRevision" => Object::string_literal(":2022"),
                "URL" => Object::string_literal("https://www.iso.org/standard/45875.html"),
            };
            extensions.set("ISO_", vec![Object::Dictionary(iso)]);
        }
        Ok(())
    }

    fn save(mut self) -> Result<Vec<u8>, SignError> {
        let mut bytes = Vec::with_capacity(self.document.get_prev_documents_bytes().len() + (64 << 10));
        self.document.save_to(&mut bytes).map_err(|e| SignError::Pdf(e.to_string()))?;
        bytes.push(b'\n');
        Ok(bytes)
    }
}

/// Reads a file for a signature: as it stands, repaired by nobody, long streams left out.
fn load(pdf: &[u8]) -> Result<Document, SignError> {
    fn without_long_streams(id: ObjectId, object: &mut Object) -> Option<(ObjectId, Object)> {
        if let Object::Stream(stream) = object
            && stream.content.len() > LONG_STREAM
        {
            stream.content = Vec::new();
        }
        Some((id, object.to_owned()))
    }
    let options = LoadOptions { filter: Some(without_long_streams), strict: true, ..LoadOptions::default() };
    let document = Document::load_mem_with_options(pdf, options).map_err(pdf_error)?;
    match document.xref_recovery {
        None if !document.is_encrypted() => Ok(document),
        None => Err(SignError::Pdf("it is encrypted".into())),
        Some(_) => Err(SignError::Pdf("its cross-reference table is damaged".into())),
    }
}

/// The fields of a file's form, those that can be read.
fn fields_of(document: &Document) -> Vec<Dictionary> {
    let resolved = |object: &Object| document.dereference(object).map(|(_, object)| object.clone());
    let form = document.catalog().and_then(|catalog| catalog.get(b"AcroForm")).and_then(resolved);
    let fields = form.and_then(|form| form.as_dict().and_then(|form| form.get(b"Fields")).and_then(resolved));
    let fields = fields.and_then(|fields| fields.as_array().cloned()).unwrap_or_default();
    fields.iter().filter_map(|field| resolved(field).ok()?.as_dict().cloned().ok()).collect()
}

/// Finds the hole in what was appended, and writes the byte range over its placeholder. The order matters: a page has `/Contents` too.
fn with_range(mut bytes: Vec<u8>, appended_at: usize) -> Result<Prepared, SignError> {
    let find = |what: &[u8], from: usize| {
        let found = bytes[from..].windows(what.len()).position(|window| window == what).map(|at| from + at);
        found.ok_or_else(|| SignError::Pdf("the revision was not written as expected".into()))
    };
    let placeholder = PLACEHOLDER.to_string();
    let open = find(b"/ByteRange[", appended_at)? + b"/ByteRange".len();
    let close = find(b"]", open)?;
    let start = find(b"/Contents<", close)? + b"/Contents".len();
    let end = find(b">", start)? + 1;
    let range = format!("[0 {start} {end} {}", bytes.len() - end);
    if !bytes[open..close].ends_with(placeholder.as_bytes()) || range.len() > close - open {
        return Err(SignError::Pdf("the revision was not written as expected".into()));
    }
    bytes[open..close].fill(b' ');
    bytes[open..open + range.len()].copy_from_slice(range.as_bytes());
    Ok(Prepared { bytes, hole: start..end })
}

/// ISO 32000-1 7.9.4.
fn pdf_date(at: &Zoned) -> String {
    let minutes = at.offset().seconds() / 60;
    let sign = if minutes < 0 { '-' } else { '+' };
    format!("D:{}{sign}{:02}'{:02}'", at.strftime("%Y%m%d%H%M%S"), minutes.abs() / 60, minutes.abs() % 60)
}

fn pdf_error(error: lopdf::Error) -> SignError {
    SignError::Pdf(error.to_string())
}
