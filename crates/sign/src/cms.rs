//! The CMS of a PAdES signature (RFC 5652, EN 319 122-1, EN 319 142-1): built by hand, so that certificates keep the bytes they came
//! with, and the checks on what a token, a time-stamping service or another computer gives back.

use crate::algorithm::{Algorithm, Hash};
use crate::certificate::Certificate;
use crate::{SignError, asn1};
use ::cms::content_info::ContentInfo;
use ::cms::signed_data::{SignedData, SignerIdentifier, SignerInfo};
use der::asn1::ObjectIdentifier;
use der::{Decode as _, Encode as _};

pub(crate) const ID_DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.1");
const SIGNED_DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.2");
const CONTENT_TYPE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.3");
const MESSAGE_DIGEST: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.4");
const SIGNING_TIME: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.5");
const SIGNING_CERTIFICATE_V2: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.2.47");
const SIGNATURE_TIMESTAMP: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.2.14");

/// What a signer signs: DER of the signed attributes content-type, message-digest and signing-certificate-v2. There is no
/// signing-time: a PDF has that in `/M` (EN 319 142-1 5.3).
pub fn signed_attributes(content_digest: &[u8], certificate: &Certificate) -> Vec<u8> {
    // ESSCertIDv2 (RFC 5035 4): SHA-256 is its default hash and so left out.
    let id = asn1::sequence(&[&asn1::octets(&Hash::Sha256.digest(&[certificate.der()]))]);
    let signing_certificate = asn1::sequence(&[&asn1::sequence(&[&id])]);
    asn1::set_of(&[
        attribute(CONTENT_TYPE, asn1::oid(ID_DATA)),
        attribute(MESSAGE_DIGEST, asn1::octets(content_digest)),
        attribute(SIGNING_CERTIFICATE_V2, signing_certificate),
    ])
}

/// The ContentInfo: `attributes` as they were signed, the certificates that lead to a root, and a time-stamp token when there is one.
pub fn assemble(
    algorithm: Algorithm,
    attributes: Vec<u8>,
    signature: &[u8],
    path: &[Certificate],
    timestamp: Option<&[u8]>,
) -> Result<Vec<u8>, SignError> {
    let signer = path.first().ok_or_else(|| SignError::Malformed("a signature without a certificate".into()))?;
    let hash = algorithm.hash().identifier();
    let unsigned = timestamp.map(timestamp_attributes).unwrap_or_default();
    let signer_info = asn1::sequence(&[
        &asn1::integer(&[1]),
        &signer.issuer_and_serial()?,
        &hash,
        &asn1::retagged(attributes, 0xa0),
        &algorithm.identifier(),
        &asn1::octets(signature),
        &unsigned,
    ]);
    let certificates: Vec<Vec<u8>> = path.iter().map(|certificate| certificate.der().to_vec()).collect();
    let signed_data = asn1::sequence(&[
        &asn1::integer(&[1]),
        &asn1::set_of(&[hash]),
        &asn1::sequence(&[&asn1::oid(ID_DATA)]),
        &asn1::retagged(asn1::set_of(&certificates), 0xa0),
        &asn1::set_of(&[signer_info]),
    ]);
    Ok(asn1::sequence(&[&asn1::oid(SIGNED_DATA), &asn1::element(0xa0, &signed_data)]))
}

/// Puts a time-stamp token into a CMS that somebody else made; every other byte of it stays.
pub fn with_timestamp(cms: &[u8], token: &[u8]) -> Result<Vec<u8>, SignError> {
    let content_info = asn1::all(asn1::expect(&mut &cms[..], asn1::SEQUENCE)?.value)?;
    let [kind, content] = content_info[..] else { return Err(SignError::Malformed("a ContentInfo of other members".into())) };
    let signed_data = asn1::all(asn1::expect(&mut { content.value }, asn1::SEQUENCE)?.value)?;
    let (infos, before) = signed_data.split_last().ok_or_else(|| SignError::Malformed("an empty SignedData".into()))?;
    let signer_info = asn1::expect(&mut { infos.value }, asn1::SEQUENCE)?;
    let mut members: Vec<&[u8]> = asn1::all(signer_info.value)?.iter().map(|member| member.whole).collect();
    if members.last().is_some_and(|last| last[0] == 0xa1) {
        return Err(SignError::Foreign("it has unsigned attributes already; leave the time stamp to sohoa".into()));
    }
    let attributes = timestamp_attributes(token);
    members.push(&attributes);
    let infos = asn1::element(asn1::SET, &asn1::sequence(&members));
    let mut data: Vec<&[u8]> = before.iter().map(|member| member.whole).collect();
    data.push(&infos);
    Ok(asn1::sequence(&[kind.whole, &asn1::element(0xa0, &asn1::sequence(&data))]))
}

fn timestamp_attributes(token: &[u8]) -> Vec<u8> {
    asn1::retagged(asn1::set_of(&[attribute(SIGNATURE_TIMESTAMP, token.to_vec())]), 0xa1)
}

fn attribute(name: ObjectIdentifier, value: Vec<u8>) -> Vec<u8> {
    asn1::sequence(&[&asn1::oid(name), &asn1::set_of(&[value])])
}

/// A CMS whose one signature fits its signed attributes; whether its signer is believed is for the caller.
#[derive(Debug)]
pub struct Checked {
    /// Whose key signed.
    pub signer: Certificate,
    /// All certificates that came with it.
    pub certificates: Vec<Certificate>,
    /// The signature's bytes: what a time stamp is for.
    pub signature: Vec<u8>,
    /// The content, where it is inside: a token's TSTInfo.
    pub content: Option<Vec<u8>>,
}

