//! What can go wrong with all that survives a restart, sorted by what the caller must do.

use sohoa_record::identifier::RecordId;
use sohoa_record::seal::OpenError;
use sohoa_record::{Sha256Hex, page_texts::MalformedText};

/// The result of this crate's functions.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What the caller must do about an [`Error`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Remedy {
    /// The store, the database or the source file is away or busy: back off and call again with the same arguments.
    Retry,
    /// Only this document is concerned: report it and go on with the next.
    Document,
    /// Going on could do harm (disk, format, altered or foreign bytes): stop and let a person look.
    Halt,
}

/// A cause with its place and what to do.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The object store did not answer, or answered with an error.
    #[error("object store, {place}: {source}; check the disk or the network, then run the command again")]
    Store {
        /// The path in the store.
        place: String,
        /// What the store said.
        source: object_store::Error,
    },
    /// The store cannot be opened at all.
    #[error("archive folder '{folder}' cannot be opened: {why}; create it with `sohoa init`")]
    Folder {
        /// The folder.
        folder: String,
        /// The system's words.
        why: String,
    },
    /// An object's bytes are not the bytes that were stored.
    #[error("object {digest} was altered: its bytes now hash to {found}; restore it from a copy, then run `sohoa fsck`")]
    Altered {
        /// The object's name.
        digest: Sha256Hex,
        /// What its bytes hash to.
        found: Sha256Hex,
    },
    /// An object is not in the store.
    #[error("object {digest} is missing; restore it from a copy, then run `sohoa fsck`")]
    Missing {
        /// The object's name.
        digest: Sha256Hex,
    },
    /// A manifest lists an object with a size that it does not have.
    #[error("object {digest} has {found} bytes and is listed with {listed}; seal again with the digests of what was stored")]
    SizeDiffers {
        /// The object's name.
        digest: Sha256Hex,
        /// What the manifest says, in bytes.
        listed: u64,
        /// What is stored, in bytes.
        found: u64,
    },
    /// The incoming file cannot be read.
    #[error("source '{place}' cannot be read: {source}; check the disk and the permissions")]
    SourceUnreadable {
        /// The file.
        place: String,
        /// The system's words.
        source: std::io::Error,
    },
    /// The incoming file changed between two reads, as a file does that is still being scanned or copied.
    #[error("source '{place}' changed while it was read; wait until it is complete, then run the command again")]
    SourceChanged {
        /// The file.
        place: String,
    },
    /// A stored receipt is not believed under the trust policy.
    #[error("receipt of record {record}, revision {revision}: {source}")]
    Receipt {
        /// The record.
        record: RecordId,
        /// Its revision.
        revision: u32,
        /// Why it is not believed.
        source: OpenError,
    },
    /// A receipt that was handed in for commit is not believed under the archive's own trust policy.
    #[error("the receipt to commit is not believed: {source}; add the sealing key's line to the archive's trust policy")]
    ForeignReceipt {
        /// Why it is not believed.
        source: OpenError,
    },
    /// A receipt does not continue its record.
    #[error("record {record}, revision {revision} does not continue the record: {why}; read the latest revision and seal again")]
    Chain {
        /// The record.
        record: RecordId,
        /// The revision that was handed in.
        revision: u32,
        /// What does not fit.
        why: String,
    },
    /// A receipt does not fit the arrival of its source.
    #[error("record {record} does not fit the arrival of source {source_sha256}: {why}")]
    Arrival {
        /// The record.
        record: RecordId,
        /// The source.
        source_sha256: Sha256Hex,
        /// What does not fit.
        why: String,
    },
    /// An earlier try divided the source otherwise, and some of its documents are committed.
    #[error(
        "the source of record {record} was begun as {begun} documents and is now {now}; set [codes] in pipeline.toml as it was and ingest it again"
    )]
    Divided {
        /// The record of the arrival.
        record: RecordId,
        /// How many documents the earlier try saw.
        begun: u32,
        /// How many there are now.
        now: u32,
    },
    /// A stored note or text object is not in the form that sohoa writes.
    #[error("'{place}' in the store is malformed: {why}; restore it from a copy, then run `sohoa fsck`")]
    Malformed {
        /// The path in the store.
        place: String,
        /// What is wrong.
        why: String,
    },
    /// The store accepts a conditional write and ignores the condition.
    #[error(
        "the object store writes over what it was told to create only if absent, so two writers could fork the log; use a store that honours If-None-Match"
    )]
    Unconditional,
    /// The log has another receipt of the revision, which is not in the store.
    #[error(
        "the log knows another revision {revision} of record {record}, whose receipt is not in the store: it was lost or taken away; restore records/{record} from a copy of the archive, then run `sohoa fsck --rebuild`"
    )]
    Withheld {
        /// The record.
        record: RecordId,
        /// The revision that is missing.
        revision: u32,
    },
    /// The log in the store is not the newest that is known; what is appended to it would be a second history.
    #[error(
        "the log in the store is not the one that was continued last: {why}; when the store was restored from an older copy, restore log/ from the newest one"
    )]
    LogForks {
        /// What does not fit.
        why: String,
    },
    /// The root has ended the key that would seal, or never named it.
    #[error("the sealing key {key} counts no more: {why}")]
    KeyEnded {
        /// The key's identifier.
        key: Sha256Hex,
        /// What the root says, and what to do.
        why: String,
    },
    /// Nobody would believe what is appended to the log.
    #[error("the trust policy does not name the log's key; add the line: log {vkey}")]
    LogKey {
        /// The key's public half.
        vkey: String,
    },
    /// A record is no more: what is left of it is its tombstone.
    #[error("record {record} was destroyed by a lawful decision on {at}, by {by}: {basis}; its tombstone is revision {revision}")]
    Destroyed {
        /// The record.
        record: RecordId,
        /// The revision whose place the tombstone has.
        revision: u32,
        /// When, as the tombstone says.
        at: String,
        /// Who, as the tombstone says.
        by: String,
        /// The decision.
        basis: String,
    },
    /// The store has nothing that the index speaks of.
    #[error("the index knows papers and the store is empty: is its disk mounted? Nothing is written until it is there again")]
    Away,
    /// A record cannot be destroyed as it was asked for.
    #[error("nothing was destroyed: {0}")]
    Destruction(String),
    /// The index or queue cannot be used.
    #[error("index database: {0}; {advice}", advice = advice(.0))]
    Database(#[from] sqlx::Error),
    /// The database was made by another version.
    #[error("index database has schema {found}, this version writes {expected}; run `sohoa fsck --rebuild`")]
    Schema {
        /// What the file says.
        found: i64,
        /// What this version writes.
        expected: i64,
    },
    /// The database was made by a later version of this program, which knows what this one does not.
    #[error(
        "index database has schema {found}, made by a newer sohoa than this one (schema {expected}); start that one, or run `sohoa fsck --rebuild`"
    )]
    NewerSchema {
        /// What the file says.
        found: i64,
        /// What this version writes.
        expected: i64,
    },
    /// The database has an older form, and is damaged: it is not brought to this version's.
    #[error(
        "index database of an older version is damaged: {why}; it was left as it is: run `sohoa fsck --rebuild`, which makes it anew from the store"
    )]
    DamagedIndex {
        /// The first thing that SQLite finds wrong.
        why: String,
    },
    /// The database has an older form, and its disk has no room to bring it to this version's.
    #[error(
        "bringing the index database to this version's form takes {needed_mb} MB, and its disk has {free_mb} MB; it was left as it is: free space, then start again"
    )]
    NoRoom {
        /// As much as the file has.
        needed_mb: u64,
        /// What is free.
        free_mb: u64,
    },
    /// A lease ended before its holder did, and somebody else may hold the job now.
    #[error("the lease on record {record}, attempt {attempt} is lost; drop the work, whoever holds the lease now finishes it")]
    LeaseLost {
        /// The record.
        record: RecordId,
        /// The attempt whose lease is lost.
        attempt: u32,
    },
    /// A register that was stored cannot be read again.
    #[error("register {digest}: {why}")]
    Register {
        /// The register's object.
        digest: Sha256Hex,
        /// What is wrong.
        why: String,
    },
}

