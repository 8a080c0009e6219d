//! `/v1/uploads`: a document in pieces, for lines that break (tus 1.0.0: core protocol, creation, checksum, expiration, termination). What has
//! come is asked for and continued; with the last byte the document is taken in like any push.
//!
//! An upload is two files: what is told of it, and the bytes so far, whose length is the offset. Both outlive the service. A service that
//! was killed between the last byte and the archive takes the document in when it is asked for or started again.

use super::Api;
use super::problem::Problem;
use super::push::{Asked, Push, allowed, authenticate, digests_of_scan, most_bytes, receive, room_for};
use crate::keyring;
use crate::present::json_line;
use crate::whole;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use sohoa_archive::Arrival;
use sohoa_record::identifier::RecordId;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::PathBuf;
use std::time::{Duration, SystemTime};
use tokio::fs::File;

const VERSION: HeaderValue = HeaderValue::from_static("1.0.0");
const RESUMABLE: HeaderName = HeaderName::from_static("tus-resumable");
const OFFSET: HeaderName = HeaderName::from_static("upload-offset");
/// Unfinished uploads of one station: a program that begins and never ends does not fill the disk.
const MOST_OPEN: usize = 100;
/// What nobody continued for so long is cleared away.
const EXPIRES: Duration = Duration::from_secs(7 * 24 * 3600);

/// An upload, as it is kept beside its bytes.
#[derive(Serialize, Deserialize)]
struct Upload {
    #[serde(skip)]
    files: Files,
    /// The bytes that it will have.
    length: u64,
    push: Push,
    /// The record, once all bytes came and the document was taken in.
    record: Option<RecordId>,
    /// True when the bytes had come from elsewhere before.
    #[serde(default)]
    duplicate: bool,
}

/// Where an upload is.
#[derive(Default)]
struct Files {
    told: PathBuf,
    bytes: PathBuf,
}

impl Files {
    /// None for what is no identifier of ours.
    fn of(api: &Api, id: &str) -> Option<Files> {
        let fits = id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
        fits.then(|| Files { told: api.uploads.join(format!("{id}.json")), bytes: api.uploads.join(format!("{id}.bytes")) })
    }

    fn remove(&self) {
        let _ = std::fs::remove_file(&self.bytes);
        let _ = std::fs::remove_file(&self.told);
    }
}

impl Upload {
    fn open(api: &Api, id: &str) -> Result<Upload, Problem> {
        let files = Files::of(api, id).ok_or(Problem::UNKNOWN_UPLOAD)?;
        let text = std::fs::read(&files.told).map_err(|_| Problem::UNKNOWN_UPLOAD)?;
        let upload: Upload = serde_json::from_slice(&text).map_err(|e| Problem::broken(&e))?;
        Ok(Upload { files, ..upload })
    }

    /// The bytes that have come.
    fn offset(&self) -> Result<u64, Problem> {
        if self.record.is_some() {
            return Ok(self.length);
        }
        Ok(std::fs::metadata(&self.files.bytes).map_err(|_| Problem::UNKNOWN_UPLOAD)?.len())
    }

    /// Writes what is told, whole or not at all.
    fn keep(&self) -> Result<(), Problem> {
        let told = serde_json::to_vec(self).map_err(|e| Problem::broken(&e))?;
        whole::write(&self.files.told, &told).map_err(|e| Problem::broken(&e))
    }

    /// Takes the document in when all its bytes are there. What is refused then is gone: its sender would only send the same again.
    async fn finish(&mut self, api: &Api) -> Result<(), Problem> {
        if self.record.is_some() || self.offset()? < self.length {
            return Ok(());
        }
        let checked = digests_of_scan(self.files.bytes.clone()).await.and_then(|digests| {
            self.push.check(&digests)?;
            Ok(digests)
        });
        let digests = match checked {
            Ok(digests) => digests,
            Err(problem) => {
                if !problem.passes() {
                    self.files.remove();
                }
                return Err(problem);
            }
        };
        let mut file = File::open(&self.files.bytes).await.map_err(|e| Problem::broken(&e))?;
        let arrived = self.push.clone().arrive(api, &mut file, digests).await?;
        self.duplicate = arrived.arrival == Arrival::Linked;
        self.record = Some(arrived.first.record);
        self.keep()?;
        // The archive has them now.
        let _ = std::fs::remove_file(&self.files.bytes);
        Ok(())
    }
}

/// Every request of the protocol names its version, every answer too.
pub async fn version(request: axum::extract::Request, next: Next) -> Response {
    let is_of_tus = [Method::POST, Method::HEAD, Method::PATCH, Method::DELETE].contains(request.method());
    let speaks = !is_of_tus || request.headers().get(RESUMABLE).is_some_and(|v| *v == VERSION);
    let mut response = if speaks { next.run(request).await } else { Problem::TUS_VERSION.into_response() };
    let headers = response.headers_mut();
    headers.insert(RESUMABLE, VERSION);
    headers.insert("tus-version", VERSION);
    response
}

