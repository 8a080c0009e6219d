//! `sohoa serve` as stations, other systems and whoever watches over it meet it: on a free port of the loopback, killed and started again.
#![allow(clippy::unwrap_used)]

mod common;

use common::serving::*;
use common::verify;
use serde_json::Value;
use sohoa_record::Sha256Hex;
use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

#[test]
fn what_was_destroyed_is_not_taken_in_again() {
    let home = home();
    let token = token(&home, "tram-1");
    let bytes = scan(&home, 78);
    let mut serving = serve(&home);
    let record = serving.push(&token, "name=a.png", "", &bytes).json()["record"].as_str().unwrap().to_owned();
    serving.outcome(&token, &record);
    assert_eq!(serving.signal(rustix::process::Signal::TERM).code(), Some(0));
    home.expect(0, &["destroy", &record, "--basis", "Quyết định 12/QĐ-UBND", "--by", "Lê Thị Mai"]);
    let serving = serve(&home);
    let again = serving.push(&token, "name=a.png", "", &bytes);
    assert_eq!((again.status, again.code().as_str()), (410, "destroyed"), "{}", again.body);
    assert_eq!(serving.push(&token, "name=b.png", "", &scan(&home, 79)).status, 202, "others are taken");
}

#[test]
fn one_data_folder_has_one_service() {
    let home = home();
    let mut serving = serve(&home);
    let second = home.sohoa(&["serve"]);
    let errors = String::from_utf8_lossy(&second.stderr);
    assert!(second.status.code() == Some(4) && errors.contains("already"), "{:?} {errors}", second.status);
    assert_eq!(serving.get("", "/readyz").status, 200, "the first one goes on");
    home.expect(0, &["status"]);
    serving.signal(rustix::process::Signal::KILL);
    let mut serving = serve(&home);
    assert_eq!(serving.get("", "/readyz").status, 200);
    assert!(serving.signal(rustix::process::Signal::TERM).success());
}

#[test]
fn a_push_is_followed_to_its_end() {
    let home = home();
    let token = token(&home, "tram-1");
    let serving = serve(&home);
    let record = serving.push(&token, "name=a.png", "", &scan(&home, 77)).json()["record"].as_str().unwrap().to_owned();
    // The stream ends by itself when the document is done.
    let told = serving.get(&token, &format!("/v1/documents/{record}/events"));
    assert_eq!((told.status, told.header("content-type")), (200, Some("text/event-stream")));
    let states: Vec<String> = told
        .body
        .lines()
        .filter_map(|line| line.strip_prefix("data: "))
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["state"].as_str().unwrap().to_owned())
        .collect();
    assert!(["sealed", "review"].contains(&states.last().unwrap().as_str()), "{}", told.body);
    assert!(states[..states.len() - 1].iter().all(|state| ["queued", "working"].contains(&state.as_str())), "{states:?}");
    let other = common::serving::token(&home, "tram-2");
    assert_eq!(serving.get(&other, &format!("/v1/documents/{record}/events")).status, 404, "it is another station's");
}

