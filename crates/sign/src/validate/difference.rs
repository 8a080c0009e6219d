//! What was changed after a signature. The signed revision and the file as it is now are walked side by side from the catalog, by
//! what they say and not by object numbers, and every difference is refused that is not known to be harmless: data for checking
//! signatures, time stamps, further signatures, and filled fields where a certifying signer permits them (ISO 32000-2 12.8.2.2).
//! What no reader is led to cannot be seen, and is not compared.

use super::document::{Permission, fields, form, resolve};
use lopdf::{Dictionary, Document, Object, ObjectId};
use sohoa_record::signature::Finding;
use std::collections::{BTreeSet, HashMap, HashSet};

/// Pairs of objects that are compared; a document of ten thousand pages has about a million.
const MAX_PAIRS: usize = 4_000_000;
/// Changes that are told one by one.
const MAX_TOLD: usize = 12;
/// Objects within objects.
const MAX_DEPTH: usize = 64;

/// What differs.
#[derive(Debug, Default)]
pub(super) struct Difference {
    pub findings: BTreeSet<Finding>,
    /// What may not differ; empty when all changes are harmless.
    pub changes: Vec<String>,
    pub is_altered: bool,
    /// Signatures that were added, each with whether it shows something on a page: harmless only when they hold.
    pub added: Vec<(ObjectId, bool)>,
}

/// Compares the signed revision with the file as it is now.
pub(super) fn between(old: &Document, new: &Document, permission: &Permission) -> Difference {
    let mut comparer = Comparer {
        old,
        new,
        permission,
        pages: old.page_iter().enumerate().map(|(at, id)| (id, at + 1)).collect(),
        fields: HashMap::new(),
        new_widgets: HashSet::new(),
        seen: HashSet::new(),
        todo: Vec::new(),
        difference: Difference::default(),
    };
    for (id, field) in fields(old) {
        if let Some(id) = id {
            comparer.fields.insert(id, OldField { name: field.name, is_signature: field.is_signature });
        }
    }
    comparer.compare();
    comparer.difference
}

struct OldField {
    name: String,
    is_signature: bool,
}

struct Comparer<'a> {
    old: &'a Document,
    new: &'a Document,
    permission: &'a Permission,
    /// Number of each page of the signed revision.
    pages: HashMap<ObjectId, usize>,
    /// Fields and widgets of the signed revision.
    fields: HashMap<ObjectId, OldField>,
    /// Widgets of fields that were added and may be.
    new_widgets: HashSet<ObjectId>,
    seen: HashSet<(ObjectId, ObjectId)>,
    todo: Vec<Pair<'a>>,
    difference: Difference,
}

struct Pair<'a> {
    old: &'a Object,
    new: &'a Object,
    /// What a difference here means.
    finding: Finding,
    place: String,
    depth: usize,
}

impl<'a> Comparer<'a> {
    fn compare(&mut self) {
        let (Ok(old), Ok(new)) = (self.old.catalog(), self.new.catalog()) else {
            return self.refuse(Finding::StructureRepaired, "catalog");
        };
        // The form first: it says which widgets may have come to the pages.
        self.form(form(self.old), form(self.new));
        for key in keys(old, new) {
            let (before, after) = (old.get(&key).ok(), new.get(&key).ok());
            let place = format!("/{}", String::from_utf8_lossy(&key));
            match key.as_slice() {
                b"AcroForm" => {}
                b"DSS" => self.allow_if_changed(before, after, Finding::ValidationDataAdded),
                b"Metadata" => self.allow_if_changed(before, after, Finding::MetadataChanged),
                // versions and names of extensions show nothing
                b"Extensions" | b"Version" => {}
                b"Pages" => self.pair(before, after, Finding::PagesChanged, place, 0),
                _ => self.pair(before, after, Finding::DocumentChanged, place, 0),
            }
        }
        let (before, after) = (self.old.trailer.get(b"Info").ok(), self.new.trailer.get(b"Info").ok());
        self.allow_if_changed(before, after, Finding::MetadataChanged);
        let (before, after) = (self.old.trailer.get(b"Encrypt").ok(), self.new.trailer.get(b"Encrypt").ok());
        self.pair(before, after, Finding::DocumentChanged, "/Encrypt".into(), 0);
        // Pages before what points to them, so that a change is told by its right name.
        let pages = |pair: &Pair<'_>| pair.finding == Finding::PagesChanged;
        self.todo.sort_by_key(pages);
        let mut pairs = 0;
        while let Some(pair) = self.todo.pop() {
            pairs += 1;
            if pairs > MAX_PAIRS {
                self.refuse(Finding::TooComplex, "");
                break;
            }
            self.objects(pair);
        }
    }

