//! Our own separator sheets, from the printer to the archive: an outside reader reads them, a batch falls apart at them, a dossier that
//! they name is the record's unless the folder says otherwise, and power may fail between any two documents of a batch.
#![allow(clippy::unwrap_used)]

mod common;

use common::Home;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

const FIRST: &str = "H48.15-250117-0042";
const SECOND: &str = "000.00.53.H48-220921-0099";

fn fixture(path: &str) -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures").join(path).to_str().unwrap().to_owned()
}

/// Runs an outside program and gives its standard output.
fn outside(program: &str, package: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output();
    let output = output.unwrap_or_else(|e| panic!("{program}: {e}: install the Debian package {package}"));
    assert!(output.status.success(), "{program} {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn print(home: &Home, name: &str, arguments: &[&str]) -> PathBuf {
    let out = home.path(name);
    let mut all = vec!["separators", "print", "--out", out.to_str().unwrap()];
    all.extend(arguments);
    home.expect(0, &all);
    out
}

/// Puts pages of several PDFs into one: file and pages by turns, as qpdf takes them.
fn bind(pages: &[(&str, &str)], to: &Path) {
    let mut arguments = vec!["--empty", "--deterministic-id", "--pages"];
    pages.iter().for_each(|(file, range)| arguments.extend([*file, *range]));
    arguments.extend(["--", to.to_str().unwrap()]);
    outside("qpdf", "qpdf", &arguments);
}

#[test]
fn an_outside_reader_reads_every_sheet() {
    let home = Home::new();
    let sheets = print(&home, "to.pdf", &["--documents", "2", "--dossier", FIRST, SECOND]);
    outside("qpdf", "qpdf", &["--check", sheets.to_str().unwrap()]);
    let stem = home.path("tờ");
    outside("pdftoppm", "poppler-utils", &["-r", "150", "-gray", sheets.to_str().unwrap(), stem.to_str().unwrap()]);
    let dossier = |code: &str| format!("QR-Code:SOHOA:DOSSIER:{code}\nCODE-128:SOHOA:DOSSIER:{code}\n");
    let document = "QR-Code:SOHOA:DOCUMENT\nCODE-128:SOHOA:DOCUMENT\n".to_owned();
    for (page, expected) in (1..).zip([dossier(FIRST), document.clone(), document.clone(), dossier(SECOND), document]) {
        let image = home.path(&format!("tờ-{page}.pgm"));
        assert_eq!(outside("zbarimg", "zbar-tools", &["-q", image.to_str().unwrap()]), expected, "page {page}");
    }
    let words = outside("pdftotext", "poppler-utils", &[sheets.to_str().unwrap(), "-"]);
    assert!(words.contains("PHÂN CÁCH HỒ SƠ") && words.contains("PHÂN CÁCH GIẤY TỜ") && words.contains(SECOND), "{words}");

    // nothing is written over, no dossier is made up
    let again = home.sohoa(&["separators", "print", "--documents", "1", "--out", sheets.to_str().unwrap()]);
    assert_eq!(again.status.code(), Some(2));
    let wrong =
        home.sohoa(&["separators", "print", "--dossier", "H48.15-259917-0042", "--out", home.path("x.pdf").to_str().unwrap()]);
    assert_eq!(wrong.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&wrong.stderr).contains("day"));
    assert_eq!(home.sohoa(&["separators", "print", "--out", home.path("x.pdf").to_str().unwrap()]).status.code(), Some(2));
    assert!(!home.path("x.pdf").exists());
}

/// A batch of two dossiers, the first with two documents, and what the archive makes of it: pages, states, dossier of each record.
fn batch(home: &Home, folder: &str) -> Vec<Value> {
    let sheets = print(home, "to.pdf", &["--force", "--documents", "1", "--dossier", FIRST, SECOND]);
    let sheets = sheets.to_str().unwrap();
    let (typed, digital) =
        (fixture("notice-typed/H48.110-250909-0007.01.pdf"), fixture("born-digital/H48.110-250929-0011.03.pdf"));
    let scans = home.path("scans").join(folder);
    std::fs::create_dir_all(&scans).unwrap();
    let pages = [(sheets, "1"), (&typed, "1"), (sheets, "2"), (&digital, "1"), (sheets, "3"), (&typed, "1"), (sheets, "4")];
    bind(&pages, &scans.join("lô.pdf"));
    home.lines(&[0], &["ingest", home.path("scans").to_str().unwrap(), "--json"])
}

