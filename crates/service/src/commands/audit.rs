//! `sohoa audit`: the audit of `sohoa-verify` over an archive, with what that small program goes without: time stamps over the log are judged,
//! and the rates of `sohoa report` are made again from signed manifests and registers alone. Neither index nor key is asked.

use super::{Failure, Outcome, open_indexed, report};
use crate::config::Config;
use crate::present::json_line;
use crate::{anchoring, registers, time};
use jiff::Timestamp;
use serde_json::{Value, json};
use sohoa_archive::{Counted, Entry, RegisterNote};
use sohoa_coverage::{RegisterRow, parse_register, report as figures};
use sohoa_record::{Sha256Hex, TrustPolicy};
use sohoa_sign::certificate::Certificate;
use sohoa_verify::command::{Auditor, Options, run as verify};
use sohoa_verify::{Line, Observer, Verdict};
use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Rates differ from those that were reported.
const RATES_DIFFER: u8 = 21;

/// What identifies a row of a report.
const KEY: [&str; 5] = ["group", "unit", "level", "year", "indicator"];

/// What is asked.
pub struct Asked {
    /// What to audit; the configured store when there is none.
    pub paths: Vec<PathBuf>,
    /// The trust policy, unless it is the configured one.
    pub trust: Option<PathBuf>,
    /// Years whose rates are made again.
    pub rates: Vec<i16>,
    /// A file of reported rates, unless the index is asked.
    pub against: Option<PathBuf>,
    /// As for `sohoa-verify`.
    pub options: Options,
}

/// Runs it; `own` is true when there is a data folder.
pub async fn run(config: &Config, own: bool, asked: Asked) -> Outcome {
    if !own && (asked.paths.is_empty() || asked.trust.is_none()) {
        return Err(Failure::Usage("name what to audit, and --trust FILE: there is no pipeline.toml here".into()));
    }
    if !own && !asked.rates.is_empty() && asked.against.is_none() {
        return Err(Failure::Usage("--rates wants --against FILE here: there is no archive whose index could be asked".into()));
    }
    let paths = if asked.paths.is_empty() { vec![config.path(&config.archive.store)] } else { asked.paths.clone() };
    let trust = asked.trust.clone().unwrap_or_else(|| config.path(&config.seal.trust));
    let roots = Some(config.signature_roots()).filter(|roots| !roots.as_os_str().is_empty());
    let stamp_roots = stamp_roots(&trust)?;
    let (options, wanted) = (asked.options.clone(), !asked.rates.is_empty());
    let (places, json, at) = (paths.clone(), options.json, options.at);
    let audit = move || {
        let now = at.and_then(|at| i64::try_from(at).ok()).unwrap_or_else(|| time::now().timestamp().as_second());
        let asked_at = Timestamp::from_second(now).unwrap_or(Timestamp::MAX);
        let entries = RefCell::new(Vec::new());
        let note = |opened: &_| if wanted { json_line(&Entry::of(opened)) } else { String::new() };
        // What is not whole proves nothing, and counts for nothing.
        let noted = |line: &Line, note: &str| {
            if line.verdict == Verdict::Ok {
                entries.borrow_mut().extend(serde_json::from_str::<Entry>(note).ok());
            }
        };
        let stamps = |text: &str, tokens: &[Vec<u8>]| anchoring::judge(text, tokens, &stamp_roots, asked_at);
        let observer = Some(Observer { note: &note, noted: &noted, stamps: &stamps });
        let code = verify("sohoa audit", &places, &trust, &options, Auditor { observer, roots, now: Some(now) });
        (code, entries.into_inner())
    };
    let audited = tokio::task::spawn_blocking(audit).await;
    let (code, entries) = audited.map_err(|e| Failure::Archive(format!("the audit broke off: {e}")))?;
    let mut differ = false;
    if wanted {
        let today = at.map_or_else(time::now, time::of_seconds).date();
        let register = registers_in(&paths)?;
        for year in &asked.rates {
            let reported = match &asked.against {
                Some(file) => reported(file, *year)?,
                None => from_index(config, *year, today).await?,
            };
            let as_of = reported.iter().find_map(|row| row["as_of"].as_str()?.parse().ok()).unwrap_or(today);
            let counted: Vec<_> = entries.iter().map(|entry| report::counted_entry(Counted::of(entry))).collect();
            let (units, targets) = (report::units(config)?, report::targets(config)?);
            let rows = figures(&counted, register.as_deref(), &units, &targets, *year, as_of);
            let recomputed: Vec<Value> = rows.iter().filter_map(|row| serde_json::to_value(row).ok()).collect();
            let differences = differences(&reported, &recomputed);
            differ |= !differences.is_empty();
            if json {
                rows.iter().for_each(|row| println!("{}", json_line(&json!({ "rate": row }))));
                differences.iter().for_each(|one| println!("{}", json_line(&json!({ "difference": one }))));
            } else {
                println!("\nrates as of {as_of}, made again from signed manifests and registers (registers are not signed):");
                print!("{}", report::table_of(&rows, *year, register.is_some()));
                differences.iter().for_each(|one| println!("{}", in_words(one)));
                if differences.is_empty() {
                    println!("the reported rates are the same");
                }
            }
        }
    }
    Ok(ExitCode::from(if code == 0 && differ { RATES_DIFFER } else { code }))
}

