//! The service under load: stations push PDFs of ten pages, each as a scanner would, while somebody looks at the console. Pages are not read
//! (`[recognize] recording`): everything else is what is measured, as fast as the workers can bring it about.

use crate::figures::{Figure, at_share, median};
use crate::measure::{Watched, output, watched_tree};
use crate::pages::{self, Input, file_error};
use crate::tools::{self, Archive};
use crate::{Asked, BenchError};
use rustix::process::{Pid, Signal, kill_process};
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// Pages of each PDF.
const PAGES: usize = 10;
/// Pushes are put off while so many documents wait: low enough to be reached.
const MOST_WAITING: u32 = 500;
/// The most that an accepted push may take, 99 of 100, milliseconds.
const MOST_ACCEPT_MS: f64 = 250.0;
/// The most that a page of the console may take, 95 of 100, milliseconds.
const MOST_PAGE_MS: f64 = 150.0;
/// The last fifth may need this much of what the second needed; in the first the service gets going.
const MOST_GROWTH: f64 = 1.1;
/// The service with a page child for each of two cores, at any moment, MiB.
const MOST_MIB: f64 = 500.0;
/// Somebody looks at another page of the console this often.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// What the threads saw.
#[derive(Default)]
struct Seen {
    /// Milliseconds of each push that was accepted.
    accepted: Vec<f64>,
    /// Pushes that were told to come later.
    put_off: usize,
    /// Answers that should not be.
    errors: Vec<String>,
    /// Path and milliseconds of each page of the console.
    looks: Vec<(&'static str, f64)>,
}

/// The figures, and whether the service kept within its limits.
pub fn run(asked: &Asked, work: &Path) -> Result<(Vec<Figure>, bool), BenchError> {
    let archive = Archive::init(asked, work)?;
    let pdf = pages::pdf(Input::fixtures(&asked.fixtures, PAGES)?.pages.iter());
    let recording = record(asked, &archive, &pdf, work)?;
    configure(&archive, &recording)?;
    let tokens = (1..=asked.stations).map(|number| station(asked, &archive, number)).collect::<Result<Vec<_>, _>>()?;
    let logins = ["reviewer", "administrator"].map(|role| person(asked, &archive, role));
    let serving = Serving::start(asked, &archive)?;
    let [reviewer, administrator] = logins.map(|login| login.and_then(|login| serving.sign_in(&login)));
    let sessions = [reviewer?, administrator?];

    let seen = Mutex::new(Seen::default());
    let (began, lasts) = (Instant::now(), Duration::from_secs(asked.seconds));
    let memory = std::thread::scope(|scope| {
        let memory = scope.spawn(|| watched_tree(serving.child.id(), || began.elapsed() < lasts));
        for (number, token) in tokens.iter().enumerate() {
            let (serving, pdf, seen) = (&serving, &pdf, &seen);
            let first = began + Duration::from_secs(asked.every) * number as u32 / asked.stations;
            scope.spawn(move || serving.push_until(began + lasts, first, asked.every, (number, token), pdf, seen));
        }
        scope.spawn(|| serving.look_until(began + lasts, &sessions, &seen));
        memory.join().unwrap_or_default()
    });
    let seen = seen.into_inner().unwrap_or_default();
    let waited = serving.stop()?;
    Ok(told(asked, &seen, &memory, waited))
}

fn told(asked: &Asked, seen: &Seen, memory: &Watched, stopped_in: Duration) -> (Vec<Figure>, bool) {
    let figure = |name, value, unit| Figure {
        input: format!("{} stations, a PDF each {} s", asked.stations, asked.every),
        pages: PAGES,
        subject: "sohoa serve".into(),
        name,
        value,
        unit,
    };
    let looks: Vec<f64> = seen.looks.iter().map(|(_, ms)| *ms).collect();
    let (accept, page) = (at_share(&seen.accepted, 0.99), at_share(&looks, 0.95));
    let fifths = fifths(&memory.own);
    let shown: Vec<String> = fifths.iter().map(|mib| format!("{mib:.0}")).collect();
    eprintln!("memory of its own, half of the looks in each fifth of the time: {} MiB", shown.join(", "));
    let growth = fifths[4] / fifths[1];
    let figures = vec![
        figure("seconds", asked.seconds as f64, "s"),
        figure("pushes accepted", seen.accepted.len() as f64, "times"),
        figure("pushes put off (429)", seen.put_off as f64, "times"),
        figure("other answers", seen.errors.len() as f64, "times"),
        figure("accepted within, half of them", median(seen.accepted.iter().copied()), "ms"),
        figure("accepted within, 99 of 100", accept, "ms"),
        figure("pages of the console looked at", looks.len() as f64, "times"),
        figure("a page within, half of them", median(looks.iter().copied()), "ms"),
        figure("a page within, 95 of 100", page, "ms"),
        figure("most memory of its own", memory.peak.own, "MiB"),
        figure("last fifth, times the second", growth, ""),
        figure("stops within", stopped_in.as_secs_f64(), "s"),
    ];
    let mut paths: Vec<&str> = seen.looks.iter().map(|(path, _)| *path).collect();
    paths.sort_unstable();
    paths.dedup();
    for path in paths {
        let of_path: Vec<f64> = seen.looks.iter().filter(|(looked, _)| *looked == path).map(|(_, ms)| *ms).collect();
        eprintln!("{path:<28} {:>7.1} ms, 95 of 100 within {:.1} ms", median(of_path.iter().copied()), at_share(&of_path, 0.95));
    }
    let mut errors = seen.errors.clone();
    errors.sort_unstable();
    errors.dedup();
    errors.iter().take(10).for_each(|error| eprintln!("should not be: {error}"));
    let is_used = !seen.accepted.is_empty() && !looks.is_empty();
    let is_flat = growth <= MOST_GROWTH && memory.peak.own <= MOST_MIB;
    let held = is_used && is_flat && seen.errors.is_empty() && accept <= MOST_ACCEPT_MS && page <= MOST_PAGE_MS;
    (figures, held)
}

/// The median of each fifth of the looks.
fn fifths(looks: &[f64]) -> [f64; 5] {
    std::array::from_fn(|fifth| median(looks[looks.len() * fifth / 5..looks.len() * (fifth + 1) / 5].iter().copied()))
}

/// Takes one such PDF in with the real engine; the text object that this gives.
fn record(asked: &Asked, archive: &Archive, pdf: &[u8], work: &Path) -> Result<PathBuf, BenchError> {
    let folder = work.join("recorded");
    fs::create_dir_all(&folder).map_err(file_error(&folder))?;
    pages::write(&folder.join("ten.pdf"), pdf)?;
    tools::ingest(asked, archive, &folder)?;
    let recording = work.join("recording.json");
    for file in files_below(&archive.folder.join("archive/objects"))? {
        let bytes = fs::read(&file).map_err(file_error(&file))?;
        if bytes.starts_with(b"{\"format\":\"sohoa-text/") {
            pages::write(&recording, &bytes)?;
            return Ok(recording);
        }
    }
    Err(BenchError::NotDone { command: "sohoa ingest".into(), what: "no text object is in the archive".into() })
}

fn files_below(folder: &Path) -> Result<Vec<PathBuf>, BenchError> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).map_err(file_error(folder))? {
        let path = entry.map_err(file_error(folder))?.path();
        if path.is_dir() { files.extend(files_below(&path)?) } else { files.push(path) }
    }
    Ok(files)
}

