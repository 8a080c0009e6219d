//! Watched folders as scanners, network shares and clerks treat them, by `sohoa serve` from outside.
#![allow(clippy::unwrap_used)]

mod common;

use common::serving::*;
use common::small_scan;
use rustix::process::Signal;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::Duration;

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .map(|files| files.map(|f| f.unwrap().file_name().into_string().unwrap()).collect())
        .unwrap_or_default();
    names.sort();
    names
}

#[test]
fn a_watched_folder_is_emptied_into_done_and_failed() {
    let home = home();
    watch(&home, "unit = \"H48.16\"");
    let inbox = home.path("in");
    std::fs::create_dir_all(inbox.join("H48.16-250117-0042")).unwrap();
    // There before the start; in a dossier's folder; not a scan inside; half copied; junk; a name that is taken in done/.
    small_scan(&inbox.join("a.png"), 1);
    small_scan(&inbox.join("H48.16-250117-0042/b.png"), 2);
    std::fs::write(inbox.join("c.pdf"), "hỏng").unwrap();
    std::fs::write(inbox.join("d.pdf.part"), "x").unwrap();
    std::fs::write(inbox.join("Thumbs.db"), "x").unwrap();
    std::fs::create_dir_all(inbox.join("done")).unwrap();
    std::fs::write(inbox.join("done/a.png"), "đã có").unwrap();
    let mut serving = serve(&home);
    wait_for("the scans are moved away", || {
        names(&inbox) == ["H48.16-250117-0042", "Thumbs.db", "d.pdf.part", "done", "failed"]
            && names(&inbox.join("H48.16-250117-0042")).is_empty()
    });
    assert_eq!(names(&inbox.join("done")), ["H48.16-250117-0042", "a (2).png", "a.png"]);
    assert_eq!(std::fs::read_to_string(inbox.join("done/a.png")).unwrap(), "đã có", "nothing is written over");
    assert_eq!(names(&inbox.join("done/H48.16-250117-0042")), ["b.png"]);
    let failed = names(&inbox.join("failed"));
    assert_eq!(
        (failed.len(), names(&inbox.join("failed").join(&failed[0]))),
        (1, vec!["LY-DO.txt".to_owned(), "c.pdf".to_owned()])
    );
    let reason = std::fs::read_to_string(inbox.join("failed").join(&failed[0]).join("LY-DO.txt")).unwrap();
    assert!(
        reason.contains("không phải PDF hay ảnh") && reason.contains(&failed[0]),
        "a text is no scan that was cut off: {reason}"
    );
    let mode =
        |file: &str| std::fs::metadata(inbox.join("failed").join(&failed[0]).join(file)).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode("LY-DO.txt"), 0o640, "the owner and its group read it, and nobody runs it");
    // Renamed into place while it runs; the same bytes once more under another name; one that grows.
    small_scan(&home.path("e.png"), 3);
    std::fs::rename(home.path("e.png"), inbox.join("e.png")).unwrap();
    std::fs::copy(inbox.join("done/a (2).png"), inbox.join("again.png")).unwrap();
    let whole = scan(&home, 4);
    let mut growing = std::fs::File::create(inbox.join("f.png")).unwrap();
    for piece in whole.chunks(whole.len() / 6 + 1) {
        growing.write_all(piece).unwrap();
        growing.flush().unwrap();
        std::thread::sleep(Duration::from_millis(600));
        assert!(inbox.join("f.png").exists(), "it is not taken while it grows");
    }
    drop(growing);
    wait_for("the later ones, too", || ["e.png", "again.png", "f.png"].iter().all(|name| inbox.join("done").join(name).exists()));
    // Whoever brought the same bytes twice finds what they equal.
    let told = std::fs::read_to_string(inbox.join("done/DA-CO.txt")).unwrap();
    let first = home.lines(&[0], &["search", "", "--json"]).into_iter().find(|line| line["source_name"] == "a.png").unwrap();
    assert!(told.contains("Tệp: again.png\n") && told.contains(first["record"].as_str().unwrap()), "{told}");
    assert_eq!(told.matches("Đã có trong kho từ").count(), 1, "and of no other: {told}");
    // So does whoever brings it once more under its own name.
    std::fs::copy(inbox.join("done/a (2).png"), inbox.join("a.png")).unwrap();
    wait_for("it is put away again", || inbox.join("done/a (3).png").exists());
    wait_for("and told", || std::fs::read_to_string(inbox.join("done/DA-CO.txt")).unwrap().contains("Tệp: a.png\n"));
    assert!(serving.signal(Signal::TERM).success());
    let lines = home.lines(&[0], &["search", "", "--json"]);
    let mut states: Vec<&str> = lines.iter().map(|line| line["state"].as_str().unwrap()).collect();
    states.sort_unstable();
    assert_eq!((states.len(), states.iter().filter(|state| **state == "failed").count()), (5, 1), "{lines:?}");
    assert!(lines.iter().any(|line| line["dossier_code"] == "H48.16-250117-0042"), "{lines:?}");
    home.expect(0, &["fsck"]);
}

