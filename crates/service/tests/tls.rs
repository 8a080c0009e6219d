//! `sohoa serve` with a certificate of its own, judged by curl and `openssl s_client`.
#![allow(clippy::unwrap_used)]

mod common;

use common::serving::*;
use common::{Home, files_below, write_private};
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

const PASSWORD: &str = "một mật khẩu dài";

/// Makes `keys/NAME.pem` and `keys/NAME.key` on that day, good for ten days from then on.
fn certificate(home: &Home, name: &str, day: Option<&str>) {
    let mut command = match day {
        None => Command::new("openssl"),
        Some(day) => {
            let mut command = Command::new("faketime");
            command.args([day, "openssl"]);
            command
        }
    };
    command.args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "10"]);
    command.args(["-subj", &format!("/CN={name}"), "-addext", "subjectAltName=IP:127.0.0.1"]);
    command.arg("-keyout").arg(home.path(&format!("keys/{name}.key"))).arg("-out").arg(home.path(&format!("keys/{name}.pem")));
    let made = command.output().expect("openssl and faketime are installed by ./bootstrap test");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
}

/// A data folder that names `keys/tls.pem` and `keys/tls.key`, which are there.
fn with_tls() -> Home {
    let home = home();
    home.set("tls_certificate = \"\"", "tls_certificate = \"keys/tls.pem\"").set("tls_key = \"\"", "tls_key = \"keys/tls.key\"");
    certificate(&home, "tls", None);
    home
}

/// What curl says, which believes `keys/tls.pem` and nobody else: head and body.
fn curl(home: &Home, args: &[&str]) -> Output {
    let mut command = Command::new("curl");
    command.args(["-sS", "-i", "--max-time", "60", "--cacert"]).arg(home.path("keys/tls.pem")).args(args);
    command.output().expect("curl is not installed; ./bootstrap test does it")
}

fn told(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// What `openssl s_client` says of a handshake.
fn handshake(address: &str, args: &[&str]) -> String {
    let output =
        Command::new("openssl").args(["s_client", "-connect", address]).args(args).stdin(Stdio::null()).output().unwrap();
    // Versions of openssl differ in the spaces.
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr)).replace(" = ", "=")
}

#[test]
fn a_certificate_that_cannot_be_used_is_told_before_anything_else() {
    let home = with_tls();
    certificate(&home, "other", None);
    certificate(&home, "ended", Some("2020-01-01"));
    certificate(&home, "coming", Some("2090-01-01"));
    std::fs::copy(home.path("keys/other.key"), home.path("keys/open.key")).unwrap();
    std::fs::set_permissions(home.path("keys/open.key"), PermissionsExt::from_mode(0o644)).unwrap();
    std::fs::write(home.path("keys/garbage.pem"), "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n").unwrap();
    write_private(&home.path("keys/empty.key"), "");
    let written = std::fs::read_to_string(home.path("pipeline.toml")).unwrap();
    for (certificate, key, cause, remedy) in [
        ("keys/nowhere.pem", "keys/tls.key", "No such file", "name a PEM file"),
        ("keys/tls.key", "keys/tls.key", "no certificate in it", "name a PEM file"),
        ("keys/garbage.pem", "keys/tls.key", "garbage.pem", "name a PEM file"),
        ("keys/tls.pem", "keys/nowhere.key", "No such file", "without a password"),
        ("keys/tls.pem", "keys/empty.key", "tls_key", "without a password"),
        ("keys/tls.pem", "keys/other.key", "another key", "made together"),
        ("keys/other.pem", "keys/open.key", "mode 644", "chmod 600"),
        ("keys/ended.pem", "keys/ended.key", "ended on 2020-01-11", "renew it"),
        ("keys/coming.pem", "keys/coming.key", "good from 2090-01-01", "clock"),
        ("keys/tls.pem", "", "tls_key", "leave both empty"),
        ("", "keys/tls.key", "tls_certificate", "leave both empty"),
    ] {
        let changed = written.replace("\"keys/tls.pem\"", &format!("\"{certificate}\""));
        std::fs::write(home.path("pipeline.toml"), changed.replace("\"keys/tls.key\"", &format!("\"{key}\""))).unwrap();
        let refused = home.sohoa(&["serve"]);
        let why = String::from_utf8(refused.stderr).unwrap();
        assert_eq!(refused.status.code(), Some(4), "{certificate} {key}: {why}");
        assert!(why.contains(cause) && why.contains(remedy) && !why.contains("PRIVATE"), "{certificate} {key}: {why}");
    }
    std::fs::write(home.path("pipeline.toml"), written.replace("behind_tls = false", "behind_tls = true")).unwrap();
    let why = String::from_utf8(home.sohoa(&["serve"]).stderr).unwrap();
    assert!(why.contains("behind_tls") && why.contains("X-Forwarded-For"), "{why}");
}

