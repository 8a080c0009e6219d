//! Who asks: the session behind a request, the language, the address; what stands around their pages; and what they are told when
//! something is not there or not theirs.

use super::{Console, doorway};
use crate::access_log::{AccessLogError, Act};
use crate::api::health::Hindrance;
use crate::http::Peer;
use crate::people::role::Right;
use crate::running::Paused;
use crate::sessions::Session;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::{Html, IntoResponse, Redirect, Response};
use sohoa_console::sign_in::Apology;
use sohoa_console::words::Words;
use sohoa_console::{Frame, Language, Page, html};
use sohoa_record::manifest::State;
use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr};

/// The cookie that keeps the language.
pub const LANGUAGE: &str = "sohoa_language";

/// Who asks.
pub struct Seat {
    console: Console,
    session: Option<Session>,
    /// The language of their pages.
    pub language: Language,
    /// The browser's address.
    pub from: IpAddr,
    /// The page that was asked for, to come back to it from the door; empty where that is no page.
    wanted: String,
}

impl FromRequestParts<Console> for Seat {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, console: &Console) -> Result<Seat, Self::Rejection> {
        let text = |name: header::HeaderName| parts.headers.get(name).and_then(|value| value.to_str().ok());
        let peer = parts.extensions.get::<Peer>().map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| peer.0.ip());
        // What a page asks by itself keeps nobody signed in.
        let by_itself = parts.uri.path().starts_with("/live/") || parts.uri.path() == "/events";
        let is_page = parts.method == Method::GET && !by_itself;
        let wanted = parts.uri.path_and_query().filter(|_| is_page).map(|wanted| wanted.to_string()).unwrap_or_default();
        let cookie = text(header::COOKIE);
        Ok(Seat {
            wanted,
            session: if by_itself { console.door.glance(cookie) } else { console.door.session(cookie) },
            language: language(&parts.headers),
            from: console.door.address(peer, parts.headers.get("x-forwarded-for").and_then(|value| value.to_str().ok())),
            console: console.clone(),
        })
    }
}

/// The language that the browser keeps; Vietnamese if none.
fn language(headers: &HeaderMap) -> Language {
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok()).flat_map(|line| line.split(';'));
    let kept = cookies.filter_map(|cookie| cookie.trim().split_once('=')).find(|(name, _)| *name == LANGUAGE);
    kept.map_or(Language::Vi, |(_, code)| Language::of_code(code))
}

/// Why a page is not shown.
pub enum Trouble {
    /// Nobody has signed in: to the door, and from there to what was asked for.
    Nobody(String),
    /// Something must be done on the account's page first.
    MustChange,
    /// Their role does not see this.
    NotAllowed(Box<Frame>),
    /// There is no such thing, or it is another unit's.
    NotFound(Box<Frame>),
    /// It was destroyed by a lawful decision: which, when, by whom.
    Destroyed(Box<Frame>, String),
    /// The form was not made for this session.
    Expired(Box<Frame>),
    /// Too many ask at once.
    Busy(Box<Frame>),
    /// The machine cannot: the cause is in the log.
    Broken(Box<Frame>),
}

impl IntoResponse for Trouble {
    fn into_response(self) -> Response {
        let (status, frame, title, what) = match self {
            Trouble::Nobody(wanted) => return Redirect::to(&doorway::door_to(&wanted)).into_response(),
            Trouble::MustChange => return Redirect::to("/account").into_response(),
            Trouble::Destroyed(frame, what) => (StatusCode::GONE, frame.clone(), frame.w().destroyed, what),
            Trouble::NotAllowed(frame) => told(StatusCode::FORBIDDEN, frame, |w| w.not_allowed),
            Trouble::NotFound(frame) => told(StatusCode::NOT_FOUND, frame, |w| w.not_found),
            Trouble::Expired(frame) => told(StatusCode::FORBIDDEN, frame, |w| w.expired),
            Trouble::Busy(frame) => told(StatusCode::TOO_MANY_REQUESTS, frame, |w| w.busy),
            Trouble::Broken(frame) => told(StatusCode::INTERNAL_SERVER_ERROR, frame, |w| w.broken),
        };
        let page = Html(html(&Apology { frame: Frame { title: title.to_owned(), ..*frame }, what }));
        match status {
            StatusCode::TOO_MANY_REQUESTS => (status, [(header::RETRY_AFTER, "5")], page).into_response(),
            _ => (status, page).into_response(),
        }
    }
}

/// Title and text of an apology are the same words.
fn told(
    status: StatusCode,
    frame: Box<Frame>,
    words: fn(&Words) -> &'static str,
) -> (StatusCode, Box<Frame>, &'static str, String) {
    let words = words(frame.w());
    (status, frame, words, words.to_owned())
}

impl Seat {
    /// The session, when nothing must be done before.
    pub fn session(&self) -> Result<&Session, Trouble> {
        match &self.session {
            None => Err(self.nobody()),
            Some(session) if session.must_do_first() => Err(Trouble::MustChange),
            Some(session) => Ok(session),
        }
    }

    /// That nobody has signed in.
    pub fn nobody(&self) -> Trouble {
        Trouble::Nobody(self.wanted.clone())
    }

