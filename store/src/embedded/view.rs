//! Views: the durable state at one version, shared by all transactions that read at it.

use std::sync::Arc;

use parking_lot::RwLock;

use super::engine::EngineView;
use crate::error::{Error, ErrorKind, Result};

/// The state at `version`. It holds disk space, so it is given up once no transaction may use it any more.
#[derive(Debug)]
pub(super) struct View {
    pub(super) version: u64,
    engine: RwLock<Option<EngineView>>,
}

impl View {
    pub(super) fn new(version: u64, engine: EngineView) -> Self {
        Self { version, engine: RwLock::new(Some(engine)) }
    }

    /// Runs a read on the view.
    pub(super) fn read<T>(&self, read: impl FnOnce(&EngineView) -> Result<T>) -> Result<T> {
        match &*self.engine.read() {
            Some(engine) => read(engine),
            None => Err(Error::too_old()),
        }
    }

    /// Gives the view up; transactions that still hold it are told that they are too old. Answers whether it did: not while
    /// a read is under way.
    pub(super) fn retire(&self) -> bool {
        self.engine.try_write().is_some_and(|mut engine| {
            *engine = None;
            true
        })
    }
}

/// The view that new transactions get.
#[derive(Debug)]
pub(super) struct Views(RwLock<Current>);

#[derive(Debug)]
enum Current {
    Open(Arc<View>),
    /// The engine is being opened again after an error of the disk.
    Recovering,
    Closed,
}

impl Views {
    pub(super) fn new(first: View) -> Self {
        Self(RwLock::new(Current::Open(Arc::new(first))))
    }

    pub(super) fn current(&self) -> Result<Arc<View>> {
        match &*self.0.read() {
            Current::Open(view) => Ok(Arc::clone(view)),
            Current::Recovering => Err(Error::new(ErrorKind::Unavailable, "store recovers from a disk error")),
            Current::Closed => Err(Error::closed()),
        }
    }

    /// Fails when the store was closed.
    pub(super) fn check_open(&self) -> Result<()> {
        match &*self.0.read() {
            Current::Open(_) | Current::Recovering => Ok(()),
            Current::Closed => Err(Error::closed()),
        }
    }

    /// Makes a view current and answers the one before.
    pub(super) fn publish(&self, view: Arc<View>) -> Option<Arc<View>> {
        self.replace(Current::Open(view))
    }

    /// Holds new transactions off until the next view.
    pub(super) fn recover(&self) {
        drop(self.replace(Current::Recovering));
    }

    /// Refuses new transactions.
    pub(super) fn close(&self) {
        drop(self.replace(Current::Closed));
    }

    fn replace(&self, next: Current) -> Option<Arc<View>> {
        match std::mem::replace(&mut *self.0.write(), next) {
            Current::Open(view) => Some(view),
            Current::Recovering | Current::Closed => None,
        }
    }
}
