//! What a paper is about (trích yếu): under the title, or for a letter the "V/v" under its number.

use super::layout::{Run, Sheet, join, pattern};
use regex::Regex;
use sohoa_record::text::{Rect, Word, fold, nfc};
use std::sync::LazyLock;

/// A subject over all its rows.
pub(super) struct Subject<'a> {
    pub words: Vec<&'a Word>,
    pub printed: String,
    pub value: String,
    /// Its end was seen (a blank, or words with which bodies begin), and no stamp ran into it.
    pub whole: bool,
}

/// Rows under a title, before the blank under which the body begins, are nearer than this, ems from centre to centre. NĐ 30
/// sets single to 1.5 line spacing within and a rule after.
const NEAR: f64 = 2.1;
/// No subject is longer (Subject S500).
const MOST_ROWS: usize = 10;

static LETTER_CUE: LazyLock<Regex> = LazyLock::new(|| pattern(r"^[^\p{L}]*(?:[Vv]\s*[/1lI|]\s*[vV]|[Vv]ề\s*việc)\b"));
static ABOUT_JOINED: LazyLock<Regex> = LazyLock::new(|| pattern(r"^[^\p{L}\p{N}(]*[Vv][eềêếẻễEỀÊẾẺỄ]\s*việc\b"));

/// Words with which the row after a subject begins, folded.
const BODY_BEGINS: &[&str] = &[
    "kinh gui",
    "can cu",
    "xet de nghi",
    "xet to trinh",
    "theo de nghi",
    "chuong i",
    "phan i",
    "dieu 1",
    "phan thu nhat",
    "i ",
    "1 ",
    "noi nhan",
    "chu tich",
    "uy ban nhan dan",
    "hoi dong nhan dan",
    "bo truong",
    "giam doc",
    "truong ban",
    "vien truong",
    "cuc truong",
    "thu tuong chinh phu",
    "chinh phu",
    "chanh an",
    "quoc hoi",
    "tong giam doc",
    "so ",
];

/// The rows under a title.
pub(super) fn under_title<'a>(sheet: &Sheet<'a>, title: &Rect) -> Option<Subject<'a>> {
    let axis = super::layout::centre_x(title);
    let mut words: Vec<&Word> = Vec::new();
    let mut last = super::layout::centre_y(title);
    let (mut rows, mut ended, mut stamped) = (0, false, false);
    let mut capitals = None;
    for run in sheet.runs.iter().filter(|run| run.centre_y() > f64::from(title.bottom())) {
        let drop = run.centre_y() - last;
        // a stamp or a margin note beside the subject does not cover its axis
        let covers = f64::from(run.rect.x) <= axis && axis <= f64::from(run.rect.right());
        let row: Vec<&Word> = sheet.row(run, 0.1 * sheet.width(), 0.95 * sheet.width());
        if !covers || !is_text(&run.text()) || drop < 0.5 * sheet.em {
            continue;
        }
        let near = if words.is_empty() { NEAR * 1.4 } else { NEAR };
        let body = begins_body(&run.folded()) || (capitals == Some(false) && run.is_capitals() && run.words.len() > 1);
        if drop > near * sheet.em || body {
            ended = true;
            break;
        }
        if rows == MOST_ROWS {
            break;
        }
        capitals.get_or_insert(run.is_capitals());
        let connected = connected(&row, run, sheet.em);
        let own = without_stamp(&connected, axis, sheet.em);
        stamped |= own.len() < connected.len();
        words.extend(own);
        last = run.centre_y();
        rows += 1;
    }
    finish(words, ended && !stamped)
}

/// The rows under an unread title: they begin with the first words in the middle, below the header, that are no body's.
pub(super) fn under_unread_title<'a>(sheet: &Sheet<'a>, header_bottom: f64) -> Option<Subject<'a>> {
    let below = |run: &&Run<'a>| run.centre_y() > header_bottom && run.centre_y() < header_bottom + 12.0 * sheet.em;
    let middle = |run: &&Run<'a>| (0.42..0.62).contains(&(run.centre_x() / sheet.width().max(1.0)));
    let first = sheet.runs.iter().filter(below).filter(middle).find(|run| run.words.len() > 2 && is_text(&run.text()))?;
    let above = f64::from(first.rect.y) - sheet.em;
    let unread = Rect { y: above.max(0.0) as u32, height: 1, ..first.rect };
    under_title(sheet, &unread)
}

