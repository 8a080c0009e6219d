//! The report for people, in Vietnamese or English, readable on a terminal of 80 columns.

use crate::cause::printable;
use crate::moments::{Logged, days_between, rfc3339};
use crate::pdf_signatures::Issuer;
use crate::sample::Sampled;
use crate::verdict::{Line, Verdict};
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// The language of the report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    /// Vietnamese.
    Vi,
    /// English.
    En,
}

/// Columns of the report.
const WIDTH: usize = 80;

/// How many lines had which verdict.
#[derive(Clone, Debug, Default)]
pub struct Summary {
    counts: BTreeMap<Verdict, u64>,
    /// Lines that are more than notes.
    judged: u64,
    /// True when the trust policy names a log, so that a removal shows.
    pub logged: bool,
    /// True when the whole log was looked at; a proof beside a record says nothing of what else is in it.
    pub whole_log: bool,
    /// True when the log was held against a checkpoint that was kept, so that going back shows.
    pub since: bool,
    /// True when witnesses are asked for, so that back-dating shows.
    pub witnessed: bool,
    /// As of when was asked, in seconds since 1970 UTC.
    pub at: Option<u64>,
    /// The newest witnessed moment of the log, or the oldest of those of several.
    newest: Option<u64>,
    /// Lines with signatures on PDFs whose issuers nobody asked for, and whole ones whose signatures nobody judged.
    unasked: u64,
    unjudged: u64,
    /// What samples came to; none when every record was looked at.
    pub sampled: Vec<Sampled>,
}

impl Summary {
    /// Counts a line.
    pub fn add(&mut self, line: &Line) {
        *self.counts.entry(line.verdict).or_default() += 1;
        self.judged += u64::from(!line.verdict.is_note());
        self.unasked += u64::from(line.pdf_checks.iter().any(|check| check.issuer == Issuer::NotAsked));
        self.unjudged += u64::from(line.verdict == Verdict::Ok && !line.pdf_signatures.is_empty() && line.pdf_checks.is_empty());
    }

    /// Notes when witnesses last saw a log that was read.
    pub fn add_newest(&mut self, newest: u64) {
        self.newest = Some(self.newest.map_or(newest, |known| known.min(newest)));
    }

    /// When witnesses last saw the log: what came into it later is not here, whether there is such or not. None when nothing says.
    pub fn newest(&self, language: Language) -> Option<String> {
        let newest = self.newest?;
        let shown = rfc3339(newest).chars().take(19).collect::<String>().replace('T', " ");
        let age = self.at.map(|at| days_between(newest, at));
        Some(match (language, age) {
            (Language::Vi, None) => format!("Nhân chứng thấy nhật ký này lần cuối lúc {shown}."),
            (Language::Vi, Some(days)) => {
                format!("Nhân chứng thấy nhật ký này lần cuối lúc {shown}, {days} ngày trước thời điểm được hỏi.")
            }
            (Language::En, None) => format!("Witnesses saw this log last at {shown}."),
            (Language::En, Some(days)) => {
                format!(
                    "Witnesses saw this log last at {shown}, {} before the time asked for.",
                    counted(days as usize, "day", "days")
                )
            }
        })
    }

    /// How many lines have that verdict.
    pub fn count(&self, verdict: Verdict) -> u64 {
        self.counts.get(&verdict).copied().unwrap_or(0)
    }

    /// The exit code: 15 when there was nothing to verify, else that of the heaviest verdict.
    pub fn exit_code(&self, strict: bool) -> u8 {
        if self.judged == 0 && (!strict || self.counts.is_empty()) {
            return 15;
        }
        let codes = self.counts.keys().map(|verdict| verdict.exit_code(strict));
        // 10 to 14 by weight; 1 (unreadable) only when nothing worse was found
        let worst = codes.clone().filter(|code| *code >= 10).min();
        worst.or_else(|| codes.max()).unwrap_or(15)
    }

