//! Searches beside writers: what a search answers must have been true at some moment while it ran.
//!
//! Each slot has a history. A slot that is not changed while a search runs must be found by it if it holds a vector, and not otherwise; a slot
//! that is changed may be found by any vector it had meanwhile, or not at all; none is found twice.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use coditect_engine::vector::{Hit, VectorIndex, VectorOptions, VectorQuery};
use rand::RngExt;
use roaring::RoaringBitmap;

use super::data::{Rng, options, random, rng};

const DIMENSION: usize = 8;
/// Slots that stay as they are; enough for a graph.
const STAYING: u32 = 1_200;
/// Slots that are changed again and again, by each writer.
const CHANGING: u32 = 60;
const WRITERS: u32 = 2;
/// Slots that each writer adds on the way: enough for the codes to be made anew.
const ADDED: u32 = 2_000;
const CHANGES: u32 = 1_200;
const SEARCHERS: u64 = 2;

/// What a slot held and holds. `done` is the place in `held` of the last change that has returned.
#[derive(Default)]
struct Slot {
    held: Mutex<Vec<Option<Vec<f32>>>>,
    done: AtomicUsize,
}

struct World {
    index: VectorIndex,
    slots: Vec<Slot>,
    staying: Vec<Vec<f32>>,
}

impl World {
    fn new() -> Self {
        let mut rng = rng(31);
        let mut staying = random(&mut rng, STAYING as usize, DIMENSION);
        // A quarter are copies.
        (0..STAYING as usize / 4).for_each(|place| staying[place * 4] = staying[place * 2].clone());
        let index =
            VectorIndex::new(VectorOptions { m: 8, ef_construction: 32, ef_search: 32, ..options(DIMENSION) }).unwrap();
        let slots = (0..STAYING + WRITERS * (CHANGING + ADDED)).map(|_| Slot::default()).collect();
        let world = Self { index, slots, staying };
        world.slots.iter().for_each(|slot| slot.held.lock().unwrap().push(None));
        let batch: Vec<(u32, Vec<f32>)> = (0..).zip(world.staying.iter().cloned()).collect();
        world.insert(&batch);
        world
    }

    fn insert(&self, batch: &[(u32, Vec<f32>)]) {
        batch.iter().for_each(|(slot, vector)| self.slot(*slot).held.lock().unwrap().push(Some(vector.clone())));
        let borrowed: Vec<(u32, &[f32])> = batch.iter().map(|(slot, vector)| (*slot, vector.as_slice())).collect();
        self.index.insert_batch(&borrowed).unwrap();
        batch.iter().for_each(|(slot, _)| self.slot(*slot).finish());
    }

    fn remove(&self, slot: u32) {
        self.slot(slot).held.lock().unwrap().push(None);
        self.index.remove(slot);
        self.slot(slot).finish();
    }

    fn slot(&self, slot: u32) -> &Slot {
        &self.slots[slot as usize]
    }

    /// A vector that often is one of those that stay.
    fn vector(&self, rng: &mut Rng) -> Vec<f32> {
        if rng.random_bool(0.5) {
            self.staying[rng.random_range(0..self.staying.len())].clone()
        } else {
            random(rng, 1, DIMENSION).remove(0)
        }
    }

    fn write(&self, writer: u32) {
        let mut rng = rng(u64::from(writer));
        let first = STAYING + writer * (CHANGING + ADDED);
        let mut added = first + CHANGING;
        for change in 0..CHANGES {
            let slot = first + rng.random_range(0..CHANGING);
            match rng.random_range(0..3) {
                0 => self.remove(slot),
                1 => self.insert(&[(slot, self.vector(&mut rng))]),
                _ => {
                    let until = first + CHANGING + (change + 1) * ADDED / CHANGES;
                    let mut batch: Vec<_> = (added..until).map(|slot| (slot, self.vector(&mut rng))).collect();
                    added = until;
                    batch.push((slot, self.vector(&mut rng)));
                    self.insert(&batch);
                }
            }
        }
    }

