//! A witness without its server: what it cosigns, what it remembers, and every line at which it may be killed.

use super::memory::{Memory, MemoryError, Step, origin_hash};
use super::*;
use crate::test_log::TestLog;
use sohoa_record::log::note::{KeyType, NoteSignature};
use std::io;

const LOG: &str = "log.example/a";
const STEPS: [Step; 5] = [Step::Checked, Step::Written, Step::Synced, Step::Renamed, Step::Durable];

struct Place {
    dir: tempfile::TempDir,
    key: SigningKey,
    public: VerifierKey,
}

impl Place {
    fn new() -> Place {
        let key = SigningKey::from_bytes(b"sohoa TEST-ONLY witness key no 1");
        let public = VerifierKey::new("witness.example/w", KeyType::Cosignature, key.verifying_key()).unwrap();
        let dir = tempfile::tempdir().unwrap();
        Memory::begin(dir.path(), &public).unwrap();
        Place { dir, key, public }
    }

    fn try_open(&self) -> Result<LogWitness, WitnessError> {
        let logs = vec![TestLog::honest(LOG).signer.public().clone()];
        LogWitness::open(self.public.clone(), self.key.clone(), logs, self.dir.path())
    }

    fn open(&self) -> LogWitness {
        self.try_open().unwrap()
    }

