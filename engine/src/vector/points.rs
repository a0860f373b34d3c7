//! Which slots stand for which point: slots with equal vectors share one point of the graph.
//!
//! A graph of many equal points falls apart (each fills its links with its copies), and a third of a documentation
//! tree can be copies, so equality is settled here and the graph holds distinct vectors only. The slots of a point are a chain, which searches
//! follow without a lock.

use super::rows::{Bytes, Rows};
use super::sync::{AtomicU32, AtomicUsize, Ordering};

/// The two-way map of slots and points. Numbers are kept plus one; zero is none.
#[derive(Debug)]
pub(super) struct Points {
    pub(super) of_slot: Rows<AtomicU32>,
    /// The first slot of each point.
    first: Rows<AtomicU32>,
    /// The slot behind a slot, of the same point.
    next: Rows<AtomicU32>,
    /// The slot before. For the writer alone.
    before: Rows<AtomicU32>,
    /// Slots that room was made for.
    slots: AtomicUsize,
    /// Slots that hold a vector.
    live: AtomicUsize,
}

impl Default for Points {
    fn default() -> Self {
        Self {
            of_slot: Rows::new(1),
            first: Rows::new(1),
            next: Rows::new(1),
            before: Rows::new(1),
            slots: AtomicUsize::new(0),
            live: AtomicUsize::new(0),
        }
    }
}

fn load(rows: &Rows<AtomicU32>, index: u32) -> Option<u32> {
    rows.row(index)[0].load(Ordering::Acquire).checked_sub(1)
}

fn store(rows: &Rows<AtomicU32>, index: u32, value: Option<u32>) {
    rows.row(index)[0].store(value.map_or(0, |value| value + 1), Ordering::Release);
}

impl Points {
    /// Slots that hold a vector.
    pub(super) fn live(&self) -> usize {
        self.live.load(Ordering::Acquire)
    }

    /// The slots that hold a vector, ascending.
    pub(super) fn live_slots(&self) -> impl Iterator<Item = u32> + '_ {
        (0..self.slot_bound() as u32).filter(|&slot| load(&self.of_slot, slot).is_some())
    }

    /// The point of `slot`, if it holds a vector.
    #[inline]
    pub(super) fn of_slot(&self, slot: u32) -> Option<u32> {
        if slot as usize >= self.slot_bound() {
            return None;
        }
        load(&self.of_slot, slot)
    }

    /// All slots of `point`, in no order. A slot that comes or goes meanwhile may be among them or not, or twice; one that stays is among them.
    #[inline]
    pub(super) fn slots(&self, point: u32) -> Slots<'_> {
        Slots { points: self, point, next: load(&self.first, point) }
    }

    /// Slots that room was made for.
    pub(super) fn slot_bound(&self) -> usize {
        self.slots.load(Ordering::Acquire)
    }

    /// Takes in that the first `slots` of `of_slot`, which hold nothing else yet, stand for points below what room was made for.
    pub(super) fn chain(&self, slots: usize) {
        [&self.next, &self.before].iter().for_each(|rows| rows.ensure(slots));
        self.slots.store(slots, Ordering::Release);
        let bound = (0..slots as u32).filter_map(|slot| Some((slot, load(&self.of_slot, slot)?)));
        bound.for_each(|(slot, point)| self.put_first(slot, point));
    }

    /// Whether any slot stands for `point`.
    pub(super) fn is_bound(&self, point: u32) -> bool {
        load(&self.first, point).is_some()
    }

    /// Makes room for points below `count`.
    pub(super) fn ensure_points(&self, count: usize) {
        self.first.ensure(count);
    }

    /// Lets `slot`, which must be free, stand for `point`. For the writer alone.
    pub(super) fn bind(&self, slot: u32, point: u32) {
        let count = slot as usize + 1;
        [&self.of_slot, &self.next, &self.before].iter().for_each(|rows| rows.ensure(count));
        self.slots.fetch_max(count, Ordering::Release);
        self.put_first(slot, point);
    }

    /// Puts `slot`, which has room, before all others of `point`.
    fn put_first(&self, slot: u32, point: u32) {
        let second = load(&self.first, point);
        store(&self.next, slot, second);
        store(&self.before, slot, None);
        if let Some(second) = second {
            store(&self.before, second, Some(slot));
        }
        store(&self.of_slot, slot, Some(point));
        store(&self.first, point, Some(slot));
        self.live.fetch_add(1, Ordering::Release);
    }

    /// Frees `slot`; returns its point and whether that point has no slot left. For the writer alone.
    pub(super) fn unbind(&self, slot: u32) -> Option<(u32, bool)> {
        let point = self.of_slot(slot)?;
        let (before, next) = (load(&self.before, slot), load(&self.next, slot));
        match before {
            Some(before) => store(&self.next, before, next),
            None => store(&self.first, point, next),
        }
        if let Some(next) = next {
            store(&self.before, next, before);
        }
        store(&self.of_slot, slot, None);
        self.live.fetch_sub(1, Ordering::Release);
        Some((point, before.is_none() && next.is_none()))
    }

    /// Bytes held for `points` points.
    pub(super) fn bytes(&self, points: usize) -> Bytes {
        let slots = self.slot_bound();
        let of_slots = [&self.of_slot, &self.next, &self.before].into_iter().map(|rows| rows.bytes(slots));
        of_slots.chain([self.first.bytes(points)]).sum()
    }
}

/// See [`Points::slots`].
///
/// A slot that left the chain leads nowhere or into the chain of another point, so each one is asked whose it is after its link was read; where one
/// has left, the chain is followed from its first again, which every change of the writer allows once. Slots are put in at the front alone and
/// keep their order, so whatever an old link leads over was seen before or came later than this began.
#[derive(Debug)]
pub(super) struct Slots<'a> {
    points: &'a Points,
    point: u32,
    next: Option<u32>,
}

impl Iterator for Slots<'_> {
    type Item = u32;

    #[inline]
    fn next(&mut self) -> Option<u32> {
        while let Some(slot) = self.next {
            self.next = load(&self.points.next, slot);
            if load(&self.points.of_slot, slot) == Some(self.point) {
                return Some(slot);
            }
            self.next = load(&self.points.first, self.point);
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_of_a_point_come_and_go_in_any_order() {
        let points = Points::default();
        points.ensure_points(2);
        [7, 3, 9].iter().for_each(|&slot| points.bind(slot, 0));
        points.bind(4, 1);
        let sorted = |point| {
            let mut slots: Vec<u32> = points.slots(point).collect();
            slots.sort_unstable();
            slots
        };
        assert_eq!(sorted(0), [3, 7, 9]);
        assert_eq!(points.unbind(3), Some((0, false)));
        assert_eq!(points.unbind(3), None);
        assert_eq!((sorted(0), sorted(1)), (vec![7, 9], vec![4]));
        assert_eq!(points.unbind(9), Some((0, false)));
        assert_eq!(points.unbind(7), Some((0, true)));
        assert_eq!((sorted(0).len(), points.live()), (0, 1));
        assert_eq!(points.live_slots().collect::<Vec<_>>(), [4]);
        assert_eq!(points.unbind(1_000_000), None);
    }
}
