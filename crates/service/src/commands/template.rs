//! `sohoa template`, and the templates that a configuration asks for.

use super::{Failure, Outcome, PARTIAL};
use crate::cli::Template;
use crate::config::Config;
use crate::present::{self, cut, json_line};
use serde::Serialize;
use sohoa_digitize::extract::templates::{EMBEDDED, Family, Kind, TemplateError, Templates};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

/// The kinds of paper that `config` knows, and those of one file more.
pub fn known(config: &Config, tried: Option<&Path>) -> Result<Arc<Templates>, Failure> {
    let (mut own, mut faults) = folder(config).map_or(Ok(Default::default()), |folder| files(&folder))?;
    if let Some(file) = tried {
        match read(file) {
            Ok(added) => {
                own.retain(|(name, _)| *name != added.0);
                own.push(added);
            }
            Err(fault) => faults.push(fault),
        }
    }
    if own.is_empty() && faults.is_empty() {
        return Ok(Templates::built_in());
    }
    match Templates::with(&own) {
        Ok(templates) if faults.is_empty() => return Ok(Arc::new(templates)),
        Ok(_) => {}
        Err(more) => faults.extend(more),
    }
    let told: Vec<String> = faults.iter().map(ToString::to_string).collect();
    Err(Failure::Setup(format!("the templates cannot be used:\n  {}", told.join("\n  "))))
}

/// `sohoa template check|list`.
pub fn run(config: &Config, asked: Template) -> Outcome {
    match asked {
        Template::Check { folder: given, json } => check(given.or_else(|| folder(config)), json.json),
        Template::List { json } => list(&*known(config, None)?, json.json),
    }
}

#[derive(Serialize)]
struct Fault<'a> {
    file: &'a str,
    line: Option<usize>,
    what: &'a str,
}

fn check(folder: Option<PathBuf>, json: bool) -> Outcome {
    let Some(folder) = folder else {
        return Err(Failure::Usage(
            "no folder to check: name one, or set [extract] templates; the built-in templates are right".into(),
        ));
    };
    let (own, mut faults) = files(&folder)?;
    let count = own.len() + faults.len();
    faults.extend(Templates::with(&own).err().unwrap_or_default());
    for fault in &faults {
        if json {
            println!("{}", json_line(&Fault { file: &fault.file, line: fault.line, what: &fault.what }));
        } else {
            println!("{}", folder.join(fault.to_string()).display());
        }
    }
    let replaced = own.iter().filter(|(name, _)| EMBEDDED.iter().any(|(built_in, _)| built_in == name)).count();
    let added = own.len() - replaced;
    match faults.len() {
        0 => eprintln!("{} files are right: {added} new, {replaced} in the place of built-in ones", own.len()),
        faults => eprintln!("{faults} faults in {count} files; nothing is read with them until they are mended"),
    }
    Ok(if faults.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(PARTIAL) })
}

#[derive(Serialize)]
struct Listed<'a> {
    title: &'a str,
    file: String,
    family: &'static str,
    abbreviation: Option<&'a str>,
    paper_kind_code: Option<&'a str>,
    valid_from: Option<String>,
    valid_until: Option<String>,
    valid_months: Option<u8>,
    fields: Vec<&'a str>,
}

fn list(templates: &Templates, json: bool) -> Outcome {
    let columns = present::columns();
    for kind in templates.kinds() {
        let listed = listed(kind);
        if json {
            println!("{}", json_line(&listed));
            continue;
        }
        let read = match listed.fields.len() {
            0 => "header".to_owned(),
            fields => format!("header and {fields} fields"),
        };
        let code = listed.paper_kind_code.map(|code| format!("  {code}")).unwrap_or_default();
        println!("{}", cut(&format!("{:<28} {}  ({read}){code}", listed.file, listed.title), columns));
    }
    Ok(ExitCode::SUCCESS)
}

fn listed(kind: &Kind) -> Listed<'_> {
    let template = &kind.template;
    let rules = template.sections.iter().flat_map(|section| &section.fields).filter(|rule| rule.confirms.is_none());
    Listed {
        title: &kind.title,
        file: format!("{}.toml", template.id),
        family: match kind.family {
            Family::Official => "official",
            Family::Certificate => "certificate",
        },
        abbreviation: Some(kind.abbreviation.as_str()).filter(|text| !text.is_empty()),
        paper_kind_code: template.paper_kind_code.as_deref(),
        valid_from: template.valid_from.map(|day| day.to_string()),
        valid_until: template.valid_until.map(|day| day.to_string()),
        valid_months: template.valid_months,
        fields: rules.map(|rule| rule.name.as_str()).collect(),
    }
}

fn folder(config: &Config) -> Option<PathBuf> {
    let folder = &config.extract.templates;
    (!folder.as_os_str().is_empty()).then(|| config.path(folder))
}

/// Name and text of the templates in a folder, by name, and those that cannot be read.
type Files = (Vec<(String, String)>, Vec<TemplateError>);

fn files(folder: &Path) -> Result<Files, Failure> {
    let cannot = |e: std::io::Error| {
        Failure::Setup(format!("the templates in {} cannot be read: {e}; correct [extract] templates", folder.display()))
    };
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(cannot)? {
        let path = entry.map_err(cannot)?.path();
        if path.extension().is_some_and(|extension| extension == "toml") {
            paths.push(path);
        }
    }
    paths.sort();
    let (mut texts, mut faults) = (Vec::new(), Vec::new());
    for path in paths {
        match read(&path) {
            Ok(text) => texts.push(text),
            Err(fault) => faults.push(fault),
        }
    }
    Ok((texts, faults))
}

fn read(file: &Path) -> Result<(String, String), TemplateError> {
    let name = file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    match std::fs::read_to_string(file) {
        Ok(text) => Ok((name, text)),
        Err(e) => Err(TemplateError { file: name, line: None, what: format!("cannot be read: {e}; save it as UTF-8 text") }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_of_templates_is_read_by_name_and_its_faults_stop_the_work() {
        let folder = tempfile::tempdir().unwrap();
        let config = |text: &str| Config::parse(text, Path::new("pipeline.toml"), folder.path().to_owned()).unwrap();
        let with_own = config("[extract]\ntemplates = \".\"");
        std::fs::write(folder.path().join("notes.txt"), "not a template").unwrap();
        std::fs::write(folder.path().join("thu.toml"), "titles = [\"GIẤY THỬ\"]\nfamily = \"certificate\"\n").unwrap();
        let titles = |templates: Arc<Templates>| templates.kinds().iter().map(|kind| kind.title.clone()).collect::<Vec<_>>();
        assert!(titles(known(&with_own, None).unwrap()).contains(&"GIẤY THỬ".to_owned()));
        assert!(!titles(known(&config(""), None).unwrap()).contains(&"GIẤY THỬ".to_owned()));
        std::fs::write(folder.path().join("sai.toml"), "title = 1").unwrap();
        std::fs::write(folder.path().join("bytes.toml"), b"titles = [\"\xff\"]").unwrap();
        let told = known(&with_own, None).unwrap_err().to_string();
        assert!(told.contains("sai.toml:1: unknown field `title`"), "{told}");
        assert!(told.contains("bytes.toml: cannot be read"), "an unreadable file does not hide the faults of others: {told}");
        assert!(known(&config("[extract]\ntemplates = \"none\""), None).is_err());
    }
}
