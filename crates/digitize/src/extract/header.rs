//! The header's other cells: where the title stands, who issued the paper, and whether it is marked secret.

use super::alphabet::may_lack_a_letter;
use super::capitals;
use super::layout::{Run, Sheet, confidence, pattern};
use super::mentions;
use super::templates::{Family, Kind, Templates};
use regex::Regex;
use sohoa_record::text::{Rect, Word, fold, nfc};
use std::sync::LazyLock;

/// The title of a paper and its kind.
pub(super) struct Title<'a> {
    pub kind: &'a Kind,
    pub words: Vec<&'a Word>,
    pub rect: Rect,
    /// Every letter agreed but for accents.
    pub sure: bool,
}

/// The first title between `top` and `bottom` that is a known kind's: capitals, around the middle, on one to four rows.
pub(super) fn title<'a>(sheet: &Sheet<'a>, templates: &'a Templates, top: f64, bottom: f64) -> Option<Title<'a>> {
    let candidates: Vec<&Run<'a>> = sheet
        .runs
        .iter()
        .filter(|run| run.centre_y() > top && run.centre_y() < bottom)
        .filter(|run| (0.3..0.72).contains(&(run.centre_x() / sheet.width().max(1.0))))
        .filter(|run| run.is_capitals() && !run.text().trim_end().ends_with(':'))
        .collect();
    for (i, first) in candidates.iter().enumerate() {
        let part_of_more = goes_on_from_above(sheet, first);
        let mut words = first.words.clone();
        let mut best = None;
        let mut last = *first;
        for next in std::iter::once(first).chain(&candidates[i + 1..]).take(4) {
            if !std::ptr::eq(*next, *first) {
                let drop = next.centre_y() - last.centre_y();
                if !(0.5 * sheet.em..2.4 * sheet.em).contains(&drop) {
                    break;
                }
                words.extend(next.words.iter().copied());
                last = next;
            }
            let text = super::layout::join(&words);
            let known = templates.by_title(&text).filter(|(kind, _)| kind.family == Family::Official || !part_of_more);
            if let (Some((kind, sure)), Some(rect)) = (known, super::layout::union(&words)) {
                best = Some(Title { kind, words: words.clone(), rect, sure });
            }
        }
        if best.is_some() {
            return best;
        }
    }
    None
}

/// Is there a row of capitals right above, as in ĐƠN ĐỀ NGHỊ CẤP / GIẤY PHÉP XÂY DỰNG? Then a certificate's title is only named in
/// the title of another paper.
fn goes_on_from_above(sheet: &Sheet<'_>, first: &Run<'_>) -> bool {
    let national = |run: &Run<'_>| {
        let text = run.folded();
        Some(run.rect) == sheet.national_name || text.ends_with("viet nam") || text == "ban sao" || text == "ban chinh"
    };
    sheet.runs.iter().any(|run| {
        let drop = first.centre_y() - run.centre_y();
        let over = run.rect.x < first.rect.right() && first.rect.x < run.rect.right();
        (0.5 * sheet.em..2.4 * sheet.em).contains(&drop) && over && run.is_capitals() && !national(run)
    })
}

/// The issuer's lines, top left: the parent agency and the issuer itself.
pub(super) struct Issuer<'a> {
    pub words: Vec<&'a Word>,
    pub printed: String,
    pub value: String,
    /// Every word is confirmed or was read surely.
    pub sure: bool,
}

/// Rows of capitals left of `split` with their centres between `top` and `bottom`. `place` is the date row's, which spells the
/// issuer's place with small letters, where engines keep accents better.
pub(super) fn issuer<'a>(sheet: &Sheet<'a>, split: f64, top: f64, bottom: f64, place: &str) -> Option<Issuer<'a>> {
    let runs: Vec<&Run<'a>> = sheet
        .runs
        .iter()
        .filter(|run| run.centre_x() < split && run.centre_y() > top && run.centre_y() < bottom && run.is_capitals())
        .collect();
    let last = runs.len().saturating_sub(1);
    let words: Vec<&Word> = runs.iter().enumerate().flat_map(|(nth, run)| own_words(run, nth < last)).collect();
    if words.is_empty() {
        return None;
    }
    let printed = super::layout::join(&words);
    let (value, confirmed) = capitals::respell(&words, place, mentions::is_echoed(sheet, place));
    let sure = words.iter().zip(confirmed).all(|(word, confirmed)| confirmed || word.confidence >= 90 && is_plain(word))
        && !may_lack_a_letter(&words)
        && !words.iter().any(|word| has_dust(word))
        && !mentions::is_disputed(sheet, &value);
    Some(Issuer { words, printed, value, sure })
}

