//! The log before judges in Rust that are not ours: Cloudflare's `signed_note` opens our notes, its `tlog_tiles` judges tiles, inclusion and
//! consistency; and notes, trees and folders of tiles that these two made are read by us. They write the older paths `tile/8/<level>/…` and
//! `tile/8/data/…`, for which C2SP has `tile/<level>/…` and `tile/entries/…`.
#![allow(clippy::unwrap_used)]

mod common;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use common::log::*;
use common::*;
use ed25519_dalek::SigningKey;
use signed_note::{NoteError, Signer as _, StandardSigner, StandardVerifier, VerifierList};
use sohoa_archive::Archive;
use sohoa_record::TrustPolicy;
use sohoa_record::log::note::KeyType;
use sohoa_record::log::proof::{continues, includes};
use sohoa_record::log::tile::push_entry;
use sohoa_record::log::tree::{empty_root, leaf_hash};
use sohoa_record::log::{Note, TlogProof, VerifierKey, cosignature};
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use tlog_tiles::{
    Checkpoint, EMPTY_HASH, Error, Hash, HashReader, Tile, TileHashReader, TileReader, check_record, check_tree, prove_record,
    prove_tree, record_hash, stored_hash_index, stored_hashes, tree_hash,
};

/// Where C2SP has the tile.
fn path(tile: &Tile) -> String {
    tile.path().replacen("tile/8/data/", "tile/entries/", 1).replacen("tile/8/", "tile/", 1)
}

/// Tiles of a folder that we wrote.
struct Folder(PathBuf);

impl TileReader for Folder {
    fn height(&self) -> u8 {
        8
    }

    fn read_tiles(&self, tiles: &[Tile]) -> Result<Vec<Vec<u8>>, Error> {
        let read = |tile: &Tile| std::fs::read(self.0.join(path(tile))).map_err(|_| Error::InvalidTile);
        tiles.iter().map(read).collect()
    }

    fn save_tiles(&self, _: &[Tile], _: &[Vec<u8>]) {}
}

/// A tree that they made, in memory.
#[derive(Default)]
struct Tree(RefCell<Vec<Hash>>);

impl HashReader for Tree {
    fn read_hashes(&self, indexes: &[u64]) -> Result<Vec<Hash>, Error> {
        indexes.iter().map(|at| self.0.borrow().get(*at as usize).copied().ok_or(Error::IndexesNotInTree)).collect()
    }
}

impl Tree {
    fn of(entries: &[Vec<u8>]) -> Tree {
        let tree = Tree::default();
        for (n, entry) in (0..).zip(entries) {
            let hashes = stored_hashes(n, entry, &tree).unwrap();
            tree.0.borrow_mut().extend(hashes);
        }
        tree
    }
}

fn known(vkey: &str) -> VerifierList {
    VerifierList::new(vec![Box::new(StandardVerifier::new(vkey).unwrap())])
}

/// Their reading of a checkpoint of ours, which must be signed; else what is wrong.
fn opened(bytes: &[u8]) -> Result<Checkpoint, String> {
    let note = signed_note::Note::from_bytes(bytes).map_err(|e| e.to_string())?;
    note.verify(&known(&signer().public().to_string())).map_err(|e| e.to_string())?;
    Checkpoint::from_bytes(note.text()).map_err(|e| e.to_string())
}

/// They read checkpoint, every leaf's hash through the tiles, and every entry; the error is theirs.
fn read_whole(folder: &Path) -> Result<Checkpoint, String> {
    let tree = opened(&std::fs::read(folder.join("checkpoint")).unwrap())?;
    let tiles = Folder(folder.to_owned());
    let reader = TileHashReader::new(tree.size(), *tree.hash(), &tiles);
    let indexes: Vec<u64> = (0..tree.size()).map(|n| stored_hash_index(0, n)).collect();
    let hashes = reader.read_hashes(&indexes).map_err(|e| e.to_string())?;
    for (number, hashes) in (0..).zip(hashes.chunks(256)) {
        let bundle = std::fs::read(folder.join(path(&Tile::new(8, 0, number, hashes.len() as u32, true)))).unwrap();
        let mut rest = bundle.as_slice();
        for hash in hashes {
            let (length, behind) = rest.split_first_chunk::<2>().ok_or("the bundle ends early")?;
            let entry = behind.split_at_checked(u16::from_be_bytes(*length).into()).ok_or("an entry ends early")?;
            if record_hash(entry.0) != *hash {
                return Err("an entry is not the one of its leaf".into());
            }
            rest = entry.1;
        }
        if !rest.is_empty() {
            return Err("the bundle goes on behind its last entry".into());
        }
    }
    Ok(tree)
}

