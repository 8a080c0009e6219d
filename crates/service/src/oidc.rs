//! Signing in by way of an OpenID provider (OpenID Connect Core 1.0, authorization code flow with PKCE): the provider says who somebody is. It
//! does *not* decide whether they come in or what they may do: the people's file does ([`crate::door`]).
//!
//! Nothing is remembered of a sign-in that was begun. State, nonce and verifier are made from a number in a cookie of that browser and a key
//! of this process: what comes back in another browser, later than ten minutes or after a restart belongs to no sign-in.

mod id_token;
mod provider;

use crate::config::{self, Config};
use crate::keyring::{self, KeyringError};
use crate::people;
use crate::sessions::cookie::Cookie;
use axum::http::Uri;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use id_token::{Claims, Expected, TokenFault};
use provider::Provider;
use sha2::{Digest as _, Sha256};
use std::path::PathBuf;
use std::sync::Arc;
use subtle::ConstantTimeEq as _;
use tokio::sync::Semaphore;
use zeroize::Zeroizing;

/// Where a provider sends browsers back to: the path of `[access.oidc] redirect_uri`.
pub const CALLBACK: &str = "/sign-in/oidc/callback";
/// Who takes longer at the provider begins anew.
pub const BEGUN_SECONDS: u64 = 600;
/// Providers are asked for so many people at once; who comes then is told to wait.
const ASKED_AT_ONCE: usize = 8;
/// Longer codes are none.
const LONGEST_CODE: usize = 4096;

