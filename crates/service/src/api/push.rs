//! One push, whatever its way: who sends it, what is told of it before the bytes, where the bytes are written, how it comes into the archive.

use super::Api;
use super::problem::Problem;
use crate::arrive;
use crate::config::Priority;
use crate::stations::{self, Station};
use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, header};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures::StreamExt as _;
use serde::{Deserialize, Serialize};
use sohoa_archive::SourceBytes;
use sohoa_archive::store::Arrived;
use sohoa_record::manifest::Dossier;
use sohoa_record::text::nfc;
use sohoa_record::{DossierCode, Hasher, Sha256Hex};
use std::time::Duration;
use tokio::fs::File;
use tokio::io::AsyncWriteExt as _;

/// A sender that is silent for so long is gone.
const SILENCE: Duration = Duration::from_secs(30);
const LONGEST_NAME: usize = 255;
/// So many bytes are looked at to tell what a file is: a PDF may begin with other bytes (ISO 32000-2, annex H).
const HEAD: usize = 1024;

/// What a sender tells of a document, not yet believed.
#[derive(Default, Deserialize)]
pub struct Asked {
    /// The file's name.
    pub name: Option<String>,
    /// The dossier's code; without it the one in the name, if there is one.
    pub dossier: Option<String>,
    /// `counter`, `station` or `backlog`.
    pub priority: Option<String>,
    /// SHA-256 of the bytes as the sender has them, hex.
    pub sha256: Option<String>,
}

/// A document that is pushed.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Push {
    /// Who pushes.
    pub station: String,
    unit: Option<String>,
    name: String,
    dossier: Option<DossierCode>,
    priority: Priority,
    sha256: Option<Sha256Hex>,
}

impl Push {
    /// What is told must make sense before a byte is taken.
    pub fn of(station: &Station, asked: Asked) -> Result<Push, Problem> {
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
        let sha256 = match asked.sha256 {
            Some(hex) => Some(hex.to_lowercase().parse().map_err(|_| Problem::BAD_DIGEST)?),
            None => None,
        };
        Ok(Push { station: station.name.clone(), unit: station.unit.clone(), name, dossier, priority, sha256 })
    }

    /// The bytes that came must be those that were sent.
    pub fn check(&self, sha256: &Sha256Hex) -> Result<(), Problem> {
        if self.sha256.as_ref().is_some_and(|sent| sent != sha256) { Err(Problem::DIGEST_DIFFERS) } else { Ok(()) }
    }

    /// Takes the bytes into the archive.
    pub async fn arrive(self, api: &Api, file: &mut File) -> Result<Arrived, Problem> {
        let (found, ordinal) = DossierCode::find_in(&self.name).map_or((None, None), |(code, nth)| (Some(code), nth));
        let dossier = Dossier { code: self.dossier.or(found), folder: self.station.clone(), ordinal, unit: None };
        let unit = self.unit.as_deref().or(Some(api.config.archive.unit.as_str()).filter(|unit| !unit.is_empty()));
        let path = place(&self.station, &self.name);
        let arriving = arrive::arriving(self.name, path, dossier, unit, self.priority.rank());
        let arrived = api.archive.arrive(arriving, SourceBytes::File(file)).await.map_err(|e| Problem::broken(&e))?;
        api.running.changed.notify_waiters();
        Ok(arrived)
    }
}

/// What a station pushes has this place, as a file has its path.
pub fn place(station: &str, name: &str) -> String {
    format!("station:{station}/{name}")
}

/// The station whose token came with the request.
pub fn authenticate(api: &Api, headers: &HeaderMap) -> Result<Station, Problem> {
    let sent = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let token = sent.and_then(|value| value.strip_prefix("Bearer ")).ok_or(Problem::NO_TOKEN)?;
    let file = api.config.path(&api.config.serve.stations);
    stations::of_token(&file, token.trim()).map_err(|e| Problem::broken(&e))?.ok_or(Problem::UNKNOWN_TOKEN)
}

