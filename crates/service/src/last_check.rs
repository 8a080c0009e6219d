//! When `sohoa fsck` looked at the store last, and what it found: a small file beside the index, for the console. It proves nothing, and a
//! check that cannot note itself is a check all the same.

use crate::config::Config;
use crate::{time, whole};
use serde::{Deserialize, Serialize};
use sohoa_archive::fsck::Report;
use std::path::PathBuf;

/// The last check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastCheck {
    /// When it ended: RFC 3339 at +07:00.
    pub at: String,
    /// Objects that were hashed again.
    pub objects: u64,
    /// Findings that mean loss, change or disagreement.
    pub errors: u64,
}

impl LastCheck {
    /// Notes a check that ended now.
    pub fn note(config: &Config, report: &Report) {
        let check = LastCheck { at: time::rfc3339(&time::now()), objects: report.objects, errors: report.errors };
        let noted =
            serde_json::to_vec(&check).map_err(std::io::Error::other).and_then(|bytes| whole::write(&file(config), &bytes));
        if let Err(error) = noted {
            tracing::warn!("{}: {error}; the console does not show this check", file(config).display());
        }
    }

    /// The last one; none when there was none, or nobody can say.
    pub fn read(config: &Config) -> Option<LastCheck> {
        serde_json::from_slice(&std::fs::read(file(config)).ok()?).ok()
    }
}

fn file(config: &Config) -> PathBuf {
    config.path(&config.archive.index).with_file_name("last-check.json")
}
