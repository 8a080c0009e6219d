//! Tokens that openssl signed, and what attackers make of them.

use super::*;
use crate::jws::{Signer, encoded, signed};
use hmac::{Hmac, KeyInit as _, Mac as _};
use proptest::prelude::*;
use serde_json::json;

const NOW: u64 = 1_790_000_000;
const EXPECTED: Expected<'_> = Expected { issuer: "https://sso.example", client_id: "sohoa", nonce: "n-0S6", now: NOW };

fn claims() -> Value {
    json!({
        "iss": "https://sso.example", "sub": "u1", "aud": "sohoa", "nonce": "n-0S6",
        "iat": NOW - 5, "exp": NOW + 300, "preferred_username": "lan", "email": "lan@tinh.gov.vn", "email_verified": true,
    })
}

fn with(name: &str, value: Value) -> Value {
    let mut claims = claims();
    claims[name] = value;
    claims
}

fn without(name: &str) -> Value {
    let mut claims = claims();
    claims.as_object_mut().unwrap().remove(name);
    claims
}

fn set(keys: &[Value]) -> Vec<Jwk> {
    super::keys(json!({"keys": keys}).to_string().as_bytes()).unwrap()
}

fn fault(token: &str, keys: &[Jwk]) -> Option<TokenFault> {
    verify(token, keys, EXPECTED).err()
}

#[test]
fn tokens_of_openssl_are_believed() {
    let (rsa, ec) = (Signer::rsa(2048), Signer::p256());
    let keys = set(&[rsa.named("r"), ec.named("e"), json!({"kty": "OKP", "crv": "Ed25519", "x": "AA"}), json!(7)]);
    for (signer, header) in
        [(&rsa, json!({"alg": "RS256", "kid": "r", "typ": "JWT"})), (&ec, json!({"alg": "ES256", "kid": "e"}))]
    {
        let claims = verify(&signer.token(&header, &claims()), &keys, EXPECTED).unwrap();
        assert_eq!((claims.text("preferred_username"), claims.text("sub")), (Some("lan"), Some("u1")));
        assert!(claims.is_email_verified() && claims.text("groups").is_none());
    }
    // without a name, the only key that fits
    let header = json!({"alg": "RS256"});
    assert_eq!(fault(&rsa.token(&header, &claims()), &keys), None);
    assert_eq!(fault(&rsa.token(&header, &claims()), &set(&[rsa.named("r"), rsa.named("q")])), Some(TokenFault::UnknownKey));
}

#[test]
fn what_a_token_must_say_is_looked_at() {
    let signer = Signer::rsa(2048);
    let keys = set(&[signer.named("r")]);
    use TokenFault::*;
    for (claims, expected) in [
        (with("iss", json!("https://sso.example/")), Some(Issuer)),
        (with("iss", json!("https://evil.example")), Some(Issuer)),
        (with("aud", json!("other")), Some(Audience)),
        (with("aud", json!(["other"])), Some(Audience)),
        (with("aud", json!([])), Some(Audience)),
        (with("aud", json!(["sohoa"])), None),
        (with("aud", json!(["sohoa", "other"])), Some(Audience)),
        (with("azp", json!("other")), Some(Audience)),
        (with("azp", json!("sohoa")), None),
        (with("exp", json!(NOW - 61)), Some(Expired)),
        (with("exp", json!(NOW - 30)), None),
        (with("exp", json!(0)), Some(Expired)),
        (with("iat", json!(NOW - 3600)), Some(Expired)),
        (with("iat", json!(NOW + 61)), Some(NotYet)),
        (with("iat", json!(NOW + 30)), None),
        (with("nbf", json!(NOW + 3600)), Some(NotYet)),
        (with("nonce", json!("n-0S7")), Some(Nonce)),
        (with("nonce", json!("")), Some(Nonce)),
        (without("nonce"), Some(Nonce)),
        (with("sub", json!("")), Some(Malformed("it names nobody"))),
        (without("exp"), Some(Malformed("its claims"))),
        (without("iat"), Some(Malformed("its claims"))),
        (without("iss"), Some(Malformed("its claims"))),
        (without("aud"), Some(Malformed("its claims"))),
        (without("sub"), Some(Malformed("its claims"))),
        (with("exp", json!("never")), Some(Malformed("its claims"))),
    ] {
        assert_eq!(fault(&signer.token(&json!({"alg": "RS256", "kid": "r"}), &claims), &keys), expected, "{claims}");
    }
    let nothing_expected = Expected { nonce: "", ..EXPECTED };
    let token = signer.token(&json!({"alg": "RS256"}), &with("nonce", json!("")));
    assert_eq!(verify(&token, &keys, nothing_expected).err(), Some(Nonce), "two empty ones are no proof");
}

