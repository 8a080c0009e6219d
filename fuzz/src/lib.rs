//! What fuzz targets share: the key under which they seal, and where they find the sample papers.

use ed25519_dalek::SigningKey;
use sohoa_record::TrustPolicy;
use std::path::PathBuf;

/// A key that seals nothing but fuzz inputs and fixtures.
pub fn key() -> SigningKey {
    SigningKey::from_bytes(b"sohoa TEST-ONLY manifest key 01!")
}

/// Believes that key and no other.
pub fn policy() -> TrustPolicy {
    let mut policy = TrustPolicy::default();
    policy.add(key().verifying_key(), "fuzz").expect("a good key");
    policy
}

/// The sample papers, receipts and registers of the project.
pub fn fixtures() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../fixtures")
}

/// Every file below a folder, in order.
pub fn files_below(folder: PathBuf) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![folder];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder of fixtures") {
            let path = entry.expect("an entry").path();
            if path.is_dir() { folders.push(path) } else { files.push(path) }
        }
    }
    files.sort();
    files
}

/// The receipts that lie among the fixtures, as bytes.
pub fn receipts() -> Vec<Vec<u8>> {
    let files = files_below(fixtures()).into_iter().filter(|file| file.extension().is_some_and(|e| e == "json"));
    let bytes = files.map(|file| std::fs::read(file).expect("a fixture"));
    bytes.filter(|bytes| bytes.starts_with(b"{\"payloadType\"")).collect()
}
