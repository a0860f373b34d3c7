//! A collection's token codes by slot, with the statistics of their tokens.

use std::path::Path;

use parking_lot::RwLock;

use super::statistics::Statistics;
use super::table::Table;
use crate::model::TokenCodes;

/// Token codes by slot. One writer at a time, readers at any time.
#[derive(Debug, Default)]
pub(crate) struct TokenIndex {
    pub(super) state: RwLock<State>,
}

#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) table: Table,
    pub(super) statistics: Statistics,
}

impl TokenIndex {
    /// Takes in the codes of new slots.
    pub(crate) fn insert(&self, codes: impl IntoIterator<Item = (u32, TokenCodes)>) {
        let mut state = self.state.write();
        for (slot, codes) in codes {
            state.statistics.add(&codes);
            state.table.insert(slot, codes);
        }
    }

    /// Forgets the codes of slots.
    pub(crate) fn remove(&self, slots: &[u32]) {
        let mut state = self.state.write();
        for &slot in slots {
            if let Some(codes) = state.table.remove(slot) {
                state.statistics.remove(&codes);
            }
        }
    }

    /// The codes of a slot.
    pub(crate) fn get(&self, slot: u32) -> Option<TokenCodes> {
        self.state.read().table.get(slot).cloned()
    }

    /// The inverse document frequencies of tokens, in their order.
    pub(crate) fn idfs(&self, ids: &[u16], into: &mut Vec<f32>) {
        let state = self.state.read();
        into.clear();
        into.extend(ids.iter().map(|&id| state.statistics.idf(id)));
    }

    /// Moves codes from memory to a file in `folder` when there are enough of them. Searches go on meanwhile. What cannot be
    /// moved, because the disk is full for example, stays in memory.
    pub(crate) fn spill(&self, folder: &Path) {
        let Some(batch) = self.state.read().table.due() else { return };
        match batch.write(folder) {
            Ok(spilled) => self.state.write().table.replace(spilled),
            Err(error) => {
                metrics::counter!("engine_token_file_failures_total").increment(1);
                tracing::warn!(%error, folder = %folder.display(), "token codes cannot be moved to a file and stay in memory");
                self.state.write().table.put_off();
            }
        }
    }
}
