//! The clock, and times as the law wants them written: ISO 8601 with Vietnam's zone, +07:00 all year.

use jiff::tz::{Offset, TimeZone};
use jiff::{Timestamp, Zoned};

/// Asia/Ho_Chi_Minh has been +07:00 without summer time since 1975.
const VIETNAM: Offset = Offset::constant(7);

/// Vietnam's time zone.
pub fn zone() -> TimeZone {
    TimeZone::fixed(VIETNAM)
}

/// Now, in Vietnam.
pub fn now() -> Zoned {
    Timestamp::now().to_zoned(zone())
}

/// A time in seconds since 1970 UTC, in Vietnam; beyond the calendar its last.
pub fn of_seconds(seconds: u64) -> Zoned {
    let time = i64::try_from(seconds).ok().and_then(|seconds| Timestamp::from_second(seconds).ok());
    time.unwrap_or(Timestamp::MAX).to_zoned(zone())
}

/// Milliseconds since 1970, for leases.
pub fn now_ms() -> i64 {
    Timestamp::now().as_millisecond()
}

/// `2026-11-22T13:02:11+07:00`
pub fn rfc3339(time: &Zoned) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string()
}

/// Day and time of such a text, as people write them; other text stays.
pub fn moment(rfc3339: &str) -> String {
    parse(rfc3339).map_or_else(|| rfc3339.to_owned(), |then| then.strftime("%d/%m/%Y %H:%M:%S").to_string())
}

/// `2026-11-22T13:02:11.250+07:00`, where the order of two within a second counts.
pub fn rfc3339_ms(time: &Zoned) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%S.%3f%:z").to_string()
}

/// The other way round; none when the text is no such time.
pub fn parse(text: &str) -> Option<Zoned> {
    text.parse::<Timestamp>().ok().map(|time| time.to_zoned(zone()))
}

/// When a day begins in Vietnam, milliseconds since 1970; none beyond the calendar.
pub fn midnight(day: jiff::civil::Date) -> Option<i64> {
    day.to_zoned(zone()).ok().map(|then| then.timestamp().as_millisecond())
}

#[cfg(test)]
mod tests {
    #[test]
    fn times_carry_vietnams_zone_and_come_back() {
        let time = super::parse("2026-11-22T06:02:11Z").unwrap();
        assert_eq!(super::rfc3339(&time), "2026-11-22T13:02:11+07:00");
        assert_eq!(super::parse("2026-11-22T13:02:11+07:00").unwrap(), time);
    }
}
