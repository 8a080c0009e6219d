//! Who may push: a file of stations, one a line, each with its unit and the digest of its token. The token itself is shown once, when it
//! is made, and kept nowhere. The file is read for every push, so that a station that is revoked is refused at once; who changes it holds a lock
//! meanwhile, so that two changes at once (the command line's and the console's) are both made.
//!
//! ```text
//! station tram-1 H48.15 <SHA-256 of the token> 2026-11-27T08:00:00+07:00
//! revoked tram-2 - <SHA-256 of the token> 2026-11-20T08:00:00+07:00
//! ```

use crate::keyring::{self, KeyringError};
use crate::{time, whole};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use sohoa_record::Sha256Hex;
use sohoa_record::identifier::agency::is_agency;
use std::path::{Path, PathBuf};

/// What stands at the top of the file.
const HEAD: &str = "# Who may push to `sohoa serve`: name, unit, SHA-256 of the token, since when. Made by `sohoa station`.\n";

/// So tokens begin: whoever finds one in a file knows what it is.
const PREFIX: &str = "sohoa_";

/// Why the stations cannot be used.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)]
pub enum StationError {
    #[error("the stations' file {0}: {1}; check its disk and permissions")]
    File(PathBuf, std::io::Error),
    #[error("the stations' file {0}, line {1}, cannot be read; restore it from a copy, or take the line out")]
    Line(PathBuf, usize),
    #[error("a station's name is 1 to 40 letters, digits, '-', '_' or '.'; '{0}' is none")]
    Name(String),
    #[error("'{0}' is not an agency code such as H48.15")]
    Unit(String),
    #[error("there is a station '{0}' already; names are not given twice, so that old entries stay clear")]
    Taken(String),
    #[error("there is no station '{0}'; `sohoa station list` names them")]
    Unknown(String),
    #[error(transparent)]
    Random(#[from] KeyringError),
}

impl StationError {
    /// For the administrator at the console, in Vietnamese; paths stay in the log.
    pub fn vi(&self) -> String {
        match self {
            StationError::Name(name) => {
                format!("Tên trạm gồm 1 đến 40 chữ cái không dấu, chữ số, '-', '_' hoặc '.'; '{name}' không đúng")
            }
            StationError::Unit(unit) => format!("'{unit}' không phải mã đơn vị, ví dụ H48.15"),
            StationError::Taken(name) => format!("Đã có trạm '{name}'; mỗi tên chỉ dùng một lần, hãy chọn tên khác"),
            StationError::Unknown(name) => format!("Không có trạm '{name}'; hãy tải lại trang"),
            StationError::File(..) | StationError::Line(..) | StationError::Random(_) => {
                "Không đọc hoặc ghi được tệp các trạm; xem nhật ký của dịch vụ".into()
            }
        }
    }
}

/// A station.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Station {
    /// Its name, as it stands in the records.
    pub name: String,
    /// The unit that digitizes there.
    pub unit: Option<String>,
    /// SHA-256 of its token.
    #[serde(skip)]
    token: Sha256Hex,
    /// When it was made: RFC 3339.
    pub since: String,
    /// True when its token is refused.
    pub revoked: bool,
}

impl Station {
    fn parse(line: &str) -> Option<Station> {
        let words: Vec<&str> = line.split(' ').collect();
        let &[state, name, unit, token, since] = words.as_slice() else { return None };
        let revoked = match state {
            "station" => false,
            "revoked" => true,
            _ => return None,
        };
        let unit = (unit != "-").then(|| unit.to_owned());
        Some(Station { name: name.to_owned(), unit, token: token.parse().ok()?, since: since.to_owned(), revoked })
    }

    fn line(&self) -> String {
        let state = if self.revoked { "revoked" } else { "station" };
        format!("{state} {} {} {} {}\n", self.name, self.unit.as_deref().unwrap_or("-"), self.token, self.since)
    }
}

/// All stations of the file; none when there is no file.
pub fn load(file: &Path) -> Result<Vec<Station>, StationError> {
    let text = match std::fs::read_to_string(file) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(StationError::File(file.to_owned(), error)),
    };
    let lines = text.lines().enumerate().filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
    lines.map(|(n, line)| Station::parse(line).ok_or_else(|| StationError::Line(file.to_owned(), n + 1))).collect()
}

