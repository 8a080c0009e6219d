//! The Containerfile, which no test builds: what it names is held against what the other recipes name, so that it does not grow old unnoticed.

use sohoa_tidy::tree;
use std::collections::BTreeSet;

const CONTAINERFILE: &str = "docs/deploy/Containerfile";
/// Of `to_build`, what a build in a container has no use for: the model and the font are for the program, just is not run, and the image with
/// Rust checks its downloads.
const NOT_TO_BUILD: [&str; 5] =
    ["tesseract-ocr-vie", "tesseract-ocr-osd", "fonts-liberation2", "python3-venv", "ca-certificates"];
/// Of `to_build`, what the program opens when it runs.
const TO_RUN: [&str; 3] = ["tesseract-ocr-vie", "tesseract-ocr-osd", "fonts-liberation2"];

#[test]
fn the_container_is_made_of_what_bootstrap_installs() {
    let stages = stages(&tree::read(CONTAINERFILE));
    let [build, run] = stages.as_slice() else { panic!("{CONTAINERFILE} has {} stages, not two", stages.len()) };

    // The Debian that bootstrap is for, by its number and by its name.
    let release = "bookworm";
    assert!(
        tree::read("bootstrap").contains("on Debian 12,"),
        "{release} is Debian 12: change it here and in {CONTAINERFILE} too"
    );
    let rust = quoted_after(&tree::read("Cargo.toml"), "rust-version = ");
    assert_eq!(build.image, format!("docker.io/library/rust:{rust}-{release}"), "rust-version in Cargo.toml");
    assert_eq!(run.image, format!("docker.io/library/debian:{release}-slim"));

    let table = table(&tree::read("bootstrap"), "to_build");
    let known = |names: &[&str]| names.iter().all(|name| table.contains(*name));
    assert!(known(&NOT_TO_BUILD) && known(&TO_RUN), "to_build of bootstrap has changed: {table:?}");
    let to_build: BTreeSet<String> = table.iter().filter(|name| !NOT_TO_BUILD.contains(&name.as_str())).cloned().collect();
    assert_eq!(build.packages, to_build, "what the first stage installs, and to_build of bootstrap");

    // Debian itself says which library a development package is for.
    let libraries = ["libtesseract-dev", "libleptonica-dev"].map(library_of);
    let to_run: BTreeSet<String> = libraries.into_iter().chain(TO_RUN.map(String::from)).collect();
    assert_eq!(run.packages, to_run, "what the second stage installs");
}

/// One `FROM` with what is installed in it.
struct Stage {
    image: String,
    packages: BTreeSet<String>,
}

fn stages(text: &str) -> Vec<Stage> {
    let mut stages: Vec<Stage> = Vec::new();
    for line in text.replace("\\\n", " ").lines() {
        if let Some(from) = line.strip_prefix("FROM ") {
            let image = from.split(' ').next().unwrap().to_owned();
            stages.push(Stage { image, packages: BTreeSet::new() });
        }
        let installs = line.split("&&").filter_map(|command| command.split_once("apt-get install "));
        for (_, names) in installs {
            let names = names.split_whitespace().filter(|word| !word.starts_with('-')).map(String::from);
            stages.last_mut().expect("FROM comes first").packages.extend(names);
        }
    }
    stages
}

/// The first words of the lines of one of bootstrap's tables.
fn table(bootstrap: &str, name: &str) -> BTreeSet<String> {
    let start = format!("\n{name}='\n");
    let table = bootstrap.split_once(&start).and_then(|(_, rest)| rest.split_once("\n'")).expect("bootstrap has the table").0;
    table.lines().filter_map(|line| line.split_whitespace().next()).map(String::from).collect()
}

fn quoted_after(text: &str, before: &str) -> String {
    text.split_once(before).and_then(|(_, rest)| rest.split('"').nth(1)).expect(before).to_owned()
}

/// The package with the library itself, which its development package wants in the same version.
fn library_of(development: &str) -> String {
    let wanted = tree::run("dpkg-query", &["-W", "-f", "${Depends}", development]);
    let exact = wanted.split(", ").find(|one| one.contains("(= "));
    exact.and_then(|one| one.split(' ').next()).unwrap_or_else(|| panic!("{development} wants {wanted}")).to_owned()
}

#[test]
fn a_container_is_told_apart_into_its_stages() {
    let text = "FROM a:1 AS x\nRUN apt-get update && apt-get install -y --no-install-recommends \\\n    one two && rm x\nFROM b\nRUN true\n";
    let stages = stages(text);
    assert_eq!(stages.iter().map(|stage| stage.image.as_str()).collect::<Vec<_>>(), ["a:1", "b"]);
    assert_eq!(stages[0].packages, BTreeSet::from(["one".to_owned(), "two".to_owned()]));
    assert!(stages[1].packages.is_empty());
}
