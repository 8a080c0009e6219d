//! Who may push: a file of stations, one a line, each with its unit, the digest of its token, and limits of its own where it has some. The
//! token itself is shown once, when it is made, and kept nowhere. The file is read for every push, so that a station that is revoked is refused at once; who changes it holds a lock
//! meanwhile, so that two changes at once (the command line's and the console's) are both made.
//!
//! ```text
//! station tram-1 H48.15 <SHA-256 of the token> 2026-11-27T08:00:00+07:00
//! station may-3 - <SHA-256 of the token> 2026-11-28T08:00:00+07:00 per-minute=60 most-mb=20
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
const HEAD: &str = "# Who may push to `sohoa serve`: name, unit, SHA-256 of the token, since when, limits of its own. Made by `sohoa station`.\n";

/// So tokens begin: whoever finds one in a file knows what it is.
const PREFIX: &str = "sohoa_";

/// A limit of its own is at most this, as the one of the configuration.
const MOST_PER_MINUTE: u64 = 1_000_000;
const MOST_MB: u64 = 1 << 20;

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
    #[error("a station's limit is 0 (as pipeline.toml says) to 1000000 pushes a minute and 0 to 1048576 megabytes; {0} is none")]
    Limit(u64),
    #[error("there is a station '{0}' already; names are not given twice, so that old entries stay clear")]
    Taken(String),
    #[error("the token of station '{0}' is refused; make a station with another name")]
    Revoked(String),
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
            StationError::Limit(limit) => {
                format!("Giới hạn của trạm: 0 (theo cấu hình) đến 1000000 tệp mỗi phút và 0 đến 1048576 MB; {limit} không đúng")
            }
            StationError::Taken(name) => format!("Đã có trạm '{name}'; mỗi tên chỉ dùng một lần, hãy chọn tên khác"),
            StationError::Revoked(name) => format!("Trạm '{name}' đã bị thu hồi; hãy lập trạm mới với tên khác"),
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
    /// What it may send.
    #[serde(flatten)]
    pub limits: Limits,
}

/// What a station may send; 0 is what the configuration says for all (`[serve] station_per_minute`, `most_mb`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Limits {
    /// Pushes that it may begin in a minute.
    pub per_minute: u64,
    /// The most megabytes of one document.
    pub most_mb: u64,
}

impl Limits {
    /// `per-minute=60 most-mb=20`; nothing of what the configuration says.
    fn words(self) -> String {
        let own = [("per-minute", self.per_minute), ("most-mb", self.most_mb)].into_iter().filter(|(_, limit)| *limit > 0);
        own.map(|(name, limit)| format!(" {name}={limit}")).collect()
    }

    fn parse(words: &[&str]) -> Option<Limits> {
        let mut limits = Limits::default();
        for word in words {
            match word.split_once('=')? {
                ("per-minute", limit) => limits.per_minute = limit.parse().ok()?,
                ("most-mb", limit) => limits.most_mb = limit.parse().ok()?,
                _ => return None,
            }
        }
        limits.check().ok().map(|()| limits)
    }

    fn check(self) -> Result<(), StationError> {
        let limits = [(self.per_minute, MOST_PER_MINUTE), (self.most_mb, MOST_MB)];
        limits.into_iter().find(|(limit, most)| limit > most).map_or(Ok(()), |(limit, _)| Err(StationError::Limit(limit)))
    }
}

impl Station {
    fn parse(line: &str) -> Option<Station> {
        let words: Vec<&str> = line.split(' ').collect();
        // Lines of before stations had limits end with the time.
        let [state, name, unit, token, since, limits @ ..] = words.as_slice() else { return None };
        let revoked = match *state {
            "station" => false,
            "revoked" => true,
            _ => return None,
        };
        let unit = (*unit != "-").then(|| (*unit).to_owned());
        let (name, token, since) = ((*name).to_owned(), token.parse().ok()?, (*since).to_owned());
        Some(Station { name, unit, token, since, revoked, limits: Limits::parse(limits)? })
    }

    fn line(&self) -> String {
        let state = if self.revoked { "revoked" } else { "station" };
        let (unit, limits) = (self.unit.as_deref().unwrap_or("-"), self.limits.words());
        format!("{state} {} {unit} {} {}{limits}\n", self.name, self.token, self.since)
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
pub fn add(file: &Path, name: &str, unit: Option<&str>, limits: Limits) -> Result<String, StationError> {
    let fits = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.');
    if name.is_empty() || name.chars().count() > 40 || !name.chars().all(fits) {
        return Err(StationError::Name(name.chars().take(60).collect()));
    }
    if let Some(unit) = unit.filter(|unit| !is_agency(unit)) {
        return Err(StationError::Unit(unit.chars().take(60).collect()));
    }
    limits.check()?;
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
        limits,
    });
    write(file, &stations)?;
    Ok(token)
}

