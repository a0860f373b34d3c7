//! Which workspaces are due: each is worked on by one at a time, wishes come first, and one that failed rests.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::time::Duration;

use tokio::time::Instant;

use crate::keys::Name;

/// Why a workspace is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Wake {
    /// It is everybody's turn.
    Turn,
    /// The cluster told of it.
    Event,
    /// Somebody wishes something.
    Wish,
}

/// A workspace that is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Job {
    pub(super) name: Name,
    /// Whether all its parts are to be looked at, and not only its pod.
    pub(super) is_thorough: bool,
}

/// What comes after work on a workspace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    /// Nothing, until something wakes it.
    Rest,
    /// It is due again.
    Now,
    /// It is due again after this, or when something wakes it.
    After(Duration),
    /// It is due again after this. Only a wish wakes it before.
    NotBefore(Duration),
}

/// Where a workspace is in the queue.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Place {
    Waiting { is_wish: bool },
    Working { again: Option<Wake> },
    Resting { until: Instant, is_firm: bool },
}

#[derive(Debug, Clone)]
struct Entry {
    place: Place,
    is_thorough: bool,
}

/// See the module. It holds at most one entry for each workspace.
#[derive(Debug, Default)]
pub(super) struct Queue {
    wishes: VecDeque<Name>,
    others: VecDeque<Name>,
    resting: BTreeSet<(Instant, Name)>,
    entries: HashMap<Name, Entry>,
}

impl Queue {
    /// Makes a workspace due.
    pub(super) fn wake(&mut self, name: Name, why: Wake) {
        let Some(entry) = self.entries.get_mut(&name) else {
            self.enter(name, why, why == Wake::Turn);
            return;
        };
        entry.is_thorough |= why == Wake::Turn;
        match &mut entry.place {
            // A wish overtakes; the name's other place is passed over later.
            Place::Waiting { is_wish: is_wish @ false } if why == Wake::Wish => {
                *is_wish = true;
                self.wishes.push_back(name);
            }
            Place::Waiting { .. } => {}
            Place::Working { again } => *again = (*again).max(Some(why)),
            Place::Resting { is_firm: true, .. } if why != Wake::Wish => {}
            Place::Resting { until, .. } => {
                self.resting.remove(&(*until, name.clone()));
                let is_thorough = entry.is_thorough;
                self.enter(name, why, is_thorough);
            }
        }
    }

    fn enter(&mut self, name: Name, why: Wake, is_thorough: bool) {
        self.entries.insert(name.clone(), Entry { place: Place::Waiting { is_wish: why == Wake::Wish }, is_thorough });
        match why {
            Wake::Wish => self.wishes.push_back(name),
            Wake::Event | Wake::Turn => self.others.push_back(name),
        }
    }

    /// The next that is due.
    pub(super) fn take(&mut self, now: Instant) -> Option<Job> {
        while let Some((until, name)) = self.resting.first().cloned().filter(|(until, _)| *until <= now) {
            self.resting.remove(&(until, name.clone()));
            let is_thorough = self.entries.get(&name).is_some_and(|entry| entry.is_thorough);
            self.enter(name, Wake::Event, is_thorough);
        }
        while let Some(name) = self.wishes.pop_front().or_else(|| self.others.pop_front()) {
            if let Some(entry) = self.entries.get_mut(&name).filter(|it| matches!(it.place, Place::Waiting { .. })) {
                entry.place = Place::Working { again: None };
                let is_thorough = std::mem::take(&mut entry.is_thorough);
                return Some(Job { name, is_thorough });
            }
        }
        None
    }

    /// A workspace that was taken has been worked on.
    pub(super) fn done(&mut self, name: Name, next: Next, now: Instant) {
        let Some(entry) = self.entries.remove(&name) else { return };
        let again = match entry.place {
            Place::Working { again } => again,
            Place::Waiting { .. } | Place::Resting { .. } => None,
        };
        match (next, again) {
            (_, Some(Wake::Wish)) => self.enter(name, Wake::Wish, entry.is_thorough),
            (Next::Now, _) => self.enter(name, Wake::Wish, entry.is_thorough),
            (Next::NotBefore(after), _) => self.rest(name, now + after, true, entry.is_thorough),
            (_, Some(why)) => self.enter(name, why, entry.is_thorough),
            (Next::After(after), None) => self.rest(name, now + after, false, entry.is_thorough),
            (Next::Rest, None) => {}
        }
    }

