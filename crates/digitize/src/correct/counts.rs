//! How often Vietnamese syllables, and pairs of them, stand in public papers: the table, its bytes, and look-ups in it.
//!
//! The bytes: lines of text (format, origin, licence) that end with an empty one; then the number of syllables (u16, little
//! endian) and each syllable, sorted by base letters and then by itself, as length shared with the one before (u8), length of
//! the rest (u8), the rest, and a [`Level`]; then for each syllable, and last for the start of a phrase, what follows it:
//! how many (LEB128), and each as distance from the one before (LEB128) and a `Level`.

use super::spelling::{base, is_syllable, placed};
use std::collections::BTreeMap;
use std::ops::Range;

const HEADER: &str = "sohoa-counts/1\n";

/// A count on a scale of fifteenths of a power of two, so that a byte holds it within 2.4 %.
type Level = u8;

/// Which syllable, by its place in the table.
pub type Id = u16;

/// The table, ready for look-ups.
#[derive(Debug, Default)]
pub struct Counts {
    syllables: Vec<Syllable>,
    /// The pairs of syllable n are those from `starts[n]` to `starts[n + 1]`; after the last syllable comes the phrase's start.
    starts: Vec<u32>,
    followers: Vec<(Id, Level)>,
    /// Sum of all counts, and of the counts of the pairs that begin with each.
    total: f64,
    totals: Vec<f64>,
}

#[derive(Debug)]
struct Syllable {
    base: Box<str>,
    text: Box<str>,
    level: Level,
}

impl Counts {
    /// Reads the bytes; none when they are not of this format.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        bytes.starts_with(HEADER.as_bytes()).then_some(())?;
        let end = bytes.windows(2).position(|two| two == b"\n\n")?;
        let mut bytes = Bytes(&bytes[end + 2..]);
        let mut counts = Counts::default();
        let mut text = Vec::new();
        for _ in 0..u16::from_le_bytes([bytes.byte()?, bytes.byte()?]) {
            text.truncate(usize::from(bytes.byte()?));
            let rest = usize::from(bytes.byte()?);
            text.extend_from_slice(bytes.take(rest)?);
            let text = std::str::from_utf8(&text).ok()?;
            let level = bytes.byte()?;
            counts.total += count(level);
            counts.syllables.push(Syllable { base: base(text).into(), text: text.into(), level });
        }
        let sorted = counts.syllables.is_sorted_by(|a, b| (&a.base, &a.text) < (&b.base, &b.text));
        for _ in 0..=counts.syllables.len() {
            counts.starts.push(counts.followers.len() as u32);
            let (mut next, mut total) = (0, 0.0);
            for _ in 0..bytes.number()? {
                next += bytes.number()?;
                let level = bytes.byte()?;
                total += count(level);
                ((next as usize) < counts.syllables.len()).then_some(())?;
                counts.followers.push((next as Id, level));
            }
            counts.totals.push(total);
        }
        counts.starts.push(counts.followers.len() as u32);
        (sorted && bytes.0.is_empty()).then_some(counts)
    }

    /// The syllable, as [`placed`] writes it.
    pub fn id(&self, syllable: &str) -> Option<Id> {
        self.of_base(&base(syllable)).find(|&id| self.text(id) == syllable)
    }

    /// All syllables of these base letters.
    pub fn of_base(&self, base: &str) -> Range<Id> {
        let from = self.syllables.partition_point(|syllable| &*syllable.base < base);
        let many = self.syllables[from..].partition_point(|syllable| &*syllable.base == base);
        from as Id..(from + many) as Id
    }

    /// How it is written, lower case.
    pub fn text(&self, id: Id) -> &str {
        &self.syllables[usize::from(id)].text
    }

    /// The share of `id` among all syllables; of one that is not in the table, less than that of any that is.
    pub fn share(&self, id: Option<Id>) -> f64 {
        let counted = id.map_or(0.0, |id| count(self.syllables[usize::from(id)].level));
        (counted + 0.1) / (self.total + 0.1 * self.syllables.len() as f64 + 1.0)
    }

    /// The share of `id` among all that follow `before` (none: the start of a phrase); none when nothing was seen to follow it.
    pub fn share_after(&self, before: Option<Id>, id: Option<Id>) -> Option<f64> {
        let at = before.map_or(self.syllables.len(), usize::from);
        let total = *self.totals.get(at).filter(|total| **total > 0.0)?;
        let followers = &self.followers[self.starts[at] as usize..self.starts[at + 1] as usize];
        let level = id.and_then(|id| followers.binary_search_by_key(&id, |follower| follower.0).ok()).map(|at| followers[at].1);
        Some(level.map_or(0.0, |level| count(level) / total))
    }
}