/// What is spoken here, and how large an upload may be: for all, or for the station whose token came with it.
pub async fn options(State(api): State<Api>, headers: HeaderMap) -> Response {
    let station = authenticate(&api, &headers).ok();
    let extensions = HeaderValue::from_static("creation,checksum,expiration,termination");
    let mut response = StatusCode::NO_CONTENT.into_response();
    response.headers_mut().insert("tus-extension", extensions);
    response.headers_mut().insert("tus-checksum-algorithm", HeaderValue::from_static("sha256"));
    response.headers_mut().insert("tus-max-size", HeaderValue::from(most_bytes(&api, station.as_ref())));
    response
}

/// Begins an upload: `Upload-Length`, and `Upload-Metadata` with the members of a push (`name` or `filename`, `dossier`, `priority`, `sha256`).
pub async fn create(State(api): State<Api>, headers: HeaderMap) -> Result<Response, Problem> {
    let station = authenticate(&api, &headers)?;
    allowed(&api, &station)?;
    let length = number(&headers, "upload-length").ok_or(Problem::NO_LENGTH)?;
    if length > most_bytes(&api, Some(&station)) {
        return Err(Problem::TOO_LARGE);
    }
    let push = Push::of(&station, asked(&headers)?)?;
    let _coming = room_for(&api, &station.name, push.priority).await?;
    if open_uploads(&api, &station.name)? >= MOST_OPEN {
        return Err(Problem::TOO_MANY);
    }
    let random = keyring::random::<16>().map_err(|e| Problem::broken(&e))?;
    let id: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
    let files = Files::of(&api, &id).ok_or(Problem::UNKNOWN_UPLOAD)?;
    std::fs::File::create_new(&files.bytes).map_err(|e| Problem::broken(&e))?;
    Upload { files, length, push, record: None, duplicate: false }.keep()?;
    let mut response = StatusCode::CREATED.into_response();
    let location = HeaderValue::from_str(&format!("/v1/uploads/{id}")).map_err(|e| Problem::broken(&e))?;
    response.headers_mut().insert(header::LOCATION, location);
    expires(&mut response, SystemTime::now());
    Ok(response)
}

/// How far an upload is.
pub async fn head(State(api): State<Api>, Path(id): Path<String>, headers: HeaderMap) -> Result<Response, Problem> {
    let mut upload = own(&api, &id, &headers)?;
    if let Some(_turn) = api.turn(&id) {
        upload.finish(&api).await?;
    }
    let mut response = StatusCode::OK.into_response();
    response.headers_mut().insert("upload-length", HeaderValue::from(upload.length));
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    told(&mut response, &upload)?;
    Ok(response)
}

/// Continues an upload.
pub async fn patch(State(api): State<Api>, Path(id): Path<String>, headers: HeaderMap, body: Body) -> Response {
    let answer = append(&api, &id, &headers, body).await.unwrap_or_else(IntoResponse::into_response);
    api.running.count_push(answer.status());
    answer
}

async fn append(api: &Api, id: &str, headers: &HeaderMap, body: Body) -> Result<Response, Problem> {
    let Push { station, priority, .. } = own(api, id, headers)?.push;
    if headers.get(header::CONTENT_TYPE).is_none_or(|kind| kind != "application/offset+octet-stream") {
        return Err(Problem::NOT_A_PIECE);
    }
    let _coming = room_for(api, &station, priority).await?;
    let _turn = api.turn(id).ok_or(Problem::BUSY)?;
    // Looked at again: whoever had the turn before may have got further.
    let mut upload = own(api, id, headers)?;
    let offset = upload.offset()?;
    if number(headers, "upload-offset") != Some(offset) {
        return Err(Problem::OTHER_OFFSET);
    }
    if upload.record.is_none() {
        let mut file =
            tokio::fs::OpenOptions::new().append(true).open(&upload.files.bytes).await.map_err(|e| Problem::broken(&e))?;
        let received = receive(api, body, &mut file, upload.length - offset).await;
        file.sync_data().await.map_err(|e| Problem::broken(&e))?;
        let kept = match &received {
            Ok((_, whole)) => checksum(headers, &upload, offset, *whole)?,
            Err(_) => false,
        };
        if !kept {
            file.set_len(offset).await.map_err(|e| Problem::broken(&e))?;
        }
        received?;
        if !kept {
            return Err(Problem::checksum());
        }
        upload.finish(api).await?;
    }
    let mut response = StatusCode::NO_CONTENT.into_response();
    told(&mut response, &upload)?;
    if upload.record.is_none() {
        expires(&mut response, SystemTime::now());
    }
    Ok(response)
}

