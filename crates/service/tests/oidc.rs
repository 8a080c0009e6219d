//! Signing in by way of an OpenID provider, as a browser and as those do who should not come in. The provider is a double on the loopback whose
//! tokens openssl signs.
#![allow(clippy::unwrap_used)]

#[path = "common/browser.rs"]
mod browser;
mod common;
#[path = "common/jws.rs"]
mod jws;
#[path = "common/provider.rs"]
mod provider;

use browser::Browser;
use common::serving::*;
use common::{Home, files_below, write_private};
use hmac::{Hmac, KeyInit as _, Mac as _};
use jws::{Signer, encoded, signed};
use provider::*;
use serde_json::json;
use sha2::Sha256;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

const PASSWORD: &str = "một mật khẩu dài";
const CALLBACK: &str = "http://127.0.0.1:1/sign-in/oidc/callback";

/// A data folder whose people may come by way of that provider, with Lan in it.
fn with(provider: &Provider, more: &str) -> Home {
    let home = home();
    person(&home, "lan", "Nguyễn Thị Lan", "reviewer");
    write_private(&home.path("keys/client-secret"), SECRET);
    let text = std::fs::read_to_string(home.path("pipeline.toml")).unwrap();
    let section = text.find("[access.oidc]").unwrap();
    let (before, after) = text.split_at(section);
    let after = after
        .replacen("issuer = \"\"", &format!("issuer = \"{}\"", provider.issuer), 1)
        .replacen("client_id = \"\"", &format!("client_id = \"{CLIENT}\""), 1)
        .replacen("client_secret_file = \"\"", "client_secret_file = \"keys/client-secret\"", 1)
        .replacen("redirect_uri = \"\"", &format!("redirect_uri = \"{CALLBACK}\""), 1);
    std::fs::write(home.path("pipeline.toml"), format!("{before}{after}")).unwrap();
    if !more.is_empty() {
        let (from, to) = more.split_once(" => ").unwrap();
        home.set(from, to);
    }
    home
}

fn person(home: &Home, login: &str, name: &str, role: &str) {
    let file = home.path("password");
    write_private(&file, PASSWORD);
    home.expect(0, &["user", "new", login, "--name", name, "--role", role, "--password-file", file.to_str().unwrap()]);
}

/// What a browser does at the provider and with what it brings back.
trait AtProvider {
    fn go(&mut self, serving: &Serving, provider: &Provider) -> String;
    fn sign_in(&mut self, serving: &Serving, provider: &Provider) -> Answer;
}

impl AtProvider for Browser {
    /// To the provider and as far as the place that it sends the browser back to: path and query.
    fn go(&mut self, serving: &Serving, provider: &Provider) -> String {
        let begun = self.get(&serving.address, "/sign-in/oidc");
        assert_eq!(begun.status, 303, "{}", begun.body);
        let there = begun.header("location").unwrap().strip_prefix(&provider.issuer).expect("to the provider").to_owned();
        let back =
            ask(provider.issuer.strip_prefix("http://").unwrap(), format!("GET {there} HTTP/1.1\r\n\r\n").as_bytes()).unwrap();
        assert_eq!(back.status, 302);
        back.header("location").unwrap().strip_prefix("http://127.0.0.1:1").unwrap().to_owned()
    }

    fn sign_in(&mut self, serving: &Serving, provider: &Provider) -> Answer {
        let back = self.go(serving, provider);
        self.get(&serving.address, &back)
    }
}

fn access_log(home: &Home) -> String {
    files_below(&home.path("access-log")).iter().map(|file| std::fs::read_to_string(file).unwrap()).collect()
}

