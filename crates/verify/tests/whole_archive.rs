//! A whole archive: an audit that is killed goes on where it was, and one of a sample says what follows for the rest.
#![allow(clippy::unwrap_used)]

mod common;

use common::log::*;
use common::*;
use sohoa_record::Manifest;
use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Command, Stdio};

const RECORDS: usize = 60;

struct Case {
    dir: tempfile::TempDir,
    manifests: Vec<Manifest>,
}

fn record(n: usize) -> String {
    format!("0193a5c2-7e1b-7c3d-9f00-{n:012x}")
}

impl Case {
    /// Records of one revision, all logged.
    fn new() -> Case {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("archive");
        let manifests: Vec<Manifest> = (0..RECORDS).map(|n| store(&root, &record(n), 1, &key()).remove(0)).collect();
        write_log(&root.join("log"), &entries(&manifests.iter().collect::<Vec<_>>()), &[RECORDS]);
        trust_with_log(dir.path());
        Case { dir, manifests }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn arguments(&self, more: &[&str]) -> Vec<String> {
        let own = [self.path("archive"), self.path("trust.txt")].map(|path| path.to_str().unwrap().to_owned());
        let own = [own[0].as_str(), "--trust", own[1].as_str(), "--json"];
        own.iter().chain(more).map(|argument| (*argument).to_owned()).collect()
    }

    fn said(&self, more: &[&str]) -> Said {
        run(&self.arguments(more).iter().map(String::as_str).collect::<Vec<_>>())
    }

    fn alter(&self, n: usize) {
        fs::write(object_path(&self.path("archive"), &self.manifests[n].objects[1].digests.sha256), "other").unwrap();
    }
}

#[test]
fn an_audit_that_was_killed_goes_on_and_comes_to_the_same() {
    let case = Case::new();
    case.alter(3);
    case.alter(40);
    let whole = case.said(&[]);
    assert_eq!((whole.code, whole.lines.len()), (10, RECORDS), "{}", whole.text);
    let state = case.path("state");
    let with_state = ["--state", state.to_str().unwrap()];
    for after in [1, 7, 20] {
        let mut child = Command::new(env!("CARGO_BIN_EXE_sohoa-verify"))
            .args(case.arguments(&with_state))
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines().take(after).count();
        assert_eq!(lines, after);
        child.kill().unwrap();
        child.wait().unwrap();
    }
    // as if power had gone while a line was written
    let bytes = fs::read(&state).unwrap();
    fs::write(&state, &bytes[..bytes.len() - 30]).unwrap();
    let reached = fs::read_to_string(&state).unwrap().matches('\n').count() - 1;
    assert!(reached >= 19, "{reached}");
    let resumed = case.said(&with_state);
    assert_eq!((resumed.code, &resumed.text), (10, &whole.text));
    assert!(resumed.errors.contains(&format!("{reached} records were judged by an earlier run")), "{}", resumed.errors);
    // all of it is taken over now; nothing is read again, and a record that came since is judged
    let late = store(&case.path("archive"), &record(RECORDS), 1, &key());
    let all: Vec<&Manifest> = case.manifests.iter().chain(&late).collect();
    write_log(&case.path("archive/log"), &entries(&all), &[RECORDS, 1]);
    let again = case.said(&with_state);
    assert!(again.errors.contains(&format!("{RECORDS} records were judged")), "{}", again.errors);
    assert_eq!((again.lines.len(), again.about(&record(RECORDS))["verdict"].as_str()), (RECORDS + 1, Some("ok")));
}

#[test]
fn the_state_of_another_audit_is_refused() {
    let case = Case::new();
    let state = case.path("state");
    let with_state = ["--state", state.to_str().unwrap()];
    assert_eq!(case.said(&with_state).code, 0);
    let as_of = case.said(&[&with_state[..], &["--at", "2030-01-01"]].concat());
    assert!(as_of.code == 1 && as_of.errors.contains("another audit"), "{}", as_of.errors);
    common::trust(case.dir.path());
    assert_eq!(case.said(&with_state).code, 1, "another policy");
    fs::write(&state, "something\nelse").unwrap();
    assert_eq!(case.said(&with_state).code, 1);
    assert_eq!(fs::read_to_string(&state).unwrap(), "something\nelse", "a foreign file is left alone");
}

#[test]
fn a_sample_is_drawn_by_its_seed_and_says_what_follows() {
    let case = Case::new();
    let sampled = |seed: &str| case.said(&["--sample", "20", "--seed", seed]);
    let drawn = |said: &Said| -> BTreeSet<String> {
        said.lines.iter().filter_map(|line| line["record"].as_str().map(str::to_owned)).collect()
    };
    let first = sampled("xổ số 26/11");
    assert_eq!((first.code, drawn(&first).len()), (0, 20), "{}", first.text);
    assert_eq!(drawn(&first), drawn(&sampled("xổ số 26/11")));
    assert_ne!(drawn(&first), drawn(&sampled("xổ số 27/11")));
    let told = first.lines.last().unwrap();
    assert_eq!(
        (&told["sample"]["population"], &told["sample"]["drawn"], &told["sample"]["bad"]),
        (&60.into(), &20.into(), &0.into())
    );
    assert_eq!(told["most_bad"], most_bad(60, 20));
    // what is altered among the drawn counts, elsewhere it is not seen
    let (inside, outside) = (0..RECORDS).partition::<Vec<_>, _>(|n| drawn(&first).contains(&record(*n)));
    case.alter(outside[0]);
    assert_eq!(sampled("xổ số 26/11").code, 0);
    case.alter(inside[0]);
    let said = sampled("xổ số 26/11");
    assert_eq!((said.code, &said.lines.last().unwrap()["sample"]["bad"]), (10, &1.into()), "{}", said.text);
    // a receipt or a whole record that was taken away is told whether it was drawn or not
    fs::remove_file(receipt_path(&case.path("archive"), &record(outside[1]), 1)).unwrap();
    fs::remove_dir_all(case.path("archive/records").join(record(outside[2]))).unwrap();
    let said = sampled("xổ số 26/11");
    for n in &outside[1..3] {
        assert!(said.lines.iter().any(|line| line["record"] == record(*n) && line["verdict"] == "withheld"), "{}", said.text);
    }
    assert_eq!(case.said(&["--sample", "20"]).code, 2, "a draw wants a seed");
}

/// With whole numbers: the largest D for which C(population − D, n) · 20 > C(population, n).
fn most_bad(population: u64, n: u64) -> u64 {
    let choose = |from: u64| (0..n).fold(1.0f64, |product, k| product * (from - k) as f64 / (k + 1) as f64);
    (0..=population - n).rev().find(|bad| choose(population - bad) * 20.0 > choose(population)).unwrap()
}

/// Threat: a sealed PDF whose legal signature never held. Whoever can judge it is asked where a manifest says that there is one.
#[test]
fn a_pdf_signature_that_does_not_hold_is_a_bad_signature() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("archive");
    store(&root, A, 1, &key());
    let mut signed = manifest(B, None);
    signed.pdf_signatures = vec![sohoa_record::manifest::PdfSignature {
        profile: "nd30-2020".into(),
        signer: "UBND xã Thử Nghiệm".into(),
        certificate_sha256: sohoa_record::Sha256Hex::of(b"certificate"),
        level: "b-b".into(),
        signed_at: "2026-11-22T09:30:00+07:00".into(),
        stamped_at: None,
    }];
    for (object, bytes) in objects(B, 1) {
        write(object_path(&root, &object.digests.sha256), bytes);
    }
    write(receipt_path(&root, B, 1), sohoa_record::Receipt::seal(&signed, &key()).to_bytes());
    arrive(&root, &signed);
    let mut policy = sohoa_record::TrustPolicy::default();
    policy.add(key().verifying_key(), "test").unwrap();
    let asked = std::cell::RefCell::new(Vec::new());
    let verdicts = |answer: Option<(String, String)>| {
        let mut verdicts = Vec::new();
        let pdf = |bytes: &[u8], _: &Manifest| {
            asked.borrow_mut().push(bytes.to_vec());
            sohoa_verify::pdf_signatures::Judged { checks: vec![], fault: answer.clone() }
        };
        let brought = sohoa_verify::Brought { pdf: Some(&pdf), ..Default::default() };
        sohoa_verify::audit_with(&root, "", &policy, brought, None, &mut |line| {
            verdicts.push((line.verdict, line.object, line.reason));
            Ok(())
        })
        .unwrap();
        verdicts
    };
    assert!(verdicts(None).iter().all(|(verdict, ..)| *verdict == sohoa_verify::Verdict::Ok));
    assert_eq!(*asked.borrow(), [objects(B, 1)[1].1.clone()], "only what says that it is signed, and its own bytes");
    let bad = verdicts(Some(("hỏng".into(), "broken".into()))).remove(1);
    assert_eq!((bad.0, bad.1.as_deref()), (sohoa_verify::Verdict::BadSignature, Some("searchable.pdf")));
    assert!(bad.2.contains("the legal signature on the PDF does not hold: broken"), "{}", bad.2);
    // The program itself looks, and finds none in what is no PDF at all; what was sealed is told all the same.
    let trust = common::trust(dir.path());
    let said = verify(&root, &trust);
    said.expect(12, B, "bad_signature", "searchable.pdf");
    assert!(said.about(B)["reason"].as_str().unwrap().contains("0 are there, 1 were sealed"), "{}", said.text);
    let told = said.about(B)["pdf_signatures"][0].clone();
    assert_eq!((&told["signer"], &told["level"]), (&"UBND xã Thử Nghiệm".into(), &"b-b".into()));
}

#[test]
fn a_sample_is_told_in_words() {
    let case = Case::new();
    let [root, trust] = [case.path("archive"), case.path("trust.txt")].map(|path| path.to_str().unwrap().to_owned());
    for (lang, words) in [("en", "exact hypergeometric upper bound"), ("vi", "cận trên siêu bội chính xác")] {
        let text = run(&[&root, "--trust", &trust, "--sample", "50%", "--seed", "s", "--lang", lang]).text.replace('\n', " ");
        assert!(text.contains(words) && text.contains("30 "), "{text}");
        assert!(text.contains(if lang == "en" { "records outside of the sample" } else { "hồ sơ lưu ngoài mẫu" }), "{text}");
    }
}
