//! The kinds of paper that are known, as data: a template says a paper's titles, which fields stand on it under which labels,
//! and what follows from them. Files come in as text; nothing is opened here.
//!
//! The built-in files are `crates/digitize/templates/*.toml`. An administrator's file of the same name stands in for a built-in one,
//! one of another name adds to them ([`Templates::with`]).

mod file;

pub use file::TemplateError;

use super::edits;
use jiff::civil::Date;
use sohoa_record::text::fold;
use std::sync::{Arc, LazyLock};

/// Name and text of every built-in template file.
pub const EMBEDDED: &[(&str, &str)] = &[
    ("van-ban-hanh-chinh.toml", include_str!("../../templates/van-ban-hanh-chinh.toml")),
    ("van-ban-quy-pham.toml", include_str!("../../templates/van-ban-quy-pham.toml")),
    ("giay-to-khac.toml", include_str!("../../templates/giay-to-khac.toml")),
    ("giay-khai-sinh.toml", include_str!("../../templates/giay-khai-sinh.toml")),
    ("trich-luc-khai-sinh.toml", include_str!("../../templates/trich-luc-khai-sinh.toml")),
    ("trich-luc-khai-tu.toml", include_str!("../../templates/trich-luc-khai-tu.toml")),
    ("chung-nhan-ket-hon.toml", include_str!("../../templates/chung-nhan-ket-hon.toml")),
    ("tinh-trang-hon-nhan.toml", include_str!("../../templates/tinh-trang-hon-nhan.toml")),
    ("ho-kinh-doanh.toml", include_str!("../../templates/ho-kinh-doanh.toml")),
    ("giay-phep-xay-dung.toml", include_str!("../../templates/giay-phep-xay-dung.toml")),
    ("quyen-su-dung-dat.toml", include_str!("../../templates/quyen-su-dung-dat.toml")),
    ("hen-tra-ket-qua.toml", include_str!("../../templates/hen-tra-ket-qua.toml")),
];

/// What a title tells about the fields that follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Family {
    /// Văn bản hành chính, quy phạm pháp luật: has a notation and, under its title, a subject (NĐ 30/2020, Phụ lục I).
    Official,
    /// Hộ tịch papers, licences and certificates: the title says what they are about; the number may have no notation.
    Certificate,
}

/// One title and the template that describes its papers.
#[derive(Debug)]
pub struct Kind {
    /// As the law writes it, in capitals: the paper's `type_name`.
    pub title: String,
    /// Abbreviation in the notation (NĐ 30/2020, Phụ lục III; Luật ban hành VBQPPL); empty when it has none.
    pub abbreviation: String,
    /// What its header is like.
    pub family: Family,
    /// What stands on it.
    pub template: Arc<Template>,
    folded: String,
    spaceless: String,
}

/// What one file says of its kinds of paper.
#[derive(Debug, Default)]
pub struct Template {
    /// The file's name without `.toml`.
    pub id: String,
    /// Mã loại giấy tờ; none where no list gives one.
    pub paper_kind_code: Option<String>,
    /// First day on which papers of this form were issued.
    pub valid_from: Option<Date>,
    /// Last day on which papers of this form were issued.
    pub valid_until: Option<Date>,
    /// How long a paper is valid from its day of issue, months.
    pub valid_months: Option<u8>,
    /// Pattern of the trích yếu, with `{field}` in it.
    pub subject: Option<String>,
    /// Fields of the general header that the form does not have.
    pub lacks: Vec<String>,
    /// The field that is the day of issue where the header has none.
    pub issued_by: Option<String>,
    /// The first has no cues: it is open from the title on.
    pub sections: Vec<Section>,
}

/// Fields that belong to one person or thing.
#[derive(Debug, Default)]
pub struct Section {
    /// Stands before the names of its fields; empty for the first.
    pub prefix: String,
    /// Headings that open it.
    pub cues: Vec<Label>,
    /// It stands beside another section, in columns.
    pub column: bool,
    /// In the order of the form.
    pub fields: Vec<FieldRule>,
}

