//! What must not sign, and what must not be believed: certificates, time stamps, tokens.
#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use common::{PASSWORD, Pki, TSA, World, now, pdf_a, pyhanko_says};
use sohoa_sign::pades::{self, Level, Wanted};
use sohoa_sign::revocation::Ask;
use sohoa_sign::signer::Signer;
use sohoa_sign::{CertificateFault, SignError};
use std::sync::atomic::{AtomicUsize, Ordering};

fn attempt(signer: &Signer, level: Level, world: &World<'_>) -> Result<Vec<u8>, SignError> {
    let at = now();
    let wanted = Wanted { field: "nd30-2020", at: &at, look: None, certify: true, level };
    let signed = pades::sign(&pdf_a(0), signer, &wanted, &world.authority())?;
    pades::finish(signed.pdf, level, &world.authority())
}

fn fault(error: SignError) -> CertificateFault {
    match error {
        SignError::Certificate { why, .. } => why,
        other => panic!("{other}"),
    }
}

#[test]
fn a_certificate_that_may_not_sign_is_refused_before_anything_is_signed() {
    let pki = Pki::new();
    let mut world = World::of(&pki);
    pki.certificate("old", "P-256", "document", "/CN=old", &["-startdate", "20200101000000Z", "-enddate", "20210101000000Z"]);
    pki.certificate("cipher", "rsa:2048", "encipherment", "/CN=cipher", &[]);
    pki.certificate("silent", "P-256", "silent", "/CN=silent", &[]);
    let good = pki.signer("good", "P-256");
    let gone = pki.signer("gone", "P-256");
    pki.revoke("gone");
    let open = |name: &str| Signer::pkcs12(&pki.pkcs12(name), PASSWORD).unwrap();

    assert!(attempt(&good, Level::Basic, &world).is_ok());
    assert!(matches!(fault(attempt(&open("old"), Level::Basic, &world).unwrap_err()), CertificateFault::NotValidAt { .. }));
    assert!(matches!(fault(attempt(&open("cipher"), Level::Basic, &world).unwrap_err()), CertificateFault::Usage(_)));
    assert!(matches!(fault(attempt(&gone, Level::Basic, &world).unwrap_err()), CertificateFault::Revoked(_)));
    assert!(pki.asked.lock().unwrap().iter().all(|url| url != TSA), "no time stamp was wasted on them");
    // a CA that cannot be asked stops only the levels that keep its answer
    assert!(attempt(&open("silent"), Level::Timestamped, &world).is_ok());
    assert!(matches!(attempt(&open("silent"), Level::LongTerm, &world), Err(SignError::Revocation(_))));
    world.network = Box::new(|ask| if ask.url.ends_with("crl") { Err("the network is away".into()) } else { pki.network(ask) });
    assert!(attempt(&good, Level::Timestamped, &world).is_ok());
    assert!(matches!(attempt(&good, Level::Archival, &world), Err(SignError::Revocation(_))));

    let stranger = Pki::new();
    world.roots = stranger.roots();
    assert!(matches!(fault(attempt(&good, Level::Basic, &world).unwrap_err()), CertificateFault::NoPath(_)));
    pki.certificate("weak", "rsa:1024", "document", "/CN=weak", &[]);
    assert!(Signer::pkcs12(&pki.pkcs12("weak"), PASSWORD).is_err(), "1024 bits are refused when the file is opened");
    assert!(matches!(Signer::pkcs12(&pki.pkcs12("good"), "wrong"), Err(SignError::Pkcs12(_))));
}

#[test]
fn a_responder_is_asked_where_there_is_no_list() {
    let pki = Pki::new();
    let world = World::of(&pki);
    pki.certificate("responder", "P-256", "ocsp", "/CN=responder", &[]);
    pki.certificate("asked", "P-256", "responder_only", "/CN=asked", &[]);
    let signer = Signer::pkcs12(&pki.pkcs12("asked"), PASSWORD).unwrap();
    let file = pki.path("ocsp.pdf");
    std::fs::write(&file, attempt(&signer, Level::Archival, &world).unwrap()).unwrap();
    let told = pyhanko_says(&pki, &[file]).remove(0);
    assert_eq!(told["archival"][0], "AdESPassed.OK", "{told}");
    pki.revoke("asked");
    assert!(matches!(fault(attempt(&signer, Level::Basic, &world).unwrap_err()), CertificateFault::Revoked(_)));
}

#[test]
fn a_time_stamp_comes_from_the_first_service_that_gives_a_good_one() {
    let (pki, stranger) = (Pki::new(), Pki::new());
    let (first, turned) = (std::sync::Mutex::<Option<Vec<u8>>>::default(), AtomicUsize::new(0));
    let signer = pki.signer("xa", "P-256");
    let mut world = World::of(&pki);
    let refused = |world: &World<'_>, words: &str| {
        let error = attempt(&signer, Level::Timestamped, world).unwrap_err();
        assert!(matches!(error, SignError::Timestamp(_)) && error.to_string().contains(words), "{words}: {error}");
    };
    world.services = vec!["http://away.test".into(), TSA.into()];
    assert!(attempt(&signer, Level::Timestamped, &world).is_ok());
    world.services = vec!["http://away.test".into()];
    refused(&world, "away.test does not answer");
    world.services.clear();
    refused(&world, "no service is named");

    world.services = vec![TSA.into()];
    // an old answer is played again
    world.network = Box::new(|ask: Ask<'_>| match ask.url {
        TSA => {
            let fresh = pki.network(ask)?;
            Ok(first.lock().unwrap().get_or_insert(fresh).clone())
        }
        _ => pki.network(ask),
    });
    assert!(attempt(&signer, Level::Timestamped, &world).is_ok());
    refused(&world, "the token ");
    // a bit of the answer is turned over
    world.network = Box::new(|ask: Ask<'_>| {
        let mut answer = pki.network(ask)?;
        if ask.url == TSA {
            let at = answer.len() - 1 - turned.fetch_add(1, Ordering::SeqCst);
            answer[at] ^= 1;
        }
        Ok(answer)
    });
    for _ in 0..8 {
        refused(&world, "");
    }
    world.network = Box::new(|ask: Ask<'_>| if ask.url == TSA { Ok(b"<html>".to_vec()) } else { pki.network(ask) });
    refused(&world, "");
    // a service that nobody vouches for
    world.network = Box::new(|ask: Ask<'_>| if ask.url == TSA { stranger.network(ask) } else { pki.network(ask) });
    refused(&world, "no path");
    // a clock that is wrong
    world.network = Box::new(|ask| pki.network(ask));
    let at = now();
    let wanted = Wanted { field: "nd30-2020", at: &at, look: None, certify: true, level: Level::Timestamped };
    let later = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(2);
    let authority = pades::Authority { now: later, ..world.authority() };
    let error = pades::sign(&pdf_a(0), &signer, &wanted, &authority).unwrap_err();
    assert!(error.to_string().contains("clock"), "{error}");
}
