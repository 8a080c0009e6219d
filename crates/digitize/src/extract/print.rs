//! Was it printed, or written by hand? Judged from the boxes and the engine's confidence alone, and in favour of doubt: a
//! printed number taken for handwriting costs a look, handwriting taken for print costs a wrong record.
//!
//! Clerks write the number and the day into blanks that the printer left. Printed digits have the year's height and width,
//! stand on their neighbours' base line and keep the printer's spaces; handwriting misses at least one of these, nearly
//! always several.

use super::layout::{confidence, gap};
use sohoa_record::text::Word;

/// What a place where digits belong looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Looks {
    /// Digits, the printer's measures, read surely.
    Printed,
    /// Digits that may be print, but something is missing to say so.
    Unsure,
    /// Ink that is no printed digit, or a blank wide enough for a hand.
    Handwritten,
    /// Nothing, and no room for anything.
    Absent,
}

/// The measures of the paper's printed digits, taken from the year of its date.
#[derive(Clone, Copy, Debug)]
pub(super) struct Yardstick {
    /// Pixels.
    pub digit_height: f64,
    /// Width of the font's em, pixels.
    pub em: f64,
}

/// Below this a letter's strokes are too few pixels to judge its shape: about 8-point digits at 150 dpi.
const LEAST_DIGIT_HEIGHT: f64 = 18.0;
/// Confidence from which the engine was right on every printed digit measured.
const SURE: u8 = 93;
/// The same for a number read as one word with its notation, whose letters are read less surely than its digits: on 100
/// printed headers, noisy ones among them, the digits were right from 30 % on.
const SURE_WITH_NOTATION: u8 = 85;
/// Confidence below which digits of the printer's measures are more likely a hand's.
pub(super) const PLAUSIBLE: u8 = 60;

impl Yardstick {
    /// From a printed year; none when it was not read surely, is not shaped like print, or is too small.
    pub fn of_year(year: &Word) -> Option<Self> {
        let digits = year.text.chars().filter(char::is_ascii_digit).count();
        let (width, height) = (f64::from(year.rect.width), f64::from(year.rect.height));
        let em = width / ink_width(&year.text);
        (digits == 4 && year.text.len() == 4 && year.confidence >= 90 && height >= LEAST_DIGIT_HEIGHT && is_shaped(height, em))
            .then_some(Yardstick { digit_height: height, em })
    }

    /// Are its digits no higher than those of the usual faces (0.66 to 0.74 em)?
    pub fn is_common(&self) -> bool {
        self.digit_height < 0.8 * self.em
    }

    /// From the printed words beside a year that is as wide as print but higher, as dust over or under it makes it.
    pub fn beside_year(year: &Word, words: [&Word; 2]) -> Option<Self> {
        let em_of = |word: &Word| f64::from(word.rect.width) / ink_width(&word.text);
        let em = (em_of(words[0]) + em_of(words[1])) / 2.0;
        let alike = (0.85..1.15).contains(&(em_of(words[0]) / em_of(words[1]).max(1.0)));
        let wide = (0.92..1.08).contains(&(em_of(year) / em));
        let digit_height = DIGIT_HEIGHT * em;
        let high = (0.9..1.6).contains(&(f64::from(year.rect.height) / digit_height));
        let read = year.confidence >= 90 && words.iter().all(|word| word.confidence >= 90);
        (read && alike && wide && high && digit_height >= LEAST_DIGIT_HEIGHT).then_some(Yardstick { digit_height, em })
    }

    /// From a printed day such as 24/7/2025: its strokes are as high as its digits.
    pub fn of_day(day: &Word) -> Option<Self> {
        let plain = day.text.len() >= 8 && day.text.chars().all(|c| c.is_ascii_digit() || c == '/');
        let (width, height) = (f64::from(day.rect.width), f64::from(day.rect.height));
        let em = width / ink_width(&day.text);
        (plain && day.confidence >= 90 && height >= LEAST_DIGIT_HEIGHT && is_shaped(height, em))
            .then_some(Yardstick { digit_height: height, em })
            .filter(Yardstick::is_common)
    }