#[test]
fn what_nobody_signed_is_not_believed() {
    let (rsa, other, ec) = (Signer::rsa(2048), Signer::rsa(2048), Signer::p256());
    let keys = set(&[rsa.named("r"), ec.named("e")]);
    let header = |alg: &str, kid: &str| json!({"alg": alg, "kid": kid});
    use TokenFault::*;
    // no signature, under every spelling
    for alg in ["none", "None", "NONE", "", "RS512", "PS256", "EdDSA", "HS256"] {
        assert_eq!(fault(&format!("{}.", signed(&header(alg, "r"), &claims())), &keys), Some(Algorithm), "{alg}");
    }
    assert_eq!(fault(&format!("{}.", signed(&header("RS256", "r"), &claims())), &keys), Some(Signature));
    // the public key as the secret of an HMAC
    let unsigned = signed(&header("HS256", "r"), &claims());
    let mut mac = Hmac::<Sha256>::new_from_slice(&rsa.public_pem()).unwrap();
    mac.update(unsigned.as_bytes());
    assert_eq!(fault(&format!("{unsigned}.{}", encoded(mac.finalize().into_bytes())), &keys), Some(Algorithm));
    // somebody else's key, an unknown name, a name of the other algorithm's key
    assert_eq!(fault(&other.token(&header("RS256", "r"), &claims()), &keys), Some(Signature));
    assert_eq!(fault(&other.token(&header("RS256", "x"), &claims()), &keys), Some(UnknownKey));
    assert_eq!(fault(&rsa.token(&header("RS256", "e"), &claims()), &keys), Some(UnknownKey));
    assert_eq!(fault(&rsa.token(&header("ES256", "e"), &claims()), &keys), Some(Signature));
    // one letter changed after signing
    let good = rsa.token(&header("RS256", "r"), &claims());
    let changed =
        good.replacen(&encoded(claims().to_string()), &encoded(with("preferred_username", json!("mai")).to_string()), 1);
    assert_ne!(good, changed);
    assert_eq!((fault(&good, &keys), fault(&changed, &keys)), (None, Some(Signature)));
    // ECDSA in DER, as it stands in certificates
    let unsigned = signed(&header("ES256", "e"), &claims());
    assert_eq!(fault(&format!("{unsigned}.{}", encoded(ec.sign(unsigned.as_bytes()))), &keys), Some(Signature));
    // keys for something else, and keys that are too short
    for (name, value) in [("use", "enc"), ("alg", "RS512")] {
        let mut jwk = rsa.named("r");
        jwk[name] = value.into();
        assert_eq!(fault(&good, &set(&[jwk])), Some(UnknownKey), "{name}");
    }
    let short = Signer::rsa(1024);
    assert_eq!(fault(&short.token(&header("RS256", "r"), &claims()), &set(&[short.named("r")])), Some(Signature));
    // what the header wants understood
    let critical = json!({"alg": "RS256", "kid": "r", "crit": ["exp"]});
    assert!(matches!(fault(&rsa.token(&critical, &claims()), &keys), Some(Malformed(_))));
    for bad in ["", ".", "..", "a.b", "a.b.c", &format!("{good}.x"), &good[1..], &"x.".repeat(LONGEST), &good.replace('.', " . ")]
    {
        assert!(fault(bad, &keys).is_some(), "{bad:.40}");
    }
    assert!(super::keys(b"{}").is_err() && super::keys(b"[]").is_err());
}

proptest! {
    #[test]
    fn no_text_is_a_token(token in "[A-Za-z0-9_.-]{0,80}") {
        prop_assert!(verify(&token, &[], EXPECTED).is_err());
    }
}
