//! Every file of an archive's log is held against its entries: a changed, lost or foreign one is named.
#![allow(clippy::unwrap_used)]

mod common;

use common::log::*;
use common::*;
use sohoa_record::Sha256Hex;
use sohoa_record::log::tree::leaf_hash;
use sohoa_record::log::{Checkpoint, Edge, Head, Leaf, NoteSigner};
use std::fs;
use std::path::{Path, PathBuf};

/// An archive of one record, whose log goes on with leaves about receipts elsewhere: heads of these sizes.
struct Case {
    dir: tempfile::TempDir,
    trust: tempfile::TempDir,
    entries: Vec<Vec<u8>>,
}

const BATCHES: [usize; 4] = [1, 254, 2, 300];

impl Case {
    fn new() -> Case {
        let (dir, trust) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let first = store(dir.path(), A, 1, &key());
        let mut entries = entries(&[&first[0]]);
        let mut leaf = Leaf::from_bytes(&entries[0]).unwrap();
        // Leaves that are about no record; what differs is what they state.
        (leaf.kind, leaf.rec, leaf.ver, leaf.prev) = (sohoa_record::log::Kind::KeyEvent, None, None, None);
        entries.extend((1..BATCHES.iter().sum()).map(|n: usize| {
            leaf.man.sha256 = Sha256Hex::of(&n.to_be_bytes());
            leaf.to_bytes()
        }));
        write_log(&dir.path().join("log"), &entries, &BATCHES);
        trust_with_log(trust.path());
        Case { dir, trust, entries }
    }

    fn log(&self, path: &str) -> PathBuf {
        self.dir.path().join("log").join(path)
    }

    fn verify(&self) -> Said {
        verify(self.dir.path(), &self.trust.path().join("trust.txt"))
    }

    /// The one thing that is wrong is that file, for that reason; what is sealed is still whole.
    fn expect_bad(&self, path: &str, reason: &str) {
        let said = self.verify();
        let named = format!("log/{path}");
        assert_eq!((said.code, said.verdict_at(&named)), (17, Some("bad_log")), "{path}: {}", said.text);
        assert_eq!(said.verdicts().len(), 2, "{path}: {}", said.text);
        assert!(said.text.contains(reason), "{path} '{reason}': {}", said.text);
        assert_eq!(said.about(A)["verdict"], "ok");
    }
}

fn head(number: u64, parent: Option<Sha256Hex>, entries: &[Vec<u8>], signer: &NoteSigner) -> (Head, String) {
    let mut edge = Edge::default();
    entries.iter().for_each(|entry| edge.push(leaf_hash(entry), |_, _| {}));
    let tree = Checkpoint { origin: ORIGIN.into(), size: edge.size(), root: edge.root() };
    let head = Head { number, parent, tree };
    let note = signer.sign(&head.text()).to_string();
    (head, note)
}

fn flip(path: &Path, at: usize) -> Vec<u8> {
    let original = fs::read(path).unwrap();
    let mut changed = original.clone();
    changed[at] ^= 1;
    fs::write(path, changed).unwrap();
    original
}

#[test]
fn each_kind_of_file_is_named_when_it_is_changed_cut_or_gone() {
    let case = Case::new();
    case.verify().expect(0, A, "ok", "");
    let mut edge = Edge::default();
    case.entries[..255].iter().for_each(|entry| edge.push(leaf_hash(entry), |_, _| {}));
    let staged = sohoa_record::log::head::staging(2, &edge.root());
    for path in [
        "tile/0/000.p/1",
        "tile/0/000.p/255",
        "tile/0/000",
        "tile/0/001.p/1",
        "tile/0/002.p/45",
        "tile/1/000.p/1",
        "tile/1/000.p/2",
        "tile/entries/000.p/1",
        "tile/entries/000.p/255",
        "tile/entries/001.p/1",
        "create-only",
        &staged,
    ] {
        let file = case.log(path);
        let original = flip(&file, 5);
        case.expect_bad(path, "");
        fs::write(&file, &original[..original.len() - 1]).unwrap();
        case.expect_bad(path, "");
        fs::remove_file(&file).unwrap();
        case.expect_bad(path, "this file of the log is not there");
        fs::write(&file, original).unwrap();
    }
    case.verify().expect(0, A, "ok", "");
}

#[test]
fn staged_entries_must_be_all_that_their_head_added() {
    let case = Case::new();
    let mut edge = Edge::default();
    case.entries[..255].iter().for_each(|entry| edge.push(leaf_hash(entry), |_, _| {}));
    let path = sohoa_record::log::head::staging(2, &edge.root());
    // without the first they still lead to the root, from another tree
    fs::write(case.log(&path), bundle(&case.entries[2..255])).unwrap();
    case.expect_bad(&path, "do not lead to the tree");
}

