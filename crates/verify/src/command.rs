//! An audit as a command: what can be asked, from reading the policy to the exit code. `sohoa-verify` is this and nothing else; `sohoa audit`
//! adds the archive's own places and the rates.

use crate::files;
use crate::html::{Report, Subject};
use crate::key_events;
use crate::moments::Fresh;
#[cfg(feature = "pdf-signatures")]
use crate::pdf_judge::{self, RootsError, Signers};
use crate::pdf_signatures::JudgePdf;
use crate::{
    AuditError, Audited, Brought, KeptCheckpoint, Language, Line, Observer, Sample, State, Summary, Verdict, audit_loose,
    audit_with, moments, report, sample,
};
use clap::{Args, ValueEnum};
#[cfg(feature = "pdf-signatures")]
use sohoa_record::Manifest;
use sohoa_record::{Sha256Hex, TrustPolicy};
#[cfg(feature = "pdf-signatures")]
use sohoa_sign::validate::Trust;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

/// What can be asked of an audit.
#[derive(Args, Clone, Debug)]
pub struct Options {
    /// A copy of the log (the archive's folder 'log') to hold an export against: only it betrays a later revision that was left out
    #[arg(long, value_name = "DIR")]
    log: Option<PathBuf>,

    /// A checkpoint that you kept from an earlier audit (a copy of log/checkpoint): the log must continue it. May be given several times
    #[arg(long, value_name = "FILE")]
    since: Vec<PathBuf>,

    /// Root certificates (PEM or DER: a folder with nothing else in it, or one file): a legal signature on a PDF whose signer they do not vouch
    /// for is a fault. When left out such a signature must be intact, whoever signed
    #[arg(long, value_name = "DIR")]
    pub roots: Option<PathBuf>,

    /// As of that time (RFC 3339, or a day, which ends at 23:59:59 +07:00): later revisions and cosignatures do not count
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub at: Option<u64>,

    /// Witnesses must have seen the log so recently: at most DAYS before --at. What is older may hide what was logged since
    #[arg(long, value_name = "DAYS", requires = "at", value_parser = days)]
    fresh: Option<u64>,

    /// Open only so many records (500) or that share (5%), drawn by --seed; told is how many of all can be bad at most
    #[arg(long, value_name = "N|N%", requires = "seed")]
    pub sample: Option<sample::Size>,

    /// Any text that was not known before the archive was handed over: it decides which records are drawn
    #[arg(long, value_name = "TEXT", requires = "sample")]
    seed: Option<String>,

    /// Keep in that file how far the audit is; killed and started again with it, the audit goes on. One PATH only
    #[arg(long, value_name = "FILE")]
    state: Option<PathBuf>,

    /// Also write a report for A4 to that file: HTML, in Vietnamese and English, that needs nothing else. Must not exist
    #[arg(long, value_name = "FILE.html")]
    report: Option<PathBuf>,

