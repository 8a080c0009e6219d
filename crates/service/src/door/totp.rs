//! One-time codes that people set up themselves: a secret is offered after their password, and counts once a code of it was typed.

use super::{Door, SignInError, SignedIn, blocking, held, unavailable};
use crate::access_log::Act;
use crate::people::totp::Secret;
use crate::sessions::Session;
use jiff::Timestamp;
use std::net::IpAddr;
use std::sync::Arc;

/// Why codes are not turned on or off.
#[derive(Debug, thiserror::Error)]
pub enum TotpError {
    /// There is no such session, or no secret was offered to it.
    #[error("the session has ended, or no secret was offered to it")]
    NotOffered,
    /// The code is none of the secret that was offered.
    #[error("the code is none of the secret that was offered")]
    WrongCode,
    /// The password, or the code of the app that they have, is wrong, or nobody can say.
    #[error(transparent)]
    SignIn(#[from] SignInError),
}

impl Door {
    /// Offers a new secret to the person whose session that is, who proves to be themselves by password and, if they have an app already, by a
    /// code of it. Nothing has changed before [`Door::confirm_totp`].
    pub async fn offer_totp(&self, cookie: Option<&str>, password: &str, code: &str, from: IpAddr) -> Result<(), TotpError> {
        let (id, session) = self.own(cookie)?;
        self.check(&session.login, password, Some(code), from).await?;
        let secret = Secret::generate().map_err(unavailable)?;
        held(&self.sessions).offer(id, Some(secret));
        Ok(())
    }

    /// The secret that was offered, with the key URI for the person's app.
    pub fn offered_totp(&self, cookie: Option<&str>) -> Option<(Secret, String)> {
        let (id, session) = self.own(cookie).ok()?;
        let secret = held(&self.sessions).offered(id)?;
        let uri = secret.uri(&session.login);
        Some((secret, uri))
    }

    /// Forgets the secret that was offered.
    pub fn withdraw_totp(&self, cookie: Option<&str>) {
        if let Ok((id, _)) = self.own(cookie) {
            held(&self.sessions).offer(id, None);
        }
    }

    /// From now on codes of the secret that was offered are asked for: the person's app has it, as this code shows. All their sessions end, and
    /// a new one begins.
    pub async fn confirm_totp(&self, cookie: Option<&str>, code: &str, from: IpAddr) -> Result<SignedIn, TotpError> {
        let (id, session) = self.own(cookie)?;
        let secret = held(&self.sessions).offered(id).ok_or(TotpError::NotOffered)?;
        let now = u64::try_from(Timestamp::now().as_second()).unwrap_or(0);
        let step = secret.step_of(code, now, 0).ok_or(TotpError::WrongCode)?;
        let people = Arc::clone(&self.people);
        let changed = blocking(move || people.set_totp(&session.login, &secret, step)).await?.map_err(unavailable)?;
        Ok(self.let_in(&changed, from, Act::TotpOn).await?)
    }

    /// Asks for no more codes, after password and one last code. All sessions of the person end, and a new one begins.
    pub async fn drop_totp(&self, cookie: Option<&str>, password: &str, code: &str, from: IpAddr) -> Result<SignedIn, TotpError> {
        let (_, session) = self.own(cookie)?;
        self.check(&session.login, password, Some(code), from).await?;
        let people = Arc::clone(&self.people);
        let changed = blocking(move || people.drop_totp(&session.login)).await?.map_err(unavailable)?;
        Ok(self.let_in(&changed, from, Act::TotpOff).await?)
    }

    /// A session and its number, of somebody who has a password of their own.
    fn own<'a>(&self, cookie: Option<&'a str>) -> Result<(&'a str, Session), TotpError> {
        let id = cookie.and_then(|header| self.cookie.read(header)).ok_or(TotpError::NotOffered)?;
        let session = self.session(cookie).filter(|session| !session.must_change_password).ok_or(TotpError::NotOffered)?;
        Ok((id, session))
    }
}

impl TotpError {
    /// For the person, in Vietnamese: what is the matter and what to do.
    pub fn vi(&self) -> String {
        match self {
            TotpError::NotOffered => "Bước này đã hết hạn: làm lại từ đầu".into(),
            TotpError::WrongCode => "Mã không đúng: nhập mã mà ứng dụng đang hiện, và kiểm tra giờ của điện thoại".into(),
            TotpError::SignIn(SignInError::Wrong) => "Mật khẩu hoặc mã không đúng: nhập lại; mỗi mã chỉ dùng được một lần".into(),
            TotpError::SignIn(error) => error.vi(),
        }
    }

    /// The same in English.
    pub fn en(&self) -> String {
        match self {
            TotpError::NotOffered => "This step has expired: begin again".into(),
            TotpError::WrongCode => "The code is wrong: type the one that the app shows now, and check the phone's clock".into(),
            TotpError::SignIn(SignInError::Wrong) => {
                "Password or code is wrong: type them again; each code can be used once".into()
            }
            TotpError::SignIn(error) => error.en(),
        }
    }
}