fn shown(home: &Home, line: &Value) -> Value {
    serde_json::from_str(&home.expect(0, &["show", line["record"].as_str().unwrap(), "--json"])).unwrap()
}

#[test]
fn a_batch_becomes_the_dossiers_that_its_sheets_name() {
    let home = Home::new();
    let lines = batch(&home, "lô chiều");
    let told: Vec<Value> = lines
        .iter()
        .map(|line| {
            let pages: Vec<Value> =
                line["pages"].as_array().unwrap().iter().map(|page| json!([page["number"], page["state"]])).collect();
            json!([shown(&home, line)["dossier"]["code"], shown(&home, line)["part"], pages])
        })
        .collect();
    assert_eq!(
        json!(told),
        json!([
            [FIRST, { "number": 1, "of": 3 }, [[1, "separator"], [2, "text"]]],
            [FIRST, { "number": 2, "of": 3 }, [[3, "separator"], [4, "text"]]],
            [SECOND, { "number": 3, "of": 3 }, [[5, "separator"], [6, "text"], [7, "separator"]]],
        ])
    );
    for line in &lines {
        let searchable = home.path("searchable.pdf");
        let show = shown(&home, line);
        assert!(!line["reasons"].to_string().contains("dossier"), "{line}");
        let digest =
            show["objects"].as_array().unwrap().iter().find(|object| object["role"] == "searchable").unwrap()["sha256"].clone();
        let digest = digest.as_str().unwrap();
        std::fs::copy(home.path("archive/objects/sha256").join(&digest[..2]).join(digest), &searchable).unwrap();
        let pages = outside("qpdf", "qpdf", &["--show-npages", searchable.to_str().unwrap()]);
        assert_eq!(pages.trim(), line["pages"].as_array().unwrap().len().to_string(), "its own pages and no others");
        std::fs::remove_file(&searchable).unwrap();
    }
    // the same batch again is known, and an export of a part is whole by itself
    assert!(home.expect(0, &["ingest", home.path("scans").to_str().unwrap()]).contains('1'));
    let bag = home.path("bag");
    home.expect(0, &["export", lines[1]["record"].as_str().unwrap(), "--to", bag.to_str().unwrap()]);
    let verdicts = common::verify(&bag, &home.path("trust"));
    assert_eq!(verdicts.iter().map(|(verdict, _)| verdict.as_str()).collect::<Vec<_>>(), ["ok"]);
    // lost with its index, the archive knows all three again
    home.expect(0, &["fsck", "--rebuild"]);
    let report = home.lines(&[0], &["fsck", "--json"]);
    assert_eq!((&report.last().unwrap()["records"], &report.last().unwrap()["errors"]), (&3.into(), &0.into()), "{report:?}");
}

#[test]
fn a_folder_that_names_another_dossier_is_a_persons_to_decide() {
    let home = Home::new();
    let lines = batch(&home, FIRST);
    let doubts = |line: &Value| line["reasons"].to_string().contains("dossier_conflict");
    assert_eq!(lines.iter().map(doubts).collect::<Vec<_>>(), [false, false, true]);
    let last = &lines[2];
    assert_eq!((&last["state"], &shown(&home, last)["dossier"]["code"]), (&"review".into(), &FIRST.into()));
    let record = last["record"].as_str().unwrap();
    home.expect(0, &["review", "accept", record, "dossier_code", "--by", "lan"]);
    let decided = shown(&home, last);
    assert_eq!(decided["dossier"]["code"], SECOND);
    assert!(!decided["reasons"].to_string().contains("dossier_conflict"), "{decided}");
    assert_eq!(home.verify().iter().filter(|(verdict, _)| verdict == "ok").count(), 3);
}

/// An A4 page of 200 dpi with a QR code at its top left, as one-stop systems print it, and bars like a line of words.
fn system_paper(payload: &str, to: &Path) {
    let code = sohoa_digitize::codes::draw::qr(payload).unwrap();
    let mut page = image::GrayImage::from_pixel(1654, 2339, image::Luma([255]));
    let mut fill = |x: u32, y: u32, width: u32, height: u32| {
        (y..y + height).for_each(|y| (x..x + width).for_each(|x| page.put_pixel(x, y, image::Luma([0]))));
    };
    for (i, _) in code.dark.iter().enumerate().filter(|(_, dark)| **dark) {
        fill(120 + (i % code.width) as u32 * 4, 120 + (i / code.width) as u32 * 4, 4, 4);
    }
    (0..12).for_each(|line| fill(300, 900 + line * 60, 900 + line * 20, 6));
    page.save(to).unwrap();
}

