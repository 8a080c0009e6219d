//! `sohoa sign`: what waits for a legal signature, tried again, or signed by a key on another computer.

use super::{Failure, Outcome, PARTIAL, find_record, open_indexed};
use crate::cli::Sign;
use crate::config::Config;
use crate::keyring;
use crate::logbook::Logbook;
use crate::present::{json_line, printable};
use crate::sign::{self, Note, Retried, Sealer, Signing, WAITS};
use sohoa_archive::Archive;
use sohoa_record::Reason;
use std::path::Path;
use std::process::ExitCode;

/// A CMS with its certificates has some kilobytes.
const MOST_CMS_BYTES: u64 = 1 << 20;

/// Runs it.
pub async fn run(config: &Config, asked: Sign, password_file: Option<&Path>) -> Outcome {
    let archive = open_indexed(config).await?;
    match asked {
        Sign::List { json } => list(&archive, json.json).await,
        Sign::Run { json } => {
            let signing = opened(config)?;
            let key = keyring::sealing_key(config, password_file)?;
            let logbook = Logbook::for_sealing(config, &archive, &key, password_file).await?;
            let retried = sign::retry(&archive, &sealer(config, &key, &signing), &logbook, &config.operator()).await?;
            logbook.finish(&archive).await?;
            match json.json {
                true => println!("{}", json_line(&serde_json::json!({"signed": retried.signed, "waiting": retried.waiting}))),
                false => println!("{} signed, {} wait; `sohoa sign list` says why", retried.signed, retried.waiting),
            }
            Ok(ExitCode::from(if retried.waiting > 0 { PARTIAL } else { 0 }))
        }
        Sign::Prepare { records, to } => prepare(config, &archive, &records, &to).await,
        Sign::Complete { note, cms, by } => {
            let signing = opened(config)?;
            let key = keyring::sealing_key(config, password_file)?;
            let text = std::fs::read_to_string(&note).map_err(|e| Failure::input(&note, e))?;
            let parsed: Note = serde_json::from_str(&text)
                .map_err(|e| Failure::Usage(format!("{} is no note of `sohoa sign prepare`: {e}", note.display())))?;
            if std::fs::metadata(&cms).map_err(|e| Failure::input(&cms, e))?.len() > MOST_CMS_BYTES {
                return Err(Failure::Usage(format!("{} is too long for a CMS", cms.display())));
            }
            let cms = std::fs::read(&cms).map_err(|e| Failure::input(&cms, e))?;
            let who = by.unwrap_or_else(|| config.operator());
            let logbook = Logbook::for_sealing(config, &archive, &key, password_file).await?;
            let done = signing.complete(&archive, &sealer(config, &key, &signing), &parsed, &cms, &who).await?;
            logbook.note(&done.opened).await?;
            logbook.finish(&archive).await?;
            let m = &done.opened.manifest;
            println!("{}  {}  revision {}  signed by {}", m.record, m.state.as_str(), m.revision, printable(&done.signer));
            for reason in &m.reasons {
                println!("    {}: {}", reason.code(), reason.vi());
            }
            Ok(ExitCode::SUCCESS)
        }
    }
}

/// Says what a retry brought, when there was something to try.
pub fn tell_retried(retried: &Retried) {
    if *retried != Retried::default() {
        eprintln!(
            "legal signatures: {}, {} still waiting (sohoa sign list)",
            if retried.signed == 1 {
                "1 document that waited is signed".to_owned()
            } else {
                format!("{} documents that waited are signed", retried.signed)
            },
            retried.waiting
        );
    }
}

fn opened(config: &Config) -> Result<Signing, Failure> {
    sign::open(config)?.ok_or_else(|| Failure::Setup("no [[sign.signature]] is configured; docs/operating.md says how".into()))
}

fn sealer<'a>(config: &'a Config, key: &'a ed25519_dalek::SigningKey, signing: &'a Signing) -> Sealer<'a> {
    Sealer { key, result_code: &config.seal.result_code, signing: Some(signing) }
}

async fn list(archive: &Archive, json: bool) -> Outcome {
    let waiting = sign::waiting(archive).await?;
    for record in &waiting {
        let Some(entry) = archive.index.entry(record).await? else { continue };
        for reason in entry.reasons.iter().filter(|reason| WAITS.contains(reason)) {
            match json {
                true => println!(
                    "{}",
                    json_line(&serde_json::json!({"record": record, "reason": reason, "source": entry.source_name}))
                ),
                false => {
                    println!("{record}  {}\n    {reason}: {}\n    {}", printable(&entry.source_name), reason.vi(), reason.en())
                }
            }
        }
    }
    if waiting.is_empty() {
        eprintln!("nothing waits for a signature");
    }
    Ok(ExitCode::SUCCESS)
}

async fn prepare(config: &Config, archive: &Archive, records: &[String], to: &Path) -> Outcome {
    let signing = opened(config)?;
    let mut wanted = Vec::new();
    for given in records {
        wanted.push(find_record(archive, given).await?);
    }
    if records.is_empty() {
        for record in sign::waiting(archive).await? {
            let entry = archive.index.entry(&record).await?;
            wanted.extend(entry.filter(|entry| entry.reasons.contains(&Reason::SignatureWaits)).map(|_| record));
        }
    }
    let write = |path: &Path, bytes: &[u8]| {
        std::fs::write(path, bytes).map_err(|e| Failure::Archive(format!("{} cannot be written: {e}", path.display())))
    };
    std::fs::create_dir_all(to).map_err(|e| Failure::Archive(format!("{} cannot be made: {e}", to.display())))?;
    for record in &wanted {
        let prepared = signing.prepare(archive, record).await?;
        write(&to.join(format!("{record}.tosign")), &prepared.covered)?;
        write(&to.join(format!("{record}.json")), json_line(&prepared.note).as_bytes())?;
        println!("{record}  {}  SHA-256 {}", prepared.note.profile, prepared.note.sha256);
    }
    if wanted.is_empty() {
        eprintln!("nothing waits for a signature from another computer");
    }
    Ok(ExitCode::SUCCESS)
}
