//! How a witness is asked: `POST /add-checkpoint`, and `GET /<SHA-256 of the log's name>/checkpoint` for whoever monitors. Plain HTTP/1.1;
//! all that counts is signed, and a web server in front adds TLS.

use super::{LogWitness, WitnessError};
use crate::http::{self, Limits};
use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use sohoa_record::log::add_checkpoint::Refusal;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;

/// A request with its proof has some 4 KB; post-quantum signatures have 3 KB each.
const MOST_BYTES: usize = 64 * 1024;
const LIMITS: Limits = Limits { connections: 64, connection_time: Duration::from_secs(60) };

/// Serves until `stop` is done, then finishes what was begun.
pub async fn serve(witness: Arc<LogWitness>, listener: TcpListener, stop: impl Future<Output = ()>) {
    http::serve(routes(witness), listener, None, LIMITS, stop).await;
}

fn routes(witness: Arc<LogWitness>) -> Router {
    Router::new()
        .route("/add-checkpoint", post(add_checkpoint))
        .route("/{origin_hash}/checkpoint", get(newest))
        .layer(DefaultBodyLimit::max(MOST_BYTES))
        .with_state(witness)
}

async fn add_checkpoint(State(witness): State<Arc<LogWitness>>, body: Bytes) -> Response {
    let now = u64::try_from(crate::time::now_ms() / 1000).unwrap_or_default();
    match tokio::task::spawn_blocking(move || witness.add_checkpoint(&body, now)).await {
        Ok(Ok(line)) => plain(StatusCode::OK, line),
        Ok(Err(WitnessError::Refused(Refusal::Stale { seen }))) => {
            (StatusCode::CONFLICT, [(header::CONTENT_TYPE, "text/x.tlog.size")], format!("{seen}\n")).into_response()
        }
        Ok(Err(WitnessError::Refused(refusal))) => {
            let status = StatusCode::from_u16(refusal.status()).unwrap_or(StatusCode::BAD_REQUEST);
            plain(status, format!("{refusal}\n"))
        }
        Ok(Err(error)) => broken(&error.to_string()),
        Err(error) => broken(&error.to_string()),
    }
}

async fn newest(State(witness): State<Arc<LogWitness>>, Path(origin_hash): Path<String>) -> Response {
    match tokio::task::spawn_blocking(move || witness.newest(&origin_hash)).await {
        Ok(Ok(Some(note))) => plain(StatusCode::OK, note.to_string()),
        Ok(Ok(None)) => plain(StatusCode::NOT_FOUND, "no checkpoint of such a log was cosigned here\n".into()),
        Ok(Err(error)) => broken(&error.to_string()),
        Err(error) => broken(&error.to_string()),
    }
}

fn plain(status: StatusCode, text: String) -> Response {
    (status, [(header::CONTENT_TYPE, "text/plain; charset=utf-8")], text).into_response()
}

/// Paths and causes are for whoever runs the witness, not for whoever asks.
fn broken(why: &str) -> Response {
    tracing::error!("nothing is cosigned: {why}");
    plain(StatusCode::INTERNAL_SERVER_ERROR, "the witness cannot answer now; its log says why\n".into())
}
