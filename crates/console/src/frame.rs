//! What stands around every page: who sits there, where they may go, in which language.

use crate::words::{Language, Words};

/// The pages of the console that the navigation leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Page {
    Today,
    Review,
    SecondRound,
    Search,
    Batches,
    Targets,
    System,
    Access,
}

impl Page {
    /// Where it is.
    pub fn href(self) -> &'static str {
        match self {
            Page::Today => "/",
            Page::Review => "/review",
            Page::SecondRound => "/second-round",
            Page::Search => "/search",
            Page::Batches => "/batches",
            Page::Targets => "/targets",
            Page::System => "/system",
            Page::Access => "/access",
        }
    }

    /// What it is called.
    pub fn name(self, w: &Words) -> &'static str {
        match self {
            Page::Today => w.today,
            Page::Review => w.review,
            Page::SecondRound => w.second_round,
            Page::Search => w.search,
            Page::Batches => w.batches,
            Page::Targets => w.targets,
            Page::System => w.system,
            Page::Access => w.access_log,
        }
    }
}

/// Who sits there.
#[derive(Clone, Debug, Default)]
pub struct Seat {
    /// The person's name, as histories have it.
    pub who: String,
    /// Their role, in words.
    pub role: String,
    /// Their unit, if they have one.
    pub unit: String,
    /// What every form must send back.
    pub csrf: String,
}

/// What stands around a page.
#[derive(Clone, Debug)]
pub struct Frame {
    /// The language of the page.
    pub language: Language,
    /// The page's name, for the browser's title.
    pub title: String,
    /// The part of the console it belongs to.
    pub here: Option<Page>,
    /// Where this person may go.
    pub pages: Vec<Page>,
    /// Who sits there; nobody before signing in.
    pub seat: Option<Seat>,
    /// Records that wait for a person.
    pub waiting: u64,
    /// Something that everybody should know, such as that nothing is done now.
    pub alarm: Option<String>,
}

impl Frame {
    /// The words of the page's language.
    pub fn w(&self) -> &'static Words {
        self.language.words()
    }

    /// What forms must send back.
    pub fn csrf(&self) -> &str {
        self.seat.as_ref().map_or("", |seat| &seat.csrf)
    }

    /// True when this person may go there.
    pub(crate) fn leads_to(&self, page: Page) -> bool {
        self.pages.contains(&page)
    }

    /// Name, place and whether it is here, of each page.
    pub(crate) fn navigation(&self) -> Vec<(&'static str, &'static str, bool)> {
        self.pages.iter().map(|page| (page.name(self.w()), page.href(), self.here == Some(*page))).collect()
    }
}
