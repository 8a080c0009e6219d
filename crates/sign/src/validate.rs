//! Signatures of PDFs that others made: each one is judged, and nothing is changed. What a signature covers, whether it holds, who
//! made it, whether its certificate leads to a trusted root, what was added afterwards. Whatever is not known to be harmless speaks
//! against it.
//!
//! It reads outside bytes and so belongs behind walls; it opens no file or connection and reads no clock. It does *not* make
//! signatures, fetch revocation lists, or say what a verdict means for a record.

mod algorithms;
mod asn1;
mod byte_range;
mod certificate;
mod difference;
mod document;
mod name;
mod path;
mod prepared;
mod revocation;
mod signed_data;
mod timestamp;

use algorithms::Hash;
use asn1::Element;
use base64::Engine as _;
use byte_range::Covered;
use certificate::Certificate;
use document::{Permission, Signature, resolve};
use lopdf::{Document, ObjectId};
use path::{Moment, Purpose};
use revocation::Evidence;
use serde::{Deserialize, Serialize};
use signed_data::{ADOBE_REVOCATION, DATA, SIGNING_TIME, SignedData, TIME_STAMP_TOKEN, verify_signer};
use sohoa_record::manifest::IncomingSignature;
use sohoa_record::signature::{Finding, SignatureCheck, Verdict};
use sohoa_record::text::nfc;
use std::collections::BTreeSet;

/// Signatures of one file; a paper with more is made to harm.
const MAX_SIGNATURES: usize = 100;
/// Bytes that are parsed for one file, all its signed revisions together.
const MAX_PARSED: usize = 1 << 30;

/// The roots that the administrator trusts. A service of the state publishes its own.
#[derive(Clone, Debug, Default)]
pub struct Trust {
    roots: Vec<Vec<u8>>,
}

impl Trust {
    /// Adds the certificates of a file, DER or PEM; false when there is none in it.
    pub fn add(&mut self, file: &[u8]) -> bool {
        let before = self.roots.len();
        let text = std::str::from_utf8(file).unwrap_or_default();
        for block in text.split("-----BEGIN CERTIFICATE-----").skip(1) {
            let body: String = block.split("-----END").next().unwrap_or_default().split_whitespace().collect();
            self.roots.extend(base64::engine::general_purpose::STANDARD.decode(body));
        }
        if self.roots.len() == before {
            self.roots.push(file.to_vec());
        }
        self.roots.retain(|root| Certificate::read(root).is_some());
        self.roots.len() > before
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.roots.len()
    }

    /// True when nobody is trusted.
    pub fn is_empty(&self) -> bool {
        self.roots.is_empty()
    }

    fn certificates(&self) -> Vec<Certificate<'_>> {
        self.roots.iter().filter_map(|root| Certificate::read(root)).collect()
    }
}

/// A signature that was found, and the judgement on it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checked {
    /// Who, when and how, as the file says.
    pub signature: IncomingSignature,
    /// What was found.
    pub check: SignatureCheck,
}

