//! Signed, spoofed and shadowed files: each signature has the verdict of a list, beside pyHanko's, and where the two disagree the
//! list says why. No byte of a file is changed, and no damage to one makes a crash or a better verdict.
#![allow(clippy::unwrap_used)]

#[path = "common/verdicts.rs"]
mod verdicts;

use sohoa_record::Sha256Hex;
use sohoa_record::signature::Verdict;
use sohoa_sign::validate::{Trust, validate};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use verdicts::{is_good_for_pyhanko, verdicts_of};

/// File, field, our verdict, our findings, pyHanko's verdict, why they disagree; a signature a line. `SOHOA_REWRITE=1` writes it anew
/// and keeps the last column: read the difference as code.
const EXPECTED: &str = "tests/incoming.expected.tsv";
const HEADING: &str = "file\tfield\tverdict\tfindings\tpyhanko\twhy they disagree";
/// 2026-01-01, for signatures that do not say when they were made.
const NOW: i64 = 1_767_225_600;

/// Attacks, forgeries and later changes, by what the corpus says of them: no signature in them may be called good …
const ATTACKS: [&str; 21] = [
    "dss/annotation-and-visible-change.pdf",
    "dss/hello_signed_INCSAVE_signed_EDITED.pdf",
    "dss/hide.pdf",
    "dss/malformed-pades.pdf",
    "dss/modified_after_signature.pdf",
    "dss/pades-signed-annot-added.pdf",
    "dss/pades-spoofing-replaced-reason.pdf",
    "dss/pdf-byterange-overlap.pdf",
    "dss/pdf-removed-pages.pdf",
    "dss/pdf-signed-added-page.pdf",
    "dss/pdf-signed-corrupted.pdf",
    "dss/pdf-signed-out-of-byteRange.pdf",
    "dss/pdf-spoofing-attack.pdf",
    "dss/replace.pdf",
    "pyhanko/coverage-anomalies__base.pdf",
    "pyhanko/coverage-anomalies__one-byterange.pdf",
    "pyhanko/coverage-anomalies__signature-gap-too-big.pdf",
    "pyhanko/coverage-anomalies__tail-uncovered.pdf",
    "pyhanko/coverage-anomalies__weird-byterange.pdf",
    "pyhanko/form-update-override-appearance-stream-ap-indirect-sneaky.pdf",
    "pyhanko/form-update-override-appearance-stream-sneaky.pdf",
];

/// … but these, which were made after the change, over the whole file with the change in it.
const AFTER_THE_CHANGE: [(&str, &str); 3] = [
    ("dss/annotation-and-visible-change.pdf", "ES_LOCKING_SIGNATURE"),
    ("pyhanko/form-update-override-appearance-stream-ap-indirect-sneaky.pdf", "Sig2"),
    ("pyhanko/form-update-override-appearance-stream-sneaky.pdf", "Sig2"),
];

fn corpus() -> PathBuf {
    let path = std::env::var_os("SOHOA_CORPUS").expect(
        "SOHOA_CORPUS is not set; set it to the corpus folder, or leave this test out with: cargo nextest run -E 'not binary(incoming_corpus)'",
    );
    PathBuf::from(path).join("signed")
}

/// Every PDF, by its path in the corpus.
fn files() -> BTreeMap<String, PathBuf> {
    let mut files = BTreeMap::new();
    for folder in ["dss", "pyhanko"] {
        for entry in std::fs::read_dir(corpus().join(folder)).unwrap() {
            let path = entry.unwrap().path();
            files.insert(format!("{folder}/{}", path.file_name().unwrap().to_str().unwrap()), path);
        }
    }
    files
}

/// Field, verdict and findings of each signature of a file.
fn ours(data: &[u8]) -> Vec<(String, Verdict, String)> {
    match validate(data, &Trust::default(), NOW) {
        Ok(checked) => checked
            .iter()
            .map(|one| {
                let findings: Vec<&str> = one.check.findings.iter().map(|finding| finding.code()).collect();
                (one.check.field.clone(), one.check.verdict, findings.join(" "))
            })
            .collect(),
        Err(check) => {
            vec![("(the file)".into(), check.verdict, check.findings.iter().map(|f| f.code()).collect::<Vec<_>>().join(" "))]
        }
    }
}

/// pyHanko's verdicts, by file and field. It is the judge: without it nothing is proven.
fn pyhankos(files: &BTreeMap<String, PathBuf>) -> BTreeMap<String, BTreeMap<String, String>> {
    let paths: Vec<PathBuf> = files.values().cloned().collect();
    let mut verdicts: BTreeMap<String, BTreeMap<String, String>> = BTreeMap::new();
    for (path, field, verdict) in verdicts_of(&paths) {
        let name = files.iter().find(|(_, known)| **known == path).unwrap().0;
        verdicts.entry(name.clone()).or_default().insert(field, verdict);
    }
    assert_eq!(verdicts.len(), files.len(), "pyHanko says something of every file");
    verdicts
}

