//! One record's folder: every receipt opened, every object it names hashed again, and the chain of its revisions followed.

use crate::arrival;
use crate::audit::Observer;
use crate::cause::{Cause, Finding};
use crate::cosigned::TimeBracket;
use crate::destroyed::{self, Tombstone};
use crate::files::{self, Entry, Kind};
use crate::key_events::Keys;
use crate::log::{self, Excerpt, LogCopy, Logged};
use crate::moments::{self, Fresh};
use crate::pdf_signatures::{JudgePdf, PdfCheck};
use crate::verdict::{Line, MoreFinding, Verdict};
use serde::{Deserialize, Serialize};
use sohoa_record::identifier::RecordId;
use sohoa_record::log::Leaf;
use sohoa_record::manifest::{Manifest, Object, PdfSignature, Role};
use sohoa_record::seal::Opened;
use sohoa_record::{Digests, Receipt, Sha256Hex, TrustPolicy};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// How deep a record's folder may be nested: an export has `<record>/r0001/source.pdf`.
const MAX_DEPTH: usize = 4;

/// Findings kept for one record; what is more adds nothing to the verdict.
const MAX_FINDINGS: usize = 100;

/// A record's folder.
pub struct Home<'a> {
    /// Where it is.
    pub path: &'a Path,
    /// The same relative to the audited folder, as shown.
    pub shown: &'a str,
    /// The record that the folder is named for; none when it has another name.
    pub record: Option<RecordId>,
    /// The archive whose object tree holds the objects; none in an export.
    pub store: Option<&'a Path>,
    /// The log that must have the record's receipts; none in an export, which has proofs instead.
    pub log: Option<&'a LogCopy>,
    /// What an export brings of the log besides its proofs.
    pub excerpt: Option<&'a Excerpt>,
    /// What the root says about keys; none when the policy names no root.
    pub keys: Option<&'a Keys>,
    /// The time as of which is asked, in seconds since 1970 UTC; none: what is here.
    pub at: Option<u64>,
    /// How fresh a proof's checkpoint has to be; none: that is not asked.
    pub fresh: Option<Fresh>,
    /// Asked about each believed revision; what it says of the latest is handed on.
    pub observer: Option<Observer<'a>>,
    /// Who judges the legal signatures of PDFs.
    pub pdf: Option<&'a JudgePdf<'a>>,
}

/// What came of a record.
#[derive(Serialize, Deserialize)]
pub struct Checked {
    /// The record's line.
    pub line: Line,
    /// Files in the folder that no receipt names.
    pub strays: Vec<Line>,
    /// Names of all objects that opened receipts name.
    pub objects: Vec<Sha256Hex>,
    /// The source of revision 1, when its receipt could be opened.
    pub source: Option<Sha256Hex>,
    /// True when it is a later part of its source: the first part is committed last, so this one does not say that the source is done.
    pub later_part: bool,
    /// SHA-256 of each result code that an opened receipt has; one record has one at most.
    pub codes: Vec<Sha256Hex>,
    /// True when a believed tombstone stands for it, in the log where the policy names one.
    #[serde(default)]
    pub destroyed: bool,
    /// True when every revision's receipt is here, could be opened and is of this record: then all its objects are known.
    pub complete: bool,
    /// What the caller wanted to know of the latest revision, when that was believed.
    pub note: Option<String>,
}

/// What is kept of an opened receipt: never the manifest itself, which may be large.
pub(crate) struct Revision {
    pub(crate) digest: Sha256Hex,
    previous: Option<Sha256Hex>,
    key: String,
    key_name: String,
    sealed_at: String,
    state: &'static str,
    log_index: Option<u64>,
    time: Option<moments::Logged>,
    pdf_signatures: Vec<PdfSignature>,
    pdf_checks: Vec<PdfCheck>,
    note: Option<String>,
    /// As of the time that was asked for it was there, as the sealer says.
    then: bool,
}

