//! A second look at a line whose words were not read surely: what two readings of it agree on is surer than either, and where they differ
//! nobody is sure. It never adds letters to a word, and a word that only the second look saw is a doubt.

use sohoa_record::text::fold;
use sohoa_record::{Line, PageText, Rect, Word};
use std::ops::Range;

/// No word that one reading alone has is surer than this.
const ALONE: u8 = 80;
/// Nor is one that they read differently.
const DIFFERENT: u8 = 59;
/// From this confidence a reading is a witness.
pub(super) const WITNESS: u8 = 50;
/// A word that is read less surely is a guess.
pub(super) const GUESS: u8 = 40;
/// From this confidence a word is read surely; two that are below it are not surer together.
pub const SURE: u8 = 90;
/// A second reading is taken instead of the first when it is this sure and surer by so much. On drawn papers twelve of thirteen pairs that
/// differ so were right; a third look has to say the same.
const RATHER: (u8, u8) = (85, 20);

/// When three readings say the same, and a list of names knows it among several of these letters, each has to be this sure …
const ALIKE: u8 = 70;

/// A piece of a line: its words are looked at again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    /// Index of the line.
    pub line: usize,
    /// Its words in doubt.
    pub words: Range<usize>,
    /// What is to be read again, upright pixels: they and their neighbours.
    pub place: Rect,
}

/// The pieces of lines that lie in `doubted` (upright pixels), each once.
pub fn pieces(text: &PageText, doubted: &[Rect]) -> Vec<Piece> {
    let mut pieces = Vec::new();
    for (number, line) in text.lines.iter().enumerate() {
        let inside = |word: &Word| doubted.iter().any(|place| holds(place, &word.rect));
        let Some(first) = line.words.iter().position(inside) else { continue };
        let last = line.words.iter().rposition(inside).unwrap_or(first);
        let near = |left: usize, right: usize| {
            let (left, right) = (&line.words[left].rect, &line.words[right].rect);
            right.x < left.right() + 2 * left.height.max(right.height)
        };
        let before = |at: usize| at.checked_sub(1).filter(|left| near(*left, at));
        let behind = |at: usize| Some(at + 1).filter(|right| *right < line.words.len() && near(at, *right));
        // a label that was not read surely vouches for nothing: it is in doubt too
        let unsure = |at: &usize| line.words[*at].confidence < SURE;
        let first = before(first).filter(unsure).unwrap_or(first);
        let last = behind(last).filter(unsure).unwrap_or(last);
        // a word more on either side, where it is near: the engine reads a word by its neighbours
        let (before, after) = (before(first).unwrap_or(first), behind(last).unwrap_or(last));
        let place = line.words[before..=after].iter().map(|word| word.rect).reduce(|a, b| a.union(&b));
        // a little more around, for accents
        let alone = before == after;
        let wider = |r: Rect| {
            let around = r.height / 6;
            // of a word alone in its row no other tells how high the row is: marks that its box left out must not be lost
            let above = if alone { r.height / 2 } else { around };
            let (x, y) = (r.x.saturating_sub(around), r.y.saturating_sub(above));
            Rect { x, y, width: r.right() + around - x, height: r.bottom() + around - y }
        };
        pieces.extend(place.map(wider).map(|place| Piece { line: number, words: first..last + 1, place }));
    }
    pieces
}

/// Below this a single letter is a guess: one that the second look does not see is none.
const GUESSED: u8 = 20;

/// Is the middle of `inner` in `outer`?
pub(super) fn holds(outer: &Rect, inner: &Rect) -> bool {
    let (x, y) = (inner.x + inner.width / 2, inner.y + inner.height / 2);
    (outer.x..outer.right()).contains(&x) && (outer.y..outer.bottom()).contains(&y)
}

/// Adds the lines of a block that may be a name: two words or more have a capital and are not guessed; the rest is what the engine makes
/// of seals and pens.
pub fn add_names(text: &mut PageText, lines: Vec<Line>) {
    let block = text.lines.iter().map(|line| line.block).max().unwrap_or(0) + 1;
    for mut line in lines {
        // a word that was guessed is kept: without it the name would be another
        line.words.retain(|word| word.text.chars().any(char::is_alphabetic));
        let capital = |word: &&Word| {
            word.confidence >= WITNESS && word.text.chars().find(|c| c.is_alphabetic()).is_some_and(char::is_uppercase)
        };
        if line.words.iter().filter(capital).count() >= 2 {
            line.rect = line.words.iter().map(|word| word.rect).reduce(|a, b| a.union(&b)).unwrap_or(line.rect);
            text.lines.push(Line { block, ..line });
        }
    }
}

