//! The client against witnesses that work, and against those that do everything else.

use super::*;
use crate::log_witness::memory::Memory;
use crate::log_witness::{LogWitness, server};
use crate::test_log::TestLog;
use ed25519_dalek::SigningKey;
use sohoa_record::log::VerifierKey;
use sohoa_record::log::cosignature::cosign;
use sohoa_record::log::note::KeyType;
use std::io::{Read as _, Write as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;
use tokio::net::TcpListener;

const LOG: &str = "log.example/a";

fn key(n: u8) -> SigningKey {
    SigningKey::from_bytes(&[n; 32])
}

fn vkey(n: u8) -> VerifierKey {
    VerifierKey::new(&format!("w{n}.example"), KeyType::Cosignature, key(n).verifying_key()).unwrap()
}

/// A policy with those witnesses, of which `quorum` must agree.
fn policy(log: &TestLog, quorum: usize, witnesses: &[(u8, String)]) -> LogPolicy {
    let mut text = format!("log {}\n", log.vkey());
    witnesses.iter().for_each(|(n, url)| text += &format!("witness w{n} {} {url}\n", vkey(*n)));
    let names: Vec<String> = witnesses.iter().map(|(n, _)| format!("w{n}")).collect();
    LogPolicy::parse(&format!("{text}group q {quorum} {}\nquorum q\n", names.join(" "))).unwrap()
}

/// A real witness on a port of its own; it ends with the test.
async fn witness(n: u8, folder: &std::path::Path) -> (u8, String) {
    let folder = folder.join(n.to_string());
    if !folder.exists() {
        Memory::begin(&folder, &vkey(n)).unwrap();
    }
    let logs = vec![TestLog::honest(LOG).signer.public().clone()];
    let witness = Arc::new(LogWitness::open(vkey(n), key(n), logs, &folder).unwrap());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(server::serve(witness, listener, std::future::pending()));
    (n, url)
}

/// A server that gives these answers, one a connection, and then none.
fn fake(answers: Vec<Vec<u8>>) -> (String, Arc<AtomicUsize>) {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    std::thread::spawn(move || {
        for answer in answers {
            let Ok((mut stream, _)) = listener.accept() else { return };
            count.fetch_add(1, Ordering::SeqCst);
            let mut request = [0; 16 * 1024];
            let _ = stream.read(&mut request);
            let _ = stream.write_all(&answer);
        }
    });
    (url, asked)
}

fn http(status: u16, body: &str) -> Vec<u8> {
    format!("HTTP/1.1 {status} x\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len()).into_bytes()
}

async fn gather_from(log: &TestLog, policy: &LogPolicy, size: u64, previous: Option<&Note>) -> Gathered {
    gather(policy, &log.note(size), previous, async |old| Ok(log.proof(old, size))).await.unwrap()
}

fn answer(gathered: &Gathered, n: usize) -> &Answer {
    &gathered.answers[n].1
}

#[tokio::test(flavor = "multi_thread")]
async fn several_witnesses_cosign_a_log_that_grows_and_the_quorum_is_told() {
    let (dir, log) = (tempfile::tempdir().unwrap(), TestLog::honest(LOG));
    let witnesses = [witness(2, dir.path()).await, witness(3, dir.path()).await, (4, "http://127.0.0.1:1".into())];
    let two = policy(&log, 2, &witnesses);
    let first = gather_from(&log, &two, 3, None).await;
    assert!(
        matches!(first.answers.as_slice(), [(_, Answer::Cosigned(_)), (_, Answer::Cosigned(_)), (_, Answer::Failed(_))]),
        "{:?}",
        first.answers
    );
    assert_eq!(first.judged.as_ref().unwrap().witnesses.len(), 2);
    // With the note before in hand, or without: then each says itself what it saw.
    let second = gather_from(&log, &two, 9, Some(&first.note)).await;
    let third = gather_from(&log, &two, 700, None).await;
    assert!(second.judged.is_ok() && third.judged.is_ok());
    // The same tree again takes the place of the older cosignature.
    let again = gather(&two, &third.note, Some(&third.note), async |old| Ok(log.proof(old, 700))).await.unwrap();
    assert_eq!(again.note.signatures.len(), 3);
    // Who has not cosigned is asked at every turn, who has once a day.
    let newest = |note: &Note, n: u8| note.signed_by(&vkey(n)).unwrap().into_iter().flatten().max().unwrap();
    let cosigned = newest(&again.note, witnesses[0].0).max(newest(&again.note, witnesses[1].0));
    assert!(is_due(&two, &again.note, cosigned), "the third has not");
    let both = policy(&log, 2, &witnesses[..2]);
    assert!(!is_due(&both, &again.note, cosigned) && !is_due(&both, &again.note, cosigned + AGAIN - 60));
    assert!(is_due(&both, &again.note, cosigned + AGAIN));
    // Two of three are not all.
    let all = policy(&log, 3, &witnesses);
    let few = gather_from(&log, &all, 701, None).await;
    assert_eq!(few.judged, Err(PolicyError::NoQuorum { size: 701, witnesses: 2 }));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fork_and_a_log_that_was_taken_back_are_alarms() {
    let (dir, log, fork) = (tempfile::tempdir().unwrap(), TestLog::honest(LOG), TestLog::new(LOG, 2));
    let one = policy(&log, 1, &[witness(2, dir.path()).await]);
    assert!(gather_from(&log, &one, 9, None).await.judged.is_ok());
    for size in [9, 12] {
        let forked = gather_from(&fork, &one, size, None).await;
        assert!(matches!(answer(&forked, 0), Answer::Forked(_)), "{:?}", forked.answers);
        assert!(answer(&forked, 0).is_alarm() && forked.judged.is_err() && forked.note.signatures.len() == 1);
    }
    let back = gather_from(&log, &one, 4, None).await;
    assert_eq!(answer(&back, 0), &Answer::Ahead(9));
    assert!(answer(&back, 0).is_alarm());
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_a_witness_answers_only_its_own_cosignature_counts() {
    let log = TestLog::honest(LOG);
    let text = log.checkpoint(5).text();
    let good = cosign(&text, "w2.example", &key(2), 1_700_000_000).unwrap().to_string();
    let other_key = cosign(&text, "w3.example", &key(3), 1_700_000_000).unwrap().to_string();
    let other_tree = cosign(&log.checkpoint(6).text(), "w2.example", &key(2), 1_700_000_000).unwrap().to_string();
    let no_time = cosign(&text, "w2.example", &key(2), 0).unwrap().to_string();
    let newer = cosign(&text, "w2.example", &key(2), 1_700_000_001).unwrap().to_string();
    let failed = |answer: &Answer| matches!(answer, Answer::Failed(_));
    let cosigned = |answer: &Answer| *answer == Answer::Cosigned(1_700_000_000);
    let huge = "x".repeat(200_000);
    type Judge<'a> = &'a (dyn Fn(&Answer) -> bool + Sync);
    let cases: Vec<(&str, Vec<Vec<u8>>, Judge<'_>)> = vec![
        ("its cosignature", vec![http(200, &good)], &cosigned),
        ("among others' lines", vec![http(200, &format!("{other_key}{good}"))], &cosigned),
        ("the newest of two", vec![http(200, &format!("{newer}{good}"))], &|answer| *answer == Answer::Cosigned(1_700_000_001)),
        ("somebody else's", vec![http(200, &other_key)], &failed),
        ("of another tree", vec![http(200, &other_tree)], &failed),
        ("beside a false one", vec![http(200, &format!("{good}{other_tree}"))], &failed),
        ("without a time", vec![http(200, &no_time)], &failed),
        ("nothing", vec![http(200, "")], &failed),
        ("no note line", vec![http(200, "thanks\n")], &failed),
        ("too much", vec![http(200, &huge)], &failed),
        ("not HTTP", vec![b"220 smtp ready\r\n".to_vec()], &failed),
        (
            "a redirection",
            vec![b"HTTP/1.1 302 x\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n".to_vec()],
            &failed,
        ),
        ("behind, then its cosignature", vec![http(409, "3\n"), http(200, &good)], &cosigned),
        ("behind twice", vec![http(409, "3\n"), http(409, "4\n"), http(200, &good)], &failed),
        ("ahead", vec![http(409, "6\n"), http(200, &good)], &|answer| *answer == Answer::Ahead(6)),
        ("another tree of this size", vec![http(409, "5\n"), http(409, "5\n")], &|answer| matches!(answer, Answer::Forked(_))),
        ("no size", vec![http(409, "many\n"), http(200, &good)], &failed),
        ("a fork", vec![http(422, "two histories\u{7}\n")], &|answer| *answer == Answer::Forked("two histories".into())),
        ("unknown", vec![http(404, "no\n")], &|answer| *answer == Answer::Refused(404, "no".into())),
        ("broken", vec![http(500, "")], &failed),
    ];
    for (name, answers, expected) in cases {
        let most = answers.len();
        let (url, asked) = fake(answers);
        let gathered = gather_from(&log, &policy(&log, 1, &[(2, url)]), 5, None).await;
        assert!(expected(answer(&gathered, 0)), "{name}: {:?}", gathered.answers);
        assert_eq!(gathered.judged.is_ok(), matches!(answer(&gathered, 0), Answer::Cosigned(_)), "{name}");
        assert!(asked.load(Ordering::SeqCst) <= most.min(2), "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_witness_that_never_answers_holds_nobody_up_for_long() {
    let (dir, log) = (tempfile::tempdir().unwrap(), TestLog::honest(LOG));
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let urls = [witness(2, dir.path()).await, (3, format!("http://{}", silent.local_addr().unwrap()))];
    let begun = Instant::now();
    let gathered = gather_from(&log, &policy(&log, 1, &urls), 5, None).await;
    assert!(begun.elapsed() < ANSWER_TIME + Duration::from_secs(5));
    assert!(matches!(answer(&gathered, 0), Answer::Cosigned(_)) && matches!(answer(&gathered, 1), Answer::Failed(_)));
}

#[tokio::test]
async fn a_witness_without_an_address_is_not_asked_and_a_strangers_log_is_refused() {
    let log = TestLog::honest(LOG);
    let gathered = gather_from(&log, &policy(&log, 1, &[(2, String::new()), (3, "https://127.0.0.1:1".into())]), 5, None).await;
    assert_eq!(
        gathered.answers.iter().map(|(_, answer)| answer.clone()).collect::<Vec<_>>(),
        [Answer::NoAddress, Answer::NoAddress]
    );
    let stranger = TestLog::honest("log.example/b");
    let refused = gather(&policy(&log, 1, &[(2, String::new())]), &stranger.note(5), None, async |_| Ok(Vec::new())).await;
    assert!(matches!(refused, Err(PolicyError::UnknownLog(_))));
}
