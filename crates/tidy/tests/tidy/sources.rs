//! How sources look, and what they may hold.

use sohoa_tidy::{code, packages, tree};

const MOST_LINES: usize = 600;

/// The C border of OCR, the system calls that lock the page child in, and what the C library is told about its heap.
fn may_be_unsafe(file: &str) -> bool {
    let c_border = file.starts_with("crates/digitize/src/capi") || file.starts_with("crates/service/src/sandbox");
    c_border || file == "crates/service/src/heap.rs"
}

/// The packages that the product is built on by its owner's choice, and how code names them.
const CARD: [(&str, &str); 9] = [
    ("tokio", "tokio"),
    ("image", "image"),
    ("leptess", "leptess"),
    ("pdf-extract", "pdf_extract"),
    ("lopdf", "lopdf"),
    ("sha2", "sha2"),
    ("ed25519-dalek", "ed25519_dalek"),
    ("object_store", "object_store"),
    ("serde_json", "serde_json"),
];

#[test]
fn every_file_says_what_it_is() {
    let silent =
        tree::files_ending("rs").into_iter().filter(|file| !tree::read(file).trim_start_matches('\u{feff}').starts_with("//!"));
    tree::no_faults("every source opens with a `//!` line: one sentence on what the file is", silent.collect());
}

#[test]
fn files_are_short_enough_to_read() {
    let lengths = tree::files_ending("rs").into_iter().map(|file| (tree::read(&file).lines().count(), file));
    let long = lengths.filter(|(lines, _)| *lines > MOST_LINES).map(|(lines, file)| format!("{file}: {lines} lines"));
    tree::no_faults(&format!("a file has one subject and at most {MOST_LINES} lines: split it by subject"), long.collect());
}

#[test]
fn unsafe_code_is_at_the_c_border_only() {
    let mut faults = Vec::new();
    for file in tree::files_ending("rs") {
        let lines = code::lines_with_word(&code::without_words(&tree::read(&file)), "unsafe");
        if !may_be_unsafe(&file) {
            faults.extend(lines.iter().map(|line| format!("{file}:{line}")));
        }
    }
    tree::no_faults("`unsafe` outside the files named in may_be_unsafe()", faults);
}

#[test]
fn unsafe_blocks_give_their_reason() {
    let mut faults = Vec::new();
    for file in tree::files_ending("rs").into_iter().filter(|file| may_be_unsafe(file)) {
        let source = tree::read(&file);
        let lines: Vec<_> = source.lines().collect();
        for line in code::lines_with_word(&code::without_words(&source), "unsafe") {
            let above = &lines[line.saturating_sub(6)..line];
            if !above.iter().any(|text| text.contains("SAFETY:") || text.contains("# Safety")) {
                faults.push(format!("{file}:{line}"));
            }
        }
    }
    tree::no_faults("every use of `unsafe` has a `// SAFETY:` comment in the five lines above it", faults);
}

#[test]
fn nothing_is_left_for_later() {
    let unfinished = ["todo!(", "unimplemented!(", "dbg!(", "#[ignore"];
    let mut faults = Vec::new();
    for file in tree::files_ending("rs") {
        let code = code::without_words(&tree::read(&file));
        for (number, line) in code.lines().enumerate() {
            faults.extend(
                unfinished.iter().filter(|word| line.contains(**word)).map(|word| format!("{file}:{}: {word}", number + 1)),
            );
        }
    }
    tree::no_faults("finish it, or take it out; a test that is not run is no test", faults);
}

#[test]
fn the_nine_packages_do_real_work() {
    let members = packages::members();
    let sources = tree::files_ending("rs");
    let mut faults = Vec::new();
    for (package, name) in CARD {
        let used = members
            .values()
            .filter(|member| member.folder.starts_with("crates/") && member.dependencies.contains(package))
            .any(|member| {
                let folder = format!("{}/src/", member.folder);
                sources.iter().filter(|file| file.starts_with(&folder)).any(|file| {
                    let code = code::without_tests(&code::without_words(&tree::read(file)));
                    !code::paths(&code, name).is_empty()
                })
            });
        if !used {
            faults.push(format!("{package}: no crate of the product that depends on it names `{name}::` outside tests"));
        }
    }
    tree::no_faults("packages that the product is meant to be built on, and is not", faults);
}

#[test]
fn git_holds_no_heavy_file() {
    let sizes =
        tree::files().into_iter().map(|file| (tree::root().join(&file).metadata().unwrap().len(), file)).collect::<Vec<_>>();
    let heavy = sizes.iter().filter(|(bytes, _)| *bytes > 3_000_000).map(|(bytes, file)| format!("{file}: {bytes} bytes"));
    tree::no_faults("a file in git has at most 3 MB", heavy.collect());
    let fixtures: u64 = sizes.iter().filter(|(_, file)| file.starts_with("fixtures/")).map(|(bytes, _)| bytes).sum();
    assert!(fixtures <= 15_000_000, "fixtures/ has {fixtures} bytes, at most 15 MB are meant: fewer pages, or lower resolution");
}
