//! Who holds the work up, and since when: a small file beside the index, so that no restart lets go on what somebody stopped, and commands know
//! of it too. What stops the work by itself, such as a full disk, is not noted: it is found anew.

use crate::config::Config;
use crate::{time, whole};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// The work is held up: what is begun is finished, nothing new is begun.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldUp {
    /// Who did it, as histories have their name.
    pub by: String,
    /// Since when: RFC 3339 at +07:00.
    pub since: String,
}

impl HeldUp {
    /// From now on.
    pub fn now(by: &str) -> HeldUp {
        HeldUp { by: by.to_owned(), since: time::rfc3339(&time::now()) }
    }

    /// What is noted; none when the work may go on. A note that cannot be read holds up all the same: nobody said that it goes on.
    pub fn read(config: &Config) -> Option<HeldUp> {
        let file = file(config);
        let read = std::fs::read(&file).and_then(|bytes| serde_json::from_slice(&bytes).map_err(std::io::Error::other));
        match read {
            Ok(held_up) => Some(held_up),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
            Err(error) => {
                tracing::warn!("{}: {error}; the work counts as held up until somebody lets it go on", file.display());
                Some(HeldUp { by: "?".into(), since: "?".into() })
            }
        }
    }

    /// Notes that the work is held up, or that it goes on.
    pub fn note(config: &Config, held_up: Option<&HeldUp>) -> std::io::Result<()> {
        let file = file(config);
        match held_up {
            Some(held_up) => whole::write(&file, &serde_json::to_vec(held_up).map_err(std::io::Error::other)?),
            None => match std::fs::remove_file(&file) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
                _ => Ok(()),
            },
        }
    }
}

fn file(config: &Config) -> PathBuf {
    config.path(&config.archive.index).with_file_name("held-up.json")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_is_there_until_somebody_ends_it_and_a_damaged_note_ends_none() {
        let folder = tempfile::tempdir().unwrap();
        let config = Config { home: folder.path().to_owned(), ..Config::defaults() };
        assert_eq!(HeldUp::read(&config), None);
        HeldUp::note(&config, None).unwrap();
        let held_up = HeldUp::now("Lê Thị Mai");
        HeldUp::note(&config, Some(&held_up)).unwrap();
        assert_eq!(HeldUp::read(&config), Some(held_up));
        std::fs::write(file(&config), "{").unwrap();
        assert!(HeldUp::read(&config).is_some());
        HeldUp::note(&config, None).unwrap();
        assert_eq!(HeldUp::read(&config), None);
    }
}
