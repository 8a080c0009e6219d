//! The sign step: the organisation's legal signature, and that of the person who copied, on the searchable PDF of the revision that is
//! vouched for. A document that is still in review is not signed. One that should be signed and cannot be waits, with the reason, and
//! the next run tries again; nothing is ever signed half.

mod external;
pub(crate) mod network;
mod open;

use crate::keyring::{KeyringError, random};
use crate::logbook::Logbook;
use crate::result_code::{self, Template};
use crate::{sealing, time};
use ed25519_dalek::SigningKey;
use jiff::Zoned;
use network::Network;
use sohoa_archive::{Archive, Filter};
use sohoa_record::identifier::RecordId;
use sohoa_record::manifest::{Event, Manifest, PdfSignature, Role, State, action};
use sohoa_record::{Digests, Reason, Receipt, Sha256Hex};
use sohoa_sign::SignError;
use sohoa_sign::appearance::{Appearance, Font, SealImage};
use sohoa_sign::certificate::Certificate;
use sohoa_sign::pades::{self, Authority, Level, Signed, Wanted};
use sohoa_sign::signer::Signer;
use std::path::Path;
use std::sync::Arc;

pub use external::{Completed, Note, Prepared};
pub use open::{Fact, facts, open};

/// Reasons why a document that is vouched for is not signed yet.
pub const WAITS: [Reason; 4] =
    [Reason::SignatureWaits, Reason::TimestampMissing, Reason::RevocationUnknown, Reason::SignerFailed];

/// Everything that signs, opened and checked. Cheap to clone.
#[derive(Clone)]
pub struct Signing {
    shared: Arc<Shared>,
}

struct Shared {
    level: Level,
    planned: Vec<Planned>,
    roots: Vec<Certificate>,
    services: Vec<String>,
    network: Network,
    font: Font,
    /// One document at a time: a token signs one after the other anyway, and a PDF is held in memory while it is signed.
    turn: std::sync::Mutex<()>,
}

/// One signature of the configured list.
struct Planned {
    profile: Profile,
    /// None: the key is on another computer.
    signer: Option<Signer>,
}

/// How a signature looks, and what stands in it.
enum Profile {
    Nd30 { form: String, organisation: String },
    Tt01 { person: String },
    Tt02 { organisation: String, seal: SealImage },
}

impl Profile {
    /// The profile's name in configuration, manifests and the PDF's field.
    fn name(&self) -> &'static str {
        match self {
            Profile::Nd30 { .. } => "nd30-2020",
            Profile::Tt01 { .. } => "tt01-2023",
            Profile::Tt02 { .. } => "tt02-2019",
        }
    }

    fn is_of_organisation(&self) -> bool {
        !matches!(self, Profile::Tt01 { .. })
    }

    fn look<'a>(&'a self, at: &Zoned, font: &'a Font) -> Result<Appearance<'a>, SignError> {
        match self {
            Profile::Nd30 { form, organisation } => Appearance::nd30_2020(form, organisation, at, font),
            Profile::Tt01 { person } => Appearance::tt01_2023(person, at, font),
            Profile::Tt02 { organisation, seal } => Appearance::tt02_2019(organisation, at, seal, font),
        }
    }
}

/// Why the signers cannot be used at all.
#[derive(Debug, thiserror::Error)]
pub enum SigningError {
    /// A file of the configuration.
    #[error("[sign] {key} {file}: {why}")]
    File {
        /// The key that names it.
        key: &'static str,
        /// The file.
        file: String,
        /// What is wrong, and what to do.
        why: String,
    },
    /// One signature of the list.
    #[error("[[sign.signature]] {profile}: {source}")]
    Signature {
        /// Its profile.
        profile: String,
        /// What is wrong, and what to do.
        source: SignError,
    },
    /// No password or PIN.
    #[error("[[sign.signature]] {profile}: {why}")]
    Password {
        /// Its profile.
        profile: String,
        /// What is wrong, and what to do.
        why: String,
    },
    /// What was asked for does not fit the record.
    #[error("record {record}: {why}")]
    Record {
        /// The record.
        record: RecordId,
        /// What is wrong, and what to do.
        why: String,
    },
    /// Store or index.
    #[error(transparent)]
    Archive(#[from] sohoa_archive::Error),
    /// The system gives no random numbers.
    #[error(transparent)]
    Random(#[from] KeyringError),
}

/// What makes a manifest a receipt: the legal signatures where they are due, then the result code, then the seal.
#[derive(Clone, Copy)]
pub struct Sealer<'a> {
    /// The key that seals.
    pub key: &'a SigningKey,
    /// How a document that becomes sealed is given its code.
    pub result_code: &'a Template,
    /// What signs the PDF; none when nothing does.
    pub signing: Option<&'a Signing>,
}

impl Sealer<'_> {
    /// Seals a manifest. `spooled` is the searchable PDF where it is not in the store yet: it is put there, signed or not, as the manifest
    /// then names it.
    pub async fn seal(
        &self,
        archive: &Archive,
        mut manifest: Manifest,
        spooled: Option<&Path>,
    ) -> sohoa_archive::Result<Receipt> {
        match self.signing {
            Some(signing) => signing.sign_when_vouched(archive, &mut manifest, spooled).await?,
            // Nobody asks for signatures any more.
            None if manifest.state == State::Sealed => manifest.reasons.retain(|reason| !WAITS.contains(reason)),
            None => {}
        }
        if let (Some(path), Some(object)) = (spooled, manifest.object(Role::Searchable))
            && archive.objects.size(&object.digests.sha256).await?.is_none()
        {
            let place = path.display().to_string();
            let unreadable = |source| sohoa_archive::Error::SourceUnreadable { place: place.clone(), source };
            let mut file = tokio::fs::File::open(path).await.map_err(unreadable)?;
            archive.objects.put_file(&mut file, &place).await?;
        }
        result_code::seal(archive, self.key, self.result_code, manifest).await
    }
}

