//! `POST /v1/documents`: the bytes of one scan, streamed to the disk, checked, and taken into the archive; the answer says where its outcome
//! can be asked for. When the answer is 202, the bytes are durable and the document will be done whatever happens.
//!
//! A push that is repeated, because its answer was lost, gives the same record: by its bytes and name, or by its Idempotency-Key.

use super::Api;
use super::problem::Problem;
use crate::config::Priority;
use crate::present::json_line;
use crate::stations::{self, Station};
use crate::{arrive, time};
use axum::body::Body;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures::StreamExt as _;
use serde::Deserialize;
use serde_json::json;
use sohoa_archive::store::Arrived;
use sohoa_archive::{Arrival, JobState, SourceBytes};
use sohoa_record::identifier::RecordId;
use sohoa_record::manifest::Dossier;
use sohoa_record::text::nfc;
use sohoa_record::{DossierCode, Hasher, Sha256Hex};
use std::time::Duration;
use tokio::io::AsyncWriteExt as _;

/// A sender that is silent for so long is gone.
const SILENCE: Duration = Duration::from_secs(30);
const LONGEST_NAME: usize = 255;
const LONGEST_KEY: usize = 200;

/// What stands in the address.
#[derive(Deserialize)]
pub struct Asked {
    /// The file's name.
    name: Option<String>,
    /// The dossier's code; without it the one in the name, if there is one.
    dossier: Option<String>,
    /// `counter`, `station` or `backlog`.
    priority: Option<String>,
    /// SHA-256 of the bytes as the sender has them, hex.
    sha256: Option<String>,
}

/// A push, as far as it is told before the bytes.
struct Push {
    station: Station,
    name: String,
    dossier: Option<DossierCode>,
    priority: Priority,
    sha256: Option<Sha256Hex>,
    key: Option<String>,
}

/// Takes in a document.
pub async fn push(State(api): State<Api>, Query(asked): Query<Asked>, headers: HeaderMap, body: Body) -> Response {
    let answer = match take(&api, asked, &headers, body).await {
        Ok(response) => response,
        Err(problem) => problem.into_response(),
    };
    if let Ok(mut pushes) = api.running.pushes.lock() {
        *pushes.entry(answer.status().as_u16()).or_default() += 1;
    }
    answer
}

async fn take(api: &Api, asked: Asked, headers: &HeaderMap, body: Body) -> Result<Response, Problem> {
    let push = Push::parse(asked, headers, authenticate(api, headers)?)?;
    let waiting = api.archive.queue.counts().await.map_err(|e| Problem::broken(&e))?.queued;
    if waiting >= api.config.serve.most_waiting {
        return Err(Problem::TOO_MANY);
    }
    if api.free_mb().is_some_and(|free| free < api.config.serve.min_free_mb) {
        return Err(Problem::DISK_LOW);
    }
    let most = api.config.decode.max_source_mb << 20;
    let announced = headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|length| length > most) {
        return Err(Problem::TOO_LARGE);
    }
    let (file, sha256) = write(api, body, most).await?;
    if push.sha256.as_ref().is_some_and(|sent| *sent != sha256) {
        return Err(Problem::DIGEST_DIFFERS);
    }
    if let Some(key) = &push.key {
        let first = api.archive.pushes.name(time::now_ms(), &push.station.name, key, &sha256).await;
        if first.map_err(|e| Problem::broken(&e))? != sha256 {
            return Err(Problem::KEY_USED);
        }
    }
    let arrived = push.arrive(api, file).await?;
    api.running.changed.notify_waiters();
    answer(&arrived)
}

impl Push {
    fn parse(asked: Asked, headers: &HeaderMap, station: Station) -> Result<Push, Problem> {
        let name = nfc(&asked.name.unwrap_or_default());
        if name.is_empty() || name.len() > LONGEST_NAME || name.contains(['/', '\\']) || name.chars().any(char::is_control) {
            return Err(Problem::NO_NAME);
        }
        let dossier = match asked.dossier.as_deref().filter(|code| !code.is_empty()) {
            Some(code) => Some(code.parse().map_err(|_| Problem::BAD_DOSSIER)?),
            None => None,
        };
        let priority = match asked.priority.as_deref() {
            Some(priority) => Priority::parse(priority).ok_or(Problem::BAD_PRIORITY)?,
            None => Priority::Station,
        };
        let sha256 = match (asked.sha256, headers.get("content-digest")) {
            (Some(hex), _) => Some(hex.to_lowercase().parse().map_err(|_| Problem::BAD_DIGEST)?),
            (None, Some(digests)) => content_digest(digests)?,
            (None, None) => None,
        };
        let key = match headers.get("idempotency-key") {
            Some(key) => {
                let key = key.to_str().map_err(|_| Problem::BAD_KEY)?;
                if key.is_empty() || key.len() > LONGEST_KEY {
                    return Err(Problem::BAD_KEY);
                }
                Some(key.to_owned())
            }
            None => None,
        };
        Ok(Push { station, name, dossier, priority, sha256, key })
    }

