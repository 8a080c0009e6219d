//! What an export brings of its log bounds time as the archive's log does; what was changed in it is a bad log, what was taken away bounds
//! nothing. And an export is judged as what it is, whatever its folder is called.
#![allow(clippy::unwrap_used)]

mod common;

use common::log::*;
use common::*;
use sohoa_record::log::proof::{Node, Plan};
use sohoa_record::log::tree::{complete_root, leaf_hash};
use sohoa_record::log::{Checkpoint, Continued, Edge};
use std::fs;
use std::path::PathBuf;

const FIRST: [(usize, &str); 2] = [(0, "2026-11-22T09:40:00+07:00"), (1, "2026-11-22T09:41:00+07:00")];
const SECOND: [(usize, &str); 2] = [(0, "2026-11-22T10:40:00+07:00"), (2, "2026-11-22T10:42:00+07:00")];

/// B's record is leaf 0 of three; witnesses saw the log of two leaves around 09:40, that of three around 10:40. The export has B alone.
struct Case {
    dir: tempfile::TempDir,
    entries: Vec<Vec<u8>>,
}

/// How the tree of all entries continues that of the first `size`.
fn continued(entries: &[Vec<u8>], size: usize) -> Continued {
    let hashes: Vec<_> = entries.iter().map(|entry| leaf_hash(entry)).collect();
    let mut edge = Edge::default();
    hashes[..size].iter().for_each(|hash| edge.push(*hash, |_, _| {}));
    let hash = |node: Node| {
        let from = (node.index << node.height) as usize;
        Ok::<_, std::convert::Infallible>(complete_root(&hashes[from..from + (1 << node.height)]))
    };
    let tree = Checkpoint { origin: ORIGIN.into(), size: size as u64, root: edge.root() };
    Continued { tree, hashes: Plan::consistency(size as u64, hashes.len() as u64).unwrap().fill(hash).unwrap() }
}

