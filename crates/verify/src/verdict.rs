//! The verdicts, their exit codes, and the line that is written for each record.

use crate::cause::Finding;
use crate::moments::Logged;
use crate::pdf_signatures::PdfCheck;
use serde::{Deserialize, Serialize};
use sohoa_record::manifest::PdfSignature;

/// What is found about a record. The order is the order of weight: the first of several findings is the record's verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Bytes are not those that were sealed, or a receipt is not where it belongs.
    Altered,
    /// Something that was sealed is not there.
    Missing,
    /// The log names a receipt that is not there: a record or its later revision was taken away.
    Withheld,
    /// A believed key is named and its signature does not fit.
    BadSignature,
    /// Signed by nobody whom the trust policy names.
    UnknownKey,
    /// Signed by a key that was revoked or retired before the receipt came into the log, or not introduced yet.
    VoidKey,
    /// The log, or a proof of it, does not hold: not signed as the policy wants, not hashing to its checkpoint, not continuing an older one.
    BadLog,
    /// The time that the sealer claims contradicts what witnesses say of the log.
    BadTime,
    /// It is what was sealed, of an older revision than the latest that is here.
    Superseded,
    /// A receipt that is not in the log, though the policy names one.
    Unlogged,
    /// The log, or the proof of it, is older than was asked for: what was logged since may be withheld.
    Stale,
    /// Not a receipt, or not of a format that this version knows.
    Malformed,
    /// The medium or the permissions did not let us read; nothing is proved either way.
    Unreadable,
    /// It was destroyed by a lawful decision: its signed tombstone is here, and in the log where the policy names one.
    Destroyed,
    /// A note: it arrived and has no receipt yet, or its receipt was taken away.
    Unsealed,
    /// A note: a file that no receipt names.
    Unreferenced,
    /// A note: as of the time that was asked for it was not sealed yet.
    NotYet,
    /// All that was sealed is here, byte for byte.
    Ok,
}

impl Verdict {
    /// All, heaviest first.
    pub const ALL: [Verdict; 18] = [
        Verdict::Altered,
        Verdict::Missing,
        Verdict::Withheld,
        Verdict::BadSignature,
        Verdict::UnknownKey,
        Verdict::VoidKey,
        Verdict::BadLog,
        Verdict::BadTime,
        Verdict::Superseded,
        Verdict::Unlogged,
        Verdict::Stale,
        Verdict::Malformed,
        Verdict::Unreadable,
        Verdict::Destroyed,
        Verdict::Unsealed,
        Verdict::Unreferenced,
        Verdict::NotYet,
        Verdict::Ok,
    ];

    /// The program's exit code when this is the heaviest verdict. Notes count only under `--strict`.
    pub fn exit_code(self, strict: bool) -> u8 {
        match self {
            Verdict::Altered => 10,
            Verdict::Missing => 11,
            Verdict::BadSignature => 12,
            Verdict::UnknownKey => 13,
            Verdict::Malformed => 14,
            Verdict::Withheld => 16,
            Verdict::BadLog => 17,
            Verdict::Unlogged => 18,
            Verdict::BadTime => 19,
            Verdict::Superseded => 20,
            Verdict::VoidKey => 22,
            Verdict::Stale => 23,
            Verdict::Unreadable => 1,
            Verdict::Unsealed | Verdict::Unreferenced if strict => 11,
            Verdict::Destroyed | Verdict::Unsealed | Verdict::Unreferenced | Verdict::NotYet | Verdict::Ok => 0,
        }
    }

    /// True of a record that is as it should be: whole, or gone by a decision that anybody can read.
    pub fn is_good(self) -> bool {
        matches!(self, Verdict::Ok | Verdict::Destroyed)
    }

    /// True for what asks for a look and proves nothing by itself.
    pub fn is_note(self) -> bool {
        matches!(self, Verdict::Unsealed | Verdict::Unreferenced | Verdict::NotYet)
    }

