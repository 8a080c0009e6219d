//! *Hệ thống*: how the service is; stations and people. What is changed there: [`super::administration`].

use super::Console;
use super::kept::Kept;
use super::papers::moment;
use super::seat::{Seat, Trouble};
use crate::api::health::Hindrance;
use crate::last_check::LastCheck;
use crate::people::role::{Right, Role};
use crate::review::second_round::{self, Rate};
use crate::{sign, stations, time};
use axum::extract::State;
use axum::response::{Html, IntoResponse, Response};
use sohoa_console::system::{PersonLine, RateLine, StageLine, StationLine, SystemPage};
use sohoa_console::{Language, Page, figures, html};
use sohoa_record::Stage;
use std::sync::Arc;

/// How often each person's decisions were found wrong. Every decision is read for it.
pub type Rates = Arc<Kept<(), Arc<Vec<Rate>>>>;

/// The page.
pub async fn page(seat: Seat, State(console): State<Console>) -> Result<Response, Trouble> {
    show(&console, &seat, None, None).await
}

/// The page with a token or password that is shown this once, and with what was wrong.
pub async fn show(
    console: &Console,
    seat: &Seat,
    secret: Option<(String, String)>,
    problem: Option<String>,
) -> Result<Response, Trouble> {
    let session = seat.with(Right::SeeSystem)?;
    let (language, config) = (seat.language, &console.api.config);
    let stations = stations::load(&config.path(&config.serve.stations)).map_err(|error| seat.broken(&error))?;
    let may_administer = seat.may(Right::Administer);
    let people = match may_administer {
        true => console.door.people.all().map_err(|error| seat.broken(&error))?,
        false => Arc::from([]),
    };
    let role = |role: Role| language.pick(role.vi(), role.en()).to_owned();
    let person = |person: &crate::people::Person| PersonLine {
        login: person.login.clone(),
        name: person.name.clone(),
        role: person.role.as_str(),
        unit: person.unit.clone().unwrap_or_default(),
        has_code: person.has_totp(),
        is_disabled: person.disabled,
        is_oneself: person.login == session.login,
    };
    let own = |limit: u64| if limit == 0 { String::new() } else { limit.to_string() };
    let station = |station: stations::Station| StationLine {
        name: station.name,
        unit: station.unit.unwrap_or_default(),
        since: moment(&station.since),
        per_minute: own(station.limits.per_minute),
        most_mb: own(station.limits.most_mb),
        is_revoked: station.revoked,
    };
    let trouble = |why: Hindrance| (language.pick(&why.vi, &why.en).to_owned(), why.detail);
    let page = SystemPage {
        troubles: console.api.troubles().await.into_iter().chain(wanted(console, seat).await?).map(trouble).collect(),
        facts: facts(console, seat).await?,
        stages: stages(console, language),
        rates: rates(console, seat).await?,
        stations: stations.into_iter().map(station).collect(),
        for_all: (config.serve.station_per_minute, config.most_mb(0)),
        people: people.iter().map(person).collect(),
        may_administer,
        roles: Role::ALL.iter().map(|known| (known.as_str().to_owned(), role(*known))).collect(),
        secret,
        problem,
        frame: seat.frame(Some(Page::System)).await,
    };
    Ok(Html(html(&page)).into_response())
}