/// What a person does about an error of the database.
fn advice(error: &sqlx::Error) -> &'static str {
    const READONLY: u32 = 8;
    const CANTOPEN: u32 = 14;
    match primary_code(error) {
        Some(READONLY | CANTOPEN) => {
            "may this user write it? Check who owns the data folder, its permissions, and that its disk is mounted to be written"
        }
        _ => "if it stays, run `sohoa fsck --rebuild`",
    }
}

impl Error {
    /// What the caller must do.
    pub fn remedy(&self) -> Remedy {
        use object_store::Error as E;
        match self {
            Error::Store {
                source: E::PermissionDenied { .. } | E::Unauthenticated { .. } | E::NotImplemented { .. }, ..
            } => Remedy::Halt,
            Error::Store { source, .. } if is_full(source) => Remedy::Halt,
            Error::Store { .. } | Error::SourceChanged { .. } => Remedy::Retry,
            Error::Database(error) if is_busy(error) => Remedy::Retry,
            Error::SourceUnreadable { .. }
            | Error::LeaseLost { .. }
            | Error::Chain { .. }
            | Error::Divided { .. }
            | Error::Destroyed { .. }
            | Error::Destruction(_)
            | Error::Withheld { .. } => Remedy::Document,
            Error::Away
            | Error::Folder { .. }
            | Error::Altered { .. }
            | Error::Missing { .. }
            | Error::SizeDiffers { .. }
            | Error::Receipt { .. }
            | Error::ForeignReceipt { .. }
            | Error::Arrival { .. }
            | Error::Malformed { .. }
            | Error::Unconditional
            | Error::LogForks { .. }
            | Error::LogKey { .. }
            | Error::KeyEnded { .. }
            | Error::Database(_)
            | Error::Schema { .. }
            | Error::NewerSchema { .. }
            | Error::DamagedIndex { .. }
            | Error::NoRoom { .. }
            | Error::Register { .. } => Remedy::Halt,
        }
    }

