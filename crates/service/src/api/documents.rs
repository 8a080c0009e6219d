//! `POST /v1/documents`: the bytes of one scan, streamed to the disk, checked, and taken into the archive; the answer says where its outcome
//! can be asked for. When the answer is 202, the bytes are durable and the document will be done whatever happens.
//!
//! A push that is repeated, because its answer was lost, gives the same record: by its bytes and name, or by its Idempotency-Key.

use super::Api;
use super::problem::Problem;
use super::push::{Asked, Push, allowed, authenticate, content_digests, digests_of_scan, most_bytes, place, receive, room_for};
use crate::cause::Cause;
use crate::present::json_line;
use crate::time;
use axum::body::Body;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures::stream;
use serde_json::json;
use sohoa_archive::store::Arrived;
use sohoa_archive::{Arrival, ArrivalNote, JobState, Waiting};
use sohoa_record::Sha256Hex;
use sohoa_record::identifier::RecordId;
use sohoa_record::manifest::Manifest;
use std::convert::Infallible;
use std::time::{Duration, Instant};

const LONGEST_KEY: usize = 200;
/// A comment keeps a silent stream open through web servers that close silent ones.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// Who wants to know after this long asks anew.
const LONGEST_FOLLOWED: Duration = Duration::from_secs(50 * 60);

/// Takes in a document.
pub async fn push(
    State(api): State<Api>,
    asked: Result<Query<Asked>, QueryRejection>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let answer = match asked {
        Ok(Query(asked)) => take(&api, asked, &headers, body).await.unwrap_or_else(IntoResponse::into_response),
        Err(_) => Problem::BAD_QUERY.into_response(),
    };
    api.running.count_push(answer.status());
    answer
}

async fn take(api: &Api, mut asked: Asked, headers: &HeaderMap, body: Body) -> Result<Response, Problem> {
    let station = authenticate(api, headers)?;
    allowed(api, &station)?;
    if let Some(digests) = headers.get("content-digest") {
        asked.digests = content_digests(digests)?;
    }
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    if kind.starts_with("multipart/") {
        return Err(Problem::MULTIPART);
    }
    let push = Push::of(&station, asked)?;
    let key = headers.get("idempotency-key").map(name_of_push).transpose()?;
    let _coming = room_for(api, &station.name, push.priority).await?;
    let most = most_bytes(api, Some(&station));
    let announced = headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|length| length > most) {
        return Err(Problem::TOO_LARGE);
    }
    // It is gone when it is dropped; what a service that was killed left is cleared away with its run.
    let file = tempfile::NamedTempFile::new_in(&api.arriving).map_err(|e| Problem::broken(&e))?;
    let mut opened = tokio::fs::File::from_std(file.reopen().map_err(|e| Problem::broken(&e))?);
    if let (_, false) = receive(api, body, &mut opened, most).await? {
        return Err(Problem::CUT_OFF);
    }
    let digests = digests_of_scan(file.path().to_owned()).await?;
    push.check(&digests)?;
    let mut is_repeated = false;
    if let Some(key) = key {
        let named = api.archive.pushes.name(time::now_ms(), &station.name, key, &digests.sha256).await;
        let named = named.map_err(|e| Problem::broken(&e))?;
        if named.sha256 != digests.sha256 {
            return Err(Problem::KEY_USED);
        }
        is_repeated = !named.is_new;
    }
    let mut opened = tokio::fs::File::open(file.path()).await.map_err(|e| Problem::broken(&e))?;
    answer(api, &push.arrive(api, &mut opened, digests).await?, is_repeated).await
}

/// What the sender calls this push (Idempotency-Key).
fn name_of_push(header: &HeaderValue) -> Result<&str, Problem> {
    header.to_str().ok().filter(|key| !key.is_empty() && key.len() <= LONGEST_KEY).ok_or(Problem::BAD_KEY)
}

/// `is_repeated`: the sender's own name for the push was seen with these bytes before.
async fn answer(api: &Api, arrived: &Arrived, is_repeated: bool) -> Result<Response, Problem> {
    let record = &arrived.first.record;
    let stands = match arrived.arrival {
        Arrival::New => "queued",
        Arrival::Known | Arrival::Linked => Standing::of(api, record).await?.map_or("queued", |standing| standing.state()),
    };
    if arrived.arrival == Arrival::Linked && !is_repeated {
        return Err(Problem::duplicate_of(record.clone(), stands));
    }
    let location = format!("/v1/documents/{record}");
    let (status, state) = match (arrived.committed, stands) {
        (true, _) => (StatusCode::OK, "done"),
        (false, "given_up") => (StatusCode::ACCEPTED, "given_up"),
        (false, _) => (StatusCode::ACCEPTED, "queued"),
    };
    let mut body = json!({"record": record, "state": state, "location": location});
    if arrived.committed {
        body["outcome"] = json!(stands);
    }
    let body = json_line(&body);
    let json = HeaderValue::from_static("application/json");
    let mut response = (status, [(header::CONTENT_TYPE, json)], format!("{body}\n")).into_response();
    // A path of letters, digits and dashes is a header's value.
    if let Ok(location) = HeaderValue::from_str(&location) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    Ok(response)
}

