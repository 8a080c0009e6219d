//! Time stamps over the log's checkpoints, from the run that asks for them to the audit that believes them. Openssl is the service, and
//! judges what is kept.
#![allow(clippy::unwrap_used)]

#[path = "common/browser.rs"]
mod browser;
mod common;
#[path = "../../sign/tests/common/mod.rs"]
mod pki;

use browser::Browser;
use common::serving::{Serving, serve, wait_for};
use common::{Home, small_scan, write_private};
use pki::{Pki, TSA};
use serde_json::Value;
use sohoa_sign::revocation::Ask;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

/// A time-stamping service over HTTP.
fn service(pki: Arc<Pki>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}/stamp", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let (mut request, mut piece) = (Vec::new(), [0; 4096]);
            let body = loop {
                let n = stream.read(&mut piece).unwrap_or(0);
                request.extend(&piece[..n]);
                let end = request.windows(4).position(|window| window == b"\r\n\r\n");
                let Some(end) = end.filter(|_| n > 0) else { break None };
                let head = String::from_utf8_lossy(&request[..end]).to_lowercase();
                let length = head.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok()).unwrap_or(0);
                if request.len() >= end + 4 + length {
                    break Some(request[end + 4..].to_vec());
                }
            };
            let answer = body.and_then(|body| pki.network(Ask { url: TSA, post: Some(("", &body)) }).ok()).unwrap_or_default();
            let _ = write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", answer.len());
            let _ = stream.write_all(&answer);
        }
    });
    address
}

/// The lines of a PEM file, joined: DER in base64.
fn base64_of(pki: &Pki, name: &str) -> String {
    let pem = String::from_utf8(pki.read(name)).unwrap();
    pem.lines().skip_while(|line| !line.contains("BEGIN")).filter(|line| !line.contains("-----")).collect()
}

fn audited(home: &Home, more: &[&str]) -> (i32, Vec<Value>) {
    let output = home.sohoa(&[&["audit", "--json"], more].concat());
    let text = String::from_utf8(output.stdout).unwrap();
    (output.status.code().unwrap(), text.lines().map(|line| serde_json::from_str(line).unwrap()).collect())
}

