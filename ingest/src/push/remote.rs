//! What the server has of a collection: ids and hashes, read page by page.

use std::collections::HashMap;

use coditect_ingest::client::{Client, ClientError, Pause, RetryPolicy};

use super::hash::ContentHash;

/// The documents of a collection below a prefix.
#[derive(Debug, Default)]
pub(crate) struct Remote {
    /// By id.
    pub(crate) documents: HashMap<String, Stored>,
}

/// A stored document.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stored {
    /// Hash of its content; `None` when the server's is not ours to read, which counts as changed.
    pub(crate) hash: Option<ContentHash>,
    /// Number of its passages.
    pub(crate) passages: u64,
}

impl Remote {
    /// Reads the whole listing. A collection that does not exist has no documents.
    pub(crate) async fn read(
        client: &Client,
        collection: &str,
        prefix: &str,
        retry: &RetryPolicy,
        mut notify: impl FnMut(Pause<'_>),
    ) -> Result<Self, ClientError> {
        let mut documents = HashMap::new();
        let mut cursor: Option<String> = None;
        loop {
            let request = || client.documents(collection, prefix, cursor.as_deref());
            let Some(page) = retry.run(false, &mut notify, request).await? else {
                return Ok(Self { documents });
            };
            for document in page.documents {
                let stored = Stored { hash: ContentHash::parse(&document.content_hash), passages: document.passages };
                documents.insert(document.document_id, stored);
            }
            if page.next_cursor.is_none() || page.next_cursor == cursor {
                return Ok(Self { documents });
            }
            cursor = page.next_cursor;
        }
    }
}