/// Judges every signature of a PDF. `now` (seconds since 1970) serves where no time of signing is given. The error is the judgement
/// on a file that cannot be relied on as a whole, where only that there are signatures can be said.
pub fn validate(data: &[u8], trust: &Trust, now: i64) -> Result<Vec<Checked>, Box<SignatureCheck>> {
    let ranges = ranges_in(data);
    // A signature without a range is none, and is told as that: whoever shows one wants it to be believed (CCS 2019, "universal signature forgery").
    let is_named = || data.windows(4).any(|window| window == b"/Sig");
    if ranges.is_empty() && !is_named() {
        return Ok(Vec::new());
    }
    let refused = |finding| Box::new(SignatureCheck::only(Verdict::Unsupported, vec![finding]));
    if data.len() > MAX_PARSED / 2 {
        return if ranges.is_empty() { Ok(Vec::new()) } else { Err(refused(Finding::TooComplex)) };
    }
    let document = match document::load(data) {
        Ok(document) => document,
        // Most of what only names signatures is a form that waits for one.
        Err(_) if ranges.is_empty() => return Ok(Vec::new()),
        Err(finding) => return Err(refused(finding)),
    };
    let signatures = document::signatures(&document);
    if signatures.len() > MAX_SIGNATURES {
        return Err(refused(Finding::TooComplex));
    }
    let mut judge = Judge { data, document: &document, trust, now, parsed: data.len() };
    let judged: Vec<Judged> = signatures.iter().map(|signature| judge.signature(signature)).collect();
    let verdict_of = |id: ObjectId| {
        let found = judged.iter().find(|other| other.id == Some(id));
        found.map_or(Verdict::Broken, |other| decide(&other.findings, other.is_altered))
    };
    let mut checked = Vec::new();
    for mut one in judged.iter().cloned() {
        let own = decide(&one.findings, one.is_altered);
        // A further signature is harmless only when it is one. What it shows on a page may hide what a known signer signed, so who
        // shows it has to be known too.
        let is_harmless = |(id, is_visible): &(ObjectId, bool)| match verdict_of(*id) {
            Verdict::Valid => true,
            verdict => (verdict.is_intact() || verdict == Verdict::Weak) && !(*is_visible && own == Verdict::Valid),
        };
        if !one.added.iter().all(is_harmless) {
            one.is_altered = true;
            one.findings.insert(Finding::AnnotationChanged);
        }
        one.checked.check.verdict = decide(&one.findings, one.is_altered);
        one.checked.check.findings = one.findings.into_iter().collect();
        checked.push(one.checked);
    }
    if ranges.len() > signatures.len() && has_unreached(&document, &ranges, &signatures) {
        checked.push(Checked {
            signature: listed(String::new(), String::new(), String::new()),
            check: SignatureCheck::only(Verdict::Broken, vec![Finding::Orphan]),
        });
    }
    Ok(checked)
}

fn listed(kind: String, signer: String, claimed_time: String) -> IncomingSignature {
    IncomingSignature { kind, signer, claimed_time, covers_whole_file: false }
}

/// Where signed ranges stand in the file, of whatever revision: signatures are never compressed, their own place is signed.
fn ranges_in(data: &[u8]) -> Vec<usize> {
    const NAME: &[u8] = b"/ByteRange";
    let is_range = |at: usize| data[at + NAME.len()..].trim_ascii_start().starts_with(b"[");
    data.windows(NAME.len()).enumerate().filter(|(at, window)| *window == NAME && is_range(*at)).map(|(at, _)| at).collect()
}

/// True when a signed range lies neither in a signature that was found nor in a stream, such as an attached file.
fn has_unreached(document: &Document, ranges: &[usize], signatures: &[Signature]) -> bool {
    let streams: Vec<(usize, usize)> = document
        .objects
        .values()
        .filter_map(|object| object.as_stream().ok())
        .filter_map(|stream| stream.start_position.map(|start| (start, start + stream.content.len())))
        .collect();
    let outside = ranges.iter().filter(|at| !streams.iter().any(|(start, end)| (start..end).contains(at))).count();
    outside > signatures.len()
}

/// One signature on its way to a verdict.
#[derive(Clone)]
struct Judged {
    checked: Checked,
    id: Option<ObjectId>,
    findings: BTreeSet<Finding>,
    is_altered: bool,
    added: Vec<(ObjectId, bool)>,
}

struct Judge<'a> {
    data: &'a [u8],
    document: &'a Document,
    trust: &'a Trust,
    now: i64,
    /// Bytes that were parsed so far.
    parsed: usize,
}

