//! A trace from a seed.

use coditect_engine::UpkeepJob;
use coditect_engine::search::Mode;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::content::{KINDS, LARGE};
use crate::plan::Plan;
use crate::trace::{Act, COLLECTIONS, Change, DOCUMENTS, Look, Place, Said, Search, Step, Trace, Write};

/// Draws steps.
struct Draw {
    random: ChaCha8Rng,
    slots: usize,
    tenants: u8,
    /// The next content's number, without its kind.
    content: u32,
}

pub(crate) fn trace(seed: u64) -> Trace {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let (slots, tenants) = (random.random_range(2..4), random.random_range(2..4));
    let (is_skewed, has_timers) = (random.random_range(0..4) == 0, random.random_range(0..4) == 0);
    let length = random.random_range(24..48);
    let mut draw = Draw { random, slots, tenants, content: 0 };
    let mut steps: Vec<Step> = (0..slots).map(|slot| Step::Faults { slot, plan: draw.plan() }).collect();
    steps.extend((0..length).map(|_| draw.step()));
    Trace { seed, slots, tenants, is_skewed, has_timers, steps: (1..).zip(steps).collect() }
}

impl Draw {
    fn below(&mut self, bound: u32) -> u32 {
        self.random.random_range(0..bound)
    }

    fn slot(&mut self) -> usize {
        self.random.random_range(0..self.slots)
    }

    fn place(&mut self) -> Place {
        // Most is done in few places, so that something happens there.
        let tenant = if self.below(2) == 0 { 0 } else { self.random.random_range(0..self.tenants) };
        Place { tenant, collection: if self.below(3) == 0 { self.random.random_range(0..COLLECTIONS) } else { 0 } }
    }

    fn document(&mut self) -> u8 {
        self.random.random_range(0..DOCUMENTS)
    }

    fn plan(&mut self) -> Plan {
        match self.below(10) {
            0 | 1 => Plan::Calm,
            2 => Plan::Slow,
            3 | 4 => Plan::Unknown,
            5 => Plan::Away(u64::from(5 + self.below(60))),
            _ => Plan::Rough,
        }
    }

    fn step(&mut self) -> Step {
        match self.below(100) {
            0..32 => Step::Acts(vec![Act::Write(self.write())]),
            32..52 => Step::Acts(self.burst()),
            52..70 => Step::Look(self.look()),
            70..82 => Step::Acts(vec![self.round()]),
            82..88 => self.restart(),
            88..93 => Step::Faults { slot: self.slot(), plan: self.plan() },
            93..97 => Step::Pass([1, 7, 20, 4_000][self.below(4) as usize]),
            _ => Step::Settle(self.place()),
        }
    }

    fn restart(&mut self) -> Step {
        let (slot, with_bucket) = (self.slot(), self.below(3) > 0);
        Step::Restart { slot, with_bucket, is_cut_off: self.below(4) == 0 }
    }

    fn round(&mut self) -> Act {
        let jobs = [UpkeepJob::Cleanup, UpkeepJob::Trim, UpkeepJob::Sweep, UpkeepJob::Snapshot, UpkeepJob::Backup];
        Act::Round { slot: self.slot(), job: jobs[self.below(jobs.len() as u32) as usize] }
    }

    fn content(&mut self) -> u32 {
        self.content += 1;
        let kind = if self.below(60) == 0 { LARGE } else { self.below(5) };
        self.content * KINDS + kind
    }

    fn put(&mut self, document: u8) -> Change {
        let content = self.content();
        let said = if self.below(8) == 0 { Said::Again(content) } else { Said::New(content) };
        Change::Put { document, said }
    }

    fn write(&mut self) -> Write {
        let (slot, place, document) = (self.slot(), self.place(), self.document());
        let change = match self.below(20) {
            0 => Change::Make,
            1 => Change::Drop,
            2 => Change::Alter { number: self.content() },
            3..7 => Change::Delete { document },
            _ => self.put(document),
        };
        Write { slot, place, change, dropped_after: self.dropped() }
    }

    fn dropped(&mut self) -> Option<u32> {
        (self.below(8) == 0).then(|| 1 + self.below(16))
    }

    /// Writes to the same few documents at once, and something beside them.
    fn burst(&mut self) -> Vec<Act> {
        let (place, documents) = (self.place(), [self.document(), self.document()]);
        let drops = self.below(4) == 0;
        let count = 2 + self.below(4);
        (0..count).map(|_| self.of_burst(place, documents, drops)).collect()
    }

    fn of_burst(&mut self, place: Place, documents: [u8; 2], drops: bool) -> Act {
        let document = documents[self.below(2) as usize];
        let change = match self.below(20) {
            0 | 1 => return self.round(),
            2 => return Act::Search(Search { place, ..self.search() }),
            3 | 4 if drops => Change::Drop,
            5 if drops => Change::Make,
            6 if drops => Change::Alter { number: self.content() },
            7..12 => Change::Delete { document },
            _ => self.put(document),
        };
        Act::Write(Write { slot: self.slot(), place, change, dropped_after: self.dropped() })
    }

    fn search(&mut self) -> Search {
        let mode = [Mode::Hybrid, Mode::Vector, Mode::Keyword][self.below(3) as usize];
        Search { slot: self.slot(), place: self.place(), mode, is_fresh: self.below(3) > 0 }
    }

    fn look(&mut self) -> Look {
        let (slot, place) = (self.slot(), self.place());
        match self.below(10) {
            0 => Look::Tenant { slot, tenant: place.tenant },
            1 | 2 => Look::Read { slot, place, document: self.document() },
            3 => Look::List { slot, place },
            4 => Look::Counts { slot, place },
            _ => Look::Search(self.search()),
        }
    }
}
