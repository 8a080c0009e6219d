//! A refusal reaches whoever is still sending. A connection that is closed on bytes that nobody read is reset, and the answer is lost with it:
//! a station would see a broken line where it was told to come later. So what it still sends is read and forgotten, for a while.

use axum::body::Body;
use axum::extract::Request;
use axum::http::header;
use axum::middleware::Next;
use axum::response::Response;
use futures::{Stream, StreamExt as _, stream};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;

/// Whoever sends more, or for longer, than this after a refusal is cut off.
const MOST_BYTES: usize = 64 << 20;
const LONGEST: Duration = Duration::from_secs(10);

/// Answers, and listens to the end of what was refused. Whoever asked before sending (`Expect: 100-continue`) has not sent anything.
pub async fn listen_to_the_end(request: Request, next: Next) -> Response {
    let has_asked = request.headers().contains_key(header::EXPECT);
    let (parts, body) = request.into_parts();
    let body = Arc::new(Mutex::new(body.into_data_stream()));
    let lent = stream::unfold(Arc::clone(&body), async |body| {
        let piece = body.lock().await.next().await?;
        Some((piece, body))
    });
    let response = next.run(Request::from_parts(parts, Body::from_stream(lent))).await;
    if !has_asked && !response.status().is_success() {
        let _ = tokio::time::timeout(LONGEST, forget(&mut *body.lock().await)).await;
    }
    response
}

async fn forget<E>(body: &mut (impl Stream<Item = Result<bytes::Bytes, E>> + Unpin)) {
    let mut read = 0;
    while let Some(Ok(piece)) = body.next().await {
        read += piece.len();
        if read > MOST_BYTES {
            break;
        }
    }
}
