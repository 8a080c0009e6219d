//! Whether two distinguished names are one (RFC 5280 7.1): text is compared without regard to case, to white space at its ends and to how much
//! of it stands together, whichever of the two string types holds it. Anything else is compared byte by byte.

use super::asn1::{Element, SEQUENCE, SET};
use sohoa_record::text::nfc;

const UTF8_STRING: u8 = 0x0c;
const PRINTABLE_STRING: u8 = 0x13;

/// Compares names, each as its whole element.
pub(super) fn same(one: &[u8], other: &[u8]) -> bool {
    one == other || parts(one).zip(parts(other)).is_some_and(|(one, other)| one == other)
}

/// Of each part its attributes, in one order: a part is a set.
fn parts(name: &[u8]) -> Option<Vec<Vec<Attribute>>> {
    let sets = Element::of(SEQUENCE, name)?.children()?;
    sets.iter()
        .map(|set| {
            let attributes = (set.tag == SET).then(|| set.children()).flatten()?;
            let mut attributes = attributes.iter().map(attribute).collect::<Option<Vec<_>>>()?;
            attributes.sort();
            Some(attributes)
        })
        .collect()
}

#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Attribute {
    Text(Vec<u8>, String),
    Other(Vec<u8>),
}

fn attribute(attribute: &Element<'_>) -> Option<Attribute> {
    let [kind, value] = attribute.children()?.try_into().ok()?;
    Some(match value.tag {
        UTF8_STRING | PRINTABLE_STRING => {
            let text = nfc(std::str::from_utf8(value.value).ok()?).to_lowercase();
            Attribute::Text(kind.whole.to_vec(), text.split_whitespace().collect::<Vec<_>>().join(" "))
        }
        _ => Attribute::Other(attribute.whole.to_vec()),
    })
}