    fn refuse(&mut self, finding: Finding, place: &str) {
        self.difference.is_altered = true;
        self.difference.findings.insert(finding);
        let changes = &mut self.difference.changes;
        if changes.len() < MAX_TOLD && !place.is_empty() && !changes.iter().any(|change| change == place) {
            changes.push(place.to_owned());
        }
    }

    fn allow_if_changed(&mut self, old: Option<&'a Object>, new: Option<&'a Object>, finding: Finding) {
        let same = match (old, new) {
            (None, None) => true,
            (Some(old), Some(new)) => same(self.old, old, self.new, new),
            _ => false,
        };
        if !same {
            self.difference.findings.insert(finding);
        }
    }

    fn pair(&mut self, old: Option<&'a Object>, new: Option<&'a Object>, finding: Finding, place: String, depth: usize) {
        match (old, new) {
            (None, None) => {}
            (Some(old), Some(new)) => self.todo.push(Pair { old, new, finding, place, depth }),
            // null is the same as nothing (ISO 32000-2 7.3.7)
            (Some(one), None) if *resolve(self.old, one).1 == Object::Null => {}
            (None, Some(one)) if *resolve(self.new, one).1 == Object::Null => {}
            _ => self.refuse(finding, &place),
        }
    }

    fn objects(&mut self, pair: Pair<'a>) {
        let ((old_id, old), (new_id, new)) = (resolve(self.old, pair.old), resolve(self.new, pair.new));
        if let (Some(old_id), Some(new_id)) = (old_id, new_id)
            && !self.seen.insert((old_id, new_id))
        {
            return;
        }
        // only a chain without references can be deep, and a file cannot make it deeper than its parser goes
        let depth = if old_id.is_some() { 0 } else { pair.depth + 1 };
        if depth > MAX_DEPTH {
            return self.refuse(Finding::TooComplex, &pair.place);
        }
        match (old, new) {
            (Object::Dictionary(old), Object::Dictionary(new)) => match old_id {
                Some(id) if self.pages.contains_key(&id) => self.page(self.pages[&id], old, new),
                Some(id) if self.fields.contains_key(&id) => self.field(id, old, new),
                _ => self.dictionaries(old, new, &[], pair.finding, &pair.place, depth),
            },
            (Object::Stream(old), Object::Stream(new)) => {
                if old.content != new.content {
                    return self.refuse(pair.finding, &pair.place);
                }
                self.dictionaries(&old.dict, &new.dict, &[b"Length"], pair.finding, &pair.place, depth);
            }
            (Object::Array(old), Object::Array(new)) => {
                if old.len() != new.len() {
                    return self.refuse(pair.finding, &pair.place);
                }
                for (old, new) in old.iter().zip(new) {
                    self.todo.push(Pair { old, new, finding: pair.finding, place: pair.place.clone(), depth });
                }
            }
            _ if equal_leaf(old, new) => {}
            _ => self.refuse(pair.finding, &pair.place),
        }
    }