impl Judge<'_> {
    fn signature(&mut self, signature: &Signature) -> Judged {
        let dictionary = &signature.dictionary;
        let text = |key: &[u8]| {
            let object = dictionary.get(key).ok().map(|object| resolve(self.document, object).1);
            object.and_then(|object| object.as_str().ok()).map(document::text_string).unwrap_or_default()
        };
        let kind = dictionary.get(b"SubFilter").ok().and_then(|kind| resolve(self.document, kind).1.as_name().ok());
        let mut judged = Judged {
            checked: Checked {
                signature: listed(
                    kind.map(|kind| nfc(&String::from_utf8_lossy(kind))).unwrap_or_default(),
                    text(b"Name"),
                    text(b"M"),
                ),
                check: SignatureCheck::only(Verdict::NotChecked, Vec::new()),
            },
            id: signature.id,
            findings: BTreeSet::new(),
            is_altered: false,
            added: Vec::new(),
        };
        judged.checked.check.field = signature.field.clone();
        if signature.field.is_empty() {
            judged.findings.insert(Finding::Orphan);
        }
        if signature.is_shared {
            judged.findings.insert(Finding::SharedSignature);
        }
        let covered = byte_range::covered(self.document, signature, self.data);
        let contents = match &covered {
            Ok(covered) => covered.contents.clone(),
            Err(finding) => {
                judged.findings.insert(*finding);
                dictionary.get(b"Contents").ok().and_then(|c| c.as_str().ok()).map(<[u8]>::to_vec).unwrap_or_default()
            }
        };
        let parts = covered.as_ref().map(|covered| covered.parts.as_slice()).ok();
        self.container(&contents, parts, &mut judged);
        if let Ok(covered) = &covered {
            judged.checked.signature.covers_whole_file = covered.is_whole_file;
            self.revisions(covered, &mut judged);
        }
        judged
    }

    /// What the container says. Without covered bytes only its signer is read.
    fn container(&self, contents: &[u8], covered: Option<&[&[u8]]>, judged: &mut Judged) {
        let Some(container) = asn1::definite(contents) else {
            judged.findings.insert(Finding::CmsMalformed);
            return;
        };
        let signed = match SignedData::read(&container) {
            Ok(signed) => signed,
            Err(finding) => {
                judged.findings.insert(finding);
                return;
            }
        };
        let store = document::security_store(self.document);
        let stored = |name: &str| store.get(name).into_iter().flatten().map(Vec::as_slice);
        let mut evidence = Evidence { lists: stored("CRLs").collect(), answers: stored("OCSPs").collect() };
        evidence.lists.extend(&signed.lists);
        adobe_revocation(&signed, &mut evidence);
        let pool: Vec<Certificate<'_>> =
            signed.certificates.iter().copied().chain(stored("Certs")).take(512).filter_map(Certificate::read).collect();
        let Some(certificate) = pool.iter().find(|certificate| signed.signer.is(certificate)) else {
            judged.findings.insert(Finding::SignerCertificateMissing);
            return;
        };
        judged.checked.signature.signer = certificate.name();
        let check = &mut judged.checked.check;
        check.certificate_sha256 = Some(certificate.sha256());
        let Some(parts) = covered else { return };
        if judged.checked.signature.kind == "ETSI.RFC3161" {
            match timestamp::check(&container, parts, &pool, &evidence, self.trust) {
                Ok(stamp) => {
                    check.algorithm = stamp.algorithm;
                    check.stamped_time = rfc3339(stamp.time);
                    check.certificate_sha256 = Some(stamp.certificate);
                    check.path = stamp.path.names;
                    judged.findings.extend(stamp.path.findings);
                }
                Err(finding) => {
                    judged.findings.insert(finding);
                }
            }
            return;
        }
        let digest = Hash::Sha1.digest(parts).unwrap_or_default();
        let content: Vec<&[u8]> = match (judged.checked.signature.kind.as_str(), signed.content) {
            ("adbe.pkcs7.detached" | "ETSI.CAdES.detached", None) => parts.to_vec(),
            ("adbe.pkcs7.detached" | "ETSI.CAdES.detached", Some(_)) => {
                judged.findings.insert(Finding::ContentInSignature);
                return;
            }
            // ISO 32000-1 12.8.3.3.1: the content is the SHA-1 digest of the range
            ("adbe.pkcs7.sha1", Some(content)) => {
                judged.findings.insert(Finding::WeakDigest);
                if content != digest {
                    judged.findings.insert(Finding::DigestMismatch);
                }
                vec![content]
            }
            _ => {
                judged.findings.insert(Finding::KindUnsupported);
                return;
            }
        };
        if signed.content_type != DATA {
            judged.findings.insert(Finding::AttributeWrong);
        }
        let verified = verify_signer(&signed.signer, certificate, &content, signed.content_type);
        check.algorithm = verified.algorithm;
        let is_pades = judged.checked.signature.kind == "ETSI.CAdES.detached";
        for finding in verified.findings {
            // EN 319 142-1 6.3: what is optional elsewhere has to be there
            let required = [Finding::SigningCertificateUnbound, Finding::SignedAttributesMissing].contains(&finding);
            judged.findings.extend((is_pades && required).then_some(Finding::AttributeWrong));
            judged.findings.insert(finding);
        }
        let at = self.time(&signed, &pool, &evidence, judged);
        let path = path::find(certificate, &pool, &self.trust.certificates(), &evidence, at, Purpose::Signing);
        judged.checked.check.path = path.names;
        judged.findings.extend(path.findings);
    }

    /// When it was signed: the time stamp's time if that is trusted, else what the signer claims, else now. A claim proves nothing against what
    /// became of the certificate afterwards.
    fn time(&self, signed: &SignedData<'_>, pool: &[Certificate<'_>], evidence: &Evidence<'_>, judged: &mut Judged) -> Moment {
        if let Some(token) = signed.signer.unsigned_attribute(TIME_STAMP_TOKEN) {
            match timestamp::check(token.whole, &[signed.signer.signature], pool, evidence, self.trust) {
                Ok(stamp) => {
                    judged.findings.insert(Finding::TimeStamped);
                    judged.checked.check.stamped_time = rfc3339(stamp.time);
                    if stamp.is_trusted() {
                        return Moment::proven(stamp.time);
                    }
                    judged.findings.insert(Finding::TimeStampNotTrusted);
                }
                Err(_) => {
                    judged.findings.insert(Finding::TimeStampBroken);
                }
            }
        }
        let attribute = signed.signer.signed_attribute(SIGNING_TIME).ok().flatten();
        let at = match pdf_time(&judged.checked.signature.claimed_time).or(attribute.and_then(|time| time.time())) {
            Some(claimed) => {
                judged.findings.insert(Finding::TimeClaimed);
                claimed
            }
            None => {
                judged.findings.insert(Finding::TimeUnknown);
                self.now
            }
        };
        Moment { at, claimed_on: Some(self.now) }
    }

    /// The signed revision itself, and what came after it.
    fn revisions(&mut self, covered: &Covered<'_>, judged: &mut Judged) {
        if covered.is_whole_file {
            judged.findings.extend(prepared::findings(self.document));
            return;
        }
        judged.findings.insert(Finding::LaterRevision);
        self.parsed += covered.end;
        if self.parsed > MAX_PARSED {
            judged.findings.insert(Finding::TooComplex);
            return;
        }
        let signed = match document::load(&self.data[..covered.end]) {
            Ok(signed) => signed,
            Err(finding) => {
                judged.findings.insert(finding);
                return;
            }
        };
        judged.findings.extend(prepared::findings(&signed));
        // What lies behind has to be a revision that is read, or readers will differ on what it is.
        if self.document.xref_start < covered.end {
            judged.is_altered = true;
            judged.findings.insert(Finding::DocumentChanged);
        }
        let mut permission = Permission::default();
        for signature in document::signatures(&signed) {
            permission.restrict(&signed, &signature);
        }
        let difference = difference::between(&signed, self.document, &permission);
        judged.is_altered |= difference.is_altered;
        judged.findings.extend(difference.findings);
        judged.checked.check.changes = difference.changes;
        judged.added = difference.added;
    }
}

