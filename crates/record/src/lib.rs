//! What sohoa keeps and signs: the words of a page, the fields read from them, the manifest of a document, its signed receipt, and
//! the log in which receipts are noted for good. It is *not* a place for files, sockets, clocks or randomness: time, salts, keys
//! and bytes are arguments, so the same inputs give the same bytes, and an auditor can read the whole crate in an hour.

pub mod digest;
pub mod dossier;
pub mod envelope;
pub mod field;
pub mod identifier;
pub mod keyring;
pub mod log;
pub mod manifest;
pub mod page_code;
pub mod page_look;
pub mod page_texts;
pub mod personal;
pub mod reason;
pub mod seal;
pub mod signature;
pub mod stage;
pub mod text;
pub mod tombstone;
pub mod trust;

pub use digest::{Digests, Hasher, NameHasher, Sha256Hex};
pub use dossier::DossierCode;
pub use envelope::Envelope;
pub use field::Field;
pub use keyring::Keyring;
pub use manifest::Manifest;
pub use page_code::{CodeKind, PageCode};
pub use page_look::PageLook;
pub use page_texts::TextPage;
pub use reason::Reason;
pub use seal::Receipt;
pub use stage::Stage;
pub use text::{Correction, Line, PageText, Placement, Rect, Word};
pub use tombstone::Tombstone;
pub use trust::TrustPolicy;
