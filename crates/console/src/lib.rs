//! What people see in a browser: each page is a view (plain data, already allowed and formatted for the person who asks) and a template
//! that turns it into HTML. Nothing here reads a file, asks the archive or decides what somebody may see; `sohoa-service` does.
//!
//! Vietnamese first, English by switch: every word is in [`words`], once a language. Styles, scripts and fonts are in [`assets`]; no page
//! has a script or style of its own, so that the browser may be told to run none.

pub mod access;
pub mod assets;
pub mod batches;
pub mod figures;
pub mod frame;
pub mod paper;
pub mod record;
pub mod review;
pub mod road;
pub mod search;
pub mod sign_in;
pub mod system;
pub mod targets;
pub mod today;
pub mod words;

pub use frame::{Frame, Page, Seat};
pub use words::Language;

/// Renders a page.
///
/// Writing into memory does not fail, so neither does this; were a template ever to, its words stand in the page.
pub fn html(page: &impl askama::Template) -> String {
    page.render().unwrap_or_else(|error| error.to_string())
}
