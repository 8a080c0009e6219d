//! The manifest of one revision of a record: what the archive vouches for, and what is signed. `docs/format.md` shows its
//! bytes by example.
//!
//! Its bytes are canonical JSON (RFC 8785, JCS): one manifest has one form. No float enters it (confidence is a whole percent,
//! boxes are whole pixels), text is NFC, digests are hexadecimal, times carry their zone.

use crate::digest::Digests;
use crate::field::Field;
use crate::identifier::RecordId;
use crate::page_code::PageCode;
use crate::page_look::PageLook;
use crate::reason::Reason;
use crate::signature::SignatureCheck;
use crate::text::Placement;
use crate::{DossierCode, Sha256Hex};
use serde::{Deserialize, Serialize};

/// The first member of every manifest of this format. A released format is never changed, only followed by a new one.
pub const FORMAT: &str = "sohoa-manifest/1";

/// One revision of a record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// [`FORMAT`].
    pub format: String,
    /// The record.
    pub record: RecordId,
    /// 1 for what was captured; each correction or review is the next.
    pub revision: u32,
    /// SHA-256 of the previous revision's manifest bytes; null for revision 1.
    pub previous: Option<Sha256Hex>,
    /// 32 random bytes in hexadecimal: the digest of a manifest gives nothing away about its contents.
    pub salt: String,
    /// When it was sealed: RFC 3339 at +07:00.
    pub sealed_at: String,
    /// Where the document belongs.
    pub dossier: Dossier,
    /// What came in.
    pub source: Source,
    /// Which of the documents of its source it is, when that holds several; null, and not written, else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub part: Option<Part>,
    /// The outcome.
    pub state: State,
    /// Why the outcome is not `sealed`, or what else a reader should know; sorted, each once.
    pub reasons: Vec<Reason>,
    /// The code of the digitization result (mã kết quả số hóa), given when the record is first sealed; left out until then, and
    /// where no code is given. No other record of the archive has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result_code: Option<String>,
    /// Every stored object of this revision.
    pub objects: Vec<Object>,
    /// Every page that was fed, in order; of a part, the part's.
    pub pages: Vec<Page>,
    /// What was read.
    pub fields: Vec<Field>,
    /// Signatures found in the incoming file.
    pub incoming_signatures: Vec<IncomingSignature>,
    /// The judgement on each of them, in the same order; left out where there are none, as in receipts made before this member was.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub signature_checks: Vec<SignatureCheck>,
    /// The legal signatures that were put on the searchable PDF, in order; not written when there are none. Each is told as its certificate
    /// and its time stamp say; the proof is in the PDF.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pdf_signatures: Vec<PdfSignature>,
    /// How it was made.
    pub processing: Processing,
    /// Who did what, in time order; the last entry made this revision.
    pub history: Vec<Event>,
}

/// The dossier (hồ sơ) and unit (đơn vị) of a document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dossier {
    /// The code, verbatim, of folder or file name, else of a separator sheet, else of the QR code on the paper; null when none carried
    /// one.
    pub code: Option<DossierCode>,
    /// The folder that grouped the document, as the operator named it.
    pub folder: String,
    /// The document's place in the dossier, from 1; null when the file name gave none.
    pub ordinal: Option<u32>,
    /// The unit that digitizes, as given by the operator or taken from the code; null when neither is known.
    pub unit: Option<String>,
}

/// One document of a source that holds several. All have the whole source as an object, and pages by the source's own numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Part {
    /// From 1, in the order of the source. Number 1 has the record of the arrival, number n its [`RecordId::part`].
    pub number: u32,
    /// How many there are.
    pub of: u32,
}

/// The file that came in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// Its name without folders, NFC.
    pub name: String,
    /// `application/pdf`, `image/tiff`, `image/jpeg`, `image/png`, or `application/octet-stream` for what none of them is.
    pub media_type: String,
    /// When its bytes were committed to the archive: RFC 3339 at +07:00.
    pub arrived_at: String,
    /// Its bytes.
    #[serde(flatten)]
    pub digests: Digests,
}