async fn facts(console: &Console, seat: &Seat) -> Result<Vec<(String, String)>, Trouble> {
    let (w, archive) = (seat.language.words(), &console.api.archive);
    let broken = |error: sohoa_archive::Error| seat.broken(&error);
    let counts = archive.queue.counts().await.map_err(broken)?;
    let tree = archive.log_head().await.map_err(broken)?;
    let log = tree.map_or_else(|| w.no_log.to_owned(), |(_, tree)| format!("{} {} · {}", tree.size, w.leaves, tree.origin));
    let disk = console.api.free_mb().map_or_else(|| w.unknown.to_owned(), |mb| format!("{} GB", mb / 1000));
    let oldest = counts.oldest_enqueued_at.map(|at| u64::try_from(time::now_ms() - at).unwrap_or(0) / 1000);
    let check = LastCheck::read(&console.api.config);
    let mut facts = vec![
        (w.version.to_owned(), env!("CARGO_PKG_VERSION").to_owned()),
        (w.queued.to_owned(), counts.queued.to_string()),
        (w.oldest_job.to_owned(), oldest.map_or_else(|| "–".to_owned(), |seconds| figures::duration(seat.language, seconds))),
        (w.working.to_owned(), counts.leased.to_string()),
        (w.given_up.to_owned(), counts.dead.to_string()),
        (w.disk_left.to_owned(), disk),
        (w.log_size.to_owned(), log),
        (w.sealing_key.to_owned(), format!("{:.16}…", console.workshop.key_id().to_string())),
        (
            w.last_check.to_owned(),
            check.map_or_else(
                || w.never_checked.to_owned(),
                |check| format!("{} · {} {}", moment(&check.at), check.errors, w.errors_found),
            ),
        ),
    ];
    if let Some(held_up) = console.api.running.held_up() {
        facts.push((w.paused_by.to_owned(), format!("{} · {} {}", held_up.by, w.since, moment(&held_up.since))));
    }
    facts.extend(stamps(console, seat.language).map(|told| (w.log_stamps.to_owned(), told)));
    // Certificates are read, and tokens asked who they are.
    let config = Arc::clone(&console.api.config);
    let signatures = tokio::task::spawn_blocking(move || sign::facts(&config)).await.map_err(|error| seat.broken(&error))?;
    for signature in signatures.map_err(|error| seat.broken(&error))? {
        let told = match signature.outcome {
            Ok(told) if signature.ends_soon => format!("{told} · {}", w.ends_soon),
            Ok(told) => told,
            Err(error) => {
                tracing::warn!("the console: {error}");
                w.signature_fails.to_owned()
            }
        };
        facts.push((format!("{} · {}", w.signature, signature.profile), told));
    }
    Ok(facts)
}

/// What stops no work and wants somebody all the same.
async fn wanted(console: &Console, seat: &Seat) -> Result<Vec<Hindrance>, Trouble> {
    let given_up = console.api.archive.queue.counts().await.map_err(|error| seat.broken(&error))?.dead;
    let waiting: u64 = console.api.running.held.lock().map(|held| held.values().map(|held| held.many).sum()).unwrap_or(0);
    let errors = LastCheck::read(&console.api.config).map_or(0, |check| check.errors);
    let told = [
        (
            given_up,
            format!("{given_up} giấy tờ bị bỏ dở: xem trang Lô quét, sửa nguyên nhân rồi bấm Làm lại"),
            format!("{given_up} documents were given up: see the page of batches, mend the cause, then press retry"),
        ),
        (
            waiting,
            format!("{waiting} tệp trong các thư mục nhận chưa được nhận: chạy sohoa status để xem từng tệp và lý do"),
            format!("{waiting} files in watched folders are not taken: sohoa status names them, and why"),
        ),
        (
            errors,
            format!("lần kiểm tra kho gần nhất thấy {errors} lỗi: chạy sohoa fsck để xem"),
            format!("the last check of the store found {errors} errors: sohoa fsck names them"),
        ),
    ];
    Ok(told.into_iter().filter(|(many, ..)| *many > 0).map(|(_, vi, en)| Hindrance::new(vi, en)).collect())
}

/// How long the time stamps over the log count; none where there are none, or nobody has looked yet.
fn stamps(console: &Console, language: Language) -> Option<String> {
    let w = language.words();
    let stamps = console.api.running.stamps.lock().ok()?.clone().filter(|stamps| stamps.stamped > 0)?;
    let first = stamps.first.map(|first| format!("{} {}", w.first_ends, first.to_zoned(time::zone()).strftime("%d/%m/%Y")));
    let ending = (stamps.ending > 0).then(|| format!("{} {}", w.within_year, stamps.ending));
    Some([Some(stamps.stamped.to_string()), first, ending, stamps.ended].into_iter().flatten().collect::<Vec<_>>().join(" · "))
}

