//! Inclusion and consistency proofs: made as RFC 6962 §2.1.1 and §2.1.2 define them, checked as RFC 9162 §2.1.3.2 and §2.1.4.2 say.
//!
//! A proof is first a [`Plan`]: which complete subtrees it is folded from. So whoever keeps tiles can fetch those that are needed and
//! then fill the plan in.

use super::tile::{Contents, Tile};
use super::tree::{Hash, complete_root, node_hash};

/// A complete subtree: the `2^height` leaves from `index << height`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Node {
    /// 0 is a leaf.
    pub height: u8,
    /// Its place among the subtrees of its height.
    pub index: u64,
}

impl Node {
    /// The tile that has the node, of a tree of `size` leaves.
    pub fn tile(&self, size: u64) -> Tile {
        let level = self.height / 8;
        Tile::holding(Contents::Hashes(level), self.index << (self.height % 8), size)
    }

    /// The node's hash from the hashes of the tile that has it; `None` when the tile ends before.
    pub fn in_tile(&self, tile: &[Hash]) -> Option<Hash> {
        let within = self.height % 8;
        let from = ((self.index << within) % 256) as usize;
        tile.get(from..from + (1 << within)).map(complete_root)
    }
}

/// A proof that is not filled in yet: for each of its hashes the complete subtrees that it is folded from, left to right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan(Vec<Vec<Node>>);

impl Plan {
    /// That the leaf `index` is in the tree of `size` leaves. `None` unless `index < size`.
    pub fn inclusion(index: u64, size: u64) -> Option<Plan> {
        let mut plan = Vec::new();
        let (mut low, mut high) = (0, (index < size).then_some(size)?);
        while high - low > 1 {
            let middle = low + split(high - low);
            if index < middle {
                plan.push(subtrees(middle, high));
                high = middle;
            } else {
                plan.push(subtrees(low, middle));
                low = middle;
            }
        }
        plan.reverse();
        Some(Plan(plan))
    }

    /// That the tree of `size` leaves begins with the leaves of the tree of `old` leaves. `None` unless `old <= size`.
    pub fn consistency(old: u64, size: u64) -> Option<Plan> {
        let mut plan = Vec::new();
        let (mut low, mut high) = (0, (old <= size).then_some(size)?);
        if old == 0 {
            return Some(Plan(plan));
        }
        while old != high {
            let middle = low + split(high - low);
            if old <= middle {
                plan.push(subtrees(middle, high));
                high = middle;
            } else {
                plan.push(subtrees(low, middle));
                low = middle;
            }
        }
        // The verifier knows the old root, which is this subtree only when it begins at the first leaf.
        if low > 0 {
            plan.push(subtrees(low, high));
        }
        plan.reverse();
        Some(Plan(plan))
    }

    /// The root of the tree of `size` leaves, as a proof of one hash; of none when it has no leaves.
    pub fn root(size: u64) -> Plan {
        Plan(if size == 0 { Vec::new() } else { vec![subtrees(0, size)] })
    }

    /// Every subtree that is needed.
    pub fn nodes(&self) -> impl Iterator<Item = Node> {
        self.0.iter().flatten().copied()
    }

    /// The proof, from the hash of each subtree.
    pub fn fill<E>(&self, mut hash: impl FnMut(Node) -> Result<Hash, E>) -> Result<Vec<Hash>, E> {
        let mut proof = Vec::with_capacity(self.0.len());
        for nodes in &self.0 {
            let mut folded: Option<Hash> = None;
            for node in nodes.iter().rev() {
                let left = hash(*node)?;
                folded = Some(folded.map_or(left, |right| node_hash(&left, &right)));
            }
            proof.extend(folded);
        }
        Ok(proof)
    }
}

/// The largest power of two below `n`, which is at least 2.
fn split(n: u64) -> u64 {
    1 << (u64::BITS - 1 - (n - 1).leading_zeros())
}

/// The complete subtrees that the leaves from `low` to `high` fall into, left to right. `low` is a multiple of a power of two that is
/// not below their number, as all ranges in proofs are.
fn subtrees(mut low: u64, high: u64) -> Vec<Node> {
    let mut nodes = Vec::new();
    while low < high {
        let height = (high - low).ilog2() as u8;
        nodes.push(Node { height, index: low >> height });
        low += 1 << height;
    }
    nodes
}

