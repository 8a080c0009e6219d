//! Loose files: what somebody was handed of a record, such as a PDF with its receipt and its `.tlog-proof`, in one folder or named one by
//! one, under whatever names. A file belongs to the receipt that names its digest. What is not here is told and no fault; what is here
//! must be sealed, logged, and of the latest revision that is known.

use crate::cause::{Cause, Finding};
use crate::cosigned::TimeBracket;
use crate::destroyed;
use crate::files::{self, Entry, Kind};
use crate::key_events::{self, Keys};
use crate::log::{self, Excerpt, LogCopy, Logged};
use crate::moments::{self, Fresh};
use crate::pdf_signatures::{JudgePdf, PdfCheck};
use crate::record;
use crate::verdict::{Line, MoreFinding, Verdict};
use sohoa_record::identifier::RecordId;
use sohoa_record::log::Leaf;
use sohoa_record::seal::Opened;
use sohoa_record::{Envelope, Receipt, TrustPolicy};
use std::collections::{BTreeMap, BTreeSet};
use std::io;

/// What the files are held against.
#[derive(Clone, Copy)]
pub struct Against<'a> {
    /// Whom the auditor believes.
    pub policy: &'a TrustPolicy,
    /// A copy of the log.
    pub log: Option<&'a LogCopy>,
    /// What an export brought of its log.
    pub excerpt: Option<&'a Excerpt>,
    /// Which keys counted where; [`check`] reads it from the keyrings among the files.
    pub keys: Option<&'a Keys>,
    /// The time as of which is asked, in seconds since 1970 UTC.
    pub at: Option<u64>,
    /// How fresh a proof's checkpoint has to be.
    pub fresh: Option<Fresh>,
    /// Who judges the legal signatures of PDFs.
    pub pdf: Option<&'a JudgePdf<'a>>,
}

/// A believed receipt and what is here of it.
struct Own {
    shown: String,
    opened: Opened,
    /// Names of its objects that are here, and the names of their files.
    here: BTreeMap<String, String>,
    /// What was found of its PDF's signatures, and what is wrong with a file of it.
    pdf_checks: Vec<PdfCheck>,
    bad_pdf: Vec<(String, Cause)>,
    log_index: Option<u64>,
    time: Option<moments::Logged>,
}

/// Judges the files and hands out a line for each record, then one for each file that belongs to none.
pub fn check(given: &[Entry], against: &Against<'_>, write: &mut dyn FnMut(Line) -> io::Result<()>) -> io::Result<()> {
    let mut records: BTreeMap<RecordId, BTreeMap<u32, Own>> = BTreeMap::new();
    let (mut receipts, mut others, mut tombstones) = (Vec::new(), Vec::new(), Vec::new());
    let (mut keyrings, mut proofs) = (Vec::new(), Vec::new());
    let mut refused = 0;
    let about = |entry: &Entry, cause| Line::about_file(entry.name.clone(), None, Finding::about(&entry.name, None, cause));
    for entry in given {
        if entry.kind != Kind::File {
            write(about(entry, Cause::NotFollowed))?;
        } else if entry.name.ends_with(".tlog-proof") {
            proofs.push(entry);
        } else if is_keyring(entry) {
            keyrings.push(entry);
        } else if let Some(envelope) = tombstone(entry) {
            tombstones.push((entry, envelope));
        } else if let Some(receipt) = receipt(entry) {
            receipts.push((entry, receipt));
        } else {
            others.push(entry);
        }
    }
    let (keys, findings) = Keys::of(&keyrings, &proofs, &|entry| entry.name.clone(), against.policy, against.log);
    for finding in findings {
        write(Line::about_file(finding.object.clone().unwrap_or_default(), None, finding))?;
    }
    let policy = keys.as_ref().map_or(against.policy, |keys| &keys.policy);
    let against = &Against { policy, keys: keys.as_ref(), ..*against };
    for (entry, receipt) in receipts {
        match receipt.and_then(|receipt| Ok(receipt.open(against.policy)?)) {
            Ok(opened) => {
                let (record, revision) = (opened.manifest.record.clone(), opened.manifest.revision);
                let own = Own {
                    shown: entry.name.clone(),
                    opened,
                    here: BTreeMap::new(),
                    pdf_checks: Vec::new(),
                    bad_pdf: Vec::new(),
                    log_index: None,
                    time: None,
                };
                let revisions = records.entry(record).or_default();
                match revisions.get(&revision).map(|other| other.opened.digest == own.opened.digest) {
                    Some(true) => {}
                    Some(false) => write(about(entry, Cause::TwoReceipts))?,
                    None => drop(revisions.insert(revision, own)),
                }
            }
            Err(cause) => {
                refused += 1;
                write(about(entry, cause))?;
            }
        }
    }
    for (entry, envelope) in &tombstones {
        write(destroyed::loose(entry, envelope, &proofs, against))?;
    }
    for entry in others {
        if let Some(cause) = belongs(entry, &mut records, against.pdf).err()
            // Nobody can say what a receipt names that could not be opened.
            && !((refused > 0 || !tombstones.is_empty()) && matches!(cause, Cause::NotSealed))
        {
            write(about(entry, cause))?;
        }
    }
    for (record, revisions) in records {
        write(judged(&record, revisions, &proofs, against))?;
    }
    Ok(())
}

