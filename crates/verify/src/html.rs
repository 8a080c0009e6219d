//! The printable report: one HTML file for A4 that needs nothing from outside and runs no script. Everything that comes from files is
//! escaped. It is in Vietnamese, with English beside it, since it may be laid before people of either.

use crate::audit::Audited;
use crate::cause::printable;
use crate::moments::rfc3339;
use crate::report::{Language, Summary, logged};
use crate::verdict::{Line, Verdict};
use sohoa_record::{Sha256Hex, TrustPolicy};
use std::fmt::Write as _;

/// Records that are whole and get a row; of more the report says how many. What is not whole always has one.
const MOST_WHOLE: u64 = 2_000;

/// What stands at the head of the report.
pub struct Subject<'a> {
    /// What was audited, as it was named.
    pub places: Vec<String>,
    /// The time as of which was asked, in seconds since 1970 UTC.
    pub at: Option<u64>,
    /// The policy's bytes: their digest is what both sides compare.
    pub policy_bytes: &'a [u8],
    /// The same, read.
    pub policy: &'a TrustPolicy,
    /// The roots of signers of PDFs, as they were named.
    pub roots: Option<String>,
}

/// A report that is being filled.
#[derive(Default)]
pub struct Report {
    /// What is wrong comes first, then notes, then what is whole.
    bad: String,
    notes: String,
    good: String,
    whole: u64,
}

impl Report {
    /// Adds a line of the audit.
    pub fn add(&mut self, line: &Line) {
        if line.verdict == Verdict::Ok {
            self.whole += 1;
            if self.whole > MOST_WHOLE {
                return;
            }
        }
        let (class, rows) = match line.verdict {
            Verdict::Ok => ("good", &mut self.good),
            verdict if verdict.is_note() || verdict.is_good() => ("note", &mut self.notes),
            _ => ("bad", &mut self.bad),
        };
        let name = line.record.as_deref().unwrap_or(&line.path);
        let mut about = format!("<b class=\"mono\">{}</b>", text(name));
        if let Some(revision) = line.revision {
            let _ = write!(about, " <span class=\"mono\">r{revision:04}</span>");
        }
        if line.record.is_some() && line.path != name {
            let _ = write!(about, "<br><span class=\"mono small\">{}</span>", text(&line.path));
        }
        let mut details = String::new();
        if line.verdict != Verdict::Ok {
            sentence(&mut details, &line.reason_vi, &line.reason);
            line.more.iter().for_each(|more| sentence(&mut details, &more.reason_vi, &more.reason));
        }
        if let Some(at) = &line.sealed_at {
            let shown: String = at.chars().take(19).collect::<String>().replace('T', " ");
            fact(&mut details, "tự khai niêm phong lúc", "says to be sealed at", &shown);
            let who = line.key_name.as_deref().filter(|name| !name.is_empty());
            who.into_iter().for_each(|name| fact(&mut details, "bằng khóa của", "with the key of", name));
        }
        if let Some(time) = &line.time {
            sentence(&mut details, &logged(time, Language::Vi), &logged(time, Language::En));
        }
        for signature in &line.pdf_signatures {
            let stamped = signature.stamped_at.as_deref().unwrap_or(&signature.signed_at);
            let value = format!("{} ({}, {}) {stamped}", signature.signer, signature.profile, signature.level);
            fact(&mut details, "chữ ký trên PDF, đã niêm phong cùng tệp", "PDF signature, sealed with the file", &value);
        }
        for check in &line.pdf_checks {
            let (signer, vi, en) = (text(&check.signer), check.words(Language::Vi), check.words(Language::En));
            let _ = write!(
                details,
                "<br>chữ ký số trên PDF, kiểm tra lại <i>/ signature on the PDF, judged here</i>: {signer}: {} <i>/ {}</i>",
                text(&vi),
                text(&en)
            );
        }
        if !line.absent.is_empty() {
            fact(&mut details, "không có ở đây", "not here", &line.absent.join(", "));
        }
        let _ = writeln!(
            rows,
            "<tr class=\"{class}\"><td class=\"verdict\">{}<br><i>{}</i></td><td>{about}{details}</td></tr>",
            line.verdict.vi(),
            line.verdict.en()
        );
    }

