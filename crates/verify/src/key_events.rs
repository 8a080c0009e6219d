//! Which key counted at which leaf: the keyrings that the log's `key-event` leaves name, read beside the records and judged under
//! the root that the trust policy names. Without a root in the policy nothing here is asked, and keys count by its lines alone.

use crate::cause::{Cause, Finding, clipped};
use crate::files::{self, Entry, Kind};
use crate::log::LogCopy;
use sohoa_record::keyring::{Event, History, Keyring, PAYLOAD_TYPE, Standing};
use sohoa_record::log::tree::leaf_hash;
use sohoa_record::log::{self, Hash, Leaf, LogPolicy, TlogProof};
use sohoa_record::{Envelope, Sha256Hex, TrustPolicy};
use std::collections::HashMap;
use std::path::Path;

/// Where keyrings are in an archive and in an export's payload.
pub const FOLDER: &str = "keyring";

/// What the root says about keys.
pub struct Keys {
    history: History,
    /// The trust policy, believing in the root's keys too.
    pub policy: TrustPolicy,
}

/// A keyring that is at hand.
struct Kept {
    name: String,
    envelope: Envelope,
    leaf: Hash,
    /// Where its own proof says that its leaf is.
    proved: Option<u64>,
}

impl Keys {
    /// Reads the keyrings in `folder`, when the policy names a root. Their places come from the log, or from the proofs beside them
    /// where there is none. What is wrong with them is told; what was told is not believed.
    pub fn read(folder: &Path, policy: &TrustPolicy, log: Option<&LogCopy>) -> (Option<Keys>, Vec<Finding>) {
        if policy.root().is_none() || policy.log().is_none() {
            return (None, Vec::new());
        }
        let (entries, unreadable) = match files::entries(folder) {
            Ok(entries) => (entries, None),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => (Vec::new(), None),
            Err(error) => (Vec::new(), Some(Finding::about(FOLDER, None, files::unreadable(&error)))),
        };
        let ending = |end: &str| entries.iter().filter(|entry| entry.name.ends_with(end)).collect::<Vec<_>>();
        let shown = |entry: &Entry| format!("{FOLDER}/{}", entry.name);
        let (keys, findings) = Keys::of(&ending(".json"), &ending(".tlog-proof"), &shown, policy, log);
        (keys, unreadable.into_iter().chain(findings).collect())
    }

    /// The same of keyrings that were named, and of the proofs of which each that fits counts.
    pub fn of(
        keyrings: &[&Entry],
        proofs: &[&Entry],
        shown: &dyn Fn(&Entry) -> String,
        policy: &TrustPolicy,
        log: Option<&LogCopy>,
    ) -> (Option<Keys>, Vec<Finding>) {
        let Some((root, log_policy)) = policy.root().zip(policy.log()) else { return (None, Vec::new()) };
        let mut findings = Vec::new();
        let mut kept = list(keyrings, proofs, shown, log_policy, &mut findings);
        let mut events: Vec<(u64, Option<Kept>)> = Vec::new();
        match log {
            Some(log) => {
                let mut by_leaf: HashMap<Hash, Kept> = kept.drain(..).map(|kept| (kept.leaf, kept)).collect();
                events.extend(log.key_events().map(|(index, leaf)| (index, by_leaf.remove(&leaf))));
                let strangers = by_leaf.into_values().map(|kept| Finding::about(&kept.name, None, Cause::NotLogged));
                findings.extend(strangers);
            }
            None => {
                if kept.is_empty() {
                    findings.push(Finding::about(FOLDER, None, Cause::NoKeyring));
                }
                for kept in kept {
                    match kept.proved {
                        Some(index) => events.push((index, Some(kept))),
                        None => findings.push(Finding::about(&kept.name, None, Cause::NotLogged)),
                    }
                }
                events.sort_by_key(|(index, _)| *index);
            }
        }
        let names: HashMap<u64, String> =
            events.iter().filter_map(|(index, kept)| Some((*index, kept.as_ref()?.name.clone()))).collect();
        for (index, _) in events.iter().filter(|(_, kept)| kept.is_none()) {
            findings.push(Finding::about(FOLDER, None, Cause::KeyringWithheld(*index)));
        }
        let events = events.into_iter().map(|(index, kept)| Event { index, envelope: kept.map(|kept| kept.envelope) }).collect();
        let history = History::read(root, events);
        for refused in history.refused() {
            let name = names.get(&refused.index).map_or(FOLDER, String::as_str);
            findings.push(Finding::about(name, None, Cause::from(refused.why.clone())));
        }
        let policy = policy.with_keys_of(&history);
        (Some(Keys { history, policy }), findings)
    }