/// The station whose token that is, unless it was revoked.
pub fn of_token(file: &Path, token: &str) -> Result<Option<Station>, StationError> {
    let digest = Sha256Hex::of(token.as_bytes());
    Ok(load(file)?.into_iter().find(|station| station.token == digest && !station.revoked))
}

/// Makes a station and gives its token.
pub fn add(file: &Path, name: &str, unit: Option<&str>) -> Result<String, StationError> {
    let fits = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.');
    if name.is_empty() || name.chars().count() > 40 || !name.chars().all(fits) {
        return Err(StationError::Name(name.chars().take(60).collect()));
    }
    if let Some(unit) = unit.filter(|unit| !is_agency(unit)) {
        return Err(StationError::Unit(unit.chars().take(60).collect()));
    }
    let _lock = lock(file)?;
    let mut stations = load(file)?;
    if stations.iter().any(|station| station.name == name) {
        return Err(StationError::Taken(name.to_owned()));
    }
    let token = format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(*keyring::random::<32>()?));
    stations.push(Station {
        name: name.to_owned(),
        unit: unit.map(str::to_owned),
        token: Sha256Hex::of(token.as_bytes()),
        since: time::rfc3339(&time::now()),
        revoked: false,
    });
    write(file, &stations)?;
    Ok(token)
}

/// Refuses a station's token from now on. Its line stays: what it pushed stays named.
pub fn revoke(file: &Path, name: &str) -> Result<(), StationError> {
    let _lock = lock(file)?;
    let mut stations = load(file)?;
    let station = stations.iter_mut().find(|station| station.name == name);
    station.ok_or_else(|| StationError::Unknown(name.to_owned()))?.revoked = true;
    write(file, &stations)
}

/// Held from reading to writing.
fn lock(file: &Path) -> Result<std::fs::File, StationError> {
    whole::lock(file).map_err(|e| StationError::File(file.to_owned(), e))
}

fn write(file: &Path, stations: &[Station]) -> Result<(), StationError> {
    let text: String = stations.iter().map(Station::line).collect();
    whole::write(file, format!("{HEAD}{text}").as_bytes()).map_err(|e| StationError::File(file.to_owned(), e))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_names_its_station_until_it_is_revoked() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("keys/stations");
        assert_eq!(of_token(&file, "sohoa_x").unwrap(), None);
        let (one, two) = (add(&file, "trạm-1", Some("H48.15")).unwrap(), add(&file, "tram-2", None).unwrap());
        assert!(one.starts_with(PREFIX) && one != two && one.len() == PREFIX.len() + 43);
        let found = of_token(&file, &one).unwrap().unwrap();
        assert_eq!((found.name.as_str(), found.unit.as_deref()), ("trạm-1", Some("H48.15")));
        assert!(!std::fs::read_to_string(&file).unwrap().contains(&one[PREFIX.len()..]), "the token is kept nowhere");
        revoke(&file, "trạm-1").unwrap();
        assert_eq!(of_token(&file, &one).unwrap(), None);
        assert!(of_token(&file, &two).unwrap().is_some());
        assert_eq!(load(&file).unwrap().len(), 2, "the line stays");
    }

    #[test]
    fn changes_at_once_are_all_made() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("keys/stations");
        for n in 0..20 {
            add(&file, &format!("old-{n}"), None).unwrap();
        }
        std::thread::scope(|scope| {
            for n in 0..20 {
                let file = &file;
                scope.spawn(move || revoke(file, &format!("old-{n}")).unwrap());
                scope.spawn(move || add(file, &format!("new-{n}"), None).unwrap());
                scope.spawn(move || add(file, "same", None).is_ok());
            }
        });
        let stations = load(&file).unwrap();
        assert_eq!(stations.iter().filter(|station| station.revoked).count(), 20, "a revocation that is lost lets somebody in");
        assert_eq!(stations.iter().filter(|station| station.name.starts_with("new-")).count(), 20);
        assert_eq!(stations.iter().filter(|station| station.name == "same").count(), 1, "a name is given once");
    }

    #[test]
    fn mistakes_are_told() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("stations");
        add(&file, "a", None).unwrap();
        for (name, unit) in [("a", None), ("", None), ("a b", None), ("b\n", None), ("b", Some("xã"))] {
            assert!(add(&file, name, unit).is_err(), "{name:?} {unit:?}");
        }
        assert!(matches!(revoke(&file, "b"), Err(StationError::Unknown(_))));
        std::fs::write(&file, "station a\n").unwrap();
        assert!(matches!(load(&file), Err(StationError::Line(_, 1))));
    }
}
