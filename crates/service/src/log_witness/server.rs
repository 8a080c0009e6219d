//! How a witness is asked: `POST /add-checkpoint`, and `GET /<SHA-256 of the log's name>/checkpoint` for whoever monitors. Plain HTTP/1.1;
//! all that counts is signed, and a web server in front adds TLS.

use super::{LogWitness, WitnessError};
use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use sohoa_record::log::add_checkpoint::Refusal;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

/// A request with its proof has some 4 KB; post-quantum signatures have 3 KB each.
const MOST_BYTES: usize = 64 * 1024;
/// So many are answered at once; others wait in the system's queue.
const MOST_CONNECTIONS: usize = 64;
/// A request's head must have come by then …
const HEAD_TIME: Duration = Duration::from_secs(10);
/// … and after this a connection is closed, whoever is slow, so that nobody holds a place for long.
const CONNECTION_TIME: Duration = Duration::from_secs(60);
/// Answers that are under way when the server is stopped have so long.
const LAST_ANSWERS: Duration = Duration::from_secs(5);

/// Serves until `stop` is done, then finishes what was begun.
pub async fn serve(witness: Arc<LogWitness>, listener: TcpListener, stop: impl Future<Output = ()>) {
    let service = TowerToHyperService::new(routes(witness));
    let mut connection = hyper::server::conn::http1::Builder::new();
    connection.timer(TokioTimer::new()).header_read_timeout(HEAD_TIME);
    let (places, open) = (Arc::new(Semaphore::new(MOST_CONNECTIONS)), GracefulShutdown::new());
    tokio::pin!(stop);
    loop {
        let accepted = async {
            let place = Arc::clone(&places).acquire_owned().await;
            (listener.accept().await, place)
        };
        let (accepted, place) = tokio::select! {
            accepted = accepted => accepted,
            () = &mut stop => break,
        };
        let stream = match accepted {
            Ok((stream, _)) => stream,
            Err(error) => {
                // Too many open files, or a caller that was gone already: neither passes at once.
                tracing::warn!("a connection was not accepted: {error}");
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        let answering = open.watch(connection.serve_connection(TokioIo::new(stream), service.clone()));
        tokio::spawn(async move {
            let _ = tokio::time::timeout(CONNECTION_TIME, answering).await;
            drop(place);
        });
    }
    let _ = tokio::time::timeout(LAST_ANSWERS, open.shutdown()).await;
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