/// Dust is read as a dash or a full stop, and surely: a mark that stands alone is believed when a second reading has it too.
pub fn doubt_marks(text: &mut PageText) {
    for word in text.lines.iter_mut().flat_map(|line| &mut line.words) {
        if !word.text.chars().any(is_lettered) {
            word.confidence = word.confidence.min(ALONE);
        }
    }
}

/// What was read of each piece, the first time and again.
#[derive(Default)]
pub struct Readings(Vec<Reading>);

struct Reading {
    line: usize,
    place: Rect,
    /// The first reading, then the others.
    said: Vec<Vec<Word>>,
}

impl Readings {
    /// Keeps a piece's `first` words and the second reading of it; with a third, a word that both are sure of and read alike stands, whatever
    /// the first was.
    pub fn compare(&mut self, text: &mut PageText, piece: &Piece, first: Vec<Word>, words: Vec<Word>) {
        let same = |read: &&mut Reading| read.line == piece.line && meets(&read.place, &piece.place);
        let Some(read) = self.0.iter_mut().find(same) else {
            self.0.push(Reading { line: piece.line, place: piece.place, said: vec![first, words] });
            return;
        };
        let sure = |word: &&Word| word.confidence >= SURE;
        for third in words.iter().filter(sure) {
            let alike = |word: &&Word| word.text == third.text && meets(&word.rect, &third.rect);
            let Some(second) = read.said[1].iter().filter(sure).find(alike) else { continue };
            let mut first = text.lines[piece.line].words.iter_mut().filter(|word| meets(&word.rect, &third.rect));
            if let (Some(word), None) = (first.next(), first.next()) {
                word.text.clone_from(&third.text);
                word.confidence = together(second.confidence, third.confidence).max(word.confidence);
            }
        }
        read.said.push(words);
    }

    /// Of a person's name at `place` (upright pixels), a word that three readings say alike is read surely when there is such a name. `spellings`
    /// says how many names of its letters there are, given whether the word is the first; `by_ink` tells a word whose i the ink decided,
    /// since ỉ and ị take the engine's confidence from it. Of such a word, and of one that is the only name of its letters, a reading is a
    /// witness from [`WITNESS`] on.
    pub fn vouch(
        &self,
        text: &mut PageText,
        place: &Rect,
        spellings: impl Fn(&str, bool) -> usize,
        by_ink: impl Fn(&Word) -> bool,
    ) {
        let mut is_first = true;
        for (number, line) in text.lines.iter_mut().enumerate() {
            for word in line.words.iter_mut().filter(|word| holds(place, &word.rect)) {
                let first = std::mem::take(&mut is_first);
                if word.confidence >= SURE {
                    continue;
                }
                let least = match spellings(name_of(&word.text), first) {
                    0 => continue,
                    1 => WITNESS,
                    _ if by_ink(word) => WITNESS,
                    _ => ALIKE,
                };
                let only_family = first && spellings(name_of(&word.text), first) == 1;
                let is_family = |text: &str| spellings(text, true) > 0;
                if self.all_say(number, word, least) || only_family && self.say_family(number, word, is_family) {
                    word.confidence = SURE;
                }
            }
        }
    }

    /// Do three readings of the word's place have this one word there, each at least so sure?
    fn all_say(&self, line: usize, word: &Word, least: u8) -> bool {
        self.said_there(line, word)
            .is_some_and(|said| said.iter().all(|(text, sure)| *text == core(&word.text) && *sure >= least))
    }

    /// Does what three readings made of the word's place leave this family name only? All say it, one of them fairly surely; or one does surely, and
    /// what the others guessed has its letters and is no family name.
    fn say_family(&self, line: usize, word: &Word, is_family: impl Fn(&str) -> bool) -> bool {
        let Some(said) = self.said_there(line, word) else { return false };
        let own = name_of(&word.text);
        let (same, other): (Vec<_>, Vec<_>) = said.into_iter().partition(|(text, _)| name_of(text) == own);
        let most = same.iter().map(|(_, sure)| *sure).max().unwrap_or(0);
        let letters = fold(own);
        let is_guess = |text: &str, sure: u8| sure < WITNESS && fold(name_of(text)) == letters && !is_family(name_of(text));
        let all = other.is_empty() && most >= FAIRLY && same.iter().all(|(_, sure)| *sure >= GUESS);
        all || most >= RATHER.0 && !other.is_empty() && other.iter().all(|(text, sure)| is_guess(text, *sure))
    }

