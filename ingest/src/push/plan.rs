//! What a run has to do: the tree's documents compared with the server's, by content hash.

use std::collections::HashMap;

use super::limits;
use super::remote::Remote;
use super::scan::Scan;

/// Why a document is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// The server does not have it.
    New,
    /// The server has other content under its id.
    Changed,
}

/// What to do.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    /// Documents to send, by id.
    pub(crate) pending: HashMap<String, Change>,
    /// Bytes of their text.
    pub(crate) pending_bytes: u64,
    /// Number of documents that the server has already.
    pub(crate) unchanged: usize,
    /// Their passages.
    pub(crate) unchanged_passages: u64,
    /// Ids that the server has and the tree has not, in order.
    pub(crate) vanished: Vec<String>,
    /// Number of documents that the server has below the prefix.
    pub(crate) stored: usize,
}

impl Plan {
    /// Compares.
    pub(crate) fn compare(scan: &Scan, remote: &Remote) -> Self {
        let mut plan = Self { stored: remote.documents.len(), ..Self::default() };
        for (id, local) in &scan.documents {
            match remote.documents.get(id) {
                Some(stored) if stored.hash == Some(local.hash) => {
                    plan.unchanged += 1;
                    plan.unchanged_passages += stored.passages;
                    continue;
                }
                Some(_) => plan.pending.insert(id.clone(), Change::Changed),
                None => plan.pending.insert(id.clone(), Change::New),
            };
            plan.pending_bytes += local.bytes;
        }
        let vanished = remote.documents.keys().filter(|id| scan.lacks(id));
        plan.vanished = vanished.cloned().collect();
        plan.vanished.sort_unstable();
        plan
    }

    /// Number of documents to send for a reason.
    pub(crate) fn count(&self, change: Change) -> usize {
        self.pending.values().filter(|of| **of == change).count()
    }

    /// Ids of the documents to send for a reason, in order.
    pub(crate) fn ids(&self, change: Change) -> Vec<String> {
        let pending = self.pending.iter().filter(|(_, of)| **of == change);
        let mut ids: Vec<_> = pending.map(|(id, _)| id.clone()).collect();
        ids.sort_unstable();
        ids
    }

    /// Whether deleting what vanished takes so much that it has to be confirmed.
    pub(crate) fn deletes_too_much(&self) -> bool {
        self.vanished.len() * limits::DELETE_SHARE > self.stored
    }
}

#[cfg(test)]
mod tests {
    use coditect_ingest::wire::DocumentInput;

    use super::super::hash::ContentHash;
    use super::super::remote::Stored;
    use super::super::scan::Local;
    use super::*;

    fn hash(text: &str) -> ContentHash {
        ContentHash::of(&DocumentInput::new("", text))
    }

    fn scan(documents: &[(&str, &str)]) -> Scan {
        let local = |text: &str| Local { hash: hash(text), bytes: text.len() as u64 };
        Scan {
            documents: documents.iter().map(|(id, text)| ((*id).to_owned(), local(text))).collect(),
            ..Scan::default()
        }
    }

    fn remote(documents: &[(&str, Option<&str>)]) -> Remote {
        let stored = |text: &Option<&str>| Stored { hash: text.map(hash), passages: 2 };
        Remote { documents: documents.iter().map(|(id, text)| ((*id).to_owned(), stored(text))).collect() }
    }

    #[test]
    fn only_what_differs_is_sent_and_what_is_gone_is_named() {
        let scan = scan(&[("a", "1"), ("b", "22"), ("c", "333"), ("d", "4444")]);
        let remote = remote(&[("a", Some("1")), ("b", Some("other")), ("d", None), ("z", Some("9")), ("y", None)]);
        let plan = Plan::compare(&scan, &remote);
        assert_eq!((plan.count(Change::New), plan.count(Change::Changed)), (1, 2));
        assert_eq!(plan.pending.get("c"), Some(&Change::New));
        assert_eq!(plan.pending_bytes, 9);
        assert_eq!((plan.unchanged, plan.unchanged_passages), (1, 2));
        assert_eq!(plan.vanished, ["y", "z"]);
        assert!(!plan.deletes_too_much());
    }

    #[test]
    fn what_has_grown_too_large_is_not_gone() {
        let mut scan = scan(&[]);
        scan.too_large.insert("a".into());
        let plan = Plan::compare(&scan, &remote(&[("a", Some("1")), ("b", Some("2"))]));
        assert_eq!(plan.vanished, ["b"]);
    }

    #[test]
    fn more_than_half_is_too_much() {
        let stored = [("a", Some("1")), ("b", Some("2"))];
        assert!(!Plan::compare(&scan(&[("a", "1")]), &remote(&stored)).deletes_too_much());
        assert!(Plan::compare(&scan(&[]), &remote(&stored)).deletes_too_much());
        assert!(!Plan::compare(&scan(&[]), &remote(&[])).deletes_too_much());
    }
}
