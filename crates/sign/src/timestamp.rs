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
    let read = read(asn1::expect(&mut members, asn1::SEQUENCE)?.whole, stamped)?;
    if read.nonce != Some(asn1::integer(&nonce)) {
        return Err(refused("the token answers another request (its nonce differs)".into()));
    }
    if read.at.duration_since(now).abs() > MOST_DRIFT {
        return Err(refused(format!("the service says {}, this machine {now}: set the clock that is wrong", read.at)));
    }
    read.believed(roots)
}

/// A token whose signature fits, by whomever.
struct Read {
    der: Vec<u8>,
    at: Timestamp,
    nonce: Option<Vec<u8>>,
    checked: cms::Checked,
}

impl Read {
    /// The same by a service that a believed root vouches for, as of the token's own time.
    fn believed(self, roots: &[Certificate]) -> Result<Token, SignError> {
        self.checked.signer.check(Purpose::Timestamp, self.at)?;
        let path = self.checked.signer.path(&self.checked.certificates, roots, self.at)?;
        Ok(Token { der: self.der, at: self.at, path })
    }
}

fn read(token: &[u8], stamped: &[u8]) -> Result<Read, SignError> {
    let checked = cms::check(token, TST_INFO, None)?;
    let content = checked.content.as_deref().unwrap_or_default();
    // eContent is an OCTET STRING whose value is the TSTInfo.
    let info = asn1::expect(&mut { content }, asn1::SEQUENCE)?;
    let mut members = info.value;
    asn1::expect(&mut members, 0x02)?; // version
    asn1::expect(&mut members, 0x06)?; // policy
    let stamped_imprint = asn1::expect(&mut members, asn1::SEQUENCE)?;
    if !is_imprint_of(stamped_imprint.value, stamped)? {
        return Err(SignError::Timestamp("the token is for other bytes".into()));
    }
    asn1::expect(&mut members, 0x02)?; // serial number
    let time = asn1::expect(&mut members, 0x18)?;
    let at = generalized_time(time)?;
    let rest = asn1::all(members)?;
    let nonce = rest.iter().find(|member| member.tag == 0x02).map(|member| member.whole.to_vec());
    Ok(Read { der: token.to_vec(), at, nonce, checked })
}

/// A stored token over these bytes, believed as of its own time. Whether it still counts later is for [`chain`].
pub fn stored(token: &[u8], stamped: &[u8], roots: &[Certificate]) -> Result<Token, SignError> {
    read(token, stamped)?.believed(roots)
}

/// A chain of tokens, the first over some bytes and each later one (made by `stamped`) over them and the token before it, as of `now`: a token
/// that was made later is left out, and so is everything from the first one on whose service no root vouches for. Whether the chain still
/// counts is for [`lapsed`]; the first token's time is what it stands for. A token that is damaged or over other bytes is an error.
pub fn chain(
    tokens: &[Vec<u8>],
    stamped: impl Fn(Option<&[u8]>) -> Vec<u8>,
    roots: &[Certificate],
    now: Timestamp,
) -> Result<Vec<Token>, SignError> {
    let mut links: Vec<Token> = Vec::new();
    for token in tokens {
        match stored(token, &stamped(links.last().map(|before| before.der.as_slice())), roots) {
            Ok(link) if link.at <= now => links.push(link),
            Ok(_) | Err(SignError::Certificate { .. }) => break,
            Err(error) => return Err(error),
        }
    }
    Ok(links)
}

/// Why a chain counts no more at `now`; none while it does. Each token must have been renewed, or be asked for, while the certificates of its
/// service were valid (RFC 4998 section 5.3).
pub fn lapsed(links: &[Token], now: Timestamp) -> Option<String> {
    let next = links.iter().skip(1).map(|link| link.at).chain([now]);
    let (link, _) = links.iter().zip(next).find(|(link, next)| *next > link.ends())?;
    Some(format!("the stamp of {} was not renewed before its service's certificates ran out on {}", link.at, link.ends()))
}

impl Token {
    /// When the first certificate of its path runs out: before that it must be renewed.
    pub fn ends(&self) -> Timestamp {
        self.path.iter().map(|certificate| certificate.validity().1).min().unwrap_or(self.at)
    }
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