#[test]
fn the_code_that_a_system_printed_says_which_dossier_a_paper_belongs_to() {
    let home = Home::new();
    let payload =
        format!("{SECOND}|1.001612|040190008784|Giấy tiếp nhận hồ sơ và hẹn trả kết quả|Hệ thống một cửa|20260609101500");
    let [unnamed, named] = ["tiếp nhận", FIRST].map(|folder| home.path("scans").join(folder));
    std::fs::create_dir_all(&unnamed).unwrap();
    std::fs::create_dir_all(&named).unwrap();
    system_paper(&payload, &unnamed.join("a.png"));
    system_paper("https://example.vn/?id=7", &unnamed.join("khác.png"));
    system_paper(&format!("{payload}|1"), &named.join("b.png"));
    let lines = home.lines(&[0], &["ingest", home.path("scans").to_str().unwrap(), "--json"]);
    let line = |name: &str| lines.iter().find(|line| line["source"].as_str().unwrap().ends_with(name)).unwrap();
    let read = |line: &Value, name: &str| {
        let fields = line["fields"].as_array().unwrap();
        let field = fields.iter().find(|field| field["name"] == name).cloned().unwrap_or_default();
        (field["value"].clone(), field["doubt"].clone(), field["rule"].clone())
    };
    let of = |value: &str, doubt: Value| (json!(value), doubt, json!("qr"));

    let a = line("a.png");
    assert_eq!(shown(&home, a)["dossier"]["code"], SECOND);
    assert_eq!(shown(&home, a)["dossier"]["unit"], "000.00.53.H48");
    assert_eq!(read(a, "dossier_code"), of(SECOND, Value::Null));
    assert_eq!(read(a, "procedure_code"), of("1.001612", Value::Null));
    assert_eq!(read(a, "owner_id"), of("040190008784", Value::Null));
    assert!(!a["reasons"].to_string().contains("dossier"), "{a}");

    // somebody else's code is recorded, and nothing is taken from it
    let other = line("khác.png");
    assert_eq!((&shown(&home, other)["dossier"]["code"], read(other, "dossier_code").0), (&Value::Null, Value::Null));
    assert!(other["reasons"].to_string().contains("dossier_unknown"));
    assert_eq!(shown(&home, other)["pages"][0]["codes"][0]["text"], "https://example.vn/?id=7");

    // the folder's word stays until a person says otherwise
    let b = line("b.png");
    assert_eq!((&b["state"], &shown(&home, b)["dossier"]["code"]), (&"review".into(), &FIRST.into()));
    assert_eq!(read(b, "dossier_code"), of(SECOND, "dossier_conflict".into()));
    let record = b["record"].as_str().unwrap();
    let refused = home.sohoa(&["review", "set", record, "dossier_code=H48.15-259917-0042"]);
    assert_eq!(refused.status.code(), Some(2));
    home.expect(0, &["review", "set", record, &format!("dossier_code={FIRST}")]);
    assert_eq!(shown(&home, b)["dossier"]["code"], FIRST);
    assert!(!shown(&home, b)["reasons"].to_string().contains("dossier_conflict"));
}

#[test]
fn a_sheets_code_on_a_page_full_of_words_divides_nothing_and_loses_no_word() {
    let home = Home::new();
    let sheets = print(&home, "tờ.pdf", &["--documents", "1"]);
    let stem = home.path("tờ");
    outside(
        "pdftoppm",
        "poppler-utils",
        &["-r", "60", "-gray", "-png", "-singlefile", sheets.to_str().unwrap(), stem.to_str().unwrap()],
    );
    let sheet = image::open(home.path("tờ.png")).unwrap().into_luma8();
    let mut page = image::open(fixture("letter-skewed/scan0001.jpg")).unwrap().into_luma8();
    let below = i64::from(page.height()) - i64::from(sheet.height());
    image::imageops::overlay(&mut page, &sheet, 60, below);
    std::fs::create_dir_all(home.path("scans")).unwrap();
    page.save(home.path("scans").join("a.png")).unwrap();
    let lines = home.lines(&[0], &["ingest", home.path("scans").to_str().unwrap(), "--json"]);
    assert_eq!(lines.len(), 1);
    assert!(lines[0]["reasons"].to_string().contains("separator_unreadable") && lines[0]["state"] == "review", "{}", lines[0]);
    assert!(lines[0]["text"][0].as_str().unwrap().split_whitespace().count() > 200);
}

