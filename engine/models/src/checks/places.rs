//! Places of removed points, which are given out again while searches run.

use std::sync::atomic::{AtomicUsize, Ordering};

use crossbeam_epoch as epoch;
use loom::sync::Arc;
use loom::thread;

use super::lists::{add, filled};
use super::{Check, beside};
use crate::graph::Graph;
use crate::writer::Writer;

pub(super) const ALL: &[Check] = &[
    Check::up_to(2, "places: what a search found by a link stays while it runs", found_by_a_link),
    Check::up_to(2, "places: what a search found by a slot stays while it runs", found_by_a_slot),
];

/// Orders in which the place of the removed point was taken by the new one.
static USED_AGAIN: AtomicUsize = AtomicUsize::new(0);

/// A check in which no place is ever used again would say nothing.
pub(super) fn were_used_again(only: &str) {
    let used_again = USED_AGAIN.load(Ordering::Relaxed);
    assert!(used_again > 0 || ALL.iter().all(|check| !check.name.contains(only)), "no place was used again");
    println!("places were used again in {used_again} orders");
}

/// Takes point 1 out of the graph, and another in as soon as there is its place.
fn replace(writer: &mut Writer, graph: &Graph) {
    writer.set_out(graph, 0, 0, &[]);
    assert_eq!(graph.points.unbind(0), Some((1, true)));
    writer.free_point(graph, 1);
    // Garbage is looked through at every 128th use of the collector; here at every one.
    (0..3).for_each(|_| epoch::pin().flush());
    let new = add(writer, graph, 9);
    USED_AGAIN.fetch_add(usize::from(new == 1), Ordering::Relaxed);
    graph.points.bind(1, new);
    writer.set_out(graph, 0, 0, &[new]);
}

/// Replaces point 1 while it is looked for by `find`.
fn look(find: impl FnOnce(&Graph) -> Option<u32> + 'static) {
    let mut writer = Writer::new(0);
    let graph = filled(&mut writer, 2);
    writer.set_out(&graph, 0, 0, &[1]);
    graph.points.bind(0, 1);
    let changed = Arc::new(graph);
    let graph = Arc::clone(&changed);
    beside(
        || replace(&mut writer, &changed),
        move || {
            let guard = epoch::pin();
            if let Some(point) = find(&graph) {
                let first = graph.vector(point)[0];
                assert!(first == 1.0 || first == 9.0, "{first}");
                thread::yield_now();
                // The checker also notices a row that is written while this may still read it.
                assert_eq!(graph.vector(point)[0], first);
            }
            drop(guard);
        },
    );
}

fn found_by_a_link() {
    look(|graph| graph.out(0, 0).next());
}

fn found_by_a_slot() {
    look(|graph| graph.points.of_slot(0).inspect(|&point| assert_eq!(graph.vector(point), [1.0])));
}
