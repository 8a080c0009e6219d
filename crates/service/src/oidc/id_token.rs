//! ID tokens (OpenID Connect Core 1.0, 3.1.3.7): a signed statement of a provider about who signed in. RS256 and ES256 with the provider's
//! published keys (RFC 7515, 7517, 7518), and nothing else: which algorithm a key is for is said by the key, never by the token.
//!
//! Nothing here reads a clock or asks anybody.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rsa::signature::Verifier as _;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use sha2::Sha256;
use subtle::ConstantTimeEq as _;

/// Longer tokens are not looked at; usual ones have one or two kilobytes.
const LONGEST: usize = 16 * 1024;
/// Keys of a provider that are looked at.
const MOST_KEYS: usize = 32;
/// Seconds that the provider's clock and ours may differ.
const LEEWAY: u64 = 60;
/// Seconds after which a token is too old to have been made for this sign-in.
const OLDEST: u64 = 600;
/// RFC 7518, 3.3.
const LEAST_RSA_BITS: usize = 2048;
const MOST_RSA_BITS: usize = 8192;

/// Why a token is not believed. None of it tells what is in the token.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs)]
pub enum TokenFault {
    #[error("it cannot be read: {0}")]
    Malformed(&'static str),
    #[error("its algorithm is neither RS256 nor ES256")]
    Algorithm,
    #[error("it is signed by a key that the provider does not publish")]
    UnknownKey,
    #[error("its signature is wrong")]
    Signature,
    #[error("it is another issuer's")]
    Issuer,
    #[error("it was made for another client")]
    Audience,
    #[error("it has expired, or was made long ago; are the clocks right?")]
    Expired,
    #[error("it is not valid yet; are the clocks right?")]
    NotYet,
    #[error("it was made for another sign-in")]
    Nonce,
}

/// A public key of a provider (RFC 7517).
#[derive(Clone, Debug, Deserialize)]
pub struct Jwk {
    kty: String,
    kid: Option<String>,
    #[serde(rename = "use")]
    purpose: Option<String>,
    alg: Option<String>,
    crv: Option<String>,
    n: Option<String>,
    e: Option<String>,
    x: Option<String>,
    y: Option<String>,
}

/// The keys of a JWK set; those that we cannot read are passed over, as RFC 7517, 5 asks.
pub fn keys(set: &[u8]) -> Result<Vec<Jwk>, serde_json::Error> {
    #[derive(Deserialize)]
    struct Set {
        keys: Vec<Value>,
    }
    let set: Set = serde_json::from_slice(set)?;
    Ok(set.keys.into_iter().take(MOST_KEYS).filter_map(|key| serde_json::from_value(key).ok()).collect())
}

/// What a token must say.
#[derive(Clone, Copy, Debug)]
pub struct Expected<'a> {
    /// Who made it.
    pub issuer: &'a str,
    /// For whom.
    pub client_id: &'a str,
    /// For which sign-in.
    pub nonce: &'a str,
    /// Seconds since 1970.
    pub now: u64,
}

/// What a token says of a person.
#[derive(Debug, Deserialize)]
pub struct Claims {
    iss: String,
    sub: String,
    aud: Audience,
    azp: Option<String>,
    exp: f64,
    iat: f64,
    nbf: Option<f64>,
    nonce: Option<String>,
    #[serde(flatten)]
    others: Map<String, Value>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Many(Vec<String>),
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    kid: Option<String>,
    crit: Option<Value>,
}

/// What a token says, when all of it is as it must be.
pub fn verify(token: &str, keys: &[Jwk], expected: Expected<'_>) -> Result<Claims, TokenFault> {
    let malformed = TokenFault::Malformed;
    if token.len() > LONGEST {
        return Err(malformed("it is too long"));
    }
    let (signed, signature) = token.rsplit_once('.').ok_or(malformed("it is no JWS"))?;
    let (header, payload) = signed.split_once('.').ok_or(malformed("it is no JWS"))?;
    let header: Header = part(header).ok_or(malformed("its header"))?;
    if header.crit.is_some() {
        return Err(malformed("its header wants something that is not known here"));
    }
    let verify = match header.alg.as_str() {
        "RS256" => rs256,
        "ES256" => es256,
        _ => return Err(TokenFault::Algorithm),
    };
    let key = key(keys, &header).ok_or(TokenFault::UnknownKey)?;
    let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| malformed("its signature"))?;
    verify(key, signed.as_bytes(), &signature).ok_or(TokenFault::Signature)?;
    let claims: Claims = part(payload).ok_or(malformed("its claims"))?;
    claims.check(expected)?;
    Ok(claims)
}

