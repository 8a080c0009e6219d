//! Signatures of others with what came along to prove them: time stamps, revocation lists, OCSP answers. Openssl is the CA and its responder,
//! pyHanko the office that signs and the second judge.
#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use common::{Pki, pdf_a, run};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use sohoa_record::signature::{Finding, Verdict};
use sohoa_sign::validate::{Checked, Trust, validate};
use std::process::Command;

/// A time so many days from now, as openssl writes it.
fn days(days: i64) -> Timestamp {
    Timestamp::now() + SignedDuration::from_hours(24 * days)
}

fn openssl_time(at: Timestamp) -> String {
    at.to_zoned(jiff::tz::TimeZone::UTC).strftime("%y%m%d%H%M%SZ").to_string()
}

fn iso(at: Timestamp) -> String {
    at.to_zoned(jiff::tz::TimeZone::UTC).strftime("%Y-%m-%dT%H:%M:%S+00:00").to_string()
}

/// A CA that began a hundred days ago.
struct Office {
    pki: Pki,
}

/// When it was signed, and stamped.
const SIGNED: i64 = -50;

impl Office {
    fn new() -> Office {
        let pki = Pki::new();
        let subject = "/CN=CA da lau";
        pki.openssl(&["req", "-new", "-key", "root.key", "-out", "root.csr", "-subj", subject, "-config", "ca.cnf"]);
        let office = Office { pki };
        office.issue("root", "root", &["-selfsign", "-keyfile", "root.key"], -100, 400);
        office.made("tsa", "stamping", -100, 300);
        office.made("responder", "ocsp", -100, 300);
        office
    }

    fn issue(&self, name: &str, usage: &str, more: &[&str], from: i64, until: i64) {
        let (from, until) = (openssl_time(days(from)), openssl_time(days(until)));
        let (request, pem) = (format!("{name}.csr"), format!("{name}.pem"));
        let arguments = ["ca", "-batch", "-notext", "-config", "ca.cnf", "-extensions", usage, "-in", &request, "-out", &pem];
        self.pki.openssl(&[&arguments[..], &["-startdate", &from, "-enddate", &until], more].concat());
    }

    /// A key and its certificate, valid from and until so many days from now.
    fn made(&self, name: &str, usage: &str, from: i64, until: i64) {
        let (key, request) = (format!("{name}.key"), format!("{name}.csr"));
        self.pki.openssl(&["genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out", &key]);
        let subject = format!("/CN={name}");
        self.pki.openssl(&["req", "-new", "-key", &key, "-out", &request, "-subj", &subject, "-config", "ca.cnf"]);
        self.issue(name, usage, &[], from, until);
    }

    /// Takes a certificate back, as of so many days from now: openssl's own index is the CA's memory.
    fn revoke(&self, name: &str, at: i64) {
        self.pki.openssl(&["ca", "-config", "ca.cnf", "-revoke", &format!("{name}.pem")]);
        let index = String::from_utf8(self.pki.read("index.txt")).unwrap();
        let lines = index.lines().map(|line| {
            let mut columns: Vec<&str> = line.split('\t').collect();
            let date = openssl_time(days(at));
            if columns[0] == "R" && columns[5].ends_with(&format!("/CN={name}")) {
                columns[2] = &date;
            }
            columns.join("\t") + "\n"
        });
        self.pki.write("index.txt", lines.collect::<String>());
    }

    fn list(&self) {
        self.pki.renew_crl();
    }

    /// What the responder says of a certificate, in a file.
    fn answer(&self, name: &str) -> String {
        let (file, pem) = (format!("{name}.ocsp"), format!("{name}.pem"));
        self.pki.openssl(&["ocsp", "-issuer", "root.pem", "-cert", &pem, "-no_nonce", "-reqout", "ask"]);
        self.pki.respond("ask", &file);
        file
    }

    fn trust(&self, roots: &[&str]) -> Trust {
        let mut trust = Trust::default();
        roots.iter().for_each(|root| assert!(trust.add(&self.pki.read(root))));
        trust
    }

