//! Which logs and witnesses are believed (C2SP tlog-policy): `log`, `witness`, `group` and `quorum` lines. In our trust policy
//! ([`crate::trust`]) they stand beside the `manifest-key` lines.

use super::checkpoint::Checkpoint;
use super::note::{KeyType, Note, NoteError, VerifierKey};

/// The policy's complexity is limited, so that a doctored file costs no time.
const MOST_LINES: usize = 256;

/// A set of logs, a set of witnesses, and how many of them must agree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogPolicy {
    logs: Vec<Log>,
    witnesses: Vec<Witness>,
    groups: Vec<Group>,
    /// `None`: no cosignature is asked for.
    quorum: Option<Member>,
}

/// A log that is believed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Log {
    /// Its key, whose name is its origin.
    pub key: VerifierKey,
    /// Where it is published, if that is said.
    pub url: Option<String>,
}

/// A witness that is believed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Witness {
    /// Its name in the policy.
    pub name: String,
    /// Its key.
    pub key: VerifierKey,
    /// Where checkpoints are sent to it, if that is said.
    pub url: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Group {
    name: String,
    threshold: usize,
    members: Vec<Member>,
}

/// By place among the witnesses or groups.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Member {
    Witness(usize),
    Group(usize),
}

/// A checkpoint that satisfies a policy, and which witnesses say so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cosigned {
    /// The checkpoint.
    pub checkpoint: Checkpoint,
    /// Names of the witnesses in the policy with the latest time that each signed for, in seconds since 1970 UTC.
    pub witnesses: Vec<(String, u64)>,
    /// When the quorum saw it; none when no witness is asked for.
    pub seen: Option<Seen>,
}

/// When a quorum of witnesses saw a checkpoint as the log's newest, in seconds since 1970 UTC. As long as the quorum is honest, both
/// hold whichever of its members is not: each time is the best that a whole quorum stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    /// At this time a quorum had not seen a larger tree.
    pub last: u64,
    /// A quorum had seen the checkpoint by this time.
    pub first: u64,
}

impl LogPolicy {
    /// Reads a policy of the specification's own lines only.
    pub fn parse(text: &str) -> Result<LogPolicy, MalformedLine> {
        let mut builder = Builder::default();
        for (i, line) in text.split('\n').enumerate() {
            let malformed = |why: String| MalformedLine { line: i + 1, why };
            if !builder.line(line).map_err(malformed)? {
                return Err(malformed("'log', 'witness', 'group' or 'quorum' was expected".into()));
            }
        }
        let malformed = |why: String| MalformedLine { line: 0, why };
        builder
            .finish()
            .map_err(malformed)?
            .ok_or_else(|| malformed("it has no quorum line; write 'quorum none' when no witness is asked".into()))
    }

    /// The logs that are believed.
    pub fn logs(&self) -> &[Log] {
        &self.logs
    }

    /// The witnesses that are known.
    pub fn witnesses(&self) -> &[Witness] {
        &self.witnesses
    }

    /// True when at least one cosignature is needed.
    pub fn wants_witnesses(&self) -> bool {
        self.quorum.is_some()
    }

    /// The checkpoint of a note that a believed log has signed and the quorum of witnesses has cosigned. A signature that names a
    /// believed log or witness and does not fit makes the whole note bad.
    pub fn check(&self, note: &Note) -> Result<Cosigned, PolicyError> {
        let checkpoint = self.signed(note)?;
        let mut times = Vec::with_capacity(self.witnesses.len());
        for witness in &self.witnesses {
            times.push(note.signed_by(&witness.key)?.into_iter().flatten().max());
        }
        let here = self.witnesses.iter().zip(&times).filter_map(|(w, time)| Some((w.name.clone(), (*time)?))).collect();
        let seen = match self.quorum {
            None => None,
            Some(quorum) => match self.seen(quorum, &times) {
                Some(seen) => Some(seen),
                None => {
                    let witnesses = times.iter().flatten().count();
                    return Err(PolicyError::NoQuorum { size: checkpoint.size, witnesses });
                }
            },
        };
        Ok(Cosigned { checkpoint, witnesses: here, seen })
    }

