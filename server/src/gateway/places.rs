//! How many sockets there may be at once: of all together, and of one user, who cannot take everybody's place.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::problem::{Code, Problem, Result};

/// How many sockets each user has.
type Counts = Arc<Mutex<HashMap<String, usize>>>;

/// The places of this server.
pub(super) struct Places {
    all: Arc<Semaphore>,
    per_user: usize,
    taken: Counts,
}

/// A socket's place, for as long as this is held.
pub(crate) struct Place {
    _of_all: OwnedSemaphorePermit,
    user: String,
    taken: Counts,
}

impl Places {
    pub(super) fn new(most: usize, per_user: usize) -> Self {
        Self { all: Arc::new(Semaphore::new(most)), per_user, taken: Counts::default() }
    }

    /// A place for `user`, or what to tell instead.
    pub(super) fn take(&self, user: String) -> Result<Place> {
        let of_all = self.all.clone().try_acquire_owned();
        let _of_all =
            of_all.map_err(|_| shed("all", Problem::new(Code::Overloaded, "too many sockets at once, try again")))?;
        let mut taken = self.taken.lock();
        let own = taken.get(&user).copied().unwrap_or(0);
        if own >= self.per_user {
            let detail = format!("you have {own} sockets open, which is as many as may be: close one");
            return Err(shed("user", Problem::new(Code::TooManyRequests, detail)));
        }
        taken.insert(user.clone(), own + 1);
        Ok(Place { _of_all, user, taken: self.taken.clone() })
    }
}

fn shed(by: &'static str, problem: Problem) -> Problem {
    metrics::counter!("gateway_sockets_shed_total", "by" => by).increment(1);
    problem
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.taken.lock();
        match taken.get_mut(&self.user) {
            Some(count) if *count > 1 => *count -= 1,
            _ => drop(taken.remove(&self.user)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_have_places_until_all_are_taken() {
        let places = Places::new(3, 2);
        let refused = |user: &str| places.take(user.into()).map(|_| ()).map_err(|problem| problem.code);
        let (_first, second) = (places.take("ada".into()).unwrap(), places.take("ada".into()).unwrap());
        assert_eq!(refused("ada"), Err(Code::TooManyRequests));
        let third = places.take("bob".into()).unwrap();
        assert_eq!(refused("carol"), Err(Code::Overloaded));
        drop(second);
        assert_eq!((refused("ada"), refused("bob")), (Ok(()), Ok(())));
        drop(third);
        assert_eq!(places.taken.lock().len(), 1, "who has none is not remembered");
    }
}
