//! Tiles and entry bundles (C2SP tlog-tiles): 256 hashes of one level, or 256 entries, in one file; where it lies, and its bytes.

use super::tree::Hash;

/// How many hashes or entries a full tile has.
pub const TILE_WIDTH: u16 = 256;

/// What a tile holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Contents {
    /// Hashes of that level: 0 has leaf hashes; a hash of level n + 1 is the root of a full tile of level n.
    Hashes(u8),
    /// The entries themselves.
    Entries,
}

/// One tile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tile {
    /// Hashes of a level, or entries.
    pub contents: Contents,
    /// Its place in the level, from 0.
    pub index: u64,
    /// How many it has: 1 to 256. Less than 256 only at the right edge.
    pub width: u16,
}

impl Tile {
    /// The partial tile at the right edge of a tree of `size` leaves; asked for only where there is one.
    pub fn right_edge(level: u8, size: u64) -> Tile {
        let hashes = size >> (8 * u32::from(level));
        Tile { contents: Contents::Hashes(level), index: hashes / 256, width: (hashes % 256) as u16 }
    }

    /// The tile that has hash (or entry) `n` of its kind in a tree of `size` leaves: partial when it is at the right edge.
    pub fn holding(contents: Contents, n: u64, size: u64) -> Tile {
        let level = match contents {
            Contents::Hashes(level) => level,
            Contents::Entries => 0,
        };
        let all = size >> (8 * u32::from(level));
        let index = n / 256;
        Tile { contents, index, width: all.saturating_sub(index * 256).min(256) as u16 }
    }

    /// All bundles of a log of `size` entries, in order.
    pub fn bundles(size: u64) -> impl Iterator<Item = Tile> {
        (0..size.div_ceil(256)).map(move |index| Tile::holding(Contents::Entries, index * 256, size))
    }

    /// True when no more will be added to it.
    pub fn is_full(&self) -> bool {
        self.width == TILE_WIDTH
    }

    /// The same tile with all its 256.
    pub fn full(&self) -> Tile {
        Tile { width: TILE_WIDTH, ..*self }
    }

    /// Its path below the log's prefix: `tile/0/x001/x234/067`, `tile/entries/000.p/12`.
    pub fn path(&self) -> String {
        let mut path = match self.contents {
            Contents::Hashes(level) => format!("tile/{level}"),
            Contents::Entries => "tile/entries".to_owned(),
        };
        let digits = self.index.to_string();
        let digits = format!("{digits:0>width$}", width = digits.len().div_ceil(3) * 3);
        for at in (0..digits.len()).step_by(3) {
            path.push_str(if at + 3 < digits.len() { "/x" } else { "/" });
            path.push_str(&digits[at..at + 3]);
        }
        if !self.is_full() {
            path.push_str(&format!(".p/{}", self.width));
        }
        path
    }

    /// The tile of a path in just the form that [`Tile::path`] writes.
    pub fn parse(path: &str) -> Option<Tile> {
        let (kind, mut rest) = path.strip_prefix("tile/")?.split_once('/')?;
        let contents = match kind {
            "entries" => Contents::Entries,
            level => Contents::Hashes(level.parse().ok().filter(|level| *level <= 7)?),
        };
        let mut width = TILE_WIDTH;
        if let Some((tile, w)) = rest.split_once(".p/") {
            (rest, width) = (tile, w.parse().ok().filter(|w| (1..TILE_WIDTH).contains(w))?);
        }
        let digits: String = rest.split('/').map(|group| group.strip_prefix('x').unwrap_or(group)).collect();
        if digits.len() > 21 || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        let tile = Tile { contents, index: digits.parse().ok()?, width };
        (tile.path() == path).then_some(tile)
    }

    /// The hashes in a tile's bytes; `None` when there are not just as many as its width says.
    pub fn hashes(&self, bytes: &[u8]) -> Option<Vec<Hash>> {
        let (hashes, rest) = bytes.as_chunks::<32>();
        (rest.is_empty() && hashes.len() == usize::from(self.width)).then(|| hashes.to_vec())
    }

