//! One's own account: the password, and one-time codes.

use super::doorway::cookie_of;
use super::seat::{Form, Seat, Trouble};
use super::{Console, go};
use axum::Form as Sent;
use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::{Html, IntoResponse, Response};
use sohoa_console::html;
use sohoa_console::sign_in::{AccountPage, TotpOffer, TotpPart};
use sohoa_digitize::codes::draw;
use std::collections::HashMap;

/// Why something was refused.
#[derive(Default)]
struct Refused {
    password: Option<String>,
    totp: Option<String>,
}

/// The page.
pub async fn page(seat: Seat, State(console): State<Console>, headers: HeaderMap) -> Result<Response, Trouble> {
    show(&console, &seat, &headers, Refused::default()).await
}

/// Changes one's own password.
pub async fn change_password(
    seat: Seat,
    State(console): State<Console>,
    headers: HeaderMap,
    Sent(form): Sent<HashMap<String, String>>,
) -> Result<Response, Trouble> {
    let form = Form::from(form);
    let session = seat.any_session().ok_or_else(|| seat.nobody())?;
    if !session.is_csrf_token(form.get("csrf")) {
        return Ok(go("/account"));
    }
    let problem = if form.get("new") != form.get("again") {
        seat.language
            .pick("Hai lần nhập mật khẩu mới khác nhau: nhập lại", "The two new passwords differ: type them again")
            .to_owned()
    } else {
        match console.door.change_password(cookie_of(&headers), form.get("old"), form.get("new"), seat.from).await {
            Ok(signed_in) => return Ok(([(header::SET_COOKIE, signed_in.set_cookie)], go("/")).into_response()),
            Err(error) => seat.language.pick(&error.vi(), &error.en()).to_owned(),
        }
    };
    show(&console, &seat, &headers, Refused { password: Some(problem), totp: None }).await
}

/// One step of turning one's own one-time codes on or off.
pub async fn totp(
    seat: Seat,
    State(console): State<Console>,
    headers: HeaderMap,
    Sent(form): Sent<HashMap<String, String>>,
) -> Result<Response, Trouble> {
    let form = Form::from(form);
    let session = seat.any_session().ok_or_else(|| seat.nobody())?;
    if !session.is_csrf_token(form.get("csrf")) {
        return Ok(go("/account"));
    }
    let (door, cookie, code) = (&console.door, cookie_of(&headers), form.get("code"));
    let done = match form.get("do") {
        "offer" => door.offer_totp(cookie, form.get("password"), code, seat.from).await.map(|()| None),
        "confirm" => door.confirm_totp(cookie, code, seat.from).await.map(Some),
        "off" => door.drop_totp(cookie, form.get("password"), code, seat.from).await.map(Some),
        _ => {
            door.withdraw_totp(cookie);
            Ok(None)
        }
    };
    match done {
        Ok(None) => Ok(go("/account")),
        Ok(Some(signed_in)) => Ok(([(header::SET_COOKIE, signed_in.set_cookie)], go("/account")).into_response()),
        Err(error) => {
            let problem = seat.language.pick(&error.vi(), &error.en()).to_owned();
            show(&console, &seat, &headers, Refused { password: None, totp: Some(problem) }).await
        }
    }
}

async fn show(console: &Console, seat: &Seat, headers: &HeaderMap, refused: Refused) -> Result<Response, Trouble> {
    let session = seat.any_session().ok_or_else(|| seat.nobody())?;
    let must_change = session.must_change_password;
    let person = console.door.people.find(&session.login).map_err(|error| seat.broken(&error))?;
    let totp = (!must_change).then(|| TotpPart {
        is_on: person.is_some_and(|person| person.has_totp()),
        is_missing: session.must_set_up_totp,
        offer: offer(console, headers),
        problem: refused.totp,
    });
    let mut frame = seat.frame(None).await;
    frame.title = frame.w().account.to_owned();
    Ok(Html(html(&AccountPage { frame, must_change, problem: refused.password, totp })).into_response())
}

fn offer(console: &Console, headers: &HeaderMap) -> Option<TotpOffer> {
    let (secret, uri) = console.door.offered_totp(cookie_of(headers))?;
    let code = draw::qr(&uri)?;
    Some(TotpOffer { secret: secret.base32(), width: code.width, dark: code.dark })
}
