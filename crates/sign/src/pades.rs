//! A PAdES signature from beginning to end (EN 319 142-1): certificate checked, PDF prepared, signed, time-stamped; then the proofs that
//! certificates were good, and a time stamp over all. The order is here, the steps are in the files they are named after.

use crate::appearance::Appearance;
use crate::certificate::{Certificate, Purpose};
use crate::pdf::{self, Field, Kind, Prepared};
use crate::revocation::{Ask, Evidence, Network};
use crate::signer::Signer;
use crate::timestamp::{self, Token};
use crate::{SignError, cms};
use jiff::{Timestamp, Zoned};

/// Bytes of a CMS beside its certificates, and of a time-stamp token with those of the service.
const ROOM_FOR_CMS: usize = 2 << 10;
const ROOM_FOR_TOKEN: usize = 12 << 10;
/// Room where the certificates are not known yet.
const ROOM_FOR_STRANGERS: usize = 16 << 10;

/// How much a signature proves for how long (EN 319 142-1 6).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// B-B: who signed.
    Basic,
    /// B-T: and that it was before a time.
    Timestamped,
    /// B-LT: and that the certificates were good.
    LongTerm,
    /// B-LTA: and all that under a time stamp, which is renewed before it runs out.
    Archival,
}

impl Level {
    /// Every level.
    pub const ALL: [Level; 4] = [Level::Basic, Level::Timestamped, Level::LongTerm, Level::Archival];

    /// Its name: `b-b`, `b-t`, `b-lt`, `b-lta`.
    pub fn as_str(self) -> &'static str {
        match self {
            Level::Basic => "b-b",
            Level::Timestamped => "b-t",
            Level::LongTerm => "b-lt",
            Level::Archival => "b-lta",
        }
    }
}

/// Whom we believe, whom we ask, and when it is.
#[derive(Clone, Copy)]
pub struct Authority<'a> {
    /// Roots of signers and of time-stamping services.
    pub roots: &'a [Certificate],
    /// Time-stamping services, the first that answers is taken.
    pub services: &'a [String],
    /// The way there.
    pub network: Network<'a>,
    /// Fresh random bytes, one after the other.
    pub nonce: &'a (dyn Fn() -> [u8; 8] + Sync),
    /// Now.
    pub now: Timestamp,
}

/// One signature to make.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    /// The field's name.
    pub field: &'a str,
    /// What the signer claims, `/M`.
    pub at: &'a Zoned,
    /// How it looks.
    pub look: Option<&'a Appearance<'a>>,
    /// A certification signature: the file's first and only one.
    pub certify: bool,
    /// The level that is aimed at: from B-T on it is time-stamped.
    pub level: Level,
}

/// A signature that was made.
#[derive(Clone, Debug)]
pub struct Signed {
    /// The whole file.
    pub pdf: Vec<u8>,
    /// Who signed.
    pub signer: Certificate,
    /// The time-stamping service's time.
    pub stamped_at: Option<Timestamp>,
}

/// Whether a certificate may sign now: use, validity, path, and revocation. Unless `must_know`, a CA that does not answer is passed over.
pub fn check_signer(
    certificate: &Certificate,
    others: &[Certificate],
    authority: &Authority<'_>,
    must_know: bool,
) -> Result<Vec<Certificate>, SignError> {
    certificate.check(Purpose::Document, authority.now)?;
    let path = certificate.path(others, authority.roots, authority.now)?;
    match Evidence::default().collect(&path, authority.network, authority.now) {
        Err(SignError::Revocation(_)) if !must_know => Ok(path),
        Err(error) => Err(error),
        Ok(()) => Ok(path),
    }
}

/// Signs with a key that is here.
pub fn sign(file: &[u8], signer: &Signer, wanted: &Wanted<'_>, authority: &Authority<'_>) -> Result<Signed, SignError> {
    let path = check_signer(signer.certificate(), signer.others(), authority, wanted.level >= Level::LongTerm)?;
    let algorithm = signer.algorithm();
    let ed25519 = algorithm == crate::algorithm::Algorithm::Ed25519;
    let certificates: usize = path.iter().map(|certificate| certificate.der().len()).sum();
    let prepared = pdf::prepare(file, &field(wanted, ed25519, certificates))?;
    let attributes = cms::signed_attributes(&prepared.digest(algorithm.hash()), signer.certificate());
    let signature = signer.sign(&attributes)?;
    let token = (wanted.level >= Level::Timestamped).then(|| stamp(&signature, authority)).transpose()?;
    let cms = cms::assemble(algorithm, attributes, &signature, &path, token.as_ref().map(|token| &token.der[..]))?;
    // What goes out is checked as strictly as what comes in: a token that signs wrongly is found here, not by an auditor.
    cms::check(&cms, cms::ID_DATA, Some(&|hash| prepared.digest(hash)))?;
    Ok(Signed { pdf: prepared.fill(&cms)?, signer: signer.certificate().clone(), stamped_at: token.map(|token| token.at) })
}