#[test]
fn a_person_comes_in_by_way_of_the_provider() {
    let provider = Provider::start();
    let home = with(&provider, "");
    // A code of her own is the provider's matter, and so is a password that she never used here.
    home.expect(0, &["user", "totp", "lan"]);
    home.expect(0, &["user", "password", "lan"]);
    let serving = serve(&home);
    let mut browser = Browser::default();
    let page = browser.get(&serving.address, "/sign-in").body;
    assert!(page.contains("href=\"/sign-in/oidc\"") && page.contains("Đăng nhập bằng tài khoản cơ quan"), "{page}");
    let begun = browser.clone().get(&serving.address, "/sign-in/oidc");
    let cookie = begun.header("set-cookie").unwrap();
    assert!(cookie.starts_with("sohoa-oidc=") && cookie.ends_with("; Path=/; HttpOnly; SameSite=Lax; Max-Age=600"), "{cookie}");
    assert_eq!(begun.header("cache-control"), Some("no-store"));
    let answer = browser.sign_in(&serving, &provider);
    assert_eq!(answer.status, 200, "{}", answer.body);
    // The session's cookie is Strict: a redirect that another site began would not bring it along, a page of ours does.
    assert!(answer.body.contains("http-equiv=\"refresh\" content=\"0; url=/\""), "{}", answer.body);
    assert!(!browser.0.contains_key("sohoa-oidc") && browser.is_in(&serving.address));
    let today = browser.get(&serving.address, "/");
    assert!(today.status == 200 && today.body.contains("Nguyễn Thị Lan"), "{} {}", today.status, today.body);
    assert!(browser.get(&serving.address, "/system").status == 403, "the people's file says what she may do");
    let log = access_log(&home);
    assert!(log.lines().any(|line| line.contains("\"lan\"") && line.contains("\"what\":\"oidc_sign_in\"")), "{log}");
    // Keys and configuration are asked for once.
    assert!(Browser::default().sign_in(&serving, &provider).status == 200);
    assert_eq!((provider.asked("GET /keys"), provider.asked("GET /.well-known")), (1, 1));
    // A change of role ends her session as it does any other.
    home.expect(0, &["user", "role", "lan", "operator"]);
    assert!(!browser.is_in(&serving.address));
}

#[test]
fn who_is_not_known_here_or_disabled_stays_out_and_is_noted() {
    let provider = Provider::start();
    let home = with(&provider, "");
    person(&home, "minh", "Trần Văn Minh", "administrator");
    let serving = serve(&home);
    let enter = |username: serde_json::Value| {
        provider.set(claim("preferred_username", username));
        let mut browser = Browser::default();
        let answer = browser.sign_in(&serving, &provider);
        assert!(!browser.0.contains_key("sohoa-oidc") || answer.status == 200);
        (answer.status, browser.is_in(&serving.address), answer.body)
    };
    for stranger in [
        json!("mai"),
        json!("lan@evil.example"),
        json!(""),
        json!(" lan"),
        json!(7),
        json!(["lan"]),
        json!(null),
        json!("lan\u{0}"),
    ] {
        let (status, is_in, page) = enter(stranger.clone());
        assert_eq!((status, is_in), (403, false), "{stranger}");
        assert!(page.contains("Tài khoản này không được vào đây") && !page.contains("evil"), "{page}");
    }
    assert_eq!(enter(json!("minh")).0, 200);
    home.expect(0, &["user", "disable", "minh"]);
    assert_eq!(enter(json!("MINH")).0, 403);
    let log = access_log(&home);
    let refused: Vec<&str> = log.lines().filter(|line| line.contains("oidc_sign_in_refused")).collect();
    // By name only who is here.
    assert!(refused.len() == 9 && refused.iter().filter(|line| line.contains("\"login\":\"minh\"")).count() == 1, "{refused:#?}");
    assert!(!log.contains("evil") && !log.contains("\"mai\""), "{log}");
}