#[test]
fn every_signature_has_the_verdict_of_the_list_and_no_attack_is_accepted() {
    let files = files();
    assert_eq!(files.len(), 165);
    let pyhanko = pyhankos(&files);
    let list = Path::new(env!("CARGO_MANIFEST_DIR")).join(EXPECTED);
    let text = std::fs::read_to_string(&list).unwrap_or_default();
    let why: BTreeMap<String, &str> = text
        .lines()
        .skip(1)
        .filter_map(|line| line.rsplit_once('\t'))
        .map(|(rest, why)| (rest.split('\t').take(2).collect::<Vec<_>>().join("\t"), why))
        .collect();
    let mut lines = vec![HEADING.to_owned()];
    let mut faults = Vec::new();
    for (name, path) in &files {
        let data = std::fs::read(path).unwrap();
        let before = Sha256Hex::of(&data);
        let mut theirs = pyhanko[name].clone();
        let mut rows = Vec::new();
        for (field, verdict, findings) in ours(&data) {
            let said = theirs.remove(&field).or_else(|| theirs.get("").cloned()).unwrap_or_else(|| "not found".into());
            rows.push((field, Some(verdict), findings, said));
        }
        theirs.retain(|field, said| !field.is_empty() || said != "no signature");
        if rows.is_empty() || theirs.keys().any(|field| !field.is_empty()) {
            rows.extend(theirs.into_iter().map(|(field, said)| (field, None, String::new(), said)));
        }
        assert_eq!(Sha256Hex::of(&std::fs::read(path).unwrap()), before);
        for (field, verdict, findings, said) in rows {
            let is_good = verdict.is_some_and(Verdict::is_intact);
            let told = verdict.map_or("no signature", Verdict::code);
            let why = why.get(&format!("{name}\t{field}")).copied().unwrap_or_default();
            if is_good && ATTACKS.contains(&name.as_str()) && !AFTER_THE_CHANGE.contains(&(name.as_str(), field.as_str())) {
                faults.push(format!("{name} '{field}': an attack is called {told}"));
            }
            if is_good != is_good_for_pyhanko(&said) && why.is_empty() {
                faults.push(format!("{name} '{field}': {told} ({findings}), pyHanko says {said}: the list does not say why"));
            }
            if is_good == is_good_for_pyhanko(&said) && !why.is_empty() {
                faults.push(format!("{name} '{field}': the two agree, and the list says why they do not"));
            }
            lines.push(format!("{name}\t{field}\t{told}\t{findings}\t{said}\t{why}"));
        }
    }
    let missing = ATTACKS.iter().filter(|attack| !files.contains_key(**attack));
    faults.extend(missing.map(|attack| format!("{attack} is not in the corpus")));
    let found = lines.join("\n") + "\n";
    if std::env::var_os("SOHOA_REWRITE").is_some() {
        std::fs::write(&list, &found).unwrap();
    }
    let expected = std::fs::read_to_string(&list).unwrap_or_default();
    for line in found.lines().filter(|line| !expected.lines().any(|known| known == *line)) {
        faults.push(format!("found, and not in the list: {line}"));
    }
    for line in expected.lines().filter(|line| !found.lines().any(|known| known == *line)) {
        faults.push(format!("in the list, and not found: {line}"));
    }
    assert!(faults.is_empty(), "{} faults (SOHOA_REWRITE=1 writes the list anew):\n{}", faults.len(), faults.join("\n"));
}

/// Bytes of every signed file are damaged one by one, in places drawn from their number: nothing panics, and a signature that covers
/// the place is no longer called good.
#[test]
fn damage_is_never_called_good_and_never_a_crash() {
    let mut seed = 0x9e37_79b9_7f4a_7c15u64;
    let mut draw = |below: usize| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        (seed % below as u64) as usize
    };
    let mut tried = 0;
    for (name, path) in files() {
        let data = std::fs::read(&path).unwrap();
        let was_good = ours(&data).iter().any(|(_, verdict, _)| verdict.is_intact());
        if data.len() > 300_000 || (!was_good && data.len() > 60_000) {
            continue;
        }
        for _ in 0..6 {
            let mut damaged = data.clone();
            match draw(3) {
                0 => {
                    let at = draw(damaged.len());
                    damaged[at] ^= 1 << draw(8);
                }
                1 => damaged.truncate(draw(data.len())),
                _ => {
                    let (from, to) = (draw(data.len()), draw(data.len()));
                    let piece: Vec<u8> = data[from..data.len().min(from + 40)].to_vec();
                    damaged.splice(to..to, piece);
                }
            }
            let checked = validate(&damaged, &Trust::default(), NOW).unwrap_or_default();
            for one in checked.iter().filter(|one| one.check.verdict.is_intact()) {
                // the same damage outside of what an earlier signature covers is a change after it
                assert!(!one.signature.covers_whole_file || damaged == data || is_uncovered(&damaged, &data), "{name}: {one:?}");
            }
            tried += 1;
        }
    }
    assert!(tried > 300, "{tried}");
}

/// True when the two differ only in what no signature covers: white space at the end, and the digits of the signature itself, of which
/// those behind its container are filling.
fn is_uncovered(damaged: &[u8], data: &[u8]) -> bool {
    if damaged.trim_ascii_end() == data.trim_ascii_end() {
        return true;
    }
    let within_digits = |at: usize| {
        let around = &data[at.saturating_sub(64)..data.len().min(at + 64)];
        around.iter().filter(|byte| byte.is_ascii_hexdigit()).count() >= 64
    };
    damaged.len() == data.len() && (0..data.len()).filter(|at| damaged[*at] != data[*at]).all(within_digits)
}
