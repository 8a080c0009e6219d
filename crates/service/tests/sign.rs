//! Legal signatures from scan to proof: what is vouched for is signed, what cannot be signed waits and is tried again, a key on another
//! computer signs too. A CA and a time-stamping service answer on this machine; pyHanko and PDFBox judge.
#![allow(clippy::unwrap_used)]

mod common;
#[path = "common/office.rs"]
mod office;
#[path = "../../sign/tests/common/mod.rs"]
mod pki;

use office::{Office, fixture, is_proven, manifest};
use pki::sign_elsewhere;
use serde_json::Value;
use std::path::Path;
use std::sync::atomic::Ordering;

fn pkcs12(profile: &str, file: &Path) -> String {
    format!(
        "[[sign.signature]]\nprofile = \"{profile}\"\nsigner = \"pkcs12\"\nname = \"UBND xã Thử Nghiệm\"\nfile = \"{}\"\n\
         password_file = \"keys/password\"\n",
        file.display()
    )
}

#[test]
fn what_is_vouched_for_is_signed_and_what_waits_for_a_person_is_not() {
    let office = Office::open();
    let home = office.home(&pkcs12("nd30-2020", &office.key("co-quan", "rsa:2048")));
    let looked = home.sohoa(&["doctor", "--json"]).stdout;
    assert!(String::from_utf8_lossy(&looked).contains("certificate valid until"));
    // The key is told apart from the others by its certificate's fingerprint, as openssl gives it.
    let listed = home.lines(&[0], &["keys", "list", "--json"]);
    let listed: Vec<_> = listed.iter().filter(|row| row["role"] == "pdf").collect();
    assert_eq!((listed.len(), &listed[0]["name"], &listed[0]["state"]), (1, &"nd30-2020".into(), &"valid".into()));
    let x509 = ["x509", "-noout", "-fingerprint", "-sha256", "-in"];
    let said = std::process::Command::new("openssl").args(x509).arg(office.pki.path("co-quan.pem")).output().unwrap();
    let fingerprint = String::from_utf8(said.stdout).unwrap().trim().rsplit('=').next().unwrap().replace(':', "").to_lowercase();
    assert_eq!(listed[0]["key_id"], fingerprint.as_str());
    // Its password is nobody else's to read.
    let password = home.path("keys/password");
    std::fs::set_permissions(&password, std::os::unix::fs::PermissionsExt::from_mode(0o640)).unwrap();
    let refused = home.sohoa(&["ingest", &fixture("born-digital/H48.110-250929-0011.03.pdf")]);
    let errors = String::from_utf8_lossy(&refused.stderr);
    assert!(refused.status.code() == Some(4) && errors.contains("chmod 600"), "{errors}");
    std::fs::set_permissions(&password, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();

    let sealed = &home.lines(&[0], &["ingest", &fixture("born-digital/H48.110-250929-0011.03.pdf"), "--json"])[0];
    assert_eq!(sealed["state"], "sealed");
    let at_once = manifest(&home, sealed["record"].as_str().unwrap());
    assert_eq!(at_once["revision"], 1);
    assert_eq!(at_once["pdf_signatures"][0]["signer"], "UBND xã Thử Nghiệm co-quan");
    is_proven(&office, &home, &at_once, &["nd30-2020"]);
    // Its result is of 2025.
    let rates = home.lines(&[0], &["report", "--year", "2025", "--json"]);
    let counted = rates.iter().find(|row| row["indicator"] == "signed" && row["numerator"] == 1);
    assert!(counted.is_some(), "a signed document is counted as signed: {rates:?}");

    let waiting = &home.lines(&[0], &["ingest", &fixture("decision-handwritten"), "--json"])[0];
    assert_eq!(waiting["state"], "review");
    let record = waiting["record"].as_str().unwrap();
    assert!(manifest(&home, record)["pdf_signatures"].is_null(), "nobody vouches for it yet");
    let values = waiting["fields"].as_array().unwrap().iter().filter(|field| !field["doubt"].is_null()).map(|field| {
        match field["name"].as_str().unwrap() {
            "issued_date" => "issued_date=2025-03-03".to_owned(),
            "code_number" => "code_number=51".to_owned(),
            other => format!("{other}=do người kiểm tra nhập"),
        }
    });
    let values: Vec<String> = values.collect();
    home.expect(0, &[&["review", "correct", record][..], &values.iter().map(String::as_str).collect::<Vec<_>>()].concat());
    let finished = manifest(&home, record);
    assert_eq!((&finished["revision"], &finished["state"]), (&2.into(), &"sealed".into()));
    is_proven(&office, &home, &finished, &["nd30-2020"]);
}

#[test]
fn without_a_time_stamp_a_document_waits_loudly_and_the_next_run_signs_it() {
    let office = Office::open();
    let home = office.home(&pkcs12("nd30-2020", &office.key("co-quan", "P-256")));
    office.stamps.store(false, Ordering::SeqCst);
    let scan = fixture("born-digital/H48.110-250929-0011.03.pdf");
    let line = &home.lines(&[0], &["ingest", &scan, "--json"])[0];
    assert_eq!((&line["state"], &line["reasons"]), (&"review".into(), &serde_json::json!(["timestamp_missing"])));
    let record = line["record"].as_str().unwrap();
    let listed = home.expect(0, &["sign", "list"]);
    assert!(listed.contains(record) && listed.contains("dấu thời gian") && listed.contains("no time stamp"), "{listed}");
    assert!(home.expect(3, &["sign", "run"]).contains("0 signed, 1 wait"));
    assert_eq!(manifest(&home, record)["revision"], 1, "a try in vain makes no revision");

    office.stamps.store(true, Ordering::SeqCst);
    let again = home.sohoa(&["ingest", &scan]);
    assert!(String::from_utf8_lossy(&again.stderr).contains("1 document that waited is signed"), "{again:?}");
    let signed = manifest(&home, record);
    assert_eq!(
        (&signed["revision"], &signed["state"], &signed["reasons"]),
        (&2.into(), &"sealed".into(), &serde_json::json!([]))
    );
    assert_eq!(signed["result_code"], "H48.110-250929-0011-KQ1", "the code comes with the seal");
    is_proven(&office, &home, &signed, &["nd30-2020"]);
}

/// A destruction that was stopped after its tombstone leaves receipts, which nobody may continue: the others are signed all the same.
#[test]
fn what_is_half_destroyed_waits_for_no_signature() {
    let office = Office::open();
    let home = office.home(&pkcs12("nd30-2020", &office.key("co-quan", "P-256")));
    office.stamps.store(false, Ordering::SeqCst);
    let waits = |scan: &str| {
        let line = home.lines(&[0], &["ingest", scan, "--json"]).remove(0);
        assert_eq!(line["reasons"], serde_json::json!(["timestamp_missing"]), "{line}");
        line["record"].as_str().unwrap().to_owned()
    };
    let scan = fixture("born-digital/H48.110-250929-0011.03.pdf");
    let other = home.path("H48.110-250929-0012.03.pdf");
    std::fs::write(&other, [std::fs::read(&scan).unwrap(), b"% once more\n".to_vec()].concat()).unwrap();
    let (gone, stays) = (waits(&scan), waits(other.to_str().unwrap()));
    let (receipt, index) = (home.path(&format!("archive/records/{gone}/r0001.dsse.json")), home.path("index.sqlite"));
    let before = [&receipt, &index].map(|file| std::fs::read(file).unwrap());
    home.expect(0, &["destroy", &gone, "--basis", "QĐ 12/QĐ-UBND", "--by", "Trần Thị Bình"]);
    for (file, bytes) in [&receipt, &index].iter().zip(before) {
        std::fs::write(file, bytes).unwrap();
    }
    let listed = home.expect(0, &["sign", "list"]);
    assert!(listed.contains(&stays) && !listed.contains(&gone), "{listed}");
    office.stamps.store(true, Ordering::SeqCst);
    let run = home.sohoa(&["sign", "run"]);
    let (said, errors) = (String::from_utf8_lossy(&run.stdout), String::from_utf8_lossy(&run.stderr));
    assert!(run.status.success() && said.contains("1 signed, 0 wait") && errors.contains("half destroyed"), "{run:?}");
    assert_eq!(manifest(&home, &stays)["state"], "sealed");
    home.expect(0, &["destroy", &gone, "--basis", "QĐ 12/QĐ-UBND", "--by", "Trần Thị Bình"]);
    home.expect(0, &["fsck"]);
}

#[test]
fn a_person_here_and_an_organisation_elsewhere_sign_one_file() {
    let office = Office::open();
    let person = office.key("nguoi", "P-256");
    office.key("van-thu", "rsa:2048");
    let elsewhere = "[[sign.signature]]\nprofile = \"nd30-2020\"\nsigner = \"external\"\nname = \"UBND xã Thử Nghiệm\"\n";
    let home = office.home(&format!("{}{elsewhere}", pkcs12("tt01-2023", &person)));
    let line = &home.lines(&[0], &["ingest", &fixture("born-digital/H48.110-250929-0011.03.pdf"), "--json"])[0];
    assert_eq!((&line["state"], &line["reasons"]), (&"review".into(), &serde_json::json!(["signature_waits"])));
    let record = line["record"].as_str().unwrap();
    assert_eq!(manifest(&home, record)["pdf_signatures"][0]["profile"], "tt01-2023", "the first signature is kept");

    let usb = home.path("usb");
    home.expect(0, &["sign", "prepare", "--to", usb.to_str().unwrap()]);
    let note = usb.join(format!("{record}.json"));
    let told: Value = serde_json::from_str(&std::fs::read_to_string(&note).unwrap()).unwrap();
    let digest = told["sha256"].as_str().unwrap();
    let tosign = std::fs::read(usb.join(format!("{record}.tosign"))).unwrap();
    assert_eq!(sohoa_record::Sha256Hex::of(&tosign).as_str(), digest);
    let cms = usb.join("signed.p7s");
    let complete = ["sign", "complete", note.to_str().unwrap(), "--cms", cms.to_str().unwrap(), "--by", "lan"];

    std::fs::write(&cms, sign_elsewhere(&office.pki, "van-thu", &"00".repeat(32))).unwrap();
    assert_eq!(home.sohoa(&complete).status.code(), Some(4), "a signature over something else is refused");
    std::fs::write(&cms, sign_elsewhere(&office.pki, "van-thu", digest)).unwrap();
    assert!(home.expect(0, &complete).contains("sealed  revision 2  signed by UBND xã Thử Nghiệm van-thu"));
    is_proven(&office, &home, &manifest(&home, record), &["tt01-2023", "nd30-2020"]);
    assert_eq!(home.sohoa(&complete).status.code(), Some(2), "once");
}

#[test]
fn a_certificate_that_may_not_sign_stops_the_run_before_the_first_scan() {
    let office = Office::open();
    let key = office.key("gone", "P-256");
    office.pki.revoke("gone");
    let home = office.home(&pkcs12("nd30-2020", &key));
    let refused = home.sohoa(&["ingest", &fixture("born-digital/H48.110-250929-0011.03.pdf")]);
    assert_eq!(refused.status.code(), Some(4));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("revoked"), "{refused:?}");
    assert!(!home.path("archive/arrivals").exists());
    assert_eq!(home.sohoa(&["doctor"]).status.code(), Some(3));
    std::fs::write(home.path("keys/password"), "another").unwrap();
    assert!(String::from_utf8_lossy(&home.sohoa(&["sign", "run"]).stderr).contains("wrong password"));
}

