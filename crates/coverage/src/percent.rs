//! A rate as people read it: percent with two decimals (QĐ 766/QĐ-TTg reports show two), computed in whole numbers.

use serde::{Serialize, Serializer};
use std::fmt;

/// Hundredths of a percent, 0 to 10 000. In JSON a number such as `66.67`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Percent(u16);

impl Percent {
    /// `numerator` of `denominator`, rounded half up; `None` when there is nothing to divide by.
    ///
    /// Rounding never completes a task: 100.00 is given only when every one of `denominator` is there, so 19 999 of 20 000 is
    /// 99.99. A numerator above the denominator is a caller's mistake and is cut to 100.00.
    pub fn of(numerator: u64, denominator: u64) -> Option<Self> {
        let (numerator, denominator) = (u128::from(numerator), u128::from(denominator));
        if denominator == 0 {
            return None;
        }
        if numerator >= denominator {
            return Some(Self(10_000));
        }
        let rounded = (numerator * 20_000 + denominator) / (denominator * 2);
        Some(Self(rounded.min(9_999) as u16))
    }

    /// Hundredths of a percent, 0 to 10 000.
    pub fn hundredths(self) -> u16 {
        self.0
    }
}

impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:02}", self.0 / 100, self.0 % 100)
    }
}

impl Serialize for Percent {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // The nearest double of a two-decimal number prints as that number.
        serializer.serialize_f64(f64::from(self.0) / 100.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn hand_computed_rates() {
        for (numerator, denominator, text) in [
            (3, 8, "37.50"),
            (2, 3, "66.67"),
            (1, 3, "33.33"),
            (0, 5, "0.00"),
            (5, 5, "100.00"),
            (1, 800, "0.13"),
            (1, 1600, "0.06"),
        ] {
            assert_eq!(Percent::of(numerator, denominator).unwrap().to_string(), text, "{numerator} of {denominator}");
        }
    }

    #[test]
    fn nothing_to_divide_by_is_no_rate() {
        assert_eq!(Percent::of(0, 0), None);
        assert_eq!(Percent::of(3, 0), None);
    }

    #[test]
    fn rounding_never_says_all() {
        assert_eq!(Percent::of(19_999, 20_000).unwrap().to_string(), "99.99");
        assert_eq!(serde_json::to_string(&Percent::of(2, 3)).unwrap(), "66.67");
        assert_eq!(serde_json::to_string(&Percent::of(3, 8)).unwrap(), "37.5");
    }

    proptest! {
        #[test]
        fn a_rate_is_within_half_a_hundredth_of_the_truth(numerator in 0u64..2_000_000, more in 1u64..2_000_000) {
            let denominator = numerator + more;
            let rate = f64::from(Percent::of(numerator, denominator).unwrap().hundredths()) / 100.0;
            let truth = numerator as f64 * 100.0 / denominator as f64;
            prop_assert!((rate - truth).abs() <= 0.005 + 1e-9 || (rate == 99.99 && truth > 99.99));
        }
    }
}
