//! Futures and callbacks (<https://apple.github.io/foundationdb/api-c.html#future>).

use std::ffi::c_void;
use std::sync::mpsc;
use std::thread::ThreadId;
use std::time::Duration;

use fdb_standin::abi::FDBFuture;
use fdb_standin::api::future::fdb_future_block_until_ready;

use crate::api::{Database, Future};

/// What a callback says: the thread that it ran on, and what blocking there answers.
type Called = (ThreadId, i32);

/// # Safety
/// `parameter` is a boxed sender, and this is called once with it; `future` is alive.
unsafe extern "C" fn tell(future: *mut FDBFuture, parameter: *mut c_void) {
    // SAFETY: as promised.
    let (sender, blocked) =
        unsafe { (Box::from_raw(parameter.cast::<mpsc::Sender<Called>>()), fdb_future_block_until_ready(future)) };
    // A test that no longer listens has failed already.
    let _ = sender.send((std::thread::current().id(), blocked));
}

fn listen(future: &Future) -> mpsc::Receiver<Called> {
    let (sender, called) = mpsc::channel::<Called>();
    assert_eq!(future.set_callback(tell, Box::into_raw(Box::new(sender)).cast()), 0);
    called
}

#[test]
fn callbacks_run_on_the_network_thread() {
    let database = Database::fresh();
    database.set_faults("latency_ms=20,seed=3");
    let tx = database.begin();
    let future = tx.get(b"k");
    let called = listen(&future);
    let (thread, blocked) = called.recv().unwrap();
    assert_ne!(thread, std::thread::current().id());
    assert_eq!(blocked, 0, "a future that is ready blocks nobody");
    assert!(future.is_ready());
    assert!(called.recv().is_err(), "called once");
    let other = tx.get(b"k");
    assert_eq!(listen(&other).recv().unwrap().0, thread, "there is one such thread");
}

#[test]
fn callback_of_a_ready_future_runs_at_once() {
    let database = Database::fresh();
    let future = database.begin().read_version();
    // The transaction is gone, so the future ends one way or the other.
    let _ = future.done();
    let called = listen(&future);
    assert_eq!(called.try_recv().unwrap().0, std::thread::current().id());
}

#[test]
fn values_are_there_when_the_future_is_ready() {
    let database = Database::fresh();
    database.set_faults("partition_ms=0-");
    let tx = database.begin();
    let future = tx.get(b"k");
    assert!(!future.is_ready());
    assert_eq!(future.error(), 2015, "future_not_set");
    let called = listen(&future);
    future.cancel();
    called.recv_timeout(Duration::from_secs(10)).unwrap();
    assert_eq!(future.done(), Err(1101), "operation_cancelled");
    assert_eq!(future.value(), Err(1101));
}

#[test]
fn a_destroyed_future_still_calls_back() {
    let database = Database::fresh();
    database.set_faults("partition_ms=0-");
    let tx = database.begin();
    let future = tx.get(b"k");
    let called = listen(&future);
    drop(future);
    called.recv_timeout(Duration::from_secs(10)).unwrap();
}

#[test]
fn released_memory_cannot_be_read() {
    let database = Database::fresh();
    database.put(b"k", b"v");
    let tx = database.begin();
    let future = tx.get(b"k");
    assert_eq!(future.value().unwrap().as_deref(), Some(&b"v"[..]));
    future.release();
    assert_eq!(future.value(), Err(1102), "future_released");
    assert_eq!(future.error(), 0);
}

#[test]
fn a_value_is_read_as_what_it_is() {
    let database = Database::fresh();
    let tx = database.begin();
    assert_eq!(tx.get(b"k").int64(), Err(2000));
    assert_eq!(tx.get(b"k").key(), Err(2000));
    assert_eq!(tx.get(b"k").items(), Err(2000));
    assert_eq!(tx.read_version().value(), Err(2000));
}

#[test]
fn a_transaction_that_ends_fails_what_it_began() {
    let database = Database::fresh();
    database.set_faults("partition_ms=0-");
    let tx = database.begin();
    let read = tx.get(b"k");
    drop(tx);
    assert_eq!(read.done(), Err(1025), "transaction_cancelled");
    let tx = database.begin();
    let read = tx.get(b"k");
    tx.cancel();
    assert_eq!(read.done(), Err(1025));
    assert_eq!(tx.get(b"k").done(), Err(1025));
    assert_eq!(tx.commit().done(), Err(1025));
    tx.reset();
    let read = tx.get(b"k");
    tx.reset();
    assert_eq!(read.done(), Err(1025));
}
