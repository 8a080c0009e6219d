//! `sohoa separators print`: a PDF of the sheets that part a batch of papers into dossiers and documents.

use super::{Failure, Outcome};
use crate::cli::Separators;
use crate::time;
use sohoa_digitize::codes::print::sheet;
use sohoa_digitize::render::{Meta, Profile, Writer};
use sohoa_record::{DossierCode, Sha256Hex};
use std::fs::OpenOptions;
use std::io::BufWriter;
use std::path::Path;
use std::process::ExitCode;

/// Sheets of one PDF: three reams.
const MOST_SHEETS: usize = 1500;

/// Runs it.
pub fn run(asked: Separators) -> Outcome {
    let Separators::Print { dossier, documents, out, force } = asked;
    let dossiers: Vec<DossierCode> = dossier
        .iter()
        .map(|code| code.parse().map_err(|error| Failure::Usage(format!("{error}; write the code as it stands on the receipt"))))
        .collect::<Result<_, Failure>>()?;
    let many = dossiers.len().max(1).saturating_mul(documents.saturating_add(1));
    if many > 2 * MOST_SHEETS {
        return Err(Failure::Usage(format!(
            "{documents} sheets for each dossier are too many; at most {MOST_SHEETS} in one PDF"
        )));
    }
    // A sheet for each dossier, the sheets for its documents after it.
    let mut sheets: Vec<Option<&DossierCode>> = Vec::new();
    for dossier in &dossiers {
        sheets.push(Some(dossier));
        sheets.extend(std::iter::repeat_n(None, documents));
    }
    if dossiers.is_empty() {
        sheets.extend(std::iter::repeat_n(None, documents));
    }
    if sheets.is_empty() || sheets.len() > MOST_SHEETS {
        let many = sheets.len();
        return Err(Failure::Usage(format!(
            "{many} sheets were asked for; name --dossier CODE or --documents N, 1 to {MOST_SHEETS} sheets"
        )));
    }
    if out.exists() && !force {
        return Err(Failure::Usage(format!("{} exists already; choose another name or add --force", out.display())));
    }
    write(&sheets, &out)?;
    println!("{} sheets in {}; print them at 100 % on white A4", sheets.len(), out.display());
    Ok(ExitCode::SUCCESS)
}

fn write(sheets: &[Option<&DossierCode>], out: &Path) -> Result<(), Failure> {
    let unwritable = |e: std::io::Error| Failure::Archive(format!("{} cannot be written: {e}", out.display()));
    // Half a file must not look like a whole one.
    let mut partial = out.as_os_str().to_owned();
    partial.push(".part");
    let file = OpenOptions::new().write(true).create(true).truncate(true).open(&partial).map_err(unwritable)?;
    let mut pdf = Writer::new(BufWriter::new(file), Profile::PdfA1b).map_err(unwritable)?;
    let mut said = String::new();
    for (dossier, number) in sheets.iter().zip(1..) {
        let page = sheet(number, *dossier).ok_or_else(|| Failure::Usage("a dossier's code is too long for a bar code".into()))?;
        said.push_str(dossier.map_or("-", DossierCode::as_str));
        pdf.page(&page).map_err(unwritable)?;
    }
    let id = super::digitize::document_id(&Sha256Hex::of(said.as_bytes()));
    let meta = Meta { title: "Tờ phân cách".into(), created: time::now(), id };
    pdf.finish(&meta, &[]).map_err(unwritable)?;
    std::fs::rename(&partial, out).map_err(unwritable)
}
