//! Points, their links and the entry, read while they come.

use loom::sync::Arc;

use super::Check;
use crate::graph::Graph;
use crate::metric::Metric;
use crate::writer::{Writer, vector_hash};

pub(super) const ALL: &[Check] = &[
    Check::all("links: a point that is linked has its vector", a_link_leads_to_a_vector),
    Check::all("links: a list that is rewritten has points that were or are in it", a_list_is_rewritten),
    Check::all("entry: its level and its links are there with it", an_entry_has_its_layers),
    Check::all("slots: a slot that is seen has its vector", a_slot_has_a_vector),
];

/// Links above the ground; twice as many on it.
const LINKS: usize = 2;
/// By this seed the first point that is raised is in layers 0 and 1.
const RAISING: u64 = 4;

pub(super) fn graph() -> Graph {
    Graph::new(Metric, 1, LINKS, None)
}

/// Takes in the vector `[number]`.
pub(super) fn add(writer: &mut Writer, graph: &Graph, number: u8) -> u32 {
    let vector = [f32::from(number)];
    writer.add_point(graph, &vector, vector_hash(&vector))
}

/// A graph of points 0 to `count`, each with its number as its vector.
pub(super) fn filled(writer: &mut Writer, count: u8) -> Graph {
    let graph = graph();
    for number in 0..count {
        assert_eq!(add(writer, &graph, number), u32::from(number));
    }
    graph
}

/// Runs `change` with the writer of a graph of `count` points beside `read`.
fn beside(
    count: u8,
    prepare: impl FnOnce(&mut Writer, &Graph),
    change: impl FnOnce(&mut Writer, &Graph),
    read: impl FnOnce(&Graph) + 'static,
) {
    let mut writer = Writer::new(RAISING);
    let graph = filled(&mut writer, count);
    prepare(&mut writer, &graph);
    let graph = Arc::new(graph);
    let read_graph = Arc::clone(&graph);
    super::beside(|| change(&mut writer, &graph), move || read(&read_graph));
}

fn assert_has_its_vector(graph: &Graph, point: u32) {
    assert!((point as usize) < graph.bound());
    assert_eq!(graph.vector(point), [point as f32]);
}

fn a_link_leads_to_a_vector() {
    let change = |writer: &mut Writer, graph: &Graph| {
        let new = add(writer, graph, 1);
        writer.set_out(graph, 0, new, &[0]);
        writer.set_out(graph, 0, 0, &[new]);
    };
    beside(
        1,
        |_, _| (),
        change,
        |graph| {
            for link in graph.out(0, 0) {
                assert_has_its_vector(graph, link);
                assert_eq!(graph.out(0, link).collect::<Vec<_>>(), [0], "its own links come first");
            }
        },
    );
}

fn a_list_is_rewritten() {
    let prepare = |writer: &mut Writer, graph: &Graph| writer.set_out(graph, 0, 0, &[1, 2, 3]);
    let change = |writer: &mut Writer, graph: &Graph| {
        let new = add(writer, graph, 4);
        writer.set_out(graph, 0, 0, &[new, 1]);
    };
    beside(4, prepare, change, |graph| {
        let links: Vec<u32> = graph.out(0, 0).collect();
        assert!(links.len() <= graph.capacity(0) && links.iter().all(|link| (1..=4).contains(link)), "{links:?}");
        links.into_iter().for_each(|link| assert_has_its_vector(graph, link));
    });
}

fn an_entry_has_its_layers() {
    let change = |writer: &mut Writer, graph: &Graph| {
        let new = add(writer, graph, 1);
        assert_eq!(writer.raise(graph, new), 1);
        writer.set_out(graph, 1, new, &[]);
        writer.set_out(graph, 0, new, &[0]);
        graph.set_entry(Some((new, 1)));
    };
    let prepare = |_: &mut Writer, graph: &Graph| graph.set_entry(Some((0, 0)));
    beside(1, prepare, change, |graph| {
        let (entry, top) = graph.entry().unwrap();
        assert_eq!(entry as usize, top, "a point and another's level");
        assert_has_its_vector(graph, entry);
        for layer in 0..=top {
            graph.out(layer, entry).for_each(|link| assert_has_its_vector(graph, link));
        }
        assert!(top == 0 || graph.upper_row(entry).is_some());
    });
}

fn a_slot_has_a_vector() {
    let prepare = |_: &mut Writer, graph: &Graph| graph.points.bind(0, 0);
    let change = |writer: &mut Writer, graph: &Graph| {
        let new = add(writer, graph, 1);
        graph.points.bind(2, new);
        graph.points.unbind(0);
    };
    beside(1, prepare, change, |graph| {
        for slot in graph.points.live_slots() {
            if let Some(point) = graph.points.of_slot(slot) {
                assert_eq!(point, slot / 2);
                assert_has_its_vector(graph, point);
                assert!(graph.points.slots(point).all(|other| other == slot));
            }
        }
    });
}