#[test]
fn ed25519_in_a_pdf_is_refused_unless_it_is_asked_for() {
    let office = Office::open();
    let home = office.home(&pkcs12("nd30-2020", &office.key("co-quan", "ed25519")));
    let scan = fixture("born-digital/H48.110-250929-0011.03.pdf");
    let refused = home.sohoa(&["ingest", &scan]);
    let errors = String::from_utf8_lossy(&refused.stderr);
    assert!(refused.status.code() == Some(4) && errors.contains("common PDF readers do not verify"), "{errors}");
    assert!(!home.path("archive/arrivals").exists());
    assert_eq!(home.sohoa(&["doctor"]).status.code(), Some(3));
    home.set("password_file = \"keys/password\"\n", "password_file = \"keys/password\"\nalgorithm = \"ed25519\"\n");
    let sealed = &home.lines(&[0], &["ingest", &scan, "--json"])[0];
    assert_eq!(sealed["state"], "sealed");
    is_proven(&office, &home, &manifest(&home, sealed["record"].as_str().unwrap()), &["nd30-2020"]);
    // asked for of a key that is none
    let other = office.home(&format!("{}algorithm = \"ed25519\"\n", pkcs12("nd30-2020", &office.key("khac", "P-256"))));
    let refused = other.sohoa(&["ingest", &scan]);
    assert!(
        refused.status.code() == Some(4) && String::from_utf8_lossy(&refused.stderr).contains("'ed25519', while"),
        "{refused:?}"
    );
}
