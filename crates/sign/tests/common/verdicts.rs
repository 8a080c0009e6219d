//! pyHanko's verdict on each signature of a file, with nobody trusted and nothing fetched: what the bytes say.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// File, field and verdict; of a file without signatures, or that cannot be read, one with no field.
pub fn verdicts_of(files: &[PathBuf]) -> Vec<(PathBuf, String, String)> {
    let found = Command::new("sh").args(["-c", "readlink -f \"$(command -v pyhanko)\""]).output().unwrap();
    let program = PathBuf::from(String::from_utf8(found.stdout).unwrap().trim());
    let python = program.parent().expect("pyhanko is not on the PATH; ./bootstrap test installs it").join("python");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/judge/pyhanko_verdicts.py");
    let mut judge = Command::new(python).arg(script).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let names: String = files.iter().map(|path| format!("{}\n", path.display())).collect();
    judge.stdin.take().unwrap().write_all(names.as_bytes()).unwrap();
    let output = judge.wait_with_output().unwrap();
    assert!(output.status.success());
    let told = String::from_utf8(output.stdout).unwrap();
    let told = told.lines().map(|line| line.split('\t').map(str::to_owned).collect::<Vec<_>>().try_into().unwrap());
    told.map(|[path, field, verdict]: [String; 3]| (path.into(), field, verdict)).collect()
}

/// pyHanko's words for a signature that holds, over a whole revision, with nothing behind it that it minds.
pub fn is_good_for_pyhanko(verdict: &str) -> bool {
    let words: Vec<&str> = verdict.split(", ").collect();
    matches!(words.as_slice(), ["intact", "signed", "entire_file" | "entire_revision", level, "permitted"] if *level != "other")
}