    /// The closing lines: counts, what they mean, and what no such report can show.
    pub fn text(&self, language: Language, strict: bool) -> String {
        let count = |verdict| self.count(verdict);
        let mut text = "-".repeat(WIDTH);
        text.push('\n');
        for verdict in Verdict::ALL.into_iter().rev().filter(|v| count(*v) > 0 || *v == Verdict::Ok) {
            let _ = writeln!(text, "{} {:>8}", padded(label(verdict, language), 16), count(verdict));
        }
        text.push('\n');
        self.newest(language).iter().for_each(|newest| text.push_str(&wrapped(newest, 0)));
        for sampled in &self.sampled {
            text.push_str(&wrapped(&sampled.text(language), 0));
        }
        let closing = match (language, self.exit_code(strict)) {
            (Language::Vi, 0) if !self.sampled.is_empty() => "Kết luận: mọi hồ sơ lưu trong mẫu còn đúng như khi niêm phong.",
            (Language::En, 0) if !self.sampled.is_empty() => "Conclusion: every record of the sample is as it was sealed.",
            (Language::Vi, 0) if count(Verdict::Destroyed) > 0 => {
                "Kết luận: mọi hồ sơ lưu ở đây còn đúng như khi niêm phong, hoặc đã tiêu hủy theo quyết định nêu trên."
            }
            (Language::En, 0) if count(Verdict::Destroyed) > 0 => {
                "Conclusion: every record here is as it was sealed, or was destroyed by a decision that is named above."
            }
            (Language::Vi, 0) => "Kết luận: mọi hồ sơ lưu ở đây còn đúng như khi niêm phong.",
            (Language::Vi, 15) => "Kết luận: không có hồ sơ lưu nào để kiểm tra.",
            (Language::Vi, _) => "Kết luận: CÓ SAI LỆCH, xem các dòng nêu trên.",
            (Language::En, 0) => "Conclusion: every record here is as it was sealed.",
            (Language::En, 15) => "Conclusion: there is no record to verify.",
            (Language::En, _) => "Conclusion: NOT ALL IS WELL, see the lines above.",
        };
        text.push_str(&wrapped(closing, 0));
        text.push_str(&wrapped(&self.limits(language), 0));
        text
    }

    /// What the report cannot show, however good it looks. With a log, removals are among what it shows; with a kept checkpoint, a log
    /// that was taken back; with witnesses, a sealing time that is off by more than the tolerance.
    pub fn limits(&self, language: Language) -> String {
        let all = match language {
            Language::Vi => [
                "việc lấy đi trọn một hồ sơ lưu hoặc (các) phiên bản cuối của nó (cần nhật ký minh bạch, danh sách tin cậy chưa nêu nhật \
                 ký nào)",
                "việc lấy đi trọn một hồ sơ lưu hoặc (các) phiên bản cuối của nó (ở đây không có trọn nhật ký: --log)",
                "nhật ký có bị lùi về một bản cũ hay không, nếu không giữ bản kiểm cũ (--since)",
                "thời điểm niêm phong có thật hay không (do bên niêm phong tự khai)",
                "những gì ghi vào nhật ký sau lần cuối nhân chứng thấy nó (--fresh giới hạn khoảng này)",
                "thời điểm niêm phong có thật đến từng giây hay không: nhân chứng chỉ cho biết khoảng thời gian",
                "các hồ sơ lưu ngoài mẫu, và tệp không thuộc hồ sơ nào",
                "ai đã cấp chứng thư cho chữ ký số trên PDF (--roots)",
                "chữ ký số trên PDF có đúng hay không (chỉ biết tệp đúng như khi niêm phong)",
                "bản quét có đúng với bản giấy hay không",
            ],
            Language::En => [
                "the removal of a whole record, or of its latest revisions (that takes a transparency log, and the trust policy names none)",
                "the removal of a whole record, or of its latest revisions (the whole log is not here: --log)",
                "whether the log was taken back to an older state, unless an older checkpoint was kept (--since)",
                "whether a sealing time is true (the sealer claims it)",
                "what came into the log after witnesses saw it last (--fresh bounds that)",
                "whether a sealing time is true to the second: witnesses bound it only",
                "records outside of the sample, and files of no record",
                "who vouches for the signers of PDFs (--roots)",
                "whether the signatures on PDFs hold (only that the files are those that were sealed)",
                "whether a scan is true to its paper",
            ],
        };
        let applies = [
            !self.logged,
            self.logged && !self.whole_log,
            self.logged && !self.since,
            !self.witnessed,
            self.witnessed,
            self.witnessed,
            !self.sampled.is_empty(),
            self.unasked > 0,
            self.unjudged > 0,
            true,
        ];
        let told: Vec<&str> = all.into_iter().zip(applies).filter(|(_, applies)| *applies).map(|(text, _)| text).collect();
        let head = if language == Language::Vi { "Báo cáo này không cho thấy được" } else { "This report cannot show" };
        format!("{head}: {}.", told.join("; "))
    }
}

