//! What runs sohoa: commands, configuration, ingest, workers, page children. The program itself is `main.rs`; this is a library
//! so that tests and fuzzers reach what reads outside bytes. It does *not* promise its interface to anyone else.

pub mod access_log;
pub mod anchoring;
mod api;
pub mod archive_home;
mod arrive;
pub mod cause;
pub mod cli;
pub mod commands;
pub mod config;
mod console;
pub mod cosigning;
pub mod door;
pub mod heap;
mod held_up;
mod http;
mod ingest;
pub mod key_changes;
pub mod keyring;
mod last_check;
pub mod lock_out;
pub mod log_witness;
pub mod logbook;
mod noticed;
mod oidc;
pub mod page_protocol;
pub mod people;
mod present;
mod progress;
mod registers;
pub mod result_code;
pub mod review;
mod running;
mod same_paper;
pub mod sandbox;
pub mod sandbox_child;
pub mod sandbox_walls;
mod sealing;
mod serve;
pub mod sessions;
pub mod sign;
pub mod stages;
mod stations;
mod time;
pub mod traces;
pub mod walk;
mod watch;
mod whole;
mod witness;
mod workbench;
pub mod worker;

#[cfg(test)]
#[path = "../tests/common/jws.rs"]
mod jws;
#[cfg(test)]
#[path = "../tests/common/test_log.rs"]
mod test_log;
