//! One push, whatever its way: who sends it, what is told of it before the bytes, where the bytes are written, how it comes into the archive.

use super::problem::Problem;
use super::{Api, Running};
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
use sohoa_record::{Digests, DossierCode, Hasher, Sha256Hex};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::fs::File;
use tokio::io::AsyncWriteExt as _;

/// A sender that is silent for so long is gone …
const SILENCE: Duration = Duration::from_secs(30);
/// … and so is one that after this long sends fewer bytes a second than any line: it would only hold a place.
const PATIENCE: Duration = Duration::from_secs(30);
const SLOWEST: u64 = 4 * 1024;
/// Of one station so many bodies may be under way.
const MOST_COMING: u64 = 32;
/// The disk is asked again after so many bytes of a body.
const ASK_DISK: u64 = 32 << 20;
const LONGEST_NAME: usize = 255;
/// So many bytes are looked at to tell what a file is: a PDF may begin with other bytes (ISO 32000-2, annex H).
const HEAD: usize = 1024;

/// What a sender tells of a document, not yet believed.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Asked {
    /// The file's name.
    pub name: Option<String>,
    /// The dossier's code; without it the one in the name, if there is one.
    pub dossier: Option<String>,
    /// `counter`, `station` or `backlog`.
    pub priority: Option<String>,
    /// SHA-256 of the bytes as the sender has them, hex.
    pub sha256: Option<String>,
    /// What the header `Content-Digest` says of them.
    #[serde(skip)]
    pub digests: Vec<SentDigest>,
}

/// A digest that came with the bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SentDigest {
    /// SHA-256, hex.
    Sha256(String),
    /// SHA-512, hex.
    Sha512(String),
}

/// A document that is pushed.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Push {
    /// Who pushes.
    pub station: String,
    unit: Option<String>,
    name: String,
    dossier: Option<DossierCode>,
    /// Who waits for it.
    pub priority: Priority,
    digests: Vec<SentDigest>,
}

