//! One-time codes that people set up themselves at the console: the QR code as zbar reads it, codes as oathtool makes them.
#![allow(clippy::unwrap_used)]

#[path = "common/browser.rs"]
mod browser;
mod common;

use browser::Browser;
use common::serving::*;
use common::{Home, files_below, write_private};
use std::process::Command;

const PASSWORD: &str = "một mật khẩu dài";

fn person(home: &Home, login: &str, name: &str, role: &str) {
    let file = home.path("password");
    write_private(&file, PASSWORD);
    home.expect(0, &["user", "new", login, "--name", name, "--role", role, "--password-file", file.to_str().unwrap()]);
}

/// The code of a secret, so many seconds from now.
fn code(secret: &str, seconds: i64) -> String {
    let at = format!("now {seconds:+} seconds");
    let told = Command::new("oathtool").args(["--totp", "--base32", secret, "--now", &at]).output();
    let told = told.expect("oathtool is not installed; ./bootstrap test does it");
    assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
    String::from_utf8(told.stdout).unwrap().trim().to_owned()
}

fn between<'a>(text: &'a str, before: &str, after: &str) -> Option<&'a str> {
    Some(text.split_once(before)?.1.split_once(after)?.0)
}

/// What zbar reads in the page's QR code, which is drawn from its path as a browser does: white, then each rectangle black.
fn scanned(home: &Home, page: &str) -> String {
    const SCALE: usize = 6;
    let side: usize = between(page, "viewBox=\"-4 -4 ", " ").unwrap().parse().unwrap();
    let mut pixels = vec![255_u8; side * side * SCALE * SCALE];
    for rectangle in between(page, "<path d=\"", "\"").unwrap().split('z').filter(|text| !text.is_empty()) {
        let (place, run) = rectangle.strip_prefix('M').unwrap().split_once('h').unwrap();
        let (x, y) = place.split_once(' ').unwrap();
        let (x, y, run): (usize, usize, usize) =
            (x.parse().unwrap(), y.parse().unwrap(), run.split('v').next().unwrap().parse().unwrap());
        for row in (y + 4) * SCALE..(y + 5) * SCALE {
            let begin = row * side * SCALE + (x + 4) * SCALE;
            pixels[begin..begin + run * SCALE].fill(0);
        }
    }
    let file = home.path("qr.pgm");
    std::fs::write(&file, [format!("P5 {0} {0} 255\n", side * SCALE).as_bytes(), &pixels].concat()).unwrap();
    let read = Command::new("zbarimg").args(["-q", "--raw"]).arg(&file).output();
    String::from_utf8(read.expect("zbarimg is not installed; ./bootstrap test does it").stdout).unwrap().trim().to_owned()
}

/// Somebody at the console.
struct Person<'a> {
    address: &'a str,
    browser: Browser,
}

impl Person<'_> {
    fn enter<'a>(address: &'a str, login: &str, code: &str) -> Option<Person<'a>> {
        let mut browser = Browser::default();
        let answer = browser.post(address, "/sign-in", &[("login", login), ("password", PASSWORD), ("code", code)]);
        (answer.status == 303).then_some(Person { address, browser })
    }

    fn page(&mut self, path: &str) -> Answer {
        self.browser.get(self.address, path)
    }

    /// Sends a step of the account's page.
    fn step(&mut self, step: &str, password: &str, code: &str) -> Answer {
        let page = self.page("/account").body;
        let csrf = between(&page, "name=\"csrf\" value=\"", "\"").unwrap().to_owned();
        let fields = [("csrf", csrf.as_str()), ("do", step), ("password", password), ("code", code)];
        self.browser.post(self.address, "/account/totp", &fields)
    }

    fn secret(&mut self) -> String {
        let page = self.page("/account").body;
        between(&page, "<code class=\"num\">", "</code>").expect("a secret is offered").to_owned()
    }
}

fn acts(home: &Home) -> Vec<String> {
    let log: String = files_below(&home.path("access-log")).iter().map(|file| std::fs::read_to_string(file).unwrap()).collect();
    log.lines().map(|line| between(line, "\"what\":\"", "\"").unwrap().to_owned()).collect()
}