    /// True when a disk is full or read-only, the store's or the index's.
    pub fn is_of_full_disk(&self) -> bool {
        const SQLITE_FULL: u32 = 13;
        match self {
            Error::Store { source, .. } => is_full(source),
            Error::Database(error) => primary_code(error) == Some(SQLITE_FULL),
            Error::NoRoom { .. } => true,
            _ => false,
        }
    }

    pub(crate) fn store(place: impl std::fmt::Display) -> impl Fn(object_store::Error) -> Error {
        let place = place.to_string();
        move |source| Error::Store { place: place.clone(), source }
    }

    pub(crate) fn malformed(place: impl std::fmt::Display, why: impl std::fmt::Display) -> Error {
        Error::Malformed { place: place.to_string(), why: why.to_string() }
    }

    pub(crate) fn malformed_text(digest: &Sha256Hex, error: MalformedText) -> Error {
        Error::malformed(crate::layout::object(digest), error)
    }
}

/// A disk that is full or read-only does not get better by waiting, and every further document would fail alike.
fn is_full(error: &object_store::Error) -> bool {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = cause {
        if let Some(io) = error.downcast_ref::<std::io::Error>() {
            use std::io::ErrorKind::{QuotaExceeded, ReadOnlyFilesystem, StorageFull};
            return matches!(io.kind(), StorageFull | ReadOnlyFilesystem | QuotaExceeded);
        }
        cause = error.source();
    }
    false
}

/// SQLITE_BUSY and SQLITE_LOCKED, or no connection free in time.
fn is_busy(error: &sqlx::Error) -> bool {
    matches!(error, sqlx::Error::PoolTimedOut) || matches!(primary_code(error), Some(5 | 6))
}

/// SQLITE_CORRUPT.
pub(crate) fn is_corrupt(error: &sqlx::Error) -> bool {
    primary_code(error) == Some(11)
}

/// SQLite's result code: the low byte of an extended code is the primary one (sqlite.org/rescode.html).
fn primary_code(error: &sqlx::Error) -> Option<u32> {
    Some(error.as_database_error()?.code()?.parse::<u32>().ok()? & 0xff)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io;

    #[test]
    fn a_full_disk_halts_and_a_lost_network_is_tried_again() {
        let remedy = |kind: io::ErrorKind| {
            let source = object_store::Error::Generic { store: "folder", source: Box::new(io::Error::from(kind)) };
            Error::Store { place: "objects".into(), source }.remedy()
        };
        assert_eq!(remedy(io::ErrorKind::StorageFull), Remedy::Halt);
        assert_eq!(remedy(io::ErrorKind::ReadOnlyFilesystem), Remedy::Halt);
        assert_eq!(remedy(io::ErrorKind::ConnectionReset), Remedy::Retry);
    }

    #[test]
    fn a_database_that_somebody_writes_to_is_tried_again() {
        assert_eq!(Error::Database(sqlx::Error::PoolTimedOut).remedy(), Remedy::Retry);
        assert_eq!(Error::Database(sqlx::Error::RowNotFound).remedy(), Remedy::Halt);
    }
}
