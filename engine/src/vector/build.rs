//! Linking new points in steps: plan all links of a step in parallel against the graph as it is, then apply them.
//!
//! The points of a step do not meet in the walk, so they are compared with each other directly; the result depends
//! on the input alone, not on the number of threads (batch insertion after ParlayANN, Manohar et al. 2024).

use std::collections::{BTreeMap, BTreeSet};

use rayon::prelude::*;

use super::scratch::Scratch;
use super::select::{Pruned, Scored, rank, rank_for, settle};
use super::walk::View;
use super::writer::Writer;

/// A point that has a place but no links yet, and its level.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fresh {
    pub(super) point: u32,
    pub(super) level: usize,
}

/// One link list to be written.
#[derive(Debug)]
pub(super) struct LinkList {
    layer: usize,
    point: u32,
    out: Vec<u32>,
}

/// All link lists that change when `fresh` joins the graph: its own and those of the points it links to.
pub(super) fn plan(view: View<'_>, fresh: &[Fresh], ef: usize) -> Vec<LinkList> {
    let own = |&new: &Fresh| Scratch::with(|scratch| forward(view, new, fresh, ef, scratch));
    let forward: Vec<LinkList> = if fresh.len() == 1 {
        fresh.iter().flat_map(own).collect()
    } else {
        fresh.par_iter().flat_map_iter(own).collect()
    };
    let mut wanted: BTreeMap<(usize, u32), (Option<usize>, Vec<u32>)> = BTreeMap::new();
    for (position, list) in forward.iter().enumerate() {
        wanted.entry((list.layer, list.point)).or_default().0 = Some(position);
        for &target in &list.out {
            wanted.entry((list.layer, target)).or_default().1.push(list.point);
        }
    }
    let merge = |((layer, point), (own, additions)): ((usize, u32), (Option<usize>, Vec<u32>))| {
        let current: Vec<u32> =
            own.map_or_else(|| view.graph.out(layer, point).collect(), |position| forward[position].out.clone());
        LinkList { layer, point, out: merged(view, layer, point, current, &additions) }
    };
    if fresh.len() == 1 { wanted.into_iter().map(merge).collect() } else { wanted.into_par_iter().map(merge).collect() }
}

/// The links of one new point in each of its layers.
fn forward(view: View<'_>, new: Fresh, step: &[Fresh], ef: usize, scratch: &mut Scratch) -> Vec<LinkList> {
    let query = view.codes.query(view.graph.vector(new.point));
    let top = view.graph.entry().map_or(0, |(_, level)| level);
    let mut entries: Vec<Scored> = view.descend(&query, new.level, scratch).into_iter().collect();
    let mut lists = Vec::with_capacity(new.level + 1);
    for layer in (0..=new.level).rev() {
        let mut candidates = Vec::new();
        if layer <= top && !entries.is_empty() {
            view.walk(&query, &entries, ef, layer, scratch);
            candidates.extend(scratch.best.iter());
            entries.clone_from(&candidates);
        }
        let peers = step.iter().filter(|peer| peer.level >= layer).map(|peer| peer.point);
        candidates.extend(rank_for(view, &query, new.point, peers));
        candidates.sort_unstable();
        candidates.truncate(ef);
        settle(view, new.point, &mut candidates);
        let out = scratch.select.select(view, new.point, &candidates, view.graph.links, Pruned::Keep);
        lists.push(LinkList { layer, point: new.point, out });
    }
    lists
}

/// `current` with `additions`, thinned out when that is more than the layer allows.
fn merged(view: View<'_>, layer: usize, point: u32, current: Vec<u32>, additions: &[u32]) -> Vec<u32> {
    let mut all = current;
    for &addition in additions {
        if !all.contains(&addition) {
            all.push(addition);
        }
    }
    let capacity = view.graph.capacity(layer);
    if all.len() <= capacity {
        return all;
    }
    let lasting: Vec<u32> = view.graph.lasting(layer, point).collect();
    let ranked = rank(view, point, all.into_iter().filter(|link| !lasting.contains(link)));
    let room = capacity - lasting.len();
    let mut out = Scratch::with(|scratch| scratch.select.select(view, point, &ranked, room, Pruned::Drop));
    out.extend(lasting);
    out
}

/// Writes planned links and moves the entry when a new point is higher.
pub(super) fn apply(writer: &mut Writer, view: View<'_>, fresh: &[Fresh], lists: &[LinkList]) {
    let graph = view.graph;
    let mut dropped = BTreeSet::new();
    for list in lists {
        let gone = graph.out(list.layer, list.point).filter(|link| !list.out.contains(link));
        dropped.extend(gone.map(|link| (list.layer, link)));
        writer.set_out(graph, list.layer, list.point, &list.out);
    }
    dropped.extend(fresh.iter().map(|new| (0, new.point)));
    for (layer, point) in dropped {
        writer.adopt(view, layer, point);
    }
    for new in fresh {
        if graph.entry().is_none_or(|(_, level)| new.level > level) {
            graph.set_entry(Some((new.point, new.level)));
        }
    }
}
