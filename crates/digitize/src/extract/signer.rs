//! Who signed: the last block of authority lines, a signature's room and a name in the right half (NĐ 30/2020, Phụ lục I,
//! cells 7a–7c). Names are kept as they were read: never rewritten, not even towards a likelier one.

use super::alphabet::may_lack_a_letter;
use super::capitals;
use super::family;
use super::layout::{self, Run, Sheet, join, pattern};
use super::person;
use regex::Regex;
use sohoa_record::text::{Rect, Word, fold, nfc};
use std::sync::LazyLock;

/// A signature block.
pub(super) struct Signer<'a> {
    /// Index of the page among those searched.
    pub page: usize,
    pub name_words: Vec<&'a Word>,
    pub name: String,
    /// Shaped like a person's name, every word read surely.
    pub sure: bool,
    /// Those lines' words.
    pub authority_words: Vec<&'a Word>,
    /// All lines above the signature joined: "KT. CHỦ TỊCH PHÓ CHỦ TỊCH".
    pub position: Option<String>,
    pub position_sure: bool,
}

static ON_BEHALF: LazyLock<Regex> = LazyLock::new(|| pattern(r"^[^\p{L}]*(?:(?:TM|KT|TL|TUQ|Q)\s*[.,]|(?:TM|KT|TL|TUQ)\s)"));
static RUN_ON: LazyLock<Regex> = LazyLock::new(|| pattern(r"\b(TM|KT|TL|TUQ|Q)\.(\p{Lu})"));
// dust between two words; the abbreviations are shorter
static STOPPED: LazyLock<Regex> = LazyLock::new(|| pattern(r"\p{L}{3,}\.|\.\p{L}{1,2}\.|\.\."));
static UNSTOPPED: LazyLock<Regex> = LazyLock::new(|| pattern(r"(^| )(TM|KT|TL|TUQ),? (\p{Lu})"));
static POSITION: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"\b(?:chu tich|giam doc|truong|chanh|thu tuong|cuc|bo truong|hieu truong|nguoi ky|tong giam doc|chu nhiem|vien truong|thu truong|pho|nguoi tiep nhan)\b",
    )
});

/// Rows between the last authority line and the name, ems: room for signature and seal.
const SIGNATURE_ROOM: f64 = 14.0;

/// The last signature block on the pages of one document.
pub(super) fn find<'a>(sheets: &[Sheet<'a>], bottom_of_header: f64) -> Option<Signer<'a>> {
    (0..sheets.len()).rev().find_map(|page| {
        let top = if page == 0 { bottom_of_header } else { 0.0 };
        on_page(&sheets[page], top).map(|signer| Signer { page, ..signer })
    })
}

/// The lines that say by whose authority it is signed.
struct Authority<'s, 'a> {
    /// All runs of the right half, from top to bottom.
    right: Vec<&'s Run<'a>>,
    /// Never empty.
    lines: Vec<&'s Run<'a>>,
}

/// A page's signature block without its name. Err: beside the recipients no line of authority was read; there is what is right of them,
/// and from which row on a name may stand.
fn authority<'s, 'a>(sheet: &'s Sheet<'a>, top: f64) -> Option<Result<Authority<'s, 'a>, (Vec<&'s Run<'a>>, f64)>> {
    let right: Vec<&'s Run<'a>> = sheet
        .runs
        .iter()
        .filter(|run| {
            run.centre_x() > 0.52 * sheet.width() && run.centre_y() > top && f64::from(run.rect.x) > 0.35 * sheet.width()
        })
        .collect();
    // what a seal leaves between the lines may look like capitals, and is not read surely
    let read = |run: &Run<'a>| run.words.iter().any(|word| word.confidence >= SCRAP);
    let authority = |run: &&Run<'a>| run.is_capitals() && (ON_BEHALF.is_match(&run.text()) || POSITION.is_match(&run.folded()));
    let recipients = sheet.runs.iter().find(|run| {
        let folded = run.folded();
        run.centre_x() < 0.5 * sheet.width() && (folded.ends_with("oi nhan") || folded.starts_with("noi nhan"))
    });
    // the block begins beside "Nơi nhận", give or take two rows; without it, at the page's last run of authority lines
    let first = match recipients {
        Some(left) => {
            let top = left.centre_y() - 3.0 * sheet.em;
            match right.iter().position(|run| authority(run) && run.centre_y() > top) {
                Some(first) => first,
                None => return Some(Err((right, top + 6.0 * sheet.em))),
            }
        }
        None => {
            let mut at = right.iter().rposition(authority)?;
            while let Some(above) = right[..at].iter().rposition(authority) {
                if right[at].centre_y() - right[above].centre_y() > 2.5 * sheet.em {
                    break;
                }
                at = above;
            }
            at
        }
    };
    let mut lines: Vec<&'s Run<'a>> = vec![right[first]];
    for run in &right[first + 1..] {
        let last = lines[lines.len() - 1];
        let drop = run.centre_y() - last.centre_y();
        if drop > 2.6 * sheet.em || !run.is_capitals() || !read(run) {
            if drop > 2.6 * sheet.em {
                break;
            }
            continue;
        }
        lines.push(run);
    }
    Some(Ok(Authority { right, lines }))
}

