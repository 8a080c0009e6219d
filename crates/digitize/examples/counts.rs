//! Makes `crates/digitize/src/correct/counts.bin` anew from two lists of counts (`just counts`): syllables (`syllable TAB count`)
//! and pairs (`first SPACE second TAB count`), lower case, `<s>` for the start of a phrase.
// A program of the developers: the rules of the library beside it are not its own.
#![allow(clippy::disallowed_methods)]

use sohoa_digitize::correct::counts::encode;
use std::process::ExitCode;

const ABOUT: &str = "\
Counts of Vietnamese syllables and pairs of them, three and more, in some 480 legal texts (as collected in
github phanbasongtoan112-art/vbpl-layout-detection, MIT, commit dcebf5df) and the catalogue of administrative procedures.
Legal texts are outside copyright (Vietnam, IP Law, article 15); counts are facts. No text is in here.";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [syllables, pairs, output] = arguments.as_slice() else {
        eprintln!("usage: counts SYLLABLES.tsv PAIRS.tsv OUTPUT");
        return ExitCode::from(2);
    };
    match make(syllables, pairs, output) {
        Ok(bytes) => {
            println!("{output}: {bytes} bytes");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn make(syllables: &str, pairs: &str, output: &str) -> Result<usize, String> {
    let syllables = list(syllables)?;
    let mut split = Vec::new();
    for (pair, n) in list(pairs)? {
        let (first, second) = pair.split_once(' ').ok_or(format!("'{pair}' is no pair of syllables with a space between"))?;
        split.push((first.to_owned(), second.to_owned(), n));
    }
    let bytes = encode(ABOUT, &syllables, &split);
    std::fs::write(output, &bytes).map_err(|e| format!("{output} cannot be written: {e}"))?;
    Ok(bytes.len())
}

fn list(file: &str) -> Result<Vec<(String, u64)>, String> {
    let text = std::fs::read_to_string(file).map_err(|e| format!("{file} cannot be read: {e}"))?;
    let line = |line: &str| {
        let (what, n) = line.split_once('\t')?;
        Some((sohoa_record::text::nfc(what), n.parse().ok()?))
    };
    text.lines().map(|text| line(text).ok_or(format!("{file}: '{text}' is not a name, a tab and a count"))).collect()
}
