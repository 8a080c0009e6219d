//! The list step: what came out of a document becomes a manifest, which [`crate::result_code`] makes a signed receipt. Time and
//! salt come in from here, so that `record` stays pure.

use crate::keyring::{KeyringError, random};
use crate::page_protocol::SourceInfo;
use crate::time;
use crate::worker::Document;
use sohoa_digitize::recognize::EngineInfo;
use sohoa_record::field::name::DOSSIER_CODE;
use sohoa_record::identifier::RecordId;
use sohoa_record::manifest::{self, Dossier, Event, Manifest, Object, Part, Processing, Role, Source, State, action};
use sohoa_record::page_texts;
use sohoa_record::seal::Opened;
use sohoa_record::signature::{Finding, SignatureCheck, Verdict};
use sohoa_record::{Digests, Field, Reason};
use sohoa_sign::validate::Checked;

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
        /// The signatures in it, judged.
        signatures: &'a [Checked],
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
        part: None,
        source: Source { name: captured.name, media_type, arrived_at: captured.arrived_at, digests: captured.source },
        state: State::Failed,
        reasons: Vec::new(),
        result_code: None,
        objects: Vec::new(),
        pages: Vec::new(),
        fields: Vec::new(),
        incoming_signatures: Vec::new(),
        signature_checks: Vec::new(),
        pdf_signatures: Vec::new(),
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
        Made::Read { signatures, document, part, pdf, text, .. } => {
            let digitized = &document.digitized;
            manifest.part = part;
            manifest.state = digitized.state;
            manifest.reasons = digitized.reasons.clone();
            manifest.pages = digitized.pages.clone();
            take_signatures(&mut manifest, signatures);
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
    Ok(manifest)
}

/// The judgement on the signatures goes on record; one that says more than that the signer is not known, or that SHA-1 was used, asks for a
/// person.
fn take_signatures(manifest: &mut Manifest, signatures: &[Checked]) {
    manifest.incoming_signatures = signatures.iter().map(|checked| checked.signature.clone()).collect();
    manifest.signature_checks = signatures.iter().map(|checked| checked.check.clone()).collect();
    let reasons = manifest.signature_checks.iter().filter_map(asks_for_a_person);
    let before = manifest.reasons.len();
    manifest.reasons.extend(reasons);
    if manifest.reasons.len() > before && manifest.state == State::Sealed {
        manifest.state = State::Review;
    }
}

fn asks_for_a_person(check: &SignatureCheck) -> Option<Reason> {
    match check.verdict {
        Verdict::Valid | Verdict::IssuerNotTrusted => None,
        Verdict::Weak if is_intact_but_for_sha1(check) => None,
        Verdict::AlteredAfterSigning => Some(Reason::SignatureAltered),
        Verdict::Broken | Verdict::NotCovering => Some(Reason::SignatureBroken),
        Verdict::Weak | Verdict::CertificateRefused => Some(Reason::SignatureDoubtful),
        Verdict::Unsupported | Verdict::NotChecked => Some(Reason::SignatureUnchecked),
    }
}

/// Does nothing speak against the signature but SHA-1? It was verified, and nobody makes a second paper to it after the fact; agencies signed
/// so until 2025, and who reads their papers cannot mend it. MD5 is not verified at all, and short keys can be factored.
fn is_intact_but_for_sha1(check: &SignatureCheck) -> bool {
    let graver = [Finding::WeakKey, Finding::PathExpired, Finding::PathUsage, Finding::CertificateRevoked];
    check.algorithm.ends_with(" sha1") && !graver.iter().any(|finding| check.findings.contains(finding))
}

/// Reasons that concern the paper as a whole: they go when a person accepts it as a whole.
pub const OF_THE_WHOLE: [Reason; 6] = [
    Reason::SeparatorUnreadable,
    Reason::DivisionUnsure,
    Reason::SignatureAltered,
    Reason::SignatureBroken,
    Reason::SignatureDoubtful,
    Reason::SignatureUnchecked,
];

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
                        register: None,
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

/// The next revision: `changed` is the latest manifest with what is new in it, `event` says what that was; its time
/// is set here.
pub fn next_revision(latest: &Opened, changed: Manifest, mut event: Event) -> Result<Manifest, KeyringError> {
    let mut m = changed;
    m.revision = latest.manifest.revision + 1;
    m.previous = Some(latest.digest.clone());
    m.salt = hex::encode(*random::<32>()?);
    m.sealed_at = time::rfc3339(&time::now());
    event.at.clone_from(&m.sealed_at);
    m.history.push(event);
    Ok(m)
}

/// What is left in doubt decides the state; doubts about pages are not for a field's reviewer to clear. Brings the reasons in line.
pub fn settle(fields: &[Field], reasons: &mut Vec<Reason>) -> State {
    let doubts: Vec<Reason> = fields.iter().filter_map(|field| field.doubt).collect();
    reasons.retain(|reason| !is_field_doubt(*reason));
    reasons.extend(&doubts);
    reasons.sort();
    reasons.dedup();
    let page_failed = [Reason::RecognizeFailed, Reason::NoText, Reason::PageDamaged];
    let waits = page_failed.iter().chain(&OF_THE_WHOLE).any(|reason| reasons.contains(reason));
    if doubts.is_empty() && !waits { State::Sealed } else { State::Review }
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
            | R::RegisterTie
            | R::DossierConflict
            | R::UnknownKind
    )
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sha1_is_told_and_asks_nobody_while_all_else_that_is_weak_does() {
        use Finding::{CertificateRevoked, PathExpired, PathNotFound, WeakDigest, WeakKey};
        let asked = |verdict, algorithm: &str, findings: &[Finding]| {
            let algorithm = algorithm.to_owned();
            asks_for_a_person(&SignatureCheck { algorithm, ..SignatureCheck::only(verdict, findings.to_vec()) })
        };
        let (sha1, doubtful) = ("rsa-pkcs1 sha1", Some(Reason::SignatureDoubtful));
        assert_eq!(asked(Verdict::Weak, sha1, &[WeakDigest, PathNotFound]), None);
        assert_eq!(asked(Verdict::Weak, "rsa-pkcs1 md5", &[WeakDigest, PathNotFound]), doubtful, "MD5 is not verified");
        assert_eq!(asked(Verdict::Weak, "rsa-pkcs1 sha256", &[WeakDigest]), doubtful, "of a certificate above it");
        for graver in [WeakKey, PathExpired, CertificateRevoked] {
            assert_eq!(asked(Verdict::Weak, sha1, &[WeakDigest, graver]), doubtful);
        }
        assert_eq!(asked(Verdict::AlteredAfterSigning, sha1, &[WeakDigest]), Some(Reason::SignatureAltered));
        assert_eq!(asked(Verdict::Broken, sha1, &[WeakDigest]), Some(Reason::SignatureBroken));
    }
}
