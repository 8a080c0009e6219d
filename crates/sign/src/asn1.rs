//! DER (ITU-T X.690) by hand, as far as a signature needs it: foreign bytes, such as certificates, are put in and cut out as they
//! came, which no decoder that writes them anew can promise.

use crate::SignError;
use der::asn1::ObjectIdentifier;

pub(crate) const SEQUENCE: u8 = 0x30;
pub(crate) const SET: u8 = 0x31;

/// One element: tag, length, value. Tags above 30 are not needed here.
pub(crate) fn element(tag: u8, value: &[u8]) -> Vec<u8> {
    let mut out = vec![tag];
    match u8::try_from(value.len()) {
        Ok(short) if short < 0x80 => out.push(short),
        _ => {
            let length = (value.len() as u64).to_be_bytes();
            let significant = &length[length.iter().take_while(|byte| **byte == 0).count()..];
            out.push(0x80 | significant.len() as u8);
            out.extend(significant);
        }
    }
    out.extend(value);
    out
}

pub(crate) fn sequence(parts: &[&[u8]]) -> Vec<u8> {
    element(SEQUENCE, &parts.concat())
}

/// SET OF: DER wants its elements sorted (X.690 11.6).
pub(crate) fn set_of(parts: &[Vec<u8>]) -> Vec<u8> {
    let mut sorted = parts.to_vec();
    sorted.sort();
    element(SET, &sorted.concat())
}

pub(crate) fn oid(oid: ObjectIdentifier) -> Vec<u8> {
    element(0x06, oid.as_bytes())
}

/// An INTEGER of big-endian bytes that mean no negative number.
pub(crate) fn integer(big_endian: &[u8]) -> Vec<u8> {
    let digits = &big_endian[big_endian.iter().take_while(|byte| **byte == 0).count()..];
    let sign = if digits.first().is_none_or(|byte| *byte >= 0x80) { &[0u8][..] } else { &[] };
    element(0x02, &[sign, digits].concat())
}

pub(crate) fn octets(bytes: &[u8]) -> Vec<u8> {
    element(0x04, bytes)
}

/// An AlgorithmIdentifier, with parameters NULL or without any.
pub(crate) fn algorithm(name: ObjectIdentifier, null: bool) -> Vec<u8> {
    sequence(&[&oid(name), if null { &[5, 0] } else { &[] }])
}

/// The same element under another tag, as IMPLICIT tagging has it.
pub(crate) fn retagged(mut whole: Vec<u8>, tag: u8) -> Vec<u8> {
    whole[0] = tag;
    whole
}

/// An element that was found.
#[derive(Clone, Copy)]
pub(crate) struct Element<'a> {
    pub(crate) tag: u8,
    /// Its value.
    pub(crate) value: &'a [u8],
    /// Tag, length and value.
    pub(crate) whole: &'a [u8],
}

/// Takes the first element off `rest`. Only what DER allows: definite, shortest lengths.
pub(crate) fn take<'a>(rest: &mut &'a [u8]) -> Result<Element<'a>, SignError> {
    let malformed = || SignError::Malformed("an ASN.1 element is cut short or not DER".into());
    let (tag, first) = (*rest.first().ok_or_else(malformed)?, *rest.get(1).ok_or_else(malformed)?);
    if tag & 0x1f == 0x1f {
        return Err(malformed());
    }
    let (header, length) = if first < 0x80 {
        (2, usize::from(first))
    } else {
        let count = usize::from(first & 0x7f);
        let bytes = rest.get(2..2 + count).filter(|_| (1..=4).contains(&count)).ok_or_else(malformed)?;
        let length = bytes.iter().fold(0usize, |length, byte| length << 8 | usize::from(*byte));
        if bytes[0] == 0 || length < 0x80 {
            return Err(malformed());
        }
        (2 + count, length)
    };
    let end = header.checked_add(length).filter(|end| *end <= rest.len()).ok_or_else(malformed)?;
    let whole = &rest[..end];
    *rest = &rest[end..];
    Ok(Element { tag, value: &whole[header..], whole })
}

/// Takes the first element off `rest`, which must have this tag.
pub(crate) fn expect<'a>(rest: &mut &'a [u8], tag: u8) -> Result<Element<'a>, SignError> {
    match take(rest)? {
        found if found.tag == tag => Ok(found),
        found => Err(SignError::Malformed(format!("ASN.1 tag {:#04x} stands where {tag:#04x} was expected", found.tag))),
    }
}

/// Takes the first element off `rest` if it has this tag.
pub(crate) fn optional<'a>(rest: &mut &'a [u8], tag: u8) -> Result<Option<Element<'a>>, SignError> {
    if rest.first() == Some(&tag) { take(rest).map(Some) } else { Ok(None) }
}

/// All elements of a value.
pub(crate) fn all(mut value: &[u8]) -> Result<Vec<Element<'_>>, SignError> {
    let mut found = Vec::new();
    while !value.is_empty() {
        found.push(take(&mut value)?);
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use der::{Decode as _, Encode as _};
    use proptest::prelude::*;

    #[test]
    fn numbers_are_shortest_and_never_negative() {
        assert_eq!(integer(&[0]), [2, 1, 0]);
        assert_eq!(integer(&[0, 0, 0x80]), [2, 2, 0, 0x80]);
        assert_eq!(integer(&[0x7f]), [2, 1, 0x7f]);
    }

    proptest! {
        #[test]
        fn elements_are_those_of_another_encoder(value in proptest::collection::vec(any::<u8>(), 0..70_000)) {
            let ours = octets(&value);
            prop_assert_eq!(&ours, &der::asn1::OctetString::new(value.clone()).unwrap().to_der().unwrap());
            let mut rest = &ours[..];
            let found = take(&mut rest).unwrap();
            prop_assert!(rest.is_empty() && found.value == value && found.whole == ours);
        }

        #[test]
        fn what_is_taken_is_der(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
            let mut rest = &bytes[..];
            if let Ok(found) = take(&mut rest) && found.tag & 0x20 == 0 && found.tag > 0x30 {
                prop_assert!(der::Any::from_der(found.whole).is_ok());
            }
        }
    }
}