#[test]
fn nothing_that_is_wrong_lets_anybody_in() {
    let provider = Provider::start();
    let home = with(&provider, "");
    let serving = serve(&home);
    let attacker = Signer::rsa(2048);
    let with_public_key: Making = Box::new(|signer, mut header, claims| {
        header["alg"] = "HS256".into();
        let unsigned = signed(&header, &claims);
        let mut mac = Hmac::<Sha256>::new_from_slice(&signer.public_pem()).unwrap();
        mac.update(unsigned.as_bytes());
        format!("{unsigned}.{}", encoded(mac.finalize().into_bytes()))
    });
    let unknown_key: Making = Box::new(|signer, mut header, claims| {
        header["kid"] = "k9".into();
        signer.token(&header, &claims)
    });
    let long_ago = now() - 7200;
    let tokens: Vec<(&str, Making)> = vec![
        ("another nonce", claim("nonce", json!("x"))),
        ("another audience", claim("aud", json!("other"))),
        ("several audiences", claim("aud", json!([CLIENT, "other"]))),
        ("another party", claim("azp", json!("other"))),
        ("another issuer", claim("iss", json!("http://127.0.0.1:9"))),
        ("expired", claim("exp", json!(now() - 120))),
        ("made long ago", claim("iat", json!(long_ago))),
        ("made tomorrow", claim("iat", json!(now() + 86_400))),
        ("alg none", unsigned("none")),
        ("unsigned", unsigned("RS256")),
        ("HS256 with the public key", with_public_key),
        ("an unknown key", unknown_key),
        ("a stranger's key", Box::new(move |_, header, claims| attacker.token(&header, &claims))),
        ("no token", Box::new(|_, _, _| "not a token".into())),
    ];
    for (what, making) in tokens {
        provider.set(making);
        let mut browser = Browser::default();
        let answer = browser.sign_in(&serving, &provider);
        assert_eq!((answer.status, browser.is_in(&serving.address)), (403, false), "{what}");
        assert!(
            answer.body.contains("trả lời không hợp lệ") && answer.body.contains("name=\"password\""),
            "{what}: {}",
            answer.body
        );
    }
    provider.set(good());

    // What comes back must be of a sign-in that this browser began.
    let mut lan = Browser::default();
    let back = lan.go(&serving, &provider);
    let wrong_state = back.replacen("state=", "state=x", 1);
    let not_begun = |answer: Answer| answer.status == 403 && answer.body.contains("không bắt đầu từ trình duyệt này");
    assert!(not_begun(lan.clone().get(&serving.address, &wrong_state)), "another state");
    assert!(not_begun(Browser::default().get(&serving.address, &back)), "a browser that began nothing");
    let mut other = Browser::default();
    other.go(&serving, &provider);
    assert!(not_begun(other.get(&serving.address, &back)), "a browser that began another");
    assert!(not_begun(lan.clone().get(&serving.address, "/sign-in/oidc/callback")), "nothing at all");
    let another_issuer =
        format!("{}http%3A%2F%2Fevil.example", back.split_once("iss=").map(|(before, _)| format!("{before}iss=")).unwrap());
    assert_eq!(lan.clone().get(&serving.address, &another_issuer).status, 403, "RFC 9207");
    let state = back.split('&').find(|part| part.starts_with("state=")).unwrap();
    let denied = lan.clone().get(&serving.address, &format!("/sign-in/oidc/callback?error=access_denied&{state}"));
    assert!(denied.status == 403 && denied.body.contains("không xác nhận"), "{}", denied.body);
    assert_eq!(lan.clone().get(&serving.address, &format!("/sign-in/oidc/callback?{state}")).status, 403, "no code");

    // A code holds once; whoever saw it go by is too late, with the cookie too.
    let mut thief = lan.clone();
    assert_eq!(lan.get(&serving.address, &back).status, 200);
    let replayed = thief.get(&serving.address, &back);
    assert_eq!((replayed.status, thief.is_in(&serving.address)), (403, false), "{}", replayed.body);
    assert!(lan.is_in(&serving.address));

    // The log says why, and nothing that is secret or personal.
    let log = std::fs::read_to_string(home.path("serve.log")).unwrap();
    for why in [
        "made for another client",
        "another issuer's",
        "made for another sign-in",
        "has expired",
        "neither RS256 nor ES256",
        "signature is wrong",
        "does not publish",
    ] {
        assert!(log.contains(why), "{why}: {log}");
    }
    for secret in ["code-", SECRET, "eyJ", "Nguyễn"] {
        assert!(!log.contains(secret) && !access_log(&home).contains(secret), "{secret}");
    }
}

