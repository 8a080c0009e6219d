//! What lies where in the archive's bucket or folder.
//!
//! ```text
//! objects/sha256/ab/abcdef…                 immutable bytes, named by their SHA-256
//! arrivals/ab/<sha256 of source>/first.json where these bytes were met first: decides their record id
//! arrivals/ab/<sha256>/<link id>.json       the same bytes met elsewhere: linked to the first, not done again
//! arrivals/ab/<sha256>/destroyed.json       these bytes were lawfully destroyed: see [`crate::destroy`]
//! records/<record id>/r0001.dsse.json       THE COMMIT POINT of revision 1: a signed receipt; r0002 … follow
//! register/<sha256 of the file>.json        a register that was imported; its bytes are an object
//! codes/ab/<sha256 of the code>.json        whose a result code is: whoever creates this has it
//! keyring/v0001.json                        which keys may seal, as the root signed it: see [`crate::keyring`]
//! log/…                                     the transparency log of all receipts: see [`crate::log`]
//! ```
//! Everything is written once and create-if-absent; nothing is ever changed or moved but `log/checkpoint`, and nothing removed but by a
//! lawful destruction ([`crate::destroy`]), whose tombstone is in the log before. Hence
//! - one operation that every object store has (`PutMode::Create`: a hard link in a folder, `If-None-Match: *` on S3) is all the
//!   coordination that any number of writers need, and the folder or bucket may be write-once (WORM);
//! - a document is there or it is not: its objects are nothing to anyone until the receipt that lists them is created;
//! - equal bytes are stored once, whichever records share them;
//! - copying the archive is copying files: no order, no database, no tool of ours.
//!
//! OCFL 1.1 was the alternative. It rewrites a root `inventory.json` and its digest file for each version: two writes that are
//! not atomic together, on names that a write-once bucket cannot lock. Here the signed manifest *is* the inventory, and
//! `sohoa export` gives a folder per record to whoever wants one.

use object_store::path::Path;
use sohoa_record::Sha256Hex;
use sohoa_record::identifier::RecordId;

/// Where all objects are.
pub const OBJECTS: &str = "objects/sha256";
/// Where all arrivals are.
pub const ARRIVALS: &str = "arrivals";
/// Where all receipts are.
pub const RECORDS: &str = "records";
/// Where all imported registers are noted.
pub const REGISTERS: &str = "register";
/// Where all result codes are noted.
pub const CODES: &str = "codes";
/// Where all keyrings are.
pub const KEYRINGS: &str = "keyring";

/// The object of that digest.
pub fn object(digest: &Sha256Hex) -> Path {
    let digest = digest.as_str();
    Path::from(format!("{OBJECTS}/{}/{digest}", &digest[..2]))
}

/// All arrivals of that source.
pub fn arrivals(source: &Sha256Hex) -> Path {
    let source = source.as_str();
    Path::from(format!("{ARRIVALS}/{}/{source}", &source[..2]))
}

/// The first arrival of that source.
pub fn first_arrival(source: &Sha256Hex) -> Path {
    arrivals(source).join("first.json")
}

/// A later arrival of that source from another place. The same place has the same link, however often it is ingested.
pub fn link(source: &Sha256Hex, path: &str, folder: &str) -> Path {
    // The NUL keeps ("ab", "c") and ("a", "bc") apart.
    let id = Sha256Hex::of(format!("{path}\0{folder}").as_bytes());
    arrivals(source).join(format!("{}.json", &id.as_str()[..16]))
}

/// The note that all documents of that source were lawfully destroyed.
pub fn destroyed_source(source: &Sha256Hex) -> Path {
    arrivals(source).join("destroyed.json")
}

/// All receipts of that record.
pub fn receipts(record: &RecordId) -> Path {
    Path::from(format!("{RECORDS}/{record}"))
}

/// The receipt of that revision, counted from 1.
pub fn receipt(record: &RecordId, revision: u32) -> Path {
    receipts(record).join(format!("r{revision:04}.dsse.json"))
}

/// The note of an imported register.
pub fn register(digest: &Sha256Hex) -> Path {
    Path::from(format!("{REGISTERS}/{digest}.json"))
}

/// The keyring of that version, counted from 1.
pub fn keyring(version: u32) -> Path {
    Path::from(format!("{KEYRINGS}/v{version:04}.json"))
}

