//! Result codes (mã kết quả số hóa): each is given once, whoever asks at the same moment.
//!
//! A note, create-if-absent under the code's digest, says whose the code is. It is made before the receipt that has the code, so
//! a run that is stopped between the two finds its own note again and takes the same code.

use crate::error::{Error, Result};
use crate::layout;
use crate::store::{Archive, json};
use object_store::path::Path;
use serde::{Deserialize, Serialize};
use sohoa_record::identifier::RecordId;

/// The first member of every note of a code.
pub const CODE_FORMAT: &str = "sohoa-code/1";

/// Codes that are tried for one record. Nobody has so many papers in a dossier; a template that always makes the same code ends
/// here instead of never.
const MOST: u32 = 100_000;

/// Whose a code is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CodeNote {
    /// [`CODE_FORMAT`].
    pub format: String,
    /// The code.
    pub code: String,
    /// The record that has it.
    pub record: RecordId,
}

impl Archive {
    /// Gives the record the first code of `nth(1)`, `nth(2)`, … that no other record has. The same record asking again is given
    /// the same code, as long as `nth` makes the same.
    pub async fn issue_code(&self, record: &RecordId, nth: impl Fn(u32) -> String) -> Result<String> {
        for n in 1..=MOST {
            let code = nth(n);
            let path = layout::code(&code);
            let note = CodeNote { format: CODE_FORMAT.to_owned(), code: code.clone(), record: record.clone() };
            match self.create(&path, json(&note)).await? {
                None => return Ok(code),
                Some(bytes) if parse_note(&path, &bytes)?.record == *record => return Ok(code),
                Some(_) => {}
            }
        }
        Err(Error::malformed(layout::CODES, format_args!("{MOST} codes such as '{}' are taken", nth(MOST))))
    }

    /// Whose the code is; nothing when it was not given.
    pub async fn code(&self, code: &str) -> Result<Option<CodeNote>> {
        let path = layout::code(code);
        let bytes = self.read(&path).await?;
        bytes.map(|bytes| parse_note(&path, &bytes)).transpose()
    }
}

pub(crate) fn parse_note(path: &Path, bytes: &[u8]) -> Result<CodeNote> {
    let note: CodeNote = serde_json::from_slice(bytes).map_err(|e| Error::malformed(path, e))?;
    if note.format != CODE_FORMAT {
        return Err(Error::malformed(path, format_args!("format '{}' is not {CODE_FORMAT}", note.format)));
    }
    if layout::code(&note.code) != *path {
        return Err(Error::malformed(path, "it speaks of another code"));
    }
    Ok(note)
}
