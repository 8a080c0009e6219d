//! `sohoa status`, `sohoa search`, `sohoa show`: what is where, and why.

use super::{Failure, Outcome, find_record, open_indexed, text_pages};
use crate::cause::Cause;
use crate::config::Config;
use crate::console::mask;
use crate::held_up::HeldUp;
use crate::present::{self, counted, cut, json_line, printable, record_text};
use crate::watch::held::Noted;
use crate::watch::{self, Surveyed};
use crate::{same_paper, time};
use jiff::civil::Date;
use sohoa_archive::{Archive, Destroyed, Entry, Filter};
use sohoa_coverage::Units;
use sohoa_record::field::name;
use sohoa_record::manifest::{Manifest, State};
use std::io::IsTerminal as _;
use std::process::ExitCode;

/// A state as a person types it.
pub fn state(text: &str) -> Result<State, Failure> {
    [State::Sealed, State::Review, State::Skipped, State::Failed]
        .into_iter()
        .find(|state| state.as_str() == text)
        .ok_or_else(|| Failure::Usage(format!("'{text}' is not an outcome; sealed, review, skipped or failed was expected")))
}

/// `sohoa status`.
pub async fn status(config: &Config, json: bool) -> Outcome {
    let archive = open_indexed(config).await?;
    let status = archive.index.status().await?;
    let queue = archive.queue.counts().await?;
    let dead = archive.queue.dead(None, 100).await?;
    let (held, held_up, gone) = (held(config), HeldUp::read(config), gone(config).await);
    if json {
        println!(
            "{}",
            json_line(
                &serde_json::json!({"records": status.records, "pages": status.pages, "stored_bytes": status.stored_bytes, "reasons": status.reasons, "destroyed": status.destroyed, "queue": queue, "dead": dead, "held": held, "paused": held_up, "folders": gone})
            )
        );
        return Ok(ExitCode::SUCCESS);
    }
    let total: u64 = status.records.values().sum();
    println!("records   {total}");
    for (state, n) in &status.records {
        println!("  {:<9} {n}", state.as_str());
    }
    if status.destroyed > 0 {
        println!("destroyed {} more, by lawful decisions", status.destroyed);
    }
    let p = status.pages;
    println!("pages     {}", p.text + p.blank + p.separator + p.recognize_failed);
    for (word, n) in [("text", p.text), ("blank", p.blank), ("separator", p.separator), ("recognize_failed", p.recognize_failed)]
    {
        if n > 0 {
            println!("  {word:<9} {n}");
        }
    }
    println!("stored    {:.1} MB", status.stored_bytes as f64 / 1e6);
    if !status.reasons.is_empty() {
        println!("why a person must look (first reason of each record):");
        for (reason, n) in &status.reasons {
            println!("{}", cut(&format!("  {n:>6}  {}  {}", reason.code(), reason.vi()), present::columns()));
        }
    }
    if queue.queued + queue.leased > 0 {
        let age = queue.oldest_enqueued_at.map(|at| crate::progress::duration(((time::now_ms() - at) / 1000).max(0) as u64));
        println!("waiting   {} queued, {} being done, oldest for {}", queue.queued, queue.leased, age.unwrap_or_default());
    }
    if let Some(HeldUp { by, since }) = held_up {
        println!(
            "paused    by {} since {since}; nothing is begun until somebody lets it go on at the console (Lô quét)",
            printable(&by)
        );
    }
    for job in dead {
        let words = Cause::read(&job.last_error).1;
        println!("given up  record {} after {} attempts: {words}", job.record, job.attempts);
    }
    for gone in gone {
        let [folder, why, detail] = ["folder", "vi", "detail"].map(|name| gone[name].as_str().unwrap_or_default());
        println!("folder    {} {why} ({})", printable(folder), printable(detail));
    }
    for held in held {
        let [folder, place, since, why] = ["folder", "place", "since", "vi"].map(|name| held[name].as_str().unwrap_or_default());
        println!("not taken {} in {}, since {since}: {why}", printable(place), printable(folder));
    }
    Ok(ExitCode::SUCCESS)
}

/// Watched folders that cannot be looked at now, without personal numbers.
async fn gone(config: &Config) -> Vec<serde_json::Value> {
    let each = watch::survey(config).await.into_iter().filter_map(|Surveyed { folder, trouble, .. }| {
        let (folder, trouble) = (mask::text(&folder.display().to_string(), false), trouble?);
        Some(serde_json::json!({"folder": folder, "vi": trouble.vi(), "en": trouble.en(), "detail": trouble.to_string()}))
    });
    each.collect()
}