    /// The session, whatever must be done first.
    pub fn any_session(&self) -> Option<&Session> {
        self.session.as_ref()
    }

    /// True where people may sign in with a provider too.
    pub fn has_oidc(&self) -> bool {
        self.console.door.oidc.is_some()
    }

    /// The session of somebody who has that right.
    pub fn with(&self, right: Right) -> Result<&Session, Trouble> {
        let session = self.session()?;
        if session.may(right) { Ok(session) } else { Err(Trouble::NotAllowed(Box::new(self.bare_frame()))) }
    }

    /// The session of somebody who has that right and sends a form that was made for it.
    pub fn sending(&self, right: Right, form: &Form) -> Result<&Session, Trouble> {
        let session = self.with(right)?;
        if session.is_csrf_token(form.get("csrf")) { Ok(session) } else { Err(Trouble::Expired(Box::new(self.bare_frame()))) }
    }

    /// True when they have that right.
    pub fn may(&self, right: Right) -> bool {
        self.session.as_ref().is_some_and(|session| session.may(right))
    }

    /// Notes what they look at or did; what cannot be noted is not shown.
    pub async fn note(&self, act: Act) -> Result<(), Trouble> {
        let session = self.session()?;
        self.console.door.note(session, self.from, act).await.map_err(|error: AccessLogError| self.broken(&error))
    }

    /// There is no such thing.
    pub fn not_found(&self) -> Trouble {
        Trouble::NotFound(Box::new(self.bare_frame()))
    }

    /// Too many ask at once.
    pub fn busy(&self) -> Trouble {
        Trouble::Busy(Box::new(self.bare_frame()))
    }

    /// What the archive says of a record: that it was destroyed is told, anything else does not work.
    pub fn of_record(&self, error: &sohoa_archive::Error) -> Trouble {
        match error {
            sohoa_archive::Error::Destroyed { at, by, basis, .. } => {
                let what = match self.language {
                    Language::Vi => format!("Đã hủy ngày {} theo {basis}; người thực hiện: {by}.", super::papers::moment(at)),
                    Language::En => format!("Destroyed on {} on the basis of {basis}, by {by}.", super::papers::moment(at)),
                };
                Trouble::Destroyed(Box::new(self.bare_frame()), what)
            }
            other => self.broken(other),
        }
    }

    /// Something does not work; the cause goes to the log only.
    pub fn broken(&self, cause: &dyn std::fmt::Display) -> Trouble {
        tracing::error!("console: {cause}");
        Trouble::Broken(Box::new(self.bare_frame()))
    }

    /// What stands around their page.
    pub async fn frame(&self, here: Option<Page>) -> Frame {
        let mut frame = self.bare_frame();
        frame.here = here;
        frame.title = match here {
            Some(page) => page.name(frame.w()).to_owned(),
            None => "sohoa".to_owned(),
        };
        if self.may(Right::SeePapers) {
            let unit = self.session.as_ref().and_then(|session| session.unit.as_deref());
            frame.waiting = self.console.api.archive.index.count(State::Review, unit).await.unwrap_or_default();
        }
        let paused = self.console.api.running.paused.lock().ok().and_then(|paused| paused.clone());
        let told = |why: Paused| {
            let why = Hindrance::paused(&why);
            self.language.pick(&why.vi, &why.en).to_owned()
        };
        frame.alarm = paused.filter(|_| self.session.is_some()).map(told);
        frame
    }

    fn bare_frame(&self) -> Frame {
        let pages = [
            (Page::Today, Right::SeePapers),
            (Page::Review, Right::Review),
            (Page::SecondRound, Right::ReviewAgain),
            (Page::Search, Right::SeePapers),
            (Page::Batches, Right::RunBatches),
            (Page::Targets, Right::SeeReports),
            (Page::System, Right::SeeSystem),
            (Page::Access, Right::SeeAccessLog),
        ];
        Frame {
            language: self.language,
            title: String::new(),
            here: None,
            pages: pages.into_iter().filter(|(_, right)| self.may(*right)).map(|(page, _)| page).collect(),
            seat: self.session.as_ref().map(|session| sohoa_console::Seat {
                who: session.name.clone(),
                role: self.language.pick(session.role.vi(), session.role.en()).to_owned(),
                unit: session.unit.clone().unwrap_or_default(),
                csrf: session.csrf_token().to_owned(),
            }),
            waiting: 0,
            alarm: None,
        }
    }
}

/// The fields of a form, as the browser sends them.
#[derive(Debug, Default)]
pub struct Form(HashMap<String, String>);

impl Form {
    /// The value of a field; empty when it was not sent.
    pub fn get(&self, name: &str) -> &str {
        self.0.get(name).map_or("", String::as_str)
    }

    /// The value of a field; none when it was not sent.
    pub fn find(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// The fields whose name begins so: the rest of the name, and the value.
    pub fn with_prefix<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.0.iter().filter_map(move |(name, value)| Some((name.strip_prefix(prefix)?, value.as_str())))
    }
}

impl From<HashMap<String, String>> for Form {
    fn from(fields: HashMap<String, String>) -> Form {
        Form(fields)
    }
}