#[test]
fn a_link_in_a_watched_folder_leads_nowhere_and_a_lost_folder_is_told() {
    let home = home();
    watch(&home, "");
    let (inbox, out) = (home.path("in"), home.path("out"));
    std::fs::create_dir_all(&out).unwrap();
    let mut serving = serve(&home);
    // Whoever may write into the share puts a link in the place of our own folder.
    std::fs::remove_dir(inbox.join("done")).unwrap();
    std::os::unix::fs::symlink(&out, inbox.join("done")).unwrap();
    small_scan(&inbox.join("a.png"), 1);
    wait_for("it is done", || serving.get("", "/metrics").body.contains("sohoa_documents_total"));
    std::thread::sleep(Duration::from_secs(3));
    assert!(inbox.join("a.png").exists() && names(&out).is_empty(), "it is moved through no link");
    std::fs::remove_file(inbox.join("done")).unwrap();
    wait_for("it is moved once the link is gone", || inbox.join("done/a.png").exists());
    std::fs::rename(&inbox, home.path("away")).unwrap();
    wait_for("the lost folder is told", || serving.get("", "/readyz").status == 503);
    assert!(serving.get("", "/readyz").body.contains("the watched folder"));
    std::fs::rename(home.path("away"), &inbox).unwrap();
    wait_for("it is there again", || serving.get("", "/readyz").status == 200);
    assert!(serving.signal(Signal::TERM).success());
}

#[test]
fn folders_that_cannot_be_watched_stop_the_start() {
    for (lines, why) in [
        ("[[watch]]\nfolder = \"nowhere\"", "nowhere"),
        ("[[watch]]\nfolder = \"archive\"", "archive"),
        ("[[watch]]\nfolder = \".\"", "one inside the other"),
        ("[[watch]]\nfolder = \"keys\"", "one inside the other"),
        ("[[watch]]\nfolder = \"in\"\n[[watch]]\nfolder = \"in/a\"", "taken twice"),
    ] {
        let home = home();
        std::fs::create_dir_all(home.path("in/a")).unwrap();
        std::fs::create_dir_all(home.path("archive")).unwrap();
        let mut file = std::fs::OpenOptions::new().append(true).open(home.path("pipeline.toml")).unwrap();
        file.write_all(format!("\n{lines}\n").as_bytes()).unwrap();
        let said = home.sohoa(&["serve"]);
        let errors = String::from_utf8_lossy(&said.stderr);
        assert!(said.status.code() == Some(4) && errors.contains(why), "{lines}: {:?} {errors}", said.status);
        let made = common::files_below(&home.path("")).iter().any(|file| file.to_string_lossy().contains("/done"));
        assert!(
            !made && !home.path("in/done").exists() && !home.path("keys/done").exists(),
            "{lines}: a refused start makes nothing"
        );
    }
}

/// The outcome of every document, how often.
fn outcomes(home: &common::Home) -> Vec<(String, usize)> {
    let status = &home.lines(&[0], &["status", "--json"])[0];
    let records = status["records"].as_object().unwrap();
    records.iter().map(|(state, many)| (state.clone(), many.as_u64().unwrap() as usize)).collect()
}

