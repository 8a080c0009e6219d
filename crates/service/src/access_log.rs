//! Who looked at what: a file a day of JSON lines, which only grow. No line has personal data of a paper: records are named by their
//! identifiers, and of a search there is how much it found, not what was sought.
//!
//! A line is with the kernel before the caller goes on, so it outlives the process. It is on the disk, too, when it tells of more than a look
//! (signing in, a decision, something taken away, a change of people); looks are, at the latest, with the first line a second later, so a
//! power cut costs those of the last moments.

mod backwards;

use crate::people::role::Role;
use crate::{time, whole};
use backwards::LinesFromTheEnd;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use sohoa_record::identifier::RecordId;
use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::net::IpAddr;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// From where a change comes that was made on the machine itself, by a command.
pub const TERMINAL: &str = "terminal";
/// Looks wait so long for the disk.
const SYNC_AFTER: Duration = Duration::from_secs(1);
/// The newest sign-ins that are looked at after a start.
const MOST_SIGN_INS: usize = 10_000;

/// Why something cannot be noted or read. What cannot be noted must not be shown.
#[derive(Debug, thiserror::Error)]
pub enum AccessLogError {
    /// The folder or a file in it.
    #[error("the access log {0}: {1}; check its disk and permissions: nothing is shown that cannot be noted")]
    File(PathBuf, std::io::Error),
    /// The service ends at this moment.
    #[error("the access log was not written, since the service stops: {0}")]
    Stopped(tokio::task::JoinError),
}

/// A line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// When: RFC 3339 with milliseconds, +07:00.
    pub at: String,
    /// Who: their login; empty when somebody without one was refused. From the terminal, the user of the machine.
    pub login: String,
    /// What they were there for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<Role>,
    /// From where: an address, or `terminal`.
    pub from: String,
    /// What they did.
    #[serde(flatten)]
    pub act: Act,
}

/// What somebody did. The names stand in files and are never renamed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum Act {
    SignIn,
    /// Login, password or code was wrong, or the person is disabled.
    SignInRefused,
    /// By way of an OpenID provider.
    OidcSignIn,
    /// A provider knows them, and we do not, or they are disabled.
    OidcSignInRefused,
    SignOut,
    PasswordChanged,
    /// One-time codes, by the person themselves.
    TotpOn,
    TotpOff,
    /// A record's fields, text or history.
    Record {
        record: RecordId,
        revision: u32,
    },
    /// A page's image, or a part of it.
    Page {
        record: RecordId,
        revision: u32,
        page: u32,
    },
    Pdf {
        record: RecordId,
        revision: u32,
    },
    Proof {
        record: RecordId,
        revision: u32,
    },
    Export {
        record: RecordId,
        revision: u32,
    },
    /// A list of records that was not searched for.
    List {
        results: u64,
    },
    Search {
        results: u64,
    },
    /// A decision that became this revision.
    Decision {
        record: RecordId,
        revision: u32,
        decision: Decision,
    },
    /// Work was held up, let go on, or asked for again.
    Batch {
        change: BatchChange,
    },
    /// People or stations were changed; `on` is a login or a station's name.
    Administer {
        change: Change,
        on: String,
    },
    /// This log was read.
    AccessLog {
        results: u64,
    },
}

/// What was decided on a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum Decision {
    Accept,
    Correct,
    Skip,
    Reject,
    SecondAccept,
    SecondCorrect,
}

/// What was done about batches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum BatchChange {
    Start,
    Pause,
    Resume,
    Retry,
}

/// What was changed about a person or station.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum Change {
    NewPerson,
    Password,
    Totp,
    Role,
    Disable,
    Enable,
    NewStation,
    LimitStation,
    RevokeStation,
}

impl Act {
    /// All names, as filters know them.
    pub const NAMES: [&str; 19] = [
        "sign_in",
        "sign_in_refused",
        "oidc_sign_in",
        "oidc_sign_in_refused",
        "sign_out",
        "password_changed",
        "totp_on",
        "totp_off",
        "record",
        "page",
        "pdf",
        "proof",
        "export",
        "list",
        "search",
        "decision",
        "batch",
        "administer",
        "access_log",
    ];

