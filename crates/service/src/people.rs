//! Who may sit at the console: a file of people, a JSON object a line, each with role, unit and what proves who they are. Passwords and
//! codes are kept as hashes and secrets that only the file's owner may read. Nobody is ever taken out: old entries of histories stay clear.
//!
//! ```text
//! {"login":"lan","name":"Nguyễn Thị Lan","role":"reviewer","unit":"H48.15","password":"$argon2id$…","since":"2026-11-27T08:00:00+07:00"}
//! ```

pub mod password;
pub mod role;
pub mod totp;

use crate::keyring::{self, KeyringError};
use crate::present::printable;
use crate::review::second_round::is_same_person;
use crate::{time, whole};
use password::{NewPassword, PasswordError, PasswordHash};
use role::{Right, Role};
use serde::{Deserialize, Serialize};
use sohoa_record::Sha256Hex;
use sohoa_record::identifier::agency::is_agency;
use sohoa_record::text::nfc;
use std::fs::File;
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use totp::Secret;

const HEAD: &str = "# Who may sit at the console: a JSON object a line. Made by `sohoa user`; a secret, mode 600.\n";

/// Why the people cannot be used, or a change to them cannot be made.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)]
pub enum PeopleError {
    #[error("the people's file {0}: {1}; check its disk and permissions")]
    File(PathBuf, std::io::Error),
    #[error("the people's file {0}, line {1}, cannot be read ({2}); restore it from a copy, or take the line out")]
    Line(PathBuf, usize, String),
    #[error("a login is 2 to 40 of a-z, 0-9, '-', '_' and '.', and begins with a letter; '{0}' is none")]
    Login(String),
    #[error("'{0}' is no name of a person; write it as it is to stand in the history, in one line of at most 100 letters")]
    Name(String),
    #[error("'{0}' is not an agency code such as H48.15")]
    Unit(String),
    #[error("there is '{0}' already; logins are not given twice, so that old entries stay clear")]
    TakenLogin(String),
    #[error(
        "'{0}' is the name of {1} already; histories tell people apart by their names: add a birth year or position, such as '{0} (1988)'"
    )]
    TakenName(String, String),
    #[error("there is nobody with the login '{0}'; `sohoa user list` names everybody")]
    Unknown(String),
    #[error("{0} has no one-time codes")]
    NoTotp(String),
    #[error(transparent)]
    Password(#[from] PasswordError),
    #[error(transparent)]
    Keyring(#[from] KeyringError),
}

impl PeopleError {
    /// For the administrator at the console, in Vietnamese; paths stay in the log.
    pub fn vi(&self) -> String {
        match self {
            PeopleError::Login(login) => {
                format!("Tên đăng nhập gồm 2 đến 40 ký tự a-z, 0-9, '-', '_', '.', bắt đầu bằng chữ cái; '{login}' không đúng")
            }
            PeopleError::Name(name) => {
                format!("'{name}' không phải họ tên; hãy viết đúng như sẽ ghi trong lịch sử, tối đa 100 ký tự")
            }
            PeopleError::Unit(unit) => format!("'{unit}' không phải mã đơn vị, ví dụ H48.15"),
            PeopleError::TakenLogin(login) => {
                format!("Đã có tên đăng nhập '{login}'; mỗi tên chỉ dùng một lần, hãy chọn tên khác")
            }
            PeopleError::TakenName(name, by) => format!(
                "'{name}' đã là họ tên của {by}; hãy thêm năm sinh hoặc chức vụ, ví dụ '{name} (1988)', để lịch sử không lẫn người"
            ),
            PeopleError::Unknown(login) => format!("Không có ai tên đăng nhập '{login}'; hãy tải lại trang"),
            PeopleError::NoTotp(login) => format!("{login} chưa dùng mã một lần"),
            PeopleError::File(..) | PeopleError::Line(..) | PeopleError::Password(_) | PeopleError::Keyring(_) => {
                "Không đọc hoặc ghi được tệp người dùng; xem nhật ký của dịch vụ".into()
            }
        }
    }
}

/// A person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Person {
    /// What they type to sign in; lower case.
    pub login: String,
    /// Their full name, as it stands in the history of records; no two people have the same.
    pub name: String,
    /// What they are there for.
    pub role: Role,
    /// The unit whose papers they see; None: all units.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    password: PasswordHash,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    totp: Option<Totp>,
    /// True when they cannot sign in.
    #[serde(default, skip_serializing_if = "is_false")]
    pub disabled: bool,
    /// True until they have chosen their own password: nothing else can be done before.
    #[serde(default, skip_serializing_if = "is_false")]
    pub must_change_password: bool,
    /// When they were added: RFC 3339.
    pub since: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Totp {
    secret: Secret,
    /// The step of the last code that was taken: no code of this or an earlier step is.
    last_step: u64,
}

fn is_false(value: &bool) -> bool {
    !value
}

impl Person {
    /// True when their role has that right.
    pub fn may(&self, right: Right) -> bool {
        self.role.may(right)
    }

    /// True when a paper of that unit is theirs to see. A paper without a unit is for those who see all.
    pub fn sees_unit(&self, unit: Option<&str>) -> bool {
        self.unit.is_none() || self.unit.as_deref() == unit
    }

    /// True when a one-time code is asked of them.
    pub fn has_totp(&self) -> bool {
        self.totp.is_some()
    }

    /// True when that is their password.
    pub fn has_password(&self, password: &str) -> bool {
        self.password.verify(password)
    }

    /// Their password's hash, which costs what theirs costs.
    pub fn password_hash(&self) -> &PasswordHash {
        &self.password
    }

    /// A digest of what a session stands on: what they may do and what proves who they are. It changes with each change by `sohoa user`,
    /// and not with a one-time code that was used.
    pub fn standing(&self) -> Sha256Hex {
        let mut standing = self.clone();
        if let Some(totp) = &mut standing.totp {
            totp.last_step = 0;
        }
        Sha256Hex::of(standing.line().as_bytes())
    }

    fn line(&self) -> String {
        crate::present::json_line(self) + "\n"
    }
}

/// Who is to be added.
pub struct NewPerson<'a> {
    /// What they type to sign in.
    pub login: &'a str,
    /// Their full name.
    pub name: &'a str,
    /// What they are there for.
    pub role: Role,
    /// The unit whose papers they see; None: all units.
    pub unit: Option<&'a str>,
    /// Their password.
    pub password: &'a NewPassword,
    /// True when somebody else knows it, so that they must choose another.
    pub temporary: bool,
}

