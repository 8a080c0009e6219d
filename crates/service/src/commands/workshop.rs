//! What a batch and a service need before they begin: keys, archive, readers, log, opened and tried in an order in which everything that can
//! be wrong is found before the first scan is touched.

use super::Failure;
use crate::archive_home::Run;
use crate::config::Config;
use crate::keyring;
use crate::logbook::Logbook;
use crate::sandbox::Children;
use crate::sign::{self, Sealer, Signing};
use crate::stages::Stages;
use crate::time;
use crate::workbench::Workbench;
use ed25519_dalek::SigningKey;
use sohoa_archive::Archive;
use sohoa_digitize::extract::templates::Templates;
use sohoa_digitize::recognize::EngineInfo;
use sohoa_record::Sha256Hex;
use sohoa_record::trust::key_id;
use std::path::Path;
use std::sync::Arc;

/// All of it.
pub struct Workshop {
    /// The archive.
    pub archive: Archive,
    /// The readers.
    pub children: Children,
    /// This run's place.
    pub run: Run,
    engine: EngineInfo,
    templates: Arc<Templates>,
    /// Where receipts are noted.
    pub logbook: Logbook,
    /// Where it is noted what each stage takes.
    pub stages: Arc<Stages>,
    key: SigningKey,
    signing: Option<Signing>,
}

impl Workshop {
    /// Opens it.
    pub async fn open(config: &Config, password_file: Option<&Path>) -> Result<Workshop, Failure> {
        let key = keyring::sealing_key(config, password_file)?;
        let policy = keyring::trust_policy(config)?;
        let id = key_id(&key.verifying_key());
        if policy.key(id.as_str()).is_none() {
            return Err(Failure::Setup(format!(
                "the trust policy {} does not name the sealing key {id}; nothing sealed now could be opened again. Add its line: {}",
                config.path(&config.seal.trust).display(),
                sohoa_record::trust::policy_line(&key.verifying_key(), "sohoa")
            )));
        }
        let signing = sign::open(config)?;
        let templates = super::template::known(config, None)?;
        let archive = super::open_indexed(config).await?;
        let run = Run::claim(config, &archive).await?;
        let resumed = archive.resume_arrivals(time::now_ms()).await?;
        if resumed > 0 {
            tracing::info!(resumed, "documents that arrived when an earlier run was killed are taken up");
        }
        let children = super::children(config, &run.folder)?;
        let ready = children.engine().await?;
        tracing::info!("{} with model {}", ready.engine.engine, ready.engine.model);
        for wall in &ready.walls {
            let stands = if wall.stands { "stands" } else { "IS MISSING" };
            tracing::info!("wall around the page reader: {} {stands}: {}", wall.name, wall.detail);
        }
        let logbook = Logbook::for_sealing(config, &archive, &key, password_file).await?;
        Ok(Workshop { archive, children, run, engine: ready.engine, templates, logbook, stages: Arc::default(), key, signing })
    }

    /// What documents are made with, by a batch or by a service that stays.
    pub fn bench<'a>(&'a self, config: &'a Config, stays: bool) -> Workbench<'a> {
        Workbench {
            config,
            archive: &self.archive,
            run: &self.run,
            children: &self.children,
            engine: self.engine.clone(),
            templates: self.templates.clone(),
            sealer: self.sealer(config),
            logbook: &self.logbook,
            stages: &self.stages,
            stays,
        }
    }

    /// The key that seals.
    pub fn key_id(&self) -> Sha256Hex {
        key_id(&self.key.verifying_key())
    }

    /// What seals, and signs what becomes sealed.
    pub fn sealer<'a>(&'a self, config: &'a Config) -> Sealer<'a> {
        Sealer { key: &self.key, result_code: &config.seal.result_code, signing: self.signing.as_ref() }
    }

    /// Signs what could not be signed when it was made.
    pub async fn sign_what_waits(&self, config: &Config) -> Result<(), Failure> {
        if self.signing.is_some() {
            let retried = sign::retry(&self.archive, &self.sealer(config), &self.logbook, &config.operator()).await?;
            super::sign::tell_retried(&retried);
        }
        Ok(())
    }

    /// Ends the readers, gives this run's place back, closes the archive.
    pub async fn close(self) {
        let Workshop { archive, children, run, .. } = self;
        drop(children);
        drop(run);
        archive.close().await;
    }
}