#[test]
fn stations_and_people_come_over_tls_and_nobody_comes_without() {
    let home = with_tls();
    let file = home.path("password");
    write_private(&file, PASSWORD);
    home.expect(
        0,
        &["user", "new", "lan", "--name", "Nguyễn Lan", "--role", "reviewer", "--password-file", file.to_str().unwrap()],
    );
    let token = token(&home, "tram-1");
    let mut serving = serve(&home);
    let url = format!("https://{}", serving.address);

    // Silent callers hold up nobody, and are sent away.
    let begun = Instant::now();
    let mut silent: Vec<TcpStream> = (0..30).map(|_| TcpStream::connect(&serving.address).unwrap()).collect();
    let health = told(&curl(&home, &[&format!("{url}/healthz")]));
    assert!(health.starts_with("HTTP/1.1 200") && health.ends_with("ok\n"), "{health}");
    assert!(health.contains("strict-transport-security: max-age=31536000"), "{health}");
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());

    // Versions, as outside programs see them.
    for (version, spoken) in [("-tls1_3", true), ("-tls1_2", true), ("-tls1_1", false), ("-tls1", false)] {
        let said = handshake(&serving.address, &[version, "-cipher", "DEFAULT@SECLEVEL=0"]);
        assert_eq!(said.contains("CN=tls") && !said.contains("protocol version"), spoken, "{version}: {said}");
    }
    let stranger = Command::new("curl").args(["-sS", &format!("{url}/healthz")]).output().unwrap();
    assert!(!stranger.status.success(), "curl believes nobody whom the system does not know");

    // Plain HTTP is answered at once, in words.
    let begun = Instant::now();
    let plain = ask(&serving.address, b"GET /sign-in HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    assert_eq!((plain.status, plain.body.contains("https://")), (400, true), "{}{}", plain.head, plain.body);
    let length: usize = plain.header("content-length").unwrap().parse().unwrap();
    assert_eq!(length, plain.body.len());
    let garbage = ask(&serving.address, b"\x16\x03\x01\x00\x05hello").unwrap();
    assert_eq!(garbage.status, 0);
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());

    // A scan is pushed.
    scan(&home, 7);
    let (bearer, scan) = (format!("Authorization: Bearer {token}"), format!("@{}", home.path("one.png").display()));
    let pushed = curl(
        &home,
        &["-H", &bearer, "--data-binary", &scan, "-H", "Content-Type: image/png", &format!("{url}/v1/documents?name=a.png")],
    );
    assert!(told(&pushed).starts_with("HTTP/1.1 202"), "{}", told(&pushed));

    // Somebody signs in; what they say of where they come from is not believed.
    let fields = ["--data-urlencode", "login=lan", "--data-urlencode", &format!("password={PASSWORD}")];
    let sign_in = format!("{url}/sign-in");
    let answer = told(&curl(&home, &[&fields[..], &["-H", "X-Forwarded-For: 203.0.113.9", &sign_in]].concat()));
    let cookie = answer.lines().find_map(|line| line.strip_prefix("set-cookie: ")).unwrap();
    let (pair, attributes) = cookie.split_once("; ").unwrap();
    assert!(answer.starts_with("HTTP/1.1 303") && pair.starts_with("__Host-sohoa="), "{answer}");
    assert_eq!(attributes, "Path=/; HttpOnly; SameSite=Strict; Secure");
    let page = told(&curl(&home, &["-H", &format!("Cookie: {pair}"), &format!("{url}/account")]));
    assert!(page.starts_with("HTTP/1.1 200") && page.contains("Nguyễn Lan"), "{page}");
    let plain_name = told(&curl(&home, &["-H", &format!("Cookie: {}", pair.replace("__Host-", "")), &format!("{url}/account")]));
    assert!(plain_name.starts_with("HTTP/1.1 303"), "{plain_name}");
    let log: String = files_below(&home.path("access-log")).iter().map(|file| std::fs::read_to_string(file).unwrap()).collect();
    let line = log.lines().find(|line| line.contains("\"what\":\"sign_in\"")).unwrap();
    assert!(line.contains("\"from\":\"127.0.0.1\""), "{line}");

    // The silent ones are gone by now, or soon.
    let mut nothing = [0];
    silent[29].set_read_timeout(Some(Duration::from_secs(15))).unwrap();
    assert_eq!(silent[29].read(&mut nothing).expect("it is closed"), 0);

    // One who greeted and then says nothing does not hold up the end.
    let mut half = TcpStream::connect(&serving.address).unwrap();
    half.write_all(&[22, 3, 1]).unwrap();
    let begun = Instant::now();
    assert!(serving.signal(rustix::process::Signal::TERM).success());
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
}

#[test]
fn a_renewed_certificate_is_taken_up_and_a_bad_one_is_not() {
    let home = with_tls();
    let serving = serve(&home);
    let log = || std::fs::read_to_string(home.path("serve.log")).unwrap();
    assert!(handshake(&serving.address, &[]).contains("CN=tls"));
    assert!(log().contains("ends on"), "ten days are few: {}", log());
    let put = |name: &str| {
        std::fs::rename(home.path(&format!("keys/{name}.key")), home.path("keys/tls.key")).unwrap();
        std::fs::rename(home.path(&format!("keys/{name}.pem")), home.path("keys/tls.pem")).unwrap();
    };
    certificate(&home, "renewed", None);
    put("renewed");
    wait_for("the renewed certificate", || handshake(&serving.address, &[]).contains("CN=renewed"));
    assert!(log().contains("was renewed"));
    certificate(&home, "ended", Some("2020-01-01"));
    put("ended");
    wait_for("a word about the bad one", || log().contains("is kept: [serve] tls_certificate"));
    let said = handshake(&serving.address, &[]);
    assert!(said.contains("CN=renewed") && !said.contains("CN=ended"), "{said}");
    certificate(&home, "third", None);
    put("third");
    wait_for("the next good one", || handshake(&serving.address, &[]).contains("CN=third"));
}
