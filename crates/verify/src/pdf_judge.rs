//! The judge of the legal signatures on sealed PDFs: `sohoa-sign` says of each whether it holds and who made it, and they are held against those
//! that the manifest says were made. Whose word counts is the auditor's matter: no root is built in, and the system's are not asked.
//!
//! A PDF comes here only after a believed key has sealed its very bytes. What is read is small enough to be read whole.

use crate::moments;
use crate::pdf_signatures::{Issuer, Judged, PdfCheck, in_words};
use crate::report::Language;
use sohoa_record::manifest::PdfSignature;
use sohoa_record::signature::Verdict;
use sohoa_record::{Manifest, Sha256Hex};
use sohoa_sign::validate::{Checked, Trust, validate};
use std::io;
use std::path::Path;

/// Why roots cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RootsError {
    /// The folder or a file in it.
    #[error("{path} cannot be read: {source}")]
    Unreadable {
        /// Which.
        path: String,
        /// The operating system's words.
        source: io::Error,
    },
    /// A file of something else.
    #[error("{path} holds no certificate (PEM or DER)")]
    NoCertificate {
        /// Which.
        path: String,
    },
    /// An empty folder.
    #[error("there is no certificate in {path}")]
    Empty {
        /// Which.
        path: String,
    },
}

/// The root certificates (PEM or DER) of a folder that has nothing else in it, or of one file.
pub fn roots(place: &Path) -> Result<Trust, RootsError> {
    let path = |path: &Path| path.display().to_string();
    let unreadable = |at: &Path, source| RootsError::Unreadable { path: path(at), source };
    let mut files = vec![place.to_owned()];
    if !place.is_file() {
        let entries = std::fs::read_dir(place).and_then(|entries| entries.collect::<io::Result<Vec<_>>>());
        files = entries.map_err(|e| unreadable(place, e))?.into_iter().map(|entry| entry.path()).collect();
        files.sort();
    }
    let mut trust = Trust::default();
    for file in files {
        let bytes = std::fs::read(&file).map_err(|e| unreadable(&file, e))?;
        if !trust.add(&bytes) {
            return Err(RootsError::NoCertificate { path: path(&file) });
        }
    }
    if trust.is_empty() { Err(RootsError::Empty { path: path(place) }) } else { Ok(trust) }
}

/// Whose signatures on PDFs are believed, and as of when.
#[derive(Clone, Debug, Default)]
pub struct Signers {
    /// The roots that may vouch for a signer.
    pub trust: Trust,
    /// Whoever else signed, however well, is a fault.
    pub must_be_known: bool,
    /// The day on which a certificate must still be good whose signature no believed time stamp dates, in seconds since 1970 UTC. None: the
    /// time at which the PDF says to be sealed, which the log bounds.
    pub now: Option<i64>,
}

impl Signers {
    /// Judges the signatures of a PDF that was sealed with that manifest, byte for byte.
    pub fn judge(&self, bytes: &[u8], manifest: &Manifest) -> Judged {
        let sealed_at = moments::parse(&manifest.sealed_at).and_then(|at| i64::try_from(at).ok());
        let now = self.now.or(sealed_at).unwrap_or(i64::MAX);
        match validate(bytes, &self.trust, now) {
            Ok(checked) => {
                let fault = self.fault(&checked, &manifest.pdf_signatures);
                Judged { checks: checked.into_iter().map(|one| self.told(one)).collect(), fault }
            }
            Err(check) => {
                let words = |language| in_words(check.verdict, &check.findings, language);
                Judged { checks: Vec::new(), fault: Some((words(Language::Vi), words(Language::En))) }
            }
        }
    }