    fn rest(&mut self, name: Name, until: Instant, is_firm: bool, is_thorough: bool) {
        self.resting.insert((until, name.clone()));
        self.entries.insert(name, Entry { place: Place::Resting { until, is_firm }, is_thorough });
    }

    /// When the next one is due that rests.
    pub(super) fn next_at(&self) -> Option<Instant> {
        self.resting.first().map(|(until, _)| *until)
    }
}

#[cfg(test)]
mod tests {
    use coditect_auth::WorkspaceId;
    use coditect_store::TenantId;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn name(id: &str) -> Name {
        Name { tenant: TenantId::new("acme").unwrap(), workspace: WorkspaceId::new(id).unwrap() }
    }

    fn taken(queue: &mut Queue, now: Instant) -> Vec<String> {
        std::iter::from_fn(|| queue.take(now)).map(|job| job.name.workspace.to_string()).collect()
    }

    #[tokio::test]
    async fn wishes_come_first_and_each_once() {
        let (mut queue, now) = (Queue::default(), Instant::now());
        for (id, why) in
            [("a", Wake::Turn), ("b", Wake::Event), ("a", Wake::Event), ("c", Wake::Wish), ("b", Wake::Wish)]
        {
            queue.wake(name(id), why);
        }
        assert_eq!(taken(&mut queue, now), ["c", "b", "a"]);
        assert_eq!(queue.next_at(), None);
    }

    #[tokio::test]
    async fn one_that_is_worked_on_is_due_again_when_it_is_woken_meanwhile() {
        let (mut queue, now) = (Queue::default(), Instant::now());
        queue.wake(name("a"), Wake::Event);
        assert!(!queue.take(now).unwrap().is_thorough);
        queue.wake(name("a"), Wake::Turn);
        assert_eq!(queue.take(now), None);
        queue.done(name("a"), Next::Rest, now);
        assert!(queue.take(now).unwrap().is_thorough);
        queue.done(name("a"), Next::Rest, now);
        assert_eq!(queue.take(now), None);
    }

    #[tokio::test]
    async fn one_that_failed_rests_unless_somebody_wishes_something() {
        let (mut queue, now) = (Queue::default(), Instant::now());
        let fail = |queue: &mut Queue| {
            queue.wake(name("a"), Wake::Wish);
            queue.take(now).unwrap();
            queue.wake(name("a"), Wake::Event);
            queue.done(name("a"), Next::NotBefore(SECOND), now);
            queue.wake(name("a"), Wake::Event);
            queue.wake(name("a"), Wake::Turn);
        };
        fail(&mut queue);
        assert_eq!(queue.take(now), None);
        assert_eq!(queue.next_at(), Some(now + SECOND));
        assert_eq!(taken(&mut queue, now + SECOND), ["a"]);
        queue.done(name("a"), Next::Rest, now);
        fail(&mut queue);
        queue.wake(name("a"), Wake::Wish);
        assert_eq!(taken(&mut queue, now), ["a"]);
        assert_eq!(queue.next_at(), None);
    }

    #[tokio::test]
    async fn one_that_is_on_its_way_is_woken_by_anything() {
        let (mut queue, now) = (Queue::default(), Instant::now());
        for why in [Wake::Event, Wake::Turn, Wake::Wish] {
            queue.wake(name("a"), Wake::Event);
            queue.take(now).unwrap();
            queue.done(name("a"), Next::After(SECOND), now);
            assert_eq!(queue.take(now), None);
            queue.wake(name("a"), why);
            assert_eq!(queue.take(now), Some(Job { name: name("a"), is_thorough: why == Wake::Turn }));
            queue.done(name("a"), Next::Rest, now);
        }
        assert_eq!(queue.next_at(), None);
    }
}
