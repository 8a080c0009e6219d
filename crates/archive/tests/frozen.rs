//! A small archive that is frozen with its whole log (`fixtures/log/v1/archive`), and an export of it (`fixtures/log/v1/export`): heads, staged
//! entries, tiles, checkpoints as witnesses cosigned them, time stamps and their renewal, proofs, and how later trees continue earlier ones.
//! Today's writer must write the same bytes; that they are read for ever is for the tests of `verify` and `sign`.
//!
//! `SOHOA_FREEZE=1` writes the two when they are not there. Of their keys only that of the time stamps was drawn by chance, and is gone.
#![allow(clippy::unwrap_used)]

mod common;

use common::log::*;
use common::*;
use ed25519_dalek::SigningKey;
use sohoa_archive::{Archive, Arriving, Log};
use sohoa_record::TrustPolicy;
use sohoa_record::log::cosignature::cosign;
use sohoa_record::log::head::{anchor, anchored};
use sohoa_record::log::note::KeyType;
use sohoa_record::log::{Leaf, Note, VerifierKey};
use sohoa_record::seal::Opened;
use sohoa_record::trust::policy_line;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

const WITNESS: &str = "witness.example/w";
const RECORDS: [&str; 2] = ["0193a5c2-7e1b-7c3d-9f00-00000000000a", "0193a5c2-7e1b-7c3d-9f00-00000000000b"];

/// When the witness saw the log of one, three and four leaves: 08:11, 09:11 and 10:11 of 22 November 2026 at +07:00.
const SEEN: [u64; 3] = [1_795_309_860, 1_795_313_460, 1_795_317_060];

/// Files that are no part of the archive.
const BESIDE: [&str; 2] = ["trust.txt", "expected.jsonl"];

fn witness() -> SigningKey {
    SigningKey::from_bytes(b"sohoa TEST-ONLY witness's key  1")
}

/// Makes the token over those bytes.
type Stamp<'a> = dyn Fn(&[u8]) -> Vec<u8> + 'a;

async fn cosigned(log: &Log, time: u64) {
    let mut note: Note = log.reader().checkpoint().await.unwrap().unwrap();
    note.signatures.push(cosign(&note.text, WITNESS, &witness(), time).unwrap());
    assert!(log.publish_cosigned(&note).await.unwrap());
}

/// A record as a worker commits it.
async fn committed(archive: &Archive, name: &str, record: &str, salt: u8) -> Opened {
    let document = document(name, &["QUYẾT ĐỊNH", "Về việc thử nghiệm"]);
    let arriving = Arriving { record: record.parse().unwrap(), ..document.arriving() };
    let arrived = archive.arrive(arriving, sohoa_archive::SourceBytes::Bytes(document.bytes.clone().into())).await.unwrap();
    let receipt = seal(archive, &document, &arrived, salt).await.unwrap();
    archive.commit(&receipt).await.unwrap().opened().clone()
}

/// The archive: a record, its revision and another record, a stamp over the three leaves, and one that renews it, which is a leaf too.
async fn write(place: &Place, policy: &TrustPolicy, first: &Stamp<'_>, second: &Stamp<'_>) -> Archive {
    let archive = Archive::open(place.store(), Some(&place.folder()), &place.database(), policy.clone()).await.unwrap();
    let log = open(&archive).await;
    let one = committed(&archive, "a.png", RECORDS[0], 1).await;
    log.append_leaves(&[Leaf::of_revision(&one)]).await.unwrap();
    cosigned(&log, SEEN[0]).await;
    let receipt = revise(&archive, &RECORDS[0].parse().unwrap(), |_| {}).await;
    let revised = archive.commit(&receipt).await.unwrap().opened().clone();
    let two = committed(&archive, "b.png", RECORDS[1], 2).await;
    log.append_leaves(&[Leaf::of_revision(&revised), Leaf::of_revision(&two)]).await.unwrap();
    cosigned(&log, SEEN[1]).await;
    let text = log.reader().checkpoint().await.unwrap().unwrap().text;
    let token = first(&anchored(&text, None));
    assert!(log.keep_anchor(3, 1, &token).await.unwrap());
    assert!(log.keep_anchor(3, 2, &second(&anchored(&text, Some(&token)))).await.unwrap());
    log.append_renewals().await.unwrap();
    cosigned(&log, SEEN[2]).await;
    archive
}

/// What `sohoa export` takes of the first record and of the log.
async fn exported(archive: &Archive) -> BTreeMap<PathBuf, Vec<u8>> {
    let record = RECORDS[0].parse().unwrap();
    let head = archive.head_for(std::slice::from_ref(&record)).await.unwrap().unwrap();
    let (mut bag, mut leaves) = (BTreeMap::new(), Vec::new());
    for opened in archive.revisions(&record).await.unwrap() {
        let name = format!("data/{record}/r{0:04}/r{0:04}", opened.manifest.revision);
        let receipt = archive.receipt_bytes(&record, opened.manifest.revision).await.unwrap().unwrap();
        let proof = archive.leaf_proof_under(&head, &Leaf::of_revision(&opened)).await.unwrap().unwrap();
        leaves.push(proof.index);
        bag.insert(format!("{name}.dsse.json").into(), receipt.to_vec());
        bag.insert(format!("{name}.tlog-proof").into(), proof.to_string().into_bytes());
        let folder = PathBuf::from(&name).parent().unwrap().to_owned();
        bag.insert(folder.join("manifest.json"), opened.bytes.clone());
        for object in &opened.manifest.objects {
            let stored = archive.objects.get(&object.digests.sha256).await.unwrap();
            bag.insert(folder.join(&object.name), stored.to_vec());
        }
    }
    for (name, bytes) in archive.log().excerpt(&head.0, &head.1, &leaves).await.unwrap() {
        bag.insert(Path::new("data/log").join(name), bytes.to_vec());
    }
    bag.insert("bagit.txt".into(), b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n".to_vec());
    bag
}

fn read(root: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let (mut found, mut folders) = (BTreeMap::new(), vec![root.to_owned()]);
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(root).unwrap().to_owned();
            if path.is_dir() {
                folders.push(path);
            } else if !BESIDE.contains(&name.to_str().unwrap()) {
                found.insert(name, std::fs::read(&path).unwrap());
            }
        }
    }
    found
}

