//! `[serve]` and `[[watch]]`: how scans come to a service that runs all day.

use super::Config;
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// What listens.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[allow(missing_docs)]
pub struct Serve {
    pub listen: SocketAddr,
    pub tls_certificate: PathBuf,
    pub tls_key: PathBuf,
    pub stations: PathBuf,
    pub most_waiting: u64,
    pub station_per_minute: u64,
    pub most_mb: u64,
    pub min_free_mb: u64,
    pub stuck_minutes: u64,
    pub waiting_minutes: u64,
    pub traces: String,
}

impl Default for Serve {
    fn default() -> Self {
        Serve {
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            tls_certificate: PathBuf::new(),
            tls_key: PathBuf::new(),
            stations: "keys/stations".into(),
            most_waiting: 5000,
            station_per_minute: 1200,
            most_mb: 0,
            min_free_mb: 2000,
            stuck_minutes: 60,
            waiting_minutes: 15,
            traces: String::new(),
        }
    }
}

impl Serve {
    /// Certificate and key of its own TLS; none where it speaks plain HTTP.
    pub fn tls(&self) -> Option<(&Path, &Path)> {
        (!self.tls_certificate.as_os_str().is_empty()).then_some((&self.tls_certificate, &self.tls_key))
    }

    /// The key that makes no sense, what stands there, and what to write instead.
    pub fn mistake(&self) -> Option<(&'static str, String, &'static str)> {
        let (certificate, key) = (&self.tls_certificate, &self.tls_key);
        match (certificate.as_os_str().is_empty(), key.as_os_str().is_empty()) {
            (true, false) => {
                Some(("tls_certificate", "\"\"".into(), "name the certificate of tls_key, or leave both empty for plain HTTP"))
            }
            (false, true) => {
                Some(("tls_key", "\"\"".into(), "name the key of tls_certificate, or leave both empty for plain HTTP"))
            }
            _ if !self.traces.is_empty() && !self.traces.starts_with("http://") => {
                Some(("traces", format!("{:?}", self.traces), "name the collector as http://HOST:PORT, or leave it empty"))
            }
            _ => None,
        }
    }
}

impl Config {
    /// The most megabytes of a pushed document, whose station has this limit of its own; 0 is none.
    pub fn most_mb(&self, own: u64) -> u64 {
        let most = [own, self.serve.most_mb].into_iter().find(|limit| *limit > 0);
        most.unwrap_or(u64::MAX).min(self.decode.max_source_mb)
    }
}

/// `[[watch]]`: a folder into which scans fall.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Watch {
    pub folder: PathBuf,
    #[serde(default)]
    pub unit: String,
    #[serde(default)]
    pub priority: Priority,
    #[serde(default)]
    pub after: After,
    #[serde(default)]
    pub subfolders: Subfolders,
    #[serde(default = "quiet_seconds")]
    pub quiet_seconds: u64,
}

fn quiet_seconds() -> u64 {
    5
}

/// Who waits for a document.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Priority {
    /// A citizen at the counter.
    Counter,
    /// The station, in its daily work.
    #[default]
    Station,
    /// Nobody.
    Backlog,
}

impl Priority {
    /// Its name, as it is written in configuration and requests.
    pub fn parse(name: &str) -> Option<Priority> {
        [("counter", Priority::Counter), ("station", Priority::Station), ("backlog", Priority::Backlog)]
            .into_iter()
            .find_map(|(known, priority)| (known == name).then_some(priority))
    }

    /// Its place in the queue: higher is done first.
    pub fn rank(self) -> i64 {
        match self {
            Priority::Counter => 20,
            Priority::Station => 10,
            Priority::Backlog => 0,
        }
    }
}

/// What becomes of a file whose document is committed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum After {
    /// It is moved to `done/` in the folder, a refused one to `failed/`.
    #[default]
    Done,
    /// It stays where it is.
    Keep,
}

/// What a subfolder of a watched folder is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Subfolders {
    /// A dossier, by the code in its name.
    #[default]
    Dossier,
    /// A unit, by its name; those in it are dossiers.
    Unit,
}