#[test]
fn a_stamp_bounds_what_was_logged_and_is_renewed() {
    let home = Home::new();
    let pki = Arc::new(Pki::new());
    let folder = home.path("in");
    std::fs::create_dir_all(&folder).unwrap();
    small_scan(&folder.join("a.png"), 1);
    // whoever configures a service whom nobody believes is told
    home.set("timestamp = [] ", &format!("timestamp = [\"{}\"] ", service(pki.clone())));
    let said = home.sohoa(&["log", "anchor"]);
    assert!(said.status.code() == Some(4) && String::from_utf8_lossy(&said.stderr).contains("timestamp-root"), "{said:?}");
    let before = std::fs::read_to_string(home.path("trust")).unwrap();
    std::fs::write(home.path("trust"), format!("{before}timestamp-root {} CA thử nghiệm\n", base64_of(&pki, "root.pem")))
        .unwrap();

    // a run stamps by itself, once in a while
    home.expect(0, &["ingest", folder.to_str().unwrap()]);
    let token = home.path("archive/log/anchors/00000000000000000001/0001.tst");
    let first = std::fs::read(&token).unwrap();
    small_scan(&folder.join("b.png"), 2);
    home.expect(0, &["ingest", folder.to_str().unwrap()]);
    let of_two = home.path("archive/log/anchors/00000000000000000002/0001.tst");
    assert!(!of_two.exists(), "not again within the interval");
    // Stamps tell whole seconds, and the two shall differ.
    std::thread::sleep(std::time::Duration::from_millis(1100));
    assert!(home.expect(0, &["log", "anchor"]).contains("checkpoint of 2 leaves"));
    assert!(of_two.exists());

    // openssl says the same of what is kept
    let checkpoint = std::fs::read_to_string(home.path("archive/log/checkpoint")).unwrap();
    let text = home.path("text");
    std::fs::write(&text, format!("{}\n", checkpoint.split("\n\n").next().unwrap())).unwrap();
    let openssl = |token: &std::path::Path, data: &std::path::Path, root: &str| {
        let judged = Command::new("openssl")
            .args(["ts", "-verify", "-token_in", "-in"])
            .arg(token)
            .arg("-data")
            .arg(data)
            .arg("-CAfile")
            .arg(pki.path(root))
            .output()
            .unwrap();
        judged.status.success()
    };
    assert!(openssl(&of_two, &text, "root.pem"));

    // the audit takes it as a bound, the small program passes it by
    let (code, lines) = audited(&home, &[]);
    let stamped = |lines: &[Value]| lines.iter().filter(|line| line["time"]["stamped"].is_string()).count();
    assert_eq!((code, stamped(&lines)), (0, 2), "{lines:?}");
    assert!(home.verify().iter().all(|(verdict, line)| verdict == "ok" && line["time"].is_null()));
    // in 2050, where nobody renewed it, it says nothing
    assert_eq!(stamped(&audited(&home, &["--at", "2050-01-01"]).1), 0);

    // renewed while it counts, by another service that lives longer: the second token is over the text and the first
    assert!(home.expect(0, &["renew", "--within-days", "1"]).contains("0 time stamps renewed"));
    pki.long_lived();
    for (from, to) in [("late.pem", "tsa.pem"), ("late.key", "tsa.key")] {
        std::fs::copy(pki.path(from), pki.path(to)).unwrap();
    }
    let policy = std::fs::read_to_string(home.path("trust")).unwrap();
    let line = format!("timestamp-root {} CA khác\n", base64_of(&pki, "old.pem"));
    std::fs::write(home.path("trust"), policy + &line).unwrap();
    assert!(home.expect(0, &["renew"]).contains("2 time stamps renewed"));
    let renewed = home.path("renewed");
    std::fs::write(&renewed, [std::fs::read(&text).unwrap(), std::fs::read(&of_two).unwrap()].concat()).unwrap();
    assert!(openssl(&home.path("archive/log/anchors/00000000000000000002/0002.tst"), &renewed, "old.pem"));
    for more in [&[][..], &["--at", "2050-01-01"]] {
        let (code, lines) = audited(&home, more);
        assert_eq!((code, stamped(&lines)), (0, 2), "{more:?} {lines:?}");
        let by = lines[0]["time"]["stamped"].as_str().unwrap();
        assert!(by < "2049", "the time is that of the first stamp: {by}");
    }
    home.expect(0, &["fsck"]);
    // Each renewal is a leaf, and asked for again it is no second one.
    let leaves = || home.lines(&[0], &["log", "status", "--json"])[0]["leaves"].as_u64().unwrap();
    assert_eq!(leaves(), 4, "two records, two renewals");
    home.expect(0, &["renew"]);
    assert_eq!(leaves(), 4);
    // Taken away, it is missed by the small program and by fsck.
    let second = home.path("archive/log/anchors/00000000000000000002/0002.tst");
    let token = std::fs::read(&second).unwrap();
    std::fs::remove_file(&second).unwrap();
    assert!(home.verify().iter().any(|(verdict, line)| verdict == "bad_log" && line.to_string().contains("renewed time stamp")));
    let fsck = home.sohoa(&["fsck", "--json"]);
    assert!(String::from_utf8_lossy(&fsck.stdout).contains("names a renewed time stamp"), "{fsck:?}");
    std::fs::write(&second, token).unwrap();
    home.expect(0, &["fsck"]);

    exports_bound_time_as_the_archive_does(&home, &pki);
    home.expect(0, &["fsck"]);

    // a stamp over something else is a fault of the log
    std::fs::write(&of_two, &first).unwrap();
    assert_eq!(audited(&home, &[]).0, 17);
    // without the policy's line nobody asks
    std::fs::write(home.path("trust"), &before).unwrap();
    home.set("timestamp = [\"", "timestamp = [] # [\"");
    assert_eq!(audited(&home, &[]).0, 0);
}

/// What `sohoa doctor` says of the stamps, so many days from now.
fn doctor(home: &Home, days: u32) -> Value {
    let mut command = home.command(&["doctor", "--json"]);
    if days > 0 {
        let library = ["x86_64", "aarch64"].map(|machine| format!("/usr/lib/{machine}-linux-gnu/faketime/libfaketime.so.1"));
        let library = library.iter().find(|file| Path::new(file).exists()).expect("the Debian package faketime");
        command.env("LD_PRELOAD", library).env("FAKETIME", format!("+{days}d")).env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
    }
    let output = command.output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let mut checks = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let found = checks.find(|check| check["check"] == "time stamps");
    found.unwrap_or_else(|| panic!("{text} {}", String::from_utf8_lossy(&output.stderr)))
}

/// A value of `/metrics`, once it is told.
fn metric(serving: &Serving, name: &str) -> u64 {
    let mut found = None;
    wait_for(name, || {
        let page = serving.get("", "/metrics").body;
        found = page.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.parse().ok());
        found.is_some()
    });
    found.unwrap()
}

