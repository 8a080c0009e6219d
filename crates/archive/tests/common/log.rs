//! A log in an archive of the tests, its leaves, and Go's packages as its outside judge.

use super::{Place, key};
use bytes::Bytes;
use ed25519_dalek::SigningKey;
use object_store::{ObjectStore, ObjectStoreExt as _};
use sohoa_archive::{Archive, Log};
use sohoa_record::log::head::Head;
use sohoa_record::log::leaf::{FORMAT, StatementDigests};
use sohoa_record::log::tree::leaf_hash;
use sohoa_record::log::{Checkpoint, Edge, Kind, Leaf, Note, NoteSigner, Tile};
use sohoa_record::trust::policy_line;
use sohoa_record::{Digests, Sha256Hex, TrustPolicy};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

pub const ORIGIN: &str = "sohoa.example/test-log";

pub fn signer() -> NoteSigner {
    NoteSigner::new(ORIGIN, SigningKey::from_bytes(b"sohoa TEST-ONLY checkpoint key 1")).unwrap()
}

pub fn trust() -> TrustPolicy {
    TrustPolicy::parse(&format!("{}\nlog {}\nquorum none\n", policy_line(&key().verifying_key(), "tests"), signer().public()))
        .unwrap()
}

impl Place {
    /// The archive of a policy that names the log.
    pub async fn open_logged(&self) -> Archive {
        self.open_logged_over(self.store()).await
    }

    pub async fn open_logged_over(&self, store: Arc<dyn ObjectStore>) -> Archive {
        Archive::open(store, Some(&self.folder()), &self.database(), trust()).await.unwrap()
    }
}

/// A leaf as a record would have it, of that number.
pub fn leaf(n: u64) -> Bytes {
    let digests = Digests::of(&n.to_be_bytes());
    let leaf = Leaf {
        key: Sha256Hex::of(b"key"),
        kind: Kind::Record,
        man: StatementDigests { sha256: digests.sha256, sha512: digests.sha512 },
        prev: None,
        rec: Some(format!("0193a5c2-7e1b-7c3d-9f00-{n:012x}").parse().unwrap()),
        sig: format!("{}==", "A".repeat(86)),
        v: FORMAT.into(),
        ver: Some(1),
    };
    leaf.to_bytes().into()
}

pub fn leaves(numbers: std::ops::Range<u64>) -> Vec<Bytes> {
    numbers.map(leaf).collect()
}

/// Everything that is published, after looking that it hangs together: entries and tiles lead to the checkpoint's root.
pub async fn published(archive: &Archive) -> (Checkpoint, Vec<Bytes>) {
    let (_, tree) = archive.log_head().await.unwrap().expect("a checkpoint");
    let (mut edge, mut entries) = (Edge::default(), Vec::new());
    for bundle in Tile::bundles(tree.size) {
        entries.extend(archive.log().entries(bundle).await.unwrap());
    }
    entries.iter().for_each(|entry| edge.push(leaf_hash(entry), |_, _| {}));
    assert_eq!((edge.size(), edge.root()), (tree.size, tree.root));
    assert_eq!(archive.log().root(tree.size).await.unwrap(), tree.root);
    (tree, entries)
}

/// Every head from the first names the one before by its digest, has more leaves than it, and stands for the root that the tiles have; the
/// last is the published tree.
pub async fn expect_one_chain(store: &Arc<dyn ObjectStore>, archive: &Archive) {
    let (_, published) = archive.log_head().await.unwrap().expect("a checkpoint");
    let (mut parent, mut tree) = (None, None::<Checkpoint>);
    for number in 1.. {
        let path = object_store::path::Path::from(format!("log/{}", Head::path(number)));
        let Ok(found) = store.get(&path).await else { break };
        let bytes = found.bytes().await.unwrap();
        let note = Note::parse(&bytes).unwrap();
        assert!(!note.signed_by(signer().public()).unwrap().is_empty(), "head {number}");
        let head = Head::parse(number, &note).unwrap();
        assert_eq!(head.parent, parent, "head {number}");
        assert!(tree.is_none_or(|before| before.size < head.tree.size), "head {number}");
        assert_eq!(archive.log().root(head.tree.size).await.unwrap(), head.tree.root, "head {number}");
        (parent, tree) = (Some(Sha256Hex::of(&bytes)), Some(head.tree));
    }
    assert_eq!(tree, Some(published), "the newest head is published");
}

pub async fn open(archive: &Archive) -> Log {
    Log::open(archive, signer(), None).await.unwrap()
}

/// Runs the Go program over what lies in a folder; gives what it prints.
pub fn oracle(arguments: &[&str]) -> Result<String, String> {
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/go/oracle.go");
    let output = Command::new("go")
        .arg("run")
        .arg(program)
        .arg(signer().public().to_string())
        .args(arguments)
        .env("GO111MODULE", "off")
        .env("GOPATH", "/usr/share/gocode")
        .env("GOCACHE", Path::new(env!("CARGO_TARGET_TMPDIR")).join("go"))
        .output()
        .expect("go cannot be started; `./bootstrap test` installs it");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    if output.status.success() { Ok(text(output.stdout)) } else { Err(text(output.stderr)) }
}

pub fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/log/v1").join(name)
}
