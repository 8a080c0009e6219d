//! What the documents promise: links that lead somewhere, a README of two screens, every configuration key explained.

use sohoa_tidy::tree;
use std::path::{Component, Path, PathBuf};

const PIPELINE: &str = "pipeline.toml";
const OPERATING: &str = "docs/operating.md";

#[test]
fn links_lead_somewhere() {
    let mut faults = Vec::new();
    for file in tree::files_ending("md") {
        for (line, link) in links(&tree::read(&file)) {
            let target = link.split('#').next().unwrap_or_default();
            let outside = link.contains("://") || link.starts_with("mailto:") || target.is_empty();
            let place = plain(&Path::new(&file).parent().unwrap().join(target));
            if !outside && !tree::root().join(&place).exists() {
                faults.push(format!("{file}:{line}: {link} (looked for {})", place.display()));
            }
        }
    }
    tree::no_faults("links to files that are not there", faults);
}

#[test]
fn the_documents_of_a_good_project_are_there() {
    let expected = [
        "README.md",
        "LICENSE",
        "CONTRIBUTING.md",
        "CHANGELOG.md",
        "docs/architecture.md",
        "docs/format.md",
        "docs/operating.md",
        "docs/decisions.md",
    ];
    let missing = expected.iter().filter(|file| !tree::root().join(file).is_file()).map(|file| (*file).to_owned());
    tree::no_faults("documents that are missing", missing.collect());
}

#[test]
fn the_readme_is_two_screens() {
    let lines = tree::read("README.md").lines().count();
    assert!(lines <= 90, "README.md has {lines} lines, two screens are 90: move the rest to docs/");
}

#[test]
fn every_configuration_key_is_explained() {
    let operating = tree::read(OPERATING);
    let keys = keys(&tree::read(PIPELINE));
    assert!(!keys.is_empty(), "{PIPELINE} has no keys");
    let missing = keys
        .iter()
        .filter(|(section, key)| !explained(&operating, section, key))
        .map(|(section, key)| format!("[{section}] {key}"));
    tree::no_faults(
        &format!(
            "keys of {PIPELINE} that {OPERATING} does not explain, as `[section] key` anywhere or as `key` below a heading with `[section]`"
        ),
        missing.collect(),
    );
}

/// Targets of the links of a Markdown text with their lines; code blocks are left out.
fn links(text: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let mut in_code = false;
    for (number, line) in text.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            in_code = !in_code;
        }
        if !in_code {
            let targets = line.match_indices("](").filter_map(|(at, _)| line[at + 2..].split([')', ' ']).next());
            found.extend(targets.map(|target| (number + 1, target.to_owned())));
        }
    }
    found
}

/// The path without `.` and `..`.
fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                plain.pop();
            }
            part => plain.push(part),
        }
    }
    plain
}

/// Section and key of each setting, those that are commented out (`# key = value`, a default shown) among them.
fn keys(toml: &str) -> Vec<(String, String)> {
    let mut section = String::new();
    let mut keys = Vec::new();
    for line in toml.lines() {
        let line = line.trim_start_matches(['#', ' ']);
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.split(']').next()) {
            section = name.trim_matches('[').to_owned();
        } else if let Some((key, _)) = line.split_once('=') {
            let key = key.trim();
            if !key.is_empty() && key.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_') {
                keys.push((section.clone(), key.to_owned()));
            }
        }
    }
    keys
}

fn explained(text: &str, section: &str, key: &str) -> bool {
    let (heading, quoted) = (format!("[{section}]"), format!("`{key}`"));
    let mut here = section.is_empty();
    let below_its_heading = text.lines().any(|line| {
        if line.starts_with('#') {
            here = line.contains(&heading);
        }
        here && line.contains(&quoted)
    });
    below_its_heading || text.contains(&format!("`[{section}] {key}`"))
}

#[test]
fn keys_are_found_and_sought_by_section() {
    let toml = "[decode]\npage_seconds = 60 # limit\n# dpi = 300\n# a sentence, with x = y in it\n[a.b]\nk=1\n";
    let found = keys(toml);
    let expected = [("decode", "page_seconds"), ("decode", "dpi"), ("a.b", "k")];
    assert_eq!(found.iter().map(|(s, k)| (s.as_str(), k.as_str())).collect::<Vec<_>>(), expected);
    let text = "## `[decode]`\n| `page_seconds` | … |\n## other\n`dpi` `[a.b] k`";
    assert!(explained(text, "decode", "page_seconds") && explained(text, "a.b", "k"));
    assert!(!explained(text, "decode", "dpi"));
}