fn configure(archive: &Archive, recording: &Path) -> Result<(), BenchError> {
    let file = archive.folder.join("pipeline.toml");
    let mut text = fs::read_to_string(&file).map_err(file_error(&file))?;
    for (key, value) in [
        ("recording", format!("\"{}\"", recording.display())),
        ("listen", "\"127.0.0.1:0\"".into()),
        ("most_waiting", MOST_WAITING.to_string()),
    ] {
        let start = format!("{key} = ");
        let lines = text.lines().map(|line| if line.starts_with(&start) { format!("{start}{value}") } else { line.to_owned() });
        text = lines.collect::<Vec<_>>().join("\n") + "\n";
    }
    pages::write(&file, text.as_bytes())
}

/// What a command of the archive's owner prints.
fn sohoa(asked: &Asked, archive: &Archive, arguments: &[&str]) -> Result<String, BenchError> {
    let mut command = Command::new(&asked.sohoa);
    command.args(arguments).arg("--config").arg(archive.folder.join("pipeline.toml"));
    command.arg("--password-file").arg(&archive.password);
    Ok(String::from_utf8_lossy(&output(&mut command, &[0])?.stdout).into_owned())
}

fn station(asked: &Asked, archive: &Archive, number: u32) -> Result<String, BenchError> {
    let told = sohoa(asked, archive, &["station", "new", &format!("may-quet-{number}"), "--unit", "H48.15"])?;
    let token = told.lines().find_map(|line| line.strip_prefix("token    "));
    token.map(str::to_owned).ok_or_else(|| not_told("sohoa station new", "token"))
}

/// A person, as the form to sign in has it. The password is that of the keys: no secret is kept with either.
fn person(asked: &Asked, archive: &Archive, role: &str) -> Result<String, BenchError> {
    sohoa(asked, archive, &["user", "new", role, "--name", role, "--role", role])?;
    let password = fs::read_to_string(&archive.password).map_err(file_error(&archive.password))?;
    Ok(format!("login={role}&password={}", password.trim().replace(' ', "+")))
}

fn not_told(command: &str, what: &str) -> BenchError {
    BenchError::NotDone { command: command.into(), what: format!("it told no {what}") }
}

/// The service while it runs.
struct Serving {
    child: Child,
    address: String,
    agent: ureq::Agent,
}

