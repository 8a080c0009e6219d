//! From `[sign]` to signers that are open: files read, passwords asked for, tokens logged in to once, certificates checked. What is wrong
//! is found here, before the first document.

use super::network::Network;
use super::{Planned, Profile, Shared, Signing, SigningError};
use crate::config::{self, Config, SignerKind};
use sohoa_record::Sha256Hex;
use sohoa_sign::SignError;
use sohoa_sign::algorithm::Algorithm;
use sohoa_sign::appearance::{Font, SealImage};
use sohoa_sign::certificate::Certificate;
use sohoa_sign::pades::{self, Level};
use sohoa_sign::signer::{Signer, TokenKey, token_facts};
use std::io::IsTerminal as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use zeroize::Zeroizing;

/// Opens what `[sign]` names; none when no signature is asked for.
pub fn open(config: &Config) -> Result<Option<Signing>, SigningError> {
    let Some(mut shared) = without_signers(config)? else { return Ok(None) };
    for signature in &config.sign.signature {
        let profile = profile(config, signature)?;
        let signer = match signature.signer {
            SignerKind::External => None,
            _ => Some(signer(config, signature)?),
        };
        profile.look(&crate::time::now(), &shared.font).map_err(|source| of(signature, source))?;
        shared.planned.push(Planned { profile, signer });
    }
    let signing = Signing { shared: Arc::new(shared) };
    for (planned, signature) in signing.shared.planned.iter().zip(&config.sign.signature) {
        if let Some(signer) = &planned.signer {
            let must_know = signing.shared.level >= Level::LongTerm;
            match signing
                .with_authority(|authority| pades::check_signer(signer.certificate(), signer.others(), authority, must_know))
            {
                // The network may come back: the documents wait for it, the batch does not.
                Ok(_) | Err(SignError::Revocation(_)) => {}
                Err(source) => return Err(of(signature, source)),
            }
        }
    }
    Ok(Some(signing))
}

fn of(signature: &config::Signature, source: SignError) -> SigningError {
    SigningError::Signature { profile: signature.profile.clone(), source }
}

fn without_signers(config: &Config) -> Result<Option<Shared>, SigningError> {
    let sign = &config.sign;
    if sign.signature.is_empty() {
        return Ok(None);
    }
    let bytes = read("font", &config.path(&sign.font))?;
    let font = Font::new(bytes).map_err(|e| file("font", &sign.font, e))?;
    let network = Network::new(Duration::from_secs(sign.network_seconds));
    Ok(Some(Shared {
        level: config.signature_level(),
        planned: Vec::new(),
        roots: roots(config)?,
        services: sign.tsa.clone(),
        network,
        font,
        turn: std::sync::Mutex::default(),
    }))
}

/// The certificates of a PEM file, or of every `.pem`, `.crt` and `.cer` in a folder.
fn roots(config: &Config) -> Result<Vec<Certificate>, SigningError> {
    let path = config.path(&config.sign.roots);
    let mut files = vec![path.clone()];
    if path.is_dir() {
        let entries = std::fs::read_dir(&path).map_err(|e| file("roots", &path, e))?;
        files = entries.filter_map(|entry| entry.ok().map(|entry| entry.path())).collect();
        files.retain(|file| file.extension().is_some_and(|end| end == "pem" || end == "crt" || end == "cer"));
        files.sort();
    }
    let mut roots = Vec::new();
    for path in files {
        let bytes = read("roots", &path)?;
        let found = match std::str::from_utf8(&bytes) {
            Ok(pem) => Certificate::all_from_pem(pem),
            Err(_) => Certificate::from_der(&bytes).map(|one| vec![one]),
        };
        roots.extend(found.map_err(|e| file("roots", &path, e))?);
    }
    match roots.is_empty() {
        true => Err(file("roots", &path, "it has no certificate; put those of the CAs there that you believe, as PEM")),
        false => Ok(roots),
    }
}

fn profile(config: &Config, signature: &config::Signature) -> Result<Profile, SigningError> {
    let name = signature.name.clone();
    Ok(match signature.profile.as_str() {
        "tt01-2023" => Profile::Tt01 { person: name },
        "tt02-2019" => {
            let path = config.path(&signature.seal_image);
            let seal = SealImage::from_png(&read("seal_image", &path)?).map_err(|source| of(signature, source))?;
            Profile::Tt02 { organisation: name, seal }
        }
        // What else there is was ruled out when the configuration was read.
        _ => Profile::Nd30 { form: signature.form.clone(), organisation: name },
    })
}

