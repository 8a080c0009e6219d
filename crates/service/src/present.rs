//! How documents and records are shown: one JSON object a line, or a line for people.

use serde::Serialize;
use sohoa_record::field::REGISTER_RULE;
use sohoa_record::identifier::RecordId;
use sohoa_record::manifest::{IncomingSignature, Manifest, Page, PageState, State};
use sohoa_record::signature::SignatureCheck;
use sohoa_record::{Field, Reason, field};

/// A document as `digitize --json` and `ingest --json` give it. Fields may be added, never renamed.
#[derive(Serialize)]
pub struct DocumentLine<'a> {
    /// The source as it was named.
    pub source: &'a str,
    /// SHA-256 of the source; null for `digitize`.
    pub document: Option<&'a str>,
    /// The record; null for `digitize` and when nothing could be sealed.
    pub record: Option<&'a str>,
    /// The outcome.
    pub state: State,
    /// Why.
    pub reasons: &'a [Reason],
    /// Set when these bytes were in the archive already: the record that they are linked to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duplicate_of: Option<&'a str>,
    /// Records with the same issuer, number and day: perhaps the same paper.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub same_paper: &'a [RecordId],
    /// Records whose pages look the same: perhaps the same paper.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub same_pages: &'a [RecordId],
    /// Every page.
    pub pages: &'a [Page],
    /// What was read.
    pub fields: &'a [Field],
    /// Each page's text in reading order.
    pub text: &'a [String],
}

/// A name from outside as a terminal may show it: control characters (escape sequences, line ends) and marks that reorder text are
/// made visible.
pub fn printable(text: &str) -> String {
    let safe = |c: char| {
        if c.is_control() || matches!(c, '\u{200e}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}') {
            '\u{fffd}'
        } else {
            c
        }
    };
    text.chars().map(safe).collect()
}

/// Columns of the terminal that data goes to; none when it goes elsewhere, and then nothing is cut or broken.
pub fn columns() -> Option<usize> {
    console::Term::stdout().size_checked().map(|(_, columns)| usize::from(columns)).filter(|columns| *columns > 0)
}

/// A line that a terminal does not break.
pub fn cut(line: &str, columns: Option<usize>) -> String {
    match columns {
        Some(columns) if line.chars().count() > columns => line.chars().take(columns - 1).chain(['…']).collect(),
        _ => line.to_owned(),
    }
}

/// A text broken between words, each row behind `indent` spaces.
pub fn rows(indent: usize, text: &str, columns: Option<usize>) -> String {
    let room = columns.map_or(usize::MAX, |columns| columns.saturating_sub(indent).max(20));
    let (mut out, mut used) = (" ".repeat(indent), 0);
    for word in text.split(' ') {
        let letters = word.chars().count();
        if used > 0 && used + 1 + letters > room {
            out.push('\n');
            out.push_str(&" ".repeat(indent));
            used = 0;
        } else if used > 0 {
            out.push(' ');
            used += 1;
        }
        out.push_str(word);
        used += letters;
    }
    out
}

/// `1 record`, `2 records`.
pub fn counted(n: impl TryInto<u64>, one: &str) -> String {
    let n = n.try_into().unwrap_or(u64::MAX);
    if n == 1 { format!("1 {one}") } else { format!("{n} {one}s") }
}

/// One object, one line.
pub fn json_line(value: &impl Serialize) -> String {
    // Our own structs of strings and numbers always serialize.
    serde_json::to_string(value).unwrap_or_default()
}