    /// The entries in a bundle's bytes: each after its length in two bytes, high byte first. `None` when they are not just as many as
    /// its width says.
    pub fn entries<'a>(&self, bytes: &'a [u8]) -> Option<Vec<&'a [u8]>> {
        split_entries(bytes).filter(|entries| entries.len() == usize::from(self.width))
    }
}

/// The entries in bytes that [`push_entry`] wrote, however many; `None` when the last was cut off.
pub fn split_entries(bytes: &[u8]) -> Option<Vec<&[u8]>> {
    let (mut entries, mut rest) = (Vec::new(), bytes);
    while let Some((length, after)) = rest.split_first_chunk::<2>() {
        let (entry, after) = after.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
        entries.push(entry);
        rest = after;
    }
    rest.is_empty().then_some(entries)
}

/// Appends an entry to a bundle's bytes. `None` for one longer than 65,535 bytes, which no bundle can hold.
pub fn push_entry(bundle: &mut Vec<u8>, entry: &[u8]) -> Option<()> {
    bundle.extend_from_slice(&u16::try_from(entry.len()).ok()?.to_be_bytes());
    bundle.extend_from_slice(entry);
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn paths_are_those_of_the_specification() {
        let tile = |contents, index, width| Tile { contents, index, width };
        for (tile, path) in [
            (tile(Contents::Hashes(0), 1_234_067, 256), "tile/0/x001/x234/067"),
            (tile(Contents::Hashes(1), 0, 17), "tile/1/000.p/17"),
            (tile(Contents::Entries, 273, 112), "tile/entries/273.p/112"),
            (tile(Contents::Entries, 1000, 256), "tile/entries/x001/000"),
        ] {
            assert_eq!(tile.path(), path);
            assert_eq!(Tile::parse(path), Some(tile));
        }
    }

    #[test]
    fn a_tree_of_70_000_has_the_tiles_of_the_specification() {
        assert_eq!(Tile::right_edge(0, 70_000).path(), "tile/0/273.p/112");
        assert_eq!(Tile::right_edge(1, 70_000).path(), "tile/1/001.p/17");
        assert_eq!(Tile::right_edge(2, 70_000).path(), "tile/2/000.p/1");
        assert_eq!(Tile::bundles(70_000).last().unwrap().path(), "tile/entries/273.p/112");
        assert_eq!(Tile::bundles(512).map(|t| t.width).collect::<Vec<_>>(), [256, 256]);
        assert_eq!(Tile::bundles(0).count(), 0);
    }

    #[test]
    fn other_spellings_are_no_tiles() {
        for path in [
            "tile/0/x001/x234/67",
            "tile/0/1",
            "tile/00/001",
            "tile/8/001",
            "tile/0/x000/001",
            "tile/0/001.p/256",
            "tile/0/001.p/0",
            "tile/0/001.p/01",
            "tile/0/001.p/+1",
            "tile/0/x999/x999/x999/x999/x999/x999/x999/999",
            "tile/0/001/x002",
            "tile/data/001",
            "tile/0/",
            "tile/0",
            "",
        ] {
            assert_eq!(Tile::parse(path), None, "{path}");
        }
    }

    proptest! {
        #[test]
        fn every_path_is_read_back(level in 0u8..8, entries in any::<bool>(), index in any::<u64>(), width in 1u16..=256) {
            let contents = if entries { Contents::Entries } else { Contents::Hashes(level) };
            let tile = Tile { contents, index, width };
            prop_assert_eq!(Tile::parse(&tile.path()), Some(tile));
        }

        #[test]
        fn bundles_are_read_back_and_cut_ones_are_not(entries in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..40), 1..20), cut in 1usize..40) {
            let mut bytes = Vec::new();
            entries.iter().for_each(|entry| push_entry(&mut bytes, entry).unwrap());
            let tile = Tile { contents: Contents::Entries, index: 0, width: entries.len() as u16 };
            prop_assert_eq!(tile.entries(&bytes).unwrap(), entries.iter().map(Vec::as_slice).collect::<Vec<_>>());
            prop_assert!(tile.entries(&bytes[..bytes.len().saturating_sub(cut)]).is_none());
        }
    }
}
