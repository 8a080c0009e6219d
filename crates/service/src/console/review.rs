//! *Kiểm tra* and *Lần hai*: one paper after the other, decided on with [`crate::review`], by whoever has signed in.

use super::papers::{self, filter, latest, title_of};
use super::seat::{Form, Seat, Trouble};
use super::{Console, go, pictures};
use crate::access_log::{Act, Decision as Noted};
use crate::people::role::Right;
use crate::review::second_round::{self, Case};
use crate::review::{self, Decision, Desk, ReviewError, Reviewer, SKIPS, SecondLook};
use crate::sealing::OF_THE_WHOLE;
use axum::Form as Sent;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};
use sohoa_archive::Filter;
use sohoa_console::review::{FieldView, NothingLeft, PageView, Place, ReviewPage};
use sohoa_console::{Page, html};
use sohoa_record::field::name;
use sohoa_record::identifier::RecordId;
use sohoa_record::manifest::{Manifest, State as Outcome};
use sohoa_record::{Field, Placement, Reason, Rect};
use std::collections::HashMap;

/// So many papers are looked through for one that nobody has open.
const LOOKED_THROUGH: u32 = 100;
/// So a person says that the paper has no such value.
const NONE: [&str; 2] = ["-", "–"];
/// A value of more letters gets several lines.
const LONG: usize = 48;

/// To the next paper that waits.
pub async fn next(
    seat: Seat,
    State(console): State<Console>,
    Query(asked): Query<HashMap<String, String>>,
) -> Result<Response, Trouble> {
    let login = &seat.with(Right::Review)?.login;
    let after = asked.get("after").and_then(|record| record.parse::<RecordId>().ok());
    if let Some(left) = &after {
        console.claims.release(left, login);
    }
    match waiting(&console, &seat, after.as_ref()).await?.first() {
        Some(record) => Ok(go(&format!("/review/{record}"))),
        None => Ok(nothing_left(&seat, Page::Review).await),
    }
}

/// Papers that wait and that nobody else has open, oldest first, those after `after` before the others.
async fn waiting(console: &Console, seat: &Seat, after: Option<&RecordId>) -> Result<Vec<RecordId>, Trouble> {
    let login = &seat.session()?.login;
    let wanted = Filter { state: Some(Outcome::Review), ..filter(seat) };
    let index = &console.api.archive.index;
    let mut found = Vec::new();
    for from in if after.is_some() { vec![after, None] } else { vec![None] } {
        let entries = index.entries(&wanted, from, LOOKED_THROUGH).await.map_err(|error| seat.broken(&error))?;
        found.extend(entries.into_iter().map(|entry| entry.record).filter(|record| !console.claims.is_taken(record, login)));
        if !found.is_empty() {
            break;
        }
    }
    Ok(found)
}

async fn nothing_left(seat: &Seat, page: Page) -> Response {
    Html(html(&NothingLeft { frame: seat.frame(Some(page)).await })).into_response()
}

/// One paper.
pub async fn page(seat: Seat, State(console): State<Console>, Path(record): Path<String>) -> Result<Response, Trouble> {
    seat.with(Right::Review)?;
    show(&console, &seat, &record, None, &Form::default()).await
}