/// The note of a result code.
pub fn code(code: &str) -> Path {
    let digest = Sha256Hex::of(code.as_bytes());
    let digest = digest.as_str();
    Path::from(format!("{CODES}/{}/{digest}.json", &digest[..2]))
}

/// The digest that an object's path says, when it is the path of an object.
pub fn parse_object(path: &Path) -> Option<Sha256Hex> {
    let digest: Sha256Hex = path.filename()?.parse().ok()?;
    (object(&digest) == *path).then_some(digest)
}

/// The source, when the path is that of a first arrival.
pub fn parse_first_arrival(path: &Path) -> Option<Sha256Hex> {
    let source: Sha256Hex = path.parts().nth(2)?.as_ref().parse().ok()?;
    (first_arrival(&source) == *path).then_some(source)
}

/// The source, when the path is that of a link.
pub fn parse_link(path: &Path) -> Option<Sha256Hex> {
    let source: Sha256Hex = path.parts().nth(2)?.as_ref().parse().ok()?;
    let id = path.filename()?.strip_suffix(".json")?;
    let well_formed = id.len() == 16 && id.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    (well_formed && path.parts().count() == 4 && path.prefix_matches(&arrivals(&source))).then_some(source)
}

/// The source, when the path is that of the note of a destruction.
pub fn parse_destroyed_source(path: &Path) -> Option<Sha256Hex> {
    let source: Sha256Hex = path.parts().nth(2)?.as_ref().parse().ok()?;
    (destroyed_source(&source) == *path).then_some(source)
}

/// The record and revision that a receipt's path says, when it is the path of a receipt.
pub fn parse_receipt(path: &Path) -> Option<(RecordId, u32)> {
    let record: RecordId = path.parts().nth(1)?.as_ref().parse().ok()?;
    let revision: u32 = path.filename()?.strip_prefix('r')?.strip_suffix(".dsse.json")?.parse().ok()?;
    (revision > 0 && receipt(&record, revision) == *path).then_some((record, revision))
}

/// The register's digest, when the path is that of a register's note.
pub fn parse_register(path: &Path) -> Option<Sha256Hex> {
    let digest: Sha256Hex = path.filename()?.strip_suffix(".json")?.parse().ok()?;
    (register(&digest) == *path).then_some(digest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_path_says_what_it_is_and_nothing_else_does() {
        let digest = Sha256Hex::of(b"abc");
        let record: RecordId = "0193a5c2-7e1b-7c3d-9f00-1a2b3c4d5e6f".parse().unwrap();
        assert_eq!(object(&digest).as_ref(), format!("objects/sha256/ba/{digest}"));
        assert_eq!(parse_object(&object(&digest)), Some(digest.clone()));
        assert_eq!(parse_first_arrival(&first_arrival(&digest)), Some(digest.clone()));
        let link = link(&digest, "/in/a.pdf", "in");
        assert_eq!((parse_link(&link), parse_first_arrival(&link)), (Some(digest.clone()), None));
        assert_eq!(parse_link(&first_arrival(&digest)), None);
        let destroyed = destroyed_source(&digest);
        assert_eq!((parse_destroyed_source(&destroyed), parse_link(&destroyed)), (Some(digest.clone()), None));
        assert_eq!((parse_destroyed_source(&link), parse_first_arrival(&destroyed)), (None, None));
        assert_eq!(receipt(&record, 7).filename(), Some("r0007.dsse.json"));
        assert_eq!(parse_receipt(&receipt(&record, 12_345)), Some((record.clone(), 12_345)));
        assert_eq!(parse_register(&register(&digest)), Some(digest.clone()));
        for foreign in
            ["objects/sha256/aa/x", "records/x/r0001.dsse.json", &format!("records/{record}/r1.dsse.json"), "arrivals", ""]
        {
            let path = Path::from(foreign);
            assert!(parse_object(&path).is_none() && parse_receipt(&path).is_none() && parse_link(&path).is_none(), "{foreign}");
        }
    }

    #[test]
    fn links_tell_places_apart() {
        let digest = Sha256Hex::of(b"abc");
        assert_ne!(link(&digest, "ab", "c"), link(&digest, "a", "bc"));
        assert_eq!(link(&digest, "ab", "c"), link(&digest, "ab", "c"));
    }
}