/// The "V/v" block under a letter's number, in the left column.
pub(super) fn of_letter<'a>(sheet: &Sheet<'a>, split: f64, top: f64) -> Option<Subject<'a>> {
    let column: Vec<&Run<'a>> = sheet
        .runs
        .iter()
        .filter(|run| run.centre_y() > top && run.centre_y() < 0.5 * sheet.height())
        .filter(|run| run.centre_x() < split + 0.05 * sheet.width() && is_text(&run.text()))
        .collect();
    let start = column.iter().position(|run| LETTER_CUE.is_match(&run.text()))?;
    let mut words: Vec<&Word> = Vec::new();
    let mut last = column[start].centre_y();
    let mut ended = column.len() == start + 1;
    for run in &column[start..] {
        if run.centre_y() - last > NEAR * sheet.em || begins_body(&run.folded()) || words.len() > 120 {
            ended = true;
            break;
        }
        last = run.centre_y();
        words.extend(run.words.iter().copied());
    }
    finish(words, ended)
}

fn finish(words: Vec<&Word>, whole: bool) -> Option<Subject<'_>> {
    let mut words = words;
    while words.first().is_some_and(|w| !w.text.chars().any(|c| c.is_alphanumeric() || "(“\"".contains(c))) {
        words.remove(0);
    }
    while words.last().is_some_and(|w| !w.text.chars().any(|c| c.is_alphanumeric() || ")”\"".contains(c))) {
        words.pop();
    }
    if words.is_empty() {
        return None;
    }
    let printed = join(&words);
    Some(Subject { value: normalized(&printed), printed, words, whole })
}

/// The engine joins the italic opening, or reads it in capitals; it has one meaning only.
pub(super) fn normalized(printed: &str) -> String {
    let value = nfc(&ABOUT_JOINED.replace(printed, "Về việc "));
    value.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The row's words that belong to `run`: reached from it over word spaces only.
fn connected<'a>(row: &[&'a Word], run: &Run<'a>, em: f64) -> Vec<&'a Word> {
    let (mut from, mut to) = (f64::from(run.rect.x), f64::from(run.rect.right()));
    let mut kept: Vec<&Word> = Vec::new();
    let near = |w: &Word, from: f64, to: f64| f64::from(w.rect.right()) > from - 2.5 * em && f64::from(w.rect.x) < to + 2.5 * em;
    loop {
        let before = kept.len();
        for word in row {
            if near(word, from, to) && !kept.iter().any(|k| std::ptr::eq(*k, *word)) {
                kept.push(word);
                from = from.min(f64::from(word.rect.x));
                to = to.max(f64::from(word.rect.right()));
            }
        }
        if kept.len() == before {
            break;
        }
    }
    kept.sort_by_key(|w| w.rect.x);
    kept
}

/// Title and subject are centred on one axis: what sticks out on one side and was read badly is a stamp's.
fn without_stamp<'a, 'w>(row: &'w [&'a Word], axis: f64, em: f64) -> &'w [&'a Word] {
    let (Some(first), Some(last)) = (row.first(), row.last()) else { return row };
    let (left, right) = (axis - f64::from(first.rect.x), f64::from(last.rect.right()) - axis);
    let half = left.min(right) + 0.5 * em;
    let inside = |w: &&Word| (super::layout::centre_x(&w.rect) - axis).abs() <= half;
    let from = row.iter().position(inside).unwrap_or(0);
    let to = row.iter().rposition(inside).map_or(row.len(), |at| at + 1);
    let outside: Vec<&Word> = row[..from].iter().chain(&row[to..]).copied().collect();
    if outside.is_empty() || super::layout::confidence(&outside) >= 75 { row } else { &row[from..to] }
}

fn begins_body(folded: &str) -> bool {
    BODY_BEGINS.iter().any(|cue| match cue.strip_suffix(' ') {
        // a lone number or letter of a heading: "I. …", "1. …"
        Some(mark) if mark.len() == 1 => folded == mark || folded.starts_with(cue),
        Some(word) => folded == word || folded.starts_with(cue) && folded.len() <= 12,
        None => folded == *cue || folded.strip_prefix(cue).is_some_and(|rest| rest.starts_with(' ')),
    })
}