/// One field and how to find it.
#[derive(Debug)]
pub struct FieldRule {
    /// With the section's prefix.
    pub name: String,
    /// Spellings, longest first.
    pub labels: Vec<Label>,
    /// What its value is.
    pub value: ValueType,
    /// When a person must look.
    pub required: Required,
    /// Values that it nearly always has: read so, it needs less confidence.
    pub usual: Vec<String>,
    /// It is no field but a second witness of this one.
    pub confirms: Option<String>,
}

/// A label or heading as the form prints it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label {
    /// As the template writes it.
    pub printed: String,
    /// Folded, without spaces.
    pub folded: String,
    /// Begins with a capital or a digit, as labels do that begin a cell.
    pub begins_cell: bool,
}

/// What a value is, and so how it is normalized.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ValueType {
    /// Words; may go on in the next rows.
    Text,
    /// A person's or a business's name: kept as printed, letters only.
    Name,
    /// A day, month or year, as precise as printed: `YYYY-MM-DD`, `YYYY-MM`, `YYYY`.
    Date,
    /// A day in words: "Ngày tám tháng bảy năm hai nghìn …".
    DateInWords,
    /// Số định danh cá nhân: 12 digits (NĐ 137/2015 art. 13).
    PersonalNumber,
    /// Personal number or CMND: 12 or 9 digits.
    IdentityNumber,
    /// Nam or Nữ.
    Sex,
    /// Four digits.
    Year,
    /// Đồng, digits only.
    Money,
    /// Square metres, with a point for the fraction.
    Area,
    /// A telephone number: its digits without the spaces, stops and dashes between them.
    Phone,
    /// A whole number.
    Number,
    /// Letters, digits and strokes.
    Code,
    /// Serial of a land certificate: two capitals and 6 or 8 digits; it has no label.
    LandSerial,
}

/// What becomes of a field that was not read, or not surely.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Required {
    /// Left out unless it is vouched for.
    #[default]
    Never,
    /// In doubt when its label has a value that is not sure; left out where there is none.
    WhenPrinted,
    /// In doubt also where nothing was found.
    Always,
}

/// Every kind of paper that is known.
#[derive(Debug)]
pub struct Templates {
    kinds: Vec<Kind>,
    letter: Kind,
}

static BUILT_IN: LazyLock<Arc<Templates>> = LazyLock::new(|| {
    let (templates, errors) = Templates::parse(EMBEDDED.iter().copied());
    debug_assert!(errors.is_empty(), "{errors:?}");
    Arc::new(templates)
});

impl Templates {
    /// The built-in ones.
    pub fn built_in() -> Arc<Templates> {
        BUILT_IN.clone()
    }

    /// The built-in ones with an administrator's files, name and text each. All of what is wrong with them is an error.
    pub fn with(own: &[(String, String)]) -> Result<Templates, Vec<TemplateError>> {
        let built_in = EMBEDDED.iter().copied().filter(|(name, _)| own.iter().all(|(own, _)| own != name));
        let own = own.iter().map(|(name, text)| (name.as_str(), text.as_str()));
        match Templates::parse(built_in.chain(own)) {
            (templates, errors) if errors.is_empty() => Ok(templates),
            (_, errors) => Err(errors),
        }
    }