/// Revocation lists and answers in Adobe's signed attribute (ISO 32000-1 12.8.3.3.2).
fn adobe_revocation<'a>(signed: &SignedData<'a>, evidence: &mut Evidence<'a>) {
    let attribute = signed.signer.signed_attribute(ADOBE_REVOCATION).ok().flatten();
    for part in attribute.and_then(|value| value.children()).unwrap_or_default() {
        let list = part.only().and_then(|list: Element<'a>| list.children()).unwrap_or_default();
        let bytes = list.iter().map(|element| element.whole);
        match part.tag {
            0xa0 => evidence.lists.extend(bytes),
            0xa1 => evidence.answers.extend(bytes),
            _ => {}
        }
    }
}

/// The verdict that the findings come to; the gravest decides.
fn decide(findings: &BTreeSet<Finding>, is_altered: bool) -> Verdict {
    use Finding as F;
    let has = |any: &[Finding]| any.iter().any(|finding| findings.contains(finding));
    if has(&[F::RangeMalformed, F::RangeStart, F::RangeHole, F::RangeEnd]) {
        Verdict::NotCovering
    } else if has(&[
        F::CmsMalformed,
        F::SeveralSigners,
        F::ContentInSignature,
        F::DigestMismatch,
        F::SignatureMismatch,
        F::AttributeWrong,
        F::AlgorithmMismatch,
        F::SigningCertificateMismatch,
        F::SignerCertificateMissing,
        F::Orphan,
    ]) {
        Verdict::Broken
    } else if is_altered {
        Verdict::AlteredAfterSigning
    } else if has(&[F::AlgorithmUnsupported, F::KindUnsupported, F::StructureRepaired, F::TooComplex, F::EncryptedFile]) {
        Verdict::Unsupported
    } else if has(&[F::WeakDigest, F::WeakKey]) {
        Verdict::Weak
    } else if has(&[F::PathExpired, F::PathUsage, F::CertificateRevoked]) {
        Verdict::CertificateRefused
    } else if has(&[F::PathNotFound]) {
        Verdict::IssuerNotTrusted
    } else {
        Verdict::Valid
    }
}

