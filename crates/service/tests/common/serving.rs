//! `sohoa serve` on a free port of the loopback, and a small client of it.

use super::{Home, small_scan};
use serde_json::Value;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A program that ends with its test, however that ends.
pub struct Ended(pub Child);

impl Drop for Ended {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The service of a data folder while it runs.
pub struct Serving {
    child: Child,
    /// Where it listens.
    pub address: String,
}

/// An answer.
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: String,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|e| panic!("{e}: {}", self.body))
    }

    pub fn code(&self) -> String {
        self.json()["code"].as_str().unwrap_or_default().to_owned()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.head
            .lines()
            .find_map(|line| line.split_once(": ").filter(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, v)| v))
    }
}

/// A data folder whose service listens where it is free.
pub fn home() -> Home {
    let home = Home::new();
    home.set("127.0.0.1:8080", "127.0.0.1:0");
    home
}

pub fn watch(home: &Home, lines: &str) {
    let mut file = std::fs::OpenOptions::new().append(true).open(home.path("pipeline.toml")).unwrap();
    file.write_all(format!("\n[[watch]]\nfolder = \"in\"\nquiet_seconds = 1\n{lines}\n").as_bytes()).unwrap();
    std::fs::create_dir_all(home.path("in")).unwrap();
}

pub fn token(home: &Home, name: &str) -> String {
    let told = home.expect(0, &["station", "new", name, "--unit", "H48.15"]);
    told.lines().find_map(|line| line.strip_prefix("token    ")).unwrap().to_owned()
}

pub fn serve(home: &Home) -> Serving {
    start(home, home.command(&["serve"]))
}

/// `sohoa serve` after a shell mounted something in the data folder, which nobody else sees.
pub fn with_mounts(home: &Home, mounts: &str) -> Command {
    let serve = home.command(&["serve"]);
    let mut command = Command::new("unshare");
    command.args(["--mount", "--propagation", "private"]);
    if !rustix::process::geteuid().is_root() {
        command.args(["--user", "--map-root-user"]);
    }
    command.args(["sh", "-c", &format!("cd \"$0\" && {mounts} && exec \"$@\"")]).arg(home.path(""));
    command.arg(serve.get_program()).args(serve.get_args());
    command.envs(serve.get_envs().filter_map(|(name, value)| Some((name, value?))));
    command
}

/// Starts a service as that command does.
pub fn start(home: &Home, mut command: Command) -> Serving {
    let log = std::fs::File::options().create(true).append(true).open(home.path("serve.log")).unwrap();
    let mut child = command.env("SOHOA_LOG", "sohoa=debug").stdout(Stdio::piped()).stderr(log).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let address = loop {
        let line = lines.next().expect("it serves").unwrap();
        if let Some((_, address)) = line.strip_prefix("listens ").and_then(|rest| rest.split_once("://")) {
            break address.to_owned();
        }
    };
    std::thread::spawn(move || lines.for_each(drop));
    Serving { child, address }
}

/// Sends a request and reads the answer to its end; nothing when nobody listens. Status 0 is a line that broke.
pub fn ask(address: &str, request: &[u8]) -> Option<Answer> {
    let mut stream = TcpStream::connect(address).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    // A server that refuses early may close before all is sent.
    let _ = stream.write_all(request);
    let mut text = Vec::new();
    let _ = stream.read_to_end(&mut text);
    let text = String::from_utf8_lossy(&text).into_owned();
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    for cookie in head.lines().filter_map(|line| line.strip_prefix("set-cookie: ")) {
        let value = cookie.split(';').next().and_then(|pair| Some(pair.split_once('=')?.1));
        value.into_iter().for_each(super::remember_secret);
    }
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
    Some(Answer { status, head: head.to_owned(), body: body.to_owned() })
}

/// The request that pushes a document.
pub fn a_push(token: &str, query: &str, headers: &str, bytes: &[u8]) -> Vec<u8> {
    let head = format!(
        "POST /v1/documents?{query} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer {token}\r\n{headers}Content-Length: {}\r\n\r\n",
        bytes.len()
    );
    [head.as_bytes(), bytes].concat()
}

impl Serving {
    pub fn raw(&self, request: &[u8]) -> Answer {
        ask(&self.address, request).expect("it listens")
    }

    pub fn push(&self, token: &str, query: &str, headers: &str, bytes: &[u8]) -> Answer {
        self.raw(&a_push(token, query, headers, bytes))
    }

    pub fn get(&self, token: &str, path: &str) -> Answer {
        self.raw(
            format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer {token}\r\n\r\n").as_bytes(),
        )
    }

    /// Asks until the document is done.
    pub fn outcome(&self, token: &str, record: &str) -> Value {
        let until = Instant::now() + Duration::from_secs(120);
        loop {
            let told = self.get(token, &format!("/v1/documents/{record}")).json();
            let state = told["state"].as_str().unwrap_or_else(|| panic!("{told}"));
            if !["queued", "working"].contains(&state) {
                return told;
            }
            assert!(Instant::now() < until, "{told}");
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// Of the service, or of what it was started by.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// What stands in the way of being ready; empty when it is.
    pub fn not_ready(&self) -> String {
        let told = self.get("", "/readyz");
        if told.status == 200 { String::new() } else { told.body }
    }

    pub fn signal(&mut self, signal: rustix::process::Signal) -> std::process::ExitStatus {
        let pid = rustix::process::Pid::from_raw(i32::try_from(self.child.id()).unwrap()).unwrap();
        rustix::process::kill_process(pid, signal).unwrap();
        self.child.wait().unwrap()
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub fn scan(home: &Home, number: u64) -> Vec<u8> {
    let file = home.path("one.png");
    small_scan(&file, number);
    std::fs::read(file).unwrap()
}

pub fn wait_for(what: &str, mut done: impl FnMut() -> bool) {
    let until = Instant::now() + Duration::from_secs(120);
    while !done() {
        assert!(Instant::now() < until, "{what}");
        std::thread::sleep(Duration::from_millis(100));
    }
}