/// What a stamp stands for is lost with the certificates of its service, and a new one takes an office months: it is told a year before.
#[test]
fn stamps_that_end_within_a_year_are_told_of_until_they_are_renewed() {
    let home = common::serving::home();
    let pki = Arc::new(Pki::new());
    let folder = home.path("in");
    std::fs::create_dir_all(&folder).unwrap();
    small_scan(&folder.join("a.png"), 1);
    home.set("timestamp = [] ", &format!("timestamp = [\"{}\"] ", service(pki.clone())));
    let policy = std::fs::read_to_string(home.path("trust")).unwrap();
    let policy = format!("{policy}timestamp-root {} CA thử nghiệm\n", base64_of(&pki, "root.pem"));
    std::fs::write(home.path("trust"), &policy).unwrap();
    home.expect(0, &["ingest", folder.to_str().unwrap()]);
    assert!(home.path("archive/log/anchors/00000000000000000001/0001.tst").exists());

    // Its service's certificate is good for thirty days more, as openssl says.
    let told = doctor(&home, 0);
    assert_eq!(told["state"], "warning", "{told}");
    assert!(
        told["detail"].as_str().unwrap().contains("1 of 1") && told["remedy"].as_str().unwrap().contains("sohoa renew"),
        "{told}"
    );
    let ends = String::from_utf8(pki.openssl(&["x509", "-in", "tsa.pem", "-noout", "-enddate"])).unwrap();
    let seconds = Command::new("date").args(["-d", ends.trim().strip_prefix("notAfter=").unwrap(), "+%s"]).output().unwrap();
    let ends: u64 = String::from_utf8(seconds.stdout).unwrap().trim().parse().unwrap();
    let mut serving = serve(&home);
    assert_eq!(metric(&serving, "sohoa_log_stamps_ending"), 1);
    assert_eq!(metric(&serving, "sohoa_log_stamps_end_timestamp_seconds"), ends);
    let log = std::fs::read_to_string(home.path("serve.log")).unwrap();
    assert!(log.lines().any(|line| line.contains("WARN") && line.contains("end within a year")), "{log}");
    let file = home.path("password");
    write_private(&file, "một mật khẩu dài");
    let who = ["--name", "Lê Văn Chung", "--role", "administrator", "--password-file", file.to_str().unwrap()];
    home.expect(0, &[&["user", "new", "chung"][..], &who].concat());
    let mut browser = Browser::default();
    let entry = [("login", "chung"), ("password", "một mật khẩu dài"), ("code", "")];
    assert_eq!(browser.post(&serving.address, "/sign-in", &entry).status, 303);
    let page = browser.get(&serving.address, "/system").body;
    let row = page.split("Dấu thời gian của nhật ký").nth(1).unwrap_or_else(|| panic!("{page}")).split("</dd>").next().unwrap();
    assert!(row.contains("sắp hết hạn trong 12 tháng"), "{row}");
    assert!(serving.signal(rustix::process::Signal::TERM).success());

    // Nobody heeded it: then it counts no more, which is a problem.
    let told = doctor(&home, 40);
    assert_eq!(told["state"], "problem", "{told}");
    assert!(told["detail"].as_str().unwrap().contains("was not renewed before"), "{told}");

    // Renewed by the same service it ends on the same day, so the alarm stays; by one that lives longer it goes.
    home.expect(0, &["renew"]);
    assert_eq!(doctor(&home, 0)["state"], "warning");
    pki.long_lived();
    for (from, to) in [("late.pem", "tsa.pem"), ("late.key", "tsa.key")] {
        std::fs::copy(pki.path(from), pki.path(to)).unwrap();
    }
    std::fs::write(home.path("trust"), format!("{policy}timestamp-root {} CA khác\n", base64_of(&pki, "old.pem"))).unwrap();
    home.expect(0, &["renew"]);
    let told = doctor(&home, 0);
    assert_eq!(told["state"], "ok", "{told}");
    assert_eq!(doctor(&home, 40)["state"], "ok", "the renewal carries it over the end of the first");
    let mut serving = serve(&home);
    assert_eq!(metric(&serving, "sohoa_log_stamps_ending"), 0);
    assert!(metric(&serving, "sohoa_log_stamps_end_timestamp_seconds") > ends);
    assert!(serving.signal(rustix::process::Signal::TERM).success());
}

