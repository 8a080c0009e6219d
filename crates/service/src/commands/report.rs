//! `sohoa register import` and `sohoa report`: the denominators, and the rates against the yearly targets.

use super::{Failure, Outcome, PARTIAL, open_indexed};
use crate::cli::Register;
use crate::config::Config;
use crate::present::json_line;
use crate::{registers, time};
use sohoa_archive::{Archive, Counted};
use sohoa_coverage::{
    Effect, Entry, Group, Indicator, RegisterRow, ReportRow, Targets, Units, parse_register, report as figures,
};
use sohoa_record::field::name;
use sohoa_record::manifest::State;
use std::path::Path;
use std::process::ExitCode;

/// `sohoa register import`.
pub async fn import(config: &Config, asked: Register) -> Outcome {
    let Register::Import { file } = asked;
    let bytes = std::fs::read(&file).map_err(|e| Failure::input(&file, e))?;
    let register = parse_register(&bytes);
    for problem in &register.problems {
        let column = if problem.column.is_empty() { String::new() } else { format!(", {}", problem.column) };
        let effect = match problem.effect {
            Effect::Counted => "counted, the cell is not used",
            Effect::Duplicate => "counted once",
            Effect::LeftOut => "NOT counted: rates may be too high until it is corrected",
            Effect::Refused => "nothing was taken",
        };
        eprintln!("line {}{column}: {}; {} ({effect})", problem.line, problem.why, problem.remedy);
    }
    if !register.is_usable() {
        return Err(Failure::Refused(format!("{} is not a register; see the lines above", file.display())));
    }
    let archive = open_indexed(config).await?;
    let name = file.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    let before = registers::that_count(&archive).await?.into_iter().find(|note| note.name == name);
    let note =
        archive.import_register(&name, bytes, &time::rfc3339_ms(&time::now()), &registers::index_rows(&register.rows)).await?;
    println!(
        "{} results, {} repeated rows, {} problems; stored with the archive (not signed)",
        register.rows.len(),
        register.duplicates,
        register.problems.len()
    );
    let counts = registers::that_count(&archive).await?.contains(&note);
    match before.filter(|before| before.digests != note.digests) {
        Some(before) if counts => println!("it takes the place of the {name} that was imported {}", before.imported_at),
        Some(before) => eprintln!(
            "NOT COUNTED: the very same file was imported before, {}, and another {name} after it, {}; change its name, or anything in it",
            note.imported_at, before.imported_at
        ),
        None => {}
    }
    let waiting = archive.index.status().await?.records.get(&State::Review).copied().unwrap_or_default();
    if waiting > 0 {
        println!("{waiting} records wait for review; `sohoa review match` asks the register about them");
    }
    Ok(ExitCode::from(if register.problems.is_empty() { 0 } else { PARTIAL }))
}

