//! The exported functions, under the names of `fdb_c.h` 7.3. They turn pointers into values and do nothing else.
//!
//! What FoundationDB exports beyond these (tenants, blob granules, administration) is not here; a program that needs it does
//! not link.

pub mod database;
pub mod future;
pub mod network;
pub mod transaction;