    fn checked(&self, file: &str, trust: &Trust) -> Checked {
        let checked = validate(&self.pki.read(file), trust, Timestamp::now().as_second()).unwrap();
        checked.into_iter().next().unwrap()
    }
}

/// One paper: who signed it, with which stamp and proofs, and what must be said of it.
struct Paper {
    name: &'static str,
    signer: &'static str,
    stamp: Option<&'static str>,
    lists: &'static [&'static str],
    answers: bool,
    verdict: Verdict,
    findings: &'static [Finding],
}

#[test]
fn proofs_in_a_file_count_as_of_the_time_that_a_believed_stamp_proves() {
    let office = Office::new();
    let pki = &office.pki;
    for name in ["good", "before", "after"] {
        office.made(name, "document", -100, 300);
    }
    office.made("expired", "document", -100, -10);
    office.revoke("before", -60);
    office.revoke("after", -40);
    office.list();
    // A time-stamping service of another CA, which the office does not believe.
    let other = Office::new();
    for file in ["tsa.pem", "tsa.key", "root.pem"] {
        pki.write(&format!("other-{file}"), other.pki.read(file));
    }
    use Finding as F;
    let proven: &[Finding] = &[F::TimeStamped, F::RevocationGood];
    let papers = [
        Paper {
            name: "good-crl",
            signer: "good",
            stamp: Some(""),
            lists: &["root.crl"],
            answers: false,
            verdict: Verdict::Valid,
            findings: proven,
        },
        Paper {
            name: "good-ocsp",
            signer: "good",
            stamp: Some(""),
            lists: &["root.crl"],
            answers: true,
            verdict: Verdict::Valid,
            findings: proven,
        },
        Paper {
            name: "revoked-before-crl",
            signer: "before",
            stamp: Some(""),
            lists: &["root.crl"],
            answers: false,
            verdict: Verdict::CertificateRefused,
            findings: &[F::TimeStamped, F::CertificateRevoked],
        },
        Paper {
            name: "revoked-before-ocsp",
            signer: "before",
            stamp: Some(""),
            lists: &[],
            answers: true,
            verdict: Verdict::CertificateRefused,
            findings: &[F::TimeStamped, F::CertificateRevoked],
        },
        Paper {
            name: "revoked-after-crl",
            signer: "after",
            stamp: Some(""),
            lists: &["root.crl"],
            answers: false,
            verdict: Verdict::Valid,
            findings: proven,
        },
        Paper {
            name: "revoked-after-ocsp",
            signer: "after",
            stamp: Some(""),
            lists: &["root.crl"],
            answers: true,
            verdict: Verdict::Valid,
            findings: proven,
        },
        // Nobody but the signer says that it was signed before.
        Paper {
            name: "revoked-after-no-stamp",
            signer: "after",
            stamp: None,
            lists: &["root.crl"],
            answers: false,
            verdict: Verdict::CertificateRefused,
            findings: &[F::TimeClaimed, F::CertificateRevoked],
        },
        Paper {
            name: "revoked-after-no-stamp-ocsp",
            signer: "after",
            stamp: None,
            lists: &[],
            answers: true,
            verdict: Verdict::CertificateRefused,
            findings: &[F::TimeClaimed, F::CertificateRevoked],
        },
        Paper {
            name: "revoked-after-unknown-tsa",
            signer: "after",
            stamp: Some("other-"),
            lists: &["root.crl"],
            answers: false,
            verdict: Verdict::CertificateRefused,
            findings: &[F::TimeStampNotTrusted, F::CertificateRevoked],
        },
        Paper {
            name: "expired-stamped",
            signer: "expired",
            stamp: Some(""),
            lists: &["root.crl"],
            answers: false,
            verdict: Verdict::Valid,
            findings: proven,
        },
        Paper {
            name: "expired-no-stamp",
            signer: "expired",
            stamp: None,
            lists: &["root.crl"],
            answers: false,
            verdict: Verdict::CertificateRefused,
            findings: &[F::TimeClaimed, F::PathExpired],
        },
        Paper {
            name: "expired-unknown-tsa",
            signer: "expired",
            stamp: Some("other-"),
            lists: &["root.crl"],
            answers: false,
            verdict: Verdict::CertificateRefused,
            findings: &[F::TimeStampNotTrusted, F::PathExpired],
        },
        Paper {
            name: "good-unknown-tsa",
            signer: "good",
            stamp: Some("other-"),
            lists: &["root.crl"],
            answers: false,
            verdict: Verdict::Valid,
            findings: &[F::TimeStampNotTrusted, F::TimeClaimed, F::RevocationGood],
        },
        Paper {
            name: "nothing",
            signer: "good",
            stamp: None,
            lists: &[],
            answers: false,
            verdict: Verdict::Valid,
            findings: &[F::TimeClaimed, F::RevocationNotChecked],
        },
    ];
    pki.write("source.pdf", pdf_a(0));
    let path = |name: &str| pki.path(name).to_str().unwrap().to_owned();
    let at = iso(days(SIGNED));
    let cases: Vec<Value> = papers
        .iter()
        .map(|paper| {
            let own = |part: &str| path(&format!("{}.{part}", paper.signer));
            let stamp = paper.stamp.map(|of| {
                let own = |file: &str| path(&format!("{of}{file}"));
                json!({ "key": own("tsa.key"), "certificate": own("tsa.pem"), "others": [own("root.pem")], "at": at })
            });
            let answers: Vec<String> = paper.answers.then(|| path(&office.answer(paper.signer))).into_iter().collect();
            json!({ "source": path("source.pdf"), "out": path(&format!("{}.pdf", paper.name)), "key": own("key"), "certificate": own("pem"),
                "others": [path("root.pem")], "claimed": at, "stamp": stamp, "answers": answers,
                "lists": paper.lists.iter().map(|list| path(list)).collect::<Vec<_>>() })
        })
        .collect();
    pki.write("cases.json", serde_json::to_string(&cases).unwrap());
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/judges/incoming.py");
    run(Command::new(common::pyhanko()).arg(script).arg("sign").arg(pki.path("cases.json")), "pyhanko");
    let mut judged = Command::new(common::pyhanko());
    judged
        .arg(script)
        .arg("judge")
        .arg(pki.path("root.pem"))
        .args(papers.iter().map(|paper| path(&format!("{}.pdf", paper.name))));
    let judged = String::from_utf8(run(&mut judged, "pyhanko")).unwrap();

    let trust = office.trust(&["root.pem"]);
    let mut wrong = Vec::new();
    for (paper, said) in papers.iter().zip(judged.lines()) {
        let check = office.checked(&format!("{}.pdf", paper.name), &trust).check;
        let lacks = paper.findings.iter().filter(|finding| !check.findings.contains(finding)).collect::<Vec<_>>();
        let said: Value = serde_json::from_str(said).unwrap();
        let accepted = if said["proven"] == true { said["then"] == true } else { said["now"] == true };
        // pyHanko refuses what has a time stamp that it does not believe; here that proves no time, and speaks against nothing.
        let agrees = accepted == (paper.verdict == Verdict::Valid) || paper.name == "good-unknown-tsa";
        let proven = (said["proven"] == true)
            == (check.findings.contains(&F::TimeStamped) && !check.findings.contains(&F::TimeStampNotTrusted));
        // Without revocation data of the service pyHanko believes no stamp.
        let proven = proven || paper.lists.is_empty();
        if check.verdict != paper.verdict || !lacks.is_empty() || !agrees || !proven {
            wrong.push(format!("{}: {:?} {:?}, pyHanko {said}", paper.name, check.verdict, check.findings));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    // Whoever believes the other CA too has the time; whoever believes nobody, no path and no time.
    let both = office.trust(&["root.pem", "other-root.pem"]);
    let check = office.checked("revoked-after-unknown-tsa.pdf", &both).check;
    assert_eq!(check.verdict, Verdict::Valid, "{check:?}");
    assert_eq!(office.checked("good-ocsp.pdf", &Trust::default()).check.verdict, Verdict::IssuerNotTrusted);
}