/// The root that follows from an inclusion proof (RFC 9162 §2.1.3.2); `None` when the proof has not the length it must have.
pub fn root_of_inclusion(leaf: &Hash, index: u64, size: u64, proof: &[Hash]) -> Option<Hash> {
    if index >= size {
        return None;
    }
    let (mut first, mut last, mut root) = (index, size - 1, *leaf);
    for step in proof {
        if last == 0 {
            return None;
        }
        if first & 1 == 1 || first == last {
            root = node_hash(step, &root);
            while first & 1 == 0 && first != 0 {
                (first, last) = (first >> 1, last >> 1);
            }
        } else {
            root = node_hash(&root, step);
        }
        (first, last) = (first >> 1, last >> 1);
    }
    (last == 0).then_some(root)
}

/// Whether `proof` shows that the leaf with that hash is at `index` of the tree of `size` leaves with that root.
pub fn includes(leaf: &Hash, index: u64, size: u64, root: &Hash, proof: &[Hash]) -> bool {
    root_of_inclusion(leaf, index, size, proof).as_ref() == Some(root)
}

/// Whether `proof` shows that the tree of `size` leaves continues the tree of `old` leaves (RFC 9162 §2.1.4.2). Equal sizes have equal
/// roots and an empty proof; every tree continues the empty one.
pub fn continues(old: u64, old_root: &Hash, size: u64, root: &Hash, proof: &[Hash]) -> bool {
    if old == 0 {
        return proof.is_empty() && *old_root == super::tree::empty_root();
    }
    if old == size {
        return proof.is_empty() && old_root == root;
    }
    if old > size {
        return false;
    }
    let (seed, rest) = match proof.split_first() {
        _ if old.is_power_of_two() => (old_root, proof),
        Some((seed, rest)) => (seed, rest),
        None => return false,
    };
    let (mut first, mut last) = (old - 1, size - 1);
    while first & 1 == 1 {
        (first, last) = (first >> 1, last >> 1);
    }
    let (mut from_old, mut from_new) = (*seed, *seed);
    for step in rest {
        if last == 0 {
            return false;
        }
        if first & 1 == 1 || first == last {
            from_old = node_hash(step, &from_old);
            from_new = node_hash(step, &from_new);
            while first & 1 == 0 && first != 0 {
                (first, last) = (first >> 1, last >> 1);
            }
        } else {
            from_new = node_hash(&from_new, step);
        }
        (first, last) = (first >> 1, last >> 1);
    }
    last == 0 && from_old == *old_root && from_new == *root
}

#[cfg(test)]
mod tests {
    use super::super::tree::tests::{leaves, naive_root};
    use super::*;
    use proptest::prelude::*;
    use std::convert::Infallible;

    /// PATH of RFC 6962 §2.1.1, word by word.
    fn naive_path(index: usize, leaves: &[Hash]) -> Vec<Hash> {
        if leaves.len() == 1 {
            return Vec::new();
        }
        let k = split(leaves.len() as u64) as usize;
        let (mut path, sibling) = if index < k {
            (naive_path(index, &leaves[..k]), naive_root(&leaves[k..]))
        } else {
            (naive_path(index - k, &leaves[k..]), naive_root(&leaves[..k]))
        };
        path.push(sibling);
        path
    }

    /// SUBPROOF of RFC 6962 §2.1.2, word by word.
    fn naive_subproof(m: usize, leaves: &[Hash], whole: bool) -> Vec<Hash> {
        if m == leaves.len() {
            return if whole { Vec::new() } else { vec![naive_root(leaves)] };
        }
        let k = split(leaves.len() as u64) as usize;
        let (mut proof, sibling) = if m <= k {
            (naive_subproof(m, &leaves[..k], whole), naive_root(&leaves[k..]))
        } else {
            (naive_subproof(m - k, &leaves[k..], false), naive_root(&leaves[..k]))
        };
        proof.push(sibling);
        proof
    }

    fn fill(plan: &Plan, leaves: &[Hash]) -> Vec<Hash> {
        let hash = |node: Node| {
            let span = 1usize << node.height;
            Ok::<_, Infallible>(naive_root(&leaves[node.index as usize * span..(node.index as usize + 1) * span]))
        };
        plan.fill(hash).unwrap()
    }

