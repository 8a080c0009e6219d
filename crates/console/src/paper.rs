//! A record as lists show it.

use crate::words::Language;
use sohoa_record::manifest::State;

/// One line of a list.
#[derive(Clone, Debug)]
pub struct Paper {
    /// Where it is told in full.
    pub href: String,
    /// What it is: kind, number, date, or the file's name.
    pub title: String,
    /// Subject or owner, when known.
    pub about: String,
    /// Where it came from.
    pub place: String,
    /// The dossier's code.
    pub dossier: String,
    /// When it arrived: a time today, else a day.
    pub arrived: String,
    /// The outcome.
    pub state: State,
    /// Why a person must look, in words.
    pub reasons: Vec<String>,
}

impl Paper {
    /// The style of its state: shape and colour say what the word says.
    pub fn state_style(&self) -> &'static str {
        style(self.state)
    }

    /// The word of its state.
    pub fn state_word(&self, language: &Language) -> &'static str {
        language.state(self.state)
    }
}

/// The style of a state.
pub fn style(state: State) -> &'static str {
    match state {
        State::Sealed => "ok",
        State::Review => "look",
        State::Skipped => "skip",
        State::Failed => "bad",
    }
}