fn part<T: DeserializeOwned>(text: &str) -> Option<T> {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).ok()?).ok()
}

/// The key that a token names; when it names none, the only one that fits.
fn key<'a>(keys: &'a [Jwk], header: &Header) -> Option<&'a Jwk> {
    let mut fitting = keys.iter().filter(|key| key.is_for(&header.alg));
    match &header.kid {
        Some(kid) => fitting.find(|key| key.kid.as_ref() == Some(kid)),
        None => fitting.next().filter(|_| fitting.next().is_none()),
    }
}

impl Jwk {
    fn is_for(&self, algorithm: &str) -> bool {
        let is_kind = match algorithm {
            "RS256" => self.kty == "RSA",
            _ => self.kty == "EC" && self.crv.as_deref() == Some("P-256"),
        };
        is_kind
            && self.alg.as_deref().is_none_or(|alg| alg == algorithm)
            && self.purpose.as_deref().is_none_or(|purpose| purpose == "sig")
    }
}

/// RFC 7518, 3.3.
fn rs256(key: &Jwk, signed: &[u8], signature: &[u8]) -> Option<()> {
    let number = |text: &Option<String>| {
        let bytes = URL_SAFE_NO_PAD.decode(text.as_ref()?).ok()?;
        Some(rsa::BoxedUint::from_be_slice_vartime(&bytes))
    };
    let public = rsa::PublicKey::new_with_size_limits(number(&key.n)?, number(&key.e)?, LEAST_RSA_BITS..=MOST_RSA_BITS).ok()?;
    let signature = rsa::pkcs1v15::Signature::try_from(signature).ok()?;
    rsa::pkcs1v15::VerifyingKey::<Sha256>::new(public).verify(signed, &signature).ok()
}

/// RFC 7518, 3.4: r and s side by side.
fn es256(key: &Jwk, signed: &[u8], signature: &[u8]) -> Option<()> {
    let coordinate = |text: &Option<String>| URL_SAFE_NO_PAD.decode(text.as_ref()?).ok().filter(|bytes| bytes.len() == 32);
    let point = [&[4][..], &coordinate(&key.x)?, &coordinate(&key.y)?].concat();
    let public = p256::ecdsa::VerifyingKey::from_sec1_bytes(&point).ok()?;
    public.verify(signed, &p256::ecdsa::Signature::from_slice(signature).ok()?).ok()
}

impl Claims {
    /// The claim of that name, where it is a text.
    pub fn text(&self, name: &str) -> Option<&str> {
        if name == "sub" { Some(&self.sub) } else { self.others.get(name)?.as_str() }
    }

    /// True when the provider has looked whether the e-mail address is theirs.
    pub fn is_email_verified(&self) -> bool {
        self.others.get("email_verified") == Some(&Value::Bool(true))
    }

    fn check(&self, expected: Expected<'_>) -> Result<(), TokenFault> {
        if self.iss != expected.issuer {
            return Err(TokenFault::Issuer);
        }
        let (is_for_us, is_for_others) = match &self.aud {
            Audience::One(one) => (one == expected.client_id, false),
            Audience::Many(many) => (many.iter().any(|one| one == expected.client_id), many.len() > 1),
        };
        let is_party = match &self.azp {
            Some(party) => party == expected.client_id,
            None => !is_for_others,
        };
        if !is_for_us || !is_party {
            return Err(TokenFault::Audience);
        }
        let (early, late) = (expected.now.saturating_sub(LEEWAY) as f64, (expected.now + LEEWAY) as f64);
        // Written so that what is no number of a time fails too.
        if !(self.exp > early && self.iat > early - OLDEST as f64) {
            return Err(TokenFault::Expired);
        }
        if !(self.iat <= late && self.nbf.is_none_or(|from| from <= late)) {
            return Err(TokenFault::NotYet);
        }
        let nonce = self.nonce.as_deref().unwrap_or_default();
        if expected.nonce.is_empty() || !bool::from(nonce.as_bytes().ct_eq(expected.nonce.as_bytes())) {
            return Err(TokenFault::Nonce);
        }
        if self.sub.is_empty() { Err(TokenFault::Malformed("it names nobody")) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests;
