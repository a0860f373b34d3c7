//! `push`, `sync` and `watch`: sets a job up from the arguments, and shows what came of it.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use coditect_ingest::client::{Client, ClientOptions, RetryPolicy};

use super::args::{OutputArguments, PushArguments, SendingArguments, TargetArguments, WatchArguments};
use super::signals::Signals;
use super::{exit, output};
use crate::push::report::{Reporter, Verbosity};
use crate::push::summary::{Ending, Summary};
use crate::push::tree::Tree;
use crate::push::watch::Watch;
use crate::push::{BatchSize, Job, Mode};

/// Runs `push` or `sync`.
pub(super) async fn once(arguments: PushArguments, mode: Mode, signals: &Signals) -> anyhow::Result<ExitCode> {
    let reporter = reporter(arguments.output, false);
    let job = job(arguments.target, &arguments.sending, reporter, signals)?;
    let finished = job.run(mode).await?;
    show(&job.reporter, &finished.summary, &finished.ending, arguments.output)?;
    let failed = finished.summary.failed;
    Ok(exit::code(&finished.ending, failed, signals.code()))
}

/// Runs `watch`.
pub(super) async fn watch(arguments: WatchArguments, signals: &Signals) -> anyhow::Result<ExitCode> {
    let reporter = reporter(arguments.output, true);
    let job = job(arguments.target, &arguments.sending, reporter, signals)?;
    let output = arguments.output;
    let shown = job.reporter.clone();
    let show_first = move |summary: &Summary, ending: &Ending| show(&shown, summary, ending, output);
    let ending = Watch::new(job, arguments.yes).run(show_first).await?;
    // Ctrl-C is how a watch ends well.
    let code = match &ending {
        Ending::Interrupted => ExitCode::SUCCESS,
        other => exit::code(other, 0, signals.code()),
    };
    Ok(code)
}

fn reporter(output: OutputArguments, each: bool) -> Reporter {
    Reporter::new(Verbosity { quiet: output.quiet, each: output.verbose || (each && !output.quiet) })
}

/// A job from the arguments.
pub(super) fn job(
    target: TargetArguments,
    sending: &SendingArguments,
    reporter: Reporter,
    signals: &Signals,
) -> anyhow::Result<Job> {
    let collection = target.collection.clone();
    let tree = Tree::open(&target.path, collection, target.prefix, target.max_bytes)?;
    let retry = RetryPolicy { patience: Some(Duration::from_secs(target.retry_for)), stop: signals.stop.clone() };
    if target.token.is_some() && target.server.is_plain_text() && !target.server.is_loopback() {
        reporter.warn("the token is sent without encryption; use an https:// address");
    }
    let client = Client::new(ClientOptions {
        server: target.server,
        token: target.token,
        request_timeout: Duration::from_secs(target.request_timeout),
    })?;
    Ok(Job {
        client,
        collection: target.collection,
        tree: Arc::new(tree),
        retry,
        reporter: Arc::new(reporter),
        size: BatchSize { documents: bounded(sending.batch_documents), bytes: bounded(sending.batch_bytes) },
        in_flight: bounded(sending.in_flight),
    })
}

/// The argument parser has seen to it that the number is small.
fn bounded(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

fn show(reporter: &Reporter, summary: &Summary, ending: &Ending, arguments: OutputArguments) -> anyhow::Result<()> {
    match ending {
        Ending::Unreachable(reason) | Ending::Refused(reason) => reporter.error(reason),
        Ending::Interrupted => reporter.warn("stopped early; run it again to finish"),
        Ending::Complete | Ending::Unsafe => {}
    }
    // Of a run that never began, the reason is all there is to tell.
    if *ending == Ending::Complete || summary.documents > 0 {
        output::table(&summary.rows(), arguments.json);
    }
    if arguments.json {
        output::json(summary)?;
    }
    Ok(())
}
