//! Sampling: which records of a population are looked at, and what follows for the rest. The draw follows from a seed that the auditor
//! gives after the archive was handed over, so that it can be repeated and nobody could know it before.

use crate::report::Language;
use serde::Serialize;
use sohoa_record::Sha256Hex;
use sohoa_record::identifier::RecordId;
use std::collections::HashSet;
use std::str::FromStr;

/// How sure the bound is.
const CONFIDENCE_PERCENT: u32 = 95;

/// How much is looked at: `--sample 500` or `--sample 5%`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Size {
    /// So many records.
    Count(u64),
    /// That share of them, in percent.
    Percent(f64),
}

impl FromStr for Size {
    type Err = String;

    fn from_str(text: &str) -> Result<Size, String> {
        let size = match text.strip_suffix('%') {
            Some(share) => share.parse().ok().filter(|share| (0.0..=100.0).contains(share) && *share > 0.0).map(Size::Percent),
            None => text.parse().ok().filter(|count| *count > 0).map(Size::Count),
        };
        size.ok_or_else(|| "a number of records such as 500, or a share such as 5%, was expected".to_owned())
    }
}

/// What is drawn, and from what.
#[derive(Clone, Debug)]
pub struct Sample {
    /// How much.
    pub size: Size,
    /// Any text; the same text draws the same records.
    pub seed: String,
}

impl Sample {
    /// Draws without replacement: those whose SHA-256 of seed, a zero byte and identifier comes first.
    pub fn draw(&self, population: &[RecordId]) -> HashSet<RecordId> {
        let count = match self.size {
            Size::Count(count) => usize::try_from(count).unwrap_or(usize::MAX),
            Size::Percent(share) => (population.len() as f64 * share / 100.0).ceil() as usize,
        };
        let place =
            |record: &RecordId| Sha256Hex::of([self.seed.as_bytes(), &[0], record.as_str().as_bytes()].concat().as_slice());
        let mut placed: Vec<(Sha256Hex, &RecordId)> = population.iter().map(|record| (place(record), record)).collect();
        placed.sort();
        placed.into_iter().take(count).map(|(_, record)| record.clone()).collect()
    }
}

/// What a sample came to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Sampled {
    /// Records that there are.
    pub population: u64,
    /// Records that were looked at.
    pub drawn: u64,
    /// Those of them that were not as they were sealed.
    pub bad: u64,
    /// The seed.
    pub seed: String,
}

impl Sampled {
    /// With [`CONFIDENCE_PERCENT`] confidence at most so many of all records are not as they were sealed: the largest number for which a
    /// sample as good as this one would still come up more than once in twenty times (one-sided exact hypergeometric bound; with no bad
    /// record in a small share of a large archive it is near the rule of three, 3/n).
    pub fn most_bad(&self) -> u64 {
        let (population, drawn, bad) = (self.population, self.drawn.min(self.population), self.bad);
        let alpha = 1.0 - f64::from(CONFIDENCE_PERCENT) / 100.0;
        let (mut fits, mut too_many) = (bad, population - drawn + bad + 1);
        let logs = LogFactorials::up_to(population);
        while too_many - fits > 1 {
            let middle = fits + (too_many - fits) / 2;
            if logs.at_most(bad, population, middle, drawn) > alpha { fits = middle } else { too_many = middle }
        }
        fits
    }

    /// The same in words.
    pub fn text(&self, language: Language) -> String {
        let Sampled { population, drawn, bad, seed } = self;
        let most = self.most_bad();
        let share = if *population == 0 { 0.0 } else { most as f64 * 100.0 / *population as f64 };
        match language {
            Language::Vi => format!(
                "Kiểm tra mẫu: {drawn} trong {population} hồ sơ lưu (hạt giống '{seed}'), {bad} hồ sơ có sai lệch. Với độ tin cậy \
                 {CONFIDENCE_PERCENT} %, trong toàn bộ có không quá {most} hồ sơ ({share:.2} %) sai lệch (cận trên siêu bội chính xác)."
            ),
            Language::En => format!(
                "Sample: {drawn} of {population} records (seed '{seed}'), {bad} of them not whole. With {CONFIDENCE_PERCENT} % confidence \
                 at most {most} of all ({share:.2} %) are not whole (exact hypergeometric upper bound)."
            ),
        }
    }
}

/// Natural logarithms of the factorials of 0 to n.
struct LogFactorials(Vec<f64>);

impl LogFactorials {
    fn up_to(n: u64) -> Self {
        let mut sum = 0.0;
        let rest = (1..=n).map(|k| {
            sum += (k as f64).ln();
            sum
        });
        Self(std::iter::once(0.0).chain(rest).collect())
    }

    fn choose(&self, n: u64, k: u64) -> f64 {
        let ln = |n: u64| self.0[n as usize];
        ln(n) - ln(k) - ln(n - k)
    }

    /// How likely a sample of `drawn` has at most `most` bad ones when the population has `bad`.
    fn at_most(&self, most: u64, population: u64, bad: u64, drawn: u64) -> f64 {
        let good = population - bad;
        let first = drawn.saturating_sub(good);
        let terms = (first..=most.min(bad).min(drawn))
            .map(|found| (self.choose(bad, found) + self.choose(good, drawn - found) - self.choose(population, drawn)).exp());
        terms.sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sampled(population: u64, drawn: u64, bad: u64) -> Sampled {
        Sampled { population, drawn, bad, seed: String::new() }
    }

    /// Counted by Python with whole numbers (`math.comb`): the largest D with sum of C(D,x)·C(M−D,n−x) for x to k above C(M,n)/20.
    #[test]
    fn the_bound_is_that_of_exact_arithmetic() {
        for (population, drawn, bad, most) in EXACT {
            assert_eq!(sampled(population, drawn, bad).most_bad(), most, "{population} {drawn} {bad}");
        }
        // the rule of three: 3 in 500 of a million
        assert!(sampled(1_000_000, 500, 0).most_bad().abs_diff(6_000) < 50);
    }

    const EXACT: [(u64, u64, u64, u64); 7] = [
        (10, 10, 0, 0),
        (10, 5, 0, 3),
        (100, 30, 0, 8),
        (1000, 100, 0, 28),
        (1000, 100, 3, 73),
        (20000, 500, 0, 117),
        (20000, 500, 12, 768),
    ];

    #[test]
    fn a_seed_draws_the_same_records_and_another_seed_others() {
        let population: Vec<RecordId> = (0..1000).map(|n| format!("0193a5c2-7e1b-7c3d-9f00-{n:012x}").parse().unwrap()).collect();
        let draw = |seed: &str, size: &str| Sample { size: size.parse().unwrap(), seed: seed.into() }.draw(&population);
        assert_eq!(draw("a", "50").len(), 50);
        assert_eq!(draw("a", "50"), draw("a", "5%"));
        assert!(draw("a", "40").is_subset(&draw("a", "50")));
        assert!(draw("a", "50").intersection(&draw("b", "50")).count() < 20);
        assert_eq!(draw("a", "5000").len(), 1000);
        assert!(["0", "0%", "101%", "x", ""].iter().all(|size| size.parse::<Size>().is_err()));
    }
}