    /// The one word that each of three readings has at the word's place, and how surely; none when one of them has another number of words there.
    fn said_there(&self, line: usize, word: &Word) -> Option<Vec<(&str, u8)>> {
        let read = self.0.iter().find(|read| read.line == line && meets(&read.place, &word.rect))?;
        let said: Vec<(&str, u8)> = read
            .said
            .iter()
            .map(|words| {
                let lettered = |other: &&Word| other.text.chars().any(is_lettered);
                let mut there = words.iter().filter(lettered).filter(|other| meets(&other.rect, &word.rect));
                let first = there.next()?;
                there.next().is_none().then(|| (core(&first.text), first.confidence))
            })
            .collect::<Option<_>>()?;
        (said.len() == 3).then_some(said)
    }
}

/// Of three like readings of a family name, the surest must be so sure.
const FAIRLY: u8 = 65;

/// Nothing at that place is believed more than this.
pub fn doubt_place(text: &mut PageText, place: &Rect, most: u8) {
    for word in text.lines.iter_mut().flat_map(|line| &mut line.words).filter(|word| holds(place, &word.rect)) {
        word.confidence = word.confidence.min(most);
    }
}

/// A letter or digit. A mark above a letter that is read by itself ("ˆ") is none, whatever Unicode calls it.
pub(super) fn is_lettered(c: char) -> bool {
    c.is_alphanumeric() && !('\u{2b0}'..='\u{2ff}').contains(&c)
}

/// A name without the marks at its ends, and without a label that was run into it: "chồng:PHẠM".
fn name_of(text: &str) -> &str {
    core(text.rsplit(':').find(|part| part.chars().any(is_lettered)).unwrap_or(text))
}

/// A word without the marks at its ends.
pub(super) fn core(text: &str) -> &str {
    text.trim_matches(|c: char| !is_lettered(c))
}

/// Do two places share a third of the narrower one's columns?
pub(super) fn meets(a: &Rect, b: &Rect) -> bool {
    a.right().min(b.right()).saturating_sub(a.x.max(b.x)) * 3 > a.width.min(b.width)
}

/// Is a word of the piece still not read surely?
pub fn is_unsure(text: &PageText, piece: &Piece) -> bool {
    let words = text.lines.get(piece.line).and_then(|line| line.words.get(piece.words.clone()));
    words.is_none_or(|words| words.iter().any(|word| word.confidence < SURE))
}

/// Puts what both readings say in the place of the piece's words.
pub fn agree(text: &mut PageText, piece: &Piece, again: &[Word]) {
    if again.is_empty() {
        return;
    }
    let line = &mut text.lines[piece.line].words;
    let agreed: Vec<Word> =
        groups(&line[piece.words.clone()], again).into_iter().flat_map(|(first, second)| one(first, second)).collect();
    if !agreed.is_empty() {
        line.splice(piece.words.clone(), agreed);
    }
}

/// Words of both readings that stand in the same place, from left to right. What the second has beyond the ends of the first is left out.
fn groups(first: &[Word], second: &[Word]) -> Vec<(Vec<Word>, Vec<Word>)> {
    let meet = |a: &Word, b: &Word| meets(&a.rect, &b.rect);
    let (left, right) = (first.first().map_or(0, |w| w.rect.x), first.last().map_or(0, |w| w.rect.right()));
    let within =
        |word: &&Word| (left..right).contains(&(word.rect.x + word.rect.width / 2)) || first.iter().any(|a| meet(a, word));
    let mut all: Vec<(bool, &Word)> =
        first.iter().map(|w| (true, w)).chain(second.iter().filter(within).map(|w| (false, w))).collect();
    all.sort_by_key(|(_, word)| word.rect.x);
    let mut groups: Vec<(Vec<Word>, Vec<Word>)> = Vec::new();
    for (is_first, word) in all {
        let joins = groups.last().is_some_and(|(a, b)| if is_first { b } else { a }.iter().any(|other| meet(other, word)));
        if !joins {
            groups.push(Default::default());
        }
        let Some((a, b)) = groups.last_mut() else { continue };
        if is_first { a } else { b }.push(word.clone());
    }
    groups
}