impl<'s, 'a> Authority<'s, 'a> {
    fn end(&self) -> &'s Run<'a> {
        self.lines[self.lines.len() - 1]
    }

    /// The run below that is most like a name, the lowest of several.
    fn name(&self, sheet: &Sheet<'a>) -> Option<&'s Run<'a>> {
        let end = self.end();
        let below = |run: &&&Run<'a>| {
            let drop = run.centre_y() - end.centre_y();
            drop > 1.2 * sheet.em && drop < SIGNATURE_ROOM * sheet.em
        };
        let names: Vec<&Run<'a>> = self.right.iter().filter(below).copied().filter(|run| name_shape(run) != Shape::No).collect();
        names.iter().rfind(|run| name_shape(run) == Shape::Name).or(names.last()).copied()
    }
}

/// Where a name should stand below the lines of authority and was not read: seal and signature make the layout take it for a picture.
pub(super) fn room_without_name(sheet: &Sheet<'_>, bottom_of_header: f64) -> Option<Rect> {
    let block = authority(sheet, bottom_of_header)?.ok()?;
    if block.name(sheet).is_some() {
        return None;
    }
    let left = block.lines.iter().map(|run| run.rect.x).min()?.saturating_sub((2.0 * sheet.em) as u32);
    let right = block.lines.iter().map(|run| run.rect.right()).max()? + (2.0 * sheet.em) as u32;
    let (top, end) = (block.end().rect.bottom(), block.end().centre_y() + SIGNATURE_ROOM * sheet.em);
    let (right, end) = (right.min(sheet.view.text.width), (end as u32).min(sheet.view.text.height));
    (right > left && end > top).then(|| Rect { x: left, y: top, width: right - left, height: end - top })
}

/// The row of the name that was read below the lines of authority, whole even where a seal hid a part of it: as high as its words that were
/// read surely with their marks, and centred under the capacity, where the name's own end says how wide it is.
pub(super) fn row_of_name(sheet: &Sheet<'_>, bottom_of_header: f64) -> Option<Rect> {
    let block = authority(sheet, bottom_of_header)?.ok()?;
    let name = block.name(sheet)?;
    let read = |least: u8| {
        let word = |word: &&&Word| word.confidence >= least && word.text.chars().filter(|c| c.is_alphabetic()).count() > 1;
        layout::union(&name.words.iter().filter(word).copied().collect::<Vec<_>>())
    };
    let own = read(90).or(read(0))?;
    let all = read(0).unwrap_or(own);
    let middle = block.end().centre_x();
    let half = (middle - f64::from(all.x)).abs().max((f64::from(all.right()) - middle).abs()) + 1.2 * sheet.em;
    let marks = 0.45 * sheet.em;
    let (left, right) = ((middle - half).max(0.0) as u32, (middle + half).min(sheet.width()) as u32);
    let (top, end) = ((f64::from(own.y) - marks).max(0.0) as u32, (f64::from(own.bottom()) + marks).min(sheet.height()) as u32);
    (half < MOST_NAME * sheet.em).then(|| Rect { x: left, y: top, width: right - left, height: end - top })
}

/// Half of the widest name, ems.
const MOST_NAME: f64 = 14.0;