/// What came of one attempt.
struct Attempt {
    /// The file with the signatures that were made; none when none was.
    pdf: Option<Vec<u8>>,
    signatures: Vec<PdfSignature>,
    /// Why it is not done.
    waits: Option<Reason>,
}

impl Signing {
    /// Signs the searchable PDF of a manifest that is about to be sealed as `sealed`, or makes it wait.
    async fn sign_when_vouched(
        &self,
        archive: &Archive,
        manifest: &mut Manifest,
        spooled: Option<&Path>,
    ) -> sohoa_archive::Result<()> {
        let waited = manifest.reasons.iter().any(|reason| WAITS.contains(reason));
        if manifest.state != State::Sealed || !(manifest.pdf_signatures.is_empty() || waited) {
            return Ok(());
        }
        let Some(object) = manifest.object(Role::Searchable) else { return Ok(()) };
        let pdf = match spooled {
            Some(path) => tokio::fs::read(path)
                .await
                .map_err(|source| sohoa_archive::Error::SourceUnreadable { place: path.display().to_string(), source })?,
            None => archive.objects.get(&object.digests.sha256).await?.to_vec(),
        };
        let (signing, done) = (self.clone(), manifest.pdf_signatures.clone());
        let attempt = tokio::task::spawn_blocking(move || signing.attempt(pdf, done)).await;
        let attempt = attempt.unwrap_or_else(|panic| Attempt::failed(&SignError::Pdf(panic.to_string())));
        attempt.apply(archive, manifest).await
    }

    /// Makes the signatures that are left of the list, up to one whose key is elsewhere.
    fn attempt(&self, pdf: Vec<u8>, done: Vec<PdfSignature>) -> Attempt {
        let _turn = self.shared.turn.lock();
        match self.go_on(pdf, done.clone()) {
            Ok(attempt) => attempt,
            Err(error) => Attempt { signatures: done, ..Attempt::failed(&error) },
        }
    }

    fn go_on(&self, mut pdf: Vec<u8>, mut signatures: Vec<PdfSignature>) -> Result<Attempt, SignError> {
        let begun = signatures.len();
        for planned in self.shared.planned.iter().skip(begun) {
            let Some(signer) = &planned.signer else {
                let pdf = (signatures.len() > begun).then_some(pdf);
                return Ok(Attempt { pdf, signatures, waits: Some(Reason::SignatureWaits) });
            };
            let at = time::now();
            let look = planned.profile.look(&at, &self.shared.font)?;
            let signed =
                self.with_authority(|authority| pades::sign(&pdf, signer, &self.wanted(planned, &at, &look), authority))?;
            signatures.push(self.noted(planned, &at, &signed));
            pdf = signed.pdf;
        }
        self.finish(pdf, signatures)
    }

    /// After the last signature of the list.
    fn finish(&self, pdf: Vec<u8>, mut signatures: Vec<PdfSignature>) -> Result<Attempt, SignError> {
        let pdf = self.with_authority(|authority| pades::finish(pdf, self.shared.level, authority))?;
        signatures.iter_mut().for_each(|signature| signature.level = self.shared.level.as_str().to_owned());
        Ok(Attempt { pdf: Some(pdf), signatures, waits: None })
    }

    fn wanted<'a>(&self, planned: &'a Planned, at: &'a Zoned, look: &'a Appearance<'a>) -> Wanted<'a> {
        // Nothing may follow a certification but what keeps it provable, so only a signature that stands alone is one.
        let certify = self.shared.planned.len() == 1 && planned.profile.is_of_organisation();
        Wanted { field: planned.profile.name(), at, look: Some(look), certify, level: self.shared.level }
    }

