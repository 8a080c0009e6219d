//! Confidence against correctness: of the words that sohoa was so and so sure of, how many are right.

use super::score::{right, word, words};
use crate::figures::Figure;

/// The lowest and the highest percent of each band.
const BANDS: [(u8, u8, &str); 6] =
    [(0, 49, "0–49"), (50, 74, "50–74"), (75, 89, "75–89"), (90, 94, "90–94"), (95, 97, "95–97"), (98, 100, "98–100")];

/// What was counted in a band.
#[derive(Clone, Copy, Default)]
struct Band {
    words: usize,
    right: usize,
    /// Sum of what was said, percent.
    said: u64,
}

impl Band {
    fn said(&self) -> f64 {
        self.said as f64 / self.words as f64
    }

    fn right(&self) -> f64 {
        100.0 * self.right as f64 / self.words as f64
    }
}

/// All bands.
#[derive(Default)]
pub struct Reliability([Band; BANDS.len()]);

impl Reliability {
    /// Counts the words of a page. Marks without letter or digit are no words.
    pub fn add(&mut self, truth: &str, read: &[(String, u8)]) {
        let read: Vec<(String, u8)> = read.iter().filter_map(|(text, sure)| Some((word(text)?, *sure))).collect();
        let texts: Vec<String> = read.iter().map(|(text, _)| text.clone()).collect();
        for ((_, sure), right) in read.iter().zip(right(&words(truth), &texts)) {
            let nth = BANDS.iter().rposition(|(least, _, _)| least <= sure).unwrap_or(0);
            let band = &mut self.0[nth];
            *band = Band { words: band.words + 1, right: band.right + usize::from(right), said: band.said + u64::from(*sure) };
        }
    }

    /// The bands that hold words.
    fn bands(&self) -> impl Iterator<Item = (&'static str, &Band)> {
        BANDS.iter().map(|(_, _, name)| *name).zip(&self.0).filter(|(_, band)| band.words > 0)
    }

    /// How far what is said is from what is right, in points, over all words (expected calibration error).
    fn off(&self) -> f64 {
        let words: usize = self.bands().map(|(_, band)| band.words).sum();
        self.bands().map(|(_, band)| (band.said() - band.right()).abs() * band.words as f64 / words as f64).sum()
    }

    /// The table.
    pub fn markdown(&self) -> String {
        let mut table = String::from("| confidence of a word | words | said, mean | right |\n|---|---:|---:|---:|");
        for (name, band) in self.bands() {
            table.push_str(&format!("\n| {name} % | {} | {:.1} % | {:.1} % |", band.words, band.said(), band.right()));
        }
        table.push_str(&format!("\n\nWhat is said is off by {:.1} points in the mean.", self.off()));
        table
    }

    /// The same for the CSV.
    pub fn figures(&self) -> Vec<Figure> {
        let mut figures = Vec::new();
        for (name, band) in self.bands() {
            let mut add = |what, value, unit| {
                let input = format!("words of confidence {name} %");
                figures.push(Figure { input, pages: 0, subject: "sohoa digitize".into(), name: what, value, unit });
            };
            add("words", band.words as f64, "");
            add("said", band.said(), "%");
            add("right", band.right(), "%");
        }
        figures
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_counted_in_their_band() {
        let mut reliability = Reliability::default();
        let read = [("Căn", 99), ("cử", 40), ("—", 10), ("Luật,", 97)].map(|(text, sure)| (text.to_owned(), sure));
        reliability.add("Căn cứ Luật", &read);
        let table = reliability.markdown();
        let expected = "| 0–49 % | 1 | 40.0 % | 0.0 % |\n| 95–97 % | 1 | 97.0 % | 100.0 % |\n| 98–100 % | 1 | 99.0 % | 100.0 % |";
        assert!(table.contains(expected), "{table}");
        assert!(table.contains("off by 14.7 points"), "{table}");
    }
}
