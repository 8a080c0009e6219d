//! The transparency log: an append-only Merkle tree of leaves, one for each sealed revision (and key event, destruction, renewal),
//! whose signed checkpoints show later that nothing was taken out, put in or moved. Formats are those of C2SP (c2sp.org:
//! signed-note, tlog-checkpoint, tlog-cosignature, tlog-witness, tlog-tiles, tlog-proof, tlog-policy), hashes those of RFC 6962 §2.1.
//!
//! Like the whole crate it is pure: where tiles lie, and in which order they are written, is the archive's matter.

pub mod add_checkpoint;
pub mod checkpoint;
pub mod continued;
pub mod cosignature;
pub mod head;
pub mod leaf;
pub mod note;
pub mod older;
pub mod policy;
pub mod proof;
pub mod tile;
pub mod tlog_proof;
pub mod tree;

pub use add_checkpoint::AddCheckpoint;
pub use checkpoint::Checkpoint;
pub use continued::Continued;
pub use head::Head;
pub use leaf::{Kind, Leaf};
pub use note::{Note, NoteSigner, VerifierKey};
pub use older::OlderCheckpoint;
pub use policy::LogPolicy;
pub use tile::Tile;
pub use tlog_proof::TlogProof;
pub use tree::{Edge, Hash};
