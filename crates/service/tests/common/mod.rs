//! A data folder in a temporary place, and the `sohoa` program run on it as a user would.
#![allow(dead_code, clippy::unwrap_used)]

pub mod serving;

use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Mutex;

/// The password of every data folder's keys: like nothing that a program says by itself.
pub const KEY_PASSWORD: &str = "mật khẩu thử 7421";

/// Secrets that this test made or was given: passwords of people, one-time secrets, tokens, sessions.
static SECRETS: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

/// Remembers a secret. Short ones stand in other words by chance.
pub fn remember_secret(secret: &str) {
    if secret.trim().chars().count() >= 10 {
        SECRETS.lock().unwrap().insert(secret.to_owned());
    }
}

/// Nothing that a program says into its log, or beside its answers, is a secret or a personal number. Every data folder's logs are looked
/// through when it goes, and what every command said: so the logs of all tests are.
pub fn tells_no_secret(said: &str, by: &str) {
    assert!(!said.contains(KEY_PASSWORD), "{by} tells the password:\n{said}");
    let told = SECRETS.lock().unwrap().iter().find(|secret| said.contains(secret.as_str())).cloned();
    assert!(told.is_none(), "{by} tells the secret {told:?}:\n{said}");
    for (at, _) in said.match_indices("sohoa_") {
        let token = said[at + 6..].bytes().take_while(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(byte)).count();
        assert!(token < 32, "{by} tells a station's token:\n{said}");
    }
    let number = personal_number(said);
    assert!(number.is_none(), "{by} tells the personal number {number:?}:\n{said}");
}

/// Nine or twelve digits, in one piece or in groups of three or four as people write them, whatever stands beside them but more digits. Those
/// in a digest or a record's identifier are none.
pub fn personal_number(said: &str) -> Option<String> {
    let hex = |c: char| c.is_ascii_digit() || ('a'..='f').contains(&c);
    // Names of objects, records and runs, or the beginning of one: words of hexadecimal digits that are no number, or that end as a UUID.
    let is_hex =
        |word: &str| word.len() > 12 && word.chars().all(|c| hex(c) || c == '-') && word.contains(|c| ('a'..='f').contains(&c));
    let is_uuid = |word: &str| {
        let dashes = [8, 13, 18, 23];
        word.len() >= 36
            && word[word.len() - 36..].chars().enumerate().all(|(at, c)| if dashes.contains(&at) { c == '-' } else { hex(c) })
    };
    let is_name = |word: &str| is_hex(word) || (word.is_ascii() && is_uuid(word));
    let mut rest = String::new();
    for word in said.split_inclusive(|c: char| !c.is_ascii_alphanumeric() && c != '-') {
        let bare = word.trim_end_matches(|c: char| !c.is_ascii_alphanumeric());
        rest.push_str(if is_name(bare) { " " } else { word });
    }
    // Each run of digits, and what parts it from the one before.
    let (mut runs, mut between) = (Vec::<(String, String)>::new(), String::new());
    for c in rest.chars() {
        match runs.last_mut() {
            Some((_, run)) if c.is_ascii_digit() && between.is_empty() => run.push(c),
            _ if c.is_ascii_digit() => runs.push((std::mem::take(&mut between), c.to_string())),
            _ => between.push(c),
        }
    }
    if let Some((_, run)) = runs.iter().find(|(_, run)| [9, 12].contains(&run.len())) {
        return Some(run.clone());
    }
    let groups = runs.iter().enumerate().map(|(at, (_, first))| {
        let following = runs[at + 1..]
            .iter()
            .take_while(|(apart, run)| run.len() == first.len() && [" ", ".", "-"].contains(&apart.as_str()));
        std::iter::once(first).chain(following.map(|(_, run)| run)).cloned().collect::<Vec<_>>()
    });
    let is_number = |groups: &Vec<String>| matches!((groups[0].len(), groups.len()), (3, 3..=4) | (4, 3));
    groups.into_iter().find(is_number).map(|groups| groups.join(" "))
}

impl Drop for Home {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            let log = std::fs::read(self.path("serve.log")).unwrap_or_default();
            tells_no_secret(&String::from_utf8_lossy(&log), "sohoa serve");
        }
    }
}

/// A data folder made by `sohoa init`.
pub struct Home {
    dir: tempfile::TempDir,
}

impl Home {
    pub fn new() -> Home {
        let home = Home { dir: tempfile::tempdir().unwrap() };
        let made = Command::new(env!("CARGO_BIN_EXE_sohoa"))
            .args(["init", home.dir.path().to_str().unwrap(), "--name", "thử nghiệm"])
            .env("SOHOA_KEY_PASSWORD", KEY_PASSWORD)
            .output()
            .unwrap();
        assert!(made.status.success(), "{made:?}");
        home
    }

    /// Changes a line of pipeline.toml: `set("page_seconds = 120", "page_seconds = 5")`.
    pub fn set(&self, from: &str, to: &str) -> &Self {
        let file = self.path("pipeline.toml");
        let text = std::fs::read_to_string(&file).unwrap();
        assert!(text.contains(from), "pipeline.toml has no '{from}'");
        std::fs::write(&file, text.replace(from, to)).unwrap();
        self
    }

    pub fn path(&self, inside: &str) -> PathBuf {
        self.dir.path().join(inside)
    }