/// The outcome of a document; exactly one at any time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Every required field is vouched for, by rule or by a person.
    Sealed,
    /// Sealed as captured; a person must look, the reasons say why. Not yet counted as digitized.
    Review,
    /// Lawfully not digitized; the reason says why.
    Skipped,
    /// Not readable; the reason says why and what to do. The original is kept.
    Failed,
}

impl State {
    /// As in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            State::Sealed => "sealed",
            State::Review => "review",
            State::Skipped => "skipped",
            State::Failed => "failed",
        }
    }
}

/// What an object is to its record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// The bytes that came in, unchanged.
    Source,
    /// The searchable PDF/A made from them.
    Searchable,
    /// Words, boxes and confidence of every page (`sohoa-text/1`, JSON).
    Text,
}

/// A stored object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Object {
    /// What it is to the record.
    pub role: Role,
    /// Its file name in an export, such as `searchable.pdf`; unique in the manifest.
    pub name: String,
    /// Its media type.
    pub media_type: String,
    /// Its bytes; the store holds it under its SHA-256.
    #[serde(flatten)]
    pub digests: Digests,
}

/// What became of a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PageState {
    /// It has words.
    Text,
    /// Nothing is on it. It is kept and flagged, never dropped.
    Blank,
    /// A separator sheet; kept and flagged.
    Separator,
    /// It could not be read; the page's reason says why. It counts as not digitized.
    RecognizeFailed,
}

impl PageState {
    /// As in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            PageState::Text => "text",
            PageState::Blank => "blank",
            PageState::Separator => "separator",
            PageState::RecognizeFailed => "recognize_failed",
        }
    }
}

/// One page that was fed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Page {
    /// From 1, in the order of the source.
    pub number: u32,
    /// What became of it.
    pub state: PageState,
    /// Why, when it failed; or a flag such as `low_dpi`.
    pub reasons: Vec<Reason>,
    /// Resolution of the kept image, pixels per inch; 0 when the source does not say and it cannot be told.
    pub dpi: u32,
    /// Width of the kept image in pixels; 0 when the page could not be decoded.
    pub width_px: u32,
    /// Height of the kept image in pixels; 0 when the page could not be decoded.
    pub height_px: u32,
    /// How the upright page lies on the kept image.
    #[serde(flatten)]
    pub placement: Placement,
    /// Mean confidence of its words, whole percent.
    pub confidence: u8,
    /// True when the words are the source's own text and not read from pixels.
    pub born_digital: bool,
    /// SHA-256 of the kept image's stored stream; null when the page could not be decoded.
    pub image_sha256: Option<Sha256Hex>,
    /// QR codes and barcodes on it; not written when there are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub codes: Vec<PageCode>,
    /// What it looks like; not written of a page without words, nor in receipts older than the member.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub look: Option<PageLook>,
}

/// A signature found in the incoming PDF.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IncomingSignature {
    /// `/SubFilter`, such as `ETSI.CAdES.detached`.
    pub kind: String,
    /// The signer's common name from the certificate, or `/Name`; empty when neither can be read.
    pub signer: String,
    /// `/M`, the time the signer claims, as written in the file; empty when absent.
    pub claimed_time: String,
    /// True when the signed byte range ends at the end of the file, so nothing was added after it.
    pub covers_whole_file: bool,
}

/// A legal signature on the searchable PDF.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PdfSignature {
    /// How it looks and whose it is: `nd30-2020`, `tt01-2023`, `tt02-2019`; also its field's name in the PDF.
    pub profile: String,
    /// The common name of the signer's certificate.
    pub signer: String,
    /// SHA-256 of that certificate.
    pub certificate_sha256: Sha256Hex,
    /// The PAdES level: `b-b`, `b-t`, `b-lt`, `b-lta` (EN 319 142-1).
    pub level: String,
    /// The time that the signer claims, `/M`: RFC 3339 at +07:00.
    pub signed_at: String,
    /// The time-stamping service's time: RFC 3339 at +07:00; null when it was not asked.
    pub stamped_at: Option<String>,
}

