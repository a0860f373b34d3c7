//! What the engine says while the tests run, all of it in one place: ids tell which line is whose.

use std::io::Write;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use parking_lot::Mutex;
use tracing::Level;

use crate::harness::WAIT;

static SAID: LazyLock<Arc<Mutex<Vec<u8>>>> = LazyLock::new(|| {
    let said = Arc::new(Mutex::new(Vec::new()));
    let into = said.clone();
    let writer = move || Sink(into.clone());
    tracing_subscriber::fmt().with_ansi(false).with_max_level(Level::INFO).with_writer(writer).init();
    said
});

struct Sink(Arc<Mutex<Vec<u8>>>);

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Keeps what is said from now on.
pub(crate) fn listen() {
    LazyLock::force(&SAID);
}

/// The lines that contain all of these.
pub(crate) fn lines(with: &[&str]) -> Vec<String> {
    let said = String::from_utf8_lossy(&SAID.lock()).into_owned();
    said.lines().filter(|line| with.iter().all(|part| line.contains(part))).map(str::to_owned).collect()
}

/// Waits until so many lines contain all of these, and answers the last.
pub(crate) async fn until(with: &[&str], count: usize) -> String {
    let deadline = tokio::time::Instant::now() + WAIT;
    loop {
        let lines = lines(with);
        if lines.len() >= count {
            return lines.last().unwrap().clone();
        }
        assert!(tokio::time::Instant::now() < deadline, "{count} lines with {with:?}, instead of {lines:#?}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
