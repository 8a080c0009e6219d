//! What witnesses say of a checkpoint, and what follows for a leaf: when it can have come into the log. Pure: bytes and a policy in.

use sohoa_record::log::policy::{Cosigned, PolicyError};
use sohoa_record::log::{LogPolicy, Note};

/// Judges a checkpoint: signed by a believed log, cosigned by the quorum that the policy wants, and when that saw it.
pub fn judge(checkpoint: &[u8], policy: &LogPolicy) -> Result<Cosigned, PolicyError> {
    policy.check(&Note::parse(checkpoint)?)
}

/// Between which times a leaf came into the log, as a quorum of witnesses stands for it, in seconds since 1970 UTC. It bounds what the
/// log says, not when a document was sealed: a receipt may be older than its leaf, and never younger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeBracket {
    /// It was in no tree that the quorum had seen at this time; none when no older checkpoint was brought.
    pub after: Option<u64>,
    /// It was in the log by this time; none when the policy asks for no witness.
    pub by: Option<u64>,
    /// It was in the log by this time, as a time stamp over a checkpoint says; none when there is no such stamp of a service that is believed.
    pub stamped: Option<u64>,
}

/// The bracket of leaf `index`, from a checkpoint that has it and an older one that does not, both judged, of one line of history (the
/// caller has seen the one continue the other). None when `newer` does not have the leaf, or `older` is of another log or has it.
pub fn bracket(index: u64, older: Option<&Cosigned>, newer: &Cosigned) -> Option<TimeBracket> {
    let lacks = |older: &Cosigned| older.checkpoint.size <= index && older.checkpoint.origin == newer.checkpoint.origin;
    if index >= newer.checkpoint.size || !older.is_none_or(lacks) {
        return None;
    }
    let after = older.and_then(|older| older.seen).map(|seen| seen.last);
    Some(TimeBracket { after, by: newer.seen.map(|seen| seen.first), stamped: None })
}

impl TimeBracket {
    /// What follows from both.
    pub fn and(&self, other: &TimeBracket) -> TimeBracket {
        let earlier = |one: Option<u64>, other: Option<u64>| one.into_iter().chain(other).min();
        TimeBracket {
            after: self.after.max(other.after),
            by: earlier(self.by, other.by),
            stamped: earlier(self.stamped, other.stamped),
        }
    }

    /// By when it was in the log at the latest, whoever says so.
    pub fn at_latest(&self) -> Option<u64> {
        self.by.into_iter().chain(self.stamped).min()
    }

    /// True when a document that says to be sealed at `claimed` cannot be this leaf, clocks being at most `tolerance` seconds apart: its
    /// leaf was seen before. A document that was logged late is no contradiction.
    pub fn contradicts(&self, claimed: u64, tolerance: u64) -> bool {
        self.at_latest().is_some_and(|by| claimed > by.saturating_add(tolerance))
    }

