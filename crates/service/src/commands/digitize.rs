//! `sohoa digitize`: one file through decode … render, nothing stored.

use super::{Failure, Outcome, PARTIAL};
use crate::config::Config;
use crate::present::{DocumentLine, document_line, json_line, printable};
use crate::sandbox::SourceFile;
use crate::stages::Stages;
use crate::worker::{self, How, read_document};
use sohoa_digitize::extract::Note;
use sohoa_digitize::render::Meta;
use sohoa_record::manifest::State;
use sohoa_record::{Field, Sha256Hex};
use std::path::Path;
use std::process::ExitCode;

/// What was asked for.
pub struct Asked<'a> {
    /// The scan.
    pub input: &'a Path,
    /// Where the PDF/A goes.
    pub output: Option<&'a Path>,
    /// Where the words go, as a text object (`sohoa-text/2`).
    pub text: Option<&'a Path>,
    /// One JSON object instead of text.
    pub json: bool,
    /// Write over the outputs.
    pub force: bool,
    /// Say where each value comes from.
    pub explain: bool,
    /// A template to know besides the others.
    pub template: Option<&'a Path>,
}

/// Runs it.
pub async fn run(config: &Config, asked: Asked<'_>) -> Outcome {
    let source = std::path::absolute(asked.input).map_err(|e| Failure::input(asked.input, e))?;
    let metadata = std::fs::metadata(&source).map_err(|e| Failure::input(asked.input, e))?;
    if !metadata.is_file() {
        return Err(Failure::Usage(format!("{} is not a file; name one scan", asked.input.display())));
    }
    for output in asked.output.iter().chain(&asked.text) {
        if output.exists() && !asked.force {
            return Err(Failure::Usage(format!("{} exists already; choose another name or add --force", output.display())));
        }
        if output.exists() && std::fs::canonicalize(output).ok() == std::fs::canonicalize(&source).ok() {
            return Err(Failure::Usage("input and output are the same file; choose another name".into()));
        }
    }
    if asked.output.is_some() && asked.output == asked.text {
        return Err(Failure::Usage("the PDF and the words cannot be one file; choose another name for --text".into()));
    }
    let spool = tempfile::tempdir().map_err(|e| Failure::Archive(format!("no temporary folder can be made: {e}")))?;
    let children = super::children(config, spool.path())?;
    let name = source.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    let templates = super::template::known(config, asked.template)?;
    let profile = super::profile(config);
    let meta = meta(&source, &name, &metadata).map_err(|e| Failure::input(asked.input, e))?;
    let file = SourceFile { key: source.display().to_string(), path: source, name };
    let shown = asked.input.display().to_string();
    let stages = Stages::default();
    // One PDF was asked for: separator sheets are flagged and divide nothing, nor does what the pages say.
    let how = How {
        templates: &templates,
        profile,
        sheets: None,
        by_content: false,
        payload_separators: &config.codes.payload_separators,
        course: &stages.course(&shown, 1),
        meta: &|_| meta.clone(),
    };
    let read = tokio::select! {
        read = read_document(&children, &file, spool.path(), &how, |_, _| {}) => read?,
        _ = tokio::signal::ctrl_c() => return Ok(ExitCode::from(130)),
    };
    match read {
        worker::Outcome::Refused { reason, detail } => {
            tracing::info!("{detail}");
            if asked.json {
                let line = DocumentLine {
                    source: &shown,
                    document: None,
                    record: None,
                    state: State::Failed,
                    reasons: &[reason],
                    duplicate_of: None,
                    same_paper: &[],
                    same_pages: &[],
                    pages: &[],
                    fields: &[],
                    text: &[],
                };
                println!("{}", json_line(&line));
            }
            Err(Failure::Refused(format!("{shown}: {reason}: {} / {}", reason.vi(), reason.en())))
        }
        worker::Outcome::Done(done) => {
            let Some(document) = done.documents.first() else { return Ok(ExitCode::from(PARTIAL)) };
            let d = &document.digitized;
            for (made, output) in [(&document.pdf, asked.output), (&document.text, asked.text)] {
                output.map_or(Ok(()), |output| put(made, output))?;
            }
            if asked.json {
                let line = DocumentLine {
                    source: &shown,
                    document: None,
                    record: None,
                    state: d.state,
                    reasons: &d.reasons,
                    duplicate_of: None,
                    same_paper: &[],
                    same_pages: &[],
                    pages: &d.pages,
                    fields: &d.fields,
                    text: &d.plain_text,
                };
                println!("{}", json_line(&line));
            } else {
                println!("{}", document_line(&shown, d.state, &d.reasons, &d.pages, &d.fields));
                for field in &d.fields {
                    let doubt = field.doubt.map(|doubt| format!("   ← {}", doubt.vi())).unwrap_or_default();
                    println!("  {:<16} {}{doubt}", field.name, field.value.as_deref().unwrap_or("—"));
                    if asked.explain {
                        println!("  {:<16}   {}", "", explained(field, &d.notes));
                    }
                }
                for note in d.notes.iter().filter(|note| asked.explain && note.left_out) {
                    println!("  {:<16} left out{}: {}", note.field, place(note), note.why);
                }
                if asked.output.is_none() && !asked.explain {
                    d.plain_text.iter().for_each(|page| println!("\n{page}"));
                }
            }
            Ok(if d.state == State::Failed { ExitCode::from(PARTIAL) } else { ExitCode::SUCCESS })
        }
    }
}