/// What became of a document that this station pushed.
pub async fn state(State(api): State<Api>, Path(record): Path<String>, headers: HeaderMap) -> Result<Response, Problem> {
    let station = authenticate(&api, &headers)?;
    let told = told(&api, &station.name, &record).await?;
    Ok(([(header::CONTENT_TYPE, "application/json")], format!("{}\n", json_line(&told))).into_response())
}

/// The same each time that it changes, until the document is done or given up (server-sent events, one `state` each).
pub async fn follow(State(api): State<Api>, Path(record): Path<String>, headers: HeaderMap) -> Result<Response, Problem> {
    let station = authenticate(&api, &headers)?;
    let first = told(&api, &station.name, &record).await?;
    let followed = (api, station.name, record, Some(first), String::new(), Instant::now());
    let events = stream::unfold(followed, async |(api, station, record, first, last, begun)| {
        // The last state was told: nothing comes after it.
        let (mut next, quiet_since) = (first?, Instant::now());
        loop {
            let line = json_line(&next);
            let is_done = !["queued", "working"].iter().any(|state| next["state"] == *state);
            if line != last {
                let event = format!("event: state\ndata: {line}\n\n");
                let next = (!is_done && begun.elapsed() < LONGEST_FOLLOWED).then_some(next);
                return Some((Ok::<_, Infallible>(event), (api, station, record, next, line, begun)));
            }
            if quiet_since.elapsed() > HEARTBEAT {
                return Some((Ok(": here\n\n".to_owned()), (api, station, record, Some(next), last, begun)));
            }
            let _ = tokio::time::timeout(Duration::from_secs(1), api.running.changed.notified()).await;
            match told(&api, &station, &record).await {
                Ok(told) => next = told,
                // The caller asks anew, and is told then.
                Err(_) => return None,
            }
        }
    });
    let headers = [(header::CONTENT_TYPE, "text/event-stream"), (header::CACHE_CONTROL, "no-store")];
    Ok((headers, Body::from_stream(events)).into_response())
}

/// How a document stands: committed, or with a job.
enum Standing {
    Committed(Box<Manifest>),
    Waits(Waiting),
}

impl Standing {
    /// None when it never came.
    async fn of(api: &Api, record: &RecordId) -> Result<Option<Standing>, Problem> {
        let latest = async || {
            let latest = api.archive.revisions(record).await.map_err(|e| Problem::of(&e))?.pop();
            Ok::<_, Problem>(latest.map(|opened| Standing::Committed(Box::new(opened.manifest))))
        };
        if let Some(committed) = latest().await? {
            return Ok(Some(committed));
        }
        match api.archive.queue.find(record).await.map_err(|e| Problem::broken(&e))? {
            Some(job) => Ok(Some(Standing::Waits(job))),
            // It was done between the two looks, or never came.
            None => latest().await,
        }
    }

    fn state(&self) -> &'static str {
        match self {
            Standing::Committed(manifest) => manifest.state.as_str(),
            Standing::Waits(job) => match job.state {
                JobState::Queued => "queued",
                JobState::Leased => "working",
                JobState::Dead => "given_up",
            },
        }
    }

    fn source(&self) -> &Sha256Hex {
        match self {
            Standing::Committed(manifest) => &manifest.source.digests.sha256,
            Standing::Waits(job) => &job.source_sha256,
        }
    }
}

/// What a station is told of a document: all, where it brought the bytes first; where it brought them later, how they stand and why, and nothing of
/// what was read, corrected or noted of the first one's paper. Others are told nothing.
async fn told(api: &Api, station: &str, record: &str) -> Result<serde_json::Value, Problem> {
    let record: RecordId = record.parse().map_err(|_| Problem::UNKNOWN_RECORD)?;
    let standing = Standing::of(api, &record).await?.ok_or(Problem::UNKNOWN_RECORD)?;
    let is_theirs = |note: &ArrivalNote| note.path == place(station, &note.name);
    let first = api.archive.arrival(standing.source()).await.map_err(|e| Problem::broken(&e))?;
    let is_first = first.as_ref().is_some_and(is_theirs);
    if !is_first && !api.archive.arrivals(standing.source()).await.map_err(|e| Problem::broken(&e))?.iter().any(is_theirs) {
        return Err(Problem::UNKNOWN_RECORD);
    }
    let mut told = json!({"record": record, "state": standing.state()});
    if !is_first {
        told["duplicate"] = json!(true);
    }
    match standing {
        Standing::Committed(manifest) => {
            let reasons: Vec<_> = manifest.reasons.iter().map(|r| json!({"code": r, "vi": r.vi(), "en": r.en()})).collect();
            told["reasons"] = json!(reasons);
            if is_first {
                told["revision"] = json!(manifest.revision);
                told["dossier"] = json!(manifest.dossier.code);
                told["pages"] = json!(manifest.pages);
                told["fields"] = json!(manifest.fields);
            }
        }
        Standing::Waits(job) => {
            told["attempts"] = json!(job.attempts);
            if !job.last_error.is_empty() {
                let (cause, words) = Cause::read(&job.last_error);
                told["cause"] = json!({"code": cause.code(), "vi": cause.vi(), "en": cause.en()});
                if is_first {
                    told["last_error"] = json!(words);
                }
            }
        }
    }
    Ok(told)
}