#[test]
fn a_person_turns_codes_on_moves_to_another_phone_and_turns_them_off() {
    let home = home();
    person(&home, "lan", "Nguyễn Thị Lan", "reviewer");
    let serving = serve(&home);
    let address = serving.address.as_str();
    let (mut lan, mut elsewhere) = (Person::enter(address, "lan", "").unwrap(), Person::enter(address, "lan", "").unwrap());
    assert!(!lan.page("/account").body.contains("<svg"));

    // The password is asked again, and nothing counts before a code was typed.
    assert!(lan.step("offer", "sai mật khẩu rồi", "").body.contains("không đúng"));
    assert_eq!(lan.step("confirm", "", "123456").status, 200, "nothing was offered");
    assert_eq!(lan.step("offer", PASSWORD, "").status, 303);
    let page = lan.page("/account").body;
    let secret = lan.secret();
    assert_eq!(
        scanned(&home, &page),
        format!("otpauth://totp/sohoa:lan?secret={secret}&issuer=sohoa&algorithm=SHA1&digits=6&period=30")
    );
    assert!(
        !page.contains(" style=") && !page.contains("<style") && !page.contains("<script>"),
        "the browser is told to run nothing inline"
    );
    assert!(lan.step("confirm", "", &code(&secret, 3600)).body.contains("Mã không đúng"));
    assert!(lan.step("confirm", "", "").body.contains("Mã không đúng"));
    assert!(Person::enter(address, "lan", "").is_some(), "no code is asked before");
    assert!(!elsewhere.page("/account").body.contains(&secret), "it was offered to one session");
    let stored = std::fs::read_to_string(home.path("keys/people")).unwrap();
    assert!(!stored.contains(&secret));
    let first = code(&secret, 0);
    assert_eq!(lan.step("confirm", "", &first).status, 303);
    assert!(lan.page("/account").body.contains("Đang bật"), "a new session");
    assert_eq!(elsewhere.page("/account").status, 303, "the other sessions have ended");
    assert!(Person::enter(address, "lan", "").is_none() && Person::enter(address, "lan", &first).is_none(), "that code is used");
    let mut lan = Person::enter(address, "lan", &code(&secret, 30)).expect("with the next code");

    // A stranger's form does nothing.
    let forged =
        lan.browser.post(address, "/account/totp", &[("csrf", "x"), ("do", "off"), ("password", PASSWORD), ("code", "1")]);
    assert_eq!(forged.status, 303);
    assert!(lan.page("/account").body.contains("Đang bật"));

    // Another phone: the old one's code first. Codes are used up: made anew, as the administrator does.
    assert!(lan.step("offer", PASSWORD, "").body.contains("không đúng"));
    assert!(lan.step("off", PASSWORD, "000000").body.contains("không đúng"));
    assert!(lan.step("offer", PASSWORD, &code(&secret, 0)).body.contains("không đúng"), "older than the one that was used");
    let told = home.expect(0, &["user", "totp", "lan"]);
    let given = told.lines().find_map(|line| line.strip_prefix("secret   ")).unwrap().to_owned();
    let mut lan = Person::enter(address, "lan", &code(&given, -30)).unwrap();
    assert_eq!(lan.step("offer", PASSWORD, &code(&given, 0)).status, 303);
    let other = lan.secret();
    assert_ne!(other, given);
    assert_eq!(lan.step("cancel", "", "").status, 303);
    assert!(!lan.page("/account").body.contains("<svg") && lan.page("/account").body.contains("Đang bật"));
    assert_eq!(lan.step("offer", PASSWORD, &code(&given, 30)).status, 303);
    let other = lan.secret();
    assert_eq!(lan.step("confirm", "", &code(&other, -30)).status, 303);
    let mut lan = Person::enter(address, "lan", &code(&other, 0)).unwrap();

    assert_eq!(lan.step("off", PASSWORD, &code(&other, 30)).status, 303);
    assert!(lan.page("/account").body.contains("Đang tắt"));
    assert!(Person::enter(address, "lan", "").is_some());
    let acts = acts(&home);
    assert_eq!(acts.iter().filter(|act| *act == "totp_on").count(), 2, "{acts:?}");
    assert_eq!(acts.iter().filter(|act| *act == "totp_off").count(), 1, "{acts:?}");
    let log = std::fs::read_to_string(home.path("serve.log")).unwrap();
    assert!([&secret, &given, &other].iter().all(|secret| !log.contains(secret.as_str())), "{log}");
}

