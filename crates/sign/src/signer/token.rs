//! A key on a PKCS#11 token or in an HSM. One login a session; a wrong PIN is never tried again, since three lock a token.

use super::TokenKey;
use crate::SignError;
use crate::algorithm::{Algorithm, Hash};
use crate::asn1;
use crate::certificate::Certificate;
use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::error::{Error, RvError};
use cryptoki::mechanism::eddsa::{EddsaParams, EddsaSignatureScheme};
use cryptoki::mechanism::rsa::{PkcsMgfType, PkcsPssParams};
use cryptoki::mechanism::{Mechanism, MechanismType};
use cryptoki::object::{Attribute, AttributeType, ObjectClass, ObjectHandle};
use cryptoki::session::UserType;
use cryptoki::slot::{Slot, TokenInfo};
use cryptoki::types::AuthPin;
use std::path::Path;
use std::sync::Mutex;
use zeroize::Zeroizing;

/// A session that is logged in. The library is not to be used from two threads at once.
pub(super) struct Session {
    session: Mutex<cryptoki::session::Session>,
    key: ObjectHandle,
    hashes_itself: bool,
}

/// What a token says of itself to anyone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenFacts {
    /// Its label.
    pub label: String,
    /// Maker and model.
    pub model: String,
    /// Why it must not be logged in to; none when it may.
    pub refusal: Option<&'static str>,
}

/// Looks for a token without logging in, for whoever has a PIN that a person types, or one in a file.
pub fn token_facts(module: &Path, token: &str, typed: bool) -> Result<TokenFacts, SignError> {
    let (_, _, info) = find(module, token)?;
    let model = format!("{} {}", info.manufacturer_id().trim(), info.model().trim());
    Ok(TokenFacts { label: info.label().trim().to_owned(), model, refusal: refusal_of(&info, typed) })
}

/// What a token says of its PIN.
#[derive(Clone, Copy, Default)]
struct PinState {
    locked: bool,
    final_try: bool,
    /// A wrong one was entered since the last good one.
    count_low: bool,
    missing: bool,
}

/// A token that a wrong PIN would lock for good, or that is locked, is left alone; and by whoever has the PIN from a file, one that has met a
/// wrong PIN: it may have been this one.
fn refusal(pin: PinState, typed: bool) -> Option<&'static str> {
    match pin {
        PinState { locked: true, .. } => Some("its PIN is locked: take it to who issued it"),
        PinState { final_try: true, .. } => Some(
            "one try of its PIN is left, and a wrong one would lock it: log in with the maker's own program first, which sets the count back",
        ),
        PinState { missing: true, .. } => Some("it has no PIN yet: set one with the maker's own program"),
        PinState { count_low: true, .. } if !typed => Some(
            "a wrong PIN was entered, and the one in password_file is not tried after that: correct it, then log in with the maker's own program once, which sets the count back",
        ),
        _ => None,
    }
}

fn refusal_of(info: &TokenInfo, typed: bool) -> Option<&'static str> {
    let pin = PinState {
        locked: info.user_pin_locked(),
        final_try: info.user_pin_final_try(),
        count_low: info.user_pin_count_low(),
        missing: !info.user_pin_initialized(),
    };
    refusal(pin, typed)
}

fn find(module: &Path, token: &str) -> Result<(Pkcs11, Slot, TokenInfo), SignError> {
    let failed = |what: &str, e: Error| SignError::Token(format!("{what}: {e}"));
    let library = Pkcs11::new(module).map_err(|e| {
        SignError::Token(format!("the library {} cannot be loaded: {e}; install the maker's driver", module.display()))
    })?;
    match library.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK)) {
        Ok(()) | Err(Error::Pkcs11(RvError::CryptokiAlreadyInitialized, _)) => {}
        Err(e) => return Err(failed("the library does not start", e)),
    }
    let slots = library.get_slots_with_token().map_err(|e| failed("no slots", e))?;
    let mut found = Vec::new();
    for slot in slots {
        let info = library.get_token_info(slot).map_err(|e| failed("a token does not answer", e))?;
        if info.token_initialized() && (token.is_empty() || info.label().trim() == token) {
            found.push((slot, info));
        }
    }
    match found.len() {
        1 => {
            let (slot, info) = found.remove(0);
            Ok((library, slot, info))
        }
        0 => Err(SignError::Token(format!("'{token}' is not plugged in"))),
        n => Err(SignError::Token(format!("{n} tokens are plugged in: name one"))),
    }
}

pub(super) fn open(
    wanted: &TokenKey<'_>,
    pin: &Zeroizing<String>,
) -> Result<(Session, Algorithm, Certificate, Vec<Certificate>), SignError> {
    let failed = |what: &str, e: Error| SignError::Token(format!("{what}: {e}"));
    let (library, slot, info) = find(wanted.module, wanted.token)?;
    if let Some(why) = refusal_of(&info, wanted.typed) {
        return Err(SignError::Token(why.into()));
    }
    let session = library.open_ro_session(slot).map_err(|e| failed("no session", e))?;
    // The one login. `AuthPin` wipes its copy.
    let secret = AuthPin::new(pin.as_str().into());
    let pin = (!info.protected_authentication_path()).then_some(&secret);
    match session.login(UserType::User, pin) {
        // A login is of the program, not of the session (PKCS#11 2.40, section 5.6): another signature's session has made it.
        Ok(()) | Err(Error::Pkcs11(RvError::UserAlreadyLoggedIn, _)) => {}
        Err(Error::Pkcs11(RvError::PinIncorrect, _)) => {
            return Err(SignError::Token(
                "the PIN is wrong. It was tried once and is not tried again: three wrong ones lock the token for good".into(),
            ));
        }
        Err(e) => return Err(failed("the login", e)),
    }
    let (key, certificate, others) = select(&session, wanted.key)?;
    let algorithm = certificate.algorithm()?;
    let mechanisms = library.get_mechanism_list(slot).map_err(|e| failed("its mechanisms", e))?;
    let hashes_itself = mechanisms.contains(&MechanismType::SHA256_RSA_PKCS);
    Ok((Session { session: Mutex::new(session), key, hashes_itself }, algorithm, certificate, others))
}

