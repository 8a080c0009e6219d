//! The second look at a page: its ink, and the engine once more, say what keeps its fields from being vouched for. Only what extract has in
//! doubt is read again: the lines of those fields, a signer's room without a name, the row of a signer's name without the seal around it.

use crate::extract::templates::Templates;
use crate::page::{CleanPage, ReadPage};
use crate::recognize::{OcrEngine, Part, RIMLESS_LOOKS, again, dotted_i, name_end, row_alone};
use crate::{correct, extract, view};
use sohoa_record::{PageText, Rect, Word};
use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;

/// Has the page's ink, and the engine once more, say what keeps its fields from being vouched for. True when its text is no longer what it was.
pub(crate) fn look_again(engine: &mut dyn OcrEngine, page: &CleanPage, read: &mut ReadPage) -> bool {
    let templates = Templates::built_in();
    let before = read.text.clone();
    again::doubt_marks(&mut read.text);
    restore_i(page, &mut read.text);
    doubt_unseen(&mut read.text);
    let mut doubted = extract::in_doubt(&view(read), &templates);
    // a room that the layout took for a picture
    if let Some(room) = doubted.signers_room {
        let lines = engine.recognize_part(page, room, Part::Block).unwrap_or_default();
        again::add_names(&mut read.text, lines);
        doubted = extract::in_doubt(&view(read), &templates);
    }
    if let Some(name) = doubted.signer.filter(|name| name_end::goes_on(page, *name)) {
        again::doubt_place(&mut read.text, &name, DOUBTED);
        doubted = extract::in_doubt(&view(read), &templates);
    }
    let mut readings = again::Readings::default();
    for look in [Part::Line, Part::LineOnceMore] {
        for piece in again::pieces(&read.text, &doubted.fields) {
            if look == Part::LineOnceMore && !again::is_unsure(&read.text, &piece) {
                continue;
            }
            let lines = engine.recognize_part(page, piece.place, look).unwrap_or_default();
            let mut words: Vec<Word> = lines.into_iter().flat_map(|line| line.words).collect();
            let first = read.text.lines[piece.line].words[piece.words.clone()].to_vec();
            restore_i_as_read(page, &first, &mut words);
            again::agree(&mut read.text, &piece, &words);
            readings.compare(&mut read.text, &piece, first, words);
        }
        if look == Part::Line && !doubted.fields.is_empty() {
            doubted = extract::in_doubt(&view(read), &templates);
        }
    }
    for name in &doubted.names {
        readings.vouch(&mut read.text, name, extract::spellings_of_name, |word| dotted_i::has_dot(page, word));
    }
    if !doubted.names.is_empty() {
        read_signer_alone(engine, page, read, &templates);
    }
    restore_i(page, &mut read.text);
    read.text != before
}

/// Reads the row of a signer's name that is still in doubt by itself, without the seal's rim and whatever else runs into it. It counts when two
/// readings are the same and sure, and begin with a usual family name. Standing centred under the signer's capacity nothing of it is missing;
/// elsewhere it is the better reading, and stays in doubt.
fn read_signer_alone(engine: &mut dyn OcrEngine, page: &CleanPage, read: &mut ReadPage, templates: &Templates) {
    let doubted = extract::in_doubt(&view(read), templates);
    // a letter that touches the seal goes with it: then as it stands
    let looks = [[Part::Row, Part::RowOnceMore], [Part::Line, Part::LineOnceMore]];
    if let Some(row) = doubted.signers_row {
        let centred = |look| read_twice(engine, page, row, look, true).filter(|words| row_alone::is_centred(words, &row));
        if looks.into_iter().find_map(centred).is_some_and(|words| row_alone::put_row(&mut read.text, &row, words)) {
            return;
        }
    }
    let Some(row) = doubted.signers_wide_row else { return };
    let words = looks.into_iter().find_map(|look| read_twice(engine, page, row, look, false));
    let words = words.or_else(|| read_without_rim(engine, page, row));
    if let Some(mut words) = words.filter(|words| words.len() > 1 && row_alone::has_all_sure(&read.text, &row, words)) {
        words.iter_mut().for_each(|word| word.confidence = word.confidence.min(DOUBTED));
        row_alone::put_row(&mut read.text, &row, words);
    }
}

/// What most looks say that read a row without the rim of the seal over it, beginning with a usual family name.
fn read_without_rim(engine: &mut dyn OcrEngine, page: &CleanPage, row: Rect) -> Option<Vec<Word>> {
    let mut read = |look: usize| {
        let lines = engine.recognize_part(page, row, Part::Rimless(look)).unwrap_or_default();
        lines.into_iter().flat_map(|line| line.words).collect::<Vec<Word>>()
    };
    // without a seal the first look is empty, and so would be the others
    let first = Some(read(0)).filter(|words| !words.is_empty())?;
    let all: Vec<Vec<Word>> = std::iter::once(first).chain((1..RIMLESS_LOOKS).map(read)).collect();
    row_alone::most_say(&all, |word| extract::spellings_of_name(word, true) > 0)
}

