//! A PKCS#11 token: SoftHSM, filled by pkcs11-tool, judged by pyHanko.
#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use common::{Pki, World, now, pdf_a, pyhanko_says, run};
use sohoa_sign::pades::{self, Level, Wanted};
use sohoa_sign::signer::{Signer, TokenKey, token_facts};
use std::path::Path;
use std::process::Command;
use zeroize::Zeroizing;

const MODULE: &str = "/usr/lib/softhsm/libsofthsm2.so";

const FOLDER: &str = "SOHOA_TEST_TOKEN_FOLDER";

/// Where SoftHSM keeps its tokens is told by the environment, which only a new process gets: the test starts itself again.
#[test]
fn a_token_signs_and_a_wrong_pin_is_tried_once() {
    if let Some(folder) = std::env::var_os(FOLDER) {
        return signs_and_refuses(&Pki::at(folder.into()));
    }
    let pki = Pki::new();
    let configuration = pki.path("softhsm2.conf");
    std::fs::create_dir(pki.path("tokens")).unwrap();
    pki.write("softhsm2.conf", format!("directories.tokendir = {}\n", pki.path("tokens").display()));
    let softhsm = |program: &str, arguments: &[&str]| {
        let mut command = Command::new(program);
        run(command.args(arguments).env("SOFTHSM2_CONF", &configuration).current_dir(pki.folder()), "softhsm2 opensc")
    };
    softhsm("softhsm2-util", &["--init-token", "--free", "--label", "van-thu", "--so-pin", "87654321", "--pin", "1234"]);
    for (id, (name, kind)) in
        [("rsa", "rsa:2048"), ("p256", "P-256"), ("p384", "P-384"), ("ed25519", "ed25519")].iter().enumerate()
    {
        pki.certificate(name, kind, "document", &format!("/CN=Thẻ {name}"), &[]);
        let (key, pem, der, id) = (format!("{name}.key"), format!("{name}.pem"), format!("{name}.der"), format!("0{}", id + 1));
        pki.openssl(&["x509", "-in", &pem, "-outform", "DER", "-out", &der]);
        softhsm("softhsm2-util", &["--import", &key, "--token", "van-thu", "--label", name, "--id", &id, "--pin", "1234"]);
        softhsm(
            "pkcs11-tool",
            &[
                "--module",
                MODULE,
                "--login",
                "--pin",
                "1234",
                "--write-object",
                &der,
                "--type",
                "cert",
                "--id",
                &id,
                "--label",
                name,
            ],
        );
    }
    let mut again = Command::new(std::env::current_exe().unwrap());
    again.args(["--exact", "a_token_signs_and_a_wrong_pin_is_tried_once", "--nocapture"]);
    run(again.env("SOFTHSM2_CONF", &configuration).env(FOLDER, pki.folder()), "softhsm2");
}

fn signs_and_refuses(pki: &Pki) {
    let world = World::of(pki);
    let key = |key| TokenKey { module: Path::new(MODULE), token: "van-thu", key, typed: false };
    let pin = |pin: &str| Zeroizing::new(pin.to_owned());

    let mut files = Vec::new();
    for name in ["rsa", "p256", "p384", "ed25519"] {
        let signer = Signer::token(&key(name), &pin("1234")).unwrap();
        assert_eq!(signer.certificate().name(), format!("Thẻ {name}"));
        let at = now();
        let wanted = Wanted { field: "nd30-2020", at: &at, look: None, certify: true, level: Level::Archival };
        let signed = pades::sign(&pdf_a(0), &signer, &wanted, &world.authority()).unwrap();
        let file = pki.path(&format!("token-{name}.pdf"));
        std::fs::write(&file, pades::finish(signed.pdf, Level::Archival, &world.authority()).unwrap()).unwrap();
        files.push(file);
    }
    for told in pyhanko_says(pki, &files) {
        assert!(told["signatures"].as_array().unwrap().iter().all(|signature| signature["good"] == true), "{told}");
        assert_eq!(told["archival"][0], "AdESPassed.OK", "{told}");
    }

    let refused = |error: Result<Signer, _>, words: &str| {
        let error: sohoa_sign::SignError = error.err().unwrap();
        assert!(error.to_string().contains(words), "{words}: {error}");
    };
    refused(Signer::token(&key(""), &pin("1234")), "4 keys");
    refused(Signer::token(&key("none"), &pin("1234")), "no key 'none'");
    refused(Signer::token(&TokenKey { token: "other", ..key("rsa") }, &pin("1234")), "not plugged in");
    refused(Signer::token(&TokenKey { module: Path::new("/none.so"), ..key("rsa") }, &pin("1234")), "driver");
    let facts = |typed| token_facts(Path::new(MODULE), "van-thu", typed).unwrap();
    assert_eq!((facts(false).label.as_str(), facts(false).refusal), ("van-thu", None));
    refused(Signer::token(&key("rsa"), &pin("0000")), "not tried again");
    // From now on nothing from a file is tried, be it right; a person may, and a good login sets the count back.
    refused(Signer::token(&key("rsa"), &pin("1234")), "not tried after that");
    assert!(facts(false).refusal.is_some() && facts(true).refusal.is_none());
    let typed = TokenKey { typed: true, ..key("rsa") };
    refused(Signer::token(&typed, &pin("0001")), "not tried again");
    drop(Signer::token(&typed, &pin("1234")).unwrap());
    assert!(facts(false).refusal.is_none() && Signer::token(&key("rsa"), &pin("1234")).is_ok());
}