/// The file of people. It is read again when it has changed, and written whole or not at all; who changes it holds a lock meanwhile, so two
/// changes at once are both made.
pub struct People {
    file: PathBuf,
    read: Mutex<Option<(Version, Arc<[Person]>)>>,
}

/// What tells a file from the one that takes its place. Each writing makes a new file, so its number alone would do until it is used again.
type Version = (u64, u64, i64, i64);

impl People {
    /// The people of that file, which need not be there yet.
    pub fn at(file: PathBuf) -> People {
        People { file, read: Mutex::default() }
    }

    /// Everybody; nobody when there is no file.
    pub fn all(&self) -> Result<Arc<[Person]>, PeopleError> {
        let meta = match std::fs::metadata(&self.file) {
            Ok(meta) => meta,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Arc::from([])),
            Err(error) => return Err(self.failed(error)),
        };
        let version = (meta.ino(), meta.len(), meta.mtime(), meta.mtime_nsec());
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((known, people)) = &*read
            && *known == version
        {
            return Ok(people.clone());
        }
        // Older than what is read below, when it is replaced in between: then the next call reads it again.
        let people: Arc<[Person]> = self.load()?.into();
        *read = Some((version, people.clone()));
        Ok(people)
    }

    /// The person with that login, in whatever case it is typed.
    pub fn find(&self, login: &str) -> Result<Option<Person>, PeopleError> {
        let login = typed(login);
        Ok(self.all()?.iter().find(|person| person.login == login).cloned())
    }

    /// Adds a person. Hashes the password, which takes a tenth of a second.
    pub fn add(&self, new: &NewPerson<'_>) -> Result<Person, PeopleError> {
        let (login, name) = (login(new.login)?, name(new.name)?);
        let person = Person {
            login,
            name,
            role: new.role,
            unit: new.unit.map(unit).transpose()?,
            password: PasswordHash::of(new.password)?,
            totp: None,
            disabled: false,
            must_change_password: new.temporary,
            since: time::rfc3339(&time::now()),
        };
        let _lock = self.lock()?;
        let mut people = self.load()?;
        if people.iter().any(|other| other.login == person.login) {
            return Err(PeopleError::TakenLogin(person.login));
        }
        if let Some(other) = people.iter().find(|other| is_same_person(&other.name, &person.name)) {
            return Err(PeopleError::TakenName(person.name, other.login.clone()));
        }
        people.push(person.clone());
        self.write(&people)?;
        Ok(person)
    }

    /// Gives a person another password; their sessions end. `temporary`: somebody else knows it, so that they must choose another.
    pub fn set_password(&self, login: &str, password: &NewPassword, temporary: bool) -> Result<Person, PeopleError> {
        let hash = PasswordHash::of(password)?;
        self.change(login, |person| {
            person.password = hash;
            person.must_change_password = temporary;
            Ok(())
        })
    }

    /// Gives a person another role and unit; their sessions end. `unit`: None leaves it, `Some(None)` is all units.
    pub fn set_role(&self, login: &str, role: Role, unit: Option<Option<&str>>) -> Result<Person, PeopleError> {
        let unit = unit.map(|unit| unit.map(self::unit).transpose()).transpose()?;
        self.change(login, |person| {
            person.role = role;
            if let Some(unit) = unit {
                person.unit = unit;
            }
            Ok(())
        })
    }

    /// Keeps a person out, or lets them in again; their sessions end.
    pub fn set_disabled(&self, login: &str, disabled: bool) -> Result<Person, PeopleError> {
        self.change(login, |person| {
            person.disabled = disabled;
            Ok(())
        })
    }

    /// Gives a person a new secret for one-time codes, which is asked for from now on; their sessions end. The secret is shown once.
    pub fn new_totp(&self, login: &str) -> Result<(Person, Secret), PeopleError> {
        let secret = Secret::generate()?;
        Ok((self.set_totp(login, &secret, 0)?, secret))
    }

    /// Asks a person for codes of that secret from now on; their sessions end. `step`: that of the code by which they showed that their app has
    /// it, which is used then.
    pub fn set_totp(&self, login: &str, secret: &Secret, step: u64) -> Result<Person, PeopleError> {
        self.change(login, |person| {
            person.totp = Some(Totp { secret: secret.clone(), last_step: step });
            Ok(())
        })
    }

    /// Asks a person for no more one-time codes; their sessions end.
    pub fn drop_totp(&self, login: &str) -> Result<Person, PeopleError> {
        self.change(login, |person| person.totp.take().map(drop).ok_or_else(|| PeopleError::NoTotp(person.login.clone())))
    }

    /// True when that is a one-time code of that person at `now` (seconds since 1970) that was not used. It is used then, also for other
    /// processes and after a power cut: that is on the disk before the answer.
    pub fn use_code(&self, login: &str, code: &str, now: u64) -> Result<bool, PeopleError> {
        let login = typed(login);
        let _lock = self.lock()?;
        let mut people = self.load()?;
        let totp = people.iter_mut().find(|person| person.login == login).and_then(|person| person.totp.as_mut());
        let Some(totp) = totp else { return Ok(false) };
        let Some(step) = totp.secret.step_of(code, now, totp.last_step) else { return Ok(false) };
        totp.last_step = step;
        self.write(&people)?;
        Ok(true)
    }

    fn change(&self, login: &str, change: impl FnOnce(&mut Person) -> Result<(), PeopleError>) -> Result<Person, PeopleError> {
        let login = typed(login);
        let _lock = self.lock()?;
        let mut people = self.load()?;
        let person = people.iter_mut().find(|person| person.login == login).ok_or(PeopleError::Unknown(login))?;
        change(person)?;
        let changed = person.clone();
        self.write(&people)?;
        Ok(changed)
    }

    /// Held from reading to writing.
    fn lock(&self) -> Result<File, PeopleError> {
        whole::lock(&self.file).map_err(|e| self.failed(e))
    }

    fn load(&self) -> Result<Vec<Person>, PeopleError> {
        keyring::refuse_open(&self.file)?;
        let text = match std::fs::read_to_string(&self.file) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(self.failed(error)),
        };
        parse(&text).map_err(|(line, why)| PeopleError::Line(self.file.clone(), line, why))
    }

    fn write(&self, people: &[Person]) -> Result<(), PeopleError> {
        let text: String = people.iter().map(Person::line).collect();
        whole::write(&self.file, format!("{HEAD}{text}").as_bytes()).map_err(|e| self.failed(e))
    }

    fn failed(&self, error: std::io::Error) -> PeopleError {
        PeopleError::File(self.file.clone(), error)
    }
}

