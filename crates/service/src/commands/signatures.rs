//! `sohoa signatures`: the signatures of one PDF, each with its verdict, nothing stored. The page child reads the file, as always.

use super::{Failure, Outcome, PARTIAL};
use crate::config::Config;
use crate::present::{json_line, signature_lines};
use crate::sandbox::{SandboxError, SourceFile};
use std::path::Path;
use std::process::ExitCode;

/// Runs it. The exit code is [`PARTIAL`] when a signature is not intact.
pub async fn run(config: &Config, input: &Path, json: bool) -> Outcome {
    let path = std::path::absolute(input).map_err(|e| Failure::input(input, e))?;
    if !std::fs::metadata(&path).map_err(|e| Failure::input(input, e))?.is_file() {
        return Err(Failure::Usage(format!("{} is not a file; name one PDF", input.display())));
    }
    let spool = tempfile::tempdir().map_err(|e| Failure::Archive(format!("no temporary folder can be made: {e}")))?;
    let children = super::children(config, spool.path())?;
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let source = SourceFile { key: path.display().to_string(), path, name };
    let info = match children.open(&source).await {
        Ok(info) => info,
        Err(SandboxError::Refused { reason, .. }) => {
            return Err(Failure::Refused(format!("{}: {reason}: {} / {}", input.display(), reason.vi(), reason.en())));
        }
        Err(error) => return Err(error.into()),
    };
    let checked = children.signatures(&source, &info).await?;
    for one in &checked {
        if json {
            println!("{}", json_line(one));
        } else {
            signature_lines(&one.signature, Some(&one.check)).iter().for_each(|line| println!("{line}"));
        }
    }
    if checked.is_empty() && !json {
        println!("không có chữ ký số / no signature");
    }
    Ok(if checked.iter().all(|one| one.check.verdict.is_intact()) { ExitCode::SUCCESS } else { ExitCode::from(PARTIAL) })
}