/// What `sohoa audit` says of an export alone, with the policy that auditors are given, is what it says of the archive; and the attacks on
/// what an export brings of the stamps.
fn exports_bound_time_as_the_archive_does(home: &Home, pki: &Pki) {
    let (bag, trust) = (home.path("bag"), home.path("auditors"));
    home.expect(0, &["keys", "trust", "--out", trust.to_str().unwrap()]);
    let of_archive = audited(home, &[]).1;
    let records: Vec<&str> = of_archive.iter().map(|line| line["record"].as_str().unwrap()).collect();
    home.expect(0, &[&["export"][..], &records, &["--to", bag.to_str().unwrap()]].concat());
    let audit = |more: &[&str]| {
        let bag = bag.to_str().unwrap();
        let (code, lines) = audited(home, &[&[bag, "--trust", trust.to_str().unwrap()], more].concat());
        let times: Vec<Value> = lines.iter().filter(|line| line["record"].is_string()).map(|line| line["time"].clone()).collect();
        (code, times, lines)
    };
    let times = |lines: &[Value]| lines.iter().map(|line| line["time"].clone()).collect::<Vec<_>>();
    let expected = times(&of_archive);
    assert!(expected.iter().all(|time| time["stamped"].is_string()) && expected[0] != expected[1], "{expected:?}");
    for more in [&[][..], &["--at", "2050-01-01"]] {
        assert_eq!((audit(more).0, audit(more).1), (0, expected.clone()), "{more:?}");
    }
    // By hand, with openssl: the token is over what stands before the empty line, and the renewal over that and the token.
    let (size, other) = ("00000000000000000001", "00000000000000000002");
    let token = |size: &str, n: u32| bag.join(format!("data/log/anchors/{size}/{n:04}.tst"));
    let continued = bag.join("data/log/continued").join(size);
    let text = std::fs::read_to_string(&continued).unwrap();
    pki.write("text", &text.as_bytes()[..text.find("\n\n").unwrap() + 1]);
    let first = std::fs::read(token(size, 1)).unwrap();
    pki.write("0001.tst", &first);
    let said = pki.openssl(&["ts", "-verify", "-in", "0001.tst", "-token_in", "-data", "text", "-CAfile", "root.pem"]);
    assert!(String::from_utf8_lossy(&said).contains("Verification: OK"));

    let told = |lines: &[Value]| lines.iter().filter(|line| line["verdict"] == "bad_log").count();
    let stamped = |lines: &[Value]| lines.iter().filter(|line| line["time"]["stamped"].is_string()).count();
    // exchanged: the token over another checkpoint; another's renewal; a byte changed
    let of_two = std::fs::read(token(other, 1)).unwrap();
    let mut spoiled = first.clone();
    let middle = spoiled.len() / 2;
    spoiled[middle] ^= 1;
    for (what, bytes) in [("another's", of_two), ("spoiled", spoiled), ("no token", b"x".to_vec())] {
        std::fs::write(token(size, 1), bytes).unwrap();
        let (code, _, lines) = audit(&[]);
        assert_eq!((code, told(&lines)), (17, 1), "{what}: {lines:?}");
        assert_eq!(lines[1]["verdict"], "ok", "the records themselves are what was sealed: {lines:?}");
    }
    std::fs::write(token(size, 1), &first).unwrap();
    // of another checkpoint: the earlier stamp is to stand for the later tree
    let (one, two) = (bag.join("data/log/anchors").join(size), bag.join("data/log/anchors").join(other));
    let kept = [token(other, 1), token(other, 2)].map(|file| (file.clone(), std::fs::read(file).unwrap()));
    for n in [1, 2] {
        std::fs::copy(token(size, n), token(other, n)).unwrap();
    }
    assert_eq!((audit(&[]).0, told(&audit(&[]).2)), (17, 1));
    for (file, bytes) in &kept {
        std::fs::write(file, bytes).unwrap();
    }
    // the tree that it is over is exchanged for one that the log never had
    let forged = text.replacen("\n1\n", "\n2\n", 1);
    assert_ne!(forged, text);
    std::fs::write(&continued, forged).unwrap();
    assert_eq!(audit(&[]).0, 17);
    std::fs::write(&continued, &text).unwrap();
    // removed: without its renewal it still counts today and no more in 2050; a renewal alone is told; none at all bounds nothing
    let renewal = std::fs::read(token(size, 2)).unwrap();
    std::fs::remove_file(token(size, 2)).unwrap();
    assert_eq!((audit(&[]).0, audit(&[]).1), (0, expected.clone()));
    assert_eq!(stamped(&audit(&["--at", "2050-01-01"]).2), 2, "by then the stamp over two leaves bounds the first too");
    std::fs::write(token(size, 2), renewal).unwrap();
    std::fs::remove_file(token(size, 1)).unwrap();
    let (code, _, lines) = audit(&[]);
    assert!(code == 17 && lines.iter().any(|line| line["path"] == format!("log/anchors/{size}/0001.tst")), "{lines:?}");
    std::fs::remove_dir_all(one).unwrap();
    std::fs::remove_dir_all(two).unwrap();
    assert_eq!((audit(&[]).0, stamped(&audit(&[]).2)), (0, 0));
}