pub(crate) struct Check<'a> {
    pub(crate) home: &'a Home<'a>,
    pub(crate) record: Option<RecordId>,
    pub(crate) findings: Vec<Finding>,
    /// By number.
    pub(crate) revisions: BTreeMap<u32, Revision>,
    /// Revisions whose receipt is here, opened or not.
    pub(crate) present: BTreeSet<u32>,
    /// Objects of the store that were already found whole: revisions share their source.
    whole: Vec<Digests>,
    objects: Vec<Sha256Hex>,
    source: Option<Sha256Hex>,
    later_part: bool,
    codes: Vec<Sha256Hex>,
    pub(crate) complete: bool,
    /// The tombstone, once it is believed.
    pub(crate) tombstone: Option<Tombstone>,
    /// The latest revision as of the time that was asked for.
    latest: Option<u32>,
    /// Files that a receipt, or its place, accounts for.
    accounted: BTreeSet<PathBuf>,
}

/// Checks the record in `home`.
pub fn check(home: &Home<'_>, policy: &TrustPolicy) -> Checked {
    let mut check = Check {
        home,
        record: home.record.clone(),
        findings: Vec::new(),
        revisions: BTreeMap::new(),
        present: BTreeSet::new(),
        whole: Vec::new(),
        objects: Vec::new(),
        source: None,
        later_part: false,
        codes: Vec::new(),
        complete: true,
        tombstone: None,
        latest: None,
        accounted: BTreeSet::new(),
    };
    let mut files = Vec::new();
    check.gather(home.path, 0, &mut files);
    for receipt in files.iter().filter(|entry| entry.name.ends_with(".dsse.json")) {
        check.receipt(receipt, policy);
    }
    check.chain(&files);
    check.withheld();
    check.as_of();
    check.lay_to_rest();
    check.conclude(&files)
}

/// The revision that a receipt's place stands for: `r0001.dsse.json`, or any receipt in a folder `r0001`.
pub fn named_revision(path: &Path) -> Option<u32> {
    let own = path.file_name()?.to_str()?.strip_suffix(".dsse.json").and_then(revision_number);
    own.or_else(|| path.parent()?.file_name()?.to_str().and_then(revision_number))
}

/// The number in `r0001`.
pub fn revision_number(name: &str) -> Option<u32> {
    let digits = name.strip_prefix('r').filter(|digits| digits.len() >= 4 && digits.bytes().all(|b| b.is_ascii_digit()))?;
    digits.parse().ok()
}

