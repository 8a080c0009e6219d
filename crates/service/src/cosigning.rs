//! A checkpoint's way to the witnesses of the trust policy: each is asked, what it answers is checked, and the policy says whether they
//! are enough. It is *not* a place that stores or publishes anything, and it believes nothing that is not signed.
//!
//! The way is plain HTTP. A cosignature verifies under the witness's key or is not taken, so whoever sits between can only keep it back.

use futures::future::join_all;
use sohoa_record::log::note::NoteSignature;
use sohoa_record::log::policy::{Cosigned, PolicyError, Witness};
use sohoa_record::log::{AddCheckpoint, Checkpoint, Hash, LogPolicy, Note};
use std::fmt;
use std::time::Duration;
use ureq::Agent;

/// A witness that has not answered by then is passed over; the next checkpoint asks it again.
pub const ANSWER_TIME: Duration = Duration::from_secs(10);
/// Cosignatures are lines of some 150 bytes.
const MOST_BYTES: u64 = 64 * 1024;

/// A witness is asked about an unchanged checkpoint again after so many seconds: else nobody could tell a log that rests from one that is shown as
/// it was long ago.
const AGAIN: u64 = 24 * 3600;

/// Is there a witness of the policy that has not cosigned the checkpoint in `note`, or not for a day? `now` is in seconds since 1970 UTC.
pub fn is_due(policy: &LogPolicy, note: &Note, now: u64) -> bool {
    policy.witnesses().iter().any(|witness| {
        let newest = note.signed_by(&witness.key).ok().and_then(|times| times.into_iter().flatten().max());
        newest.is_none_or(|newest| now.saturating_sub(newest) >= AGAIN)
    })
}

/// What came back.
#[derive(Debug)]
pub struct Gathered {
    /// The checkpoint with its cosignatures: those it had, and one of each witness that gave a new one.
    pub note: Note,
    /// What each witness of the policy said, by its name there.
    pub answers: Vec<(String, Answer)>,
    /// What the policy makes of the note: the quorum, or that there is none.
    pub judged: Result<Cosigned, PolicyError>,
}

/// What one witness said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It cosigned, at that time in seconds since 1970 UTC.
    Cosigned(u64),
    /// It refuses the checkpoint as one that does not continue what it saw (422): two histories of this log are signed, or our proof is
    /// wrong. The text is its answer.
    Forked(String),
    /// It cosigned a larger tree: this log was taken back to an older state, or another writer is ahead.
    Ahead(u64),
    /// It does not know this log or its key (403, 404), or finds the request malformed (400): status and text.
    Refused(u16, String),
    /// It was not reached, took too long, or answered what a witness does not answer.
    Failed(String),
    /// The policy names no address, or one that is not plain HTTP.
    NoAddress,
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Answer::Cosigned(_) => f.write_str("cosigned"),
            Answer::Forked(text) => write!(
                f,
                "REFUSES, it saw another history of this log: {text}; keep both copies and find out who wrote the other"
            ),
            Answer::Ahead(size) => {
                write!(f, "REFUSES, it saw {size} leaves: this log was taken back, or another writer is ahead")
            }
            Answer::Refused(status, text) => {
                write!(f, "does not know this log ({status} {text}): its agency adds the log's key to its witness")
            }
            Answer::Failed(why) => write!(f, "did not answer: {why}; it is asked again the next time"),
            Answer::NoAddress => f.write_str("has no http:// address in the trust policy"),
        }
    }
}

impl Answer {
    /// True when somebody must look now: the log's history is in question.
    pub fn is_alarm(&self) -> bool {
        matches!(self, Answer::Forked(_) | Answer::Ahead(_))
    }
}

/// Asks every witness of `policy` that has an address to cosign the checkpoint in `note`, all at the same time.
///
/// `previous` is the checkpoint that was published before, with its cosignatures, from which follows what each witness saw last; without it
/// they are asked. `prove` gives the consistency proof from an older size to this checkpoint's. Whatever a witness does costs at most
/// [`ANSWER_TIME`] twice; the only error is a checkpoint that no log of the policy has signed.
pub async fn gather(
    policy: &LogPolicy,
    note: &Note,
    previous: Option<&Note>,
    prove: impl AsyncFn(u64) -> Result<Vec<Hash>, String>,
) -> Result<Gathered, PolicyError> {
    let checkpoint = policy.signed(note)?;
    let agent: Agent = Agent::config_builder()
        .timeout_global(Some(ANSWER_TIME))
        .max_redirects(0)
        .http_status_as_error(false)
        .user_agent(crate::sealing::SOFTWARE)
        .build()
        .into();
    let answered = join_all(policy.witnesses().iter().map(|witness| {
        let known = previous.map_or(0, |previous| seen_by(witness, previous, &checkpoint));
        ask(&agent, witness, note, &checkpoint, known, &prove)
    }))
    .await;
    let mut gathered = note.clone();
    let mut answers = Vec::new();
    for (witness, (answer, cosignature)) in policy.witnesses().iter().zip(answered) {
        if answer.is_alarm() {
            tracing::error!(log = checkpoint.origin, size = checkpoint.size, "witness {} {answer}", witness.name);
        } else if !matches!(answer, Answer::Cosigned(_)) {
            tracing::warn!(log = checkpoint.origin, size = checkpoint.size, "witness {} {answer}", witness.name);
        }
        if let Some(cosignature) = cosignature {
            gathered.signatures.retain(|signature| !signature.names(&witness.key));
            gathered.signatures.push(cosignature);
        }
        answers.push((witness.name.clone(), answer));
    }
    Ok(Gathered { judged: policy.check(&gathered), note: gathered, answers })
}

