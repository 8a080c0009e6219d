//! What stations and other systems ask over HTTP: documents are pushed and their outcome is asked for; whoever watches over the service
//! asks how it is. It does *not* listen itself ([`crate::http`]), and nobody decides anything here.

mod documents;
mod health;
mod problem;

use crate::config::Config;
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{get, post};
use problem::Problem;
use sohoa_archive::Archive;
use sohoa_record::manifest::State;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicI64, AtomicU64};
use std::sync::{Arc, Mutex};
use tokio::sync::Notify;

/// What the parts of a running service tell each other.
#[derive(Debug, Default)]
pub struct Running {
    /// Something arrived or was done.
    pub changed: Notify,
    /// Documents by outcome, since the start.
    pub documents: Mutex<BTreeMap<State, u64>>,
    /// Pages that were read, since the start.
    pub pages: AtomicU64,
    /// Pushes by the status of their answer, since the start.
    pub pushes: Mutex<BTreeMap<u16, u64>>,
    /// When a page or document was done last: milliseconds since 1970.
    pub progressed_at: AtomicI64,
    /// Why nothing is done now, when something stops the work.
    pub paused: Mutex<Option<String>>,
    /// Scans in watched folders that are not committed.
    pub in_folders: AtomicU64,
}

/// What every request is answered from.
#[derive(Clone)]
pub struct Api {
    /// The archive.
    pub archive: Archive,
    /// The configuration.
    pub config: Arc<Config>,
    /// Where what is pushed is written until it has arrived.
    pub uploads: PathBuf,
    /// The service.
    pub running: Arc<Running>,
}

/// What is answered.
pub fn routes(api: Api) -> Router {
    Router::new()
        // Streamed to the disk and counted there.
        .route("/v1/documents", post(documents::push).layer(DefaultBodyLimit::disable()))
        .route("/v1/documents/{record}", get(documents::state))
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready))
        .route("/metrics", get(health::metrics))
        .fallback(async || Problem::NO_SUCH_PLACE)
        .with_state(api)
}

impl Api {
    /// Free space where the archive lies, in megabytes; none when the system does not say.
    fn free_mb(&self) -> Option<u64> {
        let disk = rustix::fs::statvfs(self.config.path(&self.config.archive.store)).ok()?;
        Some(disk.f_bavail.saturating_mul(disk.f_frsize) >> 20)
    }
}
