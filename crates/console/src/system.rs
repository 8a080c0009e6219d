//! *Hệ thống*: how the service is, its stations, its people.

use crate::figures;
use crate::frame::Frame;
use askama::Template;

/// The page.
#[derive(Debug, Template)]
#[template(path = "system.html")]
pub struct SystemPage {
    /// What stands around it.
    pub frame: Frame,
    /// What is wrong, in words, and what the machine says of it; nothing when all is well.
    pub troubles: Vec<(String, String)>,
    /// Facts in order: what, and its value.
    pub facts: Vec<(String, String)>,
    /// Stages that anything went through, in order.
    pub stages: Vec<StageLine>,
    /// How often each person's decisions were found wrong.
    pub rates: Vec<RateLine>,
    /// Stations.
    pub stations: Vec<StationLine>,
    /// What holds for stations without limits of their own: pushes a minute, megabytes of a document.
    pub for_all: (u64, u64),
    /// People; empty when this person does not administer them.
    pub people: Vec<PersonLine>,
    /// True when this person may change stations and people.
    pub may_administer: bool,
    /// Roles: code and words.
    pub roles: Vec<(String, String)>,
    /// What is shown this once: what it is, and the secret.
    pub secret: Option<(String, String)>,
    /// What was wrong with what was sent.
    pub problem: Option<String>,
}

/// A stage, as a person reads it.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub struct StageLine {
    pub name: String,
    pub runs: u64,
    pub mean: String,
    pub failures: u64,
    /// Documents in it now, and how long the slowest is.
    pub now: String,
    /// True when the slowest is too slow.
    pub is_stuck: bool,
}

/// How often a person's decisions were found wrong.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub struct RateLine {
    pub who: String,
    pub what: String,
    pub looked_at: u64,
    pub wrong: u64,
    pub rate: String,
}

/// A station.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub struct StationLine {
    pub name: String,
    pub unit: String,
    pub since: String,
    /// Its own limits; empty where it has none.
    pub per_minute: String,
    pub most_mb: String,
    pub is_revoked: bool,
}

/// A person.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub struct PersonLine {
    pub login: String,
    pub name: String,
    /// The role's code.
    pub role: &'static str,
    pub unit: String,
    pub has_code: bool,
    pub is_disabled: bool,
    pub is_oneself: bool,
}

impl SystemPage {
    /// A limit as people read it: the station's own, or what holds for all.
    fn limit(&self, own: &str, for_all: &u64) -> String {
        match own.parse() {
            Ok(own) => figures::grouped(self.frame.language, own),
            Err(_) => format!("{} ({})", figures::grouped(self.frame.language, *for_all), self.frame.w().for_all),
        }
    }

    fn role_of(&self, person: &PersonLine) -> &str {
        self.roles.iter().find(|(code, _)| code == person.role).map_or("", |(_, words)| words)
    }
}