    /// The earliest time by which, and the latest from which on, those who signed are a quorum.
    fn seen(&self, quorum: Member, times: &[Option<u64>]) -> Option<Seen> {
        let mut sorted: Vec<u64> = times.iter().copied().flatten().collect();
        sorted.sort_unstable();
        let agree = |fits: &dyn Fn(u64) -> bool| {
            let times: Vec<_> = times.iter().map(|time| time.filter(|time| fits(*time))).collect();
            self.agrees(quorum, &times)
        };
        let first = sorted.iter().copied().find(|by| agree(&|time| time <= *by))?;
        let last = sorted.iter().copied().rev().find(|from| agree(&|time| time >= *from))?;
        Some(Seen { last, first })
    }

    /// The checkpoint of a note that a believed log has signed, whoever cosigned it. For whoever keeps the log; an auditor wants
    /// [`LogPolicy::check`].
    pub fn signed(&self, note: &Note) -> Result<Checkpoint, PolicyError> {
        let checkpoint = Checkpoint::of_note(note)?;
        let mut signed = false;
        for log in &self.logs {
            signed |= !note.signed_by(&log.key)?.is_empty() && log.key.name() == checkpoint.origin;
        }
        if signed { Ok(checkpoint) } else { Err(PolicyError::UnknownLog(checkpoint.origin)) }
    }

    /// Groups name only what stands before them, so this ends.
    fn agrees(&self, member: Member, times: &[Option<u64>]) -> bool {
        match member {
            Member::Witness(n) => times[n].is_some(),
            Member::Group(n) => {
                let group = &self.groups[n];
                group.members.iter().filter(|member| self.agrees(**member, times)).count() >= group.threshold
            }
        }
    }
}

/// A policy that is being read, line by line, perhaps between lines of other kinds.
#[derive(Default)]
pub(crate) struct Builder {
    logs: Vec<Log>,
    witnesses: Vec<Witness>,
    groups: Vec<Group>,
    quorum: Option<Option<Member>>,
    grouped: Vec<Member>,
    lines: usize,
}

impl Builder {
    /// Takes a line. False when it is of no kind that the specification knows; an empty line or comment is.
    pub(crate) fn line(&mut self, line: &str) -> Result<bool, String> {
        if line.contains(|c: char| c.is_ascii_control() && c != '\t') {
            return Err("it has a control character".into());
        }
        let mut words = line.split([' ', '\t']).filter(|word| !word.is_empty());
        let Some(kind) = words.next().filter(|kind| !kind.starts_with('#')) else { return Ok(true) };
        if !matches!(kind, "log" | "witness" | "group" | "quorum") {
            return Ok(false);
        }
        self.lines += 1;
        if self.lines > MOST_LINES {
            return Err(format!("more than {MOST_LINES} lines about logs and witnesses"));
        }
        let words: Vec<&str> = words.collect();
        match (kind, words.as_slice()) {
            ("log", [vkey, url @ ..]) if url.len() <= 1 => {
                let key = self.new_key(vkey, KeyType::Note)?;
                self.logs.push(Log { key, url: url.first().map(|url| (*url).to_owned()) });
            }
            ("witness", [name, vkey, url @ ..]) if url.len() <= 1 => {
                let (name, key) = (self.new_name(name)?, self.new_key(vkey, KeyType::Cosignature)?);
                self.witnesses.push(Witness { name, key, url: url.first().map(|url| (*url).to_owned()) });
            }
            ("group", [name, threshold, members @ ..]) if !members.is_empty() => {
                let name = self.new_name(name)?;
                let threshold = match *threshold {
                    "all" => members.len(),
                    "any" => 1,
                    k => k.parse().ok().filter(|n| (1..=members.len()).contains(n) && n.to_string() == k).ok_or_else(|| {
                        format!("a group's threshold is 'all', 'any' or a number from 1 to its {} members", members.len())
                    })?,
                };
                let members = members.iter().map(|member| self.member(member)).collect::<Result<Vec<_>, _>>()?;
                for member in &members {
                    if self.grouped.contains(member) {
                        return Err("a name may be a member of one group only, and once".into());
                    }
                    self.grouped.push(*member);
                }
                self.groups.push(Group { name, threshold, members });
            }
            ("quorum", [name]) => {
                let quorum = if *name == "none" { None } else { Some(self.member(name)?) };
                if self.quorum.replace(quorum).is_some() {
                    return Err("there is a second quorum line: leave one of them".into());
                }
            }
            _ => return Err(format!("a '{kind}' line has too few or too many words")),
        }
        Ok(true)
    }

