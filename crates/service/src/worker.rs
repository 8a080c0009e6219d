//! The documents of one source file to everything that can be sealed: the service's side of the stages. The page children
//! decode, clean and recognize; here the pages are put in order, divided into documents, rendered and extracted.

use crate::page_protocol::SourceInfo;
use crate::sandbox::{Children, SandboxError, SourceFile};
use crate::stages::Course;
use futures::StreamExt as _;
use sohoa_digitize::codes::sheets::{Divider, Rules, Says, Step};
use sohoa_digitize::extract::opening::{Opening, Openings};
use sohoa_digitize::extract::templates::Templates;
use sohoa_digitize::render::{Meta, Profile};
use sohoa_digitize::{Assembly, Digitized, ReadPage};
use sohoa_record::manifest::PageState;
use sohoa_record::{DossierCode, Reason, Stage};
use sohoa_sign::validate::Checked;
use std::fs::File;
use std::io::{self, BufWriter};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What came out of one source.
pub enum Outcome {
    /// It went through all stages; its pages may still have failed one by one.
    Done(Box<Done>),
    /// The source as a whole was refused.
    Refused {
        /// Why.
        reason: Reason,
        /// The decoder's words, for the log.
        detail: String,
    },
}

/// A source that went through all stages.
pub struct Done {
    /// What the source is.
    pub source: SourceInfo,
    /// The signatures in it, judged.
    pub signatures: Vec<Checked>,
    /// The documents that it falls into, in order; one when nothing divides it, never none.
    pub documents: Vec<Document>,
}

/// A document that went through all stages, its outputs still in the spool.
pub struct Document {
    /// Pages, fields, outcome.
    pub digitized: Digitized,
    /// The dossier that a separator sheet names.
    pub dossier: Option<DossierCode>,
    /// The searchable PDF/A.
    pub pdf: PathBuf,
    /// The words of every page.
    pub text: PathBuf,
}

/// Why a document could not be worked on; the document itself is not at fault.
#[derive(Debug, thiserror::Error)]
pub enum WorkError {
    /// The page children cannot be used.
    #[error(transparent)]
    Sandbox(#[from] SandboxError),
    /// The spool cannot be written.
    #[error("the spool folder {0} cannot be written: {1}; free some space or change [archive] spool")]
    Spool(PathBuf, std::io::Error),
}

/// How a source is read.
pub struct How<'a> {
    /// The kinds of paper that are known.
    pub templates: &'a Arc<Templates>,
    /// The PDF/A's profile.
    pub profile: Profile,
    /// Which codes divide it; none leaves it whole.
    pub sheets: Option<&'a Rules>,
    /// Papers that begin with a header of their own divide it too.
    pub by_content: bool,
    /// Between the parts of a QR code's payload.
    pub payload_separators: &'a str,
    /// Is told what each stage takes.
    pub course: &'a Course<'a>,
    /// What the PDF/A says of itself, for the document of that number, from 1.
    pub meta: &'a (dyn Fn(u32) -> Meta + Sync),
}

/// Reads `source` and writes a PDF and a text for each of its documents into `folder`. `on_page` is told of each page that is done,
/// with the number of all pages.
pub async fn read_document(
    children: &Children,
    source: &SourceFile,
    folder: &Path,
    how: &How<'_>,
    on_page: impl Fn(u32, u32),
) -> Result<Outcome, WorkError> {
    let info = match how.course.time(Stage::Decode, children.open(source)).await {
        Ok(info) => info,
        Err(SandboxError::Refused { reason, detail }) => return Ok(Outcome::Refused { reason, detail }),
        Err(error) => return Err(error.into()),
    };
    let signatures = children.signatures(source, &info).await?;
    let spool = |e: std::io::Error| WorkError::Spool(folder.to_owned(), e);
    let mut documents = Vec::new();
    let (mut divider, mut openings) = (Divider::default(), Openings::default());
    let mut open = Open::new(1, folder, how, None).map_err(spool)?;
    // All children work on this document's pages at once; a few results wait for their turn, never all of them.
    let mut pages =
        futures::stream::iter(1..=info.pages).map(|number| children.page(source, number)).buffered(children.count() + 1);
    while let Some(page) = pages.next().await {
        let timed = page?;
        how.course.note_page(&timed);
        let mut page = timed.page;
        on_page(page.number, info.pages);
        let says = how.sheets.map_or(Says::Nothing, |sheets| sheets.judge(&page.codes));
        // A sheet's code on a page that is no sheet divides nothing.
        let mut says = if page.state == PageState::Separator || says == Says::FirstPage { says } else { Says::Nothing };
        if says != Says::Nothing {
            openings.told_by_codes();
        } else if how.by_content {
            match openings.judge(&sohoa_digitize::view(&page), how.templates) {
                Opening::GoesOn => {}
                Opening::Unsure => page.reasons.push(Reason::DivisionUnsure),
                Opening::Begins => {
                    page.reasons.push(Reason::DividedByContent);
                    says = Says::FirstPage;
                }
            }
        }
        let blank = page.state == PageState::Blank;
        for step in divider.push(page, says, blank) {
            open = how.course.time_now(Stage::Render, || open.take(step, folder, how, &mut documents)).map_err(spool)?;
        }
    }
    drop(pages);
    for step in divider.finish() {
        open = how.course.time_now(Stage::Render, || open.take(step, folder, how, &mut documents)).map_err(spool)?;
    }
    documents.push(how.course.time_now(Stage::Render, || open.close(how)).map_err(spool)?);
    Ok(Outcome::Done(Box::new(Done { source: info, signatures, documents })))
}

/// The document that pages go into.
struct Open {
    number: u32,
    assembly: Assembly<BufWriter<File>, BufWriter<File>>,
    dossier: Option<DossierCode>,
    pdf: PathBuf,
    text: PathBuf,
}

impl Open {
    fn new(number: u32, folder: &Path, how: &How<'_>, dossier: Option<DossierCode>) -> io::Result<Open> {
        let (pdf, text) = (folder.join(format!("searchable-{number}.pdf")), folder.join(format!("text-{number}.json")));
        let create = |path: &Path| File::create(path).map(|file| BufWriter::with_capacity(1 << 18, file));
        let assembly = Assembly::new(create(&pdf)?, create(&text)?, how.profile)?
            .knowing(how.templates.clone())
            .payload_separators(how.payload_separators);
        Ok(Open { number, assembly, dossier, pdf, text })
    }

    fn take(mut self, step: Step<ReadPage>, folder: &Path, how: &How<'_>, documents: &mut Vec<Document>) -> io::Result<Open> {
        match step {
            Step::Page(page) => self.assembly.add(page)?,
            Step::Dossier(dossier) => self.dossier = Some(dossier),
            Step::Begin => {
                let (number, dossier) = (self.number + 1, self.dossier.clone());
                documents.push(self.close(how)?);
                return Open::new(number, folder, how, dossier);
            }
        }
        Ok(self)
    }

    fn close(self, how: &How<'_>) -> io::Result<Document> {
        let (digitized, _, _) = self.assembly.finish(&(how.meta)(self.number))?;
        Ok(Document { digitized, dossier: self.dossier, pdf: self.pdf, text: self.text })
    }
}
