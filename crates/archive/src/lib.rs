//! All that survives a restart: objects and receipts in one bucket or folder, and beside them an index and a work queue that
//! can be lost and rebuilt. It is *not* the place of the pipeline's order, or of keys; times and identifiers are arguments.
//!
//! Start with [`layout`] (what lies where and why), then [`store`] (the order of writes and the commit point), then [`fsck`].
//! [`index`] and [`queue`] share one SQLite file; neither is ever the proof of anything.

mod body;
pub mod codes;
mod database;
pub mod destroy;
pub mod entry;
pub mod error;
pub mod fsck;
pub mod index;
pub mod keyring;
pub mod layout;
pub mod lists;
pub mod log;
pub mod objects;
pub mod pushes;
pub mod query;
pub mod queue;
pub mod rebuild;
pub mod register;
pub mod search;
pub mod store;
mod words;

pub use codes::CodeNote;
pub use destroy::{Destroyed, DestroyedNote, Destruction, Doomed};
pub use entry::{Entry, PageCounts};
pub use error::{Error, Remedy, Result};
pub use fsck::{Finding, Kind, Report};
pub use index::{Filter, Index, Status};
pub use keyring::StoredKeyring;
pub use lists::{Counted, Glance};
pub use log::{Log, LogReader};
pub use objects::Objects;
pub use pushes::Pushes;
pub use queue::{DeadJob, Failure, Job, JobState, Order, Queue, QueueCounts, Waiting};
pub use rebuild::{ReadRegister, Rebuilt};
pub use register::{Candidates, IndexedRow, RegisterNote, RegisterRow};
pub use search::{Cursor, Found, Hit};
pub use store::{Archive, Arrival, ArrivalNote, Arrived, Arriving, Commit, Shown, SourceBytes, new_record_id, remove_index};