/// A receipt by its name, or by its first bytes under another name ending in `.json`.
pub fn receipt(entry: &Entry) -> Option<Result<Receipt, Cause>> {
    let named = entry.name.ends_with(".dsse.json");
    if !named && !entry.name.ends_with(".json") {
        return None;
    }
    match files::small_file(&entry.path).and_then(|bytes| Ok(Receipt::parse(&bytes)?)) {
        Ok(receipt) => Some(Ok(receipt)),
        Err(cause) => named.then_some(Err(cause)),
    }
}

/// A keyring, by its bytes under whatever name.
fn is_keyring(entry: &Entry) -> bool {
    entry.name.ends_with(".json") && files::small_file(&entry.path).is_ok_and(|bytes| key_events::is_keyring(&bytes))
}

/// A tombstone, by its bytes under a name that a receipt may have.
fn tombstone(entry: &Entry) -> Option<Envelope> {
    let bytes = entry.name.ends_with(".json").then(|| files::small_file(&entry.path).ok())?;
    destroyed::envelope(&bytes?)
}

/// Notes a file with every receipt that names it: as an object by its digests, or as the plain copy of a manifest.
fn belongs(
    entry: &Entry,
    records: &mut BTreeMap<RecordId, BTreeMap<u32, Own>>,
    judge: Option<&JudgePdf<'_>>,
) -> Result<(), Cause> {
    let digests = files::digests(&entry.path, u64::MAX)?;
    let mut found = false;
    for own in records.values_mut().flat_map(|revisions| revisions.values_mut()) {
        let mut objects = own.opened.manifest.objects.iter();
        if let Some(object) = objects.find(|object| object.digests == digests) {
            // A second copy of the file has the same signatures.
            if own.here.insert(object.name.clone(), entry.name.clone()).is_none() {
                let (checks, fault) = record::judge_pdf(judge, &entry.path, object, &own.opened.manifest);
                own.pdf_checks.extend(checks);
                own.bad_pdf.extend(fault.map(|cause| (entry.name.clone(), cause)));
            }
            found = true;
        }
        found |= own.opened.digest == digests.sha256;
    }
    if found { Ok(()) } else { Err(Cause::NotSealed) }
}

