//! What of documents goes into the audit log.

use coditect_auth::Auditor;
use coditect_engine::documents::{Noted, Observer};
use coditect_store::{Error, ErrorKind};

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
        let noted = auditor.note(tx, 0, action, &target);
        noted.map_err(|error| Error::with_source(ErrorKind::Invalid, "write the audit log", error))
    })
}