#[test]
fn a_role_that_wants_codes_does_nothing_without() {
    let home = home();
    home.set("totp_required = []", "totp_required = [\"administrator\", \"auditor\"]");
    person(&home, "quan-tri", "Người Quản Trị", "administrator");
    person(&home, "lan", "Nguyễn Thị Lan", "reviewer");
    let told = home.expect(0, &["user", "new", "moi", "--name", "Người Mới", "--role", "auditor"]);
    let temporary = told.lines().find_map(|line| line.strip_prefix("password ")).unwrap().trim().to_owned();
    let serving = serve(&home);
    let address = serving.address.as_str();
    assert_eq!(Person::enter(address, "lan", "").unwrap().page("/").status, 200, "other roles as ever");
    let mut admin = Person::enter(address, "quan-tri", "").unwrap();
    for path in ["/", "/system", "/targets", "/batches", "/events", "/live/batches"] {
        let answer = admin.page(path);
        let to = answer.header("location").or(answer.header("hx-redirect"));
        assert_eq!(to, Some("/account"), "{path}: {} {}", answer.status, answer.body);
    }
    let page = admin.page("/account").body;
    assert!(page.contains("Vai trò của bạn cần mã một lần") && !page.contains("href=\"/system\""), "{page}");
    let csrf = between(&page, "name=\"csrf\" value=\"", "\"").unwrap().to_owned();
    let made = admin.browser.post(address, "/system/stations", &[("csrf", &csrf), ("name", "tram-9"), ("unit", "")]);
    assert_eq!((made.status, made.header("location")), (303, Some("/account")));
    assert!(!home.path("keys/stations").exists(), "nothing was made");
    assert_eq!(admin.step("offer", PASSWORD, "").status, 303);
    let secret = admin.secret();
    assert_eq!(admin.step("confirm", "", &code(&secret, 0)).status, 303);
    assert_eq!(admin.page("/system").status, 200);
    // Whoever turns them off is where they began.
    assert_eq!(admin.step("off", PASSWORD, &code(&secret, 30)).status, 303);
    assert_eq!(admin.page("/system").header("location"), Some("/account"));
    // A password of one's own comes first.
    let mut browser = Browser::default();
    browser.post(address, "/sign-in", &[("login", "moi"), ("password", &temporary)]);
    let page = browser.get(address, "/account").body;
    assert!(page.contains("hãy đổi mật khẩu") && !page.contains("/account/totp"), "{page}");
    let wrong = home.path("pipeline.toml");
    let text = std::fs::read_to_string(&wrong).unwrap().replace("\"auditor\"]", "\"boss\"]");
    std::fs::write(&wrong, text).unwrap();
    let why = String::from_utf8(home.sohoa(&["serve"]).stderr).unwrap();
    assert!(why.contains("boss") && why.contains("auditor"), "{why}");
}

#[test]
fn the_door_leads_to_what_was_wanted() {
    let home = home();
    person(&home, "lan", "Lan", "reviewer");
    let serving = serve(&home);
    let (address, mut lan) = (serving.address.as_str(), Browser::default());
    let asked = lan.get(address, "/search?q=a&unit=H48");
    let door = asked.header("location").unwrap().to_owned();
    assert_eq!((asked.status, door.as_str()), (303, "/sign-in?to=%2Fsearch%3Fq%3Da%26unit%3DH48"));
    let shown = |page: &str| page.contains("name=\"to\" value=\"/search?q=a&#38;unit=H48\"");
    let page = lan.get(address, &door).body;
    assert!(shown(&page), "{page}");
    let form = |password, to| [("login", "lan"), ("password", password), ("to", to)];
    let refused = lan.post(address, "/sign-in", &form("sai mật khẩu", "/search?q=a&unit=H48"));
    assert!(refused.status == 403 && shown(&refused.body), "{}", refused.body);
    let led = lan.post(address, "/sign-in", &form(PASSWORD, "/search?q=a&unit=H48"));
    assert_eq!((led.status, led.header("location")), (303, Some("/search?q=a&unit=H48")));
    // Nobody is led elsewhere by a link that somebody else made.
    let led = Browser::default().post(address, "/sign-in", &form(PASSWORD, "//evil.example"));
    assert_eq!((led.status, led.header("location")), (303, Some("/")));
}