fn theirs(hashes: &[[u8; 32]]) -> Vec<Hash> {
    hashes.iter().map(|hash| Hash(*hash)).collect()
}

fn ours(hashes: &[Hash]) -> Vec<[u8; 32]> {
    hashes.iter().map(|hash| hash.0).collect()
}

/// Every proof that is like `proof` but for one bit, one hash less, or one more.
fn altered(proof: &[Hash]) -> Vec<Vec<Hash>> {
    let mut altered: Vec<Vec<Hash>> = Vec::new();
    for at in 0..proof.len() {
        let mut other = proof.to_vec();
        other[at].0[at % 32] ^= 1;
        altered.push(other);
    }
    altered.extend((!proof.is_empty()).then(|| proof[1..].to_vec()));
    altered.push([proof, &[Hash([7; 32])]].concat());
    altered
}

#[tokio::test]
async fn azul_reads_our_log_and_judges_our_proofs() {
    let place = Place::new();
    let archive = place.open_logged().await;
    let log = open(&archive).await;
    let folder = place.folder().join("log");
    assert_eq!(Hash(empty_root()), EMPTY_HASH);
    let mut older: Vec<Checkpoint> = Vec::new();
    let mut size = 0;
    for next in [1, 2, 3, 7, 8, 20, 255, 256, 257, 511, 513, 1000] {
        log.append(&leaves(size..next)).await.unwrap();
        // Every tile that this growth wants published is there, under its path, with the bytes that they would write.
        let entries: Vec<Vec<u8>> = leaves(0..next).iter().map(|entry| entry.to_vec()).collect();
        let own = Tree::of(&entries);
        for tile in Tile::new_tiles(8, size, next) {
            let bytes = tile.read_data(&own).unwrap();
            assert_eq!(std::fs::read(folder.join(path(&tile))).unwrap(), bytes, "{} of {next}", tile.path());
        }
        size = next;
        let tree = read_whole(&folder).unwrap();
        assert_eq!((tree.origin(), tree.size(), tree.extension()), (ORIGIN, size, ""));
        assert_eq!(tree_hash(size, &own).unwrap(), *tree.hash());
        let reader = archive.log();
        for index in (0..size).step_by(61).chain([size - 1]) {
            let proof = theirs(&reader.inclusion(index, size).await.unwrap());
            let leaf = record_hash(&leaf(index));
            check_record(&proof, size, *tree.hash(), index, leaf).unwrap();
            assert_eq!(prove_record(size, index, &own).unwrap(), proof, "leaf {index} of {size}");
            assert!(check_record(&proof, size, *tree.hash(), index, record_hash(b"another")).is_err());
            for other in altered(&proof) {
                assert!(check_record(&other, size, *tree.hash(), index, leaf).is_err(), "leaf {index} of {size}");
            }
        }
        for old in &older {
            let proof = theirs(&reader.consistency(old.size(), size).await.unwrap());
            check_tree(&proof, size, *tree.hash(), old.size(), *old.hash()).unwrap();
            assert_eq!(prove_tree(size, old.size(), &own).unwrap(), proof, "{} to {size}", old.size());
            assert!(check_tree(&proof, size, *tree.hash(), old.size(), record_hash(b"a fork")).is_err());
            for other in altered(&proof) {
                assert!(check_tree(&other, size, *tree.hash(), old.size(), *old.hash()).is_err(), "{} to {size}", old.size());
            }
        }
        older.push(tree);
    }
}