/// Letters, not the dots and dashes of a rule.
fn is_text(text: &str) -> bool {
    text.chars().filter(|c| c.is_alphabetic()).count() >= 2 || fold(text).chars().any(|c| c.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::super::sample::Paper;
    use super::*;

    const TITLE: Rect = Rect { x: 1100, y: 500, width: 280, height: 40 };

    fn under(paper: Paper) -> Option<(String, bool)> {
        let page = paper.page();
        let view = page.view();
        under_title(&Sheet::new(&view), &TITLE).map(|s| (s.value, s.whole))
    }

    #[test]
    fn all_rows_up_to_the_blank() {
        let paper = Paper::new()
            .centred(565, "Về việc cấp giấy phép xây dựng nhà ở riêng lẻ")
            .centred(630, "trên địa bàn xã Gò Mới")
            .line(400, 760, "Thực hiện kế hoạch của Ủy ban nhân dân tỉnh về cải cách hành chính năm nay");
        assert_eq!(under(paper), Some(("Về việc cấp giấy phép xây dựng nhà ở riêng lẻ trên địa bàn xã Gò Mới".into(), true)));
    }

    #[test]
    fn without_a_blank_the_bodys_first_words_end_it() {
        let paper = Paper::new().centred(565, "QUY ĐỊNH VIỆC QUẢN LÝ CHỢ").line(
            400,
            630,
            "Căn cứ Luật Tổ chức chính quyền địa phương số 72;",
        );
        assert_eq!(under(paper), Some(("QUY ĐỊNH VIỆC QUẢN LÝ CHỢ".into(), true)));
        let authority = Paper::new().centred(565, "Về việc thành lập tổ công tác").centred(640, "GIÁM ĐỐC SỞ NỘI VỤ");
        assert_eq!(under(authority), Some(("Về việc thành lập tổ công tác".into(), true)));
    }

    #[test]
    fn a_stamp_beside_it_is_not_in_it() {
        let paper = Paper::new()
            .line(150, 570, "ĐẾN Số: 14")
            .line_at_row_of_last(800, "Quy định cơ chế quản lý tài chính của quỹ")
            .line(400, 800, "Căn cứ");
        assert_eq!(under(paper).map(|s| s.0), Some("Quy định cơ chế quản lý tài chính của quỹ".into()));
    }

    #[test]
    fn a_stamp_that_runs_into_its_row_is_cut_off_and_leaves_a_doubt() {
        // the subject, centred on the title's axis, begins at 741
        let paper = Paper::new()
            .centred(570, "Quy định cơ chế quản lý tài chính của quỹ")
            .hand(560, 80, 40, "TÂM", 50)
            .hand(650, 70, 40, "810", 40)
            .line(400, 800, "Căn cứ Luật");
        let read = under(paper).unwrap();
        assert_eq!(read, ("Quy định cơ chế quản lý tài chính của quỹ".into(), false));
    }

    #[test]
    fn an_opening_read_as_one_word_is_parted() {
        let paper = Paper::new().centred(565, ",Vêviệc triển khai nộp thuế điện tử").line(400, 800, "Căn cứ Luật");
        assert_eq!(under(paper).map(|s| s.0), Some("Về việc triển khai nộp thuế điện tử".into()));
    }

    #[test]
    fn a_letters_subject_is_in_the_left_column_even_when_lines_run_across() {
        let page = Paper::new()
            .line(380, 450, "V/v công bố danh mục thủ tục")
            .line_at_row_of_last(1300, "Gò Mới, ngày 05 tháng 6 năm 2026")
            .line(380, 515, "hành chính năm 2026")
            .line(900, 700, "Kính gửi: Sở Nội vụ")
            .page();
        let view = page.view();
        let subject = of_letter(&Sheet::new(&view), 1100.0, 420.0).unwrap();
        assert_eq!((subject.value.as_str(), subject.whole), ("V/v công bố danh mục thủ tục hành chính năm 2026", true));
    }

    #[test]
    fn a_subject_is_found_under_a_title_that_was_not_read() {
        let page = Paper::new()
            .line(100, 520, "CỔNG THÔNG TIN")
            .centred(570, "Quy định cơ chế quản lý tài chính của quỹ")
            .centred(630, "đầu tư phát triển")
            .line(400, 800, "Căn cứ Luật")
            .page();
        let view = page.view();
        let subject = under_unread_title(&Sheet::new(&view), 400.0).unwrap();
        assert_eq!(subject.value, "Quy định cơ chế quản lý tài chính của quỹ đầu tư phát triển");
        let body = Paper::new().centred(570, "Căn cứ Luật Tổ chức chính quyền địa phương năm 2025").page();
        let view = body.view();
        assert!(under_unread_title(&Sheet::new(&view), 400.0).is_none());
    }

    #[test]
    fn nothing_under_the_title_is_no_subject() {
        assert_eq!(under(Paper::new().line(400, 900, "Căn cứ Luật Tổ chức chính quyền địa phương")), None);
    }
}
