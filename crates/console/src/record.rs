//! A record in full: pages, fields with their history, text, proof, files.

use crate::frame::Frame;
use crate::paper::Paper;
use crate::review::PageView;
use askama::Template;
use sohoa_record::manifest::State;

/// The page.
#[derive(Debug, Template)]
#[template(path = "record.html")]
pub struct RecordPage {
    /// What stands around it.
    pub frame: Frame,
    /// The record.
    pub record: String,
    /// The latest revision.
    pub revision: u32,
    /// What the paper is.
    pub title: String,
    /// The outcome.
    pub state: State,
    /// Why, in words.
    pub reasons: Vec<String>,
    /// Facts in order: what, and its value.
    pub facts: Vec<(String, String)>,
    /// The fields.
    pub fields: Vec<FieldLine>,
    /// The pages.
    pub pages: Vec<PageView>,
    /// The text of each page, when the person may read it.
    pub texts: Vec<(u32, String)>,
    /// What was done, newest first.
    pub history: Vec<Event>,
    /// What shows that it is what was sealed.
    pub proof: Vec<(String, String)>,
    /// Signatures that came with the file, in lines.
    pub incoming: Vec<String>,
    /// Other records that may be the same paper.
    pub others: Vec<Paper>,
    /// Files to take away: words, place, size.
    pub files: Vec<(String, String, String)>,
    /// Where the searchable PDF is shown; none when there is none.
    pub pdf: Option<String>,
    /// Where it is decided on, when this person may.
    pub decide: Option<String>,
}

/// A field with what happened to it.
#[derive(Clone, Debug)]
pub struct FieldLine {
    /// What it is called.
    pub label: String,
    /// Its value; empty when there is none.
    pub value: String,
    /// Whole percent.
    pub confidence: u8,
    /// Where it stands.
    pub page: u32,
    /// Why a person must look.
    pub doubt: Option<String>,
    /// The rule that gave it.
    pub rule: String,
    /// What it was before: value, who changed it, when.
    pub before: Vec<(String, String, String)>,
}

/// An event of the history.
#[derive(Clone, Debug)]
pub struct Event {
    /// When.
    pub at: String,
    /// Who.
    pub who: String,
    /// What, in words.
    pub action: String,
    /// Which fields, or why.
    pub note: String,
}

impl RecordPage {
    fn waits(&self) -> bool {
        self.state == State::Review
    }

    fn style(&self) -> &'static str {
        crate::paper::style(self.state)
    }

    fn state_word(&self) -> &'static str {
        self.frame.language.state(self.state)
    }
}