/// Prepares a file for a key on another computer, whose CMS goes to [`complete`]. The same arguments give the same bytes, so nothing
/// has to be kept in between.
pub fn prepare(file: &[u8], wanted: &Wanted<'_>) -> Result<Prepared, SignError> {
    pdf::prepare(file, &field(wanted, false, ROOM_FOR_STRANGERS))
}

/// Puts a CMS that was made elsewhere into what [`prepare`] gave, after all checks.
pub fn complete(prepared: Prepared, cms: &[u8], wanted: &Wanted<'_>, authority: &Authority<'_>) -> Result<Signed, SignError> {
    let checked = cms::check(cms, cms::ID_DATA, Some(&|hash| prepared.digest(hash)))?;
    check_signer(&checked.signer, &checked.certificates, authority, wanted.level >= Level::LongTerm)?;
    let mut cms = cms.to_vec();
    let mut stamped_at = None;
    if wanted.level >= Level::Timestamped {
        let token = stamp(&checked.signature, authority)?;
        cms = cms::with_timestamp(&cms, &token.der)?;
        stamped_at = Some(token.at);
    }
    Ok(Signed { pdf: prepared.fill(&cms)?, signer: checked.signer, stamped_at })
}

/// After the last signature: the proofs of all of them and of the last time stamp's service, and that time stamp over everything, as the level
/// asks.
pub fn finish(file: Vec<u8>, level: Level, authority: &Authority<'_>) -> Result<Vec<u8>, SignError> {
    if level < Level::LongTerm {
        return Ok(file);
    }
    let mut evidence = Evidence::default();
    let signatures = pdf::signatures(&file)?;
    for (_, contents) in &signatures {
        for (signer, certificates) in cms::signers(contents)? {
            let path = signer.path(&certificates, authority.roots, authority.now)?;
            evidence.collect(&path, authority.network, authority.now)?;
        }
    }
    if level < Level::Archival {
        return pdf::add_evidence(&file, &evidence);
    }
    let stamps = signatures.iter().filter(|(name, _)| name.starts_with("timestamp-")).count();
    let field = Field { name: format!("timestamp-{}", stamps + 1), kind: Kind::Timestamp, room: ROOM_FOR_TOKEN };
    // Which service answers is known when it has: one that stamped none of the signatures is proven too, and all is stamped once more.
    for _ in 0..=authority.services.len() {
        let prepared = pdf::prepare(&pdf::add_evidence(&file, &evidence)?, &field)?;
        let token = stamp(&prepared.covered().concat(), authority)?;
        if token.path.iter().all(|certificate| evidence.certificates.iter().any(|kept| kept == certificate.der())) {
            return prepared.fill(&token.der);
        }
        evidence.collect(&token.path, authority.network, authority.now)?;
    }
    Err(SignError::Timestamp("each answer comes from another service, so none could be proven in the file; try again".into()))
}

/// Asks the services in order.
fn stamp(stamped: &[u8], authority: &Authority<'_>) -> Result<Token, SignError> {
    let mut refusals = Vec::new();
    for url in authority.services {
        let nonce = (authority.nonce)();
        let request = timestamp::request(stamped, nonce);
        let answer = (authority.network)(Ask { url, post: Some((timestamp::QUERY, &request)) }).map_err(SignError::Timestamp);
        match answer.and_then(|response| timestamp::accept(&response, stamped, nonce, authority.roots, authority.now)) {
            Ok(token) => return Ok(token),
            Err(error) => refusals.push(format!("{url}: {error}")),
        }
    }
    if refusals.is_empty() {
        refusals.push("no service is named in [sign] tsa".into());
    }
    Err(SignError::Timestamp(refusals.join("; ")))
}

fn field<'a>(wanted: &Wanted<'a>, ed25519: bool, certificates: usize) -> Field<'a> {
    let token = if wanted.level >= Level::Timestamped { ROOM_FOR_TOKEN } else { 0 };
    Field {
        name: wanted.field.to_owned(),
        kind: Kind::Signature { at: wanted.at, look: wanted.look, certify: wanted.certify, ed25519 },
        room: ROOM_FOR_CMS + certificates + token,
    }
}