/// What lies in the watched folders of a running service and is not taken, without personal numbers.
fn held(config: &Config) -> Vec<serde_json::Value> {
    let folders = Noted::read(config).map(|noted| noted.folders).unwrap_or_default();
    let each = folders.iter().flat_map(|(folder, held)| held.oldest.iter().map(move |held| (folder, held)));
    let told = each.map(|(folder, held)| {
        let since = time::rfc3339(&time::of_seconds(u64::try_from(held.since / 1000).unwrap_or(0)));
        let (folder, place) = (mask::text(&folder.display().to_string(), false), mask::text(&held.place, false));
        serde_json::json!({
            "folder": folder, "place": place, "unit": held.unit, "since": since, "why": held.why, "vi": held.why.vi(), "en": held.why.en(),
        })
    });
    told.collect()
}

/// `sohoa search`.
pub async fn search(config: &Config, query: &str, filter: &Filter, limit: u32, json: bool) -> Outcome {
    let archive = open_indexed(config).await?;
    if query.trim().is_empty() {
        return list(&archive, filter, limit, json).await;
    }
    let found = archive.index.search(query, filter, None, limit).await?;
    if json {
        found.hits.iter().for_each(|hit| println!("{}", json_line(hit)));
        return Ok(ExitCode::SUCCESS);
    }
    let (bold, plain) = if std::io::stdout().is_terminal() { ("\x1b[1m", "\x1b[0m") } else { ("", "") };
    let columns = present::columns();
    for hit in &found.hits {
        println!("{}", entry_line(&hit.entry, columns));
        let mut room = columns.map_or(usize::MAX, |columns| columns.saturating_sub(4));
        let pieces: Vec<String> = hit
            .snippet
            .iter()
            .map(|piece| {
                let text = cut(piece.text.trim(), Some(room.max(1)));
                room = room.saturating_sub(text.chars().count() + 1);
                if piece.hit { format!("{bold}{text}{plain}") } else { text }
            })
            .collect();
        let snippet = pieces.join(" ");
        if !snippet.trim().is_empty() {
            println!("    {}", snippet.trim());
        }
    }
    match found.hits.len() {
        0 => eprintln!("nothing found; type fewer words, or without accents"),
        _ if found.next.is_some() => {
            eprintln!("there is more; raise --limit or narrow with --unit, --state, --dossier, --kind, --from, --to")
        }
        _ => {}
    }
    Ok(ExitCode::SUCCESS)
}

/// All records that the filter leaves.
async fn list(archive: &Archive, filter: &Filter, limit: u32, json: bool) -> Outcome {
    let entries = archive.index.entries(filter, None, limit.saturating_add(1)).await?;
    let columns = present::columns();
    for entry in entries.iter().take(limit as usize) {
        println!("{}", if json { json_line(entry) } else { entry_line(entry, columns) });
    }
    match entries.len() as u32 {
        0 => eprintln!("there is no such record"),
        n if n > limit => {
            eprintln!("there is more; raise --limit or narrow with --unit, --state, --dossier, --kind, --from, --to")
        }
        _ => {}
    }
    Ok(ExitCode::SUCCESS)
}

/// Which text of a page is shown.
#[derive(Clone, Copy)]
pub enum Reading {
    /// As search reads it.
    Corrected,
    /// As the engine read it.
    AsRead,
}