#[test]
fn a_new_key_is_asked_for_and_a_provider_that_is_away_keeps_nobody_else_out() {
    let provider = Provider::start();
    let home = with(&provider, "");
    let serving = serve(&home);
    assert_eq!(Browser::default().sign_in(&serving, &provider).status, 200);
    provider.state.lock().unwrap().kid = "k2".into();
    assert_eq!(Browser::default().sign_in(&serving, &provider).status, 200, "the new key was fetched");
    assert_eq!(provider.asked("GET /keys"), 2);

    let mut browser = Browser::default();
    let back = browser.go(&serving, &provider);
    provider.state.lock().unwrap().is_broken = true;
    let away = browser.get(&serving.address, &back);
    assert!(away.status == 503 && away.body.contains("không kết nối được"), "{}", away.body);
    drop(serving);
    // Nobody listens there at all, from the start.
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    home.set(&provider.issuer, &format!("http://{nobody}"));
    let serving = serve(&home);
    let begun = Instant::now();
    let away = Browser::default().get(&serving.address, "/sign-in/oidc");
    assert!(away.status == 503 && away.body.contains("đăng nhập bằng mật khẩu"), "{}", away.body);
    assert!(begun.elapsed() < Duration::from_secs(12));
    let mut browser = Browser::default();
    assert_eq!(browser.post(&serving.address, "/sign-in", &[("login", "lan"), ("password", PASSWORD)]).status, 303);
    assert!(browser.is_in(&serving.address));
}

#[test]
fn addresses_of_one_domain_are_logins_and_no_others() {
    let provider = Provider::start();
    let home = with(&provider, "claim = \"preferred_username\" => claim = \"email\"");
    home.set("domain = \"\"", "domain = \"tinh.gov.vn\"");
    let serving = serve(&home);
    for (address, verified, status) in [
        ("Lan@Tinh.gov.vn", json!(true), 200),
        ("lan@tinh.gov.vn", json!(false), 403),
        ("lan@tinh.gov.vn", json!("true"), 403),
        ("lan@tinh.gov.vn.evil.example", json!(true), 403),
        ("lan@evil.example", json!(true), 403),
        ("lan@x@tinh.gov.vn", json!(true), 403),
        ("lan", json!(true), 403),
        ("@tinh.gov.vn", json!(true), 403),
    ] {
        let verified_too = verified.clone();
        provider.set(Box::new(move |signer, header, mut claims| {
            claims["email"] = address.into();
            claims["email_verified"] = verified_too.clone();
            signer.token(&header, &claims)
        }));
        assert_eq!(Browser::default().sign_in(&serving, &provider).status, status, "{address} {verified}");
    }
}

#[test]
fn what_is_wrong_with_the_settings_is_told_at_the_start() {
    let provider = Provider::start();
    for (change, cause) in [
        (format!("issuer = \"{}\" => issuer = \"http://sso.example\"", provider.issuer), "https://"),
        (format!("client_id = \"{CLIENT}\" => client_id = \"\""), "client_id"),
        (format!("redirect_uri = \"{CALLBACK}\" => redirect_uri = \"https://sohoa.example/\""), "/sign-in/oidc/callback"),
        (
            format!("redirect_uri = \"{CALLBACK}\" => redirect_uri = \"http://sohoa.example/sign-in/oidc/callback\""),
            "redirect_uri",
        ),
        ("claim = \"preferred_username\" => claim = \"email\"".into(), "domain"),
        ("claim = \"preferred_username\" => claim = \"\"".into(), "claim"),
        ("\"keys/client-secret\" => \"keys/nowhere\"".into(), "client_secret_file"),
        ("ca_file = \"\" => ca_file = \"pipeline.toml\"".into(), "ca_file"),
    ] {
        let home = with(&provider, &change);
        let refused = home.sohoa(&["serve"]);
        let why = String::from_utf8(refused.stderr).unwrap();
        assert_eq!(refused.status.code(), Some(4), "{change}: {why}");
        assert!(why.contains(cause), "{change}: {why}");
    }
    // Another issuer than the one that was asked, and places without TLS, are refused when they are met.
    let home = with(&provider, "");
    let serving = serve(&home);
    for (name, value) in
        [("issuer", "http://127.0.0.1:9"), ("token_endpoint", "http://sso.example/token"), ("jwks_uri", "file:///etc/passwd")]
    {
        let good = provider.state.lock().unwrap().discovery.clone();
        provider.state.lock().unwrap().discovery[name] = value.into();
        let answer = Browser::default().get(&serving.address, "/sign-in/oidc");
        assert!(answer.status == 403 && answer.body.contains("không hợp lệ"), "{name}: {}", answer.body);
        provider.state.lock().unwrap().discovery = good;
    }
    assert_eq!(Browser::default().sign_in(&serving, &provider).status, 200);
}

