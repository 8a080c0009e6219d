//! What in a document is made to show something else later, or covers what is there: told beside the verdict, since a document that
//! was prepared before it was signed (shadow attacks, NDSS 2021) is signed all the same.

use super::document::resolve;
use lopdf::{Dictionary, Document, Object, ObjectId};
use sohoa_record::signature::Finding;
use std::collections::{BTreeSet, HashSet};

/// Share of a page that an annotation hides before it is told of.
const COVERS: f32 = 0.1;

/// Looks through a revision.
pub(super) fn findings(document: &Document) -> BTreeSet<Finding> {
    let mut found = BTreeSet::new();
    let Ok(catalog) = document.catalog() else { return found };
    if catalog.has(b"OCProperties") {
        found.insert(Finding::HiddenLayers);
    }
    let names = catalog.get(b"Names").ok().and_then(|names| resolve(document, names).1.as_dict().ok());
    let runs = |dictionary: &Dictionary| dictionary.has(b"AA") || action_runs(document, dictionary.get(b"A").ok());
    if names.is_some_and(|names| names.has(b"JavaScript"))
        || catalog.has(b"AA")
        || action_runs(document, catalog.get(b"OpenAction").ok())
        || document.objects.values().any(|object| object.as_dict().is_ok_and(runs))
    {
        found.insert(Finding::ActiveContent);
    }
    let pages: HashSet<ObjectId> = document.page_iter().collect();
    let is_page = |dictionary: &Dictionary| dictionary.get(b"Type").is_ok_and(|kind| kind.as_name().is_ok_and(|k| k == b"Page"));
    if document.objects.iter().any(|(id, object)| object.as_dict().is_ok_and(is_page) && !pages.contains(id)) {
        found.insert(Finding::UnusedPages);
    }
    if pages.iter().any(|page| has_cover(document, *page)) {
        found.insert(Finding::CoveringAnnotation);
    }
    found
}

fn action_runs(document: &Document, action: Option<&Object>) -> bool {
    let Some(Object::Dictionary(action)) = action.map(|action| resolve(document, action).1) else { return false };
    let kind = action.get(b"S").ok().and_then(|kind| kind.as_name().ok());
    matches!(kind, Some(b"JavaScript" | b"Launch" | b"ImportData" | b"Rendition" | b"SetOCGState" | b"Hide"))
}

/// True when an annotation that is drawn, and is neither a link nor part of a form, lies over much of the page.
fn has_cover(document: &Document, page: ObjectId) -> bool {
    let Ok(page) = document.get_dictionary(page) else { return false };
    let Some(whole) = page.get(b"MediaBox").ok().and_then(|rectangle| area(document, rectangle)) else { return false };
    let Some(Object::Array(annotations)) = page.get(b"Annots").ok().map(|list| resolve(document, list).1) else { return false };
    annotations.iter().take(10_000).any(|annotation| {
        let Object::Dictionary(annotation) = resolve(document, annotation).1 else { return false };
        let kind = annotation.get(b"Subtype").ok().and_then(|kind| kind.as_name().ok());
        let is_drawn = annotation.has(b"AP") && !matches!(kind, Some(b"Link" | b"Widget" | b"Popup"));
        let over = annotation.get(b"Rect").ok().and_then(|rectangle| area(document, rectangle)).unwrap_or(0.0);
        is_drawn && over > COVERS * whole
    })
}

fn area(document: &Document, rectangle: &Object) -> Option<f32> {
    let sides: Vec<f32> =
        resolve(document, rectangle).1.as_array().ok()?.iter().filter_map(|n| resolve(document, n).1.as_float().ok()).collect();
    match *sides.as_slice() {
        [x0, y0, x1, y1] => Some(((x1 - x0) * (y1 - y0)).abs()),
        _ => None,
    }
}
