//! The front door of the console: who signs in, whose request that is, and what is noted of it. It puts people, sessions, the slowing down of
//! guesses and the access log together; pages ask only here. It does *not* know pages or HTTP beyond the cookie.
//!
//! What a page does: [`Door::session`] of its `Cookie` header, else the form to sign in; [`Session::may`] and [`Session::sees_unit`]; for what
//! changes something, [`Session::is_csrf_token`]; then [`Door::note`], and only then its answer. The form to sign in has no session yet: it
//! asks [`is_same_origin`](crate::sessions::same_origin::is_same_origin), signs out what the browser had, and signs in.

mod totp;

use crate::access_log::{AccessLog, AccessLogError, Act};
use crate::config::Config;
use crate::keyring::KeyringError;
use crate::lock_out::LockOut;
use crate::oidc::{Oidc, OidcError};
use crate::people::password::{LEAST_CHARACTERS, MOST_BYTES, NewPassword, PasswordError, PasswordHash};
use crate::people::role::Role;
use crate::people::{self, People, PeopleError, Person};
use crate::sessions::cookie::Cookie;
use crate::sessions::{Session, Sessions};
use crate::time;
use jiff::Timestamp;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::Semaphore;
use zeroize::Zeroizing;

/// Passwords that are checked at once: each takes 64 MiB and a core.
const CHECKED_AT_ONCE: usize = 2;
/// People who wait for that; whoever comes when so many wait is sent away at once.
const MOST_WAITING: usize = 64;
/// From where people signed in lately is remembered over a restart, for so many days back.
const REMEMBERED_DAYS: i64 = 7;

/// The front door. One for the whole service, shared by its requests.
pub struct Door {
    /// Who there is; its changes hash passwords and write files, so they go to a blocking thread.
    pub people: Arc<People>,
    /// Who looked at what.
    pub access_log: Arc<AccessLog>,
    /// The provider with which people may sign in too, if there is one.
    pub oidc: Option<Arc<Oidc>>,
    cookie: Cookie,
    /// True behind a web server that says from where browsers come.
    is_behind: bool,
    sessions: Mutex<Sessions>,
    lock_out: Mutex<LockOut>,
    nobody: PasswordHash,
    checks: Semaphore,
    waiting: Semaphore,
}

/// Somebody has signed in, or chosen a password.
pub struct SignedIn {
    /// Their session.
    pub session: Session,
    /// The value of `Set-Cookie` for the answer. A secret.
    pub set_cookie: String,
}

impl std::fmt::Debug for SignedIn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SignedIn({:?})", self.session)
    }
}

pub use totp::TotpError;

/// Why somebody is not let in. What is told does not say whether there is such a login.
#[derive(Debug, thiserror::Error)]
pub enum SignInError {
    /// Login, password or code is wrong, the code was used before, or the person is disabled.
    #[error("login, password or code is wrong")]
    Wrong,
    /// A provider knows them; we do not, or they are disabled.
    #[error("nobody has that login here")]
    Unknown,
    /// Too many failures: not looked at.
    #[error("too many failures; wait {}", duration(*.0, "s", "min"))]
    Wait(Duration),
    /// Too many at once: not looked at.
    #[error("too many people sign in at this moment")]
    Busy,
    /// The machine cannot say: people, access log or random numbers are away. The cause is for the service's log, not for the page.
    #[error("nobody can sign in: {0}")]
    Unavailable(String),
}

