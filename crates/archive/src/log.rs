//! The transparency log in the archive's own bucket or folder: one line of history, written by any number of programs.
//!
//! ```text
//! log/heads/<k>                 head k of the log, signed: create-only, so there is one k-th head: THE COMMIT POINT
//! log/staging/<k>-<root>        the entries that head k adds, until they are in bundles; kept, since nothing is ever removed
//! log/tile/…                    C2SP tlog-tiles: hashes and entries, never changed once written
//! log/checkpoint                the newest published checkpoint; the only name of the archive that is written over
//! log/cosigned/<size>           each checkpoint that a quorum of witnesses cosigned: create-only, never needed to go on
//! log/anchors/<size>/<n>.tst    time stamps (RFC 3161) over a checkpoint, each later one renewing the one before: create-only
//! log/create-only               written once, to see that the store refuses a second time
//! ```
//! An append goes: staged entries → head (the commit point) → tiles and bundles → checkpoint. Before the head exists nothing of it is
//! visible; after it everything follows from head and staged entries, so whoever opens the log next completes it by the same code.
//! Of two writers one creates the next head; the other begins again on top of it. Their checkpoints may cross, since a folder knows no
//! compare-and-swap: then an older one lies there for a moment, until its writer sees the newer head and publishes that. A checkpoint is signed only after its head exists:
//! a signature on a head that lost would be a second history. Heads are signed notes too, with a text that is no checkpoint's.
//!
//! What this cannot see by itself is a store that was taken back to an older state. So a log is not continued when anything knows of
//! a newer one: the published checkpoint, the index beside the archive, or the checkpoint that the caller kept beside the key.

mod excerpt;
pub(crate) mod leaves;
mod read;
mod write;

pub(crate) use leaves::Leaves;
pub use read::LogReader;
pub(crate) use read::place;
pub use write::Log;

/// Where the log is in the store.
pub const LOG: &str = "log";