#[test]
fn five_thousand_files_at_once_are_all_done_once() {
    let home = home();
    watch(&home, "");
    // What stands in the files is not read here: it would take half an hour.
    std::fs::write(home.path("recording.json"), "{\"format\":\"sohoa-text/2\",\"pages\":[]}\n").unwrap();
    home.set("recording = \"\"", "recording = \"recording.json\"");
    small_scan(&home.path("one.png"), 1);
    let one = std::fs::read(home.path("one.png")).unwrap();
    // A fifth are documents, more than are taken ahead of the workers; the others are their copies. What follows a PNG's end is no part of it.
    let (files, documents) = (5_000, 1_000);
    for number in 0..files {
        let folder = home.path("in").join(format!("{}", number % 7));
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join(format!("{number}.png")), [&one[..], format!("{}", number % documents).as_bytes()].concat())
            .unwrap();
    }
    let mut serving = serve(&home);
    let inbox = home.path("in");
    let left = || (0..7).map(|folder| names(&inbox.join(folder.to_string())).len()).sum::<usize>();
    let until = std::time::Instant::now() + Duration::from_secs(600);
    while left() > 0 {
        assert!(std::time::Instant::now() < until, "{} files are left", left());
        std::thread::sleep(Duration::from_millis(500));
    }
    let moved = |place: &str| {
        common::files_below(&inbox.join(place)).iter().filter(|file| file.extension().is_some_and(|end| end == "png")).count()
    };
    assert_eq!(moved("done") + moved("failed"), files);
    assert!(serving.signal(Signal::TERM).success());
    assert_eq!(outcomes(&home).iter().map(|(_, many)| many).sum::<usize>(), documents);
    let checked = home.lines(&[0], &["fsck", "--json"]);
    let last = checked.last().unwrap();
    assert_eq!((&last["records"], &last["links"]), (&documents.into(), &(files - documents).into()));
}

#[test]
fn a_folder_that_can_only_be_read_is_refused_or_kept_as_it_is() {
    const READ_ONLY: &str = "mount --bind in in && mount -o remount,bind,ro in";
    let home = home();
    watch(&home, "");
    small_scan(&home.path("in/a.png"), 1);
    // Scans are to be moved into done/, which cannot be made.
    let mut refused = with_mounts(&home, READ_ONLY);
    let said = refused.output().unwrap();
    let errors = String::from_utf8_lossy(&said.stderr);
    assert!(said.status.code() == Some(4) && errors.contains("Read-only") && errors.contains("/in/done"), "{errors}");
    // Told to leave them where they are, it takes them once.
    home.set("quiet_seconds = 1", "quiet_seconds = 1\nafter = \"keep\"");
    let mut serving = start(&home, with_mounts(&home, READ_ONLY));
    wait_for("the scan is done", || serving.get("", "/metrics").body.contains("sohoa_documents_total{"));
    std::thread::sleep(Duration::from_secs(3));
    assert_eq!(names(&home.path("in")), ["a.png"]);
    assert!(serving.signal(Signal::TERM).success());
    assert_eq!(outcomes(&home).iter().map(|(_, many)| many).sum::<usize>(), 1);
}

/// Everything that the service has said so far.
fn log(home: &common::Home) -> String {
    std::fs::read_to_string(home.path("serve.log")).unwrap_or_default()
}

/// How many documents wait in the queue.
fn queued(serving: &Serving) -> u64 {
    let metrics = serving.get("", "/metrics").body;
    metrics.lines().find_map(|line| line.strip_prefix("sohoa_jobs{state=\"queued\"} ")?.parse().ok()).unwrap()
}

#[test]
fn who_waits_at_the_counter_goes_before_a_backlog_whichever_way_it_comes() {
    let home = home();
    home.set("workers = 0", "workers = 1").set("most_waiting = 5000", "most_waiting = 100");
    watch(&home, "priority = \"backlog\"");
    let mut file = std::fs::OpenOptions::new().append(true).open(home.path("pipeline.toml")).unwrap();
    file.write_all(b"\n[[watch]]\nfolder = \"counter\"\nquiet_seconds = 1\npriority = \"counter\"\n").unwrap();
    std::fs::create_dir_all(home.path("counter")).unwrap();
    small_scan(&home.path("one.png"), 1);
    let one = std::fs::read(home.path("one.png")).unwrap();
    // More than are taken ahead of the workers. What follows a PNG's end is no part of it.
    for number in 0..900 {
        std::fs::write(home.path(&format!("in/{number}.png")), [&one[..], format!("{number}").as_bytes()].concat()).unwrap();
    }
    let token = token(&home, "tram-1");
    let mut serving = serve(&home);
    wait_for("the backlog fills the queue", || queued(&serving) >= 450);
    small_scan(&home.path("counter/a.png"), 2);
    wait_for("the scan of the counter is done", || home.path("counter/done/a.png").exists());
    assert!(queued(&serving) > 300, "the backlog still waits");
    let push = |priority, number| {
        serving.push(&token, &format!("name={number}.png&priority={priority}"), "", &scan(&home, number)).code()
    };
    assert_eq!(push("backlog", 3), "too_many");
    assert_eq!((push("station", 4), push("counter", 5)), (String::new(), String::new()));
    assert!(serving.signal(Signal::TERM).success());
}

