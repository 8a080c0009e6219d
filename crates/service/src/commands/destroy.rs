//! `sohoa destroy`: the lawful destruction of records whose retention has ended. The operator says that it has: nothing here knows retention
//! periods. What is removed, and in which order, is in [`sohoa_archive::destroy`].

use super::{Failure, Outcome, find_record, open_indexed};
use crate::config::Config;
use crate::logbook::Logbook;
use crate::present::{counted, printable};
use crate::{archive_home, keyring, time};
use sohoa_archive::{Archive, Destruction};
use sohoa_record::identifier::RecordId;
use sohoa_record::log::Leaf;
use std::path::Path;
use std::process::ExitCode;

/// What is asked.
pub struct Asked {
    /// As a person names them.
    pub records: Vec<String>,
    /// The decision and its law.
    pub basis: String,
    /// Who destroys them.
    pub by: String,
    /// Only told, not done.
    pub dry_run: bool,
}

/// Runs it. Run again after any stop, it goes on.
pub async fn run(config: &Config, asked: Asked, password_file: Option<&Path>) -> Outcome {
    for (text, what) in
        [(&asked.basis, "--basis: the decision and the law that it rests on"), (&asked.by, "--by: who destroys them")]
    {
        if text.trim().is_empty() {
            return Err(Failure::Usage(format!("{what} is missing; it stays in the tombstone for auditors")));
        }
    }
    let archive = open_indexed(config).await?;
    let mut records: Vec<RecordId> = Vec::new();
    for given in &asked.records {
        let record = find_record(&archive, given).await?;
        if !records.contains(&record) {
            records.push(record);
        }
    }
    if asked.dry_run {
        tell(&archive.plan_destruction(&records).await?, true);
        return Ok(ExitCode::SUCCESS);
    }
    if archive_home::is_at_work(config) {
        return Err(Failure::Usage(
            "papers are being taken in, and may share what is destroyed; stop `sohoa ingest` and `sohoa serve` first".into(),
        ));
    }
    let key = keyring::sealing_key(config, password_file)?;
    let logbook = Logbook::for_sealing(config, &archive, &key, password_file).await?;
    // The log knows every receipt before it goes.
    logbook.catch_up(&archive).await?;
    let plan = archive.plan_destruction(&records).await?;
    let mut leaves: Vec<Leaf> = Vec::new();
    for doomed in &plan.records {
        let salt: String = keyring::random::<32>()?.iter().map(|byte| format!("{byte:02x}")).collect();
        let buried = match doomed.to_bury(&asked.basis, &asked.by, time::rfc3339(&time::now()), salt) {
            Some(tombstone) => {
                if let Some(fault) = tombstone.fault() {
                    return Err(Failure::Usage(format!("nothing was destroyed: {fault}")));
                }
                archive.bury(&tombstone.seal(&key)).await?
            }
            None => match archive.destroyed(&doomed.record).await? {
                Some(buried) => buried,
                None => continue,
            },
        };
        leaves.push(buried.opened.leaf);
    }
    logbook.publish(&leaves).await?;
    archive.erase(&plan).await?;
    tell(&plan, false);
    tell_tombstones(&archive, &plan).await?;
    logbook.finish(&archive).await?;
    Ok(ExitCode::SUCCESS)
}

fn tell(plan: &Destruction, dry: bool) {
    let word = if dry { "would destroy" } else { "destroyed" };
    for doomed in &plan.records {
        let name = doomed.revisions.first().map(|opened| opened.manifest.source.name.clone()).unwrap_or_default();
        // Once it is gone its name is told nowhere any more.
        let name = if dry { name } else { String::new() };
        let done = if doomed.tombstone.is_some() { " (begun by an earlier run)" } else { "" };
        println!("{word}  {}  {}{done}  {}", doomed.record, counted(doomed.revisions.len(), "revision"), printable(&name));
    }
    println!("{}, {}", counted(plan.objects.len(), "object"), counted(plan.sources.len(), "scan"));
    for (object, place) in &plan.kept {
        println!("stays  {object}  {place} has the very same text");
    }
    if dry {
        println!("nothing was touched; copies, exports and backups are not ours to reach");
    } else {
        println!("copies, exports and backups that you have of them are yours to destroy");
    }
}

async fn tell_tombstones(archive: &Archive, plan: &Destruction) -> Result<(), Failure> {
    for doomed in &plan.records {
        if let Some(destroyed) = archive.destroyed(&doomed.record).await?
            && let Some(proof) = archive.leaf_proof(&destroyed.opened.leaf).await?
        {
            println!(
                "tombstone  {} revision {}, leaf {} of the log",
                doomed.record, destroyed.opened.tombstone.revision, proof.index
            );
        }
    }
    Ok(())
}
