//! CMS SignedData (RFC 5652 5) as it stands in a signature: who signed what, with every part's own bytes.

use super::algorithms::{Hash, Scheme, rsa_bits, verify};
use super::asn1::{Element, INTEGER, OCTET_STRING, SEQUENCE, SET, context};
use super::certificate::Certificate;
use pkcs8::ObjectIdentifier;
use sohoa_record::signature::Finding;

const fn oid(text: &str) -> ObjectIdentifier {
    ObjectIdentifier::new_unwrap(text)
}

const SIGNED_DATA: ObjectIdentifier = oid("1.2.840.113549.1.7.2");
pub(super) const DATA: ObjectIdentifier = oid("1.2.840.113549.1.7.1");
const CONTENT_TYPE: ObjectIdentifier = oid("1.2.840.113549.1.9.3");
const MESSAGE_DIGEST: ObjectIdentifier = oid("1.2.840.113549.1.9.4");
pub(super) const SIGNING_TIME: ObjectIdentifier = oid("1.2.840.113549.1.9.5");
const SIGNING_CERTIFICATE: ObjectIdentifier = oid("1.2.840.113549.1.9.16.2.12");
const SIGNING_CERTIFICATE_V2: ObjectIdentifier = oid("1.2.840.113549.1.9.16.2.47");
pub(super) const TIME_STAMP_TOKEN: ObjectIdentifier = oid("1.2.840.113549.1.9.16.2.14");
pub(super) const ADOBE_REVOCATION: ObjectIdentifier = oid("1.2.840.113583.1.1.8");

/// More certificates or attributes than any real signature carries.
const MAX_PARTS: usize = 256;

/// What a signature's container holds.
#[derive(Debug)]
pub(super) struct SignedData<'a> {
    pub content_type: ObjectIdentifier,
    pub content: Option<&'a [u8]>,
    /// Whole certificates.
    pub certificates: Vec<&'a [u8]>,
    /// Whole revocation lists.
    pub lists: Vec<&'a [u8]>,
    pub signer: Signer<'a>,
}

/// The one who signed.
#[derive(Debug)]
pub(super) struct Signer<'a> {
    id: SignerId<'a>,
    digest: Element<'a>,
    algorithm: Element<'a>,
    /// The signed attributes, whole; none when the content is signed directly.
    signed: Option<Element<'a>>,
    pub signature: &'a [u8],
    unsigned: Option<Element<'a>>,
}

#[derive(Debug)]
enum SignerId<'a> {
    IssuerAndSerial(&'a [u8], &'a [u8]),
    Key(&'a [u8]),
}

impl<'a> SignedData<'a> {
    /// Reads a ContentInfo; its lengths have to be said ([`super::asn1::definite`]).
    pub fn read(bytes: &'a [u8]) -> Result<SignedData<'a>, Finding> {
        let malformed = Finding::CmsMalformed;
        let info = Element::of(SEQUENCE, bytes).and_then(|info| info.children()).ok_or(malformed)?;
        if info.first().and_then(Element::oid) != Some(SIGNED_DATA) {
            return Err(malformed);
        }
        let data = info.get(1).filter(|data| data.tag == context(0)).and_then(Element::only).ok_or(malformed)?;
        let parts = data.children().ok_or(malformed)?;
        let encapsulated = parts.get(2).filter(|part| part.tag == SEQUENCE).and_then(Element::children).ok_or(malformed)?;
        let list = |tag: u8| -> Result<Vec<&'a [u8]>, Finding> {
            let Some(part) = parts.iter().skip(3).find(|part| part.tag == tag) else { return Ok(Vec::new()) };
            let list = part.children().filter(|list| list.len() <= MAX_PARTS).ok_or(malformed)?;
            Ok(list.iter().filter(|element| element.tag == SEQUENCE).map(|element| element.whole).collect())
        };
        let signers = parts.last().filter(|part| part.tag == SET).and_then(Element::children).ok_or(malformed)?;
        let signer = match signers.as_slice() {
            [] => return Err(malformed),
            [signer] => Signer::read(signer).ok_or(malformed)?,
            // ISO 32000-2 12.8.3.3.1: exactly one; whose verdict would it be?
            _ => return Err(Finding::SeveralSigners),
        };
        let content = match encapsulated.get(1) {
            None => None,
            Some(explicit) => {
                let content = explicit.only().filter(|content| content.tag == OCTET_STRING);
                Some(content.filter(|_| explicit.tag == context(0)).ok_or(malformed)?.value)
            }
        };
        Ok(SignedData {
            content_type: encapsulated.first().and_then(Element::oid).ok_or(malformed)?,
            content,
            certificates: list(context(0))?,
            lists: list(context(1))?,
            signer,
        })
    }
}

