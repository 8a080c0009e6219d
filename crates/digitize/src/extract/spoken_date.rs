//! Days written in words, as civil status papers repeat them: "Ngày tám tháng bảy năm hai nghìn không trăm hai mươi lăm".

use jiff::civil::Date;
use sohoa_record::text::fold;

/// The day that the words say; none when a word is not understood.
pub(super) fn parse(text: &str) -> Option<Date> {
    let folded = fold(text);
    let words: Vec<&str> = folded.split(' ').collect();
    let day_at = words.iter().position(|word| *word == "ngay")? + 1;
    let month_at = day_at + words[day_at..].iter().position(|word| *word == "thang")? + 1;
    // "năm" is year and five alike: the year's stands before its thousands
    let year_at = (month_at..words.len()).find(|&at| words[at] == "nam" && is_thousand(words.get(at + 2)))? + 1;
    let day = &words[day_at..month_at - 1];
    let day = day.strip_prefix(&["mung"]).or(day.strip_prefix(&["mong"])).unwrap_or(day);
    let month = match &words[month_at..year_at - 1] {
        ["gieng"] => 1,
        ["chap"] => 12,
        month => below_hundred(month)?,
    };
    Date::new(year(&words[year_at..])?, i8::try_from(month).ok()?, i8::try_from(below_hundred(day)?).ok()?).ok()
}

/// Is it words of a number, which a date in words goes on with in its next row?
pub(super) fn is_rest(text: &str) -> bool {
    let folded = fold(text);
    let number = |word: &str| digit(word).is_some() || matches!(word, "muoi" | "tram" | "linh" | "le" | "nghin" | "ngan");
    !folded.is_empty() && folded.split(' ').all(number)
}

fn is_thousand(word: Option<&&str>) -> bool {
    word.is_some_and(|word| matches!(*word, "nghin" | "ngan"))
}

/// "hai nghìn không trăm hai mươi lăm"; what follows a year that is whole must be its end.
fn year(words: &[&str]) -> Option<i16> {
    let (thousands, rest) = words.split_first()?;
    let rest = rest.strip_prefix(&["nghin"]).or(rest.strip_prefix(&["ngan"]))?;
    let (hundreds, rest) = match rest {
        [hundreds, "tram", rest @ ..] => (digit(hundreds)?, rest),
        rest => (0, rest),
    };
    let below = match rest {
        [] => 0,
        ["linh" | "le", ones] => digit(ones)?,
        rest => below_hundred(rest)?,
    };
    Some(digit(thousands)? * 1000 + hundreds * 100 + below)
}

fn below_hundred(words: &[&str]) -> Option<i16> {
    match words {
        ["muoi"] => Some(10),
        [one] => digit(one),
        ["muoi", ones] => Some(10 + digit(ones)?),
        [tens, "muoi"] => Some(digit(tens)? * 10),
        [tens, "muoi", ones] => Some(digit(tens)? * 10 + digit(ones)?),
        // hai mốt for hai mươi mốt
        [tens, ones] => Some(digit(tens)? * 10 + digit(ones)?),
        _ => None,
    }
}

fn digit(word: &str) -> Option<i16> {
    Some(match word {
        "khong" => 0,
        "mot" => 1,
        "hai" => 2,
        "ba" => 3,
        "bon" | "tu" => 4,
        "nam" | "lam" | "nham" => 5,
        "sau" => 6,
        "bay" => 7,
        "tam" => 8,
        "chin" => 9,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::parse;
    use proptest::prelude::*;

    #[test]
    fn days_in_words_are_days() {
        for (text, day) in [
            ("Ngày tám tháng bảy năm hai nghìn không trăm hai mươi lăm", "2025-07-08"),
            ("ngày năm tháng năm năm một nghìn chín trăm tám mươi lăm", "1985-05-05"),
            ("Ngày ba mươi mốt tháng mười hai, năm một ngàn chín trăm năm mươi.", "1950-12-31"),
            ("Ngày mười tháng tư năm hai nghìn lẻ năm", "2005-04-10"),
            ("Ngày mùng một tháng giêng năm hai nghìn", "2000-01-01"),
            ("ngày hai mốt tháng một năm hai nghìn không trăm linh một", "2001-01-21"),
        ] {
            assert_eq!(parse(text).map(|day| day.to_string()).as_deref(), Some(day), "{text}");
        }
    }

    #[test]
    fn what_is_not_understood_is_no_day() {
        for text in
            ["", "Ngày tám tháng bảy", "ngày ba mươi tháng hai năm hai nghìn", "Ngày tấm thắng bảy nằm hai nghin khồng trăn"]
        {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_words_give_no_panic(text in "((ngay|thang|nam|hai|nghin|muoi|tram|le|mot|\\PC{0,4}) ){0,14}") {
            parse(&text);
        }
    }
}
