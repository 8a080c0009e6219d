//! A PKCS#11 token in the pipeline: SoftHSM holds the keys, OpenSC's spy counts what is asked of it, pyHanko judges what was signed.
#![allow(clippy::unwrap_used)]

mod common;
#[path = "common/office.rs"]
mod office;
#[path = "../../sign/tests/common/mod.rs"]
mod pki;

use common::serving::*;
use common::{Home, write_private};
use office::{Office, fixture, is_proven, manifest};
use pki::run;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const SOFTHSM: &str = "/usr/lib/softhsm/libsofthsm2.so";
const PIN: &str = "1234";
/// `sohoa`'s exit code for what a key, a password or the trust policy is to blame for.
const KEY: Option<i32> = Some(4);

/// OpenSC's module that writes down what is asked of another one.
fn spy() -> String {
    let file = ["x86_64", "aarch64"].map(|machine| format!("/usr/lib/{machine}-linux-gnu/pkcs11-spy.so"));
    file.into_iter().find(|file| Path::new(file).exists()).expect("the Debian package opensc-pkcs11, which comes with opensc")
}

/// An office whose two signatures are on one token.
struct Desk {
    office: Office,
    home: Home,
}

impl Desk {
    fn new() -> Desk {
        let office = Office::open();
        let pki = &office.pki;
        std::fs::create_dir(pki.path("tokens")).unwrap();
        pki.write("softhsm2.conf", format!("directories.tokendir = {}\n", pki.path("tokens").display()));
        // What the data folder names as the maker's library: a little one of ours over the spy over SoftHSM.
        let module = pki.path("token_state.so");
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/judges/token_state.c");
        run(Command::new("cc").args(["-shared", "-fPIC", "-o"]).arg(&module).arg(source).arg("-ldl"), "gcc");
        let signature = |profile: &str, key: &str, name: &str| {
            format!(
                "[[sign.signature]]\nprofile = \"{profile}\"\nsigner = \"pkcs11\"\nname = \"{name}\"\nmodule = \"{}\"\ntoken = \"van-thu\"\n\
                 key = \"{key}\"\npassword_file = \"keys/pin\"\n",
                module.display()
            )
        };
        let home = office.home(&format!(
            "{}{}",
            signature("tt01-2023", "ca-nhan", "Nguyễn Thị Ánh"),
            signature("nd30-2020", "co-quan", "UBND xã Thử Nghiệm")
        ));
        home.set("127.0.0.1:8080", "127.0.0.1:0");
        write_private(&home.path("keys/pin"), PIN);
        let desk = Desk { office, home };
        desk.tool("softhsm2-util", &["--init-token", "--free", "--label", "van-thu", "--so-pin", "87654321", "--pin", PIN]);
        for (id, name, kind) in [("01", "ca-nhan", "P-256"), ("02", "co-quan", "rsa:2048")] {
            let pki = &desk.office.pki;
            pki.certificate(name, kind, "document", &format!("/CN=Thẻ {name}"), &[]);
            let (key, pem, der) = (format!("{name}.key"), format!("{name}.pem"), format!("{name}.der"));
            pki.openssl(&["x509", "-in", &pem, "-outform", "DER", "-out", &der]);
            desk.tool("softhsm2-util", &["--import", &key, "--token", "van-thu", "--label", name, "--id", id, "--pin", PIN]);
            let object = ["--write-object", &der, "--type", "cert", "--id", id, "--label", name];
            desk.tool("pkcs11-tool", &[&["--module", SOFTHSM, "--login", "--pin", PIN][..], &object].concat());
        }
        desk
    }

    /// A program of others at the same token.
    fn tool(&self, program: &str, arguments: &[&str]) -> String {
        let mut command = Command::new(program);
        command.args(arguments).current_dir(self.office.pki.folder()).env("SOFTHSM2_CONF", self.office.pki.path("softhsm2.conf"));
        String::from_utf8(run(&mut command, "softhsm2 opensc")).unwrap()
    }

    /// A command of ours that reaches the token.
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.home.command(arguments);
        command.env("SOFTHSM2_CONF", self.office.pki.path("softhsm2.conf")).env("SOHOA_TEST_TOKEN_OVER", spy());
        command.env("PKCS11SPY", SOFTHSM).env("PKCS11SPY_OUTPUT", self.spied()).env("SOHOA_TEST_TOKEN_GONE", self.gone());
        command
    }

    fn sohoa(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// While this file exists the token does not sign.
    fn gone(&self) -> PathBuf {
        self.home.path("gone")
    }

    fn spied(&self) -> PathBuf {
        self.office.pki.path("spied")
    }

    /// How often a PIN came to the token since the last time that this was asked, as the spy saw it.
    fn logins(&self) -> usize {
        let told = std::fs::read_to_string(self.spied()).unwrap_or_default();
        let _ = std::fs::remove_file(self.spied());
        told.lines().filter(|line| line.ends_with(": C_Login")).count()
    }

    /// What the token says of its PIN.
    fn flags(&self) -> String {
        let told = self.tool("pkcs11-tool", &["--module", SOFTHSM, "--list-token-slots"]);
        told.lines().find(|line| line.contains("token flags")).unwrap().to_owned()
    }
}

