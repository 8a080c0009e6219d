//! What people at the console see of the work while it goes on, and press: files that nobody takes, how far a batch is, what was given up, what
//! stands in the way. Figures are compared with what is counted from outside.
#![allow(clippy::unwrap_used)]

#[path = "common/browser.rs"]
mod browser;
mod common;

use browser::Browser;
use common::serving::*;
use common::{Home, files_below, small_scan, write_private};
use rustix::process::Signal;
use sohoa_record::Sha256Hex;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

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

    /// Presses a button of the batches' page.
    fn press(&mut self, button: &str, fields: &[(&str, &str)]) {
        let page = self.page("/batches");
        let csrf = between(&page, "name=\"csrf\" value=\"", "\"").unwrap().to_owned();
        let answer = self.browser.post(&self.address, button, &[&[("csrf", csrf.as_str())], fields].concat());
        assert_eq!(answer.status, 303, "{button}: {}", answer.body);
    }
}

fn between<'a>(text: &'a str, before: &str, after: &str) -> Option<&'a str> {
    Some(text.split_once(before)?.1.split_once(after)?.0)
}

/// What a tile of the batches' page says.
fn tile<'a>(page: &'a str, name: &str) -> &'a str {
    between(page, &format!("{name}</span><span class=\"big num\">"), "</span>")
        .unwrap_or_else(|| panic!("no tile {name}: {page}"))
}

/// `1.234` as Vietnamese writes it.
fn number(text: &str) -> u64 {
    text.replace('.', "").parse().unwrap_or_else(|_| panic!("'{text}' is no number"))
}

