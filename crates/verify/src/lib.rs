//! The auditor's program, offline: files and a trust policy in, one verdict a record out. It is *not* a place for a network,
//! a database or an opinion: it reads folders, writes nothing, and says what the signed receipts prove and what they do not.
//!
//! The order of an audit is [`audit::audit`]; `docs/format.md` says what is signed and how to check it without this program.

pub mod archive;
pub mod arrival;
pub mod audit;
pub mod cause;
pub mod codes;
pub mod command;
pub mod cosigned;
pub mod destroyed;
pub mod files;
pub mod html;
pub mod key_events;
pub mod log;
pub mod loose;
pub mod moments;
#[cfg(feature = "pdf-signatures")]
pub mod pdf_judge;
pub mod pdf_signatures;
pub mod record;
pub mod report;
pub mod sample;
pub mod state;
pub mod verdict;

pub use audit::{AuditError, Audited, Brought, KeptCheckpoint, Observer, audit, audit_loose, audit_with};
pub use cause::{Cause, Finding};
pub use cosigned::{TimeBracket, bracket, judge};
pub use pdf_signatures::PdfCheck;
pub use report::{Language, Summary};
pub use sample::{Sample, Sampled};
pub use state::State;
pub use verdict::{Line, Verdict};
