//! One value read from a document, with everything a reviewer or an auditor needs to judge it.

use crate::{Reason, Rect, Sha256Hex};
use serde::{Deserialize, Serialize};

/// Names of the general header's fields, after NĐ 30/2020/NĐ-CP Phụ lục VI and TT 01/2023/TT-VPCP art. 9, in snake case.
pub mod name {
    #![allow(missing_docs)]
    pub const TYPE_NAME: &str = "type_name";
    pub const CODE_NUMBER: &str = "code_number";
    pub const CODE_NOTATION: &str = "code_notation";
    pub const ISSUED_DATE: &str = "issued_date";
    pub const ORGAN_NAME: &str = "organ_name";
    pub const SUBJECT: &str = "subject";
    pub const SIGNER_NAME: &str = "signer_name";
    pub const SIGNER_POSITION: &str = "signer_position";
    pub const PAGE_AMOUNT: &str = "page_amount";
    pub const LANGUAGE: &str = "language";
    pub const PAPER_KIND_CODE: &str = "paper_kind_code";
    pub const OWNER_ID: &str = "owner_id";
    pub const OWNER_NAME: &str = "owner_name";
    pub const VALID_UNTIL: &str = "valid_until";
    pub const VALID_SCOPE: &str = "valid_scope";
    pub const DOSSIER_CODE: &str = "dossier_code";
    pub const PROCEDURE_CODE: &str = "procedure_code";
}

/// A value with its origin. `doubt: null` is what the product vouches for, by rule or by a person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Field {
    /// Snake case, see [`name`]; kind-specific names come from the template.
    pub name: String,
    /// Normalized: dates as `YYYY-MM-DD`, numbers without leading `Số:`; null when the field was looked for and not found.
    pub value: Option<String>,
    /// As it stands on the paper; empty when not found.
    pub printed: String,
    /// Whole percent.
    pub confidence: u8,
    /// Page number from 1.
    pub page: u32,
    /// Place on the kept image, pixels; null when the value has no place (counted, derived, typed by a person).
    #[serde(rename = "box")]
    pub rect: Option<Rect>,
    /// Why a person must look; null when the value is vouched for.
    pub doubt: Option<Reason>,
    /// The rule that produced the value, such as `nd30.header.number`; [`REGISTER_RULE`] for a register's, `review.…` for a
    /// person's.
    pub rule: String,
    /// What the registers say of the value; absent when none was asked or none has this paper.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub register: Option<RegisterWitness>,
}

/// The rule of a value that was taken from a register.
pub const REGISTER_RULE: &str = "register.match";

/// The rows of the imported registers that could be this paper, the likeliest first. One row that no other comes near gave the
/// value; of several a person chooses.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RegisterWitness {
    /// Never empty. After a clear match the row that gave the value and the runner-up, if there was any.
    pub rows: Vec<RegisterCandidate>,
}

/// A row of a register beside a reading.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RegisterCandidate {
    /// The register's file, an object of the archive.
    pub register: Sha256Hex,
    /// Its line, from 1.
    pub line: u32,
    /// What it says of this field, in the field's own form.
    pub value: String,
    /// How much of subject or owner agrees, whole percent.
    pub score: u8,
}

/// The field of that name, if there is one.
pub fn find<'a>(fields: &'a [Field], name: &str) -> Option<&'a Field> {
    fields.iter().find(|field| field.name == name)
}

/// The value of the field of that name, if it was found.
pub fn value<'a>(fields: &'a [Field], name: &str) -> Option<&'a str> {
    find(fields, name).and_then(|field| field.value.as_deref())
}
