//! What `fsck` finds, and that index and queue come back from the store alone.

#![allow(clippy::unwrap_used)]

mod common;

use common::*;
use sohoa_archive::{Archive, Filter, Found, Kind, RegisterRow, remove_index};
use std::fs;

async fn filled(place: &Place) -> Archive {
    let archive = place.open().await;
    let one = Document {
        fields: vec![("subject", "cấp giấy phép")], ..document("one.pdf", &["Quyết định số một", "Hoà Bình"])
    };
    let two = Document { dossier: Some("H48.15-250117-0042"), ..document("two.pdf", &["quyet dinh", "tờ khai hóa đơn"]) };
    let (first, _) = ingest(&archive, &one, 1).await.unwrap();
    ingest(&archive, &Document { folder: "again".into(), ..one.clone() }, 1).await.unwrap();
    ingest(&archive, &two, 2).await.unwrap();
    let second = revise(&archive, &first.first.record, |m| m.fields[0].value = Some("thu hồi giấy phép".into())).await;
    archive.commit(&second).await.unwrap();
    let rows = [row(2, "H48.15"), row(3, "H48.16")];
    archive.import_register("so.csv", &b"unit\nH48.15\nH48.16\n"[..], "2026-11-22T08:00:00+07:00", &rows).await.unwrap();
    archive
}

fn row(line: u32, unit: &str) -> RegisterRow {
    RegisterRow { line, unit: unit.into(), ..RegisterRow::default() }
}

async fn answers(archive: &Archive) -> Vec<Found> {
    let mut answers = Vec::new();
    for typed in ["quyet dinh", "quyết định", "hoà", "hóa", "giấy phép", "cấp giấy phép", "0117-00", "two.pdf", "không có"]
    {
        answers.push(archive.index.search(typed, &Filter::default(), None, 9).await.unwrap());
    }
    answers
}

#[tokio::test]
async fn a_lost_index_is_rebuilt_and_gives_the_same_answers() {
    let place = Place::new();
    let archive = filled(&place).await;
    // and one that waits, one that was given up
    arrive(&archive, &document("waits.pdf", &[])).await.unwrap();
    let before = (
        answers(&archive).await,
        archive.index.entries(&Filter::default(), None, 9).await.unwrap(),
        archive.index.status().await.unwrap(),
        archive.queue.counts().await.unwrap().queued,
        archive.register_rows(None, 9).await.unwrap(),
    );
    assert!(before.0[0].hits.len() == 2 && before.0[8].hits.is_empty());
    archive.close().await;
    remove_index(&place.database()).unwrap();

    let archive = place.open().await;
    assert!(archive.wants_rebuild().await.unwrap());
    let (report, findings) = fsck(&archive).await;
    assert_eq!(findings.iter().filter(|f| f.kind == Kind::IndexDiffers).count(), 3);
    assert_eq!(findings.iter().filter(|f| f.kind == Kind::Forgotten).count(), 1);
    assert_eq!(report.errors, 4);
    let read_register = |_: &_, bytes: &[u8]| {
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        Ok(text.lines().enumerate().skip(1).map(|(i, unit)| row(i as u32 + 1, unit)).collect())
    };
    let rebuilt = archive.rebuild(&read_register, &mut |finding| panic!("{finding:?}")).await.unwrap();
    assert_eq!((rebuilt.revisions, rebuilt.jobs, rebuilt.registers, rebuilt.findings), (3, 1, 1, 0));
    let after = (
        answers(&archive).await,
        archive.index.entries(&Filter::default(), None, 9).await.unwrap(),
        archive.index.status().await.unwrap(),
        archive.queue.counts().await.unwrap().queued,
        archive.register_rows(None, 9).await.unwrap(),
    );
    assert_eq!(after, before);
    let (report, findings) = fsck(&archive).await;
    assert!(report.is_clean() && !archive.wants_rebuild().await.unwrap());
    assert_eq!(findings.iter().map(|f| f.kind).collect::<Vec<_>>(), [Kind::Pending]);
}

#[tokio::test]
async fn a_database_that_is_no_database_says_so_and_can_be_made_again() {
    let place = Place::new();
    filled(&place).await.close().await;
    remove_index(&place.database()).unwrap();
    fs::write(place.database(), "not a database, just noise ".repeat(500)).unwrap();
    let error = Archive::open_folder(&place.folder(), &place.database(), policy()).await.unwrap_err();
    assert!(error.to_string().contains("fsck --rebuild"), "{error}");
    remove_index(&place.database()).unwrap();
    let archive = place.open().await;
    archive.rebuild(&|_, _| Ok(vec![]), &mut |finding| panic!("{finding:?}")).await.unwrap();
    assert!(fsck(&archive).await.0.is_clean());
}

