//! The day of issue, as printed under the national name: "Gò Mới, ngày 05 tháng 6 năm 2026" (NĐ 30/2020, Phụ lục I, cell 4).
//! Month and year are printed; the day usually is not. A date is whole or it is nothing: no day is guessed from a stamp.

use super::layout::{Run, Sheet, is_one_number, join, union};
use super::print::{Looks, Yardstick, read_surely};
use jiff::civil::Date;
use sohoa_record::text::{Rect, Word, fold};

/// A place-and-date row taken apart.
#[derive(Clone, Debug)]
pub(super) struct DateRow<'a> {
    /// From the place to the year.
    pub words: Vec<&'a Word>,
    pub rect: Rect,
    /// "Gò Mới", without its comma; empty when there is none.
    pub place: String,
    /// Between "ngày" and "tháng".
    day: Vec<&'a Word>,
    /// Between "tháng" and "năm".
    month: Vec<&'a Word>,
    year_word: Option<&'a Word>,
    ngay: Option<&'a Word>,
    thang: &'a Word,
    nam: &'a Word,
    /// Is there ink or room between "ngày" and "tháng"?
    something_for_day: bool,
}

/// The day of issue wherever it was found, with what tells whether it was printed.
pub(super) struct Dated<'s, 'a> {
    pub sheet: &'s Sheet<'a>,
    pub words: Vec<&'a Word>,
    /// When day, month and year were all read.
    pub date: Option<Date>,
    pub looks: Looks,
    /// The paper's printed digits.
    pub yardstick: Option<Yardstick>,
    pub rule: String,
}

impl<'s, 'a> Dated<'s, 'a> {
    /// A row under the national name or above the signature.
    pub fn of_row(sheet: &'s Sheet<'a>, row: &DateRow<'a>, rule: &str) -> Self {
        let (date, looks, yardstick) = (row.date(), row.looks(), row.yardstick());
        Dated { sheet, words: row.words.clone(), date, looks, yardstick, rule: rule.to_owned() }
    }
}

/// The first such row with its centre between `top` and `bottom`, right of `split`.
pub(super) fn find<'a>(sheet: &Sheet<'a>, split: f64, top: f64, bottom: f64) -> Option<DateRow<'a>> {
    rows(sheet, split, top, bottom).next()
}

/// The last such row: where the date stands above the signature.
pub(super) fn find_last<'a>(sheet: &Sheet<'a>, split: f64, top: f64, bottom: f64) -> Option<DateRow<'a>> {
    rows(sheet, split, top, bottom).last()
}

fn rows<'s, 'a>(sheet: &'s Sheet<'a>, split: f64, top: f64, bottom: f64) -> impl Iterator<Item = DateRow<'a>> + 's {
    let near = move |run: &&Run<'a>| run.centre_x() > split && run.centre_y() > top && run.centre_y() < bottom;
    let has_year = |run: &&Run<'a>| run.words.iter().any(|w| fold(&w.text).starts_with("nam"));
    sheet.runs.iter().filter(near).filter(has_year).filter_map(move |run| {
        let row = sheet.row(run, split, sheet.width());
        take_apart(&row, sheet.em)
    })
}

fn take_apart<'a>(words: &[&'a Word], em: f64) -> Option<DateRow<'a>> {
    let folded: Vec<String> = words.iter().map(|w| fold(&w.text)).collect();
    let thang = folded.iter().position(|f| f.ends_with("thang"))?;
    let nam = thang + 1 + folded[thang + 1..].iter().position(|f| f.starts_with("nam"))?;
    let year = nam + 1;
    let year_word = words.get(year).copied().filter(|w| is_year(&w.text));
    let ngay = folded[..=thang].iter().rposition(|f| f.starts_with("ngay") || (f.starts_with("nga") && f.chars().count() <= 5));
    let begins_with_place = |end: usize| words[..end].iter().any(|w| w.text.ends_with([',', '.']));
    // in running text the words go on after the year, and more than a place's name stands before
    let end = if year_word.is_some() { year + 1 } else { year };
    let place_end = ngay.unwrap_or(thang);
    let runs_on = words.len() > end + 1 || place_end > 8 || nam > thang + 3;
    if runs_on || (ngay.is_none() && !begins_with_place(thang)) {
        return None;
    }
    // "ngày4†tháng": the hand joined them
    let joined_day = ngay == Some(thang) || ngay.is_some_and(|i| words[i].text.chars().count() > 4 || folded[i] != "ngay");
    let between: &[&Word] = match ngay {
        Some(i) if i < thang => &words[i + 1..thang],
        _ => &[],
    };
    let room = match ngay {
        Some(i) if i < thang => f64::from(words[thang].rect.x) - f64::from(words[i].rect.right()),
        _ => 0.0,
    };
    let own = &words[..end];
    Some(DateRow {
        words: own.to_vec(),
        rect: union(own)?,
        place: join(&words[..place_end]).trim_matches(|c: char| !c.is_alphanumeric()).to_owned(),
        day: if joined_day { Vec::new() } else { between.to_vec() },
        month: words[thang + 1..nam].to_vec(),
        year_word,
        ngay: ngay.filter(|_| !joined_day).map(|i| words[i]),
        thang: words[thang],
        nam: words[nam],
        something_for_day: joined_day || !between.is_empty() || room > 0.9 * em,
    })
}

