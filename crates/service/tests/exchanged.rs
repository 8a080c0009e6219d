//! A scan that somebody exchanges on the disk between its arrival and its seal: it is noticed by its digest, told loudly, and never sealed.
#![allow(clippy::unwrap_used)]

#[path = "common/browser.rs"]
mod browser;
mod common;

use browser::Browser;
use common::serving::*;
use common::{Home, small_scan, write_private};
use rustix::process::Signal;
use std::path::{Path, PathBuf};

const PASSWORD: &str = "một mật khẩu dài";

/// Whoever may hold the work up: what arrives waits then.
struct Foreman<'a> {
    serving: &'a Serving,
    browser: Browser,
}

impl Foreman<'_> {
    fn new<'a>(home: &Home, serving: &'a Serving) -> Foreman<'a> {
        let file = home.path("password");
        write_private(&file, PASSWORD);
        let who = ["--name", "Lê Văn Chung", "--role", "administrator", "--password-file", file.to_str().unwrap()];
        home.expect(0, &[&["user", "new", "chung"][..], &who].concat());
        let mut browser = Browser::default();
        let answer = browser.post(&serving.address, "/sign-in", &[("login", "chung"), ("password", PASSWORD), ("code", "")]);
        assert_eq!(answer.status, 303, "{}", answer.body);
        Foreman { serving, browser }
    }

    fn post(&mut self, path: &str) {
        let page = self.browser.get(&self.serving.address, "/batches").body;
        let csrf = page.split_once("name=\"csrf\" value=\"").unwrap().1.split_once('"').unwrap().0.to_owned();
        let answer = self.browser.post(&self.serving.address, path, &[("csrf", &csrf)]);
        assert_eq!(answer.status, 303, "{path}: {}", answer.body);
    }
}

fn object(home: &Home, bytes: &[u8]) -> PathBuf {
    let digest = sohoa_record::Sha256Hex::of(bytes).to_string();
    home.path("archive/objects/sha256").join(&digest[..2]).join(digest)
}

/// Puts other bytes of the same length in a file's place, as somebody does who knows that sizes are looked at.
fn exchange(file: &Path, with: &[u8]) {
    let length = std::fs::metadata(file).unwrap().len() as usize;
    let mut other = with.to_vec();
    other.resize(length, 0);
    let beside = file.with_extension("other");
    std::fs::write(&beside, other).unwrap();
    std::fs::rename(&beside, file).unwrap();
}

fn receipts(home: &Home) -> usize {
    common::files_below(&home.path("archive")).iter().filter(|file| file.to_string_lossy().ends_with(".dsse.json")).count()
}

/// That a scan was exchanged is told to its station, the operator, who watches over the service, and in the log.
fn is_told(home: &Home, serving: &Serving, outcome: Option<serde_json::Value>) {
    if let Some(outcome) = outcome {
        assert_eq!(outcome["state"], "given_up", "{outcome}");
        assert!(outcome["last_error"].as_str().unwrap().contains("was altered"), "{outcome}");
    }
    assert_eq!(receipts(home), 0, "nothing is sealed");
    assert!(serving.get("", "/metrics").body.contains("sohoa_jobs{state=\"given_up\"} 1"));
    let status = home.expect(0, &["status"]);
    assert!(status.contains("was altered"), "{status}");
    let log = std::fs::read_to_string(home.path("serve.log")).unwrap();
    assert!(log.lines().any(|line| line.contains("ERROR") && line.contains("was altered")), "{log}");
    assert_eq!(home.sohoa(&["fsck"]).status.code(), Some(3), "and it names the object");
}

/// After the true bytes are back, it is sealed as it arrived.
fn is_mended(home: &Home, mut serving: Serving, browser: Browser, record: &str, bytes: &[u8]) {
    std::fs::write(object(home, bytes), bytes).unwrap();
    Foreman { serving: &serving, browser }.post("/batches/retry");
    wait_for("it is sealed", || home.sohoa(&["show", record]).status.success());
    assert!(serving.signal(Signal::TERM).success());
    let manifest: serde_json::Value = serde_json::from_str(&home.expect(0, &["show", record, "--json"])).unwrap();
    assert_eq!(manifest["source"]["sha256"], sohoa_record::Sha256Hex::of(bytes).as_str());
    home.expect(0, &["fsck"]);
    assert!(home.verify().iter().all(|(verdict, _)| verdict == "ok"), "{:?}", home.verify());
}

#[test]
fn a_pushed_scan_that_is_exchanged_while_it_waits_is_not_sealed() {
    let home = home();
    let token = token(&home, "tram-1");
    let serving = serve(&home);
    let mut foreman = Foreman::new(&home, &serving);
    foreman.post("/batches/pause");
    let bytes = scan(&home, 1);
    let record = serving.push(&token, "name=a.png", "", &bytes).json()["record"].as_str().unwrap().to_owned();
    exchange(&object(&home, &bytes), &scan(&home, 2));
    foreman.post("/batches/go-on");
    is_told(&home, &serving, Some(serving.outcome(&token, &record)));
    // Others go on.
    let other = serving.push(&token, "name=c.png", "", &scan(&home, 3)).json()["record"].as_str().unwrap().to_owned();
    assert_ne!(serving.outcome(&token, &other)["state"], "given_up");
    let browser = foreman.browser;
    is_mended(&home, serving, browser, &record, &bytes);
}

