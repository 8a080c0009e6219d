//! What an administrator changes on the page *Hệ thống*: stations and people.

use super::seat::{Form, Seat, Trouble};
use super::{Console, go, system};
use crate::access_log::{Act, Change};
use crate::people::password::NewPassword;
use crate::people::role::{Right, Role};
use crate::people::{NewPerson, People, PeopleError};
use crate::stations::{self, Limits};
use axum::Form as Sent;
use axum::extract::State;
use axum::response::Response;
use std::collections::HashMap;
use std::sync::Arc;

/// Makes a station; its token is shown this once.
pub async fn new_station(
    seat: Seat,
    State(console): State<Console>,
    Sent(form): Sent<HashMap<String, String>>,
) -> Result<Response, Trouble> {
    let form = Form::from(form);
    seat.sending(Right::Administer, &form)?;
    let file = console.api.config.path(&console.api.config.serve.stations);
    let unit = Some(form.get("unit").trim()).filter(|unit| !unit.is_empty());
    let Some(limits) = limits(&form) else { return no_number(&console, &seat).await };
    match stations::add(&file, form.get("name").trim(), unit, limits) {
        Ok(token) => {
            seat.note(Act::Administer { change: Change::NewStation, on: form.get("name").trim().to_owned() }).await?;
            system::show(&console, &seat, Some((seat.language.words().token_once.to_owned(), token)), None).await
        }
        Err(error) => refused(&console, &seat, error.vi(), error.to_string()).await,
    }
}

/// Gives a station other limits.
pub async fn limit_station(
    seat: Seat,
    State(console): State<Console>,
    Sent(form): Sent<HashMap<String, String>>,
) -> Result<Response, Trouble> {
    let form = Form::from(form);
    seat.sending(Right::Administer, &form)?;
    let file = console.api.config.path(&console.api.config.serve.stations);
    let Some(limits) = limits(&form) else { return no_number(&console, &seat).await };
    match stations::limit(&file, form.get("name"), |own| *own = limits) {
        Ok(()) => {
            seat.note(Act::Administer { change: Change::LimitStation, on: form.get("name").to_owned() }).await?;
            Ok(go("/system"))
        }
        Err(error) => refused(&console, &seat, error.vi(), error.to_string()).await,
    }
}

/// The limits as they were typed; an empty one is what the configuration says.
fn limits(form: &Form) -> Option<Limits> {
    let limit = |name| match form.get(name).trim() {
        "" => Some(0),
        typed => typed.parse().ok(),
    };
    Some(Limits { per_minute: limit("per_minute")?, most_mb: limit("most_mb")? })
}

async fn no_number(console: &Console, seat: &Seat) -> Result<Response, Trouble> {
    let (vi, en) = ("Giới hạn của trạm phải là số nguyên, hoặc để trống", "a station's limit is a whole number, or left empty");
    refused(console, seat, vi.into(), en.into()).await
}

/// Refuses a station's token from now on.
pub async fn revoke_station(
    seat: Seat,
    State(console): State<Console>,
    Sent(form): Sent<HashMap<String, String>>,
) -> Result<Response, Trouble> {
    let form = Form::from(form);
    seat.sending(Right::Administer, &form)?;
    let file = console.api.config.path(&console.api.config.serve.stations);
    match stations::revoke(&file, form.get("name")) {
        Ok(_) => {
            seat.note(Act::Administer { change: Change::RevokeStation, on: form.get("name").to_owned() }).await?;
            Ok(go("/system"))
        }
        Err(error) => refused(&console, &seat, error.vi(), error.to_string()).await,
    }
}

