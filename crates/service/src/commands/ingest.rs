//! `sohoa ingest`: checks that a batch may begin, runs it, and says how it ended.

use super::workshop::Workshop;
use super::{Failure, Outcome, PARTIAL};
use crate::config::Config;
use crate::held_up::HeldUp;
use crate::ingest::{Batch, Summary};
use crate::present::printable;
use crate::progress::{Progress, duration};
use crate::walk::{Walk, walk};

use sohoa_record::manifest::{PageState, State};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

/// What was asked for.
pub struct Asked<'a> {
    /// Files and folders.
    pub paths: &'a [PathBuf],
    /// The unit that digitizes.
    pub unit: Option<String>,
    /// Only show.
    pub dry_run: bool,
    /// JSON lines.
    pub json: bool,
}

/// Runs it.
pub async fn run(config: &Config, asked: Asked<'_>, password_file: Option<&Path>) -> Outcome {
    apart(config, asked.paths)?;
    if let Some(unit) = asked.unit.as_deref().filter(|unit| !sohoa_record::identifier::agency::is_agency(unit)) {
        let shown: String = unit.escape_debug().take(60).collect();
        return Err(Failure::Usage(format!("--unit '{shown}' is not an agency code such as H48.15")));
    }
    let found = walk(asked.paths);
    for (path, why) in &found.refused {
        eprintln!("refused  {}: {why}", printable(&path.display().to_string()));
    }
    tell_others(&found);
    if asked.dry_run {
        for scan in &found.scans {
            let code = scan.dossier.code.as_ref().map_or("unknown dossier", |code| code.as_str());
            println!("{code}  {}", printable(&scan.path.display().to_string()));
        }
        eprintln!("{} scans would be taken in; nothing was", found.scans.len());
        return Ok(ExitCode::SUCCESS);
    }
    if let Some(HeldUp { by, since }) = HeldUp::read(config) {
        let by = printable(&by);
        return Err(Failure::Setup(format!(
            "the work is held up by {by} since {since}, and nothing is begun: let it go on at the console (Lô quét, 'Tiếp tục'), then run this again"
        )));
    }
    let workshop = Workshop::open(config, password_file).await?;
    let children = &workshop.children;
    if found.scans.is_empty() && found.refused.is_empty() {
        eprintln!("no scans found (PDF, TIFF, JPEG, PNG)");
    }
    workshop.sign_what_waits(config).await?;
    let progress = Progress::new(found.scans.len() as u64);
    let began = Instant::now();
    let unit = asked.unit.or_else(|| Some(config.archive.unit.clone()).filter(|unit| !unit.is_empty()));
    let batch = Batch {
        bench: workshop.bench(config, false),
        unit,
        progress: &progress,
        json: asked.json,
        stop: super::stop_on_signals()?,
    };
    let result = batch.run(&found.scans).await;
    let engine_ms = children.engine_ms.load(std::sync::atomic::Ordering::Relaxed);
    let busy_ms = children.busy_ms.load(std::sync::atomic::Ordering::Relaxed);
    tracing::info!(
        engine_ms,
        busy_ms,
        workers = children.count(),
        wall_ms = began.elapsed().as_millis() as u64,
        "where the time went"
    );
    workshop.close().await;
    let summary = result?;
    tell_summary(&summary, &found, &progress, began, asked.json);
    if let Some(error) = summary.log_error {
        return Err(error.into());
    }
    Ok(ExitCode::from(match () {
        () if summary.stopped => 130,
        () if summary.not_done > 0 || !found.refused.is_empty() || summary.documents.contains_key(&State::Failed) => PARTIAL,
        () => 0,
    }))
}

/// Output inside input would be taken in again, input inside output would be taken for ours: both are refused.
fn apart(config: &Config, paths: &[PathBuf]) -> Result<(), Failure> {
    let real =
        |path: &Path| std::fs::canonicalize(path).or_else(|_| std::path::absolute(path)).unwrap_or_else(|_| path.to_owned());
    for (key, own) in [("store", &config.archive.store), ("spool", &config.archive.spool)] {
        let own = real(&config.path(own));
        for path in paths {
            let input = real(path);
            if own.starts_with(&input) || input.starts_with(&own) {
                return Err(Failure::Usage(format!(
                    "{} and [archive] {key} {} lie one inside the other; name folders of scans, or move the archive",
                    path.display(),
                    own.display()
                )));
            }
        }
    }
    Ok(())
}

fn tell_others(found: &Walk) {
    if found.others.is_empty() {
        return;
    }
    let mut kinds = std::collections::BTreeMap::<String, usize>::new();
    for path in &found.others {
        let kind = path.extension().map_or_else(|| "without extension".to_owned(), |e| format!(".{}", e.to_string_lossy()));
        *kinds.entry(kind).or_default() += 1;
    }
    let kinds: Vec<String> = kinds.into_iter().map(|(kind, n)| format!("{n} {kind}")).collect();
    eprintln!("passed over: {} (not scans by their names)", kinds.join(", "));
}

fn tell_summary(summary: &Summary, found: &Walk, progress: &Progress, began: Instant, json: bool) {
    let states: Vec<String> = summary.documents.iter().map(|(state, n)| format!("{n} {}", state.as_str())).collect();
    let documents: u64 = summary.documents.values().sum();
    let page_states = [
        (PageState::Text, "text"),
        (PageState::Blank, "blank"),
        (PageState::Separator, "separator"),
        (PageState::RecognizeFailed, "failed"),
    ];
    let pages: Vec<String> =
        page_states.iter().filter_map(|(state, word)| summary.pages.get(state).map(|n| format!("{n} {word}"))).collect();
    let (_, per_minute) = progress.pace();
    let mut lines = vec![format!(
        "{documents} documents done{} in {}",
        if states.is_empty() { String::new() } else { format!(" ({})", states.join(", ")) },
        duration(began.elapsed().as_secs())
    )];
    if !pages.is_empty() {
        lines.push(format!("{} pages ({}), {per_minute:.0} a minute", summary.pages.values().sum::<u64>(), pages.join(", ")));
    }
    if summary.known > 0 {
        lines.push(format!("{} were in the archive already", summary.known));
    }
    if summary.linked > 0 {
        lines.push(format!("{} have the same bytes as another file and were linked to it", summary.linked));
    }
    if summary.not_done > 0 || !found.refused.is_empty() {
        lines.push(format!("{} could not be taken; see the lines above", summary.not_done + found.refused.len() as u64));
    }
    if summary.stopped {
        lines.push("stopped before the end; run the same command again to go on".into());
    }
    if summary.documents.contains_key(&State::Review) {
        lines.push("next: sohoa review list".into());
    }
    for line in lines {
        if json { eprintln!("{line}") } else { println!("{line}") }
    }
}
