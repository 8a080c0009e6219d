//! `sohoa doctor`: can this machine, and this data folder, do the work? Each line is one thing that was tried, not guessed; nothing is
//! changed by it, and no password is needed.

use super::{Failure, Outcome, PARTIAL};
use crate::anchoring::{self, AnchorError, Lasting};
use crate::archive_home;
use crate::config::Config;
use crate::console::mask;
use crate::held_up::HeldUp;
use crate::http::tls::Tls;
use crate::keyring;
use crate::page_protocol::{ChildSpec, Ready};
use crate::people::People;
use crate::present::{counted, json_line, printable};
use crate::sandbox::{SandboxError, probe};
use crate::sandbox_walls::remedy;
use crate::sign;
use crate::watch::held::Noted;
use crate::watch::{self, Surveyed};
use serde::Serialize;
use sohoa_record::log::VerifierKey;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::ExitCode;

/// Less free space than this is worth a word …
const LITTLE_SPACE: u64 = 10 << 30;
/// … and less than this stops the next backlog.
const NO_SPACE: u64 = 1 << 30;
/// Columns of a line for people.
const COLUMNS: usize = 80;
const INDENT: usize = 26;

/// How a check came out.
#[derive(Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum State {
    Ok,
    Warning,
    Problem,
}

/// One thing that was tried.
#[derive(Serialize)]
struct Check {
    check: String,
    state: State,
    detail: String,
    /// What to do; empty when nothing is to be done.
    #[serde(skip_serializing_if = "String::is_empty")]
    remedy: String,
}

/// Everything that was tried, told as it goes.
struct Report {
    json: bool,
    warnings: u32,
    problems: u32,
}

impl Report {
    fn heading(&self, text: &str) {
        if !self.json {
            println!("{text}");
        }
    }

    fn ok(&mut self, check: &str, detail: impl Into<String>) {
        self.tell(Check { check: check.into(), state: State::Ok, detail: detail.into(), remedy: String::new() });
    }

    fn warning(&mut self, check: &str, detail: impl Into<String>, remedy: impl Into<String>) {
        self.warnings += 1;
        self.tell(Check { check: check.into(), state: State::Warning, detail: detail.into(), remedy: remedy.into() });
    }

    fn problem(&mut self, check: &str, detail: impl Into<String>, remedy: impl Into<String>) {
        self.problems += 1;
        self.tell(Check { check: check.into(), state: State::Problem, detail: detail.into(), remedy: remedy.into() });
    }

    fn tell(&self, check: Check) {
        if self.json {
            println!("{}", json_line(&check));
            return;
        }
        let word = match check.state {
            State::Ok => "ok",
            State::Warning => "warning",
            State::Problem => "PROBLEM",
        };
        let mut lines = wrapped(&printable(&check.detail), COLUMNS - INDENT).into_iter();
        println!("  {word:<8} {:<14} {}", check.check, lines.next().unwrap_or_default());
        lines.for_each(|line| println!("{:INDENT$}{line}", ""));
        if !check.remedy.is_empty() {
            for (n, line) in wrapped(&printable(&check.remedy), COLUMNS - INDENT - 4).into_iter().enumerate() {
                println!("{:INDENT$}{}{line}", "", if n == 0 { "do: " } else { "    " });
            }
        }
    }
}

/// Runs it.
pub async fn run(config_file: &Path, json: bool) -> Outcome {
    let mut report = Report { json, warnings: 0, problems: 0 };
    let config = match config_file.try_exists() {
        // It may be there all the same: loading says what is in the way.
        Ok(true) | Err(_) => Some(Config::load(config_file)),
        Ok(false) => None,
    };
    let defaults = Config::defaults();
    let known = match &config {
        Some(Ok(config)) => config,
        _ => &defaults,
    };
    report.heading("this machine");
    machine(&mut report, known);
    reader(&mut report, known).await;
    match config {
        None => report.heading(&format!(
            "\nno data folder here: {} does not exist. `sohoa init DIR` makes one.\nOnly the machine was looked at.",
            printable(&config_file.display().to_string())
        )),
        Some(Err(error)) => {
            report.heading("\nthis data folder");
            report.problem("configuration", error.to_string(), "correct the line; docs/operating.md explains every key");
        }
        Some(Ok(config)) => {
            report.heading(&format!("\nthe data folder {}", printable(&config.home.display().to_string())));
            report.ok("configuration", file_name(config_file));
            folder(&mut report, &config).await;
        }
    }
    if !json {
        println!("\n{}", verdict(&report));
    }
    Ok(ExitCode::from(if report.problems > 0 { PARTIAL } else { 0 }))
}