/// `review   qn-16.pdf   3 pages   …/QĐ-UBND …  (number_handwritten)`: one line for people.
pub fn document_line(source: &str, state: State, reasons: &[Reason], pages: &[Page], fields: &[Field]) -> String {
    let count = match pages.len() {
        1 => "1 page".to_owned(),
        n => format!("{n} pages"),
    };
    let blank = pages.iter().filter(|page| page.state == PageState::Blank).count();
    let blank = if blank == 0 { String::new() } else { format!(", {blank} blank") };
    let mut line = format!("{:<7} {}  {count}{blank}", state.as_str(), printable(source));
    let title = printable(&title(fields));
    if !title.is_empty() {
        line.push_str("  ");
        line.push_str(&title);
    }
    if !reasons.is_empty() {
        let codes: Vec<&str> = reasons.iter().map(|reason| reason.code()).collect();
        line.push_str(&format!("  ({})", codes.join(", ")));
    }
    line
}

/// `QUYẾT ĐỊNH 51/QĐ-UBND 2025-01-17`, with `?` for what is in doubt.
pub fn title(fields: &[Field]) -> String {
    let told = |name| match field::find(fields, name) {
        Some(Field { value: Some(value), doubt: None, .. }) => value.clone(),
        Some(Field { value: Some(value), .. }) => format!("{value}?"),
        Some(_) => "?".to_owned(),
        None => String::new(),
    };
    let (number, notation) = (told(field::name::CODE_NUMBER), told(field::name::CODE_NOTATION));
    let code = match (number.as_str(), notation.as_str()) {
        ("", "") => String::new(),
        ("", notation) => notation.to_owned(),
        (number, "") => number.to_owned(),
        (number, notation) => format!("{number}/{notation}"),
    };
    let parts = [told(field::name::TYPE_NAME), code, told(field::name::ISSUED_DATE)];
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
}

/// A record in full, for `sohoa show`.
pub fn record_text(m: &Manifest) -> String {
    let mut out = String::new();
    let mut put = |label: &str, value: String| {
        if !value.is_empty() {
            out.push_str(&format!("{label:<12} {}\n", printable(&value)));
        }
    };
    put("record", format!("{}  revision {}", m.record, m.revision));
    put("state", m.state.as_str().to_owned());
    for reason in &m.reasons {
        put("", format!("{reason}: {}", reason.vi()));
    }
    put("source", format!("{}  {}  {} bytes", m.source.name, m.source.media_type, m.source.digests.size));
    put("arrived", m.source.arrived_at.clone());
    put("sealed", m.sealed_at.clone());
    put(
        "dossier",
        m.dossier.code.as_ref().map_or_else(|| format!("unknown code, folder {}", m.dossier.folder), |code| code.to_string()),
    );
    put("result code", m.result_code.clone().unwrap_or_default());
    for signature in &m.pdf_signatures {
        let stamped = signature.stamped_at.as_deref().map(|at| format!(", time stamp {at}")).unwrap_or_default();
        put(
            "signed",
            format!("{}  {}  {}, {}{stamped}", signature.profile, signature.signer, signature.level, signature.signed_at),
        );
    }
    put("unit", m.dossier.unit.clone().unwrap_or_else(|| "not known".into()));
    put("engine", format!("{}, {}", m.processing.engine, m.processing.model));
    for field in &m.fields {
        let value = field.value.as_deref().unwrap_or("—");
        let doubt = field.doubt.map(|d| format!("   ← {d}")).unwrap_or_default();
        let row = field.register.as_ref().and_then(|witness| witness.rows.first()).filter(|_| field.rule == REGISTER_RULE);
        let row = row.map(|row| format!(" (line {} of {})", row.line, row.register)).unwrap_or_default();
        put(&field.name, format!("{value}   {} %, page {}, {}{row}{doubt}", field.confidence, field.page, field.rule));
        // What a person changed stands beside the value; the history below names fields only.
        for event in &m.history {
            for change in event.changes.iter().filter(|change| change.field == field.name && change.before != change.after) {
                let before = change.before.as_deref().unwrap_or("—");
                put("", format!("before: {before}   until {} by {}", event.at, event.who));
            }
        }
    }
    for page in &m.pages {
        let state = match page.state {
            PageState::Text => "text",
            PageState::Blank => "blank",
            PageState::Separator => "separator",
            PageState::RecognizeFailed => "recognize_failed",
        };
        let flags: Vec<&str> = page.reasons.iter().map(|reason| reason.code()).collect();
        let flags = if flags.is_empty() { String::new() } else { format!("  ({})", flags.join(", ")) };
        let turned =
            if page.placement.rotated_deg == 0 { String::new() } else { format!(", turned {}°", page.placement.rotated_deg) };
        let skew = if page.placement.skew_mdeg == 0 {
            String::new()
        } else {
            format!(", skew {:.1}°", f64::from(page.placement.skew_mdeg) / 1000.0)
        };
        put(
            &format!("page {}", page.number),
            format!(
                "{state}  {} × {} px, {} dpi{turned}{skew}, confidence {} %{flags}",
                page.width_px, page.height_px, page.dpi, page.confidence
            ),
        );
    }
    for object in &m.objects {
        put("object", format!("{:<16} {:>10} bytes  {}", object.name, object.digests.size, object.digests.sha256));
    }
    for (at, signature) in m.incoming_signatures.iter().enumerate() {
        let mut label = "signature";
        for line in signature_lines(signature, m.signature_checks.get(at)) {
            put(label, line);
            label = "";
        }
    }
    for event in &m.history {
        put("history", format!("{}  {}  {}  {}", event.at, event.who, event.action, event.note));
    }
    out
}

