//! Who may depend on whom. Nothing points upward; `digitize`, `coverage`, `sign`, `archive` and `console` do not know each other.

use sohoa_tidy::{packages, tree};

/// Each crate of the product and what of the product it may use. Tests of a crate may use more, as long as cargo allows it.
const ARROWS: [(&str, &[&str]); 8] = [
    ("sohoa-record", &[]),
    ("sohoa-digitize", &["sohoa-record"]),
    ("sohoa-coverage", &["sohoa-record"]),
    ("sohoa-sign", &["sohoa-record"]),
    ("sohoa-archive", &["sohoa-record"]),
    ("sohoa-console", &["sohoa-record"]),
    ("sohoa-verify", &["sohoa-record", "sohoa-sign"]),
    (
        "sohoa-service",
        &["sohoa-record", "sohoa-digitize", "sohoa-coverage", "sohoa-sign", "sohoa-archive", "sohoa-console", "sohoa-verify"],
    ),
];

/// Workshop tools: they may use anything, and nothing of the product uses them.
const TOOLS: [&str; 3] = ["sohoa-tidy", "sohoa-fixtures", "sohoa-benches"];

/// What an auditor's program must not carry: an engine, a database, a runtime, a network.
const NOT_IN_VERIFY: [&str; 10] = [
    "leptess",
    "tesseract-sys",
    "leptonica-sys",
    "sqlx",
    "libsqlite3-sys",
    "tokio",
    "object_store",
    "reqwest",
    "hyper",
    "pdf-extract",
];

#[test]
fn arrows_between_crates_are_those_of_the_plan() {
    let mut faults = Vec::new();
    for (name, member) in packages::members() {
        if TOOLS.contains(&name.as_str()) {
            continue;
        }
        let Some((_, allowed)) = ARROWS.iter().find(|(of, _)| *of == name) else {
            faults.push(format!("{name} is new: name it in {} and draw it in docs/architecture.md", file!()));
            continue;
        };
        let wrong = member
            .dependencies
            .iter()
            .filter(|dependency| dependency.starts_with("sohoa-") && !allowed.contains(&dependency.as_str()));
        faults.extend(wrong.map(|dependency| format!("{}/Cargo.toml: {name} → {dependency}", member.folder)));
    }
    tree::no_faults("only these arrows are in the plan (docs/architecture.md)", faults);
}

#[test]
fn every_crate_of_the_plan_exists() {
    let members = packages::members();
    let missing = ARROWS.iter().filter(|(name, _)| !members.contains_key(*name)).map(|(name, _)| (*name).to_owned()).collect();
    tree::no_faults("crates of the plan that are not in the workspace", missing);
}

#[test]
fn the_auditors_program_stays_small() {
    let tree_of_verify = packages::tree("sohoa-verify");
    let carried = NOT_IN_VERIFY.iter().filter(|banned| tree_of_verify.contains(**banned));
    tree::no_faults("sohoa-verify carries what an auditor would have to trust", carried.map(|name| (*name).to_owned()).collect());
    // Auditors read this tree. Raise the number only with a look at what came in: `cargo tree -p sohoa-verify -e normal`.
    let count = tree_of_verify.len();
    assert!(count <= 130, "sohoa-verify is made of {count} packages, at most 130 are meant");
    // What judges signatures on PDFs may be left out.
    let count = packages::smallest_tree("sohoa-verify").len();
    assert!(count <= 60, "without default features sohoa-verify is made of {count} packages, at most 60 are meant");
}

#[test]
fn versions_of_dependencies_are_declared_once() {
    let mut faults = Vec::new();
    for member in packages::members().values() {
        let file = format!("{}/Cargo.toml", member.folder);
        let text = tree::read(&file);
        if !text.contains("[lints]\nworkspace = true") {
            faults.push(format!("{file}: say `[lints]` `workspace = true`"));
        }
        let mut in_dependencies = false;
        for (number, line) in text.lines().enumerate() {
            if line.starts_with('[') {
                in_dependencies = line.contains("dependencies");
            } else if in_dependencies && line.contains('=') && !line.starts_with('#') && !line.contains("workspace = true") {
                faults.push(format!("{file}:{}: {line}", number + 1));
            }
        }
    }
    tree::no_faults(
        "versions, and the reason for each dependency, stand in the root Cargo.toml; crates say `workspace = true`",
        faults,
    );
}
