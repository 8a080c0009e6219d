//! The console: what clerks, reviewers, auditors and leaders do in a browser. Here stand its places and what they are answered from; each
//! page is a file below, its HTML is made by `sohoa-console`. It does *not* decide who somebody is ([`crate::door`]) nor what a decision
//! means ([`crate::review`]).

mod access;
mod account;
mod administration;
mod batches;
mod brake;
mod claims;
mod day;
mod doorway;
mod incoming;
mod kept;
pub(crate) mod mask;
mod papers;
mod pictures;
mod records;
mod review;
mod search;
mod seat;
mod system;
mod target_list;
mod targets;
mod today;

use crate::api::Api;
use crate::api::problem::Problem;
use crate::commands::workshop::Workshop;
use crate::door::Door;
use crate::sandbox::Children;
use axum::Router;
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use futures::{StreamExt as _, stream};
use seat::{Seat, Trouble};
use sohoa_console::assets;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Semaphore, watch};

/// Only what this program itself serves; nothing inline, nothing from elsewhere, nobody puts a page into theirs (CSP level 3).
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self'; \
    frame-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
/// A comment keeps a silent stream of events open through web servers that close silent ones.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// What pages are answered from.
#[derive(Clone)]
pub struct Console(Arc<Inside>);

/// All of it.
pub struct Inside {
    /// Archive, configuration, what the parts of the service tell each other.
    pub api: Api,
    /// What decisions are sealed with.
    pub workshop: Arc<Workshop>,
    /// Who may come in.
    pub door: Door,
    /// Page children for eyes: their pages do not wait behind those that are read.
    pub viewers: Children,
    /// Becomes true when the service shall stop.
    pub stop: watch::Receiver<bool>,
    streams: Arc<Semaphore>,
    pictures: pictures::Kept,
    claims: claims::Claims,
    day: day::Day,
    figures: targets::Figures,
    lines: target_list::Lines,
    rates: system::Rates,
    searches: brake::Brake,
}

impl std::ops::Deref for Console {
    type Target = Inside;

    fn deref(&self) -> &Inside {
        &self.0
    }
}

impl Console {
    /// A console over a service.
    pub fn new(api: Api, workshop: Arc<Workshop>, door: Door, viewers: Children, stop: watch::Receiver<bool>) -> Console {
        let (pictures, claims, day, figures, lines, rates, searches) = Default::default();
        let streams = Arc::new(Semaphore::new(STREAMS));
        Console(Arc::new(Inside {
            api,
            workshop,
            door,
            viewers,
            stop,
            streams,
            pictures,
            claims,
            day,
            figures,
            lines,
            rates,
            searches,
        }))
    }

    /// Makes the figures that go over every record before somebody asks for them, where there are so many records that it takes seconds.
    pub async fn warm_up(self) {
        match self.api.archive.index.count(sohoa_record::manifest::State::Sealed, None).await {
            Ok(sealed) if sealed < MANY => return,
            Ok(_) => {}
            Err(error) => return tracing::warn!("figures of the console: {error}"),
        }
        if let Err(error) = targets::figures(&self).await {
            tracing::warn!("figures of the console: {error}");
        }
        if let Err(error) = system::measured(&self).await {
            tracing::warn!("figures of the console: {error}");
        }
    }
}

/// The places of the console.
pub fn routes(console: Console) -> Router {
    Router::new()
        .route("/", get(today::page))
        .route("/live/today", get(today::live))
        .route("/events", get(events))
        .route("/review", get(review::next))
        .route("/review/{record}", get(review::page).post(review::decide))
        .route("/second-round", get(review::next_again))
        .route("/second-round/{record}", get(review::page_again).post(review::decide_again))
        .route("/search", get(search::page))
        .route("/records/{record}", get(records::page))
        .route("/records/{record}/searchable.pdf", get(records::searchable))
        .route("/records/{record}/source", get(records::source))
        .route("/records/{record}/proof.zip", get(records::proof))
        .route("/records/{record}/{revision}/pages/{file}", get(pictures::page))
        .route("/records/{record}/{revision}/fields/{file}", get(pictures::field))
        .route("/batches", get(batches::page))
        .route("/live/batches", get(batches::live))
        .route("/batches/pause", post(batches::pause))
        .route("/batches/go-on", post(batches::go_on))
        .route("/batches/retry", post(batches::retry))
        .route("/targets", get(targets::page))
        .route(target_list::PLACE, get(target_list::page))
        .route("/system", get(system::page))
        .route("/access", get(access::page))
        .route("/system/stations", post(administration::new_station))
        .route("/system/stations/limit", post(administration::limit_station))
        .route("/system/stations/revoke", post(administration::revoke_station))
        .route("/system/people", post(administration::new_person))
        .route("/system/people/change", post(administration::change_person))
        .route("/sign-in", get(doorway::sign_in_page).post(doorway::sign_in))
        .route("/sign-in/oidc", get(doorway::begin_oidc))
        .route(crate::oidc::CALLBACK, get(doorway::finish_oidc))
        .route("/sign-out", post(doorway::sign_out))
        .route("/account", get(account::page).post(account::change_password))
        .route("/account/totp", post(account::totp))
        .route("/language/{code}", get(doorway::language))
        .fallback(unknown)
        .method_not_allowed_fallback(not_so)
        .layer(middleware::from_fn(guarded))
        .route("/assets/{*name}", get(asset))
        .with_state(console)
}

