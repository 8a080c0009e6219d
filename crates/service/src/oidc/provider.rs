//! The way to a provider: what it says of itself (OpenID Connect Discovery 1.0), its keys, and the exchange of a code for an ID token (RFC 6749,
//! 4.1.3). Short of time and size, no redirects; over TLS, but to a provider on this machine. Everything here blocks.

use super::id_token::{self, Jwk};
use super::{OidcError, is_safe};
use crate::config;
use crate::http::tls;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use ureq::Agent;
use ureq::http::Response;
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, parse_pem};
use zeroize::Zeroizing;

/// A person waits before the screen.
const ANSWER_TIME: Duration = Duration::from_secs(10);
const MOST_BYTES: u64 = 256 * 1024;
/// What a provider says of itself is asked for again after this; a key that it took back is believed no longer.
const KEPT: Duration = Duration::from_secs(3600);
/// The CAs of the system, as Debian keeps them.
const SYSTEM_CAS: &str = "/etc/ssl/certs/ca-certificates.crt";

pub struct Provider {
    agent: Agent,
    settings: config::Oidc,
    secret: Option<Zeroizing<String>>,
    metadata: Kept<Metadata>,
    keys: Kept<Vec<Jwk>>,
}

type Kept<T> = Mutex<Option<(Instant, Arc<T>)>>;

/// What a provider says of itself.
#[derive(Deserialize)]
pub struct Metadata {
    issuer: String,
    /// Where people sign in.
    pub authorization_endpoint: String,
    token_endpoint: String,
    jwks_uri: String,
    token_endpoint_auth_methods_supported: Option<Vec<String>>,
}

impl Provider {
    /// A provider, which is not asked yet.
    pub fn new(config: &config::Config, secret: Option<Zeroizing<String>>) -> Result<Provider, OidcError> {
        let settings = config.access.oidc.clone();
        let file = match settings.ca_file.as_os_str().is_empty() {
            true => SYSTEM_CAS.into(),
            false => config.path(&settings.ca_file),
        };
        let pem = std::fs::read(&file).map_err(|e| OidcError::CaFile(file.clone(), e.to_string()))?;
        let roots: Vec<Certificate<'static>> = parse_pem(&pem)
            .filter_map(|item| item.ok().and_then(|item| if let PemItem::Certificate(root) = item { Some(root) } else { None }))
            .collect();
        if roots.is_empty() {
            return Err(OidcError::CaFile(file, "there is no certificate in it".into()));
        }
        let tls = TlsConfig::builder().unversioned_rustls_crypto_provider(tls::provider()).root_certs(RootCerts::from(roots));
        let agent = Agent::config_builder()
            .timeout_global(Some(ANSWER_TIME))
            .max_redirects(0)
            .http_status_as_error(false)
            .proxy(None)
            .user_agent(crate::sealing::SOFTWARE)
            .tls_config(tls.build());
        let (metadata, keys) = Default::default();
        Ok(Provider { agent: agent.build().new_agent(), settings, secret, metadata, keys })
    }

    /// What it says of itself.
    pub fn metadata(&self) -> Result<Arc<Metadata>, OidcError> {
        kept(&self.metadata, false, || {
            let url = format!("{}/.well-known/openid-configuration", self.settings.issuer.trim_end_matches('/'));
            let metadata: Metadata = read(self.agent.get(&url).call(), "its configuration")?;
            // Discovery, 4.3: who answers must be who was asked.
            if metadata.issuer != self.settings.issuer {
                return Err(OidcError::Answer("its configuration names another issuer than [access.oidc] issuer".into()));
            }
            let places = [&metadata.authorization_endpoint, &metadata.token_endpoint, &metadata.jwks_uri];
            // One that is asked over TLS leads nowhere else, to a place on this machine neither.
            let is_over_tls = self.settings.issuer.starts_with("https://");
            let is_open = |place: &str| !is_safe(place) || is_over_tls && !place.starts_with("https://");
            if let Some(open) = places.into_iter().find(|place| is_open(place)) {
                return Err(OidcError::Answer(format!("its configuration names {open}, which is not reached over TLS")));
            }
            Ok(metadata)
        })
    }