fn verdict(report: &Report) -> String {
    let count = |n: u32, what: &str| if n == 1 { format!("1 {what}") } else { format!("{n} {what}s") };
    match (report.problems, report.warnings) {
        (0, 0) => "all is well".into(),
        (0, warnings) => format!("it works; {}", count(warnings, "warning")),
        (problems, 0) => format!("{}: see what to do above", count(problems, "problem")),
        (problems, warnings) => format!("{}, {}: see what to do above", count(problems, "problem"), count(warnings, "warning")),
    }
}

fn machine(report: &mut Report, config: &Config) {
    let system = rustix::system::uname();
    report.ok("kernel", format!("{} {}", system.sysname().to_string_lossy(), system.release().to_string_lossy()));
    let cores = std::thread::available_parallelism().map_or(1, |n| n.get());
    let readers = config.workers();
    let detail = format!("{cores}; {readers} page {} at once", if readers == 1 { "reader" } else { "readers" });
    if readers > cores * 2 {
        report.warning("cores", detail, "more readers than cores only wait for each other: set [ingest] workers = 0");
    } else {
        report.ok("cores", detail);
    }
}

/// Starts a real page child and asks what it has and which walls stand around it.
async fn reader(report: &mut Report, config: &Config) {
    let spec = match super::child_spec(config) {
        Ok(spec) => ChildSpec { require_walls: false, ..spec },
        Err(error) => {
            let language = &config.recognize.language;
            return report.problem("OCR model", error.to_string(), format!("apt-get install tesseract-ocr-{language}"));
        }
    };
    let started = match tempfile::tempdir() {
        Ok(folder) => probe(&spec, folder.path()).await,
        Err(error) => Err(SandboxError::Start(format!("no temporary folder can be made: {error}"))),
    };
    let ready = match started {
        Ok(ready) => ready,
        Err(error) => return report.problem("page reader", error.to_string(), "see [recognize] in docs/operating.md"),
    };
    report.ok("OCR engine", &ready.engine.engine);
    let digest = ready.engine.model_sha256.as_ref().map_or("unknown", |digest| &digest.as_str()[..16]);
    report.ok("OCR model", format!("{}, SHA-256 {digest}…, {}", ready.engine.model, spec.model.display()));
    report.heading("\nwalls around the page reader");
    walls(report, config, &ready);
}

fn walls(report: &mut Report, config: &Config, ready: &Ready) {
    for wall in &ready.walls {
        match (wall.stands, config.decode.require_walls) {
            (true, _) => report.ok(&wall.name, &wall.detail),
            (false, true) => {
                let or = format!("{}; or accept it: [decode] require_walls = false", remedy(&wall.name));
                report.problem(&wall.name, format!("missing: {}; no scan will be opened", wall.detail), or);
            }
            (false, false) => {
                report.warning(&wall.name, format!("missing and accepted: {}", wall.detail), remedy(&wall.name));
            }
        }
    }
}

async fn folder(report: &mut Report, config: &Config) {
    let store = config.path(&config.archive.store);
    place(report, "store", &store, "check its disk and permissions, or change [archive] store");
    place(report, "spool", &config.path(&config.archive.spool), "check its disk and permissions, or change [archive] spool");
    let trusted = trust(report, config);
    key(report, config);
    signatures(report, config);
    log_key(report, config);
    people(report, config);
    tls(report, config);
    held_up(report, config);
    watched(report, config).await;
    if trusted && store.is_dir() {
        index(report, config).await;
    }
}