#[test]
fn a_push_is_done_and_its_outcome_can_be_asked_for_by_its_station_alone() {
    let home = home();
    let (one, two) = (token(&home, "tram-1"), token(&home, "tram-2"));
    let mut serving = serve(&home);
    let bytes = scan(&home, 1);
    let pushed = serving.push(&one, "name=a.png&dossier=H48.15-250117-0042&priority=counter", "", &bytes);
    assert_eq!(pushed.status, 202, "{}", pushed.body);
    let record = pushed.json()["record"].as_str().unwrap().to_owned();
    assert_eq!(pushed.header("location"), Some(format!("/v1/documents/{record}").as_str()));
    let done = serving.outcome(&one, &record);
    assert_eq!((done["dossier"].as_str(), done["pages"][0]["number"].as_u64()), (Some("H48.15-250117-0042"), Some(1)));
    let shown = home.lines(&[0], &["show", &record, "--json"]);
    assert_eq!(shown[0]["dossier"]["unit"], "H48.15", "the station's unit: {}", shown[0]);
    assert_eq!(serving.get(&two, &format!("/v1/documents/{record}")).code(), "unknown_record");
    // The answer was lost: the same bytes under the same name are the same document; elsewhere they are a duplicate.
    let again = serving.push(&one, "name=a.png", "", &bytes);
    assert_eq!((again.status, again.json()["record"].as_str()), (200, Some(record.as_str())));
    let duplicate = serving.push(&two, "name=b.png", "", &bytes);
    assert_eq!((duplicate.status, duplicate.code().as_str()), (409, "duplicate"));
    let told = duplicate.json();
    assert_eq!((&told["record"], &told["state"]), (&record.as_str().into(), &done["state"]), "{told}");
    // Whoever has the bytes may follow them, and learns nothing of what others made of the paper.
    let followed = serving.get(&two, told["location"].as_str().unwrap()).json();
    assert_eq!((&followed["state"], &followed["duplicate"]), (&done["state"], &true.into()), "{followed}");
    assert!(["fields", "pages", "dossier", "revision"].iter().all(|told| followed.get(told).is_none()), "{followed}");
    let three = token(&home, "tram-3");
    assert_eq!(serving.get(&three, &format!("/v1/documents/{record}")).code(), "unknown_record", "it never had them");
    let metrics = serving.get("", "/metrics").body;
    assert!(
        metrics.contains("sohoa_pushes_total{status=\"409\"} 1\n") && metrics.contains("sohoa_pages_total{state=\"text\"} 1\n"),
        "{metrics}"
    );
    assert_eq!((serving.get("", "/healthz").status, serving.get("", "/readyz").status), (200, 200));
    assert!(serving.signal(rustix::process::Signal::TERM).success());
    assert_eq!(verify(&home.path("archive"), &home.path("trust")).iter().map(|(v, _)| v.as_str()).collect::<Vec<_>>(), ["ok"]);
}

#[test]
fn whoever_pushes_what_failed_before_is_told_that_it_failed() {
    let home = home();
    let (one, two) = (token(&home, "tram-1"), token(&home, "tram-2"));
    let serving = serve(&home);
    let broken = b"%PDF-1.7\nbroken";
    let record = serving.push(&one, "name=a.pdf", "", broken).json()["record"].as_str().unwrap().to_owned();
    assert_eq!(serving.outcome(&one, &record)["state"], "failed");
    assert_eq!(serving.push(&one, "name=a.pdf", "", broken).json()["outcome"], "failed", "a repeated push is done, and how");
    let told = serving.push(&two, "name=b.pdf", "", broken);
    assert_eq!((told.status, told.json()["state"].as_str()), (409, Some("failed")), "{}", told.body);
    assert!(told.body.contains("scan the paper again") && told.body.contains("bị từ chối"), "{}", told.body);
    let followed = serving.get(&two, told.json()["location"].as_str().unwrap()).json();
    assert_eq!(followed["state"], "failed");
    assert!(followed["reasons"].as_array().unwrap().iter().any(|reason| reason["code"] == "damaged"), "{followed}");
    let stream = serving.get(&two, &format!("/v1/documents/{record}/events"));
    assert!(stream.status == 200 && stream.body.contains("\"failed\""), "{}", stream.body);
}

