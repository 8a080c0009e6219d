//! Which key counted at which leaf: the keyrings that the log's `key-event` leaves name, read beside the records and judged under
//! the root that the trust policy names. Without a root in the policy nothing here is asked, and keys count by its lines alone.

use crate::cause::{Cause, Finding, clipped};
use crate::files::{self, Kind};
use crate::log::LogCopy;
use sohoa_record::keyring::{Event, History, Keyring, Standing};
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
        let Some((root, log_policy)) = policy.root().zip(policy.log()) else { return (None, Vec::new()) };
        let mut findings = Vec::new();
        let mut kept = list(folder, log_policy, &mut findings);
        let mut events: Vec<(u64, Option<Kept>)> = Vec::new();
        match log {
            Some(log) => {
                let mut by_leaf: HashMap<Hash, Kept> = kept.drain(..).map(|kept| (kept.leaf, kept)).collect();
                events.extend(log.key_events().map(|(index, leaf)| (index, by_leaf.remove(&leaf))));
                let strangers = by_leaf.into_values().map(|kept| about(&kept.name, Cause::NotLogged));
                findings.extend(strangers);
            }
            None => {
                if kept.is_empty() {
                    findings.push(Finding::about(FOLDER, None, Cause::NoKeyring));
                }
                for kept in kept {
                    match kept.proved {
                        Some(index) => events.push((index, Some(kept))),
                        None => findings.push(about(&kept.name, Cause::NotLogged)),
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
            let name = names.get(&refused.index).map_or("", String::as_str);
            findings.push(about(name, Cause::from(refused.why.clone())));
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

/// The folder of keyrings that goes with `path`: an archive's, an export's, or that of the export which holds one record.
pub fn folder(path: &Path) -> std::path::PathBuf {
    let holders = [path.to_owned(), path.join("data")].into_iter().chain(path.parent().map(Path::to_owned));
    let found = holders.map(|holder| holder.join(FOLDER)).find(|folder| folder.is_dir());
    found.unwrap_or_else(|| path.join(FOLDER))
}

fn list(folder: &Path, policy: &LogPolicy, findings: &mut Vec<Finding>) -> Vec<Kept> {
    let entries = match files::entries(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Vec::new(),
        Err(error) => {
            findings.push(Finding::about(FOLDER, None, files::unreadable(&error)));
            return Vec::new();
        }
    };
    let mut all = Vec::new();
    for entry in entries.iter().filter(|entry| entry.name.ends_with(".json")) {
        let read = if entry.kind == Kind::File { files::small_file(&entry.path) } else { Err(Cause::NotAFile) };
        let opened = read.and_then(|bytes| {
            let envelope = Envelope::parse(&bytes)?;
            let (_, payload) = Keyring::of(&envelope)?;
            let leaf = envelope.leaf(log::Kind::KeyEvent, &payload);
            Ok((envelope, leaf.ok_or_else(|| Cause::Malformed("nobody signed it".into()))?))
        });
        match opened {
            Ok((envelope, leaf)) => {
                let proof = entry.path.with_extension("tlog-proof");
                let proved = proof.is_file().then(|| files::small_file(&proof).and_then(|bytes| index(&bytes, &leaf, policy)));
                let proved = proved.transpose().unwrap_or_else(|cause| {
                    findings.push(about(&entry.name.replace(".json", ".tlog-proof"), cause));
                    None
                });
                all.push(Kept { name: entry.name.clone(), envelope, leaf: leaf_hash(&leaf.to_bytes()), proved });
            }
            Err(cause) => findings.push(about(&entry.name, cause)),
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

fn about(name: &str, cause: Cause) -> Finding {
    Finding::about(format!("{FOLDER}/{name}").trim_end_matches('/'), None, cause)
}