/// What the two say of one place.
fn one(first: Vec<Word>, second: Vec<Word>) -> Vec<Word> {
    let lettered = |words: &[Word]| words.iter().any(|word| word.text.chars().any(is_lettered));
    if first.is_empty() {
        let seen = lettered(&second) && second.iter().any(|word| word.confidence >= WITNESS);
        return if seen { lowered(second, ALONE) } else { Vec::new() };
    }
    if second.is_empty() {
        // a letter of dust
        let guessed = |word: &Word| word.confidence < GUESSED && word.text.chars().nth(1).is_none();
        return if lettered(&first) && !first.iter().all(guessed) { first } else { Vec::new() };
    }
    let least = |words: &[Word]| words.iter().map(|word| word.confidence).min().unwrap_or(0);
    let (c1, c2) = (least(&first), least(&second));
    let (a, b) = (spelled(&first), spelled(&second));
    if a != b && (core(&a) != core(&b) || core(&a).is_empty()) {
        let rather = c2 >= RATHER.0 && c2 >= c1.saturating_add(RATHER.1) && lettered(&second);
        return if rather { lowered(second, SURE - 1) } else { lowered(first, DIFFERENT.min(c1).min(c2)) };
    }
    let both = together(c1, c2);
    // of marks at the ends, those that only one saw are dust; of spaces, the more sure reading's count
    let second_is_better = b.len() < a.len() || b.len() == a.len() && second.len() != first.len() && c2 > c1;
    let (mut words, other) = if second_is_better { (second, first) } else { (first, second) };
    for (at, word) in words.iter_mut().enumerate() {
        word.confidence = both;
        // ink above or below that one of them did not count to the word is not the word's
        if let Some(other) = other.get(at).filter(|other| other.text == word.text) {
            word.rect = rows_of_both(&word.rect, &other.rect);
        }
    }
    words
}

/// The columns of the wider, the rows that both have.
fn rows_of_both(a: &Rect, b: &Rect) -> Rect {
    let (y, bottom) = (a.y.max(b.y), a.bottom().min(b.bottom()));
    let wider = a.union(b);
    if bottom > y { Rect { y, height: bottom - y, ..wider } } else { *a }
}

/// How sure two readings are together that say the same.
pub(super) fn together(c1: u8, c2: u8) -> u8 {
    let wrong = u32::from(100 - c1.min(100)) * u32::from(100 - c2.min(100));
    let both = (100 - wrong.div_ceil(100)).min(96).max(u32::from(c1.max(c2))) as u8;
    if c1.max(c2) < SURE { both.min(SURE - 1) } else { both }
}

fn spelled(words: &[Word]) -> String {
    words.iter().map(|word| word.text.as_str()).collect()
}