    /// A command with its configuration and password, not yet started.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sohoa"));
        command
            .arg("--config")
            .arg(self.path("pipeline.toml"))
            .args(args)
            .env("SOHOA_KEY_PASSWORD", KEY_PASSWORD)
            .env_remove("SOHOA_LOG");
        command
    }

    /// Runs a command to its end.
    pub fn sohoa(&self, args: &[&str]) -> Output {
        // A file of a password holds it in its first line.
        if let Some(at) = args.iter().position(|arg| *arg == "--password-file") {
            let file = std::fs::read_to_string(args.get(at + 1).unwrap_or(&"")).unwrap_or_default();
            file.lines().next().into_iter().for_each(remember_secret);
        }
        let output = self.command(args).output().unwrap();
        // So are those shown that a command makes.
        for line in String::from_utf8_lossy(&output.stdout).lines() {
            let shown = line.split_once(' ').filter(|(name, _)| ["password", "token", "secret"].contains(name));
            shown.into_iter().for_each(|(_, secret)| remember_secret(secret.trim()));
        }
        tells_no_secret(&String::from_utf8_lossy(&output.stderr), &format!("sohoa {args:?}"));
        output
    }

    /// Runs a command that must exit with `code`; gives its standard output.
    pub fn expect(&self, code: i32, args: &[&str]) -> String {
        let output = self.sohoa(args);
        assert_eq!(output.status.code(), Some(code), "sohoa {args:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// Runs a command with --json that must exit with one of `codes`; gives its lines.
    pub fn lines(&self, codes: &[i32], args: &[&str]) -> Vec<Value> {
        let output = self.sohoa(args);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(codes.contains(&output.status.code().unwrap_or(-1)), "sohoa {args:?}: {:?} {errors}", output.status);
        String::from_utf8(output.stdout).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// What the auditors' program says of the archive: (verdict, JSON line) of each line.
    pub fn verify(&self) -> Vec<(String, Value)> {
        verify(&self.path("archive"), &self.path("trust"))
    }
}

/// Writes a file of secrets as only its owner may read it; others are refused.
pub fn write_private(path: &Path, text: &str) {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::write(path, text).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
}

/// What may be said of an archive whose run was killed: whole receipts, and leaves that the next run appends.
pub fn is_half_done(verdict: &str) -> bool {
    ["ok", "unsealed", "unreferenced", "unlogged"].contains(&verdict)
}

/// What the auditors' program says of a folder.
pub fn verify(folder: &Path, trust: &Path) -> Vec<(String, Value)> {
    let policy = sohoa_record::TrustPolicy::parse(&std::fs::read_to_string(trust).unwrap()).unwrap();
    let mut lines = Vec::new();
    sohoa_verify::audit(folder, "", &policy, &mut |line| {
        let value = serde_json::to_value(&line).unwrap();
        lines.push((value["verdict"].as_str().unwrap().to_owned(), value));
        Ok(())
    })
    .unwrap();
    lines
}

/// The corpus of real and hostile files. It is not part of the project; CI requires it.
pub fn corpus() -> PathBuf {
    let path = std::env::var_os("SOHOA_CORPUS")
        .expect("SOHOA_CORPUS is not set; set it to the corpus folder, or leave this test out with: cargo nextest run -E 'not binary(corpus) and not binary(hostile) and not binary(separators)'");
    PathBuf::from(path)
}

/// Every file below a folder, sorted.
pub fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { folders.push(path) } else { files.push(path) }
        }
    }
    files.sort();
    files
}

/// True while the process does something; what nobody has fetched yet is dead.
pub fn lives(pid: i32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(')').is_some_and(|(_, rest)| !matches!(rest.trim_start().chars().next(), Some('Z' | 'X')))
}

/// Every process with its folder in /proc.
pub fn processes() -> Vec<(i32, PathBuf)> {
    let entries = std::fs::read_dir("/proc").unwrap().filter_map(Result::ok);
    entries.filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path()))).collect()
}

/// The processes that a process has started.
pub fn children_of(parent: u32) -> Vec<i32> {
    let is_child = |path: &Path| {
        let stat = std::fs::read_to_string(path.join("stat")).unwrap_or_default();
        stat.rsplit_once(')').is_some_and(|(_, rest)| rest.split_whitespace().nth(1) == Some(&parent.to_string()))
    };
    processes().into_iter().filter(|(_, path)| is_child(path)).map(|(pid, _)| pid).collect()
}

/// Numbers that look random and are the same each time (SplitMix64).
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }
}

/// Writes a small PNG that no other number has: strokes on paper, quickly read.
pub fn small_scan(path: &Path, number: u64) {
    let mut random = Random(number);
    let mut picture = image::GrayImage::from_pixel(420, 300, image::Luma([245]));
    for _ in 0..12 {
        let (x, y) = (random.below(360) as u32 + 20, random.below(250) as u32 + 20);
        for dx in 0..random.below(30) as u32 + 4 {
            for dy in 0..3 {
                picture.put_pixel((x + dx).min(419), y + dy, image::Luma([30]));
            }
        }
    }
    picture.save(path).unwrap();
}

/// The words of a text without punctuation around them, NFC.
pub fn words(text: &str) -> Vec<String> {
    sohoa_record::text::nfc(text)
        .split_whitespace()
        .map(|word| word.trim_matches(|c: char| !c.is_alphanumeric()).to_owned())
        .filter(|word| !word.is_empty())
        .collect()
}

/// How many words of `wanted` are among `found`, each as often as it stands there.
pub fn common_words(wanted: &[String], found: &[String]) -> usize {
    let mut left: BTreeMap<&str, usize> = BTreeMap::new();
    found.iter().for_each(|word| *left.entry(word).or_default() += 1);
    let mut common = 0;
    for word in wanted {
        if let Some(n) = left.get_mut(word.as_str()).filter(|n| **n > 0) {
            *n -= 1;
            common += 1;
        }
    }
    common
}
