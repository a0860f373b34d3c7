//! Futures of the C API: set once, on the network thread, which then calls the callback.

use std::ffi::{CString, c_char, c_void};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use crate::abi::{ErrorCode, FDBCallback, FDBFuture, FDBKey, FDBKeyValue, length};
use crate::{errors, network};

/// What an operation answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Value {
    Nothing,
    Int64(i64),
    Key(Vec<u8>),
    Stored(Option<Vec<u8>>),
    Items { items: Vec<(Vec<u8>, Vec<u8>)>, more: bool },
    Keys(Vec<Vec<u8>>),
    Strings(Vec<CString>),
}

pub(crate) type Outcome = Result<Value, ErrorCode>;

/// An operation under way, or its result.
pub(crate) struct Future {
    ready: OnceLock<Ready>,
    waiting: Mutex<Waiting>,
    set: Condvar,
    released: AtomicBool,
}

/// A result, with the arrays that the C API hands out; they point into `outcome`, which never moves or changes again.
pub(crate) struct Ready {
    outcome: Outcome,
    pub(crate) items: Vec<FDBKeyValue>,
    pub(crate) keys: Vec<FDBKey>,
    pub(crate) strings: Vec<*const c_char>,
}

// SAFETY: the pointers lead into `outcome`, which is immutable and owned by the same value.
unsafe impl Send for Ready {}
// SAFETY: as above.
unsafe impl Sync for Ready {}

#[derive(Default)]
struct Waiting {
    callback: Option<Callback>,
    /// Gives up the operation behind the future.
    cancel: Option<Box<dyn FnOnce() + Send>>,
    /// Is told the error that the future ends with.
    on_error: Option<Box<dyn FnOnce(ErrorCode) + Send>>,
}

struct Callback {
    function: unsafe extern "C" fn(*mut FDBFuture, *mut c_void),
    parameter: *mut c_void,
}

// SAFETY: the C API calls back on its network thread: who sets a callback hands its parameter to that thread.
unsafe impl Send for Callback {}

impl Ready {
    fn new(outcome: Outcome) -> Self {
        let (mut items, mut keys, mut strings) = (Vec::new(), Vec::new(), Vec::new());
        match &outcome {
            Ok(Value::Items { items: found, .. }) => items.extend(found.iter().map(|(key, value)| FDBKeyValue {
                key: key.as_ptr(),
                key_length: length(key),
                value: value.as_ptr(),
                value_length: length(value),
            })),
            Ok(Value::Keys(found)) => {
                keys.extend(found.iter().map(|key| FDBKey { key: key.as_ptr(), key_length: length(key) }));
            }
            Ok(Value::Strings(found)) => strings.extend(found.iter().map(|string| string.as_ptr())),
            _ => {}
        }
        Self { outcome, items, keys, strings }
    }
}

