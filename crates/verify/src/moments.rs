//! The moments that witnesses stand for: checkpoints of one log with the times at which a quorum had seen them. From them follows for
//! each leaf between which two of them it came into the log. Times are what signatures say; no clock is read.

use crate::cause::Cause;
use crate::cosigned::{TimeBracket, bracket};
use jiff::Timestamp;
use jiff::tz::Offset;
use serde::{Deserialize, Serialize};
use sohoa_record::log::note::KeyType;
use sohoa_record::log::policy::{Cosigned, PolicyError};
use sohoa_record::log::{LogPolicy, Note};

/// Vietnam has been +07:00 without summer time since 1975.
const VIETNAM: Offset = Offset::constant(7);

/// Witnessed checkpoints of one line of history, the smallest first: whoever brings one has seen that it is.
#[derive(Clone, Debug, Default)]
pub struct Moments {
    all: Vec<Cosigned>,
    /// For each place the one with the latest `last` up to there.
    last: Vec<usize>,
    /// For each place the one with the earliest `first` from there on.
    first: Vec<usize>,
    /// Sizes of checkpoints that a believed time stamp is over, the smallest first, each with the earliest time of it and those behind it.
    stamps: Vec<(u64, u64)>,
}

/// Between which witnessed moments a revision came into the log. In JSON its members; they may be added to, not renamed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Logged {
    /// A quorum of witnesses saw the log without it at this time: RFC 3339 at +07:00; null when no such checkpoint is at hand.
    pub after: Option<String>,
    /// A quorum had seen the log with it by this time: RFC 3339 at +07:00; null when none had.
    pub before: Option<String>,
    /// How many witnesses of the policy cosigned the checkpoint that `before` is of.
    pub witnesses: usize,
    /// By when a time stamp (RFC 3161) of a service that the policy names says that the log had it: RFC 3339 at +07:00; left out when none does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stamped: Option<String>,
}

impl Moments {
    /// From judged checkpoints. One that no witness was asked for has no time and says nothing here.
    pub fn of(checkpoints: impl IntoIterator<Item = Cosigned>) -> Moments {
        let mut all: Vec<Cosigned> = checkpoints.into_iter().filter(|cosigned| cosigned.seen.is_some()).collect();
        all.sort_by_key(|cosigned| cosigned.checkpoint.size);
        let last_of = |at: usize| all[at].seen.map(|seen| seen.last);
        let first_of = |at: usize| all[at].seen.map_or(u64::MAX, |seen| seen.first);
        let mut last: Vec<usize> = (0..all.len()).collect();
        let mut first = last.clone();
        for at in 1..all.len() {
            last[at] = [last[at - 1], at].into_iter().max_by_key(|at| last_of(*at)).unwrap_or(at);
        }
        for at in (1..all.len()).rev() {
            first[at - 1] = [at - 1, first[at]].into_iter().min_by_key(|at| first_of(*at)).unwrap_or(at - 1);
        }
        Moments { all, last, first, stamps: Vec::new() }
    }

    /// Adds the times by which time stamps say that checkpoints of so many leaves were there.
    pub fn with_stamps(mut self, mut stamps: Vec<(u64, u64)>) -> Moments {
        stamps.sort_unstable();
        for at in (1..stamps.len()).rev() {
            stamps[at - 1].1 = stamps[at - 1].1.min(stamps[at].1);
        }
        self.stamps = stamps;
        self
    }

    /// The latest time at which a quorum of witnesses saw one of the checkpoints as the newest of its log: in seconds since 1970 UTC. What came
    /// into the log later is not in them. A time stamp says nothing of that: an old checkpoint can be stamped today.
    pub fn newest(&self) -> Option<u64> {
        self.last.last().and_then(|at| self.all[*at].seen).map(|seen| seen.last)
    }

    /// By when a time stamp says that the leaf was there.
    fn stamped(&self, index: u64) -> Option<u64> {
        self.stamps.get(self.stamps.partition_point(|(size, _)| *size <= index)).map(|(_, time)| *time)
    }

    /// Where the leaf `index` is between them, and how many witnesses cosigned the later one.
    pub fn bracket(&self, index: u64) -> (TimeBracket, usize) {
        let border = self.all.partition_point(|cosigned| cosigned.checkpoint.size <= index);
        let older = border.checked_sub(1).map(|at| &self.all[self.last[at]]);
        let newer = self.first.get(border).map(|at| &self.all[*at]);
        let of_both = newer.and_then(|newer| Some((bracket(index, older, newer)?, newer.witnesses.len())));
        let after = older.and_then(|older| older.seen).map(|seen| seen.last);
        let (mut bracket, witnesses) = of_both.unwrap_or((TimeBracket { after, by: None, stamped: None }, 0));
        bracket.stamped = self.stamped(index);
        (bracket, witnesses)
    }
}

/// How fresh what an auditor is given has to be: a log that is shown as it was long ago hides what came into it since (TUF, "freeze attack").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fresh {
    /// The newest witnessed moment is not older than so many days …
    pub days: u64,
    /// … at this time, in seconds since 1970 UTC.
    pub at: u64,
}

/// Seconds of a day.
const DAY: u64 = 24 * 60 * 60;

impl Fresh {
    /// What is wrong with that newest moment; none when it is fresh.
    pub fn misses(&self, newest: Option<u64>) -> Option<Cause> {
        let oldest = self.at.saturating_sub(self.days.saturating_mul(DAY));
        newest.is_none_or(|newest| newest < oldest).then(|| Cause::Stale { newest: newest.map(rfc3339), days: self.days })
    }
}

/// Whole days from one time to another, in seconds since 1970 UTC; 0 when it is the later one.
pub fn days_between(earlier: u64, later: u64) -> u64 {
    later.saturating_sub(earlier) / DAY
}