/// A folder that must take files, and has room.
fn place(report: &mut Report, check: &str, folder: &Path, remedy: &str) {
    if !folder.exists() {
        return report.warning(
            check,
            format!("{} does not exist yet", folder.display()),
            "the next ingest makes it; is its disk mounted?",
        );
    }
    // a file without a name: nothing is left, whatever happens
    if let Err(error) = tempfile::tempfile_in(folder) {
        return report.problem(check, format!("{} cannot be written: {error}", folder.display()), remedy);
    }
    let free = rustix::fs::statvfs(folder).map(|s| s.f_bavail.saturating_mul(s.f_frsize)).unwrap_or(u64::MAX);
    let detail = format!("writable, {:.1} GB free  {}", free as f64 / 1e9, folder.display());
    if free < NO_SPACE {
        report.problem(check, detail, "free some space: an archive takes about three times the scans");
    } else if free < LITTLE_SPACE {
        report.warning(check, detail, "a backlog may need more: an archive takes about three times the scans");
    } else {
        report.ok(check, detail);
    }
}

/// True when records can be opened under the policy.
fn trust(report: &mut Report, config: &Config) -> bool {
    match keyring::trust_policy(config) {
        Ok(policy) => {
            let root = policy.root().map_or_else(String::new, |root| {
                format!("; {} of a root of {} must sign changes of keys", root.threshold, root.keys.len())
            });
            let names: Vec<&str> = policy.keys().iter().map(|key| key.name.as_str()).collect();
            report.ok(
                "trust policy",
                format!(
                    "believes {} ({}){root}",
                    if names.len() == 1 { "1 key".into() } else { format!("{} keys", names.len()) },
                    names.join(", ")
                ),
            );
            true
        }
        Err(error) => {
            let is_lost = !config.path(&config.seal.trust).exists();
            let remedy = match is_lost {
                true => "restore the file from its backup, or from an auditor's copy",
                false => "correct what is told in that file; if nobody knows who changed it, compare it with an auditor's copy",
            };
            report.problem("trust policy", error.to_string(), remedy);
            false
        }
    }
}

/// The key's file as far as it can be judged without the password.
fn key(report: &mut Report, config: &Config) {
    let file = config.path(&config.seal.key);
    let (text, mode) =
        match std::fs::read_to_string(&file).and_then(|text| Ok((text, std::fs::metadata(&file)?.permissions().mode()))) {
            Ok(read) => read,
            Err(error) => {
                let detail = format!("{}: {error}", file.display());
                return report.problem("sealing key", detail, "restore it, or make one with `sohoa keys new`");
            }
        };
    if !text.starts_with("-----BEGIN ENCRYPTED PRIVATE KEY-----") {
        return report.problem(
            "sealing key",
            format!("{} is no encrypted PKCS#8 key", file.display()),
            "restore it, or make one with `sohoa keys new`",
        );
    }
    if mode & 0o077 != 0 {
        let detail = format!("others than its owner may read or write it (mode {:o})", mode & 0o777);
        return report.problem("sealing key", detail, format!("chmod 600 {}", file.display()));
    }
    let public = std::fs::read_to_string(file.with_extension("pub.pem")).ok();
    let Some(public) = public.and_then(|pem| sohoa_sign::keys::from_public_pem(&pem).ok()) else {
        let detail = format!(
            "{}, encrypted; its public half is not beside it, so whether it is believed shows when it seals",
            file.display()
        );
        return report.ok("sealing key", detail);
    };
    let id = sohoa_record::trust::key_id(&public);
    match keyring::trust_policy(config) {
        Ok(policy) if policy.key(id.as_str()).is_none() => report.problem(
            "sealing key",
            format!("the trust policy does not name it ({}…): nothing it seals could be opened", &id.as_str()[..16]),
            format!("add to the policy: {}", sohoa_record::trust::policy_line(&public, "sohoa")),
        ),
        _ => report.ok("sealing key", format!("{}…, encrypted  {}", &id.as_str()[..16], file.display())),
    }
}