/// Adds a person with a temporary password, which is shown this once.
pub async fn new_person(
    seat: Seat,
    State(console): State<Console>,
    Sent(form): Sent<HashMap<String, String>>,
) -> Result<Response, Trouble> {
    let form = Form::from(form);
    seat.sending(Right::Administer, &form)?;
    let role = role(&seat, &form)?;
    let password = NewPassword::generate().map_err(|error| seat.broken(&error))?;
    let shown = password.reveal().to_owned();
    let (login, name, unit) = (form.get("login").to_owned(), form.get("name").to_owned(), form.get("unit").trim().to_owned());
    let unit = Some(unit).filter(|unit| !unit.is_empty());
    let added = with_people(&console, &seat, move |people| {
        people.add(&NewPerson { login: &login, name: &name, role, unit: unit.as_deref(), password: &password, temporary: true })
    });
    match added.await? {
        Ok(person) => {
            seat.note(Act::Administer { change: Change::NewPerson, on: person.login }).await?;
            system::show(&console, &seat, Some((seat.language.words().password_once.to_owned(), shown)), None).await
        }
        Err(error) => refused(&console, &seat, error.vi(), error.to_string()).await,
    }
}

fn role(seat: &Seat, form: &Form) -> Result<Role, Trouble> {
    Role::ALL.into_iter().find(|role| role.as_str() == form.get("role")).ok_or_else(|| seat.not_found())
}

/// Disables or enables a person, gives them a new temporary password or another role and unit, or asks them for no more one-time codes.
pub async fn change_person(
    seat: Seat,
    State(console): State<Console>,
    Sent(form): Sent<HashMap<String, String>>,
) -> Result<Response, Trouble> {
    let form = Form::from(form);
    let session = seat.sending(Right::Administer, &form)?;
    let login = form.get("login").to_owned();
    // Nobody locks themselves out.
    if login == session.login {
        return Err(seat.not_found());
    }
    let on = login.clone();
    let (change, shown, changed) = match form.get("do") {
        "disable" => {
            (Change::Disable, None, with_people(&console, &seat, move |people| people.set_disabled(&login, true)).await?)
        }
        "enable" => (Change::Enable, None, with_people(&console, &seat, move |people| people.set_disabled(&login, false)).await?),
        "reset" => {
            let password = NewPassword::generate().map_err(|error| seat.broken(&error))?;
            let shown = password.reveal().to_owned();
            let changed = with_people(&console, &seat, move |people| people.set_password(&login, &password, true)).await?;
            (Change::Password, Some(shown), changed)
        }
        "drop-code" => (Change::Totp, None, with_people(&console, &seat, move |people| people.drop_totp(&login)).await?),
        "role" => {
            let role = role(&seat, &form)?;
            let unit = Some(form.get("unit").trim().to_owned()).filter(|unit| !unit.is_empty());
            let changed = with_people(&console, &seat, move |people| people.set_role(&login, role, Some(unit.as_deref())));
            (Change::Role, None, changed.await?)
        }
        _ => return Err(seat.not_found()),
    };
    match changed {
        Ok(_) => {
            seat.note(Act::Administer { change, on }).await?;
            let secret = shown.map(|shown| (seat.language.words().password_once.to_owned(), shown));
            system::show(&console, &seat, secret, None).await
        }
        Err(error) => refused(&console, &seat, error.vi(), error.to_string()).await,
    }
}

/// Changes people on a thread that may wait: a password's hash takes a core for a tenth of a second.
async fn with_people<T: Send + 'static>(
    console: &Console,
    seat: &Seat,
    change: impl FnOnce(&People) -> Result<T, PeopleError> + Send + 'static,
) -> Result<Result<T, PeopleError>, Trouble> {
    let people = Arc::clone(&console.door.people);
    tokio::task::spawn_blocking(move || change(&people)).await.map_err(|error| seat.broken(&error))
}

/// The page with what was wrong, in this person's language.
async fn refused(console: &Console, seat: &Seat, vi: String, en: String) -> Result<Response, Trouble> {
    tracing::warn!("the console: {en}");
    system::show(console, seat, None, Some(seat.language.pick(&vi, &en).to_owned())).await
}