#[test]
fn what_is_wrong_with_a_push_is_told_and_nothing_of_it_stays() {
    let home = home();
    home.set("max_source_mb = 2048", "max_source_mb = 1");
    let good = token(&home, "tram-1");
    let gone = token(&home, "tram-2");
    home.expect(0, &["station", "revoke", "tram-2"]);
    let serving = serve(&home);
    let bytes = scan(&home, 1);
    let sha256 = Sha256Hex::of(&bytes);
    let wrong = "0".repeat(64);
    for (token, query, headers, bytes, status, code) in [
        (gone.as_str(), "name=a.png", "", &bytes[..], 401, "unknown_token"),
        ("sohoa_x", "name=a.png", "", &bytes, 401, "unknown_token"),
        (&good, "", "", &bytes, 422, "no_name"),
        (&good, "name=..%2Fa.png", "", &bytes, 422, "no_name"),
        (&good, "name=a%00.png", "", &bytes, 422, "no_name"),
        (&good, "name=a.png&dossier=H48", "", &bytes, 422, "bad_dossier"),
        (&good, "name=a.png&priority=now", "", &bytes, 422, "bad_priority"),
        (&good, "name=a.png&name=b.png", "", &bytes, 422, "bad_query"),
        (&good, "name=a.png&dosier=4", "", &bytes, 422, "bad_query"),
        (&good, "name=%E2%80%AEfdp.exe", "", &bytes, 422, "no_name"),
        (&good, "name=a.png", "Content-Type: multipart/form-data; boundary=x\r\n", &bytes, 415, "multipart"),
        (&good, "name=a.png", "Content-Digest: hello\r\n", &bytes, 422, "bad_digest"),
        (
            &good,
            &format!("name=a.png&sha256={sha256}"),
            "Content-Digest: sha-256=:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=:\r\n",
            &bytes,
            422,
            "digest_differs",
        ),
        (&good, "name=a.png&sha256=12", "", &bytes, 422, "bad_digest"),
        (&good, &format!("name=a.png&sha256={wrong}"), "", &bytes, 422, "digest_differs"),
        (&good, "name=a.png", "Content-Digest: sha-256=:AAAA:\r\n", &bytes, 422, "bad_digest"),
        (&good, "name=a.png", "Idempotency-Key: \r\n", &bytes, 422, "bad_key"),
        (&good, "name=a.png", "", b"", 422, "empty"),
        (&good, "name=a.png", "", b"PK\x03\x04 not a scan", 415, "not_a_scan"),
        (&good, "name=a.png", "", &vec![b'%'; (1 << 20) + 1], 413, "too_large"),
    ] {
        let answer = serving.push(token, query, headers, bytes);
        assert_eq!((answer.status, answer.code().as_str()), (status, code), "{query} {headers} {}", answer.body);
        assert!(!answer.json()["title"].as_str().unwrap().is_empty() && !answer.json()["detail"].as_str().unwrap().is_empty());
    }
    // Cut off: the sender is gone before it sent what it announced.
    let mut stream = TcpStream::connect(&serving.address).unwrap();
    let head = format!(
        "POST /v1/documents?name=a.png HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {good}\r\nContent-Length: {}\r\n\r\n",
        bytes.len()
    );
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(&bytes[..bytes.len() / 2]).unwrap();
    drop(stream);
    assert_eq!(
        serving
            .raw(b"POST /v1/documents?name=a.png HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 1\r\n\r\nx")
            .code(),
        "no_token"
    );
    let half =
        || common::files_below(&home.path("spool")).iter().filter(|file| file.to_string_lossy().contains("arriving")).count();
    wait_for("what was cut off is cleared away", || half() == 0);
    assert!(!home.path("archive/arrivals").exists(), "nothing arrived");
    // One Idempotency-Key, one document.
    let key = "Idempotency-Key: q-1\r\n";
    assert_eq!(serving.push(&good, &format!("name=a.png&sha256={sha256}"), key, &bytes).status, 202);
    assert!([200, 202].contains(&serving.push(&good, "name=a.png", key, &bytes).status));
    let other = serving.push(&good, "name=a.png", key, &scan(&home, 2));
    assert_eq!((other.status, other.code().as_str()), (422, "key_used"));
}

#[test]
fn an_outside_judge_finds_the_interface_as_it_is_described() {
    let home = home();
    let good = token(&home, "tram-1");
    let serving = serve(&home);
    let judges = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/judges");
    let judged = std::process::Command::new("schemathesis")
        .arg("--config-file")
        .arg(judges.join("schemathesis.toml"))
        .args([
            "run",
            &format!("http://{}/v1/openapi.json", serving.address),
            "--header",
            &format!("Authorization: Bearer {good}"),
        ])
        .args(["--max-examples", "40", "--seed", "20261127", "--continue-on-failure", "--no-color"])
        .env("PYTHONPATH", &judges)
        .env("SCHEMATHESIS_HOOKS", "schemathesis_hooks")
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .current_dir(home.path("."))
        .output()
        .expect("schemathesis, which ./bootstrap installs");
    let told = String::from_utf8_lossy(&judged.stdout);
    assert!(judged.status.success(), "{told}{}", String::from_utf8_lossy(&judged.stderr));
    assert!(told.contains("Tested: 12"), "all operations are tried: {told}");
}