impl Future {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self {
            ready: OnceLock::new(),
            waiting: Mutex::default(),
            set: Condvar::new(),
            released: AtomicBool::new(false),
        })
    }

    /// A future that is ready.
    pub(crate) fn done(outcome: Outcome) -> Arc<Self> {
        let future = Self::new();
        future.complete(outcome);
        future
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sets the result, if there is none, and calls back. To be called on the network thread, and without locks that a
    /// callback may want.
    pub(crate) fn complete(self: &Arc<Self>, outcome: Outcome) {
        let mut waiting = self.waiting();
        if self.ready.set(Ready::new(outcome)).is_err() {
            return;
        }
        let Waiting { callback, cancel, on_error } = std::mem::take(&mut *waiting);
        drop(waiting);
        drop(cancel);
        self.set.notify_all();
        if let (Some(on_error), code @ 1..) = (on_error, self.error()) {
            on_error(code);
        }
        if let Some(callback) = callback {
            self.call(&callback);
        }
    }

    fn call(self: &Arc<Self>, callback: &Callback) {
        // SAFETY: who set the callback promised that it may be called once with this parameter, and the future is alive.
        unsafe { (callback.function)(self.as_raw(), callback.parameter) };
    }

    fn as_raw(self: &Arc<Self>) -> *mut FDBFuture {
        Arc::as_ptr(self).cast_mut().cast()
    }

    /// Whom to tell when the future ends with an error.
    pub(crate) fn on_error(&self, tell: impl FnOnce(ErrorCode) + Send + 'static) {
        let mut waiting = self.waiting();
        if !self.is_ready() {
            waiting.on_error = Some(Box::new(tell));
            return;
        }
        drop(waiting);
        if let code @ 1.. = self.error() {
            tell(code);
        }
    }

    /// What to do when the future is cancelled before it is ready.
    pub(crate) fn on_cancel(&self, cancel: impl FnOnce() + Send + 'static) {
        let mut waiting = self.waiting();
        if !self.is_ready() {
            waiting.cancel = Some(Box::new(cancel));
        }
    }

    /// `fdb_future_cancel`: the operation is given up, and the future becomes `operation_cancelled` on the network thread.
    pub(crate) fn cancel(self: &Arc<Self>) {
        if self.is_ready() {
            return;
        }
        let future = Arc::clone(self);
        network::post(Duration::ZERO, move || {
            let cancel = future.waiting().cancel.take();
            if let Some(cancel) = cancel {
                cancel();
            }
            future.complete(Err(errors::OPERATION_CANCELLED));
        });
    }

    pub(crate) fn is_ready(&self) -> bool {
        self.ready.get().is_some()
    }

    /// `fdb_future_set_callback`: calls at once when the future is ready.
    pub(crate) fn set_callback(self: &Arc<Self>, function: FDBCallback, parameter: *mut c_void) -> ErrorCode {
        let Some(function) = function else {
            return errors::INVALID_OPERATION;
        };
        let callback = Callback { function, parameter };
        let mut waiting = self.waiting();
        if self.is_ready() {
            drop(waiting);
            self.call(&callback);
        } else {
            waiting.callback = Some(callback);
        }
        errors::SUCCESS
    }

    /// `fdb_future_block_until_ready`.
    pub(crate) fn wait(&self) -> ErrorCode {
        if self.is_ready() {
            return errors::SUCCESS;
        }
        if network::is_current_thread() {
            return errors::BLOCKED_FROM_NETWORK_THREAD;
        }
        let mut waiting = self.waiting();
        while !self.is_ready() {
            waiting = self.set.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
        errors::SUCCESS
    }

    /// `fdb_future_release_memory`: the memory goes with the future; from here on it only answers its error.
    pub(crate) fn release(&self) {
        self.released.store(true, Ordering::Release);
    }

    /// `fdb_future_get_error`.
    pub(crate) fn error(&self) -> ErrorCode {
        match self.ready.get().map(|ready| &ready.outcome) {
            None => errors::FUTURE_NOT_SET,
            Some(Ok(_)) => errors::SUCCESS,
            Some(Err(code)) => *code,
        }
    }

    /// The value, with its arrays.
    pub(crate) fn value(&self) -> Result<(&Value, &Ready), ErrorCode> {
        let ready = self.ready.get().ok_or(errors::FUTURE_NOT_SET)?;
        let value = ready.outcome.as_ref().map_err(|code| *code)?;
        match self.released.load(Ordering::Acquire) {
            true => Err(errors::FUTURE_RELEASED),
            false => Ok((value, ready)),
        }
    }
}

/// Hands a future to the caller of the C API.
pub(crate) fn into_raw(future: Arc<Future>) -> *mut FDBFuture {
    Arc::into_raw(future).cast_mut().cast()
}

/// The future that a caller names.
///
/// # Safety
/// The pointer came from [`into_raw`] and was not given to [`take`].
pub(crate) unsafe fn borrow(future: *mut FDBFuture) -> Arc<Future> {
    let future: *const Future = future.cast_const().cast();
    // SAFETY: the caller holds one count of the `Arc`, so that it is alive and a second count can be taken.
    unsafe {
        Arc::increment_strong_count(future);
        Arc::from_raw(future)
    }
}

/// Takes a future back from a caller who is done with it.
///
/// # Safety
/// As [`borrow`]; the pointer must not be used again.
pub(crate) unsafe fn take(future: *mut FDBFuture) -> Arc<Future> {
    // SAFETY: the count that `into_raw` gave away comes back here.
    unsafe { Arc::from_raw(future.cast_const().cast()) }
}