    /// The whole file.
    pub fn finish(self, subject: &Subject<'_>, audited: &Audited, summary: &Summary, strict: bool) -> String {
        let code = summary.exit_code(strict);
        let (class, vi, en) = match code {
            0 if summary.count(Verdict::Destroyed) > 0 => (
                "good",
                "Mọi hồ sơ lưu được kiểm tra còn đúng như khi niêm phong, hoặc đã tiêu hủy theo quyết định nêu dưới đây",
                "Every record that was checked is as it was sealed, or was destroyed by a decision that is named below",
            ),
            0 => (
                "good",
                "Mọi hồ sơ lưu được kiểm tra còn đúng như khi niêm phong",
                "Every record that was checked is as it was sealed",
            ),
            15 => ("note", "Không có hồ sơ lưu nào để kiểm tra", "There is no record to verify"),
            _ => ("bad", "CÓ SAI LỆCH: xem các dòng dưới đây", "NOT ALL IS WELL: see the lines below"),
        };
        let mut out = HEAD.to_owned();
        let _ = writeln!(out, "<p class=\"conclusion {class}\">{vi}<br><i>{en}</i></p>");
        heading(&mut out, "Số lượng", "Counts");
        out.push_str("<table class=\"counts\"><tbody>\n");
        for verdict in Verdict::ALL.into_iter().rev().filter(|v| summary.count(*v) > 0 || *v == Verdict::Ok) {
            let n = summary.count(verdict);
            let _ = writeln!(out, "<tr><td>{} <i>{}</i></td><td class=\"number\">{n}</td></tr>", verdict.vi(), verdict.en());
        }
        out.push_str("</tbody></table>\n");
        for sampled in &summary.sampled {
            let _ = writeln!(out, "<p>{}<br><i>{}</i></p>", text(&sampled.text(Language::Vi)), text(&sampled.text(Language::En)));
        }
        heading(&mut out, "Đã kiểm tra gì", "What was checked");
        subject.write(&mut out, audited);
        let newest = [Language::Vi, Language::En].map(|language| summary.newest(language).unwrap_or_default());
        if !newest[0].is_empty() {
            let _ = writeln!(out, "<p>{}<br><i>{}</i></p>", text(&newest[0]), text(&newest[1]));
        }
        heading(&mut out, "Không kiểm tra được", "What was not checked");
        let _ = writeln!(out, "<p>{}<br><i>{}</i></p>", text(&summary.limits(Language::Vi)), text(&summary.limits(Language::En)));
        heading(&mut out, "Từng hồ sơ lưu", "Each record");
        out.push_str("<table class=\"records\"><thead><tr><th>Kết luận<br><i>Verdict</i></th><th>Hồ sơ lưu, lý do<br><i>Record, reason</i></th></tr></thead><tbody>\n");
        [&self.bad, &self.notes, &self.good].into_iter().for_each(|rows| out.push_str(rows));
        if let Some(rest) = self.whole.checked_sub(MOST_WHOLE).filter(|rest| *rest > 0) {
            let _ = writeln!(
                out,
                "<tr class=\"good\"><td class=\"verdict\">ĐÚNG<br><i>OK</i></td><td>… và {rest} hồ sơ lưu khác (xem --json)<br><i>… and {rest} more (see --json)</i></td></tr>"
            );
        }
        out.push_str(TAIL);
        out
    }
}

impl Subject<'_> {
    fn write(&self, out: &mut String, audited: &Audited) {
        let mut facts = String::new();
        let mut row = |vi: &str, en: &str, value: String| {
            let _ = writeln!(facts, "<tr><td>{vi}<br><i>{en}</i></td><td>{value}</td></tr>");
        };
        let places: Vec<String> =
            self.places.iter().map(|place| format!("<span class=\"mono\">{}</span>", text(place))).collect();
        row("Nơi kiểm tra", "Audited", places.join("<br>"));
        let at = self.at.map_or_else(|| "những gì có ở đây <i>/ what is here</i>".to_owned(), |at| text(&rfc3339(at)));
        row("Tính đến", "As of", at);
        row(
            "Danh sách tin cậy, SHA-256",
            "Trust policy, SHA-256",
            format!("<span class=\"mono\">{}</span>", Sha256Hex::of(self.policy_bytes)),
        );
        let keys =
            self.policy.keys().iter().map(|key| format!("{}<br><span class=\"mono small\">{}</span>", text(&key.name), key.id));
        row("Khóa được tin", "Keys that are believed", keys.collect::<Vec<_>>().join("<br>"));
        let roots = self.roots.as_ref().map(|roots| format!("<span class=\"mono\">{}</span>", text(roots)));
        let none = || "không hỏi đến <i>/ none are asked for</i>".to_owned();
        row("Gốc chứng thư của người ký PDF", "Roots of signers of PDFs", roots.unwrap_or_else(none));
        match self.policy.log() {
            None => row("Nhật ký", "Log", "không hỏi đến <i>/ none is asked for</i>".into()),
            Some(log) => {
                for known in log.logs() {
                    row(
                        "Nhật ký được tin",
                        "Log that is believed",
                        format!("<span class=\"mono\">{}</span>", text(known.key.name())),
                    );
                }
                let witnesses: Vec<String> = log.witnesses().iter().map(|witness| text(&witness.name)).collect();
                let none = "không hỏi đến <i>/ none is asked for</i>".to_owned();
                row("Nhân chứng", "Witnesses", if log.wants_witnesses() { witnesses.join(", ") } else { none });
                row("Dung sai thời gian", "Time tolerance", format!("{} s", self.policy.time_tolerance()));
            }
        }
        for log in &audited.logs {
            let mut value = format!(
                "<span class=\"mono\">{}</span><br><span class=\"mono small\">{}</span>",
                text(&log.tree.origin),
                text(log.tree.text().lines().nth(2).unwrap_or_default())
            );
            let _ = write!(value, "<br>{} dòng <i>/ leaves</i>", log.tree.size);
            if let Some(seen) = log.seen {
                let _ = write!(value, "; đủ nhân chứng từ <i>/ seen by a quorum by</i> {}", rfc3339(seen));
            }
            row("Bản kiểm của nhật ký", "Checkpoint", value);
        }
        let version = env!("CARGO_PKG_VERSION");
        row("Chương trình", "Program", format!("sohoa-verify {version}"));
        let _ = writeln!(out, "<table class=\"facts\"><tbody>\n{facts}</tbody></table>");
    }
}

