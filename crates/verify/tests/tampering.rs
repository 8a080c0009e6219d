//! Whatever is changed, removed, swapped or added in an archive or export: the verdict says where, and why.
#![allow(clippy::unwrap_used)]

mod common;

use common::*;
use ed25519_dalek::SigningKey;
use sohoa_record::{Manifest, Receipt, Sha256Hex};
use std::fs;
use std::path::PathBuf;
use tempfile::TempDir;

/// An archive with record A (two revisions) and record B (one), and the policy that believes it.
struct Case {
    folder: TempDir,
    a: Vec<Manifest>,
    b: Vec<Manifest>,
}

impl Case {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        trust(folder.path());
        let root = folder.path().join("archive");
        let (a, b) = (store(&root, A, 2, &key()), store(&root, B, 1, &key()));
        Case { folder, a, b }
    }

    fn root(&self) -> PathBuf {
        self.folder.path().join("archive")
    }

    fn trust(&self) -> PathBuf {
        self.folder.path().join("trust.txt")
    }

    fn said(&self) -> Said {
        verify(&self.root(), &self.trust())
    }

    fn object(&self, manifest: &Manifest, index: usize) -> PathBuf {
        object_path(&self.root(), &manifest.objects[index].digests.sha256)
    }

    /// Does `line` of the report name the file that is shown as `file`, by its path or as an object of its record?
    fn names(&self, line: &serde_json::Value, file: &str) -> bool {
        let (object, record) = (line["object"].as_str().unwrap_or_default(), line["record"].as_str());
        let manifests = self.a.iter().chain(&self.b).filter(|m| Some(m.record.as_str()) == record);
        let mut objects = manifests.flat_map(|m| &m.objects);
        let below = format!("{}/{object}", line["path"].as_str().unwrap());
        object == file || below == file || objects.any(|o| o.name == object && file.ends_with(o.digests.sha256.as_str()))
    }
}

#[test]
fn an_untouched_archive_is_whole() {
    let case = Case::new();
    let said = case.said();
    assert_eq!((said.code, said.lines.len()), (0, 2), "{}{}", said.text, said.errors);
    let a = said.about(A);
    assert_eq!((a["verdict"].as_str(), a["revision"].as_u64(), a["state"].as_str()), (Some("ok"), Some(2), Some("sealed")));
    assert_eq!((a["sealed_at"].as_str(), a["key_name"].as_str()), (Some("2026-11-22T10:30:05+07:00"), Some("Khóa thử nghiệm")));
    assert_eq!(said.about(B)["state"], "review");
}

/// What a note repeats of the signed manifest; nobody signed the rest.
fn signed_part(note: &[u8]) -> Option<serde_json::Value> {
    let mut note: serde_json::Value = serde_json::from_slice(note).ok()?;
    for unsigned in ["path", "media_type", "dossier"] {
        *note.as_object_mut()?.get_mut(unsigned)? = serde_json::Value::Null;
    }
    Some(note)
}

#[test]
fn one_byte_changed_in_any_file_is_seen_and_named() {
    let case = Case::new();
    let all = files(&case.root());
    assert_eq!(all.len(), 3 + 8 + 2, "receipts, objects (A's revisions share their source), arrivals");
    for path in all {
        let whole = fs::read(&path).unwrap();
        let shown = path.strip_prefix(case.root()).unwrap().to_str().unwrap();
        let n = whole.len();
        for at in [0, 1, n / 5, n / 4, n / 3, n / 2, n * 2 / 3, n * 9 / 10, n - 2, n - 1] {
            for flip in [0x01, 0x20, 0x80] {
                let mut bytes = whole.clone();
                bytes[at] ^= flip;
                fs::write(&path, &bytes).unwrap();
                if shown.starts_with("arrivals/") && signed_part(&bytes) == signed_part(&whole) {
                    continue;
                }
                let said = case.said();
                let place = format!("{shown}, byte {at} ^ {flip:#x}: code {}\n{}", said.code, said.text);
                assert!((10..=14).contains(&said.code), "{place}");
                let bad: Vec<_> = said.lines.iter().filter(|l| l["verdict"] != "ok" && l["verdict"] != "unreferenced").collect();
                assert!(!bad.is_empty() && bad.iter().all(|line| case.names(line, shown)), "{place}");
            }
        }
        fs::write(&path, &whole).unwrap();
    }
    assert_eq!(case.said().code, 0);
}

