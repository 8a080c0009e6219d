//! The files of the source tree.

use std::path::{Path, PathBuf};
use std::process::Command;

/// The root of the workspace.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap().to_path_buf()
}

/// Paths, relative to the root, of all files that are in git or would be added to it (not the ignored ones), in order.
pub fn files() -> Vec<String> {
    let listed = run("git", &["ls-files", "-z", "--cached", "--others", "--exclude-standard"]);
    let mut files: Vec<_> =
        listed.split('\0').filter(|file| !file.is_empty() && root().join(file).is_file()).map(String::from).collect();
    files.sort();
    files.dedup();
    assert!(
        files.iter().any(|file| file == "Cargo.toml"),
        "git lists no files in {}: run the tests in a clone",
        root().display()
    );
    files
}

/// The files whose name ends with `.ending`.
pub fn files_ending(ending: &str) -> Vec<String> {
    let dotted = format!(".{ending}");
    files().into_iter().filter(|file| file.ends_with(&dotted)).collect()
}

/// The text of one file, named relative to the root.
pub fn read(file: &str) -> String {
    std::fs::read_to_string(root().join(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
}

/// What a command prints, run at the root; it must succeed.
pub fn run(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program)
        .args(arguments)
        .current_dir(root())
        .output()
        .unwrap_or_else(|error| panic!("cannot start {program}: {error}; `./bootstrap test` installs it"));
    assert!(output.status.success(), "{program} {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Fails with the list of faults, one a line, and the rule that they break; passes when there is none.
#[track_caller]
pub fn no_faults(rule: &str, faults: Vec<String>) {
    assert!(faults.is_empty(), "{rule}:\n  {}\n", faults.join("\n  "));
}
