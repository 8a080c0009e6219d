//! What the keyrings that a log names say together: which key counted at which place. Pure: leaves, envelopes and a root in.

use super::{Keyring, KeyringFault, State};
use crate::Sha256Hex;
use crate::envelope::Envelope;
use crate::seal::OpenError;
use crate::trust::{Root, TrustedKey};
use std::collections::{BTreeMap, BTreeSet};

/// A `key-event` leaf of the log: where it is, and the envelope that it names, if that is at hand.
pub struct Event {
    /// The leaf's place, from 0.
    pub index: u64,
    /// Whose digests, first key and first signature the leaf has.
    pub envelope: Option<Envelope>,
}

/// An event that says nothing to those who believe the root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// Its leaf.
    pub index: u64,
    /// Why.
    pub why: OpenError,
}

/// How a key stands at a place in the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// The root says nothing about it.
    Unnamed,
    /// It may seal there.
    Valid,
    /// It may seal only from that leaf on.
    NotYet(u64),
    /// It was retired by that leaf.
    Retired(u64),
    /// It was revoked by leaf `by`, and what it sealed counts only before leaf `from`.
    #[allow(missing_docs)]
    Revoked { from: u64, by: u64, reason: String },
    /// That leaf names a keyring which is not at hand: it may have revoked any key.
    Unclear(u64),
}

/// The keyrings of a log, in its order, as far as the root stands for them.
#[derive(Clone, Debug, Default)]
pub struct History {
    current: Option<(Keyring, Vec<u8>)>,
    spans: BTreeMap<Sha256Hex, Span>,
    refused: Vec<Refused>,
    unclear: Option<u64>,
}

/// From where to where a key counts.
#[derive(Clone, Debug)]
struct Span {
    key: TrustedKey,
    from: u64,
    retired: Option<u64>,
    revoked: Option<(u64, u64, String)>,
}

impl History {
    /// Reads the events, which are in the log's order, under the root that the trust policy names. Any version of the root may be
    /// named there: a version that it signed vouches for those before it by their digests, for those after it by their signatures.
    pub fn read(root: &Root, events: Vec<Event>) -> History {
        let mut history = History::default();
        let vouched = Vouched::by(root, &events);
        for Event { index, envelope } in events {
            match envelope {
                None => history.unclear = history.unclear.or(Some(index)),
                Some(envelope) => {
                    if let Err(why) = history.take(index, &envelope, &vouched) {
                        history.refused.push(Refused { index, why });
                    }
                }
            }
        }
        history
    }

    /// Whether `next` may be logged next: signed by enough of its own root and of the one before it, and continuing it.
    pub fn check_next(&self, next: &Envelope) -> Result<Keyring, OpenError> {
        let (keyring, bytes) = Keyring::of(next)?;
        let malformed = |fault: KeyringFault| OpenError::Malformed(fault.to_string());
        keyring.trusted_root().map_err(malformed)?.check(next, &bytes)?;
        match &self.current {
            None if keyring.version != 1 => {
                return Err(OpenError::Malformed(format!("version 1 comes first, not {}", keyring.version)));
            }
            None => {}
            Some((before, before_bytes)) => {
                keyring.continues(before, before_bytes).map_err(malformed)?;
                before.trusted_root().map_err(malformed)?.check(next, &bytes)?;
            }
        }
        Ok(keyring)
    }