    /// Its keys; `anew`: asked for now.
    pub fn keys(&self, anew: bool) -> Result<Arc<Vec<Jwk>>, OidcError> {
        kept(&self.keys, anew, || {
            let set: serde_json::Value = read(self.agent.get(&self.metadata()?.jwks_uri).call(), "its keys")?;
            id_token::keys(set.to_string().as_bytes()).map_err(|_| OidcError::Answer("its keys are no JWK set".into()))
        })
    }

    /// Exchanges a code for an ID token. The code was made for whoever has the `verifier` (RFC 7636).
    pub fn redeem(&self, code: &str, verifier: &str) -> Result<Zeroizing<String>, OidcError> {
        #[derive(Deserialize)]
        struct Answer {
            id_token: String,
        }
        let metadata = self.metadata()?;
        let mut form = vec![
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", &self.settings.redirect_uri),
            ("code_verifier", verifier),
        ];
        let mut request = self.agent.post(&metadata.token_endpoint).header("Accept", "application/json");
        match &self.secret {
            None => form.push(("client_id", &self.settings.client_id)),
            Some(secret) if metadata.takes_basic() => {
                // RFC 6749, 2.3.1: both are form-encoded before they are joined.
                let pair = Zeroizing::new(format!("{}:{}", super::encoded(&self.settings.client_id), super::encoded(secret)));
                request = request.header("Authorization", format!("Basic {}", STANDARD.encode(pair.as_bytes())));
            }
            Some(secret) => form.extend([("client_id", self.settings.client_id.as_str()), ("client_secret", secret.as_str())]),
        }
        let answer: Answer = read(request.send_form(form), "its answer to a code")?;
        Ok(Zeroizing::new(answer.id_token))
    }
}

impl Metadata {
    /// What is not said is basic (Discovery, 3).
    fn takes_basic(&self) -> bool {
        let methods = self.token_endpoint_auth_methods_supported.as_ref();
        methods.is_none_or(|methods| {
            methods.iter().any(|method| method == "client_secret_basic")
                || !methods.iter().any(|method| method == "client_secret_post")
        })
    }
}

/// What is kept, when it is young enough; else what is asked for. Nobody waits for the question of somebody else.
fn kept<T>(place: &Kept<T>, anew: bool, ask: impl FnOnce() -> Result<T, OidcError>) -> Result<Arc<T>, OidcError> {
    if let Some((at, known)) = &*place.lock().unwrap_or_else(PoisonError::into_inner)
        && !anew
        && at.elapsed() < KEPT
    {
        return Ok(Arc::clone(known));
    }
    let fresh = Arc::new(ask()?);
    *place.lock().unwrap_or_else(PoisonError::into_inner) = Some((Instant::now(), Arc::clone(&fresh)));
    Ok(fresh)
}

/// An answer in JSON. What an error's body says is not told on: it may have the code in it.
fn read<T: serde::de::DeserializeOwned>(answer: Result<Response<ureq::Body>, ureq::Error>, what: &str) -> Result<T, OidcError> {
    let mut answer = answer.map_err(|error| OidcError::Away(error.to_string()))?;
    match answer.status().as_u16() {
        200 => {}
        500.. => return Err(OidcError::Away(format!("{what}: status {}", answer.status()))),
        _ => return Err(OidcError::Answer(format!("{what}: status {}", answer.status()))),
    }
    let bytes = answer.body_mut().with_config().limit(MOST_BYTES).read_to_vec();
    let bytes = Zeroizing::new(bytes.map_err(|error| OidcError::Away(error.to_string()))?);
    serde_json::from_slice(&bytes).map_err(|error| OidcError::Answer(format!("{what} cannot be read, column {}", error.column())))
}