#[test]
fn a_document_that_is_damaged_in_the_archive_holds_up_its_own_file_alone() {
    let home = home();
    watch(&home, "");
    let inbox = home.path("in");
    let mut serving = serve(&home);
    small_scan(&inbox.join("a.png"), 1);
    wait_for("it is done", || inbox.join("done/a.png").exists());
    assert!(serving.signal(Signal::TERM).success());
    for receipt in common::files_below(&home.path("archive/records")) {
        std::fs::remove_file(&receipt).unwrap();
        std::fs::write(&receipt, "altered").unwrap();
    }
    std::fs::rename(inbox.join("done/a.png"), inbox.join("a.png")).unwrap();
    let mut serving = serve(&home);
    wait_for("it is told", || log(&home).contains("it came before, and stays"));
    small_scan(&inbox.join("b.png"), 2);
    wait_for("another one is done", || inbox.join("done/b.png").exists());
    let log = log(&home);
    assert!(inbox.join("a.png").exists() && !log.contains("nothing can be done now"), "{log}");
    assert_eq!(log.matches("it came before, and stays").count(), 1, "it is told once");
    assert!(serving.signal(Signal::TERM).success());
}

#[test]
fn a_copy_that_stalls_waits_for_its_end_and_not_for_ever() {
    let home = home();
    watch(&home, "");
    let (inbox, mut serving) = (home.path("in"), serve(&home));
    let [whole, other] = [1, 2].map(|number| scan(&home, number));
    std::fs::write(inbox.join("stalls.png"), &whole[..whole.len() / 2]).unwrap();
    // Longer than it takes to call a file still.
    std::thread::sleep(Duration::from_secs(5));
    assert_eq!(names(&inbox), ["done", "failed", "stalls.png"]);
    assert_eq!(outcomes(&home).len(), 0, "it is not taken");
    std::fs::write(inbox.join("stalls.png"), &whole).unwrap();
    wait_for("it is taken with its end", || inbox.join("done/stalls.png").exists());
    std::fs::write(inbox.join("ends.png"), &other[..other.len() / 2]).unwrap();
    wait_for("what stays without its end is taken as it is", || !inbox.join("ends.png").exists());
    assert!(serving.signal(Signal::TERM).success());
    assert_eq!(outcomes(&home).iter().map(|(_, many)| many).sum::<usize>(), 2);
}

#[test]
fn a_scan_that_is_said_to_be_ready_is_taken_at_once() {
    let home = home();
    watch(&home, "");
    home.set("quiet_seconds = 1", "quiet_seconds = 600");
    let (inbox, mut serving) = (home.path("in"), serve(&home));
    for (name, number) in [("a.png", 1), ("b.png", 2)] {
        small_scan(&inbox.join(name), number);
    }
    std::fs::write(inbox.join("a.png.ready"), "").unwrap();
    wait_for("both are moved", || names(&inbox) == ["b.png", "done", "failed"]);
    assert_eq!(names(&inbox.join("done")), ["a.png", "a.png.ready"]);
    assert!(serving.signal(Signal::TERM).success());
}

