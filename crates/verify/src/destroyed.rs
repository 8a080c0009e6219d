//! Tombstones: the record was destroyed by a decision that anybody can read. A tombstone counts only when a believed key has signed it and, where
//! the policy names a log, its leaf is there; else what is gone is missing or withheld as if it were not here.

use crate::cause::{Cause, Finding, printable};
use crate::files::{self, Kind};
use crate::log::{self, Logged};
use crate::loose::Against;
use crate::moments;
use crate::record::Check;
use crate::verdict::Line;
use serde::Deserialize;
use sohoa_record::identifier::RecordId;
use sohoa_record::tombstone::{self, PAYLOAD_TYPE};
use sohoa_record::{Envelope, Sha256Hex, TrustPolicy};
use std::path::Path;

/// The name of the note, in the folder of a source's arrivals, that the source was destroyed.
pub const NOTE: &str = "destroyed.json";

/// A tombstone that is believed.
pub(crate) struct Tombstone {
    /// Whose place it has: those before it are gone.
    pub revision: u32,
    /// Digests of the manifests of all of them.
    receipts: Vec<Sha256Hex>,
    by: String,
    at: String,
    basis: String,
    pub key: String,
    pub key_name: String,
    pub log_index: Option<u64>,
    pub time: Option<moments::Logged>,
}

/// The envelope, when stored bytes are that of a tombstone.
pub fn envelope(bytes: &[u8]) -> Option<Envelope> {
    Envelope::parse(bytes).ok().filter(|envelope| envelope.is_of_type(PAYLOAD_TYPE))
}

/// The record that the note in a source's folder of arrivals says was destroyed.
pub fn noted(folder: &Path) -> Option<Result<RecordId, Cause>> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Note {
        format: String,
        record: RecordId,
    }
    match files::kind_below(folder, &[NOTE]) {
        Ok(None) => None,
        Ok(Some(Kind::File)) => Some(files::small_file(&folder.join(NOTE)).and_then(|bytes| {
            let note: Note = serde_json::from_slice(&bytes).map_err(|e| Cause::Malformed(e.to_string()))?;
            if note.format == "sohoa-destroyed/1" {
                Ok(note.record)
            } else {
                Err(Cause::Malformed("not a note of a destruction".into()))
            }
        })),
        Ok(Some(_)) => Some(Err(Cause::NotAFile)),
        Err(cause) => Some(Err(cause)),
    }
}

/// Judges a tombstone among loose files: by the copy of the log, or by whichever proof fits.
pub(crate) fn loose(entry: &files::Entry, envelope: &Envelope, proofs: &[&files::Entry], against: &Against<'_>) -> Line {
    let opened = match tombstone::Tombstone::open(envelope, against.policy) {
        Ok(opened) => opened,
        Err(error) => return Line::about_file(entry.name.clone(), None, Finding::about(&entry.name, None, error.into())),
    };
    let words = &opened.tombstone;
    let proved = |policy| {
        let mut found = proofs.iter().filter_map(|proof| files::small_file(&proof.path).ok());
        found.find_map(|bytes| log::check_proof(&bytes, &opened.leaf, policy, against.at).ok())
    };
    let logged = match (against.policy.log(), against.log.map(|log| log.of_leaf(&opened.leaf))) {
        (None, _) => Ok(None),
        (Some(_), Some(Logged::At(index))) => Ok(Some(index)),
        (Some(_), Some(Logged::Differs(index))) => Err(Cause::LeafDiffers(index)),
        (Some(_), Some(Logged::Not)) => Err(Cause::NotLogged),
        (Some(policy), None) => proved(policy).map(|proved| Some(proved.index)).ok_or(Cause::NoProof),
    };
    let void = |index| against.keys.and_then(|keys| keys.judge(&opened.signers, index));
    let cause = logged.clone().map_or_else(Some, void).unwrap_or_else(|| Cause::Destroyed {
        by: printable(&words.by),
        at: printable(&words.destroyed_at),
        basis: printable(&words.basis),
    });
    let finding = Finding { cause, object: None, revision: Some(words.revision) };
    let mut line = Line::about_file(entry.name.clone(), Some(words.record.to_string()), finding);
    line.object = None;
    (line.key, line.key_name) = (Some(opened.key_id.to_string()), Some(opened.key_name));
    line.log_index = logged.ok().flatten();
    line
}

