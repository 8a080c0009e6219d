//! Time-stamping services of which some do not answer: the one that did is proven in the file. Judged by pyHanko.
#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use common::{Pki, TSA, World, is_pdf_a, now, pdf_a, pyhanko_says};
use sohoa_sign::pades::{self, Level, Wanted};
use sohoa_sign::revocation::Ask;
use std::sync::atomic::{AtomicUsize, Ordering};

const SECOND: &str = "http://tsa.test/second";
const NAMES: [&str; 2] = ["Dịch vụ dấu thời gian thử", "Dịch vụ dấu thời gian thứ hai"];

/// The second service's answer, of another key and certificate.
fn second(pki: &Pki, query: &[u8]) -> Vec<u8> {
    pki.write("second.tsq", query);
    let by = ["-signer", "tsa2.pem", "-inkey", "tsa2.key"];
    pki.openssl(&[&["ts", "-reply", "-config", "ca.cnf", "-queryfile", "second.tsq", "-out", "second.tsr"][..], &by].concat());
    pki.read("second.tsr")
}

/// A file at B-LTA, signed while the first service answers only after so many stamps of the second.
fn signed(pki: &Pki, dead_for: usize) -> Vec<u8> {
    let signer = pki.signer(&format!("co-quan-{dead_for}"), "P-256");
    let stamps = AtomicUsize::new(0);
    let world = World {
        roots: pki.roots(),
        services: vec![TSA.into(), SECOND.into()],
        network: Box::new(|ask: Ask<'_>| match (ask.url, ask.post) {
            (TSA, _) if stamps.load(Ordering::SeqCst) < dead_for => Err("503 away".into()),
            (SECOND, Some((_, query))) => {
                stamps.fetch_add(1, Ordering::SeqCst);
                Ok(second(pki, query))
            }
            _ => pki.network(ask),
        }),
    };
    let at = now();
    let wanted = Wanted { field: "nd30-2020", at: &at, look: None, certify: true, level: Level::Archival };
    let signed = pades::sign(&pdf_a(0), &signer, &wanted, &world.authority()).unwrap();
    pades::finish(signed.pdf, Level::Archival, &world.authority()).unwrap()
}

#[test]
fn the_chain_of_the_service_that_answered_is_in_the_file() {
    let pki = Pki::new();
    pki.certificate("tsa2", "rsa:2048", "stamping", &format!("/CN={}", NAMES[1]), &[]);
    // Which service stamped the signature, which the whole file, and so whose certificates have to be there.
    let cases = [("never", 0, [0, 0], vec![0]), ("always", usize::MAX, [1, 1], vec![1]), ("back", 1, [1, 0], vec![0, 1])];
    let file = |name: &str| pki.path(&format!("{name}.pdf"));
    let files: Vec<_> = cases.iter().map(|(name, ..)| file(name)).collect();
    for (name, dead_for, ..) in &cases {
        std::fs::write(file(name), signed(&pki, *dead_for)).unwrap();
    }
    is_pdf_a(&files, pki.folder());
    for ((name, _, [_, whole], stored), told) in cases.iter().zip(pyhanko_says(&pki, &files)) {
        let signatures = told["signatures"].as_array().unwrap();
        assert!(signatures.len() == 2 && signatures.iter().all(|signature| signature["good"] == true), "{name}: {told}");
        assert_eq!(told["archival"][0], "AdESPassed.OK", "{name}: {told}");
        assert_eq!(signatures[1]["signer"], NAMES[*whole], "{name}: {told}");
        for (n, service) in NAMES.iter().enumerate() {
            let is_there = told["stored"].as_array().unwrap().iter().any(|found| found == service);
            assert_eq!(is_there, stored.contains(&n), "{name}, {service}: {told}");
        }
    }
}

#[test]
fn without_a_service_that_answers_nothing_is_signed_and_each_is_named() {
    let pki = Pki::new();
    let signer = pki.signer("co-quan", "P-256");
    let world = World {
        roots: pki.roots(),
        services: vec![TSA.into(), SECOND.into()],
        network: Box::new(|ask: Ask<'_>| if ask.post.is_some() { Err("503 away".into()) } else { pki.network(ask) }),
    };
    let at = now();
    let wanted = Wanted { field: "nd30-2020", at: &at, look: None, certify: true, level: Level::Archival };
    let refused = pades::sign(&pdf_a(0), &signer, &wanted, &world.authority()).unwrap_err().to_string();
    assert!(refused.contains(TSA) && refused.contains(SECOND), "{refused}");
}
