//! What goes wrong between the API and its client, on request or by chance.

use std::collections::VecDeque;
use std::time::Duration;

use rand::{Rng as _, RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

use super::kinds::Kind;

/// What happens to a request instead of what should.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It is refused with this status, and not done.
    Status(u16),
    /// It is refused with 429 and this pause in seconds, and not done.
    Throttle(u64),
    /// It is done, and the answer is lost.
    LoseAnswer,
    /// It is done after this long.
    Slow(Duration),
    /// It is done when the gate is opened, whether its client still waits or not.
    Gate,
    /// It hangs without being done.
    HangBefore,
    /// It is done, and hangs.
    HangAfter,
}

/// A fault for the next requests that it is meant for.
#[derive(Debug, Clone)]
struct Plan {
    verb: Option<&'static str>,
    kind: Option<Kind>,
    /// A part of the path.
    path: String,
    /// Requests to let pass before.
    after: usize,
    times: usize,
    fault: Fault,
}

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    plans: VecDeque<Plan>,
    chance: Option<(ChaCha8Rng, f64)>,
    /// How many requests have met a fault that hangs.
    pub(crate) hanging: usize,
}

impl Faults {
    /// The next `times` requests of this verb for this kind meet `fault`.
    pub(crate) fn on(&mut self, verb: &'static str, kind: Kind, times: usize, fault: Fault) {
        let (verb, kind) = (Some(verb), Some(kind));
        self.plans.push_back(Plan { verb, kind, path: String::new(), after: 0, times, fault });
    }

    /// Requests for what has this in its path meet `fault`.
    pub(crate) fn on_path(&mut self, verb: &'static str, path: &str, times: usize, fault: Fault) {
        let plan = Plan { verb: Some(verb), kind: None, path: path.to_owned(), after: 0, times, fault };
        self.plans.push_back(plan);
    }

    /// The request after `passed` others, watches and lists left out, meets `fault`.
    pub(crate) fn on_request(&mut self, passed: usize, fault: Fault) {
        self.plans.push_back(Plan { verb: None, kind: None, path: String::new(), after: passed, times: 1, fault });
    }

    /// From now on this share of requests meets something.
    pub(crate) fn by_chance(&mut self, seed: u64, share: f64) {
        self.chance = Some((ChaCha8Rng::seed_from_u64(seed), share));
    }

    pub(crate) fn clear(&mut self) {
        self.plans.clear();
        self.chance = None;
    }

    /// What this request meets.
    pub(crate) fn meet(&mut self, verb: &str, kind: Kind, path: &str) -> Option<Fault> {
        let is_looking = matches!(verb, "watch" | "list");
        for plan in self.plans.iter_mut().filter(|plan| plan.times > 0) {
            let is_meant = plan.verb.map_or(!is_looking, |it| it == verb)
                && plan.kind.is_none_or(|it| it == kind)
                && path.contains(&plan.path);
            if !is_meant {
                continue;
            }
            if plan.after > 0 {
                plan.after -= 1;
                continue;
            }
            plan.times -= 1;
            return Some(plan.fault);
        }
        let (random, share) = self.chance.as_mut().filter(|_| verb != "watch")?;
        if !random.random_bool(*share) {
            return None;
        }
        Some(match random.next_u32() % 6 {
            0 => Fault::Status(500),
            1 => Fault::Status(503),
            2 => Fault::Throttle(0),
            3 => Fault::LoseAnswer,
            4 if matches!(verb, "patch" | "delete") => Fault::Status(409),
            _ => Fault::Slow(Duration::from_millis(u64::from(random.next_u32() % 20))),
        })
    }
}
