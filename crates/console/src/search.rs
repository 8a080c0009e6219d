//! *Tìm kiếm*: words as people type them, narrowed, page after page.

use crate::frame::Frame;
use crate::paper::Paper;
use askama::Template;

/// The page.
#[derive(Debug, Template)]
#[template(path = "search.html")]
pub struct SearchPage {
    /// What stands around it.
    pub frame: Frame,
    /// What was asked.
    pub asked: Asked,
    /// What was typed for a day and is none.
    pub problem: Option<String>,
    /// True when a number was left out of the question that this person may not see.
    pub leaves_out: bool,
    /// What was found.
    pub hits: Vec<Hit>,
    /// The next page, when there is one.
    pub next: Option<String>,
    /// True when this is not the first page.
    pub is_later: bool,
    /// Code and words of each state.
    pub states: Vec<(&'static str, &'static str)>,
}

/// What was asked, as it was typed.
#[derive(Clone, Debug, Default)]
#[allow(missing_docs)]
pub struct Asked {
    pub text: String,
    pub unit: String,
    pub state: String,
    pub kind: String,
    pub from: String,
    pub to: String,
}

/// A record that was found.
#[derive(Clone, Debug)]
pub struct Hit {
    /// The record.
    pub paper: Paper,
    /// A part of its text; true for words that were searched for.
    pub snippet: Vec<(String, bool)>,
    /// False when only another spelling was found.
    pub is_exact: bool,
}

impl SearchPage {
    /// The same question from its beginning.
    fn first_page(&self) -> String {
        let asked = &self.asked;
        let parts = [
            ("q", &asked.text),
            ("unit", &asked.unit),
            ("state", &asked.state),
            ("kind", &asked.kind),
            ("from", &asked.from),
            ("to", &asked.to),
        ];
        link("/search", parts.iter().map(|(name, value)| (*name, value.as_str())))
    }
}

/// A link with a query; parts without a value are left out.
pub fn link<'a>(path: &str, parts: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    let mut out = path.to_owned();
    for (name, value) in parts.filter(|(_, value)| !value.is_empty()) {
        out.push(if out.contains('?') { '&' } else { '?' });
        out.push_str(name);
        out.push('=');
        for byte in value.bytes() {
            match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => out.push(char::from(byte)),
                _ => out.push_str(&format!("%{byte:02X}")),
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_link_carries_any_text() {
        let parts = [("q", "Quyết định & <b>"), ("unit", ""), ("state", "review")];
        assert_eq!(
            super::link("/search", parts.into_iter()),
            "/search?q=Quy%E1%BA%BFt%20%C4%91%E1%BB%8Bnh%20%26%20%3Cb%3E&state=review"
        );
    }
}
