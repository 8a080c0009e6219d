//! The queue's contract, as plain functions over a queue: a second implementation is held to the same.

#![allow(clippy::unwrap_used)]

mod common;

use common::Place;
use sohoa_archive::{Error, Failure, Job, JobState, Order, Queue, new_record_id};
use sohoa_record::Sha256Hex;
use sohoa_record::identifier::RecordId;

const MAX: u32 = 3;

async fn add(queue: &Queue, now: i64, priority: i64) -> RecordId {
    let record = new_record_id();
    assert!(queue.enqueue(now, &record, &Sha256Hex::of(record.as_str().as_bytes()), priority).await.unwrap());
    record
}

async fn take(queue: &Queue, now: i64) -> Option<Job> {
    queue.lease(now, "w1", 100, MAX, Order::ByPriority).await.unwrap()
}

macro_rules! contract {
    ($($name:ident),*) => {$(
        #[tokio::test]
        async fn $name() {
            let place = Place::new();
            contract::$name(place.open().await.queue).await;
        }
    )*};
}

contract!(
    highest_priority_first_then_oldest,
    a_job_is_there_once,
    a_leased_job_is_nobody_elses_until_the_lease_ends,
    a_heartbeat_keeps_the_lease,
    who_lost_the_lease_is_told,
    a_failed_job_waits_for_its_time_and_holds_up_nobody,
    used_up_attempts_make_a_dead_letter_with_the_last_error,
    leases_that_only_run_out_make_dead_letters_too,
    a_released_job_has_lost_no_attempt,
    what_a_killed_owner_held_is_taken_back_at_once,
    counts_and_times_say_what_is_waiting,
    what_waits_is_counted_by_priority,
    by_age_the_oldest_is_next_whatever_is_urgent,
    a_job_is_found_as_it_stands
);

mod contract {
    use super::*;

    pub async fn highest_priority_first_then_oldest(queue: Queue) {
        let late = add(&queue, 30, 0).await;
        let early = add(&queue, 10, 0).await;
        let urgent = add(&queue, 99, 5).await;
        for expected in [urgent, early, late] {
            assert_eq!(take(&queue, 100).await.unwrap().record, expected);
        }
        assert_eq!(take(&queue, 100).await, None);
    }

    pub async fn what_waits_is_counted_by_priority(queue: Queue) {
        assert!(queue.queued_by_priority().await.unwrap().is_empty());
        for (now, priority) in [(1, 0), (2, 0), (3, 20), (4, 20)] {
            add(&queue, now, priority).await;
        }
        let urgent = take(&queue, 10).await.unwrap();
        let counted: Vec<(i64, u64)> = queue.queued_by_priority().await.unwrap().into_iter().collect();
        assert_eq!((urgent.priority, counted), (20, vec![(0, 2), (20, 1)]), "what is being done does not wait");
    }

    pub async fn by_age_the_oldest_is_next_whatever_is_urgent(queue: Queue) {
        let (old, urgent) = (add(&queue, 10, 0).await, add(&queue, 20, 5).await);
        let next = queue.lease(100, "w1", 100, MAX, Order::ByAge).await.unwrap().unwrap();
        assert_eq!((next.record, take(&queue, 100).await.unwrap().record), (old, urgent));
    }

    pub async fn a_job_is_found_as_it_stands(queue: Queue) {
        let record = add(&queue, 10, 0).await;
        assert_eq!(queue.find(&new_record_id()).await.unwrap(), None);
        let state = async || {
            let found = queue.find(&record).await.unwrap().unwrap();
            (found.state, found.attempts, found.last_error)
        };
        assert_eq!(state().await, (JobState::Queued, 0, String::new()));
        let job = take(&queue, 100).await.unwrap();
        assert_eq!(state().await, (JobState::Leased, 1, String::new()));
        queue.fail(&job, Failure::Dead, MAX, "hỏng").await.unwrap();
        assert_eq!(state().await, (JobState::Dead, 1, "hỏng".into()));
    }

    pub async fn a_job_is_there_once(queue: Queue) {
        let record = add(&queue, 1, 0).await;
        assert!(!queue.enqueue(2, &record, &Sha256Hex::of(b"x"), 9).await.unwrap());
        let job = take(&queue, 3).await.unwrap();
        assert!(!queue.enqueue(4, &record, &job.source_sha256, 0).await.unwrap());
        queue.fail(&job, Failure::Dead, MAX, "broken").await.unwrap();
        assert!(!queue.enqueue(5, &record, &job.source_sha256, 0).await.unwrap());
        assert_eq!(take(&queue, 6).await, None);
    }

    pub async fn a_leased_job_is_nobody_elses_until_the_lease_ends(queue: Queue) {
        add(&queue, 0, 0).await;
        let first = take(&queue, 0).await.unwrap();
        assert_eq!((first.attempt, first.lease_until), (1, 100));
        assert_eq!(queue.lease(99, "w2", 100, MAX, Order::ByPriority).await.unwrap(), None);
        let second = queue.lease(100, "w2", 100, MAX, Order::ByPriority).await.unwrap().unwrap();
        assert_eq!((second.attempt, second.owner.as_str(), &second.record), (2, "w2", &first.record));
        assert!(second.last_error.unwrap().contains("lease ran out"));
    }

    pub async fn a_heartbeat_keeps_the_lease(queue: Queue) {
        add(&queue, 0, 0).await;
        let job = take(&queue, 0).await.unwrap();
        queue.extend(90, &job, 100).await.unwrap();
        assert_eq!(queue.lease(150, "w2", 100, MAX, Order::ByPriority).await.unwrap(), None);
        assert!(queue.lease(190, "w2", 100, MAX, Order::ByPriority).await.unwrap().is_some());
    }

