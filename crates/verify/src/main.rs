//! `sohoa-verify`: the auditor's program. All it does is [`sohoa_verify::command`].

use clap::Parser;
use sohoa_verify::command::{Auditor, EXIT_CODES, Options, run};
use std::path::PathBuf;
use std::process::ExitCode;

/// Checks sealed records offline: is each of them what was sealed, by which key, and when?
#[derive(Parser)]
#[command(name = "sohoa-verify", version, after_help = format!("{EXIT_CODES}\n\n{EXAMPLES}"))]
struct Arguments {
    /// What to check: an archive, an export, a bucket's copy, one record's folder, a folder of loose files, or loose files by name
    /// (a PDF with its receipt and .tlog-proof)
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,

    /// The trust policy: a text file with one 'manifest-key' line for each key you believe, and the 'log' whose record you want
    #[arg(long, value_name = "FILE")]
    trust: PathBuf,

    #[command(flatten)]
    options: Options,
}

const EXAMPLES: &str = "\
Examples:
  sohoa-verify /media/usb/export --trust trust.txt
  sohoa-verify data --trust trust.txt --lang en --quiet
  sohoa-verify export --trust trust.txt --log copy/of/log --since checkpoint.2026-06
  sohoa-verify export --trust trust.txt --roots roots --report report.html
  sohoa-verify QD-51.pdf r0001.dsse.json r0001.tlog-proof --trust trust.txt
  sohoa-verify data --trust trust.txt --sample 500 --seed 'sáu con số của kỳ quay 26/11'
  sohoa-verify data --trust trust.txt --json | jq -r 'select(.verdict != \"ok\") | .path'

It reads only what is named, the trust policy and --roots, writes nothing but --report and --state, and needs no network or clock.
docs/format.md shows how to check a receipt with openssl alone.";

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    ExitCode::from(run("sohoa-verify", &arguments.paths, &arguments.trust, &arguments.options, Auditor::default()))
}
