//! Pages and fields as pictures. The scan is outside bytes: a page child looks at it behind its walls, and what comes back are bare pixels.

use super::Console;
use super::papers::revisions;
use super::seat::{Seat, Trouble};
use crate::access_log::Act;
use crate::commands::crops::{source_file, with_surroundings};
use crate::sandbox::{SandboxError, SourceFile};
use axum::extract::{Path, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use image::ExtendedColorType;
use image::codecs::jpeg::JpegEncoder;
use sohoa_record::Sha256Hex;
use sohoa_record::manifest::Manifest;
use std::collections::VecDeque;
use std::sync::Mutex;

/// Bytes of pictures that are remembered: some hundred pages.
const MOST: usize = 64 << 20;
/// Quality of a picture for a screen, percent: letters of 1 mm stay clear.
const QUALITY: u8 = 82;

/// What was drawn lately: the next look at it, by whomever, costs nothing.
#[derive(Default)]
pub struct Kept(Mutex<(VecDeque<(Name, Bytes)>, usize)>);

/// A page of a source, or a part of it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Name {
    source: Sha256Hex,
    page: u32,
    rotated_deg: u16,
    place: Option<sohoa_record::Rect>,
}

impl Kept {
    fn find(&self, name: &Name) -> Option<Bytes> {
        let kept = self.0.lock().ok()?;
        kept.0.iter().find(|(known, _)| known == name).map(|(_, bytes)| bytes.clone())
    }

    fn add(&self, name: Name, bytes: Bytes) {
        let Ok(mut kept) = self.0.lock() else { return };
        kept.1 += bytes.len();
        kept.0.push_back((name, bytes));
        while kept.1 > MOST {
            let Some((_, oldest)) = kept.0.pop_front() else { return };
            kept.1 -= oldest.len();
        }
    }
}

/// Where the picture of a page is.
pub fn of_page(manifest: &Manifest, page: u32) -> String {
    format!("/records/{}/{}/pages/{page}.jpg", manifest.record, manifest.revision)
}

/// Where the picture of a field is.
pub fn of_field(manifest: &Manifest, field: &str) -> String {
    format!("/records/{}/{}/fields/{field}.jpg", manifest.record, manifest.revision)
}

/// A page, upright, in colour where it has colour.
pub async fn page(
    seat: Seat,
    State(console): State<Console>,
    Path((record, revision, file)): Path<(String, u32, String)>,
) -> Result<Response, Trouble> {
    let manifest = of_revision(&console, &seat, &record, revision).await?;
    let number: u32 = file.strip_suffix(".jpg").and_then(|number| number.parse().ok()).ok_or_else(|| seat.not_found())?;
    let page = manifest.pages.iter().find(|page| page.number == number).ok_or_else(|| seat.not_found())?;
    seat.note(Act::Page { record: manifest.record.clone(), revision, page: number }).await?;
    let name = Name {
        source: manifest.source.digests.sha256.clone(),
        page: number,
        rotated_deg: page.placement.rotated_deg,
        place: None,
    };
    picture(&console, &seat, &manifest, name).await
}

/// The place of a field with what surrounds it, in grey.
pub async fn field(
    seat: Seat,
    State(console): State<Console>,
    Path((record, revision, file)): Path<(String, u32, String)>,
) -> Result<Response, Trouble> {
    let manifest = of_revision(&console, &seat, &record, revision).await?;
    let wanted = file.strip_suffix(".jpg").unwrap_or_default();
    let field = manifest.fields.iter().find(|field| field.name == wanted).ok_or_else(|| seat.not_found())?;
    let place = field.rect.ok_or_else(|| seat.not_found())?;
    seat.note(Act::Page { record: manifest.record.clone(), revision, page: field.page }).await?;
    let rotated_deg = manifest.pages.iter().find(|page| page.number == field.page).map_or(0, |page| page.placement.rotated_deg);
    let place = Some(with_surroundings(place));
    let name = Name { source: manifest.source.digests.sha256.clone(), page: field.page, rotated_deg, place };
    picture(&console, &seat, &manifest, name).await
}

async fn of_revision(console: &Console, seat: &Seat, record: &str, revision: u32) -> Result<Manifest, Trouble> {
    let found = revisions(console, seat, record).await?.into_iter().find(|opened| opened.manifest.revision == revision);
    found.map(|opened| opened.manifest).ok_or_else(|| seat.not_found())
}

async fn picture(console: &Console, seat: &Seat, manifest: &Manifest, name: Name) -> Result<Response, Trouble> {
    let jpeg = match console.pictures.find(&name) {
        Some(jpeg) => jpeg,
        None => {
            let jpeg = draw(console, seat, manifest, &name).await?;
            console.pictures.add(name, jpeg.clone());
            jpeg
        }
    };
    // It is the same for ever, since its revision stands in its name; in the person's own browser only, and not for long.
    let headers = [(header::CONTENT_TYPE, "image/jpeg"), (header::CACHE_CONTROL, "private, max-age=600")];
    Ok((headers, jpeg).into_response())
}

async fn draw(console: &Console, seat: &Seat, manifest: &Manifest, name: &Name) -> Result<Bytes, Trouble> {
    let digest = &manifest.source.digests.sha256;
    let spool = tempfile::tempdir_in(&console.workshop.run.folder).map_err(|error| seat.broken(&error))?;
    let path = match console.api.archive.objects.local_path(digest) {
        Some(path) => path,
        None => source_file(&console.api.archive, manifest, spool.path()).await.map_err(|error| seat.broken(&error))?,
    };
    let source = SourceFile { path, name: manifest.source.name.clone(), key: digest.to_string() };
    let drawn = match name.place {
        Some(place) => {
            let crop = console.viewers.crop(&source, name.page, place, name.rotated_deg).await;
            crop.map(|crop| (crop.width, crop.height, 1, crop.pixels))
        }
        None => {
            let whole = console.viewers.picture(&source, name.page, name.rotated_deg).await;
            whole.map(|page| (page.width, page.height, page.components, page.samples))
        }
    };
    let (width, height, components, samples) = match drawn {
        Ok(drawn) => drawn,
        Err(SandboxError::Refused { reason, detail }) => {
            tracing::info!(record = %manifest.record, page = name.page, "no picture: {reason}, {detail}");
            return Err(seat.not_found());
        }
        Err(error) => return Err(seat.broken(&error)),
    };
    let mut jpeg = Vec::new();
    let colours = if components == 3 { ExtendedColorType::Rgb8 } else { ExtendedColorType::L8 };
    JpegEncoder::new_with_quality(&mut jpeg, QUALITY)
        .encode(&samples, width, height, colours)
        .map_err(|error| seat.broken(&error))?;
    Ok(jpeg.into())
}
