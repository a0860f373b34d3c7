//! Who links to a point. Most links of the graph are mutual and are found in the point's own list; kept here are the others, which deletes
//! need to repair exactly the lists that name a removed point.

use std::collections::HashMap;

use thin_vec::ThinVec;

use super::graph::Graph;

/// The sources of links that are not returned, by their target.
#[derive(Debug, Default)]
pub(super) struct Incoming {
    ground: Vec<ThinVec<u32>>,
    /// Above the ground, by layer and point.
    upper: HashMap<(u8, u32), ThinVec<u32>>,
}

fn has(graph: &Graph, layer: usize, from: u32, to: u32) -> bool {
    graph.out(layer, from).any(|link| link == to)
}

impl Incoming {
    /// Makes room for points below `count`.
    pub(super) fn ensure(&mut self, count: usize) {
        if self.ground.len() < count {
            self.ground.resize_with(count, ThinVec::new);
        }
    }

    /// All points that link to `point` in `layer`, each once.
    pub(super) fn of<'a>(&'a self, graph: &'a Graph, layer: usize, point: u32) -> impl Iterator<Item = u32> + 'a {
        let one_way = if layer == 0 { self.ground.get(point as usize) } else { self.upper.get(&(layer as u8, point)) };
        let mutual = graph.out(layer, point).filter(move |&link| has(graph, layer, link, point));
        one_way.into_iter().flatten().copied().chain(mutual)
    }

    /// Takes in all links of a graph, of its points in ascending order with their levels.
    pub(super) fn fill(&mut self, graph: &Graph, points: &[(u32, u8)]) {
        self.fill_ground(graph, points);
        for &(point, level) in points.iter().filter(|(_, level)| *level > 0) {
            for layer in 1..=usize::from(level) {
                let one_way = graph.out(layer, point).filter(|&link| !has(graph, layer, link, point));
                one_way.for_each(|link| self.add(layer, link, point));
            }
        }
    }

    /// Turns all lists of the ground round at once: to look into the list of each link's target would read as many lists as there are links.
    fn fill_ground(&mut self, graph: &Graph, points: &[(u32, u8)]) {
        let links = || points.iter().flat_map(|&(point, _)| graph.out(0, point).map(move |to| (to as usize, point)));
        // Where the sources of a target end among all, and, when they have been put there from the end on, where they begin.
        let mut places = vec![0; self.ground.len() + 1];
        links().for_each(|(to, _)| places[to] += 1);
        let total = places.iter_mut().fold(0, |sum, place| {
            *place += sum;
            *place
        });
        let mut sources = vec![0; total];
        for &(point, _) in points.iter().rev() {
            for to in graph.out(0, point) {
                let place = &mut places[to as usize];
                *place -= 1;
                sources[*place] = point;
            }
        }
        let mut own = Vec::new();
        for (to, kept) in self.ground.iter_mut().enumerate() {
            own.clear();
            own.extend(graph.out(0, to as u32));
            let of = &sources[places[to]..places[to + 1]];
            kept.extend(of.iter().copied().filter(|source| !own.contains(source)));
            kept.shrink_to_fit();
        }
    }

    /// `from` links to `to` now.
    pub(super) fn linked(&mut self, graph: &Graph, layer: usize, from: u32, to: u32) {
        if has(graph, layer, to, from) {
            self.remove(layer, from, to);
        } else {
            self.add(layer, to, from);
        }
    }

    /// `from` does not link to `to` any more.
    pub(super) fn unlinked(&mut self, graph: &Graph, layer: usize, from: u32, to: u32) {
        if has(graph, layer, to, from) {
            self.add(layer, from, to);
        } else {
            self.remove(layer, to, from);
        }
    }

    fn add(&mut self, layer: usize, to: u32, from: u32) {
        let sources = match layer {
            0 => &mut self.ground[to as usize],
            _ => self.upper.entry((layer as u8, to)).or_default(),
        };
        // There are millions of these lists: none has more room than it needs.
        sources.reserve_exact(1);
        sources.push(from);
    }

