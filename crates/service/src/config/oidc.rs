//! `[access.oidc]`: an OpenID provider with which people may sign in.

use crate::oidc::{CALLBACK, is_safe};
use serde::Deserialize;
use std::path::PathBuf;

/// The provider, and what of its tokens is a login.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[allow(missing_docs)]
pub struct Oidc {
    pub issuer: String,
    pub client_id: String,
    pub client_secret_file: PathBuf,
    pub redirect_uri: String,
    pub claim: String,
    pub domain: String,
    pub ca_file: PathBuf,
}

impl Default for Oidc {
    fn default() -> Self {
        Oidc {
            issuer: String::new(),
            client_id: String::new(),
            client_secret_file: PathBuf::new(),
            redirect_uri: String::new(),
            claim: "preferred_username".into(),
            domain: String::new(),
            ca_file: PathBuf::new(),
        }
    }
}

impl Oidc {
    /// The key that makes no sense, what stands there, and what to write instead. Nothing is looked at where no issuer is named.
    pub fn mistake(&self) -> Option<(&'static str, String, &'static str)> {
        let Oidc { issuer, client_id, redirect_uri, claim, domain, .. } = self;
        let returns_here = is_safe(redirect_uri) && redirect_uri.ends_with(CALLBACK);
        [
            ("issuer", issuer, is_safe(issuer) && !issuer.contains(['?', '#']), "write https://… as the provider names itself; http:// is for one on this machine"),
            ("client_id", client_id, !client_id.is_empty(), "write the name under which sohoa is registered with the provider"),
            ("redirect_uri", redirect_uri, returns_here, "write https://…/sign-in/oidc/callback with the name by which browsers reach sohoa, as it is registered with the provider"),
            ("claim", claim, !claim.is_empty(), "name the claim that is a person's login, such as \"preferred_username\""),
            ("domain", domain, claim != "email" || !domain.is_empty(), "write the domain whose e-mail addresses are logins: lan@tinh.gov.vn is lan only where domain = \"tinh.gov.vn\""),
        ]
        .into_iter()
        .find(|(_, _, is_good, _)| !issuer.is_empty() && !is_good)
        .map(|(key, value, _, remedy)| (key, format!("{value:?}"), remedy))
    }
}
