//! Lines over years: a rate on its way to 100 %, beside the steps of its target, as SVG paths. A year without a rate is a gap.

use crate::figures;
use crate::frame::Frame;

/// A rate over years.
#[derive(Clone, Debug, Default)]
pub struct Road {
    /// Whose.
    pub name: String,
    /// In order, none left out.
    pub years: Vec<OfYear>,
}

/// A year of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OfYear {
    /// The year.
    pub year: i16,
    /// Hundredths of a percent; none when it is not known.
    pub rate: Option<u32>,
    /// Whole percent; none when none is set.
    pub target: Option<u8>,
}

/// Where 0 % and 100 % and the years lie, in units of the picture.
#[derive(Clone, Copy, Debug)]
pub struct Plot {
    /// Of the whole picture.
    pub width: u32,
    /// Of the whole picture.
    pub height: u32,
    /// Beside and below the lines, for words.
    pub margin: u32,
    /// Above 100 % and below 0 %, so that a line or word at the edge is not cut.
    pub rim: u32,
}

/// The picture of the levels.
pub const LARGE: Plot = Plot { width: 1000, height: 230, margin: 40, rim: 12 };
/// A unit's, in its row.
pub const SMALL: Plot = Plot { width: 96, height: 22, margin: 0, rim: 3 };

impl Plot {
    /// The height of a rate in hundredths of a percent.
    pub fn y(&self, rate: u32) -> u32 {
        let room = self.height - self.margin - 2 * self.rim;
        self.rim + room - room * rate.min(10_000) / 10_000
    }

    /// Lines across: their share in words, and their height.
    pub fn shares(&self) -> [(&'static str, u32); 3] {
        [("0 %", self.y(0)), ("50", self.y(5_000)), ("100", self.y(10_000))]
    }

    /// The middle of a year's band.
    pub fn x(&self, at: usize, of: usize) -> u32 {
        self.edge(2 * at + 1, 2 * of)
    }

    /// The left edge of band `at`.
    pub fn edge(&self, at: usize, of: usize) -> u32 {
        self.margin + (self.width - self.margin) * at as u32 / of.max(1) as u32
    }
}

impl Road {
    /// True when there is something to draw.
    pub fn is_known(&self) -> bool {
        self.years.iter().any(|of| of.rate.is_some())
    }

    /// The path of the rates.
    pub fn line(&self, plot: Plot) -> String {
        let mut path = String::new();
        let mut broken = true;
        for (at, of) in self.years.iter().enumerate() {
            let Some(rate) = of.rate else {
                broken = true;
                continue;
            };
            path += &format!("{}{} {}", if broken { 'M' } else { 'L' }, plot.x(at, self.years.len()), plot.y(rate));
            broken = false;
        }
        path
    }

    /// The places of the rates.
    pub fn points(&self, plot: Plot) -> Vec<(u32, u32)> {
        let known = self.years.iter().enumerate().filter_map(|(at, of)| Some((at, of.rate?)));
        known.map(|(at, rate)| (plot.x(at, self.years.len()), plot.y(rate))).collect()
    }

    /// The path of the targets: a step a year.
    pub fn steps(&self, plot: Plot) -> String {
        let (mut path, count) = (String::new(), self.years.len());
        let mut last = None;
        for (at, of) in self.years.iter().enumerate() {
            let Some(target) = of.target else {
                last = None;
                continue;
            };
            let y = plot.y(u32::from(target) * 100);
            let begin = if last.is_some() { format!("V{y}") } else { format!("M{} {y}", plot.edge(at, count)) };
            path += &format!("{begin}H{}", plot.edge(at + 1, count));
            last = Some(y);
        }
        path
    }

    /// The same in words: each year's rate and target.
    pub fn told(&self, frame: &Frame) -> String {
        let of_year = |of: &OfYear| {
            let rate = of.rate.map_or_else(|| frame.w().unknown.to_owned(), |rate| figures::percent(frame.language, rate));
            let target = of.target.map_or_else(String::new, |target| format!(" ({} {target} %)", frame.w().target));
            format!("{}: {rate}{target}", of.year)
        };
        self.years.iter().map(of_year).collect::<Vec<_>>().join(", ")
    }

    /// The newest rate that is known, in words.
    pub fn newest(&self, frame: &Frame) -> String {
        let newest = self.years.iter().rev().find_map(|of| Some((of.year, of.rate?)));
        newest.map_or_else(String::new, |(year, rate)| format!("{year}: {}", figures::percent(frame.language, rate)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_year_without_a_rate_is_a_gap_and_targets_are_steps() {
        let of = |year, rate, target| OfYear { year, rate, target };
        let years =
            vec![of(2021, Some(0), None), of(2022, None, Some(40)), of(2023, Some(5000), Some(60)), of(2024, Some(20_000), None)];
        let road = Road { name: "cấp xã".into(), years };
        let plot = Plot { width: 400, height: 108, margin: 0, rim: 4 };
        assert_eq!(road.line(plot), "M50 104M250 54L350 4", "more than all is drawn as all");
        assert_eq!(road.points(plot), [(50, 104), (250, 54), (350, 4)]);
        assert_eq!(road.steps(plot), "M100 64H200V44H300");
        assert!(!Road::default().is_known() && Road::default().line(plot).is_empty());
    }
}
