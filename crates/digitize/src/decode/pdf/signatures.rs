//! The signatures an incoming PDF carries, listed and not judged: who, of what kind, when, and whether something was added
//! after them.

use hayro::hayro_syntax::Pdf;
use hayro::hayro_syntax::object::{Array, Dict, MaybeRef, Name, ObjRef, String as PdfString};
use sohoa_record::manifest::IncomingSignature;
use sohoa_record::text::nfc;
use std::collections::HashSet;

/// More fields than this are made to harm.
const MAX_FIELDS: usize = 20_000;

/// Every signed signature field of the form, in its order; when the form leads to none but the file has signed ranges, every
/// signature that lies anywhere in it.
pub(super) fn list(pdf: &Pdf, data: &[u8]) -> Vec<IncomingSignature> {
    const RANGE: &[u8] = b"/ByteRange";
    // signatures are never compressed: their own place in the file is signed
    if !data.windows(RANGE.len()).any(|window| window == RANGE) {
        return Vec::new();
    }
    let found = in_form(pdf, data);
    if !found.is_empty() {
        return found;
    }
    let objects = pdf.objects().into_iter().filter_map(|object| object.into_dict());
    objects
        .filter(|dict| dict.contains_key(&RANGE[1..]) && dict.contains_key(b"SubFilter"))
        .map(|dict| read(&dict, data))
        .collect()
}

fn in_form(pdf: &Pdf, data: &[u8]) -> Vec<IncomingSignature> {
    let catalog = pdf.xref().get::<Dict<'_>>(pdf.xref().root_id());
    let form = catalog.and_then(|catalog| catalog.get::<Dict<'_>>(b"AcroForm"));
    let Some(fields) = form.and_then(|form| form.get::<Array<'_>>(b"Fields")) else { return Vec::new() };
    let mut found = Vec::new();
    let mut seen: HashSet<ObjRef> = HashSet::new();
    let mut waiting: Vec<(Dict<'_>, bool)> = Vec::new();
    push_kids(pdf, &fields, false, &mut seen, &mut waiting);
    let mut values = HashSet::new();
    while let Some((field, parent_is_signature)) = waiting.pop() {
        let is_signature = field.get::<Name<'_>>(b"FT").map_or(parent_is_signature, |kind| kind.as_ref() == b"Sig");
        if let Some(kids) = field.get::<Array<'_>>(b"Kids") {
            push_kids(pdf, &kids, is_signature, &mut seen, &mut waiting);
        }
        // two fields may point to one signature
        let is_new = field.get_ref(b"V").is_none_or(|value| values.insert(value));
        if is_signature
            && is_new
            && let Some(signature) = field.get::<Dict<'_>>(b"V")
        {
            found.push(read(&signature, data));
        }
        if seen.len() > MAX_FIELDS {
            break;
        }
    }
    found
}

/// Kids go on the stack so that the first comes off first.
fn push_kids<'a>(
    pdf: &'a Pdf,
    kids: &Array<'a>,
    is_signature: bool,
    seen: &mut HashSet<ObjRef>,
    waiting: &mut Vec<(Dict<'a>, bool)>,
) {
    let from = waiting.len();
    for kid in kids.raw_iter().take(MAX_FIELDS) {
        let dict = match kid {
            MaybeRef::Ref(reference) if !seen.insert(reference) => continue,
            MaybeRef::Ref(reference) => pdf.xref().get::<Dict<'_>>(reference.into()),
            MaybeRef::NotRef(object) => object.into_dict(),
        };
        waiting.extend(dict.map(|dict| (dict, is_signature)));
    }
    waiting[from..].reverse();
}

fn read(signature: &Dict<'_>, data: &[u8]) -> IncomingSignature {
    let text = |key: &[u8]| signature.get::<PdfString<'_>>(key).map(|s| text_string(s.as_bytes())).unwrap_or_default();
    let range: Vec<u64> =
        signature.get::<Array<'_>>(b"ByteRange").map(|a| a.iter::<u32>().map(u64::from).collect()).unwrap_or_default();
    let certificate_name = contents(&range, data).and_then(|cms| common_name(&cms));
    IncomingSignature {
        kind: signature.get::<Name<'_>>(b"SubFilter").map(|name| name.as_str().to_owned()).unwrap_or_default(),
        signer: certificate_name.unwrap_or_else(|| text(b"Name")),
        claimed_time: text(b"M"),
        covers_whole_file: covers(&range, data),
    }
}

/// The signed range starts at the file's first byte, leaves out one gap, and ends at its last byte but line ends.
fn covers(range: &[u64], data: &[u8]) -> bool {
    let [0, first, second, length] = *range else { return false };
    let end = second + length;
    first < second && end <= data.len() as u64 && data[end as usize..].iter().all(u8::is_ascii_whitespace)
}

/// The CMS in the gap of the byte range: hexadecimal, and never encrypted, unlike other strings.
fn contents(range: &[u64], data: &[u8]) -> Option<Vec<u8>> {
    let [_, first, second, _] = *range else { return None };
    let gap = data.get(usize::try_from(first).ok()?..usize::try_from(second).ok()?)?;
    let digits: Vec<u8> = gap.iter().filter_map(|b| char::from(*b).to_digit(16)).map(|d| d as u8).collect();
    Some(digits.chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]).collect())
}

