//! `sohoa review`: people finish what the machine was not sure of. Each decision is a new revision, signed, with who and when.

use super::{Failure, Outcome, crops, find_record, open_indexed};
use crate::cli::{By, Review, SecondRound};
use crate::commands::records::entry_line;
use crate::config::Config;
use crate::keyring;
use crate::logbook::Logbook;
use crate::present::{self, document_line, json_line, printable, rows, signature_lines};
use crate::review::second_round::{self, Rate};
use crate::review::{self, Decided, Decision, Desk, Reviewer, SecondLook};
use crate::sign::{self, Sealer, Signing};
use crate::witness::{self, Registers};
use ed25519_dalek::SigningKey;
use sohoa_archive::{Archive, Filter};
use sohoa_record::Reason;
use sohoa_record::field::RegisterCandidate;
use sohoa_record::manifest::{Manifest, State};
use sohoa_record::seal::Opened;
use std::path::Path;
use std::process::ExitCode;

/// What a reviewer should know of how a file was divided into papers, page by page.
const OF_THE_DIVISION: [Reason; 3] = [Reason::SeparatorUnreadable, Reason::DivisionUnsure, Reason::DividedByContent];
const SKIPS_ARE: &str = "already_shared, photocopy or present_only was expected";

/// Runs it.
pub async fn run(config: &Config, asked: Review, password_file: Option<&Path>) -> Outcome {
    let archive = open_indexed(config).await?;
    let (record, decision, by) = match asked {
        Review::List { limit, json } => return list(&archive, limit, json.json).await,
        Review::Show { record, crops, json } => {
            let record = find_record(&archive, &record).await?;
            let opened = review::latest(&archive, &record).await?;
            if let Some(folder) = crops {
                crops::cut_out(config, &archive, &opened.manifest, &folder).await?;
            }
            return show(&archive, &opened, json.json).await;
        }
        Review::Match { json } => return ask_registers(config, &archive, json.json, password_file).await,
        Review::SecondRound(asked) => return again(config, &archive, asked, password_file).await,
        Review::Rates { json } => return rates(&archive, json.json).await,
        Review::Accept { record, fields, by } => (record, Decision::Accept(fields), by),
        Review::Correct { record, values, by } => (record, Decision::Correct(assignments(&values)?), by),
        Review::Skip { record, because, note, by } => {
            let reason = because.parse().map_err(|_| Failure::Usage(format!("'{}': {SKIPS_ARE}", printable(&because))))?;
            (record, Decision::Skip(reason, note), by)
        }
        Review::Reject { record, note, by } => (record, Decision::Reject(note), by),
    };
    let reviewer = reviewer(config, &archive, &record, by).await?;
    let (key, signing) = (keyring::sealing_key(config, password_file)?, sign::open(config)?);
    // Opened first: a log that must not be continued stops the decision, not its leaf.
    let logbook = Logbook::for_sealing(config, &archive, &key, password_file).await?;
    let decided = review::decide(&desk(config, &archive, &key, signing.as_ref()), &reviewer, decision).await?;
    logbook.note(&decided.opened).await?;
    logbook.finish(&archive).await?;
    tell(&decided)
}

/// `sohoa review second-round …`
async fn again(config: &Config, archive: &Archive, asked: SecondRound, password_file: Option<&Path>) -> Outcome {
    let (record, look, by) = match asked {
        SecondRound::List { limit, json } => return list_again(config, archive, limit, json.json).await,
        SecondRound::Accept { record, by } => (record, SecondLook::Accept, by),
        SecondRound::Correct { record, values, by } => (record, SecondLook::Correct(assignments(&values)?), by),
    };
    let reviewer = reviewer(config, archive, &record, by).await?;
    let (key, signing) = (keyring::sealing_key(config, password_file)?, sign::open(config)?);
    let logbook = Logbook::for_sealing(config, archive, &key, password_file).await?;
    let decided = review::decide_again(&desk(config, archive, &key, signing.as_ref()), &reviewer, look).await?;
    logbook.note(&decided.opened).await?;
    logbook.finish(archive).await?;
    tell(&decided)
}

fn desk<'a>(config: &'a Config, archive: &'a Archive, key: &'a SigningKey, signing: Option<&'a Signing>) -> Desk<'a> {
    let sealer = Sealer { key, result_code: &config.seal.result_code, signing };
    Desk { archive, sealer, second_round: config.second_round() }
}