    /// Are these digits, between their neighbours, printed? `before` and `after` are the printed words beside them, with the
    /// widest white that print leaves there in digit heights; `base` is a printed word on the same base line.
    pub fn judge(&self, word: &Word, before: Option<&Word>, after: Option<(&Word, f64)>, base: &Word) -> Looks {
        let (width, height) = (f64::from(word.rect.width), f64::from(word.rect.height));
        // a slash, Q and brackets reach below the base line
        let (deepest, sure) =
            if word.text.chars().all(|c| c.is_ascii_digit()) { (1.15, SURE) } else { (1.4, SURE_WITH_NOTATION) };
        let high = (0.87..deepest).contains(&(height / self.digit_height));
        let wide = (0.84..1.16).contains(&(width / (ink_width(&word.text) * self.em)));
        let drop = f64::from(word.rect.bottom()) - f64::from(base.rect.bottom());
        let level = (-0.15 * self.digit_height..(deepest - 1.0 + 0.05) * self.digit_height).contains(&drop);
        let spaces = 0.0..0.8 * self.digit_height;
        let close = before.is_some_and(|b| spaces.contains(&gap(b, word)))
            && after.is_none_or(|(a, widest)| (-0.1 * self.digit_height..widest * self.digit_height).contains(&gap(word, a)));
        let neighbours_read = before.is_some_and(|b| b.confidence >= 85) && after.is_none_or(|(a, _)| a.confidence >= 60);
        match (high && wide, level && close && word.confidence >= sure && neighbours_read) {
            (true, true) => Looks::Printed,
            (true, false) if word.confidence >= PLAUSIBLE => Looks::Unsure,
            _ => Looks::Handwritten,
        }
    }
}

/// Height of a Times face's digits, em.
const DIGIT_HEIGHT: f64 = 0.676;

/// A serif face's digits are about two thirds of its em high.
fn is_shaped(height: f64, em: f64) -> bool {
    (0.55..0.95).contains(&(height / em))
}

/// How wide the ink of a text is in such a face, em: its first and last glyphs do not fill their advance, least of all the figure one.
pub(super) fn ink_width(text: &str) -> f64 {
    let end = |c: Option<char>, of_one: f64| if c == Some('1') { of_one } else { 0.03 };
    advance(text) - end(text.chars().next(), 0.09) - end(text.chars().next_back(), 0.12)
}

/// How wide a text is in a Times face, em: the face NĐ 30/2020, Phụ lục I prescribes. Capitals with marks are as wide as
/// their letter.
pub(super) fn advance(text: &str) -> f64 {
    text.chars()
        .map(|c| match c {
            '0'..='9' => 0.5,
            '/' | '.' | ',' | ':' | ';' | 'i' | 'l' | 't' | 'j' => 0.278,
            '-' | 'I' | 'r' | 's' | 'f' => 0.35,
            'E' | 'L' | 'T' | 'Z' => 0.611,
            'F' | 'P' | 'S' => 0.556,
            'B' | 'C' | 'R' => 0.667,
            'M' => 0.889,
            'W' => 0.944,
            '&' | 'm' => 0.778,
            c if c.is_uppercase() => 0.722,
            _ => 0.47,
        })
        .sum()
}

/// Are all of these read at least this surely?
pub(super) fn read_surely(words: &[&Word], least: u8) -> bool {
    !words.is_empty() && confidence(words) >= least && words.iter().all(|w| w.confidence >= least)
}

#[cfg(test)]
mod tests {
    use super::*;
    use sohoa_record::text::Rect;

    fn word(text: &str, x: u32, y: u32, width: u32, height: u32, confidence: u8) -> Word {
        Word { text: text.into(), rect: Rect { x, y, width, height }, confidence }
    }

    /// Digits 40 px high in an em of 59 px.
    fn yardstick() -> Yardstick {
        Yardstick::of_year(&word("2025", 1000, 100, 114, 40, 96)).unwrap()
    }

