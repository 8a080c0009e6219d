//! A revision of a PDF as its signatures need it: where the signature fields are, what each says, and what certifying signers
//! permit. Structure that had to be guessed is refused: what one reader guesses, another may guess differently.

use lopdf::{Dictionary, Document, LoadOptions, Object, ObjectId};
use sohoa_record::signature::Finding;
use sohoa_record::text::nfc;
use std::collections::{BTreeMap, HashSet};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// More fields than this are made to harm.
const MAX_FIELDS: usize = 20_000;
/// Fields within fields.
const MAX_DEPTH: usize = 32;
/// One object stream, unpacked.
const MAX_UNPACKED: usize = 64 << 20;

/// Reads a revision, or says why it cannot be relied on.
pub(super) fn load(data: &[u8]) -> Result<Document, Finding> {
    let options = LoadOptions { max_decompressed_size: Some(MAX_UNPACKED), ..Default::default() };
    // a third-party parser may panic on what it does not expect; nothing of it is used afterwards
    let loaded = catch_unwind(AssertUnwindSafe(|| Document::load_mem_with_options(data, options)));
    let document = loaded.ok().and_then(Result::ok).ok_or(Finding::StructureRepaired)?;
    if document.trailer.has(b"Encrypt") && document.encryption_state.is_none() {
        return Err(Finding::EncryptedFile);
    }
    if document.xref_recovery.is_some() || document.catalog().is_err() {
        return Err(Finding::StructureRepaired);
    }
    Ok(document)
}

/// Where the header stands: offsets within a PDF count from there.
pub(super) fn lead(data: &[u8]) -> usize {
    data.windows(5).position(|window| window == b"%PDF-").unwrap_or(0)
}

/// A signature dictionary and the fields that lead to it.
#[derive(Debug)]
pub(super) struct Signature {
    /// The full name of the field that comes first; empty when there is none.
    pub field: String,
    /// More than one field leads here.
    pub is_shared: bool,
    /// The object that holds it: its own, or the field's when it lies in the field.
    pub id: Option<ObjectId>,
    pub dictionary: Dictionary,
}

/// Every signed signature field of the form, in its order, then dictionaries that look like signatures and that no field leads to.
pub(super) fn signatures(document: &Document) -> Vec<Signature> {
    let mut found: Vec<Signature> = Vec::new();
    for (id, field) in fields(document) {
        let Some(value) = field.value.filter(|_| field.is_signature) else { continue };
        let (value_id, dictionary) = match resolve(document, value) {
            (value_id, Object::Dictionary(dictionary)) => (value_id.or(id), dictionary),
            _ => continue,
        };
        match found.iter_mut().find(|other| value_id.is_some() && other.id == value_id) {
            Some(other) => other.is_shared = true,
            None => found.push(Signature { field: field.name, is_shared: false, id: value_id, dictionary: dictionary.clone() }),
        }
    }
    let reached: HashSet<ObjectId> = found.iter().filter_map(|signature| signature.id).collect();
    for (id, object) in &document.objects {
        if let Object::Dictionary(dictionary) = object
            && dictionary.has(b"ByteRange")
            && dictionary.has(b"Contents")
            && !reached.contains(id)
        {
            found.push(Signature { field: String::new(), is_shared: false, id: Some(*id), dictionary: dictionary.clone() });
        }
    }
    found
}

/// A field of the form, with what it inherits.
#[derive(Debug)]
pub(super) struct Field<'a> {
    /// The full name (ISO 32000-2 12.7.4.2).
    pub name: String,
    pub is_signature: bool,
    pub value: Option<&'a Object>,
}

/// Every field and widget of the form with its object, if it has one of its own.
pub(super) fn fields(document: &Document) -> Vec<(Option<ObjectId>, Field<'_>)> {
    let mut found = Vec::new();
    let Some(form) = form(document) else { return found };
    let mut seen = HashSet::new();
    // The first comes off first.
    let mut waiting: Vec<(&Object, String, bool, usize)> =
        items(document, form, b"Fields").iter().rev().map(|item| (item, String::new(), false, 0)).collect();
    while let Some((object, parent, inherited, depth)) = waiting.pop() {
        let (id, Object::Dictionary(field)) = resolve(document, object) else { continue };
        if found.len() > MAX_FIELDS || id.is_some_and(|id| !seen.insert(id)) {
            continue;
        }
        let own = field.get(b"T").ok().and_then(|name| resolve(document, name).1.as_str().ok()).map(text_string);
        let name = match (own, parent.is_empty()) {
            (None, _) => parent,
            (Some(own), true) => own,
            (Some(own), false) => format!("{parent}.{own}"),
        };
        let is_signature =
            field.get(b"FT").map_or(inherited, |kind| resolve(document, kind).1.as_name().is_ok_and(|kind| kind == b"Sig"));
        if depth < MAX_DEPTH {
            let kids = items(document, field, b"Kids").iter().rev();
            waiting.extend(kids.map(|kid| (kid, name.clone(), is_signature, depth + 1)));
        }
        found.push((id, Field { name, is_signature, value: field.get(b"V").ok() }));
    }
    found
}

/// The items of a list in a dictionary, not endlessly many.
fn items<'a>(document: &'a Document, dictionary: &'a Dictionary, key: &[u8]) -> &'a [Object] {
    match dictionary.get(key).ok().map(|list| resolve(document, list).1) {
        Some(Object::Array(items)) => &items[..items.len().min(MAX_FIELDS)],
        _ => &[],
    }
}

