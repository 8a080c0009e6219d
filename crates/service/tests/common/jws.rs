//! Signed tokens (JWS) made by openssl: none of their bytes come from the code that judges them.
#![allow(dead_code, clippy::unwrap_used)]

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// A key that signs tokens.
pub struct Signer {
    _dir: tempfile::TempDir,
    key: PathBuf,
    /// Its public half as a JWK, without `kid`.
    pub jwk: Value,
    is_rsa: bool,
}

pub fn encoded(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn openssl(args: &[&str], input: &[u8]) -> Vec<u8> {
    let mut child = Command::new("openssl")
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("openssl is not installed; ./bootstrap test does it");
    child.stdin.take().unwrap().write_all(input).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "openssl {args:?}");
    output.stdout
}

impl Signer {
    pub fn rsa(bits: u32) -> Signer {
        let dir = tempfile::tempdir().unwrap();
        let key = dir.path().join("key.pem");
        let file = key.to_str().unwrap();
        openssl(&["genrsa", "-out", file, &bits.to_string()], b"");
        let modulus = String::from_utf8(openssl(&["rsa", "-in", file, "-noout", "-modulus"], b"")).unwrap();
        let modulus = hex::decode(modulus.trim().strip_prefix("Modulus=").unwrap()).unwrap();
        let jwk = json!({"kty": "RSA", "n": encoded(modulus), "e": "AQAB"});
        Signer { _dir: dir, key, jwk, is_rsa: true }
    }

    pub fn p256() -> Signer {
        let dir = tempfile::tempdir().unwrap();
        let key = dir.path().join("key.pem");
        let file = key.to_str().unwrap();
        openssl(&["ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", file], b"");
        let public = openssl(&["ec", "-in", file, "-pubout", "-outform", "DER"], b"");
        let (x, y) = public[public.len() - 64..].split_at(32);
        let jwk = json!({"kty": "EC", "crv": "P-256", "x": encoded(x), "y": encoded(y)});
        Signer { _dir: dir, key, jwk, is_rsa: false }
    }

    /// Its public half, with a name.
    pub fn named(&self, kid: &str) -> Value {
        let mut jwk = self.jwk.clone();
        jwk["kid"] = kid.into();
        jwk
    }

    /// Its public half in PEM.
    pub fn public_pem(&self) -> Vec<u8> {
        openssl(&["pkey", "-in", self.key.to_str().unwrap(), "-pubout"], b"")
    }

    /// A signature as openssl makes it.
    pub fn sign(&self, bytes: &[u8]) -> Vec<u8> {
        openssl(&["dgst", "-sha256", "-sign", self.key.to_str().unwrap()], bytes)
    }

    pub fn token(&self, header: &Value, claims: &Value) -> String {
        let signed = signed(header, claims);
        let signature = self.sign(signed.as_bytes());
        let signature = if self.is_rsa { signature } else { side_by_side(&signature) };
        format!("{signed}.{}", encoded(signature))
    }
}

/// What is signed of a token.
pub fn signed(header: &Value, claims: &Value) -> String {
    format!("{}.{}", encoded(header.to_string()), encoded(claims.to_string()))
}

/// r and s of an ECDSA signature in DER, 32 bytes each: SEQUENCE { INTEGER, INTEGER } in short form.
fn side_by_side(der: &[u8]) -> Vec<u8> {
    let first = usize::from(der[3]);
    let (r, s) = (&der[4..4 + first], &der[6 + first..]);
    let padded = |number: &[u8]| {
        let number = number.strip_prefix(&[0]).unwrap_or(number);
        [vec![0; 32 - number.len()], number.to_vec()].concat()
    };
    [padded(r), padded(s)].concat()
}
