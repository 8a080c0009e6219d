//! Time stamp tokens (RFC 3161 2.4.2): whether one is about these bytes, is what its signer signed, and from whom it is.

use super::Trust;
use super::algorithms::Hash;
use super::asn1::{Element, OCTET_STRING, SEQUENCE, definite};
use super::certificate::{Certificate, TIME_STAMPING};
use super::path::{self, Moment, Path, Purpose};
use super::revocation::Evidence;
use super::signed_data::{SignedData, verify_signer};
use pkcs8::ObjectIdentifier;
use sohoa_record::signature::Finding;

pub(super) const TST_INFO: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.1.4");

/// A token that is about the bytes and holds.
#[derive(Debug)]
pub(super) struct Stamp {
    /// Seconds since 1970.
    pub time: i64,
    /// Such as `rsa-pkcs1 sha256`.
    pub algorithm: String,
    /// Its own certificate.
    pub certificate: sohoa_record::Sha256Hex,
    /// The path of its certificate, with what speaks against it and the weaknesses of the token.
    pub path: Path,
}

impl Stamp {
    /// True when its time can be relied on.
    pub fn is_trusted(&self) -> bool {
        self.path.findings.iter().all(|finding| {
            matches!(finding, Finding::RevocationGood | Finding::RevocationNotChecked | Finding::SigningCertificateUnbound)
        })
    }
}

/// Checks a token over `parts` (as one); the reason when it is not one that holds.
pub(super) fn check(
    token: &[u8],
    parts: &[&[u8]],
    pool: &[Certificate<'_>],
    evidence: &Evidence<'_>,
    trust: &Trust,
) -> Result<Stamp, Finding> {
    let token = definite(token).ok_or(Finding::CmsMalformed)?;
    let signed = SignedData::read(&token)?;
    if signed.content_type != TST_INFO {
        return Err(Finding::KindUnsupported);
    }
    let content = signed.content.ok_or(Finding::CmsMalformed)?;
    let info = Element::of(SEQUENCE, content).and_then(|info| info.children()).ok_or(Finding::CmsMalformed)?;
    let [algorithm, digest] = (|| info.get(2)?.children()?.try_into().ok())().ok_or(Finding::CmsMalformed)?;
    let hash = Hash::of(&algorithm).ok_or(Finding::AlgorithmUnsupported)?;
    if digest.tag != OCTET_STRING || hash.digest(parts).ok_or(Finding::WeakDigest)? != digest.value {
        return Err(Finding::DigestMismatch);
    }
    let time = info.get(4).and_then(Element::time).ok_or(Finding::CmsMalformed)?;
    let own: Vec<Certificate<'_>> = signed.certificates.iter().filter_map(|bytes| Certificate::read(bytes)).collect();
    let mut all = own;
    all.extend(pool.iter().cloned());
    let signer = all.iter().find(|certificate| signed.signer.is(certificate)).ok_or(Finding::SignerCertificateMissing)?;
    let verified = verify_signer(&signed.signer, signer, &[content], TST_INFO);
    let harmless =
        |finding: &Finding| matches!(finding, Finding::WeakDigest | Finding::WeakKey | Finding::SigningCertificateUnbound);
    if let Some(against) = verified.findings.iter().find(|finding| !harmless(finding)) {
        return Err(*against);
    }
    if !signer.purposes.as_ref().is_some_and(|all| all.contains(&TIME_STAMPING)) {
        return Err(Finding::PathUsage);
    }
    let roots = trust.certificates();
    let mut path = path::find(signer, &all, &roots, evidence, Moment::proven(time), Purpose::TimeStamping);
    path.findings.extend(verified.findings);
    if hash.is_weak() {
        path.findings.push(Finding::WeakDigest);
    }
    Ok(Stamp { time, algorithm: verified.algorithm, certificate: signer.sha256(), path })
}