#[test]
fn whoever_is_refused_while_sending_reads_why() {
    let home = home();
    let serving = serve(&home);
    // More than the two systems' buffers hold: without a reader it cannot be sent to its end.
    let request = a_push("sohoa_wrong", "name=a.png", "", &vec![7; 48 << 20]);
    let mut stream = TcpStream::connect(&serving.address).unwrap();
    stream.write_all(&request).unwrap();
    let mut told = String::new();
    std::io::Read::read_to_string(&mut stream, &mut told).unwrap();
    assert!(told.starts_with("HTTP/1.1 401") && told.contains("unknown_token"), "{told}");
    // Who asks before sending is answered at once, and sends nothing.
    let head = String::from_utf8_lossy(&request[..request.windows(4).position(|w| w == b"\r\n\r\n").unwrap()]).into_owned();
    let mut stream = TcpStream::connect(&serving.address).unwrap();
    stream.write_all(format!("{head}\r\nExpect: 100-continue\r\n\r\n").as_bytes()).unwrap();
    stream.set_read_timeout(Some(std::time::Duration::from_secs(5))).unwrap();
    let mut first = [0; 12];
    std::io::Read::read_exact(&mut stream, &mut first).unwrap();
    assert_eq!(&first, b"HTTP/1.1 401");
}

#[test]
fn a_full_queue_puts_pushes_off() {
    let home = home();
    home.set("most_waiting = 5000", "most_waiting = 1").set("workers = 0", "workers = 1");
    let good = token(&home, "tram-1");
    let serving = serve(&home);
    let mut statuses = Vec::new();
    for number in 0..20 {
        let answer = serving.push(&good, &format!("name={number}.png"), "", &scan(&home, number));
        if answer.status == 429 {
            let seconds: u32 = answer.header("retry-after").unwrap().parse().unwrap();
            assert!(answer.code() == "too_many" && (20..=40).contains(&seconds), "{}", answer.head);
        }
        statuses.push(answer.status);
    }
    assert!(
        statuses.contains(&429) && statuses.contains(&202) && statuses.iter().all(|s| [202, 429].contains(s)),
        "{statuses:?}"
    );
}

#[test]
fn what_was_pushed_survives_a_kill_and_is_done_by_the_next_start() {
    let home = home();
    let good = token(&home, "tram-1");
    let mut serving = serve(&home);
    let records: Vec<String> = (0..6)
        .map(|number| {
            let answer = serving.push(&good, &format!("name={number}.png"), "", &scan(&home, number));
            assert_eq!(answer.status, 202, "{}", answer.body);
            answer.json()["record"].as_str().unwrap().to_owned()
        })
        .collect();
    serving.signal(rustix::process::Signal::KILL);
    let mut serving = serve(&home);
    for record in &records {
        serving.outcome(&good, record);
    }
    assert!(serving.signal(rustix::process::Signal::INT).success());
    assert_eq!(verify(&home.path("archive"), &home.path("trust")).iter().map(|(v, _)| v.as_str()).collect::<Vec<_>>(), ["ok"; 6]);
    home.expect(0, &["fsck"]);
}

/// A request of tus 1.0.0.
fn tus(serving: &Serving, method: &str, path: &str, token: &str, headers: &str, bytes: &[u8]) -> Answer {
    let head = format!(
        "{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTus-Resumable: 1.0.0\r\nAuthorization: Bearer {token}\r\n{headers}Content-Length: {}\r\n\r\n",
        bytes.len()
    );
    serving.raw(&[head.as_bytes(), bytes].concat())
}