fn lowered(mut words: Vec<Word>, most: u8) -> Vec<Word> {
    words.iter_mut().for_each(|word| word.confidence = word.confidence.min(most));
    words
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Words of eight pixels a letter and eight between them.
    pub fn words(said: &[(&str, u8)]) -> Vec<Word> {
        let mut x = 100;
        let word = |(text, confidence): &(&str, u8)| {
            let width = 8 * text.chars().count() as u32;
            let word = Word { text: (*text).into(), rect: Rect { x, y: 50, width, height: 20 }, confidence: *confidence };
            x += width + 8;
            word
        };
        said.iter().map(word).collect()
    }

    pub fn page(said: &[(&str, u8)]) -> PageText {
        let words = words(said);
        let rect = words.iter().map(|word| word.rect).reduce(|a, b| a.union(&b)).unwrap();
        PageText { width: 1000, height: 1000, lines: vec![Line { words, rect, block: 1 }] }
    }

    /// What stands on the page after a second reading of all its words.
    fn agreed(first: &[(&str, u8)], second: &[(&str, u8)]) -> Vec<(String, u8)> {
        let mut text = page(first);
        let piece = Piece { line: 0, words: 0..first.len(), place: text.lines[0].rect };
        agree(&mut text, &piece, &words(second));
        text.lines[0].words.iter().map(|word| (word.text.clone(), word.confidence)).collect()
    }

    fn said(words: &[(&str, u8)]) -> Vec<(String, u8)> {
        words.iter().map(|(text, confidence)| ((*text).to_owned(), *confidence)).collect()
    }

    #[test]
    fn a_sure_reading_confirms_an_unsure_one_and_two_unsure_ones_stay_unsure() {
        assert_eq!(agreed(&[("Trương", 56), ("Duy", 96)], &[("Trương", 94), ("Duy", 96)]), said(&[("Trương", 96), ("Duy", 96)]));
        assert_eq!(agreed(&[("Đỉnh", 82)], &[("Đỉnh", 84)]), said(&[("Đỉnh", 89)]));
        assert_eq!(agreed(&[("Duy", 96)], &[]), said(&[("Duy", 96)]), "not read again");
    }

    #[test]
    fn two_sure_readings_of_three_stand() {
        let third = |second: &[(&str, u8)], third: &[(&str, u8)]| {
            let mut text = page(&[("Ngõ", 59), ("Thanh", 96)]);
            let piece = Piece { line: 0, words: 0..2, place: text.lines[0].rect };
            let mut readings = Readings::default();
            readings.compare(&mut text, &piece, Vec::new(), words(second));
            readings.compare(&mut text, &piece, Vec::new(), words(third));
            text.lines[0].words.iter().map(|word| (word.text.clone(), word.confidence)).collect::<Vec<_>>()
        };
        assert_eq!(third(&[("Ngô", 93), ("Thanh", 96)], &[("Ngô", 92), ("Thanh", 96)])[0], ("Ngô".into(), 96));
        assert_eq!(third(&[("Ngô", 89), ("Thanh", 96)], &[("Ngô", 96), ("Thanh", 96)])[0], ("Ngõ".into(), 59), "one is not sure");
        assert_eq!(third(&[("Ngô", 93)], &[("Ngố", 93)])[0], ("Ngõ".into(), 59), "they differ");
    }

    /// What the first word is taken for after three readings of a name's row, and how surely; `spellings` of its letters are names.
    fn vouched(said: [(&str, u8); 3], spellings: usize, by_ink: bool) -> (String, u8) {
        vouched_by(said, |word, first| if first && !word.contains('“') { spellings } else { 0 }, by_ink)
    }

    fn vouched_by(said: [(&str, u8); 3], spellings: impl Fn(&str, bool) -> usize, by_ink: bool) -> (String, u8) {
        let mut text = page(&[(said[0].0, said[0].1.min(SURE - 1)), ("Hằng", 96)]);
        let piece = Piece { line: 0, words: 0..2, place: text.lines[0].rect };
        let mut readings = Readings::default();
        let place = text.lines[0].rect;
        let read = |said: (&str, u8)| words(&[said, ("Hằng", 96)]);
        readings.compare(&mut text, &piece, read(said[0]), read(said[1]));
        readings.compare(&mut text, &piece, read(said[0]), read(said[2]));
        readings.vouch(&mut text, &place, spellings, |_| by_ink);
        (text.lines[0].words[0].text.clone(), text.lines[0].words[0].confidence)
    }

    #[test]
    fn a_name_that_three_readings_say_alike_is_read_surely() {
        assert_eq!(vouched([("Đức", 79), ("Đức", 72), ("Đức", 84)], 3, false).1, SURE);
        assert_eq!(vouched([("“Đặng", 54), ("Đặng", 61), ("Đặng", 57)], 1, false).1, SURE, "the only name of its letters");
        assert_eq!(vouched([("Đinh", 69), ("Đinh", 64), ("Đinh", 55)], 3, true).1, SURE, "its i was seen");
        assert_eq!(vouched([("Đặng", 67), ("Đặng", 48), ("Đặng", 84)], 1, false).1, SURE, "a family name, fairly surely once");
        // what else was guessed is no family name of these letters
        let families = |word: &str, _: bool| usize::from(word == "NGUYỄN");
        let family = |said: [(&str, u8); 3]| vouched_by(said, families, false).1;
        assert_eq!(family([("NGUYỄN", 74), ("NGUYỄN", 91), ("NGUYÊN", 28)]), SURE);
        assert_eq!(family([("NGUYỄN", 74), ("NGUYÊN", 37), ("NGUYÊN", 31)]), 74, "no reading is sure of it");
        assert_eq!(family([("NGUYỄN", 80), ("NGUYỄN", 91), ("NGUYÊN", 81)]), 80, "the other is no guess");
        assert_eq!(family([("NGUYỄN", 80), ("NGUYỄN", 91), ("NGUYẾT", 28)]), 80, "of other letters");
    }

    #[test]
    fn three_readings_alike_of_what_is_no_name_or_may_be_another_stay_in_doubt() {
        assert_eq!(vouched([("TRAM", 78), ("TRAM", 82), ("TRAM", 85)], 0, false).1, 78);
        assert_eq!(vouched([("Hoa", 78), ("Hoa", 65), ("Hoa", 85)], 3, false).1, 78, "Hòa, Hóa");
        assert_eq!(vouched([("Đặng", 78), ("Đằng", 82), ("Đặng", 85)], 1, false).1, 78, "they differ");
        assert_eq!(vouched([("Đặng", 78), ("Đặng", 82), ("Đặng", 39)], 1, false).1, 78, "one is a guess");
        assert_eq!(vouched([("Đặng", 62), ("Đặng", 60), ("Đặng", 45)], 1, false).1, 62, "none is fairly sure");
        let mut text = page(&[("Đặng", 80)]);
        let place = text.lines[0].rect;
        let mut readings = Readings::default();
        let piece = Piece { line: 0, words: 0..1, place };
        readings.compare(&mut text, &piece, words(&[("Đặng", 80)]), words(&[("Đặng", 80)]));
        readings.vouch(&mut text, &place, |_, _| 1, |_| true);
        assert_eq!(text.lines[0].words[0].confidence, 80, "only two readings");
    }

    #[test]
    fn a_mark_above_a_letter_is_no_word() {
        assert_eq!(agreed(&[("HÔN", 92), ("ˆ", 35)], &[("HÔN", 93)]), said(&[("HÔN", 96)]));
        assert_eq!(agreed(&[("0244", 96), ("ễ", 0)], &[("0244", 91)]), said(&[("0244", 96)]), "a letter that was guessed");
        assert_eq!(agreed(&[("Hà", 96), ("Lê", 10)], &[("Hà", 96)]).len(), 2, "a word may be one");
    }

    #[test]
    fn above_a_word_alone_in_its_row_there_is_room_for_marks() {
        let above = |text: &PageText| 50 - pieces(text, &[text.lines[0].words[0].rect])[0].place.y;
        assert_eq!([above(&page(&[("TRAM", 78)])), above(&page(&[("BẢO", 78), ("TRAM", 96)]))], [10, 3]);
    }

    #[test]
    fn a_label_that_was_not_read_surely_is_looked_at_too() {
        let text = page(&[("Số:", 67), ("2082/UBND-VX", 90), ("Long", 96)]);
        let found = pieces(&text, &[text.lines[0].words[1].rect]);
        assert_eq!(found[0].words, 0..2);
    }

    #[test]
    fn a_mark_alone_needs_a_second_reading() {
        let mut text = page(&[("DÂN", 96), ("-", 96), ("XÃ", 60)]);
        doubt_marks(&mut text);
        let confidences = |text: &PageText| text.lines[0].words.iter().map(|word| word.confidence).collect::<Vec<_>>();
        assert_eq!(confidences(&text), [96, ALONE, 60]);
        let piece = Piece { line: 0, words: 0..3, place: text.lines[0].rect };
        let mut seen = text.clone();
        agree(&mut seen, &piece, &words(&[("DÂN", 96), ("-", 95), ("XÃ", 96)]));
        assert_eq!(confidences(&seen)[1], 96);
        let apart = Word { rect: Rect { x: 148, ..words(&[("XÃ", 96)])[0].rect }, ..words(&[("XÃ", 96)])[0].clone() };
        agree(&mut text, &piece, &[words(&[("DÂN", 96)])[0].clone(), apart]);
        assert_eq!(text.lines[0].words.iter().map(|word| word.text.as_str()).collect::<Vec<_>>(), ["DÂN", "XÃ"]);
    }

    #[test]
    fn what_they_read_differently_nobody_is_sure_of() {
        assert_eq!(agreed(&[("Đinh", 92)], &[("Định", 65)]), said(&[("Đinh", 59)]));
        assert_eq!(agreed(&[("NGUYÊN", 33)], &[("NGUYỄN", 91)]), said(&[("NGUYỄN", 89)]), "until a third says so");
        assert_eq!(agreed(&[("NGUYỄN", 89)], &[("NGUYỄN", 92)]), said(&[("NGUYỄN", 96)]));
    }

    #[test]
    fn marks_that_only_one_saw_are_dust_and_words_that_only_one_saw_are_a_doubt() {
        assert_eq!(agreed(&[("722/BC-UBND_", 25)], &[("722/BC-UBND", 91)]), said(&[("722/BC-UBND", 93)]));
        assert_eq!(agreed(&[("-", 70), ("Hưng", 96)], &[("", 0)]), said(&[("Hưng", 96)]));
        let mut text = page(&[("Minh", 96), ("Trí", 96)]);
        let piece = Piece { line: 0, words: 0..2, place: text.lines[0].rect };
        let mut again = words(&[("Minh", 96), ("Trí", 96)]);
        again.insert(1, Word { text: "Lê".into(), rect: Rect { x: 133, y: 50, width: 6, height: 20 }, confidence: 96 });
        agree(&mut text, &piece, &again);
        assert!(text.lines[0].words.iter().any(|word| word.text == "Lê" && word.confidence == ALONE));
    }

    #[test]
    fn ink_over_a_word_that_one_reading_left_out_is_not_the_words() {
        let mut text = page(&[("14", 96)]);
        text.lines[0].words[0].rect = Rect { x: 100, y: 38, width: 16, height: 32 };
        let piece = Piece { line: 0, words: 0..1, place: text.lines[0].words[0].rect };
        agree(&mut text, &piece, &words(&[("14", 96)]));
        assert_eq!(text.lines[0].words[0].rect, Rect { x: 100, y: 50, width: 16, height: 20 });
    }

    #[test]
    fn only_the_words_in_doubt_are_looked_at_with_a_neighbour_on_either_side() {
        let text = page(&[("Số:", 93), ("575/TB-UBND", 92), ("Phước", 96), ("Lĩnh,", 96)]);
        let doubted = [text.lines[0].words[1].rect];
        let found = pieces(&text, &doubted);
        assert_eq!((found.len(), found[0].words.clone()), (1, 1..2));
        let (left, right) = (text.lines[0].words[0].rect.x, text.lines[0].words[2].rect.right());
        assert!(found[0].place.x < left && found[0].place.right() > right);
        assert!(is_unsure(&page(&[("a", 89)]), &Piece { line: 0, words: 0..1, place: Rect::default() }));
        assert_eq!(pieces(&text, &[]), []);
    }

    #[test]
    fn of_a_block_only_what_may_be_a_name_is_kept_whole() {
        let mut text = page(&[("TM.", 96)]);
        let line = |said: &[(&str, u8)]| page(said).lines.remove(0);
        add_names(&mut text, vec![line(&[("mm", 2), ("⁄", 60)]), line(&[("`", 20), ("guyễn", 30), ("Minh", 96), ("Cường", 95)])]);
        assert_eq!(text.lines.len(), 2);
        assert_eq!(text.lines[1].text(), "guyễn Minh Cường", "what was guessed stays, or the name were another");
        assert_eq!(text.lines[1].block, 2);
    }

    proptest::proptest! {
        #[test]
        fn any_readings_give_no_panic_and_no_letters_that_neither_has(
            first in proptest::collection::vec(("[a-zđ/.]{0,4}", 0u8..=100, 0u32..200, 1u32..40), 1..6),
            second in proptest::collection::vec(("[a-zđ/.]{0,4}", 0u8..=100, 0u32..200, 1u32..40), 0..6),
        ) {
            let word = |(text, confidence, x, width): &(String, u8, u32, u32)| Word {
                text: text.clone(), rect: Rect { x: *x, y: 5, width: *width, height: 9 }, confidence: *confidence,
            };
            let (first, again): (Vec<Word>, Vec<Word>) = (first.iter().map(word).collect(), second.iter().map(word).collect());
            let mut text = PageText { width: 300, height: 20, lines: vec![Line { words: first.clone(), rect: Rect::default(), block: 1 }] };
            agree(&mut text, &Piece { line: 0, words: 0..first.len(), place: Rect::default() }, &again);
            for word in text.words() {
                proptest::prop_assert!(first.iter().chain(&again).any(|known| known.text == word.text));
            }
        }
    }
}