/// Reads a CMS with one signer and checks content type, digest of the content and signature. `detached` gives the digest of content
/// that lies elsewhere.
pub fn check(
    cms: &[u8],
    content_type: ObjectIdentifier,
    detached: Option<&dyn Fn(Hash) -> Vec<u8>>,
) -> Result<Checked, SignError> {
    let unfit = |what: &str| SignError::Foreign(what.into());
    let info = ContentInfo::from_der(cms)?;
    if info.content_type != SIGNED_DATA {
        return Err(unfit("it is no SignedData"));
    }
    let data: SignedData = info.content.decode_as()?;
    let [signer_info] = data.signer_infos.0.as_slice() else { return Err(unfit("it has not just one signer")) };
    let hash = Hash::of_oid(signer_info.digest_alg.oid)?;
    let content = data.encap_content_info.econtent.as_ref().map(|any| any.value().to_vec());
    let expected = match (&content, detached) {
        (Some(content), None) => hash.digest(&[content]),
        (None, Some(digest)) => digest(hash),
        _ => return Err(unfit("its content is not where it should be")),
    };
    let certificates = certificates(cms)?;
    let signer = signer_of(signer_info, &certificates)?.ok_or_else(|| unfit("the signer's certificate is not in it"))?.clone();
    let attributes = signer_info.signed_attrs.as_ref().ok_or_else(|| unfit("it has no signed attributes"))?;
    let value = |name: ObjectIdentifier| {
        let found = attributes.iter().find(|attribute| attribute.oid == name)?;
        found.values.get(0).filter(|_| found.values.len() == 1)
    };
    if value(CONTENT_TYPE).and_then(|any| any.decode_as::<ObjectIdentifier>().ok()) != Some(content_type) {
        return Err(unfit("its content type is another"));
    }
    if value(MESSAGE_DIGEST).map(|any| any.value()) != Some(&expected) {
        return Err(unfit("its digest is not that of the content: it was made for something else"));
    }
    if content_type == ID_DATA {
        // EN 319 142-1 5.3: the signer's certificate is among what is signed, and the time is the PDF's to tell.
        let named = value(SIGNING_CERTIFICATE_V2).map(|any| any.value().to_vec()).unwrap_or_default();
        let own = Hash::Sha256.digest(&[signer.der()]);
        if !named.windows(own.len()).any(|window| window == own) {
            return Err(unfit("it does not name its certificate by SHA-256 (signing-certificate-v2): sign as CAdES"));
        }
        if value(SIGNING_TIME).is_some() {
            return Err(unfit("it claims a signing time of its own, which PAdES forbids: sign as PAdES"));
        }
    }
    let signature = signer_info.signature.as_bytes();
    if !signer.verifies(&signer_info.signature_algorithm, Some(hash), &attributes.to_der()?, signature)? {
        return Err(unfit("the signature is not by its certificate's key"));
    }
    let signature = signature.to_vec();
    Ok(Checked { signer, certificates, signature, content })
}

/// The certificates of a SignedData, each with its own bytes.
fn certificates(cms: &[u8]) -> Result<Vec<Certificate>, SignError> {
    let mut content_info = asn1::expect(&mut &cms[..], asn1::SEQUENCE)?.value;
    asn1::take(&mut content_info)?;
    let content = asn1::expect(&mut content_info, 0xa0)?;
    let members = asn1::all(asn1::expect(&mut { content.value }, asn1::SEQUENCE)?.value)?;
    let Some(set) = members.iter().find(|member| member.tag == 0xa0) else { return Ok(Vec::new()) };
    // Other choices than plain certificates (attribute certificates and older forms) have context tags.
    asn1::all(set.value)?
        .iter()
        .filter(|found| found.tag == asn1::SEQUENCE)
        .map(|found| Certificate::from_der(found.whole))
        .collect()
}

fn signer_of<'a>(info: &SignerInfo, certificates: &'a [Certificate]) -> Result<Option<&'a Certificate>, SignError> {
    match &info.sid {
        SignerIdentifier::IssuerAndSerialNumber(named) => {
            let named = asn1::sequence(&[&named.issuer.to_der()?, &named.serial_number.to_der()?]);
            Ok(certificates.iter().find(|certificate| certificate.issuer_and_serial().is_ok_and(|own| own == named)))
        }
        SignerIdentifier::SubjectKeyIdentifier(named) => {
            Ok(certificates.iter().find(|certificate| certificate.key_identifier().as_deref() == Some(named.0.as_bytes())))
        }
    }
}

/// Whoever signed in a PDF's hole, the signature's own time stamp among them, each with the certificates that came with it. Nothing is
/// checked: it is for collecting proofs about signatures that were checked when they were made.
pub(crate) fn signers(contents: &[u8]) -> Result<Vec<(Certificate, Vec<Certificate>)>, SignError> {
    // Behind the CMS the hole is full of zeros.
    let cms = asn1::take(&mut { contents })?.whole;
    let data: SignedData = ContentInfo::from_der(cms)?.content.decode_as()?;
    let certificates = certificates(cms)?;
    let mut found = Vec::new();
    for info in data.signer_infos.0.iter() {
        if let Some(signer) = signer_of(info, &certificates)? {
            found.push((signer.clone(), certificates.clone()));
        }
        let stamps = info.unsigned_attrs.iter().flat_map(|attributes| attributes.iter());
        for token in stamps.filter(|attribute| attribute.oid == SIGNATURE_TIMESTAMP).flat_map(|attribute| attribute.values.iter())
        {
            found.extend(signers(&token.to_der()?)?);
        }
    }
    Ok(found)
}
