//! What the QR codes say that a one-stop system printed on a document's papers: its dossier, procedure and owner, as fields.

use crate::codes::payload::{self, Payload};
use crate::page::ReadPage;
use sohoa_record::field::name;
use sohoa_record::manifest::PageState;
use sohoa_record::{CodeKind, DossierCode, Field, Reason, Rect};

/// Payloads of one document; more do not say more.
const MOST_PAYLOADS: usize = 64;
/// The rule of fields that come from a QR code.
const RULE: &str = "qr";

/// The payloads of a document.
pub(crate) struct Papers {
    /// What stands between their parts.
    pub(crate) separators: String,
    found: Vec<(Payload, u32, Rect)>,
}

impl Default for Papers {
    fn default() -> Self {
        Papers { separators: payload::SEPARATORS.into(), found: Vec::new() }
    }
}

impl Papers {
    /// Takes the payloads of a page that is no separator sheet.
    pub(crate) fn add(&mut self, page: &ReadPage) {
        if page.state == PageState::Separator {
            return;
        }
        let kept = page.kept.as_ref().map_or((0, 0), |kept| (kept.width, kept.height));
        // Places of codes are turned with the page and not straightened.
        let placement = sohoa_record::Placement { skew_mdeg: 0, ..page.placement };
        for code in page.codes.iter().filter(|code| code.kind == CodeKind::Qr) {
            if let Some(payload) = payload::read(&code.text, &self.separators)
                && self.found.len() < MOST_PAYLOADS
            {
                self.found.push((payload, page.number, placement.to_kept(code.rect, kept)));
            }
        }
    }

    /// The one dossier that all of them name.
    pub(crate) fn dossier(&self) -> Option<DossierCode> {
        let (first, ..) = self.found.first()?;
        self.found.iter().all(|(payload, ..)| payload.dossier == first.dossier).then(|| first.dossier.clone())
    }

    /// Adds the fields; of one that was read from the paper too, a different reading is a conflict. Codes of several dossiers are
    /// somebody else's: they stay with their pages and no field is made of them.
    pub(crate) fn confirm(&self, fields: &mut Vec<Field>) {
        let Some(dossier) = self.dossier() else { return };
        self.field(fields, name::DOSSIER_CODE, |_| Some(dossier.to_string()));
        self.field(fields, name::PROCEDURE_CODE, |payload| payload.procedure.clone());
        self.field(fields, name::OWNER_ID, |payload| payload.owner.clone());
    }

    fn field(&self, fields: &mut Vec<Field>, name: &str, value: impl Fn(&Payload) -> Option<String>) {
        let mut values = self.found.iter().filter_map(|(payload, page, rect)| Some((value(payload)?, *page, *rect)));
        let Some((first, page, rect)) = values.next() else { return };
        let doubt = (!values.all(|(other, ..)| other == first)).then_some(Reason::Conflicting);
        if let Some(read) = fields.iter_mut().find(|field| field.name == name) {
            match &read.value {
                Some(value) if *value == first => return,
                Some(_) => {
                    read.doubt = Some(Reason::Conflicting);
                    return;
                }
                None => {}
            }
        }
        fields.retain(|field| field.name != name);
        let (value, printed) = (Some(first.clone()), first);
        fields.push(Field {
            name: name.into(),
            value,
            printed,
            confidence: 100,
            page,
            rect: Some(rect),
            doubt,
            rule: RULE.into(),
            register: None,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sohoa_record::PageCode;

    fn page(number: u32, texts: &[&str]) -> ReadPage {
        let rect = Rect { x: 1, y: 2, width: 3, height: 4 };
        let mut page = ReadPage::failed(number, Reason::PageDamaged);
        page.state = PageState::Text;
        page.codes = texts.iter().map(|text| PageCode { kind: CodeKind::Qr, text: (*text).into(), rect }).collect();
        page
    }

    fn fields(pages: &[ReadPage], mut fields: Vec<Field>) -> Vec<(String, Option<String>, Option<Reason>, String)> {
        let mut papers = Papers::default();
        pages.iter().for_each(|page| papers.add(page));
        papers.confirm(&mut fields);
        fields.into_iter().map(|field| (field.name, field.value, field.doubt, field.rule)).collect()
    }

    fn field(name: &str, value: &str, doubt: Option<Reason>, rule: &str) -> (String, Option<String>, Option<Reason>, String) {
        (name.into(), Some(value.into()), doubt, rule.into())
    }

    const OURS: &str = "H15.50.05.13-261008-0975|1.001612|040190008784";

    #[test]
    fn a_papers_code_gives_its_fields() {
        let found = fields(&[page(1, &["https://example.vn", OURS])], Vec::new());
        assert_eq!(
            found,
            [
                field(name::DOSSIER_CODE, "H15.50.05.13-261008-0975", None, RULE),
                field(name::PROCEDURE_CODE, "1.001612", None, RULE),
                field(name::OWNER_ID, "040190008784", None, RULE),
            ]
        );
    }

    #[test]
    fn codes_of_several_dossiers_or_of_nobody_give_none() {
        assert_eq!(fields(&[page(1, &[OURS]), page(2, &["H15.50.05.13-261008-0976"])], Vec::new()), []);
        assert_eq!(fields(&[page(1, &["https://example.vn"])], Vec::new()), []);
        let mut sheet = page(1, &[OURS]);
        sheet.state = PageState::Separator;
        assert_eq!(fields(&[sheet], Vec::new()), []);
    }

    #[test]
    fn what_differs_is_a_conflict() {
        let two = [page(1, &[OURS]), page(2, &["H15.50.05.13-261008-0975|1.001613"])];
        assert!(fields(&two, Vec::new()).contains(&field(name::PROCEDURE_CODE, "1.001612", Some(Reason::Conflicting), RULE)));
        let read = |value: &str| Field {
            name: name::OWNER_ID.into(),
            value: Some(value.into()),
            printed: value.into(),
            confidence: 90,
            page: 1,
            rect: None,
            doubt: None,
            rule: "read".into(),
            register: None,
        };
        let found = fields(&[page(1, &[OURS])], vec![read("040190008785")]);
        assert_eq!(found[0], field(name::OWNER_ID, "040190008785", Some(Reason::Conflicting), "read"));
        let found = fields(&[page(1, &[OURS])], vec![read("040190008784")]);
        assert_eq!(found[0], field(name::OWNER_ID, "040190008784", None, "read"));
    }
}