/// `sohoa report`.
pub async fn report(config: &Config, year: Option<i16>, json: bool) -> Outcome {
    let archive = open_indexed(config).await?;
    let today = time::now().date();
    let year = year.unwrap_or(today.year());
    let (units, targets) = (units(config)?, targets(config)?);
    let entries = entries(&archive).await?;
    let register = rows(&archive).await?;
    let rows = figures(&entries, register.as_deref(), &units, &targets, year, today);
    if json {
        rows.iter().for_each(|row| println!("{}", json_line(row)));
    } else {
        print!("{}", table_of(&rows, year, register.is_some()));
        let destroyed = archive.index.status().await?.destroyed;
        if destroyed > 0 {
            println!(
                "{destroyed:>6} records were lawfully destroyed and count for nothing any more: take their results out of the register"
            );
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// The units that are known here.
pub fn units(config: &Config) -> Result<Units, Failure> {
    let Some(text) = table(config, &config.report.units)? else { return Ok(Units::default()) };
    Units::parse(&text).and_then(|own| Units::default().overlay(own)).map_err(|e| Failure::Setup(e.to_string()))
}

/// The targets that hold here.
pub fn targets(config: &Config) -> Result<Targets, Failure> {
    let Some(text) = table(config, &config.report.targets)? else { return Ok(Targets::default()) };
    Targets::parse(&text).map(|own| Targets::default().overlay(own)).map_err(|e| Failure::Setup(e.to_string()))
}

fn table(config: &Config, file: &Path) -> Result<Option<String>, Failure> {
    if file.as_os_str().is_empty() {
        return Ok(None);
    }
    let file = config.path(file);
    std::fs::read_to_string(&file).map(Some).map_err(|e| Failure::Setup(format!("{} cannot be read: {e}", file.display())))
}

/// What the index knows of each document.
pub async fn entries(archive: &Archive) -> Result<Vec<Entry>, Failure> {
    Ok(archive.index.counted(&COUNTED, counted_entry).await?)
}

/// The fields by which a document finds its result.
const COUNTED: [&str; 4] = [name::PROCEDURE_CODE, name::CODE_NUMBER, name::CODE_NOTATION, name::ISSUED_DATE];

/// A record as it is counted; values in doubt find no result.
pub fn counted_entry(entry: Counted) -> Entry {
    let vouched = |name: &str| entry.vouched(name).map(str::to_owned);
    Entry {
        record: entry.record.to_string(),
        unit: entry.unit.clone(),
        procedure: vouched(name::PROCEDURE_CODE),
        dossier_code: entry.dossier_code.clone(),
        code_number: vouched(name::CODE_NUMBER),
        code_notation: vouched(name::CODE_NOTATION),
        issued_date: vouched(name::ISSUED_DATE).and_then(|date| date.parse().ok()),
        state: entry.state,
        signed: entry.signed,
        archived: true,
        arrived: time::parse(&entry.arrived_at).map_or_else(|| time::now().date(), |time| time.date()),
    }
}

/// Rows of all registers together; none when no register was imported.
pub async fn rows(archive: &Archive) -> Result<Option<Vec<RegisterRow>>, Failure> {
    let notes = registers::that_count(archive).await?;
    if notes.is_empty() {
        return Ok(None);
    }
    let mut rows = Vec::new();
    for note in notes {
        rows.extend(parse_register(&archive.objects.get(&note.digests.sha256).await?).rows);
    }
    Ok(Some(rows))
}

/// The figures for people, within 80 columns: who, then a line for each counter.
pub fn table_of(rows: &[ReportRow], year: i16, has_register: bool) -> String {
    let mut out = format!("{year}\n");
    let mut last = String::new();
    for row in rows {
        // A unit that has neither results nor documents of the year says nothing.
        if row.denominator == Some(0) && row.numerator == 0 && row.group != Group::All {
            continue;
        }
        let who = heading(row);
        if who != last {
            out.push_str(&format!("\n{who}\n"));
            last = who;
        }
        out.push_str(&figure(row));
    }
    if let Some(all) = rows.iter().find(|row| row.group == Group::All) {
        out.push('\n');
        for (n, text) in [
            (all.in_review, "of them wait for review: sohoa review list"),
            (all.skipped, "of them are lawfully not digitized and count as done"),
            (all.failed, "of them could not be read: scan them again"),
            (all.in_doubt, "rows of the register are in doubt: import a corrected one"),
            (all.undated, "rows of the register have no readable year and are in no denominator"),
            (all.unregistered.unwrap_or(0), "documents of the year are in no register; they raise no rate"),
        ] {
            if n > 0 {
                out.push_str(&format!("{n:>6} {text}\n"));
            }
        }
    }
    if !has_register {
        out.push_str("no register was imported, so what exists on paper is unknown: sohoa register import FILE.csv\n");
    }
    out
}

fn heading(row: &ReportRow) -> String {
    let level = row.level.map_or("unknown", |level| level.as_str());
    match row.group {
        Group::Unit => {
            let code = row.unit.as_deref().unwrap_or(sohoa_coverage::indicators::NO_UNIT);
            let name = row.unit_name.as_deref().map(|name| format!("  {name}")).unwrap_or_default();
            format!("{code}{name}  (level {level})")
        }
        Group::Level => format!("all units of level {level}"),
        Group::All => "all units".to_owned(),
    }
}

/// `  digitized      2 of 10     20.00 %   target  95 %   8 missing`
fn figure(row: &ReportRow) -> String {
    let counted = match row.indicator {
        Indicator::Digitized => "digitized",
        Indicator::Signed => "signed",
        Indicator::Archived => "archived",
    };
    let results = format!("{} of {}", row.numerator, row.denominator.map_or("unknown".into(), |n| n.to_string()));
    let rate = match (row.rate, row.denominator) {
        (Some(rate), _) => format!("{rate} %"),
        (None, None) => "unknown".to_owned(),
        (None, Some(_)) => "n/a".to_owned(),
    };
    let target = row.target.map_or("no target".to_owned(), |target| format!("target {target:>3} %"));
    let verdict = match (row.met, row.gap) {
        (Some(true), _) => "reached".to_owned(),
        (Some(false), Some(gap)) => format!("{gap} missing"),
        _ => String::new(),
    };
    format!("  {counted:<10} {results:>14} {rate:>10}   {target:<12} {verdict}").trim_end().to_owned() + "\n"
}
