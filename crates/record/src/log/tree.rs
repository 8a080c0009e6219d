//! The Merkle tree's hashes (RFC 6962 §2.1), and its right edge: all that must be known of a tree to append to it.

use super::tile::{Contents, TILE_WIDTH, Tile};
use sha2::{Digest as _, Sha256};

/// A SHA-256 digest of a leaf or node.
pub type Hash = [u8; 32];

/// The hash of a leaf: SHA-256(0x00 ‖ entry).
pub fn leaf_hash(entry: &[u8]) -> Hash {
    Sha256::new().chain_update([0]).chain_update(entry).finalize().into()
}

/// The hash of a node: SHA-256(0x01 ‖ left ‖ right).
pub fn node_hash(left: &Hash, right: &Hash) -> Hash {
    Sha256::new().chain_update([1]).chain_update(left).chain_update(right).finalize().into()
}

/// The root of the tree without leaves: SHA-256 of nothing.
pub fn empty_root() -> Hash {
    Sha256::digest([]).into()
}

/// The root of a complete tree whose leaves (or nodes of one level) are `hashes`; their number is a power of two.
pub fn complete_root(hashes: &[Hash]) -> Hash {
    match hashes {
        [one] => *one,
        many => {
            let (left, right) = many.split_at(many.len() / 2);
            node_hash(&complete_root(left), &complete_root(right))
        }
    }
}

/// The right edge of a tree of `size` leaves: the hashes that are not yet in a full tile, level by level (level 0 has leaves, a hash
/// of level n + 1 stands for a full tile of level n). It takes new leaves, says which tiles they fill, and knows the root.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Edge {
    size: u64,
    levels: Vec<Vec<Hash>>,
}

impl Edge {
    /// The edge of a tree of `size` leaves from its partial tiles, as [`Edge::tiles`] names them; `None` when one has another width.
    pub fn load(size: u64, mut hashes: impl FnMut(Tile) -> Option<Vec<Hash>>) -> Option<Edge> {
        let mut levels = Vec::new();
        for (level, width) in widths(size).enumerate() {
            let tile = (width > 0).then(|| Tile::right_edge(level as u8, size));
            let found = tile.map_or(Some(Vec::new()), &mut hashes)?;
            if found.len() as u64 != width {
                return None;
            }
            levels.push(found);
        }
        Some(Edge { size, levels })
    }

    /// The number of leaves.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Appends a leaf. `full` gets every tile that it fills, with its hashes, lowest level first.
    pub fn push(&mut self, leaf: Hash, mut full: impl FnMut(Tile, Vec<Hash>)) {
        let mut hash = leaf;
        for level in 0.. {
            if self.levels.len() == level {
                self.levels.push(Vec::new());
            }
            self.levels[level].push(hash);
            if self.levels[level].len() < TILE_WIDTH as usize {
                break;
            }
            let hashes = std::mem::take(&mut self.levels[level]);
            hash = complete_root(&hashes);
            // The tile's last leaf is the one that is being appended.
            let index = self.size >> (8 * (level + 1));
            full(Tile { contents: Contents::Hashes(level as u8), index, width: TILE_WIDTH }, hashes);
        }
        self.size += 1;
    }

    /// The partial tiles, lowest level first, with their hashes.
    pub fn tiles(&self) -> impl Iterator<Item = (Tile, &[Hash])> {
        let levels = self.levels.iter().enumerate().filter(|(_, hashes)| !hashes.is_empty());
        levels.map(|(level, hashes)| (Tile::right_edge(level as u8, self.size), hashes.as_slice()))
    }

    /// The root (MTH of RFC 6962 §2.1): complete subtrees are folded from the right.
    pub fn root(&self) -> Hash {
        let mut root: Option<Hash> = None;
        for hashes in &self.levels {
            let mut rest = hashes.as_slice();
            // Its lowest set bit is the width of the rightmost complete subtree.
            while !rest.is_empty() {
                let (left, subtree) = rest.split_at(rest.len() - (1 << rest.len().trailing_zeros()));
                let subtree = complete_root(subtree);
                root = Some(root.map_or(subtree, |right| node_hash(&subtree, &right)));
                rest = left;
            }
        }
        root.unwrap_or_else(empty_root)
    }
}

/// How many hashes of each level are not in a full tile.
fn widths(size: u64) -> impl Iterator<Item = u64> {
    (0..8).map(move |level| size >> (8 * level)).take_while(|n| *n > 0).map(|n| n % u64::from(TILE_WIDTH))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// The definition of RFC 6962 §2.1, word by word.
    pub(crate) fn naive_root(leaves: &[Hash]) -> Hash {
        match leaves.len() {
            0 => empty_root(),
            1 => leaves[0],
            n => {
                let k = 1 << (usize::BITS - 1 - (n - 1).leading_zeros());
                node_hash(&naive_root(&leaves[..k]), &naive_root(&leaves[k..]))
            }
        }
    }

    pub(crate) fn leaves(n: u64) -> Vec<Hash> {
        (0..n).map(|i| leaf_hash(&i.to_be_bytes())).collect()
    }

    #[test]
    fn roots_are_those_published_for_certificate_transparency() {
        // The reference tree of the certificate-transparency project (merkletree tests): 8 leaves.
        let entries = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
            .map(|h| hex::decode(h).unwrap());
        let roots = [
            "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
            "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
            "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
            "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
            "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
            "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
            "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
        ];
        let mut edge = Edge::default();
        assert_eq!(hex::encode(edge.root()), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
        for (entry, root) in entries.iter().zip(roots) {
            edge.push(leaf_hash(entry), |_, _| {});
            assert_eq!(hex::encode(edge.root()), root);
        }
    }

    #[test]
    fn the_edge_grows_like_the_definition() {
        let all = leaves(66_000);
        let mut edge = Edge::default();
        let mut filled = Vec::new();
        for (i, leaf) in all.iter().enumerate() {
            edge.push(*leaf, |tile, hashes| filled.push((tile, hashes)));
            let n = i + 1;
            if n < 530 || (65_530..65_545).contains(&n) || n % 7_919 == 0 {
                assert_eq!(edge.root(), naive_root(&all[..n]), "size {n}");
                let reloaded = Edge::load(n as u64, |tile| edge.tiles().find(|(t, _)| *t == tile).map(|(_, h)| h.to_vec()));
                assert_eq!(reloaded.as_ref(), Some(&edge), "size {n}");
            }
        }
        assert_eq!(filled.len(), 66_000 / 256 + 1);
        for (tile, hashes) in filled {
            let Contents::Hashes(level) = tile.contents else { unreachable!() };
            let span = 1usize << (8 * level);
            let first = tile.index as usize * 256;
            for (i, hash) in hashes.iter().enumerate() {
                assert_eq!(*hash, naive_root(&all[(first + i) * span..(first + i + 1) * span]));
            }
        }
    }
}
