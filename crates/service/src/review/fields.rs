//! What a decision does to the fields of a record.

use super::{ReviewError, values};
use crate::time;
use sohoa_record::Field;
use sohoa_record::field::{
    self,
    name::{DOSSIER_CODE, OWNER_ID, OWNER_NAME, PAPER_KIND_CODE, PROCEDURE_CODE, VALID_SCOPE, VALID_UNTIL},
};
use sohoa_record::identifier::Doubt;
use sohoa_record::manifest::Change;

/// What became of the fields.
#[derive(Default)]
pub(super) struct FieldsDecided {
    /// The fields that were decided on.
    pub changes: Vec<Change>,
    /// What is odd about a typed value.
    pub warnings: Vec<(String, Doubt)>,
}

/// Vouches for values as they were read: of the named fields, or of all in doubt that have one.
pub(super) fn accept(fields: &mut [Field], names: Vec<String>) -> Result<FieldsDecided, ReviewError> {
    let names: Vec<String> = match names.is_empty() {
        true => fields.iter().filter(|f| f.doubt.is_some() && f.value.is_some()).map(|f| f.name.clone()).collect(),
        false => names,
    };
    if let (true, Some(empty)) = (names.is_empty(), fields.iter().find(|field| field.doubt.is_some())) {
        return Err(ReviewError::NoValue(empty.name.clone()));
    }
    let mut decided = FieldsDecided::default();
    for name in &names {
        let field = field_of(fields, name)?;
        let value = field.value.clone().ok_or_else(|| ReviewError::NoValue(name.clone()))?;
        // What is vouched for already keeps its rule.
        if field.doubt.take().is_some() {
            field.rule = "review.accept".into();
            decided.changes.push(Change { field: name.clone(), before: Some(value.clone()), after: Some(value) });
        }
    }
    Ok(decided)
}

/// Types values; none says that the paper has no such value.
pub(super) fn correct(
    fields: &mut Vec<Field>,
    values: Vec<(String, Option<String>)>,
    rule: &str,
) -> Result<FieldsDecided, ReviewError> {
    let mut decided = FieldsDecided::default();
    let today = time::now().date();
    let mut named: Vec<String> = Vec::new();
    for (name, value) in values {
        let bad = |why: String| ReviewError::BadValue(name.clone(), why);
        if named.contains(&name) {
            return Err(bad("is given twice; say each field once".into()));
        }
        named.push(name.clone());
        let checked = values::check(&name, value.as_deref(), today).map_err(bad)?;
        if checked.value.is_some() && MAY_BE_ADDED.contains(&name.as_str()) && field::find(fields, &name).is_none() {
            fields.push(typed_only(&name));
        }
        let field = field_of(fields, &name)?;
        decided.warnings.extend(checked.doubts.into_iter().map(|doubt| (name.clone(), doubt)));
        if field.value == checked.value && field.doubt.is_none() {
            continue;
        }
        let before = std::mem::replace(&mut field.value, checked.value.clone());
        field.doubt = None;
        field.confidence = 100;
        field.rule = rule.into();
        decided.changes.push(Change { field: name, before, after: checked.value });
    }
    Ok(decided)
}

/// Fields that a person may type though no rule looked for them (TT 01/2023/TT-VPCP art. 9, and where the document belongs).
const MAY_BE_ADDED: [&str; 7] = [DOSSIER_CODE, PROCEDURE_CODE, PAPER_KIND_CODE, OWNER_ID, OWNER_NAME, VALID_UNTIL, VALID_SCOPE];

/// A field of which nothing was read.
fn typed_only(name: &str) -> Field {
    Field {
        name: name.to_owned(),
        value: None,
        printed: String::new(),
        confidence: 0,
        page: 1,
        rect: None,
        doubt: None,
        rule: String::new(),
        register: None,
    }
}

fn field_of<'a>(fields: &'a mut [Field], name: &str) -> Result<&'a mut Field, ReviewError> {
    fields.iter_mut().find(|field| field.name == name).ok_or_else(|| ReviewError::NoField(name.to_owned()))
}
