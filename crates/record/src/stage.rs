//! The stages of the pipeline: one name each for its file, its span in a trace and its label in the figures.

use serde::{Deserialize, Serialize};

/// What is done to a document, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// The scan is found in the store, and is what arrived.
    Fetch,
    /// Outside bytes become pages.
    Decode,
    /// A page is turned, straightened and judged.
    Clean,
    /// Barcodes and QR codes are looked for.
    Codes,
    /// A page's words are read.
    Recognize,
    /// Words are corrected for search.
    Correct,
    /// Pages become a searchable PDF/A, and fields are taken from their words.
    Render,
    /// The PDF is signed where that is asked for, the receipt sealed.
    Seal,
    /// Files are put into the store, the receipt is committed.
    Store,
}

impl Stage {
    /// All, in order.
    pub const ALL: [Stage; 9] = [
        Stage::Fetch,
        Stage::Decode,
        Stage::Clean,
        Stage::Codes,
        Stage::Recognize,
        Stage::Correct,
        Stage::Render,
        Stage::Seal,
        Stage::Store,
    ];

    /// Its name in figures and traces.
    pub fn as_str(self) -> &'static str {
        match self {
            Stage::Fetch => "fetch",
            Stage::Decode => "decode",
            Stage::Clean => "clean",
            Stage::Codes => "codes",
            Stage::Recognize => "recognize",
            Stage::Correct => "correct",
            Stage::Render => "render",
            Stage::Seal => "seal",
            Stage::Store => "store",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_stage_has_one_name_everywhere() {
        for stage in Stage::ALL {
            assert_eq!(serde_json::to_string(&stage).unwrap(), format!("\"{}\"", stage.as_str()));
        }
        assert!(Stage::ALL.is_sorted(), "in the order of the pipeline");
    }
}
