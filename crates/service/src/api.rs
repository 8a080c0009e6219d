//! What stations and other systems ask over HTTP: documents are pushed and their outcome is asked for; whoever watches over the service
//! asks how it is. It does *not* listen itself ([`crate::http`]), and nobody decides anything here.

pub mod allowance;
mod documents;
pub mod health;
pub mod problem;
mod push;
mod refused;
pub mod uploads;

use self::health::Hindrance;
use crate::cause::Cause;
use crate::config::Config;
use crate::running::Running;
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::header;
use axum::middleware::from_fn;
use axum::routing::{MethodRouter, get, post};
use sohoa_archive::Archive;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// What is asked and answered, for programs (OpenAPI 3.1).
const OPENAPI: &str = include_str!("api/openapi.json");

/// Who asks how the service is does not wait longer for the store.
const STORE_TIME: Duration = Duration::from_secs(5);

/// What every request is answered from.
#[derive(Clone)]
pub struct Api {
    /// The archive.
    pub archive: Archive,
    /// The configuration.
    pub config: Arc<Config>,
    /// Where what is pushed is written until it has arrived; cleared away with this run.
    pub arriving: PathBuf,
    /// Where uploads in pieces are, which outlive the service.
    pub uploads: PathBuf,
    /// The service.
    pub running: Arc<Running>,
}

/// What is answered.
pub fn routes(api: Api) -> Router {
    listed().into_iter().fold(Router::new(), |routes, (path, methods)| routes.route(path, methods)).with_state(api)
}

/// Each path, and what answers there.
fn listed() -> Vec<(&'static str, MethodRouter<Api>)> {
    // Streamed to the disk and counted there.
    let push = post(documents::push).layer(DefaultBodyLimit::disable()).layer(from_fn(refused::listen_to_the_end));
    // Uploads in pieces.
    let whole = post(uploads::create).options(uploads::options);
    let one = get(uploads::get).head(uploads::head).patch(uploads::patch).delete(uploads::delete);
    // Of each route: a method that is none of theirs is told so, whatever version it speaks.
    let version = from_fn(uploads::version);
    let one = one.layer(DefaultBodyLimit::disable()).layer(from_fn(refused::listen_to_the_end));
    vec![
        ("/v1/documents", push),
        ("/v1/documents/{record}", get(documents::state)),
        ("/v1/documents/{record}/events", get(documents::follow)),
        ("/v1/uploads", whole.route_layer(version.clone())),
        ("/v1/uploads/{id}", one.route_layer(version)),
        ("/v1/openapi.json", get(async || ([(header::CONTENT_TYPE, "application/json")], OPENAPI))),
        ("/healthz", get(health::alive)),
        ("/readyz", get(health::ready)),
        ("/metrics", get(health::metrics)),
    ]
}

/// The turn of whoever sends a piece of an upload; it ends when it is dropped.
pub struct Turn {
    running: Arc<Running>,
    id: String,
}

impl Drop for Turn {
    fn drop(&mut self) {
        if let Ok(mut sending) = self.running.sending.lock() {
            sending.remove(&self.id);
        }
    }
}

impl Api {
    /// Takes the turn to send pieces of an upload; none while somebody else has it.
    fn turn(&self, id: &str) -> Option<Turn> {
        let mut sending = self.running.sending.lock().ok()?;
        sending.insert(id.to_owned()).then(|| Turn { running: Arc::clone(&self.running), id: id.to_owned() })
    }

    /// What is wrong now, in words; nothing when work gets done.
    pub async fn troubles(&self) -> Vec<Hindrance> {
        let mut why = match self.archive.queue.counts().await {
            Ok(counts) => health::hindrances(self, &counts),
            Err(error) => {
                vec![Hindrance::of(Cause::of_archive(&error), &error)]
            }
        };
        let is_told = self.running.paused.lock().is_ok_and(|paused| paused.is_some());
        if !is_told {
            // With nothing to do nobody else notices, and each push would be refused.
            match tokio::time::timeout(STORE_TIME, self.archive.check_is_there()).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => why.push(Hindrance::of(Cause::of_archive(&error), &error)),
                Err(_) => why.push(Hindrance::of(Cause::StoreSilent, &format!("no answer for {} s", STORE_TIME.as_secs()))),
            }
        }
        why
    }

    /// Free space where the archive lies, in megabytes; none when the system does not say.
    pub fn free_mb(&self) -> Option<u64> {
        let disk = rustix::fs::statvfs(self.config.path(&self.config.archive.store)).ok()?;
        Some(disk.f_bavail.saturating_mul(disk.f_frsize) >> 20)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    #[test]
    fn the_openapi_page_has_every_path_and_no_other() {
        let page: serde_json::Value = serde_json::from_str(super::OPENAPI).unwrap();
        let told: BTreeSet<&str> = page["paths"].as_object().unwrap().keys().map(String::as_str).collect();
        let answered: BTreeSet<&str> = super::listed().iter().map(|(path, _)| *path).collect();
        assert_eq!(told, answered);
    }

    #[test]
    fn the_openapi_page_names_every_problem_and_no_other() {
        let page: serde_json::Value = serde_json::from_str(super::OPENAPI).unwrap();
        let told = page["components"]["schemas"]["Problem"]["properties"]["code"]["enum"].as_array().unwrap();
        let told: BTreeSet<&str> = told.iter().map(|code| code.as_str().unwrap()).collect();
        // Behind each status stands its code.
        let source = include_str!("api/problem.rs");
        let code = |after: &'static str| after.split_once(',')?.1.trim_start().strip_prefix('"')?.split('"').next();
        let made: BTreeSet<&str> =
            source.split("(StatusCode::").chain(source.split(" StatusCode::")).skip(1).filter_map(code).collect();
        assert_eq!(told, made);
        let statuses: BTreeSet<&str> = page["paths"]
            .as_object()
            .unwrap()
            .values()
            .flat_map(|path| path.as_object().unwrap().values())
            .flat_map(|asked| asked["responses"].as_object().unwrap().keys().map(String::as_str))
            .collect();
        for status in [
            "200", "201", "202", "204", "400", "401", "404", "409", "410", "412", "413", "415", "422", "423", "429", "460", "503",
        ] {
            assert!(statuses.contains(status), "{status}");
        }
    }
}