    /// The policy; `None` when there was no line of one. Lines without a quorum line are none.
    pub(crate) fn finish(self) -> Result<Option<LogPolicy>, String> {
        match self.quorum {
            Some(quorum) => Ok(Some(LogPolicy { logs: self.logs, witnesses: self.witnesses, groups: self.groups, quorum })),
            None if self.lines == 0 => Ok(None),
            None => Err("there is no quorum line; write 'quorum none' when no witness is asked".into()),
        }
    }

    /// One key has one role: a log that is its own witness would witness nothing.
    fn new_key(&self, vkey: &str, wanted: KeyType) -> Result<VerifierKey, String> {
        let key = VerifierKey::parse(vkey).map_err(|e| e.to_string())?;
        if key.key_type() != wanted {
            return Err("a log's key is of type 0x01, a witness's of type 0x04".into());
        }
        let mut known = self.logs.iter().map(|log| &log.key).chain(self.witnesses.iter().map(|witness| &witness.key));
        if known.any(|other| other.key() == key.key()) {
            return Err(format!("the key of '{}' is in the policy already", key.name()));
        }
        Ok(key)
    }

    fn new_name(&self, name: &str) -> Result<String, String> {
        if name == "none" || self.member(name).is_ok() {
            return Err(format!("the name '{name}' is taken"));
        }
        Ok(name.to_owned())
    }

    fn member(&self, name: &str) -> Result<Member, String> {
        let witness = self.witnesses.iter().position(|witness| witness.name == name).map(Member::Witness);
        let group = || self.groups.iter().position(|group| group.name == name).map(Member::Group);
        witness.or_else(group).ok_or_else(|| format!("no witness or group '{name}' stands before this line"))
    }
}

/// A policy that cannot be used.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("log policy, line {line}: {why}")]
pub struct MalformedLine {
    line: usize,
    why: String,
}

/// Why a checkpoint does not satisfy a policy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    /// Not a checkpoint, or a believed key's signature does not fit.
    #[error(transparent)]
    Note(#[from] NoteError),
    /// No log that is believed has signed it. The text is its origin.
    #[error("no log that the trust policy names has signed the checkpoint of '{0}'; add its 'log' line if you believe it")]
    UnknownLog(String),
    /// Too few witnesses.
    #[error("the checkpoint of size {size} is cosigned by {witnesses} of the witnesses, which is not the quorum")]
    NoQuorum {
        /// The checkpoint's size.
        size: u64,
        /// How many known witnesses cosigned.
        witnesses: usize,
    },
}

#[cfg(test)]
mod tests {
    use super::super::cosignature::cosign;
    use super::super::note::NoteSigner;
    use super::*;
    use ed25519_dalek::SigningKey;

    fn key(seed: u8) -> SigningKey {
        SigningKey::from_bytes(&[seed; 32])
    }

    fn vkey(name: &str, key_type: KeyType, seed: u8) -> VerifierKey {
        VerifierKey::new(name, key_type, key(seed).verifying_key()).unwrap()
    }

    /// The two levels of groups of the specification's example.
    fn example() -> String {
        let mut text = format!("# example\n\n  log {} https://log.example\n", vkey("log.example/a", KeyType::Note, 1));
        for (i, name) in ["X1", "X2", "X3", "Y1", "Y2", "Y3"].into_iter().enumerate() {
            text += &format!("witness {name}\t{}\n", vkey(&format!("{name}.example"), KeyType::Cosignature, 10 + i as u8));
        }
        text + "group X 2 X1 X2 X3\ngroup Y any Y1 Y2 Y3\ngroup both all X Y\nquorum both\n"
    }