impl Check<'_> {
    /// Takes in the tombstone at `path`, when it is one that counts.
    pub(crate) fn bury(&mut self, path: &Path, named: Option<u32>, envelope: &Envelope, policy: &TrustPolicy) {
        let shown = self.shown(path);
        let opened = tombstone::Tombstone::open(envelope, policy).map_err(Cause::from);
        let opened = opened.and_then(|opened| match &self.record {
            Some(record) if *record != opened.tombstone.record => {
                Err(Cause::OtherRecord { signed: opened.tombstone.record.to_string() })
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
        let revision = opened.tombstone.revision;
        self.record = Some(opened.tombstone.record.clone());
        self.present.insert(revision);
        if let Some(named) = named.filter(|named| *named != revision) {
            return self.find(Finding::about(shown, Some(revision), Cause::OtherRevision { signed: revision, named }));
        }
        let before = self.findings.len();
        let logged = self.check_logged(path, &opened.leaf, policy);
        let log_index = logged.map(|(index, _)| index);
        let mut time = None;
        if let Some((_, (bracket, witnesses))) = logged {
            let claimed = moments::contradiction(&opened.tombstone.destroyed_at, &bracket, policy.time_tolerance());
            self.findings.extend(claimed.map(|cause| Finding::about(&shown, Some(revision), cause)));
            time = moments::Logged::of(&bracket, witnesses);
        }
        let void = self.home.keys.and_then(|keys| keys.judge(&opened.signers, log_index));
        self.findings.extend(void.map(|cause| Finding::about(&shown, Some(revision), cause)));
        if self.findings.len() > before || (policy.log().is_some() && log_index.is_none()) {
            self.complete = false;
            return;
        }
        let words = opened.tombstone;
        self.tombstone = Some(Tombstone {
            revision,
            receipts: words.receipts,
            by: printable(&words.by),
            at: printable(&words.destroyed_at),
            basis: printable(&words.basis),
            key: opened.key_id.to_string(),
            key_name: opened.key_name,
            log_index,
            time,
        });
    }

    /// A tombstone that counts answers for every revision before it: that they are gone is no finding any more.
    pub(crate) fn lay_to_rest(&mut self) {
        let Some(tombstone) = &self.tombstone else { return };
        let last = tombstone.revision;
        let answered = |finding: &Finding| {
            let missing = matches!(
                finding.cause,
                Cause::RevisionMissing
                    | Cause::Withheld(_)
                    | Cause::ObjectMissing
                    | Cause::ArrivalMissing
                    | Cause::MarkedDestroyed
            );
            // In a destruction that was stopped some receipts are gone, so the next has none to continue.
            missing && finding.revision.is_some_and(|number| number < last)
        };
        self.findings.retain(|finding| !answered(finding) && !matches!(finding.cause, Cause::NotYet { .. }));
        let words = Cause::Destroyed { by: tombstone.by.clone(), at: tombstone.at.clone(), basis: tombstone.basis.clone() };
        let mut found = vec![Finding { cause: words, object: None, revision: Some(last) }];
        for (number, revision) in &self.revisions {
            if *number >= last {
                found.push(Finding { cause: Cause::BehindTombstone, object: None, revision: Some(*number) });
            } else if tombstone.receipts.get(*number as usize - 1) != Some(&revision.digest) {
                found.push(Finding { cause: Cause::BrokenChain, object: None, revision: Some(*number) });
            }
        }
        let left = self.revisions.keys().filter(|number| **number < last).count();
        if left > 0 {
            found.push(Finding { cause: Cause::DestructionUnfinished(left), object: None, revision: Some(last) });
        }
        self.findings.extend(found);
        self.complete = true;
    }
}