#[test]
fn an_upload_in_pieces_goes_on_after_a_broken_line_and_a_killed_service() {
    use base64::Engine as _;
    let encode = |bytes: &[u8]| base64::engine::general_purpose::STANDARD.encode(bytes);
    let home = home();
    let (good, other) = (token(&home, "tram-1"), token(&home, "tram-2"));
    let mut serving = serve(&home);
    let bytes = scan(&home, 7);
    let metadata = format!(
        "Upload-Metadata: filename {},sha256 {}\r\n",
        encode("tờ khai.png".as_bytes()),
        encode(Sha256Hex::of(&bytes).as_str().as_bytes())
    );
    let begun = tus(&serving, "POST", "/v1/uploads", &good, &format!("Upload-Length: {}\r\n{metadata}", bytes.len()), b"");
    assert_eq!(begun.status, 201, "{}", begun.body);
    let place = begun.header("location").unwrap().to_owned();
    let piece = |offset: usize| format!("Content-Type: application/offset+octet-stream\r\nUpload-Offset: {offset}\r\n");
    let half = bytes.len() / 2;
    assert_eq!(
        tus(&serving, "PATCH", &place, &good, &piece(0), &bytes[..half]).header("upload-offset"),
        Some(half.to_string().as_str())
    );
    // Not from there, not by another station, not a changed piece, not more than was said.
    assert_eq!(tus(&serving, "PATCH", &place, &good, &piece(0), &bytes[..half]).code(), "other_offset");
    assert_eq!(tus(&serving, "HEAD", &place, &other, "", b"").status, 404);
    let checksum = format!("{}Upload-Checksum: sha256 {}\r\n", piece(half), encode(&[0; 32]));
    assert_eq!(tus(&serving, "PATCH", &place, &good, &checksum, &bytes[half..]).status, 460);
    assert_eq!(tus(&serving, "PATCH", &place, &good, &piece(half), &[&bytes[half..], b"more"].concat()).code(), "too_large");
    assert_eq!(
        serving
            .raw(
                format!("HEAD {place} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer {good}\r\n\r\n")
                    .as_bytes()
            )
            .status,
        412
    );
    // The service is killed; a line breaks in the middle of a piece: what came counts.
    serving.signal(rustix::process::Signal::KILL);
    let mut serving = serve(&home);
    let mut stream = TcpStream::connect(&serving.address).unwrap();
    let head = format!(
        "PATCH {place} HTTP/1.1\r\nHost: x\r\nTus-Resumable: 1.0.0\r\nAuthorization: Bearer {good}\r\n{}Content-Length: {}\r\n\r\n",
        piece(half),
        bytes.len() - half
    );
    stream.write_all(&[head.as_bytes(), &bytes[half..half + 10]].concat()).unwrap();
    drop(stream);
    let offset = || tus(&serving, "HEAD", &place, &good, "", b"").header("upload-offset").unwrap().parse::<usize>().unwrap();
    wait_for("the ten bytes", || offset() == half + 10);
    let last = tus(&serving, "PATCH", &place, &good, &piece(half + 10), &bytes[half + 10..]);
    assert_eq!((last.status, last.header("sohoa-duplicate")), (204, Some("false")), "{}", last.body);
    let record = last.header("content-location").unwrap().rsplit('/').next().unwrap().to_owned();
    serving.outcome(&good, &record);
    assert_eq!(offset(), bytes.len(), "it is still known");
    // What does not have the digest that was promised is refused with its last byte, and gone.
    let begun = tus(&serving, "POST", "/v1/uploads", &good, &format!("Upload-Length: {}\r\n{metadata}", half), b"");
    let place = begun.header("location").unwrap();
    assert_eq!(tus(&serving, "PATCH", place, &good, &piece(0), &bytes[..half]).code(), "digest_differs");
    assert_eq!(tus(&serving, "HEAD", place, &good, "", b"").status, 404);
    let begun = tus(&serving, "POST", "/v1/uploads", &good, &format!("Upload-Length: 9\r\n{metadata}"), b"");
    let place = begun.header("location").unwrap();
    assert_eq!(
        (tus(&serving, "DELETE", place, &good, "", b"").status, tus(&serving, "HEAD", place, &good, "", b"").status),
        (204, 404)
    );
    assert!(serving.signal(rustix::process::Signal::TERM).success());
    assert_eq!(verify(&home.path("archive"), &home.path("trust")).len(), 1);
}