fn is_year(text: &str) -> bool {
    text.len() == 4 && text.chars().all(|c| c.is_ascii_digit()) && (text.starts_with("19") || text.starts_with("20"))
}

impl<'a> DateRow<'a> {
    /// The date, when day, month and year were all read as digits and there is such a day.
    pub fn date(&self) -> Option<Date> {
        let number = |words: &[&Word]| {
            let digits: String = words.iter().map(|w| w.text.as_str()).collect();
            (is_one_number(words) && digits.len() <= 4).then(|| digits.parse::<i16>().ok()).flatten()
        };
        let (day, month, year) = (number(&self.day)?, number(&self.month)?, number(&[self.year_word?])?);
        Date::new(year, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()
    }

    /// The paper's printed digits: the year's, or those of the same type where dust makes the year's box higher.
    pub fn yardstick(&self) -> Option<Yardstick> {
        let year = self.year_word?;
        let of_year = Yardstick::of_year(year);
        let beside = || Yardstick::beside_year(year, [self.thang, self.nam]);
        of_year.filter(Yardstick::is_common).or_else(beside).or(of_year)
    }

    /// Were day and month printed, on a scan?
    pub fn looks(&self) -> Looks {
        if !self.something_for_day {
            return Looks::Absent;
        }
        let ([day], [month], Some(ngay), Some(yardstick)) =
            (self.day.as_slice(), self.month.as_slice(), self.ngay, self.yardstick())
        else {
            // nothing to measure by
            let readable = self.date().is_some() && self.day.iter().chain(&self.month).all(|w| w.confidence >= 80);
            return if readable { Looks::Unsure } else { Looks::Handwritten };
        };
        let space = 0.8;
        let day_looks = yardstick.judge(day, Some(ngay), Some((self.thang, space)), self.nam);
        let month_looks = yardstick.judge(month, Some(self.thang), Some((self.nam, space)), self.nam);
        match (day_looks, month_looks) {
            (Looks::Printed, Looks::Printed) if read_surely(&[self.nam, self.thang], 85) => Looks::Printed,
            (Looks::Handwritten, _) | (_, Looks::Handwritten) => Looks::Handwritten,
            _ => Looks::Unsure,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample::Paper;
    use super::*;

    fn read(paper: Paper) -> Option<(Option<String>, Looks, String)> {
        let page = paper.page();
        let view = page.view();
        let sheet = Sheet::new(&view);
        find(&sheet, 900.0, 0.0, 1000.0).map(|row| (row.date().map(|d| d.to_string()), row.looks(), row.place.clone()))
    }

    #[test]
    fn a_printed_date_is_read_whole() {
        let read = read(Paper::new().line(1200, 300, "Gò Mới, ngày 05 tháng 6 năm 2026"));
        assert_eq!(read, Some((Some("2026-06-05".into()), Looks::Printed, "Gò Mới".into())));
    }

    #[test]
    fn a_day_by_hand_is_seen_by_size_or_by_its_blank() {
        let paper = || Paper::new().line(1200, 300, "Gò Mới, ngày");
        let tall = paper().hand(1560, 62, 58, "15", 96).line_at_row_of_last(1650, "tháng 6 năm 2026");
        assert_eq!(read(tall).map(|r| r.1), Some(Looks::Handwritten));
        let blank = paper().line_at_row_of_last(1650, "tháng 6 năm 2026");
        assert_eq!(read(blank), Some((None, Looks::Handwritten, "Gò Mới".into())));
        let joined = Paper::new().line(1200, 300, "Gò Mới, ngày4†tháng 6 năm 2026");
        assert_eq!(read(joined), Some((None, Looks::Handwritten, "Gò Mới".into())));
    }

    #[test]
    fn a_mark_that_runs_into_its_label_is_a_hand() {
        let read = read(Paper::new().line(1200, 300, "Gò Mới, ngày/† tháng 6 năm 2026"));
        assert_eq!(read.map(|r| r.1), Some(Looks::Handwritten));
    }

    #[test]
    fn a_day_that_does_not_exist_is_no_date() {
        let read = read(Paper::new().line(1200, 300, "Gò Mới, ngày 31 tháng 6 năm 2026"));
        assert_eq!(read.map(|r| r.0), Some(None));
    }

    #[test]
    fn a_date_in_running_text_is_not_the_papers() {
        assert_eq!(read(Paper::new().line(1200, 300, "Luật ngày 19 tháng 6 năm 2015; Luật sửa đổi")), None);
    }
}