    pub async fn who_lost_the_lease_is_told(queue: Queue) {
        add(&queue, 0, 0).await;
        let lost = take(&queue, 0).await.unwrap();
        // the same owner again: it is the attempt that tells the two apart
        let held = take(&queue, 200).await.unwrap();
        for result in [
            queue.extend(210, &lost, 100).await,
            queue.fail(&lost, Failure::Dead, MAX, "too late").await,
            queue.release(&lost).await,
        ] {
            assert!(matches!(result, Err(Error::LeaseLost { attempt: 1, .. })), "{result:?}");
        }
        queue.extend(210, &held, 100).await.unwrap();
    }

    pub async fn a_failed_job_waits_for_its_time_and_holds_up_nobody(queue: Queue) {
        let failing = add(&queue, 0, 9).await;
        let other = add(&queue, 1, 0).await;
        let job = take(&queue, 10).await.unwrap();
        queue.fail(&job, Failure::RetryAt(500), MAX, "store away").await.unwrap();
        assert_eq!(take(&queue, 20).await.unwrap().record, other);
        assert_eq!(take(&queue, 30).await, None);
        let again = take(&queue, 500).await.unwrap();
        assert_eq!((again.record, again.attempt, again.last_error.as_deref()), (failing, 2, Some("store away")));
    }

    pub async fn used_up_attempts_make_a_dead_letter_with_the_last_error(queue: Queue) {
        let record = add(&queue, 0, 0).await;
        for attempt in 1..=MAX {
            let job = take(&queue, 10).await.unwrap();
            assert_eq!(job.attempt, attempt);
            queue.fail(&job, Failure::RetryAt(10), MAX, &format!("error {attempt}")).await.unwrap();
        }
        assert_eq!(take(&queue, 20).await, None);
        let dead = queue.dead(None, 10).await.unwrap();
        assert_eq!((dead.len(), &dead[0].record, dead[0].attempts, dead[0].last_error.as_str()), (1, &record, 3, "error 3"));
        assert_eq!(queue.dead(Some(&record), 10).await.unwrap(), []);
        assert_eq!(queue.retry_dead(Some(&record)).await.unwrap(), 1);
        assert_eq!(queue.retry_dead(None).await.unwrap(), 0);
        assert_eq!(take(&queue, 30).await.unwrap().attempt, 1);
    }

    pub async fn leases_that_only_run_out_make_dead_letters_too(queue: Queue) {
        add(&queue, 0, 0).await;
        for attempt in 1..=MAX {
            assert_eq!(take(&queue, i64::from(attempt) * 1_000).await.unwrap().attempt, attempt);
        }
        assert_eq!(take(&queue, 10_000).await, None);
        assert!(queue.dead(None, 10).await.unwrap()[0].last_error.contains("lease ran out"));
    }

    pub async fn a_released_job_has_lost_no_attempt(queue: Queue) {
        add(&queue, 0, 0).await;
        let job = take(&queue, 0).await.unwrap();
        queue.release(&job).await.unwrap();
        assert_eq!(take(&queue, 1).await.unwrap().attempt, 1);
    }

    pub async fn what_a_killed_owner_held_is_taken_back_at_once(queue: Queue) {
        let (a, b) = (add(&queue, 0, 0).await, add(&queue, 1, 0).await);
        take(&queue, 0).await.unwrap();
        queue.lease(0, "w2", 100, MAX, Order::ByPriority).await.unwrap().unwrap();
        assert_eq!(queue.take_back("w1", MAX).await.unwrap(), 1);
        let job = take(&queue, 1).await.unwrap();
        assert_eq!((&job.record, job.attempt), (&a, 2));
        assert_eq!(take(&queue, 1).await, None, "{b} is still w2's");
        queue.take_back("w1", 2).await.unwrap();
        assert_eq!(queue.dead(None, 9).await.unwrap()[0].record, a);
    }

    pub async fn counts_and_times_say_what_is_waiting(queue: Queue) {
        assert_eq!((queue.counts().await.unwrap(), queue.next_at().await.unwrap()), (Default::default(), None));
        for now in [7, 5, 9] {
            add(&queue, now, 0).await;
        }
        let dead = take(&queue, 10).await.unwrap();
        queue.fail(&dead, Failure::Dead, MAX, "no").await.unwrap();
        let waits = take(&queue, 10).await.unwrap();
        queue.fail(&waits, Failure::RetryAt(50), MAX, "later").await.unwrap();
        take(&queue, 10).await.unwrap();
        let counts = queue.counts().await.unwrap();
        assert_eq!((counts.queued, counts.leased, counts.dead, counts.oldest_enqueued_at), (1, 1, 1, Some(7)));
        assert_eq!(queue.next_at().await.unwrap(), Some(50));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_programs_never_hold_one_job() {
    let place = Place::new();
    let queues = [place.open().await.queue, place.open().await.queue];
    for now in 0..60 {
        add(&queues[0], now, now % 3).await;
    }
    let workers = (0..6usize).map(|i| {
        let queue = queues[i % 2].clone();
        tokio::spawn(async move {
            let mut taken = Vec::new();
            while let Some(job) = queue.lease(100, &format!("w{i}"), 1_000, MAX, Order::ByPriority).await.unwrap() {
                taken.push(job.record);
            }
            taken
        })
    });
    let mut taken: Vec<RecordId> = futures::future::join_all(workers).await.into_iter().flat_map(Result::unwrap).collect();
    taken.sort();
    taken.dedup();
    assert_eq!(taken.len(), 60);
}
