//! `sohoa review show --crops`: each field in doubt as a picture, so that a person types a handwritten number without opening a PDF.
//! The scan is outside bytes still: the page child cuts, behind its walls, and what comes back are bare pixels.

use super::{Failure, children, text_pages};
use crate::config::Config;
use crate::sandbox::{SandboxError, SourceFile};
use futures::TryStreamExt as _;
use image::{ExtendedColorType, ImageEncoder as _, codecs::png::PngEncoder};
use sohoa_archive::Archive;
use sohoa_record::manifest::Manifest;
use sohoa_record::{Field, Rect};
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// Writes `<field>.png` into `folder` for each field in doubt that has a place.
pub async fn cut_out(config: &Config, archive: &Archive, manifest: &Manifest, folder: &Path) -> Result<(), Failure> {
    let fields: Vec<(&Field, Rect)> =
        manifest.fields.iter().filter(|field| field.doubt.is_some()).filter_map(|field| Some((field, field.rect?))).collect();
    if fields.is_empty() {
        eprintln!("no field in doubt has a place on a page: there is nothing to cut out");
        return Ok(());
    }
    let unwritable = |e: std::io::Error| Failure::Archive(format!("{} cannot be written: {e}", folder.display()));
    if folder.read_dir().is_ok_and(|mut entries| entries.next().is_some()) {
        return Err(Failure::Usage(format!("{} is not empty; name a folder that is, or a new one", folder.display())));
    }
    let spool = tempfile::tempdir().map_err(|e| Failure::Archive(format!("no temporary folder can be made: {e}")))?;
    let source = SourceFile {
        path: source_file(archive, manifest, spool.path()).await?,
        name: manifest.source.name.clone(),
        key: manifest.source.digests.sha256.to_string(),
    };
    let pages = text_pages(archive, manifest).await?;
    std::fs::create_dir_all(folder).map_err(unwritable)?;
    let children = children(config, spool.path())?;
    let mut written = 0;
    for (field, place) in fields {
        let page = pages.iter().find(|page| page.number == field.page);
        let rotated_deg = page.map_or(0, |page| page.placement.rotated_deg);
        match children.crop(&source, field.page, with_surroundings(place), rotated_deg).await {
            Ok(crop) => {
                let file =
                    std::fs::File::create_new(folder.join(format!("{}.png", file_name(&field.name)))).map_err(unwritable)?;
                PngEncoder::new(file)
                    .write_image(&crop.pixels, crop.width, crop.height, ExtendedColorType::L8)
                    .map_err(|e| unwritable(std::io::Error::other(e)))?;
                written += 1;
            }
            // The other fields are shown all the same.
            Err(SandboxError::Refused { reason, detail }) => {
                eprintln!("{}, page {}: {} ({detail})", field.name, field.page, reason.vi());
            }
            Err(other) => return Err(other.into()),
        }
    }
    eprintln!(
        "{written} of {} fields in doubt are in {}, a picture each",
        manifest.fields.iter().filter(|f| f.doubt.is_some()).count(),
        folder.display()
    );
    Ok(())
}

/// A copy of the scan, hashed on the way: what a person decides from is what was sealed.
pub async fn source_file(archive: &Archive, manifest: &Manifest, spool: &Path) -> Result<PathBuf, Failure> {
    let full =
        |e: std::io::Error| Failure::Archive(format!("the scan cannot be copied to {}: {e}; free some space", spool.display()));
    let path = spool.join("source");
    let mut copy = std::fs::File::create_new(&path).map_err(full)?;
    let mut pieces = archive.objects.open(&manifest.source.digests.sha256).await?;
    while let Some(piece) = pieces.try_next().await? {
        copy.write_all(&piece).map_err(full)?;
    }
    Ok(path)
}

/// With as much around it as it is high: pens do not keep to the line.
pub fn with_surroundings(place: Rect) -> Rect {
    let around = place.height.min(place.width).clamp(8, 200);
    Rect {
        x: place.x.saturating_sub(around),
        y: place.y.saturating_sub(around),
        width: place.width.saturating_add(around + around.min(place.x)),
        height: place.height.saturating_add(around + around.min(place.y)),
    }
}

/// Names of fields come from templates; as names of files they keep to letters, digits and `_`.
fn file_name(field: &str) -> String {
    field.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_surrounds_a_field_ends_with_the_page() {
        let place = Rect { x: 5, y: 100, width: 80, height: 30 };
        assert_eq!(with_surroundings(place), Rect { x: 0, y: 70, width: 115, height: 90 });
        assert_eq!(file_name("../owner name"), "___owner_name");
    }
}
