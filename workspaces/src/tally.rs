//! How many workspaces a tenant has: a record that is counted up with each that is made, and down with each that is gone from the cluster. Counting them anew would
//! take a read of them all, which conflicts with whatever is noted of any.

use coditect_store::{Transaction, record};
use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::keys::TenantKeys;

/// See the module.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Tally {
    pub(crate) workspaces: usize,
}

/// The tally of a tenant; nothing where none was made.
pub(crate) async fn read(tx: &Transaction, keys: &TenantKeys) -> Result<Tally> {
    match tx.get(&keys.tally()).await? {
        Some(bytes) => Ok(record::decode(&bytes, "the number of a tenant's workspaces")?),
        None => Ok(Tally::default()),
    }
}

/// One was made.
pub(crate) async fn add(tx: &Transaction, keys: &TenantKeys) -> Result<()> {
    let Tally { workspaces } = read(tx, keys).await?;
    write(tx, keys, Tally { workspaces: workspaces.saturating_add(1) })
}

/// One is gone.
pub(crate) async fn take(tx: &Transaction, keys: &TenantKeys) -> Result<()> {
    let Tally { workspaces } = read(tx, keys).await?;
    write(tx, keys, Tally { workspaces: workspaces.saturating_sub(1) })
}

fn write(tx: &Transaction, keys: &TenantKeys, tally: Tally) -> Result<()> {
    tx.set(&keys.tally(), &record::encode(&tally)?);
    Ok(())
}
