//! What a user does with a data folder, from the first command to the auditor's verdict.
#![allow(clippy::unwrap_used)]

mod common;

use common::{Home, files_below, small_scan, verify};
use std::path::Path;

fn fixtures() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures")
}

#[test]
fn a_person_finishes_a_document_and_both_revisions_stay_provable() {
    let home = Home::new();
    let scan = fixtures().join("decision-handwritten");
    let line = &home.lines(&[0], &["ingest", scan.to_str().unwrap(), "--json"])[0];
    assert_eq!(line["state"], "review");
    let record = line["record"].as_str().unwrap();
    assert!(home.expect(0, &["review", "list"]).contains(record));

    // a person sees what is in doubt without looking for it
    let look = home.path("look");
    home.expect(0, &["review", "show", record, "--crops", look.to_str().unwrap()]);
    let number = image::open(look.join("code_number.png")).unwrap().into_luma8();
    let dark = number.pixels().filter(|pixel| pixel.0[0] < 110).count();
    assert!(number.width() < 900 && number.height() < 300 && dark > 100, "{:?}, {dark} dark", number.dimensions());
    assert_eq!(home.sohoa(&["review", "show", record, "--crops", look.to_str().unwrap()]).status.code(), Some(2));

    // nobody decides from another paper than the one that was sealed
    let shown = home.expect(0, &["show", record, "--json"]);
    let digest = serde_json::from_str::<serde_json::Value>(&shown).unwrap()["source"]["sha256"].as_str().unwrap().to_owned();
    let object = files_below(&home.path("archive/objects")).into_iter().find(|file| file.ends_with(&digest)).unwrap();
    let bytes = std::fs::read(&object).unwrap();
    let mut altered = bytes.clone();
    altered[bytes.len() / 2] ^= 1;
    std::fs::set_permissions(&object, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    std::fs::write(&object, &altered).unwrap();
    let forged = home.path("forged");
    assert_eq!(home.sohoa(&["review", "show", record, "--crops", forged.to_str().unwrap()]).status.code(), Some(5));
    assert!(!forged.exists(), "no picture of an altered paper");
    assert_eq!(home.sohoa(&["review", "set", record, "code_number=51"]).status.code(), Some(5));
    std::fs::write(&object, &bytes).unwrap();

    // what is missing cannot be accepted, what is no date cannot be set
    let refused = home.sohoa(&["review", "set", record, "issued_date=3/3/2025"]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("YYYY-MM-DD"));
    assert_eq!(home.sohoa(&["review", "set", record, "no_such_field=1"]).status.code(), Some(2));
    let endless = format!("subject={}", "a".repeat(1001));
    for wrong in ["type_name=QĐ\u{1b}[31m", "subject=hai\ndòng", endless.as_str()] {
        assert_eq!(home.sohoa(&["review", "set", record, wrong]).status.code(), Some(2), "{wrong}");
    }
    assert!(home.expect(0, &["search", "--state", "review"]).contains(record), "an outcome alone lists its records");
    assert_eq!(home.sohoa(&["ingest", "--unit", "bad\nunit", "."]).status.code(), Some(2));

    let doubts: Vec<String> = line["fields"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|field| !field["doubt"].is_null())
        .map(|field| match field["name"].as_str().unwrap() {
            "issued_date" => "issued_date=2025-03-03".to_owned(),
            "code_number" => "code_number=51".to_owned(),
            // What JSON escapes, or might, is signed and judged below.
            other => format!("{other}=do \"người\" kiểm \\ tra / nhập 📄 ớ"),
        })
        .collect();
    let mut args = vec!["review", "set", record];
    args.extend(doubts.iter().map(String::as_str));
    args.extend(["--by", "lan"]);
    assert!(home.expect(0, &args).contains("sealed  revision 2 by lan"));
    assert!(!home.expect(0, &["review", "list"]).contains(record));
    assert!(home.expect(0, &["search", "51"]).contains(record), "what a person typed is found");

    let to = home.path("bag");
    home.expect(0, &["export", record, "--to", to.to_str().unwrap()]);
    let lines = verify(&to, &home.path("trust"));
    assert_eq!(lines.iter().map(|(verdict, _)| verdict.as_str()).collect::<Vec<_>>(), ["ok"]);
    let receipts = files_below(&to).iter().filter(|f| f.to_string_lossy().ends_with(".dsse.json")).count();
    assert_eq!(receipts, 2, "both revisions go with the bag");
    assert!(bag_is_whole(&to));
    assert_eq!(judged(&to, &home.path("archive/log")), "2 receipts, 3 leaves");
    assert_eq!(
        home.sohoa(&["export", record, "--to", to.to_str().unwrap()]).status.code(),
        Some(2),
        "a bag is never written over"
    );
}

/// What other programs say of a bag and a log: how much they looked at.
fn judged(bag: &Path, log: &Path) -> String {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/judges/export.py");
    let judged = std::process::Command::new("python-judges").arg(script).args([bag, log]).output();
    let judged = judged.expect("python-judges cannot be started; `./bootstrap test` installs it");
    assert!(judged.status.success(), "{}", String::from_utf8_lossy(&judged.stderr));
    String::from_utf8(judged.stdout).unwrap().trim().to_owned()
}

/// `sha256sum` and `sha512sum` judge the bag.
fn bag_is_whole(bag: &Path) -> bool {
    ["256", "512"].iter().all(|bits| {
        let sum = format!("sha{bits}sum");
        std::process::Command::new(sum)
            .args(["--check", "--quiet", "--strict"])
            .arg(format!("manifest-sha{bits}.txt"))
            .current_dir(bag)
            .status()
            .unwrap()
            .success()
    })
}

#[test]
fn the_same_bytes_are_done_once_and_linked() {
    let home = Home::new();
    let scans = tempfile::tempdir().unwrap();
    for folder in ["H48.15-250117-0001", "H48.15-250117-0002"] {
        std::fs::create_dir_all(scans.path().join(folder)).unwrap();
        small_scan(&scans.path().join(folder).join("đơn.png"), 1);
    }
    let scans = scans.path().to_str().unwrap();
    let lines = home.lines(&[0], &["ingest", scans, "--json"]);
    assert_eq!(lines.len(), 2);
    assert_eq!(lines[0]["record"], lines[1]["record"]);
    assert_eq!(lines.iter().filter(|line| line.get("duplicate_of").is_some_and(|of| !of.is_null())).count(), 1);
    // again: nothing is left to do, and nothing is doubled
    let again = home.expect(0, &["ingest", scans]);
    assert!(again.contains("0 documents done") && again.contains("1 were in the archive already"), "{again}");
    let report = home.lines(&[0], &["fsck", "--json"]);
    assert_eq!((&report[0]["records"], &report[0]["links"]), (&1.into(), &1.into()));
}

#[test]
fn one_changed_byte_anywhere_in_the_store_is_named() {
    let home = Home::new();
    let scans = tempfile::tempdir().unwrap();
    (0..2).for_each(|n| small_scan(&scans.path().join(format!("{n}.png")), 50 + n));
    home.expect(0, &["ingest", scans.path().to_str().unwrap()]);
    assert!(home.verify().iter().all(|(verdict, _)| verdict == "ok"));
    let store = home.path("archive");
    let files = files_below(&store);
    assert!(files.len() >= 9, "two records have sources, PDFs, texts, arrivals and receipts: {files:?}");
    for file in &files {
        let original = std::fs::read(file).unwrap();
        for at in [0, original.len() / 2, original.len() - 1] {
            let mut changed = original.clone();
            changed[at] ^= 1;
            std::fs::write(file, &changed).unwrap();
            let lines = home.verify();
            assert!(lines.iter().any(|(verdict, _)| verdict != "ok"), "byte {at} of {} was changed unseen", file.display());
            std::fs::write(file, &original).unwrap();
        }
        std::fs::remove_file(file).unwrap();
        let lines = home.verify();
        assert!(lines.iter().any(|(verdict, _)| verdict != "ok"), "{} was removed unseen", file.display());
        std::fs::write(file, &original).unwrap();
    }
    // a record lies twice, or under another name
    let record = files.iter().find(|f| f.to_string_lossy().ends_with(".dsse.json")).unwrap().parent().unwrap();
    let copy = store.join("records/copy").join(record.file_name().unwrap());
    std::fs::create_dir_all(&copy).unwrap();
    std::fs::copy(record.join("r0001.dsse.json"), copy.join("r0001.dsse.json")).unwrap();
    assert!(home.verify().iter().any(|(verdict, _)| verdict == "altered"), "a record that lies twice");
    std::fs::remove_dir_all(store.join("records/copy")).unwrap();
    std::fs::rename(record, store.join("records/foo")).unwrap();
    assert!(home.verify().iter().any(|(verdict, _)| verdict == "altered"), "a record under another name");
    std::fs::rename(store.join("records/foo"), record).unwrap();
    assert!(home.verify().iter().all(|(verdict, _)| verdict == "ok"));
    // two receipts change places
    let receipts: Vec<_> = files.iter().filter(|f| f.to_string_lossy().ends_with(".dsse.json")).collect();
    let (one, two) = (std::fs::read(receipts[0]).unwrap(), std::fs::read(receipts[1]).unwrap());
    std::fs::write(receipts[0], &two).unwrap();
    std::fs::write(receipts[1], &one).unwrap();
    assert!(home.verify().iter().filter(|(verdict, _)| verdict != "ok").count() >= 2);
    std::fs::write(receipts[0], &one).unwrap();
    std::fs::write(receipts[1], &two).unwrap();
    // and two signatures
    let at_signatures = |receipt: &[u8]| String::from_utf8_lossy(receipt).find("\"signatures\"").unwrap();
    let (cut_one, cut_two) = (at_signatures(&one), at_signatures(&two));
    let swapped = [&one[..cut_one], &two[cut_two..]].concat();
    std::fs::write(receipts[0], swapped).unwrap();
    let lines = home.verify();
    assert!(lines.iter().any(|(verdict, _)| verdict == "bad_signature"), "{lines:?}");
}

#[test]
fn report_says_unknown_without_a_register_and_counts_with_one() {
    let home = Home::new();
    let scans = tempfile::tempdir().unwrap();
    small_scan(&scans.path().join("H48.15-250117-0042.01.png"), 9);
    home.expect(0, &["ingest", scans.path().to_str().unwrap()]);
    let rows = home.lines(&[0], &["report", "--year", "2025", "--json"]);
    assert!(!rows.is_empty() && rows.iter().all(|row| row["denominator"].is_null() && row["rate"].is_null()));
    let register = scans.path().join("register.csv");
    std::fs::write(&register, "unit,procedure,dossier_code,number,date,valid_until\nH48.15,1.001612,H48.15-250117-0042,51/QĐ-UBND,2025-01-17,\nH48.15,1.001612,H48.15-250117-0043,52/QĐ-UBND,2025-01-17,\n").unwrap();
    home.expect(0, &["register", "import", register.to_str().unwrap()]);
    let rows = home.lines(&[0], &["report", "--year", "2025", "--json"]);
    let archived = rows.iter().find(|row| row["unit"] == "H48.15" && row["indicator"] == "archived").unwrap();
    assert_eq!((&archived["numerator"], &archived["denominator"]), (&1.into(), &2.into()));
    // the register survives the loss of the index
    home.expect(0, &["fsck", "--rebuild"]);
    assert_eq!(home.lines(&[0], &["report", "--year", "2025", "--json"]), rows);
}

#[test]
fn wrong_setups_are_told_before_anything_is_touched() {
    let home = Home::new();
    let scans = tempfile::tempdir().unwrap();
    small_scan(&scans.path().join("a.png"), 3);
    let scans = scans.path().to_str().unwrap();
    let wrong = home.command(&["ingest", scans]).env("SOHOA_KEY_PASSWORD", "sai").output().unwrap();
    assert_eq!(wrong.status.code(), Some(4), "{}", String::from_utf8_lossy(&wrong.stderr));
    let none = home.command(&["ingest", scans]).env_remove("SOHOA_KEY_PASSWORD").output().unwrap();
    assert_eq!(none.status.code(), Some(4));
    assert!(String::from_utf8_lossy(&none.stderr).contains("--password-file"));
    home.set("language = \"vie\"", "language = \"xyz\"");
    let reader = home.sohoa(&["ingest", scans]);
    assert_eq!(reader.status.code(), Some(6));
    assert!(String::from_utf8_lossy(&reader.stderr).contains("tesseract-ocr-xyz"));
    assert!(files_below(&home.path("archive")).is_empty(), "nothing was touched");
}

#[test]
fn digitize_needs_no_data_folder_and_gives_the_same_bytes_twice() {
    let place = tempfile::tempdir().unwrap();
    let scan = std::fs::canonicalize(fixtures().join("letter-skewed/scan0001.jpg")).unwrap();
    let run = |out: &str| {
        std::process::Command::new(env!("CARGO_BIN_EXE_sohoa"))
            .args(["digitize", scan.to_str().unwrap(), out, "--json", "--text", &format!("{out}.json")])
            .current_dir(place.path())
            .output()
            .unwrap()
    };
    let first = run("một.pdf");
    assert!(first.status.success(), "{}", String::from_utf8_lossy(&first.stderr));
    let line: serde_json::Value = serde_json::from_slice(&first.stdout).unwrap();
    assert_eq!(line["pages"][0]["state"], "text");
    assert!(run("hai.pdf").status.success());
    let (one, two) = (std::fs::read(place.path().join("một.pdf")).unwrap(), std::fs::read(place.path().join("hai.pdf")).unwrap());
    assert_eq!(one, two);
    assert_eq!(run("một.pdf").status.code(), Some(2), "an existing file is not written over");

    let words = |name: &str| std::fs::read(place.path().join(name)).unwrap();
    assert_eq!(words("một.pdf.json"), words("hai.pdf.json"));
    let mut told = Vec::new();
    sohoa_record::page_texts::read_pages(words("một.pdf.json").as_slice(), |page| {
        told.push(page.text.corrected(&page.corrections))
    })
    .unwrap();
    assert_eq!((told.len(), &line["text"][0]), (1, &serde_json::Value::from(told[0].text())));
    assert!(told[0].words().all(|word| word.confidence <= 100));
    std::fs::remove_file(place.path().join("một.pdf")).unwrap();
    assert_eq!(run("một.pdf").status.code(), Some(2), "nor are existing words");
}

#[test]
fn links_pipes_and_nested_folders_are_refused_and_the_batch_goes_on() {
    let home = Home::new();
    let scans = tempfile::tempdir().unwrap();
    small_scan(&scans.path().join("good.png"), 7);
    std::os::unix::fs::symlink("good.png", scans.path().join("link.png")).unwrap();
    assert!(std::process::Command::new("mkfifo").arg(scans.path().join("pipe.png")).status().unwrap().success());
    let output = home.sohoa(&["ingest", scans.path().to_str().unwrap(), "--json"]);
    assert_eq!(output.status.code(), Some(3));
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(errors.contains("link.png: is a symbolic link") && errors.contains("pipe.png: is a FIFO"), "{errors}");
    assert_eq!(String::from_utf8_lossy(&output.stdout).lines().count(), 1);

    for inside in [home.path("archive/objects"), home.path(".")] {
        let output = home.sohoa(&["ingest", inside.to_str().unwrap()]);
        assert_eq!(output.status.code(), Some(2), "{}", String::from_utf8_lossy(&output.stderr));
        assert!(String::from_utf8_lossy(&output.stderr).contains("one inside the other"));
    }
}

#[test]
fn what_is_cut_short_is_never_taken_for_whole() {
    let home = Home::new();
    let scans = tempfile::tempdir().unwrap();
    let cut = |from: &str, to: &str, keep: &dyn Fn(usize) -> usize| {
        let bytes = std::fs::read(fixtures().join(from)).unwrap();
        std::fs::write(scans.path().join(to), &bytes[..keep(bytes.len())]).unwrap();
    };
    cut("birth-extract/H48.121-250722-0015.01.jpg", "cut.jpg", &|n| n * 9 / 10);
    cut("submission-bleed-through/H48.15-250303-0042.01.tif", "cut.tif", &|n| n - 2000);
    let lines = home.lines(&[0, 3], &["ingest", scans.path().to_str().unwrap(), "--json"]);
    assert_eq!(lines.len(), 2);
    for line in &lines {
        assert_ne!(line["state"], "sealed", "{}", line["source"]);
        let reasons = line["reasons"].to_string();
        assert!(reasons.contains("page_damaged"), "{}: {reasons}", line["source"]);
    }
    let tif = lines.iter().find(|line| line["source"].as_str().unwrap().ends_with("cut.tif")).unwrap();
    assert_eq!(tif["pages"].as_array().unwrap().len(), 3, "the page that is gone is accounted for");
}

#[test]
fn a_receipt_that_was_taken_away_and_a_store_that_is_not_mounted_are_noticed() {
    let home = Home::new();
    let scans = tempfile::tempdir().unwrap();
    small_scan(&scans.path().join("a.png"), 77);
    let scans = scans.path().to_str().unwrap();
    let record = home.lines(&[0], &["ingest", scans, "--json"])[0]["record"].as_str().unwrap().to_owned();
    home.expect(0, &["review", "reject", &record, "--note", "mờ"]);
    home.expect(0, &["fsck"]);
    // What a link leads to may be another's to change: neither program follows it.
    let (latest, copy) = (home.path(&format!("archive/records/{record}/r0002.dsse.json")), home.path("copy"));
    std::fs::rename(&latest, &copy).unwrap();
    std::os::unix::fs::symlink(&copy, &latest).unwrap();
    let told = home.expect(3, &["fsck"]);
    assert!(told.contains("a link to '") && told.contains("1 error") && told.contains("do: put the file itself"), "{told}");
    std::fs::remove_file(&latest).unwrap();
    std::fs::rename(&copy, &latest).unwrap();
    home.expect(0, &["fsck"]);
    std::fs::remove_file(&latest).unwrap();
    assert!(home.expect(3, &["fsck"]).contains("a receipt was taken away"));

    // another disk, or none, where the store was
    std::fs::rename(home.path("archive"), home.path("away")).unwrap();
    std::fs::create_dir(home.path("archive")).unwrap();
    let output = home.sohoa(&["ingest", scans]);
    assert_eq!(output.status.code(), Some(5));
    assert!(String::from_utf8_lossy(&output.stderr).contains("is its disk mounted?"));
    std::fs::remove_dir(home.path("archive")).unwrap();
    std::fs::rename(home.path("away"), home.path("archive")).unwrap();

    // and the index alone: nothing answers from half of one
    for file in ["index.sqlite", "index.sqlite-wal", "index.sqlite-shm"] {
        let _ = std::fs::remove_file(home.path(file));
    }
    assert_eq!(home.sohoa(&["search", "a"]).status.code(), Some(5));
    home.expect(0, &["fsck", "--rebuild"]);
    home.expect(0, &["search", "a"]);
}

#[test]
fn a_rejection_can_be_taken_back_and_a_register_corrected() {
    let home = Home::new();
    let scans = tempfile::tempdir().unwrap();
    small_scan(&scans.path().join("H48.15-250117-0042.01.png"), 78);
    let record =
        home.lines(&[0], &["ingest", scans.path().to_str().unwrap(), "--json"])[0]["record"].as_str().unwrap().to_owned();
    assert!(home.expect(0, &["review", "reject", &record, "--note", "nhầm"]).contains("failed"));
    assert!(home.expect(0, &["review", "set", &record, "code_number=51"]).contains("review  revision 3"));
    for (value, why) in [("issued_date=9999-01-01", "future"), ("page_amount=abc", "pages")] {
        let refused = home.sohoa(&["review", "set", &record, value]);
        assert_eq!(refused.status.code(), Some(2));
        assert!(String::from_utf8_lossy(&refused.stderr).contains(why), "{value}");
    }
    assert_eq!(home.sohoa(&["review", "set", &record, "code_number=1", "code_number=2"]).status.code(), Some(2));

    let register = scans.path().join("sổ.csv");
    let import = |rows: &str, code: i32| {
        std::fs::write(&register, format!("unit,procedure,dossier_code,number,date,valid_until\n{rows}")).unwrap();
        home.expect(code, &["register", "import", register.to_str().unwrap()]);
        let rows = home.lines(&[0], &["report", "--year", "2025", "--json"]);
        rows.iter().find(|row| row["group"] == "all" && row["indicator"] == "archived").unwrap()["denominator"].clone()
    };
    assert_eq!(import("H48.15,1.001612,H48.15-250117-0042,51/QĐ-UBND,2025-01-17,\nH48.15,,,52/QĐ-UBND,2025-13-45,\n", 3), 2);
    std::thread::sleep(std::time::Duration::from_millis(1100));
    assert_eq!(import("H48.15,1.001612,H48.15-250117-0042,51/QĐ-UBND,2025-01-17,\n", 0), 1);
}

/// The text of a record's pages, without the lines that head them.
fn text_of(home: &Home, record: &str, which: &str) -> String {
    let shown = home.expect(0, &["show", record, which]);
    let from = shown.find("— page 1").unwrap();
    shown[from..].lines().filter(|line| !line.starts_with("— page")).collect::<Vec<_>>().join("\n")
}

#[test]
fn words_are_corrected_for_search_and_the_reading_is_kept() {
    let scan = fixtures().join("submission-bleed-through");
    let ingest = |home: &Home| {
        let line = home.lines(&[0], &["ingest", scan.to_str().unwrap(), "--json"]).remove(0);
        (line["record"].as_str().unwrap().to_owned(), line["fields"].clone())
    };
    let (corrected, as_read) = (Home::new(), Home::new());
    as_read.set("[correct]\nenabled = true", "[correct]\nenabled = false");
    let ((record, fields), (plain, plain_fields)) = (ingest(&corrected), ingest(&as_read));

    let (text, raw) = (text_of(&corrected, &record, "--text"), text_of(&corrected, &record, "--raw"));
    let changed: Vec<_> = text.split_whitespace().zip(raw.split_whitespace()).filter(|(a, b)| a != b).collect();
    assert!(!changed.is_empty(), "there is a word to correct on this paper");
    assert!(changed.iter().all(|(a, b)| sohoa_record::text::fold(a) == sohoa_record::text::fold(b)), "{changed:?}");

    assert_eq!(text_of(&as_read, &plain, "--text"), raw, "switched off, everything is as read");
    assert_eq!(text_of(&as_read, &plain, "--raw"), raw);
    assert_eq!(fields, plain_fields, "fields never come from corrected words");
}

#[test]
fn a_document_that_needs_no_person_is_given_its_code_at_once() {
    let home = Home::new();
    let scan = fixtures().join("born-digital");
    let lines = home.lines(&[0], &["ingest", scan.to_str().unwrap(), "--json"]);
    let line = lines.iter().find(|line| line["state"] == "sealed").unwrap();
    let shown = home.expect(0, &["show", line["record"].as_str().unwrap(), "--json"]);
    let manifest: serde_json::Value = serde_json::from_str(&shown).unwrap();
    let dossier = manifest["dossier"]["code"].as_str().unwrap();
    assert_eq!(manifest["result_code"].as_str().unwrap(), format!("{dossier}-KQ1"));
    assert!(home.verify().iter().all(|(verdict, _)| verdict == "ok"));
    home.expect(0, &["fsck"]);
}

#[test]
fn a_second_scan_of_the_same_paper_is_shown_and_not_merged() {
    let (home, scans) = (Home::new(), tempfile::tempdir().unwrap());
    let paper = fixtures().join("born-digital/H48.110-250929-0011.03.pdf");
    let mut again = std::fs::read(&paper).unwrap();
    again.extend(b"\n% scanned again\n");
    std::fs::write(scans.path().join("again.pdf"), again).unwrap();
    let first = home.lines(&[0], &["ingest", paper.to_str().unwrap(), "--json"]);
    assert!(first[0]["same_paper"].is_null() && first[0]["state"] == "sealed", "{first:?}");
    let second = home.lines(&[0], &["ingest", scans.path().to_str().unwrap(), "--json"]);
    assert_eq!(second[0]["same_paper"], serde_json::json!([first[0]["record"]]));
    let (first, second) = (first[0]["record"].as_str().unwrap(), second[0]["record"].as_str().unwrap());
    assert_ne!(first, second);
    // each shows the other, as does the line that a person reads
    assert!(home.expect(0, &["show", first]).contains(second) && home.expect(0, &["show", second]).contains(first));
}
