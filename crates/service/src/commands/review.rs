//! `sohoa review`: people finish what the machine was not sure of. Each decision is a new revision, signed, with who and when.

use super::{Failure, Outcome, crops, find_record, open_indexed};
use crate::cli::Review;
use crate::commands::records::entry_line;
use crate::config::Config;
use crate::keyring;
use crate::present::{document_line, json_line, printable};
use crate::sealing::{self, Decision};
use crate::witness::{self, Registers};
use sohoa_archive::{Archive, Commit, Filter};
use sohoa_record::identifier::RecordId;
use sohoa_record::manifest::{Manifest, State};
use sohoa_record::seal::Opened;
use std::path::Path;
use std::process::ExitCode;

/// Runs it.
pub async fn run(config: &Config, asked: Review, password_file: Option<&Path>) -> Outcome {
    let archive = open_indexed(config).await?;
    match asked {
        Review::List { limit, json } => list(&archive, limit, json.json).await,
        Review::Show { record, crops, json } => {
            let record = find_record(&archive, &record).await?;
            let opened = latest(&archive, &record).await?;
            if let Some(folder) = crops {
                crops::cut_out(config, &archive, &opened.manifest, &folder).await?;
            }
            show(&archive, &opened, json.json)
        }
        Review::Accept { record, fields, by } => {
            decide(config, &archive, &record, Decision::Accept(fields), by, password_file).await
        }
        Review::Set { record, values, by } => {
            let values = values.iter().map(|value| assignment(value)).collect::<Result<Vec<_>, _>>()?;
            decide(config, &archive, &record, Decision::Set(values), by, password_file).await
        }
        Review::Match { json } => ask_registers(config, &archive, json.json, password_file).await,
        Review::Reject { record, note, by } => decide(config, &archive, &record, Decision::Reject(note), by, password_file).await,
    }
}

async fn list(archive: &Archive, limit: u32, json: bool) -> Outcome {
    let filter = Filter { state: Some(State::Review), ..Filter::default() };
    let entries = archive.index.entries(&filter, None, limit.saturating_add(1)).await?;
    for entry in entries.iter().take(limit as usize) {
        if json {
            println!("{}", json_line(entry));
        } else {
            println!("{}", entry_line(entry));
            for reason in &entry.reasons {
                println!("    {}: {}", reason.code(), reason.vi());
            }
        }
    }
    match entries.len() as u32 {
        0 => eprintln!("nothing waits for review"),
        n if n > limit => eprintln!("there is more; raise --limit"),
        _ => {}
    }
    Ok(ExitCode::SUCCESS)
}

fn show(archive: &Archive, opened: &Opened, json: bool) -> Outcome {
    let m = &opened.manifest;
    if json {
        println!("{}", record_line(m));
        return Ok(ExitCode::SUCCESS);
    }
    println!("{}  {}  {}", m.record, m.state.as_str(), printable(&m.source.name));
    if let Some(path) =
        m.object(sohoa_record::manifest::Role::Searchable).and_then(|o| archive.objects.local_path(&o.digests.sha256))
    {
        println!("  look at  {}", path.display());
    }
    for field in &m.fields {
        let value = field.value.as_deref().unwrap_or("—");
        match field.doubt {
            None => println!("  {:<16} {value}", field.name),
            Some(doubt) => {
                println!("? {:<16} {value}   {}", field.name, doubt.vi());
                let place = field.rect.map(|r| format!(", at {},{} size {}×{}", r.x, r.y, r.width, r.height)).unwrap_or_default();
                println!(
                    "  {:<16} page {}{place}; printed «{}», confidence {} %",
                    "", field.page, field.printed, field.confidence
                );
                for row in field.register.iter().flat_map(|witness| &witness.rows) {
                    println!("  {:<16} register line {}: {}   {} % agrees", "", row.line, printable(&row.value), row.score);
                }
            }
        }
    }
    if m.fields.iter().any(|field| field.doubt.is_some()) {
        println!("finish with: sohoa review set {} NAME=VALUE …   or: sohoa review accept {}", m.record, m.record);
    }
    Ok(ExitCode::SUCCESS)
}

