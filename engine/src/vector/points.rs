//! Which slots stand for which point: slots with equal vectors share one point of the graph.
//!
//! A graph of many equal points falls apart (each fills its links with its copies), and a third of a documentation
//! tree can be copies, so equality is settled here and the graph holds distinct vectors only.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hasher};

use roaring::RoaringBitmap;

/// Marks a slot without a point.
const NONE: u32 = u32::MAX;

/// The two-way map of slots and points.
#[derive(Debug, Default)]
pub(crate) struct Points {
    of_slot: Vec<u32>,
    /// The smallest slot of each point, `NONE` where the point is free.
    first: Vec<u32>,
    /// The other slots of points that have several, ascending.
    others: HashMap<u32, Vec<u32>>,
    by_hash: HashMap<u64, u32>,
    live: RoaringBitmap,
}

/// Hash under which a prepared vector is looked up.
pub(crate) fn vector_hash(vector: &[f32]) -> u64 {
    let mut hasher = DefaultHasher::new();
    for component in vector {
        hasher.write_u32(component.to_bits());
    }
    hasher.finish()
}

impl Points {
    /// The slots that hold a vector.
    pub(crate) fn live(&self) -> &RoaringBitmap {
        &self.live
    }

    /// The point of `slot`, if it holds a vector.
    pub(crate) fn of_slot(&self, slot: u32) -> Option<u32> {
        self.of_slot.get(slot as usize).copied().filter(|&point| point != NONE)
    }

    /// The point that may hold the vector with this hash (equal hashes are not yet equal vectors).
    pub(crate) fn by_hash(&self, hash: u64) -> Option<u32> {
        self.by_hash.get(&hash).copied()
    }

    /// Remembers a new point under its vector's hash, unless another vector has the same.
    pub(crate) fn remember(&mut self, hash: u64, point: u32) {
        self.by_hash.entry(hash).or_insert(point);
    }

    /// Forgets a point that is going away.
    pub(crate) fn forget(&mut self, hash: u64, point: u32) {
        if self.by_hash.get(&hash) == Some(&point) {
            self.by_hash.remove(&hash);
        }
    }

    /// Lets `slot`, which must be free, stand for `point`.
    pub(crate) fn bind(&mut self, slot: u32, point: u32) {
        let (slot_index, point_index) = (slot as usize, point as usize);
        if self.of_slot.len() <= slot_index {
            self.of_slot.resize(slot_index + 1, NONE);
        }
        if self.first.len() <= point_index {
            self.first.resize(point_index + 1, NONE);
        }
        self.of_slot[slot_index] = point;
        self.live.insert(slot);
        let first = &mut self.first[point_index];
        if *first == NONE {
            *first = slot;
            return;
        }
        let other = if slot < *first { std::mem::replace(first, slot) } else { slot };
        let others = self.others.entry(point).or_default();
        let at = others.partition_point(|&existing| existing < other);
        others.insert(at, other);
    }

    /// Frees `slot`; returns its point and whether that point has no slot left.
    pub(crate) fn unbind(&mut self, slot: u32) -> Option<(u32, bool)> {
        let point = self.of_slot(slot)?;
        self.of_slot[slot as usize] = NONE;
        self.live.remove(slot);
        let first = &mut self.first[point as usize];
        let Some(others) = self.others.get_mut(&point) else {
            *first = NONE;
            return Some((point, true));
        };
        if *first == slot {
            *first = others.remove(0);
        } else {
            others.retain(|&other| other != slot);
        }
        if others.is_empty() {
            self.others.remove(&point);
        }
        Some((point, false))
    }

    /// All slots of `point`, ascending.
    pub(crate) fn slots(&self, point: u32) -> impl Iterator<Item = u32> + '_ {
        let first = self.first.get(point as usize).copied().filter(|&slot| slot != NONE);
        let others = if self.others.is_empty() { None } else { self.others.get(&point) };
        first.into_iter().chain(others.into_iter().flatten().copied())
    }

    /// Bytes held, spare capacity included, hash tables estimated.
    pub(crate) fn bytes(&self) -> usize {
        let lists = self.others.values().map(|slots| slots.capacity() * 4 + 40).sum::<usize>();
        (self.of_slot.capacity() + self.first.capacity()) * 4
            + self.by_hash.capacity() * 18
            + lists
            + self.live.serialized_size()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_of_a_point_come_and_go_in_any_order() {
        let mut points = Points::default();
        for slot in [7, 3, 9] {
            points.bind(slot, 0);
        }
        assert_eq!(points.slots(0).collect::<Vec<_>>(), [3, 7, 9]);
        assert_eq!(points.unbind(3), Some((0, false)));
        assert_eq!(points.unbind(3), None);
        assert_eq!(points.slots(0).collect::<Vec<_>>(), [7, 9]);
        assert_eq!(points.unbind(9), Some((0, false)));
        assert_eq!(points.unbind(7), Some((0, true)));
        assert_eq!(points.slots(0).count(), 0);
        assert!(points.live().is_empty());
    }
}