#[tokio::test]
async fn azul_refuses_what_was_changed() {
    let place = Place::new();
    let log = open(&place.open_logged().await).await;
    log.append(&leaves(0..300)).await.unwrap();
    let folder = place.folder().join("log");
    assert_eq!(read_whole(&folder).unwrap().size(), 300);
    let mut files: BTreeSet<String> = Tile::new_tiles(8, 0, 300).iter().map(path).collect();
    files.extend(["checkpoint", "tile/entries/000", "tile/entries/001.p/44"].map(str::to_owned));
    assert_eq!(files.len(), 3 + 3);
    for name in files {
        let file = folder.join(&name);
        let bytes = std::fs::read(&file).unwrap();
        for at in [0, bytes.len() / 2, bytes.len() - 2] {
            let mut changed = bytes.clone();
            changed[at] ^= 1;
            std::fs::write(&file, &changed).unwrap();
            assert!(read_whole(&folder).is_err(), "byte {at} of {name}");
        }
        std::fs::write(&file, &bytes[..bytes.len() - 1]).unwrap();
        assert!(read_whole(&folder).is_err(), "{name} cut");
        std::fs::write(&file, bytes).unwrap();
    }
    read_whole(&folder).unwrap();
}

#[test]
fn azul_opens_our_notes_and_passes_cosignatures_over() {
    let note = signer().sign("origin.example/log\n7\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n");
    let vkey = signer().public().to_string();
    let mut cosigned = note.clone();
    let witness = SigningKey::from_bytes(&[9; 32]);
    cosigned.signatures.push(cosignature::cosign(&note.text, "witness.example/w", &witness, 1_700_000_000).unwrap());
    for (note, others) in [(&note, 0), (&cosigned, 1)] {
        let read = signed_note::Note::from_bytes(note.to_string().as_bytes()).unwrap();
        let (verified, unverified) = read.verify(&known(&vkey)).unwrap();
        assert_eq!((verified.len(), unverified.len(), read.text()), (1, others, note.text.as_bytes()));
        assert_eq!(read.to_bytes(), note.to_string().into_bytes(), "one spelling");
    }
    // A key that it does not know leaves it unverified; a signature that does not fit, or a text that it is not over, refuses the note.
    let other = VerifierKey::new(ORIGIN, KeyType::Note, witness.verifying_key()).unwrap().to_string();
    let read = signed_note::Note::from_bytes(note.to_string().as_bytes()).unwrap();
    assert!(matches!(read.verify(&known(&other)), Err(NoteError::UnverifiedNote)));
    let changed = note.to_string().replacen("\n7\n", "\n8\n", 1);
    let read = signed_note::Note::from_bytes(changed.as_bytes()).unwrap();
    assert!(matches!(read.verify(&known(&vkey)), Err(NoteError::InvalidSignature { .. })));
    // A key of ours is not believed under another name, nor a cosigning one as a log's.
    let (_, rest) = vkey.split_once('+').unwrap();
    let cosigning = VerifierKey::new(ORIGIN, KeyType::Cosignature, witness.verifying_key()).unwrap().to_string();
    assert!(StandardVerifier::new(&format!("another.example/log+{rest}")).is_err() && StandardVerifier::new(&cosigning).is_err());
}

/// A signer of theirs, and its key as we write it.
fn azul() -> (StandardSigner, VerifierKey) {
    let (name, key) = ("azul.example/log", SigningKey::from_bytes(&[0x2a; 32]));
    let public = [&[1], key.verifying_key().as_bytes().as_slice()].concat();
    let secret = STANDARD.encode([&[1], key.as_bytes().as_slice()].concat());
    let skey = format!("PRIVATE+KEY+{name}+{:08x}+{secret}", signed_note::key_id(name, &public));
    (StandardSigner::new(&skey).unwrap(), VerifierKey::new(name, KeyType::Note, key.verifying_key()).unwrap())
}

fn signed(signer: &StandardSigner, tree: &Checkpoint) -> Vec<u8> {
    let mut note = signed_note::Note::new(&tree.to_bytes(), &[]).unwrap();
    note.add_sigs(&[signer]).unwrap();
    note.to_bytes()
}

