//! Certificates as others wrote them: the parts that a path needs (RFC 5280 4), each with its own bytes.

use super::algorithms::{Scheme, verify};
use super::asn1::{BOOLEAN, Element, INTEGER, OCTET_STRING, SEQUENCE, context};
use super::name;
use pkcs8::ObjectIdentifier;
use sohoa_record::Sha256Hex;
use sohoa_record::signature::Finding;
use sohoa_record::text::nfc;

const fn oid(text: &str) -> ObjectIdentifier {
    ObjectIdentifier::new_unwrap(text)
}

const COMMON_NAME: ObjectIdentifier = oid("2.5.4.3");
const SUBJECT_KEY_ID: ObjectIdentifier = oid("2.5.29.14");
const KEY_USAGE: ObjectIdentifier = oid("2.5.29.15");
const SUBJECT_ALT_NAME: ObjectIdentifier = oid("2.5.29.17");
const BASIC_CONSTRAINTS: ObjectIdentifier = oid("2.5.29.19");
const POLICIES: ObjectIdentifier = oid("2.5.29.32");
const AUTHORITY_KEY_ID: ObjectIdentifier = oid("2.5.29.35");
const NAME_CONSTRAINTS: ObjectIdentifier = oid("2.5.29.30");
const POLICY_CONSTRAINTS: ObjectIdentifier = oid("2.5.29.36");
const INHIBIT_ANY_POLICY: ObjectIdentifier = oid("2.5.29.54");
const EXTENDED_KEY_USAGE: ObjectIdentifier = oid("2.5.29.37");
pub(super) const TIME_STAMPING: ObjectIdentifier = oid("1.3.6.1.5.5.7.3.8");
pub(super) const OCSP_SIGNING: ObjectIdentifier = oid("1.3.6.1.5.5.7.3.9");

/// Bits of the key usage (RFC 5280 4.2.1.3), the first from the left.
pub(super) const DIGITAL_SIGNATURE: u8 = 0x80;
pub(super) const NON_REPUDIATION: u8 = 0x40;
pub(super) const CERT_SIGN: u8 = 0x04;
pub(super) const CRL_SIGN: u8 = 0x02;

#[derive(Clone, Debug)]
pub(super) struct Certificate<'a> {
    /// All of it.
    pub whole: &'a [u8],
    /// What its issuer signed.
    tbs: &'a [u8],
    /// The serial number's bytes.
    pub serial: &'a [u8],
    /// The issuer's name, whole element.
    pub issuer: &'a [u8],
    /// The subject's name, whole element.
    pub subject: &'a [u8],
    /// Seconds since 1970, first and last.
    pub validity: (i64, i64),
    /// SubjectPublicKeyInfo, whole element.
    pub key: &'a [u8],
    /// How its issuer signed it.
    pub scheme: Option<Scheme>,
    signature: &'a [u8],
    /// Whether it may issue others, and how many more below it; none when it does not say.
    pub authority: Option<(bool, Option<u32>)>,
    /// First byte of the key usage; none when it does not say.
    pub usage: Option<u8>,
    /// What it is for; none when it does not say.
    pub purposes: Option<Vec<ObjectIdentifier>>,
    key_id: Option<&'a [u8]>,
    issuer_key_id: Option<&'a [u8]>,
    /// It demands something that is not checked here.
    pub demands_more: bool,
}