    #[test]
    fn every_proof_of_every_small_tree_is_that_of_the_definition_and_verifies() {
        let all = leaves(70);
        for size in 1..=all.len() {
            let (leaves, root) = (&all[..size], naive_root(&all[..size]));
            for (index, leaf) in leaves.iter().enumerate() {
                let proof = fill(&Plan::inclusion(index as u64, size as u64).unwrap(), leaves);
                assert_eq!(proof, naive_path(index, leaves), "leaf {index} of {size}");
                assert!(includes(leaf, index as u64, size as u64, &root, &proof));
            }
            for old in 1..=size {
                let proof = fill(&Plan::consistency(old as u64, size as u64).unwrap(), leaves);
                assert_eq!(proof, naive_subproof(old, leaves, true), "{old} to {size}");
                assert!(continues(old as u64, &naive_root(&all[..old]), size as u64, &root, &proof));
            }
            assert_eq!(fill(&Plan::root(size as u64), leaves), [root]);
        }
        assert_eq!((Plan::inclusion(3, 3), Plan::consistency(4, 3)), (None, None));
    }

    #[test]
    fn the_empty_tree_proves_nothing_and_is_continued_by_all() {
        let (empty, root) = (naive_root(&[]), naive_root(&leaves(5)));
        assert!(continues(0, &empty, 5, &root, &[]) && continues(0, &empty, 0, &empty, &[]));
        assert!(!continues(0, &root, 5, &root, &[]) && !continues(0, &empty, 5, &root, &[root]));
        assert!(!includes(&root, 0, 0, &empty, &[]));
    }

    proptest! {
        #[test]
        fn a_proof_that_was_changed_in_any_way_fails(size in 2u64..700, at in any::<proptest::sample::Index>(), old in any::<proptest::sample::Index>(), step in any::<proptest::sample::Index>(), bit in 0usize..256) {
            let all = leaves(size);
            let root = naive_root(&all);
            let index = at.index(all.len());
            let proof = fill(&Plan::inclusion(index as u64, size).unwrap(), &all);
            let holds = |leaf: &Hash, index: usize, size: u64, proof: &[Hash]| includes(leaf, index as u64, size, &root, proof);
            prop_assert!(holds(&all[index], index, size, &proof));
            let other = (index + 1) % all.len();
            prop_assert!(!holds(&all[other], index, size, &proof));
            prop_assert!(!holds(&all[index], other, size, &proof));
            prop_assert!(!holds(&flipped(&all[index], bit), index, size, &proof));
            prop_assert!(!includes(&all[index], index as u64, size, &flipped(&root, bit), &proof));
            for changed in mutations(&proof, step, bit) {
                prop_assert!(!holds(&all[index], index, size, &changed));
            }

            let old = 1 + old.index(all.len() - 1);
            let old_root = naive_root(&all[..old]);
            let proof = fill(&Plan::consistency(old as u64, size).unwrap(), &all);
            let holds = |old: usize, old_root: &Hash, size: u64, root: &Hash, proof: &[Hash]| continues(old as u64, old_root, size, root, proof);
            prop_assert!(holds(old, &old_root, size, &root, &proof));
            prop_assert!(!holds(old, &flipped(&old_root, bit), size, &root, &proof));
            prop_assert!(!holds(old, &old_root, size, &flipped(&root, bit), &proof));
            prop_assert!(!holds(old, &root, size, &old_root, &proof));
            for changed in mutations(&proof, step, bit) {
                prop_assert!(!holds(old, &old_root, size, &root, &changed));
            }
        }
    }

    fn flipped(hash: &Hash, bit: usize) -> Hash {
        let mut hash = *hash;
        hash[bit / 8] ^= 1 << (bit % 8);
        hash
    }

    /// Every proof that is one change away: a bit, a hash less, more, twice, two swapped.
    fn mutations(proof: &[Hash], at: proptest::sample::Index, bit: usize) -> Vec<Vec<Hash>> {
        let mut all = vec![[proof, &[[7; 32]]].concat(), [&[[7; 32]], proof].concat()];
        if !proof.is_empty() {
            let i = at.index(proof.len());
            let change = |change: &dyn Fn(&mut Vec<Hash>)| {
                let mut proof = proof.to_vec();
                change(&mut proof);
                proof
            };
            all.push(change(&|p| p[i] = flipped(&p[i], bit)));
            all.push([&proof[..i], &proof[i + 1..]].concat());
            all.push(change(&|p| p.insert(i, p[i])));
            if proof.len() > 1 {
                all.push(change(&|p| p.swap(i, (i + 1) % proof.len())));
            }
        }
        all
    }
}