/// PDF text string: UTF-16 or UTF-8 with its mark, else PDFDocEncoding, of which the Latin part is what is met.
fn text_string(bytes: &[u8]) -> String {
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

/// One DER element: tag, contents, and what follows.
fn element(der: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (tag, first) = (*der.first()?, *der.get(1)?);
    let (length, from) = match first {
        0..=0x7f => (usize::from(first), 2),
        0x81..=0x84 => {
            let count = usize::from(first & 0x7f);
            let length = der.get(2..2 + count)?.iter().fold(0usize, |sum, b| sum << 8 | usize::from(*b));
            (length, 2 + count)
        }
        _ => return None,
    };
    let end = from.checked_add(length)?;
    Some((tag, der.get(from..end)?, &der[end..]))
}

fn children(mut der: &[u8]) -> Vec<(u8, &[u8])> {
    let mut found = Vec::new();
    while let Some((tag, value, rest)) = element(der) {
        found.push((tag, value));
        der = rest;
    }
    found
}

/// The common name of the signer: of the certificate that the first SignerInfo names by issuer and serial number, else of the
/// first that has issued none of the others (RFC 5652 5.1, 5.3; RFC 5280 4.1).
fn common_name(cms: &[u8]) -> Option<String> {
    let (_, content_info, _) = element(cms)?;
    let (_, explicit) = *children(content_info).get(1)?;
    let (_, signed_data, _) = element(explicit)?;
    let parts = children(signed_data);
    let certificates: Vec<_> =
        children(parts.iter().find(|part| part.0 == 0xa0)?.1).iter().filter_map(|(_, body)| certificate(body)).collect();
    let signer = parts.last().filter(|part| part.0 == 0x31).and_then(|(_, infos)| {
        let info = children(children(infos).first()?.1);
        let issuer_and_serial = children(info.get(1).filter(|part| part.0 == 0x30)?.1);
        Some((issuer_and_serial.first()?.1, issuer_and_serial.get(1)?.1))
    });
    let named = certificates.iter().find(|certificate| Some((certificate.issuer, certificate.serial)) == signer);
    let is_leaf = |subject: &[u8]| certificates.iter().all(|other| other.issuer != subject || other.subject == subject);
    let leaf = || certificates.iter().find(|certificate| is_leaf(certificate.subject));
    last_common_name(named.or_else(leaf)?.subject)
}

struct Certificate<'a> {
    serial: &'a [u8],
    issuer: &'a [u8],
    subject: &'a [u8],
}

fn certificate(body: &[u8]) -> Option<Certificate<'_>> {
    let (_, signed, _) = element(body)?;
    let mut fields = children(signed);
    fields.retain(|field| field.0 != 0xa0); // the version
    // serial, algorithm, issuer, validity, subject
    Some(Certificate { serial: fields.first()?.1, issuer: fields.get(2)?.1, subject: fields.get(4)?.1 })
}

fn last_common_name(name: &[u8]) -> Option<String> {
    const COMMON_NAME: &[u8] = &[0x55, 4, 3];
    let attributes = children(name).into_iter().flat_map(|(_, set)| children(set));
    let mut value = attributes.filter_map(|(_, attribute)| {
        let parts = children(attribute);
        (parts.first()?.1 == COMMON_NAME).then(|| parts.get(1).copied())?
    });
    let (tag, bytes) = value.next_back()?;
    let text = match tag {
        0x1e => char::decode_utf16(bytes.chunks_exact(2).map(|b| u16::from_be_bytes([b[0], b[1]])))
            .map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER))
            .collect(),
        _ => String::from_utf8_lossy(bytes).into_owned(),
    };
    Some(nfc(&text))
}
