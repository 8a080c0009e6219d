//! `sohoa witness` as another agency runs it: made, asked over the loopback, killed, restarted; judged by Go's sumdb packages.
#![allow(clippy::unwrap_used, reason = "tests")]

mod common;
#[path = "common/test_log.rs"]
mod test_log;

use common::{Home, small_scan};

use sohoa_record::log::policy::LogPolicy;
use sohoa_record::log::{Checkpoint, Note, VerifierKey};
use sohoa_service::cosigning::{Answer, gather};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use test_log::TestLog;

const LOG: &str = "log.example/a";

/// A witness's folder and, while it runs, its process.
struct Place {
    dir: tempfile::TempDir,
    vkey: VerifierKey,
}

struct Serving {
    child: Child,
    address: String,
}

fn sohoa(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sohoa"));
    command.args(args).env("SOHOA_KEY_PASSWORD", "mật khẩu").env_remove("SOHOA_LOG");
    command
}

impl Place {
    /// Made by `sohoa witness new`, for logs of those keys.
    fn new(logs: &[String]) -> Place {
        let dir = tempfile::tempdir().unwrap();
        let mut command = sohoa(&["witness", "new"]);
        command.arg(dir.path().join("w")).args(["--name", "sở.example/w", "--listen", "127.0.0.1:0"]);
        for log in logs {
            command.args(["--log", log.as_str()]);
        }
        let made = command.output().unwrap();
        assert!(made.status.success(), "{made:?}");
        let text = String::from_utf8(made.stdout).unwrap();
        let line: Vec<&str> = text.lines().last().unwrap().split(' ').collect();
        let vkey = VerifierKey::parse(line[2]).unwrap();
        // The printed line is one of a policy.
        LogPolicy::parse(&format!("{}\nquorum {}\n", line.join(" "), line[1])).unwrap();
        Place { dir, vkey }
    }

    fn folder(&self) -> PathBuf {
        self.dir.path().join("w")
    }

    fn serve(&self) -> Serving {
        let mut child = sohoa(&["witness", "serve"]).arg(self.folder()).stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let address = loop {
            let line = lines.next().expect("it serves").unwrap();
            if let Some(address) = line.strip_prefix("listens  http://") {
                break address.to_owned();
            }
        };
        // What it says later may go nowhere, but must not block it.
        std::thread::spawn(move || lines.for_each(drop));
        Serving { child, address }
    }

    /// The policy of a log that wants this witness.
    fn policy(&self, log: &TestLog, serving: &Serving) -> LogPolicy {
        LogPolicy::parse(&format!("log {}\nwitness w {} http://{}\nquorum w\n", log.vkey(), self.vkey, serving.address)).unwrap()
    }
}

