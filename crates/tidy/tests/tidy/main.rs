//! The rules of the house as tests: what `docs/architecture.md` promises and a compiler cannot see.
#![allow(clippy::unwrap_used, reason = "tests")]

mod arrows;
mod container;
mod documents;
mod purity;
mod sources;