/// Refuses a station's token from now on. Its line stays: what it pushed stays named.
pub fn revoke(file: &Path, name: &str) -> Result<(), StationError> {
    change(file, name, |station| {
        station.revoked = true;
        Ok(())
    })
}

/// Gives a station other limits, from its next push on.
pub fn limit(file: &Path, name: &str, set: impl FnOnce(&mut Limits)) -> Result<(), StationError> {
    change(file, name, |station| {
        if station.revoked {
            return Err(StationError::Revoked(name.to_owned()));
        }
        set(&mut station.limits);
        Ok(())
    })
}

fn change(file: &Path, name: &str, set: impl FnOnce(&mut Station) -> Result<(), StationError>) -> Result<(), StationError> {
    let _lock = lock(file)?;
    let mut stations = load(file)?;
    let station = stations.iter_mut().find(|station| station.name == name);
    let station = station.ok_or_else(|| StationError::Unknown(name.to_owned()))?;
    set(station)?;
    station.limits.check()?;
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

    /// As the configuration says for all.
    const ALL: Limits = Limits { per_minute: 0, most_mb: 0 };

    #[test]
    fn a_token_names_its_station_until_it_is_revoked() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("keys/stations");
        assert_eq!(of_token(&file, "sohoa_x").unwrap(), None);
        let (one, two) = (add(&file, "trạm-1", Some("H48.15"), ALL).unwrap(), add(&file, "tram-2", None, ALL).unwrap());
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
    fn a_file_of_before_stations_had_limits_is_read_and_a_limit_is_kept() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("stations");
        // As version 0.6 wrote it.
        let old = format!(
            "# Who may push\nstation tram-1 H48.15 {0} 2026-11-27T08:00:00+07:00\nrevoked tram-2 - {0} 2026-11-20T08:00:00+07:00\n",
            "ab".repeat(32)
        );
        std::fs::write(&file, &old).unwrap();
        assert_eq!(load(&file).unwrap().iter().map(|station| station.limits).collect::<Vec<_>>(), [ALL, ALL]);
        limit(&file, "tram-1", |own| own.per_minute = 60).unwrap();
        limit(&file, "tram-1", |own| own.most_mb = 20).unwrap();
        assert_eq!(load(&file).unwrap()[0].limits, Limits { per_minute: 60, most_mb: 20 });
        limit(&file, "tram-1", |own| *own = ALL).unwrap();
        let lines = |text: &str| text.lines().skip(1).map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(lines(&std::fs::read_to_string(&file).unwrap()), lines(&old), "an older program reads what has no limits");
        std::fs::write(&file, old.replace("+07:00\nrevoked", "+07:00 per-minute=fast\nrevoked")).unwrap();
        assert!(
            matches!(load(&file), Err(StationError::Line(_, 2))),
            "a limit that nobody understands is none that is passed over"
        );
    }

    #[test]
    fn changes_at_once_are_all_made() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("keys/stations");
        for n in 0..20 {
            add(&file, &format!("old-{n}"), None, ALL).unwrap();
        }
        std::thread::scope(|scope| {
            for n in 0..20 {
                let file = &file;
                scope.spawn(move || revoke(file, &format!("old-{n}")).unwrap());
                scope.spawn(move || add(file, &format!("new-{n}"), None, ALL).unwrap());
                scope.spawn(move || add(file, "same", None, ALL).is_ok());
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
        add(&file, "a", None, ALL).unwrap();
        for (name, unit) in [("a", None), ("", None), ("a b", None), ("b\n", None), ("b", Some("xã"))] {
            assert!(add(&file, name, unit, ALL).is_err(), "{name:?} {unit:?}");
        }
        assert!(matches!(
            add(&file, "b", None, Limits { per_minute: 1_000_001, most_mb: 0 }),
            Err(StationError::Limit(1_000_001))
        ));
        assert!(matches!(limit(&file, "a", |own| own.most_mb = u64::MAX), Err(StationError::Limit(_))));
        assert!(matches!(limit(&file, "b", |own| own.most_mb = 1), Err(StationError::Unknown(_))));
        assert!(matches!(revoke(&file, "b"), Err(StationError::Unknown(_))));
        add(&file, "gone", None, ALL).unwrap();
        revoke(&file, "gone").unwrap();
        assert!(matches!(limit(&file, "gone", |own| own.most_mb = 1), Err(StationError::Revoked(_))));
        std::fs::write(&file, "station a\n").unwrap();
        assert!(matches!(load(&file), Err(StationError::Line(_, 1))));
    }
}