/// The size of an earlier checkpoint when this witness cosigned it, else 0.
fn seen_by(witness: &Witness, previous: &Note, now: &Checkpoint) -> u64 {
    let cosigned = previous.signed_by(&witness.key).is_ok_and(|times| !times.is_empty());
    let earlier = Checkpoint::of_note(previous).ok().filter(|earlier| earlier.origin == now.origin && earlier.size <= now.size);
    earlier.filter(|_| cosigned).map_or(0, |earlier| earlier.size)
}

/// Asks one witness; when it says that it saw another size last, once more from there.
async fn ask(
    agent: &Agent,
    witness: &Witness,
    note: &Note,
    checkpoint: &Checkpoint,
    known: u64,
    prove: &impl AsyncFn(u64) -> Result<Vec<Hash>, String>,
) -> (Answer, Option<NoteSignature>) {
    let Some(url) = witness.url.as_deref().filter(|url| url.starts_with("http://")) else { return (Answer::NoAddress, None) };
    let url = format!("{}/add-checkpoint", url.trim_end_matches('/'));
    let mut old = known;
    for last in [false, true] {
        let proof = match prove(old).await {
            Ok(proof) => proof,
            Err(why) => return (Answer::Failed(format!("the proof from {old} leaves cannot be made: {why}")), None),
        };
        let body = AddCheckpoint { old, proof, note: note.clone() }.to_string();
        let (agent, url) = (agent.clone(), url.clone());
        let sent = tokio::task::spawn_blocking(move || post(&agent, &url, body)).await;
        let (status, text) = match sent.map_err(|e| e.to_string()).and_then(|sent| sent) {
            Ok(answer) => answer,
            Err(why) => return (Answer::Failed(why), None),
        };
        match status {
            200 => {
                return match cosignature(witness, &note.text, &text) {
                    Ok((time, cosignature)) => (Answer::Cosigned(time), Some(cosignature)),
                    Err(why) => (Answer::Failed(why), None),
                };
            }
            409 => match text.strip_suffix('\n').and_then(|size| size.parse::<u64>().ok()) {
                Some(size) if size > checkpoint.size => return (Answer::Ahead(size), None),
                // How version 1.0.0 of the protocol says that it knows another tree of this size.
                Some(size) if size == old && size == checkpoint.size => return (Answer::Forked(clipped(&text)), None),
                Some(size) if !last => old = size,
                Some(_) => {
                    return (
                        Answer::Failed("its last size changed while it was asked; somebody else sends it checkpoints".into()),
                        None,
                    );
                }
                None => return (Answer::Failed("it answers 409 without a size".into()), None),
            },
            422 => return (Answer::Forked(clipped(&text)), None),
            400 | 403 | 404 => return (Answer::Refused(status, clipped(&text)), None),
            _ => return (Answer::Failed(format!("it answers {status}: {}", clipped(&text))), None),
        }
    }
    (Answer::Failed("it was asked twice".into()), None)
}

/// Sends a request; gives status and body.
fn post(agent: &Agent, url: &str, body: String) -> Result<(u16, String), String> {
    let mut response =
        agent.post(url).header("Content-Type", "text/plain; charset=utf-8").send(body).map_err(|e| e.to_string())?;
    let text = response.body_mut().with_config().limit(MOST_BYTES).read_to_string().map_err(|e| e.to_string())?;
    Ok((response.status().as_u16(), text))
}

/// The witness's newest cosignature in its answer. Lines of other keys are passed over; one of its own that does not fit spoils all.
fn cosignature(witness: &Witness, text: &str, answer: &str) -> Result<(u64, NoteSignature), String> {
    let lines = answer.split_inclusive('\n').map(NoteSignature::parse).collect::<Result<Vec<_>, _>>();
    let own = lines.map_err(|e| e.to_string())?.into_iter().filter(|line| line.names(&witness.key));
    let mut newest = None;
    for line in own {
        let note = Note { text: text.to_owned(), signatures: vec![line.clone()] };
        let times = note.signed_by(&witness.key).map_err(|e| e.to_string())?;
        let time = times.into_iter().flatten().max().filter(|time| *time > 0).ok_or("a cosignature of its own has no time")?;
        if newest.as_ref().is_none_or(|(newest, _)| time > *newest) {
            newest = Some((time, line));
        }
    }
    newest.ok_or_else(|| "no line of its answer is by the key that the policy names".into())
}

/// What a stranger says, short enough for a log.
fn clipped(text: &str) -> String {
    text.trim().chars().filter(|c| !c.is_control()).take(200).collect()
}

#[cfg(test)]
mod tests;