async fn reviewer(config: &Config, archive: &Archive, record: &str, by: By) -> Result<Reviewer, Failure> {
    let record = find_record(archive, record).await?;
    Ok(Reviewer { record, who: by.by.unwrap_or_else(|| config.operator()), seen: by.revision })
}

/// The outcome of a decision.
fn tell(decided: &Decided) -> Outcome {
    let m = &decided.opened.manifest;
    let who = m.history.last().map(|event| event.who.as_str()).unwrap_or_default();
    println!("{}  {}  revision {} by {}", m.record, m.state.as_str(), m.revision, printable(who));
    for reason in &m.reasons {
        println!("    {}: {}", reason.code(), reason.vi());
    }
    for (field, doubt) in &decided.warnings {
        eprintln!("warning  {field}: {}", doubt.vi());
    }
    Ok(ExitCode::SUCCESS)
}

async fn list_again(config: &Config, archive: &Archive, limit: u32, json: bool) -> Outcome {
    let cases = second_round::survey(archive).await?;
    let waiting: Vec<_> = second_round::waiting(&cases, config.second_round()).collect();
    for case in waiting.iter().take(limit as usize) {
        let (people, fields): (Vec<&str>, Vec<&str>) = (case.people().collect(), case.fields().collect());
        if json {
            println!(
                "{}",
                json_line(&serde_json::json!({"record": case.record, "decided_at": case.at, "by": people, "fields": fields}))
            );
            continue;
        }
        match archive.index.entry(&case.record).await? {
            Some(entry) => println!("{}", entry_line(&entry, present::columns())),
            None => println!("{}", case.record),
        }
        let told = format!("decided by {} {}: {}", printable(&people.join(", ")), case.at, fields.join(", "));
        println!("{}", rows(4, &told, present::columns()));
    }
    match waiting.len() {
        0 => eprintln!("nothing waits for a second look"),
        n if n > limit as usize => eprintln!("there is more; raise --limit"),
        _ => {}
    }
    Ok(ExitCode::SUCCESS)
}

async fn rates(archive: &Archive, json: bool) -> Outcome {
    let rates = second_round::rates(&second_round::survey(archive).await?);
    for rate in &rates {
        println!("{}", if json { json_line(rate) } else { rate_line(rate) });
    }
    if rates.is_empty() {
        eprintln!("nobody looked at a decision a second time yet: rates are unknown");
    }
    Ok(ExitCode::SUCCESS)
}

fn rate_line(rate: &Rate) -> String {
    let Rate { who, of, name, looked_at, corrected, rate } = rate;
    let percent = rate.map_or_else(|| "unknown".to_owned(), |rate| format!("{rate} %"));
    let what = if *of == "documents" { printable(who) } else { format!("  {of} {}", printable(name)) };
    let unit = if *of == "documents" { "documents" } else { "values" };
    format!("{what:<26} {corrected} of {looked_at} {unit} corrected  {percent}")
}

async fn list(archive: &Archive, limit: u32, json: bool) -> Outcome {
    let filter = Filter { state: Some(State::Review), ..Filter::default() };
    let entries = archive.index.entries(&filter, None, limit.saturating_add(1)).await?;
    for entry in entries.iter().take(limit as usize) {
        if json {
            println!("{}", json_line(entry));
        } else {
            println!("{}", entry_line(entry, present::columns()));
            for reason in &entry.reasons {
                println!("{}", rows(4, &format!("{}: {}", reason.code(), reason.vi()), present::columns()));
            }
        }
    }
    match entries.len() as u32 {
        0 => eprintln!("nothing waits for review"),
        n if n > limit => eprintln!("there is more; raise --limit"),
        _ => {}
    }
    Ok(ExitCode::SUCCESS)
}