/// Why nobody is known by what a provider said.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)]
pub enum OidcError {
    #[error("[access.oidc] client_secret_file: {0}")]
    Secret(KeyringError),
    #[error(
        "[access.oidc] ca_file {0}: {1}; name a PEM file with the CAs of the provider, or install the Debian package ca-certificates"
    )]
    CaFile(PathBuf, String),
    #[error("random numbers: {0}")]
    Random(#[from] KeyringError),
    /// The provider does not answer.
    #[error("the sign-in provider does not answer: {0}")]
    Away(String),
    /// It answers what it must not, or refuses us.
    #[error("the sign-in provider: {0}")]
    Answer(String),
    #[error("the sign-in provider's ID token: {0}")]
    Token(#[from] TokenFault),
    /// The provider, or the person there, said no.
    #[error("the sign-in provider did not let somebody in")]
    Denied,
    /// It was not begun in this browser, or too long ago.
    #[error("a sign-in came back that was not begun in that browser, or too long ago")]
    NotBegun,
    #[error("too many people sign in at this moment")]
    Busy,
}

/// A provider that people may sign in with.
pub struct Oidc {
    settings: config::Oidc,
    provider: Provider,
    cookie: Cookie,
    key: Zeroizing<[u8; 32]>,
    asking: Semaphore,
}

/// A sign-in that begins.
pub struct Begun {
    /// Where the browser goes.
    pub location: String,
    /// The value of `Set-Cookie`. A secret.
    pub set_cookie: String,
}

/// What a browser brings back from the provider. The code is a secret.
#[derive(Default)]
#[allow(missing_docs)]
pub struct Returned {
    pub code: String,
    pub state: String,
    pub error: String,
    /// RFC 9207; none where the provider does not say.
    pub issuer: Option<String>,
}

impl Oidc {
    /// The provider of the configuration, which is not asked yet; none when none is named.
    pub fn open(config: &Config) -> Result<Option<Oidc>, OidcError> {
        let settings = config.access.oidc.clone();
        if settings.issuer.is_empty() {
            return Ok(None);
        }
        let secret = match settings.client_secret_file.as_os_str().is_empty() {
            true => None,
            false => Some(keyring::password(Some(&config.path(&settings.client_secret_file))).map_err(OidcError::Secret)?),
        };
        Ok(Some(Oidc {
            provider: Provider::new(config, secret)?,
            settings,
            cookie: config.access.cookie(config.serve.tls().is_some()),
            key: keyring::random()?,
            asking: Semaphore::new(ASKED_AT_ONCE),
        }))
    }

    /// Begins: where the browser goes, and what it keeps meanwhile. `now`: seconds since 1970.
    pub async fn begin(self: &Arc<Self>, now: u64) -> Result<Begun, OidcError> {
        let metadata = self.ask(|oidc| oidc.provider.metadata()).await?;
        let mut number = keyring::random::<32>()?;
        number[..8].copy_from_slice(&now.to_be_bytes());
        let id = Zeroizing::new(URL_SAFE_NO_PAD.encode(*number));
        let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(self.derived("verifier", &id).as_bytes()));
        let query = [
            ("response_type", "code"),
            ("client_id", &self.settings.client_id),
            ("redirect_uri", &self.settings.redirect_uri),
            ("scope", "openid profile email"),
            ("state", &self.derived("state", &id)),
            ("nonce", &self.derived("nonce", &id)),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
        ];
        let query: Vec<String> = query.iter().map(|(name, value)| format!("{name}={}", encoded(value))).collect();
        let place = &metadata.authorization_endpoint;
        let joint = if place.contains('?') { '&' } else { '?' };
        Ok(Begun { location: format!("{place}{joint}{}", query.join("&")), set_cookie: self.cookie.give_begun(&id) })
    }

    /// The value of `Set-Cookie` that takes away what [`Oidc::begin`] gave.
    pub fn take_away(&self) -> String {
        self.cookie.take_begun_away()
    }

    /// Whose login that is, of all that a browser brings back; empty when the provider knows them under none that may be ours. The people's
    /// file has not been asked.
    pub async fn finish(
        self: &Arc<Self>,
        cookie_header: Option<&str>,
        returned: Returned,
        now: u64,
    ) -> Result<String, OidcError> {
        let id = cookie_header.and_then(|header| self.cookie.read_begun(header)).ok_or(OidcError::NotBegun)?.to_owned();
        let is_state = bool::from(self.derived("state", &id).as_bytes().ct_eq(returned.state.as_bytes()));
        let begun = URL_SAFE_NO_PAD.decode(&id).ok().and_then(|number| Some(u64::from_be_bytes(*number.first_chunk()?)));
        if !is_state || !begun.is_some_and(|begun| begun <= now && now - begun <= BEGUN_SECONDS) {
            return Err(OidcError::NotBegun);
        }
        if returned.issuer.is_some_and(|issuer| issuer != self.settings.issuer) {
            return Err(OidcError::Answer("another provider answered (RFC 9207)".into()));
        }
        if !returned.error.is_empty() {
            return Err(OidcError::Denied);
        }
        if returned.code.is_empty() || returned.code.len() > LONGEST_CODE {
            return Err(OidcError::Answer("it sent no code".into()));
        }
        self.ask(move |oidc| oidc.redeem(&returned.code, &id, now)).await
    }

    fn redeem(&self, code: &str, id: &str, now: u64) -> Result<String, OidcError> {
        let token = self.provider.redeem(code, &self.derived("verifier", id))?;
        let nonce = self.derived("nonce", id);
        let expected = Expected { issuer: &self.settings.issuer, client_id: &self.settings.client_id, nonce: &nonce, now };
        let claims = match id_token::verify(&token, &self.provider.keys(false)?, expected) {
            // It may have a new key since we asked.
            Err(TokenFault::UnknownKey) => id_token::verify(&token, &self.provider.keys(true)?, expected),
            verified => verified,
        }?;
        Ok(login(&self.settings, &claims).unwrap_or_else(|| {
            tracing::warn!("an ID token has no login in its claim [access.oidc] claim = {:?}", self.settings.claim);
            String::new()
        }))
    }

    /// On a thread that may wait for the network.
    async fn ask<T: Send + 'static>(
        self: &Arc<Self>,
        question: impl FnOnce(&Oidc) -> Result<T, OidcError> + Send + 'static,
    ) -> Result<T, OidcError> {
        let _place = self.asking.try_acquire().map_err(|_| OidcError::Busy)?;
        let oidc = Arc::clone(self);
        let answered = tokio::task::spawn_blocking(move || question(&oidc)).await;
        answered.unwrap_or_else(|error| Err(OidcError::Away(error.to_string())))
    }

    /// A number that only this process can make of a cookie's: 43 letters of base64url.
    fn derived(&self, purpose: &str, id: &str) -> Zeroizing<String> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&*self.key).expect("HMAC takes keys of any length");
        mac.update(purpose.as_bytes());
        mac.update(&[0]);
        mac.update(id.as_bytes());
        Zeroizing::new(URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes()))
    }
}

