//! A log witness: an agency that cosigns the checkpoints of other agencies' logs, each only when it continues the one before (C2SP
//! tlog-witness). It sees origins, sizes and hashes, and nothing of any record. Its words: [`settings`]; what it must never forget:
//! [`memory`]; how it is asked: [`server`].
//!
//! It is *not* the register as a witness of a field, which is [`crate::witness`].
//!
//! The order of one request is [`LogWitness::add_checkpoint`]: check, remember, only then answer. What was cosigned is durable before
//! anybody hears of it, so whoever is killed at any line has never signed two histories.

pub mod memory;
pub mod server;
pub mod settings;

use ed25519_dalek::SigningKey;
use memory::{Memory, MemoryError, Step};
use sohoa_record::log::add_checkpoint::{AddCheckpoint, Refusal};
use sohoa_record::log::cosignature::cosign;
use sohoa_record::log::note::NoteError;
use sohoa_record::log::{Checkpoint, Note, VerifierKey};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

/// A witness that is open: nobody else writes its memory.
pub struct LogWitness {
    public: VerifierKey,
    key: SigningKey,
    logs: Vec<VerifierKey>,
    memory: Memory,
    /// One at a time for each log: checking and remembering are one act.
    turns: BTreeMap<String, Mutex<()>>,
}

/// Why there is no cosignature.
#[derive(Debug, thiserror::Error)]
pub enum WitnessError {
    /// The request is refused.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The witness cannot remember, so it does not sign.
    #[error(transparent)]
    Memory(#[from] MemoryError),
    /// Times that go back would be false: either this one or the one before.
    #[error(
        "the clock says {now} and the last cosignature of this log was made at {last} (seconds since 1970 UTC); set the clock right"
    )]
    Clock {
        /// The clock's time.
        now: u64,
        /// The last cosignature's.
        last: u64,
    },
    /// A name that no key can have.
    #[error("the witness's name: {0}")]
    Name(#[from] NoteError),
}

impl LogWitness {
    /// Opens the memory in `folder`, of the witness with that key, which watches `logs`.
    pub fn open(public: VerifierKey, key: SigningKey, logs: Vec<VerifierKey>, folder: &Path) -> Result<LogWitness, WitnessError> {
        let memory = Memory::open(folder, &public)?;
        let turns = logs.iter().map(|log| (log.name().to_owned(), Mutex::new(()))).collect();
        let witness = LogWitness { public, key, logs, memory, turns };
        // Whatever cannot be read is told at the start, not to the first log that asks.
        for origin in witness.turns.keys() {
            witness.seen(origin)?;
        }
        Ok(witness)
    }

    /// The witness's public key.
    pub fn public(&self) -> &VerifierKey {
        &self.public
    }

    /// The names of the logs it watches.
    pub fn origins(&self) -> impl Iterator<Item = &str> {
        self.turns.keys().map(String::as_str)
    }

    /// Answers a request at `now`, in seconds since 1970 UTC: the cosignature as a line of a note. It blocks while the disk writes.
    pub fn add_checkpoint(&self, body: &[u8], now: u64) -> Result<String, WitnessError> {
        self.add_checkpoint_in_steps(body, now, &mut |_| Ok(()))
    }

    /// The same; `step` is called between the writes, and may fail there in their stead.
    fn add_checkpoint_in_steps(
        &self,
        body: &[u8],
        now: u64,
        step: &mut dyn FnMut(Step) -> std::io::Result<()>,
    ) -> Result<String, WitnessError> {
        let request = AddCheckpoint::parse(body)?;
        let (checkpoint, signatures) = request.signed_by(&self.logs)?;
        let turn = self.turns.get(&checkpoint.origin).ok_or_else(|| Refusal::UnknownLog(checkpoint.origin.clone()))?;
        // A request that panicked left nothing half done: what counts is in the files.
        let _turn = turn.lock().unwrap_or_else(PoisonError::into_inner);
        let seen = self.seen(&checkpoint.origin)?;
        let newest = seen.as_ref().map(|seen| &seen.checkpoint);
        if let Err(refusal) = request.continues(&checkpoint, newest) {
            // Two signed trees of one size are proof, whatever the sender says to have known before.
            let forks = newest.is_some_and(|newest| newest.size == checkpoint.size && newest.root != checkpoint.root);
            if forks || refusal.status() == 422 {
                let what = if forks { Refusal::Forks { size: checkpoint.size } } else { refusal.clone() };
                tracing::error!(log = checkpoint.origin, "{what}; what the log signed is kept");
                let kept = self.memory.keep_evidence(&checkpoint, forks, body, seen.as_ref().map(|seen| &seen.note));
                kept.unwrap_or_else(|error| tracing::error!("the evidence could not be kept: {error}"));
            }
            return Err(refusal.into());
        }
        if let Some(seen) = seen.filter(|seen| seen.time > now) {
            return Err(WitnessError::Clock { now, last: seen.time });
        }
        let cosignature = cosign(&request.note.text, self.public.name(), &self.key, now)?;
        let line = cosignature.to_string();
        let note = Note { text: request.note.text, signatures: signatures.into_iter().chain([cosignature]).collect() };
        self.memory.remember(&checkpoint.origin, &note, step)?;
        Ok(line)
    }

    /// What was cosigned last of the log whose name has that SHA-256, in hexadecimal; none when nothing was.
    pub fn newest(&self, origin_hash: &str) -> Result<Option<Note>, MemoryError> {
        match self.turns.keys().find(|origin| memory::origin_hash(origin) == origin_hash) {
            Some(origin) => Ok(self.seen(origin)?.map(|seen| seen.note)),
            None => Ok(None),
        }
    }

    /// What was cosigned last, which must still be ours and the log's.
    fn seen(&self, origin: &str) -> Result<Option<Seen>, MemoryError> {
        let Some(note) = self.memory.newest(origin)? else { return Ok(None) };
        let checkpoint = Checkpoint::of_note(&note).ok().filter(|checkpoint| checkpoint.origin == origin);
        let time = note.signed_by(&self.public).ok().and_then(|times| times.into_iter().flatten().max());
        match checkpoint.zip(time) {
            Some((checkpoint, time)) => Ok(Some(Seen { note, checkpoint, time })),
            None => Err(self.memory.damaged(origin, "it is not a checkpoint of that log that this witness cosigned")),
        }
    }
}

/// What was cosigned last of a log.
struct Seen {
    note: Note,
    checkpoint: Checkpoint,
    /// Our cosignature's.
    time: u64,
}

#[cfg(test)]
mod tests;