#[test]
fn a_client_of_others_pushes_in_pieces() {
    let home = home();
    let good = token(&home, "tram-1");
    let serving = serve(&home);
    scan(&home, 9);
    let output = std::process::Command::new("node-judges")
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/judges/tus.cjs"))
        .args([format!("http://{}/v1/uploads", serving.address), good.clone()])
        .arg(home.path("one.png"))
        .output()
        .expect("node-judges cannot be started; `./bootstrap test` installs it");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let place = String::from_utf8(output.stdout).unwrap();
    let upload = serving.get(&good, place.trim().strip_prefix(&format!("http://{}", serving.address)).unwrap()).json();
    let done = serving.outcome(&good, upload["record"].as_str().unwrap());
    assert_eq!(done["pages"].as_array().unwrap().len(), 1, "{done}");
}

#[test]
fn a_collector_is_told_of_each_stage_and_never_of_names() {
    let home = home();
    let judge = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/judges/collector.py");
    let mut collector = Ended(Command::new("python-judges").arg(judge).stdout(Stdio::piped()).spawn().unwrap());
    let mut told = BufReader::new(collector.0.stdout.take().unwrap()).lines();
    let port = told.next().unwrap().unwrap();
    home.set("traces = \"\"", &format!("traces = \"http://127.0.0.1:{port}\""));
    let token = token(&home, "tram-1");
    let mut serving = serve(&home);
    let pushed = serving.push(&token, "name=Nguyen%20Van%20A.png", "", &scan(&home, 1));
    let record = pushed.json()["record"].as_str().unwrap().to_owned();
    serving.outcome(&token, &record);
    let metrics = serving.get("", "/metrics").body;
    for stage in ["fetch", "decode", "clean", "codes", "recognize", "correct", "render", "seal", "store"] {
        let [runs, failures] = ["runs", "failures"].map(|what| {
            let sample = format!("sohoa_stage_{what}_total{{stage=\"{stage}\"}} ");
            metrics.lines().find_map(|line| line.strip_prefix(&sample)?.parse::<u64>().ok())
        });
        assert!(runs >= Some(1) && failures == Some(0), "{stage}: {metrics}");
    }
    // What was not sent is sent at the end.
    assert!(serving.signal(rustix::process::Signal::TERM).success());
    drop(collector);
    let lines: Vec<String> = told.map(Result::unwrap).collect();
    assert!(!lines.iter().any(|line| line.contains("Nguyen")), "{lines:?}");
    let spans: Vec<Value> = lines.iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    let children = |of: &Value| -> BTreeSet<&str> {
        let inside = spans.iter().filter(|span| span["parent"] == of["span"] && span["trace"] == of["trace"]);
        let within = |span: &&Value| {
            let [began, ended] = ["began", "ended"].map(|at| span[at].as_u64().unwrap());
            assert!(of["began"].as_u64() <= Some(began) && Some(ended) <= of["ended"].as_u64(), "{of} {span}");
        };
        inside.inspect(within).map(|span| span["name"].as_str().unwrap()).collect()
    };
    let named = |name: &str| spans.iter().find(|span| span["name"] == name).unwrap();
    let document = named("document");
    assert_eq!((document["parent"].as_str(), document["values"]["sohoa.record"].as_str()), (Some(""), Some(record.as_str())));
    assert_eq!(children(document), BTreeSet::from(["fetch", "decode", "page", "render", "seal", "store"]));
    assert_eq!(named("page")["values"]["sohoa.page"], 1);
    assert_eq!(children(named("page")), BTreeSet::from(["decode", "clean", "codes", "recognize", "correct"]));
    assert!(spans.iter().all(|span| span["service"] == "sohoa" && span["failed"] == false));
}

#[test]
fn a_station_that_runs_wild_is_put_off_and_another_is_not() {
    let home = home();
    home.set("station_per_minute = 1200", "station_per_minute = 3").set("most_mb = 0", "most_mb = 1");
    let (wild, calm) = (token(&home, "tram-1"), token(&home, "tram-2"));
    let serving = serve(&home);
    let push = |token: &str, number: u64| serving.push(token, &format!("name={number}.png"), "", &scan(&home, number));
    assert_eq!([1, 2, 3].map(|number| push(&wild, number).status), [202; 3]);
    let put_off = push(&wild, 4);
    let seconds: u32 = put_off.header("retry-after").unwrap().parse().unwrap();
    assert!(
        put_off.status == 429 && put_off.code() == "too_fast" && (1..=30).contains(&seconds),
        "{} {}",
        put_off.head,
        put_off.body
    );
    assert_eq!(tus(&serving, "POST", "/v1/uploads", &wild, "Upload-Length: 9\r\n", b"").code(), "too_fast");
    assert_eq!(push(&calm, 5).status, 202);
    let large = serving.push(&calm, "name=a.png", "", &vec![b'%'; (1 << 20) + 1]);
    assert_eq!((large.status, large.code().as_str()), (413, "too_large"));
}

