//! What codes mean for a batch: which pages are separator sheets, which page begins a document, and how a source falls into
//! documents.
//!
//! | code | meaning |
//! |---|---|
//! | `SOHOA:DOSSIER:<code>` | a separator sheet of ours: the next document belongs to that dossier |
//! | `SOHOA:DOCUMENT` | a separator sheet of ours: the next document of the same dossier |
//! | patch code T, or a code that says just one of [`Rules::separators`] | any other separator sheet: the next document |
//! | a code that begins with one of [`Rules::first_page_prefixes`] | no separator: this page is the first of a document |

use super::PATCH_T;
use serde::{Deserialize, Serialize};
use sohoa_record::{CodeKind, DossierCode, PageCode};

/// What the codes of our own sheets begin with.
pub const OURS: &str = "SOHOA:";
/// What our own sheet says that opens a dossier, followed by the dossier's code.
pub const DOSSIER: &str = "SOHOA:DOSSIER:";
/// What our own sheet says that opens a document.
pub const DOCUMENT: &str = "SOHOA:DOCUMENT";

/// Which codes part a batch, beside our own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rules {
    /// A code with just this text makes its page a separator sheet.
    pub separators: Vec<String>,
    /// A code that begins so makes its page the first of a document.
    pub first_page_prefixes: Vec<String>,
}

impl Default for Rules {
    fn default() -> Self {
        Rules { separators: vec![PATCH_T.into()], first_page_prefixes: Vec::new() }
    }
}

/// What the codes of a page say about the batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Says {
    /// Nothing.
    Nothing,
    /// It is a separator sheet.
    Separator {
        /// The dossier that it opens; none opens the next document of the same one.
        dossier: Option<DossierCode>,
    },
    /// It is the first page of a document.
    FirstPage,
    /// It is a separator sheet of ours, but names no dossier that there can be, or two.
    Unclear,
}

impl Rules {
    /// What a page's codes say.
    pub fn judge(&self, codes: &[PageCode]) -> Says {
        let mut dossiers: Vec<Option<DossierCode>> =
            codes.iter().filter_map(|code| code.text.strip_prefix(DOSSIER)).map(|dossier| dossier.trim().parse().ok()).collect();
        dossiers.dedup();
        match dossiers.as_slice() {
            [Some(dossier)] => return Says::Separator { dossier: Some(dossier.clone()) },
            [] => {}
            _ => return Says::Unclear,
        }
        let separates =
            |code: &PageCode| code.kind == CodeKind::PatchT || code.text == DOCUMENT || self.separators.contains(&code.text);
        if codes.iter().any(separates) {
            return Says::Separator { dossier: None };
        }
        let is_first = |code: &PageCode| {
            self.first_page_prefixes.iter().any(|prefix| !prefix.is_empty() && code.text.starts_with(prefix.as_str()))
        };
        if codes.iter().any(is_first) { Says::FirstPage } else { Says::Nothing }
    }
}

/// What is to be done with a page, or before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step<P> {
    /// The next document begins.
    Begin,
    /// The document that is open belongs to this dossier, and those after it until another is named.
    Dossier(DossierCode),
    /// The page belongs to the document that is open.
    Page(P),
}

/// Sheets that are held back until it is known which document they belong to; more of them in a row are a document by themselves.
const MOST_HELD: usize = 8;

/// Divides the pages of a source, in order, into documents. A sheet belongs to the document that it opens, and so does its blank
/// back. Sheets behind the last document belong to that; with a blank page behind them they are a document, since a blank page may
/// be one of which nothing was read, and a document too many is seen where two in one are not.
#[derive(Debug)]
pub struct Divider<P> {
    held: Vec<P>,
    /// A blank page is among those that are held.
    blank: bool,
    dossier: Option<DossierCode>,
    /// The open document has a page that is neither sheet nor blank back.
    begun: bool,
}

impl<P> Default for Divider<P> {
    fn default() -> Self {
        Divider { held: Vec::new(), blank: false, dossier: None, begun: false }
    }
}

impl<P> Divider<P> {
    /// Takes the next page with what its codes say; `blank` when nothing is on it.
    pub fn push(&mut self, page: P, says: Says, blank: bool) -> Vec<Step<P>> {
        let mut steps = Vec::new();
        match says {
            Says::Separator { dossier } => {
                if self.held.len() >= MOST_HELD {
                    self.open(&mut steps);
                }
                self.held.push(page);
                self.dossier = dossier.or(self.dossier.take());
                return steps;
            }
            _ if blank && !self.held.is_empty() && self.held.len() < MOST_HELD => {
                self.held.push(page);
                self.blank = true;
                return steps;
            }
            Says::FirstPage if self.held.is_empty() && self.begun => {
                steps.push(Step::Begin);
            }
            Says::FirstPage | Says::Nothing | Says::Unclear => {}
        }
        self.open(&mut steps);
        self.begun = true;
        steps.push(Step::Page(page));
        steps
    }

    /// The end of the source: sheets that open nothing stay with the last document.
    pub fn finish(mut self) -> Vec<Step<P>> {
        let mut steps = Vec::new();
        if self.blank {
            self.open(&mut steps);
        }
        steps.extend(self.held.into_iter().map(Step::Page));
        steps
    }