/// The row of the name with what a seal may have hidden at both its ends, where nothing says how wide the name is: the lines of authority are
/// hidden too, or were read in part.
pub(super) fn wide_row_of_name(sheet: &Sheet<'_>, bottom_of_header: f64) -> Option<Rect> {
    let name = match authority(sheet, bottom_of_header)? {
        Ok(block) => block.name(sheet)?.words.clone(),
        Err((right, top)) => lone_name(sheet, &right, top)?.name_words,
    };
    let lettered = |word: &&&Word| word.text.chars().any(char::is_alphabetic);
    let own = layout::union(&name.iter().filter(lettered).copied().collect::<Vec<_>>())?;
    let (beside, marks) = ((HIDDEN * sheet.em) as u32, (0.45 * sheet.em) as u32);
    let (left, right) = (own.x.saturating_sub(beside), (own.right() + beside).min(sheet.view.text.width));
    let (top, end) = (own.y.saturating_sub(marks), (own.bottom() + marks).min(sheet.view.text.height));
    (f64::from(own.width) < 2.0 * MOST_NAME * sheet.em).then(|| Rect { x: left, y: top, width: right - left, height: end - top })
}

/// The widest part of a name that a seal hides: two words, ems.
const HIDDEN: f64 = 6.0;

fn on_page<'a>(sheet: &Sheet<'a>, top: f64) -> Option<Signer<'a>> {
    let block = match authority(sheet, top)? {
        Ok(block) => block,
        Err((right, from)) => return lone_name(sheet, &right, from),
    };
    let name = block.name(sheet)?;
    let lines = &block.lines;
    let (name_words, scraps) = without_scraps(name);
    let beside = word_beside(&block.right, name, sheet.em);
    // what was guessed there is a scrap like those that touch the name
    let scraps = scraps || beside.is_some();
    // what a seal leaves between the lines is read as marks
    let lettered = |word: &&Word| word.text.chars().any(char::is_alphanumeric);
    let authority_words: Vec<&Word> = lines.iter().flat_map(|run| run.words.iter().copied()).filter(lettered).collect();
    let (position, confirmed) = capitals::respell(&authority_words, "", false);
    // NĐ 30/2020, Phụ lục I: the abbreviations have one spelling, a full stop and a space behind them
    let position = RUN_ON.replace_all(&position, "$1. $2");
    let position = UNSTOPPED.replace_all(&position, "$1$2. $3").into_owned();
    // "on behalf of" alone says nothing of the signer: his own line was not read
    let own_line = lines.last().is_some_and(|run| !ON_BEHALF.is_match(&run.text()));
    let position_sure = own_line
        && !STOPPED.is_match(&position)
        && position.starts_with(char::is_alphabetic)
        && authority_words.iter().zip(confirmed).all(|(w, known)| {
            known || w.confidence >= 85 && !capitals::is_misread(w.text.trim_matches(|c: char| !c.is_alphanumeric()))
        });
    Some(Signer {
        page: 0,
        name: trimmed(&name_words),
        sure: name_words.iter().all(|w| is_name_word(trimmed(&[w]).as_str()) && w.confidence >= 90)
            && (2..=6).contains(&name_words.len())
            && beside.is_none_or(|confidence| confidence < GUESSED)
            && (!scraps || family::is_usual(&trimmed(&name_words)) && is_centred(&name_words, block.end(), sheet.em))
            && !person::may_be_misspelled(&trimmed(&name_words), &name_words)
            // capitals below a capacity may be those of the seal: "PHÒNG KINH TẾ"
            && (name_words.iter().any(|w| w.text.contains(char::is_lowercase)) || family::is_usual(&trimmed(&name_words)))
            && !may_lack_a_letter(&name_words),
        name_words,
        position: Some(position).filter(|p| !p.is_empty()),
        position_sure,
        authority_words,
    })
}