/// `template.giay-khai-sinh.sex, label "Gidi tính:", page 1 at 238,766 18 × 26, 96 %`
fn explained(field: &Field, notes: &[Note]) -> String {
    let mut told = field.rule.clone();
    let note = notes.iter().find(|note| note.field == field.name && field.rule.starts_with("template."));
    if let Some(note) = note.filter(|note| !note.cue.is_empty()) {
        told.push_str(&format!(", label \"{}\"", printable(&note.cue)));
    }
    if let Some(r) = field.rect {
        told.push_str(&format!(", page {} at {},{} {} × {}", field.page, r.x, r.y, r.width, r.height));
    }
    told.push_str(&format!(", {} %", field.confidence));
    if field.value.as_deref().is_some_and(|value| value != field.printed) && !field.printed.is_empty() {
        told.push_str(&format!(", printed \"{}\"", printable(&field.printed)));
    }
    if let Some(note) = note.filter(|note| !note.why.is_empty()) {
        told.push_str(&format!(": {}", note.why));
    }
    told
}

fn place(note: &Note) -> String {
    match (note.cue.is_empty(), note.printed.is_empty()) {
        (true, true) => String::new(),
        (_, true) => format!(" (\"{}\", page {})", printable(&note.cue), note.page),
        _ => format!(" (\"{}\" {}, page {})", printable(&note.cue), printable(&note.printed), note.page),
    }
}

/// Copies what was made to where it was asked for. Half a file must not look like a whole one.
fn put(made: &Path, output: &Path) -> Result<(), Failure> {
    let mut partial = output.as_os_str().to_owned();
    partial.push(".part");
    std::fs::copy(made, &partial)
        .and_then(|_| std::fs::rename(&partial, output))
        .map_err(|e| Failure::Archive(format!("{} cannot be written: {e}", output.display())))
}

/// The same file gives the same PDF: its time is the file's own, its identifier comes from its bytes.
fn meta(source: &Path, name: &str, metadata: &std::fs::Metadata) -> std::io::Result<Meta> {
    let modified = metadata.modified()?;
    let created = jiff::Timestamp::try_from(modified).map_err(std::io::Error::other)?;
    let mut hasher = sohoa_record::Hasher::new();
    let mut file = std::fs::File::open(source)?;
    let mut piece = vec![0; 1 << 16];
    loop {
        let n = std::io::Read::read(&mut file, &mut piece)?;
        if n == 0 {
            break;
        }
        hasher.update(&piece[..n]);
    }
    let id = document_id(&hasher.finish().sha256);
    Ok(Meta { title: name.to_owned(), created: created.to_zoned(jiff::tz::TimeZone::UTC), id })
}

/// The first half of the source's digest identifies the PDF made from it.
pub fn document_id(source: &Sha256Hex) -> [u8; 16] {
    let mut id = [0; 16];
    for (byte, digits) in id.iter_mut().zip(source.as_str().as_bytes().chunks_exact(2)) {
        *byte = std::str::from_utf8(digits).ok().and_then(|d| u8::from_str_radix(d, 16).ok()).unwrap_or(0);
    }
    id
}
