//! Time stamps that are kept: over a checkpoint of the log, renewed before their service's certificates run out, believed in 2050. Openssl is
//! the service and the judge.
#![allow(clippy::unwrap_used)]

mod common;

use common::{Pki, TSA};
use jiff::Timestamp;
use sohoa_sign::SignError;
use sohoa_sign::certificate::Certificate;
use sohoa_sign::revocation::Ask;
use sohoa_sign::timestamp::{accept, chain, lapsed, request, stored};

const TEXT: &[u8] = b"log.example/a\n7\nAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwM=\n";

fn over(before: Option<&[u8]>) -> Vec<u8> {
    [TEXT, before.unwrap_or_default()].concat()
}

/// A token of the usual service, whose certificates end in weeks.
fn stamp(pki: &Pki, bytes: &[u8]) -> Vec<u8> {
    let response = pki.network(Ask { url: TSA, post: Some(("", &request(bytes, [7; 8]))) }).unwrap();
    accept(&response, bytes, [7; 8], &pki.roots(), Timestamp::now()).unwrap().der
}

fn long_stamp(pki: &Pki, bytes: &[u8], roots: &[Certificate]) -> Vec<u8> {
    pki.write("query.tsq", request(bytes, [9; 8]));
    pki.openssl(&[
        "ts",
        "-reply",
        "-config",
        "ca.cnf",
        "-queryfile",
        "query.tsq",
        "-signer",
        "late.pem",
        "-inkey",
        "late.key",
        "-chain",
        "old.pem",
        "-out",
        "late.tsr",
    ]);
    accept(&pki.read("late.tsr"), bytes, [9; 8], roots, Timestamp::now()).unwrap().der
}

fn openssl_verifies(pki: &Pki, token: &[u8], bytes: &[u8], root: &str) -> String {
    pki.write("token.tst", token);
    pki.write("stamped", bytes);
    let said = pki.openssl(&["ts", "-verify", "-in", "token.tst", "-token_in", "-data", "stamped", "-CAfile", root]);
    String::from_utf8(said).unwrap()
}

/// The stamps of the frozen archive, over the checkpoint of three leaves: they count while the certificates of their service do, in 2050 too.
#[test]
fn the_frozen_stamps_count_for_ever() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/log/v1/archive");
    let read = |name: &str| std::fs::read(folder.join(name)).unwrap();
    let policy = sohoa_record::TrustPolicy::parse(&String::from_utf8(read("trust.txt")).unwrap()).unwrap();
    let roots: Vec<Certificate> = policy.timestamp_roots().iter().map(|der| Certificate::from_der(der).unwrap()).collect();
    let cosigned = String::from_utf8(read("log/cosigned/00000000000000000003")).unwrap();
    let text = format!("{}\n", cosigned.split("\n\n").next().unwrap());
    let tokens = [1, 2].map(|number| read(&format!("log/anchors/00000000000000000003/000{number}.tst")));
    let stamped = |before: Option<&[u8]>| sohoa_record::log::head::anchored(&text, before);
    for now in ["2027-01-01T00:00:00Z", "2050-01-01T00:00:00Z"].map(|now| now.parse::<Timestamp>().unwrap()) {
        let links = chain(&tokens, stamped, &roots, now).unwrap();
        assert_eq!((links.len(), lapsed(&links, now)), (2, None));
        assert!(links[0].at <= links[1].at && links[1].at.to_string().starts_with("2026-"), "{:?}", links[1].at);
    }
    let late: Timestamp = "2100-01-01T00:00:00Z".parse().unwrap();
    assert!(lapsed(&chain(&tokens, stamped, &roots, late).unwrap(), late).is_some());
    // openssl says the same, of the first over the text and of the second over both
    let pki = Pki::new();
    pki.write("frozen.pem", pem(&policy.timestamp_roots()[0]));
    for (number, bytes) in [(0, stamped(None)), (1, stamped(Some(&tokens[0])))] {
        assert!(openssl_verifies(&pki, &tokens[number], &bytes, "frozen.pem").contains("Verification: OK"));
    }
    assert!(chain(&tokens, |_| TEXT.to_vec(), &roots, late).is_err(), "over something else");
}

fn pem(der: &[u8]) -> String {
    use base64::Engine as _;
    let text = base64::engine::general_purpose::STANDARD.encode(der);
    format!("-----BEGIN CERTIFICATE-----\n{text}\n-----END CERTIFICATE-----\n")
}

#[test]
fn a_kept_token_verifies_by_openssl_and_is_over_its_bytes_only() {
    let pki = Pki::new();
    let token = stamp(&pki, TEXT);
    assert!(openssl_verifies(&pki, &token, TEXT, "root.pem").contains("Verification: OK"));
    let read = stored(&token, TEXT, &pki.roots()).unwrap();
    assert!(Timestamp::now().duration_since(read.at).as_secs() < 60 && read.ends() > read.at);
    assert!(matches!(stored(&token, b"other bytes", &pki.roots()), Err(SignError::Timestamp(_))));
    assert!(matches!(stored(&token, TEXT, &Pki::new().roots()), Err(SignError::Certificate { .. })));
    // any byte of what is signed, changed
    for at in (40..token.len() - 40).step_by(97) {
        let mut changed = token.clone();
        changed[at] ^= 1;
        let same =
            stored(&changed, TEXT, &pki.roots()).is_ok_and(|read| read.at != stored(&token, TEXT, &pki.roots()).unwrap().at);
        assert!(!same, "byte {at}");
    }
}

#[test]
fn asked_in_2050_a_renewed_stamp_counts_and_one_that_was_not_does_not() {
    let pki = Pki::new();
    let (first, then): (Vec<u8>, Timestamp) = (stamp(&pki, TEXT), "2050-01-01T00:00:00Z".parse().unwrap());
    let roots = [pki.roots(), pki.long_lived()].concat();
    // today both count; in 2050 the service of the first has long ended
    let alone = chain(std::slice::from_ref(&first), over, &roots, then).unwrap();
    assert!(lapsed(&alone, Timestamp::now()).is_none());
    assert!(lapsed(&alone, then).unwrap().contains("not renewed"));
    // renewed: the second is over the checkpoint and the first
    let second = long_stamp(&pki, &over(Some(&first)), &roots[1..]);
    assert!(openssl_verifies(&pki, &second, &over(Some(&first)), "old.pem").contains("Verification: OK"));
    let renewed = chain(&[first.clone(), second.clone()], over, &roots, then).unwrap();
    assert_eq!((renewed.len(), renewed[0].at, lapsed(&renewed, then)), (2, alone[0].at, None));
    // one that came too late renews nothing
    let late: Timestamp = "2120-01-01T00:00:00Z".parse().unwrap();
    assert!(lapsed(&renewed, late).is_some());
    // over another token, or the checkpoint alone, it is no renewal
    let other = stamp(&pki, TEXT);
    assert!(chain(&[other, second.clone()], over, &roots, then).is_err());
    assert!(chain(&[first.clone(), long_stamp(&pki, TEXT, &roots[1..])], over, &roots, then).is_err());
    // a service that nobody vouches for says nothing, and no more than that
    assert_eq!(chain(&[first.clone(), second.clone()], over, &pki.roots(), then).unwrap().len(), 1);
    assert!(chain(std::slice::from_ref(&first), over, &roots[1..], then).unwrap().is_empty());
    // as of a day before they were made there are none
    let before: Timestamp = "2020-01-01T00:00:00Z".parse().unwrap();
    assert!(chain(&[first, second], over, &roots, before).unwrap().is_empty());
}