/// A time-stamping service of openssl whose certificates are good for more than fifty years, in a folder.
struct Service(tempfile::TempDir);

impl Service {
    fn new() -> Service {
        let service = Service(tempfile::tempdir().unwrap());
        let sections = "[req]\ndistinguished_name=n\n[n]\n[ca]\nbasicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\n\
            subjectKeyIdentifier=hash\n[stamp]\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=critical,timeStamping\n\
            [tsa]\ndefault_tsa=t\n[t]\nserial=serial\ndefault_policy=1.2.3\ndigests=sha256\nsigner_digest=sha256\ness_cert_id_alg=sha256\n\
            signer_cert=tsa.pem\nsigner_key=tsa.key\ncerts=root.pem\n";
        std::fs::write(service.0.path().join("c"), sections).unwrap();
        std::fs::write(service.0.path().join("serial"), "01\n").unwrap();
        let key = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -config c";
        service
            .openssl(&format!("req -x509 {key} -keyout root.key -out root.pem -days 21900 -subj /CN=TEST-ONLY -extensions ca"));
        service.openssl(&format!("req {key} -keyout tsa.key -out tsa.csr -subj /CN=TEST-ONLY-stamps"));
        let issue = "x509 -req -in tsa.csr -CA root.pem -CAkey root.key -CAcreateserial -days 20000 -extfile c -extensions stamp -out tsa.pem";
        service.openssl(issue);
        service
    }

    fn openssl(&self, arguments: &str) {
        let output = Command::new("openssl").args(arguments.split(' ')).current_dir(self.0.path()).output().unwrap();
        assert!(output.status.success(), "openssl {arguments}: {}", String::from_utf8_lossy(&output.stderr));
    }

    fn stamp(&self, bytes: &[u8]) -> Vec<u8> {
        std::fs::write(self.0.path().join("data"), bytes).unwrap();
        self.openssl("ts -query -data data -sha256 -cert -out query");
        self.openssl("ts -reply -config c -queryfile query -token_out -out token");
        std::fs::read(self.0.path().join("token")).unwrap()
    }

    /// The policy that believes everybody here.
    fn policy(&self) -> String {
        let pem = std::fs::read_to_string(self.0.path().join("root.pem")).unwrap();
        let root: String = pem.lines().filter(|line| !line.contains("-----")).collect();
        let witness = VerifierKey::new(WITNESS, KeyType::Cosignature, witness().verifying_key()).unwrap();
        format!(
            "# test only\n{}\nlog {}\nwitness w {witness}\nquorum w\ntimestamp-root {root} TEST-ONLY\n",
            policy_line(&key().verifying_key(), "tests"),
            signer().public()
        )
    }
}

async fn freeze(folder: &Path) {
    let (service, place) = (Service::new(), Place::new());
    let text = service.policy();
    let stamp = |bytes: &[u8]| service.stamp(bytes);
    let archive = write(&place, &TrustPolicy::parse(&text).unwrap(), &stamp, &stamp).await;
    let trees = [("archive", read(&place.folder())), ("export", exported(&archive).await)];
    for (form, files) in trees {
        for (name, bytes) in files.into_iter().chain([("trust.txt".into(), text.clone().into_bytes())]) {
            let path = folder.join(form).join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, bytes).unwrap();
        }
    }
}

#[tokio::test]
async fn todays_writer_writes_the_frozen_archive_its_log_and_its_export() {
    let folder = golden("");
    if std::env::var_os("SOHOA_FREEZE").is_some() && !folder.join("archive").exists() {
        freeze(&folder).await;
    }
    let (frozen, bag) = (read(&folder.join("archive")), read(&folder.join("export")));
    // Each kind of file that the log may have is among them, and those that come with an export.
    for (files, kinds) in [
        (&frozen, &["heads/", "staging/", "tile/0/", "tile/entries/", "cosigned/", "anchors/", "checkpoint", "create-only"][..]),
        (&bag, &["log/checkpoint", "log/cosigned/", "log/anchors/", "log/continued/", ".tlog-proof"][..]),
    ] {
        for kind in kinds {
            assert!(files.keys().any(|name| name.to_str().unwrap().contains(kind)), "{kind}");
        }
    }
    let policy = std::fs::read_to_string(folder.join("archive/trust.txt")).unwrap();
    let stamp = |number: u32| frozen[&Path::new("log").join(anchor(3, number))].clone();
    let place = Place::new();
    let archive = write(&place, &TrustPolicy::parse(&policy).unwrap(), &|_| stamp(1), &|_| stamp(2)).await;
    for (written, frozen) in [(read(&place.folder()), frozen), (exported(&archive).await, bag)] {
        assert_eq!(written.keys().collect::<Vec<_>>(), frozen.keys().collect::<Vec<_>>());
        for (name, bytes) in written {
            assert!(bytes == frozen[&name], "{name:?} is written otherwise than it was released");
        }
    }
    let (report, findings) = fsck(&archive).await;
    assert!(report.is_clean() && findings.is_empty(), "{findings:?}");
}