fn judged(record: &RecordId, mut revisions: BTreeMap<u32, Own>, proofs: &[&Entry], against: &Against<'_>) -> Line {
    let mut findings = Vec::new();
    let last = revisions.keys().last().copied();
    for (number, own) in &mut revisions {
        match logged(own, proofs, against) {
            Ok(Some(Found { index, bracket, witnesses, stale })) => {
                own.log_index = Some(index);
                // An older revision may well have a proof of its time.
                findings.extend(stale.filter(|_| Some(*number) == last).map(|cause| Finding::about(&own.shown, last, cause)));
                own.time = moments::Logged::of(&bracket, witnesses);
                let claimed = &own.opened.manifest.sealed_at;
                if let Some(cause) = moments::contradiction(claimed, &bracket, against.policy.time_tolerance()) {
                    findings.push(Finding::about(&own.shown, Some(*number), cause));
                }
                let asked = against.at.is_some() && against.policy.log().is_some_and(|log| log.wants_witnesses());
                if asked && bracket.by.is_none() {
                    findings.push(Finding::about(&own.shown, Some(*number), Cause::NotWitnessedThen));
                }
            }
            Ok(None) => {}
            Err(finding) => findings.push(finding),
        }
        let void = against.keys.and_then(|keys| keys.judge(&own.opened.signers, own.log_index));
        findings.extend(void.map(|cause| Finding::about(&own.shown, Some(*number), cause)));
        findings.extend(own.bad_pdf.drain(..).map(|(file, cause)| Finding::about(file, Some(*number), cause)));
    }
    let numbers: BTreeSet<u32> = revisions.keys().copied().collect();
    for (number, own) in &revisions {
        let before = number.checked_sub(1).and_then(|number| revisions.get(&number));
        if before.is_some_and(|before| own.opened.manifest.previous.as_ref() != Some(&before.opened.digest)) {
            findings.push(Finding { cause: Cause::BrokenChain, object: None, revision: Some(*number) });
        }
    }
    let known = against.log.map(|log| log.of_record(record).filter(|(n, _)| !numbers.contains(n)).collect::<Vec<_>>());
    for (number, leaf) in known.unwrap_or_default().into_iter().filter(|(n, _)| numbers.last().is_some_and(|last| n > last)) {
        findings.push(Finding { cause: Cause::Withheld(leaf), object: None, revision: Some(number) });
    }
    let then =
        |own: &Own| against.at.is_none_or(|at| moments::parse(&own.opened.manifest.sealed_at).is_none_or(|sealed| sealed <= at));
    let latest = revisions.iter().rev().find(|(_, own)| then(own)).map(|(number, _)| *number);
    if against.at.is_some() {
        // What concerns later revisions is no finding, unless the log was seen to know of them by then.
        let known = |leaf| against.log.is_some_and(|log| log.moments.bracket(leaf).0.by.is_some());
        findings.retain(|finding| match finding.cause {
            Cause::Withheld(leaf) => known(leaf),
            _ => finding.revision.is_none_or(|number| Some(number) <= latest),
        });
    }
    match latest.and_then(|number| revisions.get(&number)) {
        Some(own) => {
            for (number, older) in revisions.iter().filter(|(number, _)| Some(**number) < latest) {
                for (name, file) in older.here.iter().filter(|(name, _)| replaced(name, older, own)) {
                    let cause = Cause::Superseded { name: name.clone(), latest: own.opened.manifest.revision };
                    findings.push(Finding::about(file, Some(*number), cause));
                }
            }
            if revisions.values().all(|own| own.here.is_empty()) {
                findings.push(Finding { cause: Cause::OnlyReceipt, object: None, revision: latest });
            }
        }
        None => {
            findings.clear();
            let sealed_at = revisions.values().next().map_or_else(String::new, |own| own.opened.manifest.sealed_at.clone());
            findings.push(Finding { cause: Cause::NotYet { sealed_at }, object: None, revision: None });
        }
    }
    line(record, &revisions, latest, findings)
}

/// True when the later revision has other bytes under that name.
fn replaced(name: &str, older: &Own, later: &Own) -> bool {
    let digests = |own: &Own| own.opened.manifest.objects.iter().find(|o| o.name == name).map(|o| o.digests.clone());
    digests(older) != digests(later)
}