#[test]
fn one_byte_changed_in_any_file_of_an_export_is_seen() {
    let folder = tempfile::tempdir().unwrap();
    let (root, trust) = (folder.path().join("export"), trust(folder.path()));
    export(&root, A, 2, &key());
    assert_eq!(verify(&root, &trust).code, 0, "{}", verify(&root, &trust).text);
    for path in files(&root.join("data")) {
        let whole = fs::read(&path).unwrap();
        for at in [0, whole.len() / 2, whole.len() - 1] {
            let mut bytes = whole.clone();
            bytes[at] ^= 0x01;
            fs::write(&path, &bytes).unwrap();
            let said = verify(&root, &trust);
            assert!((10..=14).contains(&said.code), "{path:?} byte {at}: {}", said.text);
            let object = said.about(A)["object"].as_str().unwrap().to_owned();
            assert!(path.to_str().unwrap().ends_with(&object), "{path:?}: {}", said.text);
        }
        fs::write(&path, &whole).unwrap();
    }
}

#[test]
fn bytes_added_or_cut_are_altered_by_their_size() {
    let case = Case::new();
    let path = case.object(&case.b[0], 1);
    fs::write(&path, [fs::read(&path).unwrap(), b"x".to_vec()].concat()).unwrap();
    case.said().expect(10, B, "altered", "searchable.pdf");
    fs::write(&path, "").unwrap();
    let said = case.said();
    said.expect(10, B, "altered", "searchable.pdf");
    assert!(said.about(B)["reason"].as_str().unwrap().ends_with(" 0 are here"), "{}", said.text);
}

#[test]
fn a_removed_object_is_missing() {
    let case = Case::new();
    fs::remove_file(case.object(&case.a[1], 2)).unwrap();
    let said = case.said();
    said.expect(11, A, "missing", "text.json");
    assert_eq!(said.about(A)["revision"], 2);
    assert_eq!(said.about(B)["verdict"], "ok");
}

#[test]
fn a_removed_first_receipt_is_missing() {
    let case = Case::new();
    fs::remove_file(receipt_path(&case.root(), A, 1)).unwrap();
    let said = case.said();
    assert_eq!(
        (said.code, said.about(A)["verdict"].as_str(), said.about(A)["revision"].as_u64()),
        (11, Some("missing"), Some(1))
    );
}

#[test]
fn a_removed_last_receipt_leaves_objects_that_nobody_names() {
    let case = Case::new();
    fs::remove_file(receipt_path(&case.root(), A, 2)).unwrap();
    let said = case.said();
    assert_eq!((said.code, said.verdicts()), (0, vec!["ok", "ok", "unreferenced", "unreferenced"]), "{}", said.text);
    let (root, trust) = (case.root(), case.trust());
    let strict = run(&[root.to_str().unwrap(), "--trust", trust.to_str().unwrap(), "--strict"]);
    assert!(strict.code == 11 && strict.text.contains("CÓ SAI LỆCH"), "{}", strict.text);
}

#[test]
fn a_removed_only_receipt_leaves_an_arrival_without_a_record() {
    for with_folder in [false, true] {
        let case = Case::new();
        fs::remove_file(receipt_path(&case.root(), B, 1)).unwrap();
        if with_folder {
            fs::remove_dir(case.root().join("records").join(B)).unwrap();
        }
        let said = case.said();
        assert!(
            said.code == 0 && said.verdicts().contains(&"unsealed") && said.verdicts().contains(&"unreferenced"),
            "{}",
            said.text
        );
    }
}