    /// By how many seconds a document that says to be sealed at `claimed` was kept out of the log at least: what a sealer who dates back
    /// cannot hide. 0 when nothing shows it.
    pub fn late_by(&self, claimed: u64) -> u64 {
        self.after.map_or(0, |after| after.saturating_sub(claimed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ed25519_dalek::SigningKey;
    use sohoa_record::log::cosignature::cosign;
    use sohoa_record::log::note::KeyType;
    use sohoa_record::log::{Checkpoint, NoteSigner, VerifierKey};

    fn key(seed: u8) -> SigningKey {
        SigningKey::from_bytes(&[seed; 32])
    }

    fn policy(quorum: &str) -> LogPolicy {
        let log = NoteSigner::new("log.example/a", key(1)).unwrap();
        let mut text = format!("log {}\n", log.public());
        for n in 2..5 {
            let witness = VerifierKey::new(&format!("w{n}.example"), KeyType::Cosignature, key(n).verifying_key()).unwrap();
            text += &format!("witness w{n} {witness}\n");
        }
        LogPolicy::parse(&format!("{text}{quorum}\n")).unwrap()
    }

    /// A checkpoint that witnesses (by their seed) cosigned at those times.
    fn checkpoint(size: u64, times: &[(u8, u64)]) -> Note {
        let head = Checkpoint { origin: "log.example/a".into(), size, root: [7; 32] };
        let mut note = NoteSigner::new("log.example/a", key(1)).unwrap().sign(&head.text());
        note.signatures
            .extend(times.iter().map(|(n, time)| cosign(&note.text, &format!("w{n}.example"), &key(*n), *time).unwrap()));
        note
    }

    fn judged(size: u64, times: &[(u8, u64)]) -> Cosigned {
        judge(checkpoint(size, times).to_string().as_bytes(), &policy("group q 2 w2 w3 w4\nquorum q")).unwrap()
    }

    #[test]
    fn the_quorum_decides_and_its_times_are_those_that_no_single_witness_can_move() {
        let seen = judged(7, &[(2, 100), (3, 200), (4, 300)]).seen.unwrap();
        assert_eq!((seen.first, seen.last), (200, 200));
        // One that lies about its time in either direction moves neither bound past the honest ones'.
        let seen = judged(7, &[(2, 1), (3, 200), (4, 210)]).seen.unwrap();
        assert_eq!((seen.first, seen.last), (200, 200));
        let seen = judged(7, &[(2, 999_999), (3, 200), (4, 210)]).seen.unwrap();
        assert_eq!((seen.first, seen.last), (210, 210));
        let seen = judged(7, &[(2, 100), (3, 200)]).seen.unwrap();
        assert_eq!((seen.first, seen.last), (200, 100));
    }

    #[test]
    fn too_few_false_and_unknown_cosignatures_are_no_quorum() {
        let quorum = policy("group q 2 w2 w3 w4\nquorum q");
        let judge = |note: &Note| judge(note.to_string().as_bytes(), &quorum);
        assert_eq!(judge(&checkpoint(7, &[(2, 100)])), Err(PolicyError::NoQuorum { size: 7, witnesses: 1 }));
        // twice the same, and a stranger
        let mut note = checkpoint(7, &[(2, 100), (2, 101)]);
        note.signatures.push(cosign(&note.text, "w9.example", &key(9), 100).unwrap());
        assert_eq!(judge(&note), Err(PolicyError::NoQuorum { size: 7, witnesses: 1 }));
        // a cosignature of another checkpoint
        let mut note = checkpoint(7, &[(2, 100)]);
        note.signatures.extend(checkpoint(8, &[(3, 100)]).signatures.into_iter().skip(1));
        assert!(matches!(judge(&note), Err(PolicyError::Note(_))));
        // a time that was changed
        let mut note = checkpoint(7, &[(2, 100), (3, 100)]);
        note.signatures[2].bytes[7] ^= 1;
        assert!(matches!(judge(&note), Err(PolicyError::Note(_))));
        assert!(super::judge(checkpoint(7, &[]).to_string().as_bytes(), &policy("quorum none")).unwrap().seen.is_none());
    }

    #[test]
    fn a_leaf_came_between_the_checkpoint_that_lacks_it_and_the_one_that_has_it() {
        let older = judged(5, &[(2, 1000), (3, 1010)]);
        let newer = judged(9, &[(3, 2000), (4, 2010)]);
        assert_eq!(bracket(5, Some(&older), &newer), Some(TimeBracket { after: Some(1000), by: Some(2010), stamped: None }));
        assert_eq!(bracket(8, None, &newer), Some(TimeBracket { after: None, by: Some(2010), stamped: None }));
        assert_eq!((bracket(4, Some(&older), &newer), bracket(9, Some(&older), &newer)), (None, None));
        let mut other = older.clone();
        other.checkpoint.origin = "log.example/b".into();
        assert_eq!(bracket(5, Some(&other), &newer), None);
        let bracket = bracket(5, Some(&older), &newer).unwrap();
        // dated forward: the leaf was there before; dated back: it was kept out for that long
        assert!(bracket.contradicts(2400, 300) && !bracket.contradicts(2300, 300) && !bracket.contradicts(0, 0));
        assert_eq!((bracket.late_by(400), bracket.late_by(1500)), (600, 0));
    }
}