#[tokio::test]
async fn what_azul_wrote_is_read_by_us() {
    let (signer, key) = azul();
    assert_eq!(key.id(), signer.key_id().to_be_bytes());
    assert_eq!(VerifierKey::parse(&key.to_string()).unwrap(), key);
    let sealing = sohoa_record::trust::policy_line(&common::key().verifying_key(), "tests");
    let policy = TrustPolicy::parse(&format!("{sealing}\nlog {key}\nquorum none\n")).unwrap();
    let entries: Vec<Vec<u8>> = leaves(0..700).iter().map(|entry| entry.to_vec()).collect();
    let mut older: Vec<Checkpoint> = Vec::new();
    for size in [1, 2, 5, 255, 256, 257, 700] {
        let entries = &entries[..size as usize];
        let tree = Tree::of(entries);
        let head = Checkpoint::new(signer.name(), size, tree_hash(size, &tree).unwrap(), "").unwrap();
        let bytes = signed(&signer, &head);
        let note = Note::parse(&bytes).unwrap();
        assert_eq!((note.to_string().as_bytes(), note.signed_by(&key)), (&bytes[..], Ok(vec![None])));
        // A folder as they would write it, under C2SP's paths.
        let place = Place::new();
        let write = |name: &str, bytes: &[u8]| {
            let file = place.folder().join("log").join(name);
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::write(file, bytes).unwrap();
        };
        write("checkpoint", &bytes);
        for tile in Tile::new_tiles(8, 0, size) {
            write(&path(&tile), &tile.read_data(&tree).unwrap());
        }
        for (number, entries) in (0..).zip(entries.chunks(256)) {
            let mut bundle = Vec::new();
            entries.iter().for_each(|entry| push_entry(&mut bundle, entry).unwrap());
            write(&path(&Tile::new(8, 0, number, entries.len() as u32, true)), &bundle);
        }
        let archive = Archive::open(place.store(), Some(&place.folder()), &place.database(), policy.clone()).await.unwrap();
        let (found, read) = published(&archive).await;
        assert_eq!((found.origin.as_str(), found.size, Hash(found.root)), (signer.name(), size, *head.hash()));
        assert_eq!(read, entries);
        let reader = archive.log();
        for index in (0..size).step_by(97).chain([size - 1]) {
            let leaf = leaf_hash(&entries[index as usize]);
            let proof = prove_record(size, index, &tree).unwrap();
            assert!(includes(&leaf, index, size, &found.root, &ours(&proof)));
            assert_eq!(reader.inclusion(index, size).await.unwrap(), ours(&proof));
            for other in altered(&proof) {
                assert!(!includes(&leaf, index, size, &found.root, &ours(&other)), "leaf {index} of {size}");
            }
            let proof = TlogProof { extra: None, index, hashes: ours(&proof), checkpoint: note.clone() };
            let proof = TlogProof::parse(proof.to_string().as_bytes()).unwrap();
            let judged = |entry: &[u8]| proof.verify(entry, policy.log().unwrap()).map(|cosigned| cosigned.checkpoint.size);
            assert_eq!(judged(&entries[index as usize]), Ok(size));
            assert!(judged(b"another").is_err());
        }
        for old in &older {
            let proof = ours(&prove_tree(size, old.size(), &tree).unwrap());
            assert!(continues(old.size(), &old.hash().0, size, &found.root, &proof), "{} to {size}", old.size());
            assert!(!continues(old.size(), &[7; 32], size, &found.root, &proof));
            for other in altered(&theirs(&proof)) {
                assert!(!continues(old.size(), &old.hash().0, size, &found.root, &ours(&other)), "{} to {size}", old.size());
            }
        }
        older.push(head);
        // What was changed in their folder is no log of ours either.
        let forged = String::from_utf8(bytes.clone()).unwrap().replacen(&format!("\n{size}\n"), &format!("\n{}\n", size + 1), 1);
        assert!(Note::parse(forged.as_bytes()).unwrap().signed_by(&key).is_err());
        write("checkpoint", forged.as_bytes());
        assert!(archive.log_head().await.is_err());
        write("checkpoint", &bytes);
        let first = Tile::new_tiles(8, 0, size)[0];
        let mut hashes = first.read_data(&tree).unwrap();
        hashes[5] ^= 1;
        write(&path(&first), &hashes);
        // The first leaf's hash is the root of one leaf, and in every proof of the second.
        if size == 1 {
            assert_ne!(reader.root(size).await.unwrap(), found.root);
        } else {
            let proof = reader.inclusion(1, size).await.unwrap();
            assert!(!includes(&leaf_hash(&entries[1]), 1, size, &found.root, &proof), "a changed tile of {size} leaves");
        }
    }
}