    fn dictionaries(
        &mut self,
        old: &'a Dictionary,
        new: &'a Dictionary,
        but: &[&[u8]],
        finding: Finding,
        place: &str,
        depth: usize,
    ) {
        for key in keys(old, new).into_iter().filter(|key| !but.contains(&key.as_slice())) {
            let told = if place.len() < 60 { format!("{place}/{}", String::from_utf8_lossy(&key)) } else { place.to_owned() };
            self.pair(old.get(&key).ok(), new.get(&key).ok(), finding, told.replace("//", "/"), depth);
        }
    }

    fn page(&mut self, number: usize, old: &'a Dictionary, new: &'a Dictionary) {
        let place = format!("page {number} ");
        self.dictionaries(old, new, &[b"Annots"], Finding::ContentChanged, &place, 0);
        let (before, after) = (list(self.old, old, b"Annots"), list(self.new, new, b"Annots"));
        let place = format!("page {number} /Annots");
        self.prefix(before, after, Finding::AnnotationChanged, &place, |comparer, added| {
            // one that was added is a widget of a field that may have been added
            let permitted = resolve(comparer.new, added).0.is_some_and(|id| comparer.new_widgets.contains(&id));
            // A certification of level 3 permits annotations. What they show is not what was certified, so they are an alteration all the same
            // (S&P 2021, "evil annotation"); the finding tells which it was.
            if !permitted && comparer.permission.level.is_some_and(|level| level < 3) {
                comparer.difference.findings.insert(Finding::NotPermitted);
            }
            permitted
        });
    }