async fn decide(
    config: &Config,
    archive: &Archive,
    record: &str,
    decision: Decision,
    by: Option<String>,
    password_file: Option<&Path>,
) -> Outcome {
    let record = find_record(archive, record).await?;
    let key = keyring::sealing_key(config, password_file)?;
    let before = latest(archive, &record).await?;
    if !matches!(decision, Decision::Reject(_)) {
        // Nobody vouches for a paper that is no longer the one that was sealed.
        for object in &before.manifest.objects {
            archive.objects.verify(&object.digests.sha256).await?;
        }
    }
    let who = by.unwrap_or_else(|| config.operator());
    let receipt = sealing::decide(&before, decision, &who, &key).map_err(|e| Failure::Usage(e.to_string()))?;
    let opened = match archive.commit(&receipt).await? {
        Commit::Committed(opened) => opened,
        // Somebody decided between our look and our seal: their decision stands, ours must see it first.
        Commit::AlreadyCommitted(other) => {
            let who = other.manifest.history.last().map(|event| event.who.clone()).unwrap_or_default();
            return Err(Failure::Usage(format!(
                "{who} decided on record {record} a moment ago; look at it again and decide anew"
            )));
        }
    };
    let m = &opened.manifest;
    println!("{}  {}  revision {} by {who}", m.record, m.state.as_str(), m.revision);
    for reason in &m.reasons {
        println!("    {}: {}", reason.code(), reason.vi());
    }
    Ok(ExitCode::SUCCESS)
}

/// Every record that waits is looked at once; what a register says of it is a new revision.
async fn ask_registers(config: &Config, archive: &Archive, json: bool, password_file: Option<&Path>) -> Outcome {
    let key = keyring::sealing_key(config, password_file)?;
    let registers = Registers::that_count(archive).await?;
    let filter = Filter { state: Some(State::Review), ..Filter::default() };
    let (mut asked, mut sealed, mut listed, mut after) = (0, 0, 0, None);
    loop {
        let page = archive.index.entries(&filter, after.as_ref(), 500).await?;
        let Some(last) = page.last().map(|entry| entry.record.clone()) else { break };
        for entry in page {
            asked += 1;
            let again = witness::confirm_again(archive, &registers, &entry.record, &config.operator(), &key).await;
            let Some(opened) = again.map_err(|error| Failure::Archive(error.to_string()))? else { continue };
            let m = &opened.manifest;
            match m.state {
                State::Sealed => sealed += 1,
                _ => listed += 1,
            }
            if json {
                println!("{}", record_line(m));
            } else {
                println!("{}", document_line(&m.source.name, m.state, &m.reasons, &m.pages, &m.fields));
            }
        }
        after = Some(last);
    }
    let left = asked - sealed;
    eprintln!("{asked} waited: {sealed} completed by the registers, {listed} have something new to look at, {left} wait");
    Ok(ExitCode::SUCCESS)
}

fn record_line(m: &Manifest) -> String {
    json_line(
        &serde_json::json!({"record": m.record, "revision": m.revision, "state": m.state, "reasons": m.reasons, "fields": m.fields}),
    )
}

async fn latest(archive: &Archive, record: &RecordId) -> Result<Opened, Failure> {
    let revision = archive.revisions(record).await?.pop();
    revision.ok_or_else(|| Failure::NotFound(format!("record {record} is in the index but not in the store; run `sohoa fsck`")))
}

/// `NAME=VALUE`; an empty value says that the paper has none.
fn assignment(text: &str) -> Result<(String, Option<String>), Failure> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => {
            let value = sohoa_record::text::nfc(value.trim());
            Ok((name.to_owned(), Some(value).filter(|value| !value.is_empty())))
        }
        _ => Err(Failure::Usage(format!("'{text}' is not NAME=VALUE, such as code_number=51"))),
    }
}