fn heading(out: &mut String, vi: &str, en: &str) {
    let _ = writeln!(out, "<h2>{vi} <i>{en}</i></h2>");
}

fn sentence(out: &mut String, vi: &str, en: &str) {
    let _ = write!(out, "<br>{}<br><i>{}</i>", text(vi), text(en));
}

fn fact(out: &mut String, vi: &str, en: &str, value: &str) {
    let _ = write!(out, "<br>{vi} <i>/ {en}</i>: {}", text(value));
}

/// Text of files as text of HTML.
fn text(raw: &str) -> String {
    let mut out = String::with_capacity(raw.len());
    for c in printable(raw).chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

const HEAD: &str = "<!DOCTYPE html>
<html lang=\"vi\">
<head>
<meta charset=\"utf-8\">
<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">
<title>Báo cáo kiểm tra hồ sơ số hóa</title>
<style>
@page { size: A4; margin: 18mm 15mm 20mm 20mm; @bottom-right { content: counter(page) \" / \" counter(pages); font: 9pt serif; } }
body { font: 11pt/1.4 'Times New Roman', 'Liberation Serif', 'Noto Serif', serif; color: #111; max-width: 175mm; margin: 8mm auto; padding: 0 4mm; }
h1 { font-size: 17pt; text-align: center; margin: 0 0 5mm; }
h1 i { font-size: 12pt; display: block; font-weight: normal; }
h2 { font-size: 12.5pt; margin: 6mm 0 1.5mm; break-after: avoid; }
i { color: #555; font-size: 0.92em; }
h2 i { font-weight: normal; margin-left: 0.4em; }
table { border-collapse: collapse; width: calc(100% - 0.5mm); }
td, th { border: 0.3mm solid #999; padding: 1.2mm 2mm; vertical-align: top; text-align: left; overflow-wrap: anywhere; }
thead { display: table-header-group; }
tr { break-inside: avoid; }
th { background: #f0f0f0; }
.facts .mono { font-size: 0.78em; }
.counts { width: auto; min-width: 80mm; }
.number { text-align: right; font-variant-numeric: tabular-nums; }
.facts td:first-child { width: 45mm; }
.records td:first-child, .records th:first-child { width: 36mm; }
.verdict { font-weight: bold; }
.mono { font-family: 'Liberation Mono', 'DejaVu Sans Mono', monospace; font-size: 0.84em; }
.small { font-size: 0.74em; font-weight: normal; }
.conclusion { border: 0.6mm solid; padding: 3mm 4mm; font-size: 13pt; font-weight: bold; text-align: center; }
.conclusion i { font-weight: normal; }
.good .verdict, p.good { color: #14532d; } .bad .verdict, p.bad { color: #9b1c1c; } .note .verdict, p.note { color: #6b4e00; }
.bad td { background: #fff4f4; } .note td { background: #fffbea; }
.signed { display: flex; justify-content: space-between; margin-top: 10mm; break-inside: avoid; text-align: center; }
.signed p { width: 70mm; padding-bottom: 22mm; margin: 0; }
@media print { body { margin: 0; padding: 0; max-width: none; } * { print-color-adjust: exact; -webkit-print-color-adjust: exact; } }
</style>
</head>
<body>
<h1>BÁO CÁO KIỂM TRA HỒ SƠ SỐ HÓA<i>Audit report of sealed records</i></h1>
";

const TAIL: &str = "</tbody></table>
<div class=\"signed\"><p>Ngày, tháng, năm kiểm tra<br><i>Day of the audit</i></p><p>Người kiểm tra (ký, ghi rõ họ tên)<br><i>Auditor (signature, name)</i></p></div>
</body>
</html>
";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cause::{Cause, Finding};

    #[test]
    fn what_comes_from_files_is_text() {
        assert_eq!(text("<b a='\"'>&\u{202e}\u{1b}"), "&lt;b a=&#39;&quot;&#39;&gt;&amp;\u{fffd}\u{fffd}");
    }

    #[test]
    fn whole_records_beyond_the_limit_are_counted_and_others_are_not_left_out() {
        let line = |verdict| {
            let mut line = Line::about_file("x".into(), None, Finding::about("x", None, Cause::ObjectMissing));
            line.verdict = verdict;
            line
        };
        let mut report = Report::default();
        (0..MOST_WHOLE + 7).for_each(|_| report.add(&line(Verdict::Ok)));
        report.add(&line(Verdict::Missing));
        assert_eq!(report.good.matches("<tr class=\"good\">").count() as u64, MOST_WHOLE);
        assert!(report.bad.contains("<tr class=\"bad\">") && report.whole == MOST_WHOLE + 7);
    }
}
