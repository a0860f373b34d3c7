//! Folding of copies: passages with the same text are one result that names all its places.

use std::collections::HashSet;

use super::fuse::Ranked;
use super::legs::Target;
use super::results::AlsoIn;
use crate::index::SlotEntry;
use crate::limits;
use crate::model::TextHash;

/// A result on its way: the candidate, what stands behind its slot, and its copies.
pub(super) struct Folded {
    pub(super) ranked: Ranked,
    pub(super) entry: SlotEntry,
    pub(super) also_in: Vec<AlsoIn>,
}

/// The first `top_k` of `ranked`, copies folded into the best of them when `fold` is set.
pub(super) fn fold(targets: &[Target], ranked: Vec<Ranked>, top_k: usize, fold: bool) -> Vec<Folded> {
    let mut seen: HashSet<TextHash> = HashSet::new();
    let mut results = Vec::with_capacity(top_k);
    for ranked in ranked {
        if results.len() == top_k {
            break;
        }
        let Some(entry) = targets[ranked.candidate.target].index.entry(ranked.candidate.slot) else { continue };
        if fold && !seen.insert(entry.text_hash) {
            continue;
        }
        let also_in = if fold { copies(targets, &entry) } else { Vec::new() };
        results.push(Folded { ranked, entry, also_in });
    }
    results
}

fn copies(targets: &[Target], entry: &SlotEntry) -> Vec<AlsoIn> {
    let mut places = Vec::new();
    for target in targets {
        for copy in target.index.copies(&target.view, entry.text_hash) {
            let same = std::sync::Arc::ptr_eq(&copy.document, &entry.document) && copy.ordinal == entry.ordinal;
            if !same && places.len() < limits::ALSO_IN {
                let (collection, document) = (target.name.clone(), copy.document.id.clone());
                places.push(AlsoIn { collection, document, lines: copy.lines });
            }
        }
    }
    places
}
