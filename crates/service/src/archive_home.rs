//! The data folder at work: opens the archive that `pipeline.toml` names, and gives each run its own place in the spool.

use crate::config::Config;
use crate::keyring;
use sohoa_archive::{Archive, Remedy};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How often, and after which pause, an index is opened again that somebody else is just making.
const OPEN_TRIES: u32 = 20;
const OPEN_PAUSE: Duration = Duration::from_millis(250);

/// Why the data folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum HomeError {
    /// The trust policy cannot be used.
    #[error(transparent)]
    Keyring(#[from] keyring::KeyringError),
    /// Store or index cannot be used.
    #[error(transparent)]
    Archive(#[from] sohoa_archive::Error),
    /// A folder cannot be made.
    #[error("the folder {0} cannot be used: {1}; check its disk and permissions")]
    Folder(PathBuf, std::io::Error),
}

/// Opens the archive of a configuration.
pub async fn open(config: &Config) -> Result<Archive, HomeError> {
    let store = config.path(&config.archive.store);
    std::fs::create_dir_all(&store).map_err(|e| HomeError::Folder(store.clone(), e))?;
    let index = config.path(&config.archive.index);
    let policy = keyring::trust_policy(config)?;
    for _ in 0..OPEN_TRIES {
        match Archive::open_folder(&store, &index, policy.clone()).await {
            // Two runs that make a new index at the same moment: SQLite turns one away at once, whatever its time-out.
            Err(error) if error.remedy() == Remedy::Retry => tokio::time::sleep(OPEN_PAUSE).await,
            opened => return Ok(opened?.believing_the_root().await?),
        }
    }
    Ok(Archive::open_folder(&store, &index, policy).await?.believing_the_root().await?)
}

/// The place of one run in the spool. Others know that the run is alive by the lock it holds; what dead runs left is cleared
/// away, and their leases are given back at once instead of when they run out.
pub struct Run {
    /// The owner of this run's leases.
    pub owner: String,
    /// The run's own folder.
    pub folder: PathBuf,
    lock_path: PathBuf,
    _lock: File,
}

impl Run {
    /// Claims a place, after burying the dead.
    pub async fn claim(config: &Config, archive: &Archive) -> Result<Run, HomeError> {
        let spool = config.path(&config.archive.spool);
        let failed = |e| HomeError::Folder(spool.clone(), e);
        std::fs::create_dir_all(&spool).map_err(failed)?;
        bury_the_dead(&spool, archive).await?;
        loop {
            let owner = format!("run-{}", uuid::Uuid::now_v7());
            let lock_path = spool.join(format!("{owner}.lock"));
            let lock = File::create(&lock_path).map_err(failed)?;
            // Another run may have looked between the two calls and taken it for dead; then this one starts over.
            if lock.try_lock().is_err() {
                continue;
            }
            let folder = spool.join(&owner);
            std::fs::create_dir_all(&folder).map_err(failed)?;
            return Ok(Run { owner, folder, lock_path, _lock: lock });
        }
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
        let _ = std::fs::remove_file(&self.lock_path);
    }
}

/// True while another run on this machine takes papers in.
pub fn is_at_work(config: &Config) -> bool {
    let locks = std::fs::read_dir(config.path(&config.archive.spool)).into_iter().flatten().flatten();
    let mut locks = locks.map(|entry| entry.path()).filter(|path| path.extension().is_some_and(|end| end == "lock"));
    locks.any(|path| File::open(path).is_ok_and(|lock| lock.try_lock().is_err()))
}

async fn bury_the_dead(spool: &Path, archive: &Archive) -> Result<(), HomeError> {
    let failed = |e| HomeError::Folder(spool.to_owned(), e);
    for entry in std::fs::read_dir(spool).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let Some(owner) = path.file_name().and_then(|n| n.to_str()).and_then(|n| n.strip_suffix(".lock")) else { continue };
        let Ok(lock) = File::open(&path) else { continue };
        if lock.try_lock().is_err() {
            continue;
        }
        // Pages are read in children, so a run dies of power or `kill -9`, not of a document: no attempt is its last.
        let given_back = archive.queue.take_back(owner, u32::MAX).await?;
        if given_back > 0 {
            tracing::info!(owner, given_back, "an earlier run died; its documents are taken up again");
        }
        let _ = std::fs::remove_dir_all(spool.join(owner));
        let _ = std::fs::remove_file(&path);
    }
    Ok(())
}
