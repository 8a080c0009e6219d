//! What embedded revocation lists (RFC 5280 5) and OCSP answers (RFC 6960 4.2) say of a certificate at a time. Nothing is fetched.

use super::algorithms::{Hash, Scheme, verify};
use super::asn1::{BIT_STRING, BOOLEAN, Element, INTEGER, OCTET_STRING, SEQUENCE, context};
use super::certificate::{CRL_SIGN, Certificate, OCSP_SIGNING};
use super::name;
use super::path::Moment;
use pkcs8::ObjectIdentifier;

const BASIC_RESPONSE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.48.1.1");
/// Answers and lists that are looked at.
const MAX_EVIDENCE: usize = 128;

/// Lists and answers that came with a document.
#[derive(Debug, Default)]
pub(super) struct Evidence<'a> {
    pub lists: Vec<&'a [u8]>,
    pub answers: Vec<&'a [u8]>,
}

/// What is known of one certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Status {
    Good,
    Revoked,
    Unknown,
}

impl Evidence<'_> {
    /// Whether `certificate` of `issuer` was revoked by that moment. Revoked wins over good.
    pub fn status(&self, certificate: &Certificate<'_>, issuer: &Certificate<'_>, at: Moment) -> Status {
        let lists = self.lists.iter().take(MAX_EVIDENCE).filter_map(|list| from_list(list, certificate, issuer, at));
        let answers = self.answers.iter().take(MAX_EVIDENCE).filter_map(|answer| from_answer(answer, certificate, issuer, at));
        lists.chain(answers).fold(Status::Unknown, |known, status| match (known, status) {
            (Status::Revoked, _) | (_, Status::Revoked) => Status::Revoked,
            (Status::Good, _) | (_, Status::Good) => Status::Good,
            _ => Status::Unknown,
        })
    }
}

/// Revoked at that time. Where only the signer says when the signature was made, any time is before it.
fn taken_back(time: i64, moment: Moment) -> Status {
    if time <= moment.at || moment.claimed_on.is_some() { Status::Revoked } else { Status::Good }
}

fn from_list(list: &[u8], certificate: &Certificate<'_>, issuer: &Certificate<'_>, moment: Moment) -> Option<Status> {
    let [body, algorithm, signature] = Element::of(SEQUENCE, list)?.children()?.try_into().ok()?;
    let fields = body.children()?;
    let from = usize::from(fields.first()?.tag == INTEGER);
    if !name::same(fields.get(from + 1)?.whole, issuer.subject) || issuer.usage.is_some_and(|usage| usage & CRL_SIGN == 0) {
        return None;
    }
    let next = fields.get(from + 3).and_then(Element::time)?;
    // A list about part of the certificates, or of changes only, says so in a critical extension: none of them is understood.
    let extensions = fields.iter().find(|field| field.tag == context(0)).and_then(Element::only);
    if extensions.is_some_and(|all| all.children().is_none_or(|all| all.iter().any(is_critical))) {
        return None;
    }
    verify(issuer.key, Scheme::of(&algorithm, None)?, &[body.whole], signature.bits()?).ok()?;
    let revoked = fields.get(from + 4).filter(|field| field.tag == SEQUENCE).and_then(Element::children).unwrap_or_default();
    for entry in revoked {
        let parts = entry.children()?;
        if parts.first()?.value == certificate.serial {
            return Some(taken_back(parts.get(1)?.time()?, moment));
        }
    }
    // A list that had run out before says nothing about the time.
    (next >= moment.at).then_some(Status::Good)
}

fn is_critical(extension: &Element<'_>) -> bool {
    extension.children().is_none_or(|parts| parts.get(1).is_some_and(|part| part.tag == BOOLEAN && part.value != [0]))
}

fn from_answer(answer: &[u8], certificate: &Certificate<'_>, issuer: &Certificate<'_>, moment: Moment) -> Option<Status> {
    let parts = Element::of(SEQUENCE, answer)?.children()?;
    if parts.first()?.value != [0] {
        return None;
    }
    let typed = parts.get(1)?.only()?.children()?;
    if typed.first()?.oid()? != BASIC_RESPONSE {
        return None;
    }
    let basic = Element::of(SEQUENCE, typed.get(1).filter(|body| body.tag == OCTET_STRING)?.value)?.children()?;
    let (body, algorithm, signature) = (basic.first()?, basic.get(1)?, basic.get(2).filter(|s| s.tag == BIT_STRING)?);
    let responses = body.children()?.into_iter().rfind(|part| part.tag == SEQUENCE)?;
    let mut found = None;
    for response in responses.children()? {
        let parts = response.children()?;
        if is_about(parts.first()?, certificate, issuer)? {
            found = Some(parts);
        }
    }
    let response = found?;
    let (scheme, bits) = (Scheme::of(algorithm, None)?, signature.bits()?);
    let signed = |key: &[u8]| verify(key, scheme, &[body.whole], bits).is_ok();
    // RFC 6960 4.2.2.2: the issuer itself, or whom it made its responder.
    let delegates = basic.get(3).and_then(Element::only).and_then(|all| all.children()).unwrap_or_default();
    let this = response.get(2)?.time()?;
    let delegated = delegates.iter().take(4).filter_map(|bytes| Certificate::read(bytes.whole)).any(|delegate| {
        let may = delegate.purposes.as_ref().is_some_and(|all| all.contains(&OCSP_SIGNING));
        let valid = (delegate.validity.0..=delegate.validity.1).contains(&this);
        may && valid && delegate.may_be_from(issuer) && delegate.is_signed_by(issuer).is_ok() && signed(delegate.key)
    });
    if !delegated && !signed(issuer.key) {
        return None;
    }
    let status = response.get(1)?;
    let next = response.get(3).filter(|part| part.tag == context(0)).and_then(Element::only).and_then(|next| next.time());
    match status.tag {
        0x80 => (next.unwrap_or(this) >= moment.at).then_some(Status::Good),
        0xa1 => Some(taken_back(Element::first(status.value)?.0.time()?, moment)),
        _ => None,
    }
}

/// CertID: digests of the issuer's name and key, and the serial number.
fn is_about(id: &Element<'_>, certificate: &Certificate<'_>, issuer: &Certificate<'_>) -> Option<bool> {
    let [algorithm, name, key, serial] = id.children()?.try_into().ok()?;
    let hash = Hash::of(&algorithm)?;
    let bits = Element::of(SEQUENCE, issuer.key)?.children()?.get(1)?.bits()?;
    let same = hash.digest(&[issuer.subject])? == name.value && hash.digest(&[bits])? == key.value;
    Some(same && serial.value == certificate.serial)
}
