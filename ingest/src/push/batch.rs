//! Gathering documents into batches that are bounded in number and bytes.

use coditect_ingest::wire::DocumentInput;

/// The bounds of a batch.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BatchSize {
    /// Most documents.
    pub(crate) documents: usize,
    /// Bytes of text after which no document is added. A longer document makes a batch of its own.
    pub(crate) bytes: usize,
}

/// Gathers documents.
pub(crate) struct Batcher {
    size: BatchSize,
    documents: Vec<DocumentInput>,
    bytes: usize,
}

impl Batcher {
    /// An empty batch.
    pub(crate) fn new(size: BatchSize) -> Self {
        Self { size, documents: Vec::new(), bytes: 0 }
    }

    /// Adds a document; gives back a batch when one is full.
    #[must_use]
    pub(crate) fn add(&mut self, document: DocumentInput) -> Option<Vec<DocumentInput>> {
        let bytes = document.text.len();
        let full = self.documents.len() >= self.size.documents || self.bytes.saturating_add(bytes) > self.size.bytes;
        let batch = if full { self.take() } else { None };
        self.bytes += bytes;
        self.documents.push(document);
        batch
    }

    /// What is left; `None` when nothing is.
    #[must_use]
    pub(crate) fn take(&mut self) -> Option<Vec<DocumentInput>> {
        self.bytes = 0;
        Some(std::mem::take(&mut self.documents)).filter(|documents| !documents.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sizes(bytes: &[usize]) -> Vec<usize> {
        let mut batcher = Batcher::new(BatchSize { documents: 3, bytes: 10 });
        let mut batches = Vec::new();
        for (n, bytes) in bytes.iter().enumerate() {
            batches.extend(batcher.add(DocumentInput::new(n.to_string(), "x".repeat(*bytes))));
        }
        batches.extend(batcher.take());
        assert!(batcher.take().is_none());
        batches.iter().map(Vec::len).collect()
    }

    #[test]
    fn batches_are_bounded_in_number_and_bytes_and_lose_nothing() {
        assert_eq!(sizes(&[]), [0; 0]);
        assert_eq!(sizes(&[1, 1, 1, 1]), [3, 1]);
        assert_eq!(sizes(&[6, 6, 4]), [1, 2]);
        assert_eq!(sizes(&[50, 1, 50]), [1, 1, 1]);
        assert_eq!(sizes(&[0, 0, 0, 0]), [3, 1]);
    }
}