    /// What is wrong: one that does not hold, or one that the manifest says was made and that is not there by the certificate that it names.
    fn fault(&self, checked: &[Checked], sealed: &[PdfSignature]) -> Option<(String, String)> {
        let (there, wanted) = (checked.len(), sealed.len());
        if there < wanted {
            return Some((
                format!("có {there} chữ ký, đã niêm phong {wanted}"),
                format!("{there} are there, {wanted} were sealed"),
            ));
        }
        let holds = |verdict: Verdict| if self.must_be_known { verdict == Verdict::Valid } else { verdict.is_intact() };
        if let Some(bad) = checked.iter().map(|one| &one.check).find(|check| !holds(check.verdict)) {
            let words = |language| in_words(bad.verdict, &bad.findings, language);
            return Some((words(Language::Vi), words(Language::En)));
        }
        let there: Vec<&Sha256Hex> = checked.iter().filter_map(|one| one.check.certificate_sha256.as_ref()).collect();
        let other = made_by_another(sealed, &there)?;
        let (name, digest) = (&other.signer, &other.certificate_sha256);
        Some((
            format!("không có chữ ký bằng chứng thư đã niêm phong của {name} (SHA-256 {digest})"),
            format!("none is by the certificate of {name} that was sealed (SHA-256 {digest})"),
        ))
    }

    fn told(&self, one: Checked) -> PdfCheck {
        let check = one.check;
        let leads_to_a_root = matches!(check.verdict, Verdict::Valid | Verdict::CertificateRefused);
        let issuer = match leads_to_a_root {
            _ if self.trust.is_empty() => Issuer::NotAsked,
            true => Issuer::Trusted,
            false => Issuer::NotTrusted,
        };
        PdfCheck {
            signer: one.signature.signer,
            verdict: check.verdict,
            issuer,
            findings: check.findings,
            algorithm: check.algorithm,
            certificate_sha256: check.certificate_sha256,
            path: check.path,
            stamped_time: check.stamped_time,
        }
    }
}

/// The first sealed signature whose certificate made none of those that are there; both are in the order in which they were made.
fn made_by_another<'a>(sealed: &'a [PdfSignature], there: &[&Sha256Hex]) -> Option<&'a PdfSignature> {
    let mut there = there.iter();
    sealed.iter().find(|sealed| !there.any(|certificate| **certificate == sealed.certificate_sha256))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_sealed_signature_is_by_the_certificate_that_was_sealed() {
        let digests = ["person", "seal", "stranger"].map(|name| Sha256Hex::of(name.as_bytes()));
        let [person, seal, stranger] = &digests;
        let signature = |certificate: &Sha256Hex| PdfSignature {
            profile: "nd30-2020".into(),
            signer: "UBND xã Thử Nghiệm".into(),
            certificate_sha256: certificate.clone(),
            level: "b-b".into(),
            signed_at: "2026-11-22T09:30:00+07:00".into(),
            stamped_at: None,
        };
        let sealed = [signature(person), signature(seal)];
        assert_eq!(made_by_another(&sealed, &[person, seal]), None);
        assert_eq!(made_by_another(&sealed, &[person, stranger, seal]), None, "a time stamp, or one that came later");
        assert_eq!(made_by_another(&sealed, &[person, stranger]), Some(&sealed[1]));
        assert_eq!(made_by_another(&sealed, &[stranger, seal]), Some(&sealed[0]));
        assert_eq!(made_by_another(&sealed, &[seal, person]), Some(&sealed[1]), "the order is sealed too");
        assert_eq!(made_by_another(&sealed, &[person]), Some(&sealed[1]), "one certificate does not stand for two");
    }

    #[test]
    fn roots_are_a_folder_of_certificates_or_a_file() {
        let dir = tempfile::tempdir().unwrap();
        assert!(matches!(roots(&dir.path().join("none")), Err(RootsError::Unreadable { .. })));
        assert!(matches!(roots(dir.path()), Err(RootsError::Empty { .. })));
        let file = dir.path().join("readme");
        std::fs::write(&file, "nothing").unwrap();
        for place in [dir.path(), &file] {
            assert!(matches!(roots(place), Err(RootsError::NoCertificate { path }) if path.ends_with("readme")));
        }
    }
}