    /// Lets go what was held: it opens a document, or the first one if nothing came before.
    fn open(&mut self, steps: &mut Vec<Step<P>>) {
        if self.held.is_empty() {
            return;
        }
        if self.begun {
            steps.push(Step::Begin);
        }
        steps.extend(self.dossier.take().map(Step::Dossier));
        steps.extend(self.held.drain(..).map(Step::Page));
        (self.blank, self.begun) = (false, true);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use sohoa_record::Rect;

    fn code(kind: CodeKind, text: &str) -> PageCode {
        PageCode { kind, text: text.into(), rect: Rect { x: 0, y: 0, width: 1, height: 1 } }
    }

    /// Pages as letters: `p` print, `b` blank, `s` sheet, `f` first page. Documents apart by `|`.
    fn divided(pages: &str) -> String {
        let mut divider = Divider::default();
        let says = |page| match page {
            's' => Says::Separator { dossier: None },
            'f' => Says::FirstPage,
            _ => Says::Nothing,
        };
        let mut steps: Vec<Step<char>> = pages.chars().flat_map(|page| divider.push(page, says(page), page == 'b')).collect();
        steps.extend(divider.finish());
        steps.iter().map(|step| if let Step::Page(page) = step { *page } else { '|' }).collect()
    }

    #[test]
    fn sheets_open_documents_and_stay_with_them() {
        for (pages, documents) in [
            ("p", "p"),
            ("psp", "p|sp"),
            ("ppssp", "pp|ssp"),
            ("spsp", "sp|sp"),
            ("psbpb", "p|sbpb"),
            ("ps", "ps"),
            ("psb", "p|sb"),
            ("sb", "sb"),
            ("s", "s"),
            ("fpfpp", "fp|fpp"),
            ("psfp", "p|sfp"),
            ("", ""),
            ("psssssssssp", "p|ssssssss|sp"),
        ] {
            assert_eq!(divided(pages), documents);
        }
    }

    #[test]
    fn our_sheets_name_the_dossier_or_are_unclear() {
        let rules = Rules::default();
        let one = |text| rules.judge(&[code(CodeKind::Qr, text)]);
        let dossier: DossierCode = "H48.15-250117-0042".parse().unwrap();
        assert_eq!(one("SOHOA:DOSSIER:H48.15-250117-0042"), Says::Separator { dossier: Some(dossier.clone()) });
        assert_eq!(one("SOHOA:DOCUMENT"), Says::Separator { dossier: None });
        assert_eq!(one("PATCHT"), Says::Separator { dossier: None });
        assert_eq!(one("SOHOA:DOSSIER:H48.15-259917-0042"), Says::Unclear);
        assert_eq!(one("PATCHT 2"), Says::Nothing);
        let both = |other| rules.judge(&[code(CodeKind::Qr, "SOHOA:DOSSIER:H48.15-250117-0042"), code(CodeKind::Code128, other)]);
        assert_eq!(both("SOHOA:DOSSIER:H48.15-250117-0042"), Says::Separator { dossier: Some(dossier) });
        assert_eq!(both("SOHOA:DOSSIER:H48.15-250117-0043"), Says::Unclear);
        assert_eq!(
            Rules { separators: vec![], ..rules.clone() }.judge(&[code(CodeKind::PatchT, PATCH_T)]),
            one("SOHOA:DOCUMENT")
        );
    }

    #[test]
    fn only_configured_prefixes_begin_documents() {
        let stamp = [code(CodeKind::Code39, "ASN00123")];
        assert_eq!(Rules::default().judge(&stamp), Says::Nothing);
        let rules = Rules { first_page_prefixes: vec!["ASN".into(), String::new()], ..Rules::default() };
        assert_eq!(rules.judge(&stamp), Says::FirstPage);
        assert_eq!(rules.judge(&[code(CodeKind::Qr, "https://example.vn")]), Says::Nothing);
    }

    #[test]
    fn a_dossier_is_told_once_before_its_first_document() {
        let dossier: DossierCode = "H48.15-250117-0042".parse().unwrap();
        let mut divider = Divider::default();
        let mut steps = divider.push(1, Says::Separator { dossier: Some(dossier.clone()) }, false);
        steps.extend(divider.push(2, Says::Separator { dossier: None }, false));
        steps.extend(divider.push(3, Says::Nothing, false));
        steps.extend(divider.push(4, Says::Separator { dossier: None }, false));
        steps.extend(divider.push(5, Says::Nothing, false));
        steps.extend(divider.finish());
        use Step::{Begin, Dossier, Page};
        assert_eq!(steps, [Dossier(dossier), Page(1), Page(2), Page(3), Begin, Page(4), Page(5)]);
    }

    proptest! {
        #[test]
        fn every_page_comes_out_once_and_in_order(pages in "[psbf]{0,60}") {
            let divided = divided(&pages);
            prop_assert_eq!(divided.replace('|', ""), pages);
            prop_assert!(!divided.starts_with('|') && !divided.contains("||") && !divided.ends_with('|'), "{}", divided);
        }
    }
}
