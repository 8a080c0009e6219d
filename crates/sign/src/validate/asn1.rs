//! ASN.1 elements with their own bytes. What is hashed, compared or verified here are the bytes that came, never bytes written
//! anew: certificates of others are not always DER. Every length is checked against what is there; nothing is copied.

use pkcs8::ObjectIdentifier;
use std::borrow::Cow;

/// More elements side by side than any list that is not made to harm; revocation lists are the longest.
const MAX_CHILDREN: usize = 1 << 20;
/// Elements within elements of unknown length.
const MAX_DEPTH: usize = 32;

pub(super) const BOOLEAN: u8 = 0x01;
pub(super) const INTEGER: u8 = 0x02;
pub(super) const BIT_STRING: u8 = 0x03;
pub(super) const OCTET_STRING: u8 = 0x04;
pub(super) const OID: u8 = 0x06;
pub(super) const SEQUENCE: u8 = 0x30;
pub(super) const SET: u8 = 0x31;

/// The tag of a context-specific element that holds others.
pub(super) const fn context(number: u8) -> u8 {
    0xa0 | number
}

/// One element: tag, contents, and all of its bytes. Tags of more than one byte are not met in signatures and refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Element<'a> {
    pub tag: u8,
    pub value: &'a [u8],
    pub whole: &'a [u8],
}

impl<'a> Element<'a> {
    /// The first element of the bytes, and what follows it.
    pub fn first(input: &'a [u8]) -> Option<(Element<'a>, &'a [u8])> {
        let (tag, header, length) = header(input)?;
        let end = header.checked_add(length?)?;
        let whole = input.get(..end)?;
        Some((Element { tag, value: &whole[header..], whole }, &input[end..]))
    }

    /// The element that the bytes begin with, of that tag.
    pub fn of(tag: u8, input: &'a [u8]) -> Option<Element<'a>> {
        Element::first(input).map(|(element, _)| element).filter(|element| element.tag == tag)
    }

    /// The elements that the contents are, with nothing left over.
    pub fn children(&self) -> Option<Vec<Element<'a>>> {
        let (mut children, mut rest) = (Vec::new(), self.value);
        while !rest.is_empty() {
            let (child, after) = Element::first(rest)?;
            if children.len() == MAX_CHILDREN {
                return None;
            }
            children.push(child);
            rest = after;
        }
        Some(children)
    }

    /// The only element in this one, as explicit tags have it.
    pub fn only(&self) -> Option<Element<'a>> {
        let (element, rest) = Element::first(self.value)?;
        rest.is_empty().then_some(element)
    }

    /// Its object identifier.
    pub fn oid(&self) -> Option<ObjectIdentifier> {
        if self.tag != OID {
            return None;
        }
        ObjectIdentifier::from_bytes(self.value).ok()
    }

    /// A bit string's whole bytes.
    pub fn bits(&self) -> Option<&'a [u8]> {
        match (self.tag, self.value) {
            (BIT_STRING, [0, bits @ ..]) => Some(bits),
            _ => None,
        }
    }

    /// A small number that is not negative.
    pub fn number(&self) -> Option<u32> {
        if self.tag != INTEGER || self.value.is_empty() || self.value.len() > 4 || self.value[0] & 0x80 != 0 {
            return None;
        }
        Some(self.value.iter().fold(0, |sum, byte| sum << 8 | u32::from(*byte)))
    }

    /// Seconds since 1970 of a UTCTime or GeneralizedTime in UTC (RFC 5280 4.1.2.5); fractions are dropped.
    pub fn time(&self) -> Option<i64> {
        let text = std::str::from_utf8(self.value).ok()?.strip_suffix('Z')?;
        let text = text.split_once('.').map_or(text, |(whole, _)| whole);
        let (year, rest) = match self.tag {
            0x17 => {
                let year: i16 = digits(text.get(..2)?)?;
                (if year < 50 { 2000 + year } else { 1900 + year }, text.get(2..)?)
            }
            0x18 => (digits(text.get(..4)?)?, text.get(4..)?),
            _ => return None,
        };
        let part = |at: usize| rest.get(at..at + 2).and_then(digits).map(|value| value as i8);
        let second = if rest.len() == 8 { Some(0) } else { part(8) };
        seconds(year, [part(0)?, part(2)?, part(4)?, part(6)?, second?])
    }
}

fn digits(text: &str) -> Option<i16> {
    if text.bytes().all(|b| b.is_ascii_digit()) { text.parse().ok() } else { None }
}

/// Seconds since 1970 of year, month, day, hour, minute and second in UTC.
pub(super) fn seconds(year: i16, [month, day, hour, minute, second]: [i8; 5]) -> Option<i64> {
    let at = jiff::civil::DateTime::new(year, month, day, hour, minute, second, 0).ok()?;
    Some(at.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp().as_second())
}

