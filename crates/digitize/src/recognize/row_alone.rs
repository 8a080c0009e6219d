//! A row that was read by itself, twice: what the two readings agree on, and its way into the page's text.

use super::again::{GUESS, SURE, WITNESS, core, holds, is_lettered, meets, together};
use sohoa_record::{Line, PageText, Rect, Word};

/// What two readings of a row by itself agree on to the last word, one of them `surely`; what stands alone and is no word is left out. A name's first
/// word that a seal runs into may be read less surely, when it is the only family name of its letters (`is_only`).
pub fn same_row(first: &[Word], second: &[Word], surely: bool, is_only: impl Fn(&str) -> bool) -> Option<Vec<Word>> {
    let is_word = |word: &&Word| {
        let guess = word.confidence < GUESS && !word.text.chars().all(char::is_alphabetic) || !surely && word.confidence < SCRAP;
        word.text.chars().any(is_lettered) && !guess
    };
    let words = |read: &[Word]| read.iter().filter(is_word).cloned().collect::<Vec<_>>();
    let (first, second) = (words(first), words(second));
    let alike = |at: usize, a: &Word, b: &Word| {
        let (least, most) = (a.confidence.min(b.confidence), a.confidence.max(b.confidence));
        let sure = least >= WITNESS && most >= SURE || at == 0 && least >= GUESS && is_only(core(&a.text));
        core(&a.text) == core(&b.text) && (sure || !surely) && meets(&a.rect, &b.rect)
    };
    let pairs = || first.iter().zip(&second).enumerate();
    let agree = !first.is_empty() && first.len() == second.len() && pairs().all(|(at, (a, b))| alike(at, a, b));
    let both = |(at, (a, b)): (usize, (&Word, &Word))| {
        let confidence = together(a.confidence, b.confidence);
        let confidence = if at == 0 && is_only(core(&a.text)) { confidence.max(SURE) } else { confidence };
        Word { text: core(&a.text).to_owned(), confidence, ..a.clone() }
    };
    agree.then(|| pairs().map(both).collect())
}

/// What most of several readings of a row say, word by word: of those readings that have as many words as most have, each word as most
/// of them have it, and two at least; of two with as many, the surer. The first is one that `may_begin` a name.
pub fn most_say(readings: &[Vec<Word>], may_begin: impl Fn(&str) -> bool) -> Option<Vec<Word>> {
    let is_word = |word: &Word| core(&word.text).chars().filter(|c| c.is_alphabetic()).count() > 1;
    let readings: Vec<Vec<Word>> = readings.iter().map(|words| joined(words).into_iter().filter(is_word).collect()).collect();
    let alike = |many: usize| readings.iter().filter(|words| words.len() == many).count();
    let many = readings.iter().map(Vec::len).filter(|many| *many > 1).max_by_key(|many| (alike(*many), *many))?;
    let readings: Vec<&Vec<Word>> = readings.iter().filter(|words| words.len() == many).collect();
    let said = |at: usize| {
        let votes = |word: &Word| readings.iter().filter(|other| core(&other[at].text) == core(&word.text)).count();
        let can_stand = |word: &&Word| at > 0 || may_begin(core(&word.text));
        let candidates = readings.iter().map(|words| &words[at]).filter(can_stand);
        let most = candidates.max_by_key(|word| (votes(word), word.confidence)).filter(|word| votes(word) > 1)?;
        Some(Word { text: core(&most.text).to_owned(), ..most.clone() })
    };
    (0..many).map(said).collect()
}

/// The words of a name, where each begins with a capital: what does not is the rest of the word before ("Mạ nh").
fn joined(words: &[Word]) -> Vec<Word> {
    let mut joined: Vec<Word> = Vec::new();
    for word in words {
        let is_rest = word.text.chars().next().is_some_and(char::is_lowercase);
        match joined.last_mut().filter(|_| is_rest) {
            Some(before) => {
                before.text.push_str(&word.text);
                before.rect = before.rect.union(&word.rect);
                before.confidence = before.confidence.min(word.confidence);
            }
            None => joined.push(word.clone()),
        }
    }
    joined
}

/// A word that is read less surely is none, where nobody is asked to be sure.
const SCRAP: u8 = 30;

/// Have the words and their row one middle, but for half the height of a word, with paper at both ends? At the row's end a word may be cut.
pub fn is_centred(words: &[Word], row: &Rect) -> bool {
    let Some(all) = words.iter().map(|word| word.rect).reduce(|a, b| a.union(&b)) else { return false };
    let free = all.x >= row.x + all.height / 2 && all.right() + all.height / 2 <= row.right();
    free && (2 * row.x + row.width).abs_diff(2 * all.x + all.width) < all.height
}

/// Are the words of a row that were read surely, letter by letter, among these?
pub fn has_all_sure(text: &PageText, row: &Rect, words: &[Word]) -> bool {
    let sure = |word: &&Word| word.confidence >= SURE && holds(row, &word.rect) && core(&word.text).chars().nth(1).is_some();
    text.words().filter(sure).all(|word| words.iter().any(|own| core(&own.text) == core(&word.text)))
}