/// Why a password is not changed.
#[derive(Debug, thiserror::Error)]
pub enum ChangePasswordError {
    /// There is no such session.
    #[error("the session has ended")]
    NoSession,
    /// The present password is wrong, or nobody can say.
    #[error(transparent)]
    SignIn(#[from] SignInError),
    /// The new one cannot be a password.
    #[error(transparent)]
    Password(#[from] PasswordError),
    /// The new one is the present one.
    #[error("the new password is the present one")]
    Same,
}

impl Door {
    /// Opens what `[access]` names. Reads the sign-ins of the last days, so that a restart does not make everybody a stranger.
    pub fn open(config: &Config) -> Result<Door, DoorError> {
        let access = &config.access;
        let people = Arc::new(People::at(config.path(&access.people)));
        people.all()?;
        let access_log = Arc::new(AccessLog::at(config.path(&access.log), access.log_days));
        let mut lock_out = LockOut::default();
        let first = time::now().date().saturating_sub(jiff::Span::new().days(REMEMBERED_DAYS));
        for (login, from) in access_log.signed_in_from(first)? {
            lock_out.knows(&login, from, Instant::now());
        }
        Ok(Door {
            people,
            access_log,
            oidc: Oidc::open(config)?.map(Arc::new),
            cookie: access.cookie(config.serve.tls().is_some()),
            is_behind: access.behind_tls,
            sessions: Mutex::new(Sessions::new(access.sessions()).with_totp_required(&access.totp_required)),
            lock_out: Mutex::new(lock_out),
            nobody: PasswordHash::of_nobody()?,
            checks: Semaphore::new(CHECKED_AT_ONCE),
            waiting: Semaphore::new(MOST_WAITING),
        })
    }

    /// Lets a person in: login, password and, of whom one is asked, a one-time code. `from`: the browser's address ([`Door::address`]).
    ///
    /// Takes a tenth of a second whether there is such a login or not. A session that the browser had is not taken over: sign it out first.
    pub async fn sign_in(&self, login: &str, password: &str, code: Option<&str>, from: IpAddr) -> Result<SignedIn, SignInError> {
        let login = people::typed(login);
        let person = self.check(&login, password, Some(code.unwrap_or_default()), from).await?;
        self.let_in(&person, from, Act::SignIn).await
    }

    /// Lets a person in of whom an OpenID provider said who they are ([`Oidc::finish`]). Their password and code are not asked for, and nobody
    /// waits: there is nothing to guess here.
    pub async fn sign_in_vouched(&self, login: &str, from: IpAddr) -> Result<SignedIn, SignInError> {
        let (people, sought) = (Arc::clone(&self.people), login.to_owned());
        match blocking(move || people.find(&sought)).await?.map_err(unavailable)? {
            Some(person) if !person.disabled => self.let_in(&person, from, Act::OidcSignIn).await,
            other => {
                // A provider's names for people who are none of ours are not kept.
                let login = other.map(|person| person.login).unwrap_or_default();
                self.write(&login, None, from, Act::OidcSignInRefused).await.map_err(unavailable)?;
                Err(SignInError::Unknown)
            }
        }
    }

    /// Whose request that is: the session of a `Cookie` header. None: show the page to sign in.
    pub fn session(&self, cookie_header: Option<&str>) -> Option<Session> {
        let id = self.cookie.read(cookie_header?)?;
        held(&self.sessions).find(id, &self.people, Instant::now(), true)
    }

    /// The same of what a page asks by itself, such as a list that is kept up to date: it does not keep the session from being idle.
    pub fn glance(&self, cookie_header: Option<&str>) -> Option<Session> {
        let id = self.cookie.read(cookie_header?)?;
        held(&self.sessions).find(id, &self.people, Instant::now(), false)
    }

    /// Ends the session of a request. Gives the value of `Set-Cookie` that takes the cookie away, whether there was one or not.
    pub async fn sign_out(&self, cookie_header: Option<&str>, from: IpAddr) -> String {
        let session = self.session(cookie_header);
        if let Some(id) = cookie_header.and_then(|header| self.cookie.read(header)) {
            held(&self.sessions).end(id);
        }
        if let Some(session) = session
            && let Err(error) = self.note(&session, from, Act::SignOut).await
        {
            // The session is over all the same.
            tracing::error!("{error}");
        }
        self.cookie.take_away()
    }

    /// Changes the password of the person whose session that is, who proves to be themselves by the present one. All their sessions end, and
    /// a new one begins.
    pub async fn change_password(
        &self,
        cookie_header: Option<&str>,
        present: &str,
        new: &str,
        from: IpAddr,
    ) -> Result<SignedIn, ChangePasswordError> {
        let session = self.session(cookie_header).ok_or(ChangePasswordError::NoSession)?;
        let new = NewPassword::parse(new)?;
        // Not asked for a code: the session was begun with one.
        let person = self.check(&session.login, present, None, from).await?;
        if NewPassword::parse(present).is_ok_and(|present| present.reveal() == new.reveal()) {
            return Err(ChangePasswordError::Same);
        }
        let _check = self.checks.acquire().await.map_err(unavailable)?;
        let people = Arc::clone(&self.people);
        let changed = blocking(move || people.set_password(&person.login, &new, false)).await?.map_err(unavailable)?;
        Ok(self.let_in(&changed, from, Act::PasswordChanged).await?)
    }

    /// Notes what somebody looks at or did, before they see it: what cannot be noted must not be shown.
    pub async fn note(&self, session: &Session, from: IpAddr, act: Act) -> Result<(), AccessLogError> {
        self.write(&session.login, Some(session.role), from, act).await
    }

    /// The address of a browser: that of the connection; behind a web server that speaks TLS, the last one of `X-Forwarded-For`, which that
    /// server has put there. Those before it are whatever the browser said.
    pub fn address(&self, peer: IpAddr, forwarded_for: Option<&str>) -> IpAddr {
        let last = forwarded_for.and_then(|list| list.rsplit(',').next()).and_then(|last| last.trim().parse().ok());
        if self.is_behind { last.unwrap_or(peer) } else { peer }
    }

    /// The person whose login and password that is, and code where `code` is Some and codes are asked of them. Whatever is wrong, and whether
    /// there is such a person or not, one hash is computed.
    async fn check(&self, login: &str, password: &str, code: Option<&str>, from: IpAddr) -> Result<Person, SignInError> {
        let _place = self.waiting.try_acquire().map_err(|_| SignInError::Busy)?;
        held(&self.lock_out).admit(login, from, Instant::now()).map_err(SignInError::Wait)?;
        let _check = self.checks.acquire().await.map_err(unavailable)?;
        let people = Arc::clone(&self.people);
        let nobody = self.nobody.clone();
        let asked = (login.to_owned(), Zeroizing::new(password.to_owned()), code.map(str::to_owned));
        let found = blocking(move || {
            let (login, password, code) = asked;
            let person = people.find(&login)?;
            let hash = person.as_ref().map_or(&nobody, Person::password_hash);
            let is_right = password.len() <= MOST_BYTES && hash.verify(&password);
            let Some(person) = person.clone().filter(|person| is_right && !person.disabled) else {
                return Ok((None, person.is_some()));
            };
            let now = u64::try_from(Timestamp::now().as_second()).unwrap_or(0);
            let passes = match code {
                Some(code) if person.has_totp() => people.use_code(&login, &code, now)?,
                _ => true,
            };
            Ok((passes.then_some(person), true))
        })
        .await;
        match found {
            Ok(Ok((Some(person), _))) => {
                held(&self.lock_out).succeeded(login, from, Instant::now());
                Ok(person)
            }
            Ok(Ok((None, exists))) => {
                // What is typed as a login may be a password: only one that there is is noted.
                let login = if exists { login } else { "" };
                self.write(login, None, from, Act::SignInRefused).await.map_err(unavailable)?;
                Err(SignInError::Wrong)
            }
            Ok(Err(error)) => {
                held(&self.lock_out).withdraw(login, from);
                let error: PeopleError = error;
                Err(unavailable(error))
            }
            Err(error) => {
                held(&self.lock_out).withdraw(login, from);
                Err(error)
            }
        }
    }

    async fn let_in(&self, person: &Person, from: IpAddr, act: Act) -> Result<SignedIn, SignInError> {
        let is_vouched_for = act == Act::OidcSignIn;
        self.write(&person.login, Some(person.role), from, act).await.map_err(unavailable)?;
        let begun = held(&self.sessions).begin_by(person, is_vouched_for, Instant::now());
        let (id, session) = begun.map_err(unavailable)?;
        Ok(SignedIn { session, set_cookie: self.cookie.give(&id) })
    }

    /// In a thread that may wait for the disk.
    async fn write(&self, login: &str, role: Option<Role>, from: IpAddr, act: Act) -> Result<(), AccessLogError> {
        let (log, login) = (Arc::clone(&self.access_log), login.to_owned());
        let written = tokio::task::spawn_blocking(move || log.note(&login, role, Some(from), act)).await;
        written.unwrap_or_else(|error| Err(AccessLogError::Stopped(error)))
    }
}

/// Why the door cannot be opened.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)]
pub enum DoorError {
    #[error(transparent)]
    People(#[from] PeopleError),
    #[error(transparent)]
    AccessLog(#[from] AccessLogError),
    #[error(transparent)]
    Random(#[from] KeyringError),
    #[error(transparent)]
    Oidc(#[from] OidcError),
}

impl SignInError {
    /// For the person, in Vietnamese: what is the matter and what to do.
    pub fn vi(&self) -> String {
        match self {
            SignInError::Wrong => {
                "Tên đăng nhập, mật khẩu hoặc mã xác thực không đúng: kiểm tra rồi thử lại; mỗi mã chỉ dùng được một lần".into()
            }
            SignInError::Unknown => "Tài khoản này không được vào đây: báo cho quản trị viên".into(),
            SignInError::Wait(wait) => format!("Đã sai nhiều lần: thử lại sau {}", duration(*wait, "giây", "phút")),
            SignInError::Busy => "Đang có nhiều người cùng đăng nhập: thử lại sau vài giây".into(),
            SignInError::Unavailable(_) => "Hiện chưa đăng nhập được: báo cho quản trị viên".into(),
        }
    }

    /// The same in English.
    pub fn en(&self) -> String {
        match self {
            SignInError::Wrong => {
                "Login, password or one-time code is wrong: check them and try again; each code can be used once".into()
            }
            SignInError::Unknown => "This account may not come in here: tell the administrator".into(),
            SignInError::Wait(wait) => format!("Too many failed attempts: try again in {}", duration(*wait, "s", "min")),
            SignInError::Busy => "Many people are signing in: try again in a few seconds".into(),
            SignInError::Unavailable(_) => "Nobody can sign in at the moment: tell the administrator".into(),
        }
    }
}

impl ChangePasswordError {
    /// For the person, in Vietnamese: what is the matter and what to do.
    pub fn vi(&self) -> String {
        match self {
            ChangePasswordError::NoSession => "Phiên làm việc đã kết thúc: đăng nhập lại".into(),
            ChangePasswordError::SignIn(SignInError::Wrong) => "Mật khẩu hiện tại không đúng: nhập lại".into(),
            ChangePasswordError::SignIn(error) => error.vi(),
            ChangePasswordError::Password(PasswordError::Short) => {
                format!("Mật khẩu mới quá ngắn: cần ít nhất {LEAST_CHARACTERS} ký tự, một câu dễ nhớ là tốt nhất")
            }
            ChangePasswordError::Password(PasswordError::Long) => "Mật khẩu mới quá dài: chọn mật khẩu ngắn hơn".into(),
            ChangePasswordError::Same => "Mật khẩu mới trùng với mật khẩu hiện tại: chọn mật khẩu khác".into(),
        }
    }

    /// The same in English.
    pub fn en(&self) -> String {
        match self {
            ChangePasswordError::NoSession => "The session has ended: sign in again".into(),
            ChangePasswordError::SignIn(SignInError::Wrong) => "The present password is wrong: type it again".into(),
            ChangePasswordError::SignIn(error) => error.en(),
            ChangePasswordError::Password(PasswordError::Short) => {
                format!(
                    "The new password is too short: it has at least {LEAST_CHARACTERS} characters; a sentence is easy to remember"
                )
            }
            ChangePasswordError::Password(PasswordError::Long) => "The new password is too long: choose a shorter one".into(),
            ChangePasswordError::Same => "The new password is the present one: choose another".into(),
        }
    }
}

/// Rounded up: whoever comes back then is not sent away again.
fn duration(wait: Duration, seconds: &str, minutes: &str) -> String {
    let whole = wait.as_millis().div_ceil(1000);
    if whole <= 120 { format!("{whole} {seconds}") } else { format!("{} {minutes}", whole.div_ceil(60)) }
}

fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, SignInError> {
    tokio::task::spawn_blocking(work).await.map_err(unavailable)
}

fn unavailable(error: impl std::fmt::Display) -> SignInError {
    SignInError::Unavailable(error.to_string())
}

#[cfg(test)]
mod tests;
