//! The slots of a point, followed while they come and go.
//!
//! A search that stood on a slot while it left took the end of what it could see for the end of the chain: the slots behind, copies of the same
//! text, were missing from its answer. `leaves` and `moves` found that.

use loom::sync::Arc;
use loom::sync::atomic::{AtomicBool, Ordering};

use super::{Check, beside};
use crate::points::Points;

pub(super) const ALL: &[Check] = &[
    Check::all("chain: slots that stay are found while one leaves", leaves),
    Check::all("chain: slots that stay are found while two leave", two_leave),
    Check::all("chain: slots that stay are found while one goes to another point, and that point's too", moves),
    Check::all("chain: slots that stay are found while one goes and comes back", comes_back),
    Check::all("chain: slots that stay are found while one goes where another comes from", changes_places),
    Check::all("chain: a slot is found by whoever knows that it was put in", is_found_at_once),
];

/// Point 0 with the slots 2, 1, 0 in the order of its chain; point 1 with slot 3.
fn points() -> Arc<Points> {
    let points = Points::default();
    points.ensure_points(2);
    (0..3).for_each(|slot| points.bind(slot, 0));
    points.bind(3, 1);
    Arc::new(points)
}

/// The slots of `point` as they are found, each once.
fn found(points: &Points, point: u32) -> Vec<u32> {
    let mut found: Vec<u32> = points.slots(point).collect();
    found.sort_unstable();
    found.dedup();
    found
}

/// Follows the chains of both points while `change` is made, whose slots `may` be in either.
fn follow(may: &'static [u32], change: impl FnOnce(&Points)) {
    let changed = points();
    let points = Arc::clone(&changed);
    let read = move || {
        for (point, own) in [(0, [0, 1, 2].as_slice()), (1, &[3])] {
            let found = found(&points, point);
            let missed: Vec<&u32> = own.iter().filter(|slot| !may.contains(slot) && !found.contains(slot)).collect();
            assert!(missed.is_empty(), "of point {point}, {missed:?} stayed and were not among {found:?}");
            let foreign: Vec<&u32> = found.iter().filter(|slot| !own.contains(slot) && !may.contains(slot)).collect();
            assert!(foreign.is_empty(), "{foreign:?} were never of point {point}");
        }
    };
    beside(|| change(&changed), read);
}

fn leaves() {
    follow(&[1], |points| {
        points.unbind(1);
    });
}

fn two_leave() {
    follow(&[1, 2], |points| {
        points.unbind(2);
        points.unbind(1);
    });
}

fn moves() {
    follow(&[1], |points| {
        points.unbind(1);
        points.bind(1, 1);
    });
}

fn comes_back() {
    follow(&[1], |points| {
        points.unbind(1);
        points.bind(1, 1);
        points.unbind(1);
        points.bind(1, 0);
    });
}

fn changes_places() {
    follow(&[1, 3], |points| {
        points.unbind(1);
        points.bind(1, 1);
        points.unbind(3);
        points.bind(3, 0);
    });
}

fn is_found_at_once() {
    let (points, is_in) = (points(), Arc::new(AtomicBool::new(false)));
    let (read, was_put_in) = (Arc::clone(&points), Arc::clone(&is_in));
    let change = || {
        points.bind(4, 1);
        is_in.store(true, Ordering::Release);
    };
    beside(change, move || {
        if was_put_in.load(Ordering::Acquire) {
            assert_eq!((found(&read, 1), read.of_slot(4), read.live()), (vec![3, 4], Some(1), 5));
            assert!(read.live_slots().eq(0..5));
        } else {
            assert!(read.live_slots().count() >= 4);
        }
    });
}
