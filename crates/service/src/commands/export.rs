//! `sohoa export`: what an auditor or another archive takes away. A BagIt bag (RFC 8493) with one folder a revision, which
//! `sohoa-verify` checks offline and people can read without any of our programs.

use super::{Failure, Outcome, find_record, open_indexed};
use crate::config::Config;
use crate::present::counted;
use crate::time;
use futures::TryStreamExt as _;
use sohoa_archive::{Archive, layout};
use sohoa_record::Hasher;
use sohoa_record::identifier::RecordId;
use sohoa_record::log::{Checkpoint, Leaf, Note};
use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Runs it.
pub async fn run(config: &Config, records: &[String], to: &Path) -> Outcome {
    let archive = open_indexed(config).await?;
    let mut wanted: Vec<RecordId> = Vec::new();
    for given in records {
        let record = find_record(&archive, given).await?;
        if !wanted.contains(&record) {
            wanted.push(record);
        }
    }
    let taken = std::fs::read_dir(to).is_ok_and(|mut entries| entries.next().is_some());
    if taken || to.is_file() {
        return Err(Failure::Usage(format!("{} is not empty; name a new folder", to.display())));
    }
    fill(&archive, &wanted, to).await?;
    println!("{} in {}", counted(wanted.len(), "record"), to.display());
    println!("check it anywhere with: sohoa-verify {} --trust TRUST_FILE", to.display());
    Ok(ExitCode::SUCCESS)
}

/// Makes a bag of those records in a new folder.
pub async fn fill(archive: &Archive, records: &[RecordId], to: &Path) -> Result<(), Failure> {
    let mut bag = Bag::new(to)?;
    // All proofs are under one checkpoint, so that one excerpt of the log goes with them.
    let head = archive.head_for(records).await?;
    let mut leaves = Vec::new();
    for record in records {
        export(archive, record, head.as_ref(), &mut leaves, &mut bag).await?;
    }
    if let Some(head @ (note, tree)) = &head {
        for (keyring, proof) in archive.keyring_proofs(head).await? {
            let name = format!("data/keyring/v{:04}", keyring.version);
            bag.write(&format!("{name}.json"), &keyring.bytes)?;
            if let Some(proof) = proof {
                bag.write(&format!("{name}.tlog-proof"), proof.to_string().as_bytes())?;
            }
        }
        for (path, bytes) in archive.log().excerpt(note, tree, &leaves).await? {
            bag.write(&format!("data/log/{path}"), &bytes)?;
        }
    }
    bag.finish()
}

/// One record; notes where in the log its leaves are.
async fn export(
    archive: &Archive,
    record: &RecordId,
    head: Option<&(Note, Checkpoint)>,
    leaves: &mut Vec<u64>,
    bag: &mut Bag,
) -> Result<(), Failure> {
    if let Some(destroyed) = archive.destroyed(record).await? {
        let name = format!("data/{record}/r{0:04}/r{0:04}", destroyed.opened.tombstone.revision);
        bag.write(&format!("{name}.dsse.json"), &destroyed.bytes)?;
        leaves.extend(prove(archive, head, &destroyed.opened.leaf, &name, bag).await?);
        return Ok(());
    }
    let revisions = archive.revisions(record).await?;
    for opened in &revisions {
        let m = &opened.manifest;
        let folder = format!("data/{record}/r{:04}", m.revision);
        let receipt = archive.receipt_bytes(record, m.revision).await?.unwrap_or_default();
        let name = layout::receipt(record, m.revision).filename().unwrap_or("receipt.dsse.json").to_owned();
        bag.write(&format!("{folder}/{name}"), &receipt)?;
        bag.write(&format!("{folder}/manifest.json"), &opened.bytes)?;
        let proof = format!("{folder}/r{:04}", m.revision);
        match prove(archive, head, &Leaf::of_revision(opened), &proof, bag).await? {
            None if head.is_some() => {
                eprintln!("record {record}, revision {} is not in the log yet: `sohoa log append`, then export again", m.revision)
            }
            index => leaves.extend(index),
        }
        for object in &m.objects {
            let mut file = bag.create(&format!("{folder}/{}", object.name))?;
            let mut pieces = archive.objects.open(&object.digests.sha256).await?;
            while let Some(piece) = pieces.try_next().await? {
                file.write(&piece)?;
            }
            bag.close(file)?;
        }
    }
    Ok(())
}

/// Writes the proof that the leaf is in the log; gives its index, none when it is not in there (yet).
async fn prove(
    archive: &Archive,
    head: Option<&(Note, Checkpoint)>,
    leaf: &Leaf,
    name: &str,
    bag: &mut Bag,
) -> Result<Option<u64>, Failure> {
    let Some(head) = head else { return Ok(None) };
    let Some(proof) = archive.leaf_proof_under(head, leaf).await? else { return Ok(None) };
    bag.write(&format!("{name}.tlog-proof"), proof.to_string().as_bytes())?;
    Ok(Some(proof.index))
}

/// A bag that is being filled.
struct Bag {
    root: PathBuf,
    sha256: String,
    sha512: String,
    octets: u64,
    files: u64,
}

/// One file of it.
struct BagFile {
    name: String,
    path: PathBuf,
    file: File,
    hasher: Hasher,
}

impl BagFile {
    fn write(&mut self, piece: &[u8]) -> Result<(), Failure> {
        self.hasher.update(piece);
        self.file.write_all(piece).map_err(|e| unwritable(&self.path, e))
    }
}

impl Bag {
    fn new(root: &Path) -> Result<Bag, Failure> {
        std::fs::create_dir_all(root.join("data")).map_err(|e| unwritable(root, e))?;
        Ok(Bag { root: root.to_owned(), sha256: String::new(), sha512: String::new(), octets: 0, files: 0 })
    }

    fn create(&self, name: &str) -> Result<BagFile, Failure> {
        let path = self.root.join(name);
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(|e| unwritable(folder, e))?;
        }
        let file = File::create_new(&path).map_err(|e| unwritable(&path, e))?;
        Ok(BagFile { name: name.to_owned(), path, file, hasher: Hasher::new() })
    }

    fn close(&mut self, file: BagFile) -> Result<(), Failure> {
        file.file.sync_all().map_err(|e| unwritable(&file.path, e))?;
        let digests = file.hasher.finish();
        self.sha256.push_str(&format!("{}  {}\n", digests.sha256, file.name));
        self.sha512.push_str(&format!("{}  {}\n", digests.sha512, file.name));
        self.octets += digests.size;
        self.files += 1;
        Ok(())
    }

    fn write(&mut self, name: &str, bytes: &[u8]) -> Result<(), Failure> {
        let mut file = self.create(name)?;
        file.write(bytes)?;
        self.close(file)
    }

    fn finish(self) -> Result<(), Failure> {
        let info = format!(
            "Bagging-Date: {}\nBag-Software-Agent: {}\nPayload-Oxum: {}.{}\n",
            time::now().date(),
            crate::sealing::SOFTWARE,
            self.octets,
            self.files
        );
        let tags = [
            ("bagit.txt", "BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n".to_owned()),
            ("bag-info.txt", info),
            ("manifest-sha256.txt", self.sha256),
            ("manifest-sha512.txt", self.sha512),
        ];
        for (name, text) in tags {
            let path = self.root.join(name);
            std::fs::write(&path, text).map_err(|e| unwritable(&path, e))?;
        }
        Ok(())
    }
}

fn unwritable(path: &Path, error: std::io::Error) -> Failure {
    Failure::Archive(format!("{} cannot be written: {error}; check the disk and its space", path.display()))
}