    /// Its name in the files, for filters.
    pub fn name(&self) -> &'static str {
        match self {
            Act::SignIn => "sign_in",
            Act::SignInRefused => "sign_in_refused",
            Act::OidcSignIn => "oidc_sign_in",
            Act::OidcSignInRefused => "oidc_sign_in_refused",
            Act::SignOut => "sign_out",
            Act::PasswordChanged => "password_changed",
            Act::TotpOn => "totp_on",
            Act::TotpOff => "totp_off",
            Act::Record { .. } => "record",
            Act::Page { .. } => "page",
            Act::Pdf { .. } => "pdf",
            Act::Proof { .. } => "proof",
            Act::Export { .. } => "export",
            Act::List { .. } => "list",
            Act::Search { .. } => "search",
            Act::Decision { .. } => "decision",
            Act::Batch { .. } => "batch",
            Act::Administer { .. } => "administer",
            Act::AccessLog { .. } => "access_log",
        }
    }

    /// The record that it is about.
    pub fn record(&self) -> Option<&RecordId> {
        match self {
            Act::Record { record, .. }
            | Act::Page { record, .. }
            | Act::Pdf { record, .. }
            | Act::Proof { record, .. }
            | Act::Export { record, .. }
            | Act::Decision { record, .. } => Some(record),
            _ => None,
        }
    }

    fn is_a_look(&self) -> bool {
        matches!(self, Act::Record { .. } | Act::Page { .. } | Act::List { .. } | Act::Search { .. } | Act::AccessLog { .. })
    }
}

/// Which lines are wanted; what is None does not matter.
#[derive(Clone, Debug, Default)]
#[allow(missing_docs)]
pub struct Filter {
    pub login: Option<String>,
    /// [`Act::name`].
    pub what: Option<String>,
    pub record: Option<RecordId>,
    /// The first day, in Vietnam.
    pub since: Option<Date>,
    /// The last day.
    pub until: Option<Date>,
}

impl Filter {
    /// What stands in every line that is wanted: most lines need not be read further than that.
    fn signs(&self) -> Vec<String> {
        let sign = |key: &str, value: &str| format!("\"{key}\":{}", crate::present::json_line(&value));
        let login = self.login.as_deref().map(|login| sign("login", login));
        let what = self.what.as_deref().map(|what| sign("what", what));
        let record = self.record.as_ref().map(|record| sign("record", record.as_str()));
        login.into_iter().chain(what).chain(record).collect()
    }

    fn wants(&self, entry: &Entry) -> bool {
        self.login.as_ref().is_none_or(|login| *login == entry.login)
            && self.what.as_ref().is_none_or(|what| what == entry.act.name())
            && self.record.as_ref().is_none_or(|record| Some(record) == entry.act.record())
    }
}

/// What was found.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// Newest first.
    pub entries: Vec<Entry>,
    /// Lines that cannot be read, of those that may have been wanted: a power cut or a full disk in the middle of one, or somebody's hand.
    pub unreadable: usize,
}

/// The folder of the log.
pub struct AccessLog {
    folder: PathBuf,
    keep_days: u32,
    open: Mutex<Option<Open>>,
}

struct Open {
    day: Date,
    file: File,
    synced: Instant,
}

impl AccessLog {
    /// The log in that folder, which need not be there yet. `keep_days`: days whose files are kept; 0 keeps all.
    pub fn at(folder: PathBuf, keep_days: u32) -> AccessLog {
        AccessLog { folder, keep_days, open: Mutex::default() }
    }

    /// Appends a line about now. It blocks for a write, and for the disk as the policy above says.
    pub fn note(&self, login: &str, role: Option<Role>, from: Option<IpAddr>, act: Act) -> Result<(), AccessLogError> {
        let (now, look) = (time::now(), act.is_a_look());
        let from = from.map_or_else(|| TERMINAL.to_owned(), |from| from.to_canonical().to_string());
        let entry = Entry { at: time::rfc3339_ms(&now), login: login.to_owned(), role, from, act };
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let written = self.append(&mut open, now.date(), &entry, look);
        if written.is_err() {
            // Half a line may stand there: what is opened again begins a new one.
            *open = None;
        }
        written
    }

    fn append(&self, open: &mut Option<Open>, day: Date, entry: &Entry, look: bool) -> Result<(), AccessLogError> {
        let path = self.file(day);
        let failed = |e| AccessLogError::File(path.clone(), e);
        // A file that somebody moved away is not written to any more.
        let fits = |open: &Open| open.day == day && open.file.metadata().is_ok_and(|meta| meta.nlink() > 0);
        if !open.as_ref().is_some_and(fits) {
            *open = Some(self.open_day(day).map_err(failed)?);
            self.forget_old(day);
        }
        let Some(open) = open else { return Ok(()) };
        // One write of a short line: whole between those of other processes.
        open.file.write_all((crate::present::json_line(entry) + "\n").as_bytes()).map_err(failed)?;
        if !look || open.synced.elapsed() >= SYNC_AFTER {
            open.file.sync_data().map_err(failed)?;
            open.synced = Instant::now();
        }
        Ok(())
    }

