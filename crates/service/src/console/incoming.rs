//! Signatures that came with a paper, in lines for the console: who and when, the verdict, and what speaks for and against it.

use super::mask;
use super::papers::moment;
use sohoa_console::Language;
use sohoa_record::manifest::{IncomingSignature, Manifest};

/// Two lines and one for each thing to know, of each signature.
pub fn lines(manifest: &Manifest, language: Language, sees: bool) -> Vec<String> {
    let signatures = manifest.incoming_signatures.iter().enumerate();
    let lines = signatures.flat_map(|(at, signature)| of_signature(manifest, at, signature, language));
    // A certificate's subject may name its owner's number.
    lines.map(|line| mask::text(&line, sees)).collect()
}

fn of_signature(manifest: &Manifest, at: usize, signature: &IncomingSignature, language: Language) -> Vec<String> {
    let who = match signature.signer.as_str() {
        "" => language.pick("không rõ người ký", "signer not known"),
        signer => signer,
    };
    let when = match signature.claimed_time.as_str() {
        "" => language.pick("không ghi thời điểm", "no time given").to_owned(),
        time => moment(time),
    };
    let covers = match signature.covers_whole_file {
        true => language.pick("bao trùm cả tệp", "covers the whole file"),
        false => language.pick("không bao trùm cả tệp", "does not cover the whole file"),
    };
    let mut lines = vec![format!("{who} · {when} · {covers}")];
    let Some(check) = manifest.signature_checks.get(at) else {
        lines.push(language.pick("chưa kiểm tra", "not checked").to_owned());
        return lines;
    };
    lines.push(language.pick(check.verdict.vi(), check.verdict.en()).to_owned());
    if !check.path.is_empty() {
        lines.push(format!("{}: {}", language.pick("chứng thư", "certificates"), check.path.join(" ← ")));
    }
    if let Some(time) = &check.stamped_time {
        lines.push(format!("{}: {}", language.pick("dấu thời gian", "time stamp"), moment(time)));
    }
    lines.extend(check.findings.iter().map(|finding| language.pick(finding.vi(), finding.en()).to_owned()));
    let changed = language.pick("đã thay đổi", "changed");
    lines.extend(check.changes.iter().map(|change| format!("{changed}: {change}")));
    lines
}
