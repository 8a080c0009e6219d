//! What of a page is worth a second look by the engine: the places of fields in doubt, and the room in which a signer's name should stand.

use super::layout::Sheet;
use super::templates::Templates;
use super::{Head, PageView, extract, signer};
use sohoa_record::field::name;
use sohoa_record::{Placement, Reason, Rect};

/// Places on an upright page.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InDoubt {
    /// Fields that were read and are not vouched for.
    pub fields: Vec<Rect>,
    /// Those among them that are persons' names.
    pub names: Vec<Rect>,
    /// The signer's name, in doubt or not.
    pub signer: Option<Rect>,
    /// The row of a signer's name that is one of them, with its middle under the signer's capacity, as wide as the whole name can be.
    pub signers_row: Option<Rect>,
    /// The same row with room for what a seal hides at its ends, wherever its middle is.
    pub signers_wide_row: Option<Rect>,
    /// Below a signature's authority lines, where no name was read.
    pub signers_room: Option<Rect>,
}

/// Looks at one page by itself. Values of a text layer are not read by the engine, and nothing of them is looked at again.
pub fn in_doubt(view: &PageView<'_>, templates: &Templates) -> InDoubt {
    // places as they are on the upright page
    let upright = PageView { placement: Placement::default(), kept_size: (view.text.width, view.text.height), ..*view };
    let sheet = Sheet::new(&upright);
    let bottom = if sheet.opens_a_document() { Head::read(&sheet, templates).bottom(&sheet) } else { 0.0 };
    let readable = |doubt: Reason| !matches!(doubt, Reason::NumberMissing | Reason::DateMissing | Reason::FieldMissing);
    let fields = extract(&[upright], templates).fields;
    let doubted = || fields.iter().filter(|field| field.doubt.is_some_and(readable));
    let of_a_person = |name: &str| name.ends_with("_name") && ![name::ORGAN_NAME, name::TYPE_NAME].contains(&name);
    let signers = doubted().any(|field| field.name == name::SIGNER_NAME);
    InDoubt {
        fields: doubted().filter_map(|field| field.rect).collect(),
        names: doubted().filter(|field| of_a_person(&field.name)).filter_map(|field| field.rect).collect(),
        signer: fields.iter().find(|field| field.name == name::SIGNER_NAME).and_then(|field| field.rect),
        signers_row: signers.then(|| signer::row_of_name(&sheet, bottom)).flatten(),
        signers_wide_row: signers.then(|| signer::wide_row_of_name(&sheet, bottom)).flatten(),
        signers_room: signer::room_without_name(&sheet, bottom),
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample::Paper;
    use super::*;

    #[test]
    fn fields_in_doubt_have_their_places_and_sure_ones_have_none() {
        let paper = |confidence: u8| {
            Paper::new().line(1600, 200, "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM").centred(500, "QUYẾT ĐỊNH").read_at(confidence)
        };
        let places = |paper: Paper| {
            let page = paper.page();
            in_doubt(&page.view(), &Templates::built_in()).fields
        };
        let row = |place: &Rect| (450..560).contains(&place.y);
        assert!(places(paper(40)).iter().any(row), "{:?}", places(paper(40)));
        assert!(!places(paper(96)).iter().any(row));
        assert_eq!(places(Paper::new()), []);
    }

    #[test]
    fn a_signers_name_in_doubt_has_its_row_and_is_a_persons() {
        let found = |confidence: u8| {
            let page = Paper::new()
                .line(1600, 200, "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM")
                .line(400, 2000, "Nơi nhận:")
                .line_at_row_of_last(1500, "TM. ỦY BAN NHÂN DÂN")
                .line(1620, 2450, "Trần Văn Mẫu")
                .read_at(confidence)
                .page();
            in_doubt(&page.view(), &Templates::built_in())
        };
        let (doubted, sure) = (found(80), found(96));
        assert_eq!(doubted.names.len(), 1);
        assert!(doubted.fields.contains(&doubted.names[0]));
        assert!(doubted.signers_row.is_some_and(|row| row.y < 2450 && row.bottom() > 2450));
        assert!(sure.names.is_empty() && sure.signers_row.is_none());
    }
}
