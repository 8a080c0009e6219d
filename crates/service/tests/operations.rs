//! What people at the console see of the work while it goes on: files that nobody takes.
#![allow(clippy::unwrap_used)]

#[path = "common/browser.rs"]
mod browser;
mod common;

use browser::Browser;
use common::serving::*;
use common::{Home, small_scan, write_private};
use rustix::process::Signal;
use std::io::Write as _;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

const PASSWORD: &str = "một mật khẩu dài";
/// Nobody's.
const NUMBER: &str = "001086012345";

fn person(home: &Home, login: &str, role: &str, unit: &[&str]) {
    let file = home.path("password");
    write_private(&file, PASSWORD);
    let name = format!("Người {login}");
    let new = ["user", "new", login, "--name", &name, "--role", role, "--password-file", file.to_str().unwrap()];
    home.expect(0, &[&new[..], unit].concat());
}

/// Somebody at the console.
struct Person {
    address: String,
    browser: Browser,
}

impl Person {
    fn enter(serving: &Serving, login: &str) -> Person {
        let (address, mut browser) = (serving.address.clone(), Browser::default());
        let answer = browser.post(&address, "/sign-in", &[("login", login), ("password", PASSWORD), ("code", "")]);
        assert_eq!(answer.status, 303, "{}", answer.body);
        Person { address, browser }
    }

    fn page(&mut self, path: &str) -> String {
        let answer = self.browser.get(&self.address, path);
        assert_eq!(answer.status, 200, "{path}: {}", answer.body);
        answer.body
    }
}

fn between<'a>(text: &'a str, before: &str, after: &str) -> Option<&'a str> {
    Some(text.split_once(before)?.1.split_once(after)?.0)
}

/// A gauge of `/metrics`.
fn gauge(serving: &Serving, name: &str) -> f64 {
    let metrics = serving.get("", "/metrics").body;
    let value = metrics.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    value.unwrap_or_else(|| panic!("no {name}: {metrics}")).parse().unwrap()
}

struct OnDrop<F: Fn()>(F);

impl<F: Fn()> Drop for OnDrop<F> {
    fn drop(&mut self) {
        self.0();
    }
}

/// `sohoa serve` with a clock that a file sets, and without root's right to read everything.
fn serve_as_others(home: &Home, clock: &Path) -> Serving {
    let library = ["x86_64", "aarch64"].map(|machine| format!("/usr/lib/{machine}-linux-gnu/faketime/libfaketime.so.1"));
    let library = library.iter().find(|file| Path::new(file).exists()).expect("the Debian package faketime");
    let serve = home.command(&["serve"]);
    let mut command = Command::new("env");
    if rustix::process::geteuid().is_root() {
        command = Command::new("setpriv");
        command.args(["--bounding-set", "-dac_override,-dac_read_search"]);
    }
    command.arg(serve.get_program()).args(serve.get_args());
    command.envs(serve.get_envs().filter_map(|(name, value)| Some((name, value?))));
    command.env("LD_PRELOAD", library).env("FAKETIME_TIMESTAMP_FILE", clock);
    // The files' times are the kernel's.
    command.env("FAKETIME_NO_CACHE", "1").env("FAKETIME_DONT_FAKE_MONOTONIC", "1").env("NO_FAKE_STAT", "1");
    start(home, command)
}