impl Serving {
    fn start(asked: &Asked, archive: &Archive) -> Result<Serving, BenchError> {
        let mut command = Command::new(&asked.sohoa);
        command.arg("serve").arg("--config").arg(archive.folder.join("pipeline.toml"));
        command.arg("--password-file").arg(&archive.password);
        let log = archive.folder.join("serve.log");
        let log = fs::File::create(&log).map_err(file_error(&log))?;
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .map_err(|source| BenchError::Missing { program: asked.sohoa.display().to_string(), source })?;
        let mut lines = child.stdout.take().map(BufReader::new).into_iter().flat_map(BufRead::lines).map_while(Result::ok);
        let address = lines.find_map(|line| line.strip_prefix("listens   ").map(str::to_owned));
        let address = address.ok_or_else(|| not_told("sohoa serve", "address"))?;
        std::thread::spawn(move || lines.for_each(drop));
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .timeout_global(Some(Duration::from_secs(60)))
            .build()
            .new_agent();
        Ok(Serving { child, address, agent })
    }

    /// The cookie of a session.
    fn sign_in(&self, login: &str) -> Result<String, BenchError> {
        let asked = self.agent.post(format!("{}/sign-in", self.address));
        let answer = asked.content_type("application/x-www-form-urlencoded").send(login);
        let cookie = answer.ok().and_then(|answer| Some(answer.headers().get("set-cookie")?.to_str().ok()?.to_owned()));
        let cookie = cookie.and_then(|cookie| Some(cookie.split_once(';')?.0.to_owned()));
        cookie.ok_or_else(|| not_told("POST /sign-in", "session"))
    }

    /// A station: a document each `every` seconds. Put off, it comes again when it was told to.
    fn push_until(
        &self,
        end: Instant,
        first: Instant,
        every: u64,
        (number, token): (usize, &str),
        pdf: &[u8],
        seen: &Mutex<Seen>,
    ) {
        let mut next = first;
        for document in 0.. {
            std::thread::sleep(next.saturating_duration_since(Instant::now()));
            next += Duration::from_secs(every);
            // A comment after the end: another document for whoever compares bytes, the same for whoever reads it.
            let bytes = [pdf, format!("% {number} {document}\n").as_bytes()].concat();
            loop {
                if Instant::now() >= end {
                    return;
                }
                let began = Instant::now();
                let asked = self.agent.post(format!("{}/v1/documents?name={number}-{document}.pdf", self.address));
                let answer = asked.header("authorization", format!("Bearer {token}")).send(&bytes[..]);
                let took = millis(began);
                let (status, wait) = match &answer {
                    Ok(answer) => {
                        let wait = answer.headers().get("retry-after").and_then(|wait| wait.to_str().ok()?.parse::<u64>().ok());
                        (answer.status().as_u16(), wait)
                    }
                    Err(_) => (0, None),
                };
                let Ok(mut seen) = seen.lock() else { return };
                match (status, wait) {
                    (202, _) => seen.accepted.push(took),
                    (429, Some(_)) => seen.put_off += 1,
                    _ => seen.errors.push(format!("a push: {:?}", answer.map(|answer| answer.status()))),
                }
                drop(seen);
                match (status, wait) {
                    (429, Some(seconds)) => std::thread::sleep(Duration::from_secs(seconds)),
                    _ => break,
                }
            }
        }
    }

    /// A reviewer and an administrator who look at one page of the console after the other.
    fn look_until(&self, end: Instant, [reviewer, administrator]: &[String; 2], seen: &Mutex<Seen>) {
        let of_papers = ["/", "/live/today", "/search?q=quyet+dinh", "/search", "/review"].map(|page| (page, reviewer));
        let of_work = ["/batches", "/live/batches", "/targets", "/system"].map(|page| (page, administrator));
        for (page, session) in of_papers.into_iter().chain(of_work).cycle() {
            if Instant::now() >= end {
                return;
            }
            let began = Instant::now();
            let answer = self.agent.get(format!("{}{page}", self.address)).header("cookie", session).call();
            let read = answer.and_then(|mut answer| Ok((answer.status().as_u16(), answer.body_mut().read_to_string()?)));
            let took = millis(began);
            let Ok(mut seen) = seen.lock() else { return };
            match read {
                // A list of review that is empty leads back.
                Ok((200 | 303, _)) => seen.looks.push((page, took)),
                Ok((status, body)) => seen.errors.push(format!("{page}: {status} {}", body.lines().next().unwrap_or_default())),
                Err(error) => seen.errors.push(format!("{page}: {error}")),
            }
            drop(seen);
            std::thread::sleep(LOOK_EVERY);
        }
    }

    /// Ends it as its administrator would; how long that took.
    fn stop(mut self) -> Result<Duration, BenchError> {
        let began = Instant::now();
        if let Some(pid) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw) {
            // One that is gone already is told by its status.
            let _ = kill_process(pid, Signal::TERM);
        }
        let status = self.child.wait().map_err(|source| BenchError::Missing { program: "sohoa serve".into(), source })?;
        match status.success() {
            true => Ok(began.elapsed()),
            false => Err(BenchError::Failed { command: "sohoa serve".into(), status, said: "see its log".into() }),
        }
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn millis(since: Instant) -> f64 {
    since.elapsed().as_secs_f64() * 1000.0
}

#[cfg(test)]
mod tests {
    #[test]
    fn each_fifth_has_its_median() {
        let looks: Vec<f64> = (0..10).map(f64::from).collect();
        assert_eq!(super::fifths(&looks), [0.5, 2.5, 4.5, 6.5, 8.5]);
    }
}
