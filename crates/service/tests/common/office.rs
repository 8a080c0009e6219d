//! A CA and a time-stamping service that answer on this machine, data folders that sign with their certificates, and what must be true of what
//! they signed.
#![allow(dead_code, clippy::unwrap_used, reason = "each test program uses a part of it")]

use super::common::{self, Home};
use super::pki::{PASSWORD, Pki, TSA, is_pdf_a, pyhanko_says};
use serde_json::Value;
use sohoa_sign::revocation::Ask;
use sohoa_verify::Brought;
use sohoa_verify::pdf_judge::{self, Signers};
use sohoa_verify::pdf_signatures::Issuer;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

pub fn fixture(name: &str) -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures").join(name).to_str().unwrap().to_owned()
}

/// The CA's and the time-stamping service's answers over HTTP.
pub struct Office {
    pub pki: Arc<Pki>,
    base: String,
    /// Whether the time-stamping service answers.
    pub stamps: Arc<AtomicBool>,
}

impl Office {
    pub fn open() -> Office {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let (pki, stamps) = (Arc::new(Pki::reached_at(&base)), Arc::new(AtomicBool::new(true)));
        let (answering, open) = (pki.clone(), stamps.clone());
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                answer(stream, &answering, open.load(Ordering::SeqCst));
            }
        });
        Office { pki, base, stamps }
    }

    /// A data folder whose PDFs are signed with `signatures`, and the certificate of `name` beside it.
    pub fn home(&self, signatures: &str) -> Home {
        let home = Home::new();
        std::fs::copy(self.pki.path("root.pem"), home.path("keys/roots.pem")).unwrap();
        common::write_private(&home.path("keys/password"), PASSWORD);
        home.set("tsa = [] ", &format!("tsa = [\"{}/stamp\"] ", self.base));
        let file = home.path("pipeline.toml");
        let text = std::fs::read_to_string(&file).unwrap();
        std::fs::write(&file, format!("{text}\n{signatures}")).unwrap();
        home
    }

    pub fn key(&self, name: &str, kind: &str) -> PathBuf {
        self.pki.certificate(name, kind, "document", &format!("/CN=UBND xã Thử Nghiệm {name}"), &[]);
        self.pki.pkcs12(name);
        self.pki.path(&format!("{name}.p12"))
    }
}

fn answer(mut stream: TcpStream, pki: &Pki, stamps: bool) {
    let (mut request, mut piece) = (Vec::new(), [0; 4096]);
    let (head, body) = loop {
        let n = stream.read(&mut piece).unwrap_or(0);
        request.extend(&piece[..n]);
        let Some(end) = request.windows(4).position(|window| window == b"\r\n\r\n") else {
            if n == 0 {
                return;
            }
            continue;
        };
        let head = String::from_utf8_lossy(&request[..end]).to_lowercase();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length:")).map_or(0, |n| n.trim().parse().unwrap());
        if request.len() >= end + 4 + length {
            break (head, request[end + 4..].to_vec());
        }
    };
    let path = head.split_whitespace().nth(1).unwrap_or_default();
    let known = match path {
        "/stamp" if stamps => pki.network(Ask { url: TSA, post: Some(("", &body)) }),
        "/root.crl" => pki.network(Ask { url: "http://ca.test/root.crl", post: None }),
        _ => Err("away".into()),
    };
    let (status, bytes) = known.map_or_else(|why| ("503 Away", why.into_bytes()), |bytes| ("200 OK", bytes));
    let _ = write!(stream, "HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", bytes.len());
    let _ = stream.write_all(&bytes);
}

pub fn manifest(home: &Home, record: &str) -> Value {
    serde_json::from_str(&home.expect(0, &["show", record, "--json"])).unwrap()
}

pub fn searchable(home: &Home, manifest: &Value) -> PathBuf {
    let object = manifest["objects"].as_array().unwrap().iter().find(|object| object["role"] == "searchable").unwrap();
    let digest = object["sha256"].as_str().unwrap();
    home.path("archive/objects/sha256").join(&digest[..2]).join(digest)
}

/// Good for pyHanko to the last level, still PDF/A, and the archive is sound.
pub fn is_proven(office: &Office, home: &Home, manifest: &Value, profiles: &[&str]) {
    let listed: Vec<&str> =
        manifest["pdf_signatures"].as_array().unwrap().iter().map(|signature| signature["profile"].as_str().unwrap()).collect();
    assert_eq!(listed, profiles);
    assert!(manifest["pdf_signatures"].as_array().unwrap().iter().all(|s| s["level"] == "b-lta" && s["stamped_at"].is_string()));
    let file = office.pki.path("judged.pdf");
    std::fs::copy(searchable(home, manifest), &file).unwrap();
    let told = pyhanko_says(&office.pki, std::slice::from_ref(&file)).remove(0);
    let signatures = told["signatures"].as_array().unwrap();
    assert!(signatures.len() == profiles.len() + 1 && signatures.iter().all(|s| s["good"] == true), "{told}");
    assert!(told["archival"].as_array().unwrap().iter().all(|verdict| verdict == "AdESPassed.OK"), "{told}");
    is_pdf_a(&[file], office.pki.folder());
    assert!(home.verify().iter().all(|(verdict, _)| verdict == "ok"), "{:?}", home.verify());
    home.expect(0, &["fsck"]);
    // and `sohoa audit`, which judges the signatures with eyes of its own
    home.expect(0, &["audit", "--json"]);
    // … and knows the signers when it is told whom to believe, or does not.
    let roots = home.path("roots");
    std::fs::create_dir_all(&roots).unwrap();
    std::fs::copy(office.pki.path("root.pem"), roots.join("root.pem")).unwrap();
    home.expect(0, &["audit", "--json", "--roots", roots.to_str().unwrap()]);
    // The auditors' program says the same, which asks as of the seal: of the signatures with their time stamps, and of the stamp over the file.
    let signers = Signers { trust: pdf_judge::roots(&roots).unwrap(), must_be_known: true, now: None };
    let judge = |bytes: &[u8], manifest: &sohoa_record::Manifest| signers.judge(bytes, manifest);
    let policy = sohoa_record::TrustPolicy::parse(&std::fs::read_to_string(home.path("trust")).unwrap()).unwrap();
    let brought = Brought { pdf: Some(&judge), ..Brought::default() };
    let mut checks = Vec::new();
    let mut told = |line: sohoa_verify::Line| {
        assert_eq!(line.verdict, sohoa_verify::Verdict::Ok, "{line:?}");
        if manifest["record"] == line.record.as_deref().unwrap_or_default() {
            checks.extend(line.pdf_checks);
        }
        Ok(())
    };
    sohoa_verify::audit_with(&home.path("archive"), "", &policy, brought, None, &mut told).unwrap();
    assert!(checks.len() == profiles.len() + 1 && checks.iter().all(|check| check.issuer == Issuer::Trusted), "{checks:?}");
    assert!(checks.iter().all(|check| check.stamped_time.is_some()), "{checks:?}");
    std::fs::copy(Pki::new().path("root.pem"), roots.join("root.pem")).unwrap();
    let refused = home.lines(&[12], &["audit", "--json", "--roots", roots.to_str().unwrap()]);
    let told = refused.iter().find(|line| line["verdict"] == "bad_signature").expect("a signer that nobody vouches for");
    assert!(told["reason"].as_str().unwrap().contains("issuer is not among the trusted ones"), "{told}");
}