/// The words of a row that two looks read alike, `surely` too if that is asked for, beginning with a usual family name.
fn read_twice(engine: &mut dyn OcrEngine, page: &CleanPage, row: Rect, looks: [Part; 2], surely: bool) -> Option<Vec<Word>> {
    let [first, second] = looks.map(|part| {
        let lines = engine.recognize_part(page, row, part).unwrap_or_default();
        let mut words: Vec<Word> = lines.into_iter().flat_map(|line| line.words).collect();
        for word in &mut words {
            let family = dotted_i::with_i(&word.text).filter(|rather| extract::spellings_of_name(rather, true) > 0);
            if let (Some(rather), Some(true)) = (family, dotted_i::is_i(page, word)) {
                word.text = rather;
            }
        }
        words
    });
    let words = row_alone::same_row(&first, &second, surely, |word| extract::spellings_of_name(word, true) == 1)?;
    words.first().is_some_and(|word| extract::spellings_of_name(&word.text, true) > 0).then_some(words)
}

/// Of a word that neither ink nor engine is to be believed about, percent.
const DOUBTED: u8 = 79;

/// A syllable with Vietnamese marks that no public paper has ("Quấc") needs a second reading.
fn doubt_unseen(text: &mut PageText) {
    let marked = |word: &Word| word.text.nfd().any(is_combining_mark) && word.text.chars().all(char::is_alphabetic);
    for word in text.lines.iter_mut().flat_map(|line| &mut line.words) {
        if (again::SURE..CERTAIN).contains(&word.confidence) && marked(word) && !correct::is_known(&word.text) {
            word.confidence = DOUBTED;
        }
    }
}

/// From this confidence on the engine is believed even then: names of other peoples are no syllables.
const CERTAIN: u8 = 95;

/// Puts i in the place of ỉ and ị where the words around or the list of family names expect it and the ink says so; where the ink does not
/// tell, nobody is sure.
fn restore_i(page: &CleanPage, text: &mut PageText) {
    let suspected = correct::suspect(text);
    for (l, line) in (0..).zip(&mut text.lines) {
        for w in 0..line.words.len() {
            let (before, [word, behind @ ..]) = line.words.split_at_mut(w) else { continue };
            let Some(rather) = dotted_i::with_i(&word.text) else { continue };
            let by_neighbours = suspected.iter().any(|s| (s.line, s.word) == (l, w as u32) && s.text == rather);
            // the first word of a name, and no other: "quy định" and "Thị" are what they are
            let begins =
                is_name_word(word) && !before.last().is_some_and(is_name_word) && behind.first().is_some_and(is_name_word);
            let by_name = begins && extract::is_misspelled_family(&word.text) && !extract::is_misspelled_family(&rather);
            if by_neighbours || by_name {
                match dotted_i::is_i(page, word) {
                    Some(true) => word.text = rather,
                    Some(false) => {}
                    None => word.confidence = word.confidence.min(DOUBTED),
                }
            }
        }
    }
}

/// A capital and then a small letter, and no mark behind that would end a name.
fn is_name_word(word: &Word) -> bool {
    let mut letters = word.text.chars().skip_while(|c| !c.is_alphabetic());
    letters.next().is_some_and(char::is_uppercase)
        && letters.next().is_some_and(char::is_lowercase)
        && letters.all(char::is_alphabetic)
}