impl Push {
    /// What is told must make sense before a byte is taken.
    pub fn of(station: &Station, asked: Asked) -> Result<Push, Problem> {
        let name = nfc(&asked.name.unwrap_or_default());
        if !is_name(&name) {
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
        let mut digests = asked.digests;
        if let Some(hex) = asked.sha256 {
            let hex: Sha256Hex = hex.to_lowercase().parse().map_err(|_| Problem::BAD_DIGEST)?;
            digests.push(SentDigest::Sha256(hex.to_string()));
        }
        Ok(Push { station: station.name.clone(), unit: station.unit.clone(), name, dossier, priority, digests })
    }

    /// The bytes that came must be those that were sent.
    pub fn check(&self, came: &Digests) -> Result<(), Problem> {
        let is_that = |sent: &SentDigest| match sent {
            SentDigest::Sha256(hex) => came.sha256.as_str() == hex,
            SentDigest::Sha512(hex) => came.sha512.as_str() == hex,
        };
        if self.digests.iter().all(is_that) { Ok(()) } else { Err(Problem::DIGEST_DIFFERS) }
    }

    /// Takes the bytes into the archive, which came into this file and have these digests.
    pub async fn arrive(self, api: &Api, file: &mut File, came: Digests) -> Result<Arrived, Problem> {
        let (found, ordinal) = DossierCode::find_in(&self.name).map_or((None, None), |(code, nth)| (Some(code), nth));
        let dossier = Dossier { code: self.dossier.or(found), folder: self.station.clone(), ordinal, unit: None };
        let unit = self.unit.as_deref().or(Some(api.config.archive.unit.as_str()).filter(|unit| !unit.is_empty()));
        let path = place(&self.station, &self.name);
        let arriving = arrive::arriving(self.name, path, dossier, unit, self.priority.rank());
        let arrived = api.archive.arrive(arriving, SourceBytes::Read(file, came)).await.map_err(|e| Problem::of(&e))?;
        api.running.changed.notify_waiters();
        Ok(arrived)
    }
}

/// A name that people can read and every system can write: not empty, without paths, control characters or what turns text around.
fn is_name(name: &str) -> bool {
    let unseen = |c: char| {
        c.is_control()
            || matches!(c, '/' | '\\' | '\u{fffd}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
    };
    name.len() <= LONGEST_NAME && !name.trim_matches(['.', ' ']).is_empty() && name.trim() == name && !name.contains(unseen)
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

/// Counts a push that a station begins; too many in a minute are put off, whoever else pushes.
pub fn allowed(api: &Api, station: &Station) -> Result<(), Problem> {
    let per_minute = match station.limits.per_minute {
        0 => api.config.serve.station_per_minute,
        own => own,
    };
    let taken = api.running.allowances.take(&station.name, per_minute, Instant::now());
    taken.map_err(Problem::too_fast)
}

/// The place of a body that is coming; it is given back when it is dropped.
pub struct Coming {
    running: Arc<Running>,
    place: (String, i64),
}

impl Drop for Coming {
    fn drop(&mut self) {
        if let Ok(mut coming) = self.running.coming.lock()
            && let Some(many) = coming.get_mut(&self.place)
        {
            *many = many.saturating_sub(1);
        }
    }
}

/// Takes a place for another document of a station, if there is room. What is under way counts as waiting. What is less urgent takes no
/// room away: a citizen at the counter does not wait for a backlog to be done.
pub async fn room_for(api: &Api, station: &str, priority: Priority) -> Result<Coming, Problem> {
    let queued = api.archive.queue.queued_by_priority().await.map_err(|e| Problem::broken(&e))?;
    let waiting: u64 = queued.range(priority.rank()..).map(|(_, many)| many).sum();
    disk_has_room(api)?;
    match api.archive.check_is_there().await {
        Err(sohoa_archive::Error::Away) => return Err(Problem::STORE_AWAY),
        checked => checked.map_err(|e| Problem::broken(&e))?,
    }
    let mut coming = api.running.coming.lock().map_err(|e| Problem::broken(&e))?;
    let all: u64 = coming.iter().filter(|((_, other), _)| *other >= priority.rank()).map(|(_, many)| many).sum();
    let own: u64 = coming.iter().filter(|((other, _), _)| other == station).map(|(_, many)| many).sum();
    if waiting + all >= api.config.serve.most_waiting {
        return Err(Problem::TOO_MANY);
    }
    if own >= MOST_COMING {
        return Err(Problem::STATION_BUSY);
    }
    let place = (station.to_owned(), priority.rank());
    *coming.entry(place.clone()).or_default() += 1;
    Ok(Coming { running: Arc::clone(&api.running), place })
}

fn disk_has_room(api: &Api) -> Result<(), Problem> {
    if api.free_mb().is_some_and(|free| free < api.config.serve.min_free_mb) { Err(Problem::DISK_LOW) } else { Ok(()) }
}

/// The most bytes that a document of a station may have; of whoever is not known, what holds for all.
pub fn most_bytes(api: &Api, station: Option<&Station>) -> u64 {
    api.config.most_mb(station.map_or(0, |station| station.limits.most_mb)) << 20
}

/// The digests of a `Content-Digest` header (RFC 9530): `sha-256=:…:, sha-512=:…:`. Other algorithms are passed over, but one that we know must
/// be there: whoever sends the header wants the bytes checked.
pub fn content_digests(header: &HeaderValue) -> Result<Vec<SentDigest>, Problem> {
    let text = header.to_str().map_err(|_| Problem::BAD_DIGEST)?;
    let mut digests = Vec::new();
    for member in text.split(',') {
        let (algorithm, value) = member.trim().split_once('=').ok_or(Problem::BAD_DIGEST)?;
        let encoded = value.strip_prefix(':').and_then(|value| value.strip_suffix(':')).ok_or(Problem::BAD_DIGEST)?;
        let bytes = STANDARD.decode(encoded).map_err(|_| Problem::BAD_DIGEST)?;
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        match (algorithm, bytes.len()) {
            ("sha-256", 32) => digests.push(SentDigest::Sha256(hex)),
            ("sha-512", 64) => digests.push(SentDigest::Sha512(hex)),
            ("sha-256" | "sha-512", _) => return Err(Problem::BAD_DIGEST),
            _ => {}
        }
    }
    if digests.is_empty() { Err(Problem::BAD_DIGEST) } else { Ok(digests) }
}

/// Streams the bytes of a request into a file, from where it stands; at most `most` of them. Gives how many came, and whether all that were
/// meant to: of what was cut off, what is written counts.
pub async fn receive(api: &Api, body: Body, file: &mut File, most: u64) -> Result<(u64, bool), Problem> {
    let (began, mut asked) = (Instant::now(), 0);
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
        if size - asked >= ASK_DISK {
            disk_has_room(api)?;
            asked = size;
        }
        writer.write_all(&piece).await.map_err(|e| not_written(&e))?;
        let took = began.elapsed();
        if took > PATIENCE && size < took.as_secs() * SLOWEST {
            whole = false;
            break;
        }
    }
    writer.flush().await.map_err(|e| not_written(&e))?;
    Ok((size, whole))
}

fn not_written(error: &std::io::Error) -> Problem {
    if error.kind() == std::io::ErrorKind::StorageFull { Problem::DISK_LOW } else { Problem::broken(error) }
}

/// Reads a received file: what it is the digest of, and that it begins as a scan does.
pub async fn digests_of_scan(path: std::path::PathBuf) -> Result<Digests, Problem> {
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
        _ => Ok(digests),
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
    fn digests_are_taken_from_their_header() {
        // printf hello | openssl dgst -sha256 -binary | base64
        let hello = "md5=:XUFAKrxLKna5cZ2REBfFkg==:, sha-256=:LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=:";
        let found = content_digests(&HeaderValue::from_static(hello)).unwrap();
        assert_eq!(found, [SentDigest::Sha256(Sha256Hex::of(b"hello").to_string())]);
        for bad in
            ["hello", "sha-256=LPJN", "sha-256=:!:", "sha-256=:aGVsbG8=:", "md5=:XUFAKrxLKna5cZ2REBfFkg==:", "sha-512=:aGVsbG8=:"]
        {
            assert!(content_digests(&HeaderValue::from_static(bad)).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_name_is_one_that_people_can_read() {
        for good in ["a.pdf", "Quyết định 51.pdf", "..a.pdf", "một (2).tif"] {
            assert!(is_name(good), "{good:?}");
        }
        for bad in [
            "",
            " ",
            ".",
            "..",
            " a.pdf",
            "a/b.pdf",
            "a\\b.pdf",
            "a\0.pdf",
            "\u{202e}fdp.exe",
            "\u{200b}",
            "a\u{fffd}.pdf",
            &"a".repeat(256),
        ] {
            assert!(!is_name(bad), "{bad:?}");
        }
    }
}
