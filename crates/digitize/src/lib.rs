//! The pipeline itself: a scan's bytes in; text, fields and a searchable PDF/A out.
//!
//! CPU only: it opens no file or socket, reads no clock and draws no random number. It does *not* store, sign or count.
//! Read this file first; each stage is the file named after it:
//! [`decode`] → [`clean`] → [`recognize`] → [`extract`] → [`render`].

pub mod decode;
pub mod extract;
pub mod page;
pub mod render;