/// What the log, or a proof of it, says of a receipt.
struct Found {
    index: u64,
    bracket: TimeBracket,
    witnesses: usize,
    /// What is wrong with the age of the proof.
    stale: Option<Cause>,
}

/// Where the receipt is in the log, by the copy of it or by whichever proof fits.
fn logged(own: &Own, proofs: &[&Entry], against: &Against<'_>) -> Result<Option<Found>, Finding> {
    let Some(policy) = against.policy.log() else { return Ok(None) };
    let revision = Some(own.opened.manifest.revision);
    let told = |index, (bracket, witnesses), stale| Ok(Some(Found { index, bracket, witnesses, stale }));
    match against.log.map(|log| (log.of_receipt(&own.opened), log)) {
        Some((Logged::At(index), log)) => return told(index, log.moments.bracket(index), None),
        Some((Logged::Differs(leaf), _)) => return Err(Finding::about(&own.shown, revision, Cause::LeafDiffers(leaf))),
        Some((Logged::Not, _)) => return Err(Finding::about(&own.shown, revision, Cause::NotLogged)),
        None => {}
    }
    // A proof of its own name speaks about no other receipt.
    let stem = own.shown.trim_end_matches(".dsse.json");
    let (mut why, leaf) = (Finding::about(&own.shown, revision, Cause::NoProof), Leaf::of_revision(&own.opened));
    for proof in proofs {
        match files::small_file(&proof.path).and_then(|bytes| log::check_proof(&bytes, &leaf, policy, against.at)) {
            Ok(proved) => {
                let stale = against.fresh.and_then(|fresh| fresh.misses(proved.newest(against.excerpt)));
                return told(proved.index, proved.bracket(against.excerpt), stale);
            }
            Err(cause) if proof.name.trim_end_matches(".tlog-proof") == stem || proofs.len() == 1 => {
                why = Finding::about(&proof.name, revision, cause);
            }
            Err(_) => {}
        }
    }
    Err(why)
}

fn line(record: &RecordId, revisions: &BTreeMap<u32, Own>, latest: Option<u32>, mut findings: Vec<Finding>) -> Line {
    findings.sort_by_key(|finding| finding.cause.verdict());
    let worst = findings.first();
    let number = worst.map_or(latest, |finding| finding.revision);
    let own = number.or(latest).and_then(|number| revisions.get(&number));
    let manifest = own.map(|own| &own.opened.manifest);
    let absent = |own: &Own| {
        own.opened.manifest.objects.iter().filter(|o| !own.here.contains_key(&o.name)).map(|o| o.name.clone()).collect()
    };
    Line {
        record: Some(record.to_string()),
        verdict: worst.map_or(Verdict::Ok, |finding| finding.cause.verdict()),
        reason: worst.map_or_else(|| "what is here is what was sealed, byte for byte".into(), Finding::en),
        reason_vi: worst.map_or_else(|| "những gì có ở đây đúng từng byte như khi niêm phong".into(), Finding::vi),
        object: worst.and_then(|finding| finding.object.clone()),
        revision: number,
        key: own.map(|own| own.opened.key_id.to_string()),
        key_name: own.map(|own| own.opened.key_name.clone()),
        sealed_at: manifest.map(|manifest| manifest.sealed_at.clone()),
        state: manifest.map(|manifest| manifest.state.as_str().to_owned()),
        log_index: own.and_then(|own| own.log_index),
        time: own.and_then(|own| own.time.clone()),
        pdf_signatures: manifest.map_or_else(Vec::new, |manifest| manifest.pdf_signatures.clone()),
        pdf_checks: own.map_or_else(Vec::new, |own| own.pdf_checks.clone()),
        absent: own.map_or_else(Vec::new, absent),
        path: own.map_or_else(String::new, |own| own.shown.clone()),
        more: findings.iter().skip(1).take(100).map(MoreFinding::from).collect(),
    }
}