/// What is read is looked at before and after: a scan that is exchanged while it is read was not what is in the store then.
#[test]
fn a_scan_that_is_exchanged_while_it_is_read_is_not_sealed() {
    let home = home();
    let token = token(&home, "tram-1");
    let serving = serve(&home);
    let foreman = Foreman::new(&home, &serving);
    let fixture = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/submission-bleed-through/H48.15-250303-0042.01.tif");
    let bytes = std::fs::read(fixture).unwrap();
    let record = serving.push(&token, "name=a.tif", "", &bytes).json()["record"].as_str().unwrap().to_owned();
    let state = || serving.get(&token, &format!("/v1/documents/{record}")).json()["state"].as_str().unwrap().to_owned();
    // It was fetched, and so looked at, when the metrics count that.
    wait_for("it is being read", || serving.get("", "/metrics").body.contains("sohoa_stage_runs_total{stage=\"fetch\"} 1"));
    exchange(&object(&home, &bytes), &scan(&home, 2));
    assert_eq!(state(), "working", "it was exchanged while it was read");
    is_told(&home, &serving, Some(serving.outcome(&token, &record)));
    let browser = foreman.browser;
    is_mended(&home, serving, browser, &record, &bytes);
}

#[test]
fn a_scan_of_a_watched_folder_that_is_exchanged_in_the_store_is_not_sealed_and_not_put_away() {
    let home = home();
    watch(&home, "");
    let serving = serve(&home);
    let mut foreman = Foreman::new(&home, &serving);
    foreman.post("/batches/pause");
    let scan_in_folder = home.path("in/a.png");
    small_scan(&home.path("a.png"), 1);
    std::fs::rename(home.path("a.png"), &scan_in_folder).unwrap();
    let bytes = std::fs::read(&scan_in_folder).unwrap();
    wait_for("it arrived", || {
        object(&home, &bytes).exists() && home.lines(&[0], &["status", "--json"])[0]["queue"]["queued"] == 1
    });
    exchange(&object(&home, &bytes), &scan(&home, 2));
    foreman.post("/batches/go-on");
    wait_for("it is given up", || home.lines(&[0], &["status", "--json"])[0]["queue"]["dead"] == 1);
    assert_eq!(receipts(&home), 0);
    let notes = common::files_below(&home.path("archive/arrivals"));
    let note: serde_json::Value = serde_json::from_slice(&std::fs::read(&notes[0]).unwrap()).unwrap();
    let record = note["record"].as_str().unwrap();
    is_told(&home, &serving, None);
    assert!(!home.path("in/done/a.png").exists(), "the paper is not put away as done");
    let browser = foreman.browser;
    is_mended(&home, serving, browser, record, &bytes);
}

/// An upload in pieces lies in the spool for as long as its station takes. A station that says what it sends finds an exchange out.
#[test]
fn an_upload_that_is_exchanged_in_the_spool_is_refused_by_the_digest_that_its_station_gave() {
    let home = home();
    let token = token(&home, "tram-1");
    let mut serving = serve(&home);
    let bytes = scan(&home, 1);
    let half = bytes.len() / 2;
    let tus = |method: &str, path: &str, headers: &str, body: &[u8]| {
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer {token}\r\nTus-Resumable: 1.0.0\r\n{headers}Content-Length: {}\r\n\r\n",
            body.len()
        );
        serving.raw(&[head.as_bytes(), body].concat())
    };
    let digest = sohoa_record::Sha256Hex::of(&bytes).to_string();
    let metadata = |value: &str| {
        use base64::Engine as _;
        base64::engine::general_purpose::STANDARD.encode(value)
    };
    let told = format!("name {},sha256 {}", metadata("a.png"), metadata(&digest));
    let made = tus("POST", "/v1/uploads", &format!("Upload-Length: {}\r\nUpload-Metadata: {told}\r\n", bytes.len()), b"");
    assert_eq!(made.status, 201, "{}", made.body);
    let location = made.header("location").unwrap().to_owned();
    let piece = |offset: usize, piece: &[u8]| {
        tus("PATCH", &location, &format!("Upload-Offset: {offset}\r\nContent-Type: application/offset+octet-stream\r\n"), piece)
    };
    assert_eq!(piece(0, &bytes[..half]).status, 204);
    let lies = home.path("spool/uploads").join(format!("{}.bytes", location.rsplit('/').next().unwrap()));
    exchange(&lies, &scan(&home, 2));
    let refused = piece(half, &bytes[half..]);
    assert_eq!((refused.status, refused.code().as_str()), (422, "digest_differs"), "{}", refused.body);
    assert!(!home.path("archive/arrivals").exists() && !lies.exists(), "nothing of it is kept");
    assert!(serving.signal(Signal::TERM).success());
}
