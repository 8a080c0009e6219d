//! Keys and signatures of the archive. It is *not* a place for files, prompts or randomness: texts, passwords and random
//! bytes are arguments, so that the service alone decides where a key lives and who may read it.

pub mod keys;
#[cfg(feature = "validation")]
pub mod validate;

pub use keys::{KeyFileError, Salting};