/// The legal signatures: what can be told without spending a PIN.
fn signatures(report: &mut Report, config: &Config) {
    let remedy = "correct [sign] in pipeline.toml, plug the token in, or ask the CA for a new certificate";
    let facts = match sign::facts(config) {
        Ok(facts) => facts,
        Err(error) => return report.problem("signature", error.to_string(), remedy),
    };
    if facts.is_empty() {
        return report.ok("signature", "none is configured: PDFs are not signed ([[sign.signature]])");
    }
    for fact in facts {
        match fact.outcome {
            Err(error) => report.problem("signature", error.to_string(), remedy),
            Ok(detail) if fact.ends_soon => {
                report.warning("signature", format!("{}: {detail}", fact.profile), "ask the CA for the next certificate now");
            }
            Ok(detail) => report.ok("signature", format!("{}: {detail}", fact.profile)),
        }
    }
}

/// Who may sit at the console. What is wrong with the file keeps everybody out.
fn people(report: &mut Report, config: &Config) {
    match People::at(config.path(&config.access.people)).all() {
        Ok(people) => {
            let may: Vec<_> = people.iter().filter(|person| !person.disabled).collect();
            let codes = may.iter().filter(|person| person.has_totp()).count();
            report.ok("people", format!("{} may sign in, {codes} of them with one-time codes", may.len()));
        }
        Err(error) => report.problem("people", error.to_string(), "nobody can sign in until then"),
    }
}

/// The certificate with which the service speaks TLS itself.
fn tls(report: &mut Report, config: &Config) {
    let Some((certificate, key)) = config.serve.tls() else { return };
    match Tls::open(config.path(certificate), config.path(key)) {
        Ok(tls) => report.ok("tls", format!("the certificate is good until {}", tls.ends().to_zoned(crate::time::zone()).date())),
        Err(error) => report.problem("tls", error.to_string(), "`sohoa serve` does not start until then"),
    }
}

/// Whether somebody holds the work up.
fn held_up(report: &mut Report, config: &Config) {
    if let Some(HeldUp { by, since }) = HeldUp::read(config) {
        let detail = format!("held up by {by} since {since}: nothing is begun, also after a restart");
        report.warning("work", detail, "when it shall go on: press 'Tiếp tục' on the console's page Lô quét");
    }
}

/// What lies in the watched folders and is not taken, as a running service noted it.
async fn watched(report: &mut Report, config: &Config) {
    for Surveyed { folder, trouble, hidden } in watch::survey(config).await {
        let folder = folder.display();
        if let Some(trouble) = trouble {
            let remedy = "connect its share or make it, and see that the service may read it; or correct [[watch]] folder. `sohoa serve` does not start without it";
            report.problem("watched", format!("{folder}: {trouble}"), remedy);
        }
        if let [first, ..] = &hidden[..] {
            let name = mask::text(&file_name(first), false);
            let detail = format!(
                "{folder}: {} with a name that begins with a dot, such as {name}: hidden files are not taken",
                counted(hidden.len() as u64, "scan")
            );
            report.warning("watched", detail, "rename those that shall be taken");
        }
    }
    let Some(noted) = Noted::read(config).filter(|_| !config.watch.is_empty()) else { return };
    let many: u64 = noted.folders.values().map(|held| held.many).sum();
    if many == 0 {
        return report.ok("watched", "no file waits in a watched folder for long");
    }
    let lie = if many == 1 { "1 file lies in a watched folder".into() } else { format!("{many} files lie in watched folders") };
    let detail = format!("{lie} for more than {}, not taken", counted(config.serve.waiting_minutes, "minute"));
    report.warning("watched", detail, "`sohoa status` names them, with why and what to do");
}

/// The log's key, judged by its public half.
fn log_key(report: &mut Report, config: &Config) {
    if config.log.key.as_os_str().is_empty() {
        return report.ok("log key", "none wanted: another machine appends to the log, or nobody does");
    }
    let file = config.path(&config.log.key);
    let policy = keyring::trust_policy(config).ok();
    let logs = policy.as_ref().and_then(|policy| policy.log()).map_or(&[][..], |log| log.logs());
    let public = std::fs::read_to_string(file.with_extension("vkey")).ok();
    match public.and_then(|vkey| VerifierKey::parse(vkey.trim_end()).ok()) {
        Some(public) if file.exists() && logs.iter().any(|log| log.key == public) => report.ok("log key", public.name()),
        Some(public) if file.exists() => {
            let detail = "the trust policy does not name it: nothing can be appended to the log";
            report.problem("log key", detail, format!("add to the policy: log {public}"));
        }
        _ if logs.is_empty() => {
            report.warning("log key", "receipts are not logged", "`sohoa init` on this folder makes the log's key")
        }
        _ => report.problem("log key", format!("{} or its .vkey is not there", file.display()), "restore both from a copy"),
    }
}