impl<'a> Certificate<'a> {
    /// The certificate that the bytes begin with.
    pub fn read(bytes: &'a [u8]) -> Option<Certificate<'a>> {
        let whole = Element::of(SEQUENCE, bytes)?;
        let [tbs, algorithm, signature] = whole.children()?.try_into().ok()?;
        let fields = tbs.children()?;
        let from = usize::from(fields.first()?.tag == context(0));
        let [serial, _, issuer, validity, subject, key] = *fields.get(from..from + 6)?.first_chunk::<6>()?;
        let times = validity.children()?;
        let mut certificate = Certificate {
            whole: whole.whole,
            tbs: tbs.whole,
            serial: (serial.tag == INTEGER).then_some(serial.value)?,
            issuer: issuer.whole,
            subject: subject.whole,
            validity: (times.first()?.time()?, times.get(1)?.time()?),
            key: key.whole,
            scheme: Scheme::of(&algorithm, None),
            signature: signature.bits()?,
            authority: None,
            usage: None,
            purposes: None,
            key_id: None,
            issuer_key_id: None,
            demands_more: false,
        };
        if let Some(extensions) = fields.iter().find(|field| field.tag == context(3)) {
            for extension in extensions.only()?.children()? {
                certificate.take(&extension)?;
            }
        }
        Some(certificate)
    }

    fn take(&mut self, extension: &Element<'a>) -> Option<()> {
        let parts = extension.children()?;
        let critical = parts.get(1).is_some_and(|part| part.tag == BOOLEAN && part.value != [0]);
        let value = parts.last().filter(|part| part.tag == OCTET_STRING)?.value;
        match parts.first()?.oid()? {
            BASIC_CONSTRAINTS => {
                let parts = Element::of(SEQUENCE, value)?.children()?;
                let may = parts.first().is_some_and(|part| part.tag == BOOLEAN && part.value != [0]);
                let below = parts.iter().find(|part| part.tag == INTEGER).map(|part| part.number().unwrap_or(0));
                self.authority = Some((may, below));
            }
            KEY_USAGE => {
                let bits = Element::first(value)?.0;
                self.usage = Some(*bits.value.get(1).unwrap_or(&0));
            }
            EXTENDED_KEY_USAGE => {
                let purposes = Element::of(SEQUENCE, value)?.children()?;
                self.purposes = Some(purposes.iter().filter_map(Element::oid).collect());
            }
            SUBJECT_KEY_ID => self.key_id = Some(Element::of(OCTET_STRING, value)?.value),
            AUTHORITY_KEY_ID => {
                let parts = Element::of(SEQUENCE, value)?.children()?;
                self.issuer_key_id = parts.iter().find(|part| part.tag == 0x80).map(|part| part.value);
            }
            POLICIES | SUBJECT_ALT_NAME => {}
            // Demands on the rest of the path that are not looked into here, whether or not their issuer called them critical.
            NAME_CONSTRAINTS | POLICY_CONSTRAINTS | INHIBIT_ANY_POLICY => self.demands_more = true,
            // RFC 5280 4.2: what is critical and not understood makes a certificate unusable.
            _ => self.demands_more |= critical,
        }
        Some(())
    }

    /// True when the other's name and key identifier say that it issued this one.
    pub fn may_be_from(&self, issuer: &Certificate<'_>) -> bool {
        let ids = (self.issuer_key_id, issuer.key_id);
        name::same(self.issuer, issuer.subject) && !matches!(ids, (Some(named), Some(id)) if named != id)
    }

    /// Whether the other's key signed this one.
    pub fn is_signed_by(&self, issuer: &Certificate<'_>) -> Result<(), Finding> {
        verify(issuer.key, self.scheme.ok_or(Finding::AlgorithmUnsupported)?, &[self.tbs], self.signature)
    }

    pub fn is_named_by_key(&self, key_id: &[u8]) -> bool {
        self.key_id == Some(key_id)
    }

    pub fn is_self_issued(&self) -> bool {
        name::same(self.issuer, self.subject)
    }

    pub fn sha256(&self) -> Sha256Hex {
        Sha256Hex::of(self.whole)
    }

    /// The subject's last common name, else the last part of its name.
    pub fn name(&self) -> String {
        name_part(self.subject, |kind| kind == COMMON_NAME).or_else(|| name_part(self.subject, |_| true)).unwrap_or_default()
    }
}

/// The last part of a name that is of such a kind.
fn name_part(name: &[u8], is_wanted: impl Fn(ObjectIdentifier) -> bool) -> Option<String> {
    let sets = Element::of(SEQUENCE, name)?.children()?;
    let attributes = sets.iter().filter_map(Element::children).flatten().filter_map(|attribute| attribute.children());
    let value = attributes.filter(|parts| parts.first().and_then(Element::oid).is_some_and(&is_wanted)).last()?;
    let value = value.get(1)?;
    let text = match value.tag {
        0x1e => char::decode_utf16(value.value.chunks_exact(2).map(|b| u16::from_be_bytes([b[0], b[1]])))
            .map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER))
            .collect(),
        0x14 => value.value.iter().map(|b| char::from(*b)).collect(),
        _ => String::from_utf8_lossy(value.value).into_owned(),
    };
    Some(nfc(&text))
}