#[test]
fn subfolders_are_units_where_that_is_said() {
    let home = home();
    watch(&home, "unit = \"H48.15\"\nsubfolders = \"unit\"");
    let inbox = home.path("in");
    for (place, number) in [("a.png", 1), ("H48.16/b.png", 2), ("H48.17/H48.17-250117-0042/c.png", 3), ("Phòng A/d.png", 4)] {
        std::fs::create_dir_all(inbox.join(place).parent().unwrap()).unwrap();
        small_scan(&inbox.join(place), number);
    }
    let mut serving = serve(&home);
    let done = inbox.join("done");
    wait_for("they are done", || {
        ["a.png", "H48.16/b.png", "H48.17/H48.17-250117-0042/c.png"].iter().all(|place| done.join(place).exists())
    });
    wait_for("a name that is no unit is told", || log(&home).contains("no agency code"));
    assert!(inbox.join("Phòng A/d.png").exists());
    assert!(serving.signal(Signal::TERM).success());
    let records = home.lines(&[0], &["search", "", "--json"]);
    let mut units: Vec<(String, Option<String>)> = (records.iter())
        .map(|entry| {
            let shown = home.lines(&[0], &["show", entry["record"].as_str().unwrap(), "--json"]).remove(0);
            (shown["dossier"]["unit"].as_str().unwrap().to_owned(), shown["dossier"]["code"].as_str().map(str::to_owned))
        })
        .collect();
    units.sort();
    let expected = [("H48.15", None), ("H48.16", None), ("H48.17", Some("H48.17-250117-0042"))];
    assert_eq!(units, expected.map(|(unit, code)| (unit.to_owned(), code.map(str::to_owned))));
}

#[test]
fn names_of_damaged_scans_are_not_in_the_log() {
    let home = home();
    home.set("page_seconds = 120", "page_seconds = 1");
    watch(&home, "");
    let (inbox, token) = (home.path("in"), token(&home, "tram-1"));
    let name = "CCCD Nguyễn Văn A 001086012345";
    // Broken, cut off, not a scan, a link, and one that takes too long to read.
    std::fs::write(inbox.join(format!("{name}.pdf")), "%PDF-1.4\nhỏng\n%%EOF").unwrap();
    std::fs::write(inbox.join(format!("{name}.jpg")), [0xff, 0xd8, 0xff, 0xe0, 0xff, 0xd9]).unwrap();
    std::fs::write(inbox.join(format!("{name}.docx")), "x").unwrap();
    std::os::unix::fs::symlink("/etc/hostname", inbox.join(format!("{name}.tif"))).unwrap();
    let mut random = common::Random(7);
    let noise = image::GrayImage::from_fn(5000, 5000, |_, _| image::Luma([random.next() as u8]));
    noise.save(inbox.join(format!("{name}.png"))).unwrap();
    let mut serving = serve(&home);
    let query = "name=CCCD%20Nguy%E1%BB%85n%20V%C4%83n%20A%20001086012345.pdf";
    let pushed = serving.push(&token, query, "", b"%PDF-1.7\nbroken");
    let record = pushed.json()["record"].as_str().unwrap().to_owned();
    assert_eq!(serving.outcome(&token, &record)["state"], "failed");
    wait_for("what can be taken is put away", || {
        ["pdf", "jpg", "png"].iter().all(|end| !inbox.join(format!("{name}.{end}")).exists())
    });
    assert!(serving.signal(Signal::TERM).success());
    let log = log(&home);
    // Something was said of each kind of trouble.
    let is_said = |said: &str| log.contains(said);
    assert!(is_said("not taken: ") && is_said("refused: ") && (is_said("took too long") || is_said("page child died")), "{log}");
    assert!(!log.contains("Nguy") && !log.contains("001086012345"), "{log}");
    // Whoever runs the service finds the file by the digest of its place in the folder.
    let digest = sohoa_record::Sha256Hex::of(format!("{name}.docx").as_bytes());
    assert!(log.contains(&digest.as_str()[..8]), "{log}");
    let reasons = common::files_below(&inbox.join("failed"));
    let reason = reasons.iter().find(|file| file.ends_with("LY-DO.txt")).unwrap();
    assert!(std::fs::read_to_string(reason).unwrap().contains(name), "the reason file names it");
}

#[test]
fn the_search_for_numbers_finds_them_wherever_they_stand() {
    for said in [
        "source=001086012345.pdf",
        "CCCD_001086012345",
        "so-001086012345-x",
        "số 123456789.",
        "001 086 012 345",
        "001.086.012.345",
        "123-456-789",
        "0010 8601 2345",
        "name=\"A001086012345\"",
    ] {
        assert!(common::personal_number(said).is_some(), "{said}");
    }
    for said in [
        "2026-11-28T05:52:41.123456Z  INFO record=0199d3a1-7c11-7a40-9123-123456789012",
        "H48.15-250117-0042",
        "owner=run-0199d3a1-7579-8214-9043-123456789012",
        "127.0.0.1:43210",
        "1764309161123",
        "object e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    ] {
        assert_eq!(common::personal_number(said), None, "{said}");
    }
}
