//! Limits of tenants and callers: requests, documents and bytes, in the memory of this process.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use coditect_auth::{Caller, Limiter, Rate};
use coditect_store::{Clock, TenantId};

use crate::problem::{Code, Problem, Result};
use crate::settings::{QuotaSettings, Rates};

/// The limits of this server.
#[derive(Clone)]
pub(crate) struct Quotas(Arc<Both>);

struct Both {
    tenant: Limits<TenantId>,
    caller: Limits<String>,
}

/// Limits by one kind of key; what is not limited has none.
struct Limits<K: std::hash::Hash + Eq + Clone> {
    requests: Option<Limiter<K>>,
    documents: Option<Limiter<K>>,
    bytes: Option<Limiter<K>>,
}

/// What a caller's writes are taken off.
pub(crate) struct Charge {
    quotas: Quotas,
    tenant: TenantId,
    caller: String,
}

impl Quotas {
    pub(crate) fn new(settings: &QuotaSettings, clock: &Clock) -> Self {
        Self(Arc::new(Both {
            tenant: Limits::new(&settings.tenant, clock),
            caller: Limits::new(&settings.caller, clock),
        }))
    }

    /// Takes a request off the limits.
    pub(crate) fn request(&self, caller: &Caller) -> Result<()> {
        let one = NonZeroU32::MIN;
        // What the caller's own limit refuses is not taken off its tenant's.
        if self.0.caller.requests.is_some() {
            take("caller", "requests", &self.0.caller.requests, &caller.limit_key(), one)?;
        }
        take("tenant", "requests", &self.0.tenant.requests, caller.tenant(), one)
    }

    pub(crate) fn charge(&self, caller: &Caller) -> Charge {
        Charge { quotas: self.clone(), tenant: caller.tenant().clone(), caller: caller.limit_key() }
    }
}

impl Charge {
    /// Takes documents and their bytes off the limits.
    pub(crate) fn take(&self, documents: usize, bytes: usize) -> Result<()> {
        let Both { tenant, caller } = &*self.quotas.0;
        let count = |count: usize| NonZeroU32::new(u32::try_from(count).unwrap_or(u32::MAX));
        if let Some(documents) = count(documents) {
            take("caller", "documents", &caller.documents, &self.caller, documents)?;
            take("tenant", "documents", &tenant.documents, &self.tenant, documents)?;
        }
        if let Some(bytes) = count(bytes) {
            take("caller", "bytes", &caller.bytes, &self.caller, bytes)?;
            take("tenant", "bytes", &tenant.bytes, &self.tenant, bytes)?;
        }
        Ok(())
    }
}

impl<K: std::hash::Hash + Eq + Clone> Limits<K> {
    fn new(rates: &Rates, clock: &Clock) -> Self {
        let limiter =
            |count, rate: fn(NonZeroU32) -> Rate| NonZeroU32::new(count).map(|count| Limiter::new(rate(count), clock));
        Self {
            requests: limiter(rates.requests_per_s, Rate::per_second),
            documents: limiter(rates.documents_per_min, Rate::per_minute),
            bytes: limiter(rates.bytes_per_min, Rate::per_minute),
        }
    }
}

fn take<K: std::hash::Hash + Eq + Clone>(
    whose: &'static str,
    what: &'static str,
    limiter: &Option<Limiter<K>>,
    key: &K,
    count: NonZeroU32,
) -> Result<()> {
    let Some(Err(wait)) = limiter.as_ref().map(|limiter| limiter.take(key, count)) else { return Ok(()) };
    metrics::counter!("quota_refusals_total", "by" => whose, "what" => what).increment(1);
    if wait == Duration::MAX {
        let detail =
            format!("{count} {what} at once are more than the {whose}'s limit ever allows: send less at a time");
        return Err(Problem::new(Code::TooManyRequests, detail));
    }
    let detail = format!("the {whose}'s limit of {what} is used up for the moment");
    Err(Problem::new(Code::TooManyRequests, detail).retry_after(wait))
}