#[test]
fn a_patch_code_on_a_page_full_of_words_is_no_sheet() {
    let home = Home::new();
    let mut page = image::open(fixture("letter-skewed/scan0001.jpg")).unwrap().into_luma8();
    let inch = page.width() * 10 / 83;
    // patch code T along the lower edge: narrow, wide, narrow, wide from the edge inwards, 0.08 and 0.2 inch
    let mut bottom = page.height() - inch / 4;
    for height in [inch * 8 / 100, inch / 5, inch * 8 / 100, inch / 5] {
        (bottom - height..bottom).for_each(|y| (inch..5 * inch).for_each(|x| page.put_pixel(x, y, image::Luma([0]))));
        bottom -= height + inch * 8 / 100;
    }
    std::fs::create_dir_all(home.path("scans")).unwrap();
    page.save(home.path("scans").join("a.png")).unwrap();
    let lines = home.lines(&[0], &["ingest", home.path("scans").to_str().unwrap(), "--json"]);
    let page = &lines[0]["pages"][0];
    assert!(page["codes"].to_string().contains("patch_t"), "the bars are seen: {page}");
    assert_eq!((&page["state"], lines[0]["reasons"].to_string().contains("separator_unreadable")), (&"text".into(), true));
    assert!(lines[0]["text"][0].as_str().unwrap().split_whitespace().count() > 200);
}

#[test]
fn power_fails_between_the_documents_of_a_batch() {
    let home = Home::new();
    let sheets = print(&home, "to.pdf", &["--documents", "3"]);
    let digital = fixture("born-digital/H48.110-250929-0011.03.pdf");
    let scans = home.path("scans");
    std::fs::create_dir_all(&scans).unwrap();
    for number in 1..=8 {
        let dossier = format!("H48.15-250117-{number:04}");
        let named = print(&home, "named.pdf", &["--force", "--dossier", &dossier]);
        let (named, sheets) = (named.to_str().unwrap(), sheets.to_str().unwrap());
        let page = (digital.as_str(), "1");
        let pages = [(named, "1"), page, (sheets, "1"), page, (sheets, "2"), page, (sheets, "3"), page];
        bind(&pages, &scans.join(format!("{number}.pdf")));
    }
    let records = home.path("archive/records");
    let receipts = || if records.exists() { common::files_below(&records).len() } else { 0 };
    let mut between = 0;
    while between < 4 {
        let (before, command) = (receipts(), &["ingest", scans.to_str().unwrap()]);
        let mut child = home.command(command).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        // Some document of a batch was just committed, and not yet its last.
        while child.try_wait().unwrap().is_none() && (receipts() == before || receipts() % 4 == 0) {
            std::thread::sleep(Duration::from_millis(1));
        }
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(before < 32, "every batch was done, and only {between} runs were killed between two documents");
        between += i32::from(receipts() % 4 != 0);
        for (verdict, line) in home.verify() {
            assert!(common::is_half_done(&verdict), "{line}");
        }
    }
    home.expect(0, &["ingest", scans.to_str().unwrap()]);

    let mut parts: BTreeMap<(String, u64), u32> = BTreeMap::new();
    for hit in home.lines(&[0], &["search", "--json", "--limit", "1000"]) {
        let show: Value = serde_json::from_str(
            &home.expect(0, &["show", hit["entry"]["record"].as_str().or(hit["record"].as_str()).unwrap(), "--json"]),
        )
        .unwrap();
        assert_eq!((&show["part"]["of"], &show["revision"]), (&4.into(), &1.into()));
        let dossier = show["dossier"]["code"].as_str().unwrap().to_owned();
        *parts.entry((dossier, show["part"]["number"].as_u64().unwrap())).or_default() += 1;
    }
    assert_eq!(parts.len(), 32, "every document of every batch: {parts:?}");
    assert!(parts.values().all(|count| *count == 1), "and none of them twice: {parts:?}");
    let report = home.lines(&[0], &["fsck", "--json"]);
    assert_eq!((&report.last().unwrap()["records"], &report.last().unwrap()["errors"]), (&32.into(), &0.into()), "{report:?}");
    assert_eq!(home.verify().iter().filter(|(verdict, _)| verdict == "ok").count(), 32);
}