#[tokio::test]
async fn one_flipped_bit_in_any_object_is_named() {
    let place = Place::new();
    let archive = filled(&place).await;
    assert_eq!(fsck(&archive).await.1, []);
    let objects: Vec<_> = place.stored().into_iter().filter(|path| path.to_string_lossy().contains("/objects/")).collect();
    assert_eq!(objects.len(), 7);
    for path in objects {
        let good = fs::read(&path).unwrap();
        for at in [0, good.len() / 2, good.len() - 1] {
            let mut bad = good.clone();
            bad[at] ^= 1;
            fs::write(&path, &bad).unwrap();
            let (report, findings) = fsck(&archive).await;
            let name = path.file_name().unwrap().to_string_lossy();
            assert_eq!((report.errors, findings[0].kind, findings[0].place.as_str()), (1, Kind::AlteredObject, &*name));
        }
        fs::write(&path, [good.as_slice(), b"\n"].concat()).unwrap();
        assert_eq!(fsck(&archive).await.1[0].kind, Kind::AlteredObject, "appended");
        fs::remove_file(&path).unwrap();
        assert_eq!(fsck(&archive).await.1[0].kind, Kind::MissingObject);
        fs::write(&path, &good).unwrap();
    }
    assert_eq!(fsck(&archive).await.1, []);
}

#[tokio::test]
async fn a_changed_receipt_is_not_believed_and_a_missing_one_breaks_the_chain() {
    let place = Place::new();
    let archive = filled(&place).await;
    let receipts: Vec<_> = place.stored().into_iter().filter(|path| path.to_string_lossy().ends_with(".dsse.json")).collect();
    assert_eq!(receipts.len(), 3);
    for path in receipts {
        let good = fs::read(&path).unwrap();
        for at in (0..good.len()).step_by(41) {
            let mut bad = good.clone();
            bad[at] ^= 1;
            fs::write(&path, &bad).unwrap();
            let (_, findings) = fsck(&archive).await;
            let bad = findings.iter().find(|f| f.kind == Kind::BadReceipt).unwrap_or_else(|| panic!("byte {at}: {findings:?}"));
            assert!(path.ends_with(&bad.place), "{bad:?}");
        }
        fs::write(&path, &good).unwrap();
    }
    assert_eq!(fsck(&archive).await.1, []);
    let first_of_two =
        place.stored().into_iter().find(|path| path.ends_with("r0002.dsse.json")).unwrap().with_file_name("r0001.dsse.json");
    fs::remove_file(first_of_two).unwrap();
    let (_, findings) = fsck(&archive).await;
    assert!(findings.iter().any(|f| f.kind == Kind::BrokenChain), "{findings:?}");
}

#[tokio::test]
async fn lost_and_changed_arrivals_are_named() {
    let place = Place::new();
    let archive = filled(&place).await;
    let notes: Vec<_> = place.stored().into_iter().filter(|path| path.to_string_lossy().contains("/arrivals/")).collect();
    assert_eq!(notes.len(), 3);
    for path in notes {
        let good = fs::read(&path).unwrap();
        let record = String::from_utf8_lossy(&good).find("\"record\":\"").unwrap() + 12;
        for at in [0, record, good.len() - 60] {
            let mut bad = good.clone();
            bad[at] = if bad[at] == b'0' { b'1' } else { b'0' };
            fs::write(&path, &bad).unwrap();
            let (_, findings) = fsck(&archive).await;
            assert!(findings.iter().any(|f| f.kind == Kind::BadArrival), "byte {at}: {findings:?}");
        }
        if path.ends_with("first.json") {
            fs::remove_file(&path).unwrap();
            assert!(fsck(&archive).await.1.iter().any(|f| f.kind == Kind::BadArrival));
        }
        fs::write(&path, &good).unwrap();
    }
    assert_eq!(fsck(&archive).await.1, []);
}

#[tokio::test]
async fn an_index_that_says_other_things_than_the_store_is_named() {
    let place = Place::new();
    let archive = filled(&place).await;
    let database = sqlx::SqlitePool::connect(&format!("sqlite://{}", place.database().display())).await.unwrap();
    for (change, kind) in [
        ("UPDATE records SET state = 'failed'", Kind::IndexDiffers),
        ("UPDATE fields SET value = 'khác'", Kind::IndexDiffers),
        ("UPDATE records SET revision = 1 WHERE revision = 2", Kind::IndexDiffers),
        ("UPDATE records SET dossier_code = 'nonsense'", Kind::IndexDiffers),
        ("DELETE FROM records", Kind::IndexDiffers),
        ("DELETE FROM texts", Kind::IndexDiffers),
        ("DELETE FROM unlogged", Kind::IndexDiffers),
        ("UPDATE records SET record = '0193a5c2-7e1b-7c3d-9f00-1a2b3c4d5e6f' WHERE revision = 2", Kind::IndexForeign),
        (
            "INSERT INTO jobs (record, source_sha256, priority, enqueued_at, state) VALUES ('0193a5c2-7e1b-7c3d-9f00-1a2b3c4d5e6f',
             'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad', 0, 0, 'queued')",
            Kind::IndexForeign,
        ),
    ] {
        sqlx::raw_sql(change).execute(&database).await.unwrap();
        let (_, findings) = fsck(&archive).await;
        assert!(findings.iter().any(|f| f.kind == kind), "{change}: {findings:?}");
        archive.rebuild(&|_, _| Ok(vec![]), &mut |finding| panic!("{finding:?}")).await.unwrap();
        assert_eq!(fsck(&archive).await.1, [], "{change}");
    }
}

