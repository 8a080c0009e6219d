//! A record in full, and what may be taken away of it.

use super::papers::{self, in_order, latest, moment, paper, revisions, title_of};
use super::review::page_views;
use super::seat::{Seat, Trouble};
use super::{Console, incoming, mask};
use crate::access_log::Act;
use crate::commands::{export, text_pages};
use crate::people::role::Right;
use crate::same_paper;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderValue, header};
use axum::response::{Html, IntoResponse, Response};
use sohoa_console::html;
use sohoa_console::record::{Event, FieldLine, RecordPage};
use sohoa_record::field::REGISTER_RULE;
use sohoa_record::manifest::{Manifest, Object, Role, State as Outcome};
use sohoa_record::seal::Opened;

/// The page.
pub async fn page(seat: Seat, State(console): State<Console>, Path(record): Path<String>) -> Result<Response, Trouble> {
    let opened = latest(&console, &seat, &record).await?;
    let manifest = &opened.manifest;
    seat.note(Act::Record { record: manifest.record.clone(), revision: manifest.revision }).await?;
    let (language, sees) = (seat.language, seat.may(Right::SeePersonalNumbers));
    let mut frame = seat.frame(None).await;
    let title = mask::text(&title_of(manifest), sees);
    frame.title.clone_from(&title);
    let others = same_paper::others(&console.api.archive, manifest).await.map_err(|error| seat.broken(&error))?;
    let mut papers = Vec::new();
    for other in others.same_number.iter().chain(&others.same_pages) {
        if let Ok(Some(entry)) = console.api.archive.index.entry(other).await {
            papers.push(paper(&console, &seat, &entry).await);
        }
    }
    let texts = text_pages(&console.api.archive, manifest).await.map_err(|error| seat.broken(&error))?;
    let can_review = seat.may(Right::Review) && matches!(manifest.state, Outcome::Review | Outcome::Sealed);
    let page = RecordPage {
        record: manifest.record.to_string(),
        revision: manifest.revision,
        title,
        state: manifest.state,
        reasons: in_order(&manifest.reasons).into_iter().map(|reason| language.reason(reason).to_owned()).collect(),
        facts: facts(&console, &seat, manifest).await,
        fields: manifest.fields.iter().map(|field| field_line(&seat, manifest, field, sees)).collect(),
        pages: page_views(&seat, manifest),
        texts: texts.iter().map(|page| (page.number, mask::text(&page.search_text(), sees))).collect(),
        history: manifest.history.iter().rev().map(|event| event_line(&seat, event)).collect(),
        proof: proof_facts(&console, &seat, &opened).await?,
        incoming: incoming::lines(manifest, language, sees),
        others: papers,
        files: if seat.may(Right::TakeAway) { files(&seat, manifest) } else { Vec::new() },
        pdf: (seat.may(Right::TakeAway) && manifest.object(Role::Searchable).is_some())
            .then(|| format!("/records/{}/searchable.pdf", manifest.record)),
        decide: can_review.then(|| format!("/review/{}", manifest.record)),
        frame,
    };
    Ok(Html(html(&page)).into_response())
}

async fn facts(console: &Console, seat: &Seat, manifest: &Manifest) -> Vec<(String, String)> {
    let w = seat.language.words();
    let unknown = || w.unknown.to_owned();
    let sees = seat.may(Right::SeePersonalNumbers);
    let place = mask::text(&console.day.place_of(console, &manifest.source.digests.sha256).await, sees);
    let file = mask::text(&manifest.source.name, sees);
    let mut facts = vec![
        (w.dossier.to_owned(), manifest.dossier.code.as_ref().map_or_else(unknown, ToString::to_string)),
        (w.unit.to_owned(), manifest.dossier.unit.clone().unwrap_or_else(unknown)),
        (w.arrived.to_owned(), moment(&manifest.source.arrived_at)),
        (w.from.to_owned(), place),
        (w.source.to_owned(), format!("{file} · {}", size(seat, manifest.source.digests.size))),
    ];
    if let Some(code) = &manifest.result_code {
        facts.insert(1, (seat.language.pick("Mã kết quả số hóa", "Result code").to_owned(), code.clone()));
    }
    if let Some(part) = manifest.part {
        facts.push((w.paper.to_owned(), format!("{} {} {}", part.number, w.of, part.of)));
    }
    facts
}