impl Check<'_> {
    /// All files of the folder, and the folders `r0001` themselves. A folder that is not named for a record may hold other
    /// records too, so there only its own files and its revisions' folders count.
    fn gather(&mut self, folder: &Path, depth: usize, files: &mut Vec<Entry>) {
        let entries = match files::entries(folder) {
            Ok(entries) => entries,
            Err(error) => return self.find(Finding::about(self.shown(folder), None, files::unreadable(&error))),
        };
        for entry in entries {
            let revision_folder = entry.kind == Kind::Folder && revision_number(&entry.name).is_some();
            if entry.kind == Kind::Folder && (revision_folder || self.home.record.is_some()) {
                if depth >= MAX_DEPTH {
                    self.find(Finding::about(self.shown(&entry.path), None, Cause::TooDeep));
                } else {
                    self.gather(&entry.path, depth + 1, files);
                }
            }
            if entry.kind != Kind::Folder || revision_folder {
                files.push(entry);
            }
        }
    }

    fn receipt(&mut self, entry: &Entry, policy: &TrustPolicy) {
        self.accounted.insert(entry.path.clone());
        let named = named_revision(&entry.path);
        self.present.extend(named);
        let shown = self.shown(&entry.path);
        let bytes = if entry.kind == Kind::File { files::small_file(&entry.path) } else { Err(Cause::NotAFile) };
        let opened = match bytes {
            Ok(bytes) => match destroyed::envelope(&bytes) {
                Some(envelope) => return self.bury(&entry.path, named, &envelope, policy),
                None => Receipt::parse(&bytes).and_then(|receipt| receipt.open(policy)).map_err(Cause::from),
            },
            Err(cause) => Err(cause),
        };
        let opened = opened.and_then(|opened| match (&opened.manifest, &self.record) {
            (manifest, _) if manifest.revision == 0 => Err(Cause::Malformed("revisions count from 1".into())),
            (manifest, Some(record)) if *record != manifest.record => {
                Err(Cause::OtherRecord { signed: manifest.record.to_string() })
            }
            _ => Ok(opened),
        });
        let opened = match opened {
            Ok(opened) => opened,
            Err(cause) => {
                self.complete = false;
                return self.find(Finding::about(shown, named, cause));
            }
        };
        let (signed, revision) = (&opened.manifest.record, opened.manifest.revision);
        self.record = Some(signed.clone());
        if let Some(named) = named.filter(|named| *named != revision) {
            self.find(Finding::about(shown.clone(), Some(revision), Cause::OtherRevision { signed: revision, named }));
        }
        self.codes.extend(opened.manifest.result_code.iter().map(|code| Sha256Hex::of(code.as_bytes())));
        self.manifest_copy(&entry.path, &opened);
        let pdf_checks = self.check_objects(entry.path.parent().unwrap_or(self.home.path), &opened);
        let then = self.was_there(&opened);
        let (log_index, time) = match self.check_logged(&entry.path, &Leaf::of_revision(&opened), policy) {
            Some((index, bracket)) => (Some(index), self.check_time(&shown, bracket, &opened, policy)),
            None => (None, None),
        };
        if let Some(cause) = self.home.keys.and_then(|keys| keys.judge(&opened.signers, log_index)) {
            self.find(Finding::about(shown.clone(), Some(revision), cause));
        }
        if revision == 1 {
            self.source = Some(opened.manifest.source.digests.sha256.clone());
            self.later_part = opened.manifest.part.is_some_and(|part| part.number > 1);
            if let Some(store) = self.home.store {
                let found = arrival::check(store, &opened.manifest);
                self.findings.extend(found);
            }
        }
        self.present.insert(revision);
        let note = self.home.observer.map(|observer| (observer.note)(&opened));
        let summary = Revision {
            digest: opened.digest,
            previous: opened.manifest.previous,
            key: opened.key_id.to_string(),
            key_name: opened.key_name,
            sealed_at: opened.manifest.sealed_at,
            state: opened.manifest.state.as_str(),
            log_index,
            time,
            pdf_signatures: opened.manifest.pdf_signatures,
            pdf_checks,
            note,
            then,
        };
        match self.revisions.get(&revision) {
            Some(other) if other.digest != summary.digest => self.find(Finding::about(shown, Some(revision), Cause::TwoReceipts)),
            _ => drop(self.revisions.insert(revision, summary)),
        }
    }

    /// The plain copies that may lie beside a receipt: `manifest.json` in the folder of a revision, `r0001.manifest.json` else.
    fn manifest_copy(&mut self, receipt: &Path, opened: &Opened) {
        let folder = receipt.parent().unwrap_or(self.home.path);
        let stem = receipt.file_name().and_then(|name| name.to_str()).and_then(|name| name.strip_suffix(".dsse.json"));
        for name in ["manifest.json".to_owned(), format!("{}.manifest.json", stem.unwrap_or_default())] {
            let path = folder.join(&name);
            let cause = match files::kind_below(folder, &[&name]) {
                Ok(None) => continue,
                Ok(Some(Kind::File)) => match files::small_file(&path) {
                    Ok(bytes) if bytes == opened.bytes => None,
                    Ok(_) => Some(Cause::ManifestCopy),
                    Err(cause) => Some(cause),
                },
                Ok(Some(_)) => Some(Cause::NotAFile),
                Err(cause) => Some(cause),
            };
            if let Some(cause) = cause {
                self.find(Finding::about(self.shown(&path), Some(opened.manifest.revision), cause));
            }
            self.accounted.insert(path);
        }
    }

    /// Every object must be beside the receipt under its name, or in the store under its digest; wherever it is, it must be whole.
    /// Gives what was found of the PDF's signatures.
    fn check_objects(&mut self, folder: &Path, opened: &Opened) -> Vec<PdfCheck> {
        let mut judged = Vec::new();
        for object in &opened.manifest.objects {
            let (sealed, hash) = (&object.digests, object.digests.sha256.as_str());
            let mut places = vec![(folder, vec![object.name.as_str()])];
            places.extend(self.home.store.map(|store| (store, vec!["objects", "sha256", &hash[..2], hash])));
            let (mut here, mut sound) = (false, None);
            let mut causes = Vec::new();
            for (base, steps) in places {
                let path = steps.iter().fold(base.to_owned(), |path, step| path.join(step));
                match files::kind_below(base, &steps) {
                    Ok(None) => continue,
                    Ok(Some(Kind::File)) if base != folder && self.whole.contains(sealed) => sound = Some(path.clone()),
                    Ok(Some(Kind::File)) => match whole(&path, sealed) {
                        Ok(()) => {
                            sound = Some(path.clone());
                            self.whole.extend((base != folder).then(|| sealed.clone()));
                        }
                        Err(cause) => causes.push(cause),
                    },
                    Ok(Some(_)) => causes.push(Cause::NotAFile),
                    Err(cause) => causes.push(cause),
                }
                here = true;
                self.accounted.insert(path);
            }
            if !here {
                causes.push(Cause::ObjectMissing);
            }
            if let Some(path) = sound {
                let (checks, fault) = judge_pdf(self.home.pdf, &path, object, &opened.manifest);
                judged.extend(checks);
                causes.extend(fault);
            }
            for cause in causes {
                self.find(Finding::about(&object.name, Some(opened.manifest.revision), cause));
            }
            self.objects.push(sealed.sha256.clone());
        }
        judged
    }

    /// When the policy names a log, the receipt must be in it: in the copy that is at hand, or by the proof beside the receipt.
    pub(crate) fn check_logged(
        &mut self,
        receipt: &Path,
        leaf: &Leaf,
        policy: &TrustPolicy,
    ) -> Option<(u64, (TimeBracket, usize))> {
        let shown = self.shown(receipt);
        let stem = shown.strip_suffix(".dsse.json").unwrap_or(&shown);
        let (proof, shown_proof) =
            (receipt.with_file_name(format!("{}.tlog-proof", file_stem(receipt))), format!("{stem}.tlog-proof"));
        let here = files::kind_below(receipt.parent()?, &[proof.file_name()?.to_str()?]);
        let here = matches!(here, Ok(Some(Kind::File)));
        if here {
            self.accounted.insert(proof.clone());
        }
        let policy = policy.log()?;
        let revision = leaf.ver;
        let proved =
            here.then(|| files::small_file(&proof).and_then(|bytes| log::check_proof(&bytes, leaf, policy, self.home.at)));
        if let Some(Err(cause)) = &proved {
            self.find(Finding::about(&shown_proof, revision, cause.clone()));
        }
        match (self.home.log.map(|log| log.of_leaf(leaf)), proved) {
            (Some(Logged::At(index)), _) => return Some((index, self.home.log?.moments.bracket(index))),
            (Some(Logged::Differs(index)), _) => self.find(Finding::about(shown, revision, Cause::LeafDiffers(index))),
            (None, Some(proved)) => {
                let proved = proved.ok()?;
                let stale = self.home.fresh.and_then(|fresh| fresh.misses(proved.newest(self.home.excerpt)));
                // Every revision has a proof of its own, mostly under one checkpoint: it is told once.
                if let Some(cause) = stale.filter(|stale| !self.findings.iter().any(|known| known.cause == *stale)) {
                    self.find(Finding::about(shown_proof, revision, cause));
                }
                return Some((proved.index, proved.bracket(self.home.excerpt)));
            }
            // An archive without a log has a line of its own for that.
            (None, None) if self.home.store.is_some() => {}
            (Some(Logged::Not), _) => self.find(Finding::about(shown, revision, Cause::NotLogged)),
            (None, None) => self.find(Finding::about(shown, revision, Cause::NoProof)),
        }
        None
    }

    /// As of the time that was asked for, a revision was there when its sealer says so; witnesses must agree, see [`Self::check_time`].
    fn was_there(&self, opened: &Opened) -> bool {
        let sealed = moments::parse(&opened.manifest.sealed_at).unwrap_or(0);
        self.home.at.is_none_or(|at| sealed <= at)
    }

    /// Between which witnessed moments the leaf came into the log, and whether the claimed time may be true.
    fn check_time(
        &mut self,
        shown: &str,
        (bracket, witnesses): (TimeBracket, usize),
        opened: &Opened,
        policy: &TrustPolicy,
    ) -> Option<moments::Logged> {
        let (sealed_at, revision) = (&opened.manifest.sealed_at, Some(opened.manifest.revision));
        if let Some(cause) = moments::contradiction(sealed_at, &bracket, policy.time_tolerance()) {
            self.find(Finding::about(shown, revision, cause));
        }
        if self.home.at.is_some() && bracket.by.is_none() && policy.log().is_some_and(|log| log.wants_witnesses()) {
            self.find(Finding::about(shown, revision, Cause::NotWitnessedThen));
        }
        moments::Logged::of(&bracket, witnesses)
    }

    /// As of a time: what concerns revisions that were not there then is no finding.
    fn as_of(&mut self) {
        if self.home.at.is_none() || self.revisions.is_empty() {
            return;
        }
        let last = self.revisions.iter().filter(|(_, revision)| revision.then).map(|(number, _)| *number).max();
        let later = |number: u32| last.is_none_or(|last| number > last);
        let known_then = |finding: &Finding| match (&finding.cause, self.home.log) {
            (Cause::Withheld(leaf), Some(log)) => log.moments.bracket(*leaf).0.by.is_some(),
            _ => finding.revision.is_none_or(|number| !later(number) || !self.revisions.contains_key(&number)),
        };
        let kept: Vec<Finding> = self.findings.iter().filter(|finding| known_then(finding)).cloned().collect();
        self.findings = kept;
        self.latest = last;
        if last.is_none() && self.findings.is_empty() {
            let first = self.revisions.values().next().map_or_else(String::new, |revision| revision.sealed_at.clone());
            let number = self.revisions.keys().next().copied();
            self.find(Finding { cause: Cause::NotYet { sealed_at: first }, object: None, revision: number });
        }
    }

    /// Revisions that the log knows and that are not here: later ones, which nothing else would betray, and any other.
    fn withheld(&mut self) {
        let (Some(log), Some(record)) = (self.home.log, self.record.clone()) else { return };
        let gone: Vec<_> =
            log.of_record(&record).filter(|(number, _)| !self.present.contains(number)).take(MAX_FINDINGS).collect();
        for (number, leaf) in gone {
            self.complete = false;
            self.find(Finding { cause: Cause::Withheld(leaf), object: None, revision: Some(number) });
        }
    }

    /// Revisions count from 1 without a gap, and each names the digest of the one before it.
    fn chain(&mut self, files: &[Entry]) {
        let folders = files.iter().filter(|entry| entry.kind == Kind::Folder).filter_map(|entry| revision_number(&entry.name));
        let last = self.present.iter().copied().chain(folders).max().unwrap_or(0);
        let gaps: Vec<u32> = (1..=last).filter(|n| !self.present.contains(n)).take(MAX_FINDINGS).collect();
        self.complete &= gaps.is_empty();
        for revision in gaps {
            self.find(Finding { cause: Cause::RevisionMissing, object: None, revision: Some(revision) });
        }
        let mut broken = Vec::new();
        for (number, revision) in &self.revisions {
            let fits = match (&revision.previous, number.checked_sub(1).and_then(|n| self.revisions.get(&n))) {
                (Some(previous), Some(before)) => *previous == before.digest,
                (Some(_), None) => *number > 1,
                (None, _) => *number == 1,
            };
            if !fits {
                broken.push(Finding { cause: Cause::BrokenChain, object: None, revision: Some(*number) });
            }
        }
        self.findings.extend(broken);
    }

    fn conclude(mut self, files: &[Entry]) -> Checked {
        let no_receipt = self.present.is_empty() && self.findings.is_empty() && self.revisions.is_empty();
        if no_receipt {
            let cause = if files.iter().any(|entry| entry.kind != Kind::Folder) { Cause::NoReceipt } else { Cause::EmptyFolder };
            self.find(Finding { cause, object: None, revision: None });
        }
        let record = self.record.as_ref().map(ToString::to_string);
        // Without all receipts nobody can say which files belong to the record.
        let strays = if self.complete && !no_receipt { self.strays(files, record.clone()) } else { Vec::new() };
        // stable: among equals the first that was found leads
        self.findings.sort_by_key(|finding| finding.cause.verdict());
        let worst = self.findings.first();
        let latest = || self.latest.or_else(|| self.revisions.keys().next_back().copied());
        let number = worst.map_or_else(&latest, |finding| finding.revision);
        let revision = number.and_then(|n| self.revisions.get(&n));
        let buried = self.tombstone.as_ref().filter(|tombstone| number == Some(tombstone.revision));
        let line = Line {
            record,
            verdict: worst.map_or(Verdict::Ok, |finding| finding.cause.verdict()),
            reason: worst.map_or_else(|| "all that was sealed is here, byte for byte".into(), Finding::en),
            reason_vi: worst.map_or_else(|| "còn đủ và đúng từng byte như khi niêm phong".into(), Finding::vi),
            object: worst.and_then(|finding| finding.object.clone()),
            revision: number,
            key: revision.map_or_else(|| buried.map(|t| t.key.clone()), |r| Some(r.key.clone())),
            key_name: revision.map_or_else(|| buried.map(|t| t.key_name.clone()), |r| Some(r.key_name.clone())),
            sealed_at: revision.map(|r| r.sealed_at.clone()),
            state: revision.map(|r| r.state.to_owned()),
            log_index: revision.map_or_else(|| buried.and_then(|t| t.log_index), |r| r.log_index),
            time: revision.map_or_else(|| buried.and_then(|t| t.time.clone()), |r| r.time.clone()),
            pdf_signatures: revision.map_or_else(Vec::new, |r| r.pdf_signatures.clone()),
            pdf_checks: revision.map_or_else(Vec::new, |r| r.pdf_checks.clone()),
            absent: Vec::new(),
            path: if self.home.shown.is_empty() { ".".into() } else { self.home.shown.into() },
            more: self.findings.iter().skip(1).take(MAX_FINDINGS).map(MoreFinding::from).collect(),
        };
        let note = latest().and_then(|number| self.revisions.get(&number)).and_then(|revision| revision.note.clone());
        Checked {
            line,
            strays,
            objects: self.objects,
            source: self.source,
            later_part: self.later_part,
            codes: self.codes,
            complete: self.complete,
            destroyed: self.tombstone.is_some(),
            note,
        }
    }

    fn strays(&self, files: &[Entry], record: Option<String>) -> Vec<Line> {
        files
            .iter()
            .filter(|entry| entry.kind != Kind::Folder && !self.accounted.contains(&entry.path))
            .map(|entry| {
                let (own, home) = (self.shown(&entry.path), self.home.shown);
                let shown = if home.is_empty() { own } else { format!("{home}/{own}") };
                let finding = Finding::about(shown.clone(), None, Cause::Unreferenced);
                Line::about_file(shown, record.clone(), finding)
            })
            .collect()
    }

    pub(crate) fn find(&mut self, finding: Finding) {
        self.findings.push(finding);
    }

    /// `path` relative to the record's folder: what is above it stands in the line's `path`.
    pub(crate) fn shown(&self, path: &Path) -> String {
        path.strip_prefix(self.home.path).unwrap_or(path).to_string_lossy().into_owned()
    }
}

