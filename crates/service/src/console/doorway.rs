//! Signing in and out, one's own password, the language.

use super::seat::{Form, LANGUAGE, Seat, Trouble};
use super::{Console, go};
use crate::sessions::same_origin::is_same_origin;
use axum::Form as Sent;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use sohoa_console::sign_in::{AccountPage, SignInPage};
use sohoa_console::{Language, html};
use std::collections::HashMap;

/// The door.
pub async fn sign_in_page(seat: Seat) -> Response {
    match seat.any_session() {
        Some(_) => go("/"),
        None => door(&seat, String::new(), None).await,
    }
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
        Ok(signed_in) => ([(header::SET_COOKIE, signed_in.set_cookie)], go("/")).into_response(),
        Err(error) => {
            let problem = seat.language.pick(&error.vi(), &error.en()).to_owned();
            let page = door(&seat, form.get("login").to_owned(), Some(problem)).await;
            (StatusCode::FORBIDDEN, page).into_response()
        }
    }
}

async fn door(seat: &Seat, login: String, problem: Option<String>) -> Response {
    let mut frame = seat.frame(None).await;
    frame.title = frame.w().sign_in.to_owned();
    Html(html(&SignInPage { frame, login, problem })).into_response()
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

/// One's own account.
pub async fn account(seat: Seat) -> Response {
    account_page(&seat, None).await
}

/// Changes one's own password.
pub async fn change_password(
    seat: Seat,
    State(console): State<Console>,
    headers: HeaderMap,
    Sent(form): Sent<HashMap<String, String>>,
) -> Result<Response, Trouble> {
    let form = Form::from(form);
    let session = seat.any_session().ok_or(Trouble::Nobody)?;
    if !session.is_csrf_token(form.get("csrf")) {
        return Ok(go("/account"));
    }
    if form.get("new") != form.get("again") {
        let problem =
            seat.language.pick("Hai lần nhập mật khẩu mới khác nhau: nhập lại", "The two new passwords differ: type them again");
        return Ok(account_page(&seat, Some(problem.to_owned())).await);
    }
    match console.door.change_password(cookie_of(&headers), form.get("old"), form.get("new"), seat.from).await {
        Ok(signed_in) => Ok(([(header::SET_COOKIE, signed_in.set_cookie)], go("/")).into_response()),
        Err(error) => {
            let problem = seat.language.pick(&error.vi(), &error.en()).to_owned();
            Ok(account_page(&seat, Some(problem)).await)
        }
    }
}

async fn account_page(seat: &Seat, problem: Option<String>) -> Response {
    let Some(session) = seat.any_session() else { return go("/sign-in") };
    let must_change = session.must_change_password;
    let mut frame = seat.frame(None).await;
    frame.title = frame.w().account.to_owned();
    Html(html(&AccountPage { frame, must_change, problem })).into_response()
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

fn cookie_of(headers: &HeaderMap) -> Option<&str> {
    headers.get(header::COOKIE).and_then(|value| value.to_str().ok())
}
