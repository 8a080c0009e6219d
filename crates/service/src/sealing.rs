//! The list step: what came out of a document becomes a manifest, which [`crate::result_code`] makes a signed receipt. Time and
//! salt come in from here, so that `record` stays pure.

use crate::keyring::{KeyringError, random};
use crate::page_protocol::SourceInfo;
use crate::time;
use sohoa_digitize::Digitized;
use sohoa_digitize::recognize::EngineInfo;
use sohoa_record::identifier::RecordId;
use sohoa_record::manifest::{self, Dossier, Event, Manifest, Object, Processing, Role, Source, State, action};
use sohoa_record::page_texts;
use sohoa_record::{Digests, Reason};

/// Name and version of this software, as it stands in manifests.
pub const SOFTWARE: &str = concat!("sohoa ", env!("CARGO_PKG_VERSION"));

/// What is known of a document before it is read.
pub struct Captured {
    /// Its record.
    pub record: RecordId,
    /// The source's bytes.
    pub source: Digests,
    /// The source's file name.
    pub name: String,
    /// When its bytes were committed: RFC 3339.
    pub arrived_at: String,
    /// Where it belongs.
    pub dossier: Dossier,
    /// Who captures.
    pub operator: String,
}

/// What was made of it.
pub enum Made<'a> {
    /// It went through all stages.
    Read {
        /// What the source is.
        info: &'a SourceInfo,
        /// Pages, fields, outcome.
        digitized: &'a Digitized,
        /// The searchable PDF/A.
        pdf: Digests,
        /// The text object.
        text: Digests,
    },
    /// The source was refused; it is kept all the same, with the reason.
    Refused(Reason),
}

/// The manifest of revision 1: what was captured.
pub fn capture(captured: Captured, made: Made<'_>, engine: &EngineInfo) -> Result<Manifest, KeyringError> {
    let sealed_at = time::rfc3339(&time::now());
    let media_type = match &made {
        Made::Read { info, .. } => info.media_type.clone(),
        Made::Refused(_) => "application/octet-stream".into(),
    };
    let mut objects = vec![Object {
        role: Role::Source,
        name: format!("source.{}", extension(&media_type)),
        media_type: media_type.clone(),
        digests: captured.source.clone(),
    }];
    let unknown_dossier = captured.dossier.code.is_none();
    let event = Event {
        at: sealed_at.clone(),
        who: captured.operator,
        action: action::CAPTURE.into(),
        note: format!("by {SOFTWARE}"),
        changes: Vec::new(),
    };
    let mut manifest = Manifest {
        format: manifest::FORMAT.into(),
        record: captured.record,
        revision: 1,
        previous: None,
        salt: hex::encode(*random::<32>()?),
        sealed_at,
        dossier: captured.dossier,
        source: Source { name: captured.name, media_type, arrived_at: captured.arrived_at, digests: captured.source },
        state: State::Failed,
        reasons: Vec::new(),
        result_code: None,
        objects: Vec::new(),
        pages: Vec::new(),
        fields: Vec::new(),
        incoming_signatures: Vec::new(),
        processing: Processing {
            software: SOFTWARE.into(),
            engine: engine.engine.clone(),
            model: engine.model.clone(),
            model_sha256: engine.model_sha256.clone(),
        },
        history: vec![event],
    };
    match made {
        Made::Refused(reason) => manifest.reasons = vec![reason],
        Made::Read { info, digitized, pdf, text } => {
            manifest.state = digitized.state;
            manifest.reasons = digitized.reasons.clone();
            manifest.pages = digitized.pages.clone();
            manifest.incoming_signatures = info.signatures.clone();
            // A secret paper is not digitized: nothing read from it is kept.
            if digitized.state != State::Skipped {
                manifest.fields = digitized.fields.clone();
                objects.push(Object {
                    role: Role::Searchable,
                    name: "searchable.pdf".into(),
                    media_type: "application/pdf".into(),
                    digests: pdf,
                });
                objects.push(Object {
                    role: Role::Text,
                    name: "text.json".into(),
                    media_type: page_texts::MEDIA_TYPE.into(),
                    digests: text,
                });
            }
        }
    }
    if unknown_dossier {
        manifest.reasons.push(Reason::DossierUnknown);
    }
    manifest.reasons.sort();
    manifest.reasons.dedup();
    manifest.objects = objects;
    Ok(manifest)
}

/// The usual extension of a media type.
fn extension(media_type: &str) -> &'static str {
    match media_type {
        "application/pdf" => "pdf",
        "image/tiff" => "tif",
        "image/jpeg" => "jpg",
        "image/png" => "png",
        _ => "bin",
    }
}
