//! Signing in and out, the language.

use super::seat::{Form, LANGUAGE, Seat};
use super::{Console, go};
use crate::oidc::{OidcError, Returned};
use crate::sessions::same_origin::is_same_origin;
use crate::time;
use axum::Form as Sent;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use sohoa_console::search::link;
use sohoa_console::sign_in::{SignInPage, SignedInPage};
use sohoa_console::{Language, html};
use std::collections::HashMap;

/// Longer addresses are no page of ours.
const LONGEST_PLACE: usize = 2048;

/// The way to the door for who wanted that page.
pub fn door_to(wanted: &str) -> String {
    let to = if place(wanted) == "/" { "" } else { wanted };
    link("/sign-in", [("to", to)].into_iter())
}

/// The page of ours that is meant; the first one where another site may be meant.
fn place(wanted: &str) -> &str {
    let is_ours = wanted.starts_with('/') && !wanted.starts_with("//") && wanted.len() < LONGEST_PLACE;
    if is_ours && wanted.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\') { wanted } else { "/" }
}

/// The door.
pub async fn sign_in_page(seat: Seat, Query(query): Query<HashMap<String, String>>) -> Response {
    let to = query.get("to").map_or("/", |to| place(to));
    match seat.any_session() {
        Some(_) => go(to),
        None => door(&seat, Tried { to: to.to_owned(), ..Tried::default() }).await,
    }
}

/// Leads a browser to the provider. By a link and not by a form: the browser is told to send forms nowhere but here.
pub async fn begin_oidc(seat: Seat, State(console): State<Console>) -> Response {
    let Some(oidc) = console.door.oidc.as_ref().filter(|_| seat.any_session().is_none()) else { return go("/sign-in") };
    match oidc.begin(now()).await {
        Ok(begun) => ([(header::SET_COOKIE, begun.set_cookie)], go(&begun.location)).into_response(),
        Err(error) => not_by_oidc(&seat, &error).await,
    }
}

/// The provider sends the browser back.
pub async fn finish_oidc(
    seat: Seat,
    State(console): State<Console>,
    headers: HeaderMap,
    Query(mut query): Query<HashMap<String, String>>,
) -> Response {
    let Some(oidc) = &console.door.oidc else { return go("/sign-in") };
    let mut take = |name: &str| query.remove(name).unwrap_or_default();
    let (code, state, error) = (take("code"), take("state"), take("error"));
    let returned = Returned { code, state, error, issuer: query.remove("iss") };
    let mut response = match oidc.finish(cookie_of(&headers), returned, now()).await {
        Ok(login) => match console.door.sign_in_vouched(&login, seat.from).await {
            Ok(signed_in) => {
                // A session that the browser brings is never taken over.
                if seat.any_session().is_some() {
                    console.door.sign_out(cookie_of(&headers), seat.from).await;
                }
                let mut frame = seat.frame(None).await;
                frame.title = frame.w().sign_in.to_owned();
                ([(header::SET_COOKIE, signed_in.set_cookie)], Html(html(&SignedInPage { frame }))).into_response()
            }
            Err(error) => {
                let problem = seat.language.pick(&error.vi(), &error.en()).to_owned();
                (StatusCode::FORBIDDEN, door(&seat, Tried { problem: Some(problem), ..Tried::default() }).await).into_response()
            }
        },
        Err(error) => not_by_oidc(&seat, &error).await,
    };
    if let Ok(taken_away) = oidc.take_away().parse() {
        response.headers_mut().append(header::SET_COOKIE, taken_away);
    }
    response
}

/// Why the provider's word is not taken; the password is there all the same.
async fn not_by_oidc(seat: &Seat, error: &OidcError) -> Response {
    let status = match error {
        OidcError::Away(_) | OidcError::Busy => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::FORBIDDEN,
    };
    match error {
        // Strangers can bring these about as often as they like.
        OidcError::NotBegun | OidcError::Denied | OidcError::Busy => tracing::debug!("{error}"),
        _ => tracing::warn!("{error}"),
    }
    let problem = seat.language.pick(error.vi(), error.en()).to_owned();
    (status, door(seat, Tried { problem: Some(problem), ..Tried::default() }).await).into_response()
}