    #[test]
    fn digits_with_the_years_measures_are_printed() {
        let number = word("152", 160, 100, 85, 40, 95);
        let (so, code) = (word("Số:", 80, 92, 65, 48, 96), word("/QĐ-UBND", 245, 100, 260, 46, 93));
        assert_eq!(yardstick().judge(&number, Some(&so), Some((&code, 0.3)), &so), Looks::Printed);
        let unsure = Word { confidence: 92, ..number };
        assert_eq!(yardstick().judge(&unsure, Some(&so), Some((&code, 0.3)), &so), Looks::Unsure);
    }

    #[test]
    fn the_figure_one_is_narrow() {
        // 11 and 8 of one type, the year 2021 beside them
        let year = Yardstick::of_year(&word("2021", 0, 0, 106, 38, 96)).unwrap();
        let (ngay, thang) = (word("ngày", 1524, 456, 109, 51, 96), word("tháng", 1718, 455, 126, 52, 96));
        let base = word("năm", 1902, 458, 94, 38, 96);
        let judged =
            |text: &str, width| year.judge(&word(text, 1650, 458, width, 38, 96), Some(&ngay), Some((&thang, 2.0)), &base);
        assert_eq!([judged("11", 45), judged("8", 28)], [Looks::Printed; 2]);
        assert_eq!([judged("11", 58), judged("8", 36)], [Looks::Handwritten; 2]);
    }

    #[test]
    fn taller_wider_or_unreadable_is_a_hand_and_out_of_place_is_not_believed() {
        let (so, code) = (word("Số:", 80, 92, 65, 48, 96), word("/QĐ-UBND", 245, 100, 260, 46, 93));
        let judged = |number: Word, code: &Word| yardstick().judge(&number, Some(&so), Some((code, 0.3)), &so);
        assert_eq!(judged(word("152", 160, 92, 85, 48, 96), &code), Looks::Handwritten);
        assert_eq!(judged(word("15", 160, 100, 85, 40, 96), &code), Looks::Handwritten);
        // the printer's digits, but not in the printer's place
        assert_eq!(judged(word("152", 160, 108, 85, 40, 96), &code), Looks::Unsure);
        assert_eq!(
            judged(word("152", 160, 100, 85, 40, 96), &Word { rect: Rect { x: 275, ..code.rect }, ..code.clone() }),
            Looks::Unsure
        );
        assert_eq!(judged(word("152", 160, 100, 85, 40, 50), &code), Looks::Handwritten);
    }

    #[test]
    fn no_yardstick_from_a_small_or_unsure_year() {
        assert!(Yardstick::of_year(&word("2025", 0, 0, 35, 12, 96)).is_none());
        assert!(Yardstick::of_year(&word("2025", 0, 0, 114, 40, 80)).is_none());
        assert!(Yardstick::of_year(&word("2025", 0, 0, 190, 40, 96)).is_none());
        // dust under the year
        let (thang, nam) = (word("tháng", 0, 0, 128, 48, 96), word("năm", 0, 0, 99, 40, 96));
        let beside = |year: Word| Yardstick::beside_year(&year, [&thang, &nam]);
        assert!(beside(word("2025", 1000, 100, 114, 55, 96)).is_some_and(|y| (y.digit_height - 40.0).abs() < 2.0));
        assert!(beside(word("2025", 1000, 100, 150, 55, 96)).is_none(), "wider than print");
        assert!(beside(word("2025", 1000, 100, 114, 55, 80)).is_none(), "not read surely");
        assert!(Yardstick::of_day(&word("24/7/2025", 0, 0, 237, 40, 96)).is_some());
        assert!(Yardstick::of_day(&word("24/7/2025", 0, 0, 237, 55, 96)).is_none(), "higher than print");
        assert!(Yardstick::of_day(&word("24-7-2025", 0, 0, 237, 40, 96)).is_none());
    }
}
