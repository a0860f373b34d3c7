//! Linking new points in steps: plan all links of a step in parallel against the graph as it is, then apply them.
//!
//! The points of a step do not meet in the walk, so they are compared with each other directly; the result depends
//! on the input alone, not on the number of threads (batch insertion after ParlayANN, Manohar et al. 2024).

use std::collections::{BTreeMap, BTreeSet};

use rayon::prelude::*;

use super::graph::Graph;
use super::scratch::{Pool, Scratch};
use super::select::{Pruned, Scored, rank, select};

/// A point that has a place but no links yet, and its level.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fresh {
    pub(crate) point: u32,
    pub(crate) level: usize,
}

/// One link list to be written.
#[derive(Debug)]
pub(crate) struct LinkList {
    layer: usize,
    point: u32,
    out: Vec<u32>,
}

/// All link lists that change when `fresh` joins the graph: its own and those of the points it links to.
pub(crate) fn plan(graph: &Graph, fresh: &[Fresh], ef: usize, pool: &Pool) -> Vec<LinkList> {
    let own = |&new: &Fresh| pool.with(|scratch| forward(graph, new, fresh, ef, scratch));
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
        let current = own.map_or_else(|| graph.out(layer, point), |position| &forward[position].out);
        LinkList { layer, point, out: merged(graph, layer, point, current, &additions) }
    };
    if fresh.len() == 1 { wanted.into_iter().map(merge).collect() } else { wanted.into_par_iter().map(merge).collect() }
}

/// The links of one new point in each of its layers.
fn forward(graph: &Graph, new: Fresh, step: &[Fresh], ef: usize, scratch: &mut Scratch) -> Vec<LinkList> {
    let query = graph.vector(new.point);
    let top = graph.entry.map_or(0, |(_, level)| level);
    let mut entries: Vec<Scored> = graph.descend(query, new.level).into_iter().collect();
    let mut lists = Vec::with_capacity(new.level + 1);
    for layer in (0..=new.level).rev() {
        let mut candidates = Vec::new();
        if layer <= top && !entries.is_empty() {
            candidates = graph.walk(query, &entries, ef, layer, scratch);
            entries.clone_from(&candidates);
        }
        let peers = step.iter().filter(|peer| peer.level >= layer && peer.point != new.point);
        candidates.extend(peers.map(|peer| graph.scored(query, peer.point)));
        candidates.sort_unstable();
        candidates.truncate(ef);
        let out = select(graph, &candidates, graph.links, Pruned::Keep);
        lists.push(LinkList { layer, point: new.point, out });
    }
    lists
}

/// `current` with `additions`, thinned out when that is more than the layer allows.
fn merged(graph: &Graph, layer: usize, point: u32, current: &[u32], additions: &[u32]) -> Vec<u32> {
    let mut all = current.to_vec();
    for &addition in additions {
        if !all.contains(&addition) {
            all.push(addition);
        }
    }
    let capacity = graph.capacity(layer);
    if all.len() <= capacity {
        return all;
    }
    select(graph, &rank(graph, point, all.into_iter()), capacity, Pruned::Drop)
}

/// Writes planned links and moves the entry when a new point is higher.
pub(crate) fn apply(graph: &mut Graph, fresh: &[Fresh], lists: &[LinkList]) {
    let mut dropped = BTreeSet::new();
    for list in lists {
        dropped.extend(
            graph
                .out(list.layer, list.point)
                .iter()
                .filter(|link| !list.out.contains(link))
                .map(|&link| (list.layer, link)),
        );
        graph.set_out(list.layer, list.point, &list.out);
    }
    dropped.extend(fresh.iter().map(|new| (0, new.point)));
    for (layer, point) in dropped {
        graph.adopt(layer, point);
    }
    for new in fresh {
        if graph.entry.is_none_or(|(_, level)| new.level > level) {
            graph.entry = Some((new.point, new.level));
        }
    }
}

impl Graph {
    /// Gives `point` an incoming link when it has none: from the nearest point it links to, in the place of
    /// a link whose target can spare it.
    pub(crate) fn adopt(&mut self, layer: usize, point: u32) {
        if !self.incoming(layer, point).is_empty() {
            return;
        }
        let parents = rank(self, point, self.out(layer, point).iter().copied());
        for parent in parents {
            let mut out = self.out(layer, parent.point).to_vec();
            if out.len() < self.capacity(layer) {
                out.push(point);
            } else {
                let ranked = rank(self, parent.point, out.iter().copied());
                let spare = ranked.iter().rev().find(|link| self.incoming(layer, link.point).len() > 1);
                let Some(place) = spare.and_then(|spare| out.iter().position(|&link| link == spare.point)) else {
                    continue;
                };
                out[place] = point;
            }
            self.set_out(layer, parent.point, &out);
            return;
        }
    }
}
