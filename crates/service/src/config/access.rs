//! `[access]`: who may sit at the console, how long they stay signed in, and what is kept of what they looked at.

use super::oidc::Oidc;
use crate::people::role::Role;
use crate::sessions::{Rules, cookie::Cookie};
use serde::Deserialize;
use std::path::PathBuf;
use std::time::Duration;

/// People, their sessions and the access log.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[allow(missing_docs)]
pub struct Access {
    pub people: PathBuf,
    pub log: PathBuf,
    pub log_days: u32,
    pub idle_minutes: u64,
    pub longest_hours: u64,
    pub behind_tls: bool,
    pub totp_required: Vec<Role>,
    pub oidc: Oidc,
}

impl Default for Access {
    fn default() -> Self {
        Access {
            people: "keys/people".into(),
            log: "access-log".into(),
            log_days: 0,
            idle_minutes: 30,
            longest_hours: 12,
            behind_tls: false,
            totp_required: Vec::new(),
            oidc: Oidc::default(),
        }
    }
}

impl Access {
    /// How long a session lasts.
    pub fn sessions(&self) -> Rules {
        Rules { idle: Duration::from_secs(self.idle_minutes * 60), longest: Duration::from_secs(self.longest_hours * 3600) }
    }

    /// How the cookie is sent. `own_tls`: the service speaks TLS itself.
    pub fn cookie(&self, own_tls: bool) -> Cookie {
        Cookie { secure: self.behind_tls || own_tls }
    }
}