/// `sohoa show`.
pub async fn show(config: &Config, record: &str, text: Option<Reading>, json: bool) -> Outcome {
    let archive = open_indexed(config).await?;
    let record = find_record(&archive, record).await?;
    if let Some(destroyed) = archive.destroyed(&record).await? {
        return show_tombstone(&archive, &destroyed, json).await;
    }
    let gone = || Failure::NotFound(format!("record {record} is in the index but not in the store; run `sohoa fsck`"));
    let shown = archive.show(&record).await?.ok_or_else(gone)?;
    let latest = shown.revisions.last().ok_or_else(gone)?;
    if json {
        println!("{}", json_line(&latest.manifest));
    } else {
        print!("{}", record_text(&latest.manifest));
        println!("{:<12} {} ({})", "key", latest.key_id, latest.key_name);
        if let Some((_, tree)) = archive.log_head().await? {
            let leaf = match archive.log_proof(latest).await? {
                Some(proof) => format!("leaf {} of {} in {}", proof.index, tree.size, tree.origin),
                None => "not there yet: sohoa log append".to_owned(),
            };
            println!("{:<12} {leaf}", "in log at");
        }
        if let Some(part) = latest.manifest.part {
            println!("{:<12} {} of {} in the file", "document", part.number, part.of);
        }
        for told in today(&super::report::units(config)?, &latest.manifest) {
            println!("{:<12} {}", "unit today", printable(&told));
        }
        for told in same_paper::others(&archive, &latest.manifest).await?.told() {
            println!("{:<12} {told}", "same paper?");
        }
        for arrival in shown.arrivals.iter().skip(1) {
            println!("{:<12} {}  {}", "also at", printable(&arrival.path), arrival.arrived_at);
        }
        for object in &latest.manifest.objects {
            if let Some(path) = archive.objects.local_path(&object.digests.sha256) {
                println!("{:<12} {}  {}", "file", object.name, path.display());
            }
        }
    }
    if let Some(reading) = text.filter(|_| !json) {
        for page in text_pages(&archive, &latest.manifest).await? {
            let (body, note) = match (reading, page.corrections.len()) {
                (Reading::AsRead, _) => (page.text.text(), " (as read)".to_owned()),
                (Reading::Corrected, 0) => (page.search_text(), String::new()),
                (Reading::Corrected, 1) => (page.search_text(), " (1 word corrected; --raw shows it as read)".to_owned()),
                (Reading::Corrected, n) => (page.search_text(), format!(" ({n} words corrected; --raw shows them as read)")),
            };
            println!("\n— page {}{note} —\n{body}", page.number);
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// What stays of a record that was destroyed.
async fn show_tombstone(archive: &Archive, destroyed: &Destroyed, json: bool) -> Outcome {
    let tombstone = &destroyed.opened.tombstone;
    if json {
        println!("{}", json_line(tombstone));
        return Ok(ExitCode::SUCCESS);
    }
    let leaf = match archive.leaf_proof(&destroyed.opened.leaf).await? {
        Some(proof) => format!("leaf {}", proof.index),
        None => "not there yet: run sohoa destroy again".to_owned(),
    };
    let rows = [
        ("record", format!("{}  revision {}", tombstone.record, tombstone.revision)),
        ("state", "destroyed: this is its tombstone, nothing else of it is kept".to_owned()),
        ("destroyed", tombstone.destroyed_at.clone()),
        ("by", tombstone.by.clone()),
        ("basis", tombstone.basis.clone()),
        ("what", format!("{}, {}", counted(tombstone.receipts.len(), "revision"), counted(tombstone.objects.len(), "object"))),
        ("key", format!("{} ({})", destroyed.opened.key_id, destroyed.opened.key_name)),
        ("in log at", leaf),
    ];
    rows.iter().for_each(|(label, value)| println!("{label:<12} {}", printable(value)));
    Ok(ExitCode::SUCCESS)
}

/// Old names stay as they are printed; whose place it is today stands beside them.
fn today(units: &Units, m: &Manifest) -> Vec<String> {
    let day = time::now().date();
    let by_code = m.dossier.unit.iter().map(|code| units.canonical(code));
    let by_name = m.fields.iter().filter_map(|field| field.value.as_deref()).flat_map(|value| units.gone_in(value, day));
    let mut codes: Vec<String> = by_code.chain(by_name.map(|unit| unit.code.clone())).collect();
    codes.sort();
    codes.dedup();
    let told = |code: &String| {
        let names: Vec<String> =
            units.successors(code, day).iter().map(|unit| format!("{} ({})", unit.name, unit.code)).collect();
        let old = units.unit(code, Date::MIN, day).map_or(code.as_str(), |unit| unit.name.as_str());
        (!names.is_empty()).then(|| format!("{old} is now {}", names.join(", ")))
    };
    codes.iter().filter_map(told).collect()
}

/// Below this many columns an identifier is its last twelve digits: whoever names a record may type no more.
const WIDE: usize = 110;

/// A record in a list: identifier, outcome, what it is.
pub fn entry_line(entry: &Entry, columns: Option<usize>) -> String {
    let value = |wanted: &str| {
        let field = entry.fields.iter().find(|field| field.name == wanted);
        match field {
            Some(field) => match (&field.value, field.doubt) {
                (Some(value), None) => value.clone(),
                (Some(value), Some(_)) => format!("{value}?"),
                (None, _) => "?".into(),
            },
            None => String::new(),
        }
    };
    let (number, notation) = (value(name::CODE_NUMBER), value(name::CODE_NOTATION));
    let code = [number, notation].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("/");
    let parts = [value(name::TYPE_NAME), code, value(name::ISSUED_DATE), value(name::SUBJECT)];
    let what = parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("  ");
    let dossier = entry.dossier_code.as_ref().map_or(entry.folder.as_str(), |code| code.as_str());
    let told = format!("{dossier}  {}  {what}", entry.source_name);
    let id = entry.record.as_str();
    let id = if columns.is_some_and(|columns| columns < WIDE) { &id[id.len() - 12..] } else { id };
    cut(&format!("{id}  {:<7} {}", entry.state.as_str(), printable(&told)), columns)
}