    /// What was in a list is still there, in order; what came between or behind has to be permitted.
    fn prefix(
        &mut self,
        old: &'a [Object],
        new: &'a [Object],
        finding: Finding,
        place: &str,
        permitted: impl Fn(&mut Self, &'a Object) -> bool,
    ) {
        let mut waiting = old.iter().peekable();
        for item in new {
            let is_next = |next: &&Object| match (next, item) {
                (Object::Reference(old), Object::Reference(new)) => old == new,
                (Object::Reference(_), _) | (_, Object::Reference(_)) => false,
                _ => true,
            };
            if let Some(next) = waiting.next_if(is_next) {
                self.todo.push(Pair { old: next, new: item, finding, place: place.to_owned(), depth: 0 });
            } else if !permitted(self, item) {
                self.refuse(finding, place);
            }
        }
        if waiting.next().is_some() {
            self.refuse(finding, place);
        }
    }

    fn form(&mut self, old: Option<&'a Dictionary>, new: Option<&'a Dictionary>) {
        let Some(new) = new else {
            if old.is_some() {
                self.refuse(Finding::FormChanged, "/AcroForm");
            }
            return;
        };
        let before = old.map(|old| list(self.old, old, b"Fields")).unwrap_or_default();
        let after = list(self.new, new, b"Fields");
        self.prefix(before, after, Finding::FormChanged, "/AcroForm/Fields", Self::new_field);
        let Some(old) = old else {
            // A form is made with the first field; anything else in it is not a signature.
            if new.iter().any(|(key, _)| !matches!(key.as_slice(), b"Fields" | b"SigFlags" | b"DA" | b"DR")) {
                self.refuse(Finding::FormChanged, "/AcroForm");
            }
            return;
        };
        // Fonts may be added for the text of a new signature, not exchanged.
        let resources = (resources(self.old, old), resources(self.new, new));
        for (kind, before) in resources.0 {
            for (name, object) in before {
                let after = resources.1.get(&kind).and_then(|names| names.get(&name)).copied();
                self.pair(Some(object), after, Finding::FormChanged, "/AcroForm/DR".into(), 0);
            }
        }
        // How text fields are drawn that do not say it themselves: programs add it with their first signature.
        let drawn: &[&[u8]] = if old.has(b"DA") { &[] } else { &[b"DA"] };
        let but = [&[b"Fields" as &[u8], b"SigFlags", b"DR"], drawn].concat();
        self.dictionaries(old, new, &but, Finding::FormChanged, "/AcroForm", 0);
    }

    /// Whether a field may be added: only one for a signature or a time stamp, that has no actions.
    fn new_field(&mut self, added: &'a Object) -> bool {
        let (Some(id), Object::Dictionary(field)) = resolve(self.new, added) else { return false };
        let is_signature = field.get(b"FT").is_ok_and(|kind| resolve(self.new, kind).1.as_name().is_ok_and(|k| k == b"Sig"));
        if !is_signature || field.has(b"A") || field.has(b"AA") {
            return false;
        }
        let kids = list(self.new, field, b"Kids");
        let mut widgets = vec![(id, field)];
        for kid in kids {
            match resolve(self.new, kid) {
                (Some(id), Object::Dictionary(widget)) if !widget.has(b"T") && !widget.has(b"A") && !widget.has(b"AA") => {
                    widgets.push((id, widget));
                }
                _ => return false,
            }
        }
        let is_visible = widgets.iter().any(|(_, widget)| self.shows(widget));
        let permitted = match self.value(field) {
            Some((id, signature)) => self.may_be_added(id, signature, is_visible),
            // an empty field that shows nothing waits for a signature
            None => !is_visible && self.permission.level != Some(1),
        };
        if permitted {
            self.new_widgets.extend(widgets.iter().map(|(id, _)| *id));
        }
        permitted
    }

    fn value(&self, field: &'a Dictionary) -> Option<(Option<ObjectId>, &'a Dictionary)> {
        match resolve(self.new, field.get(b"V").ok()?) {
            (id, Object::Dictionary(signature)) => Some((id, signature)),
            _ => None,
        }
    }

    fn may_be_added(&mut self, id: Option<ObjectId>, signature: &'a Dictionary, is_visible: bool) -> bool {
        let Some(id) = id else { return false };
        self.difference.added.push((id, is_visible));
        let is_stamp = signature.get(b"Type").is_ok_and(|kind| kind.as_name().is_ok_and(|kind| kind == b"DocTimeStamp"));
        if is_stamp {
            self.difference.findings.insert(Finding::TimeStampAdded);
            return !is_visible;
        }
        self.difference.findings.insert(Finding::SignatureAdded);
        // What a further signature shows may hide what was certified (S&P 2021, "sneaky signature").
        let permitted = self.permission.level != Some(1) && (self.permission.level.is_none() || !is_visible);
        if !permitted {
            self.difference.findings.insert(Finding::NotPermitted);
        }
        permitted
    }

    /// True when the widget has an area on the page and something to draw there.
    fn shows(&self, widget: &Dictionary) -> bool {
        let rectangle: Vec<f32> = list(self.new, widget, b"Rect").iter().filter_map(|n| n.as_float().ok()).collect();
        let has_area = match *rectangle.as_slice() {
            [x0, y0, x1, y1] => x0 != x1 && y0 != y1,
            _ => widget.has(b"Rect"),
        };
        has_area && (widget.has(b"AP") || widget.has(b"MK"))
    }

    /// A field or widget of the signed revision.
    fn field(&mut self, id: ObjectId, old: &'a Dictionary, new: &'a Dictionary) {
        const FILLED: [&[u8]; 6] = [b"V", b"AP", b"AS", b"M", b"F", b"MK"];
        let field = &self.fields[&id];
        let (place, is_signature, is_locked) =
            (format!("field '{}'", field.name), field.is_signature, self.permission.locks(&field.name));
        let changed = |key: &[u8]| match (old.get(key).ok(), new.get(key).ok()) {
            (None, None) => false,
            (Some(before), Some(after)) => !same(self.old, before, self.new, after),
            _ => true,
        };
        let mut but: Vec<&[u8]> = vec![b"Kids"];
        let parent = old.get(b"Parent").ok().and_then(|parent| resolve(self.old, parent).1.as_dict().ok());
        let was_empty = !old.has(b"V") && parent.is_none_or(|parent| !parent.has(b"V"));
        if FILLED.iter().any(|key| changed(key)) {
            if is_signature && was_empty {
                // Its place on the page was there when it was signed; a widget of its own follows its field.
                let permitted = match self.value(new) {
                    Some((id, signature)) => self.may_be_added(id, signature, false),
                    None => !new.has(b"V") && old.has(b"Parent"),
                };
                if permitted && !is_locked {
                    but.extend(FILLED);
                } else if is_locked {
                    self.difference.findings.insert(Finding::NotPermitted);
                }
            } else if !is_signature {
                self.difference.findings.insert(Finding::FieldFilled);
                if self.permission.level.is_some_and(|level| level >= 2) && !is_locked {
                    but.extend(&FILLED[..4]);
                } else {
                    self.difference.findings.insert(Finding::NotPermitted);
                }
            }
        }
        self.dictionaries(old, new, &but, Finding::FormChanged, &place, 0);
        let (before, after) = (list(self.old, old, b"Kids"), list(self.new, new, b"Kids"));
        self.prefix(before, after, Finding::FormChanged, &place, Self::new_field);
    }
}

fn keys(old: &Dictionary, new: &Dictionary) -> BTreeSet<Vec<u8>> {
    old.iter().chain(new.iter()).map(|(key, _)| key.clone()).collect()
}

fn list<'a>(document: &'a Document, dictionary: &'a Dictionary, key: &[u8]) -> &'a [Object] {
    match dictionary.get(key).ok().map(|list| resolve(document, list).1) {
        Some(Object::Array(items)) => items,
        _ => &[],
    }
}

type Resources<'a> = HashMap<Vec<u8>, HashMap<Vec<u8>, &'a Object>>;

fn resources<'a>(document: &'a Document, form: &'a Dictionary) -> Resources<'a> {
    let Some(Object::Dictionary(kinds)) = form.get(b"DR").ok().map(|r| resolve(document, r).1) else { return Resources::new() };
    let names = |object: &'a Object| match resolve(document, object).1 {
        Object::Dictionary(names) => names.iter().map(|(name, object)| (name.clone(), object)).collect(),
        _ => HashMap::new(),
    };
    kinds.iter().map(|(kind, object)| (kind.clone(), names(object))).collect()
}