    fn take(&mut self, index: u64, envelope: &Envelope, vouched: &Vouched) -> Result<(), OpenError> {
        let keyring = self.check_next(envelope)?;
        let bytes = keyring.to_bytes();
        // Beyond the versions that the policy's root signed, the root of the version before is what counts, and was checked.
        let later = vouched.up_to > 0 && keyring.version > vouched.up_to;
        if !later && !vouched.digests.contains(&Sha256Hex::of(&bytes)) {
            let named: Vec<&str> = envelope.named_keys().collect();
            return Err(OpenError::UnknownKey(named.join(", ")));
        }
        let keys = keyring.sealing_keys().map_err(|fault| OpenError::Malformed(fault.to_string()))?;
        for (key, said) in keys.into_iter().zip(&keyring.keys) {
            let from = said.from.unwrap_or(index);
            let span = self.spans.entry(key.id.clone()).or_insert_with(|| Span { key, from, retired: None, revoked: None });
            if said.state >= State::Retired && span.retired.is_none() {
                span.retired = Some(index);
            }
            if said.state == State::Revoked {
                let (before, by) = span.revoked.as_ref().map_or((index, index), |(from, by, _)| (*from, *by));
                let from = said.until.unwrap_or(before).min(before);
                span.revoked = Some((from, by, said.reason.clone().unwrap_or_default()));
            }
        }
        self.current = Some((keyring, bytes));
        Ok(())
    }

    /// The newest keyring.
    pub fn current(&self) -> Option<&Keyring> {
        self.current.as_ref().map(|(keyring, _)| keyring)
    }

    /// SHA-256 of the newest keyring's bytes: what the next version names.
    pub fn digest(&self) -> Option<Sha256Hex> {
        self.current.as_ref().map(|(_, bytes)| Sha256Hex::of(bytes))
    }

    /// Every sealing key that it names, whatever became of it.
    pub fn keys(&self) -> impl Iterator<Item = &TrustedKey> {
        self.spans.values().map(|span| &span.key)
    }

    /// The first leaf that a key may have sealed.
    pub fn since(&self, key: &Sha256Hex) -> Option<u64> {
        self.spans.get(key).map(|span| span.from)
    }

    /// What was refused.
    pub fn refused(&self) -> &[Refused] {
        &self.refused
    }

    /// The first leaf whose keyring is not at hand.
    pub fn unclear(&self) -> Option<u64> {
        self.unclear
    }

    /// How the key stands at leaf `index`; of what is not in the log, as if it came last.
    pub fn standing(&self, key: &Sha256Hex, index: Option<u64>) -> Standing {
        let at = index.unwrap_or(u64::MAX);
        if let Some(span) = self.spans.get(key) {
            if let Some((from, by, reason)) = span.revoked.as_ref().filter(|(from, ..)| at >= *from) {
                return Standing::Revoked { from: *from, by: *by, reason: reason.clone() };
            }
            if let Some(retired) = span.retired.filter(|retired| at >= *retired) {
                return Standing::Retired(retired);
            }
            if at < span.from {
                return Standing::NotYet(span.from);
            }
        }
        match self.unclear.filter(|unclear| at >= *unclear) {
            Some(unclear) => Standing::Unclear(unclear),
            None if self.spans.contains_key(key) => Standing::Valid,
            None => Standing::Unnamed,
        }
    }
}

/// Which keyrings the policy's root stands for: those that it signed, and all that they name as before them.
struct Vouched {
    up_to: u32,
    digests: BTreeSet<Sha256Hex>,
}

impl Vouched {
    fn by(root: &Root, events: &[Event]) -> Vouched {
        let mut previous: BTreeMap<Sha256Hex, Option<Sha256Hex>> = BTreeMap::new();
        let (mut up_to, mut wanted) = (0, Vec::new());
        for envelope in events.iter().filter_map(|event| event.envelope.as_ref()) {
            let Ok((keyring, bytes)) = Keyring::of(envelope) else { continue };
            let digest = Sha256Hex::of(&bytes);
            if root.check(envelope, &bytes).is_ok() {
                up_to = up_to.max(keyring.version);
                wanted.push(digest.clone());
            }
            previous.insert(digest, keyring.previous);
        }
        let mut digests = BTreeSet::new();
        while let Some(digest) = wanted.pop() {
            if digests.insert(digest.clone()) {
                wanted.extend(previous.get(&digest).cloned().flatten());
            }
        }
        Vouched { up_to, digests }
    }
}
