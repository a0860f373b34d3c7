//! Deletes documents from the server, several at once.

use std::pin::pin;

use coditect_ingest::client::{Client, Pause, RetryPolicy, Verdict};
use futures::{StreamExt, stream};

use super::report::{Reporter, explained};
use super::summary::Ending;

/// Deletes the documents of a collection that have these ids. A document that cannot be deleted is reported as
/// failed; those that follow are tried all the same, unless the server is away.
pub(crate) async fn remove(
    client: &Client,
    retry: &RetryPolicy,
    reporter: &Reporter,
    collection: &str,
    ids: &[String],
    in_flight: usize,
) -> Ending {
    let notify = |pause: Pause<'_>| reporter.pause(&pause);
    let deletions = stream::iter(ids)
        .take_until(retry.stop.cancelled())
        .map(|id| async move {
            let deleted = retry.run(false, notify, || client.delete(collection, id)).await;
            (id, deleted)
        })
        .buffer_unordered(in_flight);
    let mut deletions = pin!(deletions);
    let mut ending = Ending::Complete;
    while let Some((id, deleted)) = deletions.next().await {
        let error = match deleted {
            Ok(_) => {
                reporter.deleted(id);
                continue;
            }
            Err(error) => error,
        };
        match error.verdict() {
            Verdict::Unavailable => ending = Ending::Unreachable(explained(&error)),
            Verdict::Hopeless => ending = Ending::Refused(explained(&error)),
            _ => {
                reporter.kept(id, &explained(&error));
                continue;
            }
        }
        break;
    }
    match retry.stop.is_cancelled() {
        true => Ending::Interrupted,
        false => ending,
    }
}