fn equal_leaf(old: &Object, new: &Object) -> bool {
    match (old, new) {
        (Object::String(old, _), Object::String(new, _)) => old == new,
        (Object::Array(_) | Object::Dictionary(_) | Object::Stream(_), _) => false,
        _ => old == new,
    }
}

/// Objects that a quick look compares; what is larger counts as changed and is compared as a whole.
const QUICK_LOOK: u32 = 20_000;

/// A quick look whether two objects say the same. `false` may be wrong for what is large or deep, `true` never is but for what points
/// back up, which is compared where it stands.
fn same(old_document: &Document, old: &Object, new_document: &Document, new: &Object) -> bool {
    let mut waiting = vec![(old, new)];
    let mut seen = HashSet::new();
    let mut left = QUICK_LOOK;
    while let Some((old, new)) = waiting.pop() {
        let ((old_id, old), (new_id, new)) = (resolve(old_document, old), resolve(new_document, new));
        if let (Some(old_id), Some(new_id)) = (old_id, new_id)
            && !seen.insert((old_id, new_id))
        {
            continue;
        }
        left -= 1;
        if left == 0 {
            return false;
        }
        let dictionaries = match (old, new) {
            (Object::Dictionary(old), Object::Dictionary(new)) => Some((old, new)),
            (Object::Stream(old), Object::Stream(new)) if old.content == new.content => Some((&old.dict, &new.dict)),
            (Object::Array(old), Object::Array(new)) if old.len() == new.len() => {
                waiting.extend(old.iter().zip(new));
                continue;
            }
            (old, new) if equal_leaf(old, new) => continue,
            _ => None,
        };
        let Some((old, new)) = dictionaries.filter(|(old, new)| old.len() == new.len()) else { return false };
        for (key, value) in old.iter().filter(|(key, _)| !matches!(key.as_slice(), b"Parent" | b"P")) {
            let Ok(other) = new.get(key) else { return false };
            waiting.push((value, other));
        }
    }
    true
}
