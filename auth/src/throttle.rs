//! Limits on how often somebody does something, by the generic cell rate algorithm (GCRA), in the memory of this process.

use std::hash::Hash;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use coditect_store::{Clock, TenantId};
use governor::clock::Clock as GovernorClock;
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::keyed::DashMapStateStore;
use governor::{Quota, RateLimiter};

use crate::error::{Error, ErrorKind, Result};
use crate::limits;

/// How much is free at once, and how fast it comes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// So much at once.
    pub burst: NonZeroU32,
    /// The pause in which one comes back.
    pub pause: Duration,
}

impl Rate {
    /// So many a second, and as many at once.
    #[must_use]
    pub fn per_second(count: NonZeroU32) -> Self {
        Self { burst: count, pause: Duration::from_secs(1) / count.get() }
    }

    /// So many a minute, and as many at once.
    #[must_use]
    pub fn per_minute(count: NonZeroU32) -> Self {
        Self { burst: count, pause: Duration::from_secs(60) / count.get() }
    }
}

/// One limit for each key.
pub struct Limiter<K: Hash + Eq + Clone> {
    limiter: RateLimiter<K, DashMapStateStore<K>, Monotonic, NoOpMiddleware<Nanos>>,
    clock: Monotonic,
    /// New keys since those that are at rest were last forgotten.
    checks: AtomicU32,
}

/// The clock that everything here goes by.
#[derive(Debug, Clone)]
struct Monotonic(Clock);

impl GovernorClock for Monotonic {
    type Instant = Nanos;

    fn now(&self) -> Nanos {
        self.0.monotonic().into()
    }
}

impl<K: Hash + Eq + Clone> Limiter<K> {
    /// A limit that goes by `clock`.
    ///
    /// # Panics
    /// Never: a rate without pause is taken for one of a nanosecond.
    #[must_use]
    pub fn new(rate: Rate, clock: &Clock) -> Self {
        let pause = rate.pause.max(Duration::from_nanos(1));
        let quota = Quota::with_period(pause).unwrap_or(Quota::per_second(rate.burst)).allow_burst(rate.burst);
        let clock = Monotonic(clock.clone());
        Self {
            limiter: RateLimiter::new(quota, DashMapStateStore::default(), clock.clone()),
            clock,
            checks: AtomicU32::new(0),
        }
    }

    /// Takes `count` of what is free for `key`.
    ///
    /// # Errors
    /// How long it takes until that much is free; [`Duration::MAX`] when it never is, because it is more than the burst.
    pub fn take(&self, key: &K, count: NonZeroU32) -> Result<(), Duration> {
        self.forget_now_and_then();
        match self.limiter.check_key_n(key, count) {
            Err(_) => Err(Duration::MAX),
            Ok(Err(not_until)) => Err(not_until.wait_time_from(self.clock.now())),
            Ok(Ok(())) => Ok(()),
        }
    }

    /// Forgets keys that have everything free, when there could be too many.
    fn forget_now_and_then(&self) {
        const EVERY: u32 = 4_096;
        if self.checks.fetch_add(1, Ordering::Relaxed) % EVERY == EVERY - 1
            && self.limiter.len() > limits::LIMITED_KEYS / 2
        {
            self.limiter.retain_recent();
        }
    }
}

/// Limits on attempts to log in.
pub(crate) struct LoginThrottle {
    /// By account and address: whoever guesses does not keep the account's owner out.
    accounts: Limiter<(TenantId, String, Option<IpAddr>)>,
    /// By account from anywhere, for those who guess from many addresses.
    everywhere: Limiter<(TenantId, String)>,
    addresses: Limiter<IpAddr>,
}

impl LoginThrottle {
    pub(crate) fn new(clock: &Clock) -> Self {
        let rate = |burst, pause| Rate { burst: NonZeroU32::new(burst).unwrap_or(NonZeroU32::MIN), pause };
        Self {
            accounts: Limiter::new(rate(limits::LOGIN_ACCOUNT_BURST, limits::LOGIN_ACCOUNT_PAUSE), clock),
            everywhere: Limiter::new(rate(limits::LOGIN_EVERYWHERE_BURST, limits::LOGIN_EVERYWHERE_PAUSE), clock),
            addresses: Limiter::new(rate(limits::LOGIN_ADDRESS_BURST, limits::LOGIN_ADDRESS_PAUSE), clock),
        }
    }

    /// An attempt on an account, whether there is one or not.
    pub(crate) fn account(&self, tenant: &TenantId, email: &str, address: Option<IpAddr>) -> Result<()> {
        let (tenant, email) = (tenant.clone(), email.to_owned());
        let here = (tenant.clone(), email.clone(), address.map(network));
        throttled("account", self.accounts.take(&here, NonZeroU32::MIN))?;
        throttled("account", self.everywhere.take(&(tenant, email), NonZeroU32::MIN))
    }

    /// An attempt from an address.
    pub(crate) fn address(&self, address: Option<IpAddr>) -> Result<()> {
        address.map_or(Ok(()), |address| throttled("address", self.addresses.take(&network(address), NonZeroU32::MIN)))
    }
}

fn throttled(by: &'static str, taken: Result<(), Duration>) -> Result<()> {
    taken.map_err(|wait| {
        metrics::counter!("auth_throttled_total", "by" => by).increment(1);
        Error::new(ErrorKind::Throttled(wait), "too many attempts, wait a moment")
    })
}

/// What one subscriber has: an address of IPv4, or a network of 64 bits of IPv6.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => IpAddr::V6((u128::from(v6) & (u128::MAX << 64)).into()),
        v4 => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_taken_comes_back() {
        let clock = Clock::manual(jiff::Timestamp::UNIX_EPOCH);
        let three = NonZeroU32::new(3).unwrap();
        let limiter = Limiter::new(Rate { burst: three, pause: Duration::from_secs(10) }, &clock);
        let one = NonZeroU32::MIN;
        assert!((0..3).all(|_| limiter.take(&"a", one).is_ok()));
        assert_eq!(limiter.take(&"a", one), Err(Duration::from_secs(10)));
        assert_eq!(limiter.take(&"b", three), Ok(()), "each key has its own");
        assert_eq!(limiter.take(&"c", NonZeroU32::new(4).unwrap()), Err(Duration::MAX));
        clock.advance(Duration::from_secs(10));
        assert_eq!(limiter.take(&"a", one), Ok(()));
        assert!(limiter.take(&"a", one).is_err());
    }

    #[test]
    fn neighbours_in_a_network_share_a_limit() {
        let throttle = LoginThrottle::new(&Clock::manual(jiff::Timestamp::UNIX_EPOCH));
        let address = |text: &str| Some(text.parse().unwrap());
        for _ in 0..limits::LOGIN_ADDRESS_BURST {
            throttle.address(address("2001:db8::1")).unwrap();
        }
        let error = throttle.address(address("2001:db8::ffff:1")).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Throttled(wait) if *wait <= limits::LOGIN_ADDRESS_PAUSE));
        throttle.address(address("2001:db8:0:1::1")).unwrap();
        throttle.address(address("192.0.2.1")).unwrap();
        throttle.address(None).unwrap();
    }
}