async fn show(archive: &Archive, opened: &Opened, json: bool) -> Outcome {
    let m = &opened.manifest;
    if json {
        println!("{}", record_line(m));
        return Ok(ExitCode::SUCCESS);
    }
    println!("{}  {}  revision {}  {}", m.record, m.state.as_str(), m.revision, printable(&m.source.name));
    if let Some(path) =
        m.object(sohoa_record::manifest::Role::Searchable).and_then(|o| archive.objects.local_path(&o.digests.sha256))
    {
        println!("  look at  {}", path.display());
    }
    for page in &m.pages {
        for reason in page.reasons.iter().filter(|reason| OF_THE_DIVISION.contains(reason)) {
            println!("{}", rows(2, &format!("page {}: {reason}: {}", page.number, reason.vi()), present::columns()));
        }
    }
    for (at, signature) in m.incoming_signatures.iter().enumerate() {
        for line in signature_lines(signature, m.signature_checks.get(at)) {
            println!("  {line}");
        }
    }
    for field in &m.fields {
        let value = field.value.as_deref().unwrap_or("—");
        match field.doubt {
            None => println!("  {:<16} {value}", field.name),
            Some(doubt) => {
                println!("? {:<16} {value}   {}", field.name, doubt.vi());
                let place = field.rect.map(|r| format!(", at {},{} size {}×{}", r.x, r.y, r.width, r.height)).unwrap_or_default();
                println!(
                    "  {:<16} page {}{place}; printed «{}», confidence {} %",
                    "", field.page, field.printed, field.confidence
                );
                for row in field.register.iter().flat_map(|witness| &witness.rows) {
                    println!("  {:<16} {}", "", candidate(archive, row).await?);
                }
            }
        }
    }
    if m.fields.iter().any(|field| field.doubt.is_some()) {
        let at = format!("--revision {}", m.revision);
        println!("finish with: sohoa review correct {} NAME=VALUE … {at}   or: sohoa review accept {} {at}", m.record, m.record);
    }
    Ok(ExitCode::SUCCESS)
}

/// A row of a register that could be the paper, with what tells it from the others.
async fn candidate(archive: &Archive, row: &RegisterCandidate) -> Result<String, Failure> {
    let before = row.line.checked_sub(1).map(|line| (&row.register, line));
    let found = archive.register_rows(before, 1).await?.pop().filter(|found| found.register == row.register);
    let subject = found.and_then(|found| found.row.subject.or(found.row.owner)).map(|s| format!("  {}", printable(&s)));
    let (line, value, score) = (row.line, printable(&row.value), row.score);
    Ok(format!("register line {line}: {value}   {score} % agrees{}", subject.unwrap_or_default()))
}

/// Every record that waits is looked at once; what a register says of it is a new revision.
async fn ask_registers(config: &Config, archive: &Archive, json: bool, password_file: Option<&Path>) -> Outcome {
    let (key, signing) = (keyring::sealing_key(config, password_file)?, sign::open(config)?);
    let sealer = Sealer { key: &key, result_code: &config.seal.result_code, signing: signing.as_ref() };
    let logbook = Logbook::for_sealing(config, archive, &key, password_file).await?;
    let registers = Registers::that_count(archive).await?;
    let filter = Filter { state: Some(State::Review), ..Filter::default() };
    let (mut asked, mut sealed, mut listed, mut after) = (0, 0, 0, None);
    loop {
        let page = archive.index.entries(&filter, after.as_ref(), 500).await?;
        let Some(last) = page.last().map(|entry| entry.record.clone()) else { break };
        for entry in page {
            asked += 1;
            let again = witness::confirm_again(archive, &registers, &entry.record, &config.operator(), &sealer).await;
            let Some(opened) = again.map_err(|error| Failure::Archive(error.to_string()))? else { continue };
            logbook.note(&opened).await?;
            let m = &opened.manifest;
            match m.state {
                State::Sealed => sealed += 1,
                _ => listed += 1,
            }
            if json {
                println!("{}", record_line(m));
            } else {
                println!("{}", document_line(&m.source.name, m.state, &m.reasons, &m.pages, &m.fields));
            }
        }
        after = Some(last);
    }
    logbook.finish(archive).await?;
    let left = asked - sealed;
    eprintln!("{asked} waited: {sealed} completed by the registers, {listed} have something new to look at, {left} wait");
    Ok(ExitCode::SUCCESS)
}

fn record_line(m: &Manifest) -> String {
    json_line(
        &serde_json::json!({"record": m.record, "revision": m.revision, "state": m.state, "reasons": m.reasons, "fields": m.fields}),
    )
}

/// `NAME=VALUE`; an empty value says that the paper has none.
fn assignments(texts: &[String]) -> Result<Vec<(String, Option<String>)>, Failure> {
    let assignment = |text: &String| match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => {
            Ok((name.to_owned(), Some(value.trim().to_owned()).filter(|value| !value.is_empty())))
        }
        _ => Err(Failure::Usage(format!(
            "'{}' is not NAME=VALUE, such as code_number=51",
            text.escape_debug().take(60).collect::<String>()
        ))),
    };
    texts.iter().map(assignment).collect()
}