#[test]
fn swapped_signatures_are_bad() {
    let case = Case::new();
    let paths = [receipt_path(&case.root(), A, 2), receipt_path(&case.root(), B, 1)];
    let texts = paths.each_ref().map(|path| fs::read_to_string(path).unwrap());
    let signature = |text: &str| text.split("\"sig\":\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    for (i, path) in paths.iter().enumerate() {
        fs::write(path, texts[i].replace(&signature(&texts[i]), &signature(&texts[1 - i]))).unwrap();
    }
    let said = case.said();
    said.expect(12, A, "bad_signature", "r0002.dsse.json");
    said.expect(12, B, "bad_signature", "r0001.dsse.json");
}

#[test]
fn a_receipt_in_another_records_folder_proves_nothing_about_it() {
    let case = Case::new();
    fs::copy(receipt_path(&case.root(), B, 1), receipt_path(&case.root(), A, 3)).unwrap();
    case.said().expect(10, A, "altered", "r0003.dsse.json");
    fs::remove_file(receipt_path(&case.root(), A, 3)).unwrap();
    fs::copy(receipt_path(&case.root(), B, 1), receipt_path(&case.root(), A, 1)).unwrap();
    case.said().expect(10, A, "altered", "r0001.dsse.json");
}

#[test]
fn an_old_revision_under_a_new_number_is_seen() {
    let case = Case::new();
    fs::copy(receipt_path(&case.root(), A, 1), receipt_path(&case.root(), A, 2)).unwrap();
    case.said().expect(10, A, "altered", "r0002.dsse.json");
}

#[test]
fn a_second_history_by_the_same_key_breaks_the_chain() {
    let case = Case::new();
    let mut other = case.a[0].clone();
    other.salt = "ab".repeat(32);
    fs::write(receipt_path(&case.root(), A, 1), Receipt::seal(&other, &key()).to_bytes()).unwrap();
    let said = case.said();
    assert_eq!(
        (said.code, said.about(A)["verdict"].as_str(), said.about(A)["revision"].as_u64()),
        (10, Some("altered"), Some(2))
    );
    assert!(said.about(A)["reason"].as_str().unwrap().contains("does not continue"), "{}", said.text);
}

#[test]
fn an_unknown_key_is_named() {
    let case = Case::new();
    let other = SigningKey::from_bytes(&OTHER_KEY);
    fs::write(receipt_path(&case.root(), B, 1), Receipt::seal(&case.b[0], &other).to_bytes()).unwrap();
    let said = case.said();
    said.expect(13, B, "unknown_key", "r0001.dsse.json");
    let id = sohoa_record::trust::key_id(&other.verifying_key());
    assert!(said.about(B)["reason"].as_str().unwrap().contains(id.as_str()));
    assert_eq!(said.verdicts(), ["ok", "unknown_key", "unreferenced"], "one note for all objects that nobody can compare");
    assert_eq!(said.verdict_at("objects/sha256"), Some("unreferenced"));
}

#[test]
fn an_arrival_without_a_receipt_is_a_note() {
    let case = Case::new();
    let waiting = manifest("0193a5c2-7e1b-7c3d-9f00-00000000000c", None);
    arrive(&case.root(), &waiting);
    let said = case.said();
    said.expect(0, waiting.record.as_str(), "unsealed", &format!("{}/first.json", arrivals(&waiting)));
    assert_eq!(said.lines.len(), 3, "its source is accounted for: {}", said.text);
    // while it waits, its bytes must still be those that arrived
    fs::write(object_path(&case.root(), &waiting.source.digests.sha256), "other").unwrap();
    assert_eq!(case.said().code, 10);
}

#[test]
fn an_arrival_cut_off_before_its_note_had_a_name_is_a_note_and_a_taken_note_is_missing() {
    let case = Case::new();
    let waiting = manifest("0193a5c2-7e1b-7c3d-9f00-00000000000c", None);
    arrive(&case.root(), &waiting);
    let folder = case.root().join(arrivals(&waiting));
    fs::rename(folder.join("first.json"), folder.join("first.json#1")).unwrap();
    let said = case.said();
    assert_eq!((said.code, said.verdict_at(&arrivals(&waiting))), (0, Some("unreferenced")), "{}", said.text);
    // with another note beside it the first had its name once
    write(folder.join("0123456789abcdef.json"), note(&waiting, "copy.png", "elsewhere").to_string());
    assert_eq!(case.said().code, 11, "{}", case.said().text);
    // and a sealed record's note is missing whatever is left of it
    let case = Case::new();
    let folder = case.root().join(arrivals(&case.b[0]));
    fs::rename(folder.join("first.json"), folder.join("first.json#1")).unwrap();
    case.said().expect(11, B, "missing", &format!("{}/first.json", arrivals(&case.b[0])));
}