    fn refused(&self) -> Vec<String> {
        let folder = self.dir.path().join(origin_hash(LOG)).join("refused");
        let entries = std::fs::read_dir(folder).into_iter().flatten();
        let mut names: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

fn status(answer: Result<String, WitnessError>) -> u16 {
    match answer {
        Ok(_) => 200,
        Err(WitnessError::Refused(refusal)) => refusal.status(),
        Err(_) => 500,
    }
}

#[test]
fn a_log_that_grows_is_cosigned_and_what_was_cosigned_is_served() {
    let (place, log) = (Place::new(), TestLog::honest(LOG));
    let witness = place.open();
    assert_eq!(witness.newest(&origin_hash(LOG)).unwrap(), None);
    for (old, size, time) in [(0, 0, 100), (0, 3, 101), (3, 3, 102), (3, 300, 103), (300, 1999, 104)] {
        let line = witness.add_checkpoint(log.request(old, size).as_bytes(), time).unwrap();
        let note = Note { text: log.checkpoint(size).text(), signatures: vec![NoteSignature::parse(&line).unwrap()] };
        assert_eq!(note.signed_by(&place.public), Ok(vec![Some(time)]));
        let served = witness.newest(&origin_hash(LOG)).unwrap().unwrap();
        assert_eq!(served.signed_by(log.signer.public()), Ok(vec![None]));
        assert_eq!(served.signed_by(&place.public), Ok(vec![Some(time)]));
        assert_eq!(Checkpoint::of_note(&served).unwrap(), log.checkpoint(size));
    }
    assert_eq!(witness.newest(&origin_hash("log.example/b")).unwrap(), None);
}

#[test]
fn a_second_history_is_refused_and_kept_as_the_log_signed_it() {
    let (place, log, fork) = (Place::new(), TestLog::honest(LOG), TestLog::new(LOG, 4));
    let witness = place.open();
    witness.add_checkpoint(log.request(0, 7).as_bytes(), 1).unwrap();
    let request = fork.request(7, 7);
    assert_eq!(status(witness.add_checkpoint(request.as_bytes(), 2)), 422);
    // again, and after a restart: once is enough
    assert_eq!(status(witness.add_checkpoint(request.as_bytes(), 3)), 422);
    drop(witness);
    let witness = place.open();
    assert_eq!(status(witness.add_checkpoint(fork.request(7, 9).as_bytes(), 4)), 422);
    assert_eq!(status(witness.add_checkpoint(fork.request(4, 9).as_bytes(), 4)), 409);
    assert_eq!(status(witness.add_checkpoint(TestLog::new(LOG, 3).request(4, 7).as_bytes(), 4)), 409, "kept all the same");
    assert_eq!(status(witness.add_checkpoint(log.request(7, 9).as_bytes(), 5)), 200);

    let names = place.refused();
    assert_eq!(names.len(), 6, "{names:?}");
    let kept = |name: &str| std::fs::read_to_string(place.dir.path().join(origin_hash(LOG)).join("refused").join(name)).unwrap();
    assert!(names[..4].iter().all(|name| name.starts_with("fork-")) && names[4].starts_with("unproved-"));
    let first = names.iter().position(|name| kept(name) == request).unwrap();
    // Both signed trees of one size lie side by side: that needs no word of the witness.
    let (theirs, ours) = (
        AddCheckpoint::parse(kept(&names[first]).as_bytes()).unwrap().note,
        Note::parse(kept(&format!("{}.cosigned", names[first])).as_bytes()).unwrap(),
    );
    for note in [&theirs, &ours] {
        assert_eq!(note.signed_by(log.signer.public()), Ok(vec![None]));
    }
    let (theirs, ours) = (Checkpoint::of_note(&theirs).unwrap(), Checkpoint::of_note(&ours).unwrap());
    assert!(theirs.size == ours.size && theirs.root != ours.root);
}

#[test]
fn a_clock_that_went_back_signs_nothing() {
    let (place, log) = (Place::new(), TestLog::honest(LOG));
    let witness = place.open();
    witness.add_checkpoint(log.request(0, 2).as_bytes(), 100).unwrap();
    assert!(matches!(witness.add_checkpoint(log.request(2, 3).as_bytes(), 99), Err(WitnessError::Clock { now: 99, last: 100 })));
    witness.add_checkpoint(log.request(2, 3).as_bytes(), 100).unwrap();
}

#[test]
fn replayed_checkpoints_with_wrong_proofs_fill_no_disk_and_hide_no_fork() {
    let (place, log, fork) = (Place::new(), TestLog::honest(LOG), TestLog::new(LOG, 1));
    let witness = place.open();
    witness.add_checkpoint(log.request(0, 2).as_bytes(), 1).unwrap();
    for size in 3..130 {
        let wrong = AddCheckpoint { old: 2, proof: Vec::new(), note: log.note(size) }.to_string();
        assert_eq!(status(witness.add_checkpoint(wrong.as_bytes(), 2)), 422);
        let other = AddCheckpoint { old: 2, proof: vec![[9; 32]], note: log.note(size) }.to_string();
        if size < 10 {
            assert_eq!(status(witness.add_checkpoint(other.as_bytes(), 2)), 422);
        }
    }
    assert_eq!(place.refused().len(), 200);
    assert_eq!(status(witness.add_checkpoint(fork.request(2, 2).as_bytes(), 3)), 422);
    assert_eq!(place.refused().iter().filter(|name| name.starts_with("fork-")).count(), 2);
}

/// The faults that matter: whatever is stopped or fails after any write, no two histories are cosigned, and a cosignature that somebody
/// has is remembered.
#[test]
fn a_witness_that_is_stopped_after_any_step_never_cosigns_two_histories() {
    for first in [false, true] {
        for dies in STEPS {
            let (place, log, fork) = (Place::new(), TestLog::honest(LOG), TestLog::new(LOG, 2));
            let witness = place.open();
            let old = if first { 0 } else { 3 };
            if !first {
                witness.add_checkpoint(log.request(0, 3).as_bytes(), 1).unwrap();
            }
            let request = log.request(old, 7);
            let stopped = witness.add_checkpoint_in_steps(request.as_bytes(), 2, &mut |step| {
                if step == dies { Err(io::Error::other("power failed")) } else { Ok(()) }
            });
            assert!(matches!(stopped, Err(WitnessError::Memory(MemoryError::Disk(..)))), "{dies:?}: {stopped:?}");
            drop(witness);

            let witness = place.open();
            let remembered = witness.newest(&origin_hash(LOG)).unwrap().map(|note| Checkpoint::of_note(&note).unwrap().size);
            let expected = if matches!(dies, Step::Renamed | Step::Durable) { Some(7) } else { (!first).then_some(old) };
            assert_eq!(remembered, expected, "{dies:?}");
            // Whatever it remembers: the fork finds no way in once the honest tree does, and the honest log always goes on.
            let seen = remembered.unwrap_or(0);
            assert_eq!(status(witness.add_checkpoint(log.request(seen, 7).as_bytes(), 3)), 200, "{dies:?}");
            assert_eq!(status(witness.add_checkpoint(fork.request(7, 7).as_bytes(), 4)), 422, "{dies:?}");
            assert_eq!(status(witness.add_checkpoint(fork.request(seen, 7).as_bytes(), 4)), if seen == 7 { 422 } else { 409 });
            assert_eq!(status(witness.add_checkpoint(log.request(7, 9).as_bytes(), 5)), 200, "{dies:?}");
        }
    }
}

/// The order itself: nothing is signed out before the last step, so at each of them what is on the disk is looked at.
#[test]
fn the_new_checkpoint_is_in_place_before_the_answer_and_never_in_half() {
    let (place, log) = (Place::new(), TestLog::honest(LOG));
    let witness = place.open();
    let file = place.dir.path().join(origin_hash(LOG)).join("checkpoint");
    witness.add_checkpoint(log.request(0, 3).as_bytes(), 1).unwrap();
    let mut sizes = Vec::new();
    let mut look = |step| {
        let note = Note::parse(&std::fs::read(&file).unwrap()).unwrap();
        sizes.push((step, Checkpoint::of_note(&note).unwrap().size));
        Ok(())
    };
    witness.add_checkpoint_in_steps(log.request(3, 7).as_bytes(), 2, &mut look).unwrap();
    let (before, after) = (3, 7);
    assert_eq!(sizes, STEPS.into_iter().zip([before, before, before, after, after]).collect::<Vec<_>>());
}

#[test]
fn of_requests_at_the_same_time_one_line_of_history_comes_out() {
    let (place, log, fork) = (Place::new(), TestLog::honest(LOG), TestLog::new(LOG, 5));
    let witness = place.open();
    witness.add_checkpoint(log.request(0, 5).as_bytes(), 1).unwrap();
    let histories = [&log, &fork];
    let cosigned: Vec<(usize, u64)> = std::thread::scope(|scope| {
        let clients: Vec<_> = (0..8)
            .map(|n| {
                let (witness, history) = (&witness, histories[n % 2]);
                scope.spawn(move || {
                    let mut mine = Vec::new();
                    let mut seen = 5;
                    for _ in 0..10 {
                        match witness.add_checkpoint(history.request(seen, seen + 1).as_bytes(), 2) {
                            Ok(_) => {
                                seen += 1;
                                mine.push((n % 2, seen));
                            }
                            Err(WitnessError::Refused(Refusal::Stale { seen: told })) => seen = told,
                            Err(WitnessError::Refused(refusal)) => assert_eq!(refusal.status(), 422),
                            Err(error) => panic!("{error}"),
                        }
                    }
                    mine
                })
            })
            .collect();
        clients.into_iter().flat_map(|client| client.join().unwrap()).collect()
    });
    // Each size was cosigned at most once from the one before, and all of one history.
    let mut sizes: Vec<u64> = cosigned.iter().map(|(_, size)| *size).collect();
    sizes.sort_unstable();
    let last = 5 + sizes.len() as u64;
    assert!(!sizes.is_empty());
    assert_eq!(sizes, (6..=last).collect::<Vec<_>>());
    assert!(cosigned.iter().all(|(history, _)| *history == cosigned[0].0), "{cosigned:?}");
}

#[test]
fn memory_that_is_away_damaged_anothers_or_in_use_is_refused() {
    let (place, log) = (Place::new(), TestLog::honest(LOG));
    let witness = place.open();
    assert!(matches!(place.try_open(), Err(WitnessError::Memory(MemoryError::Busy(_)))));
    witness.add_checkpoint(log.request(0, 5).as_bytes(), 1).unwrap();
    drop(witness);

    let file = place.dir.path().join(origin_hash(LOG)).join("checkpoint");
    let good = std::fs::read_to_string(&file).unwrap();
    let unsigned = good.lines().filter(|line| !line.starts_with("— witness")).map(|line| format!("{line}\n")).collect::<String>();
    let other_size = good.replacen("\n5\n", "\n4\n", 1);
    for bad in ["", "nonsense", &good[..good.len() - 9], &unsigned, &other_size] {
        std::fs::write(&file, bad).unwrap();
        assert!(matches!(place.try_open(), Err(WitnessError::Memory(MemoryError::Damaged(..)))), "{bad}");
    }
    std::fs::write(&file, &good).unwrap();
    drop(place.open());

    std::fs::write(place.dir.path().join("witness.vkey"), "witness.example/x+00000000+AAAA\n").unwrap();
    assert!(matches!(place.try_open(), Err(WitnessError::Memory(MemoryError::Another(..)))));
    std::fs::remove_file(place.dir.path().join("witness.vkey")).unwrap();
    assert!(matches!(place.try_open(), Err(WitnessError::Memory(MemoryError::NotThere(_)))));
}