/// Ends an upload that nobody wants any more. A document that was taken in stays.
pub async fn delete(State(api): State<Api>, Path(id): Path<String>, headers: HeaderMap) -> Result<Response, Problem> {
    let upload = own(&api, &id, &headers)?;
    let _turn = api.turn(&id).ok_or(Problem::BUSY)?;
    upload.files.remove();
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// An upload for programs that read JSON.
pub async fn get(State(api): State<Api>, Path(id): Path<String>, headers: HeaderMap) -> Result<Response, Problem> {
    let upload = own(&api, &id, &headers)?;
    let location = upload.record.as_ref().map(|record| format!("/v1/documents/{record}"));
    let body = serde_json::json!({
        "offset": upload.offset()?, "length": upload.length, "record": upload.record, "location": location, "duplicate": upload.duplicate,
    });
    Ok(([(header::CONTENT_TYPE, "application/json")], format!("{}\n", json_line(&body))).into_response())
}

/// At the start and now and then: takes in what is whole, clears away what nobody continued.
pub async fn sweep(api: &Api) {
    let Ok(entries) = std::fs::read_dir(&api.uploads) else { return };
    for path in entries.flatten().map(|entry| entry.path()) {
        let Some(id) = path.file_name().and_then(|name| name.to_str()?.strip_suffix(".json")) else { continue };
        let Some(_turn) = api.turn(id) else { continue };
        let Ok(mut upload) = Upload::open(api, id) else { continue };
        let touched =
            [&upload.files.bytes, &upload.files.told].into_iter().filter_map(|file| file.metadata().ok()?.modified().ok()).max();
        if touched.is_some_and(|at| at.elapsed().is_ok_and(|age| age > EXPIRES)) {
            upload.files.remove();
        } else if upload.finish(api).await.is_err() {
            tracing::warn!(upload = id, "an upload of before the start could not be taken in; its station sees why when it asks");
        }
    }
}

/// The upload, for the station that began it.
fn own(api: &Api, id: &str, headers: &HeaderMap) -> Result<Upload, Problem> {
    let station = authenticate(api, headers)?;
    Upload::open(api, id)
        .and_then(|upload| if upload.push.station == station.name { Ok(upload) } else { Err(Problem::UNKNOWN_UPLOAD) })
}

fn open_uploads(api: &Api, station: &str) -> Result<usize, Problem> {
    let entries = std::fs::read_dir(&api.uploads).map_err(|e| Problem::broken(&e))?;
    let ids = entries.flatten().filter_map(|entry| entry.file_name().to_str()?.strip_suffix(".json").map(str::to_owned));
    let is_open =
        |id: &String| Upload::open(api, id).is_ok_and(|upload| upload.record.is_none() && upload.push.station == station);
    Ok(ids.filter(is_open).count())
}

/// `Upload-Metadata`: names and Base64 values.
fn asked(headers: &HeaderMap) -> Result<Asked, Problem> {
    let mut asked = Asked::default();
    let Some(metadata) = headers.get("upload-metadata") else { return Ok(asked) };
    for pair in metadata.to_str().map_err(|_| Problem::BAD_METADATA)?.split(',').map(str::trim).filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once(' ').unwrap_or((pair, ""));
        let value = STANDARD.decode(value).ok().and_then(|value| String::from_utf8(value).ok()).ok_or(Problem::BAD_METADATA)?;
        match name {
            "name" | "filename" => asked.name = Some(value),
            "dossier" => asked.dossier = Some(value),
            "priority" => asked.priority = Some(value),
            "sha256" => asked.sha256 = Some(value),
            _ => {}
        }
    }
    Ok(asked)
}

/// Whether the piece that came is the one that was sent. Without a checksum a piece that was cut off counts as far as it came.
fn checksum(headers: &HeaderMap, upload: &Upload, offset: u64, whole: bool) -> Result<bool, Problem> {
    let Some(sent) = headers.get("upload-checksum") else { return Ok(true) };
    let sent = sent.to_str().ok().and_then(|sent| sent.strip_prefix("sha256 ")).and_then(|sent| STANDARD.decode(sent).ok());
    let sent = sent.ok_or(Problem::BAD_CHECKSUM)?;
    let hash = || -> std::io::Result<Vec<u8>> {
        let mut file = std::fs::File::open(&upload.files.bytes)?;
        file.seek(SeekFrom::Start(offset))?;
        let (mut hasher, mut piece) = (Sha256::new(), vec![0; 1 << 18]);
        loop {
            match file.read(&mut piece)? {
                0 => return Ok(hasher.finalize().to_vec()),
                n => hasher.update(&piece[..n]),
            }
        }
    };
    Ok(whole && hash().map_err(|e| Problem::broken(&e))? == sent)
}

/// Where it stands, and what it became.
fn told(response: &mut Response, upload: &Upload) -> Result<(), Problem> {
    let headers = response.headers_mut();
    headers.insert(OFFSET, HeaderValue::from(upload.offset()?));
    if let Some(record) = &upload.record {
        let location = HeaderValue::from_str(&format!("/v1/documents/{record}")).map_err(|e| Problem::broken(&e))?;
        headers.insert(header::CONTENT_LOCATION, location);
        headers.insert("sohoa-duplicate", HeaderValue::from_static(if upload.duplicate { "true" } else { "false" }));
    }
    Ok(())
}

fn expires(response: &mut Response, touched: SystemTime) {
    let until = jiff::Timestamp::try_from(touched + EXPIRES).map(|until| until.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string());
    if let Some(until) = until.ok().and_then(|until| HeaderValue::from_str(&until).ok()) {
        response.headers_mut().insert("upload-expires", until);
    }
}

fn number(headers: &HeaderMap, name: &str) -> Option<u64> {
    headers.get(name)?.to_str().ok()?.parse().ok()
}
