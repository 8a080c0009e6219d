//! What is told of the legal signatures (PAdES) on a sealed PDF. They are judged in [`crate::pdf_judge`], where this program was built with
//! eyes for them (feature `pdf-signatures`).

use crate::report::Language;
use serde::{Deserialize, Serialize};
use sohoa_record::Manifest;
use sohoa_record::Sha256Hex;
use sohoa_record::signature::{Finding, Verdict};

/// Whether somebody who is believed vouches for a signer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Issuer {
    /// A path of certificates leads to a root that the auditor named.
    Trusted,
    /// None does.
    NotTrusted,
    /// The auditor named no roots.
    NotAsked,
}

/// One signature on a PDF, document time stamps included, as it was judged. In JSON its members; they may be added to, not renamed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PdfCheck {
    /// The common name in the signer's certificate.
    pub signer: String,
    /// What came of it: the codes of `docs/format.md`, `issuer_not_trusted` also where the issuer was not asked for.
    pub verdict: Verdict,
    /// Who vouches for the signer.
    pub issuer: Issuer,
    /// Why, and what else is known.
    pub findings: Vec<Finding>,
    /// Such as `rsa-pkcs1 sha256`.
    pub algorithm: String,
    /// SHA-256 of the signer's certificate.
    pub certificate_sha256: Option<Sha256Hex>,
    /// Common names from the signer up, as far as certificates led.
    pub path: Vec<String>,
    /// The time of an intact time stamp, RFC 3339 in UTC.
    pub stamped_time: Option<String>,
}

impl PdfCheck {
    /// The judgement in words, without the signer.
    pub fn words(&self, language: Language) -> String {
        let intact = self.verdict == Verdict::IssuerNotTrusted && self.issuer == Issuer::NotAsked;
        let mut words = match (language, intact) {
            (Language::Vi, true) => "nguyên vẹn; chưa hỏi ai cấp chứng thư (--roots)".to_owned(),
            (Language::En, true) => "intact; its issuer was not asked for (--roots)".to_owned(),
            (language, false) => in_words(self.verdict, &self.findings, language),
        };
        if let Some(at) = &self.stamped_time {
            let at: String = at.chars().take(19).collect::<String>().replace('T', " ");
            words +=
                &if language == Language::Vi { format!(", dấu thời gian {at} UTC") } else { format!(", stamped {at} UTC") };
        }
        words
    }
}

/// What came of the signatures of one PDF.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Judged {
    /// Each of them, in the order in which they were made.
    pub checks: Vec<PdfCheck>,
    /// What is wrong, in Vietnamese and English; none when every one holds and every one that was sealed is there.
    pub fault: Option<(String, String)>,
}

/// Judges the signatures of a PDF that is byte for byte what was sealed with that manifest.
pub type JudgePdf<'a> = dyn Fn(&[u8], &Manifest) -> Judged + 'a;

/// Findings that stand beside a verdict and are no reason for it.
const BESIDE: [Finding; 12] = [
    Finding::RevocationGood,
    Finding::RevocationNotChecked,
    Finding::TimeClaimed,
    Finding::TimeUnknown,
    Finding::TimeStamped,
    Finding::TimeStampNotTrusted,
    Finding::LaterRevision,
    Finding::ValidationDataAdded,
    Finding::TimeStampAdded,
    Finding::SignatureAdded,
    Finding::MetadataChanged,
    Finding::SigningCertificateUnbound,
];

/// What a good signature leaves open.
const UNPROVED: [Finding; 3] = [Finding::RevocationNotChecked, Finding::TimeClaimed, Finding::TimeUnknown];

/// A verdict with its reasons behind it.
pub(crate) fn in_words(verdict: Verdict, findings: &[Finding], language: Language) -> String {
    let word = |vi: &'static str, en: &'static str| if language == Language::Vi { vi } else { en };
    let told = word(verdict.vi(), verdict.en()).to_owned();
    // A good signature is told with what it does not prove, another with what is wrong.
    let is_told = |finding: &&Finding| match verdict {
        Verdict::Valid => UNPROVED.contains(finding),
        _ => !BESIDE.contains(finding),
    };
    let why = findings.iter().filter(is_told);
    let why: Vec<&str> = why.map(|finding| word(finding.vi(), finding.en())).collect();
    if why.is_empty() { told } else { format!("{told} ({})", why.join("; ")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_tell_the_reason_and_that_an_issuer_was_not_asked_for() {
        let check = PdfCheck {
            signer: "An".into(),
            verdict: Verdict::IssuerNotTrusted,
            issuer: Issuer::NotAsked,
            findings: vec![Finding::PathNotFound, Finding::TimeStamped],
            algorithm: String::new(),
            certificate_sha256: None,
            path: vec![],
            stamped_time: Some("2026-11-22T02:30:00Z".into()),
        };
        assert_eq!(check.words(Language::En), "intact; its issuer was not asked for (--roots), stamped 2026-11-22 02:30:00 UTC");
        let asked = PdfCheck { issuer: Issuer::NotTrusted, ..check.clone() };
        assert!(asked.words(Language::En).contains("not among the trusted ones (no path leads"), "{}", asked.words(Language::En));
        let revoked = PdfCheck {
            verdict: Verdict::CertificateRefused,
            findings: vec![Finding::CertificateRevoked],
            stamped_time: None,
            ..asked
        };
        assert_eq!(
            revoked.words(Language::Vi),
            "chữ ký nguyên vẹn, nhưng chứng thư không được chấp nhận (chứng thư đã bị thu hồi trước lúc ký)"
        );
        let valid = PdfCheck { verdict: Verdict::Valid, findings: vec![Finding::HiddenLayers], stamped_time: None, ..check };
        assert_eq!(valid.words(Language::Vi), "hợp lệ");
        let unproved = PdfCheck { findings: vec![Finding::RevocationNotChecked, Finding::TimeClaimed], ..valid };
        assert_eq!(
            unproved.words(Language::En),
            "valid (revocation was not checked; the time of signing is only what the signer claims)"
        );
    }
}