fn field_line(seat: &Seat, manifest: &Manifest, field: &sohoa_record::Field, sees: bool) -> FieldLine {
    let shown = |value: &Option<String>| mask::field(&field.name, &papers::day(value.as_deref().unwrap_or("–")), sees);
    let before = manifest.history.iter().flat_map(|event| event.changes.iter().map(move |change| (event, change)));
    FieldLine {
        label: seat.language.field(&field.name),
        value: field.value.as_ref().map(|value| mask::field(&field.name, &papers::day(value), sees)).unwrap_or_default(),
        confidence: field.confidence,
        page: field.page,
        doubt: field.doubt.map(|reason| seat.language.reason(reason).to_owned()),
        rule: match field.register.as_ref().and_then(|witness| witness.rows.first()).filter(|_| field.rule == REGISTER_RULE) {
            Some(row) => format!("{} · {} {} %", field.rule, row.line, row.score),
            None => field.rule.clone(),
        },
        before: before
            .filter(|(_, change)| change.field == field.name && change.before != change.after)
            .map(|(event, change)| (shown(&change.before), event.who.clone(), moment(&event.at)))
            .collect(),
    }
}

fn event_line(seat: &Seat, event: &sohoa_record::manifest::Event) -> Event {
    // A note of fields is a list of their names.
    let is_fields = !event.changes.is_empty();
    let note = match is_fields {
        true => event.changes.iter().map(|change| seat.language.field(&change.field)).collect::<Vec<_>>().join(", "),
        false => mask::text(&event.note, seat.may(Right::SeePersonalNumbers)),
    };
    Event { at: moment(&event.at), who: event.who.clone(), action: seat.language.action(&event.action).to_owned(), note }
}

/// When and by which key it was sealed, where it is in the log, who witnessed that, who signed.
async fn proof_facts(console: &Console, seat: &Seat, opened: &Opened) -> Result<Vec<(String, String)>, Trouble> {
    let (w, manifest, archive) = (seat.language.words(), &opened.manifest, &console.api.archive);
    let mut facts =
        vec![(w.sealed_at.to_owned(), format!("{} · {} {}", moment(&manifest.sealed_at), w.revision, manifest.revision))];
    facts.push((w.keys.to_owned(), format!("{} · {:.16}…", opened.key_name, opened.key_id.to_string())));
    let broken = |error: sohoa_archive::Error| seat.broken(&error);
    let logged = match archive.log_head().await.map_err(broken)? {
        None => w.no_log.to_owned(),
        Some((note, tree)) => match archive.log_proof(opened).await.map_err(broken)? {
            None => w.not_in_log.to_owned(),
            Some(proof) => {
                // Beside the log's own signature.
                let witnesses = note.signatures.len().saturating_sub(1);
                format!("{} {} {} · {witnesses} {} · {}", proof.index, w.of, tree.size, w.witnesses, tree.origin)
            }
        },
    };
    facts.push((w.in_log_at.to_owned(), logged));
    for signature in &manifest.pdf_signatures {
        let stamped = signature.stamped_at.as_deref().map_or_else(String::new, |at| format!(" · {}", moment(at)));
        facts.push((
            w.signed_by.to_owned(),
            format!("{} · {} · {}{stamped}", signature.signer, signature.profile, signature.level),
        ));
    }
    Ok(facts)
}

fn files(seat: &Seat, manifest: &Manifest) -> Vec<(String, String, String)> {
    let w = seat.language.words();
    let place = |file: &str| format!("/records/{}/{file}", manifest.record);
    let of = |role| manifest.object(role).map(|object: &Object| size(seat, object.digests.size));
    let mut files = Vec::new();
    if let Some(size) = of(Role::Searchable) {
        files.push((w.searchable.to_owned(), place("searchable.pdf"), size));
    }
    if let Some(size) = of(Role::Source) {
        files.push((w.source.to_owned(), place("source"), size));
    }
    files.push((w.proof_bundle.to_owned(), place("proof.zip"), String::new()));
    files
}

fn size(seat: &Seat, bytes: u64) -> String {
    let tenths = bytes.div_ceil(100_000).max(1);
    let point = seat.language.pick(",", ".");
    format!("{}{point}{} MB", tenths / 10, tenths % 10)
}

/// What the browser's own viewer of PDFs is told: it may stand in our pages, and take nothing from anywhere.
const PDF_POLICY: HeaderValue =
    HeaderValue::from_static("default-src 'none'; object-src 'self'; style-src 'unsafe-inline'; frame-ancestors 'self'");

/// The searchable PDF, shown by the browser.
pub async fn searchable(seat: Seat, State(console): State<Console>, Path(record): Path<String>) -> Result<Response, Trouble> {
    let manifest = to_take_away(&console, &seat, &record).await?;
    seat.note(Act::Pdf { record: manifest.record.clone(), revision: manifest.revision }).await?;
    let object = manifest.object(Role::Searchable).ok_or_else(|| seat.not_found())?;
    let mut answer = send(&console, &seat, object, "inline").await?;
    answer.headers_mut().insert(header::CONTENT_SECURITY_POLICY, PDF_POLICY);
    Ok(answer)
}