#[test]
fn a_real_browser_comes_back_from_another_site_with_its_session() {
    let provider = Provider::start_as("localhost");
    let home = with(&provider, "");
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    home.set("127.0.0.1:0", &free.to_string()).set(CALLBACK, &format!("http://{free}/sign-in/oidc/callback"));
    let serving = serve(&home);
    let shots = Path::new(env!("CARGO_TARGET_TMPDIR")).join("door");
    std::fs::create_dir_all(&shots).unwrap();
    let output = Command::new("node-judges")
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/judges/door.cjs"))
        .args([format!("http://{}", serving.address), PASSWORD.to_owned()])
        .arg(&shots)
        .output()
        .expect("node-judges cannot be started; `./bootstrap test` installs it");
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{told}\n{}", String::from_utf8_lossy(&output.stderr));
}

/// What openssl makes of those arguments, in that folder.
fn openssl(folder: &Path, args: &[&str]) {
    let made = Command::new("openssl").args(args).current_dir(folder).output().unwrap();
    assert!(made.status.success(), "openssl {args:?}: {}", String::from_utf8_lossy(&made.stderr));
}

#[test]
fn a_provider_of_ones_own_is_believed_by_its_ca_and_by_nobody_elses() {
    let home = home();
    let site = home.path("site");
    std::fs::create_dir_all(site.join(".well-known")).unwrap();
    openssl(&site, &["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=CA", "-keyout", "ca.key", "-out", "ca.pem"]);
    openssl(&site, &["req", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost", "-keyout", "tls.key", "-out", "tls.csr"]);
    std::fs::write(site.join("extensions"), "subjectAltName=DNS:localhost\nbasicConstraints=CA:FALSE\n").unwrap();
    let signing = ["x509", "-req", "-in", "tls.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-out", "tls.pem"];
    openssl(&site, &[&signing[..], &["-days", "2", "-extfile", "extensions"]].concat());
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port().to_string();
    let issuer = format!("https://localhost:{port}");
    // openssl sends a file as it is, head and all.
    let says = |token_endpoint: &str| {
        let (authorize, keys) = (format!("{issuer}/authorize"), format!("{issuer}/keys"));
        let told =
            json!({"issuer": issuer, "authorization_endpoint": authorize, "token_endpoint": token_endpoint, "jwks_uri": keys});
        let told = told.to_string();
        let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{told}", told.len());
        std::fs::write(site.join(".well-known/openid-configuration"), answer).unwrap();
    };
    let mut server = Command::new("openssl");
    server.args(["s_server", "-quiet", "-HTTP", "-port", &port, "-cert", "tls.pem", "-key", "tls.key"]).current_dir(&site);
    let _server = Ended(server.stdin(std::process::Stdio::null()).spawn().unwrap());
    home.set("issuer = \"\"", &format!("issuer = \"{issuer}\"")).set("client_id = \"\"", "client_id = \"sohoa\"");
    home.set("redirect_uri = \"\"", &format!("redirect_uri = \"{CALLBACK}\""));
    says(&format!("{issuer}/token"));
    wait_for("openssl s_server", || std::net::TcpStream::connect(format!("127.0.0.1:{port}")).is_ok());

    let serving = serve(&home);
    assert_eq!(Browser::default().get(&serving.address, "/sign-in/oidc").status, 503, "the CAs of the system do not know it");
    drop(serving);
    home.set("ca_file = \"\"", "ca_file = \"site/ca.pem\"");
    // A place on this machine is none of such a provider's.
    says("http://127.0.0.1:9/token");
    let serving = serve(&home);
    assert_eq!(Browser::default().get(&serving.address, "/sign-in/oidc").status, 403);
    says(&format!("{issuer}/token"));
    let begun = Browser::default().get(&serving.address, "/sign-in/oidc");
    let location = begun.header("location").unwrap_or_default();
    assert!(
        begun.status == 303 && location.starts_with(&format!("{issuer}/authorize?response_type=code&client_id=sohoa&")),
        "{}",
        begun.head
    );
    let asked = fields(location.split_once('?').unwrap().1);
    assert_eq!((asked["redirect_uri"].as_str(), asked["code_challenge_method"].as_str()), (CALLBACK, "S256"));
    let lengths = ["state", "nonce", "code_challenge"].map(|name| asked[name].len());
    assert!(lengths == [43; 3] && asked["state"] != asked["nonce"], "{location}");
}