/// Tag, length of the header, and length of the contents; none for a length that is not said.
fn header(input: &[u8]) -> Option<(u8, usize, Option<usize>)> {
    let (tag, first) = (*input.first()?, *input.get(1)?);
    if tag & 0x1f == 0x1f {
        return None;
    }
    match first {
        0..=0x7f => Some((tag, 2, Some(usize::from(first)))),
        0x80 if tag & 0x20 != 0 => Some((tag, 2, None)),
        0x81..=0x84 => {
            let count = usize::from(first & 0x7f);
            let length = input.get(2..2 + count)?.iter().fold(0, |sum, byte| sum << 8 | usize::from(*byte));
            Some((tag, 2 + count, Some(length)))
        }
        _ => None,
    }
}

/// The bytes with every length said (BER has contents that end with a mark instead, X.690 8.1.3.6), else as they are. Some signing
/// programs stream their output so. Strings in pieces are put together.
pub(super) fn definite(input: &[u8]) -> Option<Cow<'_, [u8]>> {
    match header(input)? {
        (_, _, Some(_)) => Some(Cow::Borrowed(Element::first(input)?.0.whole)),
        (_, _, None) => {
            let mut output = Vec::with_capacity(input.len());
            rewrite(input, &mut output, 0)?;
            Some(Cow::Owned(output))
        }
    }
}

/// Writes the first element with its length said; gives what follows it.
fn rewrite<'a>(input: &'a [u8], output: &mut Vec<u8>, depth: usize) -> Option<&'a [u8]> {
    let (tag, header, length) = header(input)?;
    if depth > MAX_DEPTH {
        return None;
    }
    if tag & 0x20 == 0 {
        let (element, rest) = Element::first(input)?;
        output.extend_from_slice(element.whole);
        return Some(rest);
    }
    let (mut inner, mut rest) = match length {
        Some(length) => {
            let end = header.checked_add(length)?;
            (input.get(header..end)?, Some(input.get(end..)?))
        }
        None => (&input[header..], None),
    };
    let mut contents = Vec::new();
    loop {
        if rest.is_none() && inner.starts_with(&[0, 0]) {
            rest = Some(&inner[2..]);
            break;
        }
        if inner.is_empty() {
            break;
        }
        inner = rewrite(inner, &mut contents, depth + 1)?;
    }
    let mut tag = tag;
    if tag == OCTET_STRING | 0x20 {
        let pieces = Element { tag, value: &contents, whole: &contents }.children()?;
        contents = pieces.iter().flat_map(|piece| piece.value.iter().copied()).collect();
        tag = OCTET_STRING;
    }
    output.push(tag);
    match contents.len() {
        length @ 0..=0x7f => output.push(length as u8),
        length => {
            let bytes = (length as u32).to_be_bytes();
            let skip = bytes.iter().take_while(|byte| **byte == 0).count();
            output.push(0x80 | (4 - skip) as u8);
            output.extend_from_slice(&bytes[skip..]);
        }
    }
    output.extend_from_slice(&contents);
    rest
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn unsaid_lengths_are_said_and_pieces_put_together() {
        let streamed = [0x30, 0x80, 0x24, 0x80, 4, 1, b'a', 4, 2, b'b', b'c', 0, 0, 2, 1, 5, 0, 0, 0xff];
        assert_eq!(*definite(&streamed).unwrap(), [0x30, 8, 4, 3, b'a', b'b', b'c', 2, 1, 5]);
        assert_eq!(*definite(&[0x30, 3, 2, 1, 5, 0, 0]).unwrap(), [0x30, 3, 2, 1, 5]);
    }

    #[test]
    fn times_are_read_as_the_standard_writes_them() {
        let time = |tag, text: &[u8]| Element { tag, value: text, whole: text }.time();
        assert_eq!(time(0x17, b"700101000000Z"), Some(0));
        assert_eq!(time(0x17, b"491231235959Z"), Some(2_524_607_999));
        assert_eq!(time(0x18, b"20200229120000.25Z"), Some(1_582_977_600));
        assert_eq!(time(0x18, b"20200230120000Z"), None);
        assert_eq!(time(0x18, b"2020022912+000Z"), None);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_within_themselves(input in proptest::collection::vec(any::<u8>(), 0..200)) {
            if let Some((element, rest)) = Element::first(&input) {
                prop_assert_eq!([element.whole, rest].concat(), input.clone());
                let _ = (element.children(), element.time(), element.oid(), element.number());
            }
            if let Some(written) = definite(&input) {
                prop_assert!(Element::first(&written).is_some());
            }
        }
    }
}
