//! `sohoa-verify`: reads the arguments, audits each folder, writes the report, and ends with a code that says the worst.

use clap::{Parser, ValueEnum};
use sohoa_record::TrustPolicy;
use sohoa_verify::html::{Report, Subject};
use sohoa_verify::{
    AuditError, Audited, Brought, KeptCheckpoint, Language, Line, Summary, Verdict, audit_loose, audit_with, moments, report,
};
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

/// Checks sealed records offline: is each of them what was sealed, and by which key?
#[derive(Parser)]
#[command(name = "sohoa-verify", version, after_help = AFTER_HELP)]
struct Arguments {
    /// What to check: an archive, an export, a bucket's copy, one record's folder, a folder of loose files, or loose files by name
    /// (a PDF with its receipt and .tlog-proof)
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,

    /// The trust policy: a text file with one 'manifest-key' line for each key you believe, and the 'log' whose record you want
    #[arg(long, value_name = "FILE")]
    trust: PathBuf,

    /// A copy of the log (the archive's folder 'log') to hold an export against: only it betrays a later revision that was left out
    #[arg(long, value_name = "DIR")]
    log: Option<PathBuf>,

    /// A checkpoint that you kept from an earlier audit (a copy of log/checkpoint): the log must continue it. May be given several times
    #[arg(long, value_name = "FILE")]
    since: Vec<PathBuf>,

    /// As of that time (RFC 3339, or a day, which ends at 23:59:59 +07:00): later revisions and cosignatures do not count
    #[arg(long, value_name = "TIME", value_parser = time)]
    at: Option<u64>,

    /// Also write a report for A4 to that file: HTML, in Vietnamese and English, that needs nothing else. Must not exist
    #[arg(long, value_name = "FILE.html")]
    report: Option<PathBuf>,

    /// One JSON object a line instead of the report for people
    #[arg(long)]
    json: bool,

    /// Language of the report for people
    #[arg(long, value_enum, default_value = "vi")]
    lang: Lang,

    /// Say nothing about records that are whole
    #[arg(long)]
    quiet: bool,

    /// Notes (unsealed arrivals, files that no receipt names) make the exit code 11
    #[arg(long)]
    strict: bool,
}

fn time(text: &str) -> Result<u64, String> {
    moments::parse(text).ok_or_else(|| "a time such as 2026-11-22T13:00:00+07:00 or a day such as 2026-11-22 was expected".into())
}

#[derive(Clone, Copy, ValueEnum)]
enum Lang {
    /// Tiếng Việt
    Vi,
    /// English
    En,
}

const AFTER_HELP: &str = "\
Exit codes; of several the smallest from 10 on counts, 1 only when there is none of these:
   0  every record is whole
   1  something could not be read, or the report could not be written
   2  wrong arguments, or a trust policy that cannot be used
  10  altered: bytes are not those that were sealed
  11  missing: something that was sealed is not there (with --strict: or a note)
  12  bad signature
  13  unknown key: signed by nobody whom the trust policy names
  14  malformed: not a receipt of a format that this version knows
  15  nothing to verify
  16  withheld: the log names a receipt that is not there
  17  bad log: it, or a proof of it, does not hold
  18  unlogged: a receipt that is not in the log, though the policy names one
  19  bad time: the claimed sealing time contradicts what witnesses saw
  20  superseded: a file of an older revision, and a later one is here

Examples:
  sohoa-verify /media/usb/export --trust trust.txt
  sohoa-verify data --trust trust.txt --lang en --quiet
  sohoa-verify export --trust trust.txt --log copy/of/log --since checkpoint.2026-06
  sohoa-verify QD-51.pdf r0001.dsse.json r0001.tlog-proof --trust trust.txt
  sohoa-verify data --trust trust.txt --json | jq -r 'select(.verdict != \"ok\") | .path'

It reads only what is named and the trust policy, writes nothing but the report, and needs no network or clock.
docs/format.md shows how to check a receipt with openssl alone.";

