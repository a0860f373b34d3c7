//! Tenants: who has ever had users here. The clean-up goes by these.

use coditect_store::{RangeQuery, TenantId, Transaction, record};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::auth::Inner;
use crate::error::{Error, ErrorKind, Result};
use crate::keys::Keys;

/// The record of a tenant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Tenant {
    pub(crate) created_at: Timestamp,
}

pub(crate) async fn is_there(tx: &Transaction, keys: &Keys, tenant: &TenantId) -> Result<bool> {
    Ok(tx.get(&keys.tenant_record(tenant)).await?.is_some())
}

/// Makes the record of a tenant unless it is there.
pub(crate) async fn ensure(tx: &Transaction, keys: &Keys, tenant: &TenantId, now: Timestamp) -> Result<()> {
    if !is_there(tx, keys, tenant).await? {
        tx.set(&keys.tenant_record(tenant), &record::encode(&Tenant { created_at: now })?);
    }
    Ok(())
}

/// All tenants, in the order of their names.
pub(crate) async fn all(auth: &Inner) -> Result<Vec<TenantId>> {
    let space = &auth.keys.tenants();
    let mut range = Some(RangeQuery::from(space));
    let mut tenants = Vec::new();
    while let Some(query) = range {
        let page = auth.run(|tx| {
            let query = query.clone();
            async move { Ok(tx.snapshot().get_range(query).await?) }
        });
        let page = page.await?;
        for item in &page.items {
            let corrupt = || Error::new(ErrorKind::Corrupt, "read the key of a tenant");
            let name: String = space.unpack(&item.key).map_err(|error| corrupt().caused_by(error))?;
            tenants.push(TenantId::new(name)?);
        }
        range = query.rest(&page);
    }
    Ok(tenants)
}