/// The login that a token names; with a domain only of addresses in it, and of e-mail addresses only those that were looked at.
fn login(settings: &config::Oidc, claims: &Claims) -> Option<String> {
    let value = claims.text(&settings.claim)?;
    if settings.claim == "email" && !claims.is_email_verified() {
        return None;
    }
    let login = match settings.domain.is_empty() {
        true => value,
        false => value.rsplit_once('@').filter(|(_, domain)| domain.eq_ignore_ascii_case(&settings.domain))?.0,
    };
    // Whoever could have an account " lan" there is not Lan.
    Some(people::typed(login)).filter(|typed| typed.eq_ignore_ascii_case(login))
}

/// True of an address that nobody on the way can read or change: over TLS, or on this machine.
pub fn is_safe(address: &str) -> bool {
    let Ok(uri) = address.parse::<Uri>() else { return false };
    let is_here = matches!(uri.host(), Some("127.0.0.1" | "[::1]" | "localhost"));
    let has_user = uri.authority().is_some_and(|authority| authority.as_str().contains('@'));
    !has_user && uri.host().is_some() && (uri.scheme_str() == Some("https") || uri.scheme_str() == Some("http") && is_here)
}

/// As a value of a form or query.
fn encoded(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

impl OidcError {
    /// For the person, in Vietnamese: what is the matter and what to do.
    pub fn vi(&self) -> &'static str {
        match self {
            OidcError::Away(_) => {
                "Hiện không kết nối được với hệ thống tài khoản của cơ quan: thử lại sau ít phút, hoặc đăng nhập bằng mật khẩu"
            }
            OidcError::Denied => "Hệ thống tài khoản của cơ quan không xác nhận: thử lại, hoặc đăng nhập bằng mật khẩu",
            OidcError::NotBegun => "Lần đăng nhập này đã quá hạn hoặc không bắt đầu từ trình duyệt này: thử lại",
            OidcError::Busy => "Đang có nhiều người cùng đăng nhập: thử lại sau vài giây",
            OidcError::Secret(_) | OidcError::CaFile(..) | OidcError::Random(_) | OidcError::Answer(_) | OidcError::Token(_) => {
                "Hệ thống tài khoản của cơ quan trả lời không hợp lệ: báo cho quản trị viên, hoặc đăng nhập bằng mật khẩu"
            }
        }
    }

    /// The same in English.
    pub fn en(&self) -> &'static str {
        match self {
            OidcError::Away(_) => {
                "Your organization's sign-in cannot be reached: try again in a few minutes, or sign in with your password"
            }
            OidcError::Denied => "Your organization's sign-in did not confirm you: try again, or sign in with your password",
            OidcError::NotBegun => "This sign-in has expired or was not begun in this browser: try again",
            OidcError::Busy => "Many people are signing in: try again in a few seconds",
            OidcError::Secret(_) | OidcError::CaFile(..) | OidcError::Random(_) | OidcError::Answer(_) | OidcError::Token(_) => {
                "Your organization's sign-in gave an answer that is not valid: tell the administrator, or sign in with your password"
            }
        }
    }
}

#[cfg(test)]
mod tests;
