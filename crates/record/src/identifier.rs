//! Identifiers: the record's, which is of our own making, and one file each those that papers carry.
//!
//! The latter have one shape in code. `parse` (`FromStr`) takes what stands on paper or in a cell and forgives only what loses
//! nothing, such as spaces that OCR sees between digits. Where a type has `read`, that one also takes what a spreadsheet cut off,
//! and says so. `doubts` names what is odd about a well-formed identifier: a person should look, and may find it right, so a
//! doubt is never a refusal. `Display` and JSON give the canonical form, which parses to the same identifier.

pub mod agency;
pub mod document;
pub mod doubt;
pub mod land;
pub mod owner;
pub mod paper;
pub mod person;
pub mod procedure;
pub mod tax;

pub use agency::AgencyCode;
pub use document::{DocumentNumber, Notation};
pub use doubt::{Doubt, Malformed, Read};
pub use land::{LandBookNumber, LandSerial};
pub use owner::OwnerId;
pub use paper::PaperCode;
pub use person::{OldIdNumber, PersonalNumber, Sex};
pub use procedure::ProcedureCode;
pub use tax::{HouseholdNumber, TaxCode};

use crate::Sha256Hex;
use serde::{Deserialize, Serialize};
use std::fmt;

/// The identifier of a record: a UUID in its usual lower-case form. It says nothing about what the record holds, so it may
/// stand in public lists.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RecordId(String);

impl RecordId {
    /// The record of a source's document `number`, from 1, when the source holds several: the first has the record of the arrival
    /// itself; the others have a UUID version 8 (RFC 9562 §5.8) whose first 48 bits are the arrival's, so that it sorts beside it,
    /// the next 12 the number (4,095 for all above), and the rest from the SHA-256 of `sohoa-part/1`, the arrival's record and the
    /// number, a NUL between them. So whoever does the source again comes to the same records.
    pub fn part(&self, number: u32) -> RecordId {
        if number <= 1 {
            return self.clone();
        }
        let digest = Sha256Hex::of(format!("sohoa-part/1\0{self}\0{number}").as_bytes());
        let hex = digest.as_str();
        // the variant's two bits are 10, so that digit is 8, 9, a or b
        let variant = ["8", "9", "a", "b"][usize::from(hex.as_bytes()[0] % 4)];
        Self(format!("{}-8{:03x}-{variant}{}-{}", &self.0[..13], number.min(0xfff), &hex[1..4], &hex[4..16]))
    }

    /// The 36 characters.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for RecordId {
    type Error = MalformedRecordId;

    fn try_from(text: String) -> Result<Self, MalformedRecordId> {
        let hyphens = [8, 13, 18, 23];
        let well_formed = text.len() == 36
            && text.bytes().enumerate().all(|(i, b)| match b {
                b'-' => hyphens.contains(&i),
                b'0'..=b'9' | b'a'..=b'f' => !hyphens.contains(&i),
                _ => false,
            });
        if well_formed { Ok(Self(text)) } else { Err(MalformedRecordId(text)) }
    }
}

impl std::str::FromStr for RecordId {
    type Err = MalformedRecordId;

    fn from_str(text: &str) -> Result<Self, MalformedRecordId> {
        Self::try_from(text.to_owned())
    }
}

impl From<RecordId> for String {
    fn from(id: RecordId) -> String {
        id.0
    }
}

impl fmt::Display for RecordId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for RecordId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A text that is no record identifier.
#[derive(Debug, thiserror::Error)]
#[error("'{0}' is not a record identifier; a UUID such as 0193a5c2-7e1b-7c3d-9f00-1a2b3c4d5e6f was expected")]
pub struct MalformedRecordId(String);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_have_records_of_their_own_and_always_the_same() {
        let whole: RecordId = "0193a5c2-7e1b-7c3d-9f00-1a2b3c4d5e6f".parse().unwrap();
        assert_eq!(whole.part(1), whole);
        let parts: std::collections::BTreeSet<RecordId> = (1..50).map(|number| whole.part(number)).collect();
        assert_eq!(parts.len(), 49);
        assert_eq!(whole.part(2).as_str(), "0193a5c2-7e1b-8002-b3ca-da39a47b4ead");
        assert!(whole < whole.part(2) && whole.part(9) < whole.part(10));
        for part in parts.iter().filter(|part| **part != whole) {
            assert_eq!(part.as_str().parse::<RecordId>().unwrap(), *part);
            assert!(part.as_str()[14..].starts_with('8') && "89ab".contains(&part.as_str()[19..20]), "{part}");
        }
    }

    #[test]
    fn only_lower_case_uuids_are_record_ids() {
        assert!("0193a5c2-7e1b-7c3d-9f00-1a2b3c4d5e6f".parse::<RecordId>().is_ok());
        for wrong in ["0193A5C2-7e1b-7c3d-9f00-1a2b3c4d5e6f", "0193a5c27e1b7c3d9f001a2b3c4d5e6f", "", "../../etc/passwd"] {
            assert!(wrong.parse::<RecordId>().is_err(), "{wrong}");
        }
    }
}