impl Case {
    fn new() -> Case {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("archive");
        let (b, a) = (store(&root, B, 1, &key()), store(&root, A, 2, &key()));
        let entries = entries(&[&b[0], &a[0], &a[1]]);
        let case = Case { dir, entries };
        write_log(&root.join("log"), &case.entries, &[2, 1]);
        let (two, three) = (cosigned(checkpoint(&case.entries[..2]), &FIRST), cosigned(checkpoint(&case.entries), &SECOND));
        write(root.join("log/cosigned/00000000000000000002"), two.to_string());
        write(root.join("log/cosigned/00000000000000000003"), three.to_string());
        write(root.join("log/checkpoint"), three.to_string());
        export(&case.path("bag"), B, 1, &key());
        let mut own = proof(&case.entries, 0);
        own.checkpoint = three.clone();
        write(case.path(&format!("bag/data/{B}/r0001/r0001.tlog-proof")), own.to_string());
        write(case.path("bag/data/log/checkpoint"), three.to_string());
        write(case.path("bag/data/log/cosigned/00000000000000000002"), two.to_string());
        write(case.path("bag/data/log/continued/00000000000000000002"), continued(&case.entries, 2).to_string());
        write(case.path("bag/bagit.txt"), "BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n");
        trust_with_witnesses(case.dir.path(), "time-tolerance 300");
        case
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn said(&self, name: &str, more: &[&str]) -> Said {
        let (root, trust) = (self.path(name), self.path("trust.txt"));
        run(&[&[root.to_str().unwrap(), "--trust", trust.to_str().unwrap(), "--json"], more].concat())
    }

    fn before(&self, name: &str, more: &[&str]) -> String {
        let said = self.said(name, more);
        said.expect(0, B, "ok", "");
        said.about(B)["time"]["before"].as_str().unwrap_or_default().to_owned()
    }
}

#[test]
fn an_export_alone_bounds_time_as_the_archive_does() {
    let case = Case::new();
    let of_archive = case.said("archive", &[]).about(B)["time"].clone();
    assert_eq!(of_archive["before"], "2026-11-22T09:41:00+07:00");
    for place in ["bag", "bag/data", &format!("bag/data/{B}"), "."] {
        let said = case.said(place, &[]);
        let line = said
            .lines
            .iter()
            .find(|line| line["record"] == B && line["path"].as_str().unwrap() != format!("archive/records/{B}"));
        assert_eq!(line.unwrap()["time"], of_archive, "{place}: {}", said.text);
    }
    // as of a time between the two moments it was there, as in the archive
    for place in ["archive", "bag"] {
        assert_eq!(case.before(place, &["--at", "2026-11-22T10:00:00+07:00"]), "2026-11-22T09:41:00+07:00", "{place}");
    }
    // loose files, with what the export brings named beside them
    let folder = case.path(&format!("bag/data/{B}/r0001"));
    let (excerpt, trust) = (case.path("bag/data/log"), case.path("trust.txt"));
    let mut arguments: Vec<String> = files(&folder).iter().map(|file| file.to_str().unwrap().to_owned()).collect();
    arguments.extend(["--trust", trust.to_str().unwrap(), "--json"].map(str::to_owned));
    let loose = |more: &[&str]| {
        let said = run(&[arguments.iter().map(String::as_str).collect::<Vec<_>>(), more.to_vec()].concat());
        said.expect(0, B, "ok", "");
        said.about(B)["time"].clone()
    };
    assert_eq!(loose(&["--log", excerpt.to_str().unwrap()]), of_archive);
    assert_eq!(loose(&[])["before"], "2026-11-22T10:42:00+07:00", "the proof alone knows of the newest checkpoint only");
}

#[test]
fn what_was_changed_in_it_is_a_bad_log_and_what_is_gone_bounds_nothing() {
    let case = Case::new();
    let late = "2026-11-22T10:42:00+07:00";
    let (continues, cosigns) = ("bag/data/log/continued/00000000000000000002", "bag/data/log/cosigned/00000000000000000002");
    let good = fs::read(case.path(continues)).unwrap();
    let of_three = continued(&case.entries, 3).to_string().into_bytes();
    let mut other = case.entries.clone();
    other.swap(0, 1);
    let forked = continued(&other, 2).to_string().into_bytes();
    let spoiled = [&good[..], b"AAAA\n"].concat();
    for (what, bytes) in [("of another size", of_three), ("of another history", forked), ("spoiled", spoiled), ("empty", vec![])]
    {
        fs::write(case.path(continues), bytes).unwrap();
        let said = case.said("bag", &[]);
        assert_eq!(
            (said.code, said.verdict_at("log/continued/00000000000000000002")),
            (17, Some("bad_log")),
            "{what}: {}",
            said.text
        );
        assert_eq!(said.about(B)["time"]["before"], late, "{what}: it bounds nothing");
    }
    fs::write(case.path(continues), &good).unwrap();
    // cosigned checkpoints: of another tree, with a cosignature that does not fit, without its proof
    let two = fs::read_to_string(case.path(cosigns)).unwrap();
    let another = cosigned(checkpoint(&other[..1]), &FIRST).to_string();
    let moved = two.replacen("w1.example ", "w2.example ", 1);
    for (what, text) in [("another tree", another), ("false cosignature", moved)] {
        fs::write(case.path(cosigns), text).unwrap();
        let said = case.said("bag", &[]);
        let expected = if what == "another tree" { Some("bad_log") } else { None };
        assert_eq!(said.verdict_at("log/cosigned/00000000000000000002"), expected, "{what}: {}", said.text);
        assert_eq!(said.about(B)["time"]["before"], late, "{what}");
    }
    fs::write(case.path(cosigns), &two).unwrap();
    fs::remove_file(case.path(continues)).unwrap();
    fs::create_dir_all(case.path("bag/data/log/continued")).unwrap();
    assert_eq!(case.said("bag", &[]).code, 17, "nothing shows that the log continues it");
    // a checkpoint that nobody believes
    fs::write(case.path(continues), &good).unwrap();
    let own = fs::read_to_string(case.path("bag/data/log/checkpoint")).unwrap();
    fs::write(case.path("bag/data/log/checkpoint"), own.replacen(ORIGIN, "other.example/log", 1)).unwrap();
    let said = case.said("bag", &[]);
    assert_eq!((said.code, said.verdict_at("log/checkpoint")), (17, Some("bad_log")), "{}", said.text);
    // another checkpoint of the log than the proofs' says nothing about them
    fs::remove_dir_all(case.path("bag/data/log/continued")).unwrap();
    assert_eq!(case.before("bag", &[]), late);
}

#[test]
fn an_export_or_archive_in_a_folder_that_is_named_for_a_record_is_judged_as_what_it_is() {
    let case = Case::new();
    fs::rename(case.path("bag"), case.path(B)).unwrap();
    case.said(B, &[]).expect(0, B, "ok", "");
    fs::create_dir(case.path("usb")).unwrap();
    fs::rename(case.path(B), case.path("usb").join(B)).unwrap();
    case.said("usb", &[]).expect(0, B, "ok", "");
    let sampled = case.said("usb", &["--sample", "5", "--seed", "x"]);
    assert_eq!(sampled.lines.last().unwrap()["sample"]["population"], 1, "{}", sampled.text);
    fs::rename(case.path("archive"), case.path(A)).unwrap();
    let said = case.said(A, &[]);
    said.expect(0, A, "ok", "");
    said.expect(0, B, "ok", "");
    // Within an export such a folder is the record's, and what lies in it is no export.
    let record = case.path("usb").join(B).join("data").join(B);
    write(record.join("bagit.txt"), "BagIt-Version: 1.0\n");
    write(record.join("data/more.txt"), "x");
    let said = case.said("usb", &[]);
    assert_eq!((said.code, said.verdicts()), (0, vec!["ok", "unreferenced", "unreferenced"]), "{}", said.text);
}