/// Puts the words of a row that was read by itself in the place of what was made of it before. False, and nothing is changed, when a word
/// stands there that was read surely and is not among them.
pub fn put_row(text: &mut PageText, row: &Rect, words: Vec<Word>) -> bool {
    let own = |word: &Word| words.iter().any(|own| meets(&own.rect, &word.rect));
    let another =
        |word: &&Word| holds(row, &word.rect) && word.confidence >= SURE && !own(word) && word.text.chars().any(is_lettered);
    let (Some(rect), false) =
        (words.iter().map(|word| word.rect).reduce(|a, b| a.union(&b)), text.words().any(|word| another(&word)))
    else {
        return false;
    };
    for line in &mut text.lines {
        line.words.retain(|word| !holds(row, &word.rect));
    }
    text.lines.retain(|line| !line.words.is_empty());
    let block = text.lines.iter().map(|line| line.block).max().unwrap_or(0) + 1;
    text.lines.push(Line { words, rect, block });
    true
}

#[cfg(test)]
mod tests {
    use super::super::again::tests::{page, words};
    use super::*;

    #[test]
    fn most_of_several_readings_say_each_word() {
        let read = |said: &str| words(&said.split(' ').map(|word| (word, 60)).collect::<Vec<_>>());
        let say = |said: &[&str]| {
            let readings: Vec<Vec<Word>> = said.iter().map(|said| read(said)).collect();
            let family = |word: &str| ["Mạnh", "Nguyễn"].contains(&word);
            most_say(&readings, family).map(|words| words.iter().map(|w| w.text.clone()).collect::<Vec<_>>().join(" "))
        };
        let whole = Some("Mạnh Thị Tuyết Mai".to_owned());
        assert_eq!(say(&["'Mạnñ Thị Tuyết Mai", "Mạnh 1hị Tuyết Mai", "Mạnh Thị Tuyêt Mai", "Mạ nh Thị Tuyết Mai"]), whole);
        assert_eq!(say(&["Mạnh Thị Tuyết Mai", "Manh Thị Tuyết Mai", "Manh Thị Tuyết Mai", "Mạnh Thị Tuyết Mai"]), whole);
        assert_eq!(say(&["Mạnh Thị Tuyết Mai", "Tuyết Mai"]), None, "each word but two once");
        assert_eq!(say(&["Manh Thị Mai", "Manh Thị Mai"]), None, "no family name");
        assert_eq!(say(&[]), None);
    }

    #[test]
    fn a_row_read_by_itself_counts_when_two_readings_of_it_agree() {
        let read = |said: &[(&str, u8)]| words(said);
        let same = |first: &[Word], second: &[Word]| same_row(first, second, true, |word| word == "Đinh");
        let whole = same(&read(&[("_", 77), ("Ngô", 95), ("Đạt", 95)]), &read(&[("'", 40), ("Ngô", 72), ("Đạt", 96)])).unwrap();
        assert_eq!(whole.iter().map(|word| word.text.as_str()).collect::<Vec<_>>(), ["Ngô", "Đạt"]);
        assert!(whole.iter().all(|word| word.confidence >= SURE));
        assert_eq!(same(&read(&[("Ngô", 80), ("Đạt", 96)]), &read(&[("Ngô", 85), ("Đạt", 96)])), None, "nobody is sure");
        assert_eq!(same(&read(&[("Ngô", 96), ("Đạt", 96)]), &read(&[("Ngõ", 96), ("Đạt", 96)])), None, "they differ");
        assert_eq!(same(&read(&[("Phạm", 0), ("Vân", 96)]), &read(&[("Phạm", 96), ("Vân", 96)])), None, "a rim crossed it");
        assert_eq!(same(&read(&[("Đạt", 96)]), &read(&[("Ngô", 96), ("Đạt", 96)])), None, "one lost a word");
        assert_eq!(same(&[], &[]), None);
        assert!(
            same(&read(&[("T—", 25), ("Đinh", 48), ("Yến", 96)]), &read(&[("T—", 0), ("Đinh", 62), ("Yến", 96)])).is_some(),
            "one Đinh"
        );
        assert_eq!(
            same(&read(&[("Đinh", 48), ("Yến", 48)]), &read(&[("Đinh", 62), ("Yến", 62)])),
            None,
            "for the first word only"
        );
        let unsure = |first: &[(&str, u8)], second: &[(&str, u8)]| same_row(&words(first), &words(second), false, |_| false);
        assert!(unsure(&[("Ngô", 45), ("Đạt", 96)], &[("tang", 22), ("Ngô", 60), ("Đạt", 96)]).is_none(), "not at one place");
        assert!(unsure(&[("Ngô", 45), ("Đạt", 96)], &[("Ngô", 60), ("Đạt", 96)]).is_some());
    }

    #[test]
    fn a_row_read_by_itself_takes_the_place_of_what_a_seal_made_of_it() {
        let mut text = page(&[("“Đã", 0), ("Thị", 89), ("Ngọc", 96)]);
        let row = Rect { x: 60, y: 40, width: 240, height: 40 };
        let name = words(&[("Đỗ", 96), ("Thị", 96), ("Ngọc", 96)]);
        assert!(put_row(&mut text, &row, name.clone()));
        assert_eq!((text.lines.len(), text.lines[0].text().as_str(), text.lines[0].block), (1, "Đỗ Thị Ngọc", 1));
        assert!(is_centred(&name, &Rect { x: 88, y: 40, width: 112, height: 40 }) && !is_centred(&name, &row));
        assert!(!is_centred(&name, &Rect { x: 98, y: 40, width: 92, height: 40 }), "at the row's ends a word may be cut");
        // a word beside, surely read, may be another's
        let mut beside = page(&[("Thị", 89), ("Ngọc", 96), ("Trưởng", 96), ("phòng", 96), ("Lan", 96)]);
        let before = beside.clone();
        assert!(!put_row(&mut beside, &row, words(&[("Thị", 96)])));
        assert_eq!(beside, before);
    }
}