    fn remove(&mut self, layer: usize, to: u32, from: u32) {
        let sources = match layer {
            0 => self.ground.get_mut(to as usize),
            _ => self.upper.get_mut(&(layer as u8, to)),
        };
        let Some(sources) = sources else { return };
        if let Some(at) = sources.iter().position(|&source| source == from) {
            sources.swap_remove(at);
        }
    }

    /// Forgets what is kept of `point`, which has no links in layers up to `level` any more.
    pub(super) fn forget(&mut self, point: u32, level: u8) {
        self.ground[point as usize] = ThinVec::new();
        (1..=level).for_each(|layer| drop(self.upper.remove(&(layer, point))));
    }

    /// Bytes held, the hash table estimated.
    pub(super) fn bytes(&self) -> usize {
        let heap = |sources: &ThinVec<u32>| if sources.capacity() == 0 { 0 } else { 8 + 4 * sources.capacity() };
        let ground = self.ground.iter().map(heap).sum::<usize>() + self.ground.capacity() * size_of::<ThinVec<u32>>();
        ground + self.upper.values().map(|sources| heap(sources) + 18).sum::<usize>()
    }
}

#[cfg(test)]
mod tests {
    use super::super::metric::Metric;
    use super::*;

    fn graph() -> Graph {
        let graph = Graph::new(Metric::Euclidean, 1, 4, None);
        graph.ensure(4);
        graph
    }

    #[test]
    fn mutual_links_are_found_and_not_kept() {
        let (graph, mut incoming) = (graph(), Incoming::default());
        incoming.ensure(4);
        let mut set = |from: u32, new: &[u32]| {
            let old: Vec<u32> = graph.out(0, from).collect();
            old.iter().filter(|it| !new.contains(it)).for_each(|&to| incoming.unlinked(&graph, 0, from, to));
            new.iter().filter(|it| !old.contains(it)).for_each(|&to| incoming.linked(&graph, 0, from, to));
            graph.write_out(0, from, new);
            let of = |to| {
                let mut sources: Vec<u32> = incoming.of(&graph, 0, to).collect();
                sources.sort_unstable();
                sources
            };
            ((0..4).map(of).collect::<Vec<_>>(), incoming.ground.iter().map(|it| it.len()).sum::<usize>())
        };
        assert_eq!(set(0, &[1, 2]), (vec![vec![], vec![0], vec![0], vec![]], 2));
        assert_eq!(set(1, &[0]), (vec![vec![1], vec![0], vec![0], vec![]], 1));
        assert_eq!(set(0, &[2, 3]), (vec![vec![1], vec![], vec![0], vec![0]], 3));
        assert_eq!(set(1, &[]), (vec![vec![], vec![], vec![0], vec![0]], 2));
        assert_eq!(set(0, &[]), (vec![vec![]; 4], 0));
    }

    #[test]
    fn what_is_taken_in_at_once_is_what_came_one_by_one() {
        let (graph, mut incoming, mut at_once) = (graph(), Incoming::default(), Incoming::default());
        [&mut incoming, &mut at_once].into_iter().for_each(|it| it.ensure(4));
        graph.set_upper(0, Some(0), 1);
        graph.set_upper(3, Some(1), 1);
        for (layer, from, links) in [(0, 0, &[1, 2, 3][..]), (0, 1, &[0]), (0, 3, &[2]), (1, 0, &[3]), (1, 3, &[])] {
            links.iter().for_each(|&to| incoming.linked(&graph, layer, from, to));
            graph.write_out(layer, from, links);
        }
        at_once.fill(&graph, &[(0, 1), (1, 0), (2, 0), (3, 1)]);
        assert_eq!(at_once.ground, incoming.ground);
        assert_eq!((at_once.upper.len(), &at_once.upper), (1, &incoming.upper));
    }
}
