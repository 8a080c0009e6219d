//! Dates as registers have them, read without guessing: a day when it is certain, else only the year, else nothing, and why.
//! Vietnam writes day before month; a spreadsheet under American settings turns them round.

use jiff::civil::Date;

/// What a cell says about a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    /// One day. `either_way`: it would also be a (different) day with day and month turned round.
    Day {
        /// The day, read as day/month/year where the form leaves a choice.
        date: Date,
        /// True for `03/04/2023`, false for `25/04/2023`, `04/04/2023` and `2023-04-03`.
        either_way: bool,
    },
    /// The year is certain, the day is not. A row still belongs to its year.
    Year {
        /// The year.
        year: i16,
        /// Why the day is not certain.
        why: &'static str,
        /// True when month/day/year is the only order that gives a day, so the whole column is suspect.
        month_first: bool,
    },
    /// Neither can be told.
    Nothing {
        /// Why.
        why: &'static str,
    },
}

/// Reads `2023-04-25`, `25/04/2023` (also with `-` or `.`), `20230425`, each with or without a time at +07:00 behind it.
pub fn read(cell: &str) -> Reading {
    let cell = cell.trim();
    if cell.is_empty() {
        return Reading::Nothing { why: "no date" };
    }
    if cell.bytes().all(|b| b.is_ascii_digit()) {
        return digits_only(cell);
    }
    let (day, time) = match cell.split_once([' ', 'T']) {
        Some((day, time)) => (day, Some(time)),
        None => (cell, None),
    };
    if time.is_some_and(|time| !is_local_time(time)) {
        return Reading::Nothing { why: "what follows the date is no time at +07:00" };
    }
    let parts: Vec<&str> = day.split(['/', '-', '.']).collect();
    let [a, b, c] = parts[..] else { return Reading::Nothing { why: "not a date" } };
    match (number(a, 1..=4), number(b, 1..=2), number(c, 1..=4)) {
        (Some(year), Some(month), Some(day)) if a.len() == 4 && c.len() <= 2 => year_first(year, month, day),
        (Some(day), Some(month), Some(year)) if a.len() <= 2 && c.len() == 4 => day_first(day, month, year),
        (Some(_), Some(_), Some(_)) => Reading::Nothing { why: "the year has not four digits" },
        _ => Reading::Nothing { why: "not a date" },
    }
}

/// `20230425` and `20230425153000` (the national payload's form); any other run of digits is a spreadsheet's serial or damage.
fn digits_only(cell: &str) -> Reading {
    match cell.len() {
        8 | 12 | 14 => {
            let at = |from: usize, to: usize| cell[from..to].parse::<i16>().unwrap_or(0);
            year_first(at(0, 4), at(4, 6), at(6, 8))
        }
        4 => with_plausible_year(at_most_i16(cell), |year| Reading::Year { year, why: "only a year", month_first: false }),
        5 => Reading::Nothing { why: "a spreadsheet's serial number stands for the date" },
        _ => Reading::Nothing { why: "not a date" },
    }
}

fn year_first(year: i16, month: i16, day: i16) -> Reading {
    with_plausible_year(year, |year| match civil(year, month, day) {
        Some(date) => Reading::Day { date, either_way: false },
        None => Reading::Year { year, why: "no such day in the calendar", month_first: false },
    })
}

fn day_first(day: i16, month: i16, year: i16) -> Reading {
    with_plausible_year(year, |year| match (civil(year, month, day), civil(year, day, month)) {
        (Some(date), turned) => Reading::Day { date, either_way: turned.is_some_and(|turned| turned != date) },
        (None, Some(_)) => {
            Reading::Year { year, why: "there is no such month; day and month may be turned round", month_first: true }
        }
        (None, None) => Reading::Year { year, why: "no such day in the calendar", month_first: false },
    })
}

/// Outside 1900–9999 a "year" is damage: `01022023` would be the year 102. 9999 stands for "no end" in many systems.
fn with_plausible_year(year: i16, read: impl FnOnce(i16) -> Reading) -> Reading {
    if (1900..=9999).contains(&year) { read(year) } else { Reading::Nothing { why: "the year is not plausible" } }
}

fn civil(year: i16, month: i16, day: i16) -> Option<Date> {
    Date::new(year, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()
}

fn number(text: &str, digits: std::ops::RangeInclusive<usize>) -> Option<i16> {
    let is_number = digits.contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    is_number.then(|| at_most_i16(text))
}

fn at_most_i16(digits: &str) -> i16 {
    digits.parse().unwrap_or(i16::MAX)
}

/// `15:30`, `15:30:00`, `15:30:00.000`, with `+07:00` or without a zone. Another zone could mean another day here.
fn is_local_time(text: &str) -> bool {
    let text = text.trim();
    let clock = text.strip_suffix("+07:00").unwrap_or(text);
    !clock.is_empty() && clock.contains(':') && clock.bytes().all(|b| b.is_ascii_digit() || b == b':' || b == b'.')
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;
    use proptest::prelude::*;

    fn day(y: i16, m: i8, d: i8) -> Reading {
        Reading::Day { date: date(y, m, d), either_way: false }
    }

    #[test]
    fn every_usual_form_of_one_day() {
        for cell in [
            "2023-04-25",
            "2023/04/25",
            "25/04/2023",
            "25-4-2023",
            "25.04.2023",
            " 25/4/2023 ",
            "20230425",
            "20230425153000",
            "2023-04-25T15:30:00",
            "2023-04-25 15:30",
            "2023-04-25T15:30:00.000+07:00",
            "25/04/2023 15:30:00",
        ] {
            assert_eq!(read(cell), day(2023, 4, 25), "{cell}");
        }
    }

    #[test]
    fn day_comes_first_and_the_other_reading_is_remembered() {
        assert_eq!(read("03/04/2023"), Reading::Day { date: date(2023, 4, 3), either_way: true });
        assert_eq!(read("04/04/2023"), day(2023, 4, 4));
    }

    #[test]
    fn an_impossible_day_leaves_its_year() {
        for (cell, first) in
            [("31/02/2023", false), ("2023-02-30", false), ("04/25/2023", true), ("2023", false), ("20231301", false)]
        {
            let reading = read(cell);
            assert!(
                matches!(reading, Reading::Year { year: 2023, month_first, .. } if month_first == first),
                "{cell} {reading:?}"
            );
        }
    }

    #[test]
    fn what_may_mean_two_years_or_none_is_nothing() {
        for cell in
            ["", "45041", "25/04/23", "01022023", "2023-04-25T22:00:00Z", "hôm qua", "4.5E+04", "1/1", "25/04/20233", "0/0/0"]
        {
            assert!(matches!(read(cell), Reading::Nothing { .. }), "{cell} {:?}", read(cell));
        }
    }

    proptest! {
        #[test]
        fn any_text_can_be_read(cell in "\\PC{0,30}") {
            let _ = read(&cell);
        }

        #[test]
        fn a_written_day_is_read_back(y in 1900i16..2200, m in 1i8..=12, d in 1i8..=28) {
            let written = date(y, m, d);
            for cell in [written.to_string(), format!("{d:02}/{m:02}/{y}"), format!("{y}{m:02}{d:02}")] {
                prop_assert!(matches!(read(&cell), Reading::Day { date, .. } if date == written), "{}", cell);
            }
        }
    }
}
