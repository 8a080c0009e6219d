//! What the tidy test sees of the source tree: its files, its Rust code without words, its dependencies. Not part of the product.
//!
//! The rules themselves are in `tests/tidy/`, one file a subject; run them with `cargo nextest run -p sohoa-tidy`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a program of tests: a panic is its way to report")]

pub mod code;
pub mod packages;
pub mod tree;
