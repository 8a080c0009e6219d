//! *Kiểm tra*: one paper, its image left, its fields right, what is in doubt first. Made for the keyboard.

use crate::frame::Frame;
use askama::Template;

/// The page.
#[derive(Debug, Template)]
#[template(path = "review.html")]
pub struct ReviewPage {
    /// What stands around it.
    pub frame: Frame,
    /// The record.
    pub record: String,
    /// The revision that the person sees.
    pub revision: u32,
    /// What the paper is.
    pub title: String,
    /// Where and when it came from.
    pub place: String,
    /// When it arrived.
    pub arrived: String,
    /// Why the whole paper is in doubt, in words.
    pub reasons: Vec<String>,
    /// The fields, those in doubt first.
    pub fields: Vec<FieldView>,
    /// The pages.
    pub pages: Vec<PageView>,
    /// Somebody else has it open.
    pub is_taken: bool,
    /// What was wrong with what was sent.
    pub problem: Option<String>,
    /// Whose decision is looked at again; none in the first round.
    pub first_by: Option<String>,
    /// How many are left.
    pub left: u64,
    /// The page image of the next paper, fetched ahead.
    pub next_image: Option<String>,
    /// Why a paper need not be digitized: code and words.
    pub skips: Vec<(String, String)>,
}

/// A field.
#[derive(Clone, Debug)]
pub struct FieldView {
    /// Its name in the manifest.
    pub name: String,
    /// What it is called.
    pub label: String,
    /// Its value as it stands, in the form in which it is typed.
    pub was: String,
    /// What stands in its place on the page: the same, or what was typed and not taken.
    pub value: String,
    /// Whole percent.
    pub confidence: u8,
    /// Why a person must look, in words; none when it is vouched for.
    pub doubt: Option<String>,
    /// The page it stands on.
    pub page: u32,
    /// Its place on the upright page.
    pub place: Option<Place>,
    /// The picture of its place.
    pub crop: Option<String>,
    /// Values that a register proposes, best first, with how much agrees in percent.
    pub candidates: Vec<(String, u8)>,
    /// True when nobody types it.
    pub is_fixed: bool,
    /// True when it takes several lines.
    pub is_long: bool,
}

/// A place on an upright page, in pixels of the kept image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Place {
    pub x: u32,
    pub y: u32,
    pub width: u32,
    pub height: u32,
}

/// A page.
#[derive(Clone, Debug)]
pub struct PageView {
    /// From 1.
    pub number: u32,
    /// Its picture.
    pub image: String,
    /// Upright, in pixels.
    pub width: u32,
    /// Upright, in pixels.
    pub height: u32,
    /// What to know of it, in words.
    pub flags: Vec<String>,
    /// Resolution.
    pub dpi: u32,
}

impl ReviewPage {
    fn action(&self) -> String {
        match self.first_by {
            None => format!("/review/{}", self.record),
            Some(_) => format!("/second-round/{}", self.record),
        }
    }
}

/// When nothing is left.
#[derive(Debug, Template)]
#[template(path = "review_done.html")]
pub struct NothingLeft {
    /// What stands around it.
    pub frame: Frame,
}