    fn open_day(&self, day: Date) -> std::io::Result<Open> {
        if !self.folder.exists() {
            std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&self.folder)?;
            whole::give_to_owner_of(self.folder.parent().unwrap_or(Path::new(".")), &File::open(&self.folder)?)?;
        }
        let mut file = File::options().read(true).append(true).create(true).mode(0o600).open(self.file(day))?;
        whole::give_to_owner_of(&self.folder, &file)?;
        if file.seek(SeekFrom::End(0))? > 0 {
            file.seek(SeekFrom::End(-1))?;
            let mut last = [0];
            file.read_exact(&mut last)?;
            if last != *b"\n" {
                file.write_all(b"\n")?;
            }
        }
        File::open(&self.folder)?.sync_all()?;
        Ok(Open { day, file, synced: Instant::now() })
    }

    /// The newest `most` lines that a filter wants. Reads back from the newest, a piece at a time, until it has them; it blocks for that.
    pub fn newest(&self, filter: &Filter, most: usize) -> Result<Found, AccessLogError> {
        let (mut found, signs) = (Found::default(), filter.signs());
        let wanted =
            |day: &Date| filter.since.is_none_or(|since| *day >= since) && filter.until.is_none_or(|until| *day <= until);
        for day in self.days()?.into_iter().rev().filter(wanted) {
            if found.entries.len() >= most {
                break;
            }
            let path = self.file(day);
            let failed = |e| AccessLogError::File(path.clone(), e);
            let file = match File::open(&path) {
                Ok(file) => file,
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
                Err(error) => return Err(failed(error)),
            };
            let mut lines = LinesFromTheEnd::of(file).map_err(failed)?;
            while found.entries.len() < most
                && let Some(line) = lines.next().map_err(failed)?
            {
                let line = String::from_utf8_lossy(&line);
                if !signs.iter().all(|sign| line.contains(sign)) {
                    continue;
                }
                match serde_json::from_str::<Entry>(&line) {
                    Ok(entry) if filter.wants(&entry) => found.entries.push(entry),
                    Ok(_) => {}
                    Err(_) => found.unreadable += 1,
                }
            }
        }
        Ok(found)
    }

    /// From where people have signed in since that day: login and address, each pair as often as it happened.
    pub fn signed_in_from(&self, since: Date) -> Result<Vec<(String, IpAddr)>, AccessLogError> {
        let filter = Filter { what: Some(Act::SignIn.name().to_owned()), since: Some(since), ..Filter::default() };
        let entries = self.newest(&filter, MOST_SIGN_INS)?.entries;
        Ok(entries.into_iter().filter_map(|entry| Some((entry.login, entry.from.parse().ok()?))).collect())
    }

    /// The days of which there is a file, in order.
    fn days(&self) -> Result<Vec<Date>, AccessLogError> {
        let failed = |e| AccessLogError::File(self.folder.clone(), e);
        let entries = match std::fs::read_dir(&self.folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(failed(error)),
        };
        let names = entries.collect::<Result<Vec<_>, _>>().map_err(failed)?;
        let mut days: Vec<Date> = names.iter().filter_map(|entry| day_of(&entry.path())).collect();
        days.sort();
        Ok(days)
    }

    /// Takes away the files of days that are no longer kept. What cannot be taken away is there the next day.
    fn forget_old(&self, today: Date) {
        if self.keep_days == 0 {
            return;
        }
        let first = today.saturating_sub(jiff::Span::new().days(i64::from(self.keep_days) - 1));
        for day in self.days().unwrap_or_default().into_iter().filter(|day| *day < first) {
            if let Err(error) = std::fs::remove_file(self.file(day)) {
                tracing::warn!("the access log of {day} is older than [access] log_days and stays: {error}");
            }
        }
    }

    fn file(&self, day: Date) -> PathBuf {
        self.folder.join(format!("{day}.jsonl"))
    }
}

/// `2026-11-27.jsonl`; nothing else in the folder is ours.
fn day_of(path: &Path) -> Option<Date> {
    let day: Date = path.file_name()?.to_str()?.strip_suffix(".jsonl")?.parse().ok()?;
    (path.file_name()?.to_str()? == format!("{day}.jsonl")).then_some(day)
}

#[cfg(test)]
mod tests;
