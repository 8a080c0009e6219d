//! The watched folders as a command finds them, whether a service runs or not: one that is gone, and scans whose names hide them. Nothing is
//! made or opened.

use super::share::{Share, Trouble};
use crate::config::Config;
use crate::walk::walk_inbox;
use std::path::PathBuf;
use std::time::Duration;

/// A command does not wait for a share as long as a service does.
const PATIENCE: Duration = Duration::from_secs(10);

/// What was found of one folder.
pub struct Surveyed {
    /// As the configuration names it.
    pub folder: PathBuf,
    /// Why it cannot be looked at.
    pub trouble: Option<Trouble>,
    /// Scans with names that begin with a dot, which are passed over.
    pub hidden: Vec<PathBuf>,
}

/// Looks at each of them.
pub async fn survey(config: &Config) -> Vec<Surveyed> {
    let each = config.watch.iter().map(|watch| async {
        let folder = config.path(&watch.folder);
        let looked = folder.clone();
        let looking = move || {
            std::fs::read_dir(&looked)?;
            Ok::<_, std::io::Error>(walk_inbox(&looked, &[super::DONE, super::FAILED]).hidden)
        };
        match Share::new(PATIENCE).call(looking).await {
            Ok(Ok(hidden)) => Surveyed { folder, trouble: None, hidden },
            Ok(Err(error)) => Surveyed { folder, trouble: Some(Trouble::Unreadable(error.to_string())), hidden: Vec::new() },
            Err(trouble) => Surveyed { folder, trouble: Some(trouble), hidden: Vec::new() },
        }
    });
    futures::future::join_all(each).await
}
