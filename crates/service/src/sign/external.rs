//! A signature by a key on another computer, in two steps: `prepare` gives what is to be signed, `complete` takes the CMS. Between the
//! two nothing is kept but the time: preparing again gives the same bytes, so no prepared file can be exchanged.

use super::{Attempt, Sealer, Signing, SigningError};
use crate::{sealing, time};
use serde::{Deserialize, Serialize};
use sohoa_archive::Archive;
use sohoa_record::Reason;
use sohoa_record::identifier::RecordId;
use sohoa_record::manifest::{Event, Manifest, Role, action};
use sohoa_record::seal::Opened;
use sohoa_sign::algorithm::Hash;
use sohoa_sign::pades;

/// What is to be signed.
#[derive(Clone, Debug)]
pub struct Prepared {
    /// What `complete` needs to know again.
    pub note: Note,
    /// The bytes that the signature covers, for programs that hash them themselves.
    pub covered: Vec<u8>,
}

/// The note that goes to the other computer and comes back.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Note {
    /// The record.
    pub record: RecordId,
    /// Its revision.
    pub revision: u32,
    /// Which signature.
    pub profile: String,
    /// The time that the signature will claim and show.
    pub signed_at: String,
    /// SHA-256 of what is to be signed, in hexadecimal: the CMS's message-digest.
    pub sha256: String,
}

/// How `complete` ended.
#[derive(Clone, Debug)]
pub struct Completed {
    /// The new revision.
    pub opened: Opened,
    /// Whose certificate signed.
    pub signer: String,
}

impl Signing {
    /// Step one, for a record that waits for a key elsewhere.
    pub async fn prepare(&self, archive: &Archive, record: &RecordId) -> Result<Prepared, SigningError> {
        let before = latest(archive, record).await?;
        let at = time::now();
        let prepared = self.prepared(archive, &before.manifest, &time::rfc3339(&at)).await?;
        let profile = self.due(&before.manifest)?.0;
        let digest = hex::encode(prepared.digest(Hash::Sha256));
        let note = Note {
            record: record.clone(),
            revision: before.manifest.revision,
            profile: profile.to_owned(),
            signed_at: time::rfc3339(&at),
            sha256: digest,
        };
        Ok(Prepared { note, covered: prepared.covered().concat() })
    }

    /// Step two: checks the CMS, puts it in, goes on with the signatures that are left, and seals the next revision.
    pub async fn complete(
        &self,
        archive: &Archive,
        sealer: &Sealer<'_>,
        note: &Note,
        cms: &[u8],
        who: &str,
    ) -> Result<Completed, SigningError> {
        let before = latest(archive, &note.record).await?;
        let misfit = |why: String| SigningError::Record { record: note.record.clone(), why };
        if before.manifest.revision != note.revision {
            return Err(misfit(format!("it is at revision {} since; prepare it again", before.manifest.revision)));
        }
        let prepared = self.prepared(archive, &before.manifest, &note.signed_at).await?;
        if hex::encode(prepared.digest(Hash::Sha256)) != note.sha256 {
            return Err(misfit("what is to be signed has changed, with the configuration or the font; prepare it again".into()));
        }
        let (profile, planned) = self.due(&before.manifest)?;
        let at = time::parse(&note.signed_at).ok_or_else(|| misfit("the note's time cannot be read".into()))?;
        let failed = |source| SigningError::Signature { profile: profile.to_owned(), source };
        let look = planned.profile.look(&at, &self.shared.font).map_err(failed)?;
        let signed = tokio::task::block_in_place(|| {
            let _turn = self.shared.turn.lock();
            self.with_authority(|authority| pades::complete(prepared, cms, &self.wanted(planned, &at, &look), authority))
        });
        let signed = signed.map_err(failed)?;
        let mut signatures = before.manifest.pdf_signatures.clone();
        signatures.push(self.noted(planned, &at, &signed));
        let signer = signed.signer.name();
        let attempt = tokio::task::block_in_place(|| self.rest(signed.pdf, signatures));
        let mut manifest = before.manifest.clone();
        manifest.state = sealing::settle(&manifest.fields, &mut manifest.reasons);
        attempt.map_err(failed)?.apply(archive, &mut manifest).await?;
        let event = Event {
            at: String::new(),
            who: who.to_owned(),
            action: action::SIGN.into(),
            note: profile.to_owned(),
            changes: Vec::new(),
        };
        let next = sealing::next_revision(&before, manifest, event)?;
        let receipt = crate::result_code::seal(archive, sealer.key, sealer.result_code, next).await?;
        Ok(Completed { opened: archive.commit(&receipt).await?.opened().clone(), signer })
    }

    /// The signatures behind one that was made elsewhere. It is kept whatever becomes of them: a clerk is not asked twice.
    fn rest(
        &self,
        pdf: Vec<u8>,
        signatures: Vec<sohoa_record::manifest::PdfSignature>,
    ) -> Result<Attempt, sohoa_sign::SignError> {
        let _turn = self.shared.turn.lock();
        match self.go_on(pdf.clone(), signatures.clone()) {
            Ok(attempt) => Ok(Attempt { pdf: Some(attempt.pdf.unwrap_or(pdf)), ..attempt }),
            Err(error) => Ok(Attempt { pdf: Some(pdf), signatures, ..Attempt::failed(&error) }),
        }
    }

    /// The signature that is due, whose key is elsewhere.
    fn due(&self, manifest: &Manifest) -> Result<(&'static str, &super::Planned), SigningError> {
        let misfit = |why: &str| SigningError::Record { record: manifest.record.clone(), why: why.into() };
        let planned = self.shared.planned.get(manifest.pdf_signatures.len());
        match planned {
            _ if !manifest.reasons.contains(&Reason::SignatureWaits) => {
                Err(misfit("it does not wait for a signature from another computer; `sohoa sign list` shows those that do"))
            }
            Some(planned) if planned.signer.is_none() => Ok((planned.profile.name(), planned)),
            _ => Err(misfit("[[sign.signature]] has changed: its next signature is not an external one; `sohoa sign run`")),
        }
    }

    async fn prepared(
        &self,
        archive: &Archive,
        manifest: &Manifest,
        signed_at: &str,
    ) -> Result<sohoa_sign::pdf::Prepared, SigningError> {
        let misfit = |why: &str| SigningError::Record { record: manifest.record.clone(), why: why.into() };
        let (profile, planned) = self.due(manifest)?;
        let object = manifest.object(Role::Searchable).ok_or_else(|| misfit("it has no searchable PDF"))?;
        let at = time::parse(signed_at).ok_or_else(|| misfit("the note's time cannot be read"))?;
        let pdf = archive.objects.get(&object.digests.sha256).await?;
        let failed = |source| SigningError::Signature { profile: profile.to_owned(), source };
        let look = planned.profile.look(&at, &self.shared.font).map_err(failed)?;
        pades::prepare(&pdf, &self.wanted(planned, &at, &look)).map_err(failed)
    }
}

async fn latest(archive: &Archive, record: &RecordId) -> Result<Opened, SigningError> {
    let missing = || SigningError::Record { record: record.clone(), why: "it is not in the store; `sohoa fsck`".into() };
    archive.revisions(record).await?.pop().ok_or_else(missing)
}