/// Letters and digits only: a dash belongs to names that the list has, and else is dust as often as not.
fn is_plain(word: &Word) -> bool {
    word.text.chars().any(char::is_alphanumeric)
}

/// A full stop in a name, behind or within a word, that is no abbreviation's (TP., TX., TT., P., Q., H., ST.).
fn has_dust(word: &Word) -> bool {
    let long = |letters: &str| letters.chars().count() > 2;
    word.text.strip_suffix(['.', ',']).is_some_and(long) || word.text.contains(['.', ',']) && STOPPED.is_match(&word.text)
}

// dust between two words took their space: "XÃ.HƯNG"; TP.HƯNG may be written so
static STOPPED: LazyLock<Regex> = LazyLock::new(|| pattern(r"(?:\p{L}{3,}|XÃ)[.,]\p{L}"));

/// Without the remains of rules and stamps; a dash between words is the name's own, also where the name `goes_on` in the next row.
fn own_words<'a>(run: &Run<'a>, goes_on: bool) -> Vec<&'a Word> {
    let is_dash = |w: &Word| matches!(w.text.as_str(), "-" | "–");
    let named = |w: &&Word| w.text.chars().any(char::is_alphanumeric);
    let (Some(first), Some(last)) = (run.words.iter().position(&named), run.words.iter().rposition(&named)) else {
        return Vec::new();
    };
    let end = if goes_on && run.words.get(last + 1).is_some_and(|word| is_dash(word)) { last + 1 } else { last };
    run.words[first..=end].iter().copied().filter(|w| named(w) || is_dash(w)).collect()
}

/// Is a page marked secret: MẬT, TỐI MẬT or TUYỆT MẬT in a cell of its own in the upper part (NĐ 30/2020, Phụ lục I, cell 10a)?
pub(super) fn is_marked_secret(sheet: &Sheet<'_>) -> bool {
    sheet.runs.iter().filter(|run| run.centre_y() < 0.45 * sheet.height()).any(|run| {
        let text: String = nfc(&run.text()).chars().filter(|c| c.is_alphabetic() || *c == ' ').collect();
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        let capitals = !text.is_empty() && text.chars().all(|c| c == ' ' || c.is_uppercase());
        let marked = match fold(&text).as_str() {
            "mat" => matches!(text.as_str(), "MẬT" | "MÂT" | "MẶT" | "MẠT"),
            "toi mat" | "tuyet mat" | "do mat" => true,
            _ => false,
        };
        // "… BÍ" above: a broken title, not a mark
        let continues = sheet.runs.iter().any(|other| {
            (0.2 * sheet.em..2.2 * sheet.em).contains(&(run.centre_y() - other.centre_y())) && other.folded().ends_with("bi")
        });
        capitals && marked && !continues && confidence(&run.words) >= 30
    })
}

#[cfg(test)]
mod tests {
    use super::super::sample::Paper;
    use super::*;

    #[test]
    fn a_title_on_two_rows_is_one_kind() {
        let page = Paper::new().centred(500, "GIẤY CHỨNG NHẬN").centred(570, "ĐĂNG KÝ HỘ KINH DOANH").page();
        let view = page.view();
        assert_eq!(
            title(&Sheet::new(&view), &Templates::built_in(), 300.0, 2000.0).unwrap().kind.title,
            "GIẤY CHỨNG NHẬN ĐĂNG KÝ HỘ KINH DOANH"
        );
    }

    #[test]
    fn the_order_in_the_body_is_not_the_title() {
        let page = Paper::new().centred(500, "QUYẾT ĐỊNH:").centred(800, "THÔNG BÁO").page();
        let view = page.view();
        assert_eq!(title(&Sheet::new(&view), &Templates::built_in(), 300.0, 2000.0).unwrap().kind.title, "THÔNG BÁO");
    }