/// Decides, and goes to the next one.
pub async fn decide(
    seat: Seat,
    State(console): State<Console>,
    Path(record): Path<String>,
    Sent(form): Sent<HashMap<String, String>>,
) -> Result<Response, Trouble> {
    let form = Form::from(form);
    seat.sending(Right::Review, &form)?;
    let manifest = latest(&console, &seat, &record).await?.manifest;
    let decision = match form.get("do") {
        "reject" => Decision::Reject(note(&form)),
        skip if skip.starts_with("skip:") => match skip["skip:".len()..].parse() {
            Ok(reason) => Decision::Skip(reason, note(&form)),
            Err(_) => return Err(seat.not_found()),
        },
        // Nobody says by leaving a field empty that the paper has no such value.
        _ => match typed(&form) {
            values if values.iter().any(Typed::is_left_empty) => {
                let left = values.into_iter().find(Typed::is_left_empty).map(|value| value.field).unwrap_or_default();
                return refused(&console, &seat, &form, &record, &ReviewError::NoValue(left), "/review").await;
            }
            values if values.iter().all(|value| value.is_same) => Decision::Accept(Vec::new()),
            values => Decision::Correct(values.into_iter().map(|value| (value.field, value.value)).collect()),
        },
    };
    let noted = match &decision {
        Decision::Accept(_) => Noted::Accept,
        Decision::Correct(_) => Noted::Correct,
        Decision::Skip(..) => Noted::Skip,
        Decision::Reject(_) => Noted::Reject,
    };
    let reviewer = reviewer(&seat, &manifest, &form)?;
    let decided = review::decide(&desk(&console), &reviewer, decision).await;
    done(&console, &seat, &form, &record, decided, noted, "/review").await
}

/// A note, as long as the form lets it be.
fn note(form: &Form) -> String {
    form.get("note").trim().chars().take(500).collect()
}

/// What a field of the form says.
struct Typed {
    field: String,
    value: Option<String>,
    is_same: bool,
}

impl Typed {
    /// In doubt, without a value, and nobody said anything.
    fn is_left_empty(&self) -> bool {
        self.is_same && self.value.is_none()
    }
}

/// What was typed otherwise than it was read, and what was in doubt and left as it stands.
fn typed(form: &Form) -> Vec<Typed> {
    let value = |(field, is): (&str, &str)| {
        let was = form.get(&format!("was.{field}"));
        // A browser sends lines as CR LF.
        let is_same = is.replace("\r\n", "\n").trim() == was.replace("\r\n", "\n").trim();
        let in_doubt = form.get(&format!("doubt.{field}")) == "1";
        let is = is.split_whitespace().collect::<Vec<_>>().join(" ");
        let is = if NONE.contains(&is.as_str()) { String::new() } else { is };
        (!is_same || in_doubt).then(|| Typed {
            field: field.to_owned(),
            value: Some(as_kept(&is)).filter(|value| !value.is_empty()),
            is_same,
        })
    };
    form.with_prefix("is.").filter_map(value).collect()
}

/// `17/01/2025` is a day as people type it; it is kept as `2025-01-17`.
fn as_kept(typed: &str) -> String {
    let parts: Vec<&str> = typed.split(['/', '.', '-']).collect();
    match parts[..] {
        [day, month, year] if year.len() == 4 && [day, month].iter().all(|part| (1..=2).contains(&part.len())) => {
            let digits = parts.iter().all(|part| part.bytes().all(|b| b.is_ascii_digit()));
            if digits { format!("{year}-{month:0>2}-{day:0>2}") } else { typed.to_owned() }
        }
        _ => typed.to_owned(),
    }
}

fn reviewer(seat: &Seat, manifest: &Manifest, form: &Form) -> Result<Reviewer, Trouble> {
    let seen = form.get("seen").parse().map_err(|_| seat.not_found())?;
    Ok(Reviewer { record: manifest.record.clone(), who: seat.session()?.name.clone(), seen: Some(seen) })
}

fn desk(console: &Console) -> Desk<'_> {
    let config = &console.api.config;
    Desk { archive: &console.api.archive, sealer: console.workshop.sealer(config), second_round: config.second_round() }
}

/// The next paper after a decision; the same one with what was wrong, when it was not taken.
async fn done(
    console: &Console,
    seat: &Seat,
    form: &Form,
    record: &str,
    decided: Result<review::Decided, ReviewError>,
    noted: Noted,
    back: &str,
) -> Result<Response, Trouble> {
    match decided {
        Ok(decided) => {
            let manifest = &decided.opened.manifest;
            seat.note(Act::Decision { record: manifest.record.clone(), revision: manifest.revision, decision: noted }).await?;
            console.workshop.logbook.note_or_warn(&decided.opened).await;
            console.claims.release(&manifest.record, &seat.session()?.login);
            console.api.running.changed.notify_waiters();
            Ok(go(&format!("{back}?after={record}")))
        }
        Err(ReviewError::Archive(error)) => Err(seat.of_record(&error)),
        Err(error) => refused(console, seat, form, record, &error, back).await,
    }
}

