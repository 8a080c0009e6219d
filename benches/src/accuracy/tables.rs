//! The tables of accuracy: a line a class, a column a program; and who is worse than whom.

use super::OfClass;
use super::score::Score;
use crate::figures::Figure;

/// sohoa's column and stock Tesseract's.
const OURS: usize = 0;
const STOCK: usize = 1;

/// Is sohoa behind stock Tesseract, in words or in characters? There is no tolerance.
pub fn worse(scores: &[Score]) -> bool {
    behind_in_words(scores) || behind_in_characters(scores)
}

/// Is sohoa ahead of stock Tesseract, in words and in characters?
pub fn better(scores: &[Score]) -> bool {
    scores[OURS].found > scores[STOCK].found && scores[OURS].wrong < scores[STOCK].wrong
}

fn behind_in_words(scores: &[Score]) -> bool {
    scores[OURS].found < scores[STOCK].found
}

fn behind_in_characters(scores: &[Score]) -> bool {
    scores[OURS].wrong > scores[STOCK].wrong
}

/// Takes the columns from `nth` on away when they say what sohoa's own says: nothing was corrected.
pub fn drop_what_is_the_same(columns: &mut Vec<String>, classes: &mut [OfClass], nth: usize) {
    if classes.iter().all(|of| of.scores[nth..].iter().all(|score| *score == of.scores[OURS])) {
        columns.truncate(nth);
        classes.iter_mut().for_each(|of| of.scores.truncate(nth));
    }
}

/// Over all classes, and over those that stock Tesseract can read at all: it reads some pages that lie on their side, most it does not.
pub fn sums(classes: &[OfClass]) -> Vec<OfClass> {
    let sum = |name, of: Vec<&OfClass>| {
        let mut scores = vec![Score::default(); of.first().map_or(0, |of| of.scores.len())];
        for of in &of {
            scores.iter_mut().zip(&of.scores).for_each(|(sum, score)| *sum = sum.plus(*score));
        }
        OfClass { name, pages: of.iter().map(|of| of.pages).sum(), scores }
    };
    let upright: Vec<&OfClass> = classes.iter().filter(|of| of.name != "turned").collect();
    let mut sums = Vec::new();
    if upright.len() > 1 {
        sums.push(sum("all but turned", upright));
    }
    if classes.len() > 1 {
        sums.push(sum("all", classes.iter().collect()));
    }
    sums
}

/// Three tables; where sohoa is behind stock Tesseract its figure is bold with a ▼.
pub fn markdown(columns: &[String], classes: &[OfClass]) -> String {
    let table = |title: &str, value: fn(&Score) -> f64, marked: fn(&[Score]) -> bool| {
        let heading: String = columns.iter().map(|column| format!(" {column} |")).collect();
        let mut lines =
            vec![format!("| {title} | pages | words |{heading}"), format!("|---|{}", "---:|".repeat(columns.len() + 2))];
        for of in classes {
            let cell = |(nth, score): (usize, &Score)| match nth == OURS && marked(&of.scores) {
                true => format!(" **{:.2}** ▼ |", value(score)),
                false => format!(" {:.2} |", value(score)),
            };
            let cells: String = of.scores.iter().enumerate().map(cell).collect();
            lines.push(format!("| {} | {} | {} |{cells}", of.name, of.pages, of.scores[OURS].words));
        }
        lines.join("\n")
    };
    let never = |_: &[Score]| false;
    [
        table("words of the page that were read, %", Score::recall, behind_in_words),
        table("characters wrong (CER), %", Score::cer, behind_in_characters),
        table("words read that stand on the page, %", Score::precision, never),
    ]
    .join("\n\n")
}

/// The same for the CSV.
pub fn figures(columns: &[String], classes: &[OfClass]) -> Vec<Figure> {
    let mut figures = Vec::new();
    for of in classes {
        for (column, score) in columns.iter().zip(&of.scores) {
            let mut add = |name, value, unit| {
                figures.push(Figure { input: of.name.into(), pages: of.pages, subject: column.clone(), name, value, unit });
            };
            add("words of the page", score.words as f64, "");
            add("words read", score.recall(), "%");
            add("characters wrong", score.cer(), "%");
            add("words that stand on the page", score.precision(), "%");
        }
    }
    figures
}

#[cfg(test)]
mod tests {
    use super::*;

    fn score(found: usize, wrong: usize) -> Score {
        Score { words: 100, read: 100, found, characters: 500, wrong }
    }

    #[test]
    fn one_word_less_is_worse() {
        assert!(!worse(&[score(99, 3), score(99, 3)]));
        assert!(worse(&[score(98, 3), score(99, 3)]), "a word");
        assert!(worse(&[score(99, 4), score(99, 3)]), "a character");
        assert!(better(&[score(100, 2), score(99, 3)]) && !better(&[score(99, 2), score(99, 3)]));
    }

    #[test]
    fn a_column_that_says_nothing_new_is_left_out() {
        let of = |before| OfClass { name: "seal", pages: 1, scores: vec![score(9, 1), score(8, 2), before] };
        let columns = || vec!["sohoa".to_owned(), "tesseract".into(), "before".into()];
        let (mut same, mut other) = (columns(), columns());
        drop_what_is_the_same(&mut same, &mut [of(score(9, 1))], 2);
        drop_what_is_the_same(&mut other, &mut [of(score(9, 1)), of(score(8, 1))], 2);
        assert_eq!((same.len(), other.len()), (2, 3));
    }

    #[test]
    fn sums_tell_turned_pages_apart() {
        let of = |name, found| OfClass { name, pages: 2, scores: vec![score(found, 0), score(90, 1)] };
        let classes = [of("grey-300", 80), of("seal", 90), of("turned", 100)];
        let sums = sums(&classes);
        assert_eq!((sums[0].name, sums[0].pages, sums[0].scores[0].found), ("all but turned", 4, 170));
        assert_eq!((sums[1].name, sums[1].pages, sums[1].scores[0].found), ("all", 6, 270));
        let table = markdown(&["sohoa".into(), "tesseract".into()], &classes);
        assert!(table.contains("| grey-300 | 2 | 100 | **80.00** ▼ | 90.00 |"), "{table}");
        assert!(table.contains("| seal | 2 | 100 | 90.00 | 90.00 |"), "{table}");
    }
}