    /// Why none of the keys that signed a receipt counted where the log has it; of several one that did is enough. A receipt that is
    /// not in the log is judged as if it came last.
    pub fn judge(&self, signers: &[Sha256Hex], log_index: Option<u64>) -> Option<Cause> {
        let mut first = None;
        for key in signers {
            let cause = match self.history.standing(key, log_index) {
                Standing::Valid | Standing::Unnamed => return None,
                Standing::NotYet(from) => Cause::KeyNotYet(from),
                Standing::Retired(by) => Cause::KeyRetired(by),
                Standing::Revoked { from, by, reason } => Cause::KeyRevoked { from, by, reason: clipped(&reason) },
                Standing::Unclear(leaf) => Cause::KeyUnclear(leaf),
            };
            first = first.or(Some(cause));
        }
        first
    }
}

/// True of the bytes of a keyring.
pub fn is_keyring(bytes: &[u8]) -> bool {
    Envelope::parse(bytes).is_ok_and(|envelope| envelope.is_of_type(PAYLOAD_TYPE))
}

fn list(
    keyrings: &[&Entry],
    proofs: &[&Entry],
    shown: &dyn Fn(&Entry) -> String,
    policy: &LogPolicy,
    findings: &mut Vec<Finding>,
) -> Vec<Kept> {
    let mut all = Vec::new();
    for entry in keyrings {
        let read = if entry.kind == Kind::File { files::small_file(&entry.path) } else { Err(Cause::NotAFile) };
        let opened = read.and_then(|bytes| {
            let envelope = Envelope::parse(&bytes)?;
            let (_, payload) = Keyring::of(&envelope)?;
            let leaf = envelope.leaf(log::Kind::KeyEvent, &payload);
            Ok((envelope, leaf.ok_or_else(|| Cause::Malformed("nobody signed it".into()))?))
        });
        match opened {
            Ok((envelope, leaf)) => {
                let mut proved = None;
                for proof in proofs {
                    match files::small_file(&proof.path).and_then(|bytes| index(&bytes, &leaf, policy)) {
                        Ok(index) => proved = Some(index),
                        // The proof of its own name must fit; others are of other leaves.
                        Err(cause) if proof.path == entry.path.with_extension("tlog-proof") => {
                            findings.push(Finding::about(shown(proof), None, cause));
                        }
                        Err(_) => {}
                    }
                }
                all.push(Kept { name: shown(entry), envelope, leaf: leaf_hash(&leaf.to_bytes()), proved });
            }
            Err(cause) => findings.push(Finding::about(shown(entry), None, cause)),
        }
    }
    all
}

/// Checks the proof that lies beside a keyring; gives its leaf's index.
fn index(proof: &[u8], leaf: &Leaf, policy: &LogPolicy) -> Result<u64, Cause> {
    let bad = |why: String| Cause::BadLog(clipped(&why));
    let proof = TlogProof::parse(proof).map_err(|e| bad(e.to_string()))?;
    proof.verify(&leaf.to_bytes(), policy).map_err(|e| bad(e.to_string()))?;
    Ok(proof.index)
}