/// The same paper again, with what was typed and why it was not taken.
async fn refused(
    console: &Console,
    seat: &Seat,
    form: &Form,
    record: &str,
    error: &ReviewError,
    back: &str,
) -> Result<Response, Trouble> {
    let problem = Some(problem(seat, error));
    // Over somebody else's decision nothing of one's own is laid: theirs is looked at first.
    let nothing = Form::default();
    let form = if matches!(error, ReviewError::MovedOn { .. }) { &nothing } else { form };
    let shown = match back {
        "/second-round" => show_again(console, seat, record, problem, form).await?,
        _ => show(console, seat, record, problem, form).await?,
    };
    Ok((StatusCode::UNPROCESSABLE_ENTITY, shown).into_response())
}

/// How the value of a field is typed, for who typed it otherwise.
fn form_of(field: &str) -> &'static str {
    match field {
        name::ISSUED_DATE | name::VALID_UNTIL => "nhập ngày như 17/01/2025; ngày ban hành không ở tương lai",
        name::CODE_NUMBER => "chỉ nhập số như trên giấy, không kèm 'Số:' và ký hiệu",
        name::CODE_NOTATION => "nhập ký hiệu như QĐ-UBND",
        name::DOSSIER_CODE => "nhập mã hồ sơ như H48.15-250117-0042",
        name::PROCEDURE_CODE => "nhập mã thủ tục như 1.004227",
        name::OWNER_ID => "nhập số định danh 12 chữ số hoặc số CMND 9 chữ số",
        name::PAGE_AMOUNT => "số trang được đếm từ bản quét; nếu thiếu trang thì quét lại",
        _ => "giá trị không đúng dạng; nhập như trên giấy, trên một dòng",
    }
}

/// Why a decision was not taken, for the person.
fn problem(seat: &Seat, error: &ReviewError) -> String {
    let told = |field: &str| seat.language.field(field);
    let vi = match error {
        ReviewError::MovedOn { who, .. } => format!("{who} đã quyết định trong lúc bạn xem: xem lại và quyết định lại"),
        ReviewError::NoValue(field) => {
            format!("{}: chưa có giá trị; nhập giá trị, hoặc gõ dấu - nếu giấy không ghi", told(field))
        }
        ReviewError::BadValue(field, _) => format!("{}: {}", told(field), form_of(field)),
        ReviewError::NothingInDoubt(_) => "không có gì để xác nhận: không trường nào còn nghi ngờ".to_owned(),
        ReviewError::SamePerson(_) => "lần hai phải do người khác kiểm tra".to_owned(),
        ReviewError::NotDrawn | ReviewError::NoSecondRound => "giấy tờ này không (còn) chờ kiểm tra lần hai".to_owned(),
        ReviewError::WrongState(_) => "giấy tờ này không còn ở trạng thái kiểm tra được: quét lại".to_owned(),
        other => other.to_string(),
    };
    let en = match error {
        ReviewError::NoValue(field) => format!("{}: it has no value; type one, or a dash (-) if the paper has none", told(field)),
        other => other.to_string(),
    };
    seat.language.pick(&vi, &en).to_owned()
}

async fn show(console: &Console, seat: &Seat, record: &str, problem: Option<String>, form: &Form) -> Result<Response, Trouble> {
    let opened = latest(console, seat, record).await?;
    let manifest = &opened.manifest;
    if !matches!(manifest.state, Outcome::Review | Outcome::Sealed) {
        return Ok(go(&format!("/records/{record}")));
    }
    let is_taken = console.claims.take(&manifest.record, &seat.session()?.login);
    let next = waiting(console, seat, Some(&manifest.record)).await?.into_iter().find(|next| *next != manifest.record);
    let next_image = match next {
        Some(next) => first_page(console, &next).await,
        None => None,
    };
    let frame = seat.frame(Some(Page::Review)).await;
    let left = frame.waiting;
    render(console, seat, manifest, Shown { frame, is_taken, problem, first_by: None, left, next_image }, form).await
}

