//! Sends batches, several at once, and finds the document at fault when a whole batch is refused.

use std::sync::atomic::{AtomicUsize, Ordering};

use coditect_ingest::client::{Client, ClientError, Pause, RetryPolicy, Verdict};
use coditect_ingest::wire::{BatchRequest, DocumentInput, WriteOutcome, WriteStatus};
use futures::StreamExt;
use futures::stream::FuturesUnordered;
use tokio::sync::mpsc;

use super::limits;
use super::report::{Reporter, explained};
use super::summary::Ending;

/// What all requests of a run share.
pub(crate) struct Sender<'a> {
    /// The gateway.
    pub(crate) client: &'a Client,
    /// How long to wait for it; its token ends the run early.
    pub(crate) retry: &'a RetryPolicy,
    /// Told every document's fate.
    pub(crate) reporter: &'a Reporter,
    /// Most requests under way at once.
    pub(crate) in_flight: usize,
    broken: AtomicUsize,
}

impl<'a> Sender<'a> {
    /// A sender that has met no failure yet.
    pub(crate) fn new(client: &'a Client, retry: &'a RetryPolicy, reporter: &'a Reporter, in_flight: usize) -> Self {
        Self { client, retry, reporter, in_flight, broken: AtomicUsize::new(0) }
    }

    /// Sends all batches. When the run ends early, no new request begins and those under way are finished.
    pub(crate) async fn send_all(&self, mut batches: mpsc::Receiver<Vec<DocumentInput>>) -> Ending {
        let mut running = FuturesUnordered::new();
        let mut open = true;
        let mut ending = Ending::Complete;
        let stop = &self.retry.stop;
        while open || !running.is_empty() {
            tokio::select! {
                biased;
                () = stop.cancelled(), if open => {
                    open = false;
                    batches.close();
                }
                Some(sent) = running.next() => if let Err(fatal) = sent {
                    if ending == Ending::Complete {
                        ending = fatal;
                    }
                    open = false;
                    batches.close();
                },
                batch = batches.recv(), if open && running.len() < self.in_flight => match batch {
                    Some(batch) => running.push(self.send(batch)),
                    None => open = false,
                },
            }
        }
        match stop.is_cancelled() {
            true => Ending::Interrupted,
            false => ending,
        }
    }

    /// Sends one batch until each of its documents has a fate, or the run has to end.
    async fn send(&self, batch: Vec<DocumentInput>) -> Result<(), Ending> {
        let mut parts = vec![batch];
        while let Some(part) = parts.pop() {
            let request = BatchRequest { documents: part };
            let divisible = request.documents.len() > 1;
            match self.write(&request, divisible).await {
                Ok(()) => self.broken.store(0, Ordering::Relaxed),
                Err(error) => {
                    self.fatal(&error)?;
                    parts.extend(self.divide(request.documents, &error));
                }
            }
        }
        Ok(())
    }

    /// Two halves to try one by one; of a single document it is known now that it fails.
    fn divide(&self, mut documents: Vec<DocumentInput>, error: &ClientError) -> Vec<Vec<DocumentInput>> {
        if let [document] = documents.as_slice() {
            let bytes = document.text.len();
            self.reporter.refused(&document.document_id, bytes, error);
            return Vec::new();
        }
        let second = documents.split_off(documents.len() / 2);
        vec![second, documents]
    }

    /// Whether the run has to end with this error.
    fn fatal(&self, error: &ClientError) -> Result<(), Ending> {
        match error.verdict() {
            Verdict::Unavailable => Err(Ending::Unreachable(explained(error))),
            Verdict::Hopeless => Err(Ending::Refused(explained(error))),
            Verdict::Broken | Verdict::Slow => {
                let in_a_row = self.broken.fetch_add(1, Ordering::Relaxed) + 1;
                match in_a_row < limits::BROKEN_IN_A_ROW {
                    true => Ok(()),
                    false => Err(Ending::Unreachable(explained(error))),
                }
            }
            Verdict::TooLarge | Verdict::Refused => Ok(()),
        }
    }

    /// Writes a batch; documents that the server puts off one by one are sent again a few times.
    async fn write(&self, batch: &BatchRequest, divisible: bool) -> Result<(), ClientError> {
        let notify = |pause: Pause<'_>| self.reporter.pause(&pause);
        let request = || self.client.write(batch);
        let answer = self.retry.run(divisible, notify, request).await?;
        let mut put_off = self.settle(batch.documents.iter().zip(answer.outcomes), false);
        for round in 1..=limits::PUT_OFF_ROUNDS {
            // What is put off when the user stops the run counts as not sent.
            if put_off.documents.is_empty() || self.retry.stop.is_cancelled() {
                break;
            }
            self.retry.pause(round).await;
            let request = || self.client.write(&put_off);
            let answer = self.retry.run(false, notify, request).await?;
            let last = round == limits::PUT_OFF_ROUNDS;
            put_off = self.settle(put_off.documents.iter().zip(answer.outcomes), last);
        }
        Ok(())
    }

    /// Reports the fates that are final, and gives back the documents that were put off.
    fn settle<'d>(&self, fates: impl Iterator<Item = (&'d DocumentInput, WriteOutcome)>, last: bool) -> BatchRequest {
        let mut documents = Vec::new();
        for (document, mut outcome) in fates {
            if !last && is_put_off(&outcome) {
                documents.push(document.clone());
                continue;
            }
            // The id that we sent is the one that the user knows.
            outcome.document_id.clone_from(&document.document_id);
            self.reporter.outcome(&outcome, document.text.len());
        }
        BatchRequest { documents }
    }
}

fn is_put_off(outcome: &WriteOutcome) -> bool {
    let status = outcome.error.as_ref().map(|problem| problem.status);
    outcome.status == WriteStatus::Failed
        && status.is_some_and(|status| Verdict::of_status(status) == Verdict::Unavailable)
}