/// How a revision was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Processing {
    /// Name and version of this software.
    pub software: String,
    /// Name and version of the engine that read the pages, such as `tesseract 5.3.0`.
    pub engine: String,
    /// The engine's model: name and SHA-256 of its file.
    pub model: String,
    /// SHA-256 of the engine's model file; null when no engine was used.
    pub model_sha256: Option<Sha256Hex>,
}

/// Something that happened to the record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Event {
    /// RFC 3339 at +07:00.
    pub at: String,
    /// Who: a person's user name, or the software.
    pub who: String,
    /// One of [`action`]'s names.
    pub action: String,
    /// What, in a few words: the fields that were accepted or corrected, the reviewer's note.
    pub note: String,
    /// The fields that a person decided on; left out where there are none, as in receipts made before this member was.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<Change>,
}

/// A field that a person decided on. Values stand in history for proof only: lists and logs show names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Change {
    /// The field's name.
    pub field: String,
    /// Its value before; null when there was none.
    pub before: Option<String>,
    /// Its value after; the same where it was accepted, null when the paper has none.
    pub after: Option<String>,
}

/// What an [`Event`] can be.
pub mod action {
    /// The document was read and sealed: revision 1.
    pub const CAPTURE: &str = "capture";
    /// A person vouched for values as they were read.
    pub const ACCEPT: &str = "accept";
    /// A person typed values.
    pub const CORRECT: &str = "correct";
    /// What [`CORRECT`] was called before; still met, no longer written.
    pub const SET: &str = "set";
    /// A register confirmed values or had rows that could be the paper.
    pub const REGISTER: &str = "register";
    /// A person found that the paper is lawfully not digitized.
    pub const SKIP: &str = "skip";
    /// The searchable PDF was signed after the decision that made it due.
    pub const SIGN: &str = "sign";
    /// A person refused the document.
    pub const REJECT: &str = "reject";
    /// Another person looked at a decision and found it right.
    pub const SECOND_ROUND_ACCEPT: &str = "second_round_accept";
    /// Another person looked at a decision and typed other values.
    pub const SECOND_ROUND_CORRECT: &str = "second_round_correct";
}

impl Manifest {
    /// The bytes that are signed and stored: RFC 8785 canonical JSON.
    pub fn to_bytes(&self) -> Vec<u8> {
        // Only a map with non-string keys or a failing writer can make this fail, and there is neither.
        serde_json_canonicalizer::to_vec(self).unwrap_or_default()
    }

    /// Reads manifest bytes and checks that they are in canonical form, which also refuses duplicate members. Used by
    /// [`crate::Receipt::open`] after the signature was verified.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Result<Self, MalformedManifest> {
        let manifest: Manifest = serde_json::from_slice(bytes).map_err(|e| MalformedManifest(e.to_string()))?;
        if manifest.format != FORMAT {
            return Err(MalformedManifest(format!("format '{}' is not {FORMAT}", manifest.format)));
        }
        if manifest.to_bytes() != bytes {
            return Err(MalformedManifest("the bytes are not in canonical form (RFC 8785)".into()));
        }
        if let Some(name) = manifest.objects.iter().map(|o| &o.name).find(|name| !is_plain_file_name(name)) {
            return Err(MalformedManifest(format!("object name '{name}' is not a plain file name")));
        }
        Ok(manifest)
    }

    /// The object with that role.
    pub fn object(&self, role: Role) -> Option<&Object> {
        self.objects.iter().find(|object| object.role == role)
    }
}

/// Object names become file names in an export, so nothing that leads out of a folder may pass.
fn is_plain_file_name(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= 64
        && !name.starts_with('.')
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_'))
}

/// Bytes that are no manifest of this format, and why.
#[derive(Debug, thiserror::Error)]
#[error("malformed manifest: {0}")]
pub struct MalformedManifest(pub String);