/// Makes the bytes from counts of lower-case syllables and of pairs, whose first may be `<s>`, the start of a phrase. `about`
/// says where they come from and under which licence, in lines of its own.
///
/// Both placements of the tone are counted together; what is no Vietnamese syllable is left out.
pub fn encode(about: &str, syllables: &[(String, u64)], pairs: &[(String, String, u64)]) -> Vec<u8> {
    let mut single: BTreeMap<(String, String), u64> = BTreeMap::new();
    for (text, n) in syllables {
        let (base, text) = (base(text), placed(text));
        if is_syllable(&base) && single.len() < usize::from(Id::MAX) {
            *single.entry((base, text)).or_default() += n;
        }
    }
    let ids: BTreeMap<&str, usize> = single.keys().enumerate().map(|(id, (_, text))| (text.as_str(), id)).collect();
    let mut after: Vec<BTreeMap<usize, u64>> = vec![BTreeMap::new(); single.len() + 1];
    for (first, second, n) in pairs {
        let first = if first == "<s>" { Some(single.len()) } else { ids.get(placed(first).as_str()).copied() };
        if let (Some(first), Some(second)) = (first, ids.get(placed(second).as_str())) {
            *after[first].entry(*second).or_default() += n;
        }
    }
    let mut bytes = format!("{HEADER}{}\n\n", about.trim()).into_bytes();
    bytes.extend((single.len() as u16).to_le_bytes());
    let mut before = "";
    for ((_, text), n) in &single {
        let shared = before.bytes().zip(text.bytes()).take_while(|(a, b)| a == b).count();
        bytes.extend([shared as u8, (text.len() - shared) as u8]);
        bytes.extend(&text.as_bytes()[shared..]);
        bytes.push(level(*n));
        before = text;
    }
    for followers in after {
        number(&mut bytes, followers.len() as u32);
        let mut before = 0;
        for (next, n) in followers {
            number(&mut bytes, (next - before) as u32);
            bytes.push(level(n));
            before = next;
        }
    }
    bytes
}

fn level(count: u64) -> Level {
    (15.0 * (count.max(1) as f64).log2()).round() as Level
}

fn count(level: Level) -> f64 {
    (f64::from(level) / 15.0).exp2()
}

fn number(bytes: &mut Vec<u8>, mut number: u32) {
    while number >= 0x80 {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}

/// What of the bytes is still to be read.
struct Bytes<'b>(&'b [u8]);

impl<'b> Bytes<'b> {
    fn take(&mut self, n: usize) -> Option<&'b [u8]> {
        let (taken, rest) = self.0.split_at_checked(n)?;
        self.0 = rest;
        Some(taken)
    }

    fn byte(&mut self) -> Option<u8> {
        self.take(1).map(|one| one[0])
    }

    fn number(&mut self) -> Option<u32> {
        let mut number = 0;
        for shift in [0, 7, 14] {
            let byte = self.byte()?;
            number |= u32::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Some(number);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn table() -> Vec<u8> {
        let syllables = [("thẩm", 900), ("thâm", 20), ("quyền", 800), ("hòa", 50), ("hoà", 5), ("asean", 7)];
        let pairs = [("thẩm", "quyền", 700), ("<s>", "thẩm", 60), ("hoà", "thâm", 3), ("hòa", "thâm", 3), ("asean", "hòa", 9)];
        let syllables: Vec<_> = syllables.iter().map(|(text, n)| ((*text).to_owned(), *n)).collect();
        let pairs: Vec<_> = pairs.iter().map(|(a, b, n)| ((*a).to_owned(), (*b).to_owned(), *n)).collect();
        encode("counted by hand", &syllables, &pairs)
    }

    #[test]
    fn what_is_encoded_is_found_again() {
        let counts = Counts::decode(&table()).unwrap();
        let texts: Vec<&str> = counts.of_base("tham").map(|id| counts.text(id)).collect();
        assert_eq!(texts, ["thâm", "thẩm"]);
        assert_eq!(counts.id("asean"), None);
        let [thẩm, quyền, hòa, thâm] = ["thẩm", "quyền", "hòa", "thâm"].map(|syllable| counts.id(syllable));
        assert!([thẩm, quyền, hòa, thâm].iter().all(Option::is_some));
        assert_eq!(counts.share_after(thẩm, quyền), Some(1.0));
        assert_eq!(counts.share_after(hòa, thâm), Some(1.0));
        assert_eq!(counts.share_after(hòa, quyền), Some(0.0));
        assert_eq!(counts.share_after(quyền, hòa), None);
        assert_eq!(counts.share_after(None, thẩm), Some(1.0));
        assert!((counts.share(thẩm) / counts.share(thâm) - 45.0).abs() < 3.0);
        assert!(counts.share(None) < counts.share(thâm));
    }

    #[test]
    fn torn_and_foreign_bytes_are_no_table() {
        let whole = table();
        for length in 0..whole.len() {
            assert!(Counts::decode(&whole[..length]).is_none(), "cut at {length}");
        }
        assert!(Counts::decode(&[whole, vec![0]].concat()).is_none());
        assert!(Counts::decode(b"sohoa-counts/2\n\n\0\0\0").is_none());
    }

    #[test]
    fn levels_keep_a_count_within_three_percent() {
        for n in [1, 3, 4, 7, 100, 65_809, 100_000] {
            assert!((count(level(n)) / n as f64 - 1.0).abs() < 0.03, "{n}");
        }
    }

    proptest! {
        #[test]
        fn whatever_the_bytes_no_panic(rest in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = Counts::decode(&[b"sohoa-counts/1\n\n".as_slice(), &rest].concat());
        }
    }
}