#[test]
fn a_station_with_too_many_bodies_under_way_is_put_off_and_another_is_not() {
    let home = home();
    let (busy, calm) = (token(&home, "tram-1"), token(&home, "tram-2"));
    let serving = serve(&home);
    // As many as may be under way, each sent by half.
    let begun: Vec<(TcpStream, Vec<u8>)> = (0..32)
        .map(|number| {
            let bytes = scan(&home, number);
            let request = a_push(&busy, &format!("name={number}.png"), "", &bytes);
            let (first, rest) = request.split_at(request.len() - bytes.len() / 2);
            let mut stream = TcpStream::connect(&serving.address).unwrap();
            stream.write_all(first).unwrap();
            (stream, rest.to_vec())
        })
        .collect();
    let coming =
        || common::files_below(&home.path("spool")).iter().filter(|file| file.to_string_lossy().contains("arriving")).count();
    wait_for("all are under way", || coming() == 32);
    let late = scan(&home, 99);
    let put_off = serving.push(&busy, "name=late.png", "", &late);
    assert_eq!((put_off.status, put_off.code().as_str()), (429, "station_busy"), "{}", put_off.body);
    assert!(put_off.json()["title"].as_str().unwrap().contains("trạm này"), "{}", put_off.body);
    let seconds: u64 = put_off.header("retry-after").unwrap().parse().unwrap();
    assert!((20..=40).contains(&seconds), "{}", put_off.head);
    assert_eq!(
        tus(&serving, "POST", "/v1/uploads", &busy, "Upload-Length: 9\r\nUpload-Metadata: name YS5wbmc=\r\n", b"").status,
        429
    );
    assert_eq!(serving.push(&calm, "name=other.png", "", &scan(&home, 100)).status, 202);
    // Those that were under way end well, and then there is room.
    for (mut stream, rest) in begun {
        stream.write_all(&rest).unwrap();
        let mut told = String::new();
        std::io::Read::read_to_string(&mut stream, &mut told).unwrap();
        assert!(told.starts_with("HTTP/1.1 202"), "{told}");
    }
    std::thread::sleep(Duration::from_secs(seconds));
    let again = serving.push(&busy, "name=late.png", "", &late);
    assert_eq!(again.status, 202, "{}", again.body);
    let metrics = serving.get("", "/metrics").body;
    assert!(metrics.contains("sohoa_pushes_total{status=\"202\"} 34\n"), "{metrics}");
}