/// Seconds of `1 phút` or `12 giây`, and how exact that is.
fn seconds(text: &str) -> (f64, f64) {
    let (many, unit) = text.split_once(' ').unwrap();
    let each = if unit == "phút" { 60.0 } else { 1.0 };
    (many.parse::<f64>().unwrap() * each, each)
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
                .find(|row| row.contains(&format!("\">{name}</td>")))
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

/// Every page is said to read as another one was read: the work of a batch takes seconds.
fn without_reading(home: &Home) {
    let other = Home::new();
    small_scan(&other.path("one.png"), 1);
    other.lines(&[0, 3], &["ingest", other.path("one.png").to_str().unwrap(), "--json"]);
    let mut texts = files_below(&other.path("archive/objects"))
        .into_iter()
        .filter(|object| std::fs::read(object).is_ok_and(|bytes| bytes.starts_with(b"{\"format\":\"sohoa-text/")));
    std::fs::copy(texts.next_back().unwrap(), home.path("recording.json")).unwrap();
    home.set("recording = \"\"", "recording = \"recording.json\"").set("workers = 0", "workers = 1");
}

#[test]
fn a_batch_tells_how_far_it_is_and_is_held_up_and_goes_on() {
    const FILES: u64 = 200;
    let home = home();
    without_reading(&home);
    watch(&home, "");
    person(&home, "tram", "operator", &[]);
    person(&home, "kiem-tra", "reviewer", &[]);
    let token = token(&home, "tram-1");
    let mut serving = serve(&home);
    let mut operator = Person::enter(&serving, "tram");
    operator.press("/batches/pause", &[]);
    let one = scan(&home, 1);
    for number in 0..FILES {
        std::fs::write(home.path(&format!("in/{number}.png")), [&one[..], number.to_string().as_bytes()].concat()).unwrap();
    }
    assert_eq!(serving.push(&token, "name=hong.pdf", "", b"%PDF-1.7\nbroken").status, 202);
    wait_for("all are in the queue", || gauge(&serving, "sohoa_jobs{state=\"queued\"}") == (FILES + 1) as f64);
    std::thread::sleep(Duration::from_secs(3));
    let page = operator.page("/live/batches");
    assert!(page.contains("Tạm dừng bởi Người tram"), "{page}");
    assert!(page.contains("0 / 201 · 0 %"), "what lies in the folder and in the queue is one file: {page}");
    assert_eq!((tile(&page, "Chờ"), tile(&page, "Còn khoảng"), tile(&page, "Trang mỗi phút")), ("201", "–", "0"));
    // Who may not steer it, and whoever did not press the button themselves.
    let mut reviewer = Person::enter(&serving, "kiem-tra");
    assert_eq!(reviewer.browser.get(&serving.address, "/batches").status, 403);
    assert_eq!(operator.browser.post(&serving.address, "/batches/go-on", &[("csrf", "x")]).status, 403);
    // It goes on: what is told is what is seen from outside.
    let began = Instant::now();
    operator.press("/batches/go-on", &[]);
    let mut was_named = false;
    let (page, took) = loop {
        let page = operator.page("/live/batches");
        was_named |= page.contains("Đang làm <span class=\"num\">(1)</span>");
        let done = number(between(&page, "</progress> <span class=\"num\">", " / ").unwrap());
        assert!(done < FILES, "it was over before it was seen: {page}");
        if done > FILES / 3 && began.elapsed() > Duration::from_secs(3) {
            break (page, began.elapsed().as_secs_f64());
        }
        std::thread::sleep(Duration::from_millis(50));
    };
    assert!(was_named, "what is being done is named");
    let (done, of) = between(&page, "</progress> <span class=\"num\">", " ·").unwrap().split_once(" / ").unwrap();
    let (done, of) = (number(done), number(of));
    assert_eq!(of, FILES + 1, "{page}");
    let is_near = |told: f64, seen: f64, exact: f64| (told - seen).abs() <= seen * 0.35 + exact;
    let pages_a_minute = number(tile(&page, "Trang mỗi phút")) as f64;
    assert!(is_near(pages_a_minute, done as f64 / took * 60.0, 1.0), "{pages_a_minute} a minute; {done} in {took} s");
    let (left, exact) = seconds(tile(&page, "Còn khoảng"));
    assert!(is_near(left, (of - done) as f64 * took / done as f64, exact), "{left} s; {done} of {of} in {took} s");
    wait_for("all is done", || operator.page("/live/batches").contains("201 / 201 · 100 %"));
    let page = operator.page("/live/batches");
    assert_eq!((tile(&page, "Chờ"), tile(&page, "Còn khoảng")), ("0", "–"));
    let reasons = page.split_once("Vì sao cần xem hoặc bị từ chối").unwrap().1;
    assert!(reasons.contains("sao chép lại</td><td class=\"num\">1</td>"), "{reasons}");
    let refused = operator.page("/search?state=failed");
    let why = refused.split_once("tệp hỏng hoặc bị cắt cụt").map(|(before, _)| before);
    assert!(why.is_some_and(|before| !before.contains("chưa biết mã hồ sơ")), "what stopped it comes first: {refused}");
    // The disk, as the system and the store tell it.
    let disk = rustix::fs::statvfs(home.path("archive")).unwrap();
    let free_mb = (disk.f_bavail * disk.f_frsize) >> 20;
    let told = number(tile(&page, "Đĩa còn").strip_suffix(" GB").unwrap());
    assert!(told.abs_diff(free_mb / 1000) <= 1, "{told} GB of {free_mb} MB");
    let status = &home.lines(&[0], &["status", "--json"])[0];
    let each = status["stored_bytes"].as_u64().unwrap() / (FILES + 1);
    let room = number(between(&page, "đủ cho khoảng <span class=\"num\">", "</span>").unwrap()) as f64;
    let expected = (((free_mb - 2000) << 20) / each) as f64;
    assert!((room - expected).abs() < expected * 0.1, "room for {room} of {each} bytes, {expected} expected");
    assert!(serving.signal(Signal::TERM).success());
}

#[test]
fn a_pause_outlives_a_restart_and_what_waits_is_counted_once() {
    const FILES: u64 = 20;
    let home = home();
    without_reading(&home);
    watch(&home, "");
    person(&home, "tram", "operator", &[]);
    person(&home, "quan-tri", "administrator", &[]);
    let mut serving = serve(&home);
    let mut operator = Person::enter(&serving, "tram");
    assert!(!home.expect(0, &["status"]).contains("paused"));
    operator.press("/batches/pause", &[]);
    let told = |page: &str| between(page, "Tạm dừng bởi Người tram · từ ", "</span>").map(str::to_owned);
    let since = told(&operator.page("/batches")).expect("who and since when");
    let one = scan(&home, 1);
    for number in 0..FILES {
        std::fs::write(home.path(&format!("in/{number}.png")), [&one[..], number.to_string().as_bytes()].concat()).unwrap();
    }
    wait_for("all are in the queue", || gauge(&serving, "sohoa_jobs{state=\"queued\"}") == FILES as f64);
    // One stops in order, one is killed: neither lets the work go on.
    assert!(serving.signal(Signal::TERM).success());
    serve(&home).signal(Signal::KILL);
    // Nothing that lies in the folder is looked into for long.
    home.set("quiet_seconds = 1", "quiet_seconds = 600");
    let mut serving = serve(&home);
    let mut operator = Person::enter(&serving, "tram");
    wait_for("the folder is looked at", || gauge(&serving, "sohoa_folder_scans") == FILES as f64);
    std::thread::sleep(Duration::from_secs(3));
    let page = operator.page("/live/batches");
    assert_eq!(told(&page).as_ref(), Some(&since), "{page}");
    assert!(page.contains("0 / 20 · 0 %"), "what an earlier run took of the folder waits in the queue: {page}");
    assert_eq!(told(&operator.page("/")).as_ref(), Some(&since), "who looks at the day is told");
    small_scan(&home.path("in/new.png"), 2);
    wait_for("what is new counts", || operator.page("/live/batches").contains("0 / 21 · 0 %"));
    let system = Person::enter(&serving, "quan-tri").page("/system");
    assert!(
        system.contains("tạm dừng theo lệnh ở trang Lô quét từ") && system.contains(&format!("Người tram · từ {since}")),
        "{system}"
    );
    let ready = serving.not_ready();
    assert!(ready.contains("held up at the console") && !ready.contains("Người tram"), "anybody may ask: {ready}");
    let status = home.expect(0, &["status"]);
    assert!(status.contains("paused    by Người tram since 20"), "{status}");
    assert_eq!(home.lines(&[0], &["status", "--json"])[0]["paused"]["by"], "Người tram");
    let doctor = doctor(&home, "work");
    assert!(doctor["state"] == "warning" && doctor["remedy"].as_str().unwrap().contains("Tiếp tục"), "{doctor}");
    operator.press("/batches/go-on", &[]);
    wait_for("it goes on", || gauge(&serving, "sohoa_jobs{state=\"queued\"}") == 0.0);
    assert!(serving.signal(Signal::TERM).success());
    assert!(!home.expect(0, &["status"]).contains("paused"));
    assert_eq!(serve(&home).not_ready(), "", "nor does the next run hold it up");
}

/// What `sohoa doctor` says first of a thing.
fn doctor(home: &Home, check: &str) -> serde_json::Value {
    let said = String::from_utf8(home.sohoa(&["doctor", "--json"]).stdout).unwrap();
    let mut lines = said.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    lines.find(|line| line["check"] == check).unwrap_or_else(|| panic!("no {check}: {said}"))
}

#[test]
fn a_scan_that_is_there_already_is_named_with_the_record_that_it_equals() {
    let home = home();
    without_reading(&home);
    watch(&home, "unit = \"H48.16\"");
    person(&home, "tram", "operator", &[]);
    person(&home, "cung-noi", "operator", &["--unit", "H48.16"]);
    person(&home, "noi-khac", "operator", &["--unit", "H48.15"]);
    let token = token(&home, "tram-1");
    let mut serving = serve(&home);
    let bytes = scan(&home, 1);
    let record = serving.push(&token, "name=a.png", "", &bytes).json()["record"].as_str().unwrap().to_owned();
    serving.outcome(&token, &record);
    let mut operator = Person::enter(&serving, "tram");
    assert!(!operator.page("/").contains("id=\"twins\""));
    std::fs::write(home.path(&format!("in/CCCD {NUMBER}.png")), &bytes).unwrap();
    std::fs::write(home.path("in/mới.png"), [&bytes[..], b"x"].concat()).unwrap();
    wait_for("both are put away", || home.path("in/done/mới.png").exists() && home.path("in/done/DA-CO.txt").exists());
    wait_for("it is told", || operator.page("/").contains("id=\"twins\""));
    let told = |person: &mut Person| between(&person.page("/"), "id=\"twins\"", "</section>").map(str::to_owned);
    let rows = told(&mut operator).unwrap();
    assert!(rows.contains(&format!("<a href=\"/records/{record}\">")) && rows.contains("/in</td>"), "{rows}");
    assert!(rows.contains("•••345.png") && !rows.contains(NUMBER) && !rows.contains("mới.png"), "{rows}");
    // Whoever brought it is told which record it is, and sees no other unit's paper; that unit is not told who has the paper too.
    let rows = told(&mut Person::enter(&serving, "cung-noi")).unwrap();
    assert!(rows.contains(&record) && !rows.contains("href"), "{rows}");
    assert_eq!(told(&mut Person::enter(&serving, "noi-khac")), None);
    assert_eq!(gauge(&serving, "sohoa_watch_waiting_files"), 0.0, "it is nobody's trouble");
    assert!(serving.signal(Signal::TERM).success());
}

#[test]
fn doctor_says_what_helps() {
    let home = home();
    let policy = std::fs::read_to_string(home.path("trust")).unwrap();
    std::fs::write(home.path("trust"), format!("{policy}quorum none\n")).unwrap();
    let told = doctor(&home, "trust policy");
    assert!(told["detail"].as_str().unwrap().contains("second quorum line: leave one"), "{told}");
    assert!(told["remedy"].as_str().unwrap().starts_with("correct"), "{told}");
    std::fs::remove_file(home.path("trust")).unwrap();
    assert!(doctor(&home, "trust policy")["remedy"].as_str().unwrap().starts_with("restore"));
    std::fs::write(home.path("trust"), policy).unwrap();
    // A watched folder: gone, or with scans that hide. Nothing serves.
    watch(&home, "");
    home.set("waiting_minutes = 15", "waiting_minutes = 1");
    small_scan(&home.path("in/a.png"), 1);
    std::fs::rename(home.path("in/a.png"), home.path(&format!("in/.CCCD {NUMBER}.png"))).unwrap();
    let told = doctor(&home, "watched");
    let detail = told["detail"].as_str().unwrap();
    assert!(
        detail.contains("/in: 1 scan with a name that begins with a dot, such as .CCCD •••") && !detail.contains(NUMBER),
        "{told}"
    );
    std::fs::rename(home.path("in"), home.path("away")).unwrap();
    let told = doctor(&home, "watched");
    assert!(told["state"] == "problem" && told["detail"].as_str().unwrap().contains("/in: No such file"), "{told}");
    assert!(told["remedy"].as_str().unwrap().contains("share"), "{told}");
    small_scan(&home.path("one.png"), 1);
    home.lines(&[0, 3], &["ingest", home.path("one.png").to_str().unwrap(), "--json"]);
    let status = home.expect(0, &["status"]);
    assert!(status.contains("/in không đọc được: báo quản trị viên") && status.contains("No such file"), "{status}");
    assert!(home.lines(&[0], &["status", "--json"])[0]["folders"][0]["folder"].as_str().unwrap().ends_with("/in"));
}

#[test]
fn help_says_what_it_is_and_what_a_station_is() {
    let home = Home::new();
    assert!(home.expect(0, &["--help"]).starts_with("sohoa (số hóa, \"to digitize\") turns scans"));
    let station = home.expect(0, &["station", "--help"]);
    assert!(station.contains("push scans over HTTP") && station.contains("sohoa station new tram-1 --unit H48.15"), "{station}");
}

/// Where the store keeps these bytes.
fn object(home: &Home, bytes: &[u8]) -> PathBuf {
    let digest = Sha256Hex::of(bytes);
    let objects = files_below(&home.path("archive/objects"));
    objects.into_iter().find(|file| file.to_string_lossy().replace('/', "").ends_with(digest.as_str())).unwrap()
}

#[test]
fn what_was_given_up_is_done_once_its_cause_is_mended() {
    let home = home();
    without_reading(&home);
    person(&home, "tram", "operator", &[]);
    person(&home, "quan-tri", "administrator", &[]);
    person(&home, "noi-khac", "operator", &["--unit", "H48.99"]);
    let token = token(&home, "tram-1");
    let mut serving = serve(&home);
    let mut operator = Person::enter(&serving, "tram");
    let mut administrator = Person::enter(&serving, "quan-tri");
    assert!(administrator.page("/system").contains("Mọi thứ hoạt động."));
    assert!(operator.page("/batches").contains("Không có giấy tờ nào bị bỏ dở."));
    operator.press("/batches/pause", &[]);
    // Their scans are lost before they are read.
    let lost = [1, 2].map(|number| {
        let bytes = scan(&home, number);
        let pushed = serving.push(&token, &format!("name=CCCD-{NUMBER}-{number}.png"), "", &bytes);
        let (kept, away) = (object(&home, &bytes), home.path(&format!("away-{number}")));
        std::fs::rename(&kept, &away).unwrap();
        (pushed.json()["record"].as_str().unwrap().to_owned(), kept, away)
    });
    operator.press("/batches/go-on", &[]);
    let given_up = |operator: &mut Person| {
        let page = operator.page("/live/batches");
        (number(between(&page, "Bỏ dở <span class=\"num\">(", ")").unwrap()), page)
    };
    wait_for("both are given up", || given_up(&mut operator).0 == 2);
    let system = administrator.page("/system");
    assert!(system.contains("2 giấy tờ bị bỏ dở: xem trang Lô quét") && !system.contains("Mọi thứ hoạt động."), "{system}");
    // Who looks at the day is told, with why and what to do.
    let day = operator.page("/");
    let told = between(&day, "id=\"given-up\"", "</section>").unwrap_or_else(|| panic!("{day}"));
    assert!(told.matches("bản gốc đã nhận không còn trong kho").count() == 2 && told.contains(">tram-1<"), "{told}");
    assert!(day.contains("Bỏ dở</span><a class=\"big num\" href=\"/batches\">2</a>") && !day.contains(NUMBER), "{day}");
    let station = between(&day, "<tr><td>tram-1</td>", "</tr>").unwrap();
    assert!(
        station.starts_with("<td class=\"num\">2</td>") && station.matches(">2<").count() == 2,
        "two came, two are given up: {station}"
    );
    assert!(!Person::enter(&serving, "noi-khac").page("/").contains("id=\"given-up\""), "they are another unit's");
    let told = doctor(&home, "index");
    assert!(
        told["detail"].as_str().unwrap().contains("2 given up") && told["remedy"].as_str().unwrap().contains("Làm lại"),
        "{told}"
    );
    let page = given_up(&mut operator).1;
    let row = page.split("<tr>").find(|row| row.contains(&lost[0].0)).unwrap();
    let seen = row.split("<details>").next().unwrap();
    assert!(seen.contains("bản gốc đã nhận không còn trong kho: báo quản trị viên") && !seen.contains("is missing"), "{row}");
    assert!(between(row, "Chi tiết kỹ thuật", "</details>").unwrap().contains("is missing"), "{row}");
    assert!(row.contains("•••345-1.png") && !page.contains(NUMBER), "{row}");
    let told = serving.get(&token, &format!("/v1/documents/{}", lost[0].0)).json();
    assert_eq!((told["state"].as_str(), told["cause"]["code"].as_str()), (Some("given_up"), Some("source_lost")), "{told}");
    // Retried while the cause is there, one is given up again; mended, it is done, and it alone.
    let [(first, kept, away), (second, other_kept, other_away)] = &lost;
    operator.press("/batches/retry", &[("record", first)]);
    wait_for("it is given up again", || given_up(&mut operator).0 == 2);
    std::fs::rename(away, kept).unwrap();
    operator.press("/batches/retry", &[("record", first)]);
    let outcome = serving.outcome(&token, first);
    assert!(["sealed", "review"].contains(&outcome["state"].as_str().unwrap()), "{outcome}");
    assert_eq!(given_up(&mut operator).0, 1);
    assert_eq!(serving.get(&token, &format!("/v1/documents/{second}")).json()["state"], "given_up");
    // All that are left.
    std::fs::rename(other_away, other_kept).unwrap();
    operator.press("/batches/retry", &[]);
    let outcome = serving.outcome(&token, second);
    assert!(["sealed", "review"].contains(&outcome["state"].as_str().unwrap()), "{outcome}");
    assert!(given_up(&mut operator).1.contains("Không có giấy tờ nào bị bỏ dở."));
    assert!(!operator.page("/").contains("Bỏ dở"));
    assert!(serving.signal(Signal::TERM).success());
    let log: String = files_below(&home.path("access-log")).iter().map(|file| std::fs::read_to_string(file).unwrap()).collect();
    assert_eq!(log.matches("\"change\":\"retry\"").count(), 3, "{log}");
    home.expect(0, &["fsck"]);
}

#[test]
fn what_stands_in_the_way_is_told_in_vietnamese_and_the_machines_words_beside_it() {
    let home = home();
    without_reading(&home);
    watch(&home, "");
    person(&home, "tram", "operator", &[]);
    let token = token(&home, "tram-1");
    let mut serving = serve(&home);
    let record = serving.push(&token, "name=a.png", "", &scan(&home, 1)).json()["record"].as_str().unwrap().to_owned();
    serving.outcome(&token, &record);
    let mut operator = Person::enter(&serving, "tram");
    let (store, away) = (home.path("archive"), home.path("elsewhere"));
    std::fs::rename(&store, &away).unwrap();
    std::fs::create_dir_all(&store).unwrap();
    wait_for("whoever sits there is told", || operator.page("/account").contains("class=\"alarm\""));
    let page = operator.page("/account");
    let alarm = between(&page, "class=\"alarm\" role=\"alert\">", "</p>").unwrap();
    assert_eq!(
        alarm,
        "Việc xử lý đang dừng và tự thử lại, không mất gì: kho lưu trữ đang mất kết nối: báo quản trị viên kiểm tra ổ đĩa của kho đã được gắn chưa"
    );
    let ready = serving.not_ready();
    assert!(ready.contains("is its disk mounted?") && ready.contains("the index knows papers"), "{ready}");
    std::fs::remove_dir_all(&store).unwrap();
    std::fs::rename(&away, &store).unwrap();
    wait_for("it goes on", || serving.not_ready().is_empty());
    wait_for("nobody is told any more", || !operator.page("/account").contains("class=\"alarm\""));
    // A folder that is gone: its clerks see it where they look all day.
    std::fs::rename(home.path("in"), home.path("in-away")).unwrap();
    let told = "/in: không đọc được: báo quản trị viên kiểm tra thư mục còn đó không và quyền đọc";
    wait_for("the folder is told", || operator.page("/").contains(told));
    assert!(!operator.page("/").contains("No such file"));
    assert!(home.expect(0, &["status"]).contains("/in không đọc được") && doctor(&home, "watched")["state"] == "problem");
    std::fs::rename(home.path("in-away"), home.path("in")).unwrap();
    wait_for("it is there again", || !operator.page("/").contains(told));
    assert!(serving.signal(Signal::TERM).success());
}
