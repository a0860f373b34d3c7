//! Folding of copies: passages that say the same, or nearly, are one result that names all its places.

use std::collections::HashSet;
use std::sync::Arc;

use super::fuse::Ranked;
use super::legs::Target;
use super::results::AlsoIn;
use crate::index::SlotEntry;
use crate::limits;
use crate::model::TextHash;

/// Passages of different documents with at least this share of their shingles in common say nearly the same.
const NEARLY: f32 = 0.8;

/// A result on its way: the candidate, what stands behind its slot, and its copies.
pub(super) struct Folded {
    pub(super) ranked: Ranked,
    pub(super) entry: SlotEntry,
    pub(super) also_in: Vec<AlsoIn>,
}

/// The first `top_k` of `ranked`, copies folded into the best of them when `fold` is set.
pub(super) fn fold(targets: &[Target], ranked: Vec<Ranked>, top_k: usize, fold: bool) -> Vec<Folded> {
    let entries = ranked.into_iter().filter_map(|ranked| {
        let entry = targets[ranked.candidate.target].index.entry(ranked.candidate.slot)?;
        Some(Folded { ranked, entry, also_in: Vec::new() })
    });
    if fold { folded(targets, entries, top_k) } else { entries.take(top_k).collect() }
}

fn folded(targets: &[Target], entries: impl Iterator<Item = Folded>, top_k: usize) -> Vec<Folded> {
    let mut results: Vec<Folded> = Vec::with_capacity(top_k);
    let mut seen: HashSet<TextHash> = HashSet::new();
    for mut one in entries {
        if !seen.insert(one.entry.text_hash) {
            continue;
        }
        match results.iter().position(|result| says_nearly_the_same(&result.entry, &one.entry)) {
            Some(position) => {
                let result = &mut results[position];
                let room = limits::ALSO_IN.saturating_sub(result.also_in.len());
                let own = place(targets, one.ranked.candidate.target, &one.entry);
                let places = std::iter::once(own).chain(copies(targets, &one.entry));
                result.also_in.extend(places.take(room).map(|place| AlsoIn { is_same: false, ..place }));
            }
            None if results.len() < top_k => {
                one.also_in = copies(targets, &one.entry).take(limits::ALSO_IN).collect();
                results.push(one);
            }
            None => {}
        }
    }
    results
}

/// Within one document a passage that resembles another has its own place there, as the entries of a reference have.
fn says_nearly_the_same(a: &SlotEntry, b: &SlotEntry) -> bool {
    !Arc::ptr_eq(&a.document, &b.document) && a.sketch.similarity(&b.sketch) >= NEARLY
}

/// The other places of exactly this text.
fn copies<'a>(targets: &'a [Target], entry: &'a SlotEntry) -> impl Iterator<Item = AlsoIn> + 'a {
    targets.iter().enumerate().flat_map(move |(position, target)| {
        let copies = target.index.copies(&target.view, entry.text_hash).into_iter();
        let others =
            copies.filter(|copy| !(Arc::ptr_eq(&copy.document, &entry.document) && copy.ordinal == entry.ordinal));
        others.map(move |copy| place(targets, position, &copy))
    })
}

fn place(targets: &[Target], position: usize, entry: &SlotEntry) -> AlsoIn {
    let (collection, document) = (targets[position].name.clone(), entry.document.id.clone());
    AlsoIn { collection, document, lines: entry.lines, is_same: true }
}