#[test]
fn a_station_may_have_limits_of_its_own() {
    let home = home();
    let (slow, other) = (token(&home, "may-1"), token(&home, "may-2"));
    home.expect(2, &["station", "change", "may-1"]);
    home.expect(2, &["station", "change", "may-1", "--per-minute", "1000001"]);
    home.expect(7, &["station", "change", "may-3", "--most-mb", "1"]);
    let serving = serve(&home);
    let large = vec![b'%'; (1 << 20) + 1];
    assert_eq!(serving.push(&slow, "name=a.png", "", &large).code(), "not_a_scan", "it is not too large yet");
    // They hold at once.
    home.expect(0, &["station", "change", "may-1", "--per-minute", "12", "--most-mb", "1"]);
    let listed = home.lines(&[0], &["station", "list", "--json"]);
    assert_eq!((&listed[0]["per_minute"], &listed[0]["most_mb"], &listed[1]["most_mb"]), (&12.into(), &1.into(), &0.into()));
    let told = home.expect(0, &["station", "list"]);
    assert!(told.lines().next().unwrap().contains("12/min") && told.contains("1 MB"), "{told}");
    assert_eq!(serving.push(&slow, "name=a.png", "", &large).code(), "too_large");
    assert_eq!(tus(&serving, "OPTIONS", "/v1/uploads", &slow, "", b"").header("tus-max-size"), Some("1048576"));
    let upload = format!("Upload-Length: {}\r\n", large.len());
    assert_eq!(tus(&serving, "POST", "/v1/uploads", &slow, &upload, b"").code(), "too_large");
    assert_eq!(serving.push(&other, "name=a.png", "", &large).code(), "not_a_scan", "another station has what holds for all");
    let put_off = (0..20).map(|_| serving.push(&slow, "name=x.png", "", b"x")).find(|answer| answer.status == 429).unwrap();
    let seconds: u64 = put_off.header("retry-after").unwrap().parse().unwrap();
    assert!(put_off.code() == "too_fast" && (1..=6).contains(&seconds), "{} {}", put_off.head, put_off.body);
    assert!((0..20).all(|_| serving.push(&other, "name=x.png", "", b"x").status == 415));
    // Whoever waits as long as was said is not put off again.
    std::thread::sleep(Duration::from_secs(seconds));
    assert_eq!(serving.push(&slow, "name=a.png", "", &scan(&home, 1)).status, 202);
    home.expect(0, &["station", "change", "may-1", "--per-minute", "0", "--most-mb", "0"]);
    // The bucket is empty; at what holds for all (1,200 a minute) there is one again after 50 ms.
    std::thread::sleep(Duration::from_millis(100));
    assert_eq!(serving.push(&slow, "name=a.png", "", &large).code(), "not_a_scan");
}

#[test]
fn whoever_ends_it_at_once_has_it_ended_in_order() {
    let home = home();
    let token = token(&home, "tram-1");
    let mut serving = serve(&home);
    assert_eq!(serving.push(&token, "name=a.png", "", &scan(&home, 1)).status, 202);
    serving.signal(rustix::process::Signal::KILL);
    for round in 0..20 {
        // It listens, and does whatever comes next.
        let ended = serve(&home).signal(rustix::process::Signal::TERM);
        assert_eq!(ended.code(), Some(0), "round {round}: {ended:?}");
        assert!(
            common::files_below(&home.path("spool")).iter().all(|file| file.extension().is_none_or(|end| end != "lock")),
            "round {round}"
        );
    }
    home.expect(0, &["fsck"]);
}

#[test]
fn every_method_that_is_answered_is_described() {
    let home = home();
    let serving = serve(&home);
    let page = serving.get("", "/v1/openapi.json").json();
    for (path, described) in page["paths"].as_object().unwrap() {
        let told = described.as_object().unwrap().keys().filter(|key| *key != "parameters").map(|method| method.to_uppercase());
        let mut told: BTreeSet<String> = told.collect();
        let place = path.replace("{record}", "x").replace("{id}", "x");
        let asked = serving.raw(format!("BREW {place} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").as_bytes());
        assert_eq!(asked.status, 405, "{path}");
        let allowed: BTreeSet<String> =
            asked.header("allow").unwrap().split(',').map(|method| method.trim().to_owned()).collect();
        // Whoever answers GET answers HEAD (RFC 9110, section 9.3.2).
        if told.contains("GET") {
            told.insert("HEAD".into());
        }
        assert_eq!(told, allowed, "{path}");
    }
}

#[test]
fn a_log_of_json_has_an_object_in_each_line() {
    let home = home();
    let token = token(&home, "tram-1");
    let mut serving = start(&home, home.command(&["--log-json", "serve"]));
    let record = serving.push(&token, "name=a.png", "", &scan(&home, 1)).json()["record"].as_str().unwrap().to_owned();
    serving.outcome(&token, &record);
    assert!(serving.signal(rustix::process::Signal::TERM).success());
    let log = std::fs::read_to_string(home.path("serve.log")).unwrap();
    let lines: Vec<Value> =
        log.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"))).collect();
    let done = lines.iter().find(|line| line["message"] == "done").unwrap_or_else(|| panic!("{log}"));
    assert_eq!((done["level"].as_str(), done["record"].as_str()), (Some("INFO"), Some(record.as_str())));
    assert!(lines.iter().all(|line| line["timestamp"].is_string() && line["message"].is_string()), "{log}");
}