/// What each stage came to; those that nothing went through are left out.
fn stages(console: &Console, language: Language) -> Vec<StageLine> {
    let (came_to, under_way) = (console.api.running.stages.figures(), console.api.running.stages.under_way());
    let stuck = console.api.config.serve.stuck_minutes.saturating_mul(60);
    let line = |stage: Stage| {
        let of = came_to.get(&stage).copied().unwrap_or_default();
        let longest: Vec<u64> =
            under_way.values().filter(|at| at.stage == stage).map(|at| at.since.elapsed().as_secs()).collect();
        let slowest = longest.iter().copied().max();
        (of.runs > 0 || slowest.is_some()).then(|| StageLine {
            name: stage_name(stage, language).to_owned(),
            runs: of.runs,
            mean: match of.took.as_millis().checked_div(u128::from(of.runs)) {
                Some(mean) => format!("{} ms", figures::grouped(language, u64::try_from(mean).unwrap_or(u64::MAX))),
                None => String::new(),
            },
            failures: of.failures,
            now: slowest
                .map_or_else(String::new, |slowest| format!("{} · {}", longest.len(), figures::duration(language, slowest))),
            is_stuck: slowest.is_some_and(|slowest| slowest >= stuck),
        })
    };
    Stage::ALL.into_iter().filter_map(line).collect()
}

/// A stage, as a person reads it.
pub fn stage_name(stage: Stage, language: Language) -> &'static str {
    let (vi, en) = match stage {
        Stage::Fetch => ("Lấy bản quét", "fetch: take the scan"),
        Stage::Decode => ("Mở trang", "decode: open the pages"),
        Stage::Clean => ("Nắn thẳng, làm sạch", "clean: turn and straighten"),
        Stage::Codes => ("Tìm mã vạch, mã QR", "codes: look for barcodes"),
        Stage::Recognize => ("Nhận dạng chữ", "recognize: read the words"),
        Stage::Correct => ("Sửa chữ để tìm kiếm", "correct: mend words for search"),
        Stage::Render => ("Tạo PDF, lấy thông tin", "render: make the PDF, take the fields"),
        Stage::Seal => ("Ký, niêm phong", "seal: sign and seal"),
        Stage::Store => ("Lưu kho", "store: keep it"),
    };
    language.pick(vi, en)
}

/// The rates as they are known.
pub async fn measured(console: &Console) -> Result<Arc<Vec<Rate>>, sohoa_archive::Error> {
    let archive = console.api.archive.clone();
    let making = async move { Ok(Arc::new(second_round::rates(&second_round::survey(&archive).await?))) };
    console.rates.of((), making).await
}

async fn rates(console: &Console, seat: &Seat) -> Result<Vec<RateLine>, Trouble> {
    let rates = measured(console).await.map_err(|error| seat.broken(&error))?;
    let language = seat.language;
    let what = |rate: &Rate| match (rate.of, rate.name.as_str()) {
        ("documents", _) => Some(language.pick("giấy tờ", "documents")),
        ("step", "accept") => Some(language.pick("giá trị được chấp nhận", "values that were accepted")),
        ("step", "correct") => Some(language.pick("giá trị được sửa", "values that were corrected")),
        ("step", _) => Some(language.pick("giấy tờ được bỏ qua", "papers that were skipped")),
        _ => None,
    };
    let line = |rate: &Rate| {
        Some(RateLine {
            what: what(rate)?.to_owned(),
            who: rate.who.clone(),
            looked_at: rate.looked_at,
            wrong: rate.corrected,
            rate: rate.rate.map_or_else(String::new, |rate| figures::percent(language, u32::from(rate.hundredths()))),
        })
    };
    Ok(rates.iter().filter_map(line).collect())
}
