//! The knowledge engine: documents become indexes, queries become ranked passages with citations.
//!
//! The store is the truth; everything under [`index`] is rebuilt from it. The engine neither parses nor embeds:
//! callers hand it passages with their vectors, and queries with theirs. All access goes through [`Tenant`],
//! a handle bound to one tenant.

mod backup;
mod bucket;
pub mod context;
pub mod documents;
mod engine;
mod error;
pub mod filter;
pub mod index;
pub mod keyword;
pub mod limits;
pub mod model;
mod reach;
mod recall;
pub mod search;
mod snapshots;
mod storage;
mod tenant;
mod tokens;
mod upkeep;
pub mod vector;
mod verify;

pub use backup::restore::{RestoreOptions, Restored, restore, unfinished_restore};
pub use backup::{BackupInfo, BackupOptions};
pub use bucket::{Bucket, BucketOptions};
pub use engine::{Engine, EngineOptions, Readiness};
pub use error::{Error, ErrorKind, Result};
pub use recall::RecallOptions;
pub use snapshots::{SnapshotInfo, SnapshotOptions};
pub use tenant::{Reading, Tenant};
pub use upkeep::{Job as UpkeepJob, UpkeepOptions};
pub use verify::{Area, Difference, Verified};