/// The words of a name without what seal and pen left at its ends, and whether there was any: marks, and what is no word of a name and was
/// not read surely.
fn without_scraps<'a>(name: &Run<'a>) -> (Vec<&'a Word>, bool) {
    let own = |word: &&Word| {
        let text = trimmed(&[word]);
        let guessed = is_name_word(&text) && text.chars().nth(1).is_some() && word.confidence >= GUESSED;
        text.chars().any(char::is_alphabetic) && (word.confidence >= SCRAP || guessed)
    };
    let (Some(first), Some(last)) = (name.words.iter().position(own), name.words.iter().rposition(own)) else {
        return (name.words.clone(), true);
    };
    let lettered = |word: &&Word| word.text.chars().any(char::is_alphabetic);
    let words: Vec<&Word> = name.words[first..=last].iter().copied().filter(|word| lettered(word)).collect();
    let marked = |word: &&Word| word.text.chars().any(|c| !c.is_alphanumeric() && !matches!(c, '\'' | '-'));
    let scraps = words.len() < name.words.len() || words.iter().any(marked);
    (words, scraps)
}

/// Below this confidence what looks like no word of a name is none …
const SCRAP: u8 = 60;
/// … and below this what looks like one is none either.
const GUESSED: u8 = 40;

/// NĐ 30/2020, Phụ lục I, cell 7b: the name stands centred under the signer's capacity. A name that lacks its first or last word does not:
/// the shortest, with its space, moves the middle by more than this.
fn is_centred(name: &[&Word], capacity: &Run<'_>, em: f64) -> bool {
    layout::union(name).is_some_and(|rect| (layout::centre_x(&rect) - capacity.centre_x()).abs() < 0.5 * em)
}

/// How surely the surest word beside the name was read, which may be a part of it that is set apart by ink between them; none when there is none.
fn word_beside(right: &[&Run<'_>], name: &Run<'_>, em: f64) -> Option<u8> {
    let beside = |run: &&&Run<'_>| {
        let (left, end) = (f64::from(run.rect.right()) + 6.0 * em, f64::from(run.rect.x) - 6.0 * em);
        !std::ptr::eq(**run, name)
            && (run.centre_y() - name.centre_y()).abs() < 0.7 * em
            && left > f64::from(name.rect.x)
            && end < f64::from(name.rect.right())
    };
    let lettered = |word: &&&Word| word.text.chars().filter(|c| c.is_alphabetic()).count() > 1;
    right.iter().filter(beside).flat_map(|run| run.words.iter().filter(lettered)).map(|word| word.confidence).max()
}

