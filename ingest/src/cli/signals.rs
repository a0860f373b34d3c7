//! Ctrl-C and SIGTERM: the first asks the run to end, the second ends the process.

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use anyhow::Context;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// Exit code of a process that Ctrl-C ended.
const INTERRUPT: u8 = 130;
/// Exit code of a process that SIGTERM ended.
const TERMINATE: u8 = 143;

/// Cancelled by a signal.
#[derive(Clone)]
pub(crate) struct Signals {
    /// Cancelled by the first signal.
    pub(crate) stop: CancellationToken,
    code: Arc<AtomicU8>,
}

impl Signals {
    /// Begins to listen.
    pub(crate) fn listen() -> anyhow::Result<Self> {
        let mut interrupt = signal(SignalKind::interrupt()).context("listen for Ctrl-C")?;
        let mut terminate = signal(SignalKind::terminate()).context("listen for SIGTERM")?;
        let signals = Self { stop: CancellationToken::new(), code: Arc::new(AtomicU8::new(INTERRUPT)) };
        let told = signals.clone();
        tokio::spawn(async move {
            loop {
                let code = tokio::select! {
                    _ = interrupt.recv() => INTERRUPT,
                    _ = terminate.recv() => TERMINATE,
                };
                told.receive(code);
            }
        });
        Ok(signals)
    }

    /// The exit code that tells which signal it was.
    pub(crate) fn code(&self) -> u8 {
        self.code.load(Ordering::Relaxed)
    }

    fn receive(&self, code: u8) {
        if self.stop.is_cancelled() {
            std::process::exit(i32::from(code));
        }
        self.code.store(code, Ordering::Relaxed);
        let message = "stopping: requests under way are finished first; once more to stop at once";
        // A closed standard error is no reason to go on.
        let _ = writeln!(std::io::stderr(), "\n{message}");
        self.stop.cancel();
    }
}