fn errors(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn a_person_and_the_seal_sign_by_one_token_in_one_process() {
    let desk = Desk::new();
    let output = desk.sohoa(&["ingest", &fixture("born-digital/H48.110-250929-0011.03.pdf"), "--json"]);
    assert_eq!(output.status.code(), Some(0), "{}", errors(&output));
    let line: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&line["state"], &line["reasons"]), (&"sealed".into(), &serde_json::json!([])));
    let manifest = manifest(&desk.home, line["record"].as_str().unwrap());
    let signers: Vec<&str> =
        manifest["pdf_signatures"].as_array().unwrap().iter().map(|signature| signature["signer"].as_str().unwrap()).collect();
    assert_eq!(signers, ["Thẻ ca-nhan", "Thẻ co-quan"]);
    is_proven(&desk.office, &desk.home, &manifest, &["tt01-2023", "nd30-2020"]);
    assert!(desk.logins() <= 2, "a login is of the program");
    assert!(!desk.flags().contains("count low"), "{}", desk.flags());
}

#[test]
fn a_wrong_pin_is_tried_once_however_often_the_service_is_started() {
    let desk = Desk::new();
    let scan = fixture("born-digital/H48.110-250929-0011.03.pdf");
    write_private(&desk.home.path("keys/pin"), "4321");
    let first = desk.sohoa(&["serve"]);
    assert!(first.status.code() == KEY && errors(&first).contains("not tried again"), "{}", errors(&first));
    assert_eq!(desk.logins(), 1, "the second signature is on the same token");
    assert!(desk.flags().contains("count low"), "{}", desk.flags());
    // Started again, as by systemd, and by a person in a hurry: nothing comes to the token any more, be it right.
    for pin in ["4321", PIN] {
        write_private(&desk.home.path("keys/pin"), pin);
        for arguments in [&["serve"][..], &["ingest", &scan], &["sign", "run"], &["serve"]] {
            let again = desk.sohoa(arguments);
            assert!(again.status.code() == KEY && errors(&again).contains("a wrong PIN was entered"), "{}", errors(&again));
        }
    }
    let doctor = desk.sohoa(&["doctor", "--json"]);
    let told = String::from_utf8_lossy(&doctor.stdout).into_owned();
    assert!(doctor.status.code() == Some(3) && told.contains("a wrong PIN was entered"), "{told}");
    assert_eq!(desk.logins(), 0);
    assert!(!desk.home.path("archive/arrivals").exists(), "nothing was taken in that could not be signed");
    let unit = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/deploy/sohoa.service")).unwrap();
    let kept_down = unit.lines().find_map(|line| line.strip_prefix("RestartPreventExitStatus=")).unwrap();
    assert!(kept_down.split(' ').any(|code| code.parse().ok() == KEY), "{kept_down}");
    // The maker's program, by a person, sets the count back.
    desk.tool("pkcs11-tool", &["--module", SOFTHSM, "--login", "--pin", PIN, "--list-objects"]);
    assert!(!desk.flags().contains("count low"), "{}", desk.flags());
    assert_eq!(desk.sohoa(&["ingest", &scan]).status.code(), Some(0));
}

#[test]
fn a_token_with_one_try_left_is_not_touched() {
    let desk = Desk::new();
    for arguments in [&["serve"][..], &["ingest", &fixture("born-digital/H48.110-250929-0011.03.pdf")]] {
        let refused = desk.command(arguments).env("SOHOA_TEST_TOKEN_LAST_TRY", "1").output().unwrap();
        assert!(refused.status.code() == KEY && errors(&refused).contains("one try of its PIN is left"), "{}", errors(&refused));
    }
    assert_eq!(desk.logins(), 0);
}

/// A token that is pulled out while the service runs lets documents wait with their reason, and is asked for no PIN again.
#[test]
fn a_document_waits_for_a_token_that_was_pulled_out() {
    let desk = Desk::new();
    let token = token(&desk.home, "tram-1");
    let mut serving = start(&desk.home, desk.command(&["serve"]));
    assert!(desk.logins() > 0);
    std::fs::write(desk.gone(), "").unwrap();
    let bytes = std::fs::read(fixture("born-digital/H48.110-250929-0011.03.pdf")).unwrap();
    let push = serving.push(&token, "name=H48.110-250929-0011.03.pdf", "", &bytes);
    assert_eq!(push.status, 202, "{}", push.body);
    let record = push.json()["record"].as_str().unwrap().to_owned();
    let waits = serving.outcome(&token, &record);
    assert_eq!(waits["state"], "review", "{waits}");
    assert!(waits["reasons"].to_string().contains("signer_failed"), "{waits}");
    assert_eq!(desk.logins(), 0, "it is not logged in to once more");
    assert!(serving.signal(rustix::process::Signal::TERM).success());
    std::fs::remove_file(desk.gone()).unwrap();
    let again = desk.sohoa(&["sign", "run"]);
    assert!(again.status.success() && String::from_utf8_lossy(&again.stdout).contains("1 signed, 0 wait"), "{}", errors(&again));
    is_proven(&desk.office, &desk.home, &manifest(&desk.home, &record), &["tt01-2023", "nd30-2020"]);
}