    async fn arrive(self, api: &Api, file: tempfile::NamedTempFile) -> Result<Arrived, Problem> {
        let (found, ordinal) = DossierCode::find_in(&self.name).map_or((None, None), |(code, nth)| (Some(code), nth));
        let dossier = Dossier { code: self.dossier.or(found), folder: self.station.name.clone(), ordinal, unit: None };
        let unit = self.station.unit.as_deref().or(Some(api.config.archive.unit.as_str()).filter(|unit| !unit.is_empty()));
        let path = place(&self.station, &self.name);
        let arriving = arrive::arriving(self.name, path, dossier, unit, self.priority.rank());
        let mut opened = tokio::fs::File::open(file.path()).await.map_err(|e| Problem::broken(&e))?;
        api.archive.arrive(arriving, SourceBytes::File(&mut opened)).await.map_err(|e| Problem::broken(&e))
    }
}

/// What a station pushes has this place, as a file has its path.
fn place(station: &Station, name: &str) -> String {
    format!("station:{}/{name}", station.name)
}

fn authenticate(api: &Api, headers: &HeaderMap) -> Result<Station, Problem> {
    let sent = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let token = sent.and_then(|value| value.strip_prefix("Bearer ")).ok_or(Problem::NO_TOKEN)?;
    let file = api.config.path(&api.config.serve.stations);
    stations::of_token(&file, token.trim()).map_err(|e| Problem::broken(&e))?.ok_or(Problem::UNKNOWN_TOKEN)
}

/// `sha-256=:…:` of a list of digests (RFC 9530); others are passed over.
fn content_digest(header: &HeaderValue) -> Result<Option<Sha256Hex>, Problem> {
    let text = header.to_str().map_err(|_| Problem::BAD_DIGEST)?;
    let Some(value) = text.split(',').find_map(|member| member.trim().strip_prefix("sha-256=")) else { return Ok(None) };
    let encoded = value.strip_prefix(':').and_then(|value| value.strip_suffix(':')).ok_or(Problem::BAD_DIGEST)?;
    let bytes = STANDARD.decode(encoded).map_err(|_| Problem::BAD_DIGEST)?;
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    hex.parse().map(Some).map_err(|_| Problem::BAD_DIGEST)
}

/// Streams the bytes into a file of the spool. It is gone when it is dropped, and what a service that was killed left is cleared away with
/// its run.
async fn write(api: &Api, body: Body, most: u64) -> Result<(tempfile::NamedTempFile, Sha256Hex), Problem> {
    let file = tempfile::NamedTempFile::new_in(&api.uploads).map_err(|e| Problem::broken(&e))?;
    let opened = file.reopen().map_err(|e| Problem::broken(&e))?;
    let (mut writer, mut hasher) =
        (tokio::io::BufWriter::with_capacity(1 << 18, tokio::fs::File::from_std(opened)), Hasher::new());
    let (mut stream, mut size, mut head) = (body.into_data_stream(), 0u64, Vec::new());
    loop {
        let piece = match tokio::time::timeout(SILENCE, stream.next()).await {
            Ok(Some(Ok(piece))) => piece,
            Ok(None) => break,
            Ok(Some(Err(_))) | Err(_) => return Err(Problem::CUT_OFF),
        };
        size += piece.len() as u64;
        if size > most {
            return Err(Problem::TOO_LARGE);
        }
        if head.len() < HEAD {
            head.extend_from_slice(&piece[..piece.len().min(HEAD - head.len())]);
            if head.len() == HEAD && !is_scan(&head) {
                return Err(Problem::NOT_A_SCAN);
            }
        }
        hasher.update(&piece);
        writer.write_all(&piece).await.map_err(|e| Problem::broken(&e))?;
    }
    writer.flush().await.map_err(|e| Problem::broken(&e))?;
    match size {
        0 => Err(Problem::EMPTY),
        _ if !is_scan(&head) => Err(Problem::NOT_A_SCAN),
        _ => Ok((file, hasher.finish().sha256)),
    }
}

