//! A template's file: its keys, and everything that can be wrong with them, with line and remedy.
//!
//! A file describes one form (`titles = […]` and its fields), or lists kinds of which only the header is read (`kinds = […]`).

use super::{Family, FieldRule, Kind, Label, Required, Section, Template, ValueType};
use jiff::civil::Date;
use serde::Deserialize;
use sohoa_record::field::name;
use std::collections::BTreeSet;
use std::sync::Arc;

/// What is wrong with a template's file, and what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{file}{}: {what}", line.map(|line| format!(":{line}")).unwrap_or_default())]
pub struct TemplateError {
    /// The file's name.
    pub file: String,
    /// From 1, where it is known.
    pub line: Option<usize>,
    /// Cause and remedy.
    pub what: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ListFile {
    family: Family,
    kinds: Vec<ListedKind>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ListedKind {
    title: String,
    #[serde(default)]
    abbreviation: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FormFile {
    titles: Vec<String>,
    family: Family,
    #[serde(default)]
    abbreviation: String,
    #[serde(default)]
    paper_kind_code: String,
    valid_from: Option<String>,
    valid_until: Option<String>,
    valid_months: Option<u8>,
    subject: Option<String>,
    #[serde(default)]
    lacks: Vec<String>,
    issued_by: Option<String>,
    #[serde(default)]
    field: Vec<FieldEntry>,
    #[serde(default)]
    section: Vec<SectionEntry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SectionEntry {
    prefix: String,
    #[serde(default)]
    cues: Vec<String>,
    #[serde(default)]
    column: bool,
    #[serde(default)]
    field: Vec<FieldEntry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FieldEntry {
    #[serde(default)]
    name: String,
    labels: Vec<String>,
    #[serde(rename = "type")]
    value: ValueType,
    #[serde(default)]
    required: Required,
    #[serde(default)]
    usual: Vec<String>,
    confirms: Option<String>,
}

/// Fields that the general header gives; a template cannot give them again.
const OF_THE_HEADER: &[&str] = &[
    name::TYPE_NAME,
    name::CODE_NUMBER,
    name::CODE_NOTATION,
    name::ISSUED_DATE,
    name::ORGAN_NAME,
    name::SUBJECT,
    name::SIGNER_NAME,
    name::SIGNER_POSITION,
    name::PAGE_AMOUNT,
    name::LANGUAGE,
    name::PAPER_KIND_CODE,
    name::VALID_UNTIL,
];

/// The kinds of all files, and every fault.
pub(super) fn read_all<'f>(files: impl Iterator<Item = (&'f str, &'f str)>) -> (Vec<Kind>, Vec<TemplateError>) {
    let (mut kinds, mut errors) = (Vec::<Kind>::new(), Vec::new());
    for (file, text) in files {
        let faults = Faults { file, text };
        let own = match faults.read() {
            Ok(own) => own,
            Err(found) => {
                errors.extend(found);
                continue;
            }
        };
        for kind in own {
            let clash = kinds.iter().find(|other| other.folded == kind.folded && meet(&other.template, &kind.template));
            if let Some(other) = clash {
                errors.push(faults.at(
                    &kind.title,
                    format!(
                        "the title {} is that of {}.toml already; give your file that name to stand in for it, or set valid_from and valid_until so that the two forms do not overlap",
                        kind.title, other.template.id
                    ),
                ));
            }
            kinds.push(kind);
        }
    }
    (kinds, errors)
}

/// Is there a day on which both forms are in use?
fn meet(a: &Template, b: &Template) -> bool {
    let begins = a.valid_from.max(b.valid_from);
    let ends = [a.valid_until, b.valid_until].into_iter().flatten().min();
    match (begins, ends) {
        (Some(begins), Some(ends)) => begins <= ends,
        _ => true,
    }
}

/// One file while it is judged.
struct Faults<'f> {
    file: &'f str,
    text: &'f str,
}

impl Faults<'_> {
    fn at(&self, quoted: &str, what: String) -> TemplateError {
        let line = self.text.lines().position(|line| !quoted.is_empty() && line.contains(quoted)).map(|at| at + 1);
        TemplateError { file: self.file.to_owned(), line, what }
    }

    fn malformed(&self, error: &toml::de::Error) -> TemplateError {
        let line = error.span().and_then(|span| self.text.get(..span.start)).map(|before| before.matches('\n').count() + 1);
        let what = format!("{}; the keys are explained in docs/templates.md", error.message().trim());
        TemplateError { file: self.file.to_owned(), line, what }
    }

    fn read(&self) -> Result<Vec<Kind>, Vec<TemplateError>> {
        let id = self.file.strip_suffix(".toml").unwrap_or(self.file).to_owned();
        let malformed = |error: toml::de::Error| vec![self.malformed(&error)];
        let text = self.text.trim_start_matches('\u{feff}');
        let table: toml::Table = toml::from_str(text).map_err(malformed)?;
        if table.contains_key("kinds") {
            let list: ListFile = toml::from_str(text).map_err(malformed)?;
            let template = Arc::new(Template { id, ..Template::default() });
            let kind = |listed: &ListedKind| Kind::new(&listed.title, &listed.abbreviation, list.family, template.clone());
            return self.titled(list.kinds.iter().map(kind).collect());
        }
        let form: FormFile = toml::from_str(text).map_err(malformed)?;
        let (family, abbreviation, titles) = (form.family, form.abbreviation.clone(), form.titles.clone());
        let template = Arc::new(self.template(id, form)?);
        self.titled(titles.iter().map(|title| Kind::new(title, &abbreviation, family, template.clone())).collect())
    }

    fn titled(&self, kinds: Vec<Kind>) -> Result<Vec<Kind>, Vec<TemplateError>> {
        let mut faults = Vec::new();
        if kinds.is_empty() {
            faults.push(self.at("titles", "no title; write the paper's title as the form prints it".into()));
        }
        for (i, kind) in kinds.iter().enumerate() {
            if kind.title.to_uppercase() != kind.title || kind.spaceless.len() < 3 {
                let what = format!("the title {} is not in capitals; write it as the form prints it", kind.title);
                faults.push(self.at(&kind.title, what));
            }
            if kinds[..i].iter().any(|other| other.folded == kind.folded) {
                let what = format!("the title {} stands here twice; take one away", kind.title);
                faults.push(self.at(&kind.title, what));
            }
        }
        if faults.is_empty() { Ok(kinds) } else { Err(faults) }
    }

    fn template(&self, id: String, form: FormFile) -> Result<Template, Vec<TemplateError>> {
        let mut faults = Vec::new();
        let mut day = |key: &str, text: &Option<String>| {
            let text = text.as_ref()?;
            let day = text.parse::<Date>().ok();
            if day.is_none() {
                faults.push(self.at(key, format!("{key} = \"{text}\" is not a day; write YYYY-MM-DD")));
            }
            day
        };
        let (valid_from, valid_until) = (day("valid_from", &form.valid_from), day("valid_until", &form.valid_until));
        if valid_from.zip(valid_until).is_some_and(|(from, until)| until < from) {
            faults.push(self.at("valid_until", "valid_until lies before valid_from; exchange them".into()));
        }
        if form.valid_months == Some(0) {
            faults.push(
                self.at("valid_months", "a paper is valid for 1 month or more; leave valid_months out if it never ends".into()),
            );
        }
        for lacking in &form.lacks {
            if !OF_THE_HEADER.contains(&lacking.as_str()) {
                let what =
                    format!("lacks names {lacking}, which the general header does not have; it has {}", OF_THE_HEADER.join(", "));
                faults.push(self.at(lacking, what));
            }
        }
        let first = SectionEntry { prefix: String::new(), cues: Vec::new(), column: false, field: form.field };
        let sections: Vec<Section> = std::iter::once(first).chain(form.section).map(section).collect();
        let rules = || sections.iter().flat_map(|section| &section.fields);
        let names: Vec<&str> = rules().filter(|rule| rule.confirms.is_none()).map(|rule| rule.name.as_str()).collect();
        let mut seen = BTreeSet::new();
        for name in &names {
            if !seen.insert(*name) {
                faults.push(self.at(name, format!("the field {name} is there twice; give each its own name")));
            }
            if OF_THE_HEADER.contains(name) {
                faults.push(self.at(name, format!("{name} is read from the header; give the field another name")));
            }
            let bad = |c: char| !(c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
            if name.contains(bad) || !name.starts_with(|c: char| c.is_ascii_lowercase()) {
                faults.push(self.at(name, format!("'{name}' is not a field's name; write small letters a–z, digits and _")));
            }
        }
        for rule in rules() {
            let unlabelled = rule.labels.is_empty() && rule.value != ValueType::LandSerial;
            if unlabelled || rule.labels.iter().any(|label| label.folded.len() < 2) {
                let what = format!("the field {} has no label that can be found; write it as the form prints it", rule.name);
                faults.push(self.at(&rule.name, what));
            }
            if let Some(other) = rule.confirms.as_ref().filter(|other| !names.contains(&other.as_str())) {
                faults.push(self.at(other, format!("confirms names {other}, which this template does not read")));
            }
        }
        if let Some(day) = form.issued_by.as_ref().filter(|day| !rules().any(|r| r.name == **day && r.value == ValueType::Date)) {
            faults.push(self.at(day, format!("issued_by names {day}, which is no date of this template; name one of its dates")));
        }
        for used in form.subject.iter().flat_map(|pattern| placeholders(pattern)) {
            if !names.contains(&used) && !OF_THE_HEADER.contains(&used) {
                faults.push(self.at(used, format!("subject uses {{{used}}}, which this template does not read")));
            }
        }
        for section in &sections[1..] {
            let opens = !section.cues.is_empty() || section.fields.iter().any(|f| is_own(&sections, section, f));
            if !opens {
                let what = format!(
                    "nothing opens the section {}; give it cues, or a field whose label no other section has",
                    section.prefix
                );
                faults.push(self.at(&section.prefix, what));
            }
        }
        if !faults.is_empty() {
            return Err(faults);
        }
        Ok(Template {
            id,
            paper_kind_code: Some(form.paper_kind_code).filter(|code| !code.is_empty()),
            valid_from,
            valid_until,
            valid_months: form.valid_months,
            subject: form.subject,
            lacks: form.lacks,
            issued_by: form.issued_by,
            sections,
        })
    }
}

/// Has this field a label that no other section has?
fn is_own(sections: &[Section], section: &Section, field: &FieldRule) -> bool {
    let elsewhere = |label: &Label| {
        sections
            .iter()
            .filter(|other| other.prefix != section.prefix)
            .flat_map(|other| &other.fields)
            .any(|f| f.labels.contains(label))
    };
    field.labels.iter().any(|label| !elsewhere(label))
}

fn section(entry: SectionEntry) -> Section {
    let prefix = entry.prefix;
    let full = |name: &str| if prefix.is_empty() { name.to_owned() } else { format!("{prefix}_{name}") };
    let fields = entry.field.into_iter().map(|field| {
        let mut labels: Vec<Label> = field.labels.iter().map(|label| Label::new(label)).collect();
        labels.sort_by_key(|label| std::cmp::Reverse(label.folded.len()));
        let confirms = field.confirms.as_deref().map(full);
        FieldRule { name: full(&field.name), labels, value: field.value, required: field.required, usual: field.usual, confirms }
    });
    let fields = fields.collect();
    Section { fields, cues: entry.cues.iter().map(|cue| Label::new(cue)).collect(), column: entry.column, prefix }
}

/// The names between braces.
pub(in super::super) fn placeholders(pattern: &str) -> Vec<&str> {
    pattern.split('{').skip(1).filter_map(|rest| rest.split_once('}')).map(|(name, _)| name).collect()
}

#[cfg(test)]
mod tests {
    use super::super::Templates;

    fn errors(name: &str, text: &str) -> Vec<String> {
        Templates::with(&[(name.to_owned(), text.to_owned())]).err().unwrap_or_default().iter().map(ToString::to_string).collect()
    }

    const FORM: &str = "titles = [\"GIẤY CHỨNG NHẬN THỬ\"]\nfamily = \"certificate\"\n";

    #[test]
    fn an_own_file_adds_a_kind_and_one_of_the_same_name_stands_in() {
        let own = |name: &str, text: &str| Templates::with(&[(name.to_owned(), text.to_owned())]).unwrap();
        let added = own("thu.toml", FORM);
        assert_eq!(added.by_title("GIẤY CHỨNG NHẬN THỬ").map(|(kind, _)| kind.template.id.as_str()), Some("thu"));
        assert!(added.by_title("GIẤY KHAI SINH").is_some());
        let replaced = own("giay-khai-sinh.toml", FORM);
        assert!(replaced.by_title("GIẤY KHAI SINH").is_none());
    }

    #[test]
    fn every_fault_names_its_file_its_line_and_what_to_do() {
        for (text, wanted) in [
            ("nonsense".to_owned(), "thu.toml:1: "),
            (format!("{FORM}colour = 1"), "thu.toml:3: unknown field `colour`"),
            (
                format!("{FORM}[[field]]\nname = \"a\"\nlabels = [\"A b\"]\ntype = \"colour\""),
                "thu.toml:6: unknown variant `colour`",
            ),
            (format!("{FORM}valid_from = \"1/3/2027\""), "thu.toml:3: valid_from = \"1/3/2027\" is not a day; write YYYY-MM-DD"),
            (FORM.replace("GIẤY CHỨNG NHẬN THỬ", "Giấy thử"), "thu.toml:1: the title Giấy thử is not in capitals"),
            (
                FORM.replace("GIẤY CHỨNG NHẬN THỬ", "GIẤY KHAI SINH"),
                "that of giay-khai-sinh.toml already; give your file that name",
            ),
            (format!("{FORM}subject = \"Giấy của {{owner}}\""), "thu.toml:3: subject uses {owner}"),
            (format!("{FORM}lacks = [\"colour\"]"), "thu.toml:3: lacks names colour"),
            (format!("{FORM}issued_by = \"given_on\""), "thu.toml:3: issued_by names given_on"),
            (format!("{FORM}[[field]]\nname = \"code_number\"\nlabels = [\"Số\"]\ntype = \"code\""), "is read from the header"),
            (format!("{FORM}[[field]]\nname = \"A\"\nlabels = [\"Số\"]\ntype = \"code\""), "is not a field's name"),
            (format!("{FORM}[[field]]\nname = \"a\"\nlabels = []\ntype = \"code\""), "has no label"),
            (
                format!("{FORM}[[field]]\nlabels = [\"Bằng chữ\"]\ntype = \"date_in_words\"\nconfirms = \"day\""),
                "confirms names day",
            ),
            (format!("{FORM}[[section]]\nprefix = \"b\""), "nothing opens the section b"),
        ] {
            let errors = errors("thu.toml", &text);
            assert!(errors.iter().any(|error| error.contains(wanted)), "{wanted}: {errors:?}");
        }
    }

    #[test]
    fn editions_of_one_form_share_a_title_when_their_days_do_not_meet() {
        let old = format!("{FORM}valid_until = \"2027-02-28\"\n");
        let new = format!("{FORM}valid_from = \"2027-03-01\"\n");
        let both = Templates::with(&[("cu.toml".into(), old.clone()), ("moi.toml".into(), new)]).unwrap();
        let (kind, _) = both.by_title("GIẤY CHỨNG NHẬN THỬ").unwrap();
        let edition = |day: Option<&str>| both.edition(kind, day.map(|d| d.parse().unwrap())).template.id.clone();
        assert_eq!(
            (edition(Some("2026-05-01")), edition(Some("2027-03-01")), edition(None)),
            ("cu".into(), "moi".into(), "moi".into())
        );
        assert!(Templates::with(&[("cu.toml".into(), old), ("moi.toml".into(), FORM.into())]).is_err());
    }
}