/// A signature that came with a PDF, in lines for people: who and when, the verdict, and why.
pub fn signature_lines(signature: &IncomingSignature, check: Option<&SignatureCheck>) -> Vec<String> {
    let or = |text: &str, none: &str| if text.is_empty() { none.to_owned() } else { printable(text) };
    let whole = if signature.covers_whole_file { "covers the whole file" } else { "does not cover the whole file" };
    let (signer, time) = (or(&signature.signer, "signer unknown"), or(&signature.claimed_time, "no time"));
    let mut lines = vec![format!("{signer}  {time}  {}, {whole}", or(&signature.kind, "kind unknown"))];
    let Some(check) = check else {
        lines[0].push_str(" (listed, not judged)");
        return lines;
    };
    lines.push(format!("{}: {} / {}", check.verdict, check.verdict.vi(), check.verdict.en()));
    let told = [("algorithm", &check.algorithm), ("path", &check.path.join(" ← ")), ("field", &check.field)];
    lines.extend(told.iter().filter(|(_, text)| !text.is_empty()).map(|(what, text)| format!("  {what}: {}", printable(text))));
    lines.extend(check.stamped_time.iter().map(|time| format!("  time stamp: {}", printable(time))));
    lines.extend(check.findings.iter().map(|finding| format!("  {finding}: {} / {}", finding.vi(), finding.en())));
    lines.extend(check.changes.iter().map(|change| format!("  changed: {}", printable(change))));
    lines
}

#[cfg(test)]
mod tests {
    use super::{cut, printable, rows};

    #[test]
    fn lines_fit_the_terminal_and_stay_whole_without_one() {
        let line = "quyết định ".repeat(10);
        assert_eq!((cut(&line, Some(80)).chars().count(), cut(&line, None)), (80, line.clone()));
        assert_eq!(cut("ngắn", Some(80)), "ngắn");
        assert_eq!(rows(4, "một hai ba bốn năm sáu bảy", Some(24)), "    một hai ba bốn năm\n    sáu bảy");
        assert!(rows(4, &line, Some(40)).lines().all(|row| row.chars().count() <= 40));
        assert_eq!(rows(4, "một hai", None), "    một hai");
    }

    #[test]
    fn a_file_name_cannot_steer_the_terminal() {
        assert_eq!(printable("\u{1b}[31mđỏ\n\u{202e}fdp.a"), "\u{fffd}[31mđỏ\u{fffd}\u{fffd}fdp.a");
        assert_eq!(printable("Quyết định 51.pdf"), "Quyết định 51.pdf");
    }
}
