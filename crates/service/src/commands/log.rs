//! `sohoa log`: how far the transparency log is, and appending what is missing in it.

use super::{Failure, Outcome, PARTIAL, open_indexed};
use crate::cli::Log;
use crate::config::Config;
use crate::logbook::Logbook;
use crate::present::json_line;
use std::path::Path;
use std::process::ExitCode;

/// Runs it.
pub async fn run(config: &Config, asked: Log, password_file: Option<&Path>) -> Outcome {
    let archive = open_indexed(config).await?;
    match asked {
        Log::Append => {
            let logbook = Logbook::open(config, &archive, password_file).await?;
            if !logbook.is_kept() {
                return Err(Failure::Setup("this data folder has no log; `sohoa init` on it makes the log's key".into()));
            }
            // Opening appended everything; what it came to is told like `status`.
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
        Log::Status { json } if json.json => {
            let head = archive.log_head().await?;
            let (origin, size) = head.map_or((None, 0), |(_, tree)| (Some(tree.origin), tree.size));
            let lacking = archive.records_not_logged().await?;
            println!("{}", json_line(&serde_json::json!({"log": origin, "leaves": size, "lacking": lacking})));
            return Ok(ExitCode::SUCCESS);
        }
        Log::Status { .. } => {}
    }
    let Some((note, tree)) = archive.log_head().await? else {
        println!("nothing is logged: no log in the trust policy, or no leaf yet");
        return Ok(ExitCode::SUCCESS);
    };
    println!("log       {}\nleaves    {}\nsigned    {} times", tree.origin, tree.size, note.signatures.len());
    let lacking = archive.records_not_logged().await?;
    if lacking > 0 {
        println!("lacking   {lacking} records have receipts without a leaf: sohoa log append");
    }
    Ok(ExitCode::from(if lacking > 0 { PARTIAL } else { 0 }))
}
