//! What of documents goes into the audit log.

use coditect_auth::Auditor;
use coditect_engine::documents::{Noted, Observer};

/// Tells `auditor` of each change in its own commit.
pub(crate) fn observer(auditor: Auditor) -> Observer {
    Observer::new(move |tx, noted| {
        let (action, target) = match noted {
            Noted::CollectionCreated(name) => ("collection.create", name.to_string()),
            Noted::CollectionAltered(name) => ("collection.alter", name.to_string()),
            Noted::CollectionDropped(name) => ("collection.drop", name.to_string()),
            Noted::DocumentPut(name, id) => ("document.put", format!("{name}/{id}")),
            Noted::DocumentDeleted(name, id) => ("document.delete", format!("{name}/{id}")),
        };
        auditor.note(tx, 0, action, &target)
    })
}
