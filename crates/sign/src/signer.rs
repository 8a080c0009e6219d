//! What holds the key: a PKCS#12 file or a PKCS#11 token. A third kind, a key on another computer, never comes here: see
//! [`crate::pades::prepare`].

mod pkcs12;
mod token;

use crate::SignError;
use crate::algorithm::Algorithm;
use crate::certificate::Certificate;
use zeroize::Zeroizing;

pub use token::{TokenFacts, token_facts};

/// A key that is open, its certificate, and how it signs.
pub struct Signer {
    key: Key,
    algorithm: Algorithm,
    certificate: Certificate,
    others: Vec<Certificate>,
}

enum Key {
    File(pkcs12::SoftKey),
    Token(token::Session),
}

/// Which key of a token.
#[derive(Clone, Debug)]
pub struct TokenKey<'a> {
    /// The vendor's PKCS#11 library.
    pub module: &'a std::path::Path,
    /// The token's label; empty takes the only one.
    pub token: &'a str,
    /// The key's or certificate's label; empty takes the only key that has a certificate.
    pub key: &'a str,
    /// A person has just typed the PIN. One from a file is not tried once the token says that a wrong one was entered.
    pub typed: bool,
}

impl Signer {
    /// Opens a PKCS#12 file's bytes. Its one private key signs.
    pub fn pkcs12(file: &[u8], password: &str) -> Result<Signer, SignError> {
        let (key, algorithm, certificate, others) = pkcs12::open(file, password)?;
        Ok(Signer { key: Key::File(key), algorithm, certificate, others })
    }

    /// Logs in to a token, once. The PIN is never tried a second time, and not at all when the token says that one try is left: three
    /// wrong ones lock it for good. A PIN that nobody has just typed is not tried either after a wrong one, so a service that is started again
    /// and again spends one try and no more.
    pub fn token(wanted: &TokenKey<'_>, pin: &Zeroizing<String>) -> Result<Signer, SignError> {
        let (session, algorithm, certificate, others) = token::open(wanted, pin)?;
        Ok(Signer { key: Key::Token(session), algorithm, certificate, others })
    }

    /// Signs with RSASSA-PSS where the key is an RSA key.
    pub fn prefer_pss(&mut self) {
        if self.algorithm == Algorithm::RsaPkcs1 {
            self.algorithm = Algorithm::RsaPss;
        }
    }

    /// Whose key it is.
    pub fn certificate(&self) -> &Certificate {
        &self.certificate
    }

    /// Certificates that came with it: they may lead to a root.
    pub fn others(&self) -> &[Certificate] {
        &self.others
    }

    /// How it signs.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The signature over a message, in the form that CMS wants it.
    pub fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        match &self.key {
            Key::File(key) => key.sign(self.algorithm, message),
            Key::Token(session) => session.sign(self.algorithm, message),
        }
    }
}
