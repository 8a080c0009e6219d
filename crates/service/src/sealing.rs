//! The list-and-seal step: what came out of a document becomes a manifest, the manifest a signed receipt. Time, salt and key
//! come in from here, so that `record` stays pure.

use crate::keyring::{KeyringError, random};
use crate::page_protocol::SourceInfo;
use crate::time;
use crate::worker::Document;
use ed25519_dalek::SigningKey;
use sohoa_digitize::recognize::EngineInfo;
use sohoa_record::field::{self, name::DOSSIER_CODE};
use sohoa_record::identifier::RecordId;
use sohoa_record::manifest::{self, Dossier, Event, Manifest, Object, Part, Processing, Role, Source, State};
use sohoa_record::page_texts;
use sohoa_record::seal::Opened;
use sohoa_record::{Digests, DossierCode, Field, Reason, Receipt};

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
        /// Pages, fields, outcome, and the dossier that a separator sheet names.
        document: &'a Document,
        /// Which of the source's documents it is.
        part: Option<Part>,
        /// The searchable PDF/A.
        pdf: Digests,
        /// The text object.
        text: Digests,
    },
    /// The source was refused; it is kept all the same, with the reason.
    Refused(Reason),
}

/// The receipt of revision 1: what was captured.
pub fn capture(captured: Captured, made: Made<'_>, engine: &EngineInfo, key: &SigningKey) -> Result<Receipt, KeyringError> {
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
    let event = Event { at: sealed_at.clone(), who: captured.operator, action: "capture".into(), note: format!("by {SOFTWARE}") };
    let mut manifest = Manifest {
        format: manifest::FORMAT.into(),
        record: captured.record,
        revision: 1,
        previous: None,
        salt: hex::encode(*random::<32>()?),
        sealed_at,
        dossier: captured.dossier,
        part: None,
        source: Source { name: captured.name, media_type, arrived_at: captured.arrived_at, digests: captured.source },
        state: State::Failed,
        reasons: Vec::new(),
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
        Made::Read { info, document, part, pdf, text } => {
            let digitized = &document.digitized;
            manifest.part = part;
            manifest.state = digitized.state;
            manifest.reasons = digitized.reasons.clone();
            manifest.pages = digitized.pages.clone();
            manifest.incoming_signatures = info.signatures.clone();
            // A secret paper is not digitized: nothing read from it is kept.
            if digitized.state == State::Skipped {
                manifest.pages.iter_mut().for_each(|page| page.codes.clear());
            } else {
                manifest.fields = digitized.fields.clone();
                place_in_dossier(&mut manifest, document);
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
    if manifest.dossier.code.is_none() {
        manifest.reasons.push(Reason::DossierUnknown);
    }
    manifest.reasons.sort();
    manifest.reasons.dedup();
    manifest.objects = objects;
    Ok(Receipt::seal(&manifest, key))
}

/// The dossier is that of the folder or file name, else that of the separator sheet, else that of the QR code on the paper. One
/// that says otherwise than the one before it is not followed: a person decides.
fn place_in_dossier(manifest: &mut Manifest, document: &Document) {
    let page = manifest.pages.first().map_or(1, |page| page.number);
    for (found, rule) in [(&document.dossier, "separator"), (&document.digitized.dossier, "qr")] {
        let Some(found) = found else { continue };
        match &manifest.dossier.code {
            None => {
                let unit = manifest.dossier.unit.take().unwrap_or_else(|| found.agency().to_owned());
                (manifest.dossier.code, manifest.dossier.unit) = (Some(found.clone()), Some(unit));
            }
            Some(code) if code == found => {}
            Some(_) => {
                let doubt = Some(Reason::DossierConflict);
                match manifest.fields.iter_mut().find(|field| field.name == DOSSIER_CODE) {
                    Some(field) => field.doubt = doubt,
                    None => manifest.fields.push(Field {
                        name: DOSSIER_CODE.into(),
                        value: Some(found.to_string()),
                        printed: found.to_string(),
                        confidence: 100,
                        page,
                        rect: None,
                        doubt,
                        rule: rule.into(),
                    }),
                }
                manifest.reasons.push(Reason::DossierConflict);
                if manifest.state == State::Sealed {
                    manifest.state = State::Review;
                }
            }
        }
    }
}

/// What a person decided about a record.
pub enum Decision {
    /// The values of these fields are right as read.
    Accept(Vec<String>),
    /// These fields have these values; none says that the paper has no such value.
    Set(Vec<(String, Option<String>)>),
    /// The document is refused, with a note.
    Reject(String),
}

/// Why a decision cannot be sealed.
#[derive(Debug, thiserror::Error)]
pub enum DecisionError {
    /// The record has no such field.
    #[error("the record has no field '{0}'; `sohoa review show` lists them")]
    NoField(String),
    /// There is no value to accept.
    #[error("field '{0}' has no value to accept; type it with `sohoa review set … {0}=VALUE`")]
    NoValue(String),
    /// The value is not of the field's form.
    #[error("field '{0}': '{1}' {2}")]
    BadValue(String, String, &'static str),
    /// Only captured documents can be decided on.
    #[error("the record's state is '{0}'; only 'review' and 'sealed' records can be changed, scan the paper again")]
    WrongState(&'static str),
    /// The system gives no random numbers.
    #[error(transparent)]
    Random(#[from] KeyringError),
}

/// The receipt of the next revision: the decision applied to the latest one.
pub fn decide(latest: &Opened, decision: Decision, who: &str, key: &SigningKey) -> Result<Receipt, DecisionError> {
    let mut m = latest.manifest.clone();
    let rejected = m.state == State::Failed && m.reasons.contains(&Reason::Rejected);
    if !matches!(m.state, State::Review | State::Sealed) && !rejected {
        return Err(DecisionError::WrongState(m.state.as_str()));
    }
    // Who accepts the whole looked at the whole: no two papers are in one record.
    let looked_at_all = matches!(&decision, Decision::Accept(names) if names.is_empty());
    let (action, note) = match decision {
        Decision::Accept(names) => ("accept", accept(&mut m.fields, names)?),
        Decision::Set(values) => ("set", set(&mut m.fields, values)?),
        Decision::Reject(note) => {
            m.state = State::Failed;
            m.reasons.push(Reason::Rejected);
            ("reject", note)
        }
    };
    if action != "reject" {
        // A decision on the fields takes an earlier rejection back.
        m.reasons.retain(|reason| *reason != Reason::Rejected && !(looked_at_all && *reason == Reason::SeparatorUnreadable));
        // What is left in doubt decides the state; doubts about pages are not for a field's reviewer to clear.
        let doubts: Vec<Reason> = m.fields.iter().filter_map(|field| field.doubt).collect();
        m.reasons.retain(|reason| !is_field_doubt(*reason) || doubts.contains(reason));
        let page_failed = [Reason::RecognizeFailed, Reason::NoText, Reason::PageDamaged, Reason::SeparatorUnreadable]
            .iter()
            .any(|r| m.reasons.contains(r));
        // Whoever accepts or types the code says where the document belongs.
        if touched(&note, DOSSIER_CODE)
            && let Some(code) = field::value(&m.fields, DOSSIER_CODE).and_then(|code| code.parse().ok())
        {
            m.dossier.code = Some(code);
            m.reasons.retain(|reason| *reason != Reason::DossierUnknown);
        }
        m.state = if doubts.is_empty() && !page_failed { State::Sealed } else { State::Review };
    }
    m.reasons.sort();
    m.reasons.dedup();
    m.revision += 1;
    m.previous = Some(latest.digest.clone());
    m.salt = hex::encode(*random::<32>()?);
    m.sealed_at = time::rfc3339(&time::now());
    m.history.push(Event { at: m.sealed_at.clone(), who: who.to_owned(), action: action.into(), note });
    Ok(Receipt::seal(&m, key))
}

/// Is that field among those that were accepted or set?
fn touched(note: &str, name: &str) -> bool {
    note.split(", ").any(|touched| touched == name)
}

/// Reasons that stand for a field's doubt and go with it.
fn is_field_doubt(reason: Reason) -> bool {
    use Reason as R;
    matches!(
        reason,
        R::NumberHandwritten
            | R::NumberUnconfirmed
            | R::NumberMissing
            | R::DateHandwritten
            | R::DateUnconfirmed
            | R::DateMissing
            | R::NotationUnconfirmed
            | R::FieldMissing
            | R::LowConfidence
            | R::Conflicting
            | R::DossierConflict
            | R::UnknownKind
    )
}

fn accept(fields: &mut [Field], names: Vec<String>) -> Result<String, DecisionError> {
    let all = names.is_empty();
    let names: Vec<String> = match all {
        true => fields.iter().filter(|f| f.doubt.is_some() && f.value.is_some()).map(|f| f.name.clone()).collect(),
        false => names,
    };
    for name in &names {
        let field = field_of(fields, name)?;
        if field.value.is_none() {
            return Err(DecisionError::NoValue(name.clone()));
        }
        field.doubt = None;
        field.rule = "review.accept".into();
    }
    Ok(names.join(", "))
}

fn set(fields: &mut [Field], values: Vec<(String, Option<String>)>) -> Result<String, DecisionError> {
    let mut told = Vec::new();
    for (name, value) in values {
        if told.contains(&name) {
            return Err(DecisionError::BadValue(name, value.unwrap_or_default(), "is given twice; say each field once"));
        }
        if let Some(value) = &value {
            check(&name, value)?;
        }
        let field = field_of(fields, &name)?;
        // The value itself stays out of the note: history is shown more widely than fields.
        told.push(name);
        field.value = value;
        field.doubt = None;
        field.confidence = 100;
        field.rule = "review.set".into();
    }
    Ok(told.join(", "))
}

fn field_of<'a>(fields: &'a mut [Field], name: &str) -> Result<&'a mut Field, DecisionError> {
    fields.iter_mut().find(|field| field.name == name).ok_or_else(|| DecisionError::NoField(name.to_owned()))
}

/// Letters of a value. The longest field of NĐ 30/2020/NĐ-CP Phụ lục VI has 500.
const MAX_LETTERS: usize = 1000;

/// People mistype too: a date must be a day, a number must be digits.
fn check(name: &str, value: &str) -> Result<(), DecisionError> {
    use sohoa_record::field::name as names;
    let bad = |why| Err(DecisionError::BadValue(name.to_owned(), value.escape_debug().take(60).collect(), why));
    if value.chars().any(char::is_control) {
        return bad("has control characters; type it in one line");
    }
    if value.chars().count() > MAX_LETTERS {
        return bad("is longer than any field; 1000 letters at most");
    }
    match name {
        names::ISSUED_DATE
            if value.parse::<jiff::civil::Date>().is_ok_and(|day| day > time::now().date() || day.year() < 1900) =>
        {
            bad("lies in the future or before 1900")
        }
        names::DOSSIER_CODE if value.parse::<DossierCode>().is_err() => {
            bad("is not a dossier code; write it as on the receipt, such as H48.15-250117-0042")
        }
        names::PAGE_AMOUNT if value.parse::<u32>().is_err() => bad("is not a number of pages"),
        names::ISSUED_DATE | names::VALID_UNTIL if value.parse::<jiff::civil::Date>().is_err() || value.len() != 10 => {
            bad("is not a day; write YYYY-MM-DD")
        }
        names::CODE_NUMBER if value.is_empty() || !value.chars().all(|c| c.is_ascii_alphanumeric()) => {
            bad("is not a number; write its digits without 'Số:' and without the notation")
        }
        _ => Ok(()),
    }
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