const FAILED: u8 = 1;
const USAGE: u8 = 2;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let language = match arguments.lang {
        Lang::Vi => Language::Vi,
        Lang::En => Language::En,
    };
    let (policy_bytes, policy) = match read_policy(&arguments) {
        Ok(policy) => policy,
        Err((code, message)) => return fail(code, &message),
    };
    let since = match read_since(&arguments, &policy) {
        Ok(since) => since,
        Err((code, message)) => return fail(code, &message),
    };
    if let Some(log) = arguments.log.as_ref().filter(|log| policy.log().is_none() || !log.join("checkpoint").is_file()) {
        let why = "a log needs a 'log' line in the trust policy, and a file 'checkpoint' in its folder";
        return fail(USAGE, &format!("--log '{}' cannot be used: {why}", log.display()));
    }
    let mut summary = Summary::default();
    summary.logged = policy.log().is_some();
    summary.since = !since.is_empty();
    summary.witnessed = policy.log().is_some_and(|log| log.wants_witnesses());
    let mut failed = false;
    let brought = Brought { log: arguments.log.as_deref(), since: &since, at: arguments.at };
    let (mut printable, mut audited) = (Report::default(), Audited::default());
    let mut write = |line: Line| {
        summary.add(&line);
        printable.add(&line);
        if arguments.quiet && line.verdict == Verdict::Ok { Ok(()) } else { print(&line, arguments.json, language) }
    };
    let (files, folders): (Vec<PathBuf>, Vec<PathBuf>) = arguments.paths.iter().cloned().partition(|path| path.is_file());
    let loose = (!files.is_empty()).then(|| audit_loose(&files, &policy, brought, &mut write));
    let mut outcomes: Vec<Result<Audited, AuditError>> = loose.into_iter().collect();
    for path in &folders {
        // With one folder paths are relative to it; with several they need its name before them.
        let prefix =
            if arguments.paths.len() > 1 { path.to_string_lossy().trim_end_matches('/').to_owned() } else { String::new() };
        outcomes.push(audit_with(path, &prefix, &policy, brought, &mut write));
    }
    for outcome in outcomes {
        match outcome {
            Ok(looked) => audited.logs.extend(looked.logs),
            Err(error @ AuditError::Report(_)) => return fail(FAILED, &error.to_string()),
            Err(error) => {
                failed = true;
                fail(FAILED, &error.to_string());
            }
        }
    }
    if let Some(file) = &arguments.report {
        let places = arguments.paths.iter().map(|path| path.to_string_lossy().into_owned()).collect();
        let subject = Subject { places, at: arguments.at, policy_bytes: &policy_bytes, policy: &policy };
        let html = printable.finish(&subject, &audited, &summary, arguments.strict);
        let written = std::fs::File::create_new(file).and_then(|mut file| file.write_all(html.as_bytes()));
        if let Err(error) = written {
            return fail(FAILED, &format!("'{}': {}", file.display(), AuditError::Report(error)));
        }
    }
    if !arguments.json
        && let Err(error) = io::stdout().write_all(summary.text(language, arguments.strict).as_bytes())
    {
        return fail(FAILED, &AuditError::Report(error).to_string());
    }
    match summary.exit_code(arguments.strict) {
        0 | 15 if failed => ExitCode::from(FAILED),
        code => ExitCode::from(code),
    }
}

/// A policy that is not there is a failure to read; one that cannot be used is a wrong argument.
fn read_policy(arguments: &Arguments) -> Result<(Vec<u8>, TrustPolicy), (u8, String)> {
    let place = arguments.trust.display();
    let text = std::fs::read_to_string(&arguments.trust)
        .map_err(|e| (FAILED, format!("trust policy '{place}' cannot be read ({e}); name the file with --trust")))?;
    let policy = TrustPolicy::parse(&text).map_err(|e| (USAGE, format!("'{place}': {e}")))?;
    Ok((text.into_bytes(), policy))
}

/// The checkpoints that the auditor kept.
fn read_since(arguments: &Arguments, policy: &TrustPolicy) -> Result<Vec<KeptCheckpoint>, (u8, String)> {
    let mut kept = Vec::new();
    for file in &arguments.since {
        let place = file.display();
        let bytes = std::fs::read(file).map_err(|e| (FAILED, format!("checkpoint '{place}' cannot be read ({e})")))?;
        let log = policy.log().ok_or_else(|| (USAGE, "--since needs a 'log' line in the trust policy".to_owned()))?;
        kept.push(KeptCheckpoint::parse(&bytes, log).map_err(|e| (USAGE, format!("checkpoint '{place}': {e}")))?);
    }
    Ok(kept)
}

fn print(line: &Line, json: bool, language: Language) -> io::Result<()> {
    let text = if json { serde_json::to_string(line)? + "\n" } else { report::text(line, language) };
    io::stdout().write_all(text.as_bytes())
}

fn fail(code: u8, message: &str) -> ExitCode {
    // Nothing is left to tell when even stderr is closed.
    let _ = writeln!(io::stderr(), "sohoa-verify: {message}");
    ExitCode::from(code)
}
