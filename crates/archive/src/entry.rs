//! What the index keeps of a record: everything a list, a filter or a rate needs, taken from a verified manifest and nothing
//! else.

use crate::error::{Error, Result};
use serde::{Deserialize, Serialize};
use sohoa_record::field::name;
use sohoa_record::identifier::RecordId;
use sohoa_record::manifest::{Manifest, PageState, Role, State};
use sohoa_record::seal::Opened;
use sohoa_record::signature::Verdict;
use sohoa_record::{DossierCode, PageLook, Reason, Sha256Hex};

/// A record's latest revision as the index has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// The record.
    pub record: RecordId,
    /// The latest revision.
    pub revision: u32,
    /// SHA-256 of its manifest: what the next revision names as `previous`.
    pub manifest_sha256: Sha256Hex,
    /// The outcome.
    pub state: State,
    /// Why, when the outcome is not `sealed`.
    pub reasons: Vec<Reason>,
    /// The dossier's code, when it is known.
    pub dossier_code: Option<DossierCode>,
    /// The code of the digitization result, once it is given.
    pub result_code: Option<String>,
    /// The folder that grouped the document.
    pub folder: String,
    /// The document's place in the dossier, from 1.
    pub ordinal: Option<u32>,
    /// The unit that digitizes.
    pub unit: Option<String>,
    /// The source's name without folders.
    pub source_name: String,
    /// The source's bytes.
    pub source_sha256: Sha256Hex,
    /// The source's size in bytes.
    pub source_size: u64,
    /// The source's media type.
    pub media_type: String,
    /// The text object, when there is one.
    pub text_sha256: Option<Sha256Hex>,
    /// Bytes of all objects of this revision together.
    pub stored_bytes: u64,
    /// What became of the pages.
    pub pages: PageCounts,
    /// The searchable PDF carries a legal signature of ours, or the source one that covers the whole file (listed, not judged).
    pub signed: bool,
    /// A searchable copy is kept beside the source.
    pub archived: bool,
    /// RFC 3339 at +07:00.
    pub arrived_at: String,
    /// RFC 3339 at +07:00.
    pub sealed_at: String,
    /// The key that signed the revision.
    pub key_id: Sha256Hex,
    /// What the pages with words look like, in order; not listed.
    #[serde(default, skip_serializing)]
    pub looks: Vec<PageLook>,
    /// What was read, in the manifest's order.
    pub fields: Vec<IndexedField>,
}

/// How many pages of a record are in which state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct PageCounts {
    pub text: u32,
    pub blank: u32,
    pub separator: u32,
    pub recognize_failed: u32,
}

impl PageCounts {
    /// Every page that was fed.
    pub fn all(&self) -> u32 {
        self.text + self.blank + self.separator + self.recognize_failed
    }
}

/// A field as the index has it; places and rules stay in the manifest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IndexedField {
    /// Snake case, see [`sohoa_record::field::name`].
    pub name: String,
    /// Normalized; null when it was not found.
    pub value: Option<String>,
    /// From 1.
    pub page: u32,
    /// Whole percent.
    pub confidence: u8,
    /// Why a person must look.
    pub doubt: Option<Reason>,
}

/// Whether the document has a legal signature that counts: ours on the searchable PDF, or a valid one over the whole of what came in.
fn is_signed(m: &Manifest) -> bool {
    let mut incoming = m.incoming_signatures.iter().zip(&m.signature_checks);
    !m.pdf_signatures.is_empty()
        || incoming.any(|(signature, check)| signature.covers_whole_file && check.verdict == Verdict::Valid)
}

impl Entry {
    /// The entry of a verified revision.
    pub fn of(opened: &Opened) -> Self {
        let m = &opened.manifest;
        let mut pages = PageCounts::default();
        for page in &m.pages {
            *match page.state {
                PageState::Text => &mut pages.text,
                PageState::Blank => &mut pages.blank,
                PageState::Separator => &mut pages.separator,
                PageState::RecognizeFailed => &mut pages.recognize_failed,
            } += 1;
        }
        let fields = m.fields.iter().map(|f| IndexedField {
            name: f.name.clone(),
            value: f.value.clone(),
            page: f.page,
            confidence: f.confidence,
            doubt: f.doubt,
        });
        Self {
            record: m.record.clone(),
            revision: m.revision,
            manifest_sha256: opened.digest.clone(),
            state: m.state,
            reasons: m.reasons.clone(),
            dossier_code: m.dossier.code.clone(),
            result_code: m.result_code.clone(),
            folder: m.dossier.folder.clone(),
            ordinal: m.dossier.ordinal,
            unit: m.dossier.unit.clone(),
            source_name: m.source.name.clone(),
            source_sha256: m.source.digests.sha256.clone(),
            source_size: m.source.digests.size,
            media_type: m.source.media_type.clone(),
            text_sha256: m.object(Role::Text).map(|object| object.digests.sha256.clone()),
            stored_bytes: m.objects.iter().map(|object| object.digests.size).sum(),
            pages,
            signed: is_signed(m),
            archived: m.object(Role::Searchable).is_some(),
            arrived_at: m.source.arrived_at.clone(),
            sealed_at: m.sealed_at.clone(),
            key_id: opened.key_id.clone(),
            looks: m.pages.iter().filter_map(|page| page.look).collect(),
            fields: fields.collect(),
        }
    }

    /// The value of the field of that name, when it was found. It may be in doubt: see [`Entry::vouched`].
    pub fn value(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|field| field.name == name)?.value.as_deref()
    }

    /// The value of the field of that name, when it is not in doubt.
    pub fn vouched(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|field| field.name == name && field.doubt.is_none())?.value.as_deref()
    }

    /// The document's number and notation as they are written, such as `51/QĐ-UBND`; what is there of the two.
    pub fn number_and_notation(&self) -> Option<String> {
        match (self.value(name::CODE_NUMBER), self.value(name::CODE_NOTATION)) {
            (Some(number), Some(notation)) => Some(format!("{number}/{}", notation.trim_start_matches('/'))),
            (Some(one), None) | (None, Some(one)) => Some(one.to_owned()),
            (None, None) => None,
        }
    }
}

/// Reads a state as the database and JSON have it.
pub(crate) fn parse_state(text: &str) -> Result<State> {
    let states = [State::Sealed, State::Review, State::Skipped, State::Failed];
    let found = states.into_iter().find(|state| state.as_str() == text);
    found.ok_or_else(|| Error::malformed("index", format!("'{text}' is not a state")))
}
