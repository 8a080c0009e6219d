//! Figures and how they are made from what was seen: medians, the time line of `sohoa -v`, words found.

use std::collections::HashMap;
use unicode_normalization::UnicodeNormalization as _;

/// One figure: of `subject`, on `input`.
pub struct Figure {
    /// Which pages, such as `fixtures`.
    pub input: String,
    /// How many of them.
    pub pages: usize,
    /// What was measured, such as `sohoa digitize`.
    pub subject: String,
    /// What of it, such as `pages a minute`.
    pub name: &'static str,
    /// The value, in `unit`.
    pub value: f64,
    /// Its unit; empty for a ratio.
    pub unit: &'static str,
}

/// The middle one; the mean of the two middle ones when their number is even; 0 of none.
pub fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() {
        0 => 0.0,
        n if n % 2 == 1 => values[middle],
        _ => (values[middle - 1] + values[middle]) / 2.0,
    }
}

/// The one that a share of all are at or below, such as 0.99; 0 of none.
pub fn at_share(values: &[f64], share: f64) -> f64 {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    let at = (values.len() as f64 * share).ceil() as usize;
    values.get(at.max(1) - 1).copied().unwrap_or(0.0)
}

/// Where the time of one `sohoa ingest` went, as it says itself with `-v`. Milliseconds.
#[derive(Debug, PartialEq)]
pub struct TimeLine {
    /// All workers together: inside the OCR engine.
    pub engine: f64,
    /// All workers together: from the request for a page to its answer (decode, clean, recognize, and the way there and back).
    pub busy: f64,
    /// How many pages are read at once.
    pub workers: f64,
    /// From the start of the batch to its end.
    pub wall: f64,
}

impl TimeLine {
    /// Reads the line from what was said on stderr; colours are ignored.
    pub fn find(stderr: &str) -> Option<TimeLine> {
        let plain = without_colours(stderr);
        let line = plain.lines().rev().find(|line| line.contains("where the time went"))?;
        let value = |key: &str| -> Option<f64> { line.split_whitespace().find_map(|word| word.strip_prefix(key))?.parse().ok() };
        Some(TimeLine {
            engine: value("engine_ms=")?,
            busy: value("busy_ms=")?,
            workers: value("workers=")?,
            wall: value("wall_ms=")?,
        })
    }

    /// Share of the workers' whole time, idle time counted, that was not spent in the engine: what a faster engine cannot win.
    pub fn outside_of_wall(&self) -> f64 {
        1.0 - self.engine / (self.workers * self.wall)
    }

    /// Share of the time in which a page was being read that was not spent in the engine.
    pub fn outside_of_busy(&self) -> f64 {
        1.0 - self.engine / self.busy
    }

    /// Share of what all cores of the machine could have done that was not spent in the engine.
    pub fn outside_of_cores(&self, cores: usize) -> f64 {
        1.0 - self.engine / (cores as f64 * self.wall)
    }
}

/// The text without terminal colours (ECMA-48 sequences that end with `m`).
fn without_colours(text: &str) -> String {
    let mut parts = text.split("\u{1b}[");
    let first = parts.next().unwrap_or_default();
    std::iter::once(first).chain(parts.map(|part| part.split_once('m').map_or(part, |(_, rest)| rest))).collect()
}

/// The share of the words of `truth` that `read` has too, each as often as it stands there; composed to NFC first.
/// `None` when there is no word to find.
pub fn words_found(truth: &str, read: &str) -> Option<f64> {
    let counts = |text: &str| {
        let mut counts = HashMap::<String, usize>::new();
        text.split_whitespace().for_each(|word| *counts.entry(word.nfc().collect()).or_default() += 1);
        counts
    };
    let (truth, read) = (counts(truth), counts(read));
    let all: usize = truth.values().sum();
    let found: usize = truth.iter().map(|(word, n)| n.min(read.get(word).unwrap_or(&0))).sum();
    (all > 0).then(|| found as f64 / all as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians() {
        assert_eq!(median([3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median([4.0, 1.0, 2.0, 3.0]), 2.5);
        assert_eq!(median([]), 0.0);
        let hundred: Vec<f64> = (1..=100).rev().map(f64::from).collect();
        assert_eq!((at_share(&hundred, 0.99), at_share(&hundred, 0.5), at_share(&[], 0.5)), (99.0, 50.0, 0.0));
        assert_eq!(at_share(&[7.0], 0.99), 7.0);
    }

    #[test]
    fn the_time_line_is_read_in_colour_and_without() {
        let plain = "INFO something engine_ms=7\n2026 INFO where the time went engine_ms=1828 busy_ms=2070 workers=2 wall_ms=2161\n1 done";
        let colour = "\u{1b}[2m2026\u{1b}[0m \u{1b}[32m INFO\u{1b}[0m where the time went \u{1b}[3mengine_ms\u{1b}[0m\u{1b}[2m=\u{1b}[0m1828 \
                      \u{1b}[3mbusy_ms\u{1b}[0m\u{1b}[2m=\u{1b}[0m2070 workers=2 wall_ms=2161";
        let expected = TimeLine { engine: 1828.0, busy: 2070.0, workers: 2.0, wall: 2161.0 };
        assert_eq!(TimeLine::find(plain), Some(expected));
        assert_eq!(TimeLine::find(colour), TimeLine::find(plain));
        assert_eq!(TimeLine::find("where the time went engine_ms=1 busy_ms=x"), None);
    }

    #[test]
    fn shares_outside_the_engine() {
        let line = TimeLine { engine: 60.0, busy: 80.0, workers: 2.0, wall: 50.0 };
        assert!((line.outside_of_wall() - 0.4).abs() < 1e-9);
        assert!((line.outside_of_busy() - 0.25).abs() < 1e-9);
        assert!((line.outside_of_cores(4) - 0.7).abs() < 1e-9);
    }

    #[test]
    fn words_count_as_often_as_they_stand_there() {
        assert_eq!(words_found("và và tỉnh", "tỉnh và"), Some(2.0 / 3.0));
        assert_eq!(words_found("tỉnh", "ti\u{309}nh"), Some(1.0), "decomposed is the same word");
        assert_eq!(words_found("tỉnh", "tinh"), Some(0.0));
        assert_eq!(words_found(" \n", "tinh"), None);
    }
}