fn now() -> u64 {
    u64::try_from(time::now_ms() / 1000).unwrap_or_default()
}

/// Lets somebody in, or says why not.
pub async fn sign_in(
    seat: Seat,
    State(console): State<Console>,
    headers: HeaderMap,
    Sent(form): Sent<HashMap<String, String>>,
) -> Response {
    let form = Form::from(form);
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    // This form has no session yet, so no token either: another site's is told by what the browser says of it.
    if !is_same_origin(text("sec-fetch-site"), text("origin"), text("host")) {
        return go("/sign-in");
    }
    let cookie = cookie_of(&headers);
    // A session that the browser brings is never taken over.
    if console.door.session(cookie).is_some() {
        console.door.sign_out(cookie, seat.from).await;
    }
    let code = Some(form.get("code")).filter(|code| !code.is_empty());
    match console.door.sign_in(form.get("login"), form.get("password"), code, seat.from).await {
        Ok(signed_in) => ([(header::SET_COOKIE, signed_in.set_cookie)], go(place(form.get("to")))).into_response(),
        Err(error) => {
            let problem = seat.language.pick(&error.vi(), &error.en()).to_owned();
            let (login, to) = (form.get("login").to_owned(), place(form.get("to")).to_owned());
            let page = door(&seat, Tried { login, to, problem: Some(problem) }).await;
            (StatusCode::FORBIDDEN, page).into_response()
        }
    }
}

/// What somebody tried, as far as it is shown again.
#[derive(Default)]
struct Tried {
    login: String,
    to: String,
    problem: Option<String>,
}

async fn door(seat: &Seat, Tried { login, to, problem }: Tried) -> Response {
    let mut frame = seat.frame(None).await;
    frame.title = frame.w().sign_in.to_owned();
    let oidc = seat.has_oidc();
    let to = if place(&to) == "/" { String::new() } else { to };
    Html(html(&SignInPage { frame, login, to, problem, oidc })).into_response()
}

/// Ends the session.
pub async fn sign_out(
    seat: Seat,
    State(console): State<Console>,
    headers: HeaderMap,
    Sent(form): Sent<HashMap<String, String>>,
) -> Response {
    // A stranger's page must not sign people out either.
    if !seat.any_session().is_some_and(|session| session.is_csrf_token(Form::from(form).get("csrf"))) {
        return go("/");
    }
    let taken_away = console.door.sign_out(cookie_of(&headers), seat.from).await;
    ([(header::SET_COOKIE, taken_away)], go("/sign-in")).into_response()
}

/// Keeps the language, and goes back to where one was.
pub async fn language(Path(code): Path<String>, headers: HeaderMap) -> Response {
    let cookie = format!("{LANGUAGE}={}; Path=/; Max-Age=31536000; SameSite=Lax", Language::of_code(&code).code());
    // Only the path of our own page: whatever else a browser says it came from is not followed.
    let came_from = headers.get(header::REFERER).and_then(|value| value.to_str().ok()).and_then(|from| from.split_once("://"));
    let back = came_from
        .and_then(|(_, rest)| rest.find('/').map(|at| &rest[at..]))
        .filter(|path| !path.starts_with("//") && path.bytes().all(|b| b.is_ascii_graphic() && b != b'\\'));
    ([(header::SET_COOKIE, cookie)], go(back.unwrap_or("/"))).into_response()
}

/// The cookies of a request.
pub fn cookie_of(headers: &HeaderMap) -> Option<&str> {
    headers.get(header::COOKIE).and_then(|value| value.to_str().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_door_leads_to_pages_of_ours_alone() {
        for ours in ["/records/0192f0c1-0000-7000-8000-000000000000", "/search?q=Quy%E1%BA%BFt&unit=H48.15"] {
            assert_eq!(place(ours), ours);
        }
        for other in
            ["", "//evil.example", "/\\evil.example", "https://evil.example", "javascript:x", "/a b", "/\u{1ea5}", "/\r\nX: y"]
        {
            assert_eq!(place(other), "/", "{other:?}");
        }
        assert_eq!(door_to("/"), "/sign-in");
        assert_eq!(door_to("/search?q=a&unit=b"), "/sign-in?to=%2Fsearch%3Fq%3Da%26unit%3Db");
    }
}