fn rfc3339(seconds: i64) -> Option<String> {
    jiff::Timestamp::from_second(seconds).ok().map(|time| time.to_string())
}

/// Seconds since 1970 of a date string (ISO 32000-2 7.9.4): `D:YYYYMMDDHHmmSS+07'00'`.
fn pdf_time(text: &str) -> Option<i64> {
    let text = text.strip_prefix("D:").unwrap_or(text);
    let number = |from: usize, to: usize, default: i16| match text.get(from..to) {
        Some(digits) if digits.bytes().all(|b| b.is_ascii_digit()) => digits.parse().ok(),
        Some(_) => None,
        None => Some(default),
    };
    let small = |from: usize, default: i16| number(from, from + 2, default).and_then(|value| i8::try_from(value).ok());
    let local = asn1::seconds(number(0, 4, -1)?, [small(4, 1)?, small(6, 1)?, small(8, 0)?, small(10, 0)?, small(12, 0)?])?;
    let Some(zone) = text.get(14..) else { return Some(local) };
    let two = |from: usize| zone.get(from..from + 2).and_then(|digits| digits.parse::<i64>().ok());
    let sign = match zone.as_bytes().first() {
        Some(b'+') => -1,
        Some(b'-') => 1,
        _ => return Some(local),
    };
    Some(local + sign * (two(1)? * 3600 + two(4).unwrap_or(0) * 60))
}

#[cfg(test)]
mod pkits;
#[cfg(test)]
mod tests;