    /// Searches in one way after the other until `is_over`; how often.
    fn search(&self, seed: u64, is_over: &AtomicBool) -> usize {
        let mut rng = rng(1_000 + seed);
        let all = RoaringBitmap::from_iter(0..self.slots.len() as u32);
        let mut searches = 0;
        while !is_over.load(Ordering::Acquire) || searches < 50 {
            let query = random(&mut rng, 1, DIMENSION).remove(0);
            let some: RoaringBitmap = all.iter().filter(|_| rng.random_bool(0.3)).collect();
            for allowed in [None, Some(&some)] {
                self.check(&query, allowed, true);
                self.check(&query, allowed, false);
            }
            let slot = rng.random_range(0..self.slots.len() as u32);
            let done = self.slot(slot).done.load(Ordering::Acquire);
            let got = self.index.get(slot);
            assert!(self.slot(slot).may_be(done, got.as_deref().map(|got| (1.0, got))), "slot {slot} got {got:?}");
            searches += 5;
        }
        searches
    }

    /// Searches, for all slots or for the best few, and compares with the histories.
    fn check(&self, query: &[f32], allowed: Option<&RoaringBitmap>, all: bool) {
        let k = if all { self.slots.len() } else { 20 };
        let done: Vec<usize> = self.slots.iter().map(|slot| slot.done.load(Ordering::Acquire)).collect();
        let hits = self.index.search(query, k, &VectorQuery { allowed, exact: all, ..VectorQuery::default() }).unwrap();
        let mut scores = vec![None; self.slots.len()];
        for Hit { slot, score } in &hits {
            assert!(scores[*slot as usize].replace(*score).is_none(), "slot {slot} was found twice");
            assert!(allowed.is_none_or(|allowed| allowed.contains(*slot)));
        }
        for (slot, score) in (0..).zip(scores) {
            let must_be_right = score.is_some() || (all && allowed.is_none_or(|allowed| allowed.contains(slot)));
            let may_be = self.slot(slot).may_be(done[slot as usize], score.map(|score| (score, query)));
            assert!(!must_be_right || may_be, "slot {slot} was found with {score:?}, exact: {all}");
        }
        assert!(all || hits.len() == k, "{} hits", hits.len());
    }
}

impl Slot {
    fn finish(&self) {
        self.done.fetch_add(1, Ordering::Release);
    }

    /// Whether the slot, since the change `done`, held a vector of this cosine with that vector, or nothing.
    fn may_be(&self, done: usize, found: Option<(f32, &[f32])>) -> bool {
        let held = self.held.lock().unwrap();
        let since = &held[done..];
        match found {
            Some((score, query)) => since.iter().flatten().any(|vector| (cosine(vector, query) - score).abs() < 1e-4),
            None => since.len() > 1 || since[0].is_none(),
        }
    }
}

fn cosine(a: &[f32], b: &[f32]) -> f32 {
    let dot = |x: &[f32], y: &[f32]| x.iter().zip(y).map(|(p, q)| p * q).sum::<f32>();
    dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
}

#[test]
fn a_search_answers_what_was_true_while_it_ran() {
    let world = World::new();
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let searchers: Vec<_> = (0..SEARCHERS)
            .map(|seed| {
                scope.spawn({
                    let (world, is_over) = (&world, &is_over);
                    move || world.search(seed, is_over)
                })
            })
            .collect();
        let writers: Vec<_> = (0..WRITERS)
            .map(|writer| {
                scope.spawn({
                    let world = &world;
                    move || world.write(writer)
                })
            })
            .collect();
        let written: Vec<_> = writers.into_iter().map(std::thread::ScopedJoinHandle::join).collect();
        is_over.store(true, Ordering::Release);
        searchers.into_iter().for_each(|searcher| assert!(searcher.join().unwrap() >= 50));
        written.into_iter().for_each(|writer| writer.unwrap());
    });
    let held = world.slots.iter().filter(|slot| slot.held.lock().unwrap().last().is_some_and(Option::is_some)).count();
    assert_eq!(world.index.len(), held);
}