    fn noted(&self, planned: &Planned, at: &Zoned, signed: &Signed) -> PdfSignature {
        PdfSignature {
            profile: planned.profile.name().to_owned(),
            signer: sohoa_record::text::nfc(&signed.signer.name()),
            certificate_sha256: Sha256Hex::of(signed.signer.der()),
            level: self.shared.level.min(Level::Timestamped).as_str().to_owned(),
            signed_at: time::rfc3339(at),
            stamped_at: signed.stamped_at.map(|at| time::rfc3339(&at.to_zoned(time::zone()))),
        }
    }

    fn with_authority<T>(&self, ask: impl FnOnce(&Authority<'_>) -> T) -> T {
        let network = |question: sohoa_sign::revocation::Ask<'_>| self.shared.network.ask(question);
        let nonce = || random::<8>().map(|bytes| *bytes).unwrap_or_default();
        ask(&Authority {
            roots: &self.shared.roots,
            services: &self.shared.services,
            network: &network,
            nonce: &nonce,
            now: jiff::Timestamp::now(),
        })
    }
}

impl Attempt {
    fn failed(error: &SignError) -> Attempt {
        tracing::warn!("not signed: {error}");
        let reason = match error {
            SignError::Timestamp(_) => Reason::TimestampMissing,
            SignError::Revocation(_) => Reason::RevocationUnknown,
            _ => Reason::SignerFailed,
        };
        Attempt { pdf: None, signatures: Vec::new(), waits: Some(reason) }
    }

    /// Puts what was signed into the store and tells the manifest.
    async fn apply(self, archive: &Archive, manifest: &mut Manifest) -> sohoa_archive::Result<()> {
        if let Some(pdf) = self.pdf {
            let digests: Digests = archive.objects.put(pdf).await?;
            manifest.objects.iter_mut().filter(|object| object.role == Role::Searchable).for_each(|object| {
                object.digests = digests.clone();
            });
            manifest.pdf_signatures = self.signatures;
        }
        manifest.reasons.retain(|reason| !WAITS.contains(reason));
        if let Some(reason) = self.waits {
            manifest.state = State::Review;
            manifest.reasons.push(reason);
            manifest.reasons.sort();
        }
        Ok(())
    }
}

/// How a retry went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Retried {
    /// Documents that were signed and sealed.
    pub signed: u64,
    /// Documents that still wait for a signature, those for a key elsewhere among them.
    pub waiting: u64,
}

/// Tries again what waits for a time stamp, an answer about revocation or a signer.
pub async fn retry(archive: &Archive, sealer: &Sealer<'_>, logbook: &Logbook, who: &str) -> Result<Retried, SigningError> {
    let mut retried = Retried::default();
    for record in waiting(archive).await? {
        let Some(before) = archive.revisions(&record).await?.pop() else { continue };
        let mut manifest = before.manifest.clone();
        manifest.state = sealing::settle(&manifest.fields, &mut manifest.reasons);
        if let Some(signing) = sealer.signing {
            signing.sign_when_vouched(archive, &mut manifest, None).await?;
        }
        // A try that changed nothing is not worth a revision.
        if manifest == before.manifest
            || (manifest.state != State::Sealed && manifest.pdf_signatures == before.manifest.pdf_signatures)
        {
            retried.waiting += 1;
            continue;
        }
        retried.signed += u64::from(manifest.state == State::Sealed);
        retried.waiting += u64::from(manifest.state != State::Sealed);
        let event = Event {
            at: String::new(),
            who: who.to_owned(),
            action: action::SIGN.into(),
            note: manifest.pdf_signatures.iter().map(|signature| signature.profile.as_str()).collect::<Vec<_>>().join(", "),
            changes: Vec::new(),
        };
        let next = sealing::next_revision(&before, manifest, event)?;
        let receipt = result_code::seal(archive, sealer.key, sealer.result_code, next).await?;
        logbook.note_or_warn(archive.commit(&receipt).await?.opened()).await;
    }
    Ok(retried)
}

/// The records that wait for a signature and for nothing else. One whose destruction was stopped half-way waits for that to go on.
pub async fn waiting(archive: &Archive) -> Result<Vec<RecordId>, SigningError> {
    let filter = Filter { state: Some(State::Review), ..Filter::default() };
    let (mut found, mut after) = (Vec::new(), None);
    loop {
        let page = archive.index.entries(&filter, after.as_ref(), 500).await?;
        let Some(last) = page.last().map(|entry| entry.record.clone()) else { return Ok(found) };
        for entry in page.into_iter().filter(|entry| entry.reasons.iter().any(|r| WAITS.contains(r))) {
            match archive.destroyed(&entry.record).await? {
                None => found.push(entry.record),
                Some(_) => tracing::warn!(record = %entry.record, "half destroyed: run `sohoa destroy` again"),
            }
        }
        after = Some(last);
    }
}
