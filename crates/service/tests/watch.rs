//! Watched folders as scanners, network shares and clerks treat them, by `sohoa serve` from outside.
#![allow(clippy::unwrap_used)]

mod common;

use common::serving::*;
use common::small_scan;
use rustix::process::Signal;
use std::io::Write as _;
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
    assert!(reason.contains("tệp hỏng") && reason.contains(&failed[0]), "{reason}");
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