/// The picture of a record's first page.
async fn first_page(console: &Console, record: &RecordId) -> Option<String> {
    let manifest = console.api.archive.revisions(record).await.ok()?.pop()?.manifest;
    Some(pictures::of_page(&manifest, manifest.pages.first()?.number))
}

/// What is not the paper's own.
struct Shown {
    frame: sohoa_console::Frame,
    is_taken: bool,
    problem: Option<String>,
    first_by: Option<String>,
    left: u64,
    next_image: Option<String>,
}

async fn render(console: &Console, seat: &Seat, manifest: &Manifest, shown: Shown, form: &Form) -> Result<Response, Trouble> {
    seat.note(Act::Record { record: manifest.record.clone(), revision: manifest.revision }).await?;
    let language = seat.language;
    let mut fields: Vec<FieldView> = manifest.fields.iter().map(|field| field_view(seat, manifest, field, form)).collect();
    // A paper whose dossier nobody knows is put into it by whoever knows the code.
    if shown.first_by.is_none()
        && manifest.reasons.contains(&Reason::DossierUnknown)
        && fields.iter().all(|f| f.name != name::DOSSIER_CODE)
    {
        fields.push(unasked(seat, name::DOSSIER_CODE, form));
    }
    if shown.first_by.is_some() {
        let w = language.words();
        fields.iter_mut().filter_map(|field| field.doubt.as_mut()).for_each(|doubt| w.decided_first.clone_into(doubt));
    }
    fields.sort_by_key(|field| field.doubt.is_none());
    let whole = manifest.reasons.iter().filter(|reason| OF_THE_WHOLE.contains(reason) || **reason == Reason::DossierUnknown);
    let page = ReviewPage {
        record: manifest.record.to_string(),
        revision: manifest.revision,
        title: title_of(manifest),
        place: console.day.place_of(console, &manifest.source.digests.sha256).await,
        arrived: papers::clock(&manifest.source.arrived_at),
        reasons: whole.map(|reason| language.reason(*reason).to_owned()).collect(),
        fields,
        pages: page_views(seat, manifest),
        is_taken: shown.is_taken,
        problem: shown.problem,
        first_by: shown.first_by,
        left: shown.left,
        next_image: shown.next_image,
        skips: SKIPS.iter().map(|reason| (reason.code().to_owned(), language.reason(*reason).to_owned())).collect(),
        frame: shown.frame,
    };
    Ok(Html(html(&page)).into_response())
}

/// The pages of a record.
pub fn page_views(seat: &Seat, manifest: &Manifest) -> Vec<PageView> {
    let view = |page: &sohoa_record::manifest::Page| {
        let (width, height) = upright_size(page.width_px, page.height_px, page.placement);
        PageView {
            number: page.number,
            image: pictures::of_page(manifest, page.number),
            width,
            height,
            flags: page.reasons.iter().map(|reason| seat.language.reason(*reason).to_owned()).collect(),
            dpi: page.dpi,
        }
    };
    manifest.pages.iter().map(view).collect()
}