    #[test]
    fn a_dash_at_the_end_of_a_row_belongs_to_a_name_that_goes_on() {
        let issuer_of = |paper: Paper| issuer(&Sheet::new(&paper.page().view()), 1100.0, 100.0, 400.0, "").unwrap().value;
        let name = issuer_of(Paper::new().line(400, 200, "PHÒNG TÀI CHÍNH -").line(400, 270, "KẾ HOẠCH"));
        assert_eq!(name, "PHÒNG TÀI CHÍNH - KẾ HOẠCH");
        assert_eq!(
            issuer_of(Paper::new().line(400, 200, "PHÒNG TÀI CHÍNH").line(400, 270, "KẾ HOẠCH -")),
            "PHÒNG TÀI CHÍNH KẾ HOẠCH"
        );
    }

    #[test]
    fn dust_in_an_issuers_name_is_a_doubt_and_the_lists_own_dash_is_none() {
        let sure = |first: &str, second: &str| {
            let page = Paper::new().line(400, 200, first).line(400, 270, second).page();
            issuer(&Sheet::new(&page.view()), 1100.0, 100.0, 400.0, "").unwrap().sure
        };
        assert!(!sure("ỦY BAN NHÂN DÂN -", "XÃ XUÂN LĨNH"));
        assert!(!sure("UBND XÃ BÌNH KHUÊ.", "PHÒNG KINH TẾ"));
        assert!(!sure("ỦY BAN NHÂN DÂN", "XÃ.HƯNG LONG") && !sure("ỦY BAN NHÂN.DÂN", "XÃ HƯNG LONG"));
        assert!(sure("UBND TP. XUÂN LĨNH", "PHÒNG TÀI CHÍNH - KẾ HOẠCH"));
        assert!(sure("UBND TỈNH BÀ RỊA - VŨNG TÀU", "SỞ LAO ĐỘNG - THƯƠNG BINH VÀ XÃ HỘI"));
    }

    #[test]
    fn accents_lost_on_capitals_come_back_from_the_list_and_from_the_place() {
        let page = Paper::new().line(400, 200, "ỦY BAN NHẬN DÂN").line(400, 270, "TINH GO MOI").read_at(40).page();
        let view = page.view();
        let issuer = issuer(&Sheet::new(&view), 1100.0, 100.0, 400.0, "Gò Mới").unwrap();
        assert_eq!((issuer.value.as_str(), issuer.sure), ("ỦY BAN NHÂN DÂN TỈNH GÒ MỚI", true));
        assert_eq!(issuer.printed, "ỦY BAN NHẬN DÂN TINH GO MOI");
    }

    #[test]
    fn a_place_that_nothing_confirms_stays_in_doubt_and_as_read() {
        let page = Paper::new().line(400, 200, "UỶ BAN NHÂN DÂN").line(400, 270, "XÃ GO MOI").read_at(40).page();
        let view = page.view();
        let issuer = issuer(&Sheet::new(&view), 1100.0, 100.0, 400.0, "").unwrap();
        assert_eq!((issuer.value.as_str(), issuer.sure), ("UỶ BAN NHÂN DÂN XÃ GO MOI", false));
    }

    #[test]
    fn the_secret_mark_is_a_cell_of_its_own() {
        let marked = |paper: Paper| {
            let page = paper.page();
            let view = page.view();
            is_marked_secret(&Sheet::new(&view))
        };
        assert!(marked(Paper::new().line(500, 500, "MẬT")));
        assert!(marked(Paper::new().line(500, 500, "| TUYỆT MẬT |")));
        assert!(!marked(Paper::new().line(500, 500, "bảo vệ bí mật nhà nước")));
        assert!(!marked(Paper::new().line(500, 500, "VỀ BẢO VỆ BÍ MẬT NHÀ NƯỚC")));
        assert!(!marked(Paper::new().centred(430, "QUY CHẾ BẢO VỆ BÍ").centred(500, "MẬT")));
        assert!(!marked(Paper::new().line(500, 2500, "MẬT")));
    }
}
