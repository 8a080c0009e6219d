//! One document from its source file to everything that can be sealed: the service's side of the stages. The page children
//! decode, clean and recognize; here the pages are put in order, rendered and extracted.

use crate::page_protocol::SourceInfo;
use crate::sandbox::{Children, SandboxError, SourceFile};
use futures::StreamExt as _;
use sohoa_digitize::extract::templates::Templates;
use sohoa_digitize::render::{Meta, Profile};
use sohoa_digitize::{Assembly, Digitized};
use sohoa_record::Reason;
use std::fs::File;
use std::io::BufWriter;
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

/// A document that went through all stages, its outputs still in the spool.
pub struct Done {
    /// What the source is.
    pub source: SourceInfo,
    /// Pages, fields, outcome.
    pub digitized: Digitized,
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

/// Reads `source` and writes `searchable.pdf` and `text.json` into `folder`. `on_page` is told of each page that is done, with
/// the number of all pages.
pub async fn read_document(
    children: &Children,
    source: &SourceFile,
    folder: &Path,
    (profile, templates): (Profile, &Arc<Templates>),
    meta: &Meta,
    on_page: impl Fn(u32, u32),
) -> Result<Outcome, WorkError> {
    let info = match children.open(source).await {
        Ok(info) => info,
        Err(SandboxError::Refused { reason, detail }) => return Ok(Outcome::Refused { reason, detail }),
        Err(error) => return Err(error.into()),
    };
    let spool = |e: std::io::Error| WorkError::Spool(folder.to_owned(), e);
    let (pdf, text) = (folder.join("searchable.pdf"), folder.join("text.json"));
    let create = |path: &Path| File::create(path).map(|file| BufWriter::with_capacity(1 << 18, file)).map_err(spool);
    let mut assembly = Assembly::new(create(&pdf)?, create(&text)?, profile).map_err(spool)?.knowing(templates.clone());
    // All children work on this document's pages at once; a few results wait for their turn, never all of them.
    let mut pages =
        futures::stream::iter(1..=info.pages).map(|number| children.page(source, number)).buffered(children.count() + 1);
    while let Some(page) = pages.next().await {
        let page = page?;
        on_page(page.number, info.pages);
        assembly.add(page).map_err(spool)?;
    }
    drop(pages);
    let (digitized, _, _) = assembly.finish(meta).map_err(spool)?;
    Ok(Outcome::Done(Box::new(Done { source: info, digitized, pdf, text })))
}
