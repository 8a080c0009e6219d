//! The pages of a PDF in order, as the page tree says: also those that cannot be read, since each is a page that was fed.

use crate::decode::DecodeError;
use crate::page::Limits;
use hayro::hayro_syntax::Pdf;
use hayro::hayro_syntax::object::{Array, Dict, MaybeRef, Name, ObjRef};
use std::collections::HashMap;

/// For each leaf of the page tree its place in `pdf.pages()`, none when it cannot be read.
///
/// hayro leaves out what it cannot read and takes a page that is named twice once; this walk goes the same way and notes both.
pub(super) fn list(pdf: &Pdf, limits: &Limits) -> Result<Vec<Option<usize>>, DecodeError> {
    let found = pdf.pages().len();
    let mut walk = Walk { pages: Vec::new(), places: HashMap::new(), read: 0, limits };
    let catalog = pdf.xref().get::<Dict<'_>>(pdf.xref().root_id());
    if let Some(tree) = catalog.and_then(|catalog| catalog.get::<Dict<'_>>(b"Pages")) {
        walk.node(pdf, &tree, &mut Vec::new())?;
    }
    if walk.read != found {
        // hayro had to search the file for pages; its list is the best there is
        walk.pages = (0..found).map(Some).collect();
    }
    if walk.pages.len() > limits.max_pages as usize {
        return Err(DecodeError::TooManyPages { limit: limits.max_pages });
    }
    if walk.pages.is_empty() {
        return Err(DecodeError::NoPages);
    }
    if walk.pages.iter().all(Option::is_none) {
        return Err(DecodeError::Damaged(format!("none of its {} pages can be read", walk.pages.len())));
    }
    Ok(walk.pages)
}

/// Deeper page trees than this are made to harm.
const MAX_DEPTH: usize = 256;

struct Walk<'a> {
    pages: Vec<Option<usize>>,
    /// Where a leaf was met first; none for a node.
    places: HashMap<ObjRef, Option<Option<usize>>>,
    read: usize,
    limits: &'a Limits,
}

impl Walk<'_> {
    fn node(&mut self, pdf: &Pdf, node: &Dict<'_>, path: &mut Vec<ObjRef>) -> Result<(), DecodeError> {
        let Some(kids) = node.get::<Array<'_>>(b"Kids") else { return Ok(()) };
        for kid in kids.raw_iter() {
            if self.pages.len() > self.limits.max_pages as usize {
                return Err(DecodeError::TooManyPages { limit: self.limits.max_pages });
            }
            let (reference, dict) = match kid {
                MaybeRef::Ref(reference) => {
                    if let Some(known) = self.places.get(&reference) {
                        // a leaf named twice is shown twice; a node named twice is a loop or a trick
                        if let Some(place) = known {
                            self.pages.push(*place);
                        }
                        continue;
                    }
                    (Some(reference), pdf.xref().get::<Dict<'_>>(reference.into()))
                }
                MaybeRef::NotRef(object) => (None, object.into_dict()),
            };
            let is_node = dict.as_ref().is_some_and(|d| d.get::<Name<'_>>(b"Type").is_some_and(|t| t.as_ref() == b"Pages"));
            if let Some(dict) = dict.as_ref().filter(|_| is_node) {
                if let Some(reference) = reference {
                    self.places.insert(reference, None);
                    path.push(reference);
                }
                if path.len() < MAX_DEPTH {
                    self.node(pdf, dict, path)?;
                }
                if reference.is_some() {
                    path.pop();
                }
                continue;
            }
            let place = dict.is_some().then_some(self.read);
            self.read += usize::from(place.is_some());
            if let Some(reference) = reference {
                self.places.insert(reference, Some(place));
            }
            self.pages.push(place);
        }
        Ok(())
    }
}
