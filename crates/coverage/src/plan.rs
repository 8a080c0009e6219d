//! The pace needed to reach a target by its deadline.
//!
//! Assumptions, to be shown beside the figure: the denominator stays as it is today (in a running year it grows, so the true pace
//! is higher), one result takes one document, and work is done on every working day from the day after `as_of` to the deadline.

use jiff::civil::{Date, Weekday};
use serde::Serialize;
use std::collections::BTreeSet;

/// Which days are worked: Monday to Friday, but for the exceptions that are proclaimed each year (Tết, swapped days).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WorkCalendar {
    /// Weekdays on which nobody works.
    pub days_off: BTreeSet<Date>,
    /// Saturdays and Sundays that are worked in exchange.
    pub worked_weekends: BTreeSet<Date>,
}

impl WorkCalendar {
    /// Whether that day is worked.
    pub fn is_worked(&self, day: Date) -> bool {
        match day.weekday() {
            Weekday::Saturday | Weekday::Sunday => self.worked_weekends.contains(&day),
            _ => !self.days_off.contains(&day),
        }
    }

    /// Working days after `as_of`, up to and including `deadline`.
    pub fn working_days(&self, as_of: Date, deadline: Date) -> u64 {
        let days = as_of.series(jiff::Span::new().days(1)).skip(1).take_while(|day| *day <= deadline);
        days.filter(|day| self.is_worked(*day)).count() as u64
    }
}

/// What is left to do, and how fast.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Pace {
    /// Results that must be covered to reach the target: the smallest number whose share is at least the target.
    pub needed: u64,
    /// How many of them are not covered yet.
    pub remaining: u64,
    /// Working days left.
    pub working_days: u64,
    /// Documents per working day, rounded up; null when something remains and no working day is left.
    pub per_working_day: Option<u64>,
}

/// The pace that brings `numerator` of `denominator` to `target` percent between `as_of` and `deadline`.
pub fn pace(numerator: u64, denominator: u64, target: u8, as_of: Date, deadline: Date, calendar: &WorkCalendar) -> Pace {
    let needed = needed(denominator, target);
    let remaining = needed.saturating_sub(numerator);
    let working_days = calendar.working_days(as_of, deadline);
    let per_working_day = match (remaining, working_days) {
        (0, _) => Some(0),
        (_, 0) => None,
        (remaining, days) => Some(remaining.div_ceil(days)),
    };
    Pace { needed, remaining, working_days, per_working_day }
}

/// The smallest number of results that is at least `target` percent of `denominator`.
pub fn needed(denominator: u64, target: u8) -> u64 {
    let needed = (u128::from(denominator) * u128::from(target)).div_ceil(100);
    u64::try_from(needed).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;
    use proptest::prelude::*;

    #[test]
    fn a_week_by_hand() {
        // 2026-11-06 is a Friday; up to Friday 2026-11-13 there are five working days. 75 % of 8 is 6; 3 are done, 3 remain.
        let pace = pace(3, 8, 75, date(2026, 11, 6), date(2026, 11, 13), &WorkCalendar::default());
        assert_eq!(pace, Pace { needed: 6, remaining: 3, working_days: 5, per_working_day: Some(1) });
    }

    #[test]
    fn proclaimed_days_off_and_swapped_weekends_count() {
        let calendar = WorkCalendar { days_off: [date(2026, 11, 9)].into(), worked_weekends: [date(2026, 11, 7)].into() };
        assert_eq!(calendar.working_days(date(2026, 11, 6), date(2026, 11, 9)), 1);
        assert_eq!(WorkCalendar::default().working_days(date(2026, 11, 6), date(2026, 11, 9)), 1);
        assert!(calendar.is_worked(date(2026, 11, 7)) && !calendar.is_worked(date(2026, 11, 9)));
    }

    #[test]
    fn after_the_deadline_there_is_no_pace_unless_all_is_done() {
        let (late, deadline) = (date(2026, 1, 2), date(2025, 12, 31));
        assert_eq!(pace(3, 8, 100, late, deadline, &WorkCalendar::default()).per_working_day, None);
        assert_eq!(pace(8, 8, 100, late, deadline, &WorkCalendar::default()).per_working_day, Some(0));
        assert_eq!(WorkCalendar::default().working_days(Date::MAX, Date::MAX), 0);
    }

    proptest! {
        #[test]
        fn at_that_pace_the_target_is_reached(numerator in 0u64..5000, denominator in 0u64..5000, target in 0u8..=100, days in 1i32..400) {
            let as_of = date(2026, 1, 1);
            let deadline = as_of.saturating_add(jiff::Span::new().days(days));
            let pace = pace(numerator, denominator, target, as_of, deadline, &WorkCalendar::default());
            if let Some(per_day) = pace.per_working_day {
                let done = numerator + per_day * pace.working_days;
                prop_assert!(done * 100 >= u64::from(target) * denominator);
                prop_assert!(per_day == 0 || (numerator + (per_day - 1) * pace.working_days) * 100 < u64::from(target) * denominator);
            }
        }
    }
}