impl<'a> Signer<'a> {
    fn read(info: &Element<'a>) -> Option<Signer<'a>> {
        let parts = info.children()?;
        let id = parts.get(1)?;
        let id = match id.tag {
            SEQUENCE => {
                let [issuer, serial] = id.children()?.try_into().ok()?;
                SignerId::IssuerAndSerial(issuer.whole, (serial.tag == INTEGER).then_some(serial.value)?)
            }
            0x80 => SignerId::Key(id.value),
            _ => return None,
        };
        let signed = parts.get(3).filter(|part| part.tag == context(0)).copied();
        let at = 3 + usize::from(signed.is_some());
        Some(Signer {
            id,
            digest: *parts.get(2).filter(|part| part.tag == SEQUENCE)?,
            algorithm: *parts.get(at).filter(|part| part.tag == SEQUENCE)?,
            signed,
            signature: parts.get(at + 1).filter(|part| part.tag == OCTET_STRING)?.value,
            unsigned: parts.get(at + 2).filter(|part| part.tag == context(1)).copied(),
        })
    }

    /// True when the certificate is the one that this signer names.
    pub fn is(&self, certificate: &Certificate<'_>) -> bool {
        match self.id {
            SignerId::IssuerAndSerial(issuer, serial) => certificate.issuer == issuer && certificate.serial == serial,
            SignerId::Key(key) => certificate.is_named_by_key(key),
        }
    }

    /// The one value of a signed attribute; an error when it stands there twice or with several values.
    pub fn signed_attribute(&self, named: ObjectIdentifier) -> Result<Option<Element<'a>>, Finding> {
        attribute(self.signed.as_ref(), named)
    }

    /// The one value of an unsigned attribute.
    pub fn unsigned_attribute(&self, named: ObjectIdentifier) -> Option<Element<'a>> {
        attribute(self.unsigned.as_ref(), named).ok().flatten()
    }
}

fn attribute<'a>(set: Option<&Element<'a>>, named: ObjectIdentifier) -> Result<Option<Element<'a>>, Finding> {
    let Some(set) = set else { return Ok(None) };
    let attributes = set.children().filter(|all| all.len() <= MAX_PARTS).ok_or(Finding::CmsMalformed)?;
    let mut found = None;
    for attribute in &attributes {
        let parts = attribute.children().ok_or(Finding::CmsMalformed)?;
        if parts.first().and_then(Element::oid) != Some(named) {
            continue;
        }
        let value = parts.get(1).filter(|values| values.tag == SET).and_then(Element::only).ok_or(Finding::AttributeWrong)?;
        if found.replace(value).is_some() {
            return Err(Finding::AttributeWrong);
        }
    }
    Ok(found)
}

/// What verifying a signer came to.
#[derive(Debug, Default)]
pub(super) struct Verified {
    pub algorithm: String,
    /// All that speaks against it or should be known.
    pub findings: Vec<Finding>,
}