/// The same for a second reading of a piece, where the first has i: that one's place or this one's tells the ink.
fn restore_i_as_read(page: &CleanPage, first: &[Word], words: &mut [Word]) {
    for word in words {
        let Some(rather) = dotted_i::with_i(&word.text) else { continue };
        let Some(first) = first.iter().find(|word| word.text == rather) else { continue };
        let there = Word { rect: first.rect, ..word.clone() };
        if [word.clone(), there].iter().any(|word| dotted_i::is_i(page, word) == Some(true)) {
            word.text = rather;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::page::Grey;
    use crate::recognize::{EngineError, EngineInfo};
    use sohoa_record::manifest::PageState;
    use sohoa_record::{Line, PageText, Placement};

    const SIZE: (u32, u32) = (2480, 3508);

    /// A line of words of 18 pixels a letter, 40 high.
    fn line(x: u32, y: u32, said: &[(&str, u8)]) -> Line {
        let mut at = x;
        let words: Vec<Word> = said
            .iter()
            .map(|(text, confidence)| {
                let width = 18 * text.chars().count() as u32;
                at += width + 18;
                Word { text: (*text).into(), rect: Rect { x: at - width - 18, y, width, height: 40 }, confidence: *confidence }
            })
            .collect();
        let rect = words.iter().map(|word| word.rect).reduce(|a, b| a.union(&b)).unwrap();
        Line { words, rect, block: 1 }
    }

    fn sure(x: u32, y: u32, text: &str) -> Line {
        line(x, y, &text.split(' ').map(|word| (word, 96)).collect::<Vec<_>>())
    }

    fn read(lines: Vec<Line>) -> ReadPage {
        let text = PageText { width: SIZE.0, height: SIZE.1, lines };
        ReadPage { state: PageState::Text, dpi: 300, text, ..ReadPage::failed(1, sohoa_record::Reason::RecognizeFailed) }
    }

    /// A page without ink: it tells of no dot.
    fn blank() -> CleanPage {
        let grey = Grey { width: 248, height: 351, pixels: vec![240; 248 * 351] };
        CleanPage { number: 1, grey, dpi: 30, upright: SIZE, placement: Placement::default(), ink_ppm: 5_000 }
    }

    /// Reads nothing but the row of a name by itself: the first and the second time.
    struct RowsOnly([Line; 2]);

    impl OcrEngine for RowsOnly {
        fn recognize(&mut self, _: &CleanPage) -> Result<PageText, EngineError> {
            Err(EngineError::Page)
        }

        fn recognize_part(&mut self, _: &CleanPage, _: Rect, part: Part) -> Result<Vec<Line>, EngineError> {
            Ok(match part {
                Part::Row => vec![self.0[0].clone()],
                Part::RowOnceMore => vec![self.0[1].clone()],
                _ => Vec::new(),
            })
        }

        fn info(&self) -> EngineInfo {
            EngineInfo { engine: "rows".into(), model: "rows".into(), model_sha256: None }
        }
    }

    /// What stands under the capacity (its middle at 1693) when a seal hid the first word.
    fn signer(rows: [Line; 2]) -> String {
        let mut page = read(vec![
            sure(1600, 200, "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM"),
            sure(400, 2000, "Nơi nhận:"),
            sure(1620, 2000, "CHỦ TỊCH"),
            line(1540, 2300, &[("“Đã", 0), ("Thị", 88), ("Ngọc", 96), ("Hà", 96)]),
        ]);
        look_again(&mut RowsOnly(rows), &blank(), &mut page);
        page.text.lines.iter().filter(|line| line.rect.y > 2200).map(Line::text).collect::<Vec<_>>().join("|")
    }

    #[test]
    fn a_signers_row_read_alone_gives_back_what_a_seal_hid() {
        let whole = || line(1580, 2300, &[("Đỗ", 96), ("Thị", 96), ("Ngọc", 96), ("Hà", 96)]);
        assert_eq!(signer([whole(), whole()]), "Đỗ Thị Ngọc Hà");
        let as_before = "“Đã Thị Ngọc Hà";
        let other = line(1580, 2300, &[("Đồ", 96), ("Thị", 96), ("Ngọc", 96), ("Hà", 96)]);
        assert_eq!(signer([whole(), other.clone()]), as_before, "they differ");
        assert_eq!(signer([other.clone(), other]), as_before, "Đồ is no family name");
        let aside = || line(1700, 2300, &[("Đỗ", 96), ("Thị", 96), ("Ngọc", 96)]);
        assert_eq!(signer([aside(), aside()]), as_before, "not in the middle: a word may be missing");
    }

    #[test]
    fn the_list_of_family_names_asks_about_the_first_word_of_a_name_only() {
        let asked = |said: &str| {
            let mut text = read(vec![sure(100, 100, said)]).text;
            restore_i(&blank(), &mut text);
            let doubted: Vec<String> = text.words().filter(|word| word.confidence < 96).map(|word| word.text.clone()).collect();
            doubted.join(" ")
        };
        assert_eq!(asked("bà Đỉnh Bá Quyền, xã"), "Đỉnh");
        assert_eq!(asked("Quy định chi tiết một số điều"), "", "no name");
        assert_eq!(asked("Nguyễn Thị Ngọc"), "", "Thi is a family name, but not there");
    }

    #[test]
    fn a_syllable_that_no_paper_has_needs_a_second_reading() {
        let after = |text: &str, confidence: u8| {
            let mut text = read(vec![line(100, 100, &[(text, confidence)])]).text;
            doubt_unseen(&mut text);
            text.lines[0].words[0].confidence
        };
        assert_eq!([after("Quấc", 91), after("Quốc", 91), after("Quấc", 96), after("HĐND", 91)], [DOUBTED, 91, 96, 91]);
    }
}