/// The people of a file's text; else the line that is wrong, and why. Nothing of the line itself is told: it has secrets.
fn parse(text: &str) -> Result<Vec<Person>, (usize, String)> {
    let mut people: Vec<Person> = Vec::new();
    for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.is_empty() && !line.starts_with('#')) {
        let at = |why: &str| (number + 1, why.to_owned());
        let person: Person = serde_json::from_str(line).map_err(|e| at(&format!("column {}: {}", e.column(), kind(&e))))?;
        let good = login(&person.login).is_ok_and(|login| login == person.login)
            && name(&person.name).is_ok_and(|name| name == person.name)
            && person.unit.as_deref().is_none_or(is_agency);
        if !good {
            return Err(at("its login, name or unit is none"));
        }
        if people.iter().any(|other| other.login == person.login || is_same_person(&other.name, &person.name)) {
            return Err(at("its login or name stands on a line above"));
        }
        people.push(person);
    }
    Ok(people)
}

fn kind(error: &serde_json::Error) -> &'static str {
    if error.is_data() { "a value that is missing, unknown or wrong" } else { "no JSON object" }
}

/// A login as somebody types it: capitals and spaces around it make no difference.
pub fn typed(login: &str) -> String {
    login.trim().to_ascii_lowercase()
}

fn login(text: &str) -> Result<String, PeopleError> {
    let login = typed(text);
    let fits = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'_' | b'.');
    match (2..=40).contains(&login.len()) && login.as_bytes()[0].is_ascii_lowercase() && login.bytes().all(fits) {
        true => Ok(login),
        false => Err(PeopleError::Login(printable(text).chars().take(60).collect())),
    }
}

/// The rule of `review`, and nothing that a page or terminal would show in another way than it is written.
fn name(text: &str) -> Result<String, PeopleError> {
    let name = nfc(text.trim());
    match name.is_empty() || name.chars().count() > 100 || printable(&name) != name {
        true => Err(PeopleError::Name(printable(text).chars().take(60).collect())),
        false => Ok(name),
    }
}

fn unit(text: &str) -> Result<String, PeopleError> {
    if is_agency(text) { Ok(text.to_owned()) } else { Err(PeopleError::Unit(printable(text).chars().take(60).collect())) }
}

#[cfg(test)]
mod tests;
