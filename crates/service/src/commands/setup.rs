//! `sohoa init`.

use super::{Failure, Outcome};
use crate::config::{self, Config};
use crate::keyring;
use std::path::Path;
use std::process::ExitCode;

/// Makes a data folder. What is there already stays; a second call makes what is missing.
pub fn init(dir: &Path, name: &str, log_name: Option<&str>, password_file: Option<&Path>) -> Outcome {
    let cannot = |path: &Path, e: std::io::Error| Failure::Archive(format!("{} cannot be made: {e}", path.display()));
    // Asked first: a data folder without its key is half a data folder.
    let password = keyring::password(password_file)?;
    std::fs::create_dir_all(dir).map_err(|e| cannot(dir, e))?;
    let file = dir.join("pipeline.toml");
    if file.exists() {
        println!("kept     {}", file.display());
    } else {
        std::fs::write(&file, config::DEFAULT).map_err(|e| cannot(&file, e))?;
        println!("made     {}  (commented; explained in docs/operating.md)", file.display());
    }
    let config = Config::load(&file)?;
    for folder in [&config.archive.store, &config.archive.spool] {
        let folder = config.path(folder);
        std::fs::create_dir_all(&folder).map_err(|e| cannot(&folder, e))?;
    }
    let key = config.path(&config.seal.key);
    if key.exists() {
        println!("kept     {}", key.display());
    } else {
        keyring::new_key(&config, &key, name, &password)?;
        println!("made     {}  (encrypted sealing key)", key.display());
        println!("made     {}  (trust policy: give auditors a copy)", config.path(&config.seal.trust).display());
    }
    let log_key = config.path(&config.log.key);
    if config.log.key.as_os_str().is_empty() || log_key.exists() {
        println!("kept     {}", log_key.display());
    } else {
        keyring::new_log_key(&config, log_name, &password)?;
        println!("made     {}  (encrypted key of the transparency log)", log_key.display());
    }
    println!("next     cd {} && sohoa ingest FOLDER", dir.display());
    Ok(ExitCode::SUCCESS)
}