fn field_view(seat: &Seat, manifest: &Manifest, field: &Field, form: &Form) -> FieldView {
    let value = papers::day(field.value.as_deref().unwrap_or_default());
    // What was typed and not taken is not typed again; what was cleared stays so.
    let typed = form.find(&format!("is.{}", field.name));
    let page = manifest.pages.iter().find(|page| page.number == field.page);
    let place = field.rect.zip(page).map(|(rect, page)| upright(rect, page.width_px, page.height_px, page.placement));
    FieldView {
        label: seat.language.field(&field.name),
        is_long: value.chars().count() > LONG || field.name == name::SUBJECT,
        confidence: field.confidence,
        doubt: field.doubt.map(|reason| seat.language.reason(reason).to_owned()),
        page: field.page,
        place,
        crop: field.rect.filter(|_| field.doubt.is_some()).map(|_| pictures::of_field(manifest, &field.name)),
        candidates: field
            .register
            .iter()
            .flat_map(|witness| &witness.rows)
            .map(|row| (papers::day(&row.value), row.score))
            .collect(),
        is_fixed: field.name == name::PAGE_AMOUNT,
        value: typed.unwrap_or(&value).to_owned(),
        was: value,
        name: field.name.clone(),
    }
}

/// A field that no rule looked for, and that a person may fill.
fn unasked(seat: &Seat, name: &str, form: &Form) -> FieldView {
    FieldView {
        name: name.to_owned(),
        label: seat.language.field(name),
        was: String::new(),
        value: form.get(&format!("is.{name}")).to_owned(),
        confidence: 0,
        doubt: None,
        page: 1,
        place: None,
        crop: None,
        candidates: Vec::new(),
        is_fixed: false,
        is_long: false,
    }
}

fn upright_size(width: u32, height: u32, placement: Placement) -> (u32, u32) {
    if matches!(placement.rotated_deg, 90 | 270) { (height, width) } else { (width, height) }
}

/// A place on the kept image as it is on the upright page.
fn upright(rect: Rect, width: u32, height: u32, placement: Placement) -> Place {
    let (right, bottom) = (width.saturating_sub(rect.x + rect.width), height.saturating_sub(rect.y + rect.height));
    match placement.rotated_deg {
        90 => Place { x: bottom, y: rect.x, width: rect.height, height: rect.width },
        180 => Place { x: right, y: bottom, width: rect.width, height: rect.height },
        270 => Place { x: rect.y, y: right, width: rect.height, height: rect.width },
        _ => Place { x: rect.x, y: rect.y, width: rect.width, height: rect.height },
    }
}

// --- the second round

/// To the next decision that was drawn.
pub async fn next_again(
    seat: Seat,
    State(console): State<Console>,
    Query(asked): Query<HashMap<String, String>>,
) -> Result<Response, Trouble> {
    let who = seat.with(Right::ReviewAgain)?.name.clone();
    let after = asked.get("after").map(String::as_str).unwrap_or_default();
    let drawn = drawn(&console, &seat).await?;
    let others = || drawn.iter().filter(|case| !case.people().any(|first| second_round::is_same_person(first, &who)));
    // Those after it first: what was left for later comes last.
    let next = others().find(|case| case.record.as_str() > after).or_else(|| others().next());
    match next.filter(|case| case.record.as_str() != after || others().count() == 1) {
        Some(case) => Ok(go(&format!("/second-round/{}", case.record))),
        None => Ok(nothing_left(&seat, Page::SecondRound).await),
    }
}

/// Decisions on papers of this person's unit that were drawn for a second look.
async fn drawn(console: &Console, seat: &Seat) -> Result<Vec<Case>, Trouble> {
    let all = second_round::survey(&console.api.archive).await.map_err(|error| seat.broken(&error))?;
    let session = seat.session()?;
    let mut drawn = Vec::new();
    for case in second_round::waiting(&all, console.api.config.second_round()) {
        let entry = console.api.archive.index.entry(&case.record).await.map_err(|error| seat.broken(&error))?;
        if entry.is_some_and(|entry| session.sees_unit(entry.unit.as_deref())) {
            drawn.push(case.clone());
        }
    }
    drawn.sort_by(|a, b| a.record.cmp(&b.record));
    Ok(drawn)
}

/// One decision.
pub async fn page_again(seat: Seat, State(console): State<Console>, Path(record): Path<String>) -> Result<Response, Trouble> {
    seat.with(Right::ReviewAgain)?;
    show_again(&console, &seat, &record, None, &Form::default()).await
}