/// Whose time stamps over the log the policy believes. A policy that cannot be read is told of by the audit itself.
fn stamp_roots(trust: &Path) -> Result<Vec<Certificate>, Failure> {
    let policy = std::fs::read_to_string(trust).ok().and_then(|text| TrustPolicy::parse(&text).ok());
    anchoring::roots(policy.unwrap_or_default().timestamp_roots()).map_err(|e| Failure::Setup(e.to_string()))
}

/// Rows of the registers that count in the archives; none when there is no register.
fn registers_in(paths: &[PathBuf]) -> Result<Option<Vec<RegisterRow>>, Failure> {
    let mut rows = None;
    for path in paths {
        let mut notes: Vec<RegisterNote> = Vec::new();
        for entry in std::fs::read_dir(path.join("register")).into_iter().flatten() {
            let file = entry.map_err(|e| Failure::input(path, e))?.path();
            if file.extension().is_some_and(|end| end == "json") {
                let bytes = std::fs::read(&file).map_err(|e| Failure::input(&file, e))?;
                let note = serde_json::from_slice(&bytes);
                notes.push(note.map_err(|e| Failure::Archive(format!("{} is no note of a register: {e}", file.display())))?);
            }
        }
        for note in registers::last_of_each_name(notes) {
            let name = &note.digests.sha256;
            let file = path.join("objects/sha256").join(&name.as_str()[..2]).join(name.as_str());
            let bytes = std::fs::read(&file).map_err(|e| Failure::input(&file, e))?;
            if Sha256Hex::of(&bytes) != *name {
                return Err(Failure::Archive(format!("{} is not the register that was imported: altered", file.display())));
            }
            rows.get_or_insert_with(Vec::new).extend(parse_register(&bytes).rows);
        }
    }
    Ok(rows)
}

/// The rows of a year in a file that `sohoa report --json` wrote.
fn reported(file: &Path, year: i16) -> Result<Vec<Value>, Failure> {
    let text = std::fs::read_to_string(file).map_err(|e| Failure::input(file, e))?;
    let rows = text.lines().map(serde_json::from_str::<Value>).collect::<Result<Vec<_>, _>>();
    let rows = rows.map_err(|e| Failure::Usage(format!("{} is not what `sohoa report --json` writes: {e}", file.display())))?;
    Ok(rows.into_iter().filter(|row| row["year"] == year).collect())
}

/// What `sohoa report` says today.
async fn from_index(config: &Config, year: i16, today: jiff::civil::Date) -> Result<Vec<Value>, Failure> {
    let archive = open_indexed(config).await?;
    let (entries, register) = (report::entries(&archive).await?, report::rows(&archive).await?);
    let (units, targets) = (report::units(config)?, report::targets(config)?);
    let rows = figures(&entries, register.as_deref(), &units, &targets, year, today);
    Ok(rows.iter().filter_map(|row| serde_json::to_value(row).ok()).collect())
}

/// Every member of every row in which the two differ; a row that one of them lacks is one difference.
fn differences(reported: &[Value], recomputed: &[Value]) -> Vec<Value> {
    let key = |row: &Value| KEY.map(|member| row[member].clone());
    let mut found = Vec::new();
    let mut tell = |of: &Value, member: &str, reported: &Value, recomputed: &Value| {
        let mut one = json!({ "member": member, "reported": reported, "recomputed": recomputed });
        KEY.iter().for_each(|name| one[*name] = of[*name].clone());
        found.push(one);
    };
    for row in recomputed {
        match reported.iter().find(|other| key(other) == key(row)) {
            Some(other) => {
                for (member, value) in row.as_object().into_iter().flatten() {
                    if other[member] != *value {
                        tell(row, member, &other[member], value);
                    }
                }
            }
            None => tell(row, "numerator", &Value::Null, &row["numerator"]),
        }
    }
    for row in reported.iter().filter(|row| !recomputed.iter().any(|other| key(other) == key(row))) {
        tell(row, "numerator", &row["numerator"], &Value::Null);
    }
    found
}

fn in_words(one: &Value) -> String {
    let word = |name: &str| one[name].as_str().map_or_else(|| one[name].to_string(), str::to_owned);
    let who = match one["group"].as_str() {
        Some("unit") => word("unit"),
        Some("level") => format!("level {}", word("level")),
        _ => "all units".to_owned(),
    };
    let (member, reported, recomputed) = (word("member"), word("reported"), word("recomputed"));
    format!("DIFFERS  {who}, {}: {member} was reported as {reported}, and is {recomputed}", word("indicator"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_changed_a_missing_and_an_invented_row_are_told() {
        let row = |unit: &str, numerator: u64| {
            json!({ "group": "unit", "unit": unit, "level": "commune", "year": 2026, "indicator": "digitized",
                    "numerator": numerator, "denominator": 4 })
        };
        assert!(differences(&[row("a", 1)], &[row("a", 1)]).is_empty());
        let found = differences(&[row("a", 3), row("c", 9)], &[row("a", 1), row("b", 2)]);
        let told: Vec<_> =
            found.iter().map(|one| (word(one, "unit"), one["reported"].clone(), one["recomputed"].clone())).collect();
        let expected = [("a", json!(3), json!(1)), ("b", Value::Null, json!(2)), ("c", json!(9), Value::Null)];
        assert_eq!(told, expected.map(|(unit, reported, recomputed)| (unit.to_owned(), reported, recomputed)));
        assert_eq!(in_words(&found[0]), "DIFFERS  a, digitized: numerator was reported as 3, and is 1");
    }

    fn word(one: &Value, name: &str) -> String {
        one[name].as_str().unwrap().to_owned()
    }
}
