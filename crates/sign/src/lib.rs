//! Keys and signatures of the archive. It is *not* a place for files, prompts, sockets or randomness: texts, passwords, random
//! bytes and whoever asks the network are arguments, so that the service alone decides where a key lives and who may read it.

pub mod keys;
#[cfg(feature = "validation")]
pub mod validate;

// Legal signatures on PDF files (feature `signing`): the auditors' program makes none and does not carry it.
#[cfg(feature = "signing")]
pub mod algorithm;
#[cfg(feature = "signing")]
pub mod appearance;
#[cfg(feature = "signing")]
mod asn1;
#[cfg(feature = "signing")]
pub mod certificate;
#[cfg(feature = "signing")]
pub mod cms;
#[cfg(feature = "signing")]
mod error;
#[cfg(feature = "signing")]
pub mod pades;
#[cfg(feature = "signing")]
pub mod pdf;
#[cfg(feature = "signing")]
pub mod revocation;
#[cfg(feature = "signing")]
pub mod signer;
#[cfg(feature = "signing")]
pub mod timestamp;

#[cfg(feature = "signing")]
pub use error::{CertificateFault, SignError};
pub use keys::{KeyFileError, Salting};
