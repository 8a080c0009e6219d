//! How numbers are written: the Vietnamese way is 1.394.695 and 43,7 %.

use crate::words::Language;

/// A whole number in groups of three.
pub fn grouped(language: Language, n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(if language == Language::Vi { '.' } else { ',' });
        }
        out.push(digit);
    }
    out
}

/// Hundredths of a percent, with at most two decimals: `43,7 %`.
pub fn percent(language: Language, hundredths: u32) -> String {
    let (whole, rest) = (hundredths / 100, hundredths % 100);
    let point = if language == Language::Vi { ',' } else { '.' };
    match rest {
        0 => format!("{whole} %"),
        rest if rest % 10 == 0 => format!("{whole}{point}{} %", rest / 10),
        rest => format!("{whole}{point}{rest:02} %"),
    }
}

/// Seconds as a person says them: `2 giờ 5 phút`.
pub fn duration(language: Language, seconds: u64) -> String {
    let (day, hour, minute, second) = match language {
        Language::Vi => ("ngày", "giờ", "phút", "giây"),
        Language::En => ("d", "h", "min", "s"),
    };
    match seconds {
        0..60 => format!("{seconds} {second}"),
        60..3600 => format!("{} {minute}", seconds / 60),
        3600..86_400 => format!("{} {hour} {} {minute}", seconds / 3600, seconds % 3600 / 60),
        _ => format!("{} {day} {} {hour}", seconds / 86_400, seconds % 86_400 / 3600),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_written_as_the_language_writes_them() {
        assert_eq!(grouped(Language::Vi, 1_394_695), "1.394.695");
        assert_eq!(grouped(Language::En, 999), "999");
        assert_eq!(grouped(Language::En, 1000), "1,000");
        assert_eq!(percent(Language::Vi, 4370), "43,7 %");
        assert_eq!(percent(Language::En, 4305), "43.05 %");
        assert_eq!(percent(Language::Vi, 10_000), "100 %");
        assert_eq!(duration(Language::Vi, 7500), "2 giờ 5 phút");
    }
}