    /// One JSON object a line instead of the report for people
    #[arg(long)]
    pub json: bool,

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

/// With 0 every log would be stale: witnesses have seen it before the moment of the audit.
fn days(text: &str) -> Result<u64, String> {
    text.parse().ok().filter(|days| *days > 0).ok_or_else(|| "a whole number of days, at least 1, was expected".into())
}

fn time(text: &str) -> Result<u64, String> {
    moments::parse(text).ok_or_else(|| "a time such as 2026-11-22T13:00:00+07:00 or a day such as 2026-11-22 was expected".into())
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Lang {
    /// Tiếng Việt
    Vi,
    /// English
    En,
}

/// The exit codes, as `--help` tells them.
pub const EXIT_CODES: &str = "\
Exit codes; of several the smallest from 10 on counts, 1 only when there is none of these:
   0  every record is whole, or was destroyed by a decision that is told
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
  22  void key: the signing key was revoked, retired or not introduced yet where the log has the receipt
  23  stale: the log, or the proof of it, is older than --fresh allows";

const FAILED: u8 = 1;
const USAGE: u8 = 2;

/// What a larger program adds to the options.
#[derive(Clone, Default)]
pub struct Auditor<'a> {
    /// Who wants to know something of each record.
    pub observer: Option<Observer<'a>>,
    /// Roots that may vouch for the signers of PDFs when `--roots` is left out; nobody must be known then.
    pub roots: Option<PathBuf>,
    /// Today, in seconds since 1970 UTC, where somebody reads a clock: a certificate whose signature no time stamp dates must still be good by
    /// then, unless `--at` asks as of another time. None: it must have been good when the PDF says to be sealed.
    pub now: Option<i64>,
}

/// Carries out the audit of `paths` under the policy in `trust`; prints, and gives the exit code. `name` is the program, for messages.
pub fn run(name: &str, paths: &[PathBuf], trust: &Path, options: &Options, auditor: Auditor<'_>) -> u8 {
    carry_out(paths, trust, options, &auditor).unwrap_or_else(|(code, message)| {
        // Nothing is left to tell when even stderr is closed.
        let _ = writeln!(io::stderr(), "{name}: {message}");
        code
    })
}

type Failed = (u8, String);

fn carry_out(paths: &[PathBuf], trust: &Path, options: &Options, auditor: &Auditor<'_>) -> Result<u8, Failed> {
    let observer = auditor.observer;
    let language = match options.lang {
        Lang::Vi => Language::Vi,
        Lang::En => Language::En,
    };
    #[cfg(feature = "pdf-signatures")]
    let signers = open_signers(options, auditor)?;
    let (policy_bytes, policy) = read_policy(trust)?;
    let since = read_since(options, &policy)?;
    if let Some(log) = options.log.as_ref().filter(|log| policy.log().is_none() || !log.join("checkpoint").is_file()) {
        let why = "a log needs a 'log' line in the trust policy, and a file 'checkpoint' in its folder";
        return Err((USAGE, format!("--log '{}' cannot be used: {why}", log.display())));
    }
    let sample = options.sample.zip(options.seed.clone()).map(|(size, seed)| Sample { size, seed });
    #[cfg(feature = "pdf-signatures")]
    let judge = |bytes: &[u8], manifest: &Manifest| signers.judge(bytes, manifest);
    #[cfg(feature = "pdf-signatures")]
    let believed = format!("{:?} {}", signers.trust, signers.must_be_known);
    #[cfg(feature = "pdf-signatures")]
    let pdf: Option<&JudgePdf<'_>> = Some(&judge);
    #[cfg(not(feature = "pdf-signatures"))]
    let (pdf, believed) = (None::<&JudgePdf<'_>>, String::new());
    if pdf.is_none() && options.roots.is_some() {
        return Err((USAGE, "--roots: this program was built without the feature 'pdf-signatures' and judges none".into()));
    }
    // Roots may be many; what counts is that they are the same.
    let depends = format!("{} {}", observer.is_some(), Sha256Hex::of(believed.as_bytes()));
    let mut state = open_state(paths, &policy_bytes, &since, options, &depends)?;
    let mut summary = Summary::default();
    summary.logged = policy.log().is_some();
    summary.since = !since.is_empty();
    summary.witnessed = policy.log().is_some_and(|log| log.wants_witnesses());
    summary.at = options.at;
    if options.fresh.is_some() && !summary.witnessed {
        return Err((
            USAGE,
            "--fresh needs 'witness' and 'quorum' lines in the trust policy: only witnesses say of when a log is".into(),
        ));
    }
    let fresh = options.fresh.zip(options.at).map(|(days, at)| Fresh { days, at });
    let log = options.log.as_deref();
    let brought = Brought { log, since: &since, at: options.at, fresh, sample: sample.as_ref(), observer, pdf };
    let (mut printable, mut audited) = (Report::default(), Audited::default());
    let mut write = |line: Line| {
        summary.add(&line);
        if options.report.is_some() {
            printable.add(&line);
        }
        if options.quiet && line.verdict == Verdict::Ok { Ok(()) } else { print(&line, options.json, language) }
    };
    let (files, folders): (Vec<PathBuf>, Vec<PathBuf>) = paths.iter().cloned().partition(|path| path.is_file());
    let loose = (!files.is_empty()).then(|| audit_loose(&files, &policy, brought, &mut write));
    let mut outcomes: Vec<Result<Audited, AuditError>> = loose.into_iter().collect();
    for path in &folders {
        // With one folder paths are relative to it; with several they need its name before them.
        let prefix = if paths.len() > 1 { path.to_string_lossy().trim_end_matches('/').to_owned() } else { String::new() };
        outcomes.push(audit_with(path, &prefix, &policy, brought, state.take(), &mut write));
    }
    let mut failed = false;
    summary.whole_log = outcomes.iter().flatten().all(|looked| !looked.logs.is_empty());
    for outcome in outcomes {
        match outcome {
            Ok(looked) => {
                audited.logs.extend(looked.logs);
                audited.taken_over += looked.taken_over;
                looked.newest.iter().for_each(|newest| summary.add_newest(*newest));
                summary.sampled.extend(looked.sampled);
            }
            Err(error @ AuditError::Report(_)) => return Err((FAILED, error.to_string())),
            Err(error) => {
                failed = true;
                let _ = writeln!(io::stderr(), "{error}");
            }
        }
    }
    if let Some(file) = &options.report {
        let places = paths.iter().map(|path| path.to_string_lossy().into_owned()).collect();
        let roots = options.roots.as_ref().map(|roots| roots.to_string_lossy().into_owned());
        let subject = Subject { places, at: options.at, policy_bytes: &policy_bytes, policy: &policy, roots };
        let html = printable.finish(&subject, &audited, &summary, options.strict);
        let written = std::fs::File::create_new(file).and_then(|mut file| file.write_all(html.as_bytes()));
        written.map_err(|error| (FAILED, format!("'{}': {}", file.display(), AuditError::Report(error))))?;
    }
    let closing = match options.json {
        true => summary
            .sampled
            .iter()
            .map(|sampled| serde_json::json!({ "sample": sampled, "most_bad": sampled.most_bad() }).to_string() + "\n")
            .collect(),
        false => summary.text(language, options.strict),
    };
    io::stdout().write_all(closing.as_bytes()).map_err(|error| (FAILED, AuditError::Report(error).to_string()))?;
    if audited.taken_over > 0 {
        let _ = writeln!(io::stderr(), "{} records were judged by an earlier run (--state)", audited.taken_over);
    }
    Ok(match summary.exit_code(options.strict) {
        0 | 15 if failed => FAILED,
        code => code,
    })
}

/// The state file, of an audit that asks for the same.
fn open_state(
    paths: &[PathBuf],
    policy: &[u8],
    since: &[KeptCheckpoint],
    options: &Options,
    depends: &str,
) -> Result<Option<State>, Failed> {
    let Some(file) = &options.state else { return Ok(None) };
    let [path] = paths else { return Err((USAGE, "--state goes with one PATH".into())) };
    let place = path.canonicalize().map_err(|e| (FAILED, format!("'{}' cannot be read ({e})", path.display())))?;
    // Verdicts depend on which keys counted.
    let mut keyrings: Vec<String> =
        files::entries(&place.join(key_events::FOLDER)).unwrap_or_default().into_iter().map(|entry| entry.name).collect();
    keyrings.sort();
    let kept: Vec<String> = since.iter().map(|kept| kept.tree.text()).collect();
    let asked = (place, Sha256Hex::of(policy), &options.log, kept, options.at, options.sample.map(|size| format!("{size:?}")));
    let seed_and_age = (&options.seed, options.fresh);
    let asked = format!("{asked:?} {keyrings:?} {seed_and_age:?} {depends} sohoa-verify {}", env!("CARGO_PKG_VERSION"));
    State::open(file, &asked).map(Some).map_err(|e| (FAILED, format!("--state '{}': {e}", file.display())))
}

/// Whose signatures on PDFs are believed: the auditor's roots, and then nobody else's; else those that the program brings along.
#[cfg(feature = "pdf-signatures")]
fn open_signers(options: &Options, auditor: &Auditor<'_>) -> Result<Signers, Failed> {
    let trust = match (&options.roots, &auditor.roots) {
        (Some(named), _) => pdf_judge::roots(named),
        (None, Some(own)) => match pdf_judge::roots(own) {
            // Nobody is believed yet.
            Err(RootsError::Empty { .. }) => Ok(Trust::default()),
            read => read,
        },
        (None, None) => Ok(Trust::default()),
    };
    let trust = trust.map_err(|error| {
        let code = if matches!(error, RootsError::Unreadable { .. }) { FAILED } else { USAGE };
        (code, format!("roots of signers: {error}"))
    })?;
    let now = options.at.map(|at| i64::try_from(at).unwrap_or(i64::MAX)).or(auditor.now);
    Ok(Signers { trust, must_be_known: options.roots.is_some(), now })
}

/// A policy that is not there is a failure to read; one that cannot be used is a wrong argument.
fn read_policy(trust: &Path) -> Result<(Vec<u8>, TrustPolicy), Failed> {
    let place = trust.display();
    let text = std::fs::read_to_string(trust)
        .map_err(|e| (FAILED, format!("trust policy '{place}' cannot be read ({e}); name the file with --trust")))?;
    let policy = TrustPolicy::parse(&text).map_err(|e| (USAGE, format!("'{place}': {e}")))?;
    Ok((text.into_bytes(), policy))
}

/// The checkpoints that the auditor kept.
fn read_since(options: &Options, policy: &TrustPolicy) -> Result<Vec<KeptCheckpoint>, Failed> {
    let mut kept = Vec::new();
    for file in &options.since {
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
