//! Doing a change, and what a client learns of it.

use std::pin::pin;
use std::task::Poll;

use coditect_engine::model::{CollectionChange, Version, WriteReceipt};
use coditect_engine::{Error, ErrorKind, Tenant};

use crate::content;
use crate::trace::{Change, Said, Write};
use crate::violation::{Checked, Violation, chain};

/// What a client learns of a change.
#[derive(Debug, Clone)]
pub(crate) enum Outcome {
    Put(WriteReceipt),
    Deleted(bool, Version),
    Made(bool),
    Altered,
    Dropped(Option<Version>),
    /// There is no such collection, or it was dropped meanwhile.
    Missing,
    /// It may have taken place, and may yet.
    Unknown,
}

/// Does the change. An error that nothing explains is a violation.
pub(crate) async fn act(tenant: Tenant, write: Write, said: u32) -> Checked<Outcome> {
    let done = polled_at_most(write.dropped_after, Box::pin(done(&tenant, write, said))).await;
    let error = match done {
        None => return Ok(Outcome::Unknown),
        Some(Ok(outcome)) => return Ok(outcome),
        Some(Err(error)) => error,
    };
    match error.kind() {
        ErrorKind::Unavailable => Ok(Outcome::Unknown),
        ErrorKind::NotFound | ErrorKind::Conflict => Ok(Outcome::Missing),
        _ => Err(Violation(format!("{:?} in {} failed: {}", write.change, write.place, chain(&error)))),
    }
}

async fn done(tenant: &Tenant, write: Write, said: u32) -> Result<Outcome, Error> {
    let (place, name) = (write.place, content::collection(write.place));
    Ok(match write.change {
        Change::Put { document, .. } => {
            let document = content::document(place, document, said);
            Outcome::Put(tenant.put(&name, &content::spec(), document).await?)
        }
        Change::Delete { document } => {
            let (deleted, version) = tenant.delete(&name, &content::id(document)).await?;
            Outcome::Deleted(deleted, version)
        }
        Change::Make => Outcome::Made(tenant.ensure_collection(&name, &content::spec()).await?.1),
        Change::Alter { number } => {
            let description = Some(format!("number {number}"));
            tenant.alter_collection(&name, &CollectionChange { description, ..CollectionChange::default() }).await?;
            Outcome::Altered
        }
        Change::Drop => Outcome::Dropped(tenant.drop_collection(&name).await?),
    })
}

/// The content that a put of it would bring.
pub(crate) fn said(said: Said, last: Option<u32>) -> u32 {
    match said {
        Said::New(content) => content,
        Said::Again(content) => last.unwrap_or(content),
    }
}

/// Drops `work` where it waits when it has been polled so often: `None`.
async fn polled_at_most<T>(polls: Option<u32>, work: impl Future<Output = T>) -> Option<T> {
    let mut work = pin!(work);
    let mut left = polls;
    std::future::poll_fn(move |context| match left {
        Some(0) => Poll::Ready(None),
        _ => {
            left = left.map(|left| left - 1);
            work.as_mut().poll(context).map(Some)
        }
    })
    .await
}
