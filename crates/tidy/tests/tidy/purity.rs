//! Invariant 1: `record`, `digitize` and `coverage` open no file or socket, read no clock, draw no random number.
//!
//! The second net is the `clippy.toml` of each of these crates, which sees through names; this one sees what is not even compiled.

use sohoa_tidy::{code, packages, tree};

const PURE: [&str; 4] = ["record", "digitize", "coverage", "console"];

/// What would give a pure crate a way out, however deep it hides.
const NOT_IN_TREE: [&str; 8] = ["tokio", "sqlx", "object_store", "reqwest", "hyper", "ureq", "mio", "async-std"];

/// What a pure crate must not ask for by itself. (A library below may have a use that is not reached: `ed25519-dalek` can make keys.)
const NOT_DIRECTLY: [&str; 8] = ["getrandom", "rand", "rand_core", "uuid", "chrono", "tempfile", "rustix", "libc"];

const NOT_IN_SOURCES: [&str; 11] = [
    "std::fs",
    "std::net",
    "std::env",
    "std::process",
    "std::time::SystemTime",
    "std::time::Instant",
    "std::time::UNIX_EPOCH",
    "std::hash::RandomState",
    "std::io::stdin",
    "std::io::stdout",
    "std::os::unix::net",
];

#[test]
fn pure_crates_have_no_runtime_store_or_network_below_them() {
    let mut faults = Vec::new();
    for name in PURE {
        let package = format!("sohoa-{name}");
        let tree = packages::tree(&package);
        faults.extend(NOT_IN_TREE.iter().filter(|banned| tree.contains(**banned)).map(|banned| {
            format!("{package} has {banned} below it (`cargo tree -p {package} -e normal -i {banned}` shows the way)")
        }));
    }
    tree::no_faults("pure crates take bytes as arguments and give bytes back", faults);
}

#[test]
fn pure_crates_ask_for_no_randomness_or_clock() {
    let members = packages::members();
    let mut faults = Vec::new();
    for name in PURE {
        let member = &members[&format!("sohoa-{name}")];
        faults.extend(
            NOT_DIRECTLY
                .iter()
                .filter(|banned| member.dependencies.contains(**banned))
                .map(|banned| format!("{}/Cargo.toml: {banned}; let `service` pass the value in", member.folder)),
        );
    }
    tree::no_faults("pure crates get salts, times and files from their caller", faults);
}

#[test]
fn pure_sources_name_no_file_socket_or_clock() {
    let mut faults = Vec::new();
    let sources = tree::files_ending("rs");
    for name in PURE {
        let folder = format!("crates/{name}/src/");
        let mine: Vec<_> = sources.iter().filter(|file| file.starts_with(&folder) && !file.ends_with("/tests.rs")).collect();
        assert!(!mine.is_empty(), "{folder} has no sources");
        for file in mine {
            let code = code::without_tests(&code::without_words(&tree::read(file)));
            for (line, path) in code::paths(&code, "std") {
                let banned = NOT_IN_SOURCES
                    .iter()
                    .any(|banned| path.strip_prefix(banned).is_some_and(|rest| rest.is_empty() || rest.starts_with("::")));
                if banned || path == "std::*" || path == "std::time::*" {
                    faults.push(format!("{file}:{line}: {path}"));
                }
            }
        }
    }
    tree::no_faults("pure crates get files, times and settings from their caller (tests may use what they like)", faults);
}