impl Serving {
    /// Sends bytes and gives status and all that came.
    fn raw(&self, bytes: &[u8]) -> (u16, String) {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(90))).unwrap();
        let _ = stream.write_all(bytes);
        let mut text = Vec::new();
        let _ = stream.read_to_end(&mut text);
        let text = String::from_utf8_lossy(&text).into_owned();
        let status = text.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
        (status, text)
    }

    fn post(&self, body: &str) -> (u16, String) {
        let head =
            format!("POST /add-checkpoint HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {}\r\n\r\n", body.len());
        self.raw(format!("{head}{body}").as_bytes())
    }

    fn stop(mut self, signal: rustix::process::Signal) -> std::process::ExitStatus {
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

/// Go's packages as judge.
fn judge(args: &[&str]) -> Result<String, String> {
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/judges/witness.go");
    let output = Command::new("go")
        .arg("run")
        .arg(program)
        .args(args)
        .env("GO111MODULE", "off")
        .env("GOPATH", "/usr/share/gocode")
        .env("GOCACHE", Path::new(env!("CARGO_TARGET_TMPDIR")).join("go"))
        .output()
        .expect("go cannot be started; `./bootstrap test` installs it");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap().trim().to_owned();
    if output.status.success() { Ok(text(output.stdout)) } else { Err(text(output.stderr)) }
}

/// The commands of docs/format.md, with openssl and coreutils alone.
fn by_hand(checkpoint: &Path, name: &str, vkey: &str) -> bool {
    let page = include_str!("../../../docs/format.md");
    let commands = page
        .split("## Cosignatures")
        .nth(1)
        .and_then(|part| part.split("```text\n").nth(1))
        .unwrap()
        .split("```")
        .next()
        .unwrap();
    let dir = tempfile::tempdir().unwrap();
    // Of two witnesses by one name the first line is taken; the page's reader has only one.
    let text = std::fs::read_to_string(checkpoint).unwrap();
    let mut met = false;
    let first = |line: &&str| !line.starts_with("— sở") || !std::mem::replace(&mut met, true);
    let text: String = text.lines().filter(first).map(|line| format!("{line}\n")).collect();
    std::fs::write(dir.path().join("checkpoint"), text).unwrap();
    let script = format!("set -eu\n{}", commands.replace("witness.example/w", name));
    Command::new("bash").arg("-c").arg(script).env("VKEY", vkey).current_dir(dir.path()).status().unwrap().success()
}

#[test]
fn a_log_of_gos_packages_is_witnessed_and_its_mistakes_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let key = dir.path().join("key");
    let vkey = judge(&["key", key.to_str().unwrap(), "go.example/log"]).unwrap();
    let place = Place::new(&[vkey]);
    let serving = place.serve();
    let url = format!("http://{}", serving.address);
    let said = judge(&["ask", key.to_str().unwrap(), &url, &place.vkey.to_string()]).unwrap();
    assert_eq!(said, "ok 12 cosigned, stale and false ones refused");
    // And the judge is none that says yes to all.
    assert!(
        judge(&["ask", key.to_str().unwrap(), &url, &place.vkey.to_string()])
            .unwrap_err()
            .contains("200 was expected and 409 came")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_our_client_gathers_verifies_in_go() {
    let log = TestLog::honest(LOG);
    let places = [Place::new(&[log.vkey()]), Place::new(&[log.vkey()])];
    let serving = [places[0].serve(), places[1].serve()];
    let mut text = format!("log {}\n", log.vkey());
    for (n, (place, serving)) in places.iter().zip(&serving).enumerate() {
        text += &format!("witness w{n} {} http://{}\n", place.vkey, serving.address);
    }
    let policy = LogPolicy::parse(&format!("{text}group q all w0 w1\nquorum q\n")).unwrap();
    gather(&policy, &log.note(300), None, async |old| Ok(log.proof(old, 300))).await.unwrap();
    let gathered = gather(&policy, &log.note(777), None, async |old| Ok(log.proof(old, 777))).await.unwrap();
    assert_eq!(gathered.judged.unwrap().witnesses.len(), 2);
    let file = places[0].dir.path().join("checkpoint");
    let vkeys = [log.vkey(), places[0].vkey.to_string(), places[1].vkey.to_string()];
    let open = |note: &Note| {
        std::fs::write(&file, note.to_string()).unwrap();
        judge(&["open", file.to_str().unwrap(), &vkeys[0], &vkeys[1], &vkeys[2]])
    };
    assert_eq!(open(&gathered.note).unwrap(), "ok 3 signatures");
    let by_hand = || by_hand(&file, "sở.example/w", &vkeys[1]);
    assert!(by_hand());
    let mut forged = gathered.note.clone();
    for n in [1, 2] {
        forged.signatures[n].bytes[7] ^= 1;
    }
    assert!(open(&forged).is_err() && !by_hand());
}

#[test]
fn what_no_witness_should_answer_is_refused() {
    let log = TestLog::honest(LOG);
    let place = Place::new(&[log.vkey()]);
    let serving = place.serve();
    assert_eq!(serving.post(&log.request(0, 5)).0, 200);
    let (status, text) = serving.post(&log.request(3, 7));
    assert!(status == 409 && text.contains("content-type: text/x.tlog.size") && text.ends_with("\r\n\r\n5\n"), "{text}");
    assert_eq!(serving.post(&TestLog::new(LOG, 2).request(5, 5)).0, 422);
    assert_eq!(serving.post(&TestLog::honest("log.example/b").request(0, 5)).0, 404);
    assert_eq!(serving.post("old 5\n").0, 400);
    assert_eq!(serving.post(&"old 5\n".repeat(20_000)).0, 413);
    assert_eq!(serving.raw(b"GET /add-checkpoint HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").0, 405);
    for path in ["/", "/x/checkpoint", "/../witness.pem/checkpoint", "/..%2f..%2fwitness.pem", "/%2e%2e/checkpoint"] {
        let (status, text) = serving.raw(format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").as_bytes());
        assert!(status == 404 && !text.contains("PRIVATE KEY"), "{path}: {text}");
    }
    // A head that never ends is cut off, and others are served in the meantime.
    let mut slow = TcpStream::connect(&serving.address).unwrap();
    slow.write_all(b"POST /add-checkpoint HTTP/1.1\r\n").unwrap();
    assert_eq!(serving.post(&log.request(5, 6)).0, 200);
    slow.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    assert!(slow.read_to_end(&mut Vec::new()).is_ok(), "the connection was not closed");
}

#[test]
fn it_stops_when_told_and_two_never_share_a_memory() {
    let log = TestLog::honest(LOG);
    let place = Place::new(&[log.vkey()]);
    let serving = place.serve();
    assert_eq!(serving.post(&log.request(0, 5)).0, 200);
    let second = sohoa(&["witness", "serve"]).arg(place.folder()).output().unwrap();
    assert_eq!(second.status.code(), Some(5), "{second:?}");
    let begun = Instant::now();
    assert!(serving.stop(rustix::process::Signal::INT).success());
    assert!(begun.elapsed() < Duration::from_secs(5));
    let serving = place.serve();
    assert_eq!(serving.post(&log.request(5, 6)).0, 200);
    assert!(serving.stop(rustix::process::Signal::TERM).success());
    // A wrong password and an empty disk are told before anything listens.
    let wrong = sohoa(&["witness", "serve"]).arg(place.folder()).env("SOHOA_KEY_PASSWORD", "x").output().unwrap();
    assert_eq!(wrong.status.code(), Some(4));
    std::fs::rename(place.folder().join("memory"), place.folder().join("away")).unwrap();
    std::fs::create_dir(place.folder().join("memory")).unwrap();
    let empty = sohoa(&["witness", "serve"]).arg(place.folder()).output().unwrap();
    assert!(
        empty.status.code() == Some(5) && String::from_utf8_lossy(&empty.stderr).contains("is its disk mounted"),
        "{empty:?}"
    );
}

/// `kill -9` at any moment while two histories ask: all that was ever cosigned is one history, and what somebody has a cosignature of is
/// remembered.
#[tokio::test(flavor = "multi_thread")]
async fn killed_at_any_moment_it_has_cosigned_one_history() {
    let (log, fork) = (TestLog::honest(LOG), TestLog::new(LOG, 3));
    let place = Place::new(&[log.vkey()]);
    let mut cosigned: Vec<Checkpoint> = Vec::new();
    for round in 0..8u64 {
        let serving = place.serve();
        let policy = place.policy(&log, &serving);
        let newest = cosigned.iter().map(|checkpoint| checkpoint.size).max().unwrap_or(0);
        let asking = [(&log, 1), (&fork, 2)].map(|(history, step)| {
            let policy = &policy;
            async move {
                let (mut got, mut size) = (Vec::new(), newest + step);
                for _ in 0..200 {
                    let asked =
                        gather(policy, &history.note(size), None, async |old| Ok(history.proof(old, size))).await.unwrap();
                    match asked.answers[0].1 {
                        Answer::Cosigned(_) => {
                            got.push(history.checkpoint(size));
                            size += step;
                        }
                        Answer::Ahead(ahead) => size = ahead + step,
                        Answer::Forked(_) => size += 1,
                        _ => break,
                    }
                    if size > 1900 {
                        break;
                    }
                }
                got
            }
        });
        let [honest, forked] = asking;
        let kill = async {
            tokio::time::sleep(Duration::from_millis(40 + 35 * round)).await;
            serving.stop(rustix::process::Signal::KILL);
        };
        let (honest, forked, ()) = tokio::join!(honest, forked, kill);
        cosigned.extend(honest);
        cosigned.extend(forked);
    }
    let newest = cosigned.iter().max_by_key(|checkpoint| checkpoint.size).expect("something was cosigned").clone();
    let history = if log.checkpoint(newest.size) == newest { &log } else { &fork };
    for checkpoint in &cosigned {
        assert_eq!(*checkpoint, history.checkpoint(checkpoint.size), "two histories were cosigned");
    }
    // It remembers at least what it gave out.
    let serving = place.serve();
    let (status, text) = serving.post(&history.request(0, 1999));
    let told: u64 = text.rsplit("\r\n").next().unwrap().trim().parse().unwrap();
    assert!(status == 409 && told >= newest.size, "{told} is remembered, {} was cosigned", newest.size);
    assert_eq!(serving.post(&history.request(told, 1999)).0, 200);
}

#[test]
fn an_archives_checkpoint_is_cosigned_and_an_auditor_asks_for_it() {
    let home = Home::new();
    let folder = home.path("in");
    std::fs::create_dir_all(&folder).unwrap();
    small_scan(&folder.join("1.png"), 1);
    let trust = std::fs::read_to_string(home.path("trust")).unwrap();
    let log = trust.lines().find_map(|line| line.strip_prefix("log ")).unwrap().to_owned();
    let place = Place::new(&[log]);
    let serving = place.serve();
    let wants = |address: &str| {
        let witness = format!("witness w {} http://{address}\nquorum w\n", place.vkey);
        std::fs::write(home.path("trust"), trust.replace("quorum none\n", &witness)).unwrap();
    };
    let signatures = || Note::parse(&std::fs::read(home.path("archive/log/checkpoint")).unwrap()).unwrap().signatures.len();
    let named =
        || home.verify().into_iter().filter_map(|(_, line)| Some(line["record"].as_str()?.to_owned())).collect::<Vec<_>>();
    let verdicts = || home.verify().into_iter().map(|(verdict, _)| verdict).collect::<Vec<_>>();

    // The end of a run asks; an auditor with the quorum is satisfied.
    wants(&serving.address);
    home.expect(0, &["ingest", folder.to_str().unwrap()]);
    assert_eq!((signatures(), verdicts()), (2, vec!["ok".to_owned()]));

    let first = named().remove(0);
    let outside = tempfile::tempdir().unwrap();
    let backup = outside.path().join("backup");
    copied(&home.path(""), &backup);

    // Away: the run goes on, the auditor is told, and the next look mends it.
    serving.stop(rustix::process::Signal::TERM);
    small_scan(&folder.join("2.png"), 2);
    home.expect(0, &["ingest", folder.to_str().unwrap()]);
    assert_eq!(signatures(), 1);
    assert!(verdicts().iter().any(|verdict| verdict == "bad_log"), "{:?}", verdicts());
    // What was witnessed before is given away under the checkpoint that was; with what was not, nobody is told more than is true.
    let export = |to: &str, records: &[&str]| {
        let bag = home.path(to);
        home.expect(0, &[&["export"][..], records, &["--to", bag.to_str().unwrap()]].concat());
        common::verify(&bag, &home.path("trust")).into_iter().map(|(verdict, _)| verdict).collect::<Vec<_>>()
    };
    let second = named().into_iter().find(|record| *record != first).unwrap();
    assert_eq!(export("witnessed", &[&first]), ["ok"]);
    assert_eq!(export("not-yet", &[&first, &second]), ["bad_log", "bad_log"]);
    assert!(home.expect(3, &["log", "append"]).contains("witness   w: did not answer"));
    let serving = place.serve();
    wants(&serving.address);
    assert!(home.expect(0, &["log", "append"]).contains("witness   w: cosigned"));
    assert_eq!((signatures(), verdicts()), (2, vec!["ok".to_owned(); 2]));
    // Both cosigned checkpoints are kept: they are the moments between which the second receipt was logged.
    assert_eq!(std::fs::read_dir(home.path("archive/log/cosigned")).unwrap().count(), 2);
    // An export alone has both ends of each: cosigned checkpoints come with it.
    let of_archive: Vec<_> = home.verify().into_iter().map(|(_, line)| line).collect();
    let records: Vec<&str> = of_archive.iter().map(|line| line["record"].as_str().unwrap()).collect();
    let bag = home.path("bag");
    home.expect(0, &[&["export"][..], &records, &["--to", bag.to_str().unwrap()]].concat());
    let exported = common::verify(&bag, &home.path("trust"));
    let told = |line: &serde_json::Value| [&line["record"], &line["verdict"], &line["time"]].map(Clone::clone);
    let (exported, of_archive): (Vec<_>, Vec<_>) =
        (exported.iter().map(|(_, line)| told(line)).collect(), of_archive.iter().map(told).collect());
    assert_eq!(exported, of_archive);
    assert!(exported.iter().any(|line| line[2]["after"].is_string()) && exported[0][2] != exported[1][2], "{exported:?}");

    // The whole machine is taken back to before the second scan: it cannot know, the witness does. Nothing is sealed that would fork the log.
    serving.stop(rustix::process::Signal::TERM);
    copied(&backup, &home.path(""));
    small_scan(&folder.join("3.png"), 3);
    let serving = place.serve();
    wants(&serving.address);
    let refused = home.sohoa(&["ingest", folder.to_str().unwrap()]);
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(5), "{said}");
    assert!(said.contains("witness w REFUSES, it saw 2 leaves: this log was taken back"), "{said}");
    assert_eq!((signatures(), named()), (2, vec![first]));
    // Without the witness nobody knows, as the manual says.
    serving.stop(rustix::process::Signal::TERM);
    home.expect(0, &["ingest", folder.to_str().unwrap()]);
}

/// Everything in `from` in place of everything in `to`.
fn copied(from: &Path, to: &Path) {
    let _ = std::fs::remove_dir_all(to);
    assert!(Command::new("cp").args(["-a"]).arg(from).arg(to).status().unwrap().success());
}