/// Whether the signer signed the content (its parts as one) with the certificate's key (RFC 5652 5.4, 5.6).
pub(super) fn verify_signer(
    signer: &Signer<'_>,
    certificate: &Certificate<'_>,
    content: &[&[u8]],
    content_type: ObjectIdentifier,
) -> Verified {
    let mut verified = Verified::default();
    let hash = Hash::of(&signer.digest);
    let scheme = Scheme::of(&signer.algorithm, hash);
    let (Some(hash), Some(scheme)) = (hash, scheme) else {
        verified.findings.push(Finding::AlgorithmUnsupported);
        return verified;
    };
    verified.algorithm = scheme.name();
    let findings = &mut verified.findings;
    if hash.is_weak() || scheme.hash().is_some_and(Hash::is_weak) {
        findings.push(Finding::WeakDigest);
    }
    if rsa_bits(certificate.key).is_some_and(|bits| bits < 2048) {
        findings.push(Finding::WeakKey);
    }
    // RFC 8419 3.1 asks for SHA-512 beside Ed25519; any other pair is of one digest.
    if scheme.hash().map_or(hash != Hash::Sha512, |signed| signed != hash) {
        findings.push(Finding::AlgorithmMismatch);
    }
    let held = match &signer.signed {
        None => {
            findings.push(Finding::SignedAttributesMissing);
            verify(certificate.key, scheme, content, signer.signature)
        }
        Some(signed) => {
            if let Err(finding) = check_attributes(signer, certificate, hash, content, content_type, findings) {
                findings.push(finding);
            }
            // RFC 5652 5.4: what is signed is the SET OF, whose tag the message replaces.
            let rest = &signed.whole[1..];
            verify(certificate.key, scheme, &[&[SET], rest], signer.signature)
        }
    };
    findings.extend(held.err());
    verified
}

fn check_attributes(
    signer: &Signer<'_>,
    certificate: &Certificate<'_>,
    hash: Hash,
    content: &[&[u8]],
    content_type: ObjectIdentifier,
    findings: &mut Vec<Finding>,
) -> Result<(), Finding> {
    match signer.signed_attribute(CONTENT_TYPE)? {
        Some(value) if value.oid() == Some(content_type) => {}
        _ => findings.push(Finding::AttributeWrong),
    }
    match (signer.signed_attribute(MESSAGE_DIGEST)?, hash.digest(content)) {
        (Some(value), Some(digest)) if value.tag == OCTET_STRING => {
            if value.value != digest {
                findings.push(Finding::DigestMismatch);
            }
        }
        (_, None) => {}
        _ => findings.push(Finding::AttributeWrong),
    }
    // RFC 5035 3: the first entry is the signer's certificate.
    let named = match signer.signed_attribute(SIGNING_CERTIFICATE_V2)? {
        Some(value) => Some(named_certificate(&value, Hash::Sha256)),
        None => signer.signed_attribute(SIGNING_CERTIFICATE)?.map(|value| named_certificate(&value, Hash::Sha1)),
    };
    match named {
        None => findings.push(Finding::SigningCertificateUnbound),
        Some(None) => findings.push(Finding::AttributeWrong),
        Some(Some((hash, digest))) => {
            if hash.digest(&[certificate.whole]).as_deref() != Some(digest) {
                findings.push(Finding::SigningCertificateMismatch);
            }
        }
    }
    Ok(())
}

/// Digest of the signing certificate by an ESSCertID or ESSCertIDv2 (RFC 5035 4, 5.4.1.1).
fn named_certificate<'a>(value: &Element<'a>, default: Hash) -> Option<(Hash, &'a [u8])> {
    let certificates = value.children()?.first()?.children()?;
    let id = certificates.first()?.children()?;
    let first = id.first()?;
    match first.tag {
        OCTET_STRING => Some((default, first.value)),
        SEQUENCE => Some((Hash::of(first)?, id.get(1).filter(|digest| digest.tag == OCTET_STRING)?.value)),
        _ => None,
    }
}
