//! *Nhật ký truy cập*: who looked at what and who changed what, newest first.

use crate::frame::{Frame, Page};
use askama::Template;

/// The page.
#[derive(Debug, Template)]
#[template(path = "access.html")]
pub struct AccessPage {
    /// What stands around it.
    pub frame: Frame,
    /// What was asked for.
    pub asked: AccessAsked,
    /// What was typed for a day or a record and is none.
    pub problem: Option<String>,
    /// What can be asked for: code and words.
    pub acts: Vec<(&'static str, String)>,
    /// The lines.
    pub lines: Vec<Access>,
    /// True when there may be older ones.
    pub is_cut: bool,
}

/// What was asked for, as it was typed.
#[derive(Clone, Debug, Default)]
#[allow(missing_docs)]
pub struct AccessAsked {
    pub login: String,
    pub what: String,
    pub record: String,
    pub from: String,
    pub to: String,
}

/// A line of the access log.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub struct Access {
    pub at: String,
    pub who: String,
    pub what: String,
    pub record: String,
    pub from: String,
}