    /// At the head of a line for people, in Vietnamese; at most 15 columns.
    pub fn vi(self) -> &'static str {
        match self {
            Verdict::Altered => "BỊ SỬA",
            Verdict::Missing => "THIẾU",
            Verdict::Withheld => "BỊ GIẤU",
            Verdict::BadLog => "SAI NHẬT KÝ",
            Verdict::Unlogged => "NGOÀI NHẬT KÝ",
            Verdict::Stale => "NHẬT KÝ CŨ",
            Verdict::BadTime => "SAI THỜI ĐIỂM",
            Verdict::Superseded => "BẢN CŨ",
            Verdict::NotYet => "CHƯA CÓ LÚC ĐÓ",
            Verdict::BadSignature => "SAI CHỮ KÝ",
            Verdict::UnknownKey => "KHÓA LẠ",
            Verdict::VoidKey => "KHÓA VÔ HIỆU",
            Verdict::Malformed => "SAI DẠNG",
            Verdict::Unreadable => "KHÔNG ĐỌC ĐƯỢC",
            Verdict::Destroyed => "ĐÃ TIÊU HỦY",
            Verdict::Unsealed => "CHƯA NIÊM PHONG",
            Verdict::Unreferenced => "VÔ CHỦ",
            Verdict::Ok => "ĐÚNG",
        }
    }

    /// The same in English.
    pub fn en(self) -> &'static str {
        match self {
            Verdict::Altered => "ALTERED",
            Verdict::Missing => "MISSING",
            Verdict::Withheld => "WITHHELD",
            Verdict::BadLog => "BAD LOG",
            Verdict::Unlogged => "UNLOGGED",
            Verdict::Stale => "STALE",
            Verdict::BadTime => "BAD TIME",
            Verdict::Superseded => "SUPERSEDED",
            Verdict::NotYet => "NOT YET",
            Verdict::BadSignature => "BAD SIGNATURE",
            Verdict::UnknownKey => "UNKNOWN KEY",
            Verdict::VoidKey => "VOID KEY",
            Verdict::Malformed => "MALFORMED",
            Verdict::Unreadable => "UNREADABLE",
            Verdict::Destroyed => "DESTROYED",
            Verdict::Unsealed => "UNSEALED",
            Verdict::Unreferenced => "UNREFERENCED",
            Verdict::Ok => "OK",
        }
    }
}

/// What is written for a record, or for a file that belongs to none. In JSON its members; they may be added to, not renamed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// The record: as signed, or as its folder is named; null for what belongs to none.
    pub record: Option<String>,
    /// The heaviest finding.
    pub verdict: Verdict,
    /// The finding in English; names the object and what is wrong with it.
    pub reason: String,
    /// The same in Vietnamese.
    pub reason_vi: String,
    /// The object's name in the manifest, or the file concerned: relative to the record's folder, or to the audited folder for
    /// what lies elsewhere. Null when the record is whole, or a revision is not there.
    pub object: Option<String>,
    /// The revision concerned; the latest when the record is whole.
    pub revision: Option<u32>,
    /// Identifier of the key that signed that revision; null when its receipt was not believed.
    pub key: Option<String>,
    /// Whose key it is, as the trust policy says.
    pub key_name: Option<String>,
    /// When the sealer says it was sealed.
    pub sealed_at: Option<String>,
    /// The outcome in that revision: `sealed`, `review`, `skipped`, `failed`.
    pub state: Option<String>,
    /// Where that revision is in the log, from 0; left out when no log was asked for or it is not in there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log_index: Option<u64>,
    /// Between which witnessed moments that revision came into the log; left out when no witness says anything of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time: Option<Logged>,
    /// The legal signatures on that revision's PDF, as the sealer saw them; their bytes are sealed with the PDF. Left out where there are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pdf_signatures: Vec<PdfSignature>,
    /// The same signatures as they were judged here, and document time stamps. Left out where there are none, or they were not judged.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pdf_checks: Vec<PdfCheck>,
    /// Of loose files: objects of that revision that were not given. Left out where there are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub absent: Vec<String>,
    /// The record's folder or the file, relative to the audited folder.
    pub path: String,
    /// Findings beyond the first, at most 100 of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub more: Vec<MoreFinding>,
}

/// A further finding about the same record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct MoreFinding {
    pub verdict: Verdict,
    pub reason: String,
    pub reason_vi: String,
    pub object: Option<String>,
    pub revision: Option<u32>,
}

impl Line {
    /// A line about a file that belongs to no record we could name, or to `record` by an unsigned note only.
    pub fn about_file(path: String, record: Option<String>, finding: Finding) -> Line {
        Line {
            record,
            verdict: finding.cause.verdict(),
            reason: finding.en(),
            reason_vi: finding.vi(),
            object: Some(path.clone()),
            revision: finding.revision,
            key: None,
            key_name: None,
            sealed_at: None,
            state: None,
            log_index: None,
            time: None,
            pdf_signatures: Vec::new(),
            pdf_checks: Vec::new(),
            absent: Vec::new(),
            path,
            more: Vec::new(),
        }
    }
}

impl From<&Finding> for MoreFinding {
    fn from(finding: &Finding) -> Self {
        MoreFinding {
            verdict: finding.cause.verdict(),
            reason: finding.en(),
            reason_vi: finding.vi(),
            object: finding.object.clone(),
            revision: finding.revision,
        }
    }
}