/// The scan as it came: outside bytes, so it is saved, never shown.
pub async fn source(seat: Seat, State(console): State<Console>, Path(record): Path<String>) -> Result<Response, Trouble> {
    let manifest = to_take_away(&console, &seat, &record).await?;
    seat.note(Act::Export { record: manifest.record.clone(), revision: manifest.revision }).await?;
    let object = manifest.object(Role::Source).ok_or_else(|| seat.not_found())?;
    send(&console, &seat, object, "attachment").await
}

async fn to_take_away(console: &Console, seat: &Seat, record: &str) -> Result<Manifest, Trouble> {
    seat.with(Right::TakeAway)?;
    Ok(latest(console, seat, record).await?.manifest)
}

async fn send(console: &Console, seat: &Seat, object: &Object, how: &str) -> Result<Response, Trouble> {
    let bytes = console.api.archive.objects.open(&object.digests.sha256).await.map_err(|error| seat.broken(&error))?;
    let headers = [
        (header::CONTENT_TYPE, header_value(&object.media_type)),
        (header::CONTENT_LENGTH, header_value(&object.digests.size.to_string())),
        (header::CONTENT_DISPOSITION, header_value(&format!("{how}; filename=\"{}\"", plain(&object.name)))),
    ];
    Ok((headers, Body::from_stream(bytes)).into_response())
}

fn header_value(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).unwrap_or(HeaderValue::from_static("application/octet-stream"))
}

fn plain(name: &str) -> String {
    name.chars().map(|c| if c.is_ascii_alphanumeric() || ".-_".contains(c) { c } else { '_' }).collect()
}

/// PDF, receipts and proofs in one file, as `sohoa export` makes them and `sohoa-verify` checks them once it is unpacked.
pub async fn proof(seat: Seat, State(console): State<Console>, Path(record): Path<String>) -> Result<Response, Trouble> {
    seat.with(Right::TakeAway)?;
    let manifest = revisions(&console, &seat, &record).await?.pop().ok_or_else(|| seat.not_found())?.manifest;
    seat.note(Act::Proof { record: manifest.record.clone(), revision: manifest.revision }).await?;
    // What was sealed a moment ago is taken away with its proof.
    if let Err(error) = console.workshop.logbook.append().await {
        tracing::warn!("the log: {error}");
    }
    let folder = tempfile::tempdir_in(&console.workshop.run.folder).map_err(|error| seat.broken(&error))?;
    // Not the record's own identifier: older copies of sohoa-verify take a folder of that name for what an archive keeps of one record.
    let name = format!("ho-so-{}", manifest.record.as_str().rsplit('-').next().unwrap_or_default());
    let bag = folder.path().join(&name);
    let records = [manifest.record.clone()];
    export::fill(&console.api.archive, &records, &bag).await.map_err(|error| seat.broken(&error))?;
    let packed = tokio::task::spawn_blocking(move || pack(folder.path())).await.map_err(|error| seat.broken(&error))?;
    let file = packed.map_err(|error| seat.broken(&error))?;
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("application/zip")),
        (header::CONTENT_DISPOSITION, header_value(&format!("attachment; filename=\"{name}.zip\""))),
    ];
    let stream = futures::stream::try_unfold(tokio::fs::File::from_std(file), async |mut file| {
        use tokio::io::AsyncReadExt as _;
        let mut piece = vec![0; 1 << 16];
        let read = file.read(&mut piece).await?;
        piece.truncate(read);
        Ok::<_, std::io::Error>((read > 0).then_some((piece, file)))
    });
    Ok((headers, Body::from_stream(stream)).into_response())
}

/// All files below a folder in a ZIP file that has no name any more; PDFs and images do not get smaller, so nothing is packed tighter.
fn pack(folder: &std::path::Path) -> std::io::Result<std::fs::File> {
    use std::io::Seek as _;
    let mut zip = zip::ZipWriter::new(tempfile::tempfile_in(folder)?);
    let options = zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored).large_file(true);
    let mut folders = vec![folder.to_owned()];
    while let Some(here) = folders.pop() {
        for entry in std::fs::read_dir(&here)? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let name = path.strip_prefix(folder).map_err(std::io::Error::other)?.to_string_lossy().into_owned();
            zip.start_file(name, options).map_err(std::io::Error::other)?;
            std::io::copy(&mut std::fs::File::open(&path)?, &mut zip)?;
        }
    }
    let mut file = zip.finish().map_err(std::io::Error::other)?;
    file.rewind()?;
    Ok(file)
}
