//! How sohoa listens: HTTP/1.1 with a limit on connections, on the time for a head and on the life of a connection, and a stop that lets
//! answers finish. Over TLS of its own, or plain behind a web server that speaks TLS (docs/operating.md).

pub mod tls;

use axum::http::{HeaderValue, header};
use axum::middleware;
use axum::response::Response;
use axum::{Extension, Router};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tls::Tls;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

/// A request's head must have come by then.
const HEAD_TIME: Duration = Duration::from_secs(10);
/// Answers that are under way when the server is stopped have so long.
const LAST_ANSWERS: Duration = Duration::from_secs(5);
/// Whoever has come over TLS once comes so for a year (RFC 6797).
const STRICT_TRANSPORT: HeaderValue = HeaderValue::from_static("max-age=31536000");

/// What callers may take.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// So many are answered at once; others wait in the system's queue.
    pub connections: usize,
    /// After this a connection is closed, whoever is slow, so that nobody holds a place for long.
    pub connection_time: Duration,
}

/// Whose connection a request came by.
#[derive(Clone, Copy, Debug)]
pub struct Peer(pub SocketAddr);

/// Serves until `stop` is done, then finishes what was begun. Plain HTTP when there is no `tls`.
pub async fn serve(routes: Router, listener: TcpListener, tls: Option<Arc<Tls>>, limits: Limits, stop: impl Future<Output = ()>) {
    let routes = if tls.is_some() { routes.layer(middleware::map_response(strict_transport)) } else { routes };
    let mut connection = hyper::server::conn::http1::Builder::new();
    connection.timer(TokioTimer::new()).header_read_timeout(HEAD_TIME);
    let (places, open) = (Arc::new(Semaphore::new(limits.connections)), GracefulShutdown::new());
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
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                // Too many open files, or a caller that was gone already: neither passes at once.
                tracing::warn!("a connection was not accepted: {error}");
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        let service = TowerToHyperService::new(routes.clone().layer(Extension(Peer(peer))));
        let (connection, watcher, tls) = (connection.clone(), open.watcher(), tls.clone());
        let answering = async move {
            match tls {
                None => drop(watcher.watch(connection.serve_connection(TokioIo::new(stream), service)).await),
                // Here, and not where callers are accepted: one who is silent holds up nobody.
                Some(tls) => {
                    if let Some(stream) = tls.accept(stream).await {
                        drop(watcher.watch(connection.serve_connection(TokioIo::new(stream), service)).await);
                    }
                }
            }
        };
        tokio::spawn(async move {
            let _ = tokio::time::timeout(limits.connection_time, answering).await;
            drop(place);
        });
    }
    let _ = tokio::time::timeout(LAST_ANSWERS, open.shutdown()).await;
}

async fn strict_transport(mut response: Response) -> Response {
    response.headers_mut().insert(header::STRICT_TRANSPORT_SECURITY, STRICT_TRANSPORT);
    response
}