/// An address that is none: a page that says so for people, a problem in JSON for programs.
async fn unknown(seat: Seat, headers: HeaderMap) -> Response {
    let accepted = headers.get(header::ACCEPT).and_then(|accepted| accepted.to_str().ok());
    match accepted {
        Some(accepted) if accepted.contains("text/html") => seat.not_found().into_response(),
        _ => Problem::NO_SUCH_PLACE.into_response(),
    }
}

/// A place of forms that somebody opens by its address, as after a reload: people are led to a page.
async fn not_so(seat: Seat, headers: HeaderMap) -> Response {
    let mut response = unknown(seat, headers).await;
    *response.status_mut() = StatusCode::METHOD_NOT_ALLOWED;
    response
}

/// Figures over so many records are not made while somebody waits.
const MANY: u64 = 10_000;
/// So many streams of events are open at once.
const STREAMS: usize = 128;
/// A form must have come and been answered by then; a decision with a legal signature over the network takes seconds.
const FORM_TIME: Duration = Duration::from_secs(60);

/// What every answer of the console tells the browser.
async fn guarded(request: Request, next: Next) -> Response {
    let (is_form, by_itself) = (request.method() == Method::POST, request.uri().path().starts_with("/live/"));
    let answer = next.run(request);
    let mut response = match is_form {
        true => tokio::time::timeout(FORM_TIME, answer).await.unwrap_or_else(|_| StatusCode::REQUEST_TIMEOUT.into_response()),
        false => answer.await,
    };
    // A part of a page that is fetched by itself must not be replaced by the door: the whole page goes there.
    if by_itself && let Some(to) = response.headers_mut().remove(header::LOCATION) {
        *response.status_mut() = StatusCode::OK;
        response.headers_mut().insert("hx-redirect", to);
    }
    let headers = response.headers_mut();
    headers.entry(header::CONTENT_SECURITY_POLICY).or_insert(HeaderValue::from_static(POLICY));
    for (name, value) in [(header::X_CONTENT_TYPE_OPTIONS, "nosniff"), (header::REFERRER_POLICY, "same-origin")] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    // Pages and papers stay in no cache; what may is said where it is served.
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

/// A style, script or font.
async fn asset(Path(name): Path<String>) -> Response {
    match assets::find(&name) {
        // Asked for anew after an upgrade: an hour is short enough for a style.
        Some(asset) => {
            let headers = [(header::CONTENT_TYPE, asset.media_type), (header::CACHE_CONTROL, "public, max-age=3600")];
            ([(header::X_CONTENT_TYPE_OPTIONS, "nosniff")], headers, asset.bytes).into_response()
        }
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

/// Tells a page that something arrived or was done (server-sent events); it fetches its lists anew then.
async fn events(seat: Seat, State(console): State<Console>) -> Result<Response, Trouble> {
    seat.session()?;
    // A page without events is as right as one that has them; connections are for those who push too.
    let Ok(place) = Arc::clone(&console.streams).try_acquire_owned() else {
        return Ok((StatusCode::SERVICE_UNAVAILABLE, [(header::RETRY_AFTER, "60")]).into_response());
    };
    // What happens while an event is on its way counts as the next one.
    fn listen(console: &Console) -> std::pin::Pin<Box<tokio::sync::futures::OwnedNotified>> {
        Box::pin(Arc::clone(&console.api.running.changed).notified_owned())
    }
    let first = stream::once(async { Ok::<_, std::convert::Infallible>("retry: 2000\n\n") });
    let changed = listen(&console);
    let events = stream::unfold((console, place, changed), async |(console, place, mut changed)| {
        let mut stop = console.stop.clone();
        let event = tokio::select! {
            () = &mut changed => {
                changed = listen(&console);
                "event: papers\ndata: changed\n\n"
            }
            () = tokio::time::sleep(HEARTBEAT) => ": here\n\n",
            _ = stop.wait_for(|stop| *stop) => return None,
        };
        Some((Ok(event), (console, place, changed)))
    });
    let events = first.chain(events);
    let headers = [(header::CONTENT_TYPE, "text/event-stream"), (header::CACHE_CONTROL, "no-store")];
    Ok((headers, axum::body::Body::from_stream(events)).into_response())
}

/// To another page after something was done.
fn go(to: &str) -> Response {
    Redirect::to(to).into_response()
}