/// Whether there is room for another document.
pub async fn has_room(api: &Api) -> Result<(), Problem> {
    let waiting = api.archive.queue.counts().await.map_err(|e| Problem::broken(&e))?.queued;
    if waiting >= api.config.serve.most_waiting {
        return Err(Problem::TOO_MANY);
    }
    if api.free_mb().is_some_and(|free| free < api.config.serve.min_free_mb) {
        return Err(Problem::DISK_LOW);
    }
    Ok(())
}

/// The most bytes that a document may have.
pub fn most_bytes(api: &Api) -> u64 {
    api.config.decode.max_source_mb << 20
}

/// `sha-256=:…:` of a list of digests (RFC 9530) as hex; others are passed over.
pub fn content_digest(header: &HeaderValue) -> Result<Option<String>, Problem> {
    let text = header.to_str().map_err(|_| Problem::BAD_DIGEST)?;
    let Some(value) = text.split(',').find_map(|member| member.trim().strip_prefix("sha-256=")) else { return Ok(None) };
    let encoded = value.strip_prefix(':').and_then(|value| value.strip_suffix(':')).ok_or(Problem::BAD_DIGEST)?;
    let bytes = STANDARD.decode(encoded).map_err(|_| Problem::BAD_DIGEST)?;
    Ok(Some(bytes.iter().map(|byte| format!("{byte:02x}")).collect()))
}

/// Streams the bytes of a request into a file, from where it stands; at most `most` of them. Gives how many came, and whether all that were
/// meant to: of what was cut off, what is written counts.
pub async fn receive(body: Body, file: &mut File, most: u64) -> Result<(u64, bool), Problem> {
    let mut writer = tokio::io::BufWriter::with_capacity(1 << 18, file);
    let (mut stream, mut size, mut whole) = (body.into_data_stream(), 0u64, true);
    loop {
        let piece = match tokio::time::timeout(SILENCE, stream.next()).await {
            Ok(Some(Ok(piece))) => piece,
            Ok(None) => break,
            Ok(Some(Err(_))) | Err(_) => {
                whole = false;
                break;
            }
        };
        if size + piece.len() as u64 > most {
            return Err(Problem::TOO_LARGE);
        }
        size += piece.len() as u64;
        writer.write_all(&piece).await.map_err(|e| Problem::broken(&e))?;
    }
    writer.flush().await.map_err(|e| Problem::broken(&e))?;
    Ok((size, whole))
}

/// Reads a received file: what it is the digest of, and that it begins as a scan does.
pub async fn digest_of_scan(path: std::path::PathBuf) -> Result<Sha256Hex, Problem> {
    let read = tokio::task::spawn_blocking(move || {
        use std::io::Read as _;
        let mut file = std::fs::File::open(path)?;
        let (mut hasher, mut piece, mut head) = (Hasher::new(), vec![0; 1 << 18], Vec::new());
        loop {
            match file.read(&mut piece)? {
                0 => return Ok((hasher.finish(), head)),
                n => {
                    head.extend_from_slice(&piece[..n.min(HEAD - head.len().min(HEAD))]);
                    hasher.update(&piece[..n]);
                }
            }
        }
    });
    let (digests, head) = read.await.map_err(|e| Problem::broken(&e))?.map_err(|e: std::io::Error| Problem::broken(&e))?;
    match digests.size {
        0 => Err(Problem::EMPTY),
        _ if !is_scan(&head) => Err(Problem::NOT_A_SCAN),
        _ => Ok(digests.sha256),
    }
}

/// True when the bytes begin as those of a PDF, TIFF, JPEG or PNG do. Whether they keep the promise is for decode to say.
fn is_scan(head: &[u8]) -> bool {
    let images: [&[u8]; 6] = [b"II*\0", b"MM\0*", b"II+\0", b"MM\0+", b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n"];
    images.iter().any(|magic| head.starts_with(magic)) || head.windows(5).any(|window| window == b"%PDF-")
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
        assert_eq!(found, Sha256Hex::of(b"hello").as_str());
        assert!(content_digest(&HeaderValue::from_static("md5=:x:")).unwrap().is_none());
        for bad in ["sha-256=LPJN", "sha-256=:!:"] {
            assert!(content_digest(&HeaderValue::from_static(bad)).is_err(), "{bad}");
        }
    }
}