/// The legal signatures of an object that is whole, where the manifest says that the PDF has some: each of them, and what is wrong.
pub(crate) fn judge_pdf(
    judge: Option<&JudgePdf<'_>>,
    path: &Path,
    object: &Object,
    manifest: &Manifest,
) -> (Vec<PdfCheck>, Option<Cause>) {
    let judge = judge.filter(|_| object.role == Role::Searchable && !manifest.pdf_signatures.is_empty());
    let Some(judge) = judge else { return (Vec::new(), None) };
    match std::fs::read(path) {
        Ok(bytes) => {
            let judged = judge(&bytes, manifest);
            (judged.checks, judged.fault.map(|(vi, en)| Cause::BadPdfSignature { vi, en }))
        }
        Err(error) => (Vec::new(), Some(files::unreadable(&error))),
    }
}

/// `r0001` of `r0001.dsse.json`.
fn file_stem(receipt: &Path) -> String {
    let name = receipt.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    name.strip_suffix(".dsse.json").map(str::to_owned).unwrap_or(name)
}

/// Whether the file at `path` is what was sealed. A file of another size is not read.
fn whole(path: &Path, sealed: &Digests) -> Result<(), Cause> {
    let size = files::size(path)?;
    if size != sealed.size {
        return Err(Cause::Size { sealed: sealed.size, found: size });
    }
    let found = files::digests(path, sealed.size)?;
    if found.size != sealed.size {
        return Err(Cause::Size { sealed: sealed.size, found: found.size });
    }
    match (found.sha256 == sealed.sha256, found.sha512 == sealed.sha512) {
        (true, true) => Ok(()),
        (false, _) => Err(Cause::Digest("SHA-256")),
        (true, false) => Err(Cause::Digest("SHA-512")),
    }
}