impl Logged {
    /// As it is told; none when no witness said anything.
    pub fn of(bracket: &TimeBracket, witnesses: usize) -> Option<Logged> {
        let told = bracket.after.is_some() || bracket.by.is_some() || bracket.stamped.is_some();
        told.then(|| Logged {
            after: bracket.after.map(rfc3339),
            before: bracket.by.map(rfc3339),
            witnesses,
            stamped: bracket.stamped.map(rfc3339),
        })
    }
}

/// What a claimed time is beside the bracket, with clocks at most `tolerance` seconds apart: none when it may be true.
pub fn contradiction(claimed: &str, bracket: &TimeBracket, tolerance: u64) -> Option<Cause> {
    let seconds = parse(claimed)?;
    if let Some(by) = bracket.at_latest().filter(|_| bracket.contradicts(seconds, tolerance)) {
        return Some(Cause::SealedAfterLogged { claimed: claimed.to_owned(), by: rfc3339(by) });
    }
    let after = bracket.after.filter(|_| bracket.late_by(seconds) > tolerance)?;
    Some(Cause::KeptOutOfLog { claimed: claimed.to_owned(), after: rfc3339(after) })
}

/// Judges a note as of a time: cosignatures that were made later are passed over.
pub fn judge_as_of(note: &Note, policy: &LogPolicy, at: Option<u64>) -> Result<Cosigned, PolicyError> {
    let Some(at) = at else { return policy.check(note) };
    let mut then = note.clone();
    then.signatures.retain(|signature| {
        let witness = policy.witnesses().iter().find(|witness| signature.names(&witness.key));
        let time = witness.filter(|witness| witness.key.key_type() == KeyType::Cosignature);
        let time = time.and_then(|_| signature.bytes.first_chunk::<8>()).map(|bytes| u64::from_be_bytes(*bytes));
        time.is_none_or(|time| time <= at)
    });
    policy.check(&then)
}

/// Seconds since 1970 UTC of a time of RFC 3339, which is as signed manifests have it, or of a day, which ends at its last second in
/// Vietnam. None when it is neither.
pub fn parse(text: &str) -> Option<u64> {
    let day = || {
        let date: jiff::civil::Date = text.parse().ok()?;
        VIETNAM.to_timestamp(date.at(23, 59, 59, 0)).ok()
    };
    let timestamp = text.parse::<Timestamp>().ok().or_else(day)?;
    u64::try_from(timestamp.as_second()).ok()
}

/// `2026-11-22T13:02:11+07:00`. A time beyond the calendar is the calendar's last.
pub fn rfc3339(seconds: u64) -> String {
    let time = i64::try_from(seconds).ok().and_then(|seconds| Timestamp::from_second(seconds).ok()).unwrap_or(Timestamp::MAX);
    VIETNAM.to_datetime(time).strftime("%Y-%m-%dT%H:%M:%S+07:00").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_and_written_at_plus_seven() {
        let time = parse("2026-11-22T13:02:11+07:00").unwrap();
        assert_eq!((time, parse("2026-11-22T06:02:11Z")), (1_795_327_331, Some(time)));
        assert_eq!(rfc3339(time), "2026-11-22T13:02:11+07:00");
        assert_eq!(parse("2050-01-01").map(rfc3339).as_deref(), Some("2050-01-01T23:59:59+07:00"));
        assert_eq!(parse("yesterday"), None);
        assert!(rfc3339(u64::MAX).starts_with("9999-12-"));
    }

    #[test]
    fn a_claimed_time_may_be_off_by_the_tolerance_and_no_more() {
        let time = |text: &str| parse(text).unwrap();
        let by = Some(time("2026-11-22T12:00:00+07:00"));
        let bracket = TimeBracket { after: Some(time("2026-11-20T12:00:00+07:00")), by, stamped: None };
        for (claimed, fits) in [
            ("2026-11-21T12:00:00+07:00", true),
            ("2026-11-22T12:05:00+07:00", true),
            ("2026-11-22T12:05:01+07:00", false),
            ("2026-11-20T11:55:00+07:00", true),
            ("2026-11-20T11:54:59+07:00", false),
        ] {
            assert_eq!(contradiction(claimed, &bracket, 300).is_none(), fits, "{claimed}");
            // A time stamp bounds as a quorum does, and the earlier of the two counts.
            let stamped = TimeBracket { by: None, stamped: by, ..bracket };
            assert_eq!(contradiction(claimed, &stamped, 300).is_none(), fits, "{claimed}");
            let both = TimeBracket { by: by.map(|by| by + 9_999), ..stamped };
            assert_eq!(contradiction(claimed, &both, 300).is_none(), fits, "{claimed}");
        }
    }

    #[test]
    fn fresh_is_what_was_seen_within_the_days() {
        let fresh = Fresh { days: 7, at: 8 * DAY };
        assert_eq!((fresh.misses(Some(DAY)), fresh.misses(Some(9 * DAY))), (None, None));
        assert!(fresh.misses(Some(DAY - 1)).is_some() && fresh.misses(None).is_some());
        assert_eq!(Fresh { days: u64::MAX, at: 5 }.misses(Some(0)), None);
        assert_eq!((days_between(DAY, 3 * DAY - 1), days_between(5, 4)), (1, 0));
    }

    #[test]
    fn a_leaf_was_there_by_the_earliest_stamp_over_it() {
        let moments = Moments::default().with_stamps(vec![(9, 300), (3, 200), (6, 400)]);
        let by = |index| moments.bracket(index).0.stamped;
        assert_eq!([0, 2, 3, 5, 8, 9].map(by), [Some(200), Some(200), Some(300), Some(300), Some(300), None]);
    }
}