/// So many bytes are looked at to tell what a file is: a PDF may begin with other bytes (ISO 32000-2, annex H).
const HEAD: usize = 1024;

/// True when the bytes begin as those of a PDF, TIFF, JPEG or PNG do. Whether they keep the promise is for decode to say.
fn is_scan(head: &[u8]) -> bool {
    let images: [&[u8]; 6] = [b"II*\0", b"MM\0*", b"II+\0", b"MM\0+", b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n"];
    images.iter().any(|magic| head.starts_with(magic)) || head.windows(5).any(|window| window == b"%PDF-")
}

fn answer(arrived: &Arrived) -> Result<Response, Problem> {
    let record = &arrived.first.record;
    if arrived.arrival == Arrival::Linked {
        return Err(Problem::duplicate_of(record.clone()));
    }
    let location = format!("/v1/documents/{record}");
    let (status, state) = if arrived.committed { (StatusCode::OK, "done") } else { (StatusCode::ACCEPTED, "queued") };
    let body = json_line(&json!({"record": record, "state": state, "location": location}));
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
    let record: RecordId = record.parse().map_err(|_| Problem::UNKNOWN_RECORD)?;
    let latest = api.archive.revisions(&record).await.map_err(|e| Problem::broken(&e))?.pop();
    let job = match &latest {
        Some(_) => None,
        None => api.archive.queue.find(&record).await.map_err(|e| Problem::broken(&e))?,
    };
    let source = match (&latest, &job) {
        (Some(opened), _) => &opened.manifest.source.digests.sha256,
        (None, Some(job)) => &job.source_sha256,
        (None, None) => return Err(Problem::UNKNOWN_RECORD),
    };
    let arrivals = api.archive.arrivals(source).await.map_err(|e| Problem::broken(&e))?;
    if !arrivals.iter().any(|note| note.path == place(&station, &note.name)) {
        return Err(Problem::UNKNOWN_RECORD);
    }
    let body = match (latest, job) {
        (Some(opened), _) => {
            let manifest = &opened.manifest;
            let reasons: Vec<_> = manifest.reasons.iter().map(|r| json!({"code": r, "vi": r.vi(), "en": r.en()})).collect();
            json!({
                "record": record, "state": manifest.state, "revision": manifest.revision, "reasons": reasons,
                "dossier": manifest.dossier.code, "pages": manifest.pages, "fields": manifest.fields,
            })
        }
        (None, Some(job)) => {
            let state = match job.state {
                JobState::Queued => "queued",
                JobState::Leased => "working",
                JobState::Dead => "given_up",
            };
            json!({"record": record, "state": state, "attempts": job.attempts, "last_error": job.last_error})
        }
        (None, None) => return Err(Problem::UNKNOWN_RECORD),
    };
    Ok(([(header::CONTENT_TYPE, "application/json")], format!("{}\n", json_line(&body))).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_begins_as_a_scan_is_one() {
        for good in [&b"%PDF-1.7\n"[..], b"\n\n %PDF-1.4", b"II*\0\x08", b"MM\0*", b"\xff\xd8\xff\xe0", b"\x89PNG\r\n\x1a\n"] {
            assert!(is_scan(good), "{good:?}");
        }
        for bad in [&b""[..], b"PK\x03\x04", b"%PD", b"<html>", b"\xff\xd8"] {
            assert!(!is_scan(bad), "{bad:?}");
        }
    }

    #[test]
    fn a_digest_is_taken_from_its_header() {
        // printf hello | openssl dgst -sha256 -binary | base64
        let hello = "sha-512=:x:, sha-256=:LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=:";
        let found = content_digest(&HeaderValue::from_static(hello)).unwrap().unwrap();
        assert_eq!(found, Sha256Hex::of(b"hello"));
        assert!(content_digest(&HeaderValue::from_static("md5=:x:")).unwrap().is_none());
        for bad in ["sha-256=LPJN", "sha-256=:!:", "sha-256=:aGVsbG8=:"] {
            assert!(content_digest(&HeaderValue::from_static(bad)).is_err(), "{bad}");
        }
    }
}