    fn cosigned_by(witnesses: &[u8]) -> Note {
        let head = Checkpoint { origin: "log.example/a".into(), size: 7, root: [7; 32] };
        let mut note = NoteSigner::new("log.example/a", key(1)).unwrap().sign(&head.text());
        for n in witnesses {
            let name = ["X1", "X2", "X3", "Y1", "Y2", "Y3"][usize::from(*n)];
            note.signatures.push(cosign(&note.text, &format!("{name}.example"), &key(10 + n), 1000 + u64::from(*n)).unwrap());
        }
        note
    }

    #[test]
    fn the_quorum_of_the_example_is_two_of_the_one_and_one_of_the_other() {
        let policy = LogPolicy::parse(&example()).unwrap();
        for (witnesses, enough) in [
            (&[][..], false),
            (&[0, 1], false),
            (&[0, 3], false),
            (&[3, 4, 5], false),
            (&[0, 2, 5], true),
            (&[0, 1, 2, 3, 4, 5], true),
            (&[0, 0, 3], false),
        ] {
            let checked = policy.check(&cosigned_by(witnesses));
            assert_eq!(checked.is_ok(), enough, "{witnesses:?}: {checked:?}");
        }
        let cosigned = policy.check(&cosigned_by(&[0, 2, 5])).unwrap();
        assert_eq!(cosigned.witnesses, [("X1".into(), 1000), ("X3".into(), 1002), ("Y3".into(), 1005)]);
        assert_eq!(policy.logs()[0].url.as_deref(), Some("https://log.example"));
    }

    #[test]
    fn one_false_cosignature_of_a_known_witness_spoils_the_note() {
        let policy = LogPolicy::parse(&example()).unwrap();
        let mut note = cosigned_by(&[0, 2, 5, 4]);
        note.signatures.last_mut().unwrap().bytes[20] ^= 1;
        assert!(matches!(policy.check(&note), Err(PolicyError::Note(NoteError::BadSignature(_)))));
    }

    #[test]
    fn a_log_signs_for_its_own_origin_only() {
        let text = format!("log {}\nlog {}\nquorum none\n", vkey("a", KeyType::Note, 1), vkey("b", KeyType::Note, 2));
        let policy = LogPolicy::parse(&text).unwrap();
        let text = Checkpoint { origin: "a".into(), size: 1, root: [0; 32] }.text();
        let note = NoteSigner::new("b", key(2)).unwrap().sign(&text);
        assert_eq!(policy.check(&note), Err(PolicyError::UnknownLog("a".into())));
    }

    #[test]
    fn mistakes_are_named_with_their_line() {
        let (log, witness) = (vkey("l", KeyType::Note, 1), vkey("w", KeyType::Cosignature, 2));
        for (text, cause) in [
            (String::new(), "no quorum"),
            (format!("log {log}\n"), "no quorum"),
            ("quorum none\nquorum none\n".into(), "line 2: there is a second"),
            (format!("log {log}\nlog {log}\nquorum none\n"), "line 2: the key of 'l' is in"),
            (format!("log {witness}\n"), "type 0x01"),
            (format!("witness w {log}\n"), "type 0x01"),
            (format!("log {log}\nwitness w {}\n", vkey("w", KeyType::Cosignature, 1)), "line 2: the key of 'w' is in"),
            (format!("witness none {witness}\n"), "taken"),
            (format!("witness w {witness}\ngroup w any w\n"), "taken"),
            (format!("witness w {witness}\ngroup g 2 w\n"), "threshold"),
            (format!("witness w {witness}\ngroup g 0 w\n"), "threshold"),
            (format!("witness w {witness}\ngroup g 01 w\n"), "threshold"),
            (format!("witness w {witness}\ngroup g any w w\n"), "once"),
            (format!("witness w {witness}\ngroup g any w\ngroup h any w\n"), "once"),
            ("group g any\n".into(), "few"),
            ("group g any none\n".into(), "'none'"),
            ("quorum x\n".into(), "'x'"),
            ("quorum none more\n".into(), "many"),
            ("manifest-key x\n".into(), "expected"),
            ("log x y z\n".into(), "many"),
            ("quorum none\r\n".into(), "control"),
        ] {
            let error = LogPolicy::parse(&text).unwrap_err().to_string();
            assert!(error.contains(cause), "{text}: {error}");
        }
    }
}
