//! `sohoa fsck`: re-hash, re-open, compare; and make index and queue again from the store.

use super::{Failure, Outcome, PARTIAL, open};
use crate::config::Config;
use crate::logbook::kept_checkpoint;
use crate::present::json_line;
use sohoa_archive::fsck::Finding;
use sohoa_archive::store::remove_index;
use std::process::ExitCode;

/// Runs it.
pub async fn run(config: &Config, rebuild: bool, json: bool) -> Outcome {
    let archive = match open(config).await {
        // A database that cannot even be opened is the very reason to rebuild it.
        Err(Failure::Archive(_)) if rebuild => {
            remove_index(&config.path(&config.archive.index))?;
            open(config).await?
        }
        opened => opened?,
    };
    let mut findings = 0u64;
    let mut tell = |finding: Finding| {
        findings += u64::from(finding.kind.is_error());
        if json {
            println!("{}", json_line(&finding));
        } else {
            let word = if finding.kind.is_error() { "error" } else { "note " };
            println!("{word}  {}: {}\n       do: {}", finding.place, finding.why, finding.kind.remedy());
        }
    };
    if rebuild {
        let rebuilt = archive.rebuild(&crate::registers::rows_for_index, &mut tell).await?;
        if json {
            println!("{}", json_line(&rebuilt));
        } else {
            println!("rebuilt: {} revisions, {} jobs, {} registers", rebuilt.revisions, rebuilt.jobs, rebuilt.registers);
        }
    } else {
        let kept = kept_checkpoint(config)?;
        let report = archive.fsck(kept.as_ref(), &mut tell).await?;
        if json {
            println!("{}", json_line(&report));
        } else {
            println!(
                "looked at {} objects ({:.1} MB), {} records in {} revisions, {} arrivals, {} links, {} registers, {} leaves of the log: {} errors, {} notes",
                report.objects,
                report.bytes as f64 / 1e6,
                report.records,
                report.revisions,
                report.arrivals,
                report.links,
                report.registers,
                report.leaves,
                report.errors,
                report.notes
            );
        }
    }
    Ok(ExitCode::from(if findings > 0 { PARTIAL } else { 0 }))
}