/// The text of one line: verdict, record, revision and time, then the reasons.
pub fn text(line: &Line, language: Language) -> String {
    let mut head = padded(label(line.verdict, language), 16);
    let about_record = !line.verdict.is_note() && line.record.is_some();
    head.push_str(&if about_record { line.record.clone().unwrap_or_default() } else { printable(&line.path) });
    if let Some(revision) = line.revision.filter(|_| about_record) {
        let _ = write!(head, "  r{revision:04}");
    }
    if let Some(at) = line.sealed_at.as_ref().filter(|_| about_record) {
        // 2026-11-22T09:30:00+07:00, of which the zone is always the same
        let _ = write!(head, "  {}", printable(&at.chars().take(16).collect::<String>().replace('T', " ")));
    }
    head.push('\n');
    if let Some(time) = line.time.as_ref().filter(|_| about_record) {
        head.push_str(&wrapped(&logged(time, language), 4));
    }
    for check in line.pdf_checks.iter().filter(|_| about_record) {
        let word = if language == Language::Vi { "chữ ký số trên PDF" } else { "signature on the PDF" };
        head.push_str(&wrapped(&format!("{word}: {}: {}", printable(&check.signer), check.words(language)), 4));
    }
    if !line.absent.is_empty() {
        let word = if language == Language::Vi { "không có ở đây" } else { "not here" };
        head.push_str(&wrapped(&format!("{word}: {}", line.absent.join(", ")), 4));
    }
    if line.verdict == Verdict::Ok {
        return head;
    }
    let reason = |vi: &str, en: &str| wrapped(if language == Language::Vi { vi } else { en }, 4);
    head.push_str(&reason(&line.reason_vi, &line.reason));
    for more in line.more.iter().take(MOST_REASONS) {
        head.push_str(&reason(&more.reason_vi, &more.reason));
    }
    if let Some(rest) = line.more.len().checked_sub(MOST_REASONS).filter(|rest| *rest > 0) {
        head.push_str(&reason(&format!("… và {rest} điểm khác (xem --json)"), &format!("… and {rest} more (see --json)")));
    }
    head
}

/// Between which witnessed moments it came into the log.
pub fn logged(time: &Logged, language: Language) -> String {
    let shown = |time: &String| time.chars().take(19).collect::<String>().replace('T', " ");
    let (after, before, n) = (time.after.as_ref().map(shown), time.before.as_ref().map(shown), time.witnesses);
    let witnessed = match (language, after, before) {
        (Language::Vi, Some(a), Some(b)) => format!("vào nhật ký giữa {a} và {b} ({n} nhân chứng)"),
        (Language::Vi, None, Some(b)) => format!("vào nhật ký trước {b} ({n} nhân chứng)"),
        (Language::Vi, Some(a), None) => format!("vào nhật ký sau {a}"),
        (Language::En, Some(a), Some(b)) => format!("logged between {a} and {b} ({})", counted(n, "witness", "witnesses")),
        (Language::En, None, Some(b)) => format!("logged before {b} ({})", counted(n, "witness", "witnesses")),
        (Language::En, Some(a), None) => format!("logged after {a}"),
        (_, None, None) => String::new(),
    };
    let stamp = time.stamped.as_ref().map(shown).map(|at| match language {
        Language::Vi => format!("dấu thời gian cho thấy đã có trong nhật ký từ {at}"),
        Language::En => format!("a time stamp says that the log had it by {at}"),
    });
    [Some(witnessed).filter(|text| !text.is_empty()), stamp].into_iter().flatten().collect::<Vec<_>>().join("; ")
}

fn counted(n: usize, one: &str, many: &str) -> String {
    format!("{n} {}", if n == 1 { one } else { many })
}

/// Reasons shown below the first; the rest is in `--json`.
const MOST_REASONS: usize = 4;

fn label(verdict: Verdict, language: Language) -> &'static str {
    match language {
        Language::Vi => verdict.vi(),
        Language::En => verdict.en(),
    }
}

/// NFC text has one column a character here: labels and messages hold no wide characters.
fn padded(text: &str, columns: usize) -> String {
    let missing = columns.saturating_sub(text.chars().count());
    format!("{text}{}", " ".repeat(missing))
}

/// `text` in lines of at most [`WIDTH`] columns, each indented, the whole ending in a line feed. A word longer than a line,
/// such as a path, is cut.
fn wrapped(text: &str, indent: usize) -> String {
    let (mut lines, mut column) = (String::new(), 0);
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        for (i, piece) in word.chars().collect::<Vec<_>>().chunks(WIDTH - indent).enumerate() {
            if column > 0 && (i > 0 || column + 1 + piece.len() > WIDTH) {
                lines.push('\n');
                column = 0;
            }
            if column == 0 {
                lines.push_str(&" ".repeat(indent));
                column = indent;
            } else {
                lines.push(' ');
                column += 1;
            }
            lines.extend(piece);
            column += piece.len();
        }
    }
    lines.push('\n');
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_line_is_wider_than_the_terminal() {
        let [plain, logged] = [false, true].map(|logged| Summary { logged, ..Summary::default() });
        for text in [
            &logged.limits(Language::Vi),
            &logged.limits(Language::En),
            &plain.limits(Language::Vi),
            &"x".repeat(200),
            &format!("a {} b", "y".repeat(79)),
        ] {
            for indent in [0, 4] {
                let wrapped = wrapped(text, indent);
                assert!(wrapped.lines().all(|line| line.chars().count() <= WIDTH), "{wrapped}");
                let joined: String = wrapped.split_whitespace().collect();
                assert_eq!(joined, text.split_whitespace().collect::<String>());
            }
        }
    }

    #[test]
    fn labels_fit_their_column() {
        assert!(Verdict::ALL.iter().all(|v| v.vi().chars().count() <= 15 && v.en().len() <= 15));
    }
}