/// A name beside the recipients when seal and signature hide every line above it.
fn lone_name<'a>(sheet: &Sheet<'a>, right: &[&Run<'a>], top: f64) -> Option<Signer<'a>> {
    let shaped = |shape: Shape| {
        right
            .iter()
            .rfind(|run| run.centre_y() > top && name_shape(run) == shape && !run.is_capitals() && run.folded() != "viet nam")
    };
    let name = shaped(Shape::Name).or_else(|| shaped(Shape::Garbled))?;
    // a line of recipients read across both columns is no name
    (f64::from(name.rect.width) < 0.3 * sheet.width()).then(|| Signer {
        page: 0,
        name: trimmed(&name.words),
        sure: false,
        name_words: name.words.clone(),
        position: None,
        position_sure: false,
        authority_words: Vec::new(),
    })
}

/// The words joined, without the marks that seal and pen left at the ends; a final dot is not part of a name either.
fn trimmed(words: &[&Word]) -> String {
    nfc(join(words).trim_matches(|c: char| !c.is_alphanumeric()))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Shape {
    /// Two to six words, each with a capital and then small letters, or all in capitals.
    Name,
    /// A name with something unreadable in it.
    Garbled,
    No,
}

fn name_shape(run: &Run<'_>) -> Shape {
    let words: Vec<&str> = run.words.iter().map(|w| w.text.as_str()).filter(|t| t.chars().any(char::is_alphabetic)).collect();
    if !(2..=6).contains(&words.len()) || POSITION.is_match(&fold(&run.text())) && run.is_capitals() {
        return Shape::No;
    }
    let good = words.iter().filter(|text| is_name_word(text)).count();
    match good {
        n if n == words.len() && words.len() == run.words.len() => Shape::Name,
        n if n >= 2 && n + 2 >= words.len() => Shape::Garbled,
        _ => Shape::No,
    }
}

/// A capital and then small letters, or all in capitals.
fn is_name_word(text: &str) -> bool {
    let mut chars = text.chars();
    let proper = chars.next().is_some_and(char::is_uppercase) && chars.all(|c| c.is_lowercase() || c == '\'' || c == '-');
    proper || !text.is_empty() && text.chars().all(char::is_uppercase)
}

#[cfg(test)]
mod tests {
    use super::super::sample::Paper;
    use super::*;

    fn read(paper: Paper) -> Option<(String, bool, Option<String>)> {
        let page = paper.page();
        let view = page.view();
        find(&[Sheet::new(&view)], 0.0).map(|s| (s.name, s.sure, s.position))
    }

    fn block() -> Paper {
        Paper::new()
            .line(400, 2000, "Nơi nhận:")
            .line_at_row_of_last(1500, "TM. ỦY BAN NHÂN DÂN")
            .line(400, 2060, "- Như Điều 3;")
            .line_at_row_of_last(1600, "KT. CHỦ TỊCH")
            .line(400, 2120, "- Lưu: VT.")
            .line_at_row_of_last(1570, "PHÓ CHỦ TỊCH")
    }

    #[test]
    fn the_name_stands_under_the_signature_in_the_right_half() {
        assert_eq!(
            read(block().line(1580, 2450, "Trần Văn Mẫu")),
            Some(("Trần Văn Mẫu".into(), true, Some("TM. ỦY BAN NHÂN DÂN KT. CHỦ TỊCH PHÓ CHỦ TỊCH".into())))
        );
    }

    #[test]
    fn letters_that_the_seal_hides_are_a_doubt_and_stay_as_read() {
        let signer = read(block().line(1580, 2450, "` rần Văn Mẫu")).unwrap();
        assert_eq!((signer.0.as_str(), signer.1), ("rần Văn Mẫu", false));
        let unsure = read(block().line(1580, 2450, "Trần Văn Mầu").read_at(80)).unwrap();
        assert_eq!((unsure.0.as_str(), unsure.1), ("Trần Văn Mầu", false));
    }

    #[test]
    fn a_hidden_authority_line_is_not_made_up() {
        let paper = Paper::new().line(400, 2000, "Nơi nhận:").line_at_row_of_last(1500, "TM. ỦY BAN NHÂN DÂN").line(
            1580,
            2450,
            "Trần Văn Mẫu",
        );
        assert_eq!(read(paper), Some(("Trần Văn Mẫu".into(), true, Some("TM. ỦY BAN NHÂN DÂN".into()))));
        let hidden = Paper::new().line(400, 2000, "Nơi nhận:").line(400, 2060, "- Như Điều 3;").line(1580, 2450, "Trần Văn Mẫu");
        assert_eq!(read(hidden), Some(("Trần Văn Mẫu".into(), false, None)));
    }

    #[test]
    fn a_space_that_the_engine_lost_stands_in_the_position() {
        let paper =
            Paper::new().line(1570, 2000, "KT.CHỦ TỊCH").line(1570, 2060, "PHÓ CHỦ TỊCH").line(1580, 2450, "Trần Văn Mẫu");
        assert_eq!(read(paper).unwrap().2.as_deref(), Some("KT. CHỦ TỊCH PHÓ CHỦ TỊCH"));
    }

    #[test]
    fn a_stop_that_was_not_read_stands_in_the_position() {
        let paper = Paper::new()
            .line(1500, 1940, "TM ỦY BAN NHÂN DÂN")
            .line(1570, 2000, "KT CHỦ TỊCH")
            .line(1570, 2060, "PHÓ CHỦ TỊCH")
            .line(1580, 2450, "Trần Văn Mẫu");
        assert_eq!(read(paper).unwrap().2.as_deref(), Some("TM. ỦY BAN NHÂN DÂN KT. CHỦ TỊCH PHÓ CHỦ TỊCH"));
    }

    #[test]
    fn a_stop_within_a_position_is_dust() {
        let sure = |first: &str| {
            let paper = Paper::new().line(1500, 1940, first).line(1570, 2000, "CHỦ TỊCH").line(1580, 2450, "Trần Văn Mẫu");
            let page = paper.page();
            let view = page.view();
            find(&[Sheet::new(&view)], 0.0).unwrap().position_sure
        };
        assert!(sure("TM. ỦY BAN NHÂN DÂN") && !sure("TM. ỦY BAN.NHÂN DÂN") && !sure("TM..ỦY BAN NHÂN DÂN"));
    }

    #[test]
    fn what_a_seal_leaves_beside_a_whole_name_is_not_its_own() {
        // PHÓ CHỦ TỊCH has its middle at 1784, so has the name from 1612 on
        let beside = |x: u32, scrap: &str, confidence: u8, name: &str| {
            let signer = read(block().line(x, 2450, name).hand(x - 60, 40, 40, scrap, confidence)).unwrap();
            (signer.0, signer.1)
        };
        let whole = ("Trần Văn Mẫu".to_owned(), true);
        assert_eq!(beside(1612, "“", 96, "Trần Văn Mẫu"), whole);
        assert_eq!(beside(1612, "Tx“", 11, "Trần Văn Mẫu"), whole);
        assert_eq!(beside(1584, "“", 96, "“Trần Văn Mẫu"), whole);
        assert!(!beside(1680, "“", 96, "Trần Văn Mẫu").1, "not in the middle: a word may be missing");
        assert!(!beside(1612, "“", 96, "Minh Văn Mẫu").1, "no usual family name: it may be missing");
        assert!(!beside(1612, "Bùi", 45, "Trần Văn Mẫu").1, "a word of a name, however badly read");
    }

    #[test]
    fn a_word_beside_the_name_may_be_a_part_of_it() {
        let beside = block().line(1580, 2450, "Minh Cường").line_at_row_of_last(1350, "“ỡng");
        let signer = read(beside).unwrap();
        assert_eq!((signer.0.as_str(), signer.1), ("Minh Cường", false));
        // PHÓ CHỦ TỊCH has its middle at 1784, so has the whole name from 1612 on
        let guessed =
            |x: u32, confidence: u8| read(block().line(x, 2450, "Trần Văn Mẫu").hand(1450, 60, 40, "XSZ", confidence)).unwrap().1;
        assert!(guessed(1612, 5) && !guessed(1612, 60) && !guessed(1700, 5));
        let beneath = block().line(1580, 2450, "Minh Cường").line(1350, 2700, "Trang");
        assert!(read(beneath).unwrap().1);
    }

    #[test]
    fn without_a_name_its_room_is_below_the_authority() {
        let room = |paper: Paper| {
            let page = paper.page();
            let view = page.view();
            room_without_name(&Sheet::new(&view), 0.0)
        };
        let found = room(block()).unwrap();
        assert!(found.x < 1500 && found.right() > 1800 && found.y > 2120 && found.y < 2250 && found.bottom() > 2450, "{found:?}");
        assert_eq!(room(block().line(1580, 2450, "Trần Văn Mẫu")), None);
        assert_eq!(room(Paper::new().line(400, 1000, "Chủ tịch chủ trì cuộc họp")), None);
    }

    #[test]
    fn the_row_of_a_name_is_as_wide_as_the_whole_of_it() {
        let row = |paper: Paper| {
            let page = paper.page();
            let view = page.view();
            row_of_name(&Sheet::new(&view), 0.0)
        };
        // PHÓ CHỦ TỊCH has its middle at 1784: of a name that ends at 1956 the first word began near 1612
        let whole = row(block().line(1612, 2450, "Trần Văn Mẫu")).unwrap();
        let cut = row(block().line(1700, 2450, "Văn Mẫu").hand(1600, 80, 60, "“Tn", 10)).unwrap();
        assert!(whole.x < 1600 && whole.right() > 1956 && (1770..1800).contains(&(whole.x + whole.width / 2)), "{whole:?}");
        assert!(cut.x.abs_diff(whole.x) < 130 && cut.x < 1612, "{cut:?}");
        assert!(cut.height < 2 * whole.height, "what was read of the seal does not make it higher");
        assert_eq!(row(block()), None);
    }

    #[test]
    fn what_a_seal_leaves_in_capitals_is_no_line_of_authority() {
        let paper = block().line(1580, 2180, "V<Œ BÀ").read_at(40).line(1580, 2450, "Trần Văn Mẫu");
        assert_eq!(read(paper).unwrap().2.as_deref(), Some("TM. ỦY BAN NHÂN DÂN KT. CHỦ TỊCH PHÓ CHỦ TỊCH"));
    }

    #[test]
    fn no_block_no_signer() {
        assert!(read(Paper::new().line(400, 1000, "Chủ tịch Trần Văn Mẫu chủ trì cuộc họp của Ủy ban nhân dân xã")).is_none());
        assert!(read(block()).is_none());
    }
}