/// The private key with its certificate, which has the same CKA_ID; and all other certificates.
fn select(session: &cryptoki::session::Session, label: &str) -> Result<(ObjectHandle, Certificate, Vec<Certificate>), SignError> {
    let failed = |what: &str, e: Error| SignError::Token(format!("{what}: {e}"));
    let mut certificates = Vec::new();
    for handle in
        session.find_objects(&[Attribute::Class(ObjectClass::CERTIFICATE)]).map_err(|e| failed("its certificates", e))?
    {
        let told = [AttributeType::Value, AttributeType::Id, AttributeType::Label];
        let (mut value, mut id, mut name) = (Vec::new(), Vec::new(), Vec::new());
        for attribute in session.get_attributes(handle, &told).map_err(|e| failed("a certificate", e))? {
            match attribute {
                Attribute::Value(bytes) => value = bytes,
                Attribute::Id(bytes) => id = bytes,
                Attribute::Label(bytes) => name = bytes,
                _ => {}
            }
        }
        certificates.push((Certificate::from_der(&value)?, id, String::from_utf8_lossy(&name).into_owned()));
    }
    let mut found = Vec::new();
    for handle in session.find_objects(&[Attribute::Class(ObjectClass::PRIVATE_KEY)]).map_err(|e| failed("its keys", e))? {
        let (mut id, mut name) = (Vec::new(), Vec::new());
        for attribute in
            session.get_attributes(handle, &[AttributeType::Id, AttributeType::Label]).map_err(|e| failed("a key", e))?
        {
            match attribute {
                Attribute::Id(bytes) => id = bytes,
                Attribute::Label(bytes) => name = bytes,
                _ => {}
            }
        }
        let Some(at) = certificates.iter().position(|(_, of, _)| *of == id) else { continue };
        if label.is_empty() || String::from_utf8_lossy(&name) == label || certificates[at].2 == label {
            found.push((handle, at));
        }
    }
    match found[..] {
        [(handle, at)] => {
            let (certificate, ..) = certificates.swap_remove(at);
            Ok((handle, certificate, certificates.into_iter().map(|(other, ..)| other).collect()))
        }
        [] => Err(SignError::Token(format!("it has no key '{label}' with a certificate"))),
        _ => Err(SignError::Token(format!("it has {} keys with certificates: name one", found.len()))),
    }
}

impl Session {
    pub(super) fn sign(&self, algorithm: Algorithm, message: &[u8]) -> Result<Vec<u8>, SignError> {
        let failed = |e: Error| SignError::Token(format!("it does not sign: {e}"));
        let session = self.session.lock().map_err(|_| SignError::Token("an earlier signature broke off: start again".into()))?;
        let sign = |mechanism: Mechanism<'_>, data: &[u8]| session.sign(&mechanism, self.key, data).map_err(failed);
        match algorithm {
            Algorithm::RsaPkcs1 if self.hashes_itself => sign(Mechanism::Sha256RsaPkcs, message),
            // DigestInfo (RFC 8017 9.2)
            Algorithm::RsaPkcs1 => {
                let digest = asn1::octets(&Hash::Sha256.digest(&[message]));
                sign(Mechanism::RsaPkcs, &asn1::sequence(&[&asn1::algorithm(Hash::Sha256.oid(), true), &digest]))
            }
            Algorithm::RsaPss => {
                let parameters =
                    PkcsPssParams { hash_alg: MechanismType::SHA256, mgf: PkcsMgfType::MGF1_SHA256, s_len: 32.into() };
                sign(Mechanism::RsaPkcsPss(parameters), &Hash::Sha256.digest(&[message]))
            }
            Algorithm::EcdsaP256 | Algorithm::EcdsaP384 => {
                let digest = algorithm.hash().digest(&[message]);
                let raw = sign(Mechanism::Ecdsa, &digest)?;
                // r and s in a row become a SEQUENCE of two INTEGERs (RFC 5753 7.2).
                let (r, s) = raw.split_at(raw.len() / 2);
                Ok(asn1::sequence(&[&asn1::integer(r), &asn1::integer(s)]))
            }
            Algorithm::Ed25519 => sign(Mechanism::Eddsa(EddsaParams::new(EddsaSignatureScheme::Ed25519)), message),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{PinState, refusal};

    #[test]
    fn a_token_with_one_try_left_is_left_alone_and_by_a_file_one_that_met_a_wrong_pin() {
        let good = PinState::default();
        for typed in [true, false] {
            assert_eq!(refusal(good, typed), None);
            assert!(refusal(PinState { final_try: true, count_low: true, ..good }, typed).unwrap().contains("one try"));
            assert!(refusal(PinState { locked: true, final_try: true, ..good }, typed).unwrap().contains("locked"));
            assert!(refusal(PinState { missing: true, ..good }, typed).unwrap().contains("no PIN"));
        }
        assert_eq!(refusal(PinState { count_low: true, ..good }, true), None);
        assert!(refusal(PinState { count_low: true, ..good }, false).unwrap().contains("not tried after that"));
    }
}