#[test]
fn a_removed_arrival_and_a_later_arrival_that_lies_are_seen() {
    let case = Case::new();
    let folder = arrivals(&case.b[0]);
    let link = format!("{folder}/0123456789abcdef.json");
    let mut note = note(&case.b[0], "copy of 51.png", "elsewhere");
    write(case.root().join(&link), note.to_string());
    assert_eq!(case.said().code, 0, "{}", case.said().text);
    note["record"] = A.into();
    write(case.root().join(&link), note.to_string());
    case.said().expect(10, B, "altered", &link);
    fs::remove_dir_all(case.root().join(&folder)).unwrap();
    case.said().expect(11, B, "missing", &format!("{folder}/first.json"));
}

#[test]
fn a_record_taken_away_without_a_trace_is_not_seen_and_the_report_says_so() {
    let case = Case::new();
    fs::remove_dir_all(case.root().join("records").join(B)).unwrap();
    fs::remove_dir_all(case.root().join(arrivals(&case.b[0]))).unwrap();
    (0..3).for_each(|i| fs::remove_file(case.object(&case.b[0], i)).unwrap());
    let said = case.said();
    assert_eq!((said.code, said.lines.len()), (0, 1));
    for (lang, words) in [("vi", "nhật ký minh bạch"), ("en", "transparency log")] {
        let text = run(&[case.root().to_str().unwrap(), "--trust", case.trust().to_str().unwrap(), "--lang", lang]).text;
        assert!(text.split_whitespace().collect::<Vec<_>>().join(" ").contains(words), "{text}");
    }
}

#[test]
fn an_imported_register_accounts_for_its_bytes() {
    let case = Case::new();
    let digest = Sha256Hex::of(b"unit,number\n");
    write(object_path(&case.root(), &digest), "unit,number\n");
    assert_eq!(case.said().verdict_at(&format!("objects/sha256/{}/{digest}", &digest.as_str()[..2])), Some("unreferenced"));
    write(case.root().join(format!("register/{digest}.json")), "{}");
    assert_eq!(case.said().verdicts(), ["ok", "ok"]);
}

#[test]
fn an_export_with_a_stranger_or_without_a_receipt_is_seen() {
    let folder = tempfile::tempdir().unwrap();
    let (root, trust) = (folder.path().join("export"), trust(folder.path()));
    export(&root, A, 1, &key());
    let home = root.join(format!("data/{A}"));
    write(home.join("r0001/note.txt"), "added by somebody");
    let said = verify(&root, &trust);
    assert_eq!((said.code, said.verdicts()), (0, vec!["ok", "unreferenced"]));
    // a record's own folder, and one of its revisions, can be audited alone
    assert_eq!(verify(&home, &trust).code, 0);
    assert_eq!(verify(&home.join("r0001"), &trust).lines[0]["verdict"], "ok");
    // in the folder of a revision a receipt may have the manifest's name
    fs::rename(home.join("r0001/r0001.dsse.json"), home.join("r0001/manifest.dsse.json")).unwrap();
    assert_eq!(verify(&root, &trust).verdicts(), ["ok", "unreferenced"]);
    fs::remove_file(home.join("r0001/manifest.dsse.json")).unwrap();
    assert_eq!((verify(&root, &trust).code, verify(&root, &trust).about(A)["verdict"].as_str()), (11, Some("missing")));
}

#[test]
fn one_records_folder_of_an_archive_finds_its_objects() {
    let case = Case::new();
    let home = case.root().join("records").join(A);
    assert_eq!(verify(&home, &case.trust()).code, 0, "{}", verify(&home, &case.trust()).text);
    fs::write(case.object(&case.a[0], 0), "other").unwrap();
    verify(&home, &case.trust()).expect(10, A, "altered", "source.png");
}
