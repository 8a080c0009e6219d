//! `sohoa log`: how far the transparency log is, and appending what is missing in it.

use super::{Failure, Outcome, PARTIAL, open_indexed};
use crate::anchoring::Anchored;
use crate::cli::Log;
use crate::config::Config;
use crate::keyring;
use crate::logbook::{Logbook, kept_checkpoint};
use crate::present::{counted, json_line};
use jiff::SignedDuration;
use serde::Serialize;
use sohoa_archive::Archive;
use sohoa_record::log::VerifierKey;
use std::path::Path;
use std::process::ExitCode;

/// Runs it.
pub async fn run(config: &Config, asked: Log, password_file: Option<&Path>) -> Outcome {
    let archive = open_indexed(config).await?;
    match asked {
        Log::Append => {
            let logbook = Logbook::caught_up(config, &archive, password_file).await?;
            if !logbook.is_kept() {
                return Err(Failure::Setup("this data folder has no log; `sohoa init` on it makes the log's key".into()));
            }
            // Everything is appended now; what it came to is told like `status`.
            if let Some(gathered) = logbook.cosign().await? {
                for (name, answer) in &gathered.answers {
                    println!("witness   {name}: {answer}");
                }
                if let Err(error) = &gathered.judged {
                    eprintln!("the trust policy is not satisfied: {error}");
                    return Ok(ExitCode::from(PARTIAL));
                }
            }
        }
        Log::Anchor => {
            let logbook = Logbook::caught_up(config, &archive, password_file).await?;
            match logbook.anchor(true).await? {
                Some(anchored) => println!("{}", told(&anchored)),
                None => println!("the newest checkpoint has a time stamp already, or there is none"),
            }
        }
        Log::Status { json } if json.json => {
            let state = State::of(config, &archive).await?;
            println!("{}", json_line(&state));
            return Ok(state.exit_code());
        }
        Log::Status { .. } => {}
    }
    let state = State::of(config, &archive).await?;
    match &state.log {
        None if state.seen == 0 => println!("nothing is logged: no log in the trust policy, or no leaf yet"),
        None => {}
        Some(log) => println!("log       {log}\nleaves    {}", state.leaves),
    }
    if state.witnesses > 0 {
        println!("cosigned  by {} of {} witnesses", state.cosigned, state.witnesses);
    }
    if state.lacking > 0 {
        println!("lacking   {} records have receipts without a leaf: sohoa log append", state.lacking);
    }
    for (known, whose) in [(state.kept, "the checkpoint kept beside its key"), (state.seen, "the index")] {
        if known > state.leaves {
            eprintln!(
                "the log in the store was lost or taken back: it has {} leaves, {whose} knows {known}; restore log/ from the newest copy of the archive",
                state.leaves
            );
            break;
        }
    }
    Ok(state.exit_code())
}

/// `sohoa renew`.
pub async fn renew(config: &Config, within_days: u32, password_file: Option<&Path>) -> Outcome {
    let archive = open_indexed(config).await?;
    let logbook = Logbook::caught_up(config, &archive, password_file).await?;
    let mut renewed = 0;
    let within = SignedDuration::from_hours(24 * i64::from(within_days));
    logbook
        .renew(within, &mut |anchored| {
            renewed += 1;
            println!("{}", told(&anchored));
        })
        .await?;
    println!("{} renewed", counted(renewed, "time stamp"));
    Ok(ExitCode::SUCCESS)
}

fn told(anchored: &Anchored) -> String {
    let Anchored { size, number, at, ends } = anchored;
    format!("stamped   the checkpoint of {size} leaves, stamp {number}, at {at}; to be renewed before {ends}")
}

/// How far the log is.
#[derive(Serialize)]
struct State {
    /// Its origin.
    log: Option<String>,
    leaves: u64,
    /// Records with a receipt that has no leaf.
    lacking: u64,
    /// Witnesses of the trust policy, and how many of them cosigned the newest checkpoint.
    witnesses: usize,
    cosigned: usize,
    /// Leaves of the checkpoint that is kept beside the key.
    kept: u64,
    /// Leaves that the index has seen.
    seen: u64,
}

impl State {
    async fn of(config: &Config, archive: &Archive) -> Result<State, Failure> {
        let kept = kept_checkpoint(config)?.map_or(0, |kept| kept.size);
        let head = archive.log_head().await?;
        let policy = keyring::trust_policy(config)?.log().cloned();
        let witnesses = policy.as_ref().map_or(&[][..], |policy| policy.witnesses());
        let has_cosigned =
            |key: &VerifierKey| head.as_ref().is_some_and(|(note, _)| note.signed_by(key).is_ok_and(|times| !times.is_empty()));
        Ok(State {
            cosigned: witnesses.iter().filter(|witness| has_cosigned(&witness.key)).count(),
            witnesses: witnesses.len(),
            leaves: head.as_ref().map_or(0, |(_, tree)| tree.size),
            log: head.map(|(_, tree)| tree.origin),
            lacking: archive.records_not_logged().await?,
            kept,
            seen: archive.leaves_seen().await?,
        })
    }

    fn exit_code(&self) -> ExitCode {
        ExitCode::from(if self.lacking > 0 || self.kept.max(self.seen) > self.leaves { PARTIAL } else { 0 })
    }
}