fn signer(config: &Config, signature: &config::Signature) -> Result<Signer, SigningError> {
    let password = password(config, signature)?;
    let opened = match signature.signer {
        SignerKind::Pkcs11 => {
            let module = config.path(&signature.module);
            let typed = signature.password_file.as_os_str().is_empty();
            Signer::token(&TokenKey { module: &module, token: &signature.token, key: &signature.key, typed }, &password)
        }
        _ => {
            let path = config.path(&signature.file);
            crate::keyring::refuse_open(&path).map_err(|e| file("file", &path, e))?;
            Signer::pkcs12(&read("file", &path)?, &password)
        }
    };
    let mut signer = opened.map_err(|source| of(signature, source))?;
    match (signature.algorithm.as_str(), signer.algorithm()) {
        ("rsa-pss", Algorithm::RsaPkcs1) => signer.prefer_pss(),
        ("ed25519", Algorithm::Ed25519) | ("", Algorithm::RsaPkcs1 | Algorithm::EcdsaP256 | Algorithm::EcdsaP384) => {}
        (_, Algorithm::Ed25519) => {
            let why =
                "Ed25519, which common PDF readers do not verify; if you want it all the same, write algorithm = \"ed25519\"";
            return Err(of(signature, SignError::Algorithm(why.into())));
        }
        (asked, has) => return Err(of(signature, SignError::Algorithm(format!("'{asked}', while its key signs by {has:?}")))),
    }
    Ok(signer)
}

/// From the file, else from the terminal; never from an argument or the environment, which others can see.
fn password(config: &Config, signature: &config::Signature) -> Result<Zeroizing<String>, SigningError> {
    let missing = |why: String| SigningError::Password { profile: signature.profile.clone(), why };
    if !signature.password_file.as_os_str().is_empty() {
        let path = config.path(&signature.password_file);
        return crate::keyring::password(Some(&path)).map_err(|e| missing(e.to_string()));
    }
    if !std::io::stdin().is_terminal() {
        return Err(missing("its password or PIN is asked for at a terminal, and there is none; name a password_file".into()));
    }
    let asked = format!("Password or PIN of the signature {}: ", signature.profile);
    rpassword::prompt_password(asked).map(Zeroizing::new).map_err(|e| missing(e.to_string()))
}

fn read(key: &'static str, path: &Path) -> Result<Vec<u8>, SigningError> {
    std::fs::read(path).map_err(|e| file(key, path, e))
}

fn file(key: &'static str, path: &Path, why: impl ToString) -> SigningError {
    SigningError::File { key, file: path.display().to_string(), why: why.to_string() }
}

/// What `sohoa doctor` can say of a signature without asking for a password.
pub struct Fact {
    /// The profile.
    pub profile: String,
    /// What there is, or why it does not work.
    pub outcome: Result<String, SigningError>,
    /// SHA-256 of the certificate, when it could be looked at.
    pub certificate: Option<Sha256Hex>,
    /// The certificate ends soon.
    pub ends_soon: bool,
}

/// Looks at every configured signature; opens only what needs no question.
pub fn facts(config: &Config) -> Result<Vec<Fact>, SigningError> {
    let Some(shared) = without_signers(config)? else { return Ok(Vec::new()) };
    let signing = Signing { shared: Arc::new(shared) };
    Ok(config.sign.signature.iter().map(|signature| fact(config, &signing, signature)).collect())
}

fn fact(config: &Config, signing: &Signing, signature: &config::Signature) -> Fact {
    let (mut ends_soon, mut fingerprint) = (false, None);
    let mut look = || -> Result<String, SigningError> {
        profile(config, signature)?;
        let has_file = !signature.password_file.as_os_str().is_empty();
        match signature.signer {
            SignerKind::External => Ok("signed on another computer: sohoa sign prepare, sohoa sign complete".into()),
            // A PIN is not spent on a look.
            SignerKind::Pkcs11 => {
                let facts = token_facts(&config.path(&signature.module), &signature.token, !has_file)
                    .map_err(|source| of(signature, source))?;
                match facts.refusal {
                    Some(why) => Err(of(signature, SignError::Token(why.into()))),
                    None => Ok(format!("token {} is there ({})", facts.label, facts.model)),
                }
            }
            SignerKind::Pkcs12 if !has_file => {
                read("file", &config.path(&signature.file))?;
                Ok(format!("{} is there; its password is asked for when it signs", signature.file.display()))
            }
            SignerKind::Pkcs12 => {
                let signer = signer(config, signature)?;
                let certificate = signer.certificate();
                fingerprint = Some(Sha256Hex::of(certificate.der()));
                signing
                    .with_authority(|authority| pades::check_signer(certificate, signer.others(), authority, false))
                    .map_err(|source| of(signature, source))?;
                let until = certificate.validity().1;
                ends_soon = until < jiff::Timestamp::now() + jiff::SignedDuration::from_hours(30 * 24);
                let day = until.to_zoned(crate::time::zone()).strftime("%d/%m/%Y");
                Ok(format!("{}, certificate valid until {day}", certificate.name()))
            }
        }
    };
    let outcome = look();
    Fact { profile: signature.profile.clone(), outcome, certificate: fingerprint, ends_soon }
}
