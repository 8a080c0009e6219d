//! `sohoa fsck`: re-hash, re-open, compare; and make index and queue again from the store.

use super::{Failure, Outcome, PARTIAL, open};
use crate::config::Config;
use crate::last_check::LastCheck;
use crate::logbook::kept_checkpoint;
use crate::present::{counted, json_line};
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
            let counts = [
                (rebuilt.revisions, "revision"),
                (rebuilt.destroyed, "tombstone"),
                (rebuilt.jobs, "job"),
                (rebuilt.registers, "register"),
            ];
            println!("rebuilt: {}", counts.map(|(n, one)| counted(n, one)).join(", "));
        }
    } else {
        let kept = kept_checkpoint(config)?;
        let report = archive.fsck(kept.as_ref(), &mut tell).await?;
        LastCheck::note(config, &report);
        if json {
            println!("{}", json_line(&report));
        } else {
            println!(
                "looked at {} ({:.1} MB), {} in {}, {}, {}, {}, {}, {} of the log: {}, {}",
                counted(report.objects, "object"),
                report.bytes as f64 / 1e6,
                counted(report.records, "record"),
                counted(report.revisions, "revision"),
                counted(report.destroyed, "tombstone"),
                counted(report.arrivals, "arrival"),
                counted(report.links, "link"),
                counted(report.registers, "register"),
                if report.leaves == 1 { "1 leaf".to_owned() } else { format!("{} leaves", report.leaves) },
                counted(report.errors, "error"),
                counted(report.notes, "note")
            );
        }
    }
    Ok(ExitCode::from(if findings > 0 { PARTIAL } else { 0 }))
}