async fn index(report: &mut Report, config: &Config) {
    let file = config.path(&config.archive.index);
    if !file.exists() {
        let empty = std::fs::read_dir(config.path(&config.archive.store)).is_ok_and(|mut entries| entries.next().is_none());
        return match empty {
            true => report.ok("index", "not made yet; the first ingest makes it"),
            false => {
                report.problem("index", format!("{} is lost, and the store is not empty", file.display()), "sohoa fsck --rebuild")
            }
        };
    }
    let looked = async {
        let archive = archive_home::open(config).await?;
        let told = (
            archive.index.status().await?,
            archive.queue.counts().await?,
            matches!(archive.check_is_there().await, Err(sohoa_archive::Error::Away)),
            archive.wants_rebuild().await?,
        );
        let stamps = anchoring::lasting(config, &archive.log()).await;
        archive.close().await;
        Ok::<_, Failure>((told, stamps))
    };
    let looked = looked.await.map(|(told, lasting)| {
        stamps(report, lasting);
        told
    });
    match looked {
        Err(error) => report.problem("index", error.to_string(), "sohoa fsck --rebuild"),
        Ok((_, _, true, _)) => report.problem("index", "it knows records and the store is empty", "is the store's disk mounted?"),
        Ok((_, _, _, true)) => report.problem("index", "it is new and the store is not", "sohoa fsck --rebuild"),
        Ok((status, queue, _, _)) => {
            let records: u64 = status.records.values().sum();
            let detail = format!("{records} records, {} waiting, {} given up", queue.queued + queue.leased, queue.dead);
            if queue.dead > 0 {
                // What was pushed has no file that could be ingested again.
                let remedy = "`sohoa status` says why: mend that, then press 'Làm lại' on the console's page Lô quét; what came from a folder is also begun anew by `sohoa ingest` of its file";
                report.warning("index", detail, remedy);
            } else {
                report.ok("index", detail);
            }
        }
    }
}

/// The time stamps over the log's checkpoints.
fn stamps(report: &mut Report, lasting: Result<Lasting, AnchorError>) {
    let remedy = "`sohoa renew`; if the end stays, the service still stamps with the old certificate: ask it for its next one, or name another service in [log] timestamp";
    let lasting = match lasting {
        Ok(lasting) => lasting,
        Err(error) => return report.problem("time stamps", error.to_string(), "correct the trust policy"),
    };
    let ends =
        lasting.first.map(|first| first.to_zoned(crate::time::zone()).strftime("%d/%m/%Y").to_string()).unwrap_or_default();
    match lasting {
        Lasting { stamped: 0, .. } => {}
        Lasting { ended: Some(why), .. } => {
            report.problem("time stamps", why, "only a copy that was renewed in time, or witnesses, help now")
        }
        Lasting { stamped, ending: 0, .. } => {
            report.ok("time stamps", format!("over {stamped} checkpoints of the log; the first ends on {ends}"))
        }
        Lasting { stamped, ending, .. } => {
            let detail = format!(
                "{ending} of {stamped} over the log end within 12 months, the first on {ends}: what they stand for is lost then"
            );
            report.warning("time stamps", detail, remedy);
        }
    }
}

fn file_name(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

/// Lines of at most so many columns; a word that is longer, such as a path, has a line for itself.
fn wrapped(text: &str, columns: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= columns => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::wrapped;

    #[test]
    fn lines_are_broken_between_words_only() {
        assert_eq!(wrapped("một hai ba", 7), ["một hai", "ba"]);
        assert_eq!(wrapped("a /very/long/path b", 5), ["a", "/very/long/path", "b"]);
        assert!(wrapped("", 5).is_empty());
    }
}