#[test]
fn heads_are_signed_and_chained() {
    let case = Case::new();
    let path = |number| case.log(&Head::path(number));
    for number in 1..=4 {
        let file = path(number);
        let original = fs::read(&file).unwrap();
        for at in [0, original.len() / 2, original.len() - 1] {
            flip(&file, at);
            assert_eq!(
                case.verify().verdict_at(&format!("log/{}", Head::path(number))),
                Some("bad_log"),
                "head {number} byte {at}"
            );
            fs::write(&file, &original).unwrap();
        }
        fs::remove_file(&file).unwrap();
        case.expect_bad(&Head::path(number), "this file of the log is not there");
        fs::write(&file, &original).unwrap();
    }
    // signed by somebody else under the log's name
    let (second, parent) = (fs::read(path(2)).unwrap(), Some(Sha256Hex::of(&fs::read(path(1)).unwrap())));
    let stranger = NoteSigner::new(ORIGIN, ed25519_dalek::SigningKey::from_bytes(&OTHER_KEY)).unwrap();
    fs::write(path(2), head(2, parent, &case.entries[..255], &stranger).1).unwrap();
    case.expect_bad(&Head::path(2), "no key of this log");
    // signed by the log, and naming another head before it
    fs::write(path(2), head(2, Some(Sha256Hex::of(b"other")), &case.entries[..255], &signer()).1).unwrap();
    assert!(case.verify().text.contains("it names another head before it"));
    fs::write(path(2), second).unwrap();
    // signed by the log over another tree: the log's own key tells two histories
    let mut other = case.entries.clone();
    other.swap(300, 301);
    let parent = Some(Sha256Hex::of(&fs::read(path(3)).unwrap()));
    fs::write(path(4), head(4, parent, &other, &signer()).1).unwrap();
    let said = case.verify();
    assert_eq!(said.verdict_at(&format!("log/{}", Head::path(4))), Some("bad_log"), "{}", said.text);
    assert!(said.text.contains("another root at its size"), "{}", said.text);
}

#[test]
fn a_foreign_file_in_the_log_is_named() {
    let case = Case::new();
    let orphan = sohoa_record::log::head::staging(2, &[7; 32]);
    for (path, reason) in [
        ("note.txt", "no file of a log"),
        ("heads/1", "no file of a log"),
        ("tile/0/0", "no file of a log"),
        ("tile/0/000.p/256", "no file of a log"),
        ("tile/0/009", "no tree of this log"),
        ("tile/3/000.p/1", "no tree of this log"),
        ("tile/entries/000.p/9", "not what the entries yield"),
        (&orphan, "do not lead to the tree"),
    ] {
        let bytes = if path == orphan { bundle(&case.entries[1..2]) } else { b"foreign".to_vec() };
        write(case.log(path), bytes);
        case.expect_bad(path, reason);
        fs::remove_file(case.log(path)).unwrap();
    }
    std::os::unix::fs::symlink("/etc/passwd", case.log("link")).unwrap();
    case.expect_bad("link", "no file of a log");
}

#[test]
fn what_writers_leave_behind_is_no_accusation() {
    let case = Case::new();
    // cut short by power
    write(case.log("tile/0/000.p/1#1"), b"half");
    write(case.log(&(Head::path(9) + "#2")), b"half");
    write(case.log("checkpoint#1"), b"half");
    // staged for the second head by a writer that was not the first
    let loser = [case.entries[..1].to_vec(), case.entries[5..7].to_vec()].concat();
    let (lost, _) = head(2, None, &loser, &signer());
    write(case.log(&lost.staging()), bundle(&loser[1..]));
    // a head beyond the checkpoint, and the first of its tiles: a writer that was stopped after the commit point
    let mut leaf = Leaf::from_bytes(&case.entries[1]).unwrap();
    leaf.man.sha256 = Sha256Hex::of(b"next");
    let next = [case.entries.clone(), vec![leaf.to_bytes()]].concat();
    let parent = Some(Sha256Hex::of(&fs::read(case.log(&Head::path(4))).unwrap()));
    let (beyond, note) = head(5, parent, &next, &signer());
    write(case.log(&beyond.staging()), bundle(&next[557..]));
    write(case.log(&Head::path(5)), note);
    write(case.log("tile/0/002.p/46"), next[512..].iter().map(|entry| leaf_hash(entry)).collect::<Vec<_>>().concat());
    case.verify().expect(0, A, "ok", "");
    assert_eq!(case.verify().verdicts(), ["ok"]);
    // it is looked at all the same
    flip(&case.log("tile/0/002.p/46"), 40);
    case.expect_bad("tile/0/002.p/46", "not what the entries yield");
}