#[test]
fn files_that_nobody_takes_are_named_with_why_and_what_to_do() {
    let home = home();
    watch(&home, "unit = \"H48.15\"");
    person(&home, "tram", "operator", &[]);
    person(&home, "noi-khac", "operator", &["--unit", "H48.99"]);
    let (inbox, clock) = (home.path("in"), home.path("clock"));
    std::fs::write(&clock, "+0\n").unwrap();
    let partial = format!("CCCD {NUMBER}.png.part");
    small_scan(&home.path("one.png"), 1);
    std::fs::copy(home.path("one.png"), inbox.join(&partial)).unwrap();
    std::fs::write(inbox.join("ghi chú.docx"), "x").unwrap();
    std::fs::write(inbox.join("xong.png.ready"), "").unwrap();
    std::os::unix::fs::symlink("/etc/hostname", inbox.join("liên kết.png")).unwrap();
    small_scan(&inbox.join("khóa.png"), 2);
    let lock = |mode: &str| assert!(Command::new("chmod").arg(mode).arg(inbox.join("khóa.png")).status().unwrap().success());
    lock("000");
    small_scan(&inbox.join("tốt.png"), 3);
    let (grows, ends) = (inbox.join("lớn dần.png"), AtomicBool::new(false));
    std::thread::scope(|scope| {
        // Whatever fails below: what writes ends, or the scope would wait for it.
        let _ends = OnDrop(|| ends.store(true, Ordering::Relaxed));
        scope.spawn(|| {
            let mut file = std::fs::File::create(&grows).unwrap();
            while !ends.load(Ordering::Relaxed) {
                file.write_all(b"more").unwrap();
                std::thread::sleep(Duration::from_millis(200));
            }
        });
        let mut serving = serve_as_others(&home, &clock);
        let mut operator = Person::enter(&serving, "tram");
        wait_for("the good one is taken", || inbox.join("done/tốt.png").exists());
        wait_for("the locked one is tried", || {
            std::fs::read_to_string(home.path("serve.log")).unwrap().contains("it cannot be read")
        });
        assert_eq!(gauge(&serving, "sohoa_watch_waiting_files"), 0.0, "they have not waited for long");
        assert!(!operator.page("/").contains("id=\"held\""));
        // Twenty minutes later.
        std::fs::write(&clock, "+20m\n").unwrap();
        wait_for("all are told", || gauge(&serving, "sohoa_watch_waiting_files") == 6.0);
        let oldest = gauge(&serving, "sohoa_watch_oldest_waiting_seconds");
        assert!((1200.0..1320.0).contains(&oldest), "{oldest}");
        let page = operator.page("/");
        let held = between(&page, "id=\"held\"", "</section>").unwrap();
        for (name, why) in [
            ("CCCD •••••••••345.png.part", "tên tệp là của bản sao chưa xong"),
            ("ghi chú.docx", "không phải PDF, TIFF, JPEG hay PNG"),
            ("xong.png.ready", "không có bản quét cùng tên"),
            ("liên kết.png", "là liên kết"),
            ("khóa.png", "không đọc được"),
            ("lớn dần.png", "vẫn đang thay đổi"),
        ] {
            let row = held
                .split("<tr>")
                .find(|row| row.contains(&format!("<td>{name}</td>")))
                .unwrap_or_else(|| panic!("{name}: {held}"));
            assert!(row.contains(why) && row.contains("(20 phút)") && row.contains("/in</td>"), "{row}");
        }
        assert!(!page.contains(NUMBER));
        let mut elsewhere = Person::enter(&serving, "noi-khac");
        assert!(!elsewhere.page("/").contains("id=\"held\""), "it is another unit's");
        // Beside the service.
        let told = || home.expect(0, &["status"]);
        wait_for("the commands know", || told().matches("not taken").count() == 6);
        assert!(told().contains("CCCD •••••••••345.png.part in ") && !told().contains(NUMBER), "{}", told());
        let listed = home.lines(&[0], &["status", "--json"])[0]["held"].clone();
        assert!(
            listed.as_array().unwrap().iter().any(|held| held["why"] == "unreadable" && held["unit"] == "H48.15"),
            "{listed}"
        );
        let doctor = String::from_utf8(home.sohoa(&["doctor"]).stdout).unwrap();
        assert!(doctor.contains("6 files lie in watched folders for more than 15"), "{doctor}");
        // What is mended is taken, and named no more.
        std::fs::rename(inbox.join(&partial), inbox.join("một.png")).unwrap();
        lock("644");
        small_scan(&inbox.join("xong.png"), 4);
        for name in ["ghi chú.docx", "liên kết.png"] {
            std::fs::remove_file(inbox.join(name)).unwrap();
        }
        wait_for("they are taken", || {
            ["một.png", "khóa.png", "xong.png"].iter().all(|name| inbox.join("done").join(name).exists())
        });
        wait_for("one is left", || gauge(&serving, "sohoa_watch_waiting_files") == 1.0);
        ends.store(true, Ordering::Relaxed);
        wait_for("none is left", || gauge(&serving, "sohoa_watch_waiting_files") == 0.0);
        assert!(!operator.page("/").contains("id=\"held\""));
        assert!(serving.signal(Signal::TERM).success());
    });
    assert!(!home.expect(0, &["status"]).contains("not taken"), "nothing serves any more");
}