/// The form's dictionary.
pub(super) fn form(document: &Document) -> Option<&Dictionary> {
    resolve(document, document.catalog().ok()?.get(b"AcroForm").ok()?).1.as_dict().ok()
}

/// Follows references to an object, a few steps; what leads nowhere is null.
pub(super) fn resolve<'a>(document: &'a Document, mut object: &'a Object) -> (Option<ObjectId>, &'a Object) {
    let mut id = None;
    for _ in 0..16 {
        match object {
            Object::Reference(reference) => {
                id = Some(*reference);
                object = document.objects.get(reference).unwrap_or(&Object::Null);
            }
            _ => return (id, object),
        }
    }
    (id, &Object::Null)
}

/// What a certifying signature (DocMDP) and locks (FieldMDP, a field's /Lock) leave open (ISO 32000-2 12.8.2).
#[derive(Clone, Debug, Default)]
pub(super) struct Permission {
    /// 1 to 3; none without a certifying signature.
    pub level: Option<i64>,
    locks: Vec<Lock>,
}

#[derive(Clone, Debug)]
enum Lock {
    All,
    Include(HashSet<String>),
    Exclude(HashSet<String>),
}

impl Permission {
    /// Adds what a signature in this revision demands.
    pub fn restrict(&mut self, document: &Document, signature: &Signature) {
        let references = signature.dictionary.get(b"Reference").ok().map(|list| resolve(document, list).1);
        let Some(Object::Array(references)) = references else { return };
        for reference in references.iter().take(16) {
            let Object::Dictionary(reference) = resolve(document, reference).1 else { continue };
            let Some(Object::Dictionary(parameters)) =
                reference.get(b"TransformParams").ok().map(|parameters| resolve(document, parameters).1)
            else {
                continue;
            };
            match reference.get(b"TransformMethod").ok().and_then(|method| resolve(document, method).1.as_name().ok()) {
                Some(b"DocMDP") => {
                    let level = parameters.get(b"P").ok().and_then(|level| resolve(document, level).1.as_i64().ok());
                    let level = level.unwrap_or(2);
                    self.level = Some(self.level.map_or(level, |other| other.min(level)));
                }
                Some(b"FieldMDP") => self.locks.extend(lock(document, parameters)),
                _ => {}
            }
        }
    }

    /// True when the field may not be filled any more.
    pub fn locks(&self, field: &str) -> bool {
        let within = |names: &HashSet<String>| {
            names.iter().any(|name| field == name || field.strip_prefix(name.as_str()).is_some_and(|rest| rest.starts_with('.')))
        };
        self.locks.iter().any(|lock| match lock {
            Lock::All => true,
            Lock::Include(names) => within(names),
            Lock::Exclude(names) => !within(names),
        })
    }
}

fn lock(document: &Document, parameters: &Dictionary) -> Option<Lock> {
    let action = resolve(document, parameters.get(b"Action").ok()?).1.as_name().ok()?;
    let names = || -> HashSet<String> {
        let list = parameters.get(b"Fields").ok().and_then(|list| resolve(document, list).1.as_array().ok());
        list.into_iter().flatten().filter_map(|name| resolve(document, name).1.as_str().ok()).map(text_string).collect()
    };
    match action {
        b"Include" => Some(Lock::Include(names())),
        b"Exclude" => Some(Lock::Exclude(names())),
        // All, and what is not known
        _ => Some(Lock::All),
    }
}

/// The streams of the document security store (ISO 32000-2 12.8.4.3): certificates, revocation lists and OCSP answers, unpacked.
pub(super) fn security_store(document: &Document) -> BTreeMap<&'static str, Vec<Vec<u8>>> {
    let mut found: BTreeMap<&'static str, Vec<Vec<u8>>> = BTreeMap::new();
    let store = document.catalog().ok().and_then(|catalog| catalog.get(b"DSS").ok()).map(|store| resolve(document, store).1);
    let Some(Object::Dictionary(store)) = store else { return found };
    for name in ["Certs", "CRLs", "OCSPs"] {
        let Some(Object::Array(list)) = store.get(name.as_bytes()).ok().map(|list| resolve(document, list).1) else { continue };
        for stream in list.iter().take(256) {
            if let Object::Stream(stream) = resolve(document, stream).1 {
                let plain = || stream.decompressed_content_with_limit(MAX_UNPACKED).unwrap_or_else(|_| stream.content.clone());
                let bytes = catch_unwind(AssertUnwindSafe(plain)).unwrap_or_default();
                found.entry(name).or_default().push(bytes);
            }
        }
    }
    found
}

/// PDF text string: UTF-16 or UTF-8 with its mark, else PDFDocEncoding, of which the Latin part is what is met.
pub(super) fn text_string(bytes: &[u8]) -> String {
    let utf16 = |from_bytes: fn([u8; 2]) -> u16| {
        let units = bytes[2..].chunks_exact(2).map(|b| from_bytes([b[0], b[1]]));
        char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect::<String>()
    };
    let text = match bytes {
        [0xfe, 0xff, ..] => utf16(u16::from_be_bytes),
        [0xff, 0xfe, ..] => utf16(u16::from_le_bytes),
        [0xef, 0xbb, 0xbf, rest @ ..] => String::from_utf8_lossy(rest).into_owned(),
        _ => String::from_utf8(bytes.to_vec()).unwrap_or_else(|_| bytes.iter().map(|b| char::from(*b)).collect()),
    };
    nfc(&text)
}