    fn parse<'f>(files: impl Iterator<Item = (&'f str, &'f str)>) -> (Templates, Vec<TemplateError>) {
        let (kinds, errors) = file::read_all(files);
        let letter = Kind::new("CÔNG VĂN", "", Family::Official, Arc::default());
        (Templates { kinds, letter }, errors)
    }

    /// In the order of their files.
    pub fn kinds(&self) -> &[Kind] {
        &self.kinds
    }

    /// The letter has no title; it is known by its "V/v".
    pub(super) fn letter(&self) -> &Kind {
        &self.letter
    }

    /// The kind with this title, and whether every letter agreed but for accents. A title that is one letter in eight off is
    /// still known when no other kind is as near.
    pub(super) fn by_title(&self, title: &str) -> Option<(&Kind, bool)> {
        let title = fold(title);
        let title = title.strip_suffix(" ban sao").unwrap_or(&title);
        if let Some(kind) = self.kinds.iter().find(|kind| kind.folded == title) {
            return Some((kind, true));
        }
        let title = title.replace(' ', "");
        let mut near: Vec<(usize, &Kind)> = self
            .kinds
            .iter()
            .filter(|kind| kind.spaceless.len().abs_diff(title.len()) <= kind.spaceless.len() / 8)
            .filter_map(|kind| {
                let distance = edits(&kind.spaceless, &title);
                (distance <= kind.spaceless.len() / 8).then_some((distance, kind))
            })
            .collect();
        near.sort_by_key(|(distance, _)| *distance);
        let (distance, kind) = *near.first()?;
        // editions of one form have one title
        let alone = near.iter().all(|(other, other_kind)| *other > distance || other_kind.folded == kind.folded);
        alone.then_some((kind, distance == 0))
    }

    /// The kind that a notation such as `QĐ-UBND` names first.
    pub(super) fn by_abbreviation(&self, abbreviation: &str) -> Option<&Kind> {
        self.kinds.iter().find(|kind| !kind.abbreviation.is_empty() && kind.abbreviation == abbreviation)
    }

    /// The edition of a kind's form that was in use on a day; the newest when the day is not known.
    pub(super) fn edition<'t>(&'t self, kind: &'t Kind, issued: Option<Date>) -> &'t Kind {
        let in_use = |kind: &&Kind| {
            let template = &kind.template;
            issued.is_none_or(|day| {
                template.valid_from.is_none_or(|from| from <= day) && template.valid_until.is_none_or(|until| day <= until)
            })
        };
        let editions = self.kinds.iter().filter(|other| other.folded == kind.folded);
        editions.filter(in_use).max_by_key(|kind| kind.template.valid_from).unwrap_or(kind)
    }
}

impl Kind {
    fn new(title: &str, abbreviation: &str, family: Family, template: Arc<Template>) -> Kind {
        let folded = fold(title);
        let spaceless = folded.replace(' ', "");
        Kind { title: title.to_owned(), abbreviation: abbreviation.to_owned(), family, template, folded, spaceless }
    }
}

impl Label {
    fn new(printed: &str) -> Label {
        let begins_cell = printed.chars().next().is_some_and(|c| c.is_uppercase() || c.is_numeric());
        Label { printed: printed.to_owned(), folded: fold(printed).replace(' ', ""), begins_cell }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn title(text: &str) -> Option<(String, bool)> {
        Templates::built_in().by_title(text).map(|(kind, sure)| (kind.title.clone(), sure))
    }

    #[test]
    fn lost_accents_and_one_wrong_letter_do_not_hide_a_title() {
        assert_eq!(title("QUYÉT ĐỊNH"), Some(("QUYẾT ĐỊNH".into(), true)));
        assert_eq!(title("QUYFT ĐỊNH"), Some(("QUYẾT ĐỊNH".into(), false)));
        assert_eq!(title("TRÍCH LỤC KHAI SINH (BẢN SAO)"), Some(("TRÍCH LỤC KHAI SINH".into(), true)));
        assert_eq!(title("CỘNG HÒA XÃ HỘI"), None);
    }

    #[test]
    fn a_title_between_two_kinds_is_none_of_them() {
        // one letter from THÔNG BÁO and from THÔNG CÁO
        assert_eq!(title("THÔNG DÁO"), None);
    }

    #[test]
    fn abbreviations_are_unique() {
        let templates = Templates::built_in();
        for (i, kind) in templates.kinds().iter().enumerate() {
            for other in &templates.kinds()[..i] {
                assert!(kind.abbreviation.is_empty() || kind.abbreviation != other.abbreviation, "{}", kind.title);
            }
        }
    }

    #[test]
    #[allow(clippy::disallowed_methods, reason = "a test looks into its own source folder")]
    fn every_built_in_file_is_listed_and_right() {
        let (templates, errors) = Templates::parse(EMBEDDED.iter().copied());
        assert!(errors.is_empty(), "{errors:?}");
        assert!(templates.kinds().len() > 50);
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("templates");
        let mut files: Vec<String> =
            std::fs::read_dir(folder).unwrap().map(|f| f.unwrap().file_name().to_string_lossy().into_owned()).collect();
        files.sort();
        let mut listed: Vec<&str> = EMBEDDED.iter().map(|(name, _)| *name).collect();
        listed.sort_unstable();
        assert_eq!(files, listed);
    }
}