async fn show_again(
    console: &Console,
    seat: &Seat,
    record: &str,
    problem: Option<String>,
    form: &Form,
) -> Result<Response, Trouble> {
    let opened = latest(console, seat, record).await?;
    let drawn = drawn(console, seat).await?;
    let Some(case) = drawn.iter().find(|case| case.record == opened.manifest.record) else {
        return Ok(go("/second-round"));
    };
    let mut manifest = opened.manifest.clone();
    // What was decided is what is looked at again.
    for field in &mut manifest.fields {
        if case.fields().any(|name| name == field.name) {
            field.doubt = Some(Reason::LowConfidence);
        }
    }
    let first_by = Some(case.people().collect::<Vec<_>>().join(", "));
    let frame = seat.frame(Some(Page::SecondRound)).await;
    let left = drawn.len() as u64;
    render(console, seat, &manifest, Shown { frame, is_taken: false, problem, first_by, left, next_image: None }, form).await
}

/// Decides on a decision.
pub async fn decide_again(
    seat: Seat,
    State(console): State<Console>,
    Path(record): Path<String>,
    Sent(form): Sent<HashMap<String, String>>,
) -> Result<Response, Trouble> {
    let form = Form::from(form);
    seat.sending(Right::ReviewAgain, &form)?;
    let manifest = latest(&console, &seat, &record).await?.manifest;
    let changed: Vec<_> =
        typed(&form).into_iter().filter(|value| !value.is_same).map(|value| (value.field, value.value)).collect();
    let (look, noted) = match changed.is_empty() {
        true => (SecondLook::Accept, Noted::SecondAccept),
        false => (SecondLook::Correct(changed), Noted::SecondCorrect),
    };
    let decided = review::decide_again(&desk(&console), &reviewer(&seat, &manifest, &form)?, look).await;
    done(&console, &seat, &form, &record, decided, noted, "/second-round").await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_typed_as_people_write_them() {
        for (typed, kept) in
            [("17/01/2025", "2025-01-17"), ("7.1.2025", "2025-01-07"), ("51/QĐ-UBND", "51/QĐ-UBND"), ("2025-01-17", "2025-01-17")]
        {
            assert_eq!(as_kept(typed), kept);
        }
    }

    #[test]
    fn only_what_changed_or_was_in_doubt_is_decided() {
        let fields = [
            ("is.d", "-"),
            ("was.d", ""),
            ("doubt.d", "1"),
            ("is.e", ""),
            ("was.e", ""),
            ("doubt.e", "1"),
            ("is.a", "1"),
            ("was.a", "1"),
            ("is.b", "2 "),
            ("was.b", "2"),
            ("doubt.b", "1"),
            ("is.c", ""),
            ("was.c", "3"),
        ];
        let form =
            Form::from(fields.map(|(name, value)| (name.to_owned(), value.to_owned())).into_iter().collect::<HashMap<_, _>>());
        let mut said = typed(&form);
        said.sort_by(|a, b| a.field.cmp(&b.field));
        let said: Vec<_> =
            said.iter().map(|typed| (typed.field.as_str(), typed.value.as_deref(), typed.is_left_empty())).collect();
        assert_eq!(said, [("b", Some("2"), false), ("c", None, false), ("d", None, false), ("e", None, true)]);
    }

    #[test]
    fn a_place_turns_with_its_page() {
        let rect = Rect { x: 10, y: 20, width: 30, height: 5 };
        let turned = |rotated_deg| {
            let place = upright(rect, 100, 200, Placement { rotated_deg, skew_mdeg: 0 });
            (place.x, place.y, place.width, place.height)
        };
        assert_eq!(turned(0), (10, 20, 30, 5));
        assert_eq!(turned(90), (175, 10, 5, 30));
        assert_eq!(turned(180), (60, 175, 30, 5));
        assert_eq!(turned(270), (20, 60, 5, 30));
    }
}
