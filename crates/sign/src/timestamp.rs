//! Time stamps (RFC 3161): the request, and what a service's answer must be before it is believed. Sending is the caller's.

use crate::algorithm::Hash;
use crate::certificate::{Certificate, Purpose};
use crate::{SignError, asn1, cms};
use der::Decode as _;
use der::asn1::{GeneralizedTime, ObjectIdentifier};
use jiff::{SignedDuration, Timestamp};

const TST_INFO: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.1.4");

/// The media type of a request.
pub const QUERY: &str = "application/timestamp-query";
/// A service whose clock is farther from ours than this is not believed: one of the two is wrong, and a person must say which.
pub const MOST_DRIFT: SignedDuration = SignedDuration::from_mins(10);

/// A token that was checked.
#[derive(Clone, Debug)]
pub struct Token {
    /// The ContentInfo as it came.
    pub der: Vec<u8>,
    /// The time that it stands for.
    pub at: Timestamp,
    /// From the service's certificate to a believed root.
    pub path: Vec<Certificate>,
}

/// A TimeStampReq for bytes: SHA-256, the service's certificate wanted.
pub fn request(stamped: &[u8], nonce: [u8; 8]) -> Vec<u8> {
    asn1::sequence(&[&asn1::integer(&[1]), &imprint(stamped), &asn1::integer(&nonce), &[0x01, 0x01, 0xff]])
}

fn imprint(stamped: &[u8]) -> Vec<u8> {
    let hash = Hash::Sha256;
    asn1::sequence(&[&asn1::algorithm(hash.oid(), true), &asn1::octets(&hash.digest(&[stamped]))])
}

/// Checks a TimeStampResp: granted, for these bytes and this nonce, signed by a service that a believed root vouches for, and
/// not far from `now`.
pub fn accept(
    response: &[u8],
    stamped: &[u8],
    nonce: [u8; 8],
    roots: &[Certificate],
    now: Timestamp,
) -> Result<Token, SignError> {
    let refused = |why: String| SignError::Timestamp(why);
    let mut members = asn1::expect(&mut &response[..], asn1::SEQUENCE)?.value;
    let status = asn1::expect(&mut members, asn1::SEQUENCE)?;
    let granted = asn1::expect(&mut { status.value }, 0x02)?.value;
    // 0 granted, 1 granted with modifications
    if !matches!(granted, [0 | 1]) {
        return Err(refused(format!("the service refused (status {})", hex(granted))));
    }
    let token = asn1::expect(&mut members, asn1::SEQUENCE)?.whole;
    let checked = cms::check(token, TST_INFO, None)?;
    let content = checked.content.as_deref().unwrap_or_default();
    // eContent is an OCTET STRING whose value is the TSTInfo.
    let info = asn1::expect(&mut { content }, asn1::SEQUENCE)?;
    let mut members = info.value;
    asn1::expect(&mut members, 0x02)?; // version
    asn1::expect(&mut members, 0x06)?; // policy
    let stamped_imprint = asn1::expect(&mut members, asn1::SEQUENCE)?;
    if !is_imprint_of(stamped_imprint.value, stamped)? {
        return Err(refused("the token is for other bytes".into()));
    }
    asn1::expect(&mut members, 0x02)?; // serial number
    let time = asn1::expect(&mut members, 0x18)?;
    let at = generalized_time(time)?;
    let rest = asn1::all(members)?;
    if rest.iter().find(|member| member.tag == 0x02).map(|member| member.whole.to_vec()) != Some(asn1::integer(&nonce)) {
        return Err(refused("the token answers another request (its nonce differs)".into()));
    }
    if at.duration_since(now).abs() > MOST_DRIFT {
        return Err(refused(format!("the service says {at}, this machine {now}: set the clock that is wrong")));
    }
    checked.signer.check(Purpose::Timestamp, at)?;
    let path = checked.signer.path(&checked.certificates, roots, at)?;
    Ok(Token { der: token.to_vec(), at, path })
}

/// Parameters of the algorithm may be NULL or absent; the digest is what counts.
fn is_imprint_of(value: &[u8], stamped: &[u8]) -> Result<bool, SignError> {
    let [algorithm, digest] = asn1::all(value)?[..] else { return Ok(false) };
    let named = asn1::expect(&mut { algorithm.value }, 0x06)?;
    Ok(ObjectIdentifier::from_bytes(named.value).is_ok_and(|oid| oid == Hash::Sha256.oid())
        && digest.value == Hash::Sha256.digest(&[stamped]))
}

/// RFC 3161 2.4.2 allows fractions of a second, which `der` does not read: they are cut off.
fn generalized_time(time: asn1::Element<'_>) -> Result<Timestamp, SignError> {
    let text = std::str::from_utf8(time.value).unwrap_or_default();
    let whole = text.split_once('.').map_or_else(|| text.to_owned(), |(seconds, _)| format!("{seconds}Z"));
    let parsed = GeneralizedTime::from_der(&asn1::element(0x18, whole.as_bytes()))?;
    Timestamp::from_second(parsed.to_unix_duration().as_secs() as i64).map_err(|e| SignError::Malformed(e.to_string()))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