#[tokio::test]
async fn leftovers_and_foreign_files_are_notes() {
    let place = Place::new();
    let archive = filled(&place).await;
    let orphan = archive.objects.put(&b"an ingest that was stopped"[..]).await.unwrap();
    fs::write(place.folder().join("objects/sha256/readme.txt"), "hello").unwrap();
    fs::write(place.folder().join("records/readme.txt"), "hello").unwrap();
    let cut_off = archive.objects.local_path(&orphan.sha256).unwrap().with_extension("#1");
    fs::write(cut_off.to_string_lossy().replace(".#", "#"), "half").unwrap();
    let (report, mut findings) = fsck(&archive).await;
    findings.sort_by_key(|f| f.kind);
    assert!(report.is_clean());
    assert_eq!(
        findings.iter().map(|f| f.kind).collect::<Vec<_>>(),
        [Kind::Orphan, Kind::Unfinished, Kind::ForeignFile, Kind::ForeignFile]
    );
    assert_eq!(findings[0].place, orphan.sha256.as_str());
}

/// `sohoa-verify` refuses a link whatever it leads to: who owns its target can change what the archive holds.
#[cfg(unix)]
#[tokio::test]
async fn a_link_in_the_place_of_any_file_is_an_error() {
    let place = Place::new();
    let archive = filled(&place).await;
    assert_eq!(fsck(&archive).await.1, []);
    let copy = place.file("copy");
    for path in place.stored() {
        fs::rename(&path, &copy).unwrap();
        std::os::unix::fs::symlink(&copy, &path).unwrap();
        let (report, findings) = fsck(&archive).await;
        let told = findings.iter().map(|f| (f.kind, place.folder().join(&f.place))).collect::<Vec<_>>();
        assert_eq!((report.errors, told), (1, vec![(Kind::NotAFile, path.clone())]));
        assert!(findings[0].why.contains(copy.to_str().unwrap()) && report.objects == 7, "{findings:?}");
        fs::remove_file(&path).unwrap();
        // A link that leads nowhere is told too, beside what is missing because of it.
        std::os::unix::fs::symlink("nowhere", &path).unwrap();
        assert!(fsck(&archive).await.1.iter().any(|f| f.kind == Kind::NotAFile && path.ends_with(&f.place)));
        fs::remove_file(&path).unwrap();
        fs::rename(&copy, &path).unwrap();
    }
    let folder = place.folder().join("objects");
    fs::rename(&folder, place.file("elsewhere")).unwrap();
    std::os::unix::fs::symlink(place.file("elsewhere"), &folder).unwrap();
    assert_eq!(fsck(&archive).await.1[0].kind, Kind::NotAFile);
    fs::remove_file(&folder).unwrap();
    fs::rename(place.file("elsewhere"), &folder).unwrap();
    assert_eq!(fsck(&archive).await.1, []);
}

/// Opening a pipe that nobody writes to would wait for ever.
#[cfg(unix)]
#[tokio::test]
async fn a_pipe_or_a_link_to_a_device_is_told_and_not_opened() {
    let place = Place::new();
    let archive = filled(&place).await;
    let object = place.stored().into_iter().find(|path| path.to_string_lossy().contains("/objects/")).unwrap();
    fs::remove_file(&object).unwrap();
    for is_link in [false, true] {
        if is_link {
            std::os::unix::fs::symlink("/dev/zero", &object).unwrap();
        } else {
            assert!(std::process::Command::new("mkfifo").arg(&object).status().unwrap().success());
        }
        let checked = tokio::time::timeout(std::time::Duration::from_secs(20), fsck(&archive));
        let (report, findings) = checked.await.expect("it waits for a pipe");
        assert_eq!((report.errors, report.objects, findings[0].kind), (1, 0, Kind::NotAFile));
        assert!(findings[0].why.contains("nothing else was looked at"), "{findings:?}");
        fs::remove_file(&object).unwrap();
    }
}

#[tokio::test]
async fn what_cannot_be_believed_is_left_out_of_a_rebuild_and_named() {
    let place = Place::new();
    let archive = filled(&place).await;
    let second = place.stored().into_iter().find(|path| path.ends_with("r0002.dsse.json")).unwrap();
    let bad = fs::read_to_string(&second).unwrap().replace("keyid\":\"", "keyid\":\"0");
    fs::write(&second, bad).unwrap();
    let mut findings = Vec::new();
    let rebuilt = archive.rebuild(&|_, _| Err("no column 'unit'".into()), &mut |finding| findings.push(finding)).await.unwrap();
    findings.sort_by_key(|f| f.kind);
    assert_eq!(findings.iter().map(|f| f.kind).collect::<Vec<_>>(), [Kind::BadReceipt, Kind::BadRegister]);
    assert!(findings[1].why.contains("no column 'unit'"));
    assert_eq!((rebuilt.revisions, rebuilt.jobs, rebuilt.registers), (2, 0, 0));
    // the revision before it is what the index can vouch for
    let entries = archive.index.entries(&Filter::default(), None, 9).await.unwrap();
    assert!(entries.iter().all(|entry| entry.revision == 1));
}
